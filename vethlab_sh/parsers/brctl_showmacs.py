"""What has a bridge learned? A row a MAC address of `brctl showmacs BRIDGE` (brctl(8)).

>>> parse("  1\\tb2:b3:75:30:64:fa\\tno\\t\\t   0.00")
[{'port': 1, 'mac': 'b2:b3:75:30:64:fa', 'local': False, 'age_s': 0.0}]
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines

COMMAND = "brctl showmacs"
COLUMNS: Columns = {
    "port": (int, marked("number of the port")),
    "mac": (str, marked("MAC address")),
    "local": (bool, marked("the bridge's own port")),
    "age_s": (float, marked("seconds since it was last seen")),
}
HEADER = "port no mac addr is local? ageing timer"
AGE = re.compile(r"\d+\.\d+", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `brctl showmacs`, one per MAC address."""
    rows = []
    for words in lines(COMMAND, printed):
        if words.text != HEADER:
            rows.append(_entry(words))
    return rows


def _entry(words: Words) -> Row:
    port = words.take_int()
    mac = words.take()
    local = words.take()
    age = words.take()
    if mac.count(":") != 5:
        raise words.unknown(mac)
    if local not in ("yes", "no"):
        raise words.unknown(local)
    if not AGE.fullmatch(age):
        raise words.unknown(age)
    words.end()
    return {"port": port, "mac": mac, "local": local == "yes", "age_s": float(age)}
