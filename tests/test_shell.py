"""One line in, one record out."""

import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, until

from vethlab_sh import Lab
from vethlab_sh.errors import BadInput, BadName, CommandFailed
from vethlab_sh.hints import hint_for
from vethlab_sh.inside import check_name, inside

pytestmark = pytest.mark.live


def test_record_keeps_line_and_output(lab):
    ran = lab.run("ip -br link")
    assert (ran.line, ran.at, ran.code, ran.err) == ("ip -br link", "master", 0, "")
    assert ran.out.startswith("lo ")
    assert ran.seconds > 0
    assert str(ran).startswith("[root@master ~]# ip -br link\nlo ")


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("echo 'a  b'", "a  b\n"),
        ("echo $((1 + 2)) | tr 3 x", "x\n"),
        ("cat <<EOF\none\ntwo\nEOF", "one\ntwo\n"),
        ("echo a \\\n b", "a b\n"),
        ("NAME=x; echo $NAME", "x\n"),
        ("for n in 1 2; do echo $n; done  # a comment", "1\n2\n"),
        ("LANG=de_DE.UTF-8 printenv LANG", "de_DE.UTF-8\n"),
        ("echo grün", "grün\n"),
    ],
)
def test_line_runs_as_bash_would(lab, line, out):
    assert lab.run(line).out == out


@pytest.mark.parametrize(
    "line",
    [
        "hostname; readlink /proc/self/ns/net",
        "readlink /proc/self/ns/net",
        "readlink\t/proc/self/ns/net\nreadlink /proc/self/ns/net",
        "printf '%s|' 'a  b' \"it's\" 'x$HOME' \"\"",
        "bash -c 'readlink /proc/self/ns/net; echo \"$0\" '\"'\"'$HOME'\"'\"",
        "printf '%s\n' /proc/self/ns/n* ~ {a,b} a\\ b",
        "WORD=x printenv WORD",
        "echo $((1 + 2)) | tr 3 x >&2; readlink /proc/self/ns/net",
        'echo "$HOSTNAME" # a remark',
        "! readlink /proc/self/ns/net",
    ],
)
def test_line_typed_for_a_namespace_does_what_it_does_in_there(lab, line):
    lab.run("ip netns add ns1")
    there, typed = lab.run(line, at="ns1", expect=None), lab.run(inside("ns1", line), expect=None)
    assert (typed.out, typed.err, typed.code) == (there.out, there.err, there.code)
    assert inside("master", line) == line


@pytest.mark.no_lab
@pytest.mark.parametrize("line", ["ip -d link show", "tcpdump -c 1 'arp or icmp'", "bash -c 'a | b'"])
def test_line_of_one_command_needs_no_bash_in_there(line):
    assert inside("ns1", line) == f"ip netns exec ns1 {line}"


SUDO = [
    "sudo ip netns add ns1",
    "sudo -E -n ip netns exec ns1 sudo ip link set lo up",
    "echo 1 | sudo tee /proc/sys/net/ipv4/ip_forward",
    "sudo sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'",
    "sudo -- sysctl -w net.ipv4.ip_forward=1",
    "for n in 2 3; do sudo ip netns add ns$n; done",
    "timeout 5 sudo -u root ip netns list",
    "sudo NAME=x printenv NAME",
    "sudo -s ip netns list",
    "sudo -v",
]


def test_sudo_runs_the_line_and_says_so_once(lab):
    said = ""
    for line in SUDO:
        said += lab.run(line).err
    assert said.count("root's rights already") == 1
    assert sorted(lab.run("ip netns list").out.split()) == ["ns1", "ns2", "ns3"]
    assert lab.run("cat /proc/sys/net/ipv4/ip_forward").out == "1\n"


def test_sudo_does_not_pretend(lab):
    shown = lab.run("sudo cd /tmp", expect=(1,))
    assert shown.err.endswith("sudo: cd: command not found\n")
    assert lab.run("sudo echo typed; sudo -n true && sudo test 1 = 1").out == "typed\n"  # a shell has its own of these
    assert "`ping`" in lab.run("sudo pign", expect=(1,)).hint
    assert lab.run("sudo -u nobody-is-called-so id", expect=(1,)).err


def test_failure_carries_record_and_hint(lab):
    with pytest.raises(CommandFailed, match="Cannot find device") as failed:
        lab.run("ip link set nosuch up")
    assert failed.value.ran.code == 1
    assert "ip link" in failed.value.hint


