"""What does this pasted terminal session say? Its commands, their tables, and how it all is wired.

Everything comes from the text: its outputs are parsed by the parsers of the labs, the ends of cables are joined by the
numbers, addresses and entries in them, and what was not understood is listed with its line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from .. import markup
from ..errors import BadInput, package
from ..facts import as_row
from ..language import enumerated, tr
from ..tables import columns
from . import cables, cni, daemons, joining, pasted, wrong
from .facts import Evidence
from .ground import Fault, Ground
from .outputs import Output, UnknownLines, read_output, without_table
from .pasted import Session, Typed
from .places import Place
from .wired import Row, Wired

if TYPE_CHECKING:
    from pandas import DataFrame


LARGEST = 128 * 2**20  # bytes of a text
UNKNOWN = ("line", "until", "text", "why")
FAULT = ("cause", "words", "lines", "look")
EVERYWHERE = {"lo", "eth0"}  # devices that nearly every place has: to speak of them tells no place


@dataclass(frozen=True, repr=False)
class Explanation(Wired):
    """What a pasted session says.

    outputs: each output that has a table (`.table`, a DataFrame); unknown_lines: what was not understood; notes: what
    was assumed, and what the text leaves open; kinds: what each line is, by number; faults: what the text shows to be
    wrong or missing, the worst first; the rest as in Wired.
    """

    outputs: tuple[Output, ...]
    unknown_lines: tuple[UnknownLines, ...]
    notes: tuple[str, ...]
    kinds: dict[int, str]
    faults: tuple[Fault, ...] = ()

    @property
    def fault_rows(self) -> list[Row]:
        """What is wrong or missing: cause, words, lines that show it, and the command to look with next."""
        return [_fault_row(fault) for fault in self.faults]

    @property
    def wrong(self) -> DataFrame:
        """The same as a table, the worst first."""
        import pandas

        return pandas.DataFrame(self.fault_rows, columns=list(FAULT)).convert_dtypes()

    @property
    def listed_faults(self) -> str:
        """The same as a list of sentences; that nothing was shown to be wrong is said too."""
        if not self.outputs:
            return ""
        lines = [tr("- {sentence}.", sentence=fault.sentence) for fault in self.faults]
        return markup.printable("\n".join(lines or [tr(wrong.NOTHING)]), keep="\n")

    @property
    def next_looks(self) -> list[str]:
        """The commands that decide what the text leaves open, the most telling first, each once."""
        looks = [fault.look for fault in self.faults if fault.look]
        return list(dict.fromkeys(looks))

    @property
    def tables(self) -> list[DataFrame]:
        """The table of each output, in the order of the text."""
        return [output.table for output in self.outputs]

    @property
    def unknown_rows(self) -> list[Row]:
        """The lines that were not understood as rows of a table."""
        return [as_row(lines, UNKNOWN) for lines in self.unknown_lines]

    @property
    def unknown(self) -> DataFrame:
        """What was not understood: line, until (the last line of it), text (the first line) and why."""
        pandas = package("pandas")

        return pandas.DataFrame(self.unknown_rows, columns=list(UNKNOWN)).convert_dtypes()

    @property
    def read(self) -> list[Row]:
        """A row an output: the line of its command, where it ran, the command, the table and how many rows it has."""
        return [_brief(output) for output in self.outputs]

    def as_dict(self) -> Row:
        """Everything, for programs."""
        return {
            "outputs": [_in_full(output) for output in self.outputs],
            **super().as_dict(),
            "faults": self.fault_rows,
            "unknown": self.unknown_rows,
            "notes": list(self.notes),
        }

    def words(self) -> str:
        """All of it, a paragraph each."""
        notes = [markup.printable(note) for note in self.notes]
        unknown = [_not_understood(lines) for lines in self.unknown_lines]
        parts = [
            self.finding,
            self.listed_cables,
            self.as_text(),
            "\n".join(notes),
            "\n".join(unknown),
            self.listed_faults,
            self._looks,
        ]
        return "\n\n".join(part for part in parts if part)

    @property
    def _looks(self) -> str:
        if not self.next_looks:
            return ""
        lines = [tr("Look next:")]
        lines += [f"  {look}" for look in self.next_looks]
        return markup.printable("\n".join(lines), keep="\n")

    def _repr_html_(self) -> str:
        parts = [super()._repr_html_()]
        if self.faults:
            title = tr("What the text shows to be wrong")
            parts.append(markup.table(self.fault_rows, FAULT, ("words", "look"), title))
        elif self.outputs:
            parts.append(f"<p>{tr(wrong.NOTHING)}</p>")
        for note in self.notes:
            words = markup.printable(note)
            parts.append(f"<p>{escape(words)}</p>")
        if self.unknown_lines:
            parts.append(markup.table(self.unknown_rows, UNKNOWN, ("text", "why"), tr("Not understood")))
        return "\n".join(parts)


def _fault_row(fault: Fault) -> Row:
    """A fault as a row of a table, or of JSON."""
    return {
        "cause": str(fault.cause),
        "words": fault.words,
        "lines": ", ".join(map(str, fault.lines)),
        "look": fault.look,
    }


def _brief(output: Output) -> Row:
    """An output as a row of the list of outputs."""
    return {
        "line": output.line,
        "namespace": output.at,
        "rows": len(output.rows),
        "table": output.name,
        "command": output.command or tr("(not shown)"),
    }


def _in_full(output: Output) -> Row:
    """An output with the rows of its table, each with every column."""
    names = columns(output.name)
    rows = []
    for row in output.rows:
        rows.append({name: row[name] for name in names})
    return {
        "line": output.line,
        "at": output.at,
        "command": output.command,
        "table": output.name,
        "rows": rows,
    }


def _not_understood(lines: UnknownLines) -> str:
    words = tr("line {line}: {text} ({why})", line=lines.line, text=lines.text.strip(), why=lines.why)
    return markup.printable(words, keep="\t")


def explain(*texts: str, names: Sequence[str] = ()) -> Explanation:
    """Explain a terminal session as people paste it: prompts of any look, commands, comments, output, several machines.

    texts: several are joined into one picture, their lines numbered through; names: what to call the machine of each
    text whose prompts name none. Raises BadInput when there is nothing to read.
    """
    if not "".join(texts).strip():
        raise BadInput(tr("There is nothing to explain: the text is empty."))
    if any("\0" in text for text in texts):
        raise BadInput(tr("This is no text: it holds a zero byte, as programs and pictures do."))
    session = pasted.read(*texts, names=names)
    return _Explainer(session).explanation()


def read_file(file: str) -> str:
    """The text of a file, `-` being standard input. Raises BadInput when it cannot be read, or is no text."""
    name = tr("Standard input") if file == "-" else file
    try:
        if file == "-":
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with open(file, "rb") as opened:
                content = opened.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(tr("Cannot read {file}: {reason}.", file=file, reason=error.strerror)) from None
    if len(content) > LARGEST:  # a device that never ends, /dev/zero say, is one of these
        most = LARGEST // 2**20
        raise BadInput(
            tr("{name} is larger than {most} MiB: paste what you want explained into a file.", name=name, most=most)
        )
    text = _decoded(content)
    if not text.strip():
        raise BadInput(tr("{name} is empty: there is nothing to explain.", name=name))
    undecodable = text.count("\ufffd")  # U+FFFD stands for each byte that is no letter
    if "\0" in text or undecodable > len(text) // 10:
        raise BadInput(tr("{name} is no text: paste the commands and their output into a text file.", name=name))
    return text


def _decoded(content: bytes) -> str:
    """The text in a file's bytes: UTF-8, or UTF-16 where its byte order mark says so, as Windows writes it."""
    encoding = "utf-8-sig"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    return content.decode(encoding, errors="replace")


