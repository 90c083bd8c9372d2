"""What is known of each cable? Both ends, the bridge, the route to the pod, and who answers the pod's ARP.

Works on any snapshot, of pasted text or of this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..facts import Device, Link
from ..language import sentences, tr
from ..packet.lookup import Tables
from ..snapshot import Snapshot
from .cni import CALICO_END, EVERYBODYS_MAC, GATEWAY

COLUMNS = (
    "namespace", "name", "index", "address", "peer_namespace", "peer", "peer_index", "bridge", "route", "gateway",
    "gateway_mac", "answered_by", "how",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cable:
    """A veth or netkit pair as a pod's way out; None is what is not known.

    namespace, name, index, address: the end in the pod; peer_namespace, peer, peer_index: the end on the machine;
    bridge: what that end is plugged into; route: the machine's route to the address; gateway, gateway_mac: the pod's
    next hop and the MAC that it knows for it; answered_by: the device that has this MAC; how: what joins both ends;
    kind: veth or netkit.
    """

    namespace: str | None
    name: str | None
    index: int | None
    address: str | None
    peer_namespace: str | None
    peer: str | None
    peer_index: int | None
    bridge: str | None
    route: str | None
    gateway: str | None
    gateway_mac: str | None
    answered_by: str | None
    how: str | None
    kind: str | None = None


def cables(snapshot: Snapshot) -> tuple[Cable, ...]:
    """Every veth pair once, in the order of the links; of a pair with one end in sight, what that end tells."""
    sides = _Sides(snapshot)
    links = {link.device: link for link in snapshot.rows.links}
    homes = {space.namespace: space.machine for space in snapshot.rows.namespaces}
    found = []
    seen = set()
    for link in links.values():
        if not link.is_cable or link.device in seen:
            continue
        seen.add(link.device)
        other = None
        if link.peer_device:
            other = links.get(link.peer_device)
        if other:
            seen.add(other.device)
        pod, node = _pod_first(link, other, homes)
        found.append(_cable(sides, pod, node))
    return tuple(found)


def _pod_first(link: Link, other: Link | None, homes: Mapping[str, str | None]) -> tuple[Link | None, Link | None]:
    """Both ends, the one on a machine second."""
    if not _is_on_machine(link, homes):
        return link, other
    if other and _is_on_machine(other, homes):
        return link, other
    return other, link


def _is_on_machine(link: Link, homes: Mapping[str, str | None]) -> bool:
    """Whether the namespace of a link plays a machine: a machine is on itself."""
    return homes.get(link.namespace) == link.namespace


class _Sides:
    """What both sides' tables say of an end, found by its device."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.tables = Tables(snapshot)
        self.addresses: dict[Device, str] = {}
        self.gateways: dict[Device, str] = {}
        for address in snapshot.rows.addresses:
            if not address.address.startswith("fe80:"):  # that one is there by itself
                self.addresses.setdefault(address.device, address.address)
        for route in snapshot.rows.routes:
            if route.to == "default" and route.via and route.device:
                self.gateways.setdefault(route.device, route.via)


def _cable(sides: _Sides, pod: Link | None, node: Link | None) -> Cable:
    tables = sides.tables
    address = gateway = mac = route = answered_by = None
    if pod:
        address = sides.addresses.get(pod.device)
        gateway = sides.gateways.get(pod.device)
    if pod and gateway:
        mac = tables.neighbour(pod.device, gateway)
        if not _is_set(tables, pod.device, gateway):
            answered_by = _answered_by(tables, node, gateway, mac)
    if node and address:
        route = _route_to(tables, node, address)
    return Cable(
        namespace=pod.namespace if pod else None,
        name=pod.name if pod else None,
        index=_index(pod, node),
        address=address,
        peer_namespace=node.namespace if node else None,
        peer=node.name if node else None,
        peer_index=_index(node, pod),
        bridge=(node.switch or node.master) if node else None,
        route=route,
        gateway=gateway,
        gateway_mac=mac,
        answered_by=answered_by,
        how=_how(pod) or _how(node),
        kind=next((end.kind for end in (pod, node) if end), None),
    )


def _index(end: Link | None, other: Link | None) -> int | None:
    """The number of an end: its own, or the one by which the other end calls it."""
    if end:
        return end.index
    return other.peer_index if other else None


def _how(end: Link | None) -> str | None:
    return end.how if end else None


