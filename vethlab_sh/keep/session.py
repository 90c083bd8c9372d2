"""What carries over from one line to the next? What a shell remembers: folder, variables, options, and where it is.

A session is one bash that stays in the lab and reads what is typed, as one in a terminal does. A line that opens
another shell, as `ip netns exec ns1 bash`, hands it the keyboard: the lines below are read by that one, in ns1, until
its `exit`. Other lines have no keyboard: what asks for input finds its end instead of waiting.

Each line's text is in a file that the shell sources, and so is the one that says how it ended. An interactive bash
(`-i`), because on Ctrl-C that gives up its line and reads on; a sourced file, because while it reads one it does not
tell of jobs, as it would at a prompt.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ..errors import BadInput, LabClosed, NotReady
from ..inside import check_name
from ..language import tr
from ..record import Ran
from ..sandbox import HOSTNAME, File
from ..sandbox import folder as our_folder
from ..shell import ANSWERS, FOLDER, PATIENCE, STARVED, Opened, Shell
from .shells import named_namespace, opens_a_shell

Watch = Callable[[str, bool], None]  # is told what is printed as it comes; whether those are errors
Late = Callable[[Ran, str, bool], None]  # the same of what a line above has left in the background

TICK = 0.05  # seconds between two looks at what a line has printed
BASH = ("bash", "--norc", "--noprofile", "--noediting", "-i")
HERE = f"/proc/self/fd/{FOLDER}"
MOUTH = f"/proc/self/fd/{ANSWERS}"  # by this name, because dash knows no descriptors above 9
UNNAMED = "(unnamed)"  # a namespace that has no name in /run/netns

# These programs keep back what they print when no terminal is there, for others to read or for a file, until they have
# a lot of it: stdbuf(1) makes them tell each line. (ping and `ip monitor` do so by themselves.)
MAY_HOLD = re.compile(r"\b(tcpdump|tshark|iperf3?|nft monitor|bridge monitor|tc monitor)\b|\|")
BY_LINES = ""
for place in ("/usr/libexec/coreutils/libstdbuf.so", "/usr/lib/coreutils/libstdbuf.so"):
    if os.path.exists(place):
        BY_LINES = f"_STDBUF_O=L LD_PRELOAD={place} "

# bash keeps its prompt, what it types before, and its history to itself. HISTFILE would be ours.
QUIETLY = "unset HISTFILE PROMPT_COMMAND PS0 TMOUT; set +o history +H; PS1= PS2=\n"
# How the last command ended, and who says so: when a shell was opened, or left, it is another one. The code stays, for
# `echo $?`; `&& :` because a code that is only handed on is no failure to `set -e`.
TELL = f'printf "%s %s\\n" "${{1-$?}}" "$$" >{MOUTH}\nreturn "${{1-0}}"\n'
SAY = f'echo >{MOUTH}\nreturn "${{1-0}}"\n'  # that a line begins
# A shell that ends leaves what it remembers, for the next one.
LEAVE = f"{{ declare -p; declare -f; alias -p; shopt -p; set +o; printf 'cd -- %q\\n' \"$PWD\"; }} >{HERE}/"


@dataclass(frozen=True)
class Level:
    """A shell that reads the lines, or waits for the one that it has opened.

    pid: its number in the lab; at: the machine or namespace that it is in; net: that namespace, as the kernel names it.
    """

    pid: str
    at: str
    net: str


@dataclass(frozen=True)
class Left:
    """What a line has left in the background: its processes, and where what they say is read; files: closes that."""

    ran: Ran
    pids: list[int]
    printed: list[_Printed]
    files: contextlib.ExitStack


class Session:
    """One bash to which lines are typed, one after the other; made when the first one is.

    at: where it begins, `master` or a namespace that plays a machine; script: the file that the lines are from, if
    they are, which is then their `$0`; before: told of each line, and where it will run; after: of its record.
    """

    def __init__(
        self,
        shell: Shell,
        at: str = HOSTNAME,
        script: str = "",
        before: Callable[[str, str], None] = lambda line, at: None,
        after: Callable[[Ran], None] = lambda ran: None,
    ) -> None:
        self._shell = shell
        self._home = check_name(at)
        self._script = script
        self._before = before
        self._after = after
        self._opened: Opened | None = None
        self._held = contextlib.ExitStack()  # the files that last as long as the session
        self._levels: list[Level] = []
        self._remembered = ""
        self._environment: dict[str, str] = {}
        self._place: str | None = None
        self._left: list[Left] = []

    @property
    def at(self) -> str:
        """Where the next line will run: a machine, or the namespace whose shell was opened last and not left."""
        return self._levels[-1].at if self._levels else self._home

    @property
    def depth(self) -> int:
        """How many shells were opened, and not left, in the one that it began with."""
        return max(0, len(self._levels) - 1)

    @property
    def open(self) -> bool:
        """Whether its shell is there. `exit` ends it, or a failure after `set -e`; the next line then begins anew."""
        return self._opened is not None

    def run(self, line: str, watch: Watch | None = None, timeout: float | None = None, late: Late | None = None) -> Ran:
        """Run a line where the one before has left off; return its record.

        watch: told what it prints, as that comes; late: told what lines above say meanwhile, from the background;
        timeout: seconds, after which it is ended as by Ctrl-C. When it is interrupted by Ctrl-C here, KeyboardInterrupt
        is raised with the record, of what it has said, as its argument.
        Raises LabClosed or NotReady.
        """
        if "\0" in line:
            raise BadInput(tr("A line cannot hold a NUL character, because no program can be given one."))
        # What is typed in a shell that was opened here is noted as it is, below the line that opened that.
        self._before(line, HOSTNAME if self.depth else self._home)
        try:
            ran = self._run(line, watch, timeout, late)
        except KeyboardInterrupt as stopped:
            for ran in stopped.args:
                self._after(ran)
            if not stopped.args:  # it was not yet begun, or its end not yet heard
                self.close()
            raise
        except (OSError, EOFError) as error:
            self.close()
            with contextlib.suppress(OSError):
                self._shell.check_alive()
            raise NotReady(
                tr(
                    "The lab could start no program, or not keep what it said ({error}). {starved}",
                    error=error,
                    starved=tr(STARVED),
                )
            ) from error
        except LabClosed:
            self.close()
            raise
        self._after(ran)
        return ran

    def hear(self, late: Late | None) -> None:
        """Tell what lines above have said since from the background."""
        if late is None:
            return
        for left in self._left:
            for one in left.printed:
                one.look(partial(late, left.ran))

    @property
    def talking(self) -> list[Ran]:
        """The lines above whose processes in the background can still say something, and are not heard once it ends."""
        return [left.ran for left in self._left if any(one.is_open_in(left.pids) for one in left.printed)]

    def close(self) -> None:
        """Leave it. What was started in the background in it goes on, unheard. The next line begins anew."""
        opened, self._opened = self._opened, None
        if opened:
            opened.close()
        self._held.close()
        self._levels = []
        self._forget(set())

    def _run(self, line: str, watch: Watch | None, timeout: float | None, late: Late | None) -> Ran:
        self._shell.check_alive()
        opened = self._opened or self._open()
        keyboard = opens_a_shell(line)
        if keyboard and not self._levels[-1].net:
            self._levels[-1] = self._whereabouts(self._levels[-1].pid, self.at)
        at = self.at
        with contextlib.ExitStack() as files:
            text, out, err = (files.enter_context(opened.file()) for _ in range(3))
            given = "" if keyboard else "</dev/null "
            # An interactive bash reads ahead: what one that it opens, or leaves, is to read must be typed after that.
            hands_over = keyboard or self.depth > 0
            begun = f". {HERE}/{self._beginning} $? && :; " if hands_over else ""
            lines = BY_LINES if watch and MAY_HOLD.search(line) else ""
            _write(text, f"{begun}{lines}eval {shlex.quote(line)} {given}>{HERE}/{out.name} 2>{HERE}/{err.name}\n")
            heard = files.enter_context(contextlib.ExitStack())
            printed = [heard.enter_context(_Printed(out, False)), heard.enter_context(_Printed(err, True))]
            running = opened.descendants()

            def look() -> None:
                for one in printed:
                    one.look(watch)
                self.hear(late)

            self.hear(late)  # once more of what has ended
            self._forget(set(running))
            start = time.perf_counter()
            opened.type(f"{self._news()}. {HERE}/{text.name}\n")
            if hands_over:
                _answer(opened)
            opened.type(f". {HERE}/{self._telling} $? && :\n")
            interrupted = None
            try:
                code = self._end_of(opened, line, look, timeout, running)
            except _Interrupted as stopped:
                interrupted, code = stopped, stopped.code
            seconds = time.perf_counter() - start
            look()
            ran = Ran(line, at, printed[0].text, printed[1].text, code, seconds)
            left = self._begun_by(opened, running)
            if left:
                self._left.append(Left(ran, left, printed, heard.pop_all()))
        if interrupted:
            raise KeyboardInterrupt(ran) from None
        return ran

    def _begun_by(self, opened: Opened, before: list[int]) -> list[int]:
        """What a line has left in the background. before: what ran before it."""
        if not self.open:
            return []
        shells = {level.pid for level in self._levels}
        new = [pid for pid in opened.descendants() if pid not in before]
        return [pid for pid in new if opened.number(pid) not in shells]

    def _forget(self, running: set[int]) -> None:
        """Listen no more to what has ended. running: what has not."""
        ended = [left for left in self._left if not running.intersection(left.pids)]
        for left in ended:
            self._left.remove(left)
            left.files.close()

    def _end_of(
        self, opened: Opened, line: str, look: Callable[[], None], timeout: float | None, running: list[int]
    ) -> int:
        """Wait for a line's end, show what is printed, and see which shell reads on; return its exit code.

        look: shows what was printed since; running: what ran before the line: the shells, and what is in the
        background.

        Raises _Interrupted, with that code, when it was stopped from here.
        """
        last = None if timeout is None else time.monotonic() + timeout
        answer = None
        interrupted = False
        try:
            while answer is None:
                try:
                    answer = opened.answer(_until(last))
                    look()
                    is_late = last is not None and time.monotonic() >= last
                except KeyboardInterrupt:
                    interrupted = True
                if answer is None and (interrupted or is_late):
                    answer = self._stopped(opened, running)
            code, pid = answer.split()
            self._reads(pid, line)
        except EOFError:
            look()
            code = str(self._ended(opened))
        if interrupted:
            raise _Interrupted(int(code))
        return int(code)

    def _stopped(self, opened: Opened, running: list[int]) -> str | None:
        """Its answer after Ctrl-C, and, when it does not end by that, after the end of what it waits for."""
        shells = {level.pid for level in self._levels}
        background = {pid for pid in running if opened.number(pid) not in shells}
        opened.interrupt(background)
        answer = opened.answer(PATIENCE)
        while answer is None:
            opened.kill_leaves(background)
            answer = opened.answer(TICK)
        return answer

    def _ended(self, opened: Opened) -> int:
        """The exit code of a shell that has ended; what it remembers is kept for the next one."""
        code = opened.code()
        self._remembered = self._leaving.text
        self.close()
        return code

    # --- the shell that reads

    def _open(self) -> Opened:
        """Begin, with what the one before remembered."""
        self._held = held = contextlib.ExitStack()
        self._environment = self._shell.environment() | {"SHELL": "/bin/bash"}
        self._place = our_folder()
        opened = self._shell.open(BASH, self._home)
        tell, say, greet, leave, begin, self._leaving = (held.enter_context(opened.file()) for _ in range(6))
        self._telling, self._beginning, self._greeting = tell.name, say.name, greet.name
        _write(say, SAY)
        _write(tell, TELL)
        _write(greet, f"{QUIETLY}{self._programs()}. {HERE}/{tell.name} 0\n")
        _write(leave, LEAVE + self._leaving.name + "\n")
        _write(self._leaving, "")
        _write(begin, self._begun(leave))
        opened.type(f"{QUIETLY}. {HERE}/{begin.name} 2>/dev/null\n. {HERE}/{tell.name} 0\n")
        _, pid = _answer(opened).split()
        self._levels = [Level(pid, self._home, "")]
        self._opened = opened
        return opened

    def _begun(self, leave: File) -> str:
        """What a new shell sources: what was remembered, and how it is to leave."""
        lines = [self._remembered, "SHELL=/bin/bash"]
        if self._script:
            lines.append(f"BASH_ARGV0={shlex.quote(self._script)}")
        lines.append(f"trap '. {HERE}/{leave.name}' EXIT")
        self._remembered = ""
        return "\n".join(lines) + "\n"

    def _programs(self) -> str:
        """What finds a lab's own programs again: a login shell, as `nsenter -n` opens, takes PATH from /etc/profile."""
        folders = ":".join(str(folder) for folder in self._shell.programs)
        if not folders:
            return ""
        ours = shlex.quote(folders)
        return f'case ":$PATH:" in *:{ours}:*) ;; *) PATH={ours}:$PATH ;; esac\n'

    def _news(self) -> str:
        """What has changed since, here where we are: our folder, our environment."""
        typed = ""
        environment = self._shell.environment() | {"SHELL": "/bin/bash"}
        before, self._environment = self._environment, environment
        if environment != before:
            for name, value in environment.items():
                if before.get(name) != value and name.isidentifier():
                    typed += f"export {name}={shlex.quote(value)}\n"
            typed += "".join(f"unset {name}\n" for name in before if name not in environment and name.isidentifier())
        place = our_folder()
        if place and place != self._place:
            self._place = place
            typed += f"cd {shlex.quote(place)}\n"
        return typed

    def _reads(self, pid: str, line: str) -> None:
        """Note which shell has answered: the one before, a new one, or, after `exit`, one that waited."""
        if pid == self._levels[-1].pid:
            if opens_a_shell(line):
                self._may_have_moved(line)
            return
        for number, level in enumerate(self._levels):
            if level.pid == pid:
                del self._levels[number + 1 :]
                return
        self._take_over()
        self._levels.append(self._whereabouts(pid, named_namespace(line)))

    def _may_have_moved(self, line: str) -> None:
        """Note where the shell is that has our pipe by `exec`: it has the number of the one that it replaces."""
        before = self._levels[-1]
        level = self._whereabouts(before.pid, named_namespace(line))
        if level.net != before.net:
            self._take_over()
            self._levels[-1] = level

    def _take_over(self) -> None:
        """Let the shell that was opened be an interactive bash: it has our pipe, not a terminal, and may be a dash."""
        assert self._opened
        # It answers from the file that it reads first: what is typed before it is there, a dash would read ahead.
        bash = f"bash --noprofile --rcfile {HERE}/{self._greeting} --noediting -i"
        self._opened.type(f"command -v bash >/dev/null && exec {bash} 2>/dev/null || . {HERE}/{self._telling} 0\n")
        _answer(self._opened)

    def _whereabouts(self, pid: str, typed: str) -> Level:
        """The level of the shell that reads now, by what the kernel says; typed: the namespace that was named."""
        names = self._said("ip netns identify $$").split()
        net = self._said("readlink /proc/self/ns/net").strip()
        if typed in names or (typed == self._home and not names):
            return Level(pid, typed, net)
        if names:
            return Level(pid, names[0], net)
        for level in self._levels:
            if level.net == net:
                return Level(pid, level.at, net)
        return Level(pid, UNNAMED, net)

    def _said(self, line: str) -> str:
        """What a line of ours prints, in the shell that reads now."""
        assert self._opened
        with self._opened.file() as out:
            self._opened.type(f"{line} </dev/null >{HERE}/{out.name} 2>/dev/null\n. {HERE}/{self._telling} 0\n")
            _answer(self._opened)
            return out.text


