"""What does the wiring look like? Snapshot -> positions -> ink.

`layout` turns a snapshot into boxes and lines with plain numbers (points of 1/72 inch, y downwards); `draw` puts
them on matplotlib axes and decides nothing; `as_text` and `as_mermaid` tell the same wiring in characters. The
picture shows what the kernel has, so a broken lab looks broken: a device that is down is dashed and says so,
a port without a master hangs free, a cable whose other end is gone ends in a cross, one whose other end we cannot
see ends in a question mark.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from .files import written
from .sandbox import HOSTNAME
from .snapshot import Row, Snapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Key = tuple[str, str]  # namespace and device
Point = tuple[float, float]

FONT = 8.0
CHAR, LEADING = 0.602 * FONT, 1.25 * FONT  # DejaVu Sans Mono: every character is 0.602 em wide
PAD, GAP, WIRE, BUS, LANE = 5.0, 12.0, 26.0, 14.0, 16.0
UNSEEN = "a machine that is not shown"
# Okabe and Ito's colours, which colour-blind readers tell apart; each difference is told by words or shape too.
INK = {
    "machine": "#f4f4f4", "namespace": "#ffffff", "device": "#dcebf7", "bridge": "#d5eee4", "vxlan": "#f5e3ee",
    "off": "#ffffff", "edge": "#333333", "wire": "#0072b2", "bus": "#009e73", "tunnel": "#cc79a7",
    "broken": "#b22222", "changed": "#d55e00", "back": "#56b4e9", "unknown": "#777777",
}  # fmt: skip


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


# ---- what belongs together --------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def machines(snapshot: Snapshot) -> Mapping[str, list[str]]:
    """Each machine and the namespaces on it, as the snapshot tells it (`machine` in the row of a namespace).

    In a lab nothing tells it: there a namespace plays a machine when it is called node..., or holds a bridge or a
    tunnel; the others are on the machine that their cables lead to, or on master.
    """
    told = {row["namespace"]: row["machine"] or UNSEEN for row in snapshot.rows["namespaces"] if "machine" in row}
    if told:
        homes: dict[str, list[str]] = {home: [] for home in sorted(dict.fromkeys(told.values()), key=UNSEEN.__eq__)}
        for space in sorted(told.keys() - homes.keys(), key=_natural):
            homes[told[space]].append(space)
        return homes
    spaces = [row["namespace"] for row in snapshot.rows["namespaces"]]
    holds = {row["namespace"] for row in snapshot.rows["links"] if row["kind"] in ("bridge", "vxlan")}
    found: dict[str, list[str]] = {HOSTNAME: []} | {s: [] for s in sorted(spaces, key=_natural) if _plays(s, holds)}
    for space in sorted(spaces, key=_natural):
        if space not in found:
            found[_home(space, snapshot, found)].append(space)
    return found


def _plays(space: str, holds: Collection[str]) -> bool:
    return space == HOSTNAME or space.startswith("node") or space in holds


def _home(space: str, snapshot: Snapshot, found: Mapping[str, Any]) -> str:
    peers = [r["peer_namespace"] for r in snapshot.rows["links"] if r["namespace"] == space]
    return next((peer for peer in peers if peer in found), HOSTNAME)


def _natural(name: str) -> list[Any]:
    """Sort key: ns9 before ns10, master first."""
    return [name != HOSTNAME, *(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))]


def devices(snapshot: Snapshot, space: str) -> list[Row]:
    """The devices of a namespace, without lo."""
    return _by_namespace(snapshot).get(space, [])


@lru_cache(maxsize=4)
def _by_namespace(snapshot: Snapshot) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in snapshot.rows["links"]:
        if row["kind"] != "loopback":
            found.setdefault(row["namespace"], []).append(row)
    return found


def _key(row: Row) -> Key:
    return row["namespace"], row["name"]


def _peer_key(row: Row) -> Key | None:
    return (row["peer_namespace"], row["peer"]) if row["peer"] else None


def addresses(snapshot: Snapshot, key: Key) -> list[str]:
    """The addresses of a device that somebody chose: not the link-local ones that IPv6 makes."""
    return _addresses(snapshot).get(key, [])


@lru_cache(maxsize=4)
def _addresses(snapshot: Snapshot) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for row in snapshot.rows["addresses"]:
        if not row["address"].startswith("fe80:"):
            found.setdefault((row["namespace"], row["dev"]), []).append(row["address"])
    return found


def condition(row: Row) -> str:
    """A device's state in a word: UP, DOWN (switched off), no signal (its other end is off); empty when not known."""
    if row["up"] is None:
        return ""
    if not row["up"]:
        return "DOWN"
    return "no signal" if row["carrier"] is False else "UP"


