"""Which addresses are on which device? A row an address of `ip addr` (ip-address(8)); a device without has one too.

>>> printed = '''2: eth0: <BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state UP
...     inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0
...        valid_lft forever preferred_lft forever'''
>>> [(row["name"], row["address"], row["scope"]) for row in parse(printed)]
[('eth0', '10.0.0.1/24', 'global')]
"""

from __future__ import annotations

import re

from ..language import marked
from . import ip_link
from .words import Columns, Pairs, Row, Words, ip, lines, number, prefix, telling_first, text

COMMAND = "ip addr"
ADDRESS: Columns = {
    "family": (str, marked("inet (IPv4) or inet6 (IPv6)")),
    "address": (str, marked("address with its prefix length")),
    "peer_address": (str, marked("far end of a point-to-point link")),
    "scope": (str, marked("how far it is valid: global, link, host")),
    "address_broadcast": (str, marked("broadcast address of the network")),
    "label": (str, marked("label of the address, mostly the device's name")),
    "tentative": (bool, marked("IPv6 still checks that nobody else has it")),
    "secondary": (bool, marked("not the first address of its network here")),
    "deprecated": (bool, marked("not for new connections")),
    "dynamic": (bool, marked("given by DHCP or a router")),
    "dadfailed": (bool, marked("somebody else has this IPv6 address")),
    "noprefixroute": (bool, marked("brings no connected route")),
    "metric": (int, marked("of the connected route; the smaller wins")),
    "valid_lft_s": (int, marked("seconds until it goes; missing: forever")),
    "preferred_lft_s": (int, marked("seconds until deprecated; missing: forever")),
    "more": (str, marked("further words as printed")),
}
COLUMNS = telling_first(
    "index name peer netnsid netns master state address mtu",
    {**ip_link.DEVICE, **ip_link.COUNTERS, **ADDRESS, **ip_link.OF_KIND, **ip_link.DETAILS},
)
TRUTHS = ("tentative", "secondary", "deprecated", "dynamic", "dadfailed", "noprefixroute")
PAIRS: Pairs = {
    "peer": ("peer_address", prefix),
    "brd": ("address_broadcast", ip),
    "scope": ("scope", text),
    "metric": ("metric", number),
}
MORE = {"temporary", "mngtmpaddr", "permanent", "optimistic", "nodad", "home", "autojoin", "stable-privacy"}
MORE_PAIRS = {"any", "flags", "proto"}  # an older ip prints a flag that it has no word for as `flags 02`
NO_ADDRESS: Row = dict.fromkeys(ADDRESS)
EMPTY: Row = NO_ADDRESS | dict.fromkeys(TRUTHS, False)
LIFETIMES = {"valid_lft": "valid_lft_s", "preferred_lft": "preferred_lft_s"}
SECONDS = re.compile(r"(-?\d{1,18})sec", re.ASCII)  # below 0 for a while after it was deprecated

Link = tuple[Row, list[Row]]  # a device, and its addresses


def parse(printed: str) -> list[Row]:
    """Rows of `ip addr`, one per address; also with -4, -6, -d, -s, -o, -br, and BusyBox's."""
    links: list[Link] = []
    counters: list[str] = []
    for words in lines(COMMAND, printed):
        if ip_link.is_head(words):
            links.append(_first_line(words))
        elif _is_of_address(words, links):
            _address_line(words, links[-1][1])
        elif words.word(1) in ip_link.STATES:
            links.append(_brief(words))
        elif links:
            ip_link.below(words, links[-1][0], counters)
        else:
            raise words.unknown(words.peek())
    rows = []
    for link in links:
        rows.extend(_rows(link))
    return rows


def _rows(link: Link) -> list[Row]:
    """A row for each address of a device, or one without."""
    device, addresses = link
    ip_link.finish(device)
    if not addresses:
        return [device | NO_ADDRESS]
    return [device | address for address in addresses]


def _first_line(words: Words) -> Link:
    """`2: eth0: <...>`, or with -o `2: eth0    inet ...`, which repeats the device on every line."""
    if words.word(2) not in ("inet", "inet6"):
        return ip_link.head(words), []
    device = ip_link.empty()
    device["index"] = ip_link.index(words)
    device["name"] = words.take()
    return device, [_address(words)]


def _is_of_address(words: Words, links: list[Link]) -> bool:
    """Whether the line is an address of the last device, or says how long its last address is valid."""
    if not links:
        return False
    word = words.peek()
    if word == "valid_lft":
        return bool(links[-1][1])
    return word in ("inet", "inet6")


def _address_line(words: Words, addresses: list[Row]) -> None:
    if words.peek() == "valid_lft":
        _lifetimes(words, addresses[-1])
    else:
        addresses.append(_address(words))


def _address(words: Words) -> Row:
    """`inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0`."""
    row = EMPTY.copy()
    row["family"] = words.take()
    row["address"] = prefix(words)
    more = []
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in TRUTHS:
            row[word] = True
        elif word in MORE:
            more.append(word)
        elif word in MORE_PAIRS:
            more += [word, words.take()]
        elif not words and row["scope"]:
            row["label"] = word  # the label ends the line: the device's name, or eth0:1
        else:
            raise words.unknown(word)
    row["more"] = " ".join(more) or None
    return row


def _lifetimes(words: Words, row: Row) -> None:
    """`valid_lft 86388sec preferred_lft forever`."""
    for name, column in LIFETIMES.items():
        if words.peek() != name:
            raise words.unknown(words.peek())
        words.take()
        row[column] = _seconds(words)
    words.end()


def _seconds(words: Words) -> int | None:
    word = words.take()
    if word == "forever":
        return None
    matched = SECONDS.fullmatch(word)
    if not matched:
        raise words.unknown(word)
    return int(matched[1])


def _brief(words: Words) -> Link:
    """A line of `ip -br addr`: name, state, addresses."""
    device = ip_link.empty()
    ip_link.brief_name(words, device)
    addresses = []
    while words:
        addresses.append(_brief_address(words))
    return device, addresses


def _brief_address(words: Words) -> Row:
    """`10.0.0.1/24`, perhaps with `peer 10.0.0.2/32` and `metric 100`."""
    address = prefix(words)
    if "/" not in address and words.peek() != "peer":
        raise words.unknown(address)
    row = EMPTY.copy()
    row["address"] = address
    row["family"] = "inet6" if ":" in address else "inet"
    while words.peek() in ("peer", "metric"):
        column, reader = PAIRS[words.take()]
        row[column] = reader(words)
    return row
