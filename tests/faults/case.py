"""What is a case? A network with one fault, or with none, a question, and what a good answer holds."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Words = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network, what is wrong with it, and how a good answer is recognised.

    id: a few words joined by hyphens; group: what is broken; title: what a learner sees; cause: the true reason, with
    one word of each group of `words`; source: where it was met, "common" for what everybody meets.

    play: a scenario to begin with; options: its own; lines: bash, each line run on its own.

    src, dst, how: the arguments of walk; without src no walk is asked; claim: what check is asked; ok: what both must
    say, None where both are right.

    words: groups of alternatives; never: what a wrong guess would blame; netfilter: groups as in `words` for family,
    table, chain, and rule or policy, where netfilter is the cause.

    mend: lines that undo the fault and nothing else, so that the probe is answered; probe: a line of bash whose exit
    code 0 says that the right one has answered; without it the ping, or the connection, of the walk.

    alone: no other case is played at the same time, because this one takes a whole processor, as switching loops do.

    needs: kinds of devices that the kernel here may lack: `make faults-elsewhere` plays it in one that has them.
    """

    id: str
    group: str
    title: str
    cause: str
    source: str
    lines: str
    words: Words
    src: str = ""
    dst: str = ""
    never: tuple[str, ...] = ()
    how: dict[str, Any] = field(default_factory=dict)
    claim: str = ""
    play: str = ""
    options: dict[str, str | bool] = field(default_factory=dict)
    ok: bool | None = False
    netfilter: Words = ()
    mend: str = ""
    probe: str = ""
    alone: bool = False
    needs: tuple[str, ...] = ()


def typed(lines: str) -> list[str]:
    """The lines of a text, as one types them."""
    return [line.strip() for line in lines.splitlines() if line.strip()]


def load(path: str) -> list[Case]:
    """The cases of a Python file: its CASES, which are cases or dicts of their fields."""
    entries = runpy.run_path(path)["CASES"]
    return [entry if isinstance(entry, Case) else Case(**entry) for entry in entries]


def question(case: Case) -> str:
    """A line, as typed on master, that ends with 0 when the one who was asked has answered within a second."""
    if case.probe:
        return case.probe
    inside = f"ip netns exec {case.src} " if case.src != "master" else ""
    target = _address(case.dst)
    kind, _, port = case.how.get("proto", "icmp").partition(":")
    if kind == "tcp":
        return f"{inside}timeout 1 bash -c '</dev/tcp/'{target}/{port}"
    if kind == "udp":
        asks = "'exec 3<>/dev/udp/'" + target + f"'/{port}; echo >&3; read -r -t 1 -u 3'"
        return f"{inside}timeout 2 bash -c {asks}"
    size = f" -M do -s {case.how['size']}" if "size" in case.how else ""
    return f"{inside}ping -n -c 1 -W 1{size} {target}"


def _address(end: str) -> str:
    """An address as it is; of a namespace, bash that finds its first one."""
    if re.fullmatch(r"[\d.]+|[\da-f]*:[\da-f:.]*", end):
        return end
    inside = f"-n {end} " if end != "master" else ""
    return f"$(ip {inside}-o -4 addr show scope global | awk '{{sub(/\\/.*/, \"\", $4); print $4; exit}}')"


def unknown(wanted: Iterable[str], cases: Iterable[Case]) -> list[str]:
    """Which of these ids no case has."""
    return sorted(set(wanted) - {case.id for case in cases})
