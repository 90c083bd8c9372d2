"""How nbgrader hands out the lessons: put this file into the folder of the course, as it is.

The source of an assignment is a solved lesson (source/2_bridge/2_bridge.ipynb), which holds nbgrader's metadata. What
is released is the learners' copy in notebooks/, by the rules of notebooks/make.py: no answers; in the cells to fill the
lines that the lesson gives; in the prose the words of the glossary. A lesson of one's own is only left blank. Under
VETHLAB_LANG=zh the lessons are released in Chinese.
"""

import sys

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor

from vethlab_sh import files
from vethlab_sh.lessons import translation

sys.path.insert(0, str(files.lessons()))

from glossary import Explained
from make import ANSWER, EMPTY, SOLUTIONS, given

c = get_config()  # noqa: F821, which traitlets gives to every such file


class ClearAnswers(NbGraderPreprocessor):
    """What a prediction cell has been answered is left blank."""

    def preprocess_cell(self, cell, resources, cell_index):
        """The cell as a learner gets it."""
        if cell.cell_type == "code":
            cell.source = ANSWER.sub("", cell.source)
        return cell, resources


class GiveLines(ClearSolutions):
    """As nbgrader clears solutions; then a cell to fill begins with the lines that the lesson gives, if any."""

    def preprocess(self, nb, resources):
        """The lesson as a learner gets it."""
        name = resources["metadata"]["name"]
        is_ours = (SOLUTIONS / f"{name}.ipynb").exists()
        lines = given(nb, name) if is_ours else []  # before the solutions go, between which they are counted
        nb, resources = super().preprocess(nb, resources)
        if is_ours:
            self._give(nb, lines)
            translation.translate(nb.cells)
        return nb, resources

    def _give(self, nb, lines):
        words = Explained()
        to_come = iter(lines)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = words.explain(cell.source)
            elif EMPTY in cell.source:
                cell.source = cell.source.replace(EMPTY, next(to_come, EMPTY))


preprocessors = [ClearAnswers]
for usual in GenerateAssignment.class_traits()["preprocessors"].default():
    preprocessors.append(GiveLines if usual is ClearSolutions else usual)

c.ClearSolutions.code_stub = {"python": EMPTY}  # nbgrader's own is Python; those cells hold commands
c.GenerateAssignment.preprocessors = preprocessors
