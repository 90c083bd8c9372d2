"""Why does a namespace not send a packet on? Rules, routes, forwarding, the reverse-path filter, and its devices.

In the order in which the kernel asks: ip_route_input_slow(), net/ipv4/route.c.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_interface

from ...facts import Address, Device, Link, Route, Rule
from ...inside import quoted
from ...language import enumerated, plural, together, tr
from ...wiring.machines import cables
from ..lookup import best, prefix_length
from ..sighting import Kind, Sighting
from .cables import ETHERNET, show_link, switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place, typed_route
from .look import Decision
from .scene import Scene
from .settings import forwarding_off, own_source, reverse_path, show_setting

WORDS = {"inet": "", "inet6": "-6 "}


def not_forwarded(scene: Scene, arrived: Device, source: str, dst: str) -> Diagnosis | None:
    """Why a packet that came in by a device is not sent on; None when neither tables nor settings tell."""
    space, came_by = arrived
    decision = scene.decide(space, dst, source, came_by)
    diagnosis = (
        forwarding_off(scene, arrived, dst)
        or _not_in_the_vrf(scene, arrived, dst, decision)
        or no_way(scene, space, dst, decision)
        or own_source(scene, arrived, source)
        or reverse_path(scene, arrived, source)
    )
    if diagnosis is None:
        return None
    return _towards(diagnosis, _expected(space, decision))


def _not_in_the_vrf(scene: Scene, arrived: Device, dst: str, decision: Decision) -> Diagnosis | None:
    """Why the table of a VRF leads nowhere, for what came in at one of its ports, or at a device beside them.

    A table that has no route at all lets the next rule ask table main; one that ends in a route `unreachable default`,
    as vrf.rst of the kernel advises, does not.
    """
    space = arrived[0]
    route = decision.route
    if route is not None and not route.is_dead_end:
        return None
    table = scene.tables.vrf_table(arrived)
    link = scene.link(arrived)
    is_refused = decision.rule is not None and bool(decision.rule.action)
    if link is None or is_refused:
        return None
    if table is None:
        return _beside_the_vrf(scene, link, dst)
    if route is not None and (route.table != table or route.to != "default"):
        return None
    vrf = link.master or link.name
    reason = tr(
        "it came into {space} by the VRF {vrf}, whose table {table} has no route to {dst}",
        space=space,
        vrf=vrf,
        table=table,
        dst=dst,
    )
    mends: tuple[Fix, ...] = ()
    outside = scene.tables.route(space, dst)
    if outside is not None and outside.dev is not None:
        reason += tr("; table main has {words}", words=outside.words)
        mends = _into_the_vrf(scene, outside, vrf, table)
    shown = Shown.of(space, f"ip route show table {table}")
    return Diagnosis(Cause.NO_ROUTE, reason, shown, mends)


def _beside_the_vrf(scene: Scene, link: Link, dst: str) -> Diagnosis | None:
    """A device that is no port of the VRF whose table has the route."""
    space = link.namespace
    for vrf in scene.tables.links.values():
        if vrf.namespace != space or vrf.kind != "vrf":
            continue
        table = str(vrf.vrf_table)
        route = best((route for route in scene.look(space).routes if route.table == table), dst)
        if route is None or route.is_dead_end:
            continue
        reason = tr(
            "{full} is no port of the VRF {vrf}, whose table {table} has {words}, and table main has no route to {dst}",
            full=full(link.device),
            vrf=vrf.name,
            table=table,
            words=route.words,
            dst=dst,
        )
        return Diagnosis(Cause.NO_ROUTE, reason, Shown.of(space, f"ip route show table {table}"))
    return None


def _into_the_vrf(scene: Scene, route: Route, vrf: str, table: str) -> tuple[Fix, ...]:
    """The same route in the table of a VRF, where its device is a port of that.

    A device that is none is not plugged in: master itself would reach nobody by it any more.
    """
    link = scene.link(route.device)
    if link is None or link.master != vrf:
        return ()
    line = f"ip route add {typed_route(route)} table {table}"
    return (fix(route.namespace, line),)


def _expected(space: str, decision: Decision) -> str | None:
    route = decision.route
    if route is None or route.dev is None or route.is_dead_end:
        return None
    return place((space, route.dev))


def _towards(diagnosis: Diagnosis, should_be: str | None) -> Diagnosis:
    if diagnosis.should_be:
        return diagnosis
    return replace(diagnosis, should_be=should_be)


def no_way(scene: Scene, space: str, dst: str, decision: Decision | None = None) -> Diagnosis | None:
    """Why a namespace cannot send to this address; None when rule, route and device are in order.

    Whether the next hop's MAC is known need not be asked: a question without an answer would have been seen.
    """
    if decision is None:
        decision = scene.decide(space, dst)
    rule, route = decision.rule, decision.route
    if rule is not None and rule.action:
        return _swallowed_by_a_rule(rule, dst)
    if route is None:
        return _table_not_asked(scene, space, dst) or _no_route(scene, space, dst)
    if route.is_dead_end:
        return _dead_end(scene, decision, space, dst)
    return _off(scene, decision.hops)


def _off(scene: Scene, hops: Sequence[Route]) -> Diagnosis | None:
    """Why a route leads by no device that works; of several next hops one is enough, for the others would be seen."""
    among = tr(" (one of its {count} next hops)", count=len(hops)) if len(hops) > 1 else ""
    for hop in hops:
        off = switched_off(scene.tables, hop.device) if hop.device else None
        if off and hop.device:
            reason = tr("route {words}{among}, but {reason}", words=hop.words, among=among, reason=off.reason)
            return replace(off, reason=reason, should_be=off.should_be or place(hop.device))
    return None


def _swallowed_by_a_rule(rule: Rule, dst: str) -> Diagnosis:
    space = rule.namespace
    return Diagnosis(
        cause=Cause.POLICY_RULE,
        reason=tr(
            "the rule `{words}` in {space} decides about {ip}: {action}",
            words=rule.words,
            space=space,
            ip=dst,
            action=rule.action,
        ),
        shown=Shown.of(space, rule.listing, f"{rule.priority}:"),
        fixes=(fix(space, rule.removal),),
    )


def _table_not_asked(scene: Scene, space: str, dst: str) -> Diagnosis | None:
    """A route that is there, in table main, which no rule looks up, or none for this packet, or not for this route."""
    family = "inet6" if ":" in dst else "inet"
    rules = [rule for rule in scene.look(space).rules if rule.family == family]
    asking_main = [rule for rule in rules if rule.table == "main"]
    route = scene.tables.route(space, dst)
    if not rules or route is None or route.is_dead_end:
        return None
    program = f"ip {WORDS[family]}rule"
    if not asking_main:
        shown = Shown.of(space, program)
        reason = tr(
            "no rule of {space} looks up table main, which has the route {words}", space=space, words=route.words
        )
    else:
        first = asking_main[0]
        shown = Shown.of(space, program, f"{first.priority}:")
        reason = tr(
            "table main of {space} has the route {words}, but the rule `{rule}` does not let this packet use it",
            space=space,
            words=route.words,
            rule=first.words,
        )
    return Diagnosis(
        cause=Cause.POLICY_RULE,
        reason=reason,
        shown=shown,
        fixes=(fix(space, f"{program} add pref 32766 lookup main"),),
    )


def _no_route(scene: Scene, space: str, dst: str) -> Diagnosis:
    links = [link for link in scene.tables.links.values() if link.namespace == space and link.kind != "loopback"]
    if not links:
        reason = tr("{space} has no device but lo, so it has no route to {dst}", space=space, dst=dst)
        return Diagnosis(Cause.NO_DEVICE, reason, Shown.of(space, "ip -br link"))
    explained = (
        _no_route_of_ipv6(scene, links, dst)
        or _no_route_of_a_down_device(scene, space, links, dst)
        or _too_narrow(scene, space, dst)
    )
    if explained:
        return explained
    family = "-6 " if ":" in dst else ""
    return Diagnosis(
        cause=Cause.NO_ROUTE,
        reason=tr("{space} has no route to {ip}", space=space, ip=dst),
        shown=Shown.of(space, f"ip {family}route"),
        fixes=_missing_route(scene, space, dst),
    )


def _no_route_of_ipv6(scene: Scene, links: list[Link], dst: str) -> Diagnosis | None:
    """IPv6 that is switched off at all devices of a namespace, or at the one behind which the address is."""
    if ":" not in dst:
        return None
    space = links[0].namespace
    look = scene.look(space)
    off = [link for link in links if look.number(f"ipv6/conf/{link.name}/disable_ipv6")]
    if len(off) < len(links):  # IPv6 may have a way by another one
        owners = set(scene.owners(dst))
        off = [link for link in off if not owners.isdisjoint(scene.tables.wire(link.device))]
    if not off:
        return None
    first = off[0]
    return Diagnosis(
        cause=Cause.IPV6_OFF,
        reason=tr(
            "IPv6 is switched off at {full} (disable_ipv6=1), so {space} has no route to {dst}",
            full=full(first.device),
            space=space,
            dst=dst,
        ),
        shown=show_setting(space, f"ipv6/conf/{first.name}/disable_ipv6"),
    )


def _no_route_of_a_down_device(scene: Scene, space: str, links: list[Link], dst: str) -> Diagnosis | None:
    """A device that is switched off loses its routes: fib_disable_ip(), net/ipv4/fib_frontend.c."""
    down = [link.name for link in links if link.up is False]
    if not down:
        return None
    what = plural(
        "{names} is down, and a device that is down has no routes",
        "{names} are down, and a device that is down has no routes",
        len(down),
        names=enumerated(down),
    )
    lines = [f"ip link set {quoted(name)} up" for name in down]
    # with a device come back the routes to its own networks, and none that somebody laid
    if not any(_is_near(scene, (space, name), dst) for name in down):
        for mend in _missing_route(scene, space, dst):
            lines += [line.text for line in mend]
    return Diagnosis(
        cause=Cause.DEVICE_DOWN,
        reason=tr("{space} has no route to {dst} ({what})", space=space, dst=dst, what=what),
        shown=Shown.of(space, "ip -br link", down[0]),
        fixes=(fix(space, *lines),),
    )


def _too_narrow(scene: Scene, space: str, dst: str) -> Diagnosis | None:
    """A neighbour on the same wire whose network has our address, while ours leaves it out."""
    for owner in scene.owners(dst):
        for theirs in scene.tables.addresses_of(owner):
            if theirs.ip == dst:
                own = _first_left_out(scene, space, theirs)
                if own:
                    return _prefix_of(own, theirs)
    return None


def _first_left_out(scene: Scene, space: str, theirs: Address) -> Address | None:
    for device in scene.tables.wire(theirs.device):
        own = _left_out(scene, device, theirs) if device[0] == space else None
        if own:
            return own
    return None


def _left_out(scene: Scene, device: Device, theirs: Address) -> Address | None:
    """The address of a device that is in the network of a neighbour who is not in its own."""
    network = ip_interface(theirs.address).network
    for own in scene.tables.addresses_of(device):
        mine = ip_interface(own.address)
        if own.family != theirs.family or mine.network.num_addresses == 1:
            continue  # one of a pod, or one that has a peer, has no network
        is_mutual = prefix_length(str(mine.network), theirs.ip) is not None
        if mine.ip in network and not is_mutual:
            return own
    return None


def _prefix_of(own: Address, theirs: Address) -> Diagnosis:
    space, name = own.device
    network = ip_interface(own.address).network
    length = theirs.address.partition("/")[2]
    dev = f"dev {quoted(name)}"
    add = f"ip addr add {own.ip}/{length} {dev}"
    remove = f"ip addr del {own.address} {dev}"
    # a device has an IPv6 address once, whatever its prefix
    lines = (remove, add) if own.family == "inet6" else (add, remove)
    reason = tr(
        "{mine} has {own}, so its network {network} does not have {ip}, which {other} has as {theirs}, and {space} has "
        "no other route to it",
        mine=full(own.device),
        own=own.address,
        network=network,
        ip=theirs.ip,
        other=full(theirs.device),
        theirs=theirs.address,
        space=space,
    )
    return Diagnosis(
        cause=Cause.WRONG_PREFIX,
        reason=reason,
        shown=Shown.of(space, f"ip -br addr show {dev}", own.address),
        fixes=(fix(space, *lines),),
    )


def _missing_route(scene: Scene, space: str, dst: str) -> tuple[Fix, ...]:
    """The route that is missing, when there is one router next door that can send on."""
    gateways = routers_next_door(scene, space, dst)
    if len(gateways) != 1 or not scene.owners(dst):
        return ()
    gateway, device = gateways[0]
    starts_there = device[0] == scene.probe.src and not scene.is_local(device[0], dst)
    if starts_there:  # it would go back to where it came from
        return ()
    return (fix(space, f"ip route add {dst} via {gateway}"),)


def routers_next_door(scene: Scene, space: str, dst: str) -> list[tuple[str, Device]]:
    """The addresses, on wires of this namespace, of others that have more than one cable: who could send on."""
    routers: dict[str, tuple[str, Device]] = {}
    for link in scene.tables.links.values():
        if link.namespace != space or link.kind == "loopback":
            continue
        if link.kind == "vxlan":
            return []  # what is behind a tunnel is not reached past it
        for other in scene.tables.wire(link.device):
            if other[0] == space or other[0] in routers or not _is_router(scene, other[0]):
                continue
            for ip in _usable(scene, other, dst):
                if _is_near(scene, link.device, ip):
                    routers[other[0]] = (ip, other)
    return list(routers.values())


def _is_router(scene: Scene, space: str) -> bool:
    """Whether a namespace has more than one cable."""
    ends = cables(scene.tables.snapshot).get(space, ())
    return len(ends) > 1


def _usable(scene: Scene, device: Device, dst: str) -> list[str]:
    """The addresses of a device that could be a gateway to another address of their family."""
    usable = []
    for row in scene.tables.addresses_of(device):
        is_same_family = (":" in row.ip) == (":" in dst)
        if row.scope == "global" and is_same_family and row.ip != dst:
            usable.append(row.ip)
    return usable


def _is_near(scene: Scene, device: Device, ip: str) -> bool:
    """Whether an address is in a network of this device."""
    for row in scene.tables.addresses_of(device):
        is_same_family = (":" in row.ip) == (":" in ip)
        network = str(ip_interface(row.address).network)
        if is_same_family and prefix_length(network, ip) is not None:
            return True
    return False


def _dead_end(scene: Scene, decision: Decision, space: str, dst: str) -> Diagnosis | None:
    rule, route = decision.rule, decision.route
    if route is None or rule is None:
        return None
    program = f"ip {WORDS[route.family]}route"
    table = "" if route.table == "main" else f" table {route.table}"
    shown = Shown.of(space, f"{program} show{table}", f"{route.kind} {route.to}")
    mend = fix(space, f"{program} del {route.kind} {route.to}{table}")
    if decision.is_special:
        undo = fix(space, rule.removal)
        asks = tr(
            "the rule `{words}` in {space} asks table {table} for {dst}",
            words=rule.words,
            space=space,
            table=route.table,
            dst=dst,
        )
        return Diagnosis(
            cause=Cause.POLICY_RULE,
            reason=tr("{what}, and its route {words} swallows it", what=asks, words=route.words),
            shown=shown,
            fixes=(undo, mend),
        )
    cable = _cable_to(scene, space, dst)
    if cable and route.to != dst:
        lacks = tr("{space} has no route to {dst} itself, which is behind {cable}", space=space, dst=dst, cable=cable)
        return Diagnosis(
            cause=Cause.DEAD_ROUTE,
            reason=tr("{what}, and its route {words} swallows it", what=lacks, words=route.words),
            shown=shown,
            fixes=(fix(space, f"ip route add {dst} dev {quoted(cable)}"),),
        )
    is_enough = route.is_whole and _is_reached_without(scene, space, route, dst)
    return Diagnosis(
        cause=Cause.DEAD_ROUTE,
        reason=tr("the route {words} in {space} swallows it", words=route.words, space=space),
        shown=shown,
        fixes=(mend,) if is_enough else (),
    )


def _is_reached_without(scene: Scene, space: str, taken: Route, dst: str) -> bool:
    """Whether the same table, without this route, leads to the address."""
    table = [route for route in scene.look(space).routes if route.table == taken.table]
    others = [route for route in table if route != taken]
    other = best(others, dst)
    if other is None or other.is_dead_end:
        return False
    return _leads_there(scene, space, other, dst)


def _cable_to(scene: Scene, space: str, dst: str) -> str | None:
    """The device whose other end has this address; of pods that share no wire with anybody else."""
    tables = scene.tables
    for owner in scene.owners(dst):
        end = tables.peer(owner)
        if end is None or end[0] != space or tables.master(end):
            continue
        if switched_off(tables, end) is None:
            return end[1]
    return None


def sent_back(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that came back to who sent it, by a route of a router that leads to where it came from."""
    space = last.namespace
    if last.wrapped or not scene.is_local(space, last.src_ip):
        return None
    way = [one for one in scene.carrying_like(last) if one.number < last.number]
    outs = [one for one in way if one.way == "out"]
    senders = [one for one in outs if one.namespace != space and one.src_mac == last.src_mac]
    if not senders:
        return None
    back = senders[0]
    has_left = any(one.namespace == space and one.number < back.number for one in outs)
    router = back.namespace
    came = [one for one in way if one.namespace == router and one.way == "in"]
    route = scene.decide(router, last.dst_ip, last.src_ip, came[-1].device if came else None).route
    if not has_left or route is None or route.dev != back.device:
        return None
    mends: tuple[Fix, ...] = ()
    if route.is_whole and _is_reached_without(scene, router, route, last.dst_ip):
        mends = (fix(router, f"ip {WORDS[route.family]}route del {typed_route(route)}"),)
    return Diagnosis(
        cause=Cause.WRONG_ROUTE,
        reason=tr(
            "{router} sends it back to {space}, which had sent it, by its route {words}",
            router=router,
            space=space,
            words=route.words,
        ),
        shown=Shown.of(router, f"ip route get {last.dst_ip}", last.dst_ip),
        fixes=mends,
    )


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
        if off is None:
            return None
        reason = tr("{reason}, and a namespace talks to itself by lo", reason=off.reason)
        return replace(off, reason=reason, should_be=space)
    decision = scene.decide(space, target)
    lost = no_way(scene, space, target, decision) or _no_way_for_its_source(scene, space, target)
    if lost:
        return _towards(lost, _expected(space, decision))
    broadcast = scene.look(space).is_broadcast(target)
    if broadcast and scene.owners(target):
        return _taken_for_everyone(scene, space, broadcast)
    if broadcast:
        return Diagnosis(
            cause=Cause.BROADCAST,
            reason=tr(
                "{target} is the broadcast address of a network of {space} ({dev}), nobody's own address",
                target=target,
                space=space,
                dev=broadcast.dev,
            ),
            shown=Shown.of(space, "ip route show table local", f"broadcast {target}"),
        )
    return (
        _too_large_for_the_sender(scene, decision)
        or _bridge_without_signal(scene, decision)
        or _without_a_source(scene, space, target)
    )


