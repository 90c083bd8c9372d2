"""A claim holds or does not, the kernel says so, and the sentence gives the fact that shows it."""

import json
import re
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

from vethlab_sh import Lab
from vethlab_sh.claims.check import judge, vocabulary
from vethlab_sh.claims.forms import CHINESE_VOCABULARY, FORMS, VOCABULARY, as_spoken, understand
from vethlab_sh.claims.question import Question, Verdict
from vethlab_sh.errors import UnknownClaim
from vethlab_sh.language import speaking
from vethlab_sh.packet.lookup import Tables
from vethlab_sh.snapshot import from_plain

CALI = "cali50c25257626"


@pytest.fixture(scope="module")
def bridge():
    with Lab() as lab:
        lab.play("bridge", hosts=3)
        for line in SERVERS:
            lab.run(f"ip netns exec ns101 python3 -c {shlex.quote(line)} >/dev/null 2>&1 &")
        lab.run("until [ $(ip netns exec ns101 ss -Hltun | wc -l) = 3 ]; do :; done")
        yield lab


# What listens in ns101: TCP port 8080, UDP port 5353 that answers, and UDP port 5354 that does not.
SERVERS = (
    "import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()",
    "import socket; s = socket.socket(2, 2); s.bind(('', 5353))\nwhile True: s.sendto(*s.recvfrom(99))",
    "import socket; s = socket.socket(2, 2); s.bind(('', 5354))\nwhile True: s.recvfrom(99)",
)
ON_BRIDGE = [
    ("ns100 can reach 192.168.1.101", True, "TTL 64: no router between"),
    ("ns100 can reach ns101", True, "ns101 (192.168.1.101)"),
    ("master can reach 192.168.1.101", False, "no answer from 192.168.1.101: "),
    ("ns100 cannot reach 192.168.1.101", False, "ns100 reaches 192.168.1.101"),
    ("ns100 cannot reach 192.168.7.7", True, "ns100 has no route to 192.168.7.7"),
    ("ns100 can reach ns101 through 0 routers", True, "no router between"),
    ("ns100 can reach ns101 through 1 router", False, "through no router, not 1"),
    ("ns100 can reach ns101 with 1472 bytes", True, "with 1472 bytes in one piece"),
    ("ns100 can reach ns101 with 1473 bytes", False, "1501 bytes is larger than the MTU 1500"),
    ("ns100 can reach ns101 with 1473 bytes in pieces", True, "in pieces"),
    ("ns100 cannot reach ns101 with 1473 bytes", True, "1501 bytes"),
    ("ns100 can reach ns101 with 70000 bytes in pieces", False, "holds at most 65507 bytes"),
    ("TCP port 8080 of ns101 answers ns100", True, "an answer from TCP port 8080 of ns101 (192.168.1.101)"),
    ("TCP port 8081 of ns101 answers ns100", False, "nobody listens on TCP port 8081"),
    ("TCP port 70000 of ns101 answers ns100", False, "there is no port 70000"),
    ("TCP port 8080 of ns101 answers", False, "lo in ns101 is down"),
    ("TCP port 8080 of 10.9.9.9 answers", False, "as in `TCP port 8080 of 10.9.9.9 answers "),
    ("UDP port 5353 of 192.168.1.101 answers ns100", True, "an answer from UDP port 5353 of 192.168.1.101"),
    ("UDP port 5354 of ns101 answers ns100", False, "has read what came, an empty line, and does not answer it"),
    ("UDP port 53 of ns101 answers ns100", False, "nobody listens on UDP port 53"),
    ("ns100 sends to 192.168.1.101 through br0", True, "through veth100 and br-veth100 and br0"),
    ("ns100 sends to 192.168.1.101 through br1", False, "so through veth100"),
    ("ns100 sends to 10.9.9.9 through br0", False, "no route to 10.9.9.9"),
    ("br-veth100 is up", True, "br-veth100 is up"),
    ("ns100 veth100 is up", True, "veth100 in ns100 is up"),
    ("ns100 lo is up", False, "lo in ns100 is switched off"),
    ("ns100 lo is down", True, "lo in ns100 is down"),
    ("br0 is down", False, "br0 is up"),
    ("ns100 veth100 has address 192.168.1.100/24", True, "192.168.1.100/24"),
    ("veth100 has address 192.168.1.100", True, "192.168.1.100/24"),
    ("ns100 veth100 has address 192.168.1.100/25", False, "its network is 192.168.1.0/24"),
    ("ns100 veth100 has address 192.168.1.102/24", False, "ns102 veth102 has it"),
    ("ns100 veth100 has address 10.0.0.1/24", False, "it has 192.168.1.100/24"),
    ("ns100 lo has address 10.0.0.1/24", False, "it has none"),
    ("192.168.1.100 belongs to ns100", True, "and nobody else does"),
    ("192.168.1.100 belongs to ns101", False, "ns100 veth100 has 192.168.1.100, but it should belong to ns101 alone"),
    ("192.168.1.99 belongs to ns100", False, "nobody has 192.168.1.99"),
    ("br0 has MTU 1500", True, "has MTU 1500"),
    ("br0 has MTU 1450", False, "has MTU 1500"),
    ("br-veth100 is a port of br0", True, "is a port of br0"),
    ("br0 is a port of br0", False, "br0 has no master, so frames reach no bridge"),
    ("br-veth100 is a port of br1", False, "master has no device br1"),
    ("ns100 is plugged into br0", True, "ends at br-veth100"),
    ("master is plugged into br0", False, "veth100 in ns100 has no master"),
    ("br0 makes no port wait", True, "a new port forwards at once"),
    ("br-veth100 makes no port wait", False, "br-veth100 is no bridge"),
    ("ns100 veth100 is the peer of master br-veth100", True, "two ends of one cable"),
    ("veth100 is the peer of br-veth101", False, "its other end is br-veth100"),
    ("br0 is the peer of veth100", False, "it is no veth"),
    ("ns100 routes 192.168.1.101 dev veth100", True, "192.168.1.0/24 dev veth100"),
    ("ns100 routes default via 192.168.1.1", False, "ns100 has no route default"),
    ("ns100 knows the MAC of 192.168.1.77", False, "has not asked for 192.168.1.77"),
    ("master forwards", False, "ip_forward is 0 in master"),
    ("master has a tunnel to 192.168.1.100", False, "it has no route"),
    ("ns100 rewrites no addresses", True, "no rule in ns100"),
    ("nobody rewrites addresses", True, "no rule in any namespace"),
    ("namespace ns100 exists", True, "there is a namespace ns100"),
    ("namespace ns10 exists", False, "did you mean ns10"),
    ("ns100 exists", True, "there is a namespace ns100"),
    ("br0 MTU is 1500", True, "has MTU 1500"),
    ("ns100 knows MAC of 192.168.1.77", False, "has not asked for 192.168.1.77"),
    ("ns100 answers ARP for 192.168.1.100", True, "ns100's own address"),
    ("ns100 answers ARP for 192.168.1.101", False, "proxy_arp is off at veth100 in ns100"),
    ("namespace blue exists", False, "there are master, ns100, ns101, ns102"),
    ("ns999 can reach ns101", False, "there is no namespace ns999"),
    ("ns999 cannot reach ns101", False, "there is no namespace ns999"),
    ("ns100 can reach ns1011", False, "ns1011 is neither an address nor a namespace; did you mean ns101?"),
    ("ns100 can reach master", False, "master has no address"),
    ("ns100 br-veth100 is up", False, "ns100 has no device br-veth100; it is in master"),
    ("eth7 is up", False, "no namespace has a device eth7"),
]
ON_FLANNEL = [
    ("pod-a can reach pod-c through 2 routers", True, "2 routers between"),
    ("pod-a can reach pod-c with 1422 bytes", True, "1422 bytes"),
    ("pod-a can reach pod-c with 1423 bytes", False, "larger than the MTU 1450"),
    ("pod-a routes default via 10.244.0.1", True, "default via 10.244.0.1 dev eth0"),
    ("pod-a routes 10.244.1.2 via 10.244.0.1 dev eth0", True, "10.244.0.0/16 via 10.244.0.1"),
    ("pod-a routes 10.244.0.0/24 via 10.244.0.1", False, "10.244.0.0/24 dev eth0"),
    ("pod-a routes 10.244.9.0/24 via 10.244.0.1", False, "no route 10.244.9.0/24"),
    ("master has a tunnel to 10.244.1.2", True, "neighbour 10.244.1.0 is 8e:2a:10:00:00:02"),
    ("master has a tunnel to pod-d", True, "puts it at 10.4.0.22"),
    ("master has a tunnel to 10.4.0.22", True, "puts it at 10.4.0.22"),
    ("master has a tunnel to 10.4.0.99", False, "it sends by 10.4.0.0/24 dev eth0"),
    ("master forwards", True, "ip_forward is 1"),
    ("pod-a forwards", False, "ip_forward is 0 in pod-a"),
    ("pod-a eth0 has not 10.244.0.9", True, "eth0 in pod-a does not have 10.244.0.9"),
    ("eth0 has not 10.4.0.21", False, "eth0 has 10.4.0.21"),
    ("nobody else has 10.4.0.21", True, "master eth0 has 10.4.0.21, and nobody else does"),
    ("nobody else has 127.0.0.1", False, "have 127.0.0.1"),
    ("master rewrites no addresses", False, "MASQUERADE"),
    ("nobody rewrites addresses", False, "master rewrites addresses on the way"),
    ("pod-a eth0 is up", True, "eth0 in pod-a is up"),
    ("eth0 is up", True, "eth0 is up"),  # typed on master, it is master's
    ("flannel.1 has MTU 1450", True, "MTU 1450"),
]
ON_CALICO = [
    (f"master answers ARP for 169.254.1.1 on {CALI}", True, "default via 10.4.0.1 dev eth0"),
    (f"master answers ARP for 10.240.188.122 on {CALI}", False, f"itself look for 10.240.188.122 behind {CALI}"),
    ("master answers ARP for 10.240.188.122 on eth0", False, "proxy_arp is off at eth0"),
    (f"master answers ARP for 10.240.188.70 on {CALI}", False, "no route to 10.240.188.70"),
    ("master answers ARP for 10.4.0.21 on eth0", True, "master's own address"),
    ("pod-a can reach pod-b through 1 router", True, "1 router between"),
    ("pod-a knows the MAC of 169.254.1.1", True, "ee:ee:ee:ee:ee:ee"),
    ("pod-a knows the MAC of 10.240.188.123", False, "has not asked"),
    ("master routes 10.240.188.70", False, "blackhole"),
    ("nobody else has 127.0.0.1", False, "pod-a lo and pod-b lo"),
    ("master routes 10.240.188.122 dev cali50c25257626", True, "10.240.188.122 dev"),
]
# Of networks that this kernel may not be able to make, as they were recorded in one that can.
RECORDED = [
    ("vlan", "eth0.10 is a child of eth0", True, "eth0.10 is made on eth0"),
    ("vlan", "eth0.10 is a child of sw trunk", False, "eth0.10 is made on eth0, not on trunk in sw"),
    ("vlan", "eth0 is a child of sw trunk", False, "eth0 is made on no other device"),
    ("vlan", "eth0.10 is a VLAN of eth0", True, "eth0.10 is VLAN 10 of eth0"),
    ("vlan", "eth0.20 is a VLAN 20 of master eth0", True, "eth0.20 is VLAN 20 of eth0"),
    ("vlan", "eth0.20 is a VLAN 10 of eth0", False, "eth0.20 is VLAN 20 of eth0, not VLAN 10"),
    ("vlan", "sw trunk is a VLAN of br0", False, "trunk in sw is no VLAN device, but one of kind veth"),
    ("vlan", "sw trunk lets VLAN 20 through", True, "trunk in sw lets VLAN 20 through"),
    ("vlan", "sw p10 lets VLAN 20 through", False, "p10 in sw lets VLANs 10 through, and not 20"),
    ("vlan", "eth0 lets VLAN 20 through", False, "eth0 is no port of a bridge"),
    ("ipvlan", "pod-a ip0 is a child of eth0", True, "ip0 in pod-a is made on eth0"),
    ("bond", "h eth0 is a port of bond0", True, "eth0 in h is a port of bond0"),
    ("bond", "h eth0 is held by qemu", False, "eth0 in h is no tun and no tap"),
    ("tap", "tap0 is held by qemu", True, "tap0 is held by qemu (77)"),
    ("tap", "tap0 is held by 77", True, "tap0 is held by qemu (77)"),
    ("tap", "tap0 is held by 78", False, "tap0 is held by qemu (77)"),
    ("tap", "tap1 is held by qemu", False, "no process that we can see holds tap1"),
    ("tap", "tap0 lets VLAN 7 through", True, "br0 does not look at VLANs"),
]


