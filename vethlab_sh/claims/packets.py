"""Claims about packets: who reaches whom, by which devices, and who rewrites addresses."""

from __future__ import annotations

import re

from ..errors import GaveUpWaiting, OutputNotUnderstood, ToolMissing
from ..inside import inside
from ..packet.follow import walk
from ..packet.lookup import DEAD_ENDS, said
from ..packet.reasons import no_way, onward
from ..packet.walk import Walk
from .question import LARGEST, TTL, Answer, Finding, Ping, Question, ask

REWRITES = re.compile(r"-j (SNAT|DNAT|MASQUERADE|REDIRECT|NETMAP)")


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
