"""What do two wirings do differently? The same pods and the same pings, measured in a lab of each.

Nothing is quoted: who answers, what a packet costs and what fails without an entry is found by asking the
kernel, by pinging, and by taking one entry away after the other.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import scenarios, snapshot
from ..errors import BadOption
from ..record import Ran
from ..sandbox import HOSTNAME, Sandbox
from ..scenarios import SCENARIOS, Scenario
from ..shell import Shell
from ..snapshot import Row, Snapshot
from ..tables import recognise

QUESTION = "question"
NODE2 = "node2"
NONE = "(has none)"


def compare(*names: str, **options: Any) -> list[Row]:
    """A row a question, a column a scenario.

    names: scenarios with two nodes (flannel, calico); options: theirs, each given to those that have it.
    Raises BadOption for a scenario or an option that cannot be compared.
    """
    rows: dict[str, Row] = {}
    for scenario in _wanted(names, options):
        with _built(scenario) as world:
            for question, answer in _measured(world):
                rows.setdefault(question, {QUESTION: question})[scenario.name] = answer
    return list(rows.values())


def _wanted(names: tuple[str, ...], options: dict[str, Any]) -> list[Scenario]:
    """The scenarios, each with the options that it has."""
    if len(set(names)) != len(names) or not names:
        raise BadOption("Name the scenarios to compare, each once.")
    has = {name: inspect.signature(SCENARIOS[name]).parameters for name in names if name in SCENARIOS}
    for option in options:
        if not any(option in parameters for parameters in has.values()):
            raise BadOption(f"None of {', '.join(names)} has an option {option!r}.")
    found = [scenarios.load(name, **{k: v for k, v in options.items() if k in has.get(name, {})}) for name in names]
    for scenario in found:
        if not any(step.at == NODE2 for step in scenario.steps):
            raise BadOption(f"compare is for scenarios with two nodes, flannel and calico, not {scenario.name!r}.")
    if options.get("pods", 2) < 2:
        raise BadOption("compare needs two pods on a node: --pods 2 or more.")
    return found


@dataclass(frozen=True)
class World:
    """A lab in which a scenario was laid, and where its pods were found."""

    shell: Shell
    laid: Snapshot
    host_end: str

    def address(self, name: str) -> str:
        """The IPv4 address of a pod or a machine."""
        (found,) = (
            row["address"] for row in self.laid.rows["addresses"]
            if (row["namespace"], row["dev"], row["family"]) == (name, "eth0", "inet")
        )  # fmt: skip
        return str(found).split("/")[0]

    def link(self, name: str, namespace: str = HOSTNAME) -> Row:
        """A device."""
        return next(
            row for row in self.laid.rows["links"] if (row["namespace"], row["name"]) == (namespace, name)
        )  # fmt: skip

    def on_master(self, table: str) -> list[Row]:
        """The rows of one table that are master's."""
        return [row for row in self.laid.rows[table] if row["namespace"] == HOSTNAME]

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
        (end,) = (w for w in laid.rows["wires"] if (w["peer_namespace"], w["peer"]) == ("pod-a", "eth0"))
        yield World(shell, laid, end["name"])
    finally:
        sandbox.close()


def _measured(world: World) -> Iterator[tuple[str, Any]]:
    b, c = world.address("pod-b"), world.address("pod-c")
    same, across = _pings(world, b), _pings(world, c)
    bridge = world.link(world.host_end)["master"]
    yield "pods of one node are joined by", f"the bridge {bridge}" if bridge else "routes of the node"
    yield "who answers when pod-a asks by ARP", _answerer(world, b)
    yield "layer on the node, same node", "2: frames" if same[0]["ttl"] == 64 else "3: packets"
    for where, replies in (("same node", same), ("across nodes", across)):
        yield f"TTL of the answer, {where}", replies[0]["ttl"]
        yield f"routers on the way, {where}", 64 - replies[0]["ttl"]
        yield f"first ping, {where} (ms)", replies[0]["time_ms"]
        yield f"later pings, {where} (ms)", min(reply["time_ms"] for reply in replies[1:])
    yield "largest packet across nodes (bytes)", _largest(world, c)
    yield "bytes added on the cable", _overhead(world, c)
    yield "entries for each other node", _listed(_entries_remote(world))
    yield "entries for each own pod", _listed(_entries_local(world))
    for name, fault in FAULTS.items():
        yield f"without {name}, pod-a loses", _lost_without(world, fault(world))


def _pings(world: World, target: str) -> list[Row]:
    """Three replies, the first of them with nothing learned before."""
    world.forget()
    return world.ping(target, 3).rows["ping"]


def _answerer(world: World, target: str) -> str:
    world.forget()
    world.ping(target, 1)
    (known,) = (row for row in json.loads(world.run("ip -n pod-a -4 -j neigh").out) if row.get("lladdr"))
    owners = {world.link("eth0", "pod-b")["mac"]: "pod-b itself", world.link(world.host_end)["mac"]: "the node"}
    answerer: str = owners.get(known["lladdr"], known["lladdr"])
    return answerer + (f", for {known['dst']}" if known["dst"] != target else "")


def _largest(world: World, target: str) -> int:
    """The largest packet that arrives whole: just fits, and one byte more does not."""
    mtu: int = world.link("eth0", "pod-a")["mtu"]
    fits = [
        world.run(f"ip netns exec pod-a ping -c 1 -W 0.2 -M do -s {size - 28} {target}").code == 0
        for size in (mtu, mtu + 1)
    ]
    return mtu if fits == [True, False] else -1