class _Interrupted(Exception):
    """A line was stopped by Ctrl-C, and ended with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Printed:
    """What a line has printed into a file, read as it comes."""

    def __init__(self, file: File, is_error: bool) -> None:
        self.text = ""
        self._file = file
        self._is_error = is_error
        self._descriptor: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> _Printed:
        return self

    def __exit__(self, *error: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def look(self, watch: Watch | None) -> None:
        """Read what has come. watch: told of it."""
        for more in self._pieces():
            text = self._decoder.decode(more)
            self.text += text
            if watch and text:
                watch(text, self._is_error)

    def is_open_in(self, pids: list[int]) -> bool:
        """Whether one of these processes prints into it."""
        if self._descriptor is None:
            return False
        ours = os.fstat(self._descriptor)
        for pid in pids:
            for number in (1, 2):
                with contextlib.suppress(OSError):  # it is gone, or is in a guest
                    if os.path.samestat(ours, os.stat(f"/proc/{pid}/fd/{number}")):
                        return True
        return False

    def _pieces(self) -> Iterator[bytes]:
        if self._descriptor is None:
            with contextlib.suppress(FileNotFoundError):  # the shell has not come to it yet
                self._descriptor = os.open(self._file.name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._file.folder)
        while self._descriptor is not None:
            more = os.read(self._descriptor, 65536)
            if not more:
                return
            yield more


def _write(file: File, text: str) -> None:
    descriptor = os.open(file.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=file.folder)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(os.fsencode(text))


def _answer(opened: Opened) -> str:
    """Its next answer, which comes at once."""
    answer = None
    while answer is None:
        answer = opened.answer(TICK)
    return answer


def _until(last: float | None) -> float:
    """How long to wait for an answer before the next look."""
    if last is None:
        return TICK
    return max(0.0, min(TICK, last - time.monotonic()))
