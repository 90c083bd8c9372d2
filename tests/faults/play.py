"""What happens in the process of a case? The network is built, the product is asked, its fixes are typed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from vethlab_sh import Lab

from .case import Case, question, typed
from .score import FIXES, fixes_of, names, score, told

LIMIT = 60  # seconds for an answer, and for building the network
ROUNDS = 6  # how often a probe is sent after a fix: a carrier may take seconds to be told. net/core/link_watch.c
# Every namespace, master as ".", and the addresses that others may send to.
NAMESPACES = "echo .; ip netns list | cut -d' ' -f1"
ADDRESSES = "ip {of}-o addr show scope global | awk '{{sub(/\\/.*/, \"\", $4); print $4}}'"
# What firewalls hold, a rule a line, without what counts.
RULES = """
{ nft -s list ruleset; iptables-legacy-save; ip6tables-legacy-save; } 2>/dev/null | grep -vE '^(#|:.* \\[)|^COMMIT'
"""


@dataclass
class Fix:
    """A fix that was typed: what it did."""

    text: str
    score: str
    why: str = ""


@dataclass
class Answer:
    """What walk or check said: yes or no, the text, its score, its typed cause, its fixes.

    named: how many of family, table, chain and rule it names.
    """

    score: str
    text: str = ""
    ok: bool | None = None
    seconds: float = 0.0
    cause: str = ""
    named: int = 0
    offers: list[str] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)

    @property
    def fix(self) -> str:
        """The score of the worst fix; empty where none was to be offered."""
        if self.fixes:
            return max((fix.score for fix in self.fixes), key=FIXES.index)
        return "no-fix" if self.ok is False else ""


def play(case: Case, pipe: Connection) -> None:
    """Build the network and ask; send what failed of the lines, each answer as soon as it is there, then the fixes."""
    os.setsid()
    with Lab() as lab:
        pipe.send(build(lab, case))
        answers = []
        if case.src:
            answers.append(ask(case, lambda: lab.walk(case.src, case.dst, **case.how)))
            pipe.send(answers[-1])
        if case.claim:
            answers.append(ask(case, lambda: lab.check(case.claim)))
            pipe.send(answers[-1])
        offers = [text for answer in answers for text in answer.offers]
        pipe.send(tried(lab, case, list(dict.fromkeys(offers))))


def build(lab: Lab, case: Case) -> list[str]:
    """Play the scenario and the lines; return what failed."""
    if case.play:
        lab.play(case.play)
    return run_all(lab, case.lines)


def run_all(lab: Lab, lines: str) -> list[str]:
    """Run the lines one by one; return those that failed, with what they said."""
    failed = []
    for line in typed(lines):
        ran = lab.run(line, expect=None, timeout=LIMIT / 2)
        if ran.code:
            failed.append(f"{line} -> {ran.code} {ran.err.strip()}")
    return failed


def ask(case: Case, put: Callable[[], Any]) -> Answer:
    """The answer to a question, scored."""
    begun = time.monotonic()
    try:
        answer = put()
    except Exception as error:  # noqa: BLE001 - that is what a crash is
        return Answer("crash", f"{type(error).__name__}: {error}", seconds=time.monotonic() - begun)
    text = told(answer)
    return Answer(
        score(case, answer.ok, text),
        text,
        bool(answer.ok),
        time.monotonic() - begun,
        str(getattr(answer, "cause", None) or ""),
        names(case, text),
        [] if answer.ok else fixes_of(answer),
    )


# --- fixes --------------------------------------------------------------------------------------------------------


def tried(lab: Lab, case: Case, fixes: list[str]) -> dict[str, Fix]:
    """Each fix typed: the first in this lab, every other one in a lab of its own."""
    if not fixes:
        return {}
    results = {fixes[0]: typed_fix(lab, case, fixes[0])}
    for text in fixes[1:]:
        with Lab() as fresh:
            build(fresh, case)
            results[text] = typed_fix(fresh, case, text)
    return results


def typed_fix(lab: Lab, case: Case, text: str) -> Fix:
    """Type a fix; see whether the probe is answered, and what is worse than before."""
    before = addresses(lab)
    reached = reachable(lab, every_pair(before))
    rules = firewall_rules(lab, before)
    failed = run_all(lab, text)
    mended = answered(lab, case, ROUNDS)
    lost = reached - reachable(lab, still_to_be_asked(reached, before, addresses(lab)))
    lost = reachable_no_more(lab, lost, before)
    gone = rules - firewall_rules(lab, before)
    if lost:
        return Fix(text, "fix-harms", "no longer reachable: " + ", ".join(f"{ip} from {ns}" for ns, ip in sorted(lost)))
    if len(gone) > len(typed(text)):
        return Fix(text, "fix-harms", "these rules are gone: " + "; ".join(sorted(rule for _, rule in gone)))
    return Fix(text, "fix-mends" if mended else "fix-no-help", "; ".join(failed))


def answered(lab: Lab, case: Case, rounds: int) -> bool:
    """Whether the probe of a case is answered, in as many tries."""
    again = f"for _ in $(seq {rounds}); do ({question(case)}) >/dev/null && exit 0; sleep 0.4; done; exit 1"
    return lab.run(again, expect=None, timeout=LIMIT).code == 0


Pair = tuple[str, str]  # a namespace, an address


def addresses(lab: Lab) -> dict[str, set[str]]:
    """The addresses of every namespace; master is the dot."""
    held = {}
    for name in lab.run(NAMESPACES).out.split():
        of = f"-n {name} " if name != "." else ""
        held[name] = set(lab.run(ADDRESSES.format(of=of), expect=None).out.split())
    return held


def every_pair(held: dict[str, set[str]]) -> set[Pair]:
    """Each namespace with each address that anybody has."""
    targets = set().union(*held.values())
    return {(name, target) for name in held for target in targets}


def reachable(lab: Lab, pairs: Iterable[Pair]) -> set[Pair]:
    """The pairs where a ping is answered; all are sent at the same time."""
    lines = []
    for name, target in sorted(pairs):
        inside = f"ip netns exec {name} " if name != "." else ""
        lines.append(f"({inside}ping -n -q -c 1 -W 1 {target} >/dev/null 2>&1 && echo {name} {target}) &")
    out = lab.run(" ".join([*lines, "wait"]), expect=None, timeout=LIMIT).out
    answers = [line.split() for line in out.splitlines()]
    return {(name, target) for name, target in answers}


def reachable_no_more(lab: Lab, lost: set[Pair], before: dict[str, set[str]]) -> set[Pair]:
    """Of those that were not answered once, the ones that stay so: one lost ping is no proof."""
    for _ in range(2):
        lost = lost - reachable(lab, lost)
    return {(name, target) for name, target in lost if target in set().union(*addresses(lab).values())}


def still_to_be_asked(reached: set[Pair], before: dict[str, set[str]], now: dict[str, set[str]]) -> set[Pair]:
    """Without what a fix means to change: a namespace that gave an address away no longer sends from it."""
    gave_away = {name for name in before if before[name] - now.get(name, set())}
    return {(name, target) for name, target in reached if name not in gave_away}


def firewall_rules(lab: Lab, held: Iterable[str]) -> set[Pair]:
    """The rules of every namespace, a line each."""
    rules = set()
    for name in held:
        line = RULES.strip()
        inside = f"ip netns exec {name} bash -c {_quoted(line)}" if name != "." else line
        out = lab.run(inside, expect=None).out
        rules |= {(name, re.sub(r"\s+", " ", rule).strip()) for rule in out.splitlines()}
    return {(name, rule) for name, rule in rules if rule.strip("{} ")}


def _quoted(line: str) -> str:
    return "'" + line.replace("'", "'\\''") + "'"


# --- proof --------------------------------------------------------------------------------------------------------


def prove(case: Case, pipe: Connection) -> None:
    """Send what the kernel says about a case: proved, or what of it is not true."""
    os.setsid()
    with Lab() as lab:
        failed = build(lab, case)
        proof = "; ".join(failed) or proof_of(lab, case)
        pipe.send(proof)


def proof_of(lab: Lab, case: Case) -> str:
    """Whether the fault is one, and `mend` takes it away."""
    if case.ok:
        return "proved" if answered(lab, case, ROUNDS) else "it is not healthy"
    if answered(lab, case, 2):
        return "it is not broken"
    if not case.mend:
        return "no mend"
    if failed := run_all(lab, case.mend):
        return "; ".join(failed)
    return "proved" if answered(lab, case, ROUNDS) else "not mended"
