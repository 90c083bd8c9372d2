"""Claims about entries: routes, neighbours, FDB, tunnels."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import replace

from ..facts import UNANSWERED, Device, Route
from ..inside import inside
from ..packet.causes.cables import switched_off
from ..packet.causes.cause import Cause, fix
from ..packet.causes.look import Decision, Look
from ..packet.lookup import Tables
from .devices import link_line, signs
from .question import Finding, Question, written


def routes(question: Question, ns: str, to: str, via: str | None, dev: str | None) -> Finding:
    """`pod-a routes default via 10.244.0.1`: exactly this route of table main, or the way of an address.

    An address: as rules and all tables decide, fib_rules_lookup(); a prefix, or default: a row of `ip route`.
    """
    space = question.space(ns)
    if "/" in to or to == "default":
        return _has_route(question, space, to, (via, dev))
    return _way_of(question, space, question.target(to), (via, dev))


Hop = tuple[str | None, str | None]  # a gateway and a device; none: any will do


def _has_route(question: Question, space: str, to: str, wanted: Hop) -> Finding:
    """Whether table main has a route for this prefix, by this gateway and device; of several any."""
    family = "-6 " if ":" in f"{to}{wanted[0]}" else ""
    command = inside(space, f"ip {family}route")
    there = [route for route in question.tables.facts.routes if (route.namespace, route.to) == (space, to)]
    if not there:
        return Finding(False, f"{space} has no route {to}", command, cause=Cause.NO_ROUTE)
    for route in there:
        if _leads(route, wanted):
            return Finding(True, f"{space} routes {to} by `{route.words}`", command, to)
    return _other_way(space, to, there[0], command)


def _way_of(question: Question, space: str, ip: str, wanted: Hop) -> Finding:
    """Whether packets for an address leave by this gateway and device."""
    decision = question.look(space).decide(ip)
    family = "-6 " if ":" in ip else ""
    if decision.is_special and decision.rule:
        mends = without_rule(question.look(space), ip, lambda route: _leads(route, wanted))
        return _by_rule(space, ip, decision, wanted, mends)
    command = inside(space, f"ip {family}route")
    route = decision.route
    if route is None:
        return Finding(False, f"{space} has no route that covers {ip}", command, cause=Cause.NO_ROUTE)
    if route.table == "local":
        command = inside(space, f"ip route get {ip}")
    if _leads(route, wanted):
        return Finding(True, f"{space} routes {ip} by `{route.words}`", command, _shown(route))
    return _other_way(space, ip, route, command)


def _shown(route: Route) -> str:
    """The word of a route's line to look at."""
    return route.to if route.table == "main" else ""


def without_rule(one: Look, ip: str, is_right: Callable[[Route], bool]) -> tuple[str, ...]:
    """The line that takes away the rule that decides about an address; none where that would not make its way right."""
    rule = one.decide(ip).rule
    same = [other for other in one.rules if rule and (other.family, other.priority) == (rule.family, rule.priority)]
    if rule is None or len(same) != 1:  # `ip rule del` takes the first that fits
        return ()
    others = tuple(other for other in one.rules if other is not rule)
    route = replace(one, rules=others).decide(ip).route
    if route is None or not is_right(route):
        return ()
    version = "-6 " if rule.family == "inet6" else ""
    return written(fix(one.namespace, f"ip {version}rule del pref {rule.priority}"))


def _by_rule(space: str, ip: str, decision: Decision, wanted: Hop, mends: tuple[str, ...]) -> Finding:
    """The way of an address about which a rule decides that somebody made; ip-rule(8)."""
    rule, route = decision.rule, decision.route
    assert rule is not None
    rules = inside(space, f"ip {'-6 ' if ':' in ip else ''}rule")
    if rule.action or route is None:
        does = rule.action or f"table {rule.table} has no route"
        why = f"the rule `{rule.words}` in {space} decides about {ip}: {does}"
        return Finding(
            False, why, rules, f"{rule.priority}:", cause=Cause.POLICY_RULE, fixes=mends, instead=(rule.words,)
        )
    why = f"{space} routes {ip} by `{route.words}`, by the rule `{rule.words}`"
    command = inside(space, f"ip route get {ip}")
    if _leads(route, wanted):
        return Finding(True, why, command)
    instead = (rule.words, route.words)
    return Finding(False, why, command, cause=Cause.POLICY_RULE, fixes=mends, instead=instead)


def _leads(route: Route, wanted: Hop) -> bool:
    """Whether a route leads by this gateway and device."""
    via, dev = wanted
    return via in (None, route.via) and dev in (None, route.dev) and not route.is_dead_end


