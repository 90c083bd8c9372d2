"""Why does nobody tell the MAC of an address? ARP and neighbour discovery, as the kernel of who is asked decides.

arp_process(), net/ipv4/arp.c; ndisc_recv_ns(), net/ipv6/ndisc.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_interface

from ...facts import Address, Device, Link, Route
from ...inside import quoted
from ...language import tr
from ..lookup import prefix_length
from ..sighting import ASKS, TELLS, Kind, Sighting
from .bridging import nobody_has
from .cables import show_link
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place
from .filters import rule_of_ttl, set_by
from .look import Look
from .routing import routers_next_door
from .scene import Scene
from .settings import forwarding_off, own_source, reverse_path, set_all, setting, show_setting

ND_HOP_LIMIT = 255  # of a question for a MAC, and of its answer: RFC 4861, 7.1


def unanswered(scene: Scene, asked: Sighting) -> Diagnosis | None:
    """Why a question for a MAC that came in at a device is not answered there; None when nothing tells."""
    device = asked.place
    ip = asked.dst_ip
    link = scene.link(device)
    if link and link.arp is False:
        if link.kind == "ipvlan" and ":" not in ip:
            return _without_arp(link)
        if link.kind != "ipvlan":  # IPv6's answer it sends to its own MAC: ndisc_constructor(), net/ipv6/ndisc.c
            return arp_off(device)
    changed = with_another_hop_limit(scene, [asked])
    if changed:
        return changed
    if _hangs_free(scene, device, ip):
        return _no_bridge_takes(scene, device)
    if scene.is_local(device[0], ip):
        return _does_not_answer(scene, device, ip, asked.src_ip)
    diagnosis = _no_proxy(scene, device, ip) or _lacks_address(scene, device, ip)
    if diagnosis is None and not scene.owners(ip):
        return nobody_has(scene, ip, asked)
    return diagnosis


def with_another_hop_limit(scene: Scene, came: Iterable[Sighting]) -> Diagnosis | None:
    """A question of IPv6, or its answer, whose hop limit tells that it may be from behind a router: RFC 4861, 7.1."""
    for one in came:
        # of an answer the source is whom it is about, who is its sender's own
        is_v6 = one.kind in (Kind.ND_ASK, Kind.ND_TELL)
        if is_v6 and one.way == "in" and one.ttl not in (None, ND_HOP_LIMIT):
            return _not_looked_at(scene, one)
    return None


def _not_looked_at(scene: Scene, came: Sighting) -> Diagnosis:
    sender = next((name for name, _ in scene.owners(came.src_ip)), came.namespace)
    reason = tr(
        "{space} does not look at a question of IPv6 for a MAC, or its answer, whose hop limit is {limit} and not "
        "{right}",
        space=came.namespace,
        limit=came.ttl,
        right=ND_HOP_LIMIT,
    )
    rule = rule_of_ttl(scene, sender)
    if rule is None:
        return Diagnosis(Cause.HOP_LIMIT, reason)
    return set_by(rule, sender, reason)


def stood_in_for_nobody(scene: Scene, ip: str) -> Diagnosis | None:
    """Proxy ARP for an address that nobody has: who answers would itself send the packets elsewhere."""
    if scene.owners(ip):
        return None
    for one in scene.course.questions:
        if one.kind not in TELLS or one.way != "out" or one.src_ip != ip:
            continue
        if scene.tables.master(one.place) is None:  # a bridge only hands it on
            reason = tr(
                "nobody has {ip}: no namespace has this address; {space} answers for it by proxy ARP",
                ip=ip,
                space=one.namespace,
            )
            return Diagnosis(Cause.NOBODY_HAS, reason, Shown.of(one.namespace, f"ip route get {ip}", ip))
    return None


def _without_arp(link: Link) -> Diagnosis:
    """An ipvlan whose mode has no ARP: ipvlan_set_port_mode() sets NOARP, drivers/net/ipvlan/ipvlan_main.c."""
    reason = tr("{full} is an ipvlan of mode {mode}, which answers no ARP", full=full(link.device), mode=link.mode)
    shown = Shown.of(link.namespace, f"ip -d link show dev {quoted(link.name)}", "ipvlan")
    return Diagnosis(Cause.ARP_OFF, reason, shown, should_be=link.namespace)


def arp_off(device: Device) -> Diagnosis:
    """A device that neither asks nor answers."""
    namespace, name = device
    return Diagnosis(
        cause=Cause.ARP_OFF,
        reason=tr("ARP is switched off at {full} (NOARP)", full=full(device)),
        shown=show_link(device, "mtu"),
        fixes=(fix(namespace, f"ip link set {quoted(name)} arp on"),),
        should_be=namespace,
    )


def _hangs_free(scene: Scene, device: Device, ip: str) -> bool:
    """Whether a cable ends here in nothing: no port of a bridge, and neither an address nor a route leads to it."""
    link = scene.link(device)
    if link is None or link.kind not in ("veth", "vxlan") or link.master:
        return False
    if not scene.tables.bridges(device[0]) or _has_address(scene, device, ip):
        return False
    family = _family(ip)
    for route in scene.tables.facts.routes:
        if (route.namespace, route.dev) != device or route.family != family:
            continue
        if not route.to.startswith("fe80"):  # that one each device has by itself
            return False
    return True


def _family(ip: str) -> str:
    return "inet6" if ":" in ip else "inet"


def _has_address(scene: Scene, device: Device, like: str) -> bool:
    """Whether a device has an address of this one's family, other than the link-local one that it has by itself."""
    family = _family(like)
    rows = scene.tables.addresses_of(device)
    return any(row.family == family and row.scope != "link" for row in rows)


