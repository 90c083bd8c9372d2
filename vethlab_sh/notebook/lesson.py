"""How does a lesson ask, and who judges the answer? Predictions and exercises for notebooks; the kernel judges.

`%load_ext vethlab_sh` gives a notebook `predict`, `look`, `hold` and `exercise`. A prediction is made before a command
runs, kept, and held against what the command prints or what was measured; an exercise is a list of claims about
the lab, which `Lab.check` holds against the kernel's state.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from IPython.display import display

from ..drills.drill import Drill
from ..errors import LabError, NotRecorded, package
from ..lab import Lab
from ..terminal.page import Page

PAGE = Page(width=110, colour=True)
RIGHT, WRONG, OPEN = ("✓", "#009e73"), ("✗", "#d55e00"), ("?", "#0072b2")


class Lesson:
    """The questions of one notebook and what was answered."""

    def __init__(self, lab: Callable[[], Lab]) -> None:
        self._lab = lab
        self.answers: dict[str, str] = {}

    def predict(self, name: str, question: str, choices: Sequence[str] = (), answer: str = "") -> None:
        """Ask before the kernel does: a choice, or a short answer in words.

        name: by which `look` finds the answer; choices: none for a free answer; answer: already written here.
        """
        self.answers[name] = str(answer)

        def keep(text: str) -> None:
            self.answers[name] = text

        box = _input(choices, self.answers[name], keep)
        more = ""  # what only the saved form shows, as it has no widget
        if choices:
            listed = " / ".join(choices)
            more += f" ({escape(listed)})"
        if answer:
            written = escape(self.answers[name])
            more += f"<br>answer: <b>{written}</b>"
        asked = _note(OPEN, question)
        _show(asked, box, static=_note(OPEN, question, more))

    def look(self, name: str, line: str, because: str = "", lab: Lab | None = None) -> None:
        """Run a line, and hold what it printed against the prediction of that name.

        line: one that prints the answer and nothing else; because: why the kernel says so; lab: another than the
        notebook's own.
        """
        try:
            lab = lab or self._lab()
            ran = lab.run(line, expect=None)
        except LabError as error:
            print(PAGE.ink(str(error), "31"))
            if isinstance(error, NotRecorded) and because:
                _show(_note(OPEN, because))
            return
        print(PAGE.record(ran))
        truth = ran.out.strip()
        if truth:
            self._judge(name, truth, because, "so says the kernel", "the kernel says")
        else:
            hint = ran.hint or "Did all the cells above run?"
            _show(_note(OPEN, f"The command printed nothing. {hint}"))

    def hold(self, name: str, value: object, because: str = "") -> None:
        """Hold what was measured in the cells above against the prediction of that name.

        value: the measured one, a number or a word; because: why the kernel says so.
        """
        self._judge(name, str(value), because, "so it is", "it is")

    def _judge(self, name: str, truth: str, because: str, agrees: str, tells: str) -> None:
        answer = self.answers.get(name, "").strip()
        if not answer:
            sign = OPEN
            sentence = "You predicted nothing; the question is above. A wrong guess teaches more than none."
            sentence += f" {tells.capitalize()} {truth}."
        elif _plain(answer) == _plain(truth):
            sign = RIGHT
            sentence = f"You predicted {answer}, and {agrees}."
        else:
            sign = WRONG
            sentence = f"You predicted {answer}; {tells} {truth}."
        if because:
            sentence += f" {because}"
        _show(_note(sign, sentence))

    def exercise(self, *claims: str | Drill, lab: Lab | None = None) -> None:
        """Is it done? Each claim is held against the kernel; the first that does not hold says why.

        claims: in plain English, as `Lab.check` takes them, or a drill that should be mended; lab: another than the
        notebook's own.
        Where nbgrader runs the notebook, a claim that does not hold is an error, which it takes for no points.
        """
        for claim in claims:
            is_done, sentence = self._verdict(claim, lab)
            if is_done:
                _show(_note(RIGHT, sentence))
                continue
            _show(_note(WRONG, sentence))
            if os.environ.get("NBGRADER_EXECUTION"):
                raise AssertionError(sentence)
            return

    def _verdict(self, claim: str | Drill, lab: Lab | None) -> tuple[bool, str]:
        """Whether a claim holds, and the sentence that says so; what cannot be judged does not hold."""
        try:
            if isinstance(claim, Drill):
                verdict = claim.check()
            else:
                lab = lab or self._lab()
                verdict = lab.check(claim)
        except LabError as error:
            return False, str(error)
        return bool(verdict), str(verdict)


def _plain(text: str) -> str:
    """An answer as it is compared: letter case, spaces and a full stop at its end do not count."""
    words = text.casefold().split()
    return " ".join(words).rstrip(".")


def _note(sign: tuple[str, str], text: str, more: str = "") -> str:
    mark, colour = sign
    style = f"border-left:4px solid {colour};padding:4px 10px;margin:4px 0"
    escaped = escape(text, quote=False)
    html = re.sub("`([^`]+)`", r"<code>\1</code>", escaped)
    coloured = f'<b style="color:{colour}">{mark}</b>'
    return f'<div style="{style}">{coloured} {html}{more}</div>'


def _input(choices: Sequence[str], value: str, keep: Callable[[str], None]) -> Any:
    """A widget for an answer; what is chosen or typed is kept at once."""
    ipywidgets = package("ipywidgets")

    wide = ipywidgets.Layout(width="auto")
    if choices:
        chosen = value if value in choices else None
        box = ipywidgets.RadioButtons(options=list(choices), value=chosen, layout=wide)
    else:
        box = ipywidgets.Text(value=value, placeholder="your answer", continuous_update=True)
    box.observe(lambda change: keep(change["new"] or ""), "value")
    return box


def _show(html: str, widget: Any = None, static: str = "") -> None:
    """Show a note, with a widget below it where there is a live front end; the static form elsewhere."""
    if widget is None:
        display({"text/html": html, "text/plain": html}, raw=True)
        return
    ipywidgets = package("ipywidgets")

    show_widget(ipywidgets.VBox([ipywidgets.HTML(html), widget]), static)


def show_widget(widget: Any, static: str) -> None:
    """Display a widget whose saved form, without a live front end, is the static HTML."""
    bundle = dict(widget._repr_mimebundle_())
    bundle["text/html"] = static
    display(bundle, raw=True)
