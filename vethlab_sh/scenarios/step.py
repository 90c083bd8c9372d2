"""What is a scenario made of? Of steps, each a reason and the lines that a learner would type.

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
    afterwards; tables: names of those that teach something here (for ping: its replies or its statistics);
    at: the machine that the lines are typed on; expect: exit codes that belong to the story; instead: the step in its
    place on a machine that has no brctl.
    """

    why: str
    lines: tuple[str, ...]
    look: str = ""
    tables: tuple[str, ...] = ()
    at: str = HOSTNAME
    expect: Collection[int] = (0,)
    instead: Step | None = None


@dataclass(frozen=True)
class Scenario:
    """A lesson as data.

    name; title: one line for lists; intro: what it is about; steps; known: what is known at the end, when every
    ping was answered; walks: from which namespace to which a packet is followed when it is recorded; namespaces: how
    many it makes, when they are so many that one waits; programs: those that not every machine has, without which it
    cannot be played; kinds: those of tunnels that not every kernel has, the same.
    """

    name: str
    title: str
    intro: str
    steps: tuple[Step, ...]
    known: str
    walks: tuple[tuple[str, str], ...] = ()
    namespaces: int = 0
    programs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def changes_settings(self) -> bool:
        """Whether it changes settings of networks, which a container may forbid."""
        for step in self.steps:
            for line in step.lines:
                if "sysctl" in line.split():
                    return True
        return False


def step(
    why: str,
    *lines: str,
    look: str = "",
    table: str | tuple[str, ...] = (),
    at: str = HOSTNAME,
    expect: Collection[int] = (0,),
    instead: Step | None = None,
) -> Step:
    """A Step, its lines given one after the other, and one table by its name alone."""
    tables = (table,) if isinstance(table, str) else table
    return Step(why, lines, look=look, tables=tables, at=at, expect=expect, instead=instead)
