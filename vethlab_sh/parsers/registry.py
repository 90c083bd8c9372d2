"""Which parser reads which table? One line of TABLES each: name, a command that prints it, the parser's file.

A new parser is a module beside this one, a line in TABLES, and its captures in the tests. What the columns hold
stands in the parser's module, which is opened when its table is wanted: nobody waits for the others.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from .words import Columns, Row


@dataclass(frozen=True)
class Column:
    """One column: its name, type (str, int, float or bool; any may be missing) and meaning with its unit."""

    name: str
    type: type
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table: its name, a command that prints it, and the file here that has its parser and its columns.

    linewise: one record is one line, so that the output can still be read when grep took lines away; has_records:
    many rows are one record, and the parser's `begins` tells where each begins.
    """

    name: str
    example: str
    file: str
    linewise: bool = False
    has_records: bool = False

    def read(self, printed: str) -> list[Row]:
        """Its rows; raises OutputNotUnderstood for a word that the parser does not know."""
        rows: list[Row] = self._parser.parse(printed)
        return rows

    def begins(self, printed: str) -> list[int]:
        """Of a table that has records: the line that each of them begins with, from 1."""
        lines: list[int] = self._parser.begins(printed)
        return lines

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, the most telling ones first."""
        holds: Columns = self._parser.COLUMNS
        columns = []
        for name, (kind, meaning) in holds.items():
            columns.append(Column(name, kind, meaning))
        return tuple(columns)

    @cached_property
    def _parser(self) -> ModuleType:
        return importlib.import_module(f".{self.file}", __package__)


PING = "ping -c 2 192.168.1.101"
_ALL = (
    Table("ip addr", "ip addr", "ip_addr"),
    Table("ip link", "ip link", "ip_link"),
    Table("ip route", "ip route", "ip_route", linewise=True),
    Table("ip neigh", "ip neigh", "ip_neigh", linewise=True),
    Table("ip netns", "ip netns list", "ip_netns", linewise=True),
    Table("bridge link", "bridge link", "bridge_link"),
    Table("bridge fdb", "bridge fdb show", "bridge_fdb", linewise=True),
    Table("brctl show", "brctl show", "brctl_show"),
    Table("brctl showmacs", "brctl showmacs br0", "brctl_showmacs", linewise=True),
    Table("arp", "arp -n", "arp", linewise=True),
    Table("ping", PING, "ping"),
    Table("ping statistics", PING, "ping_statistics"),
    Table("ifconfig", "ifconfig", "ifconfig"),
    Table("ip rule", "ip rule", "ip_rule", linewise=True),
    Table("route", "route -n", "route", linewise=True),
    Table("bridge vlan", "bridge vlan show", "bridge_vlan"),
    Table("iptables", "iptables -L -v -n", "iptables"),
    Table("nft list", "nft list ruleset", "nft_list", has_records=True),
    Table("ovs-vsctl show", "ovs-vsctl show", "ovs_show", has_records=True),
    Table("ovs-appctl fdb", "ovs-appctl fdb/show br-int", "ovs_fdb", linewise=True),
    Table("ovs-ofctl flows", "ovs-ofctl dump-flows br-int", "ovs_flows", linewise=True),
    Table("birdc route", "birdc show route", "birdc_route"),
    Table("birdc protocols", "birdc show protocols", "birdc_protocols", linewise=True),
    Table("kubectl get pods", "kubectl get pods -o wide", "kubectl_pods", linewise=True),
    Table("ethtool", "ethtool -S eth0", "ethtool", linewise=True),
    Table("iflink", "cat /sys/class/net/eth0/iflink", "iflink", linewise=True),
    Table("tcpdump", "tcpdump -nn -i eth0", "tcpdump_table"),
    Table("sysctl", "sysctl net.ipv4.ip_forward", "sysctl", linewise=True),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
