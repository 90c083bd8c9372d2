"""What is a device, in a few words? Its kind, and what decides about its packets: a VLAN's number, a tunnel's ends."""

from __future__ import annotations

from ..facts import Link, PortVlan, Wrapping
from ..language import enumerated, marked, tr

NAMES = {
    "ipip": "IPIP", "sit": "SIT", "gre": "GRE", "gretap": marked("GRE, Ethernet"), "erspan": "ERSPAN",
    "ip6tnl": marked("IPv6 tunnel"), "ip6gre": marked("GRE over IPv6"), "ip6gretap": marked("GRE over IPv6, Ethernet"),
    "geneve": "Geneve", "vxlan": "VXLAN", "wireguard": "WireGuard", "vti": "VTI", "vti6": marked("VTI over IPv6"),
}  # fmt: skip
# Kinds that need no word: the link types of real network cards and of lo, and the end of a cable, which looks like one
PLAIN = ("veth", "ether", "loopback", "none")
PLAIN_VLAN = PortVlan(vlan=1, pvid=True, untagged=True)  # what every port of a bridge has from the beginning


def name_of(kind: str) -> str:
    """What a kind of tunnel is called; as the kernel calls it, where that is what everybody says."""
    return tr(NAMES[kind]) if kind in NAMES else kind


def kind_words(link: Link) -> str:
    """The kind of a device in words; empty for what is just a network card or the end of a cable."""
    if link.kind == "bridge":
        return tr("bridge, VLAN-aware") if link.vlan_filtering else tr("bridge")
    if link.kind == "vxlan":
        return _vxlan(link)
    if link.wrapped_in is not None:
        return _tunnel(link.kind or "", link.wrapped_in)
    if link.kind == "vlan":
        return _vlan(link)
    if link.kind == "vrf":
        return tr("VRF, table {table}", table=link.vrf_table)
    if link.kind == "tun":
        return f"{link.mode or 'tun'}, {_held(link)}"
    if link.functions:
        return tr("{count} virtual functions", count=len(link.functions))
    if link.kind is None or link.kind in PLAIN:
        return ""
    return f"{link.kind} {link.mode}" if link.mode else link.kind


def _vxlan(link: Link) -> str:
    wrapping = link.wrapped_in or Wrapping()
    words = f"VNI {link.vxlan_id}, UDP {link.vxlan_port}"
    if wrapping.external:
        words = f"VXLAN, UDP {link.vxlan_port}, external"  # as `ip -d link` has it
    return words + _end(wrapping)


def _tunnel(kind: str, wrapping: Wrapping) -> str:
    words = name_of(kind)
    if wrapping.key and kind == "geneve":
        words += f", VNI {wrapping.key}"
    elif wrapping.key:
        words += tr(", key {key}", key=wrapping.key)
    if wrapping.port:
        words += f", UDP {wrapping.port}"
    if wrapping.external:
        words += ", external"
    return words + _end(wrapping)


def _end(wrapping: Wrapping) -> str:
    """The other end, where the device itself says it."""
    if wrapping.remote:
        return tr(", to {remote}", remote=wrapping.remote)
    if wrapping.group:
        return tr(", group {group}", group=wrapping.group)
    return ""


def _vlan(link: Link) -> str:
    words = f"VLAN {link.vlan_id}"
    if link.vlan_protocol not in (None, "802.1Q"):
        words += f" ({link.vlan_protocol})"
    return words


def _held(link: Link) -> str:
    if link.holders:
        processes = [f"{holder.process} ({holder.pid})" for holder in link.holders]
        return tr("held by {processes}", processes=enumerated(processes))
    # IFF_LOWER_UP is set as long as a process has it open: tun_attach(), drivers/net/tun.c
    if link.up and link.carrier is False:
        return tr("held by nobody")
    return tr("its process is not seen") if link.up else tr("off")


def port_words(link: Link) -> str:
    """What a bridge that looks at VLANs lets through at a port; empty where that is as it is from the beginning."""
    if not link.vlans or link.vlans == (PLAIN_VLAN,):
        return ""
    words = [vlan.words for vlan in link.vlans]
    return f"VLANs {', '.join(words)}"


def state_words(link: Link) -> str:
    """The state of a port in which its bridge hands nothing on; empty where it does, and where the port is off."""
    state = link.port.state if link.port else None
    if state is None or state in ("forwarding", "disabled"):
        return ""
    return state
