"""The page of kinds, and what iproute2 tells of devices that no kernel here has."""

import pytest
from conftest import ROOT
from kinds import page
from kinds.networks import NETWORKS
from PIL import Image
from test_diagram import assert_tidy, assert_true_to

from vethlab_sh import snapshot
from vethlab_sh.facts import Function
from vethlab_sh.wiring.characters import as_text
from vethlab_sh.wiring.ink import placed
from vethlab_sh.wiring.layout import layout


def test_page_of_kinds_is_fresh():
    """`make kinds` writes it anew."""
    assert (ROOT / "docs" / "kinds.md").read_text() == page.text()


@pytest.mark.parametrize("name", NETWORKS)
def test_picture_of_a_kind_is_fresh(name):
    kept = Image.open(page.PICTURES / f"{name}.png").text
    assert kept["Description"] == as_text(page.kept(name))
    assert kept["Placed"] == placed(page.picture(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_picture_of_a_kind_is_tidy_and_true(name):
    network = page.kept(name)
    assert_tidy(layout(network))
    assert_true_to(layout(network), network)


def answered(*links):
    """What a namespace answers that has these devices, as `ip -d -j addr` prints them."""
    usual = {"flags": ["UP", "LOWER_UP"], "mtu": 1500, "operstate": "UP", "link_type": "ether", "addr_info": []}
    addresses = [{"ifindex": number, **usual, **link} for number, link in enumerate(links, 2)]
    others = {name: [] for name in ("neigh", "route", "route6", "fdb", "vlans", "ids")}
    return snapshot.of({"master": {"addr": addresses, **others}})


def test_two_ends_of_a_netkit_are_joined():
    """iproute2 6.6 and later: ip-link(8), netkit."""
    one = {"ifname": "nk0", "link": "nk1", "linkinfo": {"info_kind": "netkit", "info_data": {"mode": "l3"}}}
    two = {"ifname": "nk1", "link": "nk0", "linkinfo": {"info_kind": "netkit", "info_data": {"mode": "l3"}}}
    (wire,) = answered(one, two).rows.wires
    assert {wire.name, wire.peer} == {"nk0", "nk1"}


def test_virtual_functions_of_a_card_are_told():
    """With the VLAN beside the number, as iproute2 printed it once, and in a list."""
    card = {
        "ifname": "ens1f0",
        "vfinfo_list": [
            {"vf": 0, "address": "02:00:00:00:01:00", "vlan_list": [{"vlan": 7, "qos": 0}]},
            {"vf": 1, "mac": "02:00:00:00:01:01", "vlan": 9},
            {"vf": 2, "mac": "02:00:00:00:01:02", "vlan_list": [{}]},
        ],
    }
    (link,) = answered(card).rows.links
    assert link.functions == (
        Function(number=0, mac="02:00:00:00:01:00", vlan=7),
        Function(number=1, mac="02:00:00:00:01:01", vlan=9),
        Function(number=2, mac="02:00:00:00:01:02"),
    )
    assert "2 virtual" not in as_text(answered(card))
    assert "ens1f0 (3 virtual functions)" in as_text(answered(card))
