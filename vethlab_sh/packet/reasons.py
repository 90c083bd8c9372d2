"""Why is the packet here, and if it goes no further, why not? Sentences from the tables of a snapshot."""

from __future__ import annotations

from typing import Any

from .lookup import DEAD_ENDS, Device, Tables, said

Row = dict[str, Any]
ETHERNET, VLAN = 14, 4  # bytes that a veth takes beyond its MTU: __is_skb_forwardable(), include/linux/netdevice.h


def why(tables: Tables, row: Row) -> str:
    """Why this sighting: one sentence."""
    device = (row["namespace"], row["device"])
    return _why_in(tables, device, row) if row["way"] == "in" else _why_out(tables, device, row)


def frame_macs(row: Row) -> tuple[str, str]:
    """Source and destination of the frame as it is on the device: the outer ones when it is wrapped."""
    if row["vni"] is None:
        return row["src_mac"], row["dst_mac"]
    return row["outer_src_mac"], row["outer_dst_mac"]


def to_everyone(mac: str) -> bool:
    """Whether a frame to this MAC is for more than one: broadcast or multicast, the lowest bit of its first byte."""
    return bool(int(mac[:2], 16) & 1)


def _why_in(tables: Tables, device: Device, row: Row) -> str:
    link, (_, mac) = tables.link(device), frame_macs(row)
    if link.get("kind") == "vxlan":
        return f"VXLAN {link['vxlan_id']} on UDP port {link['vxlan_port']} is {device[1]}: the wrapping comes off"
    if link.get("kind") == "bridge":
        if to_everyone(mac):
            return f"bridge {device[1]} takes a copy of what is for everyone"
        return f"{mac} is bridge {device[1]}'s own MAC, so the frame leaves the bridge here, for {device[0]} itself"
    if device[1] == "lo":
        return f"{row['dst_ip']} is {device[0]}'s own address: the packet does not leave it"
    if peer := tables.peer(device):
        return f"the other end of the cable from {_place(tables, peer, device)}"
    return f"it arrives at {device[1]}"


def _place(tables: Tables, device: Device, seen_from: Device) -> str:
    """The device with its namespace, which is left out when it is the same."""
    return device[1] if device[0] == seen_from[0] else f"{device[0]} {device[1]}"


def _why_out(tables: Tables, device: Device, row: Row) -> str:
    link, (source, mac) = tables.link(device), frame_macs(row)
    if row["vni"] is not None and (tunnel := tables.tunnel(device[0], row["vni"], row["outer_src_ip"])):
        return _wrapped(tables, tunnel, row)
    if link.get("master"):  # also with the bridge's own MAC, which may be that of the port
        return _bridged(tables, (device[0], link["master"]), device, source, mac)
    if row["what"].startswith(("ARP", "ND")):
        return _asked_or_answered(tables, device, row)
    return _routed(tables, device, row["dst_ip"] if row["vni"] is None else row["outer_dst_ip"])


def _wrapped(tables: Tables, tunnel: Device, row: Row) -> str:
    entry = tables.fdb(tunnel, row["dst_mac"])
    if entry and entry["mac"] == row["dst_mac"]:
        return f"FDB of {tunnel[1]}: {row['dst_mac']} is behind {entry['dst']}, so wrap it"
    if entry:
        return f"FDB of {tunnel[1]}: what is for everyone or unknown goes to {entry['dst']}, so wrap it"
    return f"{tunnel[1]} wraps it for {row['outer_dst_ip']}"


def _bridged(tables: Tables, bridge: Device, port: Device, source: str, mac: str) -> str:
    came = tables.fdb(bridge, source)
    if came and came["dev"] == port[1] and tables.link(port).get("hairpin"):
        return f"hairpin is on at {port[1]}: bridge {bridge[1]} also sends back where the frame came from"
    if to_everyone(mac):
        return f"bridge {bridge[1]} sends what is for everyone to every port"
    entry = tables.fdb(bridge, mac)
    if entry and entry["dev"] == port[1]:
        return f"bridge {bridge[1]} knows {mac} on {port[1]}"
    return f"bridge {bridge[1]} did not know {mac} and sent it to every port"


