"""How is a private world made? By a process that asks the kernel for namespaces, and another that stays to hold them.

Two processes make it. The *founder* makes the user namespace, the network and the names that lines run in; beside it
the *holder*, process 1 of the world, builds the files that are seen in there. The holder never enters that inner user
namespace: who is root in there has no rights over it, cannot look into it (`/proc/1/cwd` and the like, ptrace(2)), and
cannot take off what it has mounted, since the inner mount namespace is a copy whose mounts are locked
(mount_namespaces(7)). For an ordinary user the holder has a user namespace of its own, around the other.

The holder waits for the end of a socket whose other end only our Python has. Not a pipe: who finds a pipe in /proc may
open its other end again, and keep the holder for ever; a socket cannot be opened (open(2), ENXIO).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

HOSTNAME = "master"
NOBODY = 65534

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC = 0x20000000, 0x40000000, 0x08000000
CLONE_PARENT = 0x8000
NS_GET_USERNS = 0xB701  # ioctl_ns(2)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 32, 4096, 8192, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_DUMPABLE = 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4  # mount_setattr(2)
SYS_CLONE3, SYS_MOUNT_SETATTR = 435, 442  # the same on every processor, as all newer numbers are
SYS_KEYCTL = {"x86_64": 250, "ppc64le": 271, "s390x": 280}  # asm-generic/unistd.h: 219 on those that are newer
KEYCTL_JOIN_SESSION_KEYRING = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
BPF_LOAD, BPF_EQUAL, BPF_AT_LEAST, BPF_RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
# struct seccomp_data: a call's number, its processor, and the low halves of what it is given
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}  # linux/audit.h

SHELL_OF_HOLDER = """
while read -r word; do
    case $word in
        stay) exec sleep infinity </dev/null >/dev/null 2>&1 ;;
        end) kill -KILL -1; echo ended ;;
    esac
