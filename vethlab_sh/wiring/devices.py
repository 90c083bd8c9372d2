"""Which devices are drawn, and what is written on them? All but lo; what somebody chose, and what is odd."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from ..facts import Device, Link, Route
from ..snapshot import Snapshot
from .machines import machines, natural

# By prefix: what IPv6 makes without being told, an address for each device and a route for its neighbours
LINK_LOCAL = ("fe80:",)
AUTOMATIC = ("fe80:", "ff00:")
ROUTED_END = re.compile(r"(cali|eni|azv|lxc)[0-9a-f]{8,}")  # the ends of networks that route, and have no bridge


@dataclass(frozen=True)
class Tunnel:
    """Two VXLAN devices that could talk to each other.

    one, two: the ends; there: whether an FDB entry of the first leads to the second; back: the reverse.
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
        """The namespaces that have no FDB entry for the other end."""
        namespaces = []
        if not self.there:
            namespaces.append(self.one.namespace)
        if not self.back:
            namespaces.append(self.two.namespace)
        return namespaces


def devices(snapshot: Snapshot, namespace: str) -> Sequence[Link]:
    """The devices of a namespace, without lo."""
    return _by_namespace(snapshot).get(namespace, ())


@lru_cache(maxsize=4)
def _by_namespace(snapshot: Snapshot) -> Mapping[str, Sequence[Link]]:
    links: dict[str, list[Link]] = {}
    for link in snapshot.rows.links:
        if link.kind != "loopback":
            links.setdefault(link.namespace, []).append(link)
    return links


def ports_of(snapshot: Snapshot, bridge: Device) -> Sequence[Link]:
    """The devices that are plugged into one."""
    return _by_master(snapshot).get(bridge, ())


@lru_cache(maxsize=4)
def _by_master(snapshot: Snapshot) -> Mapping[Device, Sequence[Link]]:
    plugged: dict[Device, list[Link]] = {}
    for own in _by_namespace(snapshot).values():
        for link in own:
            if link.master:
                plugged.setdefault((link.namespace, link.master), []).append(link)
    return plugged


@lru_cache(maxsize=4)
def by_device(snapshot: Snapshot) -> Mapping[Device, Link]:
    """Every device, by its namespace and name."""
    return {link.device: link for link in snapshot.rows.links}


def addresses(snapshot: Snapshot, device: Device) -> Sequence[str]:
    """The addresses of a device that somebody chose: not the link-local ones that IPv6 makes."""
    return _addresses(snapshot).get(device, ())


@lru_cache(maxsize=4)
def _addresses(snapshot: Snapshot) -> Mapping[Device, Sequence[str]]:
    chosen: dict[Device, list[str]] = {}
    for row in snapshot.rows.addresses:
        if not row.address.startswith(LINK_LOCAL):
            chosen.setdefault(row.device, []).append(row.address)
    return chosen


def routes(snapshot: Snapshot, namespace: str) -> list[Route]:
    """The routes of a namespace, without those that IPv6 makes for every device."""
    chosen = _chosen(snapshot)
    return [route for route in chosen if route.namespace == namespace]


@lru_cache(maxsize=4)
def _chosen(snapshot: Snapshot) -> Sequence[Route]:
    routes = snapshot.rows.routes
    return [route for route in routes if not route.to.startswith(AUTOMATIC)]


# ---- what is odd ------------------------------------------------------------------------------------------


def is_dead(link: Link) -> bool:
    """Whether a device is known to carry nothing: it is switched off, or its other end is."""
    if link.up is None:
        return False
    return not link.up or link.carrier is False


def condition(link: Link) -> str:
    """A device's state in a word: UP, DOWN (switched off), no signal (its other end is off); empty when not known."""
    if link.up is None:
        return ""
    if not link.up:
        return "DOWN"
    if link.carrier is False:
        return "no signal"
    return "UP"


def status(link: Link) -> str:
    """MTU and state, as far as they are known."""
    state = condition(link)
    if link.mtu is None:
        return state
    return f"mtu {link.mtu} {state}".strip()


