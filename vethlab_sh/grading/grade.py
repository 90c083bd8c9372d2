"""How many points for each learner's lab? Those of the claims that hold in it.

The lines that a learner typed run again, in a world of their own that can neither see nor take much (`confine`); when
they are done, and every process of theirs has ended, the kernel is asked the teacher's claims. Every learner is graded
by a process of its own, so whatever becomes of one, the others go on. What others may have caused, above all that it
took too long, is tried once more, alone, before it counts.
"""

from __future__ import annotations

import contextlib
import csv
import math
import multiprocessing
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from io import StringIO
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from ..claims import check
from ..errors import GaveUpWaiting, LabClosed, LabError, NotReady, UnknownClaim
from ..lab import Lab
from ..language import language, speaking, tr
from ..sandbox import SYSTEM_PATH
from ..shell import Shell
from ..world import OF_A_LAB, libc
from . import groups
from .confine import NEIGHBOURS, Confined, Limits, Watch, bare_environment
from .groups import Place
from .refused import neighbours_left, refused
from .submissions import Claim, Claims, Submission, plain_name, read_lines, submissions

LONGEST = 400  # characters of a sentence
MAKING, JUDGING = 30, 15  # seconds beyond the limit: for making the world and tidying up, and for each claim
ENDING = 5  # seconds for a process that was killed, and for the kernel to end what it had
QUIET = 0.02  # seconds in which the machine refuses nothing, when nobody takes it all
PR_SET_PDEATHSIG = 1
# What others may have caused, who have taken what the machine has, or its time
OF_OTHERS = (NotReady, GaveUpWaiting, LabClosed)
FORMULA = tuple("=+-@\t\r\n")  # how a cell begins that a spreadsheet takes for a formula


class Judgement(Protocol):
    """Whether a claim holds; true or false as a condition, and a sentence that says why."""

    @property
    def sentence(self) -> str:
        """Why."""

    def __bool__(self) -> bool: ...


Judge = Callable[[Lab, str], Judgement]


def witnessed(lab: Lab, claim: str) -> Judgement:
    """As `lab.check`, but an answer counts only when who was asked is seen to send it. Raises UnknownClaim."""
    return check.check(lab.shell, claim, witnessed=True)


@dataclass(frozen=True)
class Row:
    """What a submission deserves: its points, out of how many, and a sentence that says what is missing."""

    learner: str
    exercise: str
    points: float
    out_of: float
    sentence: str


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class Task:
    """One submission to grade; claims: what should hold; place: where its world's control group is made, if any is."""

    submission: Submission
    claims: Sequence[Claim]
    limits: Limits
    judge: Judge
    place: Place | None = None

    @property
    def out_of(self) -> float:
        """The points that it could have."""
        return sum(claim.points for claim in self.claims)

    @property
    def seconds(self) -> float:
        """After so many it is ended, whatever it does."""
        judging = JUDGING * len(self.claims)
        return self.limits.seconds + MAKING + judging


@dataclass(frozen=True)
class Result:
    """What the process that graded a submission answers; again: others may have been the cause."""

    points: float
    sentence: str
    again: bool = False


class Grading:
    """What is to be graded, and for how long at most. `rows` does it.

    folder, claims: see `submissions` and `read_claims`; jobs: how many at a time (as many as processors); limits: for
    each of them; judge: what holds a claim against a lab. Raises BadInput; UnknownClaim when a claim is not
    understood; NotReady where the machine cannot confine what others wrote.
    """

    def __init__(
        self,
        folder: Path,
        claims: Claims,
        jobs: int | None = None,
        limits: Limits | None = None,
        judge: Judge = witnessed,
    ) -> None:
        limits = limits or Limits()
        self.at_once = jobs or os.cpu_count() or 1
        exercises = [name for name in claims if name]
        self.tasks: list[Task] = []
        for submission in submissions(folder.resolve(), exercises):
            wanted = _wanted(claims, submission.exercise)
            self.tasks.append(Task(submission, wanted, limits, judge))
        _try(claims, limits, judge)

    @property
    def bound(self) -> float:
        """Seconds after which all of it has ended, if each submission takes all that it may, also when tried again."""
        longest = max(task.seconds for task in self.tasks) + 2 * ENDING
        rounds = math.ceil(len(self.tasks) / self.at_once)
        if self.at_once > 1:
            rounds += len(self.tasks)
        return rounds * longest

    def rows(self) -> Iterator[Row]:
        """A row for each learner and exercise, as they are done."""
        again: list[Task] = []
        with groups.place() as place:
            tasks = [replace(task, place=place) for task in self.tasks]
            for task, result in _graded(tasks, self.at_once):
                if result.again and self.at_once > 1:
                    again.append(task)
                else:
                    yield _row(task, result)
            for task, result in _graded(again, 1):
                yield _row(task, result)