# ---- from outputs to what is known --------------------------------------------------------------------------


class _Explainer:
    """The state while the outputs of a session are read one after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._evidence = Evidence()
        self._outputs: list[Output] = []
        self._unknown: list[UnknownLines] = []
        self._notes: list[str] = []

    def explanation(self) -> Explanation:
        """Read all outputs, put shown-without-command ones where they belong, and join the ends."""
        readings = [(typed, self._read(typed)) for typed in self._session.typed]
        self._notes += joining.joined(readings, self._session.places)
        homeless = []
        for typed, outputs in readings:
            if outputs and not typed.line and not typed.is_apart:
                homeless.append((typed, outputs))
                continue
            self._keep(outputs)
            self._evidence.command(typed)
        for typed, outputs in homeless:
            at = self._home(typed, outputs)
            self._keep([replace(output, at=at) for output in outputs])
        reading = self._evidence.reading(self._session.places)
        snapshot = reading.snapshot
        in_order = tuple(sorted(self._outputs, key=lambda output: output.line))
        findings = cni.findings(snapshot, daemons.signs(in_order))
        ground = Ground(snapshot, in_order, findings, cables.cables(snapshot), self._evidence.changed)
        return Explanation(
            snapshot=snapshot,
            findings=findings,
            faults=wrong.faults(ground),
            outputs=in_order,
            unknown_lines=tuple(sorted(self._unknown, key=lambda lines: lines.line)),
            notes=(*self._notes, *reading.notes),
            kinds=self._session.kinds,
        )

    def _read(self, typed: Typed) -> list[Output]:
        """The tables of what a command printed; what is in none is listed as not understood."""
        if not typed.tables:
            self._unknown += without_table(typed)
            return []
        outputs, unknown = read_output(typed)
        self._unknown += unknown
        return outputs

    def _keep(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            self._outputs.append(output)
            self._evidence.add(output)

    def _home(self, typed: Typed, outputs: Sequence[Output]) -> str:
        """The place of an output without its command: where its devices are spoken of, else where we were.

        When one of its devices is the other end of a device there, it is not of that place but of the next.
        """
        at, why = self._spoken_of(outputs) or self._beside(typed, outputs)
        self._session.places.setdefault(at, Place(at))
        self._notes.append(
            tr(
                "Line {line}: the command is not shown; taken for the output of `{table}` on {at}, because {why}.",
                line=typed.number,
                table=outputs[0].name,
                at=at,
                why=why,
            )
        )
        return at

    def _spoken_of(self, outputs: Sequence[Output]) -> tuple[str, str] | None:
        """The one place where other outputs name devices that these list, and why it is meant."""
        mentions = self._evidence.mentions
        names = {row.get("name") for row in _rows(outputs)}
        named = sorted(name for name in names if name in mentions and name not in EVERYWHERE)
        places: set[str] = set()
        for name in named:
            places |= mentions[name]
        if len(places) != 1:
            return None
        why = tr("{names} is spoken of there", names=enumerated(named))
        return places.pop(), why

    def _beside(self, typed: Typed, outputs: Sequence[Output]) -> tuple[str, str]:
        """Where we were, or the place next to it that holds the other ends of its devices; and why."""
        here = typed.at.name
        if not any(self._evidence.is_far_end(here, row) for row in _rows(outputs)):
            return here, tr("no prompt says otherwise")
        there = typed.next_at
        if there is None or there == here:
            there = tr("the machine of {here}", here=here)
        return there, tr("it shows the other end of a device of {here}", here=here)


def _rows(outputs: Sequence[Output]) -> Iterator[Row]:
    for output in outputs:
        yield from output.rows
