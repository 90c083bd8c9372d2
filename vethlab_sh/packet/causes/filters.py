"""Which filter drops the probe? The rule or policy that nft's trace names, or whose counter moved."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from .cause import Cause, Diagnosis, Fix, Shown, fix
from .scene import Scene
from .settings import setting
from .trace import Step

# The tables that iptables makes; of its nft kind they are tables of nft with these names.
IPTABLES = {"ip": "iptables", "ip6": "ip6tables"}
TABLES = ("filter", "nat", "mangle", "raw", "security")
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
    for step in scene.again.steps.get(space, ()):
        if step.words and step.packet not in first:
            first[step.packet] = step
        if step.verdict == "drop" and not step.is_ours:
            found.append(Drop(space, step, first.get(step.packet, step)))
    return found


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
    # netdev and bridge tables tell less of a packet
    return drop.step.family in ("netdev", "bridge") and "type dest-unreachable" not in words


def _told_by_nft(scene: Scene, drop: Drop, is_bridged: bool) -> Diagnosis:
    step, space = drop.step, drop.space
    program = _program(step)
    if step.is_policy:
        return _policy(scene, drop, program, is_bridged)
    rule = _rule(scene, drop, program)
    who = f"{rule.program} table {rule.table}, chain {step.chain}, in {space}"
    if REFUSING.search(rule.text) or REFUSING.search(step.rule):
        reason = f"the rule `{rule.text}` ({who}) rejects it (REJECT)"
        return Diagnosis(Cause.REJECTED, reason, rule.shown, (rule.undo,))
    reason = f"the rule `{rule.text}` ({who}) drops it"
    return _also_bridged(scene, Diagnosis(Cause.FILTER_RULE, reason, rule.shown, (rule.undo,)), space, is_bridged)


@dataclass(frozen=True)
class Rule:
    """A rule as its owner would type it: program, table, text, the line that shows it, the line that takes it away."""

    program: str
    table: str
    text: str
    shown: Shown
    undo: Fix


def _rule(scene: Scene, drop: Drop, program: str | None) -> Rule:
    step, space = drop.step, drop.space
    position, handle = _position(scene, drop)
    if program and position is not None:
        line = f"{program} -t {step.table} -S {shlex.quote(step.chain)}"
        lines = scene.ground.run(scene.ground.inside(space, line)).out.splitlines()
        rules = [text for text in lines if text.startswith("-A ")]
        if position < len(rules):
            text = rules[position]
            undo = fix(space, f"{program} -t {step.table} -D {text.removeprefix('-A ')}")
            return Rule(program, step.table, text, Shown.of(space, line, text, text), undo)
    where = f"{step.family} {step.table} {step.chain}"
    text = COUNTER.sub("", step.rule).strip()
    shown = Shown.of(space, f"nft -a list chain {where}", "", text)
    undo = fix(space, f"nft delete rule {where} handle {handle}") if handle else ()
    return Rule("nft", f"{step.family} {step.table}", text, shown, undo)


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
    return f"the policy of {chain} in {space} is {policy}, and no rule accepts it: it drops it"


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
        found = Diagnosis(Cause.FILTER_POLICY, reason, shown, tuple(mends))
        return _also_bridged(scene, found, space, is_bridged)
    where = f"{step.family} {step.table} {step.chain}"
    reason = _policy_of(f"nft's chain {step.chain} (table {step.family} {step.table})", space, "drop")
    shown = Shown.of(space, f"nft list chain {where}", "policy drop")
    mend = fix(space, f"nft 'chain {where} {{ policy accept; }}'")
    return Diagnosis(Cause.FILTER_POLICY, reason, shown, (mend,))


def _also_bridged(scene: Scene, found: Diagnosis, space: str, is_bridged: bool) -> Diagnosis:
    """What is bridged meets iptables only where br_netfilter hands it over."""
    path = "bridge/bridge-nf-call-iptables"
    if not is_bridged or not scene.look(space).number(path):
        return found
    reason = f"{found.reason}; iptables gets what is only bridged, because bridge-nf-call-iptables is 1"
    return Diagnosis(found.cause, reason, found.shown, (*found.fixes, setting(space, path, 0)), found.should_be)


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
            Cause.FILTER_POLICY, reason, shown, (fix(space, f"{program} -t {table} -P {policy[1]} ACCEPT"),)
        )
    rule = COUNTED.match(new)
    if rule and re.search(r"-j (DROP|REJECT)\b", rule[2]):
        rejects = "-j REJECT" in rule[2]
        verb = "rejects it (REJECT)" if rejects else "drops it"
        reason = f"the rule `{rule[2]}` ({program} table {table}, chain {rule[3]}, in {space}) {verb}"
        shown = Shown.of(space, f"{program} -t {table} -S {rule[3]}", rule[2], rule[2])
        undo = fix(space, f"{program} -t {table} -D {rule[2].removeprefix('-A ')}")
        return Diagnosis(Cause.REJECTED if rejects else Cause.FILTER_RULE, reason, shown, (undo,))
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
        if not goals or goals[0] != target or goals[-1] == target:
            continue
        rules = [step for step in steps if step.rule and not step.is_ours and step.table == "nat"]
        rules += [step for step in steps if step.rule and not step.is_ours and "dnat" in step.rule]
        rule = _rule(scene, Drop(space, rules[-1], steps[0]), _program(rules[-1])) if rules else None
        return goals[-1], rule
    return None, None


def _program(step: Step) -> str | None:
    return IPTABLES.get(step.family) if step.table in TABLES else None
