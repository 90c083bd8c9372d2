"""Why does a packet not get through a tunnel? IPIP, SIT, GRE, IPv6 tunnels and Geneve (ip-link(8)); not VXLAN.

Who sends needs a local address of its own and a way to the remote. Who receives finds the device that takes the
wrapping off by both outer addresses and the key: ip_tunnel_lookup(), net/ipv4/ip_tunnel.c; geneve_rx() by UDP port,
VNI and sender, drivers/net/geneve.c.
"""

from __future__ import annotations

from dataclasses import replace

from ...facts import Device, Link, Wrapping
from ...inside import quoted
from ...language import tr
from ...wiring.kinds import NAMES
from ...wiring.tunnels import tunnels
from ..sighting import Sighting
from .cables import switched_off
from .cause import Cause, Diagnosis, Fix, Shown, fix, full, place, typed_route
from .scene import Scene

# What a sighting calls a wrapping, and the kinds of devices that put it on and take it off
TAKERS = {
    "IPIP": ("ipip", "sit"),  # sit in its modes ipip and any
    "SIT": ("sit",),
    "GRE": ("gre", "gretap", "erspan", "ip6gre", "ip6gretap"),
    "Geneve": ("geneve",),
    "an IPv6 tunnel": ("ip6tnl",),
}
KINDS = tuple({kind for kinds in TAKERS.values() for kind in kinds})
OVER_IPV6 = ("ip6gre", "ip6gretap", "ip6tnl")
# What a device carries in each mode, iproute2's words: IP versions. A mode that is not here carries both.
CARRIES = {"ipip": (4,), "ip6ip": (6,), "ip6ip6": (6,), "ipip6": (4,), "ip4ip6": (4,)}


def is_tunnel(link: Link | None) -> bool:
    """Whether it is a device that this file knows about."""
    if link is None or link.wrapping is None:
        return False
    return link.kind in KINDS


def show_tunnel(device: Device) -> Shown:
    """What `ip -d link` says of a tunnel device: the line with its ends."""
    namespace, name = device
    return Shown.of(namespace, f"ip -d link show dev {quoted(name)}", "remote ")


# --- the end that wraps -------------------------------------------------------------------------------------------


