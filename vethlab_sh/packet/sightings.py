"""What was seen of the probe, and in which order? Its frames chosen, put in order, numbered and explained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ..errors import TooBusy
from ..facts import TUNNELS, Device, is_group
from ..language import tr
from .learned import Learned
from .listen import Heard
from .lookup import Tables
from .probe import Probe
from .reasons import rewritten, why
from .sighting import ASKS, TELLS, Kind, Sighting

Ports = frozenset[int | None]
Mark = int
Marked = tuple[Sighting, Mark]
# What two sightings of one frame may differ in.
NOT_THE_FRAME = {"time_ns", "namespace", "device", "way"}
# What a frame keeps when its wrapping comes off.
INNER = ("src_mac", "dst_mac", "src_ip", "dst_ip", "seq", "kind")


@dataclass(frozen=True)
class Course:
    """The sightings of one probe in order, and whether a table has learned something by it."""

    sightings: tuple[Sighting, ...]
    taught: bool

    @property
    def there(self) -> list[Sighting]:
        """What went to the target."""
        return self._of_leg("there")

    @property
    def back(self) -> list[Sighting]:
        """What came from there, errors of routers included."""
        return self._of_leg("back")

    @property
    def questions(self) -> list[Sighting]:
        """What is about MAC addresses."""
        return self._of_leg("ask")

    def _of_leg(self, leg: str) -> list[Sighting]:
        return [sighting for sighting in self.sightings if sighting.leg == leg]


def course(before: Tables, now: Tables, heard: Heard, probe: Probe, is_lost: bool = False) -> Course:
    """What the listeners heard of a probe.

    before: the tables as they were when it was sent, by which a bridge decides; now: the tables after it; is_lost:
    whether no answer came. Then every question for a MAC on the way matters, also one for an address to which only a
    rule of policy routing, or NAT, has led.
    """
    sightings = [Sighting.of(row["namespace"], row["device"], dict(row)) for row in heard.rows]
    sightings = _with_geneve(now, sightings)
    choice = _Choice(now, probe, is_lost)
    ports = choice.asking_ports(sightings)
    chosen = choice.frames(sightings, ports)
    ours = _in_order(now, _with_ways(now, chosen))
    learned = Learned(before)
    numbered: list[Sighting] = []
    flooded = False
    for sighting in ours:
        leg = _leg(sighting, probe, ports)
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
        # in this order: a bridge decides first, and learns from what it has decided about
        flooded |= learned.is_flooded(sighting)
        reason = why(now, learned, sighting)
        if after:
            reason += rewritten(sighting, numbered[after - 1])
        learned.sees(sighting)
        numbered.append(replace(sighting, why=reason))
    taught = flooded or any(sighting.resolves for sighting in sightings)
    return Course(tuple(numbered), taught)


def _with_geneve(tables: Tables, sightings: list[Sighting]) -> list[Sighting]:
    """The sightings, where what is in Geneve is called so.

    The listeners take all of UDP for VXLAN (`-T vxlan`), because its port may be any. The headers differ in their first
    byte only, and have the number at the same place: RFC 8926, 3.4, and RFC 7348, 5.
    """
    ports: dict[str, set[int]] = {"geneve": set(), "vxlan": set()}
    for link in tables.links.values():
        port = link.wrapped_in.port if link.wrapped_in else None
        if port is not None and link.kind in ports:
            ports[link.kind].add(port)
    of_geneve = ports["geneve"] - ports["vxlan"]
    if not of_geneve:
        return sightings
    named = []
    for one in sightings:
        if one.outer_port in of_geneve:
            named.append(replace(one, wrapping="Geneve"))
        else:
            named.append(one)
    return named


def _begins(sighting: Sighting, probe: Probe) -> bool:
    """Whether it is the question for a MAC with which a walk may begin."""
    if sighting.namespace != probe.src or sighting.way != "out":
        return False
    return sighting.kind in ASKS


def _before(tables: Tables, sighting: Sighting, leg: str, earlier: list[Sighting]) -> int | None:
    """The sighting that this one comes from: at the other end of its cable, or the last in its namespace.

    What carries the packet goes before the questions for a MAC that were asked meanwhile.
    """
    peer = tables.peer(sighting.place) if sighting.way == "in" else None
    if peer:
        near = [one for one in earlier if one.place == peer]
    else:
        spaces, places = _near(tables, sighting)
        near = [one for one in earlier if one.namespace in spaces or one.place in places]
    if leg != "ask":
        carrying = [one for one in near if one.leg != "ask" and one.seq == sighting.seq]
        near = carrying or near
    if not near:
        return None
    return near[-1].number


def _near(tables: Tables, sighting: Sighting) -> tuple[set[str], set[Device]]:
    """Where a sighting may come from: the namespaces, and the devices in others that it is made on, or the reverse."""
    device = sighting.place
    spaces = {sighting.namespace}
    places: set[Device] = set()
    link = tables.link(device)
    if sighting.way == "out":
        places.update(tables.above(device))
        if sighting.wrapped:  # also by a tunnel that was moved, and goes on sending from here
            places.update(tables.wrapping_in(sighting.namespace))
        return spaces, places
    below = tables.below(device)
    if below is not None:
        places.add(below)
        places.update(tables.above(below))
    if link is not None and link.wrapping is not None and link.wrapping.namespace is not None:
        spaces.add(link.wrapping.namespace)
    return spaces, places


def _leg(sighting: Sighting, probe: Probe, ports: Ports) -> str:
    if sighting.resolves:
        return "ask"
    return "there" if _goes_there(sighting, probe, ports) else "back"


def _goes_there(sighting: Sighting, probe: Probe, ports: Ports) -> bool:
    """Whether a packet is on its way to the target, as far as its header tells. ports: from which TCP or UDP asks."""
    if sighting.kind in (Kind.ECHO, Kind.ECHO_REPLY, Kind.ICMP):
        # only the first fragment of a packet has its ICMP header
        is_later_part = bool(sighting.offset) and sighting.dst_ip == probe.target
        return sighting.kind == Kind.ECHO or is_later_part
    if sighting.src_port in ports or sighting.dst_port in ports:
        return sighting.src_port in ports
    if sighting.dst_ip == probe.target:
        return True
    return probe.port != 0 and sighting.dst_port == probe.port


# --- which of the frames belong to it ---

SYN = re.compile(r"Flags \[S[^.\]]*\].*? seq (\d+)")  # without the dot, which is ACK
EMPTY_LINE = re.compile(rb"\0\x09..\n\Z", re.S)  # the end of UDP's header, length and checksum, and what follows it


@dataclass(frozen=True)
class _Choice:
    """Chooses the frames of a probe: asked for by it, or needed to carry it."""

    tables: Tables
    probe: Probe
    is_lost: bool

    def frames(self, heard: Iterable[Sighting], ports: Ports) -> list[Sighting]:
        """Those of the probe, of all that was heard; ports: from which TCP or UDP asks."""
        in_time = sorted(heard, key=lambda sighting: sighting.time_ns)
        packets = self._echoes(in_time) if self.probe.is_ping else self._segments(in_time, ports)
        packets += _later_parts(packets, in_time)
        passed = {one.namespace for one in packets}
        hops, askers = self._asked(passed)
        resolving = [one for one in in_time if one.resolves]
        if self.is_lost:
            hops = {one.dst_ip for one in resolving if one.kind in ASKS and one.src_ip in askers}
        about = [one for one in resolving if _is_about(one, hops, askers)]
        return packets + _needed(about)

    def _echoes(self, heard: list[Sighting]) -> list[Sighting]:
        """Echoes with the number of ours, whatever addresses NAT gave them, and errors that quote one.

        NAT may also have changed the number (`--random-fully`), but not that of the IP packet.
        """
        asked = [one for one in heard if one.kind == Kind.ECHO]
        number = self._number(asked)
        if number is None:
            return []
        ours = {(one.ip_id, one.seq) for one in asked if one.id == number and one.ip_id}
        numbers = {number}
        for one in asked:
            if one.id is not None and (one.ip_id, one.seq) in ours:
                numbers.add(one.id)
        quoted = [f"echo request, id {one}," for one in numbers]
        chosen = []
        for one in heard:
            # an ICMP error has no number of its own: it quotes the packet that it is about (RFC 792)
            is_error = one.id is None and _quotes(one, quoted)
            if one.id in numbers or is_error:
                chosen.append(one)
        return chosen

    def _number(self, asked: list[Sighting]) -> int | None:
        """The number of our ping: of the one to the target, or of the only one that begins where we ask.

        A rule there may give it another target before any device sees it: OUTPUT of nft and iptables.
        """
        for one in asked:
            if self._is_first(one):
                return one.id
        begins: dict[int | None, Sighting] = {}
        for one in asked:
            begins.setdefault(one.id, one)
        ours = [one.id for one in begins.values() if one.namespace == self.probe.src and one.seq == 1]
        if len(ours) != 1:
            return None
        return ours[0]

    def _segments(self, heard: list[Sighting], ports: Ports) -> list[Sighting]:
        """What our connection carries, both ways, and errors that quote it; others may use the port that is asked."""
        quoted = [f".{port} > " for port in ports]
        chosen = []
        for one in heard:
            if one.kind == self._protocol:
                is_ours = one.src_port in ports or one.dst_port in ports
            else:
                is_ours = one.kind == Kind.ICMP and _quotes(one, quoted)
            if is_ours:
                chosen.append(one)
        return chosen

    @property
    def _protocol(self) -> Kind:
        return Kind.TCP if self.probe.protocol == "tcp" else Kind.UDP

    def asking_ports(self, heard: Iterable[Sighting]) -> Ports:
        """The port from which TCP or UDP asks, and those that NAT gave it (`--random-fully`); raises TooBusy."""
        if self.probe.is_ping:
            return frozenset()
        heard = sorted(heard, key=lambda sighting: sighting.time_ns)
        marked = [(one, self._mark(one)) for one in heard]
        begins = [(one, mark) for one, mark in marked if mark is not None and one.namespace == self.probe.src]
        ours = self._first_of(begins)
        if len({one.src_port for one, _ in ours}) > 1:
            raise TooBusy(
                tr(
                    "More than one program in {namespace} asks {protocol} port {port} of {target} now: which packet is "
                    "the one to follow is not known. Ask again when it is quieter.",
                    namespace=self.probe.src,
                    protocol=self.probe.protocol.upper(),
                    port=self.probe.port,
                    target=self.probe.target,
                )
            )
        marks = {mark for _, mark in ours}
        return frozenset(one.src_port for one, mark in marked if mark in marks)

    def _first_of(self, begins: list[Marked]) -> list[Marked]:
        """Which of them begin where we ask: from an address of our own to whom we ask, unless a rule there rewrites."""
        asked = (self.probe.target, self.probe.port)
        own = self.tables.own(self.probe.src)
        to_asked = [(one, mark) for one, mark in begins if (one.dst_ip, one.dst_port) == asked]
        for some in (to_asked, begins):
            from_own = [(one, mark) for one, mark in some if one.src_ip in own]
            if from_own:
                return from_own
        return to_asked or begins[:1]

    def _mark(self, sighting: Sighting) -> Mark | None:
        """What tells a packet that may be our first from all others, and NAT leaves as it is; None for the rest.

        Of TCP the number with which it begins (RFC 9293, 3.4), of UDP, where we send an empty line, that of the packet
        (IPv6 has none).
        """
        if sighting.kind != self._protocol:
            return None
        if sighting.kind == Kind.TCP:
            begin = SYN.match(sighting.info or "")
            return int(begin[1]) if begin else None
        if sighting.frame is not None and not EMPTY_LINE.search(sighting.frame):
            return None
        return sighting.ip_id or 0

    def _is_first(self, sighting: Sighting) -> bool:
        is_from_there = sighting.namespace == self.probe.src
        return is_from_there and sighting.dst_ip == self.probe.target

    def _asked(self, passed: set[str]) -> tuple[set[str], set[str]]:
        """Whose MAC may be asked for on the way, and by whom: next hops and addresses of the namespaces passed."""
        tables = self.tables
        spaces = passed | {self.probe.src}
        owner = tables.owner(self.probe.target)
        if owner:
            spaces.add(owner[0])
        ends = {self.probe.target} | tables.own(self.probe.src)
        for entry in tables.facts.fdb:
            if entry.dst and entry.namespace in spaces:
                ends.add(entry.dst)
        hops: set[str] = set()
        askers: set[str] = set()
        for space in spaces:
            askers |= tables.own(space)
            for end in ends:
                hop = tables.next_hop(space, end)
                if hop:
                    hops.add(hop)
        for route in tables.facts.routes:
            # every gateway, too: a rule may send the packet by another table, and NAT gives it another address
            if route.via and route.namespace in spaces:
                hops.add(route.via)
        return hops, askers


def _later_parts(packets: Iterable[Sighting], heard: Iterable[Sighting]) -> list[Sighting]:
    """The other fragments of these packets, which have no header of ICMP, TCP or UDP; RFC 791, identification."""
    begun = {(one.ip_id, one.src_ip, one.dst_ip) for one in packets if one.ip_id}
    chosen = {id(one) for one in packets}
    parts = []
    for one in heard:
        if not one.offset or id(one) in chosen:
            continue
        if (one.ip_id, one.src_ip, one.dst_ip) in begun:
            parts.append(one)
    return parts


def _quotes(sighting: Sighting, words: Iterable[str]) -> bool:
    """Whether an ICMP error has one of these words, in the packet that it quotes."""
    info = sighting.info or ""
    return any(one in info for one in words)


def _needed(resolving: list[Sighting]) -> list[Sighting]:
    """Without the kernel's checks of old neighbours: it asks them alone, when it likes, and no packet waits for it."""
    # a check of a neighbour that is known (NUD_PROBE) goes to its MAC, a question for an unknown one to everyone
    asked = [one for one in resolving if one.kind in ASKS and is_group(one.dst_mac)]
    waiting = {(one.src_mac, one.dst_ip) for one in asked}
    # who answers over IPv6 sends it to the MAC that it has for who asks, which may be wrong: ndisc_send_na()
    waiting |= {(one.src_ip, one.dst_ip) for one in asked}
    answers = []
    for one in resolving:
        is_waited_for = not waiting.isdisjoint(((one.dst_mac, one.src_ip), (one.dst_ip, one.src_ip)))
        if one.kind in TELLS and is_waited_for:
            answers.append(one)
    return asked + answers


