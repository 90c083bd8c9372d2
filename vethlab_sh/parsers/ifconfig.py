"""What does the older tool say of each device? A row an address of `ifconfig` (ifconfig(8)).

A device without an address has a row too. Read are the form of net-tools 2, which begins with `eth0: flags=...`,
and the older one of net-tools 1 and BusyBox, which begins with `eth0      Link encap:...`.

>>> printed = '''eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
...         inet 10.0.0.1  netmask 255.255.255.0  broadcast 10.0.0.255'''
>>> parse(printed)[0]["address"]
'10.0.0.1/24'
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ..language import marked
from .languages import ifconfig_in_english
from .words import PREFIX, Columns, Row, Words, is_ip, lines

COMMAND = "ifconfig"
COLUMNS: Columns = {
    "name": (str, marked("name of the device")),
    "up": (bool, marked("switched on (flag UP)")),
    "mtu": (int, marked("largest packet, bytes")),
    "mac": (str, marked("MAC address")),
    "family": (str, marked("inet (IPv4) or inet6 (IPv6)")),
    "address": (str, marked("address with its prefix length")),
    "broadcast": (str, marked("broadcast address of the network")),
    "peer_address": (str, marked("far end of a point-to-point link")),
    "scope": (str, marked("how far it is valid: global, link, host")),
    "rx_packets": (int, marked("packets received")),
    "rx_bytes": (int, marked("bytes received")),
    "rx_errors": (int, marked("bad packets received")),
    "rx_dropped": (int, marked("packets received but not processed")),
    "tx_packets": (int, marked("packets sent")),
    "tx_bytes": (int, marked("bytes sent")),
    "tx_errors": (int, marked("transmit problems")),
    "tx_dropped": (int, marked("packets dropped on their way to transmission")),
    "flags": (str, marked("flags as printed")),
    "hwtype": (str, marked("kind of hardware: ether, loop, Ethernet ...")),
    "qlen": (int, marked("transmit queue, packets")),
    "details": (str, marked("the other counters, and the hardware's interrupt and memory, as text")),
}

N = r"\d{1,18}"
# net-tools 2 forgets the > where there is no flag.
HEAD = re.compile(
    rf"(?P<name>[^\s<>]+): flags={N}<(?P<flags>[A-Z0-9,_-]*)>? (?:metric {N} )?mtu (?P<mtu>{N})(?: metric {N})?",
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
OLD_FLAGS = re.compile(
    rf"(?:(?P<flags>[A-Z0-9]+(?: [A-Z0-9]+)*)|\[NO FLAGS\]) MTU:(?P<mtu>{N}) Metric:{N}(?: Outfill:{N} Keepalive:{N})?",
    re.ASCII,
)
OLD_PACKETS = re.compile(
    rf"(?P<way>[RT]X) packets:(?P<packets>{N}) errors:(?P<errors>{N}) dropped:(?P<dropped>{N})"
    rf"(?P<details> overruns:{N} (?:frame|carrier):{N}(?: compressed:{N})?)",
    re.ASCII,
)
OLD_BYTES = re.compile(rf"RX bytes:(?P<rx_bytes>{N}) \([^()]*\) TX bytes:(?P<tx_bytes>{N}) \([^()]*\)", re.ASCII)
OLD_QUEUE = re.compile(rf"(?P<details>collisions:{N}(?: compressed:{N})?)(?: txqueuelen:(?P<qlen>{N}))?", re.ASCII)
HARDWARE = re.compile(
    r"(?P<details>device (?:interrupt|memory|base|dma) .*|Interrupt:.*|Memory:.*|Base address:.*|DMA chan:.*|"
    rf"[RT]X compressed {N}|media \S+.*|Media:.*|(?:IPX/|ipx )?Ethernet.*|EtherTalk .*|econet .*)"
)


OLD_COMPRESSED = re.compile(rf"(?P<details>compressed:{N})", re.ASCII)  # BusyBox gives it a line of its own

# What a line under a device's first one may be; net-tools 2 before the older form.
ADDRESS_FORMS = ((INET, "inet"), (OLD_INET, "inet"), (INET6, "inet6"), (OLD_INET6, "inet6"))
FACT_FORMS = (MAC, PACKETS, ERRORS, OLD_FLAGS, OLD_PACKETS, OLD_BYTES, OLD_QUEUE, OLD_COMPRESSED, HARDWARE)
NUMBERS = ("packets", "bytes", "errors", "dropped", "rx_bytes", "tx_bytes", "qlen", "mtu")

Device = tuple[Row, list[Row]]  # its own facts, and its addresses


def parse(printed: str) -> list[Row]:
    """Rows of `ifconfig`, one per address; German, French and Chinese too."""
    devices: list[Device] = []
    for words in lines(COMMAND, printed):
        text = words.text
        if _learn_line(text, words, devices):
            continue
        english = ifconfig_in_english(text)
        if english == text or not _learn_line(english, words, devices):
            raise words.unknown(words.peek())
    rows = []
    for device in devices:
        rows.extend(_rows(device))
    return rows


def _learn_line(text: str, words: Words, devices: list[Device]) -> bool:
    """Whether this is a line of ifconfig, in English; what it says is then with its device."""
    head = HEAD.fullmatch(text) or OLD_HEAD.fullmatch(text)
    if head:
        devices.append((_device(head), []))
        return True
    return bool(devices) and _below(words, text, devices[-1])


def _rows(device: Device) -> list[Row]:
    """A row for each address of a device, or one without."""
    facts, addresses = device
    facts["details"] = "; ".join(facts["details"]) or None
    if not addresses:
        return [facts]
    return [facts | address for address in addresses]


def _device(head: re.Match[str]) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    row |= head.groupdict()
    row["details"] = []
    if row["flags"] is not None:  # the older form has them, and the MTU, on a line of their own
        row["up"] = "UP" in row["flags"].split(",")
        row["mtu"] = int(row["mtu"])
    return row


def _below(words: Words, text: str, device: Device) -> bool:
    """Whether a line may stand under a device's first one; text: all of it, one space between words."""
    facts, addresses = device
    for form, family in ADDRESS_FORMS:
        address = form.fullmatch(text)
        if address:
            addresses.append(_address(words, family, address.groupdict()))
            return True
    for form in FACT_FORMS:
        fact = form.fullmatch(text)
        if fact:
            _learn(fact.groupdict(), facts)
            return True
    return False


