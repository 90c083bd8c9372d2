"""Which namespaces play a machine, and which machine is a namespace on?"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from ..sandbox import HOSTNAME
from ..snapshot import Snapshot

UNSEEN = "a machine that is not shown"


# ---- what belongs together --------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def machines(snapshot: Snapshot) -> Mapping[str, list[str]]:
    """Each machine and the namespaces on it, as the snapshot tells it (`machine` in the row of a namespace).

    In a lab nothing tells it: there a namespace plays a machine when it is called node..., or holds a bridge or a
    tunnel; the others are on the machine that their cables lead to, or on master.
    """
    told = {row.namespace: row.machine or UNSEEN for row in snapshot.rows.namespaces if row.placed}
    if told:
        homes: dict[str, list[str]] = {home: [] for home in sorted(dict.fromkeys(told.values()), key=UNSEEN.__eq__)}
        for space in sorted(told.keys() - homes.keys(), key=_natural):
            homes[told[space]].append(space)
        return homes
    spaces = [row["namespace"] for row in snapshot.rows["namespaces"]]
    holds = {row["namespace"] for row in snapshot.rows["links"] if row["kind"] in ("bridge", "vxlan")}
    found: dict[str, list[str]] = {HOSTNAME: []} | {s: [] for s in sorted(spaces, key=_natural) if _plays(s, holds)}
    for space in sorted(spaces, key=_natural):
        if space not in found:
            found[_home(space, snapshot, found)].append(space)
    return found


def _plays(space: str, holds: Collection[str]) -> bool:
    return space == HOSTNAME or space.startswith("node") or space in holds


def _home(space: str, snapshot: Snapshot, found: Mapping[str, Any]) -> str:
    peers = [r["peer_namespace"] for r in snapshot.rows["links"] if r["namespace"] == space]
    return next((peer for peer in peers if peer in found), HOSTNAME)


def _natural(name: str) -> list[Any]:
    """Sort key: ns9 before ns10, master first."""
    return [name != HOSTNAME, *(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))]
