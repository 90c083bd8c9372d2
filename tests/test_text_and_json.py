"""Text teaches, JSON judges: on the same kernel state both say the same."""

import json
import os

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


RULE = {
    "priority": lambda r: r["priority"], "from": lambda r: with_length(r, "src"), "to": lambda r: with_length(r, "dst"),
    "iif": lambda r: r.get("iif"), "oif": lambda r: r.get("oif"), "lookup": lambda r: r.get("table"),
    "inverted": lambda r: "not" in r, "suppress_prefixlength": lambda r: r.get("suppress_prefixlen"),
    "fwmark": lambda r: "/".join(r[name] for name in ("fwmark", "fwmask") if name in r) or None,
}  # fmt: skip


def with_length(row, end):
    """A prefix as the text has it."""
    return f"{row[end]}/{row[f'{end}len']}" if f"{end}len" in row else row.get(end)


RULES = st.lists(
    st.sampled_from(
        [
            "from 10.0.0.0/8 lookup 100",
            "from 10.0.0.5 iif lo lookup 100",
            "to 10.9.0.0/16 lookup main",
            "not from all fwmark 0xca6c lookup 51820",
            "fwmark 1/0xff lookup 100",
            "from all oif lo lookup 100",
            "from all lookup main suppress_prefixlength 0",
            "to 10.8.0.0/16 ipproto tcp dport 80-90 blackhole",
            "from all goto 32766",
            "from 10.7.0.0/16 prohibit",
            "tos 8 lookup 100",
            f"uidrange {os.getuid()}-{os.getuid()} lookup 100",  # a rootless world has no other user
        ]
    ),
    max_size=8,
)


@given(rules=RULES)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rules_agree_with_json(rules):
    with Lab() as lab:
        lines = [f"ip rule add {rule} priority {100 + n}" for n, rule in enumerate(rules)]
        lab.run("\n".join(["set -e", *lines, "ip -6 rule add from fd00::/64 lookup 100"]))
        same(lab, "", "ip rule", RULE)
        same(lab, "", "ip -6 rule", RULE)


@given(lines=topologies())
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_older_tool_tells_the_same_routes(lines):
    with Lab() as lab:
        lab.run("\n".join(["set -e", "sysctl -qw net.ipv6.conf.default.accept_dad=0", *lines]))
        for space in ("", *SPACES):
            where = f"ip netns exec {space} " if space else ""
            (new,) = lab.run(f"{where}ip route").rows.values()
            for command in ("route -n", "netstat -rn"):
                # route ends with 1 where there is no route
                (old,) = lab.run(f"{where}{command}", expect=(0, 1)).rows.values()
                told = sorted((row["to"], row["via"] or "", row["dev"] or "") for row in old)
                assert told == sorted((row["to"], row["via"] or "", row["dev"] or "") for row in new), command


def test_iptables_tells_the_same_in_all_its_forms(lab):
    lab.run(
        "iptables -P FORWARD DROP; iptables -N POD; iptables -A FORWARD -s 10.0.0.0/8 ! -i lo -p tcp --dport 80 -j POD"
    )
    lab.run(
        "iptables -A FORWARD -d 10.1.0.0/16; iptables -A POD -j REJECT; iptables -t nat -A POSTROUTING -j MASQUERADE"
    )
    seen = []
    for line in (
        "iptables -S -v",
        "iptables-save -c -t filter",
        "iptables -L -v -n",
        "iptables -L -v -n --line-numbers",
    ):
        (found,) = lab.run(line).rows.values()
        columns = ("table", "chain", "number", "target", "policy", "in", "source", "destination", "packets", "bytes")
        seen.append(sorted(str([row[column] for column in columns]) for row in found))
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert len(seen[0]) == 3 + 3


def test_a_veths_other_end_is_told_by_sys_too(lab):
    lab.run("ip netns add ns1; ip link add name left type veth peer name right netns ns1")
    (found,) = lab.run("cat /sys/class/net/left/iflink").rows.values()
    (right,) = json.loads(lab.run("ip -n ns1 -j link show right").out)
    assert [(row["name"], row["number"]) for row in found] == [("left", right["ifindex"])]


def test_proc_tells_the_neighbours_that_arp_tells(lab):
    lab.run("ip link add name br0 up type bridge; ip addr add 10.0.0.1/24 dev br0")
    lab.run("ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 nud permanent dev br0")
    (proc,) = lab.run("cat /proc/net/arp").rows.values()
    (arp,) = lab.run("arp -n").rows.values()
    columns = ("ip", "mac", "dev", "permanent", "complete", "hwtype")
    assert [[row[c] for c in columns] for row in proc] == [[row[c] for c in columns] for row in arp]
    assert len(proc) == 1
