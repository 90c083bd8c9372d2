"""How is this machine wired: which cable belongs to which pod? Each namespace is asked, and the ends joined.

Only asks: of every network namespace that it may enter it reads `ip -j` and `bridge -j`, and of the machine itself
`ovs-vsctl list` and `nft list chains`, where they answer. On request it sends one ping and listens to it on its way.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from operator import eq
from types import TracebackType
from typing import TypeVar

from .. import snapshot
from ..errors import NotReady, OutputNotUnderstood
from ..facts import Address, Device, Entry, Link, Neighbour, Route, as_row
from ..language import enumerated, plural, sentences, tr
from ..markup import printable
from ..packet.follow import follow
from ..packet.listen import Ground
from ..packet.lookup import Tables
from ..packet.probe import Probe, target_of
from ..packet.walk import Walk
from ..parsers import nft_list
from ..parsers.devices import veth_pairs
from ..record import Ran
from ..sandbox import HOSTNAME, Outside, check_linux
from ..shell import Shell
from ..snapshot import Facts, Snapshot
from . import cni, daemons
from .asking import Answers, addresses, ask, entering, privately
from .choice import chosen, is_address, one
from .cni import Sign
from .namespaces import OWN, Space, find_spaces
from .pods import name_spaces
from .wired import Row, Wired

COLUMNS = ("namespace", "pod", "process", "pid", "processes", "netns", "container", "inode")
F = TypeVar("F", Address, Route, Neighbour, Entry)  # what belongs to a device
CHAINS = "nft list chains 2>/dev/null"  # of every table the names and hooks, and no rule
NAMED_AS_HIDDEN = 3  # namespaces that the sentence about the hidden ones names


@dataclass(frozen=True)
class Inhabitants:
    """A row of the list of namespaces: its label, its pod, its processes, its names and the file system's number of it.

    process, pid: its first process; processes: how many; netns: its names under /run/netns; container: identity.
    """

    namespace: str
    inode: int
    pod: str | None = None
    process: str | None = None
    pid: int | None = None
    processes: int | None = None
    netns: str | None = None
    container: str | None = None


@dataclass(frozen=True, repr=False)
class Inspection(Wired):
    """This machine's wiring.

    spaces: who is in each namespace (pod, process, container ...); hidden: what we could not look at, in a sentence, or
    empty; the rest as in Wired.
    """

    spaces: tuple[Inhabitants, ...]
    hidden: str

    @property
    def space_rows(self) -> list[Row]:
        """The namespaces as rows of a table."""
        return [as_row(space, COLUMNS) for space in self.spaces]

    def as_dict(self) -> Row:
        """Everything, for programs."""
        wired = super().as_dict()
        return {"namespaces": self.space_rows, "hidden": self.hidden, **wired}

    def words(self) -> str:
        """All of it, a paragraph each."""
        parts = [self.finding, self.listed_cables, self.as_text(), self.hidden]
        return "\n\n".join(part for part in parts if part)


def inspect(what: str | None = None) -> Inspection:
    """Look at this machine's network namespaces, without changing anything.

    what: a pod (`default/web-1` or `web-1`), a container, the name of a namespace, a process number, a device or an
    address, to see its wiring only. Raises BadInput when there is no such thing here.
    """
    with _Machine() as machine:
        taken = machine.look()
        spaces = machine.inhabitants()
        if what is not None:
            labels = chosen(what, machine.answering, taken, machine.own)
            taken = _only(taken, labels, machine.own)
            spaces = [space for space in spaces if space.namespace in labels]
        findings = cni.findings(taken, machine.signs())
        return Inspection(taken, findings, tuple(spaces), machine.hidden())


def walk(src: str, dst: str, trace: bool = False) -> Walk:
    """Send one real ping on this machine and see every device that it passes, as `Lab.walk` does.

    src: where it is sent from, named as for `inspect`; dst: likewise, or any address. Nothing is changed but what the
    kernel learns from a ping; the listeners are on the way from src to dst only, not on other pods' cables. trace:
    whether a ping that is lost is sent once more, with a table of nft in the namespaces on its way that traces it.
    Raises BadInput when there is no such end here, NotReady when we may not listen.
    """
    with _Machine() as machine:
        tables = Tables(machine.look())
        if machine.run("true").code != 0:
            raise NotReady(tr("To walk a ping is to listen on this machine's devices, which needs root: use sudo."))
        start = one(src, machine.answering, tables.snapshot, machine.own)
        goal = _goal(dst, tables.snapshot, machine)
        target = target_of(tables, start, goal)
        spaces, devices = _on_the_way(tables, machine.own, start, target)
        ground = Ground(machine.run, machine.inside, machine.look, machine.typed)
        probe = Probe.of((start, goal, target))
        walked = follow(ground, tables, probe, devices, may_trace=trace)
        shown = _shown(walked.snapshot, spaces, devices)
        return replace(walked, snapshot=shown)


def _goal(dst: str, taken: Snapshot, machine: _Machine) -> str:
    """Where a walk goes: an address, as the kernel writes it, or the label of a namespace."""
    if is_address(dst):
        return str(ip_address(dst))
    return one(dst, machine.answering, taken, machine.own)


class _Machine:
    """This machine while we look at it: its namespaces, each held by a descriptor, and what they answered."""

    def __init__(self) -> None:
        check_linux()
        self.own = os.uname().nodename
        self._shell = Shell(Outside())
        self._spaces, self._closed = find_spaces()
        self._answers: Answers | None = None

    def __enter__(self) -> _Machine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shell.close()  # whose bash has the same descriptors, which hold each namespace
        for space in self._spaces:
            os.close(space.fd)

    @property
    def answering(self) -> list[Space]:
        """The namespaces that answered."""
        if self._answers is None:
            return []
        by_space = self._answers.by_space
        return [space for space in self._spaces if str(space.fd) in by_space]

    def look(self) -> Snapshot:
        """What each namespace that we may enter has now, called by its label."""
        first = self._answers is None
        fds = [space.fd for space in self._spaces]
        self._answers = ask(self._shell, fds)
        if first:
            self._name_spaces(self._answers)
        labels = {str(space.fd): space.label for space in self._spaces}
        labels[HOSTNAME] = self.own
        taken = snapshot.of(self._answers.by_space)
        taken = snapshot.with_switches(taken, self._asked_of_switches())
        return _relabelled(taken, labels, self.own)

    def _asked_of_switches(self) -> str:
        """What Open vSwitch says of its ports, where it runs and we may ask it."""
        ran = self._shell.run(f"{snapshot.SWITCHES}exit 0", expect=None)
        return dict(snapshot.parts(ran.out)).get(snapshot.OF_SWITCHES, "")

    def signs(self) -> list[Sign]:
        """What the packet filter of this machine shows of flannel and calico, where we may ask it."""
        ran = self._shell.run(CHAINS, expect=None)
        found = []
        with contextlib.suppress(OutputNotUnderstood):
            for row in nft_list.parse(ran.out):
                found.append(daemons.sign_of("nft list", self.own, row))
        return [sign for sign in found if sign is not None]

    def _name_spaces(self, answers: Answers) -> None:
        by_inode = {}
        for space in self.answering:
            answer = answers.by_space[str(space.fd)]
            by_inode[space.inode] = addresses(answer)
        name_spaces(self._spaces, by_inode, self.own)

    def run(self, line: str) -> Ran:
        """Run a line where `inside` finds the namespaces."""
        fds = [space.fd for space in self._spaces]
        hidden = privately(line, fds)
        return self._shell.run(hidden, expect=None)

    def inside(self, label: str, line: str) -> str:
        """The line that runs a line in the namespace of this label."""
        for space in self._spaces:
            if space.label == label and label != self.own:
                return entering(space.fd) + line
        return line

    def typed(self, label: str, line: str) -> str:
        """The line as root would type it for the namespace of this label."""
        for space in self._spaces:
            if space.label != label or label == self.own:
                continue
            if space.names:
                return f"ip netns exec {shlex.quote(space.names[0])} {line}"
            if space.pids:
                return f"nsenter -t {space.pids[0]} -n {line}"
        return line

    def inhabitants(self) -> list[Inhabitants]:
        """Who is in each namespace, our own first."""
        inode = os.stat(OWN).st_ino
        rows = [Inhabitants(self.own, inode)]
        for space in sorted(self.answering, key=lambda space: space.label):
            rows.append(_inhabitants(space))
        return rows

    def hidden(self) -> str:
        """What we could not look at, as sentences."""
        shut, garbled = self._silent()
        told = []
        what = _closed_to_us(shut, self._closed)
        if what:
            told.append(tr("Not shown, because we may not enter: {what}.", what=what))
        if what and os.geteuid() != 0:
            told.append(tr("With sudo they are shown."))
        if garbled:
            told.append(tr("Not shown, because what it answers cannot be read: {what}.", what=_named(garbled)))
        return sentences(*told)

    def _silent(self) -> tuple[list[Space], list[Space]]:
        """The namespaces that did not answer, and those that answered what is no JSON."""
        shut = []
        garbled = []
        answering = {space.inode for space in self.answering}
        for space in self._spaces:
            if self._answers and str(space.fd) in self._answers.garbled:
                garbled.append(space)
            elif space.inode not in answering:
                shut.append(space)
        return shut, garbled


def _inhabitants(space: Space) -> Inhabitants:
    return Inhabitants(
        namespace=space.label,
        inode=space.inode,
        pod=_printable(space.pod),
        process=_printable(space.process),
        pid=space.pids[0] if space.pids else None,
        processes=len(space.pids),
        netns=_printable(" ".join(space.names)),
        container=_printable(space.container),
    )


def _printable(name: str | None) -> str | None:
    return printable(name) if name else None


def _closed_to_us(shut: Collection[Space], processes: int) -> str:
    """What we may not enter: namespaces with a name, and those that so many processes of others are in."""
    of_others = plural("those of {count} process of others", "those of {count} processes of others", processes)
    if not shut:
        return of_others if processes else ""
    if not processes:
        return _named(shut)
    return tr("{what} and {of_others}", what=_named(shut), of_others=of_others)


def _named(spaces: Collection[Space]) -> str:
    """How many namespaces these are, and what the first of them are called."""
    labels = [space.label or tr("unnamed") for space in spaces]
    shown = labels[:NAMED_AS_HIDDEN]
    if len(labels) > NAMED_AS_HIDDEN:
        shown.append("...")
    return plural(
        "{count} network namespace ({names})",
        "{count} network namespaces ({names})",
        len(labels),
        names=enumerated(shown),
    )


# ---- the answer -----------------------------------------------------------------------------------------------


def _relabelled(taken: Snapshot, labels: Mapping[str, str], own: str) -> Snapshot:
    """The snapshot with its namespaces called by their labels, and all of them on this machine."""
    rows = taken.rows
    spaces = []
    for space in rows.namespaces:
        label = labels[space.namespace]
        spaces.append(replace(space, namespace=label, machine=own, placed=True))
    links = [_relabelled_link(link, labels) for link in rows.links]
    return Snapshot(
        Facts(
            namespaces=tuple(spaces),
            links=tuple(links),
            addresses=_called(rows.addresses, labels),
            routes=_called(rows.routes, labels),
            neighbours=_called(rows.neighbours, labels),
            fdb=_called(rows.fdb, labels),
            wires=tuple(veth_pairs(links)),
        )
    )


def _called(facts: Iterable[F], labels: Mapping[str, str]) -> tuple[F, ...]:
    relabelled = []
    for fact in facts:
        label = labels[fact.namespace]
        relabelled.append(replace(fact, namespace=label))
    return tuple(relabelled)


def _relabelled_link(link: Link, labels: Mapping[str, str]) -> Link:
    """A link with its namespaces' labels; a veth always has another end: one that we cannot see is not gone."""
    wrapping = link.wrapping
    if wrapping is not None:
        wrapping = replace(wrapping, namespace=labels.get(wrapping.namespace or ""))
    return replace(
        link,
        wrapping=wrapping,
        namespace=labels[link.namespace],
        peer_namespace=labels.get(link.peer_namespace or ""),
        parent_namespace=labels.get(link.parent_namespace or ""),
        unseen=link.is_cable and link.peer is None,
        how=tr("the kernel tells both ends") if link.peer else None,
    )