def _no_way_for_its_source(scene: Scene, space: str, target: str) -> Diagnosis | None:
    """A rule for the address that a namespace sends from, which connect() looks at when a route has given that address.

    ip_route_connect(), net/ipv4/route.c, asks once without a source, and once more with it; ping(8) does so first.
    """
    line = f"ip -j route get {target}"
    said = scene.ground.run(scene.ground.inside(space, line)).out
    try:
        (route,) = json.loads(said)
        source = route["prefsrc"]
    except (ValueError, KeyError):
        return None
    decision = scene.decide(space, target, source)
    return no_way(scene, space, target, decision)


def _without_a_source(scene: Scene, space: str, target: str) -> Diagnosis | None:
    """A namespace that has a route and no address of its own to send from: routes of IPv6 outlive addresses."""
    is_v6 = ":" in target
    own = [ip for ip in scene.tables.own(space) if (":" in ip) == is_v6 and not ip_interface(ip).is_loopback]
    if own:
        return None
    family = "IPv6" if is_v6 else "IPv4"
    reason = tr("{space} has no {family} address that it could send from", space=space, family=family)
    return Diagnosis(Cause.NO_ADDRESS, reason, Shown.of(space, f"ip -{family[-1]} -br addr"))


def _taken_for_everyone(scene: Scene, space: str, route: Route) -> Diagnosis:
    """An address that somebody has, and that a route of who asks makes everybody's."""
    ip = route.to
    reason = tr(
        "the route {words} in {space} takes {ip} for the address of everyone, but it is the own one of {owner}",
        words=route.words,
        space=space,
        ip=ip,
        owner=full(scene.owners(ip)[0]),
    )
    return Diagnosis(
        cause=Cause.BROADCAST,
        reason=reason,
        shown=Shown.of(space, f"ip route show table {route.table}", f"broadcast {ip}"),
        fixes=(fix(space, f"ip route del broadcast {ip} dev {quoted(str(route.dev))} table {route.table}"),),
    )


