/* What Linux before 6.13 leaves out on processors with AMX: a kernel takes back all registers or none.
 * Labs get by with those of SSE (vethlab_sh/uml/registers.py); the tests in there have numpy, which uses AVX. */
/* User-mode Linux before 6.13 on a processor with AMX. It writes a process's registers back as far as it knows them,
 * and this machine's kernel takes all or none (EFAULT in xstateregs_set(), arch/x86/kernel/fpu/regset.c): so read all,
 * put its part over them, and write all. `run` compiles this where it is needed; LD_PRELOAD brings it in. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

long ptrace(enum __ptrace_request request, ...)
{
    static long (*real)(enum __ptrace_request, ...);
    static char all[1 << 16];
    struct iovec whole = {all, sizeof all};
    va_list given;

    va_start(given, request);
    pid_t pid = va_arg(given, pid_t);
    void *address = va_arg(given, void *);
    void *data = va_arg(given, void *);
    va_end(given);
    if (!real)
        real = dlsym(RTLD_NEXT, "ptrace");
    if (request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE)
        return real(request, pid, address, data);
    if (real(PTRACE_GETREGSET, pid, address, &whole) < 0)
        return -1;
    struct iovec *part = data;
    memcpy(all, part->iov_base, part->iov_len);
    return real(PTRACE_SETREGSET, pid, address, &whole);
}
