"""Do cables join bridges in a circle? Then a frame for everyone goes round for ever: only STP would stop it."""

from __future__ import annotations

from ...facts import Device
from ...inside import quoted
from ...language import tr
from ..lookup import Tables
from .cause import Cause, Diagnosis, Shown, fix, full

FORWARDING = (None, "forwarding")


def switching_loop(tables: Tables) -> Diagnosis | None:
    """The first cable that closes a circle of bridges; None when there is no circle, or STP has opened each."""
    # Bridges that are joined form a group; a cable within one group closes a circle.
    group: dict[Device, Device] = {}

    def root(bridge: Device) -> Device:
        while group.get(bridge, bridge) != bridge:
            bridge = group[bridge]
        return bridge

    seen: set[Device] = set()
    for port in tables.links:
        peer = tables.peer(port)
        if peer is None or port in seen:
            continue
        if not _hands_on(tables, port) or not _hands_on(tables, peer):
            continue
        seen |= {port, peer}
        here, there = tables.master(port), tables.master(peer)
        if here is None or there is None:
            continue
        if root(here) == root(there):
            return _circle(port, peer, here, there)
        group[root(here)] = root(there)
    return None


def _hands_on(tables: Tables, port: Device) -> bool:
    """Whether a port takes frames and sends them out: switched on, with a signal, and not held back by STP."""
    link = tables.link(port)
    if link is None or link.port is None:
        return False
    if not link.up or not link.carrier:
        return False
    return link.port.state in FORWARDING


def _circle(port: Device, peer: Device, here: Device, there: Device) -> Diagnosis:
    cable = f"{port[1]}, {peer[1]}"
    if here == there:
        what = tr("both ends of the cable {cable} are ports of {full}", cable=cable, full=full(here))
    else:
        what = tr(
            "the cable {cable} is one more way from {here} to {there}", cable=cable, here=full(here), there=full(there)
        )
    reason = tr("{what}, and no STP runs: a loop, in which what is for everyone goes round for ever", what=what)
    opened = fix(port[0], f"ip link set {quoted(port[1])} nomaster")
    return Diagnosis(
        cause=Cause.ROUTING_LOOP,
        reason=reason,
        shown=Shown.of(port[0], "bridge link show", f" {port[1]}"),
        fixes=(opened,),
    )
