"""Is this true of the lab now? A claim in plain English, judged by the kernel, answered with a sentence and its reason.

The kernel is asked each time; nothing is remembered. The reasons come from `lookup`, `reasons` and, for an answer
that did not come, from the walk of the packet.
"""

from __future__ import annotations

import difflib
import html
import json
import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address, ip_interface
from typing import Any

from . import snapshot
from .errors import GaveUpWaiting, OutputNotUnderstood, ToolMissing, UnknownClaim
from .listen import inside
from .lookup import DEAD_ENDS, Device, Tables, first_address, said
from .reasons import no_way, onward, switched_off, unanswered
from .sandbox import HOSTNAME
from .shell import Shell
from .walk import SETTINGS, Walk, walk

Row = dict[str, Any]
# Seconds. The kernel's linkwatch tells of carriers once a second, and then of a hundred devices of the whole machine:
# where others make many, a cable of ours has to wait. net/core/link_watch.c
SETTLING = 10.0
LARGEST = 65507  # bytes: an IPv4 packet of 65535, less 20 of IP and 8 of ICMP
TTL = 64  # what Linux sends an answer with: sysctl ip_default_ttl
MARK, LINE_END = "=answer=", "\x1f"
REWRITES = re.compile(r"-j (SNAT|DNAT|MASQUERADE|REDIRECT|NETMAP)")
# A router's "Frag needed" teaches the sender a smaller size, so ask again what may be split, and what may not.
# One line an answer, because bash writes line by line, and the lines of many writers would mix.
ASK = """
ask() {{
    local number=$1 said code; shift
    said=$(exec "$@" 2>&1); code=$?
    case $said in *"Frag needed"*) said=$(exec "$@" 2>&1); code=$? ;; esac
    printf '{mark} %s %s %s\\n' "$number" "$code" "${{said//$'\\n'/{end}}}"
}}
export -f ask
{{ {askers} wait; }} | cat
"""


@dataclass(frozen=True)
class Evidence:
    """The command that shows it, as typed on master, and the line of its output to look at."""

    command: str
    shown: str

    def __str__(self) -> str:
        return f"[root@{HOSTNAME} ~]# {self.command}\n{self.shown}"


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds; true or false as a condition, its sentence as text.

    claim; ok; sentence: yes or no, and why; evidence: a command, and the line it printed.
    """

    claim: str
    ok: bool
    sentence: str
    evidence: Evidence

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        sign, colour = ("✓", "#1a7f37") if self.ok else ("✗", "#b35900")
        proof = f"<pre style='margin:.3em 0 0 1.3em;color:#666'>{html.escape(str(self.evidence))}</pre>"
        return f"<div><b style='color:{colour}'>{sign}</b> {html.escape(self.sentence)}{proof}</div>"


@dataclass(frozen=True)
class Finding:
    """What a judge found: whether it holds, why, and what shows it.

    command: as typed on master; line: a word of the line to look at ("" for the last one); out: its output, when it
    has run already.
    """

    ok: bool
    why: str
    command: str
    line: str = ""
    out: str | None = None

    def verdict(self, shell: Shell, claim: str) -> Verdict:
        """The same for a reader: the command has run, the line is picked."""
        out = shell.run(self.command, expect=None) if self.out is None else None
        lines = [line.strip() for line in (self.out or (out and out.out + out.err) or "").splitlines() if line.strip()]
        fits = [line for line in lines if self.line and re.search(rf"(?<!\S){re.escape(self.line)}(?![\w.])", line)]
        shown = (
            fits[0] if fits else lines[-1] if lines and not self.line else "(no such line)" if lines else "(nothing)"
        )
        return Verdict(claim, self.ok, f"{'yes' if self.ok else 'no'}: {self.why}", Evidence(self.command, shown))


class _Absent(Exception):
    """What the claim speaks of is not there, so the claim does not hold."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


@dataclass(frozen=True)
class Ping:
    """One question: who asks, which address, how many bytes, whether the packet may be split."""

    source: str
    target: str
    size: int | None = None
    pieces: bool = False

    @property
    def line(self) -> str:
        """As typed on master."""
        return inside(self.source, self.typed)

    @property
    def typed(self) -> str:
        """As typed where it is sent: until one answer has come or a second is over, a question every fifth of it."""
        size = f" -s {self.size}" if self.size is not None else ""
        whole = "" if self.size is None or self.pieces else " -M do"
        return f"ping -n -c 1 -w 1 -i 0.2{whole}{size} {self.target}"