def grade(
    folder: Path,
    claims: Claims,
    jobs: int | None = None,
    limits: Limits | None = None,
    judge: Judge = witnessed,
) -> Iterator[Row]:
    """The rows of a `Grading`, as they are done."""
    yield from Grading(folder, claims, jobs, limits, judge).rows()


def _graded(tasks: Sequence[Task], at_once: int) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as they are done."""
    waiting = list(tasks)
    running: list[_Running] = []
    try:
        while waiting or running:
            if at_once == 1 and not running:
                _wait_for_quiet()
            while waiting and len(running) < at_once:
                running.append(_Running(waiting.pop(0)))
            first_end = min(one.end for one in running)
            wait([one.answer for one in running], max(0, first_end - time.monotonic()))
            for one in [one for one in running if one.done()]:
                running.remove(one)
                yield one.task, one.result()
    finally:
        for one in running:  # with its process a world ends
            one.process.kill()


def _wait_for_quiet() -> None:
    """Until what was there before has ended in the kernel, too: its packets may still go round, or ENDING is over."""
    deadline = time.monotonic() + ENDING
    before = -1
    while time.monotonic() < deadline:
        now = refused()
        if now == before and neighbours_left() > NEIGHBOURS:
            return
        before = now
        select.select([], [], [], QUIET)


def _row(task: Task, result: Result) -> Row:
    submission = task.submission
    return Row(
        learner=plain_name(submission.learner),
        exercise=plain_name(submission.exercise),
        points=result.points,
        out_of=task.out_of,
        sentence=result.sentence,
    )


def _wanted(claims: Claims, exercise: str) -> list[Claim]:
    """The claims for an exercise: those for every one, and its own."""
    wanted = list(claims.get("", []))
    if exercise:
        wanted += claims.get(exercise, [])
    return wanted


def _try(claims: Claims, limits: Limits, judge: Judge) -> None:
    """Confine nothing once, and hold the claims against it: what cannot be done is told before anything is graded.

    A claim that is not understood, too; in an empty lab others just do not hold.
    """
    with groups.place() as place, contextlib.closing(Confined(limits, place)) as confined:
        if _play(confined, "true") != 0:
            raise NotReady(tr("Cannot confine what others wrote: a program could not be started so."))
        confined.end_lines()
        with Lab(sandbox=confined.untouched()) as lab:
            for of_an_exercise in claims.values():
                for claim in of_an_exercise:
                    try:
                        judge(lab, claim.text)
                    except UnknownClaim:
                        raise
                    except LabError:
                        continue


class _Running:
    """One submission and the process that grades it."""

    def __init__(self, task: Task) -> None:
        fork = multiprocessing.get_context("fork")  # a judge need not be importable
        self.task = task
        self.answer, theirs = fork.Pipe(duplex=False)
        self.end = time.monotonic() + task.seconds
        self.was_late = False
        self.process = fork.Process(target=_work, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def done(self) -> bool:
        """Whether there is an answer, or will be none."""
        if self.answer.poll():
            return True
        if time.monotonic() > self.end:
            self.was_late = True
            self.process.kill()
            return True
        return False

    def result(self) -> Result:
        """Its answer, or why there is none; it waits for nobody longer than ENDING."""
        result = Result(0, tr("The grading of this submission ended without a result."), again=True)
        if self.was_late:
            result = Result(0, tr("It could not be judged in time."), again=True)
        else:
            with contextlib.suppress(EOFError):  # its process was ended by something else
                result = self.answer.recv()
        self.process.join(ENDING)
        if self.process.exitcode is None:
            self.process.kill()
        self.answer.close()
        return result


# --- in the process that grades one submission ----------------------------------------------------------------------


def _work(task: Task, answer: Connection) -> None:
    """Grade one submission and send its points and sentence."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began this decides
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a world may end while it is written to, and must not end us
    libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # with whom we end, and with us the world
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # that of the listing itself
            os.set_inheritable(descriptor, descriptor < 3)
    spoken = language()  # which the environment may tell
    os.environ.clear()
    os.environ.update(bare_environment())
    os.chdir("/")
    before = refused()
    with speaking(spoken):
        result = _settled(task)
    again = result.again or refused() > before  # then no answer says much of who was asked
    answer.send(Result(result.points, _one_line(result.sentence), again))


