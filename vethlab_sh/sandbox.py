"""Where do the commands run, so that nothing of the machine can break? In a private world of namespaces.

The namespaces are those of users (unless we are root), network, mounts, host name and process
numbers. Process 1 of that world, the *holder*, does nothing but wait for the end of its standard input,
a pipe whose other end only this Python process has. When this process ends, in whatever way, the holder
ends; with process 1 the kernel kills every other process in there, and with the last process it reaps
the namespaces. There is no clean-up to forget and no name to match.

Why a holder, when open descriptors could keep the namespaces alive: a parent-death signal is not
inherited by grandchildren and is cleared by programs with file capabilities (Debian's ping), so only a
process-number namespace ends what a command left in the background. namespaces(7), pid_namespaces(7),
user_namespaces(7).

A lab that stays is the same world, told by one word through that pipe to stop waiting for its end: then it
belongs to no Python and no terminal, and whoever knows its holder may come back with `Sandbox.attach`.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import LabClosed, NotReady, ToolMissing
from .files import is_checkout

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOSTNAME = "master"
ENDED = "This lab is gone: the process that held it has ended."
NUMBERS = itertools.count()  # of the files that this Python had in sandboxes
RECORDING = "see a recording, which needs nothing (`python -m vethlab_sh demo bridge --replay`)"
MACHINE = "use the virtual machine (`vagrant up`)"  # who installed the package has no Vagrantfile
ELSEWHERE = f"{MACHINE}, or {RECORDING}" if is_checkout() else RECORDING

# /run is ours, so that `ip netns add` needs no root and meets nobody else's names. Under it is another, in which the
# holder stands: there we keep what lines say, and nobody comes across it, or fills it, or covers it.
# sysfs is mounted anew because brctl reads /sys/class/net, which shows the network namespace of whoever mounted it.
# Inside a container /proc and /sys may be masked, and then the kernel refuses new ones: go on without.
# IPv4 settings of a new namespace are copied from the machine's first one: set what changes the lessons.
# Process 1 may be ended by nothing inside, and has to reap the orphans there. All signals are ignored, SIGCHLD only by
# sleep, for whose orphans the kernel then cares; bash reaps them itself. (dash catches SIGCHLD even if it is told not
# to, and its `read` takes a signal for the end.)
# Root's world has no user namespace, so root in there could set what is the whole machine's: its kernel's settings are
# read-only, but for those of networks, which are the world's own. (Then `ip netns exec` shows them as they are here.)
HOLDER = f"""
read -r outer_pid rest </proc/self/stat
mount -t tmpfs -o mode=755 tmpfs /run && cd /run && mount -t tmpfs -o mode=755 tmpfs /run || exit 1
mount -t proc proc /proc 2>/dev/null
mount -t sysfs sysfs /sys 2>/dev/null
if [ "$1" = root ]; then
    mount --bind /proc/sys/net /proc/sys/net && mount --rbind -o ro /proc/sys /proc/sys
    [ ! -e /proc/sysrq-trigger ] || mount --bind -o ro /proc/sysrq-trigger /proc/sysrq-trigger
fi 2>/dev/null
hostname {HOSTNAME} || exit 1
ip link set lo up || exit 1
for key in ip_forward conf/all/rp_filter conf/default/rp_filter; do
    echo 0 >/proc/sys/net/ipv4/$key
done
exec env --ignore-signal bash -c '
    echo "ready $0"
    read -r word && exec sleep infinity </dev/null >/dev/null 2>&1
