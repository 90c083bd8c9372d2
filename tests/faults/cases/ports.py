"""What goes wrong with TCP and UDP alone? Nobody who listens, resets, rules for one port."""

from ..case import Case
from .networks import BRIDGE, PAIR, ROUTER, SERVER, UDP_SERVER
from .words import DROPS, FILTERS, NO_WAY_BACK, REFUSED, REWRITTEN, rule

CASES = [
    Case(
        id="tcp-nobody-listens",
        group="TCP/UDP",
        title="connection refused",
        cause="nobody listens on port 8080 in ns2",
        source="common",
        lines=PAIR,
        src="ns1",
        dst="ns2",
        how={"proto": "tcp:8080"},
        words=(REFUSED, ("8080", "ns2")),
        mend=SERVER.format(address="0.0.0.0"),
    ),
    Case(
        id="tcp-on-localhost-only",
        group="TCP/UDP",
        title="the server answers inside its container only",
        cause="the server in ns2 listens on 127.0.0.1",
        source="common",
        lines=PAIR + SERVER.format(address="127.0.0.1"),
        src="ns1",
        dst="ns2",
        how={"proto": "tcp:8080"},
        words=(("127.0.0.1",), (*REFUSED, "listens")),
        mend=SERVER.format(address="10.0.0.2"),
    ),
    Case(
        id="tcp-filtered",
        group="TCP/UDP",
        title="ping works, the connection times out",
        cause="iptables INPUT in ns2 drops TCP port 8080",
        source="common",
        lines=PAIR
        + SERVER.format(address="0.0.0.0")
        + "ip netns exec ns2 iptables -A INPUT -p tcp --dport 8080 -j DROP",
        src="ns1",
        dst="ns2",
        how={"proto": "tcp:8080"},
        words=(("INPUT", "iptables"), DROPS, ("ns2",)),
        never=("does not leave", *REFUSED),
        netfilter=rule("INPUT", "--dport 8080", "dport 8080"),
        mend="ip netns exec ns2 iptables -D INPUT -p tcp --dport 8080 -j DROP",
    ),
    Case(
        id="udp-nobody-listens",
        group="TCP/UDP",
        title="port unreachable",
        cause="nobody listens on UDP port 5353 in ns2",
        source="common",
        lines=PAIR,
        src="ns1",
        dst="ns2",
        how={"proto": "udp:5353"},
        words=((*REFUSED, "port unreachable"),),
        mend=UDP_SERVER,
    ),
    Case(
        id="tcp-reset-by-a-rule",
        group="TCP/UDP",
        title="connection refused, and the server is there",
        cause="a rule of iptables INPUT in ns2 rejects TCP port 8080 with a reset",
        source="common",
        lines=PAIR
        + SERVER.format(address="0.0.0.0")
        + "ip netns exec ns2 iptables -A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset",
        src="ns1",
        dst="ns2",
        how={"proto": "tcp:8080"},
        words=(("INPUT", "iptables"), ("REJECT*",), ("ns2",)),
        never=("nobody listens", "nothing listens"),
        netfilter=rule("INPUT", "--dport 8080", "dport 8080"),
        mend="ip netns exec ns2 iptables -D INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset",
    ),
    Case(
        id="tcp-at-another-address",
        group="TCP/UDP",
        title="the server listens at one address of two",
        cause="the server in ns2 listens on 10.0.0.3 only, so 10.0.0.2 is refused",
        source="common",
        lines=PAIR + "ip -n ns2 addr add 10.0.0.3/24 dev veth2\n" + SERVER.format(address="10.0.0.3"),
        src="ns1",
        dst="10.0.0.2",
        how={"proto": "tcp:8080"},
        words=(("10.0.0.3",), (*REFUSED, "listens")),
        mend=SERVER.format(address="10.0.0.2"),
    ),
    Case(
        id="udp-prohibited",
        group="TCP/UDP",
        title="UDP is prohibited on the way",
        cause="a rule of iptables FORWARD in r rejects UDP port 5353",
        source="common (DNS filters)",
        lines=ROUTER
        + "ip netns exec r iptables -A FORWARD -p udp --dport 5353 -j REJECT --reject-with icmp-admin-prohibited",
        src="a",
        dst="b",
        how={"proto": "udp:5353"},
        words=(("FORWARD",), ("REJECT*",), ("r",)),
        never=REFUSED,
        netfilter=rule("FORWARD", "--dport 5353", "dport 5353"),
        mend="""
            ip netns exec r iptables -D FORWARD -p udp --dport 5353 -j REJECT --reject-with icmp-admin-prohibited
        """
        + UDP_SERVER.replace("ns2", "b"),
    ),
    Case(
        id="tcp-over-ipv4-only",
        group="TCP/UDP",
        title="the server answers over IPv4, not over IPv6",
        cause="the server in ns2 listens on 0.0.0.0, that is IPv4, so port 8080 is refused over IPv6",
        source="common",
        lines=PAIR
        + """
            ip -n ns1 addr add fd00::1/64 dev veth1 nodad
            ip -n ns2 addr add fd00::2/64 dev veth2 nodad
        """
        + SERVER.format(address="0.0.0.0"),
        src="ns1",
        dst="fd00::2",
        how={"proto": "tcp:8080"},
        words=(REFUSED, ("8080", "ns2")),
        mend="""
            kill $(ip netns pids ns2)
            sleep 1
            ip netns exec ns2 python3 -m http.server 8080 --bind :: >/dev/null 2>&1 &
        """,
    ),
    Case(
        id="tcp-answer-without-a-route",
        group="TCP/UDP",
        title="the connection times out, and the server has seen it",
        cause="b has no route to 10.1.0.2, so its SYN-ACK does not leave",
        source="common",
        lines=ROUTER
        + """
            ip netns exec b python3 -m http.server 8080 >/dev/null 2>&1 &
            for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec b ss -tln | grep -q 8080 && break; sleep 0.5; done
            ip -n b route del default
        """,
        src="a",
        dst="b",
        how={"proto": "tcp:8080"},
        words=(("b",), ("no route to 10.1.0.2", "no route to 10.1.0.0/24", *NO_WAY_BACK)),
        never=(*FILTERS, *REFUSED),
        mend="ip -n b route add default via 10.2.0.1",
    ),
    Case(
        id="tcp-answered-by-the-router",
        group="TCP/UDP",
        title="a transparent proxy answers instead of the server",
        cause="a rule of r rewrites port 8080 to r itself (REDIRECT), so r answers the connection",
        source="common (squid)",
        lines=ROUTER
        + """
            ip -n r link set lo up
            ip netns exec r python3 -m http.server 3128 >/dev/null 2>&1 &
            for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec r ss -tln | grep -q 3128 && break; sleep 0.5; done
            ip netns exec r iptables -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 3128
        """,
        src="a",
        dst="b",
        how={"proto": "tcp:8080"},
        words=(("r",), ("REDIRECT*", *REWRITTEN)),
        never=("reached b", "reaches b"),
        netfilter=rule("PREROUTING", "--dport 8080", "dport 8080", "3128", table="nat"),
        mend="ip netns exec r iptables -t nat -D PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 3128",
        probe="n=$(ip netns exec b nstat -asz TcpOutRsts | awk '/TcpOutRsts/{print $2}'); "
        "ip netns exec a timeout 1 bash -c '</dev/tcp/10.2.0.2/8080'; "
        "test $(ip netns exec b nstat -asz TcpOutRsts | awk '/TcpOutRsts/{print $2}') -gt $n",
    ),
    Case(
        id="tcp-syn-dropped",
        group="TCP/UDP",
        title="ping works; the connection's first packet is dropped on the way",
        cause="a rule of iptables FORWARD in r drops every SYN for 10.2.0.0/24",
        source="common",
        lines=ROUTER
        + """
            ip netns exec b python3 -m http.server 8080 >/dev/null 2>&1 &
            for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec b ss -tln | grep -q 8080 && break; sleep 0.5; done
            ip netns exec r iptables -A FORWARD -p tcp --syn -d 10.2.0.0/24 -j DROP
        """,
        src="a",
        dst="b",
        how={"proto": "tcp:8080"},
        words=(("FORWARD",), DROPS, ("r",)),
        never=REFUSED,
        netfilter=rule("FORWARD", "10.2.0.0/24"),
        mend="ip netns exec r iptables -D FORWARD -p tcp --syn -d 10.2.0.0/24 -j DROP",
    ),
    Case(
        id="tcp-answer-dropped-at-home",
        group="TCP/UDP",
        title="the server answers, and no connection opens",
        cause="a rule of iptables INPUT in ns1 drops the answers of ns2",
        source="common",
        lines=BRIDGE
        + SERVER.format(address="192.168.30.2")
        + "ip netns exec ns1 iptables -A INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP",
        src="ns1",
        dst="ns2",
        how={"proto": "tcp:8080"},
        words=(("INPUT",), DROPS, ("ns1",)),
        never=("reached ns2", *REFUSED),
        netfilter=rule("INPUT", "SYN,ACK"),
        mend="ip netns exec ns1 iptables -D INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP",
    ),
    Case(
        id="tcp-queue-of-the-program-full",
        group="TCP/UDP",
        title="the server listens, and takes no connection",
        cause="the program that listens on port 8080 in b accepts nothing, and its queue is full",
        source="common (a server that hangs)",
        lines=ROUTER
        + """
            ip netns exec b python3 -c "import socket, threading; s = socket.socket(); s.setsockopt(1, 2, 1); \
s.bind(('', 8080)); s.listen(0); threading.Event().wait()" >/dev/null 2>&1 &
            for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec b ss -tln | grep -q 8080 && break; sleep 0.5; done
            ip netns exec a bash -c "exec 3<>/dev/tcp/10.2.0.2/8080; sleep 900" >/dev/null 2>&1 &
            for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec b ss -tln | grep -q 'LISTEN 1' && break; sleep 0.5; done
        """,
        src="a",
        dst="b",
        how={"proto": "tcp:8080"},
        words=(("program",), ("queue",), ("b",)),
        never=(*FILTERS, "nobody listens"),
        mend="kill $(ip netns pids a)",
        probe='test -z "$(ip netns pids a)"',
    ),
    Case(
        id="udp-program-does-not-read",
        group="TCP/UDP",
        title="the server has stopped, and its port is open",
        cause="the program that has UDP port 5353 in ns2 does not read what waits for it",
        source="common (a server that hangs)",
        lines=BRIDGE + UDP_SERVER + "kill -STOP $(ip netns pids ns2)",
        src="ns1",
        dst="ns2",
        how={"proto": "udp:5353"},
        words=(("program",), ("does not read", "reads nothing"), ("ns2",)),
        never=(*FILTERS, "nobody listens"),
        mend="kill -CONT $(ip netns pids ns2)",
    ),
    Case(
        id="udp-answer-from-another-address",
        group="TCP/UDP",
        title="the server has two addresses, and only one of them answers",
        cause="the answer comes from 192.168.30.2, not from 192.168.30.3: ns2 lets the kernel choose the address",
        source="common (DNS servers with several addresses)",
        lines=BRIDGE + UDP_SERVER + "ip -n ns2 addr add 192.168.30.3/24 dev eth0",
        src="ns1",
        dst="192.168.30.3",
        how={"proto": "udp:5353"},
        words=(("192.168.30.2",), ("ns2",), ("not from",)),
        never=FILTERS,
        mend="ip -n ns2 addr del 192.168.30.2/24 dev eth0; ip -n ns2 addr add 192.168.30.3/24 dev eth0",
    ),
]
