"""flannel and calico as played, against what the real agents leave behind: asked of the kernel, not of our lines."""

import doctest
import hashlib
import importlib
import ipaddress
import json
import os
from contextlib import ExitStack

import pytest
from conftest import inhabitants, until

from vethlab_sh import Lab, scenarios
from vethlab_sh.cli import main
from vethlab_sh.errors import BadOption, KindMissing, ToolMissing
from vethlab_sh.inside import inside
from vethlab_sh.scenarios import as_script, load
from vethlab_sh.scenarios.calico import host_end
from vethlab_sh.scenarios.nodes import pod_names

pytestmark = pytest.mark.live

MASTER, NODE2 = "10.4.0.21", "10.4.0.22"
CALI = "cali50c25257626"
LABS = {
    "flannel": ("flannel", {"ipv6": True}),
    "cni": ("flannel", {"ipv6": True, "cni": True}),
    "calico": ("calico", {"ipv6": True}),
    "routed": ("calico", {"ipv6": True, "mode": "routed"}),
    "bgp": ("calico", {"mode": "bgp"}),
    "host-gw": ("flannel", {"ipv6": True, "mode": "host-gw"}),
}


@pytest.fixture(scope="module")
def labs():
    """Each lab is played once, when a test first asks for it, and serves all tests."""
    with ExitStack() as stack:
        ready = {}

        def lab(kind):
            if kind not in ready:
                name, options = LABS[kind]
                ready[kind] = stack.enter_context(Lab())
                ready[kind].play(name, **options)
            return ready[kind]

        yield lab


@pytest.fixture(scope="module")
def flannel(labs):
    return labs("flannel")


@pytest.fixture(scope="module")
def calico(labs):
    return labs("calico")


@pytest.fixture(scope="module")
def routed(labs):
    return labs("routed")


def ask(lab, line, at="master"):
    """What the kernel says, as JSON."""
    return [row for row in json.loads(lab.run(line, at=at).out) if row]


def link(lab, name, at="master"):
    (row,) = ask(lab, f"ip -d -j addr show dev {name}", at)
    return row


def addresses(row):
    return {f"{a['local']}/{a['prefixlen']}": a for a in row["addr_info"]}


def routes(lab, at="master", family=4):
    return {row["dst"]: row for row in ask(lab, f"ip -d -j -{family} route", at)}


def setting(lab, key, at="master"):
    return lab.run(f"cat /proc/sys/net/{key}", at=at).out.strip()


def ttl(lab, target, at):
    return lab.run(f"ping -c 1 -W 20 {target}", at=at).rows["ping"][0]["ttl"]


# Section 1 and 3.1 of the ground truth: flannel


def test_flannel_pod_has_the_articles_address(flannel):
    row = link(flannel, "eth0", "pod-a")
    assert (row["ifindex"], row["mtu"], row["qdisc"], row["operstate"]) == (2, 1450, "noqueue", "UP")
    assert not row.get("txqlen")  # iproute2 7 says 0
    assert row["link_netnsid"] == 0
    found = addresses(row)
    assert found["10.244.0.4/24"]["broadcast"] == "10.244.0.255"
    assert found["10.244.0.4/24"]["scope"] == "global"
    assert "fd00:10:244::4/64" in found
    assert any(a.startswith("fe80::") for a in found)


def test_flannel_pod_has_three_routes(flannel):
    found = routes(flannel, "pod-a")
    assert found.keys() == {"default", "10.244.0.0/24", "10.244.0.0/16"}
    assert [found[to].get("gateway") for to in ("default", "10.244.0.0/16")] == ["10.244.0.1"] * 2
    own = found["10.244.0.0/24"]
    assert (own["protocol"], own["scope"], own["prefsrc"]) == ("kernel", "link", "10.244.0.4")
    assert {to: r.get("gateway") for to, r in routes(flannel, "pod-a", 6).items() if to[:4] != "fe80"} == {
        "fd00:10:244::/64": None,
        "fd00:10:244::/48": "fd00:10:244::1",
        "default": "fd00:10:244::1",
    }


@pytest.mark.parametrize(("node", "own", "other"), [("master", 0, 1), ("node2", 1, 0)])
def test_flannel_node_routes_into_the_tunnel(flannel, node, own, other):
    found = routes(flannel, node)
    own_row, other_row = found[f"10.244.{own}.0/24"], found[f"10.244.{other}.0/24"]
    assert (own_row["dev"], own_row["protocol"], own_row["prefsrc"]) == ("cni0", "kernel", f"10.244.{own}.1")
    assert (other_row["gateway"], other_row["dev"]) == (f"10.244.{other}.0", "flannel.1")
    assert "onlink" in other_row["flags"]
    six = routes(flannel, node, 6)
    name = {0: "fd00:10:244::", 1: "fd00:10:244:1::"}
    assert six[f"{name[own]}/64"]["dev"] == "cni0"
    assert (six[f"{name[other]}/64"]["gateway"], six[f"{name[other]}/64"]["dev"]) == (name[other], "flannel-v6.1")


