"""Which filter drops the probe? The rule or policy that nft's trace names, or whose counter moved."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from .cause import Cause, Diagnosis, Fix, Shown, fix
from .scene import Scene
from .settings import setting
from .trace import Step

# The tables that iptables makes; of its nft kind they are tables of nft with these names.
IPTABLES = {"ip": "iptables", "ip6": "ip6tables"}
TABLES = ("filter", "nat", "mangle", "raw", "security")
# iptables: --to-destination ADDRESS[:PORT], NETMAP --to NETWORK; nft: dnat to ADDRESS[:PORT]
GOAL = re.compile(r"(?:--to-destination|--to|dnat (?:ip6? )?to) (?P<ip>[\d.]+(?:/\d+)?)(?::(?P<port>\d+))?")
# Rules that drop what comes from a wrong side: the reverse-path filter as iptables and nft have it.
GUARD = re.compile(r"-m rpfilter\b|\bfib saddr\b")
SOURCE = re.compile(r"-j (SNAT|MASQUERADE|NETMAP)\b|\b(snat|masquerade)\b")
REFUSING = re.compile(r"\b(REJECT|reject)\b")
COUNTER = re.compile(r"counter packets \d+ bytes \d+ ?")


@dataclass(frozen=True)
class Drop:
    """A packet that a filter dropped: where, at which step, and the packet's own words."""

    space: str
    step: Step
    words: Step


def drops(scene: Scene, space: str) -> list[Drop]:
    """What the filters of a namespace dropped of the probe, the first first."""
    first: dict[str, Step] = {}
    found = []
    steps = scene.again.steps.get(space, ())
    for step in steps:
        if step.words and step.packet not in first:
            first[step.packet] = step
        is_last = step.verdict == "drop" or (step.verdict == "queue" and not _goes_on(steps, step))
        if is_last and not step.is_ours:
            found.append(Drop(space, step, first.get(step.packet, step)))
    return found


def _goes_on(steps: tuple[Step, ...], queued: Step) -> bool:
    """Whether a packet that was handed to a program's queue was seen again: the program let it go on."""
    after = steps[steps.index(queued) + 1 :]
    return any(step.packet == queued.packet for step in after)


def filtered(scene: Scene, space: str, is_bridged: bool = False) -> Diagnosis | None:
    """The filter in this namespace that drops the probe, or its answer; None when none does."""
    if not scene.look(space).filters:
        return None  # no need to send it once more
    for drop in drops(scene, space):
        if _is_of_the_probe(scene, drop):
            return _told_by_nft(scene, drop, is_bridged)
    return _told_by_legacy(scene, space)


def _is_of_the_probe(scene: Scene, drop: Drop) -> bool:
    """Whether a dropped packet is the probe, its answer, a tunnel's packet or a question for a MAC: not an error."""
    words = drop.words.words
    if drop.step.family == "arp" or "arp operation" in words or "ether type arp" in words:
        return True
    if scene.probe.is_ping and re.search(r"type (echo-request|echo-reply)", words):
        return True
    if "icmpv6 type nd-neighbor" in words:
        return True
    ports = {str(scene.probe.port)} if not scene.probe.is_ping else set()
    ports |= {str(link.vxlan_port) for link in scene.tables.links.values() if link.vxlan_port}
    ends = {drop.words.word("dport"), drop.words.word("sport")}
    if ports & ends:
        return True
    if _goes_between_the_ends(scene, drop):
        return True
    # netdev and bridge tables tell less of a packet
    return drop.step.family in ("netdev", "bridge") and "type dest-unreachable" not in words


def _goes_between_the_ends(scene: Scene, drop: Drop) -> bool:
    """Whether it goes from the sender to the target, or back, and is no error: fragments tell no more than that."""
    ends = {drop.words.word("saddr"), drop.words.word("daddr")}
    ours = scene.tables.own(scene.probe.src)
    return scene.probe.target in ends and bool(ends & ours) and "dest-unreachable" not in drop.words.words


