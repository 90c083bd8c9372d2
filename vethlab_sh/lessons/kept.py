"""What does a lesson show where no lab can be made? What it showed when it was solved: its cells with their outputs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import files
from ..language import language
from . import questions
from .script import BEGINS_AT, CALLED, MARKS, SOLUTION

ANSWER = re.compile(r'^predict\(\s*"([^"]+)".*answer="([^"]*)"', re.M)
OF_A_LAB = {"lab", "Lab", "drill", "explore"}  # names in cells of Python that lead to a kernel
COMMENT = re.compile(r"^\s*(#.*)?$")

Output = Mapping[str, Any]  # as nbformat 4 has it


@dataclass(frozen=True)
class KeptCell:
    """A code cell of the solved lesson.

    number; name: as the notebook calls it; source: with a blank, or what is given, where the learner's own lines stand;
    solved: with the lines that do it; outputs; needs_lab: whether it asks a kernel, or a value that another cell had
    from one.
    """

    number: int
    name: str
    source: str
    solved: str
    outputs: tuple[Output, ...]
    needs_lab: bool

    @property
    def calls(self) -> list[tuple[str, str]]:
        """The questions and exercises in it: the verb, `look` say, and the name."""
        return CALLED.findall(self.source)

    @property
    def solves(self) -> bool:
        """Whether a learner is to fill it."""
        return self.source != self.solved

    def is_blank(self, source: str) -> bool:
        """Whether it is to be filled, and this, which stands there, is no line yet."""
        if not self.solves:
            return False
        return _plain(source) == _plain(self.source)


@dataclass(frozen=True)
class Kept:
    """A solved lesson. truths: by a question's name its answer, which the kernel gave; of_a_lab: names of values of
    its labs."""

    cells: tuple[KeptCell, ...]
    truths: Mapping[str, str]
    of_a_lab: frozenset[str]

    def find(self, source: str, name: str = "", behind: int = -1) -> KeptCell | None:
        """The cell with this source, however it is spaced; None for one that somebody has written.

        name: as the notebook calls it, where that is known; behind: among those that are alike it is the next behind
        the one of this number.
        """
        wanted = _plain(source)
        alike = [cell for cell in self.cells if wanted in (_plain(cell.source), _plain(cell.solved))]
        for cell in alike:
            if cell.name == name:
                return cell
        for cell in alike:
            if cell.number > behind:
                return cell
        return alike[0] if alike else None

    def solution_of(self, number: int) -> KeptCell | None:
        """The cell that does the exercise which the cell of this number judges."""
        for cell in reversed(self.cells):
            if cell.number < number and cell.solves:
                return cell
        return None

    def needs_lab(self, source: str) -> bool:
        """Whether a cell that somebody has written asks a kernel."""
        return _needs_lab(source, self.of_a_lab)


def read(lesson: str) -> Kept:
    """The solved lesson of this name, as it ran in the language that is spoken."""
    path = files.solved(lesson, language())
    cells: list[KeptCell] = []
    truths: dict[str, str] = {}
    tasks = questions.read(lesson).tasks
    from_labs = set(OF_A_LAB)
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        solved = "".join(cell["source"])
        needs_lab = _needs_lab(solved, from_labs)
        if needs_lab:
            from_labs |= _assigned(solved)
        else:
            from_labs -= _assigned(solved)
        truths.update(ANSWER.findall(solved))
        kept = KeptCell(
            len(cells),
            cell.get("id", ""),
            _as_given(solved, tasks),
            MARKS.sub("", solved),
            tuple(cell["outputs"]),
            needs_lab,
        )
        cells.append(kept)
    return Kept(tuple(cells), truths, frozenset(from_labs))


def _as_given(solved: str, tasks: Mapping[str, questions.Task]) -> str:
    """A cell as the learner gets it, without the comment that says what to do."""
    first_line, _, _ = solved.partition("\n")
    exercise = BEGINS_AT.search(first_line)
    given = ""
    if exercise:
        task = tasks[exercise[1]]
        given = "\n".join(task.given)
    return SOLUTION.sub(lambda _: given, solved)


def _needs_lab(source: str, from_labs: frozenset[str] | set[str]) -> bool:
    if source.startswith("%%lab"):
        return True
    names = set()
    for node in _nodes(source):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.add(node.id)
    return not names.isdisjoint(from_labs)


def _assigned(source: str) -> set[str]:
    """The names that a cell of Python gives values to."""
    names = set()
    for node in _nodes(source):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names - OF_A_LAB


def _nodes(source: str) -> list[ast.AST]:
    """What a cell is made of; nothing where it is not Python, as a line with `!` is not."""
    try:
        return list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return []


def _plain(source: str) -> str:
    """A cell without what does not count: comments, blank lines, how it is spaced."""
    lines = []
    for line in source.splitlines():
        if not COMMENT.match(line):
            words = line.split()
            lines.append(" ".join(words))
    return "\n".join(lines)
