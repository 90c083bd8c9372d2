"""Which filter drops the probe? The rule or policy that nft's trace names, or whose counter moved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ...facts import Chain, ChainPlace, FilterRule
from ...inside import quoted
from ...language import together, tr
from ...parsers import deeds
from ...parsers.deeds import Deed, Goal
from ...parsers.filters import TABLES, counted, nft_rules, without_counts
from .cause import Cause, Diagnosis, Fix, Shown, fix
from .scene import Scene
from .settings import setting
from .trace import Step

# The tables that iptables makes; of its nft kind they are tables of nft with these names.
IPTABLES = {"ip": "iptables", "ip6": "ip6tables"}
FAMILIES_OF_IP = ("ip", "ip6", "inet")


@dataclass(frozen=True)
class Drop:
    """A packet that a filter dropped: where, at which step, and the packet's own words.

    words: as it came here; met: as the chain met it that dropped it, which NAT may have rewritten by then.
    """

    space: str
    step: Step
    words: Step
    met: Step


def drops(scene: Scene, space: str) -> list[Drop]:
    """What the filters of a namespace dropped of the probe, the first first."""
    words: dict[str, Step] = {}
    met: dict[str, Step] = {}
    dropped = []
    steps = scene.again.steps.get(space, ())
    for step in steps:
        if step.words:
            words.setdefault(step.packet, step)
            met[step.packet] = step
        # a queue that no program reads drops: nf_queue(), net/netfilter/nf_queue.c
        is_last = step.verdict == "drop" or (step.verdict == "queue" and not _goes_on(steps, step))
        if is_last and not step.is_ours:
            of_packet = words.get(step.packet, step), met.get(step.packet, step)
            dropped.append(Drop(space, step, *of_packet))
    return dropped


def _goes_on(steps: tuple[Step, ...], queued: Step) -> bool:
    """Whether a packet that was handed to a program's queue was seen again: the program let it go on."""
    number = steps.index(queued)
    later = steps[number + 1 :]
    return any(step.packet == queued.packet for step in later)


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
    words, family = drop.words.words, drop.step.family
    if family == "arp" or "arp operation" in words or "ether type arp" in words:
        return True
    if "icmpv6 type nd-neighbor" in words:
        return True
    if scene.probe.is_ping and re.search(r"type (echo-request|echo-reply)", words):
        return True
    if _ports(scene) & {drop.words.word("dport"), drop.words.word("sport")}:
        return True
    if "type dest-unreachable" in words:
        return False
    # netdev and bridge tables tell less of a packet
    return family in ("netdev", "bridge") or _goes_between_the_ends(scene, drop)


def _ports(scene: Scene) -> set[str]:
    """The ports of the probe and of tunnels, as nft tells them."""
    ports = set()
    for link in scene.tables.links.values():
        if link.vxlan_port:
            ports.add(str(link.vxlan_port))
    if not scene.probe.is_ping:
        ports.add(str(scene.probe.port))
    return ports


def _goes_between_the_ends(scene: Scene, drop: Drop) -> bool:
    """Whether it goes from the sender to the target, or back: fragments tell no more than that."""
    packet = drop.words
    ends = {packet.word("saddr"), packet.word("daddr")}
    ours = scene.tables.own(scene.probe.src)
    return scene.probe.target in ends and not ends.isdisjoint(ours)


def _told_by_nft(scene: Scene, drop: Drop, is_bridged: bool) -> Diagnosis:
    if drop.step.is_policy:
        return _policy(scene, drop, is_bridged)
    rule = _rule(scene, drop.space, drop.step)
    who = tr(
        "the rule `{text}` ({program} {in_chain}, in {space})",
        text=rule.text,
        program=rule.program,
        in_chain=rule.in_chain,
        space=drop.space,
    )
    diagnosis = Diagnosis(
        cause=Cause.FILTER_RULE,
        reason=tr("{who} drops it", who=who),
        shown=rule.shown,
        fixes=rule.fixes,
    )
    if rule.refuses:
        return replace(diagnosis, cause=Cause.REJECTED, reason=tr("{who} rejects it (REJECT)", who=who))
    if drop.step.verdict == "queue":
        reason = tr("{who} hands it to a queue, where no program takes it, so the kernel drops it", who=who)
        return replace(diagnosis, reason=reason)
    return _also_bridged(scene, diagnosis, drop) if is_bridged else diagnosis


