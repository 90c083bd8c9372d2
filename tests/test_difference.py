"""What changed in the kernel, in words, typed or not."""

import json
import re
from dataclasses import replace

import pytest
from faults.case import typed
from faults.cases import CASES, networks

from vethlab_sh import Lab, snapshot
from vethlab_sh.facts import Holder, Link, Namespace, PortVlan, Wrapping
from vethlab_sh.parsers import routing
from vethlab_sh.snapshot import Facts, Snapshot
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


ONE_HOST = """
ip link add name br0 type bridge; ip link set br0 up
ip netns add ns100; ip link add name br-veth100 master br0 up type veth peer name veth100 netns ns100
ip -n ns100 link set veth100 up
"""
# What appears, is another then, and vanishes: a line each with its sentence.
ROUNDS = {
    "policy rule": [
        (
            "ip -n ns100 rule add from 10.1.0.0/16 lookup 100 prio 99",
            "+ ns100 has the policy rule `99: from 10.1.0.0/16 lookup 100`",
        ),
        ("ip -n ns100 rule del prio 99", "- ns100 has lost the policy rule `99: from 10.1.0.0/16 lookup 100`"),
    ],
    "IPv6 policy rule": [
        (
            "ip -6 rule add to fd09::/64 prohibit prio 7",
            "+ master has the IPv6 policy rule `7: from all to fd09::/64 prohibit`",
        ),
        ("ip -6 rule del prio 7", "- master has lost the IPv6 policy rule `7: from all to fd09::/64 prohibit`"),
    ],
    "policy rule that picks": [
        (
            "ip rule add not from all fwmark 1/3 ipproto tcp dport 80 goto 32766 prio 8",
            "+ master has the policy rule `8: not from all fwmark 0x1/0x3 ipproto tcp dport 80 goto 32766`",
        ),
        (
            "ip rule del prio 8",
            "- master has lost the policy rule `8: not from all fwmark 0x1/0x3 ipproto tcp dport 80 goto 32766`",
        ),
    ],
    "route of another table": [
        (
            "ip -n ns100 route add blackhole 10.9.0.0/16 table 100",
            "+ ns100 has the route blackhole 10.9.0.0/16 in the table 100",
        ),
        (
            "ip -n ns100 route del blackhole 10.9.0.0/16 table 100",
            "- ns100 has lost the route blackhole 10.9.0.0/16 in the table 100",
        ),
    ],
    "IPv6 route of another table": [
        ("ip -6 route add prohibit fd09::/64 table 9", "+ master has the route prohibit fd09::/64 in the table 9"),
        ("ip -6 route del prohibit fd09::/64 table 9", "- master has lost the route prohibit fd09::/64 in the table 9"),
    ],
    "own route in local": [
        ("ip route add local 10.9.0.0/16 dev lo", "+ master has the route local 10.9.0.0/16 dev lo in the table local"),
        (
            "ip route del local 10.9.0.0/16 dev lo",
            "- master has lost the route local 10.9.0.0/16 dev lo in the table local",
        ),
    ],
    "iptables rule": [
        (
            "iptables -A FORWARD -s 10.1.0.0/24 -j DROP",
            "+ master has the iptables rule `-A FORWARD -s 10.1.0.0/24 -j DROP` (table filter, chain FORWARD, rule 1)",
        ),
        (
            "iptables -I FORWARD -p icmp -j ACCEPT",
            "+ master has the iptables rule `-A FORWARD -p icmp -j ACCEPT` (table filter, chain FORWARD, rule 1)",
        ),
        (
            "iptables -D FORWARD 1; iptables -A FORWARD -p icmp -j ACCEPT",
            "~ the iptables rule `-A FORWARD -s 10.1.0.0/24 -j DROP` in master stands elsewhere now"
            " (table filter, chain FORWARD, rule 1)",
        ),
        (
            "iptables -D FORWARD 1",
            "- master has lost the iptables rule `-A FORWARD -s 10.1.0.0/24 -j DROP` (table filter, chain FORWARD)",
        ),
    ],
    "iptables chain": [
        ("ip netns exec ns100 iptables -t nat -N MINE", "+ ns100 has the iptables chain MINE (table nat)"),
        ("ip netns exec ns100 iptables -t nat -X MINE", "- ns100 has lost the iptables chain MINE (table nat)"),
    ],
    "iptables policy": [
        (
            "iptables -P FORWARD DROP",
            "~ the policy of the iptables chain FORWARD (table filter) in master is now DROP, was ACCEPT",
        ),
        (
            "nft flush ruleset",
            "~ the policy of the iptables chain FORWARD (table filter) in master is now ACCEPT, was DROP",
        ),
    ],
    "ip6tables policy": [
        (
            "ip netns exec ns100 ip6tables -P INPUT DROP",
            "~ the policy of the ip6tables chain INPUT (table filter) in ns100 is now DROP, was ACCEPT",
        ),
    ],
    "iptables-legacy": [
        (
            "iptables-legacy -A INPUT -s 10.1.0.9 -j REJECT",
            "+ master has the iptables-legacy rule"
            " `-A INPUT -s 10.1.0.9/32 -j REJECT --reject-with icmp-port-unreachable`"
            " (table filter, chain INPUT, rule 1)",
        ),
        (
            "iptables-legacy -F",
            "- master has lost the iptables-legacy rule"
            " `-A INPUT -s 10.1.0.9/32 -j REJECT --reject-with icmp-port-unreachable` (table filter, chain INPUT)",
        ),
        (
            "iptables-legacy -P OUTPUT DROP",
            "~ the policy of the iptables-legacy chain OUTPUT (table filter) in master is now DROP, was ACCEPT",
        ),
    ],
    "ip6tables-legacy": [
        (
            "ip6tables-legacy -P FORWARD DROP",
            "~ the policy of the ip6tables-legacy chain FORWARD (table filter) in master is now DROP, was ACCEPT",
        ),
    ],
    "nft": [
        (
            "nft 'table inet t { chain c { type filter hook input priority 0; policy drop; }; }'",
            "+ master has the nft chain c (table inet t, type filter hook input priority filter, policy drop)",
        ),
        (
            "nft add rule inet t c ip saddr 10.1.0.9 counter drop",
            "+ master has the nft rule `ip saddr 10.1.0.9 counter drop` (table inet t, chain c, rule 1)",
        ),
        (
            "nft 'chain inet t c { policy accept; }'",
            "~ the policy of the nft chain c (table inet t) in master is now accept, was drop",
        ),
        (
            "nft flush chain inet t c",
            "- master has lost the nft rule `ip saddr 10.1.0.9 counter drop` (table inet t, chain c)",
        ),
        (
            "nft delete table inet t",
            "- master has lost the nft chain c (table inet t, type filter hook input priority filter, policy accept)",
        ),
    ],
    "table that is switched off": [
        ("nft 'table ip t { chain c { type filter hook input priority 7; }; }'", None),
        (
            "nft add table ip t '{ flags dormant; }'",
            "~ the nft chain c (table ip t) in master is now "
            "`type filter hook input priority filter + 7 (its table is dormant)`,"
            " was `type filter hook input priority filter + 7`",
        ),
    ],
    "nft in the family of frames": [
        ("nft 'table bridge t { chain c { type filter hook forward priority 0; }; }'", None),
        (
            "nft add rule bridge t c ether type arp drop",
            "+ master has the nft rule `ether type arp drop` (table bridge t, chain c, rule 1)",
        ),
    ],
    "nft in the family arp": [
        ("nft 'table arp t { chain c { type filter hook input priority 0; }; }'", None),
        (
            "nft add rule arp t c arp operation request drop",
            "+ master has the nft rule `arp operation request drop` (table arp t, chain c, rule 1)",
        ),
    ],
    "nft at one device": [
        (
            "nft 'table netdev t { chain c { type filter hook ingress device br0 priority 0; policy drop; }; }'",
            "+ master has the nft chain c (table netdev t, type filter hook ingress device",
        ),
    ],
    "nft set": [
        (
            "nft 'table ip t { set bad { type ipv4_addr; }; }'",
            "+ master has the nft set bad with `type ipv4_addr` (table ip t)",
        ),
        (
            "nft add element ip t bad '{ 10.1.0.9 }'",
            "~ the nft set bad (table ip t) in master is now `type ipv4_addr; elements = { 10.1.0.9 }`,"
            " was `type ipv4_addr`",
        ),
        (
            "nft delete set ip t bad",
            "- master has lost the nft set bad with `type ipv4_addr; elements = { 10.1.0.9 }` (table ip t)",
        ),
    ],
    "ebtables": [
        (
            "ebtables -P FORWARD DROP",
            "+ master has the nft chain FORWARD (table bridge filter, type filter hook forward",
        ),
    ],
    "arptables": [
        (
            "ip netns exec ns100 arptables -P INPUT DROP",
            "+ ns100 has the nft chain INPUT (table arp filter, type filter hook input",
        ),
    ],
    "isolated": [
        ("bridge link set dev br-veth100 isolated on", "~ isolated is now on at br-veth100"),
        ("bridge link set dev br-veth100 isolated off", "~ isolated is now off at br-veth100"),
    ],
    "other flags of a port": [
        ("bridge link set dev br-veth100 flood off", "~ flood is now off at br-veth100"),
        ("bridge link set dev br-veth100 bcast_flood off", "~ bcast_flood is now off at br-veth100"),
        ("bridge link set dev br-veth100 mcast_flood off", "~ mcast_flood is now off at br-veth100"),
        ("bridge link set dev br-veth100 learning off", "~ learning is now off at br-veth100"),
        ("bridge link set dev br-veth100 locked on", "~ locked is now on at br-veth100"),
        ("bridge link set dev br-veth100 guard on", "~ guard is now on at br-veth100"),
    ],
    "state of a port": [
        ("bridge link set dev br-veth100 state 0", "~ the port br-veth100 is now disabled, was forwarding"),
        ("bridge link set dev br-veth100 state 3", "~ the port br-veth100 is now forwarding, was disabled"),
    ],
    "STP": [
        ("ip link set br0 type bridge stp_state 1", "~ STP is now on at br0"),
        ("brctl stp br0 off", "~ STP is now off at br0"),
    ],
    "forward delay": [("brctl setfd br0 4", "~ the forward delay of br0 is now 4 s, was 15 s")],
    "NOARP": [
        ("ip -n ns100 link set veth100 arp off", "~ ARP is now off at veth100 in ns100 (NOARP)"),
        ("ip -n ns100 link set veth100 arp on", "~ ARP is now on at veth100 in ns100"),
    ],
    "macvlan": [
        ("ip link add name mv link br0 type macvlan mode bridge", "+ mv (macvlan) appeared in master"),
        ("ip link set mv type macvlan mode private", "~ the mode of mv is now private, was bridge"),
    ],
    "source of a tunnel": [
        ("ip link add name vx type vxlan id 7 dstport 4789 local 10.1.0.1", "+ vx (vxlan) appeared in master"),
        ("ip link set vx type vxlan local 10.1.0.2", "~ vx now sends from 10.1.0.2, was 10.1.0.1"),
    ],
}


