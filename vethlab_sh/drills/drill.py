"""How does a drill go: planted, searched, judged, explained."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..claims.check import judge_all, ping_of
from ..claims.packets import followed
from ..claims.question import Finding, Question, Verdict
from ..errors import DrillUnfit
from ..markup import sentence
from ..packet.walk import Walk
from ..shell import Shell
from ..snapshot import Snapshot
from .debriefing import Debriefing, Told
from .fault import Fault, is_ask

KEPT = "drill"  # under which a lab keeps the state of the drill that is under way in it
NOTHING_REWRITTEN = "nobody rewrites addresses"
Judged = dict[str, Finding]


class Playground(Protocol):
    """What a drill needs of the lab that it takes place in."""

    @property
    def name(self) -> str | None:
        """Under which it stays, if it does."""

    @property
    def typed(self) -> Sequence[str]:
        """The lines that were typed in it."""

    @property
    def shell(self) -> Shell:
        """What runs lines in it."""

    def snapshot(self) -> Snapshot:
        """What its kernel has now."""

    def keep(self, key: str, value: Any) -> None:
        """Keep a small value with it."""

    def kept(self, key: str) -> Any:
        """What was kept with it under this key."""


@dataclass
class Drill:
    """One drill under way: `.ticket`, `.hint()`, `.check()`, `.give_up()`, `.explanation`.

    planted_at: how many lines had been typed in the lab when the fault was planted; broken: the claims that were
    false then, and why; before: the walk of a packet then; hints: how many were told; over: whether it was mended or
    given up, so that it can be explained.
    """

    lab: Playground
    name: str
    seed: int | str
    fault: Fault
    planted_at: int
    broken: dict[str, str] = field(default_factory=dict, repr=False)
    hints: int = 0
    before: Walk | None = field(default=None, repr=False)
    over: bool = False

    @property
    def ticket(self) -> str:
        """The symptom, as a user tells it."""
        return self.fault.ticket

    def keep(self) -> None:
        """Let the lab keep how far this is, so that `resume` goes on from there."""
        state = {name: getattr(self, name) for name in ("name", "seed", "planted_at", "broken", "hints", "over")}
        state["before"] = None
        if self.before:
            state["before"] = {**self.before.plain(), "snapshot": self.before.snapshot.plain()}
        self.lab.keep(KEPT, state)

    def lay(self) -> None:
        """Lay the network, whole."""
        self._run(self.fault.world.lines)

    def _run(self, lines: tuple[str, ...]) -> None:
        """Run lines that are not the learner's; the first that fails ends it."""
        ran = self.lab.shell.run("set -e\n" + "\n".join(lines), expect=None)
        if ran.code != 0:
            raise DrillUnfit(self.name, f"its network cannot be laid here ({(ran.err or ran.out).strip()})")

    def plant(self) -> None:
        """Prove the network whole, plant the fault, prove it broken."""
        if wrong := self._first_wrong(self._judged()):
            why = wrong[1].why
            raise DrillUnfit(self.name, f"this lab is not the one it needs, or is not whole: {why}")
        self._run(self.fault.plant)
        judged = self._judged()
        self.broken = {claim: finding.why for claim, finding in judged.items() if not finding.ok}
        if healthy := set(self.fault.symptom) - set(self.broken):
            raise DrillUnfit(self.name, f"the fault does not show here: {judged[healthy.pop()].why}")

    def hint(self) -> Told:
        """The next hint: a command worth running, and what to look for."""
        if self.hints == len(self.fault.hints):
            return Told("There are no more hints. To give up mends it and explains.")
        self.hints += 1
        self.keep()
        return Told(f"Hint {self.hints} of {len(self.fault.hints)}: {self.fault.hints[self.hints - 1]}")

    def check(self, reason: bool | None = None) -> Verdict:
        """Is it mended? What is right, and the first thing that is not.

        reason: whether to tell why an answer does not come; when nothing is said, only once you have run a line.
        """
        reason = bool(self.typed) if reason is None else reason
        judged = self._judged()
        claim, finding = self._first_wrong(judged) or (self.fault.symptom[0], judged[self.fault.symptom[0]])
        told = self._mended(judged) if finding.ok else self._not_yet(claim, finding, judged, reason)
        shown = finding.verdict(self.lab.shell, claim)
        self._end(shown.ok)
        return Verdict(claim, shown.ok, f"{'yes' if shown.ok else 'no'}: {told}", shown.evidence)

    def give_up(self) -> Debriefing:
        """Mend it by the first documented repair, and explain."""
        repair = self.fault.repairs[0]
        self._run(repair)
        self._end(True)
        return self.debriefing(repair)

    @property
    def explanation(self) -> Debriefing | Told:
        """What was wrong, the packet's way before and now, and the lines that you ran; only once it is mended."""
        return self.debriefing() if self.over else Told("It is explained when it is mended, or given up.")

    def debriefing(self, mended_by: tuple[str, ...] = ()) -> Debriefing:
        """The explanation, whether it is mended or not; mended_by: lines that somebody else mended it by."""
        now, wiring = self.walk(), self.lab.snapshot()
        return Debriefing(self.fault.explanation, self.before, now, wiring, mended_by, self.typed)

    def _end(self, over: bool) -> None:
        if over and not self.over:
            self.over = True
            self.keep()

    @property
    def typed(self) -> tuple[str, ...]:
        """The lines that were typed in the lab since the fault was planted."""
        return tuple(self.lab.typed[self.planted_at :])

    def walk(self) -> Walk | None:
        """The walk of a packet that the ticket is about, as it is now; none where tcpdump is missing."""
        return self._walk(self.fault.asks[0])

    def __str__(self) -> str:
        told = f"{self.hints} of {len(self.fault.hints)} hints told"
        return f"Drill {self.name} (seed {self.seed}, {told})\n{self.ticket}"

    def _repr_html_(self) -> str:
        style = "border-left:4px solid #b35900;padding:.3em 1em"
        ways = "<code>.hint()</code> <code>.check()</code> <code>.give_up()</code>"
        return (
            f"<div style='{style}'><b>{html.escape(self.name)}</b> (seed {html.escape(str(self.seed))})"
            f"<p>{sentence(self.ticket)}</p>{ways}</div>"
        )

    # --- judging ---

    def _judged(self) -> Judged:
        """Every claim with what was found; no further than needed when a repair has broken something else."""
        question = Question(self.lab.shell, walks=False, cold=True)
        judged = dict(judge_all(question, self.fault.holds))
        if not any(self._is_new(claim, judged[claim]) and claim not in self.broken for claim in judged):
            judged |= judge_all(question, self.fault.asks)
        if all(finding.ok for finding in judged.values()):
            judged |= judge_all(question, [NOTHING_REWRITTEN])
        return judged

    def _first_wrong(self, judged: Judged) -> tuple[str, Finding] | None:
        """First what only a repair can have broken, then the symptom, then the rest."""
        wrong = {claim: finding for claim, finding in judged.items() if not finding.ok}
        new = sorted((c for c in wrong if self._is_new(c, wrong[c])), key=lambda claim: claim in self.broken)
        first = next(
            (claim for claim in (*new, *self.fault.symptom, *self.fault.holds, *wrong) if claim in wrong), None
        )
        return (first, wrong[first]) if first else None

    def _is_new(self, claim: str, finding: Finding) -> bool:
        """Whether it is wrong otherwise than when the fault was planted; of pings some are answered now and then."""
        new = not finding.ok and self.broken.get(claim) != finding.why
        return bool(self.broken) and new and not is_ask(claim)

    def _mended(self, judged: Judged) -> str:
        first = judged[self.fault.symptom[0]].why
        return (
            f"it is mended: {first}. {_pings(judged)} of {_pings(judged)} pings are answered by the way they took "
            "before, every address is where it belongs, and nothing bypasses the fault"
        )

    def _not_yet(self, claim: str, finding: Finding, judged: Judged, reason: bool) -> str:
        if self._is_new(claim, finding) and claim not in self.broken:
            return f"that is no repair, because it breaks what was fine ({claim}): {finding.why}"
        why = finding.why
        if is_ask(claim) and reason and (walked := self._walk(claim)):
            why += f": {walked.reason}" if walked.reason else ""
        good = sum(finding.ok for claim, finding in judged.items() if is_ask(claim))
        return f"{why}. {good} of {_pings(judged)} pings are answered as they were before"

    def _walk(self, claim: str) -> Walk | None:
        """The walk of the packet that a claim is about."""
        question = Question(self.lab.shell, cold=True)
        ping = ping_of(question, claim)
        return followed(question, ping) if ping else None


def _pings(judged: Judged) -> int:
    return sum(map(is_ask, judged))
