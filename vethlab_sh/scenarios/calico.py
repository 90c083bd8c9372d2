"""How do calico's pods reach each other? By the node's routing table: no bridge, the node is their router."""

from __future__ import annotations

import hashlib
from ipaddress import ip_network

from ..errors import BadOption
from ..inside import all_inside
from ..language import sentences, tr
from ..sandbox import HOSTNAME
from . import bird, ipip
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

POOL = "10.240.0.0/16"
GATEWAY, GATEWAY6 = "169.254.1.1", "fe80::ecee:eeff:feee:eeee"
GATEWAY_MAC = "ee:ee:ee:ee:ee:ee"
MODES = ("vxlan", "ipip", "routed", "bgp")
VXLAN = "vxlan.calico"
TUNNELS = {"vxlan": VXLAN, "ipip": ipip.DEVICE}  # the device that leads to the other nodes, where it is not the cable's
MTU = {"vxlan": 1450, "ipip": ipip.MTU}
CABLE_MTU = 1500
MOST_PODS = 63
WORKLOADS = {"pod-a": "account-biz-front-5f6f788959-vkr7w"}  # the article's pod; the others are called as here


def calico(pods: int = 2, ipv6: bool = False, mode: str = "vxlan") -> Scenario:
    """Two nodes with `pods` pods each (1 to 63); `ipv6` adds the second family.

    mode: vxlan, a tunnel between the nodes; ipip, another one, of IP alone; routed, none, by routes as felix adds them;
    bgp, the same by a real BIRD.
    """
    check_pods(pods, MOST_PODS, tr("a node's block of 64 addresses must hold them and the tunnel's"))
    _check_mode(mode, ipv6)
    master, node2 = both_nodes(pods)
    between = {"vxlan": _vxlan, "ipip": _ipip, "routed": _routed, "bgp": _bgp}[mode]
    mtu = MTU.get(mode, CABLE_MTU)
    return Scenario(
        name="calico",
        title=tr("two nodes: no bridge, every pod behind a route of its own"),
        intro=tr(
            "On a Kubernetes node with calico, three programs do what you see done by hand here: calico's CNI plugin, "
            "started for each new pod; felix, which runs on every node and keeps its routes and settings; and BIRD, "
            "which tells the other nodes of routes where there is no tunnel. They only set up the kernel, so the "
            "devices, routes and settings below are those of a real node."
        ),
        steps=(
            *machines(ipv6),
            *_router(master, mode, ipv6),
            *_first_pod(master, mtu, ipv6),
            *_special_gateway(master),
            *_more_pods(master, mtu, ipv6),
            *between(master, node2, mtu, ipv6),
            *_across(master, node2, mode, ipv6),
            *_nodes(master, node2, mode),
            *(bird.falling(master, node2) if mode == "bgp" else []),
            *_limits(master, node2, mtu),
        ),
        known=tr(
            "calico joins each pod to its node by a veth pair and routes everything, so even between two pods of one "
            "node a packet passes a router and its TTL falls to 63. That router is the node: it answers for "
            "169.254.1.1, an address that nobody has."
        ),
        walks=walks(master, node2),
        programs=bird.PROGRAMS if mode == "bgp" else (),
        kinds=("ipip",) if mode == "ipip" else (),
    )


def _check_mode(mode: str, ipv6: bool) -> None:
    if mode not in MODES:
        raise BadOption(
            tr(
                "calico's mode is vxlan or ipip (a tunnel between the nodes), bgp (none, the routes are BIRD's) or "
                "routed (none, the routes are felix's), not {mode!r}.",
                mode=mode,
            )
        )
    if mode == "ipip" and ipv6:
        raise BadOption(tr("calico's mode ipip is for IPv4 only: felix carries no IPv6 in that tunnel."))
    if mode == "bgp" and ipv6:
        raise BadOption(tr("calico's mode bgp is laid for IPv4 only: for IPv6 calico runs a second BIRD."))


def both_nodes(pods: int = 2) -> tuple[Node, Node]:
    """master and node2 with their pods."""
    here, there = pod_names(pods)
    master = _node(HOSTNAME, "10.240.188.64/26", "fd00:10:240:bc:40::/122", here, first=58)  # the article's .122
    return master, _node(NODE2, "10.240.77.128/26", "fd00:10:240:4d:80::/122", there, first=2)


