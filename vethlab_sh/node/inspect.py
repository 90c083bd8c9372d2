"""How is this machine wired: which cable belongs to which pod?

Only asks: of every network namespace that it may enter it reads `ip -j` and `bridge -j`. On request it sends one ping
and listens to it on its way.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from ipaddress import ip_address
from operator import eq
from types import TracebackType
from typing import Any

from .. import snapshot
from ..errors import BadInput, CommandFailed, NotReady
from ..facts import Device, Fact, Link
from ..packet.follow import follow
from ..packet.listen import Ground
from ..packet.lookup import Tables
from ..packet.probe import Probe, target_of
from ..packet.walk import Walk
from ..record import Ran
from ..sandbox import HOSTNAME, Outside, check_linux
from ..shell import Shell
from ..snapshot import Facts, Row, Snapshot
from . import cni, pairs
from .cni import Wired
from .namespaces import Space, find_spaces, name_spaces

COLUMNS = ("namespace", "pod", "process", "pid", "processes", "netns", "container", "inode")

# A private mount namespace hides /run, so that `ip` calls each namespace by the number of our descriptor for it. That
# costs no process a namespace, and leaves nothing behind. `nsenter` because `ip -n` copies every mount of the machine;
# no `netns list-id` in each namespace, because there `ip` opens every name that there is.
PRIVATELY = """
mount -t tmpfs tmpfs /run && mkdir /run/netns || exit 3
[ $# = 0 ] || ln -s "${@/#//proc/self/fd/}" /run/netns/
"""
ASK = """
ask() {
    local it answer
    it=$(printf 'addr\\nneigh\\nroute\\n' | "$@" ip -d -j -batch -) || return
    echo "$it"
    "$@" ip -d -j -6 route
    case $it in *'"bridge"'*|*'"vxlan"'*) "$@" bridge -j fdb ;; *) echo '[]' ;; esac
}
ask_each() { for fd; do MARK $fd; ask nsenter --net=/proc/self/fd/$fd; done; }
half=$(($# / 2))
ask_each "${@:1:half}" >/run/half &
MARK HOST; ask
ask_each "${@:half+1}"
wait; cat /run/half; exit 0
"""
ALONE = """
MARK HOST
printf 'addr\\nneigh\\nroute\\n' | ip -d -j -batch -; ip -d -j -6 route; bridge -j fdb; exit 0
"""
ANSWERS = ("addr", "neigh", "route", "route6", "fdb")


@dataclass(frozen=True)
class Inspection(Wired):
    """This machine's wiring.

    spaces: a row a namespace (pod, process, container ...); hidden: what we could not look at, in a sentence, or empty;
    the rest as in Wired.
    """

    spaces: tuple[Row, ...]
    hidden: str

    def as_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {"namespaces": list(self.spaces), "hidden": self.hidden, **super().as_dict()}

    def __str__(self) -> str:
        told = "\n".join(f"- {pairs.sentence(row)}" for row in self.wire_rows)
        return "\n\n".join(part for part in (self.finding, told, self.as_text(), self.hidden) if part)


def inspect(what: str | None = None) -> Inspection:
    """Look at this machine's network namespaces, without changing anything.

    what: a pod (`default/web-1` or `web-1`), a container, the name of a namespace, a process number, a device or an
    address, to see its wiring only. Raises BadInput when there is no such thing here.
    """
    with _Machine() as machine:
        taken = machine.look()
        rows = machine.rows()
        if what is not None:
            chosen = _chosen(what, taken, machine)
            taken = _only(taken, chosen, machine.own)
            rows = [row for row in rows if row["namespace"] in chosen]
        return Inspection(taken, cni.findings(taken), tuple(rows), machine.hidden())


def walk(src: str, dst: str) -> Walk:
    """Send one real ping on this machine and see every device that it passes, as `Lab.walk` does.

    src: where it is sent from, named as for `inspect`; dst: likewise, or any address. Nothing is changed but what the
    kernel learns from a ping; the listeners are on the way from src to dst only, not on other pods' cables.
    Raises BadInput when there is no such end here, NotReady when we may not listen.
    """
    with _Machine() as machine:
        tables = Tables(machine.look())
        if machine.run("true").code != 0:
            raise NotReady("To walk a ping is to listen on this machine's devices, which needs root: use sudo.")
        start = _one(src, tables.snapshot, machine)
        with contextlib.suppress(ValueError):
            dst = str(ip_address(dst))
        goal = dst if _is_address(dst) else _one(dst, tables.snapshot, machine)
        target = target_of(tables, start, goal)
        spaces, devices = _on_the_way(tables, machine.own, start, target)
        ground = Ground(machine.run, machine.inside, machine.look, machine.typed)
        probe = Probe.of((start, goal, target))
        walked = follow(ground, tables, probe, devices, may_trace=False)
        return replace(walked, snapshot=_shown(walked.snapshot, spaces, devices))


class _Machine:
    """This machine while we look at it: its namespaces, each held by a descriptor, and what they answered."""

    def __init__(self) -> None:
        check_linux()
        self.own = os.uname().nodename
        self.shell = Shell(Outside())
        self.spaces, self.closed = find_spaces()
        self.answered: dict[str, Any] = {}

    def __enter__(self) -> _Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shell.close()  # whose bash has the same descriptors, which hold each namespace
        for space in self.spaces:
            os.close(space.fd)

    def look(self) -> Snapshot:
        """What each namespace that we may enter has now, called by its label."""
        first, self.answered = not self.answered, _ask(self.shell, self.spaces)
        if first:
            name_spaces(self.spaces, self.answered)
        return _relabelled(snapshot.of(self.answered), {str(s.fd): s.label for s in self.spaces} | {HOSTNAME: self.own})

    def run(self, line: str) -> Ran:
        """Run a line where `inside` finds the namespaces."""
        return self.shell.run(_privately(line, self.spaces), expect=None)

    def inside(self, label: str, line: str) -> str:
        """The line that runs a line in the namespace of this label."""
        found = (space.fd for space in self.spaces if space.label == label and label != self.own)
        return next((_entering(fd) + line for fd in found), line)

    def typed(self, label: str, line: str) -> str:
        """The line as root would type it for the namespace of this label."""
        space = next((space for space in self.spaces if space.label == label and label != self.own), None)
        if space is None:
            return line
        if space.names:
            return f"ip netns exec {shlex.quote(space.names[0])} {line}"
        return f"nsenter -t {space.pids[0]} -n {line}" if space.pids else line

    def rows(self) -> list[Row]:
        """A row a namespace, our own first."""
        first = dict.fromkeys(COLUMNS) | {"namespace": self.own, "inode": os.stat("/proc/self/ns/net").st_ino}
        return [first] + [
            {
                "namespace": s.label, "pod": s.pod, "process": s.process, "pid": s.pids[0] if s.pids else None,
                "processes": len(s.pids), "netns": " ".join(s.names) or None, "container": s.container,
                "inode": s.inode,
            }
            for s in sorted(self.spaces, key=lambda s: s.label)
            if str(s.fd) in self.answered
        ]  # fmt: skip

    def hidden(self) -> str:
        """What we could not look at, as a sentence."""
        shut = [space.label or "unnamed" for space in self.spaces if str(space.fd) not in self.answered]
        named = f"{', '.join(shut[:3])}{', ...' * (len(shut) > 3)}"
        parts = [f"{_counted(len(shut), 'network namespace')} ({named})"] if shut else []
        parts += [f"those of {_counted(self.closed, 'process')} of others"] if self.closed else []
        if not parts:
            return ""
        cure = "" if os.geteuid() == 0 else " With sudo they are shown."
        return f"Not shown, because we may not enter: {' and '.join(parts)}.{cure}"


def _counted(count: int, thing: str) -> str:
    plural = "es" if thing.endswith("s") else "s"
    return f"{count} {thing}{plural * (count != 1)}"


# ---- what the kernel says -----------------------------------------------------------------------------------------


def _ask(shell: Shell, spaces: list[Space]) -> dict[str, Any]:
    """What each namespace that we may enter answered, by its descriptor's number."""
    ran = shell.run(_privately(ASK, spaces), expect=None)
    if ran.code != 0:  # no right to a mount namespace, so none to enter another network either
        ran = shell.run(_filled(ALONE), expect=None)
        spaces = []
    answered: dict[str, Any] = dict(snapshot.answers(ran.out, ANSWERS))
    if HOSTNAME not in answered:
        raise CommandFailed(ran)
    for answer in answered.values():
        answer["ids"] = []
    if spaces:
        _ask_for_ids(shell, answered, spaces, [HOSTNAME])
        _confirm(answered)
        _ask_for_ids(shell, answered, spaces, [space for space in answered if space != HOSTNAME])
    return answered


def _privately(script: str, spaces: list[Space]) -> str:
    """The line that runs a script in a mount namespace of its own, where each namespace has its descriptor's number."""
    whole = _filled(PRIVATELY + script)
    line = ["unshare", "--mount", "bash", "-c", whole, "inspect", *(str(space.fd) for space in spaces)]
    return shlex.join(line)


def _entering(fd: int | str) -> str:
    """What goes before a line that is to run in the namespace of this descriptor."""
    return f"nsenter --net=/proc/self/fd/{fd} "


def _filled(script: str) -> str:
    return script.replace("MARK", r"printf '\0%s\0\n'").replace("HOST", HOSTNAME)


def _veths(answer: dict[str, Any]) -> Iterator[Row]:
    return (link for link in answer["addr"] if link.get("linkinfo", {}).get("info_kind") == "veth")


def _confirm(answered: dict[str, Any]) -> None:
    """Tell each namespace which of its numbers is our own, by the cables whose two ends name each other's number.

    Our own namespace knows the others by name; that spares the question in each of them.
    """
    names = {row["nsid"]: row.get("name") for row in answered[HOSTNAME]["ids"]}
    ours = {(names.get(link.get("link_netnsid")), link.get("link_index"), link["ifindex"])
            for link in _veths(answered[HOSTNAME])}  # fmt: skip
    for space, answer in answered.items():
        here = {link["link_netnsid"] for link in _veths(answer) if "link_netnsid" in link
                and (space, link["ifindex"], link.get("link_index")) in ours}  # fmt: skip
        answer["ids"] += [{"nsid": nsid} for nsid in here if space != HOSTNAME]


def _ask_for_ids(shell: Shell, answered: dict[str, Any], spaces: list[Space], where: Iterable[str]) -> None:
    """Ask namespaces whom they mean by the numbers in their cables that we do not know yet.

    One by one: asked for all, Linux 6.18 tells the first 134 only.
    """
    lines = []
    for space in where:
        answer = answered[space]
        known = {row["nsid"] for row in answer["ids"]}
        unknown = {link["link_netnsid"] for link in _veths(answer) if "link_netnsid" in link} - known
        if unknown:
            asked = "\\n".join(f"netns list-id nsid {nsid}" for nsid in sorted(unknown))
            enter = "" if space == HOSTNAME else _entering(space)
            lines.append(f"MARK {space}; printf '{asked}\\n' | {enter}ip -j -force -batch -")
    if lines:
        ran = shell.run(_privately("\n".join([*lines, "exit 0"]), spaces), expect=None)
        parts = ran.out.split(snapshot.MARK)[1:]
        for space, told in zip(parts[::2], parts[1::2], strict=True):
            rows = (row for line in told.splitlines() if line.startswith("[") for row in json.loads(line))
            answered[space]["ids"] += [row for row in rows if row.get("name")]


# ---- the answer -----------------------------------------------------------------------------------------------


def _relabelled(taken: Snapshot, labels: dict[str, str]) -> Snapshot:
    """The snapshot with its namespaces called by their labels, and all of them on this machine."""
    own = labels[HOSTNAME]
    kinds = {name: tuple(_renamed(fact, labels) for fact in taken.rows[name]) for name in snapshot.KINDS}
    facts = Facts(**kinds)
    spaces = tuple(replace(space, machine=own, placed=True) for space in facts.namespaces)
    return Snapshot(replace(facts, namespaces=spaces, links=tuple(_with_far_end(link) for link in facts.links)))


def _with_far_end(link: Link) -> Link:
    """A veth always has another end: one that we cannot see is out of sight, not gone."""
    unseen = link.kind == "veth" and link.peer is None
    return replace(link, unseen=unseen, how="the kernel tells both ends" if link.peer else None)


def _renamed(fact: Any, labels: dict[str, str]) -> Any:
    """A fact with its namespaces called by their labels."""
    names = [field.name for field in fields(fact) if field.name in ("namespace", "peer_namespace")]
    return replace(fact, **{name: labels.get(fact[name], fact[name]) for name in names})


def _chosen(what: str, taken: Snapshot, machine: _Machine) -> set[str]:
    """The labels of the namespaces that a pod, a container, a name, a process, a device or an address means."""
    spaces, own = machine.spaces, machine.own
    found = {s.label for s in spaces if what in (s.label, s.pod, *s.names) or (s.pod or "").endswith(f"/{what}")}
    if not found and len(what) >= 8:
        found = {s.label for s in spaces if (s.container or "").startswith(what)}
    if not found and what.isdigit():
        with contextlib.suppress(OSError):
            inode = os.stat(f"/proc/{what}/ns/net").st_ino
            found = {row["namespace"] for row in machine.rows() if row["inode"] == inode}
    links = [row for row in taken.rows["links"] if row["name"] == what]
    found = found or {own} & {what}
    found = found or {row["peer_namespace"] for row in links if row["namespace"] == own and row["peer"]}
    found = found or {row["namespace"] for row in links}
    found = found or {row["namespace"] for row in taken.rows["addresses"] if row["address"].partition("/")[0] == what}
    if not found:
        known = sorted({s.label for s in spaces})
        shown = f" There are: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}." if known else ""
        raise BadInput(
            f"There is no pod, container, namespace, process, device or address {what!r} to be seen here.{shown}"
        )
    return found


def _one(what: str, taken: Snapshot, machine: _Machine) -> str:
    """The label of the one namespace that this means, which answers us."""
    found = sorted(_chosen(what, taken, machine))
    if len(found) > 1:
        raise BadInput(f"{what!r} could be {' or '.join(found[:4])}{' ...' * (len(found) > 4)}: say which.")
    return found[0]


def _is_address(what: str) -> bool:
    try:
        ip_address(what)
    except ValueError:
        return False
    return True


# ---- the way of a ping --------------------------------------------------------------------------------------------


def _on_the_way(tables: Tables, own: str, src: str, target: str) -> tuple[set[str], list[Device]]:
    """The namespaces that a packet may pass, by their cables, and their devices, but for cables to others."""
    owner = tables.owner(target) or (own, "")
    ends = ((src, own), (src, owner[0]), (own, owner[0]))
    spaces = {src, own, owner[0]}.union(*(tables.way(start, partial(eq, end)) for start, end in ends))
    aside = [device for device in tables.links if (peer := tables.peer(device)) and peer[0] not in spaces]
    return spaces, [device for device in tables.links if device[0] in spaces and device not in aside]


def _shown(taken: Snapshot, spaces: set[str], devices: Collection[Device]) -> Snapshot:
    """Of a snapshot what is in these namespaces, less what belongs to other devices."""

    def keep(fact: Fact) -> bool:
        name = fact.get("dev", fact.get("name"))
        return fact["namespace"] in spaces and (name is None or (fact["namespace"], name) in devices)

    return Snapshot(Facts(**{name: tuple(filter(keep, taken.rows[name])) for name in snapshot.KINDS}))


def _only(taken: Snapshot, chosen: set[str], own: str) -> Snapshot:
    """One wiring: the chosen namespaces, and of the machine the other ends of their cables with their bridges."""
    links = taken.rows["links"]
    ends = {(row["peer_namespace"], row["peer"]) for row in links if row["namespace"] in chosen and row["peer"]}
    ends |= {(own, row["master"]) for row in links if (row["namespace"], row["name"]) in ends and row["master"]}
    kept = {"namespaces": lambda row: row["namespace"] in chosen | {own} | {space for space, _ in ends}}

    def keep(fact: Fact) -> bool:
        return fact["namespace"] in chosen or (fact["namespace"], fact.get("dev", fact.get("name"))) in ends

    kinds = {name: tuple(filter(kept.get(name, keep), taken.rows[name])) for name in snapshot.KINDS}
    return Snapshot(Facts(**kinds))