def remark(link: Link, snapshot: Snapshot) -> str:
    """What is odd about a device at first sight; empty when nothing is."""
    if is_cut(link):
        return "peer missing"
    if _wants_master(link, snapshot):
        return "no master"
    return ""


def _wants_master(link: Link, snapshot: Snapshot) -> bool:
    """Whether a cable from a machine with a bridge to a pod is neither plugged in nor has anything routed to it."""
    if link.kind != "veth" or link.master is not None:
        return False
    is_pasted = link.line is not None
    if is_pasted and (link.state is None or ROUTED_END.fullmatch(link.name)):  # a text tells it only where it lists it
        return False
    if link.device in _routed(snapshot):
        return False
    if link.peer_namespace in machines(snapshot):
        return False
    return link.namespace in _bridged(snapshot)


@lru_cache(maxsize=4)
def _bridged(snapshot: Snapshot) -> frozenset[str]:
    """The namespaces that have a bridge."""
    return frozenset(link.namespace for link in snapshot.rows.links if link.kind == "bridge")


@lru_cache(maxsize=4)
def _routed(snapshot: Snapshot) -> frozenset[Device | None]:
    """The devices that something is routed to, by an address or a route that somebody chose: those need no bridge."""
    routed = {route.device for route in _chosen(snapshot)}
    routed.update(_addresses(snapshot))
    return frozenset(routed)


def is_cut(link: Link) -> bool:
    """Whether a cable's other end is gone, and not only out of our sight."""
    if link.kind != "veth" or link.unseen:
        return False
    return link.peer is None


def unseen(link: Link) -> str:
    """What is known of an end that we cannot see: its number, if that; empty when both ends are seen."""
    if not link.unseen:
        return ""
    if link.peer_index is None:
        return "not shown"
    return f"number {link.peer_index}, not shown"


# ---- tunnels, order ---------------------------------------------------------------------------------------


def tunnels(snapshot: Snapshot) -> Iterator[Tunnel]:
    """Pairs of VXLAN devices of one VNI and port, and whether each one's FDB leads to the other's machine."""
    ends = [link for link in snapshot.rows.links if link.kind == "vxlan"]
    for one, two in combinations(ends, 2):
        if _speak_alike(one, two):
            there = _leads(snapshot, one, two)
            back = _leads(snapshot, two, one)
            yield Tunnel(one, two, there, back)


def _speak_alike(one: Link, two: Link) -> bool:
    """Whether what one wraps the other would unwrap: VNI, UDP port and address family are the same."""
    if one.vxlan_id != two.vxlan_id:
        return False
    if one.vxlan_port != two.vxlan_port:
        return False
    return _is_ipv6(one.vxlan_local) == _is_ipv6(two.vxlan_local)


def _is_ipv6(address: str | None) -> bool:
    if address is None:
        return False
    return ":" in address


def _leads(snapshot: Snapshot, one: Link, two: Link) -> bool:
    """Whether the FDB of one VXLAN device has an entry for the MAC address of the other, behind its machine."""
    return (*one.device, two.mac, two.vxlan_local) in _entries(snapshot)


@lru_cache(maxsize=4)
def _entries(snapshot: Snapshot) -> frozenset[tuple[str, str | None, str | None, str | None]]:
    """Every FDB entry: namespace, device, MAC address, and the VTEP that it leads to."""
    return frozenset((entry.namespace, entry.dev, entry.mac, entry.dst) for entry in snapshot.rows.fdb)


def comes_first(link: Link) -> bool:
    """Whether this end of a cable is the one at which the cable is told, so that it is told once."""
    if link.peer_device is None:
        return False
    return link.device < link.peer_device


RANKS = {"bridge": 0, "vxlan": 1}  # all other kinds come after these


def rank(link: Link) -> tuple[int, list[bool | int | str]]:
    """Sort key: bridges first, then tunnels, then the rest, so that short lines suffice."""
    kind = link.kind or ""
    order = RANKS.get(kind, len(RANKS))
    return order, natural(link.name)
