"""Which networks do the cases begin with? Lines to type; all of them are in order."""

PAIR = """
ip netns add ns1
ip netns add ns2
ip link add veth1 netns ns1 type veth peer name veth2 netns ns2
ip -n ns1 addr add 10.0.0.1/24 dev veth1
ip -n ns2 addr add 10.0.0.2/24 dev veth2
ip -n ns1 link set veth1 up
ip -n ns2 link set veth2 up
"""
BRIDGE = """
ip netns add ns1
ip netns add ns2
ip link add br0 type bridge
ip link set br0 up
ip link add veth1 type veth peer name eth0 netns ns1
ip link add veth2 type veth peer name eth0 netns ns2
ip link set veth1 master br0
ip link set veth2 master br0
ip link set veth1 up
ip link set veth2 up
ip -n ns1 link set lo up
ip -n ns2 link set lo up
ip -n ns1 link set eth0 up
ip -n ns2 link set eth0 up
ip -n ns1 addr add 192.168.30.1/24 dev eth0
ip -n ns2 addr add 192.168.30.2/24 dev eth0
"""
THIRD = """
ip netns add ns3
ip link add veth3 type veth peer name eth0 netns ns3
ip link set veth3 master br0
ip link set veth3 up
ip -n ns3 link set eth0 up
"""
DUPLICATE = (
    BRIDGE
    + THIRD
    + """
ip -n ns1 addr add fd00::1/64 dev eth0 nodad
ip -n ns3 addr add fd00::2/64 dev eth0 nodad
for i in $(seq 20); do ip netns exec ns1 ping -n -c 1 -W 0.3 fd00::2 >/dev/null && break; sleep 0.2; done
ip -n ns2 addr add fd00::2/64 dev eth0
for i in $(seq 30); do ip -n ns2 addr show dev eth0 | grep -q dadfailed && break; sleep 0.3; done
ip -n ns3 addr del fd00::2/64 dev eth0
ip -n ns1 -6 neigh flush dev eth0
"""
)  # ns2's address is refused by the kernel, for ns3 had it
ROUTER = """
ip netns add a
ip netns add r
ip netns add b
ip link add eth0 netns a type veth peer name left netns r
ip link add eth0 netns b type veth peer name right netns r
ip -n a link set eth0 up
ip -n b link set eth0 up
ip -n r link set left up
ip -n r link set right up
ip -n a addr add 10.1.0.2/24 dev eth0
ip -n r addr add 10.1.0.1/24 dev left
ip -n r addr add 10.2.0.1/24 dev right
ip -n b addr add 10.2.0.2/24 dev eth0
ip -n a route add default via 10.1.0.1
ip -n b route add default via 10.2.0.1
ip netns exec r sysctl -qw net.ipv4.ip_forward=1
"""
PAIR6 = (
    PAIR
    + """
ip -n ns1 addr add fd00::1/64 dev veth1 nodad
ip -n ns2 addr add fd00::2/64 dev veth2 nodad
for i in $(seq 20); do ip netns exec ns1 ping -n -c 1 -W 0.3 fd00::2 >/dev/null && break; sleep 0.2; done
ip -n ns1 -6 neigh flush dev veth1
ip -n ns2 -6 neigh flush dev veth2
"""
)  # no device learns its carrier later than the fault
ROUTER6 = """
ip netns add a
ip netns add r
ip netns add b
ip link add eth0 netns a type veth peer name left netns r
ip link add eth0 netns b type veth peer name right netns r
ip netns exec r sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n a link set eth0 up
ip -n b link set eth0 up
ip -n r link set left up
ip -n r link set right up
ip -n a addr add fd01::2/64 dev eth0 nodad
ip -n r addr add fd01::1/64 dev left nodad
ip -n r addr add fd02::1/64 dev right nodad
ip -n b addr add fd02::2/64 dev eth0 nodad
ip -n a route add default via fd01::1
ip -n b route add default via fd02::1
sleep 2
"""
TWO_ROUTERS = """
ip netns add a
ip netns add r1
ip netns add r2
ip netns add b
ip link add eth0 netns a type veth peer name left netns r1
ip link add mid netns r1 type veth peer name mid netns r2
ip link add eth0 netns b type veth peer name right netns r2
ip -n a link set eth0 up
ip -n r1 link set left up
ip -n r1 link set mid up
ip -n r2 link set mid up
ip -n r2 link set right up
ip -n b link set eth0 up
ip -n a addr add 10.1.0.2/24 dev eth0
ip -n r1 addr add 10.1.0.1/24 dev left
ip -n r1 addr add 10.12.0.1/24 dev mid
ip -n r2 addr add 10.12.0.2/24 dev mid
ip -n r2 addr add 10.2.0.1/24 dev right
ip -n b addr add 10.2.0.2/24 dev eth0
ip -n a route add default via 10.1.0.1
ip -n b route add default via 10.2.0.1
ip -n r1 route add 10.2.0.0/24 via 10.12.0.2
ip netns exec r1 sysctl -qw net.ipv4.ip_forward=1
ip netns exec r2 sysctl -qw net.ipv4.ip_forward=1
"""
INTERNET = """
ip netns add ns1
ip netns add internet
ip link add veth1 type veth peer name eth0 netns ns1
ip link add eth0 type veth peer name eth0 netns internet
ip link set veth1 up
ip link set eth0 up
ip -n ns1 link set eth0 up
ip -n internet link set eth0 up
ip addr add 172.18.0.1/24 dev veth1
ip addr add 203.0.113.2/24 dev eth0
ip -n ns1 addr add 172.18.0.2/24 dev eth0
ip -n ns1 route add default via 172.18.0.1
ip -n internet addr add 203.0.113.1/24 dev eth0
sysctl -qw net.ipv4.ip_forward=1
"""
GATEWAY = (
    BRIDGE
    + """
ip netns add internet
ip link add out type veth peer name eth0 netns internet
ip link set out up
ip -n internet link set eth0 up
ip addr add 192.168.30.254/24 dev br0
ip addr add 203.0.113.2/24 dev out
ip -n internet addr add 203.0.113.1/24 dev eth0
ip -n ns1 route add default via 192.168.30.254
sysctl -qw net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s 192.168.30.0/24 -o out -j MASQUERADE
"""
)
POINT_TO_POINT = """
ip netns add pod
ip netns add other
ip link add cali1 type veth peer name eth0 netns pod
ip link add cali2 type veth peer name eth0 netns other
ip -n pod addr add 10.65.0.2/32 dev eth0
ip -n other addr add 10.65.0.3/32 dev eth0
ip -n pod link set eth0 up
ip -n other link set eth0 up
ip link set cali1 up
ip link set cali2 up
ip -n pod route add 169.254.1.1 dev eth0 scope link
ip -n pod route add default via 169.254.1.1 dev eth0
ip -n other route add 169.254.1.1 dev eth0 scope link
ip -n other route add default via 169.254.1.1 dev eth0
ip route add 10.65.0.2 dev cali1 scope link
ip route add 10.65.0.3 dev cali2 scope link
sysctl -qw net.ipv4.ip_forward=1
"""  # and still without proxy ARP
HOSTS = """
ip netns add h1
ip netns add h2
ip link add eth0 netns h1 type veth peer name eth0 netns h2
ip -n h1 addr add 172.31.0.106/24 dev eth0
ip -n h2 addr add 172.31.0.107/24 dev eth0
ip -n h1 link set eth0 up
ip -n h2 link set eth0 up
"""
VXLAN = """
ip -n h1 addr add 10.9.0.1/24 dev vx
ip -n h2 addr add 10.9.0.2/24 dev vx
ip -n h1 link set vx up
ip -n h2 link set vx up
"""  # after a device vx was made in both
OVERLAY = """
ip netns add n1
ip netns add n2
ip link add eth0 netns n1 type veth peer name eth0 netns n2
ip -n n1 addr add 172.20.0.1/24 dev eth0
ip -n n2 addr add 172.20.0.2/24 dev eth0
ip -n n1 link set eth0 up
ip -n n2 link set eth0 up
""" + "".join(
    f"""
ip netns add pod{i}
ip -n n{i} link add br0 type bridge
ip -n n{i} link set br0 up
ip -n n{i} link add vx0 type vxlan id 7 local 172.20.0.{i} dstport 4789 dev eth0
ip -n n{i} link set vx0 master br0 up
ip -n n{i} link add v0 type veth peer name eth0 netns pod{i}
ip -n n{i} link set v0 master br0 up
ip -n pod{i} addr add 10.50.0.{i}/24 dev eth0
ip -n pod{i} link set eth0 up
"""
    for i in (1, 2)
)  # and still without flood entries
FLOOD_ENTRIES = """
bridge -n n1 fdb append 00:00:00:00:00:00 dev vx0 dst 172.20.0.2
bridge -n n2 fdb append 00:00:00:00:00:00 dev vx0 dst 172.20.0.1
"""
TWO_WAYS = """
ip netns add a
ip netns add r1
ip netns add r2
ip netns add b
ip link add eth0 netns a type veth peer name left netns r1
ip link add eth1 netns a type veth peer name left netns r2
ip link add eth0 netns b type veth peer name right netns r1
ip link add eth1 netns b type veth peer name right netns r2
ip -n a link set eth0 up
ip -n a link set eth1 up
ip -n b link set eth0 up
ip -n b link set eth1 up
ip -n r1 link set left up
ip -n r1 link set right up
ip -n r2 link set left up
ip -n r2 link set right up
ip -n a addr add 10.1.0.2/24 dev eth0
ip -n a addr add 10.3.0.2/24 dev eth1
ip -n b addr add 10.2.0.2/24 dev eth0
ip -n b addr add 10.4.0.2/24 dev eth1
ip -n r1 addr add 10.1.0.1/24 dev left
ip -n r1 addr add 10.2.0.1/24 dev right
ip -n r2 addr add 10.3.0.1/24 dev left
ip -n r2 addr add 10.4.0.1/24 dev right
ip netns exec r1 sysctl -qw net.ipv4.ip_forward=1
ip netns exec r2 sysctl -qw net.ipv4.ip_forward=1
ip -n a route add 10.2.0.0/24 via 10.1.0.1
ip -n b route add 10.1.0.0/24 via 10.4.0.1
ip -n r2 route add 10.1.0.0/24 via 10.3.0.2
ip netns exec a sysctl -qw net.ipv4.conf.{all,eth0,eth1}.rp_filter=0
ip netns exec b sysctl -qw net.ipv4.conf.{all,eth0,eth1}.rp_filter=0
ip netns exec r2 sysctl -qw net.ipv4.conf.{all,left,right}.rp_filter=0
"""  # there by r1, back by r2
CHAIN = """
ip link add name br1 type bridge
ip link add name br2 type bridge
ip link set br1 up
ip link set br2 up
ip link add near type veth peer name far
ip link set near master br1
ip link set far master br2
ip link set near up
ip link set far up
""" + "".join(
    f"""
ip netns add h{i}
ip link add name v{i} type veth peer name eth0 netns h{i}
ip link set v{i} master br{i}
ip link set v{i} up
ip -n h{i} link set eth0 up
ip -n h{i} addr add 10.0.0.{i}/24 dev eth0
"""
    for i in (1, 2)
)  # h1 on br1, h2 on br2, and a cable between the bridges
MACVLANS = """
ip netns add c1
ip netns add c2
ip link add eth0 type veth peer name wire
ip link set eth0 up
ip link set wire up
ip link add m1 link eth0 netns c1 type macvlan mode {mode}
ip link add m2 link eth0 netns c2 type macvlan mode {mode}
ip -n c1 addr add 192.168.1.101/24 dev m1
ip -n c2 addr add 192.168.1.102/24 dev m2
ip -n c1 link set m1 up
ip -n c2 link set m2 up
"""
SERVICE = """
ip addr add 192.168.30.254/24 dev br0
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=0
ip -n ns1 route add default via 192.168.30.254
ip -n ns2 route add default via 192.168.30.254
iptables -t nat -A PREROUTING -d 10.96.0.10 -j DNAT --to-destination {pod}
"""  # on BRIDGE: a service's address that leads to a pod
SERVER = """
ip -n ns2 link set lo up
ip netns exec ns2 python3 -m http.server 8080 --bind {address} >/dev/null 2>&1 &
for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec ns2 ss -tln | grep -q 8080 && break; sleep 0.5; done
"""
UDP_SERVER = """
ip -n ns2 link set lo up
ip netns exec ns2 python3 -c "import socket; s = socket.socket(2, 2); s.bind(('', 5353)); \
[s.sendto(*s.recvfrom(99)) for _ in iter(int, 1)]" >/dev/null 2>&1 &
for i in 1 2 3 4 5 6 7 8 9 10; do ip netns exec ns2 ss -uln | grep -q 5353 && break; sleep 0.5; done
"""


def answered_by(who: str, src: str, dst: str) -> str:
    """A line that ends with 0 when a ping is answered, and this namespace is the one that got it."""
    count = f"ip netns exec {who} nstat -asz IcmpInEchos | awk '/IcmpInEchos/{{print $2}}'"
    return f"n=$({count}); ip netns exec {src} ping -n -c 1 -W 1 {dst} && test $({count}) -gt $n"


def arp_answered(src: str, dev: str, address: str) -> str:
    """A line that ends with 0 when somebody answers ARP for an address."""
    return f"ip netns exec {src} arping -q -f -w 1 -I {dev} {address}"


# Of ROUTER: the one thing that its router is for; and whether any rule of r rewrites an address.
A_REACHES_B = "ip netns exec a ping -n -c 1 -W 1 10.2.0.2"
NO_NAT = (
    "! (ip netns exec r nft list ruleset; ip netns exec r iptables-legacy-save; ip netns exec r ip6tables-legacy-save) "
    "2>/dev/null | grep -qiE 'masquerade|dnat|snat|redirect'"
)
