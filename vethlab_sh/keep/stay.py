"""Which labs stay, and how are they found again?

A lab that stays is held by a process of its own, not by a Python. Each has a folder under the user's runtime
folder, with the number and the beginning of that process: a number that is used again, a restart of the machine
and a killed holder are noticed, and such a folder is removed by whoever looks next. A lab is ended by what lives
in its namespaces, as the kernel tells it, never by the name of a program.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import GaveUpWaiting, LabClosed, NameTaken, NoSuchLab, NotReady
from ..sandbox import Sandbox, started

ENTRY, KEPT = "lab.json", "kept.json"
HISTORY = "/run/history"  # in the lab's own /run: it lives as long as the lab
SPACES = ("pid", "net", "mnt", "uts", "ipc", "user")
NS_GET_PARENT = 0xB702  # ioctl_ns(2)
PATIENCE = 10.0


@dataclass(frozen=True)
class Process:
    """A process that lives in a lab: its number outside, and its command line."""

    pid: int
    command: str


@dataclass(frozen=True)
class Stay:
    """One lab that stays.

    name; scenario (what it was made from); pid and since: its holder, see `sandbox.started`; boot: the run of the
    machine, and world: the process-number namespace, in which that number means something.
    """

    name: str
    scenario: str
    pid: int
    since: int
    boot: str
    world: str

    def enter(self) -> Sandbox:
        """The lab's world, to run something in it; raises LabClosed when it is gone meanwhile."""
        return Sandbox.attach(self.pid, self.since)

    @property
    def here(self) -> bool:
        """Whether its process numbers are ours; in a container, or in a lab, they are not."""
        return self.world == _own("pid")

    @property
    def alive(self) -> bool:
        """Whether its holder still runs."""
        return self.boot == _boot() and started(self.pid) == self.since

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        up = float(Path("/proc/uptime").read_text().split()[0])
        return max(0.0, up - self.since / os.sysconf("SC_CLK_TCK"))

    @property
    def memory(self) -> int:
        """Bytes that its holder takes, pages shared with others counted in part (proc(5), Pss)."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
        return 0

    @property
    def processes(self) -> list[Process]:
        """What runs in the lab's namespaces, its holder aside: in any of them, wherever it was started."""
        return [process for process in _living(self.namespaces()) if process.pid != self.pid]

    @property
    def history(self) -> list[str]:
        """The lines that were typed in it, by `run` and in the shell."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/root{HISTORY}").read_text(errors="replace").splitlines()
        return []

    def note(self, line: str) -> None:
        """Add a line to the history; raises LabClosed when the lab is gone meanwhile."""
        try:
            with open(f"/proc/{self.pid}/root{HISTORY}", "a") as file:
                file.write(line + "\n")
        except OSError:
            if self.alive:
                raise
            raise LabClosed("This lab is gone: the process that held it has ended.") from None

    def namespaces(self) -> set[str]:
        """The lab's namespaces, as the kernel names them (`net:[4026532000]`), the named ones too."""
        theirs = {os.readlink(f"/proc/{self.pid}/ns/{kind}") for kind in SPACES}
        with contextlib.suppress(OSError):
            named = os.scandir(f"/proc/{self.pid}/root/run/netns")
            theirs |= {f"net:[{entry.stat().st_ino}]" for entry in named}
        return theirs - {_own(kind) for kind in SPACES}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep its namespaces for a while: the kernel gives the number of one that is gone to the next that is made."""
        home = Path(f"/proc/{self.pid}")
        with contextlib.ExitStack() as held:
            named = home / "root/run/netns"
            for file in [*(home / "ns" / kind for kind in SPACES), *(named.iterdir() if named.is_dir() else ())]:
                with contextlib.suppress(OSError):
                    held.enter_context(file.open("rb"))
            yield


def folder() -> Path:
    """Where this user's labs are recorded: in the runtime folder, else in a private one under /tmp.

    Raises NotReady when somebody else could write there.
    """
    me = os.geteuid()
    for place in filter(None, (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{me}")):
        if os.path.isabs(place) and os.path.isdir(place) and os.stat(place).st_uid == me:
            ours = Path(place, "vethlab_sh")
            break
    else:
        ours = Path(f"/tmp/vethlab_sh-{me}")
    with contextlib.suppress(FileExistsError):
        ours.mkdir(mode=0o700)
    found = ours.lstat()
    if not ours.is_dir() or ours.is_symlink() or found.st_uid != me or found.st_mode & 0o077:
        raise NotReady(
            f"{ours} is not a folder of yours alone, so no lab is kept there. Remove it, or see who made it."
        )
    return ours


def every() -> list[Stay]:
    """The labs of this user that stay, by name; what is left of those that are gone is removed."""
    with _locked() as place:
        return _look(place)


def names() -> list[str]:
    """Their names."""
    return [stay.name for stay in every()]


def find(name: str) -> Stay:
    """The lab that stays under this name; raises NoSuchLab, which lists those there are."""
    labs = {stay.name: stay for stay in every()}
    if name not in labs:
        raise NoSuchLab(name, list(labs))
    return labs[name]


def check_free(name: str) -> str:
    """The name itself, when a lab may stay under it; else BadName or NameTaken."""
    with _locked() as place:
        return _check_free(place, name)


def settle(sandbox: Sandbox, name: str, scenario: str) -> Stay:
    """Let a world stay under a name; scenario: what it was made from. Raises BadName or NameTaken."""
    with _locked() as place:
        home = place / _check_free(place, name)
        sandbox.check_alive()
        since = started(sandbox.pid)
        stay = Stay(name, scenario, sandbox.pid, since or 0, _boot(), _own("pid"))
        home.mkdir(mode=0o700)
        _write(home / ENTRY, asdict(stay))
        sandbox.stay()  # were we killed before this, the world would end, and its entry be found stale
        return stay


def down(name: str) -> list[Process]:
    """End a lab that stays, and every process that lives in its namespaces; return those processes.

    Raises NoSuchLab, or GaveUpWaiting when the kernel does not end them in time.
    """
    with _locked() as place:
        labs = {stay.name: stay for stay in _look(place)}
        if name not in labs:
            raise NoSuchLab(name, list(labs))
        stay = labs[name]
        with stay.held():
            ended, theirs = stay.processes, stay.namespaces()
            _kill(stay.pid, lambda: started(stay.pid) == stay.since)  # with process 1 the kernel ends all in there
            while left := list(_living(theirs)):  # what came in from outside, say by nsenter, has no number in there
                for process in left:
                    _kill(process.pid, lambda pid=process.pid: _lives_in(pid, theirs))  # type: ignore[misc]
            for pid in _numbers():
                _kill(pid, lambda pid=pid: _waits_for(pid, theirs))  # type: ignore[misc]
        shutil.rmtree(place / name)
        return ended


def keep(name: str, key: str, value: Any) -> None:
    """Keep a small value (anything that JSON can hold) with a lab that stays, for as long as it does."""
    with _locked() as place:
        home = _home(place, name)
        _write(home / KEPT, {**_read(home / KEPT), key: value})


def kept(name: str, key: str) -> Any:
    """What was kept with a lab under this key; None when there is nothing."""
    with _locked() as place:
        return _read(_home(place, name) / KEPT).get(key)


def _home(place: Path, name: str) -> Path:
    labs = [stay.name for stay in _look(place)]
    if name not in labs:
        raise NoSuchLab(name, labs)
    return place / name


@contextlib.contextmanager
def _locked() -> Iterator[Path]:
    """The folder, while nobody else changes it; the kernel takes the lock from a process that ends."""
    place = folder()
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        import fcntl  # which not every system has

        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place
    finally:
        os.close(lock)


def _look(place: Path) -> list[Stay]:
    labs = []
    for home in sorted(place.iterdir()):
        stay = _entry(home)
        if stay and not stay.here and stay.boot == _boot():
            continue  # made in a container or in a lab; from here nothing can be said about it
        if stay and stay.alive:
            labs.append(stay)
        else:
            shutil.rmtree(home)
    return labs


def _entry(home: Path) -> Stay | None:
    try:
        return Stay(**_read(home / ENTRY))
    except TypeError:  # not what we write: of another version, or half a file
        return None


def _check_free(place: Path, name: str) -> str:
    from ..inside import check_name

    check_name(name, "a lab")
    _look(place)
    if (place / name).exists():
        raise NameTaken(name)
    return name


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(file: Path, value: dict[str, Any]) -> None:
    """Whole or not at all."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(value))
    new.replace(file)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _own(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{kind}")


def _living(spaces: set[str]) -> Iterator[Process]:
    """The processes that live in these namespaces."""
    for pid in _numbers():
        with contextlib.suppress(OSError):
            if _lives_in(pid, spaces):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
                yield Process(pid, " ".join(words).strip())


def _numbers() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _waits_for(pid: int, spaces: set[str]) -> bool:
    """Whether it is a process of ours that waits outside for what it started in there, or to start more."""
    with contextlib.suppress(OSError):
        own, children = (os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("pid", "pid_for_children"))
        return own == _own("pid") and children in spaces
    return False


def _lives_in(pid: int, spaces: set[str]) -> bool:
    """Whether a process is in one of these namespaces, or in a process-number namespace below one of them.

    Those of ours that wait outside are not counted: they do nothing but start and wait.
    """
    try:
        links = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in SPACES]
        return not _waits_for(pid, spaces) and not (spaces.isdisjoint(links) and spaces.isdisjoint(_above(pid)))
    except OSError:  # it ended, or it is another user's
        return False


def _above(pid: int) -> Iterator[str]:
    """The process-number namespaces that a process's own lies in."""
    space = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    try:
        while True:
            try:
                import fcntl

                above = fcntl.ioctl(space, NS_GET_PARENT)
            except PermissionError:  # our own was the last that we may see
                return
            os.close(space)
            space = above
            yield f"pid:[{os.fstat(space).st_ino}]"
    finally:
        os.close(space)


def _kill(pid: int, it_is: Callable[[], bool]) -> None:
    """End a process, if it is the one meant, and wait until it, and all that the kernel ends with it, are gone."""
    try:
        process = os.pidfd_open(pid)  # from now on no other process is meant by it
    except ProcessLookupError:
        return
    try:
        if it_is():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            if not select.select([process], [], [], PATIENCE)[0]:
                raise GaveUpWaiting(f"process {pid} is gone", PATIENCE)
    finally:
        os.close(process)
