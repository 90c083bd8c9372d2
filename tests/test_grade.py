"""Grading: good, poor, empty and hostile submissions, each a row, and none a harm to the others or the machine."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import ROOT, until

from vethlab_sh import Lab
from vethlab_sh.errors import BadInput, UnknownClaim
from vethlab_sh.grading import groups
from vethlab_sh.grading.confine import Confined, Limits
from vethlab_sh.grading.grade import Row, as_csv, grade
from vethlab_sh.grading.mounts import mounted
from vethlab_sh.grading.submissions import LARGEST, read_claims, read_lines, submissions

pytestmark = [pytest.mark.live, pytest.mark.every_case]
GOOD = "ip netns add red\nip link add name tap1 type veth peer name tap2\nip link set tap2 netns red\n"
CLAIMS = "2 red tap2 is the peer of master tap1\n1 tap1 has MTU 1500\n"
SMALL = Limits(seconds=12, processes=60, memory=96, file=4)


@dataclass
class Said:
    """What a judge of a test answers."""

    ok: bool
    sentence: str

    def __bool__(self):
        return self.ok


def says(lab, line):
    """A judge whose claims are commands: true when they succeed, and its sentence is what they print."""
    ran = lab.run(line, expect=None)
    return Said(ran.code == 0, ran.out + ran.err)


@pytest.fixture
def graded(tmp_path):
    """Grade some submissions, given as learner=lines; returns the rows by learner."""

    def run(claims=CLAIMS, limits=SMALL, judge=Lab.check, **lines):
        folder = tmp_path / "class"
        folder.mkdir(exist_ok=True)
        for learner, text in lines.items():
            (folder / f"{learner}.sh").write_text(text)
        (tmp_path / "checks").write_text(claims)
        rows = list(grade(folder, read_claims(tmp_path / "checks"), limits=limits, judge=judge))
        return {row.learner: row for row in rows}

    return run


def worth(row):
    return row.points, row.out_of


# --- what is handed in, and what it is worth


def test_points_are_given_for_what_holds(graded):
    poor = GOOD.replace("ip link set tap2 netns red", "ip link set tap2 netns blue")
    rows = graded(good=GOOD, poor=poor, empty="", remark="# later\n\n")
    assert worth(rows["good"]) == (3, 3)
    assert rows["good"].sentence == "Everything holds."
    assert worth(rows["poor"]) == (1, 3)
    assert "tap2" in rows["poor"].sentence
    assert worth(rows["empty"]) == worth(rows["remark"]) == (0, 3)
    assert rows["empty"].sentence == "It holds no command."


def test_sentence_of_a_grade_shows_neither_the_evidence_nor_the_fix(graded):
    line = "ip link add tap1 type veth peer name tap2 && ip link set tap1 up"
    with Lab() as lab:
        lab.run(line)
        verdict = lab.check("tap1 is up")
    row = graded("1 tap1 is up\n", anna=line)["anna"]
    assert verdict.fix == "ip link set tap2 up"
    assert "tap2 in master is down" in row.sentence
    assert verdict.fix not in row.sentence
    assert verdict.evidence.command not in row.sentence


def test_line_that_fails_does_not_stop_the_rest(graded):
    assert worth(graded(typo="ip nets add red\n" + GOOD)["typo"]) == (3, 3)


def test_folder_for_each_learner_and_a_file_for_each_exercise(tmp_path):
    claims = tmp_path / "checks"
    claims.write_text("[one]\n1 tap1 has MTU 1500\n[two]\n5 red tap2 is the peer of master tap1 # worth more\n")
    for learner, exercise in (("anna", "one"), ("anna", "two"), ("ben", "one")):
        (tmp_path / "class" / learner).mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / learner / f"{exercise}.sh").write_text(GOOD)
    rows = {(r.learner, r.exercise): r for r in grade(tmp_path / "class", read_claims(claims), limits=SMALL)}
    assert {key: worth(row) for key, row in rows.items()} == {
        ("anna", "one"): (1, 1),
        ("anna", "two"): (5, 5),
        ("ben", "one"): (1, 1),
        ("ben", "two"): (0, 5),
    }
    assert rows["ben", "two"].sentence == "Nothing was handed in."


def notebook(*cells):
    """A notebook as text: each cell a source, given as one string or, like Jupyter's, as lines."""
    made = [{"cell_type": "code", "source": source} for source in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["%%lab\n", "rm -rf /"]}, *made]})


