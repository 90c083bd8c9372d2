"""What a machine's namespaces are is found, named and wired: pods made by the real CNI plugins, inside a lab."""

import json
import os
import re
import shlex
import sys
import textwrap
import unicodedata
import xml.dom.minidom

import pytest
from conftest import ROOT

from vethlab_sh import Lab
from vethlab_sh.markup import printable

pytestmark = pytest.mark.live
INSPECT = f"cd {ROOT} && {sys.executable} -m vethlab_sh inspect"
WITHOUT_RIGHTS = "setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all"
WITHOUT_RIGHTS += "" if os.geteuid() else " --reuid=65534 --clear-groups"
PLUGINS = "/usr/lib/cni"
# What flannel's own plugin hands to the bridge plugin (flannel-io/cni-plugin, flannel_linux.go), and point-to-point.
FLANNEL = {
    "cniVersion": "0.3.1", "name": "cbr0", "type": "bridge", "bridge": "cni0", "mtu": 1450, "ipMasq": False,
    "isGateway": True, "isDefaultGateway": True, "hairpinMode": True,
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "10.244.0.0/16"}]},
}  # fmt: skip
PTP = {
    "cniVersion": "0.3.1", "name": "ptp", "type": "ptp", "ipMasq": False,
    "ipam": {"type": "host-local", "subnet": "10.9.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]},
}  # fmt: skip
PODS = {"web-1": FLANNEL, "web-2": FLANNEL, "db-1": PTP}
# Said in each lab: the process that holds it is nobody's in there to look into.
HOLDER = "Not shown, because we may not enter: those of 1 process of others."


def container(pod):
    """An identity as the runtimes make them, 64 hexadecimal digits."""
    return (pod.encode().hex() + "0123456789abcdef" * 4)[:64]


def add(lab, pod, settings):
    """One pod: a namespace with a name as containerd's, the plugin's ADD, and libcni's memory of it."""
    netns = f"cni-{container(pod)[:10]}-0000-0000-0000-000000000000"
    lab.run(f"ip netns add {netns}")
    words = f"CNI_COMMAND=ADD CNI_CONTAINERID={container(pod)} CNI_NETNS=/run/netns/{netns} CNI_IFNAME=eth0"
    said = lab.run(f"{words} CNI_PATH={PLUGINS} {PLUGINS}/{settings['type']} <<< '{json.dumps(settings)}'").out
    kept = {  # containernetworking/cni, libcni/api.go, cachedInfo
        "kind": "cniCacheV1", "containerId": container(pod), "ifName": "eth0", "networkName": settings["name"],
        "cniArgs": [["K8S_POD_NAMESPACE", "shop"], ["K8S_POD_NAME", pod]], "result": json.loads(said),
    }  # fmt: skip
    file = f"/var/lib/cni/results/{settings['name']}-{container(pod)}-eth0"
    lab.run(f"mkdir -p /var/lib/cni/results && cat > {file} <<< '{json.dumps(kept)}'")
    return json.loads(said)


@pytest.fixture(scope="module")
def node():
    """A lab that is a node: three pods by the real plugins, and a process in a namespace that has no name."""
    with Lab() as lab:
        lab.run("mount -t tmpfs tmpfs /var/lib")  # the plugins' and libcni's own folders, of this lab only
        lab.results = {pod: add(lab, pod, settings) for pod, settings in PODS.items()}
        lab.run("mkfifo /run/ready; unshare --net sh -c 'ip link set lo up; echo $$ > /run/ready; exec sleep 1000' &")
        lab.sleeper = lab.run("cat /run/ready").out.strip()
        lab.run(f"ip link add veth0 type veth peer name eth0 netns /proc/{lab.sleeper}/ns/net")
        lab.run("ip link set veth0 up")
        yield lab


@pytest.fixture(scope="module")
def seen(node):
    return json.loads(node.run(f"{INSPECT} --json").out)


def test_pods_are_called_by_their_names(seen, node):
    by_name = {row["namespace"]: row for row in seen["namespaces"]}
    assert by_name.keys() == {"master", "shop/web-1", "shop/web-2", "shop/db-1", f"sleep {node.sleeper}"}
    assert by_name["shop/web-1"]["container"] == container("web-1")
    assert by_name["shop/web-1"]["netns"].startswith("cni-")
    assert by_name[f"sleep {node.sleeper}"]["pid"] == int(node.sleeper)


def test_wires_are_those_that_the_plugins_report(seen, node):
    wires = {row["namespace"]: row for row in seen["wires"]}
    for pod, result in node.results.items():
        host = next(i["name"] for i in result["interfaces"] if i["name"].startswith("veth"))
        wire = wires[f"shop/{pod}"]
        assert (wire["name"], wire["peer_namespace"], wire["peer"]) == ("eth0", "master", host)
        assert wire["address"] == result["ips"][0]["address"]
    assert wires["shop/web-1"]["bridge"] == "cni0"
    assert wires["shop/web-1"]["route"] == "10.244.0.0/24 dev cni0"
    assert wires["shop/web-1"]["answered_by"] == "cni0, which has 10.244.0.1"
    assert (wires["shop/db-1"]["bridge"], wires["shop/db-1"]["route"].split()[0]) == (None, "10.9.0.2")
    assert wires[f"sleep {node.sleeper}"]["peer"] == "veth0"


def test_flannels_plugin_looks_like_flannel(seen):
    (finding,) = seen["findings"]
    assert (finding["machine"], finding["network"]) == ("master", "flannel")


def test_inspect_says_it_in_chinese(node):
    shown = node.run(f"{INSPECT} --lang zh").out
    assert re.findall(r"^(?:- )?[A-Z][a-z]+ [a-z].*[.:]$", shown, re.MULTILINE) == []
    assert "master 看起来是 flannel：" in shown
    assert "用 sudo 就能看到" in shown or "其他用户的 1 个进程所在的命名空间" in shown
    one = node.run(f"{INSPECT} web-1 --lang zh").out
    assert "是一根网线的两端：内核给出了两端。" in "".join(line.strip() for line in one.splitlines())


def test_inspect_changes_nothing(node):
    ask = "ip -j link; ip -j -4 addr; ip -j -4 route show table all; ls /run /run/netns; ip netns; "
    ask += "cut -d' ' -f5- /proc/self/mountinfo"
    before = node.run(ask).out
    node.run(f"{INSPECT} --json")
    assert node.run(ask).out == before


def test_terminal_shows_tables_and_wiring(node):
    shown = node.run(INSPECT).out
    assert "looks like flannel" in shown
    assert "cni0 (bridge) 10.244.0.1/24" in shown
    assert "═══ shop/web-1: eth0 10.244.0.2/24" in shown
    assert "Not shown" not in shown.replace(HOLDER, "")
    assert "10.9.0.1/32 ═══ shop/db-1" in shown  # routed, so it needs no master
    assert "via 10.244.0.1" in node.run(f"{INSPECT} --tables").out


@pytest.mark.parametrize("what", ["web-1", "shop/web-1", "container", "device"])
def test_one_wiring_only_is_shown(node, what):
    host = next(i["name"] for i in node.results["web-1"]["interfaces"] if i["name"].startswith("veth"))
    asked = {"container": container("web-1")[:12], "device": host}.get(what, what)
    whole = json.loads(node.run(f"{INSPECT} --json {asked}").out)
    assert [row["namespace"] for row in whole["wires"]] == ["shop/web-1"]
    assert {row["name"] for row in whole["snapshot"]["links"]} == {"lo", "eth0", host, "cni0"}


def test_process_number_leads_to_its_wiring(node):
    shown = node.run(f"{INSPECT} {node.sleeper}").out
    assert f"sleep {node.sleeper} eth0 and master veth0 are two ends of one cable" in " ".join(shown.split())


def test_unknown_name_is_one_sentence(node):
    ended = node.run(f"{INSPECT} web-9", expect=(2,))
    assert "There is no pod, container, namespace, process, device or address 'web-9'" in ended.err
    assert "shop/web-1" in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("asked", ["address", "device", "own"])
def test_one_wiring_is_found_by_address_and_device(node, asked):
    what = {"address": node.results["db-1"]["ips"][0]["address"].partition("/")[0], "device": "veth0", "own": "master"}
    whole = json.loads(node.run(f"{INSPECT} --json {what[asked]}").out)
    wanted = {"address": "shop/db-1", "device": f"sleep {node.sleeper}", "own": "master"}[asked]
    assert [row["namespace"] for row in whole["namespaces"]] == [wanted]


def passed(walk):
    """Places of the echo request, in order."""
    return [(row["namespace"], row["device"], row["way"]) for row in walk["rows"] if row["leg"] == "there"]


def test_walk_of_a_real_ping_crosses_the_plugins_bridge(node):
    ends = [next(i["name"] for i in node.results[pod]["interfaces"] if i["name"].startswith("veth"))
            for pod in ("web-1", "web-2")]  # fmt: skip
    walk = json.loads(node.run(f"{INSPECT} --walk web-1 shop/web-2 --json").out)
    assert walk["ok"]
    assert walk["verdict"].startswith("shop/web-1 reached shop/web-2 (10.244.0.3) and the answer came back")
    assert [place for place in passed(walk) if place[1] != "cni0"] == [
        ("shop/web-1", "eth0", "out"), ("master", ends[0], "in"),
        ("master", ends[1], "out"), ("shop/web-2", "eth0", "in"),
    ]  # fmt: skip
    assert {row["machine"] for row in walk["rows"]} == {"master"}


def test_walk_from_bridge_to_routed_pod_by_address(node):
    (ip,) = (i["address"].partition("/")[0] for i in node.results["db-1"]["ips"])
    walk = json.loads(node.run(f"{INSPECT} --walk 10.244.0.2 {ip} --json").out)
    assert walk["ok"]
    there = [row for row in walk["rows"] if row["leg"] == "there"]
    assert (there[0]["namespace"], there[-1]["namespace"]) == ("shop/web-1", "shop/db-1")
    assert there[0]["ttl"] - there[-1]["ttl"] == 1
    assert ("master", "cni0") in {(row["namespace"], row["device"]) for row in there}


def test_page_shows_the_walk_between_pods(node):
    shown = (ROOT / "docs" / "real-nodes.md").read_text().split("inspect --walk web-1 db-1\n…\n")[1].split("```")[0]
    assert node.run(f"export COLUMNS=100; {INSPECT} --walk web-1 db-1").out.endswith(shown)


def test_walk_from_a_process_tells_why_it_goes_nowhere(node):
    ended = node.run(f"{INSPECT} --walk {node.sleeper} web-1", expect=(1,))
    told = " ".join(ended.out.split())
    assert f"Nothing left sleep {node.sleeper}" in told
    assert f"sleep {node.sleeper} has no route to 10.244.0.2" in told


def test_traced_walk_names_the_rule_that_has_it_and_leaves_no_table(node):
    """Without --trace nothing is added to the machine, so the rule is not known."""
    (ip,) = (i["address"].partition("/")[0] for i in node.results["db-1"]["ips"])
    node.run(f"iptables -I FORWARD -d {ip} -p icmp -j DROP")
    before = node.run("nft list tables").out
    try:
        only_read = json.loads(node.run(f"{INSPECT} --walk web-1 db-1 --json", expect=(1,)).out)
        traced = node.run(f"{INSPECT} --walk web-1 db-1 --trace --json", expect=(1,))
        after = node.run("nft list tables").out
    finally:
        node.run(f"iptables -D FORWARD -d {ip} -p icmp -j DROP")
    assert only_read["cause"] in ("unknown", "netfilter-rule")
    told = json.loads(traced.out)
    assert told["cause"] == "netfilter-rule"
    assert f"-d {ip}/32 -p icmp -j DROP" in told["verdict"]
    assert "is gone when this ends" in traced.err
    assert after == before


def test_trace_without_a_walk_says_how_it_is_typed(node):
    assert "inspect --walk SRC DST --trace" in node.run(f"{INSPECT} --trace", expect=(2,)).err


def test_walk_from_the_machine_itself(node):
    assert json.loads(node.run(f"{INSPECT} --walk master web-1 --json").out)["ok"]
    assert json.loads(node.run(f"{INSPECT} --walk web-1 10.244.0.1 --json").out)["ok"]


def test_walk_leaves_only_what_a_ping_leaves(node):
    ask = "ip -j link; ip -j addr show scope global; ip -j route show table all; ls /run /run/netns; ip netns; "
    ask += "cut -d' ' -f5- /proc/self/mountinfo; sysctl -a -r 'net.ipv[46].(conf|ip_|neigh)' 2>/dev/null; "
    ask += "ps -e -o comm= | grep -vE '^(bash|ps|grep)$'"
    before = node.run(ask).out
    node.run(f"{INSPECT} --walk web-1 web-2 --html /dev/null")
    assert node.run(ask).out == before


def test_looking_and_walking_hold_nothing_afterwards(node):
    program = """
        import os
        from pathlib import Path
        from vethlab_sh.node.inspect import inspect, walk
        held = lambda: (len(os.listdir("/proc/self/fd")), Path(f"/proc/self/task/{os.getpid()}/children").read_text())
        before = held()
        kept = inspect(), walk("web-1", "web-2")
        assert held() == before, (before, held())
    """
    node.run(f"cd {ROOT} && {sys.executable} -c {shlex.quote(textwrap.dedent(program))}")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("web-1 web-9", "There is no pod, container, namespace, process, device or address 'web-9'"),
        ("eth0 web-1", "'eth0' could be "),
        ("web-1 web-2 --tables", "stands alone"),
    ],
)
def test_walk_between_no_two_ends_is_one_sentence(node, asked, said):
    ended = node.run(f"{INSPECT} --walk {asked}", expect=(2,))
    assert said in ended.err


