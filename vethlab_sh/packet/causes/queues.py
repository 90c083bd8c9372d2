"""Did a device's queue drop it, or a filter of tc? What is lost there is seen by no listener, but it is counted."""

from __future__ import annotations

from functools import partial

from ...inside import quoted
from ...language import plural, tr
from .cause import Cause, Diagnosis, Shown, fix, full
from .look import TcFilter
from .scene import Scene
from .trace import Again


def dropped_by_a_queue(scene: Scene) -> Diagnosis | None:
    """The first queue, of the namespaces that matter, whose counter of drops moved."""
    for space in scene.spaces:
        diagnosis = _queued(scene, space)
        if diagnosis:
            return diagnosis
    return None


def _queued(scene: Scene, space: str) -> Diagnosis | None:
    """A queue that dropped it: what is lost there is seen by no listener."""
    for link in scene.tables.links.values():
        if link.namespace != space:
            continue
        number = scene.moves_when_asked(partial(_drops, space, link.name))
        if not number:
            continue
        packets = plural("{count} packet", "{count} packets", number)
        return Diagnosis(
            cause=Cause.QUEUE,
            reason=tr("the queue of {full} dropped {packets}", full=full(link.device), packets=packets),
            shown=Shown.of(space, f"tc -s qdisc show dev {quoted(link.name)}", "dropped"),
            fixes=(fix(space, f"tc qdisc del dev {quoted(link.name)} root"),),
        )
    return None


def _drops(space: str, device: str, asked: Again) -> int:
    return max(asked.dropped_by_queue(space, device), 0)


def _taker(space: str, asked: Again) -> TcFilter | None:
    return asked.taken_by_tc(space)


def taken_by_tc(scene: Scene) -> Diagnosis | None:
    """The first filter of tc, of the namespaces that matter, that kept the probe from going on."""
    for space in scene.spaces:
        one = scene.moves_when_asked(partial(_taker, space))
        if one:
            return _by_tc(scene, space, one)
    return None


def _by_tc(scene: Scene, space: str, one: TcFilter) -> Diagnosis:
    dev = quoted(one.device)
    device = full((space, one.device))
    if one.to_dev:
        reason = tr(
            "a filter of tc at {device} ({kind}, {way}) sends it to {other} instead",
            device=device,
            kind=one.kind,
            way=one.way,
            other=one.to_dev,
        )
    else:
        reason = tr("a filter of tc at {device} ({kind}, {way}) drops it", device=device, kind=one.kind, way=one.way)
    return Diagnosis(
        cause=Cause.TC_FILTER,
        reason=reason,
        shown=Shown.of(space, f"tc -s filter show dev {dev} {one.way}", f"pref {one.pref} "),
        fixes=(fix(space, f"tc filter del dev {dev} {one.way} pref {one.pref}"),),
    )
