"""Which end of a veth pair belongs to which, when a text shows them apart? The only one that fits.

Pasted text says `eth0@if32` here and `32: veth...@if3` there. Nothing is guessed: an end that two devices fit is left
open, and the note says so.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import TypeVar

from ..facts import CABLES, Address, Device, Entry, Link, Neighbour, Route
from ..language import either, enumerated, marked, together, tr
from ..snapshot import Facts
from .cni import EVERYBODYS_MAC
from .making import Made

Links = Mapping[Device, Link]
Numbers = tuple[int | None, int | None]  # an end's own, and the one that it gives for the other end
Interface = IPv4Interface | IPv6Interface
BY_NUMBER_ALONE = marked("; nothing but the number says so")
# A machine's end of a cable: its number is one of many, where every pod's eth0 is number 2 or 3
MACHINES_END = re.compile(r"(veth|cali|eni|azv|lxc)[0-9a-f]{6,}")
NETWORK_CARD = re.compile(r"(eth|ens|enp|eno|enx|em|wl|bond|team|ib)[\w.]*")
A = TypeVar("A", Address, Route, Neighbour, Entry)


@dataclass(frozen=True)
class Match:
    """Two links that something in the text calls two ends of one pair; how: what does."""

    one: Link
    two: Link
    how: str


@dataclass(frozen=True)
class Fit:
    """A link whose number fits another's, and how many other facts speak for it."""

    link: Link
    support: int


def pair(facts: Facts, made: Iterable[Made] = ()) -> tuple[list[Link], list[str]]:
    """The links with the other end of each veth (peer_namespace, peer, how), and notes about what is left open.

    facts: what a text says, whose links may have `says` (what stands after the @: `if32` or a name), netns (the
    peer's namespace by name) and line; made: the pairs that a command line makes.
    """
    links = {link.device: link for link in facts.links}
    clues = _Clues(facts)
    fits, contrary = _fits(clues, links)
    best = {device: _best(candidates) for device, candidates in fits.items()}
    joined = dict(links)
    for match in itertools.chain(  # the surest first: who has an end keeps it
        _by_name(links),
        _by_number(links, fits, best),
        _by_table(facts, links),
        _by_command(links, made),
        _by_one_number(clues, links),
    ):
        _join(joined, match)
    notes = [*_open_ends(joined, fits, best), *_refused(joined, contrary)]
    return list(joined.values()), notes


def _join(links: dict[Device, Link], match: Match) -> None:
    """Make two links the ends of one pair, unless one has its end already, or their numbers forbid it."""
    one = links[match.one.device]
    two = links[match.two.device]
    if one.peer is not None or two.peer is not None:
        return
    if not _may_name(one, two) or not _may_name(two, one):
        return
    links[one.device] = _with_end(one, two, match.how)
    links[two.device] = _with_end(two, one, match.how)


def _may_name(here: Link, there: Link) -> bool:
    """Whether the number that a link gives for its other end is this link's, as far as both are known."""
    if here.peer_index is None or there.index is None:
        return True
    return here.peer_index == there.index


def _with_end(here: Link, there: Link, how: str) -> Link:
    return replace(
        here,
        kind=_kind(here, there),
        peer_namespace=there.namespace,
        peer=there.name,
        peer_index=here.peer_index if there.index is None else there.index,
        how=how,
    )


def _kind(here: Link, there: Link) -> str:
    """Of which kind a cable is: a text may tell that of one end only, and the name of an end makes a veth of it."""
    kinds = {here.kind, there.kind}
    return next((kind for kind in CABLES if kind != "veth" and kind in kinds), "veth")


def _open_ends(links: Links, fits: Mapping[Device, list[Fit]], best: Mapping[Device, Link | None]) -> Iterator[str]:
    """A note for each end that more than one device fits which nothing else has taken."""
    for device, candidates in fits.items():
        one = links[device]
        if one.peer is not None or _is_mutual(device, best):
            continue
        free = []
        for fit in candidates:
            two = links[fit.link.device]
            if two.peer is None:
                free.append(f"{two.namespace} {two.name}")
        if free:
            end = f"{one.namespace} {_numbered(one)}"
            yield tr("{end} could belong to {ends}: the text does not tell.", end=end, ends=either(free))


# ---- by numbers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Objection:
    """What speaks against two ends as one pair: of which pod, or which of the two, and the words."""

    namespace: str
    words: str


Contrary = list[tuple[Link, Link, Objection]]  # two links whose numbers fit, and what speaks against them


