"""What does a user hold? One Lab: a private network world and the ways to look at it. It decides nothing."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from . import scenarios
from .errors import BadOption, NameTaken, NotReady, UnknownName, package
from .inside import inside
from .keep import stay
from .language import LANGUAGES, enumerated, in_its_language, marked, plural, tr
from .progress import telling
from .sandbox import HOSTNAME, Sandbox
from .scenarios import Scenario, played
from .scenarios.played import Played, PlayedStep

if TYPE_CHECKING:  # the other rooms are opened when they are wanted: nobody waits for what is not used
    from matplotlib.axes import Axes
    from pandas import DataFrame

    from .claims.question import Verdict
    from .drills import Drill
    from .facts import Device
    from .keep.save import Saved
    from .packet.walk import Walk
    from .record import Ran
    from .shell import Shell
    from .snapshot import Snapshot
    from .uml.guest import Guest
    from .wiring.changes import Difference

KERNELS = HOST, UML = "host", "uml"  # which kernel a lab has: this machine's, or one that is a program
WATCHING: list[Callable[[str], None]] = []  # are told each line of a lab, as typed on master, before it runs
LENT = "a lesson"  # what a lab that is lent was made from
# Waits for a veth that has a signal and is DOWN: that it works, its routes are no longer `linkdown` and IPv6 gives it
# an address is the kernel's later work (linkwatch, net/core/link_watch.c), for which it must find time. At most 10 s.
SETTLED = r"""
end=$((SECONDS + 10)) late=$'LOWER_UP[^\n]* state (LOWERLAYER)?DOWN '
while [[ $(ip -o link show type veth) =~ $late ]] && ((SECONDS < end)); do sleep 0.01; done
"""


class UnknownLanguage(UnknownName):
    """The kit does not speak this language."""

    kind = marked("language")


class Lab:
    """A private network world, made without root; gone when closed or when Python ends, unless it is to `stay`.

    name: of a lab that stays, to come back to it (closing then only leaves it); sandbox: a world that is there
    already; replay: a scenario whose recording is shown. Without any of them a world is made: in this machine's kernel
    (kernel="host"), in user-mode Linux (kernel="uml"), or in the second where the first makes none for us (None).
    lang: the language that it speaks, `en` or `zh`; without it VETHLAB_LANG, or the user's locale, says which.
    Raises NoSuchLab, which lists the labs that stay, BadOption for another kernel, UnknownLanguage, and NotReady.

    >>> with Lab() as lab:
    ...     _ = lab.run("ip netns add ns1")
    ...     print(lab.run("ip netns list").out.strip())
    ns1
    """

    def __init__(
        self,
        name: str | None = None,
        sandbox: Sandbox | None = None,
        *,
        replay: str | None = None,
        kernel: str | None = None,
        lang: str | None = None,
    ) -> None:
        if lang is not None and lang not in LANGUAGES:
            raise UnknownLanguage(lang, LANGUAGES)
        self.lang = lang
        self.name = name
        self._stay = None
        if name is not None:
            self._stay = stay.find(name)
        if replay is not None:
            self._world = _recording(replay)
        elif sandbox is None and self._stay:
            self._world = Live(self._stay.enter())
        elif sandbox:
            self._world = Live(sandbox)
        else:
            self._world = _made(kernel)
        self.history: list[Ran] = []
        self._typed: list[str] = []
        self._sessions: dict[str, Session] = {}
        self._kept: dict[str, Any] = {}
        self._looked: Snapshot | None = None
        self._drawn: Snapshot | None = None

    @classmethod
    def of(cls, name: str, kernel: str | None = None, **options: int | str | bool) -> Lab:
        """The lab that stays under this name; else a new one in which the scenario of this name has been played.

        Options are a scenario's, so with any of them it is the scenario that is meant, as it is with a kernel.
        Raises UnknownScenario.
        """
        if not options and not kernel and name in stay.names():
            return cls(name)
        scenario = scenarios.load(name, **options)
        lab = cls.for_scenario(scenario, kernel)
        lab._play(scenario)
        return lab

    @classmethod
    def for_scenario(cls, scenario: Scenario, kernel: str | None = None) -> Lab:
        """A new lab in which this scenario can be played.

        Without a choice that is user-mode Linux where it is installed and the scenario changes settings of networks
        that are read-only here, as in most containers.
        """
        lab = cls(kernel=kernel)
        if kernel or lab.guest or not scenario.changes_settings or not lab.sandbox.settings_are_fixed:
            return lab
        from .uml import guest

        if not guest.is_installed():
            return lab
        lab.close()
        return cls(kernel=UML)

    # --- lines

    @in_its_language
    def run(
        self,
        line: str,
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
        session: bool = False,
    ) -> Ran:
        """Run one line as a learner would type it; return its record.

        line: any bash line; at: the machine (`master`, or a namespace that plays one); expect: exit codes
        that belong to the story, None for any; timeout: seconds, then the command is ended as by Ctrl-C;
        session: run it in the lab's `session`, where `cd`, variables and functions carry over from line to line.
        Raises CommandFailed with a hint for any other exit code.
        """
        if session:
            return self.session(at).run(line, timeout=timeout).expected(expect)
        (ran,) = self._run_together([line], at, expect, timeout)
        return ran

    def _run_together(
        self,
        lines: Sequence[str],
        at: str,
        expect: Collection[int] | None,
        timeout: float | None = None,
    ) -> list[Ran]:
        for line in lines:
            self.note(inside(at, line))
        records = self._world.run_together(lines, at, expect, timeout)
        self.history += records
        return records

    def session(self, at: str = HOSTNAME, script: str | None = None) -> Session:
        """The shell that stays, to which lines are typed one after the other: what they set carries over.

        `session.run(line)` gives the record of each. at: the machine on which it begins; there is one for each, for as
        long as the lab is open (`close` ends it before). A session at a namespace keeps that namespace, as any process
        in there does. script: the file whose lines these are; it has a session of its own.
        """
        if script is not None:
            return self._world.session(at, script, self._typed_at, self.history.append)
        if at not in self._sessions:
            self._sessions[at] = self._world.session(at, "", self._typed_at, self.history.append)
        return self._sessions[at]

    def inside(self, namespace: str, function: Callable[..., Any] | None = None, *args: Any, **named: Any) -> Any:
        """Python itself in a namespace: what a function returns that ran in there, with sockets, requests or scapy.

        It runs in a copy of this Python, and its result comes back pickled. Without a function it is a context that
        runs many, also servers: `with lab.inside("pod-a") as pod_a: pod_a.start(serve)`, `pod_a.call(fetch, url)`.
        Raises what the function raises; BadOption when there is no such namespace.
        """
        from .keep.worker import Worker

        worker = Worker(self.sandbox, namespace)
        if function is None:
            return worker
        return worker.call(function, *args, **named)

    def _typed_at(self, line: str, at: str) -> None:
        self.note(inside(at, line))

    def interact(self, words: Sequence[str], files: Sequence[int] = (), **environment: str) -> int:
        """Run a program in the lab on the caller's own terminal; return its exit code.

        files: descriptors that it is given, too; environment: more of it.
        """
        kernel = self._kernel(tr("A program runs in a kernel, and a recording has none"))
        return kernel.interact(words, environment, files)

    def note(self, line: str) -> None:
        """Add a line to what was `typed` in it."""
        for tell in WATCHING:
            tell(line)
        if self._stay:
            self._stay.note(line)
        else:
            self._typed.append(line)

    @property
    def typed(self) -> list[str]:
        """The lines that were typed in it, as typed on master; of a lab that stays, from any terminal."""
        if self._stay:
            return self._stay.history
        return list(self._typed)

    # --- scenarios and drills

    @in_its_language
    def play(self, name: str, until: int | None = None, **options: int | str | bool) -> Played:
        """Run all steps of a scenario, or the first `until`; return the records of all its lines.

        name: see `python -m vethlab_sh list`; options: the scenario's own (`hosts=3` for bridge,
        `pods`, `ipv6` and calico's `mode="routed"` for the two-node ones). What is returned is the sequence of
        the records, and says whether it worked: `.ok`, `.verdict`.
        """
        scenario = scenarios.load(name, **options)
        return self._play(scenario, until)

    def _play(self, scenario: Scenario, until: int | None = None) -> Played:
        steps = self.steps(scenario, until, together=True)
        return Played(scenario, tuple(steps))

    def steps(
        self,
        scenario: Scenario,
        until: int | None = None,
        after: Callable[[Ran], None] | None = None,
        together: bool = False,
    ) -> Iterator[PlayedStep]:
        """Play a scenario step by step: yields each step when its lines have run, `after` each of which is called.

        together: where nobody watches, let steps that only ping, and follow each other, do so at the same time.
        Raises ToolMissing and KindMissing, before the first step, for what the scenario needs and is not here.
        """
        self._check_needs(scenario)
        if not self.recording:
            scenario = scenarios.playable(scenario)
        return played.play(self._run_together, self._world.settle, scenario, until, after, together)

    def _check_needs(self, scenario: Scenario) -> None:
        """Raise ToolMissing or KindMissing for what a scenario needs and this machine does not have."""
        if self.recording:
            return
        scenarios.check_programs(scenario)
        scenarios.check_kinds(scenario, self._exit_code)

    def _exit_code(self, line: str) -> int:
        """What a line ends with that nobody typed, and that stands in no history."""
        (ran,) = self._world.run_together([line], HOSTNAME, None, None)
        return ran.code

    @in_its_language
    def drill(self, name: str | None = None, seed: int | str = 0) -> Drill:
        """A network with a fault to find: `.ticket`, then `.hint()`, `.check()`, `.give_up()`, `.explanation`.

        name: see `python -m vethlab_sh drill list`, without one the drill that is under way in this lab; seed:
        another one has other addresses and hits another place. A drill begins in an empty lab, or in one in which it
        was mended before. Raises UnknownDrill, DrillUnfit, NoDrill.
        """
        from . import drills

        self._kernel(tr("A drill is mended in a kernel, and a recording has none"))
        if name is None:
            return drills.resume(self)
        return drills.start(self, name, seed)

    # --- looking

    def snapshot(self, settings: bool = False) -> Snapshot:
        """Everything that the kernel has in this lab now, across its namespaces.

        settings: with sysctls, policy rules, all route tables and packet filters, for about twice the time.
        """
        return self._world.snapshot(settings)

    @in_its_language
    def changes(self) -> Difference:
        """What changed in the kernel since the last look (since the lab was made, the first time)."""
        from .snapshot import EMPTY
        from .wiring import changes

        before = EMPTY if self._looked is None else self._looked
        self._looked = self.snapshot(settings=True)
        return changes.between(before, self._looked)

    @in_its_language
    def draw(self, ax: Axes | None = None, routes: bool = False) -> Axes:
        """The wiring as a picture, from the kernel's state; what changed since the last picture is accented.

        ax: matplotlib axes to draw on, new ones of the right size when none are given; routes: write each
        namespace's routes into its box. Returns the axes (`.figure.savefig(...)` saves them).
        """
        from .wiring import changes, ink, layout

        before = self._drawn
        now = self.snapshot()
        self._drawn = now
        changed: set[Device] = set()
        if before:
            changed = changes.between(before, now).devices
        count = len(now.rows.namespaces)
        with telling(count) as tell, ink.legible():
            tell(tr("Drawing {count} namespaces …", count=count))
            picture = layout.layout(now, changed, routes)
            return ink.draw(picture, ax)

    @in_its_language
    def walk(
        self, src: str, dst: str, count: int = 1, size: int | None = None, cold: bool = False, proto: str = "icmp"
    ) -> Walk:
        """Send one ping and see every device that it passes, in order, and why.

        src: a namespace; dst: an address, or a namespace (its first address); count, size: as `ping -c` and `-s`;
        cold: forget learned neighbours and FDB entries first; proto: icmp, or a probe `tcp:PORT` or `udp:PORT`.
        """
        return self._world.walk(src, dst, count, size, cold, proto)

    @in_its_language
    def check(self, claim: str) -> Verdict:
        """Whether a claim in plain English holds now: `lab.check("ns100 can reach 192.168.1.101")`.

        The verdict is true or false; as text it is a sentence with its reason, and `.evidence` is a command and the
        line that shows it; of a no `.cause` is why, in a word, and `.fixes` are lines that mend it. Raises
        UnknownClaim, which lists what can be claimed (`check.vocabulary()`).
        """
        from .claims import check

        kernel = self._kernel(tr("A claim is judged by a kernel, and a recording has none"))
        return check.check(kernel, claim)

    @staticmethod
    def compare(*names: str, **options: int | str | bool) -> DataFrame:
        """What scenarios with two nodes do differently: a row a question, a column a scenario.

        Each is laid in a lab of its own and measured; options are given to the scenarios that have them. The index says
        what a row is about, in a word that is the same in every language; what is lost without an entry is a `Loss`.
        """
        pandas = package("pandas")

        from .measure import compare

        answers = compare.compare(*names, **options)
        return pandas.DataFrame(answers).set_index(compare.ABOUT)

    # --- lasting

    def stay(self, name: str, scenario: str = "") -> None:
        """Let this lab last, under a name, until `python -m vethlab_sh down NAME`; scenario: what it was made from.

        Raises BadName, or NameTaken when another lab stays under it.
        """
        before = self.typed
        self._stay = stay.settle(self.sandbox, name, scenario)
        for line in before:
            self.note(line)
        for key, value in self._kept.items():
            stay.keep(name, key, value)
        self.name = name

    def lend(self, name: str) -> str:
        """Let other terminals enter this lab under a name, as one that stays, for as long as it is there.

        It ends as before: when it is closed, or with this Python. What is typed in there is in `typed`. Returns the
        name, with a number behind it where another lab has it. Raises BadName, or NotRecorded for a recording.
        """
        if self._stay:
            return self._stay.name
        before = self.typed
        for number in itertools.count(1):
            wanted = name if number == 1 else f"{name}-{number}"
            with contextlib.suppress(NameTaken):
                self._stay = stay.settle(self.sandbox, wanted, LENT, lasting=False)
                break
        assert self._stay
        for line in before:
            self.note(line)
        return self._stay.name

    def keep(self, key: str, value: Any) -> None:
        """Keep a small value (anything that JSON can hold) with this lab, for as long as the lab is there."""
        if self.name:
            stay.keep(self.name, key, value)
        else:
            self._kept[key] = value

    def kept(self, key: str) -> Any:
        """What was kept with this lab under a key; None when there is nothing."""
        if self.name:
            return stay.kept(self.name, key)
        return self._kept.get(key)

    @in_its_language
    def save(self, file: str | Path | None = None) -> Saved:
        """The lab as it is now as a bash script that rebuilds it in a fresh lab; written into a file, if one is given.

        Returns the script and sentences about what it lacks. Raises CannotSave for a device of an unknown kind.
        """
        from .files import written
        from .keep import save

        kernel = self._kernel(tr("What is saved is what a kernel has now, and a recording has none"))
        lab_name = self.name or tr("of Python")
        file_name = Path(file).name if file else "FILE"
        saved = save.save(kernel, lab_name, file_name)
        if file:
            with written(file) as path:
                path.write_text(saved.script, encoding="utf-8", errors="surrogateescape")
        return saved

    # --- the world behind it

    @property
    def shell(self) -> Shell:
        """Runs lines that are not the learner's own: they leave no record in `history`."""
        return self._kernel(tr("Lines of one's own run in a kernel, and a recording has none"))

    def _kernel(self, sentence: str) -> Shell:
        """What asks the kernel; raises NotRecorded with this sentence when there is none behind the lab."""
        world = self._world.live(sentence)
        return world.shell

    @property
    def sandbox(self) -> Sandbox:
        """The private world that its lines run in; raises NotRecorded for a recording."""
        world = self._world.live(tr("A recording is no world that could stay"))
        return world.sandbox

    @property
    def alive(self) -> bool:
        """Whether there still is a world to run in."""
        return self._world.alive

    @property
    def guest(self) -> str:
        """The sentence that says that this lab has a kernel of its own, user-mode Linux; empty for other labs."""
        return self._world.guest

    @property
    def recording(self) -> str:
        """The sentence that says that this is a recording, and of when; empty for a live lab."""
        return self._world.label

    def close(self) -> None:
        """Leave; unless it stays the kernel ends its processes and removes all it had. Harmless when repeated."""
        while self._sessions:
            _, session = self._sessions.popitem()
            session.close()
        self._world.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @in_its_language
    def __repr__(self) -> str:
        if self.recording:
            return f"<Lab, {self._world}>"
        lines = plural("{count} line run", "{count} lines run", len(self.history))
        return f"<Lab {self._world}, {lines}>"


