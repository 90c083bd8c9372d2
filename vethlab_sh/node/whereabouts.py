"""Where is the one who types? At the machine of the last prompt or heading, or in what a command has entered since.

A place has a name only if a prompt, a command or a heading gives it one. A prompt without a name stands where we were,
unless it looks like that of another shell, which nothing in the text has entered: that is another place, whose name is
not shown.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ..language import tr
from .commands import PROGRAMS
from .headings import Heading
from .places import ENTERING_ALONE, INTO_CONTAINER, INTO_POD, Place, entered, is_shell
from .prompts import OF_A_SHELL, Prompt

NOBODYS_NAMES = ("localhost", "localhost-localdomain")  # of every machine that nobody has named: a heading knows better
LEAVING = (["exit"], ["logout"])
SEVERAL = re.compile(r"\s*(?:;|&&|\|\|)\s*")  # between the commands of a line
SUBSTITUTED = re.compile(r"\$\([^()]*\)|`[^`]*`")
QUOTING = re.compile(r"[\\'\"$`]")  # without these a line is cut at its blanks
COVER = "\x01"  # no line of a text has it that a terminal would show
COVERED = re.compile(f"{COVER}(\\d+){COVER}")
# Programs of this room that print what is here; `cat` may print what was saved elsewhere
NOT_OF_HERE = INTO_POD | INTO_CONTAINER | set(ENTERING_ALONE) | {
    "multipass", "ssh", "nsenter", "cat", "for", "while", "tail", "head", "history", "curl", "wget", "unshare",
    "journalctl", "less", "more",
}  # fmt: skip


@dataclass
class Level:
    """A place on the way in, how the prompt there looks, and whether a heading has announced it."""

    place: Place
    look: str | None = None
    is_announced: bool = False


class Whereabouts:
    """Where we are while a text is read, told by its prompts, its headings and the commands that enter or leave."""

    def __init__(self, unnamed: str, places: dict[str, Place]) -> None:
        """unnamed: what to call a machine that no prompt names; places: those of the whole text by name, added to."""
        self.places = places
        self._unnamed = unnamed
        self._inside: list[Level] = []  # the machine, then what was entered from there
        self._entering = False  # the last command entered a place, and no prompt has told its name yet
        self._behind_fence = False  # a fence stands between, and nothing has told since whose the text is

    @property
    def here(self) -> Place:
        """Where we are now."""
        if not self._inside:
            self._inside.append(Level(Place(self._unnamed, "machine", is_named=False)))
        place = self._inside[-1].place
        self.places.setdefault(place.name, place)
        return place

    def begin_unnamed(self, number: int, kind: str = "") -> None:
        """What comes now, from this line on, is of a place that nothing names: it stays apart from the others."""
        name = tr("unnamed (line {line})", line=number)
        if kind == "pod":
            name = tr("container (line {line})", line=number)
        elif not self.places:
            name = self._unnamed
        elif self._unnamed in self.places:
            name = tr("{name} (line {line})", name=self._unnamed, line=number)
        self._inside = [Level(Place(name, kind, is_named=False))]
        self._entering = False
        self._behind_fence = False

    def heading(self, announced: Heading, number: int) -> None:
        """A heading announces where the next commands ran, if their prompts do not say it themselves."""
        kind = "pod" if announced.is_pod else ""
        if announced.name is None:
            self.begin_unnamed(number, kind)
            self._inside[-1].is_announced = True
            return
        self._behind_fence = False
        known = self._known(announced.name)
        place = known or Place(announced.name, kind or "machine")
        self._inside = [Level(place, is_announced=True)]
        self._entering = False

    def _known(self, name: str) -> Place | None:
        """A place that the text has named before, perhaps with other capitals."""
        for known, place in self.places.items():
            if known.lower() == name.lower():
                return place
        return None

    def prompt(self, shown: Prompt, number: int) -> None:
        """A prompt shows where we are: at the machine that it names, else where we were."""
        if shown.host is None:
            self._anonymous(shown, number)
            return
        if shown.host in NOBODYS_NAMES and self._inside and self._inside[0].is_announced:
            self._behind_fence = False
            return
        names = [level.place.name for level in self._inside]
        if shown.host in names:  # left what was entered from there
            del self._inside[names.index(shown.host) + 1 :]
        elif self._entering:  # the name of what was entered, in its own words
            place = self._inside[-1].place
            self._inside[-1] = Level(Place(shown.host, place.kind, place.on), "named")
        else:
            self._inside = [Level(Place(shown.host), "named")]
        self._inside[-1].look = "named"
        self._entering = False
        self._behind_fence = False
        self.places.setdefault(shown.host, self._inside[-1].place)

    def _anonymous(self, shown: Prompt, number: int) -> None:
        """A prompt without a name: where we were, one of the places we came through, or a place nobody named."""
        self.bare(number, shown.look)
        inner = self._inside[-1]
        if not shown.look:  # a command alone
            return
        if inner.look is None or inner.look == shown.look or self._entering:
            inner.look = shown.look
            return
        for depth, level in enumerate(self._inside[:-1]):
            if level.look == shown.look:
                del self._inside[depth + 1 :]
                return
        if _are_alike(inner.look, shown):
            return
        is_back = OF_A_SHELL.fullmatch(inner.look) is not None
        if shown.is_shells_own or is_back:
            self.begin_unnamed(number)
            self._inside[-1].look = shown.look

    def bare(self, number: int, look: str = "") -> None:
        """Something without a name comes, in this line: behind a fence it is of where we were only if a heading, or a
        command that entered the place, says so.
        """
        at = self.here
        inner = self._inside[-1]
        if not self._behind_fence:
            return
        self._behind_fence = False
        if inner.look is None or inner.is_announced:  # a heading or a command has told the place
            return
        has_entered = len(self._inside) > 1
        if has_entered and look in ("", inner.look):
            return
        if has_entered and any(level.look == look for level in self._inside[:-1]):
            return
        if at.name in self.places or at.is_named:
            self.begin_unnamed(number)

    def fence(self) -> None:
        """A fence parts two texts: who typed the next one is told anew."""
        self._behind_fence = True

    def command(self, line: str) -> tuple[Place, str]:
        """The place where a command line runs, and what runs there; what it enters or leaves is remembered."""
        at = self.here
        through, words = entered(split(line), at)
        if through:
            at = through[-1] = self._unmistakable(through[-1])
        if words and words != ["exit"]:
            self.places.setdefault(at.name, at)
        self._entering = False
        if words[:1] in LEAVING:
            del self._inside[max(1, len(self._inside) - 1) :]
        elif through and is_shell(words):
            self._inside += [Level(place) for place in through]
            self._entering = True
        if not through and words == split(line):
            return at, line
        if any(word.endswith(";") or word in ("&&", ";", "||") for word in words):  # of `sh -c 'ip a; ip r'`
            return at, " ".join(words)
        if "|" not in line:  # a pipe is not in the words' power: its filters run outside
            return at, shlex.join(words)
        return at, line

    def _unmistakable(self, place: Place) -> Place:
        """The place, with its machine in its name when a namespace of that name is on another machine too."""
        namesake = self.places.get(place.name)
        if namesake is None or namesake.on is None or place.on is None:
            return place
        if namesake.on == place.on:
            return place
        return Place(tr("{name} on {machine}", name=place.name, machine=place.on), place.kind, place.on)


def _are_alike(look: str, shown: Prompt) -> bool:
    """Whether two prompts can be one shell's, in another directory: `/ #` and `/etc #`, `~ $` and `/tmp $`."""
    if not shown.is_shells_own or look[0] not in "/~" or shown.look[0] not in "/~":
        return False
    return look[-1] == shown.look[-1]


