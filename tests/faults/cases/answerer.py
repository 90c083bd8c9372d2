"""Who answered? Pings that come back, and not from the one who was asked."""

from ..case import Case
from .networks import BRIDGE, PAIR, ROUTER, THIRD, answered_by
from .words import FILTERS, ITSELF, REWRITTEN, TWICE, rule

CASES = [
    Case(
        id="own-lo-answers",
        group="answerer",
        title="the ping is answered within a few microseconds",
        cause="ns1 itself has 10.0.0.2 too, on lo, so the packet never leaves ns1",
        source="common",
        lines=PAIR
        + """
            ip -n ns1 link set lo up
            ip -n ns1 addr add 10.0.0.2/32 dev lo
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("ns1",), ("lo", *ITSELF)),
        never=("reached ns2", "reaches ns2", *FILTERS),
        mend="ip -n ns1 addr del 10.0.0.2/32 dev lo",
        probe=answered_by("ns2", "ns1", "10.0.0.2"),
    ),
    Case(
        id="router-answers-for-another",
        group="answerer",
        title="who answers is the router",
        cause="r has a local route for 10.2.0.2, so r itself answers",
        source="common (AnyIP)",
        lines=ROUTER
        + """
            ip -n r link set lo up
            ip -n r route add local 10.2.0.2 dev lo
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("r",), ("local", *ITSELF)),
        never=("reached b", "reaches b", *FILTERS),
        mend="ip -n r route del local 10.2.0.2 dev lo",
        probe=answered_by("b", "a", "10.2.0.2"),
    ),
    Case(
        id="redirected-to-the-router",
        group="answerer",
        title="the router takes what is for others",
        cause="a rule of r rewrites the destination to r itself (REDIRECT), so r answers for 10.2.0.2",
        source="common (captive portals)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A PREROUTING -i left -d 10.2.0.2 -j REDIRECT",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("r",), ("REDIRECT*", *REWRITTEN)),
        never=("reached b", "reaches b"),
        netfilter=rule("PREROUTING", "REDIRECT", table="nat"),
        mend="ip netns exec r iptables -t nat -D PREROUTING -i left -d 10.2.0.2 -j REDIRECT",
        probe=answered_by("b", "a", "10.2.0.2"),
    ),
    Case(
        id="rewritten-to-another-host",
        group="answerer",
        title="another container answers for a service's old pod",
        cause="a rule of r rewrites 10.2.0.2 to 10.4.0.2 (DNAT), so east answers",
        source="common (a stale rule of kube-proxy)",
        lines=ROUTER
        + """
            ip netns add east
            ip link add eth0 netns east type veth peer name third netns r
            ip -n east link set eth0 up
            ip -n r link set third up
            ip -n r addr add 10.4.0.1/24 dev third
            ip -n east addr add 10.4.0.2/24 dev eth0
            ip -n east route add default via 10.4.0.1
            ip netns exec r iptables -t nat -A PREROUTING -d 10.2.0.2 -j DNAT --to-destination 10.4.0.2
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("east",), REWRITTEN),
        never=("reached b", "reaches b"),
        netfilter=rule("PREROUTING", "10.4.0.2", table="nat"),
        mend="ip netns exec r iptables -t nat -D PREROUTING -d 10.2.0.2 -j DNAT --to-destination 10.4.0.2",
        probe=answered_by("b", "a", "10.2.0.2"),
    ),
    Case(
        id="route-to-a-twin",
        group="answerer",
        title="a container that moved, and its old node still has it",
        cause="r's route 10.2.0.2 leads to east, which has 10.2.0.2 too and answers for b",
        source="common (a pod that moved)",
        lines=ROUTER
        + """
            ip netns add east
            ip link add eth0 netns east type veth peer name third netns r
            ip -n east link set eth0 up
            ip -n r link set third up
            ip -n r addr add 10.4.0.1/24 dev third
            ip -n east addr add 10.4.0.2/24 dev eth0
            ip -n east addr add 10.2.0.2/32 dev eth0
            ip -n east route add default via 10.4.0.1
            ip -n r route add 10.2.0.2 via 10.4.0.2
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("east",),),
        never=("reached b", "reaches b", *FILTERS),
        mend="ip -n r route del 10.2.0.2 via 10.4.0.2",
        probe=answered_by("b", "a", "10.2.0.2"),
    ),
    Case(
        id="neighbour-entry-of-a-twin",
        group="answerer",
        title="two containers have one address, and an entry decides",
        cause="ns1's neighbour entry for 192.168.30.2 has ns3's MAC, and ns3 has the address too",
        source="common",
        lines=BRIDGE
        + THIRD
        + """
            ip -n ns3 addr add 192.168.30.2/24 dev eth0
            ip -n ns3 link set eth0 address 02:00:00:00:00:03
            ip -n ns1 neigh replace 192.168.30.2 lladdr 02:00:00:00:00:03 dev eth0 nud permanent
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("ns3",),),
        never=("reached ns2", "reaches ns2", *FILTERS),
        mend="""
            ip -n ns3 addr del 192.168.30.2/24 dev eth0
            ip -n ns1 neigh del 192.168.30.2 dev eth0
        """,
        probe=answered_by("ns2", "ns1", "192.168.30.2"),
    ),
    Case(
        id="rewritten-before-it-leaves",
        group="answerer",
        title="a rule of the sender's own",
        cause="ns1 rewrites 10.0.0.2 to its own 10.0.0.1 (DNAT in OUTPUT), so ns1 itself answers",
        source="common (sidecars)",
        lines=PAIR
        + """
            ip -n ns1 link set lo up
            ip netns exec ns1 iptables -t nat -A OUTPUT -d 10.0.0.2 -j DNAT --to-destination 10.0.0.1
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("10.0.0.1", *ITSELF), REWRITTEN),
        never=("reached ns2", "reaches ns2"),
        netfilter=rule("OUTPUT", "10.0.0.1", table="nat"),
        mend="ip netns exec ns1 iptables -t nat -D OUTPUT -d 10.0.0.2 -j DNAT --to-destination 10.0.0.1",
        probe=answered_by("ns2", "ns1", "10.0.0.2"),
    ),
    Case(
        id="gateway-has-the-containers-address",
        group="answerer",
        title="the host answers for its container",
        cause="master has 192.168.30.2 too, on br0, and answers for ns2, whose cable is out of the bridge",
        source="common",
        lines=BRIDGE
        + """
            ip addr add 192.168.30.2/24 dev br0
            ip link set veth2 nomaster
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("master", "br0"), ("192.168.30.2", *TWICE)),
        never=("reached ns2", "reaches ns2", *FILTERS),
        mend="""
            ip addr del 192.168.30.2/24 dev br0
            ip link set veth2 master br0
            ip -n ns1 neigh flush dev eth0
        """,
        probe=answered_by("ns2", "ns1", "192.168.30.2"),
    ),
]
