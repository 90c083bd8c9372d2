"""How may a line read that its parser refuses? Without a remark, with the flags that a browser ate, uncovered.

Nothing here is believed by itself: a way is taken only when the command's parser then knows every word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..tables import Row
from .marks import without_remark

LONGEST = 512  # signs of a line that is read in several ways
EATEN = "EATEN"  # stands for flags that are not known: no kernel has one of that name
WITHOUT_FLAGS = re.compile(r"(\s*\d+: [^\s:]+:)\s+(?=mtu \d)")  # `2: eth0: <UP> mtu 1500`, as a browser shows it
WITHOUT_FLAGS_BRIEF = re.compile(r"(\S+\s+(?:UP|DOWN|UNKNOWN)\s+[0-9a-fA-F:]+)\s*$")
FLAGS_BY_NUMBER = re.compile(r"(\S+: flags=)(\d+)\s+(?=mtu \d)")  # of ifconfig
# include/uapi/linux/if.h, as net-tools writes them
IFF = (
    (0x1, "UP"), (0x2, "BROADCAST"), (0x4, "DEBUG"), (0x8, "LOOPBACK"), (0x10, "POINTOPOINT"), (0x20, "NOTRAILERS"),
    (0x40, "RUNNING"), (0x80, "NOARP"), (0x100, "PROMISC"), (0x200, "ALLMULTI"), (0x400, "MASTER"), (0x800, "SLAVE"),
    (0x1000, "MULTICAST"), (0x8000, "DYNAMIC"),
)  # fmt: skip
# An address of which somebody made parts unreadable: 10.xx.xx.1, x.x.x.x/24, 52:54:00:xx:xx:xx, fe80::xxxx
PART = r"(?:\d{1,3}|[xX*#?]{1,3}|[a-dA-DxXyYzZnN])"
HIDDEN_IP = re.compile(rf"(?<![\w.:])(?=[\d.]*[^\d./\s]){PART}(?:\.{PART}){{3}}(?![\w.:-]|\.\d)")
HIDDEN_MAC = re.compile(r"(?<![\w:])(?=[0-9a-fA-F:]*[xX*#])[0-9a-fA-FxX*#]{2}(?::[0-9a-fA-FxX*#]{2}){5}(?![\w:])")
HIDDEN_IP6 = re.compile(r"(?<![\w:])(?=[0-9a-fA-F:]*[xX*])(?:[0-9a-fA-FxX*]{0,4}:){2,}[0-9a-fA-FxX*]{0,4}(?![\w:])")
PLAIN = re.compile(r"[0-9a-fA-F.:/]*|default")  # no sign of it hides anything
IN_BRACKETS = re.compile(
    r"<[A-Za-z][\w .-]*>|\[(?:redacted|hidden|snip|IP|MAC)\]|(?<!\S)(?:REDACTED|HIDDEN)(?!\S)", re.I
)


def readings(line: str, hidden: Hidden) -> Iterator[str]:
    """What a line may read like, the least changed first; nothing for one so long that nobody wrote it."""
    if len(line) > LONGEST:
        return
    flags = _with_flags(line)
    if flags != line:
        yield flags
    covered = hidden.cover(flags)
    if covered != flags:
        yield covered
    for shorter in without_remark(line):
        yield shorter
        mended = hidden.cover(_with_flags(shorter))
        if mended != shorter:
            yield mended


def _with_flags(line: str) -> str:
    """A device's line with flags where they are gone: those that its number tells, or a sign that they are unknown."""
    line = WITHOUT_FLAGS.sub(rf"\1 <{EATEN}> ", line)
    line = FLAGS_BY_NUMBER.sub(_by_number, line)
    return WITHOUT_FLAGS_BRIEF.sub(rf"\1 <{EATEN}>", line)


def _by_number(found: re.Match[str]) -> str:
    start, digits = found[1], found[2]
    number = int(digits)
    flags = [name for bit, name in IFF if number & bit]
    return f"{start}{number}<{','.join(flags)}>  "


class Hidden:
    """The addresses of an output that somebody made unreadable, each behind an address that a parser takes."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}  # what stands for a word, and the word

    def cover(self, line: str) -> str:
        """The line with an address instead of each unreadable one."""
        line = self._covered(HIDDEN_MAC, "02:00:5e:00:{:02x}:{:02x}", line)
        line = self._covered(HIDDEN_IP6, "3fff:fff:{:x}::{:x}", line)
        line = self._covered(HIDDEN_IP, "198.19.{}.{}", line)
        return self._covered(IN_BRACKETS, "198.19.{}.{}", line)

    def _covered(self, pattern: re.Pattern[str], form: str, line: str) -> str:
        """form: how the address is written that stands for what the pattern finds."""
        return pattern.sub(lambda found: self._stand_in(found[0], form), line)

    def _stand_in(self, word: str, form: str) -> str:
        for stand_in, known in self._words.items():
            if known == word:
                return stand_in
        high, low = divmod(len(self._words), 250)
        stand_in = form.format(high, low + 1)
        self._words[stand_in] = word
        return stand_in

    def uncovered(self, rows: Iterable[Row]) -> list[Row]:
        """The rows with what the text says; flags that a browser ate are unknown, and so is what they tell."""
        found = []
        for row in rows:
            if row.get("flags") == EATEN:
                row = {**row, "flags": None, "up": None, "carrier": None}
            if self._words:
                row = {column: self._word(value) for column, value in row.items()}
            found.append(row)
        return found

    def _word(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        for stand_in, word in self._words.items():
            bare = rf"(?<![\w.:]){re.escape(stand_in)}(?![\w:]|\.\d)"
            value = re.sub(bare, word.replace("\\", "\\\\"), value)
        return value


def is_hidden(value: str | None) -> bool:
    """Whether an address is one that somebody made unreadable, at least in part."""
    if value is None or PLAIN.fullmatch(value):
        return False
    return any(pattern.search(value) for pattern in (HIDDEN_IP, HIDDEN_MAC, HIDDEN_IP6, IN_BRACKETS))