MISTAKES = [
    ("ip link add br1 type brige", "modprobe"),
    ("ip link add averyverylongname type bridge", "at most 15 bytes"),
    ("ip link add name averyverylongname type bridge", "1 to 15 bytes"),
    ("ip link add br0 type bridge", "there already"),
    ("ip link set br0 netns nosuch", "ip netns add NAME"),
    ("ip netns add movable; ip link set br0 netns movable", "cannot be moved"),
    ("ip netns exec nosuch ip a", "ip netns add NAME"),
    ("ip link set br0 master nosuch", "lists the devices"),
    ("ip link set lo master br0", "cannot be ports"),
    ("ip link set br0 address 01:00:00:00:00:00", "must be even"),
    ("ip link set br0 mtu 3", "minmtu"),
    ("bridge link set dev br0 hairpin on", "no port of a bridge"),
    ("ip addr add 10.0.0.300/24 dev br0", "numbers up to 255"),
    ("ip addr add 10.0.0.1/24", "dev NAME"),
    ("ip addr add 10.0.0.1/24 dev br0", "this address already"),
    ("ip route add 10.1.0.0/16 dev br0", "ip link set DEVICE up"),
    ("ip route add 10.1.0.1/16 dev br0", "the last two numbers are 0"),
    ("ip route add default via 10.9.9.9", "onlink"),
    ("ip route del 10.7.0.0/16", "no such route"),
    ("ip neigh add 10.0.0.9 lladdr 8e:2a dev br0", "six pairs"),
    ("ip neigh del 10.0.0.9 dev br0", "no such entry"),
    ("ip link up br0", "ip link help"),
    ("sysctl net.ipv6.conf.flannel.1.accept_ra", "write slashes"),
    ("sysctl -w net.ipv4.ip_forward = 1", "No spaces"),
    ("ping -c 1 -W 1 example.org", "no names"),
    ("ping -c 1 -W 1 10.88.0.1", "No route"),
    ("ping -c 1 -W 1 10.66.0.1", "blackhole"),
    ("iptables -A NOSUCH -j ACCEPT", "iptables -N NAME"),
    ("echo 'open", "not closed"),
    ("ip link add br2 type bridge vlan_filtering 2 vlan_filtering", "ip link help"),
    ("ip link add br2 type bridge; ip netns add ns1; ip netns add ns1", "ip netns list"),
    ("ip neigh add 10.0.0.8 lladdr 02:00:00:00:00:01 dev br0; ip neigh add 10.0.0.8 dev br0", "neigh replace"),
    ("ip link set br0 up; ip route add 10.5.0.0/16 dev br0; ip route add 10.5.0.0/16 dev br0", "route replace"),
    (
        "bridge fdb add 02:00:00:00:00:02 dev br0 self; bridge fdb add 02:00:00:00:00:02 dev br0 self",
        "bridge fdb append",
    ),
    ("iptables -N ONE && iptables -N ONE", "chain of this name"),
    ("ip netns exec ns1 ping -c 1 -W 1 127.0.0.1", "ip link set lo up"),
    ("ip netns exec ns1 ping -c 1 -W 1 ::1", "ip link set lo up"),
    ("pign -c 1 10.0.0.1", "`ping`"),
    ("ip a | gerp lo", "`grep`"),
    ("ip netns exec ns1 pign 10.0.0.1", "`ping`"),
    ("nsenter --net=/run/netns/ns1 pign", "`ping`"),
    ("timeout 1 pign", "`ping`"),
    ("brclt show", "`brctl`"),
    ("ifconifg", "`ifconfig`"),
    ("ip nets add ns9", "`netns`"),
    ("ip netns exce ns1 ip a", "`exec`"),
    ("bridge fbd show", "`fdb`"),
    ("brctl addbridge br9", "`addbr`"),
    ("ip link add name x type vteh", "`veth`"),
    ("sysctl -w net.ipv4.ip_froward=1", "`net.ipv4.ip_forward`"),
    ("$ ip a", "prompt"),
    ("ping \u2013c 1 127.0.0.1", "long dash"),
    ("ip\u00a0netns list", "Type it anew"),
    ("ip netns exec \u201cns1\u201d ip a", "curved quotes"),
    ("ip netns exec nosuch\u2013a ip a  # of pod\u2013a", "Type it anew"),
    ("ip netns exec nosuch ip a  # of pod\u2013a", "ip netns add NAME"),
    ("for i in 1 2; do echo $i", "`done`"),
    ("modprobe no_such_module", "outside the lab"),
    ("read -r name", "asks for input"),
    ("ip netns exec ns1 ip netns add pod; ip netns exec pod ip a", "Made at a node"),
]


