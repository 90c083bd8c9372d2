"""What does a namespace say when it is asked once more? Settings, rules, all routes, filters, sockets, counters.

Asked only after an answer did not come: a walk that succeeds costs nothing of this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any

from ...facts import Route, Rule
from ...inside import quoted
from ...parsers import deeds, routing
from ...parsers.filters import HAS_NFT, LEGACY_COUNTED
from ..listen import Ground
from ..lookup import next_hops, prefix_length

# Below /proc/sys/net. Of IPv6 only what decides about an echo: the rest is many.
PATHS = (
    "ipv4/ip_forward",
    "ipv4/ip_default_ttl",
    "ipv4/icmp_echo_ignore_all",
    "ipv4/conf/*/{forwarding,rp_filter,proxy_arp,arp_ignore,arp_filter,accept_local,route_localnet}",
    "ipv6/conf/*/{forwarding,disable_ipv6,proxy_ndp,hop_limit}",
    "ipv6/icmp/echo_ignore_all",
    "bridge/bridge-nf-call-{iptables,ip6tables,arptables}",
)
# A line `DEVICE WAY JSON` for each hook at which tc may have filters: tc(8), clsact and ingress.
TC_FILTERS = """tc qdisc show | while read -r _ kind _ _ dev _; do
  case $kind in ingress | clsact)
    for way in ingress egress; do echo "$dev $way $(tc -s -j filter show dev "$dev" $way | tr -d '\n')"; done;;
  esac
