"""What did somebody see pass? A row a packet of `tcpdump`, in whatever form it was asked for (tcpdump(8)).

A walk listens with one form and needs all of it (tcpdump.py). This reads what people paste: with or without -e, -n, -v
and -i any, times of every kind, VLAN tags, and packets in packets (IPIP, GRE, VXLAN), of which the innermost has the
columns and the outermost those called outer_.

>>> row = parse("12:34:56.789012 IP 10.4.0.21 > 10.4.0.22: IP 10.244.1.2 > 10.244.2.3: ICMP echo request, id 7, seq 1, length 64")[0]
>>> row["src_ip"], row["dst_ip"], row["what"], row["tunnel"], row["outer_dst_ip"]
('10.244.1.2', '10.244.2.3', 'ICMP echo request', 'IPIP', '10.4.0.22')
"""  # noqa: E501  (as long as tcpdump prints it)

from __future__ import annotations

import re

from ..language import marked, tr
from .words import Columns, Row, Words, is_ip

COMMAND = "tcpdump"
COLUMNS: Columns = {
    "time": (str, marked("when it was seen, as printed")),
    "src_ip": (str, marked("sender; of ARP: who asks or answers; a name where one was printed")),
    "dst_ip": (str, marked("receiver; of ARP: who is looked for")),
    "what": (str, marked("what it is, in a few words")),
    "seq": (int, marked("number of an echo")),
    "id": (int, marked("which ping an echo belongs to")),
    "src_port": (int, marked("UDP or TCP port of the sender")),
    "dst_port": (int, marked("UDP or TCP port of the receiver")),
    "dev": (str, marked("device (with -i any)")),
    "way": (str, marked("In, Out, or as printed (with -i any)")),
    "src_mac": (str, marked("MAC address that the frame is from (with -e)")),
    "dst_mac": (str, marked("MAC address that the frame is for (with -e)")),
    "vlan": (int, marked("VLAN number in the frame's tag (with -e)")),
    "ttl": (int, marked("hops that the packet can still make (with -v)")),
    "bytes": (int, marked("the whole frame, bytes (with -e)")),
    "tunnel": (str, marked("what the packet was in: IPIP, GRE, VXLAN; OTV: a VXLAN at port 8472")),
    "vni": (int, marked("VXLAN network identifier")),
    "outer_src_ip": (str, marked("the node that sends")),
    "outer_dst_ip": (str, marked("the node that receives")),
    "info": (str, marked("the rest as printed")),
}
NUMBERS = ("seq", "id", "src_port", "dst_port", "vlan", "ttl", "bytes", "vni")

ASIDE = re.compile(
    r"tcpdump: .*|dropped privs to .*|listening on .*|reading from file .*|\^C.*|Warning: .*"
    r"|\d+ packets? (?:captured|received by filter|dropped by (?:kernel|interface))|0x[0-9a-f]{4}: .*",
    re.ASCII,
)
TIME = re.compile(r"(?P<time>(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{1,9}|\d{1,10}\.\d{1,9}) ", re.ASCII)
PLACE = re.compile(r"(?:(?P<dev>[^\s:>]{1,15}) )?(?P<way>In|Out|B|M|P) (?:ifindex \d+ )?", re.ASCII)
MAC = r"[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}"
FRAME = re.compile(
    rf"(?P<src_mac>{MAC})(?: \(oui [^)]*\))?(?: > (?P<dst_mac>{MAC}|Broadcast)(?: \(oui [^)]*\))?)?, "
    r"ethertype (?P<ethertype>[\w.]+)(?: \(0x[0-9a-f]{4}\))?, length (?P<bytes>\d{1,6}): ",
    re.ASCII,
)
TAG = re.compile(
    r"vlan (?P<vlan>\d{1,4}), p \d(?:, DEI)?, (?:ethertype (?P<ethertype>[\w.]+)(?: \(0x[0-9a-f]{4}\))?, )?"
)
HEADER = re.compile(r"\((?:tos|class|flowlabel|hlim) (?:[^()]|\([^()]*\))*\) ?")
TTL = re.compile(r"(?:ttl|hlim) (\d{1,3})", re.ASCII)
FAMILY = re.compile(r"(?:IP6?|ARP,|ethertype IPv[46],) ")
ENDS = re.compile(r"(?P<src>\S+) > (?P<dst>[^\s:]\S*): (?P<info>.*)")
GRE = re.compile(r"GREv\d, (?:[^:]*, )?length \d+: ")
VXLAN = re.compile(r"VXLAN, flags \[[^]]*\] \(0x[0-9a-f]+\), vni (?P<vni>\d{1,8}) ?", re.ASCII)
# Without -T vxlan tcpdump takes what is sent to port 8472, as flannel does, for OTV, whose header is that of a VXLAN.
OTV = re.compile(r"OTV, flags \[[^]]*\] \(0x[0-9a-f]+\), overlay \d+, instance (?P<vni>\d{1,8}) ?", re.ASCII)
TUNNEL_ALONE = re.compile(r": (?:VXLAN|OTV), flags \[[^]]*\] \(0x[0-9a-f]+\), [\w ,]+$", re.ASCII)
ASKS = re.compile(r"Request who-has (?P<dst>\S+)(?: \([^)]*\))? tell (?P<src>[^\s,]+)")
ANSWERS = re.compile(r"Reply (?P<src>\S+) is-at ")
ANNOUNCES = re.compile(r"(?:Announcement|Probe) (?P<src>[^\s,]+)")
ARP_DETAILS = re.compile(r"Ethernet \(len 6\), IPv4 \(len 4\), ")
ARP_FORMS = ((ASKS, "ARP who-has"), (ANSWERS, "ARP is-at"), (ANNOUNCES, "ARP announcement"))
ECHO = re.compile(r"(?P<what>ICMP6?,? echo (?:request|reply)), id (?P<id>\d{1,5}), seq (?P<seq>\d{1,5})", re.ASCII)
WITH_PORT = re.compile(r"(.+)\.(\d{1,5})", re.ASCII)
LENGTH = re.compile(r", length \d+.*", re.ASCII)
DEEPEST = 8  # a packet in a packet in a packet; more is no traffic


