"""What did one line say when it ran in the sandbox? A record: the line, where it ran, and what came back.

The only module that imports `sh`. A plain line goes straight to its program; a line with pipes, quotes,
redirections or `$(...)` goes through `bash -c`; both run inside the sandbox, and both leave a record.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from .errors import BadInput, NotReady
from .files import install
from .inside import check_name, way_into
from .language import marked, tr
from .record import Ran
from .sandbox import HOSTNAME, File, check_linux, find, folder, search_path

try:
    import sh
except ImportError:  # sh refuses Windows; what only reads records, as a replay does, goes on without it
    sh = None  # type: ignore[assignment]

PLAIN = re.compile(r"[\w@%+:,./ \t-]+", re.ASCII)
STARVED = marked("The machine may be out of processes, descriptors or memory.")
PATIENCE = 1.0  # seconds for a command to end after Ctrl-C
FOLDER, ANSWERS = 198, 199  # descriptors that a program which stays is given; no script is known to use them


@dataclass(frozen=True)
class Job:
    """A program to start in a sandbox: its words, and where in there its output and its errors go."""

    words: Sequence[str]
    out: str
    err: str


@dataclass(frozen=True)
class Output:
    """The two files that a program writes its output and its errors to."""

    out: File
    err: File


@dataclass(frozen=True)
class End:
    """How a program ended: its exit code, and how many seconds after the start that was."""

    code: int
    seconds: float


class Place(Protocol):
    """Where lines run: a `Sandbox`, `Outside` of any, or a guest (`uml.guest`)."""

    @property
    def programs(self) -> Sequence[Path]:
        """The folders of our own programs that lines find before the machine's."""

    def check_alive(self) -> None:
        """Raise LabClosed when it is there no more."""

    def enter(self) -> None:
        """Move the calling process in; for a forked child."""

    def host(self) -> None:
        """As `enter`, for a program that starts others there: it is then where `file` makes its files."""

    def file(self) -> contextlib.AbstractContextManager[File]:
        """A new file that programs in there write."""


