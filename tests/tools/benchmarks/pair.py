"""What is compared with what, and how often? Ours and theirs take turns, so that a busy machine is so to both."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

Measure = Callable[[], float]


class CannotRun(Exception):
    """A peer is not there, or does not run here (the message says why)."""


@dataclass(frozen=True)
class Pair:
    """One row: the work, ours and theirs (each returns seconds, or what `unit` says), and the ratio to reach.

    goal: None when theirs is a limit or a peer to know, and no goal; rounds: how often each is measured.
    """

    work: str
    against: str
    goal: float | None
    ours: Measure
    theirs: Measure
    rounds: int = 7
    unit: str = "s"


def measured(pair: Pair, rounds: int) -> dict[str, object]:
    """The row with its medians and the ratio of them; with `missing` instead, when it could not be run."""
    told = {"work": pair.work, "against": pair.against, "goal": pair.goal, "unit": pair.unit}
    ours, theirs = [], []
    try:
        for _ in range(rounds):
            theirs.append(pair.theirs())
            ours.append(pair.ours())
    except CannotRun as why:
        return {**told, "missing": str(why)}
    ours_median, theirs_median = statistics.median(ours), statistics.median(theirs)
    return {
        **told,
        "rounds": rounds,
        "ours": ours_median,
        "theirs": theirs_median,
        "ratio": ours_median / theirs_median,
    }
