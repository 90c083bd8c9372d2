"""Why does nobody tell the MAC of an address? ARP and neighbour discovery, as the kernel of who is asked decides.

arp_process(), net/ipv4/arp.c; ndisc_recv_ns(), net/ipv6/ndisc.c.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_interface

from ...facts import Device, Route
from ..lookup import prefix_length
from ..sighting import ASKS, TELLS, Sighting
from .bridging import nobody_has
from .cables import show_link
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place
from .look import Look
from .routing import routers_next_door
from .scene import Scene
from .settings import forwarding_off, key, own_source, reverse_path, setting, show_setting


def unanswered(scene: Scene, asked: Sighting) -> Diagnosis | None:
    """Why a question for a MAC that came in at a device is not answered there; None when nothing tells."""
    device, ip = asked.place, asked.dst_ip
    link = scene.link(device)
    if link and link.arp is False and ":" not in ip:
        return arp_off(device)
    if _hangs_free(scene, device, ip):
        return _no_bridge_takes(scene, device)
    if scene.is_local(device[0], ip):
        return _does_not_answer(scene, device, ip, asked.src_ip)
    proxy = _no_proxy(scene, device, ip)
    if proxy:
        return proxy
    lacking = _lacks_address(scene, device, ip)
    if lacking:
        return lacking
    if not scene.owners(ip):
        return nobody_has(scene, ip, asked)
    return None


def stood_in_for_nobody(scene: Scene, ip: str) -> Diagnosis | None:
    """Proxy ARP for an address that nobody has: who answers would itself send the packets elsewhere."""
    if scene.owners(ip):
        return None
    for one in scene.course.questions:
        if one.kind in TELLS and one.way == "out" and one.src_ip == ip and not scene.tables.master(one.place):
            reason = f"nobody has {ip}: no namespace has this address; {one.namespace} answers for it by proxy ARP"
            return Diagnosis(
                cause=Cause.NOBODY_HAS,
                reason=reason,
                shown=Shown.of(one.namespace, f"ip route get {ip}", ip),
            )
    return None


def arp_off(device: Device) -> Diagnosis:
    """A device that neither asks nor answers."""
    reason = f"ARP is switched off at {full(device)} (NOARP)"
    mend = fix(device[0], f"ip link set {shlex.quote(device[1])} arp on")
    return Diagnosis(
        cause=Cause.ARP_OFF,
        reason=reason,
        shown=show_link(device, "mtu"),
        fixes=(mend,),
        should_be=device[0],
    )


def _hangs_free(scene: Scene, device: Device, ip: str) -> bool:
    """Whether a cable ends here in nothing: no port of a bridge, and neither an address nor a route leads to it."""
    link = scene.link(device)
    if link is None or link.kind not in ("veth", "vxlan") or link.master or not scene.tables.bridges(device[0]):
        return False
    family = "inet6" if ":" in ip else "inet"
    has_address = any(row.family == family for row in scene.tables.addresses_of(device) if row.scope != "link")
    routes = (route for route in scene.tables.facts.routes if (route.namespace, route.dev) == device)
    return not has_address and not any(route.family == family and not route.to.startswith("fe80") for route in routes)


def _no_bridge_takes(scene: Scene, device: Device) -> Diagnosis:
    bridges = scene.tables.bridges(device[0])
    should_be = place(bridges[0]) if len(bridges) == 1 else None
    mends = tuple(fix(device[0], f"ip link set {shlex.quote(device[1])} master {shlex.quote(b[1])}") for b in bridges)
    reason = f"{device[1]} has no master, so no bridge takes the question"
    return Diagnosis(
        cause=Cause.NO_MASTER,
        reason=reason,
        shown=show_link(device),
        fixes=mends,
        should_be=should_be,
    )


def _does_not_answer(scene: Scene, device: Device, ip: str, asker: str) -> Diagnosis | None:
    """Why a namespace that has an address does not answer for it."""
    space, name = device
    if ":" in ip:
        return unusable(scene, space, ip)
    one = scene.look(space)
    owner = next((owner for owner in scene.owners(ip) if owner[0] == space), None)
    on_device = any(row.ip == ip for row in scene.tables.addresses_of(device))
    ignore = one.conf(name, "arp_ignore")
    near = any(row.ip == ip and _holds(row.address, asker) for row in scene.tables.addresses_of(device))
    if ignore == 8 or (ignore in (1, 2) and not on_device) or (ignore == 2 and not near):
        where = f", and {ip} is on {owner[1]}, not on {name}" if owner and owner != device else ""
        if on_device and not near:
            where = f", and {asker}, who asks, is not in the network of {ip} on {name}"
        reason = f"arp_ignore is {ignore} in {space}{where}"
        return _by_setting(Cause.ARP_IGNORE, reason, device, "arp_ignore", one)
    out = scene.decide(space, asker, ip).route
    if one.conf(name, "arp_filter") and out is not None and out.dev != name:
        reason = f"arp_filter is 1 at {full(device)}, and its route to {asker} is by {out.dev}"
        filtering = _by_setting(Cause.ARP_FILTER, reason, device, "arp_filter", one)
        # without the filter the answer to the packet itself would still go by the other device
        route = fix(space, f"ip route replace {asker} dev {shlex.quote(name)}")
        return replace(filtering, fixes=(route,))
    found = own_source(scene, device, asker) or reverse_path(scene, device, asker)
    return found or _local_not_asked(scene, space, ip)


def _local_not_asked(scene: Scene, space: str, ip: str) -> Diagnosis | None:
    """Addresses are a namespace's own by table local, which rule 0 asks; without it they are strangers'."""
    rules = [rule for rule in scene.look(space).rules if rule.family == "inet"]
    if not rules or any(rule.table == "local" for rule in rules):
        return None
    reason = f"no rule of {space} looks up table local, so it does not take {ip} for its own"
    mend = fix(space, "ip rule add pref 0 lookup local")
    return Diagnosis(
        cause=Cause.POLICY_RULE,
        reason=reason,
        shown=Shown.of(space, "ip rule"),
        fixes=(mend,),
        should_be=space,
    )


def _by_setting(cause: Cause, reason: str, device: Device, name: str, one: Look) -> Diagnosis:
    """A setting of which the larger one of `all` and the device counts: the fix sets those that are not 0."""
    space = device[0]
    paths = [f"ipv4/conf/{where}/{name}" for where in ("all", device[1])]
    on = [path for path in paths if one.number(path)]
    mend = fix(space, "sysctl -w " + " ".join(f"{key(path)}=0" for path in on))
    return Diagnosis(
        cause=cause,
        reason=reason,
        shown=show_setting(space, *on),
        fixes=(mend,),
        should_be=space,
    )


def unusable(scene: Scene, space: str, ip: str) -> Diagnosis | None:
    """An IPv6 address that is there and not used: somebody else has it, or it is still being asked for."""
    row = scene.tables.address(space, ip)
    if row is None or not (row.dadfailed or row.tentative):
        return None
    shown = Shown.of(space, f"ip -6 addr show dev {shlex.quote(row.dev)}", ip)
    if row.dadfailed:
        reason = f"{ip} of {full(row.device)} is not used: somebody else had it (dadfailed, duplicate address)"
        again = fix(
            space,
            f"ip addr del {row.address} dev {shlex.quote(row.dev)}",
            f"ip addr add {row.address} dev {shlex.quote(row.dev)} nodad",
        )
        return Diagnosis(
            cause=Cause.ADDRESS_FAILED,
            reason=reason,
            shown=shown,
            fixes=(again,),
            should_be=space,
        )
    reason = f"{ip} of {full(row.device)} is not used yet: it asks whether somebody else has it (tentative)"
    return Diagnosis(
        cause=Cause.ADDRESS_FAILED,
        reason=reason,
        shown=shown,
        should_be=space,
    )


def asks_in_the_wrong_place(scene: Scene, asked: Sighting) -> Diagnosis | None:
    """An address that somebody has, but not where it is asked for.

    asked: the first sighting of the question, where it is sent.
    """
    ip, (space, name) = asked.dst_ip, asked.place
    if not scene.is_local(space, asked.src_ip):
        return None
    others = [owner for owner in scene.owners(ip) if owner[0] != space]
    decision = scene.decide(space, ip, None)
    route = decision.route
    if not others or route is None or route.via:
        return None
    beside = _other_way(scene, space, name, ip)
    if beside:
        return beside
    if not _is_elsewhere(scene, (space, name), others) or _is_proxied(scene, (space, name)):
        return None
    wide = _too_wide(scene, (space, name), ip, route.to)
    if wide or any(_holds(row.address, ip) for row in scene.tables.addresses_of((space, name))):
        return wide
    reason = (
        f"{space} sends to {ip} by its route {route.words}, which has no gateway, so it asks for the MAC of {ip} on "
        f"{name}, but {full(others[0])} has it, on another wire"
    )
    shown = Shown.of(space, f"ip route get {ip}", ip)
    return Diagnosis(
        cause=Cause.WRONG_ROUTE,
        reason=reason,
        shown=shown,
        fixes=_by_a_gateway(scene, space, route),
    )


def _by_a_gateway(scene: Scene, space: str, route: Route) -> tuple[Fix, ...]:
    """The same route, by the one router next door."""
    gateways = routers_next_door(scene, space, route.to.partition("/")[0])
    if len(gateways) != 1:
        return ()
    return (fix(space, f"ip route replace {route.to} via {gateways[0][0]}"),)


def _is_proxied(scene: Scene, device: Device) -> bool:
    """Whether somebody on the wire answers for others."""
    for other in scene.tables.wire(device):
        one = scene.looks.get(other[0])
        if one and (one.number("ipv4/conf/all/proxy_arp") or one.number(f"ipv4/conf/{other[1]}/proxy_arp")):
            return True
    return False


def _other_way(scene: Scene, space: str, name: str, ip: str) -> Diagnosis | None:
    """Another route of the same network, by another device, behind which the address is."""
    chosen = scene.tables.route(space, ip)
    for route in scene.tables.facts.routes:
        if route.namespace != space or route.dev in (None, name, "lo") or route.via or chosen is None:
            continue
        holds = prefix_length(route.to, ip) if (":" in route.to) == (":" in ip) else None
        if not holds or not _is_behind(scene, (space, str(route.dev)), ip):
            continue
        reason = (
            f"{space} asks on {name}, whose route {chosen.words} wins, but {ip} is behind {route.dev}, "
            f"which has the route {route.words}"
        )
        shown = Shown.of(space, f"ip route get {ip}", ip)
        mend = fix(space, f"ip route replace {ip} dev {shlex.quote(str(route.dev))}")
        return Diagnosis(
            cause=Cause.WRONG_ROUTE,
            reason=reason,
            shown=shown,
            fixes=(mend,),
        )
    return None


def _is_behind(scene: Scene, device: Device, ip: str) -> bool:
    """Whether an address is at the other end of a device's cable."""
    peer = scene.tables.peer(device)
    return peer is not None and any(owner == peer or owner[0] == peer[0] for owner in scene.owners(ip))