class Shell:
    """Runs lines inside one sandbox; with Outside, on the machine itself, which only `inspect` does, to ask.

    One bash, told by us what to run, starts them all; while it is busy, another thread's line gets one of its own.
    """

    def __init__(self, sandbox: Place) -> None:
        check_linux()
        if sh is None:
            raise NotReady(
                tr(
                    "The Python package `sh` is not installed. The command that installs it: {install}",
                    install=install("all"),
                )
            )
        self._sandbox = sandbox
        self._idle: list[Bash] = []

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
        return self.run_together([line], at, expect, timeout)[0]

    def run_together(
        self,
        lines: Sequence[str],
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> list[Ran]:
        """Run lines that do not depend on each other at the same time; return their records, in order.

        Arguments as for `run`, the same for every line. `seconds` counts until this line and those before it had ended.
        Raises CommandFailed, when all have, for the first one that ended with another exit code.
        """
        commands = [self._words(line, at) for line in lines]
        with _starving(self._sandbox):
            self._sandbox.check_alive()
            records = self._records(lines, at, commands, timeout)
        for ran in records:
            ran.expected(expect)
        return records

    def interact(
        self, words: Sequence[str], environment: Mapping[str, str] | None = None, files: Sequence[int] = ()
    ) -> int:
        """Run a program in the sandbox on the caller's own terminal, or files; return its exit code.

        environment: more of it; files: further descriptors that it is given, under their numbers.
        Ctrl-C is the program's. Raises LabClosed when the lab is gone, before or meanwhile.
        """
        self._sandbox.check_alive()
        with _terminal_given():
            try:
                # After setns only *children* are in the sandbox's process numbers: unshare, given no namespace
                # to make, is a forker of 40 kB that does that and passes the exit status on.
                ended = subprocess.run(
                    [str(find("unshare")), "--fork", "--", *words],
                    env=self.environment() | dict(environment or {}),
                    preexec_fn=self._sandbox.enter,
                    pass_fds=files,
                )
            except (OSError, subprocess.SubprocessError):
                self._sandbox.check_alive()  # it went just now
                raise
        self._sandbox.check_alive()
        if ended.returncode < 0:  # a signal ended it: its number, as bash tells it
            return 128 - ended.returncode
        return ended.returncode

    def check_alive(self) -> None:
        """Raise LabClosed when there is no lab any more."""
        self._sandbox.check_alive()

    @property
    def programs(self) -> tuple[Path, ...]:
        """The folders of our own programs, which lines find before the machine's."""
        return tuple(self._sandbox.programs)

    def environment(self) -> dict[str, str]:
        """The caller's, in English (parsers read it), with the system folders on PATH, and in a lab its own `sudo`."""
        # Another thread may take a name away while we read: dict(os.environ) would fail of it.
        found = {name: os.environ.get(name) for name in os.environ}
        environment = {name: value for name, value in found.items() if value is not None}
        for name in ("BASH_ENV", "ENV"):  # files that a shell would run before anything else
            environment.pop(name, None)
        folders = [str(folder) for folder in self.programs]
        path = ":".join([*folders, search_path()])
        environment |= {"PATH": path, "LC_ALL": "C", "LANGUAGE": "C"}
        return environment

    def open(self, words: Sequence[str], at: str = HOSTNAME) -> Opened:
        """Start a program that stays, and reads from us what it is to do, as a shell does.

        Raises LabClosed or NotReady.
        """
        words = [*way_into(check_name(at)), *words]
        self._sandbox.check_alive()
        with _interrupted_later(), _starving(self._sandbox):
            return self._opened(words)

    def _opened(self, words: Sequence[str]) -> Opened:
        bash = self._bash()
        opened = Opened(self._sandbox, bash, words)
        self._idle.append(bash)
        return opened

    def close(self) -> None:
        """End what waits for lines. Harmless when repeated; a further line starts it anew."""
        while self._idle:
            self._idle.pop().close()

    def _words(self, line: str, at: str) -> list[str]:
        if "\0" in line:
            raise BadInput(tr("A line cannot hold a NUL character, because no program can be given one."))
        words = line.split()
        is_plain = PLAIN.fullmatch(line) is not None and bool(words)
        if not (is_plain and find(words[0])):  # what bash alone knows, `cd` or `:`, is no program
            words = ["bash", "-c", line]
        return [*way_into(check_name(at)), *words]

    def _records(
        self, lines: Sequence[str], at: str, commands: Sequence[Sequence[str]], timeout: float | None
    ) -> list[Ran]:
        """The records of programs that run at the same time."""
        records = []
        with contextlib.ExitStack() as opened:
            outputs, jobs = [], []
            for words in commands:
                out = opened.enter_context(self._sandbox.file())
                err = opened.enter_context(self._sandbox.file())
                outputs.append(Output(out, err))
                jobs.append(Job(words, out.name, err.name))
            ends = self._run(jobs, timeout)
            for line, output, end in zip(lines, outputs, ends, strict=True):
                exact = output.out.exact
                printed = os.fsencode(exact).decode(errors="replace")
                records.append(Ran(line, at, printed, output.err.text, end.code, end.seconds, exact))
        return records

    def _run(self, jobs: Sequence[Job], timeout: float | None) -> list[End]:
        """Start programs at the same time and wait for each, in their order."""
        with _interrupted_later() as interrupted:
            bash = self._bash()
            start = time.perf_counter()
            bash.start(jobs)
        ends = []
        try:
            if interrupted:
                raise KeyboardInterrupt
            for _ in jobs:
                code = bash.code(timeout)
                ends.append(End(code, time.perf_counter() - start))
        except BaseException:  # Ctrl-C, above all: stop the command, keep the lab
            bash.stop()
            raise
        self._idle.append(bash)
        return ends

    def _bash(self) -> Bash:
        """One that waits and has our environment as it is now; else a new one."""
        environment = self.environment()
        while self._idle:
            bash = self._idle.pop()
            if bash.alive and bash.environment == environment:
                return bash
            bash.close()
        return self._new_bash(environment)

    def _new_bash(self, environment: dict[str, str]) -> Bash:
        return Bash(self._sandbox, environment)


class Bash:
    """A bash that starts programs in the sandbox, each as a job of its own, and tells how they end.

    Only its children have numbers in there (pid_namespaces(7)): nobody in there sees it or can end it. It ends when
    the pipe that it reads has no writer, so with this Python.
    """

    def __init__(self, sandbox: Place, environment: dict[str, str]) -> None:
        self.environment = environment
        self._pids: list[int] = []
        keys_end, tell_end = os.pipe()  # what it reads as if it were typed
        hear_end, mouth_end = os.pipe()  # what it says
        self._tell = os.fdopen(tell_end, "wb")
        self._ear = Ear(hear_end)
        with open(keys_end, "rb") as keys, open(mouth_end, "wb") as mouth, open(os.devnull, "wb") as nothing:
            process = sh.Command(str(find("bash")))(
                _in=keys, _out=mouth, _err=nothing, _env=environment, _preexec_fn=sandbox.host,
                _tty_out=False, _close_fds=False, _new_session=True, _bg=True, _bg_exc=False,
            )  # fmt: skip
        self._end: weakref.finalize[..., Bash] = weakref.finalize(self, _end, process, self._tell, self._ear.file)

    @property
    def alive(self) -> bool:
        """Whether it waits for us: it says nothing unasked, so the end is all that there can be to hear."""
        return not self._ear.hears(0)

    def start(self, jobs: Sequence[Job]) -> None:
        """Start programs, all at the same time. `exec`, so that no word is taken for a command of bash itself."""
        starts = ""
        for job in jobs:
            starts += f"({here()}; exec {shlex.join(job.words)}) </dev/null >{job.out} 2>{job.err} & pids+=($!)\n"
        # With `set -m` each job has a process group of its own, so that all of it can be signalled (as an option of
        # bash it wants a terminal); without it `wait` waits for the end, not for a stop. Not `wait -f`: when a signal
        # ends a job, bash 5.2 may look at what it has freed, and go round for ever.
        typed = (
            f"pids=()\nset -m\n{starts}set +m\necho ${{pids[@]}}\n"
            "for pid in ${pids[@]}; do wait $pid; echo $?; done\n"
        )
        self._pids = [int(pid) for pid in self._ask(typed).split()]

    def open(self, words: Sequence[str], keys: str, answers: str) -> int:
        """Start a program that stays; return its process number. keys, answers: the pipes that it reads and answers by.

        It has them as descriptors 0 and ANSWERS, and as FOLDER that in which its files are.
        """
        given = f"<{keys} {FOLDER}<. {ANSWERS}>{answers} >/dev/null 2>&1"
        typed = f"set -m\n({here()}; exec {shlex.join(words)}) {given} &\nset +m\necho $!\n"
        return int(self._ask(typed))

    def code_of(self, pid: int) -> int:
        """The exit code of a program that it opened, once that has ended."""
        return int(self._ask(f"wait {pid}; echo $?\n"))

    def code(self, timeout: float | None) -> int:
        """The exit code of the next of them, once it has ended.

        After so many seconds all are told to end, as by Ctrl-C (ping then prints its statistics), and soon firmly.
        """
        answer = self._ear.line(timeout)
        for number in (signal.SIGINT, signal.SIGKILL):
            if answer is None:
                self._signal(number)
                answer = self._ear.line(PATIENCE)
        if answer is None:
            raise EOFError("a program cannot be ended")
        self._pids.pop(0)
        return int(answer)

    def stop(self) -> None:
        """End all of them, and itself."""
        with contextlib.suppress(EOFError):
            while self._pids:
                self.code(0)
        self.close()

    def close(self) -> None:
        """End it. (A lab that is forgotten ends it, too.)"""
        self._end()

    def _signal(self, number: int) -> None:
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)

    def _ask(self, typed: str) -> str:
        """Type something that it answers with a line; return that."""
        self._tell.write(os.fsencode(typed))
        self._tell.flush()
        return str(self._ear.line())


