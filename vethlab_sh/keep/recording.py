"""What does a recording hold? A scenario as it once ran: every line, what the kernel had then, a few walks.

It is a file of JSON, packed. A row of a snapshot is kept once, however many snapshots it is in: a lesson's steps
change little.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .. import snapshot
from ..errors import NotRecorded
from ..language import SOURCE, tr
from ..packet import walk
from ..packet.walk import Walk
from ..record import Ran
from ..snapshot import Row, Snapshot

FOLDER = Path(__file__).parent / "recordings"
LEARNED = ("neighbours", "fdb")  # comes and goes by itself, so it does not tell whether anything was done

Tables = dict[str, list[int]]  # a snapshot: of each of its tables the numbers of the rows


@dataclass(frozen=True)
class RecordedWalk:
    """A walk at the end of the scenario.

    cold: whether it began with nothing learned; values: as `Walk.plain` has them, but for its snapshot, which is packed
    as tables; lang: the language in which its reasons are told.
    """

    cold: bool
    values: dict[str, Any]
    tables: Tables
    lang: str = SOURCE

    @property
    def src(self) -> str:
        """The namespace that it begins in."""
        return str(self.values["src"])

    @property
    def dst(self) -> str:
        """Where it leads, as asked for."""
        return str(self.values["dst"])

    @property
    def names(self) -> tuple[str, str]:
        """What one may call its end: as asked for when it was recorded, or its address."""
        return self.dst, str(self.values["target"])


@dataclass(frozen=True)
class Recording:
    """A scenario as it once ran.

    made: the day; by: the kernel and iproute2; records: every line in its order; rows: those of all snapshots;
    snapshots: before the first line, and after each; walks: when all lines had run.
    """

    scenario: str
    made: date
    by: str
    records: tuple[Ran, ...]
    rows: tuple[Row, ...]
    snapshots: tuple[Tables, ...]
    walks: tuple[RecordedWalk, ...]

    def lasting(self, moment: int) -> Tables:
        """What the kernel had after so many lines and does not forget by itself, to compare one moment with another."""
        tables = dict(self.snapshots[moment])
        for name in LEARNED:
            tables.pop(name, None)
        return tables

    def snapshot(self, moment: int, settings: bool = False) -> Snapshot:
        """What the kernel had after so many lines; settings: with its sysctls, rules and filters."""
        tables = self._unpacked(self.snapshots[moment])
        if not settings:
            for name in ("settings", *snapshot.BESIDE_SETTINGS):
                tables[name] = []
        return snapshot.from_plain(tables)

    def walk(self, recorded: RecordedWalk) -> Walk:
        """A walk that was recorded, with its snapshot."""
        values = dict(recorded.values)
        values["snapshot"] = self._unpacked(recorded.tables)
        return walk.from_plain(values)

    def _unpacked(self, tables: Tables) -> dict[str, list[Row]]:
        unpacked = {}
        for name, numbers in tables.items():
            unpacked[name] = [self.rows[number] for number in numbers]
        return unpacked


class Rows:
    """The rows of many snapshots, each kept once, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def pack(self, tables: dict[str, list[Row]]) -> Tables:
        """A snapshot's tables as the numbers of their rows."""
        packed = {}
        for name, rows in tables.items():
            packed[name] = [self._number(row) for row in rows]
        return packed

    def _number(self, row: Row) -> int:
        text = json.dumps(row)
        next_number = len(self._numbers)
        return self._numbers.setdefault(text, next_number)

    def __iter__(self) -> Iterator[Row]:
        """All rows, in the order of their numbers."""
        return map(json.loads, self._numbers)


def load(name: str) -> Recording:
    """The recording of a scenario; raises NotRecorded when there is none."""
    try:
        packed = _file(name).read_bytes()
    except FileNotFoundError:
        raise NotRecorded(
            tr("There is no recording of {name!r}; `make recordings` makes it on Linux.", name=name)
        ) from None
    values = json.loads(gzip.decompress(packed))
    records = [Ran(**record) for record in values["records"]]
    return Recording(
        scenario=name,
        made=date.fromisoformat(values["made"]),
        by=values["by"],
        records=tuple(records),
        rows=tuple(values["rows"]),
        snapshots=tuple(values["snapshots"]),
        walks=tuple(_walks(values["walks"])),
    )


def _walks(every: Iterable[dict[str, Any]]) -> Iterator[RecordedWalk]:
    for walked in every:
        values = dict(walked)
        cold = values.pop("cold")
        tables = values.pop("snapshot")
        yield RecordedWalk(cold, values, tables, values.pop("lang"))


def _file(scenario: str) -> Path:
    return FOLDER / f"{scenario}.json.gz"


def store(recording: Recording) -> int:
    """Write a recording into the package; returns the size of its file in bytes."""
    walks = []
    for walked in recording.walks:
        walks.append({**walked.values, "cold": walked.cold, "lang": walked.lang, "snapshot": walked.tables})
    values = {
        "scenario": recording.scenario,
        "made": recording.made.isoformat(),
        "by": recording.by,
        "records": [asdict(ran) for ran in recording.records],
        "rows": recording.rows,
        "snapshots": recording.snapshots,
        "walks": walks,
    }
    text = json.dumps(values, separators=(",", ":"))
    packed = gzip.compress(text.encode(), mtime=0)  # the same contents are the same file
    FOLDER.mkdir(exist_ok=True)
    return _file(recording.scenario).write_bytes(packed)
