"""Which lines make the devices of a lab again? `ip link add` with all that it takes, then what is set later."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..errors import CannotSave
from ..facts import Device as Place
from ..sandbox import HOSTNAME
from .contents import BRIDGE, PORT, Contents, Device, Options, differing, inborn

Peers = Mapping[Place, Place | None]  # the other end of each veth, None where it is not known
Spaces = Mapping[str, Contents]  # by the name of the namespace

BRIDGE_OPTIONS = (
    "forward_delay", "hello_time", "max_age", "ageing_time", "stp_state", "priority", "group_fwd_mask",
    "mcast_snooping", "mcast_querier", "nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables",
)  # fmt: skip
PORT_OPTIONS = (
    "priority", "hairpin", "guard", "root_block", "fastleave", "learning", "flood", "proxy_arp", "mcast_flood",
    "bcast_flood", "mcast_to_unicast", "neigh_suppress", "isolated",
)  # fmt: skip
NOT_REMADE = ("external", "gbp", "gpe", "vnifilter")  # of a VXLAN device
WITHOUT_ARP = ("dummy", "ifb")  # kinds that are made with NOARP, and without MULTICAST
ETHERNET_MTU = 1500
LOOPBACK_MTU = 65536
USUAL_QUEUE = 1000  # DEFAULT_TX_QUEUE_LEN, include/net/pkt_sched.h
NO_MAC = "00:00:00:00:00:00"


def links(spaces: Spaces, usual: Spaces, peers: Peers) -> list[str]:
    """The lines that make all devices, each after the one that it is made on.

    spaces: what each namespace has; usual: what it had when it was new. Raises CannotSave for a device of a kind that
    we do not know, and for a veth whose other end is out of sight.
    """
    lines = []
    for contents, device in _from_below(spaces, usual):
        if device.kind == "veth":
            lines += _pair(spaces, peers, contents, device)
        else:
            lines += _one(contents, device, usual[contents.namespace])
    return lines


def _from_below(spaces: Spaces, usual: Spaces) -> Iterator[tuple[Contents, Device]]:
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
            if (contents.namespace, device.lower) in waiting:
                later.append((contents, device))
            else:
                yield contents, device
        left = later


def _one(contents: Contents, device: Device, usual: Contents) -> list[str]:
    kind = device.kind
    if kind not in KINDS or device.lower_elsewhere:
        what = f"{device.name} in {contents.namespace}"
        raise CannotSave(f"I do not know how to make {what} again, a device of kind {kind}.")
    words = [contents.ip, "link add"]
    if kind in ("vlan", "macvlan") and device.lower:
        words.append(f"link {shlex.quote(device.lower)}")
    words += _traits(contents, device)
    words.append(f"type {kind}")
    words += KINDS[kind](device.options, usual)
    made = " ".join(words)
    return [made, *_set_afterwards(contents, device)]


def _pair(spaces: Spaces, peers: Peers, contents: Contents, device: Device) -> list[str]:
    """The lines for a veth pair, which one command makes: from master if one end is there. Its other end has none."""
    here = (contents.namespace, device.name)
    there = peers.get(here)
    if there is None:
        raise CannotSave(f"The other end of {device.name} in {contents.namespace} is in a namespace that has no name.")
    if _turn(there) < _turn(here):
        return []
    namespace, name = there
    other = spaces[namespace]
    peer = other.devices[name]
    words = [contents.ip, "link add"]
    words += _traits(contents, device)
    words += ["type veth", "peer"]
    words += _traits(other, peer)
    if other is not contents:
        words.append(f"netns {shlex.quote(namespace)}")
    made = " ".join(words)
    return [made, *_set_afterwards(contents, device), *_set_afterwards(other, peer)]


def _turn(place: Place) -> tuple[bool, Place]:
    namespace, _ = place
    return namespace != HOSTNAME, place


def _traits(contents: Contents, device: Device) -> Iterator[str]:
    """Name, number, MAC address, MTU and queue, as `ip link add` reads them."""
    yield f"name {shlex.quote(device.name)} index {device.index}"
    is_bridge = device.kind == "bridge"
    has_it_by_itself = is_bridge and device.mac == _least_mac(contents, device)
    if device.is_ether and not has_it_by_itself:
        yield f"address {device.mac}"
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
        words.append(f"alias {shlex.quote(device.alias)}")
    if not words:
        return []
    name = shlex.quote(device.name)
    return [f"{contents.ip} link set {name} {' '.join(words)}"]


def _flag_words(device: Device) -> Iterator[str]:
    arp = "NOARP" not in device.flags
    usually_arp = device.kind not in WITHOUT_ARP
    if arp and not usually_arp:
        yield "arp on"
    if usually_arp and not arp:
        yield "arp off"
    if "PROMISC" in device.flags:
        yield "promisc on"
    if "ALLMULTI" in device.flags:
        yield "allmulticast on"
    if "MULTICAST" not in device.flags and device.kind not in WITHOUT_ARP:
        yield "multicast off"


def _lacks_own_address(contents: Contents, device: Device) -> bool:
    """Whether IPv6 would make an address that was taken away, or was made when the MAC address was another."""
    works = device.is_ether and device.flags >= {"UP", "LOWER_UP"}
    if not works or not contents.speaks_ipv6(device.name):
        return False
    return not any(address.is_made_of(device) for address in device.addresses)


def ports(contents: Contents, usual: Contents) -> list[str]:
    """What is plugged into what, and how; then the MTUs of bridges, which each new port changes."""
    lines = []
    usual_options = usual.devices[PORT].port or {}
    for device in contents.devices.values():
        if not device.master:
            continue
        name = shlex.quote(device.name)
        bridge = shlex.quote(device.master)
        lines.append(f"{contents.ip} link set {name} master {bridge}")
        words = differing(PORT_OPTIONS, device.port or {}, usual_options)
        if words:
            lines.append(f"{contents.ip} link set {name} type bridge_slave {' '.join(words)}")
    for device in contents.devices.values():
        if device.kind == "bridge" and device.mtu != _least_mtu(contents, device):
            name = shlex.quote(device.name)
            lines.append(f"{contents.ip} link set {name} mtu {device.mtu}")
    return lines


def switches(contents: Contents) -> list[str]:
    """Which devices are up; a fresh namespace's lo is down, the lab's own is up."""
    lines = []
    for device in contents.devices.values():
        is_lo = device.name == "lo"
        if is_lo and device.mtu != LOOPBACK_MTU:
            lines.append(f"{contents.ip} link set lo mtu {device.mtu}")
        usually_up = is_lo and contents.namespace == HOSTNAME
        if device.up != usually_up:
            name = shlex.quote(device.name)
            state = "up" if device.up else "down"
            lines.append(f"{contents.ip} link set {name} {state}")
    return lines


# --- the kinds of devices: words of `ip link add` after `type KIND` -------------------------------------------------


def _no_words(options: Options, usual: Contents) -> Iterable[str]:
    return ()


def _bridge(options: Options, usual: Contents) -> Iterable[str]:
    if options.get("vlan_filtering"):
        raise CannotSave("I do not know how to make a bridge with `vlan_filtering` again.")
    return differing(BRIDGE_OPTIONS, options, usual.devices[BRIDGE].options)


def _vxlan(options: Options, usual: Contents) -> Iterator[str]:
    for name in NOT_REMADE:
        if options.get(name):
            raise CannotSave(f"I do not know how to make a vxlan device with `{name}` again.")
    yield f"id {options['id']}"
    for word in ("local", "remote", "group"):
        for key in (word, f"{word}6"):
            if key in options:
                yield f"{word} {options[key]}"
    if "link" in options:
        yield f"dev {shlex.quote(options['link'])}"
    sources = options.get("port_range", {})
    if any(sources.values()):
        yield f"srcport {sources['low']} {sources['high']}"
    yield f"dstport {options['port']}"
    if options.get("ttl", 0) != 0:
        yield f"ttl {options['ttl']}"
    if options.get("ageing", 300) != 300:
        yield f"ageing {options['ageing']}"
    for word in ("proxy", "rsc", "l2miss", "l3miss"):
        if options.get(word):
            yield word
    if not options.get("learning", True):
        yield "nolearning"


def _vlan(options: Options, usual: Contents) -> Iterable[str]:
    return [f"protocol {options['protocol']}", f"id {options['id']}"]


def _macvlan(options: Options, usual: Contents) -> Iterable[str]:
    return [f"mode {options['mode']}"]


KINDS: dict[str, Callable[[Options, Contents], Iterable[str]]] = {
    "veth": _no_words,
    "dummy": _no_words,
    "ifb": _no_words,
    "bridge": _bridge,
    "vxlan": _vxlan,
    "vlan": _vlan,
    "macvlan": _macvlan,
}
