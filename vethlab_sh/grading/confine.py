"""How little may the lines of a stranger see and take? Files only to read, no other learner's, and little of all else.

A lab shares its user's files; here that is taken back. Before the world is made, its maker leaves root's rights,
makes all files read-only and hides folders under empty ones, in a user namespace of its own: what was mounted there
cannot be unmounted, nor looked behind, from the world's own user namespace inside it (mount_namespaces(7)). Each
program has limits that only the machine's root could lift; what the whole world takes is watched, because the kernel
limits that only for those who may make control groups.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotReady
from ..sandbox import CLONE_NEWNS, CLONE_NEWUSER, SYSTEM_PATH, Sandbox, forbidden_because

NOBODY = 65534
PR_SET_DUMPABLE = 4
MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4
MS_PRIVATE = 1 << 18
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1  # mount_setattr(2)
# Where others leave things and listen: /run is the world's own already.
SHARED = ("/dev/shm", "/dev/pts", "/dev/mqueue", "/var/tmp", "/var/mail", "/root", "/home", "/mnt", "/media", "/srv")
LOOK = 0.1  # seconds between two looks at what a world takes
MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What a stranger's lines may take: seconds; processes; memory and file size in MiB.

    memory: of the whole world, its files included, which are in memory; a single program has the same limit.
    """

    seconds: float = 60
    processes: int = 200
    memory: int = 256
    file: int = 16

    def words(self) -> list[str]:
        """What stands before a program so that it keeps within them; prlimit(1), getrlimit(2)."""
        limits = {
            # The watch ends a world of so many; this only keeps it from growing until the watch has looked.
            "nproc": 2 * self.processes,
            "as": self.memory * MIB,
            "fsize": self.file * MIB,
            "nofile": 256,
            "core": 0,
        }
        words = ["prlimit"]
        for name, limit in limits.items():
            words.append(f"--{name}={limit}:{limit}")  # soft and hard: no program can raise it
        return words


def confined(hidden: Sequence[Path], limits: Limits) -> Sandbox:
    """A world in which all files are read-only but /tmp and /run, and some folders are empty.

    hidden: those folders, beside the homes and what users share. As root its lines run as nobody. Raises NotReady.
    """
    paths: list[str | Path] = [*hidden, Path.home(), *SHARED]
    folders = [os.fsencode(path) for path in paths]
    files = limits.memory // 4
    try:
        return Sandbox(before=lambda: _withdraw(folders, files))
    except subprocess.SubprocessError:
        raise NotReady(f"Cannot confine what others wrote: {forbidden_because()}.") from None