done"""
MARK, MARK_PRINTED = "\1=", r"\1="  # begins the line above each answer; no tool prints it
# What a namespace is asked for, and how.
PARTS = {
    "settings": f"cd /proc/sys/net && grep -s . {' '.join(PATHS)}",
    "rules": "ip -j rule",
    "rules6": "ip -6 -j rule",
    "routes": "ip -j route show table all root 0.0.0.0/0",
    "routes6": "ip -6 -j route show table all",
    "nft": "nft -a list ruleset",
    "has_nft": HAS_NFT,
    "legacy": LEGACY_COUNTED["iptables-legacy"],
    "legacy6": LEGACY_COUNTED["ip6tables-legacy"],
    "sockets": "ss -Htuln",
    "counters": "cat /proc/net/snmp /proc/net/netstat",
    "counters6": "cat /proc/net/snmp6 /proc/net/xfrm_stat",
    "queues": "tc -s -j qdisc",
    "tc": TC_FILTERS,
}
# What a probe moves, to be asked for before and after it; the rest stays as it is.
COUNTED = ("legacy", "legacy6", "counters", "counters6", "queues", "tc")
RULES = tuple(part for part in PARTS if part not in COUNTED or part.startswith("legacy"))
NUMBERS = ("local", "main", "default")  # tables with a name: 255, 254, 253
HOOKS = ("ingress", "clsact")  # qdiscs that keep no packets, and only carry filters: tc(8)
# Actions after which a packet goes on: `control_action` in tc-actions(8).
GOES_ON = ("pass", "pipe", "continue", "reclassify")
# Those that send a packet elsewhere, mark it or end it, and leave it as it is
KEEPING_PACKETS = ("gact", "mirred", "police", "skbedit", "vlan", "tunnel_key", "sample", "connmark")
GIVEN = (0, 32766, 32767)  # the priorities of the three rules that each namespace has: ip-rule(8)


@dataclass(frozen=True)
class Socket:
    """What listens: protocol (tcp, udp), address as `ss` says it (`0.0.0.0`, `*`, `[::1]` without brackets), port.

    waiting: what is in its queue; of UDP bytes, of TCP connections; device: the only one by which it takes any.
    """

    protocol: str
    address: str
    port: int
    waiting: int = 0
    device: str = ""

    def takes(self, protocol: str, ip: str, port: int) -> bool:
        """Whether it would take what comes for this address."""
        if (self.protocol, self.port) != (protocol, port):
            return False
        # `ss` says * of a socket of IPv6 that takes IPv4, too: ipv6(7), IPV6_V6ONLY
        if self.address == "*":
            return True
        if self.address in ("0.0.0.0", "::"):
            is_v6 = ":" in self.address
            return is_v6 == (":" in ip)
        return self.address == ip


@dataclass(frozen=True)
class TcFilter:
    """A filter of tc at a device: the way (ingress, egress), its place in the order (pref), its kind, and what it does.

    action: the kind of its last action, `mirred`, `gact`; to_dev: where that sends a packet; taken: how many packets
    went no further here because of it.
    """

    device: str
    way: str
    pref: int
    kind: str
    action: str = ""
    to_dev: str = ""
    taken: int = 0


@dataclass(frozen=True)
class Look:
    """What one namespace answered.

    settings: by their path below /proc/sys/net; routes: of all tables; nft: the ruleset, as text; has_nft: whether the
    program is there that tells it; legacy: what iptables-legacy-save says, by family; counters: of the kernel's SNMP
    tables, as `nstat` calls them; queues: what each device's queue has dropped, as `tc -s qdisc` tells it; hooks: the
    same of the filters of tc at a device; tc: these filters; protocol, port: of the probe that is asked about, as
    ip-rule(8) calls them.
    """

    namespace: str
    settings: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = ()
    nft: str = ""
    has_nft: bool = False
    legacy: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[Socket, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    queues: Mapping[str, int] = field(default_factory=dict)
    hooks: Mapping[str, int] = field(default_factory=dict)
    tc: tuple[TcFilter, ...] = ()
    protocol: str = "icmp"
    port: int = 0

    def number(self, path: str) -> int:
        """A setting as a number; 0 where this kernel has none of that name."""
        value = self.settings.get(path, "0")
        is_number = value.removeprefix("-").isdigit()
        return int(value) if is_number else 0

    def conf(self, device: str, name: str) -> int:
        """A setting of a device's IPv4 for which the larger one of `all` and the device counts (IN_DEV_MAXCONF)."""
        of_all = self.number(f"ipv4/conf/all/{name}")
        own = self.number(f"ipv4/conf/{device}/{name}")
        return max(of_all, own)

    @property
    def filters(self) -> bool:
        """Whether anything could drop or rewrite here: a rule, or a policy that is not accept."""
        texts = [self.nft, *self.legacy.values()]
        return any(text.strip() for text in texts)

    def starting_ttls(self, is_v6: bool) -> set[int]:
        """With which TTLs, or hop limits, it sends by its settings: IPv6 has one for each device."""
        if not is_v6:
            return {self.number("ipv4/ip_default_ttl")}
        return {self.number(path) for path in self.settings if path.endswith("/hop_limit")}

    @property
    def may_set_ttl(self) -> bool:
        """Whether anything here may give packets another TTL: a rule of a filter, or what tc does with packets."""
        rewriting = [one for one in self.tc if one.action not in KEEPING_PACKETS]
        return bool(rewriting) or any(deeds.may_set_ttl(rules) for rules in (self.nft, *self.legacy.values()))

    @property
    def families(self) -> set[str]:
        """The families that nft has tables in."""
        tables = re.findall(r"^table (\w+) ", self.nft, re.M)
        return set(tables)

    def decide(self, dst: str, src: str | None = None, iif: str | None = None, vrf: str | None = None) -> Decision:
        """The rule and the route that the kernel takes for a packet (fib_rules_lookup(), net/core/fib_rules.c).

        src: its source, when it is known; iif: the device that it came in by, `lo` for what starts here; vrf: the table
        of the VRF that it is in.
        """
        thrown: Decision | None = None
        jump: Rule | None = None
        for rule in self._asked(dst, src, iif or "lo"):
            if _goal(rule) is not None:
                jump = rule
                continue
            if rule.action:
                return Decision(rule, None)
            table = vrf if rule.table == routing.OF_A_VRF else rule.table
            hops = next_hops([route for route in self.routes if route.table == table], dst)
            route = hops[0] if hops else None
            if route is None or _is_suppressed(rule, route, dst):
                continue
            # throw: as if the table had no route, so the next rule is asked; ip-route(8)
            if route.kind != "throw":
                return Decision(rule, route, tuple(hops))
            thrown = thrown or Decision(rule, route)
        if thrown:
            return thrown
        if jump is None:
            return Decision(None, None)
        # Nothing took it after a jump: the jump is to blame, if without it there would be a route.
        rules = tuple(rule for rule in self.rules if rule is not jump)
        without = replace(self, rules=rules)
        would_go = without.decide(dst, src, iif, vrf).route
        return Decision(jump if would_go else None, None)

    def _asked(self, dst: str, src: str | None, iif: str) -> Iterator[Rule]:
        """The rules that mean a packet, in the order in which the kernel asks them; jumps are among them."""
        family = "inet6" if ":" in dst else "inet"
        rules = [rule for rule in self.rules if rule.family == family]
        rules.sort(key=lambda rule: rule.priority)
        priorities = {rule.priority for rule in rules}
        goes_on_at = 0
        for rule in rules:
            if rule.priority < goes_on_at or rule.action == "nop":
                continue
            if not self._matches(rule, dst, src, iif):
                continue
            goal = _goal(rule)
            if goal is None:
                yield rule
            elif goal in priorities:  # else the kernel goes on with the next one
                goes_on_at = goal
                yield rule

    def _matches(self, rule: Rule, dst: str, src: str | None, iif: str) -> bool:
        is_meant = self._meets(rule) and _means(rule, dst, src, iif)
        return is_meant != rule.inverted

    def _meets(self, rule: Rule) -> bool:
        """Whether the probe has what a rule asks of its header; no, where that is not known."""
        header = {"ipproto": self.protocol, "dport": str(self.port)}
        words = rule.selectors.split()
        names = words[::2]
        values = words[1::2]
        return all(header.get(name) == value for name, value in zip(names, values, strict=False))

    @property
    def is_judged(self) -> bool:
        """Whether its rules can be judged from here: of a mark, a user or a source port only the kernel knows."""
        for rule in self.rules:
            names = set(rule.selectors.split()[::2])
            if rule.fwmark or rule.oif or names - {"ipproto", "dport"}:
                return False
        return True

    def has_own(self, ip: str) -> Route | None:
        """The route by which the namespace takes an address for its own."""
        for route in self.routes:
            if route.kind == "local" and _takes(route, ip):
                return route
        return None

    def is_broadcast(self, ip: str) -> Route | None:
        """The route that makes an address a broadcast address of a network here."""
        for route in self.routes:
            if route.kind == "broadcast" and route.to == ip:
                return route
        return None


