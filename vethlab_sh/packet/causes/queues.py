"""Did a device's queue drop it, or a filter of tc? What is lost there is seen by no listener, but it is counted."""

from __future__ import annotations

from ...inside import quoted
from ...language import plural, tr
from .cause import Cause, Diagnosis, Shown, fix, full
from .look import TcFilter
from .scene import Scene


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
        number = scene.again.dropped_by_queue(space, link.name)
        if number <= 0 or scene.unasked.dropped_by_queue(space, link.name) > 0:
            continue
        packets = plural("{count} packet", "{count} packets", number)
        return Diagnosis(
            cause=Cause.QUEUE,
            reason=tr("the queue of {full} dropped {packets}", full=full(link.device), packets=packets),
            shown=Shown.of(space, f"tc -s qdisc show dev {quoted(link.name)}", "dropped"),
            fixes=(fix(space, f"tc qdisc del dev {quoted(link.name)} root"),),
        )
    return None


def taken_by_tc(scene: Scene) -> Diagnosis | None:
    """The first filter of tc, of the namespaces that matter, that kept the probe from going on."""
    for space in scene.spaces:
        one = scene.again.taken_by_tc(space)
        if one is not None and scene.unasked.taken_by_tc(space) is None:
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
