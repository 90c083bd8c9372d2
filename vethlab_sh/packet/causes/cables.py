"""Is a device in order? There, switched on, with a signal, and large enough for the packet."""

from __future__ import annotations

import shlex

from ...facts import Device
from ..lookup import Tables
from .cause import Cause, Diagnosis, Shown, fix, full, place

ETHERNET, VLAN = 14, 4  # bytes that a veth takes beyond its MTU: __is_skb_forwardable(), include/linux/netdevice.h


def show_link(device: Device, word: str = "") -> Shown:
    """What `ip link` says of a device."""
    return Shown.of(device[0], f"ip link show dev {shlex.quote(device[1])}", word or "mtu")


def switched_off(tables: Tables, device: Device) -> Diagnosis | None:
    """Why nothing passes a device: missing, down, or without a signal. None when it is in order."""
    link = tables.link(device)
    if link is None:
        shown = Shown.of(device[0], "ip -br link")
        return Diagnosis(Cause.NO_DEVICE, f"{device[1]} is missing in {device[0]}", shown)
    if link.up is False:
        return _down(device, f"{full(device)} is down")
    parent = (str(link.parent_namespace), link.parent) if link.parent else None
    below = tables.link(parent)
    if parent and below and below.up is False:
        return _down(parent, f"{full(device)} is a {link.kind} on {full(parent)}, which is down")
    peer = tables.peer(device)
    far = tables.link(peer)
    if link.carrier is False and peer and far and far.up is False:
        return _down(peer, f"{full(device)} has no signal, because {full(peer)} is down")
    return None


def _down(device: Device, reason: str) -> Diagnosis:
    mend = fix(device[0], f"ip link set {shlex.quote(device[1])} up")
    return Diagnosis(Cause.DEVICE_DOWN, reason, show_link(device, "state"), (mend,))


def lost_on_a_cable(tables: Tables, device: Device, size: int) -> Diagnosis | None:
    """Why what goes out of a device does not come in at the other end; None where the tables do not tell."""
    peer = tables.peer(device)
    link = tables.link(device)
    if peer is None:
        if link is None or link.kind != "veth" or link.unseen:
            return None
        shown = show_link(device)
        return Diagnosis(Cause.PEER_MISSING, f"the other end of {device[1]} is missing", shown)
    off = switched_off(tables, peer)
    if off:
        return _expecting(off, peer)
    far = tables.link(peer)
    if far and far.mtu and size > far.mtu + ETHERNET + VLAN:
        reason = f"the packet is of {size - ETHERNET} bytes, and {full(peer)} takes {far.mtu} (its MTU)"
        near = link.mtu if link and link.mtu else size - ETHERNET
        mends = (fix(peer[0], f"ip link set {shlex.quote(peer[1])} mtu {near}"),)
        return Diagnosis(Cause.MTU, reason, show_link(peer), mends, place(peer))
    return None


def _expecting(diagnosis: Diagnosis, device: Device) -> Diagnosis:
    return Diagnosis(diagnosis.cause, diagnosis.reason, diagnosis.shown, diagnosis.fixes, place(device))