def _address(words: Words, family: str, printed: dict[str, str | Any]) -> Row:
    """An address with its netmask as a length: 10.0.0.1 and 255.255.255.0 are 10.0.0.1/24."""
    ip = printed["ip"]
    length = _prefix_length(words, ip, printed["mask"])
    address = ip if length is None else f"{ip}/{length}"
    if not is_ip(address, PREFIX):
        raise words.unknown(ip)
    scope = printed.get("scope")
    return {
        "family": family,
        "address": address,
        "broadcast": printed.get("brd"),
        "peer_address": printed.get("peer"),
        "scope": scope.lower() if scope else None,
    }


def _prefix_length(words: Words, ip: str, mask: str | None) -> str | int | None:
    """Of IPv6 the length itself is printed, of IPv4 a netmask: 255.255.255.0 is 24."""
    if ":" in ip or mask is None:
        return mask
    try:
        return ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        raise words.unknown(mask) from None


def _learn(printed: dict[str, str | Any], device: Row) -> None:
    """What a line says of its device; printed: the groups of its form. RX and TX tell counters apart."""
    way = printed.get("way")
    before = f"{way.lower()}_" if way else ""
    for name in NUMBERS:
        if printed.get(name):
            device[before + name] = int(printed[name])
    if "flags" in printed:  # None where it says [NO FLAGS]
        flags = (printed["flags"] or "").split()
        device["flags"] = ",".join(flags)
        device["up"] = "UP" in flags
    if printed.get("details"):
        device["details"].append((way or "") + printed["details"])
    for name in ("hwtype", "mac"):
        if printed.get(name):
            device[name] = printed[name]
