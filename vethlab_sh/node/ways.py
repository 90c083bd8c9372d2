"""What is wrong with routes, addresses and neighbours? Dead ends, two ways for one network, nobody who answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_interface

from ..facts import UNANSWERED, Address, Route
from ..language import tr
from ..packet.causes.cause import Cause
from .cni import CALICO_END, GATEWAY
from .ground import ROUTES, Fault, Ground, Network, fault, on

# Devices that have the same address on every machine that has them
EVERYWHERE = ("docker", "virbr", "br-", "lo", "kube-ipvs", "dummy", "nodelocaldns", "podman", "lxdbr", "incusbr")

OF_VIRTUALBOX = "10.0.2.15"  # the first card's, "Network Address Translation" in VirtualBox's manual


def faults(ground: Ground) -> Iterator[Fault]:
    """What is wrong with the ways of each place."""
    yield from _unanswered(ground)
    yield from _swallowed(ground)
    yield from _without_default(ground)
    yield from _wrong_gateway(ground)
    yield from _wrong_machine(ground)
    yield from _twice(ground)
    yield from _overlapping(ground)
    yield from _same_address(ground)
    yield from _refused(ground)


def _unanswered(ground: Ground) -> Iterator[Fault]:
    """Neighbours that were asked for and did not answer; a tunnel's are told with its routes."""
    for row in ground.facts.neighbours:
        is_open = row.state in UNANSWERED or (row.state is None and row.mac is None)
        if not is_open or ground.is_tunnel(row.namespace, row.dev):
            continue
        state = row.state or "incomplete"
        where = tr(" on {dev}", dev=row.dev) if row.dev else ""
        words = tr(
            "{at}: nobody answers for {ip}{where}, its entry is {state}",
            at=row.namespace,
            ip=row.ip,
            where=where,
            state=state,
        )
        look = tr(
            "{command}   (on {at}, and where {ip} should be)",
            command=f"tcpdump -eni {row.dev or 'any'} arp",
            at=row.namespace,
            ip=row.ip,
        )
        yield fault(Cause.NO_NEIGHBOUR, words, [row], 7, look)


def _swallowed(ground: Ground) -> Iterator[Fault]:
    """Addresses of pods, and those that were pinged, whose best route leads nowhere."""
    with_dead_ends = {route.namespace for route in ground.facts.routes if route.is_dead_end}
    goals = _goals(ground) if with_dead_ends else []
    for at in ground.machines:
        if at not in with_dead_ends or ground.full(at, ROUTES) is None:
            continue
        for ip, line, whose in goals:
            if any(address.namespace == at for address in ground.holders.get(ip, ())):
                continue
            taken = ground.route_for(at, ip)
            if taken is not None and taken.is_dead_end:
                words = tr(
                    "{at}: {route} swallows what is for {ip}, and no longer prefix leads there",
                    at=at,
                    route=taken.words,
                    ip=tr("{ip}, {whose}", ip=ip, whose=whose) if whose else ip,
                )
                yield fault(Cause.DEAD_ROUTE, words, [taken, line], 9, on(at, f"ip route get {ip}"))


def _goals(ground: Ground) -> list[tuple[str, int, str]]:
    """The addresses that somebody wants to reach, each once: those of pods, with whose it is, and those pinged."""
    goals: dict[str, tuple[str, int, str]] = {}
    for at, addresses in ground.addresses.items():
        if ground.machine_of.get(at) == at:
            continue
        for address in addresses:
            goals.setdefault(address.ip, (address.ip, address.line or 0, at))
    for _, line, row in ground.rows("ping statistics"):
        ip = row.get("address") or row.get("target")
        if ip and is_ip(ip) and row.get("received") == 0:
            goals.setdefault(ip, (ip, line, ""))
    for _, line, row in ground.rows("kubectl get pods"):
        ip = row.get("ip")
        if ip and is_ip(ip):
            goals.setdefault(ip, (ip, line, row["pod"]))
    return list(goals.values())


