"""Each drill is whole, then broken, then mended: by every repair that makes the network right, and by no other."""

import html
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import live
import pytest
from IPython.core.formatters import DisplayFormatter

from vethlab_sh import Lab, drills
from vethlab_sh.claims.check import judge_all
from vethlab_sh.claims.forms import understand
from vethlab_sh.claims.question import Question, Verdict
from vethlab_sh.errors import DrillUnfit, NoDrill, UnknownDrill
from vethlab_sh.keep import stay
from vethlab_sh.packet.walk import Walk

SEEDS = (0,) if live.BRIEF else (0, 1, "eve")  # networks of each drill
STORIES = [(name, seed) for name in drills.DRILLS for seed in SEEDS]
# How a claim that a wrong repair leaves untrue is refused.
REFUSALS = re.compile(
    "belong to .* alone|gets no answer|so through side|no route that covers|nobody has that|no tunnel of|no FDB entry"
)
AT_ONCE = 8  # a story waits most of its time for pings that nobody answers


@dataclass
class Story:
    """What became of one drill with one seed."""

    drill: drills.Drill
    whole_hints: list[tuple[int, str]]
    hints: list[tuple[int, str]] = field(default_factory=list)
    refused: list[Verdict] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    mended: list[tuple[bool, str]] = field(default_factory=list)
    walk: Walk | None = None
    verdicts: list[Verdict] = field(default_factory=list)


def play(name, seed):
    """One drill from beginning to end: every wrong repair, taken back, and every documented one."""
    fault = drills.fault(name, seed)
    with Lab() as lab:
        drill = drills.Drill(lab, name, seed, fault, planted_at=0)
        drill.lay()
        story = Story(drill, said(lab, fault))
        drill.plant()
        story.hints = said(lab, fault)
        if seed == SEEDS[0]:
            story.walk = drill.walk()
            story.verdicts = [drill.check(reason=False), drill.check(reason=True)]
        for wrong in fault.wrong:
            for line in wrong.lines:
                lab.shell.run(line, expect=None)
            story.refused.append(drill.check())
            story.undone += [str(r) for r in (lab.shell.run(line, expect=None) for line in wrong.undo) if r.code]
        mend(drill, fault.repairs[0], story)
        left = [repair for repair in fault.repairs[1:] if not mended_anew(drill, repair, story)]
    for repair in left:
        with Lab() as lab:
            mend(lab.drill(name, seed), repair, story)
    return story


def mended_anew(drill, repair, story):
    """Plant once more in the same lab; not every repair leaves one in which the fault shows again."""
    drill.lab.shell.run("\n".join(drill.fault.plant), expect=None)
    judged = judge_all(Question(drill.lab.shell, walks=False, cold=True), drill.fault.symptom)
    if any(finding.ok for _, finding in judged):
        return False
    mend(drill, repair, story)
    return True


def mend(drill, repair, story):
    for line in repair:
        drill.lab.shell.run(line)
    verdict = drill.check()
    story.mended.append((verdict.ok, str(verdict)))


def said(lab, fault):
    """What the hints' commands answer."""
    answers = [lab.shell.run(hint.command, expect=None) for hint in fault.hints]
    return [(ran.code, re.sub(r"time[ =][^ ]*|ageing.*", "", ran.out + ran.err)) for ran in answers]


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, object], Future[Story]]]:
    """All drills that are asked for (pytest -k NAME), with all seeds, many at the same time."""
    tests = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    names = {params.get("name") for params in tests}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {story: pool.submit(play, *story) for story in STORIES if story[0] in names}


@pytest.mark.live
@pytest.mark.every_case
@pytest.mark.parametrize(("name", "seed"), STORIES)
def test_drill_is_whole_broken_and_mended(stories, name, seed):
    story = stories[name, seed].result()
    fault = story.drill.fault
    # the fault shows: drill.plant() raises where the network was not whole, or the symptom is not there
    assert set(fault.symptom) <= set(story.drill.broken)
    assert len(story.mended) == len(fault.repairs) >= 2
    assert [sentence for ok, sentence in story.mended if not ok] == []
    assert len(story.refused) == len(fault.wrong) >= 2
    for wrong, verdict in zip(fault.wrong, story.refused, strict=True):
        assert not verdict.ok, f"{wrong.lines} was accepted: {verdict}"
        assert wrong.untrue in verdict.claim, wrong.lines
        assert REFUSALS.search(str(verdict)), wrong.lines
    assert story.undone == []


@pytest.mark.live
@pytest.mark.parametrize("name", drills.DRILLS)
def test_hints_lead_to_the_fault(stories, name):
    for seed in SEEDS:
        story = stories[name, seed].result()
        commands = [hint.command for hint in story.drill.fault.hints]
        assert len(commands) >= 2
        assert not [said for code, said in story.whole_hints if code not in (0, 1, 2) or "not found" in said], commands
        assert story.hints != story.whole_hints, "no hint shows the fault"


