"""Learn how container networks are wired: real commands in a private world, as tables.

>>> from vethlab_sh import Lab
>>> with Lab() as lab:
...     records = lab.play("bridge")
...     print(records[-1].line)
brctl showmacs br0
"""

import signal
import sys

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # `python -m vethlab_sh` is still being imported, and Ctrl-C ends it without a traceback, as it ends any program
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from .errors import LabError
from .explain import explain
from .lab import Lab
from .shell import Ran
from .snapshot import Snapshot
from .tables import parse, tables

__version__ = "0.1.0"
__all__ = ["Lab", "LabError", "Ran", "Snapshot", "explain", "parse", "tables"]


def load_ipython_extension(shell: object) -> None:
    """`%load_ext vethlab_sh` in a notebook: gives it `%%lab` cells and, for cells in Python, `lab`."""
    from .magic import load

    load(shell)  # type: ignore[arg-type]
