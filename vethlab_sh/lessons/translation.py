"""How does a lesson read in another language? Its prose block by block, from a catalogue; its code stays as it is.

The lessons are written in English. `locale/zh/LC_MESSAGES/lessons.po` has a message for each paragraph, heading, item
of a list and row of a table, so that a changed one costs one translation; one without a translation stays English.
A paragraph is one line, as everywhere in our notebooks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from ..language import SOURCE, in_lesson, language
from .words import Explained

WORD = "word"  # the context in which a meaning of the glossary stands for its word
COMMENT = re.compile(r"^# (.+)$", re.M)  # in cells only we write any
EXPLAINED = re.compile(r'<abbr title="([^"]+)">([^<]+)</abbr>')
LINK = re.compile(r"\]\((\d\w+)\.ipynb\)")  # to another lesson
HEADING = re.compile(r"#+ ")
ITEM = re.compile(r" *(?:[-*]|\d+\.) +")
ROW = re.compile(r"\| (.*) \|")
FENCE = "```"
RULE = "|-"  # below a table's head


@dataclass(frozen=True)
class Block:
    """A line of Markdown: before, what marks it as a heading or an item; text: what is translated, if anything."""

    before: str
    text: str = ""
    behind: str = ""


def blocks(source: str) -> Iterator[Block]:
    """The lines of a cell of prose."""
    is_code = False
    for line in source.split("\n"):
        is_fence = line.startswith(FENCE)
        is_code ^= is_fence
        if is_code or is_fence or not line.strip() or line.startswith(RULE):
            yield Block(line)
            continue
        row = ROW.fullmatch(line)
        if row:
            yield Block("| ", row[1], " |")
            continue
        mark = HEADING.match(line) or ITEM.match(line)
        before = mark.group() if mark else ""
        yield Block(before, line.removeprefix(before))


def prose(source: str) -> str:
    """A cell of prose in the language that is spoken."""
    lines = [block.before + in_lesson(block.text) + block.behind for block in blocks(source)]
    return "\n".join(lines)


def code(source: str) -> str:
    """A cell of code, whose comments are in the language that is spoken."""
    return COMMENT.sub(lambda comment: "# " + in_lesson(comment[1]), source)


def file_name(lesson: str) -> str:
    """The file of a lesson in the language that is spoken: beside the English one, and told apart from it."""
    spoken = language()
    return f"{lesson}.ipynb" if spoken == SOURCE else f"{lesson}.{spoken}.ipynb"


def language_of(file: str) -> str:
    """The language that a file of that name is in; empty for one that does not say.

    >>> language_of("lessons/2_bridge.zh.ipynb"), language_of("2_bridge.ipynb")
    ('zh', '')
    """
    words = file.rsplit("/", 1)[-1].split(".")
    return words[-2] if len(words) > 2 and words[-1] == "ipynb" else ""


def notebook(text: str) -> str:
    """A notebook, as the text of its file, in the language that is spoken.

    Outputs are left out: the kit spoke another language in them.
    """
    lesson = json.loads(text)
    for cell in lesson["cells"]:
        cell["source"] = "".join(cell["source"])  # nbformat 4: a text, or a list of its lines
    translate(lesson["cells"])
    for cell in lesson["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(lesson, indent=1, ensure_ascii=False) + "\n"


def translate(cells: Sequence[dict[str, Any]]) -> None:
    """Put the prose and the comments of a notebook's cells into the language that is spoken, in place.

    Where words of the glossary are explained, the same words are explained at their first use in that language.
    """
    if language() == SOURCE:
        return
    of_prose = [cell for cell in cells if cell["cell_type"] == "markdown"]
    words = Explained(_meanings(cell["source"] for cell in of_prose))
    for cell in of_prose:
        source = prose(EXPLAINED.sub(r"\2", cell["source"]))
        source = LINK.sub(lambda link: f"]({file_name(link[1])})", source)
        cell["source"] = words.explain(source)
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["source"] = code(cell["source"])


def _meanings(sources: Iterable[str]) -> dict[str, str]:
    """The words that a notebook explains, in the language that is spoken."""
    meanings = {}
    for source in sources:
        for title, _ in EXPLAINED.findall(source):
            meaning = unescape(title)
            meanings[in_lesson(meaning, WORD)] = in_lesson(meaning)
    return meanings
