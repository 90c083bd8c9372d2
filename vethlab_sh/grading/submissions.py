"""What was handed in, and what should hold? Files of lines and notebooks, read as data from strangers.

Nothing of them runs here. A file may be of any size or kind, and what calls itself a notebook may be none.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..inside import inside
from ..language import marked, tr
from ..lessons import questions
from ..lessons.questions import Task

LARGEST = 8 * 2**20  # bytes of one submission; a lesson with all its pictures has one or two million
KINDS = (".sh", ".ipynb")
THIS_IS = re.compile(r'^lesson\("([^"]+)"\)', re.M)  # in the first cell of a lesson
CELL = re.compile(r"%%lab\b(.*)\n?")  # the magic, and its options
LINK = marked("It is a link, and so not read.")
CHECK = "-check"  # how the name of a cell ends that judges, in nbgrader's metadata


@dataclass(frozen=True)
class Claim:
    """One thing that should hold, and what it is worth."""

    text: str
    points: float


Claims = dict[str, list[Claim]]  # by exercise; under "" those for every exercise


@dataclass(frozen=True)
class Submission:
    """What one learner handed in for one exercise; file: None when there is nothing; problem: why it is not read."""

    learner: str
    exercise: str
    file: Path | None
    problem: str = ""


@dataclass(frozen=True)
class Cell:
    """A code cell of a notebook; exercise: the one that it judges, empty for other cells."""

    source: str
    exercise: str


def read_claims(file: Path) -> Claims:
    """The teacher's claims by exercise; under "" those for every exercise.

    file: a text, in which a line is points and a claim (`2 ns100 can reach 192.168.1.101`), or `[EXERCISE]`, or a
    remark after #; or a solved lesson (.ipynb), of which each claim is worth a point. Raises BadInput.
    """
    if not file.exists():
        raise BadInput(tr("There is no {file}, by whose claims points are given. `--checks` names another.", file=file))
    if file.suffix == ".ipynb":
        return _claims_of_a_lesson(file)
    claims: Claims = {}
    exercise = ""
    for number, line in enumerate(_claims_text(file).splitlines(), 1):
        text = line.partition("#")[0].strip()
        heading = re.fullmatch(r"\[(.+)\]", text)
        worth = re.fullmatch(r"(\d+(?:\.\d+)?)\s+(.+)", text)
        if heading:
            exercise = heading[1].strip()
            claims.setdefault(exercise, [])
        elif worth:
            claims.setdefault(exercise, []).append(Claim(worth[2], float(worth[1])))
        elif text:
            raise BadInput(
                tr(
                    "{file}, line {number}: not points and a claim, nor [EXERCISE]: {line}",
                    file=file,
                    number=number,
                    line=line.strip(),
                )
            )
    if not any(claims.values()):
        raise BadInput(
            tr("{file} holds no claim. A line is points and a claim: 2 ns100 can reach 192.168.1.101", file=file)
        )
    return claims


def _claims_text(file: Path) -> str:
    """The teacher's file; editors of Windows begin theirs with a mark that is no letter."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(tr("{file} is no text of UTF-8. Save it as UTF-8.", file=file)) from None


def _claims_of_a_lesson(file: Path) -> Claims:
    """The claims of a lesson's cells that judge, by exercise: `2-bridge-1`, as nbgrader's metadata name them."""
    claims = {}
    cells = list(_cells(_text(file)))
    tasks = _tasks(cells)
    for cell in cells:
        if cell.exercise:
            try:
                texts: Sequence[str] = _arguments(cell.source)
                if len(texts) == 1 and texts[0] in tasks:
                    texts = tasks[texts[0]].claims
                claims[cell.exercise] = [Claim(text, 1) for text in texts]
            except (ValueError, SyntaxError, IndexError, AttributeError, RecursionError, MemoryError):
                why = tr(
                    "{file}: exercise {exercise} judges something else than claims, so nbgrader has to grade it "
                    "(classroom/README.md).",
                    file=file,
                    exercise=cell.exercise,
                )
                raise BadInput(why) from None
    if not claims:
        raise BadInput(
            tr("{file} is a notebook without exercises. A solved lesson has some: notebooks/solutions.", file=file)
        )
    return claims


def _tasks(cells: Iterable[Cell]) -> Mapping[str, Task]:
    """The exercises of the lesson that a notebook says it is, by name; none when it is one of the teacher's own."""
    for cell in cells:
        said = THIS_IS.search(cell.source)
        if said and said[1] in questions.lessons():
            return questions.read(said[1]).tasks
    return {}


def _arguments(source: str) -> list[str]:
    """The texts that a line of Python calls a function with; raises ValueError where they are not plain texts."""
    line: Any = ast.parse(source).body[0]
    call = line.value
    return [ast.literal_eval(argument) for argument in call.args]