@pytest.mark.no_lab
def test_check_for_root_is_told_what_it_finds():
    hint = hint_for("if [[ $EUID -ne 0 ]]; then echo run as root; exit 1; fi", 1, "run as root")
    assert ("Take this check out" in hint) == (os.geteuid() != 0)


def test_usual_mistakes_get_a_hint(lab):
    lab.run("ip link add br0 type bridge && ip addr add 10.0.0.1/24 dev br0 && ip route add blackhole 10.66.0.0/16")
    wrong = {}
    for line, hint in MISTAKES:
        ran = lab.run(line, expect=None)
        if ran.code == 0 or hint not in ran.hint:
            wrong[line] = ran.err, ran.hint
    assert wrong == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ip rout add", "Usage: ip route { list | flush } SELECTOR"),
        ("iptables -t nat -A POSTROUTING -j NOPE", "Chain 'NOPE' does not exist"),
        ("false", "without saying why"),
    ],
)
def test_failure_tells_what_was_said(lab, line, said):
    with pytest.raises(CommandFailed, match=re.escape(said)) as failed:
        lab.run(line)
    assert "failed on master (exit code" in str(failed.value)


def test_expected_failure_is_a_record(lab):
    assert lab.run("ping -c 1 -W 1 10.1.1.1", expect=(0, 2)).code == 2


def test_unknown_program_ends_with_127(lab):
    with pytest.raises(CommandFailed) as failed:
        lab.run("no-such-program --help")
    assert failed.value.ran.code == 127


def test_missing_tool_names_its_package(lab, monkeypatch):
    only = {"unshare", "bash", "ip"}
    monkeypatch.setattr("vethlab_sh.shell.search_path", lambda: "/nowhere")
    for module in ("shell", "hints"):
        monkeypatch.setattr(f"vethlab_sh.{module}.find", lambda tool: f"/usr/bin/{tool}" if tool in only else None)
    with pytest.raises(CommandFailed, match="apt-get install bridge-utils"):
        lab.run("brctl show")


# What is said where a kernel lacks something, which this one may have.
LACKING = [
    ("tc qdisc add dev eth0 root netem delay 10ms", "Error: Specified qdisc kind is unknown.", "modprobe sch_NAME"),
    ("tc qdisc add dev eth0 root netme", 'Unknown qdisc "netme", hence option "delay" is unparsable', "`netem`"),
    (
        "tc class add dev eth0 parent 1: classid 1:1 htb",
        "RTNETLINK answers: No such file or directory",
        "tc class show",
    ),
    ("ipvsadm -L", "modprobe: FATAL: Module ip_vs not found in directory /lib/modules/6.1", "no such module"),
]


@pytest.mark.no_lab
@pytest.mark.parametrize(("line", "said", "hint"), LACKING, ids=[line for line, _, _ in LACKING])
def test_what_a_kernel_lacks_is_told(line, said, hint):
    assert hint in hint_for(line, 2, said)


@pytest.mark.no_lab
@pytest.mark.parametrize("line", ["nohup nc -l 80", "/opt/bin/nc -l 80"])
def test_package_is_named_however_the_program_was_called(monkeypatch, line):
    monkeypatch.setattr("vethlab_sh.hints.find", lambda _tool: None)
    program = "/opt/bin/nc" if "/" in line else "nc"
    said = f"nohup: failed to run command '{program}': No such file or directory"
    assert "apt-get install netcat-openbsd" in hint_for(line, 127, said)


