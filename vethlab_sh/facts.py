"""What does a kernel have? A type for each kind of fact: a link, an address, a route, an FDB entry …

A fact is a value, true at the moment when it was read. What was not asked for, or cannot be known, is None: a kernel
that is asked directly tells nearly everything, a text that somebody pasted tells some of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Device = tuple[str, str]  # namespace, name
DEAD_ENDS = ("blackhole", "unreachable", "prohibit", "throw")  # kinds of routes, ip-route(8)
ANY_MAC = "00:00:00:00:00:00"  # in the FDB of a VXLAN device: all that has no entry of its own
UNANSWERED = ("FAILED", "INCOMPLETE")  # states of a neighbour whose MAC is not known


def is_group(mac: str) -> bool:
    """Whether a frame to this MAC is for more than one: broadcast or multicast, the lowest bit of its first byte."""
    if not mac:  # of a device that carries packets and no frames
        return False
    first = int(mac[:2], 16)
    return first & 1 == 1


def as_row(fact: object, columns: Iterable[str]) -> dict[str, Any]:
    """A fact as a row of a table or of JSON: what it has in each of these columns, in their order."""
    return {column: getattr(fact, column) for column in columns}


# Kinds of devices that come in pairs: what is sent into one end comes out of the other
CABLES = ("veth", "netkit", "vxcan")
# Kinds that wrap what they send into packets of another network, which carries them to the other end
TUNNELS = (
    "vxlan", "geneve", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan", "ipip", "sit", "ip6tnl", "vti",
    "vti6", "wireguard", "bareudp",
)  # fmt: skip
# Kinds that carry neither frames nor IP packets, and whose messages tcpdump can choose none of
OTHER_BUSES = ("can", "vcan", "vxcan", "slcan", "nlmon", "vsockmon")
MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
# By name, what a module makes in every namespace as soon as it is loaded: the device that takes what no other tunnel
# of its kind takes; net/ipv4/ipip.c and its like. net.core.fb_tunnels_only_for_init_net decides about it.
FALLBACKS = {
    "tunl0": "ipip", "gre0": "gre", "gretap0": "gretap", "erspan0": "erspan", "sit0": "sit", "ip6tnl0": "ip6tnl",
    "ip6gre0": "ip6gre", "ip_vti0": "vti", "ip6_vti0": "vti6",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A network namespace.

    namespace: its name, `master` for the lab's own root; names: its further names under /run/netns; machine: the
    namespace that plays the machine it is on, when somebody told; placed: whether somebody did; kind: pod or machine,
    where a text tells; on: the machine whose prompt showed it.
    """

    namespace: str
    names: tuple[str, ...] = ()
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
class Wrapping:
    """How a tunnel device wraps what it sends, as `ip -d link` tells it (ip-link(8)).

    local, remote: the outer addresses, None for any; group: the multicast group that means all other ends; key: what
    tells tunnels between the same ends apart, the VNI or the key of GRE; port: of UDP, where there is one; dev: the
    device that the wrapped packets leave by, where it is fixed; namespace: where they travel, which is where the tunnel
    device was made, None where that has no name; external: whether each packet brings its own ends along; mode: what it
    carries, as iproute2 calls it (`ipip`, `ip6ip6`, `any`), where a kind can carry several.
    """

    local: str | None = None
    remote: str | None = None
    group: str | None = None
    key: str | None = None
    port: int | None = None
    dev: str | None = None
    namespace: str | None = None
    external: bool = False
    mode: str | None = None

    @property
    def names_nobody(self) -> bool:
        """Whether it says no other end: no remote, no group, and none that each packet brings along."""
        if self.remote is not None or self.group is not None:
            return False
        return not self.external


