"""Why does a namespace not send a packet on? Rules, routes, forwarding, the reverse-path filter, and its devices.

In the order in which the kernel asks: ip_route_input_slow(), net/ipv4/route.c.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_interface

from ...facts import Address, Device, Route
from ...wiring.machines import cables
from ..lookup import best, prefix_length
from ..sighting import Kind, Sighting
from .cables import ETHERNET, switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place
from .look import Decision
from .scene import Scene
from .settings import forwarding_off, own_source, reverse_path, show_setting

WORDS = {"inet": "", "inet6": "-6 "}


def not_forwarded(scene: Scene, arrived: Device, source: str, dst: str) -> Diagnosis | None:
    """Why a packet that came in by a device is not sent on; None when neither tables nor settings tell."""
    space = arrived[0]
    decision = scene.decide(space, dst, source, arrived[1])
    expected = _expected(space, decision)
    off = forwarding_off(scene, arrived, dst)
    if off:
        return _towards(off, expected)
    lost = no_way(scene, space, dst, decision)
    if lost:
        return _towards(lost, expected)
    found = own_source(scene, arrived, source) or reverse_path(scene, arrived, source)
    return _towards(found, expected) if found else None


def _expected(space: str, decision: Decision) -> str | None:
    route = decision.route
    if route is None or route.dev is None or route.is_dead_end:
        return None
    return place((space, route.dev))


def _towards(diagnosis: Diagnosis, should_be: str | None) -> Diagnosis:
    return replace(diagnosis, should_be=diagnosis.should_be or should_be)


def no_way(scene: Scene, space: str, dst: str, decision: Decision | None = None) -> Diagnosis | None:
    """Why a namespace cannot send to this address; None when rule, route and device are in order.

    Whether the next hop's MAC is known need not be asked: a question without an answer would have been seen.
    """
    decision = decision or scene.decide(space, dst)
    rule, route = decision.rule, decision.route
    if rule is not None and rule.action:
        return _swallowed_by_a_rule(decision, space, dst)
    if route is None:
        return _table_not_asked(scene, space, dst) or _no_route(scene, space, dst)
    if route.is_dead_end:
        return _dead_end(scene, decision, space, dst)
    if route.dev is None:
        return None
    off = switched_off(scene.tables, (space, route.dev))
    if off:
        return Diagnosis(
            cause=off.cause,
            reason=f"route {route.words}, but {off.reason}",
            shown=off.shown,
            fixes=off.fixes,
        )
    return None


def _swallowed_by_a_rule(decision: Decision, space: str, dst: str) -> Diagnosis | None:
    rule = decision.rule
    if rule is None:
        return None
    family = WORDS[rule.family]
    reason = f"the rule `{rule.words}` in {space} decides about {dst}: {rule.action}"
    shown = Shown.of(space, f"ip {family}rule", f"{rule.priority}:")
    mend = fix(space, f"ip {family}rule del pref {rule.priority}")
    return Diagnosis(
        cause=Cause.POLICY_RULE,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )


def _table_not_asked(scene: Scene, space: str, dst: str) -> Diagnosis | None:
    """A route that is there, in a table that no rule asks."""
    one = scene.look(space)
    family = "inet6" if ":" in dst else "inet"
    asked = {rule.table for rule in one.rules if rule.family == family}
    route = scene.tables.route(space, dst)
    if not asked or "main" in asked or route is None:
        return None
    word = WORDS[family]
    reason = f"no rule of {space} looks up table main, which has the route {route.words}"
    mend = fix(space, f"ip {word}rule add pref 32766 lookup main")
    return Diagnosis(
        cause=Cause.POLICY_RULE,
        reason=reason,
        shown=Shown.of(space, f"ip {word}rule"),
        fixes=(mend,),
    )


def _no_route(scene: Scene, space: str, dst: str) -> Diagnosis:
    links = [link for link in scene.tables.links.values() if link.namespace == space and link.kind != "loopback"]
    family = "-6 " if ":" in dst else ""
    shown = Shown.of(space, f"ip {family}route")
    if not links:
        reason = f"{space} has no device but lo, so it has no route to {dst}"
        return Diagnosis(Cause.NO_DEVICE, reason, Shown.of(space, "ip -br link"))
    if ":" in dst:
        off = [link for link in links if scene.look(space).number(f"ipv6/conf/{link.name}/disable_ipv6")]
        if off and len(off) == len(links):
            path = f"ipv6/conf/{off[0].name}/disable_ipv6"
            reason = f"IPv6 is switched off at {full(off[0].device)} (disable_ipv6=1), so {space} has no route to {dst}"
            return Diagnosis(Cause.IPV6_OFF, reason, show_setting(space, path))
    down = [link for link in links if link.up is False]
    if down:
        names = ", ".join(link.name for link in down)
        verb = "is" if len(down) == 1 else "are"
        reason = f"{space} has no route to {dst} ({names} {verb} down, and a device that is down has no routes)"
        mend = fix(space, *(f"ip link set {shlex.quote(link.name)} up" for link in down))
        return Diagnosis(
            cause=Cause.DEVICE_DOWN,
            reason=reason,
            shown=Shown.of(space, "ip -br link", down[0].name),
            fixes=(mend,),
        )
    narrow = _too_narrow(scene, space, dst)
    if narrow:
        return narrow
    mends = _missing_route(scene, space, dst)
    return Diagnosis(
        cause=Cause.NO_ROUTE,
        reason=f"{space} has no route to {dst}",
        shown=shown,
        fixes=mends,
    )


def _too_narrow(scene: Scene, space: str, dst: str) -> Diagnosis | None:
    """A neighbour on the same wire whose network has our address, while ours leaves it out."""
    for owner in scene.owners(dst):
        for theirs in scene.tables.addresses_of(owner):
            if theirs.ip != dst:
                continue
            for device in scene.tables.wire(owner):
                own = _left_out(scene, device, theirs) if device[0] == space else None
                if own:
                    return _prefix_of(own, theirs)
    return None


def _left_out(scene: Scene, device: Device, theirs: Address) -> Address | None:
    """The address of a device that is in the network of a neighbour who is not in its own."""
    network = ip_interface(theirs.address).network
    for own in scene.tables.addresses_of(device):
        if ip_interface(own.address).network.num_addresses == 1:  # of a pod, or one that has a peer
            continue
        is_mutual = prefix_length(str(ip_interface(own.address).network), theirs.ip) is not None
        if own.family == theirs.family and ip_interface(own.address).ip in network and not is_mutual:
            return own
    return None


def _prefix_of(own: Address, theirs: Address) -> Diagnosis:
    space, name = own.device
    length = theirs.address.partition("/")[2]
    reason = (
        f"{full(own.device)} has {own.address}, so its network {ip_interface(own.address).network} does not have "
        f"{theirs.ip}, which {full(theirs.device)} has as {theirs.address}, and {space} has no other route to it"
    )
    dev = f"dev {shlex.quote(name)}"
    add, remove = f"ip addr add {own.ip}/{length} {dev}", f"ip addr del {own.address} {dev}"
    # a device has an IPv6 address once, whatever its prefix
    mend = fix(space, remove, add) if own.family == "inet6" else fix(space, add, remove)
    return Diagnosis(
        cause=Cause.WRONG_PREFIX,
        reason=reason,
        shown=Shown.of(space, f"ip -br addr show {dev}", own.address),
        fixes=(mend,),
    )


def _missing_route(scene: Scene, space: str, dst: str) -> tuple[Fix, ...]:
    """The route that is missing, when there is one router next door that can send on."""
    gateways = routers_next_door(scene, space, dst)
    if len(gateways) != 1:
        return ()
    gateway, _ = gateways[0]
    return (fix(space, f"ip route add {dst} via {gateway}"),)


def routers_next_door(scene: Scene, space: str, dst: str) -> list[tuple[str, Device]]:
    """The addresses, on wires of this namespace, of others that have more than one cable: who could send on."""
    found: dict[str, tuple[str, Device]] = {}
    version = ":" in dst
    if any(scene.tables.is_kind(one, "vxlan") for one in scene.tables.links if one[0] == space):
        return []  # what is behind a tunnel is not reached past it
    for link in scene.tables.links.values():
        if link.namespace != space or link.kind == "loopback":
            continue
        for other in scene.tables.wire(link.device):
            if other[0] == space or other[0] in found:
                continue
            for row in scene.tables.addresses_of(other):
                is_usable = row.scope == "global" and (":" in row.ip) == version
                is_router = len(cables(scene.tables.snapshot).get(other[0], ())) > 1
                if is_usable and is_router and row.ip != dst and _is_near(scene, link.device, row.ip):
                    found[other[0]] = (row.ip, other)
    return list(found.values())


def _is_near(scene: Scene, device: Device, ip: str) -> bool:
    """Whether an address is in a network of this device."""
    return any(
        prefix_length(str(ip_interface(row.address).network), ip) is not None
        for row in scene.tables.addresses_of(device)
        if (":" in row.ip) == (":" in ip)
    )


def _dead_end(scene: Scene, decision: Decision, space: str, dst: str) -> Diagnosis | None:
    rule, route = decision.rule, decision.route
    if route is None or rule is None:
        return None
    scene_routes = [one for one in scene.look(space).routes if one.table == route.table]
    family = WORDS[route.family]
    table = "" if route.table == "main" else f" table {route.table}"
    shown = Shown.of(space, f"ip {family}route show{table}", f"{route.kind} {route.to}")
    without = [one for one in scene_routes if one != route]
    other = best(without, dst)
    mend = fix(space, f"ip {family}route del {route.kind} {route.to}{table}")
    if decision.is_special:
        reason = (
            f"the rule `{rule.words}` in {space} asks table {route.table} for {dst}, "
            f"and its route {route.words} swallows it"
        )
        undo = fix(space, f"ip {family}rule del pref {rule.priority}")
        return Diagnosis(
            cause=Cause.POLICY_RULE,
            reason=reason,
            shown=shown,
            fixes=(undo, mend),
        )
    cable = _cable_to(scene, space, dst)
    if cable and route.to != dst:
        what = f"{space} has no route to {dst} itself, which is behind {cable}, and its route {route.words} swallows it"
        return Diagnosis(
            cause=Cause.DEAD_ROUTE,
            reason=what,
            shown=shown,
            fixes=(fix(space, f"ip route add {dst} dev {shlex.quote(cable)}"),),
        )
    is_enough = other is not None and not other.is_dead_end and _leads_there(scene, space, other, dst)
    mends = (mend,) if is_enough and route.is_whole else ()
    return Diagnosis(
        cause=Cause.DEAD_ROUTE,
        reason=f"the route {route.words} in {space} swallows it",
        shown=shown,
        fixes=mends,
    )


def _cable_to(scene: Scene, space: str, dst: str) -> str | None:
    """The device whose other end has this address; of pods that share no wire with anybody else."""
    for owner in scene.owners(dst):
        end = scene.tables.peer(owner)
        if end and end[0] == space and not scene.tables.master(end) and not switched_off(scene.tables, end):
            return end[1]
    return None


def _leads_there(scene: Scene, space: str, route: Route, dst: str) -> bool:
    """Whether a route's device is on a wire with the address, or with its gateway."""
    if route.dev is None:
        return False
    wire = scene.tables.wire((space, route.dev))
    goal = route.via or dst
    return any(owner in wire for owner in scene.owners(goal))


