"""What does `quiz` do? It asks fifteen questions, before the lessons and after them, and compares."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..language import sentences, tr
from .arguments import does
from .lessons import FOLDER
from .page import Page
from .recall import choose

if TYPE_CHECKING:
    from ..lessons.quiz import Item


def quiz_arguments(verb: argparse.ArgumentParser) -> None:
    """`quiz`: fifteen questions, before and after."""
    does(verb, _quiz, "quiz")
    verb.add_argument(
        "--folder", default=FOLDER, help=tr("where your copies of the lessons are ({folder})", folder=FOLDER)
    )
    verb.add_argument("--reasons", action="store_true", help=tr("print all questions with their reasons, as Markdown"))


def _quiz(options: argparse.Namespace) -> int:
    from ..lessons import quiz

    if options.reasons:
        print("\n".join(quiz.page()))
        return 0
    folder = Path(options.folder)
    before = quiz.sittings(folder)
    items = quiz.items()
    page = Page.of(sys.stdout)
    print(page.prose(_beginning(len(items), bool(before))) + "\n")
    choices = {}
    for number, item in enumerate(items, 1):
        print(page.heading(tr("{number} of {count}", number=number, count=len(items))))
        answer = choose(page, item.question)
        if answer is None:
            print(tr("Not all were asked, so nothing is kept."))
            return 0
        print()
        choices[item.question.name] = answer
    quiz.keep(folder, choices, date.today())
    now = quiz.Sitting("", choices)
    if not before:
        print(
            page.prose(
                tr(
                    "{score} of {count} right. Which, and why, you are told the second time.",
                    score=now.score(),
                    count=len(items),
                )
            )
        )
        return 0
    for item in items:
        _explain(page, item, choices[item.question.name])
    first = before[0]
    print(
        page.prose(
            tr(
                "{score} of {count} right; on {day} it was {before}.",
                score=now.score(),
                count=len(items),
                day=first.day,
                before=first.score(),
            )
        )
    )
    return 0


def _beginning(count: int, is_again: bool) -> str:
    if is_again:
        return tr(
            "The same {count} questions again; then each is explained, and what you got wrong is shown in a lab.",
            count=count,
        )
    return tr(
        "{count} questions, before the lessons. Do not look anything up: what counts is what changes until later.",
        count=count,
    )


def _explain(page: Page, item: Item, answer: str) -> None:
    """Tell what is right and why; of a wrong answer also what would have to be true for it, and what a lab says."""
    from ..errors import LabError
    from ..lessons import quiz

    asked = item.question
    right = asked.label(item.right)
    print(page.heading(asked.ask))
    if answer == item.right:
        print(page.prose(tr("Right: {right}. {because}", right=right, because=asked.because)) + "\n")
        return
    wrong = ""
    if answer:
        wrong = tr("You said {answer}: {feedback}", answer=asked.label(answer), feedback=asked.feedback(answer))
    truth = tr("Right is: {right}. {because}", right=right, because=asked.because)
    print(page.prose(sentences(wrong, truth)))
    try:
        print(page.record(quiz.show(item)))
    except LabError as error:
        print(page.prose(tr("No lab can show it here: {error}", error=error)))
    print()