def _is_elsewhere(scene: Scene, device: Device, owners: list[Device]) -> bool:
    """Whether none of these is on the wire that the device is on."""
    wire = scene.tables.wire(device)
    return not any(owner in wire for owner in owners)


def _too_wide(scene: Scene, device: Device, ip: str, network: str) -> Diagnosis | None:
    """A prefix that takes what is behind a router for a neighbour."""
    space, name = device
    own = [row for row in scene.tables.addresses_of(device) if _holds(row.address, ip)]
    if not own:
        return None
    near = _narrower_on_the_wire(scene, device, own[0].address, ip)
    if near is None:
        return None
    reason = (
        f"{space} has {own[0].address}, so it takes {ip} for a neighbour (its network is {network}); "
        f"others on this wire have /{near}"
    )
    shown = Shown.of(space, f"ip -br addr show dev {shlex.quote(name)}", own[0].address)
    mend = fix(
        space,
        f"ip addr add {own[0].ip}/{near} dev {shlex.quote(name)}",
        f"ip addr del {own[0].address} dev {shlex.quote(name)}",
    )
    return Diagnosis(
        cause=Cause.WRONG_PREFIX,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )


def _holds(address: str, ip: str) -> bool:
    return prefix_length(str(ip_interface(address).network), ip) is not None


