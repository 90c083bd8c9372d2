"""Labs that stay: made, found again, entered and ended by processes that know nothing of each other."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT, hold, inhabitants, output, until, world
from test_magic import run as run_cells
from test_magic import said

from vethlab_sh import Lab
from vethlab_sh.errors import BadName, LabClosed, NameTaken, NoSuchLab
from vethlab_sh.keep import place as places
from vethlab_sh.keep import stay
from vethlab_sh.sandbox import Sandbox, find

pytestmark = pytest.mark.live
ME = [sys.executable, "-m", "vethlab_sh"]


@pytest.fixture
def up(vethlab):
    """`up` as a learner types it; what stays is ended after the test."""
    before = set(stay.names())

    def make(*words):
        ended = vethlab("up", *words)
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended

    yield make
    for name in set(stay.names()) - before:
        stay.down(name)


def home(name):
    """The network namespace of a lab that stays, held."""
    return hold(f"/proc/{stay.find(name).pid}/ns/net")


class Terminal:
    """A program on a terminal of its own; types, and waits for what is shown."""

    def __init__(self, *words):
        self.parent, child = pty.openpty()
        self.child = child
        self.program = subprocess.Popen(
            [sys.executable, "-c", TAKES_THE_TERMINAL, *words],
            stdin=child, stdout=child, stderr=child, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        self.shown = ""

    def type(self, line):
        os.write(self.parent, line.encode())

    def sees(self, pattern):
        def shown():
            if select.select([self.parent], [], [], 0.05)[0]:
                self.shown += os.read(self.parent, 65536).decode(errors="replace").replace("\r", "")
            return re.search(pattern, self.shown)

        until(shown, f"the terminal shows {pattern!r}; it shows {self.shown!r}")
        self.shown = self.shown[re.search(pattern, self.shown).end() :]

    def close(self):
        code = self.program.wait(20)
        os.close(self.child)
        os.close(self.parent)
        return code


TAKES_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "vethlab_sh", *sys.argv[1:]])
"""
PROMPT = re.escape("[root@master ~]# ")


# --- from up to down


def test_lab_outlives_the_program_that_made_it(vethlab, up):
    up("bridge", "--name", "web", "--hosts", "3")
    (row,) = [line.split() for line in vethlab("ps").stdout.splitlines() if line.startswith("web")]
    assert row[1:4] == ["bridge", "--hosts", "3"]
    assert "ns102" in vethlab("run", "web", "--", "ip", "netns").stdout
    assert vethlab("run", "web", "--", "ip netns exec ns100 ping -c 1 -W 20 192.168.1.102 | tail -2").returncode == 0
    assert "ns102: veth102 192.168.1.102/24" in vethlab("draw", "web").stdout
    ended = vethlab("down", "web")
    assert (ended.returncode, ended.stdout) == (0, "The lab web is gone. Nothing ran in it.\n")
    assert "web" not in vethlab("ps").stdout


def test_lab_that_is_lent_is_entered_from_elsewhere_and_ends_with_its_python(vethlab):
    with Lab() as lab, Lab() as other:
        lab.run("ip link add tap1 type bridge")
        name = lab.lend("mine")
        assert name == lab.lend("again") == "mine"
        assert other.lend("mine") == "mine-2"
        assert "tap1" in vethlab("run", "mine", "--", "ip", "link").stdout
        assert vethlab("run", "mine", "--", "ip link add tap2 type bridge").returncode == 0
        assert [link.name for link in lab.snapshot().rows.links] == ["lo", "tap1", "tap2"]
        assert lab.typed == ["ip link add tap1 type bridge", "ip link", "ip link add tap2 type bridge"]
        assert lab.name is None  # it does not stay
    assert vethlab("run", "mine", "--", "ip", "link").returncode == 2


def test_lab_without_a_scenario_is_empty(vethlab, up):
    up()
    assert vethlab("run", "empty", "--", "ip", "-br", "link").stdout.split()[0] == "lo"
    assert vethlab("run", "empty", "--", "ip", "netns").stdout == ""


def test_state_lasts_from_one_command_to_the_next(vethlab, up):
    up("--name", "web")
    vethlab("run", "web", "--", "ip netns add red && ip link add br0 type bridge")
    assert vethlab("run", "web", "--", "ip", "netns").stdout == "red\n"
    shown = vethlab("show", "web", "links").stdout
    assert re.search(r"^master +\d+ +br0 +bridge", shown, re.M)


