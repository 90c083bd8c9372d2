"""How is the wiring drawn on request? Into PNG and SVG files, or in the terminal's own characters."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..language import tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..lab import Lab


def picture_arguments(verb: argparse.ArgumentParser) -> None:
    """Files to draw into."""
    verb.add_argument("--png", metavar="FILE", help=tr("save the picture as PNG"))
    verb.add_argument("--svg", metavar="FILE", help=tr("save the picture as SVG"))


def save_pictures(options: argparse.Namespace, draw: Callable[[], Axes], text: Callable[[], str]) -> None:
    """Draw into the files that were asked for; draw: makes the picture; text: what it says, for who cannot see it."""
    for kind in ("png", "svg"):
        file = getattr(options, kind)
        if file:
            from ..wiring import ink

            ink.save(draw(), file, kind, text())


def save_wiring(lab: Lab, options: argparse.Namespace) -> None:
    """Draw a lab's wiring into the files that were asked for."""

    def text() -> str:
        from ..wiring import characters

        return characters.as_text(lab.snapshot())

    routes = getattr(options, "routes", False)  # which `draw` alone has
    save_pictures(options, lambda: lab.draw(routes=routes), text)


def in_characters(lab: Lab) -> str:
    """A lab's wiring in characters that the terminal has."""
    from ..wiring import characters

    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return characters.as_text(lab.snapshot(), unicode=unicode)