def _narrower_on_the_wire(scene: Scene, device: Device, own: str, ip: str) -> int | None:
    """The length of a longer prefix that somebody else on the wire has, whose network is without this address."""
    mine = ip_interface(own)
    for other in scene.tables.wire(device):
        for row in scene.tables.addresses_of(other):
            if row.scope != "global" or not _holds(row.address, str(mine.ip)) or _holds(row.address, ip):
                continue
            length = ip_interface(row.address).network.prefixlen
            if length > mine.network.prefixlen:
                return length
    return None


def _no_proxy(scene: Scene, device: Device, ip: str) -> Diagnosis | None:
    """Why a namespace that could answer for others does not: arp_process() answers where it would forward."""
    space, name = device
    one, route = scene.look(space), scene.decide(space, ip).route
    paths = ("ipv4/conf/all/proxy_arp", f"ipv4/conf/{name}/proxy_arp")
    behind_here = route is not None and route.dev == name
    if ":" in ip:
        return None if behind_here else _no_nd_proxy(scene, device, route, ip)
    if not any(one.number(path) for path in paths):
        between = not behind_here and _is_between(scene, space, route, ip)
        if behind_here or not (between or _wants_a_proxy(scene, ip)):
            return None
        reason = f"nobody has {ip}, and proxy_arp is off at {full(device)}"
        if between:
            reason = (
                f"{scene.owners(ip)[0][0]} has {ip}, but behind {space}, which does not answer for it: "
                f"proxy_arp is off at {full(device)}"
            )
        mend = setting(space, paths[1], 1)
        return Diagnosis(
            cause=Cause.PROXY_ARP_OFF,
            reason=reason,
            shown=show_setting(space, paths[1]),
            fixes=(mend,),
            should_be=space,
        )
    off = forwarding_off(scene, device, ip)
    if off:
        reason = f"proxy_arp is on at {name}, but the kernel answers for others only where it forwards: {off.reason}"
        return Diagnosis(
            cause=off.cause,
            reason=reason,
            shown=off.shown,
            fixes=off.fixes,
            should_be=space,
        )
    shown = Shown.of(space, f"ip route get {ip}")
    if route is None or route.is_dead_end:
        reason = f"proxy_arp is on at {name}, but {space} itself has no route to {ip}, so it does not answer for it"
        return Diagnosis(
            cause=Cause.NO_ROUTE,
            reason=reason,
            shown=shown,
            should_be=space,
        )
    if behind_here:
        reason = f"proxy_arp is on at {name}, but {space} itself has no other way to {ip} than {name}"
        return Diagnosis(
            cause=Cause.NO_ROUTE,
            reason=reason,
            shown=shown,
            should_be=space,
        )
    return None