@pytest.mark.no_lab
def test_notebook_counts_by_its_cells_of_lines(tmp_path):
    file = tmp_path / "n.ipynb"
    cells = [
        "%%lab\nip netns add wrong",
        "open('/tmp/evil', 'w')",
        ["%%lab --new --changes\n", "ip netns add red\n", "ip netns add blue"],
        "%%lab --at red\nip link | grep -c lo\nhostname",
        "%%labour\nfalse",
    ]
    file.write_text(notebook(*cells))
    lines = read_lines(file)
    assert lines == ("ip netns add red\nip netns add blue\nip netns exec red bash -c 'ip link | grep -c lo\nhostname'")


def test_saved_lab_is_graded(lab, graded):
    lab.run(GOOD)
    assert worth(graded(saved=lab.save().script)["saved"]) == (3, 3)


def test_notebook_is_graded(tmp_path, graded):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "anna.ipynb").write_text(notebook("%%lab\n" + GOOD, "1/0"))
    assert worth(graded()["anna"]) == (3, 3)


def test_lesson_is_judged_exercise_by_exercise(tmp_path):
    """As handed in: the first exercise done, the second not, and a third that would undo the first one's work."""
    lesson = json.loads((ROOT / "notebooks" / "solutions" / "2_bridge.ipynb").read_text())
    claims = read_claims(ROOT / "notebooks" / "solutions" / "2_bridge.ipynb")
    assert list(claims) == [f"2-bridge-{number}" for number in range(1, len(claims) + 1)]
    answers = [cell for cell in lesson["cells"] if "### BEGIN SOLUTION" in "".join(cell["source"])]
    answers[1]["source"] = "%%lab\n# your lines:"
    for place in ("class/anna/2_bridge.ipynb", "alone/anna.ipynb"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(json.dumps(lesson))
    (tmp_path / "class" / "ben").mkdir()
    rows = list(grade(tmp_path / "class", claims, limits=SMALL)) + list(grade(tmp_path / "alone", claims, limits=SMALL))
    done = {(row.learner, row.exercise, row.points == row.out_of) for row in rows}
    assert {exercise for learner, exercise, right in done if learner == "anna" and right} >= {"2-bridge-1"}
    assert ("anna", "2-bridge-2", True) not in done
    assert {row.sentence for row in rows if row.learner == "ben"} == {"Nothing was handed in."}
    assert len(rows) == 3 * len(claims)


@pytest.mark.no_lab
@pytest.mark.parametrize("path", sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_executed_lesson_is_not_too_large(path):
    assert "ip" in read_lines(path)
    assert path.stat().st_size < LARGEST / 4


@pytest.mark.no_lab
def test_lesson_that_judges_drills_is_for_nbgrader():
    with pytest.raises(BadInput, match="nbgrader has to grade it"):
        read_claims(ROOT / "notebooks" / "solutions" / "6_break_it.ipynb")


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "not a notebook"),
        ("[]", "not a notebook"),
        ('{"cells": [{"cell_type": "code"}]}', "not a notebook"),
        ('{"cells": [{"cell_type": "code", "source": 3}]}', "not a notebook"),
        ("[" * 100_000, "not a notebook"),
        ("#" * (LARGEST + 1), "larger than"),
    ],
)
def test_what_is_no_notebook_is_told(tmp_path, content, sentence):
    (tmp_path / "n.ipynb").write_text(content)
    with pytest.raises(BadInput, match=sentence):
        read_lines(tmp_path / "n.ipynb")


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no claim"),
        ("# nothing\n", "no claim"),
        ("[one]\n", "no claim"),
        ("ns1 can reach ns2\n", "line 1: not points"),
    ],
)
def test_wrong_file_of_claims_is_told(tmp_path, text, sentence):
    (tmp_path / "checks").write_text(text)
    with pytest.raises(BadInput, match=sentence):
        read_claims(tmp_path / "checks")


def test_claim_that_is_not_understood_is_told_before_anything_runs(graded):
    with pytest.raises(UnknownClaim):
        graded("1 red is beautiful\n", good=GOOD)


@pytest.mark.no_lab
def test_folder_without_submissions_is_told(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInput):
            submissions(folder, [])


# --- hostile submissions: one failed row each, and the rest go on


