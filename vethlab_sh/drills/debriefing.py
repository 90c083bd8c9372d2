"""What was it? The end of a drill: the fault, the wiring and the packet's way before and now, what the learner ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from ..markup import sentence
from ..packet.player import svg
from ..packet.walk import Walk
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot
from ..wiring import characters


@dataclass(frozen=True)
class Debriefing:
    """A drill explained, as text and, in a notebook, with pictures.

    why: what was wrong; before, now: the walk of a packet that the ticket is about, while it was broken and now (none
    where tcpdump is missing); wiring: the lab now; mended_by: the lines that were run for a learner who gave up;
    typed: the learner's own.
    """

    why: str
    before: Walk | None
    now: Walk | None
    wiring: Snapshot
    mended_by: tuple[str, ...]
    typed: tuple[str, ...]

    def parts(self, unicode: bool = True) -> Iterator[tuple[str, str | Walk]]:
        """A heading and what stands below it: lines, or a walk."""
        if self.mended_by:
            yield "It is mended by:", _prompted(self.mended_by)
        if self.before:
            yield "The wiring while it was broken:", characters.as_text(self.before.snapshot, unicode)
        yield "The wiring now:", characters.as_text(self.wiring, unicode)
        if self.before:
            yield "The packet before:", self.before
        if self.now:
            yield "The packet now:", self.now
        if self.typed:
            yield "What you ran:", _prompted(self.typed)

    def __str__(self) -> str:
        return "\n\n".join([self.why, *(f"{heading}\n{told}" for heading, told in self.parts())])

    def _repr_html_(self) -> str:
        walks = [("before", self.before), ("now", self.now)]
        seen = "".join(_walk(f"The packet {when}", walk) for when, walk in walks if walk)
        lines = [("It is mended by", self.mended_by), ("What you ran", self.typed)]
        ran = "".join(f"<b>{what}:</b><pre>{escape(_prompted(typed))}</pre>" for what, typed in lines if typed)
        return f"<p>{sentence(self.why)}</p><div style='display:flex;flex-wrap:wrap;gap:1em'>{seen}</div>{ran}"


class Told(str):
    """A sentence that a notebook shows as one."""

    def _repr_html_(self) -> str:
        return f"<div>{sentence(self)}</div>"


def _prompted(lines: tuple[str, ...]) -> str:
    return "\n".join(f"[root@{HOSTNAME} ~]# {line}" for line in lines)


def _walk(heading: str, walk: Walk) -> str:
    rows = f"<details><summary>every device that it passed</summary>{walk._repr_html_()}</details>"
    return f"<div><b>{heading}:</b> {escape(walk.verdict)}<div>{svg(walk.picture(), moving=False)}</div>{rows}</div>"
