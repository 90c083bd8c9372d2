"""What do two wirings do differently? The same pods and the same pings, measured in a lab of each.

Nothing is quoted: who answers, what a packet costs and what fails without an entry is found by asking the
kernel, by pinging, and by taking one entry away after the other.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import scenarios, snapshot
from ..errors import BadOption
from ..facts import Entry, Link, Neighbour, Route
from ..record import Ran
from ..sandbox import HOSTNAME, Sandbox
from ..scenarios import SCENARIOS, Scenario
from ..shell import Shell
from ..snapshot import Row, Snapshot
from ..tables import recognise

QUESTION = "question"
NODE2 = "node2"
TARGETS = ("pod-b", "pod-c", HOSTNAME, NODE2)  # whom pod-a asks: a neighbour, a pod elsewhere, both machines
# How a cell says what is lost; `Loss.read` reads the same words
NONE, NOTHING, EVERYTHING = "(has none)", "nothing", "everything"
EVERY_POD, ONLY_POD_A = " (every pod)", " (only pod-a)"


@dataclass(frozen=True)
class Loss:
    """What pod-a cannot reach without one entry.

    targets: those of TARGETS that do not answer; every_pod: whether another pod is hit too; exists: whether this wiring
    has such an entry at all.
    """

    targets: tuple[str, ...] = ()
    every_pod: bool = False
    exists: bool = True

    @property
    def share(self) -> float:
        """How much of what was asked is lost, from 0 to 1."""
        return len(self.targets) / len(TARGETS)

    def __str__(self) -> str:
        if not self.exists:
            return NONE
        if not self.targets:
            return NOTHING
        what = EVERYTHING if len(self.targets) == len(TARGETS) else ", ".join(self.targets)
        return what + (EVERY_POD if self.every_pod else ONLY_POD_A)

    @classmethod
    def read(cls, cell: object) -> Loss | None:
        """The loss that a cell of the table tells; None for a cell that tells something else.

        >>> Loss.read("everything (every pod)").share, Loss.read("3: packets")
        (1.0, None)
        """
        text = str(cell)
        if text == NONE:
            return cls(exists=False)
        if text == NOTHING:
            return cls()
        what = text.removesuffix(EVERY_POD).removesuffix(ONLY_POD_A)
        targets = TARGETS if what == EVERYTHING else tuple(what.split(", "))
        if not set(targets) <= set(TARGETS):
            return None
        return cls(targets, text.endswith(EVERY_POD))


def compare(*names: str, **options: Any) -> list[Row]:
    """A row a question, a column a scenario.

    names: scenarios with two nodes (flannel, calico); options: theirs, each given to those that have it.
    Raises BadOption for a scenario or an option that cannot be compared.
    """
    rows: dict[str, Row] = {}
    for scenario in _wanted(names, options):
        with _built(scenario) as world:
            for question, answer in _measured(world):
                row = rows.setdefault(question, {QUESTION: question})
                row[scenario.name] = answer
    return list(rows.values())


def _wanted(names: tuple[str, ...], options: Mapping[str, Any]) -> list[Scenario]:
    """The scenarios, each with the options that it has."""
    if len(set(names)) != len(names) or not names:
        raise BadOption("Name the scenarios to compare, each once.")
    takes = {name: inspect.signature(SCENARIOS[name]).parameters for name in names if name in SCENARIOS}
    for option in options:
        if not any(option in parameters for parameters in takes.values()):
            raise BadOption(f"None of {', '.join(names)} has an option {option!r}.")
    wanted = []
    for name in names:
        own = {option: value for option, value in options.items() if option in takes.get(name, ())}
        wanted.append(_with_two_nodes(scenarios.load(name, **own)))
    if options.get("pods", 2) < 2:
        raise BadOption("compare needs two pods on a node: --pods 2 or more.")
    return wanted


def _with_two_nodes(scenario: Scenario) -> Scenario:
    if any(step.at == NODE2 for step in scenario.steps):
        return scenario
    raise BadOption(f"compare is for scenarios with two nodes, flannel and calico, not {scenario.name!r}.")


@dataclass(frozen=True)
class World:
    """A lab in which a scenario was laid.

    shell: for more lines; laid: what the kernel had then; host_end: the node's end of pod-a's cable, by name.
    """

    shell: Shell
    laid: Snapshot
    host_end: str

    def address(self, name: str) -> str:
        """The IPv4 address of a pod or a machine."""
        for address in self.laid.rows.addresses:
            if (address.namespace, address.dev, address.family) == (name, "eth0", "inet"):
                return address.ip
        raise LookupError(name)

    def link(self, name: str, namespace: str = HOSTNAME) -> Link:
        """A device."""
        links = {link.device: link for link in self.laid.rows.links}
        return links[namespace, name]

    @property
    def bridge(self) -> str | None:
        """The bridge that pod-a's cable is plugged into, where there is one."""
        return self.link(self.host_end).master

    @property
    def routes(self) -> list[Route]:
        """The IPv4 routes of master."""
        own = [route for route in self.laid.rows.routes if route.namespace == HOSTNAME]
        return [route for route in own if route.family == "inet"]

    def ping(self, target: str, count: int) -> Ran:
        """From pod-a, and every question must be answered."""
        return self.shell.run(f"ip netns exec pod-a ping -c {count} -i 0.2 -W 1 {target}")

    def run(self, line: str) -> Ran:
        """One line on master, whatever it answers."""
        return self.shell.run(line, expect=None)

    def forget(self) -> None:
        """Make every machine forget the MAC addresses that it learned."""
        self.run('ip neigh flush all; for ns in /run/netns/*; do ip -n "${ns##*/}" neigh flush all; done')


