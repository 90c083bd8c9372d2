"""A dozen networks as public tutorials and courses lay them, each in lines of our own, with what is to be seen there.

`lines`: bash for a fresh lab. `walks`: who pings whom, and the cause when no answer comes. `claims`: sentences that
hold. `needs`: what this kernel may lack: those networks are played by `make test-kinds`, in a kernel that has it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tutorial:
    """A network, and what is to be seen there."""

    lines: str
    walks: tuple[tuple[str, str, str | None], ...] = ()
    claims: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


BRIDGE_WITH_NAT = Tutorial(
    """
set -e
ip netns add internet
ip link add name eth0 type veth peer name eth0 netns internet
ip addr add 203.0.113.2/24 dev eth0; ip link set eth0 up
ip -n internet addr add 203.0.113.1/24 dev eth0; ip -n internet link set eth0 up
ip link add name docker0 type bridge
ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
for n in 2 3; do
    ip netns add box$n
    ip link add name veth$n type veth peer name eth0 netns box$n
    ip link set veth$n master docker0; ip link set veth$n up
    ip -n box$n addr add 172.17.0.$n/16 dev eth0; ip -n box$n link set eth0 up
    ip -n box$n route add default via 172.17.0.1
done
sysctl -qw net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
""",
    walks=(("box2", "box3", None), ("box2", "203.0.113.1", None), ("internet", "172.17.0.2", "no-route")),
    claims=("box2 can reach box3", "box2 can reach internet"),
)

UNDERLAY = """
set -e
for n in 1 2; do ip netns add host$n; done
ip -n host1 link add name eth0 type veth peer name eth0 netns host2
for n in 1 2; do
    ip -n host$n addr add 192.168.50.$n/24 dev eth0
    ip -n host$n link set eth0 up
    {tunnel}
    ip -n host$n link set vx0 up
    {above}
done
"""
ROUTED = "ip -n host$n addr add 10.200.0.$n/24 dev vx0"
BRIDGED = """
    ip -n host$n link add name br0 type bridge
    ip -n host$n link set br0 up
    ip -n host$n link set vx0 master br0
    ip netns add pod$n
    ip -n host$n link add name veth0 type veth peer name eth0 netns pod$n
    ip -n host$n link set veth0 master br0; ip -n host$n link set veth0 up
    ip -n pod$n link set eth0 up
    ip -n pod$n addr add 10.200.0.$n/24 dev eth0"""
VXLAN_BY_REMOTE = Tutorial(
    UNDERLAY.format(
        tunnel="ip -n host$n link add name vx0 type vxlan id 42 dev eth0 remote 192.168.50.$((3 - n)) dstport 4789",
        above=ROUTED,
    ),
    walks=(("host1", "10.200.0.2", None),),
    claims=("host1 can reach 10.200.0.2",),
)
VXLAN_BY_FLOOD_ENTRY = Tutorial(
    UNDERLAY.format(
        tunnel="ip -n host$n link add name vx0 type vxlan id 42 dstport 4789\n"
        "    bridge -n host$n fdb append 00:00:00:00:00:00 dev vx0 dst 192.168.50.$((3 - n))",
        above=BRIDGED,
    ),
    walks=(("pod1", "pod2", None),),
    claims=("pod1 can reach pod2",),
)
VXLAN_BY_GROUP = Tutorial(
    UNDERLAY.format(
        tunnel="ip -n host$n link add name vx0 type vxlan id 42 dev eth0 group 239.1.1.1 dstport 4789", above=BRIDGED
    ),
    walks=(("pod1", "pod2", None),),
    claims=("pod1 can reach pod2",),
)

CNI_IN_BASH = Tutorial(
    """
set -e
ip link add name cni0 type bridge
ip addr add 10.22.0.1/24 dev cni0; ip link set cni0 up
for n in 2 3; do
    ip netns add cni-$n
    ln -sfT /run/netns/cni-$n /run/netns/container$n
    ip link add name host$n type veth peer name tmp$n
    ip link set tmp$n netns container$n
    ip -n container$n link set tmp$n name eth0
    ip -n container$n addr add 10.22.0.$n/24 dev eth0
    ip -n container$n link set eth0 up
    ip -n container$n route add default via 10.22.0.1
    ip link set host$n up; ip link set host$n master cni0
done
""",
    walks=(("container2", "cni-3", None), ("cni-2", "10.22.0.1", None)),
    claims=("container2 can reach container3", "cni-2 can reach 10.22.0.3"),
)

ROUTERS_IN_A_ROW = Tutorial(
    """
set -e
for r in 1 2 3 4; do ip netns add r$r; ip netns exec r$r sysctl -qw net.ipv4.ip_forward=1; done
for r in 1 2 3; do
    ip -n r$r link add name right type veth peer name left netns r$((r + 1))
    ip -n r$r addr add 10.0.$r.1/24 dev right; ip -n r$r link set right up
    ip -n r$((r + 1)) addr add 10.0.$r.2/24 dev left; ip -n r$((r + 1)) link set left up