done
"""
NEW_ROOT = "/run"  # where it is built: every system has this folder, and none of its files is in a lab
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "net/tun")
DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
OWN = {"proc", "sys", "dev", "run"}  # folders of the root that are never the machine's
# What strangers see of the machine's files: its programs, and the few settings that programs ask for
PROGRAMS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix", "gnu")
OURS, OF_A_LAB = Path(__file__).with_name("programs"), "/programs"  # those that are others in a lab: `sudo`
WITHOUT_SYS = Path(__file__).with_name("programs_without_sys")  # and where /sys cannot be mounted at will
NO_SYS_AT_WILL = ".no-sys-at-will"  # an empty file that says so, among those that lines print into
SETTINGS = (
    "alternatives", "ethertypes", "iproute2", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "networks",
    "protocols", "rpc", "services",
)  # fmt: skip
# What lines write in /etc: files, and folders with files, of programs that set up networks. A lab has its own of each,
# but of those that its user may not read, and of those that are too large.
ETC = (
    "bird", "cni/net.d", "ethers", "frr", "hostname", "hosts", "iproute2", "iproute2/rt_protos.d",
    "iproute2/rt_tables.d", "iptables", "modprobe.d", "modules", "modules-load.d", "netns", "network",
    "network/interfaces.d", "networks", "nftables.conf", "resolv.conf", "sysctl.conf", "sysctl.d", "wireguard",
)  # fmt: skip
LARGEST_SETTING = 256 * 1024  # bytes
WRITTEN = {
    "passwd": "root:x:0:0::/tmp:/bin/bash\nlearner:x:{uid}:{gid}::/tmp:/bin/bash\n",
    "group": "root:x:0:\nlearner:x:{gid}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nprotocols: files\nservices: files\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "hostname": f"{HOSTNAME}\n",
}  # fmt: skip
# Of /proc, what tells of the whole machine, its keys and its devices, or rules it; the settings of networks are a
# network's own. As container runtimes mask it: opencontainers/runtime-spec, config-linux.md
MASKED = ("keys", "key-users", "kcore", "kmsg", "kallsyms", "sysrq-trigger", "timer_list", "latency_stats", "modules")
MASKED_FOLDERS = ("acpi", "asound", "bus", "driver", "fs", "irq", "scsi")
# How many of each a stranger's world may have, all namespaces in it together: user_namespaces(7), /proc/sys/user. Of
# these only a user namespace around it can tell, and nobody in there may write in that one.
NUMBERS = {
    "net_namespaces": 250, "mnt_namespaces": 500, "user_namespaces": 250, "pid_namespaces": 250, "uts_namespaces": 250,
    "ipc_namespaces": 250, "cgroup_namespaces": 250, "time_namespaces": 250, "inotify_instances": 64,
    "inotify_watches": 4096, "fanotify_groups": 16, "fanotify_marks": 256,
}  # fmt: skip
PTYS = 64  # the machine's number of them is one for all
# Settings that a new network copies from the machine's first one: set what changes the lessons
PLAIN_SETTINGS = ("ip_forward", "conf/all/rp_filter", "conf/default/rp_filter")


@dataclass(frozen=True)
class Plan:
    """What a world is to be.

    strict: of strangers. Nothing of the machine's files but its programs, read-only, and every part is there or the
    world is not made; lines run as the user nobody where we are root. memory: MiB that its folders in memory may hold;
    processes: how many it may have (strict only). ours: our own programs by name: their folder may be one that nobody,
    the user, cannot enter (strict only; read when the world is made).
    """

    strict: bool = False
    memory: int = 0
    processes: int = 0
    ours: tuple[tuple[str, bytes], ...] = ()


class Refused(OSError):
    """The kernel refuses a call that a world needs; `call` is its name."""

    def __init__(self, number: int, call: str) -> None:
        super().__init__(number, os.strerror(number))
        self.call = call


@dataclass(frozen=True)
class Held:
    """A world that was made. pid: its holder's number here; line: our end of the holder's socket; fds: see `_send`."""

    pid: int
    line: socket.socket
    descriptors: dict[str, int]


# --- calls that Python has no function for


_libc: ctypes.CDLL | None = None


def libc() -> ctypes.CDLL:
    """The C library; before a fork, because loading it may wait for a lock."""
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    return _libc


def must(result: int, call: str) -> int:
    """What a call answered; raises Refused where that is -1."""
    if result == -1:
        raise Refused(ctypes.get_errno(), call)
    return result


def unshare(flags: int) -> None:
    """New namespaces for this process; unshare(2). (Python has it from 3.12 on.)"""
    must(libc().unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Enter a namespace, or those of the process that a pidfd is of; setns(2)."""
    must(libc().setns(descriptor, flags), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    result = libc().mount(_word(source), _word(target), _word(kind), ctypes.c_ulong(flags), _word(options))
    must(result, f"mount of {target}")


def _word(word: str | None) -> bytes | None:
    """A word as the kernel takes it."""
    return None if word is None else os.fsencode(word)


def bind(source: str, target: str, flags: int = MS_REC) -> None:
    """Show a file or folder in another place, with all that is mounted below."""
    mount(source, target, None, MS_BIND | flags)


def bound_read_only(target: str, flags: int = 0) -> None:
    """Make a mount read-only where it is; only this one, not those below."""
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)


def pivot_root(new: str, old: str) -> None:
    """Make a mount the root, and show the one before in a folder of it; pivot_root(2)."""
    must(libc().pivot_root(os.fsencode(new), os.fsencode(old)), "pivot_root")


class MountAttributes(ctypes.Structure):
    """struct mount_attr: which attributes of a mount are set and which are cleared; mount_setattr(2)."""

    _fields_ = (
        ("on", ctypes.c_uint64),
        ("off", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def all_read_only(target: str) -> None:
    """Make a mount and all below it read-only, without devices and without other users' rights."""
    attributes = MountAttributes(on=MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, propagation=MS_PRIVATE)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    # by its number: a C library of 2021 has no function for it
    result = libc().syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, ctypes.byref(attributes), size
    )
    must(result, f"mount_setattr of {target}")


def without_session_keys() -> None:
    """Leave the session keyring of who started us for a new one; keyctl(2). Where the kernel refuses, lines cannot."""
    number = SYS_KEYCTL.get(os.uname().machine, 219)
    libc().syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)


