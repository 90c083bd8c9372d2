"""Is a device in order? There, switched on, with a signal, and large enough for the packet."""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_address, ip_interface

from ...facts import Device
from ...wiring.machines import cables
from ..lookup import Tables
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place

ETHERNET, VLAN = 14, 4  # bytes that a veth takes beyond its MTU: __is_skb_forwardable(), include/linux/netdevice.h


def show_link(device: Device, word: str = "") -> Shown:
    """What `ip link` says of a device."""
    return Shown.of(device[0], f"ip link show dev {shlex.quote(device[1])}", word or "mtu")


def switched_off(tables: Tables, device: Device) -> Diagnosis | None:
    """Why nothing passes a device: missing, down, or without a signal. None when it is in order."""
    link = tables.link(device)
    if link is None:
        shown = Shown.of(device[0], "ip -br link")
        return Diagnosis(
            cause=Cause.NO_DEVICE,
            reason=f"{device[1]} is missing in {device[0]}",
            shown=shown,
        )
    if link.up is False:
        return _down(tables, device, f"{full(device)} is down")
    parent = (str(link.parent_namespace), link.parent) if link.parent else None
    below = tables.link(parent)
    if parent and below and below.up is False:
        return _down(tables, parent, f"{full(device)} is a {link.kind} on {full(parent)}, which is down")
    peer = tables.peer(device)
    far = tables.link(peer)
    if link.carrier is False and peer and far and far.up is False:
        return _down(tables, peer, f"{full(device)} has no signal, because {full(peer)} is down")
    return None


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
    link = tables.link(device)
    if link is None or (link.kind == "vxlan" and not link.master):
        return ()
    lines = [f"ip link set {shlex.quote(device[1])} up"]
    peer = tables.peer(device)
    if peer and not link.master and not tables.addresses_of(device):
        for row in tables.addresses_of(peer):
            if row.address.endswith("/32"):
                lines.append(f"ip route replace {row.ip} dev {shlex.quote(device[1])} scope link")
    gateway = None if link.master else only_gateway(tables, device)
    if gateway and not any(route.namespace == device[0] and route.to == "default" for route in tables.facts.routes):
        lines.append(f"ip route replace default via {gateway}")
    return (fix(device[0], *lines),)


def only_gateway(tables: Tables, device: Device) -> str | None:
    """The address of the one router on the wire of a device, when there is just one, and the device's own network
    holds it.
    """
    if any(tables.is_kind(one, "vxlan") for one in tables.links if one[0] == device[0]):
        return None  # what is behind a tunnel is not reached past it
    own = [row.address for row in tables.addresses_of(device) if row.family == "inet"]
    gateways = []
    for other in tables.wire(device):
        if other[0] == device[0] or len(cables(tables.snapshot).get(other[0], ())) < 2:
            continue
        for row in tables.addresses_of(other):
            near = any(ip_address(row.ip) in ip_interface(address).network for address in own)
            if row.family == "inet" and row.scope == "global" and near:
                gateways.append(row.ip)
    return gateways[0] if len(gateways) == 1 else None


def lost_on_a_cable(tables: Tables, device: Device, size: int) -> Diagnosis | None:
    """Why what goes out of a device does not come in at the other end; None where the tables do not tell."""
    peer = tables.peer(device)
    link = tables.link(device)
    if peer is None:
        if link is None or link.kind != "veth" or link.unseen:
            return None
        shown = show_link(device)
        return Diagnosis(
            cause=Cause.PEER_MISSING,
            reason=f"the other end of {device[1]} is missing",
            shown=shown,
        )
    off = switched_off(tables, peer)
    if off:
        return replace(off, should_be=place(peer))
    far = tables.link(peer)
    if far and far.mtu and size > far.mtu + ETHERNET + VLAN:
        reason = f"the packet is of {size - ETHERNET} bytes, and {full(peer)} takes {far.mtu} (its MTU)"
        near = link.mtu if link and link.mtu else size - ETHERNET
        mends = (fix(peer[0], f"ip link set {shlex.quote(peer[1])} mtu {near}"),)
        return Diagnosis(
            cause=Cause.MTU,
            reason=reason,
            shown=show_link(peer),
            fixes=mends,
            should_be=place(peer),
        )
    return None
