"""Networks of devices that an ordinary kernel may lack, in one that has them: `make test-kinds` boots it.

Played, drawn, walked, checked, saved, rebuilt and compared; and what the pages show of each kind is what is there now.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, until
from hypothesis import HealthCheck, Phase, given, settings
from kinds.networks import NETWORKS, packed
from test_topologies import assert_told
from test_tutorials import assert_drawn, assert_walked
from topologies import ELSEWHERE as STACKED
from topologies import SPARE, routed, topologies
from tutorials import TUTORIALS

from vethlab_sh import Lab
from vethlab_sh.grading import groups
from vethlab_sh.snapshot import Snapshot, from_plain
from vethlab_sh.wiring import changes
from vethlab_sh.wiring.characters import as_text
from vethlab_sh.wiring.layout import layout

pytestmark = pytest.mark.live
ELSEWHERE = [name for name, tutorial in TUTORIALS.items() if tutorial.needs]
RANDOM = {name: topologies({name: STACKED[name]}, SPARE) for name in STACKED}
RANDOM["VRF"] = routed()
RECORDED = [name for name, network in NETWORKS.items() if network.lines]


@pytest.fixture
def lab():
    """A lab. That of conftest.py watches the machine by nft's family inet, which this kernel lacks."""
    with Lab() as made:
        yield made


@pytest.mark.parametrize("name", ELSEWHERE)
def test_network_of_a_tutorial_is_told_rightly(lab, name):
    tutorial = TUTORIALS[name]
    lab.run(tutorial.lines)
    assert_drawn(lab.snapshot())
    assert_walked(lab, tutorial)
    for claim in tutorial.claims:
        assert lab.check(claim), claim
    assert_rebuilt(lab)