def _no_bridge_takes(scene: Scene, device: Device) -> Diagnosis:
    space, name = device
    # a cable with both ends in one bridge joins nothing
    beyond = scene.tables.master(scene.tables.peer(device))
    bridges = [bridge for bridge in scene.tables.bridges(space) if bridge != beyond]
    mends = []
    for _, bridge in bridges:
        mends.append(fix(space, f"ip link set {quoted(name)} master {quoted(bridge)}"))
    switches = scene.tables.switches(space)
    for switch in switches:
        mends.append(fix(space, f"ovs-vsctl add-port {quoted(switch)} {quoted(name)}"))
    if switches:
        reason = tr("{name} has no master and is no port of Open vSwitch, so no switch takes the question", name=name)
    else:
        reason = tr("{name} has no master, so no bridge takes the question", name=name)
    diagnosis = Diagnosis(
        cause=Cause.NO_MASTER,
        reason=reason,
        shown=show_link(device),
        fixes=tuple(mends),
    )
    if len(bridges) != 1:
        return diagnosis
    return replace(diagnosis, should_be=place(bridges[0]))


def _does_not_answer(scene: Scene, device: Device, ip: str, asker: str) -> Diagnosis | None:
    """Why a namespace that has an address does not answer for it."""
    space = device[0]
    if ":" in ip:
        return unusable(scene, space, ip)
    return (
        _ignores(scene, device, ip, asker)
        or _filters_arp(scene, device, ip, asker)
        or own_source(scene, device, asker)
        or reverse_path(scene, device, asker)
        or local_not_asked(scene, space, ip)
    )


