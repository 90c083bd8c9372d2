"""What does a kernel have? A type for each kind of fact: a link, an address, a route, an FDB entry …

A fact is a value, true at the moment when it was read. What was not asked for, or cannot be known, is None: a kernel
that is asked directly tells nearly everything, a text that somebody pasted tells some of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Device = tuple[str, str]  # namespace, name
DEAD_ENDS = ("blackhole", "unreachable", "prohibit", "throw")  # kinds of routes, ip-route(8)
ANY_MAC = "00:00:00:00:00:00"  # in the FDB of a VXLAN device: all that has no entry of its own
UNANSWERED = ("FAILED", "INCOMPLETE")  # states of a neighbour whose MAC is not known


def is_group(mac: str) -> bool:
    """Whether a frame to this MAC is for more than one: broadcast or multicast, the lowest bit of its first byte."""
    first = int(mac[:2], 16)
    return first & 1 == 1


def as_row(fact: object, columns: Iterable[str]) -> dict[str, Any]:
    """A fact as a row of a table or of JSON: what it has in each of these columns, in their order."""
    return {column: getattr(fact, column) for column in columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A network namespace.

    namespace: its name, `master` for the lab's own root; machine: the namespace that plays the machine it is on, when
    somebody told; placed: whether somebody did; kind: pod or machine, where a text tells; on: the machine whose prompt
    showed it.
    """

    namespace: str
    machine: str | None = None
    placed: bool = False
    kind: str | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """What a bridge does at one of its ports, as `bridge -d link` tells it (bridge(8), br_port in the kernel).

    state: of the spanning tree, forwarding where there is none; learning: sources are learned; flood, mcast_flood,
    bcast_flood: what is for an unknown MAC, for a group, for everyone goes out here; isolated: nothing goes to another
    isolated port; locked: only known sources come in; guard: no BPDU comes in.
    """

    state: str | None = None
    learning: bool = True
    flood: bool = True
    mcast_flood: bool = True
    bcast_flood: bool = True
    isolated: bool = False
    locked: bool = False
    guard: bool = False
    hairpin: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A device, as `ip -d -j link` tells it (ip-link(8), if_link.h).

    index: its number in its namespace; kind: `info_kind`, or the link type where there is none; state: operstate
    (RFC 2863); up: switched on (IFF_UP); carrier: IFF_LOWER_UP; mtu: bytes; master: the bridge that it is a port of;
    peer_namespace, peer, peer_index: the other end of a veth; hairpin: of a bridge port; vxlan_...: of a VXLAN device.
    port: what the bridge does here; arp: whether it asks and answers (no NOARP); stp: whether a bridge runs STP;
    forward_delay: of that, in seconds; vlan_filtering: whether a bridge looks at VLANs, None where the kernel cannot;
    parent: the device that a macvlan, VLAN or the like is on, in parent_namespace; mode: of a macvlan.
    how: by what both ends were joined; unseen: whether its other end is out of sight, which is not gone; says: the
    name behind the @ of a text; netns: the namespace that a text names for the other end; line: where it stands there.
    """

    namespace: str
    name: str
    index: int | None = None
    kind: str | None = None
    state: str | None = None
    up: bool | None = None
    carrier: bool | None = None
    mtu: int | None = None
    mac: str | None = None
    master: str | None = None
    peer_namespace: str | None = None
    peer: str | None = None
    peer_index: int | None = None
    hairpin: bool | None = None
    vxlan_id: int | None = None
    vxlan_port: int | None = None
    vxlan_local: str | None = None
    vxlan_dev: str | None = None
    vxlan_learning: bool | None = None
    port: Port | None = None
    arp: bool | None = None
    stp: bool | None = None
    forward_delay: float | None = None
    vlan_filtering: bool | None = None
    parent: str | None = None
    parent_namespace: str | None = None
    mode: str | None = None
    how: str | None = None
    unseen: bool = False
    says: str | None = None
    netns: str | None = None
    line: int | None = None

    @property
    def device(self) -> Device:
        """The namespace that it is in, and its name."""
        return self.namespace, self.name

    @property
    def peer_device(self) -> Device | None:
        """The other end of a veth, as far as it is known."""
        if self.peer_namespace is None or self.peer is None:
            return None
        return self.peer_namespace, self.peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of a device: family inet or inet6, address with its prefix length, scope as `ip addr` says it.

    tentative: IPv6 is still asking whether somebody has it; dadfailed: somebody has (RFC 4862), so it is not used.
    """

    namespace: str
    dev: str
    family: str
    address: str
    broadcast: str | None = None
    scope: str | None = None
    tentative: bool | None = None
    dadfailed: bool = False
    line: int | None = None

    @property
    def device(self) -> Device:
        """The device that has it."""
        return self.namespace, self.dev

    @property
    def ip(self) -> str:
        """The address without its prefix length."""
        return self.address.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route, or one next hop of it: kind, to, via and the rest as `ip route` says them; table: by name or number.

    is_whole: whether it stands by itself, and is not the next hop of a nexthop object or one of several.
    """

    namespace: str
    family: str
    kind: str
    to: str
    via: str | None = None
    dev: str | None = None
    proto: str | None = None
    scope: str | None = None
    src: str | None = None
    metric: int | None = None
    onlink: bool | None = None
    linkdown: bool | None = None
    table: str = "main"
    is_whole: bool = True
    line: int | None = None

    @property
    def device(self) -> Device | None:
        """The device by which it leads; None for one that leads nowhere."""
        if self.dev is None:
            return None
        return self.namespace, self.dev

    @property
    def words(self) -> str:
        """As `ip route` says it: `10.244.1.0/24 via 10.244.1.0 dev flannel.1`."""
        parts = [self.to] if self.kind == "unicast" else [self.kind, self.to]
        if self.via:
            parts += ["via", self.via]
        # IPv6 writes lo into each route that swallows packets (net/ipv6/route.c), though nothing passes that device.
        if self.dev and not (self.dev == "lo" and self.is_dead_end):
            parts += ["dev", self.dev]
        return " ".join(parts)

    @property
    def is_dead_end(self) -> bool:
        """Whether it leads nowhere on purpose."""
        return self.kind in DEAD_ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of policy routing (ip-rule(8)): who is meant, and the table that is asked, or what is done at once.

    inverted: whether it means all others; suppress: routes with a prefix of this length, or shorter, are passed over;
    selectors: what else it asks of a packet (`ipproto tcp dport 80`); action: also `nop` and `goto PRIORITY`;
    proto: who made it, where that was asked for.
    """

    namespace: str
    family: str
    priority: int
    src: str = "all"
    dst: str | None = None
    iif: str | None = None
    oif: str | None = None
    fwmark: str | None = None
    selectors: str = ""
    table: str | None = None
    action: str | None = None
    inverted: bool = False
    suppress: int | None = None
    proto: str | None = None

    @property
    def words(self) -> str:
        """As `ip rule` says it."""
        parts = [f"{self.priority}:"]
        if self.inverted:
            parts.append("not")
        parts += ["from", self.src]
        if self.dst:
            parts += ["to", self.dst]
        if self.fwmark:
            parts += ["fwmark", self.fwmark]
        if self.iif:
            parts += ["iif", self.iif]
        if self.oif:
            parts += ["oif", self.oif]
        if self.selectors:
            parts.append(self.selectors)
        if self.action:
            parts.append(self.action)
        else:
            parts += ["lookup", str(self.table)]
        if self.suppress is not None:
            parts += ["suppress_prefixlength", str(self.suppress)]
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain of a packet filter.

    program: whose it is, as its owner types it: nft, iptables, ip6tables, iptables-legacy, ip6tables-legacy; family: as
    nft(8) calls it, ip and ip6 for iptables; hook: of nft, where it is called (`type filter hook forward priority
    filter`); policy: what happens to what no rule decides about, in the program's words; None where there is no such
    thing.
    """

    namespace: str
    program: str
    family: str
    table: str
    chain: str
    hook: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """A rule of a packet filter: program, family, table, chain as of a Chain; position: in its chain, from 1.

    text: as its owner would type it, `-A FORWARD -s 10.0.0.1/32 -j DROP` or `ip saddr 10.0.0.1 drop`, no counters.
    """

    namespace: str
    program: str
    family: str
    table: str
    chain: str
    position: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Who has an address on a device: state as `ip neigh` says it (NUD states, include/uapi/linux/neighbour.h)."""

    namespace: str
    dev: str | None
    ip: str
    mac: str | None = None
    state: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An FDB entry: behind which port of a bridge, or behind which VTEP (dst), a MAC address is; bridge(8)."""

    namespace: str
    mac: str
    dev: str | None = None
    master: str | None = None
    dst: str | None = None
    state: str | None = None
    self: bool | None = None
    vlan: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A sysctl of a namespace: its path below /proc/sys as key, and its value as text."""

    namespace: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Both ends of a veth pair, as far as they are known."""

    namespace: str
    name: str
    state: str | None = None
    peer_namespace: str | None = None
    peer: str | None = None
    peer_state: str | None = None
    mtu: int | None = None
    master: str | None = None
    peer_master: str | None = None


# What a snapshot has a table of
Fact = Namespace | Link | Address | Route | Rule | Chain | FilterRule | Neighbour | Entry | Setting | Wire
