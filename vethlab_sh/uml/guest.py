"""How is a lab made where the kernel makes no namespaces for us? In a guest: user-mode Linux, which needs no right.

It is the kernel as an ordinary program, Debian's package `user-mode-linux`, for x86-64 processors. Its root folder is
the machine's, read-only (hostfs), so the guest has the machine's programs, and runs them as its own root; what they
write stays in its memory, unless they mount that folder anew. It has serial lines, of which each is one end of a pair
of sockets here: on the first we ask the guest, at the others a bash waits for what `Shell` types, which is what it
types to a bash in a sandbox.

Beside the guest runs the *warden*, a bash that waits for the end of a pipe whose other end only this Python has. When
this Python ends, in whatever way, the warden ends the guest and removes the folder that was shared with it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import select
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from .. import world
from ..errors import LabClosed, NotReady
from ..language import marked, tr
from ..sandbox import NUMBERS, UML, UML_INSTALL, UML_PROCESSOR, File, check_linux, find, search_path
from . import registers

INIT = Path(__file__).with_name("init")
PROGRAMS = Path(__file__).with_name("programs")  # those that must be others in this kernel
MODPROBE = "/run/.modprobe"  # a script in the guest
MEMORY = 256  # MiB, of which the guest takes what it uses
LINES = 16  # the first is ours; each of the others is for one bash at a time
PATIENCE = 120.0  # seconds for the guest to boot: two on a machine that is not busy
READY = b"ready"
WARDEN = """
folder=$1
shift
set -m
"$@" </dev/null >"$folder/console" 2>&1 &
for number in $SOCKETS; do exec {number}>&-; done
read -r _
kill -KILL -- "-$!"
rm -rf -- "$folder"
"""
ASKED_OFTEN = """
below() {
    local child
    for child in $(</proc/$1/task/$1/children); do echo "$child"; below "$child"; done 2>/dev/null
}
"""
STAYS_NOT = marked(
    "This lab is in user-mode Linux, a program that ends with its Python, and which no other program can enter. "
    "Lines run in it (`demo`, `walk`, `check` and `draw`, lessons, Python's `lab.run`); it cannot stay, be lent, or "
    "have Python functions, or a terminal, in it."
)


def is_installed() -> bool:
    """Whether this machine has user-mode Linux, with the program by which a kernel loads its modules."""
    return find(UML) is not None and _modprobe() is not None


def _modprobe() -> str | None:
    return find("kmod") or find("modprobe")


@dataclass(frozen=True)
class Line:
    """A serial line of the guest. number: of /dev/ttyS in there; ours: our end."""

    number: int
    ours: socket.socket

    def send(self, text: str) -> None:
        """Type something. Raises OSError when the guest has ended."""
        self.ours.sendall(os.fsencode(text))

    def hear(self, patience: float) -> bytes:
        """The next line that is said, without its end; raises EOFError when none is."""
        heard = b""
        while not heard.endswith(b"\n"):
            readable, _, _ = select.select([self.ours], [], [], patience)
            byte = self.ours.recv(1) if readable else b""  # one by one: what comes behind is another's
            if not byte:
                raise EOFError("user-mode Linux does not answer")
            heard += byte
        return heard.strip()


class Guest:
    """One lab in user-mode Linux: what `Shell` needs of a sandbox. It ends with `close()`, or with this Python.

    meanwhile: called here while it boots. Raises NotReady where it is not installed, or does not boot.
    """

    def __init__(self, meanwhile: Callable[[], None] | None = None) -> None:
        check_linux()
        program = _installed()
        self._asking = threading.Lock()
        if registers.may_be_too_many():
            with contextlib.suppress(NotReady, world.Refused):  # a newer one asks for them all, and ends at once
                self._boot(registers.fewer(partial(_started, program, registers.WITHOUT_AVX)), meanwhile)
                return
        self._boot(_started(program, {}), meanwhile)

    def _boot(self, started: Started, meanwhile: Callable[[], None] | None) -> None:
        self._environment = started.environment
        self._control, *self._free = started.lines
        self._files = started.files
        self._end = weakref.finalize(self, _end, started)
        try:
            if meanwhile:
                meanwhile()
            self._wait_for_boot()
        except BaseException:
            self.close()
            raise

    def _wait_for_boot(self) -> None:
        try:
            _wait_until_ready(self._control)
        except (EOFError, OSError):
            why = _last_words(File("console", self._files).text) or tr("it said nothing")
            raise NotReady(tr("User-mode Linux does not start here ({why}).", why=why)) from None
        with self.file() as text:
            write(text, ASKED_OFTEN)
            self.release = self.ask(f". ./{text.name}; uname -r")

    @property
    def label(self) -> str:
        """The sentence that stands above what a lab in it shows."""
        return tr(
            "This lab runs in user-mode Linux {release}: a kernel of its own, a program of this machine.",
            release=self.release,
        )

    @property
    def programs(self) -> list[Path]:
        """The folders of our own programs that lines find before the machine's."""
        return [PROGRAMS, world.OURS]

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if not self._end.alive:
            return False
        hangs_up = select.poll()
        hangs_up.register(self._control.ours, select.POLLHUP)
        return not hangs_up.poll(0)

    def check_alive(self) -> None:
        """Raise LabClosed when it does not run any more."""
        if not self._end.alive:
            raise LabClosed(tr("This lab is closed. Make a new one: `lab = Lab()`."))
        if not self.alive:
            raise LabClosed(tr("This lab is gone: user-mode Linux has ended. Make a new one: `lab = Lab()`."))

    @contextlib.contextmanager
    def file(self) -> Iterator[File]:
        """A new file that both sides see."""
        file = File(f".{os.getpid()}-{next(NUMBERS)}", self._files)
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):
                os.unlink(file.name, dir_fd=file.folder)

    def take(self, environment: dict[str, str]) -> Line:
        """A line at whose other end a bash with this environment reads. Raises NotReady when all are taken."""
        if not self._free:
            raise NotReady(tr("A lab in user-mode Linux runs at most {most} shells at a time.", most=LINES - 1))
        line = self._free.pop()
        line.send("\n")
        _wait_until_ready(line)
        settings = []
        for name, value in (environment | self._environment).items():
            settings.append(shlex.quote(f"{name}={value}"))
        with self.file() as text:
            write(text, f"exec env -i {' '.join(settings)} bash --norc --noprofile\n")
            line.send(f". ./{text.name}\necho begun\n")
            line.hear(PATIENCE)
        return line

    def give_back(self, line: Line) -> None:
        """Let the bash at a line's other end, which waits for what is typed, end: the line is for another one."""
        line.send("exit\n")
        self._free.append(line)

    def ask(self, line: str) -> str:
        """The one line that bash in the guest answers to a line of bash."""
        with self._asking:
            try:
                self._control.send(f"{line}\n")
                return self._control.hear(PATIENCE).decode(errors="replace")
            except (OSError, EOFError):
                self.check_alive()
                raise

    def signal(self, pids: Iterable[int], number: int) -> None:
        """Send a signal to processes, or to groups of them where a number is negative; see kill(1)."""
        words = " ".join(str(pid) for pid in pids)
        if words:
            self.ask(f"kill -{number} -- {words} 2>/dev/null; echo")

    def below(self, pid: int) -> list[int]:
        """The processes that this one has started, and those that they have, parents before their children."""
        words = self.ask(f"echo $(below {pid})").split()
        return [int(word) for word in words]

    def enter(self) -> NoReturn:
        """No process of the machine can: raises NotReady."""
        raise NotReady(tr(STAYS_NOT))

    host = enter

    def close(self) -> None:
        """End it, with all that runs in it. Harmless when repeated."""
        self._end()


