"""Which line prints which table, and what the DataFrames are like."""

import subprocess
import sys

import pytest

from vethlab_sh import parse, tables
from vethlab_sh.errors import NoParser, OutputNotUnderstood
from vethlab_sh.tables import TABLES, frame, frames, recognise, rows


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ip a", ("ip addr",)),
        ("ip addr show dev eth0", ("ip addr",)),
        ("ip a s", ("ip addr",)),
        ("ip -4 -br address", ("ip addr",)),
        ("ip -d -o addr", ("ip addr",)),
        ("/usr/sbin/ip a", ("ip addr",)),
        ("sudo ip a", ("ip addr",)),
        ("LC_ALL=C ip a", ("ip addr",)),
        ("ip l", ("ip link",)),
        ("ip -s l sh br0", ("ip link",)),
        ("ip r", ("ip route",)),
        ("ip -6 route show table all", ("ip route",)),
        ("ip route get 10.0.0.1", ("ip route",)),
        ("ip ne", ("ip neigh",)),
        ("ip n", ("ip neigh",)),
        ("ip neighbour show", ("ip neigh",)),
        ("ip netns", ("ip netns",)),
        ("ip netns list", ("ip netns",)),
        ("ip -n ns1 a", ("ip addr",)),
        ("ip -netns ns1 r", ("ip route",)),
        ("ip netns exec ns1 ip a", ("ip addr",)),
        ("ip netns exec node2 ip netns exec pod-c ip r", ("ip route",)),
        ("ip netns e ns1 arp -n", ("arp",)),
        ("nsenter -t 7 -n -- ip a", ("ip addr",)),
        ("kubectl exec -ti pod -- ip route", ("ip route",)),
        ("timeout 3 ping -c 1 10.0.0.1", ("ping", "ping statistics")),
        ("ip netns exec ns1 ping 10.0.0.1", ("ping", "ping statistics")),
        ("bridge fdb", ("bridge fdb",)),
        ("bridge -n ns1 fdb show dev vx", ("bridge fdb",)),
        ("bridge link", ("bridge link",)),
        ("brctl show br0", ("brctl show",)),
        ("brctl showmacs br0", ("brctl showmacs",)),
        ("arp -a", ("arp",)),
        ("ifconfig", ("ifconfig",)),
        ("ifconfig eth0", ("ifconfig",)),
        ("ip route | grep cali50c25257626", ("ip route",)),
        ("arp -n |grep cali50c25257626", ("arp",)),
        ("ip a # all addresses", ("ip addr",)),
        ("ip l sh", ("ip link",)),
        ("ip a s dev X", ("ip addr",)),
        ("ip net", ("ip netns",)),
        ("ip -c=never -N r", ("ip route",)),
        ("ip -statistics -stats l", ("ip link",)),
        ("ip --brief a", ("ip addr",)),
        ("sudo -u root ip r", ("ip route",)),
        ("/usr/bin/env LC_ALL=C ip r", ("ip route",)),
        ("timeout -k 1 5 ip r", ("ip route",)),
        ("bridge l", ("bridge link",)),
        ("bridge f s", ("bridge fdb",)),
        ("ip -o a | grep tap1", ("ip addr",)),
        ("ip -br link | grep -v lo", ("ip link",)),
        ("ip r | grep -E 'a|b' | grep -v c", ("ip route",)),
        ("ip r | grep -e a -e b", ("ip route",)),
        # no table: nothing is shown, or not in a form that a parser reads
        ("ip l s br0 up", ()),
        ("ip link add br0 type bridge", ()),
        ("ip addr add 10.0.0.1/24 dev eth0", ()),
        ("ip route add default via 10.0.0.1", ()),
        ("ip netns add ns1", ()),
        ("ip netns exec ns1 ifconfig tap1 up", ()),
        ("ip -j addr", ()),
        ("bridge -j fdb", ()),
        ("bridge fdb add 00:00:00:00:00:01 dev eth0", ()),
        ("brctl addbr br0", ()),
        ("arp -d 10.0.0.1", ()),
        ("ip a | grep inet", ()),
        ("ip route | wc -l", ()),
        ("ip route | grep -c via", ()),
        ("ip a; ip r", ()),
        ("ip a && ip r", ()),
        ("ip a > file", ()),
        ("echo $(ip a)", ()),
        ("ip", ()),
        ("ip 'a", ()),
        ("ip -js a", ()),
        ("ip --json a", ()),
        ("ip -p -j a", ()),
        ("ip -all netns exec ip a", ()),
        ("ip -x r", ()),
        ("ip r &", ()),
        ("ip r 2>/dev/null", ()),
        ("ip r || true", ()),
        ("ip r\nip a", ()),
        ("ip r | grep -A1 via", ()),
        ("ip r | grep -n via", ()),
        ("ip r | grep via file", ()),
        ("ip netns list-id", ()),
        ("bridge link s", ()),
        ("brctl showstp br0", ()),
        ("echo `ip a`", ()),
        ("", ()),
        ("true", ()),
    ],
)
def test_line_is_recognised(line, names):
    assert recognise(line) == names