def _ignores(scene: Scene, device: Device, ip: str, asker: str) -> Diagnosis | None:
    """arp_ignore(): 1 and 2 want the address on the device that is asked at, 2 also who asks in its network; 8 none."""
    space, name = device
    one = scene.look(space)
    ignore = one.conf(name, "arp_ignore")
    here = [row for row in scene.tables.addresses_of(device) if row.ip == ip]
    near = [row for row in here if _holds(row.address, asker)]
    wants_it_here = ignore == 1 and not here
    wants_it_near = ignore == 2 and not near
    if not (wants_it_here or wants_it_near or ignore == 8):
        return None
    where = ""
    if here and not near:
        where = tr(", and {asker}, who asks, is not in the network of {ip} on {name}", asker=asker, ip=ip, name=name)
    elif not here:
        owner = _owner_in(scene, space, ip)
        if owner:
            where = tr(", and {ip} is on {owner}, not on {name}", ip=ip, owner=owner[1], name=name)
    reason = tr("arp_ignore is {value} in {space}{where}", value=ignore, space=space, where=where)
    return _by_setting(Cause.ARP_IGNORE, reason, device, "arp_ignore", one)


def _owner_in(scene: Scene, space: str, ip: str) -> Device | None:
    """The first device of a namespace that has an address."""
    for owner in scene.owners(ip):
        if owner[0] == space:
            return owner
    return None


def _filters_arp(scene: Scene, device: Device, ip: str, asker: str) -> Diagnosis | None:
    """arp_filter(): the answer would leave by another device than the one that is asked at."""
    space, name = device
    one = scene.look(space)
    # the address that is asked for is the source of the answer
    out = scene.decide(space, asker, ip).route
    if not one.conf(name, "arp_filter") or out is None or out.dev == name:
        return None
    reason = tr(
        "arp_filter is 1 at {full}, and its route to {asker} is by {dev}", full=full(device), asker=asker, dev=out.dev
    )
    diagnosis = _by_setting(Cause.ARP_FILTER, reason, device, "arp_filter", one)
    # without the filter the answer to the packet itself would still go by the other device
    route = fix(space, f"ip route replace {asker} dev {quoted(name)}")
    return replace(diagnosis, fixes=(route,))


def local_not_asked(scene: Scene, space: str, ip: str) -> Diagnosis | None:
    """Addresses are a namespace's own by table local, which rule 0 asks; without it they are strangers'."""
    family, program = ("inet6", "ip -6") if ":" in ip else ("inet", "ip")
    tables = {rule.table for rule in scene.look(space).rules if rule.family == family}
    if not tables or "local" in tables:
        return None
    return Diagnosis(
        cause=Cause.POLICY_RULE,
        reason=tr("no rule of {space} looks up table local, so it does not take {ip} for its own", space=space, ip=ip),
        shown=Shown.of(space, f"{program} rule"),
        fixes=(fix(space, f"{program} rule add pref 0 lookup local"),),
        should_be=space,
    )


def _by_setting(cause: Cause, reason: str, device: Device, name: str, one: Look) -> Diagnosis:
    """A setting of which the larger one of `all` and the device counts: the fix sets those that are not 0."""
    space, own = device
    paths = (f"ipv4/conf/all/{name}", f"ipv4/conf/{own}/{name}")
    on = [path for path in paths if one.number(path)]
    return Diagnosis(
        cause=cause,
        reason=reason,
        shown=show_setting(space, *on),
        fixes=(set_all(space, on, 0),),
        should_be=space,
    )


def unusable(scene: Scene, space: str, ip: str) -> Diagnosis | None:
    """An IPv6 address that is there and not used: somebody else has it, or it is still being asked for."""
    row = scene.tables.address(space, ip)
    if row is None or not (row.dadfailed or row.tentative):
        return None
    dev = f"dev {quoted(row.dev)}"
    mends: tuple[Fix, ...] = ()
    reason = tr(
        "{ip} of {full} is not used yet: it asks whether somebody else has it (tentative)", ip=ip, full=full(row.device)
    )
    if row.dadfailed:
        reason = tr(
            "{ip} of {full} is not used: somebody else had it (dadfailed, duplicate address)",
            ip=ip,
            full=full(row.device),
        )
        anew = fix(space, f"ip addr del {row.address} {dev}", f"ip addr add {row.address} {dev} nodad")
        mends = (anew,)
    return Diagnosis(
        cause=Cause.ADDRESS_FAILED,
        reason=reason,
        shown=Shown.of(space, f"ip -6 addr show {dev}", ip),
        fixes=mends,
        should_be=space,
    )