def clone_sibling() -> int:
    """fork(2), but the child is our parent's: who waits for us waits for it, and no process stays between them."""
    arguments = struct.pack("8Q", CLONE_PARENT, 0, 0, 0, 0, 0, 0, 0)  # struct clone_args, version 0
    result: int = libc().syscall(SYS_CLONE3, arguments, ctypes.c_size_t(len(arguments)))
    if result == -1:  # an old list of allowed calls: then it becomes an orphan
        return os.fork()
    return result


def user_namespace_of(namespace: int) -> int:
    """A descriptor of the user namespace that a namespace belongs to; ioctl_ns(2)."""
    import fcntl  # which Windows has not, where recordings are shown

    return fcntl.ioctl(namespace, NS_GET_USERNS)


# --- filters of calls


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction of a filter: struct sock_filter; the last two say how many instructions are left out."""
    return struct.pack("HBBI", code, if_true, if_false, value)


def allow() -> bytes:
    """The instruction that lets a call through."""
    return step(BPF_RETURN, SECCOMP_RET_ALLOW)


def refuse(number: int) -> bytes:
    """The instruction that lets a call fail with this number of an error."""
    return step(BPF_RETURN, SECCOMP_RET_ERRNO | number)


class Filter(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def forbid(steps: bytes) -> None:
    """Put this thread, and all processes that it starts, under a filter; seccomp(2).

    In a user namespace where it may do everything, or after it gave up new privileges.
    """
    given = Filter(len(steps) // len(allow()), steps)
    must(libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(given), 0, 0), "seccomp")


# --- here


def make(plan: Plan, path: str, shell: str, meanwhile: Callable[[], None] | None = None) -> Held:
    """A new world; path: PATH for its holder; shell: where bash is; meanwhile: called here while it is made.

    Raises Refused.
    """
    import subprocess

    sys.audit("vethlab_sh.world")
    libc()
    ours, theirs = socket.socketpair()
    with theirs:
        founder: subprocess.Popen[bytes] = subprocess.Popen(
            [shell],  # never executed: the function below does not return
            stdin=theirs.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": path, "LC_ALL": "C"},
            preexec_fn=partial(_begin, plan, path, shell),
        )
    assert founder.stdout
    holder = 0
    try:
        if meanwhile:
            meanwhile()
        said = founder.stdout.read().decode(errors="replace").splitlines()  # until the holder is what it will be
        for line in said:
            word, _, rest = line.partition(" ")
            if word == "holder":
                holder = int(rest)
        for line in said:
            word, _, rest = line.partition(" ")
            if word == "refused":
                number, _, call = rest.partition(" ")
                raise Refused(int(number), call)
        if not holder:
            raise Refused(errno.EAGAIN, "fork")
        return Held(holder, ours, _receive(ours) if plan.strict else {})
    except BaseException:
        ours.close()  # and so the holder ends
        if holder:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(holder, 0)
        raise
    finally:
        founder.stdout.close()
        founder.wait()


def _receive(line: socket.socket) -> dict[str, int]:
    """The descriptors that founder and holder sent, by name."""
    found = {}
    line.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(len(SENT)):
            name, descriptors, _, _ = socket.recv_fds(line, 16, 1)
            os.set_inheritable(descriptors[0], False)  # which recvmsg(2) does not do by itself
            found[name.decode().strip()] = descriptors[0]
    line.setblocking(True)
    return found


SENT = ("mounts", "proc")  # the mount namespace that lines run in; /proc as nobody in there can cover it


# --- in the process that founds it


def _begin(plan: Plan, path: str, shell: str) -> NoReturn:
    """Found a world; what goes wrong is told by a line. For a process just forked; ends it."""
    code = 1
    try:
        os.chdir("/")  # no folder is kept from being unmounted
        os.setsid()  # Ctrl-C in the terminal is for the command, not for the world
        _keep_only(0, 1)
        say = os.dup(1)  # closed by the holder when it executes bash, and so read to its end by who waits
        os.dup2(0, 1)
        os.dup2(0, 2)
        try:
            _found(plan, say, path, shell)
            code = 0
        except OSError as error:
            call = getattr(error, "call", "") or error.filename or "a call"
            os.write(say, f"refused {error.errno or 0} {call}\n".encode())
    finally:
        os._exit(code)


def _keep_only(*kept: int) -> None:
    """Close all other descriptors: those of other labs, above all."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(256))
    for number in numbers:
        if number > 2 and number not in kept:
            with contextlib.suppress(OSError):  # that of the listing itself
                os.close(number)


