"""How does the wiring look in characters? A tree for a terminal, and a graph as Mermaid text, which web pages draw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ..facts import Device, Link
from ..snapshot import Snapshot
from .devices import (
    Tunnel,
    addresses,
    by_device,
    comes_first,
    condition,
    devices,
    is_cut,
    is_dead,
    ports_of,
    rank,
    remark,
    status,
    tunnels,
    unseen,
)
from .machines import SWITCHING, UNSEEN, machines

UNICODE = {
    "tee": "├─ ",
    "end": "└─ ",
    "bar": "│  ",
    "gap": "   ",
    "wire": " ═══ ",
    "cut": " ══╳ ",
    "unknown": " ══? ",
    "tunnel": " ┄┄┄ ",
}
ASCII = {
    "tee": "|- ",
    "end": "`- ",
    "bar": "|  ",
    "gap": "   ",
    "wire": " === ",
    "cut": " ==x ",
    "unknown": " ==? ",
    "tunnel": " ... ",
}


# ---- a tree -----------------------------------------------------------------------------------------------


def as_text(snapshot: Snapshot, unicode: bool = True) -> str:
    """The wiring as a tree of characters: machines, bridges and their ports, and what is at the far end."""
    signs = UNICODE if unicode else ASCII
    tree = _Tree(snapshot, signs)
    return "\n".join(tree.lines())


class _Tree:
    """A tree in the making, and the devices that are in it already: each is shown once, mostly at a far end."""

    def __init__(self, snapshot: Snapshot, signs: Mapping[str, str]) -> None:
        self.snapshot = snapshot
        self.signs = signs
        self.shown: set[Device] = set()
        self.tunnel_ends = _tunnel_ends(tunnels(snapshot))

    def lines(self) -> Iterator[str]:
        """Machine by machine, then what is left of the namespaces on them."""
        homes = machines(self.snapshot)
        for machine in homes:
            yield from self._namespace(machine, is_machine=True)
        for members in homes.values():
            for namespace in members:
                yield from self._namespace(namespace, is_machine=False)

    def _namespace(self, namespace: str, is_machine: bool) -> Iterator[str]:
        own = devices(self.snapshot, namespace)
        roots = [link for link in own if not link.master]
        if self._not_shown(roots):
            yield namespace
            yield from self._branches(roots)
            return
        if namespace == UNSEEN:
            return
        if not own:
            yield f"{namespace} (no devices but lo)"
        elif is_machine:
            yield namespace

    def _not_shown(self, links: Iterable[Link]) -> list[Link]:
        return [link for link in links if link.device not in self.shown]

    def _branches(self, links: Iterable[Link]) -> Iterator[str]:
        """Devices that are not shown yet, each with its ports below it."""
        left = sorted(self._not_shown(links), key=rank)
        for link in left:
            is_last = link is left[-1]
            branch = self.signs["end" if is_last else "tee"]
            indent = self.signs["gap" if is_last else "bar"]
            yield branch + self._with_far_end(link)
            ports = self._ports(link)
            for line in self._branches(ports):
                yield indent + line

    def _ports(self, bridge: Link) -> list[Link]:
        return list(ports_of(self.snapshot, bridge.device))

    def _with_far_end(self, link: Link) -> str:
        self.shown.add(link.device)
        signs = self.signs
        text = _described(self.snapshot, link)
        if is_cut(link):
            return f"{text}{signs['cut']}(its other end is not to be found)"
        if link.unseen:
            return f"{text}{signs['unknown']}({unseen(link)})"
        if link.peer_device:
            far_end = self._far_end(link.peer_device)
            return text + signs["wire"] + far_end
        for end in self.tunnel_ends.get(link.device, ()):
            text += signs["tunnel"]
            text += f"{end.namespace}: {end.name}"
        return text

    def _far_end(self, device: Device) -> str:
        self.shown.add(device)
        namespace, _ = device
        far = _described(self.snapshot, by_device(self.snapshot)[device])
        return f"{namespace}: {far}"


def _tunnel_ends(pairs: Iterable[Tunnel]) -> dict[Device, list[Link]]:
    """The other ends of the tunnels that work, by the device at the one end."""
    ends: dict[Device, list[Link]] = {}
    for pair in pairs:
        if pair.works:
            ends.setdefault(pair.one.device, []).append(pair.two)
            ends.setdefault(pair.two.device, []).append(pair.one)
    return ends


def _described(snapshot: Snapshot, link: Link) -> str:
    """A device in a line: its name and kind, its addresses, and in brackets what is wrong with it."""
    words = [link.name]
    if link.kind in SWITCHING:
        words.append(f"({link.kind})")
    words += addresses(snapshot, link.device)
    if is_dead(link):
        words.append(f"[{condition(link)}]")
    odd = remark(link, snapshot)
    if odd:
        words.append(f"[{odd}]")
    return " ".join(words)


# ---- a graph ----------------------------------------------------------------------------------------------


def as_mermaid(snapshot: Snapshot) -> str:
    """The same graph as Mermaid text: machines and namespaces as frames, devices as nodes, cables as edges."""
    lines = ["graph TD"]
    for machine, members in machines(snapshot).items():
        lines.append(f"  {_subgraph('m', machine)}")
        lines += _nodes(snapshot, machine, "    ")
        for namespace in members:
            lines.append(f"    {_subgraph('s', namespace)}")
            lines += _nodes(snapshot, namespace, "      ")
            lines.append("    end")
        lines.append("  end")
    lines += _edges(snapshot)
    return "\n".join(lines)


def _subgraph(kind: str, name: str) -> str:
    """The line that opens a frame; kind: m for a machine, s for a namespace on it, which may have the same name."""
    frame = _id(kind, name)
    return f'subgraph {frame}["{_quoted(name)}"]'


def _nodes(snapshot: Snapshot, namespace: str, indent: str) -> Iterator[str]:
    for link in devices(snapshot, namespace):
        yield indent + _node(snapshot, link)


def _edges(snapshot: Snapshot) -> Iterator[str]:
    for link in snapshot.rows.links:
        here = _id(*link.device)
        if link.kind == "veth" and link.peer_device and comes_first(link):
            other = _id(*link.peer_device)
            yield f"  {here} --- {other}"
        if link.master:
            bridge = _id(link.namespace, link.master)
            yield f"  {here} -- port --- {bridge}"
    for tunnel in tunnels(snapshot):
        if tunnel.works:
            one = _id(*tunnel.one.device)
            two = _id(*tunnel.two.device)
            yield f"  {one} -. VXLAN {tunnel.one.vxlan_id} .- {two}"


def _id(*parts: str) -> str:
    """A name that Mermaid takes: letters, digits and underscores, and no two alike."""
    taken = [re.sub(r"\W", _in_hex, part) for part in parts]
    return "_".join(taken)


def _in_hex(sign: re.Match[str]) -> str:
    number = ord(sign.group())
    return f"x{number:x}"


def _quoted(text: str) -> str:
    """A text inside of Mermaid's quotes: a device may have nearly any sign in its name."""
    return re.sub('["#<>&]', _as_entity, text)


def _as_entity(sign: re.Match[str]) -> str:
    number = ord(sign.group())
    return f"#{number};"


def _node(snapshot: Snapshot, link: Link) -> str:
    words = [link.name]
    words += addresses(snapshot, link.device)
    words += [status(link), remark(link, snapshot)]
    if link.unseen:
        words.append(f"? {unseen(link)}")
    lines = [_quoted(word) for word in words if word]
    text = "<br/>".join(lines)
    name = _id(*link.device)
    return f'{name}["{text}"]'
