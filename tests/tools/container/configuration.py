"""How does Docker, or Podman, start a container? As an OCI configuration for runc, with their own lists of rights.

The lists of calls that are allowed are those that the projects ship: Moby's `profiles/seccomp/default.json`, Podman's
`seccomp.json`. Capabilities and masked paths are their defaults: moby `oci/caps/defaults.go`, `oci/defaults.go`;
containers/common `pkg/config/default.go`. What a key means: opencontainers/runtime-spec, config.md, config-linux.md.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field, replace
from pathlib import Path

PODMAN_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_CHROOT",
)  # fmt: skip
DOCKER_CAPABILITIES = (*PODMAN_CAPABILITIES, "AUDIT_WRITE", "MKNOD", "NET_RAW")
MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
    "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# what the lists call the processor that we are on: moby profiles/seccomp/seccomp_linux.go
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x", "ppc64le": "ppc64le", "riscv64": "riscv64"}


@dataclass(frozen=True)
class Container:
    """One container. tool: docker or podman; added: what `--cap-add` names; seccomp: False: `seccomp=unconfined`.

    no_new_privileges: `--security-opt no-new-privileges`; masked: False: `--security-opt systempaths=unconfined`;
    dropped: `--cap-drop ALL`.
    """

    tool: str = "docker"
    user: int = 0
    added: tuple[str, ...] = ()
    seccomp: bool = True
    no_new_privileges: bool = False
    masked: bool = True
    dropped: bool = False

    def of(self, user: int) -> Container:
        """The same, with this user in it."""
        return replace(self, user=user)

    @property
    def capabilities(self) -> list[str]:
        """Their names, as capabilities(7) has them."""
        if self.dropped:
            return []
        names = PODMAN_CAPABILITIES if self.tool == "podman" else DOCKER_CAPABILITIES
        return [f"CAP_{name}" for name in (*names, *self.added)]


@dataclass(frozen=True)
class Program:
    """What a container runs. words: it and its arguments; environment, folder: in which it begins."""

    words: list[str]
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH, "HOME": "/tmp"})
    folder: str = "/tmp"


def configuration(
    container: Container, program: Program, root: Path, profile: Path, shown: dict[str, Path], writable: bool = False
) -> dict[str, object]:
    """The file `config.json` that runc starts a container from.

    root: its root folder, which is shown read-only unless it is writable; profile: the list of calls as the tool
    ships it; shown: further folders, read-only, by their place in the container.
    """
    linux: dict[str, object] = {
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
    }
    if container.masked:
        linux |= {"maskedPaths": MASKED, "readonlyPaths": READ_ONLY}
    if container.seccomp:
        linux["seccomp"] = calls_allowed(json.loads(profile.read_text()), container.capabilities)
    return {
        "ociVersion": "1.0.2",
        "hostname": "box",
        "root": {"path": str(root), "readonly": not writable},
        "process": _process(container, program),
        "mounts": [*_mounts(), *(_bound(place, folder) for place, folder in shown.items())],
        "linux": linux,
    }


def _process(container: Container, program: Program) -> dict[str, object]:
    # who is not root has none, but may get those of the bounding set by executing a program that has them
    held = [] if container.user else container.capabilities
    return {
        "terminal": False,
        "cwd": program.folder,
        "user": {"uid": container.user, "gid": container.user},
        "args": program.words,
        "env": [f"{name}={value}" for name, value in ({"LANG": "C.UTF-8"} | program.environment).items()],
        "noNewPrivileges": container.no_new_privileges,
        "capabilities": {
            "bounding": container.capabilities,
            "effective": held,
            "permitted": held,
            "inheritable": [],
            "ambient": [],
        },
    }


def _mounts() -> list[dict[str, object]]:
    def made(place: str, kind: str, *options: str) -> dict[str, object]:
        return {"destination": place, "type": kind, "source": kind, "options": options}

    return [
        made("/proc", "proc", "nosuid", "noexec", "nodev"),
        made("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        made("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
        made("/dev/shm", "tmpfs", "nosuid", "nodev", "noexec", "mode=1777", "size=64m"),
        made("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        made("/tmp", "tmpfs", "mode=1777"),
        made("/run", "tmpfs", "mode=755"),
    ]


def _bound(place: str, folder: Path) -> dict[str, object]:
    return {"destination": place, "type": "bind", "source": str(folder), "options": ["rbind", "ro"]}


def calls_allowed(profile: dict[str, object], capabilities: list[str]) -> dict[str, object]:
    """A tool's list of calls as runc wants it: those rules that these capabilities and this processor choose.

    As moby profiles/seccomp/seccomp_linux.go, setupSeccomp().
    """
    rules = []
    for rule in profile["syscalls"]:
        if not _applies(rule, capabilities):
            continue
        kept = {key: rule[key] for key in ("names", "action", "args", "errnoRet") if rule.get(key) is not None}
        rules.append(kept)
    here = f"SCMP_ARCH_{platform.machine().upper()}"
    architectures = [here]
    for family in profile["archMap"]:
        if family["architecture"] == here:
            architectures += family["subArchitectures"]
    allowed = {"defaultAction": profile["defaultAction"], "architectures": architectures, "syscalls": rules}
    if "defaultErrnoRet" in profile:
        allowed["defaultErrnoRet"] = profile["defaultErrnoRet"]
    return allowed


def _applies(rule: dict[str, object], capabilities: list[str]) -> bool:
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    processor = PROCESSORS[platform.machine()]
    if not set(wanted.get("caps", [])) <= set(capabilities):
        return False
    if set(unwanted.get("caps", [])) & set(capabilities):
        return False
    if "arches" in wanted and processor not in wanted["arches"]:
        return False
    return processor not in unwanted.get("arches", [])
