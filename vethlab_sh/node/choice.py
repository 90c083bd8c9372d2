"""Which namespaces does `web-1`, `4711`, `veth0` or `10.244.0.2` mean? Those of the first kind of name that fits."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from ipaddress import ip_address

from ..errors import BadInput
from ..language import either, enumerated, sentences, tr
from ..snapshot import Snapshot
from .namespaces import Space

MANY = 8  # names that an error lists
SHORTEST = 8  # digits of a container's identity that are enough


def chosen(what: str, spaces: Sequence[Space], taken: Snapshot, own: str) -> set[str]:
    """The labels of the namespaces that a pod, a container, a name, a process, a device or an address means.

    The first kind that fits counts. own: the label of our own namespace. Raises BadInput when there is none.
    """
    found = (
        _by_name(what, spaces)
        or _by_container(what, spaces)
        or _by_process(what, spaces, own)
        or ({own} if what == own else set())
        or _by_device(what, taken, own)
        or _by_address(what, taken)
    )
    if not found:
        none = tr(
            "There is no pod, container, namespace, process, device or address {what!r} to be seen here.", what=what
        )
        labels = {space.label for space in spaces}
        raise BadInput(sentences(none, _listed(labels)))
    return found


def one(what: str, spaces: Sequence[Space], taken: Snapshot, own: str) -> str:
    """The label of the one namespace that this means. Raises BadInput when there is none, or more than one."""
    found = sorted(chosen(what, spaces, taken, own))
    if len(found) > 1:
        some = either(found[:4])
        if len(found) > 4:
            some += " ..."
        raise BadInput(tr("{what!r} could be {some}: say which.", what=what, some=some))
    return found[0]


def is_address(what: str) -> bool:
    """Whether this is an IP address."""
    try:
        ip_address(what)
    except ValueError:
        return False
    return True


def _by_name(what: str, spaces: Sequence[Space]) -> set[str]:
    """Those that are called so, or whose pod is, with or without the pod's own namespace."""
    found = set()
    for space in spaces:
        without_namespace = (space.pod or "").endswith(f"/{what}")
        if without_namespace or what in (space.label, space.pod, *space.names):
            found.add(space.label)
    return found


def _by_container(what: str, spaces: Sequence[Space]) -> set[str]:
    if len(what) < SHORTEST:
        return set()
    found = set()
    for space in spaces:
        if space.container and space.container.startswith(what):
            found.add(space.label)
    return found


def _by_process(what: str, spaces: Sequence[Space], own: str) -> set[str]:
    """The one that a process is in, by its number."""
    if not what.isdigit():
        return set()
    try:
        inode = os.stat(f"/proc/{what}/ns/net").st_ino
    except OSError:
        return set()
    if inode == os.stat("/proc/self/ns/net").st_ino:
        return {own}
    return {space.label for space in spaces if space.inode == inode}


def _by_device(what: str, taken: Snapshot, own: str) -> set[str]:
    """Those at the other end of our own device of this name, else those that have such a device."""
    holders = set()
    behind = set()
    for link in taken.rows.links:
        if link.name != what:
            continue
        holders.add(link.namespace)
        if link.namespace == own and link.peer_namespace:
            behind.add(link.peer_namespace)
    return behind or holders


def _by_address(what: str, taken: Snapshot) -> set[str]:
    addresses = taken.rows.addresses
    return {address.namespace for address in addresses if address.ip == what}


def _listed(labels: Collection[str]) -> str:
    """The names that there are, as a sentence."""
    if not labels:
        return ""
    known = enumerated(sorted(labels)[:MANY])
    if len(labels) > MANY:
        known += " ..."
    return tr("There are: {known}.", known=known)
