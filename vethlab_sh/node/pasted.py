"""Which commands are in a pasted session, where was each typed, what did it print? Prompts and looks tell.

People paste prompts of any look, comments in any language, several machines, a `kubectl exec ... bash` in the
middle, Markdown around it all, and output whose command they left out. Nothing here is executed, and no line is
lost: each is a prompt, a command, output, a comment, or blank.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..language import marked, tr
from ..parsers.recognise import recognise, stages
from ..tables import clean
from .commands import is_command
from .fences import Line, session_lines
from .headings import CODE, heading
from .marks import POINTING, unmarked
from .places import Place
from .prompts import LONGEST, is_chatter, is_remark, leaves_out, prompt
from .shapes import are_alike, example, shape
from .whereabouts import Whereabouts, is_of_here

UNNAMED = marked("this machine")  # where an anonymous prompt stands, unless the text has told its name
LEAVE_LINES_OUT = {"grep", "egrep", "fgrep", "head", "tail", "less", "more", "cat", "sort", "uniq", "tee"}
GOES_ON = 8  # lines that a command may be continued on by a backslash
MOST_LOOKED_AT = 4  # of the lines before, to see whether one of them began a row


@dataclass
class Typed:
    """One command and what it printed.

    line: the command, without its prompt; empty when the text shows output and not its command; number: its line in
    the text; at: where it ran; inner: what ran there (`ip a` of `kubectl exec web -- ip a`); output: numbered lines;
    remark: a comment stands between this output and what was before it; next_at: the next place with a name; is_cut:
    whether the one who pasted left lines out of it; is_apart: whether nothing tells where it was printed.
    """

    line: str
    number: int
    at: Place
    inner: str
    output: list[tuple[int, str]] = field(default_factory=list)
    remark: bool = False
    next_at: str | None = None
    is_cut: bool = False
    is_apart: bool = False

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables that the command prints, also behind a pipe that only leaves lines out."""
        tables = recognise(self.inner)
        if tables or "|" not in self.inner:
            return tables
        first, *filters = stages(self.inner) or [[]]
        if not filters:
            return ()
        for words in filters:
            if not words or words[0] not in LEAVE_LINES_OUT:
                return ()
        return recognise(shlex.join(first))


QUOTING = re.compile(r">(?: ?>)* ?")  # before each line that a mail quotes


@dataclass
class Session:
    """A text as its commands, the places they ran at, and what each line is by its number."""

    typed: list[Typed]
    places: dict[str, Place]
    kinds: dict[int, str]


def read(*texts: str, names: Sequence[str] = ()) -> Session:
    """The session in a text: everything in it, or, in Markdown, what stands between its fences.

    texts: several are read one after the other, their lines numbered through; names: what to call the machine of each
    text whose prompts do not name one.
    """
    session = Session([], {}, {})
    first = 1
    for n, text in enumerate(texts):
        name = names[n] if n < len(names) else tr(UNNAMED)
        lines = list(session_lines(_cleaned(text), first))
        where = Whereabouts(name, session.places)
        reader = _Reader(where)
        reader.read(lines)
        _look_ahead(reader.typed, name)
        session.typed += reader.typed
        session.kinds |= reader.kinds
        first += len(lines)
    return session