@contextmanager
def _built(scenario: Scenario) -> Iterator[World]:
    """A lab with all that the scenario lays; its pings are left out."""
    sandbox = Sandbox()
    try:
        shell = Shell(sandbox)
        for step in scenario.steps:
            for line in step.lines:
                if "ping" not in recognise(line):
                    shell.run(line, at=step.at, expect=step.expect)
        laid = snapshot.take(shell)
        (end,) = (wire for wire in laid.rows.wires if (wire.peer_namespace, wire.peer) == ("pod-a", "eth0"))
        yield World(shell, laid, end.name)
    finally:
        sandbox.close()


def _measured(world: World) -> Iterator[tuple[str, object]]:
    """Each question with its answer."""
    pod_b, pod_c = world.address("pod-b"), world.address("pod-c")
    replies = {"same node": _pings(world, pod_b), "across nodes": _pings(world, pod_c)}
    yield "pods of one node are joined by", f"the bridge {world.bridge}" if world.bridge else "routes of the node"
    yield "who answers when pod-a asks by ARP", _answerer(world, pod_b)
    yield "layer on the node, same node", _layer(replies["same node"][0])
    for where, times in replies.items():
        first, *later = times
        yield f"TTL of the answer, {where}", first.ttl
        yield f"routers on the way, {where}", FULL_TTL - first.ttl
        yield f"first ping, {where} (ms)", first.time_ms
        yield f"later pings, {where} (ms)", min(reply.time_ms for reply in later)
    yield "largest packet across nodes (bytes)", _largest(world, pod_c)
    yield "bytes added on the cable", _overhead(world, pod_c)
    yield "entries for each other node", _listed(_entries_remote(world))
    yield "entries for each own pod", _listed(_entries_local(world))
    for name, fault in FAULTS.items():
        yield f"without {name}, pod-a loses", str(_lost_without(world, fault(world)))


# ---- pings ------------------------------------------------------------------------------------------------

FULL_TTL = 64  # with which Linux sends (net.ipv4.ip_default_ttl); each router takes one off
HEADERS = 28  # bytes that ping's own packet adds to its data: IPv4 20, ICMP 8


@dataclass(frozen=True)
class Reply:
    """One answer to a ping: the TTL that was left, and the round trip in milliseconds."""

    ttl: int
    time_ms: float


