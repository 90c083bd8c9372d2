"""The picture, by its positions and texts, never by its pixels."""

import itertools
import re

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from test_text_and_json import topologies

from vethlab_sh import Lab
from vethlab_sh.wiring.characters import as_mermaid, as_text
from vethlab_sh.wiring.devices import matters
from vethlab_sh.wiring.ink import draw, family, placed
from vethlab_sh.wiring.layout import layout
from vethlab_sh.wiring.picture import CHAR, LEADING, Label

pytestmark = pytest.mark.live
PLAYED = [
    ("direct", {}), ("bridge", {}), ("bridge", {"hosts": 30}), ("flannel", {}), ("calico", {}),
    ("flannel", {"pods": 8}), ("calico", {"mode": "routed"}), ("flannel", {"ipv6": True}),
]  # fmt: skip


@pytest.fixture(scope="module", params=PLAYED, ids=lambda p: p[0] + "".join(f"-{v}" for v in p[1].values()))
def played(request):
    """The snapshot of a scenario that was played to its end."""
    name, options = request.param
    with Lab() as lab:
        lab.play(name, **options)
        yield lab.snapshot()


def within(inner, outer):
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def apart(one, two):
    return (
        one.x + one.width <= two.x
        or two.x + two.width <= one.x
        or one.y + one.height <= two.y
        or two.y + two.height <= one.y
    )


def crosses(line, box):
    """Whether a line's upright or level pieces run through a box that is not at one of its ends."""
    for (x1, y1), (x2, y2) in itertools.pairwise(line.points):
        if max(x1, x2) > box.x and min(x1, x2) < box.x + box.width and max(y1, y2) > box.y:  # noqa: SIM102
            if min(y1, y2) < box.y + box.height:
                return True
    return False


def assert_tidy(picture):
    """Boxes nest or stand apart, text fits its box, no cable runs through a foreign device, all is on the paper."""
    for one, two in itertools.combinations(picture.boxes, 2):
        assert apart(one, two) or within(one, two) or within(two, one), (one.name, two.name)
        if one.key[1] and two.key[1]:
            assert apart(one, two), (one.key, two.key)
    for box in picture.boxes:
        assert max(len(line) for line in box.lines) * CHAR <= box.width
        assert len(box.lines) * LEADING <= box.height
        assert box.x >= 0
        assert box.x + box.width <= picture.width
        assert box.y + box.height <= picture.height
    chips = [box for box in picture.boxes if box.key[1]]
    for line in picture.lines:
        assert not [box.key for box in chips if box.key not in line.ends and crosses(line, box)], line
    labels = [(line.at[0], line.at[1] - LEADING, len(line.label) * CHAR) for line in picture.lines if line.label]
    for (x, y, width), box in itertools.product(labels, chips):
        assert x + width <= box.x or x >= box.x + box.width or y + LEADING <= box.y or y >= box.y + box.height


def assert_true_to(picture, snapshot):
    """The picture shows exactly the kernel's devices and cables."""
    links = {r.device: r for r in snapshot.rows.links if r.kind != "loopback" and matters(snapshot, r)}
    assert {box.key for box in picture.boxes if box.key[1]} == set(links)
    wires = {frozenset(line.ends) for line in picture.lines if line.kind == "wire"}
    assert wires == {
        frozenset([(r.namespace, r.name), (r.peer_namespace, r.peer)]) for r in snapshot.rows.wires if r.peer
    }
    plugged = {line.ends for line in picture.lines if line.kind == "bus" and line.ends[0] != line.ends[1]}
    assert plugged == {(key, (key[0], link.master)) for key, link in links.items() if link.master}
    stacked = {frozenset(line.ends) for line in picture.lines if line.kind == "parent"}
    assert stacked == {frozenset([link.device, link.parent_device]) for link in links.values() if link.parent}


def test_picture_is_tidy_and_true(played):
    for routes in (False, True):
        picture = layout(played, routes=routes)
        assert_tidy(picture)
        assert_true_to(picture, played)


def test_both_ends_of_a_cable_agree(played):
    picture = layout(played)
    for line in picture.lines:
        if line.kind == "wire":
            one, two = (picture.device(key).lines[0] for key in line.ends)
            (a, to_b), (b, to_a) = (re.fullmatch(r"(\d+): \S+@(?:if)?(\S+)", text).groups() for text in (one, two))
            assert to_b in (b, line.ends[1][1])
            assert to_a in (a, line.ends[0][1])


def test_ink_keeps_every_text(played):
    picture = layout(played)
    texts = [text.get_text() for text in draw(picture).texts]
    assert sorted(texts) == sorted(
        [text for box in picture.boxes for text in box.lines] + [line.label for line in picture.lines if line.label]
    )


def test_text_picture_names_every_device(played):
    text = as_text(played)
    for link in played.rows.links:
        if link.kind != "loopback":
            assert link.name in text
    assert as_text(played, unicode=False).isascii()


