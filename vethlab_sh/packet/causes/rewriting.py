"""What did a rewritten address break? The packet goes to nobody, to oneself, or its answer comes past the rewriter."""

from __future__ import annotations

import itertools
from dataclasses import replace

from ...facts import Device
from ...inside import quoted
from ...language import tr
from ..sighting import Kind, Sighting
from .cause import Cause, Diagnosis, Shown, fix, place
from .filters import rewritten_to, rule_of_source, rule_of_tracking
from .routing import no_way
from .scene import Scene
from .settings import setting, show_setting


def answered_from_elsewhere(scene: Scene) -> tuple[Sighting, Diagnosis] | None:
    """An answer that came home from another address than the one that was asked: nobody waits for it."""
    rewriter = _who_rewrote(scene)
    if rewriter is None:
        return _answered_by_another_address(scene)
    space, before, after = rewriter
    target = scene.probe.target
    for one in scene.course.back:
        if not _is_home(scene, one) or one.src_ip == target:
            continue
        reason = tr(
            "the answer came from {src_ip}, not from {target}, which was asked: {space} rewrote {before} to {after} "
            "(DNAT), and the answer went directly back, past {space}, which would have put {before} back into it",
            src_ip=one.src_ip,
            target=target,
            space=space,
            before=before,
            after=after,
        )
        _, rule = rewritten_to(scene, space, before)
        shown = rule.shown if rule else Shown.of(space, "nft list ruleset", "dnat")
        masquerade = f"iptables -t nat -A POSTROUTING -d {after} -j MASQUERADE"
        diagnosis = Diagnosis(
            cause=Cause.REWRITTEN,
            reason=reason,
            shown=shown,
            fixes=(fix(space, masquerade),),
        )
        return one, diagnosis
    return None


def _answered_by_another_address(scene: Scene) -> tuple[Sighting, Diagnosis] | None:
    """An answer of UDP that its sender gave another address of its own: the kernel chose it, as the program named none.

    A socket that is bound to no address answers by the route, with that route's source: udp(7), IP_PKTINFO.
    """
    probe = scene.probe
    if probe.protocol != "udp":
        return None
    for one in scene.course.back:
        if not _is_home(scene, one) or one.src_ip == probe.target or one.src_port != probe.port:
            continue
        sender = next((name for name, _ in scene.owners(one.src_ip) if scene.is_local(name, probe.target)), None)
        if sender is None:
            continue
        reason = tr(
            "the answer came from {src_ip}, not from {target}, which was asked, so {asker} does not take it: both are "
            "addresses of {sender}, and its program leaves the choice to the kernel",
            src_ip=one.src_ip,
            target=probe.target,
            asker=probe.src,
            sender=sender,
        )
        shown = Shown.of(sender, f"ip route get {one.dst_ip}", "src")
        return one, Diagnosis(Cause.WRONG_ANSWERER, reason, shown)
    return None


def _is_home(scene: Scene, answer: Sighting) -> bool:
    """Whether an answer, no error and no refusal, came in where the probe was sent."""
    if answer.kind == Kind.ICMP or answer.is_reset:
        return False
    if answer.namespace != scene.probe.src or answer.way != "in":
        return False
    return scene.link(answer.place) is not None


# What is missing when an answer does not find back to a source that was written into the packet on its way.
LOST_BACK = (Cause.NO_ROUTE_BACK, Cause.NO_ROUTE, Cause.NOBODY_HAS, Cause.NO_ADDRESS)


def with_the_source(scene: Scene, last: Sighting | None, diagnosis: Diagnosis) -> Diagnosis:
    """The reason why an answer does not come back, with the rule that wrote the source to which it should go."""
    if diagnosis.cause not in LOST_BACK or last is None:
        return diagnosis
    for before, after in itertools.pairwise(scene.course.there):
        space = after.namespace
        if before.namespace != space or before.src_ip == after.src_ip:
            continue
        if after.src_ip not in (last.src_ip, last.dst_ip):
            continue
        rule = rule_of_source(scene, space)
        where = ""
        fixes = diagnosis.fixes
        if rule:
            where = tr(" ({program} {where}: `{text}`)", program=rule.program, where=rule.in_chain, text=rule.text)
            fixes = rule.fixes + diagnosis.fixes
        reason = tr(
            "{space} rewrites the source {src_ip} to {new_ip}{where}, and {reason}",
            space=space,
            src_ip=before.src_ip,
            new_ip=after.src_ip,
            where=where,
            reason=diagnosis.reason,
        )
        return replace(diagnosis, reason=reason, fixes=fixes)
    return diagnosis


def _who_rewrote(scene: Scene) -> tuple[str, str, str] | None:
    """The namespace that rewrote the destination on the way there, with the address before and after."""
    for before, after in itertools.pairwise(scene.course.there):
        # a router changes MACs and the TTL; who changes an address does NAT
        is_another = before.dst_ip != after.dst_ip
        if before.namespace == after.namespace and is_another:
            return before.namespace, before.dst_ip, after.dst_ip
    return None


