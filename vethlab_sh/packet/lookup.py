"""What do the kernel's tables say about one address, one MAC, one device? A snapshot, asked as the kernel asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from ipaddress import ip_address, ip_interface, ip_network

from ..facts import ANY_MAC, UNANSWERED, Address, Device, Entry, Link, Route
from ..snapshot import Snapshot
from ..wiring import machines


def _has_many_owners(ip: str) -> bool:
    """Whether it may be in many places, each with another owner: a loopback or a link-local address."""
    address = ip_address(ip)
    return address.is_loopback or address.is_link_local


class Tables:
    """The tables of one snapshot; an answer of None means that the kernel has no such entry."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.facts = snapshot.rows
        self.links: dict[Device, Link] = {link.device: link for link in self.facts.links}
        self.addresses: dict[str, list[Device]] = {}
        for address in self.facts.addresses:
            if address.scope == "global" or not _has_many_owners(address.ip):
                self.addresses.setdefault(address.ip, []).append(address.device)

    @property
    def spaces(self) -> list[str]:
        """All namespaces."""
        return [space.namespace for space in self.facts.namespaces]

    def link(self, device: Device | None) -> Link | None:
        """The device, when it is there."""
        if not device:
            return None
        return self.links.get(device)

    def is_kind(self, device: Device | None, kind: str) -> bool:
        """Whether the device is there, and of this kind."""
        link = self.link(device)
        return link is not None and link.kind == kind

    def mac(self, device: Device | None) -> str | None:
        """The device's own MAC address."""
        link = self.link(device)
        return link.mac if link else None

    def master(self, device: Device | None) -> Device | None:
        """The bridge that the device is a port of; bonds, teams and VRFs, whose port it may be, are none."""
        link = self.link(device)
        if link is None or link.master is None:
            return None
        master = (link.namespace, link.master)
        if self._is_other_master(master):
            return None
        return master

    def _is_other_master(self, device: Device) -> bool:
        link = self.link(device)
        return link is not None and link.kind in ("bond", "team", "vrf")

    def peer(self, device: Device | None) -> Device | None:
        """The other end of a veth."""
        link = self.link(device)
        return link.peer_device if link else None

    def cable(self, device: Device | None) -> Device | None:
        """The other end of the cable that a device sends by: its own, or that of the card that it is made on."""
        seen: list[Device] = []
        while device is not None and device not in seen:
            peer = self.peer(device)
            if peer is not None:
                return peer
            seen.append(device)
            link = self.link(device)
            device = link.parent_device if link else None
        return None

    def owner(self, ip: str | None) -> Device | None:
        """Who has this address; the first, where several have."""
        if ip is None:
            return None
        owners = self.addresses.get(ip, [])
        return owners[0] if owners else None

    def own(self, namespace: str) -> set[str]:
        """All addresses of a namespace."""
        own = set()
        for address in self.facts.addresses:
            if address.namespace == namespace:
                own.add(address.ip)
        return own

    def addresses_of(self, device: Device) -> list[Address]:
        """The addresses of one device."""
        return [address for address in self.facts.addresses if address.device == device]

    @property
    def is_checking_addresses(self) -> bool:
        """Whether IPv6 still asks whether somebody else has one of these addresses: till then it is not used."""
        for address in self.facts.addresses:
            link = self.link(address.device)
            works = link is not None and link.up and link.carrier
            if works and address.tentative and not address.dadfailed:
                return True
        return False

    def address(self, namespace: str, ip: str) -> Address | None:
        """The row of a namespace's own address."""
        for address in self.facts.addresses:
            if address.namespace == namespace and address.ip == ip:
                return address
        return None

    def route(self, namespace: str, ip: str) -> Route | None:
        """The route that the kernel takes in its main table: the longest prefix, then the smallest metric."""
        routes = routes_of(self.facts.routes, namespace)
        return best(routes, ip)

    def next_hops(self, namespace: str, ip: str) -> list[Route]:
        """The next hops of that route, of which the kernel takes one for each flow: mostly one."""
        routes = routes_of(self.facts.routes, namespace)
        return next_hops(routes, ip)

    def next_hop(self, namespace: str, ip: str) -> str | None:
        """The address whose MAC is asked for: the gateway, or the destination itself."""
        route = self.route(namespace, ip)
        if route is None or route.dev is None:
            return None
        # without a gateway the destination is on the wire itself, and is asked for
        return route.via or ip

    def neighbour(self, device: Device, ip: str) -> str | None:
        """The MAC address that the device's namespace knows for an address."""
        namespace, name = device
        for row in self.facts.neighbours:
            is_meant = row.namespace == namespace and row.dev == name and row.ip == ip
            if is_meant and row.state not in UNANSWERED:
                return row.mac
        return None

    def fdb(self, device: Device, mac: str) -> Entry | None:
        """Where a bridge, or a VXLAN device, sends this MAC address; the entry for all others if it has one."""
        namespace, name = device
        entries = [entry for entry in self.facts.fdb if entry.namespace == namespace]
        if self.is_kind(device, "vxlan"):
            remote = [entry for entry in entries if entry.dev == name and entry.dst]
            # vxlan_find_mac(): an entry for all zeros is for every MAC that has none, drivers/net/vxlan/
            return _first(remote, mac) or _first(remote, ANY_MAC)
        local = [entry for entry in entries if entry.master == name]
        return _first(local, mac)

    def flood(self, tunnel: Device) -> list[Entry]:
        """The entries of a VXLAN device for all that has no entry of its own."""
        entries = []
        for entry in self.facts.fdb:
            is_here = (entry.namespace, entry.dev) == tunnel
            if is_here and entry.dst and entry.mac == ANY_MAC:
                entries.append(entry)
        return entries

    def tunnel(self, namespace: str, vni: int | None, local: str | None = None) -> Device | None:
        """The VXLAN device of this number, with this address of its own if one is given."""
        if vni is None:
            return None
        for device, link in self.links.items():
            wrapping = link.wrapped_in
            if wrapping is None or wrapping.namespace != namespace or link.vxlan_id != vni:
                continue
            if local is None or link.vxlan_local in (None, local):
                return device
        return None

    def ports(self, bridge: Device) -> list[Device]:
        """The ports of a bridge, or of a bond, team or VRF."""
        ports = []
        for device, link in self.links.items():
            if link.master == bridge[1] and device[0] == bridge[0]:
                ports.append(device)
        return ports

    def vrf_table(self, device: Device) -> str | None:
        """The routing table that decides about what comes in by a device: of the VRF that it is a port of, or is."""
        link = self.link(device)
        if link is not None and link.master is not None and link.kind != "vrf":
            link = self.link((link.namespace, link.master))
        if link is None or link.kind != "vrf" or link.vrf_table is None:
            return None
        return str(link.vrf_table)

    def bridges(self, namespace: str) -> list[Device]:
        """The bridges of a namespace."""
        bridges = []
        for device in self.links:
            if device[0] == namespace and self.is_kind(device, "bridge"):
                bridges.append(device)
        return bridges

    def switches(self, namespace: str) -> list[str]:
        """The switches of Open vSwitch that have ports in a namespace, by their names."""
        names = {link.switch for device, link in self.links.items() if device[0] == namespace and link.switch}
        return sorted(names)

    def wire(self, device: Device, without: Device | None = None) -> list[Device]:
        """The other devices on the same wire: the cable's other end, or all ends of the bridge that it leads to.

        without: a bridge beyond which nothing counts.
        """
        on_it: list[Device] = []
        waiting = [device]
        while waiting:
            here = waiting.pop()
            near = [self.peer(here), self.master(here)]
            if self.is_kind(here, "bridge"):
                near += self.ports(here)
            for there in near:
                if there and there not in (device, without) and there not in on_it:
                    on_it.append(there)
                    waiting.append(there)
        return on_it

    def holders(self, mac: str) -> list[Device]:
        """The devices that have this MAC address and could be the end of a frame's way: neither ports nor lo."""
        holders = []
        for device, link in self.links.items():
            if link.mac == mac and not link.master:
                holders.append(device)
        return holders

    def below(self, device: Device) -> Device | None:
        """The device that one is made on, or sends what it wraps by; none where it is made on none."""
        link = self.link(device)
        if link is None:
            return None
        wrapping = link.wrapping
        if wrapping is not None and wrapping.dev and wrapping.namespace:
            return wrapping.namespace, wrapping.dev
        return link.parent_device

    def above(self, device: Device) -> list[Device]:
        """The devices that are made on one."""
        return self._above.get(device, [])

    @cached_property
    def _above(self) -> dict[Device, list[Device]]:
        above: dict[Device, list[Device]] = {}
        for device, link in self.links.items():
            if link.parent_device is not None:
                above.setdefault(link.parent_device, []).append(device)
        return above

    def macs(self, device: Device) -> set[str | None]:
        """The MAC addresses with which frames leave by a device: its own, and those of what is made on it."""
        macs = {self.mac(child) for child in self.above(device)}
        macs.add(self.mac(device))
        return macs

    def wrapping_in(self, namespace: str) -> list[Device]:
        """The tunnel devices whose wrapped packets travel in a namespace, wherever they are themselves."""
        tunnels = []
        for device, link in self.links.items():
            if link.wrapping is not None and link.wrapping.namespace == namespace:
                tunnels.append(device)
        return tunnels

    def _cards(self, namespace: str | None) -> list[Device]:
        """The devices of a namespace that are no tunnels and are made on no other: what they carry is not wrapped."""
        cards = []
        for device, link in self.links.items():
            if link.namespace != namespace or link.kind in ("loopback", "vrf"):
                continue
            if link.wrapping is None and link.parent is None:
                cards.append(device)
        return cards

    def depth(self, device: Device, above: tuple[Device, ...] = ()) -> int:
        """How many devices a frame that arrives has passed before it comes to this one.

        above: those that it comes to later. A bridge may have a tunnel as a port whose packets come by that bridge.
        """
        link = self.link(device)
        if link is None or device in above:
            return 0
        later = (*above, device)
        below = self.below(device)
        if below is not None:
            return 1 + self.depth(below, later)
        if link.wrapping is not None:
            depths = [self.depth(card, later) for card in self._cards(link.wrapping.namespace)]
            return 1 + max(depths, default=0)
        if link.kind in ("bridge", "bond", "team", "vrf"):
            depths = [self.depth(port, later) for port in self.ports(device)]
            return 1 + max(depths, default=0)
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
    for entry in entries:
        if entry.mac == mac:
            return entry
    return None


