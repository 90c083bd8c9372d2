"""How does text fit a terminal? Wrapped, in columns that fit its width, with colour where there is some.

Text in, text out. No pandas: a demo starts without waiting for it.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from .. import markup
from ..language import enumerated, tr

if TYPE_CHECKING:
    from ..record import Ran

USUAL_WIDTH = 100
PROSE_WIDTH = 88
LEAST_WIDTH = 20  # of prose; what is narrower can no longer be read
TEXT_WIDTH = 40  # how wide a cell that holds a whole text stays at least
CELL_LINES = 3  # how many lines other cells may take
GAP = "  "  # between columns
HANG = "  "  # before the second line of a cell
PIECES = re.compile(r"[^\s,]*[\s,]*")  # a cell may be broken after a space or a comma

# Colours as ECMA-48 numbers them, in "select graphic rendition": console_codes(4)
BOLD, GREEN, CYAN, HEAD = "1", "32", "36", "1;4"
INKS = re.compile(rf"\x1b\[(?:0|{BOLD}|{GREEN}|{CYAN}|{HEAD})m")

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
        encoding = stream.encoding or ""
        unicode = encoding.lower().startswith("utf")
        if not stream.isatty():
            return cls(_columns(), unicode=unicode)
        # https://no-color.org; a dumb terminal would show the codes
        colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        width = shutil.get_terminal_size().columns
        return cls(width, colour, unicode)

    def ink(self, text: str, code: str) -> str:
        """The text in a colour (an SGR code), or as it is."""
        if not self.colour or not text:
            return text
        return f"\x1b[{code}m{text}\x1b[0m"

    @property
    def prose_width(self) -> int:
        """How wide a paragraph is: no wider than is good to read."""
        width = min(self.width, PROSE_WIDTH)
        return max(LEAST_WIDTH, width)

    def prose(self, text: str) -> str:
        """A paragraph, wrapped; an empty text stays empty."""
        text = markup.printable(text, keep="\n\t")
        return markup.wrapped(text, self.prose_width)

    def item(self, text: str) -> str:
        """One of several sentences, wrapped, with a dash before it."""
        text = markup.printable(text, keep="\n\t")
        return markup.wrapped(text, self.prose_width, first="- ", later="  ", cut_words=False)

    def heading(self, text: str) -> str:
        """A line that stands out."""
        text = markup.printable(text, keep="\n")
        return self.ink(text, BOLD)

    def chapter(self, title: str, text: str) -> str:
        """A text below its heading."""
        return f"{self.heading(title)}\n\n{text}"

    def titled(self, title: str, rows: Sequence[Row], columns: Iterable[str]) -> str:
        """A table below its heading."""
        table = self.table(rows, columns)
        return self.chapter(title, table)

    def record(self, ran: Ran) -> str:
        """Prompt, line and raw output, as in a terminal."""
        lines = [self.typed(ran.prompt, ran.line)]
        for text in (ran.out, ran.err):
            if text.strip():
                lines.append(text.rstrip("\n"))
        return "\n".join(lines)

    def typed(self, prompt: str, line: str) -> str:
        """A line behind its prompt."""
        return self.ink(prompt, GREEN) + self.ink(line, BOLD)

    def table(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        """Rows as an aligned table that fits the page.

        Columns without any value, or with nothing but `no`, are left out. When the rest is too wide, long cells are
        wrapped; when that is not enough, the last columns are left out and told of in a note below, so that nothing
        is missing unseen.
        """
        filled = markup.filled(rows, columns)
        if not filled:
            return tr("(no rows)")
        cells = {}
        for column in filled:
            texts = [markup.printable(markup.text(row[column])) for row in rows]  # a line end would forge a row
            cells[column] = [column, *texts]
        widths = _widths(cells, self.width)
        right = {column for column in widths if _is_of_numbers(rows, column)}
        lines = []
        for number in range(len(rows) + 1):
            line = {column: cells[column][number] for column in widths}
            for part in _side_by_side(line, widths, right):
                text = _cut(part.rstrip(), self.width)
                if number == 0:
                    text = self.ink(text, HEAD)
                lines.append(text)
        hidden = [column for column in filled if column not in widths]
        if hidden:
            note = tr("(no room for {columns})", columns=_named(hidden))
            lines.append(self.prose(note))
        return "\n".join(lines)


class Stream:
    """Shows what a line prints as it comes, and in the end looks as `Page.record` does: no empty lines at its edges.

    out: where it goes; what is shown is flushed, so that it is seen at once. above: a line that stands above the
    first output, and is not there when none comes.
    """

    def __init__(self, out: TextIO, above: str = "") -> None:
        self._out = out
        self._above = f"{above}\n" if above else ""
        self._held = ""  # ends of lines, which are shown when something follows
        self._last: tuple[str, bool] | None = None  # what was shown last: of whom, whether errors; None before anything

    def __call__(self, text: str, is_error: bool) -> None:
        """Show more of the output, or of the errors."""
        self.of("", text, is_error)

    def of(self, whose: str, text: str, is_error: bool) -> None:
        """The same; whose: a remark that stands above it, where it is not the line's own."""
        if (whose, is_error) != self._last and text.strip():
            before = self._last[0] if self._last else ""
            self._held = "\n" if self._last else self._above
            if whose != before:
                self._held += f"{whose}\n"  # an empty line where the line itself goes on
            self._last = (whose, is_error)
        elif self._last is None:
            return  # blank, and nothing before it
        text = self._held + text
        shown = text.rstrip("\n")
        self._held = text[len(shown) :]
        if shown:
            self._out.write(shown)
            self._out.flush()

    def late(self, of: Callable[[Ran], str]) -> Callable[[Ran, str, bool], None]:
        """What shows what other lines say meanwhile. of: the remark that stands above."""
        return lambda ran, text, is_error: self.of(of(ran), text, is_error)

    def end(self) -> None:
        """Nothing more comes: the last line ends."""
        if self._last is not None:
            self._out.write("\n")
        self._out.flush()


