"""The lessons, played live and then asked what must be true."""

import ipaddress
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

from vethlab_sh import Lab, scenarios
from vethlab_sh.errors import BadOption, CommandFailed, UnknownScenario
from vethlab_sh.inside import inside
from vethlab_sh.scenarios import SCENARIOS, as_script, load

pytestmark = [pytest.mark.live, pytest.mark.every_case]

# What the article types, section by section, in its order; `local` and the short forms as in the lesson.
ARTICLE = {
    "direct": [
        "ip netns add ns1", "ip netns add ns2", "ip netns list",
        "ip link add tap1 type veth peer name tap2", "ip a",
        "ip link set tap1 netns ns1", "ip link set tap2 netns ns2",
        "ip netns exec ns1 ip a", "ip netns exec ns2 ip a",
        "ip netns exec ns1 ip addr add local 192.168.10.200/24 dev tap1",
        "ip netns exec ns2 ip addr add local 192.168.10.201/24 dev tap2",
        "ip netns exec ns1 ip a", "ip netns exec ns2 ip a",
        "ip netns exec ns1 ifconfig tap1 up", "ip netns exec ns2 ifconfig tap2 up",
        "ip netns exec ns1 ping -c 2 -i 0.2 -W 1 192.168.10.201",
        "ip netns exec ns2 ping -c 2 -i 0.2 -W 1 192.168.10.200",
    ],
    "bridge": [
        "ip link add br0 type bridge", "brctl show", "ip link set br0 up",
        "ip link add veth100 type veth peer name br-veth100", "ip link add veth101 type veth peer name br-veth101",
        "ip netns add ns100", "ip netns add ns101",
        "ip link set br-veth100 master br0", "ip link set br-veth100 up",
        "ip link set br-veth101 master br0", "ip link set br-veth101 up", "brctl show",
        "ip link set veth100 netns ns100", "ip link set veth101 netns ns101",
        "ip netns exec ns100 ip addr add 192.168.1.100/24 dev veth100", "ip netns exec ns100 ip link set veth100 up",
        "ip netns exec ns101 ip addr add 192.168.1.101/24 dev veth101", "ip netns exec ns101 ip link set veth101 up",
        "ip netns exec ns100 ip a", "ip netns exec ns101 ip a",
        "ip netns exec ns100 ping -c 2 -i 0.2 -W 1 192.168.1.101",
        "ip netns exec ns101 ping -c 2 -i 0.2 -W 1 192.168.1.100",
    ],
}  # fmt: skip


@pytest.mark.no_lab
@pytest.mark.parametrize("name", ARTICLE)
def test_scenario_keeps_the_articles_order(name):
    typed = iter([line for step in load(name).steps for line in step.lines])
    assert all(line in typed for line in ARTICLE[name])  # `in` an iterator moves on: order counts


def test_direct_pair_points_at_itself(lab):
    ran = lab.play("direct", until=2)[-1]
    assert "tap1@tap2:" in ran.out
    assert "tap2@tap1:" in ran.out


def test_direct_ends_vanish_from_host(lab):
    ran = lab.play("direct", until=3)[-1]
    assert "tap" not in ran.out
    assert [link.name for link in lab.snapshot().rows.links if link.namespace == "master"] == ["lo"]


def test_direct_ends_name_each_others_number(lab):
    one, two = lab.play("direct", until=4)[-2:]
    (a,) = (row for row in one.rows["ip addr"] if row["name"] == "tap1")
    (b,) = (row for row in two.rows["ip addr"] if row["name"] == "tap2")
    assert (a["peer"], b["peer"]) == (f"if{b['index']}", f"if{a['index']}")
    assert all(end["netns"] or end["netnsid"] is not None for end in (a, b))  # by name since iproute2 4.19


def test_direct_ends_reach_each_other(lab):
    records = lab.play("direct")
    assert [ran.rows["ping statistics"][0]["received"] for ran in records[-2:]] == [2, 2]
    (wire,) = lab.snapshot().rows.wires
    assert (wire.state, wire.peer_state) == ("UP", "UP")


