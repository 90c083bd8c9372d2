"""Why did another one answer than the one that was asked? It has the address too, or a rule or route leads to it."""

from __future__ import annotations

from ...language import tr
from ..sighting import TELLS
from .cause import Cause, Diagnosis, Shown, fix
from .filters import rewritten_to
from .scene import Scene


def other_answerer(scene: Scene, answerer: str) -> Diagnosis:
    """Why the packet for the target was answered by this namespace."""
    target = scene.probe.target
    by_a_rule = _rewriting(scene, answerer)
    if by_a_rule:
        return by_a_rule
    asked = scene.probe.dst
    if scene.is_local(answerer, target):
        if answerer == scene.probe.src:
            reason = tr(
                "{answerer} has {target} itself, so the packet did not leave it", answerer=answerer, target=target
            )
        elif _has_spoken(scene, asked):
            reason = tr("{answerer} has {target} too, and its answer came first", answerer=answerer, target=target)
        else:
            reason = tr(
                "{answerer} has {target} too, and {asked} was not even asked",
                answerer=answerer,
                target=target,
                asked=asked,
            )
        return Diagnosis(Cause.WRONG_ANSWERER, reason, Shown.of(answerer, "ip -br addr", target))
    local = scene.look(answerer).has_own(target)
    if local:
        table = "" if local.table == "local" else f" table {local.table}"
        mend = fix(answerer, f"ip route del local {local.to}{table}")
        return Diagnosis(
            cause=Cause.WRONG_ANSWERER,
            reason=tr(
                "{answerer} itself takes what is for {target}, by its route local {to}, and answers",
                answerer=answerer,
                target=target,
                to=local.to,
            ),
            shown=Shown.of(answerer, "ip route show table all", f"local {local.to}"),
            fixes=(mend,),
        )
    reason = tr("the packet to {target} came to {answerer}, which answered", target=target, answerer=answerer)
    return Diagnosis(Cause.WRONG_ANSWERER, reason, Shown.of(answerer, f"ip route get {target}", target))


def _has_spoken(scene: Scene, asked: str) -> bool:
    """Whether who was asked told its MAC, or answered, too: copies of what is for others it may have got as well."""
    for one in scene.course.sightings:
        speaks = one.kind in TELLS or one.leg == "back"
        if one.namespace == asked and speaks and one.way == "out":
            return True
    return False


def _rewriting(scene: Scene, answerer: str) -> Diagnosis | None:
    """A rule that sends packets for the target elsewhere: DNAT, REDIRECT."""
    target = scene.probe.target
    for space in scene.spaces:
        goal, rule = rewritten_to(scene, space, target)
        if goal is None:
            continue
        itself = tr("{answerer} itself", answerer=answerer) if answerer in (space, scene.probe.src) else answerer
        where = f"{rule.program} {rule.in_table}: `{rule.text}`" if rule else "DNAT"
        return Diagnosis(
            cause=Cause.WRONG_ANSWERER,
            reason=tr(
                "{space} rewrites {target} to {goal} ({where}), so {itself} answers",
                space=space,
                target=target,
                goal=goal,
                where=where,
                itself=itself,
            ),
            shown=rule.shown if rule else None,
            fixes=rule.fixes if rule else (),
        )
    return None
