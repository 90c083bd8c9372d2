"""Does the verdict name the true cause? Some faults of `make faults`, of every group, and the runner that judges."""

import doctest
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT
from faults import score
from faults.case import Case, load
from faults.cases import CASES
from faults.fixes import judged
from faults.lines import build
from faults.play import Answer
from faults.report import is_good_enough, read, summary_of
from faults.run import Result
from faults.score import fixes_of, is_fair, names, text_of

from vethlab_sh import Lab

SOME = [
    "far-end-down",
    "queue-that-swallows",
    "port-not-plugged",
    "entry-that-is-the-bridges-own",
    "default-routes-to-each-other",
    "far-end-without-address",
    "filter-of-tc",
    "neighbour-written-as-noarp",
    "sender-address-at-the-receiver-too",
    "own-lo-answers",
    "redirected-to-the-router",
    "no-way-back",
    "blackhole-route",
    "rule-that-swallows",
    "rule-for-a-mark-of-the-router",
    "forwarding-off-at-one-device",
    "echo-ignored",
    "forward-policy",
    "legacy-forward-policy",
    "nft-bridge-rule",
    "netdev-rule",
    "dnat-to-nobody",
    "tcp-answer-dropped-at-home",
    "vxlan-port",
    "flannel-without-masquerade",
    "mtu-at-the-end",
    "udp-program-does-not-read",
    "v6-duplicate-address",
    "v6-solicitation-dropped",
    "claims-forwards-with-an-nft-policy",
    "claims-route-overruled",
    "healthy-service",
    "healthy-unused-obstacles",
]
NAMED, MISLED = 32, 0  # of SOME: at least, at most. The goal is all of them, and none
CASE = {case.id: case for case in CASES}


def test_faults_are_many_and_each_is_told_once():
    assert len(CASES) == len(CASE) > 200
    assert {case.group for case in CASES} == {CASE[name].group for name in SOME}


def test_case_asks_for_no_more_than_its_cause_tells():
    assert [case.id for case in CASES if not is_fair(case)] == []
    assert [case.id for case in CASES if not (case.ok or case.mend)] == []
    assert [case.id for case in CASES if not (case.src or case.claim)] == []
    assert {len(case.netfilter) for case in CASES} == {0, 4}


def test_words_are_matched_whole():
    result = doctest.testmod(score)
    assert result.attempted
    assert not result.failed


def test_wrong_yes_and_blame_mislead():
    case = CASE["echo-ignored"]
    assert score.score(case, False, "no: icmp_echo_ignore_all is 1 in ns2") == "named"
    assert score.score(case, True, "yes: icmp_echo_ignore_all is 1 in ns2") == "misled"
    assert score.score(case, False, "no: look at iptables -vnL in ns2") == "misled"
    assert score.score(case, False, "no: ns1 gets no answer") == "unsure"


def test_netfilter_verdict_names_rule_chain_table_and_family():
    case = CASE["one-forward-rule"]
    whole = "no: a rule of iptables' filter table drops it, in FORWARD: -s 10.1.0.0/24 -j DROP"
    assert names(case, whole) == 4
    assert names(case, "no: iptables drops it in FORWARD") == 2


def test_answer_is_read_with_all_that_it_tells():
    answer = SimpleNamespace(ok=False, sentence="no", cause="echo-ignored", evidence="the line", fix=("one", "two"))
    assert text_of(answer).splitlines()[:3] == ["no", "echo-ignored", "the line"]
    assert fixes_of(answer) == ["one", "two"]
    assert fixes_of(SimpleNamespace(fix="one\nline")) == ["one\nline"]
    assert fixes_of(SimpleNamespace(sentence="no")) == []


@pytest.mark.live
@pytest.mark.parametrize(
    ("fix", "judgement"),
    [
        (CASE["one-forward-rule"].mend, "fix-mends"),
        ("ip netns exec r sysctl -qw net.ipv4.ip_forward=1", "fix-no-help"),
        ("ip netns exec r iptables -F\nip -n b link set eth0 down", "fix-harms"),
        ("ip netns exec r iptables -P INPUT DROP\nip netns exec r iptables -F", "fix-harms"),
        ("ip netns exec r nft flush ruleset", "fix-harms"),
    ],
)
def test_fix_is_typed_and_its_harm_is_seen(fix, judgement):
    case = CASE["one-forward-rule"]
    with Lab() as lab:
        build(lab, case)
        lab.run("ip netns exec r iptables -A FORWARD -s 10.9.0.0/24 -j DROP")
        lab.run("ip netns exec r iptables -A FORWARD -s 10.8.0.0/24 -j DROP")
        assert judged(lab, case, fix).score == judgement


def test_one_harm_or_one_wrong_yes_is_not_good_enough():
    case = CASE["echo-ignored"]
    good = Result(case, Answer("named", ok=False, cause="echo-ignored", proof=True))
    assert is_good_enough([good], 1)
    assert not is_good_enough([good, Result(case, Answer("misled", ok=True))], 0.5)
    assert not is_good_enough([good, Result(case, Answer("unsure", ok=False))], 1)
    assert "1 named, 1 unsure, 0 misled, 0 crashed or hung of 2" in summary_of(
        [good, Result(case, Answer("unsure", ok=False))]
    )


def test_file_of_further_cases_is_read(tmp_path):
    file = tmp_path / "further.py"
    file.write_text(
        "CASES = [dict(id='x', group='cable', title='', cause='veth1 is down', source='', lines='', src='a', dst='b', "
        "words=(('veth1',), ('down',)))]"
    )
    assert load(str(file)) == [
        Case(
            id="x",
            group="cable",
            title="",
            cause="veth1 is down",
            source="",
            lines="",
            src="a",
            dst="b",
            words=(("veth1",), ("down",)),
        )
    ]


def run_faults(*words):
    return subprocess.run([sys.executable, str(ROOT / "tests" / "faults"), *words], capture_output=True, text=True)


@pytest.mark.live
def test_faults_are_what_they_are_said_to_be():
    ended = run_faults("--prove", "rule-for-the-answer", "netdev-egress", "own-lo-answers", "healthy-service")
    assert "4 proved of 4" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.live
def test_verdict_names_the_true_cause(tmp_path):
    file = tmp_path / "answers.json"
    ended = run_faults(*SOME, "--json", str(file), "-v")
    scores = [row["score"] for row in json.loads(file.read_text())]
    assert len(scores) == len(SOME), ended.stdout + ended.stderr
    assert scores.count("named") >= NAMED, ended.stdout
    assert scores.count("misled") <= MISLED, ended.stdout
    assert not {"crash", "hang"} & set(scores), ended.stdout


def test_faults_of_devices_that_a_kernel_may_lack_were_named():
    """As `make faults-elsewhere` played them last."""
    results = read(str(ROOT / "tests" / "faults" / "elsewhere.json"), CASES)
    assert len(results) > 25
    assert [result.case.id for result in results if not result.case.needs] == []
    assert is_good_enough(results, 0.95), summary_of(results)