def _no_nd_proxy(scene: Scene, device: Device, route: Route | None, ip: str) -> Diagnosis | None:
    """Of IPv6 nobody answers for others unless each address is written down: ip-neighbour(8), proxy; proxy_ndp."""
    space, name = device
    if not _is_between(scene, space, route, ip):
        return None
    start = f"{scene.owners(ip)[0][0]} has {ip}, but behind {space}, which does not answer for it"
    path = f"ipv6/conf/{name}/proxy_ndp"
    ask = "ip -6 neigh show proxy"
    entries = scene.ground.run(scene.ground.inside(space, ask)).out.splitlines()
    has_entry = any(line.split()[:3] == [ip, "dev", name] for line in entries)
    if not has_entry:
        reason = f"{start}: it has no ND proxy entry for it at {name}"
        mend = (*setting(space, path, 1), *fix(space, f"ip -6 neigh add proxy {ip} dev {shlex.quote(name)}"))
        return Diagnosis(
            cause=Cause.PROXY_ARP_OFF,
            reason=reason,
            shown=Shown.of(space, ask),
            fixes=(mend,),
            should_be=space,
        )
    one = scene.look(space)
    if not one.number(path) and not one.number("ipv6/conf/all/proxy_ndp"):
        reason = f"{start}: proxy_ndp is off at {full(device)}"
        return Diagnosis(
            cause=Cause.PROXY_ARP_OFF,
            reason=reason,
            shown=show_setting(space, path),
            fixes=(setting(space, path, 1),),
            should_be=space,
        )
    return None  # the kernel lets such an answer wait, up to proxy_delay: pndisc_redo(), net/ipv6/ndisc.c


def _is_between(scene: Scene, space: str, route: Route | None, ip: str) -> bool:
    """Whether a namespace that is asked stands between who asks and who has the address."""
    if route is None or route.dev is None:
        return False
    wire = scene.tables.wire((space, route.dev))
    return any(owner in wire for owner in scene.owners(ip))


