"""Claims about devices: up or down, addresses, ports, peers, MTUs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

from ..facts import Address, Device
from ..inside import inside, quoted
from ..packet.causes.cables import switched_off
from ..packet.causes.cause import Cause, Diagnosis, fix
from ..packet.lookup import Tables
from ..sandbox import HOSTNAME
from .question import Absent, Finding, Question, no, written, yes


def link_line(device: Device, more: str = "") -> str:
    """The line that shows a device, as typed on master."""
    namespace, name = device
    line = f"ip {more}link show dev {quoted(name)}"
    return inside(namespace, line)


def full(device: Device) -> str:
    """A device as a sentence calls it."""
    namespace, name = device
    if namespace == HOSTNAME:
        return name
    return f"{name} in {namespace}"


def in_order(device: Device) -> str:
    """A device with its namespace before it, as a claim names it."""
    namespace, name = device
    return f"{namespace} {name}"


def signs(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What tells a diagnosis from another one: its word, and the line that shows it."""
    shown = diagnosis.shown
    if shown is None:
        return (diagnosis.cause,)
    return diagnosis.cause, shown.line.namespace, shown.line.text


def no_by(off: Diagnosis, command: str, line: str, start: str = "") -> Finding:
    """The claim does not hold, by what a diagnosis says. start: what stands before its reason."""
    return no(
        f"{start}{off.reason}",
        command,
        line,
        cause=off.cause,
        fixes=written(*off.fixes),
        instead=signs(off),
    )


def is_up(question: Question, ns: str | None, dev: str) -> Finding:
    """`ns100 veth100 is up`: IFF_UP and IFF_LOWER_UP, netdevice(7)."""
    device = question.device(ns, dev)
    link, command = question.link(device), link_line(device)
    if not link.up:
        space, name = device
        mend = fix(space, f"ip link set {quoted(name)} up")
        return no(
            f"{full(device)} is switched off",
            command,
            name,
            cause=Cause.DEVICE_DOWN,
            fixes=written(mend),
        )
    # IFF_LOWER_UP: the driver has a signal, of a veth while its other end is on
    if link.carrier:
        return yes(f"{full(device)} is up", command, "mtu")
    start = f"{full(device)} is switched on, but has no carrier"
    peer = question.tables.peer(device)
    off = switched_off(question.tables, peer) if peer else None
    if off is None:
        return no(f"{start}: nothing is at its other end", command, "mtu", cause=Cause.PEER_MISSING)
    return no_by(off, command, "mtu", start=f"{start}: ")


def is_down(question: Question, ns: str | None, dev: str) -> Finding:
    """`br-veth100 is down`."""
    device = question.device(ns, dev)
    is_on = question.link(device).up
    state = "up" if is_on else "down"
    return Finding(not is_on, f"{full(device)} is {state}", link_line(device), "mtu")


def has_address(question: Question, ns: str | None, dev: str, address: str) -> Finding:
    """`ns100 veth100 has address 192.168.1.100/24`: and uses it, which of IPv6 a duplicate does not (RFC 4862)."""
    device = question.device(ns, dev)
    space, name = device
    family = "inet6" if ":" in address else "inet"
    command = inside(space, f"ip -br addr show dev {quoted(name)}")
    rows = [row for row in question.tables.addresses_of(device) if row.family == family]
    for row in rows:
        if address in (row.address, row.ip):
            unused = _unused(row)
            return unused or yes(f"{full(device)} has {row.address}", command, row.address)
    ip = address.partition("/")[0]
    return no(
        f"{full(device)} does not have {address}: {_instead(question.tables, ip, rows)}",
        command,
        cause=Cause.NO_ADDRESS,
        instead=tuple(row.address for row in rows),
    )


def _unused(row: Address) -> Finding | None:
    """An address that a device has, and does not use; `ip addr` says so, `ip -br addr` does not."""
    space, name = row.device
    command = inside(space, f"ip addr show dev {quoted(name)}")
    start = f"{full(row.device)} has {row.address}, but does not use it"
    if row.dadfailed:
        again = fix(
            space,
            f"ip addr del {row.address} dev {quoted(name)}",
            f"ip addr add {row.address} dev {quoted(name)} nodad",
        )
        why = f"{start}: somebody else has it (dadfailed)"
        return no(why, command, row.address, cause=Cause.ADDRESS_FAILED, fixes=written(again))
    if row.tentative:
        why = f"{start} yet: it asks who has it (tentative)"
        return no(why, command, row.address, cause=Cause.ADDRESS_FAILED)
    return None


