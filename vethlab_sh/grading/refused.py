"""What has the machine refused because others had taken it? Packets whose queue was full, neighbours without a place.

Of both it has one for all network namespaces: each processor a queue of packets that came by cables and bridges
(net.core.netdev_max_backlog), which a circle of bridges fills; and a table of neighbours for each family of addresses
(net.ipv4.neigh.default.gc_thresh3), which a short loop of `ip neigh` fills. Then pings of others go unanswered.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RTM_GETNEIGHTBL, NLM_F_REQUEST, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 66, 1, 0x300, 2, 3  # netlink(7), rtnetlink(7)
NDTA_THRESH3, NDTA_CONFIG, NDTA_STATS = 4, 5, 7  # linux/neighbour.h, as the two structures that are read here
ENTRIES_AT, FULL_AT = 4, 10 * 8  # in struct ndt_config; in struct ndt_stats
HEADER, FAMILY = struct.Struct("=IHHII"), struct.Struct("=BBH")  # struct nlmsghdr, struct ndtmsg
PATIENCE = 1.0  # seconds for the kernel's answer
MANY = 2**31


@dataclass(frozen=True)
class Table:
    """One of the kernel's tables of neighbours: how many there are, and may be; how many found no place so far."""

    entries: int
    most: int
    refused: int


def refused() -> int:
    """How many packets and neighbours found no place since the machine began; what it does not tell is not counted."""
    return _dropped() + sum(table.refused for table in _tables())


def neighbours_left() -> int:
    """How many neighbours still find a place, in the table that has the fewest; many where the kernel tells of none."""
    left = [table.most - table.entries for table in _tables()]
    return min(left, default=MANY)


def _dropped() -> int:
    """The second column of softnet_stat, of every processor: kernel, net/core/net-procfs.c."""
    with contextlib.suppress(OSError), open("/proc/net/softnet_stat") as file:
        return sum(int(line.split()[1], 16) for line in file)
    return 0


def _tables() -> list[Table]:
    tables = []
    with contextlib.suppress(OSError, struct.error):
        for attributes in _answers():
            if NDTA_STATS not in attributes:  # what follows a table are the settings of each device
                continue
            (entries,) = struct.unpack_from("=I", attributes[NDTA_CONFIG], ENTRIES_AT)
            (most,) = struct.unpack("=I", attributes[NDTA_THRESH3])
            (full,) = struct.unpack_from("=Q", attributes[NDTA_STATS], FULL_AT)
            tables.append(Table(entries, most, full))
    return tables


def _answers() -> Iterator[Mapping[int, bytes]]:
    """The attributes of each message in which the kernel tells of its tables of neighbours."""
    request = HEADER.pack(HEADER.size + FAMILY.size, RTM_GETNEIGHTBL, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(PATIENCE)
        kernel.send(request + FAMILY.pack(socket.AF_UNSPEC, 0, 0))
        while True:
            said = kernel.recv(2**16)
            while said:
                length, kind, *_ = HEADER.unpack_from(said)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return
                yield _attributes(said[HEADER.size + FAMILY.size : length])
                said = said[_aligned(length) :]


def _attributes(text: bytes) -> Mapping[int, bytes]:
    found = {}
    while text:
        length, kind = struct.unpack_from("=HH", text)  # struct nlattr
        found[kind] = text[4:length]
        text = text[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
