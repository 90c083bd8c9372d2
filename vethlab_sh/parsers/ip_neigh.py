"""Which MAC address belongs to which IP address? `ip neigh` (ip-neighbour(8)).

Row: ip, dev, mac, state (REACHABLE, STALE, PERMANENT, FAILED ...; missing for a proxy entry), router, proxy,
extern_learn, managed (words that were printed), used (seconds since used/confirmed/updated), ref and probes
(counts), all three with -s, proto (who added it).

>>> parse("169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee REACHABLE")[0]["mac"]
'ee:ee:ee:ee:ee:ee'
"""

from __future__ import annotations

import re

from .words import Row, Words, ip, lines, mac, number, text

COMMAND = "ip neigh"
COLUMNS = (
    "ip", "dev", "mac", "state", "router", "proxy", "extern_learn", "managed", "used", "ref", "probes", "proto",
)  # fmt: skip
STATES = {"REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT", "NOARP", "FAILED", "INCOMPLETE", "NONE"}
FLAGS = ("router", "proxy", "extern_learn", "managed")
PAIRS = {
    "dev": ("dev", text), "lladdr": ("mac", mac), "ref": ("ref", number), "probes": ("probes", number),
    "proto": ("proto", text),
}  # fmt: skip
USED = re.compile(r"(\d+/\d+/\d+)(probes)?", re.ASCII)  # iproute2 forgets the space: used 9/69/6probes 6


def parse(printed: str) -> list[Row]:
    """Rows of `ip neigh`, one per neighbour; -s, -br and BusyBox's too."""
    return [_neighbour(words) for words in lines(COMMAND, printed)]


def _neighbour(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | dict.fromkeys(FLAGS, False)
    row["ip"] = ip(words)
    if _is_brief(words, row["ip"]):
        row["dev"], row["mac"] = words.take(), mac(words) if words else None
        return row
    states = []
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in FLAGS:
            row[word] = True
        elif word in STATES:
            states.append(word)
        elif word == "used":
            _used(words, row)
        else:
            raise words.unknown(word)
    row["state"] = " ".join(states) or None
    return row


def _is_brief(words: Words, address: str) -> bool:
    """With -br a device stands in column 40, where otherwise the word `dev` stands before it."""
    alone = words.peek() not in (*PAIRS, *FLAGS, *STATES, "used") and not words.word(2)
    return alone and words.line[:40].split() == [address] and words.line[40:41].strip() != ""


def _used(words: Words, row: Row) -> None:
    word = words.take()
    found = USED.fullmatch(word)
    if not found:
        raise words.unknown(word)
    row["used"] = found[1]
    if found[2]:
        row["probes"] = words.take_int()
