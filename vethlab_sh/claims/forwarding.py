"""Does a namespace hand on packets of others, and rewrite their addresses? Its settings and its filters tell."""

from __future__ import annotations

from dataclasses import replace

from ..facts import DEAD_ENDS, Rule
from ..inside import inside, quoted
from ..language import marked, together, tr
from ..packet.causes.cause import Cause, fix
from ..packet.causes.look import Look
from ..packet.causes.settings import asking, key, set_all, setting
from .filters import Closed, Filters, in_table, policy_line, title
from .question import Finding, Question, no, written, yes

# The hooks that a forwarded packet passes; those of a device concern what comes in, or goes out, there.
HOOKS = ("ingress", "prerouting", "forward", "postrouting", "egress")
FAMILIES = {"inet": ("ip", "inet", "netdev"), "inet6": ("ip6", "inet", "netdev")}  # nft's, by the address family
WHOLE = {"inet": "ipv4/ip_forward", "inet6": "ipv6/conf/all/forwarding"}
LOOKED_AT = marked("iptables, iptables-legacy and nft")


def forwards(question: Question, ns: str) -> Finding:
    """`master forwards`: as the settings and the filters decide, for each IP version that it has an address of.

    IPv4: IN_DEV_FORWARD() of the device that a packet comes in by, ip_route_input_slow(); IPv6: of all devices,
    ip6_forward(). Then every chain at a hook that forwarded packets pass. What a rule does with one packet is not told.
    """
    space = question.space(ns)
    one = question.look(space)
    versions = _versions(question, space)
    off = [version for version in versions if one.settings.get(WHOLE[version]) != "1"]
    if len(off) == len(versions) or "inet" in off:
        return _off(space, WHOLE[off[0]])
    shut = _off_at_a_device(question, one) if "inet" in versions else None
    if shut:
        return shut
    for version in versions:
        rule = _swallowing_rule(one, version)
        if rule:
            return _swallowed(space, WHOLE[version], rule)
    (filters,) = question.filters([space])
    for version in versions:
        for closed in filters.closed(FAMILIES[version], HOOKS):
            return _closed(space, WHOLE[version], closed)
    if filters.by_tc:
        return _unread(
            filters,
            tr("{name} is 1 in {space}", name=_name(WHOLE[versions[0]]), space=space),
            tr("drop what it hands on"),
        )
    return _open(space, versions, off, filters)


def _versions(question: Question, space: str) -> list[str]:
    """The address families that a namespace has an address of; IPv4 where it has none."""
    families = set()
    for row in question.tables.facts.addresses:
        if row.namespace == space and row.scope == "global":
            families.add(row.family)
    return [family for family in WHOLE if family in families] or ["inet"]


def _name(path: str) -> str:
    """A setting as a sentence calls it."""
    if path == WHOLE["inet"]:
        return "ip_forward"
    return key(path)


def _off(space: str, path: str) -> Finding:
    return no(
        tr("{name} is 0 in {space}, so it forwards nothing", name=_name(path), space=space),
        inside(space, asking(path)),
        cause=Cause.FORWARDING_OFF,
        fixes=written(setting(space, path, 1)),
    )


def _off_at_a_device(question: Question, one: Look) -> Finding | None:
    """Devices at which nothing is taken to be forwarded, though ip_forward is 1."""
    space = one.namespace
    off = {}
    # since `ip_forward` was written, somebody may have switched single devices off
    for where, name in question.tables.links:
        path = f"ipv4/conf/{name}/forwarding"
        if where == space and name != "lo" and one.settings.get(path) == "0":
            off[name] = path
    if not off:
        return None
    return no(
        tr(
            "ip_forward is 1 in {space}, but what comes in at {off} is not forwarded: forwarding is 0",
            space=space,
            off=together(off),
        ),
        inside(space, asking(*off.values())),
        cause=Cause.FORWARDING_OFF,
        fixes=written(set_all(space, off.values(), 1)),
    )


def _swallowing_rule(one: Look, version: str) -> Rule | None:
    """The rule of policy routing that ends every packet before table main is asked; ip-rule(8)."""
    rules = [rule for rule in one.rules if rule.family == version]
    for rule in sorted(rules, key=lambda rule: rule.priority):
        asks_more = rule.dst or rule.iif or rule.oif or rule.fwmark or rule.selectors or rule.inverted
        if rule.src != "all" or asks_more:
            continue
        if rule.action in DEAD_ENDS:
            return rule
        if rule.action or rule.table != "local":
            return None
    return None


