"""Which faults does ARP have? Entries that are old, questions that are not answered, or by the wrong one."""

from ..case import Case
from .networks import BRIDGE, PAIR, ROUTER, THIRD
from .words import FILTERS, ITSELF, NOBODY, TWICE

CASES = [
    Case(
        id="sender-address-at-the-receiver-too",
        group="arp",
        title="ARP is not answered, and no setting is to blame",
        cause="ns2 has ns1's address 10.0.0.1 too, on lo, so it does not answer a question that seems to be its own",
        source="common (cloned containers)",
        lines=PAIR
        + """
            ip -n ns2 link set lo up
            ip -n ns2 addr add 10.0.0.1/32 dev lo
        """,
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach 10.0.0.2",
        words=(("10.0.0.1",), ("ns2",), (*TWICE, *ITSELF)),
        never=(*FILTERS, *NOBODY, "proxy_arp"),
        mend="ip -n ns2 addr del 10.0.0.1/32 dev lo",
    ),
    Case(
        id="arp-ignore-of-strangers",
        group="arp",
        title="ARP is answered only for neighbours of the same network",
        cause="arp_ignore is 2 in ns2, and ns1's 10.9.9.9 is not in a network of veth2",
        source="common (LVS)",
        lines=PAIR
        + """
            ip -n ns1 addr del 10.0.0.1/24 dev veth1
            ip -n ns1 addr add 10.9.9.9/32 dev veth1
            ip -n ns1 route add 10.0.0.0/24 dev veth1
            ip -n ns2 route add 10.9.9.9 dev veth2
            ip netns exec ns2 sysctl -qw net.ipv4.conf.veth2.arp_ignore=2
        """,
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach 10.0.0.2",
        words=(("arp_ignore",), ("ns2", "veth2")),
        never=(*FILTERS, *NOBODY),
        mend="ip netns exec ns2 sysctl -qw net.ipv4.conf.veth2.arp_ignore=0",
    ),
    Case(
        id="address-has-moved",
        group="arp",
        title="for some minutes after a move, only for who had asked before",
        cause="ns1's neighbour entry for 192.168.30.2 still has the MAC of eth0 in ns3; ns2 has the address",
        source="common (an address that was given twice, and then taken off one of the two)",
        lines=BRIDGE
        + THIRD
        + """
            ip -n ns3 link set eth0 address 02:00:00:00:00:03
            ip -n ns1 neigh replace 192.168.30.2 lladdr 02:00:00:00:00:03 dev eth0 nud permanent
        """,
        src="ns1",
        dst="192.168.30.2",
        claim="ns1 can reach ns2",
        words=(("neighbour", "neigh", "ARP entry"), ("192.168.30.2",), ("02:00:00:00:00:03", "ns3")),
        never=("forwarding is off", "ip_forward"),
        mend="ip -n ns1 neigh del 192.168.30.2 dev eth0",
    ),
    Case(
        id="stale-neighbour-of-the-answerer",
        group="arp",
        title="the answer goes to a card that is gone",
        cause="b has a permanent neighbour entry for its gateway 10.2.0.1 with an old MAC, 02:00:00:00:99:99",
        source="common",
        lines=ROUTER + "ip -n b neigh replace 10.2.0.1 lladdr 02:00:00:00:99:99 dev eth0 nud permanent",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("neighbour", "neigh", "ARP table", "ARP entry", "ARP cache"), ("02:00:00:00:99:99",), ("b",)),
        never=(*FILTERS, "did not get it"),
        mend="ip -n b neigh del 10.2.0.1 dev eth0",
    ),
    Case(
        id="stale-neighbour-of-the-router",
        group="arp",
        title="the router knows an old MAC",
        cause="r has a permanent neighbour entry for 10.2.0.2 with an old MAC, 02:00:00:00:99:99",
        source="common",
        lines=ROUTER + "ip -n r neigh replace 10.2.0.2 lladdr 02:00:00:00:99:99 dev right nud permanent",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("neighbour", "neigh", "ARP table", "ARP entry", "ARP cache"), ("02:00:00:00:99:99",), ("r",)),
        never=FILTERS,
        mend="ip -n r neigh del 10.2.0.2 dev right",
    ),
    Case(
        id="proxy-arp-for-nobody",
        group="arp",
        title="an address that answers ARP and nothing else",
        cause="nobody has 192.168.30.77: ns3 answers ARP for it (proxy ARP), because its default route leads elsewhere",
        source="common (proxy_arp on a router)",
        lines=BRIDGE
        + THIRD
        + """
            ip -n ns3 addr add 192.168.30.3/24 dev eth0
            ip -n ns3 link add up0 type veth peer name up1
            ip -n ns3 link set up0 up
            ip -n ns3 link set up1 up
            ip -n ns3 route add 192.168.30.77 dev up0
            ip netns exec ns3 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.proxy_arp=1
        """,
        src="ns1",
        dst="192.168.30.77",
        claim="ns1 can reach 192.168.30.77",
        words=(("192.168.30.77",), NOBODY),
        never=FILTERS,
        mend="ip -n ns2 addr add 192.168.30.77/32 dev eth0",
        probe="ip -n ns3 route flush 192.168.30.77; ip -n ns1 neigh flush dev eth0; "
        "ip netns exec ns1 ping -n -c 1 -W 1 192.168.30.77",
    ),
    Case(
        id="arp-filter-at-the-gateway",
        group="arp",
        title="the gateway answers ARP only where its own way back is",
        cause="arp_filter is 1 in r, and its route to 10.1.0.2 is by spare, not by left",
        source="https://robertlathanh.com/2009/08/two-subnetworks-on-one-lan-and-linux-arp_filter/",
        lines=ROUTER
        + """
            ip -n r link add spare type veth peer name spare2
            ip -n r link set spare up
            ip -n r link set spare2 up
            ip -n r route add 10.1.0.2/32 dev spare
            ip netns exec r sysctl -qw net.ipv4.conf.all.arp_filter=1
        """,
        src="a",
        dst="10.1.0.1",
        claim="a can reach 10.1.0.1",
        words=(("arp_filter", "spare"), ("r",)),
        never=(*FILTERS, *NOBODY),
        mend="ip -n r route del 10.1.0.2/32 dev spare",
    ),
    Case(
        id="arp-off-at-the-sender",
        group="arp",
        title="a device that never asks for a MAC",
        cause="ARP is switched off at veth1 in ns1 (NOARP), so its frames carry veth1's own MAC",
        source="common",
        lines=PAIR + "ip -n ns1 link set veth1 arp off",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth1",), ("arp off", "NOARP", "ARP is off", "ARP is switched off", "ARP switched off")),
        never=FILTERS,
        mend="""
            ip -n ns1 link set veth1 arp on
            ip -n ns1 neigh flush dev veth1
        """,
    ),
    Case(
        id="proxy-arp-without-the-bridge",
        group="arp",
        title="two halves of one network on two cables of a router",
        cause="a takes 10.1.0.130 for a neighbour; r, which is between them, does not answer for it: proxy_arp "
        "is off at left",
        source="common (a network that was cut in two)",
        lines=ROUTER
        + """
            ip -n r addr del 10.2.0.1/24 dev right
            ip -n r route add 10.1.0.130 dev right
            ip -n b addr add 10.1.0.130/32 dev eth0
            ip -n b route add 10.1.0.1 dev eth0
            ip -n b route replace default via 10.1.0.1
        """,
        src="a",
        dst="10.1.0.130",
        claim="a can reach 10.1.0.130",
        words=(("proxy_arp", "proxy ARP"), ("left", "r"), ("off", "0", "not")),
        never=(*FILTERS, *NOBODY),
        mend="ip netns exec r sysctl -qw net.ipv4.conf.left.proxy_arp=1",
    ),
    Case(
        id="neighbour-written-as-noarp",
        group="arp",
        title="a neighbour entry that `ip neigh` does not show",
        cause="the neighbour entry of r for 10.2.0.2, of state noarp, has 02:00:00:00:00:77, which b does not have",
        source="common (written by hand, or by an agent)",
        lines=ROUTER + "ip -n r neigh replace 10.2.0.2 lladdr 02:00:00:00:00:77 dev right nud noarp",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("neighbour",), ("r",), ("02:00:00:00:00:77",), ("10.2.0.2",)),
        never=FILTERS,
        mend="ip -n r neigh del 10.2.0.2 dev right",
    ),
]
