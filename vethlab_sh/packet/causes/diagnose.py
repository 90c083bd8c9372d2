"""Why was there no answer? Where the probe was last seen decides which question is asked of the tables and the kernel.

The tables come first. What they cannot tell the kernel is asked: the same probe once more, between two looks at its
counters, while nft traces what the filters do with it.
"""

from __future__ import annotations

from dataclasses import replace

from ...facts import Device, Link, Neighbour, Route, Rule, is_group
from ..lookup import best
from ..sighting import ASKS, TELLS, Error, Kind, Sighting
from .bridging import bridge_keeps, not_bridged, own_by_mistake
from .cables import ETHERNET, lost_on_a_cable, show_link, switched_off
from .cause import Cause, Diagnosis, Shown, fix, full, place
from .delivering import nobody_listens, not_answered
from .filters import filtered, rewritten_to
from .look import NUMBERS, Decision
from .resolving import address_on_port, answer_not_taken, arp_off, asks_in_the_wrong_place, unanswered
from .routing import loop, no_way, not_forwarded, nothing_left, too_large
from .scene import Scene
from .settings import echo_ignored
from .wrapping import missing_remote, not_unwrapped, not_wrapped


def diagnose(scene: Scene) -> tuple[Sighting | None, Diagnosis]:
    """The last sighting on the way, and why there was no next one."""
    refused = _refused(scene)
    if refused:
        return refused
    round_and_round = loop(scene)
    last = _last(scene)
    if round_and_round:
        return last, round_and_round
    asked = _open_question(scene, last)
    if asked is not None:
        last, found = asked[-1], _unresolved(scene, asked)
    elif last is None:
        found = _not_sent(scene)
    else:
        found = _stuck(scene, last)
    if found is None:
        found = _dropped_by_a_queue(scene) or _unknown(scene, last)
    return last, found


# --- where it was last seen ---


def _last(scene: Scene) -> Sighting | None:
    """The last sighting of the answer on its way, else of the probe on its way."""
    answers = [one for one in scene.course.back if one.kind != Kind.ICMP]
    trail = _on_the_way(scene, answers) or _on_the_way(scene, scene.course.there)
    return trail[-1] if trail else None


def _on_the_way(scene: Scene, sightings: list[Sighting]) -> list[Sighting]:
    """Without the copies that a bridge sent to those whom the packet is not for."""
    return [one for one in sightings if not _is_stray(scene, one)]


def _is_stray(scene: Scene, sighting: Sighting) -> bool:
    tables, device = scene.tables, sighting.place
    mac, ip = sighting.macs[1], sighting.ips[1]
    if _is_for_another_machine(scene, sighting):
        return True
    goal = {owner[0] for owner in scene.owners(ip)}
    if tables.is_kind(device, "bridge") and sighting.way == "in" and is_group(mac):
        return device[0] not in goal
    port = device if tables.master(device) and sighting.way == "out" else None
    peer = tables.peer(device)
    if sighting.way == "in" and peer and tables.master(peer):
        port = peer
    far = tables.peer(port) if port else None
    if not far or tables.is_machine(far[0]) or tables.master(far) or far[0] in goal:
        return False
    return is_group(mac) or mac != tables.mac(far)


def _is_for_another_machine(scene: Scene, sighting: Sighting) -> bool:
    """A copy of a question that a tunnel's flood list sent to a machine that has not what is asked for."""
    goal = {owner[0] for owner in scene.owners(sighting.dst_ip)}
    space = sighting.namespace
    at_tunnel = scene.tables.is_kind(sighting.place, "vxlan") or sighting.wrapped
    if sighting.way != "in" or not at_tunnel or not is_group(sighting.dst_mac) or not goal or space in goal:
        return False
    plugged = [one for one in scene.tables.links.values() if one.namespace == space and one.kind == "vxlan"]
    return not any(one.master for one in plugged) and not scene.tables.bridges(space)


