"""What is a drill made of? Data only: a world that works, a fault in it, and what is known about both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from .. import scenarios
from ..inside import all_inside, inside
from ..language import tr
from ..packet.causes.cause import Cause
from ..tables import recognise

# Programs of which a scenario makes looks that have no table: rules that only count, and sums of a name.
ONLY_LOOK = ("iptables", "printf ")


@dataclass(frozen=True)
class World:
    """A lab that works.

    scenario: the lesson it is laid by; lines: what lays it, as typed on master; asks: every ping that is answered, as
    claims; holds: every address, cable and tunnel, as claims, so that no repair can go around them.
    """

    scenario: str
    lines: tuple[str, ...]
    asks: tuple[str, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True)
class Hint:
    """A command worth running, and what to look for in its output."""

    command: str
    look: str

    def __str__(self) -> str:
        return tr("Run `{command}`. {look}", command=self.command, look=self.look)


@dataclass(frozen=True)
class Wrong:
    """A repair that is none.

    lines: what is tried; undo: lines that take them back; untrue: the claim that does not hold then, or the words that
    it has after its first name.
    """

    lines: tuple[str, ...]
    undo: tuple[str, ...]
    untrue: str


@dataclass(frozen=True, repr=False)
class Fault:
    """One drill, with the names and addresses of one seed.

    world; ticket: the symptom, as a user tells it; plant: lines that make the fault; unanswered: the pings that get no
    answer until it is mended, as claims, that of the ticket first; untrue: other claims that do not hold until then;
    claims: what else has to hold in the end; hints: one after the other; repairs: lists of lines, each of which mends
    it; wrong: repairs that are refused; explanation: for the end. causes: what a verdict on the broken network may call
    it (`Cause`), and named: what its reason has to name; word: for the fault, `missing-fdb`, told when it is over.
    """

    world: World
    ticket: str
    plant: tuple[str, ...]
    unanswered: tuple[str, ...]
    hints: tuple[Hint, ...]
    repairs: tuple[tuple[str, ...], ...]
    wrong: tuple[Wrong, ...]
    explanation: str
    causes: tuple[Cause, ...]
    named: tuple[str, ...]
    untrue: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    word: str = ""

    def __repr__(self) -> str:
        return tr("<Fault: `.ticket` tells how it shows; a notebook keeps what is shown, so no more is told here>")

    @property
    def symptom(self) -> tuple[str, ...]:
        """The claims that are false until it is mended, pings first."""
        return self.unanswered + self.untrue

    @property
    def holds(self) -> tuple[str, ...]:
        """All that is not a ping and has to hold in the end."""
        return _each_once(self.world.holds + self.claims + self.untrue)

    @property
    def asks(self) -> tuple[str, ...]:
        """All pings that have to be answered in the end, those of the symptom first."""
        return _each_once(self.unanswered + self.world.asks)


Maker = Callable[[Random], Fault]


def _each_once(claims: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(claims))


def ask(source: str, target: str, routers: int = 0) -> str:
    """The claim that a ping is answered, and through how many routers."""
    return f"{source} can reach {target} through {routers} routers"


# --- other names and addresses --------------------------------------------------------------------------------------


def laid(name: str, values: Mapping[str, str], **options: int) -> tuple[str, ...]:
    """The lines that lay a scenario, with other values: looks, pings and what is shown to fail are left out."""
    lines = []
    for step in scenarios.load(name, **options).steps:
        if 0 not in step.expect:
            continue
        lines += [inside(step.at, line) for line in step.lines if _lays(line)]
    return tuple(with_values(line, values) for line in lines)


def _lays(line: str) -> bool:
    if line.startswith("sysctl -w"):  # which has a table, too
        return True
    return not recognise(line) and not line.startswith(ONLY_LOOK)


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The text with each key replaced by its value; a key stands for the beginning of a word.

    >>> with_values("ip addr add 10.244.0.4/24 dev eth0", {"10.244.": "10.7."})
    'ip addr add 10.7.0.4/24 dev eth0'
    """
    if not values:
        return text
    keys = sorted(values, key=len, reverse=True)  # where one begins another, the longer one is meant
    either = "|".join(re.escape(key) for key in keys)
    return re.sub(rf"(?<![\w-])({either})", lambda match: values[match[1]], text)


def renamed(fault: Fault, values: Mapping[str, str]) -> Fault:
    """The fault with other values in all its texts."""
    other: Fault = _renamed(fault, values)
    return other


def _renamed(thing: Any, values: Mapping[str, str]) -> Any:
    if isinstance(thing, Cause):
        return thing
    if isinstance(thing, str):
        return with_values(thing, values)
    if isinstance(thing, tuple):
        return tuple(_renamed(part, values) for part in thing)
    parts = {part.name: _renamed(getattr(thing, part.name), values) for part in fields(thing)}
    return replace(thing, **parts)


# --- repairs that are none ------------------------------------------------------------------------------------------


def alias(thief: str, address: str, owner: str) -> Wrong:
    """Give the address to the one who asks for it: then it answers itself."""
    return Wrong(
        lines=all_inside(thief, ("ip link set lo up", f"ip addr add {address}/32 dev lo")),
        undo=(inside(thief, f"ip addr del {address}/32 dev lo"),),
        untrue=f"{address} belongs to {owner}",
    )


def side_cable(one: str, address: str, other: str, address2: str) -> Wrong:
    """Join the two by a cable of their own, past all that is to be mended."""
    return Wrong(
        lines=(
            f"ip link add name side1 netns {one} type veth peer name side2 netns {other}",
            *all_inside(one, ("ip link set side1 up", f"ip route add {address2}/32 dev side1 src {address}")),
            *all_inside(other, ("ip link set side2 up", f"ip route add {address}/32 dev side2 src {address2}")),
        ),
        undo=(inside(one, "ip link del side1"),),
        untrue="sends to",
    )


def no_use(lines: Iterable[str], undo: Iterable[str], untrue: str = "can reach") -> Wrong:
    """What does not help."""
    return Wrong(tuple(lines), tuple(undo), untrue)
