"""What was it? The end of a drill: the fault, the wiring and the packet's way before and now, what the learner ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ..language import Spoken, in_its_language, plural, sentences, tr
from ..markup import AsText, sentence
from ..packet.player import svg
from ..packet.walk import Walk
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot
from ..wiring import characters
from .fault import Hint

NOTE = "#"  # how a line begins that was only noted


@dataclass(frozen=True, repr=False)
class Debriefing(AsText, Spoken):
    """A drill explained, as text and, in a notebook, with pictures.

    fault: the word for it; why: what was wrong; before, now: the walk of a packet that the ticket is about, while it
    was broken and now (none where tcpdump is missing); wiring: the lab now; mended_by: the lines that were run for a
    learner who gave up; typed: the learner's own, and notes between them; looks, repair: the shortest hunt that is
    documented, what to look at and what mends it.
    """

    fault: str
    why: str
    before: Walk | None
    now: Walk | None
    wiring: Snapshot
    mended_by: tuple[str, ...]
    typed: tuple[str, ...]
    looks: tuple[Hint, ...] = ()
    repair: tuple[str, ...] = ()

    @property
    def shortest(self) -> tuple[str, ...]:
        """The shortest hunt as it would be typed, with what each look shows as a note below it."""
        lines: list[str] = []
        for look in self.looks:
            lines += [look.command, f"{NOTE} {look.look}"]
        return (*lines, *self.repair)

    @property
    def compared(self) -> str:
        """How long the learner's hunt was, and the shortest one."""
        own = [line for line in self.typed if not line.startswith(NOTE)]
        shortest = [*self.looks, *self.repair]
        return tr(
            "You ran {lines_of}; the shortest hunt has {shortest}.",
            lines_of=_lines_of(own),
            shortest=_lines_of(shortest),
        )

    @property
    def summary(self) -> str:
        """What was wrong, and what that is called."""
        return tr("{why} The fault is called `{fault}`.", why=self.why, fault=self.fault)

    def parts(self, unicode: bool = True) -> Iterator[tuple[str, str | Walk]]:
        """A heading and what stands below it: lines, or a walk."""
        if self.mended_by:
            yield tr("It is mended by:"), _with_prompts(self.mended_by)
        if self.before:
            yield tr("The wiring while it was broken:"), characters.as_text(self.before.snapshot, unicode)
        yield tr("The wiring now:"), characters.as_text(self.wiring, unicode)
        if self.before:
            yield tr("The packet before:"), self.before
        if self.now:
            yield tr("The packet now:"), self.now
        if self.typed:
            yield tr("What you ran:"), _with_prompts(self.typed)
        if self.looks:
            yield tr("The shortest hunt:"), f"{_with_prompts(self.shortest)}\n\n{self.compared}"

    @in_its_language
    def words(self) -> str:
        """What was wrong, then each part below its heading."""
        parts = [f"{heading}\n{part}" for heading, part in self.parts()]
        return "\n\n".join([self.summary, *parts])

    @in_its_language
    def _repr_html_(self) -> str:
        walks = []
        if self.before:
            walks.append((tr("The packet before"), self.before))
        if self.now:
            walks.append((tr("The packet now"), self.now))
        told = "".join(f"<p>{_heading(heading)} {escape(walk.verdict)}</p>" for heading, walk in walks)
        drawn = "".join(_drawn(heading, walk) for heading, walk in walks)
        if drawn:
            drawn = _unfolded(tr("Where it went, drawn on the wiring"), _side_by_side(drawn))
        mended_by = _lines(tr("It is mended by"), self.mended_by)
        return f"<p>{sentence(self.summary)}</p>{told}{drawn}{mended_by}{self._hunts()}"

    def _hunts(self) -> str:
        """What the learner ran and, where one is documented, the shortest hunt: both are unfolded to be compared."""
        own = _lines(tr("What you ran"), self.typed)
        if not self.looks:
            return own
        shortest = _lines(tr("The shortest hunt"), self.shortest)
        return _unfolded(sentences(self.compared, tr("Compare them.")), own + shortest)


class Sentence(str):
    """A sentence that a notebook shows as one, without quotes."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<div>{sentence(self)}</div>"


def _with_prompts(lines: tuple[str, ...]) -> str:
    """Lines as they were typed, notes as they stand."""
    shown = []
    for line in lines:
        if line.startswith(NOTE):
            shown.append(line)
        else:
            shown.append(f"[root@{HOSTNAME} ~]# {line}")
    return "\n".join(shown)


def _lines_of(lines: Sequence[object]) -> str:
    count = len(lines)
    return plural("{count} line", "{count} lines", count)


def _lines(heading: str, lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    return f"{_heading(heading)}<pre>{escape(_with_prompts(lines))}</pre>"


def _heading(heading: str) -> str:
    return f"<b>{tr('{heading}:', heading=heading)}</b>"


def _unfolded(summary: str, below: str) -> str:
    """What is shown by a click."""
    return f"<details><summary>{summary}</summary>{below}</details>"


def _side_by_side(pieces: str) -> str:
    return f"<div style='display:flex;flex-wrap:wrap;gap:1em'>{pieces}</div>"


def _drawn(heading: str, walk: Walk) -> str:
    picture = svg(walk.picture(), moving=False)
    rows = _unfolded(tr("every device that it passed"), walk._repr_html_())
    return f"<div>{_heading(heading)}<div>{picture}</div>{rows}</div>"
