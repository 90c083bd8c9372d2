"""Which MAC address belongs to which IP address? A row a neighbour of `ip neigh` (ip-neighbour(8)).

>>> parse("169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee REACHABLE")[0]["mac"]
'ee:ee:ee:ee:ee:ee'
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Pairs, Row, Words, ip, lines, mac, number, text

COMMAND = "ip neigh"
COLUMNS: Columns = {
    "ip": (str, marked("IP address")),
    "dev": (str, marked("name of the device")),
    "mac": (str, marked("MAC address")),
    "state": (str, marked("REACHABLE, STALE, PERMANENT, FAILED ...; missing for a proxy entry")),
    "router": (bool, marked("the neighbour is an IPv6 router")),
    "proxy": (bool, marked("we answer for this address")),
    "extern_learn": (bool, marked("put there by a program, not learned from traffic")),
    "managed": (bool, marked("the kernel keeps it fresh")),
    "used": (str, marked("seconds since used / confirmed / updated (with -s)")),
    "ref": (int, marked("how many use it (with -s)")),
    "probes": (int, marked("questions asked without an answer (with -s)")),
    "proto": (str, marked("who added it: kernel, boot (by hand), static, bird, a number")),
    "more": (str, marked("further words as printed")),
}
STATES = {"REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT", "NOARP", "FAILED", "INCOMPLETE", "NONE"}
FLAGS = ("router", "proxy", "extern_learn", "managed")
MORE = ("offload", "extern_valid")
EMPTY: Row = dict.fromkeys(COLUMNS) | dict.fromkeys(FLAGS, False)
PAIRS: Pairs = {
    "dev": ("dev", text),
    "lladdr": ("mac", mac),
    "ref": ("ref", number),
    "probes": ("probes", number),
    "proto": ("proto", text),
}
VOCABULARY = {*PAIRS, *FLAGS, *MORE, *STATES, "used"}
USED = re.compile(r"(\d+/\d+/\d+)(probes)?", re.ASCII)  # iproute2 forgets the space: used 9/69/6probes 6
BRIEF_ADDRESS = 40  # signs that -br fills with the address, before it writes the device


def parse(printed: str) -> list[Row]:
    """Rows of `ip neigh`, one per neighbour; -s, -br and BusyBox's too."""
    return [_neighbour(words) for words in lines(COMMAND, printed)]


def _neighbour(words: Words) -> Row:
    row = EMPTY.copy()
    row["ip"] = ip(words)
    if _is_brief(words, row["ip"]):
        row["dev"] = words.take()
        row["mac"] = mac(words) if words else None
        return row
    states = []
    more = []
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in FLAGS:
            row[word] = True
        elif word in STATES:
            states.append(word)
        elif word in MORE:
            more.append(word)
        elif word == "used":
            _used(words, row)
        else:
            raise words.unknown(word)
    row["state"] = " ".join(states) or None
    row["more"] = " ".join(more) or None
    return row


def _is_brief(words: Words, address: str) -> bool:
    """With -br a device stands in column 40, where otherwise the word `dev` stands before it."""
    if words.peek() in VOCABULARY or words.word(2):
        return False
    if words.line[:BRIEF_ADDRESS].split() != [address]:
        return False
    sign = words.line[BRIEF_ADDRESS : BRIEF_ADDRESS + 1]
    return sign.strip() != ""


def _used(words: Words, row: Row) -> None:
    """`9/69/6`, perhaps with the word `probes` stuck to it."""
    word = words.take()
    matched = USED.fullmatch(word)
    if not matched:
        raise words.unknown(word)
    row["used"] = matched[1]
    if matched[2]:
        row["probes"] = words.take_int()