def asks_in_the_wrong_place(scene: Scene, asked: Sighting) -> Diagnosis | None:
    """An address that somebody has, but not where it is asked for.

    asked: the first sighting of the question, where it is sent.
    """
    ip, device = asked.dst_ip, asked.place
    space, name = device
    if not scene.is_local(space, asked.src_ip):
        return None
    others = [owner for owner in scene.owners(ip) if owner[0] != space]
    route = scene.decide(space, ip).route
    if not others or route is None or route.via:
        return None
    beside = _other_way(scene, space, name, ip)
    if beside:
        return beside
    if not _is_elsewhere(scene, device, others) or _is_proxied(scene, device):
        return None
    wide = _too_wide(scene, device, ip, route.to)
    if wide:
        return wide
    if any(_holds(row.address, ip) for row in scene.tables.addresses_of(device)):
        return None
    reason = tr(
        "{space} sends to {ip} by its route {words}, which has no gateway, so it asks for the MAC of {ip} on {name}, "
        "but {owner} has it, on another wire",
        space=space,
        ip=ip,
        words=route.words,
        name=name,
        owner=full(others[0]),
    )
    return Diagnosis(
        cause=Cause.WRONG_ROUTE,
        reason=reason,
        shown=Shown.of(space, f"ip route get {ip}", ip),
        fixes=_by_a_gateway(scene, space, route),
    )


def _by_a_gateway(scene: Scene, space: str, route: Route) -> tuple[Fix, ...]:
    """The same route, by the one router next door."""
    network = route.to.partition("/")[0]
    gateways = routers_next_door(scene, space, network)
    if len(gateways) != 1:
        return ()
    gateway, _ = gateways[0]
    return (fix(space, f"ip route replace {route.to} via {gateway}"),)


def _is_proxied(scene: Scene, device: Device) -> bool:
    """Whether somebody on the wire answers for others."""
    # the larger of `all` and the device counts: IN_DEV_PROXY_ARP(), include/linux/inetdevice.h
    for space, name in scene.tables.wire(device):
        one = scene.looks.get(space)
        if one and one.conf(name, "proxy_arp"):
            return True
    return False


def _other_way(scene: Scene, space: str, name: str, ip: str) -> Diagnosis | None:
    """Another route of the same network, by another device, behind which the address is."""
    chosen = scene.tables.route(space, ip)
    if chosen is None:
        return None
    for route in scene.tables.facts.routes:
        if route.namespace != space or route.dev in (None, name, "lo") or route.via:
            continue
        if route.family != chosen.family or not prefix_length(route.to, ip):
            continue  # of length 0, a default route, it is no other route of the same network
        dev = str(route.dev)
        if _is_behind(scene, (space, dev), ip):
            reason = tr(
                "{space} asks on {name}, whose route {chosen} wins, but {ip} is behind {dev}, which has the route "
                "{route}",
                space=space,
                name=name,
                chosen=chosen.words,
                ip=ip,
                dev=dev,
                route=route.words,
            )
            return Diagnosis(
                cause=Cause.WRONG_ROUTE,
                reason=reason,
                shown=Shown.of(space, f"ip route get {ip}", ip),
                fixes=(fix(space, f"ip route replace {ip} dev {quoted(dev)}"),),
            )
    return None


def _is_behind(scene: Scene, device: Device, ip: str) -> bool:
    """Whether an address is at the other end of a device's cable."""
    peer = scene.tables.peer(device)
    if peer is None:
        return False
    namespaces = {owner[0] for owner in scene.owners(ip)}
    return peer[0] in namespaces


def _is_elsewhere(scene: Scene, device: Device, owners: list[Device]) -> bool:
    """Whether none of these is on the wire that the device is on."""
    wire = scene.tables.wire(device)
    return all(owner not in wire for owner in owners)


