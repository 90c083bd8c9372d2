"""What do rewritten addresses break? Rules that are missing, left over, or lead to nobody or to oneself."""

from ..case import Case
from .networks import BRIDGE, INTERNET, ROUTER, SERVER, SERVICE, TWO_ROUTERS
from .words import DROPS, ITSELF, NO_WAY_BACK, NOBODY, REFUSED, REWRITTEN, policy, rule

CASES = [
    Case(
        id="no-masquerade",
        group="NAT",
        title="the host is reachable, the outside is not",
        cause="nothing masquerades 172.18.0.0/24, and internet has no route to it",
        source="https://imehboob.medium.com/linux-networking-snat-and-packet-forwarding-to-connect-to-internet-from-"
        "namespace-part-4-558a505794bd",
        lines=INTERNET,
        src="ns1",
        dst="203.0.113.1",
        claim="ns1 can reach 203.0.113.1",
        words=(("internet",), ("no route to 172.18.0.2", *NO_WAY_BACK, "masquerade*", "NAT")),
        mend="iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -o eth0 -j MASQUERADE",
    ),
    Case(
        id="dnat-at-the-sender",
        group="NAT",
        title="only from this machine it does not answer",
        cause="a itself rewrites 10.1.0.1 to 10.1.0.77 (DNAT in OUTPUT), which nobody has",
        source="common (a forgotten rule of a test)",
        lines=ROUTER + "ip netns exec a iptables -t nat -A OUTPUT -d 10.1.0.1 -j DNAT --to-destination 10.1.0.77",
        src="a",
        dst="10.1.0.1",
        claim="a can reach 10.1.0.1",
        words=(("DNAT", "rewrites"), ("10.1.0.77",), ("a",)),
        mend="ip netns exec a iptables -t nat -D OUTPUT -d 10.1.0.1 -j DNAT --to-destination 10.1.0.77",
    ),
    Case(
        id="dnat-to-nobody",
        group="NAT",
        title="a rule left over by a service",
        cause="r rewrites 10.2.0.2 to 10.2.0.77 (DNAT), which nobody has",
        source="common (left over by kube-proxy)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A PREROUTING -d 10.2.0.2 -j DNAT --to-destination 10.2.0.77",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("10.2.0.77",), REWRITTEN),
        never=("iptables -vnL",),  # which shows another table
        netfilter=rule("PREROUTING", "10.2.0.77", table="nat"),
        mend="ip netns exec r iptables -t nat -D PREROUTING -d 10.2.0.2 -j DNAT --to-destination 10.2.0.77",
    ),
    Case(
        id="snat-to-a-stranger",
        group="NAT",
        title="the answer goes to an address that leads nowhere",
        cause="r rewrites the source to 1.2.3.4 (SNAT), to which b has no route",
        source="common",
        lines=ROUTER
        + """
            ip netns exec r iptables -t nat -A POSTROUTING -o right -j SNAT --to-source 1.2.3.4
            ip -n b route add 10.1.0.0/24 via 10.2.0.1
            ip -n b route del default
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("1.2.3.4",), (*REWRITTEN, "no route to 1.2.3.4")),
        netfilter=rule("POSTROUTING", "1.2.3.4", table="nat"),
        mend="ip netns exec r iptables -t nat -D POSTROUTING -o right -j SNAT --to-source 1.2.3.4",
    ),
    Case(
        id="masquerade-on-one-router-only",
        group="NAT",
        title="the answer is not rewritten back",
        cause="r2 takes its masquerade off the answer, and has no route to 10.1.0.2",
        source="https://github.com/AnAppleCore/I2CN_Lab (lab5.sh, one rule forgotten)",
        lines=TWO_ROUTERS + "ip netns exec r2 iptables -t nat -A POSTROUTING -o right -j MASQUERADE",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("r2",), ("no route to 10.1.0.2", "no route to 10.1.0.0/24", *NO_WAY_BACK)),
        never=("iptables -vnL",),
        mend="ip -n r2 route add 10.1.0.0/24 via 10.12.0.1",
    ),
    Case(
        id="masquerade-for-another-device",
        group="NAT",
        title="a script for another machine's device",
        cause="the MASQUERADE rule is for ens3, packets leave by eth0, and internet has no route to 172.18.0.2",
        source="common (copied from a tutorial)",
        lines=INTERNET + "iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -o ens3 -j MASQUERADE",
        src="ns1",
        dst="203.0.113.1",
        claim="ns1 can reach 203.0.113.1",
        words=(("internet", "ens3"), ("no route to 172.18.0.2", *NO_WAY_BACK, "masquerade*", "NAT")),
        mend="iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -o eth0 -j MASQUERADE",
    ),
    Case(
        id="masquerade-of-what-is-not-tracked",
        group="NAT",
        title="the rule for masquerade is there, and does nothing",
        cause="what comes from 172.18.0.0/24 is not tracked (raw table), so nothing masquerades it, and internet "
        "has no route to 172.18.0.2",
        source="common (performance tuning)",
        lines=INTERNET
        + """
            iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -o eth0 -j MASQUERADE
            iptables -t raw -A PREROUTING -s 172.18.0.0/24 -j CT --notrack
        """,
        src="ns1",
        dst="203.0.113.1",
        claim="ns1 can reach 203.0.113.1",
        words=(("internet", "raw"), ("no route to 172.18.0.2", *NO_WAY_BACK, "notrack", "not track*", "untracked")),
        mend="iptables -t raw -D PREROUTING -s 172.18.0.0/24 -j CT --notrack",
    ),
    Case(
        id="answer-takes-a-short-cut",
        group="NAT",
        title="a service is answered, and the client does not know the one who answers",
        cause="master rewrites 10.96.0.10 to 192.168.30.2 (DNAT), and ns2 answers ns1 directly over the bridge, so "
        "nobody rewrites it back",
        source="moby/moby#29330",
        lines=BRIDGE + SERVICE.format(pod="192.168.30.2") + SERVER.format(address="0.0.0.0"),
        src="ns1",
        dst="10.96.0.10",
        how={"proto": "tcp:8080"},
        words=(("192.168.30.2", "ns2"), REWRITTEN, ("direct*", "short cut", "rewrites it back", "back", "masquerade*")),
        never=("iptables -vnL", *REFUSED),
        mend="iptables -t nat -A POSTROUTING -s 192.168.30.0/24 -d 192.168.30.2 -j MASQUERADE",
    ),
    Case(
        id="service-that-leads-to-oneself",
        group="NAT",
        title="a pod cannot reach itself by its service",
        cause="master rewrites 10.96.0.10 to 192.168.30.1 (DNAT), and ns1 drops what comes from its own address",
        source="kubernetes/kubernetes#13375",
        lines=BRIDGE + SERVICE.format(pod="192.168.30.1"),
        src="ns1",
        dst="10.96.0.10",
        claim="ns1 can reach 10.96.0.10",
        words=(("192.168.30.1", "ns1"), REWRITTEN, (*ITSELF, "masquerade*", "martian", "hairpin")),
        never=("iptables -vnL",),
        mend="iptables -t nat -A POSTROUTING -s 192.168.30.1 -d 192.168.30.1 -j MASQUERADE",
    ),
    Case(
        id="rewritten-to-localhost",
        group="NAT",
        title="a port that is published to a server on localhost",
        cause="r rewrites 10.1.0.1 to 127.0.0.1 (DNAT), and drops it: route_localnet is 0 at left",
        source="common (kube-proxy, Docker)",
        lines=ROUTER
        + """
            ip -n r link set lo up
            ip netns exec r iptables -t nat -A PREROUTING -d 10.1.0.1 -j DNAT --to-destination 127.0.0.1
        """,
        src="a",
        dst="10.1.0.1",
        claim="a can reach 10.1.0.1",
        words=(("127.0.0.1",), ("route_localnet", "martian", "loopback")),
        never=("iptables -vnL", "rp_filter drop*"),
        mend="ip netns exec r sysctl -qw net.ipv4.conf.left.route_localnet=1",
    ),
    Case(
        id="nft-dnat-to-nobody",
        group="NAT",
        title="iptables shows no NAT at all",
        cause="a rule of chain inbound in nft table ip swap in r rewrites 10.2.0.2 to 10.2.0.77, which nobody has",
        source="common (kube-proxy in nftables mode)",
        lines=ROUTER
        + """
            ip netns exec r nft add table ip swap
            ip netns exec r nft 'add chain ip swap inbound { type nat hook prerouting priority -100; }'
            ip netns exec r nft add rule ip swap inbound ip daddr 10.2.0.2 dnat to 10.2.0.77
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("10.2.0.77",), REWRITTEN),
        never=("iptables",),
        netfilter=rule("inbound", "dnat to 10.2.0.77", table="swap", family=("ip", "ip swap", "table ip")),
        mend="ip netns exec r nft flush chain ip swap inbound",
    ),
    Case(
        id="masquerade-hides-the-sender",
        group="NAT",
        title="a firewall that knows its clients no longer knows them",
        cause="r masquerades, so b sees 10.2.0.1, and b's iptables INPUT drops what is not from 10.1.0.0/24",
        source="projectcalico/calico#12920",
        lines=ROUTER
        + """
            ip netns exec r iptables -t nat -A POSTROUTING -o right -j MASQUERADE
            ip netns exec b iptables -A INPUT -s 10.1.0.0/24 -j ACCEPT
            ip netns exec b iptables -P INPUT DROP
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("INPUT",), DROPS, ("b",)),
        never=("does not leave",),
        netfilter=policy("INPUT"),
        mend="ip netns exec r iptables -t nat -D POSTROUTING -o right -j MASQUERADE",
    ),
    Case(
        id="snat-to-an-address-that-nobody-has",
        group="NAT",
        title="the answer is looked for on the right cable, and nobody takes it",
        cause="r rewrites the source to 10.2.0.50 (SNAT), which nobody has, so b's ARP for it is not answered",
        source="common (an address pool without the addresses)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A POSTROUTING -o right -j SNAT --to-source 10.2.0.50",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("10.2.0.50",), (*NOBODY, *REWRITTEN)),
        netfilter=rule("POSTROUTING", "10.2.0.50", table="nat"),
        mend="ip -n r addr add 10.2.0.50/24 dev right",
    ),
    Case(
        id="whole-network-rewritten",
        group="NAT",
        title="one network is mapped to another that is not there",
        cause="r maps 10.2.0.0/24 to 10.9.0.0/24 (NETMAP), to which it has no route",
        source="common (overlapping networks)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A PREROUTING -d 10.2.0.0/24 -j NETMAP --to 10.9.0.0/24",
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("10.9.0.2", "10.9.0.0/24"), ("NETMAP", *REWRITTEN)),
        never=("iptables -vnL",),
        netfilter=rule("PREROUTING", "10.9.0.0/24", table="nat"),
        mend="ip netns exec r iptables -t nat -D PREROUTING -d 10.2.0.0/24 -j NETMAP --to 10.9.0.0/24",
    ),
    Case(
        id="published-port-without-a-server",
        group="NAT",
        title="connection refused by a published port",
        cause="r rewrites 10.1.0.1:8080 to 10.2.0.2:80 (DNAT), and nobody listens on port 80 in b",
        source="common (docker run -p)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A PREROUTING -d 10.1.0.1 -p tcp --dport 8080 "
        "-j DNAT --to-destination 10.2.0.2:80",
        src="a",
        dst="10.1.0.1",
        how={"proto": "tcp:8080"},
        words=(REFUSED, ("10.2.0.2", "b"), ("80", "10.2.0.2:80")),
        never=("reached r", "iptables -vnL"),
        mend="ip netns exec b python3 -m http.server 80 --bind 10.2.0.2 >/dev/null 2>&1 &",
    ),
    Case(
        id="redirected-to-a-port-without-a-server",
        group="NAT",
        title="a proxy that is gone still gets what is for others",
        cause="r redirects port 8080 to its own port 3128 (REDIRECT), where nobody listens",
        source="common (a transparent proxy)",
        lines=ROUTER + "ip netns exec r iptables -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 3128",
        src="a",
        dst="10.2.0.2",
        how={"proto": "tcp:8080"},
        words=(REFUSED, ("r",), ("3128",)),
        never=("reached b",),
        mend="""
            ip netns exec r iptables -t nat -F
            ip netns exec b python3 -m http.server 8080 --bind 10.2.0.2 >/dev/null 2>&1 &
        """,
    ),
    Case(
        id="asks-itself-by-a-redirect",
        group="NAT",
        title="only from this machine connections are refused",
        cause="a redirects its own connections to its port 3128 (REDIRECT in OUTPUT), where nobody listens",
        source="common (a transparent proxy)",
        lines=ROUTER
        + """
            ip -n a link set lo up
            ip netns exec b python3 -m http.server 8080 --bind 10.2.0.2 >/dev/null 2>&1 &
            until ip netns exec b ss -Hltn | grep -q :8080; do :; done
            ip netns exec a iptables -t nat -A OUTPUT -p tcp --dport 8080 -j REDIRECT --to-ports 3128
        """,
        src="a",
        dst="10.2.0.2",
        how={"proto": "tcp:8080"},
        words=(("REDIRECT",), ("a",), ("3128",)),
        never=("reached b",),
        mend="ip netns exec a iptables -t nat -F OUTPUT",
    ),
    Case(
        id="answer-dropped-behind-masquerade",
        group="NAT",
        title="Docker's policy, and one of its rules is missing",
        cause="the policy of FORWARD in master is DROP, and no rule accepts the answer",
        source="common (Docker sets the policy of FORWARD to DROP)",
        lines=INTERNET
        + """
            iptables -t nat -A POSTROUTING -s 172.18.0.0/24 -o eth0 -j MASQUERADE
            iptables -P FORWARD DROP
            iptables -A FORWARD -i veth1 ! -o veth1 -j ACCEPT
        """,
        src="ns1",
        dst="internet",
        claim="ns1 can reach internet",
        words=(("policy",), ("FORWARD",), ("DROP",)),
        netfilter=policy("FORWARD"),
        never=("neighbour entry",),
        mend="iptables -A FORWARD -o veth1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    ),
    Case(
        id="service-that-leads-back-to-its-port",
        group="NAT",
        title="a pod cannot reach itself by its service, and the bridge is asked why",
        cause="master rewrites 10.96.0.10 to 192.168.30.1 (DNAT), and hairpin is off at its port veth1",
        source="kubernetes/kubernetes#13375",
        lines=BRIDGE + SERVICE.format(pod="192.168.30.1") + "sysctl -qw net.bridge.bridge-nf-call-iptables=1",
        src="ns1",
        dst="10.96.0.10",
        claim="ns1 can reach 10.96.0.10",
        words=(("192.168.30.1", "ns1"), REWRITTEN, ("hairpin",)),
        never=("iptables -vnL",),
        mend="""
            bridge link set dev veth1 hairpin on
            iptables -t nat -A POSTROUTING -s 192.168.30.1 -d 192.168.30.1 -j MASQUERADE
        """,
    ),
    Case(
        id="answer-that-is-not-tracked",
        group="NAT",
        title="masquerade works one way",
        cause="r's iptables raw says NOTRACK of what comes in at right, so 10.1.0.2 is not put back into the answer",
        source="common (rules against a full conntrack table)",
        lines=ROUTER
        + """
            ip netns exec r iptables -t nat -A POSTROUTING -o right -j MASQUERADE
            ip netns exec r iptables -t raw -A PREROUTING -i right -j NOTRACK
        """,
        src="a",
        dst="b",
        claim="a can reach b",
        words=(("NOTRACK", "notrack"), ("r",), ("10.1.0.2",)),
        netfilter=rule("PREROUTING", "NOTRACK", table="raw"),
        mend="ip netns exec r iptables -t raw -F",
    ),
]
