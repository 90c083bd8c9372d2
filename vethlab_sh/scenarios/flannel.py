"""How do flannel's pods reach each other? A bridge on every node, and a VXLAN between the bridges."""

from __future__ import annotations

import hashlib

from ..sandbox import HOSTNAME
from .nodes import (
    NODE2,
    Node,
    Pod,
    ask_in_vain,
    ask_once,
    check_pods,
    counted,
    inside,
    machines,
    namespaces,
    ping,
    pod_names,
)
from .step import Scenario, Step, step

CLUSTER, CLUSTER6 = "10.244.0.0/16", "fd00:10:244::/48"
MOST_PODS = 253
MTU = "mtu 1450"
# The article's names, in its order; further ones are made up here, as the plugin makes them up at random.
HOST_ENDS = {"pod-a": "veth6f848792", "pod-b": "veth19689916", "pod-e": "vethe44aab74"}
BRIDGE_MAC = {HOSTNAME: "66:45:fd:67:82:a7", NODE2: "66:45:fd:67:82:a8"}


def flannel(pods: int = 2, ipv6: bool = False) -> Scenario:
    """Two nodes with `pods` pods each (1 to 253); `ipv6` adds the second family."""
    check_pods(pods, MOST_PODS, "a node's subnet 10.244.0.0/24 has 254 addresses and the bridge takes one")
    master, node2 = both_nodes(pods)
    return Scenario(
        name="flannel",
        title="two nodes: pods on a bridge, the bridges joined by a VXLAN",
        intro=(
            "On a Kubernetes node with flannel two programs do what is done here by hand: the CNI plugin `bridge`, "
            "started for each new pod, and flanneld, which runs on every node and knows all nodes. Both only set up "
            "the kernel, so the devices, routes and settings below are those of a real node."
        ),
        steps=(
            *machines(ipv6),
            *_bridge(master, ipv6),
            *_first_pod(master, ipv6),
            *_more_pods(master, ipv6),
            *_tunnel(master, node2, ipv6),
            *_other_node(master, node2, ipv6),
            *_across(master, node2, ipv6),
            *_without(master, node2),
            *_nodes(master, node2),
            *_limits(master, node2, ipv6),
        ),
        known=(
            "flannel joins the namespaces of a node by the bridge cni0, so there a packet keeps its TTL of 64; "
            "between nodes it routes, and for each other node a neighbour, an FDB entry and a route lead into the "
            "VXLAN."
        ),
    )


def both_nodes(pods: int = 2) -> tuple[Node, Node]:
    """master and node2 with their pods."""
    here, there = pod_names(pods)
    # the article's pod was the third on its node
    return _node(HOSTNAME, 0, here, first=4), _node(NODE2, 1, there, first=2)


def _node(name: str, subnet: int, pods: list[str], first: int) -> Node:
    numbers = [*range(first, 255), *range(2, first)]
    network6 = f"fd00:10:244:{subnet}::" if subnet else "fd00:10:244::"
    return Node(
        name=name,
        network=f"10.244.{subnet}.0/24",
        network6=f"{network6}/64",
        tunnel=f"10.244.{subnet}.0",
        tunnel6=network6,
        mac=f"8e:2a:10:00:00:0{subnet + 1}",
        mac6=f"8e:2a:60:00:00:0{subnet + 1}",
        pods=tuple(
            Pod(pod, _host_end(pod), f"10.244.{subnet}.{n}", f"{network6}{n:x}")
            for pod, n in zip(pods, numbers, strict=False)
        ),
    )


def _host_end(pod: str) -> str:
    return HOST_ENDS.get(pod) or "veth" + hashlib.sha1(pod.encode()).hexdigest()[:8]


def _gateway(node: Node) -> str:
    return node.network.replace(".0/24", ".1")


