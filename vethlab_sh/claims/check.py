"""Is this true of the lab now? A claim in plain English, judged by the kernel, answered with a sentence and its reason.

The kernel is asked each time; nothing is remembered. The reasons come from `lookup`, `reasons` and, for an answer
that did not come, from the walk of the packet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import UnknownClaim, nearest
from ..language import marked, tr
from ..shell import Shell
from .arp import answers_arp
from .devices import (
    belongs_to,
    has_address,
    has_mtu,
    has_not_address,
    is_down,
    is_peer,
    is_plugged,
    is_port,
    is_up,
    makes_no_port_wait,
    nobody_else_has,
)
from .entries import exists, has_tunnel, knows_mac, routes
from .forwarding import forwards, nobody_rewrites, rewrites_nothing
from .packets import can_reach, cannot_reach, ping_between, sends_through
from .ports import tcp_answers, udp_answers
from .question import Absent, Finding, Ping, Question, Verdict, ask
from .stacked import is_child, is_held, is_vlan, lets_through

Row = dict[str, Any]


# What the words of a form may hold: {name}, {name:kind}, [what may be left out], router(s), (one wording|another).
QUOTED = re.compile(r"""(?<!\S)(?:'[^']+'|"[^"]+")(?!\S)""")
TOKEN = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>[\w ]+))?\}|\((?P<either>[^)]+)\)|(?P<bracket>[\[\]])")
KINDS = {"word": r"\S+", "number": r"\d+", "address": r"[0-9a-fA-F:./]+"}


