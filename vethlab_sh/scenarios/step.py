"""What is a scenario made of?

Data only: a scenario is a list of steps, a step is a reason and the lines that a learner would type.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..sandbox import HOSTNAME


@dataclass(frozen=True)
class Step:
    """One idea of a lesson.

    why: one or two sentences, read before the lines; lines: commands, as typed; look: what to notice
    afterwards; table: whether the last line's table teaches something (for ping: its statistics);
    at: the machine that the lines are typed on; expect: exit codes that belong to the story.
    """

    why: str
    lines: tuple[str, ...]
    look: str = ""
    table: str = ""
    at: str = HOSTNAME
    expect: Collection[int] = (0,)


@dataclass(frozen=True)
class Scenario:
    """A lesson as data.

    name; title: one line for lists; intro: what it is about; steps; known: the sentence that is
    known at the end, when every ping was answered.
    """

    name: str
    title: str
    intro: str
    steps: tuple[Step, ...]
    known: str


def step(
    why: str, *lines: str, look: str = "", table: str = "", at: str = HOSTNAME, expect: Collection[int] = (0,)
) -> Step:
    """A Step, its lines given one after the other."""
    return Step(why, lines, look=look, table=table, at=at, expect=expect)
