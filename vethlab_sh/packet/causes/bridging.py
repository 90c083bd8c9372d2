"""Why does a bridge not hand a frame on? Its ports, their state and flags, its FDB, and who has the MAC."""

from __future__ import annotations

from dataclasses import replace

from ...facts import ANY_MAC, Device, Entry, Link, is_group
from ...inside import quoted
from ...language import enumerated, together, tr
from ...wiring.tunnels import tunnels
from ..sighting import Sighting
from .cables import show_link, switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place
from .scene import Scene
from .vlans import not_let_in, not_let_out

FLOOD_FLAGS = ("flood", "bcast_flood", "mcast_flood")  # of a port: bridge(8)
CARRY_FRAMES = ("vxlan", "geneve", "gretap", "ip6gretap")  # kinds of tunnels that may be ports of a bridge
# The kernel's own words for the states of the spanning tree that keep a port from forwarding.
WAITING = ("listening", "learning", "blocking", "disabled")


def not_bridged(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """Why a frame that is in a bridge was not seen to leave it. last: where it was seen; None when nothing tells."""
    off = switched_off(scene.tables, bridge)
    if off:
        return replace(off, should_be=place(bridge))
    is_at_a_port = last.way == "in" and scene.tables.master(last.place) == bridge
    if not is_at_a_port:
        return _misled(scene, bridge, last) or _towards_the_port(scene, bridge, last, None)
    port = last.place
    return (
        _waits(scene, port)
        or _locked(scene, port, last.macs[0])
        or not_let_in(scene, bridge, last)
        or _misled(scene, bridge, last)
        or _towards_the_port(scene, bridge, last, port)
    )


def _waits(scene: Scene, port: Device) -> Diagnosis | None:
    """A port that does not forward yet, or at all."""
    link = scene.link(port)
    bridge = scene.link(scene.tables.master(port))
    if bridge is None or link is None or link.port is None or not link.carrier:
        return None
    state = link.port.state
    if state not in WAITING:
        return None
    dev = quoted(port[1])
    if bridge.stp:
        delay = bridge.forward_delay
        reason = tr(
            "{bridge} runs STP, and its port {port} is {state}: a new port listens{seconds} and learns{seconds} before "
            "it forwards (forward_delay)",
            bridge=bridge.name,
            port=full(port),
            state=state,
            seconds=tr(" {seconds:g} s", seconds=delay) if delay else "",
        )
        lines = _without_stp(scene, bridge)
    else:
        reason = tr(
            "the port {port} of {bridge} is {state}, so nothing passes it",
            port=full(port),
            bridge=bridge.name,
            state=state,
        )
        lines = [f"bridge link set dev {dev} state 3"]
    return Diagnosis(
        cause=Cause.PORT_STATE,
        reason=reason,
        shown=Shown.of(port[0], f"bridge link show dev {dev}", "state"),
        fixes=(fix(port[0], *lines),),
        should_be=place(port),
    )


def _without_stp(scene: Scene, bridge: Link) -> list[str]:
    """The lines that switch STP off. It leaves the ports that wait to their timers, so each is told, too."""
    lines = [f"ip link set {quoted(bridge.name)} type bridge stp_state 0"]
    for port in scene.tables.ports(bridge.device):
        if _is_waiting(scene, port):
            lines.append(f"bridge link set dev {quoted(port[1])} state 3")
    return lines


def _is_waiting(scene: Scene, port: Device) -> bool:
    link = scene.link(port)
    if link is None or link.port is None:
        return False
    return link.port.state in WAITING


def _locked(scene: Scene, port: Device, source: str) -> Diagnosis | None:
    """A locked port takes only frames whose source somebody wrote into the FDB for it (bridge(8), locked)."""
    link = scene.link(port)
    bridge = scene.tables.master(port)
    if link is None or link.port is None or not link.port.locked or bridge is None:
        return None
    entry = scene.tables.fdb(bridge, source)
    if entry and entry.dev == port[1]:
        return None
    return Diagnosis(
        cause=Cause.PORT_LOCKED,
        reason=tr(
            "the port {port} is locked, and {source} is not in the FDB of {bridge} for it",
            port=full(port),
            source=source,
            bridge=bridge[1],
        ),
        shown=_show_port(port, "locked"),
        fixes=(_set_port(port, "locked off"),),
    )


def _show_port(port: Device, word: str) -> Shown:
    namespace, name = port
    line = f"bridge -d link show dev {quoted(name)}"
    return Shown.of(namespace, line, word)


def _set_port(port: Device, words: str) -> Fix:
    """The line that sets flags of a port, in bridge(8)'s words: `locked off`."""
    namespace, name = port
    return fix(namespace, f"bridge link set dev {quoted(name)} {words}")


def _misled(scene: Scene, bridge: Device, last: Sighting) -> Diagnosis | None:
    """An FDB that puts a MAC elsewhere than where it is."""
    _, mac = last.macs
    if is_group(mac):
        return None
    holders = _others_with(scene, mac, bridge)
    if not holders:
        return None
    if mac == scene.tables.mac(bridge):
        return bridge_keeps(scene, bridge, holders[0])
    # as it was when the frame came: the answer may have taught the bridge since
    entry = scene.before.fdb(bridge, mac) or scene.tables.fdb(bridge, mac)
    if entry is None or entry.dev is None or entry.mac == ANY_MAC:
        return None
    if _is_own(scene, bridge, entry):
        return _taken_for_its_own(bridge, entry, holders[0])
    if len(holders) > 1:
        return _twice(bridge, mac, holders, entry)
    port = scene.tables.peer(holders[0])
    if port is None or scene.tables.master(port) != bridge:
        return None
    _, port_name = port
    if port_name == entry.dev:
        return None
    return _wrong_entry(bridge, entry, port)


def _others_with(scene: Scene, mac: str, bridge: Device) -> list[Device]:
    """The devices, the bridge apart, that have a MAC address."""
    holders = scene.tables.holders(mac)
    return [device for device in holders if device != bridge]


def bridge_keeps(scene: Scene, bridge: Device, holder: Device) -> Diagnosis:
    """A host with the bridge's own MAC: what is for it, the bridge takes for itself."""
    mac = str(scene.tables.mac(bridge))
    reason = tr(
        "{holder} has the MAC {mac}, which is {bridge}'s own MAC, so the bridge keeps what is for it",
        holder=full(holder),
        mac=mac,
        bridge=bridge[1],
    )
    return Diagnosis(
        cause=Cause.BRIDGE_MAC,
        reason=reason,
        shown=show_link(bridge, "link/ether"),
        fixes=(_with_another_mac(holder, mac),),
    )


def _with_another_mac(device: Device, mac: str) -> Fix:
    """The line that gives a device another MAC address of the same kind: the last byte's bits turned round."""
    namespace, name = device
    last_byte = int(mac[-2:], 16)
    turned = last_byte ^ 0xFF
    other = f"{mac[:-2]}{turned:02x}"
    return fix(namespace, f"ip link set {quoted(name)} address {other}")


def _twice(bridge: Device, mac: str, holders: list[Device], entry: Entry) -> Diagnosis:
    names = together(full(holder) for holder in holders[:2])
    reason = tr(
        "{names} both have the MAC {mac}, so {bridge} sends what is for it to where it saw it last, {port}",
        names=names,
        mac=mac,
        bridge=bridge[1],
        port=entry.dev,
    )
    return Diagnosis(
        cause=Cause.DUPLICATE_MAC,
        reason=reason,
        shown=_show_entry(bridge, mac),
        fixes=(_with_another_mac(holders[0], mac),),
    )


def _show_entry(bridge: Device, mac: str) -> Shown:
    namespace, name = bridge
    line = f"bridge fdb show br {quoted(name)}"
    return Shown.of(namespace, line, mac)


def _is_own(scene: Scene, bridge: Device, entry: Entry) -> bool:
    """Whether the FDB has a MAC as the bridge's own, so that its machine takes the frames: fdb_add_local(), br_fdb.c.

    Permanent is what `bridge fdb add MAC dev PORT master` makes when nothing else is said; a port's own MAC is so, too.
    """
    space, name = bridge
    if entry.dev == name:
        return bool(entry.state)
    port = (space, str(entry.dev))
    is_of_a_port = entry.master == name and entry.mac == scene.tables.mac(port)
    return entry.state == "permanent" and not is_of_a_port


def _taken_for_its_own(bridge: Device, entry: Entry, holder: Device) -> Diagnosis:
    space, name = bridge
    reason = tr(
        "the FDB of {name} has {mac} as one of {name}'s own (a permanent entry), but it is the MAC of {holder}",
        name=name,
        mac=entry.mac,
        holder=full(holder),
    )
    flag = "self" if entry.dev == name else "master"
    mend = fix(space, f"bridge fdb del {entry.mac} dev {quoted(str(entry.dev))} {flag}")
    return Diagnosis(
        cause=Cause.FDB_ENTRY,
        reason=reason,
        shown=_show_entry(bridge, entry.mac),
        fixes=(mend,),
    )


def own_by_mistake(scene: Scene, bridge: Device, mac: str) -> Diagnosis | None:
    """A MAC of somebody else that the FDB of a bridge has as the bridge's own, so that it takes the frames."""
    entry = scene.before.fdb(bridge, mac)
    holders = _others_with(scene, mac, bridge)
    if entry is None or not holders or not _is_own(scene, bridge, entry):
        return None
    return _taken_for_its_own(bridge, entry, holders[0])


def _wrong_entry(bridge: Device, entry: Entry, real: Device) -> Diagnosis:
    kind = tr("a static FDB entry") if entry.state else tr("the FDB")
    # `static` and `permanent` entries do not move; a learned one does with the next frame from there
    mend = fix(bridge[0], f"bridge fdb del {entry.mac} dev {quoted(str(entry.dev))} master")
    return Diagnosis(
        cause=Cause.FDB_ENTRY,
        reason=tr(
            "{kind} of {bridge} says that {mac} is behind {port}, but it is behind {real}",
            kind=kind,
            bridge=bridge[1],
            mac=entry.mac,
            port=entry.dev,
            real=real[1],
        ),
        shown=_show_entry(bridge, entry.mac),
        fixes=(mend,),
        should_be=place(real),
    )


def _towards_the_port(scene: Scene, bridge: Device, last: Sighting, came_by: Device | None) -> Diagnosis | None:
    """Look from the far end, whose cable tells which port it should be."""
    tables = scene.tables
    _, mac = last.macs
    _, goal = last.ips
    port = _expected(scene, bridge, mac, goal)
    if port is None:
        if last.resolves and is_group(mac) and not scene.owners(goal):
            return nobody_has(scene, goal, last)
        return None
    if tables.master(port) != bridge:
        return unplugged(scene, port, bridge)
    peer = tables.peer(port)
    off = switched_off(tables, port)
    if off is None and peer:
        off = switched_off(tables, peer)
    if off:
        return replace(off, should_be=place(port))
    return _waits(scene, port) or not_let_out(scene, bridge, last, port) or _held_back(scene, port, mac, came_by)


def _expected(scene: Scene, bridge: Device, mac: str, goal: str) -> Device | None:
    """The port that the frame should leave by: the one at whose other end its MAC, or the address, is."""
    tables = scene.tables
    ends = scene.owners(goal)
    # a frame for everyone names no end, so the address does
    if not is_group(mac):
        holders = [device for device in tables.holders(mac) if device[0] != bridge[0]]
        ends = holders + ends
    for end in ends:
        peer = tables.cable(end)
        if peer and peer[0] == bridge[0]:
            link = tables.link(peer)
            if link is not None and link.switch is not None:
                return _towards_a_switch(scene, bridge, link.switch)
            return _along_the_chain(scene, bridge, peer) or peer
    if not ends:
        return None
    # behind a tunnel that is plugged into the bridge
    for port in tables.ports(bridge):
        link = tables.link(port)
        if link is not None and link.kind in CARRY_FRAMES:
            return port
    return _tunnel_beside(scene, bridge, {namespace for namespace, _ in ends})


def _tunnel_beside(scene: Scene, bridge: Device, goals: set[str]) -> Device | None:
    """A tunnel that leads to one of these namespaces, carries frames, and has nothing of its own to carry."""
    for tunnel in tunnels(scene.tables.snapshot):
        for near, far in ((tunnel.one, tunnel.two), (tunnel.two, tunnel.one)):
            leads_there = near.namespace == bridge[0] and far.namespace in goals
            if not leads_there or near.kind not in CARRY_FRAMES:
                continue
            addresses = scene.tables.addresses_of(near.device)
            has_own = any(row.scope == "global" for row in addresses)
            if not has_own and near.master is None and far.master is not None:
                return near.device
    return None


def _along_the_chain(scene: Scene, bridge: Device, goal: Device) -> Device | None:
    """The port of a bridge from which cables and other bridges lead to a port of another one."""
    tables = scene.tables
    if tables.master(goal) in (None, bridge):
        return None
    for port in tables.ports(bridge):
        beyond = tables.peer(port)
        if beyond is not None and goal in tables.wire(beyond, without=bridge):
            return port
    return None


def _towards_a_switch(scene: Scene, bridge: Device, switch: str) -> Device | None:
    """The port of a bridge whose cable ends at a port of this switch of Open vSwitch."""
    for port in scene.tables.ports(bridge):
        beyond = scene.link(scene.tables.peer(port))
        if beyond is not None and beyond.switch == switch:
            return port
    return None


def unplugged(scene: Scene, port: Device, bridge: Device) -> Diagnosis:
    """A cable's end that is no port of the bridge that should reach it."""
    space, name = port
    link = scene.link(port)
    if link and link.master:
        reason = tr(
            "{name} is a port of {master}, so {bridge} does not reach it",
            name=name,
            master=link.master,
            bridge=bridge[1],
        )
        cause = Cause.WRONG_BRIDGE
    else:
        reason = tr("{name} has no master, so {bridge} does not reach it", name=name, bridge=bridge[1])
        cause = Cause.NO_MASTER
    mend = fix(space, f"ip link set {quoted(name)} master {quoted(bridge[1])}")
    return Diagnosis(
        cause=cause,
        reason=reason,
        shown=show_link(port),
        fixes=(mend,),
        should_be=place(port),
    )


def _held_back(scene: Scene, port: Device, mac: str, came_by: Device | None) -> Diagnosis | None:
    """What the flags of ports keep from passing: br_flood(), should_deliver(), net/bridge/br_forward.c."""
    link = scene.link(port)
    flags = link.port if link else None
    if flags is None:
        return None
    if came_by and flags.isolated and _is_isolated(scene, came_by):
        return Diagnosis(
            cause=Cause.PORT_ISOLATED,
            reason=tr(
                "{one} and {other} are isolated ports: nothing passes between such two", one=came_by[1], other=port[1]
            ),
            shown=_show_port(port, "isolated"),
            fixes=(_set_port(port, "isolated off"),),
            should_be=place(port),
        )
    off = [name for name in FLOOD_FLAGS if not getattr(flags, name)]
    bridge = scene.tables.master(port)
    has_entry = bridge is not None and not is_group(mac) and scene.before.fdb(bridge, mac) is not None
    # these flags are asked only for what has no entry: br_flood(), net/bridge/br_forward.c
    if has_entry or _flood_flag(mac) not in off:
        return None
    what = tr("for everyone") if is_group(mac) else tr("for a MAC that it does not know")
    return Diagnosis(
        cause=Cause.PORT_FLOOD,
        reason=tr(
            "the port {port} does not flood ({flags} off), and the frame is {what}",
            port=full(port),
            flags=enumerated(off),
            what=what,
        ),
        shown=_show_port(port, "flood"),
        fixes=(_set_port(port, " ".join(f"{name} on" for name in off)),),
        should_be=place(port),
    )


def _is_isolated(scene: Scene, port: Device) -> bool:
    link = scene.link(port)
    if link is None or link.port is None:
        return False
    return bool(link.port.isolated)


def _flood_flag(mac: str) -> str:
    """The flag that decides about a frame to this MAC, which a bridge has no entry for: br_flood()."""
    if mac == "ff:ff:ff:ff:ff:ff":
        return "bcast_flood"
    return "mcast_flood" if is_group(mac) else "flood"


def nobody_has(scene: Scene, ip: str, last: Sighting) -> Diagnosis:
    """An address that no namespace has."""
    asker = last.namespace
    for one in scene.course.questions:
        if one.dst_ip == ip:
            asker = one.namespace
            break
    reason = tr("nobody has {ip}: no namespace has this address", ip=ip)
    bare = _without_address(scene, last)
    if bare:
        reason += tr(", and {end}, the other end of a port of the bridge, has none at all", end=full(bare))
    return Diagnosis(Cause.NOBODY_HAS, reason, Shown.of(asker, f"ip neigh show {ip}", ip))


def _without_address(scene: Scene, last: Sighting) -> Device | None:
    """What hangs at a port of the bridges here and has no address: an end left bare; None where several."""
    bare = []
    for bridge in scene.tables.bridges(last.namespace):
        for port in scene.tables.ports(bridge):
            link = scene.link(scene.tables.peer(port))
            if link is None or link.kind != "veth" or link.master:
                continue
            if not scene.tables.addresses_of(link.device):
                bare.append(link.device)
    if len(bare) != 1:
        return None
    return bare[0]
