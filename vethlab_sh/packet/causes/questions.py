"""Why has a question for a MAC no answer? Asked in the wrong place, stuck on its way, or not answered."""

from __future__ import annotations

from ..sighting import ASKS, Sighting
from .cause import Diagnosis
from .hops import with_the_way
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
    last, first = asked[-1], asked[0]
    found = None
    if first.kind in ASKS:
        found = address_on_port(scene, first.place, first.src_ip) or asks_in_the_wrong_place(scene, first)
        found = found or _not_flooded(scene, asked)
    else:
        asker = next((one for one in scene.course.questions if one.kind in ASKS and one.dst_ip == first.src_ip), first)
        found = answer_not_taken(scene, asker.namespace, first.src_ip) if _is_back(scene, last, asker) else None
    found = found or stuck(scene, last)
    if found is None:
        return None
    return with_the_way(scene, first, found)


def _not_flooded(scene: Scene, asked: list[Sighting]) -> Diagnosis | None:
    """A question that passed a tunnel whose flood list lacks the machine of who is asked."""
    for one in asked:
        if one.way == "out" and not one.wrapped and scene.tables.is_kind(one.place, "vxlan"):
            found = missing_remote(scene, one.place, one) if scene.tables.flood(one.place) else None
            if found:
                return found
    return None


def _is_back(scene: Scene, last: Sighting, asker: Sighting) -> bool:
    return last.namespace == asker.namespace and last.way == "in"
