"""The private world: isolated, inherited by nobody, gone whatever ends it."""

import dataclasses
import errno
import gc
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import ROOT, hold, inhabitants, until, world

from vethlab_sh import Lab, sandbox, scenarios
from vethlab_sh import world as world_maker
from vethlab_sh.errors import BadOption, LabClosed, NotReady, ToolMissing
from vethlab_sh.keep import stay
from vethlab_sh.sandbox import _close, _reap
from vethlab_sh.uml import registers

pytestmark = [pytest.mark.live, pytest.mark.every_case]


def spawn(program: str) -> subprocess.Popen[str]:
    """Python in a process of its own, that says a word when it is where the test wants it."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_new_lab_holds_only_loopback(lab):
    assert [link.name for link in lab.snapshot().rows.links] == ["lo"]
    assert lab.run("ip netns list").out == ""
    assert lab.run("hostname").out == "master\n"


def test_lab_sees_only_its_own_processes(lab):
    assert lab.run("ps -e -o comm=").out.split() == ["bash", "ps"]


def test_two_labs_use_the_same_names():
    with Lab() as one, Lab() as two:
        for lab in (one, two):
            lab.run("ip netns add ns1")
            lab.run("ip link add br0 type bridge")
        one.run("ip netns del ns1")
        assert one.run("ip netns list").out == ""
        assert two.run("ip netns list").out == "ns1\n"


def test_lab_cannot_reach_another_lab():
    with Lab() as one, Lab() as two:
        for lab in (one, two):
            lab.run("ip link add name plug type bridge")
            lab.run("ip link set plug up")
        one.run("ip addr add 10.9.9.1/24 dev plug")
        two.run("ip addr add 10.9.9.2/24 dev plug")
        assert one.run("ping -c 1 -W 1 10.9.9.2", expect=None).code == 1
        assert one.run("ping -c 1 -W 20 10.9.9.1").code == 0


def test_forwarding_is_off_on_every_machine(lab):
    assert lab.run("sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.rp_filter").out == "0\n0\n"


def test_capture_runs_without_root(lab):
    script = "tcpdump -Z $(id -un) -i lo -c 1 -n icmp 2>/dev/null & ping -q -c 3 -i 0.2 127.0.0.1 >/dev/null; wait"
    assert "ICMP echo request" in lab.run(script).out


def test_closing_ends_background_processes():
    lab = Lab()
    home = world(lab)
    lab.run("sleep 1000 & setsid sleep 1000 & true")
    until(lambda: lab.run("pgrep -c sleep", expect=None).out == "2\n", "both are there")
    lab.close()
    until(lambda: not inhabitants(home), "the lab's processes are gone")


@pytest.mark.parametrize("stays", [False, True], ids=["leaves", "stays"])
def test_nothing_inside_ends_the_holder(stays):
    with Lab() as lab:
        if stays:
            lab.stay("web")
        try:
            lab.run("for n in $(seq 50); do (setsid true &); done")  # orphans, which process 1 inherits
            for signal_number in set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP}:
                lab.run(f"kill -{signal_number} 1", expect=None)
            lab.run("kill -9 1; kill -STOP 1", expect=None)
            until(lambda: "Z" not in lab.run("ps -e -o stat=").out, "no zombie is left")
            assert lab.run("ps -e -o pid= | wc -l").out.strip() == "4", "process 1, bash, ps, wc"
        finally:
            if stays:
                stay.down("web")


def test_closing_twice_is_harmless():
    lab = Lab()
    lab.close()
    lab.close()
    with pytest.raises(LabClosed, match="closed"):
        lab.run("true")


def test_world_that_does_not_end_is_not_waited_for_long(monkeypatch):
    """As where the parent of one in there, who is outside, takes no note of its end: the kernel keeps process 1."""
    monkeypatch.setattr(sandbox, "ENDING", 0.1)
    lab = sandbox.Sandbox()
    hear, tell = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    parent = os.fork()
    if parent == 0:
        try:
            lab.enter()
            if os.fork():
                os.write(tell, b"there")
                signal.sigwait({signal.SIGUSR1})
                os.wait()
            else:
                signal.sigwait({signal.SIGUSR1})
        finally:
            os._exit(0)
    os.read(hear, 5)
    lab.close()
    assert lab.pid in sandbox.LEFT
    os.kill(parent, signal.SIGUSR1)
    os.waitpid(parent, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    _close(hear, tell)
    until(lambda: _reap() or lab.pid not in sandbox.LEFT, "its end is taken note of later")


def test_killed_holder_is_told_in_a_sentence():
    with Lab() as lab:
        os.kill(lab.sandbox.pid, signal.SIGKILL)
        until(lambda: not lab.alive, "the lab is gone")
        with pytest.raises(LabClosed, match="killed"):
            lab.run("true")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
@pytest.mark.parametrize(
    "line",
    [
        "ping -i 0.2 127.0.0.1",
        "ping -i 0.2 127.0.0.1 | cat",
        "timeout 1000 ping -i 0.2 127.0.0.1",
        "setsid --wait sleep 1000",
        "ip netns add a1; ip netns exec a1 sleep 1000; true",  # else bash becomes what it starts last, and leaves
        "tcpdump -i lo",
    ],
)
def test_any_death_leaves_nothing(line, number):
    python = spawn(f"""
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from vethlab_sh import Lab
        from vethlab_sh.keep import stay
        lab = Lab()
        print(lab.sandbox.pid, flush=True)
        lab.run({line!r})
    """)
    home = hold(f"/proc/{python.stdout.readline().strip()}/ns/net")
    until(lambda: len(inhabitants(home)) > 2, f"`{line}` runs beside process 1 and the shell")
    python.send_signal(number)
    python.communicate()
    until(lambda: not inhabitants(home), "every process of the lab is gone")


def test_dropped_lab_is_collected():
    lab = Lab()
    home = world(lab)
    del lab
    gc.collect()
    until(lambda: not inhabitants(home), "the forgotten lab is gone")


def test_forbidden_namespaces_are_explained(monkeypatch):
    def refuses(*arguments):
        raise world_maker.Refused(errno.EPERM, "unshare")

    monkeypatch.setattr("vethlab_sh.world._found", refuses)
    with pytest.raises(NotReady, match=r"unshare: Operation not permitted.*Ways out"):
        Lab(kernel="host")


@pytest.mark.no_lab
def test_other_kernel_is_offered_where_it_is_not(monkeypatch):
    monkeypatch.setattr("vethlab_sh.uml.guest.find", lambda tool: None)
    monkeypatch.setattr("vethlab_sh.sandbox.find", lambda tool: None)
    with pytest.raises(NotReady) as refused:
        Lab(kernel="uml")
    if platform.machine() == sandbox.UML_PROCESSOR:
        assert sandbox.UML_INSTALL in str(refused.value)
        assert sandbox.UML_INSTALL in sandbox.forbidden_because()
    else:
        assert "x86-64 processors only" in str(refused.value)
    with pytest.raises(BadOption, match="host, uml"):
        Lab(kernel="hurd")


@pytest.mark.no_lab
def test_only_what_a_thread_starts_is_kept_from_the_registers():
    ours, theirs = seccomp_of("/proc/self/status"), registers.fewer(lambda: seccomp_of("/proc/thread-self/status"))
    started = registers.fewer(lambda: subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True))
    assert (theirs, seccomp_in(started.stdout)) == (2, 2)  # SECCOMP_MODE_FILTER
    assert ours == seccomp_of("/proc/self/status")


def seccomp_of(file):
    return seccomp_in(Path(file).read_text())


def seccomp_in(status):
    return int(re.search(r"^Seccomp:\t(\d)$", status, re.MULTILINE).group(1))


def test_other_kernel_is_taken_by_itself_only_where_ours_refuses(monkeypatch):
    def refuses(*arguments):
        raise world_maker.Refused(errno.EPERM, "unshare")

    def boots(meanwhile):
        raise NotReady("booted")

    monkeypatch.setattr("vethlab_sh.uml.guest.is_installed", lambda: True)
    monkeypatch.setattr("vethlab_sh.uml.guest.Guest", boots)
    with Lab() as lab:
        assert lab.guest == ""
    monkeypatch.setattr("vethlab_sh.world._found", refuses)
    with pytest.raises(NotReady, match="booted"):
        Lab()
    with pytest.raises(NotReady, match="Ways out"):
        Lab(kernel="host")


def test_other_kernel_is_taken_where_settings_are_fixed_that_a_scenario_changes(monkeypatch):
    def boots(meanwhile):
        raise NotReady("booted")

    monkeypatch.setattr("vethlab_sh.uml.guest.is_installed", lambda: True)
    monkeypatch.setattr("vethlab_sh.uml.guest.Guest", boots)
    flannel, bridge = scenarios.load("flannel"), scenarios.load("bridge")
    with Lab.for_scenario(flannel) as lab:
        assert not lab.sandbox.settings_are_fixed
    monkeypatch.setattr(sandbox.Sandbox, "settings_are_fixed", True)
    with pytest.raises(NotReady, match="booted"):
        Lab.for_scenario(flannel)
    for lab in (Lab.for_scenario(bridge), Lab.for_scenario(flannel, kernel="host")):
        assert lab.guest == ""
        lab.close()


@pytest.mark.no_lab
def test_apparmor_has_three_ways_out_and_each_its_cost(monkeypatch, tmp_path):
    setting = tmp_path / "apparmor_restrict_unprivileged_userns"
    setting.write_text("1\n")
    switch = dataclasses.replace(sandbox.SWITCHES[0], file=str(setting))
    monkeypatch.setattr(sandbox, "SWITCHES", (switch,))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    sentence = sandbox.forbidden_because()
    for way in (
        "`./setup.sh apparmor` (a profile: this Python alone may)",
        "userns=0` (every program may, until the next start)",
        "sudo (lines then run as root)",
    ):
        assert way in sentence


@pytest.mark.no_lab
def test_profile_for_apparmor_names_our_python_and_no_other():
    ended = subprocess.run([ROOT / "setup.sh", "apparmor-profile"], capture_output=True, text=True, check=True)
    rules = [line for line in ended.stdout.splitlines() if line and not line.startswith("#")]
    venv = os.environ.get("VETHLAB_VENV", f"{ROOT}/.venv")
    assert rules[2:4] == [f'profile vethlab_sh "{venv}/bin/python" flags=(unconfined) {{', "  userns,"]


@pytest.mark.no_lab
def test_missing_unshare_names_its_package(monkeypatch):
    monkeypatch.setattr("vethlab_sh.sandbox.find", lambda tool: None)
    with pytest.raises(ToolMissing, match="util-linux"):
        Lab()


# --- in a container -------------------------------------------------------------------------------------------------


@pytest.fixture
def refusing(monkeypatch):
    """Have a call of those that make a world refused, as by a container: refusing("mount", lambda ...: whether)."""

    def refuse(name, forbids):
        allowed = getattr(world_maker, name)

        def call(*arguments):
            if forbids(*arguments):
                raise world_maker.Refused(errno.EPERM, name)
            return allowed(*arguments)

        monkeypatch.setattr(world_maker, name, call)

    return refuse


NESTED = "ip netns add a; ip netns add b; ip netns exec a ip netns exec b ip link set lo up"


def test_namespaces_are_entered_where_no_sys_can_be_mounted(refusing):
    refusing("mount", lambda source, target, kind, *more: kind == "sysfs")
    with Lab() as lab:
        lab.run(NESTED)
        assert lab.run("ip -n b -br link show lo").out.split()[1] == "UNKNOWN"
        assert lab.run("bridge -n b -d link").code == 0
        assert lab.run("ls /sys").out == ""  # rather than the devices of another network
        missing = lab.run("ip netns exec c true", expect=None)
        assert (missing.code, missing.err) == (255, 'Cannot open network namespace "c": No such file or directory\n')


def test_devices_in_sys_are_those_of_the_namespace_where_it_is_read_only(refusing):
    read_write = world_maker.MS_NOSUID | world_maker.MS_NODEV | world_maker.MS_NOEXEC
    refusing("mount", lambda source, target, kind, flags, *more: kind == "sysfs" and flags == read_write)
    with Lab() as lab:
        lab.run(NESTED)
        lab.run("ip link add name here type bridge; ip -n b link add name there type bridge")
        assert "here" in lab.run("ls /sys/class/net").out.split()
        devices = lab.run("ip netns exec a ip netns exec b ls /sys/class/net").out.split()
        assert "here" not in devices


ESCAPE = """
import os
os.mkdir("/run/jail")
os.chroot("/run/jail")  # and we stand outside of it
for _ in range(20):
    os.chdir("..")
