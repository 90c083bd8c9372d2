"""What is wrong with the entries of a tunnel? Each route into it needs a neighbour, an FDB entry, and a machine there.

A VXLAN device of flannel or calico learns nothing: who is behind a gateway (neighbour), and on which machine (FDB), the
agent writes down (vxlan_xmit() in drivers/net/vxlan/vxlan_core.c drops what has no entry).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from ipaddress import ip_address

from ..facts import ANY_MAC, Address, Entry, Link, Neighbour, Route
from ..language import enumerated, tr
from ..packet.causes.cause import Cause
from . import cni
from .ground import NEIGHBOURS, Fault, Ground, fault, on

FDB = ("bridge fdb",)
ADDRESSES = ("ip addr", "ifconfig")


def faults(ground: Ground) -> Iterator[Fault]:
    """What the routes into each tunnel lack, and what their entries have wrong."""
    for route in ground.facts.routes:
        if route.via and route.dev and _is_written_down(ground, route.namespace, route.dev):
            yield from _of_route(ground, route, route.via, route.dev)
    told = {(route.namespace, route.dev, route.via) for route in ground.facts.routes}
    for neighbour in ground.facts.neighbours:
        if (neighbour.namespace, neighbour.dev, neighbour.ip) not in told:
            yield from _without_entry(ground, neighbour)
    for entry in ground.facts.fdb:
        if entry.dst and ground.is_tunnel(entry.namespace, entry.dev):
            yield from _wrong_remote(ground, "", entry.dev, entry)
            yield from _other_local(ground, entry)
    yield from _not_flooded(ground)
    yield from _alike(ground)
    yield from _of_two_networks(ground)


def _is_written_down(ground: Ground, at: str, dev: str) -> bool:
    """Whether a tunnel has no other entries than those that an agent writes: it learns nothing, and floods nothing."""
    if not ground.is_tunnel(at, dev):
        return False
    if any(entry.mac == ANY_MAC for entry in ground.leaving.get((at, dev), ())):
        return False
    if _is_an_agents(dev):
        return True
    return ground.links[at, dev].vxlan_learning is False


def _of_route(ground: Ground, route: Route, via: str, dev: str) -> Iterator[Fault]:
    at = route.namespace
    neighbour = ground.neighbours.get((at, dev, via))
    if neighbour is None or neighbour.mac is None:
        yield from _without_neighbour(ground, route, via, dev, neighbour)
        return
    yield from _wrong_mac(ground, at, via, dev, neighbour)
    entries = ground.entries.get((at, dev, neighbour.mac), [])
    for entry in entries:
        yield from _wrong_remote(ground, via, dev, entry)
    listed = ground.full(at, FDB, dev)
    if not entries and listed:
        words = tr(
            "{at}: {dev} has no FDB entry for {mac}, the MAC address of {via}, so {to} is not reached",
            at=at,
            dev=dev,
            mac=neighbour.mac,
            via=via,
            to=route.to,
        )
        look = on(at, f"bridge fdb show dev {dev}")
        yield fault(Cause.VXLAN_ENTRY, words, [route, neighbour, listed], 9, look)


def _without_entry(ground: Ground, neighbour: Neighbour) -> Iterator[Fault]:
    """A neighbour on a tunnel whose MAC address no entry of its FDB leads to; of one with a route that is told."""
    at, dev = neighbour.namespace, neighbour.dev
    if neighbour.mac is None or dev is None or not _is_written_down(ground, at, dev):
        return
    listed = ground.full(at, FDB, dev)
    if not listed or ground.entries.get((at, dev, neighbour.mac)):
        return
    words = tr(
        "{at}: {dev} has no FDB entry for {mac}, the MAC address of {via}, so what is sent there is dropped",
        at=at,
        dev=dev,
        mac=neighbour.mac,
        via=neighbour.ip,
    )
    yield fault(Cause.VXLAN_ENTRY, words, [neighbour, listed], 9, on(at, f"bridge fdb show dev {dev}"))


def _without_neighbour(ground: Ground, route: Route, via: str, dev: str, known: Neighbour | None) -> Iterator[Fault]:
    """A gateway in a tunnel without a MAC address: all that is sent there is dropped."""
    at = route.namespace
    listed = ground.full(at, NEIGHBOURS, dev)
    if known is None and listed is None:
        return
    shows: list[object] = [route, known or listed]
    lacks = tr("no neighbour entry for {via}", via=via)
    fdb = ground.full(at, FDB, dev)
    leading = ground.leaving.get((at, dev), [])
    if fdb and not any(_leads_to(ground, entry, via) for entry in leading):
        lacks = tr("neither a neighbour nor an FDB entry for {via}", via=via)
        shows.append(fdb)
    words = tr("{at}: {dev} has {lacks}, so nothing reaches {to}", at=at, dev=dev, lacks=lacks, to=route.to)
    yield fault(Cause.NO_NEIGHBOUR, words, shows, 9, on(at, f"ip neigh show dev {dev}"))


def _leads_to(ground: Ground, entry: Entry, via: str) -> bool:
    """Whether an FDB entry may be the one of a gateway: its machine is the gateway's, or that is not known."""
    known_macs = ground.known_macs.get((entry.namespace, entry.dev), set())
    if entry.mac in known_macs:  # it is another gateway's
        return False
    owners = _owners(ground, via)
    there = _owners(ground, entry.dst or "")
    if not owners or not there:
        return True
    return not owners.isdisjoint(there)


