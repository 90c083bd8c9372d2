"""What did one line say when it ran in the sandbox?

The only module that imports `sh`. A plain line goes straight to its program; a line with pipes, quotes,
redirections or `$(...)` goes through `bash -c`; both run inside the sandbox, and both leave a record.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from .errors import BadName, CommandFailed, NotReady
from .hints import hint_for
from .sandbox import HOSTNAME, Outside, Sandbox, check_linux, find, search_path
from .tables import frames, rows

if TYPE_CHECKING:
    from pandas import DataFrame

try:
    import sh
except ImportError:  # sh refuses Windows; what only reads records, as a replay does, goes on without it
    sh = None  # type: ignore[assignment]

PLAIN = re.compile(r"[\w@%+:,./ \t-]+", re.ASCII)
FORKER_CANNOT_KILL = "unshare: sigprocmask unblock failed: Invalid argument\n"
OF_THE_SHELL = set(";&|<>()$`\\\"'*?[]{}!#~^")
NAME_LIMIT = 15  # IFNAMSIZ is 16 bytes, the last of them a zero: include/uapi/linux/if.h


@dataclass(frozen=True)
class Ran:
    """One command as the learner would type it, where it ran, and what came back.

    Attributes: line; at (machine: `master` or the name of a namespace); out and err (text as printed);
    code (exit code, 128 + N when signal N ended it, as bash tells it); seconds (wall clock).
    """

    line: str
    at: str
    out: str
    err: str
    code: int
    seconds: float

    @property
    def hint(self) -> str:
        """What to try when it failed; empty when nothing is known."""
        return hint_for(self.line, self.code, self.err + self.out) if self.code else ""

    @property
    def prompt(self) -> str:
        """`[root@master ~]# `"""
        return f"[root@{self.at} ~]# "

    @property
    def rows(self) -> dict[str, list[dict[str, object]]]:
        """What was printed, as rows by name of table; empty for a command without a parser."""
        return rows(self.line, self.out)

    @property
    def tables(self) -> dict[str, DataFrame]:
        """What was printed, as DataFrames by name (ping has two: its replies and its statistics)."""
        return frames(self.line, self.out)

    @property
    def table(self) -> DataFrame | None:
        """The first table of what was printed; None for a command without a parser."""
        return next(iter(self.tables.values()), None)

    def __str__(self) -> str:
        return f"{self.prompt}{self.line}\n{self.out}{self.err}".rstrip("\n")


def check_name(name: str, what: str = "a network namespace") -> str:
    """The name itself, when the kernel and `ip` would take it; else BadName with the rule.

    The rule for devices is the kernel's dev_valid_name(); ours adds the leading dash, which `ip` would read as an
    option, and a shell's signs, and holds namespaces to the same rule, so that one rule is to be learned.
    """
    size = len(os.fsencode(name))
    rules = (
        (not name, "it is empty"),
        (size > NAME_LIMIT, f"a name has at most {NAME_LIMIT} bytes, this one has {size}"),
        ("/" in name or ":" in name, "a name holds no slash and no colon"),
        (any(c.isspace() or not c.isprintable() for c in name), "a name holds no space and no control character"),
        (
            bool(OF_THE_SHELL & set(name)),
            f"a name holds none of the shell's own signs ({' '.join(sorted(OF_THE_SHELL))})",
        ),
        (name.startswith("-"), "a leading dash would be read as an option"),
        (name in (".", ".."), "this is a folder, not a name"),
    )
    for broken, rule in rules:
        if broken:
            raise BadName(name, f"{rule} ({what})")
    return name


class Shell:
    """Runs lines inside one sandbox; with Outside, on the machine itself, which only `inspect` does, to ask."""

    def __init__(self, sandbox: Sandbox | Outside) -> None:
        check_linux()
        if sh is None:
            raise NotReady("The Python package `sh` is not installed. `make setup` installs it.")
        self._sandbox = sandbox
        # After setns only *children* are in the sandbox's process numbers: unshare, given no namespace
        # to make, is a forker of 40 kB that does that and passes the exit status on.
        self._forker = sh.Command(str(find("unshare"))).bake("--fork", "--")

    def run(
        self,
        line: str,
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> Ran:
        """Run one line as typed and return its record.

        line: what a learner would type; at: the machine, `master` or a namespace that plays one;
        expect: exit codes that belong to the story (None: any); timeout: seconds, after which the
        command is ended as by Ctrl-C. Raises CommandFailed for other exit codes.
        """
        words = self._words(line)
        if at != HOSTNAME:
            words = ["ip", "netns", "exec", check_name(at), *words]
        ran = self._record(line, at, words, timeout)
        if expect is not None and ran.code not in expect:
            raise CommandFailed(ran, hint_for(line, ran.code, ran.err + ran.out))
        return ran

    def interact(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Run a program in the sandbox on the caller's own terminal, or files; return its exit code.

        Ctrl-C is the program's. Raises LabClosed when the lab is gone, before or meanwhile.
        """
        self._sandbox.check_alive()
        with _terminal_given():
            try:
                ended = subprocess.run(
                    [str(find("unshare")), "--fork", "--", *words],
                    env=_environment() | dict(environment or {}),
                    preexec_fn=self._sandbox.enter,
                )
            except (OSError, subprocess.SubprocessError):
                self._sandbox.check_alive()  # it went just now
                raise
        self._sandbox.check_alive()
        return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode

    def _words(self, line: str) -> list[str]:
        words = line.split()
        if PLAIN.fullmatch(line) and words and find(words[0]) and "=" not in words[0]:
            return words
        return ["bash", "-c", line]

    def _record(self, line: str, at: str, words: list[str], timeout: float | None) -> Ran:
        self._sandbox.check_alive()
        # Files in memory instead of pipes: a program left in the background does not hold up the record.
        with os.fdopen(os.memfd_create("out"), "rb") as out, os.fdopen(os.memfd_create("err"), "rb") as err:
            start = time.perf_counter()
            code = self._execute(words, out, err, timeout)
            seconds = time.perf_counter() - start
            said = [os.pread(f.fileno(), os.fstat(f.fileno()).st_size, 0) for f in (out, err)]
        text = [s.decode("utf-8", errors="replace") for s in said]
        if code == 1 and text[1].endswith(FORKER_CANNOT_KILL):  # it ends by its child's signal, and cannot by SIGKILL
            code, text[1] = 128 + signal.SIGKILL, text[1].removesuffix(FORKER_CANNOT_KILL)
        return Ran(line, at, text[0], text[1], code, seconds)

    def _execute(self, words: list[str], out: IO[bytes], err: IO[bytes], timeout: float | None) -> int:
        with open(os.devnull, "rb") as nothing, _interrupted_later() as interrupted:
            try:
                process = self._forker(
                    *words,
                    _in=nothing, _out=out, _err=err, _env=_environment(), _preexec_fn=self._sandbox.enter,
                    _tty_out=False, _close_fds=False, _new_session=True, _bg=True, _bg_exc=False,
                )  # fmt: skip
            except sh.ForkException:
                self._sandbox.check_alive()  # it went just now
                raise
        watch = threading.Timer(timeout, _signal, (process, signal.SIGINT)) if timeout else None
        try:
            if interrupted:
                raise KeyboardInterrupt
            if watch:
                watch.start()
            process.wait()
            return 0
        except sh.ErrorReturnCode as ended:
            return ended.exit_code if ended.exit_code >= 0 else 128 - ended.exit_code
        except BaseException:  # Ctrl-C, above all: stop the command, keep the lab
            _stop(process)
            raise
        finally:
            if watch:
                watch.cancel()


