"""Where did the packet go? One ping, every device that it passed, in the order of the kernel's clock, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import written
from ..markup import table
from ..snapshot import EMPTY, Snapshot
from ..snapshot import from_plain as snapshot_from_plain
from ..tables import DTYPES
from ..wiring import ink
from ..wiring.layout import layout
from ..wiring.picture import Line, Picture, Point, way
from .lookup import Device
from .player import Player

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


Row = dict[str, Any]
COLUMNS: dict[str, type] = {
    "number": int, "after": int, "leg": str, "us": float, "machine": str, "namespace": str, "device": str, "way": str,
    "what": str, "src_mac": str, "dst_mac": str, "src_ip": str, "dst_ip": str, "ttl": int, "bytes": int,
    "inner_bytes": int, "outer_src_mac": str, "outer_dst_mac": str, "outer_src_ip": str, "outer_dst_ip": str,
    "outer_port": int, "vni": int, "seq": int, "why": str,
}  # fmt: skip
TOLD = ("", "\u00b5s", "where", "what", "why")


@dataclass(frozen=True)
class Walk:
    """What happened to one ping.

    src (namespace), dst (as asked), target (its address); rows: a sighting each, in order; ok: all answers came
    back; verdict: what happened, in a sentence or two; last_seen, should_be, reason: of a packet that was lost, the
    last sighting, where it should have come next and the likely reason; out: what ping printed; snapshot: the
    tables that were consulted.
    """

    src: str
    dst: str
    target: str
    rows: list[Row]
    ok: bool
    verdict: str
    last_seen: Row | None
    should_be: str | None
    reason: str | None
    out: str
    snapshot: Snapshot

    def plain(self) -> dict[str, Any]:
        """As plain values, which JSON can hold; `from_plain` makes the walk of them again."""
        values = asdict(replace(self, snapshot=EMPTY))
        values["snapshot"] = self.snapshot.plain()
        return values

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
        import pandas

        return pandas.DataFrame(
            {name: pandas.array([r[name] for r in self.rows], dtype=DTYPES[kind]) for name, kind in COLUMNS.items()}
        )

    @property
    def passed(self) -> list[Device]:
        """The devices that saw it, each once, in the order in which they did."""
        return list(dict.fromkeys((row["namespace"], row["device"]) for row in self.rows))

    def picture(self) -> Picture:
        """The wiring with the way on it: at each device the numbers of its sightings, and the bands from one to
        the next."""
        notes: dict[Device, list[str]] = {}
        for device in self.passed:
            here = [row for row in self.rows if (row["namespace"], row["device"]) == device]
            for word, rows in _by_leg(here):
                notes.setdefault(device, []).append(f"{word} {' '.join(str(row['number']) for row in rows)}")
        picture = layout(self.snapshot, notes=notes)
        for leg, shift in (("there", -2.5), ("back", 2.5)):
            for row in dict(_by_leg(self.rows)).get(leg, ()):
                points = self.came_by(picture, row)
                if len(points) > 1:
                    moved = tuple((x + shift, y + shift) for x, y in points)
                    picture.lines.append(Line(leg, moved))
        if self.last_seen:
            key = (self.last_seen["namespace"], self.last_seen["device"])
            boxes = (box for box in picture.boxes if box.key == key)
            picture.lines += [Line("lost", ((box.x + box.width, box.y + box.height),)) for box in boxes]
        return picture

    def came_by(self, picture: Picture, row: Row) -> list[Point]:
        """The corners on the way from the sighting before to this one; one point where it begins."""
        here = (row["namespace"], row["device"])
        before = self.rows[row["after"] - 1] if row["after"] else row
        return way(picture, (before["namespace"], before["device"]), here)

    def draw(self, ax: Axes | None = None) -> Axes:
        """The wiring with the packet's way on it, numbered as in the table.

        ax: matplotlib axes to draw on, new ones of the right size when none are given. Returns the axes.
        """
        return ink.draw(self.picture(), ax)

    def animate(self, path: str | Path | None = None) -> Player:
        """The packet moving hop by hop: a player with play, step and back, which a notebook shows.

        path: where to write it as a page of its own, which needs no other file.
        """
        picture = self.picture()
        player = Player.of(picture, self.rows, [self.came_by(picture, row) for row in self.rows], str(self))
        if path is not None:
            with written(path) as file:
                file.write_text(player.page, encoding="utf-8")
        return player

    def _repr_html_(self) -> str:
        told = [dict(zip(TOLD, _told(row), strict=True)) for row in self.rows]
        return f"{table(told, TOLD, prose=TOLD[-2:])}<p>{escape(self.verdict)}</p>"

    def __str__(self) -> str:
        lines = [
            f"{r['number']:3} {r['us']:9.1f} us  {r['namespace']} {r['device']} {r['way']}: {r['what']} ({r['why']})"
            for r in self.rows
        ]
        return "\n".join([*lines, self.verdict])


def from_plain(values: Mapping[str, Any]) -> Walk:
    """The walk that `Walk.plain` told."""
    return Walk(**{**values, "snapshot": snapshot_from_plain(values["snapshot"])})


def _told(row: Row) -> tuple[str, ...]:
    """A sighting as a reader sees it: number, time, place, what it is, why it is here."""
    arrow = "\u2192" if row["way"] == "out" else "\u2190"
    ends = "" if row["leg"] == "ask" else f", {row['src_ip']} \u2192 {row['dst_ip']}, TTL {row['ttl']}"
    outer = f" ({row['outer_src_ip']} \u2192 {row['outer_dst_ip']}, UDP {row['outer_port']}, VNI {row['vni']})"
    what = f"{row['what']}{outer if row['vni'] is not None else ''}{ends}, {row['bytes']} bytes"
    return str(row["number"]), f"{row['us']:.1f}", f"{row['namespace']} {row['device']} {arrow}", what, row["why"]


def _by_leg(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Sightings by what they are for: asking for a MAC, the way there, the way back."""
    legs: dict[str, list[Row]] = {"ask": [], "there": [], "back": []}
    for row in rows:
        legs[row["leg"]].append(row)
    return [(word, found) for word, found in legs.items() if found]