def not_carried(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why a tunnel device does not wrap what went into it: its mode, its own address, or a route that goes round."""
    link = scene.link(last.place)
    if link is None or link.wrapping is None or link.wrapping.namespace is None:
        return None
    space = link.wrapping.namespace
    local = link.wrapping.local
    other_mode = _of_another_mode(scene, link, last)
    if other_mode:
        return other_mode
    if local and not scene.is_local(space, local):
        reason = tr(
            "{full} sends from {local} (local), but {space} does not have this address",
            full=full(link.device),
            local=local,
            space=space,
        )
        mends = _from_where_it_is_awaited(scene, link)
        return Diagnosis(Cause.TUNNEL_LOCAL, reason, show_tunnel(link.device), mends)
    remote = remote_of(scene, link, last)
    if remote is None:
        return None
    if scene.is_local(space, remote):
        reason = tr(
            "{full} wraps it for {remote}, which is {space}'s own address, so it comes back",
            full=full(link.device),
            remote=remote,
            space=space,
        )
        return Diagnosis(Cause.TUNNEL_ENDS, reason, show_tunnel(link.device))
    return _through_itself(scene, link, remote)


def _of_another_mode(scene: Scene, link: Link, last: Sighting) -> Diagnosis | None:
    version = 6 if ":" in last.dst_ip else 4
    if _carries(link, version):
        return None
    mend: Fix = ()
    for end in (link, *_other_ends(scene, link)):
        if not _carries(end, version):
            mend += _changed(end, "mode any")
    mode = str(link.wrapping.mode) if link.wrapping else ""
    reason = tr(
        "{full} is of mode {mode}, which carries no IPv{version}", full=full(link.device), mode=mode, version=version
    )
    return Diagnosis(Cause.TUNNEL_MODE, reason, show_tunnel(link.device), (mend,))


def _carries(link: Link, version: int) -> bool:
    """Whether a device carries packets of an IP version."""
    mode = link.wrapping.mode if link.wrapping else None
    versions = CARRIES.get(mode or "", (4, 6))
    return version in versions


def _other_ends(scene: Scene, link: Link) -> list[Link]:
    """The other ends of the tunnels that a device is one end of."""
    ends = []
    for tunnel in tunnels(scene.tables.snapshot):
        if link.device == tunnel.one.device:
            ends.append(tunnel.two)
        elif link.device == tunnel.two.device:
            ends.append(tunnel.one)
    return ends


def remote_of(scene: Scene, link: Link, last: Sighting) -> str | None:
    """The outer address that a device wraps a packet for; None where only each packet tells it, or a group is meant.

    A device without a remote takes the gateway of the route by which the packet came to it: ip_tunnel_xmit().
    """
    wrapping = link.wrapping
    if wrapping is None or wrapping.external or wrapping.group:
        return None
    if wrapping.remote:
        return wrapping.remote
    route = scene.decide(link.namespace, last.dst_ip).route
    if route is None or route.dev != link.name:
        return None
    hop = route.via or last.dst_ip
    if link.kind in ("ipip", "sit"):
        return hop
    return scene.tables.neighbour(link.device, hop)  # GRE: an address stands there as a MAC


def to_who_waits(scene: Scene, link: Link) -> tuple[Fix, ...]:
    """The line that gives a device the remote that takes its packets: the one end that is for its address and key."""
    if link.wrapping is None or link.wrapping.local is None:
        return ()
    waiting = []
    for end in _ends_of_this_kind(scene, link):
        if end.remote == link.wrapping.local and end.local is not None:
            waiting.append(end.local)
    if len(waiting) != 1:
        return ()
    return (_changed(link, f"remote {waiting[0]}"),)


def _from_where_it_is_awaited(scene: Scene, link: Link) -> tuple[Fix, ...]:
    """The line that gives a device the local address from which the other end takes packets, where it is here."""
    if link.wrapping is None or link.wrapping.namespace is None:
        return ()
    space = link.wrapping.namespace
    awaited = set()
    for end in _ends_of_this_kind(scene, link):
        if end.remote is not None and scene.is_local(space, end.remote):
            awaited.add(end.remote)
    if len(awaited) != 1:
        return ()
    return (_changed(link, f"local {awaited.pop()}"),)


def _ends_of_this_kind(scene: Scene, link: Link) -> list[Wrapping]:
    """How the other devices of the same kind and key wrap."""
    ends = []
    for other in scene.tables.links.values():
        if other.wrapping is None or other.device == link.device or other.kind != link.kind:
            continue
        if link.wrapping is not None and other.wrapping.key == link.wrapping.key:
            ends.append(other.wrapping)
    return ends


def _through_itself(scene: Scene, link: Link, remote: str) -> Diagnosis | None:
    """A route to the other end that leads through the tunnel: it would have to wrap what it has wrapped."""
    space = link.wrapping.namespace if link.wrapping else None
    if space != link.namespace:
        return None
    route = scene.decide(space, remote).route
    if route is None or route.dev != link.name:
        return None
    reason = tr(
        "the route of {space} to {remote}, the remote of {link}, is {words}, by {link} itself: it would have to wrap "
        "what it has wrapped",
        space=space,
        remote=remote,
        link=link.name,
        words=route.words,
    )
    mend = fix(space, f"ip route del {typed_route(route)}")
    return Diagnosis(
        cause=Cause.WRONG_ROUTE,
        reason=reason,
        shown=Shown.of(space, f"ip route get {remote}", remote),
        fixes=(mend,),
    )


def sender_of(scene: Scene, wrapped: Sighting) -> Device | None:
    """The device that wrapped a packet: by its outer addresses, and its key."""
    source, goal = wrapped.ips
    kinds = TAKERS.get(wrapped.wrapping or "", ())
    for device in scene.tables.wrapping_in(wrapped.namespace):
        link = scene.link(device)
        if link is None or link.kind not in kinds or link.wrapping is None:
            continue
        if _fits(link.wrapping, goal, source) and _own_key(link) == wrapped.vni:
            return device
    return None


# --- the end that takes the wrapping off --------------------------------------------------------------------------


def not_taken(scene: Scene, last: Sighting) -> Diagnosis | None:
    """Why no device takes the wrapping off where a packet came in; None when one should: then a filter may."""
    space = last.namespace
    source, goal = last.ips
    kinds = TAKERS.get(last.wrapping or "")
    if kinds is None or not scene.is_local(space, goal):
        return None
    ends = _ends(scene, space, kinds, ":" in goal)
    if any(end.wrapping and end.wrapping.external for end in ends):
        return None
    if not ends:
        return _nobody_unwraps(scene, last)
    fitting = [end for end in ends if _fits(end.wrapping, source, goal)]
    if not fitting:
        return _between_others(ends, last)
    alike = [end for end in fitting if _has_key(end, last)]
    if not alike:
        return _of_another_key(scene, fitting[0], last)
    end = alike[0]
    off = switched_off(scene.tables, end.device)
    if off:
        return replace(off, should_be=place(end.device))
    return _at_another_port(end, last)


def _ends(scene: Scene, space: str, kinds: tuple[str, ...], is_v6: bool) -> list[Link]:
    """The devices of these kinds that take off what comes to a namespace, and are not left over from a module."""
    ends = []
    for device in scene.tables.wrapping_in(space):
        link = scene.link(device)
        if link is None or link.kind not in kinds or (link.is_fallback and not link.up):
            continue
        if link.kind == "geneve" or (link.kind in OVER_IPV6) == is_v6:
            ends.append(link)
    return ends


def _fits(wrapping: Wrapping | None, source: str, goal: str) -> bool:
    """Whether a device takes what comes from one outer address to another."""
    if wrapping is None:
        return False
    return wrapping.remote in (None, source) and wrapping.local in (None, goal)


def _has_key(end: Link, last: Sighting) -> bool:
    """Whether a device takes packets with this number; of a key that is another one each way only the inner counts."""
    return _own_key(end) == last.vni


def _own_key(end: Link) -> int | None:
    """The key that a device takes: of `1 in, 2 out` the first."""
    key = end.wrapping.key if end.wrapping else None
    if key is None:
        return None
    inward = [part for part in key.split(", ") if not part.endswith(" out")]
    if not inward:
        return None
    return int(inward[0].removesuffix(" in"))


def _nobody_unwraps(scene: Scene, last: Sighting) -> Diagnosis:
    space = last.namespace
    kind = TAKERS[str(last.wrapping)][0]
    reason = tr("{space} has no {names} device, so nobody takes the wrapping off", space=space, names=NAMES[kind])
    shown = Shown.of(space, f"ip -d link show type {kind}")
    return Diagnosis(Cause.NO_DEVICE, reason, shown)


def _between_others(ends: list[Link], last: Sighting) -> Diagnosis:
    """A device that is there, and is for packets of another sender, or to another address."""
    source, goal = last.ips
    same_key = [end for end in ends if _has_key(end, last)]
    end = (same_key or ends)[0]
    wrapping = end.wrapping or Wrapping()
    words: list[str] = []
    changes: list[str] = []
    if wrapping.remote not in (None, source):
        words.append(
            tr(
                "takes packets from its remote {remote} only, and this one is from {source}",
                remote=wrapping.remote,
                source=source,
            )
        )
        changes.append(f"remote {source}")
    if wrapping.local not in (None, goal):
        words.append(tr("has the local address {local}, and this one is for {goal}", local=wrapping.local, goal=goal))
        changes.append(f"local {goal}")
    return Diagnosis(
        cause=Cause.TUNNEL_ENDS,
        reason=tr("{full} {words}", full=full(end.device), words=tr(", and ").join(words)),
        shown=show_tunnel(end.device),
        fixes=(_changed(end, *changes),),
        should_be=place(end.device),
    )


def _changed(end: Link, *changes: str) -> Fix:
    """The line that changes a tunnel device: what it does not name stays as it is, says iproute2."""
    words = " ".join(changes)
    return fix(end.namespace, f"ip link set {quoted(end.name)} type {end.kind} {words}")


def _of_another_key(scene: Scene, end: Link, last: Sighting) -> Diagnosis:
    """Two ends with different keys (GRE), or network numbers (Geneve)."""
    own = _own_key(end)
    word = "VNI" if end.kind == "geneve" else "key"
    has = tr("has the {word} {own}", word=word, own=own) if own is not None else tr("has no {word}", word=word)
    comes = (
        tr("comes with the {word} {vni}", word=word, vni=last.vni)
        if last.vni is not None
        else tr("comes without a {word}", word=word)
    )
    mends: tuple[Fix, ...] = ()
    if end.kind != "geneve":  # the VNI of a device stays what it was made with: geneve_changelink()
        change = "nokey" if last.vni is None else f"key {last.vni}"
        mends = (_changed(end, change),)
    return Diagnosis(
        cause=Cause.TUNNEL_KEY,
        reason=tr(
            "{full} {has}, and this packet {comes}, so {namespace} has no device for it",
            full=full(end.device),
            has=has,
            comes=comes,
            namespace=last.namespace,
        ),
        shown=show_tunnel(end.device),
        fixes=mends,
        should_be=place(end.device),
    )


def _at_another_port(end: Link, last: Sighting) -> Diagnosis | None:
    port = end.wrapping.port if end.wrapping else None
    if port is None or port == last.outer_port:
        return None
    reason = tr(
        "{full} listens on UDP port {port}, this is for UDP port {outer_port}",
        full=full(end.device),
        port=port,
        outer_port=last.outer_port,
    )
    return Diagnosis(
        cause=Cause.TUNNEL_PORT,
        reason=reason,
        shown=show_tunnel(end.device),
        should_be=place(end.device),
    )
