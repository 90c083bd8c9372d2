"""Which tunnels are there? Pairs of devices that wrap alike, and whether each one's packets come to the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from ..facts import ANY_MAC, Device, Link, Wrapping
from ..language import enumerated, tr
from ..snapshot import Snapshot
from .kinds import name_of


@dataclass(frozen=True)
class Tunnel:
    """Two tunnel devices that could talk to each other.

    one, two: the ends; there: whether the first leads to the second, by its remote, its group, an FDB entry or a route;
    back: the reverse.
    """

    one: Link
    two: Link
    there: bool
    back: bool

    @property
    def works(self) -> bool:
        """Whether both ends know of each other."""
        return self.there and self.back

    @property
    def missing(self) -> list[str]:
        """The namespaces that have no FDB entry for the other end, or send elsewhere."""
        namespaces = []
        if not self.there:
            namespaces.append(self.one.namespace)
        if not self.back:
            namespaces.append(self.two.namespace)
        return namespaces

    @property
    def name(self) -> str:
        """The kind, and the number that both ends have: `VXLAN 1`, `GRE 7`, `IPIP`."""
        kind = self.one.kind or ""
        words = name_of(kind)
        wrapping = self.one.wrapped_in
        if wrapping is None or not wrapping.key:
            return words
        return f"{words} {wrapping.key}"

    @property
    def label(self) -> str:
        """Its name, and what is missing."""
        if self.works:
            return self.name
        spaces = enumerated(self.missing)
        if self.one.kind == "vxlan":
            return tr("{tunnel}: no FDB entry on {namespaces}", tunnel=self.name, namespaces=spaces)
        return tr("{tunnel}: another remote on {namespaces}", tunnel=self.name, namespaces=spaces)


@lru_cache(maxsize=4)
def tunnels(snapshot: Snapshot) -> tuple[Tunnel, ...]:
    """The pairs of tunnel devices that one of them leads to the other, and VXLAN devices that should."""
    return tuple(_tunnels(snapshot))


def _tunnels(snapshot: Snapshot) -> Iterator[Tunnel]:
    for alike in _alike(snapshot):
        for one, two in combinations(alike, 2):
            there = _leads(snapshot, one, two)
            back = _leads(snapshot, two, one)
            should_lead = _wants_entries(one) and _wants_entries(two)
            if there or back or should_lead:
                yield Tunnel(one, two, there, back)


def _alike(snapshot: Snapshot) -> Iterable[list[Link]]:
    """The tunnel devices that unwrap what each other wraps: of one kind, key, UDP port and address family."""
    alike: dict[tuple[object, ...], list[Link]] = {}
    for link in snapshot.rows.links:
        wrapping = link.wrapped_in
        if wrapping is None or (link.is_fallback and not link.up):
            continue
        ends = (wrapping.local, wrapping.remote, wrapping.group)
        is_ipv6 = any(":" in end for end in ends if end)
        key = (link.kind, wrapping.key, wrapping.port, is_ipv6)
        alike.setdefault(key, []).append(link)
    return alike.values()


def _wants_entries(link: Link) -> bool:
    """Whether a device has no other end by itself, so that each one has to stand in its FDB."""
    if link.kind != "vxlan" or link.wrapped_in is None:
        return False
    return link.wrapped_in.names_nobody


def _leads(snapshot: Snapshot, one: Link, two: Link) -> bool:
    """Whether what one device wraps comes to the other: by its remote or group, by its FDB, by a route through it."""
    wrapping = one.wrapped_in or Wrapping()
    ears = _ears(snapshot, two)
    if wrapping.remote in ears:
        return True
    if wrapping.group is not None and two.wrapped_in and wrapping.group == two.wrapped_in.group:
        return True
    if one.kind == "vxlan":
        return _has_entry(snapshot, one, two, ears)
    if wrapping.remote is not None:
        return False
    return not ears.isdisjoint(_gateways(snapshot).get(one.device, ()))


def _ears(snapshot: Snapshot, end: Link) -> frozenset[str]:
    """The addresses at which a tunnel device takes packets: its local one, else all of where its packets travel."""
    wrapping = end.wrapped_in
    if wrapping is None or wrapping.namespace is None:
        return frozenset()
    if wrapping.local is not None:
        return frozenset({wrapping.local})
    return _addresses(snapshot).get(wrapping.namespace, frozenset())


@lru_cache(maxsize=4)
def _addresses(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """By namespace the addresses at which it can be reached from outside."""
    own: dict[str, set[str]] = {}
    for address in snapshot.rows.addresses:
        if address.scope != "host":
            own.setdefault(address.namespace, set()).add(address.ip)
    return {namespace: frozenset(addresses) for namespace, addresses in own.items()}


@lru_cache(maxsize=4)
def _gateways(snapshot: Snapshot) -> Mapping[Device, set[str]]:
    """By device the gateways of the routes through it: to them a tunnel without another end sends what it wraps."""
    gateways: dict[Device, set[str]] = {}
    for route in snapshot.rows.routes + snapshot.rows.policy_routes:
        if route.device is not None and route.via is not None:
            gateways.setdefault(route.device, set()).add(route.via)
    return gateways


def _has_entry(snapshot: Snapshot, one: Link, two: Link, ears: frozenset[str]) -> bool:
    """Whether the FDB of a VXLAN device leads to another one's machine.

    By the entry for all that has none, or by one for the other device's MAC; where it is a port of a bridge, the MACs
    are those of hosts behind that.
    """
    entries = _entries(snapshot).get(one.device, {})
    wanted = (ANY_MAC, two.mac)
    for ear in ears:
        macs = entries.get(ear)
        if macs is None:
            continue
        if one.master or not macs.isdisjoint(wanted):
            return True
    return False


@lru_cache(maxsize=4)
def _entries(snapshot: Snapshot) -> Mapping[Device, Mapping[str, set[str | None]]]:
    """By device and VTEP the MAC addresses that an FDB entry says to be behind it."""
    entries: dict[Device, dict[str, set[str | None]]] = {}
    for entry in snapshot.rows.fdb:
        if entry.dev is not None and entry.dst is not None:
            there = entries.setdefault((entry.namespace, entry.dev), {})
            there.setdefault(entry.dst, set()).add(entry.mac)
    return entries
