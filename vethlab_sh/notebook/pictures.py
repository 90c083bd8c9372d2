"""How does a notebook show a wiring that was drawn? As SVG, in the page's theme, and in characters.

Beside the pixels, which a saved notebook keeps for pages that show nothing else, stands the same picture as SVG. A
chart, which is no wiring, is told by what is written in it: JupyterLab gives pixels no name (`alt`), a page does.
"""

from __future__ import annotations

import sys
from html import escape
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import print_figure

from ..language import tr
from ..markup import printable
from ..packet.player import svg
from ..wiring.ink import PICTURES


def describe(shell: InteractiveShell) -> None:
    """Let figures of ours be shown as SVG, and as characters where there is no page."""

    def register() -> None:
        formatter = shell.display_formatter
        if formatter is not None and "matplotlib.figure" in sys.modules:
            formatter.formatters["text/html"].for_type_by_name("matplotlib.figure", "Figure", _as_html)
            formatter.formatters["text/plain"].for_type_by_name("matplotlib.figure", "Figure", _as_characters)

    # each time before a cell's figures are shown: matplotlib, when it is first drawn with, takes off all formatters
    shell.events.register("post_execute", register)


def _as_html(figure: Any) -> str | None:
    picture = PICTURES.get(figure)
    if picture is not None:
        return svg(picture, moving=False)
    words = _words(figure)
    if not words:  # shown as ever
        return None
    pixels = print_figure(figure, fmt="png", base64=True)
    return f'<img alt="{escape(words)}" src="data:image/png;base64,{pixels}">'


def _as_characters(figure: Any, printer: Any, cycle: bool) -> None:
    picture = PICTURES.get(figure)
    printer.text(picture.describe() if picture else _words(figure) or repr(figure))


def _words(figure: Any) -> str:
    """A chart by all that is written in it, panel by panel; nothing where nothing is written."""
    lines = []
    for panel in figure.axes:
        lines += [panel.get_title(), panel.get_ylabel(), panel.get_xlabel()]
        marks = [*panel.get_xticklabels(), *panel.get_yticklabels(), *panel.texts]
        words = [mark.get_text().replace("\n", " ") for mark in marks]
        lines.append(", ".join(filter(None, words)))
    told = list(filter(None, lines))
    if not told:
        return ""
    # names that a stranger gave may stand in it
    return printable("\n".join([tr("A chart:"), *told]), keep="\n")
