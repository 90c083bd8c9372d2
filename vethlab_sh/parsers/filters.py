"""What filters packets? The rules and chains of nft and of iptables, as facts, of what their tools print.

`nft list ruleset` has everything that nf_tables holds, also what iptables of today made there; that is told as
`iptables-save` has it, as its owner would type it. The older iptables-legacy is a filter of its own beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..facts import Chain, ChainPlace, FilterRule

# The tables that iptables makes, also in nf_tables
TABLES = ("filter", "nat", "mangle", "raw", "security")
FAMILIES = {"ip": "iptables", "ip6": "ip6tables"}
HAS_NFT = '[ -x "$(command -v nft)" ] && echo yes'  # without the program, no rule in its list proves nothing
# What iptables-legacy locks before it touches a table (xtables_lock() of iptables): where this is not, it never did.
LEGACY_LOCK = "/run/xtables.lock"


def _legacy_save(program: str, names: str, options: str = "") -> str:
    """The line of bash that prints what iptables-legacy made in this network namespace, and makes nothing there.

    /proc lists the tables. Where it lists none, a save would make them; where the file is missing, no module is loaded.
    It is readable for user 0 of the namespace's owner only. A rootless world has no user 0, so there each table is
    asked for by its name, which makes an empty one of it, and only where somebody has used iptables-legacy.
    """
    save = f"{program}-save {options}".strip()
    by_name = f"for table in {' '.join(TABLES)}; do {save} -t $table 2>/dev/null; done"
    return (
        f"if [ -r {names} ]; then read -r _ <{names} && {save}; "
        f"elif [ -e {names} ] && [ -e {LEGACY_LOCK} ]; then {by_name}; fi"
    )


LEGACY_NAMES = {"iptables-legacy": "/proc/net/ip_tables_names", "ip6tables-legacy": "/proc/net/ip6_tables_names"}
LEGACY_SAVES = {program: _legacy_save(program, names) for program, names in LEGACY_NAMES.items()}
LEGACY_COUNTED = {program: _legacy_save(program, names, "-c") for program, names in LEGACY_NAMES.items()}
BEGINS = re.compile(r"^\t(chain|set|map) (\S+) \{")
HANDLE = re.compile(r" # handle (\d+)$")  # as `nft -a` ends a rule
COUNTS = re.compile(r"counter packets \d+ bytes \d+ ?")  # without `nft -s`
POLICY = re.compile(r"policy (\w+);")
HOOK = re.compile(r"type \w+ hook (?P<hook>\w+)(?P<rest>.*)")
BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
# Of iptables-save: `:FORWARD DROP [3:252]`, `[3:252] -A FORWARD -j DROP`
POLICY_LINE = re.compile(r":(?P<chain>\S+) (?P<policy>\S+)(?: \[(?P<packets>\d+):\d+\])?")
RULE_LINE = re.compile(r"(?:\[(?P<packets>\d+):\d+\] )?(?P<text>-A (?P<chain>\S+).*)")
# Of a set these are filled by packets: what is in there comes and goes by itself
FILLED_BY_PACKETS = re.compile(r"\bflags [^;]*\b(dynamic|timeout)\b")
ELEMENTS = re.compile(r"\s*elements = \{.*\}")


@dataclass(frozen=True)
class Filters:
    """What filters in one namespace, in the order in which its tools list it."""

    chains: tuple[Chain, ...] = ()
    rules: tuple[FilterRule, ...] = ()


def filters(space: str, texts: Mapping[str, str]) -> Filters:
    """All that filters in a namespace, of the texts of its tools, by their names.

    texts: `nft` (`nft list ruleset`, with -s or -a), `iptables`, `ip6tables`, `iptables-legacy`, `ip6tables-legacy`
    (what their ...-save prints); those that were not asked are missing.
    """
    chains: list[Chain] = []
    rules: list[FilterRule] = []
    for program, text in texts.items():
        if program != "nft":
            chains += iptables_chains(space, program, text)
            rules += iptables_rules(space, program, text)
    typed = {(chain.family, chain.table) for chain in chains if not chain.program.endswith("-legacy")}
    for chain in nft_chains(space, texts.get("nft", "")):
        if (chain.family, chain.table) not in typed:
            chains.append(chain)
    for rule in nft_rules(space, texts.get("nft", "")):
        if (rule.family, rule.table) not in typed:
            rules.append(rule)
    return Filters(tuple(chains), tuple(rules))


# ---- iptables, of both kinds ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """A chain or a rule with the packets that have met its policy, or the rule; iptables-save(8), -c."""

    fact: Chain | FilterRule
    packets: int


def counted(space: str, program: str, text: str) -> Iterator[Counted]:
    """The chains and rules in what a program's -save prints; without -c a rule's packets are 0.

    The kernel's chains have a policy, a user's have none.
    """
    positions: dict[ChainPlace, int] = {}
    for table, line in _of_tables(text):
        match = POLICY_LINE.match(line) or RULE_LINE.match(line)
        if match is None:
            continue
        place = ChainPlace(
            namespace=space,
            program=program,
            family=_family(program),
            table=table,
            chain=match["chain"],
        )
        packets = int(match["packets"] or 0)
        if match.re is POLICY_LINE:
            policy = None if match["policy"] == "-" else match["policy"]
            yield Counted(_chain(place, policy=policy), packets)
        else:
            positions[place] = positions.get(place, 0) + 1
            yield Counted(_rule(place, positions[place], match["text"]), packets)


def iptables_chains(space: str, program: str, text: str) -> list[Chain]:
    """The chains in what a program's -save prints."""
    facts = [one.fact for one in counted(space, program, text)]
    return [fact for fact in facts if isinstance(fact, Chain)]


