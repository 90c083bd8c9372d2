"""What can be seen where there is no Linux kernel? A scenario as it once ran, line by line, from a recording.

A recording is made by the real thing (`make recordings`): the record of every line, a snapshot before the first and
after each one, and a few walks at the end. It is replayed in its order, and nothing is invented: a line that was not
recorded, or not at this point, is an error that says what was.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from .. import scenarios, snapshot
from ..errors import BadOption, LabClosed, NotRecorded, nearest
from ..packet.follow import walk
from ..packet.walk import Walk, walk_from_plain
from ..record import Ran
from ..sandbox import HOSTNAME, Sandbox
from ..shell import Shell
from ..snapshot import Snapshot
from ..tables import recognise

FOLDER = Path(__file__).parent / "recordings"
WALKS = {
    "direct": [("ns1", "ns2")],
    "bridge": [("ns100", "ns101")],
    "flannel": [("pod-a", "pod-b"), ("pod-a", "pod-c")],
    "calico": [("pod-a", "pod-b"), ("pod-a", "pod-c")],
}
LEARNED = ("neighbours", "fdb")  # comes and goes by itself, so it does not tell whether anything was done


class Replay:
    """A world that has its answers from the recording of a scenario (see `lab.World`).

    scenario; made (the day, as text) and by (kernel and iproute2); records: every line in order.
    Raises UnknownScenario, or NotRecorded when there is no recording of it.
    """

    def __init__(self, name: str) -> None:
        scenarios.load(name)
        try:
            told = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
        except FileNotFoundError:
            raise NotRecorded(f"There is no recording of {name!r}; `make recordings` makes it on Linux.") from None
        self.scenario, self.made, self.by = name, date.fromisoformat(told["made"]), str(told["by"])
        self.records = [Ran(**record) for record in told["records"]]
        self.alive = True
        self._rows, self._snapshots, self._walks = told["rows"], told["snapshots"], told["walks"]
        self._done = 0

    def __str__(self) -> str:
        return f"a recording of {self.scenario}: {self._done} of {len(self.records)} lines shown"

    @property
    def label(self) -> str:
        """The sentence that stands above everything replayed."""
        day = f"{self.made.day} {self.made:%B %Y}"
        return f"A recording: these commands ran on {day} ({self.by}). Nothing runs here."

    def run(
        self,
        line: str,
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> Ran:
        """The record of this line, in the order of the recording; arguments and errors as for a live shell.

        Lines that only look may be left out, or be asked for again as long as nothing has changed since.
        Raises NotRecorded for any other line.
        """
        if not self.alive:
            raise LabClosed("This recording is closed. Open it again: `lab = Lab(replay=...)`.")
        number = self._find(" ".join(line.split()), at)
        self._done = max(self._done, number + 1)
        return self.records[number].expected(expect)

    def run_together(
        self,
        lines: Sequence[str],
        at: str = HOSTNAME,
        expect: Collection[int] | None = (0,),
        timeout: float | None = None,
    ) -> list[Ran]:
        """The records of these lines, one after the other."""
        return [self.run(line, at, expect, timeout) for line in lines]

    def _find(self, line: str, at: str) -> int:
        found = [n for n, ran in enumerate(self.records) if (" ".join(ran.line.split()), ran.at) == (line, at)]
        if not found:
            lines = list(dict.fromkeys(ran.line for ran in self.records if ran.at == at))
            near = nearest(line, lines, most=3, likeness=0.4) or lines[:3]
            raise NotRecorded(
                f"`{line}` was not recorded on {at}, so a recording of {self.scenario} cannot say what it does. "
                f"Recorded are {_listed(near)}."
            )
        ahead = (n for n in found if n >= self._done and all(map(self._only_looks, range(self._done, n))))
        again = (n for n in reversed(found) if n < self._done and self._is_as_after(n))
        number = next(ahead, next(again, None))
        if number is None:
            after = self.records[self._done] if self._done < len(self.records) else None
            comes = f"next comes `{after.line}` on {after.at}" if after else "it is at its end"
            raise NotRecorded(f"`{line}` was recorded at another point of {self.scenario}; here {comes}.")
        return number

    def _only_looks(self, number: int) -> bool:
        return bool(recognise(self.records[number].line)) and self._lasting(number) == self._lasting(number + 1)

    def _is_as_after(self, number: int) -> bool:
        return self._lasting(number + 1) == self._lasting(self._done)

    def _lasting(self, number: int) -> dict[str, list[int]]:
        return {name: rows for name, rows in self._snapshots[number].items() if name not in LEARNED}

    def snapshot(self, settings: bool = False) -> Snapshot:
        """What the kernel had after the line that was shown last."""
        return self._unpacked(self._snapshots[self._done], settings)

    def _unpacked(self, packed: dict[str, list[int]], settings: bool = True) -> Snapshot:
        tables = {name: [self._rows[number] for number in numbers] for name, numbers in packed.items()}
        if not settings:
            tables["settings"] = []
        return snapshot.from_plain(tables)

    def live(self, sentence: str) -> NoReturn:
        """Raise NotRecorded with this sentence: there is no kernel behind a recording."""
        raise NotRecorded(f"{sentence}. A lab without `replay` can do it.")

    def walk(
        self, src: str, dst: str, count: int = 1, size: int | None = None, cold: bool = False, proto: str = "icmp"
    ) -> Walk:
        """A walk that was recorded when the scenario had ended; dst is a namespace or its address.

        Raises NotRecorded for any other pair, option or moment.
        """
        if self._done < len(self.records):
            raise NotRecorded(f"The walks of {self.scenario} were recorded at its end: show all its lines first.")
        as_recorded = (count, size, proto) == (1, None, "icmp")
        for told in self._walks:
            same = told["src"] == src and dst in (told["dst"], told["target"]) and told["cold"] == cold
            if same and as_recorded:
                return walk_from_plain(told, self._unpacked(told["snapshot"]))
        pairs = dict.fromkeys(f"{told['src']} to {told['dst']}" for told in self._walks)
        raise NotRecorded(f"This walk was not recorded. Recorded are, cold and warm: {', '.join(pairs)}.")

    def close(self) -> None:
        """Nothing more is shown. Harmless when repeated."""
        self.alive = False


def _listed(lines: Iterable[str]) -> str:
    return ", ".join(f"`{line}`" for line in lines)


def without_options(name: str, options: Collection[str]) -> None:
    """Raise BadOption when a scenario is asked for with options: it was recorded without any."""
    if options:
        raise BadOption(f"{name!r} was recorded as it is without options: leave out {', '.join(sorted(options))}.")


# --- making one ---------------------------------------------------------------------------------------------------


def record(name: str) -> dict[str, Any]:
    """Play a scenario for real and tell all that Replay needs, as plain values."""
    pool: dict[str, int] = {}
    with closing(Sandbox()) as sandbox:
        shell = Shell(sandbox)
        records, snapshots = [], [_packed(snapshot.take(shell, settings=True), pool)]
        for step in scenarios.load(name).steps:
            for line in step.lines:
                records.append(asdict(shell.run(line, at=step.at, expect=step.expect)))
                snapshots.append(_packed(snapshot.take(shell, settings=True), pool))
        walks = [_walked(shell, src, dst, cold, pool) for src, dst in WALKS[name] for cold in (True, False)]
        kernel = ".".join(shell.run("uname -r").out.split(".")[:2])
        iproute2 = iproute2_version(shell.run("ip -V").out)
    told = {"scenario": name, "made": date.today().isoformat(), "by": f"Linux {kernel}, iproute2 {iproute2}"}
    rows = [json.loads(row) for row in pool]
    return {**told, "records": records, "rows": rows, "snapshots": snapshots, "walks": walks}


def iproute2_version(printed: str) -> str:
    """The release in what `ip -V` prints: `ip utility, iproute2-6.1.0, libbpf 1.1.2`. Another release, other words."""
    return printed.partition("iproute2-")[2].split(",")[0].strip()


def _packed(taken: Snapshot, pool: dict[str, int]) -> dict[str, list[int]]:
    """A snapshot as the numbers of its rows: most rows are in many snapshots, and are kept once."""
    tables = taken.plain()
    return {name: [pool.setdefault(json.dumps(row), len(pool)) for row in rows] for name, rows in tables.items()}


def _walked(shell: Shell, src: str, dst: str, cold: bool, pool: dict[str, int]) -> dict[str, Any]:
    found = walk(shell, src, dst, cold=cold)
    return {**found.plain(), "cold": cold, "snapshot": _packed(found.snapshot, pool)}


def record_all(say: Callable[[str], object] = print) -> None:
    """Make every recording anew, in the package."""
    FOLDER.mkdir(exist_ok=True)
    for name in scenarios.SCENARIOS:
        told = record(name)
        packed = gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0)
        (FOLDER / f"{name}.json.gz").write_bytes(packed)
        say(f"{name}: {len(told['records'])} lines, {len(told['walks'])} walks, {len(packed)} bytes")
