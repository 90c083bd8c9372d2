"""How does what this folder itself says read in another language? Paragraph by paragraph, from one catalogue.

Three catalogues make a page in another language: the kit's own, for what its code says (a drill's ticket, the help of
a verb, a lesson); one for each guide, which Sphinx puts in; and `locale/zh/LC_MESSAGES/site.po`, for the sentences
with which these modules put the kit's words on a page.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from vethlab_sh.language import SOURCE, language

LOCALE = Path(__file__).resolve().parent / "locale"
CATALOGUE = "site"
MARK = re.compile(r"(?:#+|>|-) ")  # a heading, a quotation, an item
LETTER = re.compile("[A-Za-z]")
FIELD = re.compile(r"\{\w+\}")

# What was asked for, in the order in which it was: all that the catalogue has to have, once every page is made.
ASKED: dict[str, None] = {}


def tr(text: str, **fields: object) -> str:
    """A text of this folder in the language that is spoken.

    Each paragraph, heading and item is looked up by itself. Without fields nothing is filled in, as with `str.format`
    later.
    """
    paragraphs = [_paragraph(paragraph) for paragraph in text.split("\n\n")]
    whole = "\n\n".join(paragraphs)
    return whole.format(**fields) if fields else whole


def sentence(text: str) -> str:
    """A text as a sentence: with a full stop, as the language writes it."""
    return text + ("." if language() == SOURCE else "。")


def _paragraph(text: str) -> str:
    plain = text.strip("\n")
    if plain.startswith("```") or not LETTER.search(FIELD.sub("", plain)):
        return text
    mark = MARK.match(plain)
    before = mark.group() if mark else ""
    sentence = " ".join(plain.removeprefix(before).split("\n"))
    ASKED[sentence] = None
    spoken = language()
    if spoken == SOURCE:
        return text
    translated = _catalogue(spoken).get(sentence)
    return text.replace(plain, before + translated) if translated else text


@cache
def _catalogue(name: str) -> dict[str, str]:
    """The translations of a language, by the English."""
    from babel.messages.pofile import read_po  # who builds the English site alone does not wait for it

    with (LOCALE / name / "LC_MESSAGES" / f"{CATALOGUE}.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id}