HOSTILE = {
    "sleeps": ("sleep 1000\n", "not done after 12 seconds"),
    "stubborn": ("trap '' INT TERM HUP\nwhile :; do :; done\n", "not done after 12 seconds"),
    "forks": ("bomb() { bomb | bomb & }; bomb\nsleep 1000\n", "60 processes"),
    "hidden_forks": ("bomb() { setsid sleep 1000 & setsid sleep 1000 & bomb; }; bomb\n", "60 processes"),
    "fills": ("mount -t tmpfs none /run/netns/.. ; mkdir /run/m; mount -t tmpfs none /run/m; n=0\n"
              "while :; do n=$((n+1)); head -c 3M /dev/zero >/run/m/$n; done\n", "more than 96 MiB"),
    "eats": ("for n in 1 2 3 4 5 6; do head -c 40M /dev/zero | tail -c 39M | sleep 1000 & done; sleep 1000\n",
             "more than 96 MiB"),
    }  # fmt: skip


def test_hostile_submissions_fail_alone_and_good_ones_are_graded(graded):
    lines = {name: GOOD + text for name, (text, _) in HOSTILE.items()}
    rows = graded(good=GOOD, better=GOOD, **lines)
    # what else runs on this machine may fill its table of neighbours, as the sentence says
    disturbed = [name for name in lines if "hardly any place left for neighbours" in rows[name].sentence]
    if disturbed:
        rows |= graded(**{name: lines[name] for name in disturbed})
    for name, (_, sentence) in HOSTILE.items():
        assert worth(rows[name]) == (0, 3), rows[name]
        assert sentence in rows[name].sentence, rows[name]
    assert worth(rows["good"]) == worth(rows["better"]) == (3, 3)


def test_files_have_a_limit_and_so_has_tmp(graded):
    rows = graded(
        "1 one exists\n1 two exists\n",
        fills="yes >/tmp/one\ntest $(stat -c %s /tmp/one) = 4194304 && ip netns add one\n"
        "for n in $(seq 40); do head -c 3M /dev/zero >/tmp/$n; done\n"
        "test $(df --output=used -m /tmp | tail -1) -le 24 && ip netns add two\n",
    )
    assert worth(rows["fills"]) == (2, 2), rows


def test_killing_everything_ends_nothing_of_ours(graded):
    rows = graded(good=GOOD, kills=f"{GOOD}kill -9 1 $PPID -1\n", more=f"{GOOD}pkill -9 .\nkill -9 -1\n")
    assert {name: row.points for name, row in rows.items()} == {"good": 3, "kills": 3, "more": 3}


def test_others_submissions_cannot_be_read(graded, tmp_path):
    folder = tmp_path / "class"
    ways = [
        f"ls -A {folder}",
        f"cat {folder}/good.sh",
        f"umount {folder} /tmp; cat {folder}/good.sh",
        f"mkdir /run/all; mount --bind / /run/all; cat /run/all{folder}/good.sh",
        f"mkdir /run/m; mount -t overlay -o lowerdir=/ overlay /run/m; cat /run/m{folder}/good.sh",
        f"cat /proc/1/cwd{folder}/good.sh /proc/1/root{folder}/good.sh /proc/*/root{folder}/good.sh",
        f"unshare --user --map-root-user --mount sh -c 'umount -l /tmp; cat {folder}/good.sh'",
        "grep -rls 'tap1 type veth' /proc/[0-9]*/fd /dev/fd | grep -v self",
        f"cp {folder}/good.sh /tmp/mine; bash {folder}/good.sh; bash /tmp/mine",
    ]
    rows = graded(good=GOOD, thief="".join(f"{way} >>/run/stolen 2>&1\n" for way in ways))
    assert worth(rows["thief"]) == (0, 3)
    tells = "test -s /run/stolen && ! grep -q 'type veth' /run/stolen && ip netns add nothing\n"
    read = graded("1 nothing exists\n", thief="".join(f"{way} >>/run/stolen 2>&1\n" for way in ways) + tells)
    assert worth(read["thief"]) == (1, 1), read


def test_files_are_the_programs_only_and_read_only():
    with Lab(sandbox=Confined(SMALL)) as lab:
        shown = lab.run("ls /; ls /etc; ls -A /home /root /var/lib /opt 2>/dev/null", expect=None).out.split()
        assert {"usr", "tmp", "iproute2"} <= set(shown)
        assert not {"home", "root", "opt", "srv", "mnt", "shadow", "ssl"} & set(shown)
        for line in (
            "umount /usr",
            "umount -l /proc",
            "umount -l /run",
            "mount -o remount,bind,rw /",
            "mount -o remount,bind,rw /usr",
            "mount --bind /etc /run",
            "mount --move /usr /tmp",
            "unshare --user --map-root-user --mount umount /usr",
            "touch /etc/file",
            "touch /usr/file",
            "echo 1 >/sys/kernel/profiling",
            "mount -t proc proc /tmp",
            "unshare --pid --fork mount -t proc proc /tmp",
        ):
            assert lab.run(line, expect=None).code != 0, line
        assert lab.run("touch /tmp/file /run/file && ip netns add red && sysctl -w net.ipv4.ip_forward=1").code == 0


