"""How is one probe sent and followed?"""

from __future__ import annotations

from collections.abc import Collection

from .. import snapshot
from ..inside import inside
from ..shell import Shell
from .listen import Ground, listen
from .lookup import Device, Tables
from .probe import _open_questions, _wanted, forgetting, probe, target_of
from .sightings import _Told
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
    ground = Ground(lambda line: shell.run(line, expect=None), inside, lambda: snapshot.take(shell))
    before = Tables(ground.look())
    target = target_of(before, src, dst)
    if lines := forgetting(before) if cold else _open_questions(before):
        ground.run(lines)
    return follow(ground, before, (src, dst, target), before.links, count, size, proto)


def follow(
    ground: Ground,
    before: Tables,
    ends: tuple[str, str, str],
    places: Collection[Device],
    count: int = 1,
    size: int | None = None,
    proto: str = "icmp",
) -> Walk:
    """Send a probe over a ground, and listen at these places, as far as they are up.

    before: the tables as they were; ends: the namespace that sends, the other end as it was asked for, its address.
    """
    src, dst, target = ends
    own = target in before.own(src)
    devices = [d for d in places if before.link(d)["up"] and (before.link(d)["kind"] != "loopback" or own)]
    line = ground.inside(src, probe(target, count, size, proto))
    heard = listen(ground, devices, line, _wanted(before, src, target, proto))
    # Tables that nothing was learned into meanwhile still hold, and spare us a second look.
    told = _Told(ground, before, heard, src, target, proto)
    if heard.code != 0 or told.learned():
        told = _Told(ground, Tables(ground.look()), heard, src, target, proto)
    return told.walk(dst)
