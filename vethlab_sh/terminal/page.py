"""How does text fit a terminal? Wrapped, in columns that fit its width, with colour where there is some.

Text in, text out. No pandas: a demo starts without waiting for it.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import textwrap
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from .. import markup

if TYPE_CHECKING:
    from ..record import Ran

PROSE_WIDTH = 88
LEAST_WIDTH = 20  # of prose; what is narrower can no longer be read
TEXT_WIDTH = 40  # how wide a cell that holds a whole text stays at least
CELL_LINES = 3  # how many lines other cells may take
GAP = "  "  # between columns
HANG = "  "  # before the second line of a cell
PIECES = re.compile(r"[^\s,]*[\s,]*")  # a cell may be broken after a space or a comma

# Colours as ECMA-48 numbers them, in "select graphic rendition": console_codes(4)
BOLD, GREEN, CYAN, HEAD = "1", "32", "36", "1;4"

Row = Mapping[str, Any]
Cells = Mapping[str, Sequence[str]]  # by column, its heading first
Widths = dict[str, int]


@dataclass(frozen=True)
class Page:
    """What we print on: how wide, and whether in colour."""

    width: int = 100
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO) -> Page:
        """The page that a stream is: a terminal has a width and, unless NO_COLOR is set, colours."""
        unicode = (stream.encoding or "").lower().startswith("utf")
        if not stream.isatty():
            return cls(int(os.environ.get("COLUMNS") or 100), unicode=unicode)
        # https://no-color.org; a dumb terminal would show the codes
        colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(shutil.get_terminal_size().columns, colour, unicode)

    def ink(self, text: str, code: str) -> str:
        """The text in a colour (an SGR code), or as it is."""
        if not self.colour or not text:
            return text
        return f"\x1b[{code}m{text}\x1b[0m"

    @property
    def prose_width(self) -> int:
        """How wide a paragraph is: no wider than is good to read."""
        return max(LEAST_WIDTH, min(self.width, PROSE_WIDTH))

    def prose(self, text: str) -> str:
        """A paragraph, wrapped; an empty text stays empty."""
        text = markup.printable(text, keep="\n\t")
        return textwrap.fill(text, self.prose_width, break_on_hyphens=False)

    def item(self, text: str) -> str:
        """One of several sentences, wrapped, with a dash before it."""
        return textwrap.fill(
            markup.printable(text, keep="\n\t"),
            self.prose_width,
            initial_indent="- ",
            subsequent_indent="  ",
            break_on_hyphens=False,
            break_long_words=False,
        )

    def heading(self, text: str) -> str:
        """A line that stands out."""
        return self.ink(markup.printable(text, keep="\n"), BOLD)

    def chapter(self, title: str, text: str) -> str:
        """A text below its heading."""
        return f"{self.heading(title)}\n\n{text}"

    def titled(self, title: str, rows: Sequence[Row], columns: Iterable[str]) -> str:
        """A table below its heading."""
        return self.chapter(title, self.table(rows, columns))

    def record(self, ran: Ran) -> str:
        """Prompt, line and raw output, as in a terminal."""
        lines = [self.ink(ran.prompt, GREEN) + self.ink(ran.line, BOLD)]
        for text in (ran.out, ran.err):
            if text.strip():
                lines.append(text.rstrip("\n"))
        return "\n".join(lines)

    def table(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        """Rows as an aligned table that fits the page.

        Columns without any value, or with nothing but `no`, are left out. When the rest is too wide, long cells are
        wrapped; when that is not enough, the last columns are left out and told of in a note below, so that nothing
        is missing unseen.
        """
        filled = markup.filled(rows, columns)
        if not filled:
            return "(no rows)"
        cells = {column: [column, *(markup.text(row[column]) for row in rows)] for column in filled}
        widths = _widths(cells, self.width)
        right = {column for column in widths if all(_is_number(row[column]) for row in rows)}
        lines = []
        for number in range(len(rows) + 1):
            row = {column: cells[column][number] for column in widths}
            for line in _side_by_side(row, widths, right):
                text = line.rstrip()[: self.width]
                lines.append(self.ink(text, HEAD) if number == 0 else text)
        hidden = [column for column in filled if column not in widths]
        if hidden:
            lines.append(self.prose(f"(no room for {_named(hidden)})"))
        return "\n".join(lines)


def chapters(parts: Iterable[str]) -> str:
    """The parts that say something, an empty line between them."""
    return "\n\n".join(part for part in parts if part)


def plain(text: str) -> str:
    """Text without colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# --- cells --------------------------------------------------------------------------------------------------------


def _named(hidden: list[str]) -> str:
    """The columns' names, or only how many when naming them would take more room than it is worth."""
    if len(hidden) > 6:
        return f"{len(hidden)} more columns"
    return ", ".join(hidden)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):  # which is an int to Python
        return False
    return value is None or isinstance(value, int | float)


def _widths(cells: Cells, room: int) -> Widths:
    """Which columns are shown, and how wide: each as wide as it is, or else with its longest cells wrapped."""
    widths = {column: max(len(text) for text in texts) for column, texts in cells.items()}
    if _total(widths) <= room:
        return widths
    least = {column: max(_least(text) for text in texts) for column, texts in cells.items()}
    while len(widths) > 1 and _total({column: least[column] for column in widths}) > room:
        widths.popitem()  # the last column tells least
    while _total(widths) > room:
        may_shrink = [column for column in widths if widths[column] > least[column]]
        if not may_shrink:
            break
        widest = max(may_shrink, key=lambda column: widths[column])
        widths[widest] -= 1
    return widths


def _total(widths: Widths) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _least(cell: str) -> int:
    """How narrow a cell may be made: no word is cut, and it takes three lines at most, unless it is a whole text."""
    for width in range(len(cell)):
        lines = _wrapped(cell, width)
        fits = max(len(line) for line in lines) <= width
        if fits and (len(lines) <= CELL_LINES or width >= TEXT_WIDTH):
            return width
    return len(cell)


def _side_by_side(row: Mapping[str, str], widths: Widths, right: Container[str]) -> list[str]:
    """One row of cells as lines: as many as its tallest cell has. right: the columns of numbers."""
    columns = [_wrapped(row[column], width) for column, width in widths.items()]
    lines = []
    for texts in itertools.zip_longest(*columns, fillvalue=""):
        padded = []
        for text, (column, width) in zip(texts, widths.items(), strict=True):
            padded.append(text.rjust(width) if column in right else text.ljust(width))
        lines.append(GAP.join(padded))
    return lines


def _wrapped(cell: str, width: int) -> list[str]:
    """A cell as lines of at most that width.

    >>> _wrapped("3: route, neighbour, FDB entry", 16)
    ['3: route,', '  neighbour, FDB', '  entry']
    """
    lines = [""]
    for piece in PIECES.findall(cell):
        is_begun = bool(lines[-1].strip())
        if is_begun and len((lines[-1] + piece).rstrip()) > width:
            lines.append(HANG)
        lines[-1] += piece
    return [line.rstrip() for line in lines]