def holds(lab, claim, expected, words):
    verdict = lab.check(claim)
    assert (bool(verdict), verdict.claim) == (expected, claim), verdict
    assert words in str(verdict)
    assert str(verdict).startswith("yes: " if expected else "no: ")


@pytest.mark.live
@pytest.mark.parametrize(("claim", "expected", "words"), ON_BRIDGE, ids=lambda value: str(value))
def test_claim_on_the_bridge_is_judged(bridge, claim, expected, words):
    holds(bridge, claim, expected, words)


@pytest.mark.live
@pytest.mark.parametrize(("claim", "expected", "words"), ON_FLANNEL, ids=lambda value: str(value))
def test_claim_on_flannel_is_judged(flannel, claim, expected, words):
    holds(flannel, claim, expected, words)


@pytest.mark.live
@pytest.mark.parametrize(("claim", "expected", "words"), ON_CALICO, ids=lambda value: str(value))
def test_claim_on_calico_is_judged(calico, claim, expected, words):
    holds(calico, claim, expected, words)


@pytest.mark.parametrize(("network", "claim", "expected", "words"), RECORDED, ids=lambda value: str(value))
def test_claim_on_a_recorded_network_is_judged(network, claim, expected, words):
    file = ROOT / "tests" / "kinds" / f"{network}.json"
    question = Question(shell=None)
    question.tables = Tables(from_plain(json.loads(file.read_text())))
    finding = judge(question, claim)
    assert finding.ok == expected, finding
    assert words in finding.why


