"""The whole lab at one moment, across namespaces."""

import pytest

pytestmark = pytest.mark.live


def rows(frame, *columns):
    return [tuple(row) for row in frame[list(columns)].itertuples(index=False)]


def test_wire_joins_two_namespaces(lab):
    lab.play("direct", until=3)
    assert rows(lab.snapshot().wires, "namespace", "name", "peer_namespace", "peer") == [("ns1", "tap1", "ns2", "tap2")]


def test_rows_by_name_are_those_of_the_table(lab):
    lab.play("direct", until=3)
    taken = lab.snapshot()
    assert [row["name"] for row in taken.rows["links"]] == list(taken.links["name"])
    with pytest.raises(KeyError, match="nosuch"):
        taken.rows["nosuch"]


def test_wire_on_host_knows_its_peer(lab):
    lab.run("ip link add tap1 type veth peer name tap2")
    (wire,) = lab.snapshot().rows.wires
    assert (wire.namespace, wire.peer_namespace) == ("master", "master")
    assert {wire.name, wire.peer} == {"tap1", "tap2"}


def test_equal_numbers_do_not_confuse_wires(lab):
    for n in range(1, 5):
        lab.run(f"ip netns add p{n}")
        lab.run(f"ip link add name host{n} type veth peer name eth0 netns p{n}")
    wires = lab.snapshot().wires
    assert rows(wires, "namespace", "name", "peer_namespace", "peer") == [
        ("master", f"host{n}", f"p{n}", "eth0") for n in range(1, 5)
    ]


def test_wire_between_namespaces_of_equal_numbers(lab):
    for name in ("a1", "a2", "b1", "b2"):
        lab.run(f"ip netns add {name}")
    lab.run("ip -n a1 link add name eth0 type veth peer name eth0 netns a2")
    lab.run("ip -n b1 link add name eth0 type veth peer name eth0 netns b2")
    pairs = {frozenset(pair) for pair in rows(lab.snapshot().wires, "namespace", "peer_namespace")}
    assert pairs == {frozenset({"a1", "a2"}), frozenset({"b1", "b2"})}


def test_wire_into_nameless_namespace_is_not_guessed(lab):
    lab.run("ip netns add ns1")
    lab.run("ip link add name tap1 type veth peer name tap2 netns ns1")
    lab.run("ip netns exec ns1 sleep 1000 & while ! pgrep sleep; do :; done; ip netns del ns1")
    (wire,) = lab.snapshot().rows.wires
    assert (wire.name, wire.peer, wire.peer_namespace) == ("tap1", None, None)


def test_vxlan_shows_its_numbers(lab):
    lab.run("ip link add name vx type vxlan id 42 dstport 4789 dev lo local 127.0.0.1 nolearning")
    link = next(link for link in lab.snapshot().rows.links if link.name == "vx")
    assert (link.vxlan_id, link.vxlan_port, link.vxlan_local, link.vxlan_dev) == (
        42,
        4789,
        "127.0.0.1",
        "lo",
    )
    assert link.vxlan_learning is False


def test_snapshot_reads_routes_neighbours_and_fdb(lab):
    lab.play("bridge")
    snapshot = lab.snapshot()
    assert ("ns100", "192.168.1.0/24", "veth100") in rows(snapshot.routes, "namespace", "to", "dev")
    assert ("ns100", "192.168.1.101") in rows(snapshot.neighbours, "namespace", "ip")
    learned = snapshot.fdb[(snapshot.fdb.master == "br0") & snapshot.fdb.state.isna()]
    assert set(learned.dev) == {"br-veth100", "br-veth101"}


def test_multipath_route_is_a_row_each(lab):
    lab.run("ip link add name plug type bridge")
    lab.run("ip addr add 10.0.0.1/24 dev plug")
    lab.run("ip link set plug up")
    lab.run("ip route add 10.5.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.0.3 weight 2")
    lab.run("ip route add blackhole 10.6.0.0/26 proto 80")
    routes = lab.snapshot().routes
    assert rows(routes[routes.to == "10.5.0.0/16"], "via", "dev") == [("10.0.0.2", "plug"), ("10.0.0.3", "plug")]
    assert rows(routes[routes.to == "10.6.0.0/26"], "kind", "proto") == [("blackhole", "80")]


def test_empty_tables_keep_their_columns(lab):
    snapshot = lab.snapshot()
    assert list(snapshot.wires.columns)[:4] == ["namespace", "name", "state", "peer_namespace"]
    assert list(snapshot.neighbours.columns) == ["namespace", "dev", "ip", "mac", "state"]


@pytest.mark.parametrize("name", ["$'e\\x07'", "$'e\\x1b[31m'"])
def test_control_character_in_a_name_is_read(lab, name):
    lab.run(f"ip link add name {name} type bridge")
    assert any(link.name.startswith("e") and not link.name.isprintable() for link in lab.snapshot().rows.links)


def test_control_character_in_an_alias_is_read(lab):
    lab.run("ip link add br0 type bridge && ip link set br0 alias $'a\\x07b'")
    assert "br0" in {link.name for link in lab.snapshot().rows.links}


def test_newline_in_the_name_of_a_namespace_is_read(lab):
    """`ip netns` would make it, too: a name is any name of a file."""
    name = r"$'/run/netns/a\n\x01b'"
    lab.run(f"mkdir -p /run/netns && touch {name} && unshare --net={name} true")
    assert "a\n\x01b" in {space.namespace for space in lab.snapshot().rows.namespaces}


def test_namespace_with_two_names_is_one(lab):
    """A link and a second mount, as CNI scripts make them; the name that came first is told, also beside an earlier."""
    for line in ("ip netns add pod", "ln -s pod /run/netns/by-link", "touch /run/netns/also /run/netns/own"):
        lab.run(line)
    lab.run("mount --bind /run/netns/pod /run/netns/also && mount --bind /proc/self/ns/net /run/netns/own")
    lab.run("ip link add name there type veth peer name here netns also")
    for settings in (False, True):
        taken = lab.snapshot(settings)
        names = {space.namespace: space.names for space in taken.rows.namespaces}
        assert names == {"master": ("own",), "pod": ("also", "by-link")}
        assert [taken.name_of(name) for name in ("pod", "also", "by-link", "own")] == ["pod", "pod", "pod", "master"]
        assert [(wire.name, wire.peer_namespace, wire.peer) for wire in taken.rows.wires] == [("there", "pod", "here")]


def test_tunnel_that_was_moved_is_still_told_where_it_sends(lab):
    """Its device is told by a number, which `ip` reads as one of the namespace that the tunnel is in now."""
    lab.run("ip netns add far")
    for line in (
        "index 7 name low type veth peer name low2 index 8",
        "name vx netns far type vxlan id 9 dev low dstport 4789",
    ):
        lab.run(f"ip link add {line}")
    lab.run("ip -n far link add index 9 name nine type veth peer name seven index 7")
    tunnel = next(link for link in lab.snapshot().rows.links if link.name == "vx")
    assert (tunnel.wrapping.namespace, tunnel.wrapping.dev, tunnel.wrapping.key) == ("master", "low", "9")


def test_parent_is_found_in_another_namespace(lab):
    lab.run("ip netns add pod")
    lab.run("ip link add name low type veth peer name other")
    lab.run("ip link add link low name own netns pod type macvlan mode private")
    child = next(link for link in lab.snapshot().rows.links if link.name == "own")
    assert (child.parent_device, child.mode) == (("master", "low"), "private")
