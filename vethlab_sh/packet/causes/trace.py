"""What do the filters do with the probe? The same probe once more, traced by nft, and what the counters say of it.

Each namespace that is asked gets a table of ours, whose rules mark the probe for tracing at every hook; `nft monitor
trace` (nft(8), nf_tables tracing) then tells each rule that it meets, and what becomes of it. The table belongs to the
process that made it (`flags owner`): the kernel removes it with that process, however that ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ...inside import quoted
from ..listen import Ground
from ..probe import Probe
from .look import COUNTED, MARK, Look, TcFilter, look

TABLE = "vethlab_trace"
SECONDS = 5  # for nft to have made its table; it takes some milliseconds
FIRST, LAST = -500, 500  # priorities before and after those that anybody uses: linux/netfilter_ipv4.h

# A named pipe keeps `nft -i` waiting, with its table, for more. `nft monitor` tells changes of the rules and traces in
# one order: what it says of a chain that we add tells that it listens, and at the end that it has told all before.
SCRIPT = """
here=$(mktemp -d /run/trace.XXXXXX) || exit 1
pids=() pipes=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$here"' EXIT
trap 'exit 130' INT TERM
mkfifo "$here/nap"; exec {nap}<>"$here/nap"
trace() {  # NUMBER TABLES LINE-THAT-ENTERS...
    local number=$1 tables=$2 pipe; shift 2
    mkfifo "$here/in$number"
    "$@" nft monitor >"$here/out$number" 2>/dev/null &
    pids+=($!)
    "$@" nft -i <"$here/in$number" >/dev/null 2>&1 &
    pids+=($!)
    exec {pipe}>"$here/in$number"
    pipes[number]=$pipe
    printf '%s\\n' "$tables" >&"$pipe"
}
heard() {  # NUMBER WORD
    local end=$((SECONDS + LIMIT)) round=0 told
    until mapfile told <"$here/out$1"; [[ ${told[*]} == *"TABLE $2"* ]]; do
        [ $SECONDS -lt $end ] || return 1
        printf 'add chain inet TABLE %s%s\\n' "$2" $((round++)) >&"${pipes[$1]}"
        read -r -t 0.01 -u "$nap"
    done
    return 0  # not what the last nap said
}
"""


@dataclass(frozen=True)
class Step:
    """What one hook did with a frame.

    packet: its number in this namespace; family, table, chain: where; rule: the rule's text, empty for a policy or for
    the packet itself; verdict: accept, drop, continue …; words: the packet's own, as nft tells it; mark: what it has
    been marked with by then, 0 for nothing.
    """

    packet: str
    family: str
    table: str
    chain: str
    rule: str = ""
    verdict: str = ""
    is_policy: bool = False
    words: str = ""
    mark: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether it is in the table that we made, and only tells that the packet came by."""
        return self.table == TABLE

    def word(self, name: str) -> str:
        """What follows a word of the packet: `saddr`, `daddr`, `iif` …; of addresses the IP's, not the MAC's."""
        prefix = "(?:ip|ip6) " if name in ("saddr", "daddr") else ""
        match = re.search(rf'\b{prefix}{name} "?([^ "]+)', self.words)
        if match is None:
            return ""
        return match[1]


@dataclass(frozen=True)
class Again:
    """What the same probe, sent once more, did. answered: whether an answer came; before, after: what each namespace
    had counted before and after it (COUNTED); steps: what its filters did, in order; heard: whether all was heard.
    """

    answered: bool
    before: Mapping[str, Look] = field(default_factory=dict)
    after: Mapping[str, Look] = field(default_factory=dict)
    steps: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    heard: bool = False

    def moved(self, space: str, counter: str) -> int:
        """By how much one of the kernel's counters grew."""
        if space not in self.before or space not in self.after:
            return 0
        was = self.before[space].counters.get(counter, 0)
        now = self.after[space].counters.get(counter, 0)
        return now - was

    def dropped_by_queue(self, space: str, device: str) -> int:
        """How many packets the device's queue dropped."""
        if space not in self.before or space not in self.after:
            return 0
        was = self.before[space].queues.get(device, 0)
        now = self.after[space].queues.get(device, 0)
        return now - was

    def taken_by_tc(self, space: str) -> TcFilter | None:
        """The first filter of tc in a namespace that kept a packet from going on."""
        if space not in self.before or space not in self.after:
            return None
        before, after = self.before[space], self.after[space]
        was = {replace(one, taken=0): one.taken for one in before.tc}
        for one in after.tc:
            if one.taken > was.get(replace(one, taken=0), one.taken):
                return one
        for device, drops in after.hooks.items():
            # a program of BPF has no count of its own, but its hook has: tc-bpf(8), direct-action
            if drops > before.hooks.get(device, drops):
                return next((one for one in after.tc if one.device == device), None)
        return None


def again(ground: Ground, probe: Probe, looks: Mapping[str, Look], ports: Iterable[int]) -> Again:
    """Send the probe once more and see what the kernel does with it.

    looks: what each namespace on the way said; ports: UDP ports of tunnels on the way.
    """
    tables = {}
    for space, one in looks.items():
        if one.filters:
            tables[space] = "\n".join(_tables(one, probe, ports))
    before = look(ground, looks, COUNTED)
    ran = ground.run(_script(ground, probe, tables))
    after = look(ground, looks, COUNTED)
    _, *answers = ran.out.split(STEPS_BEGIN)
    if len(answers) != len(tables) + 1:
        return Again(False, before, after)
    *traces, codes = answers
    code, deaf = codes.split()
    return Again(
        answered=code == "0",
        before=before,
        after=after,
        steps={space: tuple(read(trace)) for space, trace in zip(tables, traces, strict=True)},
        heard=deaf == "0",
    )