def test_picture_is_saved(node):
    assert (
        node.run(f"{INSPECT} --png /run/a.png --svg /run/a.svg > /run/out && head -c 4 /run/a.png | tail -c 3").out
        == "PNG"
    )


def test_cable_between_two_namespaces_is_found(lab):
    """It has no end on the machine itself."""
    lab.run("ip netns add blue; ip netns add red; ip link add name blue0 netns blue type veth peer name red0 netns red")
    seen = json.loads(lab.run(f"{INSPECT} --json").out)
    assert {row["namespace"] for row in seen["namespaces"]} == {"master", "blue", "red"}
    ((one, two),) = [({row["namespace"], row["peer_namespace"]}, {row["name"], row["peer"]}) for row in seen["wires"]]
    assert (one, two) == ({"blue", "red"}, {"blue0", "red0"})


def test_calico_is_recognised(lab):
    lab.play("calico")
    (finding,) = [f for f in json.loads(lab.run(f"{INSPECT} --json").out)["findings"] if f["machine"] == "master"]
    assert finding["network"] == "calico"


def test_what_may_not_be_entered_is_said(node):
    """Without any capability one sees one's own namespace, and a sentence about the others."""
    ended = node.run(f"cd {ROOT} && {WITHOUT_RIGHTS} {sys.executable} -m vethlab_sh inspect --json", expect=None)
    whole = json.loads(ended.out)
    assert [row["namespace"] for row in whole["namespaces"]] == ["master"]
    assert "Not shown, because we may not enter: 3 network namespaces" in whole["hidden"]
    assert {row["peer"] for row in whole["wires"]} >= {"veth0"}
    assert all(row["namespace"] is None for row in whole["wires"])


