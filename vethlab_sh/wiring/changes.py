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
from ..language import Spoken, in_its_language, marked, tr
from ..markup import AsText, table
from ..sandbox import HOSTNAME
from ..snapshot import Row, Snapshot
from . import policies
from .alterations import alterations
from .change import APPEARED, CHANGED, VANISHED, Change, Finder, by_key, names, only_in, switch

if TYPE_CHECKING:
    from pandas import DataFrame

Hops = tuple[Route, ...]  # one route: itself, or its next hops
NOTHING = marked(
    "nothing changed (in devices, bridge ports, addresses, routes, policy rules, neighbours, FDB, settings and packet"
    " filters)"
)
COLUMNS = ("sign", "what", "namespace", "name", "change")
LEARNED = ("neighbour", "fdb")  # what the kernel learns and forgets by itself
# The states between which a neighbour wanders by timers alone: it is known in all of them.
KNOWN = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE"})


@dataclass(frozen=True, repr=False)
class Difference(AsText, Spoken):
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

    @in_its_language
    def words(self) -> str:
        """A line a change."""
        lines = [f"{change.sign} {change.sentence}" for change in self.changes]
        return "\n".join(lines) or tr(NOTHING)

    @in_its_language
    def _repr_html_(self) -> str:
        if not self.changes:
            return f"<p>{tr(NOTHING)}</p>"
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
        yield _namespace(APPEARED, name, tr("the namespace {name} appeared", name=name))
    for name in sorted(gone):
        yield _namespace(VANISHED, name, tr("the namespace {name} vanished", name=name))
    yield from _second_names(before, after)


def _namespace(sign: str, name: str, sentence: str) -> Change:
    return Change(
        sign=sign,
        what="namespace",
        namespace=name,
        name="",
        sentence=sentence,
    )


