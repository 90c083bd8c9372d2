"""What the tests share: a lab, the machine's state before and after, an ordinary user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import live
import pytest
from machine import ITS_OWN, World, hold, machine_state, own_machine
from machine import inhabitants as inhabitants
from machine import output as output
from waiting import until as until

from vethlab_sh import Lab
from vethlab_sh.keep import stay

ROOT = Path(__file__).resolve().parent.parent
# Who is started in the background hears no Ctrl-C, and neither do those that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Whoever runs the tests, and in whatever locale: what they compare is English.
os.environ["VETHLAB_LANG"] = "en"
# The tests' marks are watched (tests/tools/live.py).
pytest_collection_modifyitems = live.pytest_collection_modifyitems
pytest_sessionstart = live.pytest_sessionstart
pytest_runtest_protocol = live.pytest_runtest_protocol
pytest_runtest_call = live.pytest_runtest_call
pytest_sessionfinish = live.pytest_sessionfinish
USER = f"vethlab-{os.getpid()}"  # each run has its own: nothing that an earlier one left is in its way


def world(lab: Lab) -> World:
    """The lab's network namespace, held."""
    return hold(f"/proc/{lab.sandbox.pid}/ns/net")


@pytest.fixture(scope="session")
def machine_stays_as_it_was() -> Iterator[None]:
    """The whole test session leaves the machine's network byte for byte what it was. Every live test asks for this."""
    watched = own_machine()
    before = machine_state()
    yield
    if watched:
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
        *(f"{name}={os.environ[name]}" for name in [ITS_OWN] if name in os.environ),
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
