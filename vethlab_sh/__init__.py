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

if TYPE_CHECKING:
    from .claims.check import vocabulary
    from .lab import Lab
    from .measure import plots
    from .node.explain import explain
    from .node.inspect import inspect
    from .record import Ran
    from .snapshot import Snapshot
    from .tables import parse, tables  # when it runs, `tables` is the module, which can be called

__version__ = "0.1.0"
__all__ = [
    "Lab",
    "LabError",
    "Ran",
    "Snapshot",
    "explain",
    "inspect",
    "parse",
    "plots",
    "tables",
    "vocabulary",
]

# Where each name lives. A room is opened when its name is wanted: who imports the package waits for none of them.
ROOMS = {
    "Lab": "lab",
    "Ran": "record",
    "Snapshot": "snapshot",
    "explain": "node.explain",
    "inspect": "node.inspect",
    "parse": "tables",
    "plots": "measure.plots",
    "tables": "tables",
    "vocabulary": "claims.check",
}


def __getattr__(name: str) -> Any:
    if name not in ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = importlib.import_module(f".{ROOMS[name]}", __name__)
    if name in globals():  # `tables` is a file beside this one: importing it has set the attribute that was asked for
        return room
    return getattr(room, name, room)  # `plots` is a room itself


def load_ipython_extension(shell: object) -> None:
    """`%load_ext vethlab_sh` in a notebook: gives it `%%lab` cells and, for cells in Python, `lab`."""
    from .notebook.magic import load

    load(shell)  # type: ignore[arg-type]