os.chroot(".")
print(sorted(os.listdir("/run")))
"""


def test_root_that_cannot_be_changed_is_covered_for_good(refusing):
    refusing("pivot_root", lambda new, old: True)
    with Lab() as lab:
        lab.run(NESTED)
        assert lab.run(f"{sys.executable} -c '{ESCAPE}'").out == "['jail', 'netns']\n"  # ours, not the machine's
        assert lab.run("umount -l /", expect=None).code != 0
        assert lab.run("ls /run/netns").out.split() == ["a", "b"]
        lab.run("unshare --mount true")


def test_names_of_tables_are_the_labs_own_where_no_folder_is_laid_over_another(refusing):
    refusing("mount", lambda source, *more: source == "overlay")
    names = "cat /etc/iproute2/rt_tables 2>&1"  # newer releases have no such file
    with Lab() as outer, Lab() as lab:
        before = outer.run(names, expect=None).out
        lab.run("[ ! -d /etc/iproute2 ] || { echo 201 T1 >> /etc/iproute2/rt_tables && ip rule add table T1; }")
        assert lab.run("ls -d /etc/passwd").out == "/etc/passwd\n"
    with Lab() as later:
        assert later.run(names, expect=None).out == before


def test_root_without_its_rights_takes_a_user_namespace(refusing):
    refusing("unshare", lambda flags: not flags & world_maker.CLONE_NEWUSER and flags & world_maker.CLONE_NEWPID)
    with Lab() as lab:
        lab.run(NESTED)
        assert lab.run("id -u").out.strip() == str(os.geteuid())
        assert lab.run("stat -c %u /etc/passwd").out.strip() in ("0", "65534")  # root, as far as it is known


def test_world_whose_name_may_not_be_set_is_made(monkeypatch):
    def refuses(name):
        raise PermissionError(errno.EPERM, "sethostname")

    monkeypatch.setattr(socket, "sethostname", refuses)
    with Lab() as lab:
        lab.run(NESTED)