@pytest.mark.parametrize(
    ("node", "local", "address"), [("master", MASTER, "10.244.0.0"), ("node2", NODE2, "10.244.1.0")]
)
def test_flannel_device_is_as_flanneld_makes_it(flannel, node, local, address):
    row = link(flannel, "flannel.1", node)
    data = row["linkinfo"]["info_data"]
    assert (row["mtu"], row["operstate"]) == (1450, "UNKNOWN")
    assert f"{address}/32" in addresses(row)
    assert "broadcast" not in addresses(row)[f"{address}/32"]
    assert (data["id"], data["local"], data["link"], data["port"]) == (1, local, "eth0", 8472)
    assert (data["learning"], data["ageing"], data["udp_csum"]) == (False, 300, True)
    assert data["port_range"] == {"low": 0, "high": 0}
    assert (row["txqlen"], row["group"], data["ttl"]) == (1000, "default", 0)  # 0 is `ttl auto`
    assert int(row["address"][:2], 16) & 3 == 2  # locally administered, unicast


def test_flannel_ipv6_device_gets_the_kernels_mtu(flannel):
    row = link(flannel, "flannel-v6.1")
    assert (row["mtu"], row["linkinfo"]["info_data"]["id"]) == (1430, 1)
    assert row["linkinfo"]["info_data"]["local6"] == "fd00:4::21"
    assert "fd00:10:244::/128" in addresses(row)


@pytest.mark.parametrize(
    ("kind", "device", "next_hop", "device6", "next_hop6"),
    [
        ("flannel", "flannel.1", "10.244.1.0", "flannel-v6.1", "fd00:10:244:1::"),
        ("calico", "vxlan.calico", "10.240.77.128", "vxlan-v6.calico", "fd00:10:240:4d:80::"),
    ],
)
def test_neighbour_and_fdb_lead_to_the_node(labs, kind, device, next_hop, device6, next_hop6):
    lab = labs(kind)
    for dev, hop, node in ((device, next_hop, NODE2), (device6, next_hop6, "fd00:4::22")):
        mac = link(lab, dev, "node2")["address"]
        (neighbour,) = (n for n in ask(lab, f"ip -j neigh show dev {dev}") if not n["dst"].startswith("ff"))
        assert (neighbour["dst"], neighbour["lladdr"], neighbour["state"]) == (hop, mac, ["PERMANENT"])
        (entry,) = ask(lab, f"bridge -j fdb show dev {dev}")
        assert (entry["mac"], entry["dst"], entry["state"], entry["flags"]) == (mac, node, "permanent", ["self"])


@pytest.mark.parametrize("kind", ["flannel", "calico", "routed"])
def test_loopback_of_every_pod_is_up(labs, kind):
    for pod in ("pod-a", "pod-b", "pod-c", "pod-d"):
        row = link(labs(kind), "lo", pod)
        assert "UP" in row["flags"]
        assert {"127.0.0.1/8", "::1/128"} <= addresses(row).keys()


def test_arp_marks_permanent_and_learned_entries(flannel):
    flannel.run("ping -c 1 -W 20 10.244.0.4")
    rows = {row["ip"]: row for row in flannel.run("arp -n").rows["arp"]}
    assert (rows["10.244.1.0"]["permanent"], rows["10.244.1.0"]["complete"]) == (True, True)
    assert (rows["10.244.0.4"]["permanent"], rows["10.244.0.4"]["complete"]) == (False, True)


def test_cni0_has_its_own_mac_as_id(flannel):
    row = link(flannel, "cni0")
    assert (row["mtu"], row["address"]) == (1450, "66:45:fd:67:82:a7")
    assert {"10.244.0.1/24", "fd00:10:244::1/64"} <= addresses(row).keys()
    assert addresses(row)["10.244.0.1/24"]["broadcast"] == "10.244.0.255"
    shown = flannel.run("brctl show cni0").rows["brctl show"]
    assert {line["id"] for line in shown} == {"8000.6645fd6782a7"}
    assert {line["interface"] for line in shown} == {"veth6f848792", "veth19689916"}


@pytest.mark.parametrize("node", ["master", "node2"])
def test_pods_are_hairpin_ports_of_cni0(flannel, node):
    ports = ask(flannel, "ip -d -j link show master cni0", node)
    assert len(ports) == 2
    for port in ports:
        assert port["linkinfo"]["info_slave_data"]["hairpin"] is True
        assert port["linkinfo"]["info_slave_data"]["state"] == "forwarding"
        assert (port["mtu"], port.get("txqlen", 0)) == (1450, 0)


# Section 1 and 3.2: calico


def test_calico_pod_has_the_articles_address(calico):
    row = link(calico, "eth0", "pod-a")
    assert (row["ifindex"], row["mtu"], row["qdisc"], row["operstate"]) == (2, 1450, "noqueue", "UP")
    assert addresses(row)["10.240.188.122/32"]["broadcast"] == "10.240.188.122"
    assert addresses(row)["10.240.188.122/32"]["scope"] == "global"
    assert "fd00:10:240:bc:40::3a/128" in addresses(row)


@pytest.mark.parametrize("pod", ["pod-a", "pod-b", "pod-c", "pod-d"])
def test_calico_pod_routes_all_to_one_address(calico, pod):
    found = routes(calico, pod)
    assert found.keys() == {"default", "169.254.1.1"}
    assert (found["default"]["gateway"], found["169.254.1.1"]["scope"]) == ("169.254.1.1", "link")
    assert "prefsrc" not in found["169.254.1.1"]
    assert routes(calico, pod, 6)["default"]["gateway"] == "fe80::ecee:eeff:feee:eeee"


def test_calico_pod_knows_one_mac_address(calico):
    known = {n["dst"]: n["lladdr"] for n in ask(calico, "ip -4 -j neigh", "pod-a")}
    assert known == {"169.254.1.1": "ee:ee:ee:ee:ee:ee", MASTER: "ee:ee:ee:ee:ee:ee"}


