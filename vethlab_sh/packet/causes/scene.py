"""What can be asked about a probe that was lost? Its tables, its sightings, and the kernel once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from ...facts import Device, Link
from ...inside import quoted
from ..listen import Ground, Heard
from ..lookup import Tables
from ..probe import Probe, open_questions
from ..sighting import Sighting
from ..sightings import Course
from .look import COUNTED, RULES, Decision, Look, look
from .trace import Again, again

TRIES = 3
Counted = TypeVar("Counted")


@dataclass
class Scene:
    """All that is known of one lost probe, and what can still be asked.

    before, tables: the tables before and after it; course: its sightings; places: the devices that were listened to;
    may_trace: whether the probe may be sent again with tables of ours in the lab (on a real node: only when asked).
    """

    ground: Ground
    probe: Probe
    before: Tables
    tables: Tables
    course: Course
    heard: Heard
    may_trace: bool = True
    looks: dict[str, Look] = field(default_factory=dict)

    # --- the kernel once more ---

    def look(self, space: str) -> Look:
        """What a namespace says when it is asked once more; all that matter are asked at the first time."""
        if space not in self.looks:
            wanted = {space, *self.spaces}.difference(self.looks)
            missing = [one for one in self.tables.spaces if one in wanted]
            answers = look(self.ground, missing, self._parts)
            for name, answer in answers.items():
                self.looks[name] = self._about_the_probe(answer)
        return self.looks.get(space, Look(space))

    def _about_the_probe(self, one: Look) -> Look:
        protocol = self.probe.protocol
        if self.probe.is_ping and self.probe.is_v6:
            protocol = "ipv6-icmp"
        return replace(one, protocol=protocol, port=self.probe.port)

    @property
    def _parts(self) -> tuple[str, ...]:
        """What a namespace is asked for: a ping meets no socket."""
        if not self.probe.is_ping:
            return RULES
        return tuple(part for part in RULES if part != "sockets")

    @cached_property
    def spaces(self) -> list[str]:
        """The namespaces that matter: where it was seen, where it starts, and who has an address that was asked for."""
        chosen = {self.probe.src}
        ends = {self.probe.target}
        for sighting in self.course.sightings:
            chosen.add(sighting.namespace)
            ends.add(sighting.dst_ip)
            ends.update(sighting.ips)
        for end in ends:
            for namespace, _ in self.owners(end):
                chosen.add(namespace)
        return [space for space in self.tables.spaces if space in chosen]

    @cached_property
    def again(self) -> Again:
        """The same probe once more, with the kernel's counters before and after it, and what the filters did."""
        return self._ask()

    def _ask(self) -> Again:
        looks = {space: self.look(space) for space in self.spaces}
        if not self.may_trace:
            return Again(False, looks, looks)
        ports = {link.vxlan_port for link in self.tables.links.values() if link.vxlan_port}
        # else the kernel would wait for the answer to a question that it asked before, and ask none
        self._forget_questions()
        return again(self.ground, self.probe, looks, sorted(ports))

    def moves_when_asked(self, told: Callable[[Again], Counted]) -> Counted | None:
        """What moves whenever the probe is sent, and stands still in a second in which nothing is asked; else None.

        told: what has moved, as counters before and after tell it; false when nothing has. Now and then others move it,
        too, as IPv6's own packets do: so where it does not stand still, both are tried again.
        """
        for number in range(TRIES):
            asked = told(self._nth(self._asked, number, self._ask))
            if not asked:
                return None
            if not told(self._nth(self._unasked, number, self._ask_nothing)):
                return asked
        return None

    @cached_property
    def _asked(self) -> list[Again]:
        return [self.again]

    @cached_property
    def _unasked(self) -> list[Again]:
        return []

    def _nth(self, made: list[Again], number: int, make: Callable[[], Again]) -> Again:
        while len(made) <= number:
            made.append(make())
        return made[number]

    def _ask_nothing(self) -> Again:
        self._forget_questions()  # which the kernel would repeat by itself
        before = look(self.ground, self.spaces, COUNTED)
        self.ground.run("sleep 1")
        return Again(False, before, look(self.ground, self.spaces, COUNTED))

    def _forget_questions(self) -> None:
        asked = open_questions(self.tables)
        if asked:
            self.ground.run(asked)

    def decide(self, space: str, dst: str, src: str | None = None, iif: str | None = None) -> Decision:
        """The rule and the route by which a namespace sends a packet on."""
        answers = self.look(space)
        vrf = self._vrf_table(space, src, iif)
        return answers.decide(dst, src, iif, vrf)

    def way_back(self, arrived: Device, source: str) -> Decision:
        """The way back to who sent what came in by a device, as the reverse-path filter asks for it."""
        space, _ = arrived
        vrf = self.tables.vrf_table(arrived)
        return self.look(space).decide(source, vrf=vrf)

    def _vrf_table(self, space: str, src: str | None, iif: str | None) -> str | None:
        """The table of the VRF in which a packet is: by the port that it came in by, or that has its source address."""
        devices: list[Device] = []
        if iif is not None:
            devices.append((space, iif))
        elif src is not None:
            seen = {one.place for one in self.course.sightings}
            devices += [owner for owner in self.owners(src) if owner[0] == space]
            devices.sort(key=lambda owner: owner not in seen)  # two VRFs may have the same address
        for device in devices:
            table = self.tables.vrf_table(device)
            if table is not None:
                return table
        return None

    # --- the sightings ---

    def carrying(self, space: str, way: str | None = None) -> list[Sighting]:
        """The sightings of the packet itself in a namespace, not of questions for a MAC."""
        chosen = []
        for one in self.course.sightings:
            if one.namespace != space or one.leg == "ask":
                continue
            if way is None or one.way == way:
                chosen.append(one)
        return chosen

    def carrying_like(self, last: Sighting) -> list[Sighting]:
        """The sightings of the same packet on the same leg, everywhere."""
        return [one for one in self.course.sightings if (one.leg, one.seq) == (last.leg, last.seq)]

    def real_destination(self, last: Sighting) -> str:
        """Where a packet goes when it comes in at its last sighting: an answer to what was rewritten is rewritten back.

        What the machine wrote into the source on the way there, conntrack takes out of the destination on the way back.
        """
        if last.leg != "back":
            return last.dst_ip
        here = [one for one in self.course.there if one.namespace == last.namespace]
        # the packet that left with this source, and the same one as it had come in
        for left in here:
            if left.way != "out" or left.src_ip != last.dst_ip:
                continue
            for came in here:
                if came.way == "in" and came.seq == left.seq:
                    return came.src_ip
        return last.dst_ip

    # --- the tables ---

    def link(self, device: Device | None) -> Link | None:
        """The device, when it is there."""
        return self.tables.link(device)

    def is_local(self, space: str, ip: str) -> bool:
        """Whether a namespace has this address itself."""
        own = self.tables.own(space)
        return ip in own

    def owners(self, ip: str) -> list[Device]:
        """All devices that have this address."""
        return self.tables.addresses.get(ip, [])

    def oracle(self, space: str, dst: str, src: str, iif: str) -> tuple[str, bool, str]:
        """The kernel's own decision about a packet that came in by a device: the line that asks, whether it would go
        on or be taken, and what it said. It applies rules, all tables, forwarding, rp_filter and the checks of sources.
        """
        return self.asked(space, f"ip route get {dst} from {src} iif {quoted(iif)}")

    def asked(self, space: str, line: str) -> tuple[str, bool, str]:
        """What the kernel decides when it is asked by a line: the line, whether a packet would go on, what it said."""
        ran = self.ground.run(self.ground.inside(space, line))
        answer = (ran.out + ran.err).strip()
        return line, ran.code == 0, answer
