"""What does a rule of a packet filter do with a packet that it means? Read from a rule of iptables, or of nft's JSON.

Of nft's rules as text only what one word tells is read here, as a trace prints no JSON.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any


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


@dataclass(frozen=True)
class Meaning:
    """What a rule does, and with what.

    target: the chain of a jump or goto; means_all: whether it has no condition; means_old: whether it means only
    packets of connections that there are already.
    """

    deed: Deed
    target: str = ""
    means_all: bool = False
    means_old: bool = False


def _is_old(states: Iterable[str]) -> bool:
    """Whether these states are only of connections that there are already; nf_conntrack_common.h."""
    return {state.lower() for state in states} <= {"established", "related"}


# --- a rule of iptables ----------------------------------------------------------------------------------------------

DEEDS = {"ACCEPT": Deed.ACCEPT, "DROP": Deed.DROP, "REJECT": Deed.REJECT, "RETURN": Deed.RETURN}
REWRITING = ("SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP", "SNPT", "DNPT")  # iptables-extensions(8)
GOING_ON = ("LOG", "NFLOG", "MARK", "CONNMARK", "CT", "TCPMSS", "CHECKSUM", "TRACE", "DSCP", "TOS", "TTL", "HL", "SET")


def of_iptables(text: str, chains: Iterable[str] = ()) -> Meaning:
    """A rule as iptables-save has it: `-A CHAIN`, what it means, `-j TARGET` or `-g CHAIN`, the target's own words.

    chains: the names of the chains in its table, which are targets too.

    >>> of_iptables("-A FORWARD -s 10.1.0.0/24 -j ACCEPT")
    Meaning(deed=<Deed.ACCEPT: 'accept'>, target='ACCEPT', means_all=False, means_old=False)
    """
    words = shlex.split(text)[2:]
    meant: list[str] = []
    while words and words[0] not in ("-j", "-g"):
        if words[:2] == ["-m", "comment"]:
            words = words[4:]  # -m comment --comment TEXT means nothing
        else:
            meant.append(words.pop(0))
    option, target = (words[0], words[1]) if len(words) > 1 else ("", "")
    deed = Deed.GOTO if option == "-g" else _deed_of(target, chains)
    is_of_states = meant[:-1] == ["-m", "conntrack", "--ctstate"]
    return Meaning(
        deed=deed,
        target=target,
        means_all=not meant,
        means_old=is_of_states and _is_old(meant[-1].split(",")),
    )


def _deed_of(target: str, chains: Iterable[str]) -> Deed:
    if target in chains:
        return Deed.JUMP
    if target in REWRITING:
        return Deed.REWRITE
    if not target or target in GOING_ON:
        return Deed.GO_ON
    return DEEDS.get(target, Deed.PERHAPS)


# --- a rule of nft ---------------------------------------------------------------------------------------------------

TERMINAL = {"accept": Deed.ACCEPT, "drop": Deed.DROP, "reject": Deed.REJECT, "return": Deed.RETURN}
REWRITES = ("snat", "dnat", "masquerade", "redirect")
DECIDING = ("vmap", "queue", "xt", "tproxy", "synproxy", "fwd", "dup")  # where it goes on is not in the rule
Handle = tuple[str, str, str]  # family, table and number, which is one of its table's: nft(8)


def of_nft(answer: str) -> dict[Handle, Meaning]:
    """The rules in what `nft -j list ruleset` prints, by their handles; libnftables-json(5). Empty for what is none."""
    try:
        objects = json.loads(answer)["nftables"]
    except (ValueError, KeyError):
        return {}
    meanings = {}
    for one in objects:
        if "rule" in one:
            row = one["rule"]
            handle = (row["family"], row["table"], str(row["handle"]))
            meanings[handle] = _of_statements(row["expr"])
    return meanings


def _of_statements(parts: Iterable[Mapping[str, Any]]) -> Meaning:
    """A rule by its statements: conditions are `match`, all others do something."""
    deed, target = Deed.GO_ON, ""
    conditions: list[Mapping[str, Any]] = []
    for part in parts:
        (name, value), *_ = part.items()
        if name == "match":
            conditions.append(value)
        elif name == "limit":  # what is beyond it is not meant
            conditions.append({})
        elif name in TERMINAL:
            deed = TERMINAL[name]
        elif name in ("jump", "goto"):
            deed, target = Deed(name), value["target"]
        elif name in REWRITES or (name == "mangle" and _is_address(value)):
            deed = Deed.REWRITE
        elif name in DECIDING:
            deed = Deed.PERHAPS
    return Meaning(
        deed=deed,
        target=target,
        means_all=not conditions,
        means_old=len(conditions) == 1 and _is_of_old_states(conditions[0]),
    )


def _is_of_old_states(condition: Mapping[str, Any]) -> bool:
    """Whether it is `ct state established,related`; one state comes as a word, several as a list or a set."""
    if condition.get("left") != {"ct": {"key": "state"}} or condition.get("op") not in ("in", "=="):
        return False
    states = condition.get("right")
    if isinstance(states, Mapping):
        states = states.get("set")
    if isinstance(states, str):
        states = [states]
    return isinstance(states, list) and _is_old(states)


def _is_address(mangled: Mapping[str, Any]) -> bool:
    """Whether a statement sets an address of a packet: `ip saddr set 10.0.0.1`, or bits that may be of one."""
    field = mangled["key"].get("payload", {})
    if "base" in field:  # `@nh,96,32 set`: so many bits from there on, of whatever header
        return True
    return field.get("protocol") in ("ip", "ip6") and field.get("field") in ("saddr", "daddr")


# --- what a word tells, in the text of either ------------------------------------------------------------------------

# A comment, a log's prefix, a device: none of a rule's own words. But nft quotes what only iptables knows, too.
QUOTED = re.compile(r'(?<!xt target )(?<!xt match )"[^"]*"')
# iptables: --to-destination ADDRESS[:PORT], NETMAP --to NETWORK; nft: dnat to ADDRESS[:PORT]
GOAL = re.compile(r"(?:--to-destination|--to|dnat (?:ip6? )?to) (?P<ip>[\d.]+(?:/\d+)?)(?::(?P<port>\d+))?")
# Rules that drop what comes from a wrong side: the reverse-path filter as iptables and nft have it.
GUARD = re.compile(r"-m rpfilter\b|\bfib saddr\b")
DESTINATION = re.compile(r"-j (DNAT|REDIRECT|NETMAP)\b|\b(dnat|redirect)\b")
SOURCE = re.compile(r"-j (SNAT|MASQUERADE|NETMAP)\b|\b(snat|masquerade)\b")
REFUSAL = re.compile(r"\b(REJECT|reject)\b")
# By these a rule means one packet and not the next one: iptables-extensions(8), nft(8)
SOME = re.compile(r"-m (statistic|limit|hashlimit|quota|rateest)\b|\bnumgen\b|\blimit rate\b|\bquota (over |until )?\d")
UNTRACKED = re.compile(r"-j NOTRACK\b|-j CT .*(--notrack|--zone)\b|\bnotrack\b|\bct zone set\b")
TTL = re.compile(r"\b(TTL|HL)\b|\b(ttl|hoplimit) set\b")
MAC = re.compile(r"\bdnat\b|\bether daddr set\b")


@dataclass(frozen=True)
class Goal:
    """Where a rule of NAT sends: an address or a network as it is written, and a port when it changes that."""

    ip: str
    port: int | None = None

    def of(self, target: str) -> str:
        """The address that a packet for the target gets: NETMAP keeps the part within the network."""
        if "/" not in self.ip:
            return self.ip
        network = ip_network(self.ip, strict=False)
        rest = int(ip_address(target)) & int(network.hostmask)
        return str(network.network_address + rest)


def goal(text: str) -> Goal | None:
    """Where a rule sends what it means instead; None when it does not change that.

    >>> goal("-A PREROUTING -p tcp -j DNAT --to-destination 10.2.0.2:8080")
    Goal(ip='10.2.0.2', port=8080)
    """
    match = GOAL.search(_bare(text))
    if match is None:
        return None
    port = match["port"]
    return Goal(match["ip"], int(port) if port else None)


def refuses(text: str) -> bool:
    """Whether a rule says no to the sender, by ICMP or by a reset."""
    if text.startswith("-A "):
        return of_iptables(text).deed == Deed.REJECT
    return REFUSAL.search(_bare(text)) is not None


def is_guard(text: str) -> bool:
    """Whether it drops what comes from a wrong side, which would get no answer without it, either."""
    return GUARD.search(_bare(text)) is not None


def sets_source(text: str) -> bool:
    """Whether it gives packets another source."""
    return SOURCE.search(_bare(text)) is not None


def sets_destination(text: str) -> bool:
    """Whether it gives packets another destination."""
    return DESTINATION.search(_bare(text)) is not None


def means_some(text: str) -> bool:
    """Whether it means one packet and not the next one of the same kind, by chance or by counting."""
    return SOME.search(_bare(text)) is not None


def keeps_from_tracking(text: str) -> bool:
    """Whether conntrack does not follow what it means, or does so apart from other packets of the same connection."""
    return UNTRACKED.search(_bare(text)) is not None


def sets_ttl(text: str) -> bool:
    """Whether it gives packets another TTL, or hop limit."""
    return TTL.search(_bare(text)) is not None


def may_set_ttl(rules: str) -> bool:
    """Whether any of many rules may do so: of those that iptables made, nft names the target in quotes."""
    return TTL.search(rules) is not None


def sets_mac(text: str) -> bool:
    """Whether it gives frames another destination."""
    return MAC.search(_bare(text)) is not None


def _bare(text: str) -> str:
    return QUOTED.sub("", text)
