"""What is seen of a value where there is no web page: its text, in IPython's terminal, Python's, and a doctest."""

import json
import pickle
import re
import subprocess
import sys

import pytest
from IPython.core.formatters import DisplayFormatter

from vethlab_sh import Lab, drills, explain

LINES = """\
%load_ext vethlab_sh
%%lab --draw --changes
ip link add tap1 type veth peer name tap2
ip -br link


lab.run("echo hello")
lab.check("tap1 is up")
lab.changes()
lab.play("direct", until=1)
progress()
from vethlab_sh import scenarios
scenarios.find = lambda program: None
lesson("8_open_vswitch")
%%lab
ovs-ofctl dump-flows br-int


"""


def ipython(lines, folder):
    """What IPython's terminal shows when these lines are typed there; two blank lines end a cell."""
    words = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit"]
    ended = subprocess.run(words, input=lines, capture_output=True, text=True, timeout=120, cwd=folder)
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.live
def test_terminal_of_ipython_shows_text(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shown = ipython(LINES, tmp_path)
    for text in (
        "+ tap1 (veth) appeared in master",  # of --changes
        "tap1 [DOWN] ═══ tap2 [DOWN]",  # of --draw
        "name  peer",  # the table below `ip -br link`
        "[root@master ~]# echo hello\nhello",
        "no: tap1 is switched off",
        "nothing changed (in devices",
        "1 of 8 steps played",
        "lesson ",
        "0_start_here",
        "A program is missing here, so this lesson is a recording",
        "sudo apt-get install openvswitch-switch",
        "n_packets=",  # as it was recorded
    ):
        assert text in shown, shown
    for object_of_python in ("HTML object", "Ran(", "Verdict(", "Difference(", "Played", "Finding("):
        assert object_of_python not in shown, shown


@pytest.mark.live
def test_faces_are_text_wherever_they_are_shown():
    """repr is what Python's own terminal and a doctest show; text/plain is what IPython shows and a notebook keeps."""
    with Lab() as lab:
        played = lab.play("direct")
        lab.changes()
        ran = lab.run("ip netns exec ns1 ip link set tap1 mtu 1400")
        values = [ran, played, lab.changes(), lab.check("ns1 can reach ns2"), lab.walk("ns1", "ns2")]
        values.append(explain(str(lab.run("ip -d link"))))
        values += [lab.snapshot(), lab.save(), values[4].frame(1), *played.steps]
    for value in values:
        assert repr(value) == str(value)
        assert not re.search(r"^\w+\(", repr(value)), "no object of Python"
        bundle, _ = DisplayFormatter().format(value)
        assert bundle["text/plain"] == str(value)
    assert len(repr(values[4].animate())) < 200


@pytest.mark.live
def test_face_shows_nothing_that_a_terminal_would_obey(lab):
    ran = lab.run(r"printf 'a\033[2Jb\n'")
    assert "\x1b[2J" in ran.out
    assert "\x1b" not in repr(ran)
    assert "\\x1b[2J" in repr(ran)


@pytest.mark.live
def test_face_of_a_drill_tells_its_ticket_and_nowhere_its_answer(lab):
    drill = lab.drill("flannel-3")
    fault = drill.fault
    entry = "8e:2a:10:00:00:01"
    assert entry in "".join(fault.plant)
    bundle, _ = DisplayFormatter().format(drill)
    kept = json.dumps(lab.kept("drill"))
    for shown in (*bundle.values(), str(drill), repr([drill]), repr(vars(drill)), repr(fault), kept):
        assert entry not in shown
        assert fault.word not in shown
    for offered in ("fault", "broken", "before", "debriefing", "plant"):
        assert offered not in dir(drill)
    with pytest.raises(TypeError):
        pickle.dumps(drill)
    assert drills.resume(lab).before.reason == drill.before.reason
