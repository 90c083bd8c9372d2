"""How many points for each learner's lab?

The lines that a learner typed run again, in a world of their own that can neither see nor take much (`confine`);
then the kernel is asked the teacher's claims. Every learner is graded by a process of its own, so whatever becomes
of one, the others go on.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import json
import multiprocessing
import os
import re
import shlex
import signal
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ..errors import BadInput, LabError, UnknownClaim
from ..inside import inside
from ..lab import Lab
from ..sandbox import Sandbox
from ..shell import Shell
from .confine import Limits, Watch, bare_environment, confined, mounts

COLUMNS = ("learner", "exercise", "points", "out_of", "sentence")
LARGEST = 8 * 2**20  # bytes of one submission; a lesson with all its pictures has one or two million
LONGEST = 400  # characters of a sentence
PATIENCE = 60  # seconds beyond the limit, for making the world, judging and tidying up
KINDS = (".sh", ".ipynb")
CELL = re.compile(r"%%lab\b(.*)\n?")

Judge = Callable[[Lab, str], Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """One thing that should hold, and what it is worth."""

    text: str
    points: float


@dataclass(frozen=True)
class Submission:
    """What one learner handed in for one exercise; file: None when there is nothing."""

    learner: str
    exercise: str
    file: Path | None


def read_claims(file: Path) -> dict[str, list[Claim]]:
    """The teacher's claims by exercise; under "" those for every exercise.

    file: a text, in which a line is points and a claim (`2 ns100 can reach 192.168.1.101`), or `[EXERCISE]`, or a
    remark after #; or a solved lesson (.ipynb), of which each claim is worth a point. Raises BadInput.
    """
    if file.suffix == ".ipynb":
        return _lessons_claims(file)
    claims: dict[str, list[Claim]] = {}
    exercise = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if heading := re.fullmatch(r"\[(.+)\]", text):
            exercise = heading[1].strip()
            claims.setdefault(exercise, [])
        elif worth := re.fullmatch(r"(\d+(?:\.\d+)?)\s+(.+)", text):
            claims.setdefault(exercise, []).append(Claim(worth[2], float(worth[1])))
        elif text:
            raise BadInput(f"{file}, line {number}: not points and a claim, nor [EXERCISE]: {line.strip()}")
    if not any(claims.values()):
        raise BadInput(f"{file} holds no claim. A line is points and a claim: 2 ns100 can reach 192.168.1.101")
    return claims


def _lessons_claims(file: Path) -> dict[str, list[Claim]]:
    """The claims of a lesson's cells that judge, by exercise: `2-bridge-1`, as nbgrader's metadata name them."""
    claims = {}
    for cell in _cells(_read(file)):
        if exercise := _judged(cell):
            call: Any = ast.parse("".join(cell["source"])).body[0]
            try:
                claims[exercise] = [Claim(ast.literal_eval(word), 1) for word in call.value.args]
            except ValueError:
                why = "judges something else than claims, so nbgrader has to grade it"
                raise BadInput(f"{file}: exercise {exercise} {why} (classroom/README.md).") from None
    if not claims:
        raise BadInput(f"{file} is a notebook without exercises. A solved lesson has some: notebooks/solutions.")
    return claims


def _judged(cell: dict[str, Any]) -> str:
    """The exercise that a cell judges; empty for other cells."""
    mark = str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))
    return mark.removesuffix("-check") if mark.endswith("-check") else ""


def submissions(folder: Path, exercises: Sequence[str]) -> list[Submission]:
    """What was handed in: a folder with files, or one file, per learner, of lines (.sh) or a notebook (.ipynb).

    exercises: those that every learner should have, in a file of that name or in the lesson that they are of; a file
    per learner counts for all of them. Raises BadInput.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder. In it is a folder or a file (.sh or .ipynb) for each learner.")
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            files = {file.stem: file for file in sorted(entry.iterdir()) if file.suffix in KINDS}
            found += [Submission(entry.name, name, _file_of(files, name)) for name in exercises or files or [""]]
        elif entry.suffix in KINDS:
            found += [Submission(entry.stem, name, entry) for name in exercises or [""]]
    if not found:
        raise BadInput(f"{folder} holds no submission: a folder or a file (.sh or .ipynb) for each learner.")
    return found


def _file_of(files: dict[str, Path], exercise: str) -> Path | None:
    """The file of this name, or the lesson that it is an exercise of: 2_bridge.ipynb for 2-bridge-1."""
    lesson = re.sub(r"-\d+$", "", exercise)
    return files.get(exercise) or next((files[stem] for stem in files if stem.replace("_", "-") == lesson), None)


def read_lines(file: Path, exercise: str = "") -> str:
    """The bash lines of a submission, a notebook's from its %%lab cells; raises BadInput for what is none.

    exercise: of a lesson; then its cells count as far as the one that judges it, because what follows breaks things.
    """
    text = _read(file)
    if file.suffix == ".sh":
        return text
    lines: list[str] = []
    for noted in _cells(text):
        if exercise and _judged(noted) == exercise:
            break
        cell = "".join(noted["source"])
        if magic := CELL.match(cell):
            if re.search(r"--new\b", magic[1]):
                lines = []
            at = re.search(r"--at[= ]\s*(\S+)", magic[1])
            body = cell[magic.end() :].strip("\n")
            lines.append(inside(at[1], body) if at else body)
    return "\n".join(lines)


def _cells(text: str) -> list[dict[str, Any]]:
    """The code cells of a notebook, whose sources are texts, or lists of them; raises BadInput for what is none."""
    try:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        for cell in cells:
            "".join(cell["source"])
            _judged(cell)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput("It is not a notebook.") from None
    return cells