@dataclass(frozen=True)
class Decision:
    """Where a packet goes: by which rule, by which route; neither: nowhere. hops: all next hops of that route."""

    rule: Rule | None
    route: Route | None
    hops: tuple[Route, ...] = ()

    @property
    def is_special(self) -> bool:
        """Whether a rule that somebody made decided: not one of the three that every namespace has."""
        if self.rule is None:
            return False
        is_given = self.rule.src == "all" and self.rule.priority in GIVEN
        return not is_given


def _goal(rule: Rule) -> int | None:
    """The priority at which a rule says to go on: `goto 100`."""
    if not rule.action or not rule.action.startswith("goto"):
        return None
    return int(rule.action.split()[1])


def _takes(route: Route, ip: str) -> bool:
    is_same_family = (":" in route.to) == (":" in ip)
    return is_same_family and prefix_length(route.to, ip) is not None


def _is_suppressed(rule: Rule, route: Route, dst: str) -> bool:
    if rule.suppress is None:
        return False
    # `suppress_prefixlength 0` skips the default route of a table; ip-rule(8)
    length = prefix_length(route.to, dst)
    return length is not None and length <= rule.suppress


def _means(rule: Rule, dst: str, src: str | None, iif: str) -> bool:
    if rule.fwmark or rule.oif:
        return False  # our probes carry no mark, and are bound to no device
    if rule.iif and rule.iif != iif:
        return False
    if rule.src != "all" and (src is None or not _holds(rule.src, src)):
        return False
    return rule.dst is None or _holds(rule.dst, dst)


def _holds(prefix: str, ip: str) -> bool:
    if prefix in ("all", "default"):
        return True
    return ip_address(ip) in ip_network(prefix, strict=False)


def look(ground: Ground, spaces: Iterable[str], parts: Iterable[str] = RULES) -> dict[str, Look]:
    """Ask these namespaces, all at the same time. What a tool that is missing would have told is empty.

    parts: what they are asked for, of PARTS; of the rest nothing is known.
    """
    lines = {part: PARTS[part] for part in parts}
    answers = ask_each(ground, spaces, lines)
    return {space: _read(space, answer) for space, answer in answers.items()}


