"""Which devices are drawn, and what is written on them? All but lo; what somebody chose, and what is odd."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ..facts import TUNNELS, Device, Link, Route
from ..language import tr
from ..snapshot import Snapshot
from .machines import machines, natural

# By prefix: what IPv6 makes without being told, an address for each device and a route for its neighbours
LINK_LOCAL = ("fe80:",)
AUTOMATIC = ("fe80:", "ff00:")
ROUTED_END = re.compile(r"(cali|eni|azv|lxc)[0-9a-f]{8,}")  # the ends of networks that route, and have no bridge


def devices(snapshot: Snapshot, namespace: str) -> Sequence[Link]:
    """The devices of a namespace, without lo and without fallback devices that nobody uses."""
    return _by_namespace(snapshot).get(namespace, ())


@lru_cache(maxsize=4)
def _by_namespace(snapshot: Snapshot) -> Mapping[str, Sequence[Link]]:
    links: dict[str, list[Link]] = {}
    for link in snapshot.rows.links:
        if link.kind != "loopback" and matters(snapshot, link):
            links.setdefault(link.namespace, []).append(link)
    return links


@lru_cache(maxsize=4)
def by_device(snapshot: Snapshot) -> Mapping[Device, Link]:
    """Every device, by its namespace and name."""
    return {link.device: link for link in snapshot.rows.links}


def matters(snapshot: Snapshot, link: Link) -> bool:
    """Whether somebody uses a device: fallback devices are there by themselves, and mostly off, without an address."""
    if not link.is_fallback or link.up:
        return True
    return link.device in _addresses(snapshot)


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
        return tr("no signal")
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
        return tr("peer missing")
    if link.switch is None and wants_master(link, snapshot):
        return tr("no master")
    return ""


def switch_words(link: Link) -> str:
    """Of which switch of Open vSwitch a device is a port, which only that program tells; empty where it is of none."""
    if link.switch is None:
        return ""
    return tr("port of {bridge}", bridge=link.switch)


def wants_master(link: Link, snapshot: Snapshot) -> bool:
    """Whether a cable from a machine with a bridge to a pod is neither plugged in nor has anything routed to it."""
    if link.kind != "veth" or link.master is not None:
        return False
    is_pasted = link.line is not None
    if is_pasted and (link.state is None or ROUTED_END.fullmatch(link.name)):  # a text tells it only where it lists it
        return False
    if link.device in _routed(snapshot):
        return False
    if link.peer_namespace in machines(snapshot) or link.device in _parents(snapshot):
        return False
    return link.namespace in _bridged(snapshot)


@lru_cache(maxsize=4)
def _bridged(snapshot: Snapshot) -> frozenset[str]:
    """The namespaces that have a bridge."""
    bridges = (link for link in snapshot.rows.links if link.kind == "bridge")
    return frozenset(bridge.namespace for bridge in bridges)


@lru_cache(maxsize=4)
def _routed(snapshot: Snapshot) -> frozenset[Device | None]:
    """The devices that something is routed to, by an address or a route that somebody chose: those need no bridge."""
    routed = {route.device for route in _chosen(snapshot)}
    routed.update(_addresses(snapshot))
    return frozenset(routed)


@lru_cache(maxsize=4)
def _parents(snapshot: Snapshot) -> frozenset[Device | None]:
    """The devices that others are made on."""
    return frozenset(link.parent_device for link in snapshot.rows.links)


def is_cut(link: Link) -> bool:
    """Whether a cable's other end is gone, and not only out of our sight."""
    if not link.is_cable or link.unseen:
        return False
    return link.peer is None


def unseen(link: Link) -> str:
    """What is known of an end that we cannot see: its number, if that; empty when both ends are seen."""
    if not link.unseen:
        return ""
    if link.peer_index is None:
        return tr("not shown")
    return tr("number {number}, not shown", number=link.peer_index)


# ---- order ------------------------------------------------------------------------------------------------


def comes_first(link: Link) -> bool:
    """Whether this end of a cable is the one at which the cable is told, so that it is told once."""
    if link.peer_device is None:
        return False
    return link.device < link.peer_device


MASTERS = ("bridge", "bond", "team", "vrf")  # kinds of devices that others are ports of
LAST_RANK = 2


def rank(link: Link) -> tuple[int, list[bool | int | str]]:
    """Sort key: what has ports first, then tunnels, then the rest, so that short lines suffice."""
    if link.kind in MASTERS:
        order = 0
    elif link.kind in TUNNELS:
        order = 1
    else:
        order = LAST_RANK
    return order, natural(link.name)