def _read(file: Path) -> str:
    """The text of a regular file: a link could lead to another's, and a pipe would never end."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise BadInput("It cannot be read: it is a link, or not a file.") from None
    with os.fdopen(handle, "rb") as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadInput("It is not a file.")
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadInput(f"It is larger than {LARGEST // 2**20} MiB.")
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\0", "")


def grade(
    folder: Path,
    claims: dict[str, list[Claim]],
    jobs: int | None = None,
    limits: Limits | None = None,
    judge: Judge = Lab.check,
) -> Iterator[Row]:
    """A row for each learner and exercise, as they are done: learner, exercise, points, out_of, sentence.

    claims: see `read_claims`; jobs: how many at a time (as many as processors); limits: for each of them; judge: what
    holds a claim against a lab. Raises BadInput, and UnknownClaim when a claim is not understood.
    """
    folder, limits = folder.resolve(), limits or Limits()
    waiting = submissions(folder, [name for name in claims if name])
    _check_words(claims, judge)
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < (jobs or os.cpu_count() or 1):
                submission = waiting.pop(0)
                running.append(_Running(submission, _wanted(claims, submission.exercise), folder, limits, judge))
            wait([one.answer for one in running], min(one.end for one in running) - time.monotonic())
            for one in [one for one in running if one.done()]:
                running.remove(one)
                yield one.row()
    finally:
        for one in running:  # with its process a world ends
            one.process.kill()


def _wanted(claims: dict[str, list[Claim]], exercise: str) -> list[Claim]:
    return claims.get("", []) + (claims.get(exercise, []) if exercise else [])


class _Running:
    """One submission and the process that grades it."""

    def __init__(self, submission: Submission, claims: list[Claim], folder: Path, limits: Limits, judge: Judge) -> None:
        fork = multiprocessing.get_context("fork")  # a judge need not be importable
        self.answer, theirs = fork.Pipe(duplex=False)
        self.submission, self.out_of = submission, sum(claim.points for claim in claims)
        self.end = time.monotonic() + limits.seconds + PATIENCE
        arguments = (submission, claims, folder, limits, judge, theirs)
        self.process = fork.Process(target=_work, args=arguments, daemon=True)
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
            points, sentence = self.answer.recv()
        except EOFError:  # its process was ended by something else
            points, sentence = 0, "The grading of this submission ended without a result."
        self.process.join()
        self.answer.close()
        values = (self.submission.learner, self.submission.exercise, points, self.out_of, sentence)
        return dict(zip(COLUMNS, values, strict=True))


def _check_words(claims: dict[str, list[Claim]], judge: Judge) -> None:
    """Tell the teacher at once of a claim that is not understood: in an empty lab others just do not hold."""
    with Lab() as lab:
        for claim in (claim for every in claims.values() for claim in every):
            try:
                judge(lab, claim.text)
            except UnknownClaim:
                raise
            except LabError:
                continue


def _work(
    submission: Submission, claims: list[Claim], folder: Path, limits: Limits, judge: Judge, answer: Connection
) -> None:
    """Grade one submission and send its points and sentence; in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began this decides
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself
            os.set_inheritable(int(descriptor), int(descriptor) < 3)
    os.environ.clear()
    os.environ.update(bare_environment())
    try:
        result = _graded(submission, claims, folder, limits, judge)
    except LabError as error:
        result = 0, str(error)
    answer.send((result[0], _one_line(result[1])))


def _graded(
    submission: Submission, claims: list[Claim], folder: Path, limits: Limits, judge: Judge
) -> tuple[float, str]:
    if submission.file is None:
        return 0, "Nothing was handed in."
    lines = read_lines(submission.file, submission.exercise)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in lines.splitlines()):
        return 0, "It holds no command."
    sandbox = confined([folder], limits)
    with Lab(sandbox=sandbox) as lab, Watch(sandbox, limits, lab.close) as watch:
        before = mounts(sandbox)
        try:
            lab.run("mount -o remount,size=16m /run")
            _play(sandbox, lines, limits)
            if mounts(sandbox) != before:
                return 0, "It mounted something over the machine's own files."
            verdicts = [judge(lab, claim.text) for claim in claims]
        except (LabError, OSError, ValueError, LookupError) as error:  # a hostile world may answer anything
            return 0, watch.reason or f"It could not be judged: {error}"
    if watch.reason:
        return 0, watch.reason
    points = sum(claim.points for claim, verdict in zip(claims, verdicts, strict=True) if verdict)
    wrong = [verdict.sentence for verdict in verdicts if not verdict]
    return points, "; ".join(dict.fromkeys(wrong)) or "Everything holds."


def _play(sandbox: Sandbox, lines: str, limits: Limits) -> None:
    """Run the lines in the lab as one script, as they were typed: one that fails does not stop the rest."""
    script = os.memfd_create("lines")
    try:
        os.write(script, lines.encode())
        os.set_inheritable(script, True)
        # From a file that is in no folder: those of the learners are hidden in there
        with contextlib.closing(Shell(sandbox)) as shell:  # a new one, to inherit it
            shell.run(f"cd /tmp && exec {shlex.join(limits.words())} bash /dev/fd/{script}", expect=None)
    finally:
        os.close(script)


def _one_line(sentence: str) -> str:
    """Printable, on one line, and not too long: learners' words may be in it."""
    text = " ".join("".join(c if c.isprintable() else " " for c in sentence).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV; a name that a spreadsheet would take for a formula gets a quote before it."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:g}"
    return "'" + value if isinstance(value, str) and value[:1] in "=+-@\t" and value else value
