"""How do flannel's pods reach each other? A bridge on every node, and a VXLAN between the nodes."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ..errors import BadOption
from ..inside import all_inside
from ..language import sentences, tr
from ..sandbox import HOSTNAME
from . import plugin
from .nodes import (
    NODE2,
    Node,
    Pod,
    ask_in_vain,
    ask_once,
    cables,
    check_pods,
    counted,
    machines,
    namespaces,
    ping,
    pod_names,
    walks,
)
from .step import Scenario, Step, step

CLUSTER, CLUSTER6 = "10.244.0.0/16", "fd00:10:244::/48"
MOST_PODS = 253
MODES = {"vxlan": 1450, "host-gw": 1500}  # flannel calls them backends; the largest packet of a pod, in bytes
# The article's names, in its order; further ones are made up here, as the plugin makes them up at random.
HOST_ENDS = {"pod-a": "veth6f848792", "pod-b": "veth19689916", "pod-e": "vethe44aab74"}
BRIDGE_MAC = {HOSTNAME: "66:45:fd:67:82:a7", NODE2: "66:45:fd:67:82:a8"}


def flannel(pods: int = 2, ipv6: bool = False, mode: str = "vxlan", cni: bool = False) -> Scenario:
    """Two nodes with `pods` pods each (1 to 253); `ipv6` adds the second family; `cni`: the real plugin makes them.

    mode: vxlan, a tunnel between the nodes; host-gw, none: each node is the other's gateway.
    """
    check_pods(pods, MOST_PODS, tr("a node's subnet 10.244.0.0/24 has 254 addresses and the bridge takes one"))
    if mode not in MODES:
        raise BadOption(
            tr("flannel's mode is vxlan (a tunnel between the nodes) or host-gw (none), not {mode!r}.", mode=mode)
        )
    master, node2 = both_nodes(pods, MODES[mode])
    return Scenario(
        name="flannel",
        title=(
            tr("two nodes: pods on a bridge, the nodes joined by a VXLAN")
            if mode == "vxlan"
            else tr("two nodes: pods on a bridge, the nodes joined by routes alone")
        ),
        intro=sentences(
            tr(
                "On a Kubernetes node with flannel, two programs do what you see done by hand here: the CNI plugin "
                "`bridge`, started for each new pod, and flanneld, which runs on every node and knows all the others. "
                "They only set up the kernel, so the devices, routes and settings below are those of a real node."
            ),
            tr("This time the real plugin makes the pods.") if cni else "",
        ),
        steps=(
            *machines(ipv6),
            *(_by_plugin(master, ipv6) if cni else _by_hand(master, ipv6)),
            *_far_side(master, node2, ipv6, cni),
        ),
        known=sentences(
            tr("flannel joins the namespaces of a node by the bridge cni0, so there a packet keeps its TTL of 64."),
            (
                tr(
                    "Between nodes it routes: for each other node, a route, a neighbour and an FDB entry lead through "
                    "the VXLAN."
                )
                if mode == "vxlan"
                else tr("Between nodes it routes: for each other node, one route leads over the cable.")
            ),
        ),
        walks=walks(master, node2),
        programs=plugin.PROGRAMS if cni else (),
    )


def _far_side(node: Node, other: Node, ipv6: bool, cni: bool) -> list[Step]:
    """The other node, the way there, and what depends on what."""
    if has_tunnel(node):
        return [
            *_tunnel(node, other, ipv6),
            *_other_node(other, ipv6, cni),
            *_tunnel_back(node, other, ipv6),
            *_across(node, other, ipv6),
            *_without(node, other),
            *_nodes(node, other),
            *_limits(node, other),
        ]
    return [
        *_gateway(node, other, ipv6),
        *_other_node(other, ipv6, cni),
        step(tr("And the way back."), *gateway_lines(node, ipv6), at=NODE2),
        *_across(node, other, ipv6),
        *_without_route(node, other),
        *_nodes(node, other),
        *_limits(node, other),
    ]


def has_tunnel(node: Node) -> bool:
    """Whether its pods leave room for the tunnel's headers."""
    return node.mtu == MODES["vxlan"]