def _is_about(sighting: Sighting, hops: set[str], askers: set[str]) -> bool:
    """Whether a question for a MAC, or its answer, is about a next hop."""
    if sighting.kind in ASKS:
        return sighting.dst_ip in hops and sighting.src_ip in askers
    if sighting.kind in TELLS:
        return sighting.src_ip in hops
    return False


# --- in which order ---


def _with_ways(tables: Tables, sightings: list[Sighting]) -> list[Sighting]:
    """Each sighting with its way.

    A frame on a cable is seen going out at one end and then coming in at the other, in turn; source MACs would not
    do, because a bridge port with hairpin sends a frame back to where it came from.
    """
    ways: dict[int, str] = {}
    on_cables: dict[Any, list[Sighting]] = {}
    for one in sightings:
        ways[id(one)] = "in" if _comes_in(tables, one, sightings) else "out"
        peer = tables.peer(one.place)
        if peer:
            cable = frozenset((one.place, peer))
            on_cables.setdefault((cable, _frame(one)), []).append(one)
    for frames in on_cables.values():
        _take_turns(frames, ways)
    return [replace(one, way=ways[id(one)]) for one in sightings]


def _take_turns(frames: list[Sighting], ways: dict[int, str]) -> None:
    """Set the ways of one frame's sightings on one cable: out at one end, in at the other, and so on."""

    def place(sighting: Sighting) -> tuple[int, bool]:
        comes_in = ways[id(sighting)] == "in"
        return sighting.time_ns, comes_in

    out: Device | None = None  # where it went out, until it has come in at the other end
    for one in sorted(frames, key=place):
        if out is None or out == one.place:
            ways[id(one)] = "out"
            out = one.place
        else:
            ways[id(one)] = "in"
            out = None


