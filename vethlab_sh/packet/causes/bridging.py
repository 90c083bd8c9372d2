"""Why does a bridge not hand a frame on? Its ports, their state and flags, its FDB, and who has the MAC."""

from __future__ import annotations

import shlex
from dataclasses import replace

from ...facts import ANY_MAC, Device, Entry, Port, is_group
from ..sighting import Sighting
from .cables import show_link, switched_off
from .cause import Cause, Diagnosis, Shown, fix, full, place
from .scene import Scene

FORWARDING = (None, "forwarding")
# The kernel's own words for the states of the spanning tree that keep a port from forwarding.
WAITING = ("listening", "learning", "blocking", "disabled")


def not_bridged(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """Why a frame that is in a bridge was not seen to leave it. last: where it was seen; None when nothing tells."""
    off = switched_off(scene.tables, bridge)
    if off:
        return replace(off, should_be=place(bridge))
    came_by = last.place if last.way == "in" and scene.tables.master(last.place) == bridge else None
    if came_by:
        waits = _waits(scene, came_by)
        if waits:
            return waits
        locked = _locked(scene, came_by, last.macs[0])
        if locked:
            return locked
    misled = _misled(scene, bridge, last, came_by)
    if misled:
        return misled
    return _towards_the_port(scene, bridge, last, came_by)


def _waits(scene: Scene, port: Device) -> Diagnosis | None:
    """A port that does not forward yet, or at all."""
    link = scene.link(port)
    if link is None or link.port is None or link.port.state in FORWARDING or not link.carrier:
        return None
    bridge = scene.link(scene.tables.master(port))
    state = link.port.state
    shown = Shown.of(port[0], f"bridge link show dev {shlex.quote(port[1])}", "state")
    if bridge is None or state not in WAITING:
        return None
    if not bridge.stp:
        reason = f"the port {full(port)} of {bridge.name} is {state}, so nothing passes it"
        mend = fix(port[0], f"bridge link set dev {shlex.quote(port[1])} state 3")
        return Diagnosis(
            cause=Cause.PORT_STATE,
            reason=reason,
            shown=shown,
            fixes=(mend,),
            should_be=place(port),
        )
    seconds = f" {bridge.forward_delay:g} s" if bridge.forward_delay else ""
    reason = (
        f"{bridge.name} runs STP, and its port {full(port)} is {state}: a new port listens{seconds} "
        f"and learns{seconds} before it forwards (forward_delay)"
    )
    # switched off, STP leaves the ports that wait to their timers, so each is told, too
    waiting = [one for one in scene.tables.ports(bridge.device) if _is_waiting(scene, one)]
    turned_on = [f"bridge link set dev {shlex.quote(one[1])} state 3" for one in waiting]
    mend = fix(port[0], f"ip link set {shlex.quote(bridge.name)} type bridge stp_state 0", *turned_on)
    return Diagnosis(
        cause=Cause.PORT_STATE,
        reason=reason,
        shown=shown,
        fixes=(mend,),
        should_be=place(port),
    )


def _is_waiting(scene: Scene, port: Device) -> bool:
    link = scene.link(port)
    return link is not None and link.port is not None and link.port.state in WAITING


def _locked(scene: Scene, port: Device, source: str) -> Diagnosis | None:
    """A locked port takes only frames whose source somebody wrote into the FDB for it (bridge(8), locked)."""
    link = scene.link(port)
    bridge = scene.tables.master(port)
    if link is None or link.port is None or not link.port.locked or bridge is None:
        return None
    entry = scene.tables.fdb(bridge, source)
    if entry and entry.dev == port[1]:
        return None
    reason = f"the port {full(port)} is locked, and {source} is not in the FDB of {bridge[1]} for it"
    mends = (fix(port[0], f"bridge link set dev {shlex.quote(port[1])} locked off"),)
    return Diagnosis(
        cause=Cause.PORT_LOCKED,
        reason=reason,
        shown=_show_port(port, "locked"),
        fixes=mends,
    )


def _show_port(port: Device, word: str) -> Shown:
    return Shown.of(port[0], f"bridge -d link show dev {shlex.quote(port[1])}", word)


def _misled(scene: Scene, bridge: Device, last: Sighting, came_by: Device | None) -> Diagnosis | None:
    """An FDB that puts a MAC elsewhere than where it is."""
    mac = last.macs[1]
    if is_group(mac):
        return None
    entry = scene.before.fdb(bridge, mac) or scene.tables.fdb(bridge, mac)
    holders = [device for device in scene.tables.holders(mac) if device != bridge]
    if mac == scene.tables.mac(bridge) and holders:
        return bridge_keeps(scene, bridge, holders[0])
    if entry is None or entry.dev is None or entry.mac == ANY_MAC:
        return None
    if entry.dev == bridge[1] and entry.state and holders:
        return _taken_for_its_own(bridge, entry, holders[0])
    if len(holders) > 1:
        return _twice(bridge, mac, holders, entry)
    real = scene.tables.peer(holders[0]) if holders else None
    if real is None or scene.tables.master(real) != bridge or real[1] == entry.dev:
        return None
    return _wrong_entry(bridge, entry, real)


def bridge_keeps(scene: Scene, bridge: Device, holder: Device) -> Diagnosis:
    """A host with the bridge's own MAC: what is for it, the bridge takes for itself."""
    mac = scene.tables.mac(bridge)
    reason = f"{full(holder)} has the MAC {mac}, which is {bridge[1]}'s own MAC, so the bridge keeps what is for it"
    mend = fix(holder[0], f"ip link set {shlex.quote(holder[1])} address {_other(str(mac))}")
    return Diagnosis(
        cause=Cause.BRIDGE_MAC,
        reason=reason,
        shown=show_link(bridge, "link/ether"),
        fixes=(mend,),
    )


def _other(mac: str) -> str:
    """Another MAC address of the same kind: the last byte's bits turned round."""
    return f"{mac[:-2]}{int(mac[-2:], 16) ^ 0xFF:02x}"


def _twice(bridge: Device, mac: str, holders: list[Device], entry: Entry) -> Diagnosis:
    names = " and ".join(full(holder) for holder in holders[:2])
    reason = (
        f"{names} both have the MAC {mac}, so {bridge[1]} sends what is for it to where it saw it last, {entry.dev}"
    )
    mend = fix(holders[0][0], f"ip link set {shlex.quote(holders[0][1])} address {_other(mac)}")
    return Diagnosis(
        cause=Cause.DUPLICATE_MAC,
        reason=reason,
        shown=_show_entry(bridge, mac),
        fixes=(mend,),
    )


def _show_entry(bridge: Device, mac: str) -> Shown:
    return Shown.of(bridge[0], f"bridge fdb show br {shlex.quote(bridge[1])}", mac)


def _taken_for_its_own(bridge: Device, entry: Entry, holder: Device) -> Diagnosis:
    reason = (
        f"the FDB of {bridge[1]} has {entry.mac} as one of {bridge[1]}'s own (a permanent entry), "
        f"but it is the MAC of {full(holder)}"
    )
    mend = fix(bridge[0], f"bridge fdb del {entry.mac} dev {shlex.quote(bridge[1])} self")
    return Diagnosis(
        cause=Cause.FDB_ENTRY,
        reason=reason,
        shown=_show_entry(bridge, entry.mac),
        fixes=(mend,),
    )


def own_by_mistake(scene: Scene, bridge: Device, mac: str) -> Diagnosis | None:
    """A MAC of somebody else that the FDB of a bridge has as the bridge's own, so that it takes the frames."""
    entry = scene.before.fdb(bridge, mac)
    holders = [device for device in scene.tables.holders(mac) if device != bridge]
    if entry is None or not entry.state or entry.dev != bridge[1] or not holders:
        return None
    return _taken_for_its_own(bridge, entry, holders[0])


def _wrong_entry(bridge: Device, entry: Entry, real: Device) -> Diagnosis:
    kind = "a static FDB entry" if entry.state else "the FDB"
    reason = f"{kind} of {bridge[1]} says that {entry.mac} is behind {entry.dev}, but it is behind {real[1]}"
    # `static` and `permanent` entries do not move; a learned one does with the next frame from there
    mend = fix(bridge[0], f"bridge fdb del {entry.mac} dev {shlex.quote(str(entry.dev))} master")
    return Diagnosis(
        cause=Cause.FDB_ENTRY,
        reason=reason,
        shown=_show_entry(bridge, entry.mac),
        fixes=(mend,),
        should_be=place(real),
    )


def _towards_the_port(scene: Scene, bridge: Device, last: Sighting, came_by: Device | None) -> Diagnosis | None:
    """Look from the far end, whose cable tells which port it should be."""
    tables, mac = scene.tables, last.macs[1]
    goal = last.ips[1]
    port = _expected(scene, bridge, mac, goal)
    if port is None:
        if not scene.owners(goal) and is_group(mac) and last.resolves:
            return nobody_has(scene, goal, last)
        return None
    master = tables.master(port)
    if master != bridge:
        return unplugged(scene, port, bridge)
    peer = tables.peer(port)
    off = switched_off(tables, port) or (switched_off(tables, peer) if peer else None)
    if off:
        return replace(off, should_be=place(port))
    waits = _waits(scene, port)
    if waits:
        return waits
    return _held_back(scene, port, mac, came_by)


def _expected(scene: Scene, bridge: Device, mac: str, goal: str) -> Device | None:
    """The port that the frame should leave by: the one at whose other end its MAC, or the address, is."""
    tables = scene.tables
    ends = [device for device in tables.holders(mac) if device[0] != bridge[0]] if not is_group(mac) else []
    ends += scene.owners(goal)
    for end in ends:
        peer = tables.peer(end)
        if peer and peer[0] == bridge[0]:
            return peer
    # behind a tunnel that is plugged into the bridge
    for port in tables.ports(bridge):
        if tables.is_kind(port, "vxlan") and ends:
            return port
    return None


def unplugged(scene: Scene, port: Device, bridge: Device) -> Diagnosis:
    """A cable's end that is no port of the bridge that should reach it."""
    link = scene.link(port)
    if link and link.master:
        reason = f"{port[1]} is a port of {link.master}, so {bridge[1]} does not reach it"
        cause = Cause.WRONG_BRIDGE
    else:
        reason = f"{port[1]} has no master, so {bridge[1]} does not reach it"
        cause = Cause.NO_MASTER
    mend = fix(port[0], f"ip link set {shlex.quote(port[1])} master {shlex.quote(bridge[1])}")
    return Diagnosis(
        cause=cause,
        reason=reason,
        shown=show_link(port),
        fixes=(mend,),
        should_be=place(port),
    )


def _held_back(scene: Scene, port: Device, mac: str, came_by: Device | None) -> Diagnosis | None:
    """What the flags of ports keep from passing: br_flood(), should_deliver(), net/bridge/br_forward.c."""
    link, source = scene.link(port), scene.link(came_by)
    flags = link.port if link else None
    if flags is None:
        return None
    if flags.isolated and source and source.port and source.port.isolated:
        reason = f"{came_by[1] if came_by else ''} and {port[1]} are isolated ports: nothing passes between such two"
        mend = fix(port[0], f"bridge link set dev {shlex.quote(port[1])} isolated off")
        return Diagnosis(
            cause=Cause.PORT_ISOLATED,
            reason=reason,
            shown=_show_port(port, "isolated"),
            fixes=(mend,),
            should_be=place(port),
        )
    bridge = scene.tables.master(port)
    known = bridge is not None and not is_group(mac) and scene.before.fdb(bridge, mac) is not None
    off = [name for name in _floods(mac) if not known and not getattr(flags, name)]
    if not off:
        return None
    every = [name for name in ("flood", "bcast_flood", "mcast_flood") if not getattr(flags, name)]
    what = "for everyone" if is_group(mac) else "for a MAC that it does not know"
    reason = f"the port {full(port)} does not flood ({', '.join(every)} off), and the frame is {what}"
    turned_on = " ".join(f"{name} on" for name in every)
    mend = fix(port[0], f"bridge link set dev {shlex.quote(port[1])} {turned_on}")
    return Diagnosis(
        cause=Cause.PORT_FLOOD,
        reason=reason,
        shown=_show_port(port, "flood"),
        fixes=(mend,),
        should_be=place(port),
    )


def _floods(mac: str) -> tuple[str, ...]:
    """The flag that decides about a frame to this MAC."""
    if mac == "ff:ff:ff:ff:ff:ff":
        return ("bcast_flood",)
    return ("mcast_flood",) if is_group(mac) else ("flood",)


def nobody_has(scene: Scene, ip: str, last: Sighting) -> Diagnosis:
    """An address that no namespace has."""
    shown = Shown.of(last.namespace, f"ip neigh show {ip}")
    asker = next((one.namespace for one in scene.course.questions if one.dst_ip == ip), last.namespace)
    shown = Shown.of(asker, f"ip neigh show {ip}", ip)
    reason = f"nobody has {ip}: no namespace has this address"
    bare = _without_address(scene, last)
    if bare:
        reason += f", and {full(bare)}, the other end of a port of the bridge, has none at all"
    return Diagnosis(Cause.NOBODY_HAS, reason, shown)


def _without_address(scene: Scene, last: Sighting) -> Device | None:
    """What hangs at a port of the bridges here and has no address: an end left bare; None where several."""
    bare = []
    for bridge in scene.tables.bridges(last.namespace):
        for port in scene.tables.ports(bridge):
            link = scene.link(scene.tables.peer(port))
            if link is None or link.kind != "veth" or link.master or scene.tables.addresses_of(link.device):
                continue
            bare.append(link.device)
    return bare[0] if len(bare) == 1 else None


def is_port(flags: Port | None) -> bool:
    """Whether a device is a bridge's port."""
    return flags is not None
