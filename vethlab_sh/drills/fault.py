"""What is a drill made of? Data only: a world that works, a fault in it, and what is known about both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from .. import scenarios
from ..inside import all_inside as all_at
from ..inside import inside as at
from ..tables import recognise

ONLY_LOOKS = ("iptables", "printf ")


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
        return f"Run `{self.command}`. {self.look}"


@dataclass(frozen=True)
class Wrong:
    """A repair that is none: its lines, lines that take them back, and words of the sentence that refuses it."""

    lines: tuple[str, ...]
    undo: tuple[str, ...]
    refused: str


@dataclass(frozen=True)
class Fault:
    """One drill, with the names and addresses of one seed.

    world; ticket: the symptom, as a user tells it; plant: lines that make the fault; symptom: claims that are false
    until it is mended; claims: what else has to hold then; hints: one after the other; repairs: lists of lines, each
    of which mends it; wrong: repairs that are refused; explanation: for the end.
    """

    world: World
    ticket: str
    plant: tuple[str, ...]
    symptom: tuple[str, ...]
    hints: tuple[Hint, ...]
    repairs: tuple[tuple[str, ...], ...]
    wrong: tuple[Wrong, ...]
    explanation: str
    claims: tuple[str, ...] = ()

    @property
    def holds(self) -> tuple[str, ...]:
        """All that is not a ping and has to hold in the end."""
        every = (*self.world.holds, *self.claims, *(claim for claim in self.symptom if not is_ask(claim)))
        return tuple(dict.fromkeys(every))

    @property
    def asks(self) -> tuple[str, ...]:
        """All pings that have to be answered in the end, those of the symptom first."""
        return tuple(dict.fromkeys((*filter(is_ask, self.symptom), *self.world.asks)))


Maker = Callable[[Random], Fault]


def is_ask(claim: str) -> bool:
    """Whether a claim is about a ping."""
    return " can reach " in claim


def laid(name: str, values: Mapping[str, str], **options: int) -> tuple[str, ...]:
    """The lines that lay a scenario, with other values: looks, pings and what is shown to fail are left out."""
    steps = [step for step in scenarios.load(name, **options).steps if 0 in step.expect]
    lines = [at(step.at, line) for step in steps for line in step.lines if _lays(line)]
    return tuple(with_values(line, values) for line in lines)


def _lays(line: str) -> bool:
    return line.startswith("sysctl -w") or not (recognise(line) or line.startswith(ONLY_LOOKS))


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The text with each key replaced by its value; a key stands for the beginning of a word.

    >>> with_values("ip addr add 10.244.0.4/24 dev eth0", {"10.244.": "10.7."})
    'ip addr add 10.7.0.4/24 dev eth0'
    """
    keys = sorted(values, key=len, reverse=True)
    pattern = r"(?<![\w-])(" + "|".join(map(re.escape, keys)) + ")"
    return re.sub(pattern, lambda found: values[found[1]], text) if keys else text


def ask(source: str, target: str, routers: int = 0) -> str:
    """The claim that a ping is answered, and through how many routers."""
    return f"{source} can reach {target} through {routers} routers"


def moved(thing: Any, values: Mapping[str, str]) -> Any:
    """A fault, or a part of one, with other values in all its texts."""
    if isinstance(thing, str):
        return with_values(thing, values)
    if isinstance(thing, tuple):
        return tuple(moved(part, values) for part in thing)
    return replace(thing, **{part.name: moved(getattr(thing, part.name), values) for part in fields(thing)})


# --- repairs that are none ----------------------------------------------------------------------------------------


def alias(thief: str, address: str, owner: str) -> Wrong:
    """Give the address to the one who asks for it: then it answers itself."""
    line = f"{{}} {address}/32 dev lo"
    return Wrong(
        (at(thief, "ip link set lo up"), at(thief, "ip addr " + line.format("add"))),
        (at(thief, "ip addr " + line.format("del")),),
        f"belong to {owner} alone",
    )


def side_cable(one: str, address: str, other: str, address2: str) -> Wrong:
    """Join the two by a cable of their own, past all that is to be mended."""
    return Wrong(
        (
            f"ip link add name side1 netns {one} type veth peer name side2 netns {other}",
            *all_at(one, ("ip link set side1 up", f"ip route add {address2}/32 dev side1 src {address}")),
            *all_at(other, ("ip link set side2 up", f"ip route add {address}/32 dev side2 src {address2}")),
        ),
        (at(one, "ip link del side1"),),
        "so through side",
    )


def no_use(lines: Iterable[str], undo: Iterable[str], refused: str = "gets no answer") -> Wrong:
    """What does not help."""
    return Wrong(tuple(lines), tuple(undo), refused)
