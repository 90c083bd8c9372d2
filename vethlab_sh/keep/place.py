"""Where are the labs of this user recorded? In the first folder that is theirs alone; who squats on one is told of.

The runtime folder of a login is best: the system makes it, and nobody else can write there. Without one, anybody could
make the folder in /tmp before its owner does; then one in the user's home serves.
"""

from __future__ import annotations

import contextlib
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

from ..errors import GaveUpWaiting, NotReady, OtherPlace
from ..language import enumerated, plural, together, tr
from .reading import patiently

OF_OTHERS = 0o077  # what a file's mode allows to all but its owner
USERS, TMP = Path("/run/user"), Path("/tmp")  # systemd-logind's runtime folders (pam_systemd(8)), and everybody's
LOCK_PATIENCE = 3.0  # seconds; we ourselves hold the lock for some milliseconds


def folder() -> Path:
    """The folder, which is made when it is missing; that another one is taken than usual is said by a warning.

    Raises NotReady when there is none that is the user's alone.
    """
    refused: list[Path] = []
    for place in _places():
        if _is_usable(place):
            if refused:
                _say(refused, place)
            return place
        refused.append(place)
    tried = enumerated(map(str, refused))
    raise NotReady(
        tr(
            "Nowhere is a folder of yours alone, so no lab is kept. Tried: {tried}. Remove what is there, or see who "
            "made it.",
            tried=tried,
        )
    )


def _places() -> Iterator[Path]:
    """Where it may be, the best first."""
    me = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for place in dict.fromkeys((runtime, str(USERS / str(me)))):
        if not os.path.isabs(place) or not os.path.isdir(place):
            continue
        if os.stat(place).st_uid == me:  # `su` leaves the variable as it was: another user's
            yield Path(place, "vethlab_sh")
    yield TMP / f"vethlab_sh-{me}"
    # A home may be shared by several machines: each has its own.
    yield Path(os.path.expanduser("~"), ".cache", f"vethlab_sh-{_machine()}")


def _machine() -> str:
    """What tells this machine, or this run of it, from others."""
    identity = Path("/proc/sys/kernel/random/boot_id")
    with contextlib.suppress(OSError):
        return identity.read_text().strip()
    return os.uname().nodename


def _is_usable(place: Path) -> bool:
    try:
        if place.parent.name == ".cache":
            place.parent.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
        status = place.lstat()  # of a link itself: others may lead it where they like
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return False
    return not status.st_mode & OF_OTHERS


def _say(refused: list[Path], taken: Path) -> None:
    """Say once that another place is taken."""
    sentence = plural(
        "{names} is no folder of yours alone. Labs are kept in {taken} instead.",
        "{names} are no folders of yours alone. Labs are kept in {taken} instead.",
        len(refused),
        names=together(map(str, refused)),
        taken=taken,
    )
    warnings.warn(OtherPlace(sentence), stacklevel=3)


@contextlib.contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold a folder while nobody else changes it; the kernel takes the lock from a process that ends.

    Who holds it much longer than we ever do is not one of us (a lab sees the user's files), and is not waited for.
    """
    import fcntl  # which not every system has

    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(GaveUpWaiting):
                patiently(lambda: fcntl.flock(lock, fcntl.LOCK_EX), LOCK_PATIENCE, tr("{place} is free", place=place))
        yield
    finally:
        os.close(lock)
