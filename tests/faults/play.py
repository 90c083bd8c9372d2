"""What happens in the process of a case? The network is built, the product is asked, its fixes are typed."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from vethlab_sh import Lab

from .case import Case
from .fixes import ROUNDS, Fix, judged
from .lines import answered, build, run_all
from .score import FIXES, fixes_of, names, score, sentence_of, text_of


@dataclass
class Answer:
    """What walk or check said: yes or no, the text, its score, its typed cause, its evidence, its fixes.

    text: all that it says; sentence, evidence: of it the verdict itself, and what shows it; named: how many of family,
    table, chain and rule it names; proof: whether it brings a cause and evidence; offers: the fixes as it wrote them;
    fixes: the same when they were typed.
    """

    score: str
    text: str = ""
    sentence: str = ""
    evidence: str = ""
    ok: bool | None = None
    seconds: float = 0.0
    cause: str = ""
    named: int = 0
    proof: bool = False
    offers: list[str] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)

    @property
    def fix(self) -> str:
        """The score of the worst fix; empty where none was to be offered."""
        if self.fixes:
            scores = [fix.score for fix in self.fixes]
            return max(scores, key=FIXES.index)
        return "no-fix" if self.ok is False else ""


PR_SET_PDEATHSIG = 1  # prctl(2)


def stand_alone() -> None:
    """Lead a group of one's own, and end with the runner: a switching loop must not outlive it."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def play(case: Case, pipe: Connection) -> None:
    """Build the network and ask; send what failed of the lines, each answer as soon as it is there, then the fixes."""
    stand_alone()
    with Lab() as lab:
        pipe.send(build(lab, case))
        answers = []
        if case.src:
            answers.append(ask(case, lambda: lab.walk(case.src, case.dst, **case.how)))
            pipe.send(answers[-1])
        if case.claim:
            answers.append(ask(case, lambda: lab.check(case.claim)))
            pipe.send(answers[-1])
        pipe.send(tried(lab, case, offers_of(answers)))


def ask(case: Case, put: Callable[[], Any]) -> Answer:
    """The answer to a question, scored."""
    begun = time.monotonic()
    try:
        answer = put()
    except Exception as error:  # noqa: BLE001 - that is what a crash is
        return Answer("crash", f"{type(error).__name__}: {error}", seconds=time.monotonic() - begun)
    seconds = time.monotonic() - begun
    text = text_of(answer)
    ok = bool(answer.ok)
    cause = str(getattr(answer, "cause", None) or "")
    evidence = str(getattr(answer, "evidence", None) or "")
    return Answer(
        score=score(case, ok, text),
        text=text,
        sentence=sentence_of(answer),
        evidence=evidence,
        ok=ok,
        seconds=seconds,
        cause=cause,
        named=names(case, text),
        proof=bool(cause and evidence),
        offers=[] if ok else fixes_of(answer),
    )


def offers_of(answers: list[Answer]) -> list[str]:
    """The fixes that were offered, each once: walk and check mostly agree."""
    offers = []
    for answer in answers:
        for text in answer.offers:
            if text not in offers:
                offers.append(text)
    return offers


def tried(lab: Lab, case: Case, fixes: list[str]) -> dict[str, Fix]:
    """Each fix typed: the first in this lab, every other one in a lab of its own."""
    results = {}
    for number, text in enumerate(fixes):
        if number == 0:
            results[text] = judged(lab, case, text)
            continue
        with Lab() as fresh:
            build(fresh, case)
            results[text] = judged(fresh, case, text)
    return results


def prove(case: Case, pipe: Connection) -> None:
    """Send what the kernel says about a case: proved, or what of it is not true."""
    stand_alone()
    with Lab() as lab:
        failed = build(lab, case)
        pipe.send("; ".join(failed) or proof_of(lab, case))


def proof_of(lab: Lab, case: Case) -> str:
    """Whether the fault is one, and `mend` takes it away."""
    if case.ok:
        return "proved" if answered(lab, case, ROUNDS) else "it is not healthy"
    if answered(lab, case, 2):
        return "it is not broken"
    if not case.mend:
        return "no mend"
    failed = run_all(lab, case.mend)
    if failed:
        return "; ".join(failed)
    return "proved" if answered(lab, case, ROUNDS) else "not mended"
