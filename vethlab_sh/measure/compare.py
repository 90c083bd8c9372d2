"""What do two wirings do differently? The same pods and the same pings, measured in a lab of each.

Nothing is quoted: who answers, what a packet costs and what fails without an entry is found by asking the
kernel, by pinging, and by taking one entry away after the other.
"""

from __future__ import annotations

import inspect
import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import scenarios, snapshot
from ..errors import BadOption
from ..facts import Entry, Link, Neighbour, Route
from ..language import enumerated, marked, tr
from ..record import Ran
from ..sandbox import HOSTNAME, Sandbox
from ..scenarios import SCENARIOS, Scenario, Step, bird, maker
from ..scenarios.calico import MODES as CALICOS
from ..scenarios.calico import both_nodes
from ..scenarios.flannel import MODES as FLANNELS
from ..shell import Shell
from ..snapshot import Row, Snapshot
from ..tables import recognise

ABOUT, QUESTION = "about", "question"
MODES: dict[str, Collection[str]] = {"flannel": FLANNELS, "calico": CALICOS}
AT_ONCE = 2  # scenarios
NODE2 = "node2"
TARGETS = ("pod-b", "pod-c", HOSTNAME, NODE2)  # whom pod-a asks: a neighbour, a pod elsewhere, both machines


@dataclass(frozen=True)
class Loss:
    """What pod-a cannot reach without one entry. It reads as the language has it that is spoken when it is shown.

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
            return tr("(has none)")
        if not self.targets:
            return tr("nothing")
        if len(self.targets) == len(TARGETS):
            what = tr("everything")
        else:
            what = enumerated(self.targets)
        return what + (tr(" (every pod)") if self.every_pod else tr(" (only pod-a)"))


def compare(*names: str, **options: Any) -> list[Row]:
    """A row a question, a column a scenario.

    names: scenarios with two nodes, each with a mode behind a colon where that is not its first one (flannel,
    flannel:host-gw, calico, calico:bgp); options: theirs, each given to those that have it. A row says what it is
    `about` in a word that is the same in every language, asks its `question` in the one that is spoken, and has a
    `Loss` for what is lost without an entry.
    Raises BadOption for a scenario or an option that cannot be compared.
    """
    wanted = _wanted(names, options)
    # Two at the same time: each waits for pings most of the time, and then the other one's are sent.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        measured = pool.map(_measured_in_a_lab, wanted.values())
        rows: dict[str, Row] = {}
        for name, answers in zip(wanted, measured, strict=True):
            for answer in answers:
                row = rows.setdefault(answer.about, {ABOUT: answer.about, QUESTION: answer.question})
                row[name] = answer.value
    return list(rows.values())


def _measured_in_a_lab(scenario: Scenario) -> list[Answer]:
    """The answers of one scenario, from a lab of its own."""
    with _built(scenario) as world:
        return list(_measured(world))


def _wanted(names: tuple[str, ...], options: Mapping[str, Any]) -> dict[str, Scenario]:
    """The scenarios by the names that were given, each with the options that it has."""
    if len(set(names)) != len(names) or not names:
        raise BadOption(tr("Name the scenarios to compare, each once."))
    asked = {name: _options(name, options) for name in names}
    for option in options:
        if not any(option in own for own in asked.values()):
            listed = enumerated(names)
            raise BadOption(tr("None of {listed} has an option {option!r}.", listed=listed, option=option))
    wanted = {}
    for name, own in asked.items():
        scenario = scenarios.load(name.partition(":")[0], **own)
        wanted[name] = _with_two_nodes(scenarios.playable(scenario))
    if options.get("pods", 2) < 2:
        raise BadOption(tr("compare needs two pods on a node: --pods 2 or more."))
    return wanted


def _options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one scenario; its mode may stand in its name, and is that of all where it is one of its own."""
    scenario, _, mode = name.partition(":")
    takes = _parameters(scenario)
    own = {option: value for option, value in options.items() if option in takes}
    if mode:
        return own | {"mode": mode}
    others = [modes for other, modes in MODES.items() if other != scenario]
    if any(own.get("mode") in modes for modes in others) and own["mode"] not in MODES[scenario]:
        del own["mode"]  # it is meant for another one
    return own


def _parameters(name: str) -> Collection[str]:
    """The options that a scenario has; none for one that does not exist, of which `scenarios.load` says so."""
    if name not in SCENARIOS:
        return ()
    signature = inspect.signature(maker(name))
    return signature.parameters


