"""What does a bridge know when a frame comes? Its FDB as it was before the probe, and what it has learned since."""

from __future__ import annotations

from ..facts import Device, is_group
from .lookup import Tables
from .sighting import Sighting


class Learned:
    """The FDBs of all bridges while the frames of a walk pass, one after the other.

    A bridge learns the source of each frame that comes in at a port (br_fdb_update(), net/bridge/br_fdb.c). Tables that
    are read after the probe know more than the bridge did when it decided.
    """

    def __init__(self, before: Tables) -> None:
        self.before = before
        self.since: dict[tuple[Device, str], str] = {}

    def port(self, bridge: Device, mac: str) -> str | None:
        """The name of the port behind which a bridge knows a MAC now; the bridge's own name for its own."""
        learned = self.since.get((bridge, mac))
        if learned:
            return learned
        entry = self.before.fdb(bridge, mac)
        return entry.dev if entry else None

    def sees(self, sighting: Sighting) -> None:
        """Learn from a sighting, when it is a frame that comes in at a port."""
        tables = self.before
        bridge = tables.master(sighting.place)
        link = tables.link(sighting.place)
        if bridge is None or sighting.way != "in" or link is None:
            return
        if link.port and not link.port.learning:
            return
        source = sighting.macs[0]
        entry = tables.fdb(bridge, source)
        is_fixed = entry is not None and entry.state  # permanent or static: stays where it is
        if not is_fixed:
            self.since[bridge, source] = sighting.device

    def is_flooded(self, sighting: Sighting) -> bool:
        """Whether a bridge sends this frame out of a port because it does not know where its goal is."""
        bridge = self.before.master(sighting.place)
        mac = sighting.macs[1]
        if bridge is None or sighting.way != "out" or is_group(mac):
            return False
        return self.port(bridge, mac) is None
