"""Which lines make the devices of a lab again? `ip link add` with all that it takes, then what is set later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..errors import CannotSave
from ..facts import CABLES, Link, PortVlan
from ..facts import Device as Place
from ..inside import quoted
from ..language import tr
from ..sandbox import HOSTNAME
from .contents import PORT, Contents, Device, differing, inborn
from .kinds import KINDS, ON_A_DEVICE, UNTOLD

Spaces = Mapping[str, Contents]  # by the name of the namespace


@dataclass(frozen=True)
class Stack:
    """What each device is made with and on, by its place: namespace and name.

    peers: the other end of a pair, None where it is not known; lowers: the device below it; homes: the namespace in
    which it was made, where that is another.
    """

    peers: Mapping[Place, Place | None]
    lowers: Mapping[Place, Place]
    homes: Mapping[Place, str]

    @classmethod
    def of(cls, links: Iterable[Link]) -> Stack:
        """The stack of a lab's devices."""
        peers: dict[Place, Place | None] = {}
        lowers: dict[Place, Place] = {}
        homes: dict[Place, str] = {}
        for link in links:
            peers[link.device] = link.peer_device
            lower = link.parent_device
            if link.wrapping and link.wrapping.dev and link.wrapping.namespace:
                lower = (link.wrapping.namespace, link.wrapping.dev)
            if lower is not None:
                lowers[link.device] = lower
            home = link.wrapping.namespace if link.wrapping else link.parent_namespace
            if home is not None and home != link.namespace:
                homes[link.device] = home
        return cls(peers, lowers, homes)

    def below(self, place: Place) -> Iterator[Place]:
        """All that a device stands on, the next one first."""
        lower = self.lowers.get(place)
        while lower is not None:
            yield lower
            lower = self.lowers.get(lower)

    def macs_on(self, namespace: str, spaces: Spaces) -> dict[str, set[str]]:
        """By device of a namespace the MAC addresses of those that are made on it, wherever they are."""
        macs: dict[str, set[str]] = {}
        for (there, name), (below, lower) in self.lowers.items():
            if below == namespace:
                macs.setdefault(lower, set()).add(spaces[there].devices[name].mac)
        return macs


PORT_OPTIONS = (
    "priority", "cost", "hairpin", "guard", "root_block", "fastleave", "learning", "flood", "proxy_arp", "mcast_flood",
    "bcast_flood", "mcast_to_unicast", "neigh_suppress", "isolated", "locked", "vlan_tunnel", "mcast_router",
)  # fmt: skip
# Kinds that are made with ARP and MULTICAST; with others it depends, so that both are said of them.
SPEAKING = ("veth", "bridge", "vxlan", "macvlan", "macvtap", "bond", "team", "netkit")
TAKES_NO_MAC = ("ipvlan", "ipvtap")  # kinds that have the MAC address of what they are on
ETHERNET_MTU = 1500
LOOPBACK_MTU = 65536
USUAL_QUEUE = 1000  # DEFAULT_TX_QUEUE_LEN, include/net/pkt_sched.h
NO_MAC = "00:00:00:00:00:00"


def links(spaces: Spaces, usual: Spaces, stack: Stack) -> list[str]:
    """The lines that make all devices, each after the one that it is made on.

    spaces: what each namespace has; usual: what it had when it was new. Raises CannotSave for a device of a kind that
    we do not know, and for a veth whose other end is out of sight.
    """
    lines = []
    for contents, device in _from_below(spaces, usual, stack):
        if device.kind in CABLES:
            lines += _pair(spaces, stack, contents, device)
        elif device.kind == "tun":
            lines += [_tun(contents, device), *_set_afterwards(contents, device)]
        else:
            if device.kind in TAKES_NO_MAC and device.works and device.state == "UNKNOWN":
                lines += _raised_before(spaces, stack, (contents.namespace, device.name))
            lines += _one(spaces, stack, contents, device, usual[contents.namespace])
    return lines


def _raised_before(spaces: Spaces, stack: Stack, place: Place) -> list[str]:
    """The lines that switch on what is below a device before it is made.

    An ipvlan that is made while what is below has a signal never hears that one comes, and its state stays UNKNOWN:
    netif_stacked_transfer_operstate(), net/core/dev.c. Made before, it becomes UP.
    """
    below: list[Place] = []
    for lower in stack.below(place):
        peer = stack.peers.get(lower)
        below.append(lower)
        if peer is not None and spaces[peer[0]].devices[peer[1]].up:
            below.append(peer)
    lines = []
    for namespace, name in reversed(below):
        lines.append(f"{spaces[namespace].ip} link set dev {quoted(name)} up")
    return lines


