"""What works, however odd it looks? Networks where walk and check must say yes, and who answered."""

from ..case import Case
from .networks import (
    BRIDGE,
    FLOOD_ENTRIES,
    INTERNET,
    MACVLANS,
    OVERLAY,
    PAIR,
    ROUTER,
    ROUTER6,
    SERVER,
    SERVICE,
    TWO_WAYS,
    UDP_SERVER,
)
from .words import CAME_BACK

CASES = [
    Case(
        id="healthy-bridge",
        group="healthy",
        title="two containers on one bridge",
        cause="none",
        source="common",
        lines=BRIDGE,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(CAME_BACK, ("ns2",)),
        ok=True,
    ),
    Case(
        id="healthy-router",
        group="healthy",
        title="two networks and a router",
        cause="none",
        source="common",
        lines=ROUTER,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-flannel",
        group="healthy",
        title="flannel, from node to node",
        cause="none",
        source="common",
        play="flannel",
        lines="",
        src="pod-a",
        dst="pod-c",
        claim="pod-a can reach pod-c",
        words=(CAME_BACK, ("pod-c",)),
        ok=True,
    ),
    Case(
        id="healthy-masquerade",
        group="healthy",
        title="to the outside by NAT",
        cause="none",
        source="common",
        lines=INTERNET + "iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -o eth0 -j MASQUERADE",
        src="ns1",
        dst="internet",
        claim="ns1 can reach internet",
        words=(CAME_BACK, ("internet",)),
        ok=True,
    ),
    Case(
        id="healthy-policy-routing",
        group="healthy",
        title="the main table leads nowhere, a rule leads there",
        cause="none: table 100 has the way to 10.2.0.0/24",
        source="common",
        lines=ROUTER
        + """
            ip -n a route replace default via 10.1.0.99
            ip -n a rule add to 10.2.0.0/24 table 100
            ip -n a route add default via 10.1.0.1 table 100
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-tcp",
        group="healthy",
        title="a server that is reachable",
        cause="none",
        source="common",
        lines=PAIR + SERVER.format(address="0.0.0.0"),
        src="ns1",
        dst="ns2",
        how={"proto": "tcp:8080"},
        words=((*CAME_BACK, "accepted", "open"), ("ns2",)),
        ok=True,
    ),
    Case(
        id="healthy-one-address-in-two-places",
        group="healthy",
        title="an anycast address: who answers?",
        cause="none: east answers for 10.9.9.9, because the route of r leads there; b has the address too",
        source="common",
        lines=ROUTER
        + """
            ip netns add east
            ip link add eth0 netns east type veth peer name third netns r
            ip -n east link set eth0 up
            ip -n r link set third up
            ip -n r addr add 10.4.0.1/24 dev third
            ip -n east addr add 10.4.0.2/24 dev eth0
            ip -n east route add default via 10.4.0.1
            ip -n b addr add 10.9.9.9/32 dev eth0
            ip -n east addr add 10.9.9.9/32 dev eth0
            ip -n r route add 10.9.9.9 via 10.4.0.2
        """,
        src="a",
        dst="10.9.9.9",
        claim="a can reach 10.9.9.9",
        words=(CAME_BACK, ("east",)),
        never=("b",),
        ok=True,
    ),
    Case(
        id="healthy-behind-a-firewall",
        group="healthy",
        title="a strict firewall that lets this pass",
        cause="none: the policy of FORWARD is DROP, and two rules accept it",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r iptables -P FORWARD DROP
            ip netns exec r iptables -A FORWARD -i left -o right -j ACCEPT
            ip netns exec r iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-service",
        group="healthy",
        title="a service's address that leads to a pod",
        cause="none: r rewrites 10.96.0.10 to 10.2.0.2 (DNAT), and b answers",
        source="common (ClusterIP)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A PREROUTING -d 10.96.0.10 -j DNAT --to-destination 10.2.0.2",
        src="a",
        dst="10.96.0.10",
        claim="a can reach 10.96.0.10",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-published-port",
        group="healthy",
        title="a published port",
        cause="none: r rewrites 10.1.0.1:8080 to 10.2.0.2:80 (DNAT)",
        source="common (docker run -p)",
        lines=ROUTER
        + """
            ip netns exec b python3 -m http.server 80 >/dev/null 2>&1 &
            for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec b ss -tln | grep -q :80 && break; sleep 0.5; done
            ip netns exec r iptables -t nat -A PREROUTING -d 10.1.0.1 -p tcp --dport 8080 -j DNAT --to 10.2.0.2:80
        """,
        src="a",
        dst="10.1.0.1",
        how={"proto": "tcp:8080"},
        words=((*CAME_BACK, "accepted", "open"), ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-service-for-oneself",
        group="healthy",
        title="a pod reaches itself by its service",
        cause="none: DNAT, and masquerade for the way back",
        source="kubernetes/kubernetes#13375",
        lines=BRIDGE
        + SERVICE.format(pod="192.168.30.1")
        + "iptables -t nat -A POSTROUTING -s 192.168.30.1 -d 192.168.30.1 -j MASQUERADE",
        src="ns1",
        dst="10.96.0.10",
        claim="ns1 can reach 10.96.0.10",
        words=(CAME_BACK, ("ns1",)),
        ok=True,
    ),
    Case(
        id="healthy-one-way-there-another-back",
        group="healthy",
        title="asymmetric routes",
        cause="none: there by r1, back by r2",
        source="common",
        lines=TWO_WAYS,
        src="a",
        dst="10.2.0.2",
        claim="a can reach 10.2.0.2",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-ipv6",
        group="healthy",
        title="two IPv6 networks and a router",
        cause="none",
        source="common",
        lines=ROUTER6,
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-nd-proxy",
        group="healthy",
        title="IPv6, with a router that answers for a container",
        cause="none: r has an ND proxy entry for fd01::5",
        source="common (Docker's ndp proxying)",
        lines=ROUTER6
        + """
            ip -n b addr add fd01::5/128 dev eth0 nodad
            ip -n r -6 route add fd01::5 via fd02::2
            ip netns exec r sysctl -qw net.ipv6.conf.left.proxy_ndp=1
            ip -n r -6 neigh add proxy fd01::5 dev left
        """,
        src="a",
        dst="fd01::5",
        claim="a can reach fd01::5",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-calico",
        group="healthy",
        title="calico, from node to node",
        cause="none",
        source="common",
        play="calico",
        lines="",
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(CAME_BACK, ("pod-c",)),
        ok=True,
    ),
    Case(
        id="healthy-overlay",
        group="healthy",
        title="two bridges joined by VXLAN",
        cause="none",
        source="common",
        lines=OVERLAY + FLOOD_ENTRIES,
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        words=(CAME_BACK, ("pod2",)),
        ok=True,
    ),
    Case(
        id="healthy-macvlan",
        group="healthy",
        title="two macvlan containers of mode bridge",
        cause="none",
        source="common",
        lines=MACVLANS.format(mode="bridge"),
        src="c1",
        dst="192.168.1.102",
        claim="c1 can reach 192.168.1.102",
        words=(CAME_BACK, ("c2",)),
        ok=True,
    ),
    Case(
        id="healthy-own-address",
        group="healthy",
        title="a namespace pings itself",
        cause="none: the packet stays on lo",
        source="common",
        lines=PAIR + "ip -n ns1 link set lo up",
        src="ns1",
        dst="10.0.0.1",
        claim="ns1 can reach 10.0.0.1",
        words=(CAME_BACK, ("ns1", "lo")),
        ok=True,
    ),
    Case(
        id="healthy-udp",
        group="healthy",
        title="a server that answers over UDP",
        cause="none",
        source="common",
        lines=PAIR + UDP_SERVER,
        src="ns1",
        dst="ns2",
        how={"proto": "udp:5353"},
        words=((*CAME_BACK, "accepted", "open"), ("ns2",)),
        ok=True,
    ),
    Case(
        id="healthy-large-ping",
        group="healthy",
        title="a ping of 3000 bytes, in pieces",
        cause="none: the sender splits it",
        source="common",
        lines=ROUTER,
        src="a",
        dst="b",
        how={"size": 3000},
        claim="a can reach b with 3000 bytes in pieces",
        words=(CAME_BACK, ("b",)),
        ok=True,
        probe="ip netns exec a ping -n -c 1 -W 1 -s 3000 10.2.0.2",
    ),
    Case(
        id="healthy-nft-firewall",
        group="healthy",
        title="nft drops all but ping",
        cause="none: the policy is drop, and a rule accepts ICMP",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r nft add table inet fence
            ip netns exec r nft 'add chain inet fence passing { type filter hook forward priority 0; policy drop; }'
            ip netns exec r nft add rule inet fence passing ip protocol icmp accept
            ip netns exec r nft add rule inet fence passing tcp dport 22 drop
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-unused-obstacles",
        group="healthy",
        title="a blackhole, a rule and a setting that do not concern this ping",
        cause="none: what is in the way of others is not in the way of b",
        source="common",
        lines=ROUTER
        + """
            ip -n r route add blackhole 10.2.0.0/16
            ip -n r rule add from 10.1.0.77 blackhole
            ip netns exec r iptables -A FORWARD -s 10.1.0.77 -j DROP
            ip netns exec r iptables -P INPUT DROP
            ip netns exec r sysctl -qw net.ipv4.icmp_echo_ignore_all=1
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-mark-and-table",
        group="healthy",
        title="a mark chooses the table, and the table is right",
        cause="none: a marks what it sends, and table 50 has the way",
        source="common (VPNs)",
        lines=ROUTER
        + """
            ip -n a route replace default via 10.1.0.99
            ip netns exec a iptables -t mangle -A OUTPUT -d 10.2.0.0/24 -j MARK --set-mark 1
            ip -n a rule add fwmark 1 table 50
            ip -n a route add default via 10.1.0.1 table 50
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-loose-rp-filter",
        group="healthy",
        title="loose rp_filter on asymmetric routes",
        cause="none: rp_filter is 2, so any way back will do",
        source="https://access.redhat.com/solutions/53031",
        lines=TWO_WAYS
        + """
            ip -n r2 route add 10.2.0.0/24 via 10.4.0.2
            ip netns exec a sysctl -qw net.ipv4.conf.all.rp_filter=2
            ip netns exec b sysctl -qw net.ipv4.conf.all.rp_filter=2
            ip netns exec r2 sysctl -qw net.ipv4.conf.all.rp_filter=2
        """,
        src="a",
        dst="10.2.0.2",
        claim="a can reach 10.2.0.2",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
    Case(
        id="healthy-two-ways",
        group="healthy",
        title="a route with two gateways",
        cause="none: both ways lead to b",
        source="common (ECMP)",
        lines=TWO_WAYS
        + """
            ip -n a route replace 10.2.0.0/24 nexthop via 10.1.0.1 nexthop via 10.3.0.1
            ip -n r2 route add 10.2.0.0/24 via 10.4.0.2
            ip -n b route add 10.3.0.0/24 via 10.4.0.1
        """,
        src="a",
        dst="10.2.0.2",
        claim="a can reach 10.2.0.2",
        words=(CAME_BACK, ("b",)),
        ok=True,
    ),
]