def _second_names(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """The further names that namespaces got or lost."""
    earlier = {space.namespace: space.names for space in before.rows.namespaces}
    for space in after.rows.namespaces:
        here = space.namespace
        old = set(earlier.get(here, ()))
        new = set(space.names)
        for name in sorted(new - old):
            sentence = tr("the namespace {here} is also called {name} now", here=here, name=name)
            yield _namespace(CHANGED, here, sentence)
        for name in sorted(old - new):
            sentence = tr("the namespace {here} is not called {name} any more", here=here, name=name)
            yield _namespace(CHANGED, here, sentence)


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
            yield _link(
                VANISHED, link, tr("{link} vanished from {namespace}", link=link.name, namespace=link.namespace)
            )
    for link in sorted(come, key=_place):
        if link.device not in joined:
            yield _link(
                APPEARED,
                link,
                tr(
                    "{link} ({kind}) appeared in {namespace}{made_on}",
                    link=link.name,
                    kind=link.kind,
                    namespace=link.namespace,
                    made_on=_made_on(link),
                ),
            )
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
        return tr(", made on {parent}", parent=link.parent)
    return tr(", made on {parent} in {parent_namespace}", parent=link.parent, parent_namespace=link.parent_namespace)


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
        sentence = tr("{was} is now called {now}", was=was.name, now=now.name)
    elif was.name == now.name:
        sentence = tr(
            "{was} left {home} and appeared in {there}",
            was=was.name,
            home=was.namespace,
            there=now.namespace,
        )
    else:
        sentence = tr(
            "{was} left {home} and appeared in {there} as {now}",
            was=was.name,
            home=was.namespace,
            there=now.namespace,
            now=now.name,
        )
    return _link(CHANGED, now, sentence)


def _alterations(was: Link, now: Link) -> Iterator[str]:
    """What is different about a device that is still there, a sentence each."""
    name = _in_place(now)
    yield from _switchings(name, was, now)
    if was.mtu != now.mtu:
        yield tr("the MTU of {name} is now {mtu} bytes, was {old_mtu}", name=name, mtu=now.mtu, old_mtu=was.mtu)
    if was.mac != now.mac:
        yield tr("the MAC address of {name} is now {mac}, was {old_mac}", name=name, mac=now.mac, old_mac=was.mac)
    if bool(was.hairpin) != bool(now.hairpin):  # what is no port has no hairpin at all
        yield tr("hairpin is now {switch} at {name}", switch=switch(now.hairpin), name=name)
    yield from _tunnel_alterations(name, was, now)
    yield from alterations(name, was, now)
    if _differs(was.arp, now.arp):
        yield tr("ARP is now on at {name}", name=name) if now.arp else tr("ARP is now off at {name} (NOARP)", name=name)
    if was.mode != now.mode and was.mode and now.mode:
        yield tr("the mode of {name} is now {mode}, was {old_mode}", name=name, mode=now.mode, old_mode=was.mode)
    yield from _bridge_alterations(name, was, now)


def _switchings(name: str, was: Link, now: Link) -> Iterator[str]:
    """Whether it is on, hears its other end, and is plugged in."""
    if was.up != now.up:
        yield tr("{name} was switched on", name=name) if now.up else tr("{name} was switched off", name=name)
    if was.carrier != now.carrier:
        yield tr("{name} has a signal now", name=name) if now.carrier else tr("{name} has lost its signal", name=name)
    if was.state != now.state:
        yield tr("the state of {name} is now {state}, was {old_state}", name=name, state=now.state, old_state=was.state)
    # a port of a bridge, of which the kernel knows, or of Open vSwitch, of which that program does
    for before, after in ((was.master, now.master), (was.switch, now.switch)):
        if before == after:
            continue
        if after:
            yield tr("{name} is now a port of {after}", name=name, after=after)
        else:
            yield tr("{name} is no port of {before} any more", name=name, before=before)


def _tunnel_alterations(name: str, was: Link, now: Link) -> Iterator[str]:
    if was.vxlan_port != now.vxlan_port:
        yield tr(
            "{name} now sends to UDP port {vxlan_port}, was {old_vxlan_port}",
            name=name,
            vxlan_port=now.vxlan_port,
            old_vxlan_port=was.vxlan_port,
        )
    if was.vxlan_id != now.vxlan_id:
        yield tr(
            "the VNI of {name} is now {vxlan_id}, was {old_vxlan_id}",
            name=name,
            vxlan_id=now.vxlan_id,
            old_vxlan_id=was.vxlan_id,
        )
    if was.vxlan_local != now.vxlan_local:
        yield tr(
            "{name} now sends from {vxlan_local}, was {old_vxlan_local}",
            name=name,
            vxlan_local=now.vxlan_local,
            old_vxlan_local=was.vxlan_local,
        )
    if was.vxlan_learning != now.vxlan_learning:
        yield tr("learning is now {switch} at {name}", switch=switch(now.vxlan_learning), name=name)


def _in_place(link: Link) -> str:
    if link.namespace == HOSTNAME:
        return link.name
    return tr("{name} in {namespace}", name=link.name, namespace=link.namespace)


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
        yield tr("STP is now {switch} at {name}", switch=switch(now.stp), name=name)
    if _differs(was.forward_delay, now.forward_delay):
        yield tr(
            "the forward delay of {name} is now {forward_delay:g} s, was {old_forward_delay:g} s",
            name=name,
            forward_delay=now.forward_delay,
            old_forward_delay=was.forward_delay,
        )
    if _differs(was.vlan_filtering, now.vlan_filtering):
        yield tr("VLAN filtering is now {switch} at {name}", switch=switch(now.vlan_filtering), name=name)


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
            yield tr("{word} is now {switch} at {name}", word=word, switch=switch(is_on), name=name)
    if earlier is None or later is None or _is_switched(was, now, earlier, later):
        return
    if was.port.state != now.port.state:
        if earlier.stp or later.stp:
            yield tr(
                "the port {name} is now {state}, was {old_state}, which its spanning tree decided",
                name=name,
                state=now.port.state,
                old_state=was.port.state,
            )
        else:
            yield tr(
                "the port {name} is now {state}, was {old_state}",
                name=name,
                state=now.port.state,
                old_state=was.port.state,
            )


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
        yield _address(APPEARED, address)
    for address in only_in(old, new):
        yield _address(VANISHED, address)


def _address_key(address: Address) -> tuple[str, str, str]:
    return address.namespace, address.dev, address.address


def _address(sign: str, address: Address) -> Change:
    if sign == VANISHED:
        sentence = tr(
            "{dev} in {namespace} has lost the address {address}",
            dev=address.dev,
            namespace=address.namespace,
            address=address.address,
        )
    elif address.address.startswith("fe80:"):
        # each device has one, of which the kernel makes the host part: RFC 4291, Appendix A
        sentence = tr(
            "{dev} in {namespace} has the address {address}, which IPv6 made of its MAC address",
            dev=address.dev,
            namespace=address.namespace,
            address=address.address,
        )
    else:
        sentence = tr(
            "{dev} in {namespace} has the address {address}",
            dev=address.dev,
            namespace=address.namespace,
            address=address.address,
        )
    return Change(
        sign=sign,
        what="address",
        namespace=address.namespace,
        name=address.dev,
        sentence=sentence,
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
        yield _route(APPEARED, hops)
    for hops in only_in(old, new):
        yield _route(VANISHED, hops)


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


def _route(sign: str, hops: Hops) -> Change:
    route = hops[0]
    in_full = _in_full(hops)
    if sign == VANISHED:
        sentence = tr("{namespace} has lost the route {in_full}", namespace=route.namespace, in_full=in_full)
    elif route.proto == "kernel":
        sentence = tr(
            "{namespace} has the route {in_full}, which the kernel added by itself",
            namespace=route.namespace,
            in_full=in_full,
        )
    else:
        sentence = tr("{namespace} has the route {in_full}", namespace=route.namespace, in_full=in_full)
    return Change(
        sign=sign,
        what="route",
        namespace=route.namespace,
        name=route.dev or "",
        sentence=sentence,
    )


def _in_full(hops: Hops) -> str:
    route = hops[0]
    words = route.in_full(hops)
    if route.onlink:
        words += " onlink"
    if route.table != "main":
        return tr("{route} in the table {table}", route=words, table=route.table)
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
        yield _neighbour(
            VANISHED,
            neighbour,
            tr("{namespace} has forgotten who {ip} is", namespace=neighbour.namespace, ip=neighbour.ip),
        )


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
        return tr("{here} asked on {dev} who has {ip}, and has no answer", here=here, dev=neighbour.dev, ip=ip)
    if neighbour.state in KNOWN:
        return tr("{here} learned that {ip} is at {mac}", here=here, ip=ip, mac=mac)
    state = (neighbour.state or "").lower()
    return tr("{here} was told that {ip} is at {mac} ({state})", here=here, ip=ip, mac=mac, state=state)


def _entries(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old = _given_or_learned(before)
    new = _given_or_learned(after)
    for entry in only_in(new, old):
        yield _entry(APPEARED, entry, _behind(entry))
    for entry in only_in(old, new):
        who = entry.master or entry.dev
        yield _entry(VANISHED, entry, tr("{who} has forgotten where {mac} is", who=who, mac=entry.mac))


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
        return tr("{dev} was told that {mac} is behind the node {dst}", dev=entry.dev, mac=entry.mac, dst=entry.dst)
    if entry.state == "permanent":
        return tr("{master} was told that {mac} is one of its own", master=entry.master, mac=entry.mac)
    if _given_as(entry):
        return tr("{master} was told that {mac} is behind {dev}", master=entry.master, mac=entry.mac, dev=entry.dev)
    return tr("{master} learned that {mac} is behind {dev}", master=entry.master, mac=entry.mac, dev=entry.dev)


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
