"""How do Open vSwitch and a Linux bridge share a network? By a veth pair, one end in each.

What is told of Open vSwitch is in its manual pages: ovs-vswitchd(8), ovs-vsctl(8), ovs-ofctl(8), ovs-fields(7), and of
`userspace-tso-enable` in ovs-vswitchd.conf.db(5).
"""

from __future__ import annotations

from ..inside import inside
from ..language import tr
from .nodes import ask_in_vain, ask_once, ping
from .step import Scenario, Step, step

PROGRAMS = ("ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl")
FOLDER = "/run/openvswitch"
STAYS = "--pidfile --detach --no-chdir -vsyslog:off -vconsole:off"
# The switch that is a program may be a `netdev` datapath, whose own port br-int is a tap, for which /dev/net/tun must
# be open to the user, or this one, which is the same but for that port.
DATAPATH = "datapath_type=dummy"
NS1, NS2, NS3 = "10.0.0.1", "10.0.0.2", "10.0.0.3"
MAC1, MAC2, MAC3 = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
# What was decided for earlier packets is kept in a cache, which is looked through again after each change.
SETTLED = "ovs-appctl revalidator/wait"
NOBODY_ANSWERED = 124  # timeout(1)
LOOKS = ("ovs-vsctl show", "ip -br link")
BRIDGE = ("ip link add br0 type bridge", "ip link set br0 up")
CABLE = (
    "ip link add int-br0 type veth peer name phy-br0",
    "ip link set int-br0 up",
    "ip link set phy-br0 up",
    "ip link set phy-br0 master br0",
    "ovs-vsctl add-port br-int int-br0",
)


def ovs() -> Scenario:
    """ns1 on Open vSwitch, ns2 on a Linux bridge, and a veth pair between the two switches."""
    return Scenario(
        name="ovs",
        title=tr("Open vSwitch, a switch that is a program, joined to a bridge by a veth pair"),
        intro=tr(
            "Open vSwitch is the switch of OpenStack, of OVN and of some Kubernetes networks. Its `br-int` joins "
            "machines as a Linux bridge does, but it is told what to do with each packet by flows. Where it meets a "
            "Linux bridge, a veth pair joins the two."
        ),
        steps=(
            *_daemons(),
            *_first_switch(),
            *_second_switch(),
            *_joined(),
            *_learned(),
            *_vlan(),
            *_flows(),
            *_offload(),
            *_patch(),
        ),
        known=tr(
            "Open vSwitch forwards by its flows, and with the flow NORMAL as a learning switch. A veth pair joins it "
            "to a Linux bridge, a patch port to another switch of its own."
        ),
        walks=(("ns1", "ns2"),),
        programs=PROGRAMS,
    )


def laid_between(net: str, near: tuple[int, ...], far: int) -> tuple[str, ...]:
    """The lines, as typed on master, that lay br-int with some namespaces, br0 with one, and the cable between them.

    net: what all addresses begin with, `10.0.0.`; near, far: the numbers of the namespaces, `ns7` behind `tap7`.
    """
    lines: list[str] = []
    for one in _daemons():
        lines += one.lines
    lines += [*BRIDGE, *CABLE]
    for number in (*near, far):
        mac = f"02:00:00:00:00:{number:02x}"
        lines += _cable(f"ns{number}", mac, f"{net}{number}", f"tap{number}")
    for number in near:
        lines.append(f"ovs-vsctl add-port br-int tap{number}")
    lines.append(f"ip link set tap{far} master br0")
    return tuple(line for line in lines if line not in LOOKS)


def _start() -> str:
    return f"ovs-vswitchd --enable-dummy {STAYS}"


def _daemons() -> list[Step]:
    return [
        step(
            tr(
                "Start Open vSwitch. It has two daemons: `ovsdb-server` keeps a database of what should be, and "
                "`ovs-vswitchd`, the switch, makes it so."
            ),
            f"mkdir -p {FOLDER}",
            f"ovsdb-tool create {FOLDER}/conf.db /usr/share/openvswitch/vswitch.ovsschema",
            f"ovsdb-server {FOLDER}/conf.db --remote=punix:{FOLDER}/db.sock {STAYS}",
            "ovs-vsctl --no-wait init",
            _start(),
        ),
        step(
            tr("Switch IPv6 off here, so that no device speaks unasked and we see only what we send."),
            "sysctl -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
        ),
        step(
            tr("Make a switch. `ovs-vsctl` writes into the database and waits until the switch has done it."),
            f"ovs-vsctl add-br br-int -- set bridge br-int {DATAPATH}",
            *LOOKS,
            look=tr(
                "`ip link` knows no br-int: here the program itself moves the frames. With the kernel's module, which "
                "most machines use, br-int is a device; the datapath `dummy` of this lab needs no rights for one."
            ),
            table="ip link",
        ),
    ]


