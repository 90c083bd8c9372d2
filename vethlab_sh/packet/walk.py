"""Where did the packet go? One ping, every device that it passed, in the order of the kernel's clock, and why."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .. import snapshot
from ..errors import BadOption, NotRecorded, package
from ..facts import Device
from ..files import written
from ..language import Spoken, in_its_language, marked, tr
from ..markup import AsText, printable, table
from ..snapshot import Snapshot
from ..tables import DTYPES
from ..wiring import ink
from ..wiring.layout import layout
from ..wiring.picture import Line, Picture, Point, way
from . import pcapng, sighting
from .causes.cause import Cause, Evidence
from .frame import Frame
from .player import Player, Told
from .probe import Probe
from .sighting import COLUMNS, Sighting
from .sightings import Course
from .verdict import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


HEADINGS = ("", "\u00b5s", "where", "what", "why")
LEGS = {"ask": marked("ask"), "there": marked("there"), "back": marked("back")}  # as a picture has them
PACKED = "application/vnd.vethlab_sh.walk+json"  # what a notebook keeps beside the table, for pages that play it


@dataclass(frozen=True, repr=False)
class Walk(AsText, Spoken):
    """What happened to one ping.

    src (namespace), dst (as asked), target (its address); rows: a sighting each, in order; ok: the one who was asked
    has answered everything; verdict: what happened, in a sentence or two; answered_by: the namespace that answered;
    last_seen, should_be: of a packet that was lost, the last sighting and where it should have come next; cause: why,
    in a word (`Cause`); reason: why, as a clause; evidence: the command that shows it, and the line to look at; fixes:
    lines, as typed on master, each of which mends it; out: what ping printed; snapshot: the tables that were consulted.
    """

    src: str
    dst: str
    target: str
    rows: tuple[Sighting, ...]
    ok: bool
    verdict: str
    out: str
    snapshot: Snapshot
    last_seen: Sighting | None = None
    should_be: str | None = None
    reason: str | None = None
    cause: Cause | None = None
    evidence: Evidence | None = None
    fixes: tuple[str, ...] = ()
    answered_by: str | None = None

    @classmethod
    def of(cls, probe: Probe, seen: Course, outcome: Outcome, out: str, snapshot: Snapshot) -> Self:
        """The walk of a probe, of its sightings and of what became of it."""
        diagnosis = outcome.diagnosis
        return cls(
            src=probe.src,
            dst=probe.dst,
            target=probe.target,
            rows=seen.sightings,
            ok=outcome.ok,
            verdict=outcome.sentence,
            out=out,
            snapshot=snapshot,
            last_seen=_row_of(seen, outcome.last_seen),
            should_be=diagnosis.should_be if diagnosis else None,
            reason=diagnosis.reason if diagnosis else None,
            cause=diagnosis.cause if diagnosis else None,
            evidence=outcome.evidence,
            fixes=outcome.fixes,
            answered_by=outcome.answered_by,
        )

    @property
    def fix(self) -> str:
        """The line that mends it, as typed on master; empty where none is known."""
        if not self.fixes:
            return ""
        return self.fixes[0]

    @cached_property
    def table(self) -> DataFrame:
        """A row a sighting.

        number; after (the number of the sighting that it comes from, none where it begins); leg (ask: for a MAC;
        there; back); us (microseconds since the first); machine (master, or the namespace that plays one); namespace;
        device; way (in, out); what; src_mac, dst_mac, src_ip, dst_ip (of ARP: who asks or answers, and for what);
        ttl; bytes (the whole frame); why. Where it is wrapped in VXLAN these are the inner frame's, and then there
        are inner_bytes and the outer header: outer_src_mac, outer_dst_mac, outer_src_ip, outer_dst_ip, outer_port
        (UDP), vni. seq counts the echoes.
        """
        pandas = package("pandas")

        rows = [sighting.plain(row) for row in self.rows]
        columns = {}
        for name, kind in COLUMNS.items():
            columns[name] = pandas.array([row[name] for row in rows], dtype=DTYPES[kind])
        return pandas.DataFrame(columns)

    @property
    def passed(self) -> list[Device]:
        """The devices that saw it, each once, in the order in which they did."""
        places = [row.place for row in self.rows]
        return list(dict.fromkeys(places))

    @in_its_language
    def picture(self) -> Picture:
        """The wiring with the way on it: at each device the numbers of its sightings, and the bands from one to
        the next."""
        picture = layout(self.snapshot, notes=self._notes())
        for leg, shift in (("there", -2.5), ("back", 2.5)):
            for row in self.rows:
                if row.leg == leg:
                    self._add_band(picture, row, shift)
        lost_at = self.last_seen.place if self.last_seen else None
        for box in picture.boxes:
            if lost_at is not None and box.key == lost_at:
                corner = (box.x + box.width, box.y + box.height)
                picture.lines.append(Line("lost", (corner,)))
        return picture

    def _notes(self) -> dict[Device, list[str]]:
        """What stands at each device: the numbers of its sightings, a line for each leg."""
        notes: dict[Device, list[str]] = {}
        for device in self.passed:
            here = [row for row in self.rows if row.place == device]
            for leg, rows in _by_leg(here):
                numbers = " ".join(str(row.number) for row in rows)
                notes.setdefault(device, []).append(f"{tr(LEGS[leg])} {numbers}")
        return notes

    def _add_band(self, picture: Picture, row: Sighting, shift: float) -> None:
        """Draw the way to a sighting, moved aside so that the way back does not cover the way there."""
        points = self.came_by(picture, row)
        if len(points) < 2:
            return
        moved = [(x + shift, y + shift) for x, y in points]
        picture.lines.append(Line(row.leg, tuple(moved)))

    def came_by(self, picture: Picture, row: Sighting) -> list[Point]:
        """The corners on the way from the sighting before to this one; one point where it begins."""
        before = row
        if row.after:
            before = self.rows[row.after - 1]  # they count from 1
        return way(picture, before.place, row.place)

    @in_its_language
    def draw(self, ax: Axes | None = None) -> Axes:
        """The wiring with the packet's way on it, numbered as in the table.

        ax: matplotlib axes to draw on, new ones of the right size when none are given. Returns the axes.
        """
        with ink.legible():
            return ink.draw(self.picture(), ax)

    @in_its_language
    def animate(self, path: str | Path | None = None) -> Player:
        """The packet moving hop by hop: a player with play, step and back, which a notebook shows.

        path: where to write it as a page of its own, which needs no other file.
        """
        picture = self.picture()
        ways = [self.came_by(picture, row) for row in self.rows]
        player = Player.of(picture, self.rows, ways, Told(str(self), self.ok))
        if path is not None:
            with written(path) as file:
                file.write_text(player.page, encoding="utf-8")
        return player

    def pcapng(self, path: str | Path) -> None:
        """Write the frames as one capture, which Wireshark and tshark open.

        Each device is an interface in it, called `namespace:device`; all have the kernel's clock; each frame's comment
        is its row's number and reason. Raises NotRecorded for a recording, which has no frames.
        """
        told = pcapng.capture(self.rows, self.verdict)
        with written(path) as file:
            file.write_bytes(told)

    @in_its_language
    def frame(self, number: int) -> Frame:
        """The bytes of the frame of this row (from 1), which a notebook shows with the headers marked.

        Raises BadOption when there is no such row, NotRecorded for a recording.
        """
        for row in self.rows:
            if row.number == number:
                return _frame(row)
        raise BadOption(
            tr("This walk has no row {number}: they go from 1 to {last}.", number=number, last=len(self.rows))
        )

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, which JSON can hold; `from_plain` makes the walk of them again."""
        values = {name: getattr(self, name) for name in PLAIN}
        values["rows"] = [sighting.plain(row) for row in self.rows]
        values["last_seen"] = sighting.plain(self.last_seen) if self.last_seen else None
        values["cause"] = str(self.cause) if self.cause else None
        values["evidence"] = asdict(self.evidence) if self.evidence else None
        values["fixes"] = list(self.fixes)
        values["snapshot"] = self.snapshot.plain()
        return values

    def packed(self) -> str:
        """All of it as one short text; `from_packed` makes the walk of it again."""
        values = json.dumps(self.plain()).encode()
        return base64.b64encode(zlib.compress(values, 9)).decode()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # beside the table and the text, which IPython asks for as ever
        return {PACKED: self.packed()}

    @in_its_language
    def _repr_html_(self) -> str:
        shown = []
        for row in self.rows:
            cells = _in_cells(row)
            shown.append(dict(zip(HEADINGS, cells, strict=True)))
        sightings = table(shown, HEADINGS, prose=HEADINGS[-2:])
        return f"{sightings}<p>{escape(self.verdict)}</p>{self._frames_html()}"

    def _frames_html(self) -> str:
        """The bytes of all frames, to be unfolded; nothing for a recording."""
        if not all(row.frame for row in self.rows):
            return ""
        shown = "".join(_frame(row)._repr_html_() for row in self.rows)
        title = escape(tr("The bytes of each frame, with its headers marked"))
        return f"<details><summary>{title}</summary>{shown}</details>"

    @in_its_language
    def words(self) -> str:
        """A line a sighting, and the verdict."""
        lines = []
        for row in self.rows:
            where = f"{row.namespace} {row.device} {row.way}"
            seen = f"{row.number:3} {row.us:9.1f} us  {where}: {row.caption}"
            lines.append(seen + tr(" ({why})", why=row.why))
        lines.append(self.verdict)
        return "\n".join(lines)


