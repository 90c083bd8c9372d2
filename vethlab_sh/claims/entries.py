"""Claims about entries: routes, neighbours, FDB, ARP, forwarding, tunnels."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ..facts import UNANSWERED, Device
from ..inside import inside
from ..packet.causes.cables import switched_off
from ..packet.causes.look import Look
from ..packet.causes.settings import key
from ..packet.lookup import Tables
from .devices import full, link_line, signs
from .question import Finding, Question


def routes(question: Question, ns: str, to: str, via: str | None, dev: str | None) -> Finding:
    """`pod-a routes default via 10.244.0.1`: exactly this route of the main table, or the way of an address."""
    space, tables = question.space(ns), question.tables
    command = inside(space, f"ip {'-6 ' if ':' in f'{to}{via}' else ''}route")
    is_prefix = "/" in to or to == "default"
    rule = ""
    if is_prefix:
        exact = [route for route in tables.facts.routes if (route.namespace, route.to) == (space, to)]
        route = next(iter(exact), None)
    else:
        decision = question.look(space).decide(question.target(to))
        route = decision.route
        if decision.is_special and decision.rule:
            command = inside(space, f"ip route get {question.target(to)}")
            rule = f", by the rule `{decision.rule.words}`"
            if decision.rule.action:
                why = f"the rule `{decision.rule.words}` in {space} decides about {to}: {decision.rule.action}"
                return Finding(False, why, inside(space, "ip rule"), f"{decision.rule.priority}:")
    if route is None:
        why = f"has no route {to}" if is_prefix else f"has no route that covers {to}"
        return Finding(False, f"{space} {why}", command)
    ok = via in (None, route.via) and dev in (None, route.dev) and not route.is_dead_end
    line = "" if rule else route.to
    return Finding(ok, f"{space} routes {to} by `{route.words}`{rule}", command, line, instead=(route.words,))


def knows_mac(question: Question, ns: str, ip: str) -> Finding:
    """`ns100 knows the MAC of 192.168.1.101`."""
    space, ip = question.space(ns), question.address(ip)
    rows = [row for row in question.tables.facts.neighbours if (row.namespace, row.ip) == (space, ip)]
    command = inside(space, "ip neigh")
    for row in rows:
        if row.mac and row.state not in UNANSWERED:
            return Finding(True, f"{space} knows that {ip} is {row.mac} ({row.state})", command, ip)
    if not rows:
        return Finding(False, f"{space} has not asked for {ip} yet", command, ip)
    owner = question.tables.owner(ip)
    off = switched_off(question.tables, owner) if owner else None
    if owner is None:
        reason = f"nobody has {ip}: no namespace has this address"
    elif off:
        reason = f"nobody answers for {ip}: {off.reason}"
    else:
        reason = f"nobody answers for {ip}, the address of {owner[0]} {owner[1]}"
    return Finding(False, f"{space} has asked for {ip} in vain ({rows[0].state}): {reason}", command, ip)


def answers_arp(question: Question, ns: str, ip: str, dev: str | None) -> Finding:
    """`master answers ARP for 169.254.1.1 on cali50c25257626`: as the kernel decides, arp_process()."""
    if dev is None:
        space = question.space(ns)
        own = [name for where, name in question.tables.links if where == space]
        findings = [answers_arp(question, ns, ip, name) for name in own]
        return next((finding for finding in findings if finding.ok), findings[-1])
    device, ip = question.device(ns, dev), question.address(ip)
    space = device[0]
    one, link = question.look(space), question.link(device)
    if link.arp is False:
        return Finding(False, f"ARP is switched off at {full(device)} (NOARP)", link_line(device), "mtu")
    off = switched_off(question.tables, device)
    if off:
        return Finding(False, off.reason, link_line(device), "mtu", instead=signs(off))
    if ip in question.tables.own(space):
        return _answers_for_itself(question, device, ip, one)
    return _answers_for_others(question, device, ip, one)


def _answers_for_itself(question: Question, device: Device, ip: str, one: Look) -> Finding:
    space, name = device
    ignore = one.conf(name, "arp_ignore")
    on_device = any(row.ip == ip for row in question.tables.addresses_of(device))
    if ignore == 8 or (ignore in (1, 2) and not on_device):
        command = inside(space, f"sysctl net.ipv4.conf.all.arp_ignore {key(f'ipv4/conf/{name}/arp_ignore')}")
        why = f"{ip} is {space}'s own address, but arp_ignore is {ignore} there and it is not on {name}"
        return Finding(False, why if ignore != 8 else f"arp_ignore is 8 in {space}: it answers nobody", command)
    why = f"{ip} is {space}'s own address"
    return Finding(True, why, inside(space, "ip -br addr"), next(_written(question, space, ip), ip))


def _written(question: Question, space: str, ip: str):  # type: ignore[no-untyped-def]
    return (row.address for row in question.tables.facts.addresses if (row.namespace, row.ip) == (space, ip))


def _answers_for_others(question: Question, device: Device, ip: str, one: Look) -> Finding:
    """Proxy ARP: where the kernel would forward, and to another device than that by which it was asked."""
    space, name = device
    path = f"ipv4/conf/{name}/proxy_arp"
    command = inside(space, f"sysctl {key(path)}")
    if not (one.number(path) or one.number("ipv4/conf/all/proxy_arp")):
        return Finding(False, f"{ip} is not its own address, and proxy_arp is off at {full(device)}", command)
    forwarding = f"ipv4/conf/{name}/forwarding"
    if one.settings.get(forwarding) == "0":
        why = f"proxy_arp is on at {full(device)}, but the kernel answers for others only where it forwards, and "
        whole = one.settings.get("ipv4/ip_forward") == "0"
        why += f"ip_forward is 0 in {space}" if whole else f"{key(forwarding)} is 0"
        return Finding(False, why, inside(space, f"sysctl {key('ipv4/ip_forward' if whole else forwarding)}"))
    route = one.decide(ip, None, name).route
    command = inside(space, f"ip route get {ip}")
    if route is None or route.is_dead_end:
        return Finding(False, f"proxy_arp is on at {full(device)}, but {space} has no route to {ip}", command)
    if route.dev == name:
        return Finding(False, f"proxy_arp is on, but {space} would itself look for {ip} behind {name}", command)
    why = f"proxy_arp is on at {full(device)}, and {space} can send to {ip} by another device: {route.words}"
    return Finding(True, why, command, ip)


def forwards(question: Question, ns: str) -> Finding:
    """`master forwards`: hands on packets that are not for itself, whatever comes in by which device."""
    space = question.space(ns)
    one = question.look(space)
    command = inside(space, "sysctl net.ipv4.ip_forward")
    if one.settings.get("ipv4/ip_forward") != "1":
        return Finding(False, f"ip_forward is 0 in {space}, so it forwards nothing", command)
    for device in question.tables.links:
        path = f"ipv4/conf/{device[1]}/forwarding"
        if device[0] == space and device[1] != "lo" and one.settings.get(path) == "0":
            why = f"ip_forward is 1 in {space}, but what comes in at {device[1]} is not forwarded"
            return Finding(False, why, inside(space, f"sysctl {key(path)}"))
    for chain in closed_chains(one):
        why = f"ip_forward is 1 in {space}, but {chain.why}"
        return Finding(False, why, inside(space, chain.command), "", chain.line)
    return Finding(True, f"ip_forward is 1 in {space}", command)


@dataclass(frozen=True)
class Closed:
    """A chain of the forward hook through which nothing passes: why, the command that shows it, and its line."""

    why: str
    command: str
    line: str


FORWARD = re.compile(r"type filter hook forward priority [^;]*; policy (drop|accept);")


def closed_chains(one: Look) -> list[Closed]:
    """Chains of the forward hook that drop everything: their policy is drop and no rule accepts, or the first rule of
    them drops without a condition. What their other rules do to a single packet only a packet shows.
    """
    found = []
    table = chain = ""
    rules: dict[tuple[str, str], list[str]] = {}
    policies: dict[tuple[str, str], str] = {}
    for line in one.nft.splitlines():
        words = line.split()
        text = line.strip().partition(" # handle ")[0]
        if line.startswith("table "):
            table = " ".join(words[1:3])
        elif words[:1] == ["chain"]:
            chain = words[1]
        elif hooked := FORWARD.search(text):
            policies[table, chain] = hooked[1]
        elif " # handle " in line:
            rules.setdefault((table, chain), []).append(re.sub(r"counter packets \d+ bytes \d+ ?", "", text).strip())
    for (table, chain), policy in policies.items():
        own = rules.get((table, chain), [])
        is_first = bool(own) and own[0] in ("drop", "reject")
        passes = any(re.search(r"\b(accept|jump|goto|return|xt target)\b", rule) for rule in own)
        if table.partition(" ")[0] == "bridge" or not (is_first or (policy == "drop" and not passes)):
            continue
        family = table.split()[0]
        if chain == "FORWARD" and family in ("ip", "ip6"):
            program = "iptables" if family == "ip" else "ip6tables"
            if family == "ip6":
                continue
            shown = "-P FORWARD DROP" if policy == "drop" else f"-A FORWARD -j {own[0].upper()}"
            what = f"the policy of {program}' chain FORWARD is DROP" if policy == "drop" else "its first rule drops all"
            found.append(Closed(what.replace("iptables'", "iptables'"), f"{program} -S FORWARD", shown))
        elif family != "ip6":
            what = f"nft's chain {chain} (table {table}) drops everything"
            found.append(Closed(what, f"nft list chain {table} {chain}", f"policy {policy}"))
    legacy = one.legacy.get("ip", "")
    if re.search(r"^:FORWARD DROP", legacy, re.M) and not re.search(r"-A FORWARD .*-j (ACCEPT|[A-Z-]*[a-z])", legacy):
        what = "the policy of iptables-legacy's chain FORWARD is DROP"
        found.append(Closed(what, "iptables-legacy -S FORWARD", "-P FORWARD DROP"))
    return found


def exists(question: Question, ns: str) -> Finding:
    """`namespace ns100 exists`."""
    question.space(ns)
    return Finding(True, f"there is a namespace {ns}", "ip netns list", ns)


def has_tunnel(question: Question, ns: str, ip: str) -> Finding:
    """`master has a tunnel to 10.244.1.2`: VXLAN; route, neighbour and FDB entry lead there."""
    space, ip, tables = question.space(ns), question.target(ip), question.tables
    ip = _behind(tables, space, ip) or ip
    route = tables.route(space, ip)
    tunnel = (space, route.dev) if route and route.dev else None
    if route is None or tunnel is None or not tables.is_kind(tunnel, "vxlan"):
        by = f"it sends by {route.words}" if route else f"it has no route to {ip}"
        instead = (route.words,) if route else ()
        command = inside(space, f"ip route get {ip}")
        return Finding(False, f"no tunnel of {space} leads to {ip}: {by}", command, ip, instead=instead)
    hop = route.via or ip
    off = switched_off(tables, tunnel)
    if off:
        return Finding(False, off.reason, link_line(tunnel), "mtu", instead=signs(off))
    mac = tables.neighbour(tunnel, hop) or _noarp(question, tunnel, hop)
    if mac is None:
        why = f"`{route.words}`, but {tunnel[1]} has no neighbour entry with the MAC of {hop}"
        return Finding(False, why, inside(space, f"ip neigh show dev {tunnel[1]}"), hop, instead=(route.words,))
    entry, fdb = tables.fdb(tunnel, mac), inside(space, f"bridge fdb show dev {tunnel[1]}")
    if entry is None:
        why = f"{hop} is {mac}, but {tunnel[1]} has no FDB entry for it"
        return Finding(False, why, fdb, mac, instead=(hop,))
    if tables.owner(entry.dst) is None:
        why = f"the FDB of {tunnel[1]} puts {mac} at {entry.dst}, but nobody has that address"
        return Finding(False, why, fdb, mac, instead=(str(entry.dst),))
    why = f"`{route.words}`; neighbour {hop} is {mac}; the FDB of {tunnel[1]} puts it at {entry.dst}"
    return Finding(True, why, fdb, mac)


def _noarp(question: Question, device: Device, ip: str) -> str | None:
    """The MAC of an entry that `ip neigh` shows only when asked for it by name: nud noarp."""
    line = inside(device[0], f"ip neigh get {ip} dev {shlex.quote(device[1])}")
    found = re.search(r"lladdr (\S+) .*NOARP", question.shell.run(line, expect=None).out)
    return found[1] if found else None


def _behind(tables: Tables, space: str, node: str) -> str | None:
    """The next hop whose MAC the FDB of a tunnel puts at this node, when the address is a node's."""
    for entry in tables.facts.fdb:
        if (entry.namespace, entry.dst) != (space, node):
            continue
        for row in tables.facts.neighbours:
            if (row.namespace, row.mac) == (space, entry.mac):
                return row.ip
        return None
    return None
