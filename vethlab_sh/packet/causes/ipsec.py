"""Does an IPsec policy block it? The kernel counts what it drops for that reason.

Documentation/networking/xfrm_proc.rst
"""

from __future__ import annotations

from ...language import marked, tr
from .cause import Cause, Diagnosis, Shown
from .scene import Scene

BLOCKED = {
    "XfrmInPolBlock": marked("what comes in"),
    "XfrmFwdHdrError": marked("what it forwards"),
    "XfrmOutPolBlock": marked("what goes out"),
    "XfrmInNoPols": marked("what comes in"),
    "XfrmInTmplMismatch": marked("what comes in"),
}


def blocked_by_ipsec(scene: Scene) -> Diagnosis | None:
    """The namespace whose counters of IPsec moved."""
    for space in scene.spaces:
        for counter, what in BLOCKED.items():
            moved = scene.again.moved(space, counter)
            if moved:
                reason = tr("an IPsec policy (xfrm) in {space} blocks {what}", space=space, what=tr(what))
                shown = Shown.of(space, f"grep {counter} /proc/net/xfrm_stat", "", f"{counter}: +{moved}")
                return Diagnosis(Cause.IPSEC, reason, shown)
    return None
