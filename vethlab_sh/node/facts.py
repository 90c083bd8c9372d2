"""What do the outputs that were pasted say of the kernel? The facts of a snapshot, as far as the text shows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..facts import CABLES, Address, Device, Entry, Link, Namespace, Neighbour, Route
from ..language import enumerated, tr
from ..parsers.devices import veth_pairs
from ..parsers.words import PREFIX, is_ip
from ..snapshot import Facts, Snapshot
from ..tables import Row
from . import cni, machines, pairs, rows
from .daemons import TELLING
from .making import Made, Moved, effect
from .mending import is_hidden
from .outputs import Output, Record
from .pasted import Typed
from .places import Place

WELL_KNOWN_KINDS = (
    (re.compile(r"lo"), "loopback"),
    (cni.FLANNEL_VXLAN, "vxlan"),
    (cni.CALICO_VXLAN, "vxlan"),
    (cni.CALICO_END, "veth"),
    (re.compile(r"veth[0-9a-f]{6,}|vethwepl\w+|eni[0-9a-f]{11}|azv[0-9a-f]{8,}|lxc[0-9a-f]{8,}"), "veth"),
    (re.compile(r"cni0|docker0|br\d+|br-[0-9a-f]{12}"), "bridge"),
    (re.compile(r"ovs-system"), "openvswitch"),
)
CHANGING = {  # words of a command that may change a device
    "add", "del", "delete", "set", "flush", "replace", "change", "up", "down", "restart", "start", "stop", "apply",
    "create", "run", "addif", "delif", "addbr", "delbr", "dhclient", "ifup", "ifdown", "reboot", "modprobe",
}  # fmt: skip
NO_BRIDGE = re.compile(r"(bond|team|vrf)\w*|ovs-system")  # what else may be a master
OF_THE_KERNEL = (None, "system")  # the type of a port of Open vSwitch that is a device: ovs-vswitchd.conf.db(5)
ENTERED = ("pod", "namespace")
Key = tuple[object, ...]  # what tells one route, neighbour or entry from another
NOT_FORWARDING = ("local", "broadcast", "multicast", "anycast")  # what the kernel delivers to itself, or to all


@dataclass(frozen=True)
class Pod:
    """A pod as kubectl lists it: its name, address and node, and the line."""

    name: str
    ip: str | None
    node: str | None
    line: int


@dataclass(frozen=True)
class Reading:
    """What a text says in the end: a snapshot, and notes about what it leaves open."""

    snapshot: Snapshot
    notes: list[str]


class Evidence:
    """What the outputs say, taken one after the other; the last word on each thing counts."""

    def __init__(self) -> None:
        self.spaces: dict[str, int] = {}  # the places that anything was said of, and the line of the first word
        self.mentions: dict[str, set[str]] = {}  # the places where a device is spoken of, but not listed, by its name
        self._links: dict[Device, Link] = {}
        self._alike: dict[Key, set[Device]] = {}  # those links, by name, MAC address and number
        self._names_at: dict[str, dict[str, None]] = {}  # their names, by place, in the order of the text
        self._addresses: dict[Device, list[Address]] = {}
        self._routes: dict[Key, Route] = {}
        self._neighbours: dict[Key, Neighbour] = {}
        self._fdb: dict[Key, Entry] = {}
        self._bridges: set[Device] = set()
        self._switches: dict[Device, str] = {}  # of Open vSwitch, by their ports
        self.pods: dict[str, Pod] = {}  # those that kubectl lists, by name
        self._behind: dict[Device, int] = {}  # the number of the device behind each, from /sys/class/net/…/iflink
        self._made: list[Made] = []
        self.changed = 0  # the line of the last command that may have changed a device
        self._contradictions: dict[str, None] = {}  # what a text says of one device that cannot both be so, in words
        self._moved: dict[Device, Device] = {}

    # ---- taking in ------------------------------------------------------------------------------------------

    def add(self, output: Output) -> None:
        """Take the rows of one output."""
        take = {
            "ip addr": self._device,
            "ip link": self._device,
            "bridge link": self._device,
            "ifconfig": self._device,
            "ip route": self._route,
            "ip neigh": self._neighbour,
            "arp": self._neighbour,
            "bridge fdb": self._entry,
            "brctl show": self._port,
            "route": self._older_route,
            "ethtool": self._counter,
            "iflink": self._number,
            "kubectl get pods": self._pod,
            "ovs-vsctl show": self._interface,
        }.get(output.name)
        if take is None:
            if output.name in TELLING:  # it says nothing of devices, and something of the machine
                self.spaces.setdefault(output.at, output.line)
            return
        if output.name != "kubectl get pods":  # typed anywhere, it says nothing of where it was typed
            self.spaces.setdefault(output.at, output.line)
        kept = self._contradicted(output)
        self._replaced_by(output, kept)
        for record in output.records:
            take(output.at, record)

    def command(self, typed: Typed) -> None:
        """Take a line that makes a pair, or moves a device, or may change what was listed."""
        if not typed.tables and not CHANGING.isdisjoint(typed.line.split()):
            self.changed = typed.number
        done = effect(typed)
        if isinstance(done, Made):
            self._made.append(done)
        if isinstance(done, Moved):
            self._moved[done.device] = done.to
            self._forget(done.device)

    def is_far_end(self, at: str, row: Row) -> bool:
        """Whether a row of `ip addr` is the other end of a device of this place: each names the other's number."""
        number = row.get("index")
        peer = rows.number(row.get("peer"))
        if peer is None:
            return False
        for name in self._names_at.get(at, ()):
            link = self._links[at, name]
            if link.index == peer and link.peer_index == number:
                return True
        return False

    def _contradicted(self, output: Output) -> set[str]:
        """The devices of which a new listing says what an older one forbids: both are kept, and it is noted.

        Where a command between the two may have changed something, the newer one simply counts.
        """
        names = set()
        listed: dict[str, set[str]] = {}
        for record in output.records:
            row = record.row
            before = self._unchanged(output.at, str(row.get("name")))
            if before is None:
                continue
            if self._is_another(before, record):
                names.add(before.name)
            if row.get("family") == "inet":
                listed.setdefault(before.name, set()).add(row["address"])
        for name, addresses in listed.items():
            for address in self._addresses.get((output.at, name), ()):
                if address.family == "inet" and address.address not in addresses:
                    names.add(name)
                    before = self._links[output.at, name]
                    others = enumerated(sorted(addresses))
                    self._contradicts(before, address.address, others, output.line)
        return names

    def _unchanged(self, at: str, name: str) -> Link | None:
        """A device as it was listed before, where no command has come since that may have changed it."""
        before = self._links.get((at, name))
        if name == "lo" or before is None or before.line is None:
            return None
        if before.line < self.changed:
            return None
        return before

    def _is_another(self, before: Link, record: Record) -> bool:
        """Whether a row has another number or MAC address than its device had, which is noted."""
        row = record.row
        number = row.get("index")
        mac = rows.mac(row.get("mac"))
        has_another_number = number is not None and before.index not in (None, number)
        has_another_mac = mac is not None and before.mac not in (None, mac)
        if has_another_number:
            self._contradicts(before, tr("the number {number}", number=before.index), str(number), record.line)
        if has_another_mac:
            self._contradicts(before, tr("the MAC address {mac}", mac=before.mac), str(mac), record.line)
        return has_another_number or has_another_mac

    def _contradicts(self, link: Link, old: str, new: str, line: int) -> None:
        words = tr(
            "{namespace} {name} has {old} in line {old_line}, and {new} in line {line}: either it was changed between "
            "the two, or they are of two machines.",
            namespace=link.namespace,
            name=link.name,
            old=old,
            old_line=link.line,
            new=new,
            line=line,
        )
        self._contradictions[words] = None

    def _replaced_by(self, output: Output, kept: Collection[str]) -> None:
        """Forget what a new listing of the same place no longer has; not the addresses of kept devices."""
        names = dict.fromkeys(row.get("name") for row in output.rows)
        if output.whole:
            for before in list(self._names_at.get(output.at, ())):
                if before not in names:
                    self._forget((output.at, before))
        if output.name in ("ip addr", "ifconfig"):  # the others list no addresses
            for name in names:
                if name not in kept:
                    self._addresses[output.at, str(name)] = []

    def _forget(self, device: Device) -> None:
        link = self._links.pop(device, None)
        if link:
            self._alike[link.name, link.mac, link.index].discard(device)
            self._names_at[link.namespace].pop(link.name)
        self._addresses.pop(device, None)

    def _keep(self, link: Link) -> None:
        before = self._links.get(link.device)
        if before:
            self._alike[before.name, before.mac, before.index].discard(before.device)
        self._links[link.device] = link
        alike = self._alike.setdefault((link.name, link.mac, link.index), set())
        alike.add(link.device)
        names = self._names_at.setdefault(link.namespace, {})
        names[link.name] = None

    def _link(self, at: str, name: str, line: int) -> Link:
        """What is known of a device so far; nothing but its name when it is new."""
        device = (at, name)
        if device not in self._links:
            new = Link(namespace=at, name=name, line=line)
            self._keep(new)
        return self._links[device]

    def _spoken_of(self, at: str, name: str, line: int) -> Link:
        """The same of a device that is not listed, but that an entry or a route names."""
        places = self.mentions.setdefault(name, set())
        places.add(at)
        return self._link(at, name, line)

    def _device(self, at: str, record: Record) -> None:
        """A row of `ip addr`, `ip link`, `bridge link` or `ifconfig`."""
        row = record.row
        self._forget_elsewhere(at, row)
        before = self._link(at, row["name"], record.line)
        link = rows.listed(before, record)
        self._keep(link)
        if link.master:
            self._spoken_of(at, link.master, record.line)
            if not NO_BRIDGE.fullmatch(link.master):
                self._bridges.add((at, link.master))
        if row.get("address") and not is_hidden(row["address"]):
            address = rows.address(at, record)
            self._addresses.setdefault(link.device, []).append(address)

    def _forget_elsewhere(self, at: str, row: Row) -> None:
        """The same device, shown at another place before, has moved."""
        name = row["name"]
        mac = row.get("mac")
        index = row.get("index")
        if name == "lo" or mac is None or index is None:
            return
        alike = self._alike.get((name, mac, index), set())
        for device in list(alike):
            place, _ = device
            if place != at:
                self._forget(device)

    def _port(self, at: str, record: Record) -> None:
        """A row of `brctl show`."""
        bridge = record.row["bridge"]
        port = record.row["interface"]
        self._spoken_of(at, bridge, record.line)
        self._bridges.add((at, bridge))
        if port:
            link = self._spoken_of(at, port, record.line)
            self._keep(replace(link, master=bridge))

    def _interface(self, at: str, record: Record) -> None:
        """A row of `ovs-vsctl show`: a port of a switch, which is a device, unless it has a type of its own."""
        row = record.row
        name = row["interface"]
        if name is None or name == row["bridge"]:
            return
        if row["type"] in OF_THE_KERNEL and not row["error"]:
            self._spoken_of(at, name, record.line)
        if row["type"] in (*OF_THE_KERNEL, "internal"):
            self._switches[at, name] = row["bridge"]

    def _route(self, at: str, record: Record) -> None:
        row = record.row
        if row["kind"] in NOT_FORWARDING or row["table"] not in (None, "main"):
            return
        if any(is_hidden(row[column]) for column in ("to", "via", "src")):
            if row["dev"]:
                self._spoken_of(at, row["dev"], record.line)
            return
        route = rows.route(at, record)
        self._routes[at, route.to, route.via, route.dev, route.metric, route.family] = route
        if route.dev:
            self._spoken_of(at, route.dev, record.line)

    def _older_route(self, at: str, record: Record) -> None:
        """A row of `route -n` or `netstat -rn`; where it prints names and no addresses, only its device counts."""
        row = record.row
        if row["dev"]:
            self._spoken_of(at, row["dev"], record.line)
        is_known = row["to"] == "default" or is_ip(row["to"], PREFIX)
        if not is_known or (row["via"] and not is_ip(row["via"])):
            return
        route = rows.older_route(at, record)
        self._routes[at, route.to, route.via, route.dev, route.metric, route.family] = route

    def _counter(self, at: str, record: Record) -> None:
        """A row of `ethtool -S`: a veth tells the number of its other end there, and only a veth does."""
        row = record.row
        if row["counter"] == "peer_ifindex" and row["dev"]:
            link = self._spoken_of(at, row["dev"], record.line)
            self._keep(replace(link, kind="veth", peer_index=row["value"]))

    def _number(self, at: str, record: Record) -> None:
        """A number in /sys/class/net: a device's own, or that of the device behind it."""
        row = record.row
        if not row["name"]:
            return
        link = self._spoken_of(at, row["name"], record.line)
        if row["file"] == "ifindex":
            self._keep(replace(link, index=row["number"]))
        else:
            self._behind[link.device] = row["number"]

    def _pod(self, at: str, record: Record) -> None:
        """A row of `kubectl get pods -o wide`: a pod's address and node."""
        row = record.row
        name = row["pod"]
        self.pods[name] = Pod(name, row["ip"], row["node"], record.line)

    def _neighbour(self, at: str, record: Record) -> None:
        """A row of `ip neigh` or `arp`."""
        row = record.row
        if row.get("proxy") or not row["ip"] or is_hidden(row["ip"]):
            return
        dev: str | None = row["dev"]
        neighbour = Neighbour(
            namespace=at,
            dev=dev,
            ip=row["ip"],
            mac=rows.mac(row["mac"]),
            state=row.get("state"),
            line=record.line,
        )
        self._neighbours[at, dev, neighbour.ip] = neighbour
        if dev:
            self._spoken_of(at, dev, record.line)

    def _entry(self, at: str, record: Record) -> None:
        """A row of `bridge fdb`."""
        if is_hidden(record.row["mac"]):
            return
        entry = rows.entry(at, record)
        self._fdb[at, entry.mac, entry.dev, entry.dst, entry.vlan] = entry
        bridge = entry.master
        if entry.dev:
            link = self._spoken_of(at, entry.dev, record.line)
            if bridge and bridge != entry.dev:  # a bridge's own entries name it twice
                self._keep(replace(link, master=bridge))
        if bridge:
            self._spoken_of(at, bridge, record.line)
            self._bridges.add((at, bridge))

    # ---- what it comes to -----------------------------------------------------------------------------------

    def reading(self, places: Mapping[str, Place]) -> Reading:
        """All that is known as a snapshot, ends joined; places: those of the text, by name."""
        facts = self._facts(places)
        joined, notes = pairs.pair(facts, self._pairs_now())
        links = []
        for link in joined:
            if link.kind in CABLES and link.peer is None:
                links.append(replace(link, unseen=True))
            else:
                links.append(link)
        wires = veth_pairs(links)
        facts = replace(facts, links=tuple(links), wires=tuple(wires))
        spaces = machines.placed(facts)
        notes = [*self._contradictions, *notes, *self._behind_which_pod(facts.routes)]
        snapshot = Snapshot(replace(facts, namespaces=spaces))
        return Reading(snapshot, notes)

    def _behind_which_pod(self, routes: Iterable[Route]) -> Iterator[str]:
        """Which pod is behind a device, where kubectl lists the address that is routed there."""
        by_ip = {pod.ip: pod for pod in self.pods.values() if pod.ip}
        for route in routes:
            pod = by_ip.get(route.to.removesuffix("/32"))
            if not pod or not route.dev or route.via:
                continue
            first, second = sorted((pod.line, route.line or pod.line))
            yield tr(
                "{namespace} {dev} leads to the pod {pod}, which has {ip} (lines {first} and {second}).",
                namespace=route.namespace,
                dev=route.dev,
                pod=pod.name,
                ip=pod.ip,
                first=first,
                second=second,
            )

    def _facts(self, places: Mapping[str, Place]) -> Facts:
        """All that was said, each end alone."""
        links = []
        for link in self._links.values():
            link = self._with_behind(link, places)
            switch = self._switches.get(link.device)
            links.append(replace(link, kind=self._kind(link), switch=switch))
        addresses: list[Address] = []
        for own in self._addresses.values():
            addresses += own
        return Facts(
            namespaces=tuple(self._namespaces(places)),
            links=tuple(links),
            addresses=tuple(addresses),
            routes=tuple(self._routes.values()),
            neighbours=tuple(self._neighbours.values()),
            fdb=tuple(self._fdb.values()),
        )

    def _with_behind(self, link: Link, places: Mapping[str, Place]) -> Link:
        """The link with the number of its other end, where iflink told one: a card's is its own number."""
        number = self._behind.get(link.device)
        if number is None or link.peer_index is not None or number == link.index:
            return link
        place = places.get(link.namespace)
        is_inside = place is not None and place.kind in ENTERED
        if link.index is None and not is_inside:  # it may be the device's own
            return link
        return replace(link, peer_index=number)

    def _namespaces(self, places: Mapping[str, Place]) -> list[Namespace]:
        """A fact a place, and one a machine that is only named as what others are on."""
        spaces = []
        for name in self.spaces:
            place = places.get(name)
            pod = self.pods.get(name)
            if pod and pod.node and place and place.kind == "pod" and place.on is None:
                place = replace(place, on=pod.node)
            spaces.append(_namespace(name, place))
        hosts = {space.on for space in spaces if space.on}
        for name in sorted(hosts - self.spaces.keys()):
            host = Place(name, "machine")
            spaces.append(_namespace(name, host))
        return spaces

    def _pairs_now(self) -> list[Made]:
        """The pairs that were made, each end where it is after the moves that were typed."""
        now = []
        for pair in self._made:
            one = self._moved.get(pair.one, pair.one)
            two = self._moved.get(pair.two, pair.two)
            now.append(Made(one, two, pair.line))
        return now

    def _kind(self, link: Link) -> str | None:
        """What a device is: as the text says, by what stands in it, or by a name that only one kind has."""
        if link.kind:
            return link.kind
        if link.device in self._bridges:
            return "bridge"
        for pattern, kind in WELL_KNOWN_KINDS:
            if pattern.fullmatch(link.name):
                return kind
        if link.peer_index is not None:
            return "veth"
        return None


def _namespace(name: str, place: Place | None) -> Namespace:
    if place is None:
        return Namespace(namespace=name)
    kind = place.kind or None
    if kind == "namespace":
        kind = "pod"
    return Namespace(namespace=name, on=place.on, kind=kind)