def remark(row: Row, snapshot: Snapshot) -> str:
    """What is odd about a device at first sight; empty when nothing is."""
    if _is_cut(row):
        return "peer missing"
    on_bridge_machine = any(r["kind"] == "bridge" for r in devices(snapshot, row["namespace"]))
    joins_here = row["kind"] == "veth" and row["peer_namespace"] not in machines(snapshot)
    alone = on_bridge_machine and joins_here and row["master"] is None
    return "no master" if alone and _key(row) not in _routed(snapshot) else ""


@lru_cache(maxsize=4)
def _routed(snapshot: Snapshot) -> set[Key]:
    """The devices that something is routed to, by an address or a route that somebody chose: those need no bridge."""
    routes = (row for row in snapshot.rows["routes"] if not row["to"].startswith(("fe80:", "ff00:")))
    return {(row["namespace"], row["dev"]) for row in routes} | set(_addresses(snapshot))


def _is_cut(row: Row) -> bool:
    """Whether a cable's other end is gone, and not only out of our sight."""
    return row["kind"] == "veth" and row["peer"] is None and not row.get("unseen")


def unseen(row: Row) -> str:
    """What is known of an end that we cannot see: its number, if that; empty when both ends are seen."""
    if not row.get("unseen"):
        return ""
    return "not shown" if row["peer_index"] is None else f"number {row['peer_index']}, not shown"


def tunnels(snapshot: Snapshot) -> Iterator[tuple[Row, Row, bool, bool]]:
    """Pairs of VXLAN devices of one VNI and port, and whether each one's FDB leads to the other's machine."""
    ends = [row for row in snapshot.rows["links"] if row["kind"] == "vxlan"]
    for i, one in enumerate(ends):
        for two in ends[i + 1 :]:
            same = (one["vxlan_id"], one["vxlan_port"]) == (two["vxlan_id"], two["vxlan_port"])
            if same and (":" in str(one["vxlan_local"])) == (":" in str(two["vxlan_local"])):
                yield one, two, _leads(snapshot, one, two), _leads(snapshot, two, one)


def _leads(snapshot: Snapshot, one: Row, two: Row) -> bool:
    return any(
        (row["namespace"], row["dev"]) == _key(one) and row["dst"] == two["vxlan_local"] and row["mac"] == two["mac"]
        for row in snapshot.rows["fdb"]
    )


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


def _status(link: Row) -> str:
    """MTU and state, as far as they are known."""
    return " ".join([f"mtu {link['mtu']}"] * (link["mtu"] is not None) + [condition(link)]).strip()


def _number(link: Row) -> str:
    return "" if link["index"] is None else f"{link['index']}: "


def _rank(row: Row) -> tuple[int, list[Any]]:
    """Bridges first, then tunnels, then the rest, so that short lines suffice."""
    return ({"bridge": 0, "vxlan": 1}.get(row["kind"], 2), _natural(row["name"]))


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


# ---- ink --------------------------------------------------------------------------------------------------


def draw(picture: Picture, ax: Axes | None = None) -> Axes:
    """Put a picture on axes (new ones of its own size when none are given) and return them."""
    if ax is None:
        ax = new_figure(figsize=(picture.width / 72, picture.height / 72), dpi=110).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, picture.width), ylim=(picture.height, 0), aspect="equal")
    ax.axis("off")
    corners = ax.get_window_extent()
    scale = min(corners.width / picture.width, corners.height / picture.height) * 72 / ax.figure.dpi
    for box in picture.boxes:
        _ink_box(ax, box, scale)
    for line in picture.lines:
        _ink_line(ax, line, scale)
    return ax


def save(ax: Axes, file: str, kind: str, description: str) -> None:
    """Write a drawn picture into a file, png or svg.

    description: what it shows, for those who cannot see it. A PNG also keeps what is drawn where (`placed`), by which
    a stale one is known.
    """
    told = {"Description": description} | ({"Placed": placed(ax)} if kind == "png" else {})
    figure: Any = ax.figure  # matplotlib: one on a part of a figure could not be saved
    with written(file) as path:
        figure.savefig(path, format=kind, metadata=told)


def placed(ax: Axes) -> str:
    """All that was drawn, a text or a line each line, with its place."""
    texts = [f"{x:.0f},{y:.0f} {text.get_text()}" for text in ax.texts for x, y in [text.get_position()]]
    corners = [" ".join(f"{x:.0f},{y:.0f}" for x, y in _points(line)) for line in ax.lines]
    return "\n".join([*texts, *corners])


