"""Do two devices on one parent hear each other? Not the parent itself, and others in mode bridge only."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ...facts import Device, Link
from ..sighting import Sighting
from .cables import switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full
from .scene import Scene

KINDS = ("macvlan", "macvtap", "ipvlan")


def kept_apart_on_a_parent(scene: Scene, sightings: Iterable[Sighting]) -> Diagnosis | None:
    """Whether one of these went out of a device that does not talk to who it is for.

    The frame may well be seen further on: the parent sends it out, to all others on the wire.
    """
    for one in sightings:
        if one.way == "out":
            found = not_to_the_parent(scene, one)
            if found:
                return found
    return None


def not_to_the_parent(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A macvlan device and the device it is on do not hear each other (macvlan.c sends out, never up)."""
    link = scene.link(last.place)
    if link is None or link.kind not in KINDS or link.parent is None:
        return None
    parent = (str(link.parent_namespace), link.parent)
    shown = Shown.of(link.namespace, f"ip -d link show dev {link.name}", link.kind)
    owners = scene.owners(last.dst_ip)
    if parent in owners:
        reason = f"{full(link.device)} is a {link.kind} on {full(parent)}, and the two do not talk to each other"
        return Diagnosis(Cause.MACVLAN, reason, shown)
    for owner in owners:
        other = scene.link(owner)
        if other is None or (other.parent_namespace, other.parent) != (link.parent_namespace, link.parent):
            continue
        off = switched_off(scene.tables, owner)
        if off is not None:
            return off
        if other.mode != "bridge":  # who gets it decides, whatever the mode of who sends
            return _not_sent_back(scene, link, owner, parent) or _kept_apart(link, owner, shown)
    return None


def _not_sent_back(scene: Scene, link: Link, other: Device, parent: Device) -> Diagnosis | None:
    """Two of mode vepa: the switch behind their parent has to send frames back where they came from (bridge(8))."""
    far_end = scene.link(scene.tables.peer(parent))
    if link.mode != "vepa" or far_end is None:
        return None
    if far_end.master is None or far_end.port is None or far_end.port.hairpin is not False:
        return None
    reason = (
        f"{full(link.device)} and {full(other)} are {link.kind} devices of mode vepa on {full(parent)}: what one sends "
        f"comes back to the other by {far_end.master} only, and hairpin is off at its port {full(far_end.device)}"
    )
    switch, port = far_end.namespace, shlex.quote(far_end.name)
    mend = fix(switch, f"bridge link set dev {port} hairpin on")
    return Diagnosis(
        cause=Cause.MACVLAN,
        reason=reason,
        shown=Shown.of(switch, f"bridge -d link show dev {port}", "hairpin"),
        fixes=(mend,),
    )


def _kept_apart(link: Link, other: Device, shown: Shown) -> Diagnosis:
    """Two macvlan devices of one parent whose mode is not bridge: ip-link(8), macvlan modes."""
    reason = (
        f"{full(link.device)} and {full(other)} are {link.kind} devices of mode {link.mode} on {link.parent}: "
        "what one sends does not come to the other, which only mode bridge does"
    )
    mend: Fix = ()
    for namespace, name in (link.device, other):
        mend += fix(namespace, f"ip link set {name} type macvlan mode bridge")
    return Diagnosis(
        cause=Cause.MACVLAN,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )
