"""A saved lab: bash lines that rebuild it, proved by rebuilding it and asking the kernel what differs."""

import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import until

from vethlab_sh import Lab
from vethlab_sh.errors import CannotSave, CommandFailed
from vethlab_sh.snapshot import Snapshot
from vethlab_sh.wiring import changes

pytestmark = pytest.mark.live

# What no snapshot holds; without counters, timers, and what the kernel numbers by itself. How addresses are made of
# MAC addresses (addrgenmode) may differ: it is how the script keeps one from being made that was not there.
UNSTEADY = "s/link-netns[^ ]* [^ ]*//; s/[a-z_]*_timer *[0-9.]*//g; s/topology_change[^ ]* .//g; s/addrgenmode [^ ]*//"
UNSTEADY += "; s/fdb_n_learned [0-9]*//"
MORE = {
    "options": f"ip -d -o link | sed '{UNSTEADY}'",
    "addresses": "ip -o addr | sed 's/ tentative//; s/ proto kernel_ll//'",
    "routes": "ip -d -o route show table all; ip -d -o -6 route show table all | sed '/fe80/d'",
    "rules": "ip rule; ip -6 rule",
    "proxies": "ip neigh show proxy",
    "filters": "iptables-save | sed '/^#/d; s/\\[[0-9:]*\\]//'; ip6tables-save | sed '/^#/d; s/\\[[0-9:]*\\]//'",
    "sysctls": "cd /proc/sys/net && grep -rs . ipv4 ipv6 | sed '/addr_gen_mode/d'",
}


def facts(lab):
    """The answers to MORE in every namespace, each a set of lines."""
    asked = {}
    question = "; echo =; ".join(f"({line})" for line in MORE.values())
    for row in lab.snapshot().rows.namespaces:
        inside = [] if row.namespace == "master" else ["ip", "netns", "exec", row.namespace]
        answers = lab.run(shlex.join([*inside, "bash", "-c", question])).out.split("=\n")
        for what, answer in zip(MORE, answers, strict=True):
            asked[row.namespace, what] = {line.rstrip() for line in answer.splitlines()}
    return asked


def known(lab):
    """A snapshot without the neighbours that were learned: the kernel forgets them when it likes."""
    now = lab.snapshot(settings=True)
    written = tuple(row for row in now.rows.neighbours if row.state in ("PERMANENT", "NOARP"))
    return Snapshot(replace(now.rows, neighbours=written))


def steady(lab):
    """Wait until IPv6 has made sure of every address, so that nothing changes by itself any more."""
    until(lambda: not any(row.tentative for row in lab.snapshot().rows.addresses), "no address is tentative")


def assert_rebuilt(lab, tmp_path):
    steady(lab)
    before, told = known(lab), facts(lab)
    left_out = lab.save(tmp_path / "saved.sh").left_out
    with Lab() as again:
        again.run(f"bash {tmp_path / 'saved.sh'}")
        steady(again)
        differing = []

        def same():
            after = known(again)
            rows = [*changes.between(before, after).rows, *changes.between(after, before).rows]
            differing[:] = [row["change"] for row in rows]
            return not differing

        try:
            until(same, "nothing differs")
        except AssertionError:
            assert differing == []
        now = facts(again)
        for key in told:
            assert sorted(now[key] ^ told[key]) == [], key
    return left_out


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("direct", {}),
        ("bridge", {"hosts": 4}),
        ("flannel", {"ipv6": True}),
        ("calico", {"ipv6": True}),
    ],
)
def test_every_scenario_is_rebuilt(lab, tmp_path, name, options):
    lab.play(name, **options)
    assert assert_rebuilt(lab, tmp_path) == ()