def _wants_a_proxy(scene: Scene, ip: str) -> bool:
    """Whether who asks counts on somebody who answers for others: it asks for its gateway, which nobody has."""
    askers = {one.namespace for one in scene.course.questions if one.kind in ASKS and one.dst_ip == ip}
    routes = scene.tables.facts.routes
    return not scene.owners(ip) and any(route.via == ip and route.namespace in askers for route in routes)


def _lacks_address(scene: Scene, device: Device, ip: str) -> Diagnosis | None:
    """A device that has no address of this family at all, at the end of the cable on which it is asked for."""
    if scene.owners(ip) or scene.tables.master(device):
        return None
    space, name = device
    family = "inet6" if ":" in ip else "inet"
    if any(row.family == family and row.scope != "link" for row in scene.tables.addresses_of(device)):
        return None
    shown = Shown.of(space, f"ip -br addr show dev {shlex.quote(name)}", name)
    path = f"ipv6/conf/{name}/disable_ipv6"
    if family == "inet6" and scene.look(space).number(path):
        reason = f"IPv6 is switched off at {full(device)} (disable_ipv6=1), so it has no IPv6 address, {ip} neither"
        mend = (*setting(space, path, 0), *_given(scene, device, ip))
        return Diagnosis(
            cause=Cause.IPV6_OFF,
            reason=reason,
            shown=show_setting(space, path),
            fixes=(mend,),
            should_be=space,
        )
    version = "IPv6" if family == "inet6" else "IPv4"
    reason = f"nobody has {ip}: no namespace has this address, and {full(device)} has no {version} address at all"
    mend = _given(scene, device, ip)
    return Diagnosis(
        cause=Cause.NO_ADDRESS,
        reason=reason,
        shown=shown,
        fixes=(mend,) if mend else (),
        should_be=space,
    )


def _given(scene: Scene, device: Device, ip: str) -> Fix:
    """The line that gives a device an address, with the prefix that somebody else on its wire has for it."""
    for other in scene.tables.wire(device):
        for row in scene.tables.addresses_of(other):
            if row.scope == "global" and _holds(row.address, ip):
                length = ip_interface(row.address).network.prefixlen
                nodad = " nodad" if ":" in ip else ""
                return fix(device[0], f"ip addr add {ip}/{length} dev {shlex.quote(device[1])}{nodad}")
    return ()


def answer_not_taken(scene: Scene, asker: str, ip: str) -> Diagnosis | None:
    """Why the answer to a question, which came back to who asked, is not taken."""
    for asked in scene.course.questions:
        if asked.namespace != asker or asked.way != "out" or asked.kind not in ASKS or asked.dst_ip != ip:
            continue
        if not scene.is_local(asker, asked.src_ip):
            continue  # a bridge that only handed the question on
        on_port = address_on_port(scene, asked.place, asked.src_ip)
        if on_port:
            return on_port
        link = scene.link(asked.place)
        if link and link.arp is False:
            return arp_off(asked.place)
    return None


def address_on_port(scene: Scene, device: Device, ip: str) -> Diagnosis | None:
    """An address on a bridge's port: what comes in there is the bridge's, so no answer reaches the port itself."""
    bridge = scene.tables.master(device)
    if bridge is None:
        return None
    row = next((row for row in scene.tables.addresses_of(device) if row.ip == ip), None)
    row = row or next((row for row in scene.tables.addresses_of(device) if row.scope == "global"), None)
    space, name = device
    what = row.ip if row else ip
    reason = (
        f"{name} is a port of {bridge[1]}, so what comes in there belongs to {bridge[1]}: "
        f"{what} is on {name} and should be on {bridge[1]}"
    )
    shown = Shown.of(space, f"ip -br addr show dev {shlex.quote(name)}", name)
    if row is None:
        return Diagnosis(Cause.ADDRESS_ON_PORT, reason, shown)
    mend = fix(
        space,
        f"ip addr del {row.address} dev {shlex.quote(name)}",
        f"ip addr add {row.address} dev {shlex.quote(bridge[1])}",
    )
    return Diagnosis(
        cause=Cause.ADDRESS_ON_PORT,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )
