"""Why is a frame not wrapped, or its wrapping not taken off? VXLAN devices, their FDBs, and UDP ports (RFC 7348)."""

from __future__ import annotations

from dataclasses import replace

from ...facts import ANY_MAC, Device, Link, is_group
from ...inside import quoted
from ...language import tr
from ..sighting import Sighting
from .cables import show_link, switched_off
from .cause import Cause, Diagnosis, Fix, Line, Shown, fix, full, place
from .scene import Scene

# What VXLAN puts around a frame: IP, 8 bytes of UDP, 8 of its own (RFC 7348).
WRAPPING4, WRAPPING6 = 20 + 8 + 8, 40 + 8 + 8


def show_fdb(tunnel: Device, word: str = "") -> Shown:
    """What the FDB of a VXLAN device says."""
    namespace, name = tunnel
    line = f"bridge fdb show dev {quoted(name)}"
    return Shown.of(namespace, line, word)


def not_wrapped(scene: Scene, tunnel: Device, last: Sighting) -> Diagnosis | None:
    """Why what went into a VXLAN device did not come out of the machine, wrapped."""
    mac = last.dst_mac
    if scene.tables.fdb(tunnel, mac) is not None:
        return None
    link = scene.link(tunnel)
    below = place((tunnel[0], link.vxlan_dev)) if link and link.vxlan_dev else None
    if is_group(mac):
        return _not_wrapped_for_everyone(scene, tunnel, last, below)
    remote = _remote_of(scene, mac)
    mends: tuple[Fix, ...] = ()
    if remote:
        mends = ((_appended(tunnel, mac, remote),),)
    return Diagnosis(
        cause=Cause.VXLAN_ENTRY,
        reason=tr(
            "{tunnel} has no FDB entry for {mac}, so it does not know which node to wrap it for",
            tunnel=tunnel[1],
            mac=mac,
        ),
        shown=show_fdb(tunnel),
        fixes=mends,
        should_be=below,
    )


def _not_wrapped_for_everyone(scene: Scene, tunnel: Device, last: Sighting, below: str | None) -> Diagnosis:
    if not last.resolves:
        reason = tr("{full} has no FDB entry for what is for everyone", full=full(tunnel))
    elif scene.tables.master(tunnel):
        reason = tr(
            "no neighbour entry tells the MAC of {dst_ip}, and {full} has no FDB entry {any_mac}, a flood entry for "
            "what is for everyone",
            dst_ip=last.dst_ip,
            full=full(tunnel),
            any_mac=ANY_MAC,
        )
    else:
        return _unknown_neighbour(scene, tunnel, last.dst_ip, below)
    return Diagnosis(
        cause=Cause.VXLAN_ENTRY,
        reason=reason,
        shown=show_fdb(tunnel),
        fixes=_flood(scene, tunnel),
        should_be=below,
    )


def _unknown_neighbour(scene: Scene, tunnel: Device, hop: str, below: str | None) -> Diagnosis:
    """A next hop behind a tunnel whose MAC nobody wrote down, on a tunnel that does not ask everyone."""
    space, dev = tunnel[0], quoted(tunnel[1])
    mac = scene.tables.mac(scene.tables.owner(hop))
    if mac and scene.tables.fdb(tunnel, mac):
        cause = Cause.NO_NEIGHBOUR
        mends: tuple[Fix, ...] = (fix(space, f"ip neigh replace {hop} lladdr {mac} dev {dev} nud permanent"),)
    else:
        cause = Cause.VXLAN_ENTRY
        mends = _flood(scene, tunnel)
    return Diagnosis(
        cause=cause,
        reason=tr(
            "no neighbour entry tells the MAC of {hop} on {full}, which has no FDB entry {any_mac}, a flood entry by "
            "which it could ask everyone",
            hop=hop,
            full=full(tunnel),
            any_mac=ANY_MAC,
        ),
        shown=Shown.of(space, f"ip neigh show dev {dev}"),
        fixes=mends,
        should_be=below,
    )


