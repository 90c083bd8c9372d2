"""What of a text is a terminal session? What stands between fences, or all of it, less what a page or a mail added.

A fence may say any language: only blocks of a programming language or a format are left out, and even those are read
where a line in them looks like a prompt or a command's output. Between the fences stands prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .commands import is_command
from .prompts import names_machine
from .shapes import shape

# What may stand before every line of a text: a quote's sign, a time, and numbers, which have to count.
MARGINS = (re.compile(r"\s?>\s?"), re.compile(r"\[?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\]?\s"))
NUMBERED = re.compile(r"\s*(\d{1,6})(?:\t|[:.)|│]\s?| {1,2}|$)")
MOST_LEFT_OUT = 5  # lines that a list of numbered lines may leave out between two: blank ones, mostly
ALL_NUMBERED = re.compile(r"\s*\d+: \S+\s+(inet6?|link/)\b|\s*\d+: [^\s:]+:\s")  # `ip -o`: the number is a device's

FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<sign>`{3,}|~{3,})[ \t]*(?P<info>.*?)[ \t]*$")
CLOSED_BEHIND = re.compile(r"(?P<line>.*\S)\s*(?:`{3,}|~{3,})\s*$")
OTHER_LANGUAGES = {
    "yaml", "yml", "json", "go", "golang", "python", "py", "c", "cpp", "java", "js", "javascript", "ts", "typescript",
    "rust", "rs", "toml", "ini", "xml", "html", "css", "sql", "dockerfile", "makefile", "diff", "patch", "mermaid",
    "ruby", "php", "perl", "hcl", "terraform", "nginx", "proto", "lua", "jinja", "jinja2", "vim", "graphql",
}  # fmt: skip
LANGUAGE = re.compile(r"[\w+#-]*")


@dataclass(frozen=True)
class Line:
    """A line of a text: its number, its words, and whether it is of a session. A fence is none, but parts two.

    opens: of a fence, whether a block begins there.
    """

    number: int
    text: str
    is_session: bool = True
    is_fence: bool = False
    opens: bool = False


Numbered = list[tuple[int, str]]


def session_lines(text: str, first: int = 1) -> Iterator[Line]:
    """Every line of a text, numbered from first; in Markdown only what looks like a session is one."""
    lines = without_margin(text.removesuffix("\n").split("\n"))
    numbered = list(enumerate(lines, first))
    fences = sum(1 for line in lines if FENCE.match(line))
    if fences < 2:
        return (_alone(number, line) for number, line in numbered)
    return _between_fences(numbered)


def _alone(number: int, line: str) -> Line:
    """A line of a text without blocks; the one fence in it, whose other was cut off, is still none of the session."""
    fence = FENCE.match(line)
    if fence and not fence["info"]:
        return Line(number, "", is_session=False, is_fence=True)
    return Line(number, line)


def _between_fences(lines: Numbered) -> Iterator[Line]:
    """Block by block: what stands around the fences, and what is between them."""
    at = 0
    while at < len(lines):
        opening = _next_fence(lines, at)
        yield from _prose(lines[at:opening])
        if opening == len(lines):
            return
        closing = _closing_fence(lines, opening)
        yield from _block(lines[opening:closing])
        if closing < len(lines):
            number, line = lines[closing]
            yield from _end_of_block(number, line)
        at = closing + 1


def _next_fence(lines: Numbered, at: int) -> int:
    while at < len(lines) and not FENCE.match(lines[at][1]):
        at += 1
    return at


def _closing_fence(lines: Numbered, opening: int) -> int:
    """Where the block ends that is opened there: at a fence without words, or behind its last line; else at the end."""
    for at in range(opening + 1, len(lines)):
        _, line = lines[at]
        fence = FENCE.match(line)
        if (fence and not fence["info"]) or CLOSED_BEHIND.match(line):
            return at
    return len(lines)


def _end_of_block(number: int, line: str) -> Iterator[Line]:
    behind = CLOSED_BEHIND.match(line)
    if behind:
        yield Line(number, behind["line"])
    yield Line(number, "", is_session=False, is_fence=True)


def _block(lines: Numbered) -> Iterator[Line]:
    """The fence that opens a block, and the lines in it without its own indentation."""
    number, line = lines[0]
    fence = FENCE.match(line)
    if fence is None:
        return
    info = fence["info"]
    inside = [text for _, text in lines[1:]]
    if inside:
        inside = without_margin(inside)
    is_session = not _is_other_language(info, inside)
    yield Line(number, "", is_session=False, is_fence=True, opens=True)
    if _is_glued(info):  # the first line stands behind the fence
        yield Line(number, info)
    indent = len(fence["indent"])
    for (below, _), text in zip(lines[1:], inside, strict=True):
        if text[:indent].strip() == "":
            text = text[indent:]
        yield Line(below, text, is_session)


def _is_other_language(info: str, lines: Sequence[str]) -> bool:
    """Whether a block is of a language that nobody types in a terminal, and nothing in it looks typed or printed."""
    language, _, _ = info.partition(" ")
    if language.lower().strip("{.}") not in OTHER_LANGUAGES:
        return False
    return not any(_is_of_terminal(line) for line in lines)


def _is_glued(info: str) -> bool:
    """Whether what stands behind a fence is no language but the first line of the block."""
    if not info or info.lower() in OTHER_LANGUAGES:
        return False
    if shape(info) or names_machine(info):
        return True
    return LANGUAGE.fullmatch(info) is None and is_command(info.lstrip("$# "))


def _is_of_terminal(line: str) -> bool:
    """Whether a line looks printed by a command that has a table, or begins with a prompt that names its machine."""
    return shape(line) is not None or names_machine(line)


def _prose(lines: Numbered) -> Iterator[Line]:
    """What stands outside of fences: prose, but for paragraphs in which a line looks like a session's."""
    paragraph: Numbered = []
    for number, line in lines:
        if line.strip():
            paragraph.append((number, line))
            continue
        yield from _paragraph(paragraph)
        paragraph = []
        yield Line(number, line, is_session=False)
    yield from _paragraph(paragraph)


