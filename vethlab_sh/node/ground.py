"""What does a pasted text show, and of what does it show all? The ground that stands under each sentence on a fault.

That something is missing can be said only of what was listed in full: by a command that asked for nothing narrower,
with no line filtered, left out or not understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from typing import TypeVar

from ..facts import Address, Device, Entry, Link, Neighbour, Route
from ..language import enumerated, tr
from ..packet.causes.cause import Cause
from ..packet.lookup import Tables
from ..snapshot import Snapshot
from ..tables import Row
from . import cni
from .cables import Cable
from .cni import Finding
from .outputs import Output

NEIGHBOURS = ("ip neigh", "arp")
ROUTES = ("ip route", "route")
UNDERLAY_ASIDE = ("cni", "flannel", "docker", "br-", "tunl", "vxlan", "kube", "cali", "lo", "nodelocaldns", "virbr")

Network = IPv4Network | IPv6Network
F = TypeVar("F", Link, Route)


@dataclass(frozen=True)
class Fault:
    """Something that the text shows to be wrong or missing.

    cause: its word, one of those that the live verdict uses; words: a sentence; lines: of the text, that show it;
    weight: how bad, the worst highest; look: the command that decides what the text leaves open, empty when nothing.
    """

    cause: Cause
    words: str
    lines: tuple[int, ...]
    weight: int = 5
    look: str = ""

    @property
    def sentence(self) -> str:
        """Its words with the lines that show it."""
        if not self.lines:
            return self.words
        *first, last = map(str, self.lines)
        if not first:
            return tr("{words} (line {line})", words=self.words, line=last)
        return tr("{words} (lines {lines} and {last})", words=self.words, lines=enumerated(first), last=last)


def fault(cause: Cause, words: str, shows: Sequence[object], weight: int = 5, look: str = "") -> Fault:
    """A fault with the lines of the facts that show it."""
    lines = set()
    for fact in shows:
        line = fact if isinstance(fact, int) else getattr(fact, "line", None)
        if line:
            lines.add(line)
    return Fault(cause, words, tuple(sorted(lines)), weight, look)


def on(at: str, command: str) -> str:
    """A command to look with, and where to type it."""
    return tr("{command}   (on {at})", command=command, at=at)


class Ground:
    """All that a text shows, as the rules on faults ask for it."""

    def __init__(
        self,
        snapshot: Snapshot,
        outputs: Sequence[Output],
        findings: Sequence[Finding],
        cables: Sequence[Cable],
        changed: int = 0,
    ) -> None:
        """changed: the line of the last command that may have changed something: older listings are full no more."""
        self.facts = snapshot.rows
        self.snapshot = snapshot
        self.outputs = outputs
        self.findings = findings
        self.cables = cables
        self.tables = Tables(snapshot)
        self._full: dict[tuple[str, str, str | None], int] = {}
        for output in outputs:
            if output.complete and output.command and output.line > changed:
                self._full.setdefault((output.at, output.name, output.dev), output.line)

    # ---- what was listed in full --------------------------------------------------------------------------------

    def full(self, at: str, names: Sequence[str], dev: str | None = None) -> int | None:
        """The line of a listing of a place that leaves nothing out, of all or of this device; None: there is none."""
        for name in names:
            for asked in (None, dev):
                line = self._full.get((at, name, asked))
                if line is not None:
                    return line
        return None

    # ---- places -------------------------------------------------------------------------------------------------

    @cached_property
    def machines(self) -> list[str]:
        """The places that play machines."""
        spaces = self.facts.namespaces
        return [space.namespace for space in spaces if space.machine == space.namespace]

    @cached_property
    def machine_of(self) -> dict[str, str | None]:
        """The machine that each place is on, as far as it is known."""
        return {space.namespace: space.machine for space in self.facts.namespaces}

    @cached_property
    def links(self) -> dict[Device, Link]:
        """The devices by place and name."""
        return {link.device: link for link in self.facts.links}

    @cached_property
    def addresses(self) -> dict[str, list[Address]]:
        """The addresses by which others reach a place: those that are listed, and those that a route tells of."""
        found: dict[str, list[Address]] = {}
        listed = set()
        for address in self.facts.addresses:
            listed.add((address.namespace, address.ip))
            if address.scope == "global":
                found.setdefault(address.namespace, []).append(address)
        for address in _of_routes(self.facts.routes):
            if (address.namespace, address.ip) not in listed:
                found.setdefault(address.namespace, []).append(address)
        return found

    @cached_property
    def holders(self) -> dict[str, list[Address]]:
        """Who has an address, by the address."""
        found: dict[str, list[Address]] = {}
        for addresses in self.addresses.values():
            for address in addresses:
                found.setdefault(address.ip, []).append(address)
        return found

    @cached_property
    def routes(self) -> dict[str, list[Route]]:
        """The routes of each place."""
        return _by_place(self.facts.routes)

    @cached_property
    def neighbours(self) -> dict[tuple[str, str | None, str], Neighbour]:
        """The neighbours by place, device and address."""
        return {(row.namespace, row.dev, row.ip): row for row in self.facts.neighbours}

    @cached_property
    def entries(self) -> dict[tuple[str, str | None, str], list[Entry]]:
        """The FDB entries that lead to another machine, by place, device and MAC address."""
        found: dict[tuple[str, str | None, str], list[Entry]] = {}
        for entry in self.facts.fdb:
            if entry.dst:
                key = (entry.namespace, entry.dev, entry.mac)
                found.setdefault(key, []).append(entry)
        return found

    def is_tunnel(self, at: str, dev: str | None) -> bool:
        """Whether a device is a VXLAN device, by what the text says or by a name that only such have."""
        if dev is None:
            return False
        link = self.links.get((at, dev))
        if link and link.kind == "vxlan":
            return True
        return cni.FLANNEL_VXLAN.fullmatch(dev) is not None or cni.CALICO_VXLAN.fullmatch(dev) is not None

    def underlay(self, at: str) -> list[Address]:
        """The addresses of a machine's own network: not of its pods', its tunnels or of Docker's."""
        own = []
        for address in self.addresses.get(at, ()):
            link = self.links.get(address.device)
            is_made_here = link is not None and link.kind in ("bridge", "vxlan", "veth", "ipip")
            if not is_made_here and not address.dev.startswith(UNDERLAY_ASIDE):
                own.append(address)
        return own

    @cached_property
    def _owners(self) -> dict[Network, list[Address]]:
        """The machines' addresses, by the network that each is in."""
        found: dict[Network, list[Address]] = {}
        for at in self.machines:
            for address in self.addresses.get(at, ()):
                found.setdefault(ip_interface(address.address).network, []).append(address)
        return found

    def owner_of_network(self, to: str) -> Address | None:
        """The address of the one machine that has a network for its pods; None where none has it, or two."""
        if to == "default" or "/" not in to:
            return None
        network = ip_network(to, strict=False)
        owners = self._owners.get(network, [])
        places = {address.namespace for address in owners}
        if len(places) != 1:
            return None
        return owners[0]

    # ---- what is looked up --------------------------------------------------------------------------------------

    @cached_property
    def links_at(self) -> dict[str, list[Link]]:
        """The devices of each place."""
        return _by_place(self.facts.links)

    @cached_property
    def on_machine(self) -> dict[str, list[str]]:
        """The places that are on each machine, itself among them."""
        found: dict[str, list[str]] = {}
        for at, machine in self.machine_of.items():
            if machine:
                found.setdefault(machine, []).append(at)
        return found

    @cached_property
    def leading(self) -> dict[tuple[str, str | None], list[Route]]:
        """The routes that lead by each device."""
        found: dict[tuple[str, str | None], list[Route]] = {}
        for route in self.facts.routes:
            found.setdefault((route.namespace, route.dev), []).append(route)
        return found

    @cached_property
    def of_device(self) -> dict[Device, list[Address]]:
        """The addresses of each device by which others reach it."""
        found: dict[Device, list[Address]] = {}
        for addresses in self.addresses.values():
            for address in addresses:
                found.setdefault(address.device, []).append(address)
        return found

    @cached_property
    def tunnels(self) -> list[Link]:
        """The VXLAN devices."""
        links = self.facts.links
        return [link for link in links if self.is_tunnel(link.namespace, link.name)]

    @cached_property
    def tunnels_by_mac(self) -> dict[str, list[Link]]:
        """The VXLAN devices by their MAC address."""
        found: dict[str, list[Link]] = {}
        for link in self.tunnels:
            if link.mac:
                found.setdefault(link.mac, []).append(link)
        return found

    @cached_property
    def known_macs(self) -> dict[tuple[str, str | None], set[str | None]]:
        """The MAC addresses of the neighbours on each device."""
        found: dict[tuple[str, str | None], set[str | None]] = {}
        for row in self.facts.neighbours:
            macs = found.setdefault((row.namespace, row.dev), set())
            macs.add(row.mac)
        return found

    @cached_property
    def leaving(self) -> dict[tuple[str, str | None], list[Entry]]:
        """The FDB entries of each device that lead to another machine."""
        found: dict[tuple[str, str | None], list[Entry]] = {}
        for entry in self.facts.fdb:
            if entry.dst:
                found.setdefault((entry.namespace, entry.dev), []).append(entry)
        return found

    @cached_property
    def _networks(self) -> dict[str, dict[Network, Route]]:
        """The routes of each place by where they lead to, of several the one with the smallest metric."""
        found: dict[str, dict[Network, Route]] = {}
        for route in self.facts.routes:
            to = route.to
            if to == "default":
                to = "::/0" if route.family == "inet6" else "0.0.0.0/0"
            own = found.setdefault(route.namespace, {})
            network = ip_network(to, strict=False)
            before = own.get(network)
            if before is None or (route.metric or 0) < (before.metric or 0):
                own[network] = route
        return found

    def route_for(self, at: str, ip: str) -> Route | None:
        """The route that a place takes for an address: the longest prefix that is listed, then the smallest metric."""
        own = self._networks.get(at)
        if not own:
            return None
        address = ip_address(ip)
        for length in range(address.max_prefixlen, -1, -1):
            route = own.get(ip_network((address, length), strict=False))
            if route is not None:
                return route
        return None

    def rows(self, *names: str) -> Iterator[tuple[str, int, Row]]:
        """The rows of some tables, each with its place and its line."""
        for output in self.outputs:
            if output.name in names:
                for record in output.records:
                    yield output.at, record.line, record.row


def _of_routes(routes: Iterable[Route]) -> Iterator[Address]:
    """The addresses for which the kernel made a route: `proto kernel` has the address as `src` (fib_add_ifaddr())."""
    for route in routes:
        if route.proto == "kernel" and route.src and route.dev and route.family == "inet" and "/" in route.to:
            _, _, length = route.to.partition("/")
            yield Address(
                namespace=route.namespace,
                dev=route.dev,
                family=route.family,
                address=f"{route.src}/{length}",
                scope="global",
                line=route.line,
            )


def _by_place(facts: Iterable[F]) -> dict[str, list[F]]:
    found: dict[str, list[F]] = {}
    for fact in facts:
        found.setdefault(fact.namespace, []).append(fact)
    return found
