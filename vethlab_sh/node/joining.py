"""Which outputs, whose place nothing names, are of one machine? Those that show the same thing of its own.

A machine's own are the MAC addresses and addresses of its devices, and the names that are made up for one device.
That both have the same gateway, neighbour or `eth0` joins nothing: every machine of a network has those. What
contradicts itself (two numbers, or two MAC addresses, of one device) is of two machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..facts import is_group
from ..language import enumerated, marked, tr
from ..tables import Row
from .cni import EVERYBODYS_MAC
from .outputs import Output
from .pasted import Typed
from .places import Place

DEVICES = ("ip addr", "ip link", "bridge link", "ifconfig")
MADE_UP = re.compile(r"(veth|cali|eni|azv|lxc|br-|tap|vethwepl)[0-9a-f]{6,}")  # for one device: no other has it
Stated = tuple[object, int]  # what is said, and the line that says it
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
NOBODYS_MACS = (EVERYBODYS_MAC, "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")
NOT_ITS_OWN = ("127.", "::1", "fe80:", "169.254.")  # addresses that many machines have
BOTH_SHOW = {  # by the kind of what a machine has alone
    "device": marked("{name} is {at}: both show the device {thing}."),
    "mac": marked("{name} is {at}: both show the MAC address {thing}."),
    "address": marked("{name} is {at}: both show the address {thing}."),
}
TWO_NUMBERS = marked("{name} has the number {one} in line {line} and {two} in line {other_line}")
TWO_MACS = marked("{name} has the MAC address {one} in line {line} and {two} in line {other_line}")
Reading = tuple[Typed, list[Output]]
Own = tuple[str, str]  # what a machine has alone: of which kind, and the thing itself


@dataclass
class Shown:
    """What a place's outputs show of its own devices.

    own: each thing that only one machine has, with the line that shows it; numbers, macs: by device, with their lines;
    addresses: by device, of those whose addresses are all listed; sources: by device, those of its connected routes.
    """

    own: dict[Own, int] = field(default_factory=dict)
    numbers: dict[str, Stated] = field(default_factory=dict)
    macs: dict[str, Stated] = field(default_factory=dict)
    addresses: dict[str, set[str]] = field(default_factory=dict)
    sources: dict[str, set[str]] = field(default_factory=dict)

    def take(self, outputs: Sequence[Output]) -> None:
        """Take what further outputs of the place show."""
        for output in outputs:
            for record in output.records:
                self._row(output, record.row, record.line)

    def join(self, other: Shown) -> None:
        """Take what another place of the same machine shows."""
        self.own = other.own | self.own
        self.numbers = other.numbers | self.numbers
        self.macs = other.macs | self.macs
        self.addresses = other.addresses | self.addresses
        self.sources = other.sources | self.sources

    def _row(self, output: Output, row: Row, line: int) -> None:
        if output.name in DEVICES:
            self._device(output, row, line)
        elif output.name in ("ip route", "route"):
            self._route(row, line)
        elif output.name == "bridge fdb":
            self._entry(row, line)
        for column in ("dev", "interface"):
            self._name(row.get(column), line)

    def _device(self, output: Output, row: Row, line: int) -> None:
        name: str = row["name"]
        self._name(name, line)
        if row.get("index") is not None:
            self.numbers.setdefault(name, (row["index"], line))
        mac = row.get("mac")
        if mac and name != "lo":
            self.macs.setdefault(name, (mac.lower(), line))
            self._mac(mac, line)
        address = row.get("address")
        if output.name in ("ip addr", "ifconfig") and name != "lo":
            listed = self.addresses.setdefault(name, set())
            if address:
                listed.add(address.partition("/")[0])
                self._address(address, line)

    def _route(self, row: Row, line: int) -> None:
        source = row.get("src")
        if source and row.get("proto") == "kernel":
            self._address(source, line)
            self.sources.setdefault(row["dev"], set()).add(source)

    def _entry(self, row: Row, line: int) -> None:
        """The bridge's own entries, and those of its ports, have their MAC addresses."""
        if row["state"] == "permanent" and not row["dst"]:
            self._mac(row["mac"], line)

    def _name(self, name: str | None, line: int) -> None:
        if name and MADE_UP.fullmatch(name):
            self.own.setdefault(("device", name), line)

    def _mac(self, mac: str, line: int) -> None:
        mac = mac.lower()
        if not MAC.fullmatch(mac) or mac in NOBODYS_MACS or is_group(mac):
            return
        self.own.setdefault(("mac", mac), line)

    def _address(self, address: str, line: int) -> None:
        ip = address.partition("/")[0]
        if not ip.startswith(NOT_ITS_OWN):
            self.own.setdefault(("address", ip), line)

    def contradiction(self, other: Shown) -> str | None:
        """Why two places cannot be one machine, in words; None where nothing speaks against it."""
        return (
            _differing(TWO_NUMBERS, self.numbers, other.numbers)
            or _differing(TWO_MACS, self.macs, other.macs)
            or self._contrary_source(other)
            or other._contrary_source(self)
        )

    def _contrary_source(self, other: Shown) -> str | None:
        """The contradiction where a device sends from addresses that the other place's listing of it has not."""
        for name, sources in self.sources.items():
            listed = other.addresses.get(name)
            if listed and not sources <= listed:
                return tr(
                    "{name} has {here} in one output and {there} in another",
                    name=name,
                    here=enumerated(sorted(listed)),
                    there=enumerated(sorted(sources)),
                )
        return None


