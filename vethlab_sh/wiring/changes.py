"""What does the kernel have now that it had not before, and the reverse?

Two snapshots in, rows out, each with a sentence that a learner reads. Consequences that nobody typed are
changes too (a connected route, a link-local address, a learned MAC address); counters, ages and timers are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..markup import table
from ..sandbox import HOSTNAME
from ..snapshot import Row, Snapshot

if TYPE_CHECKING:
    from pandas import DataFrame


NOTHING = "nothing changed (in devices, addresses, routes, neighbours, FDB and settings)"
COLUMNS = ("sign", "what", "namespace", "name", "change")
# The states between which a neighbour wanders by timers alone: it is known in all of them.
KNOWN = {"REACHABLE", "STALE", "DELAY", "PROBE"}
UNANSWERED = {"FAILED", "INCOMPLETE"}


@dataclass(frozen=True)
class Difference:
    """What changed between two snapshots.

    rows: sign (+ appeared, - vanished, ~ changed), what (namespace, link, address, route, neighbour, fdb or
    setting), namespace, name (the device, where there is one), change (a sentence).
    """

    rows: tuple[Row, ...]

    @property
    def table(self) -> DataFrame:
        """The rows as a DataFrame, with its columns also when nothing changed."""
        import pandas

        return pandas.DataFrame(list(self.rows), columns=list(COLUMNS), dtype="string")

    @property
    def devices(self) -> set[tuple[str, str]]:
        """The devices that changed, as (namespace, name): what a picture accents.

        MAC addresses that the kernel learned or forgot are in no picture, and after a ping there are many.
        """
        rows = (row for row in self.rows if row["name"] and row["what"] not in ("neighbour", "fdb"))
        return {(row["namespace"], row["name"]) for row in rows}

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        return "\n".join(f"{row['sign']} {row['change']}" for row in self.rows) or NOTHING

    def _repr_html_(self) -> str:
        return table(self.rows, ("sign", "namespace", "change"), prose=("change",)) or f"<p>{NOTHING}</p>"


def between(before: Snapshot, after: Snapshot) -> Difference:
    """What the kernel has in the second snapshot that it had not in the first, and the reverse."""
    found = ((what, *row) for what, find in FINDERS.items() for row in find(before, after))
    return Difference(tuple(dict(zip(COLUMNS, (sign, what, *rest), strict=True)) for what, sign, *rest in found))


Found = Iterator[tuple[str, str, str, str]]


def _keyed(snapshot: Snapshot, table: str, *key: str) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[k] for k in key): row for row in snapshot.rows[table]}


def _namespaces(before: Snapshot, after: Snapshot) -> Found:
    old, new = _keyed(before, "namespaces", "namespace"), _keyed(after, "namespaces", "namespace")
    for (space,) in sorted(new.keys() - old.keys() - {(HOSTNAME,)}):  # which was there before the first look
        yield "+", space, "", f"the namespace {space} appeared"
    for (space,) in sorted(old.keys() - new.keys()):
        yield "-", space, "", f"the namespace {space} vanished"


def _links(before: Snapshot, after: Snapshot) -> Found:
    old, new = _keyed(before, "links", "namespace", "name"), _keyed(after, "links", "namespace", "name")
    gone = {key: old[key] for key in old if key not in new and key[1] != "lo"}
    come = {key: new[key] for key in new if key not in old and key[1] != "lo"}
    moved = dict(_moves(gone, come))
    for was, now in moved.items():
        yield from _moved(old[was], new[now])
    for space, name in sorted(gone.keys() - moved.keys()):
        yield "-", space, name, f"{name} vanished from {space}"
    for space, name in sorted(come.keys() - set(moved.values())):
        yield "+", space, name, f"{name} ({come[space, name]['kind']}) appeared in {space}"
    for key in new:
        was = old.get(key) or next((old[w] for w, n in moved.items() if n == key), None)
        if was:
            yield from _link_changes(was, new[key])


def _moves(gone: dict[Any, Row], come: dict[Any, Row]) -> Iterator[tuple[Any, Any]]:
    """Devices that left one place and are in another: of the same kind and MAC address."""
    left = dict(come)
    for was, link in gone.items():
        same = [k for k, other in left.items() if (other["mac"], other["kind"]) == (link["mac"], link["kind"])]
        if same:
            now = min(same, key=lambda k: (left[k]["index"] != link["index"], left[k]["name"] != link["name"]))
            del left[now]
            yield was, now


def _moved(was: Row, now: Row) -> Found:
    renamed = f" as {now['name']}" if was["name"] != now["name"] else ""
    if was["namespace"] == now["namespace"]:
        yield "~", now["namespace"], now["name"], f"{was['name']} is now called {now['name']}"
    else:
        sentence = f"{was['name']} left {was['namespace']} and appeared in {now['namespace']}{renamed}"
        yield "~", now["namespace"], now["name"], sentence


def _link_changes(was: Row, now: Row) -> Found:
    name, space = now["name"], now["namespace"]
    place = name if space == HOSTNAME else f"{name} in {space}"
    for column, say in LINK_CHANGES.items():
        if was[column] != now[column] and not (was[column] is None and now[column] is False):
            yield "~", space, name, say(place, was[column], now[column])


LINK_CHANGES: dict[str, Callable[[str, Any, Any], str]] = {
    "up": lambda name, was, now: f"{name} was switched {'on' if now else 'off'}",
    "carrier": lambda name, was, now: f"{name} {'has a signal now' if now else 'has lost its signal'}",
    "state": lambda name, was, now: f"the state of {name} is now {now}, was {was}",
    "master": lambda name, was, now: (
        f"{name} is now a port of {now}" if now else f"{name} is no port of {was} any more"
    ),
    "mtu": lambda name, was, now: f"the MTU of {name} is now {now} bytes, was {was}",
    "mac": lambda name, was, now: f"the MAC address of {name} is now {now}, was {was}",
    "hairpin": lambda name, was, now: f"hairpin is now {'on' if now else 'off'} at {name}",
    "vxlan_port": lambda name, was, now: f"{name} now sends to UDP port {now}, was {was}",
    "vxlan_id": lambda name, was, now: f"the VNI of {name} is now {now}, was {was}",
}


def _simple(
    table: str, key: tuple[str, ...], name: str, came: Callable[[Row], str], went: Callable[[Row], str]
) -> Callable[[Snapshot, Snapshot], Found]:
    """A finder for rows that only come and go."""

    def find(before: Snapshot, after: Snapshot) -> Found:
        old, new = _keyed(before, table, "namespace", *key), _keyed(after, table, "namespace", *key)
        for k in new:
            if k not in old and not _born_with(new[k], before):
                yield "+", new[k]["namespace"], str(new[k][name] or ""), came(new[k])
        for k in old:
            if k not in new:
                yield "-", old[k]["namespace"], str(old[k][name] or ""), went(old[k])

    return find


def _born_with(row: Row, before: Snapshot) -> bool:
    """Whether a row of lo came with its namespace, which is a change already told."""
    return row.get("dev") == "lo" and row["namespace"] not in {space.namespace for space in before.rows.namespaces}


def _route(row: Row) -> str:
    kind = "" if row["kind"] == "unicast" else row["kind"] + " "
    parts = [kind + row["to"], f"via {row['via']}" if row["via"] else "", f"dev {row['dev']}" if row["dev"] else ""]
    return " ".join([part for part in parts if part] + ["onlink"] * bool(row["onlink"]))


def _route_came(row: Row) -> str:
    by = ", which the kernel added by itself" if row["proto"] == "kernel" else ""
    return f"{row['namespace']} has the route {_route(row)}{by}"


def _neighbours(before: Snapshot, after: Snapshot) -> Found:
    old, new = (_keyed(s, "neighbours", "namespace", "dev", "ip") for s in (before, after))
    for key, row in new.items():
        was = old.get(key)
        if was is None or (_acquaintance(was), was["mac"]) != (_acquaintance(row), row["mac"]):
            yield "~" if was else "+", row["namespace"], row["dev"], _met(row)
    for key, row in old.items():
        if key not in new:
            yield "-", row["namespace"], row["dev"], f"{row['namespace']} has forgotten who {row['ip']} is"


def _acquaintance(row: Row) -> str:
    state = row["state"]
    return "known" if state in KNOWN else "unanswered" if state in UNANSWERED else state


def _met(row: Row) -> str:
    space, ip, mac = row["namespace"], row["ip"], row["mac"]
    if row["state"] in UNANSWERED:
        return f"{space} asked on {row['dev']} who has {ip}, and has no answer"
    if row["state"] in KNOWN:
        return f"{space} learned that {ip} is at {mac}"
    return f"{space} was told that {ip} is at {mac} ({row['state'].lower()})"


def _fdb(before: Snapshot, after: Snapshot) -> Found:
    old, new = ({_fdb_key(row): row for row in s.rows["fdb"] if _taught(row)} for s in (before, after))
    for key in (key for key in new if key not in old):
        row = new[key]
        yield "+", row["namespace"], row["dev"], _behind(row)
    for key in (key for key in old if key not in new):
        row = old[key]
        yield "-", row["namespace"], row["dev"], f"{row['master'] or row['dev']} has forgotten where {row['mac']} is"


def _fdb_key(row: Row) -> tuple[Any, ...]:
    return row["namespace"], row["dev"], row["mac"], row["dst"], row["master"]


def _taught(row: Row) -> bool:
    """Whether an entry was learned or given, and is not just a device's own or a multicast address."""
    multicast = int(row["mac"][:2], 16) & 1
    return not multicast and bool(row["dst"] or (row["master"] and row["state"] != "permanent"))


