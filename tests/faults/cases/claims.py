"""Is what a claim says true? Claims about settings, tables and devices that the kernel does not honour, or does."""

from ..case import Case
from .networks import A_REACHES_B, BRIDGE, DUPLICATE, NO_NAT, PAIR, POINT_TO_POINT, ROUTER, ROUTER6, THIRD, arp_answered
from .words import DOWN, DROPS, FILTERS, FORWARDING_OFF, INET, IP6, LEGACY, NFT, RULE, policy, rule

CASES = [
    Case(
        id="claims-forwards-with-an-nft-policy",
        group="claims",
        title="a router that forwards nothing, though ip_forward is 1",
        cause="the policy of chain passing in nft table inet fence in r is drop",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r nft add table inet fence
            ip netns exec r nft 'add chain inet fence passing { type filter hook forward priority 0; policy drop; }'
        """,
        claim="r forwards",
        words=(DROPS, (*NFT, "inet fence", "passing")),
        netfilter=policy("passing", table="fence", family=INET),
        mend="ip netns exec r nft 'add chain inet fence passing { policy accept; }'",
        probe=A_REACHES_B,
    ),
    Case(
        id="claims-forwards-with-a-legacy-policy",
        group="claims",
        title="a router that forwards nothing, and iptables shows no reason",
        cause="the policy of iptables-legacy FORWARD in r is DROP",
        source="common (two iptables on one machine)",
        lines=ROUTER + "ip netns exec r iptables-legacy -P FORWARD DROP",
        claim="r forwards",
        words=(DROPS, ("legacy", "iptables-legacy")),
        netfilter=policy("FORWARD", family=LEGACY),
        mend="ip netns exec r iptables-legacy -P FORWARD ACCEPT",
        probe=A_REACHES_B,
    ),
    Case(
        id="claims-forwards-with-a-rule",
        group="claims",
        title="the policy of FORWARD is ACCEPT, and a rule drops everything",
        cause="a rule of iptables FORWARD in r drops everything",
        source="common",
        lines=ROUTER + "ip netns exec r iptables -A FORWARD -j DROP",
        claim="r forwards",
        words=(DROPS, ("FORWARD",)),
        netfilter=rule("FORWARD", "-j DROP", "drop"),
        mend="ip netns exec r iptables -D FORWARD -j DROP",
        probe=A_REACHES_B,
    ),
    Case(
        id="claims-forwards-at-no-device",
        group="claims",
        title="ip_forward is 1, and no device forwards",
        cause="net.ipv4.conf.left.forwarding and right.forwarding are 0 in r",
        source="common",
        lines=ROUTER + "ip netns exec r sysctl -qw net.ipv4.conf.left.forwarding=0 net.ipv4.conf.right.forwarding=0",
        claim="r forwards",
        words=(("forwarding",), ("left", "right")),
        never=FILTERS,
        mend="ip netns exec r sysctl -qw net.ipv4.conf.left.forwarding=1 net.ipv4.conf.right.forwarding=1",
        probe=A_REACHES_B,
    ),
    Case(
        id="claims-rewrites-by-nft",
        group="claims",
        title="iptables has no NAT rule, and still addresses are rewritten",
        cause="a rule of chain outbound in nft table ip swap in r masquerades",
        source="common (nft-native NAT)",
        lines=ROUTER
        + """
            ip netns exec r nft add table ip swap
            ip netns exec r nft 'add chain ip swap outbound { type nat hook postrouting priority 100; }'
            ip netns exec r nft 'add rule ip swap outbound oifname "right" masquerade'
        """,
        claim="r rewrites no addresses",
        words=(("masquerade*",), (*NFT, "ip swap", "outbound")),
        netfilter=rule("outbound", "masquerade", table="swap", family=("ip", "ip swap", "table ip")),
        mend="ip netns exec r nft delete table ip swap",
        probe=NO_NAT,
    ),
    Case(
        id="claims-rewrites-by-legacy",
        group="claims",
        title="a NAT rule of the other iptables",
        cause="a rule of iptables-legacy's nat table in r masquerades",
        source="common (two iptables on one machine)",
        lines=ROUTER + "ip netns exec r iptables-legacy -t nat -A POSTROUTING -o right -j MASQUERADE",
        claim="r rewrites no addresses",
        words=(("masquerade*",), ("legacy", "iptables-legacy")),
        netfilter=rule("POSTROUTING", "MASQUERADE", table="nat", family=LEGACY),
        mend="ip netns exec r iptables-legacy -t nat -D POSTROUTING -o right -j MASQUERADE",
        probe=NO_NAT,
    ),
    Case(
        id="claims-rewrites-ipv6",
        group="claims",
        title="a NAT rule for IPv6",
        cause="a rule of ip6tables' nat table in r masquerades",
        source="common",
        lines=ROUTER6 + "ip netns exec r ip6tables -t nat -A POSTROUTING -o right -j MASQUERADE",
        claim="r rewrites no addresses",
        words=(("masquerade*",), ("ip6tables", "ip6", "IPv6")),
        netfilter=rule("POSTROUTING", "MASQUERADE", table="nat", family=IP6),
        mend="ip netns exec r ip6tables -t nat -D POSTROUTING -o right -j MASQUERADE",
        probe=NO_NAT,
    ),
    Case(
        id="claims-arp-switched-off",
        group="claims",
        title="a device with an address and without ARP",
        cause="ARP is switched off at veth2 in ns2 (NOARP)",
        source="common",
        lines=PAIR + "ip -n ns2 link set veth2 arp off",
        claim="ns2 answers ARP for 10.0.0.2 on veth2",
        words=(("veth2",), ("arp off", "NOARP", "ARP is off", "ARP is switched off", "ARP switched off")),
        never=FILTERS,
        mend="ip -n ns2 link set veth2 arp on",
        probe=arp_answered("ns1", "veth1", "10.0.0.2"),
    ),
    Case(
        id="claims-arp-ignored",
        group="claims",
        title="an address on lo, and a device that does not answer for it",
        cause="arp_ignore is 1 in ns2, and 10.0.0.100 is on lo",
        source="common (LVS real servers)",
        lines=PAIR
        + """
            ip -n ns2 link set lo up
            ip -n ns2 addr add 10.0.0.100/32 dev lo
            ip netns exec ns2 sysctl -qw net.ipv4.conf.all.arp_ignore=1
        """,
        claim="ns2 answers ARP for 10.0.0.100 on veth2",
        words=(("arp_ignore",),),
        never=FILTERS,
        mend="ip netns exec ns2 sysctl -qw net.ipv4.conf.all.arp_ignore=0",
        probe=arp_answered("ns1", "veth1", "10.0.0.100"),
    ),
    Case(
        id="claims-proxy-arp-without-forwarding",
        group="claims",
        title="proxy_arp is 1, and ip_forward is 0",
        cause="the kernel answers for others only where it forwards, and ip_forward is 0",
        source="https://github.com/lx1036/code (calico-demo.sh)",
        lines=POINT_TO_POINT
        + """
            sysctl -qw net.ipv4.ip_forward=0
            ip route add default dev cali2
            sysctl -qw net.ipv4.conf.cali1.proxy_arp=1
        """,
        claim="master answers ARP for 169.254.1.1 on cali1",
        words=(FORWARDING_OFF,),
        never=FILTERS,
        mend="sysctl -qw net.ipv4.ip_forward=1",
        probe=arp_answered("pod", "eth0", "169.254.1.1"),
    ),
    Case(
        id="claims-arp-filtered-by-nft",
        group="claims",
        title="the kernel would answer, and a filter does not let it hear",
        cause="the policy of chain asked in nft table arp hush in ns2 is drop",
        source="common",
        lines=PAIR
        + """
            ip netns exec ns2 nft add table arp hush
            ip netns exec ns2 nft 'add chain arp hush asked { type filter hook input priority 0; policy drop; }'
        """,
        claim="ns2 answers ARP for 10.0.0.2 on veth2",
        words=(DROPS, (*NFT, "arp hush")),
        netfilter=policy("asked", table="hush", family=("arp", "arp hush", "table arp")),
        mend="ip netns exec ns2 nft 'add chain arp hush asked { policy accept; }'",
        probe=arp_answered("ns1", "veth1", "10.0.0.2"),
    ),
    Case(
        id="claims-arp-of-a-device-that-is-down",
        group="claims",
        title="an address on a device that is down",
        cause="veth2 in ns2 is down",
        source="common",
        lines=PAIR + "ip -n ns2 link set veth2 down",
        claim="ns2 answers ARP for 10.0.0.2 on veth2",
        words=(("veth2",), DOWN),
        never=FILTERS,
        mend="ip -n ns2 link set veth2 up",
        probe=arp_answered("ns1", "veth1", "10.0.0.2"),
    ),
    Case(
        id="claims-route-overruled",
        group="claims",
        title="main has the route, and a rule asks another table first",
        cause="a rule of a sends 10.2.0.0/24 to table 100, whose gateway is 10.1.0.99",
        source="common (policy routing)",
        lines=ROUTER
        + """
            ip -n a rule add to 10.2.0.0/24 table 100
            ip -n a route add default via 10.1.0.99 table 100
        """,
        claim="a routes 10.2.0.2 via 10.1.0.1",
        words=((*RULE, "table 100", "lookup 100", "10.1.0.99"), ("100", "10.1.0.99")),
        never=FILTERS,
        mend="ip -n a rule del to 10.2.0.0/24 table 100",
        probe="ip -n a route get 10.2.0.2 | grep -q 'via 10.1.0.1 '",
    ),
    Case(
        id="claims-sends-overruled",
        group="claims",
        title="main says left, and a rule says right",
        cause="a rule of r sends what is for 10.9.9.9 to table 60, and that leads through right",
        source="common (policy routing)",
        lines=ROUTER
        + """
            ip -n r route add 10.9.9.9 dev left
            ip -n r rule add to 10.9.9.9 lookup 60
            ip -n r route add 10.9.9.9 dev right table 60
        """,
        claim="r sends to 10.9.9.9 through left",
        words=(("right",),),
        never=FILTERS,
        mend="ip -n r rule del to 10.9.9.9 lookup 60",
        probe="ip -n r route get 10.9.9.9 | grep -q 'dev left'",
    ),
    Case(
        id="claims-route-prohibited-by-a-rule",
        group="claims",
        title="the route is in main, and a rule prohibits its use",
        cause="a rule of a prohibits 10.2.0.0/24",
        source="common (policy routing)",
        lines=ROUTER + "ip -n a rule add to 10.2.0.0/24 prohibit",
        claim="a routes 10.2.0.2 via 10.1.0.1",
        words=(RULE, ("prohibit*",)),
        never=FILTERS,
        mend="ip -n a rule del to 10.2.0.0/24 prohibit",
        probe="ip -n a route get 10.2.0.2 | grep -q 'via 10.1.0.1 '",
    ),
    Case(
        id="claims-duplicate-address",
        group="claims",
        title="an address that is listed, and that the kernel does not use",
        cause="fd00::2 is dadfailed: it is a duplicate",
        source="moby/moby#15840",
        lines=DUPLICATE,
        claim="ns2 eth0 has address fd00::2/64",
        words=(("dadfailed", "duplicate*"),),
        never=FILTERS,
        mend="""
            ip -n ns2 addr del fd00::2/64 dev eth0
            ip -n ns2 addr add fd00::2/64 dev eth0 nodad
        """,
        probe="ip netns exec ns1 ping -n -c 1 -W 1 fd00::2",
    ),
    Case(
        id="claims-address-of-two",
        group="claims",
        title="an address that belongs to two",
        cause="ns3 has 192.168.30.2 too",
        source="common",
        lines=BRIDGE + THIRD + "ip -n ns3 addr add 192.168.30.2/24 dev eth0",
        claim="192.168.30.2 belongs to ns2",
        words=(("ns3",),),
        never=FILTERS,
        mend="ip -n ns3 addr del 192.168.30.2/24 dev eth0",
        probe="! ip -n ns3 addr | grep -q 192.168.30.2",
    ),
    Case(
        id="claims-no-signal",
        group="claims",
        title="switched on, and without a signal",
        cause="veth1 has no carrier, because veth2 in ns2 is down",
        source="common",
        lines=PAIR + "ip -n ns2 link set veth2 down",
        claim="ns1 veth1 is up",
        words=(("veth2", "carrier", "signal"),),
        never=FILTERS,
        mend="ip -n ns2 link set veth2 up",
        probe="ip netns exec ns1 grep -qx 1 /sys/class/net/veth1/carrier || "
        "ip -n ns1 link show veth1 | grep -q LOWER_UP",
    ),
    Case(
        id="claims-tunnel-without-fdb",
        group="claims",
        title="a tunnel that does not know where the other end is",
        cause="the FDB of flannel.1 has no entry for 8e:2a:10:00:00:02",
        source="common",
        play="flannel",
        lines="bridge fdb del 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22",
        claim="master has a tunnel to 10.244.1.2",
        words=(("FDB", "forwarding table"), ("8e:2a:10:00:00:02", "flannel.1")),
        never=FILTERS,
        mend="bridge fdb add 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22",
        probe="ip netns exec pod-a ping -n -c 1 -W 1 10.244.1.2",
    ),
    Case(
        id="claims-healthy-route-of-a-rule",
        group="claims",
        title="main has no such route, and a rule's table has it",
        cause="none: table 100 has the way",
        source="common (policy routing)",
        lines=ROUTER
        + """
            ip -n a route replace default via 10.1.0.99
            ip -n a rule add to 10.2.0.0/24 table 100
            ip -n a route add default via 10.1.0.1 table 100
        """,
        claim="a routes 10.2.0.2 via 10.1.0.1",
        words=(("10.1.0.1",),),
        ok=True,
        probe="ip -n a route get 10.2.0.2 | grep -q 'via 10.1.0.1 '",
    ),
    Case(
        id="claims-healthy-rules-without-nat",
        group="claims",
        title="a firewall that marks and filters, and rewrites nothing",
        cause="none: no rule of r rewrites an address",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r iptables -t mangle -A PREROUTING -j MARK --set-mark 1
            ip netns exec r iptables -A FORWARD -s 10.9.0.0/24 -j DROP
            ip netns exec r iptables -t nat -A PREROUTING -j RETURN
        """,
        claim="r rewrites no addresses",
        words=(("r",),),
        ok=True,
        probe=NO_NAT,
    ),
]
