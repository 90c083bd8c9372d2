"""Drills from a terminal, through processes that know nothing of each other."""

from random import Random

import pytest

from vethlab_sh import Lab, drills
from vethlab_sh.keep import stay

pytestmark = pytest.mark.live


@pytest.fixture
def drill(vethlab):
    """`drill WHAT ...` as a learner types it; the labs are ended after the test."""
    before = set(stay.names())
    yield lambda *words, **more: vethlab("drill", *words, **more)
    for name in set(stay.names()) - before:
        stay.down(name)


def prose(text):
    return " ".join(text.split())


def test_drill_is_started_looked_at_mended_and_explained(vethlab, drill):
    fault = drills.fault("no-master", "ada")
    begun = drill("start", "bridge-2", "--seed", "ada")
    assert (begun.returncode, begun.stderr) == (0, "")
    assert fault.ticket in prose(begun.stdout)
    assert "python -m vethlab_sh shell drill " in begun.stdout
    assert fault.ticket in prose(drill("ticket").stdout)
    assert "drill bridge-2 --seed ada" in vethlab("ps").stdout
    first = drill("check")
    assert (first.returncode, first.stderr) == (1, "")
    assert "no master" not in first.stdout
    assert vethlab("run", "drill", "--", "brctl", "show").returncode == 0
    looked = drill("check")
    assert looked.returncode == 1
    assert "has no master" in prose(looked.stdout)
    for line in fault.repairs[0]:
        assert vethlab("run", "drill", "--", line).returncode == 0
    mended = drill("check")
    assert (mended.returncode, mended.stderr) == (0, "")
    assert "it is mended" in mended.stdout
    assert f"{fault.explanation} The fault is called `no-master`." in prose(mended.stdout)
    before = begun.stdout + drill("ticket").stdout + first.stdout + looked.stdout
    assert "no-master" not in before
    broken, _, now = mended.stdout.partition("The wiring now:")
    assert "no master" in broken
    assert "no master" not in now.partition("The packet before:")[0]
    assert "Last seen:" in prose(now.partition("The packet before:")[2].partition("The packet now:")[0])
    ran = mended.stdout.partition("What you ran:\n\n")[2].split("\n\n")[0].splitlines()
    assert ran == [f"[root@master ~]# {line}" for line in ("brctl show", *fault.repairs[0])]
    assert "down drill" in mended.stdout
    assert "Traceback" not in begun.stderr + mended.stderr


def test_hints_go_on_in_the_next_process(drill):
    drill("start", "cable-end-down")
    told = [prose(drill("hint").stdout) for _ in range(4)]
    assert [sentence.split(":")[0] for sentence in told[:3]] == [f"Hint {n} of 3" for n in (1, 2, 3)]
    assert "no more hints" in told[3]


def test_drill_given_up_is_mended_and_explained(drill):
    fault = drills.fault("vxlan-vni", "0")
    drill("start", "vxlan-vni", "--name", "mine")
    ended = drill("give-up", "mine")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(f"[root@master ~]# {line}\n" in ended.stdout for line in fault.repairs[0])
    assert fault.explanation in prose(ended.stdout)
    assert "in VXLAN" in ended.stdout.partition("The packet now:")[2]
    assert drill("check", "mine").returncode == 0


def test_drill_of_python_goes_on_in_a_terminal(drill):
    with Lab() as lab:
        begun = lab.drill("wrong-mask", seed=3)
        lab.stay("mine")
    assert begun.ticket in prose(drill("ticket", "mine").stdout)
    assert prose(drill("hint", "mine").stdout).startswith("Hint 1 of")
    assert "There is no drill" not in drill("check", "mine").stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "required"),
        (["begin"], "There is no verb 'begin'"),
        (["start"], "required"),
        (["start", "no-mastre"], "Did you mean 'no-master'"),
        (["start", "no-master", "--name", "a/b"], "no slash"),
        (["start", "no-master", "--name", "empty"], "A lab 'empty' is there already"),
        (["hint"], "No drill is under way in the lab 'drill'"),
        (["check", "nosuch"], "No drill is under way in the lab 'nosuch'"),
        (["give-up", "empty"], "No drill is under way in the lab 'empty'"),
    ],
)
def test_wrong_usage_gets_a_sentence(vethlab, drill, words, sentence):
    if "empty" in words:
        vethlab("up")
    ended = drill(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_unknown_drill_leaves_no_lab(drill):
    drill("start", "nosuch")
    assert stay.names() == []


def test_challenge_counts_and_tells_the_shortest_repair(drill, tmp_path):
    """No name and no hint before the end; what is typed runs in the lab."""
    first, second = Random("eve").sample(drills.names(), 2)
    faults = [drills.fault(name, "eve") for name in (first, second)]
    file = tmp_path / "typed"
    file.write_text("\n".join(["check", *faults[0].repairs[0], "check", "echo hello", "give-up", ""]))
    ended = drill("challenge", "--count", "2", "--seed", "eve", stdin=file.open())
    assert (ended.returncode, ended.stderr) == (1, "")
    told = prose(ended.stdout)
    before, _, after = told.partition("yes: it is mended")
    assert first not in told
    assert faults[0].word not in before
    assert faults[0].ticket in before
    assert f"The fault is called `{faults[0].word}`." in after
    assert f"{len(faults[0].repairs[0])} line" in after.partition("Mended after ")[2]
    assert "hello" in after
    assert "Given up after" in after
    assert f"The fault is called `{faults[1].word}`." in after
    assert "1 of 2 mended, in " in after
    assert "drill challenge --count 2 --seed eve" in after
    assert all(f"  {line}\n" in ended.stdout for line in min(faults[1].repairs, key=len))


def test_challenge_ends_where_nobody_types(drill):
    ended = drill("challenge", "--count", "1", "--seed", "1")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "0 of 1 mended" in ended.stdout
    assert drill("challenge", "--count", "0").returncode == 2
