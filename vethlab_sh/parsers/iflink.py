"""Which device is the other end of a veth? The number in /sys/class/net/DEVICE/iflink.

`cat` of one file prints the number alone, `grep . /sys/class/net/*/iflink` prints each file's name before it.

>>> parse("/sys/class/net/eth0/iflink:12")
[{'name': 'eth0', 'file': 'iflink', 'number': 12}]
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines

COMMAND = "iflink"
COLUMNS: Columns = {
    "name": (str, marked("device; missing where neither output nor command names it")),
    "file": (str, marked("iflink: number of the device behind it, a veth's other end; ifindex: its own number")),
    "number": (int, marked("the number; a veth's other end has it in its own namespace")),
}
NAMED = re.compile(r"(?:/sys/class/net/)?([^\s/]+)/(iflink|ifindex):\s*(\d{1,18})", re.ASCII)


def parse(printed: str) -> list[Row]:
    """A row for each number that was printed."""
    return [_number(words) for words in lines(COMMAND, printed)]


def _number(words: Words) -> Row:
    named = NAMED.fullmatch(words.text)
    if named:
        return {"name": named[1], "file": named[2], "number": int(named[3])}
    number = words.take_int()
    words.end()
    return {"name": None, "file": None, "number": number}
