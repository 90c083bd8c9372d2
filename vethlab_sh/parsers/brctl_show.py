"""Which ports does each bridge have? A row a port of `brctl show` (brctl(8)); a bridge without ports has one too.

>>> [row["interface"] for row in parse("br0\\t8000.4699defb1d05\\tno\\tbr-veth100\\n\\t\\t\\tbr-veth101")]
['br-veth100', 'br-veth101']
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines

COMMAND = "brctl show"
COLUMNS: Columns = {
    "bridge": (str, marked("bridge")),
    "id": (str, marked("priority and MAC address of the bridge")),
    "stp": (bool, marked("Spanning Tree on")),
    "interface": (str, marked("port; missing for a bridge without ports")),
}
HEADER = "bridge name bridge id STP enabled interfaces"
NO_BRIDGE = re.compile(r"\S+ can't get info (No such device|Operation not supported)|bridge \S+ does not exist!")


def parse(printed: str) -> list[Row]:
    """Rows of `brctl show`, one per port."""
    rows: list[Row] = []
    for words in lines(COMMAND, printed):
        text = words.text
        if text == HEADER or NO_BRIDGE.fullmatch(text):
            continue
        if words.word(1):
            rows.append(_bridge(words))
        elif rows:
            rows.append(_further_port(words, rows[-1]))
        else:
            raise words.unknown(words.peek())
    return rows


def _bridge(words: Words) -> Row:
    """`br0  8000.4699defb1d05  no  br-veth100`, where the port may be missing."""
    name = words.take()
    identity = words.take()
    stp = words.take()
    if "." not in identity:
        raise words.unknown(identity)
    if stp not in ("yes", "no"):
        raise words.unknown(stp)
    interface = words.take() if words else None
    words.end()
    return {"bridge": name, "id": identity, "stp": stp == "yes", "interface": interface}


def _further_port(words: Words, before: Row) -> Row:
    """A line that holds nothing but a port: of the same bridge as the line before, which must have one too."""
    port = words.take()
    if before["interface"] is None:
        raise words.unknown(port)
    return {**before, "interface": port}
