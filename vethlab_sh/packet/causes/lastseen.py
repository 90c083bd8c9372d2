"""Where was the probe seen last? Without the copies that a bridge or a tunnel sent to others."""

from __future__ import annotations

from ...facts import is_group
from ..sighting import ASKS, TELLS, Kind, Sighting
from .scene import Scene


def last_seen(scene: Scene) -> Sighting | None:
    """The last sighting of the answer on its way, else of the probe on its way."""
    answers = [one for one in scene.course.back if one.kind != Kind.ICMP]
    trail = on_the_way(scene, answers) or on_the_way(scene, scene.course.there)
    return trail[-1] if trail else None


def on_the_way(scene: Scene, sightings: list[Sighting]) -> list[Sighting]:
    """Without the copies that a bridge sent to those whom the packet is not for."""
    return [one for one in sightings if not _is_stray(scene, one)]


def _is_stray(scene: Scene, sighting: Sighting) -> bool:
    tables, device = scene.tables, sighting.place
    mac, ip = sighting.macs[1], sighting.ips[1]
    if _is_for_another_machine(scene, sighting):
        return True
    goal = {owner[0] for owner in scene.owners(ip)}
    if tables.is_kind(device, "bridge") and sighting.way == "in" and is_group(mac):
        return device[0] not in goal
    port = device if tables.master(device) and sighting.way == "out" else None
    peer = tables.peer(device)
    if sighting.way == "in" and peer and tables.master(peer):
        port = peer
    far = tables.peer(port) if port else None
    if not far or tables.is_machine(far[0]) or tables.master(far) or far[0] in goal:
        return False
    return is_group(mac) or mac != tables.mac(far)


def _is_for_another_machine(scene: Scene, sighting: Sighting) -> bool:
    """A copy of a question that a tunnel's flood list sent to a machine that has not what is asked for."""
    goal = {owner[0] for owner in scene.owners(sighting.dst_ip)}
    space = sighting.namespace
    at_tunnel = scene.tables.is_kind(sighting.place, "vxlan") or sighting.wrapped
    if sighting.way != "in" or not at_tunnel or not is_group(sighting.dst_mac) or not goal or space in goal:
        return False
    if sighting.wrapped and not scene.is_local(space, sighting.ips[1]):
        return False  # a router between the machines
    plugged = [one for one in scene.tables.links.values() if one.namespace == space and one.kind == "vxlan"]
    return not any(one.master for one in plugged) and not scene.tables.bridges(space)


def open_question(scene: Scene, last: Sighting | None) -> list[Sighting] | None:
    """The sightings of a question for the next hop's MAC that stayed open, or of an answer that did not come back."""
    here = last.namespace if last else scene.probe.src
    own = scene.tables.own(here)
    asked = [one for one in scene.course.questions if one.kind in ASKS and one.src_ip in own]
    asked = [one for one in asked if last is None or one.time_ns >= last.time_ns or last.leg == "ask"]
    began = next((one for one in asked if one.namespace == here and one.way == "out"), None)
    if began is None:
        return None
    ip = began.dst_ip
    answers = [one for one in scene.course.questions if one.kind in TELLS and one.src_ip == ip]
    arrived = [one for one in answers if one.namespace == here and one.way == "in"]
    if any(one.place == began.place for one in arrived) and not _on_a_port(scene, began):
        return None
    if answers:
        return [one for one in answers if not _is_stray(scene, one)] or answers
    same = [one for one in asked if one.dst_ip == ip and one.number >= began.number]
    repeated = [number for number, one in enumerate(same) if number and (one.place, one.way) == (began.place, "out")]
    first_round = same[: repeated[0]] if repeated else same
    return on_the_way(scene, first_round) or [began]


def _on_a_port(scene: Scene, sighting: Sighting) -> bool:
    return scene.tables.master(sighting.place) is not None
