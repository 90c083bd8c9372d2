"""What was seen of the probe, in which order, and why?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..parsers import ping
from .listen import Ground, Heard
from .lookup import Device, Tables, said
from .probe import _kind
from .reasons import frame_macs, onward, stuck, to_everyone, why
from .walk import COLUMNS, Row, Walk

NOT_THE_FRAME = {"time_ns", "namespace", "device", "way"}
SETTINGS = "grep -s . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"
SETTINGS += " /proc/sys/net/ipv4/conf/*/{forwarding,proxy_arp,rp_filter}"


@dataclass(frozen=True)
class _Told:
    """What the listeners told about one probe, and the tables right after it."""

    ground: Ground
    tables: Tables
    heard: Heard
    src: str
    target: str
    proto: str

    def learned(self) -> bool:
        """Whether something was asked for, or flooded, so that a table has entries now that it had not before."""
        rows = self.heard.rows
        unknown = ("sends what", "did not know", "sends it by")
        return any(row["what"].startswith(("ARP", "ND")) for row in rows) or any(
            words in why(self.tables, row) for row in _with_ways(self.tables, list(rows)) for words in unknown
        )

    def walk(self, dst: str) -> Walk:
        """Order, choose, number and explain the sightings; then judge."""
        rows: list[Row] = []
        told: list[Row] = []
        for row in _in_order(self.tables, _with_ways(self.tables, self._about(self.heard.rows))):
            after, leg = self._before(row, told), self._leg(row)
            if after is None and leg == "ask" and not self._begins(row):
                continue  # the kernel asks again for an old neighbour when it likes: nothing that the probe caused
            rows.append(row)
            row |= {"number": len(rows), "us": (row["time_ns"] - rows[0]["time_ns"]) / 1000, "after": after, "leg": leg}
            row |= {"machine": self.tables.machine(row["namespace"])}
            row["why"] = why(self.tables, row) + _rewritten(row, told[after - 1] if after else None)
            told.append({name: row[name] for name in COLUMNS})
            told[-1]["what"] += " in VXLAN" if row["vni"] is not None else ""
        ok, verdict, last, should_be, reason = self._verdict(rows, dst)
        last_seen = told[last["number"] - 1] if last else None
        ends, loss = (self.src, dst, self.target), (last_seen, should_be, reason)
        return Walk(*ends, told, ok, verdict, *loss, self.heard.out, self.tables.snapshot)

    def _begins(self, row: Row) -> bool:
        """Whether it is the question for a MAC with which a walk may begin."""
        return bool(row["namespace"] == self.src and row["way"] == "out" and row["what"].endswith("who-has"))

    def _before(self, row: Row, told: list[Row]) -> int | None:
        """The sighting that this one comes from: at the other end of its cable, or the last in its namespace.

        What carries the packet goes before the questions for a MAC that were asked meanwhile.
        """
        device = (row["namespace"], row["device"])
        peer = self.tables.peer(device) if row["way"] == "in" else None
        near = [r for r in told if ((r["namespace"], r["device"]) == peer if peer else r["namespace"] == device[0])]
        carries = [r for r in near if r["leg"] != "ask" and r["seq"] == row["seq"]] if self._leg(row) != "ask" else []
        return int((carries or near)[-1]["number"]) if near else None

    def _leg(self, row: Row) -> str:
        if row["what"].startswith(("ARP", "ND")):
            return "ask"
        return "there" if self._goes_there(row) else "back"

    # --- which of the frames belong to it ---

    def _about(self, rows: Iterable[Row]) -> list[Row]:
        """The frames of this probe: asked for by it, or needed to carry it."""
        rows = sorted(rows, key=lambda row: row["time_ns"])
        packets = self._echoes(rows) if _kind(self.proto)[0] == "icmp" else self._segments(rows)
        parts = {(row["ip_id"], row["src_ip"], row["dst_ip"]) for row in packets if row["ip_id"]}
        known = {id(row) for row in packets}
        rest = (row for row in rows if row["offset"] and id(row) not in known)
        packets += [row for row in rest if (row["ip_id"], row["src_ip"], row["dst_ip"]) in parts]
        asked = self._asked({row["namespace"] for row in packets})
        resolving = [row for row in rows if row["what"].startswith(("ARP", "ND")) and _resolves(row, *asked)]
        return packets + _needed(resolving)

    def _echoes(self, rows: list[Row]) -> list[Row]:
        """Echoes with the number of ours, whatever addresses NAT gave them, and errors that quote one.

        NAT may also have changed the number (`--random-fully`), but not that of the IP packet.
        """
        asked = [row for row in rows if row["what"] == "ICMP echo request"]
        number = next((row["id"] for row in asked if self._is_first(row)), None)
        if number is None:
            return []
        ours = {(row["ip_id"], row["seq"]) for row in asked if row["id"] == number and row["ip_id"]}
        numbers = {number} | {row["id"] for row in asked if (row["ip_id"], row["seq"]) in ours}
        quoted = [f"echo request, id {one}," for one in numbers]
        return [
            row
            for row in rows
            if row["id"] in numbers or (row["id"] is None and any(words in (row["info"] or "") for words in quoted))
        ]

    def _segments(self, rows: list[Row]) -> list[Row]:
        """What went to the port asked, its answers, and errors that quote it."""
        port = _kind(self.proto)[1]
        ends = ((self.target, port),)
        quoted = f"> {self.target}.{port}:"
        return [
            r
            for r in rows
            if (r["dst_ip"], r["dst_port"]) in ends
            or (r["src_ip"], r["src_port"]) in ends
            or (r["what"].startswith("ICMP") and quoted in (r["info"] or ""))
        ]

    def _is_first(self, row: Row) -> bool:
        return bool(row["namespace"] == self.src and row["dst_ip"] == self.target)

    def _asked(self, namespaces: set[str]) -> tuple[set[str], set[str]]:
        """Whose MAC may be asked for on the way, and by whom: next hops and addresses of the namespaces passed."""
        namespaces = namespaces | {self.src} | {owner[0] for owner in (self.tables.owner(self.target),) if owner}
        ends = {self.target, *self.tables.own(self.src)}
        ends |= {row["dst"] for row in self.tables.rows["fdb"] if row["dst"] and row["namespace"] in namespaces}
        hops = {self.tables.next_hop(n, ip) for n in namespaces for ip in ends}
        return {hop for hop in hops if hop}, {ip for n in namespaces for ip in self.tables.own(n)}

    # --- what became of it ---

    def _verdict(self, rows: list[Row], dst: str) -> tuple[bool, str, Row | None, str | None, str | None]:
        there = [row for row in rows if self._goes_there(row)]
        back = [row for row in rows if not row["what"].startswith(("ARP", "ND")) and not self._goes_there(row)]
        name = self.target if dst == self.target else f"{dst} ({self.target})"
        if self._came_back(back):
            return True, self._arrived(name, there, back), None, None, None
        last, should_be, reason = self._lost(rows, there, [row for row in back if "echo reply" in row["what"]])
        said = [self._answer_of(row) for row in back if row["what"].startswith("ICMP") and "echo" not in row["what"]]
        parts = [f"{self.src} did not get an answer from {name}.", *sorted(set(said)), self._seen(last)]
        if should_be:
            parts.append(f"Next should have been {should_be}.")
        parts.append(f"Likely reason: {reason}.")
        return False, " ".join(parts), last, should_be, reason

    def _goes_there(self, row: Row) -> bool:
        if row["what"].startswith("ICMP"):
            return bool(row["what"] == "ICMP echo request" or (row["offset"] and row["dst_ip"] == self.target))
        return bool(row["dst_ip"] == self.target and not row["what"].startswith(("ARP", "ND")))

    def _came_back(self, back: list[Row]) -> bool:
        if _kind(self.proto)[0] != "icmp":
            return any(row["namespace"] == self.src and row["way"] == "in" for row in back)
        (counts,) = ping.statistics(self.heard.out) or [{"sent": 1, "received": 0}]
        return bool(counts["received"] == counts["sent"] and counts["sent"])

    def _arrived(self, name: str, there: list[Row], back: list[Row]) -> str:
        first = [row for row in there if row["seq"] in (None, 1) and not row["offset"]]
        answer = [row for row in back if row["seq"] in (None, 1) and not row["offset"]]
        start, end = (first[0]["ttl"], first[-1]["ttl"]) if first else (None, None)
        routers = (start or 0) - (end or 0)
        ttl = f"TTL {start}, untouched" if start == end else f"TTL {start} on leaving, {end} on arrival"
        passed = f"{routers} router{'s' * (routers != 1)}" if routers else "no router"
        return (
            f"{self.src} reached {name} and the answer came back: seen {len(first)} times on the way there and "
            f"{len(answer)} on the way back; {ttl} ({passed} between)."
        )

    def _answer_of(self, row: Row) -> str:
        owner = self.tables.owner(row["src_ip"])
        return f"{owner[0] if owner else row['src_ip']} answered: {row['what'].removeprefix('ICMP ')}."

    def _seen(self, last: Row | None) -> str:
        if last is None:
            return f"Nothing left {self.src}."
        thing = f"the question who has {last['dst_ip']}" if last["what"].endswith("who-has") else f"the {last['what']}"
        wrapped = ", wrapped in VXLAN," if last["vni"] is not None else ""
        way = "coming in at" if last["way"] == "in" else "going out of"
        return f"Last seen: {thing}{wrapped} {way} {last['namespace']} {last['device']}."

    def _lost(self, rows: list[Row], there: list[Row], back: list[Row]) -> tuple[Row | None, str | None, str]:
        """The last sighting on the way, where it should have been next, and why it was not."""
        trail = self._on_the_way(back) or self._on_the_way(there)
        last = trail[-1] if trail else None
        here, ip = (last["namespace"], last["dst_ip"]) if last else (self.src, self.target)
        if last and ip in self.tables.own(here):  # it arrived: the answer is what is missing
            ip = last["src_ip"]
        entry = self._unwrapped(last)
        questions = self._questions(rows, here, entry["dst"] if entry else ip)
        if questions:
            last = questions[-1]
        settings = self._settings(last["namespace"] if last else here)
        if last is None:
            return None, *onward(self.tables, here, self.target, settings)
        should_be, reason = stuck(self.tables, last, settings)
        if questions and entry:
            reason = f"the FDB of {entry['dev']} sends it to {entry['dst']}, but {reason}"
        elif questions and (route := self.tables.route(here, ip)) and route["via"]:
            reason = f"{here} sends it by {said(route)}, but {reason}"
        return last, should_be, reason

    def _unwrapped(self, last: Row | None) -> Row | None:
        """The FDB entry by which a VXLAN device should have wrapped what went into it."""
        if last is None or last["way"] == "in" or last["vni"] is not None:
            return None
        device = (last["namespace"], last["device"])
        return self.tables.fdb(device, last["dst_mac"]) if self.tables.link(device).get("kind") == "vxlan" else None

    def _questions(self, rows: list[Row], here: str, ip: str) -> list[Row]:
        """Sightings of the question for the next hop's MAC, when a namespace asked and got no answer."""
        own = self.tables.own(here)
        hop = self.tables.next_hop(here, ip)
        asked = [r for r in rows if r["what"].endswith("who-has") and r["src_ip"] in own and r["dst_ip"] == hop]
        told = [r for r in rows if r["what"].endswith("is-at") and r["src_ip"] == hop]
        if not asked or any(r["namespace"] == here and r["way"] == "in" for r in told):
            return []
        if told:
            return told
        start = (asked[0]["namespace"], asked[0]["device"], "out")
        again = (i for i, r in enumerate(asked) if i and (r["namespace"], r["device"], r["way"]) == start)
        return self._on_the_way(asked[: next(again, None)])

    def _on_the_way(self, rows: list[Row]) -> list[Row]:
        """Without the copies that a bridge sent to those whom the packet is not for."""
        return [row for row in rows if not self._is_stray(row)]

    def _is_stray(self, row: Row) -> bool:
        device = (row["namespace"], row["device"])
        link, mac = self.tables.link(device), frame_macs(row)[1]
        ip = row["dst_ip"] if row["vni"] is None else row["outer_dst_ip"]
        goal = [owner[0] for owner in self.tables.addresses.get(ip, ())]
        if link.get("kind") == "bridge" and row["way"] == "in" and to_everyone(mac):
            return device[0] not in goal
        port = device if link.get("master") and row["way"] == "out" else None
        if row["way"] == "in" and (peer := self.tables.peer(device)) and self.tables.link(peer).get("master"):
            port = peer
        far = self.tables.peer(port) if port else None
        if not far or self.tables.is_machine(far[0]) or self.tables.link(far).get("master") or far[0] in goal:
            return False
        return bool(to_everyone(mac) or mac != self.tables.link(far).get("mac"))

    def _settings(self, namespace: str) -> dict[str, str]:
        """The sysctls that decide about forwarding, in one namespace."""
        said = self.ground.run(self.ground.inside(namespace, f"bash -c {shlex.quote(SETTINGS)}")).out
        lines = (line.removeprefix("/proc/sys/net/").partition(":") for line in said.splitlines())
        return {key: value for key, _, value in lines}


