"""How does the wiring look in characters? A tree for a terminal, and a graph as Mermaid text, which web pages draw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ..facts import Device, Link
from ..snapshot import Snapshot
from .devices import Tunnel, addresses, condition, devices, is_cut, is_dead, rank, remark, status, tunnels, unseen
from .machines import UNSEEN, machines

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
    return "\n".join(_Tree(snapshot, UNICODE if unicode else ASCII).lines())


class _Tree:
    """A tree in the making, and the devices that are in it already: each is shown once, mostly at a far end."""

    def __init__(self, snapshot: Snapshot, signs: Mapping[str, str]) -> None:
        self.snapshot, self.signs = snapshot, signs
        self.shown: set[Device] = set()

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
        roots = sorted((link for link in own if not link.master), key=rank)
        if any(link.device not in self.shown for link in roots):
            yield namespace
            yield from self._branches(roots)
        elif namespace != UNSEEN and (is_machine or not own):
            yield namespace if own else f"{namespace} (no devices but lo)"

    def _branches(self, links: Iterable[Link]) -> Iterator[str]:
        """Devices that are not shown yet, each with its ports below it."""
        left = [link for link in links if link.device not in self.shown]
        for link in left:
            is_last = link is left[-1]
            yield self.signs["end" if is_last else "tee"] + self._with_far_end(link)
            ports = [port for port in devices(self.snapshot, link.namespace) if port.master == link.name]
            indent = self.signs["gap" if is_last else "bar"]
            for line in self._branches(sorted(ports, key=rank)):
                yield indent + line

    def _with_far_end(self, link: Link) -> str:
        self.shown.add(link.device)
        text = _described(self.snapshot, link)
        if is_cut(link):
            return f"{text}{self.signs['cut']}(its other end is not to be found)"
        if link.unseen:
            return f"{text}{self.signs['unknown']}({unseen(link)})"
        if link.peer_device:
            return text + self.signs["wire"] + self._far_end(link.peer_device)
        for end in _tunnel_ends(tunnels(self.snapshot), link):
            text += f"{self.signs['tunnel']}{end.namespace}: {end.name}"
        return text

    def _far_end(self, device: Device) -> str:
        self.shown.add(device)
        namespace, name = device
        link = next(link for link in devices(self.snapshot, namespace) if link.name == name)
        return f"{namespace}: {_described(self.snapshot, link)}"


def _tunnel_ends(pairs: Iterable[Tunnel], link: Link) -> list[Link]:
    """The other ends of the tunnels that work."""
    ends = []
    for pair in pairs:
        if pair.works and pair.one is link:
            ends.append(pair.two)
        if pair.works and pair.two is link:
            ends.append(pair.one)
    return ends


def _described(snapshot: Snapshot, link: Link) -> str:
    """A device in a line: its name and kind, its addresses, and in brackets what is wrong with it."""
    words = [link.name]
    if link.kind in ("bridge", "vxlan"):
        words.append(f"({link.kind})")
    words += addresses(snapshot, link.device)
    if is_dead(link):
        words.append(f"[{condition(link)}]")
    if odd := remark(link, snapshot):
        words.append(f"[{odd}]")
    return " ".join(words)


# ---- a graph ----------------------------------------------------------------------------------------------


def as_mermaid(snapshot: Snapshot) -> str:
    """The same graph as Mermaid text: machines and namespaces as frames, devices as nodes, cables as edges."""
    lines = ["graph TD"]
    for machine, members in machines(snapshot).items():
        lines.append(f'  subgraph {_id("m", machine)}["{_quoted(machine)}"]')
        lines += [f"    {_node(snapshot, link)}" for link in devices(snapshot, machine)]
        for namespace in members:
            lines.append(f'    subgraph {_id("s", namespace)}["{_quoted(namespace)}"]')
            lines += [f"      {_node(snapshot, link)}" for link in devices(snapshot, namespace)]
            lines.append("    end")
        lines.append("  end")
    return "\n".join([*lines, *_edges(snapshot)])


def _edges(snapshot: Snapshot) -> Iterator[str]:
    for link in snapshot.rows.links:
        here, other = link.device, link.peer_device
        if link.kind == "veth" and other and here < other:  # from one of its ends only
            yield f"  {_id(*here)} --- {_id(*other)}"
        if link.master:
            yield f"  {_id(*here)} -- port --- {_id(link.namespace, link.master)}"
    for tunnel in tunnels(snapshot):
        if tunnel.works:
            one, two = tunnel.one, tunnel.two
            yield f"  {_id(*one.device)} -. VXLAN {one.vxlan_id} .- {_id(*two.device)}"


def _id(*parts: str) -> str:
    """A name that Mermaid takes: letters, digits and underscores, and no two alike."""
    return "_".join(re.sub(r"\W", _in_hex, part) for part in parts)


def _in_hex(sign: re.Match[str]) -> str:
    return f"x{ord(sign.group()):x}"


def _quoted(text: str) -> str:
    """A text inside of Mermaid's quotes: a device may have nearly any sign in its name."""
    return re.sub('["#<>&]', _as_entity, text)


def _as_entity(sign: re.Match[str]) -> str:
    return f"#{ord(sign.group())};"


def _node(snapshot: Snapshot, link: Link) -> str:
    words = [link.name]
    words += addresses(snapshot, link.device)
    words += [status(link), remark(link, snapshot)]
    if link.unseen:
        words.append(f"? {unseen(link)}")
    text = "<br/>".join(_quoted(word) for word in words if word)
    return f'{_id(*link.device)}["{text}"]'
