"""Which word is explained where? Those of docs/glossary.md at their first use in a lesson, for who points at them."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

GLOSSARY = Path(__file__).resolve().parent.parent / "docs" / "glossary.md"
FIELD = "## The field's own"  # the house's own words are for readers of the code
ROW = re.compile(r"^\| \*\*(.+?)\*\* \| (.+) \|$", re.M)
# What is no prose: code, a link, and what is HTML already.
KEPT = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|<[^>]+>")


def read() -> dict[str, str]:
    """What each word means, as plain text."""
    text = GLOSSARY.read_text(encoding="utf-8")
    section = text.partition(FIELD)[2].partition("\n## ")[0]
    return {word: meaning.replace("`", "") for word, meaning in ROW.findall(section)}


class Explained:
    """The words of one lesson, and which of them have been explained so far."""

    def __init__(self) -> None:
        self._meanings = read()
        self._any = _any_of(self._meanings)
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
        word = self._word(found[1])
        if word in self._told:
            return written
        self._told.add(word)
        meaning = self._meanings[word]
        return f'<abbr title="{escape(meaning)}">{written}</abbr>'

    def _word(self, written: str) -> str:
        """As the glossary has it: a sentence may begin with it."""
        if written in self._meanings:
            return written
        return written[0].lower() + written[1:]


def _any_of(words: dict[str, str]) -> re.Pattern[str]:
    """Any of the words by itself, also in the plural; the longest first, so that a MAC address is no address."""
    written = []
    for word in sorted(words, key=len, reverse=True):
        first, rest = re.escape(word[0]), re.escape(word[1:])
        written.append(f"[{first}{first.upper()}]{rest}" if word[0].islower() else first + rest)
    return re.compile(rf"(?<![\w.@/-])({'|'.join(written)})(?:s|es)?(?![\w@/-])")
