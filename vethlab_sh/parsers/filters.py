"""What filters packets? The rules and chains of nft and of iptables, as facts, of what their tools print.

`nft list ruleset` has everything that nf_tables holds, also what iptables of today made there; that is told as
`iptables-save` has it, as its owner would type it. The older iptables-legacy is a filter of its own beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..facts import Chain, FilterRule

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
HANDLE = re.compile(r" # handle \d+$")
POLICY = re.compile(r"policy (\w+);")
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

    texts: `nft` (`nft -s list ruleset`), `iptables`, `ip6tables`, `iptables-legacy`, `ip6tables-legacy` (what their
    ...-save prints); those that were not asked are missing.
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


def iptables_chains(space: str, program: str, text: str) -> Iterator[Chain]:
    """The chains in what a program's -save prints: those of the kernel with their policy, a user's with none."""
    for table, line in _of_tables(text):
        if line.startswith(":"):
            name, policy = line[1:].split()[:2]
            yield Chain(
                namespace=space,
                program=program,
                family=_family(program),
                table=table,
                chain=name,
                policy=None if policy == "-" else policy,
            )


def iptables_rules(space: str, program: str, text: str) -> Iterator[FilterRule]:
    """The rules in what a program's -save prints, without their counters."""
    lines = []
    for table, line in _of_tables(text):
        text_of_rule = re.sub(r"^\[\d+:\d+\] ", "", line)
        if text_of_rule.startswith("-A "):
            lines.append((table, text_of_rule.split()[1], text_of_rule))
    yield from _counted(space, program, [(_family(program), *line) for line in lines])


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
    """The lines of a block, each in one line, without its handle. This takes the lines up to its end."""
    for line in lines:
        if line == "\t}":
            return
        yield HANDLE.sub("", line.strip())


def nft_chains(space: str, ruleset: str) -> Iterator[Chain]:
    """The chains of a ruleset; those that no hook calls have neither hook nor policy."""
    for block in blocks(ruleset):
        if block.kind != "chain":
            continue
        chain = Chain(namespace=space, program="nft", family=block.family, table=block.table, chain=block.name)
        for line in block.lines:
            if line.startswith("type "):
                chain = replace(chain, hook=_hook(block, line), policy=_policy(line))
        yield chain


def _hook(block: Block, line: str) -> str:
    hook = line.partition(";")[0]
    return f"{hook} (its table is dormant)" if block.is_dormant else hook


def _policy(line: str) -> str | None:
    policy = POLICY.search(line)
    return policy[1] if policy else None


def nft_rules(space: str, ruleset: str) -> Iterator[FilterRule]:
    """The rules of a ruleset, and its sets and maps, which rules look into: their chain is `set NAME`, `map NAME`."""
    lines = []
    for block in blocks(ruleset):
        where = (block.family, block.table)
        if block.kind == "chain":
            for line in block.lines:
                if _is_rule(line):
                    lines.append((*where, block.name, line))
        else:
            lines.append((*where, f"{block.kind} {block.name}", _contents(block)))
    yield from _counted(space, "nft", lines)


def is_set(chain: str) -> bool:
    """Whether what stands for a chain is the name of a set or a map: no chain's name has a space."""
    return chain.startswith(("set ", "map "))


def _is_rule(line: str) -> bool:
    """Whether a line in a chain is a rule, and not what is said of the whole chain."""
    is_about_chain = line.startswith(("type ", "comment ", "devices "))
    return bool(line) and not is_about_chain


def _contents(block: Block) -> str:
    words = "; ".join(block.lines).replace(",; ", ", ")
    if FILLED_BY_PACKETS.search(words):
        return ELEMENTS.sub("", words).rstrip(";")
    return words


def _counted(space: str, program: str, lines: Iterable[tuple[str, str, str, str]]) -> Iterator[FilterRule]:
    """Rules of these families, tables, chains and texts, with their positions in their chains."""
    positions: dict[tuple[str, str, str], int] = {}
    for family, table, chain, text in lines:
        place = (family, table, chain)
        positions[place] = positions.get(place, 0) + 1
        yield FilterRule(
            namespace=space,
            program=program,
            family=family,
            table=table,
            chain=chain,
            position=positions[place],
            text=text,
        )
