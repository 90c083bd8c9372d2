"""Which network namespaces does this machine have, and which pod is each?

Those with a name in /run/netns, and those that a process is in. What they are called is read from /proc and from what
CNI, the kubelet and the container runtimes wrote down.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..snapshot import Row

NAMED = (Path("/run/netns"), Path("/run/docker/netns"))
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


@dataclass
class Space:
    """One network namespace: its inode, a descriptor of it, the names and processes that lead to it, and its pod."""

    inode: int
    fd: int
    names: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    pod: str | None = None
    container: str | None = None
    label: str = ""

    @property
    def process(self) -> str | None:
        """The name of its first process that is not the one that only holds a pod's namespace."""
        names = [_read(f"/proc/{pid}/comm").strip() for pid in self.pids[:8]]
        return next((name for name in names if name and name != "pause"), names[0] if names else None)


def find_spaces() -> tuple[list[Space], int]:
    """Every namespace but our own, each with a descriptor; and how many processes would not tell theirs."""
    import resource  # not on every system, and the rest of the package is read there too

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    own, found, closed = os.stat("/proc/self/ns/net").st_ino, {}, 0
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        file = f"/proc/{pid}/ns/net"
        try:
            inode = os.stat(file).st_ino
            if inode == own:
                continue
            if inode not in found:
                found[inode] = Space(inode, _open(file))
            found[inode].pids.append(pid)
        except PermissionError:
            closed += bool(_read(f"/proc/{pid}/cmdline"))  # a kernel thread has none, and is on the machine itself
        except OSError:  # it has ended
            continue
    nsfs = os.stat("/proc/self/ns/net").st_dev
    for named in (named for folder in NAMED for named in _files(folder)):
        with contextlib.suppress(OSError):
            stat = named.stat()
            if stat.st_dev == nsfs and stat.st_ino != own:
                if stat.st_ino not in found:
                    found[stat.st_ino] = Space(stat.st_ino, _open(str(named)))
                found[stat.st_ino].names.append(named.name)
    return list(found.values()), closed


def _open(file: str) -> int:
    fd = os.open(file, os.O_RDONLY)
    os.set_inheritable(fd, True)
    return fd


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _read(file: str | Path) -> str:
    """A file's text; nothing when we may not read it or it is gone."""
    try:
        return Path(file).read_text(errors="replace")
    except OSError:
        return ""


# ---- what they are called -------------------------------------------------------------------------------------------


def name_spaces(spaces: list[Space], answered: dict[str, Any]) -> None:
    """Give each namespace its pod and container, as far as anybody wrote it down, and a label of its own."""
    results, by_address = list(_cni_results()), _host_local()
    sandboxes = {inode: result for result in results for inode in result["inodes"]}
    containers = {result["container"]: result for result in results}
    for space in spaces:
        ids = [found for pid in space.pids[:8] for found in CONTAINER.findall(_read(f"/proc/{pid}/cgroup"))[-1:]]
        ips = [
            row["local"]
            for link in answered.get(str(space.fd), {"addr": ()})["addr"]
            for row in link.get("addr_info", ())
        ]
        leased = [by_address[ip] for ip in ips if ip in by_address]
        result = sandboxes.get(space.inode) or next((containers[i] for i in (*ids, *leased) if i in containers), None)
        space.container = next(iter((*ids, *leased)), result["container"] if result else None)
        space.pod = (result and result["pod"]) or _pod_by_uid(space.pids[:4]) or _pod_by_runtime(ids)
        space.label = space.pod or _spoken(space.names) or _label(space)
    count: dict[str, int] = {}
    for space in spaces:  # two namespaces of one label would be one in the tables
        count[space.label] = count.get(space.label, 0) + 1
        if count[space.label] > 1 or space.label == os.uname().nodename:
            space.label = f"{space.label} ({space.inode})"


def _spoken(names: list[str]) -> str | None:
    """A name that a person gave, rather than one that a runtime made of random digits."""
    return next((name for name in names if not re.fullmatch(r"(cni-)?[0-9a-f-]{12,}", name)), None)


def _label(space: Space) -> str:
    if space.pids:
        return f"{space.process} {space.pids[0]}"
    return space.names[0]


def _cni_results() -> Iterator[Row]:
    """What libcni remembers of each attachment: container, pod, and the inodes of the namespaces it was made for."""
    for file in _files(CNI / "results"):
        try:
            kept = json.loads(_read(file))
            arguments = dict(kept.get("cniArgs") or [])
            interfaces = (kept.get("result") or {}).get("interfaces") or []
            paths = {str(i["sandbox"]) for i in interfaces if i.get("sandbox")} | {str(kept.get("netns") or "")} - {""}
        except (ValueError, TypeError, AttributeError, KeyError):  # half written, or of another kind
            continue
        inodes = []
        for path in paths:
            with contextlib.suppress(OSError):
                inodes.append(os.stat(path).st_ino)
        name, namespace = arguments.get("K8S_POD_NAME"), arguments.get("K8S_POD_NAMESPACE")
        pod = f"{namespace}/{name}" if name and namespace else name
        yield {"container": kept.get("containerId"), "pod": pod, "inodes": inodes}


def _host_local() -> dict[str, str]:
    """The container that host-local gave each address to: a file for each, with the container on its first line."""
    leases = (file for folder in _files(CNI / "networks") for file in _files(folder))
    return {
        file.name: _read(file).split("\n")[0].strip() for file in leases if re.match(r"[\d.]+$|[\da-f:]+$", file.name)
    }


def _pod_by_uid(pids: Iterable[int]) -> str | None:
    """kubelet puts a pod's UID into the cgroup path, and names the folder of its logs NAMESPACE_POD_UID."""
    for pid in pids:
        if found := POD_UID.search(_read(f"/proc/{pid}/cgroup")):
            uid = found[1].replace("_", "-")
            for folder in _files(POD_LOGS):
                namespace, _, rest = folder.name.partition("_")
                if rest.endswith(f"_{uid}"):
                    return f"{namespace}/{rest.removesuffix(f'_{uid}')}"
    return None


def _pod_by_runtime(containers: Iterable[str]) -> str | None:
    """The pod's name in a container's labels, or the container's own name."""
    for text in (_read(kind.format(container)) for container in containers for kind in RUNTIMES):
        try:
            kept = json.loads(text)
            labels = kept.get("annotations") or (kept.get("Config") or {}).get("Labels") or {}
        except (ValueError, AttributeError):
            continue
        name = next((labels[key] for key in POD_NAME if key in labels), None)
        namespace = next((labels[key] for key in POD_NAMESPACE if key in labels), None)
        if name:
            return f"{namespace}/{name}" if namespace else str(name)
        if kept.get("Name"):
            return str(kept["Name"]).lstrip("/")
    return None
