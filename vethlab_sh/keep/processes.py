"""What runs in a lab's namespaces, and how is it ended? By what the kernel tells of each process, not by its name.

No path of the lab is asked: who is root in there may put there whatever he likes. Which namespaces are the lab's is
told by its holder's own files under /proc and, for those with a name, by the kernel's list of the lab's mounts.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import GaveUpWaiting
from ..language import tr
from ..sandbox import started
from .reading import patiently

KINDS = ("pid", "net", "mnt", "uts", "ipc", "user")  # of namespaces: namespaces(7)
NS_GET_USERNS, NS_GET_PARENT = 0xB701, 0xB702  # ioctl_ns(2)
PATIENCE = 10.0  # seconds for the kernel to end what was killed
COMMAND_PATIENCE = 0.5  # seconds for a process to tell its command line
LONGEST_COMMAND = 4096  # bytes
# A network namespace that is bound to a name, in proc(5)'s mountinfo: its fourth field, and the kind of file system
NAMED = re.compile(rb"^\S+ \S+ \S+ (net:\[\d+\]) .* - nsfs ", re.MULTILINE)
MOST_MOUNTS = 2**24  # bytes of a list of mounts


@dataclass(frozen=True)
class Process:
    """A process that lives in a lab: its number outside, and its command line."""

    pid: int
    command: str


@dataclass(frozen=True)
class Spaces:
    """The namespaces of one lab, as the kernel names them (`net:[4026532000]`).

    own: those of its holder that are not ours; numbers, users: its own of process numbers and of users (None as root,
    whose labs have none); named: network namespaces that have a name in there; since: when its holder began.
    """

    own: frozenset[str]
    numbers: str
    users: str | None
    named: frozenset[str]
    since: int

    @classmethod
    def of(cls, holder: int, since: int) -> Spaces:
        """Those of the lab that this process holds. Raises OSError when it is gone, or another user's."""
        links = {}
        ours = set()
        for kind in KINDS:
            links[kind] = os.readlink(f"/proc/{holder}/ns/{kind}")
            ours.add(own(kind))
        has_own_users = links["user"] not in ours
        return cls(
            own=frozenset(links.values()) - ours,
            numbers=links["pid"],
            users=links["user"] if has_own_users else None,
            named=frozenset(_named(holder) - ours),
            since=since,
        )

    @contextlib.contextmanager
    def held(self, holder: int) -> Iterator[None]:
        """Keep them for a while: the kernel gives the number of one that is gone to the next that is made."""
        with contextlib.ExitStack() as opened:
            for kind in KINDS:
                with contextlib.suppress(OSError):
                    file = os.open(f"/proc/{holder}/ns/{kind}", os.O_RDONLY)
                    opened.callback(os.close, file)
            yield

    def living(self) -> list[int]:
        """The numbers of the processes that live in them, their holder too."""
        pids = _numbers()
        named = self.named if self.users is None else frozenset()
        if named:  # root in there can bind any namespace that it sees: one in which others live is not the lab's
            named -= {space for pid in pids for space in self._of_others(pid)}
        return [pid for pid in pids if self.has(pid, named)]

    def has(self, pid: int, named: frozenset[str] = frozenset()) -> bool:
        """Whether a process lives in one of them, or in one of process numbers below them.

        What was started in there has its number in there. What came in from outside, say by nsenter, has one of ours,
        and is in another of the lab's namespaces, or in one that the lab's users made. Those of ours that wait outside
        for what they started in there are not counted.
        """
        try:
            links = {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in KINDS}
            if links["pid"] != own("pid"):
                return links["pid"] == self.numbers or self.numbers in _above(pid, "pid")
            if self.waits(pid):
                return False
            if not self.own.isdisjoint(links.values()) or links["net"] in named:
                return True
            return self.users is not None and self.users in _owners(pid)
        except OSError:  # it ended, or it is another user's
            return False

    def waits(self, pid: int) -> bool:
        """Whether it is a process of ours that waits outside for what it started in there, or to start more."""
        try:
            # None yet where it has asked for new numbers and started nothing: the file is there, and leads nowhere
            return os.readlink(f"/proc/{pid}/ns/pid_for_children") == self.numbers != own("pid")
        except OSError:
            return False

    def _of_others(self, pid: int) -> Iterator[str]:
        """The network namespace of a process that is no guest of the lab: in other numbers, or there before it."""
        with contextlib.suppress(OSError):
            numbers = os.readlink(f"/proc/{pid}/ns/pid")
            is_of_lab = numbers == self.numbers or self.numbers in _above(pid, "pid")
            if is_of_lab:
                return
            began = started(pid) or self.since
            was_there_before = began < self.since
            if was_there_before or numbers != own("pid"):
                yield os.readlink(f"/proc/{pid}/ns/net")