def test_calico_pod_learned_its_node_by_being_asked(calico):
    shown = next(ran for ran in calico.history if ran.line.endswith("ip neigh") and MASTER in ran.out)
    assert f"{MASTER} dev eth0 lladdr ee:ee:ee:ee:ee:ee STALE" in shown.out
    assert "169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee REACHABLE" in shown.out


def test_calico_host_end_has_no_ipv4_address(calico):
    row = link(calico, CALI)
    assert (row["mtu"], row["address"], "master" in row) == (1450, "ee:ee:ee:ee:ee:ee", False)
    assert addresses(row).keys() == {"fe80::ecee:eeff:feee:eeee/64"}


def test_calico_names_are_computed(calico):
    pods = {"default.account-biz-front-5f6f788959-vkr7w", "default.pod-b"}
    names = {row["ifname"] for row in ask(calico, "ip -j link") if row["ifname"].startswith("cali")}
    assert names == {"cali" + hashlib.sha1(pod.encode()).hexdigest()[:11] for pod in pods}
    for node in ("master", "node2"):
        for device, name in (("vxlan.calico", node), ("vxlan-v6.calico", f"{node}-v6")):
            digest = hashlib.sha1(name.encode()).digest()[:5]
            assert link(calico, device, node)["address"] == (b"f" + digest).hex(":")


def test_calico_node_has_a_route_each(calico):
    found = routes(calico)
    assert (found["10.240.188.122"]["dev"], found["10.240.188.122"]["scope"]) == (CALI, "link")
    assert (found["10.240.188.64/26"]["type"], found["10.240.188.64/26"]["protocol"]) == ("blackhole", "80")
    remote = found["10.240.77.128/26"]
    assert (remote["gateway"], remote["dev"], remote["flags"]) == ("10.240.77.128", "vxlan.calico", ["onlink"])


def test_calico_node_has_the_ipv6_routes(calico):
    found = routes(calico, family=6)
    assert (found["fd00:10:240:bc:40::3a"]["dev"], found["fd00:10:240:bc:40::3a"]["metric"]) == (CALI, 1024)
    own = found["fd00:10:240:bc:40::/122"]
    assert (own["type"], own["dev"], own["protocol"], own["metric"]) == ("blackhole", "lo", "80", 1024)
    remote = found["fd00:10:240:4d:80::/122"]
    assert (remote["gateway"], remote["dev"]) == ("fd00:10:240:4d:80::", "vxlan-v6.calico")
    assert (remote["metric"], remote["flags"]) == (1024, ["onlink"])


def test_calico_devices_are_as_felix_makes_them(calico):
    for name, mtu, local, address in (
        ("vxlan.calico", 1450, MASTER, "10.240.188.64/32"),
        ("vxlan-v6.calico", 1430, "fd00:4::21", "fd00:10:240:bc:40::/128"),
    ):
        row = link(calico, name)
        data = row["linkinfo"]["info_data"]
        assert (row["mtu"], data["id"], data["port"], data["learning"]) == (mtu, 4096, 4789, False)
        assert (data.get("local") or data.get("local6"), data["link"]) == (local, "eth0")
        assert address in addresses(row)


def test_calico_node_learned_its_pod(calico):
    calico.run("ping -c 1 -W 20 10.240.188.122")
    (row,) = (row for row in calico.run("arp -n").rows["arp"] if row["ip"] == "10.240.188.122")
    assert (row["mac"], row["dev"]) == (link(calico, "eth0", "pod-a")["address"], CALI)
    assert (row["permanent"], row["complete"]) == (False, True)


def test_calico_chooses_the_tunnels_source(calico):
    for target, source in (("10.240.77.130", "10.240.188.64"), ("10.240.188.122", MASTER)):
        (route,) = ask(calico, f"ip -j route get {target}")
        assert route["prefsrc"] == source


def test_unused_address_falls_into_the_blackhole(calico):
    assert "Invalid argument" in calico.run("ping -c 1 -W 0.2 10.240.188.70", expect=(2,)).err


def test_gateway_of_calico_pods_is_nobody(calico):
    calico.run("ping -c 1 -W 0.2 169.254.1.1", at="pod-a", expect=(1,))


def test_routed_mode_needs_no_tunnel(routed):
    assert not [row for row in ask(routed, "ip -d -j link") if row.get("linkinfo", {}).get("info_kind") == "vxlan"]
    assert link(routed, "eth0", "pod-a")["mtu"] == 1500
    remote = routes(routed)["10.240.77.128/26"]
    assert (remote["gateway"], remote["dev"], remote["protocol"]) == (NODE2, "eth0", "80")
    assert remote["flags"] == ["onlink"]
    assert routes(routed, family=6)["fd00:10:240:4d:80::/122"]["gateway"] == "fd00:4::22"


def test_host_gw_is_one_route(labs):
    lab = labs("host-gw")
    assert not [row for row in ask(lab, "ip -d -j link") if row.get("linkinfo", {}).get("info_kind") == "vxlan"]
    assert (link(lab, "cni0")["mtu"], link(lab, "eth0", "pod-a")["mtu"]) == (1500, 1500)
    for node, subnet, to in (("master", 1, NODE2), ("node2", 0, MASTER)):
        remote = routes(lab, node)[f"10.244.{subnet}.0/24"]
        assert (remote["gateway"], remote["dev"], remote["protocol"], remote["flags"]) == (to, "eth0", "boot", [])
    assert routes(lab, family=6)["fd00:10:244:1::/64"]["gateway"] == "fd00:4::22"


