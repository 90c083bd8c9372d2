"""Which veth pair does a typed line make, and which device does it move? The words of `ip link` tell both."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ..facts import Device
from .pasted import Typed

ADD = ("a", "ad", "add")
SET = ("s", "se", "set")


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
    words = _ip_link(typed.inner)
    at = typed.at.name
    ends = _pair(words)
    if ends:
        one, two = ends
        return Made((at, one), (at, two), typed.number)
    move = _move(words)
    if move:
        name, namespace = move
        return Moved((at, name), (namespace, name))
    return None


def _ip_link(line: str) -> list[str]:
    """The words of an `ip link` command; none of any other line."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    if len(words) < 4 or not words[0].endswith("ip"):
        return []
    is_link = any("link".startswith(word) for word in words[1:4])  # options may stand before it
    return words if is_link else []


def _pair(words: Sequence[str]) -> tuple[str, str] | None:
    """The ends of `add [name] ONE ... type veth ... peer [name] TWO`."""
    verb = _first(words, ADD, 1)
    if verb is None:
        return None
    one = _named(words, verb + 1, "name")
    kind = _first(words, ("type",), verb + 2)
    if kind is None or list(words[kind + 1 : kind + 2]) != ["veth"]:
        return None
    peer = _first(words, ("peer",), kind + 2)
    if peer is None:
        return None
    two = _named(words, peer + 1, "name")
    return (one, two) if one and two else None


def _move(words: Sequence[str]) -> tuple[str, str] | None:
    """The device and the namespace of `set [dev] NAME ... netns NAMESPACE`."""
    verb = _first(words, SET, 1)
    if verb is None:
        return None
    name = _named(words, verb + 1, "dev")
    goal = _first(words, ("netns",), verb + 2)
    if goal is None:
        return None
    namespace = _named(words, goal + 1)
    return (name, namespace) if name and namespace else None


def _first(words: Sequence[str], meant: Sequence[str], start: int) -> int | None:
    """Where the first of some words stands, from a place on."""
    for place in range(start, len(words)):
        if words[place] in meant:
            return place
    return None


def _named(words: Sequence[str], place: int, before: str = "") -> str | None:
    """The word at a place, or the next one behind a word that may stand before it; None where the line has ended."""
    if before and list(words[place : place + 1]) == [before]:
        place += 1
    if place >= len(words):
        return None
    return words[place]