@dataclass(frozen=True, slots=True, kw_only=True)
class PortVlan:
    """A VLAN that a bridge lets through at a port, or into the bridge itself (bridge(8)).

    pvid: whether frames without a tag come in as this VLAN's; untagged: whether the tag is taken off on the way out.
    """

    vlan: int
    pvid: bool = False
    untagged: bool = False

    @property
    def words(self) -> str:
        """As `bridge vlan` says it."""
        words = str(self.vlan)
        if self.pvid:
            words += " PVID"
        if self.untagged:
            words += " untagged"
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that holds a tun or tap device open: it reads what is sent there, and sends what it writes."""

    pid: int
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A virtual function of a network card (SR-IOV): its number; the MAC address and VLAN that the card gives it."""

    number: int
    mac: str | None = None
    vlan: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A device, as `ip -d -j link` tells it (ip-link(8), if_link.h).

    index: its number in its namespace; kind: `info_kind`, or the link type where there is none; state: operstate
    (RFC 2863); up: switched on (IFF_UP); carrier: IFF_LOWER_UP; mtu: bytes; master: the bridge, bond, team or VRF that
    it is a port of; peer_namespace, peer, peer_index: the other end of a veth or netkit; hairpin: of a bridge port;
    vxlan_...: of a VXLAN device.
    port: what the bridge does here; arp: whether it asks and answers (no NOARP); stp: whether a bridge runs STP;
    forward_delay: of that, in seconds; vlan_filtering: whether a bridge looks at VLANs, None where the kernel cannot;
    parent: the device that a macvlan, VLAN or the like is on, in parent_namespace, with its number parent_index; mode:
    of a macvlan, ipvlan, bond or netkit, and tun or tap. wrapping: of a tunnel; vlan_id: of a VLAN device;
    vlan_protocol: of its tag, or of those that a bridge looks at (802.1Q, 802.1ad); vrf_table: the routing table of a
    VRF; active: the port that a bond uses now; vlans: what a bridge lets through here, where it looks at VLANs;
    holders: the processes that hold a tun or tap; functions: of a network card; alias: what somebody wrote on it;
    switch: the switch of Open vSwitch whose port it is, as that program says.
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
    parent_index: int | None = None
    mode: str | None = None
    wrapping: Wrapping | None = None
    vlan_id: int | None = None
    vlan_protocol: str | None = None
    vrf_table: int | None = None
    active: str | None = None
    vlans: tuple[PortVlan, ...] = ()
    holders: tuple[Holder, ...] = ()
    functions: tuple[Function, ...] = ()
    alias: str | None = None
    switch: str | None = None
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

    @property
    def parent_device(self) -> Device | None:
        """The device that it is on, as far as it is known."""
        if self.parent_namespace is None or self.parent is None:
            return None
        return self.parent_namespace, self.parent

    @property
    def wrapped_in(self) -> Wrapping | None:
        """How a tunnel wraps what it sends; of a VXLAN device in a text, as far as that tells."""
        if self.wrapping is not None or self.vxlan_id is None:
            return self.wrapping
        return Wrapping(
            local=self.vxlan_local,
            key=str(self.vxlan_id),
            port=self.vxlan_port,
            dev=self.vxlan_dev,
            namespace=self.namespace,
        )

    @property
    def is_cable(self) -> bool:
        """Whether it is one end of a pair."""
        return self.kind in CABLES

    @property
    def has_frames(self) -> bool:
        """Whether it carries frames, and not bare packets: then it has a MAC address, where a tunnel has one of IP."""
        return self.mac is not None and MAC.fullmatch(self.mac) is not None

    @property
    def is_fallback(self) -> bool:
        """Whether a module made it by being loaded (`tunl0`, `gre0`), and nobody has given it an end."""
        if self.kind is None or FALLBACKS.get(self.name) != self.kind:
            return False
        if self.wrapping is None:
            return True
        return self.wrapping.local is None and self.wrapping.remote is None


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

    is_whole: whether it stands by itself, and is not the next hop of a nexthop object or one of several; weight: of one
    of several, its share; dead: nothing is sent by it now, because its device is off (RTNH_F_DEAD); hop_limit: the TTL
    with which packets are sent by it, where it has one of its own.
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
    weight: int | None = None
    dead: bool = False
    hop_limit: int | None = None
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
        return " ".join([*self._goal, *self._hop])

    @property
    def _goal(self) -> list[str]:
        if self.kind == "unicast":  # which `ip route` does not say
            return [self.to]
        return [self.kind, self.to]

    @property
    def _hop(self) -> list[str]:
        parts = []
        if self.via:
            parts += ["via", self.via]
        # IPv6 writes lo into each route that swallows packets (net/ipv6/route.c), though nothing passes that device.
        if self.dev and not (self.dev == "lo" and self.is_dead_end):
            parts += ["dev", self.dev]
        return parts

    @property
    def is_dead_end(self) -> bool:
        """Whether it leads nowhere on purpose."""
        return self.kind in DEAD_ENDS

    def in_full(self, hops: Sequence[Route]) -> str:
        """As `ip route add` takes it, with all its next hops: `10.9.0.0/16 nexthop via 10.0.1.2 dev e1 nexthop …`."""
        if len(hops) < 2:
            return self.words
        parts = [*self._goal]
        for hop in hops:
            parts += ["nexthop", *hop._hop]
            if hop.weight not in (None, 1):
                parts += ["weight", str(hop.weight)]
        return " ".join(parts)


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
    def listing(self) -> str:
        """The line that shows it, among others."""
        return "ip -6 rule" if self.family == "inet6" else "ip rule"

    @property
    def removal(self) -> str:
        """The line that takes it away."""
        return f"{self.listing} del pref {self.priority}"

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
class ChainPlace:
    """Which chain of a packet filter.

    program: whose it is, as its owner types it: nft, iptables, ip6tables, iptables-legacy, ip6tables-legacy; family: as
    nft(8) calls it, ip and ip6 for iptables.
    """

    namespace: str
    program: str
    family: str
    table: str
    chain: str

    @property
    def place(self) -> ChainPlace:
        """The chain itself, without what is said of it or stands in it."""
        return ChainPlace(
            namespace=self.namespace,
            program=self.program,
            family=self.family,
            table=self.table,
            chain=self.chain,
        )

    @property
    def is_nft(self) -> bool:
        """Whether nft made it, not one of the iptables."""
        return self.program == "nft"

    @property
    def in_table(self) -> str:
        """Its table as one types it: with the family for nft, without for iptables, whose name tells it."""
        if self.is_nft:
            return f"table {self.family} {self.table}"
        return f"table {self.table}"

    @property
    def words(self) -> str:
        """As nft takes it: family, table and chain."""
        return f"{self.family} {self.table} {self.chain}"

    @property
    def typed(self) -> str:
        """The same for a line to type: whatever a stranger calls a chain is one word there."""
        return shlex.join((self.family, self.table, self.chain))

    @property
    def listing(self) -> str:
        """The line that shows its rules."""
        if self.is_nft:
            return f"nft list chain {self.typed}"
        return f"{self.iptables} -S {shlex.quote(self.chain)}"

    @property
    def opening(self) -> str:
        """The line that turns its policy to accept."""
        if self.is_nft:
            words = f"chain {self.words} {{ policy accept; }}"
            return f"nft {shlex.quote(words)}"
        return f"{self.iptables} -P {shlex.quote(self.chain)} ACCEPT"

    @property
    def iptables(self) -> str:
        """Its program with its table: `iptables`, `iptables -t nat`."""
        if self.table == "filter":
            return self.program
        return f"{self.program} -t {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(ChainPlace):
    """A chain of a packet filter.

    hook: of nft, where it is called (`type filter hook forward priority filter`); policy: what happens to what no rule
    decides about, in the program's words; None where there is no such thing; is_dormant: whether its table is switched
    off.
    """

    hook: str | None = None
    policy: str | None = None
    is_dormant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule(ChainPlace):
    """A rule of a packet filter: where a Chain is; position: in its chain, from 1; handle: of nft, where it was told.

    text: as its owner would type it, `-A FORWARD -s 10.0.0.1/32 -j DROP` or `ip saddr 10.0.0.1 drop`, no counters.
    """

    position: int
    text: str
    handle: str | None = None

    @property
    def removal(self) -> str:
        """The line that takes it away; of nft it needs the handle."""
        if self.is_nft:
            return f"nft delete rule {self.typed} handle {self.handle}"
        if self.position and NOT_FOUND_AGAIN.search(self.text):
            return f"{self.iptables} -D {_retyped(self.chain)} {self.position}"
        return f"{self.iptables} -D {_retyped(self.text.removeprefix('-A '))}"


# Of matches whose rules hold what the kernel counts, `-D` finds none by its words (iptables 1.8.9)
NOT_FOUND_AGAIN = re.compile(r"-m (connlimit|recent)\b")
# Words that bash hands on as they are, also those in quotes; what begins with ! is history in a terminal
AS_TYPED = re.compile(r"""(?:[\w@%+=:,./ \t-]|! |'[^'!]*'|"[^"$`\\!]*")+""", re.ASCII)


def _retyped(saved: str) -> str:
    """What iptables-save prints as bash takes it: the names of chains stand there bare, and comments in double quotes.

    >>> print(_retyped('FORWARD ! -o br0 -m comment --comment "all of it" -j DROP'))
    FORWARD ! -o br0 -m comment --comment "all of it" -j DROP
    >>> print(_retyped("$(id) -j DROP"))
    '$(id)' -j DROP
    """
    if AS_TYPED.fullmatch(saved):
        return saved
    try:
        words = shlex.split(saved.replace("\\'", "'"))
    except ValueError:  # a chain with a quote in its name
        words = saved.split()
    return " ".join(word if word == "!" else shlex.quote(word) for word in words)


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
    """Both ends of a pair of devices (veth, netkit), as far as they are known."""

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
