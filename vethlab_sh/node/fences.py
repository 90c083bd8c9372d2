"""What of a text is a terminal session? What stands between fences, or all of it, less what a mail put before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What may stand before every line of a text: a quote's sign, a time, and numbers, which have to count.
MARGINS = (re.compile(r"\s?>\s?"), re.compile(r"\[?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\]?\s"))
NUMBERED = re.compile(r"\s*(\d{1,6})(?:\t|[:.)|│]\s?| {1,2})")
FENCE = re.compile(r"(?P<indent>\s*)(?:```|~~~)\s*(?P<language>\w*)")
TERMINALS = {"", "sh", "bash", "zsh", "shell", "console", "shellsession", "terminal", "text", "txt", "output"}


@dataclass(frozen=True)
class Line:
    """A line of a text: its number, its words, and whether it is of a session. A fence is none, but parts two."""

    number: int
    text: str
    is_session: bool = True
    is_fence: bool = False


def session_lines(text: str, first: int = 1) -> Iterator[Line]:
    """Every line of a text, numbered from first; in Markdown only what fences of a terminal hold is a session."""
    lines = without_margin(text.removesuffix("\n").split("\n"))
    numbered = list(enumerate(lines, first))
    fences = sum(1 for line in lines if FENCE.match(line))
    if fences < 2:
        return (Line(number, line) for number, line in numbered)
    return _between_fences(numbered)


def _between_fences(lines: list[tuple[int, str]]) -> Iterator[Line]:
    """The lines between fences without the fence's own indentation, those around them as no session."""
    indent: int | None = None  # of the fence that is open
    is_terminal = True
    for number, line in lines:
        fence = FENCE.match(line)
        if fence:
            indent = len(fence["indent"]) if indent is None else None
            is_terminal = fence["language"].lower() in TERMINALS
            yield Line(number, "", is_session=False, is_fence=True)
        elif indent is None or not is_terminal:
            yield Line(number, line, is_session=False)
        elif line[:indent].strip():
            yield Line(number, line)
        else:
            yield Line(number, line[indent:])


def without_margin(lines: list[str]) -> list[str]:
    """The lines, less what stands before each of them.

    >>> without_margin(["> ip a", ">", "> 1: lo: <LOOPBACK,UP> mtu 65536"])
    ['ip a', '', '1: lo: <LOOPBACK,UP> mtu 65536']
    >>> without_margin(["1  $ ip a", "2  1: lo: <LOOPBACK,UP> mtu 65536"])
    ['$ ip a', '1: lo: <LOOPBACK,UP> mtu 65536']
    """
    written = [line for line in lines if line.strip()]
    for margin in MARGINS:
        if len(written) > 1 and all(map(margin.match, written)):
            return [margin.sub("", line, count=1) for line in lines]
    if _count_up(lines):
        return [NUMBERED.sub("", line, count=1) for line in lines]
    return lines


def _count_up(lines: list[str]) -> bool:
    """Whether each line begins with a number that is one more than the one before: replies of `ping` do not."""
    if len(lines) < 2:
        return False
    before: int | None = None
    for line in lines:
        found = NUMBERED.match(line)
        if not found:
            return False
        number = int(found[1])
        if before is not None and number != before + 1:
            return False
        before = number
    return True
