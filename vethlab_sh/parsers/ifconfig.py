"""What does the older tool say of each device? `ifconfig` (ifconfig(8), net-tools 2; net-tools 1 and BusyBox too).

A row an address (a device without one has a row all the same): name, up, mtu (bytes), mac, family, address
(with prefix length), broadcast, peer_address (far end), scope, rx_packets .. tx_dropped, flags, hwtype, qlen
(packets), details (the other counters).

>>> printed = '''eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
...         inet 10.0.0.1  netmask 255.255.255.0  broadcast 10.0.0.255'''
>>> parse(printed)[0]["address"]
'10.0.0.1/24'
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .words import PREFIX, Row, Words, is_ip, lines

COMMAND = "ifconfig"
DEVICE = ("name", "up", "mtu", "mac")
ADDRESS = ("family", "address", "broadcast", "peer_address", "scope")
COUNTERS = ("rx_packets", "rx_bytes", "rx_errors", "rx_dropped", "tx_packets", "tx_bytes", "tx_errors", "tx_dropped")
COLUMNS = (*DEVICE, *ADDRESS, *COUNTERS, "flags", "hwtype", "qlen", "details")

N = r"\d{1,18}"
HEAD = re.compile(
    rf"(?P<name>[^\s<>]+): flags={N}<(?P<flags>[A-Z0-9,_-]*)> (?:metric {N} )?mtu (?P<mtu>{N})(?: metric {N})?",
    re.ASCII,
)
INET = re.compile(
    r"inet (?P<ip>\S+)(?: netmask (?P<mask>\S+))?(?: broadcast (?P<brd>\S+))?(?: destination (?P<peer>\S+))?"
)
INET6 = re.compile(rf"inet6 (?P<ip>\S+) prefixlen (?P<mask>{N}) scopeid 0x[0-9a-f]+(?:<(?P<scope>\S+)>)?", re.ASCII)
MAC = re.compile(
    r"(?P<hwtype>ether|loop|unspec|tunnel|ppp|sit|infiniband)(?: (?P<mac>[0-9A-Fa-f:-]{11,}))?"
    rf"(?: txqueuelen (?P<qlen>{N}))?(?: \([^()]*\))?",
    re.ASCII,
)
PACKETS = re.compile(rf"(?P<way>[RT]X) packets (?P<packets>{N}) bytes (?P<bytes>{N}) \([^()]*\)", re.ASCII)
ERRORS = re.compile(
    rf"(?P<way>[RT]X) errors (?P<errors>{N}) dropped (?P<dropped>{N})"
    rf"(?P<details> overruns {N} (?:frame|carrier) {N}(?: collisions {N})?)",
    re.ASCII,
)
OLD_HEAD = re.compile(r"(?P<name>\S+) Link encap:(?P<hwtype>[\w -]+?)(?: HWaddr (?P<mac>[0-9A-Fa-f:-]+))?", re.ASCII)
OLD_INET = re.compile(r"inet addr:(?P<ip>\S+)(?: P-t-P:(?P<peer>\S+))?(?: Bcast:(?P<brd>\S+))?(?: Mask:(?P<mask>\S+))?")
OLD_INET6 = re.compile(rf"inet6 addr: (?P<ip>\S+)/(?P<mask>{N}) Scope:(?P<scope>\w+)", re.ASCII)
OLD_FLAGS = re.compile(rf"(?P<flags>[A-Z]+(?: [A-Z]+)*) MTU:(?P<mtu>{N}) Metric:{N}", re.ASCII)
OLD_PACKETS = re.compile(
    rf"(?P<way>[RT]X) packets:(?P<packets>{N}) errors:(?P<errors>{N}) dropped:(?P<dropped>{N})"
    rf"(?P<details> overruns:{N} (?:frame|carrier):{N})",
    re.ASCII,
)
OLD_BYTES = re.compile(rf"RX bytes:(?P<rx_bytes>{N}) \([^()]*\) TX bytes:(?P<tx_bytes>{N}) \([^()]*\)", re.ASCII)
OLD_QUEUE = re.compile(rf"(?P<details>collisions:{N}) txqueuelen:(?P<qlen>{N})", re.ASCII)
HARDWARE = re.compile(r"(?P<details>device (?:interrupt|memory|base|dma) .*|Interrupt:.*|Memory:.*)")


def parse(printed: str) -> list[Row]:
    """Rows of `ifconfig`, one per address."""
    devices: list[tuple[Row, list[Row]]] = []
    for words in lines(COMMAND, printed):
        if found := HEAD.fullmatch(words.text) or OLD_HEAD.fullmatch(words.text):
            devices.append((_device(found), []))
        elif not devices or not any(learn(words, *devices[-1]) for learn in (_address, _facts)):
            raise words.unknown(words.peek())
    return [
        device | address | {"details": "; ".join(device["details"]) or None}
        for device, addresses in devices
        for address in addresses or [{}]
    ]


def _device(found: re.Match[str]) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | found.groupdict() | {"details": []}
    if row["flags"] is not None:
        row |= {"up": "UP" in row["flags"].split(","), "mtu": int(row["mtu"])}
    return row


def _address(words: Words, device: Row, addresses: list[Row]) -> bool:
    for family, forms in (("inet", (INET, OLD_INET)), ("inet6", (INET6, OLD_INET6))):
        for form in forms:
            if found := form.fullmatch(words.text):
                addresses.append({"family": family, **_with_prefix(words, found.groupdict())})
                return True
    return False


def _with_prefix(words: Words, facts: dict[str, str | Any]) -> Row:
    """An address with its netmask as a length: 10.0.0.1 and 255.255.255.0 are 10.0.0.1/24."""
    ip, mask, scope = facts["ip"], facts["mask"], facts.get("scope")
    try:
        length = mask if ":" in ip or mask is None else ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        raise words.unknown(mask) from None
    address = ip if length is None else f"{ip}/{length}"
    if not is_ip(address, PREFIX):
        raise words.unknown(ip)
    return {
        "address": address,
        "broadcast": facts.get("brd"),
        "peer_address": facts.get("peer"),
        "scope": scope.lower() if scope else None,
    }


def _facts(words: Words, device: Row, addresses: list[Row]) -> bool:
    for form in (MAC, PACKETS, ERRORS, OLD_FLAGS, OLD_PACKETS, OLD_BYTES, OLD_QUEUE, HARDWARE):
        if found := form.fullmatch(words.text):
            _learn(found.groupdict(), device)
            return True
    return False


def _learn(facts: dict[str, str | Any], device: Row) -> None:
    way = f"{facts['way'].lower()}_" if facts.get("way") else ""
    for name in ("packets", "bytes", "errors", "dropped", "rx_bytes", "tx_bytes", "qlen", "mtu"):
        if facts.get(name):
            device[way + name] = int(facts[name])
    if facts.get("flags"):
        flags = facts["flags"].split()
        device |= {"flags": ",".join(flags), "up": "UP" in flags}
    if facts.get("details"):
        device["details"].append(facts["details"] if not way else f"{facts['way']}{facts['details']}")
    device |= {name: facts[name] for name in ("hwtype", "mac") if facts.get(name)}