def _points(line: Any) -> list[tuple[float, float]]:
    corners: list[tuple[float, float]] = line.get_xydata().tolist()
    return corners


def new_figure(**size: Any) -> Figure:
    """A figure; in a notebook one of pyplot's, because a notebook shows those by itself after the cell."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib import pyplot

        return pyplot.figure(**size)
    from matplotlib.figure import Figure

    return Figure(**size)


def _ink_box(ax: Axes, box: Box, scale: float) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    edge = INK["changed"] if box.changed else INK["broken"] if box.off else INK["edge"]
    width = (2.4 if box.changed else 1.4 if box.off else 0.9) * scale
    style: dict[str, Any] = {
        "facecolor": INK["off" if box.off else box.kind],
        "edgecolor": edge,
        "linewidth": width,
        "zorder": 2,
    }
    if box.kind in ("machine", "namespace"):
        order = 0 if box.kind == "machine" else 1
        ax.add_patch(FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=0,rounding_size=4",
                                    **{**style, "zorder": order}))  # fmt: skip
    else:
        ax.add_patch(Rectangle((box.x, box.y), box.width, box.height, linestyle="--" if box.off else "-", **style))
    for n, text in enumerate(box.lines):
        heavy = n == 0 or is_warning(text)
        colour = INK["broken"] if is_warning(text) else "black"
        ax.text(box.x + PAD, box.y + PAD / 2 + (n + 0.5) * LEADING, text, fontsize=FONT * scale, family="monospace",
                weight="bold" if heavy else "normal", color=colour, va="center", zorder=4)  # fmt: skip


def is_warning(text: str) -> bool:
    """Whether a line in a device's box tells of something that is wrong."""
    return text.startswith("!") or text.endswith(("DOWN", "no signal"))


def _ink_line(ax: Axes, line: Line, scale: float) -> None:
    looks: dict[str, dict[str, Any]] = {
        "wire": {"color": INK["wire"], "linewidth": 1.8 * scale},
        "bus": {"color": INK["bus"], "linewidth": 3.2 * scale, "solid_capstyle": "projecting"},
        "tunnel": {"color": INK["tunnel"], "linewidth": 1.8 * scale, "linestyle": "--"},
        "broken": {"color": INK["broken"], "linewidth": 1.8 * scale, "linestyle": ":"},
        "cut": {"color": INK["broken"], "linewidth": 1.8 * scale, "marker": "x", "markevery": [1],
                "markersize": FONT * scale, "markeredgewidth": 1.8 * scale},
        "there": {"color": INK["changed"], "linewidth": 5 * scale, "alpha": 0.45},
        "back": {"color": INK["back"], "linewidth": 5 * scale, "alpha": 0.45, "linestyle": (0, (1.2, 0.5))},
        "lost": {"color": INK["broken"], "linewidth": 5 * scale, "marker": "X", "markersize": 14 * scale},
        "unknown": {"color": INK["unknown"], "linewidth": 1.8 * scale, "linestyle": ":", "marker": "$?$",
                    "markevery": [1], "markersize": FONT * scale},
    }  # fmt: skip
    xs, ys = zip(*line.points, strict=True)
    # Lines end under the devices' edges, and a packet's bands run below them all, so that the text stays legible.
    order = {"there": 1.5, "back": 1.5, "lost": 3}.get(line.kind, 1.8)
    ax.plot(xs, ys, solid_joinstyle="round", zorder=order, **looks[line.kind])
    if line.label:
        ax.text(*line.at, line.label, fontsize=FONT * scale, family="monospace", va="bottom", zorder=4,
                color=INK["broken" if line.kind == "broken" else "edge"])  # fmt: skip


# ---- characters -------------------------------------------------------------------------------------------

UNICODE = {
    "tee": "├─ ",
    "end": "└─ ",
    "bar": "│  ",
    "gap": "   ",
    "wire": " ═══ ",
    "cut": " ══╳ ",
    "unknown": " ══? ",
    "tunnel": " ┄┄┄ ",
}
ASCII = {
    "tee": "|- ",
    "end": "`- ",
    "bar": "|  ",
    "gap": "   ",
    "wire": " === ",
    "cut": " ==x ",
    "unknown": " ==? ",
    "tunnel": " ... ",
}