# ---- the way of a ping --------------------------------------------------------------------------------------------


def _on_the_way(tables: Tables, own: str, src: str, target: str) -> tuple[set[str], list[Device]]:
    """The namespaces that a packet may pass, by their cables, and their devices, but for cables to others."""
    owner = tables.owner(target)
    there = owner[0] if owner else own
    spaces = {src, own, there}
    for start, end in ((src, own), (src, there), (own, there)):
        between = tables.way(start, partial(eq, end))
        spaces.update(between)
    devices = []
    for link in tables.snapshot.rows.links:
        other = link.peer_namespace
        leads_aside = other is not None and other not in spaces
        if link.namespace in spaces and not leads_aside:
            devices.append(link.device)
    return spaces, devices


def _shown(taken: Snapshot, spaces: Collection[str], devices: Iterable[Device]) -> Snapshot:
    """Of a snapshot what is in these namespaces, less what belongs to other devices."""
    kept = set(devices)

    def is_kept(namespace: str, dev: str | None) -> bool:
        if namespace not in spaces:
            return False
        return dev is None or (namespace, dev) in kept

    return _filtered(taken, set(spaces), is_kept)


def _only(taken: Snapshot, labels: Collection[str], own: str) -> Snapshot:
    """One wiring: the chosen namespaces, and of the machine the other ends of their cables with their bridges."""
    links = taken.rows.links
    ends = set()
    for link in links:
        if link.namespace in labels and link.peer_device:
            ends.add(link.peer_device)
    kept = set(ends)
    for link in links:
        if link.device in ends and link.master:
            kept.add((own, link.master))

    def is_kept(namespace: str, dev: str | None) -> bool:
        if namespace in labels:
            return True
        return (namespace, dev) in kept

    spaces = {own, *labels}
    spaces.update(namespace for namespace, _ in kept)
    return _filtered(taken, spaces, is_kept)


def _filtered(taken: Snapshot, spaces: Collection[str], is_kept: Callable[[str, str | None], bool]) -> Snapshot:
    """Of a snapshot these namespaces, and the facts whose namespace and device are kept."""

    def of_kept(facts: Iterable[F]) -> tuple[F, ...]:
        kept = [fact for fact in facts if is_kept(fact.namespace, fact.dev)]
        return tuple(kept)

    rows = taken.rows
    namespaces = [space for space in rows.namespaces if space.namespace in spaces]
    links = [link for link in rows.links if is_kept(link.namespace, link.name)]
    wires = [wire for wire in rows.wires if is_kept(wire.namespace, wire.name)]
    return Snapshot(
        Facts(
            namespaces=tuple(namespaces),
            links=tuple(links),
            addresses=of_kept(rows.addresses),
            routes=of_kept(rows.routes),
            neighbours=of_kept(rows.neighbours),
            fdb=of_kept(rows.fdb),
            wires=tuple(wires),
        )
    )