@dataclass(frozen=True)
class Answer:
    """What ping said, and its exit code."""

    code: int
    out: str


def ask(shell: Shell, pings: Iterable[Ping], spaces: Iterable[str], cold: bool = False) -> dict[Ping, Answer]:
    """Ask all questions at the same time.

    Questions for a MAC that got no answer before are forgotten first; cold: so is every MAC that was learned.
    """
    pings = list(dict.fromkeys(pings))
    lines = {
        space: [f"ip neigh flush {'all' if cold else 'nud incomplete nud failed'} 2>/dev/null"] for space in spaces
    }
    for number, ping in enumerate(pings):
        lines[ping.source].append(f"ask {number} {ping.typed} &")
    askers = [inside(space, f"bash -c {shlex.quote(chr(10).join([*asked, 'wait']))}") for space, asked in lines.items()]
    script = ASK.format(mark=MARK, end=LINE_END, askers="".join(f"{asker} &\n" for asker in askers))
    told = re.findall(rf"^{MARK} (\d+) (\d+) (.*)$", shell.run(script).out, re.M)
    return {pings[int(number)]: Answer(int(code), out.replace(LINE_END, "\n")) for number, code, out in told}


@dataclass
class Question:
    """One round of judging: a snapshot that has settled, and the pings that were answered in it.

    walks: whether a ping that was not answered is sent once more and followed, for the reason; cold: whether pings
    are sent with nothing learned before.
    """

    shell: Shell
    walks: bool = True
    cold: bool = False
    answers: dict[Ping, Answer] = field(default_factory=dict)

    @cached_property
    def tables(self) -> Tables:
        """The lab now, once no cable is between switched on and working: that takes the kernel a second, or more."""
        end = time.monotonic() + SETTLING
        while True:
            tables = Tables(snapshot.take(self.shell))
            if time.monotonic() > end or not any(_settling(tables, device) for device in tables.links):
                return tables

    @property
    def spaces(self) -> list[str]:
        """All namespaces."""
        return [row["namespace"] for row in self.tables.rows["namespaces"]]

    def answer(self, ping: Ping) -> Answer:
        """The answer to one ping, asked now unless it was asked in this round."""
        if ping not in self.answers:
            self.answers |= ask(self.shell, [ping], self.spaces, self.cold)
        return self.answers[ping]

    def space(self, name: str) -> str:
        """The namespace itself; the claim does not hold when there is none of this name."""
        if name not in self.spaces:
            raise _Absent(Finding(False, f"there is no namespace {name}; {self._near(name)}", "ip netns list", name))
        return name

    def _near(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.spaces, 1)
        return f"did you mean {near[0]}?" if near else f"there are {', '.join(self.spaces)}"

    def device(self, namespace: str | None, name: str) -> Device:
        """The device; without a namespace the one of this name on master, else the only one there is."""
        spaces = [self.space(namespace)] if namespace else self.spaces
        found = [(space, name) for space in spaces if (space, name) in self.tables.links]
        if len(found) == 1 or (found and found[0][0] == HOSTNAME):
            return found[0]
        if found:
            why = (
                f"{name} is in {' and in '.join(space for space, _ in found)}: say which, as in `{found[0][0]} {name}`"
            )
            raise _Absent(Finding(False, why, inside(found[0][0], "ip -br link"), name))
        elsewhere = [device[0] for device in self.tables.links if device[1] == name]
        where = f"{namespace} has no device {name}" if namespace else f"no namespace has a device {name}"
        more = f"; it is in {', '.join(elsewhere)}" if elsewhere else ""
        raise _Absent(Finding(False, where + more, inside(namespace or HOSTNAME, "ip -br link"), name))

    def target(self, name: str) -> str:
        """An address, or the first one of a namespace."""
        if name in self.spaces:
            if address := next(first_address(self.tables, name), None):
                return address
            raise _Absent(Finding(False, f"{name} has no address to send a packet to", inside(name, "ip -br addr")))
        return self.address(name)

    def address(self, text: str) -> str:
        """An address, without its prefix length."""
        try:
            return str(ip_address(text.partition("/")[0]))
        except ValueError:
            why = f"{text} is neither an address nor a namespace; {self._near(text)}"
            raise _Absent(Finding(False, why, "ip netns list", text)) from None

    def settings(self, namespace: str) -> dict[str, str]:
        """The sysctls of a namespace that decide about forwarding."""
        said = self.shell.run(inside(namespace, f"bash -c {shlex.quote(SETTINGS)}"), expect=None).out
        lines = (line.removeprefix("/proc/sys/net/").partition(":") for line in said.splitlines())
        return {key: value for key, _, value in lines}


