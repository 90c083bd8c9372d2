"""Which devices are there? A row a device of `ip link` (ip-link(8)); `ip addr` shares its lines.

>>> printed = '''34: tap1@if33: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default qlen 1000
...     link/ether ba:be:4b:61:d2:bc brd ff:ff:ff:ff:ff:ff link-netnsid 1'''
>>> row = parse(printed)[0]
>>> row["name"], row["peer"], row["netnsid"], row["state"], row["up"]
('tap1', 'if33', 1, 'DOWN', False)
"""

from __future__ import annotations

import re

from ..language import marked
from . import link_details
from .words import Columns, Pairs, Row, Words, lines, mac, number, telling_first, text

COMMAND = "ip link"
DEVICE: Columns = {
    "index": (int, marked("the kernel's number of the device")),
    "name": (str, marked("name of the device")),
    "peer": (str, marked("what stands after the @: a name here, or ifN = number N in another namespace")),
    "netnsid": (int, marked("the peer's namespace, by the number that this namespace uses")),
    "netns": (str, marked("the peer's namespace, by name, where it is known")),
    "state": (str, marked("operational state as printed")),
    "up": (bool, marked("switched on (flag UP)")),
    "carrier": (bool, marked("there is a signal: the other end is up too (flag LOWER_UP)")),
    "mtu": (int, marked("largest packet, bytes")),
    "master": (str, marked("the bridge, bond or VRF that it is a port of")),
    "mac": (str, marked("MAC address; of a tunnel its own IP address")),
    "kind": (str, marked("kind of device (with -d)")),
    "qdisc": (str, marked("queueing discipline")),
    "group": (str, marked("device group")),
    "qlen": (int, marked("transmit queue, packets")),
    "flags": (str, marked("flags as printed")),
    "broadcast": (str, marked("MAC address that reaches everybody; of a tunnel its far end")),
    "altname": (str, marked("another name of the device")),
    "alias": (str, marked("a remark on the device")),
    "linkmode": (str, marked("how the state comes to UP: DEFAULT, DORMANT")),
    "permaddr": (str, marked("MAC address that the hardware was made with")),
}
OF_KIND: Columns = {
    "vxlan_id": (int, marked("VXLAN network identifier (VNI)")),
    "vxlan_local": (str, marked("source address of the tunnel")),
    "vxlan_remote": (str, marked("default destination, or multicast group")),
    "vxlan_dev": (str, marked("device that carries the tunnel")),
    "vxlan_port": (int, marked("UDP destination port")),
    "vxlan_learning": (bool, marked("learns MAC addresses from arriving packets")),
    "bridge_id": (str, marked("priority and MAC address of the bridge")),
    "stp_state": (int, marked("Spanning Tree: 0 off, 1 on")),
    "vlan_filtering": (int, marked("VLAN filtering: 0 off, 1 on")),
    "port_state": (str, marked("bridge port: forwarding, learning, disabled ...")),
    "hairpin": (bool, marked("the port sends frames back where they came from")),
    "vlan_id": (int, marked("number of the VLAN whose frames it takes")),
    "tunnel_local": (str, marked("source address of an IPIP, GRE, SIT or VTI tunnel; any")),
    "tunnel_remote": (str, marked("its far end; any")),
    "mode": (str, marked("how a macvlan, ipvlan, bond or netkit works")),
    "vrf_table": (str, marked("routing table of a VRF, or of the VRF that it is a port of")),
}
DETAILS: Columns = {"details": (str, marked("everything that -d printed, and the other counters of -s, as text"))}
COUNTERS: Columns = {  # in the words of the kernel's include/uapi/linux/if_link.h
    "rx_bytes": (int, marked("bytes received")),
    "rx_packets": (int, marked("packets received")),
    "rx_errors": (int, marked("bad packets received")),
    "rx_dropped": (int, marked("packets received but not processed")),
    "tx_bytes": (int, marked("bytes sent")),
    "tx_packets": (int, marked("packets sent")),
    "tx_errors": (int, marked("transmit problems")),
    "tx_dropped": (int, marked("packets dropped on their way to transmission")),
}
COLUMNS = telling_first("index name peer netnsid netns master state kind", {**OF_KIND, **DEVICE, **COUNTERS, **DETAILS})
EMPTY: Row = dict.fromkeys({**DEVICE, **OF_KIND, **DETAILS, **COUNTERS})
SEVERAL = {"details": "; ", "altname": " "}  # columns of what may come more than once, and what joins it

