"""How nbgrader hands out the lessons: put this file into the folder of the course, as it is.

The source of an assignment is a solved lesson (source/2_bridge/2_bridge.ipynb), which holds nbgrader's metadata.
"""

import re

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import NbGraderPreprocessor

c = get_config()  # noqa: F821, which traitlets gives to every such file


class ClearAnswers(NbGraderPreprocessor):
    """What a prediction cell has been answered is left blank."""

    def preprocess_cell(self, cell, resources, cell_index):
        """The cell as a learner gets it."""
        if cell.cell_type == "code":
            cell.source = re.sub(r', answer="[^"\n]*"', "", cell.source)
        return cell, resources


c.ClearSolutions.code_stub = {"python": "# your lines:"}  # nbgrader's own is Python; those cells hold commands
c.GenerateAssignment.preprocessors = [ClearAnswers, *GenerateAssignment.class_traits()["preprocessors"].default()]