def _settling(tables: Tables, device: Device) -> bool:
    """Whether both ends of a cable are on and the kernel has not told of its carrier yet."""
    link, peer = tables.link(device), tables.peer(device)
    return bool(peer and link["up"] and tables.link(peer)["up"] and link["state"] != "UP")


# --- claims about packets -----------------------------------------------------------------------------------------


def _ping(question: Question, who: str, whom: str, size: str | None = None, pieces: str | None = None) -> Ping:
    return Ping(question.space(who), question.target(whom), int(size) if size else None, bool(pieces))


def _named(whom: str, target: str) -> str:
    return target if whom == target else f"{whom} ({target})"


def _can_reach(
    question: Question, who: str, whom: str, routers: str | None, size: str | None, pieces: str | None
) -> Finding:
    ping = _ping(question, who, whom, size, pieces)
    answer, name = question.answer(ping), _named(whom, ping.target)
    if answer.code != 0:
        return Finding(False, _unreached(question, ping, name, answer), ping.line, "", _last_word(answer))
    found = re.search(r"ttl=(\d+)", answer.out)
    between = TTL - int(found[1]) if found else 0
    passed = f"TTL {found[1] if found else TTL}: {_routers(between)} between"
    if routers is not None and between != int(routers):
        why = f"{who} reaches {name}, but through {_routers(between)}, not {routers}: the TTL is {TTL - between}"
        return Finding(False, why, ping.line, f"ttl={TTL - between}", answer.out)
    whole = f" with {size} bytes {'in pieces' if pieces else 'in one piece'}" if size else ""
    return Finding(True, f"{who} reaches {name}{whole}; {passed}", ping.line, f"ttl={TTL - between}", answer.out)


def _routers(number: int) -> str:
    return "no router" if number == 0 else f"{number} router{'s' * (number != 1)}"