def _pings(world: World, target: str) -> list[Reply]:
    """Three replies, the first of them with nothing learned before."""
    world.forget()
    replies: list[dict[str, Any]] = world.ping(target, 3).rows["ping"]
    return [Reply(reply["ttl"], reply["time_ms"]) for reply in replies]


def _layer(reply: Reply) -> str:
    return "2: frames" if reply.ttl == FULL_TTL else "3: packets"


def _answerer(world: World, target: str) -> str:
    """Whose MAC address pod-a has after it asked for its neighbour, and for which address it asked."""
    world.forget()
    world.ping(target, 1)
    neighbours = json.loads(world.run("ip -n pod-a -4 -j neigh").out)
    (neighbour,) = (row for row in neighbours if row.get("lladdr"))
    owners = {world.link("eth0", "pod-b").mac: "pod-b itself", world.link(world.host_end).mac: "the node"}
    mac, asked = str(neighbour["lladdr"]), str(neighbour["dst"])
    answerer = owners.get(mac, mac)
    return answerer if asked == target else f"{answerer}, for {asked}"


def _largest(world: World, target: str) -> int:
    """The largest packet that arrives whole: just fits, and one byte more does not. -1 when that is not so."""
    mtu = world.link("eth0", "pod-a").mtu or 0
    is_largest = _arrives(world, target, mtu) and not _arrives(world, target, mtu + 1)
    return mtu if is_largest else -1


def _arrives(world: World, target: str, size: int) -> bool:
    """Whether a packet of so many bytes, which no router may divide (-M do), is answered."""
    data = size - HEADERS
    return world.run(f"ip netns exec pod-a ping -c 1 -W 0.2 -M do -s {data} {target}").code == 0


def _overhead(world: World, target: str) -> int:
    """Bytes that a packet grows by between the pod and the cable, counted by rules that do nothing else."""
    rules = {"FORWARD": f"-d {target}", "POSTROUTING": "-o eth0"}
    for chain, match in rules.items():
        world.run(f"iptables -t mangle -A {chain} {match}")
    world.ping(target, 2)
    sent, carried = (_size_counted(world, chain) for chain in rules)
    for chain, match in rules.items():
        world.run(f"iptables -t mangle -D {chain} {match}")
    return carried - sent


def _size_counted(world: World, chain: str) -> int:
    """Bytes a packet, by the first rule of a chain: `iptables -vnxL` has two lines of head, then packets and bytes."""
    rule = world.run(f"iptables -t mangle -vnxL {chain}").out.splitlines()[2]
    packets, size, *_ = rule.split()
    return int(size) // int(packets)


# ---- entries ----------------------------------------------------------------------------------------------


def _listed(entries: list[str]) -> str:
    return f"{len(entries)}: {', '.join(entries)}"


def _remote_route(world: World) -> Route | None:
    """The route of master that leads to node2's pods."""
    return next((route for route in world.routes if route.onlink), None)


def _pods_route(world: World) -> Route | None:
    """The route of master for pod-a alone."""
    address = world.address("pod-a")
    return next((route for route in world.routes if route.to == address), None)


def _fixed_neighbour(world: World) -> Neighbour | None:
    """An IPv4 neighbour that master was told of, and never asks for."""
    for neighbour in world.laid.rows.neighbours:
        is_fixed = neighbour.namespace == HOSTNAME and neighbour.state == "PERMANENT"
        if is_fixed and "." in neighbour.ip:
            return neighbour
    return None


def _remote_fdb(world: World) -> Entry | None:
    """The FDB entry of master that leads to node2 by IPv4."""
    for entry in world.laid.rows.fdb:
        if entry.namespace == HOSTNAME and entry.dst and "." in entry.dst:
            return entry
    return None


def _proxies(world: World) -> bool:
    value = world.run(f"sysctl -n net.ipv4.conf.{world.host_end}.proxy_arp").out
    return value.strip() == "1"


def _entries_remote(world: World) -> list[str]:
    entries = {
        "route": _remote_route(world),
        "neighbour": _fixed_neighbour(world),
        "FDB entry": _remote_fdb(world),
    }
    return [kind for kind, entry in entries.items() if entry is not None]


