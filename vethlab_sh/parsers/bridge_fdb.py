"""Behind which port, or which tunnel end, is a MAC address? A row an entry of `bridge fdb show` (bridge(8)).

>>> row = parse("66:01:02:03:04:05 dev flannel.1 dst 10.4.0.22 self permanent")[0]
>>> row["dst"], row["self"], row["state"]
('10.4.0.22', True, 'permanent')
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Pairs, Row, Words, ip, lines, number, text

COMMAND = "bridge fdb"
COLUMNS: Columns = {
    "mac": (str, marked("MAC address")),
    "dev": (str, marked("name of the device")),
    "master": (str, marked("the bridge in whose table it is")),
    "dst": (str, marked("VXLAN: the node to send to")),
    "state": (str, marked("permanent, static, stale; missing: learned")),
    "self": (bool, marked("in the device's own table, not the bridge's")),
    "vlan": (int, marked("VLAN number")),
    "port": (int, marked("UDP port")),
    "vni": (int, marked("VXLAN network identifier")),
    "via": (str, marked("device that carries the tunnel")),
    "src_vni": (int, marked("VXLAN network identifier that the entry belongs to, where one device serves many")),
    "extern_learn": (bool, marked("put there by a program, not learned from traffic")),
    "offload": (bool, marked("in hardware")),
    "sticky": (bool, marked("does not move to another port")),
    "router": (bool, marked("VXLAN: the MAC address is a router's (route short circuit)")),
    "locked": (bool, marked("the port was locked, and may not send from here")),
    "used": (str, marked("seconds since used / updated (with -s)")),
    "nhid": (int, marked("number of a next hop object")),
    "netnsid": (int, marked("the namespace that carries the tunnel, by the number that this namespace uses")),
    "proto": (str, marked("who added it: kernel, boot (by hand), static, bird, a number")),
    "more": (str, marked("further words as printed")),
}


def _via(words: Words) -> str:
    """A device by its name, or one that bridge could not name: `via ifindex 5`."""
    name = words.take()
    return f"{name} {words.take()}" if name == "ifindex" and words else name


PAIRS: Pairs = {
    "dev": ("dev", text),
    "master": ("master", text),
    "dst": ("dst", ip),
    "vlan": ("vlan", number),
    "port": ("port", number),
    "vni": ("vni", number),
    "via": ("via", _via),
    "src_vni": ("src_vni", number),
    "used": ("used", text),
    "nhid": ("nhid", number),
    "link-netnsid": ("netnsid", number),
    "proto": ("proto", text),
}
FLAGS = ("self", "extern_learn", "offload", "sticky", "router", "locked")
MORE = ("activity_notify", "inactive", "external")
EMPTY: Row = dict.fromkeys(COLUMNS) | dict.fromkeys(FLAGS, False)
STATES = ("permanent", "static", "stale")
OTHER_STATE = re.compile(r"state=0x[0-9a-f]+", re.ASCII)  # for which bridge has no word


def parse(printed: str) -> list[Row]:
    """Rows of `bridge fdb show`, one per entry; -d and -s too."""
    return [_entry(words) for words in lines(COMMAND, printed)]


def _entry(words: Words) -> Row:
    row = EMPTY.copy()
    mac = words.take()
    if mac.count(":") != 5:
        raise words.unknown(mac)
    row["mac"] = mac
    while words:
        word = words.take()
        if word == "master" and _ends_or_state(words):
            row["master"] = None
        elif word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in FLAGS:
            row[word] = True
        elif word in MORE:
            row["more"] = f"{row['more']} {word}" if row["more"] else word
        elif word in STATES or OTHER_STATE.fullmatch(word):
            row["state"] = word
        else:
            raise words.unknown(word)
    return row


def _ends_or_state(words: Words) -> bool:
    """Whether no name follows: older versions print the word `master` alone."""
    return not words or words.peek() in STATES
