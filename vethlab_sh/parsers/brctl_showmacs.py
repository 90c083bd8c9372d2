"""What has a bridge learned? `brctl showmacs BRIDGE` (brctl(8)).

Row: port (number of the port), mac, local (true for the bridge's own ports), age_s (seconds since it was last seen).

>>> parse("  1\\tb2:b3:75:30:64:fa\\tno\\t\\t   0.00")
[{'port': 1, 'mac': 'b2:b3:75:30:64:fa', 'local': False, 'age_s': 0.0}]
"""

from __future__ import annotations

import re

from .words import Row, Words, lines

COMMAND = "brctl showmacs"
COLUMNS = ("port", "mac", "local", "age_s")
HEADER = "port no mac addr is local? ageing timer"
AGE = re.compile(r"\d+\.\d+", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `brctl showmacs`, one per MAC address."""
    return [_entry(words) for words in lines(COMMAND, printed) if words.text != HEADER]


def _entry(words: Words) -> Row:
    port, mac, local, age = words.take_int(), words.take(), words.take(), words.take()
    if mac.count(":") != 5:
        raise words.unknown(mac)
    if local not in ("yes", "no"):
        raise words.unknown(local)
    if not AGE.fullmatch(age):
        raise words.unknown(age)
    words.end()
    return {"port": port, "mac": mac, "local": local == "yes", "age_s": float(age)}
