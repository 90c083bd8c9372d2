"""Which devices do not carry what they should? Switched off, without a signal, too small for what comes, too large."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Link
from ..language import tr
from ..packet.causes.cause import Cause
from ..wiring.devices import is_cut, wants_master
from .ground import ROUTES, Fault, Ground, fault, on

# What a tunnel wraps around a packet, bytes: VXLAN over IPv4 and IPv6, IP-in-IP (RFC 7348, RFC 2003), WireGuard
OVERHEAD = {"vxlan": 50, "ipip": 20, "wireguard": 60}
VXLAN_IPV6 = 70
WAITING = ("listening", "learning", "blocking", "disabled")  # states of a port that forwards nothing: bridge(8)
# Devices that are there unused on many machines
IDLE = (
    "docker", "virbr", "br-", "tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip6tnl0", "ip_vti0", "dummy", "kube-ipvs",
    "nodelocaldns", "lxdbr", "podman", "wl",
)  # fmt: skip


def faults(ground: Ground) -> Iterator[Fault]:
    """What is wrong with the devices of each place."""
    for link in ground.facts.links:
        yield from _off(ground, link)
        yield from _tunnel_too_large(ground, link)
        yield from _unplugged(ground, link)
    yield from _waiting(ground)
    yield from _ends(ground)
    yield from _larger_than_tunnel(ground)


def _unplugged(ground: Ground, link: Link) -> Iterator[Fault]:
    """An end of a cable that should be a port of a bridge, and is none."""
    if is_cut(link) or link.switch is not None or not wants_master(link, ground.snapshot):
        return
    listed = ground.full(link.namespace, ROUTES)
    if listed is None:  # something may be routed to it
        return
    words = tr(
        "{namespace} {name} is a port of no bridge, and nothing is routed to it",
        namespace=link.namespace,
        name=link.name,
    )
    yield fault(Cause.NO_MASTER, words, [link, listed], 8, on(link.namespace, f"ip link show {link.name}"))


def _waiting(ground: Ground) -> Iterator[Fault]:
    """Ports of bridges that hand nothing on; one that is switched off is told as that."""
    for at, line, row in ground.rows("bridge link"):
        state, name = row["state"], row["name"]
        is_up = "UP" in (row["flags"] or "").split(",")
        if state not in WAITING or not is_up or not row["master"]:
            continue
        words = tr(
            "{device}, a port of {bridge}, is {state}: nothing passes it, by STP or because somebody set it",
            device=f"{at} {name}",
            bridge=row["master"],
            state=state,
        )
        yield fault(Cause.PORT_STATE, words, [line], 6, on(at, f"bridge -d link show dev {name}"))


def _off(ground: Ground, link: Link) -> Iterator[Fault]:
    """A device that is in use, and switched off or without a signal."""
    if link.name == "lo" or link.name.startswith(IDLE):
        return
    used = _use(ground, link)
    if used is None:
        return
    what, fact = used
    device = f"{link.namespace} {link.name}"
    if link.up is False:
        words = tr("{device} is switched off, though {what}", device=device, what=what)
        look = on(link.namespace, f"ip link set {link.name} up")
        yield fault(Cause.DEVICE_DOWN, words, [link, fact], 9, look)
    elif link.up and link.carrier is False and link.state in ("DOWN", "LOWERLAYERDOWN"):
        words = tr("{device} has no signal ({state}), though {what}", device=device, state=link.state, what=what)
        look = tr("{command}   (on {at}, and at the other end)", command="ip link", at=link.namespace)
        yield fault(Cause.DEVICE_DOWN, words, [link, fact], 8, look)


def _use(ground: Ground, link: Link) -> tuple[str, object] | None:
    """What a device is used for; None when nothing shows that it is."""
    for route in ground.leading.get(link.device, ()):
        if route.proto != "kernel":
            return tr("the route {route} leads by it", route=route.words), route
    for address in ground.of_device.get(link.device, ()):
        return tr("it has {address}", address=address.address), address
    if link.master:
        return tr("it is a port of {bridge}", bridge=link.master), link
    if link.kind == "veth":
        return tr("it is an end of a cable"), link
    return None


def _tunnel_too_large(ground: Ground, link: Link) -> Iterator[Fault]:
    """A tunnel's packets that do not fit the card which carries them."""
    kind = "vxlan" if ground.is_tunnel(link.namespace, link.name) else link.kind or ""
    if kind not in OVERHEAD or link.mtu is None:
        return
    card = _card(ground, link)
    if card is None or card.mtu is None:
        return
    overhead = OVERHEAD[kind]
    if kind == "vxlan" and ":" in (link.vxlan_local or ""):
        overhead = VXLAN_IPV6
    most = card.mtu - overhead
    if link.mtu <= most:
        return
    words = tr(
        "{at}: {name} has MTU {mtu}, but {card}, which carries it, {card_mtu}: with {overhead} bytes of wrapping at "
        "most {most} fit, so large packets are lost",
        at=link.namespace,
        name=link.name,
        mtu=link.mtu,
        card=card.name,
        card_mtu=card.mtu,
        overhead=overhead,
        most=most,
    )
    look = tr("{command}   (too large by one)", command=f"ping -M do -s {most - 27} ADDRESS")
    yield fault(Cause.MTU, words, [link, card], 7, look)


