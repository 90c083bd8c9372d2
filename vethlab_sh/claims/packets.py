"""Claims about packets: who reaches whom, by which devices, and who rewrites addresses."""

from __future__ import annotations

import re

from ..errors import CommandFailed, GaveUpWaiting, OutputNotUnderstood, TooBusy, ToolMissing
from ..facts import Device
from ..inside import inside
from ..language import either, plural, together, tr
from ..packet.causes.cause import Cause, place
from ..packet.causes.circles import switching_loop
from ..packet.causes.look import Decision, Look
from ..packet.follow import walk
from ..packet.lookup import Tables
from ..packet.probe import LARGEST
from ..packet.walk import Walk
from ..parsers import deeds
from .entries import without_rule
from .pings import Answer, Ping, forget
from .question import Finding, Question, no, yes

# What ping says of the machine that it runs on, and of a router that sends a packet of IPv6 no further: RFC 4443, 3.2
TOO_LONG = re.compile(r"(?:[Mm]essage too long|Packet too big)(?:[,:] mtu[=:]? ?(?P<mtu>\d+))?")
TTL = 64  # what Linux sends an answer with: sysctl ip_default_ttl


def ping_between(question: Question, who: str, whom: str, size: str | None = None, pieces: str | None = None) -> Ping:
    """The ping that a claim is about."""
    return Ping(
        source=question.space(who),
        target=question.target(whom),
        size=int(size) if size else None,
        pieces=bool(pieces),
        whom=whom,
    )


def named(whom: str, target: str) -> str:
    """Who was asked, as a reader knows it, with the address."""
    if whom == target:
        return target
    return tr("{name} ({address})", name=whom, address=target)


def can_reach(
    question: Question, who: str, whom: str, routers: str | None, size: str | None, pieces: str | None
) -> Finding:
    """`ns100 can reach 192.168.1.101 through 1 router with 1000 bytes in pieces`."""
    ping = ping_between(question, who, whom, size, pieces)
    answer = question.answer(ping)
    name = named(whom, ping.target)
    if answer.code != 0:
        return _unreached(question, ping, name, answer)
    other = _answered_by_another(question, ping, answer) or _unwitnessed(question, ping, answer)
    if other:
        return other
    ttl = _ttl(answer)
    between, untold = _routers_between(question, ping, ttl)
    if routers is not None and between != int(routers):
        if between is None:
            why = tr(
                "{who} reaches {name}, but the TTL {ttl} does not tell through how many routers: {reason}",
                who=who,
                name=name,
                ttl=ttl,
                reason=untold,
            )
        else:
            why = tr(
                "{who} reaches {name}, but through {routers}, not {claimed}: the TTL is {ttl}",
                who=who,
                name=name,
                routers=_routers(between),
                claimed=routers,
                ttl=ttl,
            )
        return no(why, ping.line, f"ttl={ttl}", answer.out)
    if not size:
        reaches = tr("{who} reaches {name}", who=who, name=name)
    elif pieces:
        reaches = tr("{who} reaches {name} with {size} bytes in pieces", who=who, name=name, size=size)
    else:
        reaches = tr("{who} reaches {name} with {size} bytes in one piece", who=who, name=name, size=size)
    more = _answerer(question, ping) + _circle(question)
    why = tr("{reaches}; TTL {ttl}{more}", reaches=reaches, ttl=ttl, more=more)
    if between is not None:
        passed = _routers(between)
        why = tr("{reaches}; TTL {ttl}: {routers} between{more}", reaches=reaches, ttl=ttl, routers=passed, more=more)
    return yes(why, ping.line, f"ttl={ttl}", answer.out)


def _ttl(answer: Answer) -> int:
    """The TTL with which the answer came; as sent, where ping does not print it."""
    printed = re.search(r"ttl=(\d+)", answer.out)
    if printed is None:
        return TTL
    return int(printed[1])


def _routers_between(question: Question, ping: Ping, ttl: int) -> tuple[int | None, str]:
    """How many routers an answer passed that came with this TTL, each of which took one off (RFC 791); else why not."""
    for one in question.look_everywhere():
        why = _changes_ttls(one)
        if why:
            return None, why
    answerer = _who_answers(question, ping)
    if answerer is None and question.walks:
        return None, tr("who has sent the answer is not known")
    senders = question.spaces if answerer is None else [answerer]
    starts: set[int] = set()
    for space in senders:
        starts |= question.look(space).starting_ttls(":" in ping.target)
    if len(starts) != 1 or max(starts) < ttl:
        return None, tr("{space} sends with {starts}", space=either(senders), starts=together(map(str, sorted(starts))))
    return starts.pop() - ttl, ""


