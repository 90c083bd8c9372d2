"""Why was a frame not seen again? By where it was seen last: out of a device, in at one, with its owner."""

from __future__ import annotations

from dataclasses import replace

from ...facts import Device, Link, is_group
from ...inside import quoted
from ...language import tr
from ..sighting import ASKS, TELLS, Sighting
from .bridging import bridge_keeps, not_bridged, own_by_mistake
from .cables import ETHERNET, lost_on_a_cable, show_link, switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place
from .delivering import kept_by_the_program, not_answered
from .filters import filtered, rewritten_to
from .hops import sent_to_a_remote
from .lastseen import on_the_way
from .lifetimes import used_up
from .macs import for_a_mac_of_nobody, not_for_this_device, sent_without_asking, taken_for_the_owner
from .macvlans import not_to_the_parent
from .queues import taken_by_tc
from .resolving import (
    address_on_port,
    answer_not_taken,
    dropped_as_ipv6,
    local_not_asked,
    stood_in_for_nobody,
    unanswered,
)
from .rewriting import by_its_own_service, kept_from_its_port, not_put_back_untracked, rewritten
from .routing import no_way, not_forwarded, sent_back, too_large
from .scene import Scene
from .settings import own_source, reverse_path
from .tunnels import is_tunnel, not_carried, not_taken, remote_of
from .vlans import not_let_in, not_let_up, tag_not_taken
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
    device = last.place
    namespace, _ = device
    tables = scene.tables
    if tables.is_kind(device, "vxlan") and not last.wrapped:
        return _went_into_a_tunnel(scene, last)
    link = scene.link(device)
    if link is not None and is_tunnel(link) and not last.wrapped:
        return _went_into_another_tunnel(scene, link, last)
    if link is not None and link.kind == "wireguard":
        return _encrypted(link)
    if tables.is_kind(device, "bridge"):
        return (
            sent_without_asking(scene, last)
            or for_a_mac_of_nobody(scene, last)
            or kept_from_its_port(scene, device, last)
            or not_bridged(scene, device, last)
            or filtered(scene, namespace, is_bridged=True)
        )
    diagnosis = not_to_the_parent(scene, last) or lost_on_a_cable(tables, device, last.bytes)
    if diagnosis:
        return diagnosis
    peer = tables.peer(device)
    if peer is None:
        return None
    return filtered(scene, peer[0])