def _bridge(node: Node, ipv6: bool) -> list[Step]:
    return [
        step(
            "Now master becomes a node. For its first pod the bridge plugin makes the bridge cni0, whose address will "
            f"be the pods' gateway. {MTU.upper()} leaves 50 of the cable's 1500 bytes for the tunnel to come; "
            "`accept_ra=0`: no router may configure this device.",
            *_bridge_lines(node, ipv6)[:-1],
            "brctl show cni0",
            look="No ports yet, but an id: this bridge was given its MAC address when it was made.",
            table="brctl show",
        ),
        step(
            "A node is a router for its pods: it must hand on packets that are not for itself. The plugin switches "
            "that on.",
            _bridge_lines(node, ipv6)[-1],
        ),
    ]


def _bridge_lines(node: Node, ipv6: bool) -> list[str]:
    gateway6 = [f"ip addr add {node.tunnel6}1/64 dev cni0 nodad"] if ipv6 else []
    return [
        f"ip link add cni0 address {BRIDGE_MAC[node.name]} {MTU} type bridge",
        "sysctl -w net.ipv6.conf.cni0.accept_ra=0",
        "ip link set cni0 up",
        f"ip addr add {_gateway(node)}/24 brd + dev cni0",
        *gateway6,
        "sysctl -w net.ipv4.ip_forward=1" + (" net.ipv6.conf.all.forwarding=1" if ipv6 else ""),
    ]


def _cable_lines(pod: Pod) -> list[str]:
    return [
        f"ip netns exec {pod.name} ip link set lo up",
        f"ip link add {pod.host_end} {MTU} txqueuelen 0 type veth peer name eth0 {MTU} txqueuelen 0 netns {pod.name}",
    ]


def _port_lines(pod: Pod) -> list[str]:
    return [
        f"sysctl -w net.ipv6.conf.{pod.host_end}.accept_ra=0",
        f"ip link set {pod.host_end} up",
        f"ip link set {pod.host_end} master cni0",
        f"bridge link set dev {pod.host_end} hairpin on",
    ]


def _address_lines(pod: Pod, ipv6: bool) -> list[str]:
    lines = [
        "sysctl -w net.ipv6.conf.eth0.accept_dad=0 net.ipv4.conf.eth0.arp_notify=1",
        f"ip addr add {pod.address}/24 brd + dev eth0",
        *([f"ip addr add {pod.address6}/64 dev eth0"] if ipv6 else []),
        "ip link set eth0 up",
    ]
    return inside(pod.name, lines)


def _route_lines(node: Node, pod: Pod, ipv6: bool) -> list[str]:
    lines = [f"ip route add {to} via {_gateway(node)} dev eth0" for to in (CLUSTER, "default")]
    if ipv6:
        lines += [f"ip -6 route add {to} via {node.tunnel6}1 dev eth0" for to in (CLUSTER6, "default")]
    return inside(pod.name, lines)


def _pod_lines(node: Node, pod: Pod, ipv6: bool) -> list[str]:
    return [*_cable_lines(pod), *_port_lines(pod), *_address_lines(pod, ipv6), *_route_lines(node, pod, ipv6)]


def _first_pod(node: Node, ipv6: bool) -> list[Step]:
    pod = node.pods[0]
    return [
        step(
            "The first pod. A pod is a network namespace, and its cable a veth pair, as in the lesson `direct`: eth0 "
            f"inside, {pod.host_end} on the node. The plugin makes up the second name at random, and gives a cable "
            "that needs no queue none (`txqueuelen 0`).",
            f"ip netns add {pod.name}",
            *_cable_lines(pod),
        ),
        step(
            "The node's end becomes a port of cni0. `hairpin on` lets a frame leave by the port it came in by, for a "
            "pod that talks to itself through a service.",
            *_port_lines(pod),
        ),
        step(
            "Inside: an address from the node's subnet, then the device up. `arp_notify=1` tells the bridge at once "
            "whose address is behind this port; `accept_dad=0`: use an IPv6 address without asking around first.",
            *_address_lines(pod, ipv6),
            f"ip -d link show dev {pod.host_end}",
            look=(
                "With both ends up the port works: the line of `bridge_slave`, iproute2's word for a port, says "
                "`state forwarding` and, further on, `hairpin on`."
            ),
        ),
        step(
            f"Two routes, both to cni0: one for all pods of the cluster, {CLUSTER}, one for everything else.",
            *_route_lines(node, pod, ipv6),
            f"ip netns exec {pod.name} ip route",
            look=(
                "Three routes: the middle one came with the address. So a pod of this node is a neighbour on the same "
                "wire, and everybody else is behind 10.244.0.1."
            ),
            table="ip route",
        ),
        *([step("And the same for IPv6.", f"ip netns exec {pod.name} ip -6 route", table="ip route")] if ipv6 else []),
        step(
            "Look at both ends of the pod's cable.",
            f"ip netns exec {pod.name} ip a",
            f"ip a show dev {pod.host_end}",
            look=(
                "eth0 says @ifN, and N is the number of the node's end, which says in return `@if` with eth0's number. "
                "Only eth0 has an IPv4 address, and only the node's end has a `master`."
            ),
            table="ip addr",
        ),
    ]