def routes_of(routes: Iterable[Route], namespace: str, table: str = "main") -> list[Route]:
    """The routes of one table of a namespace."""
    chosen = []
    for route in routes:
        if route.namespace == namespace and route.table == table:
            chosen.append(route)
    return chosen


def best(routes: Iterable[Route], ip: str) -> Route | None:
    """The route that the kernel takes of a table: the longest prefix that holds the address, then the least metric."""
    family = "inet6" if ":" in ip else "inet"
    chosen: Route | None = None
    best_rank = (-1, 0, False)
    for route in routes:
        # these two are not asked for packets to one address; ip-route(8)
        if route.family != family or route.kind in ("broadcast", "multicast"):
            continue
        length = prefix_length(route.to, ip)
        if length is None:
            continue
        rank = (length, -(route.metric or 0), not route.dead)
        if chosen is None or rank > best_rank:
            chosen, best_rank = route, rank
    return chosen


def next_hops(routes: Sequence[Route], ip: str) -> list[Route]:
    """The next hops of the route that the kernel takes of a table, those by which it sends something now.

    Which of several it takes is decided by a hash of the packet's ends: fib_select_multipath(), net/ipv4/.
    """
    chosen = best(routes, ip)
    if chosen is None:
        return []
    if chosen.is_whole:
        return [chosen]
    hops = []
    for route in routes:
        is_same = (route.family, route.kind, route.to, route.metric) == (
            chosen.family, chosen.kind, chosen.to, chosen.metric,
        )  # fmt: skip
        if is_same and not route.is_whole and route.dead == chosen.dead:
            hops.append(route)
    return hops


@cache
def prefix_length(to: str, ip: str) -> int | None:
    """The length of a route's prefix when it holds this address."""
    if to == "default":
        return 0
    network = ip_network(to, strict=False)
    if ip_address(ip) not in network:
        return None
    return network.prefixlen


def first_address(tables: Tables, namespace: str) -> Iterator[str]:
    """The addresses of a namespace by which others reach it, IPv4 first, in the kernel's order.

    Those of lo come after the others: there stand also addresses that others have, of services and anycast.
    """
    own = []
    for row in tables.facts.addresses:
        if row.namespace == namespace and row.scope == "global":
            own.append(row)
    own.sort(key=lambda row: (row.family, row.dev == "lo"))  # inet stands before inet6
    for row in own:
        yield str(ip_interface(row.address).ip)