def _from_below(spaces: Spaces, usual: Spaces, stack: Stack) -> Iterator[tuple[Contents, Device]]:
    """The devices that were made, and where they are, each after the one that it is made on."""
    left = []
    for contents in spaces.values():
        by_itself = inborn(usual[contents.namespace])
        for device in contents.devices.values():
            if device.name not in by_itself:
                left.append((contents, device))
    while left:
        waiting = {(contents.namespace, device.name) for contents, device in left}
        later = []
        for contents, device in left:
            if stack.lowers.get((contents.namespace, device.name)) in waiting:
                later.append((contents, device))
            else:
                yield contents, device
        left = later


def _one(spaces: Spaces, stack: Stack, contents: Contents, device: Device, usual: Contents) -> list[str]:
    kind = device.kind
    what = tr("{name} in {namespace}", name=device.name, namespace=contents.namespace)
    if kind in UNTOLD:
        raise CannotSave(
            tr(
                "I cannot make {what} again, a device of kind {kind}: {untold}.",
                what=what,
                kind=kind,
                untold=tr(UNTOLD[kind]),
            )
        )
    if kind not in KINDS:
        raise CannotSave(tr("I do not know how to make {what} again, a device of kind {kind}.", what=what, kind=kind))
    place = (contents.namespace, device.name)
    home = stack.homes.get(place)
    lower = stack.lowers.get(place)
    if kind in ON_A_DEVICE and lower is None:
        raise CannotSave(
            tr("I cannot make {what} again: what it is made on is in a namespace that has no name.", what=what)
        )
    made_in = spaces[home] if home else contents
    words = [made_in.ip, "link add"]
    if kind in ON_A_DEVICE and lower is not None:
        words.append(f"link {quoted(lower[1])}")
    words += _traits(contents, device)
    if home:
        words.append(f"netns {quoted(contents.namespace)}")
    words.append(f"type {kind}")
    options = dict(device.options)
    if lower is not None and kind not in ON_A_DEVICE:
        options["link"] = lower[1]  # its name where the device was made, which may be another than here
    words += KINDS[kind](options, usual)
    made = " ".join(words)
    if made_in is not contents and _has_number(made_in, device.index):
        # Before Linux 6.14 or so the number must be free also where the device is made: rtnl_newlink().
        anyhow = made.replace(f" index {device.index}", "", 1)
        made = f"{made} 2>/dev/null || {anyhow}"
    return [made, *_set_afterwards(contents, device)]


def _has_number(contents: Contents, index: int) -> bool:
    return any(device.index == index for device in contents.devices.values())


def _tun(contents: Contents, device: Device) -> str:
    """The line for a tun or tap; it stays when its process ends, and gets whatever number is free."""
    options = device.options
    words = [contents.ip, "tuntap add dev", quoted(device.name), f"mode {options['type']}"]
    for word in ("user", "group"):
        if word in options:
            words.append(f"{word} {options[word]}")
    for word in ("pi", "vnet_hdr", "multi_queue"):
        if options.get(word):
            words.append(word)
    return " ".join(words)


def left_out(contents: Contents) -> list[str]:
    """Sentences about what of these devices is not in the script."""
    sentences = []
    namespace = contents.namespace
    for device in contents.devices.values():
        place = tr("{name} in {namespace}", name=device.name, namespace=namespace)
        if device.kind == "tun":
            sentences.append(
                tr(
                    "{place} comes back with another number than {index}, which `ip tuntap` cannot choose, and without "
                    "the process that holds it.",
                    place=place,
                    index=device.index,
                )
            )
        elif device.kind == "bridge" and device.works and not _ports_of(contents, device):
            # br_port_state_selection(), net/bridge/br_stp.c: no port is alive
            sentences.append(
                tr(
                    "{place} comes back without a signal: a bridge without ports loses it when its MAC address is set.",
                    place=place,
                )
            )
        elif device.kind == "team":
            sentences.append(
                tr("The mode of {place} is not saved: teamd sets it, and `ip` does not tell it.", place=place)
            )
    for tap in sorted({contents.learned_at_a_tap(entry) or "" for entry in contents.entries} - {""}):
        place = tr("{name} in {namespace}", name=tap, namespace=namespace)
        sentences.append(
            tr("What was learned at {place} is not saved: it has no signal until a process holds it.", place=place)
        )
    for bridge in sorted({contents.learned_behind_stp(entry) or "" for entry in contents.entries} - {""}):
        place = tr("{name} in {namespace}", name=bridge, namespace=namespace)
        sentences.append(
            tr("What {place} has learned is not saved: with STP its ports learn only after a while.", place=place)
        )
    return sentences