' "$outer_pid"
"""

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC = 0x20000000, 0x40000000, 0x08000000
PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 24, 47, 2
# CAP_SYS_MODULE, _RAWIO, _BOOT, _TIME, CAP_SYSLOG: there is one kernel and one clock, and no namespace of them
NOT_OF_A_LAB = (16, 17, 22, 25, 34)
LINUX_CAPABILITY_VERSION_3 = 0x20080522

SPACES = ("--net", "--mount", "--uts", "--ipc", "--pid", "--fork")
# --map-root-user would do for `ip`, but not for tcpdump, which then cannot drop its privileges
USER_NAMESPACE = ("--user", "--map-current-user", "--keep-caps")


@dataclass(frozen=True)
class Switch:
    """A setting by which user namespaces can be forbidden.

    file; forbids: its value then; reason: the same as a sentence; cure: the command that undoes it.
    """

    file: str
    forbids: str
    reason: str
    cure: str


SWITCHES = (
    Switch(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        forbids="1",
        reason="AppArmor forbids it to ordinary users",
        cure="sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    Switch(
        "/proc/sys/kernel/unprivileged_userns_clone",
        forbids="0",
        reason="the kernel setting unprivileged_userns_clone is 0",
        cure="sudo sysctl kernel.unprivileged_userns_clone=1",
    ),
    Switch(
        "/proc/sys/user/max_user_namespaces",
        forbids="0",
        reason="the kernel setting user.max_user_namespaces is 0",
        cure="sudo sysctl user.max_user_namespaces=10000",
    ),
)


def search_path() -> str:
    """PATH for commands: an ordinary Debian user's has no /usr/sbin, where brctl and bridge live."""
    return os.environ.get("PATH", "") + ":" + SYSTEM_PATH


def find(tool: str) -> str | None:
    """Full path of a program, looked for in the system folders too."""
    return shutil.which(tool, path=search_path())


def folder() -> str | None:
    """Where we are; None when that folder was removed."""
    with contextlib.suppress(FileNotFoundError):
        return os.getcwd()
    return None


def check_linux() -> None:
    """Raise NotReady where there is no Linux kernel."""
    if sys.platform != "linux":
        raise NotReady(
            f"Labs need the Linux kernel, and this computer runs {platform.system()}. Ways out: {ELSEWHERE}."
        )


def forbidden_because() -> str:
    """Why this machine refuses a private world, and the ways out, as one or two sentences."""
    for switch in SWITCHES:
        with contextlib.suppress(OSError):  # which this kernel does not have
            if Path(switch.file).read_text().strip() == switch.forbids:
                return f"{switch.reason}. Ways out: `{switch.cure}`, or run with sudo, or {ELSEWHERE}"
    return (
        "this machine (a container, perhaps, or a chroot) does not let you make namespaces. "
        "Ways out: run with sudo, start the container with --security-opt seccomp=unconfined "
        f"--cap-add SYS_ADMIN, or {ELSEWHERE}"
    )


def is_rootless() -> bool:
    """Whether a user namespace is needed: as root the world is made without one."""
    if not hasattr(os, "geteuid"):  # Windows has none
        return True
    return os.geteuid() != 0


def _unshare_flags() -> list[str]:
    if is_rootless():
        return [*USER_NAMESPACE, *SPACES]
    return [*SPACES]


PF_EXITING = 0x4  # in field 9 of proc(5)'s stat: include/linux/sched.h


