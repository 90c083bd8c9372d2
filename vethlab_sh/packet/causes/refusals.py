"""Who said no? A reset, or an ICMP error of a machine on the way."""

from __future__ import annotations

from dataclasses import replace

from ...language import tr
from ..sighting import Error, Sighting
from .cause import Cause, Diagnosis, Shown
from .delivering import nobody_listens
from .filters import Met, filtered, port_at, rewritten_to
from .lastseen import last_seen
from .lifetimes import used_up
from .routing import loop
from .scene import Scene


def refused(scene: Scene) -> tuple[Sighting | None, Diagnosis] | None:
    """An answer that says no: a reset, or an ICMP error that a machine on the way sent back."""
    back = scene.course.back
    if not scene.probe.is_ping:
        for one in back:
            if one.is_reset and one.way == "out":
                diagnosis = filtered(scene, one.namespace) or _refused_behind(scene, one)
                return one, diagnosis or nobody_listens(scene, one.namespace, one.src_ip, one.src_port)
    for one in back:
        if one.error is not None:
            return _error(scene, one)
    return None


def _refused_behind(scene: Scene, reset: Sighting) -> Diagnosis | None:
    """A refusal by who got the packet in the end: a rule had rewritten where it goes."""
    space = reset.namespace
    probe = scene.probe
    goal, rule = rewritten_to(scene, space, probe.target)
    owner = scene.tables.owner(goal)
    if goal is None or owner is None:
        return None
    port = _port_behind(scene, space, goal, rule)
    namespace, _ = owner
    refusal = nobody_listens(scene, namespace, goal, port)
    reason = tr(
        "{space} rewrites {target} port {port} to {goal} port {new_port}, and {reason}",
        space=space,
        target=probe.target,
        port=probe.port,
        goal=goal,
        new_port=port,
        reason=refusal.reason,
    )
    return replace(refusal, reason=reason)


def _port_behind(scene: Scene, space: str, goal: str, rule: Met | None) -> int:
    """The port that the probe has at an address that a namespace gave it: as a hook saw it, or the rule says."""
    probe = scene.probe
    by_rule = rule.goal.port if rule is not None and rule.goal is not None else None
    return port_at(scene, space, probe.target, goal) or by_rule or probe.port


def sent_to_itself(scene: Scene) -> Diagnosis | None:
    """A rule of who asks by which it asks itself, where nobody listens: REDIRECT in OUTPUT, or DNAT to its own."""
    space, probe = scene.probe.src, scene.probe
    goal, rule = rewritten_to(scene, space, probe.target)
    if goal is None or rule is None or probe.is_ping or not scene.is_local(space, goal):
        return None
    port = _port_behind(scene, space, goal, rule)
    if any(one.takes(probe.protocol, goal, port) for one in scene.look(space).sockets):
        return None
    reason = tr(
        "the rule `{text}` ({program} {in_table}) makes {space} ask itself, {goal} port {port}, and {reason}",
        text=rule.text,
        program=rule.program,
        in_table=rule.in_table,
        space=space,
        goal=goal,
        port=port,
        reason=nobody_listens(scene, space, goal, port).reason,
    )
    return Diagnosis(Cause.REWRITTEN, reason, rule.shown, rule.fixes)


def _error(scene: Scene, first: Sighting) -> tuple[Sighting | None, Diagnosis] | None:
    space = first.namespace
    # REJECT of iptables says port unreachable, too, as its default
    if first.error == Error.PORT_UNREACHABLE and not first.wrapped:
        diagnosis = filtered(scene, space)
        if diagnosis:
            return last_seen(scene), diagnosis
        if scene.probe.protocol == "udp":
            return first, nobody_listens(scene, space, first.src_ip)
    if first.error == Error.ADMIN_PROHIBITED:
        diagnosis = filtered(scene, space)
        if diagnosis is None:
            return None
        return last_seen(scene), diagnosis
    if first.error == Error.TIME_EXCEEDED and loop(scene) is None:
        return _expired(scene, first)
    return None


def _expired(scene: Scene, error: Sighting) -> tuple[Sighting, Diagnosis]:
    """Who sent it with so little, or that it passes too many: what came in where the error was made."""
    space = error.namespace
    came = [one for one in scene.course.there if one.namespace == space and one.way == "in"]
    if came:
        latest = came[-1]
        expired = used_up(scene, latest)
        if expired:
            return latest, expired
    reason = tr("the TTL of the packet was used up in {space}: it passes more routers than it may", space=space)
    shown = Shown.of(space, "nstat -asz IcmpOutTimeExcds")
    return error, Diagnosis(Cause.HOP_LIMIT, reason, shown)