def _bridge_without_signal(scene: Scene, decision: Decision) -> Diagnosis | None:
    """A bridge that sends nothing, as none of its ports has a signal: linkwatch_do_dev(), net/core/link_watch.c.

    It has none a moment after its ports; what it is given in between is seen to leave it.
    """
    route = decision.route
    bridge = scene.link(route.device) if route else None
    if bridge is None or bridge.kind != "bridge" or bridge.carrier is not False:
        return None
    reasons = []
    mends: tuple[Fix, ...] = ()
    for port in scene.tables.ports(bridge.device):
        off = switched_off(scene.tables, port)
        if off is None:  # it waits for STP, say
            return None
        reasons.append(off.reason)
        peer = scene.tables.peer(port)
        if peer is not None and peer in scene.owners(scene.probe.target):
            mends = off.fixes
    if not reasons:
        return None
    reason = tr(
        "{full} has no signal, because none of its ports has one: {reasons}",
        full=full(bridge.device),
        reasons=tr("; ").join(reasons),
    )
    return Diagnosis(Cause.DEVICE_DOWN, reason, show_link(bridge.device, "state"), mends)


def _too_large_for_the_sender(scene: Scene, decision: Decision) -> Diagnosis | None:
    route = decision.route
    if route is None or route.dev is None:
        return None
    link = scene.link((scene.probe.src, route.dev))
    if link is None:
        return None
    return too_large(scene, link.device, None)


