"""What was seen of the probe, and in which order? Its frames chosen, put in order, numbered and explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ..facts import Device, is_group
from .learned import Learned
from .listen import Heard
from .lookup import Tables
from .probe import Probe
from .reasons import rewritten, why
from .sighting import ASKS, TELLS, Kind, Sighting

# What two sightings of one frame may differ in.
NOT_THE_FRAME = {"time_ns", "namespace", "device", "way"}


@dataclass(frozen=True)
class Course:
    """The sightings of one probe in order, and whether a table has learned something by it."""

    sightings: tuple[Sighting, ...]
    taught: bool

    @property
    def there(self) -> list[Sighting]:
        """What went to the target."""
        return [sighting for sighting in self.sightings if sighting.leg == "there"]

    @property
    def back(self) -> list[Sighting]:
        """What came from there, errors of routers included."""
        return [sighting for sighting in self.sightings if sighting.leg == "back"]

    @property
    def questions(self) -> list[Sighting]:
        """What is about MAC addresses."""
        return [sighting for sighting in self.sightings if sighting.leg == "ask"]


def course(before: Tables, now: Tables, heard: Heard, probe: Probe, is_lost: bool = False) -> Course:
    """What the listeners heard of a probe.

    before: the tables as they were when it was sent, by which a bridge decides; now: the tables after it; is_lost:
    whether no answer came. Then every question for a MAC on the way matters, also one for an address to which only a
    rule of policy routing, or NAT, has led.
    """
    sightings = [Sighting.of(row["namespace"], row["device"], dict(row)) for row in heard.rows]
    ours = _in_order(now, _with_ways(now, _Choice(now, probe, is_lost).frames(sightings)))
    port = None if probe.is_ping else _asking_port(ours, probe)
    learned = Learned(before)
    numbered: list[Sighting] = []
    flooded = False
    for sighting in ours:
        leg = _leg(sighting, probe, port)
        after = _before(now, sighting, leg, numbered)
        if after is None and leg == "ask" and not _begins(sighting, probe):
            continue  # the kernel asks again for an old neighbour when it likes: nothing that the probe caused
        first = numbered[0].time_ns if numbered else sighting.time_ns
        sighting = replace(
            sighting,
            number=len(numbered) + 1,
            after=after,
            leg=leg,
            us=(sighting.time_ns - first) / 1000,
            machine=now.machine(sighting.namespace),
        )
        flooded |= learned.is_flooded(sighting)
        reason = why(now, learned, sighting)
        if after:
            reason += rewritten(sighting, numbered[after - 1])
        learned.sees(sighting)
        numbered.append(replace(sighting, why=reason))
    taught = flooded or any(sighting.resolves for sighting in sightings)
    return Course(tuple(numbered), taught)


def _begins(sighting: Sighting, probe: Probe) -> bool:
    """Whether it is the question for a MAC with which a walk may begin."""
    return sighting.namespace == probe.src and sighting.way == "out" and sighting.kind in ASKS


def _before(tables: Tables, sighting: Sighting, leg: str, earlier: list[Sighting]) -> int | None:
    """The sighting that this one comes from: at the other end of its cable, or the last in its namespace.

    What carries the packet goes before the questions for a MAC that were asked meanwhile.
    """
    peer = tables.peer(sighting.place) if sighting.way == "in" else None
    if peer:
        near = [one for one in earlier if one.place == peer]
    else:
        near = [one for one in earlier if one.namespace == sighting.namespace]
    carrying = [one for one in near if one.leg != "ask" and one.seq == sighting.seq]
    if leg != "ask" and carrying:
        return carrying[-1].number
    return near[-1].number if near else None


def _leg(sighting: Sighting, probe: Probe, port: int | None) -> str:
    if sighting.resolves:
        return "ask"
    return "there" if _goes_there(sighting, probe, port) else "back"


def _goes_there(sighting: Sighting, probe: Probe, port: int | None) -> bool:
    """Whether a packet is on its way to the target, as far as its header tells. port: from which TCP or UDP asks."""
    if sighting.kind in (Kind.ECHO, Kind.ECHO_REPLY, Kind.ICMP):
        is_part = bool(sighting.offset) and sighting.dst_ip == probe.target
        return sighting.kind == Kind.ECHO or is_part
    if port is not None and port in (sighting.src_port, sighting.dst_port):
        return sighting.src_port == port
    return sighting.dst_ip == probe.target or sighting.dst_port == probe.port != 0


def _asking_port(sightings: Iterable[Sighting], probe: Probe) -> int | None:
    """The port from which a TCP or UDP probe asks."""
    for one in sightings:
        if one.namespace == probe.src and (one.dst_ip, one.dst_port) == (probe.target, probe.port):
            return one.src_port
    return None


# --- which of the frames belong to it ---


@dataclass(frozen=True)
class _Choice:
    """Chooses the frames of a probe: asked for by it, or needed to carry it."""

    tables: Tables
    probe: Probe
    is_lost: bool

    def frames(self, heard: Iterable[Sighting]) -> list[Sighting]:
        """Those of the probe, of all that was heard."""
        heard = sorted(heard, key=lambda sighting: sighting.time_ns)
        packets = self._echoes(heard) if self.probe.is_ping else self._segments(heard)
        parts = {(one.ip_id, one.src_ip, one.dst_ip) for one in packets if one.ip_id}
        chosen = {id(one) for one in packets}
        for one in heard:
            is_part = one.offset and id(one) not in chosen
            if is_part and (one.ip_id, one.src_ip, one.dst_ip) in parts:
                packets.append(one)
        hops, askers = self._asked({one.namespace for one in packets})
        if self.is_lost:
            hops = {one.dst_ip for one in heard if one.kind in ASKS and one.src_ip in askers}
        resolving = [one for one in heard if one.resolves and _is_about(one, hops, askers)]
        return packets + _needed(resolving)

    def _echoes(self, heard: list[Sighting]) -> list[Sighting]:
        """Echoes with the number of ours, whatever addresses NAT gave them, and errors that quote one.

        NAT may also have changed the number (`--random-fully`), but not that of the IP packet.
        """
        asked = [one for one in heard if one.kind == Kind.ECHO]
        number = next((one.id for one in asked if self._is_first(one)), None)
        if number is None:
            return []
        ours = {(one.ip_id, one.seq) for one in asked if one.id == number and one.ip_id}
        numbers = {number} | {one.id for one in asked if (one.ip_id, one.seq) in ours}
        quoted = [f"echo request, id {one}," for one in numbers]
        return [one for one in heard if one.id in numbers or (one.id is None and _quotes(one, quoted))]

    def _segments(self, heard: list[Sighting]) -> list[Sighting]:
        """What went to the port asked, its answers, and errors that quote it; also behind a rewriting of the target."""
        port = self.probe.port
        protocol = Kind.TCP if self.probe.protocol == "tcp" else Kind.UDP
        quoted = [f".{port}:"]
        return [
            one
            for one in heard
            if (one.kind == protocol and port in (one.dst_port, one.src_port))
            or (one.kind == protocol and self._is_rewritten_port(one, heard))
            or (one.kind == Kind.ICMP and _quotes(one, quoted))
        ]

    def _is_rewritten_port(self, sighting: Sighting, heard: list[Sighting]) -> bool:
        """Whether DNAT gave our packet another port: the sender's port and IP number are ours all the same."""
        for one in heard:
            ours = self._is_first(one) and one.dst_port == self.probe.port
            if ours and one.src_port in (sighting.src_port, sighting.dst_port):
                return True
        return False

    def _is_first(self, sighting: Sighting) -> bool:
        return sighting.namespace == self.probe.src and sighting.dst_ip == self.probe.target

    def _asked(self, passed: set[str]) -> tuple[set[str], set[str]]:
        """Whose MAC may be asked for on the way, and by whom: next hops and addresses of the namespaces passed."""
        spaces = passed | {self.probe.src}
        owner = self.tables.owner(self.probe.target)
        if owner:
            spaces.add(owner[0])
        ends = {self.probe.target, *self.tables.own(self.probe.src)}
        ends |= {entry.dst for entry in self.tables.facts.fdb if entry.dst and entry.namespace in spaces}
        hops: set[str] = set()
        for space in spaces:
            # every gateway, too: a rule may send the packet by another table, and NAT gives it another address
            hops |= {route.via for route in self.tables.facts.routes if route.namespace == space and route.via}
            hops |= {hop for ip in ends if (hop := self.tables.next_hop(space, ip))}
        askers: set[str] = set()
        for space in spaces:
            askers |= self.tables.own(space)
        return hops, askers


