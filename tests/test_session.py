"""Lines as people type them: what one sets holds for the next, a shell that one opens reads those below."""

import os
import signal
import subprocess
import textwrap
import threading

import pytest
from conftest import until

from vethlab_sh import Lab
from vethlab_sh.keep.shells import opens_a_shell
from vethlab_sh.terminal.labs import NOT_FOUND
from vethlab_sh.terminal.lines import read, without_prompts

pytestmark = pytest.mark.live


@pytest.fixture
def session(lab):
    lab.run("ip netns add ns1; ip netns add ns2")
    return lab.session()


def outs(session, *lines):
    return [session.run(line).out for line in lines]


# --- what carries over


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        (["cd /tmp", "pwd"], "/tmp\n"),
        (["NAME=x", "echo $NAME"], "x\n"),
        (["export NAME=x", "printenv NAME"], "x\n"),
        (["hello() {\n  echo hello $1\n}", "hello you"], "hello you\n"),
        (["set -u", "echo $NOPE", "echo on"], "on\n"),
        (["alias look='ip -br link show lo'", "look | cut -d' ' -f1"], "lo\n"),
        (["shopt -s nullglob", "echo /nowhere/*"], "\n"),
        (["list=(a b c)", "echo ${#list[@]}"], "3\n"),
        (["false", "echo $?"], "1\n"),
        (["sleep 1000 & echo $!", "kill %1; wait $! 2>/dev/null; echo $?"], "143\n"),
        (["set -- a b", "echo $2"], "b\n"),
        (["umask 077", "umask"], "0077\n"),
        (["exec 5>/dev/null", "echo gone >&5; echo $?"], "0\n"),
        (["read word; echo ${word:-nothing}"], "nothing\n"),
        (["cat"], ""),
        (["cat <<EOF\none $((1 + 1))\nEOF"], "one 2\n"),
    ],
)
def test_what_a_line_sets_holds_for_the_next(session, lines, last):
    assert outs(session, *lines)[-1] == last


def test_run_carries_over_on_request_only(lab):
    lab.run("cd /tmp; NAME=x", session=True)
    assert lab.run("echo $NAME $PWD", session=True).out == "x /tmp\n"
    assert lab.run("echo $NAME").out == "\n"
    assert [ran.line for ran in lab.history] == ["cd /tmp; NAME=x", "echo $NAME $PWD", "echo $NAME"]


def test_failure_after_set_e_ends_the_shell_and_what_it_knew_is_kept(session):
    outs(session, "NAME=x", "hello() { echo hello; }", "cd /tmp", "set -e")
    failed = session.run("false; echo not")
    assert (failed.code, failed.out, session.open) == (1, "", False)
    assert outs(session, "echo $NAME $PWD; hello") == ["x /tmp\nhello\n"]
    assert session.run("exit 7").code == 7


def test_environment_and_folder_of_the_caller_are_followed(session, monkeypatch, tmp_path):
    outs(session, "true")
    monkeypatch.setenv("NUMBER", "7")
    monkeypatch.chdir(tmp_path)
    assert outs(session, "echo $NUMBER $PWD") == [f"7 {tmp_path}\n"]


def test_session_outlives_what_ends_it(session):
    assert session.run("kill -9 $$").code == 137
    assert outs(session, "echo on") == ["on\n"]


# --- shells in shells


OPENED = [
    "ip netns exec ns1 bash",
    "sudo ip netns exec ns1 bash",
    "ip netns exec ns1 sh",
    "ip netns exec ns1 bash --norc -i",
    "nsenter --net=/run/netns/ns1 bash",
    "nsenter --net=/run/netns/ns1",
    "cd / && ip netns exec ns1 bash",
    "ip netns exec ns1 sudo -s",
    "NAME=x ip netns exec ns1 env OTHER=y bash",
    "ip net e ns1 $SHELL",
    "ip netns exec ns1 sudo su",
    "ip netns exec ns1 \\\n  bash --rcfile <(echo PS1=x)",
]


