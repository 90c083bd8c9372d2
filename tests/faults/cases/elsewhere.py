"""What goes wrong with devices that an ordinary kernel may lack: tunnels, VLANs, bonds, VRFs, ipvlan?

Each says what it needs, and is played by `make faults-elsewhere`, in a kernel that has it.
"""

from ..case import Case
from .networks import HOSTS, ROUTER
from .words import DOWN, DROPS, FILTERS, LEGACY, NO_WAY_BACK, NOBODY, UNPLUGGED, rule

ONE = "ip -n h1 link add tun1 type {kind} local 172.31.0.106 remote 172.31.0.107 {more}\n"
TWO = "ip -n h2 link add tun1 type {kind} local 172.31.0.107 remote 172.31.0.106 {more}\n"
UP = """
ip -n h1 addr add 10.9.0.1/24 dev tun1
ip -n h2 addr add 10.9.0.2/24 dev tun1
ip -n h1 link set tun1 up
ip -n h2 link set tun1 up
"""  # after a device tun1 was made in both


GRE_ACROSS = """
ip -n a link add tun1 type gre local 10.1.0.2 remote 10.2.0.2
ip -n b link add tun1 type gre local 10.2.0.2 remote 10.1.0.2
ip -n a addr add 10.9.0.1/24 dev tun1
ip -n b addr add 10.9.0.2/24 dev tun1
ip -n a link set tun1 up
ip -n b link set tun1 up
"""


def one(kind: str, more: str = "") -> str:
    """The line that makes the tunnel in h1."""
    return ONE.format(kind=kind, more=more)


def two(kind: str, more: str = "") -> str:
    """The line that makes the tunnel in h2."""
    return TWO.format(kind=kind, more=more)


def again(host: str, line: str) -> str:
    """The lines that make the tunnel in one host anew."""
    number = host[-1]
    return f"""
ip -n {host} link del tun1
{line}
ip -n {host} addr add 10.9.0.{number}/24 dev tun1
ip -n {host} link set tun1 up
"""


def tunnel(**fields) -> Case:
    """A case of two hosts with a tunnel between them."""
    usual = {
        "group": "tunnels",
        "source": "common (a tunnel by hand)",
        "src": "h1",
        "dst": "10.9.0.2",
        "claim": "h1 can reach 10.9.0.2",
        "never": FILTERS,
    }
    return Case(**{**usual, **fields})


HOSTS6 = (
    HOSTS
    + """
ip -n h1 addr add fd00::1/64 dev eth0 nodad
ip -n h2 addr add fd00::2/64 dev eth0 nodad
"""
)
SIX = "ip -n {host} link add tun1 type ip6tnl mode {mode} local fd00::{near} remote fd00::{far}\n"
GENEVE = "ip -n {host} link add tun1 type geneve id {vni} remote 172.31.0.{far} dstport {port}\n"


def geneve(host: str, vni: int = 5, port: int = 6081) -> str:
    """The line that makes a Geneve device."""
    return GENEVE.format(host=host, vni=vni, port=port, far=107 if host == "h1" else 106)


