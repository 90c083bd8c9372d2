"""Which filters drop? iptables of both kinds, nft in every family, ebtables and arptables: rules and policies."""

from ..case import Case
from .networks import BRIDGE, PAIR, ROUTER, TWO_WAYS
from .words import ARP_FAMILY, BRIDGE_FAMILY, DROPS, FILTERS, INET, LEGACY, NETDEV, NFT, NOBODY, policy, rule

CASES = [
    Case(
        id="bridged-packets-filtered",
        group="filters",
        title="two containers on one bridge: ARP works, ping does not",
        cause="bridge-nf-call-iptables is 1, so iptables FORWARD, whose policy is DROP, gets bridged packets",
        source="https://routemyip.com/posts/linux/networking/bridge-netfilter-unexpected-consequences",
        lines=BRIDGE
        + """
            sysctl -qw net.bridge.bridge-nf-call-iptables=1
            iptables -P FORWARD DROP
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("FORWARD",), DROPS, ("bridge-nf-call-iptables", "bridge-nf", "br_netfilter")),
        netfilter=policy("FORWARD"),
        mend="iptables -P FORWARD ACCEPT",
    ),
    Case(
        id="bridge-hands-over-by-itself",
        group="filters",
        title="the setting is off, and bridged packets meet iptables all the same",
        cause="nf_call_iptables of br0 is 1, so iptables FORWARD, whose policy is DROP, gets bridged packets",
        source="common",
        lines=BRIDGE
        + """
            sysctl -qw net.bridge.bridge-nf-call-iptables=0
            ip link set br0 type bridge nf_call_iptables 1
            iptables -P FORWARD DROP
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("FORWARD",), DROPS, ("nf_call_iptables",), ("br0",)),
        netfilter=policy("FORWARD"),
        mend="iptables -P FORWARD ACCEPT",
    ),
    Case(
        id="forward-policy",
        group="filters",
        title="Docker was installed on the router",
        cause="the policy of iptables FORWARD is DROP in r",
        source="flannel-io/flannel#1085",
        lines=ROUTER + "ip netns exec r iptables -P FORWARD DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS),
        netfilter=policy("FORWARD"),
        mend="ip netns exec r iptables -P FORWARD ACCEPT",
    ),
    Case(
        id="one-forward-rule",
        group="filters",
        title="two networks kept apart",
        cause="a rule of iptables FORWARD in r drops what goes from 10.1.0.0/24 to 10.2.0.0/24",
        source="common (Docker's isolation)",
        lines=ROUTER + "ip netns exec r iptables -A FORWARD -s 10.1.0.0/24 -d 10.2.0.0/24 -j DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS),
        netfilter=rule("FORWARD", "10.1.0.0/24"),
        mend="ip netns exec r iptables -D FORWARD -s 10.1.0.0/24 -d 10.2.0.0/24 -j DROP",
    ),
    Case(
        id="answers-dropped",
        group="filters",
        title="the question passes, the answer does not",
        cause="a rule of iptables FORWARD in r drops what comes from 10.2.0.2",
        source="common",
        lines=ROUTER + "ip netns exec r iptables -A FORWARD -s 10.2.0.2 -j DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS, ("10.2.0.2",)),
        netfilter=rule("FORWARD", "10.2.0.2"),
        mend="ip netns exec r iptables -D FORWARD -s 10.2.0.2 -j DROP",
    ),
    Case(
        id="stateful-firewall",
        group="filters",
        title="only answers may pass",
        cause="r lets through only established connections and what comes from 10.2.0.0/24; FORWARD drops the rest",
        source="https://techresolve.blog/2026/03/04/a-routing-issue-i-cannot-figure-out-any-help-appr/",
        lines=ROUTER
        + """
            ip netns exec r iptables -P FORWARD DROP
            ip netns exec r iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
            ip netns exec r iptables -A FORWARD -s 10.2.0.0/24 -j ACCEPT
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS),
        netfilter=policy("FORWARD"),
        mend="ip netns exec r iptables -A FORWARD -s 10.1.0.0/24 -j ACCEPT",
    ),
    Case(
        id="reject",
        group="filters",
        title="host administratively prohibited",
        cause="iptables FORWARD in r rejects everything",
        source="k3s-io/k3s#1719",
        lines=ROUTER + "ip netns exec r iptables -A FORWARD -j REJECT --reject-with icmp-host-prohibited",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD", "iptables"), ("REJECT*",)),
        netfilter=rule("FORWARD", "icmp-host-prohibited", "REJECT"),
        mend="ip netns exec r iptables -D FORWARD -j REJECT --reject-with icmp-host-prohibited",
    ),
    Case(
        id="legacy-forward-policy",
        group="filters",
        title="iptables shows nothing, and still it drops",
        cause="the policy of iptables-legacy FORWARD is DROP in r",
        source="common (two iptables on one machine)",
        lines=ROUTER + "ip netns exec r iptables-legacy -P FORWARD DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS, ("legacy", "iptables-legacy")),
        netfilter=policy("FORWARD", family=LEGACY),
        mend="ip netns exec r iptables-legacy -P FORWARD ACCEPT",
    ),
    Case(
        id="raw-rule",
        group="filters",
        title="the filter table is empty, and still it drops",
        cause="a rule in the raw table of r drops ICMP in PREROUTING",
        source="common (hardening scripts)",
        lines=ROUTER + "ip netns exec r iptables -t raw -A PREROUTING -p icmp -j DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("raw", "PREROUTING"), DROPS),
        never=("iptables -vnL",),  # which shows another table
        netfilter=rule("PREROUTING", "-p icmp", "ip protocol icmp", "meta l4proto icmp", table="raw"),
        mend="ip netns exec r iptables -t raw -D PREROUTING -p icmp -j DROP",
    ),
    Case(
        id="input-rule",
        group="filters",
        title="the firewall of the container",
        cause="iptables INPUT in ns2 drops ICMP",
        source="common",
        lines=PAIR + "ip netns exec ns2 iptables -A INPUT -p icmp -j DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("INPUT", "iptables"), DROPS, ("ns2",)),
        never=("does not leave",),
        netfilter=rule("INPUT", "-p icmp", "ip protocol icmp", "meta l4proto icmp"),
        mend="ip netns exec ns2 iptables -D INPUT -p icmp -j DROP",
    ),
    Case(
        id="output-policy",
        group="filters",
        title="operation not permitted",
        cause="the policy of iptables OUTPUT is DROP in ns1",
        source="common",
        lines=PAIR + "ip netns exec ns1 iptables -P OUTPUT DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("OUTPUT", "iptables"), DROPS, ("ns1",)),
        netfilter=policy("OUTPUT"),
        mend="ip netns exec ns1 iptables -P OUTPUT ACCEPT",
    ),
    Case(
        id="nft-input-policy",
        group="filters",
        title="nftables, not iptables",
        cause="nft table inet filter in ns2: the policy of its input chain is drop",
        source="common",
        lines=PAIR + "ip netns exec ns2 nft 'add table inet filter; add chain inet filter input "
        "{ type filter hook input priority 0; policy drop; }'",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "inet filter", "chain input", "input chain"), DROPS, ("ns2",)),
        never=("iptables", "does not leave"),
        netfilter=policy("input", family=INET),
        mend="ip netns exec ns2 nft 'add chain inet filter input { policy accept; }'",
    ),
    Case(
        id="nft-bridge-policy",
        group="filters",
        title="the bridge itself filters",
        cause="nft table bridge f: the policy of its forward chain is drop",
        source="common",
        lines=BRIDGE
        + "nft 'add table bridge f; add chain bridge f fw { type filter hook forward priority 0; policy drop; }'",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "ebtables", "table bridge", "bridge filter"), DROPS),
        never=("iptables",),
        netfilter=policy("fw", table="f", family=BRIDGE_FAMILY),
        mend="nft 'add chain bridge f fw { policy accept; }'",
    ),
    Case(
        id="ebtables-arp",
        group="filters",
        title="the bridge lets no ARP through",
        cause="ebtables FORWARD drops ARP",
        source="common",
        lines=BRIDGE + "ebtables -A FORWARD -p ARP -j DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "ebtables", "table bridge", "bridge filter"), DROPS),
        never=("iptables",),
        netfilter=rule("FORWARD", "-p ARP", "ether type arp", family=BRIDGE_FAMILY),
        mend="ebtables -D FORWARD -p ARP -j DROP",
    ),
    Case(
        id="ebtables-ip",
        group="filters",
        title="the bridge lets ARP through, and no IP",
        cause="ebtables FORWARD drops IPv4; what br_netfilter hands to iptables has nothing to do with it",
        source="common",
        lines=BRIDGE
        + """
            sysctl -qw net.bridge.bridge-nf-call-iptables=1
            ebtables -A FORWARD -p IPv4 -j DROP
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "ebtables", "table bridge", "bridge filter"), DROPS),
        never=("iptables", "bridge-nf-call-iptables"),
        netfilter=rule("FORWARD", "-p IPv4", "ether type ip", family=BRIDGE_FAMILY),
        mend="ebtables -D FORWARD -p IPv4 -j DROP",
    ),
    Case(
        id="netdev-policy",
        group="filters",
        title="dropped before iptables sees it",
        cause="nft table netdev f in ns2: its ingress chain at veth2 drops everything",
        source="common",
        lines=PAIR + "ip netns exec ns2 nft 'add table netdev f; add chain netdev f in "
        "{ type filter hook ingress device veth2 priority 0; policy drop; }'",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "netdev", "ingress"), DROPS),
        never=("iptables",),
        netfilter=policy("in", table="f", family=NETDEV),
        mend="ip netns exec ns2 nft 'add chain netdev f in { policy accept; }'",
    ),
    Case(
        id="untracked-and-stateful",
        group="filters",
        title="a firewall that asks for states that nothing has",
        cause="r does not track what comes from a, and FORWARD drops what has no state",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r iptables -t raw -A PREROUTING -s 10.1.0.2 -j CT --notrack
            ip netns exec r iptables -A FORWARD -m conntrack ! --ctstate NEW,ESTABLISHED,RELATED -j DROP
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS),
        netfilter=rule("FORWARD", "ctstate", "ct state"),
        mend="ip netns exec r iptables -t raw -D PREROUTING -s 10.1.0.2 -j CT --notrack",
    ),
    Case(
        id="rule-in-a-chain-of-its-own",
        group="filters",
        title="a chain that an administrator filled",
        cause="a rule of iptables chain DOCKER-USER, to which FORWARD jumps, drops what comes in by left in r",
        source="common (Docker's DOCKER-USER)",
        lines=ROUTER
        + """
            ip netns exec r iptables -N DOCKER-USER
            ip netns exec r iptables -A FORWARD -j DOCKER-USER
            ip netns exec r iptables -A DOCKER-USER -i left -j DROP
            ip netns exec r iptables -A DOCKER-USER -j RETURN
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("DOCKER-USER",), DROPS, ("r",)),
        netfilter=rule("DOCKER-USER", "-i left", 'iifname "left"', "iifname left"),
        mend="ip netns exec r iptables -D DOCKER-USER -i left -j DROP",
    ),
    Case(
        id="mangle-rule",
        group="filters",
        title="a table that nobody lists",
        cause="a rule of iptables' mangle table in r drops in FORWARD what is for 10.2.0.0/24",
        source="common (anti-DDoS scripts)",
        lines=ROUTER + "ip netns exec r iptables -t mangle -A FORWARD -d 10.2.0.0/24 -j DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("mangle",), DROPS, ("r",)),
        never=("iptables -vnL",),
        netfilter=rule("FORWARD", "10.2.0.0/24", table="mangle"),
        mend="ip netns exec r iptables -t mangle -D FORWARD -d 10.2.0.0/24 -j DROP",
    ),
    Case(
        id="ttl-rule",
        group="filters",
        title="time to live exceeded after one hop",
        cause="a rule of iptables' mangle table in a sets the TTL to 1, so r drops the packet",
        source="common (tethering)",
        lines=ROUTER + "ip netns exec a iptables -t mangle -A POSTROUTING -j TTL --ttl-set 1",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("TTL", "time to live"), ("mangle", "rule", "POSTROUTING")),
        never=("loop*",),
        netfilter=rule("POSTROUTING", "TTL", "ttl", table="mangle"),
        mend="ip netns exec a iptables -t mangle -D POSTROUTING -j TTL --ttl-set 1",
    ),
    Case(
        id="set-of-addresses",
        group="filters",
        title="one address is on a block list",
        cause="a rule of iptables FORWARD in r drops what is in the set blocked, and 10.1.0.2 is",
        source="common (fail2ban, ipset)",
        lines=ROUTER
        + """
            ip netns exec r ipset create blocked hash:ip
            ip netns exec r ipset add blocked 10.1.0.2
            ip netns exec r iptables -A FORWARD -m set --match-set blocked src -j DROP
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("FORWARD",), DROPS, ("blocked",)),
        netfilter=rule("FORWARD", "blocked"),
        mend="ip netns exec r ipset del blocked 10.1.0.2",
    ),
    Case(
        id="mac-rule",
        group="filters",
        title="one card is not let in",
        cause="a rule of iptables INPUT in ns2 drops what comes from MAC 02:00:00:00:00:01",
        source="common",
        lines=PAIR
        + """
            ip -n ns1 link set veth1 address 02:00:00:00:00:01
            ip netns exec ns2 iptables -A INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("INPUT",), DROPS, ("ns2",)),
        never=("does not leave",),
        netfilter=rule("INPUT", "02:00:00:00:00:01"),
        mend="ip netns exec ns2 iptables -D INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP",
    ),
    Case(
        id="length-rule",
        group="filters",
        title="small pings pass, large ones do not, and it is not the MTU",
        cause="a rule of iptables FORWARD in r drops packets of 1000 bytes and more",
        source="common (ping of death rules)",
        lines=ROUTER + "ip netns exec r iptables -A FORWARD -m length --length 1000:65535 -j DROP",
        src="a",
        dst="b",
        how={"size": 1200},
        claim="a can reach b with 1200 bytes",
        words=(("FORWARD",), DROPS),
        never=("MTU",),
        netfilter=rule("FORWARD", "length"),
        mend="ip netns exec r iptables -D FORWARD -m length --length 1000:65535 -j DROP",
    ),
    Case(
        id="one-way-through-a-stateful-router",
        group="filters",
        title="there by one router, back by another one that has not seen the question",
        cause="r2 sees only the answer, and a rule of its iptables FORWARD drops what is INVALID",
        source="https://techresolve.blog/2026/03/04/a-routing-issue-i-cannot-figure-out-any-help-appr/",
        lines=TWO_WAYS + "ip netns exec r2 iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP",
        src="a",
        dst="10.2.0.2",
        claim="a can reach 10.2.0.2",
        words=(("FORWARD",), DROPS, ("r2",)),
        netfilter=rule("FORWARD", "INVALID"),
        mend="ip netns exec r2 iptables -D FORWARD -m conntrack --ctstate INVALID -j DROP",
    ),
    Case(
        id="rpfilter-rule",
        group="filters",
        title="rp_filter is 0, and still the router drops by the way back",
        cause="a rule of r2's raw table (rpfilter) drops in PREROUTING what would not be answered by the same device",
        source="projectcalico/calico#4630",
        lines=TWO_WAYS
        + """
            ip -n r2 route replace 10.1.0.0/24 via 10.4.0.2
            ip -n a route replace 10.2.0.0/24 via 10.3.0.1 src 10.1.0.2
            ip -n b route replace 10.1.0.0/24 via 10.2.0.1
            ip -n r2 route add 10.2.0.0/24 via 10.4.0.2
            ip netns exec r2 iptables -t raw -A PREROUTING -m rpfilter --invert -j DROP
        """,
        src="a",
        dst="10.2.0.2",
        claim="a can reach 10.2.0.2",
        words=(("rpfilter", "PREROUTING"), DROPS, ("r2",)),
        never=("iptables -vnL",),
        netfilter=rule("PREROUTING", "rpfilter", "fib", table="raw"),
        mend="ip netns exec r2 iptables -t raw -D PREROUTING -m rpfilter --invert -j DROP",
    ),
    Case(
        id="answer-dropped-at-the-end",
        group="filters",
        title="the question arrives, the answer is not allowed out",
        cause="a rule of iptables OUTPUT in ns2 drops echo-reply",
        source="common",
        lines=PAIR + "ip netns exec ns2 iptables -A OUTPUT -p icmp --icmp-type echo-reply -j DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("OUTPUT",), DROPS, ("ns2",)),
        netfilter=rule("OUTPUT", "echo-reply", "--icmp-type 0"),
        mend="ip netns exec ns2 iptables -D OUTPUT -p icmp --icmp-type echo-reply -j DROP",
    ),
    Case(
        id="queue-for-nobody",
        group="filters",
        title="an intrusion detection system that was stopped",
        cause="a rule of iptables FORWARD in r hands packets to queue 3 (NFQUEUE), where no program listens",
        source="common (Suricata, Snort)",
        lines=ROUTER + "ip netns exec r iptables -A FORWARD -j NFQUEUE --queue-num 3",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("NFQUEUE", "queue"), ("FORWARD", "rule"), ("r",)),
        netfilter=rule("FORWARD", "NFQUEUE"),
        mend="ip netns exec r iptables -D FORWARD -j NFQUEUE --queue-num 3",
    ),
    Case(
        id="legacy-raw-rule",
        group="filters",
        title="neither iptables nor nft shows it",
        cause="a rule of iptables-legacy's raw table in r drops in PREROUTING what comes from 10.1.0.2",
        source="common (two iptables on one machine)",
        lines=ROUTER + "ip netns exec r iptables-legacy -t raw -A PREROUTING -s 10.1.0.2 -j DROP",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("PREROUTING", "raw"), DROPS, ("legacy", "iptables-legacy")),
        netfilter=rule("PREROUTING", "10.1.0.2", table="raw", family=LEGACY),
        mend="ip netns exec r iptables-legacy -t raw -D PREROUTING -s 10.1.0.2 -j DROP",
    ),
    Case(
        id="legacy-rule-at-the-end",
        group="filters",
        title="two iptables at the end of the way",
        cause="a rule of iptables-legacy INPUT in ns2 rejects ICMP",
        source="common (two iptables on one machine)",
        lines=PAIR + "ip netns exec ns2 iptables-legacy -A INPUT -p icmp -j REJECT",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("INPUT",), ("REJECT*",), ("legacy", "iptables-legacy")),
        netfilter=rule("INPUT", "-p icmp", family=LEGACY),
        mend="ip netns exec ns2 iptables-legacy -D INPUT -p icmp -j REJECT",
    ),
    Case(
        id="nft-chain-of-its-own",
        group="filters",
        title="a jump, and then a drop",
        cause="a rule of chain checks in nft table ip guard, to which passing jumps, drops what is for 10.2.0.2 in r",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r nft add table ip guard
            ip netns exec r nft 'add chain ip guard passing { type filter hook forward priority 0; }'
            ip netns exec r nft add chain ip guard checks
            ip netns exec r nft add rule ip guard passing jump checks
            ip netns exec r nft add rule ip guard checks ip daddr 10.2.0.2 drop
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("checks", *NFT), DROPS, ("r",)),
        never=("iptables",),
        netfilter=rule("checks", "ip daddr 10.2.0.2", table="guard", family=("ip", "ip guard", "table ip")),
        mend="ip netns exec r nft flush chain ip guard checks",
    ),
    Case(
        id="nft-reject",
        group="filters",
        title="administratively prohibited, by nft",
        cause="a rule of nft table inet fence in r rejects in chain passing what comes in by left",
        source="flannel-io/flannel#2055",
        lines=ROUTER
        + """
            ip netns exec r nft add table inet fence
            ip netns exec r nft 'add chain inet fence passing { type filter hook forward priority 0; }'
            ip netns exec r nft 'add rule inet fence passing iifname "left" reject with icmpx admin-prohibited'
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*NFT, "inet fence", "passing"), ("REJECT*",), ("r",)),
        never=("iptables",),
        netfilter=rule("passing", "reject with icmpx", "iifname", table="fence", family=INET),
        mend="ip netns exec r nft flush chain inet fence passing",
    ),
    Case(
        id="accepted-and-then-dropped",
        group="filters",
        title="iptables accepts it, and still it is dropped",
        cause="accept is not final: the policy of chain later in nft table inet fence in r is drop",
        source="flannel-io/flannel#2055",
        lines=ROUTER
        + """
            ip netns exec r iptables -A FORWARD -j ACCEPT
            ip netns exec r nft add table inet fence
            ip netns exec r nft 'add chain inet fence later { type filter hook forward priority 10; policy drop; }'
            ip netns exec r nft add rule inet fence later tcp dport 22 accept
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*NFT, "inet fence", "later"), DROPS, ("r",)),
        netfilter=policy("later", table="fence", family=INET),
        mend="ip netns exec r nft 'add chain inet fence later { policy accept; }'",
    ),
    Case(
        id="nft-verdict-map",
        group="filters",
        title="a map decides",
        cause="a map (vmap) in chain passing of nft table ip guard in r drops what is for 10.2.0.2",
        source="common (kube-proxy in nftables mode)",
        lines=ROUTER
        + """
            ip netns exec r nft add table ip guard
            ip netns exec r nft 'add chain ip guard passing { type filter hook forward priority 0; }'
            ip netns exec r nft 'add rule ip guard passing ip daddr vmap { 10.2.0.2 : drop, 10.2.0.3 : accept }'
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*NFT, "ip guard", "passing"), DROPS, ("r",)),
        never=("iptables",),
        netfilter=rule("passing", "vmap", table="guard", family=("ip", "ip guard", "table ip")),
        mend="ip netns exec r nft flush chain ip guard passing",
    ),
    Case(
        id="nft-arp-policy",
        group="filters",
        title="ARP has a filter of its own",
        cause="the policy of chain asked in nft table arp hush in ns2 is drop",
        source="common",
        lines=PAIR
        + """
            ip netns exec ns2 nft add table arp hush
            ip netns exec ns2 nft 'add chain arp hush asked { type filter hook input priority 0; policy drop; }'
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "arptables", "table arp", "arp hush"), DROPS, ("ns2",)),
        never=("iptables", *NOBODY),
        netfilter=policy("asked", table="hush", family=("arp", "arp hush", "table arp")),
        mend="ip netns exec ns2 nft 'add chain arp hush asked { policy accept; }'",
    ),
    Case(
        id="arptables-rule",
        group="filters",
        title="questions of one address are not heard",
        cause="a rule of arptables INPUT in ns2 drops what 10.0.0.1 asks",
        source="common (LVS real servers)",
        lines=PAIR + "ip netns exec ns2 arptables -A INPUT -s 10.0.0.1 -j DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "arptables", "table arp", "arp filter"), DROPS, ("ns2",)),
        never=("iptables", *NOBODY),
        netfilter=rule("INPUT", "10.0.0.1", family=ARP_FAMILY),
        mend="ip netns exec ns2 arptables -D INPUT -s 10.0.0.1 -j DROP",
    ),
    Case(
        id="arptables-output",
        group="filters",
        title="a host that must not answer ARP",
        cause="a rule of arptables OUTPUT in ns2 drops what is from 10.0.0.2",
        source="common (LVS real servers)",
        lines=PAIR + "ip netns exec ns2 arptables -A OUTPUT -s 10.0.0.2 -j DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "arptables", "table arp", "arp filter"), DROPS, ("ns2",)),
        never=("iptables", *NOBODY),
        netfilter=rule("OUTPUT", "10.0.0.2", family=ARP_FAMILY),
        mend="ip netns exec ns2 arptables -D OUTPUT -s 10.0.0.2 -j DROP",
    ),
    Case(
        id="nft-bridge-rule",
        group="filters",
        title="the bridge lets one MAC pass, not the other",
        cause="a rule of chain entry in nft table bridge f on master drops what comes from MAC 02:00:00:00:00:01",
        source="common (libvirt's no-mac-spoofing)",
        lines=BRIDGE
        + """
            ip -n ns1 link set eth0 address 02:00:00:00:00:01
            nft add table bridge f
            nft 'add chain bridge f entry { type filter hook prerouting priority 0; }'
            nft add rule bridge f entry ether saddr 02:00:00:00:00:01 drop
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "table bridge", "bridge f"), DROPS),
        never=("iptables",),
        netfilter=rule("entry", "02:00:00:00:00:01", table="f", family=BRIDGE_FAMILY),
        mend="nft flush chain bridge f entry",
    ),
    Case(
        id="ebtables-ip-rule",
        group="filters",
        title="ARP passes the bridge, pings do not",
        cause="a rule of ebtables FORWARD drops IPv4 that comes from 192.168.30.1",
        source="common (libvirt's no-ip-spoofing)",
        lines=BRIDGE + "ebtables -A FORWARD -p IPv4 --ip-src 192.168.30.1 -j DROP",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "ebtables", "table bridge", "bridge filter"), DROPS),
        never=("iptables",),
        netfilter=rule("FORWARD", "192.168.30.1", family=BRIDGE_FAMILY),
        mend="ebtables -D FORWARD -p IPv4 --ip-src 192.168.30.1 -j DROP",
    ),
    Case(
        id="ebtables-rewrites-the-mac",
        group="filters",
        title="frames get another MAC on the bridge",
        cause="a rule of ebtables' nat table rewrites the MAC of what is for ns2 to 02:00:00:00:99:99",
        source="common (MAC NAT for wireless cards)",
        lines=BRIDGE
        + """
            ip -n ns2 link set eth0 address 02:00:00:00:00:02
            ebtables -t nat -A PREROUTING -d 02:00:00:00:00:02 -j dnat --to-destination 02:00:00:00:99:99
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "ebtables", "table bridge"), ("02:00:00:00:99:99", "rewrit*", "dnat")),
        never=("iptables",),
        netfilter=rule("PREROUTING", "02:00:00:00:99:99", table="nat", family=(*BRIDGE_FAMILY, "bridge nat")),
        mend="ebtables -t nat -D PREROUTING -d 02:00:00:00:00:02 -j dnat --to-destination 02:00:00:00:99:99",
    ),
    Case(
        id="netdev-rule",
        group="filters",
        title="dropped at the card",
        cause="a rule of chain early in nft table netdev door in r drops ICMP that comes in by left (ingress)",
        source="common (DDoS protection)",
        lines=ROUTER
        + """
            ip netns exec r nft add table netdev door
            ip netns exec r nft 'add chain netdev door early { type filter hook ingress device left priority 0; }'
            ip netns exec r nft add rule netdev door early ip protocol icmp drop
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*NFT, "netdev", "ingress"), DROPS, ("r",)),
        never=("iptables",),
        netfilter=rule("early", "ip protocol icmp", table="door", family=NETDEV),
        mend="ip netns exec r nft flush chain netdev door early",
    ),
    Case(
        id="netdev-egress",
        group="filters",
        title="dropped when it has all but left",
        cause="a rule of chain late in nft table netdev door in r drops what leaves by right (egress) for 10.2.0.2",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r nft add table netdev door
            ip netns exec r nft 'add chain netdev door late { type filter hook egress device right priority 0; }'
            ip netns exec r nft add rule netdev door late ip daddr 10.2.0.2 drop
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*NFT, "netdev", "egress"), DROPS, ("r",)),
        never=("iptables",),
        netfilter=rule("late", "ip daddr 10.2.0.2", table="door", family=NETDEV),
        mend="ip netns exec r nft flush chain netdev door late",
    ),
    Case(
        id="inet-ingress",
        group="filters",
        title="a table for IPv4 and IPv6 that filters at the card",
        cause="the policy of chain early in nft table inet door in ns2 is drop, at veth2's ingress",
        source="common",
        lines=PAIR
        + """
            ip netns exec ns2 nft add table inet door
            ip netns exec ns2 nft 'add chain inet door early { type filter hook ingress device veth2 priority 0; }'
            ip netns exec ns2 nft 'add chain inet door early { policy drop; }'
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "inet door", "ingress"), DROPS, ("ns2",)),
        never=("iptables", "does not leave"),
        netfilter=policy("early", table="door", family=INET),
        mend="ip netns exec ns2 nft delete chain inet door early",
    ),
    Case(
        id="nft-before-routing",
        group="filters",
        title="a rule before the routing decision",
        cause="a rule of chain before in nft table inet fence in r drops what is not for r (fib daddr type)",
        source="common (endpoint protection)",
        lines=ROUTER
        + """
            ip netns exec r nft add table inet fence
            ip netns exec r nft 'add chain inet fence before { type filter hook prerouting priority -150; }'
            ip netns exec r nft add rule inet fence before fib daddr type unicast drop
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=((*NFT, "inet fence", "before"), DROPS, ("r",)),
        never=("iptables",),
        netfilter=rule("before", "fib daddr type", table="fence", family=INET),
        mend="ip netns exec r nft flush chain inet fence before",
    ),
    Case(
        id="nft-output-policy",
        group="filters",
        title="operation not permitted, and iptables is empty",
        cause="the policy of chain leaving in nft table inet fence in ns1 is drop",
        source="common",
        lines=PAIR
        + """
            ip netns exec ns1 nft add table inet fence
            ip netns exec ns1 nft 'add chain inet fence leaving { type filter hook output priority 0; policy drop; }'
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=((*NFT, "inet fence", "leaving"), DROPS, ("ns1",)),
        never=("iptables",),
        netfilter=policy("leaving", table="fence", family=INET),
        mend="ip netns exec ns1 nft 'add chain inet fence leaving { policy accept; }'",
    ),
    Case(
        id="ttl-rule-of-the-router",
        group="filters",
        title="time to live exceeded, though only one router is between",
        cause="a rule of iptables' mangle table, PREROUTING, in r sets the TTL to 1 before r itself takes one off",
        source="common (tethering)",
        lines=ROUTER + "ip netns exec r iptables -t mangle -A PREROUTING -p icmp -j TTL --ttl-set 1",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("TTL", "time to live"), ("mangle",), ("PREROUTING",)),
        never=("loop*", "more routers"),
        netfilter=rule("PREROUTING", "ttl-set", table="mangle"),
        mend="ip netns exec r iptables -t mangle -D PREROUTING -p icmp -j TTL --ttl-set 1",
    ),
    Case(
        id="filter-of-tc",
        group="filters",
        title="no rule of any firewall, and still something drops it",
        cause="a filter of tc at r's left, a program of BPF, drops what comes in",
        source="common (what agents that work with BPF leave behind)",
        lines=ROUTER
        + """
            ip netns exec r tc qdisc add dev left clsact
            ip netns exec r tc filter add dev left ingress bpf da bytecode '1,6 0 0 2,'
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("tc",), ("left",), DROPS),
        never=FILTERS,
        mend="ip netns exec r tc filter del dev left ingress",
    ),
    Case(
        id="filter-of-tc-redirects",
        group="filters",
        title="what arrives is sent elsewhere before anybody looks at it",
        cause="a filter of tc at b's eth0 redirects what comes in to lo",
        source="common",
        lines=ROUTER
        + """
            ip -n b link set lo up
            ip netns exec b tc qdisc add dev eth0 clsact
            ip netns exec b tc filter add dev eth0 ingress protocol ip u32 match u32 0 0 \
action mirred egress redirect dev lo
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("tc",), ("eth0",), ("lo",)),
        never=FILTERS,
        mend="ip netns exec b tc filter del dev eth0 ingress",
    ),
]
