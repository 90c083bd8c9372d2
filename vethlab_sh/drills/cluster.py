"""What do the drills of flannel and of calico share? Two nodes and their pods, as one seed calls them.

Faults are written with the names and addresses of the scenario; in the end all get those of the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ..inside import inside
from ..scenarios.nodes import NODE2, Node, Pod
from .fault import Fault, Maker, World, Wrong, alias, ask, laid, renamed

PROGRAMS = ("auth", "cache", "chat", "db", "logs", "mail", "queue", "search", "shop", "wiki")
CABLE = "10.4.0."  # how an address of the cable between the nodes begins, in the scenarios
TAKEN = (4, 240, 244)  # second numbers of the scenarios' own networks


@dataclass(frozen=True)
class Kind:
    """What a drill has to know of the way in which a scenario joins pods.

    scenario: its name; nodes: both of them; pods: how the address of a pod begins; claims: the pings of a pod, and what
    else holds of it, as claims; host_end: what the node's end of a cable is called, for a pod of this name.
    """

    scenario: str
    nodes: Callable[[], tuple[Node, Node]]
    pods: str
    claims: Callable[[Pod, Node, Node], tuple[list[str], list[str]]]
    host_end: Callable[[str, Random], str]


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
        there = ask(self.pod.name, self.far.address, 2)
        back = ask(self.far.name, self.pod.address, 2)
        return there, back

    def alias(self) -> Wrong:
        """The far pod's address on the pod itself."""
        return alias(self.pod.name, self.far.address, self.far.name)

    def around(self) -> Wrong:
        """The other node's pods by the cable, past the tunnel."""
        to = self.other.network
        tunnel = f"ip route replace {to} via {self.other.tunnel} dev flannel.1 onlink"
        return Wrong(
            lines=(inside(self.node.name, f"ip route replace {to} via {self.other.address} dev eth0"),),
            undo=(inside(self.node.name, f"ip route del {to}"), inside(self.node.name, tunnel)),
            untrue="has a tunnel to",
        )


def drill(kind: Kind, maker: Callable[[Cluster, Random], Fault]) -> Maker:
    """The maker of a fault, whose addresses and names are then those of the seed."""

    def make(rng: Random) -> Fault:
        cluster = _cluster(kind, rng)
        fault = maker(cluster, rng)
        return renamed(fault, _values(kind, rng))

    make.__doc__ = maker.__doc__
    return make


def sibling(pod: Pod, node: Node) -> Pod:
    """The other pod of a node."""
    (other,) = (one for one in node.pods if one != pod)
    return other


def _cluster(kind: Kind, rng: Random) -> Cluster:
    nodes = kind.nodes()
    here, there = nodes
    asks: list[str] = []
    holds: list[str] = []
    for node, other in ((here, there), (there, here)):
        asks += _pings_of(node, other)
        holds.append(f"{node.address} belongs to {node.name}")
        holds.append(f"{node.tunnel} belongs to {node.name}")
        holds.append(f"{node.name} has a tunnel to {other.pods[0].address}")
        for pod in node.pods:
            pings, others = kind.claims(pod, node, other)
            asks += pings
            holds += others
    lines = laid(kind.scenario, {})
    world = World(kind.scenario, lines, tuple(asks), tuple(holds))
    node, other = rng.sample(nodes, 2)
    pod, near = rng.sample(node.pods, 2)
    far = rng.choice(other.pods)
    return Cluster(world, node, other, pod, near, far)


def _pings_of(node: Node, other: Node) -> list[str]:
    """What a node itself reaches: the other node, a pod behind it, and its own pods."""
    asks = [ask(node.name, other.address), ask(node.name, other.pods[0].address, 1)]
    for pod in node.pods:
        asks.append(ask(node.name, pod.address))
    return asks


def _values(kind: Kind, rng: Random) -> dict[str, str]:
    """What the scenario's names and addresses become."""
    free = [number for number in range(16, 250) if number not in TAKEN]
    pods_number, cable_number = rng.sample(free, 2)
    values = {
        CABLE: f"10.{cable_number}.0.",
        kind.pods: f"10.{pods_number}.",
        NODE2: f"node{rng.randrange(2, 10)}",
    }
    here, there = kind.nodes()
    pods = here.pods + there.pods
    programs = rng.sample(PROGRAMS, len(pods))
    for pod, program in zip(pods, programs, strict=True):
        name = f"pod-{program}"
        values[pod.name] = name
        values[pod.host_end] = kind.host_end(name, rng)
    return values
