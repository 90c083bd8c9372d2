"""Learn how container networks are wired: real commands in a private world, as tables.

>>> from vethlab_sh import Lab
>>> with Lab() as lab:
...     records = lab.play("bridge")
...     print(records[-1].line)
brctl showmacs br0
"""

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
