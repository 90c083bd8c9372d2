"""Claims about devices: up or down, addresses, ports, peers, MTUs."""

from __future__ import annotations

import shlex
from ipaddress import ip_interface

from ..facts import Address, Device
from ..inside import inside
from ..packet.causes.cables import switched_off
from ..packet.causes.cause import Cause, Diagnosis, fix, place
from ..packet.lookup import Tables
from ..sandbox import HOSTNAME
from .question import Absent, Finding, Question, written


def link_line(device: Device, more: str = "") -> str:
    """The line that shows a device, as typed on master."""
    return inside(device[0], f"ip {more}link show dev {shlex.quote(device[1])}")


def full(device: Device) -> str:
    """A device as a sentence calls it."""
    return device[1] if device[0] == HOSTNAME else f"{device[1]} in {device[0]}"


def signs(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What tells a diagnosis from another one: its word, and the line that shows it."""
    shown = diagnosis.shown
    if shown is None:
        return (diagnosis.cause,)
    return diagnosis.cause, shown.line.namespace, shown.line.text


def is_up(question: Question, ns: str | None, dev: str) -> Finding:
    """`ns100 veth100 is up`: IFF_UP and IFF_LOWER_UP, netdevice(7)."""
    device = question.device(ns, dev)
    link, command = question.link(device), link_line(device)
    if not link.up:
        mends = written(fix(device[0], f"ip link set {shlex.quote(device[1])} up"))
        return Finding(
            False, f"{full(device)} is switched off", command, device[1], cause=Cause.DEVICE_DOWN, fixes=mends
        )
    if link.carrier:
        return Finding(True, f"{full(device)} is up", command, "mtu")
    start = f"{full(device)} is switched on, but has no carrier"
    peer = question.tables.peer(device)
    off = switched_off(question.tables, peer) if peer else None
    if off is None:
        return Finding(False, f"{start}: nothing is at its other end", command, "mtu", cause=Cause.PEER_MISSING)
    return Finding(
        False, f"{start}: {off.reason}", command, "mtu", cause=off.cause, fixes=written(*off.fixes), instead=signs(off)
    )


def is_down(question: Question, ns: str | None, dev: str) -> Finding:
    """`br-veth100 is down`."""
    device = question.device(ns, dev)
    up = question.link(device).up
    return Finding(not up, f"{full(device)} is {'up' if up else 'down'}", link_line(device), "mtu")


def has_address(question: Question, ns: str | None, dev: str, address: str) -> Finding:
    """`ns100 veth100 has address 192.168.1.100/24`: and uses it, which of IPv6 a duplicate does not (RFC 4862)."""
    device = question.device(ns, dev)
    family = "inet6" if ":" in address else "inet"
    rows = [row for row in question.tables.addresses_of(device) if row.family == family]
    command = inside(device[0], f"ip -br addr show dev {shlex.quote(device[1])}")
    for row in rows:
        if address in (row.address, row.ip):
            return _unused(row) or Finding(True, f"{full(device)} has {row.address}", command, row.address)
    why = _instead(question.tables, address.partition("/")[0], rows)
    why = f"{full(device)} does not have {address}: {why}"
    instead = tuple(row.address for row in rows)
    return Finding(False, why, command, cause=Cause.NO_ADDRESS, instead=instead)


def _unused(row: Address) -> Finding | None:
    """An address that a device has, and does not use; `ip addr` says so, `ip -br addr` does not."""
    space, name = row.device
    command = inside(space, f"ip addr show dev {shlex.quote(name)}")
    start = f"{full(row.device)} has {row.address}, but does not use it"
    if row.dadfailed:
        again = fix(
            space,
            f"ip addr del {row.address} dev {shlex.quote(name)}",
            f"ip addr add {row.address} dev {shlex.quote(name)} nodad",
        )
        why = f"{start}: somebody else has it (dadfailed)"
        return Finding(False, why, command, row.address, cause=Cause.ADDRESS_FAILED, fixes=written(again))
    if row.tentative:
        why = f"{start} yet: it asks who has it (tentative)"
        return Finding(False, why, command, row.address, cause=Cause.ADDRESS_FAILED)
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
    found = has_address(question, ns, dev, address)
    return Finding(not found.ok, found.why, found.command, found.line, found.out)


def belongs_to(question: Question, ip: str, ns: str) -> Finding:
    """`192.168.1.100 belongs to ns100`: and to nobody else."""
    space, ip = question.space(ns), question.address(ip)
    owners = [row.device for row in question.tables.facts.addresses if row.ip == ip]
    others = [owner for owner in owners if owner[0] != space]
    if others:
        too = " too" if len(others) < len(owners) else ""
        where = others[0][0]
        why = f"{where} {others[0][1]} has {ip}{too}, but it should belong to {space} alone"
        instead = (*others[0], space if too else "")
        return Finding(False, why, inside(where, "ip -br addr"), ip, instead=instead)
    if not owners:
        return Finding(False, f"nobody has {ip}", inside(space, "ip -br addr"))
    return Finding(True, f"{space} {owners[0][1]} has {ip}, and nobody else does", inside(space, "ip -br addr"), ip)


def nobody_else_has(question: Question, ip: str) -> Finding:
    """`nobody else has 192.168.1.100`: at most one namespace has it, on one device."""
    ip = question.address(ip)
    owners = [row.device for row in question.tables.facts.addresses if row.ip == ip]
    if not owners:
        return Finding(True, f"nobody has {ip}", "ip -br addr")
    command = inside(owners[-1][0], "ip -br addr")
    if len(owners) > 1:
        names = " and ".join(f"{space} {name}" for space, name in owners)
        return Finding(False, f"{names} have {ip}", command, ip, instead=tuple(map(place, owners)))
    return Finding(True, f"{owners[0][0]} {owners[0][1]} has {ip}, and nobody else does", command, ip)


def is_port(question: Question, ns: str | None, dev: str, bridge: str) -> Finding:
    """`br-veth100 is a port of br0`."""
    device = question.device(ns, dev)
    master, command = question.link(device).master, link_line(device)
    question.device(device[0], bridge)
    if master == bridge:
        return Finding(True, f"{full(device)} is a port of {bridge}", command, "master")
    return _no_port(question.tables, device, bridge)


def _no_port(tables: Tables, device: Device, bridge: str) -> Finding:
    peer, master = tables.peer(device), tables.master(device)
    if master:
        why = f"{full(device)} is a port of {master[1]}, not of {bridge}"
        return Finding(False, why, link_line(device), "mtu", instead=(master[1],))
    sender = f" from {peer[0]}" if peer and peer[0] != device[0] else ""
    why = f"{full(device)} has no master, so frames{sender} reach no bridge"
    return Finding(False, why, link_line(device), "mtu")


def is_plugged(question: Question, ns: str, bridge: str) -> Finding:
    """`ns100 is plugged into br0`."""
    space, tables = question.space(ns), question.tables
    question.device(None, bridge)
    cables = []
    for device in tables.links:
        peer = tables.peer(device)
        if device[0] == space and peer:
            cables.append((device, peer))
    for device, port in cables:
        master = tables.master(port)
        if master and master[1] == bridge:
            why = f"{device[1]} of {space} ends at {port[1]}, a port of {bridge}"
            return Finding(True, why, link_line(port), "mtu")
    if cables:
        _, port = cables[0]
        return _no_port(tables, port, bridge)
    return Finding(False, f"{space} has no cable at all", inside(space, "ip -br link"))


def is_peer(question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str) -> Finding:
    """`ns100 veth100 is the peer of master br-veth100`."""
    device, other = question.device(ns, dev), question.device(ns2, dev2)
    peer, command = question.tables.peer(device), link_line(device)
    if peer == other:
        return Finding(True, f"{full(device)} and {full(other)} are the two ends of one cable", command, "mtu")
    found = f"its other end is {full(peer)}" if peer else "it is no veth, or its other end is out of sight"
    instead = peer or ()
    return Finding(False, f"{full(device)} does not end at {full(other)}: {found}", command, "mtu", instead=instead)


def has_mtu(question: Question, ns: str | None, dev: str, mtu: str) -> Finding:
    """`br0 has MTU 1500`."""
    device = question.device(ns, dev)
    has = question.link(device).mtu
    return Finding(has == int(mtu), f"{full(device)} has MTU {has}", link_line(device), "mtu", instead=(str(has),))


def makes_no_port_wait(question: Question, ns: str | None, bridge: str) -> Finding:
    """`br0 makes no port wait`: it does not run STP."""
    device = question.device(ns, bridge)
    link = question.link(device)
    if link.kind != "bridge":
        raise Absent(Finding(False, f"{full(device)} is no bridge", link_line(device, "-d ")))
    command = link_line(device, "-d ") + " | grep -o 'stp_state [01]'"
    if not link.stp:
        return Finding(True, f"{bridge} does not run STP, so a new port forwards at once", command)
    seconds = link.forward_delay or 0
    why = f"{bridge} runs STP, so each new port listens {seconds:g} s and learns {seconds:g} s before it forwards"
    return Finding(False, why, command, instead=(f"{seconds:g}",))