def _fits(clues: _Clues, links: Links) -> tuple[dict[Device, list[Fit]], Contrary]:
    """`3: eth0@if32` there and `32: veth...@if3` here: for each link those whose number and its own cross.

    Numbers never win over what else the text says: pairs that it speaks against are given apart, with the reason.
    """
    by_numbers: dict[Numbers, list[Link]] = {}
    for link in links.values():
        numbers = (link.index, link.peer_index)
        by_numbers.setdefault(numbers, []).append(link)
    fits: dict[Device, list[Fit]] = {}
    contrary: Contrary = []
    for one in links.values():
        if one.index is None or one.peer_index is None:
            continue
        crossed = (one.peer_index, one.index)
        for two in by_numbers.get(crossed, ()):
            if two is one or not _may_be_elsewhere(one, two):
                continue
            support = clues.support(one, two)
            if support < 0:
                contrary.append((one, two, clues.objection(one, two)))
            elif support > 0 or clues.may_be_one_machine(one.namespace, two.namespace):
                fits.setdefault(one.device, []).append(Fit(two, support))
    return fits, contrary


def _may_be_elsewhere(one: Link, two: Link) -> bool:
    """Whether two ends may be one pair by where they are: in two namespaces, those that each names for the other."""
    if one.namespace == two.namespace:
        return False
    if one.netns not in (None, two.namespace):
        return False
    return two.netns in (None, one.namespace)


def _refused(links: Links, contrary: Contrary) -> Iterator[str]:
    """A note for each end that is open although a number fits, with what speaks against it."""
    for one, two, objection in contrary:
        is_joined = links[one.device].peer is not None or links[two.device].peer is not None
        is_told_from_pod = objection.namespace == one.namespace  # once, and not from the other side too
        if is_joined or not is_told_from_pod:
            continue
        yield tr(
            "{port} fits {pod} by its numbers, but {objection}: the two are not one cable{lines}.",
            port=f"{two.namespace} {_numbered(two)}",
            pod=f"{one.namespace} {_numbered(one)}",
            objection=objection.words,
            lines=_lines(one, two),
        )


def _best(fits: list[Fit]) -> Link | None:
    """The one that most speaks for; none when two are alike."""
    most = max(fit.support for fit in fits)
    best = [fit.link for fit in fits if fit.support == most]
    if len(best) > 1:
        return None
    return best[0]


def _is_mutual(device: Device, best: Mapping[Device, Link | None]) -> bool:
    """Whether the best for a link has this link as its own best."""
    other = best.get(device)
    if other is None:
        return False
    back = best.get(other.device)
    return back is not None and back.device == device


def _by_number(links: Links, fits: Mapping[Device, list[Fit]], best: Mapping[Device, Link | None]) -> Iterator[Match]:
    for device, one in links.items():
        two = best.get(device)
        if two is None or not _is_mutual(device, best):
            continue
        how = tr("{one} and {two}", one=_numbered(one), two=_numbered(two)) + _lines(one, two)
        support = max(fit.support for fit in fits[device] if fit.link is two)
        is_named = two.namespace == one.netns or one.namespace == two.netns
        if support == 0 and not is_named:
            how += tr(BY_NUMBER_ALONE)
        yield Match(one, two, how)


def _by_one_number(clues: _Clues, links: Links) -> Iterator[Match]:
    """An end that only gives the number of the other, as `ethtool -S` and iflink do: the one device of that number."""
    by_number: dict[int | None, list[Link]] = {}
    for link in links.values():
        if link.peer_index is not None and (link.master or MACHINES_END.fullmatch(link.name)):
            by_number.setdefault(link.index, []).append(link)
    for one in links.values():
        if one.index is not None or one.peer_index is None:
            continue
        fitting = []
        for two in by_number.get(one.peer_index, ()):
            if _may_be_elsewhere(one, two) and clues.support(one, two) >= 0:
                fitting.append(two)
        if len(fitting) != 1:
            continue
        two = fitting[0]
        numbers = tr(
            "{name}'s other end is number {number}, and {port}",
            name=one.name,
            number=one.peer_index,
            port=_numbered(two),
        )
        yield Match(one, two, numbers + _lines(one, two) + tr(BY_NUMBER_ALONE))


def _numbered(link: Link) -> str:
    return f"{link.index}: {link.name}@if{link.peer_index}"


