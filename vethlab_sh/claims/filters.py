"""Which filters does a namespace have, and does anything pass them? Chains and rules of nft and of every iptables.

What iptables made is read from its own `iptables-save`, so that a rule stands there as its owner typed it; all else
from `nft -j list ruleset`. nft does not see iptables-legacy, and iptables-save does not see what nft made.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..errors import ToolMissing
from ..packet.causes.look import ask_each
from ..packet.follow import ground_of
from ..parsers.filters import HAS_NFT, LEGACY_SAVES, iptables_chains, iptables_rules
from ..shell import Shell

SAVES = {"iptables": "iptables-nft-save", "ip6tables": "ip6tables-nft-save", **LEGACY_SAVES}
BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


class Deed(StrEnum):
    """What a rule does with a packet that it means."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"
    REWRITE = "rewrite"
    PERHAPS = "perhaps"  # a map, a queue or a target that is not listed here decides
    GO_ON = "go on"  # it counts, logs or marks


DEEDS = {"ACCEPT": Deed.ACCEPT, "DROP": Deed.DROP, "REJECT": Deed.REJECT, "RETURN": Deed.RETURN}
REWRITING = ("SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP", "SNPT", "DNPT")  # iptables-extensions(8)
GOING_ON = ("LOG", "NFLOG", "MARK", "CONNMARK", "CT", "TCPMSS", "CHECKSUM", "TRACE", "DSCP", "TOS", "TTL", "HL", "SET")


@dataclass(frozen=True)
class Rule:
    """A rule of a chain.

    text: as its owner would type it; target: the chain of a jump or goto; means_all: whether it has no condition;
    means_old: whether it means only packets of connections that there are already; handle: its number, of nft's.
    """

    text: str
    deed: Deed
    target: str = ""
    means_all: bool = False
    means_old: bool = False
    handle: str = ""


@dataclass(frozen=True)
class Chain:
    """A chain: program (`nft`, or the iptables that made it), family, table, name; of a base chain hook and policy.

    devices: those that it is for, at the hooks ingress and egress; empty for all others.
    """

    program: str
    family: str
    table: str
    name: str
    hook: str = ""
    policy: str = ""
    rules: tuple[Rule, ...] = ()
    devices: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """As a sentence calls it."""
        owner = f"{self.program}'" if self.program.endswith("s") else f"{self.program}'s"
        return f"{owner} chain {self.name}"

    @property
    def place(self) -> str:
        """The table that it is in, as a sentence calls it."""
        if self.program != "nft":
            return f"table {self.table}"
        at = f", at {' and '.join(self.devices)}" if self.devices else ""
        return f"table {self.family} {self.table}{at}"

    @property
    def line(self) -> str:
        """The line that shows it."""
        if self.program == "nft":
            return f"nft list chain {self.family} {self.table} {self.name}"
        return f"{self._iptables} -S {shlex.quote(self.name)}"

    @property
    def policy_line(self) -> str:
        """How the policy stands in what that line prints."""
        return f"policy {self.policy};" if self.program == "nft" else f"-P {self.name} {self.policy.upper()}"

    @property
    def opening(self) -> str:
        """The line that turns its policy to accept."""
        if self.program == "nft":
            return f"nft 'chain {self.family} {self.table} {self.name} {{ policy accept; }}'"
        return f"{self._iptables} -P {self.name} ACCEPT"

    def removal(self, rule: Rule) -> str:
        """The line that takes a rule away."""
        if self.program == "nft":
            return f"nft delete rule {self.family} {self.table} {self.name} handle {rule.handle}"
        return f"{self._iptables} -D {rule.text.removeprefix('-A ')}"

    @property
    def _iptables(self) -> str:
        return self.program if self.table == "filter" else f"{self.program} -t {self.table}"


class Passing(StrEnum):
    """What becomes of packets in a chain that does not drop them all."""

    SOME = "some pass"
    END = "they come to its end"


@dataclass(frozen=True)
class Closed:
    """What nothing passes: the rule of a chain, or its policy where there is no rule."""

    chain: Chain
    rule: Rule | None = None


