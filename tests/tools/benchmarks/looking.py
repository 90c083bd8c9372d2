"""How long does it take to look: one line, a snapshot, a walk?"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import cache

from building import HOSTS
from pair import CannotRun, Pair
from programs import HERE, said

from vethlab_sh import Lab
from vethlab_sh.sandbox import is_rootless
from vethlab_sh.snapshot import COLUMNS

TIMED = """
import statistics, time
def seconds():
    start = time.perf_counter()
    {call}
    return time.perf_counter() - start
print(statistics.median(seconds() for _ in range(50)))
"""
LOADED = "import pandas, matplotlib.pyplot\nfrom vethlab_sh import Lab\nlab = Lab()"
OURS = LOADED + TIMED.format(call='lab.run("ip link")')
SH = "import sh" + TIMED.format(call='sh.ip("link")')
# What a walk cannot do without, for every device of the lab: listen, be ready, ping, stop.
BARE = """
here=$(mktemp -d); cd $here; ears=()
listen() { "$@" -nn -e -l -tt -U --immediate-mode -T vxlan >$RANDOM$RANDOM 2>$1.${#ears[@]}.err & ears+=($!); }
everywhere() { for file in $("$@" ls /sys/class/net); do listen "$@" tcpdump USER -i $file; done; }
everywhere
for ns in /run/netns/*; do everywhere ip netns exec ${ns##*/}; done
until [ $(cat *.err | grep -c 'listening on') = ${#ears[@]} ]; do :; done
ip netns exec pod-a ping -c 1 -W 1 TARGET >ping
kill ${ears[@]}; wait; cd /; rm -r $here
"""


@cache
def many() -> Lab:
    """A lab of many hosts, to be looked at."""
    lab = Lab()
    lab.play("bridge", hosts=HOSTS)
    return lab


@cache
def nodes() -> Lab:
    """A lab of two nodes, walked once, so that both sides find warm tables."""
    lab = Lab()
    lab.play("flannel")
    return lab


def snapshot() -> float:
    """Seconds for a snapshot and all of its tables."""
    import pandas  # noqa: F401  (loading it is no part of the snapshot)

    lab = many()
    start = time.perf_counter()
    taken = lab.snapshot()
    for name in COLUMNS:
        taken.frame(name)
    return time.perf_counter() - start


def pyroute2() -> float:
    """Seconds for pyroute2 to read the same in the same lab, without tables."""
    ran = many().run(f"{sys.executable} {HERE / 'with_pyroute2.py'} read", expect=None)
    if ran.code:
        raise CannotRun(f"pyroute2: {ran.err.strip().splitlines()[-1]}")
    return float(ran.out)


@cache
def broken() -> Lab:
    """The same with one node that does not forward: the most common fault between nodes."""
    lab = Lab()
    lab.play("flannel")
    lab.run("ip netns exec node2 sysctl -qw net.ipv4.ip_forward=0")
    return lab


@cache
def looped() -> Lab:
    """A bridge with both ends of a cable in it, and no STP."""
    lab = Lab()
    lab.play("bridge")
    lab.run("ip link add l1 up master br0 type veth peer name l2")
    lab.run("ip link set l2 master br0")
    return lab


def timed(lab: Lab, src: str, dst: str, ok: bool = True) -> float:
    """Seconds for a walk, which has to end well, or not."""
    start = time.perf_counter()
    assert lab.walk(src, dst).ok is ok
    return time.perf_counter() - start


def walk() -> float:
    """Seconds for a walk across the nodes."""
    return timed(nodes(), "pod-a", "pod-c")


def failing_walk() -> float:
    """Seconds for the same walk, where it fails and is told why."""
    return timed(broken(), "pod-a", "pod-c", ok=False)


def own_walk() -> float:
    """Seconds for a walk from a pod to its own address."""
    return timed(nodes(), "pod-a", "pod-a")


def named_loop() -> float:
    """Seconds until a walk names a loop of bridges. The loop is only there meanwhile: it takes a processor."""
    lab = looped()
    lab.run("ip link set l2 up")
    start = time.perf_counter()
    assert lab.walk("ns100", "ns101").cause == "loop"
    seconds = time.perf_counter() - start
    lab.run("ip link set l2 down")
    return seconds


def bare_loop() -> float:
    """Seconds for a plain loop that listens everywhere and pings once."""
    lab = nodes()
    inside = [row for row in lab.snapshot().rows.addresses if row.namespace == "pod-c" and row.dev == "eth0"]
    user = "" if is_rootless() else "-Z root"  # its drop to another user would let it outlive us
    script = BARE.replace("USER", user).replace("TARGET", inside[0].address.partition("/")[0])
    return lab.run(script).seconds


def pairs() -> Iterator[Pair]:
    """A snapshot, a line, a walk."""
    yield Pair(f"snapshot of {HOSTS} namespaces, with tables", "pyroute2 reading the same", 0.4, snapshot, pyroute2)
    yield Pair(
        'lab.run("ip link"), pandas and matplotlib loaded', 'sh.ip("link") in a bare Python', 1.3,
        lambda: said(OURS), lambda: said(SH), rounds=5,
    )  # fmt: skip
    yield Pair("walk across nodes on flannel", "the same tcpdumps, one ping, a bare loop", 1.5, walk, bare_loop)
    yield Pair("walk that fails, evidence included (forwarding off)", "a walk that succeeds", 3, failing_walk, walk)
    yield Pair("walk to an own address", "a walk across nodes", 1.2, own_walk, walk)
    yield Pair("a loop of bridges, named", "one second", 1, named_loop, lambda: 1.0, rounds=3)
