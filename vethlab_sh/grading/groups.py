"""Which control group holds a stranger's world to its limits? One below our own, where the kernel lets us make some.

A control group counts what all its processes take, the kernel's memory for them included, and lets no more be taken;
nobody leaves it. cgroups(7). Version 2 has one hierarchy, in which a group of our own must be delegated to us, with
nobody else in it, as `systemd-run --user --scope -p Delegate=yes` does: a group whose members are groups may have no
processes itself, so while there are worlds we are in a member, too. Version 1 has a hierarchy for each kind of limit;
there root may make groups below its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import select
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotReady
from ..language import tr
from .mounts import Mounted, mounted

PROCESSES = "cgroup.procs"
MEMBERS = "cgroup.subtree_control"  # which limits the members of a group have
NAME = "vethlab-grade-"  # how the names of groups begin; then comes the number of the process that made it
OURS = "grader"  # the member that we are in
KILLED = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)  # of memory.events, and of version 1's memory.oom_control
GOING = 5.0  # seconds for what was killed to be gone, before its group may be removed
COUNT = itertools.count()


@dataclass(frozen=True)
class Place:
    """Where groups are made: a folder for each kind of limit, `memory` and `pids`; on version 2 both are the same."""

    folders: Mapping[str, Path]
    is_v2: bool

    def group(self, memory: int, processes: int) -> Group:
        """A new group. memory: bytes of everything; processes: how many. Raises NotReady where there can be none."""
        name = f"{NAME}{os.getpid()}-{next(COUNT)}"
        made = []
        try:
            for folder in dict.fromkeys(self.folders.values()):
                (folder / name).mkdir()
                made.append(folder / name)
            group = Group(self.folders["memory"] / name, tuple(made), self.is_v2)
            limits = {"memory.max" if self.is_v2 else "memory.limit_in_bytes": memory}
            if self.is_v2 and (group.memory / "memory.swap.max").exists():
                limits["memory.swap.max"] = 0
            for file, limit in limits.items():
                (group.memory / file).write_text(str(limit))
            (self.folders["pids"] / name / "pids.max").write_text(str(processes))
        except OSError as error:
            for folder in made:
                folder.rmdir()
            complaint = tr(
                "Cannot make a control group in {folder}: {reason}.",
                folder=self.folders["memory"],
                reason=error.strerror,
            )
            raise NotReady(complaint) from error
        return group


@dataclass(frozen=True)
class Group:
    """The group of one world. memory: its folder of memory; folders: all of them."""

    memory: Path
    folders: tuple[Path, ...]
    is_v2: bool

    def enter(self) -> None:
        """Put the calling process in, and so all that it starts."""
        for folder in self.folders:
            (folder / PROCESSES).write_text("0")  # whoever writes it

    @property
    def was_full(self) -> bool:
        """Whether a process in there was ended because there was no memory left for it."""
        events = self.memory / ("memory.events" if self.is_v2 else "memory.oom_control")
        with contextlib.suppress(OSError):
            killed = KILLED.search(events.read_text())
            return killed is not None and killed[1] != "0"
        return False

    @property
    def seconds(self) -> float | None:
        """Seconds of processors that it took, also by what has ended; None where the group does not count them."""
        if not self.is_v2:
            return None
        with contextlib.suppress(OSError):
            for line in (self.memory / "cpu.stat").read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "usage_usec":
                    return int(number) / 1_000_000
        return None

    def remove(self) -> None:
        """Remove it, once nothing runs in it any more: a world of its own kind has ended all of that."""
        for folder in self.folders:
            _remove(folder)


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + GOING
    while folder.exists() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        select.select([], [], [], 0.005)


@contextlib.contextmanager
def place() -> Iterator[Place | None]:
    """Where groups can be made, while a block runs; None where we may make none."""
    found = _of_version_1()
    if found:
        with _tidied(found):
            yield found
        return
    folder = _of_version_2()
    if folder is None:
        yield None
        return
    with _delegated(folder) as is_ours:
        found = Place({"memory": folder, "pids": folder}, is_v2=True)
        with _tidied(found):
            yield found if is_ours else None


@contextlib.contextmanager
def _tidied(found: Place) -> Iterator[None]:
    """Remove the groups of those that were killed: before, of an earlier grading, and after, of this one."""
    _tidy(found)
    try:
        yield
    finally:
        _tidy(found)


def _tidy(found: Place) -> None:
    for folder in found.folders.values():
        for group in folder.glob(f"{NAME}*"):
            maker = group.name.removeprefix(NAME).partition("-")[0]
            if not os.path.exists(f"/proc/{maker}"):
                _remove(group)


@contextlib.contextmanager
def _delegated(folder: Path) -> Iterator[bool]:
    """Make groups with limits possible in our own, by moving us into a member of it; and undo that."""
    ours = folder / OURS
    me = str(os.getpid())
    try:
        ours.mkdir(exist_ok=True)
        (ours / PROCESSES).write_text(me)
        (folder / MEMBERS).write_text("+memory +pids")
    except OSError:
        is_ours = False
    else:
        is_ours = True
    try:
        yield is_ours
    finally:
        with contextlib.suppress(OSError):
            (folder / MEMBERS).write_text("-memory -pids")
        with contextlib.suppress(OSError):
            (folder / PROCESSES).write_text(me)
        with contextlib.suppress(OSError):
            ours.rmdir()


def _of_version_2() -> Path | None:
    """Our group of version 2, if it may have members with limits, and nobody but us is in it."""
    folder = _ours("cgroup2", "")
    if folder is None:
        return None
    with contextlib.suppress(OSError):
        limits = (folder / "cgroup.controllers").read_text().split()
        members = (folder / PROCESSES).read_text().split()
        if {"memory", "pids"} <= set(limits) and members == [str(os.getpid())] and os.access(folder, os.W_OK):
            return folder
    return None


def _of_version_1() -> Place | None:
    """Our groups of version 1, if we may make others below them."""
    folders = {}
    for kind in ("memory", "pids"):
        folder = _ours("cgroup", kind)
        # Root may write in a folder whose mode says that nobody may; but not in one that is mounted read-only.
        if folder is None or os.geteuid() != 0 or not os.access(folder, os.W_OK):
            return None
        folders[kind] = folder
    return Place(folders, is_v2=False)


def _ours(system: str, kind: str) -> Path | None:
    """The folder of the group that we are in. system: cgroup2, or cgroup with a kind of limit."""
    with contextlib.suppress(OSError):
        mounts = list(mounted(Path("/proc/self/mountinfo").read_text().splitlines()))
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kind not in kinds.split(","):
                continue
            for mount in mounts:
                is_meant = mount.kind == system and (not kind or kind in mount.options)
                folder = _folder(mount, path) if is_meant else None
                if folder is not None:
                    return folder
    return None


def _folder(mount: Mounted, path: str) -> Path | None:
    """The folder of a group where a hierarchy is mounted; a container is shown its own part of it alone."""
    below = os.path.relpath(path, mount.root)
    folder = Path(mount.point, below)
    if below.startswith("..") or not folder.is_dir():
        return None
    return folder
