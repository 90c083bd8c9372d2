"""What becomes of the three standard streams when nobody reads or writes them? Whatever it is, a sentence tells it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO, cast

from .. import markup
from ..errors import OtherPlace
from .page import INKS

KEPT = "\n\t"
STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


class NobodyReads(BaseException):
    """Who read what we print has gone, as `head` does: the verb ends at once, and its labs with it.

    Not by SIGPIPE, which would also end us where we type to a shell that has just died. And no OSError: whoever expects
    one expects it of a file.
    """


def prepare_streams() -> None:
    """Make the three standard streams such that whatever becomes of them is told in a sentence."""
    for number, name, mode in STREAMS:
        if getattr(sys, name) is None:
            opened = _opened(number, mode)
            setattr(sys, name, opened)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a console without, say, the sign × shows a ? there
        sys.stdout.reconfigure(errors="replace")
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


class Guarded:
    """A stream to which everything is written as a terminal may show it, whoever has made up the text.

    Names of devices, processes, files and learners, what a command has said, an argument in an error: all of it may
    hold what a terminal obeys. Here it passes, from wherever it comes. below: the stream itself, for what is ours;
    number: its descriptor. Raises NobodyReads when standard output has no reader any more; errors are then just lost.
    """

    def __init__(self, below: TextIO, number: int) -> None:
        self.below = below
        self.number = number

    def write(self, text: str) -> int:
        """Write a text, in which only line ends, tabs and, on a terminal, our own colours are obeyed."""
        if self.below.isatty():
            pieces = INKS.split(text)
            inks = [*INKS.findall(text), ""]
            shown = "".join(markup.printable(piece, keep=KEPT) + ink for piece, ink in zip(pieces, inks, strict=True))
        else:
            shown = markup.printable(text, keep=KEPT)
        with self._reader_may_be_gone():
            self.below.write(shown)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._reader_may_be_gone():
            self.below.flush()

    @contextlib.contextmanager
    def _reader_may_be_gone(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            nowhere(self.number)
            if self.number == 1:
                raise NobodyReads from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)


def _guarded(stream: TextIO, number: int) -> TextIO:
    if isinstance(stream, Guarded):
        return stream
    return cast(TextIO, Guarded(stream, number))


def _opened(number: int, mode: str) -> io.TextIOWrapper:
    """A stream where one was closed (`<&-`): its number would be given to the next file that is opened.

    Nothing can be written to what is open for reading, so a closed standard output fails as it should.
    """
    access = os.O_WRONLY if number == 2 else os.O_RDONLY
    nothing = os.open(os.devnull, access)
    os.dup2(nothing, number)
    raw = io.FileIO(number, mode, closefd=False)
    return io.TextIOWrapper(raw, "utf-8")


@contextlib.contextmanager
def warnings_said() -> Iterator[None]:
    """While a verb runs, our own warnings are sentences on standard error, each told once."""
    usual = warnings.showwarning
    heard: set[str] = set()

    def tell(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not issubclass(category, OtherPlace):
            usual(message, category, filename, lineno, file, line)
        elif str(message) not in heard:
            heard.add(str(message))
            say(str(message), 0)

    with warnings.catch_warnings():
        if OtherPlace not in [kind for action, _, kind, *_ in warnings.filters if action == "error"]:
            warnings.filterwarnings("always", category=OtherPlace)
        warnings.showwarning = tell
        yield


def say(sentence: str, code: int) -> int:
    """Write a sentence to standard error; return the exit code that goes with it."""
    try:
        print(f"vethlab_sh: {sentence}", file=sys.stderr, flush=True)
    except OSError:  # a standard error that takes nothing does not change what the code says
        nowhere(2)
    return code


def say_aside(sentence: str) -> None:
    """Write a sentence to standard error, if it says anything; what goes on is not changed by it."""
    if sentence:
        say(sentence, 0)


def nowhere(number: int) -> None:
    """Let a stream that takes nothing more lead nowhere: what is still buffered would fail once more at exit."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