def _told_by_nft(scene: Scene, drop: Drop, is_bridged: bool) -> Diagnosis:
    step, space = drop.step, drop.space
    program = _program(step)
    if step.is_policy:
        return _policy(scene, drop, program, is_bridged)
    rule = _rule(scene, drop, program)
    who = f"{rule.program} table {rule.table}, chain {step.chain}, in {space}"
    if REFUSING.search(rule.text) or REFUSING.search(step.rule):
        reason = f"the rule `{rule.text}` ({who}) rejects it (REJECT)"
        return Diagnosis(
            cause=Cause.REJECTED,
            reason=reason,
            shown=rule.shown,
            fixes=rule.fixes,
        )
    if step.verdict == "queue":
        reason = (
            f"the rule `{rule.text}` ({who}) hands it to a queue, where no program takes it, so the kernel drops it"
        )
        return Diagnosis(
            cause=Cause.FILTER_RULE,
            reason=reason,
            shown=rule.shown,
            fixes=rule.fixes,
        )
    reason = f"the rule `{rule.text}` ({who}) drops it"
    return _also_bridged(
        scene,
        Diagnosis(
            cause=Cause.FILTER_RULE,
            reason=reason,
            shown=rule.shown,
            fixes=rule.fixes,
        ),
        space,
        is_bridged,
    )


@dataclass(frozen=True)
class Rule:
    """A rule as its owner would type it: where it is, its text, the line that shows it, the line that takes it away."""

    program: str
    table: str
    chain: str
    text: str
    shown: Shown
    undo: Fix

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """The line that takes it away, where that mends anything."""
        return (self.undo,) if self.undo else ()

    @property
    def goal(self) -> str | None:
        """The address to which a rule of NAT sends, as it is written: `10.2.0.2`, or a network."""
        found = GOAL.search(self.text)
        return found["ip"] if found else None

    @property
    def port(self) -> int | None:
        """The port to which a rule of NAT sends, when it changes it."""
        found = GOAL.search(self.text)
        return int(found["port"]) if found and found["port"] else None

    def goal_for(self, target: str) -> str | None:
        """The address that a packet for the target gets: NETMAP keeps the part within the network."""
        if self.goal is None or "/" not in self.goal:
            return self.goal
        network = ip_network(self.goal, strict=False)
        rest = int(ip_address(target)) & int(network.hostmask)
        return str(network.network_address + rest)


def _rule(scene: Scene, drop: Drop, program: str | None) -> Rule:
    step, space = drop.step, drop.space
    position, handle = _position(scene, drop)
    if program and position is not None:
        line = f"{program} -t {step.table} -S {shlex.quote(step.chain)}"
        lines = scene.ground.run(scene.ground.inside(space, line)).out.splitlines()
        rules = [text for text in lines if text.startswith("-A ")]
        if position < len(rules):
            text = rules[position]
            # a filter for wrong sources is right: what it drops would get no answer without it, either
            is_a_guard = GUARD.search(text) is not None
            line_that_undoes = f"{program} -t {step.table} -D {text.removeprefix('-A ')}"
            undo = () if is_a_guard else fix(space, line_that_undoes)
            return Rule(program, step.table, step.chain, text, Shown.of(space, line, text, text), undo)
    where = f"{step.family} {step.table} {step.chain}"
    text = COUNTER.sub("", step.rule).strip()
    shown = Shown.of(space, f"nft -a list chain {where}", "", text)
    is_a_guard = GUARD.search(text) is not None
    undo = fix(space, f"nft delete rule {where} handle {handle}") if handle and not is_a_guard else ()
    return Rule("nft", f"{step.family} {step.table}", step.chain, text, shown, undo)


def _position(scene: Scene, drop: Drop) -> tuple[int | None, str]:
    """Which rule of its chain it is, counted from 0, and its handle, by the rule's text in the list of rules."""
    step = drop.step
    wanted = " ".join(COUNTER.sub("", step.rule).split())
    for number, (text, handle) in enumerate(chain_rules(scene.look(drop.space).nft, step)):
        if " ".join(COUNTER.sub("", text).split()) == wanted:
            return number, handle
    return None, ""