def _paragraph(lines: Numbered) -> Iterator[Line]:
    is_session = any(_is_of_terminal(line) for _, line in lines)
    for number, line in lines:
        yield Line(number, line, is_session)


# ---- what stands before each line ---------------------------------------------------------------------------


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
    start = _first_number(lines)
    if start is None:
        return lines
    return [*lines[:start], *_without_numbers(lines[start:])]


def _without_numbers(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        found = NUMBERED.match(line)
        if found is None:
            yield line
            continue
        # only the blank behind the number: what a device's lines are set in by stays
        yield line[found.end() :]


def _first_number(lines: Sequence[str]) -> int | None:
    """Where numbers begin that stand before each line and count up; None where they do not: a title may stand above.

    Replies of `ping` have numbers that do not count, and `ip -o link` those of devices.
    """
    start = _first(lines, lambda line: NUMBERED.match(line) is not None)
    if start is None or start > MOST_LEFT_OUT:
        return None
    before: int | None = None
    count = 0
    for line in lines[start:]:
        if not line.strip():
            continue
        found = NUMBERED.match(line)
        if not found or ALL_NUMBERED.match(line):
            return None
        number = int(found[1])
        if before is not None and not before < number <= before + MOST_LEFT_OUT:
            return None
        before = number
        count += 1
    is_titled = any(line.strip() for line in lines[:start])
    if count < 2 or (is_titled and count < 4):
        return None
    if any(_is_of_terminal(line) or is_command(line.lstrip("$# ")) for line in lines[:start]):
        return None
    return start


def _first(lines: Sequence[str], is_meant: Callable[[str], bool]) -> int | None:
    for at, line in enumerate(lines):
        if is_meant(line):
            return at
    return None
