"""How did the product do? A line for each case, sums by group, and whether that is good enough."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .case import Case
from .fixes import Fix
from .play import Answer
from .run import Result
from .score import FIXES, SCORES

TITLES = ("walk", "check", "the worse of both")


def line_of(result: Result, verbose: bool) -> str:
    """A line about a case; verbose: with the sentences below it, unless both name the cause."""
    walk = word_of(result.walk)
    check = word_of(result.check)
    fix = result.fix or "-"
    lines = [f"{walk:7} {check:7} {fix:11} {result.case.group:9} {result.case.id}"]
    for line in result.failed:
        lines.append(f"        line failed: {line}")
    if verbose and result.score != "named":
        lines += sentences(result)
    if verbose:
        lines += fixes_that_fail(result)
    return "\n".join(lines)


def word_of(answer: Answer | None) -> str:
    """The score of an answer; a dash where none was asked for."""
    return answer.score if answer else "-"


def sentences(result: Result) -> list[str]:
    """The true cause, and what the answers say instead."""
    lines = [f"        cause: {result.case.cause}"]
    for name, answer in (("walk", result.walk), ("check", result.check)):
        if answer:
            text = answer.text.replace("\n", " / ")
            lines.append(f"        {name}: ({answer.seconds:.1f} s) {text}")
    return lines


def fixes_that_fail(result: Result) -> list[str]:
    """The fixes that do not mend, each once."""
    lines = []
    for answer in result.answers:
        for fix in answer.fixes:
            line = f"        {fix.score}: {fix.text!r} {fix.why}"
            if fix.score != "fix-mends" and line not in lines:
                lines.append(line)
    return lines


# --- sums ---------------------------------------------------------------------------------------------------------


def sums_of(results: list[Result]) -> str:
    """A table: how often each score was given, by what is broken, for walk, check and the worse of both, and fixes."""
    width = 7 * len(SCORES) - 1
    above = " " * 16
    heads = f"{'':10} {'cases':>5}"
    for title in TITLES:
        above += f" | {title:{width}}"
        heads += in_columns(SCORES, 6)
    lines = [above, heads + in_columns(FIXES, 11)]
    for group in groups_of(results):
        lines.append(sum_of(group, [result for result in results if result.case.group == group]))
    lines.append(sum_of("all", results))
    return "\n".join(lines)


def groups_of(results: list[Result]) -> list[str]:
    """The groups, each once, in their order."""
    return list(dict.fromkeys(result.case.group for result in results))


def sum_of(title: str, rows: list[Result]) -> str:
    """One line of the sums."""
    walks = Counter(word_of(row.walk) for row in rows)
    checks = Counter(word_of(row.check) for row in rows)
    worse = Counter(row.score for row in rows)
    line = f"{title:10} {len(rows):5}"
    for counts in (walks, checks, worse):
        line += numbers(counts, SCORES, 6)
    return line + numbers(fix_counts(rows), FIXES, 11)


def numbers(counts: Counter[str], names: tuple[str, ...], width: int) -> str:
    """How often each of these was counted, a dot for never."""
    return in_columns(tuple(str(counts[name] or ".") for name in names), width)


def in_columns(words: tuple[str, ...], width: int) -> str:
    """Words in columns of this width."""
    return " | " + " ".join(f"{word:>{width}}" for word in words)


def fix_counts(results: list[Result]) -> Counter[str]:
    """How often each score was given to the fixes of a case; where nothing was to be fixed, none is."""
    counts = Counter(result.fix for result in results)
    del counts[""]
    return counts


# --- the whole ----------------------------------------------------------------------------------------------------


def summary_of(results: list[Result]) -> str:
    """The whole in four lines: causes, fixes, evidence, netfilter."""
    counts = Counter(result.score for result in results)
    lost = counts["crash"] + counts["hang"]
    scores = f"{counts['named']} named, {counts['unsure']} unsure, {counts['misled']} misled"
    return "\n".join(
        [
            f"{scores}, {lost} crashed or hung of {len(results)}",
            fixes_in_words(results),
            evidence_in_words(results),
            netfilter_in_words(results),
        ]
    )


def fixes_in_words(results: list[Result]) -> str:
    """How the fixes did."""
    counts = fix_counts(results)
    parts = [f"{counts[name]} {name}" for name in FIXES]
    return f"fixes: {', '.join(parts)} of {counts.total()}"


def evidence_in_words(results: list[Result]) -> str:
    """How many of those that say no also prove it."""
    faults = [result for result in results if result.case.ok is False]
    proved = [result for result in faults if result.has_proof]
    return f"evidence: {len(proved)} of {len(faults)} bring a typed cause and evidence"


def netfilter_in_words(results: list[Result]) -> str:
    """How many verdicts on netfilter are whole."""
    filtered = [result for result in results if result.case.netfilter]
    whole = [result for result in filtered if result.names_netfilter]
    return f"netfilter: {len(whole)} of {len(filtered)} name rule or policy, chain, table, family"


def is_good_enough(results: list[Result], share: float) -> bool:
    """Whether the shares of named cases and of fixes that mend are reached, and nothing misleads or harms."""
    counts = Counter(result.score for result in results)
    fixes = fix_counts(results)
    if counts["misled"] or counts["crash"] or counts["hang"] or fixes["fix-harms"]:
        return False
    offered = fixes["fix-mends"] + fixes["fix-no-help"]
    enough_named = counts["named"] >= share * len(results)
    enough_mended = fixes["fix-mends"] >= share * offered
    return enough_named and enough_mended


def write(results: list[Result], path: str) -> None:
    """All answers, as JSON."""
    rows = []
    for result in results:
        row = asdict(result)
        row["case"] = {"id": result.case.id}
        row["score"] = result.score
        row["fix"] = result.fix
        rows.append(row)
    Path(path).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def read(path: str, cases: list[Case]) -> list[Result]:
    """The results that `write` wrote, of those cases that there still are."""
    case_of = {case.id: case for case in cases}
    results = []
    for row in json.loads(Path(path).read_text(encoding="utf-8")):
        case = case_of.get(row["case"]["id"])
        if case:
            results.append(Result(case, answer_of(row["walk"]), answer_of(row["check"]), row["failed"]))
    return results


def answer_of(row: dict[str, Any] | None) -> Answer | None:
    """An answer, as it was written."""
    if row is None:
        return None
    fixes = [Fix(**fix) for fix in row["fixes"]]
    return Answer(**{**row, "fixes": fixes})
