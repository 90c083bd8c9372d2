"""What can be broken in calico's wiring? The answer for a gateway that nobody has, and the route to each pod."""

from __future__ import annotations

from random import Random

from ..inside import inside
from ..language import tr
from ..packet.causes.cause import Cause
from ..scenarios.calico import GATEWAY, GATEWAY_MAC, both_nodes, host_end
from ..scenarios.nodes import Node, Pod
from .cluster import Cluster, Kind, drill, sibling
from .fault import Fault, Hint, Maker, alias, ask, no_use


def _claims(pod: Pod, node: Node, other: Node) -> tuple[list[str], list[str]]:
    """The pings of a pod, each through a router, and what else holds of it."""
    near = sibling(pod, node)
    asks = [
        ask(pod.name, near.address, 1),
        ask(pod.name, node.address),
    ]
    holds = [
        f"{pod.address} belongs to {pod.name}",
        f"{pod.name} sends to {near.address} through eth0",
    ]
    for far in other.pods:
        asks.append(ask(pod.name, far.address, 2))
        holds.append(f"{pod.name} sends to {far.address} through eth0")
    return asks, holds


def _host_end(pod: str, rng: Random) -> str:
    return host_end(pod)  # calico derives it from the pod's name


KIND = Kind("calico", both_nodes, "10.240.", _claims, _host_end)


def proxy_arp_off(cluster: Cluster, rng: Random) -> Fault:
    """The node does not answer for the gateway that nobody has."""
    pod, node = cluster.pod, cluster.node
    key = f"net.ipv4.conf.{pod.host_end}.proxy_arp"
    entry = f"ip neigh replace {GATEWAY} lladdr {GATEWAY_MAC}"
    forget = inside(pod.name, f"ip neigh flush to {GATEWAY} dev eth0")
    return Fault(
        world=cluster.world,
        ticket=tr(
            "{pod} ({address}) has reached nobody since this morning, not even {node}, its own node. {near} beside it "
            "works, and the two have exactly the same routes.",
            pod=pod.name,
            address=pod.address,
            node=node.name,
            near=cluster.near.name,
        ),
        plant=(inside(node.name, f"sysctl -w {key}=0"), inside(pod.name, "ip neigh flush dev eth0")),
        causes=(Cause.PROXY_ARP_OFF,),
        named=(
            pod.host_end,
            "proxy_arp",
        ),
        unanswered=(ask(pod.name, cluster.near.address, 1), ask(pod.name, node.address)),
        hints=(
            Hint(
                inside(pod.name, "ip route"),
                tr("Everything goes to {gateway}. Whose address is that?", gateway=GATEWAY),
            ),
            Hint(
                inside(pod.name, f"arping -c 1 -w 1 -I eth0 {GATEWAY}"),
                tr("Does anybody answer for it? In {near} somebody does.", near=cluster.near.name),
            ),
            Hint(
                inside(node.name, f"sysctl {key}"),
                tr("{host_end} is the node's end of this pod's cable.", host_end=pod.host_end),
            ),
        ),
        repairs=(
            (inside(node.name, f"sysctl -w {key}=1"),),
            (inside(pod.name, f"{entry} nud permanent dev eth0"),),
        ),
        wrong=(
            no_use((inside(pod.name, f"{entry} nud reachable dev eth0"),), (forget,)),
            alias(pod.name, cluster.near.address, cluster.near.name),
        ),
        explanation=tr(
            "proxy_arp was off at {host_end}. {gateway} is nobody's address; the pod gets an answer only because the "
            "node answers ARP for addresses that it could route to (`proxy_arp=1` on its end of each cable). No "
            "answer, no MAC address, no packet.",
            host_end=pod.host_end,
            gateway=GATEWAY,
        ),
    )


def no_pod_route(cluster: Cluster, rng: Random) -> Fault:
    """The node does not know behind which cable a pod is."""
    pod, near, node = cluster.pod, cluster.near, cluster.node
    right, wrong = f"{pod.address} dev {pod.host_end}", f"{pod.address} dev {near.host_end}"
    hole = f"blackhole {node.network} proto 80"
    return Fault(
        world=cluster.world,
        ticket=tr(
            "{pod} was restarted, and now nobody reaches it at {address}, from either node. Whoever tries on {node} "
            "itself reads `Invalid argument`.",
            pod=pod.name,
            address=pod.address,
            node=node.name,
        ),
        plant=(inside(node.name, f"ip route del {right}"),),
        causes=(
            Cause.NO_ROUTE,
            Cause.DEAD_ROUTE,
        ),
        named=(pod.address,),
        unanswered=(ask(near.name, pod.address, 1), ask(node.name, pod.address), ask(cluster.far.name, pod.address, 2)),
        hints=(
            Hint(
                inside(node.name, f"ip route get {pod.address}"),
                tr("The kernel says what it would do with such a packet."),
            ),
            Hint(
                inside(node.name, "ip route"),
                tr("Each pod of {node} has a line of its own, into its own cable.", node=node.name),
            ),
            Hint(
                inside(node.name, f"ip -br link show dev {pod.host_end}"),
                tr("This is the cable of {pod}.", pod=pod.name),
            ),
        ),
        repairs=(
            (inside(node.name, f"ip route add {right} scope link"),),
            (inside(node.name, f"ip route replace {right} src {node.address}"),),
        ),
        wrong=(
            no_use((inside(node.name, f"ip route add {wrong}"),), (inside(node.name, f"ip route del {wrong}"),)),
            no_use((inside(node.name, f"ip route del {hole}"),), (inside(node.name, f"ip route add {hole}"),)),
        ),
        explanation=tr(
            "{node} had no route to {address}, so the next best one took the packet: the blackhole of {network}. "
            "calico has no bridge that would find the pod; the route `{address} dev {host_end}` alone says where it "
            "is.",
            node=node.name,
            address=pod.address,
            network=node.network,
            host_end=pod.host_end,
        ),
    )


DRILLS: dict[str, Maker] = {
    "proxy-arp-off": drill(KIND, proxy_arp_off),
    "no-pod-route": drill(KIND, no_pod_route),
}
