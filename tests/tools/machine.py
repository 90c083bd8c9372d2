"""Which network, names and mounts do the tests watch? Those of a machine of this run's own: nobody else changes them.

On a computer that others use, too, network namespaces, devices and mounts come and go. A run as root therefore moves
into a network and a mount namespace of its own, and furnishes them as a machine would be. To the labs that is the
machine: what they are made from, and what they could spoil. An ordinary user may not change the machine's network, and
watches it only where the run as root that made that user has such a machine.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

from vethlab_sh.sandbox import search_path
from vethlab_sh.world import CLONE_NEWNET, CLONE_NEWNS

ITS_OWN = "VETHLAB_TESTS_OWN_MACHINE"  # set in the environment of those that are on such a machine
# The names of others' namespaces were copied with all mounts, and so was what others mount for a while below /tmp. We
# drop them: they go when others remove their names and folders.
# The kernel tells of a carrier a moment later, and what we compare with is what it has told.
# addrgenmode none: an IPv6 address of its own would change its state for the first second.
FURNITURE = """
set -e
mount --make-rprivate /
mkdir -p /run/netns
umount --recursive --lazy /run/netns 2>/dev/null || true
for name in /run/netns/*; do umount --lazy "$name" 2>/dev/null || true; done
for point in $(cut -d' ' -f5 /proc/self/mountinfo | grep '^/tmp/'); do umount --lazy "$point" 2>/dev/null || true; done
mount -t tmpfs tmpfs /run/netns
mount -t sysfs sysfs /sys 2>/dev/null || true
ip link set lo up
ip link add eth0 type veth peer name eth1
for end in eth0 eth1; do ip link set $end addrgenmode none; ip link set $end up; done
ip addr add 10.77.0.1/24 dev eth0
ip route add 10.78.0.0/24 via 10.77.0.2
ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
for end in eth0 eth1; do until ip link show $end | grep -q "state UP"; do sleep 0.02; done; done
ip netns add theirs
nft add table inet theirs
"""
# Of the kernel's settings those that it changes itself: they count, or are lowered when the machine is busy.
COUNTERS = (
    "perf_|tainted|nf_conntrack|stat_refresh|[.]random[.]|last_pid|-state|(file|inode|aio|pty[.])-?nr|^fs[.]quota"
)


def own_machine() -> bool:
    """Whether this thread is on a machine of the run's own; root moves there when it is not."""
    if ITS_OWN in os.environ:
        return True
    if os.geteuid() != 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)  # os.unshare exists from Python 3.12 only
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "the tests cannot have a network of their own")
    subprocess.run(["sh", "-c", FURNITURE], check=True, env={"PATH": search_path()})
    os.environ[ITS_OWN] = "1"
    return True


def machine_state() -> dict[str, str]:
    """The machine's own interfaces, routes, names, settings and mounts: what no lab may change."""
    asked = {
        "links": ("ip", "-d", "-o", "link"),
        "addresses": ("sh", "-c", "ip -o addr | sed 's/valid_lft.*//'"),
        "routes": ("ip", "route", "show", "table", "all"),
        "routes6": ("sh", "-c", "ip -6 route show table all | sed 's/expires [0-9]*sec//'"),
        "neighbours": ("ip", "neigh", "show", "nud", "permanent"),
        "nftables": ("nft", "list", "ruleset"),
        "namespaces": ("ip", "netns", "list"),
        "sysctls": ("sh", "-c", f"sysctl -a 2>/dev/null | grep -vE '{COUNTERS}'"),
        "mounts": ("sh", "-c", "cut -d' ' -f5 /proc/self/mountinfo | sort"),
        "hostname": ("hostname",),
    }
    return {name: output(*words) for name, words in asked.items()}


def output(*words: str, path: str = "") -> str:
    """What a program prints, in English; path: where it is looked for, else where labs look."""
    environment = {"PATH": path or search_path(), "LC_ALL": "C"}
    return subprocess.run(words, capture_output=True, text=True, env=environment).stdout


class World(str):
    """A network namespace, as the kernel names it (`net:[4026532000]`), held as long as we have this.

    The number of one that is gone is the next one's, which may be anybody's: who asks whether somebody still lives in
    there holds it, so that it is nobody else's.
    """

    file: int

    def __del__(self) -> None:
        os.close(self.file)


def hold(path: str | Path) -> World:
    """The network namespace at this path (`/proc/PID/ns/net`)."""
    file = os.open(path, os.O_RDONLY)
    world = World(os.readlink(f"/proc/self/fd/{file}"))
    world.file = file
    return world


def inhabitants(world: str) -> list[str]:
    """The processes (as /proc folders) that are in a network namespace, as far as we may look."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/net") == world and (process / "stat").read_text().split()[2] != "Z":
                found.append(str(process))
        except OSError:
            continue
    return found