def test_every_form_is_judged_both_ways():
    judged = {(understand(claim)[0], expected) for claim, expected, _ in ON_BRIDGE + ON_FLANNEL + ON_CALICO}
    judged |= {(understand(claim)[0], expected) for _, claim, expected, _ in RECORDED}
    assert judged == {(form, expected) for form in FORMS for expected in (True, False)}


# A fault, what it makes false, and the reason that is told; the last line mends it.
FAULTS = [
    ("ip link set br-veth101 nomaster", "ns100 can reach ns101", "br-veth101 has no master",
     "ip link set br-veth101 master br0"),
    ("ip link set br-veth101 nomaster", "br-veth101 is a port of br0", "so frames from ns101 reach no bridge",
     "ip link set br-veth101 master br0"),
    ("ip link set br-veth101 nomaster", "ns101 is plugged into br0", "br-veth101 has no master",
     "ip link set br-veth101 master br0"),
    ("ip link set br-veth101 down", "ns101 veth101 is up", "br-veth101 in master is down",
     "ip link set br-veth101 up"),
    ("ip link set br-veth101 down", "ns100 can reach ns101", "br-veth101 in master is down",
     "ip link set br-veth101 up"),
    ("ip -n ns101 link set veth101 down", "ns101 can reach ns100", "veth101 is down",
     "ip -n ns101 link set veth101 up"),
    ("ip link set br0 type bridge stp_state 1", "br0 makes no port wait", "listens 15 s",
     "ip link set br0 type bridge stp_state 0"),
    ("ip -n ns102 addr add 192.168.1.101/24 dev veth102", "192.168.1.101 belongs to ns101",
     "ns102 veth102 has 192.168.1.101 too", "ip -n ns102 addr del 192.168.1.101/24 dev veth102"),
]  # fmt: skip
FAR_FAULTS = [
    ("bridge fdb del 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22 self", "master has a tunnel to 10.244.1.2",
     "10.244.1.0 is 8e:2a:10:00:00:02, but flannel.1 has no FDB entry for it",
     "bridge fdb add 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22 self permanent"),
    ("bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.9 self", "master has a tunnel to 10.244.1.2",
     "at 10.4.0.9, but nobody has that address",
     "bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22 self permanent"),
    ("ip neigh del 10.244.1.0 dev flannel.1", "master has a tunnel to 10.244.1.2", "no neighbour entry",
     "ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:02 nud permanent dev flannel.1"),
    ("ip route del 10.244.1.0/24", "master has a tunnel to 10.244.1.2", "it sends by default via 10.4.0.1",
     "ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink"),
    ("iptables -P FORWARD DROP", "master forwards", "the policy of iptables' chain FORWARD is DROP",
     "iptables -P FORWARD ACCEPT"),
    ("ip -n pod-a link set eth0 mtu 1500", "pod-a can reach pod-c with 1472 bytes in pieces",
     "the packet is of 1500 bytes, and veth6f848792 in master takes 1450", "ip -n pod-a link set eth0 mtu 1450"),
]  # fmt: skip


