"""Which command prints which table?

One registry: table -> parser, columns, types, meaning. `rows` reads text with the parser; `parse` makes a DataFrame.
pandas is imported only when a DataFrame is asked for, so that a demo starts without waiting for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import NoParser
from .parsers import (
    arp,
    brctl_show,
    brctl_showmacs,
    bridge_fdb,
    bridge_link,
    ifconfig,
    ip_addr,
    ip_link,
    ip_neigh,
    ip_netns,
    ip_route,
    ping,
    sysctl,
)
from .recognise import IP_OBJECTS, IP_VERBS, recognise, stages

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "DTYPES", "IP_OBJECTS", "IP_VERBS", "TABLES", "Column", "Table", "clean", "columns", "frame", "frames", "listed",
    "parse", "recognise", "rows", "stages", "tables",
]  # fmt: skip

Row = dict[str, Any]
DTYPES = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}


@dataclass(frozen=True)
class Column:
    """One column: its name, type (str, int, float or bool; any may be missing) and meaning with its unit."""

    name: str
    type: type
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table: its name, its parser, its columns, and a command that prints it."""

    name: str
    read: Callable[[str], list[Row]]
    columns: tuple[Column, ...]
    example: str


# Meanings that hold in every table; a table adds or replaces its own below.
MEANINGS: dict[str, tuple[type, str]] = {
    "index": (int, "the kernel's number of the device"),
    "name": (str, "device"),
    "peer": (str, "what stands after the @: a name here, or ifN = number N in another namespace"),
    "netnsid": (int, "the peer's namespace, by the number that this namespace uses"),
    "netns": (str, "the peer's namespace, by name, where it is known"),
    "state": (str, "operational state as printed"),
    "up": (bool, "switched on (flag UP)"),
    "carrier": (bool, "there is a signal: the other end is up too (flag LOWER_UP)"),
    "mtu": (int, "largest packet, bytes"),
    "master": (str, "the bridge that it is a port of"),
    "mac": (str, "MAC address"),
    "kind": (str, "kind of device (with -d)"),
    "qdisc": (str, "queueing discipline"),
    "group": (str, "device group"),
    "qlen": (int, "transmit queue, packets"),
    "flags": (str, "flags as printed"),
    "broadcast": (str, "broadcast address"),
    "altname": (str, "another name of the device"),
    "alias": (str, "a remark on the device"),
    "vxlan_id": (int, "VXLAN network identifier (VNI)"),
    "vxlan_local": (str, "source address of the tunnel"),
    "vxlan_remote": (str, "default destination, or multicast group"),
    "vxlan_dev": (str, "device that carries the tunnel"),
    "vxlan_port": (int, "UDP destination port"),
    "vxlan_learning": (bool, "learns MAC addresses from arriving packets"),
    "bridge_id": (str, "priority and MAC address of the bridge"),
    "stp_state": (int, "Spanning Tree: 0 off, 1 on"),
    "vlan_filtering": (int, "VLAN filtering: 0 off, 1 on"),
    "port_state": (str, "bridge port: forwarding, learning, disabled ..."),
    "hairpin": (bool, "the port sends frames back where they came from"),
    "details": (str, "everything that -d printed, and the other counters of -s, as text"),
    "family": (str, "inet (IPv4) or inet6 (IPv6)"),
    "address": (str, "address with its prefix length"),
    "peer_address": (str, "far end of a point-to-point link"),
    "scope": (str, "how far it is valid: global, link, host"),
    "address_broadcast": (str, "broadcast address of the network"),
    "label": (str, "label of the address, mostly the device's name"),
    "tentative": (bool, "IPv6 still checks that nobody else has it"),
    "secondary": (bool, "not the first address of its network here"),
    "deprecated": (bool, "not for new connections"),
    "dynamic": (bool, "given by DHCP or a router"),
    "dadfailed": (bool, "somebody else has this IPv6 address"),
    "noprefixroute": (bool, "brings no connected route"),
    "metric": (int, "the smaller wins"),
    "valid_lft_s": (int, "seconds until it goes; missing: forever"),
    "preferred_lft_s": (int, "seconds until deprecated; missing: forever"),
    "to": (str, "destination: a prefix, an address, or default"),
    "via": (str, "next hop"),
    "dev": (str, "device"),
    "proto": (str, "who added it: kernel, boot (by hand), static, bird, a number"),
    "src": (str, "source address that packets get"),
    "onlink": (bool, "the next hop is taken as directly reachable"),
    "linkdown": (bool, "the device has no carrier"),
    "dead": (bool, "the next hop is out of use"),
    "weight": (int, "share of a multipath next hop"),
    "table": (str, "routing table"),
    "pref": (str, "IPv6 router preference"),
    "expires_s": (int, "seconds until it goes"),
    "more": (str, "further words as printed"),
    "ip": (str, "IP address"),
    "router": (bool, "the neighbour is an IPv6 router"),
    "proxy": (bool, "we answer for this address"),
    "extern_learn": (bool, "put there by a program, not learned from traffic"),
    "managed": (bool, "the kernel keeps it fresh"),
    "used": (str, "seconds since used / confirmed / updated (with -s)"),
    "namespace": (str, "network namespace"),
    "id": (int, "number by which this namespace knows it"),
    "priority": (int, "Spanning Tree priority of the port"),
    "cost": (int, "Spanning Tree cost of the port"),
    "learning": (bool, "learns MAC addresses (with -d)"),
    "flood": (bool, "gets frames for unknown MAC addresses (with -d)"),
    "isolated": (bool, "cannot talk to other isolated ports (with -d)"),
    "dst": (str, "VXLAN: the node to send to"),
    "self": (bool, "in the device's own table, not the bridge's"),
    "vlan": (int, "VLAN number"),
    "port": (int, "UDP port"),
    "vni": (int, "VXLAN network identifier"),
    "src_vni": (int, "VXLAN network identifier it came in by"),
    "offload": (bool, "in hardware"),
    "sticky": (bool, "does not move to another port"),
    "bridge": (str, "bridge"),
    "stp": (bool, "Spanning Tree on"),
    "interface": (str, "port; missing for a bridge without ports"),
    "local": (bool, "the bridge's own port"),
    "age_s": (float, "seconds since it was last seen"),
    "permanent": (bool, "stays until deleted (flag M)"),
    "published": (bool, "we answer for this address (flag P)"),
    "complete": (bool, "answered (flag C)"),
    "hwtype": (str, "kind of hardware: ether, loopback ..."),
    "linkmode": (str, "how the state comes to UP: DEFAULT, DORMANT"),
    "permaddr": (str, "MAC address that the hardware was made with"),
    "mask": (str, "netmask, of an entry for a whole network"),
    "ref": (int, "how many use it (with -s)"),
    "probes": (int, "questions asked without an answer (with -s)"),
    "nhid": (int, "number of a next hop object"),
    "locked": (bool, "the port was locked, and may not send from here"),
    "host": (str, "name, when arp printed one"),
    "seq": (int, "number of the echo"),
    "bytes": (int, "bytes of the reply, ICMP header included"),
    "from": (str, "who answered"),
    "ttl": (int, "hops that the reply could still make"),
    "time_ms": (float, "milliseconds"),
    "duplicate": (bool, "answered before"),
    "error": (str, "what came instead of an answer"),
    "target": (str, "who was asked"),
    "sent": (int, "echoes sent"),
    "received": (int, "replies"),
    "loss_percent": (float, "unanswered, percent"),
    "rtt_min_ms": (float, "fastest round trip, milliseconds"),
    "rtt_avg_ms": (float, "mean round trip, milliseconds"),
    "rtt_max_ms": (float, "slowest round trip, milliseconds"),
    "rtt_mdev_ms": (float, "spread of the round trips, milliseconds"),
    "duplicates": (int, "answers that came twice"),
    "errors": (int, "errors that came instead of answers"),
    **{f"{way}_{what}": (int, f"{what} {verb}") for way, verb in (("rx", "received"), ("tx", "sent"))
       for what in ("bytes", "packets", "errors", "dropped")},
}  # fmt: skip