def host_end(pod: str) -> str:
    """The node's end of a pod's cable, named from namespace and pod as calico does.

    >>> host_end("pod-a")
    'cali50c25257626'
    """
    digits = hashlib.sha1(_workload(pod).encode()).hexdigest()
    return "cali" + digits[:11]


def tunnel_mac(node: str) -> str:
    """The MAC address of a node's tunnel device: `f` and the first five bytes of its name's SHA-1.

    >>> tunnel_mac("node2")
    '66:2d:bf:44:a6:8b'
    """
    octets = hashlib.sha1(node.encode()).digest()
    return (b"f" + octets[:5]).hex(":")


def _workload(pod: str) -> str:
    return f"default.{WORKLOADS.get(pod, pod)}"


def _node(name: str, block: str, block6: str, pods: list[str], first: int) -> Node:
    """A node with these blocks of addresses; first: the number of the first pod's address in them."""
    network, network6 = ip_network(block), ip_network(block6)
    places = [*range(first, 64), *range(1, first)]  # place 0 is the tunnel's
    made = []
    for pod, place in zip(pods, places, strict=False):
        made.append(Pod(pod, host_end(pod), str(network[place]), str(network6[place])))
    return Node(
        name=name,
        network=block,
        network6=block6,
        tunnel=str(network[0]),
        tunnel6=str(network6[0]),
        mac=tunnel_mac(name),
        mac6=tunnel_mac(f"{name}-v6"),
        pods=tuple(made),
    )


def _router_lines(node: Node, mode: str, ipv6: bool) -> list[str]:
    if mode == "bgp":  # the route for the block is BIRD's
        return ["sysctl -w net.ipv4.ip_forward=1"]
    if not ipv6:
        return ["sysctl -w net.ipv4.ip_forward=1", f"ip route add blackhole {node.network} proto 80"]
    return [
        "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
        f"ip route add blackhole {node.network} proto 80",
        f"ip -6 route add blackhole {node.network6} proto 80",
    ]


def _router(node: Node, mode: str, ipv6: bool) -> list[Step]:
    if mode == "bgp":
        return [
            step(
                tr(
                    "Now make master a node. felix makes it a router (`ip_forward=1`). Calico has given the node a "
                    "block of 64 addresses for its pods, {network}, of which BIRD will tell the other nodes.",
                    network=node.network,
                ),
                *_router_lines(node, mode, ipv6),
            )
        ]
    return [
        step(
            tr(
                "Now make master a node. felix makes it a router (`ip_forward=1`). Calico has given the node a block "
                "of 64 addresses for its pods, and felix adds a `blackhole` route for it: a packet for an address "
                "that no pod has is dropped instead of leaving by the default route. `proto 80` is felix's mark on "
                "its routes."
            ),
            *_router_lines(node, mode, ipv6),
            "ip route",
            look=tr("The longest prefix wins, so the /32 route that each pod will get comes before the blackhole."),
            table="ip route",
        ),
    ]


def _cable_lines(pod: Pod, mtu: int) -> list[str]:
    return [
        f"ip netns exec {pod.name} ip link set lo up",
        f"ip link add {pod.host_end} mtu {mtu} txqueuelen 0 type veth peer name eth0 mtu {mtu} txqueuelen 0 "
        f"netns {pod.name}",
        f"ip link set {pod.host_end} address {GATEWAY_MAC}",
    ]


def _setting_lines(pod: Pod, ipv6: bool) -> list[str]:
    four, six = f"net.ipv4.conf.{pod.host_end}", f"net.ipv6.conf.{pod.host_end}"
    of_ipv6 = f"sysctl -w {six}.accept_ra=0"
    if ipv6:
        of_ipv6 += f" {six}.disable_ipv6=0 {six}.accept_dad=0 {six}.proxy_ndp=1 {six}.forwarding=1"
    return [
        f"sysctl -w {four}.proxy_arp=1 net.ipv4.neigh.{pod.host_end}.proxy_delay=0",
        f"sysctl -w {four}.forwarding=1 {four}.route_localnet=1 {four}.rp_filter=1",
        of_ipv6,
        f"ip link set {pod.host_end} up",
    ]