def told(lab, fault, claim, words, mend):
    """The claim holds, with the fault it does not, and mended it holds again, at once."""
    assert lab.check(claim)
    lab.run(fault)
    verdict = lab.check(claim)
    lab.run(mend)
    assert not verdict
    assert words in str(verdict)
    assert lab.check(claim), "not mended"


@pytest.mark.live
@pytest.mark.parametrize(("fault", "claim", "words", "mend"), FAULTS)
def test_fault_on_the_bridge_is_told(bridge, fault, claim, words, mend):
    told(bridge, fault, claim, words, mend)


@pytest.mark.live
@pytest.mark.parametrize(("fault", "claim", "words", "mend"), FAR_FAULTS)
def test_fault_between_nodes_is_told(flannel, fault, claim, words, mend):
    told(flannel, fault, claim, words, mend)


@pytest.mark.live
def test_neighbour_that_ip_hides_still_makes_a_tunnel(flannel):
    entry = "ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:02 nud {} dev flannel.1"
    flannel.run(entry.format("noarp"))
    verdict = flannel.check("master has a tunnel to 10.244.1.2")
    flannel.run(entry.format("permanent"))
    assert verdict


@pytest.mark.live
def test_question_in_vain_is_no_knowledge(bridge):
    bridge.run("ip netns exec ns100 ping -c 1 -W 0.1 192.168.1.55", expect=(1,))
    verdict = bridge.check("ns100 knows the MAC of 192.168.1.55")
    assert not verdict
    assert "has asked for 192.168.1.55 in vain" in str(verdict)
    assert "no namespace has this address" in str(verdict)