def _cleaned(text: str) -> str:
    """A text without what only a terminal obeys; old Macintoshes ended their lines by a carriage return alone."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return _unquoted(unmarked(clean(text)))


def _unquoted(text: str) -> str:
    """A text without the signs by which a mail or a chat marks what it quotes.

    Below a command `> ` is bash's own prompt for a line that goes on (PS2), and stays.
    """
    if not text.startswith(">") and "\n>" not in text:
        return text
    lines = text.split("\n")
    is_quoted = goes_on = False
    for at, line in enumerate(lines):
        if not line.startswith(">"):
            is_quoted = False
            shown = prompt(line)
            goes_on = shown is not None and bool(shown.command)
        elif is_quoted or not goes_on:
            is_quoted = True
            lines[at] = QUOTING.sub("", line, count=1)
    return "\n".join(lines)


def _look_ahead(typed: list[Typed], unnamed: str) -> None:
    """Tell each command the next place that has a name of its own."""
    name: str | None = None
    for one in reversed(typed):
        one.next_at = name
        if one.line and one.at.name != unnamed:
            name = one.at.name


class _Reader:
    """The state while a text is read line by line: where we are, and the command whose output comes."""

    def __init__(self, where: Whereabouts) -> None:
        self.typed: list[Typed] = []
        self.kinds: dict[int, str] = {}  # what each line is, by its number
        self._where = where
        self._remark = False  # a remark stands between the last command and what comes
        self._apart = False  # a fence does: what follows is another text
        self._behind_hash = False  # the last line was output, written as a comment
        self._announced: str | None = None  # the command that the line before a block names
        self._continued: set[int] = set()  # the lines in which a command has gone on

    def read(self, lines: Sequence[Line]) -> None:
        """Take all lines of a text."""
        for at, line in enumerate(lines):
            if line.is_fence:
                self._fence(line)
            elif not line.is_session:
                self._prose(line)
            elif line.number not in self._continued:
                following = self._going_on(lines, at)
                self.kinds[line.number] = self._line(line.number, line.text.rstrip(), following)

    def _going_on(self, lines: Sequence[Line], at: int) -> list[Line]:
        """The lines in which a command may go on; none but behind a backslash."""
        text = lines[at].text
        if not text.rstrip().endswith("\\"):
            return []
        below = lines[at + 1 : at + 1 + GOES_ON]
        return [line for line in below if line.is_session]

    def _fence(self, line: Line) -> None:
        self.kinds[line.number] = "comment"
        self._apart = True
        self._behind_hash = False
        if line.opens:
            self._where.fence()

    def _prose(self, line: Line) -> None:
        """A line outside of the blocks: it may announce where the next block is from, and what was typed there."""
        if not line.text.strip():
            self.kinds[line.number] = "blank"
            return
        self.kinds[line.number] = "comment"
        announced = heading(line.text)
        if announced:
            self._where.heading(announced, line.number)
        self._announced = _command_in(line.text)

    def _line(self, number: int, text: str, following: Sequence[Line]) -> str:
        """Take one line of a session, and of those that follow what it goes on in; returns what it is."""
        if not text.strip():
            return "blank"
        found = prompt(text)
        if found is None and text[0].isspace():
            found = prompt(text.strip())
        if found is None:
            return self._without_prompt(number, text)
        self._announced = None
        self._where.prompt(found, number)
        if not found.command:
            return "prompt"
        self._command(number, found.command, following)
        return "command"

    def _without_prompt(self, number: int, text: str) -> str:
        if is_chatter(text):
            if self.typed and leaves_out(text):
                self.typed[-1].is_cut = True
            return "comment"
        if POINTING.match(text):
            return "comment"
        commented = self._commented(text)
        if commented is not None:
            self._output(number, commented)
            return "output"
        if is_remark(text):
            self._remark = True
            self._heading(number, text)
            return "comment"
        if _may_be_heading(text) and self._heading(number, text):
            self._remark = True
            return "comment"
        self._output(number, text)
        return "output"

    def _heading(self, number: int, text: str) -> bool:
        """Whether a line announces a place; if so, we are there now."""
        announced = heading(text)
        if announced is None:
            return False
        self._where.heading(announced, number)
        return True

    def _commented(self, text: str) -> str | None:
        """A line of output that stands behind a `#`, as those write it who want to copy their commands again."""
        mark, sign, rest = text.partition("#")
        is_output = False
        if sign and not mark.strip():
            rest = rest.removeprefix(" ")
            is_output = shape(rest) is not None or (self._behind_hash and rest.startswith((" ", "\t")))
        self._behind_hash = is_output
        return rest if is_output else None

    def _command(self, number: int, command: str, following: Sequence[Line]) -> None:
        """Take a command with the lines that it goes on in."""
        for line in following:
            if not command.endswith("\\") or len(command) > LONGEST:
                break
            before = command.removesuffix("\\").rstrip()
            more = line.text.strip().removeprefix(">").strip()  # `> ` is bash's prompt for a line that goes on, PS2
            command = f"{before} {more}"
            number = line.number
            self.kinds[number] = "command"
            self._continued.add(number)
        at, inner = self._where.command(command)
        self.typed.append(Typed(command, number, at, inner))
        self._remark = self._apart = False

    def _output(self, number: int, text: str) -> None:
        """Take a line of output, of the last command or of one that the text does not show."""
        last = None
        if self.typed and not self._apart:
            last = self.typed[-1]
        if last is None or self._does_not_belong(text, last):
            last = self._without_command(number, text, last)
            self.typed.append(last)
        last.output.append((number, text))
        self._remark = False
        self._apart = False

    def _without_command(self, number: int, text: str, last: Typed | None) -> Typed:
        """What printed this line: a command that the text does not show, told by the line's looks, or by a heading."""
        announced = self._announced
        self._announced = None
        if announced and self._apart:
            self._where.bare(number)
            at, inner = self._where.command(announced)
            return Typed(announced, number, at, inner)
        table = shape(text)
        command = "" if table is None else example(table)
        if last is not None and last.is_apart and not self._remark:
            return Typed("", number, last.at, command, is_apart=True)
        if last is not None and last.line and not last.tables and not self._remark:
            return self._of_unknown(number, command, last)
        self._where.bare(number)
        return Typed("", number, self._where.here, command, remark=self._remark)

    def _of_unknown(self, number: int, command: str, last: Typed) -> Typed:
        """What a command printed that we do not know: of its place only if it can print nothing else."""
        if is_of_here(last.inner):
            return Typed("", number, last.at, command, is_apart=True)
        place = Place(tr("unnamed (line {line})", line=number), is_named=False)
        self._where.places.setdefault(place.name, place)
        return Typed("", number, place, command, is_apart=True)

    def _does_not_belong(self, text: str, last: Typed) -> bool:
        """Whether a line is by its looks not of the last command: of another table, or after a remark."""
        table = shape(text)
        if table is None:
            return False
        if not any(are_alike(table, own) for own in last.tables):
            return True
        if not self._remark:
            return False
        return any(shape(before) for _, before in last.output[:MOST_LOOKED_AT])


def _may_be_heading(text: str) -> bool:
    """Whether a line between commands can be a heading: it begins at the margin, and ends with a colon."""
    if text[0].isspace():
        return False
    return text.endswith((":", "：")) or text.startswith(("==", "**", "##"))


def _command_in(text: str) -> str | None:
    """The one command that a line of prose quotes: ``the output of `ip route` on node-b:``."""
    quoted: list[str] = [words for words in CODE.findall(text) if is_command(words)]
    if len(quoted) != 1:
        return None
    return quoted[0]
