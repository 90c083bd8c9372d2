"""What does a judge of claims know? Tables that have settled, and the answers of one round."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from .. import snapshot
from ..errors import nearest
from ..facts import Device, Link
from ..inside import inside
from ..language import enumerated, tr
from ..markup import AsText, keep_printable
from ..packet.causes.cause import Cause, Evidence, Fix, typed
from ..packet.causes.look import Look, look
from ..packet.follow import ground_of, once_addresses_are_checked
from ..packet.lookup import Tables, first_address
from ..packet.walk import Walk
from ..sandbox import HOSTNAME
from ..shell import Shell
from .filters import Filters, read_filters
from .pings import Answer, Ping, ask

# Seconds. The kernel's linkwatch tells of carriers once a second, and then of a hundred devices of the whole machine:
# where others make many, a cable of ours has to wait. net/core/link_watch.c
SETTLING = 10.0


@dataclass(frozen=True, repr=False)
class Verdict(AsText):
    """Whether a claim holds; true or false as a condition, its sentence as text.

    claim; ok; sentence: yes or no, and why; evidence: a command, and the line it printed; cause: of a no about packets
    why, in a word (`Cause`); fixes: lines, as typed on master, each of which mends it.
    """

    claim: str
    ok: bool
    sentence: str
    evidence: Evidence
    cause: Cause | None = None
    fixes: tuple[str, ...] = ()

    @property
    def fix(self) -> str:
        """The line that mends it, as typed on master; empty where none is known."""
        if not self.fixes:
            return ""
        return self.fixes[0]

    def plain(self) -> dict[str, Any]:
        """The verdict as plain values, of which a list can become JSON: claim, ok, sentence, cause, evidence, fixes."""
        return asdict(self)

    def __bool__(self) -> bool:
        return self.ok

    def words(self) -> str:
        """The sentence."""
        return self.sentence

    def _repr_html_(self) -> str:
        sign, colour = ("✓", "#1a7f37") if self.ok else ("✗", "#b35900")
        sentence = html.escape(self.sentence)
        evidence = html.escape(str(self.evidence))
        proof = f"<pre style='margin:.3em 0 0 1.3em;opacity:.8'>{evidence}</pre>"
        return f"<div><b style='color:{colour}'>{sign}</b> {sentence}{proof}</div>"


@dataclass(frozen=True)
class Finding:
    """What a judge found: whether it holds, why, and what shows it.

    command: as typed on master; line: a word of the line to look at ("" for the last one); out: its output, when it
    has run already; cause, fixes: of an answer that did not come; instead: of a no what the kernel has in place of
    what is claimed, as names and addresses, so that two ways to be wrong are told apart without a sentence.
    """

    ok: bool
    why: str
    command: str
    line: str = ""
    out: str | None = None
    cause: Cause | None = None
    fixes: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        keep_printable(self, "why")

    @property
    def signs(self) -> list[str]:
        """What tells one no about a claim from another: where it shows, and what is there instead."""
        return [self.command, self.line, *self.instead]

    @property
    def negated(self) -> Finding:
        """The same, as the answer to the opposite claim."""
        return Finding(
            ok=not self.ok,
            why=self.why,
            command=self.command,
            line=self.line,
            out=self.out,
        )

    def verdict(self, shell: Shell, claim: str) -> Verdict:
        """The same for a reader: the command has run, the line is picked."""
        printed = self.out
        if printed is None:
            ran = shell.run(self.command, expect=None)
            printed = ran.out + ran.err
        return Verdict(
            claim=claim,
            ok=self.ok,
            sentence=tr("yes: {why}", why=self.why) if self.ok else tr("no: {why}", why=self.why),
            evidence=Evidence(self.command, self._line(printed)),
            cause=self.cause,
            fixes=self.fixes,
        )

    def _line(self, printed: str) -> str:
        """The line of an output to look at."""
        lines = [line.strip() for line in printed.splitlines() if line.strip()]
        if not lines:
            return tr("(nothing)")
        if not self.line:
            return lines[-1]
        # the whole word: 10.1.0.1 is not in 10.1.0.10
        word = re.compile(rf"(?<!\S){re.escape(self.line)}(?![\w.])")
        for line in lines:
            if word.search(line):
                return line
        return tr("(no such line)")


def yes(why: str, command: str, line: str = "", out: str | None = None) -> Finding:
    """The claim holds."""
    return Finding(True, why, command, line, out)


def no(
    why: str,
    command: str,
    line: str = "",
    out: str | None = None,
    cause: Cause | None = None,
    fixes: tuple[str, ...] = (),
    instead: tuple[str, ...] = (),
) -> Finding:
    """The claim does not hold. The arguments: as of a Finding."""
    return Finding(
        ok=False,
        why=why,
        command=command,
        line=line,
        out=out,
        cause=cause,
        fixes=fixes,
        instead=instead,
    )


def written(*fixes: Fix) -> tuple[str, ...]:
    """Fixes as they are typed on master, each in one line."""
    lines = []
    for one in fixes:
        lines.append(" && ".join(typed(line) for line in one))
    return tuple(lines)


class Absent(Exception):
    """What the claim speaks of is not there, so the claim does not hold."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