def _rewritten(row: Row, before: Row | None) -> str:
    """What NAT did to a packet between two sightings; nothing, mostly."""
    if before is None or row["leg"] == "ask" or before["leg"] != row["leg"] or before["seq"] != row["seq"]:
        return ""
    changes = (("src_ip", "comes from"), ("dst_ip", "goes to"))
    told = [f"{words} {row[end]}, not {before[end]}" for end, words in changes if row[end] != before[end]]
    return f"; rewritten (NAT): it now {' and '.join(told)}" if told else ""


def _needed(rows: list[Row]) -> list[Row]:
    """Without the kernel's checks of old neighbours: it asks them alone, when it likes, and no packet waits for it."""
    asked = [row for row in rows if row["what"].endswith("who-has") and to_everyone(row["dst_mac"])]
    waiting = {(row["src_mac"], row["dst_ip"]) for row in asked}
    return [*asked, *(r for r in rows if r["what"].endswith("is-at") and (r["dst_mac"], r["src_ip"]) in waiting)]


def _resolves(row: Row, hops: set[str], askers: set[str]) -> bool:
    """Whether a question for a MAC, or its answer, is about a next hop."""
    if row["what"].endswith("who-has"):
        return row["dst_ip"] in hops and row["src_ip"] in askers
    return row["what"].endswith("is-at") and row["src_ip"] in hops


