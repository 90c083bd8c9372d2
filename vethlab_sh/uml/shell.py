"""How do lines run in a guest? As in a sandbox, by a bash, which here is at the other end of a serial line."""

from __future__ import annotations

import contextlib
import os
import shlex
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence

from ..errors import NotReady
from ..language import tr
from ..shell import ANSWERS, FOLDER, PATIENCE, Bash, Ear, Opened, Shell, here
from .guest import STAYS_NOT, Guest, Line, write

ENDED = "ended "  # what the line's bash says, with the exit code, when what it has opened has ended


class ShellOfGuest(Shell):
    """Runs lines inside one guest."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest)
        self._guest = guest

    def interact(
        self, words: Sequence[str], environment: Mapping[str, str] | None = None, files: Sequence[int] = ()
    ) -> int:
        """A terminal of ours leads into no guest: raises NotReady."""
        raise NotReady(tr(STAYS_NOT))

    def _new_bash(self, environment: dict[str, str]) -> Bash:
        return BashOfGuest(self._guest, environment)

    def _opened(self, words: Sequence[str]) -> Opened:
        return OpenedInGuest(self._guest, self.environment(), words)


class BashOfGuest(Bash):
    """A bash that starts programs in the guest, each as a job of its own, and tells how they end."""

    def __init__(self, guest: Guest, environment: dict[str, str]) -> None:
        self.environment = environment
        self._pids = []
        self._guest = guest
        self._line = guest.take(environment)
        self._ear = Ear(os.dup(self._line.ours.fileno()))
        self._end = weakref.finalize(self, _leave, guest, self._line, self._ear)

    def _signal(self, number: int) -> None:
        self._guest.signal([-pid for pid in self._pids], number)

    def _ask(self, typed: str) -> str:
        # by a file: a terminal's buffer is small, and a look at a lab is a long line
        with self._guest.file() as text:
            write(text, typed)
            self._line.send(f". ./{text.name}\n")
            return str(self._ear.line())


class OpenedInGuest(Opened):
    """A program that stays: what we type reaches it through a pipe in the guest, which the line's bash fills."""

    def __init__(self, guest: Guest, environment: dict[str, str], words: Sequence[str]) -> None:
        self.file = guest.file
        self._guest = guest
        self._line = guest.take(environment)
        self._ear = Ear(os.dup(self._line.ours.fileno()))
        self._code: int | None = None
        with guest.file() as text:
            write(text, _opening(words, self._line.number))
            self._line.send(f". ./{text.name}\n")
            pid, pump = str(self._ear.line()).split()
        self.pid = int(pid)
        self._end = weakref.finalize(self, _end_of_typing, guest, self._line, self._ear, int(pump))

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._end.alive and self._code is None

    def type(self, text: str) -> None:
        """Type something, as on a keyboard. It is not waited for; raises EOFError when it has ended."""
        if not self.alive:
            raise EOFError("it has ended")
        self._line.send(text)

    def answer(self, timeout: float) -> str | None:
        """The next line that it answers; None when there was none for so many seconds. Raises EOFError at its end."""
        if self._code is not None:
            raise EOFError("it has ended")
        line = self._ear.line(timeout)
        if line is not None and line.startswith(ENDED):
            self._code = int(line.removeprefix(ENDED))
            self._ended()
            raise EOFError("it has ended")
        return line

    def number(self, pid: int) -> str:
        """The number that a process has in there: it is the one by which we know it."""
        return str(pid)

    def code(self) -> int:
        """The exit code with which it ended."""
        assert self._code is not None
        return self._code

    def _ended(self) -> None:
        self._end.detach()
        _leave(self._guest, self._line, self._ear)

    def _below(self, pid: int) -> list[int]:
        return self._guest.below(pid)

    def _signal(self, pids: Iterable[int], number: int) -> None:
        self._guest.signal(pids, number)


def _opening(words: Sequence[str], number: int) -> str:
    """What the bash of a line does: open a program, hand on to it what is typed, and tell its end."""
    line, pipe = f"/dev/ttyS{number}", f"/run/.keys-{number}"
    given = f"<{pipe} {FOLDER}<. {ANSWERS}>{line} >/dev/null 2>&1"
    return (
        f"mkfifo {pipe}\ncat <{line} >{pipe} &\npump=$!\n"
        f"set -m\n({here()}; exec {shlex.join(words)}) {given} &\nset +m\n"
        f"echo $! $pump\nwait $!; code=$?\n"
        f"kill $pump\nwait $pump\nrm {pipe}\necho {ENDED}$code\n"
    )


def _leave(guest: Guest, line: Line, ear: Ear) -> None:
    ear.file.close()
    with contextlib.suppress(OSError):
        guest.give_back(line)


def _end_of_typing(guest: Guest, line: Line, ear: Ear, pump: int) -> None:
    """Let a program read the end of what is typed; where it does not end by that, the line stays its own."""
    with contextlib.suppress(OSError, EOFError):
        guest.signal([pump], 15)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            said = ear.line(PATIENCE)
            if said is not None and said.startswith(ENDED):
                _leave(guest, line, ear)
                return
    ear.file.close()
