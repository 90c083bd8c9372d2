"""What labs cannot do to the machine: a lab plays the machine here, so that nothing real would be harmed."""

import contextlib
import json
import os
import shlex
import sys
import textwrap

import pytest
from conftest import ROOT

from vethlab_sh import Lab
from vethlab_sh.errors import LabError
from vethlab_sh.node.inspect import inspect

pytestmark = [pytest.mark.live, pytest.mark.every_case]
MACHINE = """
set -e
ip link add eth0 type veth peer name eth1
for end in eth0 eth1; do ip link set $end addrgenmode none && ip link set $end up; done
ip addr add 10.77.0.1/24 dev eth0 && ip route add 10.78.0.0/24 via 10.77.0.2 && ip route add blackhole 10.79.0.0/24
ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
nft add table inet mine && nft add chain inet mine input '{ type filter hook input priority 0; }'
nft add rule inet mine input tcp dport 22 accept
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.proxy_arp=1
ip netns add secret && mkdir /run/kept && mount -t tmpfs kept /run/kept && echo mine >/run/kept/file
"""
STATE = {
    "links": "ip -d -o link", "addresses": "ip -o addr | sed 's/valid_lft.*//'", "rules": "ip rule",
    "neighbours": "ip neigh show nud permanent", "nftables": "nft list ruleset",
    "routes": "ip route show table all; ip -6 route show table all",
    "namespaces": "ip netns list; ip -n secret -o link", "mounts": "cut -d' ' -f5- /proc/self/mountinfo",
    "sysctls": "grep -rs . /proc/sys/net/ipv4 /proc/sys/net/ipv6 /proc/sys/net/core | sort | grep -v stat_refresh",
    "hostname": "hostname", "files": "find /run -type f -exec md5sum {} +",
    "processes": "ps -e -o comm= | grep -vE '^(bash|ps|grep)$'",
}  # fmt: skip
# What a learner, or somebody worse, could type in a lab.
LINES = [
    "ip link del eth0; ip link set lo down; ip link add eth0 type dummy; ip addr flush dev lo",
    "ip route flush table all; ip rule add prio 1 blackhole; ip neigh flush all; ip -6 addr flush dev lo",
    "nft flush ruleset; iptables -F; iptables -P INPUT DROP; nft add table inet theirs",
    "sysctl -w net.ipv4.ip_forward=0 net.ipv4.conf.all.proxy_arp=1 net.ipv4.conf.default.rp_filter=1",
    "ip netns del secret; rm -rf /run/netns/* /run/kept; umount /run/kept; mount -t tmpfs mine /var/tmp",
    "umount -l /proc; umount -l /run; mount --make-rshared /; mount --bind /tmp /var",
    "hostname theirs; kill -9 -1; kill -9 1",
    "ip link add name a type veth peer name b; ip link set b netns 1; ip link set a netns 1; brctl addbr eth0",
    "$(ip link del eth0); `ip link del eth0`; ip link del eth0 # \n ip link del eth0\n",
    "true; nsenter -t 1 -a ip link del eth0; unshare -n ip link del eth0; chroot / ip link del eth0",
    "-x; -rf /run; " + "x" * 300,
]
# What tutorials write into files of the machine
SETTINGS = [
    "mkdir -p /etc/iproute2 && echo 201 T1 >> /etc/iproute2/rt_tables",
    "ip rule add from 10.9.0.9 table T1 && ip rule | grep -qw T1",
    "sed -i s/T1/T2/ /etc/iproute2/rt_tables && ip rule | grep -qw T2",
    "echo 10.9.0.9 nine >> /etc/hosts && getent hosts nine",
    "echo nameserver 10.9.0.9 > /etc/resolv.conf",
    "mkdir -p /etc/netns/red && echo nameserver 10.9.0.10 > /etc/netns/red/resolv.conf",
    "echo net.ipv4.ip_forward=1 >> /etc/sysctl.conf && sysctl -p",
    "mkdir -p /etc/sysctl.d && echo net.ipv4.ip_forward=1 > /etc/sysctl.d/90-nine.conf",
    "mkdir -p /etc/network && echo 'iface nine inet manual' >> /etc/network/interfaces",
    "echo vxlan >> /etc/modules",
    "echo mine > /etc/of-a-lab && rm /etc/of-a-lab",
]
WHAT_THEY_WRITE = (
    "cd /etc && cat hosts resolv.conf sysctl.conf modules iproute2/* network/* 2>/dev/null | md5sum; "
    "ls -A . netns sysctl.d 2>&1; true"
)
INNER = """
import sys
from vethlab_sh import Lab
for line in sys.stdin.read().split("\\0"):
    with Lab() as lab:
        lab.run(line, expect=None, timeout=20)
"""


