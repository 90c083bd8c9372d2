"""Which devices are there? `ip link`, and the lines that `ip addr` shares with it (ip-link(8)).

Row: index (kernel's number), name, peer (what stands after the @: `tap2` here, `if33` = number 33 elsewhere),
netnsid and netns (where the peer is: a number, or a name when iproute2 knows one), state, up, carrier (the
flags UP and LOWER_UP), mtu (bytes), master, mac, kind and the columns below it (with -d), qdisc, group,
qlen (packets), flags (as printed), broadcast, altname, alias, linkmode, permaddr,
rx_bytes .. tx_dropped (with -s), details (all words of -d, the other counters of -s, and hardware that is not
link/ether or link/loopback).

>>> printed = '''34: tap1@if33: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default qlen 1000
...     link/ether ba:be:4b:61:d2:bc brd ff:ff:ff:ff:ff:ff link-netnsid 1'''
>>> row = parse(printed)[0]
>>> row["name"], row["peer"], row["netnsid"], row["state"], row["up"]
('tap1', 'if33', 1, 'DOWN', False)
"""

from __future__ import annotations

import re

from . import link_details
from .words import Row, Words, lines, mac, number, text

COMMAND = "ip link"
HEAD = (
    "index", "name", "peer", "netnsid", "netns", "state", "up", "carrier", "mtu", "master", "mac",
    "kind", "qdisc", "group", "qlen", "flags", "broadcast", "altname", "alias", "linkmode", "permaddr",
)  # fmt: skip
DETAILS = (
    "vxlan_id", "vxlan_local", "vxlan_remote", "vxlan_dev", "vxlan_port", "vxlan_learning",
    "bridge_id", "stp_state", "vlan_filtering", "port_state", "hairpin", "details",
)  # fmt: skip
COUNTERS = ("rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "tx_bytes", "tx_packets", "tx_errors", "tx_dropped")
EMPTY: Row = dict.fromkeys((*HEAD, *DETAILS, *COUNTERS))
SEVERAL = {"details": "; ", "altname": " "}  # columns of what may come more than once, and what joins it

USUAL_HARDWARE = ("link/ether", "link/loopback")  # told by the MAC address and the flag LOOPBACK
INDEX = re.compile(r"\d{1,18}:", re.ASCII)
NAME = re.compile(r"([^\s@:]+)(?:@([^\s:]+))?:")
FLAGS = re.compile(r"<([A-Z0-9_,-]*)>")
XDP = re.compile(r"xdp(generic|offload|multi)?(/id:\d+)?", re.ASCII)
STATES = {"UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN", "DORMANT", "TESTING", "NOTPRESENT"}


def _state(words: Words) -> str:
    word = words.take()
    if word not in STATES:
        raise words.unknown(word)
    return word


def _netnsid(words: Words) -> int | None:
    if words.peek() == "unknown":
        words.take()
        return None
    return words.take_int()


WHERE = {"link-netnsid": ("netnsid", _netnsid), "link-netns": ("netns", text)}
HEAD_PAIRS = WHERE | {
    "mtu": ("mtu", number), "qdisc": ("qdisc", text), "master": ("master", text), "state": ("state", _state),
    "mode": ("linkmode", text), "group": ("group", text), "qlen": ("qlen", number),
}  # fmt: skip
MAC_PAIRS = WHERE | {"brd": ("broadcast", mac), "peer": ("broadcast", mac), "permaddr": ("permaddr", mac)}
COUNTER_NAMES = {
    "bytes", "packets", "errors", "dropped", "missed", "mcast", "overrun", "carrier", "collsns", "compressed",
    "length", "crc", "frame", "fifo", "nohandler", "otherhost", "aborted", "window", "heartbt", "heartbeat",
    "transns",
}  # fmt: skip


def parse(printed: str) -> list[Row]:
    """Rows of `ip link`, one per device; also with -d, -o, -s, -br, and BusyBox's."""
    rows: list[Row] = []
    counters: list[str] = []
    for words in lines(COMMAND, printed):
        if is_head(words):
            rows.append(head(words))
        elif is_brief(words):
            rows.append(brief(words))
        elif rows:
            below(words, rows[-1], counters)
        else:
            raise words.unknown(words.peek())
    return [finished(row) for row in rows]


def is_head(words: Words) -> bool:
    """Whether a line begins with a device's number."""
    return INDEX.fullmatch(words.peek()) is not None


def empty() -> Row:
    """The row of a device of which nothing is known yet."""
    return EMPTY | {column: [] for column in SEVERAL}


def finished(row: Row) -> Row:
    """The row with its lists as text."""
    return row | {column: joint.join(row[column]) or None for column, joint in SEVERAL.items()}


def head(words: Words) -> Row:
    """The line that begins with a device's number."""
    row = numbered_name(words)
    while words:
        if words.peek() in HEAD_PAIRS:
            column, reader = HEAD_PAIRS[words.take()]
            row[column] = reader(words)
        elif XDP.fullmatch(words.peek()):
            row["details"].append(words.take())
        else:
            link_details.others(words, row)
    return row


def numbered_name(words: Words) -> Row:
    """`34: tap1@if33: <BROADCAST,MULTICAST>`, with which `bridge link` begins too."""
    row = empty()
    row["index"] = index(words)
    name = words.take()
    matched = NAME.fullmatch(name)
    if not matched:
        raise words.unknown(name)
    row["name"], row["peer"] = matched.groups()
    take_flags(words, row)
    return row


def index(words: Words) -> int:
    """`34:`, with which a device begins."""
    word = words.take()
    if not INDEX.fullmatch(word):
        raise words.unknown(word)
    return int(word[:-1])


def take_flags(words: Words, row: Row) -> None:
    """`<BROADCAST,UP>` as text and as the two truths in it that matter most."""
    word = words.take()
    matched = FLAGS.fullmatch(word)
    if not matched:
        raise words.unknown(word)
    row["flags"] = matched.group(1)
    flags = row["flags"].split(",")
    row["up"], row["carrier"] = "UP" in flags, "LOWER_UP" in flags


def is_brief(words: Words) -> bool:
    """Whether a line can be one of `ip -br link`: it ends with flags, and begins with no number."""
    return words.word(-1).startswith("<") and NAME.fullmatch(words.peek() + ":") is not None


def brief(words: Words) -> Row:
    """A line of `ip -br link`: name, state, MAC address, flags."""
    row = empty()
    brief_name(words, row)
    row["mac"] = mac(words)
    take_flags(words, row)
    words.end()
    return row


def brief_name(words: Words, row: Row) -> None:
    """Name and state, with which every `-br` line begins."""
    name = words.take()
    matched = NAME.fullmatch(name + ":")
    if not matched:
        raise words.unknown(name)
    row["name"], row["peer"] = matched.groups()
    row["state"] = _state(words)


def below(words: Words, row: Row, counters: list[str]) -> None:
    """A line under a device's first one: its MAC address, its kind, its other names, its counters.

    counters: the names of the counters that the line before announced; kept from line to line.
    """
    word = words.peek()
    if counters:
        _count(words, row, counters)
        counters.clear()
    elif word in ("RX:", "TX:", "RX", "TX"):
        counters.extend(_counter_names(words))
    elif word.startswith("link/"):
        _hardware(words, row)
    elif word == "altname":
        words.take()
        row["altname"].append(words.take())
        words.end()
    elif word == "alias":
        words.take()
        row["alias"] = words.rest()
    else:
        link_details.kind(words, row)


def _hardware(words: Words, row: Row) -> None:
    """`link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netnsid 1 ...`; tunnels may lack the address."""
    hardware = words.take()
    if hardware not in USUAL_HARDWARE:
        row["details"].append(hardware)
    if words and words.peek() not in MAC_PAIRS and words.peek() != "promiscuity":
        row["mac"] = mac(words)
    while words.peek() in MAC_PAIRS:
        column, reader = MAC_PAIRS[words.take()]
        row[column] = reader(words)
    link_details.others(words, row)


def _counter_names(words: Words) -> list[str]:
    """`RX: bytes packets ...`, or with -s -s `RX errors: length crc ...`, which is no column."""
    way = words.take()
    if not way.endswith(":"):
        way += " " + words.take()
    if way not in ("RX:", "TX:", "RX errors:", "TX errors:"):
        raise words.unknown(way)
    names = []
    while words:
        name = words.take()
        if name not in COUNTER_NAMES:
            raise words.unknown(name)
        names.append(way.replace(":", "").lower().replace(" ", "_") + f"_{name}")
    return names


def _count(words: Words, row: Row, names: list[str]) -> None:
    others = []
    for name in names:
        value = words.take_int()
        if name in COUNTERS:
            row[name] = value
        else:
            others.append(f"{name} {value}")
    words.end()
    if others:
        row["details"].append(" ".join(others))
