"""What passed this interface? A row a frame of `tcpdump -nn -e -tt`, also with -v and with -T vxlan (tcpdump(8)).

What is wrapped (VXLAN, Geneve, GRE, IP in IP) stands in the row of the frame around it: the row's columns are those
of the inner frame or packet but for bytes, and the columns outer_... are those of the frame around it. A device that
carries packets and no frames (IPIP, GRE, tun) has no MAC addresses.

>>> row = parse("1.5 0e:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: "
...             "Request who-has 10.0.0.2 tell 10.0.0.1, length 28")[0]
>>> row["time_ns"], row["what"], row["src_ip"], row["dst_ip"]
(1500000000, 'ARP who-has', '10.0.0.1', '10.0.0.2')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import OutputNotUnderstood
from ..language import marked, tr
from .words import Columns, Row

COMMAND = "tcpdump"
INNER: Columns = {
    "src_mac": (str, marked("MAC address that the frame is from")),
    "dst_mac": (str, marked("MAC address that the frame is for")),
    "src_ip": (str, marked("sender; of ARP: who asks or answers")),
    "dst_ip": (str, marked("receiver; of ARP: who is looked for")),
    "ttl": (int, marked("hops that the packet can still make (IPv4: with -v)")),
    "what": (str, marked("what it is, in a few words")),
    "seq": (int, marked("number of an echo")),
    "id": (int, marked("which ping an echo belongs to")),
    "src_port": (int, marked("UDP or TCP port of the sender")),
    "dst_port": (int, marked("UDP or TCP port of the receiver")),
    "ip_id": (int, marked("which packet a fragment is of (with -v)")),
    "offset": (int, marked("where in its packet the fragment begins, bytes (of IPv4 with -v)")),
    "ethertype": (str, marked("ARP, IPv4 or IPv6")),
    "proto": (str, marked("protocol inside the IP packet (with -v)")),
    "info": (str, marked("the rest as printed")),
}
COLUMNS: Columns = {
    "time_ns": (int, marked("the kernel's clock, nanoseconds since 1970")),
    "bytes": (int, marked("the whole frame, bytes")),
    **INNER,
    "vlan": (int, marked("VLAN of the outermost tag on the frame, at which the devices that it passes look")),
    "tags": (list, marked("all tags on the frame, the outermost first: protocol (802.1Q, 802.1ad) and VLAN")),
    "way": (str, marked("in or out, where tcpdump tells it: of devices without MAC addresses")),
    "wrapping": (str, marked("what it is wrapped in: VXLAN, Geneve, GRE, IPIP, SIT, an IPv6 tunnel")),
    "vni": (int, marked("VXLAN or Geneve network identifier, or the key of GRE")),
    "inner_bytes": (int, marked("the frame or packet inside, bytes")),
    "outer_src_mac": (str, marked("MAC address that the frame around is from")),
    "outer_dst_mac": (str, marked("MAC address that the frame around is for")),
    "outer_src_ip": (str, marked("the node that sends")),
    "outer_dst_ip": (str, marked("the node that receives")),
    "outer_ttl": (int, marked("hops that the packet around can still make")),
    "outer_port": (int, marked("UDP port of the node that receives")),
}
TAGGING = ("vlan", "tags")
OUTER = ("src_mac", "dst_mac", "src_ip", "dst_ip", "ttl")  # what is kept of the frame around another

MAC = r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"
TIME = r"(?:(?P<time>\d{1,10}(?:\.\d{1,9})?) )"
ETHERTYPE = r"ethertype (?P<ethertype>ARP|IPv4|IPv6) \(0x[0-9a-f]{4}\), "
TAG = r"ethertype 802\.1Q(?:-QinQ|-9100)? \(0x[0-9a-f]{4}\), "
NUMBERED = r"vlan \d{1,4}, p \d(?:, DEI)?, "
LENGTH_OF_FRAME = r"length (?P<bytes>\d{1,6}): "
FRAME = re.compile(
    rf"{TIME}?(?P<src_mac>{MAC}) > (?P<dst_mac>{MAC}), {ETHERTYPE}{LENGTH_OF_FRAME}(?P<rest>.+)", re.ASCII
)
TAGGED = re.compile(
    rf"{TIME}?(?P<src_mac>{MAC}) > (?P<dst_mac>{MAC}), (?P<outermost>{TAG}){LENGTH_OF_FRAME}"
    rf"(?P<tags>(?:{NUMBERED}{TAG})*{NUMBERED}){ETHERTYPE}(?P<rest>.+)",
    re.ASCII,
)
# The protocol stands before the number of its tag, but for the frame's length between the outermost two.
ONE_TAG = re.compile(r"ethertype (?P<protocol>\S+) \(0x[0-9a-f]{4}\), vlan (?P<vlan>\d{1,4}),", re.ASCII)
PROTOCOLS = {"802.1Q-QinQ": "802.1ad"}  # as ip-link(8) calls them
# Of a device without frames, as GRE's is: "cooked", with a header of 16 bytes that libpcap makes up (pcap-linktype(7)).
COOKED = re.compile(
    rf"{TIME}\s*(?P<way>In|Out|P|B|M) (?:(?P<src_mac>{MAC}) )?{ETHERTYPE}{LENGTH_OF_FRAME}(?P<rest>.+)", re.ASCII
)
COOKED_HEADER = 16
# Of a device with bare IP packets, as IPIP's and a tun are.
RAW = re.compile(rf"{TIME}ip: (?P<rest>.+)", re.ASCII)
# With -v the header of an IPv4 packet fills the first line and the rest stands on the next one.
HEADER4 = re.compile(
    r"\(tos 0x[0-9a-f]+(?:,ECT\(\d\)|,CE)?, ttl (?P<ttl>\d{1,3}), id (?P<ip_id>\d{1,5}), offset (?P<offset>\d{1,5}), "
    r"flags \[[^]]*\], proto (?P<proto>\S+) \(\d+\), length \d+(?:, options \(.*?\))?(?:, bad cksum [^)]*)?\)",
    re.ASCII,
)
HEADER6 = re.compile(
    r"\((?:class 0x[0-9a-f]+, )?(?:flowlabel 0x[0-9a-f]+, )?hlim (?P<ttl>\d{1,3}), "
    r"next-header (?P<proto>\S+) \(\d+\),? payload length:? \d+\) ",
    re.ASCII,
)
HOST = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)"
ENDS = re.compile(
    rf"(?P<src_ip>{HOST})(?:\.(?P<src_port>\d{{1,5}}))? > (?P<dst_ip>{HOST})(?:\.(?P<dst_port>\d{{1,5}}))?"
    r": (?P<info>.+)",
    re.ASCII,
)
ASKS = re.compile(rf"Request who-has (?P<dst_ip>{HOST})(?: \({MAC}\))? tell (?P<src_ip>{HOST})", re.ASCII)
ANSWERS = re.compile(rf"Reply (?P<src_ip>{HOST}) is-at {MAC}", re.ASCII)
ANNOUNCES = re.compile(rf"(?:Announcement|Probe) (?P<src_ip>{HOST})", re.ASCII)
ARP_DETAILS = re.compile(r"Ethernet \(len 6\), IPv4 \(len 4\), ")
TOTAL4 = re.compile(r"length (\d{1,6})(?:, options \(.*?\))?(?:, bad cksum [^)]*)?\)$", re.ASCII)
TOTAL6 = re.compile(r"payload length:? (\d{1,6})\) $", re.ASCII)
HEADER6_BYTES = 40  # which its payload length leaves out (RFC 8200)
GENEVE = re.compile(r"Geneve, Flags \[[^]]*\], vni 0x(?P<vni>[0-9a-f]{1,6}), proto TEB", re.ASCII)
GRE = re.compile(
    r"GREv0, Flags \[[^]]*\](?:, key=0x(?P<vni>[0-9a-f]{1,8}))?(?:, [a-z]+[= ]\S+?)*?, "
    r"proto (?P<proto>\S+) \(0x[0-9a-f]{4}\), length \d{1,6}",
    re.ASCII,
)
BARE_IN_BARE = {("IPv4", "IPv4"): "IPIP", ("IPv4", "IPv6"): "SIT"}
OPTIONS6 = re.compile(r"DSTOPT (?:\([^)]*\))+ ", re.ASCII)  # with which an IPv6 tunnel limits tunnels in it (RFC 2473)
VXLAN = re.compile(r"VXLAN, flags \[[^]]*\] \(0x[0-9a-f]+\), vni (?P<vni>\d{1,8})", re.ASCII)
ECHO = re.compile(r"(?P<what>ICMP6?,? echo (?:request|reply)), id (?P<id>\d{1,5}), seq (?P<seq>\d{1,5})", re.ASCII)
ICMP = re.compile(r"(?:HBH )?ICMP6?,? .+")
WHO_HAS6 = re.compile(rf"ICMP6, neighbor solicitation, length \d+, who has (?P<target>{HOST})", re.ASCII)
IS_AT6 = re.compile(rf"ICMP6, neighbor advertisement, length \d+, tgt is (?P<target>{HOST})", re.ASCII)
# The header of a fragment of IPv6 (RFC 8200, 4.5); which packet it is of is printed with -v.
FRAGMENT6 = re.compile(r"frag \((?:0x(?P<packet>[0-9a-f]{1,8}):)?(?P<offset>\d{1,5})\|\d{1,5}\) ?", re.ASCII)
LENGTH = re.compile(r", length \d+.*")
ARP_FORMS = ((ASKS, "ARP who-has"), (ANSWERS, "ARP is-at"), (ANNOUNCES, "ARP announcement"))
NUMBERS = ("ttl", "ip_id", "offset", "src_port", "dst_port", "vni", "bytes", "id", "seq")


@dataclass(frozen=True)
class _Line:
    """One line as printed and its number, for the error that names it."""

    text: str
    number: int

    def unknown(self, text: str) -> OutputNotUnderstood:
        """The error about the first word of the text that is not understood."""
        words = text.split()
        word = words[0] if words else tr("(end of line)")
        return OutputNotUnderstood(COMMAND, word, self.text, self.number)


def parse(printed: str) -> list[Row]:
    """Rows of `tcpdump -nn -e -tt`, one per frame; a frame inside a VXLAN is in the row of the frame around it."""
    return [_packet(lines) for lines in _packets(printed)]


def _packets(printed: str) -> Iterator[list[_Line]]:
    """The lines of each packet: one that begins with a time, and those that follow it without one."""
    packet: list[_Line] = []
    for number, text in enumerate(printed.splitlines(), 1):
        if not text.strip():
            continue
        line = _Line(text, number)
        frame = _match(text.rstrip())
        if frame and frame.get("time"):
            if packet:
                yield packet
            packet = [line]
        elif packet:
            packet.append(line)
        else:
            raise line.unknown(text)
    if packet:
        yield packet


def _packet(lines: list[_Line]) -> Row:
    """The row of one packet, with the frame inside a VXLAN."""
    first, *others = _frames(lines)
    outer = _frame(first)
    inside = _inside(outer, others, lines[0])
    inner = inside.row if inside else None
    _quote(others, inner or outer)
    row: Row = dict.fromkeys(COLUMNS)
    row["time_ns"] = _nanoseconds(lines[0])
    row |= outer
    if inside and inner:
        row |= dict.fromkeys(INNER)
        row |= inner
        row |= {name: outer.get(name) for name in TAGGING}  # a device looks at the tags around the wrapping
        row |= {f"outer_{name}": outer.get(name) for name in OUTER}
        row["outer_port"] = outer["dst_port"]
        row["wrapping"] = inside.wrapping
        row["vni"] = inside.number
        row["inner_bytes"] = inner["bytes"]
        row["bytes"] = outer["bytes"]
    return row


@dataclass(frozen=True)
class _Inside:
    """What is wrapped in a packet: in what, with which number (VNI, key), and the row of it."""

    wrapping: str
    number: int | None
    row: Row


def _inside(outer: Row, others: list[list[_Line]], line: _Line) -> _Inside | None:
    """What a packet wraps; others: the frames printed below it, of which the wrapped one is taken away."""
    info = OPTIONS6.sub("", outer["info"], count=1)
    if others:
        for wrapping, pattern, base in (("VXLAN", VXLAN, 10), ("Geneve", GENEVE, 16), ("GRE", GRE, 16)):
            found = pattern.match(info)
            if found:
                number = int(found["vni"], base) if found["vni"] else None
                return _Inside(wrapping, number, _frame(others.pop(0)))
    found = GRE.match(info)
    if found:
        packet = _bare(info[found.end() :].lstrip(), line)
        number = int(found["vni"], 16) if found["vni"] else None
        return _Inside("GRE", number, packet) if packet else None
    packet = _bare(info, line)
    if packet is None:
        return None
    ends = (outer["ethertype"], packet["ethertype"])
    return _Inside(BARE_IN_BARE.get(ends, "an IPv6 tunnel"), None, packet)


def _bare(text: str, line: _Line) -> Row | None:
    """A packet without a frame, all of whose lines were joined; None where none begins."""
    found = _raw(text)
    if found is None:
        return None
    ethertype, header, length = found
    row: Row = {"ethertype": ethertype, "bytes": length, **header.groupdict()}
    row |= _ip(text[header.end() :].strip(), line, row)
    _count(row)
    return row


def _raw(text: str) -> tuple[str, re.Match[str], int] | None:
    """Of an IP packet without a frame: IPv4 or IPv6, the header as -v prints it, and its length in bytes."""
    header = HEADER4.match(text)
    if header:
        total = TOTAL4.search(header[0])
        return "IPv4", header, int(total[1]) if total else 0
    header = HEADER6.match(text)
    if header:
        total = TOTAL6.search(header[0])
        return "IPv6", header, int(total[1]) + HEADER6_BYTES if total else 0
    return None


def _match(text: str) -> Row | None:
    """The facts of a frame's first line, with or without a tag, cooked or bare; None of another line."""
    found = FRAME.fullmatch(text)
    if found:
        return found.groupdict()
    found = TAGGED.fullmatch(text)
    if found:
        return _tagged(found.groupdict())
    found = COOKED.fullmatch(text)
    if found:
        row: Row = found.groupdict()
        row["bytes"] = int(row["bytes"]) - COOKED_HEADER
        row["way"] = {"In": "in", "Out": "out"}.get(row["way"])
        return row
    found = RAW.fullmatch(text)
    packet = _raw(found["rest"]) if found else None
    if found and packet:
        ethertype, _, length = packet
        return {"time": found["time"], "ethertype": ethertype, "bytes": length, "rest": found["rest"]}
    return None


