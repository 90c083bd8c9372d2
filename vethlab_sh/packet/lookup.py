"""What do the kernel's tables say about one address, one MAC, one device? A snapshot, asked as the kernel asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from ipaddress import ip_address, ip_interface, ip_network

from ..facts import ANY_MAC, UNANSWERED, Address, Device, Entry, Link, Route
from ..snapshot import Snapshot
from ..wiring import machines


class Tables:
    """The tables of one snapshot; an answer of None means that the kernel has no such entry."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.facts = snapshot.rows
        self.links: dict[Device, Link] = {link.device: link for link in self.facts.links}
        self.addresses: dict[str, list[Device]] = {}
        for address in self.facts.addresses:
            if address.scope == "global":
                self.addresses.setdefault(address.ip, []).append(address.device)

    @property
    def spaces(self) -> list[str]:
        """All namespaces."""
        return [space.namespace for space in self.facts.namespaces]

    def link(self, device: Device | None) -> Link | None:
        """The device, when it is there."""
        return self.links.get(device) if device else None

    def is_kind(self, device: Device | None, kind: str) -> bool:
        """Whether the device is there, and of this kind."""
        link = self.link(device)
        return link is not None and link.kind == kind

    def mac(self, device: Device | None) -> str | None:
        """The device's own MAC address."""
        link = self.link(device)
        return link.mac if link else None

    def master(self, device: Device | None) -> Device | None:
        """The bridge that the device is a port of."""
        link = self.link(device)
        return (link.namespace, link.master) if link and link.master else None

    def peer(self, device: Device | None) -> Device | None:
        """The other end of a veth."""
        link = self.link(device)
        return link.peer_device if link else None

    def owner(self, ip: str | None) -> Device | None:
        """Who has this address; the first, where several have."""
        return next(iter(self.addresses.get(ip or "", ())), None)

    def own(self, namespace: str) -> set[str]:
        """All addresses of a namespace."""
        return {address.ip for address in self.facts.addresses if address.namespace == namespace}

    def addresses_of(self, device: Device) -> list[Address]:
        """The addresses of one device."""
        return [address for address in self.facts.addresses if address.device == device]

    def address(self, namespace: str, ip: str) -> Address | None:
        """The row of a namespace's own address."""
        for address in self.facts.addresses:
            if address.namespace == namespace and address.ip == ip:
                return address
        return None

    def route(self, namespace: str, ip: str) -> Route | None:
        """The route that the kernel takes in its main table: the longest prefix, then the smallest metric."""
        return best(routes_of(self.facts.routes, namespace), ip)

    def next_hop(self, namespace: str, ip: str) -> str | None:
        """The address whose MAC is asked for: the gateway, or the destination itself."""
        route = self.route(namespace, ip)
        return None if route is None or route.dev is None else route.via or ip

    def neighbour(self, device: Device, ip: str) -> str | None:
        """The MAC address that the device's namespace knows for an address."""
        for row in self.facts.neighbours:
            if (row.namespace, row.dev, row.ip) == (*device, ip) and row.state not in UNANSWERED:
                return row.mac
        return None

    def fdb(self, device: Device, mac: str) -> Entry | None:
        """Where a bridge, or a VXLAN device, sends this MAC address; the entry for all others if it has one."""
        namespace, name = device
        entries = [entry for entry in self.facts.fdb if entry.namespace == namespace]
        if self.is_kind(device, "vxlan"):
            entries = [entry for entry in entries if entry.dev == name and entry.dst]
            return _first(entries, mac) or _first(entries, ANY_MAC)
        return _first((entry for entry in entries if entry.master == name), mac)

    def flood(self, tunnel: Device) -> list[Entry]:
        """The entries of a VXLAN device for all that has no entry of its own."""
        return [
            entry
            for entry in self.facts.fdb
            if (entry.namespace, entry.dev) == tunnel and entry.dst and entry.mac == ANY_MAC
        ]

    def tunnel(self, namespace: str, vni: int | None, local: str | None = None) -> Device | None:
        """The VXLAN device of this number, with this address of its own if one is given."""
        for device, link in self.links.items():
            if device[0] == namespace and link.vxlan_id == vni is not None and local in (None, link.vxlan_local):
                return device
        return None

    def ports(self, bridge: Device) -> list[Device]:
        """The ports of a bridge."""
        return [device for device in self.links if self.master(device) == bridge]

    def bridges(self, namespace: str) -> list[Device]:
        """The bridges of a namespace."""
        return [device for device in self.links if device[0] == namespace and self.is_kind(device, "bridge")]

    def wire(self, device: Device) -> list[Device]:
        """The other devices on the same wire: the cable's other end, or all ends of the bridge that it leads to."""
        found: list[Device] = []
        waiting = [device]
        while waiting:
            here = waiting.pop()
            near = [self.peer(here), self.master(here)]
            near += self.ports(here) if self.is_kind(here, "bridge") else []
            for there in near:
                if there and there != device and there not in found:
                    found.append(there)
                    waiting.append(there)
        return found

    def holders(self, mac: str) -> list[Device]:
        """The devices that have this MAC address and could be the end of a frame's way: neither ports nor lo."""
        return [device for device, link in self.links.items() if link.mac == mac and not link.master]

    def depth(self, device: Device) -> int:
        """How many devices a frame that arrives has passed before it comes to this one."""
        link = self.link(device)
        if link is None:
            return 0
        if link.kind == "vxlan" and link.vxlan_dev:
            return 1 + self.depth((device[0], link.vxlan_dev))
        if link.kind == "bridge":
            return 1 + max(map(self.depth, self.ports(device)), default=0)
        return 0

    def way(self, start: str, is_goal: Callable[[str], bool]) -> list[str]:
        """The namespaces from one to the nearest that is meant, from cable to cable; none when no way leads there."""
        return machines.way(self.snapshot, start, is_goal)

    def is_machine(self, namespace: str) -> bool:
        """Whether it plays a machine, through which the packets of others may pass."""
        return machines.plays_machine(self.snapshot, namespace)

    def machine(self, namespace: str) -> str:
        """The machine that a namespace is on; itself when it plays one."""
        return machines.machine_of(self.snapshot, namespace)


def _first(entries: Iterable[Entry], mac: str) -> Entry | None:
    return next((entry for entry in entries if entry.mac == mac), None)


def routes_of(routes: Iterable[Route], namespace: str, table: str = "main") -> list[Route]:
    """The routes of one table of a namespace."""
    return [route for route in routes if route.namespace == namespace and route.table == table]


def best(routes: Iterable[Route], ip: str) -> Route | None:
    """The route that the kernel takes of a table: the longest prefix that holds the address, then the least metric."""
    family = "inet6" if ":" in ip else "inet"
    fitting: list[tuple[int, int, Route]] = []
    for route in routes:
        length = prefix_length(route.to, ip) if route.family == family else None
        if length is not None and route.kind not in ("broadcast", "multicast"):
            fitting.append((length, -(route.metric or 0), route))
    return max(fitting, key=lambda found: found[:2], default=(0, 0, None))[2]


@cache
def prefix_length(to: str, ip: str) -> int | None:
    """The length of a route's prefix when it holds this address."""
    if to == "default":
        return 0
    network = ip_network(to, strict=False)
    return network.prefixlen if ip_address(ip) in network else None


def first_address(tables: Tables, namespace: str) -> Iterator[str]:
    """The addresses of a namespace by which others reach it, IPv4 first, in the kernel's order."""
    own = [row for row in tables.facts.addresses if row.namespace == namespace and row.scope == "global"]
    for row in sorted(own, key=lambda row: row.family):
        yield str(ip_interface(row.address).ip)