# --- the rule that a packet met ---


@dataclass(frozen=True)
class Met:
    """A rule that the probe met: as its owner would type it, and what shows it and takes it away.

    fixes: empty where taking it away mends nothing.
    """

    rule: FilterRule
    shown: Shown
    fixes: tuple[Fix, ...] = ()

    @property
    def program(self) -> str:
        """Who made it: nft, or one of the iptables."""
        return self.rule.program

    @property
    def text(self) -> str:
        """As its owner would type it."""
        return self.rule.text

    @property
    def in_chain(self) -> str:
        """Its table and chain, for a sentence."""
        return tr("{in_table}, chain {chain}", in_table=self.rule.in_table, chain=self.rule.chain)

    @property
    def in_table(self) -> str:
        """Its table, for a sentence."""
        return self.rule.in_table

    @property
    def refuses(self) -> bool:
        """Whether it says no to the sender."""
        return deeds.refuses(self.text)

    @property
    def goal(self) -> Goal | None:
        """Where it sends a packet instead, when it is one of NAT."""
        return deeds.goal(self.text)


def _rule(scene: Scene, space: str, step: Step) -> Met:
    """The rule of a step, of iptables as its owner typed it."""
    listed = _listed(scene, space, step)
    if listed and _is_by_iptables(step):
        typed = _typed(scene, listed)
        if typed:
            shown = Shown.of(space, typed.listing, typed.text, typed.text)
            return Met(typed, shown, _taken_away(typed))
    rule = _of_step(space, step)
    shown = Shown.of(space, f"nft -a list chain {rule.typed}", "", rule.text)
    if listed is None:
        return Met(rule, shown)
    rule = replace(rule, handle=listed.handle)
    return Met(rule, shown, _taken_away(rule))


def _taken_away(rule: FilterRule) -> tuple[Fix, ...]:
    # a filter for wrong sources is right: what it drops would get no answer without it, either
    if deeds.is_guard(rule.text):
        return ()
    return (fix(rule.namespace, rule.removal),)


def _of_step(space: str, step: Step) -> FilterRule:
    """What a trace tells of a rule."""
    return FilterRule(
        namespace=space,
        program="nft",
        family=step.family,
        table=step.table,
        chain=step.chain,
        position=0,
        text=without_counts(step.rule),
    )


def _listed(scene: Scene, space: str, step: Step) -> FilterRule | None:
    """The same rule in the list of all rules, with its position and its handle: by its text."""
    # nft tells no handle in a trace, so the text has to do
    wanted = _of_step(space, step)
    words = wanted.text.split()
    for rule in nft_rules(space, scene.look(space).nft):
        if rule.place == wanted.place and rule.text.split() == words:
            return rule
    return None


def _typed(scene: Scene, listed: FilterRule) -> FilterRule | None:
    """A rule that iptables made in nft's tables, as iptables says it: the one that stands at the same place."""
    rule = replace(listed, program=IPTABLES[listed.family], handle=None)
    line = scene.ground.inside(rule.namespace, rule.listing)
    listing = scene.ground.run(line).out.splitlines()
    texts = [text for text in listing if text.startswith("-A ")]
    if rule.position > len(texts):
        return None
    return replace(rule, text=texts[rule.position - 1])


def _is_by_iptables(step: Step) -> bool:
    """Whether iptables made this table; the names of its tables are its own."""
    return step.family in IPTABLES and step.table in TABLES


# --- a policy ---


def _policy(scene: Scene, drop: Drop, is_bridged: bool) -> Diagnosis:
    step = drop.step
    space = drop.space
    chain = _of_step(space, step).place
    if not _is_by_iptables(step):
        return _closed(chain, tr("nft's chain {chain}", chain=step.chain), "drop", "policy drop")
    program = IPTABLES[step.family]
    diagnosis = _closed(
        replace(chain, program=program),
        name=f"{program} {step.chain}",
        policy="DROP",
        word=f"-P {step.chain} DROP",
    )
    source = drop.met.word("saddr")
    goal = drop.met.word("daddr")
    if source and goal and step.chain == "FORWARD":
        there = f"{program} -I FORWARD -s {source} -d {goal} -j ACCEPT"
        back = f"{program} -I FORWARD -s {goal} -d {source} -j ACCEPT"
        diagnosis = replace(diagnosis, fixes=(*diagnosis.fixes, fix(space, there, back)))
    if not is_bridged:
        return diagnosis
    return _also_bridged(scene, diagnosis, drop)


