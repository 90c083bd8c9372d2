"""Keep the catalogues of other languages: what the source says now, what is translated, and what still is not.

`make catalogue` reads every tr(), plural() and marked() of the package, and all texts of the lessons, which have a
catalogue of their own. It brings the .po files up to date, compiles them to the .mo files that the package reads, and
counts. ARGS=--missing lists what has no translation.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path

import lesson_texts
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from vethlab_sh.language import DOMAIN, LESSONS

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "vethlab_sh"
LOCALE = PACKAGE / "locale"
OTHERS = ("zh",)
DOMAINS = (DOMAIN, LESSONS)
FUNCTIONS = {"tr": 1, "marked": 1, "plural": 2}  # how many sentences each of them takes
HEADER = "# {what} in another language. `make catalogue` keeps it; only msgstr is written by hand."
WHAT = {DOMAIN: "The sentences of vethlab_sh", LESSONS: "The lessons"}
DATED = (b'"Project-Id-', b'"Report-', b'"POT-', b'"PO-', b'"Last-', b'"Language-Team', b'"Generated-')
NEVER = datetime(2026, 1, 1, tzinfo=UTC)  # a date would change the compiled file each day
FIELD = re.compile(r"\{\{|\}\}|\{([^{}!:]+)[^{}]*\}")
PERCENT = re.compile(r"%(?:\(\w+\))?[rs]")  # as argparse has them
CODE = re.compile("`([^`]*)`")


def marked_sentences() -> Iterator[tuple[tuple[str, ...], str]]:
    """Each sentence of the source (with its plural, where it has one), and the file in which it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
        for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            if not isinstance(node.func, ast.Name):
                continue
            count = FUNCTIONS.get(node.func.id, 0)
            if any(isinstance(argument, ast.JoinedStr) for argument in node.args[:count]):
                raise ValueError(f"{file}:{node.lineno}: its fields are filled in before it can be looked up")
            texts = [str(argument.value) for argument in node.args[:count] if isinstance(argument, ast.Constant)]
            if texts and len(texts) == count:
                check_fields(node, texts, f"{file}:{node.lineno}")
                yield tuple(texts), file


@cache
def parsed(path: Path) -> ast.Module:
    """A file of the source, read once."""
    return ast.parse(path.read_text())


def check_fields(call: ast.Call, texts: list[str], place: str) -> None:
    """Raise ValueError unless a call of tr() or plural() gives the fields that stand in its sentence, and no others."""
    given = {keyword.arg for keyword in call.keywords}
    wanted = {name for text in texts for name in FIELD.findall(text) if name}
    is_marked = isinstance(call.func, ast.Name) and call.func.id == "marked"
    if is_marked or (not given and len(texts) == 1):  # filled in later, or not at all
        return
    if given | ({"count"} if len(texts) > 1 else set()) != wanted | ({"count"} if len(texts) > 1 else set()):
        raise ValueError(f"{place}: given {sorted(map(str, given))}, wanted {sorted(wanted)}")


def extracted(domain: str = DOMAIN) -> Catalog:
    """What the source says, without a translation."""
    if domain == LESSONS:
        return extracted_lessons()
    catalogue = new_catalogue()
    for texts, file in marked_sentences():
        known = catalogue.get(texts[0])
        if known is None:
            catalogue.add(texts if len(texts) > 1 else texts[0], locations=[(file, 0)])
        elif (file, 0) not in known.locations:
            known.locations.append((file, 0))
    return catalogue


def extracted_lessons() -> Catalog:
    """What the lessons say, without a translation."""
    catalogue = new_catalogue(domain=LESSONS)
    for text in lesson_texts.texts():
        context = text.context or None
        known = catalogue.get(text.text, context)
        if known is None:
            about = [text.about] if text.about else []
            catalogue.add(text.text, locations=[(text.file, 0)], auto_comments=about, context=context)
        elif (text.file, 0) not in known.locations:
            known.locations.append((text.file, 0))
    return catalogue


def new_catalogue(language: str | None = None, domain: str = DOMAIN) -> Catalog:
    """An empty catalogue, whose header says nothing that changes from day to day."""
    header = HEADER.format(what=WHAT[domain])
    return Catalog(language, header_comment=header, fuzzy=False, creation_date=NEVER, revision_date=NEVER)


def file_of(language: str, kind: str, domain: str = DOMAIN) -> Path:
    """A language's catalogue; kind: po or mo."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.{kind}"


def written(language: str, domain: str = DOMAIN) -> Catalog:
    """The catalogue as it stands in its .po file."""
    with file_of(language, "po", domain).open("rb") as file:
        return read_po(file, language)


def up_to_date(language: str, domain: str = DOMAIN) -> Catalog:
    """The sentences of the source, each with the translation that its .po file has."""
    catalogue = new_catalogue(language, domain)
    before = written(language, domain) if file_of(language, "po", domain).exists() else catalogue
    for message in messages(extracted(domain)):
        known = before.get(message.id[0] if message.pluralizable else message.id, message.context)
        string = known.string if known is not None and known.pluralizable == message.pluralizable else ""
        catalogue.add(
            message.id,
            string,
            locations=message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    return catalogue


def messages(catalogue: Catalog) -> list[Message]:
    """All but its header."""
    return [message for message in catalogue if message.id]


def translation(message: Message) -> str:
    """The one form that our other languages have."""
    string = message.string
    return str(string[0] if isinstance(string, tuple | list) and string else string or "")


def missing(catalogue: Catalog) -> list[Message]:
    """The sentences without a translation."""
    return [message for message in messages(catalogue) if not translation(message)]


def as_po(catalogue: Catalog) -> bytes:
    """A catalogue as text, without line numbers, which would change with every commit."""
    text = io.BytesIO()
    write_po(text, catalogue, width=0, include_lineno=False)
    lines = text.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(DATED))


def as_mo(catalogue: Catalog) -> bytes:
    """A catalogue as `gettext` reads it."""
    packed = io.BytesIO()
    write_mo(packed, catalogue)
    return packed.getvalue()


def fields(text: str) -> set[str]:
    """The names in {} in a sentence, and what stands for one in argparse's."""
    return {name for name in FIELD.findall(text) if name} | set(PERCENT.findall(text))


def wrongs(message: Message) -> Iterator[str]:
    """What a translation has lost or changed: a field, a command."""
    english = message.id[-1] if message.pluralizable else message.id
    other = translation(message)
    if fields(english) != fields(other):
        yield f"fields {sorted(fields(english))} became {sorted(fields(other))}: {english}"
    if sorted(set(CODE.findall(english))) != sorted(set(CODE.findall(other))):
        yield f"what stands between ` changed: {english}"
    yield from lesson_texts.wrongs(english, other)


def main(words: list[str]) -> None:
    """Bring every catalogue up to date, and count."""
    for language, domain in product(OTHERS, DOMAINS):
        catalogue = up_to_date(language, domain)
        file_of(language, "po", domain).parent.mkdir(parents=True, exist_ok=True)
        file_of(language, "po", domain).write_bytes(as_po(catalogue))
        file_of(language, "mo", domain).write_bytes(as_mo(catalogue))
        left = missing(catalogue)
        if "--missing" in words:
            for message in left:
                print(message.id)
        print(f"{language}, {domain}: {len(messages(catalogue))} texts, {len(left)} without a translation")


if __name__ == "__main__":
    main(sys.argv[1:])
