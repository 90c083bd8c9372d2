"""Was the packet's time to live used up? Who sent it with so little, or who took it away."""

from __future__ import annotations

import re

from ..sighting import Sighting
from .cause import Cause, Diagnosis, Shown, full
from .filters import rule_that_sets
from .scene import Scene
from .settings import setting, show_setting

SETS_TTL = re.compile(r"\bTTL\b|\bttl set\b|\bhoplimit set\b|\bHL\b")
LITTLE = 16  # nobody starts with less by himself: Linux sends with 64, others with 128 or 255


def used_up(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that comes to a router with its last hop: ip_forward() sends it no further, net/ipv4/ip_forward.c."""
    ttl = last.outer_ttl if last.wrapped else last.ttl
    if ttl is None or ttl > 1 or last.way != "in" or scene.is_local(last.namespace, last.ips[1]):
        return None
    start = _start(scene, last)
    first = start.outer_ttl if last.wrapped else start.ttl
    router = last.namespace
    gone = f"{router} does not send it on, because its TTL is used up ({ttl})"
    if last.wrapped:
        tunnel = scene.tables.tunnel(start.namespace, last.vni)
        name = full(tunnel) if tunnel else f"a tunnel of {start.namespace}"
        reason = f"{gone}: {name} wraps it with a TTL of {first}"
        line = "ip -d link show type vxlan"
        return Diagnosis(
            cause=Cause.HOP_LIMIT,
            reason=reason,
            shown=Shown.of(start.namespace, line, "ttl"),
        )
    path = "ipv6/conf/all/hop_limit" if ":" in last.dst_ip else "ipv4/ip_default_ttl"
    default = scene.look(start.namespace).number(path)
    if first is not None and first == default and default < LITTLE:
        reason = f"{gone}: {start.namespace} sends with a TTL of {first} (ip_default_ttl)"
        mend = setting(start.namespace, path, 64)
        return Diagnosis(
            cause=Cause.HOP_LIMIT,
            reason=reason,
            shown=show_setting(start.namespace, path),
            fixes=(mend,),
        )
    rule = rule_that_sets(scene, start.namespace, SETS_TTL)
    if rule:
        reason = f"{gone}: the rule `{rule.text}` ({rule.program} table {rule.table}) in {start.namespace} sets it"
        return Diagnosis(
            cause=Cause.HOP_LIMIT,
            reason=reason,
            shown=rule.shown,
            fixes=(rule.undo,) if rule.undo else (),
        )
    reason = f"{gone}: it was sent by {start.namespace} with a TTL of {first}"
    return Diagnosis(
        cause=Cause.HOP_LIMIT,
        reason=reason,
        shown=Shown.of(router, "nstat -asz IpInHdrErrors", "IpInHdrErrors"),
    )


def _start(scene: Scene, last: Sighting) -> Sighting:
    """Where the packet of a sighting began: the first sighting of its leg, wrapped when it is."""
    for one in scene.course.sightings:
        if (one.leg, one.wrapped) == (last.leg, last.wrapped):
            return one
    return last