def started(pid: int) -> int | None:
    """When a process began, in clock ticks since the machine did; None when it is no more.

    Number and beginning together name one process for ever: numbers alone are used again. proc(5), field 22.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            line = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Field 2, the name in brackets, may hold anything, brackets too; after the last one comes field 3.
    fields = line.rpartition(")")[2].split()
    state, flags, start = fields[0], int(fields[9 - 3]), int(fields[22 - 3])
    if state in "ZX" or flags & PF_EXITING:  # a holder that ends still waits for its processes to be gone
        return None
    return start


@dataclass(frozen=True)
class File:
    """A file that programs in a sandbox write and we read. name: as `host` knows it; folder: where it is for us."""

    name: str
    folder: int | None = None

    @property
    def text(self) -> str:
        """What is in it now."""
        descriptor = os.open(self.name, os.O_RDONLY, dir_fd=self.folder)
        with os.fdopen(descriptor, "rb") as file:
            return file.read().decode("utf-8", errors="replace")


class Sandbox:
    """One private network world: made by `Sandbox()`, or one that stays, entered again by `Sandbox.attach`.

    pid: the holder's process number outside. What was made ends with `close()` or with this Python, unless it was
    told to `stay()`; what was attached to is only left. before: called in the process that makes the world, ahead of
    it, to give up rights; then the world has a user namespace also as root. meanwhile: called here, while it is made.
    Raises ToolMissing (no `unshare` or `ip`) or NotReady (the kernel forbids it; the message says why).
    """

    def __init__(self, before: Callable[[], None] | None = None, meanwhile: Callable[[], None] | None = None) -> None:
        check_linux()
        for tool, package in (("unshare", "util-linux"), ("ip", "iproute2")):
            if find(tool) is None:
                raise ToolMissing(tool, package)
        maker = _maker(before)
        try:
            if meanwhile:
                meanwhile()
            pid = _when_ready(maker)
            self._hold(pid, os.pidfd_open(pid))
        except BaseException:
            maker.communicate()  # closes the pipe, and so ends the holder
            raise
        self._maker: subprocess.Popen[bytes] | None = maker
        # Popen keeps a forgotten child, and so its pipe, for ever; this ends the world with its Sandbox.
        self._leave: weakref.finalize[..., Sandbox] = weakref.finalize(self, _end, maker, self._pidfd, self._files)

    @classmethod
    def attach(cls, pid: int, since: int) -> Sandbox:
        """The world that stays, whose holder is this process, begun at this moment (see `started`).

        Raises LabClosed when that process is no more, NotReady when it is another user's.
        """
        sandbox = cls.__new__(cls)
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise LabClosed(ENDED) from None
        try:
            if started(pid) != since:  # asked after the number was taken hold of: from now on it is nobody else's
                raise LabClosed(ENDED)
            sandbox._hold(pid, pidfd)
        except BaseException as error:
            os.close(pidfd)
            if isinstance(error, PermissionError):
                raise NotReady("This lab belongs to another user, and only that user or root may enter it.") from None
            raise
        sandbox._maker = None
        sandbox._leave = weakref.finalize(sandbox, _close, pidfd, sandbox._files)
        return sandbox

    def _hold(self, pid: int, pidfd: int) -> None:
        """Keep what is needed to enter, and to notice the end."""
        self.pid = pid
        self._pidfd = pidfd
        self._flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC
        # As root there is none to enter, and the kernel refuses to enter the one that we are in.
        if os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user"):
            self._flags |= CLONE_NEWUSER
        owner = os.stat(f"/proc/{pid}")
        self._owner = owner.st_uid, owner.st_gid
        self._files = os.open(f"/proc/{pid}/cwd", os.O_PATH | os.O_DIRECTORY)

    def stay(self) -> None:
        """From now on the world belongs to no Python and no terminal: it lasts until its holder is ended."""
        if not self._maker:
            return
        self._leave.detach()
        assert self._maker.stdin
        with contextlib.suppress(BrokenPipeError):  # killed just now, which whoever looks next is told
            os.write(self._maker.stdin.fileno(), b"stay\n")  # also read when we end before it is
        self._maker.kill()  # `unshare`, which only waits
        self._maker.communicate()
        self._maker = None
        self._leave = weakref.finalize(self, _close, self._pidfd, self._files)

    @property
    def alive(self) -> bool:
        """Whether the holder still runs."""
        if not self._leave.alive:  # we have left it
            return False
        ended, _, _ = select.select([self._pidfd], [], [], 0)
        return not ended and started(self.pid) is not None

    def check_alive(self) -> None:
        """Raise LabClosed when there is no world any more."""
        if not self._leave.alive:
            raise LabClosed("This lab is closed. Make a new one: `lab = Lab()`.")
        if not self.alive:
            raise LabClosed("This lab is gone: the process that held it was killed. Make a new one: `lab = Lab()`.")

    def enter(self) -> None:
        """Move the calling process in. For a forked child, before it executes its program.

        Its *children* get process numbers in there; it keeps its own (pid_namespaces(7)).
        """
        cwd = folder()
        libc = ctypes.CDLL(None, use_errno=True)  # os.setns exists from Python 3.12 only
        if libc.setns(self._pidfd, self._flags) != 0:
            raise OSError(ctypes.get_errno(), "setns failed: the lab is gone")
        if self._flags & CLONE_NEWUSER:
            # Root who enters a user's world has no number in there, and could make no file: take the owner's.
            uid, gid = self._owner
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            _keep_capabilities(libc)
        else:
            for capability in NOT_OF_A_LAB:
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # what root executes next does not have it
        # setns moved us to the new mount namespace's root; the folder we were in may be hidden there
        with contextlib.suppress(OSError):
            os.chdir(cwd or "/")

    def host(self) -> None:
        """As `enter`, for a program that starts others there: it is then where `file` makes its files."""
        self.enter()
        os.fchdir(self._files)

    @contextlib.contextmanager
    def file(self) -> Iterator[File]:
        """A new file in there, in memory. Not a pipe: a program left in the background keeps it open for as long."""
        file = File(f".{os.getpid()}-{next(NUMBERS)}", self._files)
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):
                os.unlink(file.name, dir_fd=file.folder)

    def close(self) -> None:
        """Leave. Of a world that does not stay the kernel kills every process, and reaps the namespaces."""
        self._leave()


class Outside:
    """The machine itself, where a sandbox would be: nothing to enter, nothing to leave. For questions only."""

    def check_alive(self) -> None:
        """It is."""

    def enter(self) -> None:
        """We are in it."""

    host = enter

    @contextlib.contextmanager
    def file(self) -> Iterator[File]:
        """A new file in memory, that has no name anywhere: the programs, which are our own, open our descriptor."""
        with open(os.memfd_create("output"), "rb") as memory:
            yield File(f"/proc/{os.getpid()}/fd/{memory.fileno()}")


def _maker(before: Callable[[], None] | None) -> subprocess.Popen[bytes]:
    """The process that makes a world: `unshare`, whose child becomes the holder."""
    flags = [*USER_NAMESPACE, *SPACES] if before else _unshare_flags()
    whose = "" if "--user" in flags else "root"
    return subprocess.Popen(
        [str(find("unshare")), *flags, "--", "sh", "-c", HOLDER, "sh", whose],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",  # no folder is kept from being unmounted, nor shown to those inside
        env={"PATH": search_path(), "LC_ALL": "C"},
        start_new_session=True,  # Ctrl-C in the terminal is for the command, not for the world
        preexec_fn=before,
    )


def _when_ready(maker: subprocess.Popen[bytes]) -> int:
    """The holder's process number, once the world is ready."""
    assert maker.stdout
    assert maker.stderr
    words = maker.stdout.readline().split()
    if words[:1] == [b"ready"]:
        return int(words[1])
    errors = maker.stderr.read().decode(errors="replace").strip().splitlines()
    why = errors[-1] if errors else "unshare said nothing"
    raise NotReady(f"Cannot make a private network world ({why}): {forbidden_because()}.")


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _end(maker: subprocess.Popen[bytes], pidfd: int, files: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    _close(pidfd, files)
    maker.communicate()


class CapabilityHeader(ctypes.Structure):
    """Which layout of the sets is meant, and whose they are (0: our own); capget(2)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilitySets(ctypes.Structure):
    """32 capabilities, each a bit in every set; capget(2)."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _keep_capabilities(libc: ctypes.CDLL) -> None:
    """Let the program that is executed next keep every capability of its user namespace.

    Without being uid 0 they would be lost by execve unless inheritable and ambient (capabilities(7)).
    """
    header = CapabilityHeader(LINUX_CAPABILITY_VERSION_3, 0)
    sets = (CapabilitySets * 2)()
    low, high = sets  # capabilities 0 to 31, and 32 to 63
    libc.capget(ctypes.byref(header), sets)
    low.inheritable = low.permitted
    high.inheritable = high.permitted
    libc.capset(ctypes.byref(header), sets)
    permitted = low.permitted | high.permitted << 32
    for capability in range(64):
        if permitted >> capability & 1:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
