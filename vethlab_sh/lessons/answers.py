"""What has a learner answered, and how far is each lesson? A file for each lesson, in the folder of its notebook.

It stays on the learner's machine. Where the folder cannot be written, answers last as long as the notebook's kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = ".answers"  # beside the notebook; git ignores it
ELSEWHERE = "VETHLAB_ANSWERS"  # another folder for it


@dataclass
class Answer:
    """text: as chosen or typed; final: it was called the answer; right: whether it was, once the kernel has told."""

    text: str = ""
    final: bool = False
    right: bool | None = None


@dataclass
class Answers:
    """What was answered in one lesson. done: of an exercise, `done`, or `shown` when it was not the learner."""

    lesson: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)

    def of(self, question: str) -> Answer:
        """The answer to a question, empty as long as there is none."""
        return self.answers.setdefault(question, Answer())

    def save(self) -> None:
        """Keep it in the file, whole or not at all."""
        if not self.lesson or os.environ.get("NBGRADER_EXECUTION"):
            return
        with contextlib.suppress(OSError):  # a folder of somebody else: what is in memory does
            write(path(self.lesson), json.dumps(asdict(self), indent=1, ensure_ascii=False))


def write(file: Path, text: str) -> None:
    """Write a file of answers, whole or not at all."""
    half = file.with_suffix(f".{os.getpid()}")
    file.parent.mkdir(exist_ok=True)
    half.write_text(text, encoding="utf-8")
    half.replace(file)


def read(lesson: str, beside: Path = Path()) -> Answers:
    """What was answered in a lesson so far; nothing when there is no file, or one that is not ours.

    beside: the folder of the notebooks, unless it is the one we are in.
    """
    if os.environ.get("NBGRADER_EXECUTION"):  # there everybody begins alike
        return Answers(lesson)
    try:
        kept = json.loads(path(lesson, beside).read_text(encoding="utf-8"))
        answers = {name: Answer(**answer) for name, answer in kept["answers"].items()}
        return Answers(lesson, answers, dict(kept["done"]), dict(kept["hints"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Answers(lesson)


def path(lesson: str, beside: Path = Path()) -> Path:
    """The file of a lesson's answers."""
    elsewhere = os.environ.get(ELSEWHERE)
    folder = Path(elsewhere) if elsewhere else beside / FOLDER
    return folder / f"{lesson}.json"
