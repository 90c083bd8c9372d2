"""What does `recall` do? It asks five questions of finished lessons again, and a live lab judges."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..language import enumerated, tr
from .arguments import does, json_argument
from .lessons import FOLDER
from .page import Page
from .rows import print_rows

if TYPE_CHECKING:
    from ..lessons.questions import Question
    from ..lessons.recall import Again

LETTERS = "abcdefghij"  # numbers would be taken for answers


def recall_arguments(verb: argparse.ArgumentParser) -> None:
    """`recall [LESSON]`: five questions again."""
    does(verb, _recall, "recall", "recall 2_bridge --early")
    verb.add_argument("lesson", nargs="?", default="", metavar="LESSON", help=tr("of this lesson only (2_bridge)"))
    verb.add_argument(
        "--folder", default=FOLDER, help=tr("where your copies of the lessons are ({folder})", folder=FOLDER)
    )
    verb.add_argument("--early", action="store_true", help=tr("also what is not due yet"))
    json_argument(verb)


def _recall(options: argparse.Namespace) -> int:
    from ..lessons import recall

    today = date.today()
    waiting = recall.waiting(Path(options.folder), options.lesson)
    due = [again for again in waiting if options.early or again.day <= today]
    if options.json:
        print_rows(options, [_row(again) for again in due])
        return 0
    page = Page.of(sys.stdout)
    if not due:
        print(page.prose(_nothing(options, waiting)))
        return 0
    right = asked = 0
    for number, again in enumerate(due[: recall.AT_ONCE], 1):
        print(
            page.heading(
                tr(
                    "{number} of {count}, from {lesson}: {section}",
                    number=number,
                    count=min(len(due), recall.AT_ONCE),
                    lesson=again.lesson,
                    section=again.section,
                )
            )
        )
        answer = choose(page, again.question)
        if answer is None:
            break
        if not answer:
            print(tr("Skipped: it stays due.") + "\n")
            continue
        judged = _judged(page, again, answer)
        if judged is None:
            continue
        recall.keep(Path(options.folder), again, judged, today)
        asked += 1
        right += judged
    print(tr("{right} of {asked} right.", right=right, asked=asked))
    return 0


def _row(again: Again) -> dict[str, object]:
    """A question as a row, without the answer."""
    return {
        "lesson": again.lesson,
        "question": again.question.name,
        "ask": again.question.ask,
        "choices": list(again.question.choices),
        "due": again.day.isoformat(),
        "right": again.right,
    }


def _nothing(options: argparse.Namespace, waiting: list[Again]) -> str:
    """Why nothing is asked."""
    if waiting:
        return tr("Nothing is due today; the next question is, on {day}. `--early` asks it now.", day=waiting[0].day)
    where = tr("the lessons in {folder}", folder=options.folder)
    if options.lesson:
        return tr("No question of {lesson} was answered in {where} yet.", lesson=options.lesson, where=where)
    return tr(
        "None of {where} is finished yet: recall asks what was answered there, from the next day on.", where=where
    )


def choose(page: Page, asked: Question) -> str | None:
    """What is chosen or typed; empty when it is skipped, None when nobody answers any more."""
    choices = dict(zip(LETTERS, asked.choices, strict=False))
    print(page.prose(asked.ask))
    for letter, choice in choices.items():
        print(f"  {letter}  {asked.label(choice)}")
    wanted = tr("(your answer, or Enter to skip)")
    if choices:
        wanted = tr("({letters}, or Enter to skip)", letters=enumerated(choices))
    while True:
        try:
            typed = input(f"{wanted} ").strip()
        except EOFError:
            print()
            return None
        if not choices or not typed:
            return typed
        if typed.casefold() in choices:
            return choices[typed.casefold()]
        if asked.meant(typed) in asked.choices:
            return asked.meant(typed)
        print(tr("{typed!r} is none of these: {letters}.", typed=typed, letters=enumerated(choices)))


def _judged(page: Page, again: Again, answer: str) -> bool | None:
    """Tell whether an answer is right, and why; None when nothing can be judged."""
    from ..lessons import recall
    from ..lessons.questions import means_the_same

    judgement = recall.judge(again)
    if judgement.ran:
        print(page.record(judgement.ran))
    if judgement.remark:
        print(page.prose(judgement.remark))
    if not judgement.truth:
        print()
        return None
    right = means_the_same(answer, judgement.truth)
    print(page.prose(recall.sentence(again, answer, judgement)))
    for choice, words in recall.others(again.question, answer).items():
        print(page.item(tr("{choice}: {words}", choice=again.question.label(choice), words=words)))
    print()
    return right
