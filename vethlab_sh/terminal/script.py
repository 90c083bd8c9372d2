"""How are a file's lines played? One by one, as typed: each is shown, with what it prints, as that comes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import BadInput
from ..lab import Lab, Session
from ..language import enumerated, plural, sentences, tr
from ..record import Ran, prompt_of
from .lines import read
from .page import Page, Stream
from .streams import say_aside


def play(lab: Lab, file: Path, keep_going: bool = False) -> int:
    """Run the commands of a file of bash in a lab, and tell each; return how many failed.

    What one sets, a variable or its folder, holds for those below. keep_going: whether those below one that failed
    run, too. Raises BadInput when it is no text.
    """
    text = file.read_text(encoding="utf-8", errors="surrogateescape")  # to bash words are bytes, and a name may be odd
    if "\0" in text:
        raise BadInput(tr("{file} is no text.", file=file))
    typed = read(text)
    for remark in typed.remarks:
        say_aside(remark)
    session = lab.session(script=str(file))
    failed = []
    number_of: dict[int, int] = {}  # by record

    def of(ran: Ran) -> str:
        return tr("(From line {number}, in the background:)", number=number_of[id(ran)])

    for place, command in enumerate(typed.commands):
        depth = session.depth
        ran, interrupted = _tell(session, command.text, of)
        number_of[id(ran)] = command.number
        below = len(typed.commands) - place - 1
        is_left = session.open and session.depth < depth  # by `exit`, whose code is that of a line told above
        if (ran.code != 0 and not is_left) or interrupted:
            failed.append(command.number)
            say_aside(_failure(ran, interrupted, tr("{file}, line {number}", file=file, number=command.number)))
        if below and _is_the_end(session, ran.code, failed, keep_going):
            say_aside(_left(below, failed, keep_going))
            break
    _tell_late(session, of)
    for ran in session.talking:
        number = number_of[id(ran)]
        say_aside(tr("Line {number} goes on in the background. What it says from now on is not shown.", number=number))
    session.close()
    if len(failed) > 1:
        numbers = enumerated(map(str, failed))
        say_aside(
            tr(
                "{failed} of {all} commands failed: lines {numbers}.",
                failed=len(failed),
                all=len(typed.commands),
                numbers=numbers,
            )
        )
    return len(failed)


def type_all(lab: Lab, commands: Iterable[str]) -> int:
    """Run commands one after the other, where each leaves the next; return the last one's exit code."""
    session = lab.session()
    code = 0
    for command in commands:
        ran, interrupted = _tell(session, command, whose)
        code = ran.code
        if interrupted or not session.open:
            break
    _tell_late(session, whose)
    return code


def whose(ran: Ran) -> str:
    """What stands above what a line says later, from the background."""
    return tr("(From `{line}`, in the background:)", line=ran.line.strip().partition("\n")[0])


def _is_the_end(session: Session, code: int, failed: list[int], keep_going: bool) -> bool:
    """Whether no further line is to run: one has failed, or the script has ended itself."""
    if not session.open and code == 0:
        return True
    return bool(failed) and not keep_going


def _tell(session: Session, command: str, of: Callable[[Ran], str]) -> tuple[Ran, bool]:
    """Run a command and show it; return its record, and whether it was stopped by Ctrl-C.

    of: what stands above what another line says meanwhile, from the background.
    """
    page = Page.of(sys.stdout)
    print(page.typed(prompt_of(session.at), command), flush=True)
    stream = Stream(sys.stdout)
    with contextlib.ExitStack() as shown:
        shown.callback(stream.end)
        try:
            return session.run(command, watch=stream, late=stream.late(of)), False
        except KeyboardInterrupt as stopped:
            if not stopped.args:
                raise
            (ran,) = stopped.args
            return ran, True


def _tell_late(session: Session, of: Callable[[Ran], str]) -> None:
    """Show what lines have said from the background since the last one ended."""
    stream = Stream(sys.stdout)
    session.hear(stream.late(of))
    stream.end()


def _failure(ran: Ran, interrupted: bool, place: str) -> str:
    if interrupted:
        return tr("{place}: stopped by Ctrl-C.", place=place)
    sentence = tr("{place}: exit code {code}.", place=place, code=ran.code)
    return sentences(sentence, ran.hint)


def _left(below: int, failed: list[int], keep_going: bool) -> str:
    """What is said of the commands that did not run."""
    sentence = plural("The command below it did not run.", "The {count} commands below it did not run.", below)
    if failed and not keep_going:
        return sentences(sentence, tr("`--keep-going` runs them all the same."))
    return sentence
