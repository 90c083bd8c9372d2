"""What does a user hold? One Lab: a private network world and the ways to look at it. It decides nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import scenarios, snapshot
from .errors import NotRecorded
from .inside import inside
from .keep import stay
from .progress import telling
from .sandbox import HOSTNAME, Sandbox
from .scenarios import Scenario, Step
from .snapshot import Snapshot
from .tables import recognise

if TYPE_CHECKING:  # the other rooms are opened when they are wanted: nobody waits for what is not used
    from matplotlib.axes import Axes
    from pandas import DataFrame

    from .claims.question import Verdict
    from .drills import Drill
    from .keep.replay import Replay
    from .keep.save import Saved
    from .packet.walk import Walk
    from .record import Ran
    from .shell import Shell
    from .wiring.changes import Difference


class Lab:
    """A private network world, made without root; gone when closed or when Python ends, unless it is to `stay`.

    name: of a lab that stays, to come back to it (closing then only leaves it); without one a lab is made, or the
    world that is given as sandbox is used.
    Raises NoSuchLab, which lists the labs that stay.

    >>> with Lab() as lab:
    ...     _ = lab.run("ip netns add ns1")
    ...     print(lab.run("ip netns list").out.strip())
    ns1
    """

    def __init__(self, name: str | None = None, sandbox: Sandbox | None = None, *, replay: str | None = None) -> None:
        self.name = name
        self._replay = None if replay is None else _recording(replay)
        self._stay = None if name is None else stay.find(name)
        live = sandbox or self._replay or (self._stay.enter() if self._stay else Sandbox(meanwhile=_open_shell))
        self._sandbox = live
        self._shell = _shell(live) if isinstance(live, Sandbox) else live
        self.history: list[Ran] = []
        self._kept: dict[str, Any] = {}
        self._looked: Snapshot = snapshot.EMPTY
        self._drawn: Snapshot | None = None

    @classmethod
    def of(cls, name: str, **options: int | str | bool) -> Lab:
        """The lab that stays under this name; else a new one in which the scenario of this name has been played.

        Options are a scenario's, so with any of them it is the scenario that is meant. Raises UnknownScenario.
        """
        if not options and name in stay.names():
            return cls(name)
        scenario = scenarios.load(name, **options)
        lab = cls()
        lab._play(scenario)
        return lab

    def stay(self, name: str, scenario: str = "") -> None:
        """Let this lab last, under a name, until `python -m vethlab_sh down NAME`; scenario: what it was made from.

        Raises BadName, or NameTaken when another lab stays under it.
        """
        if not isinstance(self._sandbox, Sandbox):
            raise NotRecorded("A recording is no world that could stay. A lab without `replay` can.")
        self._stay = stay.settle(self._sandbox, name, scenario)
        for key, value in self._kept.items():
            stay.keep(name, key, value)
        self.name = name

    def run(
        self,
        line: str,
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> Ran:
        """Run one line as a learner would type it; return its record.

        line: any bash line; at: the machine (`master`, or a namespace that plays one); expect: exit codes
        that belong to the story, None for any; timeout: seconds, then the command is ended as by Ctrl-C.
        Raises CommandFailed with a hint for any other exit code.
        """
        return self._run_together([line], at, expect, timeout)[0]

    def _run_together(
        self, lines: Sequence[str], at: str, expect: Collection[int] | None, timeout: float | None = None
    ) -> list[Ran]:
        for line in lines:
            self.note(inside(at, line))
        records = self._shell.run_together(lines, at, expect, timeout)
        self.history += records
        return records

    def _check_live(self, sentence: str) -> None:
        """Raise NotRecorded with this sentence when there is no kernel behind the lab."""
        if self._replay:
            raise NotRecorded(f"{sentence}. A lab without `replay` can do it.")

    def note(self, line: str) -> None:
        """Where it stays, add a line to what was `typed` in it."""
        if self._stay:
            self._stay.note(line)

    @property
    def typed(self) -> list[str]:
        """The lines that were typed in it, as typed on master; of a lab that stays, from any terminal."""
        return self._stay.history if self._stay else [inside(ran.at, ran.line) for ran in self.history]

    def keep(self, key: str, value: Any) -> None:
        """Keep a small value (anything that JSON can hold) with this lab, for as long as the lab is there."""
        if self.name:
            stay.keep(self.name, key, value)
        else:
            self._kept[key] = value

    def kept(self, key: str) -> Any:
        """What was kept with this lab under a key; None when there is nothing."""
        return stay.kept(self.name, key) if self.name else self._kept.get(key)

    def steps(
        self,
        scenario: Scenario,
        until: int | None = None,
        after: Callable[[Ran], None] | None = None,
        together: bool = False,
    ) -> Iterator[tuple[Step, list[Ran]]]:
        """Play a scenario step by step: yields each step when its lines have run, `after` each of which is called.

        together: where nobody watches, let steps that only ping, and follow each other, do so at the same time.
        """
        groups = _neighbours(scenario.steps[:until]) if together else [[step] for step in scenario.steps[:until]]
        done = 0
        with telling(scenario.namespaces) as tell:
            for group in groups:
                tell(f"Building {scenario.name}: step {done + 1} of {len(scenario.steps)} …")
                played = [*zip(group, self._run_steps(group, after), strict=True)]
                tell("")
                done += len(group)
                yield from played

    def _run_steps(self, steps: Sequence[Step], after: Callable[[Ran], None] | None) -> Iterator[list[Ran]]:
        """The records of each step: of one line by line, of several when the lines of all have run together."""
        if len(steps) > 1:
            lines = [line for step in steps for line in step.lines]
            answers = iter(self._run_together(lines, steps[0].at, steps[0].expect))
            yield from ([next(answers) for _ in step.lines] for step in steps)
            return
        records = []
        for line in steps[0].lines:
            records.append(self.run(line, at=steps[0].at, expect=steps[0].expect))
            if after:
                after(records[-1])
        yield records

    def play(self, name: str, until: int | None = None, **options: int | str | bool) -> list[Ran]:
        """Run all steps of a scenario, or the first `until`; return the records of all its lines.

        name: see `python -m vethlab_sh list`; options: the scenario's own (`hosts=3` for bridge,
        `pods`, `ipv6` and calico's `mode="routed"` for the two-node ones).
        """
        return self._play(scenarios.load(name, **options), until)

    def _play(self, scenario: Scenario, until: int | None = None) -> list[Ran]:
        return [ran for _, records in self.steps(scenario, until, together=True) for ran in records]

    def interact(self, words: Sequence[str], **environment: str) -> int:
        """Run a program in the lab on the caller's own terminal; return its exit code. environment: more of it."""
        return self._shell.interact(words, environment)

    def snapshot(self, settings: bool = False) -> Snapshot:
        """Everything that the kernel has in this lab now, across its namespaces; settings: the sysctls too."""
        return self._replay.snapshot(settings) if self._replay else snapshot.take(self._shell, settings)

    def changes(self) -> Difference:
        """What changed in the kernel since the last look (since the lab was made, the first time)."""
        from .wiring import changes

        now = self.snapshot(settings=True)
        before, self._looked = self._looked, now
        return changes.between(before, now)

    def draw(self, ax: Axes | None = None, routes: bool = False) -> Axes:
        """The wiring as a picture, from the kernel's state; what changed since the last picture is accented.

        ax: matplotlib axes to draw on, new ones of the right size when none are given; routes: write each
        namespace's routes into its box. Returns the axes (`.figure.savefig(...)` saves them).
        """
        from .wiring import changes, ink, layout

        now = self.snapshot()
        before, self._drawn = self._drawn, now
        changed = changes.between(before, now).devices if before else ()
        with telling(len(now.rows["namespaces"])) as tell:
            tell(f"Drawing {len(now.rows['namespaces'])} namespaces …")
            return ink.draw(layout.layout(now, changed, routes), ax)

    def walk(
        self, src: str, dst: str, count: int = 1, size: int | None = None, cold: bool = False, proto: str = "icmp"
    ) -> Walk:
        """Send one ping and see every device that it passes, in order, and why.

        src: a namespace; dst: an address, or a namespace (its first address); count, size: as `ping -c` and `-s`;
        cold: forget learned neighbours and FDB entries first; proto: icmp, or a probe `tcp:PORT` or `udp:PORT`.
        """
        from .packet import follow

        if self._replay:
            return self._replay.walk(src, dst, cold, count=count - 1, size=size, proto=proto.removeprefix("icmp"))
        return follow.walk(self._shell, src, dst, count, size, cold, proto)

    def check(self, claim: str) -> Verdict:
        """Whether a claim in plain English holds now: `lab.check("ns100 can reach 192.168.1.101")`.

        The verdict is true or false; as text it is a sentence with its reason, and `.evidence` is a command and the
        line that shows it. Raises UnknownClaim, which lists what can be claimed (`check.vocabulary()`).
        """
        from .claims import check

        self._check_live("A claim is judged by a kernel, and a recording has none")
        return check.check(self._shell, claim)

    def drill(self, name: str | None = None, seed: int | str = 0) -> Drill:
        """A network with a fault to find: `.ticket`, then `.hint()`, `.check()`, `.give_up()`, `.explanation`.

        name: see `python -m vethlab_sh drill list`, without one the drill that is under way in this lab; seed:
        another one has other addresses and hits another place. A drill begins in an empty lab, or in one in which it
        was mended before. Raises UnknownDrill, DrillUnfit, NoDrill.
        """
        from . import drills

        self._check_live("A drill is mended in a kernel, and a recording has none")
        return drills.resume(self) if name is None else drills.start(self, name, seed)

    @property
    def shell(self) -> Shell:
        """Runs lines that are not the learner's own: they leave no record in `history`."""
        return self._shell

    def save(self, file: str | Path | None = None) -> Saved:
        """The lab as it is now as a bash script that rebuilds it in a fresh lab; written into a file, if one is given.

        Returns the script and sentences about what it lacks. Raises CannotSave for a device of an unknown kind.
        """
        from .files import written
        from .keep import save

        self._check_live("What is saved is what a kernel has now, and a recording has none")
        saved = save.save(self._shell, self.name or "of Python", Path(file).name if file else "FILE")
        if file:
            with written(file) as path:
                path.write_text(saved.script)
        return saved

    @staticmethod
    def compare(*names: str, **options: int | str | bool) -> DataFrame:
        """What scenarios with two nodes do differently: a row a question, a column a scenario.

        Each is laid in a lab of its own and measured; options are given to the scenarios that have them.
        """
        import pandas

        from .measure import compare

        return pandas.DataFrame(compare.compare(*names, **options)).set_index(compare.QUESTION)

    @property
    def alive(self) -> bool:
        """Whether there still is a world to run in."""
        return self._sandbox.alive

    @property
    def recording(self) -> str:
        """The sentence that says that this is a recording, and of when; empty for a live lab."""
        return self._replay.label if self._replay else ""

    def close(self) -> None:
        """Leave; unless it stays the kernel ends its processes and removes all it had. Harmless when repeated."""
        self._sandbox.close()
        self._shell.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._replay:
            return f"<Lab, {self._replay}>"
        return f"<Lab {'alive' if self.alive else 'closed'}, {len(self.history)} lines run>"


def _open_shell() -> None:
    from . import shell  # noqa: F401  (it imports sh, which takes about as long as making a world)


def _shell(sandbox: Sandbox) -> Shell:
    from .shell import Shell

    return Shell(sandbox)


def _recording(name: str) -> Replay:
    from .keep.replay import Replay

    return Replay(name)


def _neighbours(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps, one by one; those that only ping, with the same outcome from the same machine, in groups."""

    def kind(step: Step) -> object:
        pings = all("ping" in recognise(line) for line in step.lines)
        return (step.at, step.expect) if pings else step

    for _, group in itertools.groupby(steps, kind):
        yield list(group)
