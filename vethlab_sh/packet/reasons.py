"""Why is the packet here? A sentence for each sighting, from the tables of a snapshot."""

from __future__ import annotations

from ..facts import Device, is_group
from .learned import Learned
from .lookup import Tables
from .sighting import ASKS, Sighting


def why(tables: Tables, learned: Learned, sighting: Sighting) -> str:
    """Why this sighting: one sentence. learned: what the bridges know when it comes."""
    if sighting.way == "in":
        return _why_in(tables, sighting)
    return _why_out(tables, learned, sighting)


def _why_in(tables: Tables, sighting: Sighting) -> str:
    namespace, name = device = sighting.place
    link = tables.link(device)
    kind = link.kind if link else ""
    if link and kind == "vxlan":
        return f"VXLAN {link.vxlan_id} on UDP port {link.vxlan_port} is {name}: the wrapping comes off"
    if kind == "bridge":
        mac = sighting.macs[1]
        if is_group(mac):
            return f"bridge {name} takes a copy of what is for everyone"
        return f"{mac} is bridge {name}'s own MAC, so the frame leaves the bridge here, for {namespace} itself"
    if name == "lo":
        return f"{sighting.dst_ip} is {namespace}'s own address: the packet does not leave it"
    peer = tables.peer(device)
    if peer:
        return f"the other end of the cable from {_place(peer, device)}"
    return f"it arrives at {name}"


def _place(device: Device, seen_from: Device) -> str:
    """The device with its namespace, which is left out when it is the same."""
    namespace, name = device
    if namespace == seen_from[0]:
        return name
    return f"{namespace} {name}"


def _why_out(tables: Tables, learned: Learned, sighting: Sighting) -> str:
    device = sighting.place
    if sighting.wrapped:
        tunnel = tables.tunnel(device[0], sighting.vni, sighting.outer_src_ip)
        if tunnel:
            return _wrapped(tables, tunnel, sighting)
    bridge = tables.master(device)
    if bridge:  # also with the bridge's own MAC, which may be that of the port
        return _bridged(tables, learned, bridge, sighting)
    if sighting.resolves:
        return _asked_or_answered(tables, sighting)
    return _routed(tables, device, sighting.ips[1])


def _wrapped(tables: Tables, tunnel: Device, sighting: Sighting) -> str:
    mac = sighting.dst_mac
    entry = tables.fdb(tunnel, mac)
    if entry and entry.mac == mac:
        return f"FDB of {tunnel[1]}: {mac} is behind {entry.dst}, so wrap it"
    if entry:
        return f"FDB of {tunnel[1]}: what is for everyone or unknown goes to {entry.dst}, so wrap it"
    return f"{tunnel[1]} wraps it for {sighting.outer_dst_ip}"


def _bridged(tables: Tables, learned: Learned, bridge: Device, sighting: Sighting) -> str:
    port, name = sighting.place, bridge[1]
    source, mac = sighting.macs
    link = tables.link(port)
    comes_from_here = learned.port(bridge, source) == port[1]
    if link and link.hairpin and comes_from_here:
        return f"hairpin is on at {port[1]}: bridge {name} also sends back where the frame came from"
    if is_group(mac):
        return f"bridge {name} sends what is for everyone to every port"
    if learned.port(bridge, mac) == port[1]:
        return f"bridge {name} knows {mac} on {port[1]}"
    return f"bridge {name} did not know {mac} and sent it to every port"


def _asked_or_answered(tables: Tables, sighting: Sighting) -> str:
    namespace, name = sighting.place
    if sighting.kind in ASKS:
        return f"{namespace} does not know the MAC of {sighting.dst_ip} yet, so it asks everyone on {name}"
    if sighting.src_ip in tables.own(namespace):
        return f"{sighting.src_ip} is {namespace}'s own address, so it answers with its MAC"
    return f"proxy ARP: {namespace} answers for {sighting.src_ip}"


def _routed(tables: Tables, device: Device, ip: str) -> str:
    namespace, name = device
    route = tables.route(namespace, ip)
    if route is None or route.dev != name:
        return f"{namespace} sends it by {name}"
    hop = route.via or ip
    mac = tables.neighbour(device, hop)
    if mac is None:
        return f"route {route.words}"
    return f"route {route.words}; neighbour {hop} is {mac}"


def rewritten(sighting: Sighting, before: Sighting) -> str:
    """What NAT did to a packet between two sightings, as the rest of a sentence; nothing, mostly."""
    is_same_packet = (before.leg, before.seq) == (sighting.leg, sighting.seq)
    if sighting.leg == "ask" or not is_same_packet:
        return ""
    changes = []
    if sighting.src_ip != before.src_ip:
        changes.append(f"comes from {sighting.src_ip}, not {before.src_ip}")
    if sighting.dst_ip != before.dst_ip:
        changes.append(f"goes to {sighting.dst_ip}, not {before.dst_ip}")
    if not changes:
        return ""
    return f"; rewritten (NAT): it now {' and '.join(changes)}"
