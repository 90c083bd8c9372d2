"""Why did another one answer than the one that was asked? It has the address too, or a rule or route leads to it."""

from __future__ import annotations

from .cause import Cause, Diagnosis, Shown, fix
from .filters import rewritten_to
from .scene import Scene


def other_answerer(scene: Scene, answerer: str) -> Diagnosis:
    """Why the packet for the target was answered by this namespace."""
    target = scene.probe.target
    rewriting = _rewriting(scene, answerer)
    if rewriting:
        return rewriting
    shown = Shown.of(answerer, "ip -br addr", target)
    if scene.is_local(answerer, target):
        if answerer == scene.probe.src:
            reason = f"{answerer} has {target} itself, so the packet did not leave it"
        elif any(one.namespace == scene.probe.dst for one in scene.course.sightings):
            reason = f"{answerer} has {target} too, and its answer came first"
        else:
            reason = f"{answerer} has {target} too, and {scene.probe.dst} was not even asked"
        return Diagnosis(Cause.WRONG_ANSWERER, reason, shown)
    local = scene.look(answerer).has_own(target)
    if local:
        reason = f"{answerer} itself takes what is for {target}, by its route local {local.to}, and answers"
        shown = Shown.of(answerer, "ip route show table all", f"local {local.to}")
        table = "" if local.table == "local" else f" table {local.table}"
        mend = fix(answerer, f"ip route del local {local.to}{table}")
        return Diagnosis(
            cause=Cause.WRONG_ANSWERER,
            reason=reason,
            shown=shown,
            fixes=(mend,),
        )
    reason = f"the packet to {target} came to {answerer}, which answered"
    return Diagnosis(
        cause=Cause.WRONG_ANSWERER,
        reason=reason,
        shown=Shown.of(answerer, f"ip route get {target}", target),
    )


def _rewriting(scene: Scene, answerer: str) -> Diagnosis | None:
    """A rule that sends packets for the target elsewhere: DNAT, REDIRECT."""
    target = scene.probe.target
    spaces = [space for space in scene.spaces if scene.look(space).filters]
    for space in spaces:
        goal, rule = rewritten_to(scene, space, target)
        if goal is None:
            continue
        itself = f"{answerer} itself" if answerer in (space, scene.probe.src) else answerer
        reason = f"{space} rewrites {target} to {goal} (DNAT), so {itself} answers"
        if rule is None:
            return Diagnosis(Cause.WRONG_ANSWERER, reason)
        where = f"{rule.program} table {rule.table}: `{rule.text}`"
        reason = f"{space} rewrites {target} to {goal} ({where}), so {itself} answers"
        return Diagnosis(
            cause=Cause.WRONG_ANSWERER,
            reason=reason,
            shown=rule.shown,
            fixes=(rule.undo,) if rule.undo else (),
        )
    return None
