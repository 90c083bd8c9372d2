"""How does a notebook show a note with controls below it? As saved HTML, and widgets while the kernel lives."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from html import escape, unescape
from typing import Any

from IPython.display import display, update_display

from .. import markup
from ..errors import package
from ..language import marked, tr
from ..lessons.questions import Question
from ..markup import Row
from ..terminal.page import Page

Act = Callable[[], None]
Note = dict[str, str]  # a text by its MIME type
Sign = tuple[str, str]  # a mark, and its colour in Okabe and Ito's palette
RIGHT, WRONG, OPEN = ("✓", "#009e73"), ("✗", "#d55e00"), ("?", "#0072b2")
SHOWN = ("→", "#cc79a7")  # it was done, not by the learner
ABOUT = ("•", "#0072b2")  # to know, not to answer
FINAL = marked("That is my answer")  # the button that keeps an answer
BRING = marked("Bring the lab to here")  # the button at each section
# JupyterLab breaks what a command prints anywhere, also in a word.
WHOLE_WORDS = "<style>.jp-OutputArea-output.jp-RenderedText pre{word-break:normal;overflow-wrap:anywhere}</style>"
NOTHING: Note = {"text/html": " ", "text/plain": " "}  # a notebook keeps no empty output, so it is a blank


def note(sign: Sign, text: str, more: str = "") -> Note:
    """A sentence with its mark, as a notebook and as a terminal shows it; `code` in it; more: HTML below it."""
    mark, colour = sign
    style = f"border-left:4px solid {colour};padding:4px 10px;margin:4px 0"
    html = re.sub("`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    below = re.sub(r"<br>", "\n  ", more)
    plain = f"{mark} {text}" + unescape(re.sub("<[^>]+>", "", below))
    return {
        "text/html": f'<div style="{style}"><b style="color:{colour}">{mark}</b> {html}{more}</div>',
        "text/plain": plain,
    }


def together(notes: Sequence[Note]) -> Note:
    """Several notes as one."""
    return {kind: "\n".join(one[kind] for one in notes) for kind in NOTHING}


def with_whole_words(top: Note) -> Note:
    """The note at the top of a lesson, by which its page breaks lines between words."""
    return {**top, "text/html": WHOLE_WORDS + top["text/html"]}


def show_table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Show rows as a table, in a terminal as text; nothing when there is nothing to tell."""
    html = markup.table(rows, columns)
    if html:
        page = Page.of(sys.stdout)
        display({"text/html": html, "text/plain": page.table(rows, columns)}, raw=True)


class Place:
    """A place below a cell, whose content can be replaced later: also that of a saved notebook."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._is_there = False

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show this there, instead of what was there."""
        if self._is_there:
            update_display(dict(bundle), display_id=self._name, raw=True)
        else:
            display(dict(bundle), display_id=self._name, raw=True)
            self._is_there = True

    def show_widget(self, widget: Any, static: Note) -> None:
        """Show a widget there; static: what is saved, and shown where there is no live kernel."""
        self.show({**widget._repr_mimebundle_(), **static})

    def clear(self) -> None:
        """Show nothing there."""
        if self._is_there:
            self.show(NOTHING)


def buttons(*actions: tuple[str, str, Act]) -> Any:
    """A row of buttons: what each says, what it is for (for who points at it, or hears it), what it does."""
    ipywidgets = package("ipywidgets")
    row = []
    for says, purpose, act in actions:
        button = ipywidgets.Button(description=says, tooltip=purpose, layout=ipywidgets.Layout(width="auto"))
        button.on_click(lambda _, act=act: act())
        row.append(button)
    return ipywidgets.HBox(row, layout=ipywidgets.Layout(flex_flow="row wrap"))


def entry(asked: Question, value: str, keep: Callable[[str], None]) -> Any:
    """A widget for an answer to a question: what is chosen or typed is kept at once. value: what it begins with."""
    ipywidgets = package("ipywidgets")
    wide = ipywidgets.Layout(width="auto")
    if asked.choices:
        chosen = value if value in asked.choices else None
        box = ipywidgets.RadioButtons(options=asked.labelled(), value=chosen, layout=wide, tooltip=asked.ask)
    else:
        box = ipywidgets.Text(
            value=value, placeholder=tr("your answer"), continuous_update=True, layout=wide, tooltip=asked.ask
        )
    box.observe(lambda change: keep(change["new"] or ""), "value")
    return box


def below(*widgets: Any) -> Any:
    """Widgets, one below the other."""
    return package("ipywidgets").VBox(list(widgets))


def show_widget(widget: Any, static: Note) -> None:
    """Display a widget; static: what is saved, and shown where there is no live front end."""
    bundle = {**widget._repr_mimebundle_(), **static}
    display(bundle, raw=True)