def test_bridge_is_empty_then_has_ports(lab):
    empty, full = (ran for ran in lab.play("bridge") if ran.line == "brctl show")
    assert empty.rows["brctl show"] == [{"bridge": "br0", "id": "8000.000000000000", "stp": False, "interface": None}]
    assert [row["interface"] for row in full.rows["brctl show"]] == ["br-veth100", "br-veth101"]


@pytest.mark.no_lab
def test_without_brctl_no_line_needs_it(monkeypatch):
    monkeypatch.setattr(scenarios, "find", lambda program: None)
    loaded = [load("bridge"), load("bridge", hosts=12), load("flannel", cni=True), load("flannel"), load("calico")]
    for scenario in loaded:
        assert any("brctl" in line for step in scenario.steps for line in step.lines)
        assert not [line for step in scenarios.playable(scenario).steps for line in step.lines if "brctl" in line]


def test_bridge_is_played_by_ip_and_bridge_alone(lab, monkeypatch):
    monkeypatch.setattr(scenarios, "find", lambda program: None)
    played = lab.play("bridge")
    assert played.ok
    assert played.complete
    (ports,) = (ran.rows["bridge link"] for ran in played if ran.line == "bridge link")
    assert [row["name"] for row in ports] == ["br-veth100", "br-veth101"]
    hosts = {link.mac for link in lab.snapshot().rows.links if link.name in ("veth100", "veth101")}
    assert {row["mac"] for row in played[-1].rows["bridge fdb"] if row["state"] != "permanent"} == hosts


@pytest.mark.parametrize("hosts", [2, 3, 12])
def test_bridge_hosts_reach_each_other(lab, hosts):
    records = lab.play("bridge", hosts=hosts)
    pings = [ran for ran in records if "ping" in ran.line]
    assert len(pings) == min(hosts, 3)
    assert all(ran.rows["ping statistics"][0]["received"] == (2 if hosts < 10 else 1) for ran in pings)
    snapshot = lab.snapshot()
    assert {wire.master for wire in snapshot.rows.wires} == {"br0"}
    assert len(snapshot.rows.wires) == hosts
    addresses = [ipaddress.ip_interface(row.address) for row in snapshot.rows.addresses if row.family == "inet"]
    assert len({address.network for address in addresses if not address.is_loopback}) == 1


def test_bridge_learned_every_host(lab):
    ran = lab.play("bridge")[-1]
    hosts = {link.mac for link in lab.snapshot().rows.links if link.name in ("veth100", "veth101")}
    assert {row["mac"] for row in ran.rows["brctl showmacs"] if not row["local"]} == hosts


@pytest.mark.parametrize("hosts", [155, 156, 1023])
def test_many_hosts_get_valid_addresses(lab, hosts):
    (line,) = (line for step in load("bridge", hosts=hosts).steps for line in step.lines if "addr add" in line)
    told = lab.run("ip() { cat; }; nsenter() { cat; }; " + line).out  # what `ip -batch` would read
    addresses = [ipaddress.ip_interface(words.split()[2]) for words in told.splitlines() if words.startswith("addr")]
    assert len(set(addresses)) == hosts
    assert len({address.network for address in addresses}) == 1
    assert all(a.ip not in (a.network.network_address, a.network.broadcast_address) for a in addresses)


def test_a_host_that_gets_no_address_ends_the_build(lab):
    steps = load("bridge", hosts=12).steps
    (at,) = (n for n, step in enumerate(steps) if "addr add" in step.lines[0])
    lab.play("bridge", until=at, hosts=12)
    lab.run("ip -n ns105 link del veth105")
    with pytest.raises(CommandFailed, match="Cannot find device"):
        lab.run(steps[at].lines[0])
    assert "192.168.1.104/24" in lab.run("ip -n ns104 a").out
    assert "192.168.1.106/24" not in lab.run("ip -n ns106 a").out


