"""Claims about what is made on what: children and VLANs of a device, VLANs at a port, who holds a tap."""

from __future__ import annotations

from ..facts import Device, Link
from ..inside import inside, quoted
from ..language import enumerated, together, tr
from .devices import full, link_line
from .question import Absent, Finding, Question, no, yes


def is_child(question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str) -> Finding:
    """`pod-a mac0 is a child of eth0`: made on it, as macvlan, ipvlan and VLAN devices are; ip-link(8)."""
    device = question.device(ns, dev)
    link = question.link(device)
    command = link_line(device, "-d ")
    if link.parent is None:
        if link.parent_index is not None:
            why = tr("what {full} is made on is in a namespace that has no name", full=full(device))
        else:
            why = tr("{full} is made on no other device", full=full(device))
        return no(why, command, "mtu")
    parent = (link.parent_namespace or "", link.parent)
    if _is_meant(question, parent, ns2, dev2):
        return yes(tr("{full} is made on {parent}", full=full(device), parent=full(parent)), command, "mtu")
    why = tr(
        "{full} is made on {parent}, not on {asked_for}",
        full=full(device),
        parent=full(parent),
        asked_for=_asked_for(question, ns2, dev2),
    )
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
    return tr("{name} in {namespace}", name=dev, namespace=question.space(ns))


def is_vlan(
    question: Question, ns: str | None, dev: str, ns2: str | None, dev2: str, vlan: str | None = None
) -> Finding:
    """`h1 eth0.10 is a VLAN of eth0`: an 802.1Q or 802.1ad device on it, with this number if one is told."""
    device = question.device(ns, dev)
    link = question.link(device)
    command = link_line(device, "-d ")
    if link.kind != "vlan":
        why = tr("{full} is no VLAN device", full=full(device))
        if link.kind:
            why = tr("{full} is no VLAN device, but one of kind {kind}", full=full(device), kind=link.kind)
        return no(why, command, "mtu")
    finding = is_child(question, ns, dev, ns2, dev2)
    if not finding.ok:
        return finding
    number = str(link.vlan_id)
    if vlan is not None and vlan != number:
        why = tr(
            "{full} is VLAN {number} of {parent}, not VLAN {vlan}",
            full=full(device),
            number=number,
            parent=link.parent,
            vlan=vlan,
        )
        return no(why, command, "vlan", instead=(number,))
    return yes(
        tr("{full} is VLAN {number} of {parent}", full=full(device), number=number, parent=link.parent), command, "vlan"
    )


def lets_through(question: Question, ns: str | None, dev: str, vlan: str) -> Finding:
    """`sw1 trunk lets VLAN 10 through`: the bridge that it is a port of does; bridge(8)."""
    device = question.device(ns, dev)
    namespace, _ = device
    link = question.link(device)
    bridge: Link | None = link
    if link.master:
        bridge = question.tables.link((namespace, link.master))
    if bridge is None or bridge.kind != "bridge":
        raise Absent(no(tr("{full} is no port of a bridge", full=full(device)), link_line(device), "mtu"))
    if not bridge.vlan_filtering:
        why = tr(
            "{bridge} does not look at VLANs, so every one goes through {full}", bridge=bridge.name, full=full(device)
        )
        details = inside(namespace, f"ip -d link show dev {quoted(bridge.name)}")
        return yes(why, details, "bridge")
    command = inside(namespace, f"bridge vlan show dev {quoted(dev)}")
    numbers = [str(one.vlan) for one in link.vlans]
    if str(int(vlan)) in numbers:
        return yes(tr("{full} lets VLAN {vlan} through", full=full(device), vlan=vlan), command, dev)
    listed = enumerated(numbers) or tr("none")
    why = tr("{full} lets VLANs {listed} through, and not {vlan}", full=full(device), listed=listed, vlan=vlan)
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
        raise Absent(no(tr("{full} is no tun and no tap", full=full(device)), command, "mtu"))
    holders = _holders(link)
    names = [holder.process for holder in link.holders]
    numbers = [str(holder.pid) for holder in link.holders]
    if process in names or process in numbers:
        return yes(tr("{full} is held by {holders}", full=full(device), holders=holders), command, "tun")
    if holders:
        why = tr("{full} is held by {holders}", full=full(device), holders=holders)
    else:
        why = tr("no process that we can see holds {full}", full=full(device))
    return no(why, command, "tun", instead=tuple(names))


def _holders(link: Link) -> str:
    """The processes that hold a device, in words: `qemu (4711)`."""
    words = [f"{holder.process} ({holder.pid})" for holder in link.holders]
    return together(words)
