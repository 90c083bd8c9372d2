"""A claim's yes is as exact as its no: it is said only where the kernel does it."""

import pytest

from vethlab_sh import Lab
from vethlab_sh.claims.filters import filters_of
from vethlab_sh.parsers import deeds
from vethlab_sh.parsers.deeds import Deed

# a, r and b on two cables; r forwards.
ROUTER = """
ip netns add a && ip netns add r && ip netns add b
ip link add name eth0 netns a type veth peer name left netns r
ip link add name eth0 netns b type veth peer name right netns r
ip -n a addr add 10.1.0.2/24 dev eth0 && ip -n a link set eth0 up
ip -n b addr add 10.2.0.2/24 dev eth0 && ip -n b link set eth0 up
ip -n r addr add 10.1.0.1/24 dev left && ip -n r link set left up
ip -n r addr add 10.2.0.1/24 dev right && ip -n r link set right up
ip -n a route add default via 10.1.0.1
ip -n b route add default via 10.2.0.1
ip netns exec r sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
"""
R = "ip netns exec r "
# It only classifies. Another could drop packets or rewrite them, which this kernel has no action for.
BY_TC = [
    R + "tc qdisc add dev left clsact",
    R + "tc filter add dev left ingress protocol ip u32 match ip dst 10.9.9.9 flowid 1:1",
]
CHAIN = R + "nft 'add table {0} t; add chain {0} t c {{ type filter hook {1} priority 0; policy {2}; }}'"
RULE = R + "nft 'add rule {} t {} {}'"
FORWARDS = [
    ([CHAIN.format("inet", "prerouting", "drop")], False, "the policy of nft's chain c is drop (table inet t)"),
    ([CHAIN.format("ip", "postrouting", "drop")], False, "the policy of nft's chain c is drop (table ip t)"),
    ([CHAIN.format("ip6", "forward", "drop")], True, "ip_forward is 1 in r"),
    ([CHAIN.format("inet", "input", "drop")], True, "ip_forward is 1 in r"),
    ([CHAIN.format("inet", "forward", "drop"), RULE.format("inet", "c", "ip saddr 10.1.0.0/24 accept")],
     True, "only a packet shows"),
    ([CHAIN.format("inet", "forward", "drop"), RULE.format("inet", "c", "ct state established,related accept")],
     False, "no rule of it accepts what begins a connection"),
    ([CHAIN.format("inet", "forward", "accept"), R + "nft 'add chain inet t stop; add rule inet t stop drop'",
      RULE.format("inet", "c", "jump stop")], False, "the rule `drop` (nft's chain stop, table inet t)"),
    ([CHAIN.format("inet", "forward", "accept"), RULE.format("inet", "c", "ip saddr 10.9.0.0/24 drop")],
     True, "only a packet shows"),
    ([CHAIN.format("inet", "forward", "drop"), R + "nft 'add table inet t { flags dormant; }'"],
     True, "ip_forward is 1 in r"),
    ([R + "iptables -P FORWARD DROP", R + "iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"],
     False, "the policy of iptables' chain FORWARD is DROP (table filter), and no rule of it accepts"),
    ([R + "iptables -P FORWARD DROP", R + "iptables -A FORWARD -i left -j ACCEPT"], True, "only a packet shows"),
    ([R + "iptables -N WALL", R + "iptables -A WALL -j REJECT", R + "iptables -A FORWARD -j WALL"],
     False, "the rule `-A WALL -j REJECT --reject-with icmp-port-unreachable`"),
    ([R + "iptables -t mangle -A PREROUTING -j DROP"], False, "(iptables' chain PREROUTING, table mangle)"),
    ([R + "iptables-legacy -A FORWARD -j REJECT"], False, "(iptables-legacy's chain FORWARD, table filter)"),
    ([R + "sysctl -qw net.ipv4.conf.left.forwarding=0"], False, "what comes in at left is not forwarded"),
    (BY_TC, False, "tc has filters at left, which may drop what it hands on: whether they do is not known"),
    (BY_TC[:1], True, "ip_forward is 1 in r"),
]  # fmt: skip
REWRITES = [
    ([CHAIN.format("ip", "prerouting", "accept"), RULE.format("ip", "c", "ip saddr set 10.7.7.7")], False, "saddr set"),
    ([R + "nft 'add table inet n; add chain inet n o { type nat hook output priority -100; }'",
      R + "nft 'add rule inet n o tcp dport 80 redirect to :8080'"], False, "table inet n"),
    ([R + "iptables -t nat -A POSTROUTING -s 10.1.0.0/24 -j NETMAP --to 10.7.0.0/24"], False, "-j NETMAP"),
    ([R + "iptables-legacy -t nat -A PREROUTING -d 10.9.9.9 -j DNAT --to 10.2.0.2"], False, "iptables-legacy's chain"),
    ([R + "iptables -A FORWARD -m comment --comment 'no masquerade here' -j ACCEPT"], True, "no rule in r rewrites"),
    ([R + "nft 'add table inet masquerade_off'"], True, "no rule in r rewrites"),
    (BY_TC, False, "but tc has filters at left, which may rewrite them: whether they do is not known"),
]  # fmt: skip
ARP = [
    ([], "r answers ARP for 10.1.0.1 on left", True, "r's own address"),
    ([], "r answers ARP for 10.2.0.1 on left", True, "r's own address"),
    ([R + "sysctl -qw net.ipv4.conf.left.arp_ignore=1"], "r answers ARP for 10.2.0.1 on left",
     False, "arp_ignore is 1"),
    ([R + "sysctl -qw net.ipv4.conf.left.arp_ignore=2", "ip -n a addr flush dev eth0",
      "ip -n a addr add 10.8.0.2/24 dev eth0"], "r answers ARP for 10.1.0.1 on left", False, "is of another network"),
    ([R + "sysctl -qw net.ipv4.conf.all.arp_ignore=8"], "r answers ARP for 10.1.0.1 on left", False, "arp_ignore is 8"),
    ([R + "sysctl -qw net.ipv4.conf.left.arp_filter=1", "ip -n r route add 10.1.0.2 dev right"],
     "r answers ARP for 10.1.0.1 on left", False, "arp_filter is 1"),
    ([R + "sysctl -qw net.ipv4.conf.left.rp_filter=1", "ip -n r route add 10.1.0.2 dev right"],
     "r answers ARP for 10.1.0.1 on left", False, "rp_filter is 1 at left, and the way back to 10.1.0.2"),
    (["ip -n r rule add pref 5 lookup local", "ip -n r rule del pref 0",
      "ip -n r rule add pref 1 to 10.1.0.1 prohibit"], "r answers ARP for 10.1.0.1 on left", False, "refuses"),
    ([R + "sysctl -qw net.ipv4.conf.left.proxy_arp=1"], "r answers ARP for 10.2.0.2 on left",
     True, "by another device"),
    ([R + "sysctl -qw net.ipv4.conf.left.proxy_arp=1 net.ipv4.conf.left.forwarding=0"],
     "r answers ARP for 10.2.0.2 on left", False, "only where it forwards, and net.ipv4.conf.left.forwarding is 0"),
    ([R + "sysctl -qw net.ipv4.conf.left.proxy_arp=1", "ip -n r rule add iif left to 10.2.0.2 blackhole"],
     "r answers ARP for 10.2.0.2 on left", False, "no route to 10.2.0.2"),
    (["ip -n r neigh add proxy 10.2.0.2 dev left"], "r answers ARP for 10.2.0.2 on left", True, "proxy entry"),
    (["ip -n r link add br0 type bridge", "ip -n r link set left master br0"],
     "r answers ARP for 10.1.0.1 on left", False, "a port of br0"),
    ([CHAIN.format("arp", "output", "drop")], "r answers ARP for 10.1.0.1 on left", False, "or no answer out"),
    ([CHAIN.format("netdev", "ingress device right", "drop")], "r answers ARP for 10.1.0.1 on left", True, "r's own"),
    ([CHAIN.format("netdev", "ingress device left", "drop")], "r answers ARP for 10.1.0.1 on left", False, "at left"),
]  # fmt: skip

