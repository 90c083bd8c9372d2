"""Claims about entries: routes, neighbours, FDB, tunnels."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..facts import UNANSWERED, Device, Route, Rule
from ..inside import inside, quoted
from ..language import tr
from ..packet.causes.cables import switched_off
from ..packet.causes.cause import Cause, fix
from ..packet.causes.look import Look
from ..packet.lookup import Tables
from .devices import in_order, link_line, no_by
from .question import Finding, Question, no, written, yes


def routes(question: Question, ns: str, to: str, via: str | None, dev: str | None) -> Finding:
    """`pod-a routes default via 10.244.0.1`: exactly this route of table main, or the way of an address.

    An address: as rules and all tables decide, fib_rules_lookup(); a prefix, or default: a row of `ip route`.
    """
    space = question.space(ns)
    wanted = (via, dev)
    if "/" in to or to == "default":
        return _has_route(question, space, to, wanted)
    return _way_of(question, space, question.target(to), wanted)


Hop = tuple[str | None, str | None]  # a gateway and a device; none: any will do


def _has_route(question: Question, space: str, to: str, wanted: Hop) -> Finding:
    """Whether table main has a route for this prefix, by this gateway and device; of several any."""
    via, _ = wanted
    command = _listing(space, is_v6=":" in to or ":" in (via or ""))
    routes = question.tables.facts.routes
    there = [route for route in routes if (route.namespace, route.to) == (space, to)]
    if not there:
        return no(tr("{space} has no route {to}", space=space, to=to), command, cause=Cause.NO_ROUTE)
    for route in there:
        if _leads(route, wanted):
            return yes(
                tr(
                    "{space} routes {to} by `{words}`{among}",
                    space=space,
                    to=to,
                    words=route.words,
                    among=_among(there),
                ),
                command,
                to,
            )
    return _other_way(space, to, there, command)


def _listing(space: str, is_v6: bool) -> str:
    """The line that lists the routes of table main."""
    if is_v6:
        return inside(space, "ip -6 route")
    return inside(space, "ip route")


def _way_of(question: Question, space: str, ip: str, wanted: Hop) -> Finding:
    """Whether packets for an address leave by this gateway and device."""
    look = question.look(space)
    decision = look.decide(ip)
    if decision.is_special and decision.rule:
        mends = without_rule(look, ip, lambda route: _leads(route, wanted))
        return _by_rule(ip, decision.rule, decision.route, wanted, mends)
    command = _listing(space, is_v6=":" in ip)
    route = decision.route
    if route is None:
        return no(tr("{space} has no route that covers {ip}", space=space, ip=ip), command, cause=Cause.NO_ROUTE)
    # which `ip route` does not list
    if route.table == "local":
        command = inside(space, f"ip route get {ip}")
    hops = decision.hops or (route,)
    for hop in hops:
        if _leads(hop, wanted):
            return yes(
                tr("{space} routes {ip} by `{words}`{among}", space=space, ip=ip, words=hop.words, among=_among(hops)),
                command,
                _shown(hop),
            )
    return _other_way(space, ip, hops, command)


def _among(hops: Sequence[Route]) -> str:
    """That a next hop is one of several, as the end of a sentence."""
    several = [hop for hop in hops if not hop.is_whole]
    return tr(", one of its {count} next hops", count=len(several)) if len(several) > 1 else ""


def _shown(route: Route) -> str:
    """The word of a route's line to look at."""
    if route.table != "main":
        return ""
    return route.to


def without_rule(one: Look, ip: str, is_right: Callable[[Route], bool]) -> tuple[str, ...]:
    """The line that takes away the rule that decides about an address; none where that would not make its way right."""
    rule = one.decide(ip).rule
    if rule is None:
        return ()
    same = [other for other in one.rules if (other.family, other.priority) == (rule.family, rule.priority)]
    if len(same) != 1:  # `ip rule del` takes the first that fits
        return ()
    others = tuple(other for other in one.rules if other is not rule)
    route = replace(one, rules=others).decide(ip).route
    if route is None or not is_right(route):
        return ()
    return written(fix(one.namespace, rule.removal))


def _by_rule(ip: str, rule: Rule, route: Route | None, wanted: Hop, mends: tuple[str, ...]) -> Finding:
    """The way of an address about which a rule decides that somebody made; ip-rule(8)."""
    space = rule.namespace
    if rule.action or route is None:
        does = rule.action or tr("table {table} has no route", table=rule.table)
        return no(
            tr(
                "the rule `{words}` in {space} decides about {ip}: {does}",
                words=rule.words,
                space=space,
                ip=ip,
                does=does,
            ),
            inside(space, "ip -6 rule" if ":" in ip else "ip rule"),
            f"{rule.priority}:",
            cause=Cause.POLICY_RULE,
            fixes=mends,
            instead=(rule.words,),
        )
    why = tr(
        "{space} routes {ip} by `{words}`, by the rule `{rule}`",
        space=space,
        ip=ip,
        words=route.words,
        rule=rule.words,
    )
    command = inside(space, f"ip route get {ip}")
    if _leads(route, wanted):
        return yes(why, command)
    return no(
        why,
        command,
        cause=Cause.POLICY_RULE,
        fixes=mends,
        instead=(rule.words, route.words),
    )


def _leads(route: Route, wanted: Hop) -> bool:
    """Whether a route leads by this gateway and device."""
    via, dev = wanted
    if route.is_dead_end:
        return False
    is_gateway = via is None or via == route.via
    is_device = dev is None or dev == route.dev
    return is_gateway and is_device


