"""What does `ip -d -j link` tell of a device by its kind? A VLAN's number, a tunnel's ends, a VRF's table.

Each kind has words of its own for the same thing: the address that a VXLAN device sends to is its `remote`, `remote6`,
`group` or `group6`, and `any` stands for none where a GRE device has no end. Here they get the names of the facts.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from ..facts import TUNNELS, Function, PortVlan, Wrapping

Row = dict[str, Any]  # what JSON holds

NO_ADDRESS = ("any", "0.0.0.0", "::")  # iproute2's words for an end that is left open


def of_kind(kind: str | None, info: Row) -> Row:
    """The fields of a Link that its kind decides.

    kind: `info_kind`; info: `linkinfo` of a device, as `ip -d -j link` prints it.
    """
    data = info.get("info_data", {})
    if kind in TUNNELS:
        return {"wrapping": wrapping(data)}
    if kind == "vlan":
        return {"vlan_id": data.get("id"), "vlan_protocol": data.get("protocol")}
    if kind == "vrf":
        return {"vrf_table": data.get("table")}
    if kind == "bond":
        return {"mode": data.get("mode"), "active": data.get("active_slave")}
    if kind == "tun":
        return {"mode": data.get("type")}
    mode = data.get("mode")
    if not isinstance(mode, str):
        return {}
    # of an ipvlan two of these flags are words beside its mode: ip-link(8)
    flags = [flag for flag in ("private", "vepa") if data.get(flag) is True]
    return {"mode": " ".join([mode, *flags])}


def wrapping(data: Row) -> Wrapping:
    """How a tunnel wraps; data: its `info_data`, where `link` is its device in the namespace that it was made in."""
    remote = _address(data, "remote")
    group = _address(data, "group")
    if remote is not None and ip_address(remote).is_multicast:
        remote, group = None, remote  # iproute2 says `remote` of a GRE device's group too
    return Wrapping(
        local=_address(data, "local"),
        remote=remote,
        group=group,
        key=_key(data),
        port=data.get("port"),
        dev=data.get("link"),
        external=bool(data.get("external")),
        mode=data.get("proto"),
    )


def _address(data: Row, word: str) -> str | None:
    """The address that a word or its IPv6 form tells; None where the end is left open."""
    address = data.get(word) or data.get(f"{word}6")
    if address is None or address in NO_ADDRESS:
        return None
    return str(address)


def _key(data: Row) -> str | None:
    """The VNI, or the key of GRE, which iproute2 prints as if it were an address: 7 is 0.0.0.7.

    >>> _key({"ikey": "0.0.0.7", "okey": "0.0.1.7"})
    '7 in, 263 out'
    """
    if data.get("external"):
        return None
    if "id" in data:
        return str(data["id"])
    inward, outward = _number(data.get("ikey")), _number(data.get("okey"))
    if inward == outward:
        return inward
    keys = []
    if inward is not None:
        keys.append(f"{inward} in")
    if outward is not None:
        keys.append(f"{outward} out")
    return ", ".join(keys)


def _number(key: str | None) -> str | None:
    if key is None or key in NO_ADDRESS:
        return None
    return str(int(ip_address(key)))


def port_vlans(rows: list[Row]) -> dict[str, tuple[PortVlan, ...]]:
    """By device what `bridge -j vlan` tells of a namespace; ranges (`vlanEnd`, with -compressvlans) are opened."""
    by_device = {}
    for row in rows:
        vlans = []
        for entry in row.get("vlans", ()):
            flags = entry.get("flags", ())
            first = entry["vlan"]
            for vlan in range(first, entry.get("vlanEnd", first) + 1):
                vlans.append(PortVlan(vlan=vlan, pvid="PVID" in flags, untagged="Egress Untagged" in flags))
        by_device[row["ifname"]] = tuple(vlans)
    return by_device


def functions(link: Row) -> tuple[Function, ...]:
    """The virtual functions of a network card, from its `vfinfo_list`."""
    found = []
    for row in link.get("vfinfo_list", ()):
        # older releases of iproute2 have the VLAN beside the number, newer ones in a list
        vlans = row.get("vlan_list") or [row]
        vlan = vlans[0].get("vlan")
        found.append(Function(number=row["vf"], mac=row.get("mac") or row.get("address"), vlan=vlan or None))
    return tuple(found)