def _changes_ttls(look: Look) -> str:
    """By what a namespace may send with another TTL than its setting says, or not take off one; empty for nothing."""
    if look.may_set_ttl:
        return tr("a filter in {space} may change TTLs", space=look.namespace)
    for route in look.routes:
        if route.hop_limit is not None:
            words = route.words
            return tr("the route {words} in {space} has a hop limit of its own", words=words, space=look.namespace)
    return ""


def cannot_reach(question: Question, who: str, whom: str, size: str | None, pieces: str | None) -> Finding:
    """`ns100 cannot reach 192.168.1.101`."""
    ping = ping_between(question, who, whom, size, pieces)
    answer = question.answer(ping)
    if answer.code == 0 and not _answered_by_another(question, ping, answer):
        unwitnessed = _unwitnessed(question, ping, answer)
        if unwitnessed:  # it may be the one that was asked, and it may not
            return unwitnessed
    finding = can_reach(question, who, whom, None, size, pieces)
    by_chance = _lost_by_chance(question, ping) if answer.code != 0 else None
    return by_chance or finding.negated


def _lost_by_chance(question: Question, ping: Ping) -> Finding | None:
    """A loss by a rule that lets one packet pass and the next one not: that it cannot be reached, it does not tell."""
    walked = question.followed.get(ping)
    if walked is None or walked.evidence is None or walked.cause not in (Cause.FILTER_RULE, Cause.REJECTED):
        return None
    if not deeds.means_some(walked.evidence.shown):
        return None
    why = tr(
        "{source} got no answer from {name} this time, but by a rule that does not drop all: `{rule}`",
        source=ping.source,
        name=named(ping.whom, ping.target),
        rule=walked.evidence.shown,
    )
    return _as_the_walk(why, walked, ping.line, None)


def _routers(number: int) -> str:
    if number == 0:
        return tr("no router")
    return plural("{count} router", "{count} routers", number)


def _circle(question: Question) -> str:
    """That bridges are joined in a circle, as the rest of a sentence."""
    circle = switching_loop(question.tables)
    if circle is None:
        return ""
    return tr("; but {reason}", reason=circle.reason)


def _answerer(question: Question, ping: Ping) -> str:
    """Who has answered, as the rest of a sentence; nothing where the claim names the namespace itself.

    Where one namespace alone has the address, the tables tell; else, as with the address of a service, only a walk.
    """
    if ping.whom in question.spaces:
        return ""
    answered_by = _who_answers(question, ping)
    if answered_by is None:
        return ""
    owners = _owners(question, ping.target)
    if len(owners) > 1:
        return tr(
            "; {answered_by} answers, one of {count} namespaces that have this address",
            answered_by=answered_by,
            count=len(owners),
        )
    if not owners or _anybody_rewrites(question):
        return tr("; {answered_by} answers", answered_by=answered_by)
    if answered_by == ping.source:
        return tr("; {owner} has this address itself, and answers", owner=answered_by)
    return tr("; it is an address of {owner}", owner=answered_by)


def _who_answers(question: Question, ping: Ping) -> str | None:
    """The namespace that answers: who alone has the address, where nobody rewrites any; else whom a walk sees do so."""
    if not question.walks:
        return None
    owners = _owners(question, ping.target)
    if len(owners) == 1 and not _anybody_rewrites(question):
        return owners.pop()
    walked = followed(question, ping)
    return walked.answered_by if walked is not None else None


def _owners(question: Question, ip: str) -> set[str]:
    """The namespaces that have an address."""
    return {namespace for namespace, _ in question.tables.addresses.get(ip, ())}


def _anybody_rewrites(question: Question) -> bool:
    """Whether a rule of any namespace rewrites addresses; only those that have a filter at all are asked for them."""
    spaces = [one.namespace for one in question.look_everywhere() if one.filters]
    return any(filters.rewrites for filters in question.filters(spaces))