def _open_question(scene: Scene, last: Sighting | None) -> list[Sighting] | None:
    """The sightings of a question for the next hop's MAC that stayed open, or of an answer that did not come back."""
    here = last.namespace if last else scene.probe.src
    own = scene.tables.own(here)
    asked = [one for one in scene.course.questions if one.kind in ASKS and one.src_ip in own]
    asked = [one for one in asked if last is None or one.time_ns >= last.time_ns or last.leg == "ask"]
    began = next((one for one in asked if one.namespace == here and one.way == "out"), None)
    if began is None:
        return None
    ip = began.dst_ip
    answers = [one for one in scene.course.questions if one.kind in TELLS and one.src_ip == ip]
    arrived = [one for one in answers if one.namespace == here and one.way == "in"]
    if any(one.place == began.place for one in arrived) and not _on_a_port(scene, began):
        return None
    if answers:
        return [one for one in answers if not _is_stray(scene, one)] or answers
    same = [one for one in asked if one.dst_ip == ip and one.number >= began.number]
    repeated = [number for number, one in enumerate(same) if number and (one.place, one.way) == (began.place, "out")]
    first_round = same[: repeated[0]] if repeated else same
    return _on_the_way(scene, first_round) or [began]


def _on_a_port(scene: Scene, sighting: Sighting) -> bool:
    return scene.tables.master(sighting.place) is not None


# --- why there was no next one ---


def _not_sent(scene: Scene) -> Diagnosis | None:
    found = nothing_left(scene)
    if found:
        return found
    space, target = scene.probe.src, scene.probe.target
    if scene.is_local(space, target):
        found = echo_ignored(scene, space, target)
    return found or filtered(scene, space)


def _dropped_by_a_queue(scene: Scene) -> Diagnosis | None:
    for space in scene.spaces:
        found = _queued(scene, space)
        if found:
            return found
    return None


def _queued(scene: Scene, space: str) -> Diagnosis | None:
    """A queue that dropped it: what is lost there is seen by no listener."""
    for link in scene.tables.links.values():
        if link.namespace != space or not scene.again.dropped_by_queue(space, link.name):
            continue
        number = scene.again.dropped_by_queue(space, link.name)
        line = f"tc -s qdisc show dev {link.name}"
        reason = f"the queue of {full(link.device)} dropped {number} packet{'s' if number > 1 else ''}"
        mend = fix(space, f"tc qdisc del dev {link.name} root")
        return Diagnosis(Cause.QUEUE, reason, Shown.of(space, line, "dropped"), (mend,))
    return None


def _unresolved(scene: Scene, asked: list[Sighting]) -> Diagnosis | None:
    """Why a question for a MAC has no answer: asked in the wrong place, or stuck on its way, or not answered."""
    last, first = asked[-1], asked[0]
    found = None
    if first.kind in ASKS:
        found = address_on_port(scene, first.place, first.src_ip) or asks_in_the_wrong_place(scene, first)
        found = found or _not_flooded(scene, asked)
    else:
        asker = next((one for one in scene.course.questions if one.kind in ASKS and one.dst_ip == first.src_ip), first)
        found = answer_not_taken(scene, asker.namespace, first.src_ip) if _is_back(scene, last, asker) else None
    found = found or _stuck(scene, last)
    if found is None:
        return None
    return _with_the_way(scene, first, found)


def _not_flooded(scene: Scene, asked: list[Sighting]) -> Diagnosis | None:
    """A question that passed a tunnel whose flood list lacks the machine of who is asked."""
    for one in asked:
        if one.way == "out" and not one.wrapped and scene.tables.is_kind(one.place, "vxlan"):
            found = missing_remote(scene, one.place, one) if scene.tables.flood(one.place) else None
            if found:
                return found
    return None


def _is_back(scene: Scene, last: Sighting, asker: Sighting) -> bool:
    return last.namespace == asker.namespace and last.way == "in"


def _with_the_way(scene: Scene, first: Sighting, found: Diagnosis) -> Diagnosis:
    """The reason with what led to the question: an entry of a tunnel, a gateway, a rule, a rewritten address."""
    if first.kind not in ASKS:
        return found
    space, hop = first.namespace, first.dst_ip
    last = _last(scene)
    if last is not None and last.namespace == space and scene.tables.is_kind(last.place, "vxlan"):
        entry = scene.tables.fdb(last.place, last.dst_mac)
        if entry is not None and entry.dst == hop:
            return _sent_to_a_remote(last.place, hop, found)
    goal = _goal(scene, last, space)
    decision = _decision(scene, last, space, goal)
    route = decision.route
    if route is not None and route.via == hop:
        if decision.is_special and decision.rule:
            return _sent_by_a_rule(decision.rule, route, found)
        return replace(found, reason=f"{space} sends it by {route.words}, but {found.reason}")
    marked = _rule_for(scene, space, hop, goal)
    if marked:
        return _sent_by_a_rule(*marked, found)
    if last is not None and hop != goal:
        return _sent_rewritten(scene, last, hop, found)
    return found