@pytest.mark.parametrize("kind", ROUNDS)
def test_what_decides_about_packets_is_told(lab, kind):
    lab.run(ONE_HOST)
    lab.changes()
    for line, sentence in ROUNDS[kind]:
        lab.run(line)
        changes = str(lab.changes()).splitlines()
        if sentence is not None:
            assert any(told.startswith(sentence) for told in changes), (line, changes)
        # what a new network does by itself, for IPv6, may be told meanwhile
        again = [row["change"] for row in lab.changes().rows if row["what"] in ("rule", "filter", "setting", "route")]
        assert [told for told in again if "fe80" not in told] == [], line


SETTINGS = [
    *("ipv4.icmp_echo_ignore_all", "ipv4.ip_default_ttl", "ipv6.icmp.echo_ignore_all"),
    *("ipv4.conf.veth100.forwarding", "ipv4.conf.veth100.rp_filter", "ipv4.conf.veth100.accept_local"),
    *("ipv4.conf.veth100.arp_ignore", "ipv4.conf.veth100.arp_announce", "ipv4.conf.veth100.arp_filter"),
    *("ipv4.conf.veth100.route_localnet", "ipv6.conf.veth100.forwarding", "ipv6.conf.veth100.proxy_ndp"),
    *("ipv6.conf.veth100.hop_limit", "ipv6.conf.veth100.disable_ipv6"),
]


