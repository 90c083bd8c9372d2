"""Was the packet's time to live used up? Who sent it with so little, or who took it away."""

from __future__ import annotations

from ...language import tr
from ..sighting import Sighting
from .cause import Cause, Diagnosis, Shown, full
from .filters import rule_of_ttl, set_by
from .scene import Scene
from .settings import setting, show_setting
from .tunnels import sender_of, show_tunnel

LITTLE = 16  # nobody starts with less by himself: Linux sends with 64, others with 128 or 255


def used_up(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that comes to a router with its last hop: ip_forward() sends it no further, net/ipv4/ip_forward.c."""
    ttl = _ttl(last)
    router = last.namespace
    if ttl is None or last.way != "in" or scene.is_local(router, last.ips[1]):
        return None
    if ttl > 1:
        return _taken_away(scene, last)
    start = _start(scene, last)
    sender, first = start.namespace, _ttl(start)
    is_ipv6 = ":" in last.ips[1]
    life = tr("hop limit") if is_ipv6 else "TTL"
    gone = tr("{router} does not send it on, because its {life} is used up ({ttl})", router=router, life=life, ttl=ttl)
    if last.wrapped:
        tunnel = scene.tables.tunnel(sender, last.vni) if last.in_vxlan else sender_of(scene, start)
        name = full(tunnel) if tunnel else tr("a tunnel of {sender}", sender=sender)
        shown = Shown.of(sender, "ip -d link show type vxlan", "ttl")
        if tunnel and not last.in_vxlan:
            shown = show_tunnel(tunnel)
        return Diagnosis(
            Cause.HOP_LIMIT,
            tr("{gone}: {name} wraps it with a {life} of {first}", gone=gone, name=name, life=life, first=first),
            shown,
        )
    # IPv6 has a limit for each device: ip6_dst_hoplimit(), net/ipv6/output_core.c
    path = f"ipv6/conf/{start.device}/hop_limit" if is_ipv6 else "ipv4/ip_default_ttl"
    name = path.rpartition("/")[2]
    default = scene.look(sender).number(path)
    if first == default and default < LITTLE:
        return Diagnosis(
            cause=Cause.HOP_LIMIT,
            reason=tr(
                "{gone}: {sender} sends with a {life} of {first} ({name})",
                gone=gone,
                sender=sender,
                life=life,
                first=first,
                name=name,
            ),
            shown=show_setting(sender, path),
            fixes=(setting(sender, path, 64),),
        )
    rule = rule_of_ttl(scene, sender)
    if rule:
        return set_by(rule, sender, gone)
    counter = "Ip6InHdrErrors" if is_ipv6 else "IpInHdrErrors"
    shown = Shown.of(router, f"nstat -asz {counter}", counter)
    return Diagnosis(
        Cause.HOP_LIMIT,
        tr(
            "{gone}: it was sent by {sender} with a {life} of {first}", gone=gone, sender=sender, life=life, first=first
        ),
        shown,
    )


def _taken_away(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that came with hops left, and a rule of the router itself leaves it too few."""
    router = last.namespace
    if not scene.look(router).may_set_ttl:  # then it is not worth asking once more which rules it meets
        return None
    rule = rule_of_ttl(scene, router)
    is_ipv6 = ":" in last.ips[1]
    counter = "Ip6InHdrErrors" if is_ipv6 else "IpInHdrErrors"
    if rule is None or scene.again.moved(router, counter) <= 0:
        return None
    return Diagnosis(
        cause=Cause.HOP_LIMIT,
        reason=tr(
            "{router} does not send it on: it came with a {life} of {ttl}, and the rule `{text}` "
            "({program} {in_table}) in {router} leaves it too little",
            router=router,
            life=tr("hop limit") if is_ipv6 else "TTL",
            ttl=_ttl(last),
            text=rule.text,
            program=rule.program,
            in_table=rule.in_table,
        ),
        shown=rule.shown,
        fixes=rule.fixes,
    )


def _ttl(sighting: Sighting) -> int | None:
    """The TTL that a router looks at: of a wrapped packet the outer one."""
    if sighting.wrapped:
        return sighting.outer_ttl
    return sighting.ttl


def _start(scene: Scene, last: Sighting) -> Sighting:
    """Where the packet of a sighting began: the first sighting of its leg, wrapped when it is."""
    for one in scene.course.sightings:
        if (one.leg, one.wrapped) == (last.leg, last.wrapped):
            return one
    return last
