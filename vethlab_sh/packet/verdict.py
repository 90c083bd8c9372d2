"""What became of the probe? Whether who was asked has answered, told in a sentence, and if not, why."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ..language import either, enumerated, plural, sentences, tr
from ..markup import keep_printable
from ..parsers import ping_statistics
from .causes.cause import Diagnosis, Evidence, Fix, place
from .causes.filters import rewritten_to
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

    def __post_init__(self) -> None:
        keep_printable(self, "sentence")


def judge(scene: Scene) -> Outcome:
    """Judge a probe by its sightings, and by what ping said."""
    if not _came_back(scene):
        return _lost(scene)
    answerer = who_answered(scene)
    meant = _meant(scene)
    if answerer and meant and answerer not in meant:
        return _answered_by_another(scene, answerer)
    return Outcome(True, _arrived(scene, answerer), answered_by=answerer)


def in_a_circle(scene: Scene, circle: Diagnosis, answered: bool) -> Outcome:
    """A probe over bridges that cables join in a circle: what passes there is not to be followed."""
    probe = scene.probe
    if answered:
        sentence = tr(
            "{src} reached {probe} and an answer came back, but {reason}.",
            src=probe.src,
            probe=probe.name,
            reason=circle.reason,
        )
    else:
        sentence = tr(
            "{src} did not get an answer from {probe}. The reason: {reason}.",
            src=probe.src,
            probe=probe.name,
            reason=circle.reason,
        )
    return Outcome(
        ok=answered,
        sentence=sentence,
        diagnosis=circle,
        evidence=evidence(scene, circle),
        fixes=_fixes(scene, circle),
    )


def _fixes(scene: Scene, diagnosis: Diagnosis) -> tuple[str, ...]:
    return tuple(written(scene, lines) for lines in diagnosis.fixes)


def _came_back(scene: Scene) -> bool:
    if scene.probe.is_ping:
        return _all_pings_came_back(scene)
    return _has_answered(scene)


def _all_pings_came_back(scene: Scene) -> bool:
    """Whether ping counts as many answers as questions."""
    statistics = ping_statistics.parse(scene.heard.out)
    if not statistics:
        return False
    sent = statistics[0]["sent"]
    received = statistics[0]["received"]
    return bool(sent and sent == received)


def _has_answered(scene: Scene) -> bool:
    """Whether an answer of TCP or UDP came to the program that asks; a refusal is none.

    What comes in is seen before a filter or a setting of who asks drops it: the line ends well when it got through.
    """
    if scene.heard.code != 0:
        return False
    wanted = Kind.TCP if scene.probe.protocol == "tcp" else Kind.UDP
    # of our connection, whoever it says that it is from: OUTPUT may have rewritten whom we ask
    answers = [one for one in _come_home(scene) if one.kind == wanted and one.leg == "back"]
    if not (answers or scene.course.there):  # by lo, at which nobody listens unless the target is an own address
        return _asks_itself(scene)
    # a reset may also end what was open: where it refused, the line did not end well
    return any(not one.is_reset for one in answers)


def _come_home(scene: Scene) -> list[Sighting]:
    """What came in where the probe started; by lo, if it asked itself."""
    probe = scene.probe
    if probe.src == probe.dst or scene.is_local(probe.src, probe.target):
        return [one for one in scene.course.sightings if one.device == "lo"]
    back = scene.course.back
    return [one for one in back if one.namespace == probe.src and one.way == "in"]


def who_answered(scene: Scene) -> str | None:
    """The namespace that sent the answer: where the first sighting of the answer goes out."""
    for one in scene.course.back:
        if one.kind != Kind.ICMP and one.way == "out":
            return one.namespace
    for one in scene.course.sightings:
        if one.device == "lo":
            return one.namespace
    # An answer came, and nothing passed any device but, perhaps, a lo that nobody listened to.
    if not scene.course.there and _asks_itself(scene):
        return scene.probe.src
    return None


def _asks_itself(scene: Scene) -> bool:
    """Whether who asks takes the target for its own: its address, a local route, or a rule of its own leads there."""
    probe = scene.probe
    if scene.is_local(probe.src, probe.target):
        return True
    if scene.look(probe.src).has_own(probe.target) is not None:
        return True
    goal, _ = rewritten_to(scene, probe.src, probe.target)
    return goal is not None and scene.is_local(probe.src, goal)


def _meant(scene: Scene) -> set[str]:
    """The namespaces whose answer is the one that was asked for; none when anybody's is, as with a service's address.

    Of an address those that have it. Who asks is meant only where nobody else has it: an answer of its own lo says
    nothing of the others.
    """
    probe = scene.probe
    if probe.dst in scene.tables.spaces:
        return {probe.dst}
    if any(one.dst_ip != probe.target for one in scene.course.there):  # rewritten on its way
        return set()
    owners = {namespace for namespace, _ in scene.tables.addresses.get(probe.target, ())}
    return owners - {probe.src} or owners


def _arrived(scene: Scene, answerer: str | None) -> str:
    probe = scene.probe
    there = _of_the_first(scene.course.there)
    back = _of_the_first(scene.course.back)
    who = ""
    if answerer and answerer not in (probe.dst, probe.src):
        who = tr(" from {answerer}", answerer=answerer)
    elif answerer == probe.src != probe.dst:
        who = tr(" from {answerer} itself", answerer=answerer)
    reached = tr("{src} reached {dst} and the answer came back{who}", src=probe.src, dst=probe.name, who=who)
    if not (there or back):
        way = tr("it passed no device but lo") if _asks_itself(scene) else tr("nobody saw it on its way")
        return tr("{reached}: {way}.", reached=reached, way=way)
    way = _seen_on_the_ways(len(there), len(back))
    arrived = tr("{reached}: {way}.", reached=reached, way=way)
    if there:
        arrived = tr("{reached}: {way}; {routers}.", reached=reached, way=way, routers=_routers_between(there))
    return sentences(arrived, _rewriting(_of_one_packet(there), _of_one_packet(back)))


def _of_the_first(sightings: list[Sighting]) -> list[Sighting]:
    """The sightings of the first of several pings, each packet once: without its later fragments."""
    whole = [one for one in sightings if not one.offset]
    return [one for one in whole if one.seq in (None, 1)]


def _of_one_packet(sightings: list[Sighting]) -> list[Sighting]:
    """The way of the first packet, where several of a connection pass: until something comes by a device again."""
    way: dict[tuple[str, str, str], Sighting] = {}
    for one in sightings:
        passed = (one.namespace, one.device, one.way)
        if passed in way:
            break
        way[passed] = one
    return list(way.values())


def _routers_between(there: list[Sighting]) -> str:
    """What the TTL was; and how many routers it tells of, which each take one off (RFC 791): a rule may change it."""
    way = _of_one_packet(there)
    start, end = way[0].ttl, way[-1].ttl
    if start is None or end is None or not _only_routers_count(way):
        return tr("TTL {start} on leaving, {end} on arrival", start=start, end=end)
    if start == end:
        return tr("TTL {start}, untouched (no router between)", start=start)
    passed = plural("{count} router", "{count} routers", start - end)
    return tr("TTL {start} on leaving, {end} on arrival ({passed} between)", start=start, end=end, passed=passed)


def _only_routers_count(way: list[Sighting]) -> bool:
    """Whether the TTL falls by one where a router sends a packet on, in a frame of its own, and nowhere else."""
    for before, after in itertools.pairwise(way):
        if before.ttl is None or after.ttl is None:
            return False
        fall = before.ttl - after.ttl
        has_frames = bool(before.src_mac and after.src_mac)
        is_new_frame = before.src_mac != after.src_mac
        if fall not in (0, 1) or (has_frames and is_new_frame != bool(fall)):
            return False
    return True


def _rewriting(there: list[Sighting], back: list[Sighting]) -> str:
    """What NAT did to the packet on its way, there and back; empty, mostly."""
    parts = []
    for leg, sightings in ((tr("there"), there), (tr("back"), back)):
        for before, after in itertools.pairwise(sightings):
            space = after.namespace
            if before.namespace != space:
                continue
            if before.dst_ip != after.dst_ip:
                parts.append(
                    tr(
                        "{space} rewrote where it goes from {was} to {now} ({leg})",
                        space=space,
                        was=before.dst_ip,
                        now=after.dst_ip,
                        leg=leg,
                    )
                )
            if before.src_ip != after.src_ip:
                parts.append(
                    tr(
                        "{space} rewrote who sends from {was} to {now} ({leg})",
                        space=space,
                        was=before.src_ip,
                        now=after.src_ip,
                        leg=leg,
                    )
                )
    if not parts:
        return ""
    return tr("On the way {changes}.", changes=enumerated(parts))


def _answered_by_another(scene: Scene, answerer: str) -> Outcome:
    from .causes.answerer import other_answerer

    diagnosis = other_answerer(scene, answerer)
    return Outcome(
        ok=False,
        sentence=tr(
            "An answer came back, but not from {meant}: {reason}.",
            meant=either(sorted(_meant(scene))),
            reason=diagnosis.reason,
        ),
        diagnosis=diagnosis,
        evidence=evidence(scene, diagnosis),
        fixes=_fixes(scene, diagnosis),
        answered_by=answerer,
    )


def _lost(scene: Scene) -> Outcome:
    from .causes.diagnose import diagnose  # a walk that succeeds does not load the causes

    last, diagnosis = diagnose(scene)
    probe = scene.probe
    errors = {_answer_of(scene, one) for one in scene.course.back if one.kind == Kind.ICMP}
    parts = [
        tr("{src} did not get an answer from {dst}.", src=probe.src, dst=probe.name),
        *sorted(errors),
        _seen(scene, last),
    ]
    if diagnosis.should_be:
        parts.append(tr("Next should have been {place}.", place=diagnosis.should_be))
    if diagnosis.is_known:
        parts.append(tr("The reason: {reason}.", reason=diagnosis.reason))
    else:
        parts.append(tr("{reason}.", reason=capitalised(diagnosis.reason)))
    return Outcome(
        ok=False,
        sentence=sentences(*parts),
        diagnosis=diagnosis,
        last_seen=last,
        evidence=evidence(scene, diagnosis),
        fixes=_fixes(scene, diagnosis),
    )


def capitalised(clause: str) -> str:
    """A clause as the begin of a sentence."""
    return clause[:1].upper() + clause[1:]


def _answer_of(scene: Scene, error: Sighting) -> str:
    who = _sender_of(scene, error)
    words = error.what.removeprefix("ICMP ")
    return tr("{who} answered: {words}.", who=who, words=words)


def _sender_of(scene: Scene, error: Sighting) -> str:
    """Who sent an ICMP error: where it first goes out. Its source may be another's, as NAT changes that, too."""
    for one in scene.course.back:
        is_same = (one.kind, one.what, one.src_ip) == (error.kind, error.what, error.src_ip)
        if is_same and one.way == "out":
            return one.namespace
    owner = scene.tables.owner(error.src_ip)
    return owner[0] if owner else error.src_ip


