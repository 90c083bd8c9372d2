"""How is one probe sent and followed? Tables, listeners, sightings, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from .. import snapshot
from ..errors import TooBusy
from ..facts import OTHER_BUSES, Device, Link
from ..inside import inside
from ..language import plural
from ..shell import Shell
from .causes.cause import Cause, Diagnosis, Line, typed
from .causes.circles import switching_loop
from .causes.scene import Scene
from .listen import Ground, Heard, listen
from .lookup import Tables
from .probe import Probe, forgetting, open_questions, target_of
from .sightings import Course, course
from .verdict import in_a_circle, judge
from .walk import Walk

# Seconds at most. Each address is asked for after a delay of up to one, and an answer is waited for for another one,
# or as often as dad_transmits says; RFC 4862, 5.4.2, and addrconf_dad_kick(), net/ipv6/addrconf.c
CHECKING = 10.0
SHORT = 0.5  # seconds for an answer where a loop is there anyway, and takes a processor as long as we look


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
    src, dst = (before.snapshot.name_of(end) for end in (src, dst))
    ends = (src, dst, target_of(before, src, dst))
    if ":" in ends[2]:
        before = once_addresses_are_checked(ground, before)
    probe = Probe.of(ends, count, size, proto)
    probe = replace(probe, forgets=True)
    if cold:
        before = _cold(ground, before)
    hurried = follow(ground, before, replace(probe, patience=None), before.links)
    if hurried.ok or hurried.cause not in (None, Cause.UNKNOWN):
        return hurried
    # Nothing explains it: an answer may have come too late, or the walk was cut off before the packet's last place.
    before = Tables(ground.look())
    if cold:
        before = _cold(ground, before)
    try:
        return follow(ground, before, probe, before.links)
    except TooBusy:  # the longer one listens, the more passes
        return hurried


def once_addresses_are_checked(ground: Ground, tables: Tables) -> Tables:
    """The tables once IPv6 uses its new addresses: a router without one that is link-local cannot ask for a MAC."""
    end = time.monotonic() + CHECKING
    while tables.is_checking_addresses and time.monotonic() < end:
        ground.run("sleep 0.05")
        tables = Tables(ground.look())
    return tables


def _cold(ground: Ground, tables: Tables) -> Tables:
    """The tables without all that was learned."""
    ground.run(forgetting(tables))
    return Tables(ground.look())


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
    heard = listen(
        ground,
        _ears(before, probe, places),
        command=ground.way_into(probe.src) + probe.line,
        first=open_questions(before) if probe.forgets else "",
        wanted=probe.wanted(before, is_lab=may_trace),
    )
    if not probe.is_ping:  # then the listeners take what all others say by this protocol
        _check_nothing_missed(heard)
    if probe.patience is None:
        probe = replace(probe, patience=heard.patience)
    is_lost = heard.code != 0
    seen = course(before, before, heard, probe)
    now = before
    # Tables that nothing was learned into meanwhile still hold, and spare us a second look.
    if is_lost or seen.taught:
        now = Tables(ground.look())
        seen = course(before, now, heard, probe, is_lost=is_lost and may_trace)
    scene = Scene(ground, probe, before, now, seen, heard, may_trace)
    return Walk.of(probe, seen, judge(scene), heard.out, now.snapshot)


def _check_nothing_missed(heard: Heard) -> None:
    if heard.missed:
        raise TooBusy(
            plural(
                "So much passes here that tcpdump missed {count} frame: which way one packet takes is not known. Ask "
                "again when it is quieter.",
                "So much passes here that tcpdump missed {count} frames: which way one packet takes is not known. Ask "
                "again when it is quieter.",
                heard.missed,
            )
        )


def _walk_in_a_circle(ground: Ground, tables: Tables, probe: Probe, circle: Diagnosis) -> Walk:
    """A walk without listeners: in a loop of bridges each frame would be heard for ever, and very often."""
    probe = replace(probe, patience=SHORT)
    line = ground.inside(probe.src, probe.line)
    ran = ground.run(line)
    nothing_seen = Course((), taught=False)
    scene = Scene(
        ground,
        probe,
        before=tables,
        tables=tables,
        course=nothing_seen,
        heard=Heard((), ran.out, ran.err, ran.code),
        may_trace=False,
    )
    outcome = in_a_circle(scene, circle, answered=ran.code == 0)
    return Walk.of(probe, nothing_seen, outcome, ran.out, tables.snapshot)


def _ears(tables: Tables, probe: Probe, places: Collection[Device]) -> list[Link]:
    """The devices to listen at: lo only of a namespace that asks itself."""
    is_own = probe.target in tables.own(probe.src)
    links = []
    for device in places:
        link = tables.link(device)
        if not link or not link.up or link.kind in OTHER_BUSES:
            continue
        if link.kind != "loopback" or (is_own and link.namespace == probe.src):
            links.append(link)
    return links
