"""What is broken here? Faults planted by real commands, tickets as users write them, and the kernel as the judge.

Each drill is laid, proved whole, planted and proved broken. Any repair that makes the network right is accepted: what
is judged is that every ping is answered again by the way it took before, that every address is where it belongs, and
that no cable, tunnel or rewriting rule goes around the fault.
"""

from __future__ import annotations

from random import Random

from ..errors import NoDrill, UnknownDrill
from ..packet.walk import walk_from_plain
from ..snapshot import from_plain
from . import bridge, flannel
from .debriefing import Debriefing
from .drill import KEPT, Drill, Playground
from .fault import Fault, Hint, Maker, Wrong

DRILLS: dict[str, tuple[str, Maker]] = {**bridge.DRILLS, **flannel.DRILLS}

__all__ = ["DRILLS", "Debriefing", "Drill", "Fault", "Hint", "Wrong", "fault", "listed", "names", "resume", "start"]


def names() -> list[str]:
    """The drills there are."""
    return list(DRILLS)


def listed() -> list[dict[str, str]]:
    """A row a drill: name, scenario, the first sentence of its ticket."""
    return [
        {"name": name, "scenario": scenario, "ticket": fault(name).ticket.partition(". ")[0].rstrip(".") + "."}
        for name, (scenario, _) in DRILLS.items()
    ]


def fault(name: str, seed: int | str = 0) -> Fault:
    """A drill's data with the names and addresses of a seed; raises UnknownDrill."""
    if name not in DRILLS:
        raise UnknownDrill(name, names())
    return DRILLS[name][1](Random(f"{name}:{seed}"))


def start(lab: Playground, name: str, seed: int | str = 0) -> Drill:
    """Lay a drill's network in an empty lab, prove it whole, plant the fault, prove it broken.

    name: one of `names()`; seed: another one hits another pod, with other addresses. A lab in which this drill was
    mended can be used again. Raises DrillUnfit when the lab is not what the drill needs.
    """
    drill = Drill(lab, name, seed, fault(name, seed), planted_at=len(lab.typed))
    if not any(link["kind"] != "loopback" for link in lab.snapshot().rows["links"]):
        drill.lay()
    drill.plant()
    drill.before = drill.walk()
    drill.keep()
    return drill


def resume(lab: Playground) -> Drill:
    """The drill that is under way in this lab, wherever it was started; raises NoDrill."""
    state = lab.kept(KEPT)
    if not state:
        raise NoDrill(lab.name)
    walk = state["before"]
    before = walk_from_plain(walk, from_plain(walk["snapshot"])) if walk else None
    return Drill(lab, fault=fault(state["name"], state["seed"]), **{**state, "before": before})
