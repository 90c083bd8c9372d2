"""Is a device in order? There, switched on, with a signal, and large enough for the packet."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

from ...facts import Device
from ...inside import quoted
from ...language import enumerated, tr
from ...wiring.machines import cables
from ..lookup import Tables
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place

ETHERNET, VLAN = 14, 4  # bytes that a veth takes beyond its MTU: __is_skb_forwardable(), include/linux/netdevice.h


def show_link(device: Device, word: str = "") -> Shown:
    """What `ip link` says of a device."""
    namespace, name = device
    line = f"ip link show dev {quoted(name)}"
    return Shown.of(namespace, line, word or "mtu")


def switched_off(tables: Tables, device: Device) -> Diagnosis | None:
    """Why nothing passes a device: missing, down, or without a signal. None when it is in order."""
    namespace, name = device
    link = tables.link(device)
    if link is None:
        shown = Shown.of(namespace, "ip -br link")
        return Diagnosis(Cause.NO_DEVICE, tr("{name} is missing in {namespace}", name=name, namespace=namespace), shown)
    if link.up is False:
        return _down(tables, device, tr("{full} is down", full=full(device)))
    if link.kind in ("bond", "team") and link.carrier is False:
        return _without_a_port(tables, device)
    parent = (str(link.parent_namespace), link.parent) if link.parent else None
    if parent and _is_down(tables, parent):
        reason = tr(
            "{full} ({kind}) is on {parent}, which is down", full=full(device), kind=link.kind, parent=full(parent)
        )
        return _down(tables, parent, reason)
    peer = tables.peer(device)
    # a veth has a signal while its other end is switched on: veth_open(), drivers/net/veth.c
    if link.carrier is False and peer and _is_down(tables, peer):
        reason = tr("{full} has no signal, because {peer} is down", full=full(device), peer=full(peer))
        return _down(tables, peer, reason)
    return None


def _without_a_port(tables: Tables, bond: Device) -> Diagnosis:
    """Why a bond or team has no signal: none of its ports has one. bonding.rst: miimon."""
    namespace, name = bond
    ports = tables.ports(bond)
    kind = str(tables.links[bond].kind)
    shown = Shown.of(namespace, f"ip link show master {quoted(name)}", "state")
    if not ports:
        shown = show_link(bond, "state")
        return Diagnosis(
            Cause.BOND_PORT, tr("{full} is a {kind} and has no port to send by", full=full(bond), kind=kind), shown
        )
    reasons = []
    mends: tuple[Fix, ...] = ()
    for port in ports:
        off = switched_off(tables, port)
        if off is not None:
            reasons.append(off.reason)
            mends += off.fixes
    why = tr("; ").join(reasons) or tr("its ports are {ports}", ports=enumerated(port[1] for port in ports))
    reason = tr("{full} has no signal: none of its ports has one ({why})", full=full(bond), why=why)
    return Diagnosis(Cause.BOND_PORT, reason, shown, mends)


def _is_down(tables: Tables, device: Device) -> bool:
    link = tables.link(device)
    return link is not None and link.up is False


def _down(tables: Tables, device: Device, reason: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.DEVICE_DOWN,
        reason=reason,
        shown=show_link(device, "state"),
        fixes=_switched_on(tables, device),
    )


def _switched_on(tables: Tables, device: Device) -> tuple[Fix, ...]:
    """The lines that switch a device on again, with the routes that it has lost by being off, where these are known.

    A device that is switched off loses all routes but those of its own networks, which come back by themselves. The
    host routes of a cable follow from the addresses at its other end; those of a tunnel follow from nothing here.
    """
    namespace, name = device
    link = tables.link(device)
    if link is None or (link.kind == "vxlan" and not link.master):
        return ()
    dev = quoted(name)
    lines = [f"ip link set {dev} up"]
    if link.master:
        return (fix(namespace, *lines),)
    peer = tables.peer(device)
    if peer and not tables.addresses_of(device):
        for row in tables.addresses_of(peer):
            if row.address.endswith("/32"):
                lines.append(f"ip route replace {row.ip} dev {dev} scope link")
    gateway = only_gateway(tables, device)
    if gateway and not _has_default(tables, namespace):
        lines.append(f"ip route replace default via {gateway}")
    return (fix(namespace, *lines),)


def _has_default(tables: Tables, namespace: str) -> bool:
    defaults = [route for route in tables.facts.routes if route.to == "default"]
    return any(route.namespace == namespace for route in defaults)


def only_gateway(tables: Tables, device: Device) -> str | None:
    """The address of the one router on the wire of a device, when there is just one, and the device's own network
    holds it.
    """
    namespace, _ = device
    for one in tables.links:
        if one[0] == namespace and tables.is_kind(one, "vxlan"):
            return None  # what is behind a tunnel is not reached past it
    own = [row for row in tables.addresses_of(device) if row.family == "inet"]
    networks = [ip_interface(row.address).network for row in own]
    ends_of = cables(tables.snapshot)
    gateways = []
    for other in tables.wire(device):
        is_router = len(ends_of.get(other[0], ())) > 1
        if other[0] == namespace or not is_router:
            continue
        for row in tables.addresses_of(other):
            if row.family != "inet" or row.scope != "global":
                continue
            if any(ip_address(row.ip) in network for network in networks):
                gateways.append(row.ip)
    if len(gateways) != 1:
        return None
    return gateways[0]


def lost_on_a_cable(tables: Tables, device: Device, size: int) -> Diagnosis | None:
    """Why what goes out of a device does not come in at the other end; None where the tables do not tell."""
    peer = tables.peer(device)
    link = tables.link(device)
    if peer is None:
        if link is None or link.kind != "veth" or link.unseen:
            return None
        reason = tr("the other end of {device} is missing", device=device[1])
        return Diagnosis(Cause.PEER_MISSING, reason, show_link(device))
    off = switched_off(tables, peer)
    if off:
        return replace(off, should_be=place(peer))
    far = tables.link(peer)
    if far is None or not far.mtu or size <= far.mtu + ETHERNET + VLAN:
        return None
    near = link.mtu if link and link.mtu else size - ETHERNET
    mend = fix(peer[0], f"ip link set {quoted(peer[1])} mtu {near}")
    return Diagnosis(
        cause=Cause.MTU,
        reason=tr(
            "the packet is of {size} bytes, and {full} takes {mtu} (its MTU)",
            size=size - ETHERNET,
            full=full(peer),
            mtu=far.mtu,
        ),
        shown=show_link(peer),
        fixes=(mend,),
        should_be=place(peer),
    )