def iptables_rules(space: str, program: str, text: str) -> list[FilterRule]:
    """The rules in what a program's -save prints, without their counters."""
    facts = [one.fact for one in counted(space, program, text)]
    return [fact for fact in facts if isinstance(fact, FilterRule)]


def _chain(place: ChainPlace, **about: Any) -> Chain:
    return Chain(
        namespace=place.namespace,
        program=place.program,
        family=place.family,
        table=place.table,
        chain=place.chain,
        **about,
    )


def _rule(place: ChainPlace, position: int, text: str, handle: str | None = None) -> FilterRule:
    return FilterRule(
        namespace=place.namespace,
        program=place.program,
        family=place.family,
        table=place.table,
        chain=place.chain,
        position=position,
        text=text,
        handle=handle,
    )


def _of_tables(text: str) -> Iterator[tuple[str, str]]:
    """Each line of an iptables-save with the table that it is in."""
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif table:
            yield table, line


def _family(program: str) -> str:
    return "ip6" if program.startswith("ip6") else "ip"


# ---- nft ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A chain, a set or a map in what `nft list ruleset` prints, with the lines in it."""

    family: str
    table: str
    kind: str
    name: str
    lines: tuple[str, ...]
    is_dormant: bool = False


def blocks(text: str) -> Iterator[Block]:
    """The chains, sets and maps of a ruleset. What counts only (counters, quotas, limits) is left out."""
    family = table = ""
    is_dormant = False
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("table "):
            family, table = line.split()[1:3]
            is_dormant = False
        elif line.startswith("\tflags ") and "dormant" in line.split():
            is_dormant = True  # stands above the chains, and switches them all off
        elif begins := BEGINS.match(line):
            kind, name = begins.groups()
            yield Block(family, table, kind, name, tuple(_inside(lines)), is_dormant)


def _inside(lines: Iterator[str]) -> Iterator[str]:
    """The lines of a block, each in one line. This takes the lines up to its end."""
    for line in lines:
        if line == "\t}":
            return
        yield line.strip()


def nft_chains(space: str, ruleset: str) -> Iterator[Chain]:
    """The chains of a ruleset; those that no hook calls have neither hook nor policy."""
    for block in blocks(ruleset):
        if block.kind != "chain":
            continue
        chain = _chain(_place(space, block, block.name), is_dormant=block.is_dormant)
        for line in block.lines:
            if line.startswith("type "):
                chain = replace(chain, hook=_hook(block, line), policy=_policy(line))
        yield chain


def _place(space: str, block: Block, chain: str) -> ChainPlace:
    return ChainPlace(namespace=space, program="nft", family=block.family, table=block.table, chain=chain)


def _hook(block: Block, line: str) -> str:
    hook = line.partition(";")[0]
    return f"{hook} (its table is dormant)" if block.is_dormant else hook


def _policy(line: str) -> str | None:
    policy = POLICY.search(line)
    return policy[1] if policy else None


def nft_rules(space: str, ruleset: str) -> Iterator[FilterRule]:
    """The rules of a ruleset, and its sets and maps, which rules look into: their chain is `set NAME`, `map NAME`."""
    for block in blocks(ruleset):
        if block.kind != "chain":
            place = _place(space, block, f"{block.kind} {block.name}")
            yield _rule(place, 1, _contents(block))
            continue
        rules = [line for line in block.lines if _is_rule(line)]
        for position, line in enumerate(rules, start=1):
            handle = HANDLE.search(line)
            yield _rule(
                _place(space, block, block.name),
                position,
                text=without_counts(HANDLE.sub("", line)),
                handle=handle[1] if handle else None,
            )


def without_counts(text: str) -> str:
    """A rule of nft without what its counter has counted."""
    return COUNTS.sub("", text).strip()


def is_set(chain: str) -> bool:
    """Whether what stands for a chain is the name of a set or a map: no chain's name has a space."""
    return chain.startswith(("set ", "map "))


def hook_of(chain: Chain) -> str:
    """The name of the hook that calls a chain, as nft(8) has it: `forward`; empty where none does.

    >>> hook_of(Chain(namespace="", program="iptables", family="ip", table="nat", chain="OUTPUT"))
    'output'
    """
    if not chain.is_nft:
        return chain.chain.lower() if chain.chain in BUILT_IN else ""
    words = HOOK.match(chain.hook or "")
    return words["hook"] if words else ""


def devices_of(chain: Chain) -> list[str]:
    """The devices that a chain is for, at the hooks ingress and egress; none for all others."""
    words = HOOK.match(chain.hook or "")
    if words is None or words["hook"] not in ("ingress", "egress"):
        return []
    return re.findall(r'"([^"]+)"', words["rest"])


def _is_rule(line: str) -> bool:
    """Whether a line in a chain is a rule, and not what is said of the whole chain."""
    is_about_chain = line.startswith(("type ", "comment ", "devices "))
    return bool(line) and not is_about_chain


def _contents(block: Block) -> str:
    words = "; ".join(block.lines).replace(",; ", ", ")
    if FILLED_BY_PACKETS.search(words):
        return ELEMENTS.sub("", words).rstrip(";")
    return words
