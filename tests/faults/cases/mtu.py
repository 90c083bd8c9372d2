"""What is too large? Packets for a device, a router, a route or a tunnel."""

from ..case import Case
from .networks import BRIDGE, FLOOD_ENTRIES, HOSTS, OVERLAY, PAIR, ROUTER, VXLAN
from .words import CAME_BACK, DROPS, FILTERS, rule

CASES = [
    Case(
        id="mtu-blackhole",
        group="MTU",
        title="small pings pass, large ones vanish",
        cause="right in r takes 1400 bytes (its MTU), and r's ICMP about it is dropped",
        source="moby/moby#24906",
        lines=ROUTER
        + """
            ip -n r link set right mtu 1400
            ip -n b link set eth0 mtu 1400
            ip netns exec r iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP
        """,
        src="a",
        dst="b",
        how={"size": 1472},
        claim="a can reach b with 1472 bytes",
        words=(("MTU", "too big", "too large"), ("1400",)),
        never=("iptables -vnL",),  # unless the size is told, a learner finds a rule for another kind of packet
        mend="""
            ip -n b link set eth0 mtu 1500
            ip -n r link set right mtu 1500
        """,
    ),
    Case(
        id="mtu-at-the-end",
        group="MTU",
        title="one container takes less",
        cause="eth0 in ns2 takes 1400 bytes (its MTU)",
        source="moby/libnetwork#2661",
        lines=BRIDGE + "ip -n ns2 link set eth0 mtu 1400",
        src="ns1",
        dst="ns2",
        how={"size": 1472},
        claim="ns1 can reach ns2 with 1472 bytes",
        words=(("MTU", "too big", "too large"), ("1400",)),
        never=FILTERS,
        mend="ip -n ns2 link set eth0 mtu 1500",
    ),
    Case(
        id="mtu-of-the-tunnel",
        group="MTU",
        title="pods with 1500 bytes over VXLAN",
        cause="vx0 takes 1450 bytes (its MTU), the pods send 1500",
        source="moby/libnetwork#2661",
        lines=OVERLAY + FLOOD_ENTRIES,
        src="pod1",
        dst="pod2",
        how={"size": 1472},
        claim="pod1 can reach pod2 with 1472 bytes",
        words=(("MTU", "too big", "too large"), ("1450",)),
        never=(*FILTERS, "is missing"),
        mend="""
            ip -n n1 link set eth0 mtu 1550
            ip -n n2 link set eth0 mtu 1550
            ip -n n1 link set vx0 mtu 1500
            ip -n n2 link set vx0 mtu 1500
        """,
    ),
    Case(
        id="mtu-between-the-nodes",
        group="MTU",
        title="it works, but every large packet crosses in two pieces",
        cause="eth0 of the nodes takes 1400 bytes, so the wrapped packet is sent in fragments",
        source="common",
        play="flannel",
        lines="""
            ip link set eth0 mtu 1400
            ip -n node2 link set eth0 mtu 1400
        """,
        src="pod-a",
        dst="10.244.1.2",
        how={"size": 1400},
        claim="pod-a can reach 10.244.1.2 with 1400 bytes",
        words=(CAME_BACK,),
        ok=True,
    ),
    Case(
        id="mtu-told-by-the-router",
        group="MTU",
        title="message too long",
        cause="right in r takes 1400 bytes (its MTU), and r says so",
        source="common",
        lines=ROUTER
        + """
            ip -n r link set right mtu 1400
            ip -n b link set eth0 mtu 1400
        """,
        claim="a can reach b with 1472 bytes",
        words=(("MTU", "too big", "too large"), ("1400",)),
        never=FILTERS,
        mend="""
            ip -n b link set eth0 mtu 1500
            ip -n r link set right mtu 1500
            ip -n a route flush cache
        """,
        probe="ip netns exec a ping -n -c 1 -W 1 -M do -s 1472 10.2.0.2",
    ),
    Case(
        id="mtu-of-a-route",
        group="MTU",
        title="the devices take 1500, and still it is too long",
        cause="a's route 10.2.0.0/24 has mtu 1300",
        source="common (left over by a VPN)",
        lines=ROUTER + "ip -n a route add 10.2.0.0/24 via 10.1.0.1 mtu 1300",
        claim="a can reach b with 1472 bytes",
        words=(("MTU",), ("1300",)),
        never=FILTERS,
        mend="ip -n a route del 10.2.0.0/24 via 10.1.0.1",
        probe="ip netns exec a ping -n -c 1 -W 1 -M do -s 1472 10.2.0.2",
    ),
    Case(
        id="jumbo-frames-on-one-end",
        group="MTU",
        title="jumbo frames on one end of the cable only",
        cause="veth1 in ns1 sends up to 9000 bytes, veth2 in ns2 takes 1500 (its MTU)",
        source="common",
        lines=PAIR + "ip -n ns1 link set veth1 mtu 9000",
        src="ns1",
        dst="ns2",
        how={"size": 4000},
        claim="ns1 can reach ns2 with 4000 bytes",
        words=(("MTU", "too big", "too large"), ("1500",)),
        never=FILTERS,
        mend="ip -n ns2 link set veth2 mtu 9000",
    ),
    Case(
        id="vxlan-that-may-not-be-split",
        group="MTU",
        title="large packets vanish in the tunnel",
        cause="eth0 in h1 takes 1400 bytes (its MTU), and vx, which takes 1450, forbids to split it (df)",
        source="common (clouds)",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 4789 dev eth0 df set
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 4789 dev eth0 df set
        """
        + VXLAN
        + """
            ip -n h1 link set vx mtu 1450
            ip -n h2 link set vx mtu 1450
            ip -n h1 link set eth0 mtu 1400
            ip -n h2 link set eth0 mtu 1400
            ip -n h1 link set vx mtu 1450
        """,
        src="h1",
        dst="10.9.0.2",
        how={"size": 1400},
        claim="h1 can reach 10.9.0.2 with 1400 bytes",
        words=(("MTU", "too big", "too large"), ("1400", "1350")),
        never=FILTERS,
        mend="""
            ip -n h1 link set eth0 mtu 1500
            ip -n h2 link set eth0 mtu 1500
            ip -n h1 link set vx mtu 1450
            ip -n h2 link set vx mtu 1450
            ip -n h1 route flush cache
        """,
    ),
    Case(
        id="fragments-dropped",
        group="MTU",
        title="large pings are split, and one piece is not let in",
        cause="a rule of iptables' raw table in r drops fragments (-f) in PREROUTING",
        source="common (hardening scripts)",
        lines=ROUTER
        + """
            ip netns exec r nft add table ip nofrag
            ip netns exec r nft 'add chain ip nofrag early { type filter hook prerouting priority -450; }'
            ip netns exec r nft 'add rule ip nofrag early ip frag-off & 0x1fff != 0 drop'
        """,
        src="a",
        dst="b",
        how={"size": 3000},
        claim="a can reach b with 3000 bytes in pieces",
        words=(("fragment*", "piece*", "frag-off"), DROPS),
        never=("iptables -vnL",),
        netfilter=rule("early", "frag-off", table="nofrag", family=("ip", "ip nofrag", "table ip")),
        mend="ip netns exec r nft flush chain ip nofrag early",
        probe="ip netns exec a ping -n -c 1 -W 1 -s 3000 10.2.0.2",
    ),
]
