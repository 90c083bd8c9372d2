"""Which parser reads which table? One line of TABLES each: name, a command that prints it, parser, columns.

A new parser is a module beside this one, a line in TABLES, and its captures in the tests. What the columns hold
stands in the parser's module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from . import (
    arp,
    birdc_protocols,
    birdc_route,
    brctl_show,
    brctl_showmacs,
    bridge_fdb,
    bridge_link,
    bridge_vlan,
    ethtool,
    ifconfig,
    iflink,
    ip_addr,
    ip_link,
    ip_neigh,
    ip_netns,
    ip_route,
    ip_rule,
    iptables,
    kubectl_pods,
    nft_list,
    ovs_fdb,
    ovs_flows,
    ovs_show,
    ping,
    route,
    sysctl,
    tcpdump_table,
)
from .words import Columns, Row


@dataclass(frozen=True)
class Column:
    """One column: its name, type (str, int, float or bool; any may be missing) and meaning with its unit."""

    name: str
    type: type
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table: its name, a command that prints it, its parser, and what its rows hold.

    linewise: one record is one line, so that the output can still be read when grep took lines away; begins: where many
    rows are one record, what tells the line of each, from 1.
    """

    name: str
    example: str
    read: Callable[[str], list[Row]]
    holds: Columns
    linewise: bool = False
    begins: Callable[[str], list[int]] | None = None

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, the most telling ones first."""
        columns = []
        for name, (kind, meaning) in self.holds.items():
            columns.append(Column(name, kind, meaning))
        return tuple(columns)


PING = "ping -c 2 192.168.1.101"
_ALL = (
    Table("ip addr", "ip addr", ip_addr.parse, ip_addr.COLUMNS),
    Table("ip link", "ip link", ip_link.parse, ip_link.COLUMNS),
    Table("ip route", "ip route", ip_route.parse, ip_route.COLUMNS, linewise=True),
    Table("ip neigh", "ip neigh", ip_neigh.parse, ip_neigh.COLUMNS, linewise=True),
    Table("ip netns", "ip netns list", ip_netns.parse, ip_netns.COLUMNS, linewise=True),
    Table("bridge link", "bridge link", bridge_link.parse, bridge_link.COLUMNS),
    Table("bridge fdb", "bridge fdb show", bridge_fdb.parse, bridge_fdb.COLUMNS, linewise=True),
    Table("brctl show", "brctl show", brctl_show.parse, brctl_show.COLUMNS),
    Table("brctl showmacs", "brctl showmacs br0", brctl_showmacs.parse, brctl_showmacs.COLUMNS, linewise=True),
    Table("arp", "arp -n", arp.parse, arp.COLUMNS, linewise=True),
    Table("ping", PING, ping.replies, ping.REPLIES),
    Table("ping statistics", PING, ping.statistics, ping.STATISTICS),
    Table("ifconfig", "ifconfig", ifconfig.parse, ifconfig.COLUMNS),
    Table("ip rule", "ip rule", ip_rule.parse, ip_rule.COLUMNS, linewise=True),
    Table("route", "route -n", route.parse, route.COLUMNS, linewise=True),
    Table("bridge vlan", "bridge vlan show", bridge_vlan.parse, bridge_vlan.COLUMNS),
    Table("iptables", "iptables -L -v -n", iptables.parse, iptables.COLUMNS),
    Table("nft list", "nft list ruleset", nft_list.parse, nft_list.COLUMNS, begins=nft_list.begins),
    Table("ovs-vsctl show", "ovs-vsctl show", ovs_show.parse, ovs_show.COLUMNS, begins=ovs_show.begins),
    Table("ovs-appctl fdb", "ovs-appctl fdb/show br-int", ovs_fdb.parse, ovs_fdb.COLUMNS, linewise=True),
    Table("ovs-ofctl flows", "ovs-ofctl dump-flows br-int", ovs_flows.parse, ovs_flows.COLUMNS, linewise=True),
    Table("birdc route", "birdc show route", birdc_route.parse, birdc_route.COLUMNS),
    Table("birdc protocols", "birdc show protocols", birdc_protocols.parse, birdc_protocols.COLUMNS, linewise=True),
    Table("kubectl get pods", "kubectl get pods -o wide", kubectl_pods.parse, kubectl_pods.COLUMNS, linewise=True),
    Table("ethtool", "ethtool -S eth0", ethtool.parse, ethtool.COLUMNS, linewise=True),
    Table("iflink", "cat /sys/class/net/eth0/iflink", iflink.parse, iflink.COLUMNS, linewise=True),
    Table("tcpdump", "tcpdump -nn -i eth0", tcpdump_table.parse, tcpdump_table.COLUMNS),
    Table("sysctl", "sysctl net.ipv4.ip_forward", sysctl.parse, sysctl.COLUMNS, linewise=True),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
