"""How far is it? Said where somebody waits and watches, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .markup import printable, width

LARGE = 100  # namespaces: what is smaller is done before one wonders
WIDTH = 79


@contextmanager
def telling(namespaces: int) -> Iterator[Callable[[str], None]]:
    """A function that shows a sentence in place of the one before, while work on so many namespaces goes on.

    It does nothing for a small lab, nor when errors go neither to a terminal nor into a notebook. In the end the last
    sentence is wiped.
    """
    show = _place() if namespaces >= LARGE else None
    if show is None:
        yield lambda sentence: None
        return
    try:
        yield show
    finally:
        show("")


def _place() -> Callable[[str], None] | None:
    """Shows a sentence where somebody watches: below a notebook's cell, on a terminal; None where nobody does."""
    if type(sys.stderr).__module__.startswith("ipykernel."):
        return _below_the_cell()
    if sys.stderr is not None and sys.stderr.isatty():  # Python without a console, pythonw say, has no stderr
        return _on_terminal
    return None


def _below_the_cell() -> Callable[[str], None]:
    from IPython.display import display

    # not written to stderr, of which a notebook would keep a red strip
    below = display({"text/plain": ""}, raw=True, display_id=True)

    def show(sentence: str) -> None:
        content = {"text/plain": sentence} if sentence else {}
        below.update(content, raw=True)

    return show


def _on_terminal(sentence: str) -> None:
    terminal = getattr(sys.stderr, "below", sys.stderr)  # past the guard, which lets no carriage return through
    line = printable(sentence)
    while width(line) > WIDTH:
        line = line[:-1]
    line += " " * (WIDTH - width(line))  # they wipe what is left of a longer one
    terminal.write("\r" + line)
    if not sentence:
        terminal.write("\r")
    terminal.flush()
