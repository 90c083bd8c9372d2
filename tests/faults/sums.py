"""How does the product do, on the page about walks? The sums of a run as tables, and what it misses, with the reason.

Written between two marks of `docs/walks.md`; what stands around them is written by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .cases import CASES
from .misses import MISSES
from .report import evidence_in_words, fixes_in_words, netfilter_in_words
from .run import Result
from .score import SCORES

PAGE = "docs/walks.md"
BEGIN, END = "<!-- sums: written by make causes -->", "<!-- end of the sums -->"
HEADS = ("what is broken", "cases", "named", "unsure", "misled", "crashed or hung")
NUMBERS = "|---|--:|--:|--:|--:|--:|"


def with_sums(text: str, results: list[Result]) -> str:
    """A page with the sums of this run between its marks. Raises ValueError where it has no marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no marks to write between")
    return f"{before}{BEGIN}\n\n{block(results)}\n\n{END}{after}"


def block(results: list[Result]) -> str:
    """The sums as Markdown: by what is broken, fixes, evidence, netfilter, and each miss."""
    whole = len(results) == len(CASES)
    played = f"All {len(CASES)} networks" if whole else f"{len(results)} of the {len(CASES)} networks"
    words = (fixes_in_words(results), evidence_in_words(results), netfilter_in_words(results))
    parts = [f"{played} were played:", table(results)]
    parts.append("\n".join(f"- {line}" for line in words))
    missed = [result for result in results if result.score != "named"]
    if missed:
        lines = "\n".join(missed_line(result) for result in missed)
        parts.append(f"Not named:\n\n{lines}")
    return "\n\n".join(parts)


def table(results: list[Result]) -> str:
    """A row for each group, and one for all."""
    rows = [f"| {' | '.join(HEADS)} |", NUMBERS]
    for group in dict.fromkeys(result.case.group for result in results):
        rows.append(row(group, [result for result in results if result.case.group == group]))
    rows.append(row("**all**", results))
    return "\n".join(rows)


def row(title: str, results: Iterable[Result]) -> str:
    """How many got each score; the worse of walk and check counts."""
    counts = Counter(result.score for result in results)
    named, unsure, misled, *lost = (counts[score] for score in SCORES)
    cells = [title, counts.total(), named, unsure, misled, sum(lost)]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def missed_line(result: Result) -> str:
    """A case whose cause is not named: what it is, how it was scored, and the reason where somebody wrote it down."""
    case = result.case
    reason = MISSES.get(case.id)
    why = f" {reason}" if reason else ""
    return f"- `{case.id}` ({result.score}): {case.cause}.{why}"