def _more_pods(node: Node, ipv6: bool) -> list[Step]:
    if len(node.pods) == 1:
        return []
    a, b, *_ = node.pods
    others = node.pods[1:]
    return [
        step(
            "The second pod, by the same steps." if len(others) == 1 else "The other pods, by the same steps.",
            *(line for pod in others for line in (f"ip netns add {pod.name}", *_pod_lines(node, pod, ipv6))),
            "brctl show cni0",
            look="A port for each pod, and no eth0: this bridge joins the pods of one node, not the nodes.",
            table="brctl show",
        ),
        step(
            "Ask from pod to pod on this node.",
            ping(b.address, a.name),
            *([ping(b.address6, a.name)] if ipv6 else []),
            look=(
                "`ttl=64`: the answer left with 64, and a bridge takes nothing away. Only a router counts down, so "
                "no router took part."
            ),
            table="ping",
        ),
        step(
            f"A second proof, in the neighbour table of {a.name} and on {b.name}'s own device.",
            f"ip netns exec {b.name} ip -br link show dev eth0",
            f"ip netns exec {a.name} ip neigh",
            look=(
                f"For {b.address} {a.name} has the MAC address of {b.name} itself: it asked by ARP and {b.name} "
                "answered, over the bridge. flannel joins the namespaces of a node by a bridge."
            ),
            table="ip neigh",
        ),
    ]


def tunnel_lines(node: Node, ipv6: bool = False) -> list[str]:
    """What flanneld lays on a node for itself: the VXLAN device."""
    return [
        f"ip link add flannel.1 address {node.mac} {MTU} type vxlan id 1 local {node.address} dev eth0 "
        "dstport 8472 nolearning",
        "sysctl -w net/ipv6/conf/flannel.1/accept_ra=0",
        f"ip addr add {node.tunnel}/32 dev flannel.1",
        "ip link set flannel.1 up",
        *(_tunnel6_lines(node) if ipv6 else []),
    ]


def _tunnel6_lines(node: Node) -> list[str]:
    return [
        f"ip link add flannel-v6.1 address {node.mac6} {MTU} type vxlan id 1 local {node.address6} dev eth0 "
        "dstport 8472 nolearning",
        "sysctl -w net/ipv6/conf/flannel-v6.1/accept_ra=0",
        f"ip addr add {node.tunnel6}/128 dev flannel-v6.1",
        "ip link set flannel-v6.1 up",
    ]


def _neighbour(other: Node) -> str:
    return f"ip neigh replace {other.tunnel} lladdr {other.mac} nud permanent dev flannel.1"


def _fdb(other: Node) -> str:
    return f"bridge fdb replace {other.mac} dev flannel.1 dst {other.address} self permanent"


def _route(other: Node) -> str:
    return f"ip route replace {other.network} via {other.tunnel} dev flannel.1 onlink"


def remote_lines(other: Node, ipv6: bool = False) -> list[str]:
    """What flanneld lays on a node for each other node, in its order."""
    lines = [_neighbour(other), _fdb(other), _route(other)]
    if ipv6:
        lines += [
            f"ip neigh replace {other.tunnel6} lladdr {other.mac6} nud permanent dev flannel-v6.1",
            f"bridge fdb replace {other.mac6} dev flannel-v6.1 dst {other.address6} self permanent",
            f"ip -6 route replace {other.network6} via {other.tunnel6} dev flannel-v6.1 onlink",
        ]
    return lines


