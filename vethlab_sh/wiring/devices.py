"""Which devices are drawn, and what is written on them?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ..snapshot import Row, Snapshot
from .machines import _natural, machines

Key = tuple[str, str]  # namespace and device


def devices(snapshot: Snapshot, space: str) -> list[Row]:
    """The devices of a namespace, without lo."""
    return _by_namespace(snapshot).get(space, [])


@lru_cache(maxsize=4)
def _by_namespace(snapshot: Snapshot) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in snapshot.rows["links"]:
        if row["kind"] != "loopback":
            found.setdefault(row["namespace"], []).append(row)
    return found


def _key(row: Row) -> Key:
    return row["namespace"], row["name"]


def _peer_key(row: Row) -> Key | None:
    return (row["peer_namespace"], row["peer"]) if row["peer"] else None


def addresses(snapshot: Snapshot, key: Key) -> list[str]:
    """The addresses of a device that somebody chose: not the link-local ones that IPv6 makes."""
    return _addresses(snapshot).get(key, [])


@lru_cache(maxsize=4)
def _addresses(snapshot: Snapshot) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for row in snapshot.rows["addresses"]:
        if not row["address"].startswith("fe80:"):
            found.setdefault((row["namespace"], row["dev"]), []).append(row["address"])
    return found


def condition(row: Row) -> str:
    """A device's state in a word: UP, DOWN (switched off), no signal (its other end is off); empty when not known."""
    if row["up"] is None:
        return ""
    if not row["up"]:
        return "DOWN"
    return "no signal" if row["carrier"] is False else "UP"


def remark(row: Row, snapshot: Snapshot) -> str:
    """What is odd about a device at first sight; empty when nothing is."""
    if _is_cut(row):
        return "peer missing"
    on_bridge_machine = any(r["kind"] == "bridge" for r in devices(snapshot, row["namespace"]))
    joins_here = row["kind"] == "veth" and row["peer_namespace"] not in machines(snapshot)
    alone = on_bridge_machine and joins_here and row["master"] is None
    return "no master" if alone and _key(row) not in _routed(snapshot) else ""


@lru_cache(maxsize=4)
def _routed(snapshot: Snapshot) -> set[Key]:
    """The devices that something is routed to, by an address or a route that somebody chose: those need no bridge."""
    routes = (row for row in snapshot.rows["routes"] if not row["to"].startswith(("fe80:", "ff00:")))
    return {(row["namespace"], row["dev"]) for row in routes} | set(_addresses(snapshot))


def _is_cut(row: Row) -> bool:
    """Whether a cable's other end is gone, and not only out of our sight."""
    return row["kind"] == "veth" and row["peer"] is None and not row.get("unseen")


def unseen(row: Row) -> str:
    """What is known of an end that we cannot see: its number, if that; empty when both ends are seen."""
    if not row.get("unseen"):
        return ""
    return "not shown" if row["peer_index"] is None else f"number {row['peer_index']}, not shown"


def tunnels(snapshot: Snapshot) -> Iterator[tuple[Row, Row, bool, bool]]:
    """Pairs of VXLAN devices of one VNI and port, and whether each one's FDB leads to the other's machine."""
    ends = [row for row in snapshot.rows["links"] if row["kind"] == "vxlan"]
    for i, one in enumerate(ends):
        for two in ends[i + 1 :]:
            same = (one["vxlan_id"], one["vxlan_port"]) == (two["vxlan_id"], two["vxlan_port"])
            if same and (":" in str(one["vxlan_local"])) == (":" in str(two["vxlan_local"])):
                yield one, two, _leads(snapshot, one, two), _leads(snapshot, two, one)


def _leads(snapshot: Snapshot, one: Row, two: Row) -> bool:
    return any(
        (row["namespace"], row["dev"]) == _key(one) and row["dst"] == two["vxlan_local"] and row["mac"] == two["mac"]
        for row in snapshot.rows["fdb"]
    )


def _status(link: Row) -> str:
    """MTU and state, as far as they are known."""
    return " ".join([f"mtu {link['mtu']}"] * (link["mtu"] is not None) + [condition(link)]).strip()


def _rank(row: Row) -> tuple[int, list[Any]]:
    """Bridges first, then tunnels, then the rest, so that short lines suffice."""
    return ({"bridge": 0, "vxlan": 1}.get(row["kind"], 2), _natural(row["name"]))