def _overhead(world: World, target: str) -> int:
    """Bytes that a packet grows by between the pod and the cable, counted by rules that do nothing else."""
    rules = {"FORWARD": f"-d {target}", "POSTROUTING": "-o eth0"}
    for chain, match in rules.items():
        world.run(f"iptables -t mangle -A {chain} {match}")
    world.ping(target, 2)
    counted = [world.run(f"iptables -t mangle -vnxL {chain}").out.splitlines()[2].split() for chain in rules]
    for chain, match in rules.items():
        world.run(f"iptables -t mangle -D {chain} {match}")
    sent, carried = (int(size) // int(packets) for packets, size, *_ in counted)
    return carried - sent


def _listed(entries: list[str]) -> str:
    return f"{len(entries)}: {', '.join(entries)}"


def _remote_route(world: World) -> Row | None:
    """The route of master that leads to node2's pods."""
    routes = world.on_master("routes")
    return next((row for row in routes if row["family"] == "inet" and row["onlink"]), None)


def _pods_route(world: World) -> Row | None:
    """The route of master for pod-a alone."""
    return next((row for row in world.on_master("routes") if row["to"] == world.address("pod-a")), None)


def _fixed_neighbour(world: World) -> Row | None:
    rows = world.on_master("neighbours")
    return next((row for row in rows if row["state"] == "PERMANENT" and "." in row["ip"]), None)


def _remote_fdb(world: World) -> Row | None:
    return next((row for row in world.on_master("fdb") if row["dst"] and "." in row["dst"]), None)


def _proxies(world: World) -> bool:
    return world.run(f"sysctl -n net.ipv4.conf.{world.host_end}.proxy_arp").out.strip() == "1"


def _entries_remote(world: World) -> list[str]:
    kinds = {"route": _remote_route, "neighbour": _fixed_neighbour, "FDB entry": _remote_fdb}
    return [kind for kind, find in kinds.items() if find(world)]


def _entries_local(world: World) -> list[str]:
    is_port = world.link(world.host_end)["master"] is not None
    found = {"bridge port": is_port, "route": _pods_route(world) is not None, "proxy ARP": _proxies(world)}
    return [kind for kind, there in found.items() if there]


Fault = tuple[str, str] | None  # the line that takes an entry away, and the line that puts it back


def _without_fdb(world: World) -> Fault:
    row = _remote_fdb(world)
    where = row and f"{row['mac']} dev {row['dev']} dst {row['dst']} self"
    return (f"bridge fdb del {where}", f"bridge fdb replace {where} permanent") if row else None


def _without_neighbour(world: World) -> Fault:
    if row := _fixed_neighbour(world):
        back = f"ip neigh replace {row['ip']} lladdr {row['mac']} nud permanent dev {row['dev']}"
        return f"ip neigh del {row['ip']} dev {row['dev']}", back
    return None


def _without_remote_route(world: World) -> Fault:
    row = _remote_route(world)
    where = row and f"{row['to']} via {row['via']} dev {row['dev']} onlink proto {row['proto']}"
    return (f"ip route del {where}", f"ip route replace {where}") if row else None


def _without_pods_route(world: World) -> Fault:
    row = _pods_route(world)
    where = row and f"{row['to']} dev {row['dev']} scope link"
    return (f"ip route del {where}", f"ip route replace {where}") if row else None


def _without_port(world: World) -> Fault:
    end, bridge = world.host_end, world.link(world.host_end)["master"]
    back = f"ip link set {end} master {bridge} && bridge link set dev {end} hairpin on"
    return (f"ip link set {end} nomaster", back) if bridge else None


def _without_proxy_arp(world: World) -> Fault:
    key = f"net.ipv4.conf.{world.host_end}.proxy_arp"
    return (f"sysctl -qw {key}=0", f"sysctl -qw {key}=1") if _proxies(world) else None


def _without_default_route(world: World) -> Fault:
    row = next(row for row in world.on_master("routes") if row["to"] == "default" and row["family"] == "inet")
    return "ip -4 route del default", f"ip route replace default via {row['via']}"


def _without_forwarding(world: World) -> Fault:
    return "sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1"


FAULTS: dict[str, Callable[[World], Fault]] = {
    "the FDB entry": _without_fdb,
    "the neighbour": _without_neighbour,
    "node2's route": _without_remote_route,
    "pod-a's route": _without_pods_route,
    "pod-a's port": _without_port,
    "proxy ARP": _without_proxy_arp,
    "default route": _without_default_route,
    "forwarding": _without_forwarding,
}


def _lost_without(world: World, fault: Fault) -> str:
    if fault is None:
        return NONE
    take, give = fault
    world.shell.run(take)
    lost = _unanswered(world)
    world.shell.run(give)
    mine = [target for pod, target in lost if pod == "pod-a"]
    if not mine:
        return "nothing"
    return ("everything" if len(mine) == 4 else ", ".join(mine)) + (
        " (every pod)" if any(pod == "pod-b" for pod, _ in lost) else " (only pod-a)"
    )


def _unanswered(world: World) -> list[tuple[str, str]]:
    """Which questions are not answered now: pod, whom it asked. All are asked at the same time."""
    targets = {name: world.address(name) for name in ("pod-b", "pod-c", HOSTNAME, NODE2)}
    asked = [("pod-a", name) for name in targets] + [("pod-b", name) for name in targets if name != "pod-b"]
    world.forget()
    pings = "".join(
        f"ip netns exec {pod} ping -q -c 1 -W 0.25 {targets[name]} >/dev/null 2>&1 || echo {pod} {name} &\n"
        for pod, name in asked
    )
    # through a pipe, because many writers of one file may overwrite each other
    said = world.run(f"{{ {pings}wait; }} | sort").out
    lost = {(pod, name) for pod, name in re.findall(r"(\S+) (\S+)", said)}
    return [question for question in asked if question in lost]