def _closed(chain: ChainPlace, name: str, policy: str, word: str) -> Diagnosis:
    """A policy that drops what no rule accepts. name: of the chain, for a sentence; word: to look at in its listing."""
    space = chain.namespace
    of_chain = tr("the policy of {name} ({in_table}) in {space}", name=name, in_table=chain.in_table, space=space)
    return Diagnosis(
        cause=Cause.FILTER_POLICY,
        reason=tr("{of_chain} is {policy}, so it drops what no rule accepts", of_chain=of_chain, policy=policy),
        shown=Shown.of(space, chain.listing, word),
        fixes=(fix(space, chain.opening),),
    )


def _also_bridged(scene: Scene, diagnosis: Diagnosis, drop: Drop) -> Diagnosis:
    """What is bridged meets the rules of IP only where br_netfilter hands it over; those of bridges always.

    br_nf_pre_routing(), net/bridge/br_netfilter_hooks.c: the setting of the namespace, or the bridge's own, is enough.
    """
    if drop.step.family not in FAMILIES_OF_IP:
        return diagnosis
    space = drop.space
    program = IPTABLES["ip6" if ":" in scene.probe.target else "ip"]
    path = f"bridge/bridge-nf-call-{program}"
    own = f"nf_call_{program}"
    switches = []
    mends: Fix = ()
    if scene.look(space).number(path):
        switches.append(tr("bridge-nf-call-{program} is 1", program=program))
        mends += setting(space, path, 0)
    for bridge in _handing_over(scene, space, own):
        switches.append(tr("{own} of {bridge} is 1", own=own, bridge=bridge))
        mends += fix(space, f"ip link set {quoted(bridge)} type bridge {own} 0")
    if not switches:
        return diagnosis
    return replace(
        diagnosis,
        reason=tr(
            "{reason}; rules of IP get what is only bridged, because {switches}",
            reason=diagnosis.reason,
            switches=together(switches),
        ),
        fixes=(*diagnosis.fixes, mends),
    )


def _handing_over(scene: Scene, space: str, own: str) -> list[str]:
    """The bridges that hand over by themselves what they carry: `ip link set br0 type bridge nf_call_iptables 1`."""
    line = "ip -d -j link show type bridge"
    ran = scene.ground.run(scene.ground.inside(space, line))
    bridges = []
    for link in json.loads(ran.out or "[]"):
        # iproute2 prints an empty object for each link of another kind
        if link and link["linkinfo"]["info_data"].get(own):
            bridges.append(link["ifname"])
    return bridges


# --- iptables-legacy, which nft does not see ---


def _told_by_legacy(scene: Scene, space: str) -> Diagnosis | None:
    """The rule, or the policy, of iptables-legacy whose counter moved."""
    if space not in scene.again.after:
        return None
    for family, name in IPTABLES.items():
        program = f"{name}-legacy"
        before = scene.again.before[space].legacy.get(family, "")
        after = scene.again.after[space].legacy.get(family, "")
        # iptables-legacy has no trace that nft could tell, but a counter at each rule
        was = {one.fact: one.packets for one in counted(space, program, before)}
        for one in counted(space, program, after):
            has_moved = one.packets > was.get(one.fact, one.packets)
            diagnosis = _legacy(one.fact) if has_moved else None
            if diagnosis:
                return diagnosis
    return None


def _legacy(fact: Chain | FilterRule) -> Diagnosis | None:
    """A policy or a rule that packets have met: whether it drops them."""
    space = fact.namespace
    if isinstance(fact, Chain):
        if fact.policy != "DROP":
            return None
        return _closed(fact.place, f"{fact.program} {fact.chain}", "DROP", f"-P {fact.chain} DROP")
    deed = deeds.of_iptables(fact.text).deed
    if deed not in (Deed.DROP, Deed.REJECT):
        return None
    is_refusal = deed == Deed.REJECT
    verb = tr("rejects it (REJECT)") if is_refusal else tr("drops it")
    return Diagnosis(
        cause=Cause.REJECTED if is_refusal else Cause.FILTER_RULE,
        reason=tr(
            "the rule `{text}` ({program} {in_table}, chain {chain}, in {space}) {verb}",
            text=fact.text,
            program=fact.program,
            in_table=fact.in_table,
            chain=fact.chain,
            space=space,
            verb=verb,
        ),
        shown=Shown.of(space, fact.listing, fact.text, fact.text),
        fixes=(fix(space, fact.removal),),
    )


