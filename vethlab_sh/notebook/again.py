"""How does a notebook ask again what earlier lessons asked? Questions that are due, each with its answer kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from ..language import tr
from ..lessons import recall as course
from ..lessons.questions import means_the_same
from ..lessons.recall import Again
from .notes import FINAL, OPEN, RIGHT, WRONG, Note, Place, below, buttons, entry, note, together

HERE = Path()  # a notebook's kernel is started in the notebook's folder


def recall(lesson: str = "") -> None:
    """Ask up to five questions of finished lessons that are due; a live lab of its own judges each.

    lesson: of this one only. Where no lesson is finished nothing is shown, so that it can stand in each first cell.
    """
    today = date.today()
    waiting = course.waiting(HERE, lesson)
    due = [again for again in waiting if again.day <= today]
    if due:
        Place().show(note(OPEN, tr("From earlier lessons, before this one begins:")))
    elif waiting:
        text = tr("Nothing of earlier lessons is due today; the next question is, on {day}.", day=waiting[0].day)
        Place().show(note(OPEN, text))
    for again in due[: course.AT_ONCE]:
        _ask(again, today)


def _ask(again: Again, today: date) -> None:
    """Show a question with its controls, and the judgement once there is an answer."""
    asked = again.question
    place, controls = Place(), Place()
    title = note(OPEN, tr("{question} (from {lesson})", question=asked.ask, lesson=again.lesson))
    place.show(title)
    answer = ""

    def keep(text: str) -> None:
        nonlocal answer
        answer = text.strip()

    def finish() -> None:
        if not answer:
            return
        place.show(together([title, note(OPEN, tr("A lab is brought to the place where this was asked …"))]))
        notes = list(_judged(again, answer, today))
        place.show(together([title, *notes]))
        controls.clear()

    box = entry(asked, "", keep)
    row = buttons((tr(FINAL), tr("then a lab is asked"), finish))
    static = tr("To answer, run this cell in JupyterLab; `python -m vethlab_sh recall` asks in a terminal.")
    controls.show_widget(below(box, row), note(OPEN, static))


def _judged(again: Again, answer: str, today: date) -> Iterator[Note]:
    """The judgement, and what would have to be true for the other choices."""
    asked = again.question
    judgement = course.judge(again)
    if judgement.remark:
        yield note(OPEN, judgement.remark)
    if not judgement.truth:
        return
    right = means_the_same(answer, judgement.truth)
    course.keep(HERE, again, right, today)
    yield note(RIGHT if right else WRONG, course.sentence(again, answer, judgement))
    for choice, words in course.others(asked, answer).items():
        yield note(OPEN, tr("{choice}: {words}", choice=asked.label(choice), words=words))
