"""How does a drill go: planted, searched, judged, explained."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..claims.check import judge_all, ping_of
from ..claims.devices import belongs_to
from ..claims.forms import as_spoken, understand
from ..claims.packets import followed
from ..claims.question import Finding, Question, Verdict
from ..errors import DrillUnfit
from ..language import in_its_language, tr
from ..markup import AsText, sentence
from ..packet.walk import Walk
from ..shell import Shell
from ..snapshot import Snapshot
from .debriefing import Debriefing, Sentence
from .fault import Fault

KEPT = "drill"  # under which a lab keeps the state of the drill that is under way in it
STATE = ("name", "seed", "planted_at", "hints", "over")  # fields of a drill that tell nothing of the fault
WORKED = ("check", "explanation", "give_up", "hint", "hints", "lab", "name", "over", "seed", "ticket", "typed", "walk")
NOTHING_REWRITTEN = "nobody rewrites addresses"
Findings = dict[str, Finding]  # by the claim


class Playground(Protocol):
    """What a drill needs of the lab that it takes place in."""

    @property
    def name(self) -> str | None:
        """Under which it stays, if it does."""

    @property
    def typed(self) -> Sequence[str]:
        """The lines that were typed in it."""

    @property
    def lang(self) -> str | None:
        """Which language it speaks; None: whatever is spoken."""

    @property
    def shell(self) -> Shell:
        """What runs lines in it."""

    def snapshot(self) -> Snapshot:
        """What its kernel has now."""

    def keep(self, key: str, value: Any) -> None:
        """Keep a small value with it."""

    def kept(self, key: str) -> Any:
        """What was kept with it under this key."""


@dataclass(repr=False, slots=True)  # with slots, `vars` has nothing to show
class Drill(AsText):
    """One drill under way: `.ticket`, `.hint()`, `.check()`, `.give_up()`, `.explanation`.

    name: its scenario and a number; fault: what is planted, which nothing that shows a drill may show: a notebook keeps
    what it shows, also for whoever still looks for it.
    planted_at: how many lines had been typed in the lab when the fault was planted; broken: the claims that were
    false then, each with the signs of its finding; before: the walk of a packet then; hints: how many were told; over:
    whether it was mended or given up, so that it can be explained.
    """

    lab: Playground
    name: str
    seed: int | str
    fault: Fault
    planted_at: int
    broken: dict[str, list[str]] = field(default_factory=dict)
    hints: int = 0
    before: Walk | None = None
    over: bool = False

    @property
    def lang(self) -> str | None:
        """The language of its lab."""
        return self.lab.lang

    @property
    def ticket(self) -> str:
        """The symptom, as a user tells it."""
        return self.fault.ticket

    def keep(self) -> None:
        """Let the lab keep how far this is, so that `resume` goes on from there."""
        state = {name: getattr(self, name) for name in STATE}
        before = self.before.plain() if self.before else None
        secret = {"broken": self.broken, "before": before}
        state["sealed"] = _sealed(secret)
        self.lab.keep(KEPT, state)

    def lay(self) -> None:
        """Lay the network, whole."""
        self._run(self.fault.world.lines)

    def _run(self, lines: tuple[str, ...]) -> None:
        """Run lines that are not the learner's; the first that fails ends it."""
        script = "\n".join(["set -e", *lines])
        ran = self.lab.shell.run(script, expect=None)
        if ran.code != 0:
            complaint = (ran.err or ran.out).strip()
            raise DrillUnfit(self.name, tr("its network cannot be laid here ({complaint})", complaint=complaint))

    def plant(self) -> None:
        """Prove the network whole, plant the fault, prove it broken."""
        wrong = self._first_wrong(self._findings())
        if wrong:
            _, finding = wrong
            raise DrillUnfit(self.name, tr("this lab is not the one it needs, or is not whole: {why}", why=finding.why))
        self._run(self.fault.plant)
        findings = self._findings()
        self.broken = {claim: finding.signs for claim, finding in findings.items() if not finding.ok}
        for claim in self.fault.symptom:
            if claim not in self.broken:
                raise DrillUnfit(self.name, tr("the fault does not show here: {why}", why=findings[claim].why))

    @in_its_language
    def hint(self) -> Sentence:
        """The next hint: a command worth running, and what to look for."""
        every = self.fault.hints
        if self.hints == len(every):
            return Sentence(tr("There are no more hints. To give up mends it and explains."))
        hint = every[self.hints]
        self.hints += 1
        self.keep()
        return Sentence(tr("Hint {number} of {count}: {hint}", number=self.hints, count=len(every), hint=hint))

    @in_its_language
    def check(self, reason: bool | None = None) -> Verdict:
        """Is it mended? What is right, and the first thing that is not.

        reason: whether to tell why an answer does not come; when nothing is said, only once you have run a line.
        """
        with_reason = bool(self.typed) if reason is None else reason
        findings = self._findings()
        wrong = self._first_wrong(findings)
        if wrong:
            claim, finding = wrong
            answer = tr("no: {why}", why=self._not_yet(claim, findings, with_reason))
        else:
            claim = self.fault.symptom[0]
            finding = findings[claim]
            answer = tr("yes: {why}", why=self._mended(findings))
            self._end()
        evidence = finding.verdict(self.lab.shell, claim).evidence
        return Verdict(claim, finding.ok, answer, evidence)

    @in_its_language
    def give_up(self) -> Debriefing:
        """Mend it by the first documented repair, and explain."""
        repair = self.fault.repairs[0]
        self._run(repair)
        self._end()
        return self.debriefing(repair)

    @property
    @in_its_language
    def explanation(self) -> Debriefing | Sentence:
        """What was wrong, the packet's way before and now, and the lines that you ran; only once it is mended."""
        if not self.over:
            return Sentence(tr("It is explained when it is mended, or given up."))
        return self.debriefing()

    @in_its_language
    def debriefing(self, mended_by: tuple[str, ...] = ()) -> Debriefing:
        """The explanation, whether it is mended or not; mended_by: lines that somebody else mended it by."""
        return Debriefing(
            fault=self.fault.word,
            why=self.fault.explanation,
            before=self.before,
            now=self.walk(),
            wiring=self.lab.snapshot(),
            mended_by=mended_by,
            typed=self.typed,
            looks=self.fault.hints,
            repair=self.fault.repairs[0],
        )

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self.keep()

    @property
    def typed(self) -> tuple[str, ...]:
        """The lines that were typed in the lab since the fault was planted."""
        return tuple(self.lab.typed[self.planted_at :])

    @in_its_language
    def walk(self) -> Walk | None:
        """The walk of a packet that the ticket is about, as it is now; none where tcpdump is missing."""
        return self._walk(self.fault.asks[0])

    def __dir__(self) -> list[str]:
        """What a learner works it with, which is what `Tab` offers."""
        return list(WORKED)

    @in_its_language
    def words(self) -> str:
        """Which drill it is, and its ticket."""
        every = len(self.fault.hints)
        hints = tr("{hints} of {every} hints told", hints=self.hints, every=every)
        title = tr("Drill {name} (seed {seed}, {hints})", name=self.name, seed=self.seed, hints=hints)
        return f"{title}\n{self.ticket}"

    @in_its_language
    def _repr_html_(self) -> str:
        style = "border-left:4px solid #b35900;padding:.3em 1em"
        ways = tr("In Python: `.hint()` `.check()` `.give_up()`")
        seed = tr("(seed {seed})", seed=self.seed)
        return (
            f"<div style='{style}'><b>{html.escape(self.name)}</b> {html.escape(seed)}"
            f"<p>{sentence(self.ticket)}</p>{sentence(ways)}</div>"
        )

    # --- judging ---

    def _findings(self) -> Findings:
        """Every claim with what was found; no further than needed when a repair has broken something else."""
        question = Question(self.lab.shell, walks=False, cold=True)
        findings = dict(judge_all(question, self.fault.holds))
        is_broken = any(self._breaks(claim, finding) for claim, finding in findings.items())
        if not is_broken:
            findings.update(judge_all(question, self.fault.asks))
        if all(finding.ok for finding in findings.values()):
            findings.update(judge_all(question, [NOTHING_REWRITTEN]))
        return findings

    def _first_wrong(self, findings: Findings) -> tuple[str, Finding] | None:
        """First what only a repair can have broken, then the symptom, then the rest; none when all holds."""
        wrong = [claim for claim, finding in findings.items() if not finding.ok]
        breaking = [claim for claim in wrong if self._breaks(claim, findings[claim])]
        changed = [claim for claim in wrong if self._is_wrong_otherwise(claim, findings[claim])]
        by_repair = breaking + changed
        # an address in a second place makes other claims untrue, too: it is the one to tell
        for claim in by_repair:
            form, _ = understand(claim)
            if form.judge is belongs_to:
                return claim, findings[claim]
        for claim in (*by_repair, *self.fault.symptom, *self.fault.holds, *wrong):
            if claim in wrong:
                return claim, findings[claim]
        return None

    def _breaks(self, claim: str, finding: Finding) -> bool:
        """Whether it is wrong and was fine when the fault had been planted; of pings some are answered now and then."""
        if finding.ok or self._is_ask(claim):
            return False
        is_planted = bool(self.broken)
        return is_planted and claim not in self.broken

    def _is_wrong_otherwise(self, claim: str, finding: Finding) -> bool:
        """Whether it was wrong then, too, but in another way."""
        if claim not in self.broken or self._is_ask(claim):
            return False
        return finding.signs != self.broken[claim]

    def _is_ask(self, claim: str) -> bool:
        return claim in self.fault.asks

    def _mended(self, findings: Findings) -> str:
        first = findings[self.fault.symptom[0]].why
        pings = self._pings(findings)
        return tr(
            "it is mended: {first}. {count} of {count} pings are answered by the way they took before, every address "
            "is where it belongs, and nothing bypasses the fault",
            first=first,
            count=len(pings),
        )

    def _not_yet(self, claim: str, findings: Findings, with_reason: bool) -> str:
        why = findings[claim].why
        if self._breaks(claim, findings[claim]):
            return tr(
                "that is no repair, because it breaks what was fine ({claim}): {why}", claim=as_spoken(claim), why=why
            )
        if with_reason and self._is_ask(claim):
            walk = self._walk(claim)
            if walk and walk.reason:
                why = tr("{why}: {reason}", why=why, reason=walk.reason)
        pings = self._pings(findings)
        answered = [finding for finding in pings if finding.ok]
        return tr(
            "{why}. {answered} of {all} pings are answered as they were before",
            why=why,
            answered=len(answered),
            all=len(pings),
        )

    def _pings(self, findings: Findings) -> list[Finding]:
        asks = self.fault.asks
        return [finding for claim, finding in findings.items() if claim in asks]

    def _walk(self, claim: str) -> Walk | None:
        """The walk of the packet that a claim is about."""
        question = Question(self.lab.shell, cold=True)
        ping = ping_of(question, claim)
        if ping is None:
            return None
        return followed(question, ping)


# --- what a lab keeps ---


def _sealed(facts: dict[str, Any]) -> str:
    """Facts of JSON as nobody reads them by chance: who looks into a lab's files may still look for the fault."""
    packed = zlib.compress(json.dumps(facts).encode())
    return base64.b64encode(packed).decode()


def unsealed(text: str) -> dict[str, Any]:
    """The facts again."""
    packed = base64.b64decode(text)
    facts: dict[str, Any] = json.loads(zlib.decompress(packed))
    return facts
