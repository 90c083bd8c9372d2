"""Which ports does each bridge have? `brctl show` (brctl(8)).

Row: bridge, id (priority and MAC address), stp (Spanning Tree on or off), interface (a port; a bridge without
ports has one row without it). brctl prints further ports on lines that hold nothing else.

>>> [row["interface"] for row in parse("br0\\t8000.4699defb1d05\\tno\\tbr-veth100\\n\\t\\t\\tbr-veth101")]
['br-veth100', 'br-veth101']
"""

from __future__ import annotations

import re

from .words import Row, Words, lines

COMMAND = "brctl show"
COLUMNS = ("bridge", "id", "stp", "interface")
HEADER = "bridge name bridge id STP enabled interfaces"
NO_BRIDGE = re.compile(r"\S+ can't get info (No such device|Operation not supported)|bridge \S+ does not exist!")


def parse(printed: str) -> list[Row]:
    """Rows of `brctl show`, one per port."""
    rows: list[Row] = []
    for words in lines(COMMAND, printed):
        if words.text == HEADER or NO_BRIDGE.fullmatch(words.text):
            continue
        if words.word(1):
            rows.append(_bridge(words))
        elif rows:
            _port(words, rows)
        else:
            raise words.unknown(words.peek())
    return rows


def _bridge(words: Words) -> Row:
    name, identity, stp = words.take(), words.take(), words.take()
    if "." not in identity:
        raise words.unknown(identity)
    if stp not in ("yes", "no"):
        raise words.unknown(stp)
    interface = words.take() if words else None
    words.end()
    return {"bridge": name, "id": identity, "stp": stp == "yes", "interface": interface}


def _port(words: Words, rows: list[Row]) -> None:
    port = words.take()
    if rows[-1]["interface"] is None:
        raise words.unknown(port)
    rows.append({**rows[-1], "interface": port})