def by_its_own_service(scene: Scene, last: Sighting, diagnosis: Diagnosis) -> Diagnosis:
    """A packet to a service that a rule sends back to the one who asked: it comes from its own address."""
    rewriter = _who_rewrote(scene)
    if rewriter is None or last.namespace != scene.probe.src:
        return diagnosis
    space, before, after = rewriter
    return replace(
        diagnosis,
        cause=Cause.REWRITTEN,
        reason=tr(
            "{space} rewrites {before} to {after} (DNAT), which is {namespace} itself, and {reason}",
            space=space,
            before=before,
            after=after,
            namespace=last.namespace,
            reason=diagnosis.reason,
        ),
        fixes=(fix(space, _masquerading(after)),),
    )


def not_put_back_untracked(scene: Scene, last: Sighting) -> Diagnosis | None:
    """An answer to what was rewritten here, which conntrack does not know for one: it stays the machine's own."""
    space = last.namespace
    if last.leg != "back" or space == scene.probe.src:
        return None
    here = [one for one in scene.course.there if one.namespace == space]
    was = [one.src_ip for one in here if one.way == "in" and one.src_ip != last.dst_ip]
    is_rewritten = any(one.way == "out" and one.src_ip == last.dst_ip for one in here)
    rule = rule_of_tracking(scene, space) if was and is_rewritten else None
    if rule is None:
        return None
    return Diagnosis(
        cause=Cause.REWRITTEN,
        reason=tr(
            "{space} had rewritten the source {before} to {after}, and does not put it back into the answer: the rule "
            "`{text}` ({program} {in_table}) keeps conntrack from knowing the connection",
            space=space,
            before=was[-1],
            after=last.dst_ip,
            text=rule.text,
            program=rule.program,
            in_table=rule.in_table,
        ),
        shown=rule.shown,
        fixes=rule.fixes,
    )


def kept_from_its_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """A frame that a rule sends back by the port of a bridge by which it came: should_deliver(), br_forward.c.

    So it is where br_netfilter gives rules of IP what comes in at a port, and they rewrite where it goes: then the
    frame is bridged on, and not routed, br_nf_pre_routing_finish(), net/bridge/br_netfilter_hooks.c.
    """
    came = [one for one in scene.carrying_like(last) if one.way == "in"]
    at_ports = [one for one in came if scene.tables.master(one.place) == bridge and one.dst_ip != last.dst_ip]
    entry = scene.tables.fdb(bridge, last.macs[1])
    if not at_ports or entry is None:
        return None
    first = at_ports[-1]
    link = scene.link(first.place)
    if entry.dev != first.device or link is None or link.port is None or link.port.hairpin is not False:
        return None
    space, port = first.place
    reason = tr(
        "{space} rewrites {before} to {after} (DNAT), which is behind {port}, and a bridge sends nothing back by the "
        "port that it came by (hairpin is off at {port})",
        space=space,
        before=first.dst_ip,
        after=last.dst_ip,
        port=port,
    )
    mend = fix(space, f"bridge link set dev {quoted(port)} hairpin on")
    if last.src_ip == last.dst_ip:  # and then it would come from its own address
        mend += fix(space, _masquerading(last.dst_ip))
    return Diagnosis(
        cause=Cause.REWRITTEN,
        reason=reason,
        shown=Shown.of(space, f"bridge -d link show dev {quoted(port)}", "hairpin"),
        fixes=(mend,),
        should_be=place(first.place),
    )


def _masquerading(ip: str) -> str:
    """The line by which what somebody sends to itself by a service comes from another address."""
    return f"iptables -t nat -A POSTROUTING -s {ip} -d {ip} -j MASQUERADE"


def rewritten(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet whose destination this namespace rewrote to one that cannot be reached."""
    space = last.namespace
    goal, rule = rewritten_to(scene, space, last.dst_ip)
    if goal is None:
        return None
    where = tr(" (DNAT)")
    if rule:
        where = tr(" ({program} {where}: `{text}`)", program=rule.program, where=rule.in_table, text=rule.text)
    start = tr("{space} rewrites {dst_ip} to {goal}{where}", space=space, dst_ip=last.dst_ip, goal=goal, where=where)
    fixes = rule.fixes if rule else ()
    is_loopback = goal.startswith("127.")
    if is_loopback and scene.look(space).conf(last.device, "route_localnet") == 0:
        path = f"ipv4/conf/{last.device}/route_localnet"
        reason = tr(
            "{start}, and drops it: what came in at {device} may not go to 127.0.0.0/8 (route_localnet=0)",
            start=start,
            device=last.device,
        )
        return Diagnosis(
            cause=Cause.REWRITTEN,
            reason=reason,
            shown=show_setting(space, path),
            fixes=(setting(space, path, 1), *fixes),
        )
    lost = no_way(scene, space, goal)
    if lost:
        reason = tr("{start}, and {reason}", start=start, reason=lost.reason)
    elif not scene.owners(goal):
        reason = tr("{start}, and nobody has {goal}: no namespace has this address", start=start, goal=goal)
    else:
        return None
    return Diagnosis(
        cause=Cause.REWRITTEN,
        reason=reason,
        shown=rule.shown if rule else None,
        fixes=fixes,
        should_be=lost.should_be if lost else None,
    )
