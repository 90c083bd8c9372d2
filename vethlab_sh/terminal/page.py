"""How do a record, its table and its reasons read in a terminal?

Records and rows in, text out. No pandas: a demo starts without waiting for it.
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
from ..errors import OutputNotUnderstood
from ..scenarios import Step
from ..snapshot import COLUMNS as TABLES
from ..tables import columns, recognise

if TYPE_CHECKING:
    from ..drills import Debriefing
    from ..node.cni import Finding
    from ..node.explain import Explanation
    from ..node.inspect import Inspection
    from ..packet.walk import Walk
    from ..record import Ran
    from ..wiring.changes import Difference


def _told(page: Page, step: Step, records: list[Ran], changes: dict[Ran, Difference]) -> str:
    """One step as a learner reads it: why, the commands and their output, the table, what to notice."""
    parts = [page.prose(step.why), ""]
    for ran in records:
        parts.append(page.record(ran))
        for name in recognise(ran.line):
            if name in step.tables:
                parts += ["", _table(page, ran, name), ""]
        if ran in changes:
            parts += [page.ink(str(changes[ran]), "36"), ""]
    return "\n".join([*parts, "", page.prose(step.look)] if step.look else parts).replace("\n\n\n", "\n\n").rstrip()


def _table(page: Page, ran: Ran, name: str) -> str:
    try:
        return page.table(ran.rows[name], columns(name))
    except OutputNotUnderstood as error:
        return page.prose(f"(No table, because this machine's program prints something new. {error})")


PROSE_WIDTH = 88
TEXT_WIDTH = 40
GAP = HANG = "  "  # between columns; before the second line of a cell
PIECES = re.compile(r"[^\s,]*[\s,]*")  # a cell may be broken after a space or a comma


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
        colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(shutil.get_terminal_size().columns, colour, unicode)

    def ink(self, text: str, code: str) -> str:
        """The text in a colour (an SGR code), or as it is."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def prose(self, text: str) -> str:
        """A paragraph, wrapped; an empty text stays empty."""
        return textwrap.fill(text, max(20, min(self.width, PROSE_WIDTH)), break_on_hyphens=False)

    def heading(self, text: str) -> str:
        """A line that stands out."""
        return self.ink(text, "1")

    def record(self, ran: Ran) -> str:
        """Prompt, line and raw output, as in a terminal."""
        shown = [self.ink(ran.prompt, "32") + self.ink(ran.line, "1")]
        shown += [text.rstrip("\n") for text in (ran.out, ran.err) if text.strip()]
        return "\n".join(shown)

    def walk(self, walk: Walk) -> str:
        """Each sighting of a walk: when, where, what, the headers, and below it why."""
        told = []
        for row in walk.rows:
            way = "->" if row["way"] == "out" else "<-"
            ends = f"{row['src_ip']} > {row['dst_ip']}" if row["leg"] != "ask" else ""
            ttl = f"ttl {row['ttl']}" if row["ttl"] is not None and row["leg"] != "ask" else ""
            place = f"{row['namespace']} {row['device']}"
            parts = [f"{row['number']:3} {row['us']:8.1f} us  {place:24} {way}", row["what"], ends, ttl]
            parts.append(f"{row['bytes']} bytes")
            told.append(self.heading("  ".join(part for part in parts if part)))
            outer = f"{row['outer_src_ip']} > {row['outer_dst_ip']}, UDP port {row['outer_port']}, VNI {row['vni']}"
            around = f"; around it {outer}, inside {row['inner_bytes']} bytes" if row["vni"] is not None else ""
            told.append(textwrap.indent(self.prose(row["why"] + around), " " * 17))
        return "\n".join(told)

    def debriefing(self, end: Debriefing) -> str:
        """A drill explained: what was wrong, the wiring and the packet's way before and now, what was typed."""
        told = [self.prose(end.why)]
        for heading, part in end.parts(self.unicode):
            text = part if isinstance(part, str) else f"{self.walk(part)}\n\n{self.prose(part.verdict)}"
            told.append(f"{self.heading(heading)}\n\n{text}")
        return "\n\n".join(told)

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> str:
        """Rows as an aligned table that fits the page.

        Columns without any value, or with nothing but `no`, are left out. When the rest is too wide, long cells are
        wrapped; when that is not enough, the last columns are left out and told of in a note below, so that nothing
        is missing unseen.
        """
        filled = markup.filled(rows, columns)
        if not filled:
            return "(no rows)"
        cells = {c: [c, *(markup.text(row[c]) for row in rows)] for c in filled}
        widths = _widths(cells, self.width)
        right = {c for c in widths if all(_is_number(row[c]) for row in rows)}
        head, *rest = (
            [line.rstrip()[: self.width] for line in _side_by_side(row, widths, right)]
            for row in ({c: cells[c][i] for c in widths} for i in range(len(rows) + 1))
        )
        lines = [self.ink(line, "1;4") for line in head] + [line for row in rest for line in row]
        if hidden := [c for c in filled if c not in widths]:
            lines.append(self.prose(f"(no room for {_named(hidden)})"))
        return "\n".join(lines)

    def item(self, text: str) -> str:
        """One of several sentences, wrapped, with a dash before it."""
        width = max(20, min(self.width, PROSE_WIDTH))
        return textwrap.fill(text, width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False,
                             break_long_words=False)  # fmt: skip

    def explanation(self, found: Explanation, tables: bool = False) -> str:
        """What a pasted session says, most telling first; tables: with the table of every output."""
        parts = [self.finding(found.findings), self.wiring(found.wire_rows, found.as_text(self.unicode))]
        if found.outputs:
            parts.append(self.heading("What was read:") + "\n\n" + self.table(found.read, found.read[0]))
        if tables:
            parts += [
                self.heading(f"line {o.line}, {o.at}: {o.command or o.name}")
                + "\n"
                + self.table(o.rows, columns(o.name))
                for o in found.outputs
            ]
        if found.notes:
            parts.append(
                self.heading("Taken for granted, or left open:") + "\n\n" + "\n".join(map(self.item, found.notes))
            )
        if found.unknown_rows:
            rows = [{**row, "text": row["text"].strip()} for row in found.unknown_rows]
            listed = [f"{_range(row)}: {row['text']}\n    {row['why']}" for row in rows]
            parts.append(self.heading("Not understood:") + "\n\n" + "\n".join(listed))
        return "\n\n".join(part for part in parts if part)

    def inspection(self, found: Inspection, what: str | None = None, tables: bool = False) -> str:
        """How this machine is wired; what: one wiring, in sentences; tables: with every table of the kernel."""
        from ..node.pairs import COLUMNS as WIRES
        from ..node.pairs import sentence

        parts = [self.finding(found.findings)]
        if what:
            parts.append("\n".join(self.item(sentence(wire)) for wire in found.wire_rows))
        else:
            parts += [self.titled("The namespaces:", found.spaces, found.spaces[0])]
            parts += [self.titled("The cables:", found.wire_rows, WIRES)] if found.wire_rows else []
        names = [name for name in TABLES if name not in ("namespaces", "wires", "settings")] if tables else []
        parts += [self.titled(f"The {name}:", found.snapshot.rows.plain(name), TABLES[name]) for name in names]
        parts += [f"{self.heading('The wiring:')}\n\n{found.as_text(self.unicode)}", self.prose(found.hidden)]
        return "\n\n".join(part for part in parts if part)

    def titled(self, title: str, rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> str:
        """A table under its heading."""
        return f"{self.heading(title)}\n\n{self.table(rows, names)}"

    def finding(self, findings: Sequence[Finding]) -> str:
        """flannel, calico or neither, with the signs."""
        return "\n".join(
            self.heading(first) + "".join(f"\n{line}" for line in rest)
            for first, *rest in (str(found).split("\n") for found in findings)
        )

    def wiring(self, wires: Sequence[Mapping[str, Any]], picture: str) -> str:
        """Every cable in words, then all in characters."""
        from ..node.pairs import sentence

        if not picture:
            return ""
        told = "\n".join(self.item(sentence(wire)) for wire in wires)
        cables = f"{self.heading('The cables:')}\n\n{told}\n\n" if told else ""
        return f"{cables}{self.heading('The wiring, as far as it is shown:')}\n\n{picture}"


def _range(row: Mapping[str, Any]) -> str:
    return f"line {row['line']}" if row["line"] == row["until"] else f"lines {row['line']} to {row['until']}"


def _named(hidden: list[str]) -> str:
    """The columns' names, or only how many when naming them would take more room than it is worth."""
    return ", ".join(hidden) if len(hidden) <= 6 else f"{len(hidden)} more columns"


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _widths(cells: Mapping[str, Sequence[str]], room: int) -> dict[str, int]:
    """Which columns are shown, and how wide: each as wide as it is, or else with its longest cells wrapped."""
    widths = {c: max(map(len, column)) for c, column in cells.items()}
    if _total(widths) <= room:
        return widths
    least = {c: max(map(_least, column)) for c, column in cells.items()}
    while len(widths) > 1 and _total({c: least[c] for c in widths}) > room:
        widths.popitem()
    while _total(widths) > room and (may_shrink := [c for c in widths if widths[c] > least[c]]):
        widths[max(may_shrink, key=lambda c: widths[c])] -= 1
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _least(cell: str) -> int:
    """How narrow a cell may be made: no word is cut, and it takes three lines at most, unless it is a whole text."""
    wrapped = ((width, _wrapped(cell, width)) for width in range(len(cell) + 1))
    return next(w for w, lines in wrapped if max(map(len, lines)) <= w and (len(lines) <= 3 or w >= TEXT_WIDTH))


def _side_by_side(row: Mapping[str, str], widths: Mapping[str, int], right: Container[str]) -> list[str]:
    """One row of cells as lines: as many as its tallest cell has."""
    lines = itertools.zip_longest(*(_wrapped(row[c], widths[c]) for c in widths), fillvalue="")
    return [GAP.join(_pad(text, widths[c], c in right) for c, text in zip(widths, line, strict=True)) for line in lines]


def _wrapped(cell: str, width: int) -> list[str]:
    """A cell as lines of at most that width.

    >>> _wrapped("3: route, neighbour, FDB entry", 16)
    ['3: route,', '  neighbour, FDB', '  entry']
    """
    lines = [""]
    for piece in PIECES.findall(cell):
        if lines[-1].strip() and len((lines[-1] + piece).rstrip()) > width:
            lines.append(HANG)
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def plain(text: str) -> str:
    """Text without colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
