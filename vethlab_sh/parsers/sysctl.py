"""How is the kernel set? A row a key of `sysctl KEY` or `sysctl -a`, and what `sysctl -w` answers (sysctl(8)).

`sysctl -n` and `cat /proc/sys/...` print the value alone, `grep . /proc/sys/...` the file's name before it.

>>> parse("net.ipv4.conf.cali50c25257626.proxy_arp = 1")
[{'key': 'net.ipv4.conf.cali50c25257626.proxy_arp', 'value': '1'}]
"""

from __future__ import annotations

import re
from itertools import repeat

from ..language import marked
from .words import Columns, Row, Words

COMMAND = "sysctl"
COLUMNS: Columns = {
    # The dots of a device's name are printed as slashes: net.ipv4.conf.eth0/100.forwarding
    "key": (str, marked("the setting, as printed; missing where neither output nor command names it")),
    "value": (str, marked("its value; missing when empty")),
}
FILE = re.compile(r"/proc/sys/([^\s:]+):\s*(.*)")
VALUE_ALONE = re.compile(r"\d+(\s+\d+)*", re.ASCII)
# What makes a text need more than to be cut at its signs: spaces that have to be counted as one, or as none.
ODD_SPACES = ("  ", " \n", "\x1f")


def parse(printed: str) -> list[Row]:
    """Rows of `sysctl`, one per key."""
    usual = _usual(printed)
    if usual is not None:
        return usual
    rows = []
    for number, line in enumerate(printed.splitlines(), 1):
        words = Words(COMMAND, line, number)
        if words:
            rows.append(_setting(words))
    return rows


def _usual(printed: str) -> list[Row] | None:
    """The rows of a text that has nothing unusual in it, as `sysctl -a` prints it; None for any other text.

    The text is looked at as a whole, so that there is little to look at in each line.
    """
    text = printed.replace("\t", " ")  # between the values of one key
    if not text.isascii() or text.endswith(" ") or any(odd in text for odd in ODD_SPACES):
        return None
    lines = text.splitlines()
    cut = map(str.partition, lines, repeat(" = "))  # this way 20,000 lines take two thirds of a loop's time
    rows: list[Row] = [{"key": key, "value": value} for key, _, value in cut if value and " " not in key and "." in key]
    return rows if len(rows) == len(lines) else None


def key_of(path: str) -> str:
    """The key of a file below /proc/sys: where one has a dot, which the name of a device may, the other has a slash.

    >>> key_of("net/ipv4/conf/eth0.100/forwarding")
    'net.ipv4.conf.eth0/100.forwarding'
    """
    return path.translate(str.maketrans("./", "/."))


def _setting(words: Words) -> Row:
    """`net.ipv4.ip_forward = 1`, `/proc/sys/net/ipv4/ip_forward:1`, `1`."""
    of_file = FILE.fullmatch(words.text)
    if of_file:
        return {"key": key_of(of_file[1]), "value": of_file[2] or None}
    if VALUE_ALONE.fullmatch(words.text):
        return {"key": None, "value": words.rest()}
    key = words.take()
    if "." not in key and "/" not in key:
        raise words.unknown(key)
    sign = words.take()
    if sign != "=":
        raise words.unknown(sign)
    return {"key": key, "value": words.rest() or None}