def _script(ground: Ground, probe: Probe, tables: Mapping[str, str]) -> str:
    """The lines that lay our tables in each namespace, send the probe, and print what each of them has told.

    At the end they print the probe's exit code, and whether a listener did not answer.
    """
    numbers = range(len(tables))
    script = [SCRIPT.replace("LIMIT", str(SECONDS)).replace("TABLE", TABLE)]
    for number, (space, lines) in enumerate(tables.items()):
        script.append(f"trace {number} {quoted(lines)} {ground.way_into(space)}")
    script.append("deaf=0")
    script += [f"heard {number} ready || deaf=1" for number in numbers]
    script.append(f'{ground.inside(probe.src, probe.line)} >"$here/said" 2>&1; code=$?')
    script += [f"heard {number} done || deaf=1" for number in numbers]
    script += [f"printf '{MARK_OF_STEPS}'; cat \"$here/out{number}\"" for number in numbers]
    script.append(f"printf '{MARK_OF_STEPS}%s %s' $code $deaf")
    return "\n".join(script)


STEPS_BEGIN, MARK_OF_STEPS = "\0", "\\0"
assert MARK != STEPS_BEGIN


MARKED = "meta nftrace set 1"
INET = (("prerouting", FIRST), ("input", FIRST), ("forward", FIRST), ("output", FIRST), ("postrouting", LAST))
BRIDGE = (("prerouting", FIRST), ("output", FIRST))
ARP = (("input", FIRST), ("output", FIRST))


def _tables(one: Look, probe: Probe, ports: Iterable[int]) -> list[str]:
    """Our tables, as lines of nft, in each family in which somebody filters.

    Short lines: `nft -i` reads them by libedit, which takes 1024 characters.
    """
    protocols = f"meta l4proto {{ icmp, ipv6-icmp }} {MARKED}"
    chosen = [protocols]
    if not probe.is_ping:
        for end in ("dport", "sport"):
            chosen.append(f"{probe.protocol} {end} {probe.port} {MARKED}")
    chosen += [f"udp dport {port} {MARKED}" for port in ports]
    lines = _table("inet", INET, chosen)
    if "bridge" in one.families:
        lines += _table("bridge", BRIDGE, [MARKED])
    if "arp" in one.families:
        lines += _table("arp", ARP, [MARKED])
    devices = sorted(_hooked_devices(one.nft))
    if devices:
        lines.append(f"add table netdev {TABLE} {{ flags owner; }}")
    for number, (hook, name) in enumerate(devices):
        hooked = f'type filter hook {hook} device "{name}" priority {FIRST};'
        lines.append(f"add chain netdev {TABLE} c{number} {{ {hooked} }}")
        lines.append(f"add rule netdev {TABLE} c{number} {MARKED}")
    return lines


def _table(family: str, hooks: Iterable[tuple[str, int]], rules: Iterable[str]) -> list[str]:
    table = f"{family} {TABLE}"
    lines = [f"add table {table} {{ flags owner; }}"]
    for hook, priority in hooks:
        lines.append(f"add chain {table} {hook} {{ type filter hook {hook} priority {priority}; }}")
        lines += [f"add rule {table} {hook} {rule}" for rule in rules]
    return lines


def _hooked_devices(ruleset: str) -> set[tuple[str, str]]:
    """The hooks of devices, ingress or egress, at which somebody filters: `device "eth0"`, `devices = { "a", "b" }`."""
    hooked: set[tuple[str, str]] = set()
    for hook, names in HOOKED.findall(ruleset):
        for name in re.findall(r'"([^"]+)"', names):
            hooked.add((hook, name))
    return hooked


RULE = re.compile(r"(?:unknown )?rule (.*?)\s*\(verdict ([^)]*)\)")
MARKED_WITH = re.compile(r"meta mark (0x[0-9a-f]+)")
HOOKED = re.compile(r"hook (ingress|egress) devices? =? ?(\{[^}]*\}|\"[^\"]+\")")
TRACE = re.compile(r"trace id (?P<packet>\S+) (?P<family>\S+) (?P<table>\S+) (?P<chain>\S+) (?P<rest>.*)")


def read(text: str) -> Iterable[Step]:
    """What `nft monitor trace` printed, a step a line; a line of another kind is left out.

    >>> line = "trace id 1f ip filter FORWARD rule ip saddr 10.1.0.0/24 counter packets 0 bytes 0 drop (verdict drop)"
    >>> step = next(iter(read(line)))
    >>> step.family, step.table, step.chain, step.verdict
    ('ip', 'filter', 'FORWARD', 'drop')
    """
    for line in text.splitlines():
        match = TRACE.match(line)
        if match is None:
            continue
        where = (match["packet"], match["family"], match["table"], match["chain"])
        rest = match["rest"].strip()
        rule = RULE.fullmatch(rest)
        if rest.startswith("packet: "):
            yield Step(*where, words=rest.removeprefix("packet: "))
        elif rest.startswith("policy "):
            mark = MARKED_WITH.search(rest)
            yield Step(*where, verdict=rest.split()[1], is_policy=True, mark=int(mark[1], 16) if mark else 0)
        elif rule:
            yield Step(*where, rule=rule[1], verdict=rule[2].split()[0])
