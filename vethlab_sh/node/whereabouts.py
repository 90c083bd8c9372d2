"""Where is the one who types? At the machine of the last prompt, or in what a command has entered since."""

from __future__ import annotations

import shlex

from .places import Place, entered, is_shell

LEAVING = (["exit"], ["logout"])


class Whereabouts:
    """Where we are while a text is read, told by its prompts and by the commands that enter or leave a place."""

    def __init__(self, unnamed: str, places: dict[str, Place]) -> None:
        """unnamed: what to call a machine that no prompt names; places: those of the whole text by name, added to."""
        self.places = places
        self._unnamed = unnamed
        self._inside: list[Place] = []  # the machine, then what was entered from there
        self._entering = False  # the last command entered a place, and no prompt has told its name yet

    @property
    def here(self) -> Place:
        """Where we are now."""
        if not self._inside:
            self._inside.append(Place(self._unnamed, "machine"))
        place = self._inside[-1]
        self.places.setdefault(place.name, place)
        return place

    def prompt(self, host: str | None) -> None:
        """A prompt shows where we are: at the machine that it names, else where we were."""
        if host is None:
            return
        names = [place.name for place in self._inside]
        if host in names:  # left what was entered from there
            del self._inside[names.index(host) + 1 :]
        elif self._entering:  # the name of what was entered, in its own words
            place = self._inside[-1]
            self._inside[-1] = Place(host, place.kind, place.on)
        else:
            self._inside = [Place(host)]
        self._entering = False
        self.places.setdefault(host, self._inside[-1])

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
            self._inside += through
            self._entering = True
        if through and "|" not in line:  # a pipe is not in the words' power: its filters run outside
            return at, shlex.join(words)
        return at, line

    def _unmistakable(self, place: Place) -> Place:
        """The place, with its machine in its name when a namespace of that name is on another machine too."""
        namesake = self.places.get(place.name)
        if namesake is None or namesake.on is None or place.on is None:
            return place
        if namesake.on == place.on:
            return place
        return Place(f"{place.name} on {place.on}", place.kind, place.on)


def split(line: str) -> list[str]:
    """The words of a command line as a shell splits it; at its blanks where a quote is open."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()