# calico's routes by BIRD

BLOCKS = {"master": "10.240.188.64/26", "node2": "10.240.77.128/26"}


@pytest.mark.parametrize(("node", "other", "gateway"), [("master", "node2", NODE2), ("node2", "master", MASTER)])
def test_bird_writes_the_routes_between_nodes(labs, node, other, gateway):
    lab = labs("bgp")
    assert not [row for row in ask(lab, "ip -d -j link", node) if row.get("linkinfo", {}).get("info_kind") == "vxlan"]
    found = routes(lab, node)
    own, remote = found[BLOCKS[node]], found[BLOCKS[other]]
    assert (own["type"], own["protocol"]) == ("blackhole", "bird")
    assert (remote["gateway"], remote["dev"], remote["protocol"], remote["flags"]) == (gateway, "eth0", "bird", [])
    assert "metric" not in remote
    block = ipaddress.ip_network(BLOCKS[other])
    told = [to for to in found if to != "default" and ipaddress.ip_network(to).subnet_of(block)]
    assert told == [BLOCKS[other]]  # and not the /32 of each pod


def test_a_crash_keeps_the_route_and_a_farewell_takes_it(labs):
    history = labs("bgp").history
    killed = next(place for place, ran in enumerate(history) if ran.line.startswith("kill -9"))
    after = history[killed + 1 :]
    assert "Neighbor graceful restart active" in after[0].out
    assert f"10.240.77.128/26 via {NODE2} dev eth0 proto bird" in after[1].out
    assert after[2].rows["ping statistics"][0]["received"] == 1
    disabled = next(place for place, ran in enumerate(after) if "disable" in ran.line)
    shown, got, ping = after[disabled + 2 : disabled + 5]
    assert "Received: Administrative shutdown" in shown.out
    assert got.rows["ip route"][0]["via"] == "10.4.0.1"
    assert ping.rows["ping statistics"][0]["received"] == 0
    shown = labs("bgp").run("birdc -s /run/calico/bird.ctl show protocols")
    assert ("Mesh_10_4_0_22", "up", "Established") in {
        (row["protocol"], row["state"], row["info"]) for row in shown.rows["birdc protocols"]
    }


def test_bird_ends_with_the_lab():
    with Lab() as lab:
        lab.play("calico", mode="bgp", pods=1, until=25)
        assert [ran.line for ran in lab.history if ran.line.startswith("bird ")]
        home = os.readlink(f"/proc/{lab.sandbox.pid}/ns/net")
        assert "bird" in lab.run("cat /proc/[0-9]*/comm").out.split()
        assert inhabitants(home)
    until(lambda: not inhabitants(home), "every process of the lab is gone")


# The settings of section 1, each on its device

BRIDGE_PORT = "ipv6/conf/{}/accept_ra=0"


def host_end_settings(device):
    return [
        *(f"ipv4/conf/{device}/{key}=1" for key in ("route_localnet", "proxy_arp", "forwarding", "rp_filter")),
        f"ipv4/neigh/{device}/proxy_delay=0",
        *(f"ipv6/conf/{device}/{key}=0" for key in ("accept_dad", "disable_ipv6", "accept_ra")),
        *(f"ipv6/conf/{device}/{key}=1" for key in ("proxy_ndp", "forwarding")),
    ]


ROUTER_OF_CALICO = ["ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1", "netfilter/nf_conntrack_acct=1"]
POD_OF_CALICO = [
    "ipv6/conf/eth0/accept_dad=0",
    "ipv4/ip_forward=0",
    "ipv6/conf/all/forwarding=0",
    *(f"ipv6/conf/{device}/disable_ipv6=0" for device in ("all", "default", "lo")),
]
SETTINGS = {
    "flannel": {
        "master": [
            *(BRIDGE_PORT.format(dev) for dev in ("cni0", "veth6f848792", "veth19689916", "flannel.1", "flannel-v6.1")),
            "ipv4/ip_forward=1",
            "ipv6/conf/all/forwarding=1",
        ],
        "node2": [
            *(BRIDGE_PORT.format(dev) for dev in ("cni0", "veth7e2f650f", "vetha117ea7e", "flannel.1", "flannel-v6.1")),
            "ipv4/ip_forward=1",
            "ipv6/conf/all/forwarding=1",
        ],
        "pod-a": ["ipv6/conf/eth0/accept_dad=0", "ipv4/conf/eth0/arp_notify=1"],
        "pod-d": ["ipv6/conf/eth0/accept_dad=0", "ipv4/conf/eth0/arp_notify=1"],
    },
    "calico": {
        "master": [
            *host_end_settings(CALI),
            *host_end_settings(host_end("pod-b")),
            *ROUTER_OF_CALICO,
            "ipv4/conf/eth0/proxy_arp=0",
        ],
        "node2": [*host_end_settings(host_end("pod-c")), *host_end_settings(host_end("pod-d")), *ROUTER_OF_CALICO],
        **dict.fromkeys(("pod-a", "pod-b", "pod-c", "pod-d"), POD_OF_CALICO),
    },
}


@pytest.mark.parametrize(("kind", "where"), [(kind, where) for kind in SETTINGS for where in SETTINGS[kind]])
def test_agent_sets_each_setting(labs, kind, where):
    lines = SETTINGS[kind][where]
    found = [f"{key}={setting(labs(kind), key, where)}" for key in (line.split("=")[0] for line in lines)]
    assert found == lines


