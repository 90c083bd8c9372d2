"""What is a picture? Boxes and lines, with plain numbers: points of 1/72 inch, y downwards; no ink yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..facts import Device
from ..markup import printable, width

Point = tuple[float, float]

FONT = 8.0
# DejaVu Sans Mono: every character is 0.602 em wide. A Chinese sign, of another font, is 1 em wide: two have room
CHAR, LEADING = 0.602 * FONT, 1.25 * FONT
PAD, GAP, WIRE, BUS, LANE = 5.0, 12.0, 26.0, 14.0, 16.0
NO_DEVICE: Device = ("", "")


class Size(NamedTuple):
    """How much room something takes."""

    width: float
    height: float


@dataclass(frozen=True)
class Label:
    """Text on a box, line by line; warnings: the numbers of those lines that tell of something wrong."""

    lines: tuple[str, ...]
    warnings: tuple[int, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[str], warnings: Iterable[int] = ()) -> Label:
        """The label of some lines, whatever somebody has put into a name."""
        plain = [printable(line) for line in lines]
        return cls(tuple(plain), tuple(warnings))

    @property
    def width(self) -> float:
        """The room that its longest line takes, without padding."""
        longest = max(map(width, self.lines))
        return longest * CHAR

    @property
    def height(self) -> float:
        """The room that its lines take one below the other, without padding."""
        return len(self.lines) * LEADING


@dataclass(frozen=True)
class Box:
    """A frame or a device: its kind, its place, its text line by line, and what is special about it.

    kind: machine, namespace, device, bridge or vxlan; off: whether something is wrong with it; changed: whether it is
    accented; key: the device, for one; warnings: the numbers of the lines that tell of something wrong.
    """

    kind: str
    name: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    off: bool = False
    changed: bool = False
    key: Device = NO_DEVICE
    warnings: tuple[int, ...] = ()

    @property
    def top(self) -> Point:
        """The middle of its upper edge."""
        x, _ = self.middle
        return x, self.y

    @property
    def bottom(self) -> Point:
        """The middle of its lower edge."""
        x, _ = self.middle
        return x, self.y + self.height

    @property
    def middle(self) -> Point:
        """Its centre."""
        x = self.x + self.width / 2
        y = self.y + self.height / 2
        return x, y

    def edge_towards(self, point: Point) -> Point:
        """Where the straight line from its centre to a point leaves it."""
        x, y = self.middle
        there_x, there_y = point
        dx = there_x - x
        dy = there_y - y
        share = 1.0  # of the way: no further than the point itself
        if dx:
            to_side = self.width / 2 / abs(dx)
            share = min(share, to_side)
        if dy:
            to_side = self.height / 2 / abs(dy)
            share = min(share, to_side)
        edge_x = x + dx * share
        edge_y = y + dy * share
        return edge_x, edge_y


@dataclass(frozen=True)
class Line:
    """A cable, a place on a bridge, a tunnel, a packet's way: its kind, its corners, a label and where that begins.

    kind: wire; bus; parent (a device and what it is made on); tunnel; broken (a tunnel that cannot work); cut (a cable
    without its other end); unknown (the other end is not told); there, back, lost (a packet's); ends: the devices that
    it joins, of a bridge's bar twice itself.
    """

    kind: str
    points: tuple[Point, ...]
    label: str = ""
    at: Point = (0.0, 0.0)
    ends: tuple[Device, Device] = (NO_DEVICE, NO_DEVICE)

    @property
    def is_bar(self) -> bool:
        """Whether it is a bridge's own bar, into which the cables are plugged."""
        if self.kind != "bus":
            return False
        one, two = self.ends
        return one == two


@dataclass
class Picture:
    """Everything to draw, and how much room it takes (points).

    describe: makes the words for those who cannot see it, which are not needed as often as the picture.
    """

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    describe: Callable[[], str] = field(default=str, compare=False, repr=False)

    def device(self, key: Device) -> Box:
        """The box of one device."""
        boxes = {box.key: box for box in self.boxes}
        return boxes[key]


# ---- the way from a device to another ---------------------------------------------------------------------


def way(picture: Picture, one: Device, two: Device) -> list[Point]:
    """The corners on the way from a device to another: along the cable, the tunnel or the bridge between them.

    Where no line joins them (a machine hands the packet on) it is a straight one, from edge to edge. Of a device that
    is not drawn, as lo never is, nothing is left; a way from a device to itself is one point.
    """
    drawn = {box.key: box for box in picture.boxes}
    seen = [drawn[device] for device in (one, two) if device in drawn]
    if not seen:
        return []
    start, end = seen[0], seen[-1]
    if start is end:
        return [start.bottom]
    points = _along_a_line(picture, one, two)
    if not points:
        points = _by_bridge(picture, one, two)
    if not points:
        leaves = start.edge_towards(end.middle)
        arrives = end.edge_towards(start.middle)
        points = [leaves, arrives]
    return points


def _along_a_line(picture: Picture, one: Device, two: Device) -> list[Point]:
    """The corners of the line that joins two devices; empty when none does.

    A port's line of two corners ends on the bar, and not at the bridge itself.
    """
    for line in picture.lines:
        is_stub = line.kind == "bus" and len(line.points) == 2
        if is_stub:
            continue
        if line.ends == (one, two):
            return list(line.points)
        if line.ends == (two, one):
            return list(line.points[::-1])
    return []


def _by_bridge(picture: Picture, one: Device, two: Device) -> list[Point]:
    """From a port to its bridge, the reverse, or between two ports of one bridge; empty when it is none of these."""
    bridge = _bridge_of(picture, one)
    bridge_of_two = _bridge_of(picture, two)
    if bridge == two:
        return _onto_bridge(picture, one, two)
    if bridge_of_two == one:
        up = _onto_bridge(picture, two, one)
        return up[::-1]
    if bridge is None or bridge != bridge_of_two:
        return []
    up = _onto_bridge(picture, one, bridge)
    down = _onto_bridge(picture, two, bridge)
    return _between_ports(up, down)


def _between_ports(up: list[Point], down: list[Point]) -> list[Point]:
    """Along the bar as far as two ports share it; both ways end at the bridge, and their common end is left out."""
    up, down = list(up), list(down)
    while len(up) > 1 and len(down) > 1:
        corner, other = up[-2], down[-2]
        if corner[1] != other[1]:
            break
        up.pop()
        down.pop()
        if corner != other:  # on the same level of the bar: from here straight on to the other
            break
    return up + down[::-1]


def _bridge_of(picture: Picture, port: Device) -> Device | None:
    for line in picture.lines:
        if line.kind != "bus" or line.is_bar:
            continue
        plugged, bridge = line.ends
        if plugged == port:
            return bridge
    return None


def _onto_bridge(picture: Picture, port: Device, bridge: Device) -> list[Point]:
    """From a port down to the bar, along it to the side and down to the bridge."""
    plug = _plug(picture, port, bridge)
    spine = _spine(picture, bridge)
    if len(plug) > 2 or not spine:
        return list(plug)
    side_x, _ = spine[0]
    _, level = plug[-1]
    side = (side_x, level)
    return [*plug, side, *spine[1:]]


def _plug(picture: Picture, port: Device, bridge: Device) -> Sequence[Point]:
    """The line from a port down to the bar of its bridge, or along a lane of its own to the bridge itself."""
    for line in picture.lines:
        if line.kind == "bus" and line.ends == (port, bridge):
            return line.points
    raise LookupError(port)


def _spine(picture: Picture, bridge: Device) -> Sequence[Point]:
    """The bar that joins the level ones of each row of ports, at the side, to the bridge."""
    for line in picture.lines:
        if line.is_bar and line.ends[0] == bridge and len(line.points) > 2:
            return line.points
    return ()