def chain_rules(ruleset: str, step: Step) -> Iterator[tuple[str, str]]:
    """The rules of one chain in what `nft -a list ruleset` prints: the text of each, and its handle."""
    table = chain = ""
    for line in ruleset.splitlines():
        words = line.split()
        if line.startswith("table "):
            table, chain = " ".join(words[1:3]), ""
        elif words[:1] == ["chain"]:
            chain = words[1]
        elif (table, chain) == (f"{step.family} {step.table}", step.chain) and "# handle" in line:
            text, _, handle = line.strip().rpartition(" # handle ")
            if not text.startswith("type "):
                yield text, handle


def _policy_of(chain: str, space: str, policy: str) -> str:
    return f"the policy of {chain} in {space} is {policy}, so it drops what no rule accepts"


def _policy(scene: Scene, drop: Drop, program: str | None, is_bridged: bool) -> Diagnosis:
    step, space = drop.step, drop.space
    if program:
        reason = _policy_of(f"{program} {step.chain} (table {step.table})", space, "DROP")
        shown = Shown.of(space, f"{program} -t {step.table} -S {step.chain}", f"-P {step.chain} DROP")
        mends = [fix(space, f"{program} -t {step.table} -P {step.chain} ACCEPT")]
        source, goal = drop.words.word("saddr"), drop.words.word("daddr")
        if source and goal and step.chain == "FORWARD":
            accept = f"{program} -I FORWARD -s {{}} -d {{}} -j ACCEPT"
            mends.append(fix(space, accept.format(source, goal), accept.format(goal, source)))
        found = Diagnosis(
            cause=Cause.FILTER_POLICY,
            reason=reason,
            shown=shown,
            fixes=tuple(mends),
        )
        return _also_bridged(scene, found, space, is_bridged)
    where = f"{step.family} {step.table} {step.chain}"
    reason = _policy_of(f"nft's chain {step.chain} (table {step.family} {step.table})", space, "drop")
    shown = Shown.of(space, f"nft list chain {where}", "policy drop")
    mend = fix(space, f"nft 'chain {where} {{ policy accept; }}'")
    return Diagnosis(
        cause=Cause.FILTER_POLICY,
        reason=reason,
        shown=shown,
        fixes=(mend,),
    )


def _also_bridged(scene: Scene, found: Diagnosis, space: str, is_bridged: bool) -> Diagnosis:
    """What is bridged meets iptables only where br_netfilter hands it over."""
    path = "bridge/bridge-nf-call-iptables"
    if not is_bridged or not scene.look(space).number(path):
        return found
    reason = f"{found.reason}; iptables gets what is only bridged, because bridge-nf-call-iptables is 1"
    return Diagnosis(
        cause=found.cause,
        reason=reason,
        shown=found.shown,
        fixes=(*found.fixes, setting(space, path, 0)),
        should_be=found.should_be,
    )


# --- iptables-legacy, which nft does not see ---

POLICY = re.compile(r"^:(\S+) (ACCEPT|DROP) \[(\d+):\d+\]$")
COUNTED = re.compile(r"^\[(\d+):\d+\] (-A (\S+) .*)$")


def _told_by_legacy(scene: Scene, space: str) -> Diagnosis | None:
    """The rule, or the policy, of iptables-legacy whose counter moved."""
    if space not in scene.again.after:
        return None
    for family, program in IPTABLES.items():
        before = scene.again.before[space].legacy.get(family, "")
        after = scene.again.after[space].legacy.get(family, "")
        for table, old, new in _moved(before, after):
            found = _legacy(space, f"{program}-legacy", table, old, new)
            if found:
                return found
    return None