def _pair(spaces: Spaces, stack: Stack, contents: Contents, device: Device) -> list[str]:
    """The lines for a veth pair, which one command makes: from master if one end is there. Its other end has none."""
    here = (contents.namespace, device.name)
    there = stack.peers.get(here)
    if there is None:
        raise CannotSave(
            tr(
                "The other end of {device} in {namespace} is in a namespace that has no name.",
                device=device.name,
                namespace=contents.namespace,
            )
        )
    if _turn(there) < _turn(here):
        return []
    namespace, name = there
    other = spaces[namespace]
    peer = other.devices[name]
    words = [contents.ip, "link add"]
    words += _traits(contents, device)
    words.append(f"type {device.kind}")
    if device.options.get("mode"):  # of a netkit
        words.append(f"mode {device.options['mode']}")
    words.append("peer")
    words += _traits(other, peer)
    if other is not contents:
        words.append(f"netns {quoted(namespace)}")
    made = " ".join(words)
    return [made, *_set_afterwards(contents, device), *_set_afterwards(other, peer)]


def _turn(place: Place) -> tuple[bool, Place]:
    namespace, _ = place
    return namespace != HOSTNAME, place


def _traits(contents: Contents, device: Device) -> Iterator[str]:
    """Name, number, MAC address, MTU and queue, as `ip link add` reads them."""
    yield f"name {quoted(device.name)} index {device.index}"
    is_bridge = device.kind == "bridge"
    has_it_by_itself = is_bridge and device.mac == _least_mac(contents, device)
    if device.is_ether and not has_it_by_itself and device.kind not in TAKES_NO_MAC:
        # A bond gives its own to its ports, which have theirs back when they leave it.
        mac = device.bonded["perm_hwaddr"] if device.bonded else device.mac
        yield f"address {mac}"
    # A bridge has no ports yet, so its MTU is set when it has. A VXLAN's usual one is that of what it is made on.
    is_unusual = device.mtu != ETHERNET_MTU or device.kind == "vxlan"
    if is_unusual and not is_bridge:
        yield f"mtu {device.mtu}"
    if device.queue != USUAL_QUEUE:
        yield f"txqueuelen {device.queue}"


def _ports_of(contents: Contents, bridge: Device) -> list[Device]:
    devices = contents.devices.values()
    return [device for device in devices if device.master == bridge.name]


def _least_mac(contents: Contents, bridge: Device) -> str:
    """The MAC address that a bridge takes by itself: the least of its ports'; net/bridge/br_stp_if.c."""
    macs = [port.mac for port in _ports_of(contents, bridge)]
    return min(macs, default=NO_MAC)


def _least_mtu(contents: Contents, bridge: Device) -> int:
    """The MTU that a bridge takes by itself: the least of its ports'; net/bridge/br_if.c."""
    mtus = [port.mtu for port in _ports_of(contents, bridge)]
    return min(mtus, default=ETHERNET_MTU)


def _set_afterwards(contents: Contents, device: Device) -> list[str]:
    """What `ip link add` does not take."""
    words = list(_flag_words(device))
    if device.addressing != "eui64":
        words.append(f"addrgenmode {device.addressing}")
    elif _lacks_own_address(contents, device):
        words.append("addrgenmode none")
    if device.group != "default":
        words.append(f"group {device.group}")
    if device.alias:
        words.append(f"alias {quoted(device.alias)}")
    if not words:
        return []
    name = quoted(device.name)
    return [f"{contents.ip} link set dev {name} {' '.join(words)}"]


def _flag_words(device: Device) -> Iterator[str]:
    speaks = device.kind in SPEAKING
    if device.kind == "tun":
        if device.is_ether:
            yield f"address {device.mac}"
        if device.mtu != ETHERNET_MTU:
            yield f"mtu {device.mtu}"
        if device.queue != USUAL_QUEUE:
            yield f"txqueuelen {device.queue}"
    if "NOARP" in device.flags:
        yield "arp off"
    elif not speaks:
        yield "arp on"
    if "PROMISC" in device.flags:
        yield "promisc on"
    if "ALLMULTI" in device.flags:
        yield "allmulticast on"
    if "MULTICAST" not in device.flags:
        yield "multicast off"
    elif not speaks:
        yield "multicast on"


def _lacks_own_address(contents: Contents, device: Device) -> bool:
    """Whether IPv6 would make an address that was taken away, or was made when the MAC address was another.

    Of devices without a MAC address nobody can tell which one it would make: for a tunnel over IPv6 any (by chance).
    """
    if not device.works or not contents.speaks_ipv6(device.name):
        return False
    return not any(address.is_made_of(device) for address in device.addresses)


