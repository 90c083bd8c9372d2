"""Which namespaces play a machine, and which machine is a namespace on? What packets pass is one; an end is on one.

One rule serves the picture, the walk and the controls of a notebook. Where somebody told it (a pasted text, a real
node), it is as told. In a lab it is read from what the kernel has, never from a name. A namespace plays a machine when
it is the lab's root, holds a bridge or a tunnel, or has cables to two others; and when another sends by it, as by a
gateway: at the other end of its cable, or on the same bridge if it stands in two networks. All else is an end, a pod
say, and is on the machine that its cable leads to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_interface

from ..sandbox import HOSTNAME
from ..snapshot import Snapshot

UNSEEN = "a machine that is not shown"
SWITCHING = ("bridge", "vxlan")  # kinds of devices that hand frames on


@lru_cache(maxsize=4)
def machines(snapshot: Snapshot) -> Mapping[str, list[str]]:
    """Each machine and the namespaces on it, in the order in which a person would list them."""
    homes = _homes(snapshot)
    members: dict[str, list[str]] = {machine: [] for machine in _in_order(snapshot, homes)}
    for namespace in sorted(homes, key=natural):
        if namespace not in members:
            members[homes[namespace]].append(namespace)
    return members


def machine_of(snapshot: Snapshot, namespace: str) -> str:
    """The machine that a namespace is on: itself when it plays one, UNSEEN when no text shows it."""
    return _homes(snapshot).get(namespace, HOSTNAME)


def plays_machine(snapshot: Snapshot, namespace: str) -> bool:
    """Whether a namespace plays a machine, through which the packets of others may pass."""
    return machine_of(snapshot, namespace) == namespace


@lru_cache(maxsize=4)
def cables(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """The namespaces that each one has a cable to, itself left out."""
    neighbours: dict[str, set[str]] = {}
    for link in snapshot.rows.links:
        others = neighbours.setdefault(link.namespace, set())
        if link.peer_namespace is not None and link.peer_namespace != link.namespace:
            others.add(link.peer_namespace)
    return {namespace: frozenset(others) for namespace, others in neighbours.items()}


def way(snapshot: Snapshot, start: str, is_goal: Callable[[str], bool]) -> list[str]:
    """The namespaces from one to the nearest that is meant, from cable to cable; none when no way leads there."""
    came_from: dict[str, str | None] = {start: None}
    queue = [start]
    for here in queue:  # which grows meanwhile: the nearest are looked at first
        if is_goal(here):
            return _back(here, came_from)
        for there in sorted(cables(snapshot).get(here, ())):
            if there not in came_from:
                came_from[there] = here
                queue.append(there)
    return []


def _back(goal: str, came_from: Mapping[str, str | None]) -> list[str]:
    passed = []
    here: str | None = goal
    while here is not None:
        passed.append(here)
        here = came_from[here]
    return passed[::-1]


def natural(name: str) -> list[bool | int | str]:
    """Sort key: ns9 before ns10, master first."""
    key: list[bool | int | str] = [name != HOSTNAME]
    for part in re.split(r"(\d+)", name):
        key.append(int(part) if part.isdigit() else part)
    return key


# ---- the rule ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _homes(snapshot: Snapshot) -> Mapping[str, str]:
    """The machine of every namespace."""
    spaces = snapshot.rows.namespaces
    if any(space.placed for space in spaces):
        return {space.namespace: space.machine or UNSEEN for space in spaces if space.placed}
    playing = _playing(snapshot)
    homes = {machine: machine for machine in playing}
    for space in spaces:
        if space.namespace not in playing:
            homes[space.namespace] = _nearest(snapshot, space.namespace, playing)
    return homes


def _in_order(snapshot: Snapshot, homes: Mapping[str, str]) -> list[str]:
    """The machines: as they were told, what is not shown last; in a lab by name, the root first."""
    names = list(dict.fromkeys(homes.values()))
    if any(space.placed for space in snapshot.rows.namespaces):
        return sorted(names, key=lambda machine: machine == UNSEEN)
    return sorted(names, key=natural)


def _playing(snapshot: Snapshot) -> set[str]:
    playing = {HOSTNAME}
    for link in snapshot.rows.links:
        if link.kind in SWITCHING:
            playing.add(link.namespace)
    for namespace, others in cables(snapshot).items():
        if len(others) > 1:
            playing.add(namespace)
    playing.update(_gateways(snapshot))
    return playing


def _nearest(snapshot: Snapshot, end: str, playing: set[str]) -> str:
    """The machine that the cable of an end leads to, which is one at most: who has cables to two others plays one."""
    near = cables(snapshot).get(end, frozenset()) & playing
    return next(iter(near), HOSTNAME)


def _gateways(snapshot: Snapshot) -> Iterator[str]:
    """The namespaces that others send by, even those with one cable only: routers on a stick, nodes without pods."""
    links = {link.device: link for link in snapshot.rows.links}
    routers = _in_two_networks(snapshot)
    for route in snapshot.rows.routes:
        link = links.get(route.device) if route.device else None
        if route.via is None or link is None:
            continue
        peer = links.get(link.peer_device) if link.peer_device else None
        if peer is None or peer.master:
            switch = peer.namespace if peer else route.namespace
            yield from routers.get(route.via, frozenset()) & cables(snapshot).get(switch, frozenset())
        elif peer.namespace != route.namespace:  # whatever the address is, it is asked for at the end of the cable
            yield peer.namespace


def _in_two_networks(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """By address, the namespaces that have it and stand in more than one network.

    A host that somebody else takes for a router by mistake stands in one. An address may be had by several namespaces,
    where labs with equal addresses stand side by side.
    """
    owners: dict[str, set[str]] = {}
    networks: dict[str, set[str]] = {}
    for address in snapshot.rows.addresses:
        if address.scope == "global":
            owners.setdefault(address.ip, set()).add(address.namespace)
            network = str(ip_interface(address.address).network)
            networks.setdefault(address.namespace, set()).add(network)
    hosts = {namespace for namespace, those in networks.items() if _count_of_one_family(those) < 2}
    return {ip: frozenset(spaces - hosts) for ip, spaces in owners.items()}


def _count_of_one_family(networks: set[str]) -> int:
    """How many of IPv4 or of IPv6, whichever are more: a host may well have an address of each."""
    six = sum(":" in network for network in networks)
    return max(six, len(networks) - six)