def _tagged(row: Row) -> Row:
    """The facts of a frame's first line, with its tags as JSON holds them."""
    printed = row.pop("outermost") + row["tags"]
    tags = []
    for protocol, vlan in ONE_TAG.findall(printed):
        tags.append([PROTOCOLS.get(protocol, protocol), int(vlan)])
    _, outermost = tags[0]
    return {**row, "vlan": outermost, "tags": tags}


def _frames(lines: list[_Line]) -> list[list[_Line]]:
    """The lines of each frame of a packet: one that begins like a frame, and those below it."""
    frames: list[list[_Line]] = []
    for line in lines:
        if _match(line.text.strip()):
            frames.append([line])
        else:
            frames[-1].append(line)
    return frames


def _quote(frames: list[list[_Line]], row: Row) -> None:
    """An ICMP error quotes the packet that it is about, with the frame that was wrapped in it: these are its words."""
    if not frames:
        return
    is_error = row["what"].startswith("ICMP") and row.get("id") is None
    if not is_error:
        line = frames[0][0]
        raise line.unknown(line.text)
    for frame in frames:
        for line in frame:
            row["info"] += " " + line.text.strip()


def _nanoseconds(line: _Line) -> int:
    """The time that begins a line, `1732550000.123456`; a float would not hold its last digits."""
    time, *_ = line.text.split(maxsplit=1)
    seconds, _, part = time.partition(".")
    nanoseconds = part.ljust(9, "0")
    return int(seconds) * 10**9 + int(nanoseconds)


