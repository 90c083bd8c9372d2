"""Which rows does an output in a text have? Its parser's, less the lines it does not know; those are listed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import OutputNotUnderstood
from ..hints import hint_for, is_error
from ..language import marked, sentences, tr
from ..parsers.asked import asked_for, is_all, with_words
from ..tables import TABLES, Row, frame
from .headings import is_prose
from .mending import LONGEST, Hidden, readings
from .pasted import Typed
from .shapes import SHAPES

if TYPE_CHECKING:
    from pandas import DataFrame

Lines = list[tuple[int, str]]  # with their numbers

# How the first line of a record looks; in other tables every line is one.
DEVICE = re.compile(r"\s*\d+: |\S+\s+(UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT)\b")
PING = re.compile(r"\s*PING ")
HEADS = {
    "ip addr": DEVICE,
    "ip link": DEVICE,
    "bridge link": DEVICE,
    "ifconfig": SHAPES["ifconfig"],
    "brctl show": SHAPES["brctl show"],
    "ip route": re.compile(r"(?!\s*(nexthop|cache|nh_info)\b)"),
    "ping": PING,
    "ping statistics": PING,
    "bridge vlan": re.compile(r"\S"),
    "tcpdump": re.compile(r"\s*(\d{4}-\d\d-\d\d )?(\d\d:\d\d:\d\d|\d{1,10})\.\d+ |tcpdump: |listening |\d+ packets? "),
    # Here a line is to be understood by those above it: a rule by its chain and place, a number by its heading.
    "iptables": re.compile(r"(?!)"),
    "nft list": re.compile(r"(?!)"),
    "ovs-vsctl show": re.compile(r"(?!)"),
    "birdc route": SHAPES["birdc route"],
    "route": re.compile(r"Kernel IP"),
}
# `brctl show` lists the further ports of a bridge below it, alone on their lines.
PORT = re.compile(r"\s+[\w.@:+-]{1,15}\s*$|[\w.@:+-]{0,15}\d[\w.@:+-]{0,15}\s*$", re.ASCII)
MESSAGE = re.compile(
    r"\s*(-?[\w./]*sh|[Ee]rror|[Ww]arning|OCI runtime exec failed)( \S+)?: |\S+: .*(not found|denied)\s*$"
)
AN_ERROR = marked("it is an error message")
# A record is read anew without each line that its parser does not know. With more of them it has long ended, and what
# follows is another text.
MOST_UNKNOWN = 32
HINTED_LINES, HINTED_SIGNS = 20, 4096  # of the beginning and of the end of what was printed: that is where errors stand
NARROWEST = 40  # a line shorter than this was not broken by a terminal
LONG = 40  # lines of a record, of which not all are read again for each way to read one of them
NOT_TOLD = -1  # the exit code: no text tells it


@dataclass(frozen=True)
class Record:
    """A row of a table, as its parser made it, with the line where it begins and the line where its address stands."""

    row: Row
    line: int
    address_line: int


@dataclass(frozen=True)
class Output:
    """One output of the text with its table.

    line and at: where the command stands and where it ran; command: as typed, empty when it is not shown; name: of
    the table; whole: it lists all devices of its place, since nothing was filtered and it begins with lo.
    """

    line: int
    at: str
    command: str
    name: str
    records: tuple[Record, ...]
    whole: bool = False
    complete: bool = False
    dev: str | None = None

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the table."""
        return tuple(record.row for record in self.records)

    @property
    def table(self) -> DataFrame:
        """The rows as a DataFrame."""
        return frame(self.name, self.rows)


@dataclass(frozen=True)
class UnknownLines:
    """Lines that were not understood: the first and the last number, the first line's text, and why."""

    line: int
    until: int
    text: str
    why: str


def read_output(typed: Typed) -> tuple[list[Output], list[UnknownLines]]:
    """The tables of what one command printed, and the lines that their parser does not know."""
    outputs: list[Output] = []
    unknown: list[UnknownLines] = []
    for name in typed.tables:
        reader = _Reader(name, typed)
        outputs.append(reader.output())
        if name == typed.tables[0]:  # `ping` has two tables of the same lines
            unknown = reader.unknown
    return outputs, unknown


def without_table(typed: Typed) -> Iterator[UnknownLines]:
    """What a command without a table printed: not understood, and listed; an error gets its hint."""
    for lines in _runs(typed.output):
        first, text = lines[0]
        last, _ = lines[-1]
        if len(lines) == 1 and is_prose(text) and not _hint(typed, lines):
            continue
        if typed.line:
            why = _hint(typed, lines) or tr("there is no table for `{command}`", command=typed.inner)
        else:
            why = tr("it is neither a command nor the output of one that has a table")
        yield UnknownLines(first, last, text, why)