def _answered_by_another(question: Question, ping: Ping, answer: Answer) -> Finding | None:
    """Another namespace has answered than was asked, by its name or by an address: it takes that for its own, too.

    Where only one namespace has the address and nothing rewrites any, nobody else can have answered.
    """
    sender = _sender(answer)
    if sender not in ("", ping.target):
        why = tr(
            "{source} gets an answer from {sender}, but not from {named}",
            source=ping.source,
            sender=sender,
            named=named(ping.whom, ping.target),
        )
        return no(why, ping.line, sender, answer.out, cause=Cause.WRONG_ANSWERER)
    if not question.walks:
        return None
    asked = _owners(question, ping.target)
    if ping.whom in question.spaces:
        is_only_owner = asked == {ping.whom}
        asked = {ping.whom}
    else:
        is_only_owner = len(asked) < 2  # of a service nobody may have it
    rewrites = ping.whom in question.spaces and _anybody_rewrites(question)
    if is_only_owner and not _is_taken_elsewhere(question, ping, asked) and not rewrites:
        return None
    walked = followed(question, ping)
    if walked is None or walked.cause != Cause.WRONG_ANSWERER:
        return None
    meant = either(sorted(asked - {ping.source} or asked))
    why = tr(
        "{source} gets an answer from {target}, but not from {meant}: {reason}",
        source=ping.source,
        target=ping.target,
        meant=meant,
        reason=walked.reason,
    )
    return _as_the_walk(why, walked, ping.line, answer.out)


def _sender(answer: Answer) -> str:
    """The address that an answer came from; ping(8) takes one of another address for an answer, too."""
    printed = re.search(r" bytes from ([0-9a-fA-F.:]+?)(?:%[^:]*)?: icmp_seq=", answer.out)
    return printed[1] if printed else ""


def _unwitnessed(question: Question, ping: Ping, answer: Answer) -> Finding | None:
    """No, because nobody saw who was asked send the answer; only where that is wanted.

    Rules can make an answer of the question (nft's `set`, tc's pedit), and what is in no table can answer: then the
    walk sees the answer come, and nobody send it.
    """
    if not question.witnessed:
        return None
    start = tr("{source} gets an answer from {named}, but", source=ping.source, named=named(ping.whom, ping.target))
    walked = followed(question, ping)
    if walked is None:
        why = tr(
            "{start} who sends it is not known, because tcpdump is missing, missed frames or said nothing readable",
            start=start,
        )
        return no(why, ping.line, out=answer.out, cause=Cause.UNKNOWN)
    if not walked.ok:
        return with_reason(tr("{start} not when it is followed", start=start), ping.line, walked, answer.out)
    by = walked.answered_by
    if by is None or (ping.whom in question.spaces and by != ping.whom):
        why = tr("{start} nobody is seen to send it", start=start)
        return no(why, ping.line, out=answer.out, cause=Cause.WRONG_ANSWERER)
    return None


def _is_taken_elsewhere(question: Question, ping: Ping, asked: set[str]) -> bool:
    """Whether another namespace than those that are asked takes the address for its own, by a local route."""
    others = [look for look in question.look_everywhere() if look.namespace not in asked]
    return any(look.has_own(ping.target) for look in others)


def _unreached(question: Question, ping: Ping, name: str, answer: Answer) -> Finding:
    start = tr("{source} gets no answer from {name}", source=ping.source, name=name)
    if ping.size is not None:
        start = tr(
            "{source} gets no answer from {name} with {size} bytes", source=ping.source, name=name, size=ping.size
        )
    shown = _last_word(answer)
    if ping.size is not None and ping.size > LARGEST:
        return no(
            tr("{start}: a ping holds at most {largest} bytes", start=start, largest=LARGEST), ping.line, out=shown
        )
    too_long = TOO_LONG.search(answer.out)
    if too_long and not ping.pieces:
        mtu = too_long["mtu"] or _mtu(question, ping)  # ping of 2024 does not say
        size = (ping.size or 56) + (48 if ":" in ping.target else 28)  # with 8 bytes of ICMP, and 40 or 20 of IP
        why = tr(
            "{start}: a packet of {size} bytes is larger than the MTU {mtu} of the way", start=start, size=size, mtu=mtu
        )
        return no(why, ping.line, out=shown, cause=Cause.MTU)
    if not question.walks:
        return no(start, ping.line, out=shown)
    walked = followed(question, ping)
    if walked is None:
        why = tr(
            "{start}: why is not known, because tcpdump, which would show it, is missing, missed frames or said "
            "nothing readable",
            start=start,
        )
        return no(why, ping.line, out=shown, cause=Cause.UNKNOWN)
    return with_reason(start, ping.line, walked, shown)


def with_reason(start: str, line: str, walked: Walk, shown: str | None) -> Finding:
    """No, and why a walk says so. line: what was sent, as typed on master; shown: what it printed, when it has run."""
    reason = walked.reason or tr("this time it was answered: ask again")
    why = tr("{start}: {reason}", start=start, reason=reason)
    seen = walked.last_seen
    if seen:
        where = place(seen.place)
        if seen.way == "in":
            why += tr(" (last seen coming in at {where})", where=where)
        else:
            why += tr(" (last seen going out of {where})", where=where)
    return _as_the_walk(why, walked, line, shown)