def _installed() -> str:
    """Where user-mode Linux is; raises NotReady."""
    program = find(UML)
    if program is not None and _modprobe() is not None:
        return program
    if platform.machine() != UML_PROCESSOR:
        raise NotReady(
            tr(
                "User-mode Linux is for x86-64 processors only, and this one is {processor}.",
                processor=platform.machine(),
            )
        )
    missing = UML if program is None else "kmod"
    raise NotReady(tr("The program `{missing}` is not installed. On Debian: {line}", missing=missing, line=UML_INSTALL))


@dataclass(frozen=True)
class Started:
    """A guest that boots.

    warden: the process that ends it; lines: all of them; files: the folder that it shares; environment: what each of
    its processes has in its own.
    """

    warden: subprocess.Popen[bytes]
    lines: list[Line]
    files: int
    environment: dict[str, str]


def _started(program: str, environment: dict[str, str]) -> Started:
    """A new guest with its folder, which the warden removes once there is one."""
    folder = Path(_make_folder())
    lines = []
    theirs = []
    for number in range(LINES):
        ours, other = socket.socketpair()
        lines.append(Line(number, ours))
        theirs.append(other)
    with contextlib.ExitStack() as undone:
        undone.callback(shutil.rmtree, folder, ignore_errors=True)
        files = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        init = folder / "init"
        init.write_text(_init(folder, program), encoding="utf-8")
        init.chmod(0o755)
        if environment:
            helper = folder / "helper"
            helper.write_bytes(registers.helper(MODPROBE))
            helper.chmod(0o755)
        warden = _start(program, folder, [line.fileno() for line in theirs], environment)
        undone.pop_all()
    for line in theirs:
        line.close()
    return Started(warden, lines, files, environment)