def _found(plan: Plan, say: int, path: str, shell: str) -> None:
    """The founder: the namespaces that lines run in. A word to the holder when they are there, one when all is."""
    if plan.strict:
        ours = tuple((path.name, path.read_bytes()) for path in OURS.iterdir())
        plan = replace(plan, ours=ours)
        if os.geteuid() == 0:
            _leave_root()
    is_root = os.geteuid() == 0
    uid, gid = os.geteuid(), os.getegid()
    if is_root:
        _outer_namespaces_of_root()
    else:
        _own_user_namespace(CLONE_NEWNS | CLONE_NEWPID, uid, gid)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    me = os.pidfd_open(os.getpid())
    my_namespaces = os.open("/proc/self/ns", os.O_PATH | os.O_DIRECTORY)
    hear_founder, tell_holder = os.pipe()
    hear_holder, tell_founder = os.pipe()
    number = os.getpid()
    pid = clone_sibling()
    if pid == 0:
        os.close(tell_holder)
        os.close(hear_holder)
        _Holder(plan, say, me, number, hear_founder, tell_founder).become(path, shell)
    os.write(say, f"holder {pid}\n".encode())
    os.close(hear_founder)
    os.close(tell_founder)
    if plan.strict:
        _limit_processes(plan.processes)
    _inner_namespaces(plan, is_root, uid, gid, tell_holder)
    if os.read(hear_holder, 1) != b"m":  # the root is built
        return  # the holder has said why not
    if not plan.strict:
        os.chroot("/..")  # what covers the root, where that could not be changed: see `_cover_the_root`
        os.chdir("/")
    unshare(CLONE_NEWNS)
    # Here, not by the holder: were this locked, the kernel would give nobody another /sys that can be written to, and
    # `ip netns exec` inside `ip netns exec` asks for one.
    with contextlib.suppress(Refused):
        bound_read_only("/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if plan.strict:
        _own_iproute2("/etc/iproute2")  # not by the holder: whoever judges reads the machine's names
        mounts = os.open("mnt", os.O_RDONLY, dir_fd=my_namespaces)
        with socket.socket(fileno=os.dup(0)) as line:
            socket.send_fds(line, [b"mounts"], [mounts])
    os.write(tell_holder, b"m")
    os.read(hear_holder, 1)  # until it has them too, and has closed its end


def _outer_namespaces_of_root() -> None:
    try:
        unshare(CLONE_NEWNS | CLONE_NEWPID)
    except Refused:  # root of a container: who makes a user namespace needs no CAP_SYS_ADMIN outside
        _user_namespace_of_root(CLONE_NEWNS | CLONE_NEWPID)


def _user_namespace_of_root(flags: int) -> None:
    """A user namespace with all users that we have; a process that stays outside is asked to say which."""
    libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    number = os.getpid()
    hear, tell = os.pipe()
    writer = os.fork()
    if writer == 0:
        _map_users_when_told(number, hear, tell)
    os.close(hear)
    try:
        unshare(CLONE_NEWUSER | flags)
        os.write(tell, b"n")
    finally:
        os.close(tell)
        _, status = os.waitpid(writer, 0)
    if status:
        raise Refused(errno.EPERM, "write of uid_map")


def _map_users_when_told(number: int, hear: int, tell: int) -> NoReturn:
    code = 1
    try:
        os.close(tell)
        if os.read(hear, 1):
            _map_all_users(number)
        code = 0
    finally:
        os._exit(code)


def _map_all_users(number: int) -> None:
    """In another process's user namespace its users are to be those that we have, by the same numbers.

    It cannot say so itself, having no rights outside any more: user_namespaces(7).
    """
    for kind in ("uid_map", "gid_map"):
        ours = Path(f"/proc/self/{kind}").read_text()
        same = ""
        for line in ours.splitlines():
            first, _, count = line.split()
            same += f"{first} {first} {count}\n"
        _write(f"/proc/{number}/{kind}", same)


def _inner_namespaces(plan: Plan, is_root: bool, uid: int, gid: int, tell_holder: int) -> None:
    inner = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC
    if not is_root:
        _own_user_namespace(inner, uid, gid)
        os.write(tell_holder, b"i")
        return
    try:
        unshare(CLONE_NEWUSER | inner)
        os.write(tell_holder, b"u")
    except Refused:  # forbidden, or a chroot: root's own lines are held by the rest
        unshare(inner)
        os.write(tell_holder, b"i")


def _leave_root() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _own_user_namespace(flags: int, uid: int, gid: int) -> None:
    """Make a user namespace, and others with it, in which we are who we were; user_namespaces(7)."""
    # Who has changed users finds its own /proc/self to be root's still: PR_SET_DUMPABLE(2const)
    libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    unshare(CLONE_NEWUSER | flags)
    _write("/proc/self/setgroups", "deny")  # without which no one but root may write gid_map
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")


def _write(file: str, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _limit_processes(number: int) -> None:
    """For the user namespace that is made next: all of it together, by whatever it does (kernel/ucount.c)."""
    import resource

    resource.setrlimit(resource.RLIMIT_NPROC, (number, number))


def _limit_numbers() -> None:
    """For the user namespace that we are in and all inside it, together; kernel/ucount.c counts by user."""
    for name, number in NUMBERS.items():
        file = f"/proc/sys/user/max_{name}"
        if os.path.exists(file):  # a kernel may be without some
            _write(file, str(number))


# --- in process 1


@dataclass(frozen=True)
class _Holder:
    """Process 1 while it builds; say: where errors go; founder, number: that process, for entering and in its /proc."""

    plan: Plan
    say: int
    founder: int
    number: int
    hear: int
    tell: int

    def become(self, path: str, shell: str) -> NoReturn:
        """Build the world and execute what waits for its end."""
        try:
            self._build()
            for number in range(1, signal.NSIG):  # nothing inside may end it; bash reaps the orphans
                with contextlib.suppress(OSError, ValueError):  # those that cannot be ignored
                    signal.signal(number, signal.SIG_IGN)
            # Else bash takes a socket for a login from afar, and reads ~/.bashrc.
            words = [shell, "--norc", "--noprofile", "-c", SHELL_OF_HOLDER]
            os.execve(shell, words, {"PATH": path, "LC_ALL": "C"})
        except OSError as error:
            call = getattr(error, "call", "") or error.filename or "a call"
            os.write(self.say, f"refused {error.errno or 0} {call}\n".encode())
        finally:
            os._exit(1)

    def _build(self) -> None:
        _plant(self.plan)
        namespaces = os.read(self.hear, 1)
        if not namespaces:  # the founder has said why
            os._exit(1)
        if namespaces == b"u":
            _map_all_users(self.number)
        setns(self.founder, CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
        _name_host(self.plan)
        _loopback_up()
        at_will = _mount_sys(self.plan)
        _move_in(self.plan)
        files = _hidden_folder(self.plan)
        if not at_will:
            os.close(os.open(NO_SYS_AT_WILL, os.O_CREAT | os.O_WRONLY, 0o444, dir_fd=files))
        _own_run(self.plan)
        for key in PLAIN_SETTINGS:
            with contextlib.suppress(OSError):
                _write(f"/proc/sys/net/ipv4/{key}", "0")
        if self.plan.strict:
            _limit_numbers()
            _mask_proc()
            proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
            with socket.socket(fileno=os.dup(0)) as line:
                socket.send_fds(line, [b"proc"], [proc])
            os.close(proc)
        bound_read_only("/", MS_NOSUID | MS_NODEV)
        os.write(self.tell, b"m")
        if not os.read(self.hear, 1):
            os._exit(1)
        if not self.plan.strict:  # a stranger's lines have mounts that the holder is never in
            root = os.stat("/")
            setns(self.founder, CLONE_NEWNS)
            # Whoever enters a mount namespace is at its root; in a chroot that is the machine's, and not ours.
            if not os.path.samestat(os.stat("/"), root):
                raise Refused(errno.EPERM, "setns")
            if os.geteuid() == 0:
                _rule_nothing_of_the_machine()
        os.fchdir(files)  # where `Sandbox` finds it
        nothing = os.open("/dev/null", os.O_WRONLY)
        os.dup2(nothing, 2)  # bash complains that its folder has no name


def _plant(plan: Plan) -> None:
    """Build the root of the world, without /sys, which is that of a network."""
    mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m")
    if plan.strict:
        _programs_only(plan)
    else:
        _all_files()
    for name in OWN:
        os.mkdir(f"{NEW_ROOT}/{name}")
    try:
        mount("proc", f"{NEW_ROOT}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except Refused:  # in a container /proc is masked, and then the kernel gives no other (mount_too_revealing())
        if plan.strict:
            raise
        bind("/proc", f"{NEW_ROOT}/proc")
    _devices(plan)


def _all_files() -> None:
    """All of the machine's files but those of OWN: a lab shares its user's files."""
    for entry in os.scandir("/"):
        if entry.name == "etc" and entry.is_dir(follow_symlinks=False):
            _own_etc()
        elif entry.name not in OWN:
            with contextlib.suppress(OSError):  # a folder that we cannot enter
                _show(entry.path, f"{NEW_ROOT}/{entry.name}")


def _own_etc() -> None:
    """/etc as the machine has it, in which what lines write stays in the lab (overlayfs).

    Who is not root may write only in files of ours, so those of ETC are copied. Where the kernel refuses, /etc is the
    machine's, but for the folder that tutorials write into.
    """
    etc = f"{NEW_ROOT}/etc"
    os.mkdir(etc)
    _memory_folder(etc, 16, "755")
    ours, work = f"{etc}/ours", f"{etc}/work"
    os.mkdir(ours)
    os.mkdir(work)
    for name in ETC:
        _copy(f"/etc/{name}", f"{ours}/{name}")
    below = _mounted_in_etc()
    # Who is root in a user namespace alone may not write the attributes that are the machine's root's
    attributes = ",userxattr" if os.geteuid() else ""
    try:
        options = f"lowerdir=/etc,upperdir={ours},workdir={work}{attributes}"
        mount("overlay", etc, "overlay", MS_NOSUID | MS_NODEV, options)
    except Refused:  # before Linux 5.11, in some containers, and three labs deep
        bind("/etc", etc)
        with contextlib.suppress(OSError):  # newer releases have no such folder
            _own_iproute2(f"{etc}/iproute2")
        return
    for point in below:
        if point.removeprefix("/etc/") not in ETC:
            with contextlib.suppress(OSError):
                bind(point, f"{NEW_ROOT}{point}")


def _mounted_in_etc() -> list[str]:
    """What is mounted below /etc, as in a container, which an overlay does not show."""
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4] for line in file if " /etc/" in line]
    return [point for point in points if point.startswith("/etc/") and "\\" not in point]


def _own_iproute2(target: str) -> None:
    """Over the folder with the names of routing tables, one in memory with the same files, which lines may add to."""
    machines = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=1m,nr_inodes=200")
        for folder in ("rt_protos.d", "rt_tables.d"):
            os.mkdir(f"{target}/{folder}")
        _copy_files(machines, target)
    finally:
        os.close(machines)


def _copy(source: str, target: str) -> None:
    """A setting of /etc, if there is one that we may read; a link as what it leads to."""
    with contextlib.suppress(OSError):
        if os.path.islink(source) and os.path.realpath(source).startswith("/run/"):
            _write_new(target, b"", 0o644)  # resolv.conf, of a service that is not in a lab
        elif os.path.isdir(source):
            folder = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.makedirs(target)
                _copy_files(folder, target)
            finally:
                os.close(folder)
        elif os.path.isfile(source):
            _copy_file(source, target)


def _copy_files(folder: int, target: str) -> None:
    """The files of a folder, not its links and folders."""
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False):
            with contextlib.suppress(OSError):  # one that we may not read
                _copy_file(entry.name, f"{target}/{entry.name}", folder)


def _copy_file(source: str, target: str, folder: int | None = None) -> None:
    descriptor = os.open(source, os.O_RDONLY, dir_fd=folder)
    try:
        mode = os.fstat(descriptor).st_mode
        content = os.read(descriptor, LARGEST_SETTING)
        if len(content) < LARGEST_SETTING:
            _write_new(target, content, mode & 0o777)
    finally:
        os.close(descriptor)


def _write_new(file: str, content: bytes, mode: int) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def _show(source: str, target: str) -> None:
    """A link as it is, a folder or a file bound to its new place."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    bind(source, target)


def _programs_only(plan: Plan) -> None:
    for name in PROGRAMS:
        if os.path.lexists(f"/{name}"):
            _show(f"/{name}", f"{NEW_ROOT}/{name}")
            if not os.path.islink(f"/{name}"):
                all_read_only(f"{NEW_ROOT}/{name}")
    etc = f"{NEW_ROOT}/etc"
    os.mkdir(etc)
    for name in SETTINGS:
        if os.path.exists(f"/etc/{name}"):
            real = os.path.realpath(f"/etc/{name}")  # localtime is a link
            _show(real, f"{etc}/{name}")
            all_read_only(f"{etc}/{name}")
    os.makedirs(f"{etc}/iproute2", exist_ok=True)  # over which lines have their own
    uid, gid = os.geteuid(), os.getegid()
    for name, text in WRITTEN.items():
        Path(f"{etc}/{name}").write_text(text.format(uid=uid, gid=gid))
    os.mkdir(f"{NEW_ROOT}{OF_A_LAB}")
    for name, program in plan.ours:
        path = Path(f"{NEW_ROOT}{OF_A_LAB}/{name}")
        path.write_bytes(program)
        path.chmod(0o555)
    bind(f"{NEW_ROOT}{OF_A_LAB}", f"{NEW_ROOT}{OF_A_LAB}")
    all_read_only(f"{NEW_ROOT}{OF_A_LAB}")
    os.mkdir(f"{NEW_ROOT}/var")
    os.symlink("/run", f"{NEW_ROOT}/var/run")
    os.symlink("/tmp", f"{NEW_ROOT}/var/tmp")
    os.mkdir(f"{NEW_ROOT}/tmp")
    _memory_folder(f"{NEW_ROOT}/tmp", plan.memory // 4)


def _memory_folder(target: str, size: int, mode: str = "1777") -> None:
    """A folder whose files are in memory; size: MiB of all of them, 0 for half of the machine's."""
    limits = f",size={size}m,nr_inodes=10000" if size else ""
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode}{limits}")


