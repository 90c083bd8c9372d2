"""What do the kernel's tables say about one address, one MAC, one device? A snapshot, asked as the kernel asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from ..facts import Link, Route
from ..snapshot import Snapshot
from ..wiring import machines

Row = dict[str, Any]
Device = tuple[str, str]
ANY_MAC = "00:00:00:00:00:00"
DEAD_ENDS = ("blackhole", "unreachable", "prohibit", "throw")


class Tables:
    """The tables of one snapshot; an answer of None means that the kernel has no such entry."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.rows = snapshot.rows
        self.links: dict[Device, Link] = {link.device: link for link in self.rows.links}
        self.addresses: dict[str, list[Device]] = {}
        for row in self.rows["addresses"]:
            if row["scope"] == "global":
                owners = self.addresses.setdefault(row["address"].partition("/")[0], [])
                owners.append((row["namespace"], row["dev"]))

    def link(self, device: Device) -> Any:
        """The device's Link; an empty row when it is not there any more."""
        return self.links.get(device, {})

    def peer(self, device: Device) -> Device | None:
        """The other end of a veth."""
        link = self.link(device)
        return (link["peer_namespace"], link["peer"]) if link.get("peer") else None

    def owner(self, ip: str | None) -> Device | None:
        """Who has this address."""
        return next(iter(self.addresses.get(ip or "", ())), None)

    def own(self, namespace: str) -> set[str]:
        """All addresses of a namespace."""
        rows = (row for row in self.rows["addresses"] if row["namespace"] == namespace)
        return {row["address"].partition("/")[0] for row in rows}

    def route(self, namespace: str, ip: str) -> Route | None:
        """The route that the kernel takes: the longest prefix, then the smallest metric."""
        version = "inet6" if ":" in ip else "inet"
        fits: list[tuple[int, int, Route]] = []
        for route in self.rows.routes:
            if route.namespace != namespace or route.family != version or route.kind in ("broadcast", "multicast"):
                continue
            length = _prefix(route.to, ip)
            if length is not None:
                fits.append((length, -(route.metric or 0), route))
        return max(fits, key=lambda fit: fit[:2])[2] if fits else None

    def next_hop(self, namespace: str, ip: str) -> str | None:
        """The address whose MAC is asked for: the gateway, or the destination itself."""
        route = self.route(namespace, ip)
        return None if route is None or route["dev"] is None else route["via"] or ip

    def neighbour(self, device: Device, ip: str) -> str | None:
        """The MAC address that the device's namespace knows for an address."""
        rows = (r for r in self.rows["neighbours"] if (r["namespace"], r["dev"], r["ip"]) == (*device, ip))
        return next((r["mac"] for r in rows if r["state"] not in ("FAILED", "INCOMPLETE")), None)

    def fdb(self, device: Device, mac: str) -> Row | None:
        """Where a bridge, or a VXLAN device, sends this MAC address; the entry for all others if it has one."""
        namespace, name = device
        rows = [row for row in self.rows["fdb"] if row["namespace"] == namespace]
        if self.link(device).get("kind") == "vxlan":
            rows = [row for row in rows if row["dev"] == name and row["dst"]]
            return _first(rows, mac) or _first(rows, ANY_MAC)
        return _first((row for row in rows if row["master"] == name), mac)

    def tunnel(self, namespace: str, vni: int, local: str | None = None) -> Device | None:
        """The VXLAN device of this number, with this address of its own if one is given."""
        for device, row in self.links.items():
            if device[0] == namespace and row.get("vxlan_id") == vni and local in (None, row["vxlan_local"]):
                return device
        return None

    def ports(self, bridge: Device) -> list[Device]:
        """The ports of a bridge."""
        return [d for d, row in self.links.items() if d[0] == bridge[0] and row["master"] == bridge[1]]

    def depth(self, device: Device) -> int:
        """How many devices a frame that arrives has passed before it comes to this one."""
        link = self.link(device)
        if link.get("kind") == "vxlan" and link.get("vxlan_dev"):
            return 1 + self.depth((device[0], link["vxlan_dev"]))
        if link.get("kind") == "bridge":
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


def _first(rows: Iterable[Row], mac: str) -> Row | None:
    return next((row for row in rows if row["mac"] == mac), None)


@cache
def _prefix(to: str, ip: str) -> int | None:
    """The length of a route's prefix when it holds this address."""
    if to == "default":
        return 0
    network = ip_network(to, strict=False)
    return network.prefixlen if ip_address(ip) in network else None


def said(route: Route) -> str:
    """A route in the words of `ip route`: `10.244.1.0/24 via 10.244.1.0 dev flannel.1`."""
    kind = "" if route.kind == "unicast" else f"{route.kind} "
    via = f" via {route.via}" if route.via else ""
    device = f" dev {route.dev}" if route.dev and route.dev != "lo" else ""
    return f"{kind}{route.to}{via}{device}"


def first_address(tables: Tables, namespace: str) -> Iterator[str]:
    """The addresses of a namespace by which others reach it, IPv4 first, in the kernel's order."""
    rows = [r for r in tables.rows["addresses"] if r["namespace"] == namespace and r["scope"] == "global"]
    for row in sorted(rows, key=lambda row: row["family"]):
        yield str(ip_interface(row["address"]).ip)