class _Reader:
    """The state while one table is read from an output, record by record."""

    def __init__(self, name: str, typed: Typed) -> None:
        self.unknown: list[UnknownLines] = []
        self._name = name
        self._typed = typed
        self._groups: list[Lines] = []  # that are still to be read, the next one last
        self._before: list[Record] = []  # the records of the group before
        self._lines_before: Lines = []
        self._goes_on = False  # the group before is the first part of this one
        self._width = max((len(text) for _, text in typed.output), default=0)
        self._hidden = Hidden()
        self._words = typed.inner.split("|")[0].split()

    def output(self) -> Output:
        """The table; lines that its parser does not know are listed and left out."""
        typed = self._typed
        records: list[Record] = []
        self._groups = _grouped(self._name, typed.output)
        self._groups.reverse()
        while self._groups:
            lines = self._groups.pop()
            before = self._before
            self._before = self._records(lines)
            if self._goes_on:  # what was taken for a row of its own was the first part of one
                del records[len(records) - len(before) :]
                self._goes_on = False
            records += self._before
        records = self._with_words_of_command(records)
        names = {record.row.get("name") for record in records}
        may_lack_lines = not typed.line or "|" in typed.line or typed.is_cut
        return Output(
            line=typed.number,
            at=typed.at.name,
            command=typed.line,
            name=self._name,
            records=tuple(records),
            whole=not may_lack_lines and "lo" in names,
            complete=not may_lack_lines and not self.unknown and is_all(self._name, self._words),
            dev=asked_for(self._name, self._words).get("dev"),
        )

    def _records(self, lines: Lines) -> list[Record]:
        """The rows of lines that belong together, less the lines not known; nothing without the first of them."""
        for _ in range(MOST_UNKNOWN):
            if not lines:
                self._lines_before = []
                return []
            try:
                rows = TABLES[self._name].read(_text(lines))
            except OutputNotUnderstood as error:
                bad = min(error.number, len(lines)) - 1
                better = self._mended(lines, bad) or self._unwrapped(lines, bad)
                lines = better or self._without(bad, lines, self._why(error))
                continue
            stray = _stray_address(rows) if "|" in self._typed.inner else None
            if stray:
                self._complain(lines, tr("the filter left out which device has {address}", address=stray))
                return []
            return self._taken(rows, lines)
        return self._as_far_as_known(lines)

    def _as_far_as_known(self, lines: Lines) -> list[Record]:
        """The rows of what stands before the next line that the parser does not know; that one ends the record."""
        try:
            rows = TABLES[self._name].read(_text(lines))
        except OutputNotUnderstood as error:
            bad = min(error.number, len(lines)) - 1
            self._complain(lines[bad:], self._why(error))
            return self._records(lines[:bad])
        return self._taken(rows, lines)

    def _taken(self, rows: Sequence[Row], lines: Lines) -> list[Record]:
        """The records of rows, with the words that the text has for what was read instead of them."""
        self._lines_before = lines
        records = list(_records(self._hidden.uncovered(rows), lines))
        table = TABLES[self._name]
        if not table.has_records:
            return records
        places = table.begins(_text(lines))
        return [replace(record, line=lines[at - 1][0]) for record, at in zip(records, places, strict=True)]

    def _with_words_of_command(self, records: Sequence[Record]) -> list[Record]:
        """The records with what their command tells: some of it is told by how many rows there are in all."""
        printed = [record.row for record in records]
        rows = with_words(self._name, self._words, printed)
        return [replace(record, row=row) for record, row in zip(records, rows, strict=True)]

    def _mended(self, lines: Lines, bad: int) -> Lines | None:
        """The lines with the bad one as it may have been before it was pasted; None when no way makes it known."""
        number, text = lines[bad]
        for reading in readings(text, self._hidden):
            tried = [*lines[:bad], (number, reading), *lines[bad + 1 :]]
            if self._is_known(tried, bad):
                return tried
        return None

    def _unwrapped(self, lines: Lines, bad: int) -> Lines | None:
        """The lines with the bad one joined to the one after it, or before it, as a terminal or a mail broke it."""
        _, text = lines[bad]
        if len(text) > LONGEST:
            return None
        if bad + 1 < len(lines):
            joined = self._joined(lines, bad)
            if joined is not None:
                return joined
        elif self._groups:
            joined = self._joined([*lines, *self._groups[-1]], bad)
            if joined is not None:
                self._groups.pop()
                return joined
        if bad > 0:
            return self._joined(lines, bad - 1)
        if self._lines_before:
            return self._with_group_before(lines)
        return None

    def _joined(self, lines: Lines, at: int) -> Lines | None:
        """The lines with one joined to the next, where that makes it known."""
        number, text = lines[at]
        _, below = lines[at + 1]
        for joint in self._joints(text):
            whole = text + joint + below.lstrip()
            tried = [*lines[:at], (number, whole), *lines[at + 2 :]]
            if self._is_known(tried, at):
                return tried
        return None

    def _with_group_before(self, lines: Lines) -> Lines | None:
        """The lines behind the last one of the group before, where that makes them known."""
        before = self._lines_before
        joined = self._joined([*before, *lines], len(before) - 1)
        if joined is not None:
            self._goes_on = True
        return joined

    def _joints(self, text: str) -> tuple[str, ...]:
        """What may have stood where a line was broken: nothing at the edge of a terminal, a blank in a mail."""
        if len(text) < NARROWEST:
            return ()
        return ("", " ") if len(text) == self._width else (" ",)

    def _is_known(self, lines: Lines, at: int) -> bool:
        """Whether the parser knows the line there, and all before it; in a long record only those next to it."""
        if len(lines) > LONG and at > 1:
            lines = [lines[0], *lines[at - 1 : at + 1]]
            at = len(lines) - 1
        try:
            TABLES[self._name].read(_text(lines))
        except OutputNotUnderstood as error:
            return error.number > at + 1
        return True

    def _why(self, error: OutputNotUnderstood) -> str:
        """What the parser does not know, and what to do about it where that is known."""
        why = tr("`{table}` does not know {word!r}", table=self._name, word=error.word)
        if not error.advice:
            return why
        return sentences(tr("{sentence}.", sentence=why), error.advice)

    def _without(self, bad: int, lines: Lines, why: str) -> Lines:
        """The lines without the one that the parser does not know, which is listed: without the first, none is left."""
        if bad == 0:
            self._complain(lines, why)
            return []
        end = bad + 1
        if _has_lifetimes(lines, bad):
            end += 1
        self._complain(lines[bad:end], why)
        return lines[:bad] + lines[end:]

    def _complain(self, lines: Lines, why: str) -> None:
        """List lines as not understood, together with those just before them."""
        first, text = lines[0]
        last, _ = lines[-1]
        hint = _hint(self._typed, lines)
        if not hint and not MESSAGE.match(text) and is_prose(text):
            return
        before = self.unknown[-1] if self.unknown else None
        if before and not hint and before.until + 1 == first:
            self.unknown[-1] = replace(before, until=last)
            return
        if MESSAGE.match(text):
            why = tr(AN_ERROR)
        unknown = UnknownLines(first, last, text, hint or why)
        self.unknown.append(unknown)


