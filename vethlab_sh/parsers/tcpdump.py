"""What passed this interface? `tcpdump -nn -e -tt` (tcpdump(8)), with or without -v, and with -T vxlan.

Row: time_ns (nanoseconds since 1970, the kernel's clock), src_mac, dst_mac, bytes (the whole frame), src_ip, dst_ip
(of ARP: who asks or answers, and who is looked for), ttl (with -v), what (in a few words), seq and id (of an echo),
src_port, dst_port, ip_id and offset (IPv4, with -v: which packet, which fragment of it), ethertype, proto (with -v),
info (the rest as printed). Of a frame inside a VXLAN all these are the inner frame's, but for bytes; then vni,
inner_bytes and outer_src_mac, outer_dst_mac, outer_src_ip, outer_dst_ip, outer_port, outer_ttl are there too.

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
from .words import Row

COMMAND = "tcpdump"
INNER = (
    "src_mac", "dst_mac", "src_ip", "dst_ip", "ttl", "what", "seq", "id", "src_port", "dst_port", "ip_id", "offset",
    "ethertype", "proto", "info",
)  # fmt: skip
OUTER = ("src_mac", "dst_mac", "src_ip", "dst_ip", "ttl")
COLUMNS = (
    "time_ns", "bytes", *INNER, "vni", "inner_bytes", *(f"outer_{name}" for name in OUTER), "outer_port",
)  # fmt: skip

MAC = r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"
FRAME = re.compile(
    rf"(?:(?P<time>\d{{1,10}}(?:\.\d{{1,9}})?) )?(?P<src_mac>{MAC}) > (?P<dst_mac>{MAC}), "
    r"ethertype (?P<ethertype>ARP|IPv4|IPv6) \(0x[0-9a-f]{4}\), length (?P<bytes>\d{1,6}): (?P<rest>.+)",
    re.ASCII,
)
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
VXLAN = re.compile(r"VXLAN, flags \[[^]]*\] \(0x[0-9a-f]+\), vni (?P<vni>\d{1,8})", re.ASCII)
ECHO = re.compile(r"(?P<what>ICMP6?,? echo (?:request|reply)), id (?P<id>\d{1,5}), seq (?P<seq>\d{1,5})", re.ASCII)
ICMP = re.compile(r"(?:HBH )?ICMP6?,? .+")
WHO_HAS6 = re.compile(rf"ICMP6, neighbor solicitation, length \d+, who has (?P<target>{HOST})", re.ASCII)
IS_AT6 = re.compile(rf"ICMP6, neighbor advertisement, length \d+, tgt is (?P<target>{HOST})", re.ASCII)
LENGTH = re.compile(r", length \d+.*")
NUMBERS = ("ttl", "ip_id", "offset", "src_port", "dst_port", "vni", "bytes", "id", "seq")


@dataclass(frozen=True)
class _Line:
    """One line as printed and its number, for the error that names it."""

    text: str
    number: int

    def unknown(self, text: str) -> OutputNotUnderstood:
        """The error about the first word of the text that is not understood."""
        word = (text.split() or ["(end of line)"])[0]
        return OutputNotUnderstood(COMMAND, word, self.text, self.number)


def parse(printed: str) -> list[Row]:
    """Rows of `tcpdump -nn -e -tt`, one per frame; a frame inside a VXLAN is in the row of the frame around it."""
    return [_packet(lines) for lines in _packets(printed)]


def _packets(printed: str) -> Iterator[list[_Line]]:
    """The lines of each packet: one that begins with a time, and those that follow it without one."""
    packet: list[_Line] = []
    for number, text in enumerate(printed.splitlines(), 1):
        line = _Line(text, number)
        if not text.strip():
            continue
        if (found := FRAME.fullmatch(text.rstrip())) and found["time"]:
            if packet:
                yield packet
            packet = []
        elif not packet:
            raise line.unknown(text)
        packet.append(line)
    if packet:
        yield packet


def _packet(lines: list[_Line]) -> Row:
    starts = [at for at, line in enumerate(lines) if FRAME.fullmatch(line.text.rstrip())]
    outer_lines, *frames = [lines[a:b] for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    outer = _frame(outer_lines)
    row: Row = dict.fromkeys(COLUMNS) | {"time_ns": _nanoseconds(lines[0])} | outer
    wrapped = VXLAN.match(outer["info"] or "")
    inner = _frame(frames.pop(0)) if wrapped and frames else None
    # An ICMP error quotes the packet that it is about, with the frame that was wrapped in it.
    told = inner or outer
    if frames and not (told["what"].startswith("ICMP") and told.get("id") is None):
        raise frames[0][0].unknown(frames[0][0].text)
    told["info"] = row["info"] = " ".join([told["info"], *(line.text.strip() for frame in frames for line in frame)])
    if wrapped and inner:
        row |= dict.fromkeys(INNER) | {f"outer_{name}": outer.get(name) for name in OUTER}
        row |= {"outer_port": outer["dst_port"], "vni": int(wrapped["vni"]), "inner_bytes": inner["bytes"]}
        row |= {**inner, "bytes": outer["bytes"]}
    return row


def _nanoseconds(line: _Line) -> int:
    seconds, _, part = line.text.split()[0].partition(".")
    return int(seconds) * 10**9 + int(part.ljust(9, "0"))


def _frame(lines: list[_Line]) -> Row:
    """One frame: its first line, and with -v those below it, the last of which may quote another packet."""
    found = FRAME.fullmatch(lines[0].text.rstrip())
    assert found
    row: Row = {**found.groupdict(), "info": None, "bytes": int(found["bytes"])}
    del row["time"], row["rest"]
    body, more = _Line(lines[0].text, lines[0].number), lines[1:]
    text = found["rest"]
    if row["ethertype"] == "IPv4" and (header := HEADER4.match(text)):
        row |= header.groupdict()
        text = text[header.end() :].strip()
        if not text and more:
            body, more = more[0], more[1:]
            text = body.text.strip()
    if row["ethertype"] == "IPv6" and (header := HEADER6.match(text)):
        row |= header.groupdict()
        text = text[header.end() :]
    for line in more:
        if not line.text[0].isspace():
            raise line.unknown(line.text)
    row |= _arp(text, body) if row["ethertype"] == "ARP" else _ip(text, body, row)
    row["info"] = " ".join([row["info"], *(" ".join(line.text.split()) for line in more)])
    return row | {name: int(row[name]) for name in NUMBERS if row.get(name) is not None}


def _arp(text: str, line: _Line) -> Row:
    text = ARP_DETAILS.sub("", text)
    for pattern, what in ((ASKS, "ARP who-has"), (ANSWERS, "ARP is-at"), (ANNOUNCES, "ARP announcement")):
        if found := pattern.match(text):
            return {**found.groupdict(), "what": what, "info": text}
    raise line.unknown(text)


def _ip(text: str, line: _Line, row: Row) -> Row:
    found = ENDS.fullmatch(text)
    if not found:
        raise line.unknown(text)
    facts: Row = found.groupdict()
    facts["info"] = info = facts["info"].removeprefix("[icmp6 sum ok] ")
    if echo := ECHO.match(info):
        return facts | echo.groupdict() | {"what": echo["what"].replace("ICMP6,", "ICMP")}
    for pattern, what in ((WHO_HAS6, "ND who-has"), (IS_AT6, "ND is-at")):
        if asked := pattern.match(info):
            return facts | {"what": what, "dst_ip" if pattern is WHO_HAS6 else "src_ip": asked["target"]}
    return facts | {"what": _what(info, facts, row, line)}


def _what(info: str, facts: Row, row: Row, line: _Line) -> str:
    if ICMP.fullmatch(info):
        return LENGTH.sub("", info).replace("ICMP6,", "ICMP")
    if info.startswith("ip-proto-") or row.get("offset") not in (None, "0"):
        return f"{row.get('proto') or 'IP'} fragment"
    if info.startswith("Flags ["):
        return "TCP " + info.split(",")[0]
    if VXLAN.match(info):
        return "VXLAN"
    if facts["src_port"]:
        return "UDP"
    if row.get("proto"):
        return str(row["proto"])
    raise line.unknown(info)
