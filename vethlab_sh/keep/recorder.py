"""How is a recording made? By the real thing: a scenario is played in a lab, line by line (`make recordings`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import date
from itertools import product

from .. import scenarios, snapshot
from ..language import LANGUAGES, speaking
from ..packet import follow
from ..sandbox import Sandbox
from ..scenarios import Scenario
from ..shell import Shell
from .recording import RecordedWalk, Recording, Rows, Tables, store


def record_all(*names: str, say: Callable[[str], object] = print) -> None:
    """Make the recordings of these scenarios anew, in the package; without a name every one."""
    for name in names or scenarios.SCENARIOS:
        recording = record(scenarios.load(name))
        size = store(recording)
        lines = len(recording.records)
        walks = len(recording.walks)
        say(f"{name}: {lines} lines, {walks} walks, {size} bytes")


def record(scenario: Scenario) -> Recording:
    """Play a scenario for real and keep all that a replay needs: each line, what it left in the kernel, the walks."""
    rows = Rows()
    with closing(Sandbox()) as sandbox:
        shell = Shell(sandbox)
        records = []
        moments = [_moment(shell, rows)]
        for step in scenario.steps:
            for line in step.lines:
                records.append(shell.run(line, at=step.at, expect=step.expect))
                moments.append(_moment(shell, rows))
        walks = _walks(shell, scenario.walks, rows)
        kernel = _kernel(shell.run("uname -r").out)
        iproute2 = iproute2_version(shell.run("ip -V").out)
    return Recording(
        scenario=scenario.name,
        made=date.today(),
        by=f"Linux {kernel}, iproute2 {iproute2}",
        records=tuple(records),
        rows=tuple(rows),
        snapshots=tuple(moments),
        walks=tuple(walks),
    )


def _moment(shell: Shell, rows: Rows) -> Tables:
    taken = snapshot.take(shell, settings=True)
    return rows.pack(taken.plain())


def _walks(shell: Shell, pairs: Iterable[tuple[str, str]], rows: Rows) -> list[RecordedWalk]:
    """Each walk twice in each language: with nothing learned, and then with all that the first one left."""
    walks = []
    for (src, dst), lang in product(pairs, LANGUAGES):
        for cold in (True, False):
            with speaking(lang):
                walked = follow.walk(shell, src, dst, cold=cold)
            values = walked.plain()
            tables = rows.pack(values.pop("snapshot"))
            walks.append(RecordedWalk(cold, values, tables, lang))
    return walks


def _kernel(printed: str) -> str:
    """The release that decides what a kernel has, `6.1` of `6.1.0-18-amd64`: the rest names a machine."""
    major, minor, *_ = printed.split(".")
    return f"{major}.{minor}"


def iproute2_version(printed: str) -> str:
    """The release in what `ip -V` prints: `ip utility, iproute2-6.1.0, libbpf 1.1.2`. Another release, other words."""
    _, _, release = printed.partition("iproute2-")
    number, _, _ = release.partition(",")
    return number.strip()
