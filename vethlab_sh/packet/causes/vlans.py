"""Why does a frame not get where its VLAN tag should bring it? VLAN devices, and bridges that look at VLANs.

vlan_do_receive(), net/8021q/vlan_core.c; br_allowed_ingress() and br_allowed_egress(), net/bridge/br_vlan.c.
"""

from __future__ import annotations

from dataclasses import replace

from ...facts import Device, Link, PortVlan
from ...inside import quoted
from ...language import enumerated, tr
from ..sighting import USUAL_TAG, Sighting
from .cables import switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place
from .scene import Scene


def tag_not_taken(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why a tag stays on a frame that came in at a card: no VLAN device on it with this number, or one that is off."""
    if last.vlan is None or last.way != "in":
        return None
    card = last.place
    others = []
    for child in scene.tables.above(card):
        link = scene.link(child)
        if link is None or link.vlan_id is None:
            continue
        if last.has_tag_of(link):
            off = switched_off(scene.tables, child)
            return replace(off, should_be=place(child)) if off else None
        others.append(link)
    is_other_tag = any(link.vlan_id == last.vlan for link in others)
    tag = f"{last.vlan} ({last.vlan_protocol})" if is_other_tag else str(last.vlan)
    if is_other_tag:
        reason = tr(
            "the frame has the tag of VLAN {tag}, and {card} has no VLAN device with this number and protocol",
            tag=tag,
            card=full(card),
        )
    else:
        reason = tr(
            "the frame has the tag of VLAN {tag}, and {card} has no VLAN device with this number",
            tag=tag,
            card=full(card),
        )
    for link in others:
        number = str(link.vlan_id)
        if is_other_tag and link.vlan_protocol:
            number += f" ({link.vlan_protocol})"
        reason += tr("; {name} has {number}", name=link.name, number=number)
    space = card[0]
    return Diagnosis(
        cause=Cause.VLAN_TAG,
        reason=reason,
        shown=Shown.of(space, "ip -d link show type vlan", "vlan protocol"),
    )


def not_let_in(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """Why a bridge that looks at VLANs takes no frame of this one at the port by which it came in."""
    port = scene.link(last.place)
    if not _looks_at_vlans(scene, bridge) or port is None or last.way != "in":
        return None
    tag = _tag(scene, bridge, last)
    if tag is not None:
        if _entry(port, tag):
            return None
        closed = tr(
            "{port}, a port of {bridge}, does not let VLAN {vlan} in",
            port=full(port.device),
            bridge=port.master,
            vlan=tag,
        )
        return _closed(port, tag, closed)
    if _pvid(port) is not None:
        return None
    kind = _protocol(scene, bridge) if last.vlan else "VLAN"  # it has one, which this bridge does not look at
    reason = tr(
        "the frame has no {kind} tag, and {port}, a port of {bridge}, has no PVID for such frames",
        kind=kind,
        port=full(port.device),
        bridge=bridge[1],
    )
    mends: tuple[Fix, ...] = ()
    if len(port.vlans) == 1:
        mends = (_added(port, port.vlans[0].vlan, "pvid untagged"),)
    return Diagnosis(Cause.VLAN_PORT, reason, _show(port.device), mends)


def not_let_out(scene: Scene, bridge: Device, last: Sighting, port: Device) -> Diagnosis | None:
    """Why a bridge that looks at VLANs sends a frame of this one not out at a port."""
    link = scene.link(port)
    vlan = vlan_of(scene, bridge, last)
    if link is None or vlan is None or _entry(link, vlan):
        return None
    closed = tr(
        "{port}, a port of {bridge}, does not let VLAN {vlan} out",
        port=full(link.device),
        bridge=link.master,
        vlan=vlan,
    )
    return _closed(link, vlan, closed)


def not_let_up(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """Why what is for the machine itself does not leave a bridge that looks at VLANs: the bridge is not in this one."""
    link = scene.link(bridge)
    vlan = vlan_of(scene, bridge, last)
    if link is None or vlan is None or _entry(link, vlan):
        return None
    reason = tr(
        "{bridge} itself is not in VLAN {vlan}, in which the frame came in at {device}{others}",
        bridge=full(bridge),
        vlan=vlan,
        device=last.device,
        others=_those(link),
    )
    mends: tuple[Fix, ...] = ()
    if _tag(scene, bridge, last) is not None:
        mend = fix(link.namespace, f"bridge vlan add dev {quoted(link.name)} vid {vlan} self")
        mends = (mend,)
    return Diagnosis(Cause.VLAN_PORT, reason, _show(bridge), mends)


def vlan_of(scene: Scene, bridge: Device, last: Sighting) -> int | None:
    """The VLAN in which a frame passes a bridge: by its tag, or by the PVID of where it came in. None: no VLANs."""
    if not _looks_at_vlans(scene, bridge):
        return None
    tag = _tag(scene, bridge, last)
    if tag is not None:
        return tag
    came_by = scene.link(last.place)
    if came_by is None:
        return None
    return _pvid(came_by)


def _tag(scene: Scene, bridge: Device, last: Sighting) -> int | None:
    """The VLAN of the tag that a bridge looks at; None where the frame has none for it.

    A tag of VLAN 0 is a priority only (802.1Q). One of another protocol than the bridge's is a part of what the frame
    carries, and the bridge puts its own before it: br_handle_vlan() and __allowed_ingress(), net/bridge/br_vlan.c.
    """
    if not last.vlan or last.vlan_protocol != _protocol(scene, bridge):
        return None
    return last.vlan


def _protocol(scene: Scene, bridge: Device) -> str:
    """The protocol of the tags that a bridge looks at."""
    link = scene.link(bridge)
    return (link and link.vlan_protocol) or USUAL_TAG


def _looks_at_vlans(scene: Scene, bridge: Device) -> bool:
    link = scene.link(bridge)
    return bool(link and link.vlan_filtering)


def _entry(link: Link, vlan: int) -> PortVlan | None:
    for entry in link.vlans:
        if entry.vlan == vlan:
            return entry
    return None


def _pvid(link: Link) -> int | None:
    for entry in link.vlans:
        if entry.pvid:
            return entry.vlan
    return None


def _closed(port: Link, vlan: int, closed: str) -> Diagnosis:
    """A port that a VLAN does not pass. closed: which way, in words."""
    is_trunk = any(not entry.untagged for entry in port.vlans)
    mends: tuple[Fix, ...] = ()
    if is_trunk or not port.vlans:
        mends = (_added(port, vlan),)
    return Diagnosis(
        cause=Cause.VLAN_PORT,
        reason=f"{closed}{_those(port)}",
        shown=_show(port.device),
        fixes=mends,
        should_be=place(port.device),
    )


def _those(link: Link) -> str:
    """Which VLANs a port lets through instead."""
    if not link.vlans:
        return tr(": it lets none through")
    vlans = enumerated(entry.words for entry in link.vlans)
    return tr(": it lets through {vlans}", vlans=vlans)


def _added(port: Link, vlan: int, flags: str = "") -> Fix:
    line = f"bridge vlan add dev {quoted(port.name)} vid {vlan} {flags}"
    return fix(port.namespace, line.strip())


def _show(port: Device) -> Shown:
    namespace, name = port
    return Shown.of(namespace, f"bridge vlan show dev {quoted(name)}", name)
