"""What do the two-node lessons share? Two machines, the cable between them, pods, and the ways to ask."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadOption
from ..inside import inside
from ..language import sentences, tr
from ..sandbox import HOSTNAME
from .step import Step, step

NODE2 = "node2"
ADDRESS = {HOSTNAME: "10.4.0.21", NODE2: "10.4.0.22"}
ADDRESS6 = {HOSTNAME: "fd00:4::21", NODE2: "fd00:4::22"}
ROUTER, ROUTER6 = "10.4.0.1", "fd00:4::1"


@dataclass(frozen=True)
class Pod:
    """One pod: its namespace, the end of its veth pair that stays on the node, its addresses."""

    name: str
    host_end: str
    address: str
    address6: str


@dataclass(frozen=True)
class Node:
    """One machine: name, its pods' network, the tunnel device's address and MAC, its pods.

    The fields that end in 6 are the same for IPv6. mtu: bytes of the largest packet of a pod; what remains of the
    cable's 1500 is for a tunnel.
    """

    name: str
    network: str
    network6: str
    tunnel: str
    tunnel6: str
    mac: str
    mac6: str
    pods: tuple[Pod, ...]
    mtu: int = 1450

    @property
    def address(self) -> str:
        """Its address on the cable between the machines."""
        return ADDRESS[self.name]

    @property
    def address6(self) -> str:
        """Its IPv6 address on the cable."""
        return ADDRESS6[self.name]


def pod_names(pods: int) -> tuple[list[str], list[str]]:
    """The pods of master and of node2: always a, b and c, d; the further ones alternate.

    >>> pod_names(3)
    (['pod-a', 'pod-b', 'pod-e'], ['pod-c', 'pod-d', 'pod-f'])
    """
    here, there = [0, 1], [2, 3]
    for number in range(4, 2 * pods, 2):
        here.append(number)
        there.append(number + 1)
    return _called(here[:pods]), _called(there[:pods])


def _called(numbers: list[int]) -> list[str]:
    return [f"pod-{_letters(number)}" for number in numbers]


def _letters(number: int) -> str:
    """0 is a, 25 is z, 26 is aa, as spreadsheets count their columns."""
    text = ""
    while number >= 0:
        text = chr(ord("a") + number % 26) + text
        number = number // 26 - 1
    return text


def check_pods(pods: int, most: int, because: str) -> None:
    """Raise BadOption unless the addresses suffice for so many pods on each node."""
    if not 1 <= pods <= most:
        raise BadOption(
            tr(
                "Each node has 1 to {most} pods here, because {because}; not {pods}.",
                most=most,
                because=because,
                pods=pods,
            )
        )


def ping(target: str, source: str = "") -> str:
    """Ping twice, from a pod or from the machine itself."""
    return inside(source or HOSTNAME, f"ping -c 2 -i 0.2 -W 1 {target}")


def ask_once(target: str, source: str = "", more: str = "", wait: str = "1") -> str:
    """One question; how many seconds to wait for the answer."""
    words = [f"ping -c 1 -W {wait}", more, target]
    line = " ".join(word for word in words if word)
    return inside(source or HOSTNAME, line)


def ask_in_vain(target: str, source: str = "", more: str = "") -> str:
    """One question that will not be answered."""
    return ask_once(target, source, more, wait="0.2")


def machines(ipv6: bool) -> list[Step]:
    """Two machines on one cable, each with an address and a way to the rest of the world."""
    settings = "sysctl -w net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1"
    quick = ["sysctl -w net.ipv6.conf.default.accept_dad=0"] if ipv6 else []
    without_check = (
        tr("`accept_dad=0`: skip the second or two that IPv6 spends asking whether an address is taken.")
        if ipv6
        else ""
    )
    return [
        step(
            tr(
                "Start with two machines. The lab itself is the first one, master; the second, node2, is a namespace "
                "that plays a machine. The prompt shows on which of them a line is typed."
            ),
            "ip netns add node2",
        ),
        step(
            sentences(
                tr(
                    "Set what may differ from one computer to the next. `ip_forward=0`: do not forward packets for "
                    "others yet. `rp_filter=1`, as on many servers: accept a packet only from the device through "
                    "which a reply to its sender would leave."
                ),
                without_check,
            ),
            settings,
            *quick,
        ),
        step(tr("The same on node2."), settings, *quick, "ip link set lo up", at=NODE2),
        step(
            tr(
                "Connect the machines by a cable: a veth pair stands in for the network between two servers. Each "
                "machine calls its end eth0."
            ),
            "ip link add eth0 type veth peer name eth0 netns node2",
        ),
        step(
            tr(
                "Give master an address and, as on any server, a default route to a router, {router}. There is no "
                "such router on our cable, but the route will matter.",
                router=ROUTER,
            ),
            *_underlay(HOSTNAME, ipv6),
        ),
        step(
            tr("The same on node2; then ping across the cable."),
            *_underlay(NODE2, ipv6),
            # A device that has just got its signal may be put to work up to a second later (net/core/link_watch.c), and
            # ARP asks again only after one.
            ask_once(ADDRESS[HOSTNAME], wait="3"),
            look=tr("The machines reach each other. They know nothing about pods yet."),
            table="ping statistics",
            at=NODE2,
        ),
    ]


def _underlay(node: str, ipv6: bool) -> list[str]:
    """An address on the cable between the machines, and the way to the rest of the world."""
    lines = [f"ip addr add {ADDRESS[node]}/24 brd + dev eth0"]
    if ipv6:
        lines.append(f"ip addr add {ADDRESS6[node]}/64 dev eth0 nodad")
    lines += ["ip link set eth0 up", f"ip route add default via {ROUTER}"]
    if ipv6:
        lines.append(f"ip -6 route add default via {ROUTER6}")
    return lines


def namespaces(node: Node) -> Step:
    """The namespaces of the other machine's pods."""
    # In the mount namespace of `ip netns exec node2` the name would be lost with the command: ip-netns(8)
    return step(
        tr(
            "Make the namespaces for {node}'s pods. This is typed on master, because {node} is itself a namespace, "
            "and a name given inside a namespace is forgotten as soon as the command ends.",
            node=node.name,
        ),
        *(f"ip netns add {pod.name}" for pod in node.pods),
    )


