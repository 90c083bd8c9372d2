"""The packet walk, held against what must be seen: derived from the wiring, not from our own reading of it."""

import json
import re
import shlex
import struct
import subprocess
import time
from pathlib import Path

import pytest
from conftest import inhabitants, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promises import packets_or_not_understood
from test_diagram import assert_tidy, kept

from vethlab_sh import Lab
from vethlab_sh.errors import BadOption, TooBusy, ToolMissing
from vethlab_sh.facts import Link
from vethlab_sh.packet.follow import ground_of
from vethlab_sh.packet.listen import listen
from vethlab_sh.packet.player import layers
from vethlab_sh.packet.probe import Wanted
from vethlab_sh.packet.sighting import Kind, Sighting
from vethlab_sh.packet.walk import COLUMNS
from vethlab_sh.parsers import tcpdump
from vethlab_sh.wiring.ink import placed
from vethlab_sh.wiring.layout import layout

pytestmark = pytest.mark.live
EE = "ee:ee:ee:ee:ee:ee"
ENDS = {
    "direct": ("ns1", "ns2"),
    "bridge": ("ns100", "ns101"),
    "flannel": ("pod-a", "pod-c"),
    "calico": ("pod-a", "pod-c"),
}


@pytest.fixture(scope="module", params=ENDS)
def played(request):
    """A scenario's name and its lab, played to its end."""
    with Lab() as lab:
        lab.play(request.param)
        yield request.param, lab


def places(walk, leg):
    return [f"{row.namespace} {row.device} {row.way}" for row in walk.rows if row.leg == leg]


def mac_of(lab, namespace, device):
    where = "" if namespace == "master" else f"-n {namespace} "
    return json.loads(lab.run(f"ip {where}-j link show {device}").out)[0]["address"]


def assert_connected(walk):
    """Each sighting but the first follows another: over a cable of the kernel's, or inside one namespace."""
    wires = {(r.namespace, r.name): (r.peer_namespace, r.peer) for r in walk.snapshot.rows.links}
    for row in walk.rows[1:]:
        before = walk.rows[row.after - 1]
        assert before.number < row.number
        crossed = wires[(row.namespace, row.device)] == (before.namespace, before.device)
        assert crossed or before.namespace == row.namespace, row


# ---- the four scenarios -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_walk_is_whole_connected_and_in_order(played, cold):
    name, lab = played
    walk = lab.walk(*ENDS[name], cold=cold)
    assert walk.ok
    assert "the answer came back" in walk.verdict
    assert_connected(walk)
    assert [row.number for row in walk.rows] == list(range(1, len(walk.rows) + 1))
    assert [row.us for row in walk.rows] == sorted(row.us for row in walk.rows)
    assert walk.rows[0].us == 0
    assert bool(places(walk, "ask")) >= cold
    there, back = places(walk, "there"), places(walk, "back")
    assert there[0].startswith(ENDS[name][0])
    assert there[-1].startswith(ENDS[name][1])
    turned = {"in": "out", "out": "in"}
    assert back == [re.sub(r"\w+$", lambda found: turned[found.group()], place) for place in reversed(there)]


def test_a_question_that_the_kernel_asks_meanwhile_is_no_part_of_the_walk():
    with Lab() as lab:
        lab.play("flannel")
        mac = mac_of(lab, "pod-a", "eth0")
        again = f"ip neigh change 10.244.0.4 lladdr {mac} dev cni0 nud probe"  # asks at once
        lab.run(f"(while {again}; do :; done) >/dev/null 2>&1 & echo $! >/run/again")
        walk = lab.walk("pod-a", "pod-c")
        lab.run("kill $(cat /run/again)")
        assert walk.ok
        assert_connected(walk)
        assert walk.rows[0].namespace == "pod-a"


def test_walk_leaves_no_listener(played):
    name, lab = played
    before = inhabitants(lab.run("readlink /proc/self/ns/net").out.strip())
    lab.walk(*ENDS[name])
    assert inhabitants(lab.run("readlink /proc/self/ns/net").out.strip()) == before
    assert lab.run("ls /run | grep listen", expect=(0, 1)).out == ""


def test_direct_pair_is_seen_at_its_two_ends_only():
    with Lab() as lab:
        lab.play("direct")
        walk = lab.walk("ns1", "192.168.10.201")
        assert places(walk, "there") == ["ns1 tap1 out", "ns2 tap2 in"]
        macs = [(row.src_mac, row.dst_mac) for row in walk.rows if row.leg == "there"]
        assert set(macs) == {(mac_of(lab, "ns1", "tap1"), mac_of(lab, "ns2", "tap2"))}


def test_bridge_hands_on_without_touching_ttl_or_macs():
    with Lab() as lab:
        lab.play("bridge")
        lab.run("ip netns exec ns100 ping -c 1 192.168.1.101")
        walk = lab.walk("ns100", "ns101")
        there = ["ns100 veth100 out", "master br-veth100 in", "master br-veth101 out", "ns101 veth101 in"]
        assert places(walk, "there") == there
        assert {row.ttl for row in walk.rows if row.leg != "ask"} == {64}
        mac = mac_of(lab, "ns101", "veth101")
        assert walk.rows[places(walk, "there").index(there[2])].why == f"bridge br0 knows {mac} on br-veth101"


def test_cold_bridge_floods_the_question_to_every_port():
    with Lab() as lab:
        lab.play("bridge", hosts=4)
        walk = lab.walk("ns100", "ns101", cold=True)
        asked = [row for row in walk.rows if row.what == "ARP who-has" and row.dst_mac == "ff:ff:ff:ff:ff:ff"]
        out = {row.device for row in asked if (row.namespace, row.way) == ("master", "out")}
        assert out == {"br-veth101", "br-veth102", "br-veth103"}
        assert_connected(walk)


def test_flannel_wraps_once_for_each_direction(flannel):
    walk = flannel.walk("pod-a", "pod-c")
    wrapped = [row for row in walk.rows if row.vni is not None]
    seen = [(row.namespace, row.device, row.way, row.leg) for row in wrapped]
    assert seen == [
        ("master", "eth0", "out", "there"), ("node2", "eth0", "in", "there"),
        ("node2", "eth0", "out", "back"), ("master", "eth0", "in", "back"),
    ]  # fmt: skip
    for row in wrapped:
        assert (row.bytes, row.inner_bytes, row.outer_port, row.vni) == (148, 98, 8472, 1)
    assert (wrapped[0].outer_src_ip, wrapped[0].outer_dst_ip) == ("10.4.0.21", "10.4.0.22")
    assert wrapped[0].outer_dst_mac == mac_of(flannel, "node2", "eth0")
    assert wrapped[0].dst_mac == json.loads(flannel.run("ip -n node2 -j link show flannel.1").out)[0]["address"]
    ttls = [row.ttl for row in walk.rows if row.leg == "there"]
    assert sorted(set(ttls), reverse=True) == [64, 63, 62]
    assert ttls == sorted(ttls, reverse=True)


