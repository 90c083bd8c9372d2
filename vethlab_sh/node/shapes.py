"""Which table does a line of output belong to, by its looks alone? The one whose command alone prints such a line.

People leave commands out of what they paste. A line that only one command prints tells that its output begins here.
"""

from __future__ import annotations

import re
from functools import lru_cache

IP = r"(?:[\da-fA-F]{0,4}[.:]){2,8}[\da-fA-F.:]{0,39}"  # no longer than one: a long line takes no square of its time
MAC = r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"
STATES = "REACHABLE|STALE|DELAY|PROBE|PERMANENT|NOARP|FAILED|INCOMPLETE"  # ip-neighbour(8)
SHAPES = {
    "birdc route": re.compile(  # before `ip route`: BIRD 1 begins like that
        rf"\s*{IP}(/\d+)?\s+(unicast|multipath|blackhole|unreachable|prohibit|via|dev)\b.{{0,80}} "
        r"\[[\w.:-]+ \d[^\[\]]{4,60}\]"
    ),
    "birdc protocols": re.compile(r"\s*[Nn]ame\s+[Pp]roto\s+[Tt]able\s+[Ss]tate\s+[Ss]ince\s+[Ii]nfo"),
    "nft list": re.compile(r"\s*table (ip|ip6|inet|arp|bridge|netdev) \S+( \{)?\s*$"),
    "ovs-vsctl show": re.compile(r"\s*Bridge \S+\s*$"),
    "ovs-appctl fdb": re.compile(r"\s*port\s+VLAN\s+MAC\s+Age\s*$"),
    "ovs-ofctl flows": re.compile(r"\s*(cookie=0x[0-9a-f]+, duration=\S+ table=\d+|\w+_FLOW reply \()"),
    "bridge link": re.compile(r"\s*\d+: \S+ .*\bstate (forwarding|disabled|blocking|listening|learning)\b"),
    "ip addr": re.compile(r"\s*\d+: [^\s:]+:\s+(<|mtu \d)"),  # a browser may have eaten the flags as a tag
    "bridge fdb": re.compile(rf"\s*{MAC} dev \S+"),
    "ip neigh": re.compile(rf"\s*{IP} dev \S+ (.*\b({STATES})\b|lladdr)"),
    "ip route": re.compile(
        rf"\s*((default|{IP}(/\d+)?) (via|dev|proto|nhid|scope)\b|(blackhole|unreachable|prohibit|throw) \S*[.:/]\S*)"
    ),
    "brctl show": re.compile(r"\s*(bridge name\s+bridge id\b|\S+\s+[0-9a-f]{4}\.[0-9a-f]{12}\s+(yes|no)\b)"),
    "brctl showmacs": re.compile(r"\s*port no\s+mac addr"),
    "arp": re.compile(rf"\s*(Address\s+HWtype\b|IP address\s+HW type\b|\S+\s+ether\s+{MAC}\s+C|\S+ \({IP}\) at )"),
    "ping": re.compile(r"\s*PING \S+"),
    "ip rule": re.compile(r"\s*\d+:\s+(not )?from \S+ .*\b(lookup|goto|blackhole|unreachable|prohibit|nop)\b"),
    "route": re.compile(r"\s*Kernel IP(v6)? routing table|Destination\s+Gateway\s+Genmask\s"),
    "iptables": re.compile(r"\s*(Chain \S+ \((policy|\d+ references)|\*(filter|nat|mangle|raw)\s*$|:\S+ \S+ \[\d+:)"),
    "kubectl get pods": re.compile(r"\s*(NAMESPACE\s+)?NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE"),
    "tcpdump": re.compile(r"\s*\d\d:\d\d:\d\d\.\d+ (\S+ +(In|Out|B|M|P) +)?(IP6?|ARP,) "),
    "bridge vlan": re.compile(r"\s*port\s+vlan(-id| ids)\b"),
    "ethtool": re.compile(r"\s*NIC statistics:\s*$"),
    "ifconfig": re.compile(r"\s*\S+: flags=\d+<|\S+\s+Link encap:"),
}
BRIEF = re.compile(  # `ip -br addr`, `ip -br link`
    r"\S+\s+(UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT)(\s+([0-9a-fA-F:.]+(/\d+)?|<[A-Z_,]+>))*\s*$"
)
EXAMPLES = {
    "ping": "ping 192.168.1.101",
    "bridge fdb": "bridge fdb show",
    "brctl showmacs": "brctl showmacs br0",
    "iptables": "iptables-save",  # it says itself which table it shows
    "ethtool": "ethtool -S",
    "nft list": "nft list ruleset",
    "ovs-appctl fdb": "ovs-appctl fdb/show",
    "ovs-ofctl flows": "ovs-ofctl dump-flows",
    "birdc route": "birdc show route",
    "birdc protocols": "birdc show protocols",
    "tcpdump": "tcpdump -nn",
}
ALIKE = ({"ip addr", "ip link", "bridge link"}, {"ping", "ping statistics"})  # the looks do not tell them apart


@lru_cache(maxsize=1024)  # a line is asked about more than once
def shape(line: str) -> str | None:
    """The table that a line of output begins a row of, by its looks; None for any other line."""
    for table, looks in SHAPES.items():
        if looks.match(line):
            return table
    return None


def is_printed(line: str) -> bool:
    """Whether a line can only be output, though it may look like a prompt: `veth0@if3 UP <BROADCAST,UP>`."""
    return shape(line) is not None or BRIEF.match(line) is not None


def example(table: str) -> str:
    """A command that prints this table."""
    return EXAMPLES.get(table, table)


def are_alike(one: str, two: str) -> bool:
    """Whether lines of these tables look the same, so that the looks do not tell them apart."""
    if one == two:
        return True
    return any(one in group and two in group for group in ALIKE)
