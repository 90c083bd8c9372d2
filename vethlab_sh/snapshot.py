"""What is in the whole lab now, across all its namespaces? What the kernel answers in each of them.

Read from `ip -j` and `bridge -j`, so that it judges the text that learners read. A snapshot is a value: it
remembers what was true when it was taken, and nothing here is kept for the next one.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .errors import CommandFailed
from .facts import Address, Entry, Fact, Link, Namespace, Neighbour, Port, Route, Setting, Wire, as_row
from .sandbox import HOSTNAME

if TYPE_CHECKING:
    from pandas import DataFrame

    from .shell import Shell

Row = dict[str, Any]  # what JSON holds
Answer = dict[str, list[Any]]  # of a namespace, by the question
F = TypeVar("F")  # a kind of fact
# What a user may ask for by its name: `show NAME` shows it.
TableName = Literal["namespaces", "links", "addresses", "routes", "neighbours", "fdb", "settings", "wires"]

# A namespace that vanishes while we look answers with nothing, and is then not in the snapshot.
QUESTION = """
look() {{
    local it name=$1; shift
    it=$(ip "$@" -d -j -batch - 2>/dev/null <<<{lines})
    printf '\\0%s\\0%s\\n' "$name" "$it"
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
# A NUL stands around the name of each namespace: no file name and no output of `ip` can hold one.
MARK, SETTINGS_MARK = "\0", "=settings="
# /proc/sys/net is that of the process that opens the file, so names and values are asked for in the namespace itself
SETTINGS, SETTINGS_THERE = "settings", 'settings ip netns exec "$name"'
ANSWERS = ("addr", "neigh", "ids", "route", "route6", "fdb")
# In one process: a batch has no -6, but this asks for IPv6 routes too, those of every table
LINES = "addr", "neigh", "netns list-id", "route", "route show table all root ::/0"

COLUMNS: dict[TableName, tuple[str, ...]] = {
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


@dataclass(frozen=True)
class Facts:
    """All that was read, as facts by kind; each kind is a tuple in the kernel's order."""

    namespaces: tuple[Namespace, ...] = ()
    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    fdb: tuple[Entry, ...] = ()
    settings: tuple[Setting, ...] = ()
    wires: tuple[Wire, ...] = ()

    def kind(self, name: TableName) -> tuple[Fact, ...]:
        """The facts of one kind, where a word chooses the table; who knows the kind asks for its field."""
        facts: tuple[Fact, ...] = getattr(self, name)
        return facts

    def plain(self, name: TableName) -> list[Row]:
        """One kind as a table has it: a dict for each fact, with the columns of that table."""
        return [as_row(fact, COLUMNS[name]) for fact in self.kind(name)]


KINDS: dict[TableName, type[Fact]] = {
    "namespaces": Namespace,
    "links": Link,
    "addresses": Address,
    "routes": Route,
    "neighbours": Neighbour,
    "fdb": Entry,
    "settings": Setting,
    "wires": Wire,
}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The lab at one moment. Each property is a DataFrame; `rows` has the same as facts.

    namespaces, links, addresses, routes (main table, IPv4 and IPv6), neighbours, fdb (of namespaces with a bridge or a
    VXLAN), settings (the sysctls that decide about forwarding, ARP and IPv6; empty unless asked for), and wires: both
    ends of every veth pair, one row a pair (an end that cannot be found is missing, not guessed).
    """

    rows: Facts

    def frame(self, name: TableName) -> DataFrame:
        """One of the tables by name."""
        import pandas

        rows = self.rows.plain(name)
        columns = list(COLUMNS[name])
        return pandas.DataFrame(rows, columns=columns).convert_dtypes()

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

    def plain(self) -> dict[str, list[Row]]:
        """All tables as plain values, which JSON can hold; `from_plain` makes the snapshot of them again."""
        return {name: self.rows.plain(name) for name in COLUMNS}


def from_plain(tables: Mapping[str, Iterable[Row]]) -> Snapshot:
    """The snapshot that `Snapshot.plain` told."""
    kinds: dict[str, Any] = {}  # JSON tells no types
    for name, make in KINDS.items():
        kinds[name] = tuple(make(**row) for row in tables.get(name, ()))
    return Snapshot(Facts(**kinds))


EMPTY = Snapshot(Facts())


def take(shell: Shell, settings: bool = False) -> Snapshot:
    """A snapshot of the lab that this shell runs in; with settings it costs one more process a namespace."""
    asked = {"settings": "", "settings_there": ":"}
    if settings:
        asked = {"settings": SETTINGS, "settings_there": SETTINGS_THERE}
    batch = shlex.quote("\n".join(LINES))
    question = QUESTION.format(settings_mark=SETTINGS_MARK, host=HOSTNAME, lines=batch, **asked)
    ran = shell.run(question, expect=None)
    if ran.code != 0:
        raise CommandFailed(ran)
    return of(dict(answers(ran.out)))


def of(spaces: Mapping[str, Answer]) -> Snapshot:
    """A snapshot of what each namespace answered, by its name."""
    ends = {space: _Ends.of(answer) for space, answer in spaces.items()}
    links: list[Link] = []
    for space, answer in spaces.items():
        links += _links(space, answer, ends)
    return Snapshot(
        Facts(
            namespaces=tuple(Namespace(namespace=space) for space in spaces),
            links=tuple(links),
            addresses=_each(spaces, _addresses),
            routes=_each(spaces, _routes),
            neighbours=_each(spaces, _neighbours),
            fdb=_each(spaces, _fdb),
            settings=_each(spaces, _settings),
            wires=tuple(veth_pairs(links)),
        )
    )


def answers(text: str, names: Sequence[str] = ANSWERS) -> Iterator[tuple[str, Answer]]:
    """Namespace and its JSON answers, which come in the order of their names.

    One that did not answer, or not in JSON, is left out: it costs the others nothing.
    """
    for space, whole in parts(text):
        rest, _, settings = whole.partition(f"\n{SETTINGS_MARK}\n")
        try:
            values = _values(rest)
        except ValueError:
            continue
        if len(values) == len(names):
            yield space, {**dict(zip(names, values, strict=True)), "settings": settings.splitlines()}


def parts(text: str) -> Iterator[tuple[str, str]]:
    """Each namespace with what it printed, as it came."""
    _, *pieces = text.split(MARK)
    spaces = pieces[0::2]
    texts = pieces[1::2]
    return zip(spaces, texts, strict=False)


def _values(text: str) -> list[Any]:
    """The JSON values that stand one after the other in a text. Raises ValueError where it is none."""
    decoder = json.JSONDecoder(strict=False)  # `ip -j` prints a name's control characters as they are
    values = []
    rest = text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


def _each(spaces: Mapping[str, Answer], read: Callable[[str, Answer], Iterator[F]]) -> tuple[F, ...]:
    facts: list[F] = []
    for space, answer in spaces.items():
        facts += read(space, answer)
    return tuple(facts)


def _links(space: str, answer: Answer, ends: Mapping[str, _Ends]) -> Iterator[Link]:
    for link in answer["addr"]:
        if not link:  # iproute2 prints {} for what a filter left out
            continue
        info = link.get("linkinfo", {})
        kind = info.get("info_kind")
        fact = Link(
            namespace=space,
            index=link["ifindex"],
            name=link["ifname"],
            kind=kind or link["link_type"],
            state=link["operstate"],
            up="UP" in link["flags"],
            carrier="LOWER_UP" in link["flags"],
            mtu=link["mtu"],
            mac=link.get("address"),
            master=link.get("master"),
            hairpin=info.get("info_slave_data", {}).get("hairpin"),
            port=_port(info),
            arp="NOARP" not in link["flags"],
        )
        if kind == "vxlan":
            fact = _with_tunnel(fact, info["info_data"])
        elif kind == "bridge":
            fact = _with_spanning_tree(fact, info["info_data"])
        elif kind == "veth":
            fact = _with_peer(fact, link, ends)
        elif "link" in link or "link_netnsid" in link:
            data = info.get("info_data", {})
            fact = replace(fact, mode=data.get("mode"))
            fact = _with_parent(fact, link, ends)
        yield fact


def _port(info: Row) -> Port | None:
    """What a bridge does at its port; a word that this kernel, or this `ip`, does not tell keeps its default."""
    if info.get("info_slave_kind") != "bridge":
        return None
    data = info.get("info_slave_data", {})
    settings = {}
    for field in fields(Port):
        if field.name in data:
            settings[field.name] = data[field.name]
    return Port(**settings)


def _with_spanning_tree(link: Link, data: Row) -> Link:
    hundredths = data.get("forward_delay")  # the kernel counts in hundredths of a second
    seconds = None if hundredths is None else hundredths / 100
    return replace(link, stp=bool(data.get("stp_state")), forward_delay=seconds)


def _with_parent(fact: Link, link: Row, ends: Mapping[str, _Ends]) -> Link:
    """The device that a macvlan, VLAN or the like is on; in another namespace it is told by its number."""
    if "link" in link:
        return replace(fact, parent=link["link"], parent_namespace=fact.namespace)
    there = ends[fact.namespace].spaces.get(link.get("link_netnsid"))
    if there is None or there not in ends:
        return fact
    number = link.get("link_index", 0)
    other = ends[there].devices.get(number)
    if other is None:
        return fact
    return replace(fact, parent=other["ifname"], parent_namespace=there)


def _with_tunnel(link: Link, data: Row) -> Link:
    return replace(
        link,
        vxlan_id=data.get("id"),
        vxlan_port=data.get("port"),
        vxlan_local=data.get("local") or data.get("local6"),
        vxlan_dev=data.get("link"),
        vxlan_learning=data.get("learning"),
    )


@dataclass(frozen=True)
class _Ends:
    """The devices of a namespace by number and by name, and the namespaces that it has numbers for."""

    devices: dict[int | str, Row]
    spaces: dict[int | None, str]

    @classmethod
    def of(cls, answer: Answer) -> _Ends:
        """Those that a namespace answered with."""
        devices: dict[int | str, Row] = {}
        for link in answer["addr"]:
            if link:  # iproute2 prints {} for what a filter left out
                devices[link["ifindex"]] = link
                devices[link["ifname"]] = link
        spaces = {row["nsid"]: row.get("name", HOSTNAME) for row in answer["ids"]}
        return cls(devices, spaces)


def _with_peer(fact: Link, link: Row, ends: Mapping[str, _Ends]) -> Link:
    """The other end of a veth, when both ends say so; missing, not guessed, when they do not."""
    here = fact.namespace
    there = _peer_namespace(here, link, ends)
    if there is not None and there in ends:
        other = ends[there].devices.get(_peer_key(link))
        if other and _peer_namespace(there, other, ends) == here and _is_peer(other, link):
            name, number = other["ifname"], other["ifindex"]
            return replace(fact, peer_namespace=there, peer=name, peer_index=number)
    return replace(fact, peer_index=link.get("link_index"))


def _peer_namespace(space: str, link: Row, ends: Mapping[str, _Ends]) -> str | None:
    """The namespace that a veth's other end is in; the lab's root is the one that has no name."""
    if "link" in link:
        return space
    number = link.get("link_netnsid")
    there = ends[space].spaces.get(number)
    if there == space:
        return None
    return there


def _peer_key(link: Row) -> Any:
    """What a veth says of its other end: the name in the same namespace, else the number."""
    if "link" in link:
        return link["link"]
    return link.get("link_index")


def _is_peer(link: Row, other: Row) -> bool:
    """Whether what a veth says of its other end is this device."""
    if "link" in link:
        return bool(link["link"] == other["ifname"])
    return bool(link.get("link_index") == other["ifindex"])


def _addresses(space: str, answer: Answer) -> Iterator[Address]:
    for link in answer["addr"]:
        for row in link.get("addr_info", ()):
            yield Address(
                namespace=space,
                dev=link["ifname"],
                family=row["family"],
                address=f"{row['local']}/{row['prefixlen']}",
                broadcast=row.get("broadcast"),
                scope=row["scope"],
                tentative=bool(row.get("tentative")),
                dadfailed=bool(row.get("dadfailed")),
            )


def _routes(space: str, answer: Answer) -> Iterator[Route]:
    for family, key in (("inet", "route"), ("inet6", "route6")):
        for route in answer[key]:
            if route.get("table", "main") != "main":
                continue
            for hop in route.get("nexthops", ({},)):
                flags = route.get("flags", []) + hop.get("flags", [])
                yield _route(space, family, {**route, **hop, "flags": flags})


def _route(space: str, family: str, row: Row) -> Route:
    return Route(
        namespace=space,
        family=family,
        kind=row["type"],
        to=row["dst"],
        via=row.get("gateway") or row.get("via", {}).get("host"),
        dev=row.get("dev"),
        proto=row.get("protocol"),
        scope=row.get("scope"),
        src=row.get("prefsrc"),
        metric=row.get("metric"),
        onlink="onlink" in row["flags"],
        linkdown="linkdown" in row["flags"],
    )


def _neighbours(space: str, answer: Answer) -> Iterator[Neighbour]:
    for row in answer["neigh"]:
        yield Neighbour(
            namespace=space,
            dev=row["dev"],
            ip=row["dst"],
            mac=row.get("lladdr"),
            state=" ".join(row.get("state", ())),
        )


def _fdb(space: str, answer: Answer) -> Iterator[Entry]:
    for row in answer["fdb"]:
        yield Entry(
            namespace=space,
            mac=row["mac"],
            dev=row.get("ifname"),
            master=row.get("master"),
            dst=row.get("dst"),
            state=row.get("state") or None,  # iproute2 says "" for what was learned
            self="self" in row.get("flags", ()),
            vlan=row.get("vlan"),
        )


def _settings(space: str, answer: Answer) -> Iterator[Setting]:
    for line in answer["settings"]:
        file, _, value = line.partition(":")
        if file:
            key = "net/" + file
            yield Setting(namespace=space, key=key, value=value)


def veth_pairs(links: Iterable[Link]) -> Iterator[Wire]:
    """Each veth pair once: the end on the host first, else the one that comes first."""
    ends = {link.device: link for link in links if link.kind == "veth"}
    seen = set()
    for device, end in ends.items():
        if device in seen:
            continue
        seen |= {device, end.peer_device}
        other = ends.get(end.peer_device) if end.peer_device else None
        yield Wire(
            namespace=end.namespace,
            name=end.name,
            state=end.state,
            peer_namespace=end.peer_namespace,
            peer=end.peer,
            peer_state=other.state if other else None,
            mtu=end.mtu,
            master=end.master,
            peer_master=other.master if other else None,
        )