def test_nothing_of_the_grader_is_told(graded, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    with open(ROOT / "README.md") as opened:
        os.set_inheritable(opened.fileno(), True)
        rows = graded(
            "1 secret exists\n1 file exists\n1 root exists\n",
            asks="(env; cat /proc/*/environ; ls -l /proc/*/fd; id) >/run/told 2>&1\n"
            "grep -aq hunter2 /run/told || ip netns add secret\ngrep -q README /run/told || ip netns add file\n"
            "grep -qw uid=0 /run/told || ip netns add root\n",
        )
    assert worth(rows["asks"]) == (3, 3), rows


def test_links_and_pipes_are_no_submissions(tmp_path, graded):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "link.sh").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.sh")
    (folder / "folder.sh").mkdir()
    (folder / "bytes.sh").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "elsewhere").mkdir()
    (folder / "all").symlink_to(tmp_path / "elsewhere")
    rows = graded(good=GOOD)
    assert worth(rows["good"]) == (3, 3)
    assert "is a link" in rows["link"].sentence
    assert "not a file" in rows["pipe"].sentence
    assert rows["folder.sh"].sentence == "Nothing was handed in."
    assert rows["bytes"].points == 0
    assert "is a link" in rows["all"].sentence


def test_every_learner_gets_a_row_whatever_is_in_the_folder(tmp_path, graded):
    folder = tmp_path / "class"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to(tmp_path / "nothing")
    (folder / "odd").mkdir()
    (folder / "odd" / "bridge.sh").mkdir()
    (folder / os.fsdecode(b"\xff\n;=1+1")).mkdir()
    rows = graded(f"[bridge]\n{CLAIMS}")
    assert {name: row.sentence for name, row in rows.items()} == {
        "pipe": "It is neither a folder nor a file.",
        "nowhere": "It is a link, and so not read.",
        "odd": "It is not a file.",
        "\\xff\\n;=1+1": "Nothing was handed in.",
    }


def test_grading_that_dies_is_a_row(graded):
    def dies(lab, line):
        if lab.run("ip netns").out.startswith("doom"):
            os.kill(os.getpid(), signal.SIGKILL)
        return Said(True, "")

    rows = graded("1 anything\n", judge=dies, doom="ip netns add doom\n", good=GOOD)
    assert rows["doom"].sentence == "The grading of this submission ended without a result."
    assert worth(rows["good"]) == (1, 1)


def test_world_that_is_ended_does_not_end_its_judge(graded):
    """Whoever calls it may let a pipe without a reader end it (SIGPIPE); its judges do not."""
    usual = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        rows = graded(limits=replace(SMALL, seconds=2), sleeps=HOSTILE["sleeps"][0])
    finally:
        signal.signal(signal.SIGPIPE, usual)
    assert rows["sleeps"].sentence == "It was not done after 2 seconds."


def test_nothing_is_left(graded):
    left = f"vethlab-left-{os.getpid()}"  # others may run this test now

    def holders():
        return {e.name for e in Path("/proc").glob("[0-9]*") if left.encode() in words(e)}

    def words(process):
        try:
            return (process / "cmdline").read_bytes()
        except OSError:
            return b""

    rows = graded(leaves=f"{GOOD}setsid bash -c 'exec -a {left} sleep 1000' >/dev/null 2>&1 &\n")
    assert worth(rows["leaves"]) == (3, 3)
    until(lambda: not holders(), "the process that was left behind is gone")


def test_what_a_judge_stumbles_over_is_a_row(graded, capfd):
    def stumbles(lab, line):
        if "red" in lab.run("ip netns").out:
            raise RecursionError(f"too deep for {line}")
        return Said(True, "")

    rows = graded("1 anything\n", judge=stumbles, odd=GOOD)
    assert rows["odd"].sentence == "It could not be judged: too deep for anything"
    assert "Traceback" not in capfd.readouterr().err


