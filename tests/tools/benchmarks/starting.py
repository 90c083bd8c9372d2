"""How long does one wait for the import, and for the whole demo?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

from pair import Pair
from programs import apart, output, said, wall

IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
DEMO = (sys.executable, "-m", "vethlab_sh", "demo", "bridge", "--quiet")
MININET = ("mn", "--switch", "lnxbr", "--controller", "none", "--topo", "single,2", "--test", "pingall")


@cache
def script() -> str:
    """The scenario as plain bash, which makes a private world of its own, as the demo does."""
    return output(sys.executable, "-m", "vethlab_sh", "script", "bridge")


def pairs() -> Iterator[Pair]:
    """The import; the demo against bash and against Mininet's command line."""
    yield Pair(
        "import vethlab_sh", "import sh", 1.15,
        lambda: said(IMPORT.format("vethlab_sh")), lambda: said(IMPORT.format("sh")), rounds=11,
    )  # fmt: skip
    yield Pair(
        "demo bridge --quiet, the whole process", "the same commands and pings in bash", 1.0,
        lambda: wall(*DEMO), lambda: wall("bash", "-c", script()), rounds=9,
    )  # fmt: skip
    yield Pair(
        "demo bridge --quiet, the whole process", "mn, two hosts, pingall", 1 / 8,
        lambda: wall(*DEMO), lambda: wall(*apart(*MININET)), rounds=5,
    )  # fmt: skip
