"""How good is an answer? It names the cause, is unsure, or misleads; its words decide, as a teacher would."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .case import Case, Words

SCORES = ("named", "unsure", "misled", "crash", "hang")  # from the best to the worst
FIXES = ("fix-mends", "no-fix", "fix-no-help", "fix-harms")  # from the best to the worst
PARTS = ("verdict", "sentence", "cause", "evidence", "fix")  # attributes of an answer, as far as it has them


def holds(text: str, word: str) -> bool:
    """Whether the text has this word, or phrase, as a whole.

    >>> holds("r drops it", "drop*"), holds("r drops it", "drop"), holds("br0 is down", "r0")
    (True, False, False)
    """
    stem = word.removesuffix("*")
    begin = r"(?<!\w)" if stem[0].isalnum() else ""
    end = r"(?!\w)" if stem == word else ""
    return re.search(begin + re.escape(stem) + end, text, re.IGNORECASE) is not None


def holds_all(text: str, words: Words) -> bool:
    """Whether the text has a word of every group."""
    return all(holds_one(text, group) for group in words)


def holds_one(text: str, group: tuple[str, ...]) -> bool:
    """Whether the text has a word of this group."""
    return any(holds(text, word) for word in group)


def score(case: Case, ok: bool, text: str) -> str:
    """How good an answer is: named, unsure or misled."""
    right = case.ok is None or ok == case.ok
    if right and holds_all(text, case.words):
        return "named"
    blames = holds_one(text, case.never)
    return "unsure" if right and not blames else "misled"


def is_fair(case: Case) -> bool:
    """Whether the cause, as the case itself tells it, would be scored as named."""
    own = f"{case.src} does not reach {case.dst}: {case.cause}"
    return bool(case.ok) or score(case, False, own) == "named"


def text_of(answer: object) -> str:
    """All that an answer says, as text."""
    texts = [getattr(answer, name, "") for name in PARTS]
    return "\n".join(str(text) for text in texts if text)


def sentence_of(answer: object) -> str:
    """The verdict itself: a walk calls it verdict, a check sentence."""
    return str(getattr(answer, "verdict", "") or getattr(answer, "sentence", ""))


def fixes_of(answer: object) -> list[str]:
    """What an answer offers to type: each text for itself, one or several lines."""
    fix = getattr(answer, "fix", None)
    if not fix:
        return []
    if isinstance(fix, Sequence) and not isinstance(fix, str):
        return [str(one) for one in fix]
    return [str(fix)]


def names(case: Case, text: str) -> int:
    """How many of the words for family, table, chain, and rule or policy the text has."""
    return sum(holds_one(text, group) for group in case.netfilter)