def _with_two_nodes(scenario: Scenario) -> Scenario:
    if any(step.at == NODE2 for step in scenario.steps):
        return scenario
    raise BadOption(
        tr("compare is for scenarios with two nodes, flannel and calico, not {name!r}.", name=scenario.name)
    )


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
            if address.device == (name, "eth0") and address.family == "inet":
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
        routes = []
        for route in self.laid.rows.routes:
            if route.namespace == HOSTNAME and route.family == "inet":
                routes.append(route)
        return routes

    def ping(self, target: str, count: int) -> Ran:
        """From pod-a, and every question must be answered."""
        return self.shell.run(f"ip netns exec pod-a ping -c {count} -i 0.05 -W 1 {target}")

    def run(self, line: str) -> Ran:
        """One line on master, whatever it answers."""
        return self.shell.run(line, expect=None)

    def forget(self) -> None:
        """Make every machine forget the MAC addresses that it learned."""
        self.run('ip neigh flush all; for ns in /run/netns/*; do ip -n "${ns##*/}" neigh flush all; done')


@contextmanager
def _built(scenario: Scenario) -> Iterator[World]:
    """A lab with all that the scenario lays; its pings are left out."""
    scenarios.check_programs(scenario)
    sandbox = Sandbox()
    try:
        shell = Shell(sandbox)
        scenarios.check_kinds(scenario, lambda line: shell.run(line, expect=None).code)
        for step in scenario.steps:
            _lay(shell, step)
        laid = snapshot.take(shell)
        yield World(shell, laid, _host_end(laid))
    finally:
        sandbox.close()


def _lay(shell: Shell, step: Step) -> None:
    for line in step.lines:
        if "ping" not in recognise(line):
            shell.run(line, at=step.at, expect=step.expect)


def _host_end(laid: Snapshot) -> str:
    """The node's end of pod-a's cable."""
    for wire in laid.rows.wires:
        if wire.peer_namespace == "pod-a" and wire.peer == "eth0":
            return wire.name
    raise LookupError("pod-a")


@dataclass(frozen=True)
class Answer:
    """What was measured of one wiring. about: what it is, in a word; question: the same in words."""

    about: str
    question: str
    value: object


def _measured(world: World) -> Iterator[Answer]:
    """Each question with its answer."""
    pod_b = world.address("pod-b")
    pod_c = world.address("pod-c")
    near = _pings(world, pod_b)
    far = _pings(world, pod_c)
    yield Answer("joint", tr("pods of one node are joined by"), _joint(world))
    yield Answer("answerer", tr("who answers when pod-a asks by ARP"), _answerer(world, pod_b))
    yield Answer("layer", tr("layer on the node, same node"), _layer(near[0]))
    yield from _cost("near", tr("same node"), near)
    yield from _cost("far", tr("across nodes"), far)
    yield Answer("largest", tr("largest packet across nodes (bytes)"), _largest(world, pod_c))
    yield Answer("added", tr("bytes added on the cable"), _overhead(world, pod_c))
    yield Answer("node-entries", tr("entries for each other node"), _listed(_entries_remote(world)))
    yield Answer("pod-entries", tr("entries for each own pod"), _listed(_entries_local(world)))
    for name, (question, without) in FAULTS.items():
        fault = without(world)
        yield Answer(name, tr(question), _lost_without(world, fault))


def _joint(world: World) -> str:
    if world.bridge:
        return tr("the bridge {bridge}", bridge=world.bridge)
    return tr("routes of the node")


def _cost(way: str, where: str, replies: Sequence[Reply]) -> Iterator[Answer]:
    """What pings on one way cost; the first of them asked for MAC addresses too."""
    first, *later = replies
    times = [reply.time_ms for reply in later]
    yield Answer(f"ttl-{way}", tr("TTL of the answer, {where}", where=where), first.ttl)
    yield Answer(f"routers-{way}", tr("routers on the way, {where}", where=where), FULL_TTL - first.ttl)
    yield Answer(f"first-{way}", tr("first ping, {where} (ms)", where=where), first.time_ms)
    yield Answer(f"later-{way}", tr("later pings, {where} (ms)", where=where), min(times))


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
    ran = world.ping(target, 3)
    rows: list[dict[str, Any]] = ran.rows["ping"]
    return [Reply(row["ttl"], row["time_ms"]) for row in rows]


def _layer(reply: Reply) -> str:
    if reply.ttl == FULL_TTL:
        return tr("2: frames")
    return tr("3: packets")


def _answerer(world: World, target: str) -> str:
    """Whose MAC address pod-a has after it asked for its neighbour, and for which address it asked."""
    world.forget()
    world.ping(target, 1)
    neighbours = json.loads(world.run("ip -n pod-a -4 -j neigh").out)
    (neighbour,) = [row for row in neighbours if row.get("lladdr")]
    mac = str(neighbour["lladdr"])
    asked = str(neighbour["dst"])
    answerer = _owner(world, mac)
    if asked == target:
        return answerer
    return tr("{answerer}, for {asked}", answerer=answerer, asked=asked)


