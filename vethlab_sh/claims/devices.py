"""Claims about devices: up or down, addresses, ports, peers, MTUs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

from ..facts import Address, Device
from ..inside import inside, quoted
from ..language import enumerated, together, tr
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
    return tr("{name} in {namespace}", name=name, namespace=namespace)


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
            tr("{full} is switched off", full=full(device)),
            command,
            name,
            cause=Cause.DEVICE_DOWN,
            fixes=written(mend),
        )
    # IFF_LOWER_UP: the driver has a signal, of a veth while its other end is on
    if link.carrier:
        return yes(tr("{full} is up", full=full(device)), command, "mtu")
    start = tr("{full} is switched on, but has no carrier", full=full(device))
    peer = question.tables.peer(device)
    off = switched_off(question.tables, peer) if peer else None
    if off is None:
        return no(tr("{start}: nothing is at its other end", start=start), command, "mtu", cause=Cause.PEER_MISSING)
    return no_by(off, command, "mtu", start=f"{start}: ")


def is_down(question: Question, ns: str | None, dev: str) -> Finding:
    """`br-veth100 is down`."""
    device = question.device(ns, dev)
    is_on = question.link(device).up
    why = tr("{full} is up", full=full(device)) if is_on else tr("{full} is down", full=full(device))
    return Finding(not is_on, why, link_line(device), "mtu")


def has_address(question: Question, ns: str | None, dev: str, address: str) -> Finding:
    """`ns100 veth100 has address 192.168.1.100/24`: and uses it, which of IPv6 a duplicate does not (RFC 4862)."""
    device = question.device(ns, dev)
    space, name = device
    family = "inet6" if ":" in address else "inet"
    command = inside(space, f"ip -br addr show dev {quoted(name)}")
    rows = [row for row in question.tables.addresses_of(device) if row.family == family]
    for row in rows:
        if address in (row.address, row.ip):
            why = tr("{full} has {address}", full=full(device), address=row.address)
            return _unused(row) or yes(why, command, row.address)
    ip = address.partition("/")[0]
    return no(
        tr(
            "{full} does not have {address}: {instead}",
            full=full(device),
            address=address,
            instead=_instead(question.tables, ip, rows),
        ),
        command,
        cause=Cause.NO_ADDRESS,
        instead=tuple(row.address for row in rows),
    )


def _unused(row: Address) -> Finding | None:
    """An address that a device has, and does not use; `ip addr` says so, `ip -br addr` does not."""
    space, name = row.device
    command = inside(space, f"ip addr show dev {quoted(name)}")
    start = tr("{full} has {address}, but does not use it", full=full(row.device), address=row.address)
    if row.dadfailed:
        again = fix(
            space,
            f"ip addr del {row.address} dev {quoted(name)}",
            f"ip addr add {row.address} dev {quoted(name)} nodad",
        )
        why = tr("{start}: somebody else has it (dadfailed)", start=start)
        return no(why, command, row.address, cause=Cause.ADDRESS_FAILED, fixes=written(again))
    if row.tentative:
        why = tr("{start} yet: it asks who has it (tentative)", start=start)
        return no(why, command, row.address, cause=Cause.ADDRESS_FAILED)
    return None


def _instead(tables: Tables, ip: str, rows: list[Address]) -> str:
    """What a device has instead of an address, or who has that; rows: its own of this family."""
    for row in rows:
        if row.ip == ip:
            return tr(
                "it has {address}, so its network is {network}",
                address=row.address,
                network=ip_interface(row.address).network,
            )
    owner = tables.owner(ip)
    if owner:
        return tr("{owner} has it", owner=" ".join(owner))
    if rows:
        return tr("it has {rows}", rows=enumerated(row.address for row in rows))
    return tr("it has none")


def has_not_address(question: Question, ns: str | None, dev: str, address: str) -> Finding:
    """`ns100 veth100 has not 192.168.1.7`."""
    return has_address(question, ns, dev, address).negated


def belongs_to(question: Question, ip: str, ns: str) -> Finding:
    """`192.168.1.100 belongs to ns100`: and to nobody else."""
    space, ip = question.space(ns), question.address(ip)
    command = inside(space, "ip -br addr")
    owners = _owners(question, ip)
    if not owners:
        return no(tr("nobody has {ip}", ip=ip), command)
    others = [owner for owner in owners if owner[0] != space]
    if not others:
        for taken in _taken_by_routes(question, ip, owners):
            return taken
        return yes(tr("{in_order} has {ip}, and nobody else does", in_order=in_order(owners[0]), ip=ip), command, ip)
    other = others[0]
    is_shared = len(others) < len(owners)
    why = tr("{in_order} has {ip}, but it should belong to {space} alone", in_order=in_order(other), ip=ip, space=space)
    if is_shared:
        why = tr(
            "{in_order} has {ip} too, but it should belong to {space} alone",
            in_order=in_order(other),
            ip=ip,
            space=space,
        )
    return no(
        why,
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
            why = tr(
                "{namespace} takes what is for {ip}, by its route local {to}",
                namespace=look.namespace,
                ip=ip,
                to=route.to,
            )
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
        return replace(first, ok=True, why=tr("{why}, and nobody has it", why=first.why), instead=())
    if not owners:
        return yes(tr("nobody has {ip}", ip=ip), "ip -br addr")
    space, _ = owners[-1]
    command = inside(space, "ip -br addr")
    names = [in_order(owner) for owner in owners]
    if len(owners) == 1:
        return yes(tr("{names} has {ip}, and nobody else does", names=names[0], ip=ip), command, ip)
    why = tr("{names} have {ip}", names=together(names), ip=ip)
    return no(why, command, ip, instead=tuple(names))


def is_port(question: Question, ns: str | None, dev: str, bridge: str) -> Finding:
    """`br-veth100 is a port of br0`."""
    device = question.device(ns, dev)
    if question.link(device).switch == bridge:
        return _port_of_a_switch(device, bridge)
    if not _is_switch(question.tables, bridge):
        question.device(device[0], bridge)
    if question.link(device).master == bridge:
        return yes(tr("{full} is a port of {bridge}", full=full(device), bridge=bridge), link_line(device), "master")
    return _no_port(question.tables, device, bridge)


def _is_switch(tables: Tables, name: str) -> bool:
    """Whether it is a switch of Open vSwitch with a port that the kernel has; it need not be a device."""
    return any(link.switch == name for link in tables.links.values())


def _port_of_a_switch(device: Device, switch: str) -> Finding:
    why = tr("{full} is a port of {switch}, a switch of Open vSwitch", full=full(device), switch=switch)
    return yes(why, _switch_line(device), switch)


def _switch_line(device: Device) -> str:
    """The line that asks Open vSwitch whose port a device is."""
    return f"ovs-vsctl port-to-br {quoted(device[1])}"


def _no_port(tables: Tables, device: Device, bridge: str) -> Finding:
    link = tables.link(device)
    if link is not None and link.master is not None:
        why = tr("{full} is a port of {master}, not of {bridge}", full=full(device), master=link.master, bridge=bridge)
        return no(why, link_line(device), "mtu", instead=(link.master,))
    if link is not None and link.switch is not None:
        why = tr(
            "{full} is a port of {switch}, a switch of Open vSwitch, not of {bridge}",
            full=full(device),
            switch=link.switch,
            bridge=bridge,
        )
        return no(why, _switch_line(device), link.switch, instead=(link.switch,))
    namespace, _ = device
    peer = tables.peer(device)
    why = tr("{full} has no master, so frames reach no bridge", full=full(device))
    if peer and peer[0] != namespace:
        why = tr("{full} has no master, so frames from {there} reach no bridge", full=full(device), there=peer[0])
    return no(why, link_line(device), "mtu")


def is_plugged(question: Question, ns: str, bridge: str) -> Finding:
    """`ns100 is plugged into br0`."""
    space = question.space(ns)
    tables = question.tables
    if not _is_switch(tables, bridge):
        meant = question.device(None, bridge)
        if not tables.is_kind(meant, "bridge"):
            return no(tr("{full} is no bridge", full=full(meant)), link_line(meant, "-d "))
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
    return no(tr("{space} has no cable at all", space=space), inside(space, "ip -br link"))


def _end_at(tables: Tables, device: Device, port: Device, bridge: str) -> Finding | None:
    """Yes, where the other end of a device's cable is a port of the bridge, or of the switch of Open vSwitch."""
    space, name = device
    _, port_name = port
    master = tables.master(port)
    if master is not None and master[1] == bridge and tables.is_kind(master, "bridge"):
        why = tr(
            "{name} of {space} ends at {port_name}, a port of {bridge}",
            name=name,
            space=space,
            port_name=port_name,
            bridge=bridge,
        )
        return yes(why, link_line(port), "mtu")
    if tables.links[port].switch == bridge:
        return _port_of_a_switch(port, bridge)
    return None