TUNNELS = [
    tunnel(
        id="ipip-healthy",
        group="healthy",
        title="an IPIP tunnel by hand",
        cause="nothing is wrong",
        lines=HOSTS + one("ipip") + two("ipip") + UP,
        ok=True,
        words=(),
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-remote-nobody-has",
        title="an IPIP tunnel to an address that nobody has",
        cause="the remote of tun1 in h1 is 172.31.0.99, which nobody has",
        lines=HOSTS + "ip -n h1 link add tun1 type ipip local 172.31.0.106 remote 172.31.0.99\n" + two("ipip") + UP,
        words=(("172.31.0.99",), NOBODY),
        mend=again("h1", one("ipip")),
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-remote-there",
        title="what one end of an IPIP tunnel sends the other does not take",
        cause="tun1 in h2 takes packets from its remote 172.31.0.99 only, and h1 sends from 172.31.0.106",
        lines=HOSTS + one("ipip") + "ip -n h2 link add tun1 type ipip local 172.31.0.107 remote 172.31.0.99\n" + UP,
        words=(("tun1",), ("172.31.0.99",), ("remote",)),
        mend=again("h2", two("ipip")),
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-local-is-not-here",
        title="a tunnel whose own address was changed",
        cause="tun1 in h1 sends from 172.31.0.99 (local), which h1 does not have",
        lines=HOSTS + "ip -n h1 link add tun1 type ipip local 172.31.0.99 remote 172.31.0.107\n" + two("ipip") + UP,
        words=(("172.31.0.99",), ("local", "does not have")),
        mend=again("h1", one("ipip")),
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-no-way-to-the-remote",
        title="an IPIP tunnel to a network that nobody routes to",
        cause="h1 has no route to 10.77.0.2, the remote of tun1",
        lines=HOSTS
        + """
        ip -n h2 addr add 10.77.0.2/32 dev eth0
        ip -n h1 link add tun1 type ipip local 172.31.0.106 remote 10.77.0.2
        ip -n h2 link add tun1 type ipip local 10.77.0.2 remote 172.31.0.106
        """
        + UP,
        words=(("10.77.0.2",), ("no route",), ("h1",)),
        mend="ip -n h1 route add 10.77.0.2 dev eth0",
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-not-there",
        title="a tunnel was made at one end only",
        cause="h2 has no IPIP device that takes what is wrapped for 172.31.0.107",
        lines=HOSTS
        + one("ipip")
        + """
        ip -n h1 addr add 10.9.0.1/24 dev tun1
        ip -n h1 link set tun1 up
        ip -n h2 addr add 10.9.0.2/32 dev eth0
        """,
        words=(("h2",), ("no IPIP", "no tunnel")),
        mend="""
        ip -n h2 addr del 10.9.0.2/32 dev eth0
        ip -n h2 link add tun1 type ipip local 172.31.0.107 remote 172.31.0.106
        ip -n h2 addr add 10.9.0.2/24 dev tun1
        ip -n h2 link set tun1 up
        """,
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-other-end-off",
        title="the other end of an IPIP tunnel is off",
        cause="tun1 in h2 is down",
        lines=HOSTS + one("ipip") + two("ipip") + UP + "ip -n h2 link set tun1 down\n",
        words=(("tun1",), ("h2",), DOWN),
        mend="ip -n h2 link set tun1 up",
        needs=("ipip",),
    ),
    tunnel(
        id="ipip-filtered",
        title="the other machine lets no wrapped packets in",
        cause="a rule of iptables INPUT in h2 drops protocol 4",
        lines=HOSTS + one("ipip") + two("ipip") + UP + "ip netns exec h2 iptables-legacy -A INPUT -p 4 -j DROP\n",
        words=(("INPUT",), DROPS, ("h2",)),
        never=(),
        netfilter=rule("INPUT", "-p ipencap", "-p 4", "-p ipip", family=LEGACY),
        mend="ip netns exec h2 iptables-legacy -D INPUT -p 4 -j DROP",
        needs=("ipip", "iptables"),
    ),
    tunnel(
        id="gre-key",
        title="a GRE tunnel with another key at each end",
        cause="tun1 in h1 has the key 7, and tun1 in h2 the key 8",
        lines=HOSTS + one("gre", "key 7") + two("gre", "key 8") + UP,
        words=(("key",), ("7",), ("8",)),
        mend=again("h2", two("gre", "key 7")),
        needs=("gre",),
    ),
    tunnel(
        id="gre-key-at-one-end",
        title="a GRE tunnel with a key at one end only",
        cause="tun1 in h1 has the key 7, and tun1 in h2 has no key",
        lines=HOSTS + one("gre", "key 7") + two("gre") + UP,
        words=(("key",), ("7",), ("h2",)),
        mend=again("h2", two("gre", "key 7")),
        needs=("gre",),
    ),
    tunnel(
        id="gre-path-mtu",
        title="large packets do not get through a GRE tunnel, and nobody says why",
        cause="the wrapped packet is larger than what right in r takes (its MTU is 1400), and r tells nobody",
        lines=ROUTER
        + GRE_ACROSS
        + """
        ip -n r link set right mtu 1400
        ip netns exec r iptables-legacy -A OUTPUT -p icmp -j DROP
        """,
        src="a",
        claim="",
        how={"size": 1400},
        words=(("MTU",), ("right",), ("1400",)),
        never=(),
        mend="ip -n r link set right mtu 1500",
        needs=("gre", "iptables"),
    ),
    tunnel(
        id="gre-filtered-on-the-way",
        title="a router on the way lets no GRE through",
        cause="a rule of iptables FORWARD in r drops GRE",
        lines=ROUTER + GRE_ACROSS + "ip netns exec r iptables-legacy -A FORWARD -p gre -j DROP\n",
        src="a",
        claim="a can reach 10.9.0.2",
        words=(("FORWARD",), DROPS, ("r",)),
        never=(),
        netfilter=rule("FORWARD", "-p gre", "-p 47", family=LEGACY),
        mend="ip netns exec r iptables-legacy -D FORWARD -p gre -j DROP",
        needs=("gre", "iptables"),
    ),
    tunnel(
        id="gre-ttl",
        title="a GRE tunnel works on one cable, and not across a router",
        cause="tun1 in a sends its outer packets with TTL 1, which r does not forward",
        lines=ROUTER
        + """
        ip -n a link add tun1 type gre local 10.1.0.2 remote 10.2.0.2 ttl 1
        ip -n b link add tun1 type gre local 10.2.0.2 remote 10.1.0.2
        ip -n a addr add 10.9.0.1/24 dev tun1
        ip -n b addr add 10.9.0.2/24 dev tun1
        ip -n a link set tun1 up
        ip -n b link set tun1 up
        """,
        src="a",
        claim="a can reach 10.9.0.2",
        words=(("TTL", "time to live"), ("tun1", "outer")),
        mend="ip -n a link set tun1 type gre local 10.1.0.2 remote 10.2.0.2 ttl 64",
        needs=("gre",),
    ),
    tunnel(
        id="gre-route-by-itself",
        title="a tunnel's own packets are to go through the tunnel",
        cause="h1's route to 172.31.0.107, the remote of tun1, is by tun1 itself",
        lines=HOSTS + one("gre") + two("gre") + UP + "ip -n h1 route add 172.31.0.107 dev tun1\n",
        words=(("172.31.0.107",), ("tun1",), ("itself",)),
        mend="ip -n h1 route del 172.31.0.107 dev tun1",
        needs=("gre",),
    ),
    tunnel(
        id="gretap-not-plugged",
        title="a GRE tunnel between two bridges is in one of them only",
        cause="tun1 in h2 has no master",
        lines=HOSTS
        + one("gretap")
        + two("gretap")
        + "".join(
            f"""
            ip -n h{i} link add br0 type bridge
            ip -n h{i} link set br0 up
            ip -n h{i} link set tun1 up
            ip -n h{i} addr add 10.9.0.{i}/24 dev br0
            """
            for i in (1, 2)
        )
        + "ip -n h1 link set tun1 master br0\n",
        words=(("tun1",), UNPLUGGED),
        mend="ip -n h2 link set tun1 master br0",
        needs=("gretap",),
    ),
    tunnel(
        id="sit-remote-there",
        title="an IPv6 tunnel over IPv4 whose ends do not fit",
        cause="tun1 in h2 takes packets from its remote 172.31.0.99 only, and h1 sends from 172.31.0.106",
        lines=HOSTS
        + one("sit")
        + """
        ip -n h2 link add tun1 type sit local 172.31.0.107 remote 172.31.0.99
        ip -n h1 addr add fd09::1/64 dev tun1 nodad
        ip -n h2 addr add fd09::2/64 dev tun1 nodad
        ip -n h1 link set tun1 up
        ip -n h2 link set tun1 up
        """,
        dst="fd09::2",
        claim="h1 can reach fd09::2",
        words=(("tun1",), ("172.31.0.99",), ("remote",)),
        mend="ip -n h2 link set tun1 type sit local 172.31.0.107 remote 172.31.0.106",
        needs=("sit",),
    ),
    tunnel(
        id="ip6tnl-mode",
        title="IPv4 in an IPv6 tunnel that carries IPv6 only",
        cause="tun1 in h1 is of mode ip6ip6, which carries no IPv4",
        lines=HOSTS6
        + SIX.format(host="h1", mode="ip6ip6", near=1, far=2)
        + SIX.format(host="h2", mode="ip6ip6", near=2, far=1)
        + UP,
        words=(("tun1",), ("mode", "ip6ip6"), ("IPv4",)),
        mend="""
        ip -n h1 link set tun1 type ip6tnl mode any local fd00::1 remote fd00::2
        ip -n h2 link set tun1 type ip6tnl mode any local fd00::2 remote fd00::1
        """,
        needs=("ip6tnl",),
    ),
    tunnel(
        id="ip6tnl-remote-there",
        title="an IPv6 tunnel whose ends do not fit",
        cause="tun1 in h2 takes packets from its remote fd00::99 only, and h1 sends from fd00::1",
        lines=HOSTS6
        + SIX.format(host="h1", mode="any", near=1, far=2)
        + SIX.format(host="h2", mode="any", near=2, far=99)
        + UP,
        words=(("tun1",), ("fd00::99",), ("remote",)),
        mend="ip -n h2 link set tun1 type ip6tnl mode any local fd00::2 remote fd00::1",
        needs=("ip6tnl",),
    ),
    tunnel(
        id="geneve-vni",
        title="a Geneve tunnel with another VNI at each end",
        cause="tun1 in h1 has VNI 5, and tun1 in h2 VNI 6",
        lines=HOSTS + geneve("h1") + geneve("h2", vni=6) + UP,
        words=(("VNI",), ("5",), ("6",)),
        mend=again("h2", geneve("h2")),
        needs=("geneve",),
    ),
    tunnel(
        id="geneve-port",
        title="a Geneve tunnel whose ends use different UDP ports",
        cause="tun1 in h1 sends to UDP port 6081, and tun1 in h2 listens on 6082",
        lines=HOSTS + geneve("h1") + geneve("h2", port=6082) + UP,
        words=(("UDP port",), ("6081",), ("6082",)),
        mend=again("h2", geneve("h2")),
        needs=("geneve",),
    ),
    tunnel(
        id="geneve-off",
        title="the other end of a Geneve tunnel is off",
        cause="tun1 in h2 is down",
        lines=HOSTS + geneve("h1") + geneve("h2") + UP + "ip -n h2 link set tun1 down\n",
        words=(("tun1",), ("h2",), DOWN),
        mend="ip -n h2 link set tun1 up",
        needs=("geneve",),
    ),
]

