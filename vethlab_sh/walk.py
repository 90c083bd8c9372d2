"""Where did the packet go? One ping, every device that it passed, in the order of the kernel's clock, and why."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import diagram, snapshot
from .errors import BadOption
from .files import written
from .listen import Ground, Heard, inside, listen
from .lookup import Device, Tables, first_address, said
from .markup import table
from .parsers import ping
from .player import Player
from .reasons import frame_macs, onward, stuck, to_everyone, why
from .shell import Shell
from .snapshot import Snapshot
from .tables import DTYPES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Row = dict[str, Any]
COLUMNS: dict[str, type] = {
    "number": int, "after": int, "leg": str, "us": float, "machine": str, "namespace": str, "device": str, "way": str,
    "what": str, "src_mac": str, "dst_mac": str, "src_ip": str, "dst_ip": str, "ttl": int, "bytes": int,
    "inner_bytes": int, "outer_src_mac": str, "outer_dst_mac": str, "outer_src_ip": str, "outer_dst_ip": str,
    "outer_port": int, "vni": int, "seq": int, "why": str,
}  # fmt: skip
TOLD = ("", "\u00b5s", "where", "what", "why")
PORTS = {"tcp": 80, "udp": 33434}
NOT_THE_FRAME = {"time_ns", "namespace", "device", "way"}
SETTINGS = "grep -s . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"
SETTINGS += " /proc/sys/net/ipv4/conf/*/{forwarding,proxy_arp,rp_filter}"


@dataclass(frozen=True)
class Walk:
    """What happened to one ping.

    src (namespace), dst (as asked), target (its address); rows: a sighting each, in order; ok: all answers came
    back; verdict: what happened, in a sentence or two; last_seen, should_be, reason: of a packet that was lost, the
    last sighting, where it should have come next and the likely reason; out: what ping printed; snapshot: the
    tables that were consulted.
    """

    src: str
    dst: str
    target: str
    rows: list[Row]
    ok: bool
    verdict: str
    last_seen: Row | None
    should_be: str | None
    reason: str | None
    out: str
    snapshot: Snapshot

    @cached_property
    def table(self) -> DataFrame:
        """A row a sighting.

        number; after (the number of the sighting that it comes from, none where it begins); leg (ask: for a MAC;
        there; back); us (microseconds since the first); machine (master, or the namespace that plays one); namespace;
        device; way (in, out); what; src_mac, dst_mac, src_ip, dst_ip (of ARP: who asks or answers, and for what);
        ttl; bytes (the whole frame); why. Where it is wrapped in VXLAN these are the inner frame's, and then there
        are inner_bytes and the outer header: outer_src_mac, outer_dst_mac, outer_src_ip, outer_dst_ip, outer_port
        (UDP), vni. seq counts the echoes.
        """
        import pandas

        return pandas.DataFrame(
            {name: pandas.array([r[name] for r in self.rows], dtype=DTYPES[kind]) for name, kind in COLUMNS.items()}
        )

    @property
    def passed(self) -> list[Device]:
        """The devices that saw it, each once, in the order in which they did."""
        return list(dict.fromkeys((row["namespace"], row["device"]) for row in self.rows))

    def picture(self) -> diagram.Picture:
        """The wiring with the way on it: at each device the numbers of its sightings, and the bands from one to
        the next."""
        notes: dict[Device, list[str]] = {}
        for device in self.passed:
            here = [row for row in self.rows if (row["namespace"], row["device"]) == device]
            for word, rows in _by_leg(here):
                notes.setdefault(device, []).append(f"{word} {' '.join(str(row['number']) for row in rows)}")
        picture = diagram.layout(self.snapshot, notes=notes)
        for leg, shift in (("there", -2.5), ("back", 2.5)):
            for row in dict(_by_leg(self.rows)).get(leg, ()):
                points = self.came_by(picture, row)
                if len(points) > 1:
                    moved = tuple((x + shift, y + shift) for x, y in points)
                    picture.lines.append(diagram.Line(leg, moved))
        if self.last_seen:
            key = (self.last_seen["namespace"], self.last_seen["device"])
            boxes = (box for box in picture.boxes if box.key == key)
            picture.lines += [diagram.Line("lost", ((box.x + box.width, box.y + box.height),)) for box in boxes]
        return picture

    def came_by(self, picture: diagram.Picture, row: Row) -> list[diagram.Point]:
        """The corners on the way from the sighting before to this one; one point where it begins."""
        here = (row["namespace"], row["device"])
        before = self.rows[row["after"] - 1] if row["after"] else row
        return diagram.way(picture, (before["namespace"], before["device"]), here)

    def draw(self, ax: Axes | None = None) -> Axes:
        """The wiring with the packet's way on it, numbered as in the table.

        ax: matplotlib axes to draw on, new ones of the right size when none are given. Returns the axes.
        """
        return diagram.draw(self.picture(), ax)

    def animate(self, path: str | Path | None = None) -> Player:
        """The packet moving hop by hop: a player with play, step and back, which a notebook shows.

        path: where to write it as a page of its own, which needs no other file.
        """
        picture = self.picture()
        player = Player.of(picture, self.rows, [self.came_by(picture, row) for row in self.rows], str(self))
        if path is not None:
            with written(path) as file:
                file.write_text(player.page, encoding="utf-8")
        return player

    def _repr_html_(self) -> str:
        told = [dict(zip(TOLD, _told(row), strict=True)) for row in self.rows]
        return f"{table(told, TOLD, prose=TOLD[-2:])}<p>{escape(self.verdict)}</p>"

    def __str__(self) -> str:
        lines = [
            f"{r['number']:3} {r['us']:9.1f} us  {r['namespace']} {r['device']} {r['way']}: {r['what']} ({r['why']})"
            for r in self.rows
        ]
        return "\n".join([*lines, self.verdict])


def _told(row: Row) -> tuple[str, ...]:
    """A sighting as a reader sees it: number, time, place, what it is, why it is here."""
    arrow = "\u2192" if row["way"] == "out" else "\u2190"
    ends = "" if row["leg"] == "ask" else f", {row['src_ip']} \u2192 {row['dst_ip']}, TTL {row['ttl']}"
    outer = f" ({row['outer_src_ip']} \u2192 {row['outer_dst_ip']}, UDP {row['outer_port']}, VNI {row['vni']})"
    what = f"{row['what']}{outer if row['vni'] is not None else ''}{ends}, {row['bytes']} bytes"
    return str(row["number"]), f"{row['us']:.1f}", f"{row['namespace']} {row['device']} {arrow}", what, row["why"]


def _by_leg(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Sightings by what they are for: asking for a MAC, the way there, the way back."""
    legs: dict[str, list[Row]] = {"ask": [], "there": [], "back": []}
    for row in rows:
        legs[row["leg"]].append(row)
    return [(word, found) for word, found in legs.items() if found]


