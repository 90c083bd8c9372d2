"""What goes wrong with chains of bridges, devices on others, tunnels of other shapes, and namespaces of two names?"""

from ..case import Case
from .networks import CHAIN, MACVLANS
from .words import DOWN, FILTERS

BY_REMOTE = (
    "".join(
        f"""
ip netns add n{i}
ip netns add pod{i}
"""
        for i in (1, 2)
    )
    + """
ip link add name eth0 netns n1 type veth peer name eth0 netns n2
"""
    + "".join(
        f"""
ip -n n{i} addr add 172.20.0.{i}/24 dev eth0
ip -n n{i} link set eth0 up
ip -n n{i} link add name br0 type bridge
ip -n n{i} link set br0 up
ip -n n{i} link add name v0 type veth peer name eth0 netns pod{i}
ip -n n{i} link set v0 master br0
ip -n n{i} link set v0 up
ip -n pod{i} addr add 10.50.0.{i}/24 dev eth0
ip -n pod{i} link set eth0 up
"""
        for i in (1, 2)
    )
)  # two nodes with a pod each, and no tunnel yet
TUNNEL = """
ip -n n{i} link add name vx0 type vxlan id 7 dev eth0 {shape} dstport 4789
ip -n n{i} link set vx0 master br0
ip -n n{i} link set vx0 up
"""
SHAPES = tuple(TUNNEL.format(i=i, shape=f"remote 172.20.0.{3 - i}") for i in (1, 2))
GROUPS = tuple(TUNNEL.format(i=i, shape="group 239.1.1.1") for i in (1, 2))

CASES = [
    Case(
        id="chain-of-bridges-cable-off",
        group="bridge",
        title="two bridges, and the cable between them is dead",
        cause="far, a port of br2, is switched off, so near has no signal and br1 sends nothing there",
        source="common (chained bridges)",
        lines=CHAIN + "ip link set far down",
        src="h1",
        dst="h2",
        claim="h1 can reach h2",
        words=(("far",), DOWN),
        never=FILTERS,
        mend="ip link set far up",
    ),
    Case(
        id="chain-of-three-bridges-cable-off",
        group="bridge",
        title="three bridges in a row, and the last cable is dead",
        cause="up2, a port of br2, is switched off, so far2 has no signal",
        source="common (chained bridges)",
        lines=CHAIN
        + """
            ip link add name br3 type bridge
            ip link set br3 up
            ip link add up2 type veth peer name far2
            ip link set up2 master br2
            ip link set far2 master br3
            ip link set far2 up
            ip link set v2 master br3
        """,
        src="h1",
        dst="h2",
        claim="h1 can reach h2",
        words=(("up2",), DOWN),
        never=FILTERS,
        mend="ip link set up2 up",
    ),
    Case(
        id="macvlan-parent-off",
        group="cable",
        title="the card that containers share is off",
        cause="eth0, which m1 is made on, is switched off",
        source="common (macvlan)",
        lines=MACVLANS.format(mode="bridge") + "ip link set eth0 down",
        src="c1",
        dst="192.168.1.102",
        claim="c1 can reach 192.168.1.102",
        words=(("eth0",), DOWN),
        never=FILTERS,
        mend="ip link set eth0 up",
    ),
    Case(
        id="macvlan-off",
        group="cable",
        title="the container's own macvlan device is off",
        cause="m2 in c2 is switched off",
        source="common (macvlan)",
        lines=MACVLANS.format(mode="bridge") + "ip -n c2 link set m2 down",
        src="c1",
        dst="192.168.1.102",
        claim="c1 can reach 192.168.1.102",
        words=(("m2",), DOWN),
        never=FILTERS,
        mend="ip -n c2 link set m2 up",
    ),
    Case(
        id="vxlan-by-remote",
        group="healthy",
        title="a VXLAN by hand, each end with its remote, as ports of bridges",
        cause="nothing is wrong",
        source="common (VXLAN by hand)",
        lines=BY_REMOTE + "".join(SHAPES),
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        ok=True,
        words=(),
    ),
    Case(
        id="vxlan-by-group",
        group="healthy",
        title="a VXLAN by hand, both ends in a multicast group",
        cause="nothing is wrong",
        source="common (VXLAN by hand)",
        lines=BY_REMOTE + "".join(GROUPS),
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        ok=True,
        words=(),
    ),
    Case(
        id="vxlan-by-remote-port",
        group="tunnels",
        title="a VXLAN by hand whose ends use different UDP ports",
        cause="vx0 in n1 sends to UDP port 4789, and vx0 in n2 listens on 8472",
        source="common (VXLAN by hand)",
        lines=BY_REMOTE + SHAPES[0] + SHAPES[1].replace("4789", "8472"),
        src="pod1",
        dst="pod2",
        claim="pod1 can reach pod2",
        words=(("vx0",), ("UDP port",), ("8472", "4789")),
        never=FILTERS,
        mend="""
            ip -n n2 link del vx0
        """
        + SHAPES[1],
    ),
    Case(
        id="namespace-with-two-names",
        group="healthy",
        title="a CNI script's link to a container's namespace",
        cause="nothing is wrong",
        source="common (CNI in bash)",
        lines=CHAIN + "ln -s h2 /run/netns/container2",
        src="h1",
        dst="container2",
        claim="h1 can reach container2",
        ok=True,
        words=(),
        probe="ip netns exec h1 ping -n -c 1 -W 1 10.0.0.2",
    ),
]
