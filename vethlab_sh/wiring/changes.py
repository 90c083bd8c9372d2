"""What does the kernel have now that it had not before, and the reverse? What two snapshots differ in.

Two snapshots in, changes out, each with a sentence that a learner reads. Consequences that nobody typed are changes
too (a connected route, a link-local address, a learned MAC address); counters, ages and timers are not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import package
from ..facts import UNANSWERED, Address, Device, Entry, Link, Neighbour, Route, is_group
from ..markup import AsText, table
from ..sandbox import HOSTNAME
from ..snapshot import Row, Snapshot
from . import policies
from .alterations import alterations
from .change import APPEARED, CHANGED, VANISHED, Change, Finder, by_key, names, only_in, switch

if TYPE_CHECKING:
    from pandas import DataFrame

Hops = tuple[Route, ...]  # one route: itself, or its next hops
NOTHING = (
    "nothing changed (in devices, bridge ports, addresses, routes, policy rules, neighbours, FDB, settings and packet"
    " filters)"
)
COLUMNS = ("sign", "what", "namespace", "name", "change")
LEARNED = ("neighbour", "fdb")  # what the kernel learns and forgets by itself
# The states between which a neighbour wanders by timers alone: it is known in all of them.
KNOWN = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE"})


@dataclass(frozen=True, repr=False)
class Difference(AsText):
    """What changed between two snapshots."""

    changes: tuple[Change, ...]

    @property
    def rows(self) -> list[Row]:
        """The changes as plain values: sign, what, namespace, name, change (the sentence)."""
        return [change.row for change in self.changes]

    @property
    def table(self) -> DataFrame:
        """The changes as a DataFrame, with its columns also when nothing changed."""
        pandas = package("pandas")

        return pandas.DataFrame(self.rows, columns=list(COLUMNS), dtype="string")

    @property
    def devices(self) -> set[Device]:
        """The devices that changed, as (namespace, name): what a picture accents.

        MAC addresses that the kernel learned or forgot are in no picture, and after a ping there are many.
        """
        changed = set()
        for change in self.changes:
            if change.name and change.what not in LEARNED:
                changed.add((change.namespace, change.name))
        return changed

    def __len__(self) -> int:
        return len(self.changes)

    def words(self) -> str:
        """A line a change."""
        lines = [f"{change.sign} {change.sentence}" for change in self.changes]
        return "\n".join(lines) or NOTHING

    def _repr_html_(self) -> str:
        if not self.changes:
            return f"<p>{NOTHING}</p>"
        return table(self.rows, ("sign", "namespace", "change"), prose=("change",))


def between(before: Snapshot, after: Snapshot) -> Difference:
    """What the kernel has in the second snapshot that it had not in the first, and the reverse."""
    changes: list[Change] = []
    for find in FINDERS:
        changes += find(before, after)
    return Difference(tuple(changes))


# ---- namespaces -------------------------------------------------------------------------------------------


def _namespaces(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = names(before)
    new = names(after)
    come = new - old - {HOSTNAME}  # which was there before the first look
    gone = old - new
    for name in sorted(come):
        yield _namespace(APPEARED, name, "appeared")
    for name in sorted(gone):
        yield _namespace(VANISHED, name, "vanished")
    yield from _second_names(before, after)


def _namespace(sign: str, name: str, predicate: str) -> Change:
    return Change(
        sign=sign,
        what="namespace",
        namespace=name,
        name="",
        sentence=f"the namespace {name} {predicate}",
    )


def _second_names(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """The further names that namespaces got or lost."""
    earlier = {space.namespace: space.names for space in before.rows.namespaces}
    for space in after.rows.namespaces:
        here = space.namespace
        old = set(earlier.get(here, ()))
        new = set(space.names)
        for name in sorted(new - old):
            yield _namespace(CHANGED, here, f"is also called {name} now")
        for name in sorted(old - new):
            yield _namespace(CHANGED, here, f"is not called {name} any more")


# ---- devices ----------------------------------------------------------------------------------------------


def _links(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = _devices(before)
    new = _devices(after)
    gone = _but_lo(only_in(old, new))
    come = _but_lo(only_in(new, old))
    earlier = dict(old)
    left = set()
    joined = set()
    for was, now in _moves(gone, come):
        left.add(was.device)
        joined.add(now.device)
        earlier[now.device] = was
        yield _moved(was, now)
    for link in sorted(gone, key=_place):
        if link.device not in left:
            yield _link(VANISHED, link, f"{link.name} vanished from {link.namespace}")
    for link in sorted(come, key=_place):
        if link.device not in joined:
            yield _link(APPEARED, link, f"{link.name} ({link.kind}) appeared in {link.namespace}{_made_on(link)}")
    for device, now in new.items():
        if device not in earlier:
            continue
        was = earlier[device]
        for sentence in _alterations(was, now):
            yield _link(CHANGED, now, sentence)
        for sentence in _port_alterations(was, now, _bridge_of(was, old), _bridge_of(now, new)):
            yield _link(CHANGED, now, sentence)


def _devices(snapshot: Snapshot) -> dict[Device, Link]:
    return by_key(snapshot.rows.links, _place)


def _place(link: Link) -> Device:
    return link.device


def _but_lo(links: Iterable[Link]) -> list[Link]:
    """Without lo and fallback devices that are off (`tunl0`): they come and go with their namespace or a module."""
    left = []
    for link in links:
        is_unused = link.is_fallback and not link.up
        if link.name != "lo" and not is_unused:
            left.append(link)
    return left


def _made_on(link: Link) -> str:
    """The device that one is made on, as the end of a sentence."""
    if link.parent is None:
        return ""
    if link.parent_namespace == link.namespace:
        return f", made on {link.parent}"
    return f", made on {link.parent} in {link.parent_namespace}"


def _link(sign: str, link: Link, sentence: str) -> Change:
    return Change(
        sign=sign,
        what="link",
        namespace=link.namespace,
        name=link.name,
        sentence=sentence,
    )


def _moves(gone: Iterable[Link], come: Iterable[Link]) -> Iterator[tuple[Link, Link]]:
    """Devices that left one place and are in another: of the same kind and MAC address.

    Of several the one with the same number is taken, then the one with the same name: a device that moves keeps both
    if they are free there.
    """
    left = list(come)
    for was in gone:
        same = [link for link in left if (link.mac, link.kind) == (was.mac, was.kind)]
        if not same:
            continue
        now = min(same, key=lambda link: _unlikeness(was, link))
        left.remove(now)
        yield was, now


def _unlikeness(was: Link, now: Link) -> tuple[bool, bool]:
    is_renumbered = now.index != was.index
    is_renamed = now.name != was.name
    return is_renumbered, is_renamed


def _moved(was: Link, now: Link) -> Change:
    if was.namespace == now.namespace:
        sentence = f"{was.name} is now called {now.name}"
    else:
        sentence = f"{was.name} left {was.namespace} and appeared in {now.namespace}"
        if was.name != now.name:
            sentence += f" as {now.name}"
    return _link(CHANGED, now, sentence)


def _alterations(was: Link, now: Link) -> Iterator[str]:
    """What is different about a device that is still there, a sentence each."""
    name = _in_place(now)
    yield from _switchings(name, was, now)
    if was.mtu != now.mtu:
        yield f"the MTU of {name} is now {now.mtu} bytes, was {was.mtu}"
    if was.mac != now.mac:
        yield f"the MAC address of {name} is now {now.mac}, was {was.mac}"
    if bool(was.hairpin) != bool(now.hairpin):  # what is no port has no hairpin at all
        yield f"hairpin is now {switch(now.hairpin)} at {name}"
    yield from _tunnel_alterations(name, was, now)
    yield from alterations(name, was, now)
    if _differs(was.arp, now.arp):
        noarp = "" if now.arp else " (NOARP)"
        yield f"ARP is now {switch(now.arp)} at {name}{noarp}"
    if was.mode != now.mode and was.mode and now.mode:
        yield f"the mode of {name} is now {now.mode}, was {was.mode}"
    yield from _bridge_alterations(name, was, now)


def _switchings(name: str, was: Link, now: Link) -> Iterator[str]:
    """Whether it is on, hears its other end, and is plugged in."""
    if was.up != now.up:
        yield f"{name} was switched {switch(now.up)}"
    if was.carrier != now.carrier:
        yield f"{name} has a signal now" if now.carrier else f"{name} has lost its signal"
    if was.state != now.state:
        yield f"the state of {name} is now {now.state}, was {was.state}"
    # a port of a bridge, of which the kernel knows, or of Open vSwitch, of which that program does
    for before, after in ((was.master, now.master), (was.switch, now.switch)):
        if before == after:
            continue
        if after:
            yield f"{name} is now a port of {after}"
        else:
            yield f"{name} is no port of {before} any more"


def _tunnel_alterations(name: str, was: Link, now: Link) -> Iterator[str]:
    if was.vxlan_port != now.vxlan_port:
        yield f"{name} now sends to UDP port {now.vxlan_port}, was {was.vxlan_port}"
    if was.vxlan_id != now.vxlan_id:
        yield f"the VNI of {name} is now {now.vxlan_id}, was {was.vxlan_id}"
    if was.vxlan_local != now.vxlan_local:
        yield f"{name} now sends from {now.vxlan_local}, was {was.vxlan_local}"
    if was.vxlan_learning != now.vxlan_learning:
        yield f"learning is now {switch(now.vxlan_learning)} at {name}"


def _in_place(link: Link) -> str:
    if link.namespace == HOSTNAME:
        return link.name
    return f"{link.name} in {link.namespace}"


def _differs(was: object, now: object) -> bool:
    """Whether both are known, and not the same: an older recording does not tell everything."""
    if was is None or now is None:
        return False
    return was != now


# ---- bridges and their ports --------------------------------------------------------------------------------

# As bridge(8) calls what can be switched at a port
SWITCHES = ("learning", "flood", "mcast_flood", "bcast_flood", "isolated", "locked", "guard")


def _bridge_alterations(name: str, was: Link, now: Link) -> Iterator[str]:
    if _differs(was.stp, now.stp):
        yield f"STP is now {switch(now.stp)} at {name}"
    if _differs(was.forward_delay, now.forward_delay):
        yield f"the forward delay of {name} is now {now.forward_delay:g} s, was {was.forward_delay:g} s"
    if _differs(was.vlan_filtering, now.vlan_filtering):
        yield f"VLAN filtering is now {switch(now.vlan_filtering)} at {name}"


def _bridge_of(port: Link, links: Mapping[Device, Link]) -> Link | None:
    if port.master is None:
        return None
    return links.get((port.namespace, port.master))


def _port_alterations(was: Link, now: Link, earlier: Link | None, later: Link | None) -> Iterator[str]:
    """What its bridge does otherwise at a port that is still one of the same bridge; earlier, later: that bridge."""
    if was.port is None or now.port is None or was.master != now.master:
        return
    name = _in_place(now)
    for word in SWITCHES:
        was_on = getattr(was.port, word)
        is_on = getattr(now.port, word)
        if was_on != is_on:
            yield f"{word} is now {switch(is_on)} at {name}"
    if earlier is None or later is None or _is_switched(was, now, earlier, later):
        return
    if was.port.state != now.port.state:
        has_tree = earlier.stp or later.stp
        by = ", which its spanning tree decided" if has_tree else ""
        yield f"the port {name} is now {now.port.state}, was {was.port.state}{by}"


def _is_switched(was: Link, now: Link, earlier: Link, later: Link) -> bool:
    """Whether port or bridge was switched on or off, or the signal came or went: the port's state goes with it."""
    states_before = (was.up, was.carrier, earlier.up)
    states_after = (now.up, now.carrier, later.up)
    return states_before != states_after


