"""What does this pasted terminal session say? Its commands, their tables, and how it all is wired.

Everything comes from the text: its outputs are parsed by the parsers of the labs, the ends of cables are joined by the
numbers, addresses and entries in them, and what was not understood is listed with its line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import markup
from ..errors import BadInput, OutputNotUnderstood
from ..hints import hint_for
from ..snapshot import Row
from ..tables import TABLES, columns
from . import cni, pairs, pasted
from .cni import Wired
from .facts import Output, _Facts
from .pasted import Session, Typed

if TYPE_CHECKING:
    from pandas import DataFrame


UNKNOWN = ("line", "until", "text", "why")
READ = ("line", "namespace", "rows", "table", "command")
HEADS = {
    **dict.fromkeys(
        ("ip addr", "ip link", "bridge link"), re.compile(r"\s*\d+: |\S+\s+(UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT)\b")
    ),
    "ifconfig": pasted.SHAPES["ifconfig"],
    "brctl show": pasted.SHAPES["brctl show"],
    "ip route": re.compile(r"(?!\s*(nexthop|cache|nh_info)\b)"),
    "ping": re.compile(r"\s*PING "),
}  # fmt: skip
MESSAGE = re.compile(
    r"\s*(-?[\w./]*sh|[Ee]rror|[Ww]arning|OCI runtime exec failed)( \S+)?: |\S+: .*(not found|denied)\s*$"
)
PORT = re.compile(r"\s+[\w.@:+-]{1,15}\s*$|[\w.@:+-]*\d[\w.@:+-]*\s*$", re.ASCII)


@dataclass(frozen=True)
class Explanation(Wired):
    """What a pasted session says.

    outputs: each output that has a table (`.table`, a DataFrame); unknown: what was not understood, with its lines;
    notes: what was assumed, and what the text leaves open; kinds: what each line is, by number; the rest as in Wired.
    """

    outputs: tuple[Output, ...]
    unknown_rows: tuple[Row, ...]
    notes: tuple[str, ...]
    kinds: dict[int, str]

    @property
    def tables(self) -> list[DataFrame]:
        """The table of each output, in the order of the text."""
        return [output.table for output in self.outputs]

    @property
    def unknown(self) -> DataFrame:
        """What was not understood: line, until (the last line of it), text (the first line) and why."""
        import pandas

        return pandas.DataFrame(list(self.unknown_rows), columns=list(UNKNOWN)).convert_dtypes()

    @property
    def read(self) -> list[Row]:
        """A row an output: the line of its command, where it ran, the command, the table and how many rows it has."""
        return [
            dict(zip(READ, (o.line, o.at, len(o.rows), o.name, o.command or "(not shown)"), strict=True))
            for o in self.outputs
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "outputs": [{"line": o.line, "at": o.at, "command": o.command, "table": o.name,
                         "rows": [{c: row[c] for c in columns(o.name)} for row in o.rows]} for o in self.outputs],
            **super().as_dict(),
            "unknown": list(self.unknown_rows),
            "notes": list(self.notes),
        }  # fmt: skip

    def __str__(self) -> str:
        joined = [f"- {pairs.sentence(row)}" for row in self.wire_rows]
        unknown = [f"line {row['line']}: {row['text'].strip()} ({row['why']})" for row in self.unknown_rows]
        parts = [self.finding, "\n".join(joined), self.as_text(), "\n".join(self.notes), "\n".join(unknown)]
        return "\n\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        parts = [super()._repr_html_()]
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        if self.unknown_rows:
            parts.append(markup.table(self.unknown_rows, UNKNOWN, ("text", "why"), "Not understood"))
        return "\n".join(parts)


def explain(*texts: str, names: Sequence[str] = ()) -> Explanation:
    """Explain a terminal session as people paste it: prompts of any look, commands, comments, output, several machines.

    texts: several are joined into one picture, their lines numbered through; names: what to call the machine of each
    text whose prompts name none. Raises BadInput when there is nothing to read.
    """
    if not "".join(texts).strip():
        raise BadInput("There is nothing to explain: the text is empty.")
    if any("\0" in text for text in texts):
        raise BadInput("This is no text: it holds a zero byte, as programs and pictures do.")
    return _Explainer(pasted.read(*texts, names=names)).explanation()


def read_file(file: str) -> str:
    """The text of a file, `-` being standard input. Raises BadInput when it cannot be read, or is no text."""
    try:
        found = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"Cannot read {file}: {error.strerror}.") from None
    name = "Standard input" if file == "-" else file
    encoding = "utf-16" if found[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = found.decode(encoding, errors="replace")
    if not text.strip():
        raise BadInput(f"{name} is empty: there is nothing to explain.")
    if "\0" in text or text.count("\ufffd") > len(text) // 10:
        raise BadInput(f"{name} is no text: paste the commands and their output into a text file.")
    return text


# ---- from outputs to rows -----------------------------------------------------------------------------------


@dataclass
class _Explainer:
    """The state while the outputs of a session are read one after the other."""

    session: Session
    facts: _Facts = field(default_factory=lambda: _Facts())
    outputs: list[Output] = field(default_factory=list)
    unknown: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def explanation(self) -> Explanation:
        """Read all outputs, put shown-without-command ones where they belong, and join the ends."""
        homeless = []
        for typed in self.session.typed:
            if not typed.tables:
                self._without_table(typed)
                self.facts.command(typed)
                continue
            read = list(self._outputs(typed))
            if typed.line:
                self._keep(read)
                self.facts.command(typed)
            else:
                homeless.append((typed, read))
        for typed, read in homeless:
            at = self._home(typed, read)
            self._keep([Output(o.line, at, o.command, o.name, o.rows) for o in read])
        self.outputs.sort(key=lambda output: output.line)
        snapshot, notes = self.facts.snapshot({place.name: place for place in self.session.places.values()})
        found = cni.findings(snapshot)
        self.unknown.sort(key=lambda row: row["line"])
        unknown = tuple({column: row[column] for column in UNKNOWN} for row in self.unknown)
        return Explanation(snapshot, found, tuple(self.outputs), unknown, tuple(self.notes + notes), self.session.kinds)

    def _keep(self, read: list[Output]) -> None:
        for output in read:
            self.outputs.append(output)
            self.facts.add(output)

    def _home(self, typed: Typed, read: list[Output]) -> str:
        """The place of an output without its command: where its devices are spoken of, else where we were.

        When one of its devices is the other end of a device there, it is not of that place but of the next.
        """
        names = {row["name"] for o in read for row in o.rows if row.get("name")} - {"lo", "eth0"}
        places = {place for name in names for place in self.facts.mentions.get(name, ())}
        if len(places) == 1:
            (at,) = places
            why = f"{', '.join(sorted(n for n in names if at in self.facts.mentions.get(n, ())))} is spoken of there"
        elif any(self.facts.is_far_end(typed.at.name, row) for o in read for row in o.rows):
            at = typed.next_at if typed.next_at not in (None, typed.at.name) else f"the machine of {typed.at.name}"
            why = f"it shows the other end of a device of {typed.at.name}"
        else:
            at, why = typed.at.name, "no prompt says otherwise"
        self.session.places.setdefault(at, pasted.Place(at))
        shown = read[0].name if read else typed.inner
        self.notes.append(
            f"Line {typed.number}: the command is not shown; taken for the output of `{shown}` on {at}, because {why}."
        )
        return at

    def _without_table(self, typed: Typed) -> None:
        """What a command without a table printed is not understood, but listed; an error has its hint."""
        for first, last, lines in _runs(typed.output):
            if typed.line:
                why = hint_for(typed.inner, 1, "\n".join(lines)) or f"there is no table for `{typed.inner}`"
            else:
                why = "it is neither a command nor the output of one that has a table"
            self.unknown.append(dict(zip(UNKNOWN, (first, last, lines[0], why), strict=True)))

    def _outputs(self, typed: Typed) -> Iterator[Output]:
        """The tables of one output; lines that a parser does not know are listed and left out."""
        for n, name in enumerate(typed.tables):
            rows: list[Row] = []
            for record in _records(name, typed.output):
                rows += self._record(name, record, n == 0, typed)
            whole = typed.line != "" and "|" not in typed.line and any(row.get("name") == "lo" for row in rows)
            yield Output(typed.number, typed.at.name, typed.line, name, tuple(rows), whole)

    def _record(self, name: str, record: list[tuple[int, str]], listed: bool, typed: Typed) -> list[Row]:
        """The rows of one record, less the lines that its parser does not know; nothing without its first line."""
        lines = list(record)
        filtered = "|" in typed.inner
        while lines:
            try:
                rows = TABLES[name].read("\n".join(text for _, text in lines))
            except OutputNotUnderstood as error:
                bad = min(error.number, len(lines)) - 1
                group = lines if bad == 0 else lines[bad : bad + 1 + _has_lifetimes(lines, bad)]
                if listed:
                    self._not_understood(group, f"`{name}` does not know {error.word!r}", typed)
                lines = [] if bad == 0 else [line for line in lines if line not in group]
                continue
            if filtered and (stray := _stray(rows)):
                if listed:
                    self._not_understood(lines, f"the filter left out which device has {stray}", typed)
                return []
            return [row | {"line": lines[0][0], "address_line": _line_of(row, lines)} for row in rows]
        return []

    def _not_understood(self, lines: list[tuple[int, str]], why: str, typed: Typed) -> None:
        if MESSAGE.match(lines[0][1]):
            why = "it is an error message"
        said = hint_for(typed.inner, 1, "\n".join(text for _, text in lines))
        before = self.unknown[-1] if self.unknown else None
        if before and not said and before["until"] + 1 == lines[0][0] and before.get("of") == typed.number:
            before["until"] = lines[-1][0]
            return
        row = dict(zip(UNKNOWN, (lines[0][0], lines[-1][0], lines[0][1], said or why), strict=True))
        self.unknown.append(row | {"of": typed.number})


def _line_of(row: Row, lines: list[tuple[int, str]]) -> int:
    """The line of a record in which its address stands."""
    return next((n for n, text in lines if row.get("address") and row["address"] in text.split()), lines[0][0])


def _runs(lines: list[tuple[int, str]]) -> Iterator[tuple[int, int, list[str]]]:
    """Stretches of lines that follow each other: first and last number, and the lines."""
    held: list[tuple[int, str]] = []
    for number, text in lines:
        if held and number != held[-1][0] + 1:
            yield held[0][0], held[-1][0], [t for _, t in held]
            held = []
        held.append((number, text))
    if held:
        yield held[0][0], held[-1][0], [t for _, t in held]


def _records(name: str, output: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """The lines that belong together: a device's, a bridge's, one line each elsewhere."""
    head = HEADS.get("ping" if name.startswith("ping") else name)
    records: list[list[tuple[int, str]]] = []
    for number, text in output:
        below = head is not None and not head.match(text)
        if name == "brctl show" and below and not PORT.match(text):
            below = False
        if records and below:
            records[-1].append((number, text))
        else:
            records.append([(number, text)])
    return records


def _has_lifetimes(lines: list[tuple[int, str]], at: int) -> bool:
    """Whether the next line says how long the address in this one lives."""
    return lines[at][1].lstrip().startswith("inet") and lines[at + 1 : at + 2] != [] and "valid_lft" in lines[at + 1][1]


def _stray(rows: list[Row]) -> str | None:
    """An address whose label names another device than the one it stands under: the filter took a line away."""
    for row in rows:
        label, name = row.get("label"), row.get("name")
        if label and name and label.partition(":")[0] != name and row.get("address"):
            return str(row["address"])
    return None