Watch = Callable[[str, bool], None]  # is told what is printed as it comes; whether those are errors
Before = Callable[[str, str], None]  # a line, and where it will run
After = Callable[["Ran"], None]
Late = Callable[["Ran", str, bool], None]  # what a line above says from the background, as it comes


class Session(Protocol):
    """What is typed to, line by line: a shell that stays (`keep.session`), or what a recording shows instead."""

    @property
    def at(self) -> str:
        """Where the next line will run."""

    @property
    def depth(self) -> int:
        """How many shells were opened in it and not left."""

    @property
    def open(self) -> bool:
        """Whether its shell is there."""

    def run(self, line: str, watch: Watch | None = None, timeout: float | None = None, late: Late | None = None) -> Ran:
        """The record of a line; see `keep.session.Session.run`."""

    @property
    def talking(self) -> Sequence[Ran]:
        """The lines above whose processes in the background can still say something."""

    def hear(self, late: Late | None) -> None:
        """Tell what lines above have said since from the background."""

    def close(self) -> None:
        """Leave it; the next line begins anew."""


class World(Protocol):
    """What a Lab needs of what is behind it: a kernel (`Live`), or the recording of one (`keep.replay.Replay`)."""

    @property
    def alive(self) -> bool:
        """Whether anything can be asked yet."""

    @property
    def label(self) -> str:
        """The sentence that stands above all that it shows; empty when a kernel answers."""

    @property
    def guest(self) -> str:
        """The sentence that says that the kernel which answers is not this machine's; empty when it is, or none is."""

    def run_together(
        self, lines: Sequence[str], at: str, expect: Collection[int] | None, timeout: float | None
    ) -> list[Ran]:
        """The records of lines that do not depend on each other, in order; see `Shell.run_together`."""

    def settle(self, namespace: str) -> None:
        """Wait until each cable of this namespace works, where both its ends are on."""

    def session(self, at: str, script: str, before: Before, after: After) -> Session:
        """A shell that stays; see `Lab.session`. before, after: told of each line, and of its record."""

    def snapshot(self, settings: bool) -> Snapshot:
        """What the kernel has now."""

    def walk(self, src: str, dst: str, count: int, size: int | None, cold: bool, proto: str) -> Walk:
        """The way of one probe; see `Lab.walk`."""

    def live(self, sentence: str) -> Live:
        """Itself, when a kernel answers; else raises NotRecorded with this sentence."""

    def close(self) -> None:
        """Leave; harmless when repeated."""


