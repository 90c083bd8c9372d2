"""Did a mark lead it astray? A filter marks the packet, and a rule of `ip rule` asks for that mark."""

from __future__ import annotations

from ...facts import Rule
from ...inside import quoted
from ...language import tr
from ..sighting import Sighting
from .cause import Cause, Diagnosis, Shown, fix
from .scene import Scene

ALL_BITS = 0xFFFFFFFF


def led_away_by_a_mark(scene: Scene, last: Sighting | None) -> Diagnosis | None:
    """The rule for a mark without which the packet would go on: the kernel is asked with the mark, and without it.

    last: where the packet was seen last, None where it did not leave.
    """
    space = last.namespace if last else scene.probe.src
    rules = [rule for rule in scene.look(space).rules if rule.fwmark and not rule.inverted]
    if not rules:
        return None
    question = _question(scene, last)
    for mark in _marks(scene, space):
        meant = [rule for rule in rules if _asks_for(rule, mark)]
        if not meant:
            continue
        _, goes_without, _ = scene.asked(space, question)
        line, goes, answer = scene.asked(space, f"{question} mark {mark:#x}")
        if goes or not goes_without:
            continue
        rule = meant[0]
        return Diagnosis(
            cause=Cause.POLICY_RULE,
            reason=tr(
                "a filter in {space} marks it with {mark}, and the rule `{rule}` leads what has this mark nowhere "
                "(`{line}`: {answer})",
                space=space,
                mark=f"{mark:#x}",
                rule=rule.words,
                line=line,
                answer=answer,
            ),
            shown=Shown.of(space, line, "", answer),
            fixes=(fix(space, rule.removal),),
        )
    return None


def _question(scene: Scene, last: Sighting | None) -> str:
    """What the kernel is to be asked about: the packet that came in, its answer, or what should have left."""
    if last is None:
        return f"ip route get {scene.probe.target}"
    dst = scene.real_destination(last)
    if scene.is_local(last.namespace, dst):
        return f"ip route get {last.src_ip} from {dst}"
    return f"ip route get {dst} from {last.src_ip} iif {quoted(last.device)}"


def _marks(scene: Scene, space: str) -> list[int]:
    """The marks that the filters of a namespace gave the probe, or its answer, each once."""
    marks = [step.mark for step in scene.again.steps.get(space, ()) if step.mark]
    return list(dict.fromkeys(marks))


def _asks_for(rule: Rule, mark: int) -> bool:
    """Whether a rule means what has this mark: `fwmark 0x5`, or of some of its bits `fwmark 0x5/0xff`."""
    value, _, mask = str(rule.fwmark).partition("/")
    bits = int(mask, 16) if mask else ALL_BITS
    return mark & bits == int(value, 16)
