"""Is a line a prompt, a remark or a terminal's chatter? Its looks tell, or the command behind the prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .commands import CERTAIN, is_command
from .places import SHELLS
from .shapes import is_printed, shape

SIGN = r"[#$%>❯➜➤»λ✗▶]"
# An atomic group: a name is not given up sign by sign, which takes the square of a long line's time.
HOST = r"(?>[A-Za-z0-9](?:[\w.-]*\w)?)"
NAMED = (  # the prompt says which machine it is on
    re.compile(rf"\[[\w.-]+@(?P<host>{HOST})[^\]]*\]\s*{SIGN}(?:\s+(?P<line>.*))?$"),
    re.compile(rf"(?:\([\w.:-]+\)\s*)*[\w.-]+@(?P<host>{HOST})(?:[:\s][^#$%❯➜»<]*)?{SIGN}(?:\s+(?P<line>.*))?$"),
    re.compile(rf"(?P<host>{HOST}):[~/\w][^\s#$%>]*\s*{SIGN}(?:\s+(?P<line>.*))?$"),
)
# The first line of a prompt of two
OPENING = re.compile(
    rf"[┌╭╔].{{0,100}}?[\w.-]{{1,64}}\s?[@㉿]\s?(?P<host>{HOST})"
    rf"|#? ?[\w.-]{{1,64}} @ (?P<host2>{HOST}) in \S+.*$"
    rf"|[\w.-]{{1,64}}@(?P<host3>{HOST}):? [~/]\S*(?: \([^)]*\)| \[[^\]]*\])?\s*$"
)
ANONYMOUS = (  # it is a prompt whatever follows
    re.compile(r"(?P<prompt>(?:\([\w.-]+\)\s*)?[~/][^\s#$%>]*\s*[#$%])\s+(?P<line>.*)$"),
    re.compile(r"(?P<prompt>(?:[a-z]{0,3}sh)(?:-[\d.]+)?[#$%])\s*(?P<line>.*)$"),
    re.compile(rf"(?P<prompt>[└╰╚]\S*{SIGN})\s+(?P<line>.*)$"),
    re.compile(r"(?P<prompt>➜\s+\S+)\s+(?:git:\(\S+\)\s*)?(?:✗\s*)?(?P<line>.*)$"),
    re.compile(r"(?P<prompt>(?:PS )?[A-Za-z]:\\[^>]*>)\s*(?P<line>.*)$"),  # of Windows
    re.compile(r"(?P<prompt>In \[[\d ]*\]:)\s*!?(?P<line>.*)$"),  # of IPython
    re.compile(r"(?P<prompt>[$❯➤λ»])\s+(?P<line>.*)$"),
)
ANY = re.compile(rf"(?P<prompt>.{{0,100}}?{SIGN}|\+{{1,4}})\s*(?P<line>[^\s#$%>].*)$")  # a prompt if a command follows
LONGEST = 4096  # signs of a line that is typed: a terminal hands on no longer one, termios(3)
USER_AT_HOST = re.compile(rf"[\w.-]+@(?P<host>{HOST})")
# A prompt that has nothing but the machine's name in it, and where one is
BARE_NAME = re.compile(
    rf"\[?(?P<host>{HOST})(?:(?::|\s+)(?:~|/)[\w./~-]*)?\s*\]?\s*{SIGN}$|\[(?P<host2>{HOST})\s+[^\]\s]+\]\s*{SIGN}$"
)
NO_NAMES = SHELLS | {"user", "root", "me", "command", "cmd", "shell", "output", "host"}
# A shell's own prompt, of BusyBox or of bash without a profile: whoever abbreviates a prompt does not write these
OF_A_SHELL = re.compile(r"[~/][^\s#$%>]*\s*[#$]|[a-z]{0,3}sh(?:-[\d.]+)?[#$%]")
REMARK = re.compile(r"\s*(#|//|<!--|--\s)")
# What terminals and those who paste put between the lines: no output, and no end of one either.
CHATTER = re.compile(
    r"\s*(\.{3,}|…+|\.\.\. ?\S+ ?\.\.\.|[\[(<](\.{3}|…|snip|省略|truncated|omitted)[\])>]|--More--|\(END\)"
    r"|-{3,}\s*(snip|8<|>8).*|\[sudo\] (password for|.* 的密码)[^:：]*[:：]"
    r"|\S+'s password:"
    r"|Defaulted container .*|Defaulting debug container name .*|If you don't see a command prompt.*"
    r"|command terminated with exit code \d+|Last login: .*"
    r"|Script (started|done).*|Connection to \S+ closed\.|Every [\d.]+s: .*|\^C|exit|logout"
    r"|Warning: Permanently added .*)\s*$"
)
LEFT_OUT = re.compile(r"\s*(\.{3,}|…+|[\[(<](\.{3}|…|snip|省略|truncated|omitted)[\])>]|-{3,}\s*(snip|8<|>8).*)\s*$")


@dataclass(frozen=True)
class Prompt:
    """A prompt: the machine that it names, if it does, and the command behind it; an empty one is only a prompt.

    look: how it looks, by which a shell is known again; is_shells_own: whether it is one that only a shell writes, and
    nobody as a short form of his own.
    """

    host: str | None
    command: str
    look: str = ""
    is_shells_own: bool = False


def prompt(line: str) -> Prompt | None:
    """The prompt at the beginning of a line, and the command after it; None when the line has none.

    A line that can only be a command counts as one without a prompt; one too long to be typed has none.
    """
    if len(line) > LONGEST or is_printed(line):
        return None
    for pattern in NAMED:
        found = pattern.match(line)
        if found:
            command = found["line"] or ""
            return Prompt(found["host"], command.strip())
    opening = OPENING.match(line)
    if opening:
        return Prompt(opening["host"] or opening["host2"] or opening["host3"], "")
    for pattern in ANONYMOUS:
        found = pattern.match(line)
        if found:
            return _anonymous(found["prompt"], found["line"].strip())
    return _by_command(line)


def _anonymous(look: str, command: str) -> Prompt:
    return Prompt(None, command, look, OF_A_SHELL.fullmatch(look) is not None)


def _by_command(line: str) -> Prompt | None:
    """A prompt of looks that we do not know: it is one because a command follows."""
    found = ANY.match(line)
    if found and is_command(found["line"]):
        look = found["prompt"].strip()
        host = _host(look)
        if host:
            return Prompt(host, found["line"].strip())
        return _anonymous(look, found["line"].strip())
    if is_command(line, CERTAIN) and not shape(line):
        return Prompt(None, line.strip())
    return None


def _host(look: str) -> str | None:
    """The machine that a prompt names, with its user before it or alone."""
    user = USER_AT_HOST.search(look)
    if user:
        return user["host"]
    bare = BARE_NAME.fullmatch(look)
    if bare is None:
        return None
    name: str = bare["host"] or bare["host2"]
    shell, _, version = name.partition("-")
    if name.lower() in NO_NAMES or (shell in NO_NAMES and version[:1].isdigit()):
        return None
    return None if name.isdigit() else name


def names_machine(line: str) -> bool:
    """Whether a line begins with a prompt that names its machine, and a command follows."""
    found = prompt(line)
    if found is None or found.host is None:
        return False
    return is_command(found.command)


def is_chatter(line: str) -> bool:
    """Whether a terminal or its programs put this line between others: `--More--`, a question for a password."""
    return CHATTER.match(line) is not None


def leaves_out(line: str) -> bool:
    """Whether a line says that others were left out: `...`, `[snip]`."""
    return LEFT_OUT.match(line) is not None


def is_remark(line: str) -> bool:
    """Whether a line is what the one who pasted says: `# now the pod`."""
    return REMARK.match(line) is not None