class Ear:
    """Reads what a bash says, line by line. file: the end of the pipe that is read."""

    def __init__(self, descriptor: int) -> None:
        self.file = os.fdopen(descriptor, "rb", 0)
        self._heard = b""
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def hears(self, timeout: float | None) -> bool:
        """Whether, within so many seconds (None: however long), it speaks or ends."""
        patience = None if timeout is None else timeout * 1000  # poll(2) counts milliseconds
        return bool(self._poll.poll(patience))

    def line(self, timeout: float | None = None) -> str | None:
        """The next line that it says; None when there was none for so many seconds. Raises EOFError when it ended."""
        while b"\n" not in self._heard:
            if not self.hears(timeout):
                return None
            more = self.file.read(select.PIPE_BUF)
            if not more:
                raise EOFError("bash has ended")
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode(errors="replace")


class Opened:
    """A program that stays, as a shell does: we type into its pipe, and it answers through another.

    Its files are in a folder that it has as descriptor FOLDER. It ends with the last who can type, so with this Python.
    """

    def __init__(self, sandbox: Place, bash: Bash, words: Sequence[str]) -> None:
        self.file = sandbox.file
        self._bash = bash
        with contextlib.ExitStack() as made:
            keys, answers = made.enter_context(sandbox.file()), made.enter_context(sandbox.file())
            for pipe in (keys, answers):
                os.mkfifo(pipe.name, 0o600, dir_fd=pipe.folder)
            # For reading, too: otherwise to open it would wait for one who reads.
            self._keys = os.open(keys.name, os.O_RDWR | os.O_CLOEXEC, dir_fd=keys.folder)
            made.callback(os.close, self._keys)
            self._ear = Ear(os.open(answers.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=answers.folder))
            made.callback(self._ear.file.close)
            self.pid = bash.open(words, keys.name, answers.name)
            self._pidfd = os.pidfd_open(self.pid)
            made.callback(os.close, self._pidfd)
            self._end: weakref.finalize[..., Opened] = weakref.finalize(self, made.pop_all().close)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if not self._end.alive:
            return False
        ended, _, _ = select.select([self._pidfd], [], [], 0)
        return not ended

    def type(self, text: str) -> None:
        """Type something, as on a keyboard. It is not waited for; raises EOFError when it has ended."""
        if not self._end.alive:
            raise EOFError("it has ended")
        rest = os.fsencode(text)
        while rest:
            written = os.write(self._keys, rest)
            rest = rest[written:]

    def answer(self, timeout: float) -> str | None:
        """The next line that it answers; None when there was none for so many seconds. Raises EOFError when it ended.

        What it has started may hold its pipe for longer than it lives, so its own end is asked after.
        """
        line = self._ear.line(timeout)
        if line is None and not self.alive:
            line = self._ear.line(0)  # said just before
            if line is None:
                raise EOFError("it has ended")
        return line

    def descendants(self) -> list[int]:
        """All that it has started, and that those have, parents before their children."""
        return self._below(self.pid)

    def number(self, pid: int) -> str:
        """The number that a process has in there."""
        return number_inside(pid)

    def _below(self, pid: int) -> list[int]:
        return _below(pid)

    def _signal(self, pids: Iterable[int], number: int) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def interrupt(self, spare: Collection[int]) -> None:
        """As Ctrl-C in a terminal: what runs is told to end, and it itself to stop what it does.

        spare: what runs in the background, of its descendants. (A program there is started such that it ignores this,
        but many, as ping, ask for it again.)
        """
        # The shell first, while it waits: told after its command has ended, it would give up the next line.
        family = [self.pid, *self.descendants()]
        self._signal([pid for pid in family if pid not in spare], signal.SIGINT)

    def kill_leaves(self, spare: Collection[int]) -> None:
        """End at once what it waits for, in the end itself: of all that it has started, those who started no other."""
        leaves = []
        for pid in self.descendants():
            started = set(self._below(pid)) - set(spare)
            if pid not in spare and not started:
                leaves.append(pid)
        self._signal(leaves or [self.pid], signal.SIGKILL)

    def code(self) -> int:
        """The exit code with which it ended."""
        return self._bash.code_of(self.pid)

    def close(self) -> None:
        """Let it end, by the end of what is typed. Harmless when repeated."""
        self._end()