# What `plain` copies as it is.
PLAIN = ("src", "dst", "target", "ok", "verdict", "out", "should_be", "reason", "answered_by")


def from_plain(values: Mapping[str, Any]) -> Walk:
    """The walk that `Walk.plain` told."""
    last = values.get("last_seen")
    cause = values.get("cause")
    shown = values.get("evidence")
    same = {name: values.get(name) for name in PLAIN}
    return Walk(
        **same,  # type: ignore[arg-type]
        rows=tuple(sighting.from_plain(row) for row in values["rows"]),
        snapshot=snapshot.from_plain(values["snapshot"]),
        last_seen=sighting.from_plain(last) if last else None,
        cause=Cause(cause) if cause else None,
        evidence=Evidence(**shown) if shown else None,
        fixes=tuple(values.get("fixes", ())),
    )


def from_packed(text: str) -> Walk:
    """The walk that `Walk.packed` told; without the bytes of its frames."""
    values = zlib.decompress(base64.b64decode(text))
    return from_plain(json.loads(values))


def _row_of(seen: Course, last: Sighting | None) -> Sighting | None:
    """The last sighting as it stands in the table: the reason may have been sought at another device."""
    if last is None:
        return None
    for row in seen.sightings:
        if row.number == last.number:
            return row
    return None


