"""Whatever goes wrong at a step, nothing is left and the next run works: one step of `make chaos` for each fault."""

import subprocess
import sys
import textwrap

import chaos
import live
import pytest
from conftest import ROOT

pytestmark = [pytest.mark.live, pytest.mark.every_case]
# The faults take turns on the scenarios, each at another step.
CASES = [(fault, chaos.NAMES[n % len(chaos.NAMES)], 7 * n + 3) for n, fault in enumerate(chaos.FAULTS)]


@pytest.mark.parametrize(("fault", "name", "number"), CASES, ids=[fault for fault, *_ in CASES])
def test_nothing_is_left_after(fault, name, number):
    step = number % len(chaos.load(name).steps)
    words = [sys.executable, str(ROOT / "tests" / "tools" / "chaos.py"), f"{fault}:{name}:{step}"]
    ended = subprocess.run(words, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr


LEAK = """
    import gc, os, threading
    from pathlib import Path
    from waiting import descriptors, until
    from vethlab_sh import Lab

    def held():
        gc.collect()
        children = sum(len(f.read_text().split()) for f in Path("/proc/self/task").glob("*/children"))
        return descriptors(), threading.active_count(), children

    def memory():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    for n in range({labs}):
        with Lab() as lab:
            lab.run("ip link add tap1 type veth peer name tap2")
        if n == 99:
            before, then = held(), memory()
    until(lambda: held() == before, f"{{before}} descriptors, threads and children are held, not {{held()}}", 10)
    grown = memory() - then
    assert grown < 2**20, f"{{grown}} bytes more than after 100 labs"
"""


def test_hundreds_of_labs_in_one_python_leak_nothing():
    program = textwrap.dedent(LEAK).format(labs=200 if live.BRIEF else 500)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT / "tests" / "tools"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