def is_ip(word: str) -> bool:
    """Whether a word is an IP address."""
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


def _without_default(ground: Ground) -> Iterator[Fault]:
    """calico's gateway is answered by proxy ARP only where the machine has a route to it by another device.

    arp_process() in net/ipv4/arp.c asks the routing table for the address; without a route it stays silent.
    """
    for at in ground.machines:
        listed = ground.full(at, ROUTES)
        if listed is None:
            continue
        routes = ground.routes.get(at, [])
        if any(route.to == "default" and not route.is_dead_end for route in routes):
            continue
        ends = [route for route in routes if route.dev and CALICO_END.fullmatch(route.dev)]
        asks: list[Route] = []
        for space in ground.on_machine.get(at, ()):
            asks += [route for route in ground.routes.get(space, ()) if route.via == GATEWAY]
        is_calicos = bool(ends or asks)
        if not is_calicos or ground.route_for(at, GATEWAY) is not None:
            continue
        words = tr(
            "{at} has no default route: it answers ARP for {gateway} only with a route to it by another device",
            at=at,
            gateway=GATEWAY,
        )
        shows = [listed, *ends[:1], *asks[:1]]
        yield fault(Cause.PROXY_ARP_OFF, words, shows, 9, on(at, f"ip route get {GATEWAY}"))


def _wrong_gateway(ground: Ground) -> Iterator[Fault]:
    """A pod that knows its gateway by another MAC address than the one of the device that has it."""
    for cable in ground.cables:
        at = cable.namespace
        node = cable.peer_namespace
        gateway = cable.gateway
        mac = cable.gateway_mac
        if not at or not node or not gateway or not mac:
            continue
        for address in ground.holders.get(gateway, ()):
            link = ground.links.get(address.device)
            if address.namespace != node or not link or not link.mac or link.mac == mac:
                continue
            known = ground.neighbours.get((at, cable.name, gateway))
            words = tr(
                "{at} knows its gateway {gateway} by {mac}, but {name} of {node} has {other_mac}",
                at=at,
                gateway=gateway,
                mac=mac,
                name=link.name,
                node=node,
                other_mac=link.mac,
            )
            look = tr("{command}   (in {at})", command="ip neigh", at=at)
            yield fault(Cause.WRONG_NEIGHBOUR, words, [link, known], 8, look)


def _wrong_machine(ground: Ground) -> Iterator[Fault]:
    """A route to a machine's pods that leads to an address which that machine does not have."""
    for route in ground.facts.routes:
        at = route.namespace
        via = route.via
        if not via or ground.is_tunnel(at, route.dev):
            continue
        owner = ground.owner_of_network(route.to)
        if owner is None or owner.namespace == at or ground.machine_of.get(at) != at:
            continue
        there = owner.namespace
        own = ground.underlay(there)
        beside = [one for one in own if ip_address(via) in ip_interface(one.address).network]
        if not beside or any(one.ip == via for one in ground.addresses[there]):
            continue
        near = beside[0]
        words = tr(
            "{at} sends {to} to {via}, but these are {there}'s pods, and {there} has {ip}",
            at=at,
            to=route.to,
            via=via,
            there=there,
            ip=near.ip,
        )
        yield fault(Cause.WRONG_ROUTE, words, [route, owner, near], 8, on(there, "ip addr"))


def _twice(ground: Ground) -> Iterator[Fault]:
    """One network by two devices: the smaller metric wins, of two alike the one that was there first."""
    for at, routes in ground.routes.items():
        first: dict[tuple[str, str], Route] = {}
        for route in routes:
            key = (route.family, route.to)
            other = first.setdefault(key, route)
            is_same_way = (other.dev, other.kind) == (route.dev, route.kind)
            if other is route or is_same_way or _is_multipath(other, route):
                continue
            is_default = route.to == "default"
            if is_default and route.metric != other.metric:
                continue
            words = tr(
                "{at} has two routes for {to}: {one} and {two}",
                at=at,
                to=route.to,
                one=other.words,
                two=route.words,
            )
            yield fault(Cause.WRONG_ROUTE, words, [other, route], 6, on(at, "ip route get ADDRESS"))