@pytest.mark.parametrize("line", OPENED)
def test_lines_below_an_opened_shell_run_in_its_namespace(session, line):
    session.run("ip -n ns1 link add name here type bridge")
    session.run(line)
    assert session.at == "ns1"
    below = session.run("ip -br link | cut -d' ' -f1 | sort")
    assert (below.at, below.out) == ("ns1", "here\nlo\n")
    assert session.run("exit 3").code == 3
    assert outs(session, "echo $?; ip link show here 2>/dev/null | wc -l") == ["3\n0\n"]
    assert session.at == "master"


def test_shell_that_takes_the_place_of_the_one_before_is_followed(session):
    outs(session, "exec ip netns exec ns1 bash")
    assert (session.at, outs(session, "ip netns identify $$")) == ("ns1", ["ns1\n"])


def test_shell_that_cannot_be_opened_leaves_the_lines_where_they_are(session):
    assert session.run("ip netns exec nosuch bash").code != 0
    assert (session.at, session.depth, outs(session, "hostname")) == ("master", 0, ["master\n"])


def test_shells_nest_and_a_name_made_at_a_node_lives_in_its_shell(session):
    session.run("ip netns exec ns1 bash")
    session.run("sh")
    assert (session.at, session.depth) == ("ns1", 2)
    outs(session, "ip netns add pod")
    assert session.run("ip netns exec pod ip -br link").code == 0
    session.run("ip netns exec ns2 bash")
    assert (session.at, session.depth) == ("ns2", 3)
    outs(session, "exit", "exit", "exit")
    assert (session.at, session.depth) == ("master", 0)
    lost = session.run("ip netns exec pod ip -br link")
    assert "Made at a node" in lost.hint


def test_namespace_without_a_name_is_called_so(session):
    session.run("unshare --net bash")
    assert session.at == "(unnamed)"
    session.run("nsenter --net=/run/netns/ns1 bash")
    assert session.at == "ns1"
    outs(session, "exit", "exit")
    assert session.at == "master"


def test_history_has_the_lines_as_typed(lab, session):
    before = len(lab.typed)
    outs(session, "ip netns exec ns1 bash", "ip a", "exit", "ip r")
    assert lab.typed[before:] == ["ip netns exec ns1 bash", "ip a", "exit", "ip r"]
    assert [ran.at for ran in lab.history[-4:]] == ["master", "ns1", "ns1", "master"]


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("line", "opens"),
    [
        *((line, True) for line in OPENED),
        ("bash", True),
        ("sudo -i", True),
        ("sudo su -", True),
        ("unshare -n", True),
        ("unshare --net --mount bash", True),
        ("nsenter -t 123 -n", True),
        ("nsenter -t 123 -n ip a", False),
        ("ip netns exec ns1 bash -c 'ip a'", False),
        ("ip netns exec ns1 bash setup.sh", False),
        ("ip netns exec ns1 bash <<EOF\nip a\nEOF", False),
        ("ip netns exec ns1 bash < setup.sh", False),
        ("echo ip a | ip netns exec ns1 bash", False),
        ("ip netns exec ns1 ip a", False),
        ("echo bash", False),
        ("echo 'bash", False),
        ("sudo ip a", False),
        ("", False),
    ],
)
def test_line_that_opens_a_shell_is_known_by_its_words(line, opens):
    assert opens_a_shell(line) == opens


# --- as it comes


def interrupted(session, line, sees):
    """The record of a line that is interrupted as soon as it has said this."""
    stopped = []

    def watch(text, is_error):
        if sees in text and not stopped:
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as raised:
            session.run(line, watch=watch)
    finally:
        signal.signal(signal.SIGINT, before)
    return raised.value.args[0]


def test_output_comes_as_it_is_made_and_ctrl_c_keeps_it(lab, session):
    ran = interrupted(session, "ping -i 0.2 127.0.0.1", "icmp_seq=2")
    assert "icmp_seq=2" in ran.out
    assert "packets transmitted" in ran.out
    assert lab.history[-1] == ran
    assert len(ran.rows["ping"]) >= 2
    assert outs(session, "echo on") == ["on\n"]


