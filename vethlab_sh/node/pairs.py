"""Which end belongs to which, and what follows: bridge, route, who answers ARP?

Works on rows of a snapshot's shape, wherever they are from: pasted text says `eth0@if32` here and `32: veth...@if3`
there, the kernel of this machine tells both ends itself. Nothing is guessed: an end that two devices fit is left
open, and the note says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_interface
from typing import Any

from ..facts import DEAD_ENDS
from ..packet.lookup import Tables
from ..snapshot import Row, Snapshot

Key = tuple[str, str]
COLUMNS = (
    "namespace", "name", "index", "address", "peer_namespace", "peer", "peer_index", "bridge", "route", "gateway",
    "gateway_mac", "answered_by", "how",
)  # fmt: skip
EVERYBODYS_MAC = "ee:ee:ee:ee:ee:ee"  # calico gives it to every host end
NODE_NAMES = ("cali", "veth", "cni", "flannel", "docker", "br-", "vxlan", "tunl", "lxc", "cilium", "virbr", "wl", "en")


# ---- pairs ------------------------------------------------------------------------------------------------


def pair(rows: dict[str, list[Row]], made: Iterable[tuple[Key, Key, int]] = ()) -> list[str]:
    """Find the other end of each veth and write it into its row (peer_namespace, peer, how); returns notes.

    rows: tables of a snapshot's shape, whose links may say `says` (what stands after the @: `if32` or a name),
    netns (the peer's namespace by name) and line; made: pairs that a command line made, and its number.
    """
    links = {(row["namespace"], row["name"]): row for row in rows["links"]}
    by_number, open_ends = _by_number(rows, list(links.values()))
    for one, two, how in (*_by_name(links), *by_number, *_by_table(rows, links), *_by_command(links, made)):
        if one["peer"] is None and two["peer"] is None and _may_be(one, two):
            _join(one, two, how)
    left = [(one, [two for two in fits if two["peer"] is None]) for one, fits in open_ends if one["peer"] is None]
    return [_open_end(one, fits) for one, fits in left if fits]


def _open_end(one: Row, fits: list[Row]) -> str:
    others = " or ".join(f"{two['namespace']} {two['name']}" for two in fits)
    return f"{one['namespace']} {_numbered(one)} could belong to {others}: the text does not tell."


def _join(one: Row, two: Row, how: str) -> None:
    for here, there in ((one, two), (two, one)):
        here |= {
            "peer_namespace": there["namespace"], "peer": there["name"], "how": how, "kind": "veth",
            "peer_index": there["index"] if there["index"] is not None else here["peer_index"],
        }  # fmt: skip


def _may_be(one: Row, two: Row) -> bool:
    """Whether the numbers, as far as they are known, allow that these are two ends of one pair."""
    return all(
        here["peer_index"] is None or there["index"] is None or here["peer_index"] == there["index"]
        for here, there in ((one, two), (two, one))
    )


def _by_name(links: dict[Key, Row]) -> Iterator[tuple[Row, Row, str]]:
    """`tap1@tap2` and `tap2@tap1` in one namespace."""
    for (space, name), row in links.items():
        other = links.get((space, row.get("says") or ""))
        if other and other.get("says") == name and name < other["name"]:
            yield row, other, f"{name}@{other['name']} and {other['name']}@{name}{_lines(row, other)}"


def _lines(*rows: Row) -> str:
    """` (lines 3 and 9)`, where rows have lines."""
    numbers = sorted({row["line"] for row in rows if row.get("line")})
    if not numbers:
        return ""
    return f" (line {numbers[0]})" if len(numbers) == 1 else f" (lines {' and '.join(map(str, numbers))})"


def _by_number(
    rows: dict[str, list[Row]], links: list[Row]
) -> tuple[list[tuple[Row, Row, str]], list[tuple[Row, list[Row]]]]:
    """`3: eth0@if32` there and `32: veth...@if3` here: each names the other's number.

    Returns the pairs, and the ends that more than one would fit.
    """
    by_numbers: dict[tuple[int | None, int | None], list[Row]] = {}
    for link in links:
        by_numbers.setdefault((link["index"], link["peer_index"]), []).append(link)
    fits: dict[int, list[tuple[int, Row]]] = {}
    for one in (link for link in links if None not in (link["index"], link["peer_index"])):
        for two in by_numbers.get((one["peer_index"], one["index"]), ()):
            if one is not two and _may_meet(rows, one, two):
                fits.setdefault(id(one), []).append((_support(rows, one, two), two))
    best = {key: _best(found) for key, found in fits.items()}
    pairs, open_ends = [], []
    for one in links:
        other = best.get(id(one))
        if other is not None and best.get(id(other)) is one:
            pairs.append((one, other, f"{_numbered(one)} and {_numbered(other)}{_lines(one, other)}"))
        elif id(one) in fits:
            open_ends.append((one, [two for _, two in fits[id(one)]]))
    return pairs, open_ends


def _numbered(row: Row) -> str:
    return f"{row['index']}: {row['name']}@if{row['peer_index']}"


def _best(found: list[tuple[int, Row]]) -> Row | None:
    """The one that most speaks for; none when two are alike."""
    most = max(score for score, _ in found)
    first, *others = [row for score, row in found if score == most]
    return None if others else first


def _may_meet(rows: dict[str, list[Row]], one: Row, two: Row) -> bool:
    """Whether two ends may be one pair by where they are: not in one namespace, and on two machines only if more
    than numbers speaks for it (in a lab the namespaces that play machines share the names of all).
    """
    homes = {row["namespace"]: row.get("on") for row in rows["namespaces"]}
    if one["namespace"] == two["namespace"]:
        return False
    if any(here.get("netns") not in (None, there["namespace"]) for here, there in ((one, two), (two, one))):
        return False
    return _one_machine(homes, one, two) or _support(rows, one, two) > 0


def _one_machine(homes: dict[str, str | None], one: Row, two: Row) -> bool:
    """Whether nothing says that two ends are on two machines."""
    on = [homes.get(row["namespace"]) for row in (one, two)]
    return on == [None, None] or (on[0] or one["namespace"]) == (on[1] or two["namespace"])


def _support(rows: dict[str, list[Row]], one: Row, two: Row) -> int:
    """How many other facts say that these two belong together."""
    return _speaks(rows, one, two) + _speaks(rows, two, one)


def _speaks(rows: dict[str, list[Row]], pod: Row, node: Row) -> int:
    """What the node's tables say of a pod's addresses and MAC: route, neighbour, FDB entry, the bridge's network."""
    space, name = node["namespace"], node["name"]
    own = {ip_interface(a["address"]) for a in rows["addresses"] if _on(a, pod) and a["scope"] == "global"}
    ips = {str(address.ip) for address in own}
    of_bridge = [
        ip_interface(a["address"]).network
        for a in rows["addresses"]
        if node["master"] and (a["namespace"], a["dev"]) == (space, node["master"]) and a["scope"] == "global"
    ]
    found: int = sum(_to(r) in ips and _on(r, node) for r in rows["routes"])
    found += sum(n["mac"] == pod["mac"] and n["namespace"] == space and n["dev"] == name for n in rows["neighbours"])
    found += sum(f["mac"] == pod["mac"] and _on(f, node) for f in rows["fdb"])
    found += any(address.ip in network for address in own for network in of_bridge)
    for network in of_bridge:  # an address of another network than the bridge's speaks against it
        found -= any(a.version == network.version and a.ip not in network for a in own)
    return found


def _on(row: Row, link: Row) -> bool:
    return bool((row["namespace"], row["dev"]) == (link["namespace"], link["name"]))


def _to(route: Row) -> str:
    return str(route["to"]).removesuffix("/32").removesuffix("/128")


def _by_table(rows: dict[str, list[Row]], links: dict[Key, Row]) -> Iterator[tuple[Row, Row, str]]:
    """A node's FDB entry, neighbour or route names the device behind which a pod's MAC or address is."""
    by_mac = _unique((row["mac"], row) for row in links.values() if row["mac"] not in (None, EVERYBODYS_MAC))
    by_ip = _unique(
        (a["address"].partition("/")[0], links[a["namespace"], a["dev"]])
        for a in rows["addresses"]
        if a["scope"] == "global" and (a["namespace"], a["dev"]) in links
    )
    bridges = {(row["namespace"], row["master"]) for row in links.values() if row["master"]}
    for table, pods, key in (("fdb", by_mac, "mac"), ("neighbours", by_mac, "mac"), ("routes", by_ip, "to")):
        for row in rows[table]:
            device = (row["namespace"], row["dev"])
            pod = pods.get(_to(row) if table == "routes" else row[key])
            port = links.get(device)
            if pod is None or port is None or device in bridges or pod["namespace"] == row["namespace"]:
                continue
            if row.get("dst") or row.get("via") or not _is_end(pod) or not _is_end(port):
                continue
            yield pod, port, BEHIND[table].format(**row) + _lines(row)


BEHIND = {
    "fdb": "{namespace}'s bridge has {mac} behind {dev}",
    "neighbours": "{namespace} has met {mac} on {dev}",
    "routes": "{namespace} sends {to} to {dev}",
}


def _unique(pairs: Iterable[tuple[Any, Row]]) -> dict[Any, Row]:
    """Those that are there once only."""
    found: dict[Any, list[Row]] = {}
    for key, row in pairs:
        if row not in found.setdefault(key, []):
            found[key].append(row)
    return {key: rows[0] for key, rows in found.items() if len(rows) == 1}


def _is_end(row: Row) -> bool:
    """Whether it can be an end of a pair that leads elsewhere: nothing says that it is something else."""
    return row["kind"] in (None, "veth") and not (row.get("says") or "if").removeprefix("if").strip("0123456789")


def _by_command(links: dict[Key, Row], made: Iterable[tuple[Key, Key, int]]) -> Iterator[tuple[Row, Row, str]]:
    for one, two, line in made:
        if one in links and two in links:
            yield links[one], links[two], f"made as one pair (line {line})"


# ---- machines ---------------------------------------------------------------------------------------------


def settle(rows: dict[str, list[Row]]) -> None:
    """Write into each namespace's row the machine that it is on (`machine`: itself, or None when nothing tells)."""
    kinds = {row["namespace"]: row.get("kind") or _guessed(rows, row["namespace"]) for row in rows["namespaces"]}
    for row in rows["namespaces"]:
        peers = [r["peer_namespace"] for r in rows["links"] if r["namespace"] == row["namespace"] and r["peer"]]
        near = next((peer for peer in peers if kinds.get(peer) == "machine"), None)
        row["kind"] = kinds[row["namespace"]]
        row["machine"] = row["namespace"] if row["kind"] == "machine" else near or row.get("on")


def _guessed(rows: dict[str, list[Row]], space: str) -> str:
    """What a prompt's machine is by its devices: a pod has nothing but ends of cables that lead out of it."""
    own = [row for row in rows["links"] if row["namespace"] == space and row["kind"] != "loopback"]
    out = [row for row in own if row["peer_index"] is not None and not row["name"].startswith(NODE_NAMES)]
    link_local = any(r["namespace"] == space and r["via"] == "169.254.1.1" for r in rows["routes"])
    return "pod" if link_local or (own and len(out) == len(own) and not any(r["master"] for r in own)) else "machine"


# ---- wires ------------------------------------------------------------------------------------------------


def wires(snapshot: Snapshot) -> tuple[Row, ...]:
    """A row a cable: the pod's end, the machine's end, and what both sides' tables say of it.

    namespace, name, index, address: the end in the pod; peer_namespace, peer, peer_index: the end on the machine;
    bridge: what that end is plugged into; route: the machine's route to the address; gateway, gateway_mac: the pod's
    next hop and the MAC that it knows for it; answered_by: the device that has this MAC; how: what joins both ends.
    """
    tables = Tables(snapshot)
    homes = {row["namespace"]: row.get("machine") for row in snapshot.rows["namespaces"]}
    found, seen = [], set()
    for key, link in tables.links.items():
        if link["kind"] != "veth" or key in seen:
            continue
        other: Any = tables.link(link.peer_device) or {}
        seen |= {key, (other.get("namespace"), other.get("name"))}
        first: Any = link
        found.append(_wire(tables, *_pod_first(first, other, homes)))
    return tuple(found)


def _pod_first(link: Row, other: Row, homes: dict[str, str | None]) -> tuple[Row, Row]:
    """Both ends, the one on a machine second; what is not known is an empty row."""
    if homes.get(link["namespace"]) == link["namespace"] and homes.get(other.get("namespace", "")) != other.get(
        "namespace"
    ):
        return other, link
    if not other and homes.get(link["namespace"]) == link["namespace"]:
        return other, link
    return link, other


def _wire(tables: Tables, pod: Row, node: Row) -> Row:
    key, there = (pod.get("namespace"), pod.get("name")), (node.get("namespace"), node.get("name"))
    own = [a["address"] for a in tables.facts["addresses"] if (a["namespace"], a["dev"]) == key]
    own = [address for address in own if not address.startswith("fe80:")]
    ip = own[0].partition("/")[0] if own else None
    gateway = _gateway(tables, pod) if pod else None
    mac = tables.neighbour(key, gateway) if gateway and pod else None  # type: ignore[arg-type]
    return {
        "namespace": pod.get("namespace"),
        "name": pod.get("name"),
        "index": pod.get("index") if pod else node["peer_index"],
        "address": own[0] if own else None,
        "peer_namespace": there[0],
        "peer": there[1],
        "peer_index": node.get("index") if node else pod["peer_index"],
        "bridge": node.get("master"),
        "route": _route_to(tables, node, ip) if node and ip else None,
        "gateway": gateway,
        "gateway_mac": mac,
        "answered_by": _answered_by(tables, pod, node, gateway, mac) if gateway else None,
        "how": pod.get("how") or node.get("how"),
    }


def _gateway(tables: Tables, pod: Row) -> str | None:
    routes = (r for r in tables.facts["routes"] if (r["namespace"], r["dev"]) == (pod["namespace"], pod["name"]))
    return next((r["via"] for r in routes if r["to"] == "default" and r["via"]), None)


def _route_to(tables: Tables, node: Row, ip: str) -> str | None:
    """The machine's route to this address, when it leads to this end or to the bridge that it is plugged into."""
    route = tables.route(node["namespace"], ip)
    leads = route and route["kind"] not in DEAD_ENDS and route["dev"] in (node["name"], node["master"])
    return route.words if route and leads else None


def _answered_by(tables: Tables, pod: Row, node: Row, gateway: str, mac: str | None) -> str | None:
    """Who answers when the pod asks for its gateway's MAC: a device that has the address, or one that stands in."""
    if node:
        owner = next((d for d in tables.addresses.get(gateway, ()) if d[0] == node["namespace"]), None)
        if owner and mac in (None, tables.mac(owner)):
            return f"{owner[1]}, which has {gateway}"
        if mac and mac == node["mac"] and not owner:
            return f"{node['name']}, by proxy ARP: nobody has {gateway}"
    if mac == EVERYBODYS_MAC:
        return f"the end on the node, by proxy ARP: {EVERYBODYS_MAC} is what calico gives it"
    proxied = ip_address(gateway).is_link_local and ":" not in gateway
    return "the end on the node, by proxy ARP (nobody has that address)" if proxied else None


def sentence(wire: Mapping[str, Any]) -> str:
    """A cable as sentences: both ends, then what both sides' tables say of it."""
    pod, node = (_end(wire, *names) for names in (("namespace", "name"), ("peer_namespace", "peer")))
    bridge = f", a port of {wire['bridge']}" if wire["bridge"] else ""
    if pod and node:
        address = f" ({wire['address']})" if wire["address"] else ""
        how = f": {wire['how']}" if wire["how"] else ""
        told = f"{pod}{address} and {node}{bridge} are two ends of one cable{how}."
    else:
        number = wire["index"] if node else wire["peer_index"]
        numbered = "" if number is None else f", number {number} where it is,"
        address = f" ({wire['address']})" if wire["address"] else ""
        told = f"{pod or node}{address}{bridge}: its other end{numbered} is not shown."
    route = f" {wire['peer_namespace']} reaches it by the route {wire['route']}." if wire["route"] else ""
    mac = f" with {wire['gateway_mac']}" if wire["gateway_mac"] else ""
    arp = f" ARP for its gateway {wire['gateway']} is answered{mac} by {wire['answered_by']}."
    return told + route + (arp if wire["answered_by"] else "")


def _end(wire: Mapping[str, Any], space: str, name: str) -> str:
    return f"{wire[space]} {wire[name]}" if wire[name] else ""
