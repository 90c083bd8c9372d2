"""Random networks of two hosts: what is between them, what their addresses are on, and what is broken."""

from dataclasses import dataclass

from hypothesis import strategies as st

# What a host's address is on, by a word for it: the lines that make the device `top` in host {n}; the other is {m}.
HERE = {
    "card": "",
    "macvlan": "ip -n h{n} link add link eth0 name top type macvlan mode bridge",
    "VXLAN with a remote": "ip -n h{n} link add name top type vxlan id 9 dstport 4789 dev eth0 remote 172.16.0.{m}",
    "VXLAN with an entry": "ip -n h{n} link add name top type vxlan id 9 dstport 4789 local 172.16.0.{n}\n"
    "bridge -n h{n} fdb append 00:00:00:00:00:00 dev top dst 172.16.0.{m}",
}
# A device that has the card as its port takes its address, and a bond only a card that is off.
PORTED = "ip -n h{n} addr flush dev eth0\nip -n h{n} link set eth0 down\nip -n h{n} link add name top type "
ELSEWHERE = {
    "VLAN": "ip -n h{n} link add link eth0 name top type vlan id 9",
    "VLAN in a VLAN": "ip -n h{n} link add link eth0 name outer type vlan id 8 protocol 802.1ad\n"
    "ip -n h{n} link set outer up\nip -n h{n} link add link outer name top type vlan id 9",
    "ipvlan": "ip -n h{n} link add link eth0 name top type ipvlan mode l2",
    "IPIP": "ip -n h{n} link add name top type ipip local 172.16.0.{n} remote 172.16.0.{m}",
    "GRE": "ip -n h{n} link add name top type gre local 172.16.0.{n} remote 172.16.0.{m} key 9",
    "GRE, Ethernet": "ip -n h{n} link add name top type gretap local 172.16.0.{n} remote 172.16.0.{m}",
    "Geneve": "ip -n h{n} link add name top type geneve id 9 remote 172.16.0.{m}",
    "bond": PORTED + "bond mode active-backup miimon 100\n"
    "ip -n h{n} link set eth0 master top\nip -n h{n} link set eth0 up",
}
# Devices that stand beside, and are drawn and saved as they are.
SPARE = ("dummy", "ifb", "team", "bond", "vrf table 77")


@dataclass(frozen=True)
class Topology:
    """The lines that lay it, whether h1 reaches the target in h2, and which address that is."""

    lines: tuple[str, ...]
    works: bool
    target: str = "10.0.0.2"


@st.composite
def topologies(draw, kinds, spare=()):
    """A random network; kinds: of HERE and ELSEWHERE; spare: kinds of devices of which some stand beside."""
    lines = ["ip netns add h1", "ip netns add h2"]
    breakable = [("h1", "eth0"), ("h2", "eth0")]
    bridges = draw(st.integers(0, 3))
    if bridges:
        breakable += chain(lines, bridges)
    else:
        lines.append("ip -n h1 link add name eth0 type veth peer name eth0 netns h2")
    kind = draw(st.sampled_from(sorted(kinds)))
    breakable += hosts(lines, kinds[kind])
    fault = draw(st.sampled_from([None, "address", *breakable]))
    if fault == "address":
        lines.append(f"ip -n h2 addr del 10.0.0.2/24 dev {'top' if kinds[kind] else 'eth0'}")
    elif fault:
        space, name = fault
        lines.append(f"ip -n {space} link set {name} down")
    for number, beside in enumerate(draw(st.lists(st.sampled_from(spare), max_size=2)) if spare else ()):
        lines.append(f"ip -n h1 link add name spare{number} type {beside}")
    return Topology(tuple(lines), fault is None)


@st.composite
def routed(draw):
    """Two hosts at a router, each at a port of a VRF: the same one, or two that know nothing of each other."""
    lines = ["ip netns add h1", "ip netns add r", "ip netns add h2"]
    vrfs = draw(st.sampled_from([("red", "red"), ("red", "blue")]))
    for vrf in sorted(set(vrfs)):
        table = {"red": 10, "blue": 20}[vrf]
        lines += [f"ip -n r link add name {vrf} type vrf table {table}", f"ip -n r link set {vrf} up"]
    breakable = [("r", "red"), ("h2", "eth0"), ("r", "to2")]
    for n, vrf in enumerate(vrfs, 1):
        lines.append(f"ip -n r link add name to{n} type veth peer name eth0 netns h{n}")
        lines += [f"ip -n r link set to{n} master {vrf}", f"ip -n r link set to{n} up", f"ip -n h{n} link set eth0 up"]
        lines += [f"ip -n r addr add 10.0.{n}.254/24 dev to{n}", f"ip -n h{n} addr add 10.0.{n}.1/24 dev eth0"]
        lines.append(f"ip -n h{n} route add default via 10.0.{n}.254")
    lines.append("ip netns exec r sysctl -qw net.ipv4.ip_forward=1")
    fault = draw(st.sampled_from([None, *breakable]))
    if fault:
        space, name = fault
        lines.append(f"ip -n {space} link set {name} down")
    return Topology(tuple(lines), fault is None and vrfs == ("red", "red"), "10.0.2.1")


def chain(lines, number):
    """Bridges in a row between the hosts, in a namespace of their own; returns what of them may be switched off."""
    lines.append("ip netns add sw")
    parts = []
    for n in range(1, number + 1):
        lines += [f"ip -n sw link add name br{n} type bridge", f"ip -n sw link set br{n} up"]
        parts.append(("sw", f"br{n}"))
    for n in range(1, number):
        lines.append(f"ip -n sw link add name up{n} type veth peer name down{n + 1}")
        lines += plugged(f"up{n}", f"br{n}") + plugged(f"down{n + 1}", f"br{n + 1}")
        parts += [("sw", f"up{n}"), ("sw", f"down{n + 1}")]
    for host, bridge in ((1, 1), (2, number)):
        lines.append(f"ip -n sw link add name p{host} type veth peer name eth0 netns h{host}")
        lines += plugged(f"p{host}", f"br{bridge}")
        parts.append(("sw", f"p{host}"))
    return parts


def plugged(port, bridge):
    """The lines that make a port of a device."""
    return [f"ip -n sw link set {port} master {bridge}", f"ip -n sw link set {port} up"]


def hosts(lines, made):
    """The addresses of both hosts, on the device that these lines make; returns what of it may be switched off."""
    for n, m in ((1, 2), (2, 1)):
        lines.append(f"ip -n h{n} link set eth0 up")
        if not made:
            lines.append(f"ip -n h{n} addr add 10.0.0.{n}/24 dev eth0")
            continue
        lines.append(f"ip -n h{n} addr add 172.16.0.{n}/24 dev eth0")
        lines += made.format(n=n, m=m).split("\n")
        lines += [f"ip -n h{n} addr add 10.0.0.{n}/24 dev top", f"ip -n h{n} link set top up"]
    return [("h1", "top"), ("h2", "top")] if made else []