def test_run_gives_output_errors_and_exit_code_of_the_command(vethlab, up):
    up("--name", "web")
    ended = vethlab("run", "web", "--", "bash", "-c", "echo out; echo err >&2; exit 7")
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "out\n", "err\n")
    assert vethlab("run", "web", "--", "cat", input="typed\n", stdin=None).stdout == "typed\n"


def test_every_table_is_listed_and_shown(vethlab, up):
    up("direct", "--name", "web")
    listed = [line.split()[0] for line in vethlab("show", "web").stdout.splitlines()[1:]]
    assert listed == [
        "namespaces",
        "links",
        "addresses",
        "routes",
        "neighbours",
        "fdb",
        "settings",
        "rules",
        "policy_routes",
        "chains",
        "filters",
        "wires",
        "history",
    ]
    for table in listed:
        ended = vethlab("show", "web", table)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert "tap1" in vethlab("show", "web", "wires").stdout


def test_name_that_stays_is_drawn_before_a_scenario_of_that_name(vethlab, up):
    up("--name", "bridge")
    assert vethlab("draw", "bridge").stdout == "master (no devices but lo)\n"
    assert "ns103" in vethlab("draw", "bridge", "--hosts", "4").stdout, "options are a scenario's"
    assert "tap1" in vethlab("draw", "direct").stdout


def test_holder_has_no_terminal_no_file_and_no_folder_of_its_maker(up):
    up("--name", "web")
    lab = stay.find("web")
    assert {os.readlink(file) for file in Path(f"/proc/{lab.pid}/fd").iterdir()} == {"/dev/null"}
    assert os.readlink(f"/proc/{lab.pid}/cwd") == "/", "one that is mounted nowhere"
    assert os.stat(f"/proc/{lab.pid}/cwd").st_dev not in {os.stat(folder).st_dev for folder in ("/", "/run", "/tmp")}
    assert Path(f"/proc/{lab.pid}/stat").read_text().rpartition(")")[2].split()[4] == "0", "no controlling terminal"
    assert 0 < lab.memory < 4 * 2**20


def test_lab_survives_the_end_of_the_terminal_that_made_it(vethlab, up):
    terminal = Terminal("up", "--name", "web")
    terminal.sees("is up")
    assert terminal.close() == 0  # the terminal hangs up
    assert vethlab("run", "web", "--", "echo", "there").stdout == "there\n"
    stay.down("web")