def _by_hand(node: Node, ipv6: bool) -> list[Step]:
    lines = []
    for pod in node.pods[1:]:
        lines += [f"ip netns add {pod.name}", *_pod_lines(node, pod, ipv6)]
    return [*_bridge(node, ipv6), *_first_pod(node, ipv6), *_more_pods(node, lines, ipv6)]


def _by_plugin(node: Node, ipv6: bool) -> list[Step]:
    lines = []
    for pod in node.pods[1:]:
        lines += [f"ip netns add {pod.name}", *plugin.pod_lines(node, pod)]
    environment = plugin.subnet_env(node, (CLUSTER, CLUSTER6), ipv6)
    return [
        *plugin.configured(node, _configuration(node, ipv6), environment, ipv6),
        *plugin.first_pod(node, ipv6),
        *_more_pods(node, lines, ipv6),
        *plugin.visitor(node),
    ]


def _configuration(node: Node, ipv6: bool) -> str:
    return plugin.configuration(node, (CLUSTER, CLUSTER6), ipv6)


def both_nodes(pods: int = 2, mtu: int = MODES["vxlan"]) -> tuple[Node, Node]:
    """master and node2 with their pods."""
    here, there = pod_names(pods)
    # the article's pod was the third on its node
    master, node2 = _node(HOSTNAME, 0, here, first=4), _node(NODE2, 1, there, first=2)
    return replace(master, mtu=mtu), replace(node2, mtu=mtu)


def _node(name: str, subnet: int, pods: list[str], first: int) -> Node:
    """A node with the pods' network of this number; first: the number of the first pod's address in it."""
    network6 = f"fd00:10:244:{subnet}::" if subnet else "fd00:10:244::"
    numbers = [*range(first, 255), *range(2, first)]
    made = []
    for pod, number in zip(pods, numbers, strict=False):
        made.append(Pod(pod, _host_end(pod), f"10.244.{subnet}.{number}", f"{network6}{number:x}"))
    return Node(
        name=name,
        network=f"10.244.{subnet}.0/24",
        network6=f"{network6}/64",
        tunnel=f"10.244.{subnet}.0",
        tunnel6=network6,
        mac=f"8e:2a:10:00:00:0{subnet + 1}",
        mac6=f"8e:2a:60:00:00:0{subnet + 1}",
        pods=tuple(made),
    )


def _host_end(pod: str) -> str:
    if pod in HOST_ENDS:
        return HOST_ENDS[pod]
    return "veth" + hashlib.sha1(pod.encode()).hexdigest()[:8]


def gateway(node: Node) -> str:
    """The address of a node's cni0, the first one of its pods' network."""
    return node.network.replace(".0/24", ".1")


def _first_bridge(node: Node, ipv6: bool) -> Step:
    why = tr(
        "Now make master a node. For a node's first pod, the bridge plugin makes the bridge cni0, whose address will "
        "be the pods' gateway. {why_so_large} `accept_ra=0`: no router may configure this device.",
        why_so_large=_why_so_large(node),
    )
    lines = _bridge_lines(node, ipv6)[:-1]
    look = tr("No ports yet, but it has an id, because this bridge was given its MAC address when it was made.")
    by_ip = step(why, *lines, "ip -d link show dev cni0", look=look, table="ip link")
    return step(why, *lines, "brctl show cni0", look=look, table="brctl show", instead=by_ip)


def _bridge(node: Node, ipv6: bool) -> list[Step]:
    return [
        _first_bridge(node, ipv6),
        step(
            tr(
                "A node is a router for its pods: it must forward packets that are not meant for itself. The bridge "
                "plugin switches that on."
            ),
            _bridge_lines(node, ipv6)[-1],
        ),
    ]


