"""Which fact does a row of a pasted table tell? A link, an address, a route or an FDB entry, by its table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, TypeVar

from ..facts import Address, Entry, Link, Route
from ..tables import Row
from .mending import is_hidden
from .outputs import Record

T = TypeVar("T")


def listed(link: Link, record: Record) -> Link:
    """A link with what a row of a listing says of it; what the row leaves out stays as it was."""
    row = record.row
    link = replace(
        link,
        line=record.line,
        index=_last(row.get("index"), link.index),
        kind=_last(row.get("kind"), link.kind),
        up=_last(row.get("up"), link.up),
        carrier=_last(row.get("carrier"), link.carrier),
        mtu=_last(row.get("mtu"), link.mtu),
        mac=_last(mac(row.get("mac")), link.mac),
        master=_last(row.get("master"), link.master),
        hairpin=_last(row.get("hairpin"), link.hairpin),
        netns=_last(row.get("netns"), link.netns),
        vxlan_id=_last(row.get("vxlan_id"), link.vxlan_id),
        vxlan_port=_last(row.get("vxlan_port"), link.vxlan_port),
        vxlan_local=_last(row.get("vxlan_local"), link.vxlan_local),
        vxlan_dev=_last(row.get("vxlan_dev"), link.vxlan_dev),
        vxlan_learning=_last(row.get("vxlan_learning"), link.vxlan_learning),
    )
    if _is_first_line_of_ip(row):  # it names the master whenever there is one
        link = replace(link, master=row.get("master"), state=row["state"])
    peer = row.get("peer")
    if peer:
        link = replace(link, says=peer, peer_index=number(peer))
    flags = str(row.get("flags") or "").split(",")
    if "UP" in flags and "RUNNING" in flags:  # ifconfig's word for a signal
        link = replace(link, carrier=True)
    return link


def _is_first_line_of_ip(row: Row) -> bool:
    """Whether a row is of `ip addr` or `ip link` (the only ones with bridge_id), and has the device's own line."""
    if "bridge_id" not in row:
        return False
    return bool(row["state"]) and row["flags"] is not None


def _last(now: Any, before: T) -> T:
    """The last word that is one."""
    return before if now is None else now


def address(at: str, record: Record) -> Address:
    """The address in a row of `ip addr` or `ifconfig`, which prints no scope."""
    row = record.row
    ip: str = row["address"]
    return Address(
        namespace=at,
        dev=row["name"],
        family=row["family"] or _family(ip),
        address=ip,
        broadcast=row.get("address_broadcast"),
        scope=row.get("scope") or _scope(ip),
        tentative=row.get("tentative"),
        dadfailed=bool(row.get("dadfailed")),
        line=record.address_line,
    )


def route(at: str, record: Record) -> Route:
    """The route in a row of `ip route`; a default route's family is its gateway's."""
    row = record.row
    to = row["to"]
    via = row["via"]
    telling = via or "" if to == "default" else to
    return Route(
        namespace=at,
        family=_family(telling),
        kind=row["kind"],
        to=to,
        via=via,
        dev=row["dev"],
        proto=row["proto"],
        scope=row["scope"],
        src=row["src"],
        metric=row["metric"],
        onlink=row["onlink"],
        linkdown=row["linkdown"],
        line=record.line,
    )


def older_route(at: str, record: Record) -> Route:
    """The route in a row of `route -n` or `netstat -rn`; one without a device throws packets away."""
    row = record.row
    to: str = row["to"]
    kind = row["kind"]
    if row["dev"] is None and kind == "unicast":
        kind = "blackhole"
    address = to
    if to == "default":  # of which only the gateway tells the family
        address = row["via"] or ""
    return Route(
        namespace=at,
        family=_family(address),
        kind=kind,
        to=to.removesuffix("/32"),
        via=row["via"],
        dev=row["dev"],
        metric=row["metric"] or None,
        line=record.line,
    )


def entry(at: str, record: Record) -> Entry:
    """The FDB entry in a row of `bridge fdb`."""
    row = record.row
    return Entry(
        namespace=at,
        mac=mac(row["mac"]) or "",
        dev=row["dev"],
        master=row["master"],
        dst=row["dst"],
        state=row["state"],
        self=row["self"],
        vlan=row["vlan"],
        line=record.line,
    )


def mac(written: str | None) -> str | None:
    """A MAC address in the letters that the kernel writes; None for one that somebody made unreadable."""
    if written is None or is_hidden(written):
        return None
    return written.lower()


def number(peer: str | None) -> int | None:
    """32 of `if32`."""
    if peer is None:
        return None
    found = re.fullmatch(r"if(\d+)", peer)
    return int(found[1]) if found else None


def _family(address: str) -> str:
    return "inet6" if ":" in address else "inet"


def _scope(address: str) -> str:
    """The scope of an address whose command prints none."""
    if address.startswith("fe80"):
        return "link"
    if address.startswith(("127.", "::1/")):
        return "host"
    return "global"
