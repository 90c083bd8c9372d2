"""What is on a picture in the making? Devices and lines by their places, and how much room each takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..facts import TUNNELS, Device, Link
from .devices import is_cut, is_dead, remark
from .joins import Join
from .labels import Labels
from .picture import GAP, LANE, PAD, Box, Line, Picture, Point


class Paper:
    """A picture in the making: what is on it already, and how a device or a line is put there."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.snapshot = labels.snapshot
        self.picture = Picture()
        self.chips: dict[Device, Box] = {}
        self._joined: set[frozenset[Device]] = set()

    def line(self, kind: str, corners: Sequence[Point], ends: tuple[Device, Device]) -> None:
        """A line between two devices, which has these corners."""
        line = Line(kind, tuple(corners), ends=ends)
        self.picture.lines.append(line)
        self._joined.add(frozenset(ends))

    def chip(self, link: Link, x: float, y: float) -> None:
        """A device, its upper left corner here; a cable without an end that could be drawn stands on top of it."""
        label = self.labels.device(link)
        size = self.labels.size(link)
        is_odd = is_dead(link) or bool(remark(link, self.snapshot))
        box = Box(
            kind=_look(link),
            name=link.name,
            x=x,
            y=y,
            width=size.width,
            height=size.height,
            lines=label.lines,
            off=is_odd,
            changed=link.device in self.labels.changed,
            key=link.device,
            warnings=label.warnings,
        )
        self.chips[link.device] = box
        self.picture.boxes.append(box)
        if is_cut(link):
            self._stub("cut", box)
        elif link.unseen:
            self._stub("unknown", box)

    def _stub(self, kind: str, box: Box) -> None:
        """A short piece of cable that stands on a device."""
        x, y = box.top
        above = (x, y - GAP * 0.7)
        corners = (box.top, above)
        self.line(kind, corners, (box.key, box.key))

    def row(self, links: Iterable[Link], x: float, y: float) -> float:
        """Devices side by side from x on, hanging from y; returns the right end."""
        for link in links:
            self.chip(link, x, y)
            x += self.labels.size(link).width + GAP
        return x

    def row_on(self, links: Iterable[Link], x: float, floor: float) -> None:
        """Devices side by side from x on, standing on a floor."""
        for link in links:
            size = self.labels.size(link)
            self.chip(link, x, floor - size.height)
            x += size.width + GAP

    def width_of(self, links: Sequence[Link]) -> float:
        """The room that devices side by side take."""
        if not links:
            return 0.0
        widths = [self.labels.size(link).width for link in links]
        gaps = len(links) - 1
        return sum(widths) + GAP * gaps

    def height_of(self, links: Sequence[Link]) -> float:
        """The height of the highest of some devices, 0 when there are none."""
        heights = [self.labels.size(link).height for link in links]
        return max(heights, default=0.0)

    def join(self, join: Join, corners: Sequence[Point]) -> None:
        """The line of a join, which has these corners, from its first end to its second."""
        self.line(join.kind, corners, join.ends)

    def is_drawn(self, join: Join) -> bool:
        """Whether a join is on it."""
        return frozenset(join.ends) in self._joined

    def wire_down(self, join: Join, end: Device) -> None:
        """A cable that goes straight down to one end from its other, where that is placed already."""
        other = join.other(end)
        if other in self.chips:
            corners = (self.chips[other].bottom, self.chips[end].top)
            self.line(join.kind, corners, (other, end))

    def lanes(self, joins: Iterable[Join], floor: float) -> float:
        """Lines from device to device below them, those that do not overlap in one lane; returns the new floor."""
        spans = []
        for join in joins:
            one, two = sorted(self._x_below(device) for device in join.ends)
            breadth = two - one
            spans.append((breadth, one, two, join))
        spans.sort(key=lambda span: span[:3])
        taken: list[list[tuple[float, float]]] = []
        for _, one, two, join in spans:
            number = _free_lane(taken, one, two)
            y = floor + LANE * (number + 1)
            self.under(join.kind, join.ends, y)
        return floor + LANE * len(taken)

    def _x_below(self, device: Device) -> float:
        """Where a line begins that goes down from a device."""
        x, _ = self.chips[device].bottom
        return x

    def under(self, kind: str, ends: tuple[Device, Device], y: float, label: str = "") -> None:
        """A line from one device to another, down to a lane of its own and up again."""
        one, two = ends
        start = self.chips[one].bottom
        end = self.chips[two].bottom
        start_x, _ = start
        end_x, _ = end
        corners = (start, (start_x, y), (end_x, y), end)
        left = min(start_x, end_x)
        above_lane = (left + PAD, y - 2)
        self._joined.add(frozenset(ends))
        line = Line(kind, corners, label, above_lane, ends)
        self.picture.lines.append(line)


def _free_lane(taken: list[list[tuple[float, float]]], one: float, two: float) -> int:
    """The first lane in which nothing is between two places, which are then taken; they may touch what is beside."""
    for number, spans in enumerate(taken):
        is_free = all(two <= start or end <= one for start, end in spans)
        if is_free:
            spans.append((one, two))
            return number
    taken.append([(one, two)])
    return len(taken) - 1


def lanes_of(count_of: Iterable[tuple[int, int]]) -> int:
    """How many lanes joins between places in a row need, before the places are known; each as two positions."""
    taken: list[list[tuple[float, float]]] = []
    for one, two in sorted(count_of, key=_by_breadth):
        _free_lane(taken, one, two)
    return len(taken)


def _by_breadth(span: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """Sort key: the shortest first, from left to right."""
    one, two = span
    return two - one, span


def _look(link: Link) -> str:
    """How a device's box looks: as a bridge, as a tunnel, or as any device."""
    if link.kind == "bridge":
        return "bridge"
    return "vxlan" if link.kind in TUNNELS else "device"
