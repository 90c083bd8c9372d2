"""Which scenarios run in which container? Each row is a container as Docker or Podman starts it; what runs is played.

The container's root is this machine's, read-only, with the checkout at /mnt: no image is needed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from configuration import Container, Program, configuration

CHECKOUT = Path(__file__).resolve().parents[3]
TOOLS = Path(os.environ["CONTAINER_TOOLS"]) / "root"
PROFILES = {
    "docker": TOOLS / "usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json",
    "podman": TOOLS / "usr/share/containers/seccomp.json",
}
ALL = ("direct", "bridge", "flannel", "calico")
WITHOUT_SETTINGS = ("direct", "bridge")  # where /proc/sys is read-only, and no right gives another
BOTH = ("SYS_ADMIN", "NET_ADMIN")
# The options of the container, who the user in it is, and what runs there in namespaces
ROWS = {
    "docker": (Container(), (0, 1000), ()),
    "docker no-new-privileges": (Container(no_new_privileges=True), (1000,), ()),
    "podman": (Container("podman"), (0, 1000), WITHOUT_SETTINGS),
    "podman unmask=ALL": (Container("podman", masked=False), (0, 1000), ALL),
    "seccomp=unconfined": (Container(seccomp=False), (0, 1000), WITHOUT_SETTINGS),
    "seccomp=unconfined systempaths=unconfined": (Container(seccomp=False, masked=False), (0, 1000), ALL),
    "seccomp=unconfined SYS_ADMIN": (Container(seccomp=False, added=("SYS_ADMIN",)), (0,), ALL),
    "SYS_ADMIN NET_ADMIN": (Container(added=BOTH), (0,), ALL),
    "SYS_ADMIN NET_ADMIN, a user": (Container(added=BOTH), (1000,), WITHOUT_SETTINGS),
    "SYS_ADMIN NET_ADMIN systempaths=unconfined": (Container(added=BOTH, masked=False), (0, 1000), ALL),
}
# Where no namespaces can be made, user-mode Linux is found on PATH: what tests/tools/uml/run has unpacked
UML = CHECKOUT / ".tools/uml/root/usr/bin"
WITH_UML = f'export PATH="$PATH:/mnt/{UML.relative_to(CHECKOUT)}"\n'
LOOKING = """
set -e
{0} up bridge
{0} walk bridge ns100 ns101
{0} check bridge "ns100 can reach ns101"
{0} run bridge -- brctl show
{0} show bridge links
{0} down bridge
"""
LESSON = """
cat >/tmp/lesson.ipy <<'CELLS'
%load_ext vethlab_sh
lesson("2_bridge")
get_ipython().run_cell_magic("lab", "", "ip link add br0 type bridge\\nbrctl show")
print(lab.draw().figure.get_axes())
print("a ping:", lab.check("master can reach 127.0.0.1"))
CELLS
.venv/bin/python -m IPython --colors=NoColor /tmp/lesson.ipy
"""
CASES = [
    pytest.param(container.of(user), runs, id=f"{name}, uid {user}")
    for name, (container, users, runs) in ROWS.items()
    for user in users
]


WITHOUT_NAMESPACES = [case for case in CASES if not case.values[1]]


def in_container(container: Container, script: str) -> subprocess.CompletedProcess[str]:
    """Run a bash script in a new container; {0} in it is our command."""
    program = Program(["bash", "-c", "cd /mnt\n" + script.format(".venv/bin/python -m vethlab_sh")])
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        config = configuration(container, program, bundle / "root", PROFILES[container.tool], {"/mnt": CHECKOUT})
        # without what is mounted below the machine's root
        return run_in(bundle, config, 'mount --bind / "$0/root"')


def run_in(bundle: Path, config: dict[str, object], mount: str) -> subprocess.CompletedProcess[str]:
    """Run what a container of this configuration runs. mount: what makes its root, in a bundle that is $0."""
    (bundle / "root").mkdir()
    (bundle / "config.json").write_text(json.dumps(config))
    start = mount + ' && exec "$1" --root "$0/state" run --bundle "$0" "$2"'
    runc = str(TOOLS / "usr/sbin/runc")
    # in a mount namespace of its own
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", start, bundle, runc, f"vethlab-{os.getpid()}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("container", "runs"), CASES)
def test_scenarios_run_where_the_kernel_lets_them(container, runs):
    for name in runs:
        ended = in_container(container, f"{{0}} demo {name} --quiet")
        assert ended.returncode == 0, (name, ended.stdout[-500:], ended.stderr[-900:])
        assert "answered.)" in ended.stdout


@pytest.mark.parametrize(("container", "runs"), CASES)
def test_doctor_says_which_run_and_what_the_others_need(container, runs):
    rows = json.loads(in_container(container, "{0} doctor --json").stdout)
    scenarios = {row["what"].removeprefix("scenario "): row for row in rows if row["what"].startswith("scenario ")}
    assert tuple(name for name in ALL if scenarios[name]["status"] == "ok") == runs
    cures = " ".join(str(row["found, or to do"]) for row in rows if row["status"] == "missing")
    assert ("--security-opt" in cures) == (runs != ALL)


@pytest.mark.parametrize(("container", "runs"), [case for case in CASES if case.values[1] != ALL])
def test_doctor_counts_on_user_mode_linux_where_it_is(container, runs):
    rows = json.loads(in_container(container, WITH_UML + "{0} doctor --json").stdout)
    assert {row["status"] for row in rows if row["what"].removeprefix("scenario ") in ALL} == {"ok"}


@pytest.mark.parametrize(("container", "runs"), CASES)
def test_scenario_that_cannot_run_names_the_option(container, runs):
    for name in set(ALL) - set(runs):
        ended = in_container(container, f"{{0}} demo {name} --quiet")
        assert ended.returncode in (1, 2)
        assert "systempaths=unconfined" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("container", "runs"), CASES)
def test_lab_stays_and_is_looked_at_where_one_can_be_made(container, runs):
    if not runs:
        return
    ended = in_container(container, LOOKING)
    assert ended.returncode == 0, (ended.stdout[-500:], ended.stderr[-900:])
    assert "br-veth100" in ended.stdout
    assert "ns100 reached ns101" in ended.stdout


@pytest.mark.parametrize(("container", "runs"), CASES)
def test_user_mode_linux_is_live_where_this_kernel_is_not(container, runs):
    for name in sorted(set(ALL) - set(runs)):
        ended = in_container(container, WITH_UML + f"{{0}} demo {name} --quiet")
        assert ended.returncode == 0, (name, ended.stdout[-500:], ended.stderr[-900:])
        assert "answered.)" in ended.stdout
        assert "user-mode Linux" in ended.stderr


@pytest.mark.parametrize(("container", "runs"), WITHOUT_NAMESPACES)
def test_walk_and_check_ask_user_mode_linux(container, runs):
    walk = in_container(container, WITH_UML + "{0} walk bridge ns100 ns101 --json")
    assert walk.returncode == 0, walk.stderr[-900:]
    assert [row["device"] for row in json.loads(walk.stdout)["rows"]][:2] == ["veth100", "br-veth100"]
    check = in_container(container, WITH_UML + '{0} check bridge "ns100 can reach ns101"; ls -A /tmp /dev/shm')
    assert "ns100 can reach" in check.stdout
    assert "vethlab-" not in check.stdout


@pytest.mark.parametrize(("container", "runs"), WITHOUT_NAMESPACES)
def test_lesson_is_live_and_says_in_what(container, runs):
    ended = in_container(container, WITH_UML + LESSON)
    assert "This lab runs in user-mode Linux" in ended.stdout, (ended.stdout[-900:], ended.stderr[-900:])
    assert "8000.000000000000" in ended.stdout
    assert "a ping: yes" in ended.stdout


@pytest.mark.parametrize(("container", "runs"), WITHOUT_NAMESPACES)
def test_what_is_to_stay_says_that_it_needs_this_kernel(container, runs):
    for words in ("up bridge", "drill start bridge-1"):
        ended = in_container(container, WITH_UML + "{0} " + words)
        assert ended.returncode == 2
        assert "user-mode Linux, which is here (`demo bridge --kernel uml`" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("container", "runs"), WITHOUT_NAMESPACES)
def test_first_error_offers_user_mode_linux(container, runs):
    ended = in_container(container, "{0} demo bridge --quiet")
    assert "apt-get install user-mode-linux" in ended.stderr
