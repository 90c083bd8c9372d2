"""A recording tells what the live lab tells, needs no Linux, says what it is, and does not go stale."""

import gzip
import json
import os
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT, output

from vethlab_sh import Lab
from vethlab_sh.errors import BadOption, CommandFailed, LabClosed, NotRecorded, UnknownScenario
from vethlab_sh.keep.recorder import iproute2_version
from vethlab_sh.keep.recording import FOLDER
from vethlab_sh.keep.replay import Replay, without_options
from vethlab_sh.sandbox import find, forbidden_because, search_path
from vethlab_sh.scenarios import SCENARIOS, load

ANEW = "the recording is stale: run `make recordings`"
NAMES = list(SCENARIOS)
# What a Python elsewhere does not have, taken away before anything of ours is imported.
ELSEWHERE = """
import argparse, ctypes, os, platform, signal, subprocess, sys, tempfile
{first}
GONE = {{"sh", "fcntl", "pwd", "grp", "resource", "termios", "pty", "tty"}}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in GONE:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
for name in GONE:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Refuse())
for module, names in ((os, "memfd_create setns pidfd_open geteuid getuid killpg pread uname unshare"),
                      (signal, "SIGPIPE SIGKILL SIGUSR1 pidfd_send_signal pthread_sigmask")):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
sys.platform = {platform!r}
platform.system = lambda: {system!r}
sys.path.insert(0, {root!r})
{then}
"""
COMMAND_LINE = "from vethlab_sh.cli import main\nsys.exit(main({words!r}))"


def elsewhere(then, platform="win32", first=""):
    """Run a program as on a computer that is not Linux."""
    system = {"win32": "Windows", "darwin": "Darwin"}[platform]
    program = ELSEWHERE.format(first=first, platform=platform, system=system, root=str(ROOT), then=then)
    return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, encoding="utf-8")


def steady(text):
    """Paragraphs of words, without what differs from one run to the next.

    MAC addresses, times (a table writes 0.00 as 0), padding, and the order of rows that the kernel keeps by hash.
    """
    text = re.sub(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "MAC", text)
    text = re.sub(r"\buid \d+", "uid", text)  # `ip route get` names the user who asks
    text = text.replace(" tentative", "")  # for the first second only, which a busy machine takes for less
    text = re.sub(r"8000\.[0-9a-f]{12}", "8000.MAC", text)
    text = re.sub(r"fe80::[0-9a-f:]+", "fe80::MAC", text)
    # of Open vSwitch: the name of its database, its counters, and how long ago it learned a MAC address
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID", text)
    text = re.sub(r"\b(n_packets|n_bytes|idle_age)=\d+", r"\1=N", text)
    text = re.sub(r"^( +\d+ +\d+  MAC) +\d+$", r"\1 AGE", text, flags=re.MULTILINE)
    # the first packet of a flow, on a busy machine
    text = re.sub(r"time=\d+ ms", "time=TIME ms", text)
    text = re.sub(r", pipe \d+$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(TcpInCsumErrors +)\d+", r"\1N", text, flags=re.MULTILINE)
    text = re.sub(r"(?<![\d.])\d+\.\d+(?![\d.])|time \d+ms", "TIME", text)
    told = [sorted(" ".join(line.split()) for line in part.splitlines()) for part in text.split("\n\n")]
    return [sorted(re.sub(r"( TIME| 0)+$", " TIME", line) for line in part) for part in told]


def text(part):
    return "\n".join("\n".join(lines) for lines in part)


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_recording_tells_what_the_live_demo_tells(vethlab, name):
    tells_the_same(vethlab, name, search_path())


def tells_the_same(vethlab, name, path):
    """Assert it of the programs on this PATH: word for word, when theirs are the recording's words.

    Returns what the live demo printed, as JSON.
    """
    wide = os.environ | {"COLUMNS": "90", "PATH": path}  # no row is wrapped for the sake of a longer user number
    demo = vethlab("demo", name, "--json", env=wide)
    shown = vethlab("demo", name, "--json", "--replay", env=wide)
    assert (shown.returncode, demo.returncode, demo.stderr) == (0, 0, "")
    assert shown.stderr.startswith("A recording: ")
    assert story(shown.stdout) == story(demo.stdout), ANEW
    if recorded_with(name) == iproute2_version(output("ip", "-V", path=path)):
        live, replayed = (vethlab("demo", name, *more, env=wide) for more in ((), ("--replay",)))
        assert (replayed.returncode, replayed.stderr) == (live.returncode, live.stderr) == (0, "")
        label, _, narration = replayed.stdout.partition("\n\n")
        assert label.startswith("A recording: ")
        assert text(steady(narration)) == text(steady(live.stdout)), ANEW
    return demo.stdout


def story(printed):
    """What a demo tells whichever release of iproute2 prints it: all but the outputs, of which it counts the rows."""
    told = json.loads(printed)
    for step in told["steps"]:
        for record in step["records"]:
            record["tables"] = {name: len(rows) for name, rows in record["tables"].items()}
            for words in ("out", "err", "seconds"):
                del record[words]
    return told