def walk(
    shell: Shell,
    src: str,
    dst: str,
    count: int = 1,
    size: int | None = None,
    cold: bool = False,
    proto: str = "icmp",
) -> Walk:
    """Send one ping from a namespace and see every device that it passes.

    src: a namespace, or master; dst: an address, or a namespace (its first address); count and size: as `ping -c`
    and `-s`; cold: forget learned neighbours and FDB entries first; proto: icmp, or a probe tcp:PORT or udp:PORT.
    """
    ground = Ground(lambda line: shell.run(line, expect=None), inside, lambda: snapshot.take(shell))
    before = Tables(ground.look())
    target = target_of(before, src, dst)
    if lines := forgetting(before) if cold else _open_questions(before):
        ground.run(lines)
    return follow(ground, before, (src, dst, target), before.links, count, size, proto)


def follow(
    ground: Ground,
    before: Tables,
    ends: tuple[str, str, str],
    places: Collection[Device],
    count: int = 1,
    size: int | None = None,
    proto: str = "icmp",
) -> Walk:
    """Send a probe over a ground, and listen at these places, as far as they are up.

    before: the tables as they were; ends: the namespace that sends, the other end as it was asked for, its address.
    """
    src, dst, target = ends
    own = target in before.own(src)
    devices = [d for d in places if before.link(d)["up"] and (before.link(d)["kind"] != "loopback" or own)]
    line = ground.inside(src, probe(target, count, size, proto))
    heard = listen(ground, devices, line, _wanted(before, src, target, proto))
    # Tables that nothing was learned into meanwhile still hold, and spare us a second look.
    told = _Told(ground, before, heard, src, target, proto)
    if heard.code != 0 or told.learned():
        told = _Told(ground, Tables(ground.look()), heard, src, target, proto)
    return told.walk(dst)


