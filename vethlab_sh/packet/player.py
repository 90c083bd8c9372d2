"""How does a packet move over the picture? A page of its own: play, a step on, a step back, the headers as layers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ..facts import Device
from ..language import language, marked, tr
from ..markup import printable, width
from ..wiring.ink import INK, edge_of, fill_of
from ..wiring.picture import CHAR, FONT, LEADING, PAD, Box, Line, Picture, Point
from .sighting import USUAL_TAG, VXLAN, Kind, Sighting

Row = dict[str, Any]
Layer = tuple[str, str, str, bool]  # name, what it says, colour, whether it is the wrapping
PAGE = Path(__file__).with_name("player.html")
SMALLEST = 0.7  # of its size a picture is shown in: its words are then 7 pixels high
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
# What the page says, by the names that player.html has for them.
SAYS = {
    "tip_first": marked("To the start (Home)"),
    "first": marked("to the start"),
    "tip_back": marked("A step back (←)"),
    "back": marked("a step back"),
    "tip_play": marked("Play or stop (space)"),
    "play": marked("play"),
    "stop": marked("stop"),
    "tip_next": marked("A step on (→)"),
    "next": marked("a step on"),
    "sighting": marked("sighting"),
    "ask": marked("ask me first"),
    "question": marked("question"),
    "which_device": marked("Which device sees it next? Choose, or click it in the picture."),
    "which_mac": marked("To which MAC address does the next frame go?"),
    "which_ttl": marked("Which TTL does it carry at the next device?"),
    "right": "✓ {choice}",
    "wrong": marked("✗ You said {choice}; it is {truth}"),
    "score": marked("{verdict}. {right} of {given} right."),
}
PACKET = '<g id="packet"><rect x="-8" y="-8" width="16" height="16" rx="3"/><circle r="5.5"/></g>'
# JupyterLab says of its theme whether it is light; else lights are turned over, and hues turned back to what they were.
DARK = '[data-jp-theme-light="false"] .vethlab-picture { filter: invert(.88) hue-rotate(180deg); }'
# In a notebook these are rules of the whole page, so each names our pictures.
STYLE = f"""
{DARK}
.vethlab-picture text {{ font: 8px "DejaVu Sans Mono", ui-monospace, monospace; white-space: pre; }}
.vethlab-picture :is(text, polyline, path, #packet *) {{ pointer-events: none; }}
.vethlab-picture .first {{ font-weight: bold; }}
.vethlab-picture.asking .number {{ visibility: hidden; }}
.vethlab-picture .here {{ stroke: #d55e00; stroke-width: 2.6; }}
#packet circle {{ fill: #d55e00; stroke: #fff; stroke-width: 1.5; }}
#packet.back circle {{ fill: #0072b2; }}
#packet.ask circle {{ fill: #000; }}
#packet rect {{ fill: none; stroke: none; }}
#packet.wrapped rect {{ stroke: #cc79a7; stroke-width: 3; }}
"""


@dataclass(frozen=True)
class Told:
    """A walk in words, of which the last line is the verdict; ok: whether everything was answered."""

    text: str
    ok: bool


@dataclass(frozen=True)
class Player:
    """A walk to be played: its page, which needs no other file, and how high a notebook should show it."""

    page: str
    height: int

    @classmethod
    def of(cls, picture: Picture, rows: Sequence[Sighting], ways: Sequence[list[Point]], told: Told) -> Player:
        """A player from the wiring, the sightings, the corners on the way to each of them, and all of it in words."""
        text = printable(told.text, keep="\n")
        verdict = escape(text.split("\n")[-1])
        steps = [_step(row, way) for row, way in zip(rows, ways, strict=True)]
        parts = {
            "TITLE": verdict,
            "PICTURE": svg(picture, numbers=_numbers(rows)),
            "VERDICT": verdict,
            "OUTCOME": "fine" if told.ok else "lost",
            "TEXT": escape(text),
            "STEPS": _in_script(steps),
            "LANGUAGE": language(),
            **_words(),
        }
        page = PAGE.read_text(encoding="utf-8")
        # all at once: what is put in may hold these words, too
        page = re.sub("|".join(parts), lambda found: parts[found.group()], page)
        # a notebook's cell is some 960 pixels wide, and a point is 1.34 of them
        scale = min(1.34, 960 / max(1, picture.width))
        height = 320 + picture.height * scale
        return cls(page, round(min(960, height)))

    def __repr__(self) -> str:
        return tr(
            "<Player: a web page of {count} characters, which a notebook shows, and `.page` holds>",
            count=len(self.page),
        )

    def _repr_html_(self) -> str:
        look = f"width:100%;border:0;height:{self.height}px"
        title = escape(tr("packet walk"))
        return f'<iframe srcdoc="{escape(self.page)}" style="{look}" title="{title}"></iframe>'


def _words() -> dict[str, str]:
    """What the page itself says, for its markup and for its script."""
    said = {name: tr(text) for name, text in SAYS.items()}
    parts = {f"SAY_{name}": escape(text) for name, text in said.items()}
    return {**parts, "WORDS": _in_script(said)}


def _in_script(value: object) -> str:
    """A value for a script: inside <script> even a string must neither end it nor begin another, nor a comment."""
    return json.dumps(value).replace("<", "\\u003c")


def _step(row: Sighting, way: list[Point]) -> Row:
    device = printable(f"{row.namespace} {row.device}")
    comes_in = row.way == "in"
    where = tr("comes in at {device}", device=device) if comes_in else tr("goes out of {device}", device=device)
    return {
        "path": [[round(x, 1), round(y, 1)] for x, y in way],
        "device": device,
        "where": where,
        "what": row.caption,
        "us": row.us,
        "after": row.after,
        "why": row.why,
        "mac": row.dst_mac,
        "ttl": row.ttl,
        "leg": row.leg,
        "wrapped": row.wrapped,
        "layers": layers(row),
    }


def layers(row: Sighting) -> list[Layer]:
    """The headers of a frame from the outermost to what it carries.

    A device of IP packets, as IPIP's is, puts no Ethernet header on; nor has a packet one that is wrapped as a packet.
    """
    headers = _wrapping(row)
    if row.src_mac and row.dst_mac:
        size = row.inner_bytes or row.bytes
        size_in_words = tr("{size} bytes", size=size)
        headers.append(("Ethernet", f"{row.src_mac} → {row.dst_mac}  {size_in_words}", COLOURS["Ethernet"], False))
        if not row.wrapped:
            headers += _tags(row)
    if row.kind == Kind.ARP_ASK:
        question = f"who has {row.dst_ip}? tell {row.src_ip}"
        headers.append(("ARP", question, INSIDE, False))
        return headers
    if row.kind in (Kind.ARP_TELL, Kind.ARP_OTHER):
        answer = f"{row.src_ip} is at {row.src_mac}"
        headers.append(("ARP", answer, INSIDE, False))
        return headers
    packet = f"{row.src_ip} → {row.dst_ip}"
    if row.ttl is not None:
        packet += f"  TTL {row.ttl}"
    headers.append(("IP", packet, COLOURS["IP"], False))
    number = "" if row.seq is None else tr("sequence {number}", number=row.seq)
    headers.append((row.what, number, INSIDE, False))
    return headers


def _tags(row: Sighting) -> list[Layer]:
    """The tags of a frame, the outermost first; a recording tells that one only."""
    tags = row.tags
    if not tags and row.vlan is not None:
        tags = ((USUAL_TAG, row.vlan),)
    return [(protocol, f"VLAN {vlan}", COLOURS["VXLAN"], False) for protocol, vlan in tags]


def _wrapping(row: Sighting) -> list[Layer]:
    """The headers around a frame or a packet, those that are there; none where it is not wrapped.

    VXLAN (RFC 7348) and Geneve (RFC 8926) stand in UDP; GRE (RFC 2784) in IP, with a key perhaps (RFC 2890); IPIP
    (RFC 2003), SIT (RFC 4213) and tunnels of IPv6 (RFC 2473) have no header of their own between the two of IP.
    """
    if not row.wrapped:
        return []
    around: list[Layer] = []
    if row.outer_src_mac and row.outer_dst_mac:
        around.append(("Ethernet", f"{row.outer_src_mac} → {row.outer_dst_mac}", COLOURS["Ethernet"], True))
    around.append(("IP", f"{row.outer_src_ip} → {row.outer_dst_ip}", COLOURS["IP"], True))
    if row.outer_port is not None:
        around.append(("UDP", tr("to port {port}", port=row.outer_port), COLOURS["UDP"], True))
    name = row.wrapping or VXLAN
    if name == "GRE":
        key = tr("no key") if row.vni is None else f"key {row.vni}"
        around.append((name, key, COLOURS["VXLAN"], True))
    elif row.vni is not None:
        around.append((name, f"VNI {row.vni}", COLOURS["VXLAN"], True))
    return around


# ---- the picture ------------------------------------------------------------------------------------------


def svg(picture: Picture, moving: bool = True, numbers: Mapping[Device, int] | None = None) -> str:
    """The picture as SVG: with a packet to be moved, or still, with the packet's way as bands.

    numbers: how many lines at the end of a device's box are numbers of sightings, which tell what comes next.
    """
    frames: list[str] = []
    chips: list[str] = []
    bands: list[str] = []
    lines: list[str] = []
    crosses: list[str] = []
    for box in picture.boxes:
        # a box without a device is a frame around others, and stands behind the lines
        layer = chips if any(box.key) else frames
        layer += _box(box, (numbers or {}).get(box.key, 0))
    for line in picture.lines:
        if line.kind in BANDS and not moving:
            bands.append(_line(line))
        elif line.kind in LINES:
            lines.append(_line(line))
        elif line.kind == "lost":
            crosses.append(_cross(line.points[0], 6, 5))
    inside = [f"<style>{STYLE}</style>", *frames, *bands, *lines, *chips, *crosses]
    if moving:
        inside.append(PACKET)
    size = f"{picture.width:.0f} {picture.height:.0f}"
    width = picture.width * 4 / 3  # points of 1/72 inch; a page has 96 to the inch
    # on a narrow page its words stay large enough to be read, and it is moved sideways
    narrow = width * SMALLEST
    style = f"max-width:100%;min-width:{narrow:.0f}px;height:auto;background:#fff"
    look = f'class="vethlab-picture" style="{style}"'
    words = f'role="img" aria-label="{escape(picture.describe())}"'
    whole = f'<svg viewBox="0 0 {size}" width="{width:.0f}" {look} {words}>{"".join(inside)}</svg>'
    if moving:  # its page does that
        return whole
    return f'<div style="overflow-x:auto">{whole}</div>'


def _numbers(rows: Sequence[Sighting]) -> dict[Device, int]:
    """How many lines with numbers a walk writes into each box: one for each leg that passed there."""
    legs = {(row.place, row.leg) for row in rows}
    return Counter(place for place, _leg in legs)


def _box(box: Box, numbers: int) -> list[str]:
    edge, width = edge_of(box)
    look = f'fill="{fill_of(box)}" stroke="{edge}" stroke-width="{width}"'
    if box.off:
        look += ' stroke-dasharray="4 2"'
    corners = 4
    is_device = any(box.key)
    if is_device:
        corners = 0
        name = printable(" ".join(box.key))
        look += f' data-device="{escape(name)}"'
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    drawn = [f'<rect {place} rx="{corners}" {look}/>']
    first_number = len(box.lines) - numbers
    for number, text in enumerate(box.lines):
        kind = "number" if number >= first_number else "words"
        drawn.append(_text(box, number, text, kind))
    return drawn


def _text(box: Box, number: int, text: str, kind: str) -> str:
    """A line of text in a box; a device's first line is its name."""
    x = box.x + PAD
    middle = box.y + PAD / 2 + (number + 0.5) * LEADING
    y = middle + FONT * 0.35  # SVG counts from the line that letters stand on
    length = width(text) * CHAR
    warns = number in box.warnings
    if number == 0 or warns:
        kind = "first"
    look = f' class="{kind}"'
    if warns:
        look += f' fill="{INK["broken"]}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{look} textLength="{length:.1f}">{escape(text)}</text>'


def _line(line: Line) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.points)
    colour = INK["changed"] if line.kind == "there" else INK.get(line.kind, INK["broken"])
    look = (LINES | BANDS)[line.kind]
    drawn = f'<polyline points="{points}" fill="none" stroke="{colour}" {look}/>'
    end = line.points[-1]
    if line.label:
        drawn += _label(line)
    if line.kind == "cut":
        drawn += _cross(end, 4, 1.8)
    if line.kind == "unknown":
        x, y = end
        drawn += f'<text x="{x:.1f}" y="{y - 2:.1f}" text-anchor="middle" fill="{colour}">?</text>'
    return drawn


def _label(line: Line) -> str:
    """The text that stands at a line."""
    x, y = line.at
    fill = INK["broken"] if line.kind == "broken" else INK["edge"]
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}">{escape(line.label)}</text>'


def _cross(at: Point, half: float, width: float) -> str:
    x, y = at
    left = x - half
    top = y - half
    whole = 2 * half
    falling = f"M{left} {top}l{whole} {whole}"
    rising = f"m0 {-whole}l{-whole} {whole}"
    return f'<path d="{falling}{rising}" stroke="{INK["broken"]}" stroke-width="{width}"/>'