def _tunnel(node: Node, other: Node, ipv6: bool) -> list[Step]:
    six = " IPv6 gets a second device, flannel-v6.1; the kernel lowers its MTU to 1430." if ipv6 else ""
    return [
        step(
            "Between the nodes works flanneld. It makes flannel.1, a VXLAN device: what is sent into it comes out of "
            "eth0 inside a UDP packet. `nolearning`: flanneld will say where the others are, so the device need not "
            "find out; the slashes in the sysctl are there because of the dot in flannel.1." + six,
            *tunnel_lines(node, ipv6),
            "ip -d link show flannel.1",
            look=(
                "`vxlan id 1` is the number of this VXLAN, `dstport 8472` the UDP port, `local` the sender's "
                "address. The device's own address is a /32: it alone, no network, so that it brings no route."
            ),
            table="ip link",
        ),
        step(
            "Three entries lead to node2. The first: the pods behind it are reached through "
            f"{other.tunnel}, its flannel.1, and that has this MAC address. flanneld on node2 published it; nobody "
            "will ask by ARP.",
            _neighbour(other),
        ),
        step(
            f"The second, in the VXLAN's forwarding table (FDB): who wants that MAC address sends to {other.address}.",
            _fdb(other),
        ),
        step(
            "The third is the route. First without its last word.",
            _route(other).removesuffix(" onlink"),
            look=(
                f"The kernel refuses: {other.tunnel} is in no network of this node, so it cannot be a next hop. It is "
                "reached through a tunnel, which the kernel cannot know."
            ),
            expect=(2,),
        ),
        step(
            "With `onlink` we vouch for it: take the next hop as reachable on this device.",
            _route(other),
            *(remote_lines(other, ipv6)[3:]),
            "ip route",
            "ip neigh show dev flannel.1",
            "bridge fdb show dev flannel.1",
            look=(
                "Read the three together: pods of node2, next hop "
                f"{other.tunnel}; {other.tunnel} has the MAC address {other.mac}; {other.mac} is at {other.address}. "
                "`PERMANENT` and `permanent`: they stay until flanneld removes them."
            ),
            table="bridge fdb",
        ),
    ]


def _other_node(node: Node, other: Node, ipv6: bool) -> list[Step]:
    return [
        namespaces(other),
        step(
            "node2 gets the same: bridge and forwarding, then its pods.",
            *_bridge_lines(other, ipv6),
            *(line for pod in other.pods for line in _pod_lines(other, pod, ipv6)),
            at=NODE2,
        ),
        step(
            "And flanneld's part there: the tunnel, and the three entries for the way back.",
            *tunnel_lines(other, ipv6),
            *remote_lines(node, ipv6),
            "ip route",
            look="The mirror image of master: its own pods are on cni0, those of master behind flannel.1.",
            table="ip route",
            at=NODE2,
        ),
    ]


def _across(node: Node, other: Node, ipv6: bool) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    return [
        step(
            f"Ask from {pod.name} on master to {remote.name} on node2.",
            ping(remote.address, pod.name),
            look="`ttl=62`: two routers now, node2 and master. Between nodes flannel routes, it does not bridge.",
            table="ping",
        ),
        *([step("Over IPv6.", ping(remote.address6, pod.name), table="ping statistics")] if ipv6 else []),
        step(
            f"How does master decide? Ask its routing table, as for a packet of {pod.name} that came in by cni0.",
            f"ip route get {remote.address} from {pod.address} iif cni0",
            look="Into flannel.1, to the next hop that the three entries explain.",
            table="ip route",
        ),
        counted(remote.address, pod.name, 8472),
    ]