@contextlib.contextmanager
def _interrupted_later() -> Iterator[list[int]]:
    """Note Ctrl-C in a list instead of raising it.

    Raised while `sh` starts a process it would leave us without a handle on that process, and Python
    would wait for it at exit. Only the main thread gets Ctrl-C, and only it may ask for this.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _terminal_given() -> Iterator[None]:
    """While a program has our terminal: Ctrl-C is not ours, and what it leaves of the terminal is put right again.

    A shell in there cannot give the terminal back, since our process group has no number in there; and one that is
    killed leaves the terminal as its line editor wanted it.
    """
    import termios  # which not every system has

    before = signal.signal(signal.SIGINT, lambda number, frame: None)  # which a new program does not inherit
    ours = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    as_it_was = termios.tcgetattr(0) if ours else None
    try:
        yield
    finally:
        if as_it_was:
            background = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            with contextlib.suppress(OSError, termios.error):  # the terminal was closed
                os.tcsetpgrp(0, os.getpgrp())
                termios.tcsetattr(0, termios.TCSADRAIN, as_it_was)
            signal.signal(signal.SIGTTOU, background)
        signal.signal(signal.SIGINT, before)


def _environment() -> dict[str, str]:
    """The caller's environment, in English (parsers read it) and with the system folders on PATH."""
    ours = {"PATH": search_path(), "LC_ALL": "C", "LANGUAGE": "C"}
    return {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LANGUAGE", "BASH_ENV", "ENV")} | ours


def _signal(process: sh.RunningCommand, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _stop(process: sh.RunningCommand) -> None:
    """End a command as Ctrl-C would (ping then prints its statistics), and firmly if that is not enough."""
    firmly = threading.Timer(1.0, _signal, (process, signal.SIGKILL))
    _signal(process, signal.SIGINT)
    firmly.start()
    with contextlib.suppress(sh.ErrorReturnCode, ChildProcessError):  # interrupted when it had just been waited for
        process.wait()
    firmly.cancel()
