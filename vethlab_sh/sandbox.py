"""Where do the commands run, so that nothing of the machine can break? In a private world of namespaces.

The namespaces are those of users, network, mounts, host name and process numbers (`world` makes them). Process 1 of
that world, the *holder*, does nothing but wait for the end of a socket whose other end only this Python process has.
When this process ends, in whatever way, the holder ends; with process 1 the kernel kills every other process in
there, and with the last process it reaps the namespaces. There is no clean-up to forget and no name to match.

Why a holder, when open descriptors could keep the namespaces alive: a parent-death signal is not
inherited by grandchildren and is cleared by programs with file capabilities (Debian's ping), so only a
process-number namespace ends what a command left in the background. namespaces(7), pid_namespaces(7),
user_namespaces(7).

A lab that stays is the same world, told by one word through that socket to stop waiting for its end: then it
belongs to no Python and no terminal, and whoever knows its holder may come back with `Sandbox.attach`.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import itertools
import os
import select
import shutil
import signal
import socket
import stat
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import world
from .errors import LabClosed, NotReady, OfBusyBox, ToolMissing, package_of
from .files import is_checkout
from .language import marked, tr
from .world import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS
from .world import HOSTNAME as HOSTNAME
from .world import Plan as Plan

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENDED = marked("This lab is gone: the process that held it has ended.")
ENDING = 10.0  # seconds for the kernel to end what is in a world
NUMBERS = itertools.count()  # of the files that this Python had in sandboxes
# A kernel that runs as a program, in which a lab is made when this machine's kernel makes none: `uml.guest`
UML = "linux.uml"
UML_INSTALL = "sudo apt-get install user-mode-linux kmod"
UML_PROCESSOR = "x86_64"  # the only one that it is for
UML_ASKED_FOR = '`demo bridge --kernel uml`, in Python `Lab(kernel="uml")`'

PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 24, 47, 2
# CAP_SYS_MODULE, _RAWIO, _BOOT, _TIME, CAP_SYSLOG: there is one kernel and one clock, and no namespace of them
NOT_OF_A_LAB = (16, 17, 22, 25, 34)
LINUX_CAPABILITY_VERSION_3 = 0x20080522
INNER = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC


@dataclass(frozen=True)
class Switch:
    """A setting by which user namespaces can be forbidden.

    file; forbids: its value then; reason: the same as a sentence; cure: the commands that undo it, and at what cost;
    in_a_clone: a further one, for the Python of a clone alone, where the set-up stands beside it.
    """

    file: str
    forbids: str
    reason: str
    cure: str
    in_a_clone: str = ""


SWITCHES = (
    Switch(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        forbids="1",
        reason=marked("AppArmor forbids it to ordinary users"),
        cure=marked(
            "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` (every program may, until the next start)"
        ),
        in_a_clone=marked("`./setup.sh apparmor` (a profile: this Python alone may)"),
    ),
    Switch(
        "/proc/sys/kernel/unprivileged_userns_clone",
        forbids="0",
        reason=marked("the kernel setting unprivileged_userns_clone is 0"),
        cure="`sudo sysctl kernel.unprivileged_userns_clone=1`",
    ),
    Switch(
        "/proc/sys/user/max_user_namespaces",
        forbids="0",
        reason=marked("the kernel setting user.max_user_namespaces is 0"),
        cure="`sudo sysctl user.max_user_namespaces=10000`",
    ),
)


def search_path() -> str:
    """PATH for commands: an ordinary Debian user's has no /usr/sbin, where brctl and bridge live.

    An empty part of PATH, and an empty PATH, mean the current folder to the C library (environ(7)), where anybody may
    have put an `ip`; so only folders that are named from the root are looked into.
    """
    folders = os.environ.get("PATH", "").split(":")
    whole = [folder for folder in folders if os.path.isabs(folder)]
    return ":".join([*whole, SYSTEM_PATH])


def find(tool: str) -> str | None:
    """Full path of a program, looked for in the system folders too."""
    return shutil.which(tool, path=search_path())


def check_program(tool: str) -> None:
    """Raise ToolMissing where a program is not here, OfBusyBox where it is another than iproute2's of that name."""
    path = find(tool)
    if path is None:
        raise ToolMissing(tool)
    is_busybox = Path(path).resolve().name == "busybox"  # one program that goes by many names, each a link
    if is_busybox and package_of(tool) == "iproute2":
        raise OfBusyBox(tool)


def folder() -> str | None:
    """Where we are; None when that folder was removed."""
    with contextlib.suppress(FileNotFoundError):
        return os.getcwd()
    return None


def check_linux() -> None:
    """Raise NotReady where there is no Linux kernel."""
    if sys.platform != "linux":
        import platform  # needed only there; it takes two milliseconds of each start

        raise NotReady(
            tr(
                "Labs need the Linux kernel, and this computer runs {system}. Ways out: {ways}.",
                system=platform.system(),
                ways=_elsewhere(),
            )
        )


