"""How many points for each learner's lab? Those of the claims that hold in it.

The lines that a learner typed run again, in a world of their own that can neither see nor take much (`confine`);
then the kernel is asked the teacher's claims. Every learner is graded by a process of its own, so whatever becomes
of one, the others go on.
"""

from __future__ import annotations

import contextlib
import csv
import multiprocessing
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from io import StringIO
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from ..errors import LabError, UnknownClaim
from ..lab import Lab
from ..sandbox import Sandbox
from ..shell import Shell
from .confine import Limits, Watch, bare_environment, confined, mounts
from .submissions import Claim, Claims, Submission, read_lines, submissions

LONGEST = 400  # characters of a sentence
PATIENCE = 60  # seconds beyond the limit, for making the world, judging and tidying up
FORMULA = tuple("=+-@\t")  # how a cell begins that a spreadsheet takes for a formula


class Judgement(Protocol):
    """Whether a claim holds; true or false as a condition, and a sentence that says why."""

    @property
    def sentence(self) -> str:
        """Why."""

    def __bool__(self) -> bool: ...


Judge = Callable[[Lab, str], Judgement]


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
    """One submission to grade. claims: what should hold; folder: that of the class, hidden from the lines."""

    submission: Submission
    claims: Sequence[Claim]
    folder: Path
    limits: Limits
    judge: Judge

    @property
    def out_of(self) -> float:
        """The points that it could have."""
        return sum(claim.points for claim in self.claims)


@dataclass(frozen=True)
class Result:
    """What the process that graded a submission answers."""

    points: float
    sentence: str


def grade(
    folder: Path,
    claims: Claims,
    jobs: int | None = None,
    limits: Limits | None = None,
    judge: Judge = Lab.check,
) -> Iterator[Row]:
    """A row for each learner and exercise, as they are done.

    claims: see `read_claims`; jobs: how many at a time (as many as processors); limits: for each of them; judge: what
    holds a claim against a lab. Raises BadInput, and UnknownClaim when a claim is not understood.
    """
    folder = folder.resolve()
    limits = limits or Limits()
    at_once = jobs or os.cpu_count() or 1
    exercises = [name for name in claims if name]
    waiting = submissions(folder, exercises)
    _check_words(claims, judge)
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                submission = waiting.pop(0)
                wanted = _wanted(claims, submission.exercise)
                running.append(_Running(Task(submission, wanted, folder, limits, judge)))
            first_end = min(one.end for one in running)
            wait([one.answer for one in running], first_end - time.monotonic())
            for one in [one for one in running if one.done()]:
                running.remove(one)
                yield one.row()
    finally:
        for one in running:  # with its process a world ends
            one.process.kill()


def _wanted(claims: Claims, exercise: str) -> list[Claim]:
    """The claims for an exercise: those for every one, and its own."""
    wanted = list(claims.get("", []))
    if exercise:
        wanted += claims.get(exercise, [])
    return wanted


def _check_words(claims: Claims, judge: Judge) -> None:
    """Tell the teacher at once of a claim that is not understood: in an empty lab others just do not hold."""
    with Lab() as lab:
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
        self.end = time.monotonic() + task.limits.seconds + PATIENCE
        self.process = fork.Process(target=_work, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def done(self) -> bool:
        """Whether there is an answer, or will be none."""
        if time.monotonic() > self.end:
            self.process.kill()
            self.process.join()
        return self.answer.poll()

    def row(self) -> Row:
        """Points and sentence."""
        try:
            result: Result = self.answer.recv()
        except EOFError:  # its process was ended by something else
            result = Result(0, "The grading of this submission ended without a result.")
        self.process.join()
        self.answer.close()
        submission = self.task.submission
        return Row(
            learner=submission.learner,
            exercise=submission.exercise,
            points=result.points,
            out_of=self.task.out_of,
            sentence=result.sentence,
        )


# --- in the process that grades one submission ----------------------------------------------------------------------


def _work(task: Task, answer: Connection) -> None:
    """Grade one submission and send its points and sentence."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began this decides
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # that of the listing itself
            os.set_inheritable(descriptor, descriptor < 3)
    os.environ.clear()
    os.environ.update(bare_environment())
    try:
        result = _result(task)
    except LabError as error:
        result = Result(0, str(error))
    answer.send(Result(result.points, _one_line(result.sentence)))


def _result(task: Task) -> Result:
    """Run what was handed in, if there is something, and judge it."""
    submission = task.submission
    if submission.file is None:
        return Result(0, "Nothing was handed in.")
    lines = read_lines(submission.file, submission.exercise)
    if not any(_is_command(line) for line in lines.splitlines()):
        return Result(0, "It holds no command.")
    sandbox = confined([task.folder], task.limits)
    with Lab(sandbox=sandbox) as lab, Watch(sandbox, task.limits, lab.close) as watch:
        try:
            result = _judged(task, lab, sandbox, lines)
        except (LabError, OSError, ValueError, LookupError) as error:  # a hostile world may answer anything
            result = Result(0, f"It could not be judged: {error}")
    if watch.reason:  # the world was ended for it, which is why it answered as it did
        return Result(0, watch.reason)
    return result


def _is_command(line: str) -> bool:
    words = line.strip()
    if not words:
        return False
    return not words.startswith("#")


def _judged(task: Task, lab: Lab, sandbox: Sandbox, lines: str) -> Result:
    """What the claims say of a lab in which the lines have run."""
    before = mounts(sandbox)
    lab.run("mount -o remount,size=16m /run")
    _play(sandbox, lines, task.limits)
    if mounts(sandbox) != before:
        return Result(0, "It mounted something over the machine's own files.")
    points: float = 0
    wrong: dict[str, None] = {}  # each sentence once, in their order
    for claim in task.claims:
        judgement = task.judge(lab, claim.text)
        if judgement:
            points += claim.points
        else:
            wrong[judgement.sentence] = None
    return Result(points, "; ".join(wrong) or "Everything holds.")


def _play(sandbox: Sandbox, lines: str, limits: Limits) -> None:
    """Run the lines in the lab as one script, as they were typed: one that fails does not stop the rest."""
    script = os.memfd_create("lines")
    try:
        os.write(script, lines.encode())
        os.set_inheritable(script, True)
        # From a file that is in no folder: those of the learners are hidden in there
        limited = shlex.join(limits.words())
        with contextlib.closing(Shell(sandbox)) as shell:  # a new one, to inherit it
            shell.run(f"cd /tmp && exec {limited} bash /dev/fd/{script}", expect=None)
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


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV; a name that a spreadsheet would take for a formula gets a quote before it."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
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
