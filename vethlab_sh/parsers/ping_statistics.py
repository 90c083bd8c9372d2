"""How many answered in all, and how fast? The one row of the last lines of `ping`.

>>> parse("2 packets transmitted, 1 received, 50% packet loss, time 999ms")[0]["loss_percent"]
50.0
"""

from __future__ import annotations

from ..language import marked
from . import ping
from .words import Columns, Row

COLUMNS: Columns = {
    "target": (str, marked("who was asked")),
    "sent": (int, marked("echoes sent")),
    "received": (int, marked("replies")),
    "loss_percent": (float, marked("unanswered, percent")),
    "rtt_min_ms": (float, marked("fastest round trip, milliseconds; missing without an answer")),
    "rtt_avg_ms": (float, marked("mean round trip, milliseconds")),
    "rtt_max_ms": (float, marked("slowest round trip, milliseconds")),
    "rtt_mdev_ms": (float, marked("spread of the round trips, milliseconds")),
    "duplicates": (int, marked("answers that came twice")),
    "errors": (int, marked("errors that came instead of answers")),
    "time_ms": (float, marked("the whole run, milliseconds")),
    "address": (str, marked("the target's IP address")),
}


def parse(printed: str) -> list[Row]:
    """One row: how many answered, and how fast; no row when ping did not get that far."""
    row: Row = dict.fromkeys(COLUMNS)
    counted = False
    for kind, part in ping.read(printed, with_usual=False):
        if kind == "header":
            row["target"] = row["target"] or part["target"]
        elif kind not in ("reply", "wrong"):
            row |= part
        if kind == "counts":
            counted = True
    return [row] if counted else []