def _withdraw(hidden: Sequence[bytes], size: int) -> None:
    """For the process that is about to make a world: nothing to write to, and nothing of others to read.

    hidden: folders to cover by empty ones; size: MiB that /tmp may hold.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        _leave_root(libc)
    _enter_own_user_namespace(libc)
    _make_read_only(libc)
    for path in hidden:
        _cover(libc, path, MS_RDONLY, "size=4k,nr_inodes=2,mode=755")  # what we cannot get to needs no cover
    result = _cover(libc, b"/tmp", 0, f"size={size}m,nr_inodes=10000,mode=1777")
    _must(libc, result)


def _leave_root(libc: ctypes.CDLL) -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else our own /proc/self would still be root's


def _enter_own_user_namespace(libc: ctypes.CDLL) -> None:
    """Make a user and a mount namespace in which we are who we were; user_namespaces(7)."""
    # asked before: in the new namespace they are nobody's
    uid = os.geteuid()
    gid = os.getegid()
    result = libc.unshare(CLONE_NEWUSER | CLONE_NEWNS)
    _must(libc, result)
    Path("/proc/self/setgroups").write_text("deny")  # without which no one but root may write gid_map
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _make_read_only(libc: ctypes.CDLL) -> None:
    """Every file but those of /proc and /sys: where they are read-only the kernel gives the world none to write to."""
    read_only = MountAttributes(on=MOUNT_ATTR_RDONLY, propagation=MS_PRIVATE)
    writable = MountAttributes(off=MOUNT_ATTR_RDONLY)
    _set_attributes(libc, b"/", read_only, AT_RECURSIVE)
    for path in (b"/proc", b"/sys"):
        _set_attributes(libc, path, writable)


def _cover(libc: ctypes.CDLL, path: bytes, flags: int, options: str) -> int:
    """Mount an empty folder over another; not 0 where we cannot get to, or where none is."""
    flags |= MS_NOSUID | MS_NODEV
    result: int = libc.mount(b"tmpfs", path, b"tmpfs", flags, options.encode())
    return result


class MountAttributes(ctypes.Structure):
    """struct mount_attr: which attributes of a mount are set and which are cleared; mount_setattr(2)."""

    _fields_ = (
        ("on", ctypes.c_uint64),
        ("off", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def _set_attributes(libc: ctypes.CDLL, path: bytes, attributes: MountAttributes, flags: int = 0) -> None:
    # by its number: a C library of 2021 has no function for it
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    result = libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, flags, ctypes.byref(attributes), size)
    _must(libc, result)


def _must(libc: ctypes.CDLL, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def bare_environment() -> dict[str, str]:
    """An environment that tells nothing of the user who grades."""
    return {"PATH": SYSTEM_PATH, "HOME": "/tmp", "LC_ALL": "C"}


class Watch:
    """Looks at what a world takes until it is stopped, and ends the world that takes too much (`reason` says what)."""

    def __init__(self, sandbox: Sandbox, limits: Limits, end: Callable[[], None]) -> None:
        self.reason = ""
        self._pid = sandbox.pid
        self._limits = limits
        self._end = end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        start = time.monotonic()
        while not self._stopped.wait(LOOK):
            seconds = time.monotonic() - start
            self.reason = self._too_much(seconds)
            if self.reason:
                self._end()
                return

    def _too_much(self, seconds: float) -> str:
        limits = self._limits
        if seconds > limits.seconds:
            return f"It was not done after {limits.seconds:g} seconds."
        processes = list(_numbers(self._pid))
        if len(processes) >= limits.processes:
            return f"It had {limits.processes} processes, the most that it may."
        if _memory(self._pid, processes) > limits.memory * MIB:
            return f"It took more than {limits.memory} MiB of memory, files in /tmp and /run included."
        return ""

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()


def _numbers(holder: int) -> Iterator[int]:
    """The numbers that a world's processes have in there: its own /proc lists them, and no others."""
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{holder}/root/proc"):
            if name.isdigit():
                yield int(name)


def _memory(holder: int, processes: Sequence[int]) -> int:
    """Bytes that a world takes: its programs' own, and what is in the files that are in memory, wherever mounted."""
    total = 0
    places = [f"/proc/{holder}/cwd"]  # where its lines' output is kept
    for number in processes:
        process = Path(f"/proc/{holder}/root/proc/{number}")
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended, or the world's /proc is no real one
            total += _own_memory(process)
            places += _memory_folders(process)
    in_files = _bytes_by_device(places)
    return total + sum(in_files.values())


def _own_memory(process: Path) -> int:
    """Bytes of memory that are in no file: proc(5), statm, of whose pages those of files are the third number."""
    numbers = (process / "statm").read_text().split()
    resident = int(numbers[1])
    of_files = int(numbers[2])
    pages = resident - of_files
    return pages * os.sysconf("SC_PAGE_SIZE")


def _memory_folders(process: Path) -> list[str]:
    """Where a process has folders mounted whose files are in memory, as paths for us."""
    folders = []
    for line in (process / "mountinfo").read_text().splitlines():
        if " - tmpfs " in line:
            point = _plain(_mount_point(line))
            folders.append(f"{process}/root{point}")
    return folders


def _bytes_by_device(places: Sequence[str]) -> dict[int, int]:
    """The bytes that the files in some folders take, each file system once."""
    taken = {}
    for place in places:
        with contextlib.suppress(OSError):
            disk = os.statvfs(place)
            device = os.stat(place).st_dev
            taken[device] = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    return taken


def _mount_point(line: str) -> str:
    """The fifth word of a line of mountinfo; proc(5)."""
    return line.split()[4]


def _plain(point: str) -> str:
    """A mount point as /proc writes it, with octal numbers for blanks, as a path.

    >>> _plain("/run/two\\\\040words")
    '/run/two words'
    """
    characters = point.encode().decode("unicode_escape")  # each stands for a byte
    octets = characters.encode("latin-1")
    return octets.decode("utf-8", "surrogateescape")


def mounts(sandbox: Sandbox) -> list[str]:
    """What is mounted where in a world, apart from its own /run: a program covered by another shows here."""
    text = Path(f"/proc/{sandbox.pid}/mountinfo").read_text()
    others = []
    for line in text.splitlines():
        if not _mount_point(line).startswith("/run"):
            others.append(line)
    return others
