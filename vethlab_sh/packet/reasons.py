"""Why is the packet here? A sentence for each sighting, from the tables of a snapshot."""

from __future__ import annotations

from ..facts import Device, Link, is_group
from ..language import marked, together, tr
from .learned import Learned
from .lookup import Tables
from .sighting import ASKS, Sighting


def why(tables: Tables, learned: Learned, sighting: Sighting) -> str:
    """Why this sighting: one sentence. learned: what the bridges know when it comes."""
    if sighting.way == "in":
        return _why_in(tables, sighting)
    return _why_out(tables, learned, sighting)


def _why_in(tables: Tables, sighting: Sighting) -> str:
    device = sighting.place
    namespace, name = device
    link = tables.link(device)
    if link is not None and link.kind == "vxlan" and not sighting.wrapped:
        return tr(
            "VXLAN {vxlan_id} on UDP port {vxlan_port} is {name}: the wrapping comes off",
            vxlan_id=link.vxlan_id,
            vxlan_port=link.vxlan_port,
            name=name,
        )
    if link is not None and link.kind == "bridge":
        return _why_in_a_bridge(link, sighting)
    if name == "lo":
        return tr(
            "{dst_ip} is {namespace}'s own address: the packet does not leave it",
            dst_ip=sighting.dst_ip,
            namespace=namespace,
        )
    peer = tables.peer(device)
    if peer:
        return tr("the other end of the cable from {place}", place=_place(peer, device))
    if link is None:
        return tr("it arrives at {name}", name=name)
    if link.wrapping is not None and not sighting.wrapped:
        return tr(
            "{name} takes what is wrapped in {wraps} for it: the wrapping comes off", name=name, wraps=tr(_wraps(link))
        )
    if link.parent_device:
        return _why_in_from_below(link, link.parent_device, sighting)
    return _why_in_by_a_port(link)


def _why_in_a_bridge(bridge: Link, sighting: Sighting) -> str:
    """Why a frame goes up into a bridge itself, and not on to a port."""
    mac = sighting.macs[1]
    if is_group(mac):
        return tr("bridge {bridge} takes a copy of what is for everyone", bridge=bridge.name)
    return tr(
        "{mac} is bridge {bridge}'s own MAC, so the frame leaves the bridge here, for {namespace} itself",
        mac=mac,
        bridge=bridge.name,
        namespace=bridge.namespace,
    )


def _why_in_by_a_port(link: Link) -> str:
    """Why a frame comes in at a device that has ports, and is no bridge."""
    name = link.name
    if link.kind in ("bond", "team"):
        return tr("what comes in at a port of {name} comes in at {name}", name=name)
    if link.kind == "vrf":
        return tr(
            "what comes in at a port of {name} is routed by the table {vrf_table}", name=name, vrf_table=link.vrf_table
        )
    return tr("it arrives at {name}", name=name)


def _why_in_from_below(link: Link, parent: Device, sighting: Sighting) -> str:
    """Why a device gets a frame from the one that it is made on."""
    below = _place(parent, link.device)
    if link.kind == "vlan":
        return tr(
            "the frame has the tag of VLAN {vlan_id} at {below}, which comes off here",
            vlan_id=link.vlan_id,
            below=below,
        )
    if link.kind in ("ipvlan", "ipvtap"):
        if sighting.resolves:
            return tr("{below} gives what is about addresses to the devices on it", below=below)
        return tr(
            "{dst_ip} is an address of {link}, so {below} gives the packet to it",
            dst_ip=sighting.dst_ip,
            link=link.name,
            below=below,
        )
    mac = sighting.macs[1]
    if is_group(mac):
        return tr("{below} gives what is for everyone to each device on it", below=below)
    return tr("{mac} is the MAC of {link}, so {below} gives the frame to it", mac=mac, link=link.name, below=below)


def _place(device: Device, seen_from: Device) -> str:
    """The device with its namespace, which is left out when it is the same."""
    namespace, name = device
    if namespace == seen_from[0]:
        return name
    return f"{namespace} {name}"


def _why_out(tables: Tables, learned: Learned, sighting: Sighting) -> str:
    device = sighting.place
    if sighting.in_vxlan:
        tunnel = tables.tunnel(device[0], sighting.vni, sighting.outer_src_ip)
        if tunnel:
            return _wrapped(tables, tunnel, sighting)
    elif sighting.wrapped:
        return _wrapped_otherwise(tables, sighting)
    child = _child_that_sends(tables, sighting)
    if child is not None:
        return child
    bridge = tables.master(device)
    if bridge:  # also with the bridge's own MAC, which may be that of the port
        return _bridged(tables, learned, bridge, sighting)
    link = tables.link(device)
    if link is not None and link.switch is not None:
        return tr("{switch}, a switch of Open vSwitch, sends it by {link}", switch=link.switch, link=link.name)
    if link is not None and link.master is not None:
        bond = tables.link((device[0], link.master))
        if bond is not None and bond.kind in ("bond", "team"):
            return tr("{bond} sends it by its port {link}", bond=bond.name, link=link.name)
    if sighting.resolves:
        return _asked_or_answered(tables, sighting)
    return _routed(tables, sighting)


def _wrapped_otherwise(tables: Tables, sighting: Sighting) -> str:
    """Of a packet in another wrapping than VXLAN: the tunnel that wraps it, and the route that it then takes."""
    device = sighting.place
    namespace = sighting.namespace
    src, dst = sighting.ips
    way = _routed(tables, sighting)
    for link in tables.links.values():
        wrapping = link.wrapping
        if wrapping is None or wrapping.namespace != namespace or not link.up:
            continue
        is_from_here = wrapping.local in (None, src)
        if wrapping.remote == dst and is_from_here and _wraps(link) == sighting.wrapping:
            return tr("{place} wraps it for {dst}; {way}", place=_place(link.device, device), dst=dst, way=way)
    return tr("it is wrapped for {dst}; {way}", dst=dst, way=way)