def test_worlds_end_with_the_grader_though_it_is_killed(tmp_path):
    """And the next grading removes the control groups that it could not."""
    left = f"vethlab-killed-{os.getpid()}"
    (tmp_path / "class").mkdir()
    for name in ("one", "two"):
        (tmp_path / "class" / f"{name}.sh").write_text(f"exec -a {left} sleep 1000\n")
    (tmp_path / "class.checks").write_text(CLAIMS)
    words = [sys.executable, "-m", "vethlab_sh", "grade", str(tmp_path / "class"), "--jobs", "2"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as grader:
        until(lambda: len(_running(left)) == 2, "both run")
        grader.kill()
    until(lambda: not _running(left), "nothing runs any more")
    with groups.place() as place:
        folders = place.folders.values() if place else []
        until(
            lambda: not [group for folder in folders for group in folder.glob(f"{groups.NAME}{grader.pid}-*")], "gone"
        )


def _running(name):
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if process.read_bytes().startswith(name.encode()):
                found.append(process)
    return found


@pytest.mark.no_lab
def test_control_group_holds_what_it_is_told(tmp_path):
    """Where we may make one; its kernel is asked. `make test-kinds` asks one that has version 2."""
    with groups.place() as place:
        if place is None:
            assert os.geteuid() != 0 or not os.access("/sys/fs/cgroup/memory", os.W_OK)
            return
        group = place.group(32 * 2**20, processes=20)
        program = "import sys; from pathlib import Path; Path('/dev/null'); x = bytearray(64 << 20)"
        ended = subprocess.run([sys.executable, "-c", program], preexec_fn=group.enter)
        assert (ended.returncode, group.was_full) == (-signal.SIGKILL, True)
        group.remove()
        assert not group.memory.exists()


@pytest.mark.no_lab
def test_group_is_found_where_a_hierarchy_shows_it(tmp_path):
    """A container is shown a part of it as the whole; the path in /proc is that of the whole."""
    (tmp_path / "mine").mkdir()
    line = f"30 20 0:26 /docker/1 {tmp_path} rw,nosuid shared:4 - cgroup2 cgroup rw,nsdelegate\n"
    (mount,) = mounted([line])
    assert (mount.kind, mount.root, mount.options) == ("cgroup2", "/docker/1", ("rw", "nsdelegate"))
    assert groups._folder(mount, "/docker/1/mine") == tmp_path / "mine"
    assert groups._folder(mount, "/docker/2") is None
    assert groups._folder(mount, "/docker/1/nothing") is None


# --- the table


@pytest.mark.no_lab
def test_spreadsheet_takes_no_name_for_a_formula():
    row = Row("=1+1", "a,b", points=1.5, out_of=2.0, sentence='say "hi"')
    (read,) = csv.DictReader(as_csv([row]).splitlines())
    assert read == {"learner": "'=1+1", "exercise": "a,b", "points": "1.5", "out_of": "2", "sentence": 'say "hi"'}


def test_command_line_writes_the_table(vethlab, tmp_path):
    out = tmp_path / "grades.csv"
    ended = vethlab("grade", "examples/class", "--out", str(out))
    assert ended.returncode == 0
    assert "minutes at the latest" in ended.stderr
    rows = {row["learner"]: row for row in csv.DictReader(out.read_text().splitlines())}
    assert [(name, row["points"], row["out_of"]) for name, row in sorted(rows.items())] == [
        ("anna", "4", "4"), ("ben", "2", "4"), ("chris", "0", "4"),
    ]  # fmt: skip
    assert "br-veth2 in master is down" in rows["ben"]["sentence"]
    assert "ben, bridge: 2 of 4. no:" in ended.stdout


def test_rows_are_told_though_their_file_cannot_be_written(vethlab):
    ended = vethlab("grade", "examples/class", "--out", "/dev/full")
    assert (ended.returncode, "No space left" in ended.stderr) == (1, True)
    assert "learner  exercise  points  out_of" in ended.stdout
    assert vethlab("grade", "examples/class", "--out", "/dev/stdout").stdout.startswith("learner,exercise,")


@pytest.mark.no_lab
def test_named_pipe_that_nobody_reads_is_told_before_anything_runs(vethlab, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    ended = vethlab("grade", "examples/class", "--out", str(tmp_path / "pipe"), timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["grade", "nosuch", "--checks", "examples/class.checks"], "no folder"),
        (["grade", "examples/class", "--checks", "README.md"], "not points and a claim"),
        (["grade", "examples"], "examples.checks"),
        (["grade", "examples/class", "--checks", "nosuch"], "nosuch"),
    ],
)
def test_wrong_usage_gets_a_sentence(vethlab, words, sentence):
    ended = vethlab(*words)
    assert ended.returncode in (1, 2)
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
