"""Which labs stay, and how are they found again? Those that a process holds; a folder of each tells its number.

A lab that stays is held by a process of its own, not by a Python. Each has a folder under the user's runtime
folder, with the number and the beginning of that process: a number that is used again, a restart of the machine
and a killed holder are noticed, and such a folder is removed by whoever looks next. A lab is ended by what lives
in its namespaces, as the kernel tells it, never by the name of a program.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import LabClosed, NameTaken, NoSuchLab, NotReady
from ..inside import check_name
from ..sandbox import Sandbox, started
from . import processes
from .processes import Process as Process  # whoever ends a lab is handed some

ENTRY, KEPT = "lab.json", "kept.json"
OF_OTHERS = 0o077  # what a file's mode allows to all but its owner
HISTORY = "/run/history"  # in the lab's own /run: it lives as long as the lab


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
        return self.world == processes.own("pid")

    @property
    def alive(self) -> bool:
        """Whether its holder still runs."""
        if self.boot != _boot():  # the machine has started anew, and its numbers, too
            return False
        return started(self.pid) == self.since

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        uptime, _idle = Path("/proc/uptime").read_text().split()
        made_at = self.since / os.sysconf("SC_CLK_TCK")
        return max(0.0, float(uptime) - made_at)

    @property
    def memory(self) -> int:
        """Bytes that its holder takes, pages shared with others counted in part (proc(5), Pss)."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup")
        with contextlib.suppress(OSError):
            for line in rollup.read_text().splitlines():
                name, *numbers = line.split()
                if name == "Pss:":
                    return int(numbers[0]) * 1024
        return 0

    @property
    def processes(self) -> list[Process]:
        """What runs in the lab's namespaces, its holder aside: in any of them, wherever it was started."""
        every = processes.living(self.namespaces())
        return [process for process in every if process.pid != self.pid]

    @property
    def history(self) -> list[str]:
        """The lines that were typed in it, by `run` and in the shell."""
        file = Path(f"/proc/{self.pid}/root{HISTORY}")
        with contextlib.suppress(OSError):
            text = file.read_text(errors="replace")
            return text.splitlines()
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
        home = f"/proc/{self.pid}"
        theirs = {os.readlink(f"{home}/ns/{kind}") for kind in processes.KINDS}
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"{home}/root/run/netns"):
                inode = entry.stat().st_ino
                theirs.add(f"net:[{inode}]")
        ours = {processes.own(kind) for kind in processes.KINDS}  # as root the user namespace is the machine's
        return theirs - ours

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep its namespaces for a while: the kernel gives the number of one that is gone to the next that is made."""
        home = Path(f"/proc/{self.pid}")
        named = home / "root/run/netns"
        files = [home / "ns" / kind for kind in processes.KINDS]
        if named.is_dir():
            files += named.iterdir()
        with contextlib.ExitStack() as opened:
            for file in files:
                with contextlib.suppress(OSError):
                    opened.enter_context(file.open("rb"))
            yield


def folder() -> Path:
    """Where this user's labs are recorded: in the runtime folder, else in a private one under /tmp.

    Raises NotReady when somebody else could write there.
    """
    ours = _place()
    with contextlib.suppress(FileExistsError):
        ours.mkdir(mode=0o700)
    if not _is_ours_alone(ours):
        raise NotReady(
            f"{ours} is not a folder of yours alone, so no lab is kept there. Remove it, or see who made it."
        )
    return ours


def _is_ours_alone(folder: Path) -> bool:
    status = folder.lstat()  # of a link itself: others may lead it where they like
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return False
    return not status.st_mode & OF_OTHERS


def _place() -> Path:
    me = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for place in (runtime, f"/run/user/{me}"):
        if not os.path.isabs(place) or not os.path.isdir(place):
            continue
        if os.stat(place).st_uid == me:  # `su` leaves the variable as it was: another user's
            return Path(place, "vethlab_sh")
    return Path(f"/tmp/vethlab_sh-{me}")


def every() -> list[Stay]:
    """The labs of this user that stay, by name; what is left of those that are gone is removed."""
    with _locked() as place:
        return _look(place)


def names() -> list[str]:
    """Their names."""
    return [stay.name for stay in every()]


def find(name: str) -> Stay:
    """The lab that stays under this name; raises NoSuchLab, which lists those there are."""
    return _named(every(), name)


def _named(labs: list[Stay], name: str) -> Stay:
    for stay in labs:
        if stay.name == name:
            return stay
    raise NoSuchLab(name, [stay.name for stay in labs])


def check_free(name: str) -> str:
    """The name itself, when a lab may stay under it; else BadName or NameTaken."""
    with _locked() as place:
        return _check_free(place, name)


def settle(sandbox: Sandbox, name: str, scenario: str) -> Stay:
    """Let a world stay under a name; scenario: what it was made from. Raises BadName or NameTaken."""
    with _locked() as place:
        home = place / _check_free(place, name)
        sandbox.check_alive()
        stay = Stay(
            name=name,
            scenario=scenario,
            pid=sandbox.pid,
            since=started(sandbox.pid) or 0,
            boot=_boot(),
            world=processes.own("pid"),
        )
        home.mkdir(mode=0o700)
        _write(home / ENTRY, asdict(stay))
        sandbox.stay()  # were we killed before this, the world would end, and its entry be found stale
        return stay


def down(name: str) -> list[Process]:
    """End a lab that stays, and every process that lives in its namespaces; return those processes.

    Raises NoSuchLab, or GaveUpWaiting when the kernel does not end them in time.
    """
    with _locked() as place:
        stay = _named(_look(place), name)
        with stay.held():
            ended = stay.processes
            theirs = stay.namespaces()
            # With process 1 the kernel ends all that have a number in there. What came in from outside, say by
            # nsenter, has none, and is looked for.
            processes.kill(stay.pid, lambda: stay.alive)
            processes.end(theirs)
        shutil.rmtree(place / name)
        return ended


def keep(name: str, key: str, value: Any) -> None:
    """Keep a small value (anything that JSON can hold) with a lab that stays, for as long as it does."""
    with _locked() as place:
        file = _home(place, name) / KEPT
        values = _read(file)
        values[key] = value
        _write(file, values)


def kept(name: str, key: str) -> Any:
    """What was kept with a lab under this key; None when there is nothing."""
    with _locked() as place:
        file = _home(place, name) / KEPT
        return _read(file).get(key)


def _home(place: Path, name: str) -> Path:
    stay = _named(_look(place), name)
    return place / stay.name


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
    identity = Path("/proc/sys/kernel/random/boot_id").read_text()
    return identity.strip()
