"""Where is a word of the glossary explained? In a lesson's prose, at its first use, for who points at it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

# What is no prose: code, a link, and what is HTML already.
KEPT = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|<[^>]+>")
WIDE = re.compile("[\u4e00-\u9fff]")
# They begin as a word of the glossary does, and mean something else.
OTHERS = ("路由器", "路由表", "邻居表")
NONE = "(?!)"  # matches nothing


class Explained:
    """The words of one lesson, and which of them have been explained so far. meanings: of each word, as plain text."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = meanings
        self._any = _any_of([*meanings, *OTHERS])
        self._told: set[str] = set()

    def explain(self, source: str) -> str:
        """The prose of a cell, in which each word that is not explained yet shows its meaning."""
        lines = []
        is_code = False
        for line in source.split("\n"):
            if line.startswith("```"):
                is_code = not is_code
            is_prose = not is_code and not line.startswith(("#", "|", "```"))
            lines.append(self._in_line(line) if is_prose else line)
        return "\n".join(lines)

    def _in_line(self, line: str) -> str:
        pieces = []
        end = 0
        for kept in KEPT.finditer(line):
            pieces += [self._in_prose(line[end : kept.start()]), kept.group()]
            end = kept.end()
        pieces.append(self._in_prose(line[end:]))
        return "".join(pieces)

    def _in_prose(self, text: str) -> str:
        return self._any.sub(self._explained, text)

    def _explained(self, found: re.Match[str]) -> str:
        written = found.group()
        word = self._word(found["wide"] or found["narrow"])
        if word in self._told or word in OTHERS:
            return written
        self._told.add(word)
        meaning = self._meanings[word]
        return f'<abbr title="{escape(meaning)}">{written}</abbr>'

    def _word(self, written: str) -> str:
        """As the glossary has it: a sentence may begin with it."""
        if written in self._meanings:
            return written
        return written[0].lower() + written[1:]


def _any_of(words: list[str]) -> re.Pattern[str]:
    """Any of the words, the longest first, so that a MAC address is no address; in Chinese no blank ends a word."""
    wide = []
    narrow = []
    for word in sorted(words, key=len, reverse=True):
        first, rest = re.escape(word[0]), re.escape(word[1:])
        if WIDE.search(word):
            wide.append(first + rest)
        else:
            narrow.append(f"[{first}{first.upper()}]{rest}" if word[0].islower() else first + rest)
    by_itself = rf"(?<![\w.@/-])(?P<narrow>{'|'.join(narrow) or NONE})(?:s|es)?(?![\w@/-])"  # also in the plural
    return re.compile(rf"(?P<wide>{'|'.join(wide)})|{by_itself}")