def _card(ground: Ground, tunnel: Link) -> Link | None:
    """The device that carries a tunnel: the one it names, the one that has its address, or that of its remotes."""
    if tunnel.vxlan_dev:
        return ground.links.get((tunnel.namespace, tunnel.vxlan_dev))
    own = ground.underlay(tunnel.namespace)
    if tunnel.vxlan_local:
        own = [address for address in own if address.ip == tunnel.vxlan_local]
    cards = {address.device for address in own}
    if len(cards) != 1:
        return None
    return ground.links.get(cards.pop())


def _ends(ground: Ground) -> Iterator[Fault]:
    """Cables whose ends have two sizes."""
    for cable in ground.cables:
        if not cable.namespace or not cable.name or not cable.peer_namespace or not cable.peer:
            continue
        pod = ground.links.get((cable.namespace, cable.name))
        node = ground.links.get((cable.peer_namespace, cable.peer))
        if pod is None or node is None or not pod.mtu or not node.mtu:
            continue
        if pod.mtu != node.mtu:
            words = tr(
                "{end} has MTU {mtu}, its other end {other_end} {other_mtu}",
                end=f"{pod.namespace} {pod.name}",
                mtu=pod.mtu,
                other_end=f"{node.namespace} {node.name}",
                other_mtu=node.mtu,
            )
            yield fault(Cause.MTU, words, [pod, node], 7)


def _larger_than_tunnel(ground: Ground) -> Iterator[Fault]:
    """Bridges of pods, and pods, whose packets do not fit into their machine's tunnel."""
    for tunnel in ground.tunnels:
        if tunnel.mtu is None:
            continue
        for link in _before_tunnel(ground, tunnel):
            if link.mtu is not None and link.mtu > tunnel.mtu:
                words = tr(
                    "{device} has MTU {mtu}, but {tunnel}, which leads to other machines, {tunnel_mtu}",
                    device=f"{link.namespace} {link.name}",
                    mtu=link.mtu,
                    tunnel=tunnel.name,
                    tunnel_mtu=tunnel.mtu,
                )
                look = tr("{command}   (from the pod)", command="ping -M do -s SIZE ADDRESS")
                yield fault(Cause.MTU, words, [link, tunnel], 7, look)


def _before_tunnel(ground: Ground, tunnel: Link) -> Iterator[Link]:
    """The bridge and the pods' ends of cables whose packets leave by a tunnel."""
    at = tunnel.namespace
    bridge = ground.links.get((at, "cni0"))
    if bridge:
        yield bridge
    for space in ground.on_machine.get(at, ()):
        if space != at:
            yield from (link for link in ground.links_at.get(space, ()) if link.kind == "veth")