def _text(lines: Lines) -> str:
    return "\n".join(text for _, text in lines)


def _hint(typed: Typed, lines: Lines) -> str | None:
    shown = lines
    if len(lines) > 2 * HINTED_LINES:
        shown = lines[:HINTED_LINES] + lines[-HINTED_LINES:]
    short = [(number, text[:HINTED_SIGNS]) for number, text in shown]
    printed = _text(short)
    if not is_error(printed):
        return None
    return hint_for(typed.inner[:HINTED_SIGNS], NOT_TOLD, printed)


def _records(rows: Sequence[Row], lines: Lines) -> Iterator[Record]:
    """The rows of some lines, each with the lines where it begins and where its address stands."""
    first, _ = lines[0]
    line_of: dict[str | None, int] = {}  # the first in which a word stands
    for number, text in lines:
        for word in text.split():
            line_of.setdefault(word, number)
    for row in rows:
        address_line = line_of.get(row.get("address"), first)
        yield Record(row, first, address_line)


def _runs(lines: Lines) -> Iterator[Lines]:
    """Stretches of lines that follow each other."""
    run: Lines = []
    for number, text in lines:
        if run and number != run[-1][0] + 1:
            yield run
            run = []
        run.append((number, text))
    if run:
        yield run


def _grouped(name: str, output: Lines) -> list[Lines]:
    """The lines that belong together: a device's, a bridge's, one line each elsewhere."""
    groups: list[Lines] = []
    for number, text in output:
        if groups and _is_below(name, text):
            groups[-1].append((number, text))
        else:
            groups.append([(number, text)])
    return groups


def _is_below(name: str, text: str) -> bool:
    """Whether a line belongs to the record that was begun before it."""
    head = HEADS.get(name)
    if head is None or head.match(text):
        return False
    return name != "brctl show" or PORT.match(text) is not None


def _has_lifetimes(lines: Lines, at: int) -> bool:
    """Whether the next line says how long the address in this one lives."""
    if at + 1 == len(lines):
        return False
    _, text = lines[at]
    _, below = lines[at + 1]
    return text.lstrip().startswith("inet") and "valid_lft" in below


def _stray_address(rows: Sequence[Row]) -> str | None:
    """An address whose label names another device than the one it stands under: the filter took a line away."""
    for row in rows:
        label = row.get("label")
        name = row.get("name")
        address = row.get("address")
        if not label or not name or not address:
            continue
        device, _, _ = label.partition(":")  # it begins with the name of its device: ip-address(8)
        if device != name:
            return str(address)
    return None
