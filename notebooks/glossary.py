"""Which word is explained where? Those of docs/glossary.md at their first use in a lesson, for who points at them."""

from __future__ import annotations

import re
from pathlib import Path

from vethlab_sh.lessons import words

GLOSSARY = Path(__file__).resolve().parent.parent / "docs" / "glossary.md"
FIELD = "## The field's own"  # the house's own words are for readers of the code
ROW = re.compile(r"^\| \*\*(.+?)\*\* \| (.+) \|$", re.M)


def read() -> dict[str, str]:
    """What each word means, as plain text."""
    text = GLOSSARY.read_text(encoding="utf-8")
    section = text.partition(FIELD)[2].partition("\n## ")[0]
    return {word: meaning.replace("`", "") for word, meaning in ROW.findall(section)}


class Explained(words.Explained):
    """The words of one lesson, and which of them have been explained so far."""

    def __init__(self) -> None:
        super().__init__(read())
