"""The drawing in characters, and as Mermaid text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..snapshot import Row, Snapshot
from .devices import (
    Key,
    _is_cut,
    _key,
    _peer_key,
    _rank,
    _status,
    addresses,
    condition,
    devices,
    remark,
    tunnels,
    unseen,
)
from .machines import UNSEEN, machines

# ---- characters -------------------------------------------------------------------------------------------

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


def as_text(snapshot: Snapshot, unicode: bool = True) -> str:
    """The wiring as a tree of characters: machines, bridges and their ports, and what is at the far end."""
    signs = UNICODE if unicode else ASCII
    told: set[Key] = set()
    lines: list[str] = []
    for space in _told_order(snapshot):
        own = devices(snapshot, space)
        below = [d for d in own if not d["master"]]
        if not (below and not all(_key(d) in told for d in below)):
            if space != UNSEEN and (space in machines(snapshot) or not own):
                lines.append(space + ("" if own else " (no devices but lo)"))
            continue
        lines.append(space)
        lines += _branches(snapshot, sorted(below, key=_rank), signs, told)
    return "\n".join(lines)


def _told_order(snapshot: Snapshot) -> list[str]:
    homes = machines(snapshot)
    return [*homes, *(space for members in homes.values() for space in members)]


def _branches(snapshot: Snapshot, links: list[Row], signs: Mapping[str, str], told: set[Key]) -> Iterator[str]:
    links = [d for d in links if _key(d) not in told]
    for n, link in enumerate(links):
        last = n == len(links) - 1
        yield (signs["end"] if last else signs["tee"]) + _with_far_end(snapshot, link, signs, told)
        ports = [d for d in devices(snapshot, link["namespace"]) if d["master"] == link["name"]]
        for line in _branches(snapshot, sorted(ports, key=_rank), signs, told):
            yield (signs["gap"] if last else signs["bar"]) + line


def _with_far_end(snapshot: Snapshot, link: Row, signs: Mapping[str, str], told: set[Key]) -> str:
    told.add(_key(link))
    text = _described(snapshot, link)
    other = _peer_key(link)
    if _is_cut(link):
        return text + signs["cut"] + "(its other end is not to be found)"
    if link.get("unseen"):
        return f"{text}{signs['unknown']}({unseen(link)})"
    if other:
        told.add(other)
        far = next(row for row in devices(snapshot, other[0]) if row["name"] == other[1])
        return f"{text}{signs['wire']}{other[0]}: {_described(snapshot, far)}"
    ends = [two for one, two, there, back in tunnels(snapshot) if one is link and there and back]
    ends += [one for one, two, there, back in tunnels(snapshot) if two is link and there and back]
    return text + "".join(f"{signs['tunnel']}{end['namespace']}: {end['name']}" for end in ends)


def _described(snapshot: Snapshot, link: Row) -> str:
    kind = f"({link['kind']})" if link["kind"] in ("bridge", "vxlan") else ""
    state = "" if condition(link) in ("UP", "") else f"[{condition(link)}]"
    odd = remark(link, snapshot)
    words = [link["name"], kind, *addresses(snapshot, _key(link)), state, f"[{odd}]" if odd else ""]
    return " ".join(word for word in words if word)


def as_mermaid(snapshot: Snapshot) -> str:
    """The same graph as Mermaid text, which many web pages draw."""
    lines = ["graph TD"]
    for machine, members in machines(snapshot).items():
        lines.append(f'  subgraph {_id("m", machine)}["{_quoted(machine)}"]')
        lines += [f"    {_node(snapshot, link)}" for link in devices(snapshot, machine)]
        for space in members:
            lines.append(f'    subgraph {_id("s", space)}["{_quoted(space)}"]')
            lines += [f"      {_node(snapshot, link)}" for link in devices(snapshot, space)]
            lines.append("    end")
        lines.append("  end")
    for link in snapshot.rows["links"]:
        other = _peer_key(link)
        if link["kind"] == "veth" and other and _key(link) < other:
            lines.append(f"  {_id(*_key(link))} --- {_id(*other)}")
        if link["master"]:
            lines.append(f"  {_id(*_key(link))} -- port --- {_id(link['namespace'], link['master'])}")
    for one, two, there, back in tunnels(snapshot):
        if there and back:
            lines.append(f"  {_id(*_key(one))} -. VXLAN {one['vxlan_id']} .- {_id(*_key(two))}")
    return "\n".join(lines)


def _id(*parts: str) -> str:
    """A name that Mermaid takes: letters, digits and underscores, and no two alike."""
    return "_".join(re.sub(r"\W", lambda found: f"x{ord(found.group()):x}", part) for part in parts)


def _quoted(text: str) -> str:
    """A text inside of Mermaid's quotes: a device may have nearly any sign in its name."""
    return re.sub('["#<>&]', lambda found: f"#{ord(found.group())};", text)


def _node(snapshot: Snapshot, link: Row) -> str:
    words = [
        link["name"],
        *addresses(snapshot, _key(link)),
        _status(link),
        remark(link, snapshot) or (unseen(link) and f"? {unseen(link)}"),
    ]
    return f'{_id(*_key(link))}["{"<br/>".join(_quoted(word) for word in words if word)}"]'
