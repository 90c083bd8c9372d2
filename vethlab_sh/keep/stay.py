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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import LabClosed, NameTaken, NoSuchLab
from ..inside import check_name
from ..language import marked, tr
from ..sandbox import Sandbox, started
from . import processes, reading
from .place import folder as folder
from .place import locked
from .processes import Process as Process  # whoever ends a lab is handed some
from .processes import Spaces

ENTRY, KEPT, HISTORY = "lab.json", "kept.json", "history"
NEW = ".new"  # what a file is called while it is written
OURS = {ENTRY, KEPT, HISTORY, ENTRY + NEW, KEPT + NEW}
GONE = marked("This lab is gone: the process that held it has ended.")
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Stay:
    """One lab that stays.

    name; scenario (what it was made from); pid and since: its holder, see `sandbox.started`; boot: the run of the
    machine, and world: the process-number namespace, in which that number means something; home: its folder.
    """

    name: str
    scenario: str
    pid: int
    since: int
    boot: str
    world: str
    home: Path

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
        with contextlib.suppress(OSError):
            living = self.spaces().living()
            return processes.told(pid for pid in living if pid != self.pid)
        return []

    @property
    def history(self) -> list[str]:
        """The lines that were typed in it, by `run` and in the shell."""
        with contextlib.suppress(OSError):
            text = reading.regular(self.home / HISTORY).decode(errors="replace")
            return text.splitlines()
        return []

    def note(self, line: str) -> None:
        """Add a line to the history; raises LabClosed when the lab is gone meanwhile."""
        with open(self.open_history(), "a", errors="surrogateescape") as file:
            file.write(line + "\n")

    def open_history(self) -> int:
        """A descriptor of the history, to add to it: it is kept outside of the lab, where nobody in there can lead it.

        Raises LabClosed when the lab is gone meanwhile.
        """
        file = self.home / HISTORY
        try:
            descriptor = os.open(file, APPEND, 0o600)
        except OSError:
            if self.alive:
                raise
            raise LabClosed(tr(GONE)) from None
        try:
            reading.check_regular(descriptor, file)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def spaces(self) -> Spaces:
        """The lab's namespaces. Raises OSError when it is gone meanwhile."""
        return Spaces.of(self.pid, self.since)


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


def settle(sandbox: Sandbox, name: str, scenario: str, lasting: bool = True) -> Stay:
    """Let a world stay under a name; scenario: what it was made from. Raises BadName or NameTaken.

    lasting: whether it outlives the Python that made it; else it is only found and entered by others meanwhile.
    """
    with _locked() as place:
        home = place / _check_free(place, name)
        sandbox.check_alive()
        values = {
            "name": name,
            "scenario": scenario,
            "pid": sandbox.pid,
            "since": started(sandbox.pid) or 0,
            "boot": _boot(),
            "world": processes.own("pid"),
        }
        stay = _stay(values, home)
        assert stay
        home.mkdir(mode=0o700)
        _write(home / ENTRY, values)
        if lasting:
            sandbox.stay()  # were we killed before this, the world would end, and its entry be found stale
        return stay


def down(name: str) -> list[Process]:
    """End a lab that stays, and every process that lives in its namespaces; return those processes.

    Raises NoSuchLab, or GaveUpWaiting when the kernel does not end them in time.
    """
    stay = find(name)
    with locked(stay.home):  # and no other lab's: one that cannot be ended holds up none but itself
        if not stay.alive:  # somebody else was faster
            raise NoSuchLab(name, names())
        spaces = stay.spaces()
        with spaces.held(stay.pid):
            ended = stay.processes
            processes.end(stay.pid, lambda: stay.alive, spaces)
    with _locked() as place:
        _look(place)  # which clears what is left of it
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
    """The folder, while nobody else changes it."""
    place = folder()
    with locked(place):
        yield place


def _look(place: Path) -> list[Stay]:
    labs = []
    for home in sorted(place.iterdir()):
        if not _is_of_a_lab(home):
            continue
        stay = _stay(_read(home / ENTRY), home)
        if stay and not stay.here and stay.boot == _boot():
            continue  # made in a container or in a lab; from here nothing can be said about it
        if stay and stay.alive:
            labs.append(stay)
        else:
            shutil.rmtree(home)
    return labs


def _is_of_a_lab(home: Path) -> bool:
    """Whether it is a folder that we made for a lab: what else somebody has put beside those is let be."""
    with contextlib.suppress(OSError):
        return home.is_dir() and not home.is_symlink() and OURS.issuperset(os.listdir(home))
    return False


def _stay(values: Mapping[str, Any], home: Path) -> Stay | None:
    """The lab that an entry tells of; None when it is not what we write: of another version, or half a file."""
    known: dict[str, Any] = {"home": home}
    for field in fields(Stay):
        kind = int if field.name in ("pid", "since") else str
        if field.name == "home":
            continue
        value = values.get(field.name)
        if type(value) is not kind:
            return None
        known[field.name] = value
    return Stay(**known)


def _check_free(place: Path, name: str) -> str:
    check_name(name, marked("a lab"))
    _look(place)
    if os.path.lexists(place / name):
        raise NameTaken(name)
    return name


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(reading.regular(file))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(file: Path, value: dict[str, Any]) -> None:
    """Whole or not at all."""
    new = file.with_name(file.name + NEW)
    new.unlink(missing_ok=True)  # which is no link then
    try:
        new.write_text(json.dumps(value))
    except OSError as error:  # that of a full disk names no file
        raise OSError(error.errno, error.strerror, str(new)) from None
    new.replace(file)


def _boot() -> str:
    identity = Path("/proc/sys/kernel/random/boot_id").read_text()
    return identity.strip()