def _as_the_walk(why: str, walked: Walk, line: str, out: str | None) -> Finding:
    """No, by what a walk shows; line and what it printed, where the walk has nothing to show."""
    if walked.evidence:
        line = walked.evidence.command
        out = walked.evidence.shown
    return no(why, line, out=out, cause=walked.cause, fixes=walked.fixes)


def _last_word(answer: Answer) -> str:
    """The line that tells best why ping failed: an error, else the count."""
    lines = [line for line in answer.out.splitlines() if line.strip()]
    for line in lines:
        if line.startswith(("ping:", "From ")) or "packet loss" in line:
            return line
    return "\n".join(lines)


def _mtu(question: Question, ping: Ping) -> str:
    """The largest packet that the kernel sends there: as it was told on the way before, or what its device takes."""
    printed = question.shell.run(inside(ping.source, f"ip route get {ping.target}"), expect=None).out
    # the kernel tells an MTU of the way once a router has said it: Path MTU Discovery, RFC 1191
    learned = re.search(r"\bmtu (\d+)", printed)
    if learned:
        return learned[1]
    route = question.tables.route(ping.source, ping.target)
    if route is None or route.dev is None:
        return ""
    link = question.tables.link((ping.source, route.dev))
    return str(link.mtu) if link else ""


def followed(question: Question, ping: Ping) -> Walk | None:
    """The walk of a ping; none where tcpdump is missing, or hears what it, or we, cannot read."""
    if ping in question.followed:
        return question.followed[ping]
    # else the packet may wait for a question for its MAC that was asked before, and nothing is seen to leave
    forget(question.shell, question.spaces, question.cold)
    whom = ping.whom if ping.whom in question.spaces else ping.target
    try:
        question.followed[ping] = walk(question.shell, ping.source, whom, size=ping.size)
    except (ToolMissing, CommandFailed, OutputNotUnderstood, GaveUpWaiting, TooBusy):
        question.followed[ping] = None
    return question.followed[ping]


def sends_through(question: Question, who: str, ip: str, dev: str) -> Finding:
    """`ns100 sends to 192.168.1.101 through br0`: the route's device, its other end or that one's bridge.

    The route as rules and all tables decide, fib_rules_lookup(); what `ip route get` says.
    """
    space, ip = question.space(who), question.target(ip)
    look = question.look(space)
    command = inside(space, f"ip route get {ip}")
    decision = look.decide(ip)
    route, rule = decision.route, decision.rule
    mends: tuple[str, ...] = ()
    if decision.is_special:
        mends = without_rule(look, ip, lambda other: dev in _passed(question.tables, other.device))
    instead = _decision(decision)
    if rule is not None and rule.action:
        why = tr(
            "the rule `{words}` in {space} decides about {ip}: {action}",
            words=rule.words,
            space=space,
            ip=ip,
            action=rule.action,
        )
        return no(why, command, cause=Cause.POLICY_RULE, fixes=mends, instead=instead)
    if route is None:
        return no(tr("{space} has no route to {ip}", space=space, ip=ip), command, cause=Cause.NO_ROUTE)
    if route.is_dead_end or route.dev is None:
        why = tr("the route {words} in {space} swallows it", words=route.words, space=space)
        return no(why, command, cause=Cause.DEAD_ROUTE, instead=instead)
    passed = _passed(question.tables, (space, route.dev))
    by_rule = tr(" (rule `{words}`)", words=rule.words) if decision.is_special and rule else ""
    why = tr(
        "{space} sends to {ip} by {words}{by_rule}, so through {passed}",
        space=space,
        ip=ip,
        words=route.words,
        by_rule=by_rule,
        passed=together(passed),
    )
    if dev in passed:
        return yes(why, command, ip)
    return no(
        why,
        command,
        ip,
        cause=Cause.POLICY_RULE if by_rule else Cause.WRONG_ROUTE,
        fixes=mends,
        instead=(*instead, *passed),
    )


def _passed(tables: Tables, device: Device | None) -> list[str]:
    """What a packet that leaves by a device passes at once: the device, its other end, and that one's bridge."""
    if device is None:
        return []
    passed = [device[1]]
    peer = tables.peer(device)
    for other in (peer, tables.master(peer)):
        if other and other[1] not in passed:
            passed.append(other[1])
    return passed


def _decision(decision: Decision) -> tuple[str, ...]:
    """The rule and the route by which the kernel decides, as `ip` says them."""
    words = []
    if decision.rule is not None and (decision.is_special or decision.rule.action):
        words.append(decision.rule.words)
    if decision.route is not None:
        words.append(decision.route.words)
    return tuple(words)