def _make_folder() -> str:
    """A new folder for the guest's memory and what we share with it, where programs may be mapped from files.

    In memory if that has room: a container's /dev/shm is small, and of it no program may run.
    """
    for place in ("/dev/shm", os.environ.get("TMPDIR", "/tmp"), "/var/tmp"):
        with contextlib.suppress(OSError):
            if _is_fit(place):
                return tempfile.mkdtemp(prefix="vethlab-", dir=place)
    raise NotReady(
        tr("User-mode Linux needs a folder with {size} MiB of room for programs; TMPDIR may name one.", size=MEMORY)
    )


def _is_fit(place: str) -> bool:
    """Whether a guest's memory has room in this folder, and what is in it may be executed."""
    if not os.path.isabs(place) or set(place) & {" ", ",", "\n"}:  # it is part of the kernel's command line
        return False
    about = os.statvfs(place)
    may_execute = not about.f_flag & os.ST_NOEXEC
    return may_execute and about.f_bavail * about.f_frsize > MEMORY * 2**20


def _init(folder: Path, program: str) -> str:
    """The script that the guest's first process runs."""
    modules = Path(program).resolve().parent.parent / "lib/uml/modules"
    values = {"FOLDER": folder, "LINES": LINES, "MODULES": modules, "KMOD": _modprobe(), "MODPROBE": MODPROBE}
    lines = [f"#!{find('bash')}"]
    for name, value in values.items():
        lines.append(f"{name}={shlex.quote(str(value))}")
    return "\n".join([*lines, INIT.read_text(encoding="utf-8")])


def _start(program: str, folder: Path, sockets: Sequence[int], of_all: dict[str, str]) -> subprocess.Popen[bytes]:
    """The warden, which starts the guest; sockets: the other ends of its lines, the first one's first.

    of_all: what each process in it has in its environment.
    """
    kernel = [
        program,
        f"mem={MEMORY}M",
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        "devtmpfs.mount=0",  # which would cover a folder of ours in /dev/shm before it is read
        f"init={folder}/init",
        "con=null",
        "con0=null,fd:1",
        "quiet",
        "panic=1",
        f"uml_dir={folder}",
        "umid=guest",
    ]
    for number, descriptor in enumerate(sockets):
        kernel.append(f"ssl{number}=fd:{descriptor}")
    for name, value in of_all.items():  # a word that the kernel does not know is the first process's
        kernel.append(f"{name}={value}")
    environment = {
        "PATH": search_path(),
        "LC_ALL": "C",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "SOCKETS": " ".join(str(descriptor) for descriptor in sockets),
    }
    return subprocess.Popen(
        [str(find("bash")), "--norc", "--noprofile", "-c", WARDEN, "warden", str(folder), *kernel],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=sockets,
        env=environment,
        start_new_session=True,  # Ctrl-C in the terminal is for the command, not for the guest
    )


def _last_words(console: str) -> str:
    """Why it ended: what a kernel says when it panics, above where in itself it was; else the last that it said."""
    said = console.strip().splitlines()
    for line in said:
        _, panics, why = line.partition("Kernel panic - not syncing: ")
        if panics:
            return why
    return said[-1] if said else ""


def _wait_until_ready(line: Line) -> None:
    while line.hear(PATIENCE) != READY:
        pass


def write(file: File, text: str) -> None:
    """Make a file that both sides see."""
    descriptor = os.open(file.name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600, dir_fd=file.folder)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(os.fsencode(text))


def _end(started: Started) -> None:
    for line in started.lines:
        line.ours.close()
    os.close(started.files)
    assert started.warden.stdin
    started.warden.stdin.close()
    started.warden.wait()