def forbidden_because(number: int = errno.EPERM) -> str:
    """Why this machine refuses a private world, and the ways out, as one or two sentences.

    number: the kernel's errno, where it is known.
    """
    if number == errno.ENOSYS:
        return tr("the kernel, or who started this, has no such call. Ways out: {ways}", ways=_ways_out())
    if number in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
        return tr("the machine, or this user, has no processes, descriptors or memory left (`ulimit -a`)")
    for switch in SWITCHES:
        with contextlib.suppress(OSError):  # which this kernel does not have
            if Path(switch.file).read_text().strip() == switch.forbids:
                return tr("{reason}. Ways out: {ways}", reason=tr(switch.reason), ways=_ways_past(switch))
    if number == errno.ENOSPC:
        return tr(
            "there are as many namespaces as user.max_*_namespaces allow (`sysctl user`). Or {ways}", ways=_ways_out()
        )
    if _has_no_number():
        return tr(
            "this process is in a user namespace that has no number for its user. Ways out: run outside of it, or "
            "{ways}",
            ways=_ways_out(),
        )
    if _is_chroot():
        return tr(
            "this is a chroot, in which the kernel makes no user namespaces (unshare(2)). Ways out: leave it, or "
            "{ways}",
            ways=_ways_out(),
        )
    if _is_filtered():
        return tr(
            "who started this, a container most likely, forbids the calls that make namespaces (seccomp(2)). Ways "
            "out: start the container with {options}, or {ways}",
            options=container_options(),
            ways=_ways_out(),
        )
    if os.geteuid() == 0:
        return tr(
            "this machine (a container, perhaps, or a chroot) does not let root make namespaces. Ways out: start the "
            "container with {options}, or {ways}",
            options=container_options(),
            ways=_ways_out(),
        )
    return tr(
        "this machine (a container, perhaps, or a chroot) does not let you make namespaces. Ways out: run with sudo, "
        "start the container with {options}, or {ways}",
        options=container_options(),
        ways=_ways_out(),
    )


def _ways_past(switch: Switch) -> str:
    cure = tr(switch.cure)
    if switch.in_a_clone and is_checkout():
        cure = tr("{one}, or {other}", one=tr(switch.in_a_clone), other=cure)
    if os.geteuid() == 0:
        return tr("{one}, or {other}", one=cure, other=_ways_out())
    return tr("{cure}, or run with sudo (lines then run as root), or {ways}", cure=cure, ways=_ways_out())


def _ways_out() -> str:
    """What to do where there is a Linux kernel that makes no world."""
    if find(UML):
        return tr(
            'use user-mode Linux, which is here (`demo bridge --kernel uml`, in Python `Lab(kernel="uml")`), or '
            "{elsewhere}",
            elsewhere=_elsewhere(),
        )
    if os.uname().machine == UML_PROCESSOR:
        return tr(
            "install user-mode Linux, which needs no right here (`{line}`), or {elsewhere}",
            line=UML_INSTALL,
            elsewhere=_elsewhere(),
        )
    return _elsewhere()


def _elsewhere() -> str:
    """Where else the scenarios can be seen; who installed the package has no Vagrantfile."""
    if is_checkout():
        return tr(
            "use the virtual machine (`vagrant up`), or see a recording, which needs nothing (`python -m vethlab_sh "
            "demo bridge --replay`)"
        )
    return tr("see a recording, which needs nothing (`python -m vethlab_sh demo bridge --replay`)")


def container_options() -> str:
    """The options of `docker run`, or `podman run`, with which a container makes labs that lack nothing."""
    options = ["seccomp=unconfined", "systempaths=unconfined"]
    if Path("/run/.containerenv").exists():  # which Podman puts there: podman-run(1)
        options = ["unmask=ALL"]
    with contextlib.suppress(OSError):
        confined = Path("/proc/self/attr/current").read_text()
        if "(enforce)" in confined:  # as AppArmor writes it; docker-default forbids each mount
            options.append("apparmor=unconfined")
    words = " ".join(f"--security-opt {option}" for option in options)
    return f"`{words}`"