def _other_way(space: str, to: str, hops: Sequence[Route], command: str) -> Finding:
    """That a route leads elsewhere; hops: its next hops, or routes of which the kernel takes the first."""
    route = hops[0]
    several = [hop for hop in hops if not hop.is_whole]
    words = route.in_full(several)
    return no(
        tr("{space} routes {to} by `{words}`", space=space, to=to, words=words),
        command,
        _shown(route),
        cause=Cause.DEAD_ROUTE if route.is_dead_end else Cause.WRONG_ROUTE,
        instead=(words,),
    )


def knows_mac(question: Question, ns: str, ip: str) -> Finding:
    """`ns100 knows the MAC of 192.168.1.101`."""
    space = question.space(ns)
    ip = question.address(ip)
    neighbours = question.tables.facts.neighbours
    rows = [row for row in neighbours if row.namespace == space and row.ip == ip]
    command = inside(space, "ip neigh")
    for row in rows:
        if row.mac and row.state not in UNANSWERED:
            return yes(
                tr("{space} knows that {ip} is {mac} ({state})", space=space, ip=ip, mac=row.mac, state=row.state),
                command,
                ip,
            )
    if not rows:
        return no(tr("{space} has not asked for {ip} yet", space=space, ip=ip), command, ip)
    asked = tr("{space} has asked for {ip} in vain ({state})", space=space, ip=ip, state=rows[0].state)
    owner = question.tables.owner(ip)
    if owner is None:
        return no(tr("{asked}: nobody has {ip}: no namespace has this address", asked=asked, ip=ip), command, ip)
    off = switched_off(question.tables, owner)
    reason = tr(": {reason}", reason=off.reason) if off else tr(", the address of {in_order}", in_order=in_order(owner))
    return no(tr("{asked}: nobody answers for {ip}{reason}", asked=asked, ip=ip, reason=reason), command, ip)


def exists(question: Question, ns: str) -> Finding:
    """`namespace ns100 exists`."""
    question.space(ns)
    return yes(tr("there is a namespace {ns}", ns=ns), "ip netns list", ns)


def has_tunnel(question: Question, ns: str, ip: str) -> Finding:
    """`master has a tunnel to 10.244.1.2`: route, neighbour and FDB entry lead there; vxlan_xmit() takes this way."""
    space = question.space(ns)
    ip = question.target(ip)
    tables = question.tables
    ip = _behind(tables, space, ip) or ip
    route = tables.route(space, ip)
    if route is None:
        return _no_tunnel(space, ip, tr("it has no route to {ip}", ip=ip))
    tunnel = (space, route.dev or "")
    if not tables.is_kind(tunnel, "vxlan"):
        why = tr("it sends by {words}", words=route.words)
        return _no_tunnel(space, ip, why, instead=(route.words,))
    off = switched_off(tables, tunnel)
    if off:
        return no_by(off, link_line(tunnel), "mtu")
    return _by_entries(question, tunnel, route, route.via or ip)


def _no_tunnel(space: str, ip: str, why: str, instead: tuple[str, ...] = ()) -> Finding:
    return no(
        tr("no tunnel of {space} leads to {ip}: {why}", space=space, ip=ip, why=why),
        inside(space, f"ip route get {ip}"),
        ip,
        cause=Cause.WRONG_ROUTE,
        instead=instead,
    )


def _by_entries(question: Question, tunnel: Device, route: Route, hop: str) -> Finding:
    """Whether the neighbour entry of the next hop, and the FDB entry of its MAC, lead to a node."""
    space, name = tunnel
    tables = question.tables
    mac = tables.neighbour(tunnel, hop) or _noarp(question, tunnel, hop)
    if mac is None:
        return no(
            tr(
                "`{words}`, but {name} has no neighbour entry with the MAC of {hop}",
                words=route.words,
                name=name,
                hop=hop,
            ),
            inside(space, f"ip neigh show dev {quoted(name)}"),
            hop,
            cause=Cause.NO_NEIGHBOUR,
            instead=(route.words,),
        )
    entry = tables.fdb(tunnel, mac)
    command = inside(space, f"bridge fdb show dev {quoted(name)}")
    if entry is None:
        why = tr("{hop} is {mac}, but {name} has no FDB entry for it", hop=hop, mac=mac, name=name)
        return no(why, command, mac, cause=Cause.VXLAN_ENTRY, instead=(hop,))
    if tables.owner(entry.dst) is None:
        why = tr(
            "the FDB of {name} puts {mac} at {dst}, but nobody has that address", name=name, mac=mac, dst=entry.dst
        )
        return no(why, command, mac, cause=Cause.VXLAN_REMOTE, instead=(str(entry.dst),))
    why = tr(
        "`{words}`; neighbour {hop} is {mac}; the FDB of {name} puts it at {dst}",
        words=route.words,
        hop=hop,
        mac=mac,
        name=name,
        dst=entry.dst,
    )
    return yes(why, command, mac)


def _noarp(question: Question, device: Device, ip: str) -> str | None:
    """The MAC of an entry that `ip neigh` shows only when asked for it by name: nud noarp."""
    namespace, name = device
    # `ip neigh show` leaves out what needs no ARP; ip-neighbour(8), nud
    line = f"ip neigh get {ip} dev {quoted(name)}"
    ran = question.shell.run(inside(namespace, line), expect=None)
    entry = re.search(r"lladdr (\S+) .*NOARP", ran.out)
    return entry[1] if entry else None


def _behind(tables: Tables, space: str, node: str) -> str | None:
    """The next hop whose MAC the FDB of a tunnel puts at this node, when the address is a node's."""
    for entry in tables.facts.fdb:
        if entry.namespace != space or entry.dst != node:
            continue
        for row in tables.facts.neighbours:
            if row.namespace == space and row.mac == entry.mac:
                return row.ip
        return None
    return None
