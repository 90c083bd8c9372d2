"""Where does each device go in a picture of the wiring? Machine beside machine, in each the pods above their bridge.

`layout` turns a snapshot into boxes and lines with plain numbers; `ink` puts them on paper and decides nothing. The
picture shows what the kernel has, so a broken lab looks broken: a device that is down is dashed and says so, a port
without a master hangs free, a cable whose other end is gone ends in a cross, one whose other end we cannot see ends in
a question mark.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ..facts import Device, Link
from ..snapshot import Snapshot
from .devices import Tunnel, comes_first, devices, is_cut, is_dead, rank, remark, tunnels
from .labels import Labels
from .machines import SWITCHING, machines
from .picture import BUS, CHAR, GAP, LANE, LEADING, PAD, WIRE, Box, Line, Picture, Point

SIDE_BY_SIDE = 4  # namespaces in one row, as long as a page or a notebook need not make the letters small
MOST_COLUMNS = 6
ONE_ROW = 99


def layout(
    snapshot: Snapshot,
    changed: Collection[Device] = (),
    routes: bool = False,
    notes: Mapping[Device, Sequence[str]] | None = None,
) -> Picture:
    """Where everything goes.

    changed: devices to accent; routes: write each namespace's routes into its box; notes: more lines for devices.
    """
    paper = _Paper(Labels(snapshot, frozenset(changed), routes, notes or {}))
    homes = machines(snapshot)
    is_alone = len(homes) == 1
    left = GAP
    floor = 0.0
    for machine, members in homes.items():
        frame = _Frame(paper, machine, members, left)
        frame.place(is_alone)
        left = frame.right + 3 * GAP
        floor = max(floor, frame.floor)
    lanes = _between_machines(paper, floor + LANE)
    picture = paper.picture
    picture.width = left - 2 * GAP
    if lanes:
        picture.height = floor + LANE + lanes * LANE
    else:
        picture.height = floor + GAP
    _fit_labels(picture)
    return picture


def _fit_labels(picture: Picture) -> None:
    """Widen the paper until every label is on it."""
    for line in picture.lines:
        start, _ = line.at
        length = len(line.label) * CHAR
        end = start + length + GAP
        picture.width = max(picture.width, end)


# ---- paper ------------------------------------------------------------------------------------------------


class _Paper:
    """A picture in the making: what is on it already, and how a device or a line is put there."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.snapshot = labels.snapshot
        self.picture = Picture()
        self.chips: dict[Device, Box] = {}

    def line(self, kind: str, corners: Sequence[Point], ends: tuple[Device, Device]) -> None:
        """A line between two devices, which has these corners."""
        self.picture.lines.append(Line(kind, tuple(corners), ends=ends))

    def chip(self, link: Link, x: float, y: float) -> None:
        """A device, its upper left corner here; a cable without an end that could be drawn stands on top of it."""
        label = self.labels.device(link)
        size = self.labels.size(link)
        is_odd = is_dead(link) or bool(remark(link, self.snapshot))
        box = Box(
            kind=link.kind if link.kind in SWITCHING else "device",
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

    def wire_down(self, link: Link) -> None:
        """A cable that goes straight down from its other end, where that is placed already."""
        if link.peer_device not in self.chips:
            return
        other = self.chips[link.peer_device]
        end = self.chips[link.device]
        corners = (other.bottom, end.top)
        self.line("wire", corners, (other.key, end.key))

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
        line = Line(kind, corners, label, above_lane, ends)
        self.picture.lines.append(line)


# ---- one machine ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bar:
    """A bridge's bar below one row of ports: where it begins at the side, and how far down."""

    bridge: str
    side: float
    level: float


class _Frame:
    """One machine: rows of namespaces, each with the other ends of its cables below; then the rest of its devices.

    right, floor: how far it reaches by now.
    """

    def __init__(self, paper: _Paper, machine: str, members: Sequence[str], left: float) -> None:
        self.paper = paper
        self.machine = machine
        self.members = members
        self.left = left
        self.ports: dict[str, list[Link]] = {namespace: [] for namespace in members}
        self.rest: list[Link] = []
        self._sort(devices(paper.snapshot, machine))
        self.bridges = [link for link in self.rest if link.kind == "bridge"]
        self.bars: list[_Bar] = []
        self.title = paper.labels.title(machine)
        room_for_bars = BUS * len(self.bridges)  # they come down at the left, one beside the other
        self.inner = left + GAP + room_for_bars
        self.right = left + self.title.width + 2 * PAD
        self.floor = GAP + PAD + self.title.height + GAP

    def _sort(self, own: Sequence[Link]) -> None:
        """Its devices: the ends of cables to its namespaces, and the rest."""
        for link in own:
            if link.peer_namespace in self.ports:
                self.ports[link.peer_namespace].append(link)
            else:
                self.rest.append(link)
        self.rest.sort(key=rank)

    def place(self, is_alone: bool) -> None:
        """Put all of it on the paper; is_alone: whether the machine has the paper for itself."""
        crossing = _crossing(self.paper.snapshot, self.members)
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
        box = self._box_width(namespace)
        below = self.paper.width_of(self.ports[namespace])
        return max(box, below)

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
        self.floor = self._place_bars(ports, deepest) + GAP

    def _place_namespace(self, namespace: str, middle: float, y: float) -> float:
        """A namespace's box and, below it, the ends of its cables that are on the machine; returns their floor."""
        paper = self.paper
        ports = self.ports[namespace]
        floor = self._place_box(namespace, middle, y)
        if not ports:
            return floor
        left = middle - paper.width_of(ports) / 2
        top = floor + WIRE
        paper.row(ports, left, top)
        for port in ports:
            paper.wire_down(port)
        return top + paper.height_of(ports)

    def _place_box(self, namespace: str, middle: float, y: float) -> float:
        """A namespace's box and the devices in it; returns its floor."""
        paper = self.paper
        inside = devices(paper.snapshot, namespace)
        title = paper.labels.title(namespace)
        width = self._box_width(namespace)
        height = 2 * PAD + title.height
        if inside:
            height += PAD + paper.height_of(inside)
        left = middle - width / 2
        box = Box("namespace", namespace, left, y, width, height, title.lines)
        paper.picture.boxes.append(box)
        floor = y + height
        first = middle - paper.width_of(inside) / 2
        paper.row_on(inside, first, floor - PAD)
        return floor

    def _place_bars(self, ports: Sequence[Link], y: float) -> float:
        """For each bridge a bar below this row, to which its ports reach down; returns the depth used."""
        for number, bridge in enumerate(self.bridges):
            own = [port for port in ports if port.master == bridge.name]
            if not own:
                continue
            y += BUS
            side = self.left + GAP + number * BUS
            bar = _Bar(bridge.name, side, y)
            self.bars.append(bar)
            self._place_bar(bridge, own, bar)
        return y

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

    def _place_lanes(self, crossing: Sequence[Link]) -> None:
        """Cables between two namespaces, each in a lane of its own below the boxes."""
        for link in crossing:
            self._in_lane("wire", link)
            self.floor += LANE

    def _in_lane(self, kind: str, link: Link) -> None:
        if link.peer_device:
            ends = (link.device, link.peer_device)
            self.paper.under(kind, ends, self.floor)

    def _place_rest(self) -> None:
        """The machine's other devices in a row at its foot, and what joins them."""
        top = self.floor
        right = self.paper.row(self.rest, self.inner, top)
        self.right = max(self.right, right)
        self.floor = top + self.paper.height_of(self.rest)
        for number, bridge in enumerate(self.bridges):
            self._join_bars(bridge, number, top)
            self._plug_rest(bridge)
        for link in self.rest:
            if _joins_within(link):
                self.floor += LANE
                self._in_lane("wire", link)

    def _plug_rest(self, bridge: Link) -> None:
        """What joins a bridge to those of its ports that stand beside it, each in a lane of its own."""
        for link in self.rest:
            if link.master == bridge.name:
                self.floor += LANE
                self.paper.under("bus", (link.device, bridge.device), self.floor)

    def _join_bars(self, bridge: Link, number: int, top: float) -> None:
        """The bars of a bridge, joined at the side, down to it: into its side, or from above past those before it."""
        bars = [bar for bar in self.bars if bar.bridge == bridge.name]
        if not bars:
            return
        highest = bars[0]  # they are placed from above
        side = highest.side
        box = self.paper.chips[bridge.device]
        corners: list[Point] = [(side, highest.level)]
        if number == 0:
            level = box.y + LEADING
            corners += [(side, level), (box.x, level)]
        else:
            level = top - 3 * number
            above_box = (box.top[0], level)
            corners += [(side, level), above_box, box.top]
        self.paper.line("bus", corners, (bridge.device, bridge.device))


def _in_rows(members: Sequence[str], columns: int) -> list[Sequence[str]]:
    """Namespaces in rows of so many."""
    rows = []
    for start in range(0, len(members), columns):
        row = members[start : start + columns]
        rows.append(row)
    return rows


def _joins_within(link: Link) -> bool:
    """Whether both ends of a cable are in one namespace; said of one end only, so that it is drawn once."""
    if link.peer_namespace != link.namespace:
        return False
    return comes_first(link)


def _crossing(snapshot: Snapshot, members: Sequence[str]) -> list[Link]:
    """Cables from one of these namespaces to another, each once."""
    cables = []
    for namespace in members:
        for link in devices(snapshot, namespace):
            if link.peer_namespace in members and comes_first(link):
                cables.append(link)
    return cables


def _columns(count: int, is_alone: bool) -> int:
    """How many namespaces side by side, so that a page or a notebook need not make the letters small."""
    if not is_alone:
        square = math.ceil(math.sqrt(count))
        return max(2, min(SIDE_BY_SIDE, square))
    if count <= SIDE_BY_SIDE:
        return max(1, count)
    twice_as_wide = math.ceil(math.sqrt(2 * count))
    return min(MOST_COLUMNS, twice_as_wide)


# ---- between machines -------------------------------------------------------------------------------------


def _between_machines(paper: _Paper, y: float) -> int:
    """Cables and tunnels from machine to machine, each in a lane of its own; returns how many there are."""
    lanes = 0
    for ends in _undrawn_cables(paper):
        lane = y + lanes * LANE
        paper.under("wire", ends, lane)
        lanes += 1
    for tunnel in tunnels(paper.snapshot):
        kind = "tunnel" if tunnel.works else "broken"
        ends = (tunnel.one.device, tunnel.two.device)
        lane = y + lanes * LANE
        paper.under(kind, ends, lane, _name(tunnel))
        lanes += 1
    return lanes


def _undrawn_cables(paper: _Paper) -> list[tuple[Device, Device]]:
    """The cables that no machine's frame holds."""
    drawn = {frozenset(line.ends) for line in paper.picture.lines}
    cables = []
    for link in paper.snapshot.rows.links:
        if link.kind != "veth" or link.peer_device is None:
            continue
        ends = (link.device, link.peer_device)
        if frozenset(ends) not in drawn:
            drawn.add(frozenset(ends))
            cables.append(ends)
    return cables


def _name(tunnel: Tunnel) -> str:
    name = f"VXLAN {tunnel.one.vxlan_id}"
    if not tunnel.works:
        missing = " and ".join(tunnel.missing)
        name += f": no FDB entry on {missing}"
    return name