def _too_wide(scene: Scene, device: Device, ip: str, network: str) -> Diagnosis | None:
    """A prefix that takes what is behind a router for a neighbour."""
    space, name = device
    own = [row for row in scene.tables.addresses_of(device) if _holds(row.address, ip)]
    near = _narrower_on_the_wire(scene, device, own[0].address, ip) if own else None
    if near is None:
        return None
    mine = own[0]
    dev = f"dev {quoted(name)}"
    reason = tr(
        "{space} has {address}, so it takes {ip} for a neighbour (its network is {network}); others on this wire have "
        "/{length}",
        space=space,
        address=mine.address,
        ip=ip,
        network=network,
        length=near,
    )
    return Diagnosis(
        cause=Cause.WRONG_PREFIX,
        reason=reason,
        shown=Shown.of(space, f"ip -br addr show {dev}", mine.address),
        fixes=(fix(space, f"ip addr add {mine.ip}/{near} {dev}", f"ip addr del {mine.address} {dev}"),),
    )


def _holds(address: str, ip: str) -> bool:
    network = str(ip_interface(address).network)
    return prefix_length(network, ip) is not None


def _narrower_on_the_wire(scene: Scene, device: Device, own: str, ip: str) -> int | None:
    """The length of a longer prefix that somebody else on the wire has, whose network is without this address."""
    mine = ip_interface(own)
    for other in scene.tables.wire(device):
        for row in scene.tables.addresses_of(other):
            if row.scope != "global" or _holds(row.address, ip):
                continue
            length = ip_interface(row.address).network.prefixlen
            if length > mine.network.prefixlen and _holds(row.address, str(mine.ip)):
                return length
    return None


def _no_proxy(scene: Scene, device: Device, ip: str) -> Diagnosis | None:
    """Why a namespace that could answer for others does not: arp_process() answers where it would forward."""
    if not scene.owners(ip) and not _wants_a_proxy(scene, ip):
        return None
    space, name = device
    route = scene.decide(space, ip).route
    behind_here = route is not None and route.dev == name
    is_v6 = ":" in ip
    if is_v6 or not scene.look(space).conf(name, "proxy_arp"):
        if behind_here:
            return None
        if is_v6:
            return _no_nd_proxy(scene, device, route, ip)
        return _proxy_arp_off(scene, device, route, ip)
    on = tr("proxy_arp is on at {full}", full=name)
    off = forwarding_off(scene, device, ip)
    if off:
        reason = tr(
            "{on}, but the kernel answers for others only where it forwards: {reason}", on=on, reason=off.reason
        )
        return replace(off, reason=reason, should_be=space)
    if _could_stand_in(route, name):
        return None
    if route is None or route.is_dead_end:
        reason = tr(
            "{on}, but {space} itself has no route to {ip}, so it does not answer for it", on=on, space=space, ip=ip
        )
    else:
        reason = tr(
            "{on}, but {space} itself has no other way to {ip} than {name}", on=on, space=space, ip=ip, name=name
        )
    return Diagnosis(
        cause=Cause.NO_ROUTE,
        reason=reason,
        shown=Shown.of(space, f"ip route get {ip}"),
        should_be=space,
    )


def _proxy_arp_off(scene: Scene, device: Device, route: Route | None, ip: str) -> Diagnosis | None:
    """A machine that could answer for others and does not: it stands between, or who asks counts on it."""
    space, name = device
    if _is_between(scene, space, route, ip):
        behind = _behind_it(scene, space, ip)
        reason = tr("{behind}: proxy_arp is off at {full}", behind=behind, full=full(device))
    elif not scene.owners(ip) and _could_stand_in(route, name):
        reason = tr("nobody has {ip}, and proxy_arp is off at {full}", ip=ip, full=full(device))
    else:
        return None
    path = f"ipv4/conf/{name}/proxy_arp"
    return Diagnosis(
        cause=Cause.PROXY_ARP_OFF,
        reason=reason,
        shown=show_setting(space, path),
        fixes=(setting(space, path, 1),),
        should_be=space,
    )


