"""What became of the probe? Whether who was asked has answered, told in a sentence, and if not, why."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ..parsers import ping
from .causes.cause import Diagnosis, Evidence, Fix
from .causes.scene import Scene
from .sighting import ASKS, Kind, Sighting


@dataclass(frozen=True)
class Outcome:
    """What became of a probe.

    ok: the namespace that was asked has answered; sentence: what happened; diagnosis: why not; last_seen: where it was
    seen last; evidence: what shows it; answered_by: the namespace that sent the answer.
    """

    ok: bool
    sentence: str
    diagnosis: Diagnosis | None = None
    last_seen: Sighting | None = None
    evidence: Evidence | None = None
    fixes: tuple[str, ...] = ()
    answered_by: str | None = None


def judge(scene: Scene) -> Outcome:
    """Judge a probe by its sightings, and by what ping said."""
    if not _came_back(scene):
        return _lost(scene)
    answerer = who_answered(scene)
    asked = scene.probe.dst if scene.probe.dst in scene.tables.spaces else None
    if asked and answerer and answerer != asked:
        return _answered_by_another(scene, asked, answerer)
    return Outcome(True, _arrived(scene, answerer), answered_by=answerer)


def in_a_circle(scene: Scene, circle: Diagnosis, answered: bool) -> Outcome:
    """A probe over bridges that cables join in a circle: what passes there is not to be followed."""
    probe = scene.probe
    shown = evidence(scene, circle)
    fixes = tuple(written(scene, lines) for lines in circle.fixes)
    if answered:
        sentence = f"{probe.src} reached {probe.name} and an answer came back, but {circle.reason}."
        return Outcome(True, sentence, circle, None, shown, fixes)
    sentence = f"{probe.src} did not get an answer from {probe.name}. The reason: {circle.reason}."
    return Outcome(False, sentence, circle, None, shown, fixes)


def _came_back(scene: Scene) -> bool:
    probe, back = scene.probe, scene.course.back
    if probe.is_ping:
        statistics = ping.statistics(scene.heard.out)
        if not statistics:
            return False
        sent, received = statistics[0]["sent"], statistics[0]["received"]
        return bool(sent and sent == received)
    home = [one for one in back if one.namespace == probe.src and one.way == "in"]
    if probe.src == scene.probe.dst or scene.is_local(probe.src, probe.target):
        home = [one for one in scene.course.sightings if one.device == "lo"]
    wanted = Kind.TCP if probe.protocol == "tcp" else Kind.UDP
    answers = [one for one in home if one.kind == wanted and (one.src_ip, one.src_port) == (probe.target, probe.port)]
    if any(one.is_reset for one in answers):
        return False
    return bool(answers)


def who_answered(scene: Scene) -> str | None:
    """The namespace that sent the answer: where the first sighting of the answer goes out."""
    for one in scene.course.back:
        if one.kind != Kind.ICMP and one.way == "out":
            return one.namespace
    local = [one for one in scene.course.sightings if one.device == "lo"]
    if local:
        return local[0].namespace
    # An answer came, and nothing passed any device but, perhaps, a lo that nobody listened to.
    return scene.probe.src if not scene.course.there else None


def _arrived(scene: Scene, answerer: str | None) -> str:
    probe = scene.probe
    there = [one for one in scene.course.there if one.seq in (None, 1) and not one.offset]
    back = [one for one in scene.course.back if one.seq in (None, 1) and not one.offset]
    start, end = (there[0].ttl, there[-1].ttl) if there else (None, None)
    routers = (start or 0) - (end or 0)
    ttl = f"TTL {start}, untouched" if start == end else f"TTL {start} on leaving, {end} on arrival"
    passed = "no router" if routers == 0 else f"{routers} router{'s' * (routers != 1)}"
    who = ""
    if answerer and answerer not in (probe.dst, probe.src):
        who = f" from {answerer}"
    elif answerer == probe.src != probe.dst:
        who = f" from {answerer} itself"
    return (
        f"{probe.src} reached {probe.name} and the answer came back{who}: "
        f"{_seen_on_the_ways(len(there), len(back))}; "
        f"{ttl} ({passed} between).{_rewriting(there, back)}"
    )


def _rewriting(there: list[Sighting], back: list[Sighting]) -> str:
    """What NAT did to the packet on its way, there and back; empty, mostly."""
    parts = []
    for leg, sightings in (("there", there), ("back", back)):
        for before, after in itertools.pairwise(sightings):
            if before.namespace == after.namespace and before.dst_ip != after.dst_ip:
                parts.append(f"{after.namespace} rewrote where it goes from {before.dst_ip} to {after.dst_ip} ({leg})")
            if before.namespace == after.namespace and before.src_ip != after.src_ip:
                parts.append(f"{after.namespace} rewrote who sends from {before.src_ip} to {after.src_ip} ({leg})")
    return f" On the way {', '.join(parts)}." if parts else ""


def _answered_by_another(scene: Scene, asked: str, answerer: str) -> Outcome:
    from .causes.answerer import other_answerer

    diagnosis = other_answerer(scene, answerer)
    sentence = f"An answer came back, but not from {asked}: {diagnosis.reason}."
    fixes = tuple(written(scene, lines) for lines in diagnosis.fixes)
    return Outcome(False, sentence, diagnosis, None, evidence(scene, diagnosis), fixes, answerer)


def _lost(scene: Scene) -> Outcome:
    from .causes.diagnose import diagnose  # a walk that succeeds does not load the causes

    last, diagnosis = diagnose(scene)
    probe = scene.probe
    parts = [f"{probe.src} did not get an answer from {probe.name}."]
    parts += sorted({_answer_of(scene, one) for one in scene.course.back if one.kind == Kind.ICMP})
    parts.append(_seen(scene, last))
    if diagnosis.should_be:
        parts.append(f"Next should have been {diagnosis.should_be}.")
    parts.append(f"The reason: {diagnosis.reason}." if diagnosis.is_known else f"{capitalised(diagnosis.reason)}.")
    fixes = tuple(written(scene, lines) for lines in diagnosis.fixes)
    return Outcome(False, " ".join(parts), diagnosis, last, evidence(scene, diagnosis), fixes)


def capitalised(clause: str) -> str:
    """A clause as the begin of a sentence."""
    return clause[:1].upper() + clause[1:]


def _answer_of(scene: Scene, error: Sighting) -> str:
    owner = scene.tables.owner(error.src_ip)
    who = owner[0] if owner else error.src_ip
    return f"{who} answered: {error.what.removeprefix('ICMP ')}."


def _seen(scene: Scene, last: Sighting | None) -> str:
    if last is None:
        return f"Nothing left {scene.probe.src}."
    thing = _thing(last)
    way = "coming in at" if last.way == "in" else "going out of"
    return f"Last seen: {thing} {way} {last.namespace} {last.device}."


def _thing(sighting: Sighting) -> str:
    wrapped = ", wrapped in VXLAN," if sighting.wrapped else ""
    if sighting.kind in ASKS:
        return f"the question who has {sighting.dst_ip}{wrapped}"
    if sighting.kind == Kind.TCP:
        return f"the TCP {'reset' if sighting.is_reset else 'segment'}{wrapped}"
    return f"the {sighting.caption}"


def _seen_on_the_ways(there: int, back: int) -> str:
    """How often it was seen; `times` is said once."""
    first = "once" if there == 1 else f"{there} times"
    second = f"{back} times" if there == 1 < back else "once" if back == 1 else str(back)
    return f"seen {first} on the way there and {second} on the way back"


def written(scene: Scene, lines: Fix) -> str:
    """A fix as it is typed on master: one line."""
    return " && ".join(scene.ground.typed(line.namespace, line.text) for line in lines)


def evidence(scene: Scene, diagnosis: Diagnosis) -> Evidence | None:
    """What shows it: the command as typed on master, and the line of its output to look at."""
    shown = diagnosis.shown
    if shown is None:
        return None
    command = scene.ground.typed(shown.line.namespace, shown.line.text)
    if shown.output:
        return Evidence(command, shown.output)
    ran = scene.ground.run(scene.ground.inside(shown.line.namespace, shown.line.text))
    return Evidence(command, _line_to_look_at(ran.out + ran.err, shown.word))


def _line_to_look_at(printed: str, word: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    if not lines:
        return "(nothing)"
    for line in lines:
        if word and word in line:
            return line
    return "(no such line)" if word else lines[-1]