def _quotes(sighting: Sighting, words: Iterable[str]) -> bool:
    info = sighting.info or ""
    return any(one in info for one in words)


def _needed(resolving: list[Sighting]) -> list[Sighting]:
    """Without the kernel's checks of old neighbours: it asks them alone, when it likes, and no packet waits for it."""
    asked = [one for one in resolving if one.kind in ASKS and is_group(one.dst_mac)]
    waiting = {(one.src_mac, one.dst_ip) for one in asked}
    answers = [one for one in resolving if one.kind in TELLS and (one.dst_mac, one.src_ip) in waiting]
    return asked + answers


def _is_about(sighting: Sighting, hops: set[str], askers: set[str]) -> bool:
    """Whether a question for a MAC, or its answer, is about a next hop."""
    if sighting.kind in ASKS:
        return sighting.dst_ip in hops and sighting.src_ip in askers
    return sighting.kind in TELLS and sighting.src_ip in hops


# --- in which order ---


def _with_ways(tables: Tables, sightings: list[Sighting]) -> list[Sighting]:
    """Each sighting with its way.

    A frame on a cable is seen going out at one end and then coming in at the other, in turn; source MACs would not
    do, because a bridge port with hairpin sends a frame back to where it came from.
    """
    ways = {id(one): "in" if _comes_in(tables, one, sightings) else "out" for one in sightings}
    on_cables: dict[Any, list[Sighting]] = {}
    for one in sightings:
        peer = tables.peer(one.place)
        if peer:
            on_cables.setdefault((frozenset((one.place, peer)), _frame(one)), []).append(one)
    for frames in on_cables.values():
        out: Device | None = None
        for one in sorted(frames, key=lambda one: (one.time_ns, ways[id(one)] == "in")):
            ways[id(one)] = "in" if out is not None and out != one.place else "out"
            out = one.place if ways[id(one)] == "out" else None
    return [replace(one, way=ways[id(one)]) for one in sightings]


