"""Behind which port, or which tunnel end, is a MAC address? `bridge fdb show` (bridge(8)).

Row: mac, dev, master (the bridge, for a bridge's own entries), dst (a VXLAN's remote node), state (permanent, static,
stale; missing for what was learned), self (the device's own table), vlan, port, vni, via (device that carries the
tunnel), src_vni, extern_learn, offload, sticky, router, locked (words that were printed), used (seconds since
used/updated, as -s prints them), nhid (number of a next hop), netnsid, proto (who added it).

>>> row = parse("66:01:02:03:04:05 dev flannel.1 dst 10.4.0.22 self permanent")[0]
>>> row["dst"], row["self"], row["state"]
('10.4.0.22', True, 'permanent')
"""

from __future__ import annotations

import re

from .words import Row, Words, ip, lines, number, text

COMMAND = "bridge fdb"
COLUMNS = (
    "mac", "dev", "master", "dst", "state", "self", "vlan", "port", "vni", "via", "src_vni", "extern_learn", "offload",
    "sticky", "router", "locked", "used", "nhid", "netnsid", "proto",
)  # fmt: skip
PAIRS = {
    "dev": ("dev", text), "master": ("master", text), "dst": ("dst", ip), "vlan": ("vlan", number),
    "port": ("port", number), "vni": ("vni", number), "via": ("via", text), "src_vni": ("src_vni", number),
    "used": ("used", text), "nhid": ("nhid", number), "link-netnsid": ("netnsid", number), "proto": ("proto", text),
}  # fmt: skip
FLAGS = ("self", "extern_learn", "offload", "sticky", "router", "locked")
STATES = {"permanent", "static", "stale"}
OTHER_STATE = re.compile(r"state=0x[0-9a-f]+", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `bridge fdb show`, one per entry; -d and -s too."""
    return [_entry(words) for words in lines(COMMAND, printed)]


def _entry(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | dict.fromkeys(FLAGS, False)
    row["mac"] = words.take()
    if row["mac"].count(":") != 5:
        raise words.unknown(row["mac"])
    while words:
        word = words.take()
        if word in FLAGS:
            row[word] = True
        elif word in STATES or OTHER_STATE.fullmatch(word):
            row["state"] = word
        elif word == "master" and words.peek() in ("", *STATES):  # older versions: the word alone
            row["master"] = None
        elif word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        else:
            raise words.unknown(word)
    return row