def _with_ways(tables: Tables, rows: list[Row]) -> list[Row]:
    """Each row with its way.

    A frame on a cable is seen going out at one end and then coming in at the other, in turn; source MACs would not
    do, because a bridge port with hairpin sends a frame back to where it came from.
    """
    ends: dict[Any, list[Row]] = {}
    told = []
    for row in rows:
        device = (row["namespace"], row["device"])
        row = {**row, "way": "in" if _comes_in(tables, device, row) else "out"}
        told.append(row)
        if peer := tables.peer(device):
            frame = tuple(value for name, value in row.items() if name not in NOT_THE_FRAME)
            ends.setdefault((frozenset((device, peer)), frame), []).append(row)
    for sightings in ends.values():
        out: Device | None = None
        for row in sorted(sightings, key=lambda row: (row["time_ns"], row["way"] == "in")):
            device = (row["namespace"], row["device"])
            row["way"] = "in" if out is not None and out != device else "out"
            out = device if row["way"] == "out" else None
    return told


def _comes_in(tables: Tables, device: Device, row: Row) -> bool:
    """For devices that are no cable: what does not carry their own MAC as its source was not sent by them."""
    return bool(device[1] == "lo" or frame_macs(row)[0] != tables.link(device).get("mac"))


def _in_order(tables: Tables, rows: list[Row]) -> list[Row]:
    """By the kernel's clock; what has the same nanosecond was seen in one pass, by device after device."""

    def place(row: Row) -> tuple[int, int]:
        depth = tables.depth((row["namespace"], row["device"]))
        return row["time_ns"], depth if row["way"] == "in" else -depth

    return sorted(rows, key=place)
