"""Which devices are ports of a bridge? `bridge link` (bridge(8)).

Row: index, name, peer (after the @: iproute2 looks the peer's number up among the devices *here*, so for a peer
in another namespace the name is wrong), master, state (forwarding, learning, disabled ...), priority, cost, mtu
(bytes), flags, and with -d hairpin, learning, flood, isolated (on or off) and details (all of -d's words).

>>> parse("3: p1@if2: <BROADCAST,UP> mtu 1500 master br0 state forwarding priority 32 cost 2")[0]["master"]
'br0'
"""

from __future__ import annotations

import re

from . import ip_link
from .words import Row, Words, lines, number, text

COMMAND = "bridge link"
COLUMNS = (
    "index", "name", "peer", "master", "state", "priority", "cost", "mtu", "hairpin", "learning", "flood", "isolated",
    "flags", "details",
)  # fmt: skip
PAIRS = {
    "mtu": ("mtu", number), "master": ("master", text), "state": ("state", text), "priority": ("priority", number),
    "cost": ("cost", number), "hwmode": ("details", lambda words: [f"hwmode {words.take()}"]),
}  # fmt: skip
OLD_PEER = re.compile(r"(@[^\s:]+)?:")
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
        else:
            raise words.unknown(words.peek())
    return [row | {"details": " ".join(row["details"]) or None} for row in rows]


def _port(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | {"details": []}
    first = _old_name(words) if words.word(2) == "state" else ip_link.numbered_name(words)
    while words:
        word = words.take()
        if word not in PAIRS:
            raise words.unknown(word)
        column, reader = PAIRS[word]
        row[column] = reader(words)
    return row | {column: first[column] for column in ("index", "name", "peer", "flags")}


def _old_name(words: Words) -> Row:
    """`3: p1 state UP @if2: <...>`, as iproute2 wrote it up to 4.15 or so; `:` alone without a peer."""
    row = ip_link.empty() | {"index": ip_link.index(words), "name": words.take()}
    words.take()
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
    while words:
        word = words.take()
        if word not in DETAIL_WORDS:
            raise words.unknown(word)
        value = words.take()
        if word in TRUTHS:
            if value not in ("on", "off"):
                raise words.unknown(value)
            row[word] = value == "on"
        row["details"].append(f"{word} {value}")
