"""What do the outputs that were pasted say of the kernel? The rows of a snapshot, as far as the text shows them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..snapshot import COLUMNS, KINDS, Facts, Row, Snapshot, veth_pairs
from ..tables import frame
from . import cni, pairs, pasted
from .pasted import Typed

if TYPE_CHECKING:
    from pandas import DataFrame


DEVICES = {"ip addr", "ip link", "bridge link", "ifconfig"}
TOLD = (
    "index", "up", "carrier", "mtu", "mac", "master", "kind", "hairpin", "netns",
    "vxlan_id", "vxlan_port", "vxlan_local", "vxlan_dev", "vxlan_learning",
)  # fmt: skip
WELL_KNOWN_KINDS = (
    (re.compile(r"lo"), "loopback"),
    (cni.FLANNEL_VXLAN, "vxlan"),
    (cni.CALICO_VXLAN, "vxlan"),
    (cni.CALICO_END, "veth"),
    (re.compile(r"veth[0-9a-f]{6,}"), "veth"),
    (re.compile(r"cni0|docker0|br\d+|br-[0-9a-f]{12}"), "bridge"),
)


@dataclass(frozen=True)
class Output:
    """One output of the text with its table: line and at (where the command stands and ran), command, name, rows."""

    line: int
    at: str
    command: str
    name: str
    rows: tuple[Row, ...]
    whole: bool = False

    @property
    def table(self) -> DataFrame:
        """The rows as a DataFrame."""
        return frame(self.name, self.rows)


# ---- from rows to what is known --------------------------------------------------------------------------------


class _Facts:
    """What the outputs say, the last word on each thing counting."""

    def __init__(self) -> None:
        self.links: dict[pairs.Key, Row] = {}
        self.addresses: dict[pairs.Key, list[Row]] = {}
        self.routes: dict[tuple[Any, ...], Row] = {}
        self.neighbours: dict[tuple[Any, ...], Row] = {}
        self.fdb: dict[tuple[Any, ...], Row] = {}
        self.bridges: set[pairs.Key] = set()
        self.made: list[tuple[pairs.Key, pairs.Key, int]] = []
        self.moved: dict[pairs.Key, pairs.Key] = {}
        self.mentions: dict[str, set[str]] = {}
        self.spaces: dict[str, int] = {}

    def add(self, output: Output) -> None:
        """Take the rows of one output."""
        take = {
            "ip route": self._route, "ip neigh": self._neighbour, "arp": self._neighbour, "bridge fdb": self._forward,
            "brctl show": self._port,
        }.get(output.name, self._device if output.name in DEVICES else None)  # fmt: skip
        if take is None:
            return
        self.spaces.setdefault(output.at, output.line)
        if output.whole:  # it begins with lo, so what it does not list is not there any more
            listed = {row["name"] for row in output.rows}
            for key in [key for key in self.links if key[0] == output.at and key[1] not in listed]:
                self._forget(key)
        if output.name in ("ip addr", "ifconfig"):
            for row in output.rows:
                self.addresses[output.at, row["name"]] = []
        for row in output.rows:
            take(output.at, row)

    def command(self, typed: Typed) -> None:
        """A line that makes a pair, or moves a device: names that outputs then show apart."""
        try:
            words = shlex.split(typed.inner)
        except ValueError:
            return
        if not _is_link(words):
            return
        line = " ".join(words)
        at = typed.at.name
        if pair := re.search(r" ad?d? (?:name )?(\S+) (?:.* )?type veth (?:.* )?peer (?:name )?(\S+)", line):
            self.made.append(((at, pair[1]), (at, pair[2]), typed.number))
        elif move := re.search(r" s\w* (?:dev )?(\S+) (?:.* )?netns (\S+)", line):
            self.moved[at, move[1]] = (move[2], move[1])
            self._forget((at, move[1]))

    def _forget(self, key: pairs.Key) -> None:
        self.links.pop(key, None)
        self.addresses.pop(key, None)

    def is_far_end(self, at: str, row: Row) -> bool:
        """Whether a row of `ip addr` is the other end of a device of this place."""
        number, peer = row.get("index"), _number(row.get("peer"))
        own = (link for (space, _), link in self.links.items() if space == at)
        return any(peer is not None and (link["index"], link["peer_index"]) == (peer, number) for link in own)

    def _link(self, at: str, name: str, row: Row, listed: bool = False) -> Row:
        """What is known of a device; a device that is only spoken of gets a row too."""
        if not listed:
            self.mentions.setdefault(name, set()).add(at)
        return self.links.setdefault(
            (at, name), dict.fromkeys(COLUMNS["links"]) | {"namespace": at, "name": name, "line": row["line"]}
        )

    def _device(self, at: str, row: Row) -> None:
        for key, other in list(self.links.items()):  # the same device, shown elsewhere before: it has moved
            same = (other["name"], other["mac"], other["index"]) == (row["name"], row.get("mac"), row.get("index"))
            if same and key[0] != at and row["name"] != "lo" and None not in (row.get("mac"), row.get("index")):
                self._forget(key)
        link = self._link(at, row["name"], row, listed=True)
        told = {key: row.get(key) for key in TOLD}
        link |= {key: value for key, value in told.items() if value is not None} | {"line": row["line"]}
        if "bridge_id" in row and row.get("state") and row.get("flags") is not None:
            link |= {"master": row.get("master"), "state": row["state"]}  # `ip` names the master whenever there is one
        if row.get("peer"):
            link |= {"says": row["peer"], "peer_index": _number(row["peer"])}
        if "UP" in str(row.get("flags", "")).split(",") and "RUNNING" in str(row["flags"]):
            link["carrier"] = True  # ifconfig's word for a signal
        if link["master"]:
            self.bridges.add((at, link["master"]))
        if row.get("address"):
            self.addresses.setdefault((at, row["name"]), []).append(
                {"namespace": at, "dev": row["name"], "family": row["family"] or _family(row["address"]),
                 "address": row["address"], "broadcast": row.get("address_broadcast"),
                 "tentative": row.get("tentative"),
                 "scope": row.get("scope") or _scope(row["address"]), "line": row["address_line"]}
            )  # fmt: skip

    def _port(self, at: str, row: Row) -> None:
        self._link(at, row["bridge"], row)
        self.bridges.add((at, row["bridge"]))
        if row["interface"]:
            self._link(at, row["interface"], row)["master"] = row["bridge"]

    def _route(self, at: str, row: Row) -> None:
        if row["kind"] in ("local", "broadcast", "multicast", "anycast") or row["table"] not in (None, "main"):
            return
        family = _family(row["to"] if row["to"] != "default" else row["via"] or "")
        kept = {c: row.get(c) for c in COLUMNS["routes"]} | {"namespace": at, "family": family, "line": row["line"]}
        self.routes[at, row["to"], row["via"], row["dev"], row["metric"], family] = kept
        if row["dev"]:
            self._link(at, row["dev"], row)

    def _neighbour(self, at: str, row: Row) -> None:
        if row.get("proxy") or not row["ip"]:
            return
        kept = {"namespace": at, "dev": row["dev"], "ip": row["ip"], "mac": row["mac"], "line": row["line"]}
        self.neighbours[at, row["dev"], row["ip"]] = kept | {"state": row.get("state")}
        if row["dev"]:
            self._link(at, row["dev"], row)

    def _forward(self, at: str, row: Row) -> None:
        kept = {c: row.get(c) for c in COLUMNS["fdb"]} | {"namespace": at, "line": row["line"]}
        self.fdb[at, row["mac"], row["dev"], row["dst"], row["vlan"]] = kept
        if row["dev"]:
            link = self._link(at, row["dev"], row)
            link["master"] = row["master"] if row["master"] and row["master"] != row["dev"] else link["master"]
        if row["master"]:
            self._link(at, row["master"], row)
            self.bridges.add((at, row["master"]))

    def snapshot(self, places: dict[str, pasted.Place]) -> tuple[Snapshot, list[str]]:
        """All that is known in the tables of a snapshot, ends joined; and notes about what is left open."""
        rows: dict[str, list[Row]] = {
            "namespaces": [self._space(name, places.get(name)) for name in self.spaces],
            "links": [link | {"kind": self._kind(key, link)} for key, link in self.links.items()],
            "addresses": [row for found in self.addresses.values() for row in found],
            "routes": list(self.routes.values()),
            "neighbours": list(self.neighbours.values()),
            "fdb": list(self.fdb.values()),
            "settings": [],
        }
        on = {row["on"] for row in rows["namespaces"]} - {None} - self.spaces.keys()
        rows["namespaces"] += [self._space(name, pasted.Place(name, "machine")) for name in sorted(on)]
        made = [(self._now(one), self._now(two), line) for one, two, line in self.made]
        notes = pairs.pair(rows, made)
        pairs.settle(rows)
        for link in rows["links"]:
            link["unseen"] = link["kind"] == "veth" and link["peer"] is None
        for space in rows["namespaces"]:
            space["placed"] = True
        kinds = {name: tuple(KINDS[name](**row) for row in table) for name, table in rows.items()}
        facts = Facts(**kinds)
        return Snapshot(replace(facts, wires=tuple(veth_pairs(facts.links)))), notes

    @staticmethod
    def _space(name: str, place: pasted.Place | None) -> Row:
        kind = {"namespace": "pod"}.get(place.kind, place.kind) if place else ""
        return {"namespace": name, "on": place.on if place else None, "kind": kind}

    def _now(self, key: pairs.Key) -> pairs.Key:
        """Where a device is after the moves that were typed."""
        return self.moved.get(key, key)

    def _kind(self, key: pairs.Key, link: Row) -> str | None:
        if link["kind"]:
            return str(link["kind"])
        if key in self.bridges:
            return "bridge"
        known = next((kind for pattern, kind in WELL_KNOWN_KINDS if pattern.fullmatch(link["name"])), None)
        return known or ("veth" if link["peer_index"] is not None else None)


def _is_link(words: list[str]) -> bool:
    return len(words) > 3 and words[0].endswith("ip") and any("link".startswith(word) for word in words[1:4])


def _number(peer: str | None) -> int | None:
    """32 of `if32`."""
    found = re.fullmatch(r"if(\d+)", peer or "")
    return int(found[1]) if found else None


def _family(address: str) -> str:
    return "inet6" if ":" in address else "inet"


def _scope(address: str) -> str:
    """The scope of an address whose command prints none."""
    return "link" if address.startswith("fe80") else "host" if address.startswith(("127.", "::1/")) else "global"