def _inside_lines(pod: Pod, ipv6: bool) -> list[str]:
    lines = ["sysctl -w net.ipv4.ip_forward=0"]
    if ipv6:
        lines += [
            "sysctl -w net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.all.forwarding=0",
            "ip link set eth0 up",
            f"ip -6 route add default via {GATEWAY6} dev eth0",
        ]
    else:
        lines += ["sysctl -w net.ipv6.conf.all.disable_ipv6=1", "ip link set eth0 up"]
    lines += [
        f"ip route add {GATEWAY} dev eth0 scope link",
        f"ip route add default via {GATEWAY} dev eth0",
        f"ip addr add {pod.address}/32 brd {pod.address} dev eth0",
    ]
    if ipv6:
        lines.append(f"ip addr add {pod.address6}/128 dev eth0")
    return list(all_inside(pod.name, lines))


def _host_route_lines(pod: Pod, ipv6: bool) -> list[str]:
    lines = [f"ip route add {pod.address}/32 dev {pod.host_end} scope link"]
    if ipv6:
        lines.append(f"ip -6 route add {pod.address6}/128 dev {pod.host_end}")
    return lines


def _pod_lines(pod: Pod, mtu: int, ipv6: bool) -> list[str]:
    return [
        *_cable_lines(pod, mtu),
        *_setting_lines(pod, ipv6),
        *_inside_lines(pod, ipv6),
        *_host_route_lines(pod, ipv6),
    ]


def _room_for_the_tunnel(mtu: int) -> str:
    room = CABLE_MTU - mtu
    if not room:
        return ""
    return tr(
        "`mtu {mtu}` leaves {room} of the 1500 bytes between the nodes for the tunnel to come.", mtu=mtu, room=room
    )


def _first_pod(node: Node, mtu: int, ipv6: bool) -> list[Step]:
    pod = node.pods[0]
    return [
        step(
            tr(
                "The first pod. What will its cable be called on the node? Calico's CNI plugin takes `cali` and the "
                "first 11 digits of the SHA-1 of the pod's Kubernetes namespace and name, so a pod always has the "
                "same device."
            ),
            f"printf %s {_workload(pod.name)} | sha1sum | cut -c 1-11",
            look=tr(
                "So this pod is behind {host_end}, and anybody can work that out from its name.", host_end=pod.host_end
            ),
        ),
        step(
            sentences(
                tr("The container runtime makes the pod's network namespace, and the plugin makes its cable."),
                _room_for_the_tunnel(mtu),
                tr(
                    "The node's end gets the MAC address {gateway_mac}, for every pod the same: it need only differ "
                    "from the one at the pod's end.",
                    gateway_mac=GATEWAY_MAC,
                ),
            ),
            f"ip netns add {pod.name}",
            *_cable_lines(pod, mtu),
        ),
        step(
            tr(
                "The plugin sets up the node's end, and felix sets the same again. `proxy_arp=1`: answer ARP for "
                "addresses that are not ours but that we can route to, and at once (`proxy_delay=0`). The others: "
                "forward for the pod, let it reach services on 127.0.0.1, believe no false sender, let no router "
                "configure this device."
            ),
            *_setting_lines(pod, ipv6),
        ),
        step(
            sentences(
                tr("Inside the pod. `ip_forward=0`: a pod forwards nothing for others."),
                (
                    tr("Its IPv6 gateway is the address that the kernel makes from ee:ee:ee:ee:ee:ee.")
                    if ipv6
                    else tr("It gets no IPv6 address, so the container runtime switches IPv6 off.")
                ),
                tr(
                    "Then the plugin adds the way to {gateway}, the gateway of every pod, the default route through "
                    "it, and the address last.",
                    gateway=GATEWAY,
                ),
            ),
            *_inside_lines(pod, ipv6),
            f"ip netns exec {pod.name} ip a",
            look=tr(
                "A /32: the pod is alone in its network, without neighbours. {gateway} is in no network of the pod "
                "either, and nobody has that address, so `scope link` must say that it is on the wire.",
                gateway=GATEWAY,
            ),
            table="ip addr",
        ),
        step(
            tr("Look at the pod's routes."),
            f"ip netns exec {pod.name} ip route",
            *([f"ip netns exec {pod.name} ip -6 route"] if ipv6 else []),
            look=(
                tr(
                    "Everything goes to {gateway}, in every pod of every node; over IPv6 to {gateway6}, and that is "
                    "the address of the cable's other end.",
                    gateway=GATEWAY,
                    gateway6=GATEWAY6,
                )
                if ipv6
                else tr("Everything goes to {gateway}, in every pod of every node.", gateway=GATEWAY)
            ),
            table="ip route",
        ),
        step(
            tr(
                "The way back: one route on the node for each pod, straight into its cable. The plugin adds it, and "
                "felix keeps it from then on."
            ),
            *_host_route_lines(pod, ipv6),
            f"ip a show dev {pod.host_end}",
            "ip route",
            look=tr(
                "The device has no IPv4 address and no `master`. Only the route says that the pod's address is behind "
                "it."
            ),
            table="ip route",
        ),
    ]