def counted(target: str, source: str, port: int, ipv6: bool = False) -> Step:
    """Weigh one conversation twice, as the pod sends it and as the cable carries it."""
    iptables = "ip6tables" if ipv6 else "iptables"
    header = 40 if ipv6 else 20  # bytes of the IP header
    added = header + 30
    packet = header + 64  # of a ping: 8 of ICMP and 56 of data
    count = (f"FORWARD -d {target}", f"OUTPUT -p udp --dport {port}")
    why = tr(
        "What does the tunnel cost? An iptables rule without `-j` does nothing but count. One rule counts the packets "
        "that master forwards for the pod, the other the UDP packets that master sends to node2."
    )
    return step(
        tr("And over IPv6?") if ipv6 else why,
        *(f"{iptables} -A {rule}" for rule in count),
        ping(target, source),
        f"{iptables} -vnxL FORWARD",
        f"{iptables} -vnxL OUTPUT",
        *(f"{iptables} -D {rule}" for rule in count),
        look=tr(
            "Two packets each: {bare} bytes are 2 × {packet}, and {wrapped} bytes are 2 × {larger}. So the tunnel "
            "adds {added} bytes to each packet: {header} for the outer IP header, 8 for UDP, 8 for VXLAN and 14 for "
            "the inner Ethernet header.",
            bare=2 * packet,
            packet=packet,
            wrapped=2 * (packet + added),
            larger=packet + added,
            added=added,
            header=header,
        ),
    )


def cables(look: str) -> Step:
    """Both ends of every cable of the machine, which tells a bridge from a router."""
    return step(
        tr("What joins the pods? List the cables of this node."), "ip link show type veth", look=look, table="ip link"
    )


def walks(node: Node, other: Node) -> tuple[tuple[str, str], ...]:
    """From the first pod to the second one of its node, if there is one, and to the first one of the other node."""
    first, *siblings = node.pods
    ends = [*siblings[:1], other.pods[0]]
    return tuple((first.name, end.name) for end in ends)