def _why_so_large(node: Node) -> str:
    if has_tunnel(node):
        return tr("`mtu {mtu}` leaves 50 of the cable's 1500 bytes for the tunnel to come.", mtu=node.mtu)
    return tr("`mtu {mtu}` is the cable's: there will be no tunnel.", mtu=node.mtu)


def _bridge_lines(node: Node, ipv6: bool) -> list[str]:
    lines = [
        f"ip link add cni0 address {BRIDGE_MAC[node.name]} mtu {node.mtu} type bridge",
        "sysctl -w net.ipv6.conf.cni0.accept_ra=0",
        "ip link set cni0 up",
        f"ip addr add {gateway(node)}/24 brd + dev cni0",
    ]
    forwarding = "sysctl -w net.ipv4.ip_forward=1"
    if ipv6:
        lines.append(f"ip addr add {node.tunnel6}1/64 dev cni0 nodad")
        forwarding += " net.ipv6.conf.all.forwarding=1"
    return [*lines, forwarding]


def _cable_lines(pod: Pod, mtu: int) -> list[str]:
    end = f"mtu {mtu} txqueuelen 0"
    return [
        f"ip netns exec {pod.name} ip link set lo up",
        f"ip link add {pod.host_end} {end} type veth peer name eth0 {end} netns {pod.name}",
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
    ]
    if ipv6:
        lines.append(f"ip addr add {pod.address6}/64 dev eth0")
    lines.append("ip link set eth0 up")
    return list(all_inside(pod.name, lines))


def _route_lines(node: Node, pod: Pod, ipv6: bool) -> list[str]:
    lines = [
        f"ip route add {CLUSTER} via {gateway(node)} dev eth0",
        f"ip route add default via {gateway(node)} dev eth0",
    ]
    if ipv6:
        lines += [
            f"ip -6 route add {CLUSTER6} via {node.tunnel6}1 dev eth0",
            f"ip -6 route add default via {node.tunnel6}1 dev eth0",
        ]
    return list(all_inside(pod.name, lines))


def _pod_lines(node: Node, pod: Pod, ipv6: bool) -> list[str]:
    return [
        *_cable_lines(pod, node.mtu),
        *_port_lines(pod),
        *_address_lines(pod, ipv6),
        *_route_lines(node, pod, ipv6),
    ]


def _first_pod(node: Node, ipv6: bool) -> list[Step]:
    pod = node.pods[0]
    return [
        step(
            tr(
                "The first pod. The container runtime makes its network namespace, and a small plugin switches lo on. "
                "Then the bridge plugin makes its cable, a veth pair as in the scenario `direct`: eth0 inside, and "
                "{host_end}, a random name, on the node. `txqueuelen 0`: a veth needs no queue.",
                host_end=pod.host_end,
            ),
            f"ip netns add {pod.name}",
            *_cable_lines(pod, node.mtu),
        ),
        step(
            tr(
                "The bridge plugin plugs the node's end into cni0. `hairpin on` lets a frame leave through the port "
                "that it came in by, which is needed when a pod reaches itself through a service."
            ),
            *_port_lines(pod),
        ),
        step(
            tr(
                "Inside the pod, the plugin adds an address from the node's subnet and switches the device on. "
                "`arp_notify=1` announces the address at once; `accept_dad=0` uses an IPv6 address without first "
                "asking whether it is taken."
            ),
            *_address_lines(pod, ipv6),
            f"ip -d link show dev {pod.host_end}",
            look=tr(
                "Both ends are up, so the port works: after `bridge_slave`, as iproute2 calls a port, come `state "
                "forwarding` and, further on, `hairpin on`."
            ),
            table="ip link",
        ),
        step(
            tr(
                "The plugin gives the pod two routes, both via cni0: one for all pods of the cluster, {cluster}, and "
                "one for everything else.",
                cluster=CLUSTER,
            ),
            *_route_lines(node, pod, ipv6),
            f"ip netns exec {pod.name} ip route",
            look=tr(
                "Three routes, because the kernel added the middle one with the address. So the pods of this node are "
                "neighbours on the same wire, and everybody else is behind {gateway}.",
                gateway=gateway(node),
            ),
            table="ip route",
        ),
        *([step(tr("The same for IPv6."), f"ip netns exec {pod.name} ip -6 route", table="ip route")] if ipv6 else []),
        step(
            tr("Look at both ends of the pod's cable."),
            f"ip netns exec {pod.name} ip a",
            f"ip a show dev {pod.host_end}",
            look=tr(
                "eth0 says `@ifN`, where N is the number of the node's end, and that one says `@if` with the number "
                "of eth0. Only eth0 has an IPv4 address, and only the node's end has a `master`, the bridge."
            ),
            table="ip addr",
        ),
    ]