@dataclass(frozen=True)
class Form:
    """One form of claim: how it is worded, an example, what it means, who judges it.

    words: `{ns}` is one word, `{size:number}` digits, `{via:address}` what could be an address, `{pieces:in pieces}`
    just these words; brackets may be left out; `router(s)` is one or many; of `(has MTU|MTU is)` the first is shown.
    """

    words: str
    example: str
    meaning: str
    judge: Callable[..., Finding]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The form as a regular expression."""
        pattern = TOKEN.sub(_as_pattern, self.words)
        return re.compile(pattern, re.IGNORECASE)

    @property
    def shown(self) -> str:
        """The form as a reader sees it: NS DEV is up."""
        spaced = self.words.replace(" ]", "] ").replace("[ ", " [")
        return TOKEN.sub(_as_shown, spaced)


def _as_pattern(token: re.Match[str]) -> str:
    if token["bracket"] == "[":
        return "(?:"
    if token["bracket"]:
        return ")?"
    if token["either"] == "s":
        return "s?"
    if token["either"]:
        return f"(?:{token['either']})"
    kind = token["kind"] or "word"
    pattern = KINDS.get(kind, kind)
    return f"(?P<{token['name']}>{pattern})"


def _as_shown(token: re.Match[str]) -> str:
    if token["bracket"]:
        return token["bracket"]
    if token["either"]:
        return token["either"].partition("|")[0]
    name, kind = token["name"], token["kind"]
    is_words = kind and kind not in KINDS
    return kind if is_words else name.removesuffix("2").upper()


SIZE = "[ with {size:number} bytes[ {pieces:in pieces}]]"
FORMS = (
    Form("{who} can reach {whom}[ through {routers:number} router(s)]" + SIZE, "ns100 can reach 192.168.1.101",
         marked("a ping is answered; with N bytes in one packet; through N routers as the answer's TTL tells"),
         can_reach),
    Form("{who} cannot reach {whom}" + SIZE, "ns100 cannot reach 192.168.1.101",
         marked("no ping is answered"), cannot_reach),
    Form("TCP port {port:number} of {whom} answers[ {who}]", "TCP port 80 of pod-a answers pod-b",
         marked("a connection to it opens; without WHO, the one that has the address asks itself"), tcp_answers),
    Form("UDP port {port:number} of {whom} answers[ {who}]", "UDP port 53 of ns101 answers ns100",
         marked("an empty line sent to it is answered; WHO as above"), udp_answers),
    Form("{who} sends to {ip} through {dev}", "ns100 sends to 192.168.1.101 through br0",
         marked("the route's device, its other end or that one's bridge is DEV"), sends_through),
    Form("[{ns} ]{dev} is up", "ns100 veth100 is up", marked("switched on and with a carrier"), is_up),
    Form("[{ns} ]{dev} is down", "br-veth100 is down", marked("switched off"), is_down),
    Form("[{ns} ]{dev} has address {address:address}", "ns100 veth100 has address 192.168.1.100/24",
         marked("with this prefix length, if one is told"), has_address),
    Form("[{ns} ]{dev} has not {address:address}", "ns100 veth100 has not 192.168.1.7",
         marked("the device does not have this address, or does not use it"), has_not_address),
    Form("nobody else has {ip}", "nobody else has 192.168.1.100",
         marked("at most one device of all namespaces has it"), nobody_else_has),
    Form("{ip} belongs to {ns}", "192.168.1.100 belongs to ns100",
         marked("the namespace has the address, and no other has it"), belongs_to),
    Form("[{ns} ]{dev} (has MTU|MTU is) {mtu:number}", "br0 has MTU 1500",
         marked("the largest packet of the device"), has_mtu),
    Form("[{ns} ]{dev} is a port of {bridge}", "br-veth100 is a port of br0",
         marked("its master is the bridge"), is_port),
    Form("{ns} is plugged into {bridge}", "ns100 is plugged into br0",
         marked("a cable of the namespace ends at a port of the bridge"), is_plugged),
    Form("[{ns} ]{bridge} makes no port wait", "br0 makes no port wait",
         marked("no STP: a new port forwards at once"), makes_no_port_wait),
    Form("[{ns} ]{dev} is the peer of [{ns2} ]{dev2}", "ns100 veth100 is the peer of master br-veth100",
         marked("the two ends of one cable"), is_peer),
    Form("[{ns} ]{dev} is a child of [{ns2} ]{dev2}", "pod-a mac0 is a child of eth0",
         marked("a macvlan, ipvlan or VLAN device that is made on it"), is_child),
    Form("[{ns} ]{dev} is a VLAN[ {vlan:number}] of [{ns2} ]{dev2}", "h1 eth0.10 is a VLAN of eth0",
         marked("an 802.1Q or 802.1ad device on it, with this number if one is told"), is_vlan),
    Form("[{ns} ]{dev} lets VLAN {vlan:number} through", "sw1 trunk lets VLAN 10 through",
         marked("its bridge does not look at VLANs, or lets this one through there"), lets_through),
    Form("[{ns} ]{dev} is held by {process}", "tap0 is held by qemu",
         marked("a process of this name or number has the tun or tap open"), is_held),
    Form("{ns} routes {to}[ via {via:address}][ dev {dev}]", "pod-a routes default via 10.244.0.1",
         marked("the route for an address, or exactly this route"), routes),
    Form("{ns} knows [the ]MAC of {ip}", "ns100 knows the MAC of 192.168.1.101",
         marked("its neighbour table has a usable entry"), knows_mac),
    Form("{ns} answers ARP for {ip}[ on {dev}]", "master answers ARP for 169.254.1.1 on cali50c25257626",
         marked("its own address, or proxy ARP; without DEV, on any device"), answers_arp),
    Form("{ns} forwards", "master forwards",
         marked("hands on packets that are not for itself: settings allow it, and no filter drops everything"),
         forwards),
    Form("{ns} rewrites no addresses", "master rewrites no addresses",
         marked("no rule of nft or of either iptables does"), rewrites_nothing),
    Form("nobody rewrites addresses", "nobody rewrites addresses",
         marked("the same in every namespace"), nobody_rewrites),
    Form("{ns} has a tunnel to {ip}", "master has a tunnel to 10.244.1.2",
         marked("VXLAN: route, neighbour and FDB entry lead there"), has_tunnel),
    Form("[namespace ]{ns} exists", "namespace ns100 exists", marked("its name is known"), exists),
)  # fmt: skip


VOCABULARY = tuple(form.shown for form in FORMS)


def vocabulary() -> list[Row]:
    """The claims there are: a row a form, with an example and what it means."""
    rows = []
    for form in FORMS:
        rows.append({"claim": form.shown, "example": form.example, "meaning": tr(form.meaning)})
    return rows


def check(shell: Shell, claim: str, witnessed: bool = False) -> Verdict:
    """Judge one claim: whether it holds now, why, and what shows it.

    witnessed: of a network that a stranger made, see `Question`. Raises UnknownClaim, which lists the vocabulary and
    names the nearest form.
    """
    question = Question(shell, witnessed=witnessed)
    finding = judge(question, claim)
    return finding.verdict(shell, claim)


def judge(question: Question, claim: str) -> Finding:
    """Judge one claim in a round that may have others."""
    form, words = understand(claim)
    try:
        return form.judge(question, **words)
    except Absent as absent:
        return absent.finding


def judge_all(question: Question, claims: Iterable[str]) -> Iterator[tuple[str, Finding]]:
    """Judge many claims: one snapshot, and all pings at the same time."""
    claims = list(claims)
    pings = []
    for claim in claims:
        ping = ping_of(question, claim)
        if ping:
            pings.append(ping)
    if pings:
        question.answers |= ask(question.shell, pings, question.spaces, question.cold)
    for claim in claims:
        yield claim, judge(question, claim)


def ping_of(question: Question, claim: str) -> Ping | None:
    """The ping that a claim is about; none for other claims, and where one of its ends is not there."""
    form, words = understand(claim)
    if form.judge not in (can_reach, cannot_reach):
        return None
    words.pop("routers", None)
    try:
        return ping_between(question, **words)
    except Absent:
        return None


def understand(claim: str) -> tuple[Form, dict[str, Any]]:
    """The form of a claim, and its words. A name with blanks stands in quotes, as bash has them.

    >>> understand("'red box' can reach 10.0.0.1")[1]["who"]
    'red box'
    """
    names: list[str] = []

    def without_blanks(found: re.Match[str]) -> str:
        number = len(names)
        names.append(found[0][1:-1])
        return f"\0{number}\0"

    text = " ".join(QUOTED.sub(without_blanks, claim).split()).removesuffix(".")
    for form in FORMS:
        match = form.pattern.fullmatch(text)
        if match:
            words = match.groupdict()
            for word, value in words.items():
                if value and value.startswith("\0"):
                    words[word] = names[int(value.strip("\0"))]
            return form, words
    raise UnknownClaim(claim, _nearest(text).example, VOCABULARY)


def _nearest(text: str) -> Form:
    """The form that a claim in no known form is probably meant to have."""
    forms = {}
    for form in FORMS:
        forms[form.shown.lower()] = form
        forms[form.example.lower()] = form
    (like,) = nearest(text.lower(), forms, likeness=0)
    return forms[like]
