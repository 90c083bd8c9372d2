"""How much do the processes of a world take? Asked of its own /proc, where there is no control group that counts it.

Not counted is what no process shows: the kernel's own memory for sockets, devices and routes, and folders in memory
that are mounted only in a namespace in which nobody is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from .. import world
from .mounts import Mounted, mounted

MIB = 2**20
LONGEST_LIST = MIB // 2  # of bytes that the kernel lists of one program: five thousand mounts, ten thousand pieces
LEAST_LEFT, MOST_LEFT = 128 * MIB, 1024 * MIB  # of the machine's memory: what must be left of it
TMPFS_MAGIC = 0x01021994  # linux/magic.h
UNNAMED = ("/dev/zero (deleted)", "/SYSV", "/memfd:")  # how proc(5)'s maps call memory that is shared and in no folder


@dataclass
class Taken:
    """What some processes take together.

    memory: bytes that each has alone; shared: bytes of memory that is shared, by what tells it from other; disks: bytes
    of the folders in memory, by device; covered: those that another mount covers; unmeasured: whether there is one
    whose size nobody can tell; crowded: whether one has more mounts, or pieces of memory, than are looked at; ticks: of
    processors, with those of children that ended; own: the same without, of each.
    """

    memory: int = 0
    shared: dict[str, int] = field(default_factory=dict)
    disks: dict[int, int] = field(default_factory=dict)
    covered: set[int] = field(default_factory=set)
    unmeasured: bool = False
    crowded: bool = False
    ticks: int = 0
    own: dict[str, int] = field(default_factory=dict)

    def add(self, proc: int, number: int) -> None:
        """One more process. proc: a descriptor of the /proc in which it has this number; 1 is the world's holder."""
        for add in (self._add_ticks, self._add_memory, self._add_mounts, self._add_open):
            with contextlib.suppress(OSError, ValueError, IndexError):  # it ended
                add(proc, number)

    @property
    def hidden(self) -> set[int]:
        """The devices of folders in memory that nobody can look into."""
        return self.covered - self.disks.keys()

    @property
    def bytes(self) -> int:
        """All the memory that is counted."""
        return self.memory + sum(self.shared.values()) + sum(self.disks.values())

    @property
    def seconds(self) -> float:
        """Seconds of processors."""
        return in_seconds(self.ticks)

    def _add_ticks(self, proc: int, number: int) -> None:
        """proc(5), stat: fields 14 and 15 are its own, 16 and 17 of children that it has waited for, 22 its begin."""
        _, _, behind_name = _read(proc, f"{number}/stat").rpartition(")")  # which may hold anything
        fields = ["", "", "", *behind_name.split()]  # numbered as in proc(5)
        own = int(fields[14]) + int(fields[15])
        of_children = int(fields[16]) + int(fields[17])
        begin = fields[22]
        self.own[f"{number} {begin}"] = own
        self.ticks += own + of_children

    def _add_memory(self, proc: int, number: int) -> None:
        """What is in no file of a disk. What is shared by its whole size: who lets go of a page keeps it there."""
        for line in _read(proc, f"{number}/smaps_rollup").splitlines():
            words = line.split()
            if words[0] == "Pss_Anon:":
                self.memory += int(words[1]) * 1024
        for line in self._listed(proc, f"{number}/maps"):
            place, rights, offset, device, inode, *path = line.split(maxsplit=5)
            is_shared = rights.endswith("s")
            if is_shared and path and path[0].startswith(UNNAMED):
                begin, _, end = place.partition("-")
                length = int(end, 16) - int(begin, 16)
                size = int(offset, 16) + length
                key = f"{device} {inode}"
                known = self.shared.get(key, 0)
                self.shared[key] = max(size, known)

    def _add_mounts(self, proc: int, number: int) -> None:
        """The folders in memory that it has mounted, each file system once."""
        for mount in mounted(self._listed(proc, f"{number}/mountinfo")):
            if mount.kind == "ramfs":
                self.unmeasured = True
            if mount.kind == "tmpfs" and mount.device not in self.disks:
                self._measure(proc, number, mount)

    def _listed(self, proc: int, name: str) -> list[str]:
        """The lines of a list that a program can make as long as it likes: one too long is not looked at."""
        text = _read(proc, name)
        if len(text) > LONGEST_LIST:
            self.crowded = True
            return []
        return text.splitlines()

    def _measure(self, proc: int, number: int, mount: Mounted) -> None:
        with contextlib.suppress(OSError):
            path = f"{number}/root{mount.point}"
            place = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=proc)
            try:
                if os.fstat(place).st_dev == mount.device:
                    self.disks[mount.device] = _bytes_of(place)
                    return
            finally:
                os.close(place)
        self.covered.add(mount.device)

    def _add_open(self, proc: int, number: int) -> None:
        """Folders in memory that are mounted nowhere any more, in which it is, or has a file open."""
        for name in _open_files(proc, number):
            with contextlib.suppress(OSError):
                device = os.stat(name, dir_fd=proc).st_dev
                if os.major(device) or device in self.disks:
                    continue
                place = os.open(name, os.O_PATH, dir_fd=proc)
                try:
                    if _kind_of(place) == TMPFS_MAGIC:
                        self.disks[device] = _bytes_of(place)
                finally:
                    os.close(place)


def _open_files(proc: int, number: int) -> Iterator[str]:
    yield f"{number}/cwd"
    yield f"{number}/root"
    with contextlib.suppress(OSError):
        folder = os.open(f"{number}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
        try:
            names = os.listdir(folder)
        finally:
            os.close(folder)
        for name in names:
            yield f"{number}/fd/{name}"


def _kind_of(descriptor: int) -> int:
    """The number of a file system's kind, which Python's statvfs has not. struct statfs begins with it, a word long."""
    answer = ctypes.create_string_buffer(256)
    world.must(world.libc().fstatfs(descriptor, answer), "fstatfs")
    return ctypes.c_long.from_buffer(answer).value


def is_of_kind(descriptor: int, magic: int) -> bool:
    """Whether a file is of a kind of file system; linux/magic.h."""
    return _kind_of(descriptor) == magic


def _bytes_of(descriptor: int) -> int:
    disk = os.statvfs(descriptor)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize


def in_seconds(ticks: int) -> float:
    """Clock ticks as seconds."""
    return ticks / os.sysconf("SC_CLK_TCK")


def _read(proc: int, name: str) -> str:
    descriptor = os.open(name, os.O_RDONLY, dir_fd=proc)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(LONGEST_LIST + 1).decode(errors="replace")


def memory_left() -> int:
    """Bytes of the machine's memory that can be had; many where it does not tell."""
    with contextlib.suppress(OSError), open("/proc/meminfo") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * 1024
    return 2 * MOST_LEFT


def reserve() -> int:
    """Bytes that must be left: an eighth of what there is now, within bounds."""
    return min(max(memory_left() // 8, LEAST_LEFT), MOST_LEFT)