def _behind(row: Row) -> str:
    if row["dst"]:
        return f"{row['dev']} was told that {row['mac']} is behind the node {row['dst']}"
    return f"{row['master']} learned that {row['mac']} is behind {row['dev']}"


def _settings(before: Snapshot, after: Snapshot) -> Found:
    old, new = (_keyed(s, "settings", "namespace", "key") for s in (before, after))
    for key, row in new.items():
        if key in old and old[key]["value"] != row["value"]:
            name = row["key"].replace("/", ".") if row["key"].count(".") == 0 else row["key"]
            where = "" if row["namespace"] == HOSTNAME else f" in {row['namespace']}"
            yield "~", row["namespace"], "", f"{name}{where} is now {row['value']}, was {old[key]['value']}"


FINDERS: dict[str, Callable[[Snapshot, Snapshot], Found]] = {
    "namespace": _namespaces,
    "link": _links,
    "address": _simple(
        "addresses",
        ("dev", "address"),
        "dev",
        lambda row: (
            f"{row['dev']} in {row['namespace']} has the address {row['address']}"
            + (", which IPv6 made of its MAC address" if row["address"].startswith("fe80:") else "")
        ),
        lambda row: f"{row['dev']} in {row['namespace']} has lost the address {row['address']}",
    ),
    "route": _simple(
        "routes",
        ("family", "kind", "to", "via", "dev", "metric", "onlink"),
        "dev",
        _route_came,
        lambda row: f"{row['namespace']} has lost the route {_route(row)}",
    ),
    "neighbour": _neighbours,
    "fdb": _fdb,
    "setting": _settings,
}
