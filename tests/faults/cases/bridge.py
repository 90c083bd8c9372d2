"""What goes wrong in a bridge? Ports that are off, out, isolated or deaf, and MACs that are in the wrong place."""

from ..case import Case
from .networks import BRIDGE, THIRD
from .words import DOWN, FILTERS, UNPLUGGED

CASES = [
    Case(
        id="bridge-down",
        group="bridge",
        title="forgot to switch on the bridge",
        cause="br0 is down",
        source="common",
        lines=BRIDGE + "ip link set br0 down",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("br0",), DOWN),
        never=FILTERS,
        mend="ip link set br0 up",
    ),
    Case(
        id="port-not-plugged",
        group="bridge",
        title="forgot to plug the cable into the bridge",
        cause="veth2 has no master",
        source="common",
        lines=BRIDGE + "ip link set veth2 nomaster",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth2",), UNPLUGGED),
        never=FILTERS,
        mend="ip link set veth2 master br0",
    ),
    Case(
        id="wrong-bridge",
        group="bridge",
        title="plugged into another bridge",
        cause="veth2 is a port of br1",
        source="common",
        lines=BRIDGE
        + """
            ip link add br1 type bridge
            ip link set br1 up
            ip link set veth2 master br1
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth2",), ("br1",)),
        never=FILTERS,
        mend="ip link set veth2 master br0",
    ),
    Case(
        id="ports-isolated",
        group="bridge",
        title="two containers must not talk to each other",
        cause="veth1 and veth2 are isolated ports",
        source="common (Proxmox, libvirt)",
        lines=BRIDGE
        + """
            bridge link set dev veth1 isolated on
            bridge link set dev veth2 isolated on
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("isolated", "isolation"), ("veth1", "veth2")),
        never=FILTERS,
        mend="bridge link set dev veth1 isolated off",
    ),
    Case(
        id="flood-off",
        group="bridge",
        title="questions for everyone do not arrive",
        cause="veth2 does not flood: flood and bcast_flood are off",
        source="common",
        lines=BRIDGE + "bridge link set dev veth2 flood off bcast_flood off",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("flood*", "bcast_flood"), ("veth2",)),
        never=FILTERS,
        mend="bridge link set dev veth2 flood on bcast_flood on",
    ),
    Case(
        id="stp-delay",
        group="bridge",
        title="nothing comes through for half a minute after plugging in",
        cause="STP is on: the ports of br0 are listening and learning before they forward",
        source="common (brctl stp on)",
        lines=BRIDGE.replace("type bridge\n", "type bridge stp_state 1 forward_delay 2500\n"),
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("STP", "spanning tree", "listening", "forward delay", "forward_delay"),),
        never=FILTERS,
        mend="""
            ip link set br0 type bridge stp_state 0
            ip link set br0 down
            ip link set br0 up
        """,
    ),
    Case(
        id="static-entry-for-the-wrong-port",
        group="bridge",
        title="a container moved to another port",
        cause="a static FDB entry of br0 says that ns2's MAC is behind veth1",
        source="common",
        lines=BRIDGE
        + "bridge fdb replace $(ip netns exec ns2 cat /sys/class/net/eth0/address) dev veth1 master static sticky",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("FDB", "forwarding table", "static entry", "sticky", "knows"), ("veth1",)),
        never=FILTERS,
        mend="bridge fdb del $(ip netns exec ns2 cat /sys/class/net/eth0/address) dev veth1 master",
    ),
    Case(
        id="two-hosts-one-mac",
        group="bridge",
        title="cloned containers",
        cause="ns1 and ns2 have the same MAC, so the bridge sends frames to where it saw it last",
        source="common (cloned containers and virtual machines)",
        lines=BRIDGE
        + """
            ip -n ns1 link set eth0 address 02:00:00:00:00:01
            ip -n ns2 link set eth0 address 02:00:00:00:00:01
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("MAC", "02:00:00:00:00:01"), ("same", "both", "twice", "duplicate", "also", "one MAC", "share*")),
        never=FILTERS,
        mend="ip -n ns1 link set eth0 address 02:00:00:00:00:02",
    ),
    Case(
        id="sender-with-the-bridges-mac",
        group="bridge",
        title="a container was given the MAC of the bridge",
        cause="ns1's eth0 has br0's own MAC, so the bridge keeps what is meant for ns1",
        source="common",
        lines=BRIDGE
        + """
            ip link set br0 address 02:00:00:00:00:b0
            ip -n ns1 link set eth0 address 02:00:00:00:00:b0
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(
            ("br0", "bridge"),
            (
                "own MAC",
                "same MAC",
                "MAC of br0",
                "MAC of the bridge",
                "bridge's MAC",
                "br0's MAC",
                "both have the MAC",
            ),
        ),
        never=(*FILTERS, "forwarding is off"),
        mend="ip -n ns1 link set eth0 address 02:00:00:00:00:01",
    ),
    Case(
        id="sender-unplugged",
        group="bridge",
        title="the sender's own cable is not in the bridge",
        cause="veth1 has no master",
        source="common",
        lines=BRIDGE + "ip link set veth1 nomaster",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("veth1",), UNPLUGGED),
        never=FILTERS,
        mend="ip link set veth1 master br0",
    ),
    Case(
        id="port-locked",
        group="bridge",
        title="a port that lets in nobody it does not know",
        cause="veth1 is a locked port: br0 takes nothing from MACs that are not in its FDB",
        source="common (802.1X)",
        lines=BRIDGE
        + """
            bridge link set dev veth1 locked on learning off
            ip link set br0 type bridge fdb_flush
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("locked",), ("veth1",)),
        never=FILTERS,
        mend="bridge link set dev veth1 locked off learning on",
    ),
    Case(
        id="port-disabled",
        group="bridge",
        title="a port that was switched off in the bridge, not as a device",
        cause="the state of port veth2 is disabled",
        source="common (a leftover of STP in user space)",
        lines=BRIDGE
        + """
            for i in $(seq 20); do bridge link show dev veth2 | grep -q forwarding && break; sleep 0.3; done
            bridge link set dev veth2 state 0
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("disabled", "state"), ("veth2",)),
        never=FILTERS,
        mend="bridge link set dev veth2 state 3",
    ),
    Case(
        id="no-flood-and-no-learning",
        group="bridge",
        title="ARP is answered, the ping is not",
        cause="veth2 neither learns nor floods (learning off, flood off), so br0 sends nothing for ns2's MAC there",
        source="common (static FDBs)",
        lines=BRIDGE
        + """
            bridge link set dev veth2 learning off flood off
            ip link set br0 type bridge fdb_flush
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("flood*", "learn*"), ("veth2",)),
        never=FILTERS,
        mend="bridge link set dev veth2 learning on flood on",
    ),
    Case(
        id="mac-of-the-bridge-itself",
        group="bridge",
        title="the host keeps frames that are for a container",
        cause="the FDB of br0 has ns2's MAC as one of br0's own (a permanent entry for br0 itself)",
        source="common (left over by a tool)",
        lines=BRIDGE + "bridge fdb replace $(ip netns exec ns2 cat /sys/class/net/eth0/address) dev br0 self permanent",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("FDB", "forwarding table", "permanent entry", "fdb entry"), ("br0",)),
        never=(*FILTERS, "forwarding is off", "neighbour entry is wrong"),
        mend="bridge fdb del $(ip netns exec ns2 cat /sys/class/net/eth0/address) dev br0 self",
    ),
    Case(
        id="mcast-flood-off",
        group="bridge",
        title="IPv4 works, IPv6 does not",
        cause="veth2 does not flood multicast (mcast_flood off), by which IPv6 asks for MACs",
        source="common (multicast tuning)",
        lines=BRIDGE
        + """
            ip -n ns1 addr add fd00::1/64 dev eth0 nodad
            ip -n ns2 addr add fd00::2/64 dev eth0 nodad
            bridge link set dev veth2 mcast_flood off
            ip link set br0 type bridge mcast_snooping 0
        """,
        src="ns1",
        dst="fd00::2",
        claim="ns1 can reach fd00::2",
        words=(("mcast_flood", "multicast"), ("veth2",)),
        never=FILTERS,
        mend="bridge link set dev veth2 mcast_flood on",
    ),
    Case(
        id="isolated-uplink",
        group="bridge",
        title="containers reach the host but not the world behind the bridge's uplink",
        cause="veth1 and the uplink veth3 are both isolated ports",
        source="common (Proxmox, Kubernetes bridge plugin's portIsolation)",
        lines=BRIDGE
        + THIRD
        + """
            ip -n ns3 addr add 192.168.30.3/24 dev eth0
            bridge link set dev veth1 isolated on
            bridge link set dev veth3 isolated on
        """,
        src="ns1",
        dst="192.168.30.3",
        claim="ns1 can reach 192.168.30.3",
        words=(("isolated", "isolation"), ("veth1", "veth3")),
        never=FILTERS,
        mend="bridge link set dev veth3 isolated off",
    ),
    Case(
        id="flow-of-open-vswitch-drops",
        group="bridge",
        title="a flow of Open vSwitch drops pings",
        cause="br-int, a switch of Open vSwitch, has a flow with a high priority that drops ICMP from tap1",
        source="common",
        play="ovs",
        lines="""
            ovs-ofctl add-flow br-int priority=200,icmp,in_port=tap1,actions=drop
            ovs-appctl revalidator/wait
        """,
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach ns2",
        words=(("flow*",), ("br-int", "tap1")),
        mend="ovs-ofctl --strict del-flows br-int priority=200,icmp,in_port=tap1 && ovs-appctl revalidator/wait",
    ),
    Case(
        id="port-of-open-vswitch-in-a-vlan",
        group="bridge",
        title="the cable to the other switch is in a VLAN of Open vSwitch",
        cause="int-br0, br-int's port to br0, is in VLAN 10, and tap1 is in none",
        source="common",
        play="ovs",
        lines="""
            ovs-vsctl set port int-br0 tag=10
            ovs-appctl revalidator/wait
        """,
        src="ns1",
        dst="10.0.0.2",
        claim="ns1 can reach ns2",
        words=(("VLAN 10",), ("int-br0",)),
        never=FILTERS,
        mend="ovs-vsctl clear port int-br0 tag && ovs-appctl revalidator/wait",
    ),
    Case(
        id="entry-that-is-the-bridges-own",
        group="bridge",
        title="an FDB entry was written without a word for its kind",
        cause="a permanent entry for veth2 in the FDB of br0 makes ns2's MAC the bridge's own",
        source="common (`bridge fdb add MAC dev PORT master` makes a permanent entry, which is local)",
        lines=BRIDGE + "bridge fdb replace $(ip netns exec ns2 cat /sys/class/net/eth0/address) dev veth2 master",
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(("FDB",), ("own", "local"), ("permanent",)),
        never=(*FILTERS, "neighbour entry"),
        mend="bridge fdb del $(ip netns exec ns2 cat /sys/class/net/eth0/address) dev veth2 master",
    ),
]