def _differing(sentence: str, mine: Mapping[str, Stated], theirs: Mapping[str, Stated]) -> str | None:
    """The contradiction where two places say different things of a device; mine, theirs: by its name."""
    for name in mine.keys() & theirs.keys():
        one, line = mine[name]
        two, other_line = theirs[name]
        if one != two:
            return tr(sentence, name=name, one=one, line=line, two=two, other_line=other_line)
    return None


def joined(readings: Sequence[Reading], places: dict[str, Place]) -> list[str]:
    """Gives each output its place, and tells what was joined, and what stands apart, in sentences.

    The outputs of places that nothing names are taken apart where they contradict each other, and then joined to the
    first place that shows the same thing of its own.
    """
    notes: list[str] = []
    shown = _apart(readings, places, notes)
    homes = _homes(shown, places, notes)
    _rename(readings, places, homes)
    return notes


def _apart(readings: Sequence[Reading], places: dict[str, Place], notes: list[str]) -> dict[str, Shown]:
    """What each place shows; an output that contradicts what an unnamed one has shown begins a new one."""
    shown: dict[str, Shown] = {}
    moved: dict[str, str] = {}  # an unnamed place, and the one that its outputs are of since a contradiction
    for typed, outputs in readings:
        at = moved.get(typed.at.name, typed.at.name)
        now = Shown()
        now.take(outputs)
        if not typed.at.is_named and at in shown:
            why = shown[at].contradiction(now)
            if why:
                at = tr("{name} (line {line})", name=typed.at.name, line=typed.number)
                moved[typed.at.name] = at
                notes.append(
                    tr(
                        "{why}: that is not one machine, so what follows line {line} stands apart.",
                        why=why,
                        line=typed.number,
                    )
                )
        if at != typed.at.name:
            _move(typed, outputs, at, places)
        if outputs:
            shown.setdefault(at, Shown()).take(outputs)
    return shown


def _homes(shown: dict[str, Shown], places: dict[str, Place], notes: list[str]) -> dict[str, str]:
    """The place that each unnamed place is joined to."""
    holders: dict[Own, str] = {}
    homes: dict[str, str] = {}
    alone: list[str] = []
    named_first = sorted(shown, key=lambda name: name in places and not places[name].is_named)
    for name in named_first:
        own = shown[name]
        place = places.get(name)
        if place and not place.is_named:
            home = _home(own, shown, holders)
            if home:
                at, (kind, thing) = home
                homes[name] = at
                notes.append(tr(BOTH_SHOW[kind], name=name, at=at, thing=thing))
                shown[at].join(own)
            elif place.kind != "pod":
                alone.append(name)
        for thing_of_its_own in own.own:
            holders.setdefault(thing_of_its_own, homes.get(name, name))
    if len(alone) > 1:
        names = enumerated(alone)
        notes.append(tr("Nothing tells whether {names} are one machine, so each stands for itself.", names=names))
    return homes


def _home(own: Shown, shown: dict[str, Shown], holders: dict[Own, str]) -> tuple[str, Own] | None:
    """The first place that shows the same thing of its own, if nothing speaks against it; and that thing."""
    for thing in own.own:
        at = holders.get(thing)
        if at and shown[at].contradiction(own) is None:
            return at, thing
    return None


def _rename(readings: Sequence[Reading], places: dict[str, Place], homes: dict[str, str]) -> None:
    for typed, outputs in readings:
        home = homes.get(typed.at.name)
        if home:
            _move(typed, outputs, home, places)


def _move(typed: Typed, outputs: list[Output], at: str, places: dict[str, Place]) -> None:
    """Give a command and its outputs another place."""
    place = places.setdefault(at, Place(at, typed.at.kind, typed.at.on, is_named=False))
    typed.at = place
    outputs[:] = _at(outputs, at)


def _at(outputs: Sequence[Output], at: str) -> Iterator[Output]:
    for output in outputs:
        yield replace(output, at=at)
