"""What has a translator to do? The site's texts page by page, in catalogues beside each other: `make.py catalogue`.

Sphinx tells what a page says, a message for each paragraph, heading, item and cell, and puts the translation in when it
builds the site of a language. A page that is made of what the kit says (a drill, the help of a verb, a lesson) needs no
catalogue here, since the kit speaks the language itself.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import retold
import said
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from editions import BUILD, EDITIONS, Edition

from vethlab_sh.language import speaking

SPOKEN = ("drills/", "lessons/", "reference/commands", "reference/tables", "reference/claims", "guides/quiz")
RETOLD = "guides/causes"  # where the kit is quoted
HEADER = (
    "# A part of the site in another language. `make book ARGS=catalogue` keeps it; only msgstr is written by hand."
)
DATED = (b'"Project-Id-', b'"Report-', b'"POT-', b'"PO-', b'"Last-', b'"Language-Team', b'"Generated-')
CODE = re.compile("`([^`]*)`")
LINK = re.compile(r"\]\(([^)]*)\)")
FIELD = re.compile(r"\{\w+\}")
TAG = re.compile("<!--.*?-->")
TEXT = re.compile("[A-Za-z]{2}")


def folder(language: str) -> Path:
    """Where the catalogues of a language are."""
    return said.LOCALE / language / "LC_MESSAGES"


def for_sphinx(edition: Edition) -> None:
    """Put an edition's catalogues where Sphinx looks for them, under its own name of the language."""
    place = BUILD / "locale" / edition.name
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder(edition.code), place / "LC_MESSAGES")


def update(language: str, extracted: Path) -> None:
    """Bring every catalogue up to date with what Sphinx has extracted, and what modules here have asked for."""
    kept = {said.CATALOGUE, "sphinx"}  # the theme's own words are in the last
    for path in sorted(extracted.rglob("*.pot")):
        page = path.relative_to(extracted).with_suffix("").as_posix()
        if page == "sphinx" or page.startswith(SPOKEN):
            continue
        kept.add(page)
        texts = _of_page(path)
        if page == RETOLD:
            source = EDITIONS[0].build / "source" / f"{page}.md"
            with speaking(language):
                by_the_kit = retold.of_page(source.read_text(encoding="utf-8"))
            texts = [text for text in texts if text not in by_the_kit]
        _update(folder(language) / f"{page}.po", language, texts)
    _update(folder(language) / f"{said.CATALOGUE}.po", language, list(said.ASKED))
    for path in sorted(folder(language).rglob("*.po")):
        if path.relative_to(folder(language)).with_suffix("").as_posix() not in kept:
            path.unlink()


def _of_page(path: Path) -> list[str]:
    texts = []
    for message in messages(read(path)):
        is_prose = any(file.endswith(".md") for file, _ in message.locations)  # a docstring stays English
        if is_prose and TEXT.search(CODE.sub("", str(message.id))):
            texts.append(str(message.id))
    return texts


def _update(path: Path, language: str, texts: Iterable[str]) -> None:
    before = read(path) if path.exists() else Catalog(language)
    catalogue = Catalog(language, header_comment=HEADER, fuzzy=False)
    for text in texts:
        known = before.get(text)
        catalogue.add(text, known.string if known else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    write_po(written, catalogue, width=0)
    lines = written.getvalue().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(DATED)))


def read(path: Path) -> Catalog:
    """The catalogue in a file."""
    with path.open("rb") as file:
        return read_po(file)


def messages(catalogue: Catalog) -> list[Message]:
    """All but its header."""
    return [message for message in catalogue if message.id]


def all_messages(language: str) -> Iterator[tuple[str, Message]]:
    """Every message of a language, with the page that it is on."""
    for path in sorted(folder(language).rglob("*.po")):
        page = path.relative_to(folder(language)).with_suffix("").as_posix()
        for message in messages(read(path)):
            yield page, message


def wrongs(message: Message) -> Iterator[str]:
    """What a translation has lost or changed: code, a link, a field, a mark for our own tools."""
    for what in (CODE, LINK, FIELD, TAG):
        if sorted(set(what.findall(message.id))) != sorted(set(what.findall(message.string))):
            yield f"{what.pattern} changed: {message.id}"


def count(language: str) -> str:
    """How many messages there are, and how many wait for a translation."""
    all_of_them = [message for _, message in all_messages(language)]
    left = [message for message in all_of_them if not message.string]
    return f"{language}: {len(all_of_them)} texts of the site, {len(left)} without a translation"
