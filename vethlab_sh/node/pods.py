"""Which pod is a namespace of this machine? The one that CNI, the kubelet or a runtime wrote down, if any did.

CNI's library, the IP address plugin host-local, the kubelet and the container runtimes each keep files that tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..markup import printable
from .namespaces import Space, files, read, same_owner

CNI = Path("/var/lib/cni")  # libcni's results, host-local's networks
POD_LOGS = Path("/var/log/pods")  # kubelet: NAMESPACE_POD_UID
# What the runtimes keep for each container: containerd, CRI-O and Podman, Docker.
RUNTIMES = (
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/{}/config.json",
    "/run/containers/storage/overlay-containers/{}/userdata/config.json",
    "/var/lib/docker/containers/{}/config.v2.json",
)
POD_NAME = ("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name")
POD_NAMESPACE = ("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace")
CONTAINER = re.compile(r"[0-9a-f]{64}")
POD_UID = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})")
MADE_UP = re.compile(r"(cni-)?[0-9a-f-]{12,}")  # a runtime's name for a namespace: random digits
IP_FILE = re.compile(r"[\d.]+$|[\da-f:]+$")
LOOKED_AT = 8  # processes of a namespace that are asked for their container


@dataclass(frozen=True)
class Attachment:
    """What libcni remembers of one container's attachment: its pod, and the inodes of the namespaces it was made in."""

    container: str | None
    pod: str | None
    inodes: tuple[int, ...]


def name_spaces(spaces: Sequence[Space], addresses: Mapping[int, Sequence[str]], own: str) -> None:
    """Give each namespace its pod and container, as far as anybody wrote it down, and a label of its own.

    addresses: those of each namespace, by its inode; own: what the machine's own namespace is called.
    """
    by_inode = {}
    by_container = {}
    for attachment in _attachments():
        for inode in attachment.inodes:
            by_inode[inode] = attachment
        if attachment.container:
            by_container[attachment.container] = attachment
    leased = _leased(spaces, addresses)
    for space in spaces:
        by_cgroup = _containers(space)
        containers = list(by_cgroup)
        if space.inode in leased:
            containers.append(leased[space.inode])
        attached = by_inode.get(space.inode) or _first_of(containers, by_container)
        if attached:
            space.container = attached.container
            space.pod = attached.pod
        if containers:
            space.container = containers[0]
        space.pod = space.pod or _pod_by_uid(space.pids) or _pod_by_runtime(by_cgroup)
        label = space.pod or _spoken(space.names) or _by_process(space)
        space.label = printable(label)
    _tell_apart(spaces, own)


def _first_of(containers: Iterable[str], attachments: Mapping[str, Attachment]) -> Attachment | None:
    for container in containers:
        if container in attachments:
            return attachments[container]
    return None


def _tell_apart(spaces: Iterable[Space], own: str) -> None:
    """Two namespaces of one label would be one in the tables: the second has its inode in it."""
    labels = {own}
    for space in spaces:
        if space.label in labels:
            space.label = f"{space.label} ({space.inode})"
        labels.add(space.label)


def _spoken(names: Iterable[str]) -> str | None:
    """A name that a person gave, rather than one that a runtime made up."""
    for name in names:
        if not MADE_UP.fullmatch(name):
            return name
    return None


def _by_process(space: Space) -> str:
    """A namespace without a name of its own is called after its first process."""
    if not space.pids:
        return space.names[0]
    return f"{space.process} {space.pids[0]}"


def _containers(space: Space) -> list[str]:
    """The containers that its processes are in: the runtimes end a cgroup's path with the container's identity."""
    containers = []
    for pid in space.pids[:LOOKED_AT]:
        path = read(f"/proc/{pid}/cgroup")
        identities = CONTAINER.findall(path)
        containers += identities[-1:]
    return containers


# ---- what CNI wrote down ------------------------------------------------------------------------------------


def _attachments() -> Iterator[Attachment]:
    """What libcni remembers of each attachment (containernetworking/cni, libcni/api.go, cachedInfo)."""
    for file in files(CNI / "results"):
        try:
            yield _attachment(json.loads(read(file)))
        except (ValueError, TypeError, AttributeError, KeyError):  # half written, or of another kind
            continue