def own(kind: str) -> str:
    """The namespace of a kind that we are in, as the kernel names it: `net:[4026532000]`."""
    return os.readlink(f"/proc/self/ns/{kind}")


def told(pids: Iterable[int]) -> list[Process]:
    """These processes, each with its command line; one that does not tell it is called by its name in brackets."""
    asked = partial(patiently, seconds=COMMAND_PATIENCE, fact=tr("a process tells its command line"))
    processes = []
    silent = 0
    for pid in pids:
        try:
            if silent > 2:  # they mean to keep us waiting
                raise GaveUpWaiting(tr("processes tell their command lines"), COMMAND_PATIENCE)
            command = asked(partial(_command, pid))
        except GaveUpWaiting:
            silent += 1
            command = ""
        except OSError:  # it has ended
            continue
        processes.append(Process(pid, command or _name(pid)))
    return processes


def _command(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        line = file.read(LONGEST_COMMAND)
    words = line.decode(errors="surrogateescape").replace("\0", " ")  # each word ends with a zero byte: proc(5)
    return words.strip()


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_bytes()
        return "[" + name.decode(errors="surrogateescape").removesuffix("\n") + "]"
    return ""


def end(holder: int, is_holder: Callable[[], bool], spaces: Spaces) -> None:
    """End what a process holds: itself, what lives in its namespaces, and those of ours that wait outside for it.

    Raises GaveUpWaiting when the kernel does not end them in time.
    """
    deadline = time.monotonic() + PATIENCE
    guests = set(spaces.living()) - {holder}
    # With process 1 the kernel ends all that have a number in there. It is gone when the last of them is reaped, by
    # its parent, which may be outside: so it is waited for at the end.
    holding = _kill(holder, is_holder)
    with contextlib.ExitStack() as opened:
        if holding is not None:
            opened.callback(os.close, holding)
        # Not all of them at the first look: one that is to be killed may have made another meanwhile.
        while guests:
            for pid in guests:
                kill(pid, partial(spaces.has, pid, spaces.named), deadline)
            guests = set(spaces.living()) - {holder}
        for pid in _numbers():
            kill(pid, partial(spaces.waits, pid), deadline)
        if holding is not None:
            _wait(holder, holding, deadline)


def kill(pid: int, is_meant: Callable[[], bool], deadline: float) -> None:
    """End a process, if it is the one meant, and wait until it is gone."""
    process = _kill(pid, is_meant)
    if process is None:
        return
    try:
        _wait(pid, process, deadline)
    finally:
        os.close(process)


def _kill(pid: int, is_meant: Callable[[], bool]) -> int | None:
    """Tell a process to end, if it is the one meant; a descriptor of it, by which its end can be waited for."""
    if not is_meant():  # which costs less than a descriptor
        return None
    try:
        process = os.pidfd_open(pid)  # from now on no other process is meant by it
    except ProcessLookupError:
        return None
    if is_meant():
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
        return process
    os.close(process)
    return None


def _wait(pid: int, process: int, deadline: float) -> None:
    left = max(0.0, deadline - time.monotonic())
    ended, _, _ = select.select([process], [], [], left)
    if not ended:
        raise GaveUpWaiting(tr("process {pid} is gone", pid=pid), PATIENCE)


# ---- what the kernel tells of one process --------------------------------------------------------------------


def _numbers() -> list[int]:
    names = os.listdir("/proc")
    return [int(name) for name in names if name.isdecimal()]


def _named(pid: int) -> set[str]:
    """The network namespaces that are bound to a name where this process is."""
    with open(f"/proc/{pid}/mountinfo", "rb") as file:
        mounts = file.read(MOST_MOUNTS)
    return {space.decode() for space in NAMED.findall(mounts)}


def _above(pid: int, kind: str) -> Iterator[str]:
    """The namespaces of process numbers, or of users, that a process's own lies in."""
    space = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
    yield from _chain(space, kind, NS_GET_PARENT)


def _owners(pid: int) -> Iterator[str]:
    """The namespace of users that a process is in, and that which owns its network, each with those above it."""
    yield os.readlink(f"/proc/{pid}/ns/user")
    yield from _above(pid, "user")
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    yield from _chain(network, "user", NS_GET_USERNS)


def _chain(space: int, kind: str, question: int) -> Iterator[str]:
    """The namespace that a question leads to from an open one, which is closed, and all above that one."""
    import fcntl  # which not every system has

    try:
        while True:
            try:
                above = fcntl.ioctl(space, question)
            except PermissionError:  # our own was the last that we may see
                return
            os.close(space)
            space = above
            question = NS_GET_PARENT
            yield f"{kind}:[{os.fstat(space).st_ino}]"
    finally:
        os.close(space)
