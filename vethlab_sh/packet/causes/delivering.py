"""Why does who was asked not answer? It has the packet; what is missing is the answer, or what takes the packet."""

from __future__ import annotations

from dataclasses import replace

from ...facts import Device
from ...language import together, tr
from ..sighting import Sighting
from .cause import Cause, Diagnosis, Shown
from .resolving import unusable
from .routing import no_way
from .scene import Scene
from .settings import echo_ignored, own_source, reverse_path


def not_answered(scene: Scene, arrived: Device, last: Sighting) -> Diagnosis | None:
    """Why a namespace that got a packet for an address of its own did not answer; None when nothing tells."""
    space = arrived[0]
    source, dst = last.src_ip, last.dst_ip
    diagnosis = unusable(scene, space, dst)
    if diagnosis:
        return diagnosis
    no_way_back = _way_back(scene, space, source, dst)
    dropped = own_source(scene, arrived, source) or reverse_path(scene, arrived, source)
    # without a way back rp_filter drops it, too: then the missing way is the cause
    if dropped and (dropped.cause != Cause.RP_FILTER or no_way_back is None):
        return dropped
    if no_way_back:
        return no_way_back
    if scene.probe.is_ping:
        return echo_ignored(scene, space, dst)
    return None


def _way_back(scene: Scene, space: str, source: str, dst: str) -> Diagnosis | None:
    """Why the answer does not leave."""
    decision = scene.decide(space, source, dst)
    lost = no_way(scene, space, source, decision)
    if lost is None:
        return None
    if lost.cause == Cause.NO_ROUTE:
        reason = tr(
            "{space} has {dst}, but no route back: {reason}, so its answer does not leave",
            space=space,
            dst=dst,
            reason=lost.reason,
        )
        return replace(lost, cause=Cause.NO_ROUTE_BACK, reason=reason)
    reason = tr(
        "{space} has {dst}, but its answer to {source} does not leave: {reason}",
        space=space,
        dst=dst,
        source=source,
        reason=lost.reason,
    )
    return replace(lost, reason=reason)


def kept_by_the_program(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A program that has the port, to which the kernel gave what came, or for which it had no room."""
    probe = scene.probe
    space, dst = last.namespace, last.dst_ip
    port = last.dst_port
    if probe.is_ping or last.leg != "there" or port is None:
        return None
    taking = [one for one in scene.look(space).sockets if one.takes(probe.protocol, dst, port)]
    if not taking:
        return None
    name = tr("{protocol} port {port}", protocol=probe.protocol.upper(), port=port)
    # Counters are of the whole namespace: what waits is of the program that is asked.
    waits = any(one.waiting for one in taking)
    if probe.protocol == "udp" and waits:
        reason = tr("the program that has {name} in {space} does not read what waits for it", name=name, space=space)
        return Diagnosis(Cause.PROGRAM_SILENT, reason, Shown.of(space, "ss -Hlnu", f":{port} "))
    if probe.protocol == "tcp" and waits and scene.again.moved(space, "TcpExtListenOverflows") > 0:
        counter = "TcpExtListenOverflows"
        reason = tr(
            "the program that has {name} in {space} accepts no connection, and no more may wait: its queue is full",
            name=name,
            space=space,
        )
    elif probe.protocol == "udp" and _was_all_that_is_read(scene, space):
        counter = "UdpInDatagrams"
        reason = tr(
            "the program that has {name} in {space} has read what came, an empty line, and does not answer it",
            name=name,
            space=space,
        )
    else:
        return None
    return Diagnosis(Cause.PROGRAM_SILENT, reason, Shown.of(space, f"nstat -asz {counter}", counter))


def _was_all_that_is_read(scene: Scene, space: str) -> bool:
    """Whether programs of a namespace read the probe, and nothing else meanwhile: udp_recvmsg(), net/ipv4/udp.c."""
    read = scene.again.moved(space, "UdpInDatagrams")
    return not _takes_tunnels(scene, space) and 0 < read <= scene.probe.count


def _takes_tunnels(scene: Scene, space: str) -> bool:
    """Whether a tunnel of this namespace takes UDP, which is counted as what programs read."""
    return any(link.namespace == space and link.wrapped_in for link in scene.tables.links.values())


def nobody_listens(scene: Scene, space: str, ip: str, port: int | None = None) -> Diagnosis:
    """A port that nobody takes: refused by a reset, or by ICMP. port: where a rule has changed it."""
    protocol = scene.probe.protocol
    port = port or scene.probe.port
    name = tr("{protocol} port {port}", protocol=protocol.upper(), port=port)
    sockets = []
    for one in scene.look(space).sockets:
        if one.protocol == protocol and one.port == port:
            sockets.append(one)
    taking = [one for one in sockets if one.takes(protocol, ip, port)]
    devices = dict.fromkeys(one.device for one in taking)
    if taking and all(devices):
        reason = tr(
            "{space} refused it: its {name} is open for what comes in by {device} only",
            space=space,
            name=name,
            device=together(devices),
        )
    elif taking:
        reason = tr("{space} refused it, though a program listens on {name} there", space=space, name=name)
    elif sockets:
        addresses = dict.fromkeys(one.address for one in sockets)
        where = together(addresses)
        reason = tr(
            "{space} refused it: its {name} is open on {where} only, nobody listens on {ip}",
            space=space,
            name=name,
            where=where,
            ip=ip,
        )
    else:
        reason = tr("{space} refused it: nobody listens on {name} there", space=space, name=name)
    flag = "t" if protocol == "tcp" else "u"
    shown = Shown.of(space, f"ss -Hln{flag}", f":{port}")
    return Diagnosis(Cause.REFUSED, reason, shown)
