"""What is mounted where? As a process's `mountinfo` tells it: proc(5)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Mounted:
    """One mount: the number of its device, the folder of it that is shown, where, of what kind, and its options."""

    device: int
    root: str
    point: str
    kind: str
    options: tuple[str, ...]


def mounted(lines: Iterable[str]) -> Iterator[Mounted]:
    """The mounts that the lines of a `mountinfo` list, in their order."""
    for line in lines:
        before, _, after = line.partition(" - ")  # between them stand fields of which there may be any number
        _, _, device, root, point = before.split()[:5]
        kind, *_, options = after.split()
        major, _, minor = device.partition(":")
        yield Mounted(
            device=os.makedev(int(major), int(minor)),
            root=_plain(root),
            point=_plain(point),
            kind=kind,
            options=tuple(options.split(",")),
        )


def _plain(point: str) -> str:
    """A path as /proc writes it, with octal numbers for blanks, as it is.

    >>> _plain("/run/two\\\\040words")
    '/run/two words'
    """
    characters = point.encode().decode("unicode_escape")  # each stands for a byte
    octets = characters.encode("latin-1")
    return octets.decode("utf-8", "surrogateescape")