def ask_each(ground: Ground, spaces: Iterable[str], parts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Run these lines in each of these namespaces, all at the same time; what each line printed, by its name."""
    spaces = list(spaces)
    asking = [f"printf '\\n{MARK_PRINTED}%s\\n' {part}; ({line})" for part, line in parts.items()]
    ask = "bash -c " + quoted("\n".join(asking))
    script = ["here=$(mktemp -d /run/look.XXXXXX) || exit 1", "trap 'rm -rf \"$here\"' EXIT"]
    for number, space in enumerate(spaces):
        script.append(f'{ground.inside(space, ask)} >"$here/{number}" 2>/dev/null &')
    script.append("wait")
    for number in range(len(spaces)):
        script.append(f"printf '\\0'; cat \"$here/{number}\"")
    ran = ground.run("\n".join(script))
    _, *answers = ran.exact.split("\0")
    return {space: _by_part(text) for space, text in zip(spaces, answers, strict=False)}


def _by_part(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(f"\n{MARK}")[1:]:
        name, _, answer = part.partition("\n")
        parts[name] = answer
    return parts


def _read(space: str, parts: Mapping[str, str]) -> Look:
    rules: list[Rule] = []
    routes: list[Route] = []
    for family, number in (("inet", ""), ("inet6", "6")):
        rules += routing.rules(space, family, _json(parts.get(f"rules{number}", "")))
        routes += routing.routes(space, family, _json(parts.get(f"routes{number}", "")))
    queues = _json(parts.get("queues", ""))
    return Look(
        namespace=space,
        settings=_settings(parts.get("settings", "")),
        rules=tuple(rules),
        routes=tuple(routes),
        nft=parts.get("nft", ""),
        has_nft=bool(parts.get("has_nft", "").strip()),
        legacy={"ip": parts.get("legacy", ""), "ip6": parts.get("legacy6", "")},
        sockets=tuple(_sockets(parts.get("sockets", ""))),
        counters=_counters(parts.get("counters", ""), parts.get("counters6", "")),
        queues=_drops(row for row in queues if row["kind"] not in HOOKS),
        hooks=_drops(row for row in queues if row["kind"] in HOOKS),
        tc=tuple(_tc_filters(parts.get("tc", ""))),
    )


def _settings(text: str) -> dict[str, str]:
    """What `grep . FILE...` prints: a line `PATH:VALUE` for each file."""
    settings = {}
    for line in text.splitlines():
        path, _, value = line.partition(":")
        settings[path] = value
    return settings


def _json(text: str) -> list[dict[str, Any]]:
    try:
        rows = json.JSONDecoder(strict=False).raw_decode(text.strip())[0]
    except ValueError:
        return []
    return [row for row in rows if row]


def _sockets(text: str) -> Iterable[Socket]:
    for line in text.splitlines():
        words = line.split()
        if len(words) < 5:
            continue
        protocol, local = words[0], words[4]
        address, _, port = local.rpartition(":")
        address, _, device = address.partition("%")
        if port.isdigit():
            yield Socket(protocol, address.strip("[]"), int(port), int(words[2]), device.strip("[]"))


def _counters(snmp: str, snmp6: str) -> dict[str, int]:
    """snmp: tables of two lines each, the names and then the numbers; snmp6: a line for each name and its number."""
    counters: dict[str, int] = {}
    lines = snmp.splitlines()
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        table, _, names = names.partition(":")
        _, _, numbers = numbers.partition(":")
        for name, number in zip(names.split(), numbers.split(), strict=False):
            counters[table + name] = int(number)
    for line in snmp6.splitlines():
        words = line.split()
        if len(words) != 2:
            continue
        name, number = words
        if number.isdigit():
            counters[name] = int(number)
    return counters


def _drops(queues: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many packets queues have dropped, or what hangs on them, by device."""
    drops: dict[str, int] = {}
    for row in queues:
        device = row["dev"]  # which has several queues, when it has classes
        drops[device] = drops.get(device, 0) + row.get("drops", 0)
    return drops


def _tc_filters(text: str) -> Iterable[TcFilter]:
    for line in text.splitlines():
        device, way, told = (*line.split(" ", 2), "", "")[:3]
        for row in _json(told):
            actions = row.get("options", {}).get("actions", [])
            last = actions[-1] if actions else {}
            yield TcFilter(
                device=device,
                way=way,
                pref=row["pref"],
                kind=row["kind"],
                action=last.get("kind", ""),
                to_dev=last.get("to_dev", ""),
                taken=sum(_taken_by(action) for action in actions),
            )


def _taken_by(action: Mapping[str, Any]) -> int:
    """How many packets an action of tc kept from going on."""
    stats = action.get("stats", {})
    verdict = action.get("control_action", {}).get("type", "pipe")
    if verdict in GOES_ON:
        return int(stats.get("drops", 0))  # as `police` does
    return int(stats.get("packets", 0))