def _attachment(kept: dict[str, Any]) -> Attachment:
    arguments = dict(kept.get("cniArgs") or [])
    result = kept.get("result") or {}
    paths = set()
    for interface in result.get("interfaces") or []:
        if interface.get("sandbox"):
            paths.add(str(interface["sandbox"]))
    if kept.get("netns"):
        paths.add(str(kept["netns"]))
    inodes = []
    for path in paths:
        with contextlib.suppress(OSError):
            inodes.append(os.stat(path).st_ino)
    pod = _full_name(arguments.get("K8S_POD_NAMESPACE"), arguments.get("K8S_POD_NAME"))
    return Attachment(kept.get("containerId"), pod, tuple(inodes))


def _full_name(namespace: str | None, name: str | None) -> str | None:
    """A pod's name as kubectl takes it, with its namespace where that is told."""
    if namespace and name:
        return f"{namespace}/{name}"
    return name


def _leased(spaces: Iterable[Space], addresses: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """The container that each namespace belongs to by its address, which host-local leased to it.

    Anybody can give a namespace of their own any address. So an address is evidence only in a namespace that was made
    where we stand, not in somebody's user namespace, and only when no other such namespace has it.
    """
    leases = _leases()
    holders: dict[str, list[int]] = {}
    for space in spaces:
        own = [ip for ip in addresses.get(space.inode, ()) if ip in leases]
        if not own or not same_owner(space.fd):
            continue
        for ip in own:
            holders.setdefault(ip, []).append(space.inode)
    leased = {}
    for ip, inodes in holders.items():
        if len(inodes) == 1:
            leased[inodes[0]] = leases[ip]
    return leased


def _leases() -> dict[str, str]:
    """host-local keeps a file for each address, with the container on its first line."""
    leases = {}
    for folder in files(CNI / "networks"):
        for file in files(folder):
            if IP_FILE.match(file.name):
                container, *_ = read(file).split("\n")
                leases[file.name] = container.strip()
    return leases


# ---- what Kubernetes and the runtimes wrote down ------------------------------------------------------------


def _pod_by_uid(pids: Sequence[int]) -> str | None:
    """kubelet puts a pod's UID into the cgroup path, and names the folder of its logs NAMESPACE_POD_UID."""
    for pid in pids[:4]:
        path = read(f"/proc/{pid}/cgroup")
        found = POD_UID.search(path)
        if not found:
            continue
        uid = found[1].replace("_", "-")  # systemd takes a dash for a level of its slices
        pod = _pod_of_logs(uid)
        if pod:
            return pod
    return None


def _pod_of_logs(uid: str) -> str | None:
    ending = f"_{uid}"
    for folder in files(POD_LOGS):
        namespace, _, rest = folder.name.partition("_")
        if rest.endswith(ending):
            name = rest.removesuffix(ending)
            return f"{namespace}/{name}"
    return None


def _pod_by_runtime(containers: Iterable[str]) -> str | None:
    """The pod's name in a container's labels, or the container's own name."""
    for container in containers:
        for file in RUNTIMES:
            with contextlib.suppress(ValueError, AttributeError):  # half written, or of another kind
                kept = json.loads(read(file.format(container)))
                name = _runtime_name(kept)
                if name:
                    return name
    return None


def _runtime_name(kept: dict[str, Any]) -> str | None:
    """The name in what a runtime keeps: annotations (OCI) or labels (Docker) that the kubelet set, else its own."""
    config = kept.get("Config") or {}
    labels = kept.get("annotations") or config.get("Labels") or {}
    name = _labelled(labels, POD_NAME)
    if name:
        namespace = _labelled(labels, POD_NAMESPACE)
        return _full_name(namespace, name)
    own = kept.get("Name")
    return str(own).lstrip("/") if own else None  # Docker puts a slash before it


def _labelled(labels: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    for key in keys:
        if key in labels:
            return str(labels[key])
    return None
