"""What is in the whole lab now, across all its namespaces? What the kernel answers in each of them.

Read from `ip -j` and `bridge -j`, so that it judges the text that learners read. A snapshot is a value: it
remembers what was true when it was taken, and nothing here is kept for the next one.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .errors import CommandFailed, package
from .facts import (
    Address,
    Chain,
    Entry,
    Fact,
    FilterRule,
    Function,
    Holder,
    Link,
    Namespace,
    Neighbour,
    Port,
    PortVlan,
    Route,
    Rule,
    Setting,
    Wire,
    Wrapping,
    as_row,
)
from .parsers import filters, of_kind, routing
from .parsers.filters import Filters
from .sandbox import HOSTNAME

if TYPE_CHECKING:
    from pandas import DataFrame

    from .shell import Shell

Row = dict[str, Any]  # what JSON holds
Answer = dict[str, Any]  # of a namespace, by the question: what JSON holds, or text
F = TypeVar("F")  # a kind of fact
# What a user may ask for by its name: `show NAME` shows it.
TableName = Literal[
    "namespaces",
    "links",
    "addresses",
    "routes",
    "neighbours",
    "fdb",
    "settings",
    "rules",
    "policy_routes",
    "chains",
    "filters",
    "wires",
]

# A namespace that vanishes while we look answers with nothing, and is then not in the snapshot.
LOOK = """
look() {{
    local it name=$1; shift
    it=$(ip "$@" -d -j -batch - 2>/dev/null <<<{lines})
    printf '\\0%s\\0%s\\n' "$name" "$it"
    case $it in *'"bridge"'*|*'"vxlan"'*) bridge "$@" -j fdb 2>/dev/null ;; *) echo '[]' ;; esac
    case $it in *'"vlan_filtering":1'*) bridge "$@" -j vlan 2>/dev/null ;; *) echo '[]' ;; esac
}}
"""
# A namespace may have several names: a symbolic link or a second mount, as CNI scripts make them. It is asked once, by
# the name that it got first; `files` holds those. The others follow in the part `//`: no name holds a slash.
SPACES = r"""
files=() seconds=()
spaces() {{
    local -A first=()
    local -a all=(/run/netns/*)
    local it node
    first[$(stat -Lc %d:%i /proc/self/ns/net)]={host}
    if [ "${{#all[@]}}" -gt 1 ]; then in_order; fi
    while IFS= read -rd '' it; do
        node=${{it%% *}} it=${{it#* /run/netns/}}
        if [ "${{first[$node]}}" ]; then
            seconds+=("${{first[$node]}}/$it")
        else
            first[$node]=$it files+=("/run/netns/$it")
        fi
    done < <(stat -L --printf '%d:%i %n\0' "${{all[@]}}" 2>/dev/null)
}}
# Where two names are of one namespace, those that were mounted come first, as the kernel lists its mounts.
in_order() {{
    local it mounted=() linked=()
    for it in "${{all[@]}}"; do if [ -L "$it" ]; then linked+=("$it"); fi; done
    if [ "${{#linked[@]}}" = 0 ] && [ -z "$(stat -Lc %d:%i "${{all[@]}}" 2>/dev/null | sort | uniq -d)" ]; then
        return
    fi
    while read -r _ _ _ _ it _; do
        printf -v it %b "$it"  # a space stands there as \040
        if [[ $it == /run/netns/* ]]; then mounted+=("$it"); fi
    done </proc/self/mountinfo
    all=("${{mounted[@]}}" "${{linked[@]}}")
}}
spaces
printf '\0//\0'; printf '%s//' "${{seconds[@]}}"; echo
"""
QUESTION = (
    SPACES
    + """
look {host}
for file in "${{files[@]}}"; do
    name=${{file#/run/netns/}}
    look "$name" -n "$name"
done
exit 0
"""
)
# Settings and filters are those of the process that asks, so all is asked in the namespace: a bash there, and four
# programs. `nsenter`, because `ip netns exec` copies every mount of the machine. Half of the namespaces are asked
# beside the others: descriptor 3 reads what that half says.
THOROUGHLY = (
    SPACES
    + """
export QUESTION={question}
look_into() {{
    for file; do
        [ -e "$file" ] && nsenter --net="$file" bash -c "$QUESTION" look "${{file#/run/netns/}}" 2>/dev/null
    done
}}
half=$((${{#files[@]}} / 2))
exec 3< <(look_into "${{files[@]:half}}")
bash -c "$QUESTION" look {host}
look_into "${{files[@]:0:half}}"
cat <&3
exit 0
"""
)
# Who has /dev/net/tun open tells for which device; the process may be in another namespace than that. pid(5) has no
# word of it: `iff:` is written by tun_chr_show_fdinfo(), drivers/net/tun.c.
HOLDERS = r"""
while IFS= read -r line; do
    file=${line%%:iff:*} pid=${line#/proc/}
    pid=${pid%%/*} space=$(stat -Lc %i "/proc/$pid/ns/net") && comm=$(<"/proc/$pid/comm") &&
    printf '%s/%s/%s/%s\0' "$pid" "$space" "${line#*:iff:$'\t'}" "$comm"
done < <(grep -s ^iff: /proc/[0-9]*/fdinfo/*) 2>/dev/null
printf '%s' //; stat -L --printf '%i %n\0' /proc/self/ns/net /run/netns/* 2>/dev/null
exit 0
"""
# Each answer begins with a NUL, as do those of the next namespace; their names are in EXTRAS. What iptables of today
# made is in nft's list too (it is asked where nft is missing); iptables-legacy is not.
SETTINGS = r"""
look "$1"
exec 2>/dev/null
part() { printf '\0\0'; }
part; cd /proc/sys/net && grep -s . ipv4/{ip_forward,ip_default_ttl,icmp_echo_ignore_all} ipv6/icmp/echo_ignore_all \
    ipv4/conf/*/{forwarding,proxy_arp,rp_filter,route_localnet,arp_notify,arp_ignore,arp_announce,arp_filter} \
    ipv4/conf/*/accept_local ipv4/neigh/*/proxy_delay \
    ipv6/conf/*/{forwarding,accept_ra,accept_dad,disable_ipv6,proxy_ndp,hop_limit} bridge/bridge-nf-call-*
part; ip -6 -d -j rule
part; nft=$(nft -s list ruleset) && echo "$nft" || nft='table ip , table ip6 '
part; case $nft in *'table ip '*) iptables-nft-save || iptables-save ;; esac
part; case $nft in *'table ip6 '*) ip6tables-nft-save || ip6tables-save ;; esac
""" + "".join(f"part; {line}\n" for line in filters.LEGACY_SAVES.values())
# A NUL stands around the name of each namespace: no file name and no output of `ip` can hold one.
MARK = "\0"
ANSWERS = ("addr", "neigh", "ids", "route", "route6", "fdb", "vlans")
# In one process: a batch has no -6, but this asks for IPv6 routes too, those of every table
LINES = "addr", "neigh", "netns list-id", "route", "route show table all root ::/0"
# With settings: a batch has the rules of IPv4 only
ANSWERS_THOROUGH = ("addr", "neigh", "ids", "route", "route6", "rules", "fdb", "vlans")
LINES_THOROUGH = (*LINES[:3], "route show table all root 0.0.0.0/0", LINES[4], "rule")
EXTRAS = ("settings", "rules6", "nft", "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy")
FILTERS = EXTRAS[2:]

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
    "rules": (
        "namespace", "family", "priority", "src", "dst", "iif", "oif", "fwmark", "selectors", "table", "action",
        "inverted", "suppress", "proto",
    ),
    "policy_routes": (
        "namespace", "table", "family", "kind", "to", "via", "dev", "proto", "scope", "src", "metric", "onlink",
        "linkdown",
    ),
    "chains": ("namespace", "program", "family", "table", "chain", "hook", "policy"),
    "filters": ("namespace", "program", "family", "table", "chain", "position", "text"),
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
    rules: tuple[Rule, ...] = ()
    policy_routes: tuple[Route, ...] = ()
    chains: tuple[Chain, ...] = ()
    filters: tuple[FilterRule, ...] = ()
    wires: tuple[Wire, ...] = ()

    def kind(self, name: TableName) -> tuple[Fact, ...]:
        """The facts of one kind, where a word chooses the table; who knows the kind asks for its field."""
        facts: tuple[Fact, ...] = getattr(self, name)
        return facts

    def plain(self, name: TableName) -> list[Row]:
        """One kind as a table has it: a dict for each fact, with the columns of that table."""
        return [as_row(fact, COLUMNS[name]) for fact in self.kind(name)]


# Tables that are empty unless settings were asked for, beside those
BESIDE_SETTINGS: tuple[TableName, ...] = ("rules", "policy_routes", "chains", "filters")
# What the table of links does not show: it is kept beside it in plain values
DETAILS = (
    "arp", "stp", "forward_delay", "vlan_filtering", "parent", "parent_namespace", "parent_index", "mode", "vlan_id",
    "vlan_protocol", "vrf_table", "active", "alias",
)  # fmt: skip
# Those that are facts themselves, or several
PARTS: dict[str, type] = {"port": Port, "wrapping": Wrapping}
LISTS: dict[str, type] = {"vlans": PortVlan, "holders": Holder, "functions": Function}

KINDS: dict[TableName, type[Fact]] = {
    "namespaces": Namespace,
    "links": Link,
    "addresses": Address,
    "routes": Route,
    "neighbours": Neighbour,
    "fdb": Entry,
    "settings": Setting,
    "rules": Rule,
    "policy_routes": Route,
    "chains": Chain,
    "filters": FilterRule,
    "wires": Wire,
}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The lab at one moment. Each property is a DataFrame; `rows` has the same as facts.

    namespaces, links, addresses, routes (main table, IPv4 and IPv6), neighbours, fdb (of namespaces with a bridge or a
    VXLAN), and wires: both ends of every veth pair, one row a pair (an end that cannot be found is missing, not
    guessed). Empty unless settings were asked for: settings (the sysctls that decide about forwarding, ARP and IPv6),
    rules (of policy routing), policy_routes (those in other tables than main), chains and filters (of nft, iptables).
    """

    rows: Facts

    def frame(self, name: TableName) -> DataFrame:
        """One of the tables by name."""
        pandas = package("pandas")

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
    def rules(self) -> DataFrame:
        """A row a rule of policy routing, IPv4 and IPv6, when the snapshot was asked for settings."""
        return self.frame("rules")

    @cached_property
    def policy_routes(self) -> DataFrame:
        """A row a route in another table than main, when the snapshot was asked for settings."""
        return self.frame("policy_routes")

    @cached_property
    def chains(self) -> DataFrame:
        """A row a chain of nft or iptables with its policy, when the snapshot was asked for settings."""
        return self.frame("chains")

    @cached_property
    def filters(self) -> DataFrame:
        """A row a rule of nft or iptables, as one types it, when the snapshot was asked for settings."""
        return self.frame("filters")

    @cached_property
    def wires(self) -> DataFrame:
        """A row a pair of devices (veth, netkit), both ends."""
        return self.frame("wires")

    def plain(self) -> dict[str, list[Row]]:
        """All tables as plain values, which JSON can hold; `from_plain` makes the snapshot of them again."""
        tables: dict[str, list[Row]] = {name: self.rows.plain(name) for name in COLUMNS}
        for link, row in zip(self.rows.links, tables["links"], strict=True):
            row.update(_details(link))
        for space, row in zip(self.rows.namespaces, tables["namespaces"], strict=True):
            row["names"] = list(space.names)
        return tables

    def name_of(self, name: str) -> str:
        """The name by which a namespace stands in here, given that or any other name of it."""
        for space in self.rows.namespaces:
            if name in space.names:
                return space.namespace
        return name


def from_plain(tables: Mapping[str, Iterable[Row]]) -> Snapshot:
    """The snapshot that `Snapshot.plain` told; a table that is missing there is empty, a detail unknown."""
    kinds: dict[str, Any] = {}  # JSON tells no types
    for name, make in KINDS.items():
        kinds[name] = tuple(make(**row) for row in tables.get(name, ()))
    facts = Facts(**kinds)
    links = tuple(map(_with_parts, facts.links))
    namespaces = tuple(replace(space, names=tuple(space.names)) for space in facts.namespaces)
    return Snapshot(replace(facts, links=links, namespaces=namespaces))


def _details(link: Link) -> Row:
    """What the table of links does not show, as plain values."""
    row = as_row(link, DETAILS)
    for name in PARTS:
        part = getattr(link, name)
        row[name] = asdict(part) if part else None
    for name in LISTS:
        row[name] = [asdict(part) for part in getattr(link, name)]
    return row


def _with_parts(link: Link) -> Link:
    """The link with its parts as facts: from JSON they come as dicts."""
    parts: dict[str, Any] = {}
    for name, kind in PARTS.items():
        if isinstance(getattr(link, name), dict):
            parts[name] = kind(**getattr(link, name))
    for name, kind in LISTS.items():
        parts[name] = tuple(kind(**row) for row in getattr(link, name))
    return replace(link, **parts)


EMPTY = Snapshot(Facts())


def take(shell: Shell, settings: bool = False) -> Snapshot:
    """A snapshot of the lab that this shell runs in; with settings it takes more than twice as long."""
    ran = shell.run(thorough_question() if settings else _question(), expect=None)
    if ran.code != 0:
        raise CommandFailed(ran)
    taken = of(dict(answers(ran.out, ANSWERS_THOROUGH if settings else ANSWERS)))
    if any(link.kind == "tun" for link in taken.rows.links):
        return _with_holders(taken, shell.run(HOLDERS, expect=None).out)
    return taken


def _with_holders(taken: Snapshot, printed: str) -> Snapshot:
    """The snapshot with the processes that hold its tun and tap devices; printed: what HOLDERS printed."""
    held, _, listed = printed.rpartition("//")
    spaces: dict[str, str] = {}
    for line in listed.split(MARK):
        inode, _, file = line.partition(" ")
        spaces[inode] = HOSTNAME if file.startswith("/proc/") else taken.name_of(file.removeprefix("/run/netns/"))
    holders: dict[str, list[tuple[str | None, Holder]]] = {}
    for line in held.split(MARK):
        pid, _, rest = line.partition("/")
        inode, _, rest = rest.partition("/")
        device, _, process = rest.partition("/")
        if pid.isdigit():
            holder = Holder(pid=int(pid), process=process)
            holders.setdefault(device, []).append((spaces.get(inode), holder))
    links = []
    for link in taken.rows.links:
        if link.kind == "tun":
            same = [one for one in taken.rows.links if one.kind == "tun" and one.name == link.name]
            link = replace(link, holders=_holders(link, holders.get(link.name, ()), is_only=len(same) == 1))
        links.append(link)
    return Snapshot(replace(taken.rows, links=tuple(links)))


def _holders(link: Link, candidates: Iterable[tuple[str | None, Holder]], is_only: bool) -> tuple[Holder, ...]:
    """Of the processes that hold a device of this name those that hold this one.

    The kernel tells the name only. Where several namespaces have a device of this name, a process counts for that of
    its own namespace.
    """
    return tuple(holder for space, holder in candidates if is_only or space == link.namespace)


def _question() -> str:
    return _look(LINES) + QUESTION.format(host=HOSTNAME)


def thorough_question() -> str:
    """The lines of bash that ask every namespace for everything."""
    question = _look(LINES_THOROUGH) + SETTINGS
    return THOROUGHLY.format(question=shlex.quote(question), host=HOSTNAME)


def _look(lines: Iterable[str]) -> str:
    return LOOK.format(lines=shlex.quote("\n".join(lines)))


def of(spaces: Mapping[str, Answer]) -> Snapshot:
    """A snapshot of what each namespace answered, by its name."""
    first_names = {name: space for space, answer in spaces.items() for name in answer.get("names", ())}
    ends = {space: _Ends.of(answer).called(first_names) for space, answer in spaces.items()}
    links: list[Link] = []
    for space, answer in spaces.items():
        links += _links(space, answer, ends)
    namespaces = [Namespace(namespace=space, names=tuple(answer.get("names", ()))) for space, answer in spaces.items()]
    filtering = [_filters(space, answer) for space, answer in spaces.items()]
    return Snapshot(
        Facts(
            namespaces=tuple(namespaces),
            links=tuple(links),
            addresses=_each(spaces, _addresses),
            routes=_each(spaces, _routes),
            neighbours=_each(spaces, _neighbours),
            fdb=_each(spaces, _fdb),
            settings=_each(spaces, _settings),
            rules=_each(spaces, _rules),
            policy_routes=_each(spaces, _policy_routes),
            chains=tuple(chain for one in filtering for chain in one.chains),
            filters=tuple(rule for one in filtering for rule in one.rules),
            wires=tuple(veth_pairs(links)),
        )
    )


def answers(text: str, names: Sequence[str] = ANSWERS) -> Iterator[tuple[str, Answer]]:
    """Namespace and its JSON answers, which come in the order of their names, with the EXTRAS as they came.

    One that did not answer, or not in JSON, is left out: it costs the others nothing.
    """
    names_of = _second_names(text)
    for space, first, extras in _by_space(text):
        try:
            values = _values(first)
        except ValueError:
            continue
        if len(values) == len(names):
            answer = dict(zip(names, values, strict=True))
            answer.update(zip(EXTRAS, extras, strict=False))
            answer["names"] = names_of.get(space, [])
            yield space, answer


def _second_names(text: str) -> dict[str, list[str]]:
    """The further names of each namespace, from the part that lists them."""
    listed = dict(parts(text)).get("//", "")
    names: dict[str, list[str]] = {}
    for pair in listed.strip("\n").split("//"):
        first, slash, second = pair.partition("/")
        if slash:
            names.setdefault(first, []).append(second)
    return names


def _by_space(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each namespace, what it printed first, and what it was asked besides, which comes without a name."""
    space, first, extras = "", "", []
    for name, printed in parts(text):
        if not name:
            extras.append(printed.lstrip("\n"))
            continue
        if space:
            yield space, first, extras
        space, first, extras = name, printed, []
    if space:
        yield space, first, extras


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
    vlans = of_kind.port_vlans(answer.get("vlans", []))
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
            vlans=vlans.get(link["ifname"], ()),
            functions=of_kind.functions(link),
            alias=link.get("ifalias"),
        )
        fact = replace(fact, **of_kind.of_kind(kind, info))
        if fact.wrapping is not None:
            fact = replace(fact, wrapping=_underlay(fact.wrapping, space, link, ends))
        if kind == "vxlan":
            fact = _with_tunnel(fact, info["info_data"])
        elif kind == "bridge":
            fact = _with_spanning_tree(fact, info["info_data"])
        elif fact.is_cable:
            fact = _with_peer(fact, link, ends)
        elif fact.wrapping is None and ("link" in link or "link_netnsid" in link):
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
    filtering = data.get("vlan_filtering")  # missing where the kernel cannot
    return replace(
        link,
        stp=bool(data.get("stp_state")),
        forward_delay=seconds,
        vlan_filtering=None if filtering is None else bool(filtering),
    )


def _with_parent(fact: Link, link: Row, ends: Mapping[str, _Ends]) -> Link:
    """The device that a macvlan, VLAN or the like is on; in another namespace it is told by its number."""
    if "link" in link:
        here = ends[fact.namespace].devices.get(link["link"], {})
        return replace(fact, parent=link["link"], parent_namespace=fact.namespace, parent_index=here.get("ifindex"))
    number = link.get("link_index", 0)
    fact = replace(fact, parent_index=number or None)
    there = ends[fact.namespace].spaces.get(link.get("link_netnsid"))
    if there is None or there not in ends:
        return fact
    other = ends[there].devices.get(number)
    if other is None:
        return fact
    return replace(fact, parent=other["ifname"], parent_namespace=there)


def _underlay(wrapping: Wrapping, space: str, link: Row, ends: Mapping[str, _Ends]) -> Wrapping:
    """The wrapping with the namespace in which its packets travel, and its device there.

    A tunnel device that was moved goes on sending where it was made. The device below it is then told by its number
    there, which iproute2 takes for a number here: it says the name that has this number here, else `if9`.
    """
    if "link_netnsid" not in link:
        return replace(wrapping, namespace=space)
    there = ends[space].spaces.get(link["link_netnsid"])
    if wrapping.dev is None:
        return replace(wrapping, namespace=there)
    here = ends[space].devices.get(wrapping.dev)
    number = here["ifindex"] if here else _number(wrapping.dev)
    other = ends[there].devices.get(number) if there is not None and there in ends else None
    return replace(wrapping, namespace=there, dev=other["ifname"] if other else None)


def _number(name: str) -> int:
    """9 of `if9`; 0, which no device has, of another name."""
    digits = name.removeprefix("if")
    return int(digits) if digits.isdecimal() else 0


def _with_tunnel(link: Link, data: Row) -> Link:
    return replace(
        link,
        vxlan_id=data.get("id"),
        vxlan_port=data.get("port"),
        vxlan_local=data.get("local") or data.get("local6"),
        vxlan_dev=link.wrapping.dev if link.wrapping else None,
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

    def called(self, first_names: Mapping[str, str]) -> _Ends:
        """The same with each namespace called by the name that it stands under: `ip` may take any other."""
        spaces = {number: first_names.get(name, name) for number, name in self.spaces.items()}
        return _Ends(self.devices, spaces)


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
    return (route for route in _of_every_table(space, answer) if route.table == "main")


def _of_every_table(space: str, answer: Answer) -> Iterator[Route]:
    yield from routing.routes(space, "inet", answer["route"])
    yield from routing.routes(space, "inet6", answer["route6"])


def _policy_routes(space: str, answer: Answer) -> Iterator[Route]:
    if "rules" in answer:  # else only IPv6 was asked for every table
        yield from filter(_is_of_policy, _of_every_table(space, answer))


def _is_of_policy(route: Route) -> bool:
    """Whether a route is in a table besides main; of local what somebody put there, the rest comes by itself."""
    if route.table == "local":
        return route.proto != "kernel"
    return route.table != "main"


def _rules(space: str, answer: Answer) -> Iterator[Rule]:
    yield from routing.rules(space, "inet", answer.get("rules", ()))
    # empty where this kernel has no IPv6
    for rows in _values(answer.get("rules6", "")):
        yield from routing.rules(space, "inet6", rows)


def _filters(space: str, answer: Answer) -> Filters:
    texts = {program: answer[program] for program in FILTERS if program in answer}
    return filters.filters(space, texts)


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
    for line in answer.get("settings", "").splitlines():
        file, _, value = line.partition(":")
        if file:
            key = "net/" + file
            yield Setting(namespace=space, key=key, value=value)


def veth_pairs(links: Iterable[Link]) -> Iterator[Wire]:
    """Each veth pair once: the end on the host first, else the one that comes first."""
    ends = {link.device: link for link in links if link.is_cable}
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
