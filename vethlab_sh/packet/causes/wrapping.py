"""Why is a frame not wrapped, or its wrapping not taken off? VXLAN devices, their FDBs, and UDP ports (RFC 7348)."""

from __future__ import annotations

import shlex

from ...facts import Device, is_group
from ..sighting import Sighting
from .cables import show_link, switched_off
from .cause import Cause, Diagnosis, Fix, Line, Shown, fix, full, place
from .scene import Scene

# What VXLAN puts around a frame: IP, 8 bytes of UDP, 8 of its own (RFC 7348).
WRAPPING4, WRAPPING6 = 20 + 8 + 8, 40 + 8 + 8


def show_fdb(tunnel: Device, word: str = "") -> Shown:
    """What the FDB of a VXLAN device says."""
    return Shown.of(tunnel[0], f"bridge fdb show dev {shlex.quote(tunnel[1])}", word)


def not_wrapped(scene: Scene, tunnel: Device, last: Sighting) -> Diagnosis | None:
    """Why what went into a VXLAN device did not come out of the machine, wrapped."""
    tables, mac = scene.tables, last.dst_mac
    entry, link = tables.fdb(tunnel, mac), tables.link(tunnel)
    below = place((tunnel[0], link.vxlan_dev)) if link and link.vxlan_dev else None
    if entry is None and is_group(mac):
        hop = last.dst_ip
        reason = f"{full(tunnel)} has no FDB entry for what is for everyone"
        if last.resolves and not tables.master(tunnel):
            return _unknown_neighbour(scene, tunnel, hop, below)
        if last.resolves:
            reason = (
                f"no neighbour entry tells the MAC of {hop}, and {full(tunnel)} has no FDB entry "
                "00:00:00:00:00:00, a flood entry for what is for everyone"
            )
        return Diagnosis(
            cause=Cause.VXLAN_ENTRY,
            reason=reason,
            shown=show_fdb(tunnel),
            fixes=_flood(scene, tunnel),
            should_be=below,
        )
    if entry is None:
        reason = f"{tunnel[1]} has no FDB entry for {mac}, so it does not know which node to wrap it for"
        remote = _remote_of(scene, mac)
        mends: tuple[Fix, ...] = ()
        if remote:
            line = f"bridge fdb append {mac} dev {shlex.quote(tunnel[1])} dst {remote}"
            mends = (fix(tunnel[0], line),)
        return Diagnosis(
            cause=Cause.VXLAN_ENTRY,
            reason=reason,
            shown=show_fdb(tunnel),
            fixes=mends,
            should_be=below,
        )
    return None


def _unknown_neighbour(scene: Scene, tunnel: Device, hop: str, below: str | None) -> Diagnosis:
    """A next hop behind a tunnel whose MAC nobody wrote down, on a tunnel that does not ask everyone."""
    reason = (
        f"no neighbour entry tells the MAC of {hop} on {full(tunnel)}, which has no FDB entry 00:00:00:00:00:00, "
        "a flood entry by which it could ask everyone"
    )
    shown = Shown.of(tunnel[0], f"ip neigh show dev {shlex.quote(tunnel[1])}")
    mac = scene.tables.mac(scene.tables.owner(hop))
    if mac and scene.tables.fdb(tunnel, mac):
        line = f"ip neigh replace {hop} lladdr {mac} dev {shlex.quote(tunnel[1])} nud permanent"
        return Diagnosis(
            cause=Cause.NO_NEIGHBOUR,
            reason=reason,
            shown=shown,
            fixes=(fix(tunnel[0], line),),
            should_be=below,
        )
    return Diagnosis(
        cause=Cause.VXLAN_ENTRY,
        reason=reason,
        shown=show_fdb(tunnel),
        fixes=_flood(scene, tunnel),
        should_be=below,
    )


def _flood(scene: Scene, tunnel: Device) -> tuple[Fix, ...]:
    lines: list[Line] = []
    here = scene.link(tunnel)
    for link in scene.tables.links.values():
        same = here and link.vxlan_id == here.vxlan_id is not None and link.device != tunnel
        if not same or not link.vxlan_local:
            continue
        lines.append(_appended(tunnel, link.vxlan_local))
        # the answers must find their way, too
        if here and here.vxlan_local and not scene.tables.flood(link.device):
            lines.append(_appended(link.device, here.vxlan_local))
    return (tuple(lines),) if lines else ()


def _appended(tunnel: Device, remote: str) -> Line:
    return Line(tunnel[0], f"bridge fdb append 00:00:00:00:00:00 dev {shlex.quote(tunnel[1])} dst {remote}")


def _remote_of(scene: Scene, mac: str) -> str | None:
    """The address of the machine whose VXLAN device has this MAC."""
    for link in scene.tables.links.values():
        if link.mac == mac and link.kind == "vxlan":
            return link.vxlan_local
    return None