def _went_into_a_tunnel(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why a frame did not come out of a VXLAN device wrapped: no entry, no way to the other machine, or its size."""
    tunnel = last.place
    diagnosis = for_a_mac_of_nobody(scene, last) or not_wrapped(scene, tunnel, last)
    entry = scene.tables.fdb(tunnel, last.dst_mac)
    if diagnosis is None and entry and entry.dst:
        unsent = _not_sent_wrapped(scene, tunnel, entry.dst)
        diagnosis = unsent or too_large_when_wrapped(scene, tunnel, last, entry.dst)
    return diagnosis or missing_remote(scene, tunnel, last) or filtered(scene, tunnel[0])


def _went_into_another_tunnel(scene: Scene, link: Link, last: Sighting) -> Diagnosis | None:
    """Why a packet did not come out of an IPIP, GRE or Geneve device wrapped: its ends, or no way to the other one."""
    diagnosis = not_carried(scene, last)
    underlay = link.wrapping.namespace if link.wrapping else None
    if diagnosis or underlay is None:
        return diagnosis
    remote = remote_of(scene, link, last)
    if remote is not None:
        diagnosis = _not_sent_wrapped(scene, link.device, remote, underlay)
    return diagnosis or filtered(scene, underlay)


def _encrypted(link: Link) -> Diagnosis:
    """What goes into WireGuard: nobody who listens can tell which packet it becomes."""
    reason = tr(
        "what {full} sends is encrypted, so it cannot be followed further; whether its peer answers tells",
        full=full(link.device),
    )
    shown = Shown.of(link.namespace, f"wg show {quoted(link.name)}", "latest handshake")
    return Diagnosis(Cause.UNKNOWN, tr("{reason} `wg show`", reason=reason), shown)


def _not_sent_wrapped(scene: Scene, tunnel: Device, remote: str, underlay: str = "") -> Diagnosis | None:
    """Why a machine does not send what it has wrapped: no way to the other machine, or nobody tells its MAC.

    underlay: the namespace in which the wrapped packets travel, where it is not the tunnel's own.
    """
    space = underlay or tunnel[0]
    lost = no_way(scene, space, remote)
    if lost:
        return replace(
            lost,
            reason=tr(
                "{full} wraps it for {remote}, but {reason}", full=full(tunnel), remote=remote, reason=lost.reason
            ),
        )
    route = scene.tables.route(space, remote)
    hop = route.via if route and route.via else remote
    own = scene.tables.own(space)
    asked = []
    for one in scene.course.questions:
        if one.kind in ASKS and one.dst_ip == hop and one.src_ip in own:
            asked.append(one)
    if not asked:
        return None
    trail = on_the_way(scene, asked) or asked
    diagnosis = stuck(scene, trail[-1])
    if diagnosis is None:
        return None
    return sent_to_a_remote(scene, tunnel, remote, diagnosis)


def wrapped_for_itself(scene: Scene) -> tuple[Sighting, Diagnosis] | None:
    """A tunnel whose FDB names the machine's own address, or whose own address is not the machine's."""
    for one in scene.course.sightings:
        tunnel = scene.link(one.place)
        if one.way != "out" or one.wrapped or tunnel is None or tunnel.kind != "vxlan":
            continue
        entry = scene.tables.fdb(one.place, one.dst_mac)
        remote = entry.dst if entry else None
        if remote and scene.is_local(one.namespace, remote):
            return one, sent_to_itself(scene, one.place, one.dst_mac, remote)
        local = tunnel.vxlan_local
        if local and not scene.is_local(one.namespace, local):
            return one, not_its_own_address(scene, one.place, local)
    return None


def _came_in(scene: Scene, last: Sighting) -> Diagnosis | None:
    bridge = scene.tables.master(last.place)
    if bridge:
        return _came_in_at_a_port(scene, bridge, last)
    if _came_back(scene, last):
        return taken_by_tc(scene)
    not_taken = _not_taken(scene, last)
    if not_taken:
        return not_taken
    tagged = tag_not_taken(scene, last)
    if tagged:
        return tagged
    if not last.resolves:
        ipv6_off = dropped_as_ipv6(scene, last)
        if ipv6_off:
            return ipv6_off
    if last.wrapped:
        return used_up(scene, last) or _kept_wrapped(scene, last) or _packet_arrived_wrapped(scene, last)
    if last.kind in ASKS:
        return unanswered(scene, last) or filtered(scene, last.namespace) or _silent(scene, last)
    if last.kind in TELLS:
        diagnosis = answer_not_taken(scene, last.namespace, last.src_ip) or filtered(scene, last.namespace)
        return diagnosis or stood_in_for_nobody(scene, last.src_ip)
    return _packet_arrived(scene, last)


def _came_back(scene: Scene, last: Sighting) -> bool:
    """Whether a frame came in where it had gone out: somebody sent it back as it was, which no entry makes it do."""
    if last.macs[0] != scene.tables.mac(last.place):
        return False
    for one in scene.course.sightings:
        is_same = (one.place, one.leg, one.macs, one.ips) == (last.place, last.leg, last.macs, last.ips)
        if is_same and one.way == "out" and one.number < last.number:
            return True
    return False


def _not_taken(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A frame that does not get past the device's MAC: for another one, or for a host that has a bridge's own."""
    tables, device = scene.tables, last.place
    # what is for another MAC is PACKET_OTHERHOST, which ip_rcv() drops: eth_type_trans(), net/ethernet/eth.c
    mac = last.macs[1]
    if not mac:  # a device that carries packets and no frames takes all
        return None
    is_for_device = mac == tables.mac(device)
    if tables.is_kind(device, "bridge"):
        if is_for_device:
            kept = _kept_by_the_bridge(scene, device, last)
        else:
            kept = None if is_group(mac) else own_by_mistake(scene, device, mac)
        if kept:
            return kept
    # what a VRF gets has been taken by its port, whose MAC the frame still has
    if is_for_device or is_group(mac) or device[1] == "lo" or tables.is_kind(device, "vrf"):
        return None
    return not_for_this_device(scene, last)


def _kept_wrapped(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why no tunnel device takes the wrapping off where a packet came in."""
    return not_unwrapped(scene, last) or not_taken(scene, last)


def _packet_arrived_wrapped(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A wrapped packet that the tunnel did not get: taken or sent on as any packet, by its outer ends."""
    source, dst = last.ips
    if scene.is_local(last.namespace, dst):
        diagnosis = own_source(scene, last.place, source) or reverse_path(scene, last.place, source)
    else:
        diagnosis = not_forwarded(scene, last.place, source, dst) or _too_large_as_it_is(scene, last, dst)
    return diagnosis or filtered(scene, last.namespace)


def _too_large_as_it_is(scene: Scene, last: Sighting, dst: str) -> Diagnosis | None:
    """A wrapped packet that may not be split: of VXLAN and Geneve they may, as they have no DF; ip_tunnel_xmit()."""
    if last.wrapping not in ("IPIP", "SIT", "GRE"):
        return None
    route = scene.decide(last.namespace, dst, last.src_ip, last.device).route
    if route is None or route.dev is None:
        return None
    return too_large(scene, (last.namespace, route.dev), last.bytes)


def _silent(scene: Scene, last: Sighting) -> Diagnosis | None:
    """The kernel's own answer to whether it would take such a packet, where nothing else tells."""
    if ":" in last.dst_ip or not scene.is_local(last.namespace, last.dst_ip):
        return None
    space, ip = last.namespace, last.dst_ip
    line, goes, answer = scene.oracle(space, ip, last.src_ip, last.device)
    if goes:
        return None
    if scene.look(space).has_own(ip) is None:
        return _not_in_table_local(scene, space, ip)
    return Diagnosis(
        cause=Cause.UNKNOWN,
        reason=tr(
            "in {namespace} the kernel takes nothing from {src_ip} that comes in at {device} (`{line}`: {answer})",
            namespace=space,
            src_ip=last.src_ip,
            device=last.device,
            line=line,
            answer=answer,
        ),
        shown=Shown.of(space, line, "", answer),
    )


def _not_in_table_local(scene: Scene, space: str, ip: str) -> Diagnosis:
    """An address whose route in table local is gone: by that route the kernel takes for its own what comes for it."""
    owner = next(device for device in scene.owners(ip) if device[0] == space)
    return Diagnosis(
        cause=Cause.NO_ROUTE,
        reason=tr(
            "{full} has {ip}, but the route local {ip} that goes with it is not in table local, so {space} does not "
            "take {ip} for its own",
            full=full(owner),
            ip=ip,
            space=space,
        ),
        shown=Shown.of(space, f"ip route show table local {ip}"),
        fixes=(fix(space, f"ip route add local {ip} dev {quoted(owner[1])} table local"),),
    )


def _came_in_at_a_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    space, name = bridge
    mac = last.macs[1]
    asks_the_bridge = last.resolves and scene.is_local(space, last.dst_ip)
    if mac != scene.tables.mac(bridge) and not asks_the_bridge:
        unasked = sent_without_asking(scene, last)
        if unasked:  # a bridge sends nothing back by the port that it came in by
            return unasked
        diagnosis = (
            for_a_mac_of_nobody(scene, last)
            or not_bridged(scene, bridge, last)
            or filtered(scene, space, is_bridged=True)
        )
        return diagnosis or _too_large_for_a_port(scene, bridge, last)
    off = switched_off(scene.tables, bridge)
    held = off or not_let_in(scene, bridge, last) or not_let_up(scene, bridge, last)
    if held:
        return replace(held, should_be=space)
    # what is for the bridge's own MAC goes up to its machine: br_handle_frame_finish(), net/bridge/br_input.c
    handed_up = replace(last, device=name)
    if last.kind in ASKS:
        return unanswered(scene, handed_up) or filtered(scene, space)
    return _kept_by_the_bridge(scene, bridge, last) or _packet_arrived(scene, handed_up)


def _kept_by_the_bridge(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """A frame for a host that has the bridge's own MAC."""
    mac = last.macs[1]
    if mac != scene.tables.mac(bridge) or scene.is_local(bridge[0], last.ips[1]):
        return None
    for device in scene.tables.holders(mac):
        if device != bridge:
            return bridge_keeps(scene, bridge, device)
    return None


def _with_mtu(scene: Scene, port: Device, size: int) -> Fix:
    """The lines by which a port takes packets of this size, and the other end of its cable does, too."""
    mend: Fix = ()
    for link in (scene.link(port), scene.link(scene.tables.peer(port))):
        if link is not None and link.mtu and link.mtu < size:
            mend += fix(link.namespace, f"ip link set {quoted(link.name)} mtu {size}")
    return mend


def _too_large_for_a_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    size = last.bytes - ETHERNET
    for port in scene.tables.ports(bridge):
        link = scene.link(port)
        if link is None or not link.mtu or size <= link.mtu or port == last.place:
            continue
        # what VXLAN takes is what is left of the machine's own packets: there, the ends must send less
        mends = () if link.kind == "vxlan" else (_with_mtu(scene, port, size),)
        what = tr("{full}, a port of {bridge}, takes {mtu} (its MTU)", full=full(port), bridge=bridge[1], mtu=link.mtu)
        return Diagnosis(
            cause=Cause.MTU,
            reason=tr("the packet is of {size} bytes, and {what}", size=size, what=what),
            shown=show_link(port),
            fixes=mends,
            should_be=place(port),
        )
    return None


def _packet_arrived(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that a namespace has got: for itself, or to be sent on."""
    dst = scene.real_destination(last)
    if scene.is_local(last.namespace, dst):
        return _not_answered(scene, last, dst)
    if dst != last.dst_ip:
        lost = _not_put_back(scene, last, dst)
        if lost:
            return lost
    return (
        used_up(scene, last)
        or taken_for_the_owner(scene, last)
        or sent_back(scene, last)
        or _not_sent_on(scene, last, dst)
    )


def _not_answered(scene: Scene, last: Sighting, dst: str) -> Diagnosis | None:
    """A packet that came to who has its destination."""
    space = last.namespace
    strange = local_not_asked(scene, space, dst)
    if strange:
        return strange
    back = scene.decide(space, last.src_ip, dst).route
    if back and back.dev:
        on_port = address_on_port(scene, (space, back.dev), dst)
        if on_port:
            return on_port
    if last.leg == "there":
        diagnosis = not_answered(scene, last.place, last)
    else:
        diagnosis = own_source(scene, last.place, last.src_ip) or reverse_path(scene, last.place, last.src_ip)
    if diagnosis is None:
        return filtered(scene, space) or rewritten(scene, last) or kept_by_the_program(scene, last)
    if diagnosis.cause == Cause.OWN_SOURCE:
        return by_its_own_service(scene, last, diagnosis)
    if _explains_input(diagnosis):
        return diagnosis
    # what the tables say of the answer counts only when the request has got as far as that
    return filtered(scene, space) or diagnosis


def _not_put_back(scene: Scene, last: Sighting, dst: str) -> Diagnosis | None:
    """An answer to what was rewritten here: with its real destination put back, there is no way to it."""
    space = last.namespace
    lost = no_way(scene, space, dst)
    if lost is None:
        return None
    reason = tr(
        "{space} puts {dst} back into the answer, which it had rewritten, and then {reason}",
        space=space,
        dst=dst,
        reason=lost.reason,
    )
    if lost.cause == Cause.NO_ROUTE:
        return replace(lost, cause=Cause.NO_ROUTE_BACK, reason=reason)
    return replace(lost, reason=reason)


def _not_sent_on(scene: Scene, last: Sighting, dst: str) -> Diagnosis | None:
    """A packet that is for somebody else."""
    space = last.namespace
    diagnosis = not_forwarded(scene, last.place, last.src_ip, dst)
    if diagnosis and diagnosis.cause == Cause.NO_ROUTE and rewritten_to(scene, space, dst)[0]:
        return rewritten(scene, last)  # no route to the address before DNAT says nothing
    if diagnosis:
        return diagnosis
    route = scene.decide(space, dst, last.src_ip, last.device).route
    out = (space, route.dev) if route and route.dev else None
    if out and not last.wrapped:
        large = too_large(scene, out, last.bytes)
        if large:
            return replace(large, should_be=place(out))
    diagnosis = filtered(scene, space)
    if diagnosis:
        return replace(diagnosis, should_be=place(out) if out else None)
    return not_put_back_untracked(scene, last) or rewritten(scene, last)


def _explains_input(diagnosis: Diagnosis) -> bool:
    """Whether a diagnosis is about taking the request, not about the answer to it."""
    about_input = (Cause.RP_FILTER, Cause.OWN_SOURCE, Cause.ADDRESS_FAILED)
    return diagnosis.cause in about_input
