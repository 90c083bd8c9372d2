"""Open vSwitch as played, and as the kit tells it: asked of its database, its flows and the kernel."""

import json
import os
import re
import sys
from datetime import date

import pytest
from conftest import ROOT, inhabitants, until

from vethlab_sh import Lab, explain, scenarios, snapshot
from vethlab_sh.lessons import kept, questions, recall
from vethlab_sh.packet.causes.cause import Cause
from vethlab_sh.parsers.ovsdb import ports_of_switches
from vethlab_sh.wiring.characters import as_text
from vethlab_sh.wiring.layout import layout

pytestmark = pytest.mark.live

JOINED = 8  # steps until both switches are joined, and a ping has passed
PORTS = {"tap1": "br-int", "int-br0": "br-int"}
LESSON = "8_open_vswitch"


@pytest.fixture(scope="module")
def played():
    with Lab() as lab:
        lab.play("ovs")
        yield lab


@pytest.fixture(scope="module")
def joined():
    with Lab() as lab:
        lab.play("ovs", until=JOINED)
        yield lab


def line_of(lab, start, word=""):
    return [ran for ran in lab.history if ran.line.startswith(start) and word in ran.line]


def port(lab, name):
    (row,) = json.loads(lab.run(f"ovs-vsctl --format=json --columns=tag,name list port {name}").out)["data"]
    return row[0]


def test_switches_are_joined_by_a_veth_pair(played):
    wires = {wire.name: wire for wire in played.snapshot().rows.wires}
    wire = wires.get("int-br0") or wires["phy-br0"]
    assert {wire.name, wire.peer} == {"int-br0", "phy-br0"}
    assert {wire.master, wire.peer_master} == {"br0", None}
    assert set(played.run("ovs-vsctl list-ports br-int").out.split()) == {"tap1", "int-br0", "int-ex"}


def test_kernel_knows_no_br_int(played):
    assert "br-int" not in {link.name for link in played.snapshot().rows.links}


def test_tag_of_one_port_is_a_vlan_that_the_bridge_passes_on(played):
    (first, *_, mended, cleared) = [ran for ran in played.history if "tag" in ran.line and "ovs-vsctl" in ran.line]
    place = played.history.index(first)
    _, trace, ping = played.history[place + 1 : place + 4]
    assert "push_vlan(vid=10,pcp=0)" in trace.out
    assert ping.rows["ping statistics"][0]["received"] == 0
    for line in (mended, cleared):
        after = played.history[played.history.index(line) + 2]
        assert after.rows["ping statistics"][0]["received"] == 1
    assert port(played, "tap1") == ["set", []]


def test_flow_of_the_highest_priority_counts(played):
    dropped, excepted = (ran.out for ran in line_of(played, "ovs-ofctl dump-flows")[1:3])
    counted = r"n_packets=[1-9]\d*, n_bytes=\d+, idle_age=\d+, priority={},icmp,in_port=1"
    assert re.search(counted.format(100) + " actions=drop", dropped)
    assert re.search(counted.format(200) + ",nw_dst=10.0.0.2 actions=NORMAL", excepted)
    assert line_of(played, "ovs-appctl ofproto/trace")[2].out.endswith("Datapath actions: drop\n")
    assert "icmp" not in played.run("ovs-ofctl dump-flows br-int").out


def test_tcp_fails_for_its_checksum_until_the_switch_is_told(played):
    before, after = line_of(played, "ip netns exec ns1 timeout")
    (counted,) = line_of(played, "ip netns exec ns2 nstat")
    assert before.code == 124
    assert int(counted.out.split("TcpInCsumErrors")[1].split()[0]) > 0
    assert (after.code, "Connection refused" in after.err) == (1, True)


def test_patch_port_is_one_look_up_and_a_cable_two(played):
    by_patch, by_cable = (ran.out for ran in line_of(played, "ovs-appctl ofproto/trace", "dl_dst=02:00:00:00:00:03"))
    assert ('bridge("br-ex")' in by_patch, 'bridge("br-ex")' in by_cable) == (True, False)


def test_daemons_end_with_the_lab():
    with Lab() as lab:
        lab.play("ovs", until=1)
        home = os.readlink(f"/proc/{lab.sandbox.pid}/ns/net")
        assert {"ovsdb-server", "ovs-vswitchd"} <= set(lab.run("cat /proc/[0-9]*/comm").out.split())
        assert inhabitants(home)
    until(lambda: not inhabitants(home), "every process of the lab is gone")


# As the kit tells it


@pytest.mark.parametrize("settings", [False, True])
def test_ports_of_open_vswitch_are_known_by_it(joined, settings):
    taken = joined.snapshot(settings)
    assert {link.name: link.switch for link in taken.rows.links if link.switch} == PORTS
    again = snapshot.from_plain(json.loads(json.dumps(taken.plain())))
    assert {link.name: link.switch for link in again.rows.links if link.switch} == PORTS