def _behind_it(scene: Scene, space: str, ip: str) -> str:
    """That an address is behind a machine which could answer for it, in words."""
    owner, _ = scene.owners(ip)[0]
    return tr("{owner} has {ip}, but behind {space}, which does not answer for it", owner=owner, ip=ip, space=space)


def _no_nd_proxy(scene: Scene, device: Device, route: Route | None, ip: str) -> Diagnosis | None:
    """Of IPv6 nobody answers for others unless each address is written down: ip-neighbour(8), proxy; proxy_ndp."""
    space, name = device
    if not _is_between(scene, space, route, ip):
        return None
    behind = _behind_it(scene, space, ip)
    path = f"ipv6/conf/{name}/proxy_ndp"
    list_them = "ip -6 neigh show proxy"
    entries = scene.ground.run(scene.ground.inside(space, list_them)).out.splitlines()
    has_entry = any(line.split()[:3] == [ip, "dev", name] for line in entries)
    one = scene.look(space)
    mend = setting(space, path, 1)
    if not has_entry:
        reason = tr("{behind}: it has no ND proxy entry for it at {name}", behind=behind, name=name)
        shown = Shown.of(space, list_them)
        mend += fix(space, f"ip -6 neigh add proxy {ip} dev {quoted(name)}")
    elif not one.number(path) and not one.number("ipv6/conf/all/proxy_ndp"):
        reason = tr("{behind}: proxy_ndp is off at {full}", behind=behind, full=full(device))
        shown = show_setting(space, path)
    else:
        return None  # the kernel lets such an answer wait, up to proxy_delay: pndisc_redo(), net/ipv6/ndisc.c
    return Diagnosis(
        cause=Cause.PROXY_ARP_OFF,
        reason=reason,
        shown=shown,
        fixes=(mend,),
        should_be=space,
    )


def _is_between(scene: Scene, space: str, route: Route | None, ip: str) -> bool:
    """Whether a namespace that is asked stands between who asks and who has the address."""
    if route is None or route.dev is None:
        return False
    beyond = scene.tables.wire((space, route.dev))
    return any(owner in beyond for owner in scene.owners(ip))


def _could_stand_in(route: Route | None, name: str) -> bool:
    """Whether the kernel would answer for an address with proxy_arp: by another device it would send there."""
    return route is not None and not route.is_dead_end and route.dev != name


def _wants_a_proxy(scene: Scene, ip: str) -> bool:
    """Whether who asks counts on somebody who answers for others.

    It asks for its gateway, which nobody has, and which is in none of its own networks: there it would be a machine.
    """
    askers = set()
    for one in scene.course.questions:
        if one.kind in ASKS and one.dst_ip == ip:
            askers.add(one.namespace)
    for row in scene.tables.facts.addresses:
        if row.namespace in askers and row.family == _family(ip) and _holds(row.address, ip):
            askers.discard(row.namespace)
    gateways = [route for route in scene.tables.facts.routes if route.via == ip]
    return any(route.namespace in askers for route in gateways)


def _lacks_address(scene: Scene, device: Device, ip: str) -> Diagnosis | None:
    """A device that has no address of this family at all, at the end of the cable on which it is asked for."""
    if scene.owners(ip) or scene.tables.master(device):
        return None
    if _has_address(scene, device, ip):
        return None
    space, name = device
    mend = _given(scene, device, ip)
    path = f"ipv6/conf/{name}/disable_ipv6"
    if ":" in ip and scene.look(space).number(path):
        return Diagnosis(
            cause=Cause.IPV6_OFF,
            reason=tr(
                "IPv6 is switched off at {full} (disable_ipv6=1), so it has no IPv6 address, {ip} neither",
                full=full(device),
                ip=ip,
            ),
            shown=show_setting(space, path),
            fixes=(setting(space, path, 0) + mend,),
            should_be=space,
        )
    version = "IPv6" if ":" in ip else "IPv4"
    return Diagnosis(
        cause=Cause.NO_ADDRESS,
        reason=tr(
            "nobody has {ip}: no namespace has this address, and {full} has no {version} address at all",
            ip=ip,
            full=full(device),
            version=version,
        ),
        shown=Shown.of(space, f"ip -br addr show dev {quoted(name)}", name),
        fixes=(mend,) if mend else (),
        should_be=space,
    )


