"""What does Open vSwitch do with a frame that came in at a port of its? Its flows say, and it can be asked.

A switch that is a program takes the frame from the device; the kernel's tables know nothing of it. `ofproto/trace`
tells what would become of such a frame without sending one: ovs-vswitchd(8). Which VLAN a port is in stands in the
database; the action NORMAL goes by it: ovs-vswitchd.conf.db(5), `vlan_mode`.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from ...facts import Device, Link
from ...language import enumerated, tr
from ...sandbox import HOSTNAME
from ..sighting import Kind, Sighting
from .cause import Cause, Diagnosis, Fix, Shown, fix, place
from .scene import Scene

ACTIONS = "Datapath actions: "
NORMAL = "NORMAL"
SETTLED = "ovs-appctl revalidator/wait"  # what was decided for earlier frames is then looked through again
PROTOCOLS = {Kind.TCP: "tcp", Kind.UDP: "udp"}


@dataclass(frozen=True)
class Vlans:
    """What the database says of a port: tag: its VLAN, None for a trunk; trunks: those it carries, none for all."""

    tag: int | None
    trunks: tuple[int, ...]

    def lets_out(self, vlan: int | None) -> bool:
        """Whether a frame of this VLAN may leave by the port; None: of no VLAN."""
        if self.tag is not None:
            return self.tag == vlan
        return not self.trunks or (vlan or 0) in self.trunks


def taken_by_a_switch(scene: Scene, last: Sighting | None) -> Diagnosis | None:
    """What became of a frame that came in at a port of Open vSwitch and went not where it should.

    None where it did not come in there, or where that is not why it was lost.
    """
    if last is None:
        return None
    # A switch floods what it does not know, so that the frame may last be seen where it was not meant to go, and where
    # another switch rightly drops it: first the switch is asked that should have sent it on to who is meant.
    for one in reversed(_same_frame(scene, last)):
        link = scene.link(one.place)
        if one.way == "in" and link is not None and link.switch is not None and _is_kept(scene, one, link):
            diagnosis = _asked(scene, one, link)
            if diagnosis.is_known:
                return diagnosis
    link = scene.link(last.place)
    if link is not None and link.switch is not None and last.way == "in":
        return _asked(scene, last, link)
    return None


def _same_frame(scene: Scene, last: Sighting) -> list[Sighting]:
    """The sightings of the frame that was last seen, at whatever device."""
    chosen = []
    for one in scene.course.sightings:
        if (one.leg, one.kind, one.seq, one.ips) == (last.leg, last.kind, last.seq, last.ips):
            chosen.append(one)
    return chosen


def _is_kept(scene: Scene, came: Sighting, link: Link) -> bool:
    """Whether the switch should have sent it out by another port, and did not."""
    goal = _goal(scene, came, link)
    if goal is None:
        return False
    return not any(one.place == goal.device for one in _same_frame(scene, came))


def _goal(scene: Scene, came: Sighting, link: Link) -> Link | None:
    """The other port of the same switch that leads to who is meant: by a cable, or by one and a bridge."""
    tables = scene.tables
    for owner in scene.owners(came.ips[1]):
        end = tables.cable(owner)
        bridge = tables.master(end)
        for device, port in tables.links.items():
            if port.switch != link.switch or device == link.device:
                continue
            if device == end or (bridge is not None and tables.master(tables.peer(device)) == bridge):
                return port
    return None


def _asked(scene: Scene, came: Sighting, link: Link) -> Diagnosis:
    """What the switch says that it would do with such a frame."""
    where = tr("{full} is a port of {switch}, a switch of Open vSwitch", full=link.name, switch=link.switch)
    flow = shlex.quote(_flow(came))
    line = f"ovs-appctl ofproto/trace {shlex.quote(str(link.switch))} {flow}"
    ran = scene.ground.run(line)
    told = ran.out.splitlines()
    answers = [text.removeprefix(ACTIONS) for text in told if text.startswith(ACTIONS)]
    if ran.code != 0 or not answers:
        silent = tr("{where}, and what it did with the frame it does not tell", where=where)
        return Diagnosis(Cause.UNKNOWN, silent)
    goal = _goal(scene, came, link)
    if goal is not None and NORMAL in (text.strip() for text in told):
        apart = _in_other_vlans(scene, came, link, goal)
        if apart is not None:
            return apart
    shown = Shown.of(HOSTNAME, line, ACTIONS.strip())
    if answers[-1] == "drop":
        return Diagnosis(Cause.SWITCH_FLOW, tr("{where}, whose flows drop it", where=where), shown)
    reason = tr(
        "{where}, whose flows would send it on ({actions}); where it went from there I do not know",
        where=where,
        actions=answers[-1],
    )
    return Diagnosis(Cause.UNKNOWN, reason, shown)


def _in_other_vlans(scene: Scene, came: Sighting, link: Link, goal: Link) -> Diagnosis | None:
    """Whether the port that it came in by and the one that it should leave by are in different VLANs of the switch."""
    here, there = _vlans(scene, link.device), _vlans(scene, goal.device)
    if came.vlan or here is None or there is None or there.lets_out(here.tag):
        return None
    limit = _limit(goal, there)
    if here.tag is None:
        reason = tr("{limit}, and what comes in by {name} is in none", limit=limit, name=link.name)
    else:
        reason = tr("{limit}, and what comes in by {name} is in VLAN {tag}", limit=limit, name=link.name, tag=here.tag)
    column = "trunks" if there.tag is None else "tag"
    port = shlex.quote(goal.name)
    shown = Shown.of(HOSTNAME, f"ovs-vsctl --columns={column} list port {port}", column)
    return Diagnosis(Cause.VLAN_PORT, reason, shown, (_let_out(port, here, there),), place(goal.device))


def _limit(goal: Link, there: Vlans) -> str:
    """Which VLANs the port that leads on takes, in words."""
    if there.tag is not None:
        return tr(
            "{port}, the port of {switch} that leads on, is in VLAN {tag} of that switch of Open vSwitch",
            port=goal.name,
            switch=goal.switch,
            tag=there.tag,
        )
    return tr(
        "{port}, the port of {switch} that leads on, lets out the VLANs {trunks} only of that switch of Open vSwitch",
        port=goal.name,
        switch=goal.switch,
        trunks=enumerated(map(str, there.trunks)),
    )


def _let_out(port: str, here: Vlans, there: Vlans) -> Fix:
    if there.tag is None:
        line = f"ovs-vsctl add port {port} trunks {here.tag or 0}"
    elif here.tag is None:
        line = f"ovs-vsctl clear port {port} tag"
    else:
        line = f"ovs-vsctl set port {port} tag={here.tag}"
    return fix(HOSTNAME, line, SETTLED)


def _vlans(scene: Scene, port: Device) -> Vlans | None:
    """What the database says of a port; None where it has a mode of its own, or tells nothing."""
    line = f"ovs-vsctl --format=json --columns=tag,trunks,vlan_mode list port {shlex.quote(port[1])}"
    ran = scene.ground.run(line)
    try:
        tag, trunks, mode = json.loads(ran.out)["data"][0]
        several = trunks[1] if isinstance(trunks, list) else [trunks]  # RFC 7047, section 5.1
    except (ValueError, LookupError, TypeError):
        return None
    if isinstance(mode, str):
        return None
    return Vlans(tag if isinstance(tag, int) else None, tuple(several))


def _flow(one: Sighting) -> str:
    """A frame in the words of ovs-fields(7)."""
    words = [f"in_port={one.device}", f"dl_src={one.src_mac}", f"dl_dst={one.dst_mac}"]
    if one.kind in (Kind.ARP_ASK, Kind.ARP_TELL):
        operation = 1 if one.kind == Kind.ARP_ASK else 2
        words += [f"arp_op={operation}", f"arp_spa={one.src_ip}", f"arp_tpa={one.dst_ip}"]
        return ",".join(["arp", *words])
    protocol = PROTOCOLS.get(one.kind, "icmp")
    if ":" in one.dst_ip:
        protocol += "6"
        words += [f"ipv6_src={one.src_ip}", f"ipv6_dst={one.dst_ip}"]
    else:
        words += [f"nw_src={one.src_ip}", f"nw_dst={one.dst_ip}"]
    if one.kind in PROTOCOLS and one.dst_port is not None:
        words.append(f"{PROTOCOLS[one.kind]}_dst={one.dst_port}")
    return ",".join([protocol, *words])
