"""Which namespace plays a machine is told by the kernel, never by a name: same wiring, same picture, same verdict."""

import re

import pytest

from vethlab_sh import Lab
from vethlab_sh.notebook.explorer import ends
from vethlab_sh.packet.lookup import Tables
from vethlab_sh.wiring.layout import layout
from vethlab_sh.wiring.machines import machine_of, machines, plays_machine

pytestmark = pytest.mark.live
# Three hosts on the switch `sw`, the third behind the router `gw`; each name stands for a namespace.
ROUTED = """
set -e
for ns in sw gw h1 h2 h3; do ip netns add $ns; done
ip -n sw link add br0 type bridge
ip -n sw link set br0 up
for ns in gw h1 h2; do
    ip -n $ns link add eth0 type veth peer name to-$ns netns sw
    ip -n sw link set to-$ns master br0 up
    ip -n $ns link set eth0 up
done
ip -n gw link add eth1 type veth peer name eth0 netns h3
ip -n gw link set eth1 up
ip -n h3 link set eth0 up
ip -n gw addr add 10.0.0.254/24 dev eth0
ip -n gw addr add 10.0.9.254/24 dev eth1
ip -n h1 addr add 10.0.0.1/24 dev eth0
ip -n h2 addr add 10.0.0.2/24 dev eth0
ip -n h3 addr add 10.0.9.3/24 dev eth0
ip netns exec gw sysctl -qw net.ipv4.ip_forward=1
for ns in h1 h2; do ip -n $ns route add default via 10.0.0.254; done
ip -n h3 route add default via 10.0.9.254
"""
# A router with one cable only, and two hosts in networks of their own on the same switch.
ON_A_STICK = """
set -e
for ns in sw gw h1 h2; do ip netns add $ns; done
ip -n sw link add br0 type bridge
ip -n sw link set br0 up
for ns in gw h1 h2; do
    ip -n $ns link add eth0 type veth peer name to-$ns netns sw
    ip -n sw link set to-$ns master br0 up
    ip -n $ns link set eth0 up
done
ip -n gw addr add 10.0.1.254/24 dev eth0
ip -n gw addr add 10.0.2.254/24 dev eth0
ip netns exec gw sysctl -qw net.ipv4.ip_forward=1
for n in 1 2; do
    ip -n h$n addr add 10.0.$n.1/24 dev eth0
    ip -n h$n route add default via 10.0.$n.254
done
"""


def renamed(text, router, switch):
    """A text in which the router and the switch have other names."""
    return re.sub(r"\bgw\b", router, re.sub(r"\bsw\b", switch, text))


NAMES = [("gw", "sw"), ("node9", "sw"), ("gw", "node1"), ("node9", "node1"), ("zz", "yy")]


def told_with(router, switch, wiring, fault, src, dst):
    """The verdict of a walk, its machines, and what the picture shows, with the names put back."""

    def back(text):
        return re.sub(rf"\b{router}\b", "gw", re.sub(rf"\b{switch}\b", "sw", text))

    with Lab() as lab:
        lab.run(renamed(wiring, router, switch))
        lab.run(renamed(fault, router, switch))
        walk = lab.walk(src, dst)
        picture = layout(lab.snapshot())
    boxes = sorted((box.kind, back(box.name)) for box in picture.boxes)
    lines = sorted((line.kind, sorted(back(" ".join(end)) for end in line.ends)) for line in picture.lines)
    return back(walk.verdict), [back(row.machine) for row in walk.rows], boxes, lines


@pytest.mark.parametrize(
    ("wiring", "fault", "src", "dst"),
    [
        # h1 takes h3 for a neighbour: the router gets the question, and must not answer it
        (ROUTED, "ip -n h1 addr flush dev eth0; ip -n h1 addr add 10.0.0.1/16 dev eth0", "h1", "h3"),
        (ROUTED, "ip -n h3 link set eth0 down", "h1", "h3"),
        (ROUTED, "ip netns exec gw sysctl -qw net.ipv4.ip_forward=0", "h1", "h3"),
        (ON_A_STICK, "ip -n h1 addr flush dev eth0; ip -n h1 addr add 10.0.1.1/16 dev eth0", "h1", "h2"),
    ],
    ids=["wide prefix", "cable down", "no forwarding", "wide prefix on a stick"],
)
def test_verdict_and_picture_do_not_hang_on_names(wiring, fault, src, dst):
    told = [told_with(router, switch, wiring, fault, src, dst) for router, switch in NAMES]
    assert told == told[:1] * len(NAMES)


@pytest.mark.parametrize(("router", "switch"), NAMES)
def test_router_and_switch_play_a_machine(lab, router, switch):
    lab.run(renamed(ROUTED, router, switch))
    snapshot = lab.snapshot()
    assert machines(snapshot) == {"master": [], router: ["h3"], switch: ["h1", "h2"]}
    assert plays_machine(snapshot, router)
    assert not plays_machine(snapshot, "h1")
    assert Tables(snapshot).machine("h3") == machine_of(snapshot, "h3") == router
    assert ends(snapshot)[:3] == ["h1", "h2", "h3"]


def test_router_with_one_cable_plays_a_machine(lab):
    lab.run(ON_A_STICK)
    assert machines(lab.snapshot()) == {"master": [], "gw": [], "sw": ["h1", "h2"]}


def test_host_that_is_taken_for_a_router_stays_a_host(lab):
    lab.play("bridge", hosts=3)
    before = machines(lab.snapshot())
    lab.run("ip -n ns100 route add default via 192.168.1.102")
    assert machines(lab.snapshot()) == before == {"master": ["ns100", "ns101", "ns102"]}


def test_ends_of_a_cable_are_on_the_root(lab):
    lab.play("direct")
    assert machines(lab.snapshot()) == {"master": ["ns1", "ns2"]}


@pytest.mark.parametrize("options", [{"mode": "vxlan"}, {"mode": "routed"}, {"mode": "routed", "pods": 1}])
def test_calicos_node_plays_a_machine_without_a_bridge(lab, options):
    lab.play("calico", **options)
    lab.run("ip netns del pod-c" if "pods" not in options else "ip -n node2 route flush dev eth0")
    homes = machines(lab.snapshot())
    assert list(homes) == ["master", "node2"]
    assert "pod-a" in homes["master"]


def test_node_is_a_machine_as_soon_as_the_other_sends_by_it(lab):
    """Before that the kernel tells nothing of it: a namespace is on the root, whatever it is called."""
    lab.run("ip netns add node2; ip link add eth0 type veth peer name eth0 netns node2; ip link set eth0 up")
    assert machines(lab.snapshot()) == {"master": ["node2"]}
    lab.run("ip addr add 10.4.0.11/24 dev eth0; ip route add default via 10.4.0.1")
    assert machines(lab.snapshot()) == {"master": [], "node2": []}
