"""Text teaches, JSON judges: on the same kernel state both say the same."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vethlab_sh import Lab

pytestmark = pytest.mark.live

SPACES = ["ns1", "ns2", "pod-a"]
STATES = ["nud permanent", "nud reachable", "nud stale", "nud noarp"]


@st.composite
def topologies(draw):
    """The lines of a small random network: namespaces, a bridge, pairs, addresses, routes, neighbours, a tunnel."""
    lines = [f"ip netns add {space}" for space in SPACES]
    lines += ["ip link add name br0 type bridge"] + ["ip link set br0 up"] * draw(st.integers(0, 1))
    ends = [("", "br0")]
    for n in range(draw(st.integers(1, 3))):
        space = draw(st.sampled_from(["", *SPACES]))
        there = f" netns {space}" if space else ""
        mtu = draw(st.sampled_from(["", "mtu 1450 ", "mtu 9000 "]))
        lines.append(f"ip link add name left{n} {mtu}type veth peer name right{n}{there}")
        lines += [f"ip link set left{n} master br0"] * draw(st.integers(0, 1))
        lines += [f"ip link set left{n} up"] * draw(st.integers(0, 1))
        lines += [f"{_ip(space)} link set right{n} up"] * draw(st.integers(0, 1))
        ends += [("", f"left{n}"), (space, f"right{n}")]
    for n, (space, dev) in enumerate(ends):
        for m in range(draw(st.integers(0, 2))):
            lines.append(f"{_ip(space)} addr add 10.{n}.{m}.1/{draw(st.integers(8, 32))} dev {dev}")
        if draw(st.booleans()):
            lines.append(f"{_ip(space)} addr add fd00:{n}::1/64 dev {dev} nodad")
        if draw(st.booleans()):
            state = draw(st.sampled_from(STATES))
            lines.append(f"{_ip(space)} neigh add 10.{n}.0.9 lladdr 66:00:00:00:00:0{n} {state} dev {dev}")
    if draw(st.booleans()):
        learning = draw(st.sampled_from(["nolearning", "learning"]))
        lines.append(f"ip link add name vx0 type vxlan id {draw(st.integers(1, 9999))} dev br0 dstport 4789 {learning}")
        lines.append("bridge fdb append 66:01:02:03:04:05 dev vx0 dst 10.9.9.9 self permanent")
        lines += ["ip link set vx0 up", "ip route add 10.77.0.0/24 via 10.78.0.1 dev vx0 onlink"] * draw(
            st.integers(0, 1)
        )
    lines += draw(st.lists(st.sampled_from([
        "ip route add blackhole 10.200.0.0/26 proto 80", "ip route add unreachable 10.201.0.0/24 metric 7",
        "ip route add prohibit 10.202.0.0/24", "ip -6 route add blackhole fd77::/64",
    ]), unique=True))  # fmt: skip
    return lines


def _ip(space):
    return f"ip -n {space}" if space else "ip"


def agree(lab, space, command, of_text, of_json):
    """Whether a command's text and its JSON say the same; asked again while the kernel is still changing."""
    program, _, rest = command.partition(" ")
    where = f"{program} -n {space}" if space else program
    for _ in range(20):
        (text,) = lab.run(f"{where} {rest}").rows.values()
        found = json.loads(lab.run(f"{where} -j {rest}").out or "[]")
        said, judged = of_text(text), of_json([row for row in found if row])
        if said == judged:
            return
    assert said == judged, command


def same(lab, space, command, columns):
    """Whether text and JSON agree in these (text column -> how JSON says it)."""
    agree(
        lab,
        space,
        command,
        lambda text: [[row[c] for c in columns] for row in text],
        lambda found: [[read(row) for read in columns.values()] for row in found],
    )


def peer(row):
    """What stands after the @, from JSON."""
    return row.get("link") or (f"if{row['link_index']}" if "link_index" in row else None)


