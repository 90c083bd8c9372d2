"""How are the words of a line taken, so that none is dropped? One at a time, by a reader that knows what must come.

What is not of the form that a reader expects is `OutputNotUnderstood`, which names the word and the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv6Address
from typing import Any, ClassVar, Self

from ..errors import OutputNotUnderstood
from ..language import tr

Row = dict[str, Any]
# What a parser's rows hold: each column's type (str, int, float or bool) and its meaning with its unit.
Columns = Mapping[str, tuple[type, str]]

NUMBER = re.compile(r"\d{1,18}", re.ASCII)  # what fits into the 64 bits of a table's column
OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"{OCTET}(?:\.{OCTET}){{3}}"  # as text, for the forms of whole lines
IPV4_ALONE = re.compile(IPV4, re.ASCII)
IPV4_PREFIX = rf"{IPV4}(?:/(?:3[0-2]|[12]?\d))?"
IP = re.compile(r"[0-9A-Fa-f.:]+")
PREFIX = re.compile(r"[0-9A-Fa-f.:]+(/\d{1,3})?", re.ASCII)
LENGTHS4 = {"", *map(str, range(33))}
HARDWARE = re.compile(r"[0-9A-Fa-f]{1,4}([:.]{1,2}[0-9A-Fa-f]{1,4})*|::")  # of a tunnel it is an IP address


class Words:
    """The words left of one line; what is unknown, or missing, is an error that names the place.

    command: the parser's name, for the error; line: the whole line as printed; number: which line it is, from 1;
    text: where only a part of the line is read (with -o), that part.
    """

    def __init__(self, command: str, line: str, number: int, text: str | None = None) -> None:
        self.line = line
        self.number = number
        self._command = command
        self._text = line if text is None else text
        self._left = self._text.split()
        self._left.reverse()  # the next word stands last, where a list gives it away at once

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def text(self) -> str:
        """All words of the line, also those that were taken, one space apart."""
        return " ".join(self._text.split())

    def peek(self) -> str:
        """The next word, left where it is; empty at the end of the line."""
        return self._left[-1] if self._left else ""

    def word(self, place: int) -> str:
        """The word at a place among those left (0 is next, -1 the last), left where it is; empty when none."""
        backwards = -1 - place
        if -len(self._left) <= backwards < len(self._left):
            return self._left[backwards]
        return ""

    def has(self, word: str) -> bool:
        """Whether this word is among those left."""
        return word in self._left

    def end(self) -> None:
        """The line must end here."""
        if self._left:
            raise self.unknown(self._left[-1])

    def take(self) -> str:
        """The next word."""
        if not self._left:
            raise self.unknown(tr("(end of line)"))
        return self._left.pop()

    def take_int(self) -> int:
        """The next word, a whole number in decimal."""
        word = self.take()
        if not NUMBER.fullmatch(word):
            raise self.unknown(word)
        return int(word)

    def rest(self) -> str:
        """All that is left, as one text."""
        text = " ".join(reversed(self._left))
        self._left.clear()
        return text

    def unknown(self, word: str) -> OutputNotUnderstood:
        """The error for a word that does not belong here."""
        return OutputNotUnderstood(self._command, word, self.line, self.number)


Reader = Callable[[Words], Any]
Pairs = Mapping[str, tuple[str, Reader]]  # a word that is followed by a value: the column, and what reads the value
text: Reader = Words.take
number: Reader = Words.take_int


def mac(words: Words) -> str:
    """The next word, a hardware address."""
    word = words.take()
    if not HARDWARE.fullmatch(word):
        raise words.unknown(word)
    return word


def is_ip(word: str, form: re.Pattern[str] = IP) -> bool:
    """Whether a word is an IP address; with the form PREFIX its length may follow."""
    if ":" not in word:
        return is_prefix4(word) and (form is PREFIX or "/" not in word)
    if not form.fullmatch(word):
        return False
    address, _, length = word.partition("/")
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return not length or int(length) <= 128


def is_prefix4(word: str) -> bool:
    """Whether a word is an IPv4 address, with or without the length of its prefix: 10.0.0.1, 10.0.0.0/8."""
    address, _, length = word.partition("/")
    if IPV4_ALONE.fullmatch(address) is None:  # several times as fast as ipaddress, and as strict
        return False
    return length in LENGTHS4 and not word.endswith("/")


def ip(words: Words) -> str:
    """The next word, an IP address."""
    word = words.take()
    if not is_ip(word):
        raise words.unknown(word)
    return word


def prefix(words: Words) -> str:
    """The next word, an IP address with or without the length of its prefix."""
    word = words.take()
    if not is_ip(word, PREFIX):
        raise words.unknown(word)
    return word


def on_off(words: Words) -> bool:
    """`on` or `off`, as iproute2 writes a truth."""
    word = words.take()
    if word not in ("on", "off"):
        raise words.unknown(word)
    return word == "on"


def lines(command: str, printed: str) -> Iterator[Words]:
    """The lines that are not blank, each as Words; `-o` output is split at its backslashes first."""
    for number, line in enumerate(printed.splitlines(), 1):
        yield from line_parts(command, line, number)


def line_parts(command: str, line: str, number: int) -> Iterator[Words]:
    """A line as Words, or, where -o wrote several lines as one, each of them; nothing of a blank one."""
    for part in line.split("\\"):
        if part and not part.isspace():
            yield Words(command, line, number, part)


class RowReader:
    """The state while the lines of an output are read whose rows lie in one another: the rows, and where each begins.

    A parser's own class says what `take` does with a line, and adds the rows.
    """

    COMMAND: ClassVar[str]
    EMPTY: ClassVar[Row]  # a row that holds nothing yet

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.lines: list[int] = []  # in which each row begins, from 1

    @classmethod
    def read(cls, printed: str) -> Self:
        """Read all lines. Raises OutputNotUnderstood."""
        reader = cls()
        for words in lines(cls.COMMAND, printed):
            reader.take(words)
        return reader

    def take(self, words: Words) -> None:
        """Read one line."""
        raise NotImplementedError

    def add(self, words: Words, row: Row) -> None:
        """Add a row, which begins in this line."""
        self.rows.append(self.EMPTY | row)
        self.lines.append(words.number)


def telling_first(names: str, columns: Columns) -> Columns:
    """The columns, those that tell most in front: on a narrow terminal the last ones are left out.

    >>> list(telling_first("name mtu", {"index": (int, ""), "mtu": (int, ""), "name": (str, "")}))
    ['name', 'mtu', 'index']
    """
    in_front = {}
    for name in names.split():
        in_front[name] = columns[name]
    return {**in_front, **columns}
