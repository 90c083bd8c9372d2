"""What goes wrong with VXLAN? Ports, VNIs, remotes, entries, and what is below it."""

from ..case import Case
from .networks import FLOOD_ENTRIES, HOSTS, OVERLAY, ROUTER, VXLAN
from .words import DOWN, DROPS, FILTERS, NOBODY, RP_FILTER, UNPLUGGED, rule

CASES = [
    Case(
        id="vxlan-port",
        group="tunnels",
        title="one side without dstport",
        cause="h1 sends to UDP port 4789, h2 listens on 8472",
        source="common",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 4789 dev eth0
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 8472 dev eth0
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("4789",), ("8472",)),
        never=FILTERS,
        mend="""
            ip -n h2 link del vx
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 4789 dev eth0
            ip -n h2 addr add 10.9.0.2/24 dev vx
            ip -n h2 link set vx up
        """,
    ),
    Case(
        id="vxlan-vni",
        group="tunnels",
        title="two different VNIs",
        cause="h1 wraps with VNI 1, h2 takes VNI 2",
        source="common",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 4789 dev eth0
            ip -n h2 link add vx type vxlan id 2 remote 172.31.0.106 dstport 4789 dev eth0
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("VNI",), ("h2",)),
        never=FILTERS,
        mend="""
            ip -n h2 link del vx
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 4789 dev eth0
            ip -n h2 addr add 10.9.0.2/24 dev vx
            ip -n h2 link set vx up
        """,
    ),
    Case(
        id="vxlan-firewall",
        group="tunnels",
        title="UDP port 8472 is blocked between the nodes",
        cause="iptables INPUT in h2 drops UDP port 8472",
        source="k3s-io/k3s#1719",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 8472 dev eth0
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 8472 dev eth0
        """
        + VXLAN
        + "ip netns exec h2 iptables -A INPUT -p udp --dport 8472 -j DROP",
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("INPUT", "iptables"), (*DROPS, "block*"), ("h2",)),
        netfilter=rule("INPUT", "--dport 8472", "dport 8472"),
        mend="ip netns exec h2 iptables -D INPUT -p udp --dport 8472 -j DROP",
    ),
    Case(
        id="vxlan-without-flood-entry",
        group="tunnels",
        title="flannel.1 gets no answer to ARP",
        cause="vx in h1 has no FDB entry for what is for everyone",
        source="flannel-io/flannel#426",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 local 172.31.0.106 dstport 8472 dev eth0 nolearning
            ip -n h2 link add vx type vxlan id 1 local 172.31.0.107 dstport 8472 dev eth0 nolearning
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("FDB", "flood entry", "no remote"), ("vx",)),
        never=FILTERS,
        mend="""
            bridge -n h1 fdb append 00:00:00:00:00:00 dev vx dst 172.31.0.107
            bridge -n h2 fdb append 00:00:00:00:00:00 dev vx dst 172.31.0.106
        """,
    ),
    Case(
        id="vxlan-remote",
        group="tunnels",
        title="a wrong remote",
        cause="vx in h1 wraps for 172.31.0.108, which nobody has",
        source="common",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.108 dstport 4789 dev eth0
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 4789 dev eth0
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("172.31.0.108",), (*NOBODY, "nobody answers")),
        never=FILTERS,
        mend="""
            bridge -n h1 fdb del 00:00:00:00:00:00 dev vx dst 172.31.0.108
            bridge -n h1 fdb append 00:00:00:00:00:00 dev vx dst 172.31.0.107
        """,
    ),
    Case(
        id="vxlan-remote-of-the-answer",
        group="tunnels",
        title="a wrong remote on the other side",
        cause="vx in h2 wraps its answers for 172.31.0.109, which nobody has",
        source="common",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 4789 dev eth0 nolearning
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.109 dstport 4789 dev eth0 nolearning
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("172.31.0.109",), (*NOBODY, "nobody answers"), ("h2",)),
        never=FILTERS,
        mend="""
            bridge -n h2 fdb del 00:00:00:00:00:00 dev vx dst 172.31.0.109
            bridge -n h2 fdb append 00:00:00:00:00:00 dev vx dst 172.31.0.106
        """,
    ),
    Case(
        id="vxlan-third-node",
        group="tunnels",
        title="the third node is missing in the flood list",
        cause="vxlan10 in h1 has no FDB entry 00:00:00:00:00:00 for 10.0.0.3",
        source="https://oneuptime.com/blog/post/2026-03-20-vxlan-multiple-vteps/view",
        lines="""
            ip link add sw type bridge
            ip link set sw up
        """
        + "".join(
            f"""
            ip netns add h{i}
            ip link add p{i} type veth peer name eth0 netns h{i}
            ip link set p{i} master sw up
            ip -n h{i} addr add 10.0.0.{i}/24 dev eth0
            ip -n h{i} link set eth0 up
            ip -n h{i} link add vxlan10 type vxlan id 10 dstport 4789 local 10.0.0.{i} nolearning
            ip -n h{i} addr add 192.168.100.{i}/24 dev vxlan10
            ip -n h{i} link set vxlan10 up
        """
            for i in (1, 2, 3)
        )
        + """
            bridge -n h1 fdb append 00:00:00:00:00:00 dev vxlan10 dst 10.0.0.2
            bridge -n h2 fdb append 00:00:00:00:00:00 dev vxlan10 dst 10.0.0.1
            bridge -n h2 fdb append 00:00:00:00:00:00 dev vxlan10 dst 10.0.0.3
            bridge -n h3 fdb append 00:00:00:00:00:00 dev vxlan10 dst 10.0.0.1
            bridge -n h3 fdb append 00:00:00:00:00:00 dev vxlan10 dst 10.0.0.2
        """,
        src="h1",
        dst="192.168.100.3",
        claim="h1 can reach 192.168.100.3",
        words=(("FDB", "flood list", "flood entry", "00:00:00:00:00:00"), ("10.0.0.3", "h3")),
        never=FILTERS,
        mend="bridge -n h1 fdb append 00:00:00:00:00:00 dev vxlan10 dst 10.0.0.3",
    ),
    Case(
        id="overlay-without-flood-entry",
        group="tunnels",
        title="pods on a bridge and VXLAN, nothing crosses",
        cause="vx0 in n1 has no FDB entry for what is for everyone",
        source="https://github.com/Richard-Joe/gitbook-note (vxlan_with_bridge_manual.sh)",
        lines=OVERLAY,
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        words=(("FDB entry", "flood entry", "no remote", "00:00:00:00:00:00"), ("vx0",)),
        never=(*FILTERS, "no port of br0"),
        mend=FLOOD_ENTRIES,
    ),
    Case(
        id="overlay-not-plugged",
        group="tunnels",
        title="the VXLAN device is not in the bridge",
        cause="vx0 in n2 has no master",
        source="https://github.com/remoting/linux (vxlan_mm.sh)",
        lines=OVERLAY + FLOOD_ENTRIES + "ip -n n2 link set vx0 nomaster",
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        words=(("vx0",), UNPLUGGED),
        never=FILTERS,
        mend="ip -n n2 link set vx0 master br0",
    ),
    Case(
        id="overlay-vxlan-down",
        group="tunnels",
        title="the VXLAN device is down",
        cause="vx0 in n1 is down",
        source="common",
        lines=OVERLAY + FLOOD_ENTRIES + "ip -n n1 link set vx0 down",
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        words=(("vx0",), DOWN),
        never=(*FILTERS, "no port of br0"),
        mend="ip -n n1 link set vx0 up",
    ),
    Case(
        id="flannel-entry-for-nobody",
        group="tunnels",
        title="flannel: a node changed its address",
        cause="the FDB of flannel.1 says 10.4.0.99, which nobody has",
        source="common",
        play="flannel",
        lines="bridge fdb replace $(bridge fdb show dev flannel.1 | awk '/dst/{print $1; exit}') "
        "dev flannel.1 dst 10.4.0.99",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("10.4.0.99",), NOBODY),
        never=FILTERS,
        mend="bridge fdb replace $(bridge fdb show dev flannel.1 | awk '/dst/{print $1; exit}') "
        "dev flannel.1 dst 10.4.0.22",
    ),
    Case(
        id="flannel-without-neighbour",
        group="tunnels",
        title="flannel: the agent left before it was done",
        cause="master has no neighbour entry for 10.244.1.0 on flannel.1",
        source="common",
        play="flannel",
        lines="ip neigh del 10.244.1.0 dev flannel.1",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("no neighbour", "neighbour entry", "no MAC for", "no ARP entry"), ("10.244.1.0", "flannel.1")),
        never=FILTERS,
        mend="ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:02 dev flannel.1 nud permanent",
    ),
    Case(
        id="flannel-without-route",
        group="tunnels",
        title="flannel: the other node's pods have no route",
        cause="master has no route 10.244.1.0/24, so it sends to its default gateway 10.4.0.1, which nobody has",
        source="common",
        play="flannel",
        lines="ip route del 10.244.1.0/24",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("default", "no route"), ("10.4.0.1", "10.244.1.0/24", "10.244.1.2")),
        never=FILTERS,
        mend="ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
    ),
    Case(
        id="flannel-tunnel-down",
        group="tunnels",
        title="flannel: the tunnel of the other node is down",
        cause="flannel.1 in node2 is down",
        source="common",
        play="flannel",
        lines="ip -n node2 link set flannel.1 down",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("flannel.1",), DOWN, ("node2",)),
        never=FILTERS,
        mend="""
            ip -n node2 link set flannel.1 up
            ip -n node2 route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink
            ip -n node2 neigh replace 10.244.0.0 lladdr 8e:2a:10:00:00:01 dev flannel.1 nud permanent
            bridge -n node2 fdb replace 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.21
        """,
    ),
    Case(
        id="flannel-other-vni",
        group="tunnels",
        title="flannel: one node was set up with another VNI",
        cause="flannel.1 in node2 has VNI 2, that of master VNI 1",
        source="common",
        play="flannel",
        lines="""
            ip -n node2 link del flannel.1
            ip -n node2 link add flannel.1 type vxlan id 2 dstport 8472 local 10.4.0.22 dev eth0 nolearning
            ip -n node2 link set flannel.1 address 8e:2a:10:00:00:02
            ip -n node2 addr add 10.244.1.0/32 dev flannel.1
            ip -n node2 link set flannel.1 up
            ip -n node2 route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink
            ip -n node2 neigh add 10.244.0.0 lladdr 8e:2a:10:00:00:01 dev flannel.1 nud permanent
            bridge -n node2 fdb add 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.21
        """,
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("VNI",), ("node2",)),
        never=FILTERS,
        mend="""
            ip -n node2 link del flannel.1
            ip -n node2 link add flannel.1 type vxlan id 1 dstport 8472 local 10.4.0.22 dev eth0 nolearning
            ip -n node2 link set flannel.1 address 8e:2a:10:00:00:02
            ip -n node2 addr add 10.244.1.0/32 dev flannel.1
            ip -n node2 link set flannel.1 up
            ip -n node2 route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink
            ip -n node2 neigh add 10.244.0.0 lladdr 8e:2a:10:00:00:01 dev flannel.1 nud permanent
            bridge -n node2 fdb add 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.21
        """,
    ),
    Case(
        id="flannel-node-down",
        group="tunnels",
        title="flannel: the other node is off the network",
        cause="eth0 in node2 is down",
        source="common",
        play="flannel",
        lines="ip -n node2 link set eth0 down",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("eth0",), DOWN, ("node2",)),
        never=FILTERS,
        mend="ip -n node2 link set eth0 up",
    ),
    Case(
        id="calico-without-the-blocks-route",
        group="tunnels",
        title="calico: the other node's block has no route",
        cause="master has no route 10.240.77.128/26, so it sends to its default gateway 10.4.0.1, which nobody has",
        source="common",
        play="calico",
        lines="ip route del 10.240.77.128/26",
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("default", "no route"), ("10.4.0.1", "10.240.77.128/26")),
        never=FILTERS,
        mend="ip route add 10.240.77.128/26 via 10.240.77.128 dev vxlan.calico onlink",
    ),
    Case(
        id="calico-cable-down",
        group="tunnels",
        title="calico: the pod's cable is dead",
        cause="cali50c25257626 on master is down",
        source="common",
        play="calico",
        lines="ip link set cali50c25257626 down",
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("cali50c25257626",), DOWN),
        never=FILTERS,
        mend="""
            ip link set cali50c25257626 up
            ip route add 10.240.188.122 dev cali50c25257626 scope link
        """,
    ),
    Case(
        id="vxlan-ttl",
        group="tunnels",
        title="the tunnel works on one cable, and not across a router",
        cause="vx in a sends its outer packets with ttl 1, which r drops (TTL)",
        source="common (a multicast setting kept for unicast)",
        lines=ROUTER
        + """
            ip -n a link add vx type vxlan id 1 remote 10.2.0.2 dstport 4789 dev eth0 ttl 1
            ip -n b link add vx type vxlan id 1 remote 10.1.0.2 dstport 4789 dev eth0
            ip -n a addr add 10.9.0.1/24 dev vx
            ip -n b addr add 10.9.0.2/24 dev vx
            ip -n a link set vx up
            ip -n b link set vx up
        """,
        src="a",
        dst="10.9.0.2",
        claim="a can reach 10.9.0.2",
        words=(("TTL", "time to live"), ("vx", "outer")),
        never=(*FILTERS, "loop*"),
        mend="""
            ip -n a link del vx
            ip -n a link add vx type vxlan id 1 remote 10.2.0.2 dstport 4789 dev eth0
            ip -n a addr add 10.9.0.1/24 dev vx
            ip -n a link set vx up
        """,
    ),
    Case(
        id="vxlan-no-way-to-the-remote",
        group="tunnels",
        title="the other end of the tunnel is in a network that nobody routes to",
        cause="h1 has no route to 10.77.0.2, the remote of vx",
        source="common",
        lines=HOSTS
        + """
            ip -n h2 addr add 10.77.0.2/32 dev eth0
            ip -n h1 link add vx type vxlan id 1 remote 10.77.0.2 dstport 4789 local 172.31.0.106
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 4789 local 10.77.0.2
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("10.77.0.2",), ("no route",), ("h1",)),
        never=FILTERS,
        mend="ip -n h1 route add 10.77.0.2 dev eth0",
    ),
    Case(
        id="vxlan-rp-filter",
        group="tunnels",
        title="the wrapped packet arrives, and is not unwrapped",
        cause="strict rp_filter in h2: what is from 10.77.0.1 came by eth0, and the way back is d0",
        source="common (a tunnel from a second address)",
        lines=HOSTS
        + """
            ip -n h1 addr add 10.77.0.1/32 dev eth0
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 4789 local 10.77.0.1
            ip -n h2 link add vx type vxlan id 1 remote 10.77.0.1 dstport 4789 local 172.31.0.107
            ip -n h2 link add d0 type veth peer name d1
            ip -n h2 link set d0 up
            ip -n h2 link set d1 up
            ip -n h2 route add 10.77.0.1 dev d0
            ip netns exec h2 sysctl -qw net.ipv4.conf.all.rp_filter=1
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=((*RP_FILTER, "d0"), ("h2",)),
        never=FILTERS,
        mend="ip -n h2 route replace 10.77.0.1 dev eth0",
    ),
    Case(
        id="vxlan-output-rule",
        group="tunnels",
        title="the node lets no UDP out",
        cause="a rule of iptables OUTPUT in h1 drops UDP port 8472",
        source="common",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 dstport 8472 dev eth0
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 dstport 8472 dev eth0
        """
        + VXLAN
        + "ip netns exec h1 iptables -A OUTPUT -p udp --dport 8472 -j DROP",
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("OUTPUT",), DROPS, ("h1",)),
        netfilter=rule("OUTPUT", "--dport 8472", "dport 8472"),
        mend="ip netns exec h1 iptables -D OUTPUT -p udp --dport 8472 -j DROP",
    ),
    Case(
        id="vxlan-underlay-address-changed",
        group="tunnels",
        title="a node was given another address, the tunnel keeps the old one",
        cause="vx in h1 has local 172.31.0.99, which h1 does not have, so h2's answers to it are not taken",
        source="common (DHCP on a node)",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 1 remote 172.31.0.107 local 172.31.0.99 dstport 4789 dev eth0
            ip -n h2 link add vx type vxlan id 1 remote 172.31.0.106 local 172.31.0.107 dstport 4789 dev eth0
        """
        + VXLAN,
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("172.31.0.99",), ("local", *NOBODY, "does not have", "has no")),
        never=FILTERS,
        mend="ip -n h1 addr add 172.31.0.99/24 dev eth0",
    ),
    Case(
        id="overlay-two-networks",
        group="tunnels",
        title="two pods of one overlay, one of them on the wrong VNI",
        cause="vx0 in n2 has VNI 8, that of n1 VNI 7",
        source="common",
        lines=OVERLAY
        + """
            ip -n n2 link del vx0
            ip -n n2 link add vx0 type vxlan id 8 local 172.20.0.2 dstport 4789 dev eth0
            ip -n n2 link set vx0 master br0 up
        """
        + FLOOD_ENTRIES,
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        words=(("VNI",), ("n2",)),
        never=(*FILTERS, "no port of br0"),
        mend="""
            ip -n n2 link del vx0
            ip -n n2 link add vx0 type vxlan id 7 local 172.20.0.2 dstport 4789 dev eth0
            ip -n n2 link set vx0 master br0 up
            bridge -n n2 fdb append 00:00:00:00:00:00 dev vx0 dst 172.20.0.1
        """,
    ),
    Case(
        id="vxlan-entry-that-contradicts",
        group="tunnels",
        title="requests arrive, and the answers are dropped where they come in",
        cause="the FDB of vx in h1 has h2's MAC behind 172.31.0.200, and drops what comes with it from elsewhere",
        source="common (an entry of a node that had the address before)",
        lines=HOSTS
        + """
            ip -n h1 link add vx type vxlan id 7 dstport 4789 local 172.31.0.106 remote 172.31.0.107 dev eth0
            ip -n h2 link add vx type vxlan id 7 dstport 4789 local 172.31.0.107 remote 172.31.0.106 dev eth0
        """
        + VXLAN
        + "bridge -n h1 fdb replace $(ip netns exec h2 cat /sys/class/net/vx/address) dev vx dst 172.31.0.200",
        src="h1",
        dst="10.9.0.2",
        claim="h1 can reach 10.9.0.2",
        words=(("FDB",), ("172.31.0.200",), ("vx",)),
        never=FILTERS,
        mend="bridge -n h1 fdb del $(ip netns exec h2 cat /sys/class/net/vx/address) dev vx dst 172.31.0.200",
    ),
]
