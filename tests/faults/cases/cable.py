"""What goes wrong with devices? Ends that are down or elsewhere, macvlan modes, queues that drop."""

from ..case import Case
from .networks import BRIDGE, MACVLANS, PAIR, ROUTER
from .words import DOWN, FILTERS, QDISC

CASES = [
    Case(
        id="own-end-down",
        group="cable",
        title="a device was never switched on, or off again",
        cause="veth1 in ns1 is down",
        source="common",
        lines=PAIR + "ip -n ns1 link set veth1 down",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth1",), DOWN),
        never=FILTERS,
        mend="ip -n ns1 link set veth1 up",
    ),
    Case(
        id="far-end-down",
        group="cable",
        title="the other end was never switched on",
        cause="veth2 in ns2 is down",
        source="common",
        lines=PAIR + "ip -n ns2 link set veth2 down",
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach 10.0.0.2",
        words=(("veth2",), DOWN),
        never=FILTERS,
        mend="ip -n ns2 link set veth2 up",
    ),
    Case(
        id="host-end-down",
        group="cable",
        title="forgot to switch on the host's end",
        cause="veth2 on master is down",
        source="https://iximiuz.com (container networking is simple)",
        lines=BRIDGE + "ip link set veth2 down",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth2",), DOWN),
        never=FILTERS,
        mend="ip link set veth2 up",
    ),
    Case(
        id="end-never-moved",
        group="cable",
        title="the other end of the cable was never moved into its namespace",
        cause="veth2 is still on master; ns2 has nothing but lo",
        source="common",
        lines="""
            ip netns add ns1
            ip netns add ns2
            ip link add veth1 type veth peer name veth2
            ip link set veth1 netns ns1
            ip -n ns1 addr add 10.0.0.1/24 dev veth1
            ip -n ns1 link set veth1 up
            ip addr add 10.0.0.2/24 dev veth2
            ip link set veth2 up
        """,
        src="ns2",
        dst="10.0.0.1",
        claim="ns2 can reach 10.0.0.1",
        words=(("ns2",), ("no device*", "no cable", "no interface*", "only lo", "nothing but lo", "veth2")),
        never=FILTERS,
        mend="""
            ip link set veth2 netns ns2
            ip -n ns2 addr add 10.0.0.2/24 dev veth2
            ip -n ns2 link set veth2 up
        """,
    ),
    Case(
        id="lo-down",
        group="cable",
        title="a namespace cannot ping its own address",
        cause="lo in ns1 is down",
        source="common",
        lines=PAIR,
        src="ns1",
        dst="10.0.0.1",
        claim="ns1 can reach 10.0.0.1",
        words=(("lo",), DOWN),
        never=FILTERS,
        mend="ip -n ns1 link set lo up",
    ),
    Case(
        id="arp-off-at-the-far-end",
        group="cable",
        title="nobody answers for an address that is there",
        cause="ARP is switched off at veth2 in ns2 (NOARP)",
        source="common",
        lines=PAIR + "ip -n ns2 link set veth2 arp off",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth2",), ("arp off", "NOARP", "ARP is off", "ARP is switched off", "ARP switched off")),
        never=FILTERS,
        mend="ip -n ns2 link set veth2 arp on",
    ),
    Case(
        id="last-cable-down",
        group="cable",
        title="the router is fine, the last cable is dead",
        cause="eth0 in b is down, so right in r has no signal",
        source="common",
        lines=ROUTER + "ip -n b link set eth0 down",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("eth0",), ("b",), DOWN),
        never=FILTERS,
        mend="""
            ip -n b link set eth0 up
            ip -n b route add default via 10.2.0.1
        """,
    ),
    Case(
        id="macvlan-to-its-host",
        group="cable",
        title="a macvlan container does not reach its own host",
        cause="a macvlan device and its parent do not talk to each other, and the parent of mac1 is eth0 on master",
        source="moby/libnetwork#1915",
        lines="""
            ip netns add outside
            ip netns add c1
            ip link add eth0 type veth peer name eth0 netns outside
            ip addr add 192.168.1.10/24 dev eth0
            ip link set eth0 up
            ip -n outside addr add 192.168.1.1/24 dev eth0
            ip -n outside link set eth0 up
            ip link add mac1 link eth0 type macvlan mode bridge
            ip link set mac1 netns c1
            ip -n c1 addr add 192.168.1.101/24 dev mac1
            ip -n c1 link set mac1 up
        """,
        src="c1",
        dst="192.168.1.10",
        claim="c1 can reach 192.168.1.10",
        words=(("macvlan",),),
        never=(*FILTERS, "is missing"),
        mend="""
            ip link add mac0 link eth0 type macvlan mode bridge
            ip addr del 192.168.1.10/24 dev eth0
            ip addr add 192.168.1.10/24 dev mac0
            ip link set mac0 up
        """,
    ),
    Case(
        id="cable-into-the-wrong-namespace",
        group="cable",
        title="the cable's other end went to another container",
        cause="veth2 is in ns3; ns2 has nothing but lo",
        source="common",
        lines="""
            ip netns add ns1
            ip netns add ns2
            ip netns add ns3
            ip link add veth1 netns ns1 type veth peer name veth2 netns ns3
            ip -n ns1 addr add 10.0.0.1/24 dev veth1
            ip -n ns1 link set veth1 up
            ip -n ns3 link set veth2 up
        """,
        src="ns2",
        dst="10.0.0.1",
        claim="ns2 can reach 10.0.0.1",
        words=(("ns2",), ("no device*", "no cable", "no interface*", "only lo", "nothing but lo", "veth2")),
        never=FILTERS,
        mend="""
            ip -n ns3 link set veth2 netns ns2
            ip -n ns2 addr add 10.0.0.2/24 dev veth2
            ip -n ns2 link set veth2 up
        """,
    ),
    Case(
        id="macvlan-private",
        group="cable",
        title="two macvlan containers on one parent do not see each other",
        cause="m1 and m2 are macvlan devices of mode private, which keeps them apart",
        source="common (macvlan modes)",
        lines=MACVLANS.format(mode="private"),
        src="c1",
        dst="192.168.1.102",
        claim="c1 can reach 192.168.1.102",
        words=(("macvlan",), ("private",)),
        never=(*FILTERS, "is missing"),
        mend="""
            ip -n c1 link set m1 type macvlan mode bridge
            ip -n c2 link set m2 type macvlan mode bridge
        """,
    ),
    Case(
        id="macvlan-vepa",
        group="cable",
        title="macvlan containers that count on a switch that sends back",
        cause="m1 and m2 are macvlan devices of mode vepa: what they send leaves by eth0, and no switch sends it back",
        source="common (the default mode of macvlan)",
        lines=MACVLANS.format(mode="vepa"),
        src="c1",
        dst="192.168.1.102",
        claim="c1 can reach 192.168.1.102",
        words=(("macvlan",), ("vepa",)),
        never=(*FILTERS, "is missing"),
        mend="""
            ip -n c1 link set m1 type macvlan mode bridge
            ip -n c2 link set m2 type macvlan mode bridge
        """,
    ),
    Case(
        id="macvlan-parent-down",
        group="cable",
        title="the card below the containers is off",
        cause="eth0, the parent of m1 and m2, is down",
        source="common",
        lines=MACVLANS.format(mode="bridge") + "ip link set eth0 down",
        src="c1",
        dst="192.168.1.102",
        claim="c1 can reach 192.168.1.102",
        words=(("eth0",), DOWN),
        never=(*FILTERS, "is missing"),
        mend="ip link set eth0 up",
    ),
    Case(
        id="queue-too-small",
        group="cable",
        title="a rate limit that lets nothing through",
        cause="the queue (qdisc tbf) at right in r is smaller than a ping, so it drops each",
        source="common (traffic shaping)",
        lines=ROUTER + "ip netns exec r tc qdisc add dev right root tbf rate 8kbit burst 50 limit 50",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(QDISC, ("right",)),
        never=FILTERS,
        mend="ip netns exec r tc qdisc del dev right root",
    ),
    Case(
        id="queue-that-swallows",
        group="cable",
        title="everything is up, and nothing leaves",
        cause="the queue at eth0 in a is a blackhole (qdisc)",
        source="common (chaos tools)",
        lines=ROUTER + "ip netns exec a tc qdisc add dev eth0 root blackhole",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(QDISC, ("eth0",)),
        never=FILTERS,
        mend="ip netns exec a tc qdisc del dev eth0 root",
    ),
]
