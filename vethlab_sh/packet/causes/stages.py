"""Why was a frame not seen again? By where it was seen last: out of a device, in at one, with its owner."""

from __future__ import annotations

from dataclasses import replace

from ...facts import Device, is_group
from ..sighting import ASKS, TELLS, Sighting
from .bridging import bridge_keeps, not_bridged, own_by_mistake
from .cables import ETHERNET, lost_on_a_cable, show_link, switched_off
from .cause import Cause, Diagnosis, Shown, fix, full, place
from .delivering import not_answered
from .filters import filtered, rewritten_to
from .hops import sent_to_a_remote
from .lastseen import on_the_way
from .lifetimes import used_up
from .macs import not_for_this_device
from .macvlans import not_to_the_parent
from .resolving import (
    address_on_port,
    answer_not_taken,
    stood_in_for_nobody,
    unanswered,
)
from .rewriting import by_its_own_service, rewritten
from .routing import no_way, not_forwarded, too_large
from .scene import Scene
from .settings import own_source, reverse_path
from .wrapping import (
    missing_remote,
    not_its_own_address,
    not_unwrapped,
    not_wrapped,
    sent_to_itself,
    too_large_when_wrapped,
)


def stuck(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why a frame was not seen again after this sighting."""
    if last.way == "out":
        return _went_out(scene, last)
    return _came_in(scene, last)


def _went_out(scene: Scene, last: Sighting) -> Diagnosis | None:
    device, tables = last.place, scene.tables
    if tables.is_kind(device, "vxlan") and not last.wrapped:
        found = not_wrapped(scene, device, last)
        entry = tables.fdb(device, last.dst_mac)
        if found is None and entry and entry.dst:
            found = _not_sent_wrapped(scene, device, entry.dst) or too_large_when_wrapped(
                scene, device, last, entry.dst
            )
        return found or missing_remote(scene, device, last) or filtered(scene, device[0])
    if tables.is_kind(device, "bridge"):
        return not_bridged(scene, device, last) or filtered(scene, device[0], is_bridged=True)
    parent = not_to_the_parent(scene, last)
    if parent:
        return parent
    found = lost_on_a_cable(tables, device, last.bytes)
    if found:
        return found
    peer = tables.peer(device)
    return filtered(scene, peer[0]) if peer else None


def _not_sent_wrapped(scene: Scene, tunnel: Device, remote: str) -> Diagnosis | None:
    """Why a machine does not send what it has wrapped: no way to the other machine, or nobody tells its MAC."""
    lost = no_way(scene, tunnel[0], remote)
    if lost:
        return replace(lost, reason=f"{full(tunnel)} wraps it for {remote}, but {lost.reason}")
    route = scene.tables.route(tunnel[0], remote)
    hop = route.via if route and route.via else remote
    own = scene.tables.own(tunnel[0])
    asked = [one for one in scene.course.questions if one.kind in ASKS and one.dst_ip == hop and one.src_ip in own]
    if not asked:
        return None
    found = stuck(scene, (on_the_way(scene, asked) or asked)[-1])
    if found is None:
        return None
    return sent_to_a_remote(tunnel, remote, found)


def wrapped_for_itself(scene: Scene) -> tuple[Sighting, Diagnosis] | None:
    """A tunnel whose FDB names the machine's own address, or whose own address is not the machine's."""
    for one in scene.course.sightings:
        tunnel = scene.link(one.place)
        if one.way != "out" or one.wrapped or tunnel is None or tunnel.kind != "vxlan":
            continue
        space = one.namespace
        entry = scene.tables.fdb(one.place, one.dst_mac)
        if entry and entry.dst and scene.is_local(space, entry.dst):
            return one, sent_to_itself(scene, one.place, one.dst_mac, entry.dst)
        if tunnel.vxlan_local and not scene.is_local(space, tunnel.vxlan_local):
            return one, not_its_own_address(scene, one.place, tunnel.vxlan_local)
    return None


def _came_in(scene: Scene, last: Sighting) -> Diagnosis | None:
    tables, device = scene.tables, last.place
    bridge = tables.master(device)
    mac = last.macs[1]
    if bridge:
        return _came_in_at_a_port(scene, bridge, last)
    if tables.is_kind(device, "bridge") and mac != tables.mac(device) and not is_group(mac):
        mistaken = own_by_mistake(scene, device, mac)
        if mistaken:
            return mistaken
    if tables.is_kind(device, "bridge") and mac == tables.mac(device) and not scene.is_local(device[0], last.ips[1]):
        kept = _kept_by_the_bridge(scene, device, last)
        if kept:
            return kept
    if not is_group(mac) and mac != tables.mac(device) and device[1] != "lo":
        return not_for_this_device(scene, last)
    if last.wrapped:
        return used_up(scene, last) or not_unwrapped(scene, last) or _packet_arrived_wrapped(scene, last)
    if last.kind in ASKS:
        return unanswered(scene, last) or filtered(scene, last.namespace) or _silent(scene, last)
    if last.kind in TELLS:
        found = answer_not_taken(scene, last.namespace, last.src_ip) or filtered(scene, last.namespace)
        return found or stood_in_for_nobody(scene, last.src_ip)
    return _packet_arrived(scene, last)


def _packet_arrived_wrapped(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A wrapped packet that the tunnel did not get: taken or sent on as any packet, by its outer ends."""
    source, dst = last.ips
    if scene.is_local(last.namespace, dst):
        found = own_source(scene, last.place, source) or reverse_path(scene, last.place, source)
    else:
        found = not_forwarded(scene, last.place, source, dst)
    return found or filtered(scene, last.namespace)


def _silent(scene: Scene, last: Sighting) -> Diagnosis | None:
    """The kernel's own answer to whether it would take such a packet, where nothing else tells."""
    if ":" in last.dst_ip or not scene.is_local(last.namespace, last.dst_ip):
        return None
    line, goes, said = scene.oracle(last.namespace, last.dst_ip, last.src_ip, last.device)
    if goes:
        return None
    reason = f"{last.namespace} takes nothing from {last.src_ip} that comes in at {last.device} (`{line}`: {said})"
    return Diagnosis(Cause.UNKNOWN, reason, Shown.of(last.namespace, line, "", said))


def _came_in_at_a_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    tables, mac = scene.tables, last.macs[1]
    is_ours = last.resolves and scene.is_local(bridge[0], last.dst_ip)
    if mac != tables.mac(bridge) and not is_ours:
        found = not_bridged(scene, bridge, last)
        return found or filtered(scene, bridge[0], is_bridged=True) or _too_large_for_a_port(scene, bridge, last)
    off = switched_off(tables, bridge)
    if off:
        return replace(off, should_be=bridge[0])
    if last.resolves and last.kind in ASKS:
        up = replace(last, device=bridge[1])
        return unanswered(scene, up) or filtered(scene, bridge[0])
    kept = _kept_by_the_bridge(scene, bridge, last)
    if kept:
        return kept
    return _packet_arrived(scene, replace(last, device=bridge[1]))


def _kept_by_the_bridge(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """A frame for a host that has the bridge's own MAC."""
    mac = last.macs[1]
    others = [device for device in scene.tables.holders(mac) if device != bridge]
    if mac != scene.tables.mac(bridge) or not others or scene.is_local(bridge[0], last.ips[1]):
        return None
    return bridge_keeps(scene, bridge, others[0])


def _too_large_for_a_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    for port in scene.tables.ports(bridge):
        link = scene.link(port)
        if link and link.mtu and last.bytes - ETHERNET > link.mtu and port != last.place:
            size = last.bytes - ETHERNET
            reason = (
                f"the packet is of {size} bytes, and {full(port)}, a port of {bridge[1]}, takes {link.mtu} (its MTU)"
            )
            # what VXLAN takes is what is left of the machine's own packets: there, the ends must send less
            mends = () if link.kind == "vxlan" else (fix(port[0], f"ip link set {port[1]} mtu {size}"),)
            return Diagnosis(
                cause=Cause.MTU,
                reason=reason,
                shown=show_link(port),
                fixes=mends,
                should_be=place(port),
            )
    return None


def _packet_arrived(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that a namespace has got: for itself, or to be sent on."""
    arrived, dst = last.place, scene.real_destination(last)
    space = last.namespace
    if scene.is_local(space, dst):
        back = scene.decide(space, last.src_ip, dst).route
        on_port = address_on_port(scene, (space, back.dev), dst) if back and back.dev else None
        if on_port:
            return on_port
        found = not_answered(scene, arrived, last) if last.leg == "there" else None
        if found and found.cause == Cause.OWN_SOURCE:
            return by_its_own_service(scene, last, found)
        if found and not _explains_input(found):
            # what the tables say of the answer counts only when the request has got as far as that
            return filtered(scene, space) or found
        return found or filtered(scene, space) or rewritten(scene, last)
    if dst != last.dst_ip:
        lost = no_way(scene, space, dst)
        if lost:
            cause = Cause.NO_ROUTE_BACK if lost.cause == Cause.NO_ROUTE else lost.cause
            reason = f"{space} puts {dst} back into the answer, which it had rewritten, and then {lost.reason}"
            return replace(lost, cause=cause, reason=reason)
    expired = used_up(scene, last)
    if expired:
        return expired
    found = not_forwarded(scene, arrived, last.src_ip, dst)
    if found and found.cause == Cause.NO_ROUTE and rewritten_to(scene, space, dst)[0]:
        return rewritten(scene, last)  # no route to the address before DNAT says nothing
    if found:
        return found
    decision = scene.decide(space, dst, last.src_ip, last.device)
    route = decision.route
    out = (space, route.dev) if route and route.dev else None
    if out and not last.wrapped:
        large = too_large(scene, out, last.bytes)
        if large:
            return replace(large, should_be=place(out))
    found = filtered(scene, space)
    if found:
        return replace(found, should_be=place(out) if out else None)
    return rewritten(scene, last)


def _explains_input(found: Diagnosis) -> bool:
    """Whether a diagnosis is about taking the request, not about the answer to it."""
    return found.cause in (Cause.RP_FILTER, Cause.OWN_SOURCE, Cause.ADDRESS_FAILED)