def test_drawing_says_whose_port_it_is(joined):
    drawn = as_text(joined.snapshot())
    assert "tap1 [port of br-int]" in drawn
    assert "int-br0 [port of br-int]" in drawn
    assert "no master" not in drawn
    boxes = {box.name: box for box in layout(joined.snapshot()).boxes}
    assert "port of br-int" in boxes["tap1"].lines
    assert (boxes["tap1"].warnings, boxes["tap1"].off) == ((), False), "nothing is wrong with it"


@pytest.mark.parametrize(
    ("claim", "holds", "why"),
    [
        ("tap1 is a port of br-int", True, "tap1 is a port of br-int, a switch of Open vSwitch"),
        ("ns1 is plugged into br-int", True, "tap1 is a port of br-int, a switch of Open vSwitch"),
        ("tap1 is a port of br0", False, "tap1 is a port of br-int, a switch of Open vSwitch, not of br0"),
        ("ns1 is plugged into br0", False, "tap1 is a port of br-int, a switch of Open vSwitch, not of br0"),
        ("tap2 is a port of br-int", False, "tap2 is a port of br0, not of br-int"),
        ("ns1 can reach ns2", True, "no router between"),
    ],
)
def test_claims_about_its_ports_are_judged(joined, claim, holds, why):
    verdict = joined.check(claim)
    assert (bool(verdict), why in str(verdict)) == (holds, True), verdict


def test_what_is_saved_says_that_the_switch_is_not(joined):
    (sentence,) = joined.save().left_out
    assert sentence == "Open vSwitch is not saved: its switch br-int has the ports tap1 in master, int-br0 in master."


def test_walk_tells_which_switch_sends_a_frame_on(joined):
    walk = joined.walk("ns1", "10.0.0.2")
    reasons = {(one.device, one.way): one.why for one in walk.rows}
    assert reasons["int-br0", "out"] == "br-int, a switch of Open vSwitch, sends it by int-br0"
    assert reasons["tap1", "out"] == "br-int, a switch of Open vSwitch, sends it by tap1"


@pytest.mark.parametrize(("what", "word"), [("icmp", "icmp,in_port=tap1"), ("arp", "arp,in_port=tap1")])
def test_flow_that_drops_is_named_with_the_question_that_shows_it(joined, what, word):
    joined.run(f"ovs-ofctl add-flow br-int priority=100,{what},in_port=tap1,actions=drop")
    joined.run("ovs-appctl revalidator/wait")
    try:
        if what == "arp":
            # ns2 first: a question of its own about ns1, a few seconds after a ping, would teach ns1 its MAC.
            joined.run("ip -n ns2 neigh flush all\nip -n ns1 neigh flush all")
        walk = joined.walk("ns1", "10.0.0.2")
        assert walk.cause == Cause.SWITCH_FLOW
        assert "tap1 is a port of br-int, a switch of Open vSwitch, whose flows drop it" in walk.verdict
        assert word in walk.evidence.command
        assert walk.evidence.shown == "Datapath actions: drop"
    finally:
        joined.run(f"ovs-ofctl del-flows br-int {what} && ovs-appctl revalidator/wait")
    assert joined.check("ns1 can reach ns2")


def test_what_its_program_does_not_tell_is_unknown(lab):
    lab.play("ovs", until=JOINED)
    lab.run("kill -9 $(cat /run/openvswitch/ovs-vswitchd.pid)")
    walk = lab.walk("ns1", "10.0.0.2")
    assert walk.cause == Cause.UNKNOWN
    assert "a port of br-int" in walk.verdict
    assert "no master" not in walk.verdict


def test_changes_tell_of_its_ports(lab):
    lab.play("ovs", until=JOINED)
    lab.changes()
    lab.run("ovs-vsctl del-port tap1")
    assert "tap1 is no port of br-int any more" in str(lab.changes())
    lab.run("ovs-vsctl add-port br-int tap1")
    assert "tap1 is now a port of br-int" in str(lab.changes())


@pytest.mark.no_lab
@pytest.mark.parametrize("text", ["", "ovs-vsctl: database connection failed", "[]\n[]\n[]", '{"headings": []}'])
def test_database_that_does_not_answer_has_no_ports(text):
    assert ports_of_switches(text) == {}


