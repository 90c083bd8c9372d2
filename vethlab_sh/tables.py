"""Which command prints which table?

One registry: table -> parser, columns, types, meaning. `recognise` finds the tables of a command line,
in all the short forms that iproute2 takes; `rows` reads text with the parser; `parse` makes a DataFrame.
pandas is imported only when a DataFrame is asked for, so that a demo starts without waiting for it.
"""

from __future__ import annotations

import re
import shlex
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

if TYPE_CHECKING:
    from pandas import DataFrame

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
# One record on one line: their output still parses when grep took lines away.
LINEWISE = {"ip route", "ip neigh", "ip netns", "bridge fdb", "arp", "brctl showmacs", "sysctl"}

# iproute2 takes any beginning of a word, the first in its own order that fits: ip.c, ipaddress.c, iplink.c ...
IP_OBJECTS = (
    "address", "addrlabel", "maddress", "route", "rule", "neighbor", "neighbour", "ntable", "ntbl", "link", "l2tp",
    "fou",
    "ila", "macsec", "tunnel", "tunl", "tuntap", "tap", "token", "tcpmetrics", "tcp_metrics", "monitor", "xfrm",
    "mroute",
    "mrule", "netns", "netconf", "vrf", "sr", "nexthop", "mptcp", "ioam", "help", "stats",
)  # fmt: skip
IP_TABLES = {
    "address": "ip addr", "link": "ip link", "route": "ip route", "neighbor": "ip neigh", "neighbour": "ip neigh",
    "netns": "ip netns",
}  # fmt: skip
IP_VERBS = {
    "address": ("add", "change", "replace", "delete", "show", "lst", "list", "flush", "save"),
    "link": ("add", "set", "change", "replace", "delete", "show", "lst", "list", "help"),
    "route": ("list", "show", "lst", "get", "add", "append", "change", "chg", "delete", "replace", "prepend",
    "test", "flush"),
    "neighbor": ("add", "replace", "change", "chg", "delete", "get", "show", "lst", "list", "flush"),
    "netns": ("list", "show", "lst", "list-id", "help", "add", "set", "delete", "identify", "pids", "exec",
    "monitor"),
}  # fmt: skip
IP_VERBS["neighbour"] = IP_VERBS["neighbor"]
BRIDGE_VERBS = {
    "link": ("set", "change", "show", "lst", "list"),
    "fdb": ("add", "append", "replace", "delete", "get", "show", "lst", "list", "flush"),
}
SHOWING = {"show", "lst", "list", "get"}
# Options may be cut short too, and begin with two dashes.
OPTIONS = (
    "-loops", "-family", "-4", "-6", "-0", "-M", "-B", "-human", "-iec", "-stats", "-statistics", "-details",
    "-resolve", "-oneline", "-timestamp", "-tshort", "-Version", "-force", "-batch", "-brief", "-json", "-pretty",
    "-rcvbuf", "-color", "-compressvlans", "-help", "-netns", "-Numeric", "-all", "-echo",
)  # fmt: skip
VALUE_OPTIONS = {"-netns", "-family", "-loops", "-rcvbuf"}
OTHER_OUTPUT = {"-json", "-batch", "-force", "-Version", "-all", "-help"}
# Escapes of a terminal; colours also where a web page or an editor swallowed the ESC or wrote it as ^[
ESCAPES = re.compile(
    r"(?:\x1b|\^\[|\u241b)(?:\[[0-9;?<=>]*[A-Za-z@~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][A-Z0-9]|[=>78])|\[[0-9][0-9;]*m"
)
OPERATORS = "|;&<>()\n"
PLAIN_GREP = re.compile(r"-[viwxEFPe]+|-m\d+|--color=never", re.ASCII)


def recognise(line: str) -> tuple[str, ...]:
    """Names of the tables that this command line prints; none for what has no parser.

    >>> recognise("ip netns exec ns1 ip a"), recognise("ip l s br0 up"), recognise("ip -j addr")
    (('ip addr',), (), ())
    """
    first, *filters = stages(line) or [[]]
    words = _without_prefix(first)
    names = _names(words) if words else ()
    if filters and not (_is_linewise(words, names) and all(map(_is_plain_grep, filters))):
        return ()
    return names