def _route_to(tables: Tables, node: Link, address: str) -> str | None:
    """The machine's route to this address, when it leads to this end or to the bridge that it is plugged into."""
    ip = address.partition("/")[0]
    route = tables.route(node.namespace, ip)
    if route is None or route.is_dead_end:
        return None
    if route.dev not in (node.name, node.master):
        return None
    return route.words


def _is_set(tables: Tables, device: Device, ip: str) -> bool:
    """Whether somebody wrote the MAC of this address into the device's table, so that nobody is asked for it."""
    for row in tables.facts.neighbours:
        if (row.namespace, row.dev, row.ip) == (*device, ip):
            return row.state == "PERMANENT"
    return False


def _answered_by(tables: Tables, node: Link | None, gateway: str, mac: str | None) -> str | None:
    """Who answers when the pod asks for its gateway's MAC: a device that has the address, or one that stands in."""
    if node:
        owner = _owner(tables, node.namespace, gateway)
        if owner and mac in (None, owner.mac):
            return tr("{device}, which has {gateway}", device=owner.name, gateway=gateway)
        if mac and mac == node.mac and not owner:
            return _by_proxy(node, gateway)
        if mac is None and not owner and gateway == GATEWAY and _is_calicos(node):
            return _by_proxy(node, gateway)
    if mac == EVERYBODYS_MAC:
        return tr("the end on the node, by proxy ARP: {mac} is what calico gives it", mac=EVERYBODYS_MAC)
    return None


def _by_proxy(node: Link, gateway: str) -> str:
    return tr("{device}, by proxy ARP: nobody has {gateway}", device=node.name, gateway=gateway)


def _is_calicos(node: Link) -> bool:
    """Whether an end is one of calico's, by its name or by the MAC address that it gives all of them."""
    if node.mac == EVERYBODYS_MAC:
        return True
    return CALICO_END.fullmatch(node.name) is not None


def _owner(tables: Tables, namespace: str, ip: str) -> Link | None:
    """The device of a namespace that has an address."""
    for device in tables.addresses.get(ip, ()):
        if device[0] == namespace:
            return tables.links.get(device)
    return None


# ---- in words -----------------------------------------------------------------------------------------------


def sentence(cable: Cable) -> str:
    """A cable as sentences: both ends, then what both sides' tables say of it."""
    parts = [_ends(cable)]
    if cable.route:
        route = tr("{machine} reaches it by the route {route}.", machine=cable.peer_namespace, route=cable.route)
        parts.append(route)
    if cable.answered_by:
        parts.append(_answer(cable))
    return sentences(*parts)


def _answer(cable: Cable) -> str:
    """Who answers the pod's question for its gateway, and with which MAC address where that is known."""
    if not cable.gateway_mac:
        return tr(
            "ARP for its gateway {gateway} is answered by {answered_by}.",
            gateway=cable.gateway,
            answered_by=cable.answered_by,
        )
    return tr(
        "ARP for its gateway {gateway} is answered with {mac} by {answered_by}.",
        gateway=cable.gateway,
        mac=cable.gateway_mac,
        answered_by=cable.answered_by,
    )


def _ends(cable: Cable) -> str:
    pod = _device(cable.namespace, cable.name)
    node = _device(cable.peer_namespace, cable.peer)
    if cable.address:
        pod = tr("{name} ({address})", name=pod, address=cable.address)
    if cable.bridge:
        node = tr("{device}, a port of {bridge}", device=node, bridge=cable.bridge)
    if not pod or not node:
        return _alone(cable, pod or node)
    if cable.kind == "netkit":
        joined = tr("{pod} and {node} are two ends of one netkit pair", pod=pod, node=node)
    else:
        joined = tr("{pod} and {node} are two ends of one cable", pod=pod, node=node)
    if cable.how:
        joined += tr(": {reason}", reason=cable.how)
    return tr("{sentence}.", sentence=joined)


def _alone(cable: Cable, end: str) -> str:
    """A cable of which one end is in sight; end: that one, in words."""
    number = cable.index if cable.peer else cable.peer_index
    if number is None:
        return tr("{end}: its other end is not shown.", end=end)
    return tr("{end}: its other end, number {number} where it is, is not shown.", end=end, number=number)


def _device(namespace: str | None, name: str | None) -> str:
    if not name:
        return ""
    return f"{namespace} {name}"
