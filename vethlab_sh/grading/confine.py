"""How little may the lines of a stranger see and take? The machine's programs only to read, and little of all else.

The world is a strict one (`world.Plan`): of the machine's files it has programs, and what they need. Its lines run in a
mount namespace that nobody else enters, under limits that only the machine's root could lift and under a filter of
calls (`calls`); what the whole world takes is watched. When they are done every process of theirs is ended. Then the
network namespaces that they named are looked at: those that are some, each by its inode, are bound to their names in
the holder's own mount namespace, where the stranger never was, and there it is judged.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from .. import world
from ..errors import BadName, GaveUpWaiting, LabClosed, NotReady
from ..inside import check_name
from ..language import tr
from ..sandbox import HOSTNAME, SYSTEM_PATH, Sandbox
from ..world import CLONE_NEWNS, MS_NODEV, MS_NOSUID, Plan
from . import calls
from .groups import Group, Place
from .refused import neighbours_left
from .taken import MIB, Taken, in_seconds, is_of_kind, memory_left, reserve

LOOK = 0.1  # seconds between two looks at what a world takes
NSFS_MAGIC = 0x6E736673  # linux/magic.h
NS_GET_PARENT, NS_GET_NSTYPE = 0xB702, 0xB703  # ioctl_ns(2)
DEEPEST = 32  # user namespaces in each other: user_namespaces(7)
NAMES = 1000  # network namespaces that are looked at
PATIENCE = 10.0  # seconds for the kernel to end what was killed, and for looking at names
NEIGHBOURS = 256  # for so many there must be a place left, in a table that is one for the whole machine
JUDGING = 1024 * MIB  # of memory, for each of our own programs that looks at a stranger's network
# Of bytes. Not 0: where the machine hands cores to a program of its own, that would run all the same, outside of the
# world and as root; of 1 the kernel itself makes an exception. core(5), do_coredump()
NO_CORE = 1
NETNS = "/run/netns"


@dataclass(frozen=True)
class Limits:
    """What a stranger's lines may take: seconds; processes; memory and file size in MiB.

    seconds: on the clock, and of one processor; memory: of the whole world, its files included, which are in memory; a
    single program has the same limit.
    """

    seconds: float = 60
    processes: int = 200
    memory: int = 256
    file: int = 16


class Confined(Sandbox):
    """A world for a stranger's lines; `untouched` is the same without anything of theirs but the networks.

    place: where its control group is made, if there is such a place. Raises NotReady where the machine cannot make one.
    """

    def __init__(self, limits: Limits, place: Place | None = None) -> None:
        self._limits = limits
        self.group: Group | None = None
        self._filter = calls.program()
        # The watch ends a world of so many; this keeps it from growing until the watch has looked.
        plan = Plan(strict=True, memory=limits.memory, processes=2 * limits.processes)
        try:
            super().__init__(plan)
            if place:
                self.group = place.group(limits.memory * MIB, 2 * limits.processes)
        except NotReady as error:
            raise NotReady(tr("Cannot confine what others wrote. {error}", error=error)) from error

    def close(self) -> None:
        """As of any world; its control group goes, too."""
        super().close()
        if self.group:
            self.group.remove()

    def enter(self) -> None:
        """As a stranger's program: it is ended first where memory is short, and gives way to others."""
        if self.group:
            self.group.enter()
        _end_first()
        super().enter()
        os.nice(5)
        _limit(self._limits)
        world.forbid(self._filter)

    def end_lines(self) -> None:
        """End every process in there but the holder; raises GaveUpWaiting when the kernel does not.

        By the holder, for all processes in its process-number namespace at once: none can make another meanwhile.
        """
        assert self._line
        try:
            self._line.sendall(b"end\n")
            heard, _, _ = select.select([self._line], [], [], PATIENCE)
            if not heard or not self._line.recv(64):
                raise LabClosed(tr("The holder of this world has ended."))
        except OSError:
            raise LabClosed(tr("The holder of this world has ended.")) from None
        deadline = time.monotonic() + PATIENCE
        while set(self.numbers()) - {1}:
            if time.monotonic() > deadline:
                raise GaveUpWaiting(tr("the kernel to end what was started"), PATIENCE)
            select.select([self._pidfd], [], [], 0.005)

    def numbers(self) -> Iterator[int]:
        """The numbers that its processes have in there: its own /proc lists them, and no others."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self.descriptors["proc"]):
                if name.isascii() and name.isdigit():
                    yield int(name)

    def untouched(self) -> Sandbox:
        """The world as its holder sees it, with the network namespaces that have a name in there.

        When all lines have ended. Raises BadName when two names are one namespace, GaveUpWaiting when the names cannot
        be looked at.
        """
        said = self._in_a_child(self._name_networks)
        if said:
            raise BadName(said[0], tr("it is the namespace that is also called {name}", name=said[1]))
        os.close(self.descriptors.pop("mounts"))  # and with it goes all that was mounted
        seen = Judged.__new__(Judged)  # the same holder, entered as any lab is
        seen.__dict__.update(self.__dict__)
        # Not the user namespace of the lines either: it may have interpreters for programs (binfmt_misc), and limits.
        seen._users = None
        return seen

    def _in_a_child(self, work: Callable[[], list[str]]) -> list[str]:
        """What a function answers in a process of its own, which may enter namespaces; raises GaveUpWaiting.

        That process is not killed: its own child, in this world, would be left to process 1 of the machine, and until
        that one takes note of the end (in a container it may never) the kernel would not let this world end.
        """
        hear, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            _answer(work, tell)
        os.close(tell)
        try:
            heard, _, _ = select.select([hear], [], [], PATIENCE)
            said = os.read(hear, 4096) if heard else b""
        finally:
            os.close(hear)
        if not said:  # with the world ends what was to answer
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.waitpid(pid, 0)
        if not said:
            raise GaveUpWaiting(tr("the names of namespaces"), PATIENCE)
        answered: list[str] = json.loads(said)
        return answered

    def _name_networks(self) -> list[str]:
        """Bind the network namespaces of /run/netns as the lines left it to the holder's; two names of one, if any."""
        holder = os.open(f"/proc/{self.pid}/ns/mnt", os.O_RDONLY)
        assert self._users is not None
        self._enter_around()
        if os.fork():  # only a child has a number in there, and so a /proc/self
            _, status = os.wait()
            os._exit(os.waitstatus_to_exitcode(status))
        world.setns(self.descriptors["mounts"], CLONE_NEWNS)
        networks = _networks(self._users)
        world.setns(holder, CLONE_NEWNS)
        names: dict[int, str] = {os.stat("/proc/1/ns/net").st_ino: HOSTNAME}
        for folder in ("/run", "/tmp", "/dev/shm"):  # the lines wrote into the same ones by other mounts
            world.mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=16m")
        # `ip netns exec` takes /sys off and mounts another, which the kernel gives only where there is one to be seen
        os.mkdir("/run/sys")
        world.mount("sysfs", "/run/sys", "sysfs", MS_NOSUID | MS_NODEV)
        os.mkdir(NETNS)
        for name, descriptor in networks.items():
            inode = os.fstat(descriptor).st_ino
            if inode in names:
                return [name, names[inode]]
            names[inode] = name
            os.close(os.open(f"{NETNS}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444))
            world.bind(f"/proc/self/fd/{descriptor}", f"{NETNS}/{name}", 0)
        return []


class Judged(Sandbox):
    """A stranger's world without the stranger, for our own programs: what they take is the stranger's doing, too."""

    def enter(self) -> None:
        """As into any lab, with a limit of memory for each program, and ended before others where memory is short."""
        _end_first()
        super().enter()
        resource.setrlimit(resource.RLIMIT_AS, (JUDGING, JUDGING))


def _end_first() -> None:
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _limit(limits: Limits) -> None:
    """setrlimit(2); soft and hard, so that no program can raise it."""
    seconds = int(limits.seconds) + 1
    every = {
        resource.RLIMIT_NPROC: 2 * limits.processes,
        resource.RLIMIT_AS: limits.memory * MIB,
        resource.RLIMIT_FSIZE: limits.file * MIB,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_MEMLOCK: MIB,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: NO_CORE,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 1000,
    }
    for kind, limit in every.items():
        resource.setrlimit(kind, (limit, limit))


def _answer(work: Callable[[], list[str]], tell: int) -> NoReturn:
    """Write what a function answers, as JSON, and end this process."""
    code = 1
    try:
        answer = json.dumps(work())
        os.write(tell, answer.encode())
        code = 0
    except OSError:
        pass
    finally:
        os._exit(code)


def _networks(users: int) -> dict[str, int]:
    """The network namespaces that have a name here, as descriptors: real ones, of this world's users, well named."""
    found: dict[str, int] = {}
    try:
        names = sorted(os.listdir(NETNS))
    except OSError:  # there is none, or something else
        return {}
    for name in names[:NAMES]:
        with contextlib.suppress(OSError, BadName):
            check_name(name)
            if name == HOSTNAME:  # in a claim this is the lab itself, and nobody else
                continue
            path = f"{NETNS}/{name}"
            if not stat.S_ISREG(os.lstat(path).st_mode):  # a link would be two names of one; a pipe would never open
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            if _is_network_of(descriptor, users):
                found[name] = descriptor
            else:
                os.close(descriptor)
    return found


def _is_network_of(descriptor: int, users: int) -> bool:
    """Whether it is a network namespace that belongs to a user namespace, or to one inside that."""
    if not is_of_kind(descriptor, NSFS_MAGIC) or fcntl.ioctl(descriptor, NS_GET_NSTYPE) != world.CLONE_NEWNET:
        return False
    wanted = os.fstat(users)
    owner = world.user_namespace_of(descriptor)
    for _ in range(DEEPEST):
        if os.path.samestat(os.fstat(owner), wanted):
            os.close(owner)
            return True
        around = fcntl.ioctl(owner, NS_GET_PARENT)  # refused above our own
        os.close(owner)
        owner = around
    return False


def bare_environment() -> dict[str, str]:
    """An environment that tells nothing of the user who grades."""
    return {"PATH": SYSTEM_PATH, "HOME": "/tmp", "LC_ALL": "C"}


class Watch:
    """Looks at what a world takes until it is stopped, and ends the world that takes too much.

    reason: what that was, as a sentence; again: whether others may have been the cause, so that it is to be tried once
    more, alone.
    """

    def __init__(self, sandbox: Confined, limits: Limits) -> None:
        self.reason = ""
        self.again = False
        self._sandbox = sandbox
        self._limits = limits
        self._own: dict[str, int] = {}
        self._covered: set[int] = set()
        self._reserve = reserve()
        self._neighbours = min(NEIGHBOURS, neighbours_left() // 2)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        start = time.monotonic()
        while not self._stopped.wait(LOOK):
            self.reason = self._too_much(time.monotonic() - start)
            if self.reason:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._sandbox.pidfd, signal.SIGKILL)
                return

    def _too_much(self, seconds: float) -> str:
        limits = self._limits
        if seconds > limits.seconds:
            self.again = True
            return tr("It was not done after {seconds:g} seconds.", seconds=limits.seconds)
        numbers = sorted(self._sandbox.numbers())
        if len(numbers) >= limits.processes:
            return tr("It had {count} processes, the most that it may.", count=limits.processes)
        taken = Taken()
        for number in numbers:
            if memory_left() < self._reserve:  # asked each time: looking at one may take long, if it means to
                self.again = True
                return tr("The machine had hardly any memory left.")
            taken.add(self._sandbox.descriptors["proc"], number)
        if self._seconds(taken) > limits.seconds:
            return tr("It took more than {seconds:g} seconds of a processor.", seconds=limits.seconds)
        if neighbours_left() < self._neighbours:
            self.again = True
            return tr("The machine had hardly any place left for neighbours (`ip neigh`).")
        return self._memory(taken)

    def _seconds(self, taken: Taken) -> float:
        """Seconds of processors: what the control group says, or the larger of two counts, neither of which is all.

        Of what runs, with the children that it has waited for; of each that was ever seen, alone.
        """
        counted = self._sandbox.group.seconds if self._sandbox.group else None
        self._own.update(taken.own)
        return counted or max(taken.seconds, in_seconds(sum(self._own.values())))

    def _memory(self, taken: Taken) -> str:
        if taken.unmeasured:
            return tr("It mounted a folder in memory that has no size (ramfs).")
        if taken.crowded:
            return tr("One of its programs had more mounts, or pieces of memory, than can be looked at.")
        # Twice: between two looks at one process a mount may be gone.
        if taken.hidden & self._covered:
            return tr("It mounted something over a folder in memory, in which nobody can look any more.")
        self._covered = taken.hidden
        group = self._sandbox.group
        if taken.bytes > self._limits.memory * MIB or (group and group.was_full):
            return tr("It took more than {size} MiB of memory, files in memory included.", size=self._limits.memory)
        return ""

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE)
        group = self._sandbox.group
        if not self.reason and group and group.was_full:  # just now
            self.reason = self._memory(Taken())
