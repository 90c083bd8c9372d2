"""What goes wrong with IPv6 alone? Neighbour discovery, hop limits, sizes, settings, filters and rules."""

from ..case import Case
from .networks import DUPLICATE, PAIR, PAIR6, ROUTER6
from .words import DROPS, FILTERS, INET, IP6, NFT, NO_WAY_BACK, NOBODY, RULE, policy, rule

CASES = [
    Case(
        id="v6-forwarding-off",
        group="IPv6",
        title="the router forwards IPv4 only",
        cause="net.ipv6.conf.all.forwarding is 0 in r",
        source="common",
        lines=ROUTER6 + "ip netns exec r sysctl -qw net.ipv6.conf.all.forwarding=0",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("forwarding",), ("ipv6",), ("r",)),
        never=FILTERS,
        mend="ip netns exec r sysctl -qw net.ipv6.conf.all.forwarding=1",
    ),
    Case(
        id="v6-no-way-back",
        group="IPv6",
        title="the question arrives, the answer does not",
        cause="b has no route to fd01::2",
        source="common",
        lines=ROUTER6 + "ip -n b -6 route del default",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("b",), ("no route to fd01::2", "no route to fd01::/64", *NO_WAY_BACK)),
        never=FILTERS,
        mend="ip -n b -6 route add default via fd02::1",
    ),
    Case(
        id="v6-forward-policy",
        group="IPv6",
        title="the firewall has a second table",
        cause="the policy of ip6tables FORWARD is DROP in r",
        source="common",
        lines=ROUTER6 + "ip netns exec r ip6tables -P FORWARD DROP",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("FORWARD",), DROPS, ("ip6tables", "ip6", *NFT)),
        never=("iptables -vnL",),  # which shows IPv4 only
        netfilter=policy("FORWARD", family=IP6),
        mend="ip netns exec r ip6tables -P FORWARD ACCEPT",
    ),
    Case(
        id="v6-off-at-the-far-end",
        group="IPv6",
        title="IPv6 is switched off at the other end",
        cause="disable_ipv6 is 1 at veth2 in ns2, so it has no IPv6 address",
        source="common",
        lines=PAIR
        + """
            ip -n ns1 addr add fd00::1/64 dev veth1 nodad
            ip -n ns2 addr add fd00::2/64 dev veth2 nodad
            ip netns exec ns2 sysctl -qw net.ipv6.conf.veth2.disable_ipv6=1
            sleep 2
        """,
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("disable_ipv6", "IPv6 is off", "IPv6 is disabled", "IPv6 is switched off", "no IPv6 address"),),
        never=(*FILTERS, "proxy_arp", "no master"),
        mend="""
            ip netns exec ns2 sysctl -qw net.ipv6.conf.veth2.disable_ipv6=0
            ip -n ns2 addr add fd00::2/64 dev veth2 nodad
        """,
    ),
    Case(
        id="v6-no-route-at-the-router",
        group="IPv6",
        title="the router does not know the network",
        cause="r has no route to fd02::2",
        source="common",
        lines=ROUTER6 + "ip -n r -6 route del fd02::/64",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("r has no route", "no route to fd02::2 in r", "no route to fd02::/64 in r"),),
        never=FILTERS,
        mend="ip -n r -6 route add fd02::/64 dev right",
    ),
    Case(
        id="v6-duplicate-address",
        group="IPv6",
        title="the address is there, and nobody answers",
        cause="ns2's fd00::2 is dadfailed: another host had it when it was added (duplicate)",
        source="moby/moby#15840",
        lines=DUPLICATE,
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("dadfailed", "duplicate*"), ("fd00::2",)),
        never=(*FILTERS, "no master", "proxy_arp"),
        mend="""
            ip -n ns2 addr del fd00::2/64 dev eth0
            ip -n ns2 addr add fd00::2/64 dev eth0 nodad
        """,
    ),
    Case(
        id="v6-hop-limit",
        group="IPv6",
        title="time exceeded: hop limit",
        cause="the hop limit of a's eth0 is 1 (hop_limit), so its packets get no further than r",
        source="common (a router advertisement with a low hop limit)",
        lines=ROUTER6 + "ip netns exec a sysctl -qw net.ipv6.conf.eth0.hop_limit=1",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("hop limit", "hop_limit", "hop-limit", "TTL"), ("a",)),
        never=(*FILTERS, "loop*"),
        mend="ip netns exec a sysctl -qw net.ipv6.conf.eth0.hop_limit=64",
    ),
    Case(
        id="v6-off-where-it-comes-in",
        group="IPv6",
        title="the router knows the way, and the other end has lost its addresses",
        cause="disable_ipv6 is 1 at eth0 in b, which drops every IPv6 packet that comes in",
        source="common (a hardening guide's sysctl.conf)",
        lines=ROUTER6
        + """
            ip -n b link set eth0 address 02:00:00:00:00:0b
            ip -n r neigh replace fd02::2 lladdr 02:00:00:00:00:0b dev right nud permanent
            ip netns exec b sysctl -qw net.ipv6.conf.all.disable_ipv6=1
        """,
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("disable_ipv6", "IPv6 is off", "IPv6 is disabled", "IPv6 is switched off"), ("b",)),
        never=(*FILTERS, "forwarding is off"),
        mend="""
            ip netns exec b sysctl -qw net.ipv6.conf.all.disable_ipv6=0
            ip -n b addr add fd02::2/64 dev eth0 nodad
            ip -n b route add default via fd02::1
        """,
    ),
    Case(
        id="v6-packet-too-big",
        group="IPv6",
        title="small pings pass, large ones vanish",
        cause="right in r takes 1400 bytes (its MTU), and r's ICMPv6 packet-too-big is dropped",
        source="common (firewalls that drop ICMPv6)",
        lines=ROUTER6
        + """
            ip -n r link set right mtu 1400
            ip -n b link set eth0 mtu 1400
            ip netns exec r ip6tables -A OUTPUT -p icmpv6 --icmpv6-type packet-too-big -j DROP
        """,
        src="a",
        dst="fd02::2",
        how={"size": 1452},
        claim="a can reach fd02::2 with 1452 bytes",
        words=(("MTU", "too big", "too large"), ("1400",)),
        never=("ip6tables -vnL",),
        mend="""
            ip -n b link set eth0 mtu 1500
            ip -n r link set right mtu 1500
        """,
    ),
    Case(
        id="v6-solicitation-dropped",
        group="IPv6",
        title="a firewall for ICMP, and IPv6 is dead",
        cause="a rule of ip6tables INPUT in ns2 drops neighbour-solicitation (ICMPv6 type 135)",
        source="common (firewalls that drop ICMPv6)",
        lines=PAIR6 + "ip netns exec ns2 ip6tables -A INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j DROP",
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("INPUT", *NFT), DROPS, ("ns2",)),
        never=("iptables -vnL", *NOBODY, "does not leave"),
        netfilter=rule("INPUT", "135", "nd-neighbor-solicit", "neighbour-solicitation", family=IP6),
        mend="ip netns exec ns2 ip6tables -D INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j DROP",
    ),
    Case(
        id="v6-advertisement-dropped",
        group="IPv6",
        title="the MAC is asked for and told, and not heard",
        cause="a rule of ip6tables INPUT in ns1 drops neighbour-advertisement (ICMPv6 type 136)",
        source="common (firewalls that drop ICMPv6)",
        lines=PAIR6 + "ip netns exec ns1 ip6tables -A INPUT -p icmpv6 --icmpv6-type neighbour-advertisement -j DROP",
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("INPUT", *NFT), DROPS, ("ns1",)),
        never=("iptables -vnL", *NOBODY),
        netfilter=rule("INPUT", "136", "nd-neighbor-advert", "neighbour-advertisement", family=IP6),
        mend="ip netns exec ns1 ip6tables -D INPUT -p icmpv6 --icmpv6-type neighbour-advertisement -j DROP",
    ),
    Case(
        id="v6-off-at-the-sender",
        group="IPv6",
        title="cannot assign requested address",
        cause="disable_ipv6 is 1 in ns1, so ns1 has no IPv6 at all",
        source="common (hardening scripts, Docker without IPv6)",
        lines=PAIR6 + "ip netns exec ns1 sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("disable_ipv6", "IPv6 is off", "IPv6 is disabled", "IPv6 is switched off", "no IPv6"), ("ns1",)),
        never=FILTERS,
        mend="""
            ip netns exec ns1 sysctl -qw net.ipv6.conf.all.disable_ipv6=0
            ip -n ns1 addr add fd00::1/64 dev veth1 nodad
        """,
    ),
    Case(
        id="v6-rule",
        group="IPv6",
        title="a rule for IPv6 that `ip rule` does not show",
        cause="an IPv6 rule of r says that what is from fd01::/64 is unreachable (ip -6 rule)",
        source="common (policy routing)",
        lines=ROUTER6 + "ip -n r -6 rule add from fd01::/64 unreachable",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(RULE, ("unreachable",), ("r",)),
        never=FILTERS,
        mend="ip -n r -6 rule del from fd01::/64 unreachable",
    ),
    Case(
        id="v6-nd-proxy-missing",
        group="IPv6",
        title="a container behind the host has an address of the host's own network",
        cause="nobody answers for fd01::5 on a's cable: r has no ND proxy entry (proxy_ndp) for it at left",
        source="common (Docker's ndp proxying)",
        lines=ROUTER6
        + """
            ip -n b addr add fd01::5/128 dev eth0 nodad
            ip -n r -6 route add fd01::5 via fd02::2
            ip netns exec r sysctl -qw net.ipv6.conf.left.proxy_ndp=1
        """,
        src="a",
        dst="fd01::5",
        claim="a can reach fd01::5",
        words=(("fd01::5",), ("proxy_ndp", "ND proxy", "NDP", "proxy entry", "neigh* proxy", "proxies")),
        never=(*FILTERS, *NOBODY, "proxy_arp"),
        mend="ip -n r -6 neigh add proxy fd01::5 dev left",
    ),
    Case(
        id="v6-echo-ignored",
        group="IPv6",
        title="a host that answers pings over IPv4 only",
        cause="net.ipv6.icmp.echo_ignore_all is 1 in ns2",
        source="common",
        lines=PAIR6 + "ip netns exec ns2 sysctl -qw net.ipv6.icmp.echo_ignore_all=1",
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("echo_ignore_all", "ignores pings", "ignores echo*"), ("ns2",)),
        never=(*FILTERS, "does not leave"),
        mend="ip netns exec ns2 sysctl -qw net.ipv6.icmp.echo_ignore_all=0",
    ),
    Case(
        id="v6-blackhole",
        group="IPv6",
        title="the router swallows IPv6",
        cause="r has a route blackhole fd02::/80",
        source="common (calico's blocks)",
        lines=ROUTER6 + "ip -n r -6 route add blackhole fd02::/80",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("blackhole",), ("fd02::/80",), ("r",)),
        never=FILTERS,
        mend="ip -n r -6 route del blackhole fd02::/80",
    ),
    Case(
        id="v6-nft-policy",
        group="IPv6",
        title="a table for IPv6 only",
        cause="the policy of chain passing in nft table ip6 fence in r is drop",
        source="common",
        lines=ROUTER6
        + """
            ip netns exec r nft add table ip6 fence
            ip netns exec r nft 'add chain ip6 fence passing { type filter hook forward priority 0; policy drop; }'
        """,
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=((*NFT, "ip6 fence", "passing"), DROPS, ("r",)),
        never=("iptables", "ip6tables"),
        netfilter=policy("passing", table="fence", family=("ip6", "ip6 fence", "table ip6")),
        mend="ip netns exec r nft 'add chain ip6 fence passing { policy accept; }'",
    ),
    Case(
        id="v6-legacy-rule",
        group="IPv6",
        title="a fourth table of rules that nobody lists",
        cause="a rule of ip6tables-legacy FORWARD in r drops what is for fd02::/64",
        source="common (two iptables on one machine)",
        lines=ROUTER6 + "ip netns exec r ip6tables-legacy -A FORWARD -d fd02::/64 -j DROP",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("FORWARD",), DROPS, ("ip6tables-legacy", "legacy")),
        never=("iptables -vnL",),
        netfilter=rule("FORWARD", "fd02::/64", family=("ip6tables-legacy",)),
        mend="ip netns exec r ip6tables-legacy -D FORWARD -d fd02::/64 -j DROP",
    ),
    Case(
        id="v6-way-back-filtered",
        group="IPv6",
        title="firewalld checks the way back of IPv6",
        cause="a rule of chain filter_PREROUTING in nft table inet firewalld in r drops what has no way back by the "
        "same device (fib saddr)",
        source="common (firewalld's IPv6_rpfilter)",
        lines=ROUTER6
        + """
            ip -n r link add d0 type veth peer name d1
            ip -n r link set d0 up
            ip -n r link set d1 up
            ip -n a addr add fd07::7/128 dev eth0 nodad
            ip -n a -6 route replace default via fd01::1 src fd07::7
            ip -n r -6 route add fd07::7 dev d0
            ip netns exec r nft add table inet firewalld
            ip netns exec r nft 'add chain inet firewalld filter_PREROUTING { type filter hook prerouting priority 0; }'
            ip netns exec r nft add rule inet firewalld filter_PREROUTING meta nfproto ipv6 ip6 saddr fd07::/64 \
            fib saddr . iif oif missing drop
        """.replace("\\\n            ", ""),
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("filter_PREROUTING", "firewalld"), DROPS, ("r",)),
        never=("iptables", "ip6tables"),
        netfilter=rule("filter_PREROUTING", "fib saddr", table="firewalld", family=INET),
        mend="ip -n r -6 route replace fd07::7 via fd01::2",
    ),
    Case(
        id="v6-wrong-prefix-length",
        group="IPv6",
        title="two hosts on one cable, and one thinks the other is far",
        cause="ns2 has fd00::2/128, so it has no route to fd00::1",
        source="common",
        lines=PAIR
        + """
            ip -n ns1 addr add fd00::1/64 dev veth1 nodad
            ip -n ns2 addr add fd00::2/128 dev veth2 nodad
        """,
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("ns2",), ("/128", "no route to fd00::1", *NO_WAY_BACK)),
        never=FILTERS,
        mend="""
            ip -n ns2 addr del fd00::2/128 dev veth2
            ip -n ns2 addr add fd00::2/64 dev veth2 nodad
        """,
    ),
    Case(
        id="v6-stale-gateway",
        group="IPv6",
        title="the gateway's card was changed",
        cause="a's neighbour entry for fd01::1 is permanent and has an old MAC, 02:00:00:00:99:99",
        source="common",
        lines=ROUTER6 + "ip -n a -6 neigh replace fd01::1 lladdr 02:00:00:00:99:99 dev eth0 nud permanent",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("neighbour", "neigh"), ("02:00:00:00:99:99",)),
        never=FILTERS,
        mend="ip -n a -6 neigh del fd01::1 dev eth0",
    ),
    Case(
        id="v6-hop-limit-of-neighbour-discovery",
        group="IPv6",
        title="a rule against tethering, and nobody answers any more",
        cause="a rule in a gives also its questions for a MAC a hop limit of 64, and r takes only 255",
        source="common (--hl-set in mangle)",
        lines=ROUTER6 + "ip netns exec a ip6tables -t mangle -A POSTROUTING -j HL --hl-set 64",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("hop limit",), ("64",), ("255",)),
        netfilter=rule("POSTROUTING", "HL", table="mangle", family=IP6),
        never=NOBODY,
        mend="ip netns exec a ip6tables -t mangle -F",
    ),
    Case(
        id="v6-neighbour-of-who-asks",
        group="IPv6",
        title="the gateway answers, and not to the one who asked",
        cause="r has a permanent neighbour entry for fd02::2 with an old MAC, 02:00:00:00:99:99",
        source="common",
        lines=ROUTER6 + "ip -n r -6 neigh replace fd02::2 lladdr 02:00:00:00:99:99 dev right nud permanent",
        src="b",
        dst="fd01::2",
        claim="b can reach fd01::2",
        words=(("neighbour", "neigh"), ("02:00:00:00:99:99",), ("r",)),
        never=(*FILTERS, *NOBODY),
        mend="ip -n r -6 neigh del fd02::2 dev right",
    ),
    Case(
        id="v6-off-behind-the-router",
        group="IPv6",
        title="the router has IPv6 on one side only",
        cause="IPv6 is switched off at right in r (disable_ipv6)",
        source="common (hardening scripts)",
        lines=ROUTER6 + "ip netns exec r sysctl -qw net.ipv6.conf.right.disable_ipv6=1",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("disable_ipv6", "IPv6 is off", "IPv6 is disabled", "IPv6 is switched off", "no IPv6"), ("right",)),
        never=FILTERS,
        mend="""
            ip netns exec r sysctl -qw net.ipv6.conf.right.disable_ipv6=0
            ip -n r addr add fd02::1/64 dev right nodad
        """,
    ),
    Case(
        id="v6-fragments-dropped",
        group="IPv6",
        title="small pings pass, large ones do not, and no size is too large",
        cause="ip6tables FORWARD in r drops fragments",
        source="common (RFC 7872)",
        lines=ROUTER6 + "ip netns exec r ip6tables -A FORWARD -m frag -j DROP",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2 with 3000 bytes in pieces",
        how={"size": 3000},
        words=(DROPS, ("frag*",)),
        netfilter=rule("FORWARD", "frag", family=IP6),
        never=("MTU",),
        mend="ip netns exec r ip6tables -F FORWARD",
        probe="ip netns exec a ping -n -c 1 -W 1 -s 3000 fd02::2",
    ),
    Case(
        id="v6-arp-off",
        group="IPv6",
        title="a device with NOARP answers nobody",
        cause="ARP is switched off at eth0 in b (NOARP), and with it neighbour discovery",
        source="common (ip link set arp off)",
        lines=ROUTER6 + "ip -n b link set eth0 arp off",
        src="a",
        dst="fd02::2",
        claim="a can reach fd02::2",
        words=(("NOARP", "ARP is switched off", "arp off"), ("b",)),
        never=(*FILTERS, *NOBODY),
        mend="ip -n b link set eth0 arp on",
    ),
]
