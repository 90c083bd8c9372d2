"""How is the kernel set? `sysctl KEY`, `sysctl -a`, and what `sysctl -w` answers (sysctl(8)).

Row: key (as printed: a slash where a device's name has a dot), value (as printed; missing when empty).

>>> parse("net.ipv4.conf.cali50c25257626.proxy_arp = 1")
[{'key': 'net.ipv4.conf.cali50c25257626.proxy_arp', 'value': '1'}]
"""

from __future__ import annotations

import re

from .words import Row, lines

COMMAND = "sysctl"
COLUMNS = ("key", "value")
KEY = re.compile(r"[\w-]+(?:[./][^\s=]+)+", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `sysctl`, one per key."""
    rows: list[Row] = []
    for words in lines(COMMAND, printed):
        key = words.take()
        if not KEY.fullmatch(key):
            raise words.unknown(key)
        sign = words.take()
        if sign != "=":
            raise words.unknown(sign)
        rows.append({"key": key, "value": words.rest() or None})
    return rows