def test_settings_that_decide_are_told(lab):
    lab.run(ONE_HOST)
    values = {}
    for name in SETTINGS:
        was = lab.run(f"ip netns exec ns100 sysctl -n net.{name}").out.strip()
        values[name] = (was, 2 if was == "1" else 1)
    told = after(lab, *(f"ip netns exec ns100 sysctl -qw net.{name}={now}" for name, (_, now) in values.items()))
    for name, (was, now) in values.items():
        assert f"net.{name} in ns100 is now {now}, was {was}" in told


def test_setting_of_bridges_is_told(lab):
    lab.run("ip link add name br7 type bridge")
    before = lab.run("cat /proc/sys/net/bridge/bridge-nf-call-iptables", expect=None).out.strip()
    if not before:
        pytest.skip("this kernel has no br_netfilter loaded")
    value = 1 - int(before)
    told = after(lab, f"sysctl -qw net.bridge.bridge-nf-call-iptables={value}")
    assert told == [f"net.bridge.bridge-nf-call-iptables is now {value}, was {before}"]


def test_setting_for_all_devices_is_told_once(lab):
    """The kernel writes that of each device too, when somebody writes the one for all."""
    lab.run(ONE_HOST)

    def told(*lines):
        return [line for line in after(lab, *lines) if line.startswith("net.")]  # br0 may come up meanwhile

    lines = "sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv6.conf.all.forwarding=1"
    assert told(*lines) == ["net.ipv4.ip_forward is now 1, was 0", "net.ipv6.conf.all.forwarding is now 1, was 0"]
    assert told("sysctl -qw net.ipv4.conf.br0.forwarding=0") == ["net.ipv4.conf.br0.forwarding is now 0, was 1"]


