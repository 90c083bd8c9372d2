"""What led to the question for a MAC? An entry of a tunnel, a gateway, a rule, a rewritten address."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_interface

from ...facts import Device, Route, Rule
from ...inside import quoted
from ...language import tr
from ..lookup import best, prefix_length
from ..sighting import ASKS, Sighting
from .cause import Cause, Diagnosis, Shown, fix, full
from .filters import rewritten_to
from .lastseen import last_seen
from .look import NUMBERS, Decision
from .scene import Scene
from .tunnels import is_tunnel, remote_of, show_tunnel, to_who_waits


def with_the_way(scene: Scene, first: Sighting, diagnosis: Diagnosis) -> Diagnosis:
    """The reason with what led to the question: an entry of a tunnel, a gateway, a rule, a rewritten address."""
    if first.kind not in ASKS:
        return diagnosis
    space = first.namespace
    hop = first.dst_ip
    last = last_seen(scene)
    if last is not None and _sends_to(scene, last, space, hop):
        return sent_to_a_remote(scene, last.place, hop, diagnosis)
    goal = _goal(scene, last, space)
    decision = _decision(scene, last, space, goal)
    route = decision.route
    if route is not None and route.via == hop:
        return _sent_by_a_gateway(scene, decision, route, goal, diagnosis)
    marked = _rule_for(scene, space, hop, goal)
    if marked:
        rule, route = marked
        return _sent_by_a_rule(rule, route, diagnosis)
    if hop != goal:
        return _sent_rewritten(scene, last, space, hop, diagnosis)
    return diagnosis


def _sends_to(scene: Scene, last: Sighting, space: str, hop: str) -> bool:
    """Whether the packet went into a tunnel that wraps it for this address: by its FDB, if it is one here, or by its
    remote.
    """
    tunnel = last.place
    if last.namespace == space and scene.tables.is_kind(tunnel, "vxlan"):
        entry = scene.tables.fdb(tunnel, last.dst_mac)
        if entry is not None and entry.dst == hop:
            return True
    link = scene.link(tunnel)
    if link is None or not is_tunnel(link):
        return False
    return remote_of(scene, link, last) == hop


def _sent_by_a_gateway(scene: Scene, decision: Decision, route: Route, goal: str, diagnosis: Diagnosis) -> Diagnosis:
    if decision.is_special and decision.rule:
        return _sent_by_a_rule(decision.rule, route, diagnosis)
    reason = tr(
        "{namespace} sends it by {words}, but {reason}",
        namespace=route.namespace,
        words=route.words,
        reason=diagnosis.reason,
    )
    past = _past_the_tunnel(scene, route, goal, reason)
    if past:
        return past
    return replace(diagnosis, reason=reason)


def _past_the_tunnel(scene: Scene, taken: Route, goal: str, reason: str) -> Diagnosis | None:
    """A default route took what a tunnel is made for: it has a neighbour in the network of the goal.

    flannel gives that neighbour the first address of the other node's network (backend/vxlan/vxlan_network.go).
    """
    if taken.to != "default":
        return None
    for network in _networks_of(scene, goal):
        for neighbour in scene.tables.facts.neighbours:
            if neighbour.namespace != taken.namespace or not neighbour.mac:
                continue
            tunnel = (taken.namespace, str(neighbour.dev))
            is_in_it = prefix_length(str(network), neighbour.ip) is not None
            if is_in_it and scene.tables.is_kind(tunnel, "vxlan"):
                return _no_route_by(tunnel, network, neighbour.ip, reason)
    return None


def _no_route_by(tunnel: Device, network: IPv4Network | IPv6Network, neighbour: str, reason: str) -> Diagnosis:
    """The route that is missing: to a network, by the neighbour that a tunnel has in it."""
    space, dev = tunnel[0], quoted(tunnel[1])
    family = "-6 " if network.version == 6 else ""
    line = f"ip {family}route add {network} via {neighbour} dev {dev} onlink"
    return Diagnosis(
        cause=Cause.NO_ROUTE,
        reason=tr(
            "{reason}; it has no route to {network}, though {full} has a neighbour there",
            reason=reason,
            network=network,
            full=full(tunnel),
        ),
        shown=Shown.of(space, f"ip neigh show dev {dev}", neighbour),
        fixes=(fix(space, line),),
    )


def _networks_of(scene: Scene, ip: str) -> list[IPv4Network | IPv6Network]:
    """The networks in which the owners of an address have it; not those of one address alone."""
    networks = []
    for owner in scene.owners(ip):
        for row in scene.tables.addresses_of(owner):
            network = ip_interface(row.address).network
            if row.ip == ip and network.num_addresses > 1:
                networks.append(network)
    return networks


def _decision(scene: Scene, last: Sighting | None, space: str, goal: str) -> Decision:
    """How the namespace sends on what it got, or its own answer to it."""
    if last is None:
        return scene.decide(space, goal)
    if scene.is_local(space, last.dst_ip):
        return scene.decide(space, goal, last.dst_ip)
    came_by = last.device if last.namespace == space else None
    return scene.decide(space, goal, last.src_ip, came_by)


def _rule_for(scene: Scene, space: str, hop: str, goal: str) -> tuple[Rule, Route] | None:
    """A rule, of marked packets for example, whose table sends to this next hop."""
    one = scene.look(space)
    for rule in one.rules:
        if rule.table is None or rule.table in NUMBERS:
            continue
        routes = [route for route in one.routes if route.table == rule.table]
        route = best(routes, goal)
        if route and route.via == hop:
            return rule, route
    return None


def _goal(scene: Scene, last: Sighting | None, space: str) -> str:
    """The address for which a namespace sought the next hop: of the packet, or of its answer."""
    if last is None:
        return scene.probe.target
    if last.leg == "there" and scene.is_local(space, last.dst_ip):
        return last.src_ip
    if last.leg == "back":
        return last.dst_ip
    return scene.probe.target


def sent_to_a_remote(scene: Scene, tunnel: Device, remote: str, diagnosis: Diagnosis) -> Diagnosis:
    """The reason why another machine is not reached, with the FDB entry, or the remote, that named it."""
    link = scene.link(tunnel)
    has_remote = link is not None and is_tunnel(link)
    sends = (
        tr("{full} wraps it for", full=full(tunnel))
        if has_remote
        else tr("the FDB of {full} sends it to", full=full(tunnel))
    )
    reason = tr("{sends} {remote}, but {reason}", sends=sends, remote=remote, reason=diagnosis.reason)
    if diagnosis.cause not in (Cause.NOBODY_HAS, Cause.NO_ADDRESS):
        return replace(diagnosis, reason=reason)
    if link is not None and has_remote:
        shown, mends = show_tunnel(tunnel), to_who_waits(scene, link)
        return replace(diagnosis, cause=Cause.TUNNEL_ENDS, reason=reason, shown=shown, fixes=mends)
    return replace(
        diagnosis,
        cause=Cause.VXLAN_REMOTE,
        reason=reason,
        shown=Shown.of(tunnel[0], f"bridge fdb show dev {quoted(tunnel[1])}", remote),
        fixes=(),
    )


def _sent_by_a_rule(rule: Rule, route: Route, diagnosis: Diagnosis) -> Diagnosis:
    space = rule.namespace
    return replace(
        diagnosis,
        cause=Cause.POLICY_RULE,
        reason=tr(
            "the rule `{words}` in {space} asks table {table}: {route}, but {reason}",
            words=rule.words,
            space=space,
            table=route.table,
            route=route.words,
            reason=diagnosis.reason,
        ),
        shown=Shown.of(space, rule.listing, f"{rule.priority}:"),
        fixes=(fix(space, rule.removal),),
    )


def _sent_rewritten(scene: Scene, last: Sighting | None, asker: str, hop: str, diagnosis: Diagnosis) -> Diagnosis:
    """The reason with the rule that put the address there for which is asked; without a last sighting the sender's."""
    space, meant = asker, scene.probe.target
    if last is not None:
        space, meant = last.namespace, last.dst_ip
    goal, rule = rewritten_to(scene, space, meant)
    if goal != hop:
        return diagnosis
    diagnosis = replace(
        diagnosis,
        cause=Cause.REWRITTEN,
        reason=tr(
            "{space} rewrites {meant} to {hop} (DNAT), and {reason}",
            space=space,
            meant=meant,
            hop=hop,
            reason=diagnosis.reason,
        ),
    )
    if rule is None:
        return diagnosis
    return replace(diagnosis, shown=rule.shown, fixes=rule.fixes)
