"""What does the wiring look like? Snapshot -> positions -> ink.

`layout` turns a snapshot into boxes and lines with plain numbers (points of 1/72 inch, y downwards); `draw` puts
them on matplotlib axes and decides nothing; `as_text` and `as_mermaid` tell the same wiring in characters. The
picture shows what the kernel has, so a broken lab looks broken: a device that is down is dashed and says so,
a port without a master hangs free, a cable whose other end is gone ends in a cross, one whose other end we cannot
see ends in a question mark.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from ..snapshot import Row, Snapshot
from .devices import (
    Key,
    _is_cut,
    _key,
    _peer_key,
    _rank,
    _status,
    addresses,
    condition,
    devices,
    remark,
    tunnels,
    unseen,
)
from .machines import machines

Point = tuple[float, float]

FONT = 8.0
CHAR, LEADING = 0.602 * FONT, 1.25 * FONT  # DejaVu Sans Mono: every character is 0.602 em wide
PAD, GAP, WIRE, BUS, LANE = 5.0, 12.0, 26.0, 14.0, 16.0


@dataclass(frozen=True)
class Box:
    """A frame or a device: its kind, its place, its text line by line, and what is special about it."""

    kind: str  # machine, namespace, device, bridge or vxlan
    name: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    off: bool = False
    changed: bool = False
    key: Key = ("", "")

    @property
    def bottom(self) -> Point:
        """The middle of its lower edge."""
        return self.x + self.width / 2, self.y + self.height

    @property
    def middle(self) -> Point:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2

    def edge_towards(self, point: Point) -> Point:
        """Where the straight line from its centre to a point leaves it."""
        (x, y), (dx, dy) = self.middle, (point[0] - self.middle[0], point[1] - self.middle[1])
        share = min(self.width / 2 / abs(dx) if dx else math.inf, self.height / 2 / abs(dy) if dy else math.inf, 1.0)
        return x + dx * share, y + dy * share

    @property
    def top(self) -> Point:
        """The middle of its upper edge."""
        return self.x + self.width / 2, self.y


@dataclass(frozen=True)
class Line:
    """A cable, a place on a bridge, a tunnel, a packet's way: its kind, its corners, a label and where that begins."""

    # wire, bus, tunnel, broken (a tunnel that cannot work), cut (a cable without its other end), unknown (the other
    # end is not told), there, back, lost
    kind: str
    points: tuple[Point, ...]
    label: str = ""
    at: Point = (0.0, 0.0)
    ends: tuple[Key, Key] = (("", ""), ("", ""))


