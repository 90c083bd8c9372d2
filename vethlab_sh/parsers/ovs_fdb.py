"""Behind which port of Open vSwitch is a MAC address? A row an entry of `ovs-appctl fdb/show` (ovs-vswitchd(8)).

A port is told by its number in OpenFlow, which no other tool of Linux uses: `ovs-ofctl show` tells which device has it.

>>> parse(" port  VLAN  MAC                Age\\n    2    10  02:00:00:00:00:01    1")[0]["port"]
'2'
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines, mac

COMMAND = "ovs-appctl fdb/show"
COLUMNS: Columns = {
    "port": (str, marked("the port's number in OpenFlow; LOCAL: the switch's own port")),
    "vlan": (int, marked("the VLAN that it was learned in; 0: none")),
    "mac": (str, marked("MAC address")),
    "age_s": (int, marked("seconds since it was last seen; missing: static")),
    "static": (bool, marked("written by somebody, and not learned")),
    "bridge": (str, marked("the switch, which the command names and its output does not")),
}
HEADER = "port VLAN MAC Age"
PORT = re.compile(r"\d{1,10}|LOCAL|[A-Z_]{2,16}|[\w.@:-]{1,64}", re.ASCII)
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


def parse(printed: str) -> list[Row]:
    """Rows of `ovs-appctl fdb/show`, one per MAC address."""
    return [_entry(words) for words in lines(COMMAND, printed) if words.text != HEADER]


def _entry(words: Words) -> Row:
    port = words.take()
    if not PORT.fullmatch(port):
        raise words.unknown(port)
    vlan = words.take_int()
    address = mac(words)
    if not MAC.fullmatch(address):
        raise words.unknown(address)
    is_static = words.peek() == "static"
    if is_static:
        words.take()
    age = None if is_static else words.take_int()
    words.end()
    return {"port": port, "vlan": vlan, "mac": address, "age_s": age, "static": is_static, "bridge": None}
