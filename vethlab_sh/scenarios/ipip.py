"""How do calico's packets cross between nodes in IP alone? With a second IP header before their own, and no more.

What felix lays is read in its source (projectcalico/calico 87c1590 of August 2026, felix/dataplane/linux/ipip_mgr.go
and route_mgr.go). There felix adds the routes, by default; in v3.32 BIRD does, by default (`programClusterRoutes`,
api/pkg/apis/projectcalico/v3/felixconfig.go).
"""

from __future__ import annotations

from ..language import tr
from .nodes import NODE2, Node, ping
from .step import Step, step

DEVICE = "tunl0"
MTU = 1480  # the outer header takes 20 bytes: RFC 2003
NUMBER = 4  # of IP in IP among the protocols that IP carries
# Once it has the module, the kernel itself makes tunl0 in a namespace (net.core.fb_tunnels_only_for_init_net)
MADE = f"ip link show {DEVICE} 2>/dev/null || ip link add {DEVICE} type ipip"


def device_lines(node: Node) -> list[str]:
    """What felix does for the tunnel of a node."""
    return [
        MADE,
        f"ip link set {DEVICE} mtu {MTU}",
        f"ip addr add {node.tunnel}/32 dev {DEVICE}",
        f"ip link set {DEVICE} up",
    ]


def route_line(other: Node) -> str:
    """What felix lays on a node for each other node."""
    return f"ip route replace {other.network} via {other.address} dev {DEVICE} proto 80 onlink mtu {MTU}"


def joined(node: Node, other: Node) -> list[Step]:
    """The steps that make the tunnel of the first node, and its route to the other one."""
    return [
        step(
            tr(
                "Everything between the nodes is felix's work. It takes the device tunl0, which the kernel makes "
                "itself where it has this kind of tunnel loaded; else it is made. What is sent into it leaves through "
                "eth0 with a second IP header in front."
            ),
            *device_lines(node),
            f"ip -d link show {DEVICE}",
            look=tr(
                "`ipip remote any local any`: one device for all other nodes. Its packets are no frames, so it has no "
                "MAC address (`link/ipip 0.0.0.0`), and there is no ARP on it."
            ),
            table="ip link",
        ),
        step(
            tr(
                "So one entry for each other node is enough, where VXLAN takes three: a route, whose next hop is the "
                "other machine's own address. The tunnel writes that address into the outer header."
            ),
            route_line(other),
            "ip route",
            look=tr(
                "`onlink`, because the next hop is in no network of tunl0. `proto 80` is felix; on nodes with calico "
                "3.32 and older this route is BIRD's, unless somebody chose otherwise."
            ),
            table="ip route",
        ),
    ]


def back(node: Node, other: Node) -> Step:
    """The same on the other node."""
    return step(
        tr("Then felix's part on node2: the tunnel, and the route for the way back."),
        *device_lines(other),
        route_line(node),
        at=NODE2,
    )


def counted(target: str, source: str) -> Step:
    """Weigh one conversation twice, as the pod sends it and as the cable carries it."""
    count = (f"FORWARD -d {target}", f"OUTPUT -p {NUMBER}")
    return step(
        tr(
            "What does the tunnel cost? An iptables rule without `-j` does nothing but count. One rule counts the "
            "packets that master forwards for the pod, the other those of IP's protocol 4, IP in IP, that master "
            "sends to node2."
        ),
        *(f"iptables -A {rule}" for rule in count),
        ping(target, source),
        "iptables -vnxL FORWARD",
        "iptables -vnxL OUTPUT",
        *(f"iptables -D {rule}" for rule in count),
        look=tr(
            "Two packets each: 168 bytes are 2 × 84, and 208 bytes are 2 × 104. So the tunnel adds 20 bytes to each "
            "packet, the outer IP header, where VXLAN adds 50."
        ),
    )