def _outer(row: Sighting, arrow: str) -> list[str]:
    """The header around a packet: who sends it to whom, by which port, with which number."""
    parts = [f"{row.outer_src_ip} {arrow} {row.outer_dst_ip}"]
    if row.outer_port is not None:
        parts.append(f"UDP {row.outer_port}")
    if row.vni is not None:
        name = "key" if row.wrapping == "GRE" else "VNI"
        parts.append(f"{name} {row.vni}")
    return parts


def _frame(row: Sighting) -> Frame:
    """The bytes of a sighting; raises NotRecorded where they are not known."""
    if not row.frame:
        raise NotRecorded(tr("The frames of a recording were not kept, only what they are: walk in a live lab."))
    title = printable(f"{row.number}. {row.namespace} {row.device} {row.way}: {row.caption}")
    link_type = pcapng.LINK_TYPES.get(row.link_type, pcapng.ETHERNET)
    is_ethernet = link_type == pcapng.ETHERNET
    return Frame(row.frame, title, is_ethernet, row.outer_port)


def _in_cells(row: Sighting) -> tuple[str, ...]:
    """A sighting as a reader sees it: number, time, place, what it is, why it is here."""
    arrow = "\u2192"
    what = row.caption
    if row.wrapped:
        what += f" ({', '.join(_outer(row, arrow))})"
    if row.leg != "ask":
        what += f", {row.src_ip} {arrow} {row.dst_ip}, TTL {row.ttl}"
    what += ", " + tr("{size} bytes", size=row.bytes)
    way = arrow if row.way == "out" else "\u2190"
    return (
        str(row.number),
        f"{row.us:.1f}",
        f"{row.namespace} {row.device} {way}",
        what,
        row.why,
    )


def _by_leg(rows: Iterable[Sighting]) -> list[tuple[str, list[Sighting]]]:
    """Sightings by what they are for: asking for a MAC, the way there, the way back."""
    legs: dict[str, list[Sighting]] = {"ask": [], "there": [], "back": []}
    for row in rows:
        legs[row.leg].append(row)
    return [(leg, members) for leg, members in legs.items() if members]
