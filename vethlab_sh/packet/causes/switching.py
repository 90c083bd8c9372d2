"""What does Open vSwitch do with a frame that came in at a port of its? Its flows say, and it can be asked.

A switch that is a program takes the frame from the device; the kernel's tables know nothing of it. `ofproto/trace`
tells what would become of such a frame without sending one: ovs-vswitchd(8).
"""

from __future__ import annotations

import shlex

from ...sandbox import HOSTNAME
from ..sighting import Kind, Sighting
from .cause import Cause, Diagnosis, Shown
from .scene import Scene

ACTIONS = "Datapath actions: "
PROTOCOLS = {Kind.TCP: "tcp", Kind.UDP: "udp"}


def taken_by_a_switch(scene: Scene, last: Sighting | None) -> Diagnosis | None:
    """What became of a frame that was last seen coming in at a port of Open vSwitch; None where it was not."""
    if last is None or last.way != "in":
        return None
    link = scene.link(last.place)
    if link is None or link.switch is None:
        return None
    where = f"{link.name} is a port of {link.switch}, a switch of Open vSwitch"
    flow = shlex.quote(_flow(last))
    line = f"ovs-appctl ofproto/trace {shlex.quote(link.switch)} {flow}"
    ran = scene.ground.run(line)
    answers = [text.removeprefix(ACTIONS) for text in ran.out.splitlines() if text.startswith(ACTIONS)]
    if ran.code != 0 or not answers:
        return Diagnosis(Cause.UNKNOWN, f"{where}, and what it did with the frame it does not tell")
    shown = Shown.of(HOSTNAME, line, ACTIONS.strip())
    if answers[-1] == "drop":
        return Diagnosis(Cause.SWITCH_FLOW, f"{where}, whose flows drop it", shown)
    reason = f"{where}, whose flows would send it on ({answers[-1]}); where it went from there I do not know"
    return Diagnosis(Cause.UNKNOWN, reason, shown)


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