def _owner(world: World, mac: str) -> str:
    """Who has a MAC address, in words; the address itself when nobody known has it."""
    if mac == world.link(world.host_end).mac:
        return tr("the node")
    if mac == world.link("eth0", "pod-b").mac:
        return tr("{answerer} itself", answerer="pod-b")
    return mac


def _largest(world: World, target: str) -> int:
    """The largest packet that arrives whole: just fits, and one byte more does not. -1 when that is not so."""
    mtu = world.link("eth0", "pod-a").mtu or 0
    if _arrives(world, target, mtu, patience=1) and not _arrives(world, target, mtu + 1, patience=0.2):
        return mtu
    return -1


def _arrives(world: World, target: str, size: int, patience: float) -> bool:
    """Whether a packet of so many bytes, which no router may divide (-M do), is answered within so many seconds."""
    data = size - HEADERS
    ran = world.run(f"ip netns exec pod-a ping -c 1 -W {patience} -M do -s {data} {target}")
    return ran.code == 0


def _overhead(world: World, target: str) -> int:
    """Bytes that a packet grows by between the pod and the cable, counted by rules that do nothing else."""
    rules = {"FORWARD": f"-d {target}", "POSTROUTING": "-o eth0"}
    for chain, match in rules.items():
        world.run(f"iptables -t mangle -A {chain} {match}")
    world.ping(target, 2)
    sent = _size_counted(world, "FORWARD")
    carried = _size_counted(world, "POSTROUTING")
    for chain, match in rules.items():
        world.run(f"iptables -t mangle -D {chain} {match}")
    return carried - sent


def _size_counted(world: World, chain: str) -> int:
    """Bytes a packet, by the first rule of a chain: `iptables -vnxL` has two lines of head, then packets and bytes."""
    listed = world.run(f"iptables -t mangle -vnxL {chain}").out
    rule = listed.splitlines()[2]
    packets, size, *_ = rule.split()
    return int(size) // int(packets)


# ---- entries ----------------------------------------------------------------------------------------------


def _listed(entries: list[str]) -> str:
    names = enumerated(entries)
    return tr("{count}: {names}", count=len(entries), names=names)


def _remote_route(world: World) -> Route | None:
    """The route of master that leads to node2's pods."""
    for route in world.routes:
        if route.via and route.to != "default":
            return route
    return None


def _pods_route(world: World) -> Route | None:
    """The route of master for pod-a alone."""
    address = world.address("pod-a")
    for route in world.routes:
        if route.to == address:
            return route
    return None


def _fixed_neighbour(world: World) -> Neighbour | None:
    """An IPv4 neighbour that master was told of, and never asks for."""
    for neighbour in world.laid.rows.neighbours:
        if neighbour.namespace != HOSTNAME:
            continue
        if neighbour.state == "PERMANENT" and "." in neighbour.ip:
            return neighbour
    return None


def _remote_fdb(world: World) -> Entry | None:
    """The FDB entry of master that leads to node2 by IPv4."""
    for entry in world.laid.rows.fdb:
        if entry.namespace != HOSTNAME:
            continue
        if entry.dst and "." in entry.dst:
            return entry
    return None


def _proxies(world: World) -> bool:
    ran = world.run(f"sysctl -n net.ipv4.conf.{world.host_end}.proxy_arp")
    return ran.out.strip() == "1"


def _entries_remote(world: World) -> list[str]:
    entries = {
        tr("route"): _remote_route(world),
        tr("neighbour"): _fixed_neighbour(world),
        tr("FDB entry"): _remote_fdb(world),
    }
    return [kind for kind, entry in entries.items() if entry is not None]


def _entries_local(world: World) -> list[str]:
    entries = {
        tr("bridge port"): world.bridge is not None,
        tr("route"): _pods_route(world) is not None,
        tr("proxy ARP"): _proxies(world),
    }
    return [kind for kind, exists in entries.items() if exists]


# ---- taking one away --------------------------------------------------------------------------------------

HURRY = 0.15  # seconds for an answer, which takes some 0.0001
PATIENCE = 1.0  # where the machine is busy


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
    return Fault(
        take=f"bridge fdb del {where}",
        give=f"bridge fdb replace {where} permanent",
    )


