"""How far is it? Said where somebody waits and watches, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LARGE = 100  # namespaces: what is smaller is done before one wonders
WIDTH = 79


@contextmanager
def telling(namespaces: int) -> Iterator[Callable[[str], None]]:
    """A function that shows a sentence in place of the one before, while work on so many namespaces goes on.

    It does nothing for a small lab, nor when errors go neither to a terminal nor into a notebook. In the end the last
    sentence is wiped.
    """
    if namespaces < LARGE or not _watched():
        yield lambda sentence: None
        return
    try:
        yield _show
    finally:
        _show("")
        sys.stderr.write("\r")
        sys.stderr.flush()


def _watched() -> bool:
    return sys.stderr is not None and (sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel."))


def _show(sentence: str) -> None:
    sys.stderr.write("\r" + sentence[:WIDTH].ljust(WIDTH))
    sys.stderr.flush()
