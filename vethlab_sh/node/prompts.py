"""Is a line a prompt, a remark or a terminal's chatter? Its looks tell, or the command behind the prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .commands import CERTAIN, is_command
from .shapes import shape

SIGN = r"[#$%>❯➜➤»λ✗▶]"
# An atomic group: a name is not given up sign by sign, which takes the square of a long line's time.
HOST = r"(?>[A-Za-z0-9](?:[\w.-]*\w)?)"
NAMED = (  # the prompt says which machine it is on
    re.compile(rf"\[[\w.-]+@(?P<host>{HOST})[^\]]*\]\s*{SIGN}(?:\s+(?P<line>.*))?$"),
    re.compile(rf"(?:\([\w.:-]+\)\s*)*[\w.-]+@(?P<host>{HOST})(?:[:\s][^#$%❯➜»]*)?{SIGN}(?:\s+(?P<line>.*))?$"),
    re.compile(rf"(?P<host>{HOST}):[~/\w][^\s#$%>]*\s*{SIGN}(?:\s+(?P<line>.*))?$"),
)
OPENING = re.compile(rf"[┌╭╔].{{0,100}}?[\w.-]{{1,64}}\s?[@㉿]\s?(?P<host>{HOST})")  # the first line of a prompt of two
ANONYMOUS = (  # it is a prompt whatever follows
    re.compile(r"(?:\([\w.-]+\)\s*)?[~/][^\s#$%>]*\s*[#$%]\s+(?P<line>.*)$"),
    re.compile(r"(?:[a-z]{0,3}sh)(?:-[\d.]+)?[#$%]\s*(?P<line>.*)$"),
    re.compile(rf"[└╰╚]\S*{SIGN}\s+(?P<line>.*)$"),
    re.compile(r"➜\s+\S+\s+(?:git:\(\S+\)\s*)?(?:✗\s*)?(?P<line>.*)$"),
    re.compile(r"(?:PS )?[A-Za-z]:\\[^>]*>\s*(?P<line>.*)$"),  # of Windows
    re.compile(r"[$❯➤λ»]\s+(?P<line>.*)$"),
)
ANY = re.compile(rf"(?P<prompt>.{{0,100}}?{SIGN}|\+{{1,4}})\s*(?P<line>[^\s#$%>].*)$")  # a prompt if a command follows
LONGEST = 4096  # signs of a line that is typed: a terminal hands on no longer one, termios(3)
USER_AT_HOST = re.compile(rf"[\w.-]+@(?P<host>{HOST})")
REMARK = re.compile(r"\s*(#|//|<!--|--\s)")
# What terminals and those who paste put between the lines: no output, and no end of one either.
CHATTER = re.compile(
    r"\s*(\.{3,}|…|[\[(<](\.{3}|…|snip)[\])>]|--More--|\(END\)|\[sudo\] password for \S+:|\S+'s password:"
    r"|Defaulted container .*|If you don't see a command prompt.*|command terminated with exit code \d+|Last login: .*"
    r"|Script (started|done).*|Connection to \S+ closed\.|Every [\d.]+s: .*|\^C)\s*$"
)


@dataclass(frozen=True)
class Prompt:
    """A prompt: the machine that it names, if it does, and the command behind it; an empty one is only a prompt."""

    host: str | None
    command: str


def prompt(line: str) -> Prompt | None:
    """The prompt at the beginning of a line, and the command after it; None when the line has none.

    A line that can only be a command counts as one without a prompt; one too long to be typed has none.
    """
    if len(line) > LONGEST:
        return None
    for pattern in NAMED:
        found = pattern.match(line)
        if found:
            command = found["line"] or ""
            return Prompt(found["host"], command.strip())
    found = OPENING.match(line)
    if found:
        return Prompt(found["host"], "")
    for pattern in ANONYMOUS:
        found = pattern.match(line)
        if found:
            return Prompt(None, found["line"].strip())
    return _by_command(line)


def _by_command(line: str) -> Prompt | None:
    """A prompt of looks that we do not know: it is one because a command follows."""
    found = ANY.match(line)
    if found and is_command(found["line"]):
        user = USER_AT_HOST.search(found["prompt"])
        host = user["host"] if user else None
        return Prompt(host, found["line"].strip())
    if is_command(line, CERTAIN) and not shape(line):
        return Prompt(None, line.strip())
    return None


def is_chatter(line: str) -> bool:
    """Whether a terminal or its programs put this line between others: `--More--`, a question for a password."""
    return CHATTER.match(line) is not None


def is_remark(line: str) -> bool:
    """Whether a line is what the one who pasted says: `# now the pod`."""
    return REMARK.match(line) is not None