def _frame(lines: list[_Line]) -> Row:
    """One frame: its first line, and with -v those below it, the last of which may quote another packet."""
    first, *below = lines
    row = _match(first.text.strip())
    assert row is not None  # it is one, or it would not be the first line
    row.pop("time", None)
    text = row.pop("rest")
    row["info"] = None
    body = first
    header = _header(row["ethertype"], text)
    if header:
        row |= header.groupdict()
        text = text[header.end() :]
    if header and row["ethertype"] == "IPv4":
        text = text.strip()
        if not text and below:  # after IPv4's header the line may end
            body = below.pop(0)
            text = body.text.strip()
    for line in below:
        if not line.text[0].isspace():
            raise line.unknown(line.text)
    row |= _arp(text, body) if row["ethertype"] == "ARP" else _ip(text, body, row)
    for line in below:
        row["info"] += " " + " ".join(line.text.split())
    _count(row)
    return row


def _count(row: Row) -> None:
    """Makes numbers of what is printed as one."""
    for name in NUMBERS:
        if row.get(name) is not None:
            row[name] = int(row[name])


def _header(ethertype: str, text: str) -> re.Match[str] | None:
    """The header of an IP packet in brackets, which -v prints."""
    if ethertype == "IPv4":
        return HEADER4.match(text)
    if ethertype == "IPv6":
        return HEADER6.match(text)
    return None