def test_mermaid_names_every_device(played):
    mermaid = as_mermaid(played)
    nodes = re.findall(r'^\s+(\w+)\["', mermaid, re.M)
    assert len(nodes) == len(set(nodes)) == sum(link.kind != "loopback" for link in played.rows.links)
    edges = re.findall(r"^\s+(\w+) (?:---|-- port ---|-\. .* \.-) (\w+)$", mermaid, re.M)
    assert {end for edge in edges for end in edge} <= set(nodes)


def test_mermaid_quotes_what_a_name_may_hold(lab):
    lab.run("""ip link add 'x"#<y' type veth peer name end""")
    assert '["x#34;#35;#60;y<br/>' in as_mermaid(lab.snapshot())


@given(lines=topologies())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_lab_is_drawn_as_it_is(lines):
    with Lab() as lab:
        lab.run("\n".join(["set -e", *lines]))
        snapshot = lab.snapshot()
        assert_true_to(layout(snapshot), snapshot)
        assert_tidy(layout(snapshot))
        assert as_text(snapshot)
        assert as_mermaid(snapshot)


def shown(lab, key):
    return next(box for box in layout(lab.snapshot()).boxes if box.key == key)


def test_device_that_is_down_looks_down(lab):
    lab.play("bridge")
    lab.run("ip -n ns100 link set veth100 down")
    assert shown(lab, ("ns100", "veth100")).off
    assert shown(lab, ("ns100", "veth100")).lines[-1].endswith("DOWN")
    assert shown(lab, ("master", "br-veth100")).lines[-1].endswith("no signal")
    assert "veth100 192.168.1.100/24 [DOWN]" in as_text(lab.snapshot())


def test_warning_is_told_by_the_kernel_not_by_a_word(lab):
    lab.run("ip link add name isDOWN type bridge; ip link set isDOWN up; ip link add name fine type bridge")
    works, is_off = shown(lab, ("master", "isDOWN")), shown(lab, ("master", "fine"))
    assert works.lines[0].endswith("isDOWN")
    assert works.warnings == ()
    assert [is_off.lines[number] for number in is_off.warnings] == ["mtu 1500 DOWN"]


def test_port_without_master_hangs_free(lab):
    lab.play("bridge")
    lab.run("ip link set br-veth101 nomaster")
    assert shown(lab, ("master", "br-veth101")).lines[-1] == "! no master"
    assert not [x for x in layout(lab.snapshot()).lines if x.kind == "bus" and ("master", "br-veth101") in x.ends]


def test_missing_peer_ends_in_a_cross(lab):
    lab.play("bridge")
    lab.run("ip netns exec ns101 sleep 1000 & while ! pgrep sleep; do :; done; ip netns del ns101")
    assert shown(lab, ("master", "br-veth101")).lines[-1] == "! peer missing"
    kinds = {line.kind for line in layout(lab.snapshot()).lines if ("master", "br-veth101") in line.ends}
    assert kinds == {"bus", "cut"}


def test_tunnel_without_entry_is_told(lab):
    lab.play("flannel")
    assert [line.label for line in layout(lab.snapshot()).lines if line.kind == "tunnel"] == ["VXLAN 1"]
    lab.run("bridge fdb del $(bridge fdb show dev flannel.1 | grep dst | cut -d' ' -f1) dev flannel.1")
    labels = [line.label for line in layout(lab.snapshot()).lines if line.kind == "broken"]
    assert labels == ["VXLAN 1: no FDB entry on master"]


def test_change_since_last_picture_is_accented(lab):
    lab.play("bridge")
    assert not [t for t in lab.draw().texts if t.get_text().startswith("* ")]
    lab.walk("ns100", "ns101", cold=True)  # learned MAC addresses are not drawn, so they are no change of the picture
    lab.run("bridge link set dev br-veth101 hairpin on")
    accented = [t.get_text() for t in lab.draw().texts if t.get_text().startswith("* ")]
    assert len(accented) == 1
    assert "br-veth101" in accented[0]


def test_caller_may_give_the_axes(lab):
    from matplotlib.figure import Figure

    lab.play("direct")
    ax = Figure(figsize=(3, 2)).subplots()
    assert lab.draw(ax) is ax
    assert max(text.get_fontsize() for text in ax.texts) < 8


@pytest.mark.parametrize(("option", "start"), [("--png", b"\x89PNG"), ("--svg", b"<?xml")])
def test_picture_is_saved_where_asked(vethlab, tmp_path, option, start):
    for verb in (["demo", "direct", "--quiet"], ["draw", "direct", "--routes"]):
        file = tmp_path / verb[0]
        assert vethlab(*verb, option, str(file)).returncode == 0
        assert file.read_bytes().startswith(start)


