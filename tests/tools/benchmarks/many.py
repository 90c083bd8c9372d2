"""What do many labs cost that are alive at once?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from pair import Pair

from vethlab_sh import Lab

LABS = 50


@cache
def together() -> tuple[float, float]:
    """Seconds to build so many labs, and the MiB that each of them takes when it is idle."""
    with ExitStack() as alive:
        start = time.perf_counter()
        for _ in range(LABS):
            alive.enter_context(Lab()).play("bridge")
        seconds = time.perf_counter() - start
        return seconds, sum(memory(int(pid)) for pid in children()) / LABS / 2**20


def children() -> list[str]:
    """The processes that we have started, and those that they have."""
    found, parents = [], ["self"]
    for parent in parents:
        for file in Path(f"/proc/{parent}/task").glob("*/children"):
            found += file.read_text().split()
            parents += file.read_text().split()
    return found


def memory(pid: int) -> int:
    """Bytes that a process takes, pages that it shares counted in part: proc(5), Pss."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def one() -> float:
    """Seconds to build one."""
    start = time.perf_counter()
    with Lab() as lab:
        lab.play("bridge")
        return time.perf_counter() - start


def pairs() -> Iterator[Pair]:
    """Time and memory of 50 labs."""
    yield Pair(f"{LABS} labs alive at once", "one lab", LABS, lambda: together()[0], one, rounds=5)
    yield Pair(
        "memory of an idle lab, beyond Python's own",
        "1 MiB",
        3,
        lambda: together()[1],
        lambda: 1.0,
        rounds=1,
        unit="MiB",
    )