class Live:
    """A place where lines run, and the shell in it."""

    label = ""
    guest = ""

    def __init__(self, sandbox: Sandbox) -> None:
        from .shell import Shell

        self.sandbox = sandbox
        self._begin(sandbox, Shell(sandbox))

    def _begin(self, place: Sandbox | Guest, shell: Shell) -> None:
        self._place = place
        self.shell = shell
        self.run_together = shell.run_together

    @property
    def alive(self) -> bool:
        """Whether the sandbox is there."""
        return self._place.alive

    def settle(self, namespace: str) -> None:
        """Wait until each cable of this namespace works, where both its ends are on."""
        self.shell.run(SETTLED, namespace, expect=None)

    def session(self, at: str, script: str, before: Before, after: After) -> Session:
        """A shell that stays."""
        from .keep.session import Session

        return Session(self.shell, at, script, before, after)

    def snapshot(self, settings: bool) -> Snapshot:
        """What the kernel has now."""
        from .snapshot import take

        return take(self.shell, settings)

    def walk(self, src: str, dst: str, count: int, size: int | None, cold: bool, proto: str) -> Walk:
        """The way of one probe."""
        from .packet import follow

        return follow.walk(self.shell, src, dst, count, size, cold, proto)

    def live(self, sentence: str) -> Live:
        """Itself."""
        return self

    def close(self) -> None:
        """Leave the sandbox, and end the bash that waits for lines."""
        self._place.close()
        self.shell.close()

    def __str__(self) -> str:
        return tr("alive") if self.alive else tr("closed")