def _devices(plan: Plan) -> None:
    """A /dev as containers have it: what programs expect, and nothing of the machine."""
    dev = f"{NEW_ROOT}/dev"
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=1m")
    for folder in ("net", "pts", "shm"):
        os.mkdir(f"{dev}/{folder}")
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            with contextlib.suppress(OSError):
                _show(f"/dev/{name}", f"{dev}/{name}")
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"{dev}/{name}")
    options = "newinstance,ptmxmode=0666,mode=620"
    if plan.strict:
        options += f",max={PTYS}"
    with contextlib.suppress(Refused):  # some kernels have none
        mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, options)
    if plan.strict:
        _memory_folder(f"{dev}/shm", plan.memory // 16)
    elif os.path.isdir("/dev/shm"):
        bind("/dev/shm", f"{dev}/shm")  # files of its user
    bound_read_only(dev, MS_NOSUID)


def _mount_sys(plan: Plan) -> bool:
    """/sys of the world's own network: brctl reads /sys/class/net, which shows that of whoever mounted it.

    Returns whether those who are in there may do the same for their networks, as `ip netns exec` does.
    """
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    target = f"{NEW_ROOT}/sys"
    # In a lab, or a container, /sys may be read-only for good; then one that is not is refused: mnt_already_visible()
    for wanted in (flags, flags | MS_RDONLY):
        with contextlib.suppress(Refused):
            mount("sysfs", target, "sysfs", wanted)
            return wanted == flags
    if plan.strict:
        raise Refused(errno.EPERM, "mount of /sys")
    # In a container it is masked, as /proc, and shows the devices of another network: better none than those.
    mount("tmpfs", target, "tmpfs", flags | MS_RDONLY, "size=4k,nr_inodes=2,mode=555")
    return False


def _move_in(plan: Plan) -> None:
    """Make it the root, and let go of the machine's: nothing of the outer mounts is below; pivot_root(2)."""
    os.chdir(NEW_ROOT)
    try:
        pivot_root(".", ".")
    except Refused:  # Docker's list of calls has no pivot_root
        if plan.strict:
            raise
        _cover_the_root()
    else:
        must(libc().umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def _cover_the_root() -> None:
    """Put our root over the machine's: nothing is above it, and what it covers has no path any more; switch_root(8)."""
    mount(".", "/", None, MS_MOVE)
    os.chroot(".")


def _hidden_folder(plan: Plan) -> int:
    """A folder in memory that is mounted nowhere: there we keep what lines print. A descriptor of it."""
    _memory_folder("/run", 16 if plan.strict else 0, "755")
    folder = os.open("/run", os.O_PATH | os.O_DIRECTORY)
    must(libc().umount2(b"/run", MNT_DETACH), "umount")
    return folder


def _own_run(plan: Plan) -> None:
    """/run is the lab's own, so that `ip netns add` needs no root and meets nobody else's names."""
    _memory_folder("/run", 16 if plan.strict else 0, "755")


def _mask_proc() -> None:
    _rule_nothing_of_the_machine()
    for name in MASKED:
        if os.path.exists(f"/proc/{name}"):
            bind("/dev/null", f"/proc/{name}", 0)
    for name in MASKED_FOLDERS:
        if os.path.isdir(f"/proc/{name}"):
            mount("tmpfs", f"/proc/{name}", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k,nr_inodes=2,mode=555")


def _rule_nothing_of_the_machine() -> None:
    """Settings that are the whole machine's are read-only; but for those of networks, which are the world's own."""
    with contextlib.suppress(Refused):  # in a container they are read-only already
        bind("/proc/sys/net", "/proc/sys/net", 0)
        bind("/proc/sys", "/proc/sys")
        bound_read_only("/proc/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in ("sysrq-trigger", "irq", "bus", "fs"):
        if os.path.exists(f"/proc/{name}"):
            with contextlib.suppress(Refused):
                bind(f"/proc/{name}", f"/proc/{name}", 0)
                bound_read_only(f"/proc/{name}", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _name_host(plan: Plan) -> None:
    try:
        socket.sethostname(HOSTNAME)
    except OSError:  # Podman's list of calls has none that names a machine
        if plan.strict:
            raise


def _loopback_up() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", answer, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
