"""Why is a frame for another MAC than that of the device where it came in? An entry is wrong, or a rule changed it."""

from __future__ import annotations

import itertools
from dataclasses import replace

from ...facts import Device, Neighbour, is_group
from ...inside import quoted
from ...language import tr
from ..sighting import Sighting
from .cables import show_link, switched_off
from .cause import Cause, Diagnosis, Shown, fix, full, place
from .filters import rule_of_mac
from .resolving import (
    arp_off,
)
from .scene import Scene


def not_for_this_device(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A frame for another MAC than that of the device at which it came in: nobody takes it."""
    tables, device, mac = scene.tables, last.place, last.macs[1]
    link = tables.link(device)
    bridges = tables.bridges(device[0])
    if bridges and link and link.kind == "veth" and not tables.addresses_of(device):
        dev = quoted(device[1])
        mends = tuple(fix(device[0], f"ip link set {dev} master {quoted(bridge)}") for _, bridge in bridges)
        return Diagnosis(
            cause=Cause.NO_MASTER,
            reason=tr(
                "{device} has no master, so no bridge takes the frame, and {mac} is not its own MAC",
                device=device[1],
                mac=mac,
            ),
            shown=show_link(device),
            fixes=mends,
        )
    unasked = sent_without_asking(scene, last)
    if unasked:
        return unasked
    own = link.mac if link else None
    for row in tables.facts.neighbours:
        if row.mac != mac:
            continue
        is_next_hop = row.ip in (last.dst_ip, last.ips[1]) or _is_gateway(scene, row.namespace, row.ip)
        if is_next_hop:
            truth = _truth(scene, row) or tr("but {full} has {own}", full=full(device), own=own)
            return _wrong_neighbour(scene, row, truth)
    changed = _mac_rewritten(scene, last)
    if changed:
        return changed
    written = _written_down(scene, last)
    if written:
        return _wrong_neighbour(scene, written, tr("but {full} has {own}", full=full(device), own=own))
    reason = tr(
        "the frame is for {mac}, but {full} has {own}: a neighbour entry is wrong", mac=mac, full=full(device), own=own
    )
    return Diagnosis(Cause.WRONG_NEIGHBOUR, reason, show_link(device, "link/ether"))


def for_a_mac_of_nobody(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A frame for a MAC that no device has, because an entry of its sender has it for an address of another one."""
    mac = last.macs[1]
    sender = _sender(scene, last)
    is_of_somebody = any(link.mac == mac for link in scene.tables.links.values())
    if sender is None or is_group(mac) or is_of_somebody:
        return None
    for row in scene.tables.facts.neighbours:
        if (row.namespace, row.dev, row.mac) == (*sender, mac):
            truth = _truth(scene, row)
            if truth:
                return _wrong_neighbour(scene, row, truth)
    return None


def _truth(scene: Scene, row: Neighbour) -> str:
    """Which MAC the device has that has an entry's address, on the entry's wire; empty where none or several do."""
    device = (row.namespace, str(row.dev))
    wire = scene.tables.wire(device)
    # a tunnel is no wire: what is at its other ends is of its kind
    if scene.tables.is_kind(device, "vxlan"):
        wire = [other for other in scene.tables.links if scene.tables.is_kind(other, "vxlan")]
    owners = [owner for owner in scene.owners(row.ip) if owner in wire]
    if len(owners) != 1:
        return ""
    return tr("but {full} has {own}", full=full(owners[0]), own=scene.tables.mac(owners[0]))


def sent_without_asking(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A frame for its sender's own MAC, which the kernel takes for the goal's where ARP is off: arp_constructor()."""
    sender = _sender(scene, last)
    if sender is None or last.macs[1] != scene.tables.mac(sender) or not _asks_nobody(scene, sender):
        return None
    return arp_off(sender)


def _written_down(scene: Scene, last: Sighting) -> Neighbour | None:
    """The entry of who sent a frame that ip(8) shows only when it is asked for: one that somebody wrote as `noarp`."""
    sender = _sender(scene, last)
    if sender is None:
        return None
    space, dev = sender
    ran = scene.ground.run(scene.ground.inside(space, f"ip neigh show nud noarp dev {quoted(dev)}"))
    for line in ran.out.splitlines():
        ip, *words = line.split()
        if last.macs[1] in words:
            return Neighbour(namespace=space, dev=dev, ip=ip, mac=last.macs[1], state="NOARP")
    return None


def _sender(scene: Scene, last: Sighting) -> Device | None:
    """The device that a frame went out of first; inside a tunnel it is still the same."""
    for one in scene.course.sightings:
        is_same = (one.leg, one.src_mac, one.dst_mac, one.src_ip) == (last.leg, last.src_mac, last.dst_mac, last.src_ip)
        if is_same and one.way == "out":
            return one.place
    return None


def _mac_rewritten(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A bridge that sends the frame out with another MAC than it came in with: a rule of ebtables, or nft's bridge."""
    way = []
    for one in scene.course.sightings:
        if one.number <= last.number and one.leg == last.leg:
            way.append(one)
    for before, after in itertools.pairwise(way):
        if before.namespace != after.namespace or before.ips != after.ips:
            continue
        _, old = before.macs
        _, new = after.macs
        if old != new and scene.tables.master(after.place):
            return _by_a_bridge_filter(scene, after.namespace, old, new)
    return None


def _by_a_bridge_filter(scene: Scene, space: str, old: str, new: str) -> Diagnosis:
    reason = tr("a rule of a bridge filter in {space} rewrites the MAC {old} to {new}", space=space, old=old, new=new)
    rule = rule_of_mac(scene, space, new)
    if rule is None:
        return Diagnosis(Cause.REWRITTEN, reason, Shown.of(space, "nft list ruleset", new))
    where = f"`{rule.text}` ({rule.program} {rule.in_chain})"
    return Diagnosis(
        cause=Cause.REWRITTEN,
        reason=f"{reason}: {where}",
        shown=rule.shown,
        fixes=rule.fixes,
    )


def taken_for_the_owner(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that came here because a neighbour's entry has this device's MAC for an address that another one has.

    So it is for some time when an address has moved, or when two had it and one has given it up.
    """
    tables, device = scene.tables, last.place
    if last.wrapped or _answers_for_others(scene, device):
        return None
    for row in tables.facts.neighbours:
        is_here = row.namespace == last.namespace or scene.is_local(last.namespace, row.ip)
        if row.mac != last.macs[1] or is_here or not _is_next_hop(scene, last, row):
            continue
        asker = (row.namespace, str(row.dev))
        owners = [owner for owner in tables.wire(asker) if owner in scene.owners(row.ip)]
        if len(owners) != 1:
            continue
        truth = tr("which is {full}, but {owner} has this address", full=full(device), owner=full(owners[0]))
        diagnosis = _wrong_neighbour(scene, row, truth)
        is_mended = switched_off(tables, owners[0]) is None
        return replace(diagnosis, fixes=diagnosis.fixes if is_mended else (), should_be=place(owners[0]))
    return None


def _is_next_hop(scene: Scene, last: Sighting, row: Neighbour) -> bool:
    """Whether an entry is of whom a packet was sent to: its destination, or the gateway that its sender sends it by."""
    if row.ip == last.dst_ip:
        return True
    if (row.namespace, row.dev) != _sender(scene, last):
        return False
    route = scene.decide(row.namespace, last.dst_ip).route
    return route is not None and route.via == row.ip


def _answers_for_others(scene: Scene, device: Device) -> bool:
    """Whether a device may have been asked for the address, and have said yes: proxy ARP, or proxy NDP."""
    space, name = device
    settings = scene.look(space)
    return bool(settings.conf(name, "proxy_arp") or settings.number(f"ipv6/conf/{name}/proxy_ndp"))


def _wrong_neighbour(scene: Scene, row: Neighbour, truth: str) -> Diagnosis:
    """An entry that has another MAC than it should. truth: what is so, for the end of the sentence."""
    space = row.namespace
    ip = row.ip
    by = str(row.dev)
    state = tr(" ({why})", why=row.state.lower()) if row.state else ""
    real = scene.tables.mac(scene.tables.owner(ip))
    nud = " nud noarp" if row.state == "NOARP" else ""  # else ip(8) leaves such an entry out
    on_a_tunnel = scene.tables.is_kind((space, by), "vxlan")
    if on_a_tunnel and real:  # there nobody is asked, so the right entry must be written
        mend = fix(space, f"ip neigh replace {ip} lladdr {real} dev {quoted(by)} nud permanent")
    else:
        mend = fix(space, f"ip neigh del {ip} dev {quoted(by)}")
    return Diagnosis(
        cause=Cause.WRONG_NEIGHBOUR,
        reason=tr(
            "the neighbour entry{state} of {space} says that {ip} is {mac}, {truth}",
            state=state,
            space=space,
            ip=ip,
            mac=row.mac,
            truth=truth,
        ),
        shown=Shown.of(space, f"ip neigh show {ip}{nud}", str(row.mac)),
        fixes=(mend,),
    )


def _asks_nobody(scene: Scene, device: Device) -> bool:
    link = scene.link(device)
    return link is not None and link.arp is False


def _is_gateway(scene: Scene, space: str, ip: str) -> bool:
    routes = scene.tables.facts.routes
    return any((route.namespace, route.via) == (space, ip) for route in routes)
