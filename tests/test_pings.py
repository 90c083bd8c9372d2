"""A ping is given up early only where no answer can be late, and a late answer is an answer."""

import pytest
from conftest import until

from vethlab_sh import Lab
from vethlab_sh.claims import pings
from vethlab_sh.claims.pings import HELD_BACK, Ping, can_be_late, holds_back
from vethlab_sh.errors import TooBusy
from vethlab_sh.packet.lookup import Tables

pytestmark = pytest.mark.live
BRIDGE = (
    "ip link add name br0 type bridge; ip link set dev br0 up",
    *(
        f"ip netns add {name}; ip link add name {name} type veth peer name eth0 netns {name}; "
        f"ip link set dev {name} master br0 up; ip -n {name} link set dev eth0 up; "
        f"ip -n {name} addr add 10.1.0.{host}/24 dev eth0"
        for host, name in enumerate(("near", "far"), 1)
    ),
)
NEVER = "10.1.0.9"  # nobody has it
# What keeps an answer back, or lets one packet pass and the next one not.
LATE = {
    "a device of another kind": "ip link add name other type ifb",
    "a queue that delays": "ip netns exec far tc qdisc add dev eth0 root tbf rate 1kbit burst 200 latency 3s",
    "filters of tc": "tc qdisc add dev far ingress",
    "a rule that counts": "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; }'; "
    "nft add rule ip t c numgen inc mod 2 0 drop",
    "a rule of iptables that counts": "iptables -A INPUT -m limit --limit 1/s -j ACCEPT",
    "an answer for others, by the setting": "ip netns exec far sysctl -qw net.ipv4.conf.eth0.proxy_arp=1",
    "an answer for others, by the setting of all": "ip netns exec far sysctl -qw net.ipv4.conf.all.proxy_arp=1",
    "an answer for others, by an entry": "ip -n far neigh add proxy 10.1.0.9 dev eth0",
    "an answer for others, by an entry of IPv6": "ip -n far neigh add proxy fd00::9 dev eth0",
}
IN_TIME = {
    "nothing": "true",
    "a rule that always drops": "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; }'; "
    "nft add rule ip t c ip daddr 10.1.0.9 drop",
    "an answer for others that does not wait": "ip netns exec far sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 "
    "net.ipv4.neigh.eth0.proxy_delay=0",
    "another VXLAN": "ip link add name vx type vxlan id 7 dstport 4789 local 10.1.0.1",
}


@pytest.fixture
def network():
    with Lab() as lab:
        for line in BRIDGE:
            lab.run(line)

        yield lab


def late(lab, target=NEVER):
    return can_be_late(lab.shell, [Ping("near", target)], Tables(lab.snapshot()))


@pytest.mark.parametrize("line", LATE.values(), ids=LATE)
def test_an_answer_can_be_late(network, line):
    network.run(line)
    assert late(network)


@pytest.mark.parametrize("line", IN_TIME.values(), ids=IN_TIME)
def test_an_answer_comes_at_once_or_not_at_all(network, line):
    network.run(line)
    assert not late(network)


def test_ipv6_may_still_ask_whether_an_address_is_taken(network):
    """Until then it does not answer for it."""
    until(lambda: not any(row.tentative for row in network.snapshot().rows.addresses), "no address is tentative")
    assert not late(network, "fd00::2")
    network.run("ip -n far addr add fd00::2/64 dev eth0")
    tables = Tables(network.snapshot())
    assert can_be_late(network.shell, [Ping("near", "fd00::2")], tables)
    assert not can_be_late(network.shell, [Ping("near", NEVER)], tables)


def test_of_two_questions_one_is_dropped_and_the_claim_holds(network):
    """The first one of each round is: it would be lost if nobody asked again."""
    network.run("nft add table bridge t; nft 'add chain bridge t c { type filter hook forward priority 0; }'")
    network.run("nft add rule bridge t c ip protocol icmp icmp type echo-request numgen inc mod 2 0 drop")
    assert network.check("near can reach far")


def test_an_answer_for_others_waits_and_the_claim_holds(network):
    """By chance up to nearly a second, of which three in four are longer than a ping is waited for in a hurry."""
    network.run("ip netns exec far sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay=90")
    network.run("ip netns exec far sysctl -qw net.ipv4.ip_forward=1; ip -n far link set dev lo up")
    network.run("ip netns add beyond; ip link add name b0 netns far type veth peer name eth0 netns beyond")
    network.run("ip -n far link set dev b0 up; ip -n beyond link set dev eth0 up")
    network.run("ip -n far addr add 10.2.0.1/24 dev b0; ip -n beyond addr add 10.2.0.2/24 dev eth0")
    network.run("ip -n beyond route add default via 10.2.0.1; ip -n near route add 10.2.0.0/24 dev eth0")
    assert network.check("near can reach beyond")


@pytest.mark.no_lab
@pytest.mark.parametrize("part", HELD_BACK)
def test_what_a_tool_does_not_tell_may_hold_packets_back(part):
    """An older `ip -j` prints nothing where a newer one prints an empty list."""
    told = {"queues": "[]", "rules": "", "proxies": "", "entries": "[]\n[]", "delays": ""}
    assert not holds_back(told)
    del told[part]
    assert holds_back(told)
    assert holds_back(told | {part: "no answer"}) or part == "rules"
    assert holds_back({**told, part: "", "entries": "[]"})


def test_a_ping_of_which_bash_lost_the_end_is_sent_again(network, monkeypatch):
    """bash 5.2 says once in a thousand, on a busy machine, that what ran in <( ) ended with -1."""
    once, always = "mkdir /run/lost 2>/dev/null && code=-1", "code=-1"
    script = pings.ASK
    monkeypatch.setattr(pings, "ASK", script.replace("code=$?", f"code=$?; {once}"))
    assert network.check("near can reach far")
    monkeypatch.setattr(pings, "ASK", script.replace("code=$?", f"code=$?; {always}"))
    with pytest.raises(TooBusy, match="told nothing, twice"):
        network.check("near can reach far")
