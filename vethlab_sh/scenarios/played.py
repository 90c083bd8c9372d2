"""How is a scenario played, and did it do what it teaches? Step by step; what was played knows its verdict."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, overload

from ..language import Spoken, in_its_language, sentences, tr
from ..markup import AsText, sentence
from ..parsers.recognise import recognise
from ..progress import telling
from .step import Scenario, Step

if TYPE_CHECKING:
    from ..record import Ran
    from ..wiring.changes import Difference

STATISTICS = "ping statistics"
SWITCHES_ON = re.compile(r"\bup\b")  # `ip link set DEV up`, `ifconfig DEV up`, also in the quotes of a loop
ENTERS = re.compile(r"ip (?:netns exec|-n) (\S+) ")
# The tables that tell whether a cable works: its state, its fe80:: address, `linkdown` at a route. (A ping asks again.)
TELL_OF_CABLES = {"ip link", "ip addr", "ip route", "bridge link"}


@dataclass(frozen=True, repr=False)
class PlayedStep(AsText):
    """One step of a scenario, and the record of each of its lines."""

    step: Step
    records: tuple[Ran, ...]

    def words(self) -> str:
        """Why it is done, and its lines with what they printed."""
        records = [str(ran) for ran in self.records]
        return "\n".join([self.step.why, *records])

    def as_dict(self, changes: Mapping[Ran, Difference]) -> dict[str, Any]:
        """It as plain values: why, look, and the records with what each changed in the kernel, where that is known."""
        records = []
        for ran in self.records:
            record = ran.as_dict()
            if ran in changes:
                record["changes"] = changes[ran].rows
            records.append(record)
        return {"why": self.step.why, "look": self.step.look, "records": records}


@dataclass(frozen=True, eq=False, repr=False)
class Played(AsText, Spoken, Sequence["Ran"]):
    """A scenario that was played, as far as it was: the sequence of its records, which knows whether it worked.

    scenario; steps: those that were played, each with its records; changes: what a record's line changed in the
    kernel, where somebody looked. As text it is a terminal's transcript with the verdict below.
    """

    scenario: Scenario
    steps: tuple[PlayedStep, ...]
    changes: Mapping[Ran, Difference] = field(default_factory=dict)

    @property
    def records(self) -> list[Ran]:
        """The record of every line, in the order in which they ran."""
        records: list[Ran] = []
        for played in self.steps:
            records += played.records
        return records

    @overload
    def __getitem__(self, place: int) -> Ran: ...
    @overload
    def __getitem__(self, place: slice) -> list[Ran]: ...
    def __getitem__(self, place: int | slice) -> Ran | list[Ran]:
        return self.records[place]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def complete(self) -> bool:
        """Whether all steps were played."""
        planned = self.scenario.steps
        return len(self.steps) == len(planned)

    @property
    def ok(self) -> bool:
        """Whether every ping was answered that should be."""
        sent, received = self._pings()
        return received == sent

    @property
    @in_its_language
    def verdict(self) -> str:
        """What is now known, in a sentence; when it does not work, or is not at its end, that."""
        sent, received = self._pings()
        if received < sent:
            return tr("Not everything works: {received} of {sent} pings were answered.", received=received, sent=sent)
        counted = tr("(No ping was sent.)")
        if sent:
            counted = tr("({received} of {sent} pings answered.)", received=received, sent=sent)
        if self.complete:
            return sentences(self.scenario.known, counted)
        planned = self.scenario.steps
        played = tr("{played} of {planned} steps played.", played=len(self.steps), planned=len(planned))
        return sentences(played, counted)

    def _pings(self) -> tuple[int, int]:
        """How many pings that should be answered were sent, and how many were."""
        sent = received = 0
        for played in self.steps:
            if 0 not in played.step.expect:  # a ping that is to fail, because the step shows what is missing
                continue
            for counts in _counts(played.records):
                sent += int(str(counts["sent"]))
                received += int(str(counts["received"]))
        return sent, received

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values, as JSON can hold them: what is known of the scenario, each step, the verdict."""
        return {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "intro": self.scenario.intro,
            "steps": [played.as_dict(self.changes) for played in self.steps],
            "ok": self.ok,
            "verdict": self.verdict,
        }

    def words(self) -> str:
        """The transcript of a terminal, with the verdict below."""
        transcript = _transcript(self.records)
        return f"{transcript}\n\n{self.verdict}"

    def _repr_html_(self) -> str:
        verdict = sentence(self.verdict)
        parts = [f"<p><b>{verdict}</b></p>"]
        for played in self.steps:
            why = sentence(played.step.why)
            look = sentence(played.step.look)
            transcript = escape(_transcript(played.records))
            parts.append(f"<details><summary>{why}</summary><pre>{transcript}</pre>")
            parts.append(f"<p>{look}</p></details>")
        return "\n".join(parts)