@pytest.mark.parametrize(
    ("tagged", "asker", "cause", "named"),
    [
        ("int-br0", "ns1", Cause.VLAN_PORT, "int-br0, the port of br-int that leads on, is in VLAN 10"),
        ("tap1", "ns2", Cause.VLAN_PORT, "tap1, the port of br-int that leads on, is in VLAN 10"),
        ("tap1", "ns1", Cause.VLAN_TAG, "the frame has the tag of VLAN 10"),
    ],
)
def test_ports_in_different_vlans_are_told_apart(joined, tagged, asker, cause, named):
    """Never as a port without a master, which the kernel makes of it, nor as a flow that drops."""
    joined.run(f"ovs-vsctl set port {tagged} tag=10; ovs-appctl revalidator/wait")
    try:
        walk = joined.walk(asker, {"ns1": "10.0.0.2", "ns2": "10.0.0.1"}[asker], cold=True)
        assert (walk.cause, named in walk.reason) == (cause, True), walk.verdict
        assert ("int-br0", "in") in {(row.device, row.way) for row in walk.rows} or asker == "ns1"
        if walk.fixes:
            joined.run(walk.fixes[0])
            assert joined.check("ns1 can reach ns2")
    finally:
        joined.run(f"ovs-vsctl clear port {tagged} tag; ovs-appctl revalidator/wait")


def test_cable_that_is_pulled_out_of_the_switch_is_to_go_back_there(joined):
    """Its other end is a port of br0, so that is not where this one belongs."""
    joined.run("ovs-vsctl del-port int-br0")
    try:
        walk = joined.walk("ns2", "10.0.0.1", cold=True)
        assert walk.reason == "int-br0 has no master and is no port of Open vSwitch, so no switch takes the question"
        assert walk.fixes == ("ovs-vsctl add-port br-int int-br0",)
    finally:
        joined.run("ovs-vsctl --may-exist add-port br-int int-br0")


def test_what_its_programs_print_is_explained(joined):
    """Pasted, its ports are those that its database tells."""
    joined.run("ip netns exec ns1 ping -c 1 -W 1 10.0.0.2")  # from which br-int learns both
    lines = ("ovs-vsctl show", "ip a", "ovs-appctl fdb/show br-int", "ovs-ofctl dump-flows br-int")
    printed = [f"[root@master ~]# {line}\n{joined.run(line).out}" for line in lines]
    found = explain("\n".join(printed))
    assert {link.name: link.switch for link in found.snapshot.rows.links if link.switch} == PORTS
    rows = {output.name: output.rows for output in found.outputs}
    assert {"02:00:00:00:00:01", "02:00:00:00:00:02"} <= {row["mac"] for row in rows["ovs-appctl fdb"]}
    assert [(row["bridge"], row["actions"]) for row in rows["ovs-ofctl flows"]] == [("br-int", "NORMAL")]
    assert not found.unknown_lines
    assert not found.faults


def test_inspect_asks_open_vswitch_and_nft(joined):
    """The kernel has no master of these ports; what masquerades for flannel is in no table of iptables."""
    joined.run("nft add table ip flannel-ipv4; nft add table ip6 calico")
    seen = json.loads(joined.run(f"cd {ROOT} && {sys.executable} -m vethlab_sh inspect --json").out)
    joined.run("nft delete table ip flannel-ipv4; nft delete table ip6 calico")
    bridges = {row["peer"]: row["bridge"] for row in seen["wires"]}
    assert (bridges["tap1"], bridges["tap2"]) == ("br-int", "br0")
    (finding,) = seen["findings"]
    assert {sign["words"] for sign in finding["signs"]} == {"table ip flannel-ipv4", "table ip6 calico"}


# Its lesson, without a notebook; in one, and its exercises: `make test-exercises`


def test_lines_of_the_lesson_answer_its_questions():
    asked = questions.read(LESSON).questions
    solved = kept.read(LESSON)
    truths = {}
    lab = Lab()
    try:
        for cell in solved.cells:
            if cell.solved.startswith("%%lab --quiet --new"):
                lab.close()
                lab = Lab()
            if cell.solved.startswith("%%lab"):
                lab.run(cell.solved.partition("\n")[2], expect=None)
            for verb, name in cell.calls:
                if verb == "look":
                    assert [claim for claim in asked[name].needs if not lab.check(claim)] == [], name
                    truths[name] = lab.run(asked[name].measure, expect=None).out.strip()
                elif name == "tagged":
                    # VLAN 10 has not learned ns2's MAC: the frame is flooded to ns3 too, which rightly drops it
                    lost = lab.check("ns1 cannot reach 10.0.0.2")
                    assert "the frame has the tag of VLAN 10, and eth0 in ns2 has no VLAN device" in str(lost)
        assert lab.check("ns1 can reach 10.0.0.2")  # what did not work at the beginning
    finally:
        lab.close()
    assert truths == solved.truths


@pytest.mark.no_lab
def test_question_is_judged_by_its_right_choice_where_open_vswitch_is_missing(monkeypatch):
    monkeypatch.setattr(scenarios, "find", lambda program: None)
    judgement = recall.judge(recall.Again(LESSON, "", questions.read(LESSON).questions["priority"], date.today(), 0))
    assert judgement.truth == "no"
    assert "sudo apt-get install openvswitch-switch" in judgement.remark