def test_walk_without_the_right_to_listen_asks_for_sudo(node):
    ended = node.run(
        f"cd {ROOT} && {WITHOUT_RIGHTS} {sys.executable} -m vethlab_sh inspect --walk master 127.0.0.1", expect=(2,)
    )
    assert "use sudo" in ended.err


# What a user of the machine, without any right on it, can call a device, an alias, a process: any byte but a few.
STRANGE = {
    "an escape in a device": r"ip link add $'a\e[31mred' type bridge",
    "an escape of one byte in a device": r"ip link add $'c\xc2\x9b31m' type bridge",
    "a device that reads backwards": r"ip link add $'d\xe2\x80\xae' type bridge",
    "no UTF-8 in a device": r"ip link add $'b\xff\xfe' type bridge",
    "quotes and tags in a device": r"""ip link add 'a"\<b>&c' type bridge; ip link add '<img/src>' type bridge""",
    "our own signs in a device": "ip link add '=settings=' type bridge; ip link add '{}' type bridge",
    "lines in an alias": r"ip link add b type bridge; ip link set b alias $'x\n=settings=\n[]\xff\e]0;mine\a'",
    "an escape in a process": r"""n=$'/run/\e[2J\n\a'; ln -s $(which sleep) "$n"; echo > /run/ready; exec "$n" 999""",
}  # fmt: skip


