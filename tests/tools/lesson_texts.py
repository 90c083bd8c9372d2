"""Which texts do the lessons hold that another language needs? Those of the notebooks, their questions and the quiz."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vethlab_sh.lessons import questions, quiz, translation

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import glossary  # noqa: E402 - it is no part of a package

LINK = re.compile(r"\]\(([^)]*)\)")
GAP = re.compile("_{3}")
STRONG = re.compile(r"\*\*")


@dataclass(frozen=True)
class Text:
    """A text, and the file that it is in. context: where it stands, if it reads otherwise there; about: what it is."""

    text: str
    file: str
    context: str = ""
    about: str = ""


def texts() -> Iterator[Text]:
    """All of them, each file from its beginning."""
    for lesson in questions.lessons():
        for path in (NOTEBOOKS / "solutions" / f"{lesson}.ipynb", NOTEBOOKS / f"{lesson}.ipynb"):
            yield from _of_notebook(path)
        yield from _of_questions(NOTEBOOKS / "questions" / f"{lesson}.toml", lesson)
    yield from _of_quiz(NOTEBOOKS / "quiz.toml")
    for word, meaning in glossary.read().items():
        yield Text(meaning, "docs/glossary.md", about=word)
        yield Text(meaning, "docs/glossary.md", translation.WORD, about=word)


def _of_notebook(path: Path) -> Iterator[Text]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found = translation.COMMENT.findall(source)
        else:
            plain = translation.EXPLAINED.sub(r"\2", source)
            found = [block.text for block in translation.blocks(plain)]
        for text in found:
            if text:
                yield Text(text, f"notebooks/{path.name}")


def _of_questions(path: Path, lesson: str) -> Iterator[Text]:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    file = f"notebooks/questions/{path.name}"
    for name, table in tables.get("predict", {}).items():
        yield from _of_question(table, file, questions.context(lesson, name))
    for table in tables.get("exercise", {}).values():
        for hint in table.get("hints", ()):
            yield Text(hint, file)


def _of_quiz(path: Path) -> Iterator[Text]:
    for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
        yield Text(table["belief"], "notebooks/quiz.toml")
        yield from _of_question(table, "notebooks/quiz.toml", questions.context(quiz.FILE, name))


def _of_question(table: dict[str, Any], file: str, context: str) -> Iterator[Text]:
    yield Text(table["ask"], file)
    for choice, words in table.get("choices", {}).items():
        if not choice.isdigit():
            yield Text(choice, file, context)
        if words:
            yield Text(words, file)
    for words in table.get("slips", {}).values():
        yield Text(words, file)
    if "because" in table:
        yield Text(table["because"], file)


def wrongs(english: str, other: str) -> Iterator[str]:
    """What the translation of a text of the lessons has lost or changed: a link, a gap, a cell; bold that is none."""
    for what in (LINK, GAP, STRONG):
        if what.findall(english) != what.findall(other):
            yield f"{what.pattern} changed: {english}"
    if english.count(" | ") != other.count(" | "):
        yield f"cells of its row changed: {english}"
    if not is_bold(other):
        yield f"bold that begins or ends beside a sign is none: {other}"


def is_bold(text: str) -> bool:
    """Whether each ** is read as bold, as CommonMark 0.31 has it (6.2): inside of it no sign touches it, unless a sign
    or a blank is at its outside too."""
    for number, mark in enumerate(STRONG.finditer(text)):
        before = text[mark.start() - 1] if mark.start() else " "
        behind = text[mark.end()] if mark.end() < len(text) else " "
        inside, outside = (before, behind) if number % 2 else (behind, before)
        if inside.isspace() or (_is_sign(inside) and not _is_sign(outside) and not outside.isspace()):
            return False
    return True


def _is_sign(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "PS"
