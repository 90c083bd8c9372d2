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

from ..facts import TUNNELS, Link, Namespace
from ..language import marked, tr
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot

UNSEEN = marked("a machine that is not shown")


@lru_cache(maxsize=4)
def machines(snapshot: Snapshot) -> Mapping[str, list[str]]:
    """Each machine and the namespaces on it, in the order in which a person would list them."""
    homes = _homes(snapshot)
    members: dict[str, list[str]] = {}
    for machine in _in_order(snapshot, homes):
        members[machine] = []
    for namespace in sorted(homes, key=natural):
        if namespace not in members:
            machine = homes[namespace]
            members[machine].append(namespace)
    return members


def machine_of(snapshot: Snapshot, namespace: str) -> str:
    """The machine that a namespace is on: itself when it plays one, UNSEEN when no text shows it."""
    homes = _homes(snapshot)
    return homes.get(namespace, HOSTNAME)


def shown(machine: str) -> str:
    """How a machine is called where it is shown; only one that no text shows has words for a name."""
    return tr(UNSEEN) if machine == UNSEEN else machine


def plays_machine(snapshot: Snapshot, namespace: str) -> bool:
    """Whether a namespace plays a machine, through which the packets of others may pass."""
    return machine_of(snapshot, namespace) == namespace


@lru_cache(maxsize=4)
def cables(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """The namespaces that each one has a cable to, itself left out; a device on one of another's is a cable to it."""
    neighbours: dict[str, set[str]] = {}
    for link in snapshot.rows.links:
        others = neighbours.setdefault(link.namespace, set())
        for there in (link.peer_namespace, link.parent_namespace):
            if there is not None and there != link.namespace:
                others.add(there)
                neighbours.setdefault(there, set()).add(link.namespace)
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
        if part.isdigit():
            key.append(int(part))
        else:
            key.append(part)
    return key


# ---- the rule ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _homes(snapshot: Snapshot) -> Mapping[str, str]:
    """The machine of every namespace."""
    placed = _placed(snapshot)
    if placed:
        return {space.namespace: space.machine or UNSEEN for space in placed}
    playing = _playing(snapshot)
    homes = {machine: machine for machine in playing}
    for space in snapshot.rows.namespaces:
        end = space.namespace
        if end not in playing:
            homes[end] = _nearest(snapshot, end, playing)
    return homes


def _placed(snapshot: Snapshot) -> list[Namespace]:
    """The namespaces of which somebody told the machine: in a lab none."""
    return [space for space in snapshot.rows.namespaces if space.placed]


def _in_order(snapshot: Snapshot, homes: Mapping[str, str]) -> list[str]:
    """The machines: as they were told, what is not shown last; in a lab by name, the root first."""
    names = list(dict.fromkeys(homes.values()))
    if not _placed(snapshot):
        return sorted(names, key=natural)
    if UNSEEN in names:
        names.remove(UNSEEN)
        names.append(UNSEEN)
    return names


def _playing(snapshot: Snapshot) -> set[str]:
    playing = {HOSTNAME}
    for link in snapshot.rows.links:
        if _hands_on(link):
            playing.add(link.namespace)
    for namespace, others in cables(snapshot).items():
        if len(others) > 1:
            playing.add(namespace)
    playing.update(_gateways(snapshot))
    return playing


def _hands_on(link: Link) -> bool:
    """Whether a device is a bridge, or a tunnel that somebody made or uses."""
    if link.kind == "bridge":
        return True
    if link.kind not in TUNNELS:
        return False
    return bool(link.up) or not link.is_fallback


def _nearest(snapshot: Snapshot, end: str, playing: set[str]) -> str:
    """The machine that the cable of an end leads to, which is one at most: who has cables to two others plays one."""
    others = cables(snapshot).get(end, frozenset())
    near = others & playing
    return next(iter(near), HOSTNAME)


def _gateways(snapshot: Snapshot) -> Iterator[str]:
    """The namespaces that others send by, even those with one cable only: routers on a stick, nodes without pods."""
    links = {link.device: link for link in snapshot.rows.links}
    routers = _in_two_networks(snapshot)
    for route in snapshot.rows.routes:
        if route.via is None or route.device not in links:
            continue
        link = links[route.device]
        peer = links.get(link.peer_device) if link.peer_device else None
        if peer is not None and not peer.master:
            # Whatever the address is, it is asked for at the end of the cable.
            if peer.namespace != route.namespace:
                yield peer.namespace
            continue
        switch = peer.namespace if peer else route.namespace
        on_switch = cables(snapshot).get(switch, frozenset())
        having_address = routers.get(route.via, frozenset())
        yield from having_address & on_switch


def _in_two_networks(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """By address, the namespaces that have it and stand in more than one network.

    A host that somebody else takes for a router by mistake stands in one. An address may be had by several namespaces,
    where labs with equal addresses stand side by side.
    """
    owners: dict[str, set[str]] = {}
    networks: dict[str, set[str]] = {}
    for address in snapshot.rows.addresses:
        if address.scope != "global":
            continue
        owners.setdefault(address.ip, set()).add(address.namespace)
        interface = ip_interface(address.address)
        network = str(interface.network)
        networks.setdefault(address.namespace, set()).add(network)
    hosts = set()
    for namespace, own in networks.items():
        if _count_of_one_family(own) < 2:
            hosts.add(namespace)
    return {ip: frozenset(spaces - hosts) for ip, spaces in owners.items()}


def _count_of_one_family(networks: set[str]) -> int:
    """How many of IPv4 or of IPv6, whichever are more: a host may well have an address of each."""
    six = [network for network in networks if ":" in network]
    count_of_four = len(networks) - len(six)
    return max(len(six), count_of_four)
