"""Which addresses are on which device? `ip addr` (ip-address(8)).

A row an address; a device without one has a row all the same, its address missing. Columns of the device as
in ip_link; of the address: family (inet, inet6), address (with prefix length), peer_address (the far end of a
point-to-point link), scope, address_broadcast, label, tentative, secondary, deprecated, dynamic, dadfailed,
noprefixroute (words that were printed), metric, valid_lft_s and preferred_lft_s (seconds; missing means forever),
more (the words that only experts need, as printed).

>>> printed = '''2: eth0: <BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state UP
...     inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0
...        valid_lft forever preferred_lft forever'''
>>> [(row["name"], row["address"], row["scope"]) for row in parse(printed)]
[('eth0', '10.0.0.1/24', 'global')]
"""

from __future__ import annotations

import re

from . import ip_link
from .words import Row, Words, ip, lines, number, prefix, text

COMMAND = "ip addr"
ADDRESS = (
    "family", "address", "peer_address", "scope", "address_broadcast", "label", "tentative", "secondary",
    "deprecated", "dynamic", "dadfailed", "noprefixroute", "metric", "valid_lft_s", "preferred_lft_s", "more",
)  # fmt: skip
TRUTHS = ("tentative", "secondary", "deprecated", "dynamic", "dadfailed", "noprefixroute")
PAIRS = {
    "peer": ("peer_address", prefix), "brd": ("address_broadcast", ip), "scope": ("scope", text),
    "metric": ("metric", number),
}  # fmt: skip
MORE = {"temporary", "mngtmpaddr", "permanent", "optimistic", "nodad", "home", "autojoin", "stable-privacy"}
MORE_PAIRS = {"any", "flags", "proto"}  # an older ip prints a flag that it has no word for as `flags 02`
EMPTY: Row = dict.fromkeys(ADDRESS)
SECONDS = re.compile(r"(-?\d{1,18})sec", re.ASCII)  # below 0 for a while after it was deprecated


def parse(printed: str) -> list[Row]:
    """Rows of `ip addr`, one per address; also with -4, -6, -d, -s, -o, -br, and BusyBox's."""
    links: list[tuple[Row, list[Row]]] = []
    counters: list[str] = []
    for words in lines(COMMAND, printed):
        if ip_link.is_head(words):
            links.append(_first_line(words))
        elif words.peek() in ("inet", "inet6") and links:
            links[-1][1].append(_address(words))
        elif words.peek() == "valid_lft" and links and links[-1][1]:
            _lifetimes(words, links[-1][1][-1])
        elif words.word(1) in ip_link.STATES:
            links.append(_brief(words))
        elif links:
            ip_link.below(words, links[-1][0], counters)
        else:
            raise words.unknown(words.peek())
    return [ip_link.finished(link) | address for link, addresses in links for address in addresses or [EMPTY]]


def _first_line(words: Words) -> tuple[Row, list[Row]]:
    """`2: eth0: <...>`, or with -o `2: eth0    inet ...`, which repeats the device on every line."""
    if words.word(2) not in ("inet", "inet6"):
        return ip_link.head(words), []
    link = ip_link.empty() | {"index": ip_link.index(words), "name": words.take()}
    return link, [_address(words)]


def _address(words: Words) -> Row:
    row = EMPTY | dict.fromkeys(TRUTHS, False) | {"family": words.take(), "address": prefix(words)}
    more = []
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in TRUTHS:
            row[word] = True
        elif word in MORE or word in MORE_PAIRS:
            more.append(f"{word} {words.take()}" if word in MORE_PAIRS else word)
        elif not words and row["scope"]:
            row["label"] = word  # the label ends the line: the device's name, or eth0:1
        else:
            raise words.unknown(word)
    return row | {"more": " ".join(more) or None}


def _lifetimes(words: Words, row: Row) -> None:
    for word, column in (("valid_lft", "valid_lft_s"), ("preferred_lft", "preferred_lft_s")):
        if words.peek() != word:
            raise words.unknown(words.peek())
        words.take()
        value = words.take()
        seconds = SECONDS.fullmatch(value)
        if value != "forever" and not seconds:
            raise words.unknown(value)
        row[column] = int(seconds[1]) if seconds else None
    words.end()


def _brief(words: Words) -> tuple[Row, list[Row]]:
    """A line of `ip -br addr`: name, state, addresses."""
    link = ip_link.empty()
    ip_link.brief_name(words, link)
    addresses = []
    while words:
        address = prefix(words)
        if "/" not in address and words.peek() != "peer":
            raise words.unknown(address)
        row = EMPTY | dict.fromkeys(TRUTHS, False)
        row |= {"address": address, "family": "inet6" if ":" in address else "inet"}
        while words.peek() in ("peer", "metric"):
            column, reader = PAIRS[words.take()]
            row[column] = reader(words)
        addresses.append(row)
    return link, addresses
