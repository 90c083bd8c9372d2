"""The verbs for a real node: explain, inspect."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from ..errors import BadOption
from .page import Page
from .scenes import _show_walk
from .streams import _say

if TYPE_CHECKING:
    from ..node.cni import Wired


def _explain(options: argparse.Namespace) -> int:
    from ..node.explain import explain, read_file

    files, page = options.files or ["-"], Page.of(sys.stdout)
    if "-" in files and sys.stdin.isatty():
        print("Paste the session here, then press Ctrl-D on an empty line.", file=sys.stderr)
    texts = [read_file(file) for file in files]
    names = [os.path.basename(file) for file in files] if len(files) > 1 else []
    found = explain(*texts, names=names)
    _save_wired(found, options)
    print(json.dumps(found.as_dict(), indent=1) if options.json else page.explanation(found, options.tables))
    if found.outputs:
        return 0
    return _say("There is no output here of a command that has a table. `python -m vethlab_sh tables` lists them.", 1)


def _inspect(options: argparse.Namespace) -> int:
    from ..node.inspect import inspect
    from ..node.inspect import walk as walk_here

    if options.walk:
        if options.what or options.tables:
            raise BadOption("inspect --walk SRC DST stands alone: it shows one way, and no wiring or tables beside it.")
        return _show_walk(walk_here(*options.walk), options)
    found = inspect(options.what)
    _save_wired(found, options)
    told = json.dumps(found.as_dict(), indent=1) if options.json else ""
    print(told or Page.of(sys.stdout).inspection(found, options.what, options.tables))
    return 0


def _save_wired(found: Wired, options: argparse.Namespace) -> None:
    from ..wiring import ink

    for kind in ("png", "svg"):
        if file := getattr(options, kind):
            ink.save(found.draw(), file, kind, found.as_text())