def _instead(tables: Tables, ip: str, rows: list[Address]) -> str:
    """What a device has instead of an address, or who has that; rows: its own of this family."""
    for row in rows:
        if row.ip == ip:
            return f"it has {row.address}, so its network is {ip_interface(row.address).network}"
    owner = tables.owner(ip)
    if owner:
        return f"{owner[0]} {owner[1]} has it"
    if rows:
        return f"it has {', '.join(row.address for row in rows)}"
    return "it has none"


def has_not_address(question: Question, ns: str | None, dev: str, address: str) -> Finding:
    """`ns100 veth100 has not 192.168.1.7`."""
    return has_address(question, ns, dev, address).negated


def belongs_to(question: Question, ip: str, ns: str) -> Finding:
    """`192.168.1.100 belongs to ns100`: and to nobody else."""
    space, ip = question.space(ns), question.address(ip)
    command = inside(space, "ip -br addr")
    owners = _owners(question, ip)
    if not owners:
        return no(f"nobody has {ip}", command)
    others = [owner for owner in owners if owner[0] != space]
    if not others:
        for taken in _taken_by_routes(question, ip, owners):
            return taken
        return yes(f"{in_order(owners[0])} has {ip}, and nobody else does", command, ip)
    other = others[0]
    is_shared = len(others) < len(owners)
    too = " too" if is_shared else ""
    return no(
        f"{in_order(other)} has {ip}{too}, but it should belong to {space} alone",
        inside(other[0], "ip -br addr"),
        ip,
        instead=(*other, space if is_shared else ""),
    )


def _owners(question: Question, ip: str) -> list[Device]:
    """All devices that have an address, link-local ones included."""
    addresses = question.tables.facts.addresses
    return [address.device for address in addresses if address.ip == ip]


def _taken_by_routes(question: Question, ip: str, owners: list[Device]) -> list[Finding]:
    """No, once for each namespace that has not the address and takes what is for it: by a route of kind local.

    It answers ARP for it, too: inet_addr_type(), net/ipv4/fib_frontend.c.
    """
    holders = {namespace for namespace, _ in owners}
    takers = []
    for look in question.look_everywhere():
        route = look.has_own(ip)
        if route and look.namespace not in holders:
            why = f"{look.namespace} takes what is for {ip}, by its route local {route.to}"
            listing = inside(look.namespace, "ip route show table all type local")
            takers.append(no(why, listing, route.to, instead=(look.namespace,)))
    return takers


def nobody_else_has(question: Question, ip: str) -> Finding:
    """`nobody else has 192.168.1.100`: at most one namespace has it, on one device, or takes it for its own."""
    ip = question.address(ip)
    owners = _owners(question, ip)
    takers = _taken_by_routes(question, ip, owners)
    if takers:
        first = takers[0]
        if len(owners) + len(takers) > 1:
            return first
        return replace(first, ok=True, why=f"{first.why}, and nobody has it", instead=())
    if not owners:
        return yes(f"nobody has {ip}", "ip -br addr")
    space, _ = owners[-1]
    command = inside(space, "ip -br addr")
    names = [in_order(owner) for owner in owners]
    if len(owners) == 1:
        return yes(f"{names[0]} has {ip}, and nobody else does", command, ip)
    return no(f"{' and '.join(names)} have {ip}", command, ip, instead=tuple(names))


def is_port(question: Question, ns: str | None, dev: str, bridge: str) -> Finding:
    """`br-veth100 is a port of br0`."""
    device = question.device(ns, dev)
    if question.link(device).switch == bridge:
        return _port_of_a_switch(device, bridge)
    if not _is_switch(question.tables, bridge):
        question.device(device[0], bridge)
    if question.link(device).master == bridge:
        return yes(f"{full(device)} is a port of {bridge}", link_line(device), "master")
    return _no_port(question.tables, device, bridge)


def _is_switch(tables: Tables, name: str) -> bool:
    """Whether it is a switch of Open vSwitch with a port that the kernel has; it need not be a device."""
    return any(link.switch == name for link in tables.links.values())


