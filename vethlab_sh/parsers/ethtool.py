"""Which device is the other end of a veth? Among the counters of `ethtool -S DEVICE`: its peer_ifindex (ethtool(8)).

>>> parse("NIC statistics:\\n     peer_ifindex: 12")
[{'dev': None, 'counter': 'peer_ifindex', 'value': 12}]
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, lines

COMMAND = "ethtool -S"
COLUMNS: Columns = {
    "dev": (str, marked("device, which the command names and its output does not")),
    "counter": (str, marked("what is counted; peer_ifindex is the number of a veth's other end, in its own namespace")),
    "value": (int, marked("its value")),
}
HEADER = "NIC statistics:"
COUNTER = re.compile(r"(\S.*?): (\d{1,18})", re.ASCII)
NOTHING = "no stats available"


def parse(printed: str) -> list[Row]:
    """Rows of `ethtool -S`, one per counter."""
    rows: list[Row] = []
    for words in lines(COMMAND, printed):
        text = words.text
        if text in (HEADER, NOTHING):
            continue
        counter = COUNTER.fullmatch(text)
        if not counter:
            raise words.unknown(words.peek())
        rows.append({"dev": None, "counter": counter[1], "value": int(counter[2])})
    return rows