@dataclass
class Question:
    """One round of judging: a snapshot that has settled, and the pings that were answered in it.

    walks: whether a ping that was not answered is sent once more and followed, for the reason; cold: whether pings
    are sent with nothing learned before; witnessed: whether an answer counts only when it is seen on its way, and who
    was asked is seen to send it, because whoever made this network may want us to believe something.
    """

    shell: Shell
    walks: bool = True
    cold: bool = False
    witnessed: bool = False
    answers: dict[Ping, Answer] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)
    filtered: dict[str, Filters] = field(default_factory=dict)
    followed: dict[Ping, Walk | None] = field(default_factory=dict)

    @cached_property
    def tables(self) -> Tables:
        """The lab now, once no cable is between switched on and working: that takes the kernel a second, or more."""
        end = time.monotonic() + SETTLING
        while True:
            tables = Tables(snapshot.take(self.shell))
            # the state follows the carrier by up to a second: linkwatch, net/core/link_watch.c
            is_settled = not any(_is_settling(tables, device) for device in tables.links)
            if is_settled or time.monotonic() > end:
                return tables

    @property
    def spaces(self) -> list[str]:
        """All namespaces."""
        return self.tables.spaces

    def look(self, space: str) -> Look:
        """What a namespace says when it is asked once more: settings, rules, all routes, filters."""
        if space not in self.looks:
            answers = look(ground_of(self.shell), [space])
            self.looks.update(answers)
        return self.looks[space]

    def look_everywhere(self) -> list[Look]:
        """The same of all namespaces, asked at the same time."""
        missing = [space for space in self.spaces if space not in self.looks]
        if missing:
            answers = look(ground_of(self.shell), missing)
            self.looks.update(answers)
        return [self.looks[space] for space in self.spaces if space in self.looks]

    def filters(self, spaces: Iterable[str]) -> list[Filters]:
        """The filters of these namespaces, asked at the same time."""
        spaces = list(spaces)
        missing = [space for space in spaces if space not in self.filtered]
        if missing:
            self.filtered |= read_filters(self.shell, missing)
        return [self.filtered[space] for space in spaces]

    def ask(self, pings: Iterable[Ping]) -> None:
        """Ask all of these at the same time, for the claims that are to be judged."""
        pings = list(pings)
        if any(":" in ping.target for ping in pings):
            self.tables = once_addresses_are_checked(ground_of(self.shell), self.tables)
        self.answers |= ask(self.shell, pings, self.tables, self.cold)

    def answer(self, ping: Ping) -> Answer:
        """The answer to one ping, asked now unless it was asked in this round."""
        if ping not in self.answers:
            self.ask([ping])
        return self.answers[ping]

    def space(self, name: str) -> str:
        """The namespace itself; the claim does not hold when there is none of this name."""
        name = self.tables.snapshot.name_of(name)
        if name not in self.spaces:
            raise Absent(
                no(tr("there is no namespace {name}; {near}", name=name, near=self._near(name)), "ip netns list", name)
            )
        return name

    def _near(self, name: str) -> str:
        near = nearest(name, self.spaces)
        if near:
            return tr("did you mean {near}?", near=near[0])
        return tr("there are {spaces}", spaces=enumerated(self.spaces))

    def device(self, namespace: str | None, name: str) -> Device:
        """The device; without a namespace the one of this name on master, else the only one there is."""
        if namespace:
            device = (self.space(namespace), name)
            if device not in self.tables.links:
                listing = inside(namespace, "ip -br link")
                raise self._no_device(
                    name, listing, tr("{namespace} has no device {name}", namespace=namespace, name=name)
                )
            return device
        spaces = [space for space in self.spaces if (space, name) in self.tables.links]
        if not spaces:
            raise self._no_device(name, "ip -br link", tr("no namespace has a device {name}", name=name))
        first = spaces[0]
        if len(spaces) > 1 and first != HOSTNAME:
            why = tr(
                "{name} is in {spaces}: say which, as in `{first} {name}`",
                name=name,
                spaces=tr(" and in ").join(spaces),
                first=first,
            )
            listing = inside(first, "ip -br link")
            raise Absent(no(why, listing, name, instead=tuple(spaces)))
        return first, name

    def _no_device(self, name: str, command: str, why: str) -> Absent:
        """A device that is not there, and where one of its name is."""
        elsewhere = [namespace for namespace, device in self.tables.links if device == name]
        if elsewhere:
            why += tr("; it is in {spaces}", spaces=enumerated(elsewhere))
        return Absent(no(why, command, name, instead=tuple(elsewhere)))

    def link(self, device: Device) -> Link:
        """The device's row, which is there: `device` has found it."""
        return self.tables.links[device]

    def target(self, name: str) -> str:
        """An address, or the first one of a namespace."""
        name = self.tables.snapshot.name_of(name)
        if name not in self.spaces:
            return self.address(name)
        address = next(first_address(self.tables, name), None)
        if address is None:
            raise Absent(no(tr("{name} has no address to send a packet to", name=name), inside(name, "ip -br addr")))
        return address

    def address(self, text: str) -> str:
        """An address, without its prefix length."""
        ip = text.partition("/")[0]
        try:
            return str(ip_address(ip))
        except ValueError:
            why = tr("{text} is neither an address nor a namespace; {near}", text=text, near=self._near(text))
            raise Absent(no(why, "ip netns list", text)) from None


def _is_settling(tables: Tables, device: Device) -> bool:
    """Whether both ends of a cable are on and the kernel has not told of its carrier yet."""
    link = tables.link(device)
    peer = tables.link(tables.peer(device))
    if link is None or peer is None:
        return False
    return bool(link.up and peer.up and link.state != "UP")