def _without(node: Node, other: Node) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    question, in_vain = ask_once(remote.address, pod.name), ask_in_vain(remote.address, pod.name)
    return [
        step(
            "Are all three needed? Take the FDB entry away.",
            f"bridge fdb del {other.mac} dev flannel.1 dst {other.address} self",
        ),
        step(
            "Ask again.",
            in_vain,
            look="No answer and no error: the VXLAN does not know where to send the frame, and drops it.",
            table="ping statistics",
            expect=(1,),
        ),
        step("Put it back, and ask.", _fdb(other), question, table="ping statistics"),
        step("Now take the neighbour away.", f"ip neigh del {other.tunnel} dev flannel.1"),
        step("Ask again.", in_vain, table="ping statistics", expect=(1,)),
        step(
            "Look at the neighbour table.",
            "ip neigh show dev flannel.1",
            look="`INCOMPLETE` (a little later `FAILED`): master asks by ARP in the tunnel, where nobody hears it.",
            table="ip neigh",
        ),
        step("Put it back, and ask.", _neighbour(other), question, table="ping statistics"),
    ]


def _nodes(node: Node, other: Node) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    return [
        step(
            "Pods and machines. From the pod to its own node it is one step, over the bridge.",
            ask_once(node.address, pod.name),
            table="ping statistics",
        ),
        step(
            "From master to a pod of node2: which address does master send from?",
            f"ip route get {remote.address}",
            ask_once(remote.address),
            look=(
                f"`src {node.tunnel}`, the address of flannel.1. This is why the device has one: node2 knows the way "
                "back to it through the tunnel."
            ),
            table="ping statistics",
        ),
        step(
            "And from the pod to the other machine?",
            ask_in_vain(other.address, pod.name),
            look=(
                f"node2 is a neighbour on the cable, so the question goes by eth0, with {pod.address} as its sender. "
                "node2 would answer through the tunnel, and `rp_filter=1` drops what came in elsewhere."
            ),
            table="ping statistics",
            expect=(1,),
        ),
        step(
            "flanneld's remedy is masquerading: what a pod sends to others than pods gets its node's address. "
            "The rules are read in order: RETURN leaves alone what goes from pod to pod, MASQUERADE rewrites the rest.",
            *_masquerade(node),
            "iptables -t nat -S FLANNEL-POSTRTG",
            look=(
                "The first rule spares what kube-proxy has marked. The last one is for a sender outside the pods' "
                "network that enters the tunnel: it gets the tunnel's address."
            ),
        ),
        step("The same on node2.", *_masquerade(other), at=NODE2),
        step(
            "Ask again.",
            ask_once(other.address, pod.name),
            look=f"node2 now sees {node.address} asking, and answers on the cable.",
            table="ping statistics",
        ),
        step(
            "And do pods still see each other's own address?",
            ask_once(remote.address, pod.name),
            "iptables -t nat -vnL FLANNEL-POSTRTG",
            look=(
                "Yes: the first packet of this ping was counted by `RETURN` from 10.244.0.0/24 to 10.244.0.0/16, "
                "and that of the ping before it by `MASQUERADE`. Only a conversation's first packet passes here."
            ),
        ),
    ]


def _masquerade(node: Node) -> list[str]:
    chain = "iptables -t nat -A FLANNEL-POSTRTG"
    return [
        "iptables -t nat -N FLANNEL-POSTRTG",
        "iptables -t nat -A POSTROUTING -j FLANNEL-POSTRTG",
        f"{chain} -m mark --mark 0x4000/0x4000 -j RETURN",
        f"{chain} -s {node.network} -d {CLUSTER} -j RETURN",
        f"{chain} -s {CLUSTER} -d {node.network} -j RETURN",
        f"{chain} ! -s {CLUSTER} -d {node.network} -j RETURN",
        f"{chain} -s {CLUSTER} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
        f"{chain} ! -s {CLUSTER} -d {CLUSTER} -j MASQUERADE --random-fully",
    ]


def _limits(node: Node, other: Node, ipv6: bool) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    return [
        step(
            "The largest packet. `-M do` forbids to split it: 1422 bytes with 8 of ICMP and 20 of IP are just 1450.",
            ask_once(remote.address, pod.name, more="-M do -s 1422"),
            table="ping statistics",
        ),
        step(
            "One byte more.",
            ask_in_vain(remote.address, pod.name, more="-M do -s 1423"),
            look=(
                "Refused before it leaves the pod. Without the smaller MTU the cable would have to refuse it, after "
                "the tunnel has added its 50 bytes."
            ),
            expect=(1,),
        ),
    ]
