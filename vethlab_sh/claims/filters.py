"""Which filters does a namespace have, and does anything pass them? Chains and rules of nft and of every iptables.

What iptables made is read from its own `iptables-save`, so that a rule stands there as its owner typed it; all else
from `nft list ruleset`. nft does not see iptables-legacy, and iptables-save does not see what nft made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..errors import ToolMissing
from ..facts import Chain, ChainPlace, FilterRule
from ..language import together, tr
from ..packet.causes.look import ask_each
from ..packet.follow import ground_of
from ..parsers import deeds
from ..parsers.deeds import Deed, Handle, Meaning
from ..parsers.filters import HAS_NFT, LEGACY_SAVES, devices_of, filters, hook_of, is_set
from ..shell import Shell

# The devices at which tc has filters, a line each: of ingress and clsact, which hang on no queue; tc(8), tc-bpf(8)
BY_TC = """tc qdisc show | while read -r _ kind _ _ device _; do
    case $kind in ingress | clsact) ;; *) continue ;; esac
    [ -z "$(tc filter show dev "$device" ingress; tc filter show dev "$device" egress)" ] || echo "$device"
done"""
SAVES = {"iptables": "iptables-nft-save", "ip6tables": "ip6tables-nft-save", **LEGACY_SAVES}


@dataclass(frozen=True)
class Ruling:
    """A rule, and what it does with what it means."""

    rule: FilterRule
    meaning: Meaning

    @property
    def deed(self) -> Deed:
        """What it does."""
        return self.meaning.deed


class Passing(StrEnum):
    """What becomes of packets in a chain that does not drop them all."""

    SOME = "some pass"
    END = "they come to its end"


@dataclass(frozen=True)
class Closed:
    """What nothing passes: the rule of a chain, or its policy where there is no rule.

    chain: that chain; has_rules: whether it has any; rule: the one that drops everything.
    """

    chain: Chain
    has_rules: bool
    rule: FilterRule | None = None


@dataclass(frozen=True)
class Filters:
    """The chains of a namespace, those that iptables made first, and the rules of each in their order.

    A table that is switched off (dormant) is left out. by_tc: the devices at which tc has filters. Those, which may be
    programs, can drop packets and rewrite them; what they do is not read.
    """

    namespace: str
    chains: tuple[Chain, ...]
    rulings: Mapping[ChainPlace, list[Ruling]]
    by_tc: tuple[str, ...] = ()

    def closed(self, families: Iterable[str], hooks: Iterable[str]) -> Iterator[Closed]:
        """What nothing passes at these hooks: the first that drops everything, of each chain there.

        nf_hook_slow(): one drop is final. Told only where no condition could save a packet: what a rule does with one
        of them only a packet shows.
        """
        for chain in self._at(families, hooks):
            passing = self._passing(chain)
            if isinstance(passing, Closed):
                yield passing
            elif passing == Passing.END and (chain.policy or "").lower() == "drop":
                yield Closed(chain, bool(self._of(chain)))

    @property
    def rewrites(self) -> bool:
        """Whether any rule rewrites addresses, or anything may that is not read."""
        return any(self.rewriting()) or bool(self.by_tc)

    def has_rules(self, families: Iterable[str], hooks: Iterable[str]) -> bool:
        """Whether a chain at these hooks has a rule."""
        chains = self._at(families, hooks)
        return any(self._of(chain) for chain in chains)

    def rewriting(self) -> Iterator[FilterRule]:
        """The rules that rewrite addresses."""
        for chain in self.chains:
            for ruling in self._of(chain):
                if ruling.deed == Deed.REWRITE:
                    yield ruling.rule

    def _at(self, families: Iterable[str], hooks: Iterable[str]) -> list[Chain]:
        """The chains at these hooks."""
        chains = []
        for chain in self.chains:
            if chain.family in families and hook_of(chain) in hooks:
                chains.append(chain)
        return chains

    def _of(self, chain: Chain) -> list[Ruling]:
        """The rules of a chain."""
        return self.rulings.get(chain.place, [])

    def _passing(self, chain: Chain) -> Passing | Closed:
        """What becomes of the packets that begin a connection, in a chain, rule by rule."""
        some_are_at_the_end = False
        for ruling in self._of(chain):
            if ruling.meaning.means_old:
                continue
            becomes = self._becomes(chain, ruling)
            means_all = ruling.meaning.means_all
            if becomes == Passing.SOME:
                return Passing.SOME
            # a rule with a condition may let the packet by, so it closes nothing for certain
            if isinstance(becomes, Closed) and means_all:
                # what came to the end before is not dropped here
                return Passing.END if some_are_at_the_end else becomes
            if becomes == Passing.END and ruling.deed in (Deed.RETURN, Deed.GOTO):
                if means_all:
                    return Passing.END
                some_are_at_the_end = True
        return Passing.END

    def _becomes(self, chain: Chain, ruling: Ruling) -> Passing | Closed:
        """What becomes of a packet that a rule of this chain means."""
        if ruling.deed in (Deed.ACCEPT, Deed.REWRITE, Deed.PERHAPS):
            return Passing.SOME
        if ruling.deed in (Deed.DROP, Deed.REJECT):
            return Closed(chain, has_rules=True, rule=ruling.rule)
        if ruling.deed not in (Deed.JUMP, Deed.GOTO):
            return Passing.END
        goal = ruling.meaning.target
        for other in self.chains:
            if other.chain == goal and _are_of_one_table(other, chain):
                return self._passing(other)
        return Passing.SOME


def read_filters(shell: Shell, spaces: Iterable[str]) -> dict[str, Filters]:
    """Ask these namespaces, all at the same time; raises ToolMissing where nobody can tell what filters."""
    parts = {
        "has_nft": HAS_NFT,
        "json": "nft -j list ruleset",
        # -a: with the handles, by which a rule is taken away, and its JSON is told from others'
        "nft": "nft -a list ruleset",
        "tc": BY_TC,
        **SAVES,
    }
    answers = ask_each(ground_of(shell), spaces, parts)
    if not all(answer.get("has_nft", "").strip() for answer in answers.values()):
        raise ToolMissing("nft")
    return {space: filters_of(space, answer) for space, answer in answers.items()}


def filters_of(space: str, answers: Mapping[str, str]) -> Filters:
    """What filters in a namespace, of what its tools print.

    answers: `nft` (`nft -a list ruleset`), `json` (`nft -j list ruleset`), `tc` (BY_TC), and what the programs of SAVES
    print.
    """
    texts = {program: answers.get(program, "") for program in (*SAVES, "nft")}
    facts = filters(space, texts)
    by_handle = deeds.of_nft(answers.get("json", ""))
    rulings: dict[ChainPlace, list[Ruling]] = {}
    for rule in facts.rules:
        if is_set(rule.chain):
            continue
        meaning = _meaning(rule, facts.chains, by_handle)
        rulings.setdefault(rule.place, []).append(Ruling(rule, meaning))
    # the kernel calls no chain of a dormant table: nf_tables_table_disable()
    awake = tuple(chain for chain in facts.chains if not chain.is_dormant)
    by_tc = answers.get("tc", "").splitlines()
    return Filters(space, awake, rulings, tuple(by_tc))


def _are_of_one_table(one: Chain, other: Chain) -> bool:
    if one.program != other.program:
        return False
    return (one.family, one.table) == (other.family, other.table)


def _meaning(rule: FilterRule, chains: Iterable[Chain], by_handle: Mapping[Handle, Meaning]) -> Meaning:
    if rule.is_nft:
        handle = (rule.family, rule.table, str(rule.handle))
        # one that came between the two listings, so that nothing is known of it
        return by_handle.get(handle, Meaning(Deed.PERHAPS))
    names = [chain.chain for chain in chains if (chain.program, chain.table) == (rule.program, rule.table)]
    return deeds.of_iptables(rule.text, names)


def title(chain: ChainPlace) -> str:
    """A chain as a sentence calls it."""
    program = chain.program
    if program.endswith("s"):
        return tr("{program}' chain {chain}", program=program, chain=chain.chain)
    return tr("{program}'s chain {chain}", program=program, chain=chain.chain)


def in_table(chain: Chain) -> str:
    """The table that a chain is in, with the devices that it is for."""
    devices = devices_of(chain)
    if not devices:
        return chain.in_table
    return tr("{in_table}, at {devices}", in_table=chain.in_table, devices=together(devices))


def policy_line(chain: Chain) -> str:
    """How the policy of a chain stands in what lists it."""
    if chain.is_nft:
        return f"policy {chain.policy};"
    return f"-P {chain.chain} {chain.policy}"
