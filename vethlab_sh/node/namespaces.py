"""Which network namespaces does this machine have: those with a name in /run/netns, and those a process is in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OWN = "/proc/self/ns/net"
NAMED = (Path("/run/netns"), Path("/run/docker/netns"))
FLAGS, PF_KTHREAD = 6, 0x00200000  # of proc(5)'s stat, after the name; include/linux/sched.h
NS_GET_USERNS = 0xB701  # the user namespace that owns a namespace: ioctl_ns(2), linux/nsfs.h


@dataclass
class Space:
    """One network namespace: its inode, a descriptor of it, the names and processes that lead to it, and its pod.

    label: what it is called in the tables; names are as the file system has them, any bytes; a label can be printed.
    """

    inode: int
    fd: int
    names: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    pod: str | None = None
    container: str | None = None
    label: str = ""

    @property
    def process(self) -> str | None:
        """The name of its first process that is not the one that only holds a pod's namespace; any bytes."""
        names = [read(f"/proc/{pid}/comm").removesuffix("\n") for pid in self.pids[:8]]
        for name in names:
            if name.strip() and name != "pause":
                return name
        return names[0] if names else None


def find_spaces() -> tuple[list[Space], int]:
    """Every namespace but our own, each with a descriptor; and how many processes would not tell theirs."""
    _allow_descriptors()
    own = os.stat(OWN)
    spaces: dict[int, Space] = {}
    closed = 0
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        file = f"/proc/{pid}/ns/net"
        try:
            inode = os.stat(file).st_ino
            if inode != own.st_ino:
                _space(spaces, inode, file).pids.append(pid)
        except PermissionError:
            if not _is_of_the_kernel(pid):  # which is on the machine itself
                closed += 1
        except OSError:  # it has ended
            continue
    for named in (named for folder in NAMED for named in files(folder)):
        with contextlib.suppress(OSError):
            stat = named.stat()
            if stat.st_dev == own.st_dev and stat.st_ino != own.st_ino:  # else a file that no namespace is bound to
                _space(spaces, stat.st_ino, str(named)).names.append(named.name)
    return list(spaces.values()), closed


def _is_of_the_kernel(pid: int) -> bool:
    """Whether a process is a thread of the kernel: its stat tells, which nobody can hold up, as one can its cmdline."""
    stat = read(f"/proc/{pid}/stat")
    _, _, behind_name = stat.rpartition(")")
    fields = behind_name.split()
    if len(fields) <= FLAGS:
        return False
    return int(fields[FLAGS]) & PF_KTHREAD != 0


def _allow_descriptors() -> None:
    """Let us hold as many descriptors as the machine allows: one for each namespace."""
    import resource  # not on every system, and the rest of the package is read there too

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _space(spaces: dict[int, Space], inode: int, file: str) -> Space:
    """The namespace of this inode, opened when it is new."""
    if inode not in spaces:
        fd = os.open(file, os.O_RDONLY)
        os.set_inheritable(fd, True)
        spaces[inode] = Space(inode, fd)
    return spaces[inode]


def same_owner(fd: int) -> bool:
    """Whether a namespace is owned by the user namespace that we are in, not by one that somebody made inside it."""
    import fcntl  # not on every system either

    try:
        owner = fcntl.ioctl(fd, NS_GET_USERNS)
    except OSError:  # its owner is above us
        return False
    try:
        return os.path.samestat(os.fstat(owner), os.stat("/proc/self/ns/user"))
    finally:
        os.close(owner)


def files(folder: Path) -> Iterator[Path]:
    """The files of a folder in order; none when we may not read it or it is gone."""
    with contextlib.suppress(OSError):
        yield from sorted(folder.iterdir())


def read(file: str | Path) -> str:
    """A file's text; nothing when we may not read it or it is gone."""
    try:
        return Path(file).read_text(errors="replace")
    except OSError:
        return ""