def _more_pods(node: Node, lines: list[str], ipv6: bool) -> list[Step]:
    """lines: those that make the pods but for the first."""
    if len(node.pods) == 1:
        return []
    a, b, *_ = node.pods
    others = node.pods[1:]
    why = tr("The second pod, by the same steps.") if len(others) == 1 else tr("The other pods, by the same steps.")
    look = tr("One port for each pod, and no eth0: this bridge joins the pods of one node, not the nodes.")
    by_bridge = step(why, *lines, "bridge link", look=look, table="bridge link")
    return [
        step(why, *lines, "brctl show cni0", look=look, table="brctl show", instead=by_bridge),
        cables(
            tr(
                "The cables of {a} and {b} have the `master` cni0: flannel joins the namespaces of a node by a "
                "bridge. Only eth0, the cable to node2, has none.",
                a=a.name,
                b=b.name,
            )
        ),
        step(
            tr("Ping from pod to pod on this node."),
            ping(b.address, a.name),
            *([ping(b.address6, a.name)] if ipv6 else []),
            look=tr(
                "`ttl=64`: the reply left with 64 and lost nothing on its way. A router takes 1 away, a bridge does "
                "not, so no router was involved."
            ),
            table="ping",
        ),
        step(
            tr("One more proof: which MAC address did {a} learn for {b}, and whose is it?", a=a.name, b=b.name),
            f"ip netns exec {a.name} ip neigh",
            f"ip netns exec {b.name} ip -br link show dev eth0",
            look=tr(
                "It is {b}'s own. {a} asked by ARP, and {b} itself answered across the bridge.", b=b.name, a=a.name
            ),
            table=("ip neigh", "ip link"),
        ),
    ]


def tunnel_lines(node: Node, ipv6: bool = False) -> list[str]:
    """What flanneld lays on a node for itself: the VXLAN device."""
    lines = [
        f"ip link add flannel.1 address {node.mac} mtu {node.mtu} type vxlan id 1 local {node.address} dev eth0 "
        "dstport 8472 nolearning",
        "sysctl -w net/ipv6/conf/flannel.1/accept_ra=0",
        f"ip addr add {node.tunnel}/32 dev flannel.1",
        "ip link set flannel.1 up",
    ]
    if ipv6:
        lines += _tunnel6_lines(node)
    return lines


