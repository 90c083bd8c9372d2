"""Where does each device of one machine go? Namespaces in rows, the other ends of their cables below; then the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ..facts import Device, Link
from .devices import devices, rank
from .joins import Join, joins, joins_of, side_by_side
from .paper import Paper, lanes_of
from .picture import BUS, GAP, LANE, LEADING, PAD, WIRE, Box, Point

SIDE_BY_SIDE = 4  # namespaces in one row, as long as a page or a notebook need not make the letters small
MOST_COLUMNS = 6
ONE_ROW = 99
SLOT = PAD  # the room that a line takes which goes down between the ends of cables
STEP = 4.0  # from one level line to the next, where several turn off


@dataclass(frozen=True)
class _Bar:
    """A bridge's bar below one row of ports: where it begins at the side, and how far down."""

    bridge: Device
    side: float
    level: float


@dataclass(frozen=True)
class _Descent:
    """A line on its way from a device of a namespace down and along the side to one of the machine's own."""

    join: Join
    goal: Device
    corners: tuple[Point, ...]


class Frame:
    """One machine: rows of namespaces, each with the other ends of its cables below; then the rest of its devices.

    right, floor: how far it reaches by now.
    """

    def __init__(self, paper: Paper, machine: str, members: Sequence[str], left: float) -> None:
        self.paper = paper
        self.machine = machine
        self.members = members
        self.left = left
        self.joins = joins_of(paper.snapshot)
        self.ports: dict[str, list[Link]] = {namespace: [] for namespace in members}
        self.rest: list[Link] = []
        self._sort(devices(paper.snapshot, machine))
        self.hubs = [link for link in self.rest if self._is_hub(link)]
        self.bars: list[_Bar] = []
        self.descents: list[_Descent] = []
        self.drops: dict[Device, tuple[Point, ...]] = {}
        self.title = paper.labels.title(machine)
        room_for_bars = BUS * len(self.hubs)  # they come down at the left, one beside the other
        self.inner = left + GAP + room_for_bars
        self.right = left + self.title.width + 2 * PAD
        self.floor = GAP + PAD + self.title.height + GAP

    # ---- what is where --------------------------------------------------------------------------------------

    def _sort(self, own: Sequence[Link]) -> None:
        """Its devices: the ends of cables to its namespaces, and the rest."""
        rest = []
        for link in own:
            if link.peer_namespace in self.ports and not self._has_others_on_it(link):
                self.ports[link.peer_namespace].append(link)
            else:
                rest.append(link)
        rest.sort(key=rank)
        self.rest = side_by_side(self.paper.snapshot, rest)

    def _has_others_on_it(self, link: Link) -> bool:
        """Whether a device is one that others are ports of or are made on, so that it cannot stand between cables."""
        return any(join.bears(link.device) for join in self._of(link.device))

    def _of(self, device: Device) -> Sequence[Join]:
        return self.joins.get(device, ())

    def _is_hub(self, link: Link) -> bool:
        """Whether lines come down to a device from the rows above: of ports, or of the namespaces themselves."""
        if link.kind == "bridge":
            return True
        here = {own.device for own in self.rest}
        inside = [join for join in self._of(link.device) if self._is_inside(join)]
        return any(join.other(link.device) not in here for join in inside)

    def _is_inside(self, join: Join) -> bool:
        """Whether both ends are on this machine."""
        spaces = {self.machine, *self.members}
        (here, _), (there, _) = join.ends
        return here in spaces and there in spaces

    def _descending(self, namespace: str) -> list[tuple[Join, Device, Device]]:
        """What joins a namespace's devices to others of the machine, but for its cables' ends below it: the join, the
        device in the namespace, the other.
        """
        below = {port.device for port in self.ports[namespace]}
        found = []
        for link in devices(self.paper.snapshot, namespace):
            for join in self._of(link.device):
                other = join.other(link.device)
                there, _ = other
                if there == namespace or other in below:
                    continue
                if self._is_inside(join):
                    found.append((join, link.device, other))
        return found

    # ---- placing --------------------------------------------------------------------------------------------

    def place(self, is_alone: bool) -> None:
        """Put all of it on the paper; is_alone: whether the machine has the paper for itself."""
        crossing = self._crossing()
        columns = ONE_ROW if crossing else _columns(len(self.members), is_alone)
        rows = _in_rows(self.members, columns)
        widths = self._widths(rows)
        for row in rows:
            self._place_row(row, widths)
        self._place_lanes(crossing)
        if self.rest:
            self._place_rest()
        self.floor += GAP
        self._enclose()

    def _enclose(self) -> None:
        """The frame itself, below all that is in it."""
        box = Box(
            kind="machine",
            name=self.machine,
            x=self.left,
            y=GAP,
            width=self.right - self.left,
            height=self.floor - GAP,
            lines=self.title.lines,
        )
        self.paper.picture.boxes.insert(0, box)

    def _widths(self, rows: Sequence[Sequence[str]]) -> list[float]:
        """The width of each column: of the widest that stands in it."""
        widths = []
        for column in zip_longest(*rows):
            standing = [namespace for namespace in column if namespace]  # the last row may be shorter
            widest = max(map(self._breadth, standing))
            widths.append(widest)
        return widths

    def _breadth(self, namespace: str) -> float:
        """The room that a namespace's box takes, or the ends of its cables below it."""
        of_box = self._box_width(namespace)
        below = self._width_below(namespace)
        return max(of_box, below)

    def _width_below(self, namespace: str) -> float:
        ports = self.ports[namespace]
        slots = len(self._descending(namespace))
        width = self.paper.width_of(ports)
        if ports:
            width += slots * (SLOT + GAP)
        return width

    def _box_width(self, namespace: str) -> float:
        inside = devices(self.paper.snapshot, namespace)
        title = self.paper.labels.title(namespace)
        content = self.paper.width_of(inside)
        return max(content, title.width) + 2 * PAD

    def _place_row(self, row: Sequence[str], widths: Sequence[float]) -> None:
        x = self.inner
        top = deepest = self.floor
        ports: list[Link] = []
        for namespace, width in zip(row, widths, strict=False):  # the last row may be shorter
            middle = x + width / 2
            depth = self._place_namespace(namespace, middle, top)
            deepest = max(deepest, depth)
            x += width + GAP
            ports += self.ports[namespace]
        self.right = max(self.right, x)
        deepest = self._place_bars(ports, deepest)
        self.floor = self._place_descents(row, deepest) + GAP

    def _place_namespace(self, namespace: str, middle: float, y: float) -> float:
        """A namespace's box and, below it, the ends of its cables that are on the machine; returns their floor."""
        paper = self.paper
        ports = self.ports[namespace]
        floor = self._place_box(namespace, middle, y)
        left = middle - self._width_below(namespace) / 2
        top = floor + WIRE
        right = paper.row(ports, left, top)
        for port in ports:
            for join in self._of(port.device):
                if join.kind == "wire":
                    paper.wire_down(join, port.device)
        self._place_slots(namespace, floor, right)
        if not ports:
            return floor
        return top + paper.height_of(ports)

    def _place_slots(self, namespace: str, floor: float, x: float) -> None:
        """The first part of each line that goes down beside the ends of cables: straight, where there are none."""
        for number, (_, device, _) in enumerate(self._descending(namespace)):
            start = self.paper.chips[device].bottom
            if not self.ports[namespace]:
                self.drops[device] = (start,)
                continue
            start_x, _ = start
            level = floor + STEP * (1 + number % 5)
            below = (start_x, level)
            beside = (x, level)
            self.drops[device] = (start, below, beside)
            x += SLOT + GAP

    def _place_box(self, namespace: str, middle: float, y: float) -> float:
        """A namespace's box, the devices in it and what joins them; returns its floor."""
        paper = self.paper
        inside = side_by_side(paper.snapshot, devices(paper.snapshot, namespace))
        within = self._within(inside)
        room_for_lanes = LANE * _count_of_lanes(inside, within)
        title = paper.labels.title(namespace)
        width = self._box_width(namespace)
        height = 2 * PAD + title.height
        if inside:
            height += PAD + paper.height_of(inside) + room_for_lanes
        left = middle - width / 2
        box = Box("namespace", namespace, left, y, width, height, title.lines)
        paper.picture.boxes.append(box)
        floor = y + height
        first = middle - paper.width_of(inside) / 2
        standing = floor - PAD - room_for_lanes
        paper.row_on(inside, first, standing)
        paper.lanes(within, standing)
        return floor

    def _within(self, links: Iterable[Link]) -> list[Join]:
        """What joins these devices to each other, each once."""
        here = {link.device for link in links}
        return [join for join in joins(self.paper.snapshot) if here.issuperset(join.ends)]

    def _place_bars(self, ports: Sequence[Link], y: float) -> float:
        """For each bridge a bar below this row, to which its ports reach down; returns the depth used."""
        for number, bridge in enumerate(self.hubs):
            own = [port for port in ports if port.master == bridge.name]
            if not own:
                continue
            y += BUS
            side = self._side(number)
            bar = _Bar(bridge.device, side, y)
            self.bars.append(bar)
            self._place_bar(bridge, own, bar)
        return y

    def _side(self, number: int) -> float:
        """Where the lines of a hub come down at the left."""
        return self.left + GAP + number * BUS

    def _place_bar(self, bridge: Link, ports: Sequence[Link], bar: _Bar) -> None:
        """A line from each port down to the bar, and the bar, as far as the port that is farthest from its side."""
        farthest = bar.side
        for port in ports:
            box = self.paper.chips[port.device]
            x, _ = box.bottom
            corners = (box.bottom, (x, bar.level))
            self.paper.line("bus", corners, (box.key, bridge.device))
            farthest = max(farthest, x)
        start = (bar.side, bar.level)
        end = (farthest, bar.level)
        self.paper.line("bus", (start, end), (bridge.device, bridge.device))

    def _place_descents(self, row: Sequence[str], y: float) -> float:
        """From the devices in this row that are joined to one of the machine's own: down, and along to the side."""
        for number, hub in enumerate(self.hubs):
            lines = self._lines_to(hub, row)
            if not lines:
                continue
            y += BUS
            side = self._side(number)
            for join, drop in lines:
                x, _ = drop[-1]
                corners = (*drop, (x, y), (side, y))
                self.descents.append(_Descent(join, hub.device, corners))
        return y

    def _lines_to(self, hub: Link, row: Sequence[str]) -> list[tuple[Join, tuple[Point, ...]]]:
        """What joins devices of these namespaces to one of the machine, and how the line of each begins."""
        lines = []
        for namespace in row:
            for join, device, other in self._descending(namespace):
                if other == hub.device:
                    lines.append((join, self.drops[device]))
        return lines

    def _crossing(self) -> list[Join]:
        """What joins one of these namespaces to another, each once."""
        found = []
        for join in joins(self.paper.snapshot):
            (one, _), (two, _) = join.ends
            if one != two and one in self.members and two in self.members:
                found.append(join)
        return found

    def _place_lanes(self, crossing: Sequence[Join]) -> None:
        """Lines between two namespaces, each in a lane of its own below the boxes."""
        for join in crossing:
            down = self.drops[join.one]
            up = self.drops[join.two][::-1]
            down_x, _ = down[-1]
            up_x, _ = up[0]
            lane = ((down_x, self.floor), (up_x, self.floor))
            self.paper.join(join, (*down, *lane, *up))
            self.floor += LANE

    def _place_rest(self) -> None:
        """The machine's other devices in a row at its foot, and what joins them."""
        paper = self.paper
        room_for_hubs = 3 * len(self.hubs)  # for the lines that come in from above
        self.floor += max(0.0, room_for_hubs - GAP)
        top = self.floor
        right = paper.row(self.rest, self.inner, top)
        self.right = max(self.right, right)
        self.floor = top + paper.height_of(self.rest)
        for number, hub in enumerate(self.hubs):
            self._join_bars(hub, number, top)
            self._end_descents(hub, number, top)
        within = self._within(self.rest)
        self.floor = paper.lanes(within, self.floor)

    def _join_bars(self, bridge: Link, number: int, top: float) -> None:
        """The bars of a bridge, joined at the side, down to it."""
        bars = [bar for bar in self.bars if bar.bridge == bridge.device]
        if not bars:
            return
        highest = bars[0]  # they are placed from above
        start = (highest.side, highest.level)
        corners = [start, *self._into(bridge, number, top)]
        self.paper.line("bus", corners, (bridge.device, bridge.device))

    def _end_descents(self, hub: Link, number: int, top: float) -> None:
        """The last part of the lines that lead to a device of the machine's own."""
        for descent in self.descents:
            if descent.goal != hub.device:
                continue
            corners = [*descent.corners, *self._into(hub, number, top)]
            if descent.join.two != hub.device:
                corners.reverse()
            self.paper.join(descent.join, corners)

    def _into(self, hub: Link, number: int, top: float) -> list[Point]:
        """From a hub's place at the side to it: into its side, or from above past those before it."""
        side = self._side(number)
        box = self.paper.chips[hub.device]
        if hub is self.rest[0]:
            level = box.y + LEADING
            return [(side, level), (box.x, level)]
        level = top - 3 * max(number, 1)
        x, _ = box.top
        return [(side, level), (x, level), box.top]


def _count_of_lanes(links: Sequence[Link], within: Iterable[Join]) -> int:
    """How many lanes the lines between devices side by side need."""
    places = {link.device: number for number, link in enumerate(links)}
    spans = []
    for join in within:
        one, two = sorted(places[device] for device in join.ends)
        spans.append((one, two))
    return lanes_of(spans)


def _in_rows(members: Sequence[str], columns: int) -> list[Sequence[str]]:
    """Namespaces in rows of so many."""
    rows = []
    for start in range(0, len(members), columns):
        row = members[start : start + columns]
        rows.append(row)
    return rows


def _columns(count: int, is_alone: bool) -> int:
    """How many namespaces side by side, so that a page or a notebook need not make the letters small."""
    if not is_alone:
        square = math.ceil(math.sqrt(count))
        return max(2, min(SIDE_BY_SIDE, square))
    if count <= SIDE_BY_SIDE:
        return max(1, count)
    twice_as_wide = math.ceil(math.sqrt(2 * count))
    return min(MOST_COLUMNS, twice_as_wide)