# Who takes an address for its own: who has it, and who has a route of kind local for it.
TAKEN = "ip -n r route add local {} dev lo"
OWNERS = [
    ([TAKEN.format("10.2.0.2")], "nobody else has 10.2.0.2", False, "r takes what is for 10.2.0.2"),
    ([TAKEN.format("10.2.0.0/30")], "10.2.0.2 belongs to b", False, "by its route local 10.2.0.0/30"),
    ([TAKEN.format("10.2.0.2")], "a can reach 10.2.0.2", False, "but not from b: r itself takes what is for 10.2.0.2"),
    ([TAKEN.format("10.1.0.77")], "nobody else has 10.1.0.77", True, "r takes what is for 10.1.0.77"),
    ([TAKEN.format("10.1.0.77")], "a can reach 10.1.0.77", True, "; r answers"),
    (["ip -n a link set lo up", "ip -n a addr add 10.2.0.2/32 dev lo"], "a can reach 10.2.0.2",
     False, "but not from b: a has 10.2.0.2 itself"),
    (["ip -n a link set lo up"], "a can reach 10.1.0.2", True, "; a has this address itself, and answers"),
    ([], "a can reach 10.2.0.2", True, "; it is an address of b"),
]  # fmt: skip


def judged(lines, claim):
    """The verdict on a claim about the router after some lines, and whether its fixes make it true."""
    with Lab() as lab:
        for line in [*ROUTER.strip().splitlines(), *lines]:
            lab.run(line)
        verdict = lab.check(claim)
        for fix in verdict.fixes[:1]:
            lab.run(fix)
            assert lab.check(claim), f"{fix} does not mend it"
        return verdict


