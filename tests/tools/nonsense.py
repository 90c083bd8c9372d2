"""Does anything decide by reading prose? With nonsense for every sentence it is found out.

It is another one each time that it is made, so that who compares two of them is found out as well.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from unittest.mock import patch

import vethlab_sh

ROOMS = ("packet.", "claims.", "drills.", "wiring.change", "scenarios.step")
# What a field is called that holds a sentence, or a clause of one.
PROSE = ("why", "reason", "ruled_out", "sentence", "verdict", "ticket", "explanation", "look", "known")
# nft's own word for what a rule does with a packet: it is read, and not ours.
NOT_OURS = ("packet.causes.trace", "Step", "verdict")
WORD = "frump"
NUMBERS = itertools.count()


def nonsense() -> str:
    """A sentence that says nothing, another one each time."""
    return f"{WORD} {next(NUMBERS)} gnarls"


def prose() -> Iterator[tuple[type, list[str]]]:
    """Each type that holds sentences, with the fields that do."""
    for module in pkgutil.walk_packages(vethlab_sh.__path__, "vethlab_sh."):
        room = module.name.removeprefix("vethlab_sh.")
        if not room.startswith(ROOMS):
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if not (is_dataclass(kind) and kind.__module__ == module.name):
                continue
            names = [field.name for field in fields(kind) if field.name in PROSE]
            names = [field for field in names if (room, name, field) != NOT_OURS]
            if names:
                yield kind, names


@contextmanager
def only_nonsense() -> Iterator[None]:
    """Whatever is made in here has nonsense for its sentences; what is no sentence (None, "") stays."""
    patches = [patch.object(kind, "__init__", _made_with_nonsense(kind, names)) for kind, names in prose()]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def _made_with_nonsense(kind, names):
    make = kind.__init__

    def made(self, *words, **more):
        make(self, *words, **more)
        for name in names:
            value = getattr(self, name)
            if isinstance(value, str) and value:
                object.__setattr__(self, name, nonsense())
            elif isinstance(value, tuple):
                object.__setattr__(self, name, tuple(nonsense() for _ in value))

    return made
