"""Claims about devices: up or down, addresses, ports, peers, MTUs."""

from __future__ import annotations

import json
import shlex
from ipaddress import ip_interface

from ..inside import inside
from ..packet.lookup import Device, Tables
from ..packet.reasons import switched_off
from ..sandbox import HOSTNAME
from .question import Finding, Question, _Absent

# --- claims about devices -----------------------------------------------------------------------------------------


def _link_line(device: Device, more: str = "") -> str:
    return inside(device[0], f"ip {more}link show dev {shlex.quote(device[1])}")


def _full(device: Device) -> str:
    return device[1] if device[0] == HOSTNAME else f"{device[1]} in {device[0]}"


def _is_up(question: Question, ns: str | None, dev: str) -> Finding:
    device = question.device(ns, dev)
    link, command = question.tables.link(device), _link_line(device)
    if not link["up"]:
        return Finding(False, f"{_full(device)} is switched off", command, f"{device[1]}")
    if not link["carrier"]:
        peer = question.tables.peer(device)
        because = (peer and switched_off(question.tables, peer)) or "nothing is at its other end"
        return Finding(False, f"{_full(device)} is switched on, but has no carrier: {because}", command, "mtu")
    return Finding(True, f"{_full(device)} is up", command, "mtu")


def _is_down(question: Question, ns: str | None, dev: str) -> Finding:
    device = question.device(ns, dev)
    up = question.tables.link(device)["up"]
    return Finding(not up, f"{_full(device)} is {'up' if up else 'down'}", _link_line(device), "mtu")


def _has_address(question: Question, ns: str | None, dev: str, address: str) -> Finding:
    device = question.device(ns, dev)
    rows = [r for r in question.tables.rows["addresses"] if (r["namespace"], r["dev"]) == device]
    has = [row["address"] for row in rows if row["family"] == ("inet6" if ":" in address else "inet")]
    command = inside(device[0], f"ip -br addr show dev {shlex.quote(device[1])}")
    named = [one for one in has if address in (one, one.partition("/")[0])]
    if named:
        return Finding(True, f"{_full(device)} has {named[0]}", command, named[0])
    near = [one for one in has if one.partition("/")[0] == address.partition("/")[0]]
    owner = question.tables.owner(address.partition("/")[0])
    if near:
        why = f"it has {near[0]}, so its network is {ip_interface(near[0]).network}"
    elif owner:
        why = f"{owner[0]} {owner[1]} has it"
    else:
        why = f"it has {', '.join(has)}" if has else "it has none"
    return Finding(False, f"{_full(device)} does not have {address}: {why}", command)


def _belongs_to(question: Question, ip: str, ns: str) -> Finding:
    space, ip = question.space(ns), question.address(ip)
    rows = [row for row in question.tables.rows["addresses"] if row["address"].partition("/")[0] == ip]
    owners = [(row["namespace"], row["dev"]) for row in rows]
    others = [owner for owner in owners if owner[0] != space]
    if others:
        too = " too" if len(others) < len(owners) else ""
        why, at = f"{others[0][0]} {others[0][1]} has {ip}{too}, but it should belong to {space} alone", others[0][0]
        return Finding(False, why, inside(at, "ip -br addr"), f"{ip}")
    if not owners:
        return Finding(False, f"nobody has {ip}", inside(space, "ip -br addr"))
    return Finding(True, f"{space} {owners[0][1]} has {ip}, and nobody else does", inside(space, "ip -br addr"), ip)


def _is_port(question: Question, ns: str | None, dev: str, bridge: str) -> Finding:
    device = question.device(ns, dev)
    master, command = question.tables.link(device)["master"], _link_line(device)
    question.device(device[0], bridge)
    if master == bridge:
        return Finding(True, f"{_full(device)} is a port of {bridge}", command, "master")
    return Finding(False, _no_port(question.tables, device, bridge), command, "mtu")


def _no_port(tables: Tables, device: Device, bridge: str) -> str:
    peer, master = tables.peer(device), tables.link(device)["master"]
    if master:
        return f"{_full(device)} is a port of {master}, not of {bridge}"
    sender = f" from {peer[0]}" if peer and peer[0] != device[0] else ""
    return f"{_full(device)} has no master, so frames{sender} reach no bridge"


def _is_plugged(question: Question, ns: str, bridge: str) -> Finding:
    space, tables = question.space(ns), question.tables
    question.device(None, bridge)
    cables = [(device, peer) for device in tables.links if device[0] == space and (peer := tables.peer(device))]
    for device, port in cables:
        if tables.link(port)["master"] == bridge:
            return Finding(
                True, f"{device[1]} of {space} ends at {port[1]}, a port of {bridge}", _link_line(port), "mtu"
            )
    if cables:
        _, port = cables[0]
        return Finding(False, _no_port(tables, port, bridge), _link_line(port), "mtu")
    return Finding(False, f"{space} has no cable at all", inside(space, "ip -br link"))


def _is_peer(question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str) -> Finding:
    device, other = question.device(ns, dev), question.device(ns2, dev2)
    peer, command = question.tables.peer(device), _link_line(device)
    if peer == other:
        return Finding(True, f"{_full(device)} and {_full(other)} are the two ends of one cable", command, "mtu")
    found = f"its other end is {_full(peer)}" if peer else "it is no veth, or its other end is out of sight"
    return Finding(False, f"{_full(device)} does not end at {_full(other)}: {found}", command, "mtu")


def _has_mtu(question: Question, ns: str | None, dev: str, mtu: str) -> Finding:
    device = question.device(ns, dev)
    has = question.tables.link(device)["mtu"]
    return Finding(has == int(mtu), f"{_full(device)} has MTU {has}", _link_line(device), "mtu")


def _makes_no_port_wait(question: Question, ns: str | None, bridge: str) -> Finding:
    device = question.device(ns, bridge)
    (link,) = json.loads(question.shell.run(_link_line(device, "-d -j ")).out)
    data = link.get("linkinfo", {}).get("info_data", {})
    if "stp_state" not in data:
        raise _Absent(Finding(False, f"{_full(device)} is no bridge", _link_line(device, "-d ")))
    command = _link_line(device, "-d ") + " | grep -o 'stp_state [01]'"
    seconds = data["forward_delay"] / 100  # the kernel counts in hundredths
    if data["stp_state"]:
        why = f"{bridge} runs STP, so each new port listens {seconds:g} s and learns {seconds:g} s before it forwards"
        return Finding(False, why, command)
    return Finding(True, f"{bridge} does not run STP, so a new port forwards at once", command)