def _cable(name: str, mac: str, address: str, tap: str) -> list[str]:
    return [
        f"ip netns add {name}",
        f"ip link add {tap} type veth peer name eth0 address {mac} netns {name}",
        inside(name, f"ip addr add {address}/24 dev eth0"),
        inside(name, "ip link set eth0 up"),
        f"ip link set {tap} up",
    ]


def _first_switch() -> list[Step]:
    return [
        step(
            tr("Plug in a namespace: a veth pair as ever, and its end on the host becomes a port of br-int."),
            *_cable("ns1", MAC1, NS1, "tap1"),
            "ovs-vsctl add-port br-int tap1",
            "ip link show dev tap1",
            look=tr(
                "A port of a Linux bridge would have a `master`; this one has none. Open vSwitch only listens on it, "
                "to every frame (`PROMISC`), and so the kernel cannot tell whose port it is."
            ),
            table="ip link",
        ),
    ]


def _second_switch() -> list[Step]:
    return [
        step(
            tr("Make a Linux bridge beside it, with another namespace."),
            *BRIDGE,
            *_cable("ns2", MAC2, NS2, "tap2"),
            "ip link set tap2 master br0",
        ),
        step(
            tr("Two switches that know nothing of each other."),
            ask_in_vain(NS2, "ns1"),
            expect=(1,),
        ),
    ]


def _joined() -> list[Step]:
    return [
        step(
            tr(
                "Join them as one joins two switches, by a cable: one end of a veth pair is a port of br0, the other "
                "of br-int."
            ),
            *CABLE,
            "ovs-vsctl show",
            "bridge link",
            look=tr("br-int has the ports tap1 and int-br0, br0 has tap2 and phy-br0. This is all that joins them."),
            table="bridge link",
        ),
        step(
            tr("Ping."),
            ping(NS2, "ns1"),
            look=tr("`ttl=64`: both are switches, and neither is a router."),
        ),
    ]


def _learned() -> list[Step]:
    return [
        step(
            tr("What does br-int do with a packet? Ask for its flows, and for what it has learned."),
            "ovs-ofctl dump-flows br-int",
            "ovs-appctl fdb/show br-int | grep -e port -e 02:00:00",
            "bridge fdb show br br0 | grep 02:00:00",
            look=tr(
                "One flow, for every packet: `NORMAL`, be a learning switch. So it has learned that {mac1} is behind "
                "one port and {mac2} behind the other, as br0 has (`bridge fdb`). Ports have numbers here.",
                mac1=MAC1,
                mac2=MAC2,
            ),
            table="bridge fdb",
        ),
        step(
            tr("Open vSwitch can be asked what it would do with a packet, without sending one."),
            _trace(),
            look=tr(
                "The last line is the answer: the number of the port by which it would leave, as the datapath counts "
                "them. Above it is why: the flow of priority 0, and that the switch has learned where that MAC is."
            ),
        ),
    ]


def _trace(target: str = MAC2) -> str:
    """The line that asks what becomes of a ping of ns1."""
    return f"ovs-appctl ofproto/trace br-int icmp,in_port=tap1,dl_src={MAC1},dl_dst={target}"


def _vlan() -> list[Step]:
    return [
        step(
            tr(
                "A VLAN: what comes in by tap1 shall belong to VLAN 10. Open vSwitch keeps in a cache what it decided "
                "for earlier packets; the second line waits until it has looked that through again."
            ),
            "ovs-vsctl set port tap1 tag=10",
            SETTLED,
            _trace(),
            look=tr("`push_vlan`: on its way out by int-br0, a port of all VLANs, the frame gets a tag."),
        ),
        step(
            tr("Ping."),
            ask_in_vain(NS2, "ns1"),
            look=tr("br0 passes the frame on with its tag, and ns2 has no device for VLAN 10."),
            expect=(1,),
        ),
        step(
            tr("Make int-br0 a port of VLAN 10 too: then the tag is taken off there."),
            "ovs-vsctl set port int-br0 tag=10",
            SETTLED,
            ask_once(NS2, "ns1"),
        ),
        step(
            tr("Take both tags away again, and ping."),
            "ovs-vsctl clear port tap1 tag -- clear port int-br0 tag",
            SETTLED,
            ask_once(NS2, "ns1"),
        ),
    ]