# --- VLANs --------------------------------------------------------------------------------------------------------

CARDS = """
ip netns add h1
ip netns add h2
ip link add eth0 netns h1 type veth peer name eth0 netns h2
ip -n h1 link set eth0 up
ip -n h2 link set eth0 up
"""
VLAN = """
ip -n h{host} link add link eth0 name eth0.{vlan} type vlan id {vlan}
ip -n h{host} addr add 10.0.10.{host}/24 dev eth0.{vlan}
ip -n h{host} link set eth0.{vlan} up
"""
SWITCH = """
ip netns add sw
ip -n sw link add br0 type bridge vlan_filtering 1
ip -n sw link set br0 up
""" + "".join(
    f"""
    ip netns add h{i}
    ip -n sw link add p{i} type veth peer name eth0 netns h{i}
    ip -n sw link set p{i} master br0
    ip -n sw link set p{i} up
    ip -n h{i} link set eth0 up
    """
    for i in (1, 2)
)
ACCESS = """
bridge -n sw vlan del dev p{port} vid 1
bridge -n sw vlan add dev p{port} vid {vlan} pvid untagged
ip -n h{port} addr add 10.0.10.{port}/24 dev eth0
"""


def vlan(**fields) -> Case:
    """A case of two hosts with VLANs between them."""
    usual = {
        "group": "bridge",
        "source": "common (VLANs by hand)",
        "src": "h1",
        "dst": "10.0.10.2",
        "claim": "h1 can reach 10.0.10.2",
        "never": FILTERS,
    }
    return Case(**{**usual, **fields})