def test_english_whatever_the_caller_speaks(lab, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    ran = lab.run("ls /nowhere", expect=None)
    assert "No such file" in ran.err


def test_system_folders_are_on_path(lab, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert lab.run("brctl show").code == 0
    assert lab.run("brctl show | head -1").code == 0


def test_timeout_ends_a_command_as_ctrl_c(lab):
    ran = lab.run("ping -i 0.2 127.0.0.1", timeout=0.5)
    assert "ping statistics" in ran.out
    assert ran.code == 0


def test_interrupt_stops_command_and_keeps_lab(lab):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            lab.run("ping -i 0.2 127.0.0.1")
    finally:
        signal.signal(signal.SIGINT, before)
    until(lambda: lab.run("pgrep ping", expect=None).code == 1, "ping is gone")


def test_background_program_does_not_hold_the_line(lab):
    lab.run("sleep 1000 & echo started")
    until(lambda: lab.run("pgrep -c sleep", expect=None).out == "1\n", "it runs")


def test_background_program_does_not_speak_later(lab):
    lab.run("(until [ -e /run/go ]; do :; done; echo late; touch /run/said) & true")
    assert lab.run("touch /run/go; until [ -e /run/said ]; do :; done; echo now").out == "now\n"


def test_timeout_ends_what_ignores_ctrl_c(lab):
    ran = lab.run("trap '' INT; while :; do :; done", timeout=0.1, expect=None)
    assert ran.code == 137
    assert lab.run("echo on").out == "on\n"


def test_lines_run_together_answer_in_order(lab):
    lab.run("mkfifo /run/one /run/two")
    lines = ["read word </run/one; echo $word; echo b >/run/two", "echo a >/run/one; read word </run/two; echo $word"]
    assert [(ran.line, ran.out) for ran in lab.shell.run_together(lines)] == [(lines[0], "a\n"), (lines[1], "b\n")]


def test_nothing_inside_ends_the_shell(lab):
    lab.run("kill -9 -1", expect=None)
    assert lab.run("echo on").out == "on\n"


def test_program_runs_not_bash_s_own_command(lab):
    assert lab.run("kill --version").out.startswith("kill from ")


def test_line_runs_in_folder_and_environment_of_the_moment(lab, monkeypatch, tmp_path):
    for number in "12":
        folder = tmp_path / number
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("NUMBER", number)
        assert lab.run("echo $NUMBER $PWD").out == f"{number} {folder}\n"
    folder.rmdir()
    assert lab.run("echo on").out == "on\n"


def test_environment_may_change_while_it_is_read(lab):
    """pytest itself does so between two tests, while a thread plays a lab."""
    on = threading.Event()

    def change():
        while not on.is_set():
            os.environ["VETHLAB_FLEETING"] = "1"
            os.environ.pop("VETHLAB_FLEETING")

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(2000):
            assert lab.shell.environment()["LC_ALL"] == "C"
    finally:
        on.set()
        changer.join()


def test_lines_in_threads_run_at_the_same_time(lab):
    lab.run("mkfifo /run/there")
    waits = threading.Thread(target=lab.run, args=("read word </run/there",))
    waits.start()
    lab.run("echo word >/run/there")
    waits.join()


def test_nul_character_is_refused_with_a_sentence(lab):
    with pytest.raises(BadInput, match="NUL"):
        lab.run("echo a\0b")


def test_records_are_kept_whatever_covers_run(lab):
    lab.run("mount -t tmpfs -o ro tmpfs /run")
    assert lab.run("echo on").out == "on\n"


def test_line_runs_on_a_namespace_machine(lab):
    lab.run("ip netns add node2")
    ran = lab.run("ip -o link | wc -l", at="node2")
    assert (ran.out, ran.prompt) == ("1\n", "[root@node2 ~]# ")


def test_killed_command_tells_its_signal(lab):
    assert lab.run("timeout -s KILL 0.1 sleep 10", expect=None).code == 137
    assert lab.run("bash -c 'kill -TERM $$'", expect=None).code == 143


@pytest.mark.parametrize("name", ["sixteen-bytes-xx", "a/b", "", "-x", "a b", "a\nb", ".", "..", "a:b", "x" * 300])
def test_bad_name_is_refused_with_its_rule(lab, name):
    with pytest.raises(BadName, match="cannot be a name here"):
        lab.run("true", at=name)


@pytest.mark.no_lab
@pytest.mark.parametrize("name", ["br-veth101", "cali50c25257626", "flannel.1", "node2"])
def test_kernel_names_are_accepted(name):
    assert check_name(name) == name


def test_labs_in_threads_stay_apart():
    seen = {}

    def build(n: int) -> None:
        with Lab() as lab:
            lab.run(f"ip netns add ns{n}")
            seen[n] = lab.run("ip netns list").out.split()

    threads = [threading.Thread(target=build, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {n: [f"ns{n}"] for n in range(8)}


AT_THE_END = """
import atexit, threading
from vethlab_sh import Lab

def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")

lab = Lab()
print(lab.run("echo ran").out, end="")
atexit.register(setattr, threading.Thread, "start", refuse)  # what is registered last is called first
"""


def test_no_thread_is_started_while_python_shuts_down():
    """Python 3.12.0 to 3.12.2 refuses them then."""
    ended = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ran\n", "")