def _is_multipath(one: Route, two: Route) -> bool:
    """Whether both are next hops of one route, which `ip route` lists under one line."""
    if one.line == two.line:
        return True
    return not one.is_whole or not two.is_whole


def _overlapping(ground: Ground) -> Iterator[Fault]:
    """Networks of two devices of a machine of which one holds the other."""
    for at in ground.machines:
        around: list[Address] = []  # those whose networks hold the place where we are, the widest first
        for address in _by_network(ground.addresses.get(at, ())):
            network = ip_interface(address.address).network
            while around and not _holds(around[-1], network):
                around.pop()
            if around and around[-1].dev != address.dev:
                other = around[-1]
                wider = ip_interface(other.address).network
                routes = [route for route in ground.routes.get(at, ()) if route.to == str(network)]
                if wider != network or len(routes) < 2:  # else both routes are told
                    words = tr(
                        "{at}: {dev}'s network {network} and {other_dev}'s {wider} overlap",
                        at=at,
                        dev=address.dev,
                        network=network,
                        other_dev=other.dev,
                        wider=wider,
                    )
                    yield fault(Cause.WRONG_PREFIX, words, [address, other], 6)
            around.append(address)


def _by_network(addresses: Iterable[Address]) -> list[Address]:
    """Addresses by their networks, of two that begin alike the wider first; without networks of one or two hosts."""
    networks = []
    for address in addresses:
        network = ip_interface(address.address).network
        if network.num_addresses > 2:
            order = (network.version, int(network.network_address), network.prefixlen)
            networks.append((order, address))
    networks.sort(key=lambda one: one[0])
    return [address for _, address in networks]


def _holds(address: Address, network: Network) -> bool:
    """Whether the network of an address holds another one: two of them are apart, or one is in the other."""
    wider = ip_interface(address.address).network
    if wider.version != network.version:
        return False
    return network.network_address in wider


def _same_address(ground: Ground) -> Iterator[Fault]:
    """One address on two devices, which their MAC addresses tell apart: one pod may stand under two names in a text."""
    for ip, holders in ground.holders.items():
        counted = [address for address in holders if not address.dev.startswith(EVERYWHERE)]
        for first, second in itertools.pairwise(counted):
            if not _are_two(ground, first, second):
                continue
            words = tr(
                "{one} and {two} have the same address {ip}",
                one=f"{first.namespace} {first.dev}",
                two=f"{second.namespace} {second.dev}",
                ip=ip,
            )
            if ip == OF_VIRTUALBOX:
                words += tr("; VirtualBox's NAT gives it to every machine, and lets none reach another")
            yield fault(Cause.WRONG_NEIGHBOUR, words, [first, second], 8)
            break


def _are_two(ground: Ground, one: Address, two: Address) -> bool:
    """Whether two places that are shown to be on known machines have an address on two devices."""
    if one.namespace == two.namespace:
        return False
    if ground.machine_of.get(one.namespace) is None or ground.machine_of.get(two.namespace) is None:
        return False  # what is on no known machine may be of another network
    macs = []
    for address in (one, two):
        link = ground.links.get(address.device)
        macs.append(link.mac if link else None)
    return None not in macs and macs[0] != macs[1]


def _refused(ground: Ground) -> Iterator[Fault]:
    """Addresses of IPv6 that the kernel does not use, because somebody else answered for them: RFC 4862, 5.4."""
    for address in ground.facts.addresses:
        if not address.dadfailed:
            continue
        words = tr(
            "{device} has {address} and does not use it (dadfailed): another one has answered for it",
            device=f"{address.namespace} {address.dev}",
            address=address.ip,
        )
        yield fault(Cause.ADDRESS_FAILED, words, [address], 8)
