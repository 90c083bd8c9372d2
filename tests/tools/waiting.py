"""What the tests wait for is a fact that they can look up, not time; and what this process holds is such a fact."""

import os
import time
from collections.abc import Callable


def until(fact: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for a fact, not for time; fail with a sentence when it does not come true."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, f"gave up after {seconds} s waiting until {what}"
        os.sched_yield()


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))
