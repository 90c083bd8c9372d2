"""How does the wiring look in characters? A tree for a terminal, and a graph as Mermaid text, which web pages draw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ..facts import Device, Link
from ..language import tr
from ..markup import printable
from ..snapshot import Snapshot
from .devices import (
    addresses,
    by_device,
    condition,
    devices,
    is_cut,
    is_dead,
    rank,
    remark,
    status,
    switch_words,
    unseen,
)
from .joins import Join, joins, joins_of
from .kinds import kind_words, port_words, state_words
from .machines import UNSEEN, machines, shown
from .tunnels import Tunnel, tunnels

PLAIN = r"[^\w \-.,:;/@+=*?!()\[\]|~]"  # all other signs are written as entities in Mermaid's texts
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
    return "\n".join(printable(line) for line in tree.lines())


class _Tree:
    """A tree in the making, and the devices that are in it already: each is shown once, mostly at a far end."""

    def __init__(self, snapshot: Snapshot, signs: Mapping[str, str]) -> None:
        self.snapshot = snapshot
        self.signs = signs
        self.shown: set[Device] = set()
        self.listed = {link.namespace for link in snapshot.rows.links}  # a text may name a place and list nothing of it
        self.links = by_device(snapshot)
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
        roots = [link for link in own if not self._hangs(link)]
        if self._not_shown(roots):
            yield shown(namespace)
            yield from self._branches(roots, namespace)
            return
        if namespace == UNSEEN:
            return
        if not own and namespace in self.listed:
            yield tr("{namespace} (no devices but lo)", namespace=namespace)
        elif is_machine:
            yield namespace

    def _hangs(self, link: Link) -> bool:
        """Whether a device stands below another: what it is a port of, or is made on."""
        own = joins_of(self.snapshot).get(link.device, ())
        return any(join.hangs(link.device) for join in own)

    def _not_shown(self, links: Iterable[Link]) -> list[Link]:
        return [link for link in links if link.device not in self.shown]

    def _branches(self, links: Iterable[Link], home: str) -> Iterator[str]:
        """Devices that are not shown yet, each with what hangs on it; home: the namespace that goes without saying."""
        blocks = []
        for link in sorted(links, key=rank):
            if link.device not in self.shown:  # by one before it
                blocks.append(list(self._block(link, home)))
        for number, (first, *others) in enumerate(blocks, start=1):
            is_last = number == len(blocks)
            branch = self.signs["end" if is_last else "tee"]
            indent = self.signs["gap" if is_last else "bar"]
            yield branch + first
            for line in others:
                yield indent + line

    def _block(self, link: Link, home: str) -> Iterator[str]:
        """The line of a device with its other end, and below it its ports and what is made on either end."""
        self.shown.add(link.device)
        far_end = self.links.get(link.peer_device) if link.peer_device else None
        is_first_look = far_end is not None and far_end.device not in self.shown
        if far_end is not None:
            self.shown.add(far_end.device)
        line = self._with_far_end(link, far_end)
        below = self._hanging_on(link)
        if far_end is not None and is_first_look:
            below += self._hanging_on(far_end)
            switch = self._switch_behind(far_end, home)
            if switch is not None:
                below.append(switch)
            elif far_end.master:
                line += " " + tr("(port of {bridge})", bridge=far_end.master)
        yield _placed(link, home) + line
        yield from self._branches(below, link.namespace)

    def _hanging_on(self, link: Link) -> list[Link]:
        """The ports of a device, and what is made on it."""
        own = joins_of(self.snapshot).get(link.device, ())
        return [self.links[join.one] for join in own if join.bears(link.device)]

    def _switch_behind(self, far_end: Link, home: str) -> Link | None:
        """The bridge at the far end of a cable, if the chain of bridges can go on there: in the same namespace."""
        if far_end.master is None or far_end.namespace != home:
            return None
        switch = self.links.get((home, far_end.master))
        if switch is None or switch.device in self.shown:
            return None
        return switch

    def _with_far_end(self, link: Link, far_end: Link | None) -> str:
        signs = self.signs
        text = _described(self.snapshot, link)
        if is_cut(link):
            return f"{text}{signs['cut']}{tr('(its other end is not to be found)')}"
        if link.unseen:
            return f"{text}{signs['unknown']}{_out_of_sight(link)}"
        if far_end is not None:
            there = _placed(far_end, link.namespace) + _described(self.snapshot, far_end)
            return text + signs["wire"] + there
        for end in self.tunnel_ends.get(link.device, ()):
            text += signs["tunnel"]
            text += f"{end.namespace}: {end.name}"
        return text


def _out_of_sight(link: Link) -> str:
    """What is known of an end that we cannot see, in brackets: its number, if that."""
    if link.peer_index is None:
        return tr("(not shown)")
    return tr("(number {number}, not shown)", number=link.peer_index)


def _placed(link: Link, home: str) -> str:
    """What stands before a device that is in another namespace than what it hangs on."""
    if link.namespace == home:
        return ""
    return f"{link.namespace}: "


def _tunnel_ends(pairs: Iterable[Tunnel]) -> dict[Device, list[Link]]:
    """The other ends of the tunnels that work, by the device at the one end."""
    ends: dict[Device, list[Link]] = {}
    for pair in pairs:
        if pair.works:
            ends.setdefault(pair.one.device, []).append(pair.two)
            ends.setdefault(pair.two.device, []).append(pair.one)
    return ends


def _described(snapshot: Snapshot, link: Link) -> str:
    """A device in a line: its name and kind, its addresses, and in brackets what is odd about it."""
    words = [link.name]
    kind = "vxlan" if _is_plain_vxlan(link) else kind_words(link)
    if link.master and link.parent:
        kind = tr("{kind} on {parent}", kind=kind, parent=link.parent)  # it stands below what it is a port of
    if kind:
        words.append(f"({kind})")
    words += addresses(snapshot, link.device)
    if port_words(link):
        words.append(port_words(link))
    if is_dead(link):
        words.append(f"[{condition(link)}]")
    for odd in (switch_words(link), remark(link, snapshot), state_words(link)):
        if odd:
            words.append(f"[{odd}]")
    return " ".join(words)


def _is_plain_vxlan(link: Link) -> bool:
    """Whether a VXLAN device says no other end by itself: whom it sends to stands in its FDB."""
    if link.kind != "vxlan":
        return False
    return link.wrapped_in is None or link.wrapped_in.names_nobody


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
    return f'subgraph {frame}["{_quoted(shown(name))}"]'


def _nodes(snapshot: Snapshot, namespace: str, indent: str) -> Iterator[str]:
    for link in devices(snapshot, namespace):
        yield indent + _node(snapshot, link)


def _edges(snapshot: Snapshot) -> Iterator[str]:
    for join in joins(snapshot):
        one = _id(*join.one)
        two = _id(*join.two)
        yield f"  {one} {_arrow(join)} {two}"
    for tunnel in tunnels(snapshot):
        if tunnel.works:
            one = _id(*tunnel.one.device)
            two = _id(*tunnel.two.device)
            yield f"  {one} -. {tunnel.name} .- {two}"


def _arrow(join: Join) -> str:
    if join.kind == "bus":
        return f"-- {tr('port')} ---"
    if join.kind == "parent":
        return f"-- {tr('made on')} ---"
    return "---"


def _id(*parts: str) -> str:
    """A name that Mermaid takes: letters, digits and underscores, and no two alike."""
    taken = [re.sub(r"\W", _in_hex, part) for part in parts]
    return "_".join(taken)


def _in_hex(sign: re.Match[str]) -> str:
    number = ord(sign.group())
    return f"x{number:x}"


def _quoted(text: str) -> str:
    """A text inside of Mermaid's quotes: a device may have nearly any sign in its name.

    A quote ends the text, a backtick begins Markdown, %%{ settings of the whole graph; so what is plain is told.
    """
    return re.sub(PLAIN, _as_entity, printable(text))


def _as_entity(sign: re.Match[str]) -> str:
    number = ord(sign.group())
    return f"#{number};"


def _node(snapshot: Snapshot, link: Link) -> str:
    words = [link.name, kind_words(link), port_words(link), switch_words(link)]
    words += addresses(snapshot, link.device)
    words += [status(link), remark(link, snapshot)]
    if link.unseen:
        words.append(f"? {unseen(link)}")
    lines = [_quoted(word) for word in words if word]
    text = "<br/>".join(lines)
    name = _id(*link.device)
    return f'{name}["{text}"]'
