"""Networks of devices that an ordinary kernel may lack, in one that has them: `make test-kinds` boots it.

Played, drawn, walked, checked, saved, rebuilt and compared; and what the pages show of each kind is what is there now.
"""

import json
import os
from dataclasses import replace

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
    lab.run("sysctl -qw net.core.fb_tunnels_only_for_init_net=0", expect=None)
    lab.run("ip netns add pod")
    devices = {link.name for link in lab.snapshot().rows.links if link.namespace == "pod"}
    assert "tunl0" in devices
    assert not [box for box in layout(lab.snapshot()).boxes if box.name == "tunl0"]
    lab.run("ip -n pod link set tunl0 up")
    assert [box.key for box in layout(lab.snapshot()).boxes if box.name == "tunl0"] == [("pod", "tunl0")]
