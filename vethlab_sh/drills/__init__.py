"""What is broken here? Faults planted by real commands, tickets as users write them, and the kernel as the judge.

Each drill is laid, proved whole, planted and proved broken. Any repair that makes the network right is accepted: what
is judged is that every ping is answered again by the way it took before, that every address is where it belongs, and
that no cable, tunnel or rewriting rule goes around the fault.
"""

from __future__ import annotations

from random import Random

from ..errors import NoDrill, UnknownDrill
from ..packet.walk import from_plain
from . import bridge, calico, direct, flannel
from .debriefing import Debriefing
from .drill import KEPT, STATE, Drill, Playground
from .fault import Fault, Hint, Maker, Wrong

DRILLS: dict[str, Maker] = {**direct.DRILLS, **bridge.DRILLS, **flannel.DRILLS, **calico.DRILLS}

__all__ = ["DRILLS", "Debriefing", "Drill", "Fault", "Hint", "Wrong", "fault", "listed", "names", "resume", "start"]


def names() -> list[str]:
    """The drills there are."""
    return list(DRILLS)


def listed() -> list[dict[str, str]]:
    """A row a drill: name, scenario, the first sentence of its ticket."""
    rows = []
    for name in DRILLS:
        planned = fault(name)
        first_sentence = planned.ticket.partition(". ")[0].rstrip(".") + "."
        rows.append({"name": name, "scenario": planned.world.scenario, "ticket": first_sentence})
    return rows


def fault(name: str, seed: int | str = 0) -> Fault:
    """A drill's data with the names and addresses of a seed; raises UnknownDrill."""
    if name not in DRILLS:
        raise UnknownDrill(name, names())
    return DRILLS[name](Random(f"{name}:{seed}"))


def start(lab: Playground, name: str, seed: int | str = 0) -> Drill:
    """Lay a drill's network in an empty lab, prove it whole, plant the fault, prove it broken.

    name: one of `names()`; seed: another one hits another pod, with other addresses. A lab in which this drill was
    mended can be used again. Raises DrillUnfit when the lab is not what the drill needs.
    """
    drill = Drill(lab, name, seed, fault(name, seed), planted_at=len(lab.typed))
    if _is_empty(lab):
        drill.lay()
    drill.plant()
    drill.before = drill.walk()
    drill.keep()
    return drill


def _is_empty(lab: Playground) -> bool:
    links = lab.snapshot().rows.links
    return all(link.kind == "loopback" for link in links)


def resume(lab: Playground) -> Drill:
    """The drill that is under way in this lab, wherever it was started; raises NoDrill."""
    state = lab.kept(KEPT)
    if not state:
        raise NoDrill(lab.name)
    fields = {name: state[name] for name in STATE}
    drill = Drill(lab, fault=fault(state["name"], state["seed"]), **fields)
    if state["before"]:
        drill.before = from_plain(state["before"])
    return drill
