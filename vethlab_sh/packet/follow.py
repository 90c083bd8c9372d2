"""How is one probe sent and followed? Tables, listeners, sightings, and the verdict."""

from __future__ import annotations

from collections.abc import Collection

from .. import snapshot
from ..facts import Device
from ..inside import inside
from ..shell import Shell
from .causes.cause import Cause, Diagnosis, Line, typed
from .causes.circles import switching_loop
from .causes.scene import Scene
from .listen import Ground, Heard, listen
from .lookup import Tables
from .probe import PATIENCE, Probe, forgetting, open_questions, target_of
from .sightings import Course, course
from .verdict import in_a_circle, judge
from .walk import Walk


def walk(
    shell: Shell,
    src: str,
    dst: str,
    count: int = 1,
    size: int | None = None,
    cold: bool = False,
    proto: str = "icmp",
) -> Walk:
    """Send one ping from a namespace and see every device that it passes.

    src: a namespace, or master; dst: an address, or a namespace (its first address); count and size: as `ping -c`
    and `-s`; cold: forget learned neighbours and FDB entries first; proto: icmp, or a probe tcp:PORT or udp:PORT.
    """
    ground = ground_of(shell)
    before = Tables(ground.look())
    probe = Probe.of((src, dst, target_of(before, src, dst)), count, size, proto)
    lines = forgetting(before) if cold else open_questions(before)
    if lines:
        ground.run(lines)
    if cold:
        before = Tables(ground.look())
    return follow(ground, before, probe, before.links)


def ground_of(shell: Shell) -> Ground:
    """A lab as the ground that packets pass."""
    return Ground(
        run=lambda line: shell.run(line, expect=None),
        inside=inside,
        look=lambda: snapshot.take(shell),
        typed=lambda namespace, line: typed(Line(namespace, line)),
    )


def follow(ground: Ground, before: Tables, probe: Probe, places: Collection[Device], may_trace: bool = True) -> Walk:
    """Send a probe over a ground, and listen at these places, as far as they are up.

    before: the tables as they were; may_trace: whether, when no answer comes, it may be sent once more with tables of
    nft that trace it.
    """
    circle = switching_loop(before)
    if circle:
        return _walk_in_a_circle(ground, before, probe, circle)
    if may_trace:
        hurried = _sent(ground, before, probe, places, may_trace, is_hurried=True)
        if not _is_in_doubt(hurried):
            return hurried
        ground.run(open_questions(Tables(ground.look())) or "true")
    return _sent(ground, before, probe, places, may_trace, is_hurried=False)


def _is_in_doubt(walk: Walk) -> bool:
    """Whether no answer came and nothing explains it: it may have come too late, or have been cut off on its way."""
    return not walk.ok and walk.cause in (None, Cause.UNKNOWN)


def _sent(
    ground: Ground, before: Tables, probe: Probe, places: Collection[Device], may_trace: bool, is_hurried: bool
) -> Walk:
    """Send it once, and judge. is_hurried: wait for an answer only as long as the listeners took to start."""
    ears = _ears(before, probe, places)
    command = ground.way_into(probe.src) + probe.waiting('"$patience"' if is_hurried else str(PATIENCE))
    heard = listen(ground, ears, command, probe.wanted(before))
    seen = course(before, before, heard, probe)
    now = before
    # Tables that nothing was learned into meanwhile still hold, and spare us a second look.
    if heard.code != 0 or seen.taught:
        now = Tables(ground.look())
        seen = course(before, now, heard, probe, is_lost=heard.code != 0 and may_trace)
    patience = heard.patience if is_hurried else PATIENCE
    outcome = judge(Scene(ground, probe, before, now, seen, heard, may_trace, patience))
    return Walk.of(probe, seen, outcome, heard.out, now.snapshot)


def _walk_in_a_circle(ground: Ground, tables: Tables, probe: Probe, circle: Diagnosis) -> Walk:
    """A walk without listeners: in a loop of bridges each frame would be heard for ever, and very often."""
    ran = ground.run(ground.inside(probe.src, probe.line))
    heard = Heard((), ran.out, ran.err, ran.code)
    scene = Scene(ground, probe, tables, tables, Course((), False), heard, may_trace=False)
    outcome = in_a_circle(scene, circle, ran.code == 0)
    return Walk.of(probe, scene.course, outcome, ran.out, tables.snapshot)


def _ears(tables: Tables, probe: Probe, places: Collection[Device]) -> list[Device]:
    """The devices to listen at: lo only where a namespace asks itself."""
    own = probe.target in tables.own(probe.src)
    devices = []
    for device in places:
        link = tables.link(device)
        if link and link.up and (link.kind != "loopback" or own):
            devices.append(device)
    return devices