def _moved(before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """The lines of two saves that differ, with the table that they are in."""
    table = ""
    for old, new in zip(before.splitlines(), after.splitlines(), strict=False):
        if new.startswith("*"):
            table = new[1:]
        if old != new and not new.startswith("#"):
            yield table, old, new


def _legacy(space: str, program: str, table: str, old: str, new: str) -> Diagnosis | None:
    policy, was = POLICY.match(new), POLICY.match(old)
    if policy and was and policy[2] == "DROP" and int(policy[3]) > int(was[3]):
        line = f"{program} -t {table} -S {policy[1]}"
        reason = _policy_of(f"{program} {policy[1]} (table {table})", space, "DROP")
        shown = Shown.of(space, line, f"-P {policy[1]} DROP")
        return Diagnosis(
            cause=Cause.FILTER_POLICY,
            reason=reason,
            shown=shown,
            fixes=(fix(space, f"{program} -t {table} -P {policy[1]} ACCEPT"),),
        )
    rule = COUNTED.match(new)
    if rule and re.search(r"-j (DROP|REJECT)\b", rule[2]):
        rejects = "-j REJECT" in rule[2]
        verb = "rejects it (REJECT)" if rejects else "drops it"
        reason = f"the rule `{rule[2]}` ({program} table {table}, chain {rule[3]}, in {space}) {verb}"
        shown = Shown.of(space, f"{program} -t {table} -S {rule[3]}", rule[2], rule[2])
        undo = fix(space, f"{program} -t {table} -D {rule[2].removeprefix('-A ')}")
        return Diagnosis(
            cause=Cause.REJECTED if rejects else Cause.FILTER_RULE,
            reason=reason,
            shown=shown,
            fixes=(undo,),
        )
    return None


# --- rewriting ---


def rewritten_to(scene: Scene, space: str, target: str) -> tuple[str | None, Rule | None]:
    """The address that a namespace gives a packet for this target instead, and the rule that does it."""
    if not scene.look(space).filters:
        return None, None
    by_packet: dict[str, list[Step]] = {}
    for step in scene.again.steps.get(space, ()):
        by_packet.setdefault(step.packet, []).append(step)
    for steps in by_packet.values():
        goals = [step.word("daddr") for step in steps if step.word("daddr")]
        if not goals or goals[0] != target:
            continue
        rule = _rule_of_nat(scene, space, steps)
        if goals[-1] != target:
            return goals[-1], rule
        if rule and rule.goal:  # dropped before another hook could show the new address
            return rule.goal_for(target), rule
    return None, None


def _rule_of_nat(scene: Scene, space: str, steps: list[Step]) -> Rule | None:
    """The last rule that a packet met which rewrites where it goes."""
    rules = [step for step in steps if step.rule and not step.is_ours]
    rules = [step for step in rules if step.table == "nat" or GOAL.search(step.rule)]
    if not rules:
        return None
    return _rule(scene, Drop(space, rules[-1], steps[0]), _program(rules[-1]))


def rule_that_sets(scene: Scene, space: str, what: re.Pattern[str]) -> Rule | None:
    """The rule that the probe met whose text has these words: what it does to the packet, and lets it go on."""
    for step in scene.again.steps.get(space, ()):
        if not step.rule or step.is_ours or step.verdict == "drop":
            continue
        rule = _rule(scene, Drop(space, step, step), _program(step))
        if what.search(rule.text):
            return rule
    return None


def mac_rule(scene: Scene, space: str, mac: str) -> Rule | None:
    """The rule of a bridge filter that gives frames this MAC."""
    for step in scene.again.steps.get(space, ()):
        if step.family == "bridge" and step.rule and not step.is_ours:
            rule = _rule(scene, Drop(space, step, step), None)
            if mac in rule.text or "dnat" in step.rule or "ether daddr set" in step.rule:
                return rule
    return None


def rule_of_source(scene: Scene, space: str, source: str) -> Rule | None:
    """The rule of NAT by which a namespace gives packets of this source another one."""
    for step in scene.again.steps.get(space, ()):
        if not step.rule or step.is_ours or step.table != "nat":
            continue
        rule = _rule(scene, Drop(space, step, step), _program(step))
        if SOURCE.search(rule.text):
            return rule
    return None


def _program(step: Step) -> str | None:
    return IPTABLES.get(step.family) if step.table in TABLES else None
