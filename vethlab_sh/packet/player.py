"""How does a packet move over the picture? A page of its own: play, a step on, a step back, the headers as layers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ..wiring.ink import INK, edge_of, fill_of
from ..wiring.picture import CHAR, FONT, LEADING, PAD, Box, Line, Picture, Point
from .sighting import Kind, Sighting

Row = dict[str, Any]
Layer = tuple[str, str, str, bool]  # name, what it says, colour, whether it is the wrapping
PAGE = Path(__file__).with_name("player.html")
COLOURS = {"Ethernet": INK["wire"], "IP": INK["bus"], "UDP": "#e69f00", "VXLAN": INK["tunnel"]}
INSIDE = INK["changed"]
LINES = {
    "wire": 'stroke-width="1.8"',
    "bus": 'stroke-width="3.2"',
    "tunnel": 'stroke-width="1.8" stroke-dasharray="6 3"',
    "broken": 'stroke-width="1.8" stroke-dasharray="1.8 3"',
    "cut": 'stroke-width="1.8"',
    "unknown": 'stroke-width="1.8" stroke-dasharray="1.8 3"',
}
BANDS = {"there": 'stroke-width="5" opacity="0.45"', "back": 'stroke-width="5" opacity="0.45" stroke-dasharray="6 2.5"'}
STYLE = """
text { font: 8px "DejaVu Sans Mono", ui-monospace, monospace; white-space: pre; }
.first { font-weight: bold; }
.here { stroke: #d55e00; stroke-width: 2.6; }
#packet circle { fill: #d55e00; stroke: #fff; stroke-width: 1.5; }
#packet.back circle { fill: #0072b2; }
#packet.ask circle { fill: #000; }
#packet rect { fill: none; stroke: none; }
#packet.wrapped rect { stroke: #cc79a7; stroke-width: 3; }
"""


@dataclass(frozen=True)
class Player:
    """A walk to be played: its page, which needs no other file, and how high a notebook should show it."""

    page: str
    height: int

    @classmethod
    def of(cls, picture: Picture, rows: Sequence[Sighting], ways: Sequence[list[Point]], text: str) -> Player:
        """A player from the wiring, the sightings, the corners on the way to each of them, and all of it in words.

        The last line of the words is the verdict.
        """
        steps = json.dumps([_step(row, way) for row, way in zip(rows, ways, strict=True)])
        parts = {
            "TITLE": escape(text.splitlines()[-1]),
            "PICTURE": svg(picture),
            "VERDICT": escape(text.splitlines()[-1]),
            "TEXT": escape(text),
            "STEPS": steps.replace("</", "<\\/"),
        }
        page = PAGE.read_text(encoding="utf-8")
        for word, part in parts.items():
            before, _, after = page.partition(word)
            page = before + part + after
        return cls(page, round(min(960, 250 + picture.height * min(1.34, 960 / max(1, picture.width)))))

    def _repr_html_(self) -> str:
        frame = "width:100%;border:0"
        return (
            f'<iframe srcdoc="{escape(self.page)}" style="{frame};height:{self.height}px" title="packet walk"></iframe>'
        )


def _step(row: Sighting, way: list[Point]) -> Row:
    direction = "comes in at" if row.way == "in" else "goes out of"
    return {
        "path": [[round(x, 1), round(y, 1)] for x, y in way],
        "device": f"{row.namespace} {row.device}",
        "where": f"{direction} {row.namespace} {row.device}",
        "what": row.caption,
        "us": row.us,
        "after": row.after,
        "why": row.why,
        "leg": row.leg,
        "wrapped": row.wrapped,
        "layers": layers(row),
    }


def layers(row: Sighting) -> list[Layer]:
    """The headers of a frame from the outermost to what it carries."""
    found: list[Layer] = []
    if row.wrapped:
        found = [
            ("Ethernet", f"{row.outer_src_mac} → {row.outer_dst_mac}", COLOURS["Ethernet"], True),
            ("IP", f"{row.outer_src_ip} → {row.outer_dst_ip}", COLOURS["IP"], True),
            ("UDP", f"to port {row.outer_port}", COLOURS["UDP"], True),
            ("VXLAN", f"VNI {row.vni}", COLOURS["VXLAN"], True),
        ]
    size = row.inner_bytes or row.bytes
    ends = f"{row.src_mac} → {row.dst_mac}"
    found.append(("Ethernet", f"{ends}  {size} bytes", COLOURS["Ethernet"], False))
    between = f"{row.src_ip} → {row.dst_ip}"
    if row.kind == Kind.ARP_ASK:
        return [*found, ("ARP", f"who has {row.dst_ip}? tell {row.src_ip}", INSIDE, False)]
    if row.kind in (Kind.ARP_TELL, Kind.ARP_OTHER):
        return [*found, ("ARP", f"{row.src_ip} is at {row.src_mac}", INSIDE, False)]
    ttl = f"  TTL {row.ttl}" if row.ttl is not None else ""
    number = f"sequence {row.seq}" if row.seq is not None else ""
    return [*found, ("IP", between + ttl, COLOURS["IP"], False), (row.what, number, INSIDE, False)]


# ---- the picture ------------------------------------------------------------------------------------------


def svg(picture: Picture, moving: bool = True) -> str:
    """The picture as SVG: with a packet to be moved, or still, with the packet's way as bands."""
    size = f"{picture.width:.0f} {picture.height:.0f}"
    width = f'width="{picture.width * 4 / 3:.0f}"'  # points of 1/72 inch; a page has 96 to the inch
    bands = "" if moving else "".join(_line(line) for line in picture.lines if line.kind in BANDS)
    lines = "".join(_line(line) for line in picture.lines if line.kind in LINES)
    lost = "".join(_cross(line.points[0], 6, 5) for line in picture.lines if line.kind == "lost")
    packet = '<g id="packet"><rect x="-8" y="-8" width="16" height="16" rx="3"/><circle r="5.5"/></g>' if moving else ""
    frames, chips = ([*_boxes(b for b in picture.boxes if any(b.key) == plain)] for plain in (False, True))
    look = 'style="max-width:100%;height:auto;background:#fff"'
    inside = f"<style>{STYLE}</style>{''.join(frames)}{bands}{lines}{''.join(chips)}{lost}{packet}"
    return f'<svg viewBox="0 0 {size}" {width} {look} role="img">{inside}</svg>'


def _boxes(boxes: Iterable[Box]) -> Iterable[str]:
    for box in boxes:
        edge, width = edge_of(box)
        look = f'fill="{fill_of(box)}" stroke="{edge}" stroke-width="{width}"'
        look += ' stroke-dasharray="4 2"' if box.off else ""
        name = f' data-device="{escape(" ".join(box.key))}"' if any(box.key) else ""
        place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
        yield f'<rect {place} rx="{0 if name else 4}" {look}{name}/>'
        for n, text in enumerate(box.lines):
            at = f'x="{box.x + PAD:.1f}" y="{box.y + PAD / 2 + (n + 0.5) * LEADING + FONT * 0.35:.1f}"'
            warns = n in box.warnings
            heavy = ' class="first"' if n == 0 or warns else ""
            colour = f' fill="{INK["broken"]}"' if warns else ""
            yield f'<text {at}{heavy}{colour} textLength="{len(text) * CHAR:.1f}">{escape(text)}</text>'


def _line(line: Line) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.points)
    colour = INK["changed"] if line.kind == "there" else INK.get(line.kind, INK["broken"])
    drawn = f'<polyline points="{points}" fill="none" stroke="{colour}" {(LINES | BANDS)[line.kind]}/>'
    told = INK["broken" if line.kind == "broken" else "edge"]
    if line.label:
        drawn += f'<text x="{line.at[0]:.1f}" y="{line.at[1]:.1f}" fill="{told}">{escape(line.label)}</text>'
    if line.kind == "cut":
        drawn += _cross(line.points[-1], 4, 1.8)
    if line.kind == "unknown":
        x, y = line.points[-1]
        drawn += f'<text x="{x:.1f}" y="{y - 2:.1f}" text-anchor="middle" fill="{colour}">?</text>'
    return drawn


def _cross(at: Point, half: float, width: float) -> str:
    (x, y), look = at, f'stroke="{INK["broken"]}" stroke-width="{width}"'
    return f'<path d="M{x - half} {y - half}l{2 * half} {2 * half}m0 {-2 * half}l{-2 * half} {2 * half}" {look}/>'