def test_unwritable_picture_is_a_sentence(vethlab, tmp_path):
    ended = vethlab("draw", "direct", "--png", str(tmp_path / "no" / "such.png"))
    assert ended.returncode == 1
    assert "No such file" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_terminal_without_unicode_gets_ascii(vethlab):
    import os

    ended = vethlab("draw", "bridge", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 0
    assert "`- br-veth101 === ns101: veth101" in ended.stdout


@pytest.mark.parametrize("name", ["direct", "bridge", "flannel", "calico"])
def test_pictures_of_the_pages_are_fresh(name):
    """`make pictures` draws them anew; each holds what it shows, in characters, and what is drawn where."""
    with Lab() as lab:
        lab.play(name)
        assert kept(name, "Description") == as_text(lab.snapshot())
        assert kept(name, "Placed") == placed(lab.draw())


def kept(name, what):
    """What a picture of the pages says of itself."""
    from PIL import Image

    return Image.open(ROOT / "docs" / "pictures" / f"{name}.png").text[what]


# ---- kinds of devices -------------------------------------------------------------------------------------

CHAIN = """
set -e
for b in br0 br1 br2; do ip link add name $b type bridge; ip link set $b up; done
ip link add name p0 type veth peer name q0; ip link add name p1 type veth peer name q1
ip link set p0 master br0; ip link set q0 master br1; ip link set p1 master br1; ip link set q1 master br2
for it in p0 q0 p1 q1; do ip link set $it up; done
for h in 1 2; do
    ip netns add h$h
    ip link add name v$h type veth peer name eth0 netns h$h
    ip link set v$h up; ip -n h$h link set eth0 up; ip -n h$h addr add 10.0.0.$h/24 dev eth0
done
ip link set v1 master br0; ip link set v2 master br2
"""
ON_ONE_CARD = """
set -e
ip netns add lan
ip link add name eth0 type veth peer name port netns lan
ip link set eth0 up; ip -n lan link set port up
for p in a b; do
    ip netns add pod-$p
    ip link add link eth0 name mv0 netns pod-$p type macvlan mode bridge
    ip -n pod-$p link set mv0 up
done
ip link add name c0 type veth peer name eth1 netns pod-a
ip link add link eth0 name shim type macvlan mode bridge
"""


@pytest.mark.parametrize("lines", [CHAIN, ON_ONE_CARD], ids=["chain", "macvlan"])
def test_joined_devices_are_drawn_joined(lab, lines):
    lab.run(lines)
    picture = layout(lab.snapshot())
    assert_tidy(picture)
    assert_true_to(picture, lab.snapshot())


def test_chain_of_bridges_looks_like_one(lab):
    lab.run(CHAIN)
    picture = layout(lab.snapshot())
    chain = ["br0", "p0", "q0", "br1", "p1", "q1", "br2"]
    from_left = sorted(picture.boxes, key=lambda box: box.x)
    assert [box.name for box in from_left if box.name in chain] == chain
    assert as_text(lab.snapshot()).splitlines() == [
        "master",
        "└─ br0 (bridge)",
        "   ├─ p0 ═══ q0",
        "   │  └─ br1 (bridge)",
        "   │     └─ p1 ═══ q1",
        "   │        └─ br2 (bridge)",
        "   │           └─ v2 ═══ h2: eth0 10.0.0.2/24",
        "   └─ v1 ═══ h1: eth0 10.0.0.1/24",
    ]


def test_what_is_made_on_a_device_hangs_on_it(lab):
    lab.run(ON_ONE_CARD)
    text = as_text(lab.snapshot())
    assert "└─ eth0 ═══ lan: port\n" in text
    for line in ("   ├─ pod-a: mv0 (macvlan bridge)", "   └─ shim (macvlan bridge) [DOWN]"):
        assert line in text.splitlines()
    assert "podx2da_mv0 -- made on --- master_eth0" in as_mermaid(lab.snapshot())


def test_tunnel_is_drawn_by_its_remote_its_flood_entry_and_its_group(lab):
    """Three styles of a VXLAN by hand; what has no way back is broken, and says which end."""
    for name in ("n1", "n2"):
        lab.run(f"ip netns add {name}")
    lab.run("ip -n n1 link add name eth0 type veth peer name eth0 netns n2")
    for number in (1, 2):
        there = f"192.168.0.{3 - number}"
        lab.run(f"ip -n n{number} addr add 192.168.0.{number}/24 dev eth0; ip -n n{number} link set eth0 up")
        for line in (
            f"vx1 type vxlan id 1 remote {there}",
            "vx2 type vxlan id 2",
            "vx3 type vxlan id 3 group 239.0.0.3",
        ):
            lab.run(f"ip -n n{number} link add name {line} dev eth0 dstport 4789")
        lab.run(f"bridge -n n{number} fdb append 00:00:00:00:00:00 dev vx2 dst {there}")
    labels = {(line.kind, line.label) for line in layout(lab.snapshot()).lines if line.label}
    assert labels == {("tunnel", "VXLAN 1"), ("tunnel", "VXLAN 2"), ("tunnel", "VXLAN 3")}
    lab.run("bridge -n n2 fdb del 00:00:00:00:00:00 dev vx2 dst 192.168.0.1")
    labels = {(line.kind, line.label) for line in layout(lab.snapshot()).lines if line.label}
    assert ("broken", "VXLAN 2: no FDB entry on n2") in labels


@pytest.mark.no_lab
def test_a_label_has_room_for_signs_that_are_twice_as_wide():
    assert Label.of(["网桥 br0"]).width == Label.of(["bridge00"]).width
    assert family("网桥 br0")[0] == "monospace"
    assert family("br0") == ["monospace"]