class LiveInGuest(Live):
    """User-mode Linux and the shell in it."""

    def __init__(self, guest: Guest) -> None:
        from .uml.shell import ShellOfGuest

        self.guest = guest.label
        self._begin(guest, ShellOfGuest(guest))

    @property
    def sandbox(self) -> Sandbox:  # type: ignore[override]
        """It is none: raises NotReady."""
        from .uml.guest import STAYS_NOT

        raise NotReady(tr(STAYS_NOT))


def _made(kernel: str | None) -> World:
    """A new world in this machine's kernel, or in user-mode Linux; without a choice the first that can be had."""
    if kernel not in (None, *KERNELS):
        raise BadOption(tr("{kernel!r} is no kernel for a lab: {known}.", kernel=kernel, known=enumerated(KERNELS)))
    if kernel == UML:
        return _in_guest()
    try:
        return Live(Sandbox(meanwhile=_open_shell))
    except NotReady:
        from .uml import guest

        if kernel or not guest.is_installed():
            raise
    return _in_guest()


def _in_guest() -> World:
    from .uml.guest import Guest

    return LiveInGuest(Guest(meanwhile=_open_shell))


def _open_shell() -> None:
    from . import shell  # noqa: F401  (it imports sh, which takes about as long as making a world)


def _recording(name: str) -> World:
    from .keep.replay import Replay

    return Replay(name)
