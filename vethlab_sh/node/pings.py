"""Which pings of a text were lost, and why? What an error says tells it, or what else is wrong on their way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..language import marked, plural, tr
from ..packet.causes.cause import Cause
from ..tables import Row
from .ground import Fault, Ground, fault, on
from .outputs import Output
from .ways import is_ip

UNRESOLVED = marked("the name was not resolved, so nothing was sent")
# What an error of `ping` says of the cause: the words of iputils and BusyBox for the codes of ICMP (RFC 792), those of
# the C library, and of resolvers
SAID = (
    ("host unreachable", Cause.NO_NEIGHBOUR, marked("who answered so got no answer to ARP")),
    ("time to live exceeded", Cause.ROUTING_LOOP, marked("the packet went round in a circle, or its way was too long")),
    ("net unreachable", Cause.NO_ROUTE, marked("there is no route")),
    ("network is unreachable", Cause.NO_ROUTE, marked("there is no route")),
    ("no route to host", Cause.NO_ROUTE, marked("there is no route")),
    ("packet filtered", Cause.REJECTED, marked("a filter refused it")),
    ("prohibited", Cause.REJECTED, marked("a filter refused it")),
    ("frag", Cause.MTU, marked("it was larger than a link on its way takes")),
    ("too long", Cause.MTU, marked("it was larger than a link on its way takes")),
    ("invalid argument", Cause.DEAD_ROUTE, marked("a blackhole route swallows it")),
    ("unknown host", Cause.UNKNOWN, UNRESOLVED),
    ("bad address", Cause.UNKNOWN, UNRESOLVED),
    ("not known", Cause.UNKNOWN, UNRESOLVED),
    ("name resolution", Cause.UNKNOWN, UNRESOLVED),
)
REQUEST, REPLY = "ICMP echo request", "ICMP echo reply"
# Words after which a capture may lack the replies; pcap-filter(7), tcpdump(8)
NARROWING = {
    "src", "dst", "and", "or", "not", "net", "inbound", "outbound", "less", "greater", "-c", "-Q", "-P", "--direction",
}  # fmt: skip
ON_DEVICE = re.compile(r"-[a-zA-Z]*i|--interface")  # also as the last of several options: -ni
WITHIN_QUOTES = re.compile(r"""["'()!&|]""")  # what a filter's words may stand in, or be joined by


@dataclass(frozen=True)
class Complaint:
    """What came instead of an answer: the line of the text, who sent it (empty: ping itself), and its words."""

    line: int
    who: str
    words: str

    @property
    def meaning(self) -> tuple[Cause, str]:
        """The cause that it speaks of, and what that means; nothing where its words are not known."""
        words = self.words.lower()
        for sign, cause, meaning in SAID:
            if sign in words:
                return cause, tr(meaning)
        return Cause.UNKNOWN, ""


def faults(ground: Ground, others: Sequence[Fault]) -> Iterator[Fault]:
    """Each ping that was lost, or could not be sent; others: what else is wrong, some of it on their way."""
    complaints = _complaints(ground)
    by_line: dict[int, Fault] = {}
    for other in others:
        for line in other.lines:
            by_line.setdefault(line, other)
    for output in ground.outputs:
        if output.name == "ping statistics":
            first = complaints.get(output.line)
            yield from _of_output(ground, output, first, by_line)
        elif output.name == "tcpdump":
            yield from _captured(output)


def _complaints(ground: Ground) -> dict[int, Complaint]:
    """The first complaint of each ping, by the line of its command."""
    complaints: dict[int, Complaint] = {}
    for output in ground.outputs:
        if output.name != "ping":
            continue
        for record in output.records:
            row = record.row
            if row["error"]:
                complaints.setdefault(output.line, Complaint(record.line, row["from"] or "", row["error"]))
    return complaints


def _of_output(
    ground: Ground, output: Output, complaint: Complaint | None, others: Mapping[int, Fault]
) -> Iterator[Fault]:
    if not output.records and complaint:
        yield _not_sent(output.at, complaint)
    for record in output.records:
        row = record.row
        if not row["sent"] or row["received"] is None or row["received"] >= row["sent"]:
            continue
        lost = _lost(output.at, record.line, row, complaint)
        yield _with_its_way(ground, lost, output.at, row, others)


def _captured(output: Output) -> Iterator[Fault]:
    """Pings of which a capture has each request and no reply, though it would have shown one."""
    words = WITHIN_QUOTES.sub(" ", output.command).split()
    if not output.complete or not NARROWING.isdisjoint(words) or "[" in output.command:
        return
    requests: dict[tuple[str, str], list[int]] = {}
    answered = set()
    for record in output.records:
        row = record.row
        if row["what"] == REQUEST:
            ends = (row["src_ip"], row["dst_ip"])
            requests.setdefault(ends, []).append(record.line)
        elif row["what"] == REPLY:
            answered.add((row["dst_ip"], row["src_ip"]))
    where = _listened(words)
    for (src, dst), lines in requests.items():
        if (src, dst) not in answered:
            seen = plural(
                "{at}: of a ping from {src} to {dst} {count} request is seen {where}, and no reply",
                "{at}: of a ping from {src} to {dst} {count} requests are seen {where}, and no reply",
                len(lines),
                at=output.at,
                src=src,
                dst=dst,
                where=where,
            )
            look = tr("{command}   (where {ip} is)", command="tcpdump -ni any icmp", ip=dst)
            yield fault(Cause.UNKNOWN, seen, lines, 6, look)


def _listened(words: list[str]) -> str:
    """Where a capture listened: on the device behind -i."""
    for option, device in pairwise(words):
        if ON_DEVICE.fullmatch(option):
            return tr("on {device}", device=device)
    return tr("in the capture")


def _not_sent(at: str, complaint: Complaint) -> Fault:
    """A ping that ended before it sent anything: its target has no address, or no route leads there."""
    cause, meaning = complaint.meaning
    words = tr("{at}: ping says {words!r}", at=at, words=complaint.words)
    if meaning:
        words += tr(": {reason}", reason=meaning)
    return fault(cause, words, [complaint.line], 7)


def _lost(at: str, line: int, row: Row, complaint: Complaint | None) -> Fault:
    """A ping that was sent and not answered, with what was said instead."""
    target = row["address"] or row["target"] or tr("its target")
    sent = row["sent"]
    lost = sent - row["received"]
    words = tr("{at}: {lost} of {sent} pings to {target} were not answered", at=at, lost=lost, sent=sent, target=target)
    look = tr(
        "{look}, and {listen} at the other end",
        look=on(at, f"ip route get {target}"),
        listen="tcpdump -ni any icmp",
    )
    if complaint is None or not complaint.meaning[1]:
        return fault(Cause.UNKNOWN, words, [line], 8, look)
    cause, meaning = complaint.meaning
    who = complaint.who or "ping"
    words += tr("; {who} says {words!r}: {meaning}", who=who, words=complaint.words, meaning=meaning)
    return fault(cause, words, [line, complaint.line], 8, look)


def _with_its_way(ground: Ground, lost: Fault, at: str, row: Row, others: Mapping[int, Fault]) -> Fault:
    """The lost ping with the cause of what is wrong with its route, if anything is."""
    target = row["address"] or row["target"]
    if not target or not is_ip(target):
        return lost
    route = ground.route_for(at, target)
    if route is None or route.line is None:
        return lost
    on_way = others.get(route.line)
    if on_way is None:
        return lost
    words = tr("{words}; what is wrong with its route, {route}, is told too", words=lost.words, route=route.words)
    return fault(on_way.cause, words, [*lost.lines, route], lost.weight, lost.look)