# ---- addresses and routes ---------------------------------------------------------------------------------


def _addresses(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = by_key(before.rows.addresses, _address_key)
    new = by_key(after.rows.addresses, _address_key)
    for address in only_in(new, old):
        if _born_with(address.namespace, address.dev, before):
            continue
        # each device has one, of which the kernel makes the host part: RFC 4291, Appendix A
        is_link_local = address.address.startswith("fe80:")
        made = ", which IPv6 made of its MAC address" if is_link_local else ""
        yield _address(APPEARED, address, f"has the address {address.address}{made}")
    for address in only_in(old, new):
        yield _address(VANISHED, address, f"has lost the address {address.address}")


def _address_key(address: Address) -> tuple[str, str, str]:
    return address.namespace, address.dev, address.address


def _address(sign: str, address: Address, predicate: str) -> Change:
    return Change(
        sign=sign,
        what="address",
        namespace=address.namespace,
        name=address.dev,
        sentence=f"{address.dev} in {address.namespace} {predicate}",
    )


def _born_with(namespace: str, device: str | None, before: Snapshot) -> bool:
    """Whether a fact about lo came with its namespace, which is a change already told."""
    if device != "lo":
        return False
    return namespace not in names(before)


def _routes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = by_key(_of_every_table(before), _route_key)
    new = by_key(_of_every_table(after), _route_key)
    for hops in only_in(new, old):
        route = hops[0]
        if _born_with(route.namespace, route.dev, before):
            continue
        by = ", which the kernel added by itself" if route.proto == "kernel" else ""
        yield _route(APPEARED, route, f"has the route {_in_full(hops)}{by}")
    for hops in only_in(old, new):
        yield _route(VANISHED, hops[0], f"has lost the route {_in_full(hops)}")


def _of_every_table(snapshot: Snapshot) -> Iterable[Hops]:
    """All routes, each with its next hops."""
    rows = snapshot.rows
    several: dict[tuple[object, ...], list[Route]] = {}
    for number, route in enumerate(rows.routes + rows.policy_routes):
        key = (number,) if route.is_whole else _destination(route)
        several.setdefault(key, []).append(route)
    return map(tuple, several.values())


def _destination(route: Route) -> tuple[object, ...]:
    return route.namespace, route.family, route.table, route.kind, route.to, route.metric


def _route_key(hops: Hops) -> tuple[object, ...]:
    ways = [(hop.via, hop.dev, hop.onlink, hop.weight) for hop in hops]
    return (*_destination(hops[0]), *ways)


def _route(sign: str, route: Route, predicate: str) -> Change:
    return Change(
        sign=sign,
        what="route",
        namespace=route.namespace,
        name=route.dev or "",
        sentence=f"{route.namespace} {predicate}",
    )


def _in_full(hops: Hops) -> str:
    route = hops[0]
    words = route.in_full(hops)
    if route.onlink:
        words += " onlink"
    if route.table != "main":
        words += f" in the table {route.table}"
    return words


# ---- what is learned --------------------------------------------------------------------------------------


def _neighbours(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = by_key(before.rows.neighbours, _neighbour_key)
    new = by_key(after.rows.neighbours, _neighbour_key)
    for key, neighbour in new.items():
        was = old.get(key)
        if was is None:
            yield _neighbour(APPEARED, neighbour, _acquainted(neighbour))
        elif _is_another(was, neighbour):
            yield _neighbour(CHANGED, neighbour, _acquainted(neighbour))
    for neighbour in only_in(old, new):
        yield _neighbour(VANISHED, neighbour, f"{neighbour.namespace} has forgotten who {neighbour.ip} is")


def _is_another(was: Neighbour, now: Neighbour) -> bool:
    """Whether more has changed than what a timer changes."""
    if was.mac != now.mac:
        return True
    return _acquaintance(was) != _acquaintance(now)


def _neighbour_key(neighbour: Neighbour) -> tuple[str, str | None, str]:
    return neighbour.namespace, neighbour.dev, neighbour.ip


def _neighbour(sign: str, neighbour: Neighbour, sentence: str) -> Change:
    return Change(
        sign=sign,
        what="neighbour",
        namespace=neighbour.namespace,
        name=neighbour.dev or "",
        sentence=sentence,
    )


def _acquaintance(neighbour: Neighbour) -> str | None:
    """A state that does not change by waiting."""
    if neighbour.state in KNOWN:
        return "known"
    if neighbour.state in UNANSWERED:
        return "unanswered"
    return neighbour.state


def _acquainted(neighbour: Neighbour) -> str:
    """What a namespace knows of a neighbour, and from whom."""
    here = neighbour.namespace
    ip = neighbour.ip
    mac = neighbour.mac
    if neighbour.state in UNANSWERED:
        return f"{here} asked on {neighbour.dev} who has {ip}, and has no answer"
    if neighbour.state in KNOWN:
        return f"{here} learned that {ip} is at {mac}"
    state = (neighbour.state or "").lower()
    return f"{here} was told that {ip} is at {mac} ({state})"


def _entries(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = _given_or_learned(before)
    new = _given_or_learned(after)
    for entry in only_in(new, old):
        yield _entry(APPEARED, entry, _behind(entry))
    for entry in only_in(old, new):
        who = entry.master or entry.dev
        yield _entry(VANISHED, entry, f"{who} has forgotten where {entry.mac} is")


def _given_or_learned(snapshot: Snapshot) -> dict[tuple[object, ...], Entry]:
    rows = snapshot.rows
    own = {(link.namespace, link.mac) for link in rows.links}
    entries = [entry for entry in rows.fdb if _is_about_others(entry, own)]
    return by_key(entries, _entry_key)


def _is_about_others(entry: Entry, own: Collection[tuple[str, str | None]]) -> bool:
    """Whether an entry was learned or given, and is not just a device's own or a multicast address."""
    if is_group(entry.mac):
        return False
    if entry.dst is not None:
        return True
    # A bridge also keeps the MAC address of each of its ports, as permanent: br_fdb_add_local(), net/bridge/br_fdb.c
    is_own = entry.state == "permanent" and (entry.namespace, entry.mac) in own
    return entry.master is not None and not is_own


def _entry_key(entry: Entry) -> tuple[object, ...]:
    place = (entry.namespace, entry.dev, entry.master)
    behind = (entry.mac, entry.dst)
    return (*place, *behind, _given_as(entry))


def _given_as(entry: Entry) -> str | None:
    """How somebody gave it; None for what was learned, also when it is stale meanwhile: fdb_to_nud() in br_fdb.c."""
    if entry.state in ("permanent", "static"):
        return entry.state
    return None


def _entry(sign: str, entry: Entry, sentence: str) -> Change:
    return Change(
        sign=sign,
        what="fdb",
        namespace=entry.namespace,
        name=entry.dev or "",
        sentence=sentence,
    )


def _behind(entry: Entry) -> str:
    if entry.dst:
        return f"{entry.dev} was told that {entry.mac} is behind the node {entry.dst}"
    if entry.state == "permanent":
        return f"{entry.master} was told that {entry.mac} is one of its own"
    verb = "was told" if _given_as(entry) else "learned"
    return f"{entry.master} {verb} that {entry.mac} is behind {entry.dev}"


FINDERS: tuple[Finder, ...] = (
    _namespaces,
    _links,
    _addresses,
    _routes,
    policies.rules,
    _neighbours,
    _entries,
    policies.settings,
    policies.chains,
    policies.filters,
)
