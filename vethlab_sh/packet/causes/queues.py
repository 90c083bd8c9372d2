"""Did a device's queue drop it? What is lost there is seen by no listener, but it is counted."""

from __future__ import annotations

from ...inside import quoted
from ...language import plural, tr
from .cause import Cause, Diagnosis, Shown, fix, full
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
        if number <= 0:
            continue
        packets = plural("{count} packet", "{count} packets", number)
        return Diagnosis(
            cause=Cause.QUEUE,
            reason=tr("the queue of {full} dropped {packets}", full=full(link.device), packets=packets),
            shown=Shown.of(space, f"tc -s qdisc show dev {quoted(link.name)}", "dropped"),
            fixes=(fix(space, f"tc qdisc del dev {quoted(link.name)} root"),),
        )
    return None
