"""How does a challenge go? Random drills one after the other, a prompt in each, and in the end a score."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..lab import Lab
from ..language import marked, plural, sentences, tr
from ..record import prompt_of
from .arguments import ME
from .page import Page, Stream

if TYPE_CHECKING:
    from ..drills.drill import Drill
    from ..lab import Session

WORDS = marked("Lines run in the lab. `check` asks whether it is mended, `give-up` goes on, Ctrl-D ends it all.")


@dataclass(frozen=True)
class Result:
    """What became of one drill: whether it was mended, in how many seconds, with how many lines."""

    is_mended: bool
    seconds: float
    lines: int


def challenge(count: int, seed: str) -> int:
    """Play as many drills, drawn by the seed; returns the exit code: 0 when all were mended."""
    from .. import drills

    names = drills.playable()
    if not 1 <= count <= len(names):
        raise BadInput(tr("A challenge has 1 to {most} drills, not {count}.", most=len(names), count=count))
    page = Page.of(sys.stdout)
    print(page.prose(tr(WORDS)) + "\n")
    results = []
    try:
        for number, name in enumerate(Random(seed).sample(names, count), 1):
            results.append(_play(page, name, seed, tr("{number} of {count}", number=number, count=count)))
    except EOFError:  # nobody types any more
        print()
    print(page.prose(_score(results, count, seed)))
    mended = [result for result in results if result.is_mended]
    return 0 if len(mended) == count else 1


def _play(page: Page, name: str, seed: str, title: str) -> Result:
    """One drill, from its ticket to its explanation; EOFError when nobody types any more."""
    with Lab() as lab:
        drill = lab.drill(name, seed)
        print(page.chapter(title, page.prose(drill.ticket)) + "\n")
        begun = time.monotonic()
        is_mended = _mend(page, drill, lab.session())
        result = Result(is_mended, time.monotonic() - begun, len(drill.typed))
        repair = min(drill.fault.repairs, key=len)
        end = drill.debriefing() if is_mended else drill.give_up()
        print("\n" + page.prose(end.summary) + "\n")
        print(
            page.prose(
                tr(
                    "{told} The shortest repair that is documented has {lines}:",
                    told=_told(result),
                    lines=_lines(len(repair)),
                )
            )
        )
        for line in repair:
            print(f"  {line}")
        print()
    return result


def _mend(page: Page, drill: Drill, session: Session) -> bool:
    """Run what is typed until it is mended, or given up."""
    while True:
        try:
            line = input(prompt_of(session.at)).strip()
        except KeyboardInterrupt:  # as in a shell: the line is dropped
            print()
            continue
        if line == "give-up":
            return False
        if line == "check":
            verdict = drill.check(reason=False)  # the cause is for the learner to find
            print(page.prose(verdict.sentence))
            if verdict:
                return True
        elif line:
            _run(session, line)


def _run(session: Session, line: str) -> None:
    """Run a line, and show what it prints as it comes."""
    stream = Stream(sys.stdout)
    try:
        ran = session.run(line, watch=stream)
    except KeyboardInterrupt:  # the line is stopped, the lab is still there
        stream.end()
        return
    stream.end()
    if ran.hint:
        print(f"({ran.hint})")


# --- how it reads -------------------------------------------------------------------------------------------------


def _told(result: Result) -> str:
    clock = _clock(result.seconds)
    lines = _lines(result.lines)
    if result.is_mended:
        return tr("Mended after {clock} and {lines}, looks among them.", clock=clock, lines=lines)
    return tr("Given up after {clock} and {lines}, looks among them.", clock=clock, lines=lines)


def _score(results: list[Result], count: int, seed: str) -> str:
    """How many were mended, in which time, and how the same is played again."""
    mended = [result for result in results if result.is_mended]
    seconds = sum(result.seconds for result in results)
    lines = sum(result.lines for result in results)
    again = tr("`{me} drill challenge --count {count} --seed {seed}` plays the same.", me=ME, count=count, seed=seed)
    result = tr(
        "{mended} of {count} mended, in {clock}, with {lines}.",
        mended=len(mended),
        count=count,
        clock=_clock(seconds),
        lines=_lines(lines),
    )
    return sentences(result, again)


def _lines(count: int) -> str:
    return plural("{count} line", "{count} lines", count)


def _clock(seconds: float) -> str:
    """A time as a person tells it.

    >>> _clock(9.7), _clock(72)
    ('9 s', '1 min 12 s')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