def _special_gateway(node: Node) -> list[Step]:
    pod = node.pods[0]
    question, in_vain = ask_once(node.address, pod.name), ask_in_vain(node.address, pod.name)
    setting = f"net.ipv4.conf.{pod.host_end}.proxy_arp"
    forget = f"ip netns exec {pod.name} ip neigh flush dev eth0"
    return [
        step(
            tr("Ping from the pod to its node, then look at what the pod has learned."),
            question,
            f"ip netns exec {pod.name} ip neigh",
            look=tr(
                "Somebody answered for {gateway}, with {gateway_mac}, although nobody has that IP address.",
                gateway=GATEWAY,
                gateway_mac=GATEWAY_MAC,
            ),
            table="ip neigh",
        ),
        step(
            tr("Who was it? Switch proxy ARP off on the node's end, and make the pod forget what it learned."),
            f"sysctl -w {setting}=0",
            forget,
        ),
        step(tr("Ping again."), in_vain, table="ping statistics", expect=(1,)),
        step(
            tr("What does the pod know now?"),
            f"ip netns exec {pod.name} ip neigh",
            look=tr(
                "`INCOMPLETE`: the pod asks who has {gateway}, and nobody answers. So it was the node.", gateway=GATEWAY
            ),
            table="ip neigh",
        ),
        step(
            tr("Switch it on again, make the pod forget the unanswered question, and ping."),
            f"sysctl -w {setting}=1",
            forget,
            question,
            table="ping statistics",
        ),
        step(
            tr(
                "Why does the node answer for an address that it does not have? Because it has a route there, through "
                "another device than the one the question came in by. Take its default route away."
            ),
            "ip route del default",
            forget,
        ),
        step(
            tr("Ping again, no farther than the node itself."),
            in_vain,
            look=tr(
                "Now the node has no route to {gateway}, so it does not answer for it, and the pod reaches nobody. "
                "The router of the default route need not exist; the route must.",
                gateway=GATEWAY,
            ),
            table="ping statistics",
            expect=(1,),
        ),
        step(
            tr("Put it back, and ping."), "ip route add default via 10.4.0.1", forget, question, table="ping statistics"
        ),
        step(
            tr(
                "Now from the node to the pod. Make the node forget the pod first, so that it has to ask for its MAC "
                "address. Then look at the neighbour tables of both."
            ),
            f"ip neigh flush dev {pod.host_end}",
            ask_once(pod.address),
            "arp -n",
            f"ip netns exec {pod.name} ip neigh",
            look=tr(
                "The node has learned the pod's own MAC address (`C`: complete). The pod heard {address}, the node, "
                "ask for it, and remembers that too: to the pod, {address} and {gateway} are both {gateway_mac}, the "
                "other end of its only cable.",
                address=node.address,
                gateway=GATEWAY,
                gateway_mac=GATEWAY_MAC,
            ),
            table=("arp", "ip neigh"),
        ),
    ]


