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
        fault = maker(_cluster(kind, rng), rng)
        return renamed(fault, _values(kind, rng))

    make.__doc__ = maker.__doc__
    return make


def sibling(pod: Pod, node: Node) -> Pod:
    """The other pod of a node."""
    (other,) = (one for one in node.pods if one != pod)
    return other


def _cluster(kind: Kind, rng: Random) -> Cluster:
    here, there = nodes = kind.nodes()
    asks: list[str] = []
    holds: list[str] = []
    for node, other in ((here, there), (there, here)):
        asks += [ask(node.name, other.address), ask(node.name, other.pods[0].address, 1)]
        asks += [ask(node.name, pod.address) for pod in node.pods]
        holds += [f"{address} belongs to {node.name}" for address in (node.address, node.tunnel)]
        holds.append(f"{node.name} has a tunnel to {other.pods[0].address}")
        for pod in node.pods:
            pings, others = kind.claims(pod, node, other)
            asks += pings
            holds += others
    world = World(kind.scenario, laid(kind.scenario, {}), tuple(asks), tuple(holds))
    node, other = rng.sample(nodes, 2)
    pod, near = rng.sample(node.pods, 2)
    return Cluster(world, node, other, pod, near, far=rng.choice(other.pods))


def _values(kind: Kind, rng: Random) -> dict[str, str]:
    """What the scenario's names and addresses become."""
    free = [number for number in range(16, 250) if number not in TAKEN]
    pods, cable = rng.sample(free, 2)
    values = {CABLE: f"10.{cable}.0.", kind.pods: f"10.{pods}."}
    values[NODE2] = f"node{rng.randrange(2, 10)}"
    here, there = kind.nodes()
    for pod, program in zip(here.pods + there.pods, rng.sample(PROGRAMS, 4), strict=True):
        values[pod.name] = f"pod-{program}"
        values[pod.host_end] = kind.host_end(f"pod-{program}", rng)
    return values
