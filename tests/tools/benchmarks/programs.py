"""How is a program started and timed? As a process of its own, with this checkout on its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from pair import CannotRun

from vethlab_sh.sandbox import search_path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ENVIRONMENT = os.environ | {"PATH": search_path(), "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
# Mininet makes its devices in the network that it finds and looks for its processes by name: it gets its own of both.
APART = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c")
APART_SCRIPT = 'mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run; ip link set lo up; exec "$@"'


def wall(*words: str) -> float:
    """Seconds that a program takes, from start to end."""
    start = time.perf_counter()
    output(*words)
    return time.perf_counter() - start


def said(program: str) -> float:
    """The number that a Python program prints."""
    return float(output(sys.executable, "-c", program))


def output(*words: str) -> str:
    """What a program prints; CannotRun when it fails."""
    ended = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT, stdin=subprocess.DEVNULL)
    if ended.returncode:
        complaint = (ended.stderr or ended.stdout).strip().splitlines()
        raise CannotRun(f"`{' '.join(words)[:60]}` failed: {complaint[-1] if complaint else 'without a word'}")
    return ended.stdout


def apart(*words: str) -> tuple[str, ...]:
    """The words that run a program with Mininet in it, away from this machine's network; CannotRun without Mininet."""
    if os.geteuid() != 0:
        raise CannotRun("Mininet needs root")
    if shutil.which("mn") is None:
        raise CannotRun("Mininet is not installed: apt-get install mininet")
    return (*APART, APART_SCRIPT, "sh", *words)