VLANS = [
    vlan(
        id="vlan-other-id",
        group="cable",
        title="two VLAN devices with different numbers",
        cause="h1 sends with the tag of VLAN 10, and eth0 in h2 has no VLAN device with 10 but eth0.20",
        lines=CARDS + VLAN.format(host=1, vlan=10) + VLAN.format(host=2, vlan=20),
        words=(("VLAN",), ("10",), ("20",), ("h2",)),
        mend="ip -n h2 link del eth0.20" + VLAN.format(host=2, vlan=10),
        needs=("vlan",),
    ),
    vlan(
        id="vlan-at-one-end",
        group="cable",
        title="a VLAN device at one end of a cable only",
        cause="h1 sends with the tag of VLAN 10, and eth0 in h2 has no VLAN device with 10",
        lines=CARDS + VLAN.format(host=1, vlan=10) + "ip -n h2 addr add 10.0.10.2/24 dev eth0\n",
        words=(("VLAN",), ("10",), ("h2",)),
        mend="ip -n h2 addr del 10.0.10.2/24 dev eth0" + VLAN.format(host=2, vlan=10),
        needs=("vlan",),
    ),
    vlan(
        id="vlan-off",
        group="cable",
        title="the VLAN device of the other end is off",
        cause="eth0.10 in h2 is down",
        lines=CARDS + VLAN.format(host=1, vlan=10) + VLAN.format(host=2, vlan=10) + "ip -n h2 link set eth0.10 down\n",
        words=(("eth0.10",), ("h2",), DOWN),
        mend="ip -n h2 link set eth0.10 up",
        needs=("vlan",),
    ),
    vlan(
        id="vlan-parent-off",
        group="cable",
        title="the card below a VLAN device is off",
        cause="eth0 in h1, which eth0.10 is made on, is down",
        lines=CARDS + VLAN.format(host=1, vlan=10) + VLAN.format(host=2, vlan=10) + "ip -n h1 link set eth0 down\n",
        words=(("eth0",), ("h1",), DOWN),
        mend="""
        ip -n h1 link set eth0 up
        ip -n h1 link set eth0.10 up
        """,
        needs=("vlan",),
    ),
    vlan(
        id="vlan-access-ports",
        title="two hosts on one switch, in different VLANs",
        cause="p1 in sw is in VLAN 10, and p2 lets VLAN 20 through, not 10",
        lines=SWITCH + ACCESS.format(port=1, vlan=10) + ACCESS.format(port=2, vlan=20),
        words=(("VLAN 10",), ("p2",)),
        mend="""
        bridge -n sw vlan del dev p2 vid 20
        bridge -n sw vlan add dev p2 vid 10 pvid untagged
        """,
        needs=("vlan_filtering",),
    ),
    vlan(
        id="vlan-not-on-the-trunk",
        title="a trunk that lacks a VLAN",
        cause="p1 in sw does not let VLAN 10 in",
        lines=SWITCH + ACCESS.format(port=2, vlan=10) + VLAN.format(host=1, vlan=10),
        words=(("VLAN 10",), ("p1",)),
        mend="bridge -n sw vlan add dev p1 vid 10",
        needs=("vlan_filtering", "vlan"),
    ),
    vlan(
        id="vlan-no-pvid",
        title="a port that takes tagged frames only",
        cause="p1 in sw has no PVID, so it takes no frames without a VLAN tag",
        lines=SWITCH
        + ACCESS.format(port=1, vlan=10)
        + ACCESS.format(port=2, vlan=10)
        + "bridge -n sw vlan add dev p1 vid 10 untagged\n",
        words=(("PVID",), ("p1",)),
        mend="bridge -n sw vlan add dev p1 vid 10 pvid untagged",
        needs=("vlan_filtering",),
    ),
    vlan(
        id="vlan-tagged-at-an-access-port",
        title="a switch sends a tag that the host does not know",
        cause="p2 in sw sends VLAN 10 with its tag, and eth0 in h2 has no VLAN device",
        lines=SWITCH
        + ACCESS.format(port=1, vlan=10)
        + ACCESS.format(port=2, vlan=10)
        + "bridge -n sw vlan add dev p2 vid 10 pvid\n",
        words=(("VLAN", "tag"), ("10",), ("h2",)),
        mend="bridge -n sw vlan add dev p2 vid 10 pvid untagged",
        needs=("vlan_filtering",),
    ),
]