def _last_word(answer: Answer) -> str:
    """The line that tells best why ping failed: an error, else the count."""
    lines = [line for line in answer.out.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ping:", "From ")) or "packet loss" in line]
    return telling[0] if telling else "\n".join(lines)


def _cannot_reach(question: Question, who: str, whom: str, size: str | None, pieces: str | None) -> Finding:
    found = _can_reach(question, who, whom, None, size, pieces)
    return Finding(not found.ok, found.why, found.command, found.line, found.out)


def _unreached(question: Question, ping: Ping, name: str, answer: Answer) -> str:
    size = f" with {ping.size} bytes" if ping.size is not None else ""
    start = f"{ping.source} gets no answer from {name}{size}"
    if (ping.size or 0) > LARGEST:
        return f"{start}: a ping holds at most {LARGEST} bytes"
    if too_long := re.search(r"[Mm]essage too long(?:, mtu[=:]? ?(\d+))?", answer.out):
        mtu = too_long[1] or _mtu(question, ping)  # ping of 2024 does not say
        return f"{start}: a packet of {(ping.size or 56) + 28} bytes is larger than the MTU {mtu} of the way"
    return f"{start}: {_reason(question, ping)}" if question.walks else start


def _mtu(question: Question, ping: Ping) -> str:
    """The largest packet that the kernel sends there: as it was told on the way before, or what its device takes."""
    told = question.shell.run(inside(ping.source, f"ip route get {ping.target}"), expect=None).out
    if found := re.search(r"\bmtu (\d+)", told):
        return found[1]
    route = question.tables.route(ping.source, ping.target)
    return str(question.tables.link((ping.source, route["dev"]))["mtu"]) if route and route["dev"] else ""


def _reason(question: Question, ping: Ping) -> str:
    """The walk's reason, or else what the tables say."""
    walked = followed(question, ping)
    if walked is None:
        return onward(question.tables, ping.source, ping.target, question.settings(ping.source))[1]
    seen = walked.last_seen
    way = {"in": "coming in at", "out": "going out of"}
    where = f" (last seen {way[seen['way']]} {seen['namespace']} {seen['device']})" if seen else ""
    return (walked.reason or "this time it was answered: ask again") + where


def followed(question: Question, ping: Ping) -> Walk | None:
    """The walk of a ping; none where tcpdump is missing, or hears what it, or we, cannot read."""
    # else the packet may wait for a question for its MAC that was asked before, and nothing is seen to leave
    ask(question.shell, (), question.spaces, question.cold)
    try:
        return walk(question.shell, ping.source, ping.target, size=ping.size)
    except (ToolMissing, OutputNotUnderstood, GaveUpWaiting):
        return None


def _sends_through(question: Question, who: str, ip: str, dev: str) -> Finding:
    tables, space, ip = question.tables, question.space(who), question.target(ip)
    command, route = inside(space, f"ip route get {ip}"), tables.route(space, ip)
    if route is None or route["kind"] in DEAD_ENDS or route["dev"] is None:
        return Finding(False, no_way(tables, space, ip) or f"{space} has no way to {ip}", command)
    device = (space, route["dev"])
    peer = tables.peer(device)
    passed = [device[1], *((peer[1], tables.link(peer)["master"]) if peer else ())]
    by = " and ".join(filter(None, dict.fromkeys(passed)))
    return Finding(dev in passed, f"{space} sends to {ip} by {said(route)}, so through {by}", command, ip)


def _nobody_rewrites(question: Question) -> Finding:
    command = " ; ".join(inside(space, "iptables -t nat -S") for space in question.spaces)
    rules = [line for line in question.shell.run(command, expect=None).out.splitlines() if REWRITES.search(line)]
    for space in question.spaces if rules else ():
        if not (found := _rewrites_nothing(question, space)).ok:
            return found
    return Finding(True, "no rule in any namespace rewrites addresses", command)


def _rewrites_nothing(question: Question, ns: str) -> Finding:
    space = question.space(ns)
    command = inside(space, "iptables -t nat -S")
    ran = question.shell.run(command, expect=None)
    rules = [line for line in ran.out.splitlines() if REWRITES.search(line)]
    if rules:
        return Finding(False, f"{space} rewrites addresses on the way: {rules[0]}", command, "", rules[0])
    return Finding(True, f"no rule in {space} rewrites addresses", command, "", ran.out)


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


# --- the vocabulary -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """One form of claim: how it is worded, an example, what it means, who judges it."""

    words: str
    example: str
    meaning: str
    judge: Callable[..., Finding]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The form as a regular expression: `NAME` in braces is one word, brackets may be left out."""
        text = re.sub(r"\{(\w+)\}", r"(?P<\1>\\S+)", self.words.replace("[", "(?:").replace("]", ")?"))
        for number in ("size", "routers", "mtu"):
            text = text.replace(rf"(?P<{number}>\S+)", rf"(?P<{number}>\d+)")
        text = text.replace(" routers)", " routers?)").replace("in pieces", "(?P<pieces>in pieces)")
        text = text.replace("has MTU", "(?:has MTU|MTU is)")
        return re.compile(text, re.I)

    @property
    def shown(self) -> str:
        """The form as a reader sees it: NS DEV is up."""
        spaced = self.words.replace(" ]", "] ").replace("[ ", " [")
        return re.sub(r"\{(\w+?)2?\}", lambda found: found[1].upper(), spaced)


SIZE = "[ with {size} bytes[ in pieces]]"
FORMS = (
    Form("{who} can reach {whom}[ through {routers} routers]" + SIZE, "ns100 can reach 192.168.1.101",
         "a ping is answered; with N bytes in one packet; through N routers as the answer's TTL tells", _can_reach),
    Form("{who} cannot reach {whom}" + SIZE, "ns100 cannot reach 192.168.1.101",
         "no ping is answered", _cannot_reach),
    Form("{who} sends to {ip} through {dev}", "ns100 sends to 192.168.1.101 through br0",
         "the route's device, its other end or that one's bridge is DEV", _sends_through),
    Form("[{ns} ]{dev} is up", "ns100 veth100 is up", "switched on and with a carrier", _is_up),
    Form("[{ns} ]{dev} is down", "br-veth100 is down", "switched off", _is_down),
    Form("[{ns} ]{dev} has address {address}", "ns100 veth100 has address 192.168.1.100/24",
         "with this prefix length, if one is told", _has_address),
    Form("{ip} belongs to {ns}", "192.168.1.100 belongs to ns100",
         "the namespace has the address, and no other has it", _belongs_to),
    Form("[{ns} ]{dev} has MTU {mtu}", "br0 has MTU 1500", "the largest packet of the device", _has_mtu),
    Form("[{ns} ]{dev} is a port of {bridge}", "br-veth100 is a port of br0",
         "its master is the bridge", _is_port),
    Form("{ns} is plugged into {bridge}", "ns100 is plugged into br0",
         "a cable of the namespace ends at a port of the bridge", _is_plugged),
    Form("[{ns} ]{bridge} makes no port wait", "br0 makes no port wait",
         "no STP: a new port forwards at once", _makes_no_port_wait),
    Form("[{ns} ]{dev} is the peer of [{ns2} ]{dev2}", "ns100 veth100 is the peer of master br-veth100",
         "the two ends of one cable", _is_peer),
    Form("{ns} routes {to}[ via {via}][ dev {dev}]", "pod-a routes default via 10.244.0.1",
         "the route for an address, or exactly this route", _routes),
    Form("{ns} knows [the ]MAC of {ip}", "ns100 knows the MAC of 192.168.1.101",
         "its neighbour table has a usable entry", _knows_mac),
    Form("{ns} answers ARP for {ip}[ on {dev}]", "master answers ARP for 169.254.1.1 on cali50c25257626",
         "its own address, or proxy ARP; without DEV, on any device", _answers_arp),
    Form("{ns} forwards", "master forwards",
         "hands on packets that are not for itself: ip_forward, and the policy of FORWARD", _forwards),
    Form("{ns} rewrites no addresses", "master rewrites no addresses", "iptables has no NAT rule", _rewrites_nothing),
    Form("nobody rewrites addresses", "nobody rewrites addresses", "the same in every namespace", _nobody_rewrites),
    Form("{ns} has a tunnel to {ip}", "master has a tunnel to 10.244.1.2",
         "VXLAN: route, neighbour and FDB entry lead there", _has_tunnel),
    Form("[namespace ]{ns} exists", "namespace ns100 exists", "its name is known", _exists),
)  # fmt: skip


VOCABULARY = tuple(form.shown for form in FORMS)


def vocabulary() -> list[Row]:
    """The claims there are: a row a form, with an example and what it means."""
    return [{"claim": form.shown, "example": form.example, "meaning": form.meaning} for form in FORMS]


def check(shell: Shell, claim: str) -> Verdict:
    """Judge one claim: whether it holds now, why, and what shows it.

    Raises UnknownClaim, which lists the vocabulary and names the nearest form.
    """
    return judge(Question(shell), claim).verdict(shell, claim)


def judge(question: Question, claim: str) -> Finding:
    """Judge one claim in a round that may have others."""
    form, words = understand(claim)
    try:
        return form.judge(question, **words)
    except _Absent as absent:
        return absent.finding


def judge_all(question: Question, claims: Iterable[str]) -> Iterator[tuple[str, Finding]]:
    """Judge many claims: one snapshot, and all pings at the same time."""
    claims = list(claims)
    pings = [ping for claim in claims if (ping := ping_of(question, claim))]
    if pings:
        question.answers |= ask(question.shell, pings, question.spaces, question.cold)
    for claim in claims:
        yield claim, judge(question, claim)


def ping_of(question: Question, claim: str) -> Ping | None:
    """The ping that a claim is about; none for other claims, and where one of its ends is not there."""
    form, words = understand(claim)
    if form.judge not in (_can_reach, _cannot_reach):
        return None
    words.pop("routers", None)
    try:
        return _ping(question, **words)
    except _Absent:
        return None


def understand(claim: str) -> tuple[Form, dict[str, Any]]:
    """The form of a claim, and its words."""
    text = " ".join(claim.split()).removesuffix(".")
    for form in FORMS:
        if (found := form.pattern.fullmatch(text)) and _are_words(found.groupdict()):
            return form, found.groupdict()
    raise UnknownClaim(claim, _nearest(text).example, VOCABULARY)


def _are_words(words: dict[str, str | None]) -> bool:
    """Whether what should be an address could be one."""
    return all(re.fullmatch(r"[0-9a-fA-F:./]+", words.get(key) or "0") for key in ("address", "via"))


def _nearest(text: str) -> Form:
    def likeness(form: Form) -> float:
        others = (form.shown, form.example)
        return max(difflib.SequenceMatcher(None, text.lower(), other.lower()).ratio() for other in others)

    return max(FORMS, key=likeness)
