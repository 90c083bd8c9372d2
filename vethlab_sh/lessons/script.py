"""Which lines lead to a place in a lesson? Those of the solved lesson's `%%lab` cells, read from the notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .. import files
from ..lab import Lab
from ..record import Ran
from ..sandbox import HOSTNAME

HEADING = re.compile(r"^##\s+(.+)$", re.M)
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.S)
MARKS = re.compile(r"^### (BEGIN|END) SOLUTION\n?", re.M)
CALLED = re.compile(r'^(predict|look|hold|exercise)\(\s*"([^"]+)"', re.M)
# `look("ttl")` asks the notebook's own lab; with `lab=` it is another's
LOOK = re.compile(r'^look\(\s*"([^"]+)"\s*\)', re.M)
DRILL = re.compile(r'(?<!\.)drill\("([^"]+)", seed=(\w+)\)')  # with a lab's name before it, it is in that one
TYPED_ON = re.compile(r"--at[ =](\S+)")
BEGINS_AT = re.compile(r"--for[ =](\S+)")


@dataclass(frozen=True)
class Cell:
    """A `%%lab` cell of the solved lesson: its lines, and the machine that they are typed on.

    exercise: which it does, where each of its runs begins anew from where that exercise stands.
    """

    lines: str
    at: str
    begins_anew: bool
    is_of_another_lab: bool
    exercise: str = ""


@dataclass(frozen=True)
class Place:
    """A place in a lesson: the cells that lead there in a fresh lab, and the drill that it begins with, if any."""

    cells: tuple[Cell, ...]
    drill: tuple[str, str] | None = None  # its name and seed


@dataclass(frozen=True)
class Script:
    """A solved lesson as lines.

    above: by a section's heading the place where it begins; where: the section in which a question or an exercise
    stands; solutions: the cell that does an exercise; starts: by an exercise's name the place before that cell; places:
    by a question's name where the notebook's own lab is asked for its answer.
    """

    above: dict[str, Place]
    where: dict[str, str]
    solutions: dict[str, Cell]
    starts: dict[str, Place]
    places: dict[str, Place]


def read(lesson: str) -> Script:
    """The script of a lesson."""
    path = files.solved(lesson)
    script = Script({}, {}, {}, {}, {})
    section = ""
    here = start = Place(())
    solved: Cell | None = None
    for kind, source in _cells(path.read_text(encoding="utf-8")):
        if kind == "markdown":
            heading = HEADING.search(source)
            if heading:
                section = heading[1].strip()
                script.above[section] = here
            continue
        drill = DRILL.search(source)
        if drill:
            here = Place((), (drill[1], drill[2]))
        elif source.startswith("%%lab"):
            cell = _lab_cell(source)
            if SOLUTION.search(source):
                solved = cell
                start = here
            here = _after(here, cell)
        for verb, name in CALLED.findall(source):
            script.where.setdefault(name, section)
            if verb == "exercise" and solved:
                script.solutions[name] = solved
                script.starts[name] = start
                solved = None
        for name in LOOK.findall(source):
            script.places[name] = here
    return script


def _after(place: Place, cell: Cell) -> Place:
    """The place behind a `%%lab` cell."""
    if cell.begins_anew:
        place = Place(())  # what was typed before is gone
    if cell.is_of_another_lab:
        return place
    return Place((*place.cells, cell), place.drill)


def bring(lab: Lab, place: Place) -> None:
    """Bring an empty lab to a place, by the lesson's own lines."""
    if place.drill:
        name, seed = place.drill
        lab.drill(name, seed)
    for cell in place.cells:
        type_cell(lab, cell)


def type_cell(lab: Lab, cell: Cell) -> Ran:
    """Run the lines of a cell, whatever they end with."""
    lines = cell.lines.strip()
    return lab.run(lines, at=cell.at or HOSTNAME, expect=None)


def _cells(notebook: str) -> Iterator[tuple[str, str]]:
    for cell in json.loads(notebook)["cells"]:
        source = cell["source"]  # nbformat 4: a text, or a list of its lines
        if not isinstance(source, str):
            source = "".join(source)
        yield cell["cell_type"], source


def _lab_cell(source: str) -> Cell:
    options, _, lines = source.partition("\n")
    words = options.split()
    machine = TYPED_ON.search(options)
    exercise = BEGINS_AT.search(options)
    return Cell(
        MARKS.sub("", lines),
        at=machine[1] if machine else "",
        begins_anew="--new" in words,
        is_of_another_lab="--lab" in words,
        exercise=exercise[1] if exercise else "",
    )
