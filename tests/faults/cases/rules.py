"""Which rules of policy routing lead astray? The tables they name are empty, dead or never asked."""

from ..case import Case
from .networks import ROUTER
from .words import FILTERS, RULE

CASES = [
    Case(
        id="rule-with-a-dead-table",
        group="rules",
        title="policy routing sends it elsewhere",
        cause="a rule of a sends 10.2.0.0/24 to table 100, whose gateway 10.1.0.99 nobody has",
        source="common",
        lines=ROUTER
        + """
            ip -n a rule add to 10.2.0.0/24 table 100
            ip -n a route add default via 10.1.0.99 table 100
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*RULE, "table 100", "lookup 100"), ("10.1.0.99",)),
        never=FILTERS,
        mend="ip -n a rule del to 10.2.0.0/24 table 100",
    ),
    Case(
        id="rule-that-prohibits",
        group="rules",
        title="prohibited, but no firewall",
        cause="a rule of r prohibits 10.2.0.0/24",
        source="common",
        lines=ROUTER + "ip -n r rule add to 10.2.0.0/24 prohibit",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("prohibit*",)),
        never=FILTERS,
        mend="ip -n r rule del to 10.2.0.0/24 prohibit",
    ),
    Case(
        id="rule-that-swallows",
        group="rules",
        title="one sender's packets vanish",
        cause="a rule of r is a blackhole for 10.1.0.2",
        source="common",
        lines=ROUTER + "ip -n r rule add from 10.1.0.2 blackhole",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("blackhole",)),
        never=FILTERS,
        mend="ip -n r rule del from 10.1.0.2 blackhole",
    ),
    Case(
        id="rule-with-an-unreachable-table",
        group="rules",
        title="one sender is unreachable",
        cause="a rule of r sends what is from 10.1.0.2 to table 77, where everything is unreachable",
        source="common",
        lines=ROUTER
        + """
            ip -n r route add unreachable default table 77
            ip -n r rule add from 10.1.0.2 lookup 77
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*RULE, "table 77", "lookup 77"), ("unreachable",)),
        never=FILTERS,
        mend="ip -n r rule del from 10.1.0.2 lookup 77",
    ),
    Case(
        id="rule-for-a-mark",
        group="rules",
        title="ping is marked, and goes another way",
        cause="iptables marks what a sends with 1, and a rule of a sends fwmark 1 to table 50, which leads to nobody",
        source="common (VPN kill switches)",
        lines=ROUTER
        + """
            ip netns exec a iptables -t mangle -A OUTPUT -p icmp -j MARK --set-mark 1
            ip -n a rule add fwmark 1 table 50
            ip -n a route add default via 10.1.0.99 table 50
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*RULE, "table 50", "lookup 50"), ("fwmark", "mark", "10.1.0.99", "table 50", "lookup 50")),
        never=("iptables -vnL",),
        mend="ip -n a rule del fwmark 1 table 50",
    ),
    Case(
        id="rule-for-a-device",
        group="rules",
        title="the router sends what comes from one side elsewhere",
        cause="a rule of r sends what comes in by left to table 60, whose gateway 10.2.0.99 nobody has",
        source="common (multi-WAN routers)",
        lines=ROUTER
        + """
            ip -n r rule add iif left lookup 60
            ip -n r route add default via 10.2.0.99 table 60
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*RULE, "table 60", "lookup 60"), ("10.2.0.99",)),
        never=FILTERS,
        mend="ip -n r rule del iif left lookup 60",
    ),
    Case(
        id="rule-for-the-answer",
        group="rules",
        title="the answer is routed by its source",
        cause="a rule of b sends what is from 10.2.0.2 to table 70, whose gateway 10.2.0.99 nobody has",
        source="https://techresolve.blog/2026/03/04/a-routing-issue-i-cannot-figure-out-any-help-appr/",
        lines=ROUTER
        + """
            ip -n b rule add from 10.2.0.2 lookup 70
            ip -n b route add default via 10.2.0.99 table 70
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*RULE, "table 70", "lookup 70"), ("10.2.0.99",), ("b",)),
        never=FILTERS,
        mend="ip -n b rule del from 10.2.0.2 lookup 70",
    ),
    Case(
        id="rule-for-the-senders-own-address",
        group="rules",
        title="the second uplink is gone, the rule for its address is not",
        cause="a rule of a sends what has its own address as source to table 77, where everything is unreachable",
        source="common (source-based routing for two uplinks)",
        lines=ROUTER
        + """
            ip -n a rule add from 10.1.0.2 lookup 77
            ip -n a route add unreachable default table 77
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("77",)),
        never=FILTERS,
        mend="ip -n a rule del from 10.1.0.2 lookup 77",
    ),
    Case(
        id="default-route-suppressed",
        group="rules",
        title="a VPN has left one of its rules, and taken another one with it",
        cause="the only rule of a that looks up table main does not take its default route (suppress_prefixlength 0)",
        source="common (wg-quick)",
        lines=ROUTER
        + """
            ip -n a rule add pref 100 lookup main suppress_prefixlength 0
            ip -n a rule del pref 32766
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("main",), ("suppress_prefixlength",)),
        never=FILTERS,
        mend="ip -n a rule add pref 32766 lookup main",
    ),
    Case(
        id="main-table-not-asked",
        group="rules",
        title="the route is there, and still the network is unreachable",
        cause="no rule of a looks up table main",
        source="common (ip rule flush)",
        lines=ROUTER + "ip -n a rule del lookup main",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("main",)),
        never=FILTERS,
        mend="ip -n a rule add lookup main pref 32766",
    ),
    Case(
        id="local-table-not-asked",
        group="rules",
        title="a host that does not know its own address",
        cause="no rule of b looks up table local, so b does not take 10.2.0.2 for its own",
        source="common (ip rule flush)",
        lines=ROUTER + "ip -n b rule del lookup local",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("local",), ("b",)),
        never=FILTERS,
        mend="ip -n b rule add lookup local pref 0",
    ),
    Case(
        id="rule-for-ping-only",
        group="rules",
        title="TCP works, ping does not",
        cause="a rule of r is a blackhole for ipproto icmp",
        source="common",
        lines=ROUTER + "ip -n r rule add ipproto icmp to 10.2.0.0/24 blackhole",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("blackhole",)),
        never=FILTERS,
        mend="ip -n r rule del ipproto icmp to 10.2.0.0/24 blackhole",
    ),
    Case(
        id="rule-of-a-vpn",
        group="rules",
        title="a VPN that is gone has left its rules",
        cause="rules of a ignore the default route of main (suppress_prefixlength 0) and look up table 51820, where "
        "everything is unreachable",
        source="common (wg-quick)",
        lines=ROUTER
        + """
            ip -n a rule add pref 200 lookup 51820
            ip -n a rule add pref 100 lookup main suppress_prefixlength 0
            ip -n a route add unreachable default table 51820
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("rule", "rules", "policy routing"), ("51820",)),
        never=FILTERS,
        mend="ip -n a rule del pref 200",
    ),
    Case(
        id="rule-for-a-mark-of-the-router",
        group="rules",
        title="the router marks pings, and what is marked goes nowhere",
        cause="iptables in r marks them with 5, and a rule of r sends fwmark 5 to table 9, which has a blackhole only",
        source="common (load over two uplinks)",
        lines=ROUTER
        + """
            ip netns exec r iptables -t mangle -A PREROUTING -p icmp -j MARK --set-mark 5
            ip -n r rule add fwmark 5 table 9
            ip -n r route add blackhole default table 9
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(RULE, ("fwmark", "mark*"), ("r",)),
        never=("iptables -vnL",),
        mend="ip -n r rule del fwmark 5 table 9",
    ),
    Case(
        id="rule-for-the-way-back",
        group="rules",
        title="strict rp_filter, and a rule that only the way back meets",
        cause="rp_filter in r drops what a sends: a rule of r, to table 77, leads the way back by the wrong device",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r sysctl -qw net.ipv4.conf.all.rp_filter=1
            ip -n r rule add to 10.1.0.2 table 77
            ip -n r route add 10.1.0.0/24 dev right table 77
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("rp_filter", "reverse path"), RULE, ("77",)),
        never=FILTERS,
        mend="ip -n r rule del to 10.1.0.2 table 77",
    ),
]