def recorded_with(name):
    """The release of iproute2 whose words stand in a recording."""
    return Replay(name).by.partition("iproute2 ")[2]


NEWER = """#!/bin/sh
case "$*" in
-V) echo "ip utility, iproute2-99.0.0, libbpf 9.9.9" ;;
*netns*|*add*) exec {real} "$@" ;;
*) {real} "$@" | sed 's/ scope link/& proto kernel_ll/' ;;
esac
"""


@pytest.mark.live
def test_another_iproute2_does_not_make_a_recording_stale(vethlab, tmp_path):
    """iproute2 6.15 says `proto kernel_ll` where 6.1 says nothing: its demo is the same, in other words."""
    (tmp_path / "ip").write_text(NEWER.format(real=find("ip")))
    (tmp_path / "ip").chmod(0o755)
    live = tells_the_same(vethlab, "direct", f"{tmp_path}:{search_path()}")
    assert "proto kernel_ll" in live


@pytest.mark.parametrize(
    ("printed", "release"),
    [
        ("ip utility, iproute2-6.1.0, libbpf 1.1.2\n", "6.1.0"),
        ("ip utility, iproute2-5.9.0-ubuntu, libbpf 0.3-rc1\n", "5.9.0-ubuntu"),
        ("ip utility, iproute2-ss200127\n", "ss200127"),
    ],
)
def test_release_of_iproute2_is_read(printed, release):
    assert iproute2_version(printed) == release


@pytest.mark.parametrize("name", NAMES)
def test_recording_names_releases_and_no_machine(name):
    """Kept on purpose: the releases of the kernel and of iproute2, whose facts and words these are."""
    assert re.fullmatch(r"Linux \d+\.\d+, iproute2 [\w.-]+", Replay(name).by)
    recorded = gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()).decode()
    assert not re.search(r"/home/|/root|Debian|Ubuntu|generic|x86_64|aarch64", recorded)


@pytest.mark.parametrize("name", NAMES)
def test_recording_has_every_line_of_its_scenario(name):
    wanted = [(line, step.at) for step in load(name).steps for line in step.lines]
    assert [(ran.line, ran.at) for ran in Replay(name).records] == wanted, ANEW


def test_recordings_are_small():
    assert sum(file.stat().st_size for file in (ROOT / "vethlab_sh/keep/recordings").iterdir()) < 100_000


@pytest.mark.parametrize("platform", ["win32", "darwin"])
@pytest.mark.parametrize("name", NAMES)
def test_demo_is_the_same_where_there_is_no_linux(vethlab, name, platform):
    there = elsewhere(COMMAND_LINE.format(words=["demo", name, "--changes", "--replay"]), platform)
    assert (there.returncode, there.stderr) == (0, "")
    assert there.stdout == vethlab("demo", name, "--changes", "--replay").stdout


