"""How is this machine wired: which cable belongs to which pod?

Only asks: of every network namespace that it may enter it reads `ip -j` and `bridge -j`, and of /proc and the files of
CNI and the container runtimes the names. Namespaces are those with a name in /run/netns and those that a process is in.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import join, network, snapshot
from .errors import BadInput, CommandFailed
from .network import Wired
from .sandbox import HOSTNAME, Outside, check_linux
from .shell import Shell
from .snapshot import Row, Snapshot

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
COLUMNS = ("namespace", "pod", "process", "pid", "processes", "netns", "container", "inode")

# A private mount namespace hides /run, so that `ip` calls each namespace by the number of our descriptor for it. That
# costs no process a namespace, and leaves nothing behind. `nsenter` because `ip -n` copies every mount of the machine;
# no `netns list-id` in each namespace, because there `ip` opens every name that there is.
PRIVATELY = """
mount -t tmpfs tmpfs /run && mkdir /run/netns || exit 3
[ $# = 0 ] || ln -s "${@/#//proc/self/fd/}" /run/netns/
"""
ASK = """
ask() {
    local it answer
    it=$(printf 'addr\\nneigh\\nroute\\n' | "$@" ip -d -j -batch -) || return
    echo "$it"
    "$@" ip -d -j -6 route
    case $it in *'"bridge"'*|*'"vxlan"'*) "$@" bridge -j fdb ;; *) echo '[]' ;; esac
}
ask_each() { for fd; do echo MARK $fd; ask nsenter --net=/proc/self/fd/$fd; done; }
half=$(($# / 2))
ask_each "${@:1:half}" >/run/half &
echo MARK HOST; ask
ask_each "${@:half+1}"
wait; cat /run/half; exit 0
"""
ALONE = """
echo MARK HOST
printf 'addr\\nneigh\\nroute\\n' | ip -d -j -batch -; ip -d -j -6 route; bridge -j fdb; exit 0
"""
ANSWERS = ("addr", "neigh", "route", "route6", "fdb")


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


@dataclass(frozen=True)
class Inspection(Wired):
    """This machine's wiring.

    spaces: a row a namespace (pod, process, container ...); hidden: what we could not look at, in a sentence, or empty;
    the rest as in Wired.
    """

    spaces: tuple[Row, ...]
    hidden: str

    def as_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {"namespaces": list(self.spaces), "hidden": self.hidden, **super().as_dict()}

    def __str__(self) -> str:
        told = "\n".join(f"- {join.sentence(row)}" for row in self.wire_rows)
        return "\n\n".join(part for part in (self.finding, told, self.as_text(), self.hidden) if part)


def inspect(what: str | None = None) -> Inspection:
    """Look at this machine's network namespaces, without changing anything.

    what: a pod (`default/web-1` or `web-1`), a container, the name of a namespace, a process number or a device, to see
    its wiring only. Raises BadInput when there is no such thing here.
    """
    check_linux()
    spaces, closed = _spaces()
    try:
        own, answered = _ask(spaces)
        _name(spaces, answered)
        rows, hidden = _rows(own, spaces, answered), _hidden(spaces, answered, closed)
        taken = _relabelled(snapshot.of(answered), {str(s.fd): s.label for s in spaces} | {HOSTNAME: own})
        if what is not None:
            chosen = _chosen(what, taken, spaces, own)
            taken = _only(taken, chosen, own)
            rows = [row for row in rows if row["namespace"] in chosen]
    finally:
        for space in spaces:
            os.close(space.fd)
    return Inspection(taken, network.findings(taken), tuple(rows), hidden)


# ---- which namespaces there are ---------------------------------------------------------------------------------


def _spaces() -> tuple[list[Space], int]:
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


# ---- what the kernel says -----------------------------------------------------------------------------------------


def _ask(spaces: list[Space]) -> tuple[str, dict[str, Any]]:
    """Our machine's name, and what each namespace that we may enter answered, by its descriptor's number."""
    shell = Shell(Outside())
    ran = shell.run(_privately(ASK, spaces), expect=None)
    if ran.code != 0:  # no right to a mount namespace, so none to enter another network either
        ran = shell.run(_filled(ALONE), expect=None)
        spaces = []
    answered: dict[str, Any] = dict(snapshot.answers(ran.out, ANSWERS))
    if HOSTNAME not in answered:
        raise CommandFailed(ran)
    for answer in answered.values():
        answer["ids"] = []
    if spaces:
        _ask_for_ids(shell, answered, spaces, [HOSTNAME])
        _confirm(answered)
        _ask_for_ids(shell, answered, spaces, [space for space in answered if space != HOSTNAME])
    return os.uname().nodename, answered


def _privately(script: str, spaces: list[Space]) -> str:
    """The line that runs a script in a mount namespace of its own, where each namespace has its descriptor's number."""
    whole = _filled(PRIVATELY + script)
    line = ["unshare", "--mount", "bash", "-c", whole, "inspect", *(str(space.fd) for space in spaces)]
    return shlex.join(line) + " 2>/dev/null"


def _filled(script: str) -> str:
    return script.replace("MARK", snapshot.MARK).replace("HOST", HOSTNAME)


def _veths(answer: dict[str, Any]) -> Iterator[Row]:
    return (link for link in answer["addr"] if link.get("linkinfo", {}).get("info_kind") == "veth")


def _confirm(answered: dict[str, Any]) -> None:
    """Tell each namespace which of its numbers is our own, by the cables whose two ends name each other's number.

    Our own namespace knows the others by name; that spares the question in each of them.
    """
    names = {row["nsid"]: row.get("name") for row in answered[HOSTNAME]["ids"]}
    ours = {(names.get(link.get("link_netnsid")), link.get("link_index"), link["ifindex"])
            for link in _veths(answered[HOSTNAME])}  # fmt: skip
    for space, answer in answered.items():
        here = {link["link_netnsid"] for link in _veths(answer) if "link_netnsid" in link
                and (space, link["ifindex"], link.get("link_index")) in ours}  # fmt: skip
        answer["ids"] += [{"nsid": nsid} for nsid in here if space != HOSTNAME]


def _ask_for_ids(shell: Shell, answered: dict[str, Any], spaces: list[Space], where: Iterable[str]) -> None:
    """Ask namespaces whom they mean by the numbers in their cables that we do not know yet.

    One by one: asked for all, Linux 6.18 tells the first 134 only.
    """
    lines = []
    for space in where:
        answer = answered[space]
        known = {row["nsid"] for row in answer["ids"]}
        unknown = {link["link_netnsid"] for link in _veths(answer) if "link_netnsid" in link} - known
        if unknown:
            asked = "\\n".join(f"netns list-id nsid {nsid}" for nsid in sorted(unknown))
            enter = "" if space == HOSTNAME else f"nsenter --net=/proc/self/fd/{space} "
            lines.append(f"echo MARK {space}; printf '{asked}\\n' | {enter}ip -j -force -batch -")
    if lines:
        ran = shell.run(_privately("\n".join([*lines, "exit 0"]), spaces), expect=None)
        for part in ran.out.split(f"{snapshot.MARK} ")[1:]:
            space, _, told = part.partition("\n")
            rows = (row for line in told.splitlines() if line.startswith("[") for row in json.loads(line))
            answered[space]["ids"] += [row for row in rows if row.get("name")]


# ---- what they are called -------------------------------------------------------------------------------------------


def _name(spaces: list[Space], answered: dict[str, Any]) -> None:
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


# ---- the answer -----------------------------------------------------------------------------------------------


def _rows(own: str, spaces: list[Space], answered: dict[str, Any]) -> list[Row]:
    """A row a namespace, our own first."""
    first = dict.fromkeys(COLUMNS) | {"namespace": own, "inode": os.stat("/proc/self/ns/net").st_ino}
    return [first] + [
        {
            "namespace": s.label, "pod": s.pod, "process": s.process, "pid": s.pids[0] if s.pids else None,
            "processes": len(s.pids), "netns": " ".join(s.names) or None, "container": s.container, "inode": s.inode,
        }
        for s in sorted(spaces, key=lambda s: s.label)
        if str(s.fd) in answered
    ]  # fmt: skip


def _hidden(spaces: list[Space], answered: dict[str, Any], closed: int) -> str:
    """What we could not look at, as a sentence."""
    shut = [space.label or "unnamed" for space in spaces if str(space.fd) not in answered]
    parts = []
    if shut:
        parts.append(f"{_counted(len(shut), 'network namespace')} ({', '.join(shut[:3])}{', ...' * (len(shut) > 3)})")
    if closed:
        parts.append(f"those of {_counted(closed, 'process')} of others")
    if not parts:
        return ""
    cure = "" if os.geteuid() == 0 else " With sudo they are shown."
    return f"Not shown, because we may not enter: {' and '.join(parts)}.{cure}"


def _counted(count: int, thing: str) -> str:
    plural = "es" if thing.endswith("s") else "s"
    return f"{count} {thing}{plural * (count != 1)}"


def _relabelled(taken: Snapshot, labels: dict[str, str]) -> Snapshot:
    """The snapshot with its namespaces called by their labels, and all of them on this machine."""
    own = labels[HOSTNAME]
    rows = {name: tuple(_renamed(row, labels) for row in table) for name, table in taken.rows.items()}
    rows["namespaces"] = tuple(row | {"machine": own} for row in rows["namespaces"])
    rows["links"] = tuple(row | _told(row) for row in rows["links"])
    return Snapshot(rows)


def _told(row: Row) -> Row:
    """A veth always has another end: one that we cannot see is out of sight, not gone."""
    unseen = row["kind"] == "veth" and row["peer"] is None
    return {"unseen": unseen, "how": "the kernel tells both ends" if row["peer"] else None}


def _renamed(row: Row, labels: dict[str, str]) -> Row:
    return row | {key: labels.get(row[key], row[key]) for key in ("namespace", "peer_namespace") if key in row}


def _chosen(what: str, taken: Snapshot, spaces: list[Space], own: str) -> set[str]:
    """The labels of the namespaces that a pod's, container's or namespace's name, a process or a device means."""
    found = {s.label for s in spaces if what in (s.label, s.pod, *s.names) or (s.pod or "").endswith(f"/{what}")}
    if not found and len(what) >= 8:
        found = {s.label for s in spaces if (s.container or "").startswith(what)}
    if not found and what.isdigit():
        with contextlib.suppress(OSError):
            inode = os.stat(f"/proc/{what}/ns/net").st_ino
            found = {s.label for s in spaces if s.inode == inode}
    links = [row for row in taken.rows["links"] if row["name"] == what]
    found = found or {row["peer_namespace"] for row in links if row["namespace"] == own and row["peer"]}
    found = found or {row["namespace"] for row in links}
    if not found:
        known = sorted({s.label for s in spaces})
        shown = f" There are: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}." if known else ""
        raise BadInput(f"There is no pod, container, namespace, process or device {what!r} to be seen here.{shown}")
    return found


def _only(taken: Snapshot, chosen: set[str], own: str) -> Snapshot:
    """One wiring: the chosen namespaces, and of the machine the other ends of their cables with their bridges."""
    links = taken.rows["links"]
    ends = {(row["peer_namespace"], row["peer"]) for row in links if row["namespace"] in chosen and row["peer"]}
    ends |= {(own, row["master"]) for row in links if (row["namespace"], row["name"]) in ends and row["master"]}
    kept = {"namespaces": lambda row: row["namespace"] in chosen | {own} | {space for space, _ in ends}}

    def keep(row: Row) -> bool:
        return row["namespace"] in chosen or (row["namespace"], row.get("dev", row.get("name"))) in ends

    return Snapshot({name: tuple(filter(kept.get(name, keep), table)) for name, table in taken.rows.items()})
