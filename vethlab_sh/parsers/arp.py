"""Who answered ARP? A row an entry of `arp -n`, `arp -a` (net-tools, BusyBox, macOS, BSDs) or /proc/net/arp: arp(8).

>>> row = parse("10.240.188.122           ether   5a:56:51:f9:7b:89   C                     cali50c25257626")[0]
>>> row["mac"], row["dev"], row["complete"]
('5a:56:51:f9:7b:89', 'cali50c25257626', True)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..language import marked
from .words import Columns, Row, Words, line_parts

COMMAND = "arp"
COLUMNS: Columns = {
    "ip": (str, marked("IP address; a name where arp printed a name instead")),
    "mac": (str, marked("MAC address; missing while nobody answered")),
    "dev": (str, marked("name of the device")),
    "permanent": (bool, marked("stays until deleted (flag M)")),
    "published": (bool, marked("we answer for this address (flag P)")),
    "complete": (bool, marked("answered (flag C)")),
    "hwtype": (str, marked("kind of hardware: ether, loopback ...")),
    "host": (str, marked("name, when arp -a printed one")),
    "mask": (str, marked("netmask, of an entry for a whole network")),
}
EMPTY: Row = dict.fromkeys(COLUMNS) | {"permanent": False, "published": False}
# Of `10.0.0.2  ether  02:00:00:00:00:02  C  eth0`, which nearly all lines are; a netmask begins before the letters.
_USUAL: Row = EMPTY | {"hwtype": "ether", "complete": True}
LETTERS = "A"
HEADER = "Address HWtype HWaddress Flags Mask Iface"
# What arp says besides its entries: -v counts them, and where there is none each version has other words for it.
NOTHING = re.compile(
    r"Entries: \d+ Skipped: \d+ Found: \d+|arp: in \d+ entries no match found\.|No match found in \d+ entries"
    r"|\S+ \(\S+\) -- no entry",
    re.ASCII,
)
PROC_HEADER = "IP address HW type Flags HW address Mask Device"
PROC_NUMBER = re.compile(r"0x[0-9a-f]{1,4}", re.ASCII)
PROC_HARDWARE = {"0x1": "ether", "0x304": "loopback"}  # of include/uapi/linux/if_arp.h
COMPLETE, PERMANENT, PUBLISHED = 0x02, 0x04, 0x08  # ATF_COM, ATF_PERM and ATF_PUBL, there too
MASK = re.compile(r"\d+\.\d+\.\d+\.\d+|\*", re.ASCII)
FLAGS = set("CMP!")
NO_MAC = {"<incomplete>", "(incomplete)", "<from_interface>", "*"}
BSD_FLAGS = {  # BusyBox misspells PUB; macOS and the BSDs write words
    "PERM": "permanent",
    "PUB": "published",
    "PUP": "published",
    "permanent": "permanent",
    "published": "published",
}
SHORT_MAC = re.compile(r"[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}")  # macOS leaves out a zero that begins a byte


def parse(printed: str) -> list[Row]:
    """Rows of `arp -n`, of `arp -a` or of /proc/net/arp, one per entry."""
    rows: list[Row] = []
    lines = printed.splitlines()
    for n, entry in enumerate(map(str.split, lines), 1):
        if len(entry) == 5 and entry[1] == "ether" and entry[3] == "C" and entry[4] > LETTERS:
            ip, _, mac, _, dev = entry
            if mac.count(":") != 5 or "\\" in dev:
                rows += _unusual(lines[n - 1], n)
                continue
            row = _USUAL.copy()
            row["ip"] = ip
            row["mac"] = mac
            row["dev"] = dev
            rows.append(row)
        else:
            rows += _unusual(lines[n - 1], n)
    return rows


def _unusual(line: str, number: int) -> Iterator[Row]:
    """The rows of a line that is not `10.0.0.2  ether  02:00:00:00:00:02  C  eth0`, as nearly all are."""
    for words in line_parts(COMMAND, line, number):
        text = words.text
        if text in (HEADER, PROC_HEADER) or NOTHING.fullmatch(text):
            continue
        if _is_bsd(words):
            yield _bsd(words)
        elif PROC_NUMBER.fullmatch(words.word(1)):
            yield _proc(words)
        else:
            yield _line(words)


def _line(words: Words) -> Row:
    """`10.0.0.2  ether  02:00:00:00:00:02  C  eth0`, or `10.0.0.3  (incomplete)  eth0`."""
    row = EMPTY.copy()
    row["ip"] = words.take()
    if words.peek() == "(incomplete)":
        words.take()
        row["complete"] = False
    else:
        _answer(words, row)
    if MASK.fullmatch(words.peek()):
        row["mask"] = words.take()
    row["dev"] = words.take()
    words.end()
    return row


def _answer(words: Words, row: Row) -> None:
    """`ether  02:00:00:00:00:02  CM`: what is known of one who answered."""
    row["hwtype"] = words.take()
    mac = words.take()
    if mac not in NO_MAC:
        if mac.count(":") < 5:
            raise words.unknown(mac)
        row["mac"] = mac
    flags = words.take()
    if not FLAGS.issuperset(flags):
        raise words.unknown(flags)
    row["complete"] = "C" in flags
    row["permanent"] = "M" in flags
    row["published"] = "P" in flags


def _is_bsd(words: Words) -> bool:
    """Whether the line is of the form that -a prints: `? (10.0.0.2) at ...`."""
    address = words.word(1)
    return address.startswith("(") and words.word(2) == "at"


def _bsd(words: Words) -> Row:
    """`? (10.0.0.2) at 02:00:00:00:00:02 [ether] PERM on eth0`."""
    row = EMPTY.copy()
    host = words.take()
    if host != "?":
        row["host"] = host
    row["ip"] = words.take().strip("()")
    words.take()  # at
    mac = words.take()
    row["complete"] = mac not in NO_MAC
    if row["complete"]:
        row["mac"] = _whole(mac)
    while words.peek() != "on":
        _bsd_word(words, row)
    words.take()  # on
    row["dev"] = words.take()
    while words:
        _bsd_word(words, row)
    return row


def _whole(mac: str) -> str:
    """A MAC address with two digits for each byte."""
    if not SHORT_MAC.fullmatch(mac):
        return mac
    return ":".join(byte.zfill(2) for byte in mac.split(":"))


def _proc(words: Words) -> Row:
    """`10.0.0.2  0x1  0x2  02:00:00:00:00:02  *  eth0`, a line of /proc/net/arp."""
    row = EMPTY.copy()
    row["ip"] = words.take()
    hardware = words.take()
    row["hwtype"] = PROC_HARDWARE.get(hardware, hardware)
    flags = words.take()
    mac = words.take()
    if not PROC_NUMBER.fullmatch(flags):
        raise words.unknown(flags)
    if mac.count(":") < 5:
        raise words.unknown(mac)
    row["complete"] = bool(int(flags, 16) & COMPLETE)
    row["permanent"] = bool(int(flags, 16) & PERMANENT)
    row["published"] = bool(int(flags, 16) & PUBLISHED)
    if row["complete"]:  # else it is 00:00:00:00:00:00
        row["mac"] = mac
    mask = words.take()
    row["mask"] = None if mask == "*" else mask
    row["dev"] = words.take()
    words.end()
    return row


def _bsd_word(words: Words, row: Row) -> None:
    word = words.take()
    if word.startswith("["):
        row["hwtype"] = "ether" if word == "[ethernet]" else word.strip("[]")
    elif word == "ifscope":  # macOS: one of several cards has it
        pass
    elif word == "expires":  # in 942 seconds
        for _ in range(3):
            words.take()
    elif word == "netmask":
        row["mask"] = words.take()
    elif word in BSD_FLAGS:
        row[BSD_FLAGS[word]] = True
    else:
        raise words.unknown(word)
