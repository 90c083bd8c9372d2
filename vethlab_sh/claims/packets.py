"""Claims about packets: who reaches whom, by which devices, and who rewrites addresses."""

from __future__ import annotations

import re

from ..errors import GaveUpWaiting, OutputNotUnderstood, ToolMissing
from ..facts import Device
from ..inside import inside
from ..packet.causes.cause import Cause
from ..packet.causes.circles import switching_loop
from ..packet.causes.look import Decision
from ..packet.follow import walk
from ..packet.lookup import Tables
from ..packet.probe import LARGEST
from ..packet.walk import Walk
from .entries import without_rule
from .question import Answer, Finding, Ping, Question, ask

TTL = 64  # what Linux sends an answer with: sysctl ip_default_ttl


def ping_between(question: Question, who: str, whom: str, size: str | None = None, pieces: str | None = None) -> Ping:
    """The ping that a claim is about."""
    number = int(size) if size else None
    return Ping(question.space(who), question.target(whom), number, bool(pieces), whom)


def named(whom: str, target: str) -> str:
    """Who was asked, as a reader knows it, with the address."""
    return target if whom == target else f"{whom} ({target})"


def can_reach(
    question: Question, who: str, whom: str, routers: str | None, size: str | None, pieces: str | None
) -> Finding:
    """`ns100 can reach 192.168.1.101 through 1 router with 1000 bytes in pieces`."""
    ping = ping_between(question, who, whom, size, pieces)
    answer, name = question.answer(ping), named(whom, ping.target)
    if answer.code != 0:
        return _unreached(question, ping, name, answer)
    other = _answered_by_another(question, ping, answer)
    if other:
        return other
    found = re.search(r"ttl=(\d+)", answer.out)
    ttl = int(found[1]) if found else TTL
    between = TTL - ttl
    if routers is not None and between != int(routers):
        why = f"{who} reaches {name}, but through {_routers(between)}, not {routers}: the TTL is {ttl}"
        return Finding(False, why, ping.line, f"ttl={ttl}", answer.out)
    whole = ""
    if size:
        whole = f" with {size} bytes {'in pieces' if pieces else 'in one piece'}"
    more = _answerer(question, ping) + _circle(question)
    why = f"{who} reaches {name}{whole}; TTL {ttl}: {_routers(between)} between{more}"
    return Finding(True, why, ping.line, f"ttl={ttl}", answer.out)


def cannot_reach(question: Question, who: str, whom: str, size: str | None, pieces: str | None) -> Finding:
    """`ns100 cannot reach 192.168.1.101`."""
    found = can_reach(question, who, whom, None, size, pieces)
    return Finding(not found.ok, found.why, found.command, found.line, found.out)


def _routers(number: int) -> str:
    return "no router" if number == 0 else f"{number} router{'s' * (number != 1)}"


def _circle(question: Question) -> str:
    """That bridges are joined in a circle, as the rest of a sentence."""
    circle = switching_loop(question.tables)
    return f"; but {circle.reason}" if circle else ""


def _answerer(question: Question, ping: Ping) -> str:
    """Who has answered, as the rest of a sentence; nothing where the claim names the namespace itself.

    Where one namespace alone has the address, the tables tell; else, as with the address of a service, only a walk.
    """
    if ping.whom in question.spaces or not question.walks:
        return ""
    owners = sorted({owner[0] for owner in question.tables.addresses.get(ping.target, ())})
    if owners == [ping.source]:
        return ""
    if len(owners) == 1 and not _anybody_rewrites(question):
        return f"; it is an address of {owners[0]}"
    walked = followed(question, ping)
    if walked is None or walked.answered_by is None:
        return ""
    if len(owners) > 1:
        return f"; {walked.answered_by} answers, one of {len(owners)} namespaces that have this address"
    return f"; {walked.answered_by} answers"


def _anybody_rewrites(question: Question) -> bool:
    """Whether a rule of any namespace rewrites addresses; only those that have a filter at all are asked for them."""
    filtered = [one.namespace for one in question.look_everywhere() if one.filters]
    return any(one.rewrites for one in question.filters(filtered))


def _answered_by_another(question: Question, ping: Ping, answer: Answer) -> Finding | None:
    """A namespace was asked, and another one has answered: it has the address too, or a rule sends packets there.

    Where only one namespace has the address and nothing rewrites any, nobody else can have answered.
    """
    if ping.whom not in question.spaces or not question.walks:
        return None
    owners = {owner[0] for owner in question.tables.addresses.get(ping.target, ())}
    others = [one for one in question.look_everywhere() if one.namespace != ping.whom]
    taken = any(one.has_own(ping.target) for one in others)
    if owners == {ping.whom} and not taken and not _anybody_rewrites(question):
        return None
    walked = followed(question, ping)
    if walked is None or walked.cause != Cause.WRONG_ANSWERER:
        return None
    why = f"{ping.source} gets an answer from {ping.target}, but not from {ping.whom}: {walked.reason}"
    if walked.evidence is None:
        return Finding(False, why, ping.line, out=answer.out, cause=walked.cause, fixes=walked.fixes)
    shown = walked.evidence
    return Finding(False, why, shown.command, out=shown.shown, cause=walked.cause, fixes=walked.fixes)


