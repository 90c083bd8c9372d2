"""What is broken here? Faults planted by real commands, tickets as users write them, and the kernel as the judge.

Each drill is laid, proved whole, planted and proved broken. Any repair that makes the network right is accepted: what
is judged is that every ping is answered again by the way it took before, that every address is where it belongs, and
that no cable, tunnel or rewriting rule goes around the fault.

What is called after its fault is half solved. So a drill has two names: `flannel-2`, its scenario and a number, by
which a learner knows it, and the word for its fault, `missing-fdb`, which is told when it is over.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from random import Random

from ..errors import NoDrill, ToolMissing, UnknownDrill
from ..packet.walk import from_plain
from ..scenarios import check_programs, load
from . import bridge, calico, direct, flannel, ovs
from .debriefing import Debriefing
from .drill import KEPT, STATE, Drill, Playground, unsealed
from .fault import Fault, Hint, Maker, Wrong

Makers = dict[str, Maker]  # by the word for the fault
ROOMS: dict[str, Makers] = {
    "direct": direct.DRILLS,
    "bridge": bridge.DRILLS,
    "flannel": flannel.DRILLS,
    "calico": calico.DRILLS,
    "ovs": ovs.DRILLS,
}
DRILLS: Makers = {word: maker for makers in ROOMS.values() for word, maker in makers.items()}

__all__ = [
    "DRILLS",
    "NAMES",
    "Debriefing",
    "Drill",
    "Fault",
    "Hint",
    "Wrong",
    "fault",
    "listed",
    "names",
    "playable",
    "resume",
    "start",
]


def _numbered() -> dict[str, str]:
    """The word for the fault of each drill, by its scenario and its number there."""
    words = {}
    for scenario, makers in ROOMS.items():
        for number, word in enumerate(makers, 1):
            words[f"{scenario}-{number}"] = word
    return words


WORDS = _numbered()
NAMES = {word: name for name, word in WORDS.items()}


def names() -> list[str]:
    """The drills there are: `direct-1`, `bridge-3` …, which do not say what is broken."""
    return list(WORDS)


def playable() -> list[str]:
    """Those for which this machine has the programs."""
    able = []
    for scenario in ROOMS:
        with contextlib.suppress(ToolMissing):
            check_programs(load(scenario))
            able.append(scenario)
    return [name for name in names() if name.rpartition("-")[0] in able]


def listed() -> list[dict[str, str]]:
    """A row a drill: name, scenario, the first sentence of its ticket."""
    rows = []
    for name in names():
        planned = fault(name)
        first_sentence = _first_sentence(planned.ticket)
        rows.append({"name": name, "scenario": planned.world.scenario, "ticket": first_sentence})
    return rows


def _first_sentence(text: str) -> str:
    before, stop, _ = text.partition("。")
    if stop:
        return before + stop
    return text.partition(". ")[0].rstrip(".") + "."


def fault(name: str, seed: int | str = 0) -> Fault:
    """A drill's data with the names and addresses of a seed; raises UnknownDrill.

    name: one of `names()`, or the word for the fault.
    """
    word = WORDS.get(name, name)
    if word not in DRILLS:
        raise UnknownDrill(name, names(), also=list(DRILLS))
    planned = DRILLS[word](Random(f"{word}:{seed}"))
    return replace(planned, word=word)


def start(lab: Playground, name: str, seed: int | str = 0) -> Drill:
    """Lay a drill's network in an empty lab, prove it whole, plant the fault, prove it broken.

    name: one of `names()`, or the word for the fault; seed: another one hits another pod, with other addresses. A lab
    in which this drill was mended can be used again. Raises DrillUnfit when the lab is not what the drill needs,
    ToolMissing when this machine is not.
    """
    planned = fault(name, seed)
    check_programs(load(planned.world.scenario))
    drill = Drill(lab, NAMES[planned.word], seed, planned, planted_at=len(lab.typed))
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
    sealed = unsealed(state["sealed"])
    drill = Drill(lab, fault=fault(state["name"], state["seed"]), broken=sealed["broken"], **fields)
    if sealed["before"]:
        drill.before = from_plain(sealed["before"])
    return drill