def nothing_left(scene: Scene) -> Diagnosis | None:
    """Why nothing was seen to leave the namespace where the probe starts."""
    space, target = scene.probe.src, scene.probe.target
    if scene.is_local(space, target):
        off = switched_off(scene.tables, (space, "lo"))
        if off:
            reason = f"{off.reason}, and a namespace talks to itself by lo"
            return Diagnosis(
                cause=off.cause,
                reason=reason,
                shown=off.shown,
                fixes=off.fixes,
                should_be=space,
            )
        return None
    decision = scene.decide(space, target)
    lost = no_way(scene, space, target, decision)
    if lost:
        return _towards(lost, _expected(space, decision))
    broadcast = scene.look(space).is_broadcast(target)
    if broadcast:
        reason = f"{target} is the broadcast address of a network of {space} ({broadcast.dev}), nobody's own address"
        shown = Shown.of(space, "ip route show table local", f"broadcast {target}")
        return Diagnosis(Cause.BROADCAST, reason, shown)
    return _too_large_for_the_sender(scene, decision)


def _too_large_for_the_sender(scene: Scene, decision: Decision) -> Diagnosis | None:
    route = decision.route
    link = scene.link((scene.probe.src, route.dev)) if route and route.dev else None
    return too_large(scene, link.device, None) if link else None


