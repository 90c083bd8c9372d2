"""What is in the whole lab now, across all its namespaces?

Read from `ip -j` and `bridge -j`, so that it judges the text that learners read. A snapshot is a value: it
remembers what was true when it was taken, and nothing here is kept for the next one.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .errors import CommandFailed
from .sandbox import HOSTNAME

if TYPE_CHECKING:
    from pandas import DataFrame

    from .shell import Shell

Row = dict[str, Any]

# A namespace that vanishes while we look answers with nothing, and is then not in the snapshot.
QUESTION = """
look() {{
    local it name=$1; shift
    it=$(ip "$@" -d -j -batch - 2>/dev/null <<<{lines})
    printf '{mark} %s\\n%s\\n' "$name" "$it"
    case $it in *'"bridge"'*|*'"vxlan"'*) bridge "$@" -j fdb 2>/dev/null ;; *) echo '[]' ;; esac
}}
settings() {{
    echo {settings_mark}
    "$@" bash -c 'cd /proc/sys/net && grep -s . ipv4/ip_forward ipv6/conf/all/forwarding ipv4/neigh/*/proxy_delay \\
        ipv4/conf/*/{{proxy_arp,rp_filter,route_localnet,arp_notify}} ipv6/conf/*/{{accept_ra,accept_dad,disable_ipv6}}'
}}
look {host}
{settings}
for file in /run/netns/*; do
    name=${{file#/run/netns/}}
    [ -e "$file" ] && look "$name" -n "$name" && {settings_there}
done
exit 0
"""
MARK, SETTINGS_MARK = "=vethlab=", "=settings="
# /proc/sys/net is that of the process that opens the file, so names and values are asked for in the namespace itself
SETTINGS, SETTINGS_THERE = "settings", 'settings ip netns exec "$name"'
ANSWERS = ("addr", "neigh", "ids", "route", "route6", "fdb")
# In one process: a batch has no -6, but this asks for IPv6 routes too, those of every table
LINES = "addr", "neigh", "netns list-id", "route", "route show table all root ::/0"

COLUMNS = {
    "namespaces": ("namespace",),
    "links": (
        "namespace", "index", "name", "kind", "state", "up", "carrier", "mtu", "mac", "master",
        "peer_namespace", "peer", "peer_index", "hairpin",
        "vxlan_id", "vxlan_port", "vxlan_local", "vxlan_dev", "vxlan_learning",
    ),
    "addresses": ("namespace", "dev", "family", "address", "broadcast", "scope", "tentative"),
    "routes": (
        "namespace", "family", "kind", "to", "via", "dev", "proto", "scope", "src", "metric", "onlink", "linkdown",
    ),
    "neighbours": ("namespace", "dev", "ip", "mac", "state"),
    "fdb": ("namespace", "mac", "dev", "master", "dst", "state", "self", "vlan"),
    "settings": ("namespace", "key", "value"),
    "wires": ("namespace", "name", "state", "peer_namespace", "peer", "peer_state", "mtu", "master", "peer_master"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The lab at one moment. Each property is a DataFrame; `rows` has the same as plain dicts.

    namespaces, links, addresses, routes (main table, IPv4 and IPv6), neighbours, fdb (of namespaces with a bridge or a
    VXLAN), settings (the sysctls that decide about forwarding, ARP and IPv6; empty unless asked for), and wires: both
    ends of every veth pair, one row a pair (an end that cannot be found is missing, not guessed).
    """

    rows: dict[str, tuple[Row, ...]]

    def frame(self, name: str) -> DataFrame:
        """One of the tables by name."""
        import pandas

        return pandas.DataFrame(list(self.rows[name]), columns=list(COLUMNS[name])).convert_dtypes()

    @cached_property
    def namespaces(self) -> DataFrame:
        """namespace: `master` is the lab's own root, the rest are named."""
        return self.frame("namespaces")

    @cached_property
    def links(self) -> DataFrame:
        """A row a device: what it is, its state, what it is plugged into, its peer's place."""
        return self.frame("links")

    @cached_property
    def addresses(self) -> DataFrame:
        """A row an address."""
        return self.frame("addresses")

    @cached_property
    def routes(self) -> DataFrame:
        """A row a route and next hop, of the main table."""
        return self.frame("routes")

    @cached_property
    def neighbours(self) -> DataFrame:
        """A row a neighbour: IP address to MAC address."""
        return self.frame("neighbours")

    @cached_property
    def fdb(self) -> DataFrame:
        """A row a forwarding entry: MAC address to bridge port or VXLAN destination."""
        return self.frame("fdb")

    @cached_property
    def settings(self) -> DataFrame:
        """A row a sysctl that decides about forwarding, when the snapshot was asked to read them."""
        return self.frame("settings")

    @cached_property
    def wires(self) -> DataFrame:
        """A row a veth pair, both ends."""
        return self.frame("wires")


EMPTY = Snapshot(dict.fromkeys(COLUMNS, ()))


def take(shell: Shell, settings: bool = False) -> Snapshot:
    """A snapshot of the lab that this shell runs in; with settings it costs one more process a namespace."""
    asked = (
        {"settings": SETTINGS, "settings_there": SETTINGS_THERE}
        if settings
        else {"settings": "", "settings_there": ":"}
    )
    batch = shlex.quote("\n".join(LINES))
    question = QUESTION.format(mark=MARK, settings_mark=SETTINGS_MARK, host=HOSTNAME, lines=batch, **asked)
    ran = shell.run(question, expect=None)
    if ran.code != 0:
        raise CommandFailed(ran)
    return of(dict(answers(ran.out)))


def of(spaces: dict[str, Any]) -> Snapshot:
    """A snapshot of what each namespace answered, by its name."""
    ends = {space: _Ends.of(answer) for space, answer in spaces.items()}
    links = [row for space, answer in spaces.items() for row in _links(space, answer, ends)]
    return Snapshot(
        {
            "namespaces": tuple({"namespace": space} for space in spaces),
            "links": tuple(links),
            "addresses": _each(spaces, _addresses),
            "routes": _each(spaces, _routes),
            "neighbours": _each(spaces, _neighbours),
            "fdb": _each(spaces, _fdb),
            "settings": _each(spaces, _settings),
            "wires": tuple(veth_pairs(links)),
        }
    )


def answers(text: str, names: Sequence[str] = ANSWERS) -> Iterator[tuple[str, dict[str, list[Any]]]]:
    """Namespace and its JSON answers, which come in the order of their names; one that did not answer is left out."""
    decoder = json.JSONDecoder()
    for part in text.split(MARK + " ")[1:]:
        space, _, whole = part.partition("\n")
        rest, _, settings = whole.partition(SETTINGS_MARK)
        found, rest = [], rest.strip()
        while rest:
            value, end = decoder.raw_decode(rest)
            found.append(value)
            rest = rest[end:].lstrip()
        if len(found) == len(names):
            yield space, {**dict(zip(names, found, strict=True)), "settings": settings.split()}


def _each(spaces: dict[str, Any], read: Any) -> tuple[Row, ...]:
    return tuple({"namespace": space, **row} for space, answer in spaces.items() for row in read(answer))


def _links(space: str, answer: dict[str, list[Row]], ends: dict[str, _Ends]) -> Iterator[Row]:
    for link in answer["addr"]:
        if not link:  # iproute2 prints {} for what a filter left out
            continue
        info = link.get("linkinfo", {})
        peer = _peer(space, link, ends) if info.get("info_kind") == "veth" else {}
        yield dict.fromkeys(COLUMNS["links"]) | {
            "namespace": space,
            "index": link["ifindex"],
            "name": link["ifname"],
            "kind": info.get("info_kind") or link["link_type"],
            "state": link["operstate"],
            "up": "UP" in link["flags"],
            "carrier": "LOWER_UP" in link["flags"],
            "mtu": link["mtu"],
            "mac": link.get("address"),
            "master": link.get("master"),
            "hairpin": info.get("info_slave_data", {}).get("hairpin"),
            **(_vxlan(info["info_data"]) if info.get("info_kind") == "vxlan" else {}),
            **peer,
        }


def _vxlan(data: Row) -> Row:
    return {
        "vxlan_id": data.get("id"),
        "vxlan_port": data.get("port"),
        "vxlan_local": data.get("local") or data.get("local6"),
        "vxlan_dev": data.get("link"),
        "vxlan_learning": data.get("learning"),
    }


@dataclass(frozen=True)
class _Ends:
    """The devices of a namespace by number and by name, and the namespaces that it has numbers for."""

    devices: dict[int | str, Row]
    spaces: dict[int | None, str]

    @classmethod
    def of(cls, answer: dict[str, list[Row]]) -> _Ends:
        """Those that a namespace answered with."""
        links = [link for link in answer["addr"] if link]
        devices = {link[key]: link for key in ("ifindex", "ifname") for link in links}
        return cls(devices, {row["nsid"]: row.get("name", HOSTNAME) for row in answer["ids"]})


def _peer(space: str, link: Row, ends: dict[str, _Ends]) -> Row:
    """Where the other end of a veth is, when both ends say so; missing, not guessed, when they do not."""
    there = _peer_namespace(space, link, ends)
    if there in ends:
        other = ends[there].devices.get(_peer_key(link))
        if other and _peer_namespace(there, other, ends) == space and _is_peer(other, link):
            return {"peer_namespace": there, "peer": other["ifname"], "peer_index": other["ifindex"]}
    return {"peer_namespace": None, "peer": None, "peer_index": link.get("link_index")}


def _peer_namespace(space: str, link: Row, ends: dict[str, _Ends]) -> str | None:
    """The namespace that a veth's other end is in; the lab's root is the one that has no name."""
    if "link" in link:
        return space
    there = ends[space].spaces.get(link.get("link_netnsid"))
    return None if there == space else there


def _peer_key(link: Row) -> Any:
    """What a veth says of its other end: the name in the same namespace, else the number."""
    return link.get("link", link.get("link_index"))


def _is_peer(link: Row, other: Row) -> bool:
    return bool(_peer_key(link) == other["ifname" if "link" in link else "ifindex"])


def _addresses(answer: dict[str, list[Row]]) -> Iterator[Row]:
    for link in answer["addr"]:
        for row in link.get("addr_info", ()):
            yield {
                "dev": link["ifname"],
                "family": row["family"],
                "address": f"{row['local']}/{row['prefixlen']}",
                "broadcast": row.get("broadcast"),
                "scope": row["scope"],
                "tentative": bool(row.get("tentative")),
            }


def _routes(answer: dict[str, list[Row]]) -> Iterator[Row]:
    for family, key in (("inet", "route"), ("inet6", "route6")):
        for route in (route for route in answer[key] if route.get("table", "main") == "main"):
            for hop in route.get("nexthops", ({},)):
                yield _route(family, {**route, **hop, "flags": route.get("flags", []) + hop.get("flags", [])})


def _route(family: str, row: Row) -> Row:
    return {
        "family": family,
        "kind": row["type"],
        "to": row["dst"],
        "via": row.get("gateway") or row.get("via", {}).get("host"),
        "dev": row.get("dev"),
        "proto": row.get("protocol"),
        "scope": row.get("scope"),
        "src": row.get("prefsrc"),
        "metric": row.get("metric"),
        "onlink": "onlink" in row["flags"],
        "linkdown": "linkdown" in row["flags"],
    }


def _neighbours(answer: dict[str, list[Row]]) -> Iterator[Row]:
    for row in answer["neigh"]:
        yield {
            "dev": row["dev"],
            "ip": row["dst"],
            "mac": row.get("lladdr"),
            "state": " ".join(row.get("state", ())),
        }


def _fdb(answer: dict[str, list[Row]]) -> Iterator[Row]:
    for row in answer["fdb"]:
        yield {
            "mac": row["mac"],
            "dev": row.get("ifname"),
            "master": row.get("master"),
            "dst": row.get("dst"),
            "state": row.get("state") or None,  # iproute2 says "" for what was learned
            "self": "self" in row.get("flags", ()),
            "vlan": row.get("vlan"),
        }


def _settings(answer: dict[str, Any]) -> Iterator[Row]:
    for line in answer["settings"]:
        file, _, value = line.partition(":")
        yield {"key": "net/" + file, "value": value}


def veth_pairs(links: list[Row]) -> Iterator[Row]:
    """Each veth pair once: the end on the host first, else the one that comes first."""
    ends = {(link["namespace"], link["name"]): link for link in links if link["kind"] == "veth"}
    seen = set()
    for key, end in ends.items():
        if key in seen:
            continue
        other_key = (end["peer_namespace"], end["peer"])
        other = ends.get(other_key, {})
        seen |= {key, other_key}
        yield {
            "namespace": end["namespace"],
            "name": end["name"],
            "state": end["state"],
            "peer_namespace": end["peer_namespace"],
            "peer": end["peer"],
            "peer_state": other.get("state"),
            "mtu": end["mtu"],
            "master": end["master"],
            "peer_master": other.get("master"),
        }
