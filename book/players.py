"""How does a page of the site hold a walk that moves? As a page of its own in a frame, which loads when it is seen."""

from __future__ import annotations

from html import escape
from pathlib import Path

from said import tr

from vethlab_sh.packet.walk import Walk


class Shelf:
    """The pages of players, each a file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[str, tuple[Walk, int]] = {}

    def keep(self, name: str, walk: Walk) -> None:
        """Write the player of a walk under this name, in the language that is spoken."""
        player = walk.animate(self.folder / f"{name}.html")
        self._kept[name] = (walk, player.height)

    def frame(self, name: str, folder: str, begins: bool = False) -> str:
        """The frame around a player, on one line of HTML.

        folder: where players are, as seen from the page; begins: it plays by itself, unless the reader wants calm.
        """
        walk, height = self._kept[name]
        title = escape(tr("The packet's way from {src} to {dst}, to be played", src=walk.src, dst=walk.dst))
        address = f"{folder}/{name}.html{'#playing' if begins else ''}"
        look = f'class="player" style="height:{height}px"'
        return f'<iframe {look} src="{address}" title="{title}" loading="lazy"></iframe>'
