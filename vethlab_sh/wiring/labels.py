"""What is written on the boxes? A device's name, addresses and state; a namespace's name and, if wanted, its routes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..facts import Device, Link
from ..snapshot import Snapshot
from .devices import addresses, is_dead, remark, routes, status, unseen
from .picture import PAD, Label, Size

MOST = 3  # addresses on a device; a router may have many


@dataclass(frozen=True)
class Labels:
    """The writing of one picture.

    changed: devices to accent; routes: whether each namespace shows its routes; notes: more lines for devices.
    """

    snapshot: Snapshot
    changed: Collection[Device]
    routes: bool
    notes: Mapping[Device, Sequence[str]]

    def title(self, namespace: str) -> Label:
        """What stands at the top of a frame."""
        if not self.routes:
            return Label((namespace,))
        return Label((namespace, *(route.words for route in routes(self.snapshot, namespace))))

    def device(self, link: Link) -> Label:
        """What stands on a device."""
        lines = list(self._lines(link))
        warnings = [number for number, (_, warns) in enumerate(lines) if warns]
        return Label(tuple(text for text, _ in lines), tuple(warnings))

    def _lines(self, link: Link) -> Iterator[tuple[str, bool]]:
        """Each line, and whether it tells of something wrong."""
        yield self._name(link), False
        for line in (*_kind(link), *self._addresses(link)):
            yield line, False
        if state := status(link):
            yield state, is_dead(link)
        if odd := remark(link, self.snapshot):
            yield f"! {odd}", True
        for note in self.notes.get(link.device, ()):
            yield note, False
        if link.unseen:
            yield f"? {unseen(link)}", False

    def _name(self, link: Link) -> str:
        """As `ip addr` begins the lines of a device, `5: veth0@if4`, with a star when it is accented."""
        star = "* " if link.device in self.changed else ""
        number = "" if link.index is None else f"{link.index}: "
        return f"{star}{number}{link.name}{_other_end(link)}"

    def _addresses(self, link: Link) -> list[str]:
        given = addresses(self.snapshot, link.device)
        if len(given) <= MOST:
            return list(given)
        return [*given[:MOST], f"and {len(given) - MOST} more"]

    def size(self, link: Link) -> Size:
        """The room that a device takes."""
        label = self.device(link)
        return Size(label.width + 2 * PAD, label.height + PAD)


def _other_end(link: Link) -> str:
    """The other end as `ip` tells it: by name in the same namespace, else by number."""
    if link.peer and link.peer_namespace == link.namespace:
        return f"@{link.peer}"
    return f"@if{link.peer_index}" if link.peer_index else ""


def _kind(link: Link) -> list[str]:
    if link.kind == "vxlan":
        return [f"VNI {link.vxlan_id}, UDP {link.vxlan_port}"]
    return ["bridge"] if link.kind == "bridge" else []
