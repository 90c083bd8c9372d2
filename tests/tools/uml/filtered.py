"""Networks of such devices that need iptables: the kernel of `make test-uml` has it, that of `make test-kinds` not."""

import json
import subprocess

import pytest
from test_tutorials import assert_drawn

from vethlab_sh import Lab

pytestmark = pytest.mark.live


@pytest.fixture
def legacy_iptables():
    """iptables of the older kind, under its own name: nf_tables knows no family ip in this kernel."""
    older, newer = "/usr/sbin/xtables-legacy-multi", "/usr/sbin/xtables-nft-multi"
    subprocess.run(["mount", "--bind", older, newer], check=True)
    yield
    subprocess.run(["umount", newer], check=True)


@pytest.mark.parametrize("fallback", [2, 0])
@pytest.mark.usefixtures("legacy_iptables")
def test_calico_crosses_between_nodes_in_ip_alone(fallback):
    """fallback: 0 where the kernel makes tunl0 in every namespace, as it does on a usual machine."""
    subprocess.run(["sysctl", "-qw", f"net.core.fb_tunnels_only_for_init_net={fallback}"], check=True)
    try:
        with Lab() as lab:
            assert_ip_in_ip(lab)
    finally:
        subprocess.run(["sysctl", "-qw", "net.core.fb_tunnels_only_for_init_net=2"], check=True)


def assert_ip_in_ip(lab):
    played = lab.play("calico", mode="ipip")
    assert played.ok
    assert played.complete
    (route,) = json.loads(lab.run("ip -j route show 10.240.77.128/26").out)
    assert (route["gateway"], route["dev"], route["protocol"], route["flags"]) == (
        "10.4.0.22",
        "tunl0",
        "80",
        ["onlink"],
    )
    (tunnel,) = json.loads(lab.run("ip -j -d addr show tunl0").out)
    assert (tunnel["mtu"], tunnel["linkinfo"]["info_kind"]) == (1480, "ipip")
    assert [(one["local"], one["prefixlen"]) for one in tunnel["addr_info"]] == [("10.240.188.64", 32)]
    weighed = [ran.out for ran in lab.history if ran.line == "iptables -vnxL OUTPUT"]
    assert weighed[0].splitlines()[2].split()[:2] == ["2", "208"]
    walk = lab.walk("pod-a", "pod-c")
    assert walk.ok, walk.verdict
    assert ("master", "tunl0") in {(row.namespace, row.device) for row in walk.rows}
    assert_drawn(lab.snapshot())


@pytest.mark.usefixtures("legacy_iptables")
def test_comparison_has_a_column_for_ip_in_ip():
    table = Lab.compare("calico", "calico:ipip")
    cells = {about: (row["calico"], row["calico:ipip"]) for about, row in table.iterrows()}
    assert cells["added"] == (50, 20)
    assert cells["largest"] == (1450, 1480)
    assert cells["node-entries"] == ("3: route, neighbour, FDB entry", "1: route")
    assert [str(loss) for loss in cells["node-route"]] == ["pod-c (every pod)", "pod-c (every pod)"]
