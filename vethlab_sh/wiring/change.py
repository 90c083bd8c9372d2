"""What is one change? A thing that appeared, vanished or is another now, with its sentence for the learner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..facts import Fact
from ..language import tr
from ..markup import keep_printable
from ..snapshot import Row, Snapshot

APPEARED, VANISHED, CHANGED = "+", "-", "~"

F = TypeVar("F", bound="Fact | tuple[Fact, ...]")
Key = TypeVar("Key", bound="tuple[object, ...]")


@dataclass(frozen=True)
class Change:
    """One thing that is no longer as it was.

    sign: + appeared, - vanished, ~ changed; what: namespace, link, address, route, neighbour, fdb, setting, rule (of
    policy routing) or filter; namespace; name: the device, where there is one; sentence: for the learner.
    """

    sign: str
    what: str
    namespace: str
    name: str
    sentence: str

    def __post_init__(self) -> None:
        keep_printable(self, "sentence")

    @property
    def row(self) -> Row:
        """It as a table has it."""
        return {
            "sign": self.sign,
            "what": self.what,
            "namespace": self.namespace,
            "name": self.name,
            "change": self.sentence,
        }


Finder = Callable[[Snapshot, Snapshot], Iterator[Change]]


def by_key(facts: Iterable[F], key: Callable[[F], Key]) -> dict[Key, F]:
    """Facts by what makes each the same one in another snapshot."""
    return {key(fact): fact for fact in facts}


def only_in(one: Mapping[Key, F], other: Mapping[Key, F]) -> list[F]:
    """The facts of one whose key the other has not."""
    return [fact for key, fact in one.items() if key not in other]


def names(snapshot: Snapshot) -> set[str]:
    """The names of its namespaces."""
    return {space.namespace for space in snapshot.rows.namespaces}


def switch(is_on: bool | None) -> str:
    """How the state of a switch is told."""
    return tr("on") if is_on else tr("off")
