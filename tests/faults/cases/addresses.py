"""Which addresses are wrong? None, one too many, on the wrong device, or with the wrong prefix."""

from ..case import Case
from .networks import BRIDGE, GATEWAY, PAIR, ROUTER, THIRD, answered_by
from .words import FILTERS, NO_WAY_BACK, NOBODY

CASES = [
    Case(
        id="far-end-without-address",
        group="addresses",
        title="the other end has no address",
        cause="nobody has 10.0.0.2: veth2 in ns2 has no address",
        source="common",
        lines=PAIR + "ip -n ns2 addr flush dev veth2",
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach 10.0.0.2",
        words=((*NOBODY, "no address", "no IPv4 address", "no IP address", "without an address"),),
        never=(*FILTERS, "no master", "no bridge", "proxy_arp"),
        mend="ip -n ns2 addr add 10.0.0.2/24 dev veth2",
    ),
    Case(
        id="gateway-without-address",
        group="addresses",
        title="the bridge is the gateway, but has no address",
        cause="nobody has 192.168.30.254",
        source="https://imehboob.medium.com/linux-networking-snat-and-packet-forwarding-to-connect-to-internet-from-"
        "namespace-part-4-558a505794bd",
        lines=BRIDGE + "ip -n ns1 route add default via 192.168.30.254",
        src="ns1",
        dst="8.8.8.8",
        claim="ns1 can reach 8.8.8.8",
        words=(("192.168.30.254",), NOBODY),
        never=(*FILTERS, "no master"),
        mend="ip addr add 192.168.30.254/24 dev br0",
        probe="ip netns exec ns1 ping -n -c 1 -W 1 192.168.30.254",
    ),
    Case(
        id="router-without-its-address",
        group="addresses",
        title="the gateway has lost its address on this side",
        cause="nobody has 10.1.0.1: left in r has no address",
        source="common (ip addr flush)",
        lines=ROUTER + "ip -n r addr del 10.1.0.1/24 dev left",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("10.1.0.1",), NOBODY),
        never=(*FILTERS, "proxy_arp"),
        mend="ip -n r addr add 10.1.0.1/24 dev left",
    ),
    Case(
        id="address-twice",
        group="addresses",
        title="the wrong container answers",
        cause="ns3 has 192.168.30.2 too, and answers; ns2's device is down",
        source="common",
        lines=BRIDGE
        + THIRD
        + """
            ip -n ns3 addr add 192.168.30.2/24 dev eth0
            ip -n ns2 link set eth0 down
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("ns3",),),
        never=("reached ns2", "reaches ns2"),
        ok=None,
        mend="""
            ip -n ns3 addr del 192.168.30.2/24 dev eth0
            ip -n ns2 link set eth0 up
            ip -n ns1 neigh flush dev eth0
        """,
        probe=answered_by("ns2", "ns1", "192.168.30.2"),
    ),
    Case(
        id="prefix-too-narrow",
        group="addresses",
        title="a wrong prefix length on one side",
        cause="ns2 has 10.0.0.2/30, so 10.0.0.9 is not in its network, and it has no route to it",
        source="common",
        lines=PAIR.replace("10.0.0.1/24", "10.0.0.9/24").replace("10.0.0.2/24", "10.0.0.2/30"),
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("10.0.0.9",), ("/30", "prefix*", "mask", "netmask")),
        never=FILTERS,
        mend="""
            ip -n ns2 addr del 10.0.0.2/30 dev veth2
            ip -n ns2 addr add 10.0.0.2/24 dev veth2
        """,
    ),
    Case(
        id="prefix-too-wide",
        group="addresses",
        title="asks for another network's address instead of sending to the gateway",
        cause="a has 10.1.0.2/8, so it takes 10.2.0.2 for a neighbour",
        source="common (course labs)",
        lines=ROUTER
        + """
            ip -n a addr del 10.1.0.2/24 dev eth0
            ip -n a addr add 10.1.0.2/8 dev eth0
            ip -n a route replace default via 10.1.0.1
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("/8", "prefix*", "mask", "netmask"),),
        never=FILTERS,
        mend="""
            ip -n a addr del 10.1.0.2/8 dev eth0
            ip -n a addr add 10.1.0.2/24 dev eth0
            ip -n a route replace default via 10.1.0.1
        """,
    ),
    Case(
        id="one-network-on-two-cables",
        group="addresses",
        title="the second container is unreachable from the host",
        cause="veth0 and veth1 both have a route for 172.18.0.0/16, and that of veth0 wins",
        source="https://www.besthub.dev/articles/mastering-single-host-container-networking-namespaces-veth-bridges-nat-"
        "5db04d354942",
        lines="""
            ip netns add netns0
            ip netns add netns1
            ip link add veth0 type veth peer name ceth0 netns netns0
            ip link add veth1 type veth peer name ceth1 netns netns1
            ip link set veth0 up
            ip link set veth1 up
            ip -n netns0 link set ceth0 up
            ip -n netns1 link set ceth1 up
            ip addr add 172.18.0.11/16 dev veth0
            ip addr add 172.18.0.21/16 dev veth1
            ip -n netns0 addr add 172.18.0.10/16 dev ceth0
            ip -n netns1 addr add 172.18.0.20/16 dev ceth1
        """,
        src="master",
        dst="172.18.0.20",
        claim="master can reach 172.18.0.20",
        words=(("veth0",), ("veth1",)),
        never=FILTERS,
        mend="ip route add 172.18.0.20 dev veth1",
    ),
    Case(
        id="stale-neighbour",
        group="addresses",
        title="a container was made again and has another MAC",
        cause="ns1 has a permanent neighbour entry with an old MAC, 02:00:00:00:99:99",
        source="common",
        lines=PAIR + "ip -n ns1 neigh replace 10.0.0.2 lladdr 02:00:00:00:99:99 dev veth1 nud permanent",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("neighbour", "neigh", "ARP table", "ARP entry", "ARP cache"), ("02:00:00:00:99:99",)),
        never=FILTERS,
        mend="ip -n ns1 neigh del 10.0.0.2 dev veth1",
    ),
    Case(
        id="stale-neighbour-of-the-gateway",
        group="addresses",
        title="the gateway was made again, and a permanent entry has its old MAC",
        cause="ns1 has a permanent neighbour entry for its gateway br0 with an old MAC, 02:00:00:00:99:99",
        source="common",
        lines=GATEWAY + "ip -n ns1 neigh replace 192.168.30.254 lladdr 02:00:00:00:99:99 dev eth0 nud permanent",
        src="ns1",
        dst="203.0.113.1",
        claim="ns1 can reach 203.0.113.1",
        words=(("neighbour", "neigh", "ARP table", "ARP entry", "ARP cache"), ("02:00:00:00:99:99",)),
        never=(*FILTERS, "no master", "forwarding is off"),
        mend="ip -n ns1 neigh del 192.168.30.254 dev eth0",
    ),
    Case(
        id="neighbour-entry-with-another-hosts-mac",
        group="addresses",
        title="an entry for the gateway has the MAC of another container",
        cause="ns1 has a permanent neighbour entry for its gateway 192.168.30.254 with the MAC of ns2",
        source="common (ARP spoofing)",
        lines=GATEWAY
        + "ip -n ns1 neigh replace 192.168.30.254 lladdr $(ip netns exec ns2 cat /sys/class/net/eth0/address) "
        "dev eth0 nud permanent",
        src="ns1",
        dst="203.0.113.1",
        claim="ns1 can reach 203.0.113.1",
        words=(("neighbour", "neigh", "ARP table", "ARP entry", "ARP cache"), ("192.168.30.254",)),
        never=(*FILTERS, "no master", "forwarding is off"),
        mend="ip -n ns1 neigh del 192.168.30.254 dev eth0",
    ),
    Case(
        id="address-left-on-a-port",
        group="addresses",
        title="the host is unreachable since its device is in the bridge",
        cause="veth0 is a port of br0 and still has 192.168.3.101, which belongs on br0",
        source="https://www.besthub.dev/articles/how-linux-bridges-work-a-step-by-step-guide-with-veth-and-ip-"
        "configuration-22a6fc2c10f3",
        lines="""
            ip netns add peer
            ip link add veth0 type veth peer name veth1 netns peer
            ip addr add 192.168.3.101/24 dev veth0
            ip -n peer addr add 192.168.3.102/24 dev veth1
            ip link set veth0 up
            ip -n peer link set veth1 up
            ip link add br0 type bridge
            ip link set br0 up
            ip link set veth0 master br0
        """,
        src="master",
        dst="192.168.3.102",
        claim="master can reach 192.168.3.102",
        words=(("veth0",), ("br0",), ("port", "belongs", "enslaved", "master of veth0")),
        never=FILTERS,
        mend="""
            ip addr del 192.168.3.101/24 dev veth0
            ip addr add 192.168.3.101/24 dev br0
        """,
    ),
    Case(
        id="gateway-on-a-port",
        group="addresses",
        title="the gateway's address is on the cable, not on the bridge",
        cause="192.168.30.254 is on veth1, which is a port of br0",
        source="common",
        lines=BRIDGE + "ip addr add 192.168.30.254/24 dev veth1",
        src="ns1",
        dst="192.168.30.254",
        claim="ns1 can reach 192.168.30.254",
        words=(("veth1",), ("br0",), ("port", "belongs", "enslaved", "should be on br0")),
        never=(*FILTERS, "neighbour entry is wrong"),
        mend="""
            ip addr del 192.168.30.254/24 dev veth1
            ip addr add 192.168.30.254/24 dev br0
        """,
    ),
    Case(
        id="nobody-behind-the-router",
        group="addresses",
        title="a mistyped address",
        cause="nobody has 10.2.0.99",
        source="common",
        lines=ROUTER,
        src="a",
        dst="10.2.0.99",
        claim="a can reach 10.2.0.99",
        words=(("10.2.0.99",), NOBODY),
        never=(*FILTERS, "no master"),
        mend="ip -n b addr add 10.2.0.99/24 dev eth0",
    ),
    Case(
        id="two-networks-on-one-cable",
        group="addresses",
        title="network is unreachable, though there is one cable",
        cause="ns1 has 10.0.0.1/24 and ns2 10.0.1.2/24: ns1 has no route to 10.0.1.2",
        source="common (first steps)",
        lines=PAIR.replace("10.0.0.2/24", "10.0.1.2/24"),
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("ns1 has no route", "no route to 10.0.1.2"),),
        never=FILTERS,
        mend="""
            ip -n ns2 addr del 10.0.1.2/24 dev veth2
            ip -n ns2 addr add 10.0.0.2/24 dev veth2
        """,
    ),
    Case(
        id="last-address-of-the-network",
        group="addresses",
        title="ping asks: do you want to ping broadcast?",
        cause="10.0.0.255 is the broadcast address of ns1's network 10.0.0.0/24",
        source="common",
        lines=PAIR.replace("10.0.0.2/24", "10.0.0.255/16"),
        src="ns1",
        dst="10.0.0.255",
        claim="ns1 can reach 10.0.0.255",
        words=(("broadcast",), ("10.0.0.255",)),
        never=FILTERS,
        mend="""
            ip -n ns1 addr del 10.0.0.1/24 dev veth1
            ip -n ns1 addr add 10.0.0.1/16 dev veth1
        """,
    ),
    Case(
        id="wrong-peer-address",
        group="addresses",
        title="a point-to-point address with a mistyped peer",
        cause="the peer of ns1's address is 10.0.0.3, so it has no route to 10.0.0.2",
        source="common (ip addr add … peer)",
        lines=PAIR.replace("addr add 10.0.0.1/24", "addr add 10.0.0.1 peer 10.0.0.3/32"),
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach 10.0.0.2",
        words=(("ns1 has no route", "no route to 10.0.0.2", "10.0.0.3"),),
        never=FILTERS,
        mend="ip -n ns1 route add 10.0.0.2 dev veth1",
    ),
    Case(
        id="address-without-a-network",
        group="addresses",
        title="an address typed without its prefix",
        cause="ns2 has 10.0.0.2/32, so it has no route to 10.0.0.1",
        source="common (ip addr add 10.0.0.2 dev …)",
        lines=PAIR.replace("10.0.0.2/24", "10.0.0.2"),
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("ns2",), ("/32", "no route to 10.0.0.1", *NO_WAY_BACK)),
        never=FILTERS,
        mend="ip -n ns2 addr add 10.0.0.2/24 dev veth2",
    ),
]
