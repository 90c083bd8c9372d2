"""How do two namespaces talk over one cable? A veth pair, one end in each."""

from .step import Scenario, step


def direct() -> Scenario:
    """Two namespaces, ns1 and ns2, joined by the pair tap1-tap2."""
    return Scenario(
        name="direct",
        title="two namespaces joined by one veth pair, the shortest cable there is",
        intro=(
            "A veth pair is a cable with a network card at each end, made of software: what goes in at one "
            "end comes out at the other. Here it joins two network namespaces, each of which has devices, "
            "addresses and routes of its own, as if it were a small machine."
        ),
        steps=(
            step(
                "Make two network namespaces. Each begins with nothing but a loopback device that is down.",
                "ip netns add ns1",
                "ip netns add ns2",
                "ip netns list",
            ),
            step(
                "Make the cable. One command makes both ends, because a veth never exists alone.",
                "ip link add tap1 type veth peer name tap2",
                "ip a",
                look=(
                    "Read the names: `tap1@tap2` and `tap2@tap1`. After the @ stands the other end, so the pair "
                    "points at itself. Both ends are still here on the host, both are DOWN and have no address."
                ),
                table="ip addr",
            ),
            step(
                "Plug one end into each namespace. A device is in exactly one namespace, so this moves it.",
                "ip link set tap1 netns ns1",
                "ip link set tap2 netns ns2",
                "ip a",
                look="Both ends have vanished from the host: nothing of the cable is left here but lo.",
            ),
            step(
                "Look for the ends where they are now. `ip netns exec NS` runs a command inside a namespace.",
                "ip netns exec ns1 ip a",
                "ip netns exec ns2 ip a",
                look=(
                    "The peer is in another namespace, where its name cannot be seen from here. So `@ifN` gives its "
                    "number there, and `link-netns` says which namespace; where that has no name, older and newer `ip` "
                    "alike print `link-netnsid` with a number that only this namespace uses. Hold the two against each "
                    "other: each end's `@if` is the number that the other's line begins with."
                ),
                table="ip addr",
            ),
            step(
                "Give each end an address. Both are in 192.168.10.0/24, so each end knows that the other is on its "
                "own wire and needs no router.",
                "ip netns exec ns1 ip addr add local 192.168.10.200/24 dev tap1",
                "ip netns exec ns2 ip addr add local 192.168.10.201/24 dev tap2",
                "ip netns exec ns1 ip a",
                "ip netns exec ns2 ip a",
                look="The addresses are there, and the devices are still DOWN: an address alone moves no packet.",
                table="ip addr",
            ),
            step(
                "Switch both ends on. `ifconfig` is the older tool; `ip link set tap1 up` does the same.",
                "ip netns exec ns1 ifconfig tap1 up",
                "ip netns exec ns2 ifconfig tap2 up",
                "ip netns exec ns1 ip route",
                look=(
                    "Nobody typed this route: the kernel added it when the device came up, because of the /24 in "
                    "its address."
                ),
                table="ip route",
            ),
            step(
                "Ask across the cable, from ns1 to ns2. `-c 2` sends two pings and stops, where you would press "
                "Ctrl-C.",
                "ip netns exec ns1 ping -c 2 -i 0.2 -W 1 192.168.10.201",
                table="ping statistics",
            ),
            step(
                "And back, from ns2 to ns1.",
                "ip netns exec ns2 ping -c 2 -i 0.2 -W 1 192.168.10.200",
                table="ping statistics",
            ),
        ),
        known=(
            "Two namespaces that share one veth pair reach each other with an address on each end and both ends up; "
            "no bridge and no router takes part."
        ),
    )
