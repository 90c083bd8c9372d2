"""Nothing decides by reading prose: with nonsense for every sentence all is judged, mended and drawn as it was."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from faults.cases import CASES
from faults.lines import build
from nonsense import NOT_OURS, WORD, only_nonsense, prose
from test_drills import play

from vethlab_sh import Lab
from vethlab_sh.cli import main
from vethlab_sh.packet.sighting import plain
from vethlab_sh.wiring.changes import between

# Of each stage of the judgement some planted faults, and networks without one.
ASKED = [
    "far-end-down",
    "port-not-plugged",
    "address-twice",
    "stale-neighbour-of-the-router",
    "own-lo-answers",
    "proxy-arp-off",
    "no-way-back",
    "rule-that-swallows",
    "rp-filter-at-the-router",
    "nft-reject",
    "dnat-to-nobody",
    "mtu-at-the-end",
    "tcp-nobody-listens",
    "claims-tunnel-without-fdb",
    "healthy-router",
]
# What a learner types: after each line something has appeared, vanished or changed.
LINES = [
    "ip netns add ns1 && ip link add br0 type bridge && ip link add tap1 type veth peer name tap2 netns ns1",
    "ip link set tap1 master br0 up && ip -n ns1 link set tap2 up mtu 1400",
    "ip link set br0 up && ip addr add 10.0.0.1/24 dev br0 && ip -n ns1 addr add 10.0.0.2/24 dev tap2",
    "ping -c 1 -w 5 10.0.0.2 && sysctl -w net.ipv4.ip_forward=1",
    "ip link set tap1 nomaster && ip link del br0 && ip netns del ns1",
]
CASE = {case.id: case for case in CASES}
AT_ONCE = 8  # a question waits most of its time for an answer that does not come


@pytest.fixture(scope="module")
def broken():
    """The labs of these faults, each laid once."""
    with ExitStack() as labs, ThreadPoolExecutor(AT_ONCE) as pool:
        there = {name: labs.enter_context(Lab()) for name in ASKED}
        list(pool.map(lambda name: build(there[name], CASE[name]), ASKED))
        yield there


def asked(broken):
    """What walk and check answer in each lab."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda name: answers_of(broken[name], CASE[name]), ASKED)
        return dict(zip(ASKED, answers, strict=True))


def answers_of(lab, case):
    walk = lab.walk(case.src, case.dst, **case.how, cold=True) if case.src else None
    verdict = lab.check(case.claim) if case.claim else None
    return walk, verdict


def sense(answers):
    """All that is in a walk and in a verdict but sentences and times."""
    walk, verdict = answers
    told = []
    if walk:
        told += [walk.ok, walk.cause, walk.fixes, walk.should_be, walk.answered_by, way_of(walk)]
        told += [walk.evidence and walk.evidence.command, walk.last_seen and walk.last_seen.place]
    if verdict:
        told += [verdict.ok, verdict.claim, verdict.cause, verdict.fixes, verdict.evidence.command]
    return told


def way_of(walk):
    """The probe on its way, a tuple a sighting."""
    rows = [plain(row) for row in walk.rows if row.leg != "ask"]
    columns = ("leg", "machine", "namespace", "device", "way", "what", "src_ip", "dst_ip", "ttl", "vni")
    return [tuple(row[column] for column in columns) for row in rows]


def sentences(answers):
    walk, verdict = answers
    if walk:
        yield walk.verdict
        yield from (row.why for row in walk.rows)
    if verdict:
        yield verdict.sentence


@pytest.mark.live
def test_walks_and_claims_are_judged_without_reading_a_sentence(broken):
    told = asked(broken)
    with only_nonsense():
        again = asked(broken)
    for name in ASKED:
        assert sense(again[name]) == sense(told[name]), name
        assert not any(WORD in text for text in sentences(told[name]))
        assert all(WORD in text for text in sentences(again[name]))


@pytest.mark.live
def test_changes_are_found_without_reading_a_sentence(lab):
    moments = [lab.snapshot(settings=True)]
    for lines in LINES:
        lab.run(lines)
        moments.append(lab.snapshot(settings=True))
    for before, after in itertools.pairwise(moments):
        told = between(before, after)
        with only_nonsense():
            again = between(before, after)
        assert told.rows
        assert [row | {"change": ""} for row in again.rows] == [row | {"change": ""} for row in told.rows]
        assert again.devices == told.devices
        assert all(row["change"].startswith(WORD) for row in again.rows)


@pytest.mark.live
def test_drill_is_whole_broken_and_mended_without_reading_a_sentence():
    with only_nonsense():
        story = play("duplicate-address", 1)
    fault = story.drill.fault
    assert WORD in fault.ticket
    assert set(fault.symptom) <= set(story.drill.broken)
    assert [ok for ok, _ in story.mended] == [True] * len(fault.repairs)
    assert [verdict.ok for verdict in story.refused] == [False] * len(fault.wrong)
    for wrong, verdict in zip(fault.wrong, story.refused, strict=True):
        assert wrong.untrue in verdict.claim
        assert WORD in str(verdict)
    assert story.undone == []


@pytest.mark.live
def test_what_is_wrong_as_at_first_is_known_without_comparing_sentences(lab):
    with only_nonsense():
        drill = lab.drill("duplicate-address", 1)
        assert not set(drill.broken) <= set(drill.fault.asks)
        assert drill.check().claim == drill.fault.symptom[0]


@pytest.mark.live
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["demo", "direct", "--quiet"], 0),
        (["check", "direct", "ns1 can reach ns2", "tap2 is down"], 1),
        (["walk", "direct", "ns1", "ns2"], 0),
    ],
)
def test_command_line_ends_with_its_code_without_reading_a_sentence(words, code, capsys):
    with only_nonsense():
        assert main(words) == code
    assert WORD in capsys.readouterr().out


def test_sentences_stand_in_fields_that_are_found():
    found = {kind.__name__: names for kind, names in prose()}
    wanted = {"Diagnosis", "Outcome", "Sighting", "Walk", "Finding", "Verdict", "Change", "Fault", "Hint", "Debriefing"}
    assert wanted <= set(found)
    assert NOT_OURS[1] not in found or "verdict" not in found[NOT_OURS[1]]