def _asked_or_answered(tables: Tables, device: Device, row: Row) -> str:
    namespace = device[0]
    if row["what"].endswith("who-has"):
        return f"{namespace} does not know the MAC of {row['dst_ip']} yet, so it asks everyone on {device[1]}"
    if row["src_ip"] in tables.own(namespace):
        return f"{row['src_ip']} is {namespace}'s own address, so it answers with its MAC"
    return f"proxy ARP: {namespace} answers for {row['src_ip']}"


def _routed(tables: Tables, device: Device, ip: str) -> str:
    route = tables.route(device[0], ip)
    if route is None or route["dev"] != device[1]:
        return f"{device[0]} sends it by {device[1]}"
    hop = route["via"] or ip
    mac = tables.neighbour(device, hop)
    return f"route {said(route)}" + (f"; neighbour {hop} is {mac}" if mac else "")


# --- why it goes no further -------------------------------------------------------------------------------------


def stuck(tables: Tables, row: Row, settings: dict[str, str]) -> tuple[str | None, str]:
    """Where a packet should have gone after this sighting, and why it did not (the likely reason).

    settings: the sysctls of the namespace where it was seen, by name.
    """
    device, link = (row["namespace"], row["device"]), tables.link((row["namespace"], row["device"]))
    mac = frame_macs(row)[1]
    wanted = row["dst_ip"] if row["what"].endswith("who-has") else None
    if row["way"] == "out":
        if link.get("kind") == "vxlan" and row["vni"] is None:
            return _unwrappable(tables, device, mac)
        if link.get("kind") == "bridge":
            return _unbridged(tables, device, mac, wanted or row["dst_ip"])
        return _off_the_cable(tables, device, row["bytes"])
    if link.get("master"):
        bridge = (device[0], link["master"])
        if mac != tables.link(bridge).get("mac") and not (wanted and wanted in tables.own(device[0])):
            return _unbridged(tables, bridge, mac, wanted or row["dst_ip"])
        return device[0], switched_off(tables, bridge) or f"{device[0]} did not take it"
    if not to_everyone(mac) and mac != link.get("mac"):
        return None, _not_mine(tables, device, mac)
    if row["vni"] is not None:
        return _unwanted_wrapping(tables, device, row)
    if wanted and _hangs_free(tables, device):
        bridges = [f"{d[0]} {d[1]}" for d, row in tables.links.items() if d[0] == device[0] and row["kind"] == "bridge"]
        should_be = bridges[0] if len(bridges) == 1 else None
        return should_be, f"{device[1]} has no master, so no bridge takes the question"
    if wanted:
        return device[0], unanswered(tables, device, wanted, settings)
    return onward(tables, device[0], row["dst_ip"], settings, arrived=device, source=row["src_ip"])


def switched_off(tables: Tables, device: Device) -> str | None:
    """The sentence about a device that is missing, down or without a signal; None when it is in order."""
    link = tables.link(device)
    if not link:
        return f"{device[1]} is missing in {device[0]}"
    if not link["up"]:
        return f"{device[1]} in {device[0]} is down"
    if not link["carrier"] and (peer := tables.peer(device)) and not tables.link(peer).get("up"):
        return f"{device[1]} in {device[0]} has no signal, because {peer[1]} in {peer[0]} is down"
    return None


def _off_the_cable(tables: Tables, device: Device, size: int) -> tuple[str | None, str]:
    peer = tables.peer(device)
    if peer is None:
        return None, f"the other end of {device[1]} is missing"
    link = tables.link(peer)
    reason = switched_off(tables, peer)
    if not reason and not link["master"] and not _addressed(tables, peer):
        reason = f"{peer[1]} has no master and no address, so nothing takes the frame"
    if not reason and size > link["mtu"] + ETHERNET + VLAN:
        reason = f"the packet is of {size - ETHERNET} bytes, and {peer[1]} in {peer[0]} takes {link['mtu']} (its MTU)"
    return f"{peer[0]} {peer[1]}", reason or f"{peer[1]} did not get it"