@pytest.mark.live
@pytest.mark.parametrize(
    ("claim", "command", "shown"),
    [
        ("ns100 can reach ns101", "ip netns exec ns100 ping ", "64 bytes from 192.168.1.101"),
        ("ns100 can reach 192.168.1.55", "ip -n ns100 neigh show 192.168.1.55", "192.168.1.55 dev veth100"),
        ("br-veth100 is a port of br0", "ip link show dev br-veth100", "master br0"),
        ("ns100 veth100 has address 192.168.1.100/24", "ip -br addr show dev veth100", "192.168.1.100/24"),
        ("ns100 veth100 is up", "ip netns exec ns100 ip link show dev veth100", "LOWER_UP"),
        ("master forwards", "sysctl net.ipv4.ip_forward", "net.ipv4.ip_forward = 0"),
        ("ns9 forwards", "ip netns list", "(no such line)"),
        ("ns100 routes 192.168.1.101", "ip netns exec ns100 ip route", "192.168.1.0/24 dev veth100"),
    ],
)
def test_evidence_can_be_typed_and_shows_it(bridge, claim, command, shown):
    evidence = bridge.check(claim).evidence
    assert command in evidence.command
    assert shown in evidence.shown
    out = bridge.run(evidence.command, expect=None).out
    steady = evidence.shown.split(" time")[0].split(",")[0]
    assert shown == "(no such line)" or steady in out


@pytest.mark.live
def test_check_leaves_no_line_in_the_history(bridge):
    before = list(bridge.history)
    bridge.check("ns100 can reach ns101")
    assert bridge.history == before


def test_verdict_reads_as_sentence_truth_and_html():
    verdict = Verdict("a < b", False, "no: a < b & c", None)
    assert (bool(verdict), str(verdict)) == (False, "no: a < b & c")
    assert "a &lt; b &amp; c" in verdict._repr_html_()


@pytest.mark.parametrize(
    ("claim", "nearest"),
    [
        ("ns100 reaches ns101", "ns100 can reach 192.168.1.101"),
        ("ns100 can not reach ns101", "ns100 cannot reach 192.168.1.101"),
        ("br-veth100 is port of br0", "br-veth100 is a port of br0"),
        ("ns100 has route to default via 10.0.0.1", "pod-a routes default via 10.244.0.1"),
        ("pod-a has tunnel to 10.244.1.2", "master has a tunnel to 10.244.1.2"),
        ("veth100 has the address 192.168.1.100", "ns100 veth100 has address 192.168.1.100/24"),
        ("", None),
    ],
)
def test_unknown_claim_lists_what_there_is(claim, nearest):
    with pytest.raises(UnknownClaim) as caught:
        understand(claim)
    assert nearest in (None, caught.value.nearest)
    assert caught.value.known == VOCABULARY
    assert all(form in str(caught.value) for form in VOCABULARY)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.shown)
def test_example_of_a_form_is_of_that_form(form):
    assert understand(form.example)[0] is form
    assert understand(f"  {form.example}.  ")[0] is form


