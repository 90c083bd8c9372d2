"""The command line, through real processes."""

import contextlib
import json
import os
import pty
import re
import resource
import select
import shlex
import signal
import subprocess
import sys
import textwrap

import pytest
from conftest import ROOT, hold, inhabitants, machine_state, until

from vethlab_sh import __version__, drills, errors
from vethlab_sh.cli import main, parser
from vethlab_sh.inside import inside
from vethlab_sh.scenarios import SCENARIOS, load
from vethlab_sh.tables import clean
from vethlab_sh.terminal import drills as terminal_drills

pytestmark = pytest.mark.live
ME = [sys.executable, "-m", "vethlab_sh"]


def verbs_of(program):
    (verbs,) = (action.choices for action in program._actions if action.choices)
    return verbs


def on_terminal(*words, columns=80, environment=None, type_in=b""):
    """Run the command line on a pseudo-terminal of that width; return what it showed and its exit code."""
    # COLUMNS, which some test runners set, would be believed before the terminal itself
    environment = {k: v for k, v in (environment or os.environ).items() if k != "COLUMNS"}
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", str(columns), "rows", "50"], stdin=child, check=True)
    run = subprocess.Popen(
        [*ME, *words],
        stdin=child,
        stdout=child,
        stderr=child,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    os.close(child)
    os.write(parent, type_in)
    shown = b""
    while True:
        try:
            select.select([parent], [], [])
            part = os.read(parent, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(parent)
    return shown.decode().replace("\r\n", "\n"), run.wait()


def test_large_demo_tells_how_far_it_is_and_wipes_it():
    shown, code = on_terminal("demo", "bridge", "--hosts", "100", "--png", os.devnull)
    assert code == 0
    for told in (*(f"Building bridge: step {n} of 10 …" for n in range(1, 11)), "Drawing 101 namespaces …"):
        assert told in shown
    assert "Building" not in clean(shown)
    assert "Drawing" not in clean(shown)


@pytest.mark.parametrize("name", ["direct", "bridge"])
def test_demo_tells_every_step(vethlab, name):
    ended = vethlab("demo", name)
    assert (ended.returncode, ended.stderr) == (0, "")
    scenario = load(name)
    for step in scenario.steps:
        assert " ".join(step.why.split()) in " ".join(ended.stdout.split())
        for line in step.lines:
            assert f"[root@master ~]# {line}\n" in ended.stdout
    assert " ".join(ended.stdout.split()).endswith("(4 of 4 pings answered.)")
    assert "\x1b" not in ended.stdout


def test_demo_shows_statistics_as_table(vethlab):
    shown = vethlab("demo", "bridge").stdout
    assert re.search(r"target +sent +received +loss_percent", shown), shown[-1500:]


@pytest.mark.no_lab
def test_step_shows_each_of_its_tables(vethlab):
    shown = vethlab("demo", "flannel", "--replay").stdout
    (step,) = (step for step in load("flannel").steps if len(step.tables) == 3)
    told = shown.split(f"# {step.lines[0]}\n")[1].split("Read the three together")[0]
    heads = [
        re.search(rf"^{head}$", told, re.M)
        for head in ("kind +to +via .*", "ip +dev +mac +state", "mac +dev +dst +state .*")
    ]
    assert all(heads), told


def test_quiet_prints_only_the_verdict(vethlab):
    ended = vethlab("demo", "bridge", "--quiet")
    assert " ".join(ended.stdout.split()) == f"{load('bridge').known} (4 of 4 pings answered.)"


def test_json_holds_every_record_and_table(vethlab):
    whole = json.loads(vethlab("demo", "direct", "--json").stdout)
    records = [record for step in whole["steps"] for record in step["records"]]
    assert [record["line"] for record in records] == [line for step in load("direct").steps for line in step.lines]
    assert (whole["intro"], whole["steps"][1]["why"]) == (load("direct").intro, load("direct").steps[1].why)
    assert records[-1]["tables"]["ping statistics"][0]["received"] == 2
    assert whole["ok"] is True


def test_hosts_option_makes_more_hosts(vethlab):
    assert vethlab("demo", "bridge", "--quiet", "--hosts", "4").stdout.startswith("4 namespaces reach")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_terminal_table_fits_the_window(columns):
    shown, code = on_terminal("demo", "bridge", columns=columns, environment={**os.environ, "NO_COLOR": "1"})
    assert code == 0
    heads = [line for line in shown.splitlines() if re.match(r"(bridge +id|index +name|target +sent|port +mac)", line)]
    assert len(heads) >= 5
    assert all(len(line) <= columns for line in heads)


def test_colour_on_a_terminal_only():
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
    assert "\x1b[" in on_terminal("demo", "direct", environment=environment)[0]
    assert "\x1b[" not in on_terminal("demo", "direct", environment={**environment, "NO_COLOR": "1"})[0]


def test_pause_waits_for_enter():
    steps = len(load("direct").steps)
    shown, code = on_terminal("demo", "direct", "--pause", type_in=b"\n" * steps)
    assert code == 0
    assert shown.count("(Enter for the next step)") == steps


def test_ctrl_d_at_a_pause_ends_the_demo():
    shown, code = on_terminal("demo", "direct", "--pause", type_in=b"\n\x04")
    assert code == 130
    assert shown.count("(Enter for the next step)") == 2
    assert shown.endswith("vethlab_sh: Interrupted. The lab is gone and left nothing behind.\n")


def test_pause_without_terminal_goes_on(vethlab):
    assert vethlab("demo", "direct", "--pause").returncode == 0


@pytest.mark.no_lab
def test_list_has_a_line_each(vethlab):
    lines = vethlab("list").stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(SCENARIOS)
    modes = [line.split()[1] for line in lines if line.startswith("  --mode ")]
    assert modes == ["host-gw", "ipip", "routed", "bgp"]
    assert [line.split()[0] for line in lines if line.startswith("  ")].count("--cni") == 1


@pytest.mark.no_lab
def test_tables_lists_columns_and_meaning(vethlab):
    shown = vethlab("tables").stdout
    assert "brctl show" in shown
    assert "rtt_avg_ms" in shown


def test_doctor_finds_this_machine_ready(vethlab):
    ended = vethlab("doctor")
    assert ended.returncode == 0, ended.stdout
    assert "This machine is ready." in ended.stdout
    assert "missing" not in ended.stdout.split("This machine")[0]


def test_doctor_names_what_is_missing(vethlab, tmp_path):
    program = (
        "import vethlab_sh.sandbox as s, vethlab_sh.terminal.doctor as d, sys\n"
        "d.find = lambda tool: None if tool == 'ifconfig' else s.find(tool)\n"
        "from vethlab_sh.cli import main\n"
        "sys.exit(main(['doctor']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 1
    assert re.search(r"missing +program ifconfig +sudo apt-get install net-tools", ended.stdout)


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["demo", "bridg"], 2, "Did you mean 'bridge'?"),
        (["demo", "bridge", "--hosts", "1"], 2, "1023 ports"),
        (["demo", "bridge", "--hosts", "1024"], 2, "1023 ports"),
        (["demo", "bridge", "--hosts", "two"], 2, "invalid int value"),
        (["demo", "direct", "--hosts", "3"], 2, "no option 'hosts'"),
        (["demo"], 2, "required"),
        (["nosuch"], 2, "There is no verb 'nosuch'"),
        (["bridge"], 2, "`python -m vethlab_sh demo bridge` plays it"),
        ([], 2, "required"),
        (["grade", "nosuch"], 2, "There is no nosuch.checks"),
        (["script", ""], 2, "There is no scenario ''"),
    ],
)
def test_wrong_usage_gets_a_sentence(vethlab, words, code, sentence):
    ended = vethlab(*words)
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.no_lab
def test_every_error_says_which_exit_code_it_is():
    usage = {errors.BadName, errors.BadOption, errors.BadInput, errors.UnknownScenario, errors.UnknownDrill}
    usage |= {errors.UnknownClaim, errors.NoDrill, errors.NoSuchLab, errors.NameTaken}
    assert all(issubclass(kind, errors.WrongUsage) and kind.exit_code == 2 for kind in usage)
    assert {errors.ToolMissing.exit_code, errors.NotReady.exit_code} == {2}
    assert {errors.CommandFailed.exit_code, errors.LabClosed.exit_code, errors.CannotSave.exit_code} == {1}