def _unreached(question: Question, ping: Ping, name: str, answer: Answer) -> Finding:
    size = f" with {ping.size} bytes" if ping.size is not None else ""
    start = f"{ping.source} gets no answer from {name}{size}"
    shown = _last_word(answer)
    if (ping.size or 0) > LARGEST:
        return Finding(False, f"{start}: a ping holds at most {LARGEST} bytes", ping.line, out=shown)
    too_long = re.search(r"[Mm]essage too long(?:, mtu[=:]? ?(\d+))?", answer.out)
    if too_long:
        mtu = too_long[1] or _mtu(question, ping)  # ping of 2024 does not say
        why = f"{start}: a packet of {(ping.size or 56) + 28} bytes is larger than the MTU {mtu} of the way"
        return Finding(False, why, ping.line, out=shown, cause=Cause.MTU)
    if not question.walks:
        return Finding(False, start, ping.line, out=shown)
    walked = followed(question, ping)
    if walked is None:
        why = f"{start}: why is not known, because tcpdump, which would show it, is missing or said nothing readable"
        return Finding(False, why, ping.line, out=shown, cause=Cause.UNKNOWN)
    return with_reason(start, ping.line, walked, shown)


def with_reason(start: str, line: str, walked: Walk, shown: str | None) -> Finding:
    """No, and why a walk says so. line: what was sent, as typed on master; shown: what it printed, when it has run."""
    seen = walked.last_seen
    where = ""
    if seen:
        way = "coming in at" if seen.way == "in" else "going out of"
        where = f" (last seen {way} {seen.namespace} {seen.device})"
    reason = walked.reason or "this time it was answered: ask again"
    why = f"{start}: {reason}{where}"
    proof = walked.evidence
    if proof is None:
        return Finding(False, why, line, out=shown, cause=walked.cause, fixes=walked.fixes)
    return Finding(False, why, proof.command, out=proof.shown, cause=walked.cause, fixes=walked.fixes)


def _last_word(answer: Answer) -> str:
    """The line that tells best why ping failed: an error, else the count."""
    lines = [line for line in answer.out.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ping:", "From ")) or "packet loss" in line]
    return telling[0] if telling else "\n".join(lines)


def _mtu(question: Question, ping: Ping) -> str:
    """The largest packet that the kernel sends there: as it was told on the way before, or what its device takes."""
    printed = question.shell.run(inside(ping.source, f"ip route get {ping.target}"), expect=None).out
    found = re.search(r"\bmtu (\d+)", printed)
    if found:
        return found[1]
    route = question.tables.route(ping.source, ping.target)
    link = question.tables.link((ping.source, route.dev)) if route and route.dev else None
    return str(link.mtu) if link else ""


def followed(question: Question, ping: Ping) -> Walk | None:
    """The walk of a ping; none where tcpdump is missing, or hears what it, or we, cannot read."""
    if ping in question.followed:
        return question.followed[ping]
    # else the packet may wait for a question for its MAC that was asked before, and nothing is seen to leave
    ask(question.shell, (), question.spaces, question.cold)
    whom = ping.whom if ping.whom in question.spaces else ping.target
    try:
        question.followed[ping] = walk(question.shell, ping.source, whom, size=ping.size)
    except (ToolMissing, OutputNotUnderstood, GaveUpWaiting):
        question.followed[ping] = None
    return question.followed[ping]


def sends_through(question: Question, who: str, ip: str, dev: str) -> Finding:
    """`ns100 sends to 192.168.1.101 through br0`: the route's device, its other end or that one's bridge.

    The route as rules and all tables decide, fib_rules_lookup(); what `ip route get` says.
    """
    space, ip = question.space(who), question.target(ip)
    command = inside(space, f"ip route get {ip}")
    decision = question.look(space).decide(ip)
    route, rule = decision.route, decision.rule
    instead = _decision(decision)
    mends: tuple[str, ...] = ()
    if decision.is_special:
        mends = without_rule(question.look(space), ip, lambda other: dev in _passed(question.tables, other.device))
    if rule is not None and rule.action:
        why = f"the rule `{rule.words}` in {space} decides about {ip}: {rule.action}"
        return Finding(False, why, command, cause=Cause.POLICY_RULE, fixes=mends, instead=instead)
    if route is None:
        return Finding(False, f"{space} has no route to {ip}", command, cause=Cause.NO_ROUTE)
    if route.is_dead_end or route.dev is None:
        why = f"the route {route.words} in {space} swallows it"
        return Finding(False, why, command, cause=Cause.DEAD_ROUTE, instead=instead)
    passed = _passed(question.tables, (space, route.dev))
    by_rule = f" (rule `{rule.words}`)" if decision.is_special and rule else ""
    why = f"{space} sends to {ip} by {route.words}{by_rule}, so through {' and '.join(passed)}"
    if dev in passed:
        return Finding(True, why, command, ip)
    cause = Cause.POLICY_RULE if by_rule else Cause.WRONG_ROUTE
    return Finding(False, why, command, ip, cause=cause, fixes=mends, instead=(*instead, *passed))


def _passed(tables: Tables, device: Device | None) -> list[str]:
    """What a packet that leaves by a device passes at once: the device, its other end, and that one's bridge."""
    if device is None:
        return []
    passed = [device[1]]
    peer = tables.peer(device)
    if peer and peer[1] not in passed:
        passed.append(peer[1])
    master = tables.master(peer) if peer else None
    if master and master[1] not in passed:
        passed.append(master[1])
    return passed


def _decision(decision: Decision) -> tuple[str, ...]:
    """The rule and the route by which the kernel decides, as `ip` says them."""
    words = []
    if decision.rule is not None and (decision.is_special or decision.rule.action):
        words.append(decision.rule.words)
    if decision.route is not None:
        words.append(decision.route.words)
    return tuple(words)
