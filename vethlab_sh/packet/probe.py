"""What is sent to see where packets go, and what do the listeners take? One ping, or a try of a TCP or UDP port."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from ..errors import BadOption
from ..facts import UNANSWERED, Link
from ..inside import inside, quoted
from ..language import enumerated, sentences, tr
from .lookup import Tables, first_address

# 33434: where traceroute begins, as hardly anybody listens there
PORTS = {"tcp": 80, "udp": 33434}
LARGEST = 65507  # bytes: an IPv4 packet of 65535, less 20 of IP and 8 of ICMP
VXLAN_PORTS = {8472, 4789}  # Linux's old one, which flannel keeps, and IANA's
# Under a second: the kernel's next question for an unknown MAC would come just then, and be half seen.
PATIENCE = 0.9


@dataclass(frozen=True)
class Wanted:
    """Which packets listeners take, in tcpdump's language (pcap-filter(7)).

    packets: those of a device without frames; has_tags: whether frames may have VLAN tags before these.
    """

    packets: str
    has_tags: bool = False

    def at(self, link: Link) -> str:
        """What is taken at one device: with one tag the same packets, with several tags all, however many they are."""
        # tcpdump takes no `vlan` where packets have no frame
        if not self.has_tags or not link.has_frames:
            return self.packets
        # each `vlan` moves all that is asked after it by one tag, so it stands last
        behind_one = f"{self.packets} or vlan"
        return f"{self.packets} or (vlan and ({behind_one}))"


@dataclass(frozen=True)
class Probe:
    """What a walk sends.

    src: the namespace that sends; dst: the other end as it was asked for; target: its address; protocol: icmp, tcp or
    udp; port: of the latter two; count, size: of a ping (size: bytes of data, None for ping's own 56); patience:
    seconds to wait for an answer, None for as long as the listeners took to start; forgets: whether questions for a MAC
    that nobody has answered are forgotten first, so that they are asked anew.
    """

    src: str
    dst: str
    target: str
    protocol: str = "icmp"
    port: int = 0
    count: int = 1
    size: int | None = None
    patience: float | None = PATIENCE
    forgets: bool = False

    @classmethod
    def of(cls, ends: tuple[str, str, str], count: int = 1, size: int | None = None, proto: str = "icmp") -> Self:
        """A probe between these ends (src, dst, target); raises BadOption for what cannot be sent."""
        protocol, _, port = proto.partition(":")
        if protocol not in ("icmp", *PORTS) or (port and not _is_port(port)):
            raise BadOption(tr("{proto!r} is no probe: icmp, tcp:PORT or udp:PORT.", proto=proto))
        is_size = size is None or 0 <= size <= LARGEST
        if count < 1 or not is_size:
            raise BadOption(tr("A walk sends at least one packet, and a ping holds 0 to 65507 bytes."))
        src, dst, target = ends
        return cls(
            src=src,
            dst=dst,
            target=target,
            protocol=protocol,
            port=int(port) if port else PORTS.get(protocol, 0),
            count=count,
            size=size,
        )

    @property
    def is_ping(self) -> bool:
        """Whether it asks by ICMP."""
        return self.protocol == "icmp"

    @property
    def is_v6(self) -> bool:
        """Whether its packets are IPv6's."""
        return ":" in self.target

    @property
    def name(self) -> str:
        """The other end as a reader knows it."""
        if self.dst == self.target:
            return self.target
        return tr("{name} ({address})", name=self.dst, address=self.target)

    @property
    def line(self) -> str:
        """The line that sends it, as typed in its namespace: one command."""
        seconds = '"$patience"' if self.patience is None else str(self.patience)
        if self.is_ping:
            size = "" if self.size is None else f" -s {self.size}"
            return f"ping -n -c {self.count} -i 0.2 -W {seconds}{size} {self.target}"
        script = f"exec 3<>/dev/{self.protocol}/{self.target}/{self.port}"
        if self.protocol == "udp":
            # UDP opens without a packet; an answer of any kind, or a refusal, ends the wait for it
            script += "; echo >&3; head -c 1 <&3 >/dev/null"
        return f"timeout {seconds} bash -c {shlex.quote(script)}"

    def wanted(self, tables: Tables, is_lab: bool = True) -> Wanted:
        """What the listeners take; the rest of the choice is made from the rows.

        is_lab: whether all of TCP, or UDP, is taken: a rule may send the packets on to another port.
        """
        links = tables.links.values()
        ports = set(VXLAN_PORTS)
        for link in links:
            if link.vxlan_port:
                ports.add(link.vxlan_port)
        # NAT gives a packet its machine's address.
        machine = tables.machine(self.src)
        ends = {self.target} | tables.own(self.src) | tables.own(machine)
        inner = _wrapped(ends)
        wanted = ["arp", "icmp"]
        if self.is_v6:
            wanted = ["arp", "icmp6", "ip6 proto 44"]  # fragments, whose header stands before that of ICMP: RFC 8200
        wanted += _around(tables)
        for port in sorted(ports):
            wanted.append(f"(udp port {port} and ({inner}))")
        if not self.is_ping:
            wanted.append(self.protocol if is_lab else f"{self.protocol} port {self.port}")
        has_tags = any(link.kind == "vlan" or link.vlan_filtering or link.switch for link in links)
        return Wanted(" or ".join(wanted), has_tags)


def _around(tables: Tables) -> list[str]:
    """What packets that other tunnels than VXLAN wrap look like, where there are such tunnels."""
    around = []
    kinds = {link.kind for link in tables.links.values() if link.wrapping and link.up}
    if not kinds.isdisjoint(("gre", "gretap", "erspan", "ip6gre", "ip6gretap")):
        around += ["ip proto 47", "ip6 proto 47"]
    if not kinds.isdisjoint(("ipip", "sit", "ip6tnl")):
        around += ["ip proto 4", "ip proto 41", "ip6 proto 4", "ip6 proto 41"]
    if not kinds.isdisjoint(("ip6tnl", "ip6gre", "ip6gretap")):
        around.append("ip6 proto 60")  # options, with which it limits tunnels in it (RFC 2473)
    for link in tables.links.values():
        if link.kind == "geneve" and link.wrapping and link.wrapping.port:
            around.append(f"udp port {link.wrapping.port}")
    return sorted(set(around))


def _is_port(text: str) -> bool:
    if not (text.isascii() and text.isdigit()):
        return False
    return 0 < int(text) < 65536


def _wrapped(ips: Iterable[str]) -> str:
    """Of what is in VXLAN, the packets of these addresses and all that is not IPv4: pods may say a lot to each other.

    Counted from the UDP header: the inner frame's type is at 28, its IPv4 addresses are at 42 and 46. RFC 7348.
    """
    choices = ["ip6", "udp[28:2] != 0x0800"]
    for ip in sorted(ips):
        if ":" in ip:
            continue
        number = int(ip_address(ip))
        choices.append(f"udp[42:4] = {number}")
        choices.append(f"udp[46:4] = {number}")
    return " or ".join(choices)


def probe(target: str, count: int = 1, size: int | None = None, proto: str = "icmp") -> str:
    """The line that a walk sends its packets by, in the namespace where they start."""
    ends = ("", target, target)
    return Probe.of(ends, count, size, proto).line


def target_of(tables: Tables, src: str, dst: str) -> str:
    """The address that a walk from src is to reach. Raises BadOption when there is no such end."""
    names = tables.spaces
    there_are = tr("There are: {names}.", names=enumerated(names))
    if src not in names:
        raise BadOption(sentences(tr("There is no namespace {src!r} to walk from.", src=src), there_are))
    if dst in names:
        address = next(first_address(tables, dst), None)
        if address is None:
            raise BadOption(tr("{dst} has no address that a packet could be sent to.", dst=dst))
        return address
    try:
        return str(ip_address(dst))
    except ValueError:
        complaint = tr("{dst!r} is neither an address nor a namespace.", dst=dst)
        raise BadOption(sentences(complaint, there_are)) from None


def open_questions(tables: Tables) -> str:
    """Lines that forget what was asked before and not answered: the kernel would not ask again at once."""
    lines = []
    for row in tables.facts.neighbours:
        if row.state in UNANSWERED and row.dev:
            forget = f"ip neigh del {row.ip} dev {quoted(row.dev)}"
            lines.append(inside(row.namespace, forget))
    return "\n".join(lines)


def forgetting(tables: Tables) -> str:
    """The lines by which a cold walk flushes what was learned: neighbours, bridges' entries, VXLAN devices' entries."""
    # what somebody wrote down (permanent, noarp) stays: ip-neighbour(8)
    lines = [inside(space, "ip neigh flush all") for space in tables.spaces]
    for (namespace, name), link in tables.links.items():
        if link.kind == "bridge":
            line = f"ip link set {quoted(name)} type bridge fdb_flush"
            lines.append(inside(namespace, line))
    for entry in tables.facts.fdb:
        # iproute2 gives a state to what somebody wrote down only
        is_learned = entry.dst and not entry.state
        if is_learned and entry.dev:
            line = f"bridge fdb del {entry.mac} dev {quoted(entry.dev)} dst {entry.dst}"
            lines.append(inside(entry.namespace, line))
    return "\n".join(lines)