def test_vocabulary_explains_each_form():
    assert [row["claim"] for row in vocabulary()] == list(VOCABULARY)
    assert all(row["meaning"] for row in vocabulary())
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def vethlab_check(*words):
    command = [sys.executable, "-m", "vethlab_sh", "check", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.live
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bridge", "ns100 can reach ns101", "br0 is up"], 0, "yes: br0 is up"),
        (["bridge", "br0 is up", "br0 is down"], 1, "no: br0 is up"),
        (["bridge", "br-veth100 is a port of br0", "--after", "ip link set br-veth100 nomaster"], 1, "has no master"),
        (["bridge", "br0 is tall"], 2, "I cannot check 'br0 is tall'"),
        (["brigde", "br0 is up"], 2, "Did you mean 'bridge'?"),
        (["--list"], 0, "WHO can reach WHOM"),
    ],
)
def test_command_line_judges_claims(words, code, said):
    ended = vethlab_check(*words)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


# --- in Chinese --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.shown)
def test_a_claim_in_chinese_is_judged_as_the_english_one(form):
    english, chinese = understand(form.example), understand(form.chinese_example)
    assert chinese == english
    assert understand(f" {form.chinese_example}。") == english
    for wording in form.wordings[1:]:
        assert set(wording.pattern.groupindex) <= set(form.wordings[0].pattern.groupindex)


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("ns1能ping通ns2", "ns1 can reach ns2"),
        ("ns1 可以 ping 通 10.0.0.1，经过 2 跳", "ns1 can reach 10.0.0.1 through 2 routers"),
        ("ns1 能 ping 通 ns2，带 1400 字节", "ns1 can reach ns2 with 1400 bytes"),
        ("ns1 到不了 ns2", "ns1 cannot reach ns2"),
        ("ns1到ns2不通", "ns1 cannot reach ns2"),
        ("'red box' 能到达 “蓝 盒”", "'red box' can reach '蓝 盒'"),
        ("红盒 ping 不通 蓝盒", "红盒 cannot reach 蓝盒"),
        ("能访问 pod-a 的 TCP 80 端口", "TCP port 80 of pod-a answers"),
        ("veth100 没有启用", "veth100 is down"),
        ("ns1 的 tap1 的 IP 地址是 10.0.0.1/24", "ns1 tap1 has address 10.0.0.1/24"),
        ("ns1 eth0 MTU 为 1450", "ns1 eth0 MTU is 1450"),
        ("ns1 tap1 和 ns2 tap2 是一对 veth", "ns1 tap1 is the peer of ns2 tap2"),
        ("br0 没有打开 STP", "br0 makes no port wait"),
        ("pod-a 的默认网关是 10.244.0.1", "pod-a routes default via 10.244.0.1"),
        ("pod-a 有到 10.244.1.2 的路由 dev eth0", "pod-a routes 10.244.1.2 dev eth0"),
        ("master 打开了 IP 转发", "master forwards"),
        ("master 不做 NAT", "master rewrites no addresses"),
    ],
)
def test_an_engineer_says_it_in_chinese_in_more_than_one_way(chinese, english):
    assert understand(chinese) == understand(english)


@pytest.mark.parametrize(
    ("claim", "nearest"),
    [
        ("ns1 访问 ns2", "ns100 能 ping 通 192.168.1.101"),
        ("veth100 起来了吗", "ns100 的 veth100 已启用"),
        ("路由 default", "pod-a 有路由 default via 10.244.0.1"),
    ],
)
def test_an_unknown_claim_in_chinese_is_answered_with_the_nearest_chinese_one(claim, nearest):
    with pytest.raises(UnknownClaim) as caught:
        understand(claim)
    assert (caught.value.nearest, caught.value.known) == (nearest, CHINESE_VOCABULARY)


def test_a_claim_of_ours_is_told_in_the_language_that_is_spoken():
    claim = "ns1 can reach 10.0.0.1 through 0 routers with 1400 bytes in pieces"
    assert as_spoken(claim) == claim
    with speaking("zh"):
        assert as_spoken(claim) == "ns1 能 ping 通 10.0.0.1，经过 0 个路由器，带 1400 字节，允许分片"
        for form in FORMS:
            assert understand(as_spoken(form.example)) == understand(form.example)


def test_the_chinese_readme_lists_each_claim_in_both_languages():
    text = (ROOT / "README.zh.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", text, re.MULTILINE)
    assert rows == [(form.chinese_example, form.example) for form in FORMS]