@dataclass
class Picture:
    """Everything to draw, and how much room it takes (points)."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def device(self, key: Key) -> Box:
        """The box of one device."""
        return next(box for box in self.boxes if box.key == key)


# ---- positions ------------------------------------------------------------------------------------------


def layout(
    snapshot: Snapshot,
    changed: Collection[Key] = (),
    routes: bool = False,
    notes: Mapping[Key, Sequence[str]] | None = None,
) -> Picture:
    """Where everything goes.

    changed: devices to accent; routes: write each namespace's routes into its box; notes: more lines for devices.
    """
    return _Layout(snapshot, set(changed), routes, notes or {}).picture()


class _Layout:
    """The state of one layout: what is placed already."""

    def __init__(self, snapshot: Snapshot, changed: set[Key], routes: bool, notes: Mapping[Key, Sequence[str]]) -> None:
        self.snapshot, self.changed, self.routes, self.notes = snapshot, changed, routes, notes
        self.machines = machines(snapshot)
        self.paper = Picture()
        self.placed: dict[Key, Box] = {}
        self.lane = 0.0

    def picture(self) -> Picture:
        """All of it, machine by machine, then what is between them."""
        x, floor = GAP, 0.0
        for machine, members in self.machines.items():
            width, height = self._machine(machine, members, x, GAP)
            x, floor = x + width + 3 * GAP, max(floor, GAP + height)
        self.paper.width = x - 2 * GAP
        self.lane = floor + LANE
        self._between()
        self.paper.height = floor + GAP if self.lane == floor + LANE else self.lane
        self._fit_labels()
        return self.paper

    def _machine(self, machine: str, members: list[str], x: float, y: float) -> tuple[float, float]:
        """One machine's frame with all that is in it; returns its width and height."""
        own = devices(self.snapshot, machine)
        ports = {space: [d for d in own if d["peer_namespace"] == space] for space in members}
        hanging = {_key(d) for ends in ports.values() for d in ends}
        rest = sorted((d for d in own if _key(d) not in hanging), key=_rank)
        bridges = [d for d in rest if d["kind"] == "bridge"]
        title = self._title(machine)
        top, left = y + PAD + len(title) * LEADING + GAP, x + GAP + BUS * len(bridges)
        right = x + _text_width(title) + 2 * PAD
        buses: list[tuple[str, float, float]] = []
        rows = _rows(members, 99 if self._cross(members) else _columns(len(members), len(self.machines)))
        wide = [max(self._breadth(space, ports[space]) for space in column if space) for column in zip_longest(*rows)]
        for row in rows:
            at, deepest = left, top
            for space, width in zip(row, wide, strict=False):  # the last row may be shorter
                height = self._unit(space, ports[space], at, top, width)
                at, deepest = at + width + GAP, max(deepest, top + height)
            right = max(right, at)
            plugged = [d for space in row for d in ports[space]]
            deepest = self._buses(plugged, bridges, x, deepest, buses)
            top = deepest + GAP
        top += self._lanes(members, top)
        right, top = self._own(rest, bridges, buses, left, top, right)
        width, height = right - x, top + GAP - y
        self.paper.boxes.insert(0, Box("machine", machine, x, y, width, height, title))
        return width, height

    def _title(self, space: str) -> tuple[str, ...]:
        routes = [row for row in self.snapshot.rows["routes"] if row["namespace"] == space] if self.routes else []
        told = [_route(row) for row in routes if not row["to"].startswith(("fe80:", "ff00:"))]
        return (space, *told)

    def _cross(self, members: list[str]) -> list[Row]:
        """Cables from one of these namespaces to another, each once."""
        ends = [d for space in members for d in devices(self.snapshot, space)]
        return [d for d in ends if d["peer_namespace"] in members and _key(d) < (d["peer_namespace"], d["peer"])]

    def _breadth(self, space: str, ports: list[Row]) -> float:
        """The room that a namespace's box takes, or the ends of its cables below it."""
        box = max(self._side_by_side(devices(self.snapshot, space)), _text_width(self._title(space))) + 2 * PAD
        return max(box, self._side_by_side(ports))

    def _side_by_side(self, links: list[Row]) -> float:
        return sum(self._size(d)[0] for d in links) + GAP * max(0, len(links) - 1)

    def _unit(self, space: str, ports: list[Row], x: float, y: float, whole: float) -> float:
        """A namespace's box and, below it, the ends of its cables that are on the machine, in the middle of their
        column; returns how far down they reach."""
        inside, title = devices(self.snapshot, space), self._title(space)
        heights = [self._size(d)[1] for d in inside]
        chips, below = self._side_by_side(inside), self._side_by_side(ports)
        width = max(chips, _text_width(title)) + 2 * PAD
        height = 2 * PAD + len(title) * LEADING + (PAD + max(heights) if heights else 0)
        self.paper.boxes.append(Box("namespace", space, x + (whole - width) / 2, y, width, height, title))
        self._row(inside, x + (whole - chips) / 2, y + height - PAD, stand_on=True)
        self._row(ports, x + (whole - below) / 2, y + height + WIRE)
        for port in ports:
            self._wire(port)
        return height + (WIRE + max(self._size(d)[1] for d in ports) if ports else 0)

    def _row(self, links: Iterable[Row], x: float, y: float, stand_on: bool = False) -> float:
        """Devices side by side from x on, hanging from y or standing on it; returns the right end."""
        for link in links:
            width, height = self._size(link)
            self._chip(link, x, y - height if stand_on else y)
            x += width + GAP
        return x

    def _text(self, link: Row) -> tuple[str, ...]:
        peer = link["peer"] if link["peer_namespace"] == link["namespace"] else None
        other = f"@{peer}" if peer else f"@if{link['peer_index']}" if link["peer_index"] else ""
        given = addresses(self.snapshot, _key(link))
        more = [f"and {len(given) - 3} more"] if len(given) > 3 else []
        vxlan = [f"VNI {link['vxlan_id']}, UDP {link['vxlan_port']}"] if link["kind"] == "vxlan" else []
        bridge = ["bridge"] if link["kind"] == "bridge" else []
        odd = remark(link, self.snapshot)
        status = _status(link)
        other_end = [f"? {unseen(link)}"] if link.get("unseen") else []
        new = "* " if _key(link) in self.changed else ""
        return (
            f"{new}{_number(link)}{link['name']}{other}",
            *vxlan,
            *bridge,
            *given[:3],
            *more,
            *([status] if status else []),
            *([f"! {odd}"] if odd else []),
            *self.notes.get(_key(link), ()),
            *other_end,
        )

    def _size(self, link: Row) -> tuple[float, float]:
        lines = self._text(link)
        return _text_width(lines) + 2 * PAD, len(lines) * LEADING + PAD

    def _chip(self, link: Row, x: float, y: float) -> Box:
        kind = link["kind"] if link["kind"] in ("bridge", "vxlan") else "device"
        width, height = self._size(link)
        off = condition(link) not in ("UP", "") or bool(remark(link, self.snapshot))
        box = Box(
            kind, link["name"], x, y, width, height, self._text(link), off, _key(link) in self.changed, _key(link)
        )
        self.placed[_key(link)] = box
        self.paper.boxes.append(box)
        if _is_cut(link) or link.get("unseen"):
            kind, above = ("cut" if _is_cut(link) else "unknown"), (box.top[0], y - GAP * 0.7)
            self.paper.lines.append(Line(kind, (box.top, above), ends=(box.key, box.key)))
        return box

    def _wire(self, link: Row) -> None:
        """A cable that goes straight down from its other end."""
        other = _peer_key(link)
        if other in self.placed:
            a, b = self.placed[other], self.placed[_key(link)]
            self.paper.lines.append(Line("wire", (a.bottom, b.top), ends=(other, _key(link))))

    def _buses(
        self, ports: list[Row], bridges: list[Row], x: float, y: float, buses: list[tuple[str, float, float]]
    ) -> float:
        """For each bridge a bar below this row, to which its ports reach down; returns the depth used."""
        for n, bridge in enumerate(bridges):
            plugged = [self.placed[_key(d)] for d in ports if d["master"] == bridge["name"]]
            if not plugged:
                continue
            y += BUS
            spine = x + GAP + n * BUS
            key = _key(bridge)
            self.paper.lines += [Line("bus", (box.bottom, (box.bottom[0], y)), ends=(box.key, key)) for box in plugged]
            self.paper.lines.append(
                Line("bus", ((spine, y), (max(box.bottom[0] for box in plugged), y)), ends=(key, key))
            )
            buses.append((bridge["name"], spine, y))
        return y

    def _lanes(self, members: list[str], y: float) -> float:
        """Cables between two namespaces of this row, each in a lane of its own below the boxes."""
        crossing = self._cross(members)
        for n, link in enumerate(crossing):
            other = _peer_key(link)
            if other:
                self._under(self.placed[_key(link)], self.placed[other], y + n * LANE, "wire")
        return len(crossing) * LANE

    def _under(self, one: Box, two: Box, y: float, kind: str, label: str = "") -> None:
        (a, b), (c, d) = one.bottom, two.bottom
        at = (min(a, c) + PAD, y - 2)
        self.paper.lines.append(Line(kind, ((a, b), (a, y), (c, y), (c, d)), label, at, (one.key, two.key)))

    def _own(
        self,
        rest: list[Row],
        bridges: list[Row],
        buses: list[tuple[str, float, float]],
        left: float,
        y: float,
        right: float,
    ) -> tuple[float, float]:
        """The machine's other devices in a row at its foot; returns how far right and down they reach."""
        if not rest:
            return right, y
        right = max(right, self._row(rest, left, y))
        floor = y + max(self._size(d)[1] for d in rest)
        for n, bridge in enumerate(bridges):
            box = self.placed[_key(bridge)]
            bars = [(spine, level) for name, spine, level in buses if name == bridge["name"]]
            if bars:
                spine, middle = bars[0][0], box.y + LEADING
                ending: tuple[Point, ...] = ((spine, middle), (box.x, middle))
                if n:  # past the bridges before it, from above
                    ending = ((spine, y - 3 * n), (box.top[0], y - 3 * n), box.top)
                corners = ((spine, min(level for _, level in bars)), *ending)
                self.paper.lines.append(Line("bus", corners, ends=(box.key, box.key)))
            for port in (d for d in rest if d["master"] == bridge["name"]):
                floor += LANE
                self._under(self.placed[_key(port)], box, floor, "bus")
        for link in rest:
            other = _peer_key(link)
            if other and other[0] == link["namespace"] and _key(link) < other:
                floor += LANE
                self._under(self.placed[_key(link)], self.placed[other], floor, "wire")
        return right, floor

    def _between(self) -> None:
        """Cables and tunnels from machine to machine, and cables that lead nowhere."""
        drawn = {frozenset(line.ends) for line in self.paper.lines}
        for link in self.snapshot.rows["links"]:
            other = _peer_key(link)
            if link["kind"] == "veth" and other and frozenset((_key(link), other)) not in drawn:
                drawn.add(frozenset((_key(link), other)))
                self._under(self.placed[_key(link)], self.placed[other], self.lane, "wire")
                self.lane += LANE
        for one, two, there, back in tunnels(self.snapshot):
            missing = [row["namespace"] for row, leads in ((one, there), (two, back)) if not leads]
            label = f"VXLAN {one['vxlan_id']}" + (f": no FDB entry on {' and '.join(missing)}" if missing else "")
            self._under(
                self.placed[_key(one)], self.placed[_key(two)], self.lane, "broken" if missing else "tunnel", label
            )
            self.lane += LANE

    def _fit_labels(self) -> None:
        """Widen the paper until every label is on it."""
        for line in self.paper.lines:
            self.paper.width = max(self.paper.width, line.at[0] + len(line.label) * CHAR + GAP)