def _more_pods(node: Node, mtu: int, ipv6: bool) -> list[Step]:
    if len(node.pods) == 1:
        return []
    a, b, *_ = node.pods
    others = node.pods[1:]
    why = tr("The second pod, by the same steps.") if len(others) == 1 else tr("The other pods, by the same steps.")
    lines = [line for pod in others for line in (f"ip netns add {pod.name}", *_pod_lines(pod, mtu, ipv6))]
    by_bridge = step(
        why,
        *lines,
        "ip link show type bridge",
        "ip route",
        look=tr("`ip link` finds no bridge. Instead there is a route for each pod, into a cable of its own."),
        table="ip route",
    )
    return [
        step(
            why,
            *lines,
            "brctl show",
            "ip route",
            look=tr("`brctl` finds no bridge. Instead there is a route for each pod, into a cable of its own."),
            table="ip route",
            instead=by_bridge,
        ),
        cables(
            tr(
                "Each cali… cable leads from the node straight to a pod, and none has a `master`: calico is direct. "
                "The host is one more namespace, a special one, with a cable to every pod."
            )
        ),
        step(
            tr("Ping from pod to pod on this node."),
            ping(b.address, a.name),
            *([ping(b.address6, a.name)] if ipv6 else []),
            look=tr("`ttl=63`: the reply left with 64, and one router took 1 away. That router is the node."),
            table="ping",
        ),
        step(
            tr(
                "One more proof: which MAC addresses has {a} learned, and what does the node do with a packet from "
                "{a} to {b}?",
                a=a.name,
                b=b.name,
            ),
            f"ip netns exec {a.name} ip neigh",
            f"ip route get {b.address} from {a.address} iif {a.host_end}",
            look=tr(
                "{a} never asked for {b}'s MAC address: it only knows {gateway_mac}. The packet comes in through one "
                "cable, and the node's routing table sends it out through the other.",
                a=a.name,
                b=b.name,
                gateway_mac=GATEWAY_MAC,
            ),
            table=("ip neigh", "ip route"),
        ),
    ]


def _tunnel_lines(node: Node, ipv6: bool) -> list[str]:
    lines = [
        f"ip link add vxlan.calico address {node.mac} mtu 1450 type vxlan id 4096 local {node.address} dev eth0 "
        "dstport 4789 nolearning",
        f"ip addr add {node.tunnel}/32 dev vxlan.calico",
        "ip link set vxlan.calico up",
    ]
    if ipv6:
        lines += [
            f"ip link add vxlan-v6.calico address {node.mac6} mtu 1430 type vxlan id 4096 local {node.address6} "
            "dev eth0 dstport 4789 nolearning",
            f"ip addr add {node.tunnel6}/128 dev vxlan-v6.calico",
            "ip link set vxlan-v6.calico up",
        ]
    return lines


def _remote_lines(other: Node, ipv6: bool) -> list[str]:
    """What felix lays on a node for each other node."""
    lines = [
        f"ip neigh replace {other.tunnel} lladdr {other.mac} nud permanent dev vxlan.calico",
        f"bridge fdb replace {other.mac} dev vxlan.calico dst {other.address} self permanent",
        f"ip route replace {other.network} via {other.tunnel} dev vxlan.calico onlink",
    ]
    if ipv6:
        lines += [
            f"ip neigh replace {other.tunnel6} lladdr {other.mac6} nud permanent dev vxlan-v6.calico",
            f"bridge fdb replace {other.mac6} dev vxlan-v6.calico dst {other.address6} self permanent",
            f"ip -6 route replace {other.network6} via {other.tunnel6} dev vxlan-v6.calico onlink",
        ]
    return lines


def _vxlan(node: Node, other: Node, mtu: int, ipv6: bool) -> list[Step]:
    return [
        step(
            tr(
                "Everything between the nodes is felix's work. It makes a VXLAN device: whatever is sent into it "
                "leaves through eth0 inside a UDP packet. Its MAC address is worked out too: 66 and the first digits "
                "of the SHA-1 of the node's name, so every node knows those of the others without asking."
            ),
            f"printf %s {node.name} | sha1sum",
            *_tunnel_lines(node, ipv6),
            "ip -d link show vxlan.calico",
            look=tr(
                "`vxlan id 4096` and `dstport 4789`, where flannel has 1 and 8472; `nolearning`, as there. The "
                "device's address is the first of the node's block."
            ),
            table="ip link",
        ),
        step(
            tr(
                "felix adds three entries for each other node: a neighbour, {tunnel} with its MAC address; an FDB "
                "entry, which sends frames for that MAC address to {address}; and one route for node2's whole block, "
                "`onlink` because its next hop is in no network of this node.",
                tunnel=other.tunnel,
                address=other.address,
            ),
            *_remote_lines(other, ipv6),
            "ip neigh show dev vxlan.calico",
            "bridge fdb show dev vxlan.calico",
            "ip route",
            look=tr(
                "One route for all 64 addresses of node2's block, but one for each pod of master. The first line is "
                "still the default route, which lets the node answer for {gateway}.",
                gateway=GATEWAY,
            ),
            table=("ip neigh", "bridge fdb", "ip route"),
        ),
        *_other_node(other, mtu, "vxlan", ipv6),
        step(
            tr("Then felix's part on node2: the tunnel, and the three entries for the way back."),
            *_tunnel_lines(other, ipv6),
            *_remote_lines(node, ipv6),
            at=NODE2,
        ),
    ]