def _settled(task: Task) -> Result:
    """What a submission deserves, whatever comes of it."""
    try:
        return _result(task)
    except LabError as error:
        return Result(0, str(error), again=isinstance(error, OF_OTHERS))
    except Exception as error:  # noqa: BLE001  (whatever a stranger wrote leads to, there is a row)
        return Result(0, tr("It could not be judged: {error}", error=error), again=True)


def _result(task: Task) -> Result:
    """Run what was handed in, if there is something, and judge it."""
    submission = task.submission
    if submission.problem:
        return Result(0, submission.problem)
    if submission.file is None:
        return Result(0, tr("Nothing was handed in."))
    lines = read_lines(submission.file, submission.exercise)
    if not any(_is_command(line) for line in lines.splitlines()):
        return Result(0, tr("It holds no command."))
    with contextlib.closing(Confined(task.limits, task.place)) as confined:
        problem = ""
        with Watch(confined, task.limits) as watch:
            try:
                _play(confined, lines)
                confined.end_lines()
            except LabError as error:
                problem = str(error)
        if watch.reason:  # which is what ended it, then
            return Result(0, watch.reason, watch.again)
        if problem:
            return Result(0, problem, again=True)
        return _judged(task, confined)


def _is_command(line: str) -> bool:
    words = line.strip()
    if not words:
        return False
    return not words.startswith("#")


def _judged(task: Task, confined: Confined) -> Result:
    """What the claims say of a lab in which the lines have run."""
    points: float = 0
    wrong: dict[str, None] = {}  # each sentence once, in their order
    again = False
    with Lab(sandbox=confined.untouched()) as lab:
        for claim in task.claims:
            try:
                judgement = task.judge(lab, claim.text)
            except Exception as error:  # noqa: BLE001  (a hostile network may answer anything)
                wrong[tr("It could not be judged: {error}", error=error)] = None
                again = again or isinstance(error, OF_OTHERS)
                continue
            if judgement:
                points += claim.points
            else:
                wrong[judgement.sentence] = None
    return Result(points, tr("; ").join(wrong) or tr("Everything holds."), again)


def _play(confined: Confined, lines: str) -> int:
    """Run the lines in the lab as one script, as they were typed: one that fails does not stop the rest."""
    script = os.memfd_create("lines")
    try:
        os.write(script, lines.encode(errors="surrogatepass"))
        os.set_inheritable(script, True)
        # From a file that is in no folder, and its words to nobody: nothing that they write is read here
        with contextlib.closing(Shell(confined)) as shell:  # a new one, to inherit it
            path = f"{OF_A_LAB}:{SYSTEM_PATH}"
            ran = shell.run(f"cd /tmp && PATH={path} exec bash /dev/fd/{script} >/dev/null 2>&1", expect=None)
            return ran.code
    finally:
        os.close(script)


def _one_line(sentence: str) -> str:
    """Printable, on one line, and not too long: learners' words may be in it."""
    printable = [character if character.isprintable() else " " for character in sentence]
    text = " ".join("".join(printable).split())
    if len(text) <= LONGEST:
        return text
    beginning = text[: LONGEST - 1]
    return beginning + "…"


# --- the table ------------------------------------------------------------------------------------------------------


def as_csv(rows: Sequence[Row], with_names: bool = True) -> str:
    """The rows as CSV; a name that a spreadsheet would take for a formula gets a quote before it.

    with_names: with the names of the columns above.
    """
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if with_names:
        writer.writeheader()
    for row in rows:
        cells = {name: _cell(value) for name, value in asdict(row).items()}
        writer.writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value