def submissions(folder: Path, exercises: Sequence[str]) -> list[Submission]:
    """What was handed in: a folder with files, or one file, per learner, of lines (.sh) or a notebook (.ipynb).

    exercises: those that every learner should have, in a file of that name or in the lesson that they are of; a file
    per learner counts for all of them. Raises BadInput.
    """
    if not folder.is_dir():
        raise BadInput(
            tr("{folder} is no folder. In it is a folder or a file (.sh or .ipynb) for each learner.", folder=folder)
        )
    every: list[Submission] = []
    for entry in sorted(folder.iterdir()):
        problem = _problem_of(entry)
        if problem:
            for exercise in exercises or [""]:
                every.append(Submission(entry.name, exercise, None, problem))
        elif entry.is_dir() and not entry.is_symlink():
            every += _of_a_folder(entry, exercises)
        elif entry.suffix in KINDS:
            for exercise in exercises or [""]:
                every.append(Submission(entry.stem, exercise, entry))
    if not every:
        raise BadInput(
            tr("{folder} holds no submission: a folder or a file (.sh or .ipynb) for each learner.", folder=folder)
        )
    return every


def _problem_of(entry: Path) -> str:
    """Why what stands in a folder's place is none; nothing for a folder, and for files, of which not all are meant."""
    if entry.suffix in KINDS:
        return ""  # whoever reads it says so
    try:
        mode = entry.lstat().st_mode
    except OSError as error:
        return tr("It cannot be read: {reason}.", reason=error.strerror)
    if stat.S_ISLNK(mode):
        return tr(LINK)
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
        return ""
    return tr("It is neither a folder nor a file.")


def _of_a_folder(folder: Path, exercises: Sequence[str]) -> list[Submission]:
    """What one learner handed in; without exercises each file is one, and nothing at all is one that is missing."""
    files = {}
    problem = ""
    try:
        for file in sorted(folder.iterdir()):
            if file.suffix in KINDS:
                files[file.stem] = file
    except OSError as error:
        problem = tr("The folder cannot be read: {reason}.", reason=error.strerror)
    wanted = exercises or list(files) or [""]
    every = []
    for exercise in wanted:
        handed_in = _file_of(files, exercise)
        every.append(Submission(folder.name, exercise, handed_in, problem))
    return every


def plain_name(name: str) -> str:
    """A name as it can be shown: what is no text of UTF-8, or no sign that prints, by its number.

    >>> plain_name("anna"), plain_name("a\\x1b[31m"), plain_name("a\\udcff")
    ('anna', 'a\\\\x1b[31m', 'a\\\\xff')
    """
    shown = ""
    for sign in os.fsencode(name).decode("utf-8", "backslashreplace"):
        shown += sign if sign.isprintable() else sign.encode("unicode_escape").decode()
    return shown


def _file_of(files: dict[str, Path], exercise: str) -> Path | None:
    """The file of this name, or the lesson that it is an exercise of: 2_bridge.ipynb for 2-bridge-1."""
    if exercise in files:
        return files[exercise]
    lesson = re.sub(r"-\d+$", "", exercise)
    for stem, file in files.items():
        if stem.replace("_", "-") == lesson:
            return file
    return None


def read_lines(file: Path, exercise: str = "") -> str:
    """The bash lines of a submission, a notebook's from its %%lab cells; raises BadInput for what is none.

    exercise: of a lesson; then its cells count as far as the one that judges it, because what follows breaks things.
    """
    text = _text(file)
    if file.suffix == ".sh":
        return text
    lines: list[str] = []
    for cell in _cells(text):
        if exercise and cell.exercise == exercise:
            break
        magic = CELL.match(cell.source)
        if not magic:
            continue
        options = magic[1]
        body = cell.source[magic.end() :].strip("\n")
        if re.search(r"--new\b", options):  # a new lab, in which nothing of the other one is
            lines = []
        lines.append(_typed(options, body))
    return "\n".join(lines)


def _typed(options: str, body: str) -> str:
    """The lines of a cell as typed on master."""
    at = re.search(r"--at[= ]\s*(\S+)", options)
    if at is None:
        return body
    return inside(at[1], body)


def _cells(text: str) -> list[Cell]:
    """The code cells of a notebook; raises BadInput for what is none."""
    cells = []
    try:
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] != "code":
                continue
            source = "".join(cell["source"])  # a text, or a list of its lines: the format allows both
            metadata = cell.get("metadata", {})
            cells.append(Cell(source, _judges(metadata)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput(tr("It is not a notebook.")) from None
    return cells


def _judges(metadata: Any) -> str:
    """The exercise that a cell judges, as nbgrader's metadata say; empty for other cells."""
    of_nbgrader = metadata.get("nbgrader", {})
    name = str(of_nbgrader.get("grade_id", ""))
    if not name.endswith(CHECK):
        return ""
    return name.removesuffix(CHECK)


def _text(file: Path) -> str:
    """The text of a regular file: a link could lead to another's, and a pipe would never end."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BadInput(tr(LINK)) from None
        if error.errno == errno.ENXIO:
            raise BadInput(tr("It is not a file.")) from None
        raise BadInput(tr("It cannot be read: {reason}.", reason=error.strerror)) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadInput(tr("It is not a file."))
    with os.fdopen(handle, "rb") as opened:
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadInput(tr("It is larger than {size} MiB.", size=LARGEST // 2**20))
    text = content.decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\0", "")