def test_taps_of_one_pass_are_in_the_order_of_the_wiring(flannel):
    """They carry the same nanosecond: the port is before its bridge, the underlay before the tunnel."""
    for _ in range(5):
        there = places(flannel.walk("pod-a", "pod-c"), "there")
        assert there.index("master veth6f848792 in") + 1 == there.index("master cni0 in")
        assert there.index("node2 eth0 in") + 1 == there.index("node2 flannel.1 in")


def test_calico_begins_with_a_question_that_the_node_answers(calico):
    walk = calico.walk("pod-a", "pod-c", cold=True)
    first = walk.rows[0]
    assert (first.what, first.dst_ip, first.src_ip) == ("ARP who-has", "169.254.1.1", "10.240.188.122")
    answer = next(row for row in walk.rows if row.what == "ARP is-at")
    assert (answer.src_ip, answer.src_mac) == ("169.254.1.1", EE)
    assert answer.why == "proxy ARP: master answers for 169.254.1.1"
    (request,) = (r for r in walk.rows if (r.leg, r.namespace, r.way) == ("there", "pod-a", "out"))
    assert request.dst_mac == EE


def test_calico_on_one_node_is_routed_not_bridged(calico):
    walk = calico.walk("pod-a", "pod-b")
    there = ["pod-a eth0 out", "master cali50c25257626 in", "master cali2f5353dd8c5 out", "pod-b eth0 in"]
    assert places(walk, "there") == there
    assert [row.ttl for row in walk.rows if row.leg == "there"] == [64, 64, 63, 63]


def test_pod_reaches_its_own_node_by_the_bridge_itself(flannel):
    walk = flannel.walk("pod-a", "10.244.0.1")
    assert places(walk, "there") == ["pod-a eth0 out", "master veth6f848792 in", "master cni0 in"]


def test_walk_goes_on_behind_nat(flannel):
    """flannel masquerades what a pod sends to a machine, and changes the number of the echo too."""
    walk = flannel.walk("pod-a", "10.4.0.22")
    there = [row for row in walk.rows if row.leg == "there"]
    assert places(walk, "there")[-2:] == ["master eth0 out", "node2 eth0 in"]
    assert [row.src_ip for row in there] == ["10.244.0.4"] * (len(there) - 2) + ["10.4.0.21"] * 2
    assert there[-2].why.endswith("rewritten (NAT): it now comes from 10.4.0.21, not 10.244.0.4")
    assert "TTL 64 on leaving, 63 on arrival (1 router between)" in walk.verdict
    assert_connected(walk)


def test_bridge_that_speaks_for_itself_is_no_router(world):
    """Its MAC is that of its first port, by which the frame leaves."""
    lab = world("bridge")
    lab.run("ip addr add 192.168.1.1/24 dev br0")
    walk = lab.walk("ns100", "192.168.1.1", cold=True)
    (left,) = (r for r in walk.rows if (r.device, r.way, r.leg) == ("br-veth100", "out", "back"))
    assert left.why.startswith("bridge br0 knows")
    assert "no namespace has this address" in lab.walk("ns100", "192.168.1.55").reason
    lab.run("ip addr del 192.168.1.1/24 dev br0")


def test_walk_over_ipv6():
    with Lab() as lab:
        lab.play("flannel", ipv6=True)
        pod = next(r.address for r in lab.snapshot().rows.addresses
                   if r.namespace == "pod-c" and r.address.startswith("fd"))  # fmt: skip
        walk = lab.walk("pod-a", pod.partition("/")[0], cold=True)
        assert walk.ok
        assert_connected(walk)
        assert {row.what for row in walk.rows if row.leg == "ask"} >= {"ND who-has", "ND is-at"}


def test_count_size_and_fragments(flannel):
    walk = flannel.walk("pod-a", "pod-c", count=2, size=2000)
    assert walk.ok
    assert {row.seq for row in walk.rows} == {1, 2, None}
    wrapped = {(row.bytes, row.inner_bytes) for row in walk.rows if row.vni is not None}
    assert wrapped == {(1508, 1458), (668, 618)}  # 2008 bytes of ICMP in pieces of 1424 and 584, 34 and 50 of headers
    assert [row for row in walk.rows if row.what == "ICMP fragment"]


@pytest.mark.parametrize(("proto", "answer"), [("tcp:81", "TCP Flags [R.]"), ("udp:81", "ICMP 10.244.1.2 udp port 81")])
def test_port_where_nobody_listens_refuses(flannel, proto, answer):
    walk = flannel.walk("pod-a", "pod-c", proto=proto)
    assert not walk.ok
    assert walk.cause == "refused"
    assert "pod-c refused it: nobody listens on" in walk.verdict
    back = [row.what for row in walk.rows if row.leg == "back"]
    assert back
    assert all(what.startswith(answer) for what in back), back


# ---- what is broken -----------------------------------------------------------------------------------------