@pytest.mark.live
@pytest.mark.parametrize("name", drills.DRILLS)
def test_walk_in_the_broken_network_names_the_fault(stories, name):
    """The cause is the one that was planted, and the reason names the device, entry or setting."""
    story = stories[name, SEEDS[0]].result()
    fault, walk = story.drill.fault, story.walk
    assert walk.cause in fault.causes, walk.verdict
    assert [word for word in fault.named if word not in walk.reason] == [], walk.verdict


@pytest.mark.live
@pytest.mark.parametrize("name", drills.DRILLS)
def test_drill_shows_neither_the_evidence_nor_the_fix(stories, name):
    """Where finding the cause is the task, only the symptom's own line is shown, and no line that mends it."""
    story = stories[name, SEEDS[0]].result()
    fault, walk = story.drill.fault, story.walk
    mending = {*walk.fixes, *(line for repair in fault.repairs for line in repair)}
    for verdict in story.verdicts:
        shown = f"{verdict}\n{verdict.evidence}\n{verdict._repr_html_()}"
        assert [line for line in mending if line in shown] == []
        assert (verdict.cause, verdict.fixes) == (None, ())
        assert "ping -n -c 1" in verdict.evidence.command
        assert walk.evidence.command not in shown
        assert walk.evidence.shown not in shown
    assert walk.reason not in str(story.verdicts[0])
    assert walk.reason.partition(",")[0] in str(story.verdicts[1])
    told = [fault.ticket, *map(str, fault.hints)]
    assert [line for line in mending if line in "\n".join(told)] == []


@pytest.mark.parametrize("name", drills.DRILLS)
def test_another_seed_is_another_network(name):
    plants = {drills.fault(name, seed).plant for seed in range(12)}
    tickets = {drills.fault(name, seed).ticket for seed in range(12)}
    assert len(tickets) > 6
    assert len(plants) > 1
    assert drills.fault(name, 3) == drills.fault(name, 3)


@pytest.mark.parametrize("name", drills.DRILLS)
def test_ticket_does_not_give_the_fault_away(name):
    fault = drills.fault(name, 5)
    assert not [line for line in fault.plant if line in fault.ticket]
    assert not [line for repair in fault.repairs for line in repair if line in fault.ticket]
    assert fault.explanation
    assert fault.explanation != fault.ticket


@pytest.mark.parametrize("name", drills.DRILLS)
def test_pings_of_a_drill_are_told_apart_by_their_field(name):
    fault = drills.fault(name)
    ping, _ = understand("one can reach other")
    assert {understand(claim)[0] for claim in fault.asks} == {ping}
    assert ping not in {understand(claim)[0] for claim in fault.holds}


def test_there_are_drills_for_every_scenario():
    assert len(drills.names()) >= 16
    assert {row["scenario"] for row in drills.listed()} == {"direct", "bridge", "flannel", "calico", "ovs"}
    assert all(row["ticket"].endswith(".") for row in drills.listed())


def test_name_of_a_drill_does_not_say_what_is_broken():
    assert drills.names()[:3] == ["direct-1", "direct-2", "bridge-1"]
    assert len(drills.names()) == len(set(drills.names())) == len(drills.DRILLS)
    for name, row in zip(drills.names(), drills.listed(), strict=True):
        fault = drills.fault(name, 7)
        assert row["name"] == name
        assert re.fullmatch(f"{row['scenario']}-[0-9]+", name)
        assert fault == drills.fault(fault.word, 7)


@pytest.mark.live
@pytest.mark.parametrize("name", ["bridge-5", "left-on-host"])
def test_face_of_a_drill_is_its_ticket_and_no_more(lab, name):
    """Jupyter stores it in the learner's file; the word for the fault comes with the explanation."""
    drill = lab.drill(name, seed=1)
    bundle = DisplayFormatter().format(drill)[0]
    for face in (*bundle.values(), str(drill), repr(drill), f"{[drill]}"):
        assert "bridge-5" in face
        assert drill.ticket in html.unescape(face)
        assert "left-on-host" not in face
        spoilt = [*drill.fault.plant, *drill.fault.repairs[0], drill.fault.explanation]
        assert [line for line in spoilt if line in html.unescape(face)] == []
    assert "left-on-host" not in str(drill.explanation)
    drill.give_up()
    for face in DisplayFormatter().format(drill.explanation)[0].values():
        assert "left-on-host" in face
    assert "The fault is called `left-on-host`." in str(drill.explanation)


def test_unknown_drill_names_the_nearest():
    with pytest.raises(UnknownDrill, match="Did you mean 'no-master'"):
        drills.fault("no-mastre")


@pytest.mark.live
def test_drill_tells_the_symptom_first_and_the_reason_after_a_look(lab):
    drill = lab.drill("no-master", seed=7)
    first = drill.check()
    assert not first
    assert "no master" not in str(first)
    assert "6 of 12 pings" in str(first)
    assert "100% packet loss" in first.evidence.shown
    lab.run("brctl show")
    assert "has no master" in str(drill.check())
    lab.run(drill.fault.repairs[0][0])
    last = drill.check()
    assert last
    assert "it is mended" in str(last)
    assert "12 of 12 pings" in str(last)
    told = drill.explanation
    assert (told.before.ok, told.now.ok) == (False, True)
    assert "[no master]" in dict(told.parts())["The wiring while it was broken:"]
    assert str(told).partition("What you ran:")[2].split("\n")[1] == "[root@master ~]# brctl show"