def _frame(sighting: Sighting) -> tuple[object, ...]:
    return tuple(getattr(sighting, one.name) for one in fields(sighting) if one.name not in NOT_THE_FRAME)


def _comes_in(tables: Tables, sighting: Sighting, others: list[Sighting]) -> bool:
    """For devices that are no cable: what does not carry their own MAC as its source was not sent by them.

    A tunnel that is a port of a bridge carries the frames of others both ways: what came out of its wrapping was seen
    wrapped in the same namespace just before.
    """
    if tables.is_kind(sighting.place, "vxlan") and tables.master(sighting.place) and not sighting.wrapped:
        return any(_is_the_same_wrapped(tables, one, sighting) for one in others)
    return sighting.device == "lo" or sighting.macs[0] != tables.mac(sighting.place)


def _is_the_same_wrapped(tables: Tables, wrapped: Sighting, bare: Sighting) -> bool:
    """Whether a frame came in wrapped, before it was seen without its wrapping."""
    if not wrapped.wrapped or wrapped.namespace != bare.namespace or wrapped.time_ns > bare.time_ns:
        return False
    if wrapped.macs[0] == tables.mac(wrapped.place):
        return False
    inner = (wrapped.src_mac, wrapped.dst_mac, wrapped.src_ip, wrapped.dst_ip, wrapped.seq, wrapped.kind)
    return inner == (bare.src_mac, bare.dst_mac, bare.src_ip, bare.dst_ip, bare.seq, bare.kind)


def _in_order(tables: Tables, sightings: list[Sighting]) -> list[Sighting]:
    """By the kernel's clock; what has the same nanosecond was seen in one pass, by device after device."""
    depths: Mapping[Device, int] = {one.place: tables.depth(one.place) for one in sightings}

    def place(sighting: Sighting) -> tuple[int, int]:
        depth = depths[sighting.place]
        return sighting.time_ns, depth if sighting.way == "in" else -depth

    return sorted(sightings, key=place)
