"""Claims about what is made on what: children and VLANs of a device, VLANs at a port, who holds a tap."""

from __future__ import annotations

from ..facts import Device, Link
from ..inside import inside, quoted
from .devices import full, link_line
from .question import Absent, Finding, Question, no, yes


def is_child(question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str) -> Finding:
    """`pod-a mac0 is a child of eth0`: made on it, as macvlan, ipvlan and VLAN devices are; ip-link(8)."""
    device = question.device(ns, dev)
    link = question.link(device)
    command = link_line(device, "-d ")
    if link.parent is None:
        if link.parent_index is not None:
            why = f"what {full(device)} is made on is in a namespace that has no name"
        else:
            why = f"{full(device)} is made on no other device"
        return no(why, command, "mtu")
    parent = (link.parent_namespace or "", link.parent)
    if _is_meant(question, parent, ns2, dev2):
        return yes(f"{full(device)} is made on {full(parent)}", command, "mtu")
    why = f"{full(device)} is made on {full(parent)}, not on {_asked_for(question, ns2, dev2)}"
    return no(why, command, "mtu", instead=parent)


def _is_meant(question: Question, parent: Device, ns: str | None, dev: str) -> bool:
    """Whether a parent is the one that a claim names; without a namespace the name decides."""
    namespace, name = parent
    if name != dev:
        return False
    return ns is None or question.space(ns) == namespace


def _asked_for(question: Question, ns: str | None, dev: str) -> str:
    if not ns:
        return dev
    return f"{dev} in {question.space(ns)}"


def is_vlan(
    question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str, vlan: str | None = None
) -> Finding:
    """`h1 eth0.10 is a VLAN of eth0`: an 802.1Q or 802.1ad device on it, with this number if one is told."""
    device = question.device(ns, dev)
    link = question.link(device)
    command = link_line(device, "-d ")
    if link.kind != "vlan":
        kind = link.kind or "device"
        return no(f"{full(device)} is no VLAN device, but one of kind {kind}", command, "mtu")
    finding = is_child(question, ns, dev, ns2, dev2)
    if not finding.ok:
        return finding
    number = str(link.vlan_id)
    if vlan is not None and vlan != number:
        why = f"{full(device)} is VLAN {number} of {link.parent}, not VLAN {vlan}"
        return no(why, command, "vlan", instead=(number,))
    return yes(f"{full(device)} is VLAN {number} of {link.parent}", command, "vlan")


def lets_through(question: Question, ns: str | None, dev: str, vlan: str) -> Finding:
    """`sw1 trunk lets VLAN 10 through`: the bridge that it is a port of does; bridge(8)."""
    device = question.device(ns, dev)
    namespace, _ = device
    link = question.link(device)
    bridge: Link | None = link
    if link.master:
        bridge = question.tables.link((namespace, link.master))
    if bridge is None or bridge.kind != "bridge":
        raise Absent(no(f"{full(device)} is no port of a bridge", link_line(device), "mtu"))
    if not bridge.vlan_filtering:
        why = f"{bridge.name} does not look at VLANs, so every one goes through {full(device)}"
        details = inside(namespace, f"ip -d link show dev {quoted(bridge.name)}")
        return yes(why, details, "bridge")
    command = inside(namespace, f"bridge vlan show dev {quoted(dev)}")
    numbers = [str(one.vlan) for one in link.vlans]
    if str(int(vlan)) in numbers:
        return yes(f"{full(device)} lets VLAN {vlan} through", command, dev)
    listed = ", ".join(numbers) or "none"
    why = f"{full(device)} lets VLANs {listed} through, and not {vlan}"
    mends = f"bridge vlan add dev {quoted(dev)} vid {vlan}"
    if not link.master:  # it is the bridge itself
        mends += " self"
    return no(why, command, dev, fixes=(inside(namespace, mends),), instead=tuple(numbers))


def is_held(question: Question, ns: str | None, dev: str, process: str) -> Finding:
    """`tap0 is held by qemu`: a process of this name, or this number, has the tun or tap open."""
    device = question.device(ns, dev)
    link = question.link(device)
    command = link_line(device, "-d ")
    if link.kind != "tun":
        raise Absent(no(f"{full(device)} is no tun and no tap", command, "mtu"))
    holders = _holders(link)
    names = [holder.process for holder in link.holders]
    numbers = [str(holder.pid) for holder in link.holders]
    if process in names or process in numbers:
        return yes(f"{full(device)} is held by {holders}", command, "tun")
    if holders:
        why = f"{full(device)} is held by {holders}"
    else:
        why = f"no process that we can see holds {full(device)}"
    return no(why, command, "tun", instead=tuple(names))


def _holders(link: Link) -> str:
    """The processes that hold a device, in words: `qemu (4711)`."""
    words = [f"{holder.process} ({holder.pid})" for holder in link.holders]
    return " and ".join(words)