@pytest.mark.parametrize("make", STRANGE.values(), ids=list(STRANGE))
def test_strangers_names_are_shown_and_not_obeyed(lab, make):
    """What one namespace holds costs the others nothing, and no byte of it reaches the terminal as it is."""
    lab.run(f"mkfifo /run/ready; unshare --net bash -c {shlex.quote(make + '; echo > /run/ready; exec sleep 999')} & "
            "cat /run/ready; ip netns add other")  # fmt: skip
    for option in ("", "--tables", "--json", "--svg /run/a.svg"):
        printed = lab.run(f"{INSPECT} {option}").out
        assert [sign for sign in printed if not sign.isprintable() and sign != "\n"] == []
        assert "other" in printed
    assert "Not shown" not in printed.replace(HOLDER, "")
    drawn = lab.run("cat /run/a.svg").out
    assert xml.dom.minidom.parseString(drawn)


def test_names_of_namespaces_may_hold_any_byte(lab):
    shown = {r"e\a": r"e\x07", r"n\nl": r"n\x0al", r"t\tb": r"t\x09b", r"b\xe2\x80\xae": r"b\u202e", r"u\xff": r"u\xff"}
    lab.run("; ".join(f"ip netns add $'{name}'" for name in shown))
    seen = [row["namespace"] for row in json.loads(lab.run(f"{INSPECT} --json").out)["namespaces"]]
    assert sorted(seen) == sorted(["master", *shown.values()])
    assert r"e\x07" in lab.run(f"{INSPECT} $'e\\x07'").out
    assert r"e\x07" in lab.run(f"{INSPECT} 'e\\x07'").out, "it is found by what was printed too"


