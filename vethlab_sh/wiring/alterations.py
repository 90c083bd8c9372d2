"""What is different about a device of its kind? The ends of a tunnel, the port a bond uses, VLANs, who holds a tap."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Link, PortVlan, Wrapping

NOBODY = "nobody in particular"


def alterations(name: str, was: Link, now: Link) -> Iterator[str]:
    """What is different about a device that is still there, a sentence each; name: as a sentence calls it."""
    if was.wrapping is not None and now.wrapping is not None:
        yield from _wrapping(name, was.wrapping, now.wrapping, is_vxlan=now.kind == "vxlan")
    if now.kind == "bond" and was.active != now.active:
        yield f"{name} now sends by {now.active or 'no port'}, was {was.active or 'no port'}"
    yield from _vlans(name, was.vlans, now.vlans)
    yield from _holders(name, was, now)
    if was.alias != now.alias:
        yield f"the alias of {name} is now {now.alias}" if now.alias else f"{name} has no alias any more"


def _wrapping(name: str, was: Wrapping, now: Wrapping, is_vxlan: bool) -> Iterator[str]:
    if was.remote != now.remote:
        yield f"{name} now sends to {now.remote or NOBODY}, was {was.remote or NOBODY}"
    if was.group != now.group:
        yield f"the group of {name} is now {now.group or 'none'}, was {was.group or 'none'}"
    if was.dev != now.dev:
        yield f"{name} now sends by {now.dev or 'any device'}, was {was.dev or 'any device'}"
    if is_vxlan:  # of which these are told by their own words
        return
    if was.local != now.local:
        yield f"{name} now sends from {now.local or 'any address'}, was {was.local or 'any address'}"
    if was.key != now.key:
        yield f"the key of {name} is now {now.key or 'none'}, was {was.key or 'none'}"
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