def test_missing_tool_ends_with_two(vethlab, tmp_path):
    program = (
        "import vethlab_sh.shell as shell, sys\n"
        "import vethlab_sh.hints as hints\n"
        "found = shell.find\n"
        "shell.find = hints.find = lambda tool: None if tool == 'sysctl' else found(tool)\n"
        "shell.search_path = lambda: %r\n"
        "from vethlab_sh.cli import main\n"
        "sys.exit(main(['demo', 'flannel']))"
    )
    for tool in ("bash", "ip", "ping", "unshare"):
        (tmp_path / tool).symlink_to(subprocess.check_output(["which", tool], text=True).strip())
    ended = subprocess.run([sys.executable, "-c", program % str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 2
    assert "sudo apt-get install procps" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_closed_pipe_is_quiet():
    shell = f"{sys.executable} -m vethlab_sh demo bridge | head -3"
    ended = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, cwd=ROOT)
    assert ended.stderr == ""
    assert len(ended.stdout.splitlines()) == 3


@pytest.mark.no_lab
@pytest.mark.parametrize("words", [["list"], ["--help"]])
def test_who_prints_where_nobody_reads_ends_quietly(words):
    """As a program that SIGPIPE ended, for a shell; no traceback, and nothing more when Python ends."""
    hear, tell = os.pipe()
    os.close(hear)
    ended = subprocess.run([*ME, *words], stdout=tell, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(tell)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")


def test_verb_does_not_end_with_the_shell_of_its_lab():
    """It types to a bash that has just died, as where memory is short, and tells of it in a sentence."""
    program = """
        from vethlab_sh import Lab, errors, shell
        from vethlab_sh.terminal.streams import prepare_streams
        prepare_streams()
        lab = Lab()
        lab.run("true")
        (bash,) = lab.shell._idle
        _, _, (process, *_), _ = bash._end.peek()
        process.kill()
        bash._ear.hears(None)
        shell.Bash.alive = True  # so much for who has looked just before
        try:
            lab.run("true")
        except errors.NotReady as error:
            print(error)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "could start no program" in ended.stdout


def test_full_disk_is_a_sentence():
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*ME, "demo", "direct", "--quiet"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert ended.returncode == 1
    assert "No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_stream_is_a_sentence(closed):
    shell = f"{sys.executable} -m vethlab_sh demo direct --quiet {closed}"
    ended = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, cwd=ROOT)
    if ">" in closed:
        told = "" if "2>" in closed else "vethlab_sh: Cannot write or read: standard output is closed.\n"
        assert (ended.returncode, ended.stderr) == (1, told)
    else:
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "4 of 4 pings" in " ".join(ended.stdout.split())


@pytest.mark.no_lab
def test_full_standard_error_keeps_the_exit_code(vethlab):
    with open("/dev/full", "w") as full:
        assert subprocess.run([*ME, "demo", "nosuch"], stderr=full, cwd=ROOT).returncode == 2


@pytest.mark.parametrize("words", [["--png", "it"], ["--svg", "it"]])
def test_unfinished_file_is_not_left(tmp_path, words):
    ended = subprocess.run(
        [*ME, "demo", "direct", "--quiet", *words[:-1], str(tmp_path / "it")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ended.returncode == 1
    assert ended.stderr == f"vethlab_sh: Cannot write or read: {tmp_path}/it: File too large.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.no_lab
def test_ctrl_c_while_importing_is_quiet():
    program = (
        "import os, runpy, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == %r:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.argv = ['-m']\n"
        "runpy.run_module('vethlab_sh', run_name='__main__', alter_sys=False)"
    )
    for module in ("vethlab_sh.errors", "vethlab_sh.cli"):
        ended = subprocess.run([sys.executable, "-c", program % module], capture_output=True, text=True, cwd=ROOT)
        assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
@pytest.mark.parametrize("lines_read", [1, 12, 60, 90])
def test_signal_at_any_moment_leaves_nothing(number, lines_read):
    demo = subprocess.Popen(
        [*ME, "demo", "bridge"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        bufsize=1,
    )
    for _ in range(lines_read):
        demo.stdout.readline()
    homes = worlds_below(demo.pid) - {os.readlink("/proc/self/ns/net")}
    demo.send_signal(number)
    _, said = demo.communicate()
    assert demo.returncode == {signal.SIGINT: 130}.get(number, -number)
    assert "Traceback" not in said
    until(lambda: not any(inhabitants(home) for home in homes), "every process of the demo is gone")


def worlds_below(pid):
    """The network namespaces of the processes below a process; one that ends meanwhile is not missed."""
    worlds = set()
    for process in children(pid):
        with contextlib.suppress(OSError):
            worlds.add(hold(f"{process}/ns/net"))
    return worlds


def children(pid):
    """The process folders below a process, all generations."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            for child in file.read().split():
                found += [f"/proc/{child}", *children(child)]
    except OSError:
        pass
    return [folder for folder in found if os.path.exists(f"{folder}/ns/net")]


def test_two_demos_at_the_same_time():
    demos = [
        subprocess.Popen([*ME, "demo", "bridge", "--quiet"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(4)
    ]
    assert all("4 of 4 pings" in " ".join(demo.communicate()[0].split()) for demo in demos)


def test_a_hundred_plays_leave_no_trace():
    before = machine_state()
    program = (
        "from vethlab_sh import Lab\n"
        "for _ in range(100):\n"
        "    with Lab() as lab:\n"
        "        lab.play('direct', until=6)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine_state() == before


# --- for programs, and for who asks for help --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("list",), {"scenario", "title"}),
        (("tables",), {"table", "column", "type", "meaning"}),
        (("doctor",), {"status", "what", "found, or to do"}),
        (("drill", "list"), {"name", "scenario", "ticket"}),
        (("compare", "flannel", "calico"), {"question", "flannel", "calico"}),
        (
            ("check", "direct", "ns1 can reach ns2"),
            {"claim", "ok", "sentence", "evidence", "cause", "fixes"},
        ),
    ],
)
def test_rows_are_printed_for_programs_too(vethlab, words, keys):
    ended = vethlab(*words, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = json.loads(ended.stdout)
    assert rows
    assert all(set(row) >= keys for row in rows)


def test_lab_that_stays_is_told_to_programs(vethlab):
    assert json.loads(vethlab("ps", "--json").stdout) == []
    vethlab("up", "direct")
    try:
        (row,) = json.loads(vethlab("ps", "--json").stdout)
        assert (row["name"], row["scenario"]) == ("direct", "direct")
        assert row["memory"] > 0
        assert isinstance(row["age"], int)
        links = json.loads(vethlab("show", "direct", "links", "--json").stdout)
        assert {"ns1", "ns2"} <= {link["namespace"] for link in links}
        vethlab("run", "direct", "ip link")
        assert json.loads(vethlab("show", "direct", "history", "--json").stdout)[-1] == "ip link"
        assert {row["table"] for row in json.loads(vethlab("show", "direct", "--json").stdout)} >= {"links", "routes"}
    finally:
        vethlab("down", "direct")


@pytest.mark.no_lab
@pytest.mark.parametrize("verb", sorted(verbs_of(parser())))
def test_examples_of_each_verb_are_what_it_takes(verb):
    """Each is parsed as it stands; the names of scenarios and drills in it are looked up."""
    program = verbs_of(parser())[verb]
    assert program.format_usage().startswith(f"usage: vethlab_sh {verb} [-h]")
    examples = re.findall(r"^  python -m vethlab_sh (.*)$", program.format_help(), re.M)
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert words[0] == verb
        if words == ["check", "--list"]:
            continue
        options = parser().parse_args(words)
        if verb in ("demo", "script"):
            assert options.name in SCENARIOS
        if words[:2] == ["drill", "start"]:
            assert options.drill in drills.names()


@pytest.mark.no_lab
def test_misspelt_verb_is_told_the_nearest(vethlab):
    ended = vethlab("insepct")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "There is no verb 'insepct'. Did you mean 'inspect'?" in ended.stderr


@pytest.mark.no_lab
def test_misspelt_word_behind_drill_is_told_the_nearest(vethlab):
    ended = vethlab("drill", "chekc")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Did you mean 'check'?" in ended.stderr


@pytest.mark.no_lab
def test_each_word_behind_drill_has_examples():
    of_drill = verbs_of(verbs_of(parser())["drill"])
    assert set(of_drill) == set(terminal_drills.WHAT)
    for name, program in of_drill.items():
        examples = re.findall(r"^  python -m vethlab_sh (.*)$", program.format_help(), re.M)
        assert examples, name
        for example in examples:
            assert parser().parse_args(shlex.split(example)).verb


def test_lines_are_told_as_they_run_before_the_verb_and_behind_it(capsys):
    scenario = load("direct")
    lines = [f"# {inside(step.at, line)}" for step in scenario.steps for line in step.lines]
    for words in (["-v", "demo", "direct", "--quiet"], ["demo", "direct", "--quiet", "--verbose"]):
        assert main(words) == 0
        assert capsys.readouterr().err.splitlines() == lines
    assert main(["demo", "direct", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.no_lab
def test_version_is_told(vethlab):
    assert vethlab("--version").stdout == f"vethlab_sh {__version__}\n"


@pytest.mark.no_lab
@pytest.mark.parametrize("words", [("mine", "--poll"), ("--poll", "mine"), ("mine",)])
def test_words_behind_dashes_are_jupyterlabs(monkeypatch, tmp_path, words):
    """Wherever an option of `lab` itself stands."""
    begun = []
    monkeypatch.setattr(os, "execv", lambda program, line: begun.extend(line))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    words = [str(tmp_path / word) if word == "mine" else word for word in words]
    main(["lab", *words, "--", "--no-browser", "--port", "9999"])
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in begun
    assert {"--no-browser", "--port", "9999"} <= set(begun)
    assert "--poll" not in begun
