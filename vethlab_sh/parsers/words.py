"""How are the words of a line taken one at a time, so that none is dropped?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_interface
from typing import Any

from ..errors import OutputNotUnderstood

Row = dict[str, Any]
NUMBER = re.compile(r"\d{1,18}", re.ASCII)  # what fits into the 64 bits of a table's column
IP = re.compile(r"[0-9A-Fa-f.:]+")
PREFIX = re.compile(r"[0-9A-Fa-f.:]+(/\d{1,3})?", re.ASCII)
HARDWARE = re.compile(r"[0-9A-Fa-f]{1,4}([:.]{1,2}[0-9A-Fa-f]{1,4})*|::")  # of a tunnel it is an IP address


class Words:
    """The words left of one line; what is unknown, or missing, is an error that names the place.

    line: the whole line as printed; text: its words (with -o those of one part of it), one space apart.
    """

    def __init__(self, command: str, line: str, number: int, text: str | None = None) -> None:
        self._command, self.line, self._number = command, line, number
        self._left = (line if text is None else text).split()[::-1]
        self.text = " ".join(reversed(self._left))

    def __bool__(self) -> bool:
        return bool(self._left)

    def peek(self) -> str:
        """The next word, left where it is; empty at the end of the line."""
        return self._left[-1] if self._left else ""

    def word(self, place: int) -> str:
        """The word at a place among those left (0 is next, -1 the last), left where it is; empty when none."""
        place = -1 - place
        return self._left[place] if -len(self._left) <= place < len(self._left) else ""

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
            raise self.unknown("(end of line)")
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
        return OutputNotUnderstood(self._command, word, self.line, self._number)


Reader = Callable[[Words], Any]
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
    try:
        return bool(form.fullmatch(word) and ip_interface(word))
    except ValueError:
        return False


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
    for at, line in enumerate(printed.splitlines(), 1):
        for part in line.split("\\"):
            if part.strip():
                yield Words(command, line, at, part)