def dropped_as_ipv6(scene: Scene, last: Sighting) -> Diagnosis | None:
    """An IPv6 packet that comes in where IPv6 is off is dropped, whoever it is for.

    ip6_rcv_core(), net/ipv6/ip6_input.c: SKB_DROP_REASON_IPV6DISABLED.
    """
    space, name = last.place
    path = f"ipv6/conf/{name}/disable_ipv6"
    if ":" not in last.ips[1] or not scene.look(space).number(path):
        return None
    link = scene.link(last.place)
    if link is None or not _is_heard_by_ip(scene, link):
        return None
    return Diagnosis(
        cause=Cause.IPV6_OFF,
        reason=tr(
            "IPv6 is switched off at {full} (disable_ipv6=1), which drops what comes in there", full=full(last.place)
        ),
        shown=show_setting(space, path),
        # the routes that it had are gone with it, and nobody tells which these were
        fixes=(),
        should_be=space,
    )


def _is_heard_by_ip(scene: Scene, link: Link) -> bool:
    """Whether what comes in at a device is looked at by IP there, and not at what it is a port of.

    A VRF comes after the checks of its port: ip6_rcv_core() looks at the port, l3mdev_ip6_rcv() gives the packet on.
    """
    if link.kind == "vrf" or link.switch is not None:
        return False
    return link.master is None or scene.tables.vrf_table(link.device) is not None


def _given(scene: Scene, device: Device, ip: str) -> Fix:
    """The line that gives a device an address, with the prefix that somebody else on its wire has for it."""
    space, name = device
    # else the kernel would first ask for a second whether somebody else has it
    nodad = " nodad" if ":" in ip else ""
    for other in scene.tables.wire(device):
        for row in scene.tables.addresses_of(other):
            if row.scope == "global" and _holds(row.address, ip):
                length = ip_interface(row.address).network.prefixlen
                return fix(space, f"ip addr add {ip}/{length} dev {quoted(name)}{nodad}")
    return ()


def answer_not_taken(scene: Scene, asker: str, ip: str) -> Diagnosis | None:
    """Why the answer to a question, which came back to who asked, is not taken."""
    for asked in scene.course.questions:
        if asked.namespace != asker or asked.way != "out":
            continue
        if asked.kind not in ASKS or asked.dst_ip != ip:
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
    space, name = device
    row = _row_on_port(scene, device, ip)
    reason = tr(
        "{name} is a port of {bridge}, so what comes in there belongs to {bridge}: {ip} is on {name} and should be on "
        "{bridge}",
        name=name,
        bridge=bridge[1],
        ip=row.ip if row else ip,
    )
    shown = Shown.of(space, f"ip -br addr show dev {quoted(name)}", name)
    if row is None:
        return Diagnosis(Cause.ADDRESS_ON_PORT, reason, shown)
    mend = fix(
        space,
        f"ip addr del {row.address} dev {quoted(name)}",
        f"ip addr add {row.address} dev {quoted(bridge[1])}",
    )
    return Diagnosis(
        cause=Cause.ADDRESS_ON_PORT,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )


def _row_on_port(scene: Scene, device: Device, ip: str) -> Address | None:
    """This address on a port, else the first that others reach it by."""
    rows = scene.tables.addresses_of(device)
    for row in rows:
        if row.ip == ip:
            return row
    for row in rows:
        if row.scope == "global":
            return row
    return None
