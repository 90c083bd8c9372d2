"""How is a file read that a stranger may have made, in a lab say? Never followed, never waited for, never without end.

Where a path leads is in the power of who owns what is on it: a link leads out of the lab, a FIFO waits for a writer, a
device has no end, and a file system of one's own (fuse(4)) does not answer at all. So such a file is opened here only.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..errors import GaveUpWaiting
from ..language import tr

T = TypeVar("T")
MOST = 2**20  # bytes of a file; what we write ourselves is far smaller
FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def regular(file: str | Path, most: int = MOST) -> bytes:
    """The first bytes of a regular file, at most so many. Raises OSError when it is anything else, or not there."""
    descriptor = os.open(file, FLAGS)
    with os.fdopen(descriptor, "rb") as opened:
        check_regular(descriptor, file)
        return opened.read(most)


def check_regular(descriptor: int, file: str | Path) -> None:
    """Raise OSError when what is open is no regular file."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(tr("{file} is no regular file", file=file))


def patiently(ask: Callable[[], T], seconds: float, fact: str) -> T:
    """What a question to the kernel answers. Raises GaveUpWaiting (until `fact`) when it does not answer in time.

    Even of a process not every file under /proc answers: its command line is read from its own memory, which may be
    mapped from a file system that keeps silent. The thread that asked then waits on, and ends with Python.
    """
    answers: list[T] = []
    errors: list[OSError] = []

    def wait() -> None:
        try:
            answers.append(ask())
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise GaveUpWaiting(fact, seconds)
    return answers[0]