def _swallowed(space: str, path: str, rule: Rule) -> Finding:
    return no(
        tr(
            "{name} is 1 in {space}, but the rule `{rule}` lets nothing go on: {action}",
            name=_name(path),
            space=space,
            rule=rule.words,
            action=rule.action,
        ),
        inside(space, rule.listing),
        f"{rule.priority}:",
        cause=Cause.POLICY_RULE,
        fixes=written(fix(space, rule.removal)),
    )


def _closed(space: str, path: str, closed: Closed) -> Finding:
    finding = closed_chain(space, closed)
    why = tr("{name} is 1 in {space}, but {why}", name=_name(path), space=space, why=finding.why)
    return replace(finding, why=why)


def closed_chain(space: str, closed: Closed) -> Finding:
    """A chain that nothing passes: by its policy, or by a rule."""
    chain, rule = closed.chain, closed.rule
    if rule:
        why = tr(
            "the rule `{text}` ({title}, {in_table}) drops everything",
            text=rule.text,
            title=title(chain),
            in_table=in_table(chain),
        )
        shown, mend, cause = rule.text, rule.removal, Cause.FILTER_RULE
    else:
        why = tr(
            "the policy of {title} is {policy} ({in_table})",
            title=title(chain),
            policy=chain.policy,
            in_table=in_table(chain),
        )
        if closed.has_rules:
            why += tr(", and no rule of it accepts what begins a connection")
        shown, mend, cause = policy_line(chain), chain.opening, Cause.FILTER_POLICY
    return no(
        why=why,
        command=inside(space, chain.listing),
        out=shown,
        instead=(shown,),
        cause=cause,
        fixes=written(fix(space, mend)),
    )


def _unread(filters: Filters, start: str, may: str) -> Finding:
    """Filters of tc decide too, and what they do is not known."""
    devices = filters.by_tc
    where = together(devices)
    why = tr(
        "{start}, but tc has filters at {where}, which may {may}: whether they do is not known",
        start=start,
        where=where,
        may=may,
    )
    listing = inside(filters.namespace, f"tc filter show dev {quoted(devices[0])} ingress")
    return no(why, listing, cause=Cause.UNKNOWN)


def _open(space: str, versions: list[str], off: list[str], filters: Filters) -> Finding:
    """Yes, and what was looked at."""
    first = WHOLE[versions[0]]
    why = tr(
        "{name} is 1 in {space} and no filter of {looked_at} drops everything that it hands on",
        name=_name(first),
        space=space,
        looked_at=tr(LOOKED_AT),
    )
    families: list[str] = []
    for version in versions:
        families += FAMILIES[version]
    if filters.has_rules(families, HOOKS):
        why += tr("; what their rules do with one packet, only a packet shows")
    if off:
        why += tr("; of IPv6 it forwards nothing: {name} is 0", name=key(WHOLE["inet6"]))
    return yes(why, inside(space, asking(first)))


# --- rewriting -------------------------------------------------------------------------------------------------------


def rewrites_nothing(question: Question, ns: str) -> Finding:
    """`master rewrites no addresses`: no rule does, of nft in any family or of iptables of either kind.

    iptables-extensions(8): SNAT, DNAT, MASQUERADE, REDIRECT, NETMAP …; nft(8): NAT STATEMENTS, and `ip saddr set`.
    """
    space = question.space(ns)
    (filters,) = question.filters([space])
    for rule in filters.rewriting():
        return no(
            why=tr(
                "{space} rewrites addresses on the way: `{rule}` ({title}, {table})",
                space=space,
                rule=rule.text,
                title=title(rule),
                table=rule.in_table,
            ),
            command=inside(space, rule.listing),
            out=rule.text,
            instead=(rule.text,),
            fixes=written(fix(space, rule.removal)),
        )
    why = tr("no rule in {space} rewrites addresses ({looked_at} were asked)", space=space, looked_at=tr(LOOKED_AT))
    if filters.by_tc:
        return _unread(filters, why, tr("rewrite them"))
    return yes(why, inside(space, "nft list ruleset"))


def nobody_rewrites(question: Question) -> Finding:
    """`nobody rewrites addresses`: the same in every namespace."""
    for filters in question.filters(question.spaces):
        if filters.rewrites:
            return rewrites_nothing(question, filters.namespace)
    command = " ; ".join(inside(space, "nft list ruleset") for space in question.spaces)
    return yes(
        tr("no rule in any namespace rewrites addresses ({looked_at} were asked)", looked_at=tr(LOOKED_AT)), command
    )