@pytest.mark.parametrize("name", TABLES)
def test_empty_output_keeps_typed_columns(name):
    empty = frame(name, [])
    assert len(empty) == 0
    assert list(empty.columns) == [column.name for column in TABLES[name].columns]
    assert set(map(str, empty.dtypes)) <= {"string", "Int64", "Float64", "boolean"}


def test_pasted_colours_and_returns_are_tolerated():
    pasted = "\x1b[36mdefault\x1b[0m via \x1b[35m10.0.0.1\x1b[0m dev eth0 \r\n"
    assert rows("ip route", pasted)["ip route"][0]["via"] == "10.0.0.1"


def test_colours_of_ip_are_tolerated():
    pasted = "\x1b[36mbr0              \x1b[0m\x1b[32mUP             \x1b[0m\x1b[33m32:19:1e:1f:1e:34 \x1b[0m<UP> \r\n"
    (row,) = rows("ip -br -c link", pasted)["ip link"]
    assert (row["name"], row["state"], row["mac"]) == ("br0", "UP", "32:19:1e:1f:1e:34")


def test_line_number_survives_colours_and_returns():
    with pytest.raises(OutputNotUnderstood) as error:
        rows("ip route", "\x1b]0;title\x07default dev a\r\n\r\n\x1b[1m10.0.0.0/8 sideways\x1b[0m\r\n")
    assert (error.value.word, error.value.number) == ("sideways", 3)


def test_parse_gives_the_table_asked_for():
    printed = "2 packets transmitted, 1 received, 50% packet loss, time 999ms\n"
    assert parse("ping 10.0.0.2", printed, table="ping statistics").loss_percent.tolist() == [50.0]
    with pytest.raises(NoParser):
        parse("ping 10.0.0.2", printed, table="ip route")


def test_parse_gives_the_first_table():
    printed = "64 bytes from 10.0.0.2: icmp_seq=1 ttl=63 time=0.059 ms\n"
    assert parse("ping 10.0.0.2", printed).ttl.tolist() == [63]
    assert list(frames("ping 10.0.0.2", printed)) == ["ping", "ping statistics"]


def test_parse_without_parser_says_so():
    with pytest.raises(NoParser, match="vethlab_sh tables"):
        parse("ls -l", "total 0")


def test_tables_lists_types_and_meanings():
    listing = tables()
    assert list(listing.columns) == ["table", "column", "dtype", "meaning", "example"]
    assert set(listing.table) == set(TABLES)
    assert listing.meaning.str.len().min() > 3


def test_missing_is_na_and_truth_is_boolean():
    made = parse("ip neigh", "10.0.0.1 dev eth0 FAILED\n")
    assert made.mac.isna().all()
    assert made.router.tolist() == [False]