def _seen(scene: Scene, last: Sighting | None) -> str:
    if last is None:
        return tr("Nothing left {src}.", src=scene.probe.src)
    thing = _thing(last)
    where = place(last.place)
    if last.way == "in":
        return tr("Last seen: {thing} coming in at {where}.", thing=thing, where=where)
    return tr("Last seen: {thing} going out of {where}.", thing=thing, where=where)


def _thing(sighting: Sighting) -> str:
    wrapped = tr(", wrapped in {wrapping},", wrapping=tr(sighting.wrapping or "VXLAN")) if sighting.wrapped else ""
    if sighting.kind in ASKS:
        return tr("the question who has {ip}{wrapped}", ip=sighting.dst_ip, wrapped=wrapped)
    if sighting.kind == Kind.TCP:
        if sighting.is_reset:
            return tr("the TCP reset{wrapped}", wrapped=wrapped)
        return tr("the TCP segment{wrapped}", wrapped=wrapped)
    return tr("the {caption}", caption=sighting.caption)


def _seen_on_the_ways(there: int, back: int) -> str:
    """How often it was seen; `times` is said once."""
    first = tr("once") if there == 1 else tr("{number} times", number=there)
    if back == 1:
        second = tr("once")
    else:
        second = tr("{number} times", number=back) if there == 1 and back > 1 else tr("{number}", number=back)
    return tr("seen {first} on the way there and {second} on the way back", first=first, second=second)


def written(scene: Scene, lines: Fix) -> str:
    """A fix as it is typed on master: one line."""
    typed = [scene.ground.typed(line.namespace, line.text) for line in lines]
    return " && ".join(typed)


def evidence(scene: Scene, diagnosis: Diagnosis) -> Evidence | None:
    """What shows it: the command as typed on master, and the line of its output to look at."""
    shown = diagnosis.shown
    if shown is None:
        return None
    namespace, text = shown.line.namespace, shown.line.text
    command = scene.ground.typed(namespace, text)
    if shown.output:
        return Evidence(command, shown.output)
    ran = scene.ground.run(scene.ground.inside(namespace, text))
    return Evidence(command, _line_to_look_at(ran.out + ran.err, shown.word))


def _line_to_look_at(printed: str, word: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    if not lines:
        return tr("(nothing)")
    for line in lines:
        if word and word in line:
            return line
    return tr("(no such line)") if word else lines[-1]