@pytest.mark.live
@pytest.mark.parametrize(("lines", "ok", "words"), FORWARDS)
def test_router_forwards_where_no_chain_is_closed(lines, ok, words):
    verdict = judged(lines, "r forwards")
    assert (verdict.ok, words in verdict.sentence) == (ok, True), verdict
    assert bool(verdict.cause) is not ok


@pytest.mark.live
@pytest.mark.parametrize(("lines", "ok", "words"), REWRITES)
def test_rule_that_rewrites_is_named(lines, ok, words):
    verdict = judged(lines, "r rewrites no addresses")
    assert (verdict.ok, words in verdict.sentence) == (ok, True), verdict


@pytest.mark.live
@pytest.mark.parametrize(("lines", "claim", "ok", "words"), OWNERS)
def test_who_takes_an_address_for_its_own_is_told(lines, claim, ok, words):
    verdict = judged(lines, claim)
    assert (verdict.ok, words in verdict.sentence) == (ok, True), verdict


@pytest.mark.live
def test_walk_that_passes_no_device_says_so():
    """Nothing listens at an lo that has the address by a route only."""
    with Lab() as lab:
        lab.run("ip netns add a; ip -n a link set lo up; ip -n a route add local 10.7.7.7 dev lo")
        assert "it passed no device but lo" in lab.walk("a", "10.7.7.7").verdict


@pytest.mark.live
@pytest.mark.parametrize(("lines", "claim", "ok", "words"), ARP)
def test_arp_is_answered_as_the_kernel_decides(lines, claim, ok, words):
    verdict = judged(lines, claim)
    assert (verdict.ok, words in verdict.sentence) == (ok, True), verdict
    assert is_answered(lines, claim.split()[4]) == ok, "the kernel does otherwise"


def is_answered(lines, ip):
    """Whether a learns the MAC of an address when it asks on its cable."""
    with Lab() as lab:
        for line in [*ROUTER.strip().splitlines(), *lines, f"ip -n a route replace {ip} dev eth0"]:
            lab.run(line)
        lab.run(f"ip netns exec a ping -c 1 -W 1 {ip}", expect=None)
        return "lladdr" in lab.run(f"ip -n a neigh show {ip}").out


@pytest.mark.live
def test_ipv6_router_forwards_as_its_own_setting_says(lab):
    lab.run("ip netns add r && ip -n r link add br0 type bridge && ip -n r link set br0 up")
    lab.run("ip -n r addr add fd00::1/64 dev br0 nodad")
    no = lab.check("r forwards")
    assert "net.ipv6.conf.all.forwarding is 0 in r" in str(no)
    lab.run(no.fix)
    assert "net.ipv6.conf.all.forwarding is 1 in r" in str(lab.check("r forwards"))
    lab.run("ip netns exec r ip6tables -P FORWARD DROP")
    assert "the policy of ip6tables' chain FORWARD is DROP" in str(lab.check("r forwards"))


def test_saved_rule_with_a_comment_means_all():
    text = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m comment --comment "to all -j ACCEPT" -j DROP\nCOMMIT\n'
    filters = filters_of("r", {"iptables-legacy": text})
    ((ruling,),) = filters.rulings.values()
    assert (ruling.deed, ruling.meaning.means_all) == (Deed.DROP, True)


def test_answer_that_is_no_json_has_no_chain():
    assert filters_of("r", {"json": "", "nft": ""}).chains == ()


@pytest.mark.parametrize(
    ("rule", "refuses"),
    [
        ("ip saddr 10.0.0.1 reject", True),
        ('ip saddr 10.0.0.1 xt target "REJECT"', True),
        ("-A FORWARD -s 10.0.0.1/32 -j REJECT --reject-with icmp-port-unreachable", True),
        ('ip saddr 10.0.0.1 log prefix "reject " drop', False),
        ('ip saddr 10.0.0.1 drop comment "no need to reject"', False),
        ("-A FORWARD -m comment --comment REJECT -j DROP", False),
    ],
)
def test_word_in_a_comment_or_a_prefix_is_no_deed(rule, refuses):
    assert deeds.refuses(rule) is refuses
