"""Can this machine run the labs, and if not, what is to be done?"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import LabError
from ..hints import PACKAGES
from ..sandbox import find, is_rootless

NEEDED = ("ip", "bridge", "brctl", "ping", "ifconfig", "arp", "sysctl", "iptables", "unshare", "bash")
USEFUL = ("tcpdump", "nft", "arping")  # for walks, and for lines of your own
PYTHON_PACKAGES = {"sh": True, "pandas": True, "matplotlib": False, "jupyterlab": False, "ipywidgets": False}
VERSION_FLAG = {"ip": "-V", "bridge": "-V", "ping": "-V", "sysctl": "-V", "ifconfig": "-V", "arp": "-V"}
LINKS = {
    "veth": "ip link add name vl-p type veth peer name vl-q",
    "bridge": "ip link add name vl-b type bridge",
    "vxlan": "ip link add name vl-x type vxlan id 1 dstport 4789 dev lo",
}


@dataclass(frozen=True)
class Finding:
    """One requirement: what, ok or not, what was found, what to do; needed: without it no demo runs."""

    what: str
    ok: bool
    found: str
    cure: str = ""
    needed: bool = True

    @property
    def status(self) -> str:
        """`ok`, `missing`, or `optional` for what only some lessons use."""
        return "ok" if self.ok else "missing" if self.needed else "optional"


def examine() -> Iterator[Finding]:
    """Every requirement in turn."""
    yield _python()
    yield from (_package(name, needed) for name, needed in PYTHON_PACKAGES.items())
    yield from (_tool(name, True) for name in NEEDED)
    yield from (_tool(name, False) for name in USEFUL)
    yield from _kernel()


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer")


def _package(name: str, needed: bool) -> Finding:
    try:
        return Finding(f"Python package {name}", True, importlib.metadata.version(name), needed=needed)
    except importlib.metadata.PackageNotFoundError:
        return Finding(f"Python package {name}", False, "", f"pip install {name}", needed)


def _tool(name: str, needed: bool) -> Finding:
    path = find(name)
    if path is None:
        cure = f"sudo apt-get install {PACKAGES[name]}"
        return Finding(f"program {name}", False, "", cure, needed)
    return Finding(f"program {name}", True, _version(path, name) or path, needed=needed)


def _version(path: str, name: str) -> str:
    """The version that a program tells about itself; empty when it does not."""
    try:
        asked = subprocess.run([path, VERSION_FLAG.get(name, "--version")], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = re.search(r"\b(?:iproute2-|iputils |v)?(\d[\w.]*\d)", asked.stdout + asked.stderr)
    return said.group(1) if said else ""


def _kernel() -> Iterator[Finding]:
    from ..lab import Lab

    who = "ordinary user, in a user namespace" if is_rootless() else "root"
    try:
        lab = Lab()
    except LabError as error:
        yield Finding("a private network world", False, "", str(error))
        return
    with lab:
        yield Finding("a private network world", True, who)
        for kind, line in LINKS.items():
            ran = lab.run(line, expect=None)
            cure = f"the kernel has no {kind}: {ran.err.strip()}. Try `sudo modprobe {kind}`"
            yield Finding(f"kernel: {kind}", ran.code == 0, "works" if ran.code == 0 else "", cure)
        ran = lab.run("brctl show", expect=None)
        sees = "vl-b" in ran.out
        cure = "sysfs could not be mounted in here (a container that masks /sys?)"
        yield Finding("brctl sees the lab's bridges", sees, "works" if sees else "", cure)
