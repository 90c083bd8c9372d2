"""What runs in a lab's namespaces, and how is it ended? By what the kernel tells of each process, not by its name."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import GaveUpWaiting

KINDS = ("pid", "net", "mnt", "uts", "ipc", "user")  # of namespaces: namespaces(7)
NS_GET_PARENT = 0xB702  # ioctl_ns(2)
PATIENCE = 10.0  # seconds for the kernel to end what was killed


@dataclass(frozen=True)
class Process:
    """A process that lives in a lab: its number outside, and its command line."""

    pid: int
    command: str


def own(kind: str) -> str:
    """The namespace of a kind that we are in, as the kernel names it: `net:[4026532000]`."""
    return os.readlink(f"/proc/self/ns/{kind}")


def living(spaces: set[str]) -> Iterator[Process]:
    """The processes that live in these namespaces, named as by `own`."""
    for pid in _numbers():
        with contextlib.suppress(OSError):
            if _lives_in(pid, spaces):
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                words = line.decode(errors="replace").replace("\0", " ")  # each word ends with a zero byte: proc(5)
                yield Process(pid, words.strip())


def end(spaces: set[str]) -> None:
    """End what lives in these namespaces, and those of ours that wait outside for it.

    Raises GaveUpWaiting when the kernel does not end them in time.
    """
    # Not all of them at the first look: one that is to be killed may have made another meanwhile.
    left = list(living(spaces))
    while left:
        for process in left:
            kill(process.pid, partial(_lives_in, process.pid, spaces))
        left = list(living(spaces))
    for pid in _numbers():
        kill(pid, partial(_waits_for, pid, spaces))


def kill(pid: int, is_meant: Callable[[], bool]) -> None:
    """End a process, if it is the one meant, and wait until it, and all that the kernel ends with it, are gone."""
    try:
        process = os.pidfd_open(pid)  # from now on no other process is meant by it
    except ProcessLookupError:
        return
    try:
        if is_meant():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            ended, _, _ = select.select([process], [], [], PATIENCE)
            if not ended:
                raise GaveUpWaiting(f"process {pid} is gone", PATIENCE)
    finally:
        os.close(process)


def _numbers() -> list[int]:
    names = os.listdir("/proc")
    return [int(name) for name in names if name.isdigit()]


def _waits_for(pid: int, spaces: set[str]) -> bool:
    """Whether it is a process of ours that waits outside for what it started in there, or to start more."""
    try:
        lives_in = os.readlink(f"/proc/{pid}/ns/pid")
        children = os.readlink(f"/proc/{pid}/ns/pid_for_children")
    except OSError:  # it ended, or it is another user's
        return False
    return lives_in == own("pid") and children in spaces


def _lives_in(pid: int, spaces: set[str]) -> bool:
    """Whether a process is in one of these namespaces, or in a process-number namespace below one of them.

    Those of ours that wait outside are not counted: they do nothing but start and wait.
    """
    try:
        links = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in KINDS]
        if _waits_for(pid, spaces):
            return False
        if not spaces.isdisjoint(links):
            return True
        return not spaces.isdisjoint(_above(pid))
    except OSError:  # it ended, or it is another user's
        return False


def _above(pid: int) -> Iterator[str]:
    """The process-number namespaces that a process's own lies in."""
    import fcntl  # which not every system has

    space = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    try:
        while True:
            try:
                above = fcntl.ioctl(space, NS_GET_PARENT)
            except PermissionError:  # our own was the last that we may see
                return
            os.close(space)
            space = above
            yield f"pid:[{os.fstat(space).st_ino}]"
    finally:
        os.close(space)
