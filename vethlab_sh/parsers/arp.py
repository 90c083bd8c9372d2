"""Who answered ARP? `arp -n` and `arp -a` (arp(8)).

Row: ip (or host name), mac (missing while incomplete), dev, permanent, published (the flags M and P), complete,
hwtype, host (the name that -a prints, missing when it is `?`), mask (of an entry for a whole network).

>>> row = parse("10.240.188.122           ether   5a:56:51:f9:7b:89   C                     cali50c25257626")[0]
>>> row["mac"], row["dev"], row["complete"]
('5a:56:51:f9:7b:89', 'cali50c25257626', True)
"""

from __future__ import annotations

import re

from .words import Row, Words, lines

COMMAND = "arp"
COLUMNS = ("ip", "mac", "dev", "permanent", "published", "complete", "hwtype", "host", "mask")
HEADER = "Address HWtype HWaddress Flags Mask Iface"
NOTHING = re.compile(
    r"Entries: \d+ Skipped: \d+ Found: \d+|arp: in \d+ entries no match found\.|No match found in \d+ entries"
    r"|\S+ \(\S+\) -- no entry",
    re.ASCII,
)
MASK = re.compile(r"\d+\.\d+\.\d+\.\d+|\*", re.ASCII)
NO_MAC = {"<incomplete>", "<from_interface>", "*"}


def parse(printed: str) -> list[Row]:
    """Rows of `arp -n` or `arp -a`, one per entry."""
    rows = []
    for words in lines(COMMAND, printed):
        if words.text == HEADER or NOTHING.fullmatch(words.text):
            continue
        rows.append(_bsd(words) if words.word(1).startswith("(") and words.word(2) == "at" else _line(words))
    return rows


def _line(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | {"permanent": False, "published": False}
    row["ip"] = words.take()
    if words.peek() == "(incomplete)":
        words.take()
        row["complete"] = False
    else:
        row["hwtype"], mac = words.take(), words.take()
        row["mac"] = None if mac in NO_MAC else mac
        if row["mac"] and row["mac"].count(":") < 5:
            raise words.unknown(mac)
        _flags(words, row)
    if MASK.fullmatch(words.peek()):
        row["mask"] = words.take()
    row["dev"] = words.take()
    words.end()
    return row


def _flags(words: Words, row: Row) -> None:
    flags = words.take()
    if set(flags) - set("CMP!"):
        raise words.unknown(flags)
    row["complete"], row["permanent"], row["published"] = "C" in flags, "M" in flags, "P" in flags


def _bsd(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | {"permanent": False, "published": False}
    host, ip, _, mac = words.take(), words.take(), words.take(), words.take()
    row["host"], row["ip"] = None if host == "?" else host, ip.strip("()")
    row["complete"] = mac not in NO_MAC
    row["mac"] = mac if row["complete"] else None
    while words.peek() != "on":
        word = words.take()
        if word.startswith("["):
            row["hwtype"] = word.strip("[]")
        elif word == "netmask":
            row["mask"] = words.take()
        elif word in ("PERM", "PUB", "PUP"):  # BusyBox misspells PUB
            row["permanent" if word == "PERM" else "published"] = True
        else:
            raise words.unknown(word)
    words.take()
    row["dev"] = words.take()
    words.end()
    return row