ODD = r"""
ip netns add red; ip netns add blue.1
ip -n red link add name eth0 type veth peer name eth0 netns blue.1
ip -n red link set eth0 up; ip -n blue.1 link set eth0 up
ip -n red addr add 10.1.0.1/24 dev eth0; ip -n red addr add 10.1.0.2/24 dev eth0 label eth0:two
ip -n blue.1 addr add 10.1.0.9 peer 10.1.1.0/24 dev eth0
ip -n blue.1 addr add 10.5.0.9/24 dev eth0 noprefixroute
ip -n red link set lo up; ip -n red addr add 10.255.0.1/32 dev lo; ip -n red addr del 127.0.0.1/8 dev lo
until ip -n blue.1 -6 addr show dev eth0 | grep -q fe80; do :; done; ip -n blue.1 addr flush dev eth0 scope link
ip link add name br0 type bridge stp_state 1 ageing_time 1000 mcast_snooping 0
ip link add name p1 mtu 1400 type veth peer name q1; ip link add name p2 type veth peer name q2
for n in 1 2; do ip link set p$n master br0; ip link set p$n up; ip link set q$n up; done
ip link set p1 type bridge_slave hairpin on learning off isolated on
ip link set p2 type bridge_slave learning off locked on cost 77
ip link set br0 address 02:00:00:00:00:01 up
ip addr add 10.2.0.1/24 dev br0; ip route del 10.2.0.0/24 dev br0
ip link set q2 alias 'two words; rm "x"' group 7
ip addr add 10.3.0.1/24 dev q2; ip addr add fd00:3::1/64 dev q2 nodad
ip addr add fd00:3::5/64 dev q2 nodad preferred_lft 0; ip route add local 10.66.0.0/24 dev lo
ip link add name 'odd$x' type ifb; ip link set 'odd$x' up promisc on
ip link add link q2 name mac1 type macvlan mode bridge; ip link set mac1 up multicast off arp off
ip link add name vx1 type vxlan id 7 dstport 4789 dev q2 group 239.1.1.1 ttl 5
ip link add name vx2 type vxlan id 8 dstport 4790 local 10.3.0.1 nolearning
ip link set vx2 up; bridge fdb append 00:00:00:00:00:00 dev vx2 dst 10.3.0.7
bridge fdb append 00:00:00:00:00:00 dev vx2 dst 10.3.0.8; bridge fdb add 02:00:00:00:00:77 dev p2 master static
ip route add 10.9.0.0/24 via 10.3.0.2 dev q2 metric 50 mtu 1300 proto static
ip route add 10.9.1.0/24 nexthop via 10.3.0.2 weight 2 nexthop via 10.3.0.3
ip route add unreachable 10.9.2.0/24; ip route add prohibit 10.9.3.0/24; ip route add 10.9.4.0/24 dev q2 scope global
[ ! -d /etc/iproute2 ] || echo 77 seventy-seven >> /etc/iproute2/rt_tables
ip route add table 77 default via 10.3.0.2; ip rule add from 10.3.0.0/24 lookup 77 priority 100
ip -6 route add fd00:9::/64 via fd00:3::2; ip -6 route add blackhole fd00:9:1::/64
ip -6 route add fd00:9:2::/64 nexthop via fd00:3::2 nexthop via fd00:3::3
ip nexthop add id 3 via 10.3.0.2 dev q2; ip nexthop add id 4 via 10.3.0.3 dev q2; ip nexthop add id 2 group 3/4,2
ip -6 nexthop add id 5 via fd00:3::2 dev q2; ip route add 10.9.5.0/24 nhid 2; ip -6 route add fd00:9:5::/64 nhid 5
ip nexthop add id 6 via 10.3.0.7 fdb; ip nexthop add id 7 group 6 fdb; bridge fdb add 02:00:00:00:00:78 dev vx2 nhid 7
ip neigh add proxy 10.3.0.50 dev q2; ip -6 neigh add fd00:3::2 lladdr 02:00:00:00:00:02 dev q2 router
sysctl -qw net.ipv4.ip_local_port_range='1000 2000' net.ipv4.conf.br0.proxy_arp=1 net.ipv6.conf.default.accept_ra=0
ip netns exec red sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.icmp_echo_ignore_all=1
iptables -A INPUT -p tcp --dport 80 -m comment --comment 'it'"'"'s "quoted"' -j DROP; iptables -P FORWARD DROP
ip netns exec red ip6tables -A OUTPUT -j DROP; ip netns exec red iptables-legacy -A INPUT -p udp -j DROP
ipset create blocked hash:ip; ipset add blocked 10.3.0.66; iptables -A INPUT -m set --match-set blocked src -j DROP
ip link set lo mtu 1600
"""


def test_what_no_scenario_has_is_rebuilt_too(lab, tmp_path):
    lab.run(ODD)
    assert assert_rebuilt(lab, tmp_path) == ()
    names = Path("/etc/iproute2/rt_tables")  # the lab has a copy of its own; Debian 13 has none
    assert not names.exists() or "seventy-seven" not in names.read_text()


LEARNED_BEHIND_STP = """
ip link add name br0 type bridge
ip link add name p1 master br0 type veth peer name q1
for name in br0 p1 q1; do ip link set $name up; done
until bridge fdb replace 02:00:00:00:00:77 dev p1 master dynamic; do :; done
bridge fdb add 02:00:00:00:00:78 dev p1 master static
ip link set br0 type bridge stp_state 1
"""


def test_what_a_port_would_not_take_while_it_is_closed_is_named(lab):
    lab.run(LEARNED_BEHIND_STP)
    saved = lab.save()
    assert saved.left_out == (
        "What br0 in master has learned is not saved: with STP its ports learn only after a while.",
    )
    with Lab() as again:
        assert again.run(saved.script).code == 0
        assert "02:00:00:00:00:78 dev p1 master br0 static" in again.run("bridge fdb").out


def test_script_reads_like_typed_lines(lab, tmp_path):
    lab.play("direct")
    lab.save(tmp_path / "saved.sh")
    lines = (tmp_path / "saved.sh").read_text().splitlines()
    assert "ip netns add ns1" in lines
    assert [line for line in lines if re.match(r"ip -n ns1 link add name tap1 .* peer name tap2 .* netns ns2$", line)]
    assert [line for line in lines if re.match(r"ip -n ns1 addr add 192.168.10.200/24 dev tap1", line)]
    assert not [line for line in lines if "sysctl" in line], "a scenario that sets nothing needs no setting"


