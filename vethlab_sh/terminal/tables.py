"""What does the verb `tables` do? It lists which tables there are, and what their columns mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..language import tr
from ..tables import listed
from .arguments import add_verb, json_argument
from .rows import print_rows

if TYPE_CHECKING:
    from .arguments import Verbs


def add_tables(verbs: Verbs) -> None:
    """`tables`: what can be read."""
    verb = add_verb(verbs, "tables", tr("list every table and its columns"), _tables, "tables", "tables --json")
    json_argument(verb)


def _tables(options: argparse.Namespace) -> int:
    print_rows(options, listed())
    return 0
