"""Has anybody learned something? The same fifteen questions before the lessons and after them, and how both went.

Each is built on something that people believe and that is wrong; `quiz.toml`, beside the lessons, has them. The first
time nothing but the score is told, so that the second time measures what was learned, and not what was remembered.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .. import files
from ..lab import Lab
from ..language import in_lesson, marked, tr
from ..record import Ran
from . import answers
from .questions import Question, question

FILE = "quiz"


@dataclass(frozen=True)
class Item:
    """One question of the quiz.

    belief: what people get wrong here; question: its wrong choices say what would have to be true for them; scenario,
    lines: the lab in which the question's `measure` prints the right choice.
    """

    belief: str
    question: Question
    scenario: str
    lines: tuple[str, ...]

    @property
    def right(self) -> str:
        """The right choice: the one that needs no words about what would have to be true for it."""
        choices = self.question.choices
        return next(choice for choice, words in choices.items() if not words)


@dataclass(frozen=True)
class Sitting:
    """One time that somebody has answered: the day, as ISO 8601 writes it, and the choice by the question's name."""

    day: str
    choices: Mapping[str, str]

    def score(self) -> int:
        """How many choices are right."""
        count = 0
        for item in items():
            choice = self.choices.get(item.question.name)
            if choice == item.right:
                count += 1
        return count


def items() -> list[Item]:
    """The questions, in their order."""
    path = files.lessons() / "quiz.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_item(name, table) for name, table in tables.items()]


def _item(name: str, table: Mapping[str, Any]) -> Item:
    asked = question(name, table, FILE)
    lines = table.get("lines", ())
    return Item(in_lesson(table["belief"]), asked, table["scenario"], tuple(lines))


def show(item: Item) -> Ran:
    """What a live lab says: the scenario is played, the item's lines run, and the question is measured.

    Raises LabError where no lab can be made.
    """
    with Lab() as lab:
        lab.play(item.scenario)
        return measured(lab, item)


def measured(lab: Lab, item: Item) -> Ran:
    """The same in a lab in which the item's scenario stands."""
    for line in item.lines:
        lab.run(line, expect=None)
    return lab.run(item.question.measure, expect=None)


def sittings(folder: Path) -> list[Sitting]:
    """How it went so far, the first time first; none when there is no file, or one that is not ours.

    folder: that of the learner's notebooks.
    """
    try:
        kept = json.loads(answers.path(FILE, folder).read_text(encoding="utf-8"))
        return [Sitting(str(one["day"]), dict(one["choices"])) for one in kept]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def keep(folder: Path, choices: Mapping[str, str], today: date) -> None:
    """Remember how somebody answered today."""
    sitting = Sitting(today.isoformat(), choices)
    texts = [asdict(one) for one in (*sittings(folder), sitting)]
    path = answers.path(FILE, folder)
    with contextlib.suppress(OSError):  # a folder of somebody else
        answers.write(path, json.dumps(texts, indent=1, ensure_ascii=False))


def page() -> Iterator[str]:
    """The questions with their reasons, as lines of Markdown: for teachers, and for who has answered them twice."""
    yield "# " + tr("Before and after: fifteen questions")
    yield ""
    yield tr(INTRODUCTION)
    for number, item in enumerate(items(), 1):
        yield ""
        yield f"## {number}. {item.question.ask}"
        yield ""
        yield tr("Wrong belief: {belief}", belief=item.belief)
        yield ""
        for choice, words in item.question.choices.items():
            label = item.question.label(choice)
            if choice == item.right:
                yield "- " + tr("**{choice}**: right.", choice=label)
            else:
                yield "- " + tr("{choice}: {words}", choice=label, words=words)
        yield ""
        yield item.question.because
        lines = "\n".join([*item.lines, item.question.measure])
        yield ""
        yield tr("In a lab with `{scenario}` played these lines print the right choice:", scenario=item.scenario)
        yield ""
        yield f"```sh\n{lines}\n```"


INTRODUCTION = marked(
    "`python -m vethlab_sh quiz` asks these questions, before the lessons and once more after them. The first time it "
    "tells only the score, the second time each reason, shown in a live lab, and what has changed. Each question is "
    "built on something that is often told and is wrong. Whoever still wants to answer them should not read on."
)
