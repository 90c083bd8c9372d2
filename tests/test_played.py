"""A scenario that was played is its records, and knows whether it worked."""

import json
from dataclasses import replace

import pytest

from vethlab_sh import Lab
from vethlab_sh.scenarios import load
from vethlab_sh.scenarios.played import Played, PlayedStep
from vethlab_sh.scenarios.step import Scenario, step


@pytest.fixture
def played():
    with Lab(replay="bridge") as lab:
        yield lab.play("bridge")


def without_answers(played):
    """The same scenario, had nobody answered a ping that should be answered."""

    def lost(ran):
        return replace(ran, out=ran.out.replace("2 received, 0% packet loss", "0 received, 100% packet loss"))

    steps = [PlayedStep(step.step, tuple(lost(ran) for ran in step.records)) for step in played.steps]
    return Played(played.scenario, tuple(steps))


def test_what_was_played_is_the_sequence_of_its_records(played):
    lines = [line for step in load("bridge").steps for line in step.lines]
    assert [ran.line for ran in played] == lines == [ran.line for ran in played.records]
    assert len(played) == len(lines)
    assert played[-1].line == lines[-1]
    assert [ran.line for ran in played[2:4]] == lines[2:4]
    assert played[0] in played


def test_what_was_played_knows_that_it_worked(played):
    assert played.ok
    assert played.complete
    assert played.verdict == f"{load('bridge').known} (4 of 4 pings answered.)"
    assert str(played).endswith(f"\n\n{played.verdict}")


def test_what_was_played_knows_that_it_did_not_work(played):
    broken = without_answers(played)
    assert not broken.ok
    assert broken.verdict == "Not everything works: 0 of 4 pings were answered."
    assert broken.as_dict()["ok"] is False


def test_what_was_not_played_to_its_end_does_not_claim_the_end():
    with Lab(replay="bridge") as lab:
        begun = lab.play("bridge", until=3)
    assert not begun.complete
    assert load("bridge").known not in begun.verdict
    assert begun.verdict == f"3 of {len(load('bridge').steps)} steps played. (No ping was sent.)"


def test_what_was_played_is_json_and_html(played):
    whole = json.loads(json.dumps(played.as_dict()))
    assert (whole["scenario"], whole["ok"], whole["verdict"]) == ("bridge", True, played.verdict)
    assert [record["line"] for step in whole["steps"] for record in step["records"]] == [ran.line for ran in played]
    shown = played._repr_html_()
    assert played.verdict in shown
    assert shown.count("<details>") == shown.count("</details>") == len(load("bridge").steps)


def test_steps_come_one_by_one_with_what_they_changed():
    changes = {}
    with Lab(replay="direct") as lab:
        steps = tuple(lab.steps(load("direct"), until=2, after=lambda ran: changes.update({ran: lab.changes()})))
    whole = Played(load("direct"), steps, changes).as_dict()
    first = whole["steps"][0]["records"][0]
    assert [row["change"] for row in first["changes"]] == ["the namespace ns1 appeared"]


def cable_of_equal_ends(number):
    """The step of a cable whose ends have the same number, of which the kernel tells only once a second.

    linkwatch_urgent_event(), net/core/link_watch.c: such a device looks as if it were not one of a pair.
    """
    here, there = f"a{number}", f"b{number}"
    return step(
        "Lay it.",
        f"ip netns add {here}",
        f"ip netns add {there}",
        f"ip -n {here} link add tap index 77 type veth peer name tap index 77 netns {there}",
        f"ip -n {here} addr add 10.0.{number}.1/24 dev tap",
        f"ip -n {there} addr add 10.0.{number}.2/24 dev tap",
        f"ip -n {here} link set tap up",
        f"ip -n {there} link set tap up",
        f"ip -n {here} addr",
        f"ip -n {there} addr",
    )


@pytest.mark.live
def test_a_line_that_tells_of_a_cable_waits_until_it_works(lab):
    """It showed `linkdown`, or no fe80:: address, where the kernel had more to do than to tell of a signal."""
    cables = [cable_of_equal_ends(number) for number in (1, 2)]
    scenario = Scenario("cables", "cables", "", tuple(cables), "They work.")
    for played in lab.steps(scenario):
        for shown in played.records[-2:]:
            assert "state UP" in shown.out, shown
            assert "inet6 fe80::" in shown.out, shown
