"""Does a fix mend? It is typed in the broken network; then the probe must be answered, and nothing else be worse."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from vethlab_sh import Lab

from .case import Case, typed
from .lines import answered, run_all

# Every namespace, master as a dot, and the addresses that others may send to.
NAMESPACES = "echo .; ip netns list | cut -d' ' -f1"
ADDRESSES = "ip -o addr show scope global | awk '{sub(/\\/.*/, \"\", $4); print $4}'"
# What firewalls hold, a rule a line, without what counts.
RULES = "{ nft -s list ruleset; iptables-legacy-save; ip6tables-legacy-save; } 2>/dev/null"
NO_RULE = re.compile(r"#|:\S+ \S+ \[|COMMIT|[{}\s]*$")
ROUNDS = 6  # how often the probe is sent: a carrier may take seconds to be told. net/core/link_watch.c

Pair = tuple[str, str]  # a namespace, and an address or a rule


@dataclass
class Fix:
    """A fix that was typed, its score, and why it has this score."""

    text: str
    score: str
    why: str = ""


@dataclass(frozen=True)
class Standing:
    """What works before a fix is typed: the addresses of each namespace, who reaches which, every firewall's rules."""

    addresses: dict[str, set[str]]
    reached: set[Pair]
    rules: set[Pair]


def judged(lab: Lab, case: Case, text: str) -> Fix:
    """Type a fix; see whether the probe is answered, and what is worse than before."""
    before = standing(lab)
    failed = run_all(lab, text)
    mended = answered(lab, case, ROUNDS)
    if harm := harm_done(lab, before, text):
        return Fix(text, "fix-harms", harm)
    return Fix(text, "fix-mends" if mended else "fix-no-help", "; ".join(failed))


def standing(lab: Lab) -> Standing:
    """What works now."""
    held = addresses(lab)
    everywhere = set().union(*held.values())
    pairs = {(name, address) for name in held for address in everywhere}
    return Standing(held, reachable(lab, pairs), rules(lab, held))


def harm_done(lab: Lab, before: Standing, text: str) -> str:
    """What no longer works, or was taken away beside the fault; empty when all is as well as before."""
    lost = sorted(no_longer_reached(lab, before))
    if lost:
        return "no longer reached: " + ", ".join(f"{address} from {name}" for name, address in lost)
    gone = sorted(before.rules - rules(lab, before.addresses))
    if len(gone) > len(typed(text)):
        return "these rules are gone: " + "; ".join(rule for _, rule in gone)
    return ""


def no_longer_reached(lab: Lab, before: Standing) -> set[Pair]:
    """Who reached an address that is still there, and does not any more.

    A namespace that gave an address away does not count: that is then the fix.
    """
    now = addresses(lab)
    everywhere = set().union(*now.values())
    lost = set()
    for name, address in before.reached:
        gave_away = before.addresses[name] - now.get(name, set())
        if address in everywhere and not gave_away:
            lost.add((name, address))
    for _ in range(3):  # one lost ping is no proof
        lost = lost - reachable(lab, lost)
    return lost


def addresses(lab: Lab) -> dict[str, set[str]]:
    """The addresses of every namespace; master is the dot."""
    names = lab.run(NAMESPACES).out.split()
    printed = inside(lab, dict.fromkeys(names, ADDRESSES))
    return {name: set(lines) for name, lines in printed.items()}


def reachable(lab: Lab, pairs: Iterable[Pair]) -> set[Pair]:
    """The pairs where a ping is answered; all are sent at the same time."""
    pings: dict[str, list[str]] = {}
    for name, address in sorted(pairs):
        pings.setdefault(name, []).append(f"(ping -n -q -c 1 -W 1 {address} >/dev/null 2>&1 && echo {address}) &")
    lines = {name: " ".join([*words, "wait"]) for name, words in pings.items()}
    answers = set()
    for name, printed in inside(lab, lines).items():
        answers |= {(name, address) for address in printed}
    return answers


def rules(lab: Lab, names: Iterable[str]) -> set[Pair]:
    """The rules of every namespace, a line each."""
    held = set()
    for name, lines in inside(lab, dict.fromkeys(names, RULES)).items():
        for line in lines:
            if not NO_RULE.match(line.strip()):
                held.add((name, " ".join(line.split())))
    return held


def inside(lab: Lab, lines: dict[str, str]) -> dict[str, list[str]]:
    """What a line of bash prints in each namespace, as lines; all run at the same time. The dot is master itself."""
    commands = []
    for name, line in lines.items():
        enter = f"ip netns exec {name} " if name != "." else ""
        commands.append(f"{enter}bash -c {shlex.quote(line)} | sed 's/^/{name} /' &")
    out = lab.run(" ".join([*commands, "wait"]), expect=None, timeout=60).out
    printed: dict[str, list[str]] = {name: [] for name in lines}
    for line in out.splitlines():
        name, _, rest = line.partition(" ")
        printed[name].append(rest)
    return printed