# Section 3.3: on the wire


@pytest.mark.parametrize(
    ("kind", "same", "across", "to_b", "to_c"),
    [
        ("flannel", 64, 62, "10.244.0.5", "10.244.1.2"),
        ("calico", 63, 62, "10.240.188.123", "10.240.77.130"),
        ("routed", 63, 62, "10.240.188.123", "10.240.77.130"),
        ("bgp", 63, 62, "10.240.188.123", "10.240.77.130"),
        ("host-gw", 64, 62, "10.244.0.5", "10.244.1.2"),
    ],
)
def test_routers_count_down_the_ttl(labs, kind, same, across, to_b, to_c):
    assert ttl(labs(kind), to_b, "pod-a") == same
    assert ttl(labs(kind), to_c, "pod-a") == across


def heard(lab, words, ping, at="master"):
    """What tcpdump hears while a pod pings; it says `listening` when it is ready."""
    # -Z root: as root it would become another user and outlive its parent
    line = (
        f": >/run/said; timeout 60 tcpdump -Z root -l -n -e -v --immediate-mode {words} 2>/run/said & "
        f"until grep -q listening /run/said; do :; done; {ping} >/dev/null; wait"
    )
    return lab.run(line, at=at).out


@pytest.mark.parametrize(
    ("kind", "device", "target", "port", "vni"),
    [("flannel", "flannel.1", "10.244.1.2", 8472, 1), ("calico", "vxlan.calico", "10.240.77.130", 4789, 4096)],
)
def test_tunnel_adds_fifty_bytes(labs, kind, device, target, port, vni):
    lab = labs(kind)
    ping = f"ip netns exec pod-a ping -c 1 -W 20 {target}"
    outer = heard(lab, f"-T vxlan -i eth0 -c 1 udp dst port {port} and src {MASTER}", ping)
    assert "length 148:" in outer.splitlines()[0]
    assert f"{NODE2}.{port}: VXLAN" in outer
    assert f"vni {vni}" in outer
    here, there = (link(lab, device, node)["address"] for node in ("master", "node2"))
    assert f"{here} > {there}, ethertype IPv4 (0x0800), length 98:" in outer
    assert "ttl 63" in outer


@pytest.mark.parametrize(
    ("kind", "target", "port", "vni"),
    [("flannel", "fd00:10:244:1::2", 8472, 1), ("calico", "fd00:10:240:4d:80::2", 4789, 4096)],
)
def test_tunnel_over_ipv6_adds_seventy_bytes(labs, kind, target, port, vni):
    ping = f"ip netns exec pod-a ping -c 1 -W 20 {target}"
    outer = heard(labs(kind), f"-T vxlan -i eth0 -c 1 udp dst port {port} and ip6 src fd00:4::21", ping)
    assert "ethertype IPv6 (0x86dd), length 188:" in outer.splitlines()[0]
    assert f"fd00:4::22.{port}: VXLAN" in outer
    assert f"vni {vni}" in outer
    assert "ethertype IPv6 (0x86dd), length 118:" in outer.split(f"vni {vni}")[1]


def test_flannel_pods_frame_crosses_the_bridge_as_it_is(flannel):
    ends = [link(flannel, "eth0", "pod-a")["address"], link(flannel, "cni0")["address"]]
    for device in ("veth6f848792", "cni0"):
        frame = heard(flannel, f"-i {device} -c 1 icmp", "ip netns exec pod-a ping -c 1 -W 20 10.244.1.2")
        assert f"{ends[0]} > {ends[1]}, ethertype IPv4 (0x0800), length 98:" in frame
        assert "ttl 64" in frame


def test_flannel_pod_asks_for_the_bridges_address(flannel):
    flannel.run("ip neigh flush dev eth0", at="pod-a")
    # three: because of `hairpin on` the pod hears its own question too
    said = heard(flannel, "-i eth0 -c 3 arp host 10.244.0.1", "ping -c 1 -W 20 10.244.1.2", at="pod-a")
    assert "Request who-has 10.244.0.1 tell 10.244.0.4" in said
    assert f"Reply 10.244.0.1 is-at {link(flannel, 'cni0')['address']}" in said


@pytest.mark.parametrize(("kind", "target"), [("flannel", "10.244.1.2"), ("calico", "10.240.77.130")])
def test_pod_sends_98_bytes_to_its_gateway(labs, kind, target):
    lab = labs(kind)
    gateway = link(lab, "cni0")["address"] if kind == "flannel" else "ee:ee:ee:ee:ee:ee"
    frame = heard(lab, "-i eth0 -c 1 icmp", f"ping -c 1 -W 20 {target}", at="pod-a")
    assert f"> {gateway}, ethertype IPv4 (0x0800), length 98:" in frame


def test_node_answers_arp_for_nobody(calico):
    calico.run("ip neigh flush dev eth0", at="pod-a")
    said = heard(calico, "-i eth0 -c 2 arp", "ping -c 1 -W 20 10.240.77.130", at="pod-a")
    assert "Request who-has 169.254.1.1 tell 10.240.188.122" in said
    assert "Reply 169.254.1.1 is-at ee:ee:ee:ee:ee:ee" in said


