"""What goes round? Loops of bridges, of routers and of tunnels."""

from ..case import Case
from .networks import BRIDGE, TWO_ROUTERS
from .words import FILTERS, ITSELF, LOOP

CASES = [
    Case(
        id="two-cables-between-two-bridges",
        group="loops",
        title="everything is slow, then nothing answers",
        cause="two cables join br0 and br1, and STP is off: a loop, in which frames for everyone go round for ever",
        source="common (switching loop)",
        lines=BRIDGE
        + """
            ip link add br1 type bridge stp_state 0
            ip link set br1 up
            ip link add l1 type veth peer name l2
            ip link add l3 type veth peer name l4
            ip link set l1 master br0
            ip link set l3 master br0
            ip link set l2 master br1
            ip link set l4 master br1
            ip link set l1 up
            ip link set l2 up
            ip link set l3 up
            ip link set l4 up
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(LOOP, ("br0", "br1", "l1", "l3", "l2", "l4")),
        never=FILTERS,
        ok=None,
        alone=True,
        mend="ip link set l4 nomaster",
    ),
    Case(
        id="both-ends-in-one-bridge",
        group="loops",
        title="a cable from a bridge to itself",
        cause="both ends of one cable, l1 and l2, are ports of br0: a loop",
        source="common (switching loop)",
        lines=BRIDGE
        + """
            ip link add l1 type veth peer name l2
            ip link set l1 master br0
            ip link set l2 master br0
            ip link set l1 up
            ip link set l2 up
        """,
        src="ns1",
        dst="ns2",
        claim="ns1 can reach ns2",
        words=(LOOP, ("br0", "l1", "l2")),
        never=FILTERS,
        ok=None,
        alone=True,
        mend="ip link set l2 nomaster",
    ),
    Case(
        id="tunnel-to-itself",
        group="loops",
        title="flannel: a node sends what is for the other one to itself",
        cause="the FDB of flannel.1 on master says 10.4.0.21, which is master itself, so packets go round in a loop "
        "till their TTL is used up",
        source="common (two nodes with one address in the store)",
        play="flannel",
        lines="bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.21",
        src="pod-a",
        dst="10.244.1.2",
        claim="pod-a can reach 10.244.1.2",
        words=(("10.4.0.21",), (*LOOP, *ITSELF)),
        never=FILTERS,
        mend="bridge fdb replace 8e:2a:10:00:00:02 dev flannel.1 dst 10.4.0.22",
    ),
    Case(
        id="default-routes-to-each-other",
        group="loops",
        title="an address that nobody has goes to and fro",
        cause="r1 and r2 each have the other one as default gateway, so what nobody has goes round in a loop",
        source="common",
        lines=TWO_ROUTERS
        + """
            ip -n r2 route add default via 10.12.0.1
            ip -n r1 route add default via 10.12.0.2
        """,
        src="a",
        dst="172.20.0.9",
        claim="a can reach 172.20.0.9",
        words=(LOOP,),
        never=FILTERS,
        mend="ip -n b addr add 172.20.0.9/32 dev eth0",
        probe="ip -n r2 route replace 172.20.0.9 via 10.2.0.2; ip netns exec a ping -n -c 1 -W 1 172.20.0.9",
    ),
]
