"""How long does a lab of many hosts take, and how does that grow?"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from pair import CannotRun, Pair
from programs import HERE, apart, output

from vethlab_sh import Lab

HOSTS = 100
NUMBERS = f"{{100..{99 + HOSTS}}}"
FEWEST = f"""
ip link add name br0 up type bridge
for n in {NUMBERS}; do
    ip netns add ns$n
    ip link add name br-veth$n up master br0 type veth peer name veth$n netns ns$n
    ip -n ns$n addr add 192.168.1.$n/24 dev veth$n
    ip -n ns$n link set veth$n up
done
"""
BATCH = f"""
{{ echo link add name br0 up type bridge
for n in {NUMBERS}; do
    echo netns add ns$n
    echo link add name br-veth$n up master br0 type veth peer name veth$n netns ns$n
done; }} | ip -batch -
for n in {NUMBERS}; do ip -n ns$n -batch - <<<"addr add 192.168.1.$n/24 dev veth$n
link set veth$n up"; done
"""


def play(hosts: int = HOSTS) -> float:
    """Seconds for all lines of the scenario, pings included, in a lab that is there."""
    with Lab() as lab:
        start = time.perf_counter()
        lab.play("bridge", hosts=hosts)
        return time.perf_counter() - start


def and_leave() -> float:
    """Seconds to make the lab, build it and leave it."""
    start = time.perf_counter()
    with Lab() as lab:
        lab.play("bridge", hosts=HOSTS)
    return time.perf_counter() - start


def bash(lines: str) -> float:
    """Seconds for these lines in a lab that is there."""
    with Lab() as lab:
        return lab.run(lines).seconds


def pyroute2() -> float:
    """The same devices made by pyroute2."""
    with Lab() as lab:
        ran = lab.run(f"{sys.executable} {HERE / 'with_pyroute2.py'} build {HOSTS}", expect=None)
    if ran.code:
        raise CannotRun(f"pyroute2: {ran.err.strip().splitlines()[-1]}")
    return float(ran.out)


def mininet() -> float:
    """Build and stop with Mininet's own Python interface, in Debian's Python, where it is installed."""
    words = apart("/usr/bin/python3", str(HERE / "with_mininet.py"), str(HOSTS))
    return float(output(*words).splitlines()[-1])


def pairs() -> Iterator[Pair]:
    """100 hosts against bash, ip -batch, pyroute2 and Mininet; 1000 hosts against 100."""
    lay = f'Lab.play("bridge", hosts={HOSTS}), pings included'
    yield Pair(lay, "bash with the fewest ip commands, no ping", 0.35, play, lambda: bash(FEWEST), rounds=5)
    yield Pair(lay, "ip -batch, the least with real commands, no ping", None, play, lambda: bash(BATCH), rounds=5)
    yield Pair(lay, "pyroute2, no ping", None, play, pyroute2, rounds=3)
    yield Pair(f"{HOSTS} hosts, built and torn down", "Mininet's Python API", 0.1, and_leave, mininet, rounds=3)
    yield Pair('Lab.play("bridge", hosts=1000)', f"the same with {HOSTS}", 12, lambda: play(1000), play, rounds=3)
