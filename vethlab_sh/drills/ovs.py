"""What can be broken at a switch that is a program? Its flows, and the VLANs of its ports: the kernel shows neither."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from random import Random

from ..language import tr
from ..packet.causes.cause import Cause
from ..scenarios.ovs import SETTLED, laid_between
from .fault import Fault, Hint, Maker, World, alias, ask, no_use, side_cable

UPLINK = "int-br0"  # the switch's end of the cable to the Linux bridge


@dataclass(frozen=True)
class Joined:
    """Two namespaces on br-int, one on the bridge br0 behind a cable; net: what their addresses begin with.

    near, beside, far: their numbers: ns7 is behind tap7, and its address ends in 7.
    """

    net: str
    near: int
    beside: int
    far: int
    world: World

    def address(self, number: int) -> str:
        """The address of a namespace."""
        return f"{self.net}{number}"

    def ask(self, one: int, other: int) -> str:
        """The claim that one reaches the other."""
        return ask(f"ns{one}", self.address(other))


def _joined(rng: Random) -> Joined:
    net = f"10.{rng.randrange(2, 250)}.{rng.randrange(2, 250)}."
    near, beside, far = rng.sample(range(2, 100), 3)
    owners = [f"{net}{number} belongs to ns{number}" for number in (near, beside, far)]
    ways = []
    asks = []
    for one, other in permutations((near, beside, far), 2):
        asks.append(ask(f"ns{one}", f"{net}{other}"))
        ways.append(f"ns{one} sends to {net}{other} through eth0")
    plugs = [
        f"tap{near} is a port of br-int",
        f"tap{beside} is a port of br-int",
        f"{UPLINK} is a port of br-int",
        f"tap{far} is a port of br0",
        "phy-br0 is a port of br0",
    ]
    lines = laid_between(net, (near, beside), far)
    world = World("ovs", lines, tuple(asks), (*owners, *plugs, *ways))
    return Joined(net, near, beside, far, world)


def _flow(words: str) -> tuple[str, str]:
    """The lines that add a flow to br-int, and wait until it counts."""
    return f'ovs-ofctl add-flow br-int "{words}"', SETTLED


def flow_drops(rng: Random) -> Fault:
    """A flow that drops what comes from one namespace."""
    joined = _joined(rng)
    victim, other, far = joined.near, joined.beside, joined.far
    address = joined.address(victim)
    match = f"ip,in_port=tap{victim}"
    return Fault(
        world=joined.world,
        ticket=tr(
            "ns{victim} ({address}) sends, and gets nothing back, from ns{other} beside it as little as from ns{far}. "
            "In its neighbour table all of them are there, with their MAC addresses, and every device is up.",
            victim=victim,
            address=address,
            other=other,
            far=far,
        ),
        plant=_flow(f"priority=100,{match},actions=drop"),
        causes=(Cause.SWITCH_FLOW,),
        named=(f"tap{victim}", "br-int", "flows"),
        unanswered=(joined.ask(victim, other), joined.ask(other, victim)),
        hints=(
            Hint("ovs-vsctl show", tr("Is tap{victim} a port of br-int, as the others are?", victim=victim)),
            Hint(
                "ovs-ofctl dump-flows br-int",
                tr("Of the flows that fit a packet, the one of the highest priority decides. Which one counts on?"),
            ),
            Hint(
                f"ovs-appctl ofproto/trace br-int icmp,in_port=tap{victim},nw_src={address}",
                tr("What would become of a ping? The last line says it."),
            ),
        ),
        repairs=(
            (f"ovs-ofctl del-flows br-int {match}", SETTLED),
            _flow(f"priority=200,{match},actions=NORMAL"),
        ),
        wrong=(
            no_use(
                _flow(f"priority=50,{match},actions=NORMAL"),
                (f'ovs-ofctl --strict del-flows br-int "priority=50,{match}"', SETTLED),
            ),
            side_cable(f"ns{victim}", address, f"ns{other}", joined.address(other)),
            alias(f"ns{victim}", joined.address(other), f"ns{other}"),
        ),
        explanation=tr(
            "A flow of priority 100 dropped every IP packet that came in by tap{victim}. ARP is not IP, so the MAC "
            "addresses were known, and all looked well from ns{victim}. What a switch of Open vSwitch does with a "
            "packet stands in its flows alone; `ip`, `bridge` and `tcpdump` show nothing of it.",
            victim=victim,
        ),
    )


def uplink_in_a_vlan(rng: Random) -> Fault:
    """The port of the cable between the switches is in a VLAN, in which nobody else is."""
    joined = _joined(rng)
    near, beside, far = joined.near, joined.beside, joined.far
    vlan = rng.randrange(10, 400)
    stray = f"tap{beside}"
    return Fault(
        world=joined.world,
        ticket=tr(
            "Since the maintenance last night ns{far} ({address}), which is on br0, reaches nobody on br-int, and is "
            "reached by nobody there. ns{near} and ns{beside}, both on br-int, reach each other.",
            far=far,
            address=joined.address(far),
            near=near,
            beside=beside,
        ),
        plant=(f"ovs-vsctl set port {UPLINK} tag={vlan}", SETTLED),
        causes=(Cause.VLAN_PORT,),
        named=(UPLINK, f"VLAN {vlan}"),
        unanswered=(joined.ask(near, far), joined.ask(far, near)),
        hints=(
            Hint("bridge link", tr("br0 has its two ports, and they forward. So look at the other switch.")),
            Hint(
                "ovs-appctl fdb/show br-int",
                tr("Of each MAC address it tells the port, and the VLAN. Are they in one?"),
            ),
            Hint("ovs-vsctl show", tr("Compare what stands below {uplink} with the other ports.", uplink=UPLINK)),
        ),
        repairs=(
            (f"ovs-vsctl clear port {UPLINK} tag", SETTLED),
            (f"ovs-vsctl del-port {UPLINK} -- add-port br-int {UPLINK}", SETTLED),
        ),
        wrong=(
            no_use(
                (f"ovs-vsctl set port {stray} tag={vlan}", SETTLED),
                (f"ovs-vsctl clear port {stray} tag", SETTLED),
            ),
            side_cable(f"ns{near}", joined.address(near), f"ns{far}", joined.address(far)),
            alias(f"ns{near}", joined.address(far), f"ns{far}"),
        ),
        explanation=tr(
            "{uplink}, br-int's end of the cable to br0, was a port of VLAN {vlan} (`tag`). What came in by it "
            "belonged to that VLAN, and of what the others sent nothing was let out there. A port without a tag "
            "carries all VLANs, which is what a cable between two switches needs.",
            uplink=UPLINK,
            vlan=vlan,
        ),
    )


DRILLS: dict[str, Maker] = {
    "flow-drops": flow_drops,
    "uplink-in-a-vlan": uplink_in_a_vlan,
}
