"""What does the verb `grade` do? It runs what a class handed in, each in a lab of its own, and gives points."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import written
from .arguments import add_verb
from .page import Page

if TYPE_CHECKING:
    from .arguments import Verbs

SENTENCE = "sentence"  # the last column, too long for a cell: it stands below the table


def add_grade(verbs: Verbs) -> None:
    """`grade FOLDER`: points for claims that hold."""
    example = "grade examples/class"
    verb = add_verb(verbs, "grade", "run what learners handed in and give points for claims that hold", _grade, example)
    verb.add_argument("folder", help="a folder or a file (.sh, .ipynb) for each learner")
    verb.add_argument(
        "--checks", metavar="FILE", help="claims, each after its points, or a solved lesson (FOLDER.checks)"
    )
    verb.add_argument("--out", metavar="FILE", help="write the rows as CSV")
    verb.add_argument("--jobs", type=int, metavar="N", help="how many at a time (as many as processors)")
    verb.add_argument("--seconds", type=float, default=60, metavar="S", help="for each submission (60)")


def _grade(options: argparse.Namespace) -> int:
    from ..grading import grade
    from ..grading.confine import Limits
    from ..grading.submissions import read_claims

    folder = Path(options.folder)
    checks = Path(options.checks or f"{folder}.checks")
    claims = read_claims(checks)
    limits = Limits(seconds=options.seconds)
    rows = list(grade.grade(folder, claims, options.jobs, limits))
    rows.sort(key=lambda row: (row.learner, row.exercise))
    if options.out:
        with written(options.out) as file:
            file.write_text(grade.as_csv(rows))
    page = Page.of(sys.stdout)
    columns = [column for column in grade.COLUMNS if column != SENTENCE]
    plain = [asdict(row) for row in rows]
    print(page.table(plain, columns) + "\n")
    for row in rows:
        exercise = row.exercise or "all"
        print(page.prose(f"{row.learner}, {exercise}: {row.sentence}"))
    return 0