USUAL_HARDWARE = ("link/ether", "link/loopback")  # told by the MAC address and the flag LOOPBACK
INDEX = re.compile(r"\d{1,18}:", re.ASCII)
NAME = re.compile(r"([^\s@:]+)(?:@([^\s:]+))?:")
FLAGS = re.compile(r"<([A-Z0-9_,-]*)>")
XDP = re.compile(r"xdp(drv|generic|offload|multi)?(/id:\d+)?", re.ASCII)
OTHER_STATE = re.compile(r"0x[0-9a-f]+", re.ASCII)  # for which ip has no word
STATES = {"UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN", "DORMANT", "TESTING", "NOTPRESENT"}


def _state(words: Words) -> str:
    word = words.take()
    if word not in STATES and not OTHER_STATE.fullmatch(word):
        raise words.unknown(word)
    return word


def _netnsid(words: Words) -> int | None:
    """A namespace's number; `unknown` where the kernel shows no way to it."""
    if words.peek() == "unknown":
        words.take()
        return None
    return words.take_int()


WHERE: Pairs = {"link-netnsid": ("netnsid", _netnsid), "link-netns": ("netns", text)}
HEAD_PAIRS: Pairs = {
    **WHERE,
    "mtu": ("mtu", number),
    "qdisc": ("qdisc", text),
    "master": ("master", text),
    "state": ("state", _state),
    "mode": ("linkmode", text),
    "group": ("group", text),
    "qlen": ("qlen", number),
}
MAC_PAIRS: Pairs = {
    **WHERE,
    "brd": ("broadcast", mac),
    "peer": ("broadcast", mac),
    "permaddr": ("permaddr", mac),
}
# With -h large numbers are rounded: 50.6k, or 49.4Ki with -iec.
ROUNDED = re.compile(r"\d+\.\d+[kMGTPE]i?", re.ASCII)
COUNTER_NAMES = {
    "bytes", "packets", "errors", "dropped", "missed", "mcast", "bcast", "overrun", "carrier", "collsns", "compressed",
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
    for row in rows:
        finish(row)
    return rows


def is_head(words: Words) -> bool:
    """Whether a line begins with a device's number."""
    return INDEX.fullmatch(words.peek()) is not None


def empty() -> Row:
    """The row of a device of which nothing is known yet."""
    row = EMPTY.copy()
    for column in SEVERAL:
        row[column] = []
    return row


def finish(row: Row) -> None:
    """Makes text of the row's lists."""
    for column, joint in SEVERAL.items():
        row[column] = joint.join(row[column]) or None


def head(words: Words) -> Row:
    """The line that begins with a device's number."""
    row = numbered_name(words)
    while words:
        word = words.peek()
        if word in HEAD_PAIRS:
            words.take()
            column, reader = HEAD_PAIRS[word]
            row[column] = reader(words)
        elif XDP.fullmatch(word):
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
    row["flags"] = matched[1]
    flags = matched[1].split(",")
    row["up"] = "UP" in flags
    row["carrier"] = "LOWER_UP" in flags


def is_brief(words: Words) -> bool:
    """Whether a line can be one of `ip -br link`: a name and a state, and flags at its end."""
    if not words.word(-1).startswith("<") or words.word(1) not in STATES:
        return False
    return NAME.fullmatch(words.peek() + ":") is not None


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
        of_function = "vf_" if link_details.has_functions(row) else ""
        for name in _counter_names(words):
            counters.append(of_function + name)
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
    before = way.removesuffix(":").lower().replace(" ", "_")
    names = []
    while words:
        name = words.take()
        if name not in COUNTER_NAMES:
            raise words.unknown(name)
        names.append(f"{before}_{name}")
    return names


def _count(words: Words, row: Row, names: list[str]) -> None:
    """The line of numbers under a line of counters' names; one that was rounded is no number, and stays text."""
    others = []
    for name in names:
        if ROUNDED.fullmatch(words.peek()):
            others.append(f"{name} {words.take()}")
            continue
        value = words.take_int()
        if name in COUNTERS:
            row[name] = value
        else:
            others.append(f"{name} {value}")
    words.end()
    if others:
        row["details"].append(" ".join(others))
