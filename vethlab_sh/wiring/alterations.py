"""What is different about a device of its kind? The ends of a tunnel, the port a bond uses, VLANs, who holds a tap."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Link, PortVlan, Wrapping

NOBODY = "nobody in particular"


def alterations(name: str, was: Link, now: Link) -> Iterator[str]:
    """What is different about a device that is still there, a sentence each; name: as a sentence calls it."""
    if was.wrapping is not None and now.wrapping is not None:
        yield from _wrapping(name, was.wrapping, now.wrapping, is_vxlan=now.kind == "vxlan")
    if now.kind == "bond":
        yield from _altered(f"{name} now sends by", was.active, now.active, "no port")
    yield from _vlans(name, was.vlans, now.vlans)
    yield from _holders(name, was, now)
    if was.alias == now.alias:
        return
    if now.alias:
        yield f"the alias of {name} is now {now.alias}"
    else:
        yield f"{name} has no alias any more"


def _altered(beginning: str, was: str | None, now: str | None, none: str) -> Iterator[str]:
    """The sentence that begins so, if something is another now; none: how it is told that there is nothing."""
    if was != now:
        yield f"{beginning} {now or none}, was {was or none}"


def _wrapping(name: str, was: Wrapping, now: Wrapping, is_vxlan: bool) -> Iterator[str]:
    yield from _altered(f"{name} now sends to", was.remote, now.remote, NOBODY)
    yield from _altered(f"the group of {name} is now", was.group, now.group, "none")
    yield from _altered(f"{name} now sends by", was.dev, now.dev, "any device")
    if is_vxlan:  # of which these are told by their own words
        return
    yield from _altered(f"{name} now sends from", was.local, now.local, "any address")
    yield from _altered(f"the key of {name} is now", was.key, now.key, "none")
    if was.port != now.port:
        yield f"{name} now sends to UDP port {now.port}, was {was.port}"


def _vlans(name: str, was: tuple[PortVlan, ...], now: tuple[PortVlan, ...]) -> Iterator[str]:
    """The VLANs of a port; where a bridge began or ceased to look at them, that is told of the bridge."""
    if not was or not now:
        return
    earlier = {one.vlan: one for one in was}
    later = {one.vlan: one for one in now}
    for number, one in later.items():
        if earlier.get(number) != one:
            yield f"{name} now lets VLAN {one.words} through"
    for number in earlier:
        if number not in later:
            yield f"{name} does not let VLAN {number} through any more"


def _holders(name: str, was: Link, now: Link) -> Iterator[str]:
    earlier = {holder.pid: holder for holder in was.holders}
    later = {holder.pid: holder for holder in now.holders}
    for pid, holder in later.items():
        if pid not in earlier:
            yield f"{name} is now held by {holder.process} ({pid})"
    for pid, holder in earlier.items():
        if pid not in later:
            yield f"{name} is not held by {holder.process} ({pid}) any more"