def _port_of_a_switch(device: Device, switch: str) -> Finding:
    why = f"{full(device)} is a port of {switch}, a switch of Open vSwitch"
    return yes(why, _switch_line(device), switch)


def _switch_line(device: Device) -> str:
    """The line that asks Open vSwitch whose port a device is."""
    return f"ovs-vsctl port-to-br {quoted(device[1])}"


def _no_port(tables: Tables, device: Device, bridge: str) -> Finding:
    link = tables.link(device)
    if link is not None and link.master is not None:
        why = f"{full(device)} is a port of {link.master}, not of {bridge}"
        return no(why, link_line(device), "mtu", instead=(link.master,))
    if link is not None and link.switch is not None:
        why = f"{full(device)} is a port of {link.switch}, a switch of Open vSwitch, not of {bridge}"
        return no(why, _switch_line(device), link.switch, instead=(link.switch,))
    namespace, _ = device
    peer = tables.peer(device)
    frames = "frames"
    if peer and peer[0] != namespace:
        frames = f"frames from {peer[0]}"
    why = f"{full(device)} has no master, so {frames} reach no bridge"
    return no(why, link_line(device), "mtu")


def is_plugged(question: Question, ns: str, bridge: str) -> Finding:
    """`ns100 is plugged into br0`."""
    space = question.space(ns)
    tables = question.tables
    if not _is_switch(tables, bridge):
        meant = question.device(None, bridge)
        if not tables.is_kind(meant, "bridge"):
            return no(f"{full(meant)} is no bridge", link_line(meant, "-d "))
    ports = []
    for device in tables.links:
        peer = tables.peer(device)
        if device[0] != space or peer is None:
            continue
        ports.append(peer)
        found = _end_at(tables, device, peer, bridge)
        if found is not None:
            return found
    if ports:
        return _no_port(tables, ports[0], bridge)
    return no(f"{space} has no cable at all", inside(space, "ip -br link"))


def _end_at(tables: Tables, device: Device, port: Device, bridge: str) -> Finding | None:
    """Yes, where the other end of a device's cable is a port of the bridge, or of the switch of Open vSwitch."""
    space, name = device
    _, port_name = port
    master = tables.master(port)
    if master is not None and master[1] == bridge and tables.is_kind(master, "bridge"):
        why = f"{name} of {space} ends at {port_name}, a port of {bridge}"
        return yes(why, link_line(port), "mtu")
    if tables.links[port].switch == bridge:
        return _port_of_a_switch(port, bridge)
    return None


def is_peer(question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str) -> Finding:
    """`ns100 veth100 is the peer of master br-veth100`."""
    device, other = question.device(ns, dev), question.device(ns2, dev2)
    peer, command = question.tables.peer(device), link_line(device)
    if peer == other:
        return yes(f"{full(device)} and {full(other)} are the two ends of one cable", command, "mtu")
    if peer:
        end = f"its other end is {full(peer)}"
    else:
        end = "it is no veth, or its other end is out of sight"
    return no(
        f"{full(device)} does not end at {full(other)}: {end}",
        command,
        "mtu",
        instead=peer or (),
    )


def has_mtu(question: Question, ns: str | None, dev: str, mtu: str) -> Finding:
    """`br0 has MTU 1500`."""
    device = question.device(ns, dev)
    number = question.link(device).mtu
    command = link_line(device)
    why = f"{full(device)} has MTU {number}"
    if number == int(mtu):
        return yes(why, command, "mtu")
    return no(why, command, "mtu", instead=(str(number),))


def makes_no_port_wait(question: Question, ns: str | None, bridge: str) -> Finding:
    """`br0 makes no port wait`: it does not run STP."""
    device = question.device(ns, bridge)
    link = question.link(device)
    if link.kind != "bridge":
        raise Absent(no(f"{full(device)} is no bridge", link_line(device, "-d ")))
    command = link_line(device, "-d ") + " | grep -o 'stp_state [01]'"
    if not link.stp:
        return yes(f"{bridge} does not run STP, so a new port forwards at once", command)
    seconds = link.forward_delay or 0
    why = f"{bridge} runs STP, so each new port listens {seconds:g} s and learns {seconds:g} s before it forwards"
    return no(why, command, instead=(f"{seconds:g}",))
