"""How do two namespaces talk over one cable? A veth pair, one end in each."""

from ..language import tr
from .step import Scenario, step


def direct() -> Scenario:
    """Two namespaces, ns1 and ns2, joined by the pair tap1-tap2."""
    return Scenario(
        name="direct",
        title=tr("two namespaces joined by one veth pair, the shortest cable there is"),
        intro=tr(
            "A veth pair is a cable made of software, with a network card at each end: whatever goes in at one end "
            "comes out at the other. Here it joins two network namespaces. A namespace has its own devices, addresses "
            "and routes, as if it were a small machine; a container is a namespace with a program in it."
        ),
        steps=(
            step(
                tr("Make two network namespaces. A new one has nothing but a loopback device, and that is down."),
                "ip netns add ns1",
                "ip netns add ns2",
                "ip netns list",
            ),
            step(
                tr("Make the cable. One command makes both ends, because a veth never exists alone."),
                "ip link add tap1 type veth peer name tap2",
                "ip a",
                look=tr(
                    "Look at the names, `tap1@tap2` and `tap2@tap1`: after the @ comes the other end, so the two "
                    "point at each other. Both ends are still on the host, both are DOWN, and neither has an address."
                ),
                table="ip addr",
            ),
            step(
                tr("Plug one end into each namespace. A device is in only one namespace at a time, so it moves."),
                "ip link set tap1 netns ns1",
                "ip link set tap2 netns ns2",
                "ip a",
                look=tr("Both ends have left the host; only lo remains."),
            ),
            step(
                tr(
                    "Look at the ends where they are now. `ip netns exec NS COMMAND` runs a command inside a namespace."
                ),
                "ip netns exec ns1 ip a",
                "ip netns exec ns2 ip a",
                look=tr(
                    "The peer is now in another namespace, where its name cannot be seen, so `@ifN` gives its number "
                    "there. `link-netns` names that namespace; where it has no name, `ip` prints `link-netnsid` and a "
                    "number. Compare the two: each end's `@if` has the number that the other end's line begins with."
                ),
                table="ip addr",
            ),
            step(
                tr(
                    "Give each end an address. Both addresses are in 192.168.10.0/24, so each end takes the other for "
                    "a neighbour on its own wire and needs no router."
                ),
                "ip netns exec ns1 ip addr add local 192.168.10.200/24 dev tap1",
                "ip netns exec ns2 ip addr add local 192.168.10.201/24 dev tap2",
                "ip netns exec ns1 ip a",
                "ip netns exec ns2 ip a",
                look=tr("The addresses are there, but the devices are still DOWN: an address alone moves no packets."),
                table="ip addr",
            ),
            step(
                tr("Switch both ends on. `ifconfig` is the older tool; `ip link set tap1 up` does the same."),
                "ip netns exec ns1 ifconfig tap1 up",
                "ip netns exec ns2 ifconfig tap2 up",
                "ip netns exec ns1 ip route",
                look=tr(
                    "Nobody typed this route: the kernel added it when the device came up, because the address says "
                    "/24."
                ),
                table="ip route",
            ),
            step(
                tr(
                    "Ping across the cable, from ns1 to ns2. `-c 2` stops after two pings, where you would press "
                    "Ctrl-C."
                ),
                "ip netns exec ns1 ping -c 2 -i 0.2 -W 1 192.168.10.201",
                table="ping statistics",
            ),
            step(
                tr("And back, from ns2 to ns1."),
                "ip netns exec ns2 ping -c 2 -i 0.2 -W 1 192.168.10.200",
                table="ping statistics",
            ),
        ),
        known=tr(
            "Two namespaces that share a veth pair reach each other once both ends are up and have an address. No "
            "bridge and no router is involved."
        ),
        walks=(("ns1", "ns2"),),
    )