def test_tables_and_pictures_need_no_linux(tmp_path):
    then = f"""
from vethlab_sh import Lab
lab = Lab(replay="bridge")
for ran in lab.play("bridge"):
    ran.tables
print(lab.snapshot().wires.to_string())
print(lab.changes())
lab.draw().figure.savefig({str(tmp_path / "wiring.png")!r})
walk = lab.walk("ns100", "ns101", cold=True)
print(len(walk.table), walk.verdict)
walk.draw().figure.savefig({str(tmp_path / "walk.svg")!r}, format="svg")
walk.animate({str(tmp_path / "walk.html")!r})
"""
    # what pandas and matplotlib do on other systems is theirs
    first = (
        "import pandas, matplotlib; matplotlib.use('agg'); import matplotlib.pyplot, matplotlib.backends.backend_svg"
    )
    ended = elsewhere(then, first=first)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"br-veth100 .* ns100 +veth100", ended.stdout)
    assert "ns100 reached" in ended.stdout
    assert (tmp_path / "wiring.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "walk.svg").read_text()
    assert "<html" in (tmp_path / "walk.html").read_text()


@pytest.mark.parametrize("words", [["demo", "bridge"], ["inspect"], ["compare", "flannel", "calico"]])
@pytest.mark.parametrize(("platform", "called"), [("win32", "Windows"), ("darwin", "Darwin")])
def test_without_linux_a_live_lab_points_to_the_recording(words, platform, called):
    ended = elsewhere(COMMAND_LINE.format(words=words), platform)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert called in ended.stderr
    assert "--replay" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_refusal_of_a_kernel_points_to_the_recording():
    assert "--replay" in forbidden_because()


def test_recording_says_what_it_is(vethlab):
    with Lab(replay="direct") as lab:
        assert "recording of direct" in repr(lab)
        assert "0 of 19 lines" in repr(lab)
        lab.run("ip netns add ns1")
        assert "1 of 19 lines" in repr(lab)
        assert re.search(r"ran on \d+ \w+ \d{4} \(Linux [\d.]+, iproute2 [\d.]+\)\. Nothing runs here\.", lab.recording)
    for words in (["demo", "direct", "--quiet"], ["demo", "direct", "--json"], ["draw", "direct"]):
        assert vethlab(*words, "--replay").stderr.startswith("A recording: ")


def test_lines_come_in_their_order():
    with Lab(replay="direct") as lab:
        assert [lab.run("ip netns add ns1"), lab.run("ip  netns add ns2 ")] == lab.history
        assert lab.run("ip link add tap1 type veth peer name tap2").line.endswith("peer name tap2")  # a look left out
        with pytest.raises(NotRecorded, match=r"another point of direct; here next comes `ip a` on master"):
            lab.run("ip netns exec ns1 ip a")


def test_a_look_may_be_repeated_until_something_changes():
    with Lab(replay="direct") as lab:
        lab.play("direct", until=1)
        assert lab.run("ip netns list").out == lab.run("ip netns list").out != ""
        lab.run("ip link add tap1 type veth peer name tap2")
        with pytest.raises(NotRecorded, match="another point"):
            lab.run("ip netns list")


def test_snapshot_follows_the_lines():
    with Lab(replay="direct") as lab:
        lab.changes()
        lab.run("ip netns add ns1")
        assert [row.namespace for row in lab.snapshot().rows.namespaces] == ["master", "ns1"]
        assert str(lab.changes()) == "+ the namespace ns1 appeared"
        assert lab.snapshot().rows.settings == ()


@pytest.mark.parametrize(
    ("line", "nearest"),
    [("ip netns ad ns1", "`ip netns add ns1`"), ("rm -rf /tmp/x", "Recorded are `"), ("", "Recorded are `")],
)
def test_what_was_not_recorded_is_told_in_a_sentence(line, nearest):
    with Lab(replay="direct") as lab, pytest.raises(NotRecorded, match="was not recorded on master") as error:
        lab.run(line)
    assert nearest in str(error.value)
    assert lab.history == []


def test_a_failure_of_the_story_fails_again():
    with Lab(replay="flannel") as lab:
        failing = next(step for step in load("flannel").steps if step.expect == (1,))
        for step in load("flannel").steps[: load("flannel").steps.index(failing)]:
            for line in step.lines:
                lab.run(line, at=step.at, expect=step.expect)
        with pytest.raises(CommandFailed, match="failed on master"):
            lab.run(failing.lines[0], at=failing.at)
        assert lab.run(failing.lines[0], at=failing.at, expect=(1,)).code == 1


@pytest.mark.live
@pytest.mark.parametrize("name", ["bridge", "flannel"])
def test_walks_pass_what_live_walks_pass(name):
    ways = []
    for replay in (None, name):
        with Lab(replay=replay) as lab:
            lab.play(name)
            for src, dst in load(name).walks:
                walk = lab.walk(src, dst)
                assert walk.ok
                passed = [(row.namespace, row.device, row.way, row.what, row.ttl) for row in walk.rows]
                ways.append((replay, [p for p in passed if "ARP" not in p[3]]))
    half = len(ways) // 2
    assert [way for _, way in ways[:half]] == [way for _, way in ways[half:]], ANEW


def test_walk_is_found_by_name_and_by_address():
    with Lab(replay="bridge") as lab:
        with pytest.raises(NotRecorded, match="at its end"):
            lab.walk("ns100", "ns101")
        lab.play("bridge")
        assert lab.walk("ns100", "192.168.1.101").rows == lab.walk("ns100", "ns101").rows
        assert lab.walk("ns100", "ns101", cold=True).rows[0].what == "ARP who-has"
        for ways in ({"src": "ns101", "dst": "ns100"}, {"src": "ns100", "dst": "ns101", "proto": "tcp:80"}):
            with pytest.raises(NotRecorded, match="ns100 to ns101"):
                lab.walk(**ways)


def test_recording_of_nothing_is_a_sentence():
    with pytest.raises(UnknownScenario, match="Did you mean 'bridge'"):
        Lab(replay="bridg")
    with pytest.raises(BadOption, match="leave out hosts"):
        without_options("bridge", {"hosts": 3})
    lab = Lab(replay="direct")
    with pytest.raises(NotRecorded, match="no world that could stay"):
        lab.stay("kept")
    lab.close()
    with pytest.raises(LabClosed):
        lab.run("ip netns add ns1")
    assert not lab.alive


@pytest.mark.parametrize(
    "asked",
    [
        lambda lab: lab.interact(["true"]),
        lambda lab: lab.check("ns1 has a cable to ns2"),
        lambda lab: lab.drill("wrong-mask"),
        lambda lab: lab.save(),
        lambda lab: lab.shell.run("true"),
        lambda lab: lab.stay("kept"),
    ],
    ids=["interact", "check", "drill", "save", "shell", "stay"],
)
def test_what_needs_a_kernel_is_refused_in_a_sentence(asked):
    with Lab(replay="direct") as lab, pytest.raises(NotRecorded, match=r"A lab without `replay` can do it\.$"):
        asked(lab)


def test_options_and_recording_do_not_go_together(vethlab):
    ended = vethlab("demo", "bridge", "--hosts", "3", "--replay")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "without options" in ended.stderr


def test_recordings_belong_to_the_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "vethlab_sh" in wheel["packages"], "hatchling takes along what is no module, too"
    assert "exclude" not in wheel
