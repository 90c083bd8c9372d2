"""Which commands are in a pasted session, where was each typed, what did it print? Prompts and looks tell.

People paste prompts of any look, comments in any language, several machines, a `kubectl exec ... bash` in the
middle, Markdown around it all, and output whose command they left out. Nothing here is executed, and no line is
lost: each is a prompt, a command, output, a comment, or blank.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..recognise import recognise, stages
from ..tables import clean
from .fences import Line, session_lines
from .places import Place
from .prompts import LONGEST, is_chatter, is_remark, prompt
from .shapes import are_alike, example, shape
from .whereabouts import Whereabouts

UNNAMED = "this machine"  # where an anonymous prompt stands, unless the text has told its name
LEAVE_LINES_OUT = {"grep", "egrep", "fgrep", "head", "tail", "less", "more", "cat", "sort", "uniq", "tee"}
GOES_ON = 8  # lines that a command may be continued on by a backslash


@dataclass
class Typed:
    """One command and what it printed.

    line: the command, without its prompt; empty when the text shows output and not its command; number: its line in
    the text; at: where it ran; inner: what ran there (`ip a` of `kubectl exec web -- ip a`); output: numbered lines;
    remark: a comment stands between this output and what was before it; next_at: the next place with a name.
    """

    line: str
    number: int
    at: Place
    inner: str
    output: list[tuple[int, str]] = field(default_factory=list)
    remark: bool = False
    next_at: str | None = None

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
        name = names[n] if n < len(names) else UNNAMED
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
    return clean(text)


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

    def read(self, lines: Sequence[Line]) -> None:
        """Take all lines of a text."""
        for line in lines:
            if line.is_fence:
                self.kinds[line.number] = "comment"
            elif not line.is_session:
                self.kinds[line.number] = "comment" if line.text.strip() else "blank"
        session = [line for line in lines if line.is_session or line.is_fence]
        for n, line in enumerate(session, 1):
            if line.is_fence:
                self._apart = True
            elif line.number not in self.kinds:  # else a command has gone on in it
                text = line.text.rstrip()
                following = session[n : n + GOES_ON]
                self.kinds[line.number] = self._line(line.number, text, following)

    def _line(self, number: int, text: str, following: Sequence[Line]) -> str:
        """Take one line of a session, and of those that follow what it goes on in; returns what it is."""
        if not text.strip():
            return "blank"
        found = prompt(text) or prompt(text.strip())
        if found is None:
            return self._without_prompt(number, text)
        self._where.prompt(found.host)
        if not found.command:
            return "prompt"
        self._command(number, found.command, following)
        return "command"

    def _without_prompt(self, number: int, text: str) -> str:
        if is_chatter(text):
            return "comment"
        if is_remark(text):
            self._remark = True
            return "comment"
        self._output(number, text)
        return "output"

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
        at, inner = self._where.command(command)
        self.typed.append(Typed(command, number, at, inner))
        self._remark = self._apart = False

    def _output(self, number: int, text: str) -> None:
        """Take a line of output, of the last command or of one that the text does not show."""
        last = self.typed[-1] if self.typed and not self._apart else None
        if last is None or self._does_not_belong(text, last):
            last = self._without_command(number, text)
            self.typed.append(last)
        last.output.append((number, text))
        self._remark = self._apart = False

    def _without_command(self, number: int, text: str) -> Typed:
        """What printed this line: a command that the text does not show, told by the line's looks."""
        here = self._where.here
        table = shape(text)
        if table is None:
            return Typed("", number, here, "")
        return Typed("", number, here, example(table), remark=self._remark)

    def _does_not_belong(self, text: str, last: Typed) -> bool:
        """Whether a line is by its looks not of the last command: of another table, or after a remark."""
        table = shape(text)
        if table is None:
            return False
        if not any(are_alike(table, own) for own in last.tables):
            return True
        if not self._remark:
            return False
        return any(shape(before) for _, before in last.output)
