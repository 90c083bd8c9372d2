"""What do the drills of flannel and of calico share? Two nodes, their pods, and the lines for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ..inside import inside as at
from ..scenarios.calico import both_nodes as calico_nodes
from ..scenarios.calico import host_end
from ..scenarios.flannel import both_nodes as flannel_nodes
from ..scenarios.nodes import NODE2, Node, Pod
from .fault import Fault, Maker, World, Wrong, alias, ask, laid, moved

PROGRAMS = ("auth", "cache", "chat", "db", "logs", "mail", "queue", "search", "shop", "wiki")
WHOLE, SPLIT = 1422, 1472  # bytes: the largest ping through the tunnel, the largest through a cable of 1500


@dataclass(frozen=True)
class Cluster:
    """Two nodes; `node` is where the fault is, `pod` is one of its pods, `far` one of the other node's."""

    world: World
    node: Node
    other: Node
    pod: Pod
    near: Pod
    far: Pod

    def both_ways(self) -> tuple[str, ...]:
        """The claims that pod and far reach each other."""
        return ask(self.pod.name, self.far.address, 2), ask(self.far.name, self.pod.address, 2)

    def alias(self) -> Wrong:
        """The far pod's address on the pod itself."""
        return alias(self.pod.name, self.far.address, self.far.name)

    def around(self) -> Wrong:
        """The other node's pods by the cable, past the tunnel."""
        to = self.other.network
        line = f"ip route replace {to} via {self.other.address} dev eth0"
        return Wrong(
            (at(self.node.name, line),),
            (
                at(self.node.name, f"ip route del {to}"),
                at(self.node.name, f"ip route replace {to} via {self.other.tunnel} dev flannel.1 onlink"),
            ),
            "no tunnel of",
        )


def _cluster(scenario: str, rng: Random) -> Cluster:
    nodes = flannel_nodes() if scenario == "flannel" else calico_nodes()
    asks, holds = [], []
    for node, other in (nodes, nodes[::-1]):
        asks += [ask(node.name, other.address), ask(node.name, other.pods[0].address, 1)]
        asks += [ask(node.name, pod.address) for pod in node.pods]
        holds += [f"{address} belongs to {node.name}" for address in (node.address, node.tunnel)]
        holds += [f"{node.name} has a tunnel to {other.pods[0].address}"]
        for pod in node.pods:
            more = _flannel_pod(pod, node, other) if scenario == "flannel" else _calico_pod(pod, node, other)
            asks, holds = asks + more[0], holds + more[1]
    world = World(scenario, laid(scenario, {}), tuple(asks), tuple(holds))
    node, other = rng.sample(nodes, 2)
    pod, near = rng.sample(node.pods, 2)
    return Cluster(world, node, other, pod, near, rng.choice(other.pods))


def _flannel_pod(pod: Pod, node: Node, other: Node) -> tuple[list[str], list[str]]:
    (sibling,) = (one for one in node.pods if one != pod)
    asks = [ask(pod.name, sibling.address), ask(pod.name, node.address)]
    asks += [ask(pod.name, one.address, 2) for one in other.pods]
    holds = [f"{pod.address} belongs to {pod.name}", f"{pod.name} is plugged into cni0"]
    holds += [f"{pod.name} sends to {one.address} through cni0" for one in (sibling, *other.pods)]
    return asks, [*holds, f"{_gateway(node)} belongs to {node.name}"]


def _calico_pod(pod: Pod, node: Node, other: Node) -> tuple[list[str], list[str]]:
    (sibling,) = (one for one in node.pods if one != pod)
    asks = [ask(pod.name, sibling.address, 1), ask(pod.name, node.address)]
    asks += [ask(pod.name, one.address, 2) for one in other.pods]
    holds = [f"{pod.name} sends to {one.address} through eth0" for one in (sibling, *other.pods)]
    return asks, [f"{pod.address} belongs to {pod.name}", *holds]


def _gateway(node: Node) -> str:
    return node.network.replace(".0/24", ".1")


def _drill(scenario: str, maker: Callable[[Cluster, Random], Fault]) -> tuple[str, Maker]:
    """The maker of a fault, whose addresses and names are then those of the seed."""

    def make(rng: Random) -> Fault:
        fault: Fault = moved(maker(_cluster(scenario, rng), rng), _values(scenario, rng))
        return fault

    make.__doc__ = maker.__doc__
    return scenario, make


def _values(scenario: str, rng: Random) -> dict[str, str]:
    pods, cable = rng.sample([n for n in range(16, 250) if n not in (4, 240, 244)], 2)
    values = {"10.4.0.": f"10.{cable}.0.", ("10.244." if scenario == "flannel" else "10.240."): f"10.{pods}."}
    values[NODE2] = f"node{rng.randrange(2, 10)}"
    here, there = flannel_nodes() if scenario == "flannel" else calico_nodes()
    for pod, name in zip(here.pods + there.pods, rng.sample(PROGRAMS, 4), strict=True):
        # the bridge plugin makes a cable's name up, calico derives it from the pod's
        end = f"veth{rng.randrange(1 << 32):08x}" if scenario == "flannel" else host_end(f"pod-{name}")
        values |= {pod.name: f"pod-{name}", pod.host_end: end}
    return values