@pytest.mark.parametrize(
    ("kind", "target", "mtu"),
    [
        ("flannel", "10.244.1.2", 1450),
        ("host-gw", "10.244.1.2", 1500),
        ("calico", "10.240.77.130", 1450),
        ("routed", "10.240.77.130", 1500),
    ],
)
def test_largest_packet_just_fits(labs, kind, target, mtu):
    labs(kind).run(f"ping -c 1 -W 20 -M do -s {mtu - 28} {target}", at="pod-a")
    said = labs(kind).run(f"ping -c 1 -W 0.2 -M do -s {mtu - 27} {target}", at="pod-a", expect=(1,))
    assert f"message too long, mtu={mtu}" in said.out + said.err or "Message too long" in said.err  # ping of 2024


def test_masquerade_spares_the_pods(flannel):
    rules = flannel.run("iptables -t nat -S FLANNEL-POSTRTG").out.splitlines()[1:]
    assert [rule.split(" -j ")[0].removeprefix("-A FLANNEL-POSTRTG ") for rule in rules] == [
        "-m mark --mark 0x4000/0x4000",
        "-s 10.244.0.0/24 -d 10.244.0.0/16",
        "-s 10.244.0.0/16 -d 10.244.0.0/24",
        "! -s 10.244.0.0/16 -d 10.244.0.0/24",
        "-s 10.244.0.0/16 ! -d 224.0.0.0/4",
        "! -s 10.244.0.0/16 -d 10.244.0.0/16",
    ]
    assert [rule.split(" -j ")[1] for rule in rules] == ["RETURN"] * 4 + ["MASQUERADE --random-fully"] * 2


# What fails without each piece, and what does not

WHO = {"flannel": ("10.244.0.4", "10.244.0.5", "10.244.1.2"),
       **dict.fromkeys(("calico", "routed"), ("10.240.188.122", "10.240.188.123", "10.240.77.130"))}  # fmt: skip
A_ALL = {"a>b", "a>c", "c>a", "a>master", "a>node2", "master>a"}
ACROSS = {"a>c", "b>c", "c>a", "master>c"}
MAC_F, MAC_C = "8e:2a:10:00:00:02", "66:2d:bf:44:a6:8b"
FAULTS = {
    ("flannel", "FDB entry"): (
        f"bridge fdb del {MAC_F} dev flannel.1 dst {NODE2} self",
        f"bridge fdb add {MAC_F} dev flannel.1 dst {NODE2} self permanent",
        ACROSS,
    ),
    ("flannel", "neighbour"): (
        "ip neigh del 10.244.1.0 dev flannel.1",
        f"ip neigh replace 10.244.1.0 lladdr {MAC_F} nud permanent dev flannel.1",
        ACROSS,
    ),
    ("flannel", "onlink route"): (
        "ip route del 10.244.1.0/24",
        "ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
        ACROSS,
    ),
    ("flannel", "forwarding"): (
        "sysctl -w net.ipv4.ip_forward=0",
        "sysctl -w net.ipv4.ip_forward=1",
        {"a>c", "b>c", "c>a", "a>node2"},
    ),
    ("flannel", "cni0 membership"): (
        "ip link set veth6f848792 nomaster",
        "ip link set veth6f848792 master cni0",
        A_ALL,
    ),
    ("calico", "FDB entry"): (
        f"bridge fdb del {MAC_C} dev vxlan.calico dst {NODE2} self",
        f"bridge fdb add {MAC_C} dev vxlan.calico dst {NODE2} self permanent",
        ACROSS,
    ),
    ("calico", "neighbour"): (
        "ip neigh del 10.240.77.128 dev vxlan.calico",
        f"ip neigh replace 10.240.77.128 lladdr {MAC_C} nud permanent dev vxlan.calico",
        ACROSS,
    ),
    ("calico", "onlink route"): (
        "ip route del 10.240.77.128/26",
        "ip route add 10.240.77.128/26 via 10.240.77.128 dev vxlan.calico onlink",
        ACROSS,
    ),
    ("calico", "proxy ARP"): (
        f"sysctl -w net.ipv4.conf.{CALI}.proxy_arp=0",
        f"sysctl -w net.ipv4.conf.{CALI}.proxy_arp=1",
        A_ALL,
    ),
    ("calico", "default route"): (
        "ip route del default",
        "ip route add default via 10.4.0.1",
        A_ALL | {"b>c"},
    ),
    ("calico", "host route"): (
        "ip route del 10.240.188.122",
        f"ip route add 10.240.188.122 dev {CALI} scope link",
        A_ALL,
    ),
    ("routed", "onlink route"): (
        "ip route del 10.240.77.128/26",
        f"ip route add 10.240.77.128/26 via {NODE2} dev eth0 proto 80 onlink",
        ACROSS,
    ),
    # without forwarding there is no proxy ARP either, so the pods do not even reach their own node
    ("calico", "forwarding"): ("sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.ip_forward=1", A_ALL | {"b>c"}),
}


def unanswered(lab, kind):
    """Which of the pings fail: all are asked at the same time, by machines that have forgotten what they learned."""
    a, b, c = WHO[kind]
    asked = {
        "a>b": ("pod-a", b), "a>c": ("pod-a", c), "b>c": ("pod-b", c), "c>a": ("pod-c", a),
        "a>master": ("pod-a", MASTER), "a>node2": ("pod-a", NODE2),
        "master>a": ("", a), "master>c": ("", c), "master>node2": ("", NODE2),
    }  # fmt: skip
    spaces = ["pod-a", "pod-b", "pod-c", "pod-d", "node2"]
    forget = ["ip neigh flush all", *(f"ip -n {space} neigh flush all" for space in spaces)]
    pings = [
        f"{{ {f'ip netns exec {ns} ' if ns else ''}ping -q -c 1 -W 0.4 {to} >/dev/null 2>&1 || echo '{name}'; }} &"
        for name, (ns, to) in asked.items()
    ]
    # through a pipe, because many writers of one file may overwrite each other
    lines = [*(f"{line} 2>/dev/null" for line in forget), "{", *pings, "wait; } | cat"]
    return set(lab.run("\n".join(lines)).out.split())