def _table(
    name: str, read: Callable[[str], list[Row]], columns: Iterable[str], example: str = "", **own: tuple[type, str]
) -> Table:
    described = {**MEANINGS, **own}
    return Table(name, read, tuple(Column(column, *described[column]) for column in columns), example or name)


def _first(telling: str, *columns: str) -> tuple[str, ...]:
    """The columns, those that tell most in front: on a narrow terminal the last ones are left out."""
    return tuple(dict.fromkeys((*telling.split(), *columns)))


_LINK = (*ip_link.HEAD, *ip_link.COUNTERS)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table("ip addr", ip_addr.parse, _first("index name peer netnsid netns master state address mtu", *_LINK,
               *ip_addr.ADDRESS, *ip_link.DETAILS)),
        _table("ip link", ip_link.parse, _first("index name peer netnsid netns master state kind",
               *ip_link.DETAILS[:-1], *_LINK, "details")),
        _table("ip route",
        ip_route.parse, ip_route.COLUMNS, kind=(str, "unicast, blackhole, unreachable, local ...")),
        _table("ip neigh", ip_neigh.parse, ip_neigh.COLUMNS, state=(str, "REACHABLE, STALE, PERMANENT, FAILED ...")),
        _table("ip netns", ip_netns.parse, ip_netns.COLUMNS, "ip netns list"),
        _table("bridge link",
        bridge_link.parse, bridge_link.COLUMNS, state=(str, "forwarding, learning, disabled ...")),
        _table("bridge fdb", bridge_fdb.parse, bridge_fdb.COLUMNS, "bridge fdb show",
               state=(str, "permanent, static, stale; missing: learned")),
        _table("brctl show",
        brctl_show.parse, brctl_show.COLUMNS, id=(str, "priority and MAC address of the bridge")),
        _table("brctl showmacs", brctl_showmacs.parse, brctl_showmacs.COLUMNS, "brctl showmacs br0",
               port=(int, "number of the port")),
        _table("arp", arp.parse, arp.COLUMNS, "arp -n"),
        _table("ping", ping.replies, ping.REPLIES, "ping -c 2 192.168.1.101"),
        _table("ping statistics", ping.statistics, ping.STATISTICS, "ping -c 2 192.168.1.101",
               time_ms=(float, "the whole run, milliseconds"), address=(str, "the target's IP address")),
        _table("ifconfig", ifconfig.parse, ifconfig.COLUMNS),
        _table("sysctl", sysctl.parse, sysctl.COLUMNS, "sysctl net.ipv4.ip_forward",
               key=(str, "the setting, as printed"), value=(str, "its value; missing when empty")),
    )
}  # fmt: skip
# Escapes of a terminal; colours also where a web page or an editor swallowed the ESC or wrote it as ^[
ESCAPES = re.compile(
    r"(?:\x1b|\^\[|\u241b)(?:\[[0-9;?<=>]*[A-Za-z@~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][A-Z0-9]|[=>78])|\[[0-9][0-9;]*m"
)


