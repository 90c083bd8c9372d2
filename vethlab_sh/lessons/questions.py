"""What does a lesson ask, and what does it say to an answer? The file of its questions, beside the lessons.

A lesson's cells name a question and hold nothing of it: neither the reason nor what is measured may be read before the
answer is given. `questions/2_bridge.toml` has them:

    [predict.ttl]
    ask = "Which TTL will the answer carry?"
    measure = "ip netns exec ns100 ping -c 1 192.168.1.101 | grep -o 'ttl=[0-9]*' | cut -d = -f 2"
    needs = ["ns100 can reach ns101"]      # claims that hold where this is asked: else the lab is somewhere else
    because = "A bridge is no router."     # why the kernel says so

    [predict.ttl.choices]                  # of each wrong one what would have to be true for it; none: a free answer
    62 = "Two routers on the way would make it so."
    64 = ""

    [predict.bytes.slips]                  # of a free answer: wrong ones that are near, each with the same
    36 = "36 it would be without the inner Ethernet header."

    [exercise.third]
    claims = ["ns102 can reach 192.168.1.100"]
    hints = ["The cells above did the same for ns101."]
    given = ["ip link set veth102 ___"]    # lines that the cell begins with: with gaps, or in another order
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import files
from ..drills.drill import Drill
from ..errors import UnknownName
from ..language import marked

UNITS = "bytes|byte|hops|hop|routes|route|devices|device|ports|port|ms|entries|entry"
WITH_UNIT = re.compile(rf"(-?\d+(?:\.\d+)?)\s*(?:{UNITS})")
GAP = "___"  # in a given line: a word for the learner to find
OTHER_END = re.compile(r"@(if\d+|[\w.-]+)$")  # behind a device's name `ip` writes its other end


@dataclass(frozen=True)
class Question:
    """What is asked before the kernel is.

    choices: what may be chosen, each with what to say to it when it is wrong; empty for a free answer; measure: a line
    that prints the answer and nothing else; needs: claims that hold where this is asked; because: why it is so; slips:
    wrong free answers that are near, each with what to say to it.
    """

    name: str
    ask: str
    choices: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""
    needs: tuple[str, ...] = ()
    because: str = ""
    slips: Mapping[str, str] = field(default_factory=dict)

    def feedback(self, answer: str) -> str:
        """What would have to be true for a wrong answer; empty where nothing is known about it."""
        for wrong, words in {**self.choices, **self.slips}.items():
            if means_the_same(answer, wrong):
                return words
        return ""


@dataclass(frozen=True)
class Task:
    """An exercise: claims that hold when it is done, and hints, each telling more than the one before; or a drill.

    given: lines that the learner begins with, in another order than they work in, or with gaps.
    """

    name: str
    claims: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    drill: Drill | None = None


@dataclass(frozen=True)
class Questions:
    """All that a lesson asks, by name and in its order."""

    questions: Mapping[str, Question] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)


class UnknownLesson(UnknownName):
    """There is no lesson of that name."""

    kind = marked("lesson")


def lessons() -> list[str]:
    """The names of the lessons, in their order: `0_start_here` …"""
    folder = files.lessons() / "solutions"
    return sorted(path.stem for path in folder.glob("*.ipynb"))


def read(lesson: str) -> Questions:
    """The questions of a lesson; UnknownLesson when there is no such lesson."""
    if lesson not in lessons():
        raise UnknownLesson(lesson, lessons())
    path = files.lessons() / "questions" / f"{lesson}.toml"
    if not path.exists():
        return Questions()
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    predictions = tables.get("predict", {})
    exercises = tables.get("exercise", {})
    questions = {name: _question(name, table) for name, table in predictions.items()}
    tasks = {name: _task(name, table) for name, table in exercises.items()}
    return Questions(questions, tasks)


def _question(name: str, table: Mapping[str, Any]) -> Question:
    return Question(
        name,
        table["ask"],
        table.get("choices", {}),
        table.get("measure", ""),
        tuple(table.get("needs", ())),
        table.get("because", ""),
        table.get("slips", {}),
    )


def _task(name: str, table: Mapping[str, Any]) -> Task:
    return Task(
        name,
        tuple(table.get("claims", ())),
        tuple(table.get("hints", ())),
        tuple(table.get("given", ())),
    )


def means_the_same(answer: str, truth: str) -> bool:
    """Whether an answer says what is true: letter case, blanks, a full stop, a unit, and `@if…` do not count.

    >>> means_the_same("148 Bytes.", "148"), means_the_same("veth1@if2", "veth1"), means_the_same("yes ", "Yes")
    (True, True, True)
    >>> means_the_same("14", "148"), means_the_same("", "148")
    (False, False)
    """
    return _plain(answer) == _plain(truth)


def _plain(text: str) -> str:
    words = " ".join(text.casefold().split()).rstrip(".")
    number = WITH_UNIT.fullmatch(words)
    if number:
        return number[1]
    return OTHER_END.sub("", words)
