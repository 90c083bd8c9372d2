"""What becomes of the three standard streams when nobody reads or writes them? Whatever it is, a sentence tells it."""

from __future__ import annotations

import io
import os
import signal
import sys

STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def prepare_streams() -> None:
    """Make the three standard streams such that whatever becomes of them is told in a sentence."""
    if hasattr(signal, "SIGPIPE"):  # `demo bridge | head -3` ends us quietly, like any program
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for number, name, mode in STREAMS:
        if getattr(sys, name) is None:
            opened = _opened(number, mode)
            setattr(sys, name, opened)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a console without, say, the sign × shows a ? there
        sys.stdout.reconfigure(errors="replace")


def _opened(number: int, mode: str) -> io.TextIOWrapper:
    """A stream where one was closed (`<&-`): its number would be given to the next file that is opened.

    Nothing can be written to what is open for reading, so a closed standard output fails as it should.
    """
    access = os.O_WRONLY if number == 2 else os.O_RDONLY
    nothing = os.open(os.devnull, access)
    os.dup2(nothing, number)
    raw = io.FileIO(number, mode, closefd=False)
    return io.TextIOWrapper(raw, "utf-8")


def say(sentence: str, code: int) -> int:
    """Write a sentence to standard error; return the exit code that goes with it."""
    try:
        print(f"vethlab_sh: {sentence}", file=sys.stderr, flush=True)
    except OSError:  # a standard error that takes nothing does not change what the code says
        nowhere(2)
    return code


def nowhere(number: int) -> None:
    """Let a stream that takes nothing more lead nowhere: what is still buffered would fail once more at exit."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
