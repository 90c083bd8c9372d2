"""Which bytes of a frame are which header? Those of Ethernet, VLAN, ARP, IP, UDP, TCP, ICMP, VXLAN, GRE; then data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

# https://www.iana.org/assignments/ieee-802-numbers and https://www.iana.org/assignments/protocol-numbers
ARP, IPV4, IPV6, BRIDGED = 0x0806, 0x0800, 0x86DD, 0x6558
TAGS = {0x8100, 0x88A8}
ICMP, IPIP, TCP, UDP, IN_IPV6, GRE, ICMPV6 = 1, 4, 6, 17, 41, 47, 58
VXLAN_PORTS = {4789, 8472}
ETHERNET_BYTES, ROW = 14, 16
# Okabe and Ito's colours, which those who see no red or no green tell apart, made light.
COLOURS = {"Ethernet": "#bfe3f7", "IP": "#ffe3a6", "UDP": "#b3e0d2", "TCP": "#b3e0d2", "VXLAN": "#eccfe0"}
OTHER, DATA = "#f7cdb0", "#eeeeee"


@dataclass(frozen=True)
class Part:
    """A header, or the data behind the last one. name: as a reader knows it; bytes: its own, as on the device."""

    name: str
    bytes: bytes


@dataclass(frozen=True)
class Frame:
    """The bytes of one frame, which a notebook shows with the headers marked. title: what stands above them."""

    bytes: bytes
    title: str = ""
    ethernet: bool = True
    port: int | None = None

    @property
    def parts(self) -> list[Part]:
        """Its headers from the outermost on, and the data behind them."""
        return list(parts(self.bytes, self.ethernet, self.port))

    def __str__(self) -> str:
        lines = [self.title] if self.title else []
        for part in self.parts:
            lines += [f"{part.name}, {len(part.bytes)} bytes", *(f"  {row}" for row in _rows(part.bytes))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        marked = "".join(_marked(part) for part in self.parts)
        return f'<div><div>{escape(self.title)}</div><code style="line-height:1.9">{marked}</code></div>'


def parts(frame: bytes, ethernet: bool = True, port: int | None = None) -> Iterator[Part]:
    """The headers of a frame and its data, in order; what is cut short, or unknown, is data.

    ethernet: whether it begins with such a header, and not with that of an IP packet; port: a UDP port that carries
    VXLAN here, beside the usual ones.

    >>> [part.name for part in parts(bytes.fromhex("ffffffffffff0e0000000001" + "0806") + bytes(28))]
    ['Ethernet', 'ARP']
    """
    ports = VXLAN_PORTS | ({port} if port else set())
    rest = frame
    kind: int | str = "ethernet"
    if not ethernet:
        kind = IPV6 if rest[:1] and rest[0] >> 4 == 6 else IPV4
    while rest:
        name, size, kind = _header(kind, rest, ports)
        if not name or size > len(rest):
            yield Part("data", rest)
            return
        yield Part(name, rest[:size])
        rest = rest[size:]


def _header(kind: int | str, rest: bytes, ports: set[int]) -> tuple[str, int, int | str]:
    """The header that begins here: its name, its size, and what follows it; no name where it is none that we know."""
    if kind == "ethernet":
        return "Ethernet", ETHERNET_BYTES, _number(rest, 12)
    if kind in TAGS:
        return "VLAN", 4, _number(rest, 2)
    if kind == ARP:
        return "ARP", 28, "end"
    if kind == IPV4:
        is_later_fragment = _number(rest, 6) & 0x1FFF
        return "IP", (rest[0] & 15) * 4, "end" if is_later_fragment else f"ip {_byte(rest, 9)}"
    if kind == IPV6:
        return "IP", 40, f"ip {_byte(rest, 6)}"
    if kind in (f"ip {ICMP}", f"ip {ICMPV6}"):
        return "ICMP", 8, "end"
    if kind == f"ip {TCP}":
        return "TCP", (_byte(rest, 12) >> 4) * 4, "end"
    if kind == f"ip {UDP}":
        return "UDP", 8, "vxlan" if _number(rest, 2) in ports else "end"
    if kind == "vxlan":
        return "VXLAN", 8, "ethernet"
    if kind == f"ip {GRE}":
        flags = _byte(rest, 0)
        size = 4 + sum(4 for bit in (0x80, 0x20, 0x10) if flags & bit)  # checksum, key, number: RFC 2784, RFC 2890
        inner = _number(rest, 2)
        return "GRE", size, "ethernet" if inner == BRIDGED else inner
    if kind in (f"ip {IPIP}", f"ip {IN_IPV6}"):
        return _header(IPV4 if kind == f"ip {IPIP}" else IPV6, rest, ports)
    return "", 0, "end"


def _number(rest: bytes, at: int) -> int:
    """The number of two bytes at this place, 0 where the frame is too short."""
    return int.from_bytes(rest[at : at + 2], "big")


def _byte(rest: bytes, at: int) -> int:
    return rest[at] if at < len(rest) else 0


def _rows(part: bytes) -> Sequence[str]:
    return [part[at : at + ROW].hex(" ") for at in range(0, len(part), ROW)]


def _marked(part: Part) -> str:
    colour = DATA if part.name == "data" else COLOURS.get(part.name, OTHER)
    said = f"{part.name}, {len(part.bytes)} bytes"
    label = f"<b>{part.name}</b> {part.bytes.hex(' ')}"
    return f'<span title="{said}" style="background:{colour};color:#000;padding:2px 3px">{label}</span> '