def _addressed(tables: Tables, device: Device) -> bool:
    return any((row["namespace"], row["dev"]) == device for row in tables.rows["addresses"])


def _hangs_free(tables: Tables, device: Device) -> bool:
    """Whether a cable ends here in nothing: no port of a bridge, and neither an address nor a route leads to it."""
    rows = (row for name in ("addresses", "routes") for row in tables.rows[name] if row["family"] == "inet")
    used = any((row["namespace"], row["dev"]) == device for row in rows)
    return tables.link(device).get("kind") == "veth" and not tables.link(device)["master"] and not used


def _not_mine(tables: Tables, device: Device, mac: str) -> str:
    link = tables.link(device)
    if not _addressed(tables, device):
        return f"{device[1]} has no master, so no bridge takes the frame, and {mac} is not its own MAC"
    return f"the frame is for {mac}, but {device[1]} in {device[0]} has {link.get('mac')}: a neighbour entry is wrong"


def _unwrappable(tables: Tables, tunnel: Device, mac: str) -> tuple[str | None, str]:
    entry, link = tables.fdb(tunnel, mac), tables.link(tunnel)
    below = f"{tunnel[0]} {link.get('vxlan_dev')}"
    if entry is None and to_everyone(mac):
        return below, f"no neighbour entry tells the MAC, and {tunnel[1]} has no FDB entry for what is for everyone"
    if entry is None:
        return below, f"{tunnel[1]} has no FDB entry for {mac}, so it does not know which node to wrap it for"
    return below, no_way(tables, tunnel[0], entry["dst"]) or f"{tunnel[1]} did not wrap it for {entry['dst']}"


def _unwanted_wrapping(tables: Tables, device: Device, row: Row) -> tuple[str | None, str]:
    namespace = device[0]
    tunnel = tables.tunnel(namespace, row["vni"])
    if row["outer_dst_ip"] not in tables.own(namespace):
        return None, f"the wrapping is for {row['outer_dst_ip']}, which is not {namespace}'s address"
    if tunnel is None:
        return None, f"{namespace} has no VXLAN device with VNI {row['vni']}"
    port = tables.link(tunnel)["vxlan_port"]
    if port != row["outer_port"]:
        return f"{namespace} {tunnel[1]}", f"{tunnel[1]} listens on UDP port {port}, this is for {row['outer_port']}"
    reason = switched_off(tables, tunnel) or f"{tunnel[1]} did not take the wrapping off"
    return f"{namespace} {tunnel[1]}", reason


def _unbridged(tables: Tables, bridge: Device, mac: str, ip: str) -> tuple[str | None, str]:
    """Why a bridge does not hand it on: look from the far end, whose cable tells which port it should be."""
    if reason := switched_off(tables, bridge):
        return f"{bridge[0]} {bridge[1]}", reason
    entry = tables.fdb(bridge, mac)
    far = next((d for d, row in tables.links.items() if row["mac"] == mac and d[0] != bridge[0]), None)
    far = far or tables.owner(ip)
    port = (bridge[0], entry["dev"]) if entry and entry["dev"] != bridge[1] else far and tables.peer(far)
    if port is None and tables.owner(ip) is None:
        return None, f"nobody answers for {ip}: no namespace has this address"
    if port is None or port[0] != bridge[0]:
        return None, f"no port of {bridge[1]} leads to {ip}"
    expected, link = f"{port[0]} {port[1]}", tables.link(port)
    if link.get("master") != bridge[1]:
        where = f"is a port of {link['master']}" if link.get("master") else "has no master"
        return expected, f"{port[1]} {where}, so {bridge[1]} does not reach it"
    peer = tables.peer(port)
    missing = f"the other end of {port[1]} is missing"
    reason = switched_off(tables, port) or (switched_off(tables, peer) if peer else missing)
    return expected, reason or f"{bridge[1]} did not send it to {port[1]}"


