"""Learn how container networks are wired: real commands in a private world, as tables.

>>> from vethlab_sh import Lab
>>> with Lab() as lab:
...     records = lab.play("bridge")
...     print(records[-1].line)
brctl showmacs br0
"""

import importlib
import signal
import sys
from typing import TYPE_CHECKING, Any

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # `python -m vethlab_sh` is still being imported, and Ctrl-C ends it without a traceback, as it ends any program
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from .errors import LabError
from .tables import parse, tables

if TYPE_CHECKING:
    from .explained import explain
    from .lab import Lab
    from .shell import Ran
    from .snapshot import Snapshot

__version__ = "0.1.0"
__all__ = ["Lab", "LabError", "Ran", "Snapshot", "explain", "parse", "tables"]
ROOMS = {"Lab": "lab", "Ran": "shell", "Snapshot": "snapshot", "explain": "explained"}  # opened when they are wanted


def __getattr__(name: str) -> Any:
    if name not in ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{ROOMS[name]}", __name__), name)


def load_ipython_extension(shell: object) -> None:
    """`%load_ext vethlab_sh` in a notebook: gives it `%%lab` cells and, for cells in Python, `lab`."""
    from .magic import load

    load(shell)  # type: ignore[arg-type]