def _owners(ground: Ground, ip: str) -> set[str]:
    """The places that have an address."""
    return {address.namespace for address in ground.holders.get(ip, ())}


def _wrong_mac(ground: Ground, at: str, via: str, dev: str, neighbour: Neighbour) -> Iterator[Fault]:
    """The MAC address that is written down for a gateway, and the one that its device has."""
    for address in ground.holders.get(via, ()):
        link = ground.links.get(address.device)
        if address.namespace == at or link is None or link.mac is None or link.mac == neighbour.mac:
            continue
        words = tr(
            "{at} knows {via} on {dev} by {mac}, but {other_dev} of {other}, which has {via}, has {other_mac}: what is "
            "sent there is dropped",
            at=at,
            via=via,
            dev=dev,
            mac=neighbour.mac,
            other_dev=address.dev,
            other=address.namespace,
            other_mac=link.mac,
        )
        look = on(address.namespace, f"ip link show {address.dev}")
        yield fault(Cause.WRONG_NEIGHBOUR, words, [neighbour, link], 9, look)


def _wrong_remote(ground: Ground, via: str, dev: str | None, entry: Entry) -> Iterator[Fault]:
    """An FDB entry that leads to an address which the gateway's machine does not have."""
    owner = _machine_behind(ground, via, entry)
    if owner is None or entry.dst is None:
        return
    # of a family of which none is shown, nothing is known
    own = [address for address in ground.underlay(owner) if (":" in address.ip) == (":" in entry.dst)]
    if not own or any(address.ip == entry.dst for address in ground.addresses[owner]):
        return
    others = [address.namespace for address in ground.holders.get(entry.dst, ())]
    if others:
        whose = tr("{ip} is {other}'s", ip=entry.dst, other=others[0])
    else:
        whose = tr("{ip} is none of its addresses", ip=entry.dst)
    words = tr(
        "{sends}, but {owner} has {addresses}; {whose}",
        sends=_sends(entry),
        owner=owner,
        addresses=_bare(own),
        whose=whose,
    )
    yield fault(Cause.VXLAN_REMOTE, words, [entry, *own], 9, on(owner, "ip addr"))


def _sends(entry: Entry) -> str:
    """Where an FDB entry leads, in words."""
    return tr(
        "{at}: the FDB of {dev} sends {mac} to {dst}",
        at=entry.namespace,
        dev=entry.dev,
        mac=entry.mac,
        dst=entry.dst,
    )


def _other_local(ground: Ground, entry: Entry) -> Iterator[Fault]:
    """An FDB entry that leads elsewhere than where the device with that MAC address sends from.

    It takes what comes to any address of its machine (vxlan_create_sock() binds to none), so `local` alone proves
    nothing where that machine's addresses are not shown.
    """
    owner = _machine_behind(ground, "", entry)
    if owner is None or ground.underlay(owner):
        return
    link = next(link for link in ground.tunnels_by_mac[entry.mac] if link.namespace == owner)
    if link.vxlan_local is None or link.vxlan_local == entry.dst:
        return
    words = tr(
        "{sends}, but {name} of {owner}, which has that MAC address, sends from {local}: what is sent there arrives "
        "only if {dst} leads to {owner} too",
        sends=_sends(entry),
        name=link.name,
        owner=owner,
        local=link.vxlan_local,
        dst=entry.dst,
    )
    yield fault(Cause.VXLAN_REMOTE, words, [entry, link], 6, on(owner, "ip addr"))