def _flood(scene: Scene, tunnel: Device) -> tuple[Fix, ...]:
    """The flood entries that are missing: for the other machines of the same VNI, and theirs for this one."""
    lines: list[Line] = []
    here = scene.link(tunnel)
    if here is None or here.vxlan_id is None:
        return ()
    for link in _same_vni(scene, here):
        if not link.vxlan_local:
            continue
        lines.append(_appended(tunnel, ANY_MAC, link.vxlan_local))
        # the answers must find their way, too
        if here.vxlan_local and not scene.tables.flood(link.device):
            lines.append(_appended(link.device, ANY_MAC, here.vxlan_local))
    if not lines:
        return ()
    return (tuple(lines),)


def _same_vni(scene: Scene, here: Link) -> list[Link]:
    """The other tunnels with the number of this one."""
    others = []
    for link in scene.tables.links.values():
        if link.vxlan_id == here.vxlan_id and link.device != here.device:
            others.append(link)
    return others


def _appended(tunnel: Device, mac: str, remote: str) -> Line:
    namespace, name = tunnel
    return Line(namespace, f"bridge fdb append {mac} dev {quoted(name)} dst {remote}")


def _remote_of(scene: Scene, mac: str) -> str | None:
    """The address of the machine whose VXLAN device has this MAC."""
    for link in scene.tables.links.values():
        if link.mac == mac and link.kind == "vxlan":
            return link.vxlan_local
    return None


def too_large_when_wrapped(scene: Scene, tunnel: Device, last: Sighting, remote: str) -> Diagnosis | None:
    """A frame that with its wrapping is larger than what the machine's own device sends in one piece."""
    space, _ = tunnel
    route = scene.tables.route(space, remote)
    if route is None or not route.dev:
        return None
    below = scene.link((space, route.dev))
    wrapping = WRAPPING6 if ":" in remote else WRAPPING4
    size = last.bytes + wrapping
    if below is None or below.mtu is None or size <= below.mtu:
        return None
    reason = tr(
        "the frame of {bytes} bytes is, with the wrapping, a packet of {size} bytes, and {full} takes {mtu} (its "
        "MTU); {tunnel} may not split it",
        bytes=last.bytes,
        size=size,
        full=full(below.device),
        mtu=below.mtu,
        tunnel=full(tunnel),
    )
    return Diagnosis(Cause.MTU, reason, show_link(below.device))


def missing_remote(scene: Scene, tunnel: Device, last: Sighting) -> Diagnosis | None:
    """A flood list that lacks the machine on which the address is that a question is about."""
    here = scene.link(tunnel)
    if here is None or not last.resolves:
        return None
    # each entry for all zeros gets a copy of what is for everyone: vxlan_xmit()
    listed = {entry.dst for entry in scene.tables.flood(tunnel)}
    for namespace, _ in scene.owners(last.dst_ip):
        machines = (namespace, scene.tables.machine(namespace))
        for link in _same_vni(scene, here):
            remote = link.vxlan_local
            if link.kind != "vxlan" or link.namespace not in machines:
                continue
            if remote and remote not in listed:
                return _not_listed(tunnel, link.namespace, remote)
    return None


def _not_listed(tunnel: Device, machine: str, remote: str) -> Diagnosis:
    reason = tr(
        "{full} has no FDB entry {any_mac} for {remote}, so what is for everyone does not get to {machine}",
        full=full(tunnel),
        any_mac=ANY_MAC,
        remote=remote,
        machine=machine,
    )
    mend = (_appended(tunnel, ANY_MAC, remote),)
    return Diagnosis(
        cause=Cause.VXLAN_ENTRY,
        reason=reason,
        shown=show_fdb(tunnel, ANY_MAC),
        fixes=(mend,),
    )


def sent_to_itself(scene: Scene, tunnel: Device, mac: str, remote: str) -> Diagnosis:
    """An entry of a tunnel's FDB that names the machine's own address: it wraps the frame for itself."""
    space, dev = tunnel[0], quoted(tunnel[1])
    real = _remote_of(scene, mac)
    mends: tuple[Fix, ...] = ()
    if real and real != remote:
        mends = (fix(space, f"bridge fdb replace {mac} dev {dev} dst {real}"),)
    return Diagnosis(
        cause=Cause.VXLAN_REMOTE,
        reason=tr(
            "the FDB of {full} sends {mac} to {remote}, which is {space}'s own address, so it comes back",
            full=full(tunnel),
            mac=mac,
            remote=remote,
            space=space,
        ),
        shown=show_fdb(tunnel, remote),
        fixes=mends,
    )


