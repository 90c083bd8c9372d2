"""What stands on the page of causes? For each word its meaning, and a fault or two of a run that show it at work.

`docs/causes.md` is written whole. Examples are good ones: the cause is named, the fix mends, few lines plant it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vethlab_sh import scenarios
from vethlab_sh.packet.causes.cause import Cause

from .case import Case, typed
from .cases import networks
from .play import Answer
from .run import Result
from .score import FIXES

PAGE = "docs/causes.md"
EXAMPLES = 2  # for each cause, of different groups
LONGEST = 8  # lines that plant a fault
PROMPT = "[root@master ~]#"
HEAD = f"""\
# What can go wrong, and how it looks

When an answer does not come, [the verdict](walks.md) names the cause by one of these words. Below the list each has \
an example or two: a network, the lines that break it, what the verdict says, the command that shows it, and the line \
that mends it.

This page is written by `make causes` from networks that were really broken ({{count}} examples). MAC addresses that \
the kernel draws anew each time stand here as `xx:xx:xx:xx:xx:01`, `:02` and so on. The prompt is `{PROMPT}`: \
everything can be typed on master.
"""
NO_EXAMPLE = "There is no example yet."
UNDONE = "No line is offered. Here it is undone by:"


@dataclass(frozen=True)
class Network:
    """A network that cases begin with: its heading on the page, what it is, and the lines that lay it."""

    name: str
    what: str
    lines: str


NETWORKS = (
    Network("a cable", "ns1 and ns2 at the ends of one cable.", networks.PAIR),
    Network("a bridge", "ns1 and ns2 are plugged into br0.", networks.BRIDGE),
    Network("a router", "a and b in two networks, and r, which forwards, between them.", networks.ROUTER),
    Network("two routers", "a, r1, r2 and b in a row.", networks.TWO_ROUTERS),
    Network("two ways", "Between a and b, one way by r1 and one by r2.", networks.TWO_WAYS),
    Network("the way out", "ns1 behind master, and internet, which knows no way to ns1.", networks.INTERNET),
    Network("no bridge", "A route for each of pod and other, as calico does it.", networks.POINT_TO_POINT),
    Network("two hosts", "h1 and h2 on one cable, for a VXLAN between them.", networks.HOSTS),
    Network("an overlay", "pod1 and pod2 in two machines, their bridges joined by a VXLAN.", networks.OVERLAY),
    Network("a cable with IPv6", "The cable, with IPv6 addresses too.", networks.PAIR6),
    Network("a router with IPv6", "The router, in IPv6.", networks.ROUTER6),
    Network("a duplicate address", "A bridge on which ns3 had ns2's IPv6 address first.", networks.DUPLICATE),
)


@dataclass(frozen=True)
class Example:
    """A case as it stands on the page, with what the product said about it."""

    case: Case
    answer: Answer
    fix: str

    @property
    def network(self) -> Network | None:
        """The network it begins with; None where it lays its own, or plays a scenario."""
        laid = [one for one in NETWORKS if self.case.lines.startswith(one.lines)]
        return max(laid, key=lambda one: len(one.lines), default=None)

    @property
    def planted(self) -> list[str]:
        """The lines that break it; with those that lay it, where it begins with no network of the page."""
        network = self.network
        return typed(self.case.lines.removeprefix(network.lines) if network else self.case.lines)

    @property
    def text(self) -> str:
        """All lines of the network: the MACs in them are the same each time."""
        lines = [self.case.lines, self.case.mend]
        if self.case.play:
            for step in scenarios.load(self.case.play, **self.case.options).steps:
                lines += step.lines
        return "\n".join(lines)

    @property
    def is_good(self) -> bool:
        """Whether a learner can follow it: few lines, the cause named, with evidence, and no fix that fails."""
        has_all = bool(self.answer.score == "named" and self.answer.cause and self.answer.evidence)
        is_short = len(self.planted) <= LONGEST or self.network is None
        return has_all and is_short and self.fix in ("fix-mends", "no-fix")

    @property
    def rank(self) -> tuple[int, bool, int, int]:
        """How good it is beside others; the smaller the better."""
        laid_here = self.network is None and not self.case.play
        laid = len(self.network.lines) if self.network else len(self.text)
        return FIXES.index(self.fix), laid_here, len(self.planted), laid


def examples_of(results: Iterable[Result]) -> dict[Cause, list[Example]]:
    """The best examples for each cause, at most one of a group of cases."""
    good: dict[Cause, list[Example]] = {cause: [] for cause in Cause}
    for result in results:
        answer = result.walk or result.check
        if answer is None or result.score != "named":
            continue
        example = Example(result.case, answer, result.fix)
        if example.is_good:
            good[Cause(answer.cause)].append(example)
    return {cause: best(examples) for cause, examples in good.items()}


def best(examples: list[Example]) -> list[Example]:
    """The best ones, each of another group."""
    chosen: dict[str, Example] = {}
    for example in sorted(examples, key=lambda one: (one.rank, one.case.id)):
        chosen.setdefault(example.case.group, example)
    return list(chosen.values())[:EXAMPLES]


# --- Markdown -----------------------------------------------------------------------------------------------------


def page(results: Iterable[Result]) -> str:
    """The page, as Markdown."""
    examples = examples_of(results)
    every = [example for some in examples.values() for example in some]
    parts = [HEAD.format(count=len(every)), "| word | what it means |\n|---|---|"]
    rows = [f"| [`{cause}`](#{cause}) | {cause.meaning} |" for cause in Cause]
    parts[-1] = "\n".join([parts[-1], *rows]) + "\n"
    parts.append("## One by one\n")
    for cause, some in examples.items():
        parts.append(f"### `{cause}`\n\n{cause.meaning}\n")
        parts += [shown(example) for example in some]
        if not some:
            parts.append(f"{NO_EXAMPLE}\n")
    parts.append("## The networks\n\nWhat the examples begin with. `walk` and `check` find all of them in order.\n")
    used = {example.network for example in every}
    parts += [laid(network) for network in NETWORKS if network in used]
    return "\n".join(parts)


def shown(example: Example) -> str:
    """An example: where, the symptom, what plants it, the sentence, what shows it, and what mends it."""
    case, answer = example.case, example.answer
    parts = [f"**{capitalised(case.title)}** (`{case.id}`, {beginning(example)}{asked(case)})"]
    if example.planted:
        parts.append(in_bash(example.planted))
    parts.append(f"> {answer.sentence}")
    parts.append(f"```console\n{answer.evidence}\n```")
    parts.append(mended(example))
    return steady("\n\n".join(parts), example.text) + "\n"


def in_bash(lines: list[str]) -> str:
    """Lines to type, as a block."""
    text = "\n".join(lines)
    return f"```sh\n{text}\n```"


def mended(example: Example) -> str:
    """What mends it: the lines that are offered, else those that the suite has proved to undo the fault."""
    offers = example.answer.offers
    if not offers:
        return f"{UNDONE}\n\n{in_bash(typed(example.case.mend))}"
    heading = "This mends it:" if len(offers) == 1 else "Each of these mends it by itself:"
    return f"{heading}\n\n{in_bash(offers)}"


def asked(case: Case) -> str:
    """What was sent, where it is no plain ping."""
    words = [f"{name}={value}" for name, value in case.how.items()]
    return f", asked with `{' '.join(words)}`" if words else ""


def beginning(example: Example) -> str:
    """Which network it begins with, as a link."""
    network = example.network
    if network:
        return f"in [{network.name}](#{network.name.lower().replace(' ', '-')})"
    if example.case.play:
        return f"in the scenario {example.case.play}"
    return "in a network of its own"


def laid(network: Network) -> str:
    """A network with the lines that lay it."""
    lines = "\n".join(typed(network.lines))
    return f"### {capitalised(network.name)}\n\n{network.what}\n\n```sh\n{lines}\n```\n"


def capitalised(text: str) -> str:
    """A text as the begin of a sentence."""
    return text[:1].upper() + text[1:]


# --- what differs from run to run -----------------------------------------------------------------------------------

MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
# MACs that nobody draws: of groups, of nobody, and those that the cases write by hand.
NOT_DRAWN = ("ff:", "33:33:", "01:", "00:00:00:00:00:00", "02:00:00:00:")
TIMES = {
    r"\btime[= ]?\d[\d.]* ?ms": "time T ms",
    r"rtt min/avg/max/mdev = [\d./]+ ms": "rtt min/avg/max/mdev = T ms",
    r"\bfe80::[0-9a-f:]+": "fe80::xx",
    r"(?<=expires )\d+sec": "Tsec",
}


def steady(text: str, keep: str) -> str:
    """A text without what differs from run to run: MACs that are not in `keep`, times, addresses made of MACs."""
    names: dict[str, str] = {}
    for mac in MAC.findall(text):
        if mac not in keep and not mac.startswith(NOT_DRAWN):
            names.setdefault(mac, f"xx:xx:xx:xx:xx:{len(names) + 1:02}")
    for mac, name in names.items():
        text = text.replace(mac, name)
    for pattern, word in TIMES.items():
        text = re.sub(pattern, word, text)
    return text
