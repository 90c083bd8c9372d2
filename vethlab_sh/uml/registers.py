"""Which of the processor's registers does user-mode Linux move? All of them, or on some processors fewer.

It asks the machine's kernel, by ptrace(2), for the registers of each of its processes, and puts them back. Debian 12's
and 13's (Linux 6.1 and 6.12) have room for those that were known then, and a kernel takes back either all of a
processor's or none (xstateregs_set in arch/x86/kernel/fpu/regset.c). On a processor with AMX, as Intel's servers have
since 2023, there are more: no process begins, and it panics. Debian's later one (7.2) asks how many there are.

Where that kind of question is refused, the older ones move the registers of SSE alone, as on a processor that has no
others. The others, of AVX, are lost whenever a process waits for a page of its memory: what runs in there must leave
them alone. The C library does when its environment says so, of every process: of the first one, by the kernel's command
line, and of modprobe, which a kernel starts with an environment of its own.
"""

from __future__ import annotations

import concurrent.futures
import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..world import (
    ARCHITECTURE,
    AUDIT_ARCH,
    BPF_EQUAL,
    BPF_LOAD,
    FIRST_ARGUMENT,
    NUMBER,
    THIRD_ARGUMENT,
    allow,
    forbid,
    libc,
    must,
    refuse,
    step,
)

PROCESSOR = Path("/proc/cpuinfo")
TILES = "amx_tile"  # one of the processor's flags
PR_SET_NO_NEW_PRIVS = 38
SYS_PTRACE = 101  # on x86-64, the only one that user-mode Linux is for
PTRACE_GETREGSET, NT_X86_XSTATE = 0x4204, 0x202  # linux/ptrace.h, linux/elf.h
# What of glibc uses AVX, in `memcpy` and the like, does without: "Hardware Capability Tunables" of its manual.
WITHOUT_AVX = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX512CD,-AVX512DQ,"
    "-AVX_Fast_Unaligned_Load"
}
ELF_HEADERS = 64 + 56  # bytes: the file's, and the segment's

T = TypeVar("T")


def may_be_too_many() -> bool:
    """Whether this processor has registers that an older user-mode Linux does not know."""
    for line in PROCESSOR.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return TILES in value.split()
    return False


def fewer(start: Callable[[], T]) -> T:
    """What a function returns, whose processes, and theirs, move the registers of SSE alone.

    It runs in a thread of its own: a filter of seccomp(2) is a thread's, and of the processes that this one starts.
    Raises Refused, and what it raises.
    """
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(_under_the_filter, start).result()


def helper(program: str) -> bytes:
    """A program that executes another, with its own arguments, in an environment that has WITHOUT_AVX.

    An ELF file (elf(5)) of one segment, without a C library: any other would use AVX before it could set anything.
    """
    code_size, place = len(_code(0, 0)), 0x400000
    words = place + ELF_HEADERS + code_size  # where in memory the two words are: their ends are zeros
    path = os.fsencode(program) + b"\0"
    (setting,) = (f"{name}={value}".encode() + b"\0" for name, value in WITHOUT_AVX.items())
    environment = words + len(path) + len(setting)
    data = path + setting + struct.pack("<QQ", words + len(path), 0)
    size = ELF_HEADERS + code_size + len(data)
    kind, processor, version = 2, 62, 1  # ET_EXEC, EM_X86_64, EV_CURRENT
    header = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH",
        b"\x7fELF", 2, 1, version, kind, processor, version, place + ELF_HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0,
    )  # fmt: skip
    load, readable_and_executable, page = 1, 5, 0x1000
    segment = struct.pack("<IIQQQQQQ", load, readable_and_executable, 0, place, place, size, size, page)
    return header + segment + _code(words, environment) + data


def _code(program: int, environment: int) -> bytes:
    """execve(program, our arguments, environment), or exit(127); the two are addresses. syscall(2), x86-64."""
    return b"".join(
        [
            b"\x48\x8d\x74\x24\x08",  # lea 8(%rsp), %rsi: our arguments
            b"\xbf" + struct.pack("<I", program),  # mov $program, %edi
            b"\xba" + struct.pack("<I", environment),  # mov $environment, %edx
            b"\xb8\x3b\x00\x00\x00\x0f\x05",  # mov $59, %eax; syscall
            b"\xbf\x7f\x00\x00\x00",  # mov $127, %edi
            b"\xb8\x3c\x00\x00\x00\x0f\x05",  # mov $60, %eax; syscall
        ]
    )


def _under_the_filter(start: Callable[[], T]) -> T:
    must(libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    forbid(_filter())
    return start()


def _filter() -> bytes:
    """No question for these registers: ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, …)."""
    steps = [
        step(BPF_LOAD, ARCHITECTURE),
        step(BPF_EQUAL, AUDIT_ARCH["x86_64"], 1, 0),
        allow(),
        step(BPF_LOAD, NUMBER),
        step(BPF_EQUAL, SYS_PTRACE, 1, 0),
        allow(),
        step(BPF_LOAD, FIRST_ARGUMENT),
        step(BPF_EQUAL, PTRACE_GETREGSET, 1, 0),
        allow(),
        step(BPF_LOAD, THIRD_ARGUMENT),
        step(BPF_EQUAL, NT_X86_XSTATE, 1, 0),
        allow(),
        refuse(errno.EINVAL),
    ]
    return b"".join(steps)