def _tunnel6_lines(node: Node) -> list[str]:
    return [
        f"ip link add flannel-v6.1 address {node.mac6} mtu {node.mtu} type vxlan id 1 local {node.address6} dev eth0 "
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
    six = tr("IPv6 gets a device of its own, flannel-v6.1; the kernel lowers its MTU to 1430.") if ipv6 else ""
    return [
        step(
            sentences(
                tr(
                    "Everything between the nodes is flanneld's work. It makes flannel.1, a VXLAN device: whatever is "
                    "sent into it leaves through eth0 inside a UDP packet. `nolearning`: flanneld will say where the "
                    "other nodes are, so the device need not find out. The sysctl has slashes because the name "
                    "flannel.1 has a dot."
                ),
                six,
            ),
            *tunnel_lines(node, ipv6),
            "ip -d link show flannel.1",
            look=tr(
                "`vxlan id 1` is the number of this VXLAN, `dstport 8472` its UDP port, `local` the address that it "
                "sends from. The device's own address is a /32, a network of one, so it adds no route."
            ),
            table="ip link",
        ),
        step(
            tr(
                "flanneld adds three entries for each other node. The first is a neighbour: node2's pods are reached "
                "through {tunnel}, the address of node2's flannel.1, and this is its MAC address. The flanneld on "
                "node2 has published it, so nobody has to ask by ARP.",
                tunnel=other.tunnel,
            ),
            _neighbour(other),
        ),
        step(
            tr(
                "The second is in the VXLAN's forwarding table, the FDB: frames for that MAC address go to {address}.",
                address=other.address,
            ),
            _fdb(other),
        ),
        step(
            tr("The third is the route to node2's pods. Try it first without its last word, `onlink`."),
            _route(other).removesuffix(" onlink"),
            look=tr(
                "The kernel refuses: {tunnel} is in no network of this node, so it cannot be a next hop. The kernel "
                "does not know that it is at the other end of the tunnel.",
                tunnel=other.tunnel,
            ),
            expect=(2,),
        ),
        step(
            tr(
                "`onlink` tells the kernel to take our word for it: the next hop can be reached directly through this "
                "device."
            ),
            _route(other),
            *(remote_lines(other, ipv6)[3:]),
            "ip route",
            "ip neigh show dev flannel.1",
            "bridge fdb show dev flannel.1",
            look=tr(
                "Read the three together: node2's pods have the next hop {tunnel}; {tunnel} has the MAC address "
                "{mac}; and {mac} is at {address}. `PERMANENT`: it stays until flanneld removes it.",
                tunnel=other.tunnel,
                mac=other.mac,
                address=other.address,
            ),
            table=("ip route", "ip neigh", "bridge fdb"),
        ),
    ]


def gateway_lines(other: Node, ipv6: bool = False) -> list[str]:
    """What flanneld lays on a node for each other node when its backend is host-gw: pkg/backend/hostgw/hostgw.go."""
    lines = [f"ip route add {other.network} via {other.address} dev eth0"]
    if ipv6:
        lines.append(f"ip -6 route add {other.network6} via {other.address6} dev eth0")
    return lines


def _gateway(node: Node, other: Node, ipv6: bool) -> list[Step]:
    return [
        step(
            tr(
                "Everything between the nodes is flanneld's work. With its backend `host-gw` there is no tunnel, and "
                "one route is all: node2's pods are behind node2. That needs nodes on one wire, since a router "
                "between them would know nothing about pods."
            ),
            *gateway_lines(other, ipv6),
            "ip route",
            look=tr("The next hop is the other machine's own address, on the cable. No device had to be added."),
            table="ip route",
        )
    ]


def _other_node(other: Node, ipv6: bool, cni: bool) -> list[Step]:
    if cni:
        why = tr("node2 becomes a node in the same way: first the plugin's configuration, then the pods.")
        first = plugin.node_lines(other, _configuration(other, ipv6), ipv6)
    else:
        why = tr("node2 becomes a node in the same way: first the bridge and forwarding, then its pods.")
        first = _bridge_lines(other, ipv6)
    pods = []
    for pod in other.pods:
        pods += plugin.pod_lines(other, pod) if cni else _pod_lines(other, pod, ipv6)
    return [
        namespaces(other),
        step(why, *first, *pods, at=NODE2),
    ]


def _tunnel_back(node: Node, other: Node, ipv6: bool) -> list[Step]:
    return [
        step(
            tr("Then flanneld's part on node2: the tunnel, and the three entries for the way back."),
            *tunnel_lines(other, ipv6),
            *remote_lines(node, ipv6),
            "ip route",
            look=tr("The mirror image of master: its own pods are behind cni0, and those of master behind flannel.1."),
            table="ip route",
            at=NODE2,
        ),
    ]


def _across(node: Node, other: Node, ipv6: bool) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    return [
        step(
            tr("Ping from {pod} on master to {remote} on node2.", pod=pod.name, remote=remote.name),
            ping(remote.address, pod.name),
            look=tr(
                "`ttl=62`: two routers this time, node2 and master. Between nodes flannel routes, it does not bridge."
            ),
            table="ping",
        ),
        *([step(tr("The same over IPv6."), ping(remote.address6, pod.name), table="ping statistics")] if ipv6 else []),
        step(
            tr(
                "How does master decide? Ask its routing table about a packet from {pod} that comes in through cni0.",
                pod=pod.name,
            ),
            f"ip route get {remote.address} from {pod.address} iif cni0",
            look=(
                tr("Into flannel.1, to the next hop of the three entries.")
                if has_tunnel(node)
                else tr("Through eth0, to the other machine.")
            ),
            table="ip route",
        ),
        *(_weighed(pod, remote, ipv6) if has_tunnel(node) else []),
    ]


def _weighed(pod: Pod, remote: Pod, ipv6: bool) -> list[Step]:
    steps = [counted(remote.address, pod.name, 8472)]
    if ipv6:
        steps.append(counted(remote.address6, pod.name, 8472, ipv6=True))
    return steps


def _without_route(node: Node, other: Node) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    return [
        step(
            tr("Is the route needed? Take it away, and ask the routing table again."),
            f"ip route del {other.network}",
            f"ip route get {remote.address} from {pod.address} iif cni0",
            look=tr("Now only the default route fits, to a router that knows nothing about pods."),
            table="ip route",
        ),
        step(tr("Ping."), ask_in_vain(remote.address, pod.name), table="ping statistics", expect=(1,)),
        step(
            tr("Put it back, and ping."),
            gateway_lines(other)[0],
            ask_once(remote.address, pod.name),
            table="ping statistics",
        ),
    ]


def _without(node: Node, other: Node) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    question, in_vain = ask_once(remote.address, pod.name), ask_in_vain(remote.address, pod.name)
    return [
        step(
            tr("Are all three entries needed? Take the route away, and ask the routing table again."),
            f"ip route del {other.network}",
            f"ip route get {remote.address} from {pod.address} iif cni0",
            look=tr(
                "Now only the default route fits, so the packet would leave through eth0, outside the tunnel, for a "
                "router that knows nothing about pods."
            ),
            table="ip route",
        ),
        step(tr("Ping."), in_vain, table="ping statistics", expect=(1,)),
        step(tr("Put the route back, and ping."), _route(other), question, table="ping statistics"),
        step(
            tr("Now take the FDB entry away."),
            f"bridge fdb del {other.mac} dev flannel.1 dst {other.address} self",
        ),
        step(
            tr("Ping."),
            in_vain,
            look=tr("No answer and no error: the VXLAN does not know where to send the frame, and drops it."),
            table="ping statistics",
            expect=(1,),
        ),
        step(tr("Put it back, and ping."), _fdb(other), question, table="ping statistics"),
        step(tr("Now take the neighbour away."), f"ip neigh del {other.tunnel} dev flannel.1"),
        step(tr("Ping."), in_vain, table="ping statistics", expect=(1,)),
        step(
            tr("Look at the neighbour table."),
            "ip neigh show dev flannel.1",
            look=tr("`INCOMPLETE`, a little later `FAILED`: master asks by ARP in the tunnel, where nobody hears it."),
            table="ip neigh",
        ),
        step(tr("Put it back, and ping."), _neighbour(other), question, table="ping statistics"),
    ]


def _why_from_there(node: Node) -> str:
    if has_tunnel(node):
        return tr(
            "`src {tunnel}`, the address of flannel.1. That is why the device has one: node2 knows the way back to "
            "it, through the tunnel.",
            tunnel=node.tunnel,
        )
    return tr(
        "`src {address}`, master's own: without a tunnel, machines and pods share one routed network.",
        address=node.address,
    )


def _to_the_machine(node: Node, other: Node) -> Step:
    """From a pod to the other machine: without a tunnel it is answered."""
    pod = node.pods[0]
    question = tr("And from the pod to the other machine?")
    if has_tunnel(node):
        return step(
            question,
            ask_in_vain(other.address, pod.name),
            look=tr(
                "node2 is on the cable, so the packet leaves through eth0, and its sender is {address}. But node2's "
                "way to that sender is the tunnel, and `rp_filter=1` drops a packet that comes in by another way.",
                address=pod.address,
            ),
            table="ping statistics",
            expect=(1,),
        )
    return step(
        question,
        ask_once(other.address, pod.name),
        look=tr(
            "Answered, because node2's way to the pod is the same cable. But beyond the nodes nobody knows the way to "
            "a pod's address."
        ),
        table="ping statistics",
    )


def _nodes(node: Node, other: Node) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    return [
        step(
            tr(
                "So much for pods; now pods and machines. From a pod to its own node it is one step, across the bridge."
            ),
            ask_once(node.address, pod.name),
            table="ping statistics",
        ),
        step(
            tr("From master to a pod of node2: which address does master send from?"),
            f"ip route get {remote.address}",
            ask_once(remote.address),
            look=_why_from_there(node),
            table=("ip route", "ping statistics"),
        ),
        _to_the_machine(node, other),
        step(
            tr(
                "flanneld's remedy is masquerading: what a pod sends to anybody but a pod gets its node's address as "
                "the sender. The rules are read in order: RETURN leaves alone what goes from pod to pod, MASQUERADE "
                "rewrites the rest."
            ),
            *_masquerade(node),
            "iptables -t nat -S FLANNEL-POSTRTG",
            look=tr("The first rule spares what kube-proxy has marked. {last_rule}", last_rule=_last_rule(node)),
        ),
        step(tr("The same on node2."), *_masquerade(other), at=NODE2),
        step(
            tr("Ping again."),
            ask_once(other.address, pod.name),
            look=tr("Now node2 sees {address} asking, and answers over the cable.", address=node.address),
            table="ping statistics",
        ),
        step(
            tr("And do pods still see each other's own addresses?"),
            ask_once(remote.address, pod.name),
            "iptables -t nat -vnL FLANNEL-POSTRTG",
            look=tr(
                "Yes: this ping was counted by `RETURN` from {network} to {cluster}, and the one before it by "
                "`MASQUERADE`. Only the first packet of a conversation passes here.",
                network=node.network,
                cluster=CLUSTER,
            ),
        ),
    ]


def _last_rule(node: Node) -> str:
    if has_tunnel(node):
        return tr(
            "The last one is for packets that enter the tunnel from a sender outside the pods' network: they get the "
            "tunnel's address."
        )
    return tr(
        "The last one is for what goes to pods from a sender outside the pods' network: it gets the node's address."
    )


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


def _limits(node: Node, other: Node) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    size = node.mtu - 28
    because = tr("Without a tunnel, a pod may fill all 1500 bytes of the cable.")
    if has_tunnel(node):
        because = tr("With the tunnel's 50 bytes more it would not fit into the 1500 of the cable.")
    return [
        step(
            tr(
                "How large may a packet be? {size} bytes, with 8 of ICMP and 20 of IP in front, make exactly {mtu}; "
                "`-M do` forbids splitting them.",
                size=size,
                mtu=node.mtu,
            ),
            ask_once(remote.address, pod.name, more=f"-M do -s {size}"),
            table="ping statistics",
        ),
        step(
            tr("One byte more."),
            ask_in_vain(remote.address, pod.name, more=f"-M do -s {size + 1}"),
            look=tr(
                "Refused before it leaves the pod, because the MTU of eth0 is {mtu}. {because}",
                mtu=node.mtu,
                because=because,
            ),
            expect=(1,),
        ),
    ]