def _frame(sighting: Sighting) -> tuple[object, ...]:
    names = [one.name for one in fields(sighting)]
    return tuple(getattr(sighting, name) for name in names if name not in NOT_THE_FRAME)


def _comes_in(tables: Tables, sighting: Sighting, others: list[Sighting]) -> bool:
    """For devices that are no cable: what does not carry their own MAC as its source was not sent by them.

    A tunnel that is a port of a bridge carries the frames of others both ways: what came out of its wrapping was seen
    wrapped in the same namespace just before.
    """
    place = sighting.place
    if sighting.way:  # tcpdump has told it
        return sighting.way == "in"
    link = tables.link(place)
    is_tunnel = link is not None and link.kind in TUNNELS
    is_plugged_tunnel = is_tunnel and tables.master(place) is not None
    if is_plugged_tunnel and not sighting.wrapped:
        return any(_is_the_same_wrapped(tables, one, sighting) for one in others)
    if sighting.device == "lo":
        return True
    if not sighting.macs[0]:
        return _packet_comes_in(tables, sighting)
    if link is not None and link.kind in ("ipvlan", "ipvtap"):
        # All on one parent have its MAC: who sends is told by the address.
        return sighting.src_ip not in tables.own(sighting.namespace)
    return sighting.macs[0] not in tables.macs(place)