def test_namespace_brings_and_takes_its_rules_untold(lab):
    lab.run("ip netns add ns1")
    assert after(lab, "ip netns add ns2") == ["the namespace ns2 appeared"]
    lab.run("ip netns exec ns2 iptables -P FORWARD DROP; ip -n ns2 rule add from 10.1.0.0/16 lookup 7")
    lab.changes()
    assert after(lab, "ip netns del ns2") == ["the namespace ns2 vanished"]


@pytest.mark.no_lab
def test_rule_that_the_kernel_makes_is_said_to_be_its_own():
    """The first VRF brings one: iproute2 says this of it, on a kernel that has VRFs."""
    row = {"priority": 1000, "src": "all", "l3mdev": None, "protocol": "kernel"}
    space = Namespace(namespace="r")
    before = Snapshot(Facts(namespaces=(space,)))
    now = Snapshot(Facts(namespaces=(space,), rules=tuple(routing.rules("r", "inet", [row]))))
    words = "r has the policy rule `1000: from all lookup [l3mdev-table]`"
    assert [row["change"] for row in between(before, now).rows] == [f"{words}, which the kernel added by itself"]


def test_state_of_a_port_is_told_with_its_signal_only(lab):
    lab.run(ONE_HOST)
    for line in ("ip -n ns100 link set veth100 down", "ip -n ns100 link set veth100 up", "ip link set br0 down"):
        told = after(lab, line)
        assert told, line
        assert not [sentence for sentence in told if sentence.startswith("the port")]


def test_spanning_tree_is_said_to_have_decided(lab):
    lab.run(ONE_HOST)
    told = after(lab, "brctl stp br0 on")
    assert "STP is now on at br0" in told
    for sentence in told:
        assert not sentence.startswith("the port") or sentence.endswith(", which its spanning tree decided")


def test_counters_of_filters_are_no_change(lab):
    lab.play("bridge")
    lab.run("ip netns exec ns100 iptables -A OUTPUT -p icmp -j ACCEPT")
    lab.run("ip netns exec ns100 nft 'table ip t { chain c { type filter hook output priority 9; counter; }; }'")
    lab.changes()
    assert after(lab, "ip netns exec ns100 ping -c 1 -W 20 192.168.1.101") == []


