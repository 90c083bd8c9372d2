"""Which commands are in what somebody typed or pasted? Those that bash would run, without a terminal's prompts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..keep.shells import opens_a_shell
from ..language import enumerated, marked, plural, tr
from ..node.commands import is_command
from ..node.prompts import ANONYMOUS, NAMED
from ..node.shapes import shape
from ..sandbox import find

# A line without any of these is complete by itself; the others are for bash to judge.
MAY_GO_ON = re.compile(r"['\"\\(){}<]|^\s*(for|if|while|until|case|select|function)\b|(\||&&)\s*$")
# How bash, with LC_ALL=C, complains of a command that goes on; its exit code is the same for every mistake.
UNFINISHED = re.compile(r"unexpected end of file|unexpected EOF|here-document .* delimited by end-of-file")
# Root's shortest prompt, which begins a comment, too; and the one before a line that goes on.
ROOT = re.compile(r"\s*#\s+(?P<line>[^\s#].*)$")
GOES_ON = re.compile(r"\s*>\s(?P<line>.*)$")
IN_VENV = re.compile(r"\([\w.-]+\)\s+\$\s+(?P<line>\S.*)$")
SU = re.compile(r"su( -l?)?( root)?\s*$")  # typed by who is nobody yet
ONLY_REMARKS = marked(
    "No line is run, because each begins with `#`, as remarks do. If that is root's prompt, take the other remarks out."
)
FAREWELLS = ("exit", "logout")  # what bash itself says when it ends, at a terminal
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class Command:
    """One command: its text, as typed, and the number of its first line."""

    text: str
    number: int


@dataclass(frozen=True)
class Lines:
    """What is to run of a text, and what was done to it: sentences, none where it is run as it stands."""

    commands: Sequence[Command]
    remarks: Sequence[str] = ()


def read(text: str) -> Lines:
    """The commands of a text; where it was pasted from a terminal, without prompts and without output.

    >>> pasted = read("$ ip netns add ns1\\n$ ip netns list\\nns1")
    >>> [command.text for command in pasted.commands]
    ['ip netns add ns1', 'ip netns list']
    >>> print(*pasted.remarks, sep="\\n")
    The prompts (`$`) are taken off, and a line between them that looks like output is left out.
    """
    lines = text.removeprefix("\ufeff").splitlines()  # with which some editors begin a file
    if _is_roots(lines):
        return _pasted(lines, roots=True)
    if any(_prompted(line) for line in lines):
        return _pasted(lines, roots=False)
    found = list(_commands(lines))
    if not found and any(_is_roots_command(line) for line in lines):
        return Lines([], [tr(ONLY_REMARKS)])
    return Lines(found)


def commands(cell: str) -> Iterator[str]:
    """The commands of a cell: a line each, or more where bash would go on reading (quotes, here-documents, loops).

    Blank lines, comments and prompts are left out.

    >>> list(commands("ip a  # all\\n\\n# a remark\\nfor n in 1 2; do\\n  echo $n\\ndone"))
    ['ip a  # all', 'for n in 1 2; do\\n  echo $n\\ndone']
    """
    for command in read(cell).commands:
        yield command.text


def _commands(lines: Sequence[str]) -> Iterator[Command]:
    held: list[str] = []
    first = 0
    for number, line in enumerate(lines, 1):
        begins = line.lstrip()
        if not held and (not begins or begins.startswith("#")):
            continue
        if not held:
            first = number
        held.append(line)
        text = "\n".join(held)
        if not _goes_on(text):
            yield Command(text, first)
            held = []
    if held:
        yield Command("\n".join(held), first)


def _goes_on(text: str) -> bool:
    if not MAY_GO_ON.search(text):
        return False
    if text.endswith("\\") and not text.endswith("\\\\"):
        return True
    bash = find("bash")
    if bash is None:  # a recording on Windows
        return False
    judging = [bash, "-n", "-c", text]
    judged = subprocess.run(judging, capture_output=True, text=True, env={"LC_ALL": "C"})
    return bool(UNFINISHED.search(judged.stderr))


# --- pasted from a terminal


@dataclass(frozen=True)
class _Prompted:
    """A line with a prompt before it: the prompt, and the line."""

    prompt: str
    line: str


def _prompted(line: str) -> _Prompted | None:
    """The prompt before a line and the line; None where it has none."""
    text = line.strip()
    if text == "$":  # where nothing was typed
        return _Prompted(text, "")
    for pattern in (*NAMED, *ANONYMOUS, IN_VENV):
        found = pattern.match(text)
        if not found:
            continue
        if not found["line"]:
            return _Prompted(text, "")
        prompt = text[: found.start("line")].strip()
        words = prompt.split()
        if len(words) > 1 and find(words[0]) is not None:  # a program by its path, and a comment behind it
            continue
        return _Prompted(prompt, found["line"].rstrip())
    return None


def _is_roots(lines: Sequence[str]) -> bool:
    """Whether the `#` before these lines is root's prompt: a command follows each, and no other line is one."""
    found = False
    for line in lines:
        behind = ROOT.match(line)
        if behind and is_command(behind["line"]):
            found = True
        elif line.strip() and (line.lstrip().startswith("#") or _is_typed(line)):
            return False
    return found


