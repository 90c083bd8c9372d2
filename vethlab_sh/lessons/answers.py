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
        path = _path(self.lesson)
        half = path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # a folder of somebody else: what is in memory does
            path.parent.mkdir(exist_ok=True)
            half.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")
            half.replace(path)


def read(lesson: str) -> Answers:
    """What was answered in a lesson so far; nothing when there is no file, or one that is not ours."""
    if os.environ.get("NBGRADER_EXECUTION"):  # there everybody begins alike
        return Answers(lesson)
    try:
        kept = json.loads(_path(lesson).read_text(encoding="utf-8"))
        answers = {name: Answer(**answer) for name, answer in kept["answers"].items()}
        return Answers(lesson, answers, dict(kept["done"]), dict(kept["hints"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Answers(lesson)


def _path(lesson: str) -> Path:
    folder = os.environ.get(ELSEWHERE) or FOLDER
    return Path(folder) / f"{lesson}.json"
