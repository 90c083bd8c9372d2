"""Where does each device go in a picture of the wiring? Machine beside machine, in each the pods above their bridge.

`layout` turns a snapshot into boxes and lines with plain numbers; `ink` puts them on paper and decides nothing. The
picture shows what the kernel has, so a broken lab looks broken: a device that is down is dashed and says so, a port
without a master hangs free, a cable whose other end is gone ends in a cross, one whose other end we cannot see ends in
a question mark.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from ..facts import Device
from ..markup import width
from ..snapshot import Snapshot
from . import characters
from .frame import Frame
from .joins import Join, joins
from .labels import Labels
from .machines import machines
from .paper import Paper
from .picture import CHAR, GAP, LANE, Picture
from .tunnels import tunnels


def layout(
    snapshot: Snapshot,
    changed: Collection[Device] = (),
    routes: bool = False,
    notes: Mapping[Device, Sequence[str]] | None = None,
) -> Picture:
    """Where everything goes.

    changed: devices to accent; routes: write each namespace's routes into its box; notes: more lines for devices.
    """
    paper = Paper(Labels(snapshot, frozenset(changed), routes, notes or {}))
    homes = machines(snapshot)
    is_alone = len(homes) == 1
    left = GAP
    floor = 0.0
    for machine, members in homes.items():
        frame = Frame(paper, machine, members, left)
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
    picture.describe = partial(characters.as_text, snapshot)
    return picture


def _fit_labels(picture: Picture) -> None:
    """Widen the paper until every label is on it."""
    for line in picture.lines:
        start, _ = line.at
        length = width(line.label) * CHAR
        end = start + length + GAP
        picture.width = max(picture.width, end)


# ---- between machines -------------------------------------------------------------------------------------


def _between_machines(paper: Paper, y: float) -> int:
    """What joins machine and machine, and tunnels, each in a lane of its own; returns how many there are."""
    lanes = 0
    for join in _undrawn(paper):
        lane = y + lanes * LANE
        paper.under(join.kind, join.ends, lane)
        lanes += 1
    for tunnel in tunnels(paper.snapshot):
        kind = "tunnel" if tunnel.works else "broken"
        ends = (tunnel.one.device, tunnel.two.device)
        lane = y + lanes * LANE
        paper.under(kind, ends, lane, tunnel.label)
        lanes += 1
    return lanes


def _undrawn(paper: Paper) -> list[Join]:
    """What no machine's frame holds."""
    return [join for join in joins(paper.snapshot) if not paper.is_drawn(join)]