def columns(name: str) -> tuple[str, ...]:
    """Column names of one table, the most telling ones first."""
    return tuple(column.name for column in TABLES[name].columns)


def rows(line: str, printed: str) -> dict[str, list[Row]]:
    """The tables of what a command line printed, as lists of rows by name of table.

    line: the command as typed; printed: its output (colours and carriage returns of a pasted terminal are
    tolerated). Raises OutputNotUnderstood for a word that no parser knows.
    """
    text = clean(printed)
    return {name: TABLES[name].read(text) for name in recognise(line)}


def clean(pasted: str) -> str:
    """Text as a terminal shows it: no colours, titles or bells; what was rubbed out or typed over is gone.

    >>> clean("\\x1b[1;36meth0\\x1b[0m UP\\r\\nip routt\\x08e\\n")
    'eth0 UP\\nip route\\n'
    """
    text = ESCAPES.sub("", pasted).replace("\r\n", "\n").replace("\x07", "")
    if "\r" not in text and "\x08" not in text:
        return text
    return "\n".join(map(_typed_over, text.split("\n")))


def _typed_over(line: str) -> str:
    """One line after its carriage returns and backspaces."""
    shown: list[str] = []
    at = 0
    for sign in line:
        if sign in "\r\x08":
            at = 0 if sign == "\r" else max(0, at - 1)
        else:
            shown[at : at + 1] = sign
            at += 1
    return "".join(shown)


def frame(name: str, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows as a DataFrame with every column of the table, typed, also when there is no row."""
    import pandas

    rows = list(rows)
    return pandas.DataFrame(
        {c.name: pandas.array([row[c.name] for row in rows], dtype=DTYPES[c.type]) for c in TABLES[name].columns}
    )


def frames(line: str, printed: str) -> dict[str, DataFrame]:
    """The tables of what a command line printed, as DataFrames by name of table."""
    return {name: frame(name, found) for name, found in rows(line, printed).items()}


def parse(line: str, printed: str, table: str | None = None) -> DataFrame:
    """Output from anywhere, as the DataFrame of the command that printed it (for ping: its replies).

    line: the command, `ip route` say; printed: what it printed; table: which of its tables, where there is
    more than one (`ping statistics`). Raises NoParser for a command without a table, or without that one,
    OutputNotUnderstood for a word that its parser does not know.
    """
    for name, found in rows(line, printed).items():
        if table in (None, name):
            return frame(name, found)
    raise NoParser(line)


def listed() -> list[Row]:
    """Every column of every table: table, column, type, meaning, example."""
    return [
        {"table": t.name, "column": c.name, "type": c.type.__name__, "meaning": c.meaning, "example": t.example}
        for t in TABLES.values()
        for c in t.columns
    ]


def tables() -> DataFrame:
    """Every table with its columns, their types (pandas dtypes), meanings and units."""
    import pandas

    listing = pandas.DataFrame(listed(), dtype="string")
    listing["type"] = [DTYPES[c.type] for t in TABLES.values() for c in t.columns]
    return listing.rename(columns={"type": "dtype"})