def is_peer(question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str) -> Finding:
    """`ns100 veth100 is the peer of master br-veth100`."""
    device, other = question.device(ns, dev), question.device(ns2, dev2)
    peer, command = question.tables.peer(device), link_line(device)
    if peer == other:
        return yes(
            tr("{full} and {other} are the two ends of one cable", full=full(device), other=full(other)), command, "mtu"
        )
    if peer:
        end = tr("its other end is {peer}", peer=full(peer))
    else:
        end = tr("it is no veth, or its other end is out of sight")
    return no(
        tr("{full} does not end at {other}: {end}", full=full(device), other=full(other), end=end),
        command,
        "mtu",
        instead=peer or (),
    )


def has_mtu(question: Question, ns: str | None, dev: str, mtu: str) -> Finding:
    """`br0 has MTU 1500`."""
    device = question.device(ns, dev)
    number = question.link(device).mtu
    command = link_line(device)
    why = tr("{full} has MTU {number}", full=full(device), number=number)
    if number == int(mtu):
        return yes(why, command, "mtu")
    return no(why, command, "mtu", instead=(str(number),))


def makes_no_port_wait(question: Question, ns: str | None, bridge: str) -> Finding:
    """`br0 makes no port wait`: it does not run STP."""
    device = question.device(ns, bridge)
    link = question.link(device)
    if link.kind != "bridge":
        raise Absent(no(tr("{full} is no bridge", full=full(device)), link_line(device, "-d ")))
    command = link_line(device, "-d ") + " | grep -o 'stp_state [01]'"
    if not link.stp:
        return yes(tr("{bridge} does not run STP, so a new port forwards at once", bridge=bridge), command)
    seconds = link.forward_delay or 0
    why = tr(
        "{bridge} runs STP, so each new port listens {seconds:g} s and learns {seconds:g} s before it forwards",
        bridge=bridge,
        seconds=seconds,
    )
    return no(why, command, instead=(f"{seconds:g}",))
