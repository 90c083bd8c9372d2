"""What does a kernel have? A type for each kind of fact: a link, an address, a route, an FDB entry …

A fact is a value, true at the moment when it was read. What was not asked for, or cannot be known, is None: a kernel
that is asked directly tells nearly everything, a text that somebody pasted tells some of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Device = tuple[str, str]  # namespace, name


class Fact:
    """What every fact can do: be asked for a column by its name, as a table is made from it."""

    __slots__ = ()

    def __getitem__(self, column: str) -> Any:
        return getattr(self, column)

    def get(self, column: str, default: Any = None) -> Any:
        """A column, or a default where the fact has none of that name."""
        return getattr(self, column, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace(Fact):
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
class Link(Fact):
    """A device, as `ip -d -j link` tells it (ip-link(8), if_link.h).

    index: its number in its namespace; kind: `info_kind`, or the link type where there is none; state: operstate
    (RFC 2863); up: switched on (IFF_UP); carrier: IFF_LOWER_UP; mtu: bytes; master: the bridge that it is a port of;
    peer_namespace, peer, peer_index: the other end of a veth; hairpin: of a bridge port; vxlan_...: of a VXLAN device.
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
class Address(Fact):
    """An address of a device: family inet or inet6, address with its prefix length, scope as `ip addr` says it."""

    namespace: str
    dev: str
    family: str
    address: str
    broadcast: str | None = None
    scope: str | None = None
    tentative: bool | None = None
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
class Route(Fact):
    """A route of the main table, or one next hop of it: kind, to, via and the rest as `ip route` says them."""

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
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Fact):
    """Who has an address on a device: state as `ip neigh` says it (NUD states, include/uapi/linux/neighbour.h)."""

    namespace: str
    dev: str | None
    ip: str
    mac: str | None = None
    state: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Fact):
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
class Setting(Fact):
    """A sysctl of a namespace: its path below /proc/sys as key, and its value as text."""

    namespace: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire(Fact):
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