@pytest.mark.no_lab
def test_printed_name_holds_nothing_that_is_obeyed():
    every = "".join(map(chr, range(0x3000))) + "\ud800\udcff\ufeff"
    assert [sign for sign in printable(every) if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")] == []
    assert printable("eth0 π 容器 é") == "eth0 π 容器 é"


def test_address_that_a_user_gave_himself_makes_no_pod(lab):
    """host-local leased it to the pod; in a user namespace anybody may take any address."""
    lab.run("mount -t tmpfs tmpfs /var/lib; mkdir -p /var/lib/cni/results /var/lib/cni/networks/n; mkfifo /run/ready")
    lab.run(f"echo {container('web-1')} > /var/lib/cni/networks/n/10.9.0.2")
    kept = {"containerId": container("web-1"), "cniArgs": [["K8S_POD_NAMESPACE", "shop"], ["K8S_POD_NAME", "web-1"]]}
    lab.run(f"cat > /var/lib/cni/results/n-web-1-eth0 <<< '{json.dumps(kept)}'")
    take = "ip addr add 10.9.0.2/32 dev lo; echo $$ > /run/ready; exec sleep 999"
    lab.run(f"unshare --user --map-root-user --net bash -c {shlex.quote(take)} &")
    thief = lab.run("cat /run/ready").out.strip()
    assert f"sleep {thief}" in lab.run(INSPECT).out
    lab.run("ip netns add pod && ip -n pod addr add 10.9.0.2/24 dev lo")
    rows = json.loads(lab.run(f"{INSPECT} --json").out)["namespaces"]
    assert {row["namespace"]: row["pod"] for row in rows} == {
        "master": None, "shop/web-1": "shop/web-1", f"sleep {thief}": None,
    }  # fmt: skip


def test_every_one_of_250_pods_is_wired_to_its_own_end(lab):
    pods = 250
    cable = "link add v{0} mtu 1450 up master cni0 type veth peer name eth0 netns n{0}"
    root = [f"netns add n{i}\n{cable.format(i)}" for i in range(pods)]
    lines = "\n".join(["link add cni0 type bridge", "addr add 10.244.0.1/24 dev cni0", "link set cni0 up", *root])
    lab.run(f"ip -batch - <<'E'\n{lines}\nE")
    lab.run("for i in $(seq 0 249); do printf 'addr add 10.244.0.%s/24 dev eth0\\nlink set eth0 up\\n' $((i + 2)) "
            "| nsenter --net=/run/netns/n$i ip -batch -; done")  # fmt: skip
    whole = json.loads(lab.run(f"{INSPECT} --json").out)
    found = {row["namespace"]: (row["peer"], row["bridge"], row["address"]) for row in whole["wires"]}
    assert found == {f"n{i}": (f"v{i}", "cni0", f"10.244.0.{i + 2}/24") for i in range(pods)}
    assert lab.run(INSPECT).out.count(" ═══ n") == pods
    walk = json.loads(lab.run(f"{INSPECT} --walk n0 n249 --json").out)
    assert walk["ok"]
    assert {row["namespace"] for row in walk["rows"]} == {"master", "n0", "n249"}


@pytest.mark.no_lab
def test_shell_outside_is_only_for_asking():
    """The one door to the machine itself stays in inspect."""
    users = [p.name for p in (ROOT / "vethlab_sh").rglob("*.py") if "Outside()" in p.read_text()]
    assert users == ["inspect.py"]
