"""What the tests share: a lab, the machine's state before and after, an ordinary user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import until as until  # handed on

from vethlab_sh import Lab
from vethlab_sh.keep import stay
from vethlab_sh.sandbox import search_path

ROOT = Path(__file__).resolve().parent.parent
# Of the kernel's settings those that it changes itself: they count, or are lowered when the machine is busy.
COUNTERS = (
    "perf_|tainted|nf_conntrack|stat_refresh|[.]random[.]|last_pid|-state|(file|inode|aio|pty[.])-?nr|^fs[.]quota"
)
# Who is started in the background hears no Ctrl-C, and neither do those that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
USER = f"vethlab-{os.getpid()}"  # each run has its own: nothing that an earlier one left is in its way


def output(*words: str, path: str = "") -> str:
    environment = {"PATH": path or search_path(), "LC_ALL": "C"}
    return subprocess.run(words, capture_output=True, text=True, env=environment).stdout


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


def world(lab: Lab) -> str:
    """The lab's network namespace, as the kernel names it: `net:[4026532000]`."""
    return lab.run("readlink /proc/self/ns/net").out.strip()


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


@pytest.fixture(scope="session", autouse=True)
def machine_stays_as_it_was() -> Iterator[None]:
    """The whole test session leaves the machine's own network byte for byte what it was."""
    before = machine_state()
    yield
    assert machine_state() == before


@pytest.fixture(scope="session", autouse=True)
def labs_that_stay_are_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests' labs that stay are recorded apart from the user's, and none is left."""
    runtime = tmp_path_factory.mktemp("runtime")
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    yield
    left = stay.names()
    for name in left:
        stay.down(name)
    assert left == []


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def flannel() -> Iterator[Lab]:
    with Lab() as lab:
        lab.play("flannel")
        yield lab


@pytest.fixture(scope="module")
def calico() -> Iterator[Lab]:
    with Lab() as lab:
        lab.play("calico")
        yield lab


@pytest.fixture(scope="session")
def as_user() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run a program as an ordinary user without any privilege, in the checkout.

    Root makes that user, and shows it the checkout by a bind mount in a mount namespace of its own,
    because the checkout may be in a folder that the user cannot enter. An ordinary user runs as itself.
    """
    if os.geteuid() != 0:
        yield lambda *words, **more: _run(words, ROOT, more)
        return
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", USER], check=True, capture_output=True)
    home = output("getent", "passwd", USER).strip().split(":")[5]
    checkout = f"{home}/checkout"
    os.mkdir(checkout)
    enter = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        f'mount --bind "$0" {checkout} && cd {checkout} && exec "$@"',
        str(ROOT),
    ]
    become = [
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--init-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
    clean = [
        "env",
        "-i",
        f"HOME={home}",
        f"TMPDIR={home}",  # which goes with the user
        f"USER={USER}",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        f"PYTHONPATH={checkout}",
    ]
    yield lambda *words, **more: _run((*enter, *become, *clean, *words), ROOT, more)
    subprocess.run(["userdel", "--remove", USER], capture_output=True)


def _run(words: tuple[str, ...], where: Path, more: dict[str, object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, cwd=where, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def vethlab() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m vethlab_sh ...` as a real process, without a terminal."""
    return lambda *words, **more: _run(
        (sys.executable, "-m", "vethlab_sh", *words), ROOT, {"stdin": subprocess.DEVNULL, **more}
    )
