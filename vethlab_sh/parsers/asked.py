"""What do a command's own words tell of its rows? The device, bridge or table that it asked for, which is not printed.

`bridge fdb show dev flannel.1` prints no `dev`, `bridge fdb show br br0` no `master`, `ip route show table 100` no
`table` (ipneigh.c, iproute.c and fdb.c of iproute2 leave out what the filter has fixed).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from .sysctl import key_of
from .words import Row

LEFT_OUT = {  # by table: the word of the command, and the column that it fills
    "ip route": {"dev": "dev", "table": "table", "proto": "proto", "scope": "scope"},
    "ip neigh": {"dev": "dev"},
    "bridge fdb": {"dev": "dev", "brport": "dev", "br": "master"},
    "kubectl get pods": {"-n": "namespace", "--namespace": "namespace"},
    "iptables": {"-t": "table", "--table": "table"},
}
OF_SWITCH = {"ovs-appctl fdb": "fdb/show", "ovs-ofctl flows": "dump-flows"}  # the verb, which the switch follows
# Without -t these show `filter`; iptables-save shows all tables, each by its name.
SHOWS_ONE_TABLE = re.compile(r"(?:\S*/)?ip6?tables(?:-legacy|-nft)?")
SETTINGS = "/proc/sys/"
GLOB = re.compile(r"[*?\[]")  # of the shell: how many files it stands for is not known
KEY = re.compile(r"\w+([./][\w/-]+)+")
SYS_FILE = re.compile(r"(?:/sys/class/net|\.)/([^\s/*?\[]+)/(iflink|ifindex)")
NARROWER = {
    "to", "root", "match", "exact", "via", "src", "type", "nud", "proxy", "get", "dynamic", "static", "default", "from",
    "vrf", "vlan", "state", "cache", "unused",
}  # fmt: skip
ONE_ADDRESS = re.compile(r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]+(/\d+)?")
SHOWS, LISTS = "show", ("list", "lst", "ls", "lis", "li", "l")  # what iproute2 takes for `show`
ALL_TABLES = {"all", "cache", "0"}


def with_words(table: str, words: Sequence[str], rows: Iterable[Row]) -> list[Row]:
    """The rows with what the words of their command tell; what a row says itself stays.

    >>> with_words("ip neigh", "ip neigh show dev eth0".split(), [{"ip": "10.0.0.1", "dev": None}])
    [{'ip': '10.0.0.1', 'dev': 'eth0'}]
    """
    if table == "iflink":
        return _in_order(list(rows), _files(words))
    if table == "sysctl":
        return _in_order(list(rows), _keys(words))
    fixed = asked_for(table, words)
    if not fixed:
        return list(rows)
    return [_filled(table, row, fixed) for row in rows]


def asked_for(table: str, words: Sequence[str]) -> dict[str, str]:
    """What a command asks for, by column: `dev flannel.1`, `table 100`."""
    if table in OF_SWITCH:
        return _switch(words, OF_SWITCH[table])
    if table == "ethtool":
        return {"dev": words[-1]} if len(words) > 2 else {}  # `ethtool -S veth0`
    columns = LEFT_OUT.get(table)
    is_get_of_ip = "get" in words and table != "kubectl get pods"  # it asks for an address, and prints all
    if columns is None or is_get_of_ip:
        return {}
    fixed = {}
    for word, value in itertools.pairwise(words):
        if word in columns and value not in columns:
            fixed[columns[word]] = value
    if table == "iptables" and any(SHOWS_ONE_TABLE.fullmatch(word) for word in words):
        fixed.setdefault("table", "filter")
    if fixed.get("table") in ALL_TABLES:
        fixed.pop("table")
    return fixed


def _switch(words: Sequence[str], verb: str) -> dict[str, str]:
    """The switch that `ovs-appctl fdb/show br-int` names."""
    behind = list(words)[list(words).index(verb) + 1 :] if verb in words else []
    names = [word for word in behind if not word.startswith("-")]
    return {"bridge": names[0]} if names else {}


def is_all(table: str, words: Sequence[str]) -> bool:
    """Whether a command lists all that there is, or all of one device: its words ask for nothing narrower.

    >>> is_all("ip neigh", "ip neigh show dev eth0".split()), is_all("ip neigh", "ip neigh show 10.0.0.1".split())
    (True, False)
    """
    if any(_is_narrower(word) for word in words):
        return False
    if table in ("arp", "ifconfig") and table in words:
        operands = words[words.index(table) + 1 :]
        return all(word.startswith("-") for word in operands)
    if table in ("ip addr", "ip link") and "ip" in words:
        return _shows_every_device(words[words.index("ip") + 1 :])
    values = asked_for(table, words)
    if values.get("table") == "main":
        del values["table"]
    return not values.keys() - {"dev"}


def _is_narrower(word: str) -> bool:
    """Whether a word asks for less than all: for another family, one address, one kind."""
    is_other_family = word.startswith("-") and ("6" in word or "0" in word)
    if is_other_family or word in NARROWER:
        return True
    return ONE_ADDRESS.fullmatch(word) is not None


def _shows_every_device(words: Sequence[str]) -> bool:
    """Whether `ip addr` or `ip link`, of these words behind `ip`, names no device."""
    _, *operands = [word for word in words if not word.startswith("-")]
    for word in operands:
        is_verb = SHOWS.startswith(word) or word in LISTS
        if not is_verb:
            return False
    return True


def _filled(table: str, row: Row, fixed: dict[str, str]) -> Row:
    filled = dict(row)
    for column, value in fixed.items():
        if filled.get(column) is not None:
            continue
        is_of_device = table == "bridge fdb" and column == "master" and row.get("self")
        if not is_of_device:  # an entry of the device itself is none of the bridge that it is a port of
            filled[column] = value
    return filled


def _in_order(rows: list[Row], names: Sequence[Row]) -> list[Row]:
    """Rows that nothing names, with the names of what was asked for: as many, in that order. Else they stay."""
    if len(names) != len(rows):
        return rows
    named = []
    for row, name in zip(rows, names, strict=True):
        if any(row[column] for column in name):
            return rows
        named.append(row | name)
    return named


def _files(words: Sequence[str]) -> list[Row]:
    """The files of `cat /sys/class/net/eth0/iflink`, which prints numbers alone."""
    files: list[Row] = []
    for word in words:
        file = SYS_FILE.fullmatch(word)
        if file:
            files.append({"name": file[1], "file": file[2]})
    return files


def _keys(words: Sequence[str]) -> list[Row]:
    """The keys of `sysctl -n net.ipv4.ip_forward` and `cat /proc/sys/net/ipv4/ip_forward`, which print values alone."""
    keys: list[Row] = []
    for word in words:
        if GLOB.search(word):
            return []
        if word.startswith(SETTINGS):
            keys.append({"key": key_of(word.removeprefix(SETTINGS))})
        elif KEY.fullmatch(word):
            keys.append({"key": word})
    return keys
