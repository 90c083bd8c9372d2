"""What goes wrong in the lessons' own labs? Faults in flannel, calico and bridge as the kit plays them."""

from ..case import Case
from .words import DROPS, FILTERS, FORWARDING_OFF, INET, NO_WAY_BACK, NOBODY, RP_FILTER, RULE, UNPLUGGED, rule

CASES = [
    Case(
        id="flannel-old-mac-of-the-tunnel",
        group="labs",
        title="flannel: the other node's tunnel device was made again",
        cause="master's neighbour entry for 10.244.1.0 has MAC 8e:2a:10:00:00:99, flannel.1 in node2 8e:2a:10:00:00:02",
        source="common (a node that was set up again)",
        play="flannel",
        lines="""
            ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:99 dev flannel.1 nud permanent
            bridge fdb replace 8e:2a:10:00:00:99 dev flannel.1 dst 10.4.0.22
        """,
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("flannel.1", "10.244.1.0"), ("MAC", "neighbour"), ("8e:2a:10:00:00:02", "8e:2a:10:00:00:99")),
        never=FILTERS,
        mend="ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:02 dev flannel.1 nud permanent",
    ),
    Case(
        id="flannel-forwarding-off",
        group="labs",
        title="flannel: the other node was booted without its sysctl.conf",
        cause="net.ipv4.ip_forward is 0 in node2",
        source="common",
        play="flannel",
        lines="ip netns exec node2 sysctl -qw net.ipv4.ip_forward=0",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(FORWARDING_OFF, ("node2",)),
        never=FILTERS,
        mend="ip netns exec node2 sysctl -qw net.ipv4.ip_forward=1",
    ),
    Case(
        id="flannel-without-masquerade",
        group="labs",
        title="flannel: pods reach pods, but no longer the other node",
        cause="nothing masquerades what pods send to nodes, and node2's strict rp_filter drops what comes from a pod "
        "by eth0: the way back is flannel.1",
        source="flannel-io/flannel#1834",
        play="flannel",
        lines="iptables -t nat -F",
        src="pod-a",
        dst="10.4.0.22",
        claim="pod-a can reach 10.4.0.22",
        words=((*RP_FILTER, "masquerade*"), ("node2",)),
        never=("iptables -vnL", "does not leave"),
        mend="iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE",
    ),
    Case(
        id="flannel-firewalld",
        group="labs",
        title="flannel: firewalld was started on the other node",
        cause="a rule of chain filter_FORWARD in nft table inet firewalld in node2 rejects",
        source="flannel-io/flannel#2055",
        play="flannel",
        lines="""
            ip netns exec node2 nft add table inet firewalld
            ip netns exec node2 nft 'add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; }'
            ip netns exec node2 nft add rule inet firewalld filter_FORWARD ct state established,related accept
            ip netns exec node2 nft add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited
        """,
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("filter_FORWARD", "firewalld"), ("REJECT*",), ("node2",)),
        never=("iptables",),
        netfilter=rule("filter_FORWARD", "reject with icmpx", "reject", table="firewalld", family=INET),
        mend="ip netns exec node2 nft flush chain inet firewalld filter_FORWARD",
    ),
    Case(
        id="flannel-pod-without-default-route",
        group="labs",
        title="flannel: a pod gets questions from the other node, and cannot answer",
        cause="pod-c has no route to 10.244.0.4: its default route is gone",
        source="common",
        play="flannel",
        lines="""
            ip -n pod-c route del default
            ip -n pod-c route del 10.244.0.0/16
        """,
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("pod-c",), ("no route to 10.244.0.4", "no route to 10.244.0.0/24", *NO_WAY_BACK, "default route")),
        never=FILTERS,
        mend="ip -n pod-c route add default via 10.244.1.1",
    ),
    Case(
        id="flannel-bridge-with-another-address",
        group="labs",
        title="flannel: cni0 already has an IP address different from 10.244.1.1",
        cause="nobody has 10.244.1.1, pod-c's gateway: cni0 in node2 has 10.244.9.1",
        source="common (a node that joined a second time)",
        play="flannel",
        lines="""
            ip -n node2 addr flush dev cni0
            ip -n node2 addr add 10.244.9.1/24 dev cni0
            ip -n node2 route add 10.244.1.0/24 dev cni0
            ip -n pod-c neigh flush dev eth0
        """,
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("10.244.1.1",), NOBODY),
        never=FILTERS,
        mend="ip -n node2 addr add 10.244.1.1/24 dev cni0",
    ),
    Case(
        id="flannel-pod-not-plugged",
        group="labs",
        title="flannel: one pod of the node is alone",
        cause="the cable of pod-c, whose other end is in node2, has no master: it is not plugged into cni0",
        source="common",
        play="flannel",
        lines="ip -n node2 link set $(ip -n node2 -o link show master cni0 | awk -F'[ :@]+' '{print $2; exit}') "
        "nomaster",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(UNPLUGGED, ("node2",)),
        never=FILTERS,
        mend="for v in $(ip -n node2 -o link show type veth | grep -v eth0 | awk -F'[ :@]+' '{print $2}'); "
        "do ip -n node2 link set $v master cni0; done",
    ),
    Case(
        id="flannel-vxlan-port-closed",
        group="labs",
        title="flannel: the security group lacks UDP 8472",
        cause="a rule of iptables INPUT in node2 drops UDP port 8472",
        source="k3s-io/k3s#1719",
        play="flannel",
        lines="ip netns exec node2 iptables -I INPUT -i eth0 -p udp --dport 8472 -j DROP",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("INPUT",), (*DROPS, "block*"), ("node2",)),
        netfilter=rule("INPUT", "--dport 8472", "dport 8472"),
        mend="ip netns exec node2 iptables -D INPUT -i eth0 -p udp --dport 8472 -j DROP",
    ),
    Case(
        id="flannel-rule-for-pods",
        group="labs",
        title="flannel: the pods' network is routed by a rule of its own",
        cause="a rule of master is a blackhole for what comes from 10.244.0.4",
        source="common (evidence of policy routing nobody looks at)",
        play="flannel",
        lines="ip rule add from 10.244.0.4 blackhole",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(RULE, ("blackhole",)),
        never=FILTERS,
        mend="ip rule del from 10.244.0.4 blackhole",
    ),
    Case(
        id="calico-block-without-the-pod",
        group="labs",
        title="calico: the pod's own route is gone, and the block's blackhole takes its packets",
        cause="node2 has no route for 10.240.77.130, so its route blackhole 10.240.77.128/26 swallows the packet",
        source="projectcalico/calico (common: felix was stopped)",
        play="calico",
        lines="ip -n node2 route del 10.240.77.130",
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("blackhole",), ("node2",)),
        never=FILTERS,
        mend="ip -n node2 route add 10.240.77.130 dev $(ip -n node2 -o link show type veth | grep -o 'cali[0-9a-f]*' | "
        "while read v; do ip -n node2 route show dev $v | grep -q . || echo $v; done) scope link",
    ),
    Case(
        id="calico-proxy-arp-off",
        group="labs",
        title="calico: 169.254.1.1 no longer answers",
        cause="proxy_arp is 0 at cali50c25257626 on master",
        source="projectcalico/calico#4186",
        play="calico",
        lines="""
            sysctl -qw net.ipv4.conf.cali50c25257626.proxy_arp=0
            ip -n pod-a neigh flush dev eth0
        """,
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("proxy_arp", "proxy ARP"), ("cali50c25257626",), ("off", "0")),
        never=FILTERS,
        mend="sysctl -qw net.ipv4.conf.cali50c25257626.proxy_arp=1",
    ),
    Case(
        id="calico-rpfilter-rule",
        group="labs",
        title="calico: a pod sends from an address that is not its own",
        cause="a rule of master's raw table (rpfilter) drops in PREROUTING what pod-a sends from 10.9.9.9",
        source="projectcalico/calico#4630",
        play="calico",
        lines="""
            ip -n pod-a addr add 10.9.9.9/32 dev eth0
            ip -n pod-a route replace default via 169.254.1.1 dev eth0 src 10.9.9.9
            ip route add 10.9.9.9 dev eth0
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.cali50c25257626.rp_filter=0
            iptables -t raw -A PREROUTING -i cali+ -m rpfilter --invert -j DROP
        """,
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("rpfilter", "PREROUTING", "10.9.9.9"), (*DROPS, *RP_FILTER)),
        never=("iptables -vnL",),
        netfilter=rule("PREROUTING", "rpfilter", "fib", table="raw"),
        mend="ip -n pod-a route replace default via 169.254.1.1 dev eth0 src 10.240.188.122",
    ),
    Case(
        id="calico-policy",
        group="labs",
        title="calico: a NetworkPolicy keeps the pod to itself",
        cause="a rule of iptables chain cali-tw-pod-c, to which FORWARD jumps in node2, drops",
        source="common (default deny)",
        play="calico",
        lines="""
            ip netns exec node2 iptables -N cali-tw-pod-c
            ip netns exec node2 iptables -I FORWARD -d 10.240.77.130 -j cali-tw-pod-c
            ip netns exec node2 iptables -A cali-tw-pod-c -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
            ip netns exec node2 iptables -A cali-tw-pod-c -m comment --comment 'Drop if no policies passed' -j DROP
        """,
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("cali-tw-pod-c",), DROPS, ("node2",)),
        netfilter=rule("cali-tw-pod-c", "no policies passed"),
        mend="ip netns exec node2 iptables -I cali-tw-pod-c -s 10.240.188.122 -j ACCEPT",
    ),
    Case(
        id="calico-pods-route-to-another-cable",
        group="labs",
        title="calico: a pod's route points at another pod's cable",
        cause="node2's route 10.240.77.130 leads to another pod's cable, where nobody has 10.240.77.130",
        source="common (a stale route of felix)",
        play="calico",
        lines="""
            ip netns exec node2 ip link add cali0 type veth peer name cali1
            ip -n node2 link set cali0 up
            ip -n node2 link set cali1 up
            ip -n node2 route replace 10.240.77.130 dev cali0 scope link
        """,
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("cali0", "route"), ("node2", "10.240.77.130"), (*NOBODY, "cali0")),
        never=FILTERS,
        mend="ip -n node2 route replace 10.240.77.130 dev $(ip -n node2 -o link show type veth | "
        "grep -o 'cali[0-9a-f]\\{11\\}' | while read v; do ip -n node2 route show dev $v | grep -q . || echo $v; done) "
        "scope link",
    ),
    Case(
        id="bridge-lab-gateway-filter",
        group="labs",
        title="the bridge lesson: bridged packets meet iptables",
        cause="a rule of iptables FORWARD drops what bridges forward (physdev), for bridge-nf-call-iptables is 1",
        source="https://routemyip.com/posts/linux/networking/bridge-netfilter-unexpected-consequences",
        play="bridge",
        lines="""
            sysctl -qw net.bridge.bridge-nf-call-iptables=1
            iptables -A FORWARD -m physdev --physdev-is-bridged -j DROP
        """,
        src="ns100",
        dst="192.168.1.101",
        claim="ns100 can reach 192.168.1.101",
        words=(("FORWARD",), DROPS),
        netfilter=rule("FORWARD", "physdev"),
        mend="iptables -D FORWARD -m physdev --physdev-is-bridged -j DROP",
    ),
    Case(
        id="calico-bgp-session-ended",
        group="labs",
        title="calico with BIRD: the other node has ended its session",
        cause="BIRD on node2 has ended the session, so master has no route to node2's block but the default one",
        source="common (calico-node is stopped, or its BIRD disabled)",
        play="calico",
        options={"mode": "bgp"},
        lines="""
            ip netns exec node2 birdc -s /run/node2/calico/bird.ctl disable Mesh_10_4_0_21
            timeout 20 bash -c 'while ip route | grep 10.240.77.128; do sleep 0.05; done'
        """,
        src="pod-a",
        dst="10.240.77.130",
        claim="pod-a can reach 10.240.77.130",
        words=(("default", "no route", "10.240.77.128"), ("10.4.0.1", "BIRD", "session")),
        never=FILTERS,
        mend="ip netns exec node2 birdc -s /run/node2/calico/bird.ctl enable Mesh_10_4_0_21 && "
        "timeout 20 bash -c 'until ip route | grep 10.240.77.128; do sleep 0.05; done'",
    ),
    Case(
        id="flannel-host-gw-to-a-node-that-is-gone",
        group="labs",
        title="flannel with host-gw: the route leads to a node's old address",
        cause="master's route 10.244.1.0/24 leads to 10.4.0.99, which nobody has",
        source="common (a node that came back with another address)",
        play="flannel",
        options={"mode": "host-gw"},
        lines="ip route replace 10.244.1.0/24 via 10.4.0.99 dev eth0",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("10.4.0.99",), (*NOBODY, "route")),
        never=FILTERS,
        mend="ip route replace 10.244.1.0/24 via 10.4.0.22 dev eth0",
    ),
]