LINK = {
    "index": lambda r: r["ifindex"], "name": lambda r: r["ifname"], "peer": peer, "mtu": lambda r: r["mtu"],
    "flags": lambda r: ",".join(r["flags"]), "state": lambda r: r["operstate"], "master": lambda r: r.get("master"),
    "qdisc": lambda r: r["qdisc"], "mac": lambda r: r["address"],
}  # fmt: skip
ROUTE = {
    "kind": lambda r: r.get("type", "unicast"), "to": lambda r: r["dst"], "via": lambda r: r.get("gateway"),
    "dev": lambda r: r.get("dev"), "proto": lambda r: r.get("protocol"), "scope": lambda r: r.get("scope"),
    "src": lambda r: r.get("prefsrc"), "metric": lambda r: r.get("metric"), "onlink": lambda r: "onlink" in r["flags"],
    "linkdown": lambda r: "linkdown" in r["flags"],
}  # fmt: skip
NEIGH = {
    "ip": lambda r: r["dst"], "dev": lambda r: r["dev"], "mac": lambda r: r.get("lladdr"),
    "state": lambda r: " ".join(r["state"]),
}  # fmt: skip
FDB = {
    "mac": lambda r: r["mac"], "dev": lambda r: r["ifname"], "master": lambda r: r.get("master"),
    "dst": lambda r: r.get("dst"), "state": lambda r: r["state"] or None, "self": lambda r: "self" in r["flags"],
}  # fmt: skip


def addresses(found):
    """A row an address, as the text's table has it."""
    for link in found:
        for row in link["addr_info"] or [{}]:
            address = f"{row['local']}/{row['prefixlen']}" if row else None
            yield (link["ifname"], row.get("family"), address, row.get("scope"), bool(row.get("tentative")))


@given(lines=topologies())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_text_and_json_agree(lines):
    with Lab() as lab:
        lab.run("\n".join(["set -e", "sysctl -qw net.ipv6.conf.default.accept_dad=0", *lines]))
        for space in ("", *SPACES):
            same(lab, space, "ip link", LINK)
            same(lab, space, "ip -d link", LINK)
            same(lab, space, "ip route show table all", ROUTE)
            same(lab, space, "ip -6 route", ROUTE)
            same(lab, space, "ip neigh", NEIGH)
            same(lab, space, "bridge fdb", FDB)
            for command in ("ip addr", "ip -d addr", "ip -4 addr"):
                agree(
                    lab,
                    space,
                    command,
                    lambda text: [
                        (r["name"], r["family"], r["address"], r["scope"], bool(r["tentative"])) for r in text
                    ],
                    lambda found: list(addresses(found)),
                )
        assert sorted(row["namespace"] for row in lab.run("ip netns list").rows["ip netns"]) == sorted(SPACES)


def test_vxlan_details_agree_with_json(lab):
    lab.run("ip link add name vx type vxlan id 42 dstport 4789 dev lo local 127.0.0.1 nolearning")
    (row,) = lab.run("ip -d link show vx").rows["ip link"]
    data = json.loads(lab.run("ip -d -j link show vx").out)[0]["linkinfo"]["info_data"]
    assert (row["vxlan_id"], row["vxlan_port"], row["vxlan_local"], row["vxlan_dev"], row["vxlan_learning"]) == (
        data["id"], data["port"], data["local"], data["link"], data["learning"],
    )  # fmt: skip


def test_bridge_ports_agree_with_json(lab):
    lab.play("bridge")
    lab.run("bridge link set dev br-veth100 hairpin on")
    text = lab.run("bridge -d link").rows["bridge link"]
    found = json.loads(lab.run("bridge -d -j link").out)
    assert [(r["name"], r["master"], r["state"], r["hairpin"]) for r in text] == [
        (r["ifname"], r["master"], r.get("state"), r.get("hairpin"))
        for r in found  # iproute2 5 lists br0 too
    ]
    kinds = {r["name"]: r["kind"] for r in lab.run("ip -d link").rows["ip link"]}
    assert kinds == {"lo": None, "br0": "bridge", "br-veth100": "veth", "br-veth101": "veth"}


def test_counters_agree_with_json(lab):
    lab.run("ping -c 1 127.0.0.1")
    (row,) = lab.run("ip -s link show lo").rows["ip link"]
    (found,) = json.loads(lab.run("ip -s -j link show lo").out)
    assert (row["rx_packets"], row["tx_bytes"]) == (found["stats64"]["rx"]["packets"], found["stats64"]["tx"]["bytes"])


def test_snapshot_and_text_agree_on_wires(lab):
    lab.play("direct")
    (wire,) = lab.snapshot().rows.wires
    (row,) = (r for r in lab.run("ip netns exec ns1 ip link").rows["ip link"] if r["name"] == "tap1")
    assert (wire.name, wire.state, row["netns"]) == ("tap1", row["state"], wire.peer_namespace)