@dataclass(frozen=True)
class Filters:
    """The chains of a namespace, those with a hook first in each table."""

    namespace: str
    chains: tuple[Chain, ...]

    def closed(self, families: Iterable[str], hooks: Iterable[str]) -> Iterator[Closed]:
        """What nothing passes at these hooks: the first that drops everything, of each chain there.

        nf_hook_slow(): one drop is final. Told only where no condition could save a packet: what a rule does with one
        of them only a packet shows.
        """
        for chain in self.chains:
            if chain.family not in families or chain.hook not in hooks:
                continue
            passing = self._passing(chain)
            if isinstance(passing, Closed):
                yield passing
            elif passing == Passing.END and chain.policy == "drop":
                yield Closed(chain)

    @property
    def rewrites(self) -> bool:
        """Whether any rule rewrites addresses."""
        return any(True for _ in self.rewriting())

    def has_rules(self, families: Iterable[str], hooks: Iterable[str]) -> bool:
        """Whether a chain at these hooks has a rule."""
        chains = (chain for chain in self.chains if chain.family in families and chain.hook in hooks)
        return any(chain.rules for chain in chains)

    def rewriting(self) -> Iterator[tuple[Chain, Rule]]:
        """The rules that rewrite addresses."""
        for chain in self.chains:
            for rule in chain.rules:
                if rule.deed == Deed.REWRITE:
                    yield chain, rule

    def _passing(self, chain: Chain) -> Passing | Closed:
        """What becomes of the packets that begin a connection, in a chain, rule by rule."""
        some_are_at_the_end = False
        for rule in chain.rules:
            if rule.means_old:
                continue
            becomes = self._becomes(chain, rule)
            if becomes == Passing.SOME:
                return Passing.SOME
            if isinstance(becomes, Closed) and rule.means_all:
                # what came to the end before is not dropped here
                return Passing.END if some_are_at_the_end else becomes
            if becomes == Passing.END and rule.deed in (Deed.RETURN, Deed.GOTO):
                if rule.means_all:
                    return Passing.END
                some_are_at_the_end = True
        return Passing.END

    def _becomes(self, chain: Chain, rule: Rule) -> Passing | Closed:
        """What becomes of a packet that a rule of this chain means."""
        if rule.deed in (Deed.ACCEPT, Deed.REWRITE, Deed.PERHAPS):
            return Passing.SOME
        if rule.deed in (Deed.DROP, Deed.REJECT):
            return Closed(chain, rule)
        if rule.deed not in (Deed.JUMP, Deed.GOTO):
            return Passing.END
        for other in self.chains:
            same_table = (other.program, other.family, other.table) == (chain.program, chain.family, chain.table)
            if same_table and other.name == rule.target:
                return self._passing(other)
        return Passing.SOME


def read_filters(shell: Shell, spaces: Iterable[str]) -> dict[str, Filters]:
    """Ask these namespaces, all at the same time; raises ToolMissing where nobody can tell what filters."""
    parts = {"has_nft": HAS_NFT, "json": "nft -j list ruleset", "text": "nft -a list ruleset", **SAVES}
    answers = ask_each(ground_of(shell), spaces, parts)
    if not all(answer.get("has_nft", "").strip() for answer in answers.values()):
        raise ToolMissing("nft", "nftables")
    return {space: _read(space, answer) for space, answer in answers.items()}


def _read(space: str, parts: Mapping[str, str]) -> Filters:
    chains: list[Chain] = []
    for program in SAVES:
        chains += saved(program, parts.get(program, ""))
    by_iptables = {(chain.family, chain.table) for chain in chains if not chain.program.endswith("-legacy")}
    for chain in native(parts.get("json", ""), parts.get("text", "")):
        if (chain.family, chain.table) not in by_iptables:
            chains.append(chain)
    return Filters(space, tuple(chains))


# --- what iptables-save prints ---------------------------------------------------------------------------------------


def saved(program: str, text: str) -> list[Chain]:
    """The chains in what `iptables-save` prints; iptables-save(8).

    >>> chain, = saved("iptables", "*filter\\n:FORWARD DROP [0:0]\\n-A FORWARD -s 10.1.0.0/24 -j ACCEPT\\nCOMMIT")
    >>> chain.hook, chain.policy, chain.rules[0].deed.value, chain.rules[0].means_all
    ('forward', 'drop', 'accept', False)
    """
    rules: dict[tuple[str, str], list[list[str]]] = {}
    for rule in iptables_rules("", program, text):
        rules.setdefault((rule.table, rule.chain), []).append(shlex.split(rule.text))
    listed = list(iptables_chains("", program, text))
    chains = []
    for chain in listed:
        names = {other.chain for other in listed if other.table == chain.table}
        own = tuple(_typed_rule(words, names) for words in rules.get((chain.table, chain.chain), ()))
        hook = chain.chain.lower() if chain.chain in BUILT_IN else ""
        policy = (chain.policy or "").lower()
        chains.append(Chain(program, chain.family, chain.table, chain.chain, hook, policy, own))
    return chains


def _typed_rule(words: list[str], chains: set[str]) -> Rule:
    """A rule of iptables-save: `-A CHAIN`, what it means, `-j TARGET` or `-g CHAIN`, and the target's own words."""
    at = next((number for number, word in enumerate(words) if word in ("-j", "-g")), len(words))
    meant = _without_comment(words[2:at])
    target = words[at + 1] if at + 1 < len(words) else ""
    deed = Deed.GOTO if words[at : at + 1] == ["-g"] else _deed_of(target, chains)
    means_old = meant[:2] == ["-m", "conntrack"] and meant[2:3] == ["--ctstate"] and _is_old(meant[3].split(","))
    return Rule(shlex.join(words), deed, target, not meant, means_old and len(meant) == 4)


def _without_comment(words: list[str]) -> list[str]:
    if words[:2] == ["-m", "comment"]:
        return _without_comment(words[4:])
    return words[:1] + _without_comment(words[1:]) if words else []