def too_large(scene: Scene, device: Device, size: int | None) -> Diagnosis | None:
    """A packet that is larger than what a device sends in one piece. size: of its frame; None: of the probe's own."""
    link = scene.link(device)
    # an MTU counts the packet, without the header of the frame
    packet = _size_of_the_probe(scene) if size is None else size - ETHERNET
    if packet is None or link is None or link.mtu is None or packet <= link.mtu:
        return None
    mends: tuple[Fix, ...] = ()
    if link.kind == "veth":
        mend: Fix = ()
        for end in (device, scene.tables.peer(device)):
            if end:
                mend += fix(end[0], f"ip link set {quoted(end[1])} mtu {packet}")
        mends = (mend,)
    return Diagnosis(
        cause=Cause.MTU,
        reason=tr(
            "a packet of {size} bytes is larger than what {full} takes: its MTU is {mtu}",
            size=packet,
            full=full(device),
            mtu=link.mtu,
        ),
        shown=show_link(device),
        fixes=mends,
    )


def _size_of_the_probe(scene: Scene) -> int | None:
    """How large a ping of a size that was asked for is as a packet: with ICMP's 8 bytes, and 20 of IP or 40 of IPv6."""
    if scene.probe.size is None:
        return None
    headers = 48 if scene.probe.is_v6 else 28
    return scene.probe.size + headers


