"""Which veth pair does a typed line make, and which device does it move? The words of `ip link` tell both."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ..facts import Device
from .pasted import Typed

PAIR = re.compile(r" ad?d? (?:name )?(?P<one>\S+) (?:.* )?type veth (?:.* )?peer (?:name )?(?P<two>\S+)")
MOVE = re.compile(r" s\w* (?:dev )?(?P<name>\S+) (?:.* )?netns (?P<namespace>\S+)")


@dataclass(frozen=True)
class Made:
    """A veth pair that a line makes: both ends, where they are then, and the line's number."""

    one: Device
    two: Device
    line: int


@dataclass(frozen=True)
class Moved:
    """A device that a line moves into another namespace."""

    device: Device
    to: Device


def effect(typed: Typed) -> Made | Moved | None:
    """What a command does to a veth pair, as far as its words tell."""
    line = _ip_link(typed.inner)
    if line is None:
        return None
    at = typed.at.name
    pair = PAIR.search(line)
    if pair:
        return Made((at, pair["one"]), (at, pair["two"]), typed.number)
    move = MOVE.search(line)
    if move:
        return Moved((at, move["name"]), (move["namespace"], move["name"]))
    return None


def _ip_link(line: str) -> str | None:
    """The words of an `ip link` command, one blank between two; None for any other line."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if len(words) < 4 or not words[0].endswith("ip"):
        return None
    is_link = any("link".startswith(word) for word in words[1:4])  # options may stand before it
    return " ".join(words) if is_link else None