@pytest.mark.parametrize("lines", [0, 3, 6])
def test_killed_up_leaves_no_lab_or_a_whole_one(lines):
    program = f"""
        import os, signal
        from vethlab_sh import Lab
        from vethlab_sh.keep import stay
        lab = Lab()
        print(lab.sandbox.pid, flush=True)
        input()
        lab.play("direct", until={lines})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    words, pipes = (
        [sys.executable, "-c", textwrap.dedent(program)],
        {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
    )
    with subprocess.Popen(words, text=True, cwd=ROOT, **pipes) as python:
        place = hold(f"/proc/{python.stdout.readline().strip()}/ns/net")
        python.communicate("go on\n")
    assert python.returncode == -signal.SIGKILL
    until(lambda: not inhabitants(place), "the half-made lab is gone")


def test_failing_scenario_leaves_no_lab(vethlab):
    ended = vethlab("up", "bridge", "--hosts", "1", "--name", "web")
    assert (ended.returncode, "1023 ports" in ended.stderr) == (2, True)
    assert "web" not in stay.names()


def test_twenty_at_once(vethlab, up):
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda n: vethlab("up", "--name", f"lab{n}"), range(20)))
    assert [ended.stderr for ended in made if ended.returncode] == []
    listed = vethlab("ps").stdout
    assert all(f"lab{n} " in listed for n in range(20))
    assert len({home(f"lab{n}") for n in range(20)}) == 20
    homes = [home(name) for name in stay.names()]
    assert vethlab("down", "--all").stdout.count("is gone") == 20
    until(lambda: not any(inhabitants(place) for place in homes), "nobody lives in any of them")


def test_one_of_many_with_the_same_name_wins(vethlab, up):
    with ThreadPoolExecutor(5) as pool:
        codes = sorted(ended.returncode for ended in pool.map(lambda _: vethlab("up", "--name", "web"), range(5)))
    assert codes == [0, 2, 2, 2, 2]


# --- what can go wrong


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["run", "nosuch", "--", "true"], 2, "No lab stays under the name 'nosuch'."),
        (["shell", "nosuch"], 2, "No lab stays"),
        (["show", "nosuch"], 2, "No lab stays"),
        (["show", "nosuch", "history"], 2, "No lab stays"),
        (["down", "nosuch"], 2, "No lab stays"),
        (["down"], 2, "Say which lab"),
        (["down", "web", "--all"], 2, "Say which lab"),
        (["draw", "nosuch"], 2, "There is no scenario 'nosuch'"),
        (["show", "nosuch", "tables"], 2, "invalid choice"),
        (["up", "--name", "a/b"], 2, "no slash"),
        (["up", "--name", ""], 2, "is empty"),
        (["up", "--name", ".."], 2, "a folder"),
        (["up", "--name=-x"], 2, "leading dash"),
        (["up", "--name", "n" * 16], 2, "at most 15 bytes"),
        (["up", "nosuch"], 2, "There is no scenario"),
        (["up", "nosuch.sh"], 2, "There is no file nosuch.sh"),
        (["run", "nosuch"], 2, "required"),
    ],
)
def test_wrong_usage_gets_a_sentence(vethlab, words, code, sentence):
    ended = vethlab(*words)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_names_are_listed_when_one_is_unknown(up):
    up("--name", "web")
    with pytest.raises(NoSuchLab, match="There are: web"):
        Lab("webb")


def test_taken_name_is_refused(vethlab, up):
    up("--name", "web")
    ended = vethlab("up", "direct", "--name", "web")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "A lab 'web' is there already" in ended.stderr
    with Lab() as lab, pytest.raises(NameTaken):
        lab.stay("web")


def test_down_ends_nothing_of_a_lab_that_takes_its_numbers(up):
    """The number of a namespace that is gone is the next one's: `down` keeps its own until it is done."""
    up("--name", "web")
    web = stay.find("web")
    theirs = web.spaces()
    with theirs.held(web.pid):
        os.kill(web.pid, signal.SIGKILL)
        until(lambda: not web.alive, "its holder is gone")
        with Lab() as lab:
            mine = lab.run("readlink /proc/self/ns/net /proc/self/ns/pid /proc/self/ns/mnt").out.split()
            assert theirs.own.isdisjoint(mine)


def test_killed_holder_is_noticed_and_cleared(vethlab, up):
    up("--name", "web")
    os.kill(stay.find("web").pid, signal.SIGKILL)
    until(lambda: not stay.names(), "the killed lab is noticed")
    assert list(stay.folder().iterdir()) == []
    assert "No lab stays under the name 'web'" in vethlab("run", "web", "--", "true").stderr
    up("--name", "web")


def test_number_that_is_used_again_is_another_process(up):
    up("--name", "web")
    entry = stay.folder() / "web" / stay.ENTRY
    lab, ours = json.loads(entry.read_text()), os.getpid()
    try:
        with pytest.raises(LabClosed, match="gone"):
            Sandbox.attach(ours, lab["since"])
        entry.write_text(json.dumps(lab | {"pid": ours}))
        assert stay.names() == []
    finally:
        os.kill(lab["pid"], signal.SIGKILL)


@pytest.mark.no_lab
@pytest.mark.parametrize("wrong", ['{"name": "web"', "[]", '{"name": "web"}', ""])
def test_entry_of_another_run_of_the_machine_or_half_a_file_is_cleared(wrong):
    (stay.folder() / "old").mkdir()
    (stay.folder() / "old" / stay.ENTRY).write_text(wrong)
    assert stay.names() == []
    assert list(stay.folder().iterdir()) == []


def test_restart_of_the_machine_is_noticed(up):
    up("--name", "web")
    entry = stay.folder() / "web" / stay.ENTRY
    lab = json.loads(entry.read_text())
    try:
        entry.write_text(json.dumps(lab | {"boot": "an earlier one"}))
        assert stay.names() == []
    finally:
        os.kill(lab["pid"], signal.SIGKILL)


def test_inside_a_lab_the_labs_outside_are_neither_seen_nor_cleared(monkeypatch, tmp_path, vethlab, up):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    up("--name", "web")
    assert "No lab stays" in vethlab("run", "web", "--", *ME, "ps").stdout
    assert stay.names() == ["web"]


