"""What is one sighting? A frame of the probe at one device: when, where, what it is, and why it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from ..facts import Device, Link, as_row
from ..language import tr
from ..markup import keep_printable

Tag = tuple[str, int]  # protocol and VLAN
USUAL_TAG = "802.1Q"
Octets = bytes  # a sighting's own `bytes` is their number


class Kind(StrEnum):
    """What a frame carries, as far as a walk has to tell it apart."""

    ARP_ASK = "ARP who-has"
    ARP_TELL = "ARP is-at"
    ARP_OTHER = "ARP announcement"
    ND_ASK = "ND who-has"
    ND_TELL = "ND is-at"
    ECHO = "ICMP echo request"
    ECHO_REPLY = "ICMP echo reply"
    ICMP = "ICMP"  # an error, mostly
    TCP = "TCP"
    UDP = "UDP"
    OTHER = "other"


class Error(StrEnum):
    """What an ICMP error says, as far as it matters here."""

    TIME_EXCEEDED = "time exceeded"
    PORT_UNREACHABLE = "port unreachable"
    ADMIN_PROHIBITED = "administratively prohibited"
    TOO_BIG = "packet too big"
    UNREACHABLE = "unreachable"


# tcpdump's words for them (print-icmp.c, print-icmp6.c), the particular ones first.
ERRORS = (
    (re.compile(r"time exceeded"), Error.TIME_EXCEEDED),
    (re.compile(r"need to frag|packet too big"), Error.TOO_BIG),
    (re.compile(r"admin prohibited|prohibited"), Error.ADMIN_PROHIBITED),
    (re.compile(r"port \S+ unreachable|unreachable port"), Error.PORT_UNREACHABLE),
    (re.compile(r"unreachable"), Error.UNREACHABLE),
)
RESET = re.compile(r"Flags \[[^]]*R")

ASKS = (Kind.ARP_ASK, Kind.ND_ASK)
TELLS = (Kind.ARP_TELL, Kind.ND_TELL)
RESOLVES = (*ASKS, *TELLS, Kind.ARP_OTHER)  # frames that are about MAC addresses, and carry nothing


def kind_of(what: str) -> Kind:
    """The kind of a frame that the parser of tcpdump calls by these words.

    >>> kind_of("ICMP echo request"), kind_of("ICMP host unreachable"), kind_of("TCP Flags [R.]")
    (<Kind.ECHO: 'ICMP echo request'>, <Kind.ICMP: 'ICMP'>, <Kind.TCP: 'TCP'>)
    """
    for kind in Kind:
        if what == kind:
            return kind
    protocol = what.partition(" ")[0]
    return Kind(protocol) if protocol in ("ICMP", "TCP", "UDP") else Kind.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A frame at a device.

    number (from 1); after (the number of the sighting that it comes from, none where it begins); leg (ask: for a MAC;
    there; back); us (microseconds since the first); machine (master, or the namespace that plays one); namespace;
    device; way (in, out); what (in words) and kind; src_mac, dst_mac, src_ip, dst_ip (of ARP: who asks or answers, and
    for what); ttl; bytes (the whole frame); why. Where it is wrapped these are the inner frame's, or packet's, and then
    there are wrapping (VXLAN, Geneve, GRE, IPIP), vni (or GRE's key), inner_bytes and the outer header: outer_src_mac,
    outer_dst_mac, outer_src_ip, outer_dst_ip, outer_port (UDP). vlan: of the outermost tag; tags: protocol and VLAN of
    each, the outermost first (a recording has none). outer_ttl: of the packet around it; seq and id: of an echo;
    time_ns: the kernel's clock; ip_id, offset: which packet, which fragment of it; src_port, dst_port; info: the rest
    as tcpdump printed it; frame: its bytes, and link_type: what they begin with, in tcpdump's word (a recording has
    neither).
    """

    number: int = 0
    after: int | None = None
    leg: str = ""
    us: float = 0.0
    machine: str = ""
    namespace: str
    device: str
    way: str = ""
    what: str
    src_mac: str = ""
    dst_mac: str = ""
    src_ip: str
    dst_ip: str
    ttl: int | None = None
    bytes: int
    inner_bytes: int | None = None
    outer_src_mac: str | None = None
    outer_dst_mac: str | None = None
    outer_src_ip: str | None = None
    outer_dst_ip: str | None = None
    outer_port: int | None = None
    outer_ttl: int | None = None
    vlan: int | None = None
    tags: tuple[Tag, ...] = ()
    wrapping: str | None = None
    vni: int | None = None
    seq: int | None = None
    why: str = ""
    kind: Kind = Kind.OTHER
    time_ns: int = 0
    id: int | None = None
    ip_id: int | None = None
    offset: int | None = None
    src_port: int | None = None
    dst_port: int | None = None
    info: str | None = field(default=None, repr=False)
    link_type: str = field(default="", repr=False)
    frame: Octets | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        keep_printable(self, "what", "why")

    @classmethod
    def of(cls, namespace: str, device: str, row: dict[str, Any]) -> Self:
        """What the parser of tcpdump made of a frame at this device."""
        printed = {name: row[name] for name in NAMES if row.get(name) is not None}
        # What announces an address names nobody whom it asks.
        printed.setdefault("dst_ip", "")
        printed.setdefault("src_ip", "")
        printed["tags"] = tuple(tuple(tag) for tag in printed.get("tags", ()))
        kind = kind_of(row["what"])
        return cls(namespace=namespace, device=device, kind=kind, **printed)

    @property
    def place(self) -> Device:
        """The namespace and the device."""
        return self.namespace, self.device

    @property
    def resolves(self) -> bool:
        """Whether it is about a MAC address, and carries nothing."""
        return self.kind in RESOLVES

    @property
    def vlan_protocol(self) -> str:
        """The protocol of its outermost tag, as ip-link(8) calls it."""
        if not self.tags:
            return USUAL_TAG
        protocol, _ = self.tags[0]
        return protocol

    def has_tag_of(self, link: Link) -> bool:
        """Whether its outermost tag is the one that this VLAN device puts on, and takes off."""
        if self.vlan is None or link.vlan_id != self.vlan:
            return False
        # a text does not tell the device's protocol
        return link.vlan_protocol in (None, self.vlan_protocol)

    @property
    def macs(self) -> tuple[str, str]:
        """Source and destination of the frame as it is on the device: the outer ones when it is wrapped."""
        if self.outer_src_mac is not None and self.outer_dst_mac is not None:
            return self.outer_src_mac, self.outer_dst_mac
        return self.src_mac, self.dst_mac

    @property
    def ips(self) -> tuple[str, str]:
        """Source and destination of the packet as it is on the device: the outer ones when it is wrapped."""
        if self.outer_src_ip is not None and self.outer_dst_ip is not None:
            return self.outer_src_ip, self.outer_dst_ip
        return self.src_ip, self.dst_ip

    @property
    def error(self) -> Error | None:
        """What it says, when it is an ICMP error."""
        if self.kind != Kind.ICMP:
            return None
        for pattern, error in ERRORS:
            if pattern.search(self.what):
                return error
        return None

    @property
    def is_reset(self) -> bool:
        """Whether it is a TCP segment that ends a connection, or refuses one."""
        if self.kind != Kind.TCP:
            return False
        return RESET.search(self.what) is not None

    @property
    def caption(self) -> str:
        """What it is, for a reader: in a few words, and whether it is wrapped."""
        if self.wrapped:
            return tr("{what} in {wrapping}", what=self.what, wrapping=tr(self.wrapping or VXLAN))
        return self.what

    @property
    def wrapped(self) -> bool:
        """Whether it is inside another packet."""
        return self.wrapping is not None or self.vni is not None

    @property
    def in_vxlan(self) -> bool:
        """Whether it is inside a VXLAN."""
        return self.vni is not None and self.wrapping in (None, VXLAN)


