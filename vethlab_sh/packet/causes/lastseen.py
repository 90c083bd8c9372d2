"""Where was the probe seen last? Without the copies that a bridge or a tunnel sent to others."""

from __future__ import annotations

from ...facts import Device, is_group
from ..sighting import ASKS, TELLS, Kind, Sighting
from .scene import Scene


def last_seen(scene: Scene) -> Sighting | None:
    """The last sighting of the answer on its way, else of the probe on its way."""
    answers = [one for one in scene.course.back if one.kind != Kind.ICMP]
    trail = on_the_way(scene, answers)
    if not trail:
        trail = on_the_way(scene, scene.course.there)
    if not trail:
        return None
    return trail[-1]


def on_the_way(scene: Scene, sightings: list[Sighting]) -> list[Sighting]:
    """Without the copies that a bridge sent to those whom the packet is not for."""
    return [one for one in sightings if not _is_stray(scene, one)]


def _is_stray(scene: Scene, sighting: Sighting) -> bool:
    if _is_for_another_machine(scene, sighting):
        return True
    tables, device = scene.tables, sighting.place
    mac, ip = sighting.macs[1], sighting.ips[1]
    goal = _namespaces_of(scene, ip)
    if tables.is_kind(device, "bridge") and sighting.way == "in" and is_group(mac):
        return device[0] not in goal
    # a bridge floods what it has no entry for, so others get copies
    port = _bridge_port(scene, sighting)
    far = tables.peer(port)
    if far is None or tables.is_machine(far[0]) or tables.master(far):
        return False
    if far[0] in goal:
        return False
    return is_group(mac) or mac != tables.mac(far)


def _namespaces_of(scene: Scene, ip: str) -> set[str]:
    """The namespaces that have an address."""
    return {namespace for namespace, _ in scene.owners(ip)}


def _bridge_port(scene: Scene, sighting: Sighting) -> Device | None:
    """The bridge's port by which a frame leaves the bridge: seen there, or at the other end of its cable."""
    tables = scene.tables
    port: Device | None = sighting.place
    if sighting.way != "out":
        port = tables.peer(sighting.place)
    link = scene.link(port)
    is_of_a_program = link is not None and link.switch is not None  # Open vSwitch floods as a bridge does
    if tables.master(port) is None and not is_of_a_program:
        return None
    return port


def _is_for_another_machine(scene: Scene, sighting: Sighting) -> bool:
    """A copy of a question that a tunnel's flood list sent to a machine that has not what is asked for."""
    space = sighting.namespace
    at_tunnel = sighting.wrapped or scene.tables.is_kind(sighting.place, "vxlan")
    if sighting.way != "in" or not at_tunnel or not is_group(sighting.dst_mac):
        return False
    goal = _namespaces_of(scene, sighting.dst_ip)
    if not goal or space in goal:
        return False
    if sighting.wrapped and not scene.is_local(space, sighting.ips[1]):
        return False  # a router between the machines
    for link in scene.tables.links.values():
        # what a tunnel in a bridge brings may be for somebody behind the bridge
        if link.namespace == space and link.kind == "vxlan" and link.master:
            return False
    return not scene.tables.bridges(space)


def open_question(scene: Scene, last: Sighting | None) -> list[Sighting] | None:
    """The sightings of a question for the next hop's MAC that stayed open, or of an answer that did not come back."""
    asked = _questions_since(scene, last)
    here = last.namespace if last else scene.probe.src
    began = _first_out(asked, here)
    if began is None:
        return None
    answers = [one for one in scene.course.questions if one.kind in TELLS and one.src_ip == began.dst_ip]
    for one in answers:
        # what comes in at a bridge's port is the bridge's, and has not yet come to who asked
        is_for_who_asked = one.dst_mac in ("", began.src_mac)
        has_arrived = one.way == "in" and one.place == began.place and is_for_who_asked
        if has_arrived and scene.tables.master(began.place) is None:
            return None
    if answers:
        return on_the_way(scene, answers) or answers
    return on_the_way(scene, _first_round(asked, began)) or [began]


def _questions_since(scene: Scene, last: Sighting | None) -> list[Sighting]:
    """The questions for a MAC that the namespace of the last sighting asks, from then on; without one, all."""
    here = last.namespace if last else scene.probe.src
    own = scene.tables.own(here)
    asked = []
    for one in scene.course.questions:
        if one.kind not in ASKS or one.src_ip not in own:
            continue
        if last is None or last.leg == "ask" or one.time_ns >= last.time_ns:
            asked.append(one)
    return asked


def _first_out(asked: list[Sighting], space: str) -> Sighting | None:
    for one in asked:
        if one.namespace == space and one.way == "out":
            return one
    return None


def _first_round(asked: list[Sighting], began: Sighting) -> list[Sighting]:
    """The way of a question that begins with this sighting, until it is asked again."""
    round_of_it: list[Sighting] = []
    for one in asked:
        if one.dst_ip != began.dst_ip or one.number < began.number:
            continue
        is_asked_again = one.place == began.place and one.way == "out"
        if round_of_it and is_asked_again:
            break
        round_of_it.append(one)
    return round_of_it