def stages(line: str) -> list[list[str]]:
    """The words of each command of a pipe; nothing when the line is more than a pipe, or a quote is open."""
    if "$(" in line or "`" in line:
        return []
    lexer = shlex.shlex(line.split(" #")[0].strip(), posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    stages: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word == "|":
                stages.append([])
            elif word and set(word) <= set(OPERATORS):
                return []
            else:
                stages[-1].append(word)
    except ValueError:
        return []
    return stages


def _is_linewise(words: list[str], names: tuple[str, ...]) -> bool:
    return set(names) <= LINEWISE or bool(_options(words[1:])[0] & {"-oneline", "-brief"})


def _is_plain_grep(words: list[str]) -> bool:
    """A grep that only leaves lines out: it reads no file, and does not count, number or cut."""
    options = [word for word in words[1:] if word.startswith("-")]
    reads_pipe = len(words) - len(options) == 2 or "-e" in options
    return words[:1] in (["grep"], ["egrep"], ["fgrep"]) and reads_pipe and all(map(PLAIN_GREP.fullmatch, options))


def _names(words: list[str]) -> tuple[str, ...]:
    program, rest = words[0].rsplit("/", 1)[-1], words[1:]
    reader = {
        "ip": _ip, "bridge": _bridge, "brctl": _brctl, "arp": _arp, "ifconfig": _ifconfig, "sysctl": _sysctl,
    }.get(program)  # fmt: skip
    if program in ("ping", "ping6"):
        return ("ping", "ping statistics")
    name = reader(rest) if reader else None
    return (name,) if name else ()


def _without_prefix(words: list[str]) -> list[str]:
    """What is left after `sudo`, `A=b`, `timeout 5`, `ip netns exec NS`, `nsenter ... --`, `kubectl exec ... --`."""
    while words:
        program = words[0].rsplit("/", 1)[-1]
        if program in ("sudo", "env", "timeout"):
            words = _without_options(words[1:], ("-u", "-g", "-k", "-s", "-C"))[program == "timeout" :]
        elif program in ("busybox", "command") or re.match(r"\w+=", words[0]):
            words = words[1:]
        elif program in ("nsenter", "kubectl", "docker", "unshare") and "--" in words:
            words = words[words.index("--") + 1 :]
        elif program == "ip" and len(words) > 4 and _is_netns_exec(words):
            words = words[4:]
        else:
            break
    return words


def _without_options(words: list[str], with_value: tuple[str, ...]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in with_value else words[1:]
    return words


def _is_netns_exec(words: list[str]) -> bool:
    return _abbreviated(words[1], IP_OBJECTS) == "netns" and _abbreviated(words[2], IP_VERBS["netns"]) == "exec"


def _abbreviated(word: str, names: Iterable[str]) -> str | None:
    return next((name for name in names if word and name.startswith(word)), None)


def _options(words: list[str]) -> tuple[set[str], list[str]]:
    """The options before the object, in full, and the words from the object on."""
    options = set()
    while words and words[0].startswith("-"):
        word = words[0].replace("--", "-", 1).split("=")[0]  # -c=never
        option = _abbreviated(word, OPTIONS) or word
        options.add(option)
        words = words[2:] if option in VALUE_OPTIONS else words[1:]
    return options, words


def _ip(words: list[str]) -> str | None:
    options, words = _options(words)
    if options - set(OPTIONS) or options & OTHER_OUTPUT or not words:
        return None
    thing = _abbreviated(words[0], IP_OBJECTS)
    if thing not in IP_TABLES:
        return None
    if len(words) > 1 and _abbreviated(words[1], IP_VERBS[thing]) not in SHOWING:
        return None
    return IP_TABLES[thing]


def _bridge(words: list[str]) -> str | None:
    options, words = _options(words)
    if options - set(OPTIONS) or options & OTHER_OUTPUT or not words:
        return None
    thing = _abbreviated(words[0], ("link", "fdb", "mdb", "vlan", "vni", "monitor"))
    if thing not in BRIDGE_VERBS:
        return None
    shows = len(words) == 1 or _abbreviated(words[1], BRIDGE_VERBS[thing]) in SHOWING
    return f"bridge {thing}" if shows else None


def _brctl(words: list[str]) -> str | None:
    return f"brctl {words[0]}" if words and words[0] in ("show", "showmacs") else None


def _arp(words: list[str]) -> str | None:
    return None if {"-s", "-d", "-f", "--set", "--delete"} & set(words) else "arp"


def _ifconfig(words: list[str]) -> str | None:
    asked = [word for word in words if word not in ("-a", "-v")]
    return "ifconfig" if len(asked) <= 1 and "-s" not in words else None


def _sysctl(words: list[str]) -> str | None:
    options = {word for word in words if word.startswith("-")}
    asked = len(words) > len(options) or options & {"-a", "-A", "--all"}
    return "sysctl" if asked and options <= {"-a", "-A", "--all", "-w", "--write", "-e", "--ignore"} else None


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