def _below(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():  # proc(5); of the main thread
            found += [int(child), *_below(int(child))]
    return found


def number_inside(pid: int) -> str:
    """The number that a process has in the innermost namespace of them (proc(5), NSpid); empty when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1]
    return ""


def here() -> str:
    """What a bash in a sandbox is told to be where we are; the folder may be hidden in there."""
    place = shlex.quote(folder() or "/")
    return f"{{ cd {place} || cd /; }} 2>/dev/null; unset OLDPWD"


@contextlib.contextmanager
def _starving(sandbox: Place) -> Iterator[None]:
    """Say in a sentence that no program could be started, and why; raises LabClosed or NotReady."""
    try:
        yield
    except (OSError, EOFError, RuntimeError, sh.ForkException) as error:  # RuntimeError: sh can start no thread
        with contextlib.suppress(OSError):
            sandbox.check_alive()  # it went just now
        why = str(error).strip().splitlines()[-1]  # sh gives a traceback
        raise NotReady(
            tr(
                "The lab could start no program, or not keep what it said ({why}). {starved}",
                why=why,
                starved=tr(STARVED),
            )
        ) from error


def _end(process: sh.RunningCommand, *pipes: IO[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(sh.ErrorReturnCode, ChildProcessError):  # interrupted when it had just been waited for
        if threading.main_thread().is_alive():
            process.wait()
        else:
            # Python is shutting down: `sh` waits with a timer, a thread, which Python 3.12.0 to 3.12.2 then refuses.
            os.waitpid(process.pid, 0)
    for pipe in pipes:
        with contextlib.suppress(BrokenPipeError):  # with a line that it did not read
            pipe.close()


@contextlib.contextmanager
def _interrupted_later() -> Iterator[list[int]]:
    """Note Ctrl-C in a list instead of raising it.

    Raised while a process is started it would leave us without that process's number. Only the main thread gets
    Ctrl-C, and only it may ask for this.
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