def _flows() -> list[Step]:
    return [
        step(
            tr("Now a flow of our own: drop the pings that come in by tap1."),
            'ovs-ofctl add-flow br-int "priority=100,icmp,in_port=tap1,actions=drop"',
            SETTLED,
        ),
        step(tr("Ping."), ask_in_vain(NS2, "ns1"), expect=(1,)),
        step(
            tr("Who dropped it?"),
            "ovs-ofctl dump-flows br-int",
            _trace(),
            look=tr(
                "Of the flows that fit, the one of the highest priority decides. Its `n_packets` is no longer 0, and "
                "the trace ends with `drop`."
            ),
        ),
        step(
            tr("A flow of higher priority makes an exception for one target."),
            f'ovs-ofctl add-flow br-int "priority=200,icmp,in_port=tap1,nw_dst={NS2},actions=NORMAL"',
            SETTLED,
            ask_once(NS2, "ns1"),
            "ovs-ofctl dump-flows br-int",
            look=tr("Now it passes, and the counters tell by which flow."),
        ),
        step(tr("Remove both."), "ovs-ofctl del-flows br-int icmp"),
    ]


def _offload() -> list[Step]:
    # bash itself connects; nobody listens, so that the answer is that nobody does
    connect = inside("ns1", f"timeout 1 bash -c '</dev/tcp/{NS2}/80'")
    return [
        step(
            tr("Pings pass. And TCP? Nobody listens in ns2, so we expect to be refused, which is an answer."),
            connect,
            expect=(NOBODY_ANSWERED,),
        ),
        step(
            tr("Not even that: after a second we gave up. Ask ns2 whether something came."),
            inside("ns2", "nstat -asz TcpInCsumErrors"),
            look=tr(
                "It came, and was dropped for a wrong checksum. A veth device leaves the checksum of TCP to be filled "
                "in later, by a network card that is never there. A Linux bridge knows that; Open vSwitch, as a "
                "program, took the frame as it was."
            ),
        ),
        step(
            tr("Open vSwitch can do it, when it is told to before it starts. Stop the switch and start it again."),
            "ovs-vsctl set Open_vSwitch . other_config:userspace-tso-enable=true",
            "ovs-appctl exit",
            f"timeout 10 bash -c 'while [ -e {FOLDER}/ovs-vswitchd.pid ]; do sleep 0.05; done'",
            _start(),
            "ovs-vsctl --timeout=10 wait-until bridge br-int datapath_id!=[]",
        ),
        step(
            tr("Try again."),
            connect,
            look=tr(
                "`Connection refused`: ns2 answers. The other remedy is `ethtool -K eth0 tx off` in each namespace, "
                "which makes the kernel fill in the checksum itself."
            ),
            expect=(1,),
        ),
    ]


def _patch() -> list[Step]:
    joined = (
        "ovs-vsctl add-port br-int to-ex -- set interface to-ex type=patch options:peer=to-int "
        "-- add-port br-ex to-int -- set interface to-int type=patch options:peer=to-ex"
    )
    return [
        step(
            tr(
                "Two switches of Open vSwitch need no cable between them. Make a second, br-ex, with a third namespace."
            ),
            f"ovs-vsctl add-br br-ex -- set bridge br-ex {DATAPATH}",
            *_cable("ns3", MAC3, NS3, "tap3"),
            "ovs-vsctl add-port br-ex tap3",
        ),
        step(
            tr("Join them by a pair of patch ports, which are no devices but two lines in the database."),
            joined,
            ping(NS3, "ns1"),
            _trace(MAC3),
            look=tr("The trace goes through both switches at once: the datapath does one thing, send it out by tap3."),
        ),
        step(
            tr("The same by a veth pair instead."),
            "ovs-vsctl del-port to-ex -- del-port to-int",
            "ip link add int-ex type veth peer name ex-int",
            "ip link set int-ex up",
            "ip link set ex-int up",
            "ovs-vsctl add-port br-int int-ex -- add-port br-ex ex-int",
            ping(NS3, "ns1"),
            _trace(MAC3),
            look=tr(
                "Now the trace ends at int-ex: the frame goes out into the kernel, comes in again by ex-int, and is "
                "looked up a second time. Compare the round trips. So veth pairs are for where Open vSwitch ends: a "
                "namespace, or a Linux bridge."
            ),
        ),
    ]