@pytest.fixture(scope="module")
def machine():
    with Lab() as lab:
        lab.run(MACHINE)
        yield lab


def state(machine):
    return {name: machine.run(line, expect=None).out for name, line in STATE.items()}


def python(machine, program, given=""):
    """Run a program of the kit on the machine that the lab plays."""
    words = f"{sys.executable} -c {shlex.quote(textwrap.dedent(program))}"
    return machine.run(f"cd {ROOT} && printf %s {shlex.quote(given)} | {words}").out


def test_hostile_lines_stay_inside_the_sandbox(machine):
    before = state(machine)
    assert "dport 22" in before["nftables"]
    assert "10.79.0.0/24" in before["routes"]
    python(machine, INNER.replace('"\\0"', '"=next="'), "=next=".join(LINES))
    assert state(machine) == before


@pytest.mark.parametrize("words", [
    "demo bridge --quiet", "demo flannel --quiet", "inspect", "drill list",
    "check bridge 'ns100 can reach 192.168.1.101'", "walk calico pod-a pod-c", "inspect --walk master 10.77.0.1",
    "up bridge --name one && {0} run one -- ip link del br0 && {0} save one - && {0} down one", "doctor",
])  # fmt: skip
def test_no_verb_changes_the_machine(machine, words):
    before = state(machine)
    verb = f"{sys.executable} -m vethlab_sh"
    machine.run(
        f"cd {ROOT} && export XDG_RUNTIME_DIR=/run/kept && {verb} {words.format(verb)}; rm -rf /run/kept/vethlab*"
    )
    assert state(machine) == before


def test_settings_that_lines_write_are_the_labs_own(machine):
    """In a lab of root's, who could write the machine's, and in that of a user, who could not."""
    before = machine.run(WHAT_THEY_WRITE).out
    program = """
        import sys
        from vethlab_sh import Lab
        with Lab() as lab:
            for line in sys.stdin.read().splitlines():
                print(line, lab.run(line, expect=None).code)
    """
    ended = python(machine, program, "\n".join(SETTINGS))
    assert ended.splitlines() == [f"{line} 0" for line in SETTINGS]
    assert machine.run(WHAT_THEY_WRITE).out == before


def test_lab_reaches_nothing_of_the_machine(machine):
    """Neither by address, nor by a namespace's name, nor by a process, nor by an abstract socket."""
    seen = json.loads(python(machine, """
        import json, socket
        from vethlab_sh import Lab
        ours = socket.socket(socket.AF_UNIX)
        ours.bind("\\0machine"), ours.listen()
        lines = {
            "ping": "ping -c 1 -W 1 10.77.0.1", "claim": "ip link add v type veth peer name w; ip link set v up; "
            "ip link set w up; ip addr add 10.77.0.9/24 dev v; ping -c 1 -W 1 10.77.0.1", "names": "ip netns list",
            "links": "ls /sys/class/net", "files": "ls /run", "processes": "ps -e -o comm=",
            "one": "nsenter -t 1 -n ip -o link", "socket": "python3 -c \\"import socket; "
            "socket.socket(socket.AF_UNIX).connect('\\\\0machine')\\"",
        }
        with Lab() as lab:
            said = {name: lab.run(line, expect=None) for name, line in lines.items()}
        print(json.dumps({name: [ran.code, ran.out, ran.err] for name, ran in said.items()}))
    """))  # fmt: skip
    assert seen["ping"][0] == 2
    assert "unreachable" in seen["ping"][2]
    assert seen["claim"][0] == 1
    assert seen["names"][1] == ""
    assert "eth0" not in seen["links"][1] + seen["one"][1]
    assert "kept" not in seen["files"][1]
    assert "python" not in seen["processes"][1]
    assert "refused" in seen["socket"][2]


