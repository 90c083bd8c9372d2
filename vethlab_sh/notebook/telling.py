"""What happens in a lesson where no lab can be made, or a program of it is missing? It tells.

Each cell shows what it showed when the lesson was solved.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from html import escape

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from ..errors import CannotBegin, ToolMissing
from ..language import marked, tr
from ..lessons import kept
from ..lessons.kept import Kept, KeptCell, Output
from ..packet.player import DARK
from .lesson import Lesson
from .notes import ABOUT, SHOWN, Note, Place, note

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
VERB = "_told"  # by this name a cell is told
ABOVE = marked(
    "{why}, so this lesson is a recording: below each cell stands what it showed when its lines ran "
    "on Linux. Questions are asked and judged by what was recorded; lines of your own do not run, and exercises "
    "can only be shown."
)
NO_LAB = marked("No lab can be made here")
NO_PROGRAM = marked("A program is missing here")
OWN = marked(
    "This is not in the recording, and nothing runs here. The cell as the lesson has it shows what was recorded, and "
    "“Show me”, below an exercise, the lines that do it."
)


class Telling:
    """The recording of a lesson, in the place of its lab: each cell that needs a lab becomes one that tells."""

    def __init__(self, shell: InteractiveShell, lesson: Lesson) -> None:
        self._shell = shell
        self._lesson = lesson
        self._kept: Kept | None = None
        self._last = -1  # the number of the cell that was told last

    @property
    def is_on(self) -> bool:
        """Whether there is no lab, and the lesson is told."""
        return self._kept is not None

    def begin(self, name: str, error: CannotBegin) -> Note:
        """From here on tell the lesson of this name; returns what to say at its top. error: why it has no lab."""
        self._kept = kept.read(name)
        self._last = -1
        if self._turn not in self._shell.input_transformers_cleanup:
            # before any other: they would make other Python of it
            self._shell.input_transformers_cleanup.insert(0, self._turn)
        self._shell.user_ns[VERB] = self.tell
        return _above(error)

    def end(self) -> None:
        """A lab is there, or another lesson begins: every cell runs again."""
        self._kept = None
        if self._turn in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(self._turn)

    def tell_lines(self, source: str) -> None:
        """Show what the `%%lab` cell with this source showed; nothing where the learner's lines are still to come."""
        assert self._kept
        cell = self._kept.find(source, self._cell_name(), self._last)
        if cell is None:
            self.tell()
        elif not cell.is_blank(source):
            self.tell(cell.number)

    def _turn(self, lines: list[str]) -> list[str]:
        """A cell of Python that needs a lab as a call that tells it; any other as it is.

        A terminal asks this of each line of a cell that is not whole yet, so `%%lab` tells by itself.
        """
        assert self._kept
        source = "".join(lines)
        if source.startswith("%%"):
            return lines
        cell = self._kept.find(source, self._cell_name(), self._last)
        if cell and _is_told(cell):
            return [f"{VERB}({cell.number})\n"]
        if cell is None and self._kept.needs_lab(source):
            return [f"{VERB}()\n"]
        return lines

    def _cell_name(self) -> str:
        """How the notebook calls the cell that runs now, where its front end says so."""
        kernel = getattr(self._shell, "kernel", None)
        if kernel is None:
            return ""
        request = kernel.get_parent() or {}
        return str(request.get("metadata", {}).get("cellId", ""))

    def tell(self, number: int | None = None) -> None:
        """Show what the cell of this number showed; without a number, that there is no such cell."""
        assert self._kept
        if number is None:
            Place().show(note(ABOUT, tr(OWN)))
            return
        cell = self._kept.cells[number]
        self._last = number
        if cell.source.startswith("exercise("):
            self._tell_exercise(cell)
            return
        asked = [name for verb, name in cell.calls if verb in ("look", "hold")]
        if not self._lesson.may_tell(asked):
            return
        _show(_without_judgements(cell.outputs, len(asked)))
        for name in asked:
            self._lesson.judge_recorded(name, self._kept.truths[name])

    def _tell_exercise(self, cell: KeptCell) -> None:
        """Offer the lines that do it, and what they showed."""
        assert self._kept
        solution = self._kept.solution_of(cell.number)
        if solution is None:  # it is done by the controls
            solution = cell
        lines = f"<pre>{escape(solution.solved)}</pre>"
        shown = _as_html(solution.outputs)
        name = dict(cell.calls).get("exercise", "")
        title = tr("These lines do it, and this is what they showed:")
        self._lesson.offer(name, note(SHOWN, title, lines + shown))


def _above(error: CannotBegin) -> Note:
    """What stands once at the top: that it is a recording, and why."""
    why = escape(str(error))
    if isinstance(error, ToolMissing):  # one line mends it
        return note(ABOUT, tr(ABOVE, why=tr(NO_PROGRAM)), f"<br>{why}")
    more = f"<details><summary>{tr('Why')}</summary>{why}</details>"
    return note(ABOUT, tr(ABOVE, why=tr(NO_LAB)), more)


def _is_told(cell: KeptCell) -> bool:
    """Whether it cannot run without a lab."""
    if cell.needs_lab or cell.source.startswith("exercise("):
        return True
    return any(verb == "look" for verb, _name in cell.calls)


def _without_judgements(outputs: Sequence[Output], count: int) -> list[Output]:
    """The outputs without the last so many notes: how the one who solved it was judged."""
    shown: list[Output] = []
    for output in reversed(outputs):
        is_note = output["output_type"] == "display_data" and "text/html" in output["data"]
        if is_note and count:
            count -= 1
        else:
            shown.insert(0, output)
    return shown


def _show(outputs: Sequence[Output]) -> None:
    """Show outputs as a notebook keeps them."""
    for output in outputs:
        if output["output_type"] == "stream":
            sys.stdout.write("".join(output["text"]))
            continue
        data = {kind: _joined(value) for kind, value in output["data"].items()}
        if "image/png" in data:
            data["text/html"] = _picture(data)
        display(data, metadata=output.get("metadata", {}), raw=True)


def _as_html(outputs: Sequence[Output]) -> str:
    """Outputs as one piece, for a place below a cell."""
    pieces = []
    for output in outputs:
        data = output.get("data", {})
        if output["output_type"] == "stream":
            text = COLOURS.sub("", "".join(output["text"]))
            pieces.append(f"<pre>{escape(text)}</pre>")
        elif "text/html" in data:
            pieces.append(str(_joined(data["text/html"])))
        elif "image/png" in data:
            pieces.append(_picture(data))
    return "".join(pieces)


def _picture(data: Mapping[str, object]) -> str:
    """A picture of pixels, with what it shows in characters."""
    words = escape(str(_joined(data["text/plain"])))
    pixels = _joined(data["image/png"])
    image = f'<img class="vethlab-picture" alt="{words}" src="data:image/png;base64,{pixels}" style="max-width:100%">'
    return f"<style>{DARK}</style>{image}"


def _joined(value: object) -> object:
    """A text, which nbformat 4 may have as a list of its lines."""
    if isinstance(value, list):
        return "".join(value)
    return value
