"""How do namespaces with their cables joined read? As tables, as sentences, as a picture and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from .. import markup
from ..errors import package
from ..facts import as_row
from ..language import tr
from ..snapshot import BESIDE_SETTINGS, COLUMNS, KINDS, Facts, Snapshot
from ..wiring import characters, ink, layout
from . import cables as cabling
from .cables import Cable
from .cni import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

F = TypeVar("F")
Row = dict[str, Any]  # of a table, or of JSON
FIELDS: dict[type, tuple[str, ...]] = {kind: tuple(field.name for field in fields(kind)) for kind in KINDS.values()}
# The cables are told otherwise here, and a real node is not asked for its rules and filters
TABLES = tuple(name for name in COLUMNS if name not in ("wires", *BESIDE_SETTINGS))


@dataclass(frozen=True, repr=False)
class Wired(markup.AsText):
    """Namespaces, pasted or this machine's, with their cables joined.

    snapshot: everything, in the tables of a snapshot; findings: for each machine its network, with the signs.
    """

    snapshot: Snapshot
    findings: tuple[Finding, ...]

    @property
    def links(self) -> DataFrame:
        """A row a device."""
        return self.snapshot.links

    @cached_property
    def cables(self) -> tuple[Cable, ...]:
        """Each veth pair with what both sides' tables say of it."""
        return cabling.cables(self.snapshot)

    @property
    def wire_rows(self) -> list[Row]:
        """The cables as rows of a table."""
        return [as_row(cable, cabling.COLUMNS) for cable in self.cables]

    @property
    def wires(self) -> DataFrame:
        """A row a cable: both ends, its bridge, the route to the pod, who answers the pod's ARP (see cables.Cable)."""
        pandas = package("pandas")

        return pandas.DataFrame(self.wire_rows, columns=list(cabling.COLUMNS)).convert_dtypes()

    @property
    def finding(self) -> str:
        """flannel, calico or neither, machine by machine, with the signs and, in pasted text, their lines."""
        return "\n".join(map(str, self.findings))

    @property
    def sentences(self) -> list[str]:
        """Each cable in words."""
        sentences = []
        for cable in self.cables:
            words = cabling.sentence(cable)
            sentences.append(markup.printable(words))
        return sentences

    @property
    def listed_cables(self) -> str:
        """The same as a list."""
        return "\n".join(f"- {sentence}" for sentence in self.sentences)

    def as_text(self, unicode: bool = True) -> str:
        """The wiring in characters; nothing when there is no device."""
        if not self.snapshot.rows.links:
            return ""
        return characters.as_text(self.printable, unicode)

    def draw(self, ax: Axes | None = None, routes: bool = False) -> Axes:
        """The wiring as far as it is known, as matplotlib axes; an end that is out of sight has a `?`."""
        with ink.legible():
            picture = layout.layout(self.printable, routes=routes)
            return ink.draw(picture, ax)

    @cached_property
    def printable(self) -> Snapshot:
        """The snapshot for pictures: in its names stands nothing that a terminal or a web page would obey."""
        rows = self.snapshot.rows
        return Snapshot(
            Facts(
                namespaces=_printable(rows.namespaces),
                links=_printable(rows.links),
                addresses=_printable(rows.addresses),
                routes=_printable(rows.routes),
                neighbours=_printable(rows.neighbours),
                fdb=_printable(rows.fdb),
                settings=_printable(rows.settings),
                wires=_printable(rows.wires),
            )
        )

    def as_dict(self) -> Row:
        """Everything, for programs."""
        facts = self.snapshot.rows
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "wires": self.wire_rows,
            "snapshot": {name: facts[name] for name in TABLES},
        }

    def _repr_html_(self) -> str:
        finding = escape(self.finding)
        cables = markup.table(self.wire_rows, cabling.COLUMNS, title=tr("Cables"))
        picture = escape(self.as_text())
        return f"<pre>{finding}</pre>\n{cables}\n<pre>{picture}</pre>"


def _printable(facts: Iterable[F]) -> tuple[F, ...]:
    return tuple(_printable_fact(fact) for fact in facts)


def _printable_fact(fact: F) -> F:
    """A fact whose texts may be printed; the fact itself where they are already."""
    changed = {}
    for name in FIELDS[type(fact)]:
        value = getattr(fact, name)
        if isinstance(value, str) and not value.isprintable():
            changed[name] = markup.printable(value)
    if not changed:
        return fact
    return replace(fact, **changed)  # type: ignore[type-var]