def _entries_local(world: World) -> list[str]:
    entries = {
        "bridge port": world.bridge is not None,
        "route": _pods_route(world) is not None,
        "proxy ARP": _proxies(world),
    }
    return [kind for kind, exists in entries.items() if exists]


# ---- taking one away --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """The line that takes an entry away, and the line that puts it back."""

    take: str
    give: str


def _without_fdb(world: World) -> Fault | None:
    entry = _remote_fdb(world)
    if entry is None:
        return None
    where = f"{entry.mac} dev {entry.dev} dst {entry.dst} self"
    return Fault(f"bridge fdb del {where}", f"bridge fdb replace {where} permanent")


def _without_neighbour(world: World) -> Fault | None:
    neighbour = _fixed_neighbour(world)
    if neighbour is None:
        return None
    ip, mac, dev = neighbour.ip, neighbour.mac, neighbour.dev
    return Fault(f"ip neigh del {ip} dev {dev}", f"ip neigh replace {ip} lladdr {mac} nud permanent dev {dev}")


def _without_remote_route(world: World) -> Fault | None:
    route = _remote_route(world)
    if route is None:
        return None
    where = f"{route.words} onlink proto {route.proto}"
    return Fault(f"ip route del {where}", f"ip route replace {where}")


def _without_pods_route(world: World) -> Fault | None:
    route = _pods_route(world)
    if route is None:
        return None
    where = f"{route.words} scope link"
    return Fault(f"ip route del {where}", f"ip route replace {where}")


def _without_port(world: World) -> Fault | None:
    end, bridge = world.host_end, world.bridge
    if bridge is None:
        return None
    back = f"ip link set {end} master {bridge} && bridge link set dev {end} hairpin on"
    return Fault(f"ip link set {end} nomaster", back)


def _without_proxy_arp(world: World) -> Fault | None:
    if not _proxies(world):
        return None
    key = f"net.ipv4.conf.{world.host_end}.proxy_arp"
    return Fault(f"sysctl -qw {key}=0", f"sysctl -qw {key}=1")


def _without_default_route(world: World) -> Fault:
    route = next(route for route in world.routes if route.to == "default")
    return Fault("ip -4 route del default", f"ip route replace default via {route.via}")


def _without_forwarding(world: World) -> Fault:
    return Fault("sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1")


FAULTS: dict[str, Callable[[World], Fault | None]] = {
    "the FDB entry": _without_fdb,
    "the neighbour": _without_neighbour,
    "node2's route": _without_remote_route,
    "pod-a's route": _without_pods_route,
    "pod-a's port": _without_port,
    "proxy ARP": _without_proxy_arp,
    "default route": _without_default_route,
    "forwarding": _without_forwarding,
}


def _lost_without(world: World, fault: Fault | None) -> Loss:
    if fault is None:
        return Loss(exists=False)
    world.shell.run(fault.take)
    lost = _unanswered(world)
    world.shell.run(fault.give)
    mine = tuple(target for pod, target in lost if pod == "pod-a")
    return Loss(mine, every_pod=any(pod == "pod-b" for pod, _ in lost))


def _unanswered(world: World) -> list[tuple[str, str]]:
    """Which questions are not answered now: pod, whom it asked. All are asked at the same time."""
    asked = [("pod-a", target) for target in TARGETS]
    asked += [("pod-b", target) for target in TARGETS if target != "pod-b"]
    world.forget()
    pings = ""
    for pod, target in asked:
        ping = f"ping -q -c 1 -W 0.25 {world.address(target)}"
        pings += f"ip netns exec {pod} {ping} >/dev/null 2>&1 || echo {pod} {target} &\n"
    # through a pipe, because many writers of one file may overwrite each other
    silent = world.run(f"{{ {pings}wait; }} | sort").out
    lost = {(pod, target) for pod, target in re.findall(r"(\S+) (\S+)", silent)}
    return [question for question in asked if question in lost]
