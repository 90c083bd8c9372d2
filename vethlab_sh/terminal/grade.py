"""What does the verb `grade` do? It runs what a class handed in, each in a lab of its own, and gives points."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..language import plural, tr
from .arguments import does
from .page import Page

if TYPE_CHECKING:
    from ..grading.grade import Grading, Row

SENTENCE = "sentence"  # the last column, too long for a cell: it is told as it comes
MOST_JOBS = 1000
LEAST_SECONDS, MOST_SECONDS = 1, 86400


def grade_arguments(verb: argparse.ArgumentParser) -> None:
    """`grade FOLDER`: points for claims that hold."""
    does(verb, _grade, "grade examples/class")
    verb.add_argument("folder", help=tr("a folder or a file (.sh, .ipynb) for each learner"))
    verb.add_argument(
        "--checks", metavar="FILE", help=tr("claims, each after its points, or a solved lesson (FOLDER.checks)")
    )
    verb.add_argument("--out", metavar="FILE", help=tr("write the rows as CSV"))
    verb.add_argument("--jobs", type=_jobs, metavar="N", help=tr("how many at a time (as many as processors)"))
    verb.add_argument("--seconds", type=_seconds, default=60, metavar="S", help=tr("for each submission (60)"))


def _grade(options: argparse.Namespace) -> int:
    from ..grading.confine import Limits
    from ..grading.grade import Grading
    from ..grading.submissions import read_claims

    folder = Path(options.folder)
    checks = Path(options.checks or f"{folder}.checks")
    claims = read_claims(checks)
    limits = Limits(seconds=options.seconds)
    with _table_file(options.out) as table:
        grading = Grading(folder, claims, options.jobs, limits)
        _tell_bound(grading)
        rows = _shown(grading, table)
    rows.sort(key=lambda row: (row.learner, row.exercise))
    page = Page.of(sys.stdout)
    columns = [column for column in grade_columns() if column != SENTENCE]
    plain = [asdict(row) for row in rows]
    print("\n" + page.table(plain, columns), flush=True)
    if table.error:
        raise table.error
    return 0


def grade_columns() -> tuple[str, ...]:
    """The columns of the table, in their order."""
    from ..grading.grade import COLUMNS

    return COLUMNS


def _tell_bound(grading: Grading) -> None:
    """Say how much there is to do, and when all of it has ended in any case."""
    count = len(grading.tasks)
    minutes = math.ceil(grading.bound / 60)
    bound = plural(
        "{count} submission, {at_once} at a time: done in {minutes} minutes at the latest, usually much sooner.",
        "{count} submissions, {at_once} at a time: done in {minutes} minutes at the latest, usually much sooner.",
        count,
        at_once=grading.at_once,
        minutes=minutes,
    )
    print(bound, file=sys.stderr, flush=True)


def _shown(grading: Grading, table: Table) -> list[Row]:
    """Each row as it comes, on stdout and into the file; all of them."""
    page = Page.of(sys.stdout)
    rows = []
    for row in grading.rows():
        rows.append(row)
        table.add(row)
        told = tr(
            "{learner}, {exercise}: {points:g} of {out_of:g}. {sentence}",
            learner=row.learner,
            exercise=row.exercise or tr("all"),
            points=row.points,
            out_of=row.out_of,
            sentence=row.sentence,
        )
        print(page.prose(told), flush=True)
    return rows


class Table:
    """A file of rows that grows as they come; error: why it could not. Without a file it does nothing."""

    def __init__(self, file: TextIO | None) -> None:
        self.error: OSError | None = None
        self._file = file
        self._is_new = True

    def add(self, row: Row) -> None:
        """Add a row; the first replaces what was in the file. A full disk loses no row of those on the terminal."""
        from ..grading.grade import as_csv

        if self._file is None:
            return
        try:
            if self._is_new and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):  # else there is nothing in it
                self._file.truncate(0)
            self._file.write(as_csv([row], with_names=self._is_new))
            self._file.flush()
            self._is_new = False
        except OSError as error:
            self.error = OSError(error.errno, error.strerror, self._file.name)


@contextlib.contextmanager
def _table_file(name: str | None) -> Iterator[Table]:
    """The file for the rows, opened before anything is graded; what it held stays until there is a row."""
    if not name:
        yield Table(None)
        return
    is_new = not os.path.lexists(name)
    file = open(name, "a", encoding="utf-8", newline="", opener=_at_once)  # noqa: SIM115  (closed below)
    try:
        os.set_blocking(file.fileno(), True)
        yield Table(file)
    finally:
        is_empty = not os.fstat(file.fileno()).st_size
        with contextlib.suppress(OSError):  # what could not be written the table has noted
            file.close()
        if is_new and is_empty:
            os.unlink(name)


def _at_once(name: str, flags: int) -> int:
    """Open a file as `open` would, but wait for nobody who reads a named pipe: open(2), ENXIO."""
    return os.open(name, flags | os.O_NONBLOCK, 0o666)


def _jobs(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_JOBS:
        raise argparse.ArgumentTypeError(tr("a number from 1 to {most} is wanted", most=MOST_JOBS))
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not LEAST_SECONDS <= number <= MOST_SECONDS:  # nor is it a number (nan)
        wanted = tr("seconds from {least} to {most} are wanted", least=LEAST_SECONDS, most=MOST_SECONDS)
        raise argparse.ArgumentTypeError(wanted)
    return number
