"""What can be broken in calico's wiring?"""

from __future__ import annotations

from random import Random

from ..inside import inside as at
from ..scenarios.calico import GATEWAY, GATEWAY_MAC
from .cluster import Cluster
from .fault import Fault, Hint, alias, ask, no_use

# --- calico -------------------------------------------------------------------------------------------------------


def proxy_arp_off(cluster: Cluster, rng: Random) -> Fault:
    """The node does not answer for the gateway that nobody has."""
    pod, node = cluster.pod, cluster.node
    key = f"net.ipv4.conf.{pod.host_end}.proxy_arp"
    entry = f"ip neigh replace {GATEWAY} lladdr {GATEWAY_MAC} nud {{}} dev eth0"
    forget = at(pod.name, f"ip neigh del {GATEWAY} dev eth0")
    return Fault(
        world=cluster.world,
        ticket=(
            f"{pod.name} ({pod.address}) has reached nobody since this morning, not even {node.name}, its own node. "
            f"{cluster.near.name} beside it works, and the two have exactly the same routes."
        ),
        plant=(at(node.name, f"sysctl -w {key}=0"), at(pod.name, "ip neigh flush dev eth0")),
        symptom=(ask(pod.name, cluster.near.address, 1), ask(pod.name, node.address)),
        hints=(
            Hint(at(pod.name, "ip route"), f"Everything goes to {GATEWAY}. Whose address is that?"),
            Hint(
                at(pod.name, f"arping -c 1 -w 1 -I eth0 {GATEWAY}"),
                f"Does anybody answer for it? In {cluster.near.name} somebody does.",
            ),
            Hint(at(node.name, f"sysctl {key}"), f"{pod.host_end} is the node's end of this pod's cable."),
        ),
        repairs=(
            (at(node.name, f"sysctl -w {key}=1"),),
            (at(pod.name, entry.format("permanent")),),
        ),
        wrong=(
            no_use((at(pod.name, entry.format("reachable")),), (forget,)),
            alias(pod.name, cluster.near.address, cluster.near.name),
        ),
        explanation=(
            f"proxy_arp was off at {pod.host_end}. {GATEWAY} is nobody's address; the pod gets an answer only because "
            "the node answers ARP for addresses that it could route to (`proxy_arp=1` on its end of each cable). No "
            "answer, no MAC address, no packet."
        ),
    )


def no_pod_route(cluster: Cluster, rng: Random) -> Fault:
    """The node does not know behind which cable a pod is."""
    pod, near, node = cluster.pod, cluster.near, cluster.node
    route = f"ip route {{}} {pod.address} dev {{}}"
    wrong = route.format("{}", near.host_end)
    hole = f"ip route {{}} blackhole {node.network} proto 80"
    return Fault(
        world=cluster.world,
        ticket=(
            f"{pod.name} was restarted, and now nobody reaches it at {pod.address}, from either node. Whoever tries on "
            f"{node.name} itself reads `Invalid argument`."
        ),
        plant=(at(node.name, route.format("del", pod.host_end)),),
        symptom=(ask(near.name, pod.address, 1), ask(node.name, pod.address), ask(cluster.far.name, pod.address, 2)),
        hints=(
            Hint(at(node.name, f"ip route get {pod.address}"), "The kernel says what it would do with such a packet."),
            Hint(at(node.name, "ip route"), f"Each pod of {node.name} has a line of its own, into its own cable."),
            Hint(at(node.name, f"ip -br link show dev {pod.host_end}"), f"This is the cable of {pod.name}."),
        ),
        repairs=(
            (at(node.name, route.format("add", pod.host_end) + " scope link"),),
            (at(node.name, route.format("replace", pod.host_end) + f" src {node.address}"),),
        ),
        wrong=(
            no_use((at(node.name, wrong.format("add")),), (at(node.name, wrong.format("del")),)),
            no_use((at(node.name, hole.format("del")),), (at(node.name, hole.format("add")),)),
        ),
        explanation=(
            f"{node.name} had no route to {pod.address}, so the next best one took the packet: the blackhole of "
            f"{node.network}. calico has no bridge that would find the pod; the route `{pod.address} dev "
            f"{pod.host_end}` alone says where it is."
        ),
    )