def _number(link: Row) -> str:
    return "" if link["index"] is None else f"{link['index']}: "


def _columns(count: int, machines: int) -> int:
    """How many namespaces side by side, so that a page or a notebook need not make the letters small."""
    if machines > 1:
        return max(2, min(4, math.ceil(math.sqrt(count))))
    return count if count <= 4 else min(6, math.ceil(math.sqrt(2 * count)))


def _rows(members: list[str], columns: int) -> list[list[str]]:
    return [members[i : i + columns] for i in range(0, len(members), columns)] if members else []


def _text_width(lines: Iterable[str]) -> float:
    return max(len(line) for line in lines) * CHAR


def _route(row: Row) -> str:
    parts = ["" if row["kind"] == "unicast" else row["kind"], row["to"]]
    parts += [f"via {row['via']}" if row["via"] else "", f"dev {row['dev']}" if row["dev"] else ""]
    return " ".join(part for part in parts if part)


def way(picture: Picture, one: Key, two: Key) -> list[Point]:
    """The corners on the way from a device to another: along the cable, the tunnel or the bridge between them.

    Where no line joins them (a machine hands the packet on) it is a straight one, from edge to edge.
    """
    drawn = {box.key for box in picture.boxes}
    if one == two or not {one, two} <= drawn:  # lo is never drawn
        return [picture.device(key).bottom for key in dict.fromkeys((one, two)) if key in drawn]
    for line in picture.lines:
        if set(line.ends) == {one, two} and (line.kind != "bus" or len(line.points) > 2):
            return list(line.points if line.ends[0] == one else line.points[::-1])
    up, down = _onto_bridge(picture, one), _onto_bridge(picture, two)
    if up and down and _bridge_of(picture, one) == _bridge_of(picture, two):  # along the bar, if they share one
        while len(up) > 1 and len(down) > 1 and up[-2] == down[-2]:
            up, down = up[:-1], down[:-1]
        if up[-2:-1] and down[-2:-1] and up[-2][1] == down[-2][1]:
            up, down = up[:-1], down[:-1]
        return [*up, *down[::-1]]
    if up and _bridge_of(picture, one) == two:
        return up
    if down and _bridge_of(picture, two) == one:
        return down[::-1]
    a, b = picture.device(one), picture.device(two)
    return [a.edge_towards(b.middle), b.edge_towards(a.middle)]


def _bridge_of(picture: Picture, port: Key) -> Key | None:
    ends = (line.ends for line in picture.lines if line.kind == "bus")
    return next((bridge for plugged, bridge in ends if plugged == port != bridge), None)


def _onto_bridge(picture: Picture, port: Key) -> list[Point]:
    """From a port down to its bar, along it to the side and down to the bridge; empty for what is no port."""
    bridge = _bridge_of(picture, port)
    if bridge is None:
        return []
    bars = [line.points for line in picture.lines if line.kind == "bus" and line.ends == (bridge, bridge)]
    (stub,) = (line.points for line in picture.lines if line.kind == "bus" and line.ends == (port, bridge))
    spine = next((points for points in bars if len(points) > 2), None)
    if len(stub) > 2 or spine is None:
        return list(stub)
    return [*stub, (spine[0][0], stub[-1][1]), *spine[1:]]
