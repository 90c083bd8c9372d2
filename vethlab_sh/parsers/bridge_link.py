"""Which devices are ports of a bridge? A row a port of `bridge link` (bridge(8)).

>>> parse("3: p1@if2: <BROADCAST,UP> mtu 1500 master br0 state forwarding priority 32 cost 2")[0]["master"]
'br0'
"""

from __future__ import annotations

import re

from ..language import marked
from . import ip_link
from .words import Columns, Pairs, Row, Words, lines, number, on_off, text

COMMAND = "bridge link"
COLUMNS: Columns = {
    "index": (int, marked("the kernel's number of the device")),
    "name": (str, marked("name of the device")),
    # bridge looks the peer's number up among the devices here, also when the peer is in another namespace.
    "peer": (str, marked("what stands after the @; the name is wrong for a peer in another namespace")),
    "master": (str, marked("the bridge that it is a port of")),
    "state": (str, marked("forwarding, learning, disabled ...")),
    "priority": (int, marked("Spanning Tree priority of the port")),
    "cost": (int, marked("Spanning Tree cost of the port")),
    "mtu": (int, marked("largest packet, bytes")),
    "hairpin": (bool, marked("the port sends frames back where they came from (with -d)")),
    "learning": (bool, marked("learns MAC addresses (with -d)")),
    "flood": (bool, marked("gets frames for unknown MAC addresses (with -d)")),
    "isolated": (bool, marked("cannot talk to other isolated ports (with -d)")),
    "flags": (str, marked("flags as printed")),
    "details": (str, marked("everything that -d printed, as text")),
}
PAIRS: Pairs = {
    "mtu": ("mtu", number),
    "master": ("master", text),
    "state": ("state", text),
    "priority": ("priority", number),
    "cost": ("cost", number),
}
OLD_PEER = re.compile(r"(@[^\s:]+)?:")
VLAN = re.compile(r"\d{1,4}(-\d{1,4})?", re.ASCII)
OF_VLAN = {"PVID", "Egress", "Untagged", "None"}
TRUTHS = {"hairpin", "learning", "flood", "isolated"}
DETAIL_WORDS = {
    "hairpin", "guard", "root_block", "fastleave", "learning", "flood", "mcast_flood", "bcast_flood", "mcast_router",
    "mcast_to_unicast", "neigh_suppress", "neigh_vlan_suppress", "neigh_forward_grat", "vlan_tunnel", "isolated",
    "locked", "mab", "backup_port", "backup_nhid", "learning_sync", "mcast_n_groups", "mcast_max_groups",
}  # fmt: skip


def parse(printed: str) -> list[Row]:
    """Rows of `bridge link`, one per port; -d too."""
    rows: list[Row] = []
    for words in lines(COMMAND, printed):
        if words.peek().endswith(":"):
            rows.append(_port(words))
        elif rows and words.peek() in DETAIL_WORDS:
            _details(words, rows[-1])
        elif rows and VLAN.fullmatch(words.peek()):
            _vlans(words, rows[-1])
        else:
            raise words.unknown(words.peek())
    for row in rows:
        row["details"] = " ".join(row["details"]) or None
    return rows


def _port(words: Words) -> Row:
    """The line of a port; of the device's own facts those that `ip link` tells too are read as there."""
    is_old = words.word(2) == "state"
    device = _old_name(words) if is_old else ip_link.numbered_name(words)
    row: Row = dict.fromkeys(COLUMNS)
    row["details"] = []
    for column in ("index", "name", "peer", "flags"):
        row[column] = device[column]
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word == "hwmode":
            row["details"] = [f"hwmode {words.take()}"]
        elif word == row["name"]:
            _vlans(words, row)
        else:
            raise words.unknown(word)
    return row


def _old_name(words: Words) -> Row:
    """`3: p1 state UP @if2: <...>`, as iproute2 wrote it up to 4.15 or so; `:` alone without a peer."""
    row = ip_link.empty()
    row["index"] = ip_link.index(words)
    row["name"] = words.take()
    words.take()  # state
    if words.peek() not in ip_link.STATES:
        raise words.unknown(words.peek())
    words.take()
    peer = words.take()
    if not OLD_PEER.fullmatch(peer):
        raise words.unknown(peer)
    row["peer"] = peer[1:-1] or None
    ip_link.take_flags(words, row)
    return row


def _details(words: Words, row: Row) -> None:
    """The lines that -d puts below a port: `hairpin off guard off ...`."""
    while words:
        word = words.take()
        if word == row["name"]:
            _vlans(words, row)
            return
        if word not in DETAIL_WORDS:
            raise words.unknown(word)
        value = words.peek()
        if word in TRUTHS:
            row[word] = on_off(words)
        else:
            words.take()
        row["details"].append(f"{word} {value}")


def _vlans(words: Words, row: Row) -> None:
    """The VLANs that iproute2 4.20 to 5.15 put behind a port, its name before them: `veth1  1 PVID Egress Untagged`.

    Without any VLAN the name stands alone: print_vlan_info() in bridge/vlan.c wrote it for each port that was asked.
    """
    while words:
        word = words.take()
        if not VLAN.fullmatch(word) and word not in OF_VLAN:
            raise words.unknown(word)
        row["details"].append(word)
