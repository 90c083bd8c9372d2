"""Which VLANs does a bridge let through which port? A row a VLAN of a port of `bridge vlan` (bridge(8)).

>>> printed = "port              vlan-id  \\nveth1             1 PVID Egress Untagged\\n                  10-20"
>>> [(row["port"], row["vlan"], row["until"], row["pvid"]) for row in parse(printed)]
[('veth1', 1, 1, True), ('veth1', 10, 20, False)]
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines

COMMAND = "bridge vlan"
COLUMNS: Columns = {
    "port": (str, marked("the port, or the bridge itself")),
    "vlan": (int, marked("VLAN number; the first of several with -compressvlans")),
    "until": (int, marked("the last of them; else the same number")),
    "pvid": (bool, marked("frames without a tag that come in are of this VLAN")),
    "untagged": (bool, marked("frames of this VLAN leave without a tag")),
    "more": (str, marked("what -d and -s print besides, as text")),
}
HEADER = re.compile(r"port vlan(?:-id| ids)?(?: tunnel[ -]id)?")
VLANS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)
NONE = "None"  # what an older bridge says of a port without VLANs


def parse(printed: str) -> list[Row]:
    """Rows of `bridge vlan`, one per port and VLAN, or range of VLANs."""
    rows: list[Row] = []
    port = ""
    for words in lines(COMMAND, printed):
        if HEADER.fullmatch(words.text):
            continue
        if not words.line[0].isspace():
            port = words.take()
        if VLANS.fullmatch(words.peek()):
            rows.append(_vlan(words, port))
        elif words.text.endswith(NONE):
            words.rest()
        elif words and rows and rows[-1]["port"] == port:
            _more(words, rows[-1])
        elif words:
            raise words.unknown(words.peek())
    return rows


def _vlan(words: Words, port: str) -> Row:
    """`1 PVID Egress Untagged`."""
    if not port:
        raise words.unknown(words.peek())
    numbers = VLANS.fullmatch(words.take())
    assert numbers  # it was looked at before
    first, last = numbers.groups()
    row: Row = dict.fromkeys(COLUMNS)
    row |= {"port": port, "vlan": int(first), "until": int(last or first), "pvid": False, "untagged": False}
    more = []
    while words:
        word = words.take()
        if word == "PVID":
            row["pvid"] = True
        elif word == "Egress" and words.peek() == "Untagged":
            words.take()
            row["untagged"] = True
        elif VLANS.fullmatch(word):  # the tunnel that belongs to it
            more.append(f"tunnel-id {word}")
        else:
            raise words.unknown(word)
    row["more"] = " ".join(more) or None
    return row


WORDS_OF_D = re.compile(r"state|mcast_\w+|neigh_suppress|neigh_forward_grat|msti|RX:|TX:", re.ASCII)


def _more(words: Words, row: Row) -> None:
    """A line of -d or -s below a VLAN: `state forwarding mcast_router 1`, `RX: 12 bytes 1 packets`."""
    if not WORDS_OF_D.fullmatch(words.peek()):
        raise words.unknown(words.peek())
    before = f"{row['more']} " if row["more"] else ""
    row["more"] = before + words.rest()
