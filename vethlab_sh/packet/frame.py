"""Which bytes of a frame are which header? Those of Ethernet, VLAN, ARP, IP, UDP, TCP, ICMP, VXLAN, GRE; then data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ..language import Spoken, in_its_language, tr
from ..markup import AsText

# https://www.iana.org/assignments/ieee-802-numbers and https://www.iana.org/assignments/protocol-numbers
ARP, IPV4, IPV6, BRIDGED = 0x0806, 0x0800, 0x86DD, 0x6558
TAGS = {0x8100, 0x88A8}
ICMP, IPIP, TCP, UDP, IN_IPV6, GRE, ICMPV6 = 1, 4, 6, 17, 41, 47, 58
VXLAN_PORTS = {4789, 8472}
ETHERNET_BYTES, ROW = 14, 16
# Okabe and Ito's colours, which those who see no red or no green tell apart, made light.
COLOURS = {"Ethernet": "#bfe3f7", "IP": "#ffe3a6", "UDP": "#b3e0d2", "TCP": "#b3e0d2", "VXLAN": "#eccfe0"}
OTHER, DATA = "#f7cdb0", "#eeeeee"

Header = tuple[str, int, int | str]  # its name, its size in bytes, and the kind of what follows it


@dataclass(frozen=True)
class Part:
    """A header, or the data behind the last one. name: as a reader knows it; bytes: its own, as on the device."""

    name: str
    bytes: bytes


@dataclass(frozen=True, repr=False)
class Frame(AsText, Spoken):
    """The bytes of one frame, which a notebook shows with the headers marked. title: what stands above them."""

    bytes: bytes
    title: str = ""
    ethernet: bool = True
    port: int | None = None

    @property
    def parts(self) -> list[Part]:
        """Its headers from the outermost on, and the data behind them."""
        return list(parts(self.bytes, self.ethernet, self.port))

    @in_its_language
    def words(self) -> str:
        """Its title, and each header's name and bytes."""
        lines = []
        if self.title:
            lines.append(self.title)
        for part in self.parts:
            lines.append(_named(part))
            lines += [f"  {row}" for row in _rows(part.bytes)]
        return "\n".join(lines)

    @in_its_language
    def _repr_html_(self) -> str:
        title = f"<div>{escape(self.title)}</div>"
        marked = "".join(_marked(part) for part in self.parts)
        return f'<div>{title}<code style="line-height:1.9">{marked}</code></div>'


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


def _header(kind: int | str, rest: bytes, ports: set[int]) -> Header:
    """The header that begins here; no name where it is none that we know."""
    if kind == f"ip {UDP}":
        is_vxlan = _number(rest, 2) in ports
        return "UDP", 8, "vxlan" if is_vxlan else "end"
    read = READERS.get(kind)
    if read is None:
        return "", 0, "end"
    return read(rest)


def _ethernet(rest: bytes) -> Header:
    return "Ethernet", ETHERNET_BYTES, _number(rest, 12)


def _vlan(rest: bytes) -> Header:
    return "VLAN", 4, _number(rest, 2)


def _arp(_rest: bytes) -> Header:
    return "ARP", 28, "end"


def _ipv4(rest: bytes) -> Header:
    words_of_header = rest[0] & 15  # of four bytes each
    size = words_of_header * 4
    is_later_fragment = _number(rest, 6) & 0x1FFF
    if is_later_fragment:
        return "IP", size, "end"
    protocol = _byte(rest, 9)
    return "IP", size, f"ip {protocol}"


def _ipv6(rest: bytes) -> Header:
    protocol = _byte(rest, 6)
    return "IP", 40, f"ip {protocol}"


def _icmp(_rest: bytes) -> Header:
    return "ICMP", 8, "end"


def _tcp(rest: bytes) -> Header:
    words_of_header = _byte(rest, 12) >> 4
    return "TCP", words_of_header * 4, "end"


def _vxlan(_rest: bytes) -> Header:
    return "VXLAN", 8, "ethernet"


def _gre(rest: bytes) -> Header:
    """Four bytes, and four more for each of checksum, key and number: RFC 2784, RFC 2890."""
    flags = _byte(rest, 0)
    size = 4
    for bit in (0x80, 0x20, 0x10):
        if flags & bit:
            size += 4
    inner = _number(rest, 2)
    return "GRE", size, "ethernet" if inner == BRIDGED else inner


# By the kind of header: a type of Ethernet, `ip` and the protocol's number, or a name
READERS: Mapping[int | str, Callable[[bytes], Header]] = {
    "ethernet": _ethernet,
    **dict.fromkeys(TAGS, _vlan),
    ARP: _arp,
    IPV4: _ipv4,
    IPV6: _ipv6,
    f"ip {IPIP}": _ipv4,
    f"ip {IN_IPV6}": _ipv6,
    f"ip {ICMP}": _icmp,
    f"ip {ICMPV6}": _icmp,
    f"ip {TCP}": _tcp,
    f"ip {GRE}": _gre,
    "vxlan": _vxlan,
}


def _number(rest: bytes, at: int) -> int:
    """The number of two bytes at this place, 0 where the frame is too short."""
    return int.from_bytes(rest[at : at + 2], "big")


def _byte(rest: bytes, at: int) -> int:
    """The byte at this place, 0 where the frame is too short."""
    if at >= len(rest):
        return 0
    return rest[at]


def _rows(part: bytes) -> Sequence[str]:
    starts = range(0, len(part), ROW)
    return [part[start : start + ROW].hex(" ") for start in starts]


def _named(part: Part) -> str:
    """A header's name, and how many bytes it has."""
    return f"{part.name}, " + tr("{size} bytes", size=len(part.bytes))


def _marked(part: Part) -> str:
    if part.name == "data":
        colour = DATA
    else:
        colour = COLOURS.get(part.name, OTHER)
    tip = escape(_named(part))
    label = f"<b>{part.name}</b> {part.bytes.hex(' ')}"
    return f'<span title="{tip}" style="background:{colour};color:#000;padding:2px 3px">{label}</span> '