def _decision(scene: Scene, last: Sighting | None, space: str, goal: str) -> Decision:
    """How the namespace sends on what it got, or its own answer to it."""
    if last is None:
        return scene.decide(space, goal)
    if scene.is_local(space, last.dst_ip):
        return scene.decide(space, goal, last.dst_ip)
    return scene.decide(space, goal, last.src_ip, last.device if last.namespace == space else None)


def _rule_for(scene: Scene, space: str, hop: str, goal: str) -> tuple[Rule, Route] | None:
    """A rule, of marked packets for example, whose table sends to this next hop."""
    one = scene.look(space)
    for rule in one.rules:
        if rule.table in (None, *NUMBERS):
            continue
        route = best((route for route in one.routes if route.table == rule.table), goal)
        if route and route.via == hop:
            return rule, route
    return None


def _goal(scene: Scene, last: Sighting | None, space: str) -> str:
    """The address for which a namespace sought the next hop: of the packet, or of its answer."""
    if last is None:
        return scene.probe.target
    if last.leg == "there" and scene.is_local(space, last.dst_ip):
        return last.src_ip
    return last.dst_ip if last.leg == "back" else scene.probe.target


def _sent_to_a_remote(tunnel: Device, remote: str, found: Diagnosis) -> Diagnosis:
    reason = f"the FDB of {full(tunnel)} sends it to {remote}, but {found.reason}"
    if found.cause not in (Cause.NOBODY_HAS, Cause.NO_ADDRESS):
        return replace(found, reason=reason)
    shown = Shown.of(tunnel[0], f"bridge fdb show dev {tunnel[1]}", remote)
    return replace(found, cause=Cause.VXLAN_REMOTE, reason=reason, shown=shown, fixes=())


def _sent_by_a_rule(rule: Rule, route: Route, found: Diagnosis) -> Diagnosis:
    space = rule.namespace
    reason = f"the rule `{rule.words}` in {space} asks table {route.table}: {route.words}, but {found.reason}"
    family = "-6 " if rule.family == "inet6" else ""
    shown = Shown.of(space, f"ip {family}rule", f"{rule.priority}:")
    undo = fix(space, f"ip {family}rule del pref {rule.priority}")
    return replace(found, cause=Cause.POLICY_RULE, reason=reason, shown=shown, fixes=(undo,))


def _sent_rewritten(scene: Scene, last: Sighting, hop: str, found: Diagnosis) -> Diagnosis:
    space = last.namespace
    goal, rule = rewritten_to(scene, space, last.dst_ip)
    if goal != hop:
        return found
    reason = f"{space} rewrites {last.dst_ip} to {hop} (DNAT), and {found.reason}"
    if rule is None:
        return replace(found, cause=Cause.REWRITTEN, reason=reason)
    return replace(
        found, cause=Cause.REWRITTEN, reason=reason, shown=rule.shown, fixes=(rule.undo,) if rule.undo else ()
    )