def test_what_packets_put_into_a_set_is_no_change(lab):
    lab.play("bridge")
    lab.run(
        "ip netns exec ns100 nft 'table ip t { set seen { type ipv4_addr; flags dynamic, timeout; timeout 1h; }; }'"
    )
    lab.run("ip netns exec ns100 nft 'table ip t { chain c { type filter hook output priority 9; }; }'")
    lab.run("ip netns exec ns100 nft add rule ip t c add @seen '{ ip daddr }'")
    lab.changes()
    assert after(lab, "ip netns exec ns100 ping -c 1 -W 20 192.168.1.101") == []
    assert "192.168.1.101" in lab.run("ip netns exec ns100 nft list set ip t seen").out


def test_plain_values_keep_what_tables_do_not_show(lab):
    lab.run(ONE_HOST)
    lab.run("bridge link set dev br-veth100 isolated on; iptables -A FORWARD -j DROP; ip rule add lookup 9")
    now = snapshot.take(lab.shell, settings=True)
    again = snapshot.from_plain(json.loads(json.dumps(now.plain())))
    assert again.rows == now.rows


def test_snapshot_without_settings_asks_no_more(lab):
    lab.run("ip -6 route add blackhole fd09::/64 table 9; ip rule add lookup 9; iptables -A FORWARD -j DROP")
    rows = snapshot.take(lab.shell).rows
    assert (rows.settings, rows.rules, rows.policy_routes, rows.chains, rows.filters) == ((), (), (), (), ())


def test_iptables_is_told_where_nft_is_missing(lab, tmp_path):
    lab.run("iptables -A FORWARD -s 10.1.0.0/24 -j DROP")
    whole = snapshot.take(lab.shell, settings=True).rows
    (tmp_path / "nft").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "nft").chmod(0o755)
    question = snapshot.thorough_question().replace("exec 2>/dev/null", f"PATH={tmp_path}:$PATH; exec 2>/dev/null")
    answers = snapshot.answers(lab.run(question).out, snapshot.ANSWERS_THOROUGH)
    assert snapshot.of(dict(answers)).rows.filters == whole.filters


# Of tests/faults: what was planted is told, whatever it is
FAULTS = [
    "ports-isolated",
    "flood-off",
    "static-entry-for-the-wrong-port",
    "mac-of-the-bridge-itself",
    "arp-off-at-the-sender",
    "rule-that-swallows",
    "main-table-not-asked",
    "rule-of-a-vpn",
    "forwarding-off-at-one-device",
    "echo-ignored",
    "default-ttl-of-the-answerer",
    "bridged-packets-filtered",
    "forward-policy",
    "stateful-firewall",
    "legacy-raw-rule",
    "nft-input-policy",
    "ebtables-rewrites-the-mac",
    "netdev-egress",
    "arptables-output",
    "nft-verdict-map",
    "nft-dnat-to-nobody",
]
CASE = {case.id: case for case in CASES}
NETWORKS = [text for name, text in vars(networks).items() if name.isupper() and isinstance(text, str)]


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_told(lab, name):
    case = CASE[name]
    network = max((text for text in NETWORKS if case.lines.startswith(text)), key=len)
    lines = typed(case.lines.removeprefix(network))
    lab.run("set -e\n" + network)
    assert lab.changes()
    for line in lines:
        lab.run(line)
    lasting = [row for row in lab.changes().rows if row["what"] != "neighbour"]
    assert planted_in(lines[-1]) in {row["namespace"] for row in lasting}, lasting


def planted_in(line):
    """The namespace that a line is about."""
    words = re.match(r"ip (?:-n|netns exec) (\w+)", line)
    return words[1] if words else "master"


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


def test_given_entry_of_a_bridge_is_no_learned_one(lab):
    lab.run(ONE_HOST)
    told = after(lab, "bridge fdb add 66:00:00:00:00:01 dev br-veth100 master static")
    assert "br0 was told that 66:00:00:00:00:01 is behind br-veth100" in told
    told = after(lab, "bridge fdb replace 66:00:00:00:00:01 dev br0 self permanent")
    assert "br0 was told that 66:00:00:00:00:01 is one of its own" in told


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


