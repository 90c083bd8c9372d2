"""What changed in the kernel, in words, typed or not."""

import pytest

from vethlab_sh import Lab, snapshot
from vethlab_sh.wiring.changes import between

pytestmark = pytest.mark.live


def after(lab, *lines):
    """The sentences of what changed when these lines ran."""
    lab.changes()
    for line in lines:
        lab.run(line)
    return [row["change"] for row in lab.changes().rows]


def test_nothing_changes_by_looking(lab):
    lab.play("bridge")
    assert after(lab, "ip a", "brctl show", "ip netns list") == []


def test_first_look_tells_all_since_the_beginning(lab):
    assert str(lab.changes()).startswith("nothing changed")
    with Lab() as fresh:
        fresh.run("ip netns add ns1")
        assert [row["change"] for row in fresh.changes().rows] == ["the namespace ns1 appeared"]


def test_moved_device_left_and_appeared(lab):
    lab.play("direct", until=2)
    assert after(lab, "ip link set tap1 netns ns1") == ["tap1 left master and appeared in ns1"]
    assert after(lab, "ip -n ns1 link set tap1 netns ns2 name eth9") == ["tap1 left ns1 and appeared in ns2 as eth9"]


def test_pair_brings_two_devices(lab):
    told = after(lab, "ip link add tap1 type veth peer name tap2")
    assert told == ["tap1 (veth) appeared in master", "tap2 (veth) appeared in master"]
    assert after(lab, "ip link del tap1") == ["tap1 vanished from master", "tap2 vanished from master"]


def test_switching_on_tells_its_consequences(lab):
    lab.play("direct", until=5)
    told = after(lab, "ip -n ns1 link set tap1 up", "ip -n ns2 link set tap2 up")
    assert "tap1 in ns1 was switched on" in told
    assert "tap2 in ns2 has a signal now" in told
    assert "ns1 has the route 192.168.10.0/24 dev tap1, which the kernel added by itself" in told
    assert any("fe80:" in line and "made of its MAC address" in line for line in told)


def test_ping_teaches_neighbours_and_bridge(lab):
    lab.play("bridge", until=8)
    lab.run("ip -n ns100 neigh flush all; ip -n ns101 neigh flush all")
    told = after(lab, "ip netns exec ns100 ping -c 1 -W 20 192.168.1.101")
    assert any(line.startswith("ns100 learned that 192.168.1.101 is at ") for line in told)


def test_ageing_neighbour_is_no_change(lab):
    lab.play("direct")
    lab.changes()
    lab.run("ip -n ns1 neigh change 192.168.10.201 dev tap1 nud stale")
    assert len(lab.changes()) == 0


def test_unanswered_neighbour_is_told(lab):
    lab.play("direct")
    told = after(lab, "ip netns exec ns1 ping -c 1 -W 0.2 192.168.10.77 || true")
    assert told == ["ns1 asked on tap1 who has 192.168.10.77, and has no answer"]


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("ip link set br-veth100 nomaster", "br-veth100 is no port of br0 any more"),
        ("ip link set br-veth100 mtu 1400", "the MTU of br-veth100 is now 1400 bytes, was 1500"),
        ("sysctl -w net.ipv4.ip_forward=1", "net.ipv4.ip_forward is now 1, was 0"),
        ("sysctl -w net.ipv4.conf.br0.proxy_arp=1", "net.ipv4.conf.br0.proxy_arp is now 1, was 0"),
        (
            "ip netns exec ns100 sysctl -w net.ipv6.conf.all.accept_ra=0",
            "net.ipv6.conf.all.accept_ra in ns100 is now 0, was 1",
        ),
        (
            "ip netns exec ns100 sysctl -w net.ipv4.conf.veth100.proxy_arp=1",
            "net.ipv4.conf.veth100.proxy_arp in ns100 is now 1, was 0",
        ),
        ("sysctl -w net/ipv4/conf/br0/arp_notify=1", "net.ipv4.conf.br0.arp_notify is now 1, was 0"),
        ("bridge link set dev br-veth100 hairpin on", "hairpin is now on at br-veth100"),
        ("ip netns exec ns100 ip addr del 192.168.1.100/24 dev veth100", "veth100 in ns100 has lost the address"),
        ("ip -n ns100 route add blackhole 10.6.0.0/26", "ns100 has the route blackhole 10.6.0.0/26"),
        ("ip -n ns100 neigh add 192.168.1.9 lladdr 66:00:00:00:00:01 dev veth100", "ns100 was told that 192.168.1.9"),
        ("ip link set br0 address 66:00:00:00:00:02", "the MAC address of br0 is now 66:00:00:00:00:02"),
        ("ip link set br-veth100 down", "br-veth100 was switched off"),
        ("ip netns add extra", "the namespace extra appeared"),
    ],
)
def test_change_is_told_in_words(lab, line, change):
    lab.play("bridge", until=8)
    assert any(told.startswith(change) for told in after(lab, line)), line


def test_port_that_leaves_its_bridge_had_no_hairpin(lab):
    lab.run("ip link add name br7 address 66:00:00:00:00:07 type bridge")
    lab.run("ip link add name port type veth peer name end; ip link set port master br7")
    assert after(lab, "ip link set port nomaster") == ["port is no port of br7 any more"]


def test_route_that_swallows_names_no_device(lab):
    told = after(lab, "ip link set lo up", "ip -6 route add unreachable fd07::/64", "ip route add 10.7.0.0/24 dev lo")
    assert "master has the route unreachable fd07::/64" in told
    assert "master has the route 10.7.0.0/24 dev lo" in told


def test_change_has_fields_beside_its_sentence(lab):
    lab.changes()
    lab.run("ip netns add ns1; ip link add name br7 type bridge")
    changes = lab.changes().changes
    assert [(change.sign, change.what, change.namespace, change.name) for change in changes] == [
        ("+", "namespace", "ns1", ""),
        ("+", "link", "master", "br7"),
    ]
    lab.run("ip link del br7")
    assert lab.changes().rows[0]["change"] == "br7 vanished from master"


def test_tunnel_entry_names_its_node(lab):
    lab.run("ip link add name vx type vxlan id 7 dstport 4789 dev lo")
    told = after(lab, "bridge fdb append 66:00:00:00:00:01 dev vx dst 10.4.0.22 self permanent")
    assert told == ["vx was told that 66:00:00:00:00:01 is behind the node 10.4.0.22"]


def test_there_and_back_is_no_difference(lab):
    lab.play("bridge", until=5)
    before = snapshot.take(lab.shell, settings=True)
    lab.run("ip link set veth100 netns ns100")
    assert len(between(before, snapshot.take(lab.shell, settings=True))) == 1
    lab.run("ip -n ns100 link set veth100 netns 1")
    back = {row["change"] for row in between(before, snapshot.take(lab.shell, settings=True)).rows}
    assert not [change for change in back if "veth100 (veth)" in change or "left" in change]


def test_difference_is_a_table(lab):
    assert list(lab.changes().table.columns) == ["sign", "what", "namespace", "name", "change"]
    lab.run("ip netns add ns1")
    assert lab.changes().table.change.tolist() == ["the namespace ns1 appeared"]


def test_demo_tells_changes_after_each_command(vethlab):
    shown = vethlab("demo", "direct", "--changes").stdout
    assert "\n~ tap1 left master and appeared in ns1\n" in shown
    assert shown.index("netns add ns1") < shown.index("+ the namespace ns1 appeared") < shown.index("netns add ns2")
