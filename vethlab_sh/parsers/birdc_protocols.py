"""Does BIRD speak with its neighbours? A row a protocol of `birdc show protocols`: of BGP each neighbour is one.

calico's BIRD calls them by the neighbour's address: Mesh_10_4_0_22. See BIRD's guide, "Remote control".

>>> row = parse("Mesh_10_4_0_22 BGP --- start 09:03:43.189 Active  Socket: Connection refused")[0]
>>> row["protocol"], row["state"], row["info"]
('Mesh_10_4_0_22', 'start', 'Active Socket: Connection refused')
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines

COMMAND = "birdc show protocols"
COLUMNS: Columns = {
    "protocol": (str, marked("its name in the configuration")),
    "kind": (str, marked("BGP, Kernel, Device, Direct, Static, Pipe, BFD ...")),
    "table": (str, marked("the routing table of BIRD's that it fills; missing where BIRD names none")),
    "state": (str, marked("up, down, start, feed, stop")),
    "since": (str, marked("since when, as printed")),
    "info": (str, marked("of BGP: Established, or how far it is, and what went wrong last")),
}
READY = re.compile(r"BIRD \S+ ready\.|Access restricted")
HEADER = "name proto table state since info"
STATES = ("up", "down", "start", "feed", "stop", "flush")
DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d-\d\d-\d{4}|[A-Z][a-z]{2}\d\d", re.ASCII)
TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
NAME = re.compile(r"[\w.:'-]+")
NO_TABLE = "---"


def parse(printed: str) -> list[Row]:
    """Rows of `birdc show protocols`, one per protocol; BIRD 1 and 2."""
    rows = []
    for words in lines(COMMAND, printed):
        text = words.text
        if not READY.fullmatch(text) and text.lower() != HEADER:
            rows.append(_protocol(words))
    return rows


def _protocol(words: Words) -> Row:
    name = words.take()
    kind = words.take()
    if not NAME.fullmatch(name) or not kind.isalnum():
        raise words.unknown(name)
    table = words.take()
    state = words.take()
    if state not in STATES:
        raise words.unknown(state)
    return {
        "protocol": name,
        "kind": kind,
        "table": None if table == NO_TABLE else table,
        "state": state,
        "since": since(words),
        "info": words.rest() or None,
    }


def since(words: Words) -> str:
    """`09:03:43.189`, `2026-11-27`, or both, by BIRD's `timeformat`."""
    first = words.take()
    if TIME.fullmatch(first):
        return first
    if not DATE.fullmatch(first):
        raise words.unknown(first)
    if TIME.fullmatch(words.peek()):
        return f"{first} {words.take()}"
    return first
