"""How does a class vote on a question? Hands for each choice, counted as often as they talk; the last count stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from ..errors import package
from ..language import tr
from ..lessons.questions import Question
from ..markup import width
from .notes import OPEN, Note, Place, below, buttons, note

BAR = 30  # characters of the longest one
Hands = Mapping[str, int]  # by choice


def vote(asked: Question, decide: Callable[[str], None]) -> None:
    """Ask a class: a number of hands for each choice, and a button that counts them.

    decide: is told what most have chosen, each time that hands were counted.
    """
    ipywidgets = package("ipywidgets")
    place, controls = Place(), Place()
    place.show(note(OPEN, asked.ask))
    boxes = {}
    longest = max(width(label) for label, _ in asked.labelled())
    style = {"description_width": f"{longest + 1}ch"}  # else a long choice ends in dots
    wide = ipywidgets.Layout(width=f"{longest + 14}ch")
    for label, choice in asked.labelled():
        boxes[choice] = ipywidgets.BoundedIntText(
            value=0, min=0, max=9999, description=label, tooltip=asked.ask, style=style, layout=wide
        )
    counts: list[Hands] = []

    def count() -> None:
        hands = {choice: box.value for choice, box in boxes.items()}
        if not any(hands.values()):
            return
        counts.append(hands)
        place.show(counted(asked, counts))
        decide(most(hands))

    purpose = tr("show how the class has voted; the last count is held against the kernel")
    row = buttons((tr("Count"), purpose, count))
    controls.show_widget(below(*boxes.values(), row), note(OPEN, tr("To vote, run this cell.")))


def most(hands: Hands) -> str:
    """The choice with the most hands, the first of them where several have as many.

    >>> most({"62": 3, "63": 12, "64": 12})
    '63'
    """
    return max(hands, key=lambda choice: hands[choice])


def counted(asked: Question, counts: list[Hands]) -> Note:
    """The question and each count, as bars; on a page these fit any width."""
    drawn, typed = [], []
    for hands in counts:
        labelled = {asked.label(choice): count for choice, count in hands.items()}
        drawn.append(_drawn(labelled))
        typed.append(bars(labelled))
    question = note(OPEN, asked.ask)
    return {
        "text/html": note(OPEN, asked.ask, "".join(drawn))["text/html"],
        "text/plain": "\n\n".join([question["text/plain"], *typed]),
    }


def _drawn(hands: Hands) -> str:
    """A count in HTML: above each bar its choice and its number."""
    longest = max(hands.values())
    rows = []
    for choice, count in hands.items():
        bar = f'<div style="background:{OPEN[1]};height:.7em;width:{100 * count / longest:.0f}%"></div>'
        rows.append(f"<div>{escape(choice)}: <b>{count}</b></div>{bar}")
    return f'<div style="margin:8px 0;max-width:40em">{"".join(rows)}</div>'


def bars(hands: Hands) -> str:
    """A count as one line for each choice, by how it reads.

    >>> print(bars({"63": 5, "64": 10}))
    63  ###############                 5
    64  ##############################  10
    """
    column = max(width(choice) for choice in hands)
    longest = max(hands.values())
    lines = []
    for choice, count in hands.items():
        bar = "#" * round(BAR * count / longest)
        blanks = " " * (column - width(choice))
        lines.append(f"{choice}{blanks}  {bar:{BAR}}  {count}")
    return "\n".join(lines)