def test_ctrl_c_in_an_opened_shell_stays_in_it(session):
    outs(session, "ip netns exec ns1 bash", "NAME=x", "ip link set lo up")
    assert "icmp_seq=1" in interrupted(session, "ping -i 0.2 127.0.0.1", "icmp_seq=1").out
    assert (session.at, outs(session, "echo $NAME")) == ("ns1", ["x\n"])


def test_ctrl_c_ends_a_loop_and_what_was_set_is_kept(session):
    session.run("NAME=x")
    assert interrupted(session, "while true; do echo round; sleep 0.1; done; echo after", "round").code == 130
    assert outs(session, "echo $NAME") == ["x\n"]


def test_what_ignores_ctrl_c_is_ended(session):
    assert "begun" in interrupted(session, "trap '' INT; echo begun; exec sleep 1000", "begun").out
    assert outs(session, "echo on") == ["on\n"]


def test_ctrl_c_spares_what_runs_in_the_background(session):
    outs(session, "ping -i 0.2 127.0.0.1 >/dev/null & true")
    interrupted(session, "ping -i 0.2 127.0.0.2", "icmp_seq=1")
    assert outs(session, "pgrep -xc ping") == ["1\n"]


def test_tcpdump_does_not_keep_back_what_it_saw(session):
    outs(session, "ip link add one type veth peer name two; ip link set one up; ip link set two up")
    outs(session, "ip addr add 10.0.0.1/24 dev one", "ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:01 dev one")
    outs(session, "ping -c 100 -i 0.2 -W 0.2 10.0.0.2 >/dev/null & true")
    user = "-Z root " if os.geteuid() == 0 else ""
    assert "echo request" in interrupted(session, f"tcpdump {user}-n -i two icmp", "echo request").out
    piped = f"tcpdump {user}-n -i two icmp 2>/dev/null | grep request | sed s/request/asks/"
    assert "asks" in interrupted(session, piped, "asks").out


def test_what_a_line_says_later_from_the_background_is_heard_below(session):
    heard = []

    def late(ran, text, is_error):
        heard.append((ran.line, text, is_error))

    there = "until [ -e /run/{} ]; do :; done".format
    session.run(f"({there('one')}; echo out; echo err >&2; >/run/said; {there('two')}; echo end) &")
    assert [ran.line[0] for ran in session.talking] == ["("]
    own = session.run(f"echo own; >/run/one; {there('said')}", late=late)
    (line,) = {line for line, _, _ in heard}
    assert (own.out, line.startswith("(until")) == ("own\n", True)
    assert {text: is_error for _, text, is_error in heard} == {"out\n": False, "err\n": True}
    session.run(">/run/two; wait", late=late)
    assert heard[-1][1:] == ("end\n", False)
    session.run("true")
    assert session.talking == []


def test_timeout_ends_a_line_as_ctrl_c(lab):
    ran = lab.run("ping -i 0.2 127.0.0.1", timeout=0.5, session=True)
    assert "ping statistics" in ran.out