def _ipip(node: Node, other: Node, mtu: int, ipv6: bool) -> list[Step]:
    return [
        *ipip.joined(node, other),
        *_other_node(other, mtu, "ipip", ipv6),
        ipip.back(node, other),
    ]


def _routed_lines(other: Node, ipv6: bool) -> list[str]:
    lines = [f"ip route replace {other.network} via {other.address} dev eth0 proto 80 onlink"]
    if ipv6:
        lines.append(f"ip -6 route replace {other.network6} via {other.address6} dev eth0 proto 80 onlink")
    return lines


def _routed(node: Node, other: Node, mtu: int, ipv6: bool) -> list[Step]:
    return [
        step(
            tr(
                "In this mode there is no tunnel between the nodes: one route says that node2's block is behind "
                "node2. On most real nodes BIRD learns it from the other nodes (`proto bird`, as in the mode bgp); "
                "felix can add it too, in the form that is shown here (`proto 80 onlink`)."
            ),
            *_routed_lines(other, ipv6),
            "ip route",
            look=tr("The next hop is the other machine's own address, on the cable. No device had to be added."),
            table="ip route",
        ),
        *_other_node(other, mtu, "routed", ipv6),
        step(tr("And the way back."), *_routed_lines(node, ipv6), at=NODE2),
    ]


def _bgp(node: Node, other: Node, mtu: int, ipv6: bool) -> list[Step]:
    return [
        *bird.speaking(node, other, POOL),
        *_other_node(other, mtu, "bgp", ipv6),
        *bird.answering(node, other, POOL),
    ]


def _other_node(other: Node, mtu: int, mode: str, ipv6: bool) -> list[Step]:
    return [
        namespaces(other),
        step(
            tr("node2 becomes a node in the same way: a router with a block of its own, then its pods."),
            *_router_lines(other, mode, ipv6),
            *(line for pod in other.pods for line in _pod_lines(pod, mtu, ipv6)),
            at=NODE2,
        ),
    ]


def _across(node: Node, other: Node, mode: str, ipv6: bool) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    by = TUNNELS.get(mode, "eth0")
    return [
        step(
            tr("Ping from {pod} on master to {remote} on node2.", pod=pod.name, remote=remote.name),
            ping(remote.address, pod.name),
            look=tr("`ttl=62`: both nodes are routers on the way."),
            table="ping",
        ),
        *([step(tr("The same over IPv6."), ping(remote.address6, pod.name), table="ping statistics")] if ipv6 else []),
        step(
            tr("How does master decide? Ask its routing table about a packet from {pod}.", pod=pod.name),
            f"ip route get {remote.address} from {pod.address} iif {pod.host_end}",
            look=tr("By the route for node2's block, through {by}.", by=by),
            table="ip route",
        ),
        *([ipip.counted(remote.address, pod.name)] if mode == "ipip" else []),
        *([counted(remote.address, pod.name, 4789)] if mode == "vxlan" else []),
        *([counted(remote.address6, pod.name, 4789, ipv6=True)] if mode == "vxlan" and ipv6 else []),
    ]


def _masquerade() -> list[str]:
    return [
        "iptables -t nat -N cali-nat-outgoing",
        "iptables -t nat -A POSTROUTING -j cali-nat-outgoing",
        f"iptables -t nat -A cali-nat-outgoing -s {POOL} ! -d {POOL} -j MASQUERADE --random-fully",
        "sysctl -e -w net.netfilter.nf_conntrack_acct=1",  # a machine without connection tracking has no such key
    ]