def split(line: str) -> list[str]:
    """The words of a command line as a shell splits it; at its blanks where a quote is open.

    What stands in `$(...)` is one word: it names something, though nobody sees what.

    >>> split("docker exec $(docker ps -q) ip a")
    ['docker', 'exec', '$(docker ps -q)', 'ip', 'a']
    """
    if not QUOTING.search(line):
        return line.split()
    substituted: list[str] = []

    def cover(found: re.Match[str]) -> str:
        number = len(substituted)
        substituted.append(found.group())
        return f"{COVER}{number}{COVER}"

    covered = SUBSTITUTED.sub(cover, line)
    try:
        words = shlex.split(covered)
    except ValueError:
        words = covered.split()
    if not substituted:
        return words
    return [COVERED.sub(lambda found: substituted[int(found[1])], word) for word in words]


def is_of_here(line: str) -> bool:
    """Whether all that a line prints can only be of the place where it was typed.

    >>> is_of_here("echo x; ip a"), is_of_here("for n in a b; do ssh $n ip a; done"), is_of_here("frob c1 ip a")
    (True, False, False)
    """
    for part in SEVERAL.split(line):
        words = split(part)
        while words[:1] == ["sudo"]:
            words = words[1:]
        if not words:
            continue
        program = words[0].rsplit("/", 1)[-1]
        if program in NOT_OF_HERE or program not in PROGRAMS:
            return False
    return True