def test_each_thread_may_have_a_lab_with_a_session():
    seen = {}

    def build(number):
        with Lab() as lab:
            lab.run(f"NUMBER={number}", session=True)
            seen[number] = lab.run("echo $NUMBER", session=True).out

    threads = [threading.Thread(target=build, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {number: f"{number}\n" for number in range(4)}


def test_shell_of_a_login_finds_sudo(session):
    """nsenter without a program starts a login shell, which takes its PATH from /etc/profile."""
    assert outs(session, "ip netns add red", "nsenter --net=/run/netns/red", "sudo hostname")[-1:] == ["master\n"]
    assert session.run("no-such-program").code == 127
    left = session.run("exit")
    assert (left.code, left.hint, session.depth) == (127, "", 0)


# --- pasted


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("pasted", "typed", "remark"),
    [
        ("$ ip netns add ns1\n$ ip netns list\nns1", ["ip netns add ns1", "ip netns list"], "looks like output"),
        ("# ip netns add ns1\n# ip netns list\nns1\n", ["ip netns add ns1", "ip netns list"], "`#`"),
        (
            "[root@x ~]# ip a\n1: lo: <UP>\n    link/loopback\n[root@x ~]# cd /tmp\n[root@x tmp]#",
            ["ip a", "cd /tmp"],
            "2 lines",
        ),
        ("root@host:~# brctl show\nbridge name\tbridge id\nroot@host:~# ip r", ["brctl show", "ip r"], "a line"),
        ("user@h:~$ sudo ip a", ["sudo ip a"], "`user@h:~$`"),
        ("$ cat <<EOF\n> a\n> EOF\n$ ip a", ["cat <<EOF\na\nEOF", "ip a"], "`$`"),
        ("$ for n in 1 2; do\n> echo $n\n> done", ["for n in 1 2; do\necho $n\ndone"], "`$`"),
        ("/ # ip a", ["ip a"], "`/ #`"),
        ("bash-5.1# ip a", ["ip a"], "`bash-5.1#`"),
        ("$ ip a\nip r", ["ip a", "ip r"], "`$`"),
        ("$ sudo -s\n# ip a\n# ip r\n# exit\nexit\n$ ip n", ["sudo -s", "ip a", "ip r", "exit", "ip n"], "`#`"),
        ("$ ip netns exec red bash\n# ip a\n$ exit", ["ip netns exec red bash", "ip a", "exit"], "`#`"),
        ("$ nsenter --net=/run/netns/r\n# ip a\n# exit\n# ip a shows all\n$ ip r",
         ["nsenter --net=/run/netns/r", "ip a", "exit", "ip r"], "`#`"),
        ("$ sudo -i\n# ip netns exec red sh\n# ip a\n# exit\n# ip r",
         ["sudo -i", "ip netns exec red sh", "ip a", "exit", "ip r"], "`#`"),
        ("$ ip a\n# ip a shows all\n$ ip r", ["ip a", "ip r"], "`$`"),
        ("# as the page has it:\n# ip netns add ns0", [], "No line is run"),
        ("# make the namespace\nip netns add ns1", ["ip netns add ns1"], ""),
        ("# ip netns add ns0\nip netns add ns1", ["ip netns add ns1"], ""),
        ("#ip netns add ns0", [], ""),
        ("[ -e /etc ] && echo a", ["[ -e /etc ] && echo a"], ""),
        ("$program a", ["$program a"], ""),
        ("ip a  # $ all", ["ip a  # $ all"], ""),
    ],
)  # fmt: skip
def test_prompts_of_a_pasted_terminal_are_taken_off_and_it_is_said(pasted, typed, remark):
    lines = read(pasted)
    assert [command.text for command in lines.commands] == typed
    assert remark in " ".join(lines.remarks)
    assert bool(remark) == bool(lines.remarks)


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("pasted", "typed"),
    [
        ("$ ip netns exec red bash\n$ ip a\n$ exit\nexit\n$ ip r", ["ip netns exec red bash", "ip a", "exit", "ip r"]),
        ("u@h:~$ su -\nroot@h:~# ip a\nroot@h:~# logout\nlogout\nu@h:~$ ip r", ["su -", "ip a", "logout", "ip r"]),
        ("u@h:~$ sudo -s\nroot@h:~# ip a\nroot@h:~# \nlogout\nu@h:~$ ip r", ["sudo -s", "ip a", "exit", "ip r"]),
        ("$ ip a\nexit", ["ip a", "exit"]),
        ("ip a\nexit\nexit", ["ip a", "exit", "exit"]),
        ("\ufeffip netns add red", ["ip netns add red"]),
    ],
)
def test_what_a_shell_says_when_it_ends_is_not_typed(pasted, typed):
    assert [command.text for command in read(pasted).commands] == typed
    as_they_come = without_prompts(pasted.removeprefix("\ufeff").splitlines(), [].append)
    assert [line for line in as_they_come if line] == typed


@pytest.mark.no_lab
def test_commands_know_their_lines():
    text = "#!/bin/bash\n\nip a\nfor n in 1 2; do\n  echo $n\ndone\nip r\n"
    assert [command.number for command in read(text).commands] == [3, 4, 7]


# --- from the command line