def loop(scene: Scene) -> Diagnosis | None:
    """A packet that goes round: it was seen more than twice on one way at one device."""
    most = _most_often_seen(scene)
    if len(most) < 3:
        return None
    first, second, *_ = most
    trip = [one for one in scene.course.there if first.number <= one.number < second.number]
    places = {one.place for one in trip}
    if len(places) < 2:
        return None  # sent several times, it did not come round
    # a router takes one off the TTL, a bridge none: so the same TTL tells a loop of bridges
    ttls = {one.ttl for one in most if one.ttl is not None}
    if len(ttls) == 1:
        return _loop_of_bridges(trip, ttls.pop())
    return _loop_of_routers(scene, trip)


def _loop_of_bridges(trip: list[Sighting], ttl: int) -> Diagnosis:
    """trip: one round of the frame."""
    first_places = dict.fromkeys(place(one.place) for one in trip[:4])
    reason = tr(
        "the frame goes round in a loop, always with TTL {ttl}: no router is in it, but bridges ({names})",
        ttl=ttl,
        names=together(first_places),
    )
    return Diagnosis(Cause.ROUTING_LOOP, reason)


def _loop_of_routers(scene: Scene, trip: list[Sighting]) -> Diagnosis:
    """trip: one round of the packet."""
    target = scene.probe.target
    spaces = list(dict.fromkeys(one.namespace for one in trip))
    routers = [space for space in spaces if _sends_on(scene, space, target)]
    round_trip = routers or spaces
    if len(routers) == 2:
        reason = tr(
            "{one} and {other} send {target} to each other, in a loop, until the TTL is used up",
            one=routers[0],
            other=routers[1],
            target=target,
        )
    else:
        reason = tr(
            "{target} goes in a loop through {spaces} until the TTL is used up",
            target=target,
            spaces=enumerated(round_trip),
        )
    shown = Shown.of(round_trip[-1], f"ip route get {target}", target)
    return Diagnosis(Cause.ROUTING_LOOP, reason, shown)


def _most_often_seen(scene: Scene) -> list[Sighting]:
    """The sightings of one packet at one device, going one way: of the packet and the device with the most."""
    passed: dict[tuple[object, ...], list[Sighting]] = {}
    for one in scene.course.there:
        if one.kind == Kind.ICMP or one.offset:
            continue
        seen = (one.place, one.way, one.seq, one.ip_id)
        passed.setdefault(seen, []).append(one)
    return max(passed.values(), key=len, default=[])


def _sends_on(scene: Scene, space: str, target: str) -> bool:
    route = scene.tables.route(space, target)
    if route is None:
        return False
    return route.via is not None
