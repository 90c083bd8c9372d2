"""How does a lesson ask, and who judges the answer? Predictions and exercises for notebooks; the kernel judges.

`%load_ext vethlab_sh` gives a notebook `lesson`, `predict`, `look`, `hold`, `exercise`, `here` and `progress`. A
prediction is made before a command runs, and kept; once it is called the answer, it is held against what the command
prints or what was measured. An exercise is a list of claims about the lab, which `Lab.check` holds against the
kernel's state.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from ..claims.forms import as_spoken
from ..drills.drill import Drill
from ..errors import LabError, NotRecorded, UnknownName
from ..lab import Lab
from ..language import enumerated, in_lesson, marked, sentences, tr
from ..lessons import answers, questions, script
from ..lessons.questions import Question, Task
from ..terminal.page import Page
from .notes import (
    ABOUT,
    BRING,
    FINAL,
    OPEN,
    RIGHT,
    SHOWN,
    WRONG,
    Act,
    Note,
    Place,
    below,
    buttons,
    entry,
    note,
    show_table,
    together,
)
from .poll import vote

PAGE = Page(width=110, colour=True)
UNANSWERED = marked(
    "Not asked yet: your answer comes first. Give it above, press “{button}”, and run this cell again. A wrong guess "
    "teaches more than none."
)
NO_BUTTONS = marked(
    "Run in JupyterLab, this cell has buttons here: {names}. Without them, running it again checks anew."
)
NO_BUTTON_HERE = marked("Run in JupyterLab, this cell has a button here, “{button}”. Without it, run the cells above.")
SHOW_ME = marked("Show me")
WORTH = marked("a command worth running")
NO_JUDGE = marked("An exercise is done in a lab, and this lesson has none here.")


@dataclass(frozen=True)
class Words:
    """How a judgement is worded, by the kernel's answer or by what was measured: nothing predicted, right, wrong."""

    nothing: str
    right: str
    wrong: str


KERNEL = Words(
    marked("Nothing was predicted; the kernel says {truth}."),
    marked("You predicted {answer}, and so says the kernel."),
    marked("You predicted {answer}; the kernel says {truth}."),
)
RECORDED = Words(
    marked("Nothing was predicted; the kernel said {truth}."),
    marked("You predicted {answer}, and so said the kernel."),
    marked("You predicted {answer}; the kernel said {truth}."),
)
MEASURED = Words(
    marked("Nothing was predicted; it is {truth}."),
    marked("You predicted {answer}, and so it is."),
    marked("You predicted {answer}; it is {truth}."),
)