def _packet_comes_in(tables: Tables, sighting: Sighting) -> bool:
    """For a device that carries packets and no frames: what is not sent by it, by the route for who it is for."""
    namespace, name = sighting.place
    if sighting.dst_ip in tables.own(namespace):
        return True
    if sighting.src_ip in tables.own(namespace):
        return False
    hops = tables.next_hops(namespace, sighting.dst_ip)
    return all(hop.dev != name for hop in hops)


def _is_the_same_wrapped(tables: Tables, wrapped: Sighting, bare: Sighting) -> bool:
    """Whether a frame came in wrapped, before it was seen without its wrapping."""
    if not wrapped.wrapped or wrapped.namespace != bare.namespace:
        return False
    if wrapped.time_ns > bare.time_ns:
        return False
    if wrapped.macs[0] == tables.mac(wrapped.place):
        return False  # it goes out
    return all(getattr(wrapped, name) == getattr(bare, name) for name in INNER)


def _in_order(tables: Tables, sightings: list[Sighting]) -> list[Sighting]:
    """By the kernel's clock; what has the same nanosecond was seen in one pass, by device after device."""
    depths: Mapping[Device, int] = {one.place: tables.depth(one.place) for one in sightings}

    def place(sighting: Sighting) -> tuple[int, int]:
        depth = depths[sighting.place]
        if sighting.way != "in":
            depth = -depth
        return sighting.time_ns, depth

    return sorted(sightings, key=place)