def _stuck(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why a frame was not seen again after this sighting."""
    if last.way == "out":
        return _went_out(scene, last)
    return _came_in(scene, last)


def _went_out(scene: Scene, last: Sighting) -> Diagnosis | None:
    device, tables = last.place, scene.tables
    if tables.is_kind(device, "vxlan") and not last.wrapped:
        found = not_wrapped(scene, device, last)
        entry = tables.fdb(device, last.dst_mac)
        if found is None and entry and entry.dst:
            found = _not_sent_wrapped(scene, device, entry.dst)
        return found or missing_remote(scene, device, last) or filtered(scene, device[0])
    if tables.is_kind(device, "bridge"):
        return not_bridged(scene, device, last) or filtered(scene, device[0], is_bridged=True)
    parent = _not_to_the_parent(scene, last)
    if parent:
        return parent
    found = lost_on_a_cable(tables, device, last.bytes)
    if found:
        return found
    peer = tables.peer(device)
    return filtered(scene, peer[0]) if peer else None


def _not_sent_wrapped(scene: Scene, tunnel: Device, remote: str) -> Diagnosis | None:
    """Why a machine does not send what it has wrapped: no way to the other machine, or nobody tells its MAC."""
    lost = no_way(scene, tunnel[0], remote)
    if lost:
        return replace(lost, reason=f"{full(tunnel)} wraps it for {remote}, but {lost.reason}")
    route = scene.tables.route(tunnel[0], remote)
    hop = route.via if route and route.via else remote
    own = scene.tables.own(tunnel[0])
    asked = [one for one in scene.course.questions if one.kind in ASKS and one.dst_ip == hop and one.src_ip in own]
    if not asked:
        return None
    found = _stuck(scene, (_on_the_way(scene, asked) or asked)[-1])
    if found is None:
        return None
    return _sent_to_a_remote(tunnel, remote, found)


def _not_to_the_parent(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A macvlan device and the device it is on do not hear each other (macvlan.c sends out, never up)."""
    link = scene.link(last.place)
    if link is None or link.kind not in ("macvlan", "macvtap", "ipvlan") or link.parent is None:
        return None
    parent = (str(link.parent_namespace), link.parent)
    shown = Shown.of(link.namespace, f"ip -d link show dev {link.name}", link.kind)
    owners = scene.owners(last.dst_ip)
    if parent in owners:
        reason = f"{full(link.device)} is a {link.kind} on {full(parent)}, and the two do not talk to each other"
        return Diagnosis(Cause.MACVLAN, reason, shown)
    for owner in owners:
        other = scene.link(owner)
        is_sibling = other and (other.parent_namespace, other.parent) == (link.parent_namespace, link.parent)
        modes = {link.mode, other.mode if other else None}
        if is_sibling and modes != {"bridge"} and "bridge" not in (modes - {link.mode}):
            return _kept_apart(link, owner, shown)
    return None


def _kept_apart(link: Link, other: Device, shown: Shown) -> Diagnosis:
    """Two macvlan devices of one parent whose mode is not bridge: ip-link(8), macvlan modes."""
    reason = (
        f"{full(link.device)} and {full(other)} are {link.kind} devices of mode {link.mode} on {link.parent}: "
        "what one sends does not come to the other, which only mode bridge does"
    )
    lines = [fix(device[0], f"ip link set {device[1]} type macvlan mode bridge")[0] for device in (link.device, other)]
    return Diagnosis(Cause.MACVLAN, reason, shown, (tuple(lines),))


def _came_in(scene: Scene, last: Sighting) -> Diagnosis | None:
    tables, device = scene.tables, last.place
    bridge = tables.master(device)
    mac = last.macs[1]
    if bridge:
        return _came_in_at_a_port(scene, bridge, last)
    if tables.is_kind(device, "bridge") and mac != tables.mac(device) and not is_group(mac):
        mistaken = own_by_mistake(scene, device, mac)
        if mistaken:
            return mistaken
    if tables.is_kind(device, "bridge") and mac == tables.mac(device) and not scene.is_local(device[0], last.ips[1]):
        kept = _kept_by_the_bridge(scene, device, last)
        if kept:
            return kept
    if not is_group(mac) and mac != tables.mac(device) and device[1] != "lo":
        return _not_for_this_device(scene, last)
    if last.wrapped:
        return not_unwrapped(scene, last) or filtered(scene, last.namespace)
    if last.kind in ASKS:
        return unanswered(scene, last) or filtered(scene, last.namespace) or _silent(scene, last)
    if last.kind in TELLS:
        return answer_not_taken(scene, last.namespace, last.src_ip) or filtered(scene, last.namespace)
    return _packet_arrived(scene, last)


def _silent(scene: Scene, last: Sighting) -> Diagnosis | None:
    """The kernel's own answer to whether it would take such a packet, where nothing else tells."""
    if ":" in last.dst_ip or not scene.is_local(last.namespace, last.dst_ip):
        return None
    line, goes, said = scene.oracle(last.namespace, last.dst_ip, last.src_ip, last.device)
    if goes:
        return None
    reason = f"{last.namespace} takes nothing from {last.src_ip} that comes in at {last.device} (`{line}`: {said})"
    return Diagnosis(Cause.UNKNOWN, reason, Shown.of(last.namespace, line, "", said))


def _came_in_at_a_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    tables, mac = scene.tables, last.macs[1]
    is_ours = last.resolves and scene.is_local(bridge[0], last.dst_ip)
    if mac != tables.mac(bridge) and not is_ours:
        found = not_bridged(scene, bridge, last)
        return found or filtered(scene, bridge[0], is_bridged=True) or _too_large_for_a_port(scene, bridge, last)
    off = switched_off(tables, bridge)
    if off:
        return replace(off, should_be=bridge[0])
    if last.resolves and last.kind in ASKS:
        up = replace(last, device=bridge[1])
        return unanswered(scene, up) or filtered(scene, bridge[0])
    kept = _kept_by_the_bridge(scene, bridge, last)
    if kept:
        return kept
    return _packet_arrived(scene, replace(last, device=bridge[1]))


def _kept_by_the_bridge(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """A frame for a host that has the bridge's own MAC."""
    mac = last.macs[1]
    others = [device for device in scene.tables.holders(mac) if device != bridge]
    if mac != scene.tables.mac(bridge) or not others or scene.is_local(bridge[0], last.ips[1]):
        return None
    return bridge_keeps(scene, bridge, others[0])


def _too_large_for_a_port(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    for port in scene.tables.ports(bridge):
        link = scene.link(port)
        if link and link.mtu and last.bytes - ETHERNET > link.mtu and port != last.place:
            size = last.bytes - ETHERNET
            reason = (
                f"the packet is of {size} bytes, and {full(port)}, a port of {bridge[1]}, takes {link.mtu} (its MTU)"
            )
            mend = fix(port[0], f"ip link set {port[1]} mtu {size}")
            return Diagnosis(Cause.MTU, reason, show_link(port), (mend,), place(port))
    return None


def _not_for_this_device(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A frame for another MAC than that of the device at which it came in: nobody takes it."""
    tables, device, mac = scene.tables, last.place, last.macs[1]
    link = tables.link(device)
    if not tables.addresses_of(device) and tables.bridges(device[0]) and link and link.kind == "veth":
        reason = f"{device[1]} has no master, so no bridge takes the frame, and {mac} is not its own MAC"
        mends = tuple(fix(device[0], f"ip link set {device[1]} master {b[1]}") for b in tables.bridges(device[0]))
        return Diagnosis(Cause.NO_MASTER, reason, show_link(device), mends)
    came = next((one for one in scene.course.sightings if one.number == last.after), None)
    sender = came.place if came else None
    if sender and mac == tables.mac(sender) and _asks_nobody(scene, sender):
        return arp_off(sender)
    own = link.mac if link else None
    for row in tables.facts.neighbours:
        is_meant = row.ip == last.dst_ip or _is_gateway(scene, row.namespace, row.ip)
        if row.mac == mac and is_meant:
            return _wrong_neighbour(row, device, own)
    reason = f"the frame is for {mac}, but {full(device)} has {own}: a neighbour entry is wrong"
    return Diagnosis(Cause.WRONG_NEIGHBOUR, reason, show_link(device, "link/ether"))


def _wrong_neighbour(row: Neighbour, device: Device, own: str | None) -> Diagnosis:
    kind = f" ({row.state.lower()})" if row.state else ""
    reason = (
        f"the neighbour entry{kind} of {row.namespace} says that {row.ip} is {row.mac}, but {full(device)} has {own}"
    )
    shown = Shown.of(row.namespace, f"ip neigh show {row.ip}", str(row.mac))
    mend = fix(row.namespace, f"ip neigh del {row.ip} dev {row.dev}")
    return Diagnosis(Cause.WRONG_NEIGHBOUR, reason, shown, (mend,))


def _asks_nobody(scene: Scene, device: Device) -> bool:
    link = scene.link(device)
    return link is not None and link.arp is False


def _is_gateway(scene: Scene, space: str, ip: str) -> bool:
    return any(route.namespace == space and route.via == ip for route in scene.tables.facts.routes)


def _packet_arrived(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet that a namespace has got: for itself, or to be sent on."""
    arrived, dst = last.place, scene.real_destination(last)
    space = last.namespace
    if scene.is_local(space, dst):
        back = scene.decide(space, last.src_ip, dst).route
        on_port = address_on_port(scene, (space, back.dev), dst) if back and back.dev else None
        if on_port:
            return on_port
        found = not_answered(scene, arrived, last) if last.leg == "there" else None
        if found and not _explains_input(found):
            # what the tables say of the answer counts only when the request has got as far as that
            return filtered(scene, space) or found
        return found or filtered(scene, space) or _rewritten(scene, last)
    if dst != last.dst_ip:
        lost = no_way(scene, space, dst)
        if lost:
            cause = Cause.NO_ROUTE_BACK if lost.cause == Cause.NO_ROUTE else lost.cause
            reason = f"{space} puts {dst} back into the answer, which it had rewritten, and then {lost.reason}"
            return replace(lost, cause=cause, reason=reason)
    found = not_forwarded(scene, arrived, last.src_ip, dst)
    if found and found.cause == Cause.NO_ROUTE and rewritten_to(scene, space, dst)[0]:
        return _rewritten(scene, last)  # no route to the address before DNAT says nothing
    if found:
        return found
    decision = scene.decide(space, dst, last.src_ip, last.device)
    route = decision.route
    out = (space, route.dev) if route and route.dev else None
    if out and not last.wrapped:
        large = too_large(scene, out, last.bytes)
        if large:
            return replace(large, should_be=place(out))
    found = filtered(scene, space)
    if found:
        return replace(found, should_be=place(out) if out else None)
    return _rewritten(scene, last)


def _explains_input(found: Diagnosis) -> bool:
    """Whether a diagnosis is about taking the request, not about the answer to it."""
    return found.cause in (Cause.RP_FILTER, Cause.OWN_SOURCE, Cause.ADDRESS_FAILED)


def _rewritten(scene: Scene, last: Sighting) -> Diagnosis | None:
    """A packet whose destination this namespace rewrote to one that cannot be reached."""
    goal, rule = rewritten_to(scene, last.namespace, last.dst_ip)
    if goal is None:
        return None
    space = last.namespace
    said = f"{space} rewrites {last.dst_ip} to {goal} (DNAT)"
    lost = no_way(scene, space, goal)
    if lost:
        return replace(lost, reason=f"{said}, and {lost.reason}")
    fixes = (rule.undo,) if rule and rule.undo else ()
    shown = rule.shown if rule else None
    if not scene.owners(goal):
        return Diagnosis(Cause.REWRITTEN, f"{said}, and nobody has {goal}: no namespace has this address", shown, fixes)
    return None


# --- refusals ---


def _refused(scene: Scene) -> tuple[Sighting | None, Diagnosis] | None:
    """An answer that says no: a reset, or an ICMP error that a machine on the way sent back."""
    back = scene.course.back
    if not scene.probe.is_ping:
        for one in back:
            is_reset = one.kind == Kind.TCP and one.is_reset
            if is_reset and one.way == "out":
                filter_of = filtered(scene, one.namespace)
                return one, filter_of or nobody_listens(scene, one.namespace, one.src_ip)
    errors = [one for one in back if one.kind == Kind.ICMP and one.error is not None]
    if not errors:
        return None
    first = errors[0]
    return _error(scene, first)


def _error(scene: Scene, first: Sighting) -> tuple[Sighting | None, Diagnosis] | None:
    space = first.namespace
    if first.error == Error.PORT_UNREACHABLE and not first.wrapped:
        found = filtered(scene, space)
        if found:
            return _last(scene), found
        if scene.probe.protocol == "udp":
            return first, nobody_listens(scene, space, first.src_ip)
    if first.error == Error.ADMIN_PROHIBITED:
        found = filtered(scene, space)
        return (_last(scene), found) if found else None
    if first.error == Error.TIME_EXCEEDED and loop(scene) is None:
        reason = f"the TTL of the packet was used up in {space}: it passes more routers than it may"
        return first, Diagnosis(Cause.HOP_LIMIT, reason, Shown.of(space, "nstat -asz IcmpOutTimeExcds"))
    return None


# --- what is not known ---


def _unknown(scene: Scene, last: Sighting | None) -> Diagnosis:
    """What was ruled out, and what to look at next."""
    where = f"at {place(last.place)}" if last else f"in {scene.probe.src}"
    ruled_out = ("devices and cables", "routes and rules", "forwarding and rp_filter", "packet filters")
    if scene.again.answered:
        return Diagnosis(Cause.UNKNOWN, "the same probe, sent once more, was answered: ask again", None)
    listed = ", ".join(ruled_out)
    reason = f"I do not know why. Looked at {where}, and nothing found in the way: {listed}"
    return Diagnosis(Cause.UNKNOWN, reason, None, ruled_out=ruled_out)
