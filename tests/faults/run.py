"""Who looks after a case? One process for each, which is ended with its whole group when it is silent for too long."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from .case import Case
from .fixes import Fix
from .lines import LIMIT
from .play import Answer, play, prove
from .score import FIXES, SCORES

SPAWN = multiprocessing.get_context("spawn")  # nothing of one case is in the process of the next


@dataclass
class Result:
    """A played case: its answers (None: not asked) and the lines that ended with an exit code other than 0."""

    case: Case
    walk: Answer | None = None
    check: Answer | None = None
    failed: list[str] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        """Those that were asked for."""
        return [answer for answer in (self.walk, self.check) if answer]

    @property
    def score(self) -> str:
        """The worse of the two."""
        scores = [answer.score for answer in self.answers]
        return max(scores, key=SCORES.index)

    @property
    def fix(self) -> str:
        """The worse of the two; empty where there was nothing to fix."""
        scores = [answer.fix for answer in self.answers if answer.fix]
        if not scores or self.case.ok is not False:
            return ""
        return max(scores, key=FIXES.index)

    @property
    def has_proof(self) -> bool:
        """Whether the answers say no, each with a typed cause and evidence."""
        return all(answer.ok is False and answer.proof for answer in self.answers)

    @property
    def names_netfilter(self) -> bool:
        """Whether every answer names family, table, chain, and rule or policy."""
        return all(answer.named == len(self.case.netfilter) for answer in self.answers)


class Silent(Exception):
    """The process of a case did not answer."""

    def __init__(self, score: str, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(score, text)


def run(case: Case) -> Result:
    """Play a case, and collect its answers."""
    result = Result(case)
    process, pipe = started(play, case)
    try:
        collect(result, pipe)
    except Silent as silent:
        if case.src and not result.walk:
            result.walk = silent.answer
        else:
            result.check = silent.answer
        end(process, 0)
    end(process, LIMIT)
    return result


def collect(result: Result, pipe: Connection) -> None:
    """Put what the process of a case sends into the result. Raises Silent."""
    case = result.case
    result.failed = received(pipe, "building the network")
    if case.src:
        result.walk = received(pipe, "walk")
    if case.claim:
        result.check = received(pipe, "check")
    with suppress(Silent):  # the answers stand; a fix that hangs has not helped
        fixes: dict[str, Fix] = received(pipe, "fixes", 3 * LIMIT)
        for answer in result.answers:
            answer.fixes = [fixes[text] for text in answer.offers]
        return
    for answer in result.answers:
        answer.fixes = [Fix(text, "fix-no-help", "nothing was heard after it") for text in answer.offers]


def proof(case: Case) -> str:
    """What the kernel says about a case: see `prove`."""
    process, pipe = started(prove, case)
    try:
        outcome: str = received(pipe, "proof", 2 * LIMIT)
    except Silent as silent:
        end(process, 0)
        return silent.answer.text
    end(process, LIMIT)
    return outcome


def started(work: Callable[[Case, Connection], None], case: Case) -> tuple[Any, Connection]:
    """A process that works on a case, and the end of its pipe that is ours."""
    pipe, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=work, args=(case, theirs))
    process.start()
    theirs.close()
    return process, pipe


def received(pipe: Connection, what: str, patience: float = LIMIT) -> Any:
    """The next thing that the process of a case sends. Raises Silent."""
    if not pipe.poll(patience):
        raise Silent("hang", f"{what}: nothing within {patience} s")
    try:
        return pipe.recv()
    except EOFError:
        raise Silent("crash", f"{what}: the process ended") from None


def end(process: Any, patience: float) -> None:
    """Wait for the process to end; end its group if it does not."""
    process.join(patience)
    if process.is_alive() and process.pid:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