SCRIPT = """\
    #!/bin/bash
    NS="red blue"
    for ns in $NS; do
        sudo ip netns add $ns
    done
    ip netns exec red bash
    ip link set lo up
    exit
    pign 10.0.0.1
    ip netns exec red ping -c 1 -W 1 127.0.0.1
    ip link show nosuch
"""


@pytest.fixture
def up(vethlab):
    """`up` of a file of these lines; the lab is ended."""
    yield lambda file, *words: vethlab("up", str(file), "--name", "typed", *words)
    vethlab("down", "typed")


def test_up_file_tells_each_line_and_stops_at_the_first_that_fails(vethlab, up, tmp_path):
    file = tmp_path / "lab.sh"
    file.write_text(textwrap.dedent(SCRIPT))
    ended = up(file)
    assert ended.returncode == 1
    assert "[root@red ~]# ip link set lo up" in ended.stdout
    assert f"{file}, line 9: exit code 127. There is no program 'pign'. Did you mean `ping`?" in ended.stderr
    assert "The 2 commands below it did not run. `--keep-going`" in ended.stderr
    assert "icmp_seq" not in ended.stdout
    assert vethlab("run", "typed", "--", "ip", "netns").stdout.split() == ["blue", "red"]


def test_up_file_goes_on_if_asked_and_keeps_the_lab(vethlab, up, tmp_path):
    file = tmp_path / "lab.sh"
    file.write_text(textwrap.dedent(SCRIPT))
    ended = up(file, "--keep-going")
    assert ended.returncode == 1
    assert "icmp_seq=1" in ended.stdout
    assert "2 of 8 commands failed: lines 9, 11." in ended.stderr
    assert "ip netns exec red ping -c 1 -W 1 127.0.0.1" in vethlab("show", "typed", "history").stdout.splitlines()


def test_up_file_that_ends_itself_is_no_failure(up, tmp_path):
    file = tmp_path / "lab.sh"
    file.write_text("echo $0\ncat\nexit 0\nip netns add red\n")
    ended = up(file)
    assert (ended.returncode, "did not run" in ended.stderr) == (0, True)
    assert str(file) in ended.stdout.splitlines()


def test_prompts_are_taken_off_in_run_and_shell(vethlab, up, tmp_path):
    file = tmp_path / "lab.sh"
    file.write_text("$ ip netns add red\n$ ip netns list\nred\n")
    assert "The prompts (`$`) are taken off" in up(file).stderr
    ran = vethlab("run", "typed", "--", "# ip netns list")
    assert (ran.stdout, "are taken off" in ran.stderr) == ("red\n", True)
    shown = vethlab("shell", "typed", input="$ cd /etc\n$ pwd; ip netns\n", stdin=None)
    assert (shown.stdout, "are taken off" in shown.stderr) == ("/etc\nred\n", True)
    below = vethlab("run", "typed", "--", "ip netns exec red bash\nip -br link show lo")
    assert "[root@red ~]# ip -br link show lo" in below.stdout


def test_misspelt_program_gets_its_hint_in_run(vethlab, up, tmp_path):
    file = tmp_path / "lab.sh"
    file.write_text("ip netns add red\n")
    up(file)
    ran = vethlab("run", "typed", "--", "pign", "-c", "1", "10.0.0.1")
    assert (ran.returncode, "Did you mean `ping`?" in ran.stderr) == (127, True)


@pytest.mark.no_lab
def test_misspelt_program_gets_its_hint_in_shell():
    handler = {"BASH_FUNC_command_not_found_handle%%": NOT_FOUND}
    ended = subprocess.run(["bash", "-c", "pign x"], env=os.environ | handler, capture_output=True, text=True)
    assert (ended.returncode, "Did you mean `ping`?" in ended.stderr) == (127, True)


def test_shell_ends_when_it_is_left_and_what_it_started_goes_on(lab):
    session = lab.session()
    session.run("sleep 1000 & true")
    session.close()
    until(lambda: lab.run("pgrep -f noediting", expect=None).code == 1, "its bash has ended")
    assert lab.run("pgrep -x sleep").code == 0