def parse(printed: str) -> list[Row]:
    """Rows of `tcpdump`, one per packet."""
    packets: list[list[Words]] = []
    for number, line in enumerate(printed.splitlines(), 1):
        words = Words(COMMAND, line, number)
        if not words or ASIDE.fullmatch(words.text):
            continue
        if packets and _goes_on(words, packets[-1]):
            packets[-1].append(words)
        else:
            packets.append([words])
    return [_packet(lines) for lines in packets]


def _goes_on(words: Words, before: list[Words]) -> bool:
    """Whether a line belongs to the packet before it: -v indents it, and what is in a VXLAN has no time of its own."""
    if TIME.match(words.text):
        return False
    if TIME.match(before[0].text):
        return True
    return words.line[0].isspace() or TUNNEL_ALONE.search(before[-1].text) is not None


def _packet(lines: list[Words]) -> Row:
    first = lines[0]
    text = " ".join(words.text for words in lines)
    row: Row = dict.fromkeys(COLUMNS)
    for form in (TIME, PLACE):
        found = form.match(text)
        if found:
            row |= found.groupdict()
            text = text[found.end() :]
    _read(text, row, first)
    for name in NUMBERS:
        if row[name] is not None:
            row[name] = int(row[name])
    return row


def _read(text: str, row: Row, first: Words) -> None:
    """A frame or a packet, and what is in it; the innermost tells last."""
    for _ in range(DEEPEST):
        is_arp, text = _without_headers(text, row)
        if is_arp:
            _arp(text, row, first)
            return
        ends = ENDS.fullmatch(text)
        if not ends:
            raise first.unknown(text.split()[0] if text.strip() else tr("(end of line)"))
        row["src_ip"], row["src_port"] = _end(ends["src"])
        row["dst_ip"], row["dst_port"] = _end(ends["dst"])
        text = ends["info"]
        tunnel, inside = _inside(text, row)
        if not tunnel:
            _what(text, row)
            return
        row["tunnel"] = tunnel
        row["ttl"] = None  # it was the packet's around this one
        if row["outer_src_ip"] is None:
            row["outer_src_ip"], row["outer_dst_ip"] = row["src_ip"], row["dst_ip"]
        text = inside
    raise first.unknown(text.split()[0])


def _without_headers(text: str, row: Row) -> tuple[bool, str]:
    """Whether it is ARP, and the text behind what -e and -v print in front; the columns of those are filled."""
    is_arp = False
    frame = FRAME.match(text)
    if frame:
        facts = frame.groupdict()
        is_arp = facts.pop("ethertype") == "ARP"
        row["bytes"] = row["bytes"] or facts.pop("bytes")
        row |= {name: facts[name] for name in ("src_mac", "dst_mac")}
        text = text[frame.end() :]
    tag = TAG.match(text)
    if tag:
        row["vlan"] = tag["vlan"]
        is_arp = is_arp or tag["ethertype"] == "ARP"
        text = text[tag.end() :]
    family = FAMILY.match(text)
    if family:
        is_arp = is_arp or family[0] == "ARP, "
        text = text[family.end() :]
    header = HEADER.match(text)
    if header:
        ttl = TTL.search(header[0])
        row["ttl"] = ttl[1] if ttl else None
        text = text[header.end() :]
    return is_arp, text


def _inside(info: str, row: Row) -> tuple[str, str]:
    """What a packet carries in it, and by which tunnel; empty where it carries no packet."""
    for name, form in (("VXLAN", VXLAN), ("OTV", OTV)):
        header = form.match(info)
        if header:
            row["vni"] = header["vni"]
            inside = info[header.end() :]
            return (name, inside) if inside else ("", "")
    gre = GRE.match(info)
    if gre:
        return "GRE", info[gre.end() :]
    if FAMILY.match(info):
        return "IPIP", info
    return "", ""


def _end(word: str) -> tuple[str, str | None]:
    """An address, and the port behind it: 10.0.0.1.80, fd00::1.80. A name may hold dots, and keeps what is behind."""
    found = WITH_PORT.fullmatch(word)
    if found and not is_ip(word) and is_ip(found[1]):
        return found[1], found[2]
    return word, None


def _arp(text: str, row: Row, first: Words) -> None:
    text = ARP_DETAILS.sub("", text)
    for form, what in ARP_FORMS:
        found = form.match(text)
        if found:
            ends = found.groupdict()
            row["src_ip"], row["dst_ip"] = ends["src"], ends.get("dst")
            row["what"] = what
            row["info"] = text
            return
    raise first.unknown(text.split()[0] if text.strip() else tr("(end of line)"))


def _what(info: str, row: Row) -> None:
    """What a packet is, in a few words."""
    info = info.removeprefix("[icmp6 sum ok] ")
    row["info"] = info or None
    echo = ECHO.match(info)
    if echo:
        row |= echo.groupdict()
        row["what"] = echo["what"].replace("ICMP6,", "ICMP")
    elif info.startswith("ICMP"):
        row["what"] = LENGTH.sub("", info).replace("ICMP6,", "ICMP")
    elif info.startswith("Flags ["):
        row["what"] = "TCP " + info.split(",")[0]
    elif row["vni"] is not None and row["tunnel"] is None:
        row["what"] = info.split(",")[0]
    elif row["src_port"]:
        row["what"] = "UDP"
    else:
        row["what"] = info.split(",")[0] or None