done
ip -n r1 route add 10.0.0.0/16 via 10.0.1.2
ip -n r2 route add 10.0.3.0/24 via 10.0.2.2
ip -n r3 route add 10.0.1.0/24 via 10.0.2.1
ip -n r4 route add 10.0.0.0/16 via 10.0.3.1
""",
    walks=(("r1", "10.0.3.2", None), ("r1", "10.0.9.9", "no-route")),
    claims=("r1 can reach r4 through 2 routers",),
)

LAN = """
set -e
ip netns add lan
ip link add name eth0 type veth peer name eth0 netns lan
ip link set eth0 up; ip -n lan link set eth0 up
ip -n lan addr add 10.0.0.254/24 dev eth0; ip addr add 10.0.0.100/24 dev eth0
for n in 1 2; do
    ip netns add pod$n
    ip link add link eth0 name {name} netns pod$n type {kind}
    ip -n pod$n link set {name} up
    ip -n pod$n addr add 10.0.0.$n/24 dev {name}
done
"""
MACVLAN = Tutorial(
    LAN.format(name="mac0", kind="macvlan mode bridge"),
    walks=(("pod1", "10.0.0.2", None), ("pod1", "lan", None), ("pod1", "10.0.0.100", "macvlan")),
    claims=("pod1 can reach pod2", "pod1 mac0 is a child of eth0", "pod1 cannot reach 10.0.0.100"),
)
POLICY_ROUTING = Tutorial(
    """
set -e
for n in host r isp1 isp2; do ip netns add $n; done
ip -n host link add name eth0 type veth peer name lan netns r
for i in 1 2; do
    ip -n r link add name wan$i type veth peer name eth0 netns isp$i
    ip -n r addr add 10.$i.0.1/24 dev wan$i; ip -n r link set wan$i up
    ip -n isp$i addr add 10.$i.0.2/24 dev eth0; ip -n isp$i link set eth0 up
    ip -n isp$i addr add 198.51.100.1/32 dev lo; ip -n isp$i link set lo up
    ip -n isp$i route add 192.168.0.0/16 via 10.$i.0.1
    ip -n r route add default via 10.$i.0.2 table 10$i
done
ip -n r addr add 192.168.1.254/24 dev lan; ip -n r link set lan up
ip -n host addr add 192.168.1.1/24 dev eth0; ip -n host addr add 192.168.1.2/24 dev eth0; ip -n host link set eth0 up
ip -n host route add default via 192.168.1.254
ip netns exec r sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
ip -n r rule add from 192.168.1.1 lookup 101
ip -n r rule add from 192.168.1.2 lookup 102
""",
    walks=(("host", "198.51.100.1", None),),
    claims=("host can reach 198.51.100.1 through 1 router",),
)
SWITCHING_LOOP = Tutorial(
    """
set -e
for b in 1 2; do ip link add name br$b type bridge; ip link set br$b up; done
for n in 1 2; do
    ip link add name p$n type veth peer name q$n
    ip link set p$n master br1; ip link set q$n master br2
    ip link set p$n up
    ip netns add h$n
    ip link add name v$n type veth peer name eth0 netns h$n
    ip link set v$n master br$n; ip link set v$n up
    ip -n h$n link set eth0 up
    ip -n h$n addr add 10.0.0.$n/24 dev eth0
done
ip link set q1 up
""",
    walks=(("h1", "h2", None),),
    claims=("h1 can reach h2",),
)

VLAN_TRUNK = Tutorial(
    """
set -e
for s in 1 2; do
    ip netns add sw$s
    ip -n sw$s link add name br0 type bridge vlan_filtering 1
    ip -n sw$s link set br0 up
done
ip -n sw1 link add name trunk type veth peer name trunk netns sw2
for s in 1 2; do
    ip -n sw$s link set trunk master br0; ip -n sw$s link set trunk up
    for vlan in 10 20; do
        bridge -n sw$s vlan add dev trunk vid $vlan
        ip netns add h$s-$vlan
        ip -n sw$s link add name p$vlan type veth peer name eth0 netns h$s-$vlan
        ip -n sw$s link set p$vlan master br0; ip -n sw$s link set p$vlan up
        bridge -n sw$s vlan del dev p$vlan vid 1
        bridge -n sw$s vlan add dev p$vlan vid $vlan pvid untagged
        ip -n h$s-$vlan link set eth0 up
        ip -n h$s-$vlan addr add 10.0.0.$s/24 dev eth0
    done
done
""",
    walks=(("h1-10", "10.0.0.2", None),),
    claims=("h1-10 can reach 10.0.0.2",),
    needs=("vlan_filtering",),
)
VLAN_DEVICES = Tutorial(
    """
set -e
for h in 1 2; do ip netns add h$h; done
ip -n h1 link add name eth0 type veth peer name eth0 netns h2
for h in 1 2; do
    ip -n h$h link set eth0 up
    for vlan in 10 20; do
        ip -n h$h link add link eth0 name eth0.$vlan type vlan id $vlan
        ip -n h$h addr add 10.0.$vlan.$h/24 dev eth0.$vlan
        ip -n h$h link set eth0.$vlan up
    done