def test_lab_that_goes_meanwhile_is_told(up):
    up("--name", "web")
    lab = Lab("web")
    stay.down("web")
    with pytest.raises(LabClosed, match="gone"):
        lab.run("true")


def test_command_that_runs_while_its_lab_ends_is_told(vethlab, up):
    up("--name", "web")
    place = home("web")
    run = subprocess.Popen([*ME, "run", "web", "--", "sleep", "1000"], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    until(lambda: "sleep 1000" in [p.command for p in stay.find("web").processes], "the command runs")
    assert "sleep 1000" in vethlab("down", "web").stdout
    said = run.communicate(timeout=20)[1]
    assert (run.returncode, "This lab is gone" in said, "Traceback" in said) == (1, True, False), said
    assert inhabitants(place) == []


@pytest.mark.parametrize("before", ["note", "interact"])
def test_lab_that_goes_between_two_of_our_steps_is_told(up, before):
    up("--name", "web")
    found = stay.find("web")
    with Lab("web") as lab:
        stay.down("web")
        with pytest.raises(LabClosed, match="gone"):
            found.note("true") if before == "note" else lab.interact(["true"])


@pytest.mark.no_lab
def test_without_a_runtime_folder_a_private_one_in_tmp_is_taken(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(places, "USERS", Path("/nowhere"))
    was_there = Path(f"/tmp/vethlab_sh-{os.geteuid()}").exists()
    found = stay.folder()
    assert str(found) == f"/tmp/vethlab_sh-{os.geteuid()}"
    assert found.stat().st_mode & 0o777 == 0o700
    if not was_there:
        with contextlib.suppress(OSError):  # by now somebody else's lab of this user stays in there, or it is gone
            found.rmdir()


# --- down ends what lives in there, whatever it is called, and nothing else


def test_down_ends_all_that_lives_in_its_namespaces_and_says_so(vethlab, up):
    up("bridge", "--name", "web")
    up("--name", "other")
    place, holder = home("web"), stay.find("web").pid
    in_background = [
        "ip netns exec ns100 busybox nc -l -p 8080",
        "tcpdump -Z $(id -un) -i br0 -w /dev/null",
        "setsid sleep 1001",
        "unshare --net --pid --fork sleep 1002",
    ]
    for line in in_background:
        vethlab("run", "web", "--", f"{line} >/dev/null 2>&1 &")
    vethlab("run", "other", "--", "busybox nc -l -p 8080 >/dev/null 2>&1 &")
    enter = ["--user", "--preserve-credentials"] if os.geteuid() else []
    visitor = subprocess.Popen([str(find("nsenter")), *enter, "--net", "-t", str(holder), "sleep", "1003"])
    wanted = {"busybox nc", "tcpdump", "sleep 1001", "sleep 1002", "sleep 1003"}
    until(
        lambda: all(any(word in process.command for process in stay.find("web").processes) for word in wanted),
        "everything runs",
    )
    ended = vethlab("down", "web")
    assert ended.returncode == 0
    assert all(word in ended.stdout for word in wanted), ended.stdout
    assert visitor.wait(20) == -signal.SIGKILL
    assert not inhabitants(place)
    assert [process.command for process in stay.find("other").processes] == ["busybox nc -l -p 8080"]
    assert vethlab("ps").stdout.splitlines()[1].split()[0] == "other"


def test_named_namespaces_are_gone_with_the_lab(up):
    up("bridge", "--name", "web")
    holder = f"/proc/{stay.find('web').pid}/ns"
    rights = os.open(f"{holder}/user", os.O_RDONLY)
    place = home("web")  # held by us it lasts, and shows which of its cables lose their other end
    enter = ["--user=/proc/self/fd/3", "--preserve-credentials"] if os.geteuid() else []
    look = [*enter, "--net=/proc/self/fd/4", "ip", "-o", "link", "show", "type", "veth"]

    def cables():
        with_files = 'exec 3<"$1" 4<"$2"; shift 2; exec nsenter "$@"'
        files = [f"/proc/{os.getpid()}/fd/{number}" for number in (rights, place.file)]
        return output("sh", "-c", with_files, "sh", *files, *look)

    assert "br-veth100" in cables()
    stay.down("web")
    until(lambda: cables() == "", "every named namespace is gone, and with it the ends of cables that were in there")
    os.close(rights)


# --- a shell


def test_shell_is_interactive_and_leaves_the_lab(vethlab, up):
    up("--name", "web")
    terminal = Terminal("shell", "web")
    terminal.sees(PROMPT)
    terminal.type("ip netns add red\n")
    terminal.sees(PROMPT)
    terminal.type(f"test -r {ROOT}/README.md && echo $((40 + 2)) here\n")
    terminal.sees("42 here")
    terminal.sees(PROMPT)
    terminal.type("cd /etc\n")
    terminal.sees(re.escape("[root@master etc]# "))
    terminal.type("ping -i 0.2 127.0.0.1\n")
    terminal.sees("icmp_seq=2")
    terminal.type("\x03")
    terminal.sees("packets transmitted")
    terminal.sees(re.escape("[root@master etc]# "))
    terminal.type("sleep 1000 & jobs\n")
    terminal.sees(r"Running +sleep 1000")
    terminal.type("kill %1; exit 3\n")
    assert terminal.close() == 3
    assert vethlab("run", "web", "--", "ip", "netns").stdout == "red\n"
    typed = vethlab("show", "web", "history").stdout.splitlines()
    assert typed[0] == "ip netns add red"
    assert "ping -i 0.2 127.0.0.1" in typed


def test_terminal_is_put_right_when_the_lab_ends_under_a_shell(up):
    up("--name", "web")
    terminal = Terminal("shell", "web")
    terminal.sees(PROMPT)
    stay.down("web")
    terminal.sees("This lab is gone")
    assert " echo " in subprocess.run(["stty", "-a"], stdin=terminal.child, capture_output=True, text=True).stdout
    assert terminal.close() == 1


def test_shell_without_a_terminal_reads_lines(vethlab, up):
    up("--name", "web")
    ended = vethlab("shell", "web", input="hostname\nip netns add red; ip netns\n", stdin=None)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("master\nred\n", "", 0)


def test_history_holds_what_run_ran(vethlab, up):
    up("--name", "web")
    vethlab("run", "web", "--", "ip", "netns", "add", "red")
    vethlab("run", "web", "--", "ip netns | wc -l")
    assert vethlab("show", "web", "history").stdout == "ip netns add red\nip netns | wc -l\n"


# --- from Python and from notebooks


def test_python_attaches_by_name_and_only_leaves(up):
    up("direct", "--name", "web")
    with Lab("web") as lab:
        assert lab.run("ip netns list").out.split()[0].startswith("ns")
        lab.run("ip netns add red")
        assert lab.name == "web"
    with Lab("web") as lab:
        assert "red" in [row.namespace for row in lab.snapshot().rows.namespaces]
    assert stay.names() == ["web"]


def test_python_lets_a_lab_stay(vethlab):
    with Lab() as lab:
        lab.run("ip netns add red")
        place = world(lab)
        with pytest.raises(BadName):
            lab.stay("a/b")
        lab.stay("web", "by hand")
        assert lab.run("ip netns").out == "red\n"
    assert home("web") == place
    assert re.search(r"web +by hand", vethlab("ps").stdout)
    stay.down("web")


def test_name_of_a_lab_that_stays_or_of_a_scenario_opens_a_lab(up):
    up("--name", "web")
    with Lab.of("web") as lab:
        assert lab.name == "web"
    with Lab.of("direct") as lab:
        assert lab.name is None
        assert lab.snapshot().rows.wires


def test_cell_of_a_notebook_runs_in_a_lab_that_stays(vethlab, up):
    up("--name", "web")
    there, own, python, missing = run_cells(
        "%%lab --lab web\nip netns add red\nip netns",
        "%%lab\nip netns",
        "%%lab --lab web --changes\nip netns add blue",
        "%%lab --lab nosuch\nip netns",
    )
    assert "red" in said(there)
    assert "red" not in said(own)
    assert any("blue appeared" in str(output) for output in python)
    assert "There are: web" in said(missing)
    assert vethlab("run", "web", "--", "ip netns | sort").stdout == "blue\nred\n"


def test_values_are_kept_as_long_as_the_lab(up):
    up("--name", "web")
    stay.keep("web", "drill", {"name": "mtu", "seed": 7})
    stay.keep("web", "other", [1])
    assert stay.kept("web", "drill") == {"name": "mtu", "seed": 7}
    assert stay.kept("web", "nothing") is None
    stay.down("web")
    up("--name", "web")
    assert stay.kept("web", "drill") is None
    with pytest.raises(NoSuchLab):
        stay.keep("nosuch", "drill", 1)
