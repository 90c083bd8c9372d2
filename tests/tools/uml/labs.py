"""Is a lab in user-mode Linux a lab like any other? `make test-uml` boots one for most of these, which share it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from vethlab_sh import Lab
from vethlab_sh.errors import LabClosed, NotReady
from vethlab_sh.uml import registers

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def lab():
    with Lab(kernel="uml") as made:
        made.play("bridge")
        yield made


def test_what_lines_say_comes_back_whole(lab):
    ran = lab.run("seq 200000; echo wrong >&2; exit 3", expect=None)
    assert ran.out == "".join(f"{number}\n" for number in range(1, 200001))
    assert (ran.err, ran.code) == ("wrong\n", 3)
    quoted = "'" + "x" * 60000 + "'"
    assert lab.run(f"echo {quoted}").out == "x" * 60000 + "\n"
    assert lab.run("echo 'ü $HOME'").out == "ü $HOME\n"


def test_line_ends_when_its_time_is_over(lab):
    ran = lab.run("ping -c 100 127.0.0.1", timeout=3, expect=None)
    assert "ping statistics" in ran.out


def test_bridge_is_walked_checked_and_drawn(lab):
    walk = lab.walk("ns100", "ns101")
    assert walk.ok, walk.verdict
    assert [row.device for row in walk.rows if row.device != "br0"][:3] == ["veth100", "br-veth100", "br-veth101"]
    assert lab.check("ns100 can reach ns101")
    assert lab.draw().figure.get_axes()


def test_what_goes_wrong_is_told_as_elsewhere(lab):
    lab.run("ip link set br-veth101 down")
    walk = lab.walk("ns100", "ns101")
    lab.run("ip link set br-veth101 up")
    assert walk.cause == "device-down"
    assert walk.fixes


def test_session_keeps_what_a_shell_keeps(lab):
    session = lab.session()
    session.run("cd /tmp; word=kept")
    assert session.run("echo $word $PWD").out == "kept /tmp\n"
    session.run("ip netns exec ns100 bash")
    assert (session.at, session.depth) == ("ns100", 1)
    assert "veth100" in session.run("ip -br link").out
    session.run("exit")
    assert session.run("sleep 100", timeout=1).code == 130
    assert session.run("exit 4").code == 4
    assert session.run("echo $word").out == "kept\n"
    session.close()


def test_lines_may_end_while_others_run(lab):
    lab.run("sleep 1000 & echo begun")
    assert len(lab._run_together(["ping -c 1 192.168.1.101"] * 4, "ns100", (0,))) == 4


def test_rules_of_iptables_are_those_that_are_met(lab):
    lab.run("iptables -A INPUT -s 10.9.9.9 -j DROP")
    rules = lab.snapshot(settings=True).rows.filters
    lab.run("iptables -F INPUT")
    assert [rule.text for rule in rules] == ["-A INPUT -s 10.9.9.9/32 -j DROP"]


def test_what_its_kernel_lacks_is_said(lab):
    ran = lab.run("nft add table inet mine", expect=None)
    assert ran.code == 1
    assert "no nf_tables of this family" in ran.hint


def test_machine_is_not_written_to(lab):
    assert "Read-only" in lab.run(f"touch {ROOT}/written", expect=None).err
    lab.run("touch /tmp/of-the-guest")
    assert not Path("/tmp/of-the-guest").exists()


def test_what_cannot_be_in_it_is_said(lab):
    with pytest.raises(NotReady, match="ends with its Python"):
        lab.stay("mine")
    with pytest.raises(NotReady, match="Python functions"):
        lab.inside("ns100", os.getpid)


@pytest.mark.parametrize("name", ["direct", "flannel", "calico"])
def test_scenario_works(name):
    ended = subprocess.run(
        [sys.executable, "-m", "vethlab_sh", "demo", name, "--kernel", "uml", "--quiet"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ended.returncode == 0, ended.stderr
    assert "user-mode Linux" in ended.stderr


def test_modules_are_loaded_without_registers_that_the_kernel_does_not_move(tmp_path):
    """A program that was started by the kernel, with an environment that is not ours, and begins another with ours."""
    helper = tmp_path / "helper"
    helper.write_bytes(registers.helper("/usr/bin/env"))
    helper.chmod(0o755)
    assert subprocess.run([helper], capture_output=True, text=True, check=True, env={"HOME": "/"}).stdout == (
        f"GLIBC_TUNABLES={registers.WITHOUT_AVX['GLIBC_TUNABLES']}\n"
    )
    given = subprocess.run([helper, "echo", "rtnl link", "bridge"], capture_output=True, text=True, check=True)
    assert given.stdout == "rtnl link bridge\n"
    helper.write_bytes(registers.helper("/nowhere"))
    assert subprocess.run([helper], check=False).returncode == 127


def test_older_kernel_moves_fewer_registers_where_it_does_not_know_all(lab):
    fewer = registers.may_be_too_many() and lab.run("uname -r").out < "6.13"
    assert lab.run("echo $GLIBC_TUNABLES").out.strip() == (registers.WITHOUT_AVX["GLIBC_TUNABLES"] if fewer else "")
    lab.run("ip link add team0 type team")  # a module is loaded


def test_two_labs_use_the_same_names_and_end():
    with Lab(kernel="uml") as one, Lab(kernel="uml") as two:
        for each in (one, two):
            each.run("ip netns add ns1")
        one.run("ip netns del ns1")
        assert two.run("ip netns list").out == "ns1\n"
        one.close()
        with pytest.raises(LabClosed):
            one.run("true")
        assert two.run("ip netns list").out == "ns1\n"


def test_nothing_is_left_when_python_is_killed():
    program = (
        "import os; from vethlab_sh import Lab; lab = Lab(kernel='uml'); "
        "print(os.readlink(f'/proc/self/fd/{lab._world._place._files}'), flush=True); input()"
    )
    python = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    folder = python.stdout.readline().decode().strip()
    assert _of(folder)
    os.kill(python.pid, signal.SIGKILL)
    python.communicate()
    until(lambda: not _of(folder) and not Path(folder).exists(), "the guest and its folder are gone")


def _of(folder: str) -> list[str]:
    """The processes whose words name a folder."""
    found = []
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if folder.encode() in words.read_bytes():
                found.append(words.parent.name)
        except OSError:  # gone meanwhile
            continue
    return found
