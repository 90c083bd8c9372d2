"""What does the page of kinds show? For each network of `networks.py` its sentence, its tree and its picture."""

import json
from pathlib import Path

from vethlab_sh.snapshot import from_plain
from vethlab_sh.wiring import ink
from vethlab_sh.wiring.characters import as_text
from vethlab_sh.wiring.layout import layout

from .networks import NETWORKS

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs"
PICTURES = DOCS / "pictures" / "kinds"
HEAD = """\
<!-- written by make kinds -->

# Kinds of devices

Whatever a kernel has is joined, drawn, told by `changes`, walked, checked and saved. A solid line is a cable, a thick \
one leads from a port to what it is a port of, a dash-dotted one from a device to what it is made on, a dashed one is \
a tunnel. Below are the kinds, each with a small network. Of queues that `tc` made `save` names which are lost.

| kind | in `ip link add` | drawn | walked | saved |
|---|---|---|---|---|
| cable | `veth`, `netkit` | both ends joined | the other end | both ends by one line |
| bridge | `bridge` | ports on a bar, chains as chains | who knows the MAC | with VLANs and options |
| VLAN | `vlan` | on its parent | the tag, also in a tag | with its flags |
| macvlan | `macvlan`, `macvtap` | on its parent, also elsewhere | whose MAC it is | with its mode |
| ipvlan | `ipvlan` | on its parent, also elsewhere | whose address it is | with its mode |
| VXLAN | `vxlan` | a line to each end that it leads to | the frame inside | in any shape but `vnifilter` |
| tunnels | `ipip`, `sit`, `gre`, `ip6tnl`, `geneve` … | a line to the other end | the packet inside | but for `encap` |
| bond | `bond` | ports on a bar | by which port | with its options |
| team | `team` | ports on a bar | by which port | but for its mode, which teamd sets |
| VRF | `vrf` | ports on a bar | its table | with its table |
| dummy, ifb | `dummy`, `ifb` | alone | | yes |
| tun, tap | `tuntap` | with the process that holds it | as any device | without that process |
| WireGuard | `wireguard` | by name | up to where it encrypts | no: `ip` does not tell its keys |
| virtual functions (SR-IOV) | none: a card has them | how many, on the card | as any device | no: they are a card's |
"""


def kept(name):
    """The snapshot of a network, as it was recorded."""
    return from_plain(json.loads((HERE / f"{name}.json").read_text()))


def picture(name):
    """Its picture, as matplotlib axes."""
    return ink.draw(layout(kept(name)))


def text():
    """The page."""
    parts = [HEAD]
    for name, network in NETWORKS.items():
        tree = as_text(kept(name))
        parts.append(f"## {network.title}\n\n{network.text}\n\n```text\n{tree}\n```\n")
        parts.append(f"![{network.title}](pictures/kinds/{name}.png)\n")
    return "\n".join(parts)


def write():
    """Write the page and its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
        ink.save(picture(name), str(PICTURES / f"{name}.png"), "png", as_text(kept(name)))
    (DOCS / "kinds.md").write_text(text())