def test_neighbouring_pings_run_at_the_same_time(lab):
    pings = [ran for ran in lab.play("bridge") if "ping" in ran.line]
    asked = [ran.line for step in load("bridge").steps for ran in pings if ran.line in step.lines]
    assert [ran.line for ran in pings] == asked
    assert [ran for ran in lab.history if "ping" in ran.line] == pings


@pytest.mark.no_lab
@pytest.mark.parametrize("hosts", [-1, 0, 1, 1024])
def test_impossible_number_of_hosts_is_refused(hosts):
    with pytest.raises(BadOption, match="1023"):
        load("bridge", hosts=hosts)


@pytest.mark.no_lab
def test_unknown_scenario_suggests_the_nearest():
    with pytest.raises(UnknownScenario, match="Did you mean 'bridge'"):
        load("bridg")


@pytest.mark.no_lab
def test_option_of_another_scenario_is_refused():
    with pytest.raises(BadOption, match="'direct' has no option 'hosts'"):
        load("direct", hosts=3)


def test_failure_inside_a_scenario_stops_it(lab):
    lab.run("ip netns add ns101")
    with pytest.raises(CommandFailed, match="ns101"):
        lab.play("bridge")
    assert lab.history[-1].line == "ip netns add ns100"


def test_playing_twice_needs_a_new_lab():
    for _ in range(2):
        with Lab() as lab:
            lab.play("direct")


@pytest.mark.no_lab
@pytest.mark.parametrize("name", SCENARIOS)
def test_script_holds_the_same_lines(name):
    script = as_script(load(name)).splitlines()
    typed = [
        inside(step.at, line) + ("" if 0 in step.expect else " || true")
        for step in load(name).steps
        for line in step.lines
    ]
    body = script[script.index("set -v") + 1 : -1]
    assert [line for line in body if line and not line.startswith("#")] == typed


@pytest.mark.no_lab  # the script makes its own world, by unshare
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize(
    "around", [[], ["unshare", "--net", "--mount"], ["unshare", "--map-root-user", "--net", "--mount"]]
)
def test_script_runs_without_us(name, around):
    if around[1:2] == ["--net"] and os.geteuid() != 0:
        around = ["unshare", "--user", "--map-root-user", *around[1:]]
    ended = subprocess.run([*around, "bash"], input=as_script(load(name)), capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    asked = [line for step in load(name).steps if 0 in step.expect for line in step.lines if " ping " in f" {line}"]
    assert ended.stdout.count(" 0% packet loss") == len(asked) >= 2


@pytest.mark.no_lab
@pytest.mark.parametrize("name", SCENARIOS)
def test_prose_is_short_and_whole(name):
    scenario = load(name)
    for text in [
        scenario.intro,
        scenario.known,
        *(s.why for s in scenario.steps),
        *(s.look for s in scenario.steps if s.look),
    ]:
        assert text.endswith((".", "?")), text
        assert text.count(". ") <= 4, text


@pytest.mark.no_lab
@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in SCENARIOS), ("flannel", {"pods": 1})])
def test_walks_lead_from_one_of_its_namespaces_to_another(name, options):
    scenario = load(name, **options)
    made = set(re.findall(r"ip netns add (\S+)", "\n".join(line for step in scenario.steps for line in step.lines)))
    assert scenario.walks
    assert {end for walk in scenario.walks for end in walk} <= made


PLAY = "from vethlab_sh import Lab\nwith Lab() as lab: lab.play('bridge', hosts=100, until=3)"


def test_large_lab_tells_a_terminal_how_far_it_is():
    ours, theirs = os.openpty()
    ended = subprocess.run([sys.executable, "-c", PLAY], stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (0, b"")
    said = os.read(ours, 4096).decode()
    assert "step 3 of" in said
    assert said.endswith(" \r"), "the last sentence is wiped"


def test_large_lab_tells_a_pipe_nothing():
    ended = subprocess.run([sys.executable, "-c", PLAY], capture_output=True, cwd=ROOT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
