"""What does `quiz` do? It asks fifteen questions, before the lessons and after them, and compares."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import add_verb
from .lessons import FOLDER
from .page import Page
from .recall import choose

if TYPE_CHECKING:
    from ..lessons.quiz import Item
    from .arguments import Verbs


def add_quiz(verbs: Verbs) -> None:
    """`quiz`: fifteen questions, before and after."""
    verb = add_verb(verbs, "quiz", "fifteen questions, before the lessons and after them", _quiz, "quiz")
    verb.add_argument("--folder", default=FOLDER, help=f"where your copies of the lessons are ({FOLDER})")
    verb.add_argument("--reasons", action="store_true", help="print all questions with their reasons, as Markdown")


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
        print(page.heading(f"{number} of {len(items)}"))
        answer = choose(page, item.question)
        if answer is None:
            print("Not all were asked, so nothing is kept.")
            return 0
        print()
        choices[item.question.name] = answer
    quiz.keep(folder, choices, date.today())
    now = quiz.Sitting("", choices)
    if not before:
        print(page.prose(f"{now.score()} of {len(items)} right. Which, and why, you are told the second time."))
        return 0
    for item in items:
        _explain(page, item, choices[item.question.name])
    first = before[0]
    print(page.prose(f"{now.score()} of {len(items)} right; on {first.day} it was {first.score()}."))
    return 0


def _beginning(count: int, is_again: bool) -> str:
    if is_again:
        return f"The same {count} questions again; then each is explained, and what you got wrong is shown in a lab."
    return f"{count} questions, before the lessons. Do not look anything up: what counts is what changes until later."


def _explain(page: Page, item: Item, answer: str) -> None:
    """Tell what is right and why; of a wrong answer also what would have to be true for it, and what a lab says."""
    from ..errors import LabError
    from ..lessons import quiz

    asked = item.question
    print(page.heading(asked.ask))
    if answer == item.right:
        print(page.prose(f"Right: {item.right}. {asked.because}") + "\n")
        return
    wrong = f"You said {answer}: {asked.feedback(answer)} " if answer else ""
    print(page.prose(f"{wrong}Right is: {item.right}. {asked.because}"))
    try:
        print(page.record(quiz.show(item)))
    except LabError as error:
        print(page.prose(f"No lab can show it here: {error}"))
    print()