@pytest.mark.parametrize("kind", RANDOM)
def test_random_network_of_a_kind_is_drawn_walked_and_rebuilt(kind):
    """Two of each kind: the first that hypothesis thinks of is the plainest."""

    @given(topology=RANDOM[kind])
    @settings(
        max_examples=2,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def play(topology):
        with Lab() as lab:
            lab.run("\n".join(["set -e", *topology.lines]))
            assert_drawn(lab.snapshot())
            assert_told(lab, topology)
            if topology.works:
                assert_rebuilt(lab)

    play()


def assert_rebuilt(lab):
    until(lambda: not any(row.tentative for row in lab.snapshot().rows.addresses), "no address is tentative")
    before = _lasting(lab)
    with Lab() as again:
        again.run(lab.save().script)
        until(lambda: not _differing(before, _lasting(again)), "the rebuilt lab is as the saved one")


def _lasting(lab):
    """What does not come and go by itself: without learned neighbours."""
    now = lab.snapshot(settings=True)
    written = tuple(row for row in now.rows.neighbours if row.state in ("PERMANENT", "NOARP"))
    return Snapshot(replace(now.rows, neighbours=written))


def _differing(one, two):
    return [*changes.between(one, two).rows, *changes.between(two, one).rows]


@pytest.mark.parametrize("name", RECORDED)
def test_network_of_the_pages_looks_as_it_does_there(lab, name):
    """WRITE_KINDS=1 writes what is there now."""
    lab.run(NETWORKS[name].lines)
    now = lab.snapshot()
    file = ROOT / "tests" / "kinds" / f"{name}.json"
    if os.environ.get("WRITE_KINDS"):
        file.write_text(packed(now))
    kept = from_plain(json.loads(file.read_text()))
    assert as_text(now) == as_text(kept)
    assert_rebuilt(lab)


def test_fallback_device_is_drawn_when_it_matters(lab):
    lab.run("ip netns add pod")
    # as the module makes it in every namespace, unless net.core.fb_tunnels_only_for_init_net says otherwise
    lab.run("ip -n pod link show tunl0 2>/dev/null || ip -n pod link add name tunl0 type ipip")
    devices = {link.name for link in lab.snapshot().rows.links if link.namespace == "pod"}
    assert "tunl0" in devices
    assert not [box for box in layout(lab.snapshot()).boxes if box.name == "tunl0"]
    lab.run("ip -n pod link set tunl0 up")
    assert [box.key for box in layout(lab.snapshot()).boxes if box.name == "tunl0"] == [("pod", "tunl0")]


LEARNED_AT_A_TAP = """
ip link add name br0 type bridge
ip tuntap add dev tap0 mode tap
ip link set tap0 master br0; ip link set br0 up; ip link set tap0 up
python3 -c 'import fcntl, os, signal, struct
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", b"tap0", 0x1002))  # TUNSETIFF, IFF_TAP | IFF_NO_PI
signal.pause()' >/dev/null 2>&1 &
until bridge fdb replace 02:00:00:00:00:77 dev tap0 master dynamic; do :; done
"""


def test_what_was_learned_at_a_tap_is_named_and_nobody_waits_for_its_process(lab):
    lab.run(LEARNED_AT_A_TAP)
    saved = lab.save()
    assert (
        "What was learned at tap0 in master is not saved: it has no signal until a process holds it." in saved.left_out
    )
    with Lab() as again:
        assert again.run(saved.script).code == 0


# Version 2 of control groups: a machine that mounts version 1 has no controllers left for it

NOBODY = 65534
BOMB = "bomb() { bomb | bomb & }; bomb; wait; sleep 30\n"
HOG = "for n in 1 2 3 4; do python3 -c 'import signal; x = bytearray(100 << 20); signal.pause()' & done; wait\n"


@pytest.fixture(scope="module")
def hierarchy(tmp_path_factory):
    """Where version 2 is mounted, with limits of memory and processes for its groups."""
    folder = tmp_path_factory.mktemp("groups")
    subprocess.run(["mount", "-t", "cgroup2", "none", folder], check=True)
    (folder / groups.MEMBERS).write_text("+memory +pids")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def delegated(hierarchy, request):
    """A group with nobody in it, as `systemd-run --scope -p Delegate=yes` makes one for its program."""
    group = hierarchy / request.node.name
    group.mkdir()
    yield group
    assert [folder for folder in group.iterdir() if folder.is_dir()] == []
    group.rmdir()


def test_group_of_version_2_holds_what_it_is_told(hierarchy, delegated):
    processes = delegated / groups.PROCESSES
    processes.write_text(str(os.getpid()))
    try:
        with groups.place() as place:
            assert place
            assert place.is_v2
            group = place.group(64 * 2**20, processes=20)
            takes = subprocess.run([sys.executable, "-c", "x = bytearray(128 << 20)"], preexec_fn=group.enter)
            assert (takes.returncode, group.was_full) == (-signal.SIGKILL, True)
            forks = "import os\nfor _ in range(30):\n    if not os.fork(): os.read(0, 1)"
            many = subprocess.Popen(
                [sys.executable, "-c", forks], preexec_fn=group.enter, stdin=subprocess.PIPE, stderr=subprocess.PIPE
            )
            assert b"Resource temporarily unavailable" in many.communicate()[1]
            assert group.seconds > 0
            group.remove()
            assert not group.memory.exists()
    finally:
        (hierarchy / groups.PROCESSES).write_text(str(os.getpid()))


@pytest.fixture
def readable():
    """A folder that everybody may read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_class_is_graded_in_groups_of_version_2(delegated, readable, user):
    """As root, and as a user to whom the group is given."""
    (readable / "class").mkdir()
    good = (ROOT / "examples" / "class" / "anna" / "bridge.sh").read_text()
    for learner, lines in {"good": good, "bomb": BOMB, "hog": HOG}.items():
        (readable / "class" / f"{learner}.sh").write_text(lines)
    (readable / "class.checks").write_text("1 ns1 can reach ns2\n")
    for path in (delegated, *delegated.iterdir()):
        shutil.chown(path, user)

    def enter():
        (delegated / groups.PROCESSES).write_text("0")
        if user != "root":
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    words = [sys.executable, "-m", "vethlab_sh", "grade", str(readable / "class"), "--seconds", "20", "--jobs", "1"]
    graded = subprocess.run(words, preexec_fn=enter, cwd=ROOT, capture_output=True, text=True)
    assert graded.returncode == 0, graded.stderr
    assert "good, all: 1 of 1. Everything holds." in graded.stdout
    assert "bomb, all: 0 of 1. It had 200 processes, the most that it may." in graded.stdout
    assert "hog, all: 0 of 1. It took more than 256 MiB of memory" in graded.stdout