class Lesson:
    """The questions of one notebook and what was answered.

    lab: gives the notebook's lab; renew: a fresh one; went_on: is called when one more is answered, or done.
    """

    def __init__(self, lab: Callable[[], Lab], renew: Callable[[], Lab], went_on: Callable[[], None]) -> None:
        self._lab = lab
        self._renew = renew
        self._went_on = went_on
        self._asked = questions.Questions()
        self._own: dict[str, Question] = {}  # asked by a cell itself
        self._script: script.Script | None = None
        self.answers = answers.Answers()
        self.name = ""
        self.is_told = False

    def begin(self, name: str, is_told: bool) -> None:
        """Which lesson this notebook is: from here on its questions, and what was answered before, are known.

        is_told: it has no lab here, and its recording is shown. Raises UnknownLesson.
        """
        self.is_told = is_told
        self.name = name
        self._asked = questions.read(name)
        self._script = script.read(name)
        # a class's answers are nobody's: the next class begins anew, and the teacher's own stay as they are
        self.answers = answers.Answers() if _is_of_a_class() else answers.read(name)

    def check_programs(self) -> None:
        """Raise ToolMissing for a program that this lesson needs and that is not here."""
        self._asked.check_programs()

    def so_far(self, has_begun: bool) -> Note:
        """How far this lesson is. has_begun: just now, with what was answered before."""
        row = _progress(self.name, self._asked, self.answers)
        text = tr(
            "{answered} of {questions} questions answered, {right} right; {done} of {exercises} exercises done, "
            "{shown} shown.",
            answered=row["answered"],
            questions=row["questions"],
            right=row["right"],
            done=row["done"],
            exercises=row["exercises"],
            shown=row["shown"],
        )
        anew = ""
        if has_begun and (row["answered"] or row["done"]) and not self.is_told:
            anew = tr("The lab begins anew: “{button}”, at each section, plays what stands above it.", button=tr(BRING))
        return note(ABOUT, sentences(text, anew))

    # --- predictions ----------------------------------------------------------------------------------------------

    def predict(
        self, name: str, question: str = "", choices: Sequence[str] = (), answer: str = "", poll: bool = False
    ) -> None:
        """Ask before the kernel does: a choice, or a short answer in words.

        name: of a question of this lesson, and by which `look` finds the answer; question, choices: of one that stands
        in the cell itself, no choices for a free answer; answer: already written here; poll: of a class, which votes by
        hands on the choices of a question, as in front of `lab --poll` it does on every one.
        """
        if question:
            self._own[name] = Question(name, question, dict.fromkeys(choices, ""))
        asked = self._question(name)
        is_voted = poll or _is_of_a_class()
        if is_voted and asked.choices and not answer:
            vote(asked, lambda choice: self._decided(name, choice))
            return
        given = self.answers.of(name)
        if answer:
            given = answers.Answer(asked.meant(str(answer)), final=True)
            self.answers.answers[name] = given
        above, controls = Place(), Place()
        above.show(_asked(asked, given))
        if given.final:
            return

        def keep(text: str) -> None:
            given.text = text
            self.answers.save()
            above.show(_asked(asked, given))

        def finish() -> None:
            if not given.text.strip():
                above.show(_asked(asked, given, "<br>" + tr("Choose or type an answer first.")))
                return
            given.final = True
            self._keep()
            above.show(_asked(asked, given))
            controls.clear()

        box = entry(asked, given.text, keep)
        if not asked.choices:
            box.on_submit(lambda _: finish())
        row = buttons((tr(FINAL), tr("keep this answer; then the kernel may be asked"), finish))
        text = tr(
            "To answer, run this cell: its controls live as long as the notebook's kernel. Where none appear, write "
            'the answer into the cell: `predict("{name}", answer="…")`.',
            name=name,
        )
        controls.show_widget(below(box, row), note(OPEN, text))

    def _decided(self, name: str, choice: str) -> None:
        """Keep what most of a class have chosen; a later vote takes its place."""
        self.answers.answers[name] = answers.Answer(choice, final=True)
        self._keep()

    def _keep(self) -> None:
        """Save what is answered and done, and let the top of the lesson count it."""
        self.answers.save()
        self._went_on()

    def _is_new(self, name: str) -> bool:
        """Whether neither the lesson nor a cell has asked this."""
        return name not in self._asked.questions and name not in self._own

    def _question(self, name: str) -> Question:
        known = {**self._asked.questions, **self._own}
        if name not in known:
            raise UnknownQuestion(name, list(known))
        return known[name]

    def look(self, name: str, line: str = "", because: str = "", lab: Lab | None = None) -> None:
        """Run a line, and hold what it printed against the prediction of that name.

        line: one that prints the answer and nothing else; because: why the kernel says so (both: of a question that
        stands in a cell itself); lab: another than the notebook's own.
        """
        asked = self._measured(name, line, because)
        if not self._may_ask(asked):
            return
        try:
            lab = lab or self._lab()
            if not self._stands_here(asked, lab):
                return
            ran = lab.run(asked.measure, expect=None)
        except NotRecorded as error:
            print(PAGE.ink(str(error), "31"))
            if asked.because:
                Place().show(note(OPEN, asked.because))
            return
        except LabError as error:
            print(PAGE.ink(str(error), "31"))
            return
        print(PAGE.record(ran))
        truth = ran.out.strip()
        if truth:
            self._judge(asked, truth, KERNEL)
        else:
            hint = ran.hint or self._from_where(name)
            Place().show(note(OPEN, sentences(tr("The command printed nothing."), hint)))

    def hold(self, name: str, value: object, because: str = "") -> None:
        """Hold what was measured in the cells above against the prediction of that name.

        value: the measured one, a number or a word; because: why the kernel says so.
        """
        asked = self._measured(name, "", because)
        if self._may_ask(asked):
            self._judge(asked, str(value), MEASURED)

    def may_tell(self, names: Sequence[str]) -> bool:
        """Whether all of these questions are answered, so that what was recorded may be shown; else that is said."""
        return all(self._may_ask(self._question(name)) for name in names)

    def judge_recorded(self, name: str, truth: str) -> None:
        """Hold what was recorded against the prediction of that name."""
        self._judge(self._question(name), truth, RECORDED)

    def _measured(self, name: str, line: str, because: str) -> Question:
        if line and self._is_new(name):
            asked = Question(name, "")
        else:
            asked = self._question(name)
        return replace(asked, measure=line or asked.measure, because=because or asked.because)

    def _may_ask(self, asked: Question) -> bool:
        """Whether the answer was given, or nobody has asked for one; where it is missing, that is said."""
        given = self.answers.of(asked.name)
        if given.final or self._is_new(asked.name):
            return True
        Place().show(note(OPEN, tr(UNANSWERED, button=tr(FINAL))))
        return False

    def _stands_here(self, asked: Question, lab: Lab) -> bool:
        """Whether the lab is where the question is asked; where it is not, that is said instead of a judgement."""
        for claim in asked.needs:
            verdict = lab.check(claim)
            if not verdict:
                text = tr(
                    "The lab is not where this is asked, so nothing is judged. Here it must hold that {claim}: "
                    "{sentence}.",
                    claim=as_spoken(claim),
                    sentence=verdict.sentence,
                )
                Place().show(note(OPEN, sentences(text, self._from_where(asked.name))))
                return False
        return True

    def _from_where(self, name: str) -> str:
        """The cells to run, for who is out of order."""
        section = self._script.where.get(name) if self._script else None
        if not section:
            return tr("Did all the cells above run?")
        return tr(
            "Run the cells of “{section}” from its heading on; “{button}”, below the heading, plays what stands above "
            "it.",
            section=in_lesson(section),
            button=tr(BRING),
        )

    def _judge(self, asked: Question, truth: str, words: Words) -> None:
        given = self.answers.of(asked.name)
        told = asked.label(truth)
        if not given.text:
            Place().show(note(OPEN, sentences(tr(words.nothing, truth=told), asked.because)))
            return
        given.right = questions.means_the_same(given.text, truth)
        self._keep()
        answer = asked.label(given.text)
        if given.right:
            text = sentences(tr(words.right, answer=answer), asked.because)
        else:
            # what would have to be true for it
            text = sentences(tr(words.wrong, answer=answer, truth=told), asked.feedback(given.text), asked.because)
        Place().show(note(RIGHT if given.right else WRONG, text))

    # --- exercises ------------------------------------------------------------------------------------------------

    def exercise(self, *claims: str | Drill, lab: Lab | None = None) -> None:
        """Is it done? Each claim is held against the kernel; the first that does not hold says why.

        claims: the name of an exercise of this lesson; or claims in plain English, as `Lab.check` takes them; or a
        drill that should be mended; lab: another than the notebook's own.
        Where nbgrader runs the notebook, a claim that does not hold is an error, which it takes for no points.
        """
        task = self._task(claims)
        result, controls = Place(), Place()
        beside: list[Note] = []  # hints that were told, and the lines that do it

        def check() -> None:
            is_done, notes = self._checked(task, lab)
            result.show(together([*notes, *beside]))
            if is_done:
                self.answers.done.setdefault(task.name, "done")
                self._keep()
                controls.clear()
                return
            if os.environ.get("NBGRADER_EXECUTION"):
                raise AssertionError(notes[-1]["text/plain"])
            ways = list(self._ways_on(task, check, hint, show))
            controls.show_widget(buttons(*ways), _in_words(ways))

        def hint() -> None:
            beside.append(note(OPEN, self._next_hint(task)))
            check()

        def show() -> None:
            self.answers.done[task.name] = "shown"
            self._keep()
            lines = self._do(task, lab)
            beside.append(note(SHOWN, tr("These lines do it:"), f"<pre>{escape(lines)}</pre>"))
            check()

        for told in task.hints[: self.answers.hints.get(task.name, 0)]:
            beside.append(note(OPEN, told))
        check()

    def offer(self, name: str, solved: Note) -> None:
        """Below an exercise that no kernel can judge: its hints, one at a time, and then how it is done.

        name: of the exercise; empty for a drill, whose hints nobody knows here; solved: what `Show me` shows.
        """
        task = self._asked.tasks.get(name, Task(name))
        place, controls = Place(), Place()
        notes = [note(ABOUT, tr(NO_JUDGE))]
        notes += [note(OPEN, told) for told in task.hints[: self.answers.hints.get(name, 0)]]

        def hint() -> None:
            notes.append(note(OPEN, self._next_hint(task)))
            show()

        def give_up() -> None:
            if name:
                self.answers.done.setdefault(name, "shown")
                self._keep()
            notes.append(solved)
            controls.clear()
            place.show(together(notes))

        def show() -> None:
            place.show(together(notes))
            told, count = self._hints(task)
            if told < count:
                way = (_hint_of(told + 1, count), tr(WORTH), hint)
            else:
                purpose = tr("the lines that do it, and what they showed; it is marked as shown")
                way = (tr(SHOW_ME), purpose, give_up)
            controls.show_widget(buttons(way), _in_words([way]))

        if name in self.answers.done:
            notes.append(solved)
            place.show(together(notes))
        else:
            show()

    def _ways_on(self, task: Task, check: Act, hint: Act, show: Act) -> Iterator[tuple[str, str, Act]]:
        """The buttons below an exercise that is not done."""
        yield tr("Check"), tr("is it done now?"), check
        told, count = self._hints(task)
        if told < count:
            yield _hint_of(told + 1, count), tr(WORTH), hint
        elif task.drill or (self._script and task.name in self._script.solutions):
            yield tr(SHOW_ME), tr("do it for me, and mark it as shown"), show

    def _hints(self, task: Task) -> tuple[int, int]:
        """How many hints were told, of how many."""
        if task.drill:
            return task.drill.hints, len(task.drill.fault.hints)
        return self.answers.hints.get(task.name, 0), len(task.hints)

    def _next_hint(self, task: Task) -> str:
        if task.drill:
            return str(task.drill.hint())
        told = self.answers.hints.get(task.name, 0)
        self.answers.hints[task.name] = told + 1
        self.answers.save()
        return task.hints[told]

    def _do(self, task: Task, lab: Lab | None) -> str:
        """Do an exercise for the learner; returns the lines, with what they printed."""
        if task.drill:
            return "\n".join(task.drill.give_up().mended_by)
        assert self._script
        cell = self._script.solutions[task.name]
        if cell.exercise:
            lab = self.start_over(cell.exercise)
        ran = script.type_cell(lab or self._lab(), cell)
        return f"{ran.line}\n{ran.out}{ran.err}".rstrip()

    def _task(self, claims: Sequence[str | Drill]) -> Task:
        first = claims[0] if claims else ""
        if isinstance(first, Drill):
            return Task(first.name, drill=first)
        if len(claims) == 1 and first in self._asked.tasks:
            return self._asked.tasks[first]
        texts = tuple(str(claim) for claim in claims)
        return Task(" and ".join(texts), texts)

    def _checked(self, task: Task, lab: Lab | None) -> tuple[bool, list[Note]]:
        """Whether it is done, and a note on each claim up to the first that does not hold."""
        try:
            if task.drill:
                # the cause is for the learner to find
                verdict = task.drill.check(reason=False)
                return bool(verdict), [note(RIGHT if verdict else WRONG, str(verdict))]
            lab = lab or self._lab()
            notes = []
            for claim in task.claims:
                verdict = lab.check(claim)
                notes.append(note(RIGHT if verdict else WRONG, str(verdict)))
                if not verdict:
                    return False, notes
            return True, notes
        except LabError as error:
            return False, [note(WRONG, str(error))]

    # --- places in the lesson -------------------------------------------------------------------------------------

    def start_over(self, exercise: str) -> Lab:
        """A fresh lab, brought to where an exercise of this lesson begins; a recording stays as it is."""
        starts = self._script.starts if self._script else {}
        if exercise not in starts:
            raise UnknownExercise(exercise, list(starts))
        if self._lab().recording:
            return self._lab()
        lab = self._renew()
        script.bring(lab, starts[exercise])
        return lab

    def here(self, section: str) -> None:
        """A button that brings the lab to where this section begins, in a fresh one; section: its heading."""
        assert self._script, "lesson(...) comes first"
        if self.is_told:
            return  # what stands above is told in any order
        if section not in self._script.above:
            raise UnknownSection(section, list(self._script.above))
        beginning = self._script.above[section]
        place = Place()

        def bring() -> None:
            place.show(note(OPEN, tr("A fresh lab, and the lines of the cells above …")))
            try:
                lab = self._renew()
                script.bring(lab, beginning)
                lab.changes()
            except LabError as error:
                place.show(note(WRONG, str(error)))
                return
            place.show(note(RIGHT, tr("The lab is where “{section}” begins.", section=in_lesson(section))))

        purpose = tr("play all that stands above, in a fresh lab; what you did in this lab is gone")
        row = buttons((tr(BRING), purpose, bring))
        place.show_widget(row, note(ABOUT, tr(NO_BUTTON_HERE, button=tr(BRING))))