def onward(
    tables: Tables,
    namespace: str,
    ip: str,
    settings: dict[str, str],
    arrived: Device | None = None,
    source: str | None = None,
) -> tuple[str | None, str]:
    """What a namespace that has a packet for this address does with it, and what stands in the way.

    arrived: the device it came in by (None: it starts here); source: who sent it.
    """
    if ip in tables.own(namespace):
        if source is None:
            off = switched_off(tables, (namespace, "lo"))
            why_not = (
                f"{off}, and a namespace talks to itself by lo" if off else f"{namespace} has {ip} and did not answer"
            )
            return namespace, why_not
        there, why_not = onward(tables, namespace, source, settings)
        return there, f"{namespace} has {ip}, but its answer to {source} does not leave: {why_not}"
    route = tables.route(namespace, ip)
    expected = f"{namespace} {route['dev']}" if route and route["dev"] and route["kind"] not in DEAD_ENDS else None
    if arrived:
        key = "ipv6/conf/all/forwarding" if ":" in ip else "ipv4/ip_forward"
        if settings.get(key) == "0" and settings.get(f"ipv4/conf/{arrived[1]}/forwarding", "0") == "0":
            return expected, f"forwarding is off in {namespace} ({key.replace('/', '.')}=0)"
    if arrived and source and (reason := _wrong_way_round(tables, arrived, source, settings)):
        return expected, reason
    if reason := no_way(tables, namespace, ip):
        return expected, reason
    return expected, f"the tables lead to {expected}: look at `iptables -vnL` in {namespace}"


def _wrong_way_round(tables: Tables, arrived: Device, source: str, settings: dict[str, str]) -> str | None:
    """Reverse-path filter: sysctl rp_filter of the device or of all, whichever is larger."""
    if max(settings.get(f"ipv4/conf/{name}/rp_filter", "0") for name in ("all", arrived[1])) != "1":
        return None
    back = tables.route(arrived[0], source)
    if back and back["dev"] == arrived[1]:
        return None
    way = f"the route back is {said(back)}" if back else "there is no route back"
    return f"rp_filter is on at {arrived[1]} and {way}: a packet from {source} must not come in here"


def no_way(tables: Tables, namespace: str, ip: str) -> str | None:
    """Why a namespace cannot send to this address; None when route and device are in order.

    Whether the next hop's MAC is known need not be asked: a question without an answer would have been seen.
    """
    route = tables.route(namespace, ip)
    if route is None:
        links = (row for device, row in tables.links.items() if device[0] == namespace and row["kind"] != "loopback")
        down = [row["name"] for row in links if not row["up"]]
        hint = f" ({', '.join(down)} is down, and a device that is down has no routes)" if down else ""
        return f"{namespace} has no route to {ip}{hint}"
    if route["kind"] in DEAD_ENDS:
        return f"the route {said(route)} in {namespace} swallows it"
    device = (namespace, route["dev"])
    if reason := switched_off(tables, device):
        return f"route {said(route)}, but {reason}"
    return None


def unanswered(tables: Tables, device: Device, ip: str, settings: dict[str, str]) -> str:
    """Why nobody tells the MAC of this address."""
    owner = tables.owner(ip)
    if owner is None:
        route = tables.route(device[0], ip)
        if route and route["dev"] == device[1]:
            return f"nobody has {ip}: no namespace has this address"
        key = f"ipv4/conf/{device[1]}/proxy_arp"
        if settings.get(key) == "0" and settings.get("ipv4/conf/all/proxy_arp") == "0":
            return f"nobody has {ip}, and proxy_arp is off at {device[1]} in {device[0]}"
        if settings.get(key) == "1":
            return f"proxy_arp is on at {device[1]}, but {device[0]} itself has no other way to {ip}"
        return f"nobody answers for {ip}: no namespace has this address"
    if reason := switched_off(tables, owner):
        return f"nobody answers for {ip}: {reason}"
    return f"nobody answers for {ip}, the address of {owner[0]} {owner[1]}"