class _Clues:
    """What a text says besides numbers, by the device that it is about."""

    def __init__(self, facts: Facts) -> None:
        self._on = {space.namespace: space.on for space in facts.namespaces}
        self._ways: dict[tuple[str, str], set[str]] = {}  # the devices by which a namespace sends to one address
        for route in facts.routes:
            if route.dev and not route.via:
                self._ways.setdefault((route.namespace, _host(route)), set()).add(route.dev)
        self._addresses = _by_device(facts.addresses)
        self._routes = _by_device(facts.routes)
        self._neighbours = _by_device(facts.neighbours)
        self._fdb = _by_device(facts.fdb)

    def may_be_one_machine(self, one: str, two: str) -> bool:
        """Whether nothing says that two namespaces are on two machines."""
        on_one = self._on.get(one)
        on_two = self._on.get(two)
        if on_one is None and on_two is None:
            return True
        return (on_one or one) == (on_two or two)

    def support(self, one: Link, two: Link) -> int:
        """How many other facts say that these two belong together."""
        if_two_is_port = self._for_port(one, two)
        if_one_is_port = self._for_port(two, one)
        return if_two_is_port + if_one_is_port

    def objection(self, one: Link, two: Link) -> Objection:
        """What speaks against two ends as one pair."""
        for pod, port in ((one, two), (two, one)):
            for interface in self._interfaces(pod.device):
                contrary = self._contrary(pod, interface, port)
                if contrary:
                    return Objection(pod.namespace, contrary)
        words = tr("{one} and {two} say otherwise", one=one.namespace, two=two.namespace)
        return Objection(one.namespace, words)

    def _contrary(self, pod: Link, interface: Interface, port: Link) -> str:
        """Where a pod's address is, as a machine's side says it, if not behind this port; empty where it may be."""
        ways = self._ways.get((port.namespace, str(interface.ip)), set())
        if ways and port.name not in ways:
            return tr(
                "{pod}'s {address} is behind {others} for {machine}",
                pod=pod.namespace,
                address=interface,
                others=enumerated(sorted(ways)),
                machine=port.namespace,
            )
        for gateway in self._interfaces((port.namespace, port.master or "")):
            if gateway.version == interface.version and interface.ip not in gateway.network:
                return tr(
                    "{pod}'s {address} is not of {bridge}'s network {network}",
                    pod=pod.namespace,
                    address=interface,
                    bridge=port.master,
                    network=gateway.network,
                )
        return ""

    def _for_port(self, pod: Link, port: Link) -> int:
        """What a machine's tables say of a pod's addresses and MAC at one of its devices, if that is what these are."""
        own = self._interfaces(pod.device)
        ips = {str(interface.ip) for interface in own}
        count = self._entries(pod, port, ips)
        if port.master is None:
            return count
        is_of_the_bridge = False
        for gateway in self._interfaces((port.namespace, port.master)):
            network = gateway.network
            same_version = [one.ip for one in own if one.version == network.version]
            inside = [ip for ip in same_version if ip in network]
            if inside:
                is_of_the_bridge = True
            if len(inside) < len(same_version):  # an address of another network than the bridge's speaks against it
                count -= 1
        if is_of_the_bridge:
            count += 1
        return count

    def _entries(self, pod: Link, port: Link, ips: set[str]) -> int:
        """How many routes to the pod's addresses, neighbours and FDB entries of its MAC lead to this device."""
        count = 0
        for route in self._routes.get(port.device, []):
            if _host(route) in ips:
                count += 1
        for ip in ips:
            ways = self._ways.get((port.namespace, ip), set())
            if ways and port.name not in ways:  # the address is behind another device
                count -= 1
        for neighbour in self._neighbours.get(port.device, []):
            if pod.mac and neighbour.mac == pod.mac:
                count += 1
        for entry in self._fdb.get(port.device, []):
            if entry.mac == pod.mac:
                count += 1
        return count

    def _interfaces(self, device: Device) -> list[Interface]:
        """The addresses of a device by which others reach it."""
        interfaces = []
        for address in self._addresses.get(device, ()):
            if address.scope == "global":
                interfaces.append(_interface(address.address))
        return interfaces


def _by_device(facts: Iterable[A]) -> dict[tuple[str, str | None], list[A]]:
    """The facts of each device, in their order."""
    of_device: dict[tuple[str, str | None], list[A]] = {}
    for fact in facts:
        device = (fact.namespace, fact.dev)
        of_device.setdefault(device, []).append(fact)
    return of_device


@lru_cache(maxsize=4096)
def _interface(address: str) -> Interface:
    return ip_interface(address)


def _host(route: Route) -> str:
    """The address that a route to one address leads to, which `ip route` may print with its prefix."""
    return route.to.removesuffix("/32").removesuffix("/128")


# ---- by names, tables and command lines ---------------------------------------------------------------------


def _by_name(links: Links) -> Iterator[Match]:
    """`tap1@tap2` and `tap2@tap1` in one namespace."""
    for one in links.values():
        if one.says is None:
            continue
        two = links.get((one.namespace, one.says))
        if two is None or two.says != one.name:
            continue
        if one.name < two.name:  # once, and not from the other side too
            how = tr("{one} and {two}", one=f"{one.name}@{two.name}", two=f"{two.name}@{one.name}")
            yield Match(one, two, how + _lines(one, two))