def test_empty_lab_needs_no_line(lab, tmp_path):
    lab.save(tmp_path / "saved.sh")
    assert (tmp_path / "saved.sh").read_text().endswith("exit 1\nfi\n")


def test_machine_itself_is_refused(lab, tmp_path):
    lab.play("direct")
    lab.save(tmp_path / "saved.sh")
    ended = subprocess.run(["bash", tmp_path / "saved.sh"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "only in a fresh one" in ended.stderr
    with pytest.raises(CommandFailed, match="only in a fresh one"):
        lab.run(f"bash {tmp_path / 'saved.sh'}")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ip link add name vx type vxlan external vnifilter dstport 4789", "vxlan device with `vnifilter`"),
        ("ip netns add gone; ip link add name a1 type veth peer name b1 netns gone;"
         "ip netns exec gone sleep 1000 & until ip netns pids gone | grep -q .; do :; done; ip netns del gone",
         "other end of a1 in master"),
        ("nft add table inet mine", "the nft table inet mine"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_told(lab, tmp_path, line, sentence):
    lab.run(line)
    with pytest.raises(CannotSave, match=sentence):
        lab.save(tmp_path / "saved.sh")
    assert not (tmp_path / "saved.sh").exists()


def test_queue_that_is_left_out_is_named(lab, tmp_path):
    lab.run("ip link add name a1 type veth peer name b1 && tc qdisc add dev a1 handle 1: root pfifo limit 5")
    (sentence,) = lab.save().left_out
    assert "a1 in master (pfifo" in sentence


def test_saved_lab_comes_up_from_the_command_line(vethlab, tmp_path):
    file = tmp_path / "web.sh"
    vethlab("up", "bridge", "--name", "one")
    assert vethlab("save", "one", str(file)).returncode == 0
    assert vethlab("up", str(file)).returncode == 0
    assert vethlab("draw", "web").stdout == vethlab("draw", "one").stdout
    assert "web.sh" in vethlab("ps").stdout
    assert vethlab("run", "web", "--", "ip netns exec ns100 ping -c 1 -W 20 192.168.1.101").returncode == 0
    assert vethlab("save", "one", str(tmp_path / "no/such/folder")).returncode == 1
    assert vethlab("down", "--all").stdout.count("is gone") == 2


def test_devices_with_the_names_of_words_are_rebuilt(lab, tmp_path):
    """`ip link set up up` would miss the device."""
    lab.run("ip link add name up type veth peer name down; ip link add name master type bridge")
    lab.run(
        "ip link set dev up master master; ip link set dev up up; ip link set dev down up; ip link set dev master up"
    )
    lab.run("ip link set dev down alias name")
    assert assert_rebuilt(lab, tmp_path) == ()


def test_second_names_of_namespaces_are_rebuilt(lab, tmp_path):
    lab.run("ip netns add pod; ln -s pod /run/netns/also; touch /run/netns/own")
    lab.run("mount --bind /proc/self/ns/net /run/netns/own")
    assert assert_rebuilt(lab, tmp_path) == ()


def test_addresses_on_a_device_that_lost_its_signal_are_rebuilt(lab, tmp_path):
    """IPv6 had made sure of them while there was one; the rebuilt device never has one."""
    lab.run("ip link add name near type veth peer name far; ip link set near up; ip link set far up")
    lab.run("ip addr add 2001:db8::1/64 dev near; ip addr add fe80::5/64 dev near")
    steady(lab)
    lab.run("ip link set far down; ip addr add 2001:db8::2/64 dev near")
    told = {(row.dev, row.address, row.tentative) for row in lab.snapshot().rows.addresses}
    assert ("near", "2001:db8::1/64", False) in told
    assert ("near", "2001:db8::2/64", True) in told
    file = tmp_path / "saved.sh"
    lab.save(file)
    with Lab() as again:
        again.run(f"bash {file}")
        assert {(row.dev, row.address, row.tentative) for row in again.snapshot().rows.addresses} == told


def test_devices_on_others_are_rebuilt_where_they_are(lab, tmp_path):
    """Made on a device of another namespace, up though that is not; a tunnel that was moved from where it sends."""
    lab.run("ip netns add a-pod; ip netns add far; ip link add name low type veth peer name end netns far")
    lab.run("ip link set low up; ip -n far link set end up; ip addr add 10.0.0.1/24 dev low")
    lab.run("ip link add link low name mac0 netns a-pod type macvlan mode private; ip -n a-pod link set mac0 up")
    lab.run("ip link add name vx netns a-pod type vxlan id 7 dev low remote 10.0.0.2 dstport 4789 tos 4 maxaddress 9")
    lab.run("ip link set low down")
    assert assert_rebuilt(lab, tmp_path) == ()
    lines = (tmp_path / "saved.sh").read_text().splitlines()
    off_again, other_end = lines.index("ip link set dev low down"), lines.index("ip -n far link set dev end up")
    assert off_again < other_end  # end would see a signal for a moment, and IPv6 make an address of it
