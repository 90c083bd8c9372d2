"""How is the kernel set? A row a key of `sysctl KEY` or `sysctl -a`, and what `sysctl -w` answers (sysctl(8)).

>>> parse("net.ipv4.conf.cali50c25257626.proxy_arp = 1")
[{'key': 'net.ipv4.conf.cali50c25257626.proxy_arp', 'value': '1'}]
"""

from __future__ import annotations

import re

from .words import Columns, Row, Words, lines

COMMAND = "sysctl"
COLUMNS: Columns = {
    # The dots of a device's name are printed as slashes: net.ipv4.conf.eth0/100.forwarding
    "key": (str, "the setting, as printed"),
    "value": (str, "its value; missing when empty"),
}
KEY = re.compile(r"[\w-]+(?:[./][^\s=]+)+", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `sysctl`, one per key."""
    return [_setting(words) for words in lines(COMMAND, printed)]


def _setting(words: Words) -> Row:
    """`net.ipv4.ip_forward = 1`."""
    key = words.take()
    if not KEY.fullmatch(key):
        raise words.unknown(key)
    sign = words.take()
    if sign != "=":
        raise words.unknown(sign)
    return {"key": key, "value": words.rest() or None}