def too_large_when_wrapped(scene: Scene, tunnel: Device, last: Sighting, remote: str) -> Diagnosis | None:
    """A frame that with its wrapping is larger than what the machine's own device sends in one piece."""
    route = scene.tables.route(tunnel[0], remote)
    below = scene.link((tunnel[0], route.dev)) if route and route.dev else None
    around = WRAPPING6 if ":" in remote else WRAPPING4
    size = last.bytes + around
    if below is None or below.mtu is None or size <= below.mtu:
        return None
    reason = (
        f"the frame of {last.bytes} bytes is, with the wrapping, a packet of {size} bytes, and {full(below.device)} "
        f"takes {below.mtu} (its MTU); {full(tunnel)} may not split it"
    )
    return Diagnosis(Cause.MTU, reason, show_link(below.device))


def missing_remote(scene: Scene, tunnel: Device, last: Sighting) -> Diagnosis | None:
    """A flood list that lacks the machine on which the address is that a question is about."""
    here = scene.link(tunnel)
    if here is None or not last.resolves:
        return None
    listed = {entry.dst for entry in scene.tables.flood(tunnel)}
    for owner in scene.owners(last.dst_ip):
        for link in scene.tables.links.values():
            on_its_way = link.namespace in (owner[0], scene.tables.machine(owner[0]))
            same = link.kind == "vxlan" and link.vxlan_id == here.vxlan_id and link.device != tunnel
            if not (on_its_way and same) or not link.vxlan_local or link.vxlan_local in listed:
                continue
            reason = (
                f"{full(tunnel)} has no FDB entry 00:00:00:00:00:00 for {link.vxlan_local}, "
                f"so what is for everyone does not get to {link.namespace}"
            )
            line = f"bridge fdb append 00:00:00:00:00:00 dev {shlex.quote(tunnel[1])} dst {link.vxlan_local}"
            shown = show_fdb(tunnel, "00:00:00:00:00:00")
            return Diagnosis(
                cause=Cause.VXLAN_ENTRY,
                reason=reason,
                shown=shown,
                fixes=(fix(tunnel[0], line),),
            )
    return None


def sent_to_itself(scene: Scene, tunnel: Device, mac: str, remote: str) -> Diagnosis:
    """An entry of a tunnel's FDB that names the machine's own address: it wraps the frame for itself."""
    reason = f"the FDB of {full(tunnel)} sends {mac} to {remote}, which is {tunnel[0]}'s own address, so it comes back"
    real = _remote_of(scene, mac)
    mends: tuple[Fix, ...] = ()
    if real and real != remote:
        mends = (fix(tunnel[0], f"bridge fdb replace {mac} dev {shlex.quote(tunnel[1])} dst {real}"),)
    return Diagnosis(
        cause=Cause.VXLAN_REMOTE,
        reason=reason,
        shown=show_fdb(tunnel, remote),
        fixes=mends,
    )


def not_its_own_address(scene: Scene, tunnel: Device, local: str) -> Diagnosis:
    """A tunnel that sends from an address that its machine does not have, so that no answer comes back to it."""
    reason = f"{full(tunnel)} sends from {local} (local), but {tunnel[0]} does not have this address"
    return Diagnosis(Cause.VXLAN_LOCAL, reason, show_link_details(tunnel))


def not_unwrapped(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why the wrapping was not taken off where it came in. None when the tables do not tell: then a filter may."""
    space = last.namespace
    if last.outer_dst_ip not in scene.tables.own(space):
        return None
    same_port = [
        link
        for link in scene.tables.links.values()
        if link.namespace == space and link.kind == "vxlan" and link.vxlan_port == last.outer_port
    ]
    tunnel = scene.tables.tunnel(space, last.vni)
    if tunnel is None:
        others = [link for link in scene.tables.links.values() if link.namespace == space and link.kind == "vxlan"]
        has = f"; {others[0].name} has VNI {others[0].vxlan_id}" if others else ""
        reason = f"{space} has no VXLAN device with VNI {last.vni}{has}"
        return Diagnosis(
            cause=Cause.VXLAN_VNI,
            reason=reason,
            shown=Shown.of(space, "ip -d link show type vxlan", "vxlan"),
        )
    off = switched_off(scene.tables, tunnel)
    if off:
        return Diagnosis(
            cause=off.cause,
            reason=off.reason,
            shown=off.shown,
            fixes=off.fixes,
            should_be=place(tunnel),
        )
    link = scene.link(tunnel)
    if not same_port and link:
        reason = f"{full(tunnel)} listens on UDP port {link.vxlan_port}, this is for {last.outer_port}"
        return Diagnosis(
            cause=Cause.VXLAN_PORT,
            reason=reason,
            shown=show_link_details(tunnel),
            should_be=place(tunnel),
        )
    if link and link.vxlan_local and link.vxlan_local != last.outer_dst_ip:
        reason = f"{full(tunnel)} has the local address {link.vxlan_local}, this is for {last.outer_dst_ip}"
        return Diagnosis(
            cause=Cause.VXLAN_REMOTE,
            reason=reason,
            shown=show_link_details(tunnel),
            should_be=place(tunnel),
        )
    return None


def show_link_details(device: Device) -> Shown:
    """What `ip -d link` says of a device, with what is special to its kind."""
    return Shown.of(device[0], f"ip -d link show dev {shlex.quote(device[1])}", "vxlan")
