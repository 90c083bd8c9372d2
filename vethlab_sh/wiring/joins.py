"""What joins two devices of one kernel? A cable, a place as a port, a parent; each once, as a picture shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..facts import Device, Link
from ..snapshot import Snapshot
from .devices import comes_first, matters


@dataclass(frozen=True)
class Join:
    """Two devices that belong together.

    kind: wire (the ends of a cable), bus (a port and what it is a port of), parent (a device and what it is made on).
    """

    kind: str
    one: Device
    two: Device

    @property
    def ends(self) -> tuple[Device, Device]:
        """Both devices."""
        return self.one, self.two

    def other(self, device: Device) -> Device:
        """The end that is not this one."""
        if device == self.one:
            return self.two
        return self.one

    def hangs(self, device: Device) -> bool:
        """Whether a device is the one that is a port, or is made on the other."""
        return self.kind != "wire" and self.one == device

    def bears(self, device: Device) -> bool:
        """Whether a device is the one that the other is a port of, or is made on."""
        return self.kind != "wire" and self.two == device


@lru_cache(maxsize=4)
def joins(snapshot: Snapshot) -> tuple[Join, ...]:
    """All that joins devices which a picture shows, in the kernel's order; a cable stands at its first end."""
    links = snapshot.rows.links
    shown = {link.device for link in links if link.kind != "loopback" and matters(snapshot, link)}
    found = []
    for link in links:
        for join in _joins_of(link):
            if shown.issuperset(join.ends):
                found.append(join)
    return tuple(found)


def _joins_of(link: Link) -> Iterator[Join]:
    if link.is_cable and link.peer_device and comes_first(link):
        yield Join("wire", link.device, link.peer_device)
    if link.master:
        yield Join("bus", link.device, (link.namespace, link.master))
    if link.parent_device:
        yield Join("parent", link.device, link.parent_device)


@lru_cache(maxsize=4)
def joins_of(snapshot: Snapshot) -> Mapping[Device, Sequence[Join]]:
    """By device all that joins it to others."""
    found: dict[Device, list[Join]] = {}
    for join in joins(snapshot):
        for device in join.ends:
            found.setdefault(device, []).append(join)
    return found


def side_by_side(snapshot: Snapshot, links: Iterable[Link]) -> list[Link]:
    """Devices in such an order that those which are joined stand beside each other: a chain of bridges as a chain.

    Otherwise in the order in which they come.
    """
    left = {link.device: link for link in links}
    ordered: list[Link] = []

    def place(device: Device) -> None:
        link = left.pop(device, None)
        if link is None:
            return
        ordered.append(link)
        for join in joins_of(snapshot).get(device, ()):
            place(join.other(device))

    for device in list(left):
        place(device)
    return ordered
