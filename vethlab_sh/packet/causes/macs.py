"""Why is a frame for another MAC than that of the device where it came in? An entry is wrong, or a rule changed it."""

from __future__ import annotations

import itertools

from ...facts import Device, Neighbour
from ..sighting import Sighting
from .cables import show_link
from .cause import Cause, Diagnosis, Shown, fix, full
from .filters import mac_rule
from .resolving import (
    arp_off,
)
from .scene import Scene


def not_for_this_device(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A frame for another MAC than that of the device at which it came in: nobody takes it."""
    tables, device, mac = scene.tables, last.place, last.macs[1]
    link = tables.link(device)
    if not tables.addresses_of(device) and tables.bridges(device[0]) and link and link.kind == "veth":
        reason = f"{device[1]} has no master, so no bridge takes the frame, and {mac} is not its own MAC"
        mends = tuple(fix(device[0], f"ip link set {device[1]} master {b[1]}") for b in tables.bridges(device[0]))
        return Diagnosis(
            cause=Cause.NO_MASTER,
            reason=reason,
            shown=show_link(device),
            fixes=mends,
        )
    came = next((one for one in scene.course.sightings if one.number == last.after), None)
    sender = came.place if came else None
    if sender and mac == tables.mac(sender) and _asks_nobody(scene, sender):
        return arp_off(sender)
    own = link.mac if link else None
    for row in tables.facts.neighbours:
        is_meant = row.ip == last.dst_ip or _is_gateway(scene, row.namespace, row.ip)
        if row.mac == mac and is_meant:
            return _wrong_neighbour(scene, row, device, own)
    changed = _mac_rewritten(scene, last)
    if changed:
        return changed
    reason = f"the frame is for {mac}, but {full(device)} has {own}: a neighbour entry is wrong"
    return Diagnosis(Cause.WRONG_NEIGHBOUR, reason, show_link(device, "link/ether"))


def _mac_rewritten(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A bridge that sends the frame out with another MAC than it came in with: a rule of ebtables, or nft's bridge."""
    way = [one for one in scene.course.sightings if one.number <= last.number and one.leg == last.leg]
    for before, after in itertools.pairwise(way):
        if before.namespace == after.namespace and before.macs[1] != after.macs[1] and before.ips == after.ips:
            if not scene.tables.master(after.place):
                continue
            space = after.namespace
            reason = f"a rule of a bridge filter in {space} rewrites the MAC {before.macs[1]} to {after.macs[1]}"
            rule = mac_rule(scene, space, after.macs[1])
            shown = rule.shown if rule else Shown.of(space, "nft list ruleset", after.macs[1])
            fixes = (rule.undo,) if rule and rule.undo else ()
            where = f": `{rule.text}` ({rule.program} table {rule.table}, chain {rule.chain})" if rule else ""
            return Diagnosis(
                cause=Cause.REWRITTEN,
                reason=reason + where,
                shown=shown,
                fixes=fixes,
            )
    return None


def _wrong_neighbour(scene: Scene, row: Neighbour, device: Device, own: str | None) -> Diagnosis:
    kind = f" ({row.state.lower()})" if row.state else ""
    reason = (
        f"the neighbour entry{kind} of {row.namespace} says that {row.ip} is {row.mac}, but {full(device)} has {own}"
    )
    shown = Shown.of(row.namespace, f"ip neigh show {row.ip}", str(row.mac))
    owner = scene.tables.mac(scene.tables.owner(row.ip))
    tunnel = scene.tables.is_kind((row.namespace, str(row.dev)), "vxlan")
    if tunnel and owner:  # there nobody is asked, so the right entry must be written
        mend = fix(row.namespace, f"ip neigh replace {row.ip} lladdr {owner} dev {row.dev} nud permanent")
    else:
        mend = fix(row.namespace, f"ip neigh del {row.ip} dev {row.dev}")
    return Diagnosis(
        cause=Cause.WRONG_NEIGHBOUR,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )


def _asks_nobody(scene: Scene, device: Device) -> bool:
    link = scene.link(device)
    return link is not None and link.arp is False


def _is_gateway(scene: Scene, space: str, ip: str) -> bool:
    return any(route.namespace == space and route.via == ip for route in scene.tables.facts.routes)