def _nodes(node: Node, other: Node, mode: str) -> list[Step]:
    remote = other.pods[0]
    return [
        step(
            tr(
                "So much for pods; now pods and machines. From master to a pod of node2: which address does master "
                "send from?"
            ),
            f"ip route get {remote.address}",
            ask_once(remote.address),
            look=(
                tr(
                    "`src {tunnel}`, the address of {tunnels}: node2 knows the way back to it, through the tunnel.",
                    tunnel=node.tunnel,
                    tunnels=TUNNELS[mode],
                )
                if mode in TUNNELS
                else tr(
                    "`src {address}`, master's own address: without a tunnel, machines and pods share one routed "
                    "network.",
                    address=node.address,
                )
            ),
            table=("ip route", "ping statistics"),
        ),
        *_outgoing(node, other, mode),
        *_unused(node),
    ]


def _unused(node: Node) -> list[Step]:
    taken = {node.tunnel, *(pod.address for pod in node.pods)}
    free = [str(address) for address in ip_network(node.network) if str(address) not in taken]
    if not free:  # every address of the block is a pod's
        return []
    return [
        step(
            tr("And an address of master's block that no pod has?"),
            ask_in_vain(free[0]),
            look=tr("It falls into the blackhole: the kernel refuses at once, and nothing leaves the node."),
            expect=(2,),
        )
    ]


def _outgoing(node: Node, other: Node, mode: str) -> list[Step]:
    """From the pod to the other machine, without and with masquerading."""
    pod = node.pods[0]
    is_tunnelled = mode in TUNNELS
    return [
        step(
            tr("And from the pod to the other machine?"),
            ask_in_vain(other.address, pod.name) if is_tunnelled else ask_once(other.address, pod.name),
            look=(
                tr(
                    "node2 is on the cable, so the packet leaves through eth0, and its sender is {address}. But "
                    "node2's way to that sender is the tunnel, and `rp_filter=1` drops a packet that comes in by "
                    "another way.",
                    address=pod.address,
                )
                if is_tunnelled
                else tr(
                    "Answered, because node2's way to the pod is the same cable. But beyond the nodes nobody knows "
                    "the way to a pod's address."
                )
            ),
            table="ping statistics",
            expect=(1,) if is_tunnelled else (0,),
        ),
        step(
            tr(
                "felix's remedy is masquerading: what a pod sends to an address outside the pods' pool gets the "
                "node's address as the sender. felix has sets of addresses and many chains for this; one rule does "
                "the same here. `nf_conntrack_acct=1`, felix's too, counts the packets of each conversation."
            ),
            *_masquerade(),
        ),
        step(tr("The same on node2."), *_masquerade(), at=NODE2),
        step(
            tr("Ping again."),
            ask_once(other.address, pod.name),
            "iptables -t nat -vnL cali-nat-outgoing",
            look=tr(
                "Now node2 sees {address} asking. The rule has counted one packet: only the first one of a "
                "conversation passes here.",
                address=node.address,
            ),
        ),
    ]


def _limits(node: Node, other: Node, mtu: int) -> list[Step]:
    pod, remote = node.pods[0], other.pods[0]
    size = mtu - 28
    return [
        step(
            tr(
                "How large may a packet be? {size} bytes, with 8 of ICMP and 20 of IP in front, make exactly {mtu}; "
                "`-M do` forbids splitting them.",
                size=size,
                mtu=mtu,
            ),
            ask_once(remote.address, pod.name, more=f"-M do -s {size}"),
            table="ping statistics",
        ),
        step(
            tr("One byte more."),
            ask_in_vain(remote.address, pod.name, more=f"-M do -s {size + 1}"),
            look=(
                tr(
                    "Refused before it leaves the pod, because the MTU of eth0 is {mtu}: the cable's other {room} "
                    "bytes are for the tunnel.",
                    mtu=mtu,
                    room=CABLE_MTU - mtu,
                )
                if mtu < CABLE_MTU
                else tr(
                    "Refused before it leaves the pod. Without a tunnel, a pod may fill all 1500 bytes of the cable."
                )
            ),
            expect=(1,),
        ),
    ]