@pytest.mark.parametrize(("kind", "piece"), FAULTS)
def test_what_depends_on_a_piece_fails(labs, kind, piece):
    lab = labs(kind)
    take, give, fails = FAULTS[kind, piece]
    lab.run(take)
    try:
        assert unanswered(lab, kind) == fails
    finally:
        lab.run(give)
    assert unanswered(lab, kind) == set()


def told(cell):
    """What a cell of a comparison reads like; a number is one."""
    return cell if isinstance(cell, int) else str(cell)


def test_comparison_is_measured():
    table = Lab.compare("flannel", "calico", mode="routed")
    assert table.question["answerer"] == "who answers when pod-a asks by ARP"
    cells = {about: (told(row.flannel), told(row.calico)) for about, row in table.iterrows()}
    assert cells["answerer"] == ("pod-b itself", "the node, for 169.254.1.1")
    assert cells["ttl-near"] == (64, 63)
    assert cells["largest"] == (1450, 1500)
    assert cells["added"] == (50, 0)
    assert cells["node-entries"] == ("3: route, neighbour, FDB entry", "1: route")
    assert cells["pod-entries"] == ("1: bridge port", "2: route, proxy ARP")
    assert cells["fdb-entry"] == ("pod-c (every pod)", "(has none)")
    assert cells["port"] == ("everything (only pod-a)", "(has none)")
    assert cells["proxy-arp"] == ("(has none)", "everything (only pod-a)")
    assert cells["default-route"] == ("nothing", "everything (every pod)")


def test_modes_stand_beside_each_other():
    table = Lab.compare("flannel:host-gw", "calico:bgp")
    question, *wirings = table.columns
    assert (question, wirings) == ("question", ["flannel:host-gw", "calico:bgp"])
    cells = {about: tuple(told(row[name]) for name in wirings) for about, row in table.iterrows()}
    assert cells["ttl-near"] == (64, 63)
    assert cells["added"] == (0, 0)
    assert cells["node-entries"] == ("1: route", "1: route")
    assert cells["node-route"] == ("pod-c (every pod)", "pod-c (every pod)")


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["bridge"], {}, "two nodes"),
        (["calico:frob"], {}, "not 'frob'"),
        (["bridge:vxlan"], {}, "no option 'mode'"),
        (["flannel", "flannel"], {}, "each once"),
        (["flannel"], {"mode": "routed"}, "no option|has an option"),
        (["flannel", "calico"], {"pods": 1}, "two pods"),
    ],
)
def test_impossible_comparison_is_refused(names, options, said):
    with pytest.raises(BadOption, match=said):
        Lab.compare(*names, **options)


# Options


@pytest.mark.no_lab
def test_more_pods_keep_the_first_names():
    assert pod_names(1) == (["pod-a"], ["pod-c"])
    assert pod_names(3) == (["pod-a", "pod-b", "pod-e"], ["pod-c", "pod-d", "pod-f"])
    here, there = pod_names(60)
    assert len({*here, *there}) == 120


@pytest.mark.parametrize(("name", "pods"), [("flannel", 3), ("calico", 1)])
def test_number_of_pods_is_free(lab, name, pods):
    pings = [ran for ran in lab.play(name, pods=pods) if " ping " in f" {ran.line}"]
    assert pings
    spaces = [row.namespace for row in lab.snapshot().rows.namespaces if row.namespace.startswith("pod")]
    assert len(spaces) == 2 * pods
    assert len(lab.snapshot().rows.wires) == 2 * pods + 1


@pytest.mark.no_lab
@pytest.mark.parametrize(("name", "most"), [("flannel", 253), ("calico", 63)])
def test_addresses_of_all_pods_differ(name, most):
    lines = [line for step in load(name, pods=most, ipv6=True).steps for line in step.lines]
    given = [line.split(" addr add ")[1].split()[0] for line in lines if " addr add " in line]
    assert len(given) == len(set(given))


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("flannel", {"pods": 0}, "1 to 253 pods"),
        ("flannel", {"pods": 254}, "1 to 253 pods"),
        ("calico", {"pods": 64}, "1 to 63 pods"),
        ("calico", {"mode": "gre"}, "vxlan .* or routed .*, not 'gre'"),
        ("calico", {"mode": "ipip", "ipv6": True}, "IPv4 only"),
        ("calico", {"mode": "bgp", "ipv6": True}, "IPv4 only"),
        ("flannel", {"mode": "routed"}, "vxlan .* or host-gw .*, not 'routed'"),
        ("direct", {"mode": "routed"}, "'direct' has no option 'mode'"),
        ("bridge", {"ipv6": True}, "'bridge' has no option 'ipv6'"),
    ],
)
def test_impossible_options_are_refused(name, options, said):
    with pytest.raises(BadOption, match=said):
        load(name, **options)


@pytest.mark.no_lab
def test_ipv6_stays_out_unless_wanted():
    for name in ("flannel", "calico"):
        lines = [line for step in load(name).steps for line in step.lines]
        assert not [line for line in lines if "fd00:" in line or "ip -6" in line]


