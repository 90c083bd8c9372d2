"""Which questions of finished lessons are asked again today, and who judges? A live lab, where one comes to the place.

What is asked again is remembered longer. After each right answer a question waits longer, after a wrong one a day; how
long stands in a file beside the lessons' answers, on the learner's machine. To judge, a fresh lab is brought to the
place in the lesson by the lesson's own lines, and asked there.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from ..errors import CannotBegin, LabError
from ..lab import Lab
from ..language import in_lesson, marked, sentences, tr
from ..record import Ran
from . import answers, questions, script
from .questions import Question

AT_ONCE = 5
GAPS = (1, 3, 7, 16, 35)  # days until it is asked again, by how often in a row it was right
FILE = "recall"
RIGHT, RIGHT_BY_KERNEL = marked("Right: it is {truth}."), marked("Right: the kernel says {truth}.")
WRONG = marked("No: you said {answer}; it is {truth}.")
WRONG_BY_KERNEL = marked("No: you said {answer}; the kernel says {truth}.")


@dataclass(frozen=True)
class Again:
    """A question asked again: of which lesson and section, from which day on, how often in a row it was right."""

    lesson: str
    section: str
    question: Question
    day: date
    right: int

    @property
    def key(self) -> str:
        """Its name among those of all lessons."""
        return f"{self.lesson}/{self.question.name}"


@dataclass(frozen=True)
class Judgement:
    """What is true, and who says so.

    truth: empty where nothing is judged; ran: the line that a lab answered it by, if one did; remark: why no lab did,
    or why nothing is judged.
    """

    truth: str
    ran: Ran | None = None
    remark: str = ""


@dataclass
class Memory:
    """How often in a row a question was right, and the day on which it was asked last, as ISO 8601 writes it."""

    right: int
    day: str


# --- what is due --------------------------------------------------------------------------------------------------


def waiting(folder: Path, lesson: str = "") -> list[Again]:
    """The questions that will be asked again, the one that has waited longest first.

    folder: that of the learner's notebooks; lesson: of this one only, finished or not; else of the finished ones.
    Raises UnknownLesson.
    """
    memory = _read(folder)
    names = [lesson] if lesson else questions.lessons()
    found = []
    for name in names:
        asked = questions.read(name)
        given = answers.read(name, folder)
        if not lesson and not _is_finished(asked, given):
            continue
        places = script.read(name)
        begun = _day_of(answers.path(name, folder)) + timedelta(days=GAPS[0])
        for question in asked.questions.values():
            if not given.of(question.name).final or not _can_be_judged(question, places):
                continue
            where = in_lesson(places.where.get(question.name, ""))
            again = Again(name, where, question, begun, 0)
            found.append(_remembered(again, memory))
    return sorted(found, key=lambda again: again.day)


def _is_finished(asked: questions.Questions, given: answers.Answers) -> bool:
    """Whether each question was answered and each exercise was done, or shown."""
    if not all(given.of(name).final for name in asked.questions):
        return False
    return set(asked.tasks).issubset(given.done)


def _can_be_judged(question: Question, places: script.Script) -> bool:
    """Whether there is a right choice, or a lab that can be asked for the answer, in a state that can be checked."""
    if _right_choice(question):
        return True
    return bool(question.measure and question.needs and question.name in places.places)


def _right_choice(question: Question) -> str:
    """The choice that nothing is said to; empty for a free answer."""
    for choice, feedback in question.choices.items():
        if not feedback:
            return choice
    return ""


def _remembered(again: Again, memory: dict[str, Memory]) -> Again:
    kept = memory.get(again.key)
    if kept is None:
        return again
    step = min(kept.right, len(GAPS) - 1)
    gap = timedelta(days=GAPS[step])
    day = date.fromisoformat(kept.day) + gap
    return Again(again.lesson, again.section, again.question, day, kept.right)


# --- what is true -------------------------------------------------------------------------------------------------


def judge(again: Again) -> Judgement:
    """What is true: a lab is brought to the place and asked; where there is none, the lesson's right choice tells."""
    asked = again.question
    place = script.read(again.lesson).places.get(asked.name)
    right = _right_choice(asked)
    if not asked.measure or place is None:
        return Judgement(right)
    try:
        questions.read(again.lesson).check_programs()
        with Lab() as lab:
            return _ask(lab, asked, place, right)
    except CannotBegin as error:
        if right:
            return Judgement(right, remark=tr("No lab can be asked here: {error}", error=error))
        return Judgement("", remark=str(error))
    except LabError as error:
        return Judgement("", remark=tr("The lab did not come to the place, so nothing is judged: {error}", error=error))


def _ask(lab: Lab, asked: Question, place: script.Place, right: str) -> Judgement:
    """Bring the lab to the place, and ask it there; where it is not there, nothing is judged."""
    script.bring(lab, place)
    for claim in asked.needs:
        verdict = lab.check(claim)
        if not verdict:
            remark = tr("The lab did not come to the place, so nothing is judged: {verdict}.", verdict=verdict)
            return Judgement("", remark=remark)
    ran = lab.run(asked.measure, expect=None)
    truth = ran.out.strip()
    if not truth:
        return Judgement("", ran, tr("The command printed nothing, so nothing is judged."))
    if right and not questions.means_the_same(truth, right):
        # either the lab is somewhere else, or this kernel is another than that of the lesson
        remark = tr(
            "This lab says {truth} where the lesson says {right}, so nothing is judged.",
            truth=asked.label(truth),
            right=asked.label(right),
        )
        return Judgement("", ran, remark)
    return Judgement(truth, ran)


def others(asked: Question, answer: str) -> dict[str, str]:
    """Of each wrong choice but the one that was taken, what would have to be true for it."""
    others = {}
    for choice, words in asked.choices.items():
        if words and choice != answer:
            others[choice] = words
    return others


def sentence(again: Again, answer: str, judgement: Judgement) -> str:
    """The judgement in words, what would have to be true for a wrong choice, and why it is so."""
    question = again.question
    truth = question.label(judgement.truth)
    if questions.means_the_same(answer, judgement.truth):
        judged = RIGHT_BY_KERNEL if judgement.ran else RIGHT
        return sentences(tr(judged, truth=truth), question.because)
    judged = WRONG_BY_KERNEL if judgement.ran else WRONG
    told = tr(judged, answer=question.label(answer), truth=truth)
    return sentences(told, question.feedback(answer), question.because)


# --- what is kept -------------------------------------------------------------------------------------------------


def keep(folder: Path, again: Again, right: bool, today: date) -> None:
    """Remember how a question was answered."""
    memory = _read(folder)
    times = again.right + 1 if right else 0
    memory[again.key] = Memory(times, today.isoformat())
    path = answers.path(FILE, folder)
    texts = {key: asdict(kept) for key, kept in memory.items()}
    with contextlib.suppress(OSError):  # a folder of somebody else
        answers.write(path, json.dumps(texts, indent=1))


def _read(folder: Path) -> dict[str, Memory]:
    """What was kept; nothing when there is no file, or one that is not ours."""
    try:
        kept = json.loads(answers.path(FILE, folder).read_text(encoding="utf-8"))
        memory = {key: Memory(int(one["right"]), str(one["day"])) for key, one in kept.items()}
        for one in memory.values():
            date.fromisoformat(one.day)
        return memory
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _day_of(path: Path) -> date:
    """The day on which a file was written last."""
    try:
        return date.fromtimestamp(path.stat().st_mtime)
    except OSError:
        return date.today()
