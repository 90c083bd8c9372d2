"""How are rows printed? As a table that fits the page or, with --json, as a list of objects and nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence

from .page import Page, Row


def print_rows(options: argparse.Namespace, rows: Sequence[Row], columns: Iterable[str] = ()) -> None:
    """Print rows as was asked for; columns: which, in their order (those of the first row)."""
    if options.json:
        print(json.dumps(rows, indent=1, default=str))
        return
    if rows:
        columns = columns or rows[0]
    page = Page.of(sys.stdout)
    print(page.table(rows, columns))
