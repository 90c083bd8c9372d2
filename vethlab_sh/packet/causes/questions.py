"""Why has a question for a MAC no answer? Asked in the wrong place, stuck on its way, or not answered."""

from __future__ import annotations

from ..sighting import ASKS, Sighting
from .cause import Diagnosis
from .hops import with_the_way
from .macvlans import kept_apart_on_a_parent
from .resolving import (
    address_on_port,
    answer_not_taken,
    asks_in_the_wrong_place,
)
from .scene import Scene
from .stages import stuck
from .wrapping import missing_remote


def unresolved(scene: Scene, asked: list[Sighting]) -> Diagnosis | None:
    """Why a question for a MAC has no answer: asked in the wrong place, or stuck on its way, or not answered."""
    first, last = asked[0], asked[-1]
    if first.kind in ASKS:
        diagnosis = (
            address_on_port(scene, first.place, first.src_ip)
            or asks_in_the_wrong_place(scene, first)
            or _not_flooded(scene, asked)
            or kept_apart_on_a_parent(scene, asked)
        )
    else:
        diagnosis = _not_taken(scene, first, last)
    diagnosis = diagnosis or stuck(scene, last)
    if diagnosis is None:
        return None
    return with_the_way(scene, first, diagnosis)


def _not_taken(scene: Scene, answer: Sighting, last: Sighting) -> Diagnosis | None:
    """An answer that came back to who asked, who does not take it."""
    asker = answer
    for one in scene.course.questions:
        if one.kind in ASKS and one.dst_ip == answer.src_ip:
            asker = one
            break
    is_back = last.namespace == asker.namespace and last.way == "in"
    if not is_back:
        return None
    return answer_not_taken(scene, asker.namespace, answer.src_ip)


def _not_flooded(scene: Scene, asked: list[Sighting]) -> Diagnosis | None:
    """A question that passed a tunnel whose flood list lacks the machine of who is asked."""
    for one in asked:
        if one.way != "out" or one.wrapped:
            continue
        if scene.tables.is_kind(one.place, "vxlan") and scene.tables.flood(one.place):
            diagnosis = missing_remote(scene, one.place, one)
            if diagnosis:
                return diagnosis
    return None
