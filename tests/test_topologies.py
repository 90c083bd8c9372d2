"""Whatever devices two hosts are joined by: drawn as they are, walked as they go, and rebuilt as they were."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from test_save import assert_rebuilt
from test_tutorials import assert_drawn
from topologies import HERE, topologies

from vethlab_sh import Lab
from vethlab_sh.packet.causes.cause import Cause

pytestmark = pytest.mark.live


def assert_told(lab, topology):
    """A connected way where there is one, else a cause."""
    walk = lab.walk("h1", topology.target)
    assert walk.ok == topology.works, f"{topology.lines}\n{walk}"
    if not walk.ok:
        assert walk.cause not in (None, Cause.UNKNOWN), f"{topology.lines}\n{walk}"
        return
    there = [one for one in walk.rows if one.leg == "there"]
    assert (there[0].namespace, there[-1].namespace) == ("h1", "h2")
    for one in there:
        is_first = one.number == walk.rows[0].number
        assert is_first or one.after in range(1, one.number), (topology.lines, one)
        assert one.why


@given(topology=topologies(HERE))
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a network that fails is small already
    suppress_health_check=list(HealthCheck),
)
def test_random_network_is_drawn_walked_and_rebuilt(tmp_path_factory, topology):
    with Lab() as lab:
        lab.run("\n".join(["set -e", *topology.lines]))
        assert_drawn(lab.snapshot())
        assert_told(lab, topology)
        if topology.works:  # an address above a device that is off stays tentative, and is waited for
            assert assert_rebuilt(lab, tmp_path_factory.mktemp("rebuilt")) == ()
