"""What does the verb `tables` do? It lists which tables there are, and what their columns mean."""

from __future__ import annotations

import argparse

from ..tables import listed
from .arguments import does, json_argument
from .rows import print_rows


def tables_arguments(verb: argparse.ArgumentParser) -> None:
    """`tables`: what can be read."""
    does(verb, _tables, "tables", "tables --json")
    json_argument(verb)


def _tables(options: argparse.Namespace) -> int:
    print_rows(options, listed())
    return 0