def _wraps(link: Link) -> str:
    """What a walk calls the wrapping of a tunnel device."""
    kind = link.kind or ""
    if "gre" in kind or kind == "erspan":
        return "GRE"
    return {"ipip": "IPIP", "sit": "SIT", "geneve": "Geneve"}.get(kind, marked("an IPv6 tunnel"))


def _child_that_sends(tables: Tables, sighting: Sighting) -> str | None:
    """Why a frame leaves by a device that another is made on: that other one sends it; None of its own frames."""
    device = sighting.place
    children = tables.above(device)
    for child in children:
        link = tables.link(child)
        if link and sighting.has_tag_of(link):
            return tr("{place} puts the tag of VLAN {vlan_id} on it", place=_place(child, device), vlan_id=link.vlan_id)
    for child in children:
        if _is_from(tables, child, sighting):
            return tr(
                "{place} is made on {device}, so its frames leave here",
                place=_place(child, device),
                device=sighting.device,
            )
    return None


def _is_from(tables: Tables, child: Device, sighting: Sighting) -> bool:
    """Whether a frame at a device is one of another's that is made on it."""
    mac, _ = sighting.macs
    if mac and mac != tables.mac(sighting.place):
        return tables.mac(child) == mac
    # an ipvlan has its parent's MAC, and addresses of its own
    ip, _ = sighting.ips
    there, _ = child
    if there == sighting.namespace or ip in tables.own(sighting.namespace):
        return False
    return ip in tables.own(there)


def _wrapped(tables: Tables, tunnel: Device, sighting: Sighting) -> str:
    _, name = tunnel
    mac = sighting.dst_mac
    entry = tables.fdb(tunnel, mac)
    if entry is None:
        return tr("{name} wraps it for {outer_dst_ip}", name=name, outer_dst_ip=sighting.outer_dst_ip)
    if entry.mac == mac:
        return tr("FDB of {name}: {mac} is behind {dst}, so wrap it", name=name, mac=mac, dst=entry.dst)
    return tr("FDB of {name}: what is for everyone or unknown goes to {dst}, so wrap it", name=name, dst=entry.dst)


def _bridged(tables: Tables, learned: Learned, bridge: Device, sighting: Sighting) -> str:
    _, name = bridge
    port = sighting.device
    source, mac = sighting.macs
    link = tables.link(sighting.place)
    comes_from_here = learned.port(bridge, source) == port
    if link and link.hairpin and comes_from_here:
        return tr(
            "hairpin is on at {port}: bridge {name} also sends back where the frame came from", port=port, name=name
        )
    if is_group(mac):
        return tr("bridge {name} sends what is for everyone to every port", name=name)
    if learned.port(bridge, mac) == port:
        return tr("bridge {name} knows {mac} on {port}", name=name, mac=mac, port=port)
    return tr("bridge {name} did not know {mac} and sent it to every port", name=name, mac=mac)


def _asked_or_answered(tables: Tables, sighting: Sighting) -> str:
    namespace, name = sighting.place
    if sighting.kind in ASKS:
        return tr(
            "{namespace} does not know the MAC of {dst_ip} yet, so it asks everyone on {name}",
            namespace=namespace,
            dst_ip=sighting.dst_ip,
            name=name,
        )
    if sighting.src_ip in tables.own(namespace):
        return tr(
            "{src_ip} is {namespace}'s own address, so it answers with its MAC",
            src_ip=sighting.src_ip,
            namespace=namespace,
        )
    return tr("proxy ARP: {namespace} answers for {src_ip}", namespace=namespace, src_ip=sighting.src_ip)


def _routed(tables: Tables, sighting: Sighting) -> str:
    """The route by which a packet leaves, and the neighbour that it is for."""
    namespace, name = device = sighting.place
    _, ip = sighting.ips
    hops = tables.next_hops(namespace, ip)
    by_this = [hop for hop in hops if hop.dev == name]
    if not by_this:
        return tr("{namespace} sends it by {name}", namespace=namespace, name=name)
    route = by_this[0]
    for hop in by_this:
        if hop.via and tables.neighbour(device, hop.via) == sighting.macs[1]:
            route = hop
            break
    words = tr("route {words}", words=route.words)
    if len(hops) > 1:
        words += tr(", one of its {count} next hops", count=len(hops))
    gateway = route.via or ip
    mac = tables.neighbour(device, gateway)
    if mac is None:
        return words
    return tr("{words}; neighbour {gateway} is {mac}", words=words, gateway=gateway, mac=mac)


def rewritten(sighting: Sighting, before: Sighting) -> str:
    """What NAT did to a packet between two sightings, as the rest of a sentence; nothing, mostly."""
    is_same_packet = (before.leg, before.seq) == (sighting.leg, sighting.seq)
    if sighting.leg == "ask" or not is_same_packet:
        return ""
    changes = []
    if sighting.src_ip != before.src_ip:
        changes.append(tr("comes from {now}, not {was}", now=sighting.src_ip, was=before.src_ip))
    if sighting.dst_ip != before.dst_ip:
        changes.append(tr("goes to {now}, not {was}", now=sighting.dst_ip, was=before.dst_ip))
    if not changes:
        return ""
    return tr("; rewritten (NAT): it now {changes}", changes=together(changes))