# scenario: what breaks it, what mends it, where the packet was last seen and should have been next, why
BROKEN = """
bridge: ip link set br-veth101 nomaster
 ip link set br-veth101 master br0
 master br-veth100, master br-veth101, br-veth101 has no master
bridge: ip link set br-veth100 nomaster
 ip link set br-veth100 master br0
 master br-veth100, master br0, br-veth100 has no master
bridge: ip link set br0 down
 ip link set br0 up
 master br-veth100, master br0, br0 in master is down
bridge: ip -n ns101 link set veth101 down
 ip -n ns101 link set veth101 up
 master br-veth100, master br-veth101, veth101 in ns101 is down
bridge: ip -n ns100 addr flush dev veth100
 ip -n ns100 addr add 192.168.1.100/24 dev veth100
 None, None, ns100 has no route to 192.168.1.101
direct: ip -n ns2 link set tap2 down
 ip -n ns2 link set tap2 up
 None, ns1 tap1, tap1 in ns1 has no signal, because tap2 in ns2 is down
flannel: bridge fdb del 8e:2a:10:00:00:02 dev flannel.1
 bridge fdb add 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22
 master flannel.1, master eth0, flannel.1 has no FDB entry for 8e:2a:10:00:00:02
flannel: bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.99 self
 bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22 self
 node2 eth0, None, the FDB of flannel.1 in master sends it to 10.4.0.99, but nobody has 10.4.0.99: no namespace
flannel: ip route del 10.244.1.0/24
 ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink
 node2 eth0, None, master sends it by default via 10.4.0.1 dev eth0, but nobody has 10.4.0.1
flannel: ip neigh del 10.244.1.0 dev flannel.1
 ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:02 dev flannel.1 nud permanent
 master flannel.1, master eth0, no neighbour entry tells the MAC
flannel: sysctl -qw net.ipv4.ip_forward=0
 sysctl -qw net.ipv4.ip_forward=1
 master cni0, master flannel.1, forwarding is off in master
flannel: iptables -I FORWARD -j DROP
 iptables -D FORWARD -j DROP
 master cni0, master flannel.1, the rule `-A FORWARD -j DROP` (iptables table filter, chain FORWARD, in master) drops it
flannel: ip -n node2 route del 10.244.0.0/24
 ip -n node2 route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink
 node2 flannel.1, node2 cni0, rp_filter is on at flannel.1 and the route back is default via 10.4.0.1
flannel: ip -n node2 link set flannel.1 down
 {up}
 node2 eth0, node2 flannel.1, flannel.1 in node2 is down
calico: sysctl -qw net.ipv4.conf.cali50c25257626.proxy_arp=0
 sysctl -qw net.ipv4.conf.cali50c25257626.proxy_arp=1
 master cali50c25257626, master, proxy_arp is off at cali50c25257626
calico: ip -n pod-a route del default
 ip -n pod-a route add default via 169.254.1.1
 None, None, pod-a has no route to 10.240.77.130
calico: ip -n node2 route del 10.240.77.130
 ip -n node2 route add 10.240.77.130 dev cali3754a2f57f6
 node2 vxlan.calico, None, its route blackhole 10.240.77.128/26 swallows it
"""
UP = """ip -n node2 link set flannel.1 up
ip -n node2 route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink
ip -n node2 neigh replace 10.244.0.0 lladdr 8e:2a:10:00:00:01 dev flannel.1 nud permanent"""
FAULTS = re.findall(r"^(\w+): (.*)\n (.*)\n (.*?), (.*?), (.*)$", BROKEN, re.M)


@pytest.fixture(scope="module")
def world(request):
    """A lab for each scenario, played to its end when it is first asked for."""
    labs = {}
    yield lambda name: labs.get(name) or labs.setdefault(name, _played(name))
    for lab in labs.values():
        lab.close()


def _played(name):
    lab = Lab()
    lab.play(name)
    return lab


@pytest.mark.parametrize(
    ("name", "fault", "mended", "last", "next_hop", "reason"), FAULTS, ids=[f"{f[0]}: {f[1]}" for f in FAULTS]
)
def test_broken_walk_says_where_and_why(world, name, fault, mended, last, next_hop, reason):
    lab = world(name)
    lab.run(fault)
    try:
        walk = lab.walk(*ENDS[name], cold=True)
    finally:
        lab.run(UP if mended == "{up}" else mended)
    assert not walk.ok
    where = walk.last_seen and f"{walk.last_seen.namespace} {walk.last_seen.device}"
    assert (str(where), str(walk.should_be)) == (last, next_hop), walk.verdict
    assert reason in walk.reason
    assert walk.reason in walk.verdict
    assert_connected(walk)
    assert lab.walk(*ENDS[name], cold=True).ok


def test_node_without_the_tunnel_says_so():
    """It answers that nobody listens on the port, and quotes the packet with the frame inside."""
    with Lab() as lab:
        lab.play("flannel")
        lab.run("ip -n node2 link del flannel.1")
        walk = lab.walk("pod-a", "pod-c", cold=True)
        assert "node2 has no VXLAN device with VNI 1" in walk.reason
        assert "node2 answered: 10.4.0.22 udp port 8472 unreachable." in walk.verdict