@pytest.mark.no_lab
@pytest.mark.parametrize("name", ["inside", "scenarios.nodes", "scenarios.calico"])
def test_examples_of_scenarios_run(name):
    result = doctest.testmod(importlib.import_module(f"vethlab_sh.{name}"))
    assert result.attempted
    assert not result.failed


@pytest.mark.no_lab
def test_script_types_on_the_other_node():
    assert "\nip netns exec node2 ip link set lo up\n" in as_script(load("flannel"))
    assert inside("node2", "ip route | wc -l") == "ip netns exec node2 bash -c 'ip route | wc -l'"


# The real bridge plugin against our hand: what one leaves is what the other leaves, device by device

OF_A_PORT = {"hairpin", "state", "guard", "root_block", "fastleave", "learning", "flood", "isolated", "vlan_tunnel"}


def as_laid(lab, node, pods):
    """All devices of a node and its pods: flags, sizes, kind, port, addresses, routes and every setting.

    What is drawn by lot is left out (MAC addresses, numbers, the node's end of a cable is called after its pod), and
    the addresses that are made of MAC addresses.
    """
    ends = {row.name: row.peer_namespace for row in lab.snapshot().rows.wires if row.namespace == node}
    found = {}
    for space in (node, *pods):
        for row in ask(lab, "ip -d -j addr", space):
            name = ends.get(row["ifname"], row["ifname"]) if space == node else row["ifname"]
            info = row.get("linkinfo", {})
            port = info.get("info_slave_data", {})
            keys = ("flags", "mtu", "qdisc", "operstate", "group", "txqlen", "master", "link_type", "link_netnsid")
            folders = f"ipv4/conf/{row['ifname']}/* ipv6/conf/{row['ifname']}/*"
            settings = lab.run(f"cd /proc/sys/net; grep -s . {folders}", at=space, expect=None).out  # not all are read
            found[space, name] = {
                **{key: row.get(key) for key in keys},
                "kind": info.get("info_kind"),
                "port": {key: port.get(key) for key in OF_A_PORT},
                "addresses": sorted(
                    (one["local"], one["prefixlen"], one.get("broadcast"), one["scope"])
                    for one in row["addr_info"]
                    if not one["local"].startswith("fe80")
                ),
                "settings": sorted(
                    line.replace(row["ifname"], name)
                    for line in settings.splitlines()
                    if "stable_secret" not in line and "interface_id" not in line
                ),
            }
        for family in (4, 6):
            rows = ask(lab, f"ip -d -j -{family} route", space)
            found[space, family] = sorted(
                sorted((key, str(value)) for key, value in row.items()) for row in rows if "fe80" not in row["dst"]
            )
    return found


def test_the_real_plugin_leaves_what_our_hand_leaves(labs, lab):
    name, options = LABS["flannel"]
    lab.play(name, **options)  # anew: other tests take things out of theirs, and put them back in their own way
    for node, pods in (("master", ("pod-a", "pod-b")), ("node2", ("pod-c", "pod-d"))):
        by_hand = as_laid(lab, node, pods)
        by_plugin = as_laid(labs("cni"), node, pods)
        assert by_plugin.keys() == by_hand.keys()
        for device, facts in by_plugin.items():
            assert facts == by_hand[device], device


def test_plugin_remembers_who_has_which_address(labs):
    lab = labs("cni")
    assert lab.run("cat /run/cni/networks/cbr0/last_reserved_ip.0").out == "10.244.0.6"
    assert lab.run("cat /run/cni/networks/cbr0/last_reserved_ip.1").out == "fd00:10:244::6"
    assert "pod-a" in lab.run("cat /run/cni/networks/cbr0/10.244.0.4").out
    assert not lab.run("ls /run/cni/networks/cbr0/10.244.0.6", expect=(2,)).out  # it was given back
    assert "pod-z" not in lab.run("ip netns list").out


def test_plugins_answer_is_what_the_kernel_has(labs):
    lab = labs("cni")
    (answer,) = (ran.out for ran in lab.history if ran.out.startswith("{"))
    told = json.loads(answer)
    bridge, end, inside_end = told["interfaces"]
    assert (bridge["name"], bridge["mac"]) == ("cni0", link(lab, "cni0")["address"])
    assert end["mac"] == link(lab, end["name"])["address"]
    assert inside_end["mac"] == link(lab, "eth0", "pod-a")["address"]
    assert {one["address"] for one in told["ips"]} <= addresses(link(lab, "eth0", "pod-a")).keys()


@pytest.mark.no_lab
def test_missing_program_is_named_with_its_package(monkeypatch, capsys):
    monkeypatch.setattr(scenarios, "find", lambda program: None)
    with pytest.raises(ToolMissing, match="apt-get install containernetworking-plugins"):
        scenarios.check_programs(load("flannel", cni=True))
    assert main(["demo", "flannel", "--cni"]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert "/usr/lib/cni/bridge" in said.err


def test_kernel_without_such_tunnels_is_told_before_a_word(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(Lab, "_exit_code", lambda lab, line: asked.append(line) or scenarios.REFUSED)
    assert main(["demo", "calico", "--mode", "ipip"]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.count("\n") == 1
    assert "no devices of the kind ipip" in said.err
    assert len(asked) == 1
    with pytest.raises(KindMissing, match="ipip"):
        scenarios.check_kinds(load("calico", mode="ipip"), lambda line: scenarios.REFUSED)