done
""",
    walks=(("h1", "10.0.10.2", None),),
    claims=("h1 can reach 10.0.20.2", "h1 eth0.10 is a VLAN of eth0", "h2 eth0.20 is a child of eth0"),
    needs=("vlan",),
)
IPVLAN_L2 = Tutorial(
    LAN.format(name="ip0", kind="ipvlan mode l2"),
    walks=(("pod1", "10.0.0.2", None), ("pod1", "lan", None)),
    claims=("pod1 can reach pod2", "pod1 ip0 is a child of eth0"),
    needs=("ipvlan",),
)
IPVLAN_L3 = Tutorial(
    LAN.format(name="ip0", kind="ipvlan mode l3"),
    walks=(("pod1", "10.0.0.2", None),),
    claims=("pod1 can reach pod2",),
    needs=("ipvlan",),
)
SITES = """
set -e
for n in 1 2; do ip netns add gw$n; ip netns add site$n; done
ip -n gw1 link add name wan type veth peer name wan netns gw2
for n in 1 2; do
    there=$((3 - n))
    ip -n gw$n addr add 192.0.2.$n/24 dev wan; ip -n gw$n link set wan up
    ip -n gw$n link add name lan type veth peer name eth0 netns site$n
    ip -n gw$n addr add 10.$n.0.254/24 dev lan; ip -n gw$n link set lan up
    ip -n site$n addr add 10.$n.0.1/24 dev eth0; ip -n site$n link set eth0 up
    ip -n site$n route add default via 10.$n.0.254
    ip netns exec gw$n sysctl -qw net.ipv4.ip_forward=1
    ip -n gw$n link add name tun1 type {kind} local 192.0.2.$n remote 192.0.2.$there {more}
    ip -n gw$n link set tun1 up
    ip -n gw$n route add 10.$there.0.0/24 dev tun1
done
"""
IPIP = Tutorial(
    SITES.format(kind="ipip", more=""),
    walks=(("site1", "10.2.0.1", None),),
    claims=("site1 can reach site2",),
    needs=("ipip",),
)
GRE = Tutorial(
    SITES.format(kind="gre", more="key 7 ttl 64"),
    walks=(("site1", "10.2.0.1", None),),
    claims=("site1 can reach site2",),
    needs=("gre",),
)
VRF = Tutorial(
    """
set -e
for c in red blue; do
    table=10; if [ $c = blue ]; then table=20; fi
    ip link add name $c type vrf table $table
    ip link set $c up
    for h in 1 2; do
        ip netns add $c$h
        ip link add name $c-$h type veth peer name eth0 netns $c$h
        ip link set $c-$h master $c; ip link set $c-$h up
        ip addr add 10.0.$h.254/24 dev $c-$h
        ip -n $c$h link set eth0 up
        ip -n $c$h addr add 10.0.$h.1/24 dev eth0
        ip -n $c$h route add default via 10.0.$h.254
    done
done
sysctl -qw net.ipv4.ip_forward=1
""",
    walks=(("red1", "10.0.2.1", None),),
    claims=("red1 can reach 10.0.2.1",),
    needs=("vrf",),
)
BOND = Tutorial(
    """
set -e
ip netns add host; ip netns add sw
ip -n sw link add name br0 type bridge; ip -n sw link set br0 up; ip -n sw addr add 10.0.0.254/24 dev br0
ip -n host link add name bond0 type bond mode active-backup miimon 100
for i in 0 1; do
    ip -n host link add name eth$i type veth peer name port$i netns sw
    ip -n sw link set port$i master br0; ip -n sw link set port$i up
    ip -n host link set eth$i master bond0; ip -n host link set eth$i up
done
ip -n host link set bond0 up
ip -n host addr add 10.0.0.1/24 dev bond0
""",
    walks=(("host", "10.0.0.254", None),),
    claims=("host can reach 10.0.0.254", "host eth0 is a port of bond0"),
    needs=("bond",),
)

TUTORIALS = {
    "bridge with NAT": BRIDGE_WITH_NAT,
    "VXLAN by remote": VXLAN_BY_REMOTE,
    "VXLAN by flood entry": VXLAN_BY_FLOOD_ENTRY,
    "VXLAN by group": VXLAN_BY_GROUP,
    "CNI in bash": CNI_IN_BASH,
    "routers in a row": ROUTERS_IN_A_ROW,
    "macvlan": MACVLAN,
    "policy routing": POLICY_ROUTING,
    "switching loop": SWITCHING_LOOP,
    "VLAN trunk": VLAN_TRUNK,
    "VLAN devices": VLAN_DEVICES,
    "ipvlan l2": IPVLAN_L2,
    "ipvlan l3": IPVLAN_L3,
    "IPIP": IPIP,
    "GRE": GRE,
    "VRF": VRF,
    "bond": BOND,
}