def ports(contents: Contents, usual: Contents) -> list[str]:
    """What is plugged into what, and how; then the MTUs of bridges, which each new port changes; then VLANs."""
    lines = []
    usual_options = usual.devices[PORT].port or {}
    for device in contents.devices.values():
        if not device.master:
            continue
        name = quoted(device.name)
        master = quoted(device.master)
        lines.append(f"{contents.ip} link set dev {name} master {master}")
        words = differing(PORT_OPTIONS, device.port or {}, usual_options)
        if words:
            lines.append(f"{contents.ip} link set dev {name} type bridge_slave {' '.join(words)}")
        words = differing(("queue_id", "prio"), device.bonded or {}, {"queue_id": 0, "prio": 0})
        if words:
            lines.append(f"{contents.ip} link set dev {name} type bond_slave {' '.join(words)}")
    for device in contents.devices.values():
        name = quoted(device.name)
        if device.kind == "bridge" and device.mtu != _least_mtu(contents, device):
            lines.append(f"{contents.ip} link set dev {name} mtu {device.mtu}")
        primary = device.options.get("primary")  # which has to be a port already
        if device.kind == "bond" and primary:
            lines.append(f"{contents.ip} link set dev {name} type bond primary {quoted(primary)}")
        lines += _vlans(contents, device)
    return lines


def _vlans(contents: Contents, device: Device) -> Iterator[str]:
    """What a bridge lets through at a port or takes itself, where that differs from what it has from the beginning."""
    bridge = contents.devices.get(device.master) if device.master else device
    if bridge is None or bridge.kind != "bridge":
        return
    where = f"dev {quoted(device.name)}" + (" self" if bridge is device else "")
    default = bridge.options.get("vlan_default_pvid", 0)
    usual = {PortVlan(vlan=default, pvid=True, untagged=True)} if default else set()
    present = set(device.vlans)
    for vlan in sorted({one.vlan for one in usual} - {one.vlan for one in present}):
        yield f"{contents.bridge} vlan del {where} vid {vlan}"
    for one in sorted(present - usual, key=lambda vlan: vlan.vlan):
        words = [f"{contents.bridge} vlan add {where} vid {one.vlan}"]
        if one.pvid:
            words.append("pvid")
        if one.untagged:
            words.append("untagged")
        yield " ".join(words)


def switches(spaces: Spaces, usual: Spaces, stack: Stack) -> list[str]:
    """Which devices are up, those below first; a fresh namespace's lo is down, the lab's own is up.

    What is made on a device can be switched on only while that is on, and may stay on when it is switched off. Such
    stacks come first: no other device is on yet, which would see a signal for a moment and make an address of it.
    """
    lines = []
    for contents in spaces.values():
        for name in inborn(usual[contents.namespace]):
            device = contents.devices.get(name)
            if device is not None:
                lines += _switched(contents, device)
    for_a_moment = _needed_for_a_moment(spaces, stack)
    in_their_stacks = _stacks_with(for_a_moment, stack)
    first: list[str] = []
    off_again: list[str] = []
    last: list[str] = []
    for contents, device in _from_below(spaces, usual, stack):
        name = quoted(device.name)
        place = (contents.namespace, device.name)
        switch_on = f"{contents.ip} link set dev {name} up"
        if place in for_a_moment:
            first.append(switch_on)
            off_again.append(f"{contents.ip} link set dev {name} down")
        elif device.up and place in in_their_stacks:
            first.append(switch_on)
        elif device.up:
            last.append(switch_on)
    return lines + first + off_again + last


def _needed_for_a_moment(spaces: Spaces, stack: Stack) -> set[Place]:
    """The devices that are off, below others that are on."""
    needed = set()
    for (namespace, name), lower in stack.lowers.items():
        there, below = lower
        if spaces[namespace].devices[name].up and not spaces[there].devices[below].up:
            needed.add(lower)
    return needed


def _stacks_with(places: set[Place], stack: Stack) -> set[Place]:
    """All that these devices stand on, and all that stands on them."""
    found: set[Place] = set()
    for place in places:
        found.update(stack.below(place))
    for place in stack.lowers:
        if not places.isdisjoint(stack.below(place)):
            found.add(place)
    return found


def _switched(contents: Contents, device: Device) -> list[str]:
    """Of a device that is there by itself: lo, or one like tunl0."""
    lines = []
    is_lo = device.name == "lo"
    name = quoted(device.name)
    if is_lo and device.mtu != LOOPBACK_MTU:
        lines.append(f"{contents.ip} link set lo mtu {device.mtu}")
    usually_up = is_lo and contents.namespace == HOSTNAME
    if device.up != usually_up:
        state = "up" if device.up else "down"
        lines.append(f"{contents.ip} link set dev {name} {state}")
    return lines