def _by_table(facts: Facts, links: Links) -> Iterator[Match]:
    """A node's FDB entry, neighbour or route names the device behind which a pod's MAC or address is."""
    ports = _no_bridges(links)
    inside = {space.namespace for space in facts.namespaces if space.kind == "pod"}
    by_mac = _by_mac(links)
    by_ip = _by_ip(facts.addresses, links)
    for entry in facts.fdb:
        if entry.dst:  # the MAC is behind another node's VTEP
            continue
        pod = by_mac.get(entry.mac)
        port = ports.get((entry.namespace, entry.dev))
        if pod and port:
            how = tr("{at}'s bridge has {mac} behind {dev}", at=entry.namespace, mac=entry.mac, dev=entry.dev)
            yield from _behind(pod, port, inside, how + _lines(entry))
    for neighbour in facts.neighbours:
        pod = by_mac.get(neighbour.mac)
        port = ports.get((neighbour.namespace, neighbour.dev))
        if pod and port:
            how = tr("{at} has met {mac} on {dev}", at=neighbour.namespace, mac=neighbour.mac, dev=neighbour.dev)
            yield from _behind(pod, port, inside, how + _lines(neighbour))
    for route in facts.routes:
        if route.via:  # the address is behind another router
            continue
        pod = by_ip.get(_host(route))
        port = ports.get((route.namespace, route.dev))
        if pod and port:
            how = tr("{at} sends {to} to {dev}", at=route.namespace, to=route.to, dev=route.dev)
            yield from _behind(pod, port, inside, how + _lines(route))


def _no_bridges(links: Links) -> dict[tuple[str, str | None], Link]:
    """The links less those that are bridges, which have ports instead of another end."""
    bridges = {(link.namespace, link.master) for link in links.values() if link.master}
    ports: dict[tuple[str, str | None], Link] = {}
    for device, link in links.items():
        if device not in bridges:
            ports[device] = link
    return ports


def _behind(pod: Link, port: Link, inside: Collection[str], how: str) -> Iterator[Match]:
    """The match of what an entry is about with the device that it names, if these can be two ends of one pair.

    inside: the namespaces that a command line has entered. Who meets another's card on his own is on one segment with
    it: that is no cable of the two.
    """
    if pod.namespace == port.namespace:
        return
    if not _may_be_end(pod) or not _may_be_end(port):
        return
    is_entered = pod.namespace in inside and not NETWORK_CARD.fullmatch(port.name)
    if is_entered or _is_end(port) or _is_end(pod):
        yield Match(pod, port, how)


def _may_be_end(link: Link) -> bool:
    """Whether it can be an end of a pair that leads elsewhere: nothing says that it is something else."""
    if link.kind not in (None, *CABLES):
        return False
    if link.says is None:
        return True
    return re.fullmatch(r"(if)?\d*", link.says) is not None  # else the other end is in the same namespace


def _is_end(link: Link) -> bool:
    """Whether something says that it is an end of a pair: `ip -d link`, the number behind its @, or its name."""
    return link.is_cable


def _by_mac(links: Links) -> dict[str | None, Link]:
    """The links by their MAC address, those that no other has."""
    counts = Counter(link.mac for link in links.values())
    unique: dict[str | None, Link] = {}
    for link in links.values():
        if not link.mac or link.mac == EVERYBODYS_MAC:
            continue
        if counts[link.mac] == 1:
            unique[link.mac] = link
    return unique


def _by_ip(addresses: Iterable[Address], links: Links) -> dict[str, Link]:
    """The links by their addresses, those that no other has."""
    holders: dict[str, set[Device]] = {}
    for address in addresses:
        if address.scope != "global" or address.device not in links:
            continue
        devices = holders.setdefault(address.ip, set())
        devices.add(address.device)
    unique = {}
    for ip, devices in holders.items():
        if len(devices) == 1:
            unique[ip] = links[devices.pop()]
    return unique


def _by_command(links: Links, made: Iterable[Made]) -> Iterator[Match]:
    for both in made:
        one = links.get(both.one)
        two = links.get(both.two)
        if one and two:
            yield Match(one, two, tr("made as one pair (line {line})", line=both.line))


def _lines(*facts: Link | Entry | Neighbour | Route) -> str:
    """` (lines 3 and 9)`, where facts have lines."""
    numbers = sorted({fact.line for fact in facts if fact.line})
    if not numbers:
        return ""
    if len(numbers) == 1:
        return tr(" (line {line})", line=numbers[0])
    return tr(" (lines {lines})", lines=together(map(str, numbers)))