class UnknownQuestion(UnknownName):
    """The lesson has no question of that name."""

    kind = marked("question")


class UnknownExercise(UnknownName):
    """The lesson has no exercise of that name."""

    kind = marked("exercise")


class UnknownSection(UnknownName):
    """The lesson has no section of that heading."""

    kind = marked("section")


def progress() -> None:
    """How far each lesson is: predictions answered, and right; exercises done, and shown."""
    rows = []
    for name in questions.lessons():
        rows.append(_progress(name, questions.read(name), answers.read(name)))
    show_table(rows, list(rows[0]))


def _progress(name: str, asked: questions.Questions, kept: answers.Answers) -> dict[str, object]:
    """One lesson: how many questions it has, were answered and were right; how many exercises are done, and shown."""
    given = [kept.of(question) for question in asked.questions]
    done = [kept.done.get(task) for task in asked.tasks]
    return {
        "lesson": name,
        "questions": len(given),
        "answered": sum(answer.final for answer in given),
        "right": sum(bool(answer.right) for answer in given),
        "exercises": len(done),
        "done": done.count("done"),
        "shown": done.count("shown"),
    }


# --- how it reads -------------------------------------------------------------------------------------------------


def _is_of_a_class() -> bool:
    """Whether the notebook stands in front of a class: `lab --poll` says so to its kernels."""
    return bool(os.environ.get("VETHLAB_POLL"))


def _in_words(ways: Sequence[tuple[str, str, Act]]) -> Note:
    """What the buttons below an exercise would do, where no buttons are shown."""
    names = enumerated(says for says, _purpose, _act in ways)
    return note(ABOUT, tr(NO_BUTTONS, names=names))


def _hint_of(number: int, count: int) -> str:
    """What the button of a hint says."""
    return tr("Hint {number} of {count}", number=number, count=count)


def _asked(asked: Question, given: answers.Answer, more: str = "") -> dict[str, str]:
    """The question with the answer that was given so far: what is saved with the notebook."""
    parts = ""
    if asked.choices:
        labels = " / ".join(label for label, _ in asked.labelled())
        parts += tr(" ({choices})", choices=escape(labels))
    if given.text:
        answer = f"<b>{escape(asked.label(given.text))}</b>"
        told = tr("answer: {answer}", answer=answer) if given.final else tr("so far: {answer}", answer=answer)
        parts += f"<br>{told}"
    return note(OPEN, asked.ask, parts + more)