def settings_are_fixed() -> bool:
    """Whether /proc/sys is read-only, as in a container; a lab made there without rights has no other."""
    try:
        return bool(os.statvfs("/proc/sys").f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _is_filtered() -> bool:
    """Whether calls of ours are filtered; proc(5), status."""
    with contextlib.suppress(OSError):
        return "\nSeccomp:\t2\n" in Path("/proc/self/status").read_text()
    return False


def _has_no_number() -> bool:
    with contextlib.suppress(OSError):
        return not Path("/proc/self/uid_map").read_text().strip()
    return False


def _is_chroot() -> bool:
    """Whether our root is another than that of the first process, where we may ask."""
    with contextlib.suppress(OSError):
        return not os.path.samestat(os.stat("/"), os.stat("/proc/1/root/"))
    return False


def is_rootless() -> bool:
    """Whether a user namespace is needed: as root the world is made without one."""
    if not hasattr(os, "geteuid"):  # Windows has none
        return True
    return os.geteuid() != 0


PF_EXITING = 0x4  # in field 9 of proc(5)'s stat: include/linux/sched.h
# In field 31: SIGKILL, number 9 (signal(7)), has been sent, and the process has not run since
KILLED = 1 << 8


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
    state, flags, start, pending = fields[0], int(fields[9 - 3]), int(fields[22 - 3]), int(fields[31 - 3])
    if state in "ZX" or flags & PF_EXITING:  # a holder that ends still waits for its processes to be gone
        return None
    if pending & KILLED:
        return None
    return start


@dataclass(frozen=True)
class File:
    """A file that programs in a sandbox write and we read. name: as `host` knows it; folder: where it is for us."""

    name: str
    folder: int | None = None

    @property
    def text(self) -> str:
        """What is in it now, as it may be printed anywhere."""
        return self._bytes().decode("utf-8", errors="replace")

    @property
    def exact(self) -> str:
        """The same, where bytes that are no UTF-8 stay apart (PEP 383): the kernel takes them in names."""
        return self._bytes().decode("utf-8", errors="surrogateescape")

    def _bytes(self) -> bytes:
        """Nothing where it is no file: what is in a sandbox may have put something in its place."""
        flags = os.O_RDONLY
        if self.folder is not None:
            flags |= os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self.name, flags, dir_fd=self.folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return b""
            raise
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return b""
            return file.read()


class Sandbox:
    """One private network world: made by `Sandbox()`, or one that stays, entered again by `Sandbox.attach`.

    pid: the holder's process number outside. What was made ends with `close()` or with this Python, unless it was
    told to `stay()`; what was attached to is only left. plan: what the world is to be, a lab as far as it can be had
    when none is given. meanwhile: called here, while it is made.
    Raises ToolMissing (no `unshare`, `ip` or `bash`), OfBusyBox (an `ip` without namespaces) or NotReady (the kernel
    forbids it; the message says why).
    """

    def __init__(self, plan: Plan | None = None, meanwhile: Callable[[], None] | None = None) -> None:
        check_linux()
        for tool in ("unshare", "ip", "bash"):
            check_program(tool)
        _reap()
        try:
            held = world.make(plan or Plan(), search_path(), str(find("bash")), meanwhile)
        except world.Refused as error:
            why = f"{error.call}: {error.strerror}"
            raise NotReady(
                tr(
                    "Cannot make a private network world ({why}): {forbidden_because}.",
                    why=why,
                    forbidden_because=forbidden_because(error.errno or 0),
                )
            ) from error
        self._line: socket.socket | None = held.line
        self.descriptors = held.descriptors
        try:
            self._hold(held.pid, os.pidfd_open(held.pid))
        except BaseException:
            held.line.close()
            raise
        # This ends the world with its Sandbox.
        self._leave: weakref.finalize[..., Sandbox] = weakref.finalize(
            self, _end, held.pid, self._pidfd, held.line, held.descriptors, *self._opened
        )

    @classmethod
    def attach(cls, pid: int, since: int) -> Sandbox:
        """The world that stays, whose holder is this process, begun at this moment (see `started`).

        Raises LabClosed when that process is no more, NotReady when it is another user's.
        """
        sandbox = cls.__new__(cls)
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise LabClosed(tr(ENDED)) from None
        try:
            if started(pid) != since:  # asked after the number was taken hold of: from now on it is nobody else's
                raise LabClosed(tr(ENDED))
            sandbox._hold(pid, pidfd)
        except BaseException as error:
            os.close(pidfd)
            if isinstance(error, PermissionError):
                raise NotReady(
                    tr("This lab belongs to another user, and only that user or root may enter it.")
                ) from None
            raise
        sandbox._line = None
        sandbox.descriptors = {}
        sandbox._leave = weakref.finalize(sandbox, _close, pidfd, *sandbox._opened)
        return sandbox

    def _hold(self, pid: int, pidfd: int) -> None:
        """Keep what is needed to enter, and to notice the end."""
        self.pid = pid
        self._pidfd = pidfd
        self._flags = INNER
        ours = os.stat("/proc/self/ns/user")
        # As root the holder is in our own, and the kernel refuses to enter the one that we are in.
        if not os.path.samestat(os.stat(f"/proc/{pid}/ns/user"), ours):
            self._flags |= CLONE_NEWUSER
        owner = os.stat(f"/proc/{pid}")
        self._owner = owner.st_uid, owner.st_gid
        self._files = os.open(f"/proc/{pid}/cwd", os.O_PATH | os.O_DIRECTORY)
        self._root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY)
        self._opened = [self._files, self._root]
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            users = world.user_namespace_of(network)
        finally:
            os.close(network)
        self._users: int | None = users  # the one that lines run in, in which the holder is not
        if os.path.samestat(os.fstat(users), ours):
            self._users = None
            os.close(users)
        else:
            self._opened.append(users)

    def stay(self) -> None:
        """From now on the world belongs to no Python and no terminal: it lasts until its holder is ended."""
        if not self._line:
            return
        self._leave.detach()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # killed just now, as who looks next is told
            self._line.sendall(b"stay\n")  # also read when we end before it is
        self._line.close()
        self._line = None
        LEFT.append(self.pid)  # it is still our child, and only we can take note of its end
        self._leave = weakref.finalize(self, _close, self._pidfd, *self._opened)

    @property
    def pidfd(self) -> int:
        """A descriptor of the holder; pidfd_open(2)."""
        return self._pidfd

    @property
    def alive(self) -> bool:
        """Whether the holder still runs."""
        if not self._leave.alive:  # we have left it
            return False
        ended, _, _ = select.select([self._pidfd], [], [], 0)
        return not ended and started(self.pid) is not None

    @property
    def settings_are_fixed(self) -> bool:
        """Whether the settings of its networks are read-only, as where a container's are and no right gives others."""
        try:
            settings = os.open("proc/sys/net", os.O_PATH, dir_fd=self._root)
        except OSError:  # a kernel without them
            return True
        try:
            return bool(os.statvfs(settings).f_flag & os.ST_RDONLY)
        finally:
            os.close(settings)

    @property
    def programs(self) -> list[Path]:
        """The folders of our own programs that lines find before the machine's."""
        try:
            os.stat(world.NO_SYS_AT_WILL, dir_fd=self._files)
        except OSError:
            return [world.OURS]
        return [world.WITHOUT_SYS, world.OURS]

    def check_alive(self) -> None:
        """Raise LabClosed when there is no world any more."""
        if not self._leave.alive:
            raise LabClosed(tr("This lab is closed. Make a new one: `lab = Lab()`."))
        if not self.alive:
            raise LabClosed(tr("This lab is gone: the process that held it was killed. Make a new one: `lab = Lab()`."))

    def enter(self) -> None:
        """Move the calling process in. For a forked child, before it executes its program.

        Its *children* get process numbers in there; it keeps its own (pid_namespaces(7)).
        """
        cwd = folder()
        self._enter_around()
        if "mounts" in self.descriptors:
            world.setns(self.descriptors["mounts"], CLONE_NEWNS)
        elif not os.path.samestat(os.stat("/"), os.fstat(self._root)):  # it was made in a chroot
            os.fchdir(self._root)
            os.chroot(".")
        libc = world.libc()
        if self._users is not None:
            world.setns(self._users, CLONE_NEWUSER)
            self._be_the_owner()
        if self._users is not None or self._flags & CLONE_NEWUSER:
            _keep_capabilities(libc)
        else:
            for capability in NOT_OF_A_LAB:
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # what root executes next does not have it
        # setns moved us to the new mount namespace's root; the folder we were in may be hidden there
        try:
            os.chdir(cwd or "/")
        except OSError:
            os.chdir("/")

    def _enter_around(self) -> None:
        """Move the calling process to where the holder is, around the user namespace that lines run in."""
        world.without_session_keys()
        world.setns(self._pidfd, self._flags)
        if self._flags & CLONE_NEWUSER:
            self._be_the_owner()

    def _be_the_owner(self) -> None:
        """Root who enters a user's world has no number in there, and could make no file: take the owner's.

        It keeps its capabilities, since that world has no number 0 whose leaving would take them: capabilities(7).
        """
        uid, gid = self._owner
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)

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

    programs: tuple[Path, ...] = ()  # none of ours

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


LEFT: list[int] = []  # holders, made here, of labs that stay, and of those that do not end


def _reap() -> None:
    """Let go of those that have ended meanwhile."""
    for pid in list(LEFT):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # an orphan, or whoever started us wants no ends told
            ended = pid
        if ended:
            with contextlib.suppress(ValueError):  # another thread has
                LEFT.remove(pid)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _end(pid: int, pidfd: int, line: socket.socket, named: dict[str, int], *descriptors: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    line.close()
    _close(*descriptors, *named.values())
    # It ends after all others in there. One whose parent is outside, and takes no note of that, may keep it for ever.
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    try:
        ended.poll(ENDING * 1000)  # milliseconds
    finally:
        os.close(pidfd)
        LEFT.append(pid)
        _reap()


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