# --- rewriting ---


def rewritten_to(scene: Scene, space: str, target: str) -> tuple[str | None, Met | None]:
    """The address that a namespace gives a packet for this target instead, and the rule that does it."""
    for steps in _steps_for(scene, space, target):
        addresses = [step.word("daddr") for step in steps if step.word("daddr")]
        rule = _rule_of_nat(scene, space, steps)
        # dstnat rewrites in prerouting, so later hooks show the new address
        if addresses[-1] != target:
            return addresses[-1], rule
        if rule and rule.goal:  # dropped before another hook could show the new address
            return rule.goal.of(target), rule
    return None, None


def port_at(scene: Scene, space: str, target: str, goal: str) -> int | None:
    """The port that a packet for a target has when this namespace has given it another address; None where none saw."""
    for steps in _steps_for(scene, space, target):
        for step in steps:
            port = step.word("dport")
            if step.word("daddr") == goal and port.isdigit():
                return int(port)
    return None


def _steps_for(scene: Scene, space: str, target: str) -> Iterator[list[Step]]:
    """What the filters of a namespace did with each packet that came to them with this destination."""
    if not scene.look(space).filters:
        return
    by_packet: dict[str, list[Step]] = {}
    for step in scene.again.steps.get(space, ()):
        by_packet.setdefault(step.packet, []).append(step)
    for steps in by_packet.values():
        addresses = [step.word("daddr") for step in steps if step.word("daddr")]
        if addresses and addresses[0] == target:
            yield steps


def _rule_of_nat(scene: Scene, space: str, steps: list[Step]) -> Met | None:
    """The last rule that a packet met which rewrites where it goes."""
    last = None
    for step in _rules_of(steps):
        if step.table == "nat" or deeds.sets_destination(step.rule):
            last = step
    if last is None:
        return None
    return _rule(scene, space, last)


def _rules_of(steps: Iterable[Step]) -> list[Step]:
    """The steps at rules, ours left out."""
    return [step for step in steps if step.rule and not step.is_ours]


def rule_of_ttl(scene: Scene, space: str) -> Met | None:
    """The rule that gives the probe another TTL, and lets it go on."""
    for step in _rules_of(scene.again.steps.get(space, ())):
        if step.verdict == "drop":
            continue
        rule = _rule(scene, space, step)
        if deeds.sets_ttl(rule.text):
            return rule
    return None


def set_by(rule: Met, sender: str, gone: str) -> Diagnosis:
    """A packet that goes no further, for a TTL that a rule of its sender gave it. gone: that it does, in words."""
    return Diagnosis(
        cause=Cause.HOP_LIMIT,
        reason=tr(
            "{gone}: the rule `{text}` ({program} {in_table}) in {sender} sets it",
            gone=gone,
            text=rule.text,
            program=rule.program,
            in_table=rule.in_table,
            sender=sender,
        ),
        shown=rule.shown,
        fixes=rule.fixes,
    )


def rule_of_tracking(scene: Scene, space: str) -> Met | None:
    """The rule by which conntrack does not find the connection that a packet belongs to."""
    for step in _rules_of(scene.again.steps.get(space, ())):
        rule = _rule(scene, space, step)
        if deeds.keeps_from_tracking(rule.text):
            return rule
    return None


def rule_of_mac(scene: Scene, space: str, mac: str) -> Met | None:
    """The rule of a bridge filter that gives frames this MAC."""
    steps = scene.again.steps.get(space, ())
    for step in _rules_of(steps):
        if step.family != "bridge":
            continue
        if mac in step.rule or deeds.sets_mac(step.rule):
            return _rule(scene, space, step)
    return None


def rule_of_source(scene: Scene, space: str) -> Met | None:
    """The rule of NAT by which a namespace gives packets another source."""
    for step in _rules_of(scene.again.steps.get(space, ())):
        if step.table != "nat":
            continue
        rule = _rule(scene, space, step)
        if deeds.sets_source(rule.text):
            return rule
    return None
