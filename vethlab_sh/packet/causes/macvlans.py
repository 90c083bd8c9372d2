"""Do two devices on one parent hear each other? Not the parent itself, and others in mode bridge only."""

from __future__ import annotations

from collections.abc import Iterable

from ...facts import Device, Link
from ...inside import quoted
from ...language import tr
from ..sighting import ASKS, TELLS, Sighting
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
    shown = Shown.of(link.namespace, f"ip -d link show dev {quoted(link.name)}", link.kind)
    owners = scene.owners(_goal(scene, last))
    if parent in owners:
        reason = tr(
            "{full} ({kind}) is on {parent}, and the two do not talk to each other",
            full=full(link.device),
            kind=link.kind,
            parent=full(parent),
        )
        return Diagnosis(Cause.MACVLAN, reason, shown)
    has_siblings = False
    for owner in owners:
        other = scene.link(owner)
        if other is None or (other.parent_namespace, other.parent) != (link.parent_namespace, link.parent):
            continue
        has_siblings = True
        off = switched_off(scene.tables, owner)
        if off is not None:
            return off
        if not _hears(link, other):
            return _not_sent_back(scene, link, owner, parent) or _kept_apart(link, owner, shown)
    # to each other the devices on a parent talk also while it is down; to all others they do not
    if has_siblings:
        return None
    return switched_off(scene.tables, link.device)


def _goal(scene: Scene, last: Sighting) -> str:
    """Who it is for; of an answer about a MAC who asked."""
    if last.kind not in TELLS:
        return last.dst_ip
    for one in scene.course.questions:
        if one.kind in ASKS and one.dst_ip == last.src_ip:
            return one.src_ip
    return last.dst_ip


def _hears(link: Link, other: Link) -> bool:
    """Whether one of two devices on a parent gets what the other sends.

    Of macvlans who gets it decides, whatever the mode of who sends; of ipvlans the flags, which all on a parent share:
    ipvlan_xmit_mode_l2(), drivers/net/ipvlan/ipvlan_core.c.
    """
    if link.kind == "ipvlan":
        words = f"{link.mode} {other.mode}".split()
        return "private" not in words and "vepa" not in words
    return other.mode == "bridge"


def _not_sent_back(scene: Scene, link: Link, other: Device, parent: Device) -> Diagnosis | None:
    """Two of mode vepa: the switch behind their parent has to send frames back where they came from (bridge(8))."""
    far_end = scene.link(scene.tables.peer(parent))
    if link.mode != "vepa" or far_end is None:
        return None
    if far_end.master is None or far_end.port is None or far_end.port.hairpin is not False:
        return None
    reason = tr(
        "{full} and {other} are {kind} devices of mode vepa on {parent}: what one sends comes back to the other by "
        "{master} only, and hairpin is off at its port {port}",
        full=full(link.device),
        other=full(other),
        kind=link.kind,
        parent=full(parent),
        master=far_end.master,
        port=full(far_end.device),
    )
    switch, port = far_end.namespace, quoted(far_end.name)
    mend = fix(switch, f"bridge link set dev {port} hairpin on")
    return Diagnosis(
        cause=Cause.MACVLAN,
        reason=reason,
        shown=Shown.of(switch, f"bridge -d link show dev {port}", "hairpin"),
        fixes=(mend,),
    )


def _kept_apart(link: Link, other: Device, shown: Shown) -> Diagnosis:
    """Two macvlan devices of one parent whose mode is not bridge: ip-link(8), macvlan modes."""
    reason = tr(
        "{full} and {other} are {kind} devices of mode {mode} on {parent}: what one sends does not come to the other, "
        "which only mode bridge does",
        full=full(link.device),
        other=full(other),
        kind=link.kind,
        mode=link.mode,
        parent=link.parent,
    )
    mend: Fix = ()
    changed = "macvlan mode bridge"
    if link.kind == "ipvlan":
        changed = f"ipvlan mode {str(link.mode).split()[0]} bridge"
    for namespace, name in (link.device, other):
        mend += fix(namespace, f"ip link set {quoted(name)} type {changed}")
    return Diagnosis(
        cause=Cause.MACVLAN,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )
