"""Which calls to the kernel may a stranger's programs not make? Those that reach beyond namespaces, or hide memory.

A filter of seccomp(2), which no program in there can lift. What it refuses answers ENOSYS, as an older kernel would:
keys (no namespace holds all of them), the kernel's log, tracing, programs for the kernel, file handles, clocks, and
ways to keep memory that no process shows (memory without a name, shared memory of System V, mounts without a place).
Sockets are those of networks, and Unix sockets: a socket of a virtual machine's host (AF_VSOCK) belongs to no network.
A socket for packets has no ring in the kernel's memory, which may be of gigabytes (packet_mmap); what listens for long
needs none.
"""

from __future__ import annotations

import errno
import platform

from ..errors import NotReady
from ..language import tr
from ..world import (
    ARCHITECTURE,
    AUDIT_ARCH,
    BPF_AT_LEAST,
    BPF_EQUAL,
    BPF_LOAD,
    FIRST_ARGUMENT,
    NUMBER,
    SECOND_ARGUMENT,
    THIRD_ARGUMENT,
    allow,
    refuse,
    step,
)

FAMILIES = (1, 2, 10, 16, 17)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET

# x86_64 has a list of its own (arch/x86/entry/syscalls), newer processors share one (asm-generic/unistd.h).
OF_X86_64 = {
    "shmget": 29, "shmat": 30, "semget": 64, "msgget": 68, "ptrace": 101, "syslog": 103, "adjtimex": 159,
    "acct": 163, "settimeofday": 164, "swapon": 167, "swapoff": 168, "reboot": 169, "iopl": 172, "ioperm": 173,
    "init_module": 175, "delete_module": 176, "quotactl": 179, "lookup_dcookie": 212, "clock_settime": 227,
    "mq_open": 240, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "perf_event_open": 298,
    "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304, "clock_adjtime": 305,
    "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "memfd_create": 319,
    "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
}  # fmt: skip
OF_OTHERS = {
    "lookup_dcookie": 18, "quotactl": 60, "acct": 89, "kexec_load": 104, "init_module": 105, "delete_module": 106,
    "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "settimeofday": 170, "adjtimex": 171,
    "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "shmat": 196, "add_key": 217, "request_key": 218,
    "keyctl": 219, "swapon": 224, "swapoff": 225, "perf_event_open": 241, "fanotify_init": 262,
    "name_to_handle_at": 264, "open_by_handle_at": 265, "clock_adjtime": 266, "process_vm_readv": 270,
    "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
    "kexec_file_load": 294,
}  # fmt: skip
# The same on all: io_uring_*, open_tree to fspick, pidfd_getfd, mount_setattr, quotactl_fd, memfd_secret,
# open_tree_attr
NEWER = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 443, 447, 467)
NEWEST = 467  # what the kernel has got since, nobody has looked at: file_getattr is 468
SOCKET = {"x86_64": 41, "aarch64": 198, "riscv64": 198}
SETSOCKOPT = {"x86_64": 54, "aarch64": 208, "riscv64": 208}
SETRLIMIT = {"x86_64": 160, "aarch64": 164, "riscv64": 164}
PRLIMIT = {"x86_64": 302, "aarch64": 261, "riscv64": 261}
RLIMIT_CORE = 4  # which `confine` has set
SOL_PACKET, PACKET_RX_RING, PACKET_TX_RING = 263, 5, 13  # linux/if_packet.h


def program() -> bytes:
    """The filter, as the kernel reads it. Raises NotReady on a processor whose calls are not known here."""
    machine = platform.machine()
    if machine not in SOCKET:
        raise NotReady(
            tr(
                "Cannot confine what others wrote: the numbers of calls on {machine} are not known here.",
                machine=machine,
            )
        )
    refused = [*(OF_X86_64 if machine == "x86_64" else OF_OTHERS).values(), *NEWER]
    # Programs for another processor count their calls otherwise.
    steps = [step(BPF_LOAD, ARCHITECTURE), step(BPF_EQUAL, AUDIT_ARCH[machine], 1, 0), refuse(errno.ENOSYS)]
    # On x86_64 calls of another list (X32) have numbers above these, too.
    steps += [step(BPF_LOAD, NUMBER), step(BPF_AT_LEAST, NEWEST + 1, 0, 1), refuse(errno.ENOSYS)]
    for number in refused:
        steps += [step(BPF_EQUAL, number, 0, 1), refuse(errno.ENOSYS)]
    decisions = {
        SETSOCKOPT[machine]: _no_rings(),
        SETRLIMIT[machine]: _same_core(FIRST_ARGUMENT),
        PRLIMIT[machine]: _same_core(SECOND_ARGUMENT),
        SOCKET[machine]: _families_only(),
    }
    for number, decision in decisions.items():
        steps += [step(BPF_EQUAL, number, 0, len(decision)), *decision]
    steps.append(allow())
    return b"".join(steps)


def _families_only() -> list[bytes]:
    """What becomes of socket(2)."""
    steps = [step(BPF_LOAD, FIRST_ARGUMENT)]
    for family in FAMILIES:
        steps += [step(BPF_EQUAL, family, 0, 1), allow()]
    return [*steps, refuse(errno.EAFNOSUPPORT)]


def _same_core(argument: int) -> list[bytes]:
    """What becomes of a call that may change the limit of a core; argument: which of its words says what limit."""
    return [step(BPF_LOAD, argument), step(BPF_EQUAL, RLIMIT_CORE, 0, 1), refuse(errno.EPERM), allow()]


def _no_rings() -> list[bytes]:
    """What becomes of setsockopt(2)."""
    steps = [step(BPF_LOAD, SECOND_ARGUMENT), step(BPF_EQUAL, SOL_PACKET, 1, 0), allow()]
    steps.append(step(BPF_LOAD, THIRD_ARGUMENT))
    for ring in (PACKET_RX_RING, PACKET_TX_RING):
        steps += [step(BPF_EQUAL, ring, 0, 1), refuse(errno.ENOPROTOOPT)]
    return [*steps, allow()]
