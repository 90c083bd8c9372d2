"""What is written on the boxes? A device's name, addresses and state; a namespace's name and, if wanted, its routes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..facts import Device, Link
from ..language import tr
from ..snapshot import Snapshot
from .devices import addresses, is_dead, remark, routes, status, switch_words, unseen
from .kinds import kind_words, port_words, state_words
from .machines import shown
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
        lines = [shown(namespace)]
        if self.routes:
            lines += [route.words for route in routes(self.snapshot, namespace)]
        return Label.of(lines)

    def device(self, link: Link) -> Label:
        """What stands on a device."""
        lines: list[str] = []
        warnings: list[int] = []
        for text, is_warning in self._lines(link):
            if is_warning:
                warnings.append(len(lines))
            lines.append(text)
        return Label.of(lines, warnings)

    def _lines(self, link: Link) -> Iterator[tuple[str, bool]]:
        """Each line, and whether it tells of something wrong."""
        yield self._name(link), False
        for words in (kind_words(link), port_words(link), switch_words(link)):
            if words:
                yield words, False
        for address in self._addresses(link):
            yield address, False
        state = status(link)
        if state:
            yield state, is_dead(link)
        for odd in (remark(link, self.snapshot), state_words(link)):
            if odd:
                yield f"! {odd}", True
        for note in self.notes.get(link.device, ()):
            yield note, False
        if link.unseen:
            yield f"? {unseen(link)}", False

    def _name(self, link: Link) -> str:
        """As `ip addr` begins the lines of a device, `5: veth0@if4`, with a star when it is accented."""
        name = link.name + _other_end(link)
        if link.index is not None:
            name = f"{link.index}: {name}"
        if link.device in self.changed:
            name = f"* {name}"
        return name

    def _addresses(self, link: Link) -> list[str]:
        chosen = addresses(self.snapshot, link.device)
        lines = list(chosen[:MOST])
        left = len(chosen) - MOST
        if left > 0:
            lines.append(tr("and {count} more", count=left))
        return lines

    def size(self, link: Link) -> Size:
        """The room that a device takes."""
        label = self.device(link)
        width = label.width + 2 * PAD
        height = label.height + PAD
        return Size(width, height)


def _other_end(link: Link) -> str:
    """The other end as `ip` tells it: by name in the same namespace, else by number."""
    if link.peer and link.peer_namespace == link.namespace:
        return f"@{link.peer}"
    if link.peer_index:
        return f"@if{link.peer_index}"
    if link.parent and link.parent_namespace == link.namespace:
        return f"@{link.parent}"
    if link.parent_index:
        return f"@if{link.parent_index}"
    return ""
