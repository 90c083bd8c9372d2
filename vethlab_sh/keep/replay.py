"""What can be seen where there is no Linux kernel? A scenario as it once ran, line by line, from a recording.

It is replayed in its order, and nothing is invented: a line that was not recorded, or not at this point, is an error
that says what was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import NoReturn

from .. import scenarios
from ..errors import BadOption, LabClosed, NotRecorded, nearest
from ..language import enumerated, language, tr
from ..packet.walk import Walk
from ..record import Ran
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot
from ..tables import recognise
from . import recording


class Retold:
    """A session of a recording (see `lab.Session`): nothing carries over, since every line is as it once ran.

    at: the machine on which the lines were typed.
    """

    depth = 0
    open = True
    talking: Sequence[Ran] = ()

    def __init__(self, replay: Replay, at: str, after: Callable[[Ran], None]) -> None:
        self._replay = replay
        self._after = after
        self.at = at

    def run(
        self,
        line: str,
        watch: Callable[[str, bool], None] | None = None,
        timeout: float | None = None,
        late: object = None,
    ) -> Ran:
        """The record of a line; raises NotRecorded."""
        ran = self._replay.run(line, self.at, None, timeout)
        if watch:
            watch(ran.out, False)
            watch(ran.err, True)
        self._after(ran)
        return ran

    def hear(self, late: object) -> None:
        """Nothing runs in a recording."""

    def close(self) -> None:
        """There is nothing to leave."""


class Replay:
    """A world that has its answers from the recording of a scenario (see `lab.World`).

    Raises UnknownScenario, or NotRecorded when there is no recording of it.
    """

    guest = ""

    def __init__(self, name: str) -> None:
        scenarios.load(name)
        self._recording = recording.load(name)
        self._done = 0
        self.alive = True

    @property
    def scenario(self) -> str:
        """The name of the scenario."""
        return self._recording.scenario

    @property
    def made(self) -> date:
        """The day when it ran."""
        return self._recording.made

    @property
    def by(self) -> str:
        """The kernel and the iproute2 that it ran on."""
        return self._recording.by

    @property
    def records(self) -> tuple[Ran, ...]:
        """Every line, in its order."""
        return self._recording.records

    def __str__(self) -> str:
        return tr(
            "a recording of {scenario}: {done} of {every} lines shown",
            scenario=self.scenario,
            done=self._done,
            every=len(self.records),
        )

    @property
    def label(self) -> str:
        """The sentence that stands above everything replayed."""
        return tr(
            "A recording: these commands ran on {day} {made:%B %Y} ({by}). Nothing runs here.",
            day=self.made.day,
            made=self.made,
            by=self.by,
        )

    def run(
        self,
        line: str,
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> Ran:
        """The record of this line, in the order of the recording; arguments and errors as for a live shell.

        Lines that only look may be left out, or be asked for again as long as nothing has changed since.
        Raises NotRecorded for any other line.
        """
        if not self.alive:
            raise LabClosed(tr("This recording is closed. Open it again: `lab = Lab(replay=...)`."))
        number = self._find(line, at)
        self._done = max(self._done, number + 1)
        ran = self.records[number]
        return ran.expected(expect)

    def run_together(
        self,
        lines: Sequence[str],
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> list[Ran]:
        """The records of these lines, one after the other."""
        return [self.run(line, at, expect, timeout) for line in lines]

    def settle(self, namespace: str) -> None:
        """Nothing to wait for: what was recorded had settled."""

    def session(self, at: str, script: str, before: Callable[[str, str], None], after: Callable[[Ran], None]) -> Retold:
        """What lines are typed to where no shell is: each is answered by its record."""
        return Retold(self, at, after)

    def _find(self, line: str, at: str) -> int:
        """The number of the record of this line that may be shown now."""
        same = [number for number, ran in enumerate(self.records) if _is(ran, line, at)]
        if not same:
            near = _listed(self._near(line, at))
            raise NotRecorded(
                tr(
                    "`{line}` was not recorded on {at}, so a recording of {scenario} cannot say what it does. "
                    "Recorded are {near}.",
                    line=line,
                    at=at,
                    scenario=self.scenario,
                    near=near,
                )
            )
        for number in same:
            if number >= self._done and self._only_looks(range(self._done, number)):
                return number
        for number in reversed(same):
            if number < self._done and self._is_as_after(number):
                return number
        comes = tr("it is at its end")
        if self._done < len(self.records):
            after = self.records[self._done]
            comes = tr("next comes `{line}` on {at}", line=after.line, at=after.at)
        raise NotRecorded(
            tr(
                "`{line}` was recorded at another point of {scenario}; here {comes}.",
                line=line,
                scenario=self.scenario,
                comes=comes,
            )
        )

    def _near(self, line: str, at: str) -> list[str]:
        """The lines recorded on a machine that this one may be meant for; the first ones when none is like it."""
        every = [ran.line for ran in self.records if ran.at == at]
        lines = list(dict.fromkeys(every))  # each once
        near = nearest(line, lines, most=3, likeness=0.4)
        return near or lines[:3]

    def _only_looks(self, numbers: Iterable[int]) -> bool:
        """Whether these lines change nothing, so that they may be left out."""
        for number in numbers:
            if not recognise(self.records[number].line):
                return False
            before = self._recording.lasting(number)
            after = self._recording.lasting(number + 1)
            if before != after:
                return False
        return True

    def _is_as_after(self, number: int) -> bool:
        """Whether the kernel has now what it had after this line, so that it may be asked for again."""
        after = self._recording.lasting(number + 1)
        now = self._recording.lasting(self._done)
        return after == now

    def snapshot(self, settings: bool = False) -> Snapshot:
        """What the kernel had after the line that was shown last."""
        return self._recording.snapshot(self._done, settings)

    def live(self, sentence: str) -> NoReturn:
        """Raise NotRecorded with this sentence: there is no kernel behind a recording."""
        raise NotRecorded(tr("{sentence}. A lab without `replay` can do it.", sentence=sentence))

    def walk(
        self, src: str, dst: str, count: int = 1, size: int | None = None, cold: bool = False, proto: str = "icmp"
    ) -> Walk:
        """A walk that was recorded when the scenario had ended; dst is a namespace or its address.

        Raises NotRecorded for any other pair, option or moment.
        """
        if self._done < len(self.records):
            raise NotRecorded(
                tr(
                    "The walks of {scenario} were recorded at its end: show all its lines first.",
                    scenario=self.scenario,
                )
            )
        as_recorded = (count, size, proto) == (1, None, "icmp")
        for recorded in self._recording.walks:
            is_way = recorded.src == src and dst in recorded.names
            if as_recorded and is_way and recorded.cold == cold and recorded.lang == language():
                return self._recording.walk(recorded)
        pairs = enumerated(self._pairs())
        raise NotRecorded(tr("This walk was not recorded. Recorded are, cold and warm: {pairs}.", pairs=pairs))

    def _pairs(self) -> Iterator[str]:
        """The walks that were recorded, as words."""
        for recorded in self._recording.walks:
            if recorded.cold and recorded.lang == language():
                yield tr("{src} to {dst}", src=recorded.src, dst=recorded.dst)

    def close(self) -> None:
        """Nothing more is shown. Harmless when repeated."""
        self.alive = False


def _is(ran: Ran, line: str, at: str) -> bool:
    """Whether a record is of this line, however it is spaced."""
    if ran.at != at:
        return False
    return ran.line.split() == line.split()


def _listed(lines: Iterable[str]) -> str:
    return enumerated(f"`{line}`" for line in lines)


def without_options(name: str, options: Collection[str]) -> None:
    """Raise BadOption when a scenario is asked for with options: it was recorded without any."""
    if options:
        given = enumerated(sorted(options))
        raise BadOption(
            tr("{name!r} was recorded as it is without options: leave out {given}.", name=name, given=given)
        )