# ---- kinds of devices -------------------------------------------------------------------------------------


def told(before, after):
    return [row["change"] for row in between(before, after).rows]


def test_what_a_device_is_made_on_is_told(lab):
    lab.run("ip netns add pod; ip link add name low type veth peer name far")
    before = lab.snapshot()
    lab.run(
        "ip link add link low name mv type macvlan mode bridge; ip link add link low name mv netns pod type macvlan"
    )
    changes = told(before, lab.snapshot())
    assert "mv (macvlan) appeared in master, made on low" in changes
    assert "mv (macvlan) appeared in pod, made on low in master" in changes


def test_second_name_of_a_namespace_is_told(lab):
    lab.run("ip netns add pod")
    before = lab.snapshot()
    lab.run("ln -s pod /run/netns/also")
    after = lab.snapshot()
    assert told(before, after) == ["the namespace pod is also called also now"]
    assert told(after, before) == ["the namespace pod is not called also any more"]


def test_new_end_of_a_tunnel_and_an_alias_are_told(lab):
    lab.run("ip link add name low type veth peer name far; ip addr add 10.0.0.1/24 dev low")
    lab.run("ip link add name vx type vxlan id 7 dev low remote 10.0.0.2 dstport 4789")
    before = lab.snapshot()
    lab.run("ip link set vx type vxlan id 7 dev low remote 10.0.0.3; ip link set low alias 'to the rack'")
    changes = told(before, lab.snapshot())
    assert "vx now sends to 10.0.0.3, was 10.0.0.2" in changes
    assert "the alias of low is now to the rack" in changes


@pytest.mark.no_lab
def test_what_other_kinds_tell_of_themselves_is_told():
    """Of devices that this kernel may not have."""
    kinds = {
        "a bond": (Link(namespace="master", name="bond0", kind="bond", active="eth0"), {"active": "eth1"}),
        "a port": (
            Link(namespace="sw", name="p1", kind="veth", vlans=(PortVlan(vlan=1, pvid=True, untagged=True),)),
            {"vlans": (PortVlan(vlan=10, pvid=True, untagged=True),)},
        ),
        "a tap": (
            Link(namespace="master", name="tap0", kind="tun", holders=(Holder(pid=7, process="qemu"),)),
            {"holders": (Holder(pid=8, process="qemu"),)},
        ),
        "a tunnel": (
            Link(namespace="master", name="gre1", kind="gre", wrapping=Wrapping(remote="10.0.0.2", key="7")),
            {"wrapping": Wrapping(remote="10.0.0.2", key="8", local="10.0.0.1")},
        ),
    }
    sentences = {}
    for name, (link, changed) in kinds.items():
        space = Namespace(namespace=link.namespace)
        before = Snapshot(Facts(namespaces=(space,), links=(link,)))
        after = Snapshot(Facts(namespaces=(space,), links=(replace(link, **changed),)))
        sentences[name] = told(before, after)
    assert sentences == {
        "a bond": ["bond0 now sends by eth1, was eth0"],
        "a port": [
            "p1 in sw now lets VLAN 10 PVID untagged through",
            "p1 in sw does not let VLAN 1 through any more",
        ],
        "a tap": ["tap0 is now held by qemu (8)", "tap0 is not held by qemu (7) any more"],
        "a tunnel": ["gre1 now sends from 10.0.0.1, was any address", "the key of gre1 is now 8, was 7"],
    }


@pytest.mark.no_lab
def test_fallback_device_is_told_when_it_matters():
    space = Namespace(namespace="pod")
    off = Link(namespace="pod", name="tunl0", kind="ipip", wrapping=Wrapping(), up=False, state="DOWN")
    empty = Snapshot(Facts(namespaces=(space,)))
    idle = Snapshot(Facts(namespaces=(space,), links=(off,)))
    used = Snapshot(Facts(namespaces=(space,), links=(replace(off, up=True, state="UNKNOWN"),)))
    assert told(empty, idle) == []
    assert told(idle, used) == ["tunl0 in pod was switched on", "the state of tunl0 in pod is now UNKNOWN, was DOWN"]