def target_of(tables: Tables, src: str, dst: str) -> str:
    """The address that a walk from src is to reach. Raises BadOption when there is no such end."""
    names = [row["namespace"] for row in tables.rows["namespaces"]]
    if src not in names:
        raise BadOption(f"There is no namespace {src!r} to walk from. There are: {', '.join(names)}.")
    if dst in names:
        if address := next(first_address(tables, dst), None):
            return address
        raise BadOption(f"{dst} has no address that a packet could be sent to.")
    try:
        return str(ip_address(dst))
    except ValueError:
        raise BadOption(f"{dst!r} is neither an address nor a namespace. There are: {', '.join(names)}.") from None


def _open_questions(tables: Tables) -> str:
    """Lines that forget what was asked before and not answered: the kernel would not ask again at once."""
    rows = (row for row in tables.rows["neighbours"] if row["state"] in ("FAILED", "INCOMPLETE"))
    return "\n".join(inside(r["namespace"], f"ip neigh del {r['ip']} dev {shlex.quote(r['dev'])}") for r in rows)


def forgetting(tables: Tables) -> str:
    """The lines by which a cold walk flushes what was learned: neighbours, bridges' entries, VXLAN devices' entries."""
    lines = [inside(row["namespace"], "ip neigh flush all") for row in tables.rows["namespaces"]]
    for (namespace, name), link in tables.links.items():
        if link["kind"] == "bridge":
            lines.append(inside(namespace, f"ip link set {shlex.quote(name)} type bridge fdb_flush"))
    for row in tables.rows["fdb"]:
        if row["dst"] and not row["state"]:
            line = f"bridge fdb del {row['mac']} dev {shlex.quote(row['dev'])} dst {row['dst']}"
            lines.append(inside(row["namespace"], line))
    return "\n".join(lines)


def probe(target: str, count: int = 1, size: int | None = None, proto: str = "icmp") -> str:
    """The line that a walk sends its packets by, in the namespace where they start."""
    kind, port = _kind(proto)
    if count < 1 or (size is not None and not 0 <= size <= 65507):
        raise BadOption("A walk sends at least one packet, and a ping holds 0 to 65507 bytes.")
    if kind == "icmp":
        more = f" -s {size}" if size is not None else ""
        # under a second: the kernel's next question for an unknown MAC would come just then, and be half seen
        return f"ping -n -c {count} -i 0.2 -W 0.9{more} {target}"
    opened = f"exec 3<>/dev/{kind}/{target}/{port}"
    wait = "; echo >&3; read -r -t 1 -u 3" if kind == "udp" else ""  # the refusal, if any, ends the read
    return f"timeout 1 bash -c {shlex.quote(opened + wait)}"


def _kind(proto: str) -> tuple[str, int]:
    kind, _, port = proto.partition(":")
    if kind not in ("icmp", *PORTS) or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise BadOption(f"{proto!r} is no probe: icmp, tcp:PORT or udp:PORT.")
    return kind, int(port or PORTS.get(kind, 0))


def _wanted(tables: Tables, src: str, target: str, proto: str) -> str:
    """What the listeners take, in tcpdump's language; the rest of the choice is made from the rows."""
    kind, port = _kind(proto)
    tunnels = {link["vxlan_port"] for link in tables.links.values() if link.get("vxlan_port")} | {8472, 4789}
    inner = _wrapped({target, *tables.own(src), *tables.own(tables.machine(src))})  # NAT gives it the machine's
    wrapped = (f"(udp port {number} and ({inner}))" for number in sorted(tunnels))
    wanted = ["arp", "icmp6" if ":" in target else "icmp", *wrapped]
    return " or ".join(wanted if kind == "icmp" else [*wanted, f"{kind} port {port}"])


def _wrapped(ips: Iterable[str]) -> str:
    """Of what is in VXLAN, the packets of these addresses and all that is not IPv4: pods may say a lot to each other.

    Counted from the UDP header: the inner frame's type is at 28, its IPv4 addresses are at 42 and 46. RFC 7348.
    """
    numbers = [int(ip_address(ip)) for ip in sorted(ips) if ":" not in ip]
    ours = [f"udp[{at}:4] = {number}" for number in numbers for at in (42, 46)]
    return " or ".join(["ip6", "udp[28:2] != 0x0800", *ours])


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