def _columns() -> int:
    """How wide a page is that is no terminal: as COLUMNS says, if that is a number one can write in."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told[:6]) >= LEAST_WIDTH:
        return int(told[:6])
    return USUAL_WIDTH


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
        return tr("{count} more columns", count=len(hidden))
    return enumerated(hidden)


def _is_of_numbers(rows: Iterable[Row], column: str) -> bool:
    """Whether a column holds nothing but numbers, which then end at its right edge."""
    return all(_is_number(row[column]) for row in rows)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):  # which is an int to Python
        return False
    return value is None or isinstance(value, int | float)


def _widths(cells: Cells, room: int) -> Widths:
    """Which columns are shown, and how wide: each as wide as it is, or else with its longest cells wrapped."""
    widths = {}
    for column, texts in cells.items():
        widths[column] = max(markup.width(text) for text in texts)
    if _total(widths) <= room:
        return widths
    least = {}
    for column, texts in cells.items():
        least[column] = max(_least(text) for text in texts)
    narrowest = dict(least)
    while len(widths) > 1 and _total(narrowest) > room:
        last, _ = widths.popitem()  # the last column tells least
        del narrowest[last]
    while _total(widths) > room:
        may_shrink = [column for column in widths if widths[column] > least[column]]
        if not may_shrink:
            break
        widest = max(may_shrink, key=lambda column: widths[column])
        widths[widest] -= 1
    return widths


def _total(widths: Widths) -> int:
    gaps = len(widths) - 1
    return sum(widths.values()) + gaps * len(GAP)


def _least(cell: str) -> int:
    """How narrow a cell may be made: no word is cut, and it takes three lines at most, unless it is a whole text."""
    whole = markup.width(cell)
    for width in range(whole):
        lines = _wrapped(cell, width)
        if max(markup.width(line) for line in lines) > width:
            continue
        if len(lines) <= CELL_LINES or width >= TEXT_WIDTH:
            return width
    return whole


def _side_by_side(row: Mapping[str, str], widths: Widths, right: Container[str]) -> list[str]:
    """One row of cells as lines: as many as its tallest cell has. right: the columns of numbers."""
    columns = []
    for column, width in widths.items():
        lines = _wrapped(row[column], width)
        columns.append(lines)
    together = []
    for texts in itertools.zip_longest(*columns, fillvalue=""):
        padded = []
        for text, (column, width) in zip(texts, widths.items(), strict=True):
            room = " " * (width - markup.width(text))
            padded.append(room + text if column in right else text + room)
        together.append(GAP.join(padded))
    return together


def _cut(text: str, width: int) -> str:
    """As much of a text as so many columns have room for."""
    while markup.width(text) > width:
        text = text[:-1]
    return text


def _wrapped(cell: str, width: int) -> list[str]:
    """A cell as lines of at most that width.

    >>> _wrapped("3: route, neighbour, FDB entry", 16)
    ['3: route,', '  neighbour, FDB', '  entry']
    """
    lines = [""]
    cut = PIECES.findall(cell) if cell.isascii() else markup.pieces(cell)
    for piece in cut:
        line = lines[-1]
        longer = line + piece
        is_begun = line.strip() != ""
        if is_begun and markup.width(longer.rstrip()) > width:
            lines.append(HANG + piece)
        else:
            lines[-1] = longer
    return [line.rstrip() for line in lines]