# --- bonds, VRFs, ipvlan ------------------------------------------------------------------------------------------

BOND = (
    """
ip netns add host
ip netns add sw
ip -n sw link add br0 type bridge
ip -n sw link set br0 up
ip -n sw addr add 10.0.0.254/24 dev br0
ip -n host link add bond0 type bond mode active-backup miimon 100
"""
    + "".join(
        f"""
    ip -n host link add eth{i} type veth peer name port{i} netns sw
    ip -n sw link set port{i} master br0
    ip -n sw link set port{i} up
    ip -n host link set eth{i} master bond0
    ip -n host link set eth{i} up
    """
        for i in (0, 1)
    )
    + """
ip -n host link set bond0 up
ip -n host addr add 10.0.0.1/24 dev bond0
"""
)
VRFS = (
    """
ip link add red type vrf table 10
ip link set red up
ip route add unreachable default metric 4278198272 table 10
sysctl -qw net.ipv4.ip_forward=1
"""
    + "".join(
        f"""
    ip netns add h{i}
    ip link add to{i} type veth peer name eth0 netns h{i}
    ip link set to{i} master red
    ip link set to{i} up
    ip addr add 10.{i}.0.254/24 dev to{i}
    ip -n h{i} link set eth0 up
    ip -n h{i} addr add 10.{i}.0.1/24 dev eth0
    ip -n h{i} route add default via 10.{i}.0.254
    """
        for i in (1, 2)
    )
    + "ip -n h2 addr add 10.22.0.1/32 dev eth0\n"
)
IPVLANS = """
ip netns add lan
ip netns add c1
ip netns add c2
ip link add eth0 type veth peer name port netns lan
ip link set eth0 up
ip -n lan link set port up
ip addr add 10.0.0.100/24 dev eth0
ip -n lan addr add 10.0.0.254/24 dev port
ip link add link eth0 name ip0 netns c1 type ipvlan mode {mode}
ip link add link eth0 name ip0 netns c2 type ipvlan mode {mode}
ip -n c1 addr add 10.0.0.1/24 dev ip0
ip -n c2 addr add 10.0.0.2/24 dev ip0
ip -n c1 link set ip0 up
ip -n c2 link set ip0 up
"""
OTHERS = [
    Case(
        id="bond-without-a-port",
        group="cable",
        title="both cables of a bond are dead",
        cause="bond0 in host has no port with a signal, because port0 and port1 in sw are down",
        source="common (a bond)",
        lines=BOND
        + """
        ip -n sw link set port0 down
        ip -n sw link set port1 down
        for i in $(seq 50); do ip -n host link show bond0 | grep -q NO-CARRIER && break; sleep 0.1; done
        """,
        src="host",
        dst="10.0.0.254",
        claim="host can reach 10.0.0.254",
        words=(("bond0",), ("port0", "port1", "eth0", "eth1"), (*DOWN, "no signal", "no port")),
        never=FILTERS,
        mend="""
        ip -n sw link set port0 up
        for i in $(seq 50); do ip -n host link show bond0 | grep -q NO-CARRIER || break; sleep 0.1; done
        """,
        needs=("bond",),
    ),
    Case(
        id="bond-empty",
        group="cable",
        title="a bond to which no card was given",
        cause="bond0 in host has no port",
        source="common (a bond)",
        lines=BOND
        + """
        ip -n host link set eth0 nomaster
        ip -n host link set eth1 nomaster
        """,
        src="host",
        dst="10.0.0.254",
        claim="host can reach 10.0.0.254",
        words=(("bond0",), ("no port",)),
        never=FILTERS,
        mend="""
        ip -n host link set eth0 down
        ip -n host link set eth0 master bond0
        ip -n host link set eth0 up
        for i in $(seq 50); do ip -n host link show bond0 | grep -q NO-CARRIER || break; sleep 0.1; done
        """,
        needs=("bond",),
    ),
    Case(
        id="bond-healthy-with-one-cable",
        group="healthy",
        title="a bond with one dead cable",
        cause="nothing is wrong: bond0 uses its other port",
        source="common (a bond)",
        lines=BOND
        + """
        ip -n sw link set port0 down
        for i in $(seq 50); do ip -n host -d link show bond0 | grep -q 'active_slave eth1' && break; sleep 0.1; done
        """,
        src="host",
        dst="10.0.0.254",
        claim="host can reach 10.0.0.254",
        ok=True,
        words=(),
        needs=("bond",),
    ),
    Case(
        id="vrf-route-in-main",
        group="routes",
        title="a VRF, and the route was written into the main table",
        cause="to1 on master is in the VRF red, whose table 10 has no route to 10.22.0.1",
        source="common (VRF by hand)",
        lines=VRFS + "ip route add 10.22.0.1 via 10.2.0.1 dev to2 onlink\n",
        src="h1",
        dst="10.22.0.1",
        claim="h1 can reach 10.22.0.1",
        words=(("red", "VRF"), ("table 10",), ("10.22.0.1",)),
        never=FILTERS,
        mend="ip route add 10.22.0.1 via 10.2.0.1 table 10",
        needs=("vrf",),
    ),
    Case(
        id="vrf-not-a-port",
        group="routes",
        title="one card was forgotten when a VRF was made",
        cause="to2 on master is not in the VRF red, whose table 10 has no route to 10.2.0.1",
        source="common (VRF by hand)",
        lines=VRFS + "ip link set to2 nomaster\n",
        src="h1",
        dst="10.2.0.1",
        claim="h1 can reach 10.2.0.1",
        words=(("red", "VRF"), ("table 10",), ("10.2.0.1",)),
        never=FILTERS,
        mend="ip link set to2 master red",
        needs=("vrf",),
    ),
    Case(
        id="vrf-healthy",
        group="healthy",
        title="two hosts in one VRF",
        cause="nothing is wrong",
        source="common (VRF by hand)",
        lines=VRFS,
        src="h1",
        dst="10.2.0.1",
        claim="h1 can reach 10.2.0.1",
        ok=True,
        words=(),
        needs=("vrf",),
    ),
    Case(
        id="ipvlan-to-its-host",
        group="cable",
        title="an ipvlan container does not reach its own host",
        cause="ip0 in c1 is an ipvlan on eth0 in master, and the two do not talk to each other",
        source="common (ipvlan)",
        lines=IPVLANS.format(mode="l2"),
        src="c1",
        dst="10.0.0.100",
        claim="c1 can reach 10.0.0.100",
        words=(("ip0",), ("ipvlan",), ("eth0",)),
        never=FILTERS,
        mend="""
        ip addr del 10.0.0.100/24 dev eth0
        ip link add link eth0 name ip9 type ipvlan mode l2
        ip addr add 10.0.0.100/24 dev ip9
        ip link set ip9 up
        """,
        needs=("ipvlan",),
    ),
    Case(
        id="ipvlan-private",
        group="cable",
        title="two ipvlan containers on one parent do not see each other",
        cause="ip0 in c1 and ip0 in c2 are ipvlan devices, and private: what one sends the other does not get",
        source="common (ipvlan)",
        lines=IPVLANS.format(mode="l2 private"),
        src="c1",
        dst="10.0.0.2",
        claim="c1 can reach 10.0.0.2",
        words=(("ipvlan",), ("private",)),
        never=FILTERS,
        mend="ip -n c1 link set ip0 type ipvlan mode l2 bridge",
        needs=("ipvlan",),
    ),
    Case(
        id="ipvlan-l3-asked-from-outside",
        group="arp",
        title="nobody outside finds an ipvlan container of mode l3",
        cause="ip0 in c1 is an ipvlan of mode l3, which does not answer ARP, so lan does not get the MAC of 10.0.0.1",
        source="common (ipvlan)",
        lines=IPVLANS.format(mode="l3"),
        src="lan",
        dst="10.0.0.1",
        claim="lan can reach 10.0.0.1",
        words=(("ip0", "10.0.0.1"), ("ipvlan",), ("l3",), ("ARP",)),
        never=FILTERS,
        mend="ip -n c1 link set ip0 type ipvlan mode l2",
        needs=("ipvlan",),
    ),
    Case(
        id="ipvlan-parent-off",
        group="cable",
        title="the card below ipvlan containers is off",
        cause="eth0 in master, which ip0 is made on, is down",
        source="common (ipvlan)",
        lines=IPVLANS.format(mode="l2") + "ip link set eth0 down\n",
        src="c1",
        dst="10.0.0.254",
        claim="c1 can reach 10.0.0.254",
        words=(("eth0",), DOWN),
        never=FILTERS,
        mend="ip link set eth0 up",
        needs=("ipvlan",),
    ),
    Case(
        id="ipvlan-in-bridge-no-way-back",
        group="routes",
        title="an ipvlan container in another network than its neighbours",
        cause="lan has no route back to 10.5.0.1",
        source="common (ipvlan l3)",
        lines=IPVLANS.format(mode="l3")
        + """
        ip -n c1 addr add 10.5.0.1/32 dev ip0
        ip -n c1 addr del 10.0.0.1/24 dev ip0
        ip -n c1 route add default dev ip0
        """,
        src="c1",
        dst="10.0.0.254",
        claim="c1 can reach 10.0.0.254",
        words=((*NO_WAY_BACK, "no route"), ("lan",)),
        never=FILTERS,
        mend="""
        ip -n lan route add 10.5.0.1 via 10.0.0.100
        ip -n lan neigh replace 10.0.0.100 lladdr $(cat /sys/class/net/eth0/address) dev port
        """,
        needs=("ipvlan",),
    ),
]
CASES = [*TUNNELS, *VLANS, *OTHERS]