def test_answer_that_comes_late_is_an_answer():
    """A first probe waits as long as the machine seems to need; a queue may need longer, and nothing is wrong then."""
    with Lab() as lab:
        lab.play("direct")
        # which has a lot to say in its first seconds, and would stand in the queue, too
        lab.run("ip netns exec ns2 sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
        # two pings of 142 bytes use up what may go at once, and so the echo waits for its turn
        lab.run("ip netns exec ns2 tc qdisc add dev tap2 root tbf rate 4000bit burst 200 limit 2000")
        lab.run("ip netns exec ns2 ping -c 2 -i 0.01 -s 100 192.168.10.200")
        walk = lab.walk("ns1", "ns2", cold=True)
        assert walk.ok, walk.verdict
        assert places(walk, "ask")
        assert len(places(walk, "there")) == 2


def test_what_passes_before_all_listen_is_no_part_of_the_walk(lab):
    """And what is forgotten first is forgotten when all listen: meanwhile a tunnel's own packets may ask again."""
    lab.play("direct")
    ground = ground_of(lab._world.live("").shell)
    links = [link for link in lab.snapshot().rows.links if link.up and link.kind == "veth"]
    ping = "ip netns exec ns2 ping -c 1 192.168.10.200"
    first = f"{ping}; {ping}"
    heard = listen(ground, links, command="true", wanted=Wanted("icmp"), first=first)
    assert heard.rows == ()
    heard = listen(ground, links, command=ping, wanted=Wanted("icmp"), first=first)
    assert [row["device"] for row in heard.rows] == ["tap1"] * 2 + ["tap2"] * 2


def test_loss_that_the_tables_explain_is_sent_once():
    """A namespace that ignores pings got one, and was not asked again."""
    with Lab() as lab:
        lab.play("direct")
        lab.run("ip netns exec ns2 sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
        counted = "ip netns exec ns2 nstat -asz IcmpInEchos"
        before = int(lab.run(counted).out.split()[-2])
        assert lab.walk("ns1", "ns2").cause == "echo-ignored"
        assert int(lab.run(counted).out.split()[-2]) - before == 1


def test_walk_to_an_own_address_costs_no_more_than_another():
    """The kernel counts a packet on lo twice, and tcpdump prints it once: nobody has to wait for the second."""
    with Lab() as lab:
        lab.play("direct")
        lab.run("ip -n ns1 link set lo up")
        own = min(seconds_for(lab, "ns1", "192.168.10.200") for _ in range(3))
        other = min(seconds_for(lab, "ns1", "192.168.10.201") for _ in range(3))
        assert own < 5 * other


def seconds_for(lab, src, dst):
    start = time.perf_counter()
    assert lab.walk(src, dst).ok
    return time.perf_counter() - start


def test_namespace_that_cannot_talk_to_itself():
    with Lab() as lab:
        lab.play("direct")
        assert "lo in ns1 is down" in lab.walk("ns1", "192.168.10.200").reason
        lab.run("ip -n ns1 link set lo up")
        assert places(lab.walk("ns1", "192.168.10.200"), "there") == ["ns1 lo in"]


@pytest.mark.parametrize(
    ("src", "dst", "more"),
    [("nowhere", "ns101", {}), ("ns100", "nowhere", {}), ("ns100", "ns101", {"proto": "sctp"}),
     ("ns100", "ns101", {"count": 0}), ("ns100", "ns101", {"size": 70000}), ("ns100", "ns101", {"proto": "tcp:0"})],
)  # fmt: skip
def test_bad_questions_are_refused_with_a_hint(src, dst, more):
    with Lab() as lab:
        lab.play("bridge", until=6)
        with pytest.raises(BadOption):
            lab.walk(src, dst, **more)


# ---- table, picture, player ---------------------------------------------------------------------------------


def test_table_has_every_column_typed(flannel):
    table = flannel.walk("pod-a", "pod-c").table
    assert list(table) == list(COLUMNS)
    assert table.dtypes["ttl"] == "Int64"
    with Lab() as empty:
        assert list(empty.walk("master", "192.0.2.1").table) == list(COLUMNS)


def test_picture_carries_every_number_and_stays_tidy(played):
    name, lab = played
    walk = lab.walk(*ENDS[name], cold=True)
    picture = walk.picture()
    for row in walk.rows:
        lines = picture.device((row.namespace, row.device)).lines
        numbers = next(line for line in lines if line.startswith(row.leg + " "))
        assert str(row.number) in numbers.split()
    bands = [line for line in picture.lines if line.kind in ("there", "back")]
    assert bands
    picture.lines = [line for line in picture.lines if line not in bands]
    assert_tidy(picture)
    assert len(picture.lines) == len(layout(walk.snapshot).lines)


def test_band_is_without_a_gap(calico):
    """Each piece begins at the device where the one before it ended."""
    walk = calico.walk("pod-a", "pod-c", cold=True)
    rows = [row for row in walk.rows if row.leg == "there"]
    assert [row.after for row in rows[1:]] == [row.number for row in rows[:-1]]


def test_picture_marks_where_it_was_lost():
    with Lab() as lab:
        lab.play("bridge")
        lab.run("ip link set br-veth101 nomaster")
        walk = lab.walk("ns100", "ns101", cold=True)
        (lost,) = (line for line in walk.picture().lines if line.kind == "lost")
        box = walk.picture().device(("master", "br-veth100"))
        assert lost.points == ((box.x + box.width, box.y + box.height),)
        assert walk.draw().figure


def test_player_is_one_page_with_every_sighting(flannel, tmp_path):
    walk = flannel.walk("pod-a", "pod-c", cold=True)
    file = tmp_path / "walk.html"
    player = walk.animate(file)
    page = file.read_text()
    assert page == player.page
    steps = json.loads(re.search(r"^const steps = (.*);$", page, re.M)[1])
    assert [step["why"] for step in steps] == [row.why for row in walk.rows]
    assert not re.search(r"(src|href)=|url\(|https?://|\bimport\b", page)
    assert "<iframe srcdoc=" in player._repr_html_()


def test_layers_put_the_wrapping_on_and_take_it_off(flannel):
    walk = flannel.walk("pod-a", "pod-c")
    shown = [[name for name, *_ in layers(row)] for row in walk.rows if row.leg == "there"]
    bare = ["Ethernet", "IP", "ICMP echo request"]
    wrapped = ["Ethernet", "IP", "UDP", "VXLAN", *bare]
    assert shown == [bare] * 4 + [wrapped] * 2 + [bare] * 4


def capture(frames):
    """These frames as a capture file (pcap-savefile(5)): its header, and each frame behind one of its own."""
    records = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for frame in frames:
        records.append(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)
    return b"".join(records)


@pytest.mark.no_lab
def test_a_frame_is_heard_and_read_behind_any_number_of_tags(tmp_path):
    macs = bytes.fromhex("020000000002" + "020000000001")
    echo = bytes.fromhex("0800" + "4500001c000000004001" + "66df" + "0a0000010a000002" + "0800f7fd00010001")
    tags = [b"", b"\x88\xa8\x00\x08", b"\x81\x00\x00\x09", b"\x81\x00\x00\x0a", b"\x81\x00\x00\x0b"]
    frames = [macs + b"".join(tags[: n + 1]) + echo for n in range(5)]
    file = tmp_path / "tagged.pcap"
    file.write_bytes(capture(frames))
    wanted = Wanted("arp or icmp", has_tags=True)
    filter_of_cards = wanted.at(Link(namespace="h1", name="eth0", mac="02:00:00:00:00:01"))
    ran = subprocess.run(
        ["tcpdump", "-nn", "-e", "-v", "-tt", "-r", str(file), filter_of_cards], capture_output=True, text=True
    )
    numbers = [[vlan for _, vlan in row["tags"] or ()] for row in tcpdump.parse(ran.stdout)]
    assert numbers == [[], [8], [8, 9], [8, 9, 10], [8, 9, 10, 11]]
    # where packets have no frame, tcpdump refuses to look for a tag
    assert wanted.at(Link(namespace="h1", name="tun0")) == wanted.packets


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("wrapping", "names"),
    [
        ({"wrapping": "IPIP"}, ["Ethernet", "IP", "IP"]),
        ({"wrapping": "GRE", "vni": 7}, ["Ethernet", "IP", "GRE", "IP"]),
        ({"wrapping": "Geneve", "vni": 5, "outer_port": 6081, "src_mac": "a", "dst_mac": "b"},
         ["Ethernet", "IP", "UDP", "Geneve", "Ethernet", "IP"]),
        ({"vlan": 10, "src_mac": "a", "dst_mac": "b"}, ["Ethernet", "802.1Q", "IP"]),
        ({"vlan": 8, "tags": (("802.1ad", 8), ("802.1Q", 9)), "src_mac": "a", "dst_mac": "b"},
         ["Ethernet", "802.1ad", "802.1Q", "IP"]),
        ({}, ["IP"]),
    ],
)  # fmt: skip
def test_layers_are_the_headers_that_are_there(wrapping, names):
    """A tunnel of packets has no Ethernet header inside, and only VXLAN and Geneve are in UDP."""
    around = {}
    if "wrapping" in wrapping:
        around = {"outer_src_mac": "c", "outer_dst_mac": "d", "outer_src_ip": "1.0.0.1", "outer_dst_ip": "1.0.0.2"}
    row = Sighting(
        namespace="a", device="b", what="ICMP echo request", kind=Kind.ECHO, src_ip="10.0.0.1", dst_ip="10.0.0.2",
        bytes=98, **{**around, **wrapping},
    )  # fmt: skip
    shown = layers(row)
    assert [name for name, *_ in shown] == [*names, "ICMP echo request"]
    assert not [words for _, words, *_ in shown if "None" in words]


def test_walk_in_a_notebook_is_a_table_and_its_verdict(flannel):
    walk = flannel.walk("pod-a", "pod-c")
    html = walk._repr_html_()
    assert html.count("<tr") == len(walk.rows) + 1
    assert "TTL 64 on leaving, 62 on arrival (2 routers between)" in html


def test_picture_of_the_readme_is_fresh(flannel):
    """`make pictures` draws it anew; it holds its verdict, and what is drawn where."""
    walk = flannel.walk("pod-a", "pod-c")
    assert kept("walk", "Description") == walk.verdict
    assert kept("walk", "Placed") == placed(walk.draw())


# ---- the command line ---------------------------------------------------------------------------------------


def test_walk_verb_tells_json_html_and_picture(vethlab, tmp_path):
    files = {kind: tmp_path / f"walk.{kind}" for kind in ("html", "png", "svg")}
    words = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    ended = vethlab("walk", "calico", "pod-a", "pod-b", "--json", *words)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["ok"]
    assert set(told["rows"][0]) == set(COLUMNS)
    assert all(Path(file).stat().st_size for file in files.values())


def test_walk_verb_says_no_with_exit_code_one(vethlab):
    ended = vethlab("walk", "direct", "ns1", "10.9.9.9")
    assert ended.returncode == 1
    assert ended.stdout.startswith("ns1 did not get an answer from 10.9.9.9.")
    assert vethlab("walk", "direct", "ns1", "somewhere").returncode == 2


# ---- any wiring, any text -----------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 2), min_size=2, max_size=5))
def test_walk_through_random_bridges_is_a_connected_path(homes):
    """Hosts on bridges br0 to br2, which stand in a row: the walk crosses each bridge between, and no other."""
    lines = ["sysctl -qw net.ipv6.conf.default.disable_ipv6=1"]
    lines += [f"ip link add name br{n} up type bridge" for n in range(3)]
    for n in range(2):
        lines.append(f"ip link add name up{n} up master br{n} type veth peer name down{n}")
        lines.append(f"ip link set down{n} up master br{n + 1}")
    for host, home in enumerate(homes):
        lines += [
            f"ip netns add h{host}",
            f"ip link add name p{host} up master br{home} type veth peer name eth0 netns h{host}",
            f"ip -n h{host} addr add 10.0.0.{host + 1}/24 dev eth0",
            f"ip -n h{host} link set eth0 up",
        ]
    with Lab() as lab:
        lab.run("\n".join(lines))
        walk = lab.walk("h0", f"h{len(homes) - 1}")
        assert walk.ok, walk.verdict
        assert_connected(walk)
        assert len(places(walk, "there")) == 4 + 2 * abs(homes[0] - homes[-1])
        assert_tidy(layout(walk.snapshot))


@pytest.mark.no_lab
@settings(max_examples=300, deadline=None)
@given(
    st.text() | st.text(alphabet="0123456789abcdef:. >,[](){}INO\n\t") | st.from_regex(r"1\.5 .* > .*, ethertype .*")
)
def test_any_text_is_rows_or_not_understood(text):
    packets_or_not_understood(text)


def test_default_route_of_ipv6_is_none_of_ipv4(lab):
    """`ip route show table all` lists both families."""
    lab.run("ip netns add a; ip netns add b; ip link add name va netns a type veth peer name vb netns b")
    lab.run("ip -n a link set va up; ip -n b link set vb up; ip -n a addr add 10.0.0.1/24 dev va")
    lab.run(
        "ip -n b addr add 10.0.0.2/24 dev vb; ip -n b addr add 10.9.9.9/32 dev vb; ip -n a -6 route add default dev va"
    )
    assert lab.walk("a", "10.9.9.9").cause == "no-route"


ROUTED = """
    ip netns add a; ip netns add r; ip netns add b
    ip link add a0 netns a type veth peer name left netns r
    ip link add b0 netns b type veth peer name right netns r
    ip -n a addr add 10.1.0.2/24 dev a0; ip -n r addr add 10.1.0.1/24 dev left
    ip -n b addr add 10.2.0.2/24 dev b0; ip -n r addr add 10.2.0.1/24 dev right
    ip -n a link set a0 up; ip -n b link set b0 up; ip -n r link set left up; ip -n r link set right up
    ip -n a route add default via 10.1.0.1; ip -n b route add default via 10.2.0.1
    ip netns exec r sysctl -qw net.ipv4.ip_forward=1
"""


@pytest.mark.parametrize(
    ("planted", "probe", "cause", "words"),
    [
        # a rule of another protocol has no part in the loss
        (
            "ip -n r rule add ipproto tcp dport 80 blackhole pref 100; ip -n r link set right down",
            "icmp", "device-down", "right is down",
        ),
        ("ip -n r rule add ipproto tcp dport 80 blackhole pref 100", "tcp:80", "policy-rule", "100: from all ipproto"),
        ("ip -n r rule add not ipproto tcp blackhole pref 100", "icmp", "policy-rule", "100: not from all ipproto tcp"),
        # a jump over table main
        ("ip -n r rule add pref 100 goto 32767", "icmp", "policy-rule", "100: from all goto 32767"),
        # for the address that a route has given, the rules are asked once more
        (
            "ip -n a rule add from 10.1.0.2 lookup 77; ip -n a route add unreachable default table 77",
            "icmp", "policy-rule", "from 10.1.0.2 lookup 77` in a asks table 77 for 10.2.0.2",
        ),
        (
            "ip -n a rule add pref 100 lookup main suppress_prefixlength 0; ip -n a rule del pref 32766",
            "icmp", "policy-rule", "the rule `100: from all lookup main suppress_prefixlength 0` does not let this",
        ),
        # the mark is given by a filter, which nft tells
        (
            "ip netns exec r iptables -t mangle -A PREROUTING -j MARK --set-mark 7; "
            "ip -n r rule add fwmark 7 blackhole pref 90",
            "icmp", "policy-rule", "a filter in r marks it with 0x7, and the rule `90: from all fwmark 0x7 blackhole`",
        ),
        # and iptables-legacy does not, so its rule is not among what was ruled out
        (
            "ip netns exec r iptables-legacy -t mangle -A PREROUTING -j MARK --set-mark 7; "
            "ip -n r rule add fwmark 7 blackhole pref 90",
            "icmp", "unknown", "devices and cables, routes, forwarding and rp_filter, packet filters. Look next at the "
            "rules that ask for more than addresses: `ip -n r rule`.",
        ),
    ],
)  # fmt: skip
def test_rule_is_blamed_where_it_means_the_probe(lab, planted, probe, cause, words):
    lab.run(ROUTED)
    lab.run(planted)
    walk = lab.walk("a", "10.2.0.2", proto=probe)
    assert walk.cause == cause, walk.verdict
    assert words in walk.verdict


def test_router_with_the_same_address_is_not_said_to_be_faster(lab):
    """It stands on the way and takes the packet, which the other one never gets."""
    lab.run(ROUTED)
    lab.run("ip -n r addr add 10.2.0.2/32 dev lo")
    walk = lab.walk("a", "b")
    assert (walk.ok, walk.cause, walk.answered_by) == (False, "wrong-answerer", "r")
    assert "r has 10.2.0.2 too, and b was not even asked" in walk.verdict


TWO_WAYS = """
set -e
for n in 1 2; do
    ip netns add r$n
    ip link add name e$n type veth peer name eth0 netns r$n
    # no address of IPv6 that comes by itself, and whose state changes by itself
    ip link set e$n addrgenmode none; ip -n r$n link set eth0 addrgenmode none
    ip addr add 10.0.$n.1/24 dev e$n; ip link set e$n up
    ip -n r$n addr add 10.0.$n.2/24 dev eth0; ip -n r$n link set eth0 up
    ip -n r$n link set lo up; ip -n r$n addr add 10.9.9.9/32 dev lo
    ip -n r$n route add default via 10.0.$n.1
done
sysctl -qw net.ipv4.conf.all.rp_filter=0
"""


def _states_of_cables(lab):
    return {link.state for link in lab.snapshot().rows.links if link.kind == "veth"}


def test_a_route_with_several_next_hops_is_told_with_all(lab):
    lab.run(TWO_WAYS)
    until(lambda: _states_of_cables(lab) == {"UP"}, "the kernel tells that the cables are up")
    lab.changes()
    lab.run("ip route add 10.9.9.9 nexthop via 10.0.1.2 dev e1 nexthop via 10.0.2.2 dev e2 weight 3")
    whole = "10.9.9.9 nexthop via 10.0.1.2 dev e1 nexthop via 10.0.2.2 dev e2 weight 3"
    assert [row["change"] for row in lab.changes().rows] == [f"master has the route {whole}"]
    for number in (1, 2):
        assert lab.check(f"master routes 10.9.9.9 via 10.0.{number}.2")
    assert whole in str(lab.check("master routes 10.9.9.9 via 10.0.3.2"))
    walk = lab.walk("master", "10.9.9.9")
    (sent, *_) = [row for row in walk.rows if row.leg == "there"]
    number = sent.device[1:]
    assert f"route 10.9.9.9 via 10.0.{number}.2 dev e{number}, one of its 2 next hops" in sent.why
    # the other end of the cable that its packets take
    lab.run(f"ip -n r{number} link set eth0 down")
    lost = lab.walk("master", "10.9.9.9")
    assert lost.cause == "device-down", lost.verdict
    assert f"Next should have been master e{number}." in lost.verdict
    assert f"e{number} (one of its 2 next hops), but e{number} in master has no signal" in lost.verdict


def test_filters_that_nobody_can_read_are_not_ruled_out(lab):
    """Without the program nft a rule may be there and not be told: a verdict does not say that none is in the way."""
    lab.run(ROUTED)
    lab.run("ip netns exec r iptables -A FORWARD -d 10.2.0.2 -j DROP; mount --bind /dev/null $(command -v nft)")
    walk = lab.walk("a", "10.2.0.2")
    assert walk.cause == "unknown"
    assert "packet filters" not in walk.verdict
    assert "Look next at the kernel's counters there, while you ask again: `ip netns exec r nstat`." in walk.verdict
    for claim in ("r forwards", "r rewrites no addresses", "nobody rewrites addresses"):
        with pytest.raises(ToolMissing, match="apt-get install nftables"):
            lab.check(claim)


@pytest.mark.parametrize("asked", ["192.168.10.200", "192.168.10.77"], ids=["own address", "nobody's address"])
def test_rule_that_changes_the_target_before_it_leaves_does_not_hide_who_answers(lab, asked):
    """OUTPUT rewrites before any device sees the packet, so nothing that was seen is for the address that was asked."""
    lab.play("direct")
    lab.run("ip -n ns1 link set lo up")
    rule = f"ip daddr {asked} icmp type echo-request dnat to 192.168.10.201"
    table = f"table ip t {{ chain o {{ type nat hook output priority -100; {rule}; }}; }}"
    lab.run(f"ip netns exec ns1 nft -f - <<<'{table}'")
    walk = lab.walk("ns1", asked)
    assert walk.ok
    assert walk.answered_by == "ns2"
    assert "lo" not in {row.device for row in walk.rows}
    assert "passed no device" not in walk.verdict
    verdict = lab.check(f"ns1 can reach {asked}")
    assert verdict
    assert verdict.sentence.rstrip(".").endswith("ns2 answers")


TO_A_SERVER = (
    "ip netns add r; ip netns add b; ip link add name left type veth peer name a0 netns r; "
    "ip link add name right netns r type veth peer name b0 netns b",
    "ip link set dev left up; ip -n r link set dev a0 up; ip -n r link set dev right up; ip -n b link set dev b0 up",
    "ip addr add 10.1.0.2/24 dev left; ip -n r addr add 10.1.0.1/24 dev a0; ip -n r addr add 10.2.0.1/24 dev right; "
    "ip -n b addr add 10.2.0.2/24 dev b0",
    "ip route add default via 10.1.0.1; ip -n b route add default via 10.2.0.1",
    "ip netns exec r sysctl -qw net.ipv4.ip_forward=1",
)
SERVES = {
    "tcp": "s = socket.socket(2, 1); s.bind(('', 5353)); s.listen(5); all(s.accept() for _ in iter(int, 1))",
    "udp": "s = socket.socket(2, 2); s.bind(('', 5353)); all(s.sendto(*s.recvfrom(99)) for _ in iter(int, 1))",
}
REWRITES = {  # where we ask, and who rewrites it, and from which port
    "10.1.0.1": "ip netns exec r iptables -t nat -A PREROUTING -p {protocol} --dport 53 -j DNAT --to 10.2.0.2:5353; "
    "ip netns exec r iptables -t nat -A POSTROUTING -o right -j MASQUERADE --random-fully",
    "10.9.9.9": "iptables -t nat -A OUTPUT -p {protocol} -d 10.9.9.9 --dport 53 -j DNAT --to 10.2.0.2:5353",
}


@pytest.mark.parametrize("protocol", SERVES)
@pytest.mark.parametrize("asked", REWRITES)
def test_connection_is_followed_behind_what_rewrites_both_its_ends(lab, asked, protocol):
    for line in TO_A_SERVER:
        lab.run(line)
    lab.run(f'ip netns exec b python3 -c "import socket; {SERVES[protocol]}" >/dev/null 2>&1 &')
    lab.run("until ip netns exec b ss -Hltun | grep -q :5353; do :; done")
    lab.run(REWRITES[asked].format(protocol=protocol))
    walk = lab.walk("master", asked, proto=f"{protocol}:53")
    assert walk.ok, walk.verdict
    assert walk.answered_by == "b"
    assert {row.namespace for row in walk.rows if row.leg == "there"} == {"master", "r", "b"}
    assert {row.namespace for row in walk.rows if row.leg == "back"} == {"master", "r", "b"}
    assert "(1 router between)" in walk.verdict
    rewritten = re.findall(r"\w+ rewrote [^)]*\)", walk.verdict)
    assert len(rewritten) == len(set(rewritten)), "of many packets of a connection it is told once"


@pytest.mark.parametrize(
    ("rule", "cause", "reason"),
    [
        (
            "ip netns exec r iptables -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80",
            "refused",
            "r rewrites 10.2.0.2 port 8080 to 10.1.0.1 port 80, and r refused it: nobody listens on TCP port 80 there",
        ),
        (
            "ip -n a link set lo up; "
            "ip netns exec a nft 'add table ip t; add chain ip t c { type nat hook output priority -100; }; "
            "add rule ip t c tcp dport 8080 redirect to :80'",
            "rewritten-to-nobody",
            "makes a ask itself, 127.0.0.1 port 80, and a refused it: nobody listens on TCP port 80 there",
        ),
    ],
)
def test_a_refusal_behind_a_rule_names_the_port_to_which_it_led(lab, rule, cause, reason):
    lab.run(ROUTED)
    lab.run(rule)
    walk = lab.walk("a", "b", proto="tcp:8080")
    assert walk.cause == cause, walk.verdict
    assert reason in walk.verdict


ROUTED6 = """
    ip netns add a; ip netns add r; ip netns add b
    ip link add a0 netns a type veth peer name left netns r; ip link add b0 netns b type veth peer name right netns r
    ip netns exec r sysctl -qw net.ipv6.conf.all.forwarding=1
    ip -n a link set a0 up; ip -n b link set b0 up; ip -n r link set left up; ip -n r link set right up
    ip -n a addr add fd01::2/64 dev a0; ip -n r addr add fd01::1/64 dev left
    ip -n b addr add fd02::2/64 dev b0; ip -n r addr add fd02::1/64 dev right
    ip -n a route add default via fd01::1; ip -n b route add default via fd02::1
"""


DAD = "net.ipv6.conf.default.dad_transmits"


@pytest.mark.parametrize("asks", ["check", "walk"])
def test_ipv6_is_asked_once_it_uses_its_new_addresses(lab, asks):
    """For a second or two IPv6 checks that nobody else has them, and a router asks for no MAC meanwhile."""
    checks = 3 if asks == "check" else 1  # how often an address is asked for, a second each
    lab.run(ROUTED6.replace("ip netns add b", f"ip netns add b; ip netns exec r sysctl -qw {DAD}={checks}"))
    if asks == "check":
        verdict = lab.check("a can reach fd02::2")
        assert verdict, verdict
    else:
        walk = lab.walk("a", "fd02::2", size=3000)
        assert walk.ok, walk.verdict
        # a fragment's header stands before that of ICMP
        assert {row.offset for row in walk.rows if row.leg == "there"} == {0, 1448, 2896}
        assert "(1 router between)" in walk.verdict


def test_who_sends_its_own_connections_to_itself_answers_itself(lab):
    lab.run(ROUTED)
    lab.run(f"ip -n a link set lo up; ip netns exec a python3 -c {shlex.quote('import socket; ' + SERVES['tcp'])} &")
    lab.run("until ip netns exec a ss -Hltn | grep -q :5353; do :; done")
    lab.run("ip netns exec a iptables -t nat -A OUTPUT -p tcp --dport 5353 -j REDIRECT")
    verdict = lab.check("TCP port 5353 of b answers a")
    assert not verdict
    assert verdict.sentence.rstrip(".").endswith("so a itself answers")


def test_what_a_rule_drops_by_chance_can_be_reached(lab):
    lab.run(ROUTED)
    lab.run("ip netns exec b iptables -A INPUT -p icmp -m statistic --mode random --probability 0.999 -j DROP")
    verdict = lab.check("a cannot reach b")
    assert not verdict
    assert "by a rule that does not drop all" in verdict.sentence
    # words of a comment, or of a chain, are none of a rule's own
    lab.run("ip netns exec b iptables -F INPUT; ip netns exec b iptables -N limit")
    lab.run("ip netns exec b iptables -A limit -m comment --comment 'rate limit' -j DROP")
    lab.run("ip netns exec b iptables -A INPUT -p icmp -j limit")
    assert lab.check("a cannot reach b")


def test_nothing_is_forwarded_past_a_rule_that_swallows_all(lab):
    lab.run(ROUTED)
    assert lab.check("r forwards")
    lab.run("ip -n r rule add pref 1 prohibit")
    verdict = lab.check("r forwards")
    assert "the rule `1: from all prohibit` lets nothing go on" in verdict.sentence
    lab.run(verdict.fix)
    assert lab.check("r forwards")


def test_a_namespace_is_asked_at_the_address_of_a_cable_before_those_of_lo(lab):
    lab.run(ROUTED)
    lab.run("ip -n b link set lo up; ip -n b addr add 10.1.0.2/32 dev lo")
    walk = lab.walk("a", "b")
    assert "b (10.2.0.2)" in walk.verdict
    assert walk.cause == "source-is-own-address", walk.verdict


def test_a_router_that_lost_its_address_is_not_blamed_for_answering_for_nobody(lab):
    lab.run(ROUTED)
    lab.run("ip -n r addr del 10.1.0.1/24 dev left; ip -n r route add default dev right")
    walk = lab.walk("a", "b")
    assert walk.cause == "no-address", walk.verdict
    lab.run(walk.fix)
    assert lab.walk("a", "b").ok


def test_ttl_tells_of_routers_only_where_nothing_else_changes_it(lab):
    lab.run(ROUTED)
    lab.run("ip netns exec b sysctl -qw net.ipv4.ip_default_ttl=60")
    assert lab.check("a can reach b through 1 router")
    assert not lab.check("a can reach b through 5 routers")
    # of an address that a rule leads to another machine, the TTL is that one's
    lab.run("ip netns exec r iptables -t nat -A PREROUTING -d 10.2.0.9 -j DNAT --to 10.2.0.2")
    lab.run("ip -n r link set lo up; ip -n r addr add 10.2.0.9/32 dev lo")
    assert lab.check("a can reach 10.2.0.9 through 1 router")
    assert not lab.check("a can reach 10.2.0.9 through 5 routers")
    lab.run("ip netns exec r iptables -t mangle -A POSTROUTING -j TTL --ttl-inc 1")
    claimed = lab.check("a can reach b through 0 routers")
    assert not claimed
    assert "does not tell through how many routers: a filter in r may change TTLs" in claimed.sentence
    assert "router" not in lab.check("a can reach b").sentence
    assert "router" not in lab.walk("a", "b").verdict


# Two hundred in a second: so many more, and a tcpdump misses some.
BUSY = (
    "import socket, select; s = socket.socket(2, 2); "
    "all(s.sendto(b'x', ('192.168.1.101', 6000)) and select.select([], [], [], 0.005) for _ in iter(int, 1))"
)
READS = "import socket; s = socket.socket(2, 2); s.bind(('', {port})); all(s.recvfrom(99) for _ in iter(int, 1))"


def test_what_another_program_reads_is_not_what_was_asked(lab):
    lab.play("bridge")
    for port in (5353, 6000):
        lab.run(f'ip netns exec ns101 python3 -c "{READS.format(port=port)}" >/dev/null 2>&1 & echo $! >/run/{port}')
        lab.run(f"until ip netns exec ns101 ss -Huln | grep -q :{port}; do :; done")
    lab.run("kill -STOP $(cat /run/5353)")
    lab.run(f'ip netns exec ns100 python3 -c "{BUSY}" >/dev/null 2>&1 &')
    walk = lab.walk("ns100", "ns101", proto="udp:5353")
    assert walk.cause == "program-silent"
    assert "does not read what waits for it" in walk.verdict


ASKS = (
    "import socket, select; s = socket.socket(2, 2); "
    "all(s.sendto(b'x', ('192.168.1.101', 5353)) and select.select([], [], [], 0.002) for _ in iter(int, 1))"
)
ANSWERS = (
    "import socket; s = socket.socket(2, 2); s.bind(('', 5353)); all(s.sendto(*s.recvfrom(99)) for _ in iter(int, 1))"
)


def test_walk_shows_its_own_packet_and_not_those_of_others_to_the_same_port(lab):
    lab.play("bridge", hosts=3)
    lab.run(f'ip netns exec ns101 python3 -c "{ANSWERS}" >/dev/null 2>&1 &')
    lab.run("until ip netns exec ns101 ss -Huln | grep -q :5353; do :; done")
    lab.run(f'ip netns exec ns102 python3 -c "{ASKS}" >/dev/null 2>&1 &')
    walk = lab.walk("ns100", "ns101", proto="udp:5353")
    assert walk.ok
    assert {row.namespace for row in walk.rows} == {"ns100", "master", "ns101"}
    assert len(walk.rows) == 8


def test_walk_says_so_when_it_cannot_tell_its_packet_from_others(lab):
    """A second program of the same namespace sends an empty line to the same port, too."""
    lab.play("bridge")
    asks = ASKS.replace("b'x'", "bytes([10])")
    lab.run(f'ip netns exec ns100 python3 -c "{asks}" >/dev/null 2>&1 &')

    def walk_until_both_ask():
        while True:
            lab.walk("ns100", "ns101", proto="udp:5353")

    with pytest.raises(TooBusy, match="More than one program in ns100 asks UDP port 5353"):
        walk_until_both_ask()


DROPS_UDP = "4,48 0 0 23,21 0 1 17,6 0 0 2,6 0 0 0,"  # the byte of IP's protocol is 17: tc-bpf(8)


def test_what_a_filter_takes_of_others_is_not_what_was_asked(lab):
    """Why the packet is lost nobody knows here: an address of scope host, for which arp_ignore=3 answers nothing."""
    lab.play("bridge")
    lab.run("ip -n ns101 addr add 192.168.1.99/32 dev veth101 scope host")
    lab.run("ip netns exec ns101 sysctl -qw net.ipv4.conf.all.arp_ignore=3")
    lab.run("ip netns exec ns101 tc qdisc add dev veth101 clsact")
    lab.run(f"ip netns exec ns101 tc filter add dev veth101 ingress bpf da bytecode '{DROPS_UDP}'")
    lab.run(f'ip netns exec ns100 python3 -c "{BUSY}" >/dev/null 2>&1 &')
    walk = lab.walk("ns100", "192.168.1.99")
    assert not walk.ok
    assert walk.cause == "unknown"
