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

A lesson that needs programs which not every machine has names, above all these, a scenario that needs the same:
`programs_of = "ovs"`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import files, scenarios
from ..drills.drill import Drill
from ..errors import UnknownName
from ..language import in_lesson, marked

UNITS = (
    "bytes|byte|hops|hop|routes|route|devices|device|ports|port|ms|entries|entry|"
    "mac addresses|mac address|addresses|address|macs|mac|字节|跳|条|个|个地址|个 mac 地址|毫秒"
)
WITH_UNIT = re.compile(rf"(-?\d+(?:\.\d+)?)\s*(?:{UNITS})")
GAP = "___"  # in a given line: a word for the learner to find
OTHER_END = re.compile(r"@(if\d+|[\w.-]+)$")  # behind a device's name `ip` writes its other end


@dataclass(frozen=True)
class Question:
    """What is asked before the kernel is.

    choices: what may be chosen, each with what to say to it when it is wrong; empty for a free answer; measure: a line
    that prints the answer and nothing else; needs: claims that hold where this is asked; because: why it is so; slips:
    wrong free answers that are near, each with what to say to it; labels: of choices that read otherwise in the
    language that is spoken. Choices and answers themselves are those of the lessons' files, in every language.
    """

    name: str
    ask: str
    choices: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""
    needs: tuple[str, ...] = ()
    because: str = ""
    slips: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def label(self, answer: str) -> str:
        """How an answer reads: a choice in the language that is spoken, anything else as it is."""
        return self.labels.get(answer, answer)

    def labelled(self) -> list[tuple[str, str]]:
        """The choices: how each reads, and what it is."""
        return [(self.label(choice), choice) for choice in self.choices]

    def meant(self, answer: str) -> str:
        """The choice of which somebody has typed the label; anything else as it is."""
        for label, choice in self.labelled():
            if answer.strip() == label:
                return choice
        return answer

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
    """All that a lesson asks, by name and in its order; programs_of: a scenario that needs the same programs."""

    questions: Mapping[str, Question] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    programs_of: str = ""

    def check_programs(self) -> None:
        """Raise ToolMissing, with the line that installs it, for a program that is missing here."""
        if self.programs_of:
            scenarios.check_programs(scenarios.load(self.programs_of))


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
    questions = {name: question(name, table, lesson) for name, table in predictions.items()}
    tasks = {name: _task(name, table) for name, table in exercises.items()}
    return Questions(questions, tasks, tables.get("programs_of", ""))


def question(name: str, table: Mapping[str, Any], file: str) -> Question:
    """A question as a table of a file has it, in the language that is spoken. file: `2_bridge`, or `quiz`."""
    choices = table.get("choices", {})
    place = context(file, name)
    return Question(
        name,
        in_lesson(table["ask"]),
        {choice: in_lesson(words) for choice, words in choices.items()},
        table.get("measure", ""),
        tuple(table.get("needs", ())),
        in_lesson(table.get("because", "")),
        {wrong: in_lesson(words) for wrong, words in table.get("slips", {}).items()},
        {choice: in_lesson(choice, place) for choice in choices},
    )


def context(file: str, name: str) -> str:
    """Where the choices of a question stand, for the catalogues: one `yes` is not said as another one is."""
    return f"{file}/{name}"


def _task(name: str, table: Mapping[str, Any]) -> Task:
    return Task(
        name,
        tuple(table.get("claims", ())),
        tuple(in_lesson(hint) for hint in table.get("hints", ())),
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