def _arp(text: str, line: _Line) -> Row:
    text = ARP_DETAILS.sub("", text)
    for pattern, what in ARP_FORMS:
        found = pattern.match(text)
        if found:
            return {**found.groupdict(), "what": what, "info": text}
    raise line.unknown(text)


def _ip(text: str, line: _Line, row: Row) -> Row:
    """The facts of an IP packet's line; row: those of its header."""
    found = ENDS.fullmatch(text)
    if not found:
        raise line.unknown(text)
    facts: Row = found.groupdict()
    info = facts["info"].removeprefix("[icmp6 sum ok] ")
    facts["info"] = info
    part = FRAGMENT6.match(info)
    if part:
        facts["offset"] = part["offset"]
        facts["ip_id"] = int(part["packet"], 16) if part["packet"] else None
        info = info[part.end() :]
    echo = ECHO.match(info)
    if echo:
        facts |= echo.groupdict()
        facts["what"] = echo["what"].replace("ICMP6,", "ICMP")
        return facts
    asks = WHO_HAS6.match(info)
    if asks:  # as of ARP the one who is looked for; the packet itself goes to a group
        return facts | {"what": "ND who-has", "dst_ip": asks["target"]}
    answers = IS_AT6.match(info)
    if answers:
        return facts | {"what": "ND is-at", "src_ip": answers["target"]}
    if part:  # without a header, or with one of which an error would not be told, either
        return facts | {"what": "IPv6 fragment"}
    facts["what"] = _what(info, facts, row, line)
    return facts


def _what(info: str, facts: Row, row: Row, line: _Line) -> str:
    """What a packet is, in a few words, where it is no echo and asks for no neighbour."""
    proto = row.get("proto")
    is_fragment = row.get("offset") not in (None, "0")
    if ICMP.fullmatch(info):
        return LENGTH.sub("", info).replace("ICMP6,", "ICMP")
    if info.startswith("ip-proto-") or is_fragment:
        return f"{proto or 'IP'} fragment"
    if info.startswith("Flags ["):
        return "TCP " + info.split(",")[0]
    if VXLAN.match(info):
        return "VXLAN"
    if facts["src_port"]:
        return "UDP"
    if proto:
        return str(proto)
    raise line.unknown(info)