def not_its_own_address(scene: Scene, tunnel: Device, local: str) -> Diagnosis:
    """A tunnel that sends from an address that its machine does not have, so that no answer comes back to it."""
    reason = tr(
        "{full} sends from {local} (local), but {tunnel} does not have this address",
        full=full(tunnel),
        local=local,
        tunnel=tunnel[0],
    )
    shown = show_link_details(tunnel)
    return Diagnosis(Cause.VXLAN_LOCAL, reason, shown)


def not_unwrapped(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why the wrapping was not taken off where it came in. None when the tables do not tell: then a filter may."""
    space = last.namespace
    if not last.in_vxlan or last.outer_dst_ip not in scene.tables.own(space):
        return None
    # by port and VNI the kernel finds the device: vxlan_rcv(), drivers/net/vxlan/
    tunnels = [one for one in scene.tables.links.values() if one.namespace == space and one.kind == "vxlan"]
    tunnel = scene.tables.tunnel(space, last.vni)
    if tunnel is None:
        reason = tr("{space} has no VXLAN device with VNI {vni}", space=space, vni=last.vni)
        if tunnels:
            reason += tr("; {tunnels} has VNI {vxlan_id}", tunnels=tunnels[0].name, vxlan_id=tunnels[0].vxlan_id)
        return Diagnosis(Cause.VXLAN_VNI, reason, Shown.of(space, "ip -d link show type vxlan", "vxlan"))
    off = switched_off(scene.tables, tunnel)
    if off:
        return replace(off, should_be=place(tunnel))
    link = scene.link(tunnel)
    if link is None:
        return None
    is_open = any(one.vxlan_port == last.outer_port for one in tunnels)
    if not is_open:
        reason = tr(
            "{full} listens on UDP port {vxlan_port}, this is for {outer_port}",
            full=full(tunnel),
            vxlan_port=link.vxlan_port,
            outer_port=last.outer_port,
        )
        cause = Cause.VXLAN_PORT
    elif link.vxlan_local and link.vxlan_local != last.outer_dst_ip:
        reason = tr(
            "{full} has the local address {vxlan_local}, this is for {outer_dst_ip}",
            full=full(tunnel),
            vxlan_local=link.vxlan_local,
            outer_dst_ip=last.outer_dst_ip,
        )
        cause = Cause.VXLAN_REMOTE
    else:
        return _from_elsewhere(scene, tunnel, last)
    return Diagnosis(
        cause=cause,
        reason=reason,
        shown=show_link_details(tunnel),
        should_be=place(tunnel),
    )


def _from_elsewhere(scene: Scene, tunnel: Device, last: Sighting) -> Diagnosis | None:
    """A MAC that somebody wrote down as another machine's: vxlan_snoop() drops what comes with it from this one."""
    entry = scene.before.fdb(tunnel, last.src_mac)
    if entry is None or entry.mac != last.src_mac or not entry.state or entry.dst == last.outer_src_ip:
        return None
    reason = tr(
        "the FDB of {full} has {mac} behind {dst}, and it comes from {source}: a written entry does not move, and what "
        "contradicts it is dropped",
        full=full(tunnel),
        mac=entry.mac,
        dst=entry.dst,
        source=last.outer_src_ip,
    )
    dev = quoted(tunnel[1])
    return Diagnosis(
        cause=Cause.VXLAN_REMOTE,
        reason=reason,
        shown=show_fdb(tunnel, entry.mac),
        fixes=(fix(tunnel[0], f"bridge fdb replace {entry.mac} dev {dev} dst {last.outer_src_ip}"),),
        should_be=place(tunnel),
    )


def show_link_details(device: Device) -> Shown:
    """What `ip -d link` says of a device, with what is special to its kind."""
    namespace, name = device
    line = f"ip -d link show dev {quoted(name)}"
    return Shown.of(namespace, line, "vxlan")
