"""Claims about entries: routes, neighbours, FDB, ARP, forwarding, tunnels."""

from __future__ import annotations

import re
import shlex

from ..inside import inside
from ..packet.lookup import DEAD_ENDS, Device, Tables, said
from ..packet.reasons import switched_off, unanswered
from .devices import _full, _link_line
from .question import Finding, Question

# --- claims about tables ------------------------------------------------------------------------------------------


def _routes(question: Question, ns: str, to: str, via: str | None, dev: str | None) -> Finding:
    space, tables = question.space(ns), question.tables
    command = inside(space, f"ip {'-6 ' if ':' in f'{to}{via}' else ''}route")
    exact = [row for row in tables.rows["routes"] if row["namespace"] == space and row["to"] == to]
    prefix = "/" in to or to == "default"
    route = next(iter(exact), None) if prefix else tables.route(space, question.target(to))
    if route is None:
        why = f"has no route {to}" if prefix else f"has no route that covers {to}"
        return Finding(False, f"{space} {why}", command)
    ok = via in (None, route["via"]) and dev in (None, route["dev"]) and route["kind"] not in DEAD_ENDS
    return Finding(ok, f"{space} routes {to} by `{said(route)}`", command, route["to"])


def _knows_mac(question: Question, ns: str, ip: str) -> Finding:
    space, ip = question.space(ns), question.address(ip)
    rows = [row for row in question.tables.rows["neighbours"] if (row["namespace"], row["ip"]) == (space, ip)]
    command = inside(space, "ip neigh")
    known = [row for row in rows if row["mac"] and row["state"] not in ("FAILED", "INCOMPLETE")]
    if known:
        return Finding(True, f"{space} knows that {ip} is {known[0]['mac']} ({known[0]['state']})", command, ip)
    if rows:
        reason = unanswered(question.tables, (space, rows[0]["dev"]), ip, {})
        return Finding(False, f"{space} has asked for {ip} in vain ({rows[0]['state']}): {reason}", command, ip)
    return Finding(False, f"{space} has not asked for {ip} yet", command, ip)


def _answers_arp(question: Question, ns: str, ip: str, dev: str | None) -> Finding:
    """As the kernel decides it in arp_process(), net/ipv4/arp.c."""
    if dev is None:
        own = [name for space, name in question.tables.links if space == question.space(ns)]
        findings = [_answers_arp(question, ns, ip, name) for name in own]
        return next((finding for finding in findings if finding.ok), findings[-1])
    device, ip = question.device(ns, dev), question.address(ip)
    space, tables, settings = device[0], question.tables, question.settings(device[0])
    if ip in tables.own(space):
        return Finding(True, f"{ip} is {space}'s own address", inside(space, "ip -br addr"), ip)
    key = f"ipv4/conf/{dev}/proxy_arp"
    command = inside(space, f"sysctl net/{key}")
    if "1" not in (settings.get(key), settings.get("ipv4/conf/all/proxy_arp")):
        return Finding(False, f"{ip} is not its own address, and proxy_arp is off at {_full(device)}", command)
    route = tables.route(space, ip)
    command = inside(space, f"ip route get {ip}")
    if route is None or route["kind"] in DEAD_ENDS:
        return Finding(False, f"proxy_arp is on at {_full(device)}, but {space} has no route to {ip}", command)
    if route["dev"] == dev:
        return Finding(False, f"proxy_arp is on, but {space} would itself look for {ip} behind {dev}", command)
    why = f"proxy_arp is on at {_full(device)}, and {space} can send to {ip} by another device: {said(route)}"
    return Finding(True, why, command, ip)


def _forwards(question: Question, ns: str) -> Finding:
    space = question.space(ns)
    command = inside(space, "sysctl net.ipv4.ip_forward")
    if question.settings(space).get("ipv4/ip_forward") != "1":
        return Finding(False, f"ip_forward is 0 in {space}, so it forwards nothing", command)
    rules = question.shell.run(inside(space, "iptables -S FORWARD"), expect=None).out
    if "-P FORWARD DROP" in rules and "-j ACCEPT" not in rules:
        why = f"ip_forward is 1 in {space}, but the policy of iptables' chain FORWARD is DROP"
        return Finding(False, why, inside(space, "iptables -S FORWARD"), "", rules)
    return Finding(True, f"ip_forward is 1 in {space}", command)


def _exists(question: Question, ns: str) -> Finding:
    question.space(ns)
    return Finding(True, f"there is a namespace {ns}", "ip netns list", ns)


def _has_tunnel(question: Question, ns: str, ip: str) -> Finding:
    space, ip, tables = question.space(ns), question.target(ip), question.tables
    if behind := _behind(tables, space, ip):
        ip = behind
    route = tables.route(space, ip)
    tunnel = (space, route["dev"]) if route and route["dev"] else None
    if route is None or tunnel is None or tables.link(tunnel).get("kind") != "vxlan":
        by = f"it sends by {said(route)}" if route else f"it has no route to {ip}"
        return Finding(False, f"no tunnel of {space} leads to {ip}: {by}", inside(space, f"ip route get {ip}"), ip)
    hop = route["via"] or ip
    fdb, neighbours = inside(space, f"bridge fdb show dev {tunnel[1]}"), inside(space, f"ip neigh show dev {tunnel[1]}")
    if reason := switched_off(tables, tunnel):
        return Finding(False, reason, _link_line(tunnel), "mtu")
    mac = tables.neighbour(tunnel, hop) or _noarp(question, tunnel, hop)
    if mac is None:
        why = f"`{said(route)}`, but {tunnel[1]} has no neighbour entry with the MAC of {hop}"
        return Finding(False, why, neighbours, hop)
    entry = tables.fdb(tunnel, mac)
    if entry is None:
        return Finding(False, f"{hop} is {mac}, but {tunnel[1]} has no FDB entry for it", fdb, mac)
    if tables.owner(entry["dst"]) is None:
        return Finding(
            False, f"the FDB of {tunnel[1]} puts {mac} at {entry['dst']}, but nobody has that address", fdb, mac
        )
    why = f"`{said(route)}`; neighbour {hop} is {mac}; the FDB of {tunnel[1]} puts it at {entry['dst']}"
    return Finding(True, why, fdb, mac)


def _noarp(question: Question, device: Device, ip: str) -> str | None:
    """The MAC of an entry that `ip neigh` shows only when asked for it by name: nud noarp."""
    said = question.shell.run(inside(device[0], f"ip neigh get {ip} dev {shlex.quote(device[1])}"), expect=None).out
    found = re.search(r"lladdr (\S+) .*NOARP", said)
    return found[1] if found else None


def _behind(tables: Tables, space: str, node: str) -> str | None:
    """The next hop whose MAC the FDB of a tunnel puts at this node, when the address is a node's."""
    for entry in tables.rows["fdb"]:
        if (entry["namespace"], entry["dst"]) == (space, node):
            hops = (r for r in tables.rows["neighbours"] if (r["namespace"], r["mac"]) == (space, entry["mac"]))
            return next((row["ip"] for row in hops), None)
    return None