def as_text(snapshot: Snapshot, unicode: bool = True) -> str:
    """The wiring as a tree of characters: machines, bridges and their ports, and what is at the far end."""
    signs = UNICODE if unicode else ASCII
    told: set[Key] = set()
    lines: list[str] = []
    for space in _told_order(snapshot):
        own = devices(snapshot, space)
        below = [d for d in own if not d["master"]]
        if not (below and not all(_key(d) in told for d in below)):
            if space != UNSEEN and (space in machines(snapshot) or not own):
                lines.append(space + ("" if own else " (no devices but lo)"))
            continue
        lines.append(space)
        lines += _branches(snapshot, sorted(below, key=_rank), signs, told)
    return "\n".join(lines)


def _told_order(snapshot: Snapshot) -> list[str]:
    homes = machines(snapshot)
    return [*homes, *(space for members in homes.values() for space in members)]


def _branches(snapshot: Snapshot, links: list[Row], signs: Mapping[str, str], told: set[Key]) -> Iterator[str]:
    links = [d for d in links if _key(d) not in told]
    for n, link in enumerate(links):
        last = n == len(links) - 1
        yield (signs["end"] if last else signs["tee"]) + _with_far_end(snapshot, link, signs, told)
        ports = [d for d in devices(snapshot, link["namespace"]) if d["master"] == link["name"]]
        for line in _branches(snapshot, sorted(ports, key=_rank), signs, told):
            yield (signs["gap"] if last else signs["bar"]) + line


def _with_far_end(snapshot: Snapshot, link: Row, signs: Mapping[str, str], told: set[Key]) -> str:
    told.add(_key(link))
    text = _described(snapshot, link)
    other = _peer_key(link)
    if _is_cut(link):
        return text + signs["cut"] + "(its other end is not to be found)"
    if link.get("unseen"):
        return f"{text}{signs['unknown']}({unseen(link)})"
    if other:
        told.add(other)
        far = next(row for row in devices(snapshot, other[0]) if row["name"] == other[1])
        return f"{text}{signs['wire']}{other[0]}: {_described(snapshot, far)}"
    ends = [two for one, two, there, back in tunnels(snapshot) if one is link and there and back]
    ends += [one for one, two, there, back in tunnels(snapshot) if two is link and there and back]
    return text + "".join(f"{signs['tunnel']}{end['namespace']}: {end['name']}" for end in ends)


def _described(snapshot: Snapshot, link: Row) -> str:
    kind = f"({link['kind']})" if link["kind"] in ("bridge", "vxlan") else ""
    state = "" if condition(link) in ("UP", "") else f"[{condition(link)}]"
    odd = remark(link, snapshot)
    words = [link["name"], kind, *addresses(snapshot, _key(link)), state, f"[{odd}]" if odd else ""]
    return " ".join(word for word in words if word)


def as_mermaid(snapshot: Snapshot) -> str:
    """The same graph as Mermaid text, which many web pages draw."""
    lines = ["graph TD"]
    for machine, members in machines(snapshot).items():
        lines.append(f'  subgraph {_id("m", machine)}["{_quoted(machine)}"]')
        lines += [f"    {_node(snapshot, link)}" for link in devices(snapshot, machine)]
        for space in members:
            lines.append(f'    subgraph {_id("s", space)}["{_quoted(space)}"]')
            lines += [f"      {_node(snapshot, link)}" for link in devices(snapshot, space)]
            lines.append("    end")
        lines.append("  end")
    for link in snapshot.rows["links"]:
        other = _peer_key(link)
        if link["kind"] == "veth" and other and _key(link) < other:
            lines.append(f"  {_id(*_key(link))} --- {_id(*other)}")
        if link["master"]:
            lines.append(f"  {_id(*_key(link))} -- port --- {_id(link['namespace'], link['master'])}")
    for one, two, there, back in tunnels(snapshot):
        if there and back:
            lines.append(f"  {_id(*_key(one))} -. VXLAN {one['vxlan_id']} .- {_id(*_key(two))}")
    return "\n".join(lines)


def _id(*parts: str) -> str:
    """A name that Mermaid takes: letters, digits and underscores, and no two alike."""
    return "_".join(re.sub(r"\W", lambda found: f"x{ord(found.group()):x}", part) for part in parts)


def _quoted(text: str) -> str:
    """A text inside of Mermaid's quotes: a device may have nearly any sign in its name."""
    return re.sub('["#<>&]', lambda found: f"#{ord(found.group())};", text)


def _node(snapshot: Snapshot, link: Row) -> str:
    words = [
        link["name"],
        *addresses(snapshot, _key(link)),
        _status(link),
        remark(link, snapshot) or (unseen(link) and f"? {unseen(link)}"),
    ]
    return f'{_id(*_key(link))}["{"<br/>".join(_quoted(word) for word in words if word)}"]'