def too_large(scene: Scene, device: Device, size: int | None) -> Diagnosis | None:
    """A packet that is larger than what a device sends in one piece. size: of its frame; None: of the probe's own."""
    link = scene.link(device)
    if size is None:
        if scene.probe.size is None:
            return None
        headers = 48 if scene.probe.is_v6 else 28
        packet = scene.probe.size + headers
    else:
        packet = size - ETHERNET
    if link is None or link.mtu is None or packet <= link.mtu:
        return None
    reason = f"a packet of {packet} bytes is larger than what {full(device)} takes: its MTU is {link.mtu}"
    shown = Shown.of(device[0], f"ip link show dev {shlex.quote(device[1])}", "mtu")
    mends: tuple[Fix, ...] = ()
    if link.kind == "veth":
        peer = scene.tables.peer(device)
        lines = [fix(device[0], f"ip link set {shlex.quote(device[1])} mtu {packet}")[0]]
        if peer:
            lines.append(fix(peer[0], f"ip link set {shlex.quote(peer[1])} mtu {packet}")[0])
        mends = (tuple(lines),)
    return Diagnosis(
        cause=Cause.MTU,
        reason=reason,
        shown=shown,
        fixes=mends,
    )


def loop(scene: Scene) -> Diagnosis | None:
    """A packet that goes round: it was seen more than twice on one way at one device."""
    passed: dict[tuple[Device, str, int | None, int | None], list[Sighting]] = {}
    for one in scene.course.there:
        if one.kind != Kind.ICMP and not one.offset:
            passed.setdefault((one.place, one.way, one.seq, one.ip_id), []).append(one)
    most = max(passed.values(), key=len, default=[])
    if len(most) < 3:
        return None
    round_trip = [one for one in scene.course.there if most[0].number <= one.number < most[1].number]
    if len({one.place for one in round_trip}) < 2:
        return None  # sent several times, it did not come round
    spaces = list(dict.fromkeys(one.namespace for one in round_trip))
    ttls = [one.ttl for one in most if one.ttl is not None]
    target = scene.probe.target
    if len(set(ttls)) == 1 and ttls:
        names = " and ".join(dict.fromkeys(place(one.place) for one in round_trip[:4]))
        reason = f"the frame goes round in a loop, always with TTL {ttls[0]}: no router is in it, but bridges ({names})"
        return Diagnosis(Cause.ROUTING_LOOP, reason, None)
    routers = [space for space in spaces if _sends_on(scene, space, target)]
    if len(routers) == 2:
        reason = f"{routers[0]} and {routers[1]} send {target} to each other, in a loop, until the TTL is used up"
    else:
        reason = f"{target} goes in a loop through {', '.join(routers or spaces)} until the TTL is used up"
    last = (routers or spaces)[-1]
    return Diagnosis(
        cause=Cause.ROUTING_LOOP,
        reason=reason,
        shown=Shown.of(last, f"ip route get {target}", target),
    )


def _sends_on(scene: Scene, space: str, target: str) -> bool:
    route = scene.tables.route(space, target)
    return route is not None and route.via is not None