def _is_typed(line: str) -> bool:
    """Whether a line without a prompt is a command, and no output of one."""
    if shape(line):
        return False
    words = line.split()
    return is_command(line) or ASSIGNMENT.match(words[0]) is not None or _is_other_program(words)


def _is_other_program(words: Sequence[str]) -> bool:
    """Whether it begins with a program that nobody asked about networks; numbers and names of devices are none."""
    first, *others = words
    is_word = first.isalpha() and first.islower()
    return is_word and bool(others) and find(first) is not None


def _pasted(lines: Sequence[str], roots: bool) -> Lines:
    """The commands of a terminal's text, by their prompts; lines without one that look like output are left out."""
    found: list[Command] = []
    prompts: dict[str, None] = {}  # each once, in their order
    left_out = 0
    held: list[str] = []
    first = 0
    last = None  # what was typed at the last prompt
    shells = 0  # how many were opened by the lines above, and not left
    for number, line in enumerate(lines, 1):
        if held:  # a command goes on
            further = GOES_ON.match(line)
            held.append(further["line"] if further else line)
        else:
            typed = _after(last, _typed(line, roots or (shells > 0 and _is_roots_command(line))))
            if typed is not None and typed.prompt:
                last = typed
                shells = _shells(shells, typed)
            if typed is None:
                left_out += bool(line.strip()) and not line.lstrip().startswith("#")
                continue
            if typed.prompt:
                prompts[typed.prompt] = None
            if not typed.line:
                continue
            held, first = [typed.line], number
        text = "\n".join(held)
        if not _goes_on(text):
            found.append(Command(text, first))
            held = []
    if held:
        found.append(Command("\n".join(held), first))
    return Lines(found, [_remark(list(prompts), left_out)])


def _is_roots_command(line: str) -> bool:
    """Whether a command, and no remark, is behind the `#` of a line."""
    behind = ROOT.match(line)
    return behind is not None and is_command(behind["line"])


def _shells(before: int, typed: _Prompted) -> int:
    """How many shells are open behind what was typed, in which the prompt is `#`; before: how many were."""
    if opens_a_shell(typed.line) or SU.match(typed.line):
        return before + 1 if typed.prompt == "#" else 1
    if typed.prompt != "#":
        return 0
    return max(0, before - 1) if typed.line.strip() in FAREWELLS else before


def _after(last: _Prompted | None, typed: _Prompted | None) -> _Prompted | None:
    """What was typed, behind what was typed at the prompt before it: a shell that ends says so, in a line of its own.

    None where it only says it; where nothing was typed before (Ctrl-D) it is what there is of the shell's end.
    """
    if last is None or typed is None or typed.prompt or typed.line.strip() not in FAREWELLS:
        return typed
    if last.line in FAREWELLS:
        return None
    return replace(typed, line="exit") if last.line == "" else typed


def _typed(line: str, roots: bool) -> _Prompted | None:
    """What was typed in a line of a terminal's text; None when it is output, empty, or a remark."""
    behind = ROOT.match(line)
    if behind:
        return _Prompted("#", behind["line"]) if roots else None
    prompted = _prompted(line)
    if prompted:
        return prompted
    if not line.strip() or not _is_typed(line):
        return None
    return _Prompted("", line)


def without_prompts(lines: Iterable[str], say: Callable[[str], None]) -> Iterator[str]:
    """Lines as they come, without the prompts before them, and, once there was one, without what looks like output.

    say: told once that something is taken off.
    """
    pasted = False
    last = None  # what was typed at the last prompt
    for line in lines:
        prompted = _prompted(line)
        if prompted and not pasted:
            say(tr("({remark})", remark=_remark([prompted.prompt], 0)))
            pasted = True
        if prompted:
            last = prompted
            yield prompted.line
            continue
        typed = _after(last, _Prompted("", line))
        if typed is None:
            continue
        line = typed.line
        if not pasted or not line.strip() or _is_typed(line):
            yield line


def _remark(prompts: Sequence[str], left_out: int) -> str:
    named = enumerated(f"`{prompt}`" for prompt in prompts)
    if left_out == 0:
        return tr("The prompts ({named}) are taken off.", named=named)
    return plural(
        "The prompts ({named}) are taken off, and a line between them that looks like output is left out.",
        "The prompts ({named}) are taken off, and {count} lines between them that look like output are left out.",
        left_out,
        named=named,
    )