def _without_neighbour(world: World) -> Fault | None:
    neighbour = _fixed_neighbour(world)
    if neighbour is None:
        return None
    ip, mac, dev = neighbour.ip, neighbour.mac, neighbour.dev
    return Fault(
        take=f"ip neigh del {ip} dev {dev}",
        give=f"ip neigh replace {ip} lladdr {mac} nud permanent dev {dev}",
    )


def _without_remote_route(world: World) -> Fault | None:
    route = _remote_route(world)
    if route is None:
        return None
    if route.proto == "bird":  # which puts back what others take away
        return _without_session()
    onlink = " onlink" if route.onlink else ""
    proto = f" proto {route.proto}" if route.proto else ""
    return _without_route(f"{route.words}{onlink}{proto}")


def _without_session() -> Fault:
    master, node2 = both_nodes()
    session = bird.session(node2)
    return Fault(
        take=f"{bird.asked(master, f'disable {session}')} && {bird.forgotten(node2)}",
        give=f"{bird.asked(master, f'enable {session}')} && {bird.learned(node2)}",
    )


def _without_pods_route(world: World) -> Fault | None:
    route = _pods_route(world)
    if route is None:
        return None
    where = f"{route.words} scope link"
    return _without_route(where)


def _without_route(where: str) -> Fault:
    return Fault(
        take=f"ip route del {where}",
        give=f"ip route replace {where}",
    )


def _without_port(world: World) -> Fault | None:
    end = world.host_end
    bridge = world.bridge
    if bridge is None:
        return None
    return Fault(
        take=f"ip link set {end} nomaster",
        give=f"ip link set {end} master {bridge} && bridge link set dev {end} hairpin on",
    )


def _without_proxy_arp(world: World) -> Fault | None:
    if not _proxies(world):
        return None
    return _switched_off(f"net.ipv4.conf.{world.host_end}.proxy_arp")


def _without_default_route(world: World) -> Fault:
    (route,) = [route for route in world.routes if route.to == "default"]
    return Fault(
        take="ip -4 route del default",
        give=f"ip route replace default via {route.via}",
    )


def _without_forwarding(world: World) -> Fault:
    return _switched_off("net.ipv4.ip_forward")


def _switched_off(key: str) -> Fault:
    return Fault(
        take=f"sysctl -qw {key}=0",
        give=f"sysctl -qw {key}=1",
    )


# What is taken away, the question about it, and how it is taken.
FAULTS: dict[str, tuple[str, Callable[[World], Fault | None]]] = {
    "fdb-entry": (marked("without the FDB entry, pod-a loses"), _without_fdb),
    "neighbour": (marked("without the neighbour, pod-a loses"), _without_neighbour),
    "node-route": (marked("without node2's route, pod-a loses"), _without_remote_route),
    "pod-route": (marked("without pod-a's route, pod-a loses"), _without_pods_route),
    "port": (marked("without pod-a's port, pod-a loses"), _without_port),
    "proxy-arp": (marked("without proxy ARP, pod-a loses"), _without_proxy_arp),
    "default-route": (marked("without default route, pod-a loses"), _without_default_route),
    "forwarding": (marked("without forwarding, pod-a loses"), _without_forwarding),
}


def _lost_without(world: World, fault: Fault | None) -> Loss:
    if fault is None:
        return Loss(exists=False)
    world.shell.run(fault.take)
    lost = _unanswered(world)
    world.shell.run(fault.give)
    mine = [target for pod, target in lost if pod == "pod-a"]
    is_every_pod = any(pod == "pod-b" for pod, _ in lost)
    return Loss(tuple(mine), every_pod=is_every_pod)


def _unanswered(world: World) -> list[tuple[str, str]]:
    """Which questions are not answered now: pod, whom it asked. All are asked at the same time."""
    asked = [("pod-a", target) for target in TARGETS]
    asked += [("pod-b", target) for target in TARGETS if target != "pod-b"]
    began = time.monotonic()
    lost = _lost(world, asked, HURRY)
    was_quick = time.monotonic() - began < 2 * HURRY
    if was_quick or not lost:
        return lost
    return _lost(world, lost, PATIENCE)


def _lost(world: World, asked: Sequence[tuple[str, str]], patience: float) -> list[tuple[str, str]]:
    """Which of these questions are not answered within so many seconds."""
    world.forget()
    pings = ""
    for pod, target in asked:
        address = world.address(target)
        ping = f"ip netns exec {pod} ping -q -c 1 -W {patience} {address}"
        pings += f"{ping} >/dev/null 2>&1 || echo {pod} {target} &\n"
    # through a pipe, because many writers of one file may overwrite each other
    silent = world.run(f"{{ {pings}wait; }} | sort").out
    lost = re.findall(r"(\S+) (\S+)", silent)
    return [question for question in asked if question in lost]
