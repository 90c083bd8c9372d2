"""What does the verb `tables` do? It lists which tables there are, and what their columns mean."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..tables import listed
from .arguments import add_verb
from .page import Page

if TYPE_CHECKING:
    from .arguments import Verbs


def add_tables(verbs: Verbs) -> None:
    """`tables`: what can be read."""
    add_verb(verbs, "tables", "list every table and its columns", _tables)


def _tables(options: argparse.Namespace) -> int:
    rows = listed()
    page = Page.of(sys.stdout)
    print(page.table(rows, rows[0]))
    return 0