NAMES = [one.name for one in fields(Sighting) if one.name not in ("namespace", "device", "kind")]
VXLAN = "VXLAN"  # of a recording that is older than other wrappings its walk tells no word
# The columns of a walk's table, with their types.
COLUMNS: dict[str, type] = {
    "number": int,
    "after": int,
    "leg": str,
    "us": float,
    "machine": str,
    "namespace": str,
    "device": str,
    "way": str,
    "what": str,
    "src_mac": str,
    "dst_mac": str,
    "src_ip": str,
    "dst_ip": str,
    "ttl": int,
    "bytes": int,
    "inner_bytes": int,
    "outer_src_mac": str,
    "outer_dst_mac": str,
    "outer_src_ip": str,
    "outer_dst_ip": str,
    "outer_port": int,
    "vlan": int,
    "wrapping": str,
    "vni": int,
    "seq": int,
    "why": str,
}


def plain(sighting: Sighting) -> dict[str, Any]:
    """A row of a walk's table."""
    row = as_row(sighting, COLUMNS)
    if sighting.wrapped:
        row["what"] += f" in {sighting.wrapping or VXLAN}"
    return row


def from_plain(row: dict[str, Any]) -> Sighting:
    """The sighting that a row of a walk's table tells."""
    wrapping = row.get("wrapping") or VXLAN
    what = row["what"].removesuffix(f" in {wrapping}")
    values = {**row, "what": what, "kind": kind_of(what)}
    return Sighting(**values)