def _not_flooded(ground: Ground) -> Iterator[Fault]:
    """A machine that floods nothing to the one that floods to it, by a tunnel of one name: ARP gets there one way."""
    for (there, _), entries in ground.leaving.items():
        for entry in entries:
            if entry.mac != ANY_MAC:
                continue
            holders = _owners(ground, entry.dst or "")
            holders.discard(there)
            if len(holders) == 1:
                yield from _not_flooded_back(ground, entry, holders.pop(), there)


def _not_flooded_back(ground: Ground, entry: Entry, at: str, there: str) -> Iterator[Fault]:
    """The machine `at`, to which the entry of `there` leads, has a full list of entries, and none leads back."""
    dev = entry.dev
    is_listed = ground.full(at, FDB, dev) and ground.full(there, ADDRESSES)
    if not is_listed or ground.machine_of.get(at) != at:
        return
    back = ground.leaving.get((at, dev), [])
    flooded = {one.dst for one in back if one.mac == ANY_MAC and one.dst}
    own = ground.underlay(there)
    if not own or not flooded:
        return
    versions = {ip_address(address.ip).version for address in own}
    for remote in map(ip_address, flooded):
        if remote.is_multicast or remote.version not in versions:  # a group may hold it; others were not listed
            return
    addresses = {address.ip for address in ground.addresses[there]}
    if any(one.dst in addresses for one in back):
        return
    words = tr(
        "{at}: {dev} floods to {remotes}, which {there} does not have ({addresses}), though {there} floods to {at}",
        at=at,
        dev=dev,
        remotes=enumerated(sorted(flooded)),
        there=there,
        addresses=_bare(own),
    )
    shows = [*back, entry, *own]
    yield fault(Cause.VXLAN_ENTRY, words, shows, 8, on(at, f"bridge fdb show dev {dev}"))


def _machine_behind(ground: Ground, via: str, entry: Entry) -> str | None:
    """The one machine that has the gateway's address, or the MAC address of the entry on such a device."""
    owners = _owners(ground, via)
    for tunnel in ground.tunnels_by_mac.get(entry.mac, ()):
        owners.add(tunnel.namespace)
    owners.discard(entry.namespace)
    if len(owners) != 1:
        return None
    return owners.pop()


def _bare(addresses: list[Address]) -> str:
    """Addresses without their prefix lengths, one after the other."""
    return enumerated(address.ip for address in addresses)


def _alike(ground: Ground) -> Iterator[Fault]:
    """Two machines whose tunnels have one MAC address: each drops what is for the other (cloned machines have that)."""
    for mac, links in ground.tunnels_by_mac.items():
        for one, two in itertools.pairwise(links):
            if _are_two_machines(ground, one, two):
                words = tr(
                    "{name} of {one} and of {two} have one MAC address, {mac}",
                    name=one.name,
                    one=one.namespace,
                    two=two.namespace,
                    mac=mac,
                )
                yield fault(Cause.DUPLICATE_MAC, words, [one, two], 9)
                break


def _of_two_networks(ground: Ground) -> Iterator[Fault]:
    """Two machines' tunnels of one network with two numbers, or two ports: none takes what the other sends."""
    of_agents = [link for link in ground.tunnels if _is_an_agents(link.name)]
    of_agents.sort(key=lambda link: link.name)
    for one, two in itertools.pairwise(of_agents):
        if one.name != two.name or not _are_two_machines(ground, one, two):
            continue
        for cause, word, of_one, of_two in (
            (Cause.VXLAN_VNI, "VNI", one.vxlan_id, two.vxlan_id),
            (Cause.VXLAN_PORT, "dstport", one.vxlan_port, two.vxlan_port),
        ):
            if of_one is None or of_two is None or of_one == of_two:
                continue
            words = tr(
                "{name} of {one} has {word} {of_one}, that of {two} {of_two}: neither takes what the other sends",
                name=one.name,
                one=one.namespace,
                two=two.namespace,
                word=word,
                of_one=of_one,
                of_two=of_two,
            )
            yield fault(cause, words, [one, two], 9)
            return


def _is_an_agents(name: str) -> bool:
    """Whether a tunnel has a name that an agent gives it, on each machine of its network the same."""
    return cni.FLANNEL_VXLAN.fullmatch(name) is not None or cni.CALICO_VXLAN.fullmatch(name) is not None


def _are_two_machines(ground: Ground, one: Link, two: Link) -> bool:
    """Whether two tunnels are of two machines, and not of one that stands under two names: their addresses differ."""
    if one.namespace == two.namespace:
        return False
    of_one = {address.ip for address in ground.of_device.get(one.device, ())}
    of_two = {address.ip for address in ground.of_device.get(two.device, ())}
    if not of_one or not of_two:
        return False
    return of_one.isdisjoint(of_two)