def test_only_settings_of_its_own_network_can_be_written(lab):
    """Also by root, who would have the whole machine's; where process numbers go on is the lab's own, too."""
    writable = lab.run("find /proc/sys -path /proc/sys/net -prune -o -type f -writable -print", expect=None)
    assert set(writable.out.split()) <= {"/proc/sys/kernel/ns_last_pid"}
    for setting in ("kernel/panic", "vm/swappiness", "fs/file-max"):
        same = f"value=$(cat /proc/sys/{setting}); echo $value >/proc/sys/{setting}"
        assert lab.run(same, expect=None).code != 0, setting
    assert "echo" not in lab.run("echo 1 >/proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward").err


def test_clock_kernel_log_and_modules_are_out_of_reach(lab):
    """There is one of each for the whole machine; asked for what is so already, were it allowed."""
    assert lab.run('date -s "@$(date +%s)"', expect=None).code != 0
    assert lab.run("echo h >/proc/sysrq-trigger", expect=None).code != 0
    bounding = int(lab.run("grep CapBnd /proc/self/status").out.split()[1], 16)
    rootless = lab.run("readlink /proc/self/ns/user").out.strip() != os.readlink("/proc/self/ns/user")
    assert rootless or not bounding & sum(1 << capability for capability in (16, 17, 22, 25, 34))


HOSTILE = [
    ";touch PWNED",
    "$(touch PWNED)",
    "`touch PWNED`",
    "a\ntouch PWNED",
    "-x",
    "x" * 300,
    "a'b",
    'a"b',
    "a|b",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_is_refused_wherever_a_name_is_asked_for(lab, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab.run("ip netns add ns1")
    for ask in (
        lambda: lab.run("true", at=name),
        lambda: lab.play(name),
        lambda: lab.drill(name),
        lambda: lab.walk(name, "ns1"),
        lambda: lab.walk("ns1", name),
        lambda: lab.check(f"{name} can reach {name}"),
        lambda: Lab(name),
        lambda: Lab(replay=name),
        lambda: inspect(name),
    ):
        with contextlib.suppress(LabError):
            assert not ask()
    with pytest.raises(LabError):
        lab.stay(name)
    assert os.listdir(tmp_path) == []
    assert lab.run("ip netns list").out == "ns1\n"


@pytest.mark.parametrize("name", ["a;touch PWNED", "$(touch PWNED)", "`touch PWNED`", "a b", "a'b"])
def test_name_that_the_kernel_took_is_only_a_name(lab, name, tmp_path, monkeypatch):
    """`ip` makes namespaces and devices of almost any name; to us it is no more than that."""
    monkeypatch.chdir(tmp_path)
    quoted = shlex.quote(name)
    lab.run(f"ip netns add {quoted} && ip link add name {quoted} type veth peer name eth0 netns {quoted} || "
            f"ip link add name odd type veth peer name eth0 netns {quoted}")  # fmt: skip
    lab.run(f"ip netns exec {quoted} ip addr add 10.0.0.2/24 dev eth0; ip netns exec {quoted} ip link set eth0 up")
    assert name in [row.namespace for row in lab.snapshot(settings=True).rows.namespaces]
    lab.changes()
    lab.draw(routes=True).figure.clear()
    assert not lab.walk(name, "10.0.0.9").ok
    lab.save(tmp_path / "saved.sh")
    with Lab() as other:
        other.run(f"bash {tmp_path}/saved.sh")
        assert name in [row.namespace for row in other.snapshot().rows.namespaces]
    assert os.listdir(tmp_path) == ["saved.sh"]
    assert lab.run("ls PWNED; ls /run/PWNED", expect=None).code != 0


def test_files_are_written_only_where_asked(vethlab, tmp_path):
    """But for matplotlib's list of fonts, which it keeps for the next time."""
    home = tmp_path / "home"
    home.mkdir()
    around = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "XDG_RUNTIME_DIR": str(home)}
    asked = tmp_path / "asked"
    asked.mkdir()
    for words in (
        f"demo bridge --quiet --png {asked}/a.png", f"walk bridge ns100 ns101 --html {asked}/a.html",
        "up direct --name one", f"save one {asked}/a.sh", "down one", "demo direct --replay", "script bridge",
        f"explain tests/article.txt --svg {asked}/a.svg", "list", "tables", "inspect",
    ):  # fmt: skip
        ended = vethlab(*words.split(), env=around)
        assert ended.returncode == 0, ended.stderr
    assert sorted(os.listdir(asked)) == ["a.html", "a.png", "a.sh", "a.svg"]
    left = [file for file in home.rglob("*") if file.is_file() and "matplotlib" not in str(file)]
    assert left == []
