"""Which devices are there, and what is at their other ends? Of what `ip -d -j addr` says in each namespace.

A namespace calls another one by a number of its own (`ip netns list-id`), and a device there by its number, so a peer
or a parent is found only when all namespaces have answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ..facts import Link, Port, Wire, Wrapping
from ..sandbox import HOSTNAME
from . import of_kind

Row = dict[str, Any]  # what JSON holds
Answer = dict[str, Any]  # of a namespace, by the question: what JSON holds, or text


def links(spaces: Mapping[str, Answer]) -> list[Link]:
    """The devices of all namespaces, each namespace with its answers.

    addr: `ip -d -j addr`; ids: `ip -j netns list-id`; vlans: `bridge -j vlan`; names: its further names.
    """
    first_names = {}
    for space, answer in spaces.items():
        for name in answer.get("names", ()):
            first_names[name] = space
    ends = {space: Ends.of(answer).called(first_names) for space, answer in spaces.items()}
    devices: list[Link] = []
    for space, answer in spaces.items():
        devices += _links(space, answer, ends)
    return devices


def _links(space: str, answer: Answer, ends: Mapping[str, Ends]) -> Iterator[Link]:
    vlans = of_kind.port_vlans(answer.get("vlans", []))
    for link in answer["addr"]:
        if not link:  # iproute2 prints {} for what a filter left out
            continue
        info = link.get("linkinfo", {})
        kind = info.get("info_kind")
        fact = Link(
            namespace=space,
            index=link["ifindex"],
            name=link["ifname"],
            kind=kind or link["link_type"],
            state=link["operstate"],
            up="UP" in link["flags"],
            carrier="LOWER_UP" in link["flags"],
            mtu=link["mtu"],
            mac=link.get("address"),
            master=link.get("master"),
            hairpin=info.get("info_slave_data", {}).get("hairpin"),
            port=_port(info),
            arp="NOARP" not in link["flags"],
            vlans=vlans.get(link["ifname"], ()),
            functions=of_kind.functions(link),
            alias=link.get("ifalias"),
            **of_kind.of_kind(kind, info),
        )
        if fact.wrapping is not None:
            fact = replace(fact, wrapping=_underlay(fact.wrapping, space, link, ends))
        if kind == "vxlan":
            fact = _with_tunnel(fact, info["info_data"])
        elif kind == "bridge":
            fact = _with_spanning_tree(fact, info["info_data"])
        elif fact.is_cable:
            fact = _with_peer(fact, link, ends)
        elif fact.wrapping is None and ("link" in link or "link_netnsid" in link):
            fact = _with_parent(fact, link, ends)
        yield fact


def _port(info: Row) -> Port | None:
    """What a bridge does at its port; a word that this kernel, or this `ip`, does not tell keeps its default."""
    if info.get("info_slave_kind") != "bridge":
        return None
    data = info.get("info_slave_data", {})
    settings = {}
    for field in fields(Port):
        if field.name in data:
            settings[field.name] = data[field.name]
    return Port(**settings)


def _with_spanning_tree(link: Link, data: Row) -> Link:
    hundredths = data.get("forward_delay")  # the kernel counts in hundredths of a second
    seconds = None if hundredths is None else hundredths / 100
    filtering = data.get("vlan_filtering")  # missing where the kernel cannot
    return replace(
        link,
        stp=bool(data.get("stp_state")),
        forward_delay=seconds,
        vlan_filtering=None if filtering is None else bool(filtering),
        vlan_protocol=data.get("vlan_protocol"),
    )


def _with_parent(fact: Link, link: Row, ends: Mapping[str, Ends]) -> Link:
    """The device that a macvlan, VLAN or the like is on; in another namespace it is told by its number."""
    if "link" in link:
        here = ends[fact.namespace].devices.get(link["link"], {})
        return replace(fact, parent=link["link"], parent_namespace=fact.namespace, parent_index=here.get("ifindex"))
    number = link.get("link_index", 0)
    fact = replace(fact, parent_index=number or None)
    there = ends[fact.namespace].spaces.get(link.get("link_netnsid"))
    if there is None or there not in ends:
        return fact
    other = ends[there].devices.get(number)
    if other is None:
        return fact
    return replace(fact, parent=other["ifname"], parent_namespace=there)


def _underlay(wrapping: Wrapping, space: str, link: Row, ends: Mapping[str, Ends]) -> Wrapping:
    """The wrapping with the namespace in which its packets travel, and its device there.

    A tunnel device that was moved goes on sending where it was made. The device below it is then told by its number
    there, which iproute2 takes for a number here: it says the name that has this number here, else `if9`.
    """
    if "link_netnsid" not in link:
        return replace(wrapping, namespace=space)
    there = ends[space].spaces.get(link["link_netnsid"])
    if wrapping.dev is None:
        return replace(wrapping, namespace=there)
    here = ends[space].devices.get(wrapping.dev)
    number = here["ifindex"] if here else _number(wrapping.dev)
    other = ends[there].devices.get(number) if there is not None and there in ends else None
    return replace(wrapping, namespace=there, dev=other["ifname"] if other else None)


def _number(name: str) -> int:
    """9 of `if9`; 0, which no device has, of another name."""
    digits = name.removeprefix("if")
    return int(digits) if digits.isdecimal() else 0


def _with_tunnel(link: Link, data: Row) -> Link:
    return replace(
        link,
        vxlan_id=data.get("id"),
        vxlan_port=data.get("port"),
        vxlan_local=data.get("local") or data.get("local6"),
        vxlan_dev=link.wrapping.dev if link.wrapping else None,
        vxlan_learning=data.get("learning"),
    )


@dataclass(frozen=True)
class Ends:
    """The devices of a namespace by number and by name, and the namespaces that it has numbers for."""

    devices: dict[int | str, Row]
    spaces: dict[int | None, str]

    @classmethod
    def of(cls, answer: Answer) -> Ends:
        """Those that a namespace answered with."""
        devices: dict[int | str, Row] = {}
        for link in answer["addr"]:
            if link:  # iproute2 prints {} for what a filter left out
                devices[link["ifindex"]] = link
                devices[link["ifname"]] = link
        spaces = {row["nsid"]: row.get("name", HOSTNAME) for row in answer["ids"]}
        return cls(devices, spaces)

    def called(self, first_names: Mapping[str, str]) -> Ends:
        """The same with each namespace called by the name that it stands under: `ip` may take any other."""
        spaces = {number: first_names.get(name, name) for number, name in self.spaces.items()}
        return Ends(self.devices, spaces)


def _with_peer(fact: Link, link: Row, ends: Mapping[str, Ends]) -> Link:
    """The other end of a veth, when both ends say so; missing, not guessed, when they do not."""
    here = fact.namespace
    there = _peer_namespace(here, link, ends)
    if there is not None and there in ends:
        other = ends[there].devices.get(_peer_key(link))
        if other and _peer_namespace(there, other, ends) == here and _is_peer(other, link):
            name, number = other["ifname"], other["ifindex"]
            return replace(fact, peer_namespace=there, peer=name, peer_index=number)
    return replace(fact, peer_index=link.get("link_index"))


def _peer_namespace(space: str, link: Row, ends: Mapping[str, Ends]) -> str | None:
    """The namespace that a veth's other end is in; the lab's root is the one that has no name."""
    if "link" in link:
        return space
    number = link.get("link_netnsid")
    there = ends[space].spaces.get(number)
    if there == space:
        return None
    return there


def _peer_key(link: Row) -> Any:
    """What a veth says of its other end: the name in the same namespace, else the number."""
    if "link" in link:
        return link["link"]
    return link.get("link_index")


def _is_peer(link: Row, other: Row) -> bool:
    """Whether what a veth says of its other end is this device."""
    if "link" in link:
        return bool(link["link"] == other["ifname"])
    return bool(link.get("link_index") == other["ifindex"])


def veth_pairs(links: Iterable[Link]) -> Iterator[Wire]:
    """Each veth pair once: the end on the host first, else the one that comes first."""
    ends = {link.device: link for link in links if link.is_cable}
    seen = set()
    for device, end in ends.items():
        if device in seen:
            continue
        seen |= {device, end.peer_device}
        other = ends.get(end.peer_device) if end.peer_device else None
        yield Wire(
            namespace=end.namespace,
            name=end.name,
            state=end.state,
            peer_namespace=end.peer_namespace,
            peer=end.peer,
            peer_state=other.state if other else None,
            mtu=end.mtu,
            master=end.master,
            peer_master=other.master if other else None,
        )