def _counts(records: Iterable[Ran]) -> Iterator[dict[str, object]]:
    """What each `ping` among some lines counted at its end: sent, received and more."""
    for ran in records:
        if STATISTICS in recognise(ran.line):
            yield from ran.rows[STATISTICS]


def _transcript(records: Iterable[Ran]) -> str:
    """Lines and their output as a terminal shows them."""
    return "\n".join(map(str, records))


Run = Callable[[Sequence[str], str, Collection[int]], "list[Ran]"]  # lines at the same time: lines, at, expect
Settle = Callable[[str], None]  # waits until the cables of a namespace work that are on


class Cables:
    """Those that were switched on: a line that tells of them waits until they work, which they do a moment later.

    settle: waits for those of a namespace. A busy kernel takes longer than the next line: then a route is still
    `linkdown`, or the fe80:: address missing of which the step speaks.
    """

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self._are_new = False
        self._settled: set[str] = set()

    def before(self, line: str, at: str) -> None:
        """Wait, if this line tells of cables of a namespace where one may not work yet."""
        if not self._are_new or TELL_OF_CABLES.isdisjoint(recognise(line)):
            return
        entered = ENTERS.match(line)
        namespace = entered[1] if entered else at
        if namespace not in self._settled:
            self._settle(namespace)
            self._settled.add(namespace)

    def after(self, line: str) -> None:
        """Note a line that switched something on."""
        if SWITCHES_ON.search(line):
            self._are_new = True
            self._settled.clear()


def play(
    run: Run,
    settle: Settle,
    scenario: Scenario,
    until: int | None = None,
    after: Callable[[Ran], None] | None = None,
    together: bool = False,
) -> Iterator[PlayedStep]:
    """Play the steps of a scenario, or the first `until`: yields each when its lines have run.

    run: runs lines of a lab; settle: waits until the cables of a namespace work that are on; after: called with each
    record; together: let steps that only ping, and follow each other, do so at the same time.
    """
    cables = Cables(settle)
    steps = scenario.steps[:until]
    groups = [[step] for step in steps]
    if together:
        groups = list(_groups(steps))
    done = 0
    with telling(scenario.namespaces) as tell:
        for group in groups:
            tell(
                tr(
                    "Building {scenario}: step {number} of {planned} …",
                    scenario=scenario.name,
                    number=done + 1,
                    planned=len(scenario.steps),
                )
            )
            if len(group) == 1:
                finished = [_one_by_one(run, cables, group[0], after)]
            else:
                finished = _at_the_same_time(run, group)
            tell("")
            done += len(group)
            yield from finished


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps, one by one; those that only ping, with the same outcome from the same machine, in groups."""

    def kind(step: Step) -> object:
        if _only_pings(step):
            return step.at, step.expect
        return step

    for _, group in itertools.groupby(steps, kind):
        yield list(group)


def _only_pings(step: Step) -> bool:
    tables = [recognise(line) for line in step.lines]
    return all(STATISTICS in names for names in tables)


def _one_by_one(run: Run, cables: Cables, step: Step, after: Callable[[Ran], None] | None) -> PlayedStep:
    records = []
    for line in step.lines:
        cables.before(line, step.at)
        (ran,) = run([line], step.at, step.expect)
        cables.after(line)
        records.append(ran)
        if after:
            after(ran)
    return PlayedStep(step, tuple(records))


def _at_the_same_time(run: Run, steps: Sequence[Step]) -> list[PlayedStep]:
    """Steps from one machine with one outcome, all of whose lines run together."""
    lines: list[str] = []
    for step in steps:
        lines += step.lines
    first = steps[0]
    records = run(lines, first.at, first.expect)
    finished = []
    for step in steps:
        count = len(step.lines)
        own, records = records[:count], records[count:]
        finished.append(PlayedStep(step, tuple(own)))
    return finished
