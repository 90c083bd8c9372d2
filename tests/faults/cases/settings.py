"""Which settings stop a packet? Forwarding, rp_filter, ARP, echoes, TTL, IPsec."""

from ..case import Case
from .networks import BRIDGE, PAIR, POINT_TO_POINT, ROUTER, TWO_WAYS
from .words import FILTERS, FORWARDING_OFF, NO_WAY_BACK, RP_FILTER

CASES = [
    Case(
        id="forwarding-off",
        group="settings",
        title="the router does not forward",
        cause="net.ipv4.ip_forward is 0 in r",
        source="https://github.com/manas11/labprograms (week 6)",
        lines=ROUTER + "ip netns exec r sysctl -qw net.ipv4.ip_forward=0",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(FORWARDING_OFF, ("r",)),
        never=FILTERS,
        mend="ip netns exec r sysctl -qw net.ipv4.ip_forward=1",
    ),
    Case(
        id="forwarding-off-at-one-device",
        group="settings",
        title="ip_forward is on, and still nothing is forwarded",
        cause="net.ipv4.conf.left.forwarding is 0 in r",
        source="common",
        lines=ROUTER + "ip netns exec r sysctl -qw net.ipv4.conf.left.forwarding=0",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(
            (
                "left.forwarding",
                "left/forwarding",
                "forwarding is off at left",
                "forwarding is off on left",
                "forwarding is off for left",
                "forwarding off at left",
                "left does not forward",
            ),
        ),
        never=(*FILTERS, "ip_forward=0"),
        mend="ip netns exec r sysctl -qw net.ipv4.conf.left.forwarding=1",
    ),
    Case(
        id="gateway-is-no-router",
        group="settings",
        title="the gateway is another container",
        cause="ns2, which is the gateway, does not forward",
        source="common",
        lines=BRIDGE + "ip -n ns1 route add default via 192.168.30.2",
        src="ns1",
        dst="8.8.8.8",
        claim="ns1 can reach 8.8.8.8",
        words=(("ns2",), (*FORWARDING_OFF, "no router", "not a router")),
        never=FILTERS,
        mend="ip netns exec ns2 sysctl -qw net.ipv4.ip_forward=1",
        probe="ip netns exec ns2 sysctl -n net.ipv4.ip_forward | grep -qx 1",
    ),
    Case(
        id="rp-filter-at-the-end",
        group="settings",
        title="two uplinks, only one answers",
        cause="strict rp_filter in b: what comes in by eth1 would go back by eth0",
        source="https://access.redhat.com/solutions/53031",
        lines=ROUTER
        + """
            ip link add eth1 netns b type veth peer name right2 netns r
            ip -n r link set right2 up
            ip -n b link set eth1 up
            ip -n r addr add 10.3.0.1/24 dev right2
            ip -n b addr add 10.3.0.2/24 dev eth1
            ip netns exec b sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth1.rp_filter=1
        """,
        src="a",
        dst="10.3.0.2",
        claim="a can reach 10.3.0.2",
        words=(RP_FILTER, ("eth1",)),
        never=(*FILTERS, "does not leave"),
        mend="ip netns exec b sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0",
    ),
    Case(
        id="rp-filter-at-the-router",
        group="settings",
        title="the router does not even answer ARP",
        cause="strict rp_filter in r: what comes from 10.1.0.2 by left would go back by spare",
        source="https://access.redhat.com/solutions/53031",
        lines=ROUTER
        + """
            ip -n r link add spare type veth peer name spare2
            ip -n r link set spare up
            ip -n r link set spare2 up
            ip -n r route add 10.1.0.2/32 dev spare
            ip netns exec r sysctl -qw net.ipv4.conf.all.rp_filter=1
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RP_FILTER, ("left", "spare")),
        never=FILTERS,
        mend="ip -n r route del 10.1.0.2/32 dev spare",
    ),
    Case(
        id="arp-ignore",
        group="settings",
        title="an address on lo that nobody answers for",
        cause="arp_ignore is 1 in ns2, and 10.0.0.100 is on lo, not on veth2",
        source="common (LVS real servers)",
        lines=PAIR
        + """
            ip -n ns2 link set lo up
            ip -n ns2 addr add 10.0.0.100/32 dev lo
            ip netns exec ns2 sysctl -qw net.ipv4.conf.all.arp_ignore=1
        """,
        src="ns1",
        dst="10.0.0.100",
        claim="ns1 can reach 10.0.0.100",
        words=(("arp_ignore",),),
        never=FILTERS,
        mend="ip netns exec ns2 sysctl -qw net.ipv4.conf.all.arp_ignore=0",
    ),
    Case(
        id="arp-filter",
        group="settings",
        title="no answer to ARP where the way back is another",
        cause="arp_filter is 1 at veth2 in ns2, and its route to 10.0.0.1 is by d0",
        source="https://robertlathanh.com/2009/08/two-subnetworks-on-one-lan-and-linux-arp_filter/",
        lines=PAIR
        + """
            ip -n ns2 link add d0 type veth peer name d1
            ip -n ns2 link set d0 up
            ip -n ns2 link set d1 up
            ip -n ns2 route add 10.0.0.1/32 dev d0
            ip netns exec ns2 sysctl -qw net.ipv4.conf.veth2.arp_filter=1
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("arp_filter",),),
        never=FILTERS,
        mend="ip -n ns2 route del 10.0.0.1/32 dev d0",
    ),
    Case(
        id="echo-ignored",
        group="settings",
        title="a host that does not answer pings",
        cause="icmp_echo_ignore_all is 1 in ns2",
        source="common",
        lines=PAIR + "ip netns exec ns2 sysctl -qw net.ipv4.icmp_echo_ignore_all=1",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("icmp_echo_ignore_all", "ignores pings", "ignores echo*"),),
        never=(*FILTERS, "does not leave"),
        mend="ip netns exec ns2 sysctl -qw net.ipv4.icmp_echo_ignore_all=0",
    ),
    Case(
        id="proxy-arp-off",
        group="settings",
        title="169.254.1.1 does not answer",
        cause="proxy_arp is off at cali1",
        source="projectcalico/calico#4186",
        lines=POINT_TO_POINT
        + """
            ip route add default dev cali2
            sysctl -qw net.ipv4.conf.cali2.proxy_arp=1
        """,
        src="pod",
        dst="other",
        claim="pod can reach other",
        words=(("proxy_arp", "proxy ARP"), ("cali1",), ("off", "0")),
        never=FILTERS,
        mend="sysctl -qw net.ipv4.conf.cali1.proxy_arp=1",
        probe="ip netns exec pod arping -q -f -w 1 -I eth0 169.254.1.1",  # the other pod's cable has no way out
    ),
    Case(
        id="proxy-arp-without-a-route",
        group="settings",
        title="169.254.1.1 does not answer, though proxy_arp is on",
        cause="proxy ARP answers only for what master has a route to, and it has none to 169.254.1.1: no default route",
        source="projectcalico/calico#3270",
        lines=POINT_TO_POINT + "sysctl -qw net.ipv4.conf.cali1.proxy_arp=1 net.ipv4.conf.cali2.proxy_arp=1",
        src="pod",
        dst="other",
        claim="pod can reach other",
        words=(("169.254.1.1",), ("no route", "no other way", "no way", "no default route", "default route")),
        never=(*FILTERS, "proxy_arp is off"),
        mend="""
            ip link add up0 type veth peer name up1
            ip link set up0 up
            ip link set up1 up
            ip route add default dev up0
        """,
    ),
    Case(
        id="proxy-arp-without-forwarding",
        group="settings",
        title="169.254.1.1 does not answer, though proxy_arp is on",
        cause="the kernel answers for others only where it forwards, and ip_forward is 0",
        source="https://github.com/lx1036/code (calico-demo.sh)",
        lines=POINT_TO_POINT
        + """
            sysctl -qw net.ipv4.ip_forward=0
            ip route add default dev cali2
            sysctl -qw net.ipv4.conf.cali1.proxy_arp=1 net.ipv4.conf.cali2.proxy_arp=1
        """,
        src="pod",
        dst="other",
        claim="pod can reach other",
        words=(FORWARDING_OFF,),
        never=(*FILTERS, "no other way", "no route"),
        mend="sysctl -qw net.ipv4.ip_forward=1",
        probe="ip netns exec pod arping -q -f -w 1 -I eth0 169.254.1.1",  # the other pod's cable has no way out
    ),
    Case(
        id="rp-filter-loose",
        group="settings",
        title="no way back, so it does not even come in",
        cause="b has no route to 10.1.0.2, and loose rp_filter drops what comes from there",
        source="common",
        lines=ROUTER
        + """
            ip netns exec b sysctl -qw net.ipv4.conf.eth0.rp_filter=2
            ip -n b route del default
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("b",), (*RP_FILTER, "no route to 10.1.0.2", "no route to 10.1.0.0/24", *NO_WAY_BACK)),
        never=FILTERS,
        mend="ip -n b route add default via 10.2.0.1",
    ),
    Case(
        id="rp-filter-of-all",
        group="settings",
        title="rp_filter of the device is 0, and still it drops",
        cause="rp_filter is 1 for all in b, and the larger of all and eth1 counts: answers would go by eth0",
        source="https://access.redhat.com/solutions/53031",
        lines=TWO_WAYS
        + """
            ip -n r2 route add 10.2.0.0/24 via 10.4.0.2
            ip -n a route replace 10.2.0.0/24 via 10.3.0.1
            ip -n b route replace 10.1.0.0/24 via 10.2.0.1
            ip -n a route replace 10.2.0.2 via 10.3.0.1 src 10.1.0.2
            ip netns exec b sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth1.rp_filter=0
        """,
        src="a",
        dst="10.2.0.2",
        claim="a can reach 10.2.0.2",
        words=(RP_FILTER, ("b",), ("all", "eth1")),
        never=(*FILTERS, "does not leave"),
        mend="ip netns exec b sysctl -qw net.ipv4.conf.all.rp_filter=0",
    ),
    Case(
        id="default-ttl-of-the-sender",
        group="settings",
        title="time to live exceeded, and there is no loop",
        cause="ip_default_ttl is 1 in a, so its packets get no further than r (TTL)",
        source="common (hardening scripts)",
        lines=ROUTER + "ip netns exec a sysctl -qw net.ipv4.ip_default_ttl=1",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("TTL", "ip_default_ttl", "time to live"), ("1", "ip_default_ttl"), ("a",)),
        never=(*FILTERS, "loop*"),
        mend="ip netns exec a sysctl -qw net.ipv4.ip_default_ttl=64",
    ),
    Case(
        id="default-ttl-of-the-answerer",
        group="settings",
        title="the answer does not get far",
        cause="ip_default_ttl is 1 in b, so its answers get no further than r (TTL)",
        source="common",
        lines=ROUTER + "ip netns exec b sysctl -qw net.ipv4.ip_default_ttl=1",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("TTL", "ip_default_ttl", "time to live"), ("b",)),
        never=(*FILTERS, "loop*"),
        mend="ip netns exec b sysctl -qw net.ipv4.ip_default_ttl=64",
    ),
    Case(
        id="ipsec-policy",
        group="settings",
        title="a policy of IPsec is left over",
        cause="an xfrm policy (IPsec) in r blocks what it forwards from 10.1.0.0/24 to 10.2.0.0/24",
        source="common (strongSwan)",
        lines=ROUTER + "ip -n r xfrm policy add src 10.1.0.0/24 dst 10.2.0.0/24 dir fwd action block",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("xfrm", "IPsec"), ("r",)),
        never=FILTERS,
        mend="ip -n r xfrm policy del src 10.1.0.0/24 dst 10.2.0.0/24 dir fwd",
    ),
    Case(
        id="ipsec-policy-at-the-end",
        group="settings",
        title="a host that takes nothing that is not encrypted",
        cause="an xfrm policy (IPsec) in ns2 blocks what comes in from 10.0.0.1",
        source="common (strongSwan)",
        lines=PAIR + "ip -n ns2 xfrm policy add src 10.0.0.1 dst 10.0.0.2 dir in action block",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("xfrm", "IPsec"), ("ns2",)),
        never=(*FILTERS, "does not leave"),
        mend="ip -n ns2 xfrm policy del src 10.0.0.1 dst 10.0.0.2 dir in",
    ),
    Case(
        id="forwarding-off-on-the-way-back",
        group="settings",
        title="the question is forwarded, the answer is not",
        cause="net.ipv4.conf.right.forwarding is 0 in r, so the answer, which comes in by right, is not forwarded",
        source="common",
        lines=ROUTER + "ip netns exec r sysctl -qw net.ipv4.conf.right.forwarding=0",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("right",), ("forwarding",), ("off", "0", "not")),
        never=(*FILTERS, "ip_forward=0", "did not get it"),
        mend="ip netns exec r sysctl -qw net.ipv4.conf.right.forwarding=1",
    ),
]
