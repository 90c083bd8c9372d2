"""Where are packets sent, in the older tool's words? A row a route of `route -n` or `netstat -rn` (route(8)).

The columns that `ip route` has too are called and written as there: a prefix with its length, or default.

>>> row = parse("10.244.1.0      10.4.0.22       255.255.255.0   UG    0      0        0 eth0")[0]
>>> row["to"], row["via"], row["dev"], row["flags"]
('10.244.1.0/24', '10.4.0.22', 'eth0', 'UG')
"""

from __future__ import annotations

import ipaddress
import re

from ..language import marked
from .words import PREFIX, Columns, Row, Words, is_ip, lines

COMMAND = "route"
COLUMNS: Columns = {
    "to": (str, marked("destination: a prefix, an address, default; a name where one was printed")),
    "via": (str, marked("next hop; missing: the destination is on the device's own network")),
    "dev": (str, marked("device; missing where packets are thrown away")),
    "kind": (str, marked("unicast; unreachable: packets are thrown away (flag !)")),
    "metric": (int, marked("the smaller wins (missing from netstat)")),
    "flags": (str, marked("flags as printed: U in use, G by a next hop, H one address, ! thrown away")),
    "mask": (str, marked("netmask as printed (IPv4)")),
    "ref": (int, marked("how many use it; Linux does not count")),
    "use": (int, marked("how often it was looked up")),
    "mss": (int, marked("largest TCP segment; 0: the usual (netstat)")),
    "window": (int, marked("TCP window; 0: the usual (netstat)")),
    "irtt": (int, marked("first guess of the round trip, milliseconds; 0: the usual (netstat)")),
}
HEADERS = re.compile(r"Kernel IP(v6)? routing (table|cache)|Destination (Gateway|Next Hop) .*")
FLAGS = re.compile(r"[UGHRDMACIadenbh!]+")
MAPPED = "::ffff:"  # what net-tools leaves out before an IPv4 address in an IPv6 one (fix_v4_address(), lib/inet6.c)
COUNT = re.compile(r"-1|-|\d{1,18}", re.ASCII)
NOTHING = {"0.0.0.0", "*", "::", "[::]", "-"}  # where others have a next hop
# What stands between flags and device, or behind it, by how many words there are: -n, netstat -rn; -ee.
ROUTE = ("metric", "ref", "use")
NETSTAT = ("mss", "window", "irtt")


def parse(printed: str) -> list[Row]:
    """Rows of `route`, `route -n`, `route -6` and `netstat -rn`, one per route; BusyBox's too."""
    rows = []
    names = ROUTE
    for words in lines(COMMAND, printed):
        if HEADERS.fullmatch(words.text):
            names = NETSTAT if words.has("MSS") and not words.has("Metric") else ROUTE
        elif _is_ipv6(words):
            rows.append(_ipv6(words))
        else:
            rows.append(_ipv4(words, names))
    return rows


def _is_ipv6(words: Words) -> bool:
    """Whether flags stand where IPv4 has a netmask."""
    has_colon = ":" in words.peek() or ":" in words.word(1)
    return has_colon and FLAGS.fullmatch(words.word(2)) is not None


def _ipv4(words: Words, names: tuple[str, ...]) -> Row:
    """`10.0.0.0  0.0.0.0  255.255.255.0  U  0  0  0 eth0`; names: of the three numbers before the device."""
    row: Row = dict.fromkeys(COLUMNS)
    destination = words.take()
    gateway = words.take()
    row["mask"] = words.take()
    row["to"] = _prefix(words, destination, row["mask"])
    row["via"] = None if gateway in NOTHING else gateway
    _rest(words, row, names)
    return row


def _ipv6(words: Words) -> Row:
    """`fe80::/64  ::  U  256 1  0 eth0`."""
    row: Row = dict.fromkeys(COLUMNS)
    destination = words.take().replace("[::]", "::")
    gateway = words.take()
    row["to"] = _prefix6(words, destination)
    row["via"] = None if gateway in NOTHING else gateway
    _rest(words, row, ROUTE)
    return row


def _prefix6(words: Words, destination: str) -> str:
    """`fe80::/64` as it is, `::/0` as default; a name has no length, as nobody knows its address."""
    address, _, _ = destination.partition("/")
    if destination == "::/0":
        return "default"
    if ":" not in destination and is_ip(address):
        destination = MAPPED + destination
    if is_ip(destination, PREFIX):
        return destination.removesuffix("/128")
    if destination.endswith("/128") and destination[0].isalpha():
        return address
    raise words.unknown(destination)


def _rest(words: Words, row: Row, names: tuple[str, ...]) -> None:
    """The flags, three numbers, the device; with -ee three more numbers."""
    flags = words.take()
    if not FLAGS.fullmatch(flags):
        raise words.unknown(flags)
    row["flags"] = flags
    row["kind"] = "unreachable" if "!" in flags else "unicast"
    for name in names:
        row[name] = _number(words)
    device = words.take()
    row["dev"] = None if device in ("-", "*") else device  # BusyBox writes *
    if words:
        for name in NETSTAT:
            row[name] = _number(words)
    words.end()


def _number(words: Words) -> int | None:
    """A number; none where there is nothing to count, or the kernel has none."""
    word = words.take()
    if not COUNT.fullmatch(word):
        raise words.unknown(word)
    return int(word) if word.isdecimal() else None


def _prefix(words: Words, destination: str, mask: str) -> str:
    """10.0.0.0 and 255.0.0.0 are 10.0.0.0/8. Of a name nobody knows which address it stands for."""
    try:
        length = ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        raise words.unknown(mask) from None
    if destination in ("0.0.0.0", "default") and length == 0:
        return "default"
    if not is_ip(destination):
        if destination[0].isalpha() or destination[0] == "_":  # `_gateway` is a name of systemd's, nss-myhostname(8)
            return destination
        raise words.unknown(destination)
    return destination if length == 32 else f"{destination}/{length}"