@pytest.mark.live
def test_hints_come_one_by_one_and_end(lab):
    drill = lab.drill("cable-end-down", seed=2)
    every = [drill.hint() for _ in drill.fault.hints]
    assert [told.split(":")[0] for told in every] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3"]
    assert len(set(every)) == 3
    assert "no more hints" in drill.hint()
    assert "3 of 3 hints told" in str(drill)


@pytest.mark.live
def test_drill_given_up_is_mended_and_explained(lab):
    drill = lab.drill("vxlan-port", seed=4)
    told = drill.give_up()
    assert drill.check()
    assert told.why == drill.fault.explanation
    assert told.mended_by == drill.fault.repairs[0]
    assert (told.before.ok, told.now.ok) == (False, True)


@pytest.mark.live
def test_drill_goes_on_where_it_was_left(lab):
    lab.run("true")
    drill = lab.drill("duplicate-address", seed="ada")
    drill.hint()
    assert drill.planted_at == 1
    again = lab.drill()
    assert (again.fault, again.broken, again.hints) == (drill.fault, drill.broken, 1)
    assert again.before.plain() == drill.before.plain()
    assert again.hint().startswith("Hint 2 of")
    assert not again.check()
    for line in again.fault.repairs[1]:
        lab.run(line)
    assert again.check()
    assert lab.drill().over


@pytest.mark.live
def test_drill_is_kept_when_its_lab_stays(lab):
    drill = lab.drill("cable-end-down", seed=5)
    lab.stay("kept")
    try:
        drill.hint()
        with Lab("kept") as again:
            again.run("ip netns list")
            same = again.drill()
            assert (same.ticket, same.hints, same.typed) == (drill.ticket, 1, ("ip netns list",))
            assert same.before.verdict == drill.before.verdict
            assert same.before.picture() == drill.before.picture()
    finally:
        stay.down("kept")


@pytest.mark.live
def test_lab_without_a_drill_says_so(lab):
    with pytest.raises(NoDrill, match="drill start NAME"):
        lab.drill()


@pytest.mark.live
def test_nothing_is_explained_before_the_end(lab):
    drill = lab.drill("no-master", seed=9)
    assert drill.fault.explanation not in str(drill.explanation)
    lab.run(drill.fault.repairs[0][0], expect=None)
    assert drill.fault.explanation not in str(drill.explanation)
    assert drill.check()
    assert drill.fault.explanation in str(drill.explanation)
    page = drill.explanation._repr_html_()
    assert page.count("<svg") == 2
    assert drill.fault.repairs[0][0] in page


@pytest.mark.live
def test_mended_lab_serves_the_same_drill_again(lab):
    first = lab.drill("cable-end-down")
    for line in first.fault.repairs[1]:
        lab.run(line)
    assert not lab.drill("cable-end-down").check()


@pytest.mark.live
def test_lab_that_is_something_else_is_not_planted_in(lab):
    lab.run("ip link add br7 type bridge")
    with pytest.raises(DrillUnfit, match="there is no namespace ns"):
        lab.drill("cable-end-down")
    assert "br7" in lab.run("ip -br link").out


@pytest.mark.live
def test_rewriting_on_the_way_is_no_repair(lab):
    drill = lab.drill("cable-end-down", seed=1)
    asker, address = drill.fault.symptom[0].split()[0], drill.fault.symptom[0].split()[3]
    for line in ("ip link set lo up", f"ip route add {address}/32 dev lo",
                 f"iptables -t nat -A OUTPUT -d {address} -j DNAT --to 127.0.0.1"):  # fmt: skip
        lab.run(f"ip netns exec {asker} {line}")
    assert lab.check(f"{asker} can reach {address}")
    assert not drill.check()
    for line in drill.fault.repairs[0]:
        lab.run(line)
    assert not drill.check()


@pytest.mark.live
def test_undocumented_repair_is_accepted_too(lab):
    """A new cable in place of the old one, under other names."""
    drill = lab.drill("no-master", seed=3)
    victim = drill.fault.symptom[1].split()[0]
    address = drill.fault.symptom[0].split()[3]
    for line in (f"ip link del br-veth{victim[2:]}", f"ip link add plug type veth peer name card netns {victim}",
                 "ip link set plug master br0", "ip link set plug up",
                 f"ip -n {victim} addr add {address}/24 dev card", f"ip -n {victim} link set card up"):  # fmt: skip
        lab.run(line)
    assert drill.check()


@pytest.mark.live
def test_drill_reads_well_in_a_notebook(lab):
    drill = lab.drill("left-on-host")
    assert drill.ticket in str(drill)
    assert "bridge-5" in drill._repr_html_()
    assert "✗" in drill.check()._repr_html_()