def test_tables_is_a_module_and_can_be_called():
    program = (
        "import vethlab_sh.tables as module, vethlab_sh; print(vethlab_sh.tables is module, list(module.TABLES)[0])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout == "True ip addr\n", ended.stderr
    assert tables().equals(tables.tables())
    assert tables.TABLES is TABLES


@pytest.mark.parametrize(
    ("table", "column", "word"),
    [
        ("bridge fdb", "via", "device"),  # not a next hop, as of a route
        ("bridge fdb", "used", "used / updated"),  # nobody confirms an entry, as a neighbour is
        ("bridge fdb", "netnsid", "tunnel"),  # not where the other end of a cable is
        ("ip link", "broadcast", "MAC"),
        ("ifconfig", "broadcast", "network"),
        ("ifconfig", "details", "interrupt"),  # ifconfig has no -d
    ],
)
def test_meaning_is_of_its_own_table(table, column, word):
    (meaning,) = [c.meaning for c in TABLES[table].columns if c.name == column]
    assert word in meaning


@pytest.mark.parametrize(
    ("line", "printed", "column", "value"),
    [
        ("bridge fdb show dev flannel.1", "66:01:02:03:04:05 dst 10.4.0.22 self permanent\n", "dev", "flannel.1"),
        ("bridge fdb show br br0", "66:01:02:03:04:05 dev p1 \n", "master", "br0"),
        ("bridge fdb show br br0", "33:33:00:00:00:01 dev p1 self permanent\n", "master", None),
        ("ip neigh show dev eth0", "10.0.0.2 lladdr 02:00:00:00:00:02 REACHABLE\n", "dev", "eth0"),
        ("docker exec web ip r show dev eth0 | grep 10", "10.0.0.0/24 scope link\n", "dev", "eth0"),
        ("ip route show table 100", "default via 10.0.0.1 dev eth0\n", "table", "100"),
        ("ip route show table all", "default via 10.0.0.1 dev eth0\n", "table", None),
        ("ip route show proto kernel", "10.0.0.0/24 dev a scope link\n", "proto", "kernel"),
        ("iptables -t nat -S", "-P POSTROUTING ACCEPT\n", "table", "nat"),
        ("iptables -S", "-P INPUT ACCEPT\n", "table", "filter"),
        ("kubectl -n kube-system get pods", "web 1/1 Running 0 5d\n", "namespace", "kube-system"),
        ("ethtool -S veth0", "NIC statistics:\n     peer_ifindex: 12\n", "dev", "veth0"),
        ("cat /sys/class/net/eth0/iflink", "12\n", "name", "eth0"),
        ("ovs-appctl fdb/show br-int", "    2     0  02:00:00:00:00:02    1\n", "bridge", "br-int"),
        ("ovs-ofctl -O OpenFlow13 dump-flows br-int", " priority=9,tcp actions=drop\n", "bridge", "br-int"),
    ],
)
def test_words_of_the_command_complete_its_rows(line, printed, column, value):
    ((row,),) = rows(line, printed).values()
    assert row[column] == value


def test_what_a_row_says_itself_stays():
    ((row,),) = rows("ip route show dev eth0", "10.0.0.0/24 dev eth1\n").values()
    assert row["dev"] == "eth1"


def test_numbers_of_several_files_find_their_devices():
    (found,) = rows("cat /sys/class/net/eth0/ifindex /sys/class/net/eth0/iflink", "3\n12\n").values()
    assert [(row["name"], row["file"], row["number"]) for row in found] == [
        ("eth0", "ifindex", 3),
        ("eth0", "iflink", 12),
    ]
    (found,) = rows("cat /sys/class/net/*/iflink", "1\n12\n").values()
    assert [row["name"] for row in found] == [None, None]


@pytest.mark.parametrize(
    ("line", "table"),
    [
        ("route -n", "route"),
        ("netstat -rn", "route"),
        ("netstat -tlnp", None),
        ("route add default gw 10.0.0.1", None),
        ("ip ru", "ip rule"),
        ("ip rule add table 9", None),
        ("iptables -nvL FORWARD --line-numbers", "iptables"),
        ("ip6tables-save -c", "iptables"),
        ("iptables -A INPUT -j DROP", None),
        ("kubectl get po -A -owide", "kubectl get pods"),
        ("kubectl get pod web -o json", None),
        ("kubectl get nodes", None),
        ("ethtool eth0", None),
        ("grep . /sys/class/net/*/iflink", "iflink"),
        ("cat /proc/net/arp", "arp"),
        ("cat /etc/hosts", None),
        ("bridge vlan", "bridge vlan"),
        ("bridge vlan add dev p vid 2", None),
        ("nsenter -t 12 -n ip a", "ip addr"),
        ("nsenter --net=/run/netns/x -- ip r", "ip route"),
        ("docker exec -it -u 0 web ip a", "ip addr"),
        ("podman exec web route -n", "route"),
        ("kubectl exec web -n prod ip a", "ip addr"),
        ("docker exec web sh", None),
        ("crictl exec -it 1f73 ip neigh", "ip neigh"),
        ("tcpdump -nni eth0 -e icmp", "tcpdump"),
        ("tcpdump -i any -w file.pcap", None),
        ("docker run web ip a", None),
        ("sudo ovs-vsctl show", "ovs-vsctl show"),
        ("ovs-vsctl --timeout=5 add-port br-int tap1", None),
        ("ovs-appctl -t ovs-vswitchd fdb/show br-int", "ovs-appctl fdb"),
        ("ovs-appctl ofproto/trace br-int icmp", None),
        ("ovs-ofctl -O OpenFlow13 dump-flows br-int table=0", "ovs-ofctl flows"),
        ("ovs-ofctl show br-int", None),
        ("birdcl -s /var/run/calico/bird.ctl sh prot", "birdc protocols"),
        ("birdc 'show route export Mesh_10_4_0_22'", "birdc route"),
        ("birdc show protocols all", None),
        ("birdc disable Mesh_10_4_0_22", None),
        ("nft -a list table ip flannel-ipv4", "nft list"),
        ("nft -j list ruleset", None),
        ("nft add table ip x", None),
    ],
)
def test_further_commands_are_recognised(line, table):
    assert recognise(line) == ((table,) if table else ())
