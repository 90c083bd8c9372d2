"""What may be done in an exercise: half of it, all of it otherwise than the lesson does, and something that spoils it.

By lesson and exercise three texts of lines, typed on master one after the other: after the first it is not done, after
the second it is, after the third it is not any more. Where an exercise is one step, there is no half of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab_sh import Lab
from vethlab_sh.lessons import questions, script


@dataclass(frozen=True)
class Case:
    """Lines, each text one after the other."""

    half: str
    otherwise: str
    spoil: str
    scenario: str = ""  # that a lab is played where a lesson lays its labs by Python
    fault: str = ""  # and the lines that it begins with there


def in_pod(pod: str, *lines: str) -> str:
    """Lines as typed in a pod of node2, by way of node2."""
    return "\n".join(f"ip netns exec node2 ip netns exec {pod} {line}" for line in lines)


def settled(line: str) -> str:
    """A line for Open vSwitch, which then looks through what it keeps of earlier decisions."""
    return f"{line}\novs-appctl revalidator/wait"


CASES = {
    "0_start_here": {
        "signal": Case("ip link set tap1 up", "ifconfig tap2 up", "ip link set tap1 down"),
        "again": Case(
            "ip link add tap1 type veth peer name tap2\nip link set tap1 up", "ifconfig tap2 up", "ip link del tap1"
        ),
        "itself": Case(
            "ip netns exec box ip addr add 127.0.0.1/8 dev lo",
            "ip netns exec box ifconfig lo up",
            "ip netns exec box ip link set lo down",
        ),
    },
    "1_direct_pair": {
        "plug": Case(
            "ip link set tap2 netns ns1",
            "ip netns exec ns1 ip link set tap2 netns ns2",
            "ip netns exec ns2 ip link del tap2",
        ),
        "address": Case(
            "ip netns exec ns2 ip addr add 192.168.10.201/32 dev tap2",
            "ip netns exec ns2 ip addr flush dev tap2; ip netns exec ns2 ifconfig tap2 192.168.10.201/24",
            "ip netns exec ns1 ip addr flush dev tap1",
        ),
        "on": Case(
            "ip netns exec ns2 ip link set lo up",
            "ip netns exec ns2 ip link set tap2 up",
            "ip netns exec ns1 ip link set tap1 down",
        ),
        "switch-on": Case(
            "ip netns exec ns1 ip neigh flush all",
            "ip netns exec ns2 ifconfig tap2 up",
            "ip netns exec ns1 ip route del 192.168.10.0/24",
        ),
        "mask": Case(
            "ip netns exec ns2 ip addr add 192.168.10.201/24 dev tap2; ip netns exec ns2 ip link set tap2 down",
            "ip netns exec ns2 ip link set tap2 up",
            "ip netns exec ns2 ip addr flush dev tap2; ip netns exec ns2 ip addr add 192.168.10.201/32 dev tap2",
        ),
    },
    "2_bridge": {
        "third": Case(
            "ip netns add ns102\nip link add br-veth102 type veth peer name veth102 netns ns102\n"
            "ip netns exec ns102 ip addr add 192.168.1.102/24 dev veth102\nip netns exec ns102 ip link set veth102 up",
            "ip link set br-veth102 up\nbrctl addif br0 br-veth102",
            "ip netns exec ns101 ip addr add 192.168.1.102/24 dev veth101",
        ),
        "fourth": Case(
            "ip netns add ns103\nip link add br-veth103 type veth peer name veth103 netns ns103\n"
            "ip link set br-veth103 up master br0\nip netns exec ns103 ip addr add 192.168.1.103/32 dev veth103",
            "ip netns exec ns103 ip addr flush dev veth103\n"
            "ip netns exec ns103 ip addr add 192.168.1.103/24 dev veth103\nip netns exec ns103 ip link set veth103 up",
            "ip link set br-veth102 down",
        ),
        "plug-in": Case("ip link set br-veth101 up", "brctl addif br0 br-veth101", "ip link set br0 down"),
        "one-owner": Case(
            "ip netns exec ns101 ip addr del 192.168.1.101/24 dev veth101",
            "ip netns exec ns101 ip addr add 192.168.1.101/24 dev veth101\n"
            "ip netns exec ns102 ip addr del 192.168.1.101/24 dev veth102\nip netns exec ns100 ip neigh flush all",
            "ip netns exec ns100 ip addr add 192.168.1.101/32 dev veth100",
        ),
    },
    "3_flannel": {
        "pod-b-cable": Case(
            "ip netns add pod-b\nip link add veth19689916 mtu 1450 type veth peer name eth0 netns pod-b",
            "brctl addif cni0 veth19689916",
            "ip link set veth19689916 nomaster",
        ),
        "pod-b-inside": Case(
            "ip netns exec pod-b ip addr add 10.244.0.5/24 dev eth0\nip netns exec pod-b ip link set eth0 up",
            "ip netns exec pod-b ip route add default via 10.244.0.1\n"
            "ip netns exec pod-b ip route add 10.244.0.0/16 via 10.244.0.1",
            "ip link set veth19689916 down",
        ),
        "pod-d": Case(
            "ip link add vetha117ea7e mtu 1450 type veth peer name eth0 netns pod-d\n"
            "ip link set vetha117ea7e netns node2\n"
            "ip netns exec node2 ip link set vetha117ea7e up master cni0\n"
            + in_pod("pod-d", "ip addr add 10.244.1.3/24 dev eth0", "ip link set eth0 up"),
            in_pod("pod-d", "ip route add default via 10.244.1.1"),
            in_pod("pod-c", "ip addr add 10.244.1.3/24 dev eth0") + "\n" + in_pod("pod-d", "ip link set eth0 down"),
        ),
        "other-end": Case(
            "ip netns exec node2 ip link add flannel.1 address 8e:2a:10:00:00:02 mtu 1450 type vxlan id 1 "
            "local 10.4.0.22 dev eth0 dstport 8472 nolearning\n"
            "ip netns exec node2 ip addr add 10.244.1.0/32 dev flannel.1\n"
            "ip netns exec node2 ip link set flannel.1 up\n"
            "ip netns exec node2 ip route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink",
            "ip netns exec node2 ip neigh add 10.244.0.0 lladdr 8e:2a:10:00:00:01 dev flannel.1\n"
            "ip netns exec node2 bridge fdb append 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.21",
            "ip netns exec node2 ip addr add 10.244.1.9/32 dev flannel.1\n"
            "ip netns exec node2 ip addr del 10.244.1.0/32 dev flannel.1",
        ),
        "tunnel-entries": Case(
            "ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:09 nud permanent dev flannel.1",
            "ip neigh replace 10.244.1.0 lladdr 8e:2a:10:00:00:02 nud noarp dev flannel.1",
            "ip route del 10.244.1.0/24",
        ),
        "forward": Case(
            "sysctl -w net.ipv4.conf.cni0.forwarding=1",
            "sysctl -w net.ipv4.conf.all.forwarding=1",
            "iptables -P FORWARD DROP",
        ),
        "both-ways": Case(
            "bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.21 self permanent",
            "bridge fdb del 8e:2a:10:00:00:02 dev flannel.1\n"
            "bridge fdb append 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22",
            "ip netns exec node2 bridge fdb del 8e:2a:10:00:00:01 dev flannel.1",
        ),
        "problem": Case(
            "ip route add 10.244.1.0/24 via 10.4.0.22",
            "ip netns exec node2 ip route replace default via 10.4.0.21",
            "ip netns exec node2 sysctl -w net.ipv4.ip_forward=0",
        ),
    },
    "4_calico": {
        "proxy-arp": Case(
            "ip netns exec pod-a ip neigh flush all",
            "ip route add 169.254.0.0/16 dev eth0",
            "sysctl -w net.ipv4.conf.cali50c25257626.proxy_arp=0\nip netns exec pod-a ip neigh flush all",
        ),
        "pod-b-cable": Case(
            "ip netns add pod-b",
            "ip link add eth0 netns pod-b type veth peer name cali2f5353dd8c5 netns 1",
            "ip netns exec pod-b ip link set eth0 name net0",
        ),
        "pod-b-inside": Case(
            "ip netns exec pod-b ip link set eth0 up\nip netns exec pod-b ip addr add 10.240.188.123/32 dev eth0\n"
            "ip route add 10.240.188.123 dev cali2f5353dd8c5",
            "ip netns exec pod-b ip route add default via 169.254.1.1 dev eth0 onlink",
            "ip route del 10.240.188.123",
        ),
        "pod-d": Case(
            "ip link add calid6b219bf875 address ee:ee:ee:ee:ee:ee type veth peer name eth0 netns pod-d\n"
            "ip link set calid6b219bf875 netns node2\nip netns exec node2 ip link set calid6b219bf875 up\n"
            + in_pod(
                "pod-d",
                "ip addr add 10.240.77.131/32 dev eth0",
                "ip link set eth0 up",
                "ip route add default via 169.254.1.1 dev eth0 onlink",
            )
            + "\nip netns exec node2 ip route add 10.240.77.131 dev calid6b219bf875",
            "ip netns exec node2 sysctl -w net.ipv4.conf.calid6b219bf875.proxy_arp=1",
            "ip netns exec node2 ip route replace 10.240.77.131 via 10.4.0.21",
        ),
        "other-end": Case(
            "ip netns exec node2 ip link add vxlan.calico address 66:2d:bf:44:a6:8b mtu 1450 type vxlan id 4096 "
            "local 10.4.0.22 dev eth0 dstport 4789 nolearning\n"
            "ip netns exec node2 ip addr add 10.240.77.128/32 dev vxlan.calico\n"
            "ip netns exec node2 ip link set vxlan.calico up\n"
            "ip netns exec node2 ip route add 10.240.188.64/26 via 10.240.188.64 dev vxlan.calico onlink",
            "ip netns exec node2 ip neigh add 10.240.188.64 lladdr 66:4f:26:ae:af:db dev vxlan.calico\n"
            "ip netns exec node2 bridge fdb append 66:4f:26:ae:af:db dev vxlan.calico dst 10.4.0.21",
            "ip netns exec node2 ip link set vxlan.calico down",
        ),
        "pod-route": Case(
            "ip route add 10.240.188.122/32 via 10.4.0.22",
            "ip route replace 10.240.188.122 dev cali50c25257626",
            "ip netns exec pod-a ip addr del 10.240.188.122/32 dev eth0",
        ),
        "tunnel-entries": Case(
            "ip netns exec pod-b ip route add 10.240.77.128/26 via 169.254.1.1 dev eth0",
            "ip netns exec pod-b ip route add 10.240.188.64/26 via 169.254.1.1 dev eth0",
            "ip netns exec pod-b ip route flush all",
        ),
        "problem": Case(
            "ip netns exec pod-a ip route replace default via 10.4.0.21 dev eth0 onlink",
            "ip route add 169.254.1.1 dev eth0\nip netns exec pod-a ip route replace default via 169.254.1.1 dev eth0",
            "ip link set cali50c25257626 down",
        ),
    },
    "5_flannel_or_calico": {
        "proxy-arp": Case(
            "ip netns exec pod-a ip neigh flush all",
            "ip route add 169.254.0.0/16 dev eth0",
            "sysctl -w net.ipv4.conf.cali50c25257626.proxy_arp=0\nip netns exec pod-a ip neigh flush all",
            scenario="calico",
            fault="ip route del default\nip netns exec pod-a ip neigh flush all",
        ),
        "entries": Case(
            "ip netns exec node2 bridge fdb append 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.29",
            "ip netns exec node2 bridge fdb del 8e:2a:10:00:00:01 dev flannel.1\n"
            "ip netns exec node2 bridge fdb append 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.21",
            "bridge fdb del 8e:2a:10:00:00:02 dev flannel.1",
            scenario="flannel",
            fault="ip netns exec node2 bridge fdb del 8e:2a:10:00:00:01 dev flannel.1 dst 10.4.0.21 self",
        ),
        "without-tunnel": Case(
            "ip route replace 10.244.1.0/24 via 10.4.0.22",
            "ip netns exec node2 ip route add 10.244.0.4 via 10.4.0.21",
            "ip route replace 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
            scenario="flannel",
        ),
    },
    "7_your_own_node": {
        "right-cable": Case(
            "ip link set veth5d1a0e2c up",
            "ip link set veth5d1a0e2c down\nifconfig veth19689916 up",
            "ip link set veth19689916 nomaster",
            scenario="flannel",
            fault="ip netns add old\nip link add veth5d1a0e2c type veth peer name eth0 netns old\n"
            "ip link set veth5d1a0e2c master cni0\nip link set veth19689916 down",
        ),
    },
    "8_open_vswitch": {
        "beside": Case(
            "ip netns add ns3\nip link add tap3 type veth peer name eth0 netns ns3\nip link set tap3 up\n"
            "ip netns exec ns3 ip addr add 10.0.0.3/24 dev eth0\nip netns exec ns3 ip link set eth0 up",
            "ovs-vsctl --may-exist add-port br-int tap3 -- set port tap3 external_ids:owner=me",
            "ip netns exec ns1 ip addr add 10.0.0.3/24 dev eth0",
        ),
        "joined": Case(
            "ip link add int-br0 type veth peer name phy-br0\nip link set int-br0 up\nip link set phy-br0 master br0",
            "ovs-vsctl add-port br-int int-br0\nifconfig phy-br0 up",
            "ovs-vsctl del-port int-br0",
        ),
        "tagged": Case(
            settled("ovs-vsctl set port tap3 tag=11"),
            settled("ovs-vsctl del-port tap3 -- add-port br-int tap3 tag=10"),
            settled("ovs-vsctl clear port tap1 tag -- clear port tap3 tag"),
        ),
        "exception": Case(
            settled("ovs-ofctl add-flow br-int priority=70,icmp,in_port=tap1,nw_dst=10.0.0.2,actions=NORMAL"),
            settled("ovs-ofctl add-flow br-int priority=300,icmp,nw_dst=10.0.0.2,actions=NORMAL"),
            settled("ovs-ofctl del-flows br-int icmp"),
        ),
        "problem": Case(
            settled("ovs-ofctl add-flow br-int priority=50,icmp,actions=NORMAL"),
            settled("ovs-ofctl add-flow br-int priority=200,icmp,in_port=tap1,actions=NORMAL"),
            "ovs-vsctl del-port tap1",
        ),
    },
}  # by lesson and exercise


def is_done(lab: Lab, claims: tuple[str, ...]) -> bool:
    """Whether every claim holds."""
    return all(lab.check(claim) for claim in claims)


def course(lesson: str, exercise: str) -> list[bool]:
    """Whether an exercise is done: at its beginning, half done, done otherwise, and spoilt."""
    case = CASES[lesson][exercise]
    claims = questions.read(lesson).tasks[exercise].claims
    found = []
    with Lab() as lab:
        if case.scenario:
            lab.play(case.scenario)
            lab.run(case.fault)
        else:
            script.bring(lab, script.read(lesson).starts[exercise])
        found.append(is_done(lab, claims))
        for lines in (case.half, case.otherwise, case.spoil):
            lab.run(lines, expect=None)
            found.append(is_done(lab, claims))
    return found
