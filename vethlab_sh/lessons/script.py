"""Which lines lead to a place in a lesson? Those of the solved lesson's `%%lab` cells, read from the notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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
DRILL = re.compile(r'drill\("([^"]+)", seed=(\w+)\)')
TYPED_ON = re.compile(r"--at[ =](\S+)")


@dataclass(frozen=True)
class Cell:
    """A `%%lab` cell of the solved lesson: its lines, the machine that they are typed on, its section, whose lab."""

    lines: str
    at: str
    section: str
    is_of_another_lab: bool


@dataclass(frozen=True)
class Place:
    """Where a question is judged: the cells that lead there in a fresh lab, and the drill it begins with, if any."""

    cells: tuple[Cell, ...]
    drill: tuple[str, str] | None = None  # its name and seed


@dataclass(frozen=True)
class Script:
    """A solved lesson as lines.

    above: by a section's heading the `%%lab` cells that stand above it, from the last that begins with a fresh lab;
    where: the section in which a question or an exercise stands; solutions: the cell that does an exercise; places: by
    a question's name where the notebook's own lab is asked for its answer.
    """

    above: dict[str, tuple[Cell, ...]]
    where: dict[str, str]
    solutions: dict[str, Cell]
    places: dict[str, Place] = field(default_factory=dict)


def read(lesson: str) -> Script:
    """The script of a lesson."""
    path = files.lessons() / "solutions" / f"{lesson}.ipynb"
    section = ""
    cells: list[Cell] = []
    above: dict[str, tuple[Cell, ...]] = {}
    where: dict[str, str] = {}
    solutions: dict[str, Cell] = {}
    solved: Cell | None = None
    text = path.read_text(encoding="utf-8")
    for kind, source in _cells(text):
        if kind == "markdown":
            heading = HEADING.search(source)
            if heading:
                section = heading[1].strip()
                above[section] = tuple(cells)
            continue
        if source.startswith("%%lab"):
            cell = _lab_cell(source, section)
            if "--new" in source.partition("\n")[0]:
                cells.clear()  # what was typed before is gone
            if not cell.is_of_another_lab:
                cells.append(cell)
            if SOLUTION.search(source):
                solved = cell
        for verb, name in CALLED.findall(source):
            where.setdefault(name, section)
            if verb == "exercise" and solved:
                solutions[name] = solved
                solved = None
    return Script(above, where, solutions, _places(text))


def _places(notebook: str) -> dict[str, Place]:
    """Where each question is asked of the notebook's own lab."""
    places: dict[str, Place] = {}
    cells: list[Cell] = []
    drill: tuple[str, str] | None = None
    for kind, source in _cells(notebook):
        if kind == "markdown":
            continue
        begun = DRILL.search(source)
        if begun:
            drill = (begun[1], begun[2])
            cells.clear()
        elif source.startswith("%%lab"):
            cell = _lab_cell(source, "")
            if "--new" in source.partition("\n")[0]:
                cells.clear()
                drill = None
            if not cell.is_of_another_lab:
                cells.append(cell)
        for name in LOOK.findall(source):
            places[name] = Place(tuple(cells), drill)
    return places


def bring(lab: Lab, place: Place) -> None:
    """Bring an empty lab to a place, by the lesson's own lines."""
    if place.drill:
        name, seed = place.drill
        lab.drill(name, seed)
    for cell in place.cells:
        type_cell(lab, cell)


def type_cell(lab: Lab, cell: Cell) -> Ran:
    """Run the lines of a cell, whatever they end with."""
    return lab.run(cell.lines.strip(), at=cell.at or HOSTNAME, expect=None)


def _cells(notebook: str) -> Iterator[tuple[str, str]]:
    for cell in json.loads(notebook)["cells"]:
        source = cell["source"]  # nbformat 4: a text, or a list of its lines
        yield cell["cell_type"], source if isinstance(source, str) else "".join(source)


def _lab_cell(source: str, section: str) -> Cell:
    options, _, lines = source.partition("\n")
    machine = TYPED_ON.search(options)
    is_of_another_lab = "--lab" in options.split()
    return Cell(MARKS.sub("", lines), machine[1] if machine else "", section, is_of_another_lab)
