"""Is this true of the lab now? A claim in English or Chinese, judged by the kernel, answered with its reason.

The kernel is asked each time; nothing is remembered. The reasons come from `lookup`, `reasons` and, for an answer
that did not come, from the walk of the packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..language import SOURCE, language, tr
from ..shell import Shell
from .forms import FORMS, understand
from .packets import can_reach, cannot_reach, ping_between
from .pings import Ping
from .question import Absent, Finding, Question, Verdict

Row = dict[str, Any]


def vocabulary() -> list[Row]:
    """The claims there are: a row a form, with an example, what it means, and the same claim in the other language.

    claim, example: in the language that is spoken; other: the example in the other one. Both may be typed.
    """
    rows = []
    for form in FORMS:
        claim, example, other = form.shown, form.example, form.chinese_example
        if language() != SOURCE:
            claim, example, other = form.shown_in_chinese, form.chinese_example, form.example
        rows.append({"claim": claim, "example": example, "meaning": tr(form.meaning), "other": other})
    return rows


def check(shell: Shell, claim: str, witnessed: bool = False) -> Verdict:
    """Judge one claim: whether it holds now, why, and what shows it.

    witnessed: of a network that a stranger made, see `Question`. Raises UnknownClaim, which lists the vocabulary and
    names the nearest form.
    """
    question = Question(shell, witnessed=witnessed)
    finding = judge(question, claim)
    return finding.verdict(shell, claim)


def judge(question: Question, claim: str) -> Finding:
    """Judge one claim in a round that may have others."""
    form, words = understand(claim)
    try:
        return form.judge(question, **words)
    except Absent as absent:
        return absent.finding


def judge_all(question: Question, claims: Iterable[str]) -> Iterator[tuple[str, Finding]]:
    """Judge many claims: one snapshot, and all pings at the same time."""
    claims = list(claims)
    pings = []
    for claim in claims:
        ping = ping_of(question, claim)
        if ping:
            pings.append(ping)
    if pings:
        question.ask(pings)
    for claim in claims:
        yield claim, judge(question, claim)


def ping_of(question: Question, claim: str) -> Ping | None:
    """The ping that a claim is about; none for other claims, and where one of its ends is not there."""
    form, words = understand(claim)
    if form.judge not in (can_reach, cannot_reach):
        return None
    words.pop("routers", None)
    try:
        return ping_between(question, **words)
    except Absent:
        return None