def _deed_of(target: str, chains: set[str]) -> Deed:
    if target in chains:
        return Deed.JUMP
    if target in REWRITING:
        return Deed.REWRITE
    if not target or target in GOING_ON:
        return Deed.GO_ON
    return DEEDS.get(target, Deed.PERHAPS)


def _is_old(states: Iterable[str]) -> bool:
    """Whether these states are only of connections that there are already; nf_conntrack_common.h."""
    return {state.lower() for state in states} <= {"established", "related"}


# --- what nft prints -------------------------------------------------------------------------------------------------

HANDLE = re.compile(r"\s*(.*) # handle (\d+)$")
DEVICES = re.compile(r"hook (ingress|egress) devices? ")
COUNTS = re.compile(r"counter packets \d+ bytes \d+ ?")
TERMINAL = {"accept": Deed.ACCEPT, "drop": Deed.DROP, "reject": Deed.REJECT, "return": Deed.RETURN}
REWRITES = ("snat", "dnat", "masquerade", "redirect")
DECIDING = ("vmap", "queue", "xt", "tproxy", "synproxy", "fwd", "dup")  # where it goes on is not in the rule


def native(answer: str, listing: str) -> Iterator[Chain]:
    """The chains in what `nft -j list ruleset` prints; libnftables-json(5). listing: `nft -a list ruleset`."""
    try:
        objects = json.loads(answer)["nftables"]
    except (ValueError, KeyError):
        return
    texts = _texts(listing)
    devices = _devices(listing)
    asleep = _dormant(listing)
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for one in objects:
        if "rule" not in one:
            continue
        row = one["rule"]
        text = texts.get((row["family"], row["table"], str(row["handle"])), "")
        rule = replace(_native_rule(row["expr"], text), handle=str(row["handle"]))
        rules.setdefault((row["family"], row["table"], row["chain"]), []).append(rule)
    for one in objects:
        if "chain" not in one:
            continue
        row = one["chain"]
        where = (row["family"], row["table"], row["name"])
        if where[:2] in asleep:
            continue
        yield Chain(
            "nft",
            *where,
            hook=row.get("hook", ""),
            policy=row.get("policy", ""),
            rules=tuple(rules.get(where, ())),
            devices=devices.get(where, ()),
        )


def _texts(listing: str) -> Mapping[tuple[str, str, str], str]:
    """The text of each rule by family, table and handle, which is one of its table's; nft(8)."""
    texts = {}
    family = table = ""
    for line in listing.splitlines():
        if line.startswith("table "):
            family, table = line.split()[1:3]
        found = HANDLE.fullmatch(line)
        if found:
            texts[family, table, found[2]] = COUNTS.sub("", found[1]).strip()
    return texts


def _dormant(listing: str) -> set[tuple[str, str]]:
    """The tables that are there and do nothing (`flags dormant`), which nft's JSON does not tell (1.0.6)."""
    asleep = set()
    family = table = ""
    for line in listing.splitlines():
        if line.startswith("table "):
            family, table = line.split()[1:3]
        elif line.startswith("\tflags ") and "dormant" in line.split("flags ")[1]:
            asleep.add((family, table))
    return asleep


def _devices(listing: str) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    """The devices of chains at the hooks ingress and egress, which nft's JSON leaves out (1.0.6)."""
    devices = {}
    family = table = name = ""
    for line in listing.splitlines():
        words = line.split()
        if line.startswith("table "):
            family, table = words[1:3]
        elif words[:1] == ["chain"]:
            name = words[1]
        elif words[:1] == ["type"] and DEVICES.search(line):
            devices[family, table, name] = tuple(re.findall(r'"([^"]+)"', line))
    return devices


def _native_rule(parts: list[Mapping[str, Any]], text: str) -> Rule:
    """A rule by its statements: conditions are `match`, all others do something."""
    deed, target = Deed.GO_ON, ""
    conditions = [part["match"] for part in parts if "match" in part]
    for part in parts:
        (name, value), *_ = part.items()
        if name in TERMINAL:
            deed = TERMINAL[name]
        elif name in ("jump", "goto"):
            deed, target = Deed(name), value["target"]
        elif name in REWRITES or (name == "mangle" and _is_address(value)):
            deed = Deed.REWRITE
        elif name in DECIDING:
            deed = Deed.PERHAPS
        elif name == "limit":  # what is beyond it is not meant
            conditions.append({})
    means_old = len(conditions) == 1 and _means_old(conditions[0])
    return Rule(text, deed, target, not conditions, means_old)


def _means_old(condition: Mapping[str, Any]) -> bool:
    is_state = condition.get("left") == {"ct": {"key": "state"}} and condition.get("op") in ("in", "==")
    states = condition.get("right")
    if isinstance(states, Mapping):
        states = states.get("set")
    if isinstance(states, str):
        states = [states]
    return is_state and isinstance(states, list) and _is_old(states)


def _is_address(mangled: Mapping[str, Any]) -> bool:
    """Whether a statement sets an address of a packet: `ip saddr set 10.0.0.1`."""
    field = mangled["key"].get("payload", {})
    return field.get("protocol") in ("ip", "ip6") and field.get("field") in ("saddr", "daddr")
