"""What is different about a device of its kind? The ends of a tunnel, the port a bond uses, VLANs, who holds a tap."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Link, PortVlan, Wrapping
from ..language import marked, tr

NOBODY = marked("nobody in particular")

_SENDS_TO = marked("{name} now sends to {now}, was {was}")
_SENDS_BY = marked("{name} now sends by {now}, was {was}")
_SENDS_FROM = marked("{name} now sends from {now}, was {was}")
_GROUP = marked("the group of {name} is now {now}, was {was}")
_KEY = marked("the key of {name} is now {now}, was {was}")


def alterations(name: str, was: Link, now: Link) -> Iterator[str]:
    """What is different about a device that is still there, a sentence each; name: as a sentence calls it."""
    if was.wrapping is not None and now.wrapping is not None:
        yield from _wrapping(name, was.wrapping, now.wrapping, is_vxlan=now.kind == "vxlan")
    if now.kind == "bond":
        yield from _altered(_SENDS_BY, name, was.active, now.active, tr("no port"))
    yield from _vlans(name, was.vlans, now.vlans)
    yield from _holders(name, was, now)
    if was.alias == now.alias:
        return
    if now.alias:
        yield tr("the alias of {name} is now {alias}", name=name, alias=now.alias)
    else:
        yield tr("{name} has no alias any more", name=name)


def _altered(sentence: str, name: str, was: str | None, now: str | None, none: str) -> Iterator[str]:
    """The sentence, if something is another now; none: how it is told that there is nothing."""
    if was != now:
        yield tr(sentence, name=name, now=now or none, was=was or none)


def _wrapping(name: str, was: Wrapping, now: Wrapping, is_vxlan: bool) -> Iterator[str]:
    yield from _altered(_SENDS_TO, name, was.remote, now.remote, tr(NOBODY))
    yield from _altered(_GROUP, name, was.group, now.group, tr("none"))
    yield from _altered(_SENDS_BY, name, was.dev, now.dev, tr("any device"))
    if is_vxlan:  # of which these are told by their own words
        return
    yield from _altered(_SENDS_FROM, name, was.local, now.local, tr("any address"))
    yield from _altered(_KEY, name, was.key, now.key, tr("none"))
    if was.port != now.port:
        yield tr("{name} now sends to UDP port {port}, was {old_port}", name=name, port=now.port, old_port=was.port)


def _vlans(name: str, was: tuple[PortVlan, ...], now: tuple[PortVlan, ...]) -> Iterator[str]:
    """The VLANs of a port; where a bridge began or ceased to look at them, that is told of the bridge."""
    if not was or not now:
        return
    earlier = {one.vlan: one for one in was}
    later = {one.vlan: one for one in now}
    for number, one in later.items():
        if earlier.get(number) != one:
            yield tr("{name} now lets VLAN {words} through", name=name, words=one.words)
    for number in earlier:
        if number not in later:
            yield tr("{name} does not let VLAN {number} through any more", name=name, number=number)


def _holders(name: str, was: Link, now: Link) -> Iterator[str]:
    earlier = {holder.pid: holder for holder in was.holders}
    later = {holder.pid: holder for holder in now.holders}
    for pid, holder in later.items():
        if pid not in earlier:
            yield tr("{name} is now held by {process} ({pid})", name=name, process=holder.process, pid=pid)
    for pid, holder in earlier.items():
        if pid not in later:
            yield tr("{name} is not held by {process} ({pid}) any more", name=name, process=holder.process, pid=pid)
