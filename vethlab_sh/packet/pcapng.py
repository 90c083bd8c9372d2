"""How does a walk become one capture? As pcapng: an interface for each device, one clock, a comment with each reason.

The format is that of the IETF draft "PCAP Next Generation Dump File Format" (draft-ietf-opsawg-pcapng): blocks, each
with its length before and behind it, and options with a number, a length, and padding to four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from ..errors import NotRecorded
from ..facts import Device
from ..language import tr
from ..markup import printable
from .sighting import Sighting

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6  # blocks
END, COMMENT = 0, 1  # options of every block
APPLICATION = 4  # of a section
NAME, DESCRIPTION, RESOLUTION = 2, 3, 9  # of an interface
NANOSECONDS = bytes([9])  # a time counts in units of ten to the minus ninth seconds
FLAGS = 2  # of a packet: the last two bits are 1 where it came in, 2 where it went out
WAYS = {"in": 1, "out": 2}
ETHERNET, RAW, COOKED, COOKED2 = 1, 101, 113, 276  # https://www.tcpdump.org/linktypes.html
# What tcpdump calls the headers that a device's frames begin with: `listening on tunl0, link-type RAW (Raw IP)`
LINK_TYPES = {"EN10MB": ETHERNET, "RAW": RAW, "LINUX_SLL": COOKED, "LINUX_SLL2": COOKED2}


def capture(sightings: Sequence[Sighting], comment: str) -> bytes:
    """The frames of a walk as one pcapng file, in their order; comment: what stands above all of it.

    Raises NotRecorded when the frames are not known, as those of a recording.
    """
    if not sightings:
        raise NotRecorded(tr("No frame was seen, so there is nothing to write."))
    if not all(sighting.frame for sighting in sightings):
        raise NotRecorded(tr("The frames of a recording were not kept, only what they are: walk in a live lab."))
    devices = list(dict.fromkeys(sighting.place for sighting in sightings))
    blocks = [_section(comment)]
    blocks += [_interface(device, _link_type(device, sightings)) for device in devices]
    for sighting in sorted(sightings, key=lambda one: one.time_ns):
        blocks.append(_packet(sighting, devices.index(sighting.place)))
    return b"".join(blocks)


def _link_type(device: Device, sightings: Iterable[Sighting]) -> int:
    """What the frames of a device begin with."""
    for sighting in sightings:
        if sighting.place == device:
            return LINK_TYPES.get(sighting.link_type, ETHERNET)
    return ETHERNET


def _section(comment: str) -> bytes:
    # The byte order is told by a number, the length of the section is not told (-1).
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    options = [(COMMENT, comment.encode()), (APPLICATION, b"vethlab_sh")]
    return _block(SECTION, body + _options(options))


def _interface(device: Device, link_type: int) -> bytes:
    namespace, name = device
    body = struct.pack("<HHI", link_type, 0, 0)  # no frame is cut
    called = printable(f"{namespace}:{name}").encode()  # tshark prints it as it is
    described = printable(f"{name} in {namespace}").encode()
    options = [(NAME, called), (DESCRIPTION, described), (RESOLUTION, NANOSECONDS)]
    return _block(INTERFACE, body + _options(options))


def _packet(sighting: Sighting, interface: int) -> bytes:
    frame = sighting.frame or b""
    size = len(frame)
    upper = sighting.time_ns >> 32
    lower = sighting.time_ns & 0xFFFFFFFF
    # the size stands there twice: of what is kept, and of what was on the wire
    body = struct.pack("<IIIII", interface, upper, lower, size, size)
    way = WAYS.get(sighting.way, 0)
    flags = struct.pack("<I", way)
    comment = f"{sighting.number}. {sighting.caption}: {sighting.why}".encode()
    options = [(COMMENT, comment), (FLAGS, flags)]
    return _block(PACKET, body + _padded(frame) + _options(options))


def _block(kind: int, body: bytes) -> bytes:
    begin = struct.pack("<I", kind)
    length = struct.pack("<I", len(body) + 12)  # with its kind, and itself before and behind the body
    return begin + length + body + length


def _options(options: Iterable[tuple[int, bytes]]) -> bytes:
    written = b""
    for number, value in options:
        written += struct.pack("<HH", number, len(value)) + _padded(value)
    return written + struct.pack("<HH", END, 0)


def _padded(value: bytes) -> bytes:
    missing = -len(value) % 4
    return value + bytes(missing)
