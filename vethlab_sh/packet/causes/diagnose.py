"""Why was there no answer? Where the probe was last seen decides which question is asked of the tables and the kernel.

The tables come first. What they cannot tell the kernel is asked: the same probe once more, between two looks at its
counters, while nft traces what the filters do with it.
"""

from __future__ import annotations

from ...language import enumerated, tr
from ..sighting import Sighting
from .cause import Cause, Diagnosis, place
from .filters import filtered
from .ipsec import blocked_by_ipsec
from .lastseen import last_seen, open_question
from .macvlans import kept_apart_on_a_parent
from .marks import led_away_by_a_mark
from .questions import unresolved
from .queues import dropped_by_a_queue, taken_by_tc
from .refusals import refused, sent_to_itself
from .resolving import with_another_hop_limit
from .rewriting import answered_from_elsewhere, with_the_source
from .routing import loop, nothing_left
from .scene import Scene
from .settings import echo_ignored
from .stages import stuck, wrapped_for_itself
from .switching import taken_by_a_switch


def diagnose(scene: Scene) -> tuple[Sighting | None, Diagnosis]:
    """The last sighting on the way, and why there was no next one."""
    early = wrapped_for_itself(scene) or refused(scene) or answered_from_elsewhere(scene)
    if early:
        return early
    round_and_round = loop(scene)
    last = last_seen(scene)
    if round_and_round:
        return last, round_and_round
    asked = open_question(scene, last)
    if asked is not None:
        last = asked[-1]
    diagnosis = taken_by_a_switch(scene, last)
    if diagnosis is not None:
        return last, diagnosis
    if asked is not None:
        diagnosis = unresolved(scene, asked)
    elif last is None:
        diagnosis = _not_sent(scene)
    else:
        same_leg = [one for one in scene.course.sightings if one.leg == last.leg]
        diagnosis = kept_apart_on_a_parent(scene, same_leg) or stuck(scene, last)
    if diagnosis is None:
        diagnosis = (
            with_another_hop_limit(scene, scene.course.questions)
            or blocked_by_ipsec(scene)
            or dropped_by_a_queue(scene)
            or taken_by_tc(scene)
            or led_away_by_a_mark(scene, last)
            or _unknown(scene, last)
        )
    return last, with_the_source(scene, last, diagnosis)


def _not_sent(scene: Scene) -> Diagnosis | None:
    space = scene.probe.src
    target = scene.probe.target
    diagnosis = nothing_left(scene)
    if diagnosis is None and scene.is_local(space, target):
        diagnosis = echo_ignored(scene, space, target)
    return diagnosis or filtered(scene, space) or sent_to_itself(scene)


def _unknown(scene: Scene, last: Sighting | None) -> Diagnosis:
    """What was ruled out, and what to look at next."""
    if scene.again.answered:
        return Diagnosis(Cause.UNKNOWN, tr("the same probe, sent once more, was answered: ask again"))
    space = last.namespace if last else scene.probe.src
    is_judged = scene.look(space).is_judged
    ruled_out = [
        tr("devices and cables"),
        tr("routes and rules") if is_judged else tr("routes"),
        tr("forwarding and rp_filter"),
    ]
    if scene.again.heard and all(scene.look(one).has_nft for one in scene.spaces):
        ruled_out.append(tr("packet filters"))
    if is_judged:
        line = scene.ground.typed(space, "nstat")
        next_look = tr("Look next at the kernel's counters there, while you ask again: `{line}`", line=line)
    else:
        line = scene.ground.typed(space, "ip rule")
        next_look = tr("Look next at the rules that ask for more than addresses: `{line}`", line=line)
    where = place(last.place) if last else space
    looked = tr(
        "Looked for at {where}, and nothing found in the way: {ruled_out}.",
        where=where,
        ruled_out=enumerated(ruled_out),
    )
    return Diagnosis(Cause.UNKNOWN, tr("I do not know why. {looked} {next_look}", looked=looked, next_look=next_look))
