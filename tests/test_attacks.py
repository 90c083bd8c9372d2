"""Attacks on `grade`: of each kind some of those that `make attack` tries, and what must hold whatever is tried."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attacks.tried import every, told
from conftest import until

from vethlab_sh import Lab
from vethlab_sh.grading.confine import Confined, Limits
from vethlab_sh.world import libc

pytestmark = [pytest.mark.live, pytest.mark.every_case]


def test_attacks_are_held(tmp_path):
    broken = every(tmp_path, short=True)
    assert not any(broken.values()), told(broken)


def test_who_is_root_in_a_lab_takes_nothing_off(lab):
    for line in (
        "umount /proc",
        "umount -l /proc",
        "umount -l /run",
        "umount -l /dev",
        "ls /proc/1/cwd/",
        "ls /proc/1/root/",
        "exec 8<>/proc/1/fd/0",
        "nsenter --user=/proc/1/ns/user true",
        "touch /sys/file",
        "test -e /dev/kmsg",
        "test -e /dev/mem",
    ):
        assert lab.run(line, expect=None).code != 0, line


def test_lab_ends_with_its_python_though_its_socket_is_asked_for():
    program = """
import os, signal
from vethlab_sh import Lab
lab = Lab()
lab.run("setsid sleep 4242 8<>/proc/1/fd/0 >/dev/null 2>&1 </dev/null &", expect=None)
lab.run("setsid sleep 4242 >/dev/null 2>&1 </dev/null &")
print(lab.sandbox.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    holder = int(ended.stdout)
    until(lambda: not os.path.exists(f"/proc/{holder}/ns/net"), "the holder is gone")


def test_lines_are_ended_before_they_are_judged():
    confined = Confined(Limits(seconds=20, processes=60))
    with Lab(sandbox=confined) as lab:
        lab.run("ip netns add red; for n in 1 2 3; do setsid sleep 100 >/dev/null 2>&1 & done", expect=None)
        assert len(list(confined.numbers())) > 1
        confined.end_lines()
        assert list(confined.numbers()) == [1]
        with Lab(sandbox=confined.untouched()) as judged:
            assert judged.run("ip netns list").out.split() == ["red"]
            assert judged.run("ls -A /tmp").out == ""


def test_who_looks_at_names_leaves_nobody_to_process_1():
    """Process 1 of a container may never take note of an end, and so long the kernel lets no world end."""
    prctl, as_process_1 = libc().prctl, 36  # PR_SET_CHILD_SUBREAPER: who is left to process 1 is left to us
    with contextlib.closing(Confined(Limits())) as confined:
        confined.end_lines()
        ours = children()
        prctl(as_process_1, 1, 0, 0, 0)
        try:
            confined.untouched()
            left = children() - ours
        finally:
            prctl(as_process_1, 0, 0, 0, 0)
            for pid in children() - ours:  # else the world would wait for us, and we for the world
                os.waitpid(pid, 0)
    assert not left


def children():
    """The processes that we have, also those that have ended."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))
