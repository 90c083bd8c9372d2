"""What is in the whole lab now, across all its namespaces? What the kernel answers in each of them.

Read from `ip -j` and `bridge -j`, so that it judges the text that learners read. A snapshot is a value: it
remembers what was true when it was taken, and nothing here is kept for the next one.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from .language import enumerated, tr
from .markup import HALVES, AsText, printable
from .parsers import answers as reading
from .parsers import devices, filters
from .parsers.answers import PROGRAMS
from .parsers.devices import Answer
from .parsers.ovsdb import ports_of_switches
from .sandbox import HOSTNAME

if TYPE_CHECKING:
    from pandas import DataFrame

    from .shell import Shell

Row = dict[str, Any]  # of a table, and what JSON holds
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
spaces() {{
    local -A first=()
    local it node
    files=() seconds=()
    while IFS= read -rd '' it; do
        node=${{it%% *}} it=${{it#* }}
        if [ "$it" = /proc/self/ns/net ]; then
            first[$node]={host}
        elif [ "${{first[$node]}}" ]; then
            seconds+=("${{first[$node]}}/${{it#/run/netns/}}")
        else
            first[$node]=${{it#/run/netns/}} files+=("$it")
        fi
    done < <(stat -L --printf '%d:%i %n\0' /proc/self/ns/net "$@" 2>/dev/null)
}}
# Of several names those that were mounted come first, as the kernel lists its mounts.
in_order() {{
    local it mounted=() linked=()
    for it in /run/netns/*; do if [ -L "$it" ]; then linked+=("$it"); fi; done
    while read -r _ _ _ _ it _; do
        printf -v it %b "$it"  # a space stands there as \040
        if [[ $it == /run/netns/* ]]; then mounted+=("$it"); fi
    done </proc/self/mountinfo
    spaces "${{mounted[@]}}" "${{linked[@]}}"
}}
spaces /run/netns/*
if [ "${{#seconds[@]}}" != 0 ]; then in_order; fi
printf '\0//\0'; printf '%s//' "${{seconds[@]}}"; echo
"""
OF_SWITCHES = "//ovs"  # no name of a namespace has a slash
# Open vSwitch knows which devices are ports of its; the kernel does so only where its own module moves the frames.
SWITCHES = r"""
if [ -S /run/openvswitch/db.sock ]; then
    printf '\0//ovs\0'  # OF_SWITCHES
    ovs-vsctl --timeout=2 --format=json -- --columns=name,ports list Bridge -- --columns=_uuid,interfaces list Port \
        -- --columns=_uuid,name,ifindex list Interface 2>/dev/null
fi
"""
QUESTION = (
    SPACES
    + """
look {host}
for file in "${{files[@]}}"; do
    name=${{file#/run/netns/}}
    look "$name" -n "$name"
done
"""
    + SWITCHES
    + "exit 0\n"
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
"""
    + SWITCHES
    + "exit 0\n"
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
EXTRAS = ("settings", "rules6", *PROGRAMS)

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
    """All that was read, as facts by kind; each kind is a tuple in the kernel's order.

    `facts.links` are facts, whose fields have types; `facts["links"]` are the rows of the table, as dicts.
    """

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

    def __getitem__(self, name: TableName) -> list[Row]:
        """One kind as its table has it: a dict for each fact, with the columns of that table.

        Raises KeyError where there is no such table.
        """
        if name not in COLUMNS:
            raise KeyError(name)
        return [as_row(fact, COLUMNS[name]) for fact in self.kind(name)]


# Tables that are empty unless settings were asked for, beside those
BESIDE_SETTINGS: tuple[TableName, ...] = ("rules", "policy_routes", "chains", "filters")
# What the table of links does not show: it is kept beside it in plain values
DETAILS = (
    "arp", "stp", "forward_delay", "vlan_filtering", "parent", "parent_namespace", "parent_index", "mode", "vlan_id",
    "vlan_protocol", "vrf_table", "active", "alias", "switch",
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


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(AsText):
    """The lab at one moment. Each property is a DataFrame; `rows` has the same as facts.

    namespaces, links, addresses, routes (main table, IPv4 and IPv6), neighbours, fdb (of namespaces with a bridge or a
    VXLAN), and wires: both ends of every veth pair, one row a pair (an end that cannot be found is missing, not
    guessed). Empty unless settings were asked for: settings (the sysctls that decide about forwarding, ARP and IPv6),
    rules (of policy routing), policy_routes (those in other tables than main), chains and filters (of nft, iptables).
    """

    rows: Facts

    def words(self) -> str:
        """How much it holds of what, and how to look at that."""
        counts = []
        for name in COLUMNS:
            facts = self.rows.kind(name)
            if facts:
                counts.append(f"{name} {len(facts)}")
        return tr(
            "Snapshot: {counts}. A table is `.links`, its facts are `.rows.links`.",
            counts=enumerated(counts),
        )

    def frame(self, name: TableName) -> DataFrame:
        """One of the tables by name."""
        pandas = package("pandas")

        rows = [_to_show(row) for row in self.rows[name]]
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
        tables: dict[str, list[Row]] = {name: self.rows[name] for name in COLUMNS}
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
    links = [_with_parts(link) for link in facts.links]
    namespaces = [replace(space, names=tuple(space.names)) for space in facts.namespaces]
    return Snapshot(replace(facts, links=tuple(links), namespaces=tuple(namespaces)))


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


def _to_show(row: Row) -> Row:
    """The row, with names that are no text (PEP 383) as they are shown: a frame that holds them cannot be printed."""
    shown = {}
    for column, value in row.items():
        is_text = not isinstance(value, str) or value.isascii() or not HALVES.search(value)
        shown[column] = value if is_text else printable(value)
    return shown


EMPTY = Snapshot(Facts())


def take(shell: Shell, settings: bool = False) -> Snapshot:
    """A snapshot of the lab that this shell runs in; with settings it takes more than twice as long."""
    ran = shell.run(thorough_question() if settings else _question(), expect=None)
    if ran.code != 0:
        raise CommandFailed(ran)
    taken = of(dict(answers(ran.exact, ANSWERS_THOROUGH if settings else ANSWERS)))
    taken = with_switches(taken, dict(parts(ran.exact)).get(OF_SWITCHES, ""))
    if any(link.kind == "tun" for link in taken.rows.links):
        return _with_holders(taken, shell.run(HOLDERS, expect=None).exact)
    return taken


def _with_holders(taken: Snapshot, printed: str) -> Snapshot:
    """The snapshot with the processes that hold its tun and tap devices; printed: what HOLDERS printed."""
    held, _, listed = printed.rpartition("//")
    spaces = _spaces_by_inode(taken, listed)
    holders: dict[str, list[tuple[str | None, Holder]]] = {}
    for line in held.split(MARK):
        words = line.split("/", 3)  # and a process may have a slash in its name
        if len(words) == 4 and words[0].isdigit():
            pid, inode, device, process = words
            holder = Holder(pid=int(pid), process=process)
            holders.setdefault(device, []).append((spaces.get(inode), holder))
    links = []
    for link in taken.rows.links:
        if link.kind == "tun":
            link = replace(link, holders=_holders(taken, link, holders.get(link.name, [])))
        links.append(link)
    return Snapshot(replace(taken.rows, links=tuple(links)))


def with_switches(taken: Snapshot, printed: str) -> Snapshot:
    """The snapshot with the ports of Open vSwitch; printed: what SWITCHES printed, in the form of RFC 7047.

    A port is known by the name and the number of its device; the program may be in any namespace. Where two have such
    a device, it is the machine's.
    """
    ports = ports_of_switches(printed)
    if not ports:
        return taken
    alike = Counter((link.name, link.index) for link in taken.rows.links)
    links = []
    for link in taken.rows.links:
        port = (link.name, link.index)
        if alike[port] == 1 or link.namespace == HOSTNAME:
            link = replace(link, switch=ports.get(port))
        links.append(link)
    return Snapshot(replace(taken.rows, links=tuple(links)))


def _spaces_by_inode(taken: Snapshot, listed: str) -> dict[str, str]:
    """The namespaces by the inodes of their files, `INODE FILE` each."""
    spaces = {}
    for line in listed.split(MARK):
        inode, _, file = line.partition(" ")
        is_own = file.startswith("/proc/")
        spaces[inode] = HOSTNAME if is_own else taken.name_of(file.removeprefix("/run/netns/"))
    return spaces


def _holders(taken: Snapshot, link: Link, candidates: Iterable[tuple[str | None, Holder]]) -> tuple[Holder, ...]:
    """Of the processes that hold a device of this name those that hold this one.

    The kernel tells the name only. Where several namespaces have a device of this name, a process counts for that of
    its own namespace.
    """
    same = [one for one in taken.rows.links if one.kind == "tun" and one.name == link.name]
    holders = []
    for space, holder in candidates:
        if len(same) == 1 or space == link.namespace:
            holders.append(holder)
    return tuple(holders)


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
    links = devices.links(spaces)
    namespaces = [Namespace(namespace=space, names=tuple(answer.get("names", ()))) for space, answer in spaces.items()]
    filtering = [reading.filtering(space, answer) for space, answer in spaces.items()]
    return Snapshot(
        Facts(
            namespaces=tuple(namespaces),
            links=tuple(links),
            addresses=_each(spaces, reading.addresses),
            routes=_each(spaces, reading.routes),
            neighbours=_each(spaces, reading.neighbours),
            fdb=_each(spaces, reading.fdb),
            settings=_each(spaces, reading.settings),
            rules=_each(spaces, reading.rules),
            policy_routes=_each(spaces, reading.policy_routes),
            chains=tuple(chain for one in filtering for chain in one.chains),
            filters=tuple(rule for one in filtering for rule in one.rules),
            wires=tuple(devices.veth_pairs(links)),
        )
    )


def answers(text: str, names: Sequence[str] = ANSWERS) -> Iterator[tuple[str, Answer]]:
    """Namespace and its JSON answers, which come in the order of their names, with the EXTRAS as they came.

    One that did not answer, or not in JSON, is left out: it costs the others nothing.
    """
    names_of = _second_names(text)
    for space, first, extras in _by_space(text):
        try:
            values = reading.values(first)
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


def _each(spaces: Mapping[str, Answer], read: Callable[[str, Answer], Iterator[F]]) -> tuple[F, ...]:
    facts: list[F] = []
    for space, answer in spaces.items():
        facts += read(space, answer)
    return tuple(facts)
