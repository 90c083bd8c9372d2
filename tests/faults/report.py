"""How did the product do? A line for each case, sums by group, and whether that is good enough."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from .play import Answer
from .run import Result
from .score import FIXES, SCORES


def line_of(result: Result, verbose: bool) -> str:
    """A line about a case; verbose: with the sentences below it, unless both name the cause."""
    walk, check = (answer.score if answer else "-" for answer in (result.walk, result.check))
    lines = [f"{walk:7} {check:7} {result.fix or '-':11} {result.case.group:9} {result.case.id}"]
    lines += [f"        line failed: {line}" for line in result.failed]
    if verbose and result.score != "named":
        lines += sentences(result)
    if verbose:
        lines += [f"        {text}" for text in fixes_that_fail(result)]
    return "\n".join(lines)


def sentences(result: Result) -> list[str]:
    """The true cause, and what the answers say instead."""
    lines = [f"        cause: {result.case.cause}"]
    for name, answer in (("walk", result.walk), ("check", result.check)):
        if answer:
            text = " / ".join(answer.text.splitlines())
            lines.append(f"        {name}: ({answer.seconds:.1f} s) {text}")
    return lines


def fixes_that_fail(result: Result) -> list[str]:
    """The fixes that do not mend, each once."""
    lines = []
    for answer in result.answers:
        for fix in answer.fixes:
            if fix.score != "fix-mends":
                lines.append(f"{fix.score}: {fix.text!r} {fix.why}")
    return list(dict.fromkeys(lines))


def sums_of(results: list[Result]) -> str:
    """A table: how often each score was given, by what is broken, for walk, check and the worse of both, and fixes."""
    width = 7 * len(SCORES) - 1
    titles = "".join(f" | {title:{width}}" for title in ("walk", "check", "the worse of both"))
    heads = (" | " + " ".join(f"{name:>6}" for name in SCORES)) * 3
    fixes = " | " + " ".join(f"{name:>11}" for name in FIXES)
    lines = [f"{'':16}{titles}", f"{'':10} {'cases':>5}{heads}{fixes}"]
    groups = list(dict.fromkeys(result.case.group for result in results))
    for group in groups:
        lines.append(sum_of(group, [result for result in results if result.case.group == group]))
    return "\n".join([*lines, sum_of("all", results)])


def sum_of(title: str, rows: list[Result]) -> str:
    """One line of the sums."""
    line = f"{title:10} {len(rows):5}"
    line += scores_of(row.walk for row in rows)
    line += scores_of(row.check for row in rows)
    line += counted(Counter(row.score for row in rows), SCORES, 6)
    return line + counted(Counter(row.fix for row in rows if row.fix), FIXES, 11)


def scores_of(answers: Iterable[Answer | None]) -> str:
    """How often each score was given."""
    return counted(Counter(answer.score for answer in answers if answer), SCORES, 6)


def counted(counts: Counter[str], names: tuple[str, ...], width: int) -> str:
    """Numbers in columns, a dot for none."""
    return " | " + " ".join(f"{counts[name] or '.':>{width}}" for name in names)


def summary_of(results: list[Result]) -> str:
    """The whole in four lines."""
    counts = Counter(result.score for result in results)
    fixes = fix_counts(results)
    faults = [result for result in results if result.case.ok is False]
    proved = sum(result.has_proof for result in faults)
    filters = [result for result in results if result.case.netfilter]
    whole = sum(result.names_netfilter for result in filters)
    lost = counts["crash"] + counts["hang"]
    return "\n".join(
        [
            f"{counts['named']} named, {counts['unsure']} unsure, {counts['misled']} misled, "
            f"{lost} crashed or hung of {len(results)}",
            f"fixes: {', '.join(f'{fixes[name]} {name}' for name in FIXES)} of {fixes.total()}",
            f"evidence: {proved} of {len(faults)} bring a typed cause and evidence",
            f"netfilter: {whole} of {len(filters)} name rule or policy, chain, table, family",
        ]
    )


def fix_counts(results: list[Result]) -> Counter[str]:
    """How often each score was given to the fixes of a case."""
    return Counter(result.fix for result in results if result.fix)


def is_good_enough(results: list[Result], share: float) -> bool:
    """Whether the shares of named cases and of fixes that mend are reached, and nothing misleads or harms."""
    counts = Counter(result.score for result in results)
    fixes = fix_counts(results)
    if counts["misled"] or counts["crash"] or counts["hang"] or fixes["fix-harms"]:
        return False
    offered = fixes["fix-mends"] + fixes["fix-no-help"]
    return counts["named"] >= share * len(results) and fixes["fix-mends"] >= share * offered


def write(results: list[Result], path: str) -> None:
    """All answers, as JSON."""
    rows = [asdict(result) | {"score": result.score, "fix": result.fix} for result in results]
    Path(path).write_text(json.dumps(rows, indent=1), encoding="utf-8")