def _other_way(space: str, to: str, route: Route, command: str) -> Finding:
    cause = Cause.DEAD_ROUTE if route.is_dead_end else Cause.WRONG_ROUTE
    return Finding(
        False, f"{space} routes {to} by `{route.words}`", command, _shown(route), cause=cause, instead=(route.words,)
    )


def knows_mac(question: Question, ns: str, ip: str) -> Finding:
    """`ns100 knows the MAC of 192.168.1.101`."""
    space, ip = question.space(ns), question.address(ip)
    rows = [row for row in question.tables.facts.neighbours if (row.namespace, row.ip) == (space, ip)]
    command = inside(space, "ip neigh")
    for row in rows:
        if row.mac and row.state not in UNANSWERED:
            return Finding(True, f"{space} knows that {ip} is {row.mac} ({row.state})", command, ip)
    if not rows:
        return Finding(False, f"{space} has not asked for {ip} yet", command, ip)
    owner = question.tables.owner(ip)
    off = switched_off(question.tables, owner) if owner else None
    if owner is None:
        reason = f"nobody has {ip}: no namespace has this address"
    elif off:
        reason = f"nobody answers for {ip}: {off.reason}"
    else:
        reason = f"nobody answers for {ip}, the address of {owner[0]} {owner[1]}"
    return Finding(False, f"{space} has asked for {ip} in vain ({rows[0].state}): {reason}", command, ip)


def exists(question: Question, ns: str) -> Finding:
    """`namespace ns100 exists`."""
    question.space(ns)
    return Finding(True, f"there is a namespace {ns}", "ip netns list", ns)


def has_tunnel(question: Question, ns: str, ip: str) -> Finding:
    """`master has a tunnel to 10.244.1.2`: route, neighbour and FDB entry lead there; vxlan_xmit() takes this way."""
    space, ip, tables = question.space(ns), question.target(ip), question.tables
    ip = _behind(tables, space, ip) or ip
    route = tables.route(space, ip)
    tunnel = (space, route.dev) if route and route.dev else None
    if route is None or tunnel is None or not tables.is_kind(tunnel, "vxlan"):
        by = f"it sends by {route.words}" if route else f"it has no route to {ip}"
        why = f"no tunnel of {space} leads to {ip}: {by}"
        instead = (route.words,) if route else ()
        command = inside(space, f"ip route get {ip}")
        return Finding(False, why, command, ip, cause=Cause.WRONG_ROUTE, instead=instead)
    off = switched_off(tables, tunnel)
    if off:
        return Finding(
            False, off.reason, link_line(tunnel), "mtu", cause=off.cause, fixes=written(*off.fixes), instead=signs(off)
        )
    return _by_entries(question, tunnel, route, route.via or ip)


def _by_entries(question: Question, tunnel: Device, route: Route, hop: str) -> Finding:
    """Whether the neighbour entry of the next hop, and the FDB entry of its MAC, lead to a node."""
    space, name = tunnel
    tables = question.tables
    mac = tables.neighbour(tunnel, hop) or _noarp(question, tunnel, hop)
    if mac is None:
        why = f"`{route.words}`, but {name} has no neighbour entry with the MAC of {hop}"
        return Finding(
            False,
            why,
            inside(space, f"ip neigh show dev {name}"),
            hop,
            cause=Cause.NO_NEIGHBOUR,
            instead=(route.words,),
        )
    entry, fdb = tables.fdb(tunnel, mac), inside(space, f"bridge fdb show dev {name}")
    if entry is None:
        why = f"{hop} is {mac}, but {name} has no FDB entry for it"
        return Finding(False, why, fdb, mac, cause=Cause.VXLAN_ENTRY, instead=(hop,))
    if tables.owner(entry.dst) is None:
        why = f"the FDB of {name} puts {mac} at {entry.dst}, but nobody has that address"
        return Finding(False, why, fdb, mac, cause=Cause.VXLAN_REMOTE, instead=(str(entry.dst),))
    why = f"`{route.words}`; neighbour {hop} is {mac}; the FDB of {name} puts it at {entry.dst}"
    return Finding(True, why, fdb, mac)


def _noarp(question: Question, device: Device, ip: str) -> str | None:
    """The MAC of an entry that `ip neigh` shows only when asked for it by name: nud noarp."""
    line = inside(device[0], f"ip neigh get {ip} dev {shlex.quote(device[1])}")
    found = re.search(r"lladdr (\S+) .*NOARP", question.shell.run(line, expect=None).out)
    return found[1] if found else None


def _behind(tables: Tables, space: str, node: str) -> str | None:
    """The next hop whose MAC the FDB of a tunnel puts at this node, when the address is a node's."""
    for entry in tables.facts.fdb:
        if (entry.namespace, entry.dst) != (space, node):
            continue
        for row in tables.facts.neighbours:
            if (row.namespace, row.mac) == (space, entry.mac):
                return row.ip
        return None
    return None
