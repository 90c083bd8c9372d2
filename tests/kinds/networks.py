"""A small network for each kind of device, as the page of kinds shows it, and how its snapshot is kept.

Where `lines` is empty no kernel here has the kind, or not for everybody (a tap needs root): its snapshot was written
by hand, of what iproute2 prints of such devices.
"""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """A network for one kind of device, or for some that are alike: its title, a sentence or two, and the lines."""

    title: str
    text: str
    lines: str = ""


HOSTS = """
    ip netns add h$n
    ip link add name v$n type veth peer name eth0 netns h$n
    ip link set v$n up; ip -n h$n link set eth0 up
    ip -n h$n addr add 10.0.0.$n/24 dev eth0"""
NETWORKS = {
    "chain": Network(
        "Bridges, and cables between them",
        "A veth is one end of a cable (`netkit` and `vxcan` are, too). Bridges that cables join stand in a chain.",
        f"""
set -e
for b in br0 br1; do ip link add name $b type bridge; ip link set $b up; done
ip link add name up0 type veth peer name down0
ip link set up0 master br0; ip link set down0 master br1
ip link set up0 up; ip link set down0 up
for n in 1 2; do{HOSTS}
    ip link set v$n master br$((n - 1))
done
""",
    ),
    "vlan": Network(
        "VLANs: devices with a tag, bridges that look at it",
        "A VLAN device (802.1Q, 802.1ad) hangs on its parent, and a walk shows the tag that it puts on, before"
        " those that are there already: a device takes off the outermost, of its own protocol. At the ports of"
        " a bridge with `vlan_filtering` stands which VLANs go through. `eth0.10 is a VLAN of eth0` and"
        " `sw trunk lets VLAN 10 through` can be checked. A tag that no device takes off (`vlan-tag`) and a port that"
        " lets a VLAN not through (`vlan-port`) are [causes](causes.md).",
        """
set -e
ip netns add sw
ip -n sw link add name br0 type bridge vlan_filtering 1
ip -n sw link set br0 up
ip link add name eth0 type veth peer name trunk netns sw
ip link set eth0 up
ip -n sw link set trunk master br0; ip -n sw link set trunk up
for v in 10 20; do
    bridge -n sw vlan add dev trunk vid $v
    ip link add link eth0 name eth0.$v type vlan id $v
    ip addr add 10.0.$v.1/24 dev eth0.$v
    ip link set eth0.$v up
    ip netns add h$v
    ip -n sw link add name p$v type veth peer name eth0 netns h$v
    ip -n sw link set p$v master br0; ip -n sw link set p$v up
    bridge -n sw vlan del dev p$v vid 1
    bridge -n sw vlan add dev p$v vid $v pvid untagged
    ip -n h$v addr add 10.0.$v.2/24 dev eth0
    ip -n h$v link set eth0 up
done
""",
    ),
    "vxlan": Network(
        "VXLAN, in any shape",
        "A line joins two ends of one VNI and port when each leads to the other: by its `remote`, by its `group`, or"
        " by an FDB entry, which may be the one for all MACs. As the port of a bridge it carries the frames of others.",
        """
set -e
for n in 1 2; do ip netns add node$n; done
ip -n node1 link add name eth0 type veth peer name eth0 netns node2
for n in 1 2; do
    ip -n node$n addr add 192.168.0.$n/24 dev eth0
    ip -n node$n link set eth0 up
    ip -n node$n link add name br0 type bridge
    ip -n node$n link set br0 up
    ip -n node$n link add name vx0 type vxlan id 100 dstport 4789 dev eth0 remote 192.168.0.$((3 - n))
    ip -n node$n link set vx0 master br0
    ip -n node$n link set vx0 up
    ip netns add pod$n
    ip -n node$n link add name v0 type veth peer name eth0 netns pod$n
    ip -n node$n link set v0 master br0
    ip -n node$n link set v0 up
    ip -n pod$n link set eth0 up
    ip -n pod$n addr add 10.0.0.$n/24 dev eth0
done
""",
    ),
    "macvlan": Network(
        "macvlan and macvtap",
        "They hang on the card that they are made on, also from other namespaces. `pod-a mac0 is a child of eth0` can"
        " be checked. That they do not talk to their parent itself is a [cause](causes.md) of its own.",
        """
set -e
ip netns add lan
ip link add name eth0 type veth peer name port netns lan
ip link set eth0 up; ip -n lan link set port up
ip -n lan addr add 10.0.0.254/24 dev port
n=0
for p in a b; do
    n=$((n + 1))
    ip netns add pod-$p
    ip link add link eth0 name mac0 netns pod-$p type macvlan mode bridge
    ip -n pod-$p link set mac0 up
    ip -n pod-$p addr add 10.0.0.$n/24 dev mac0
done
ip link add link eth0 name tap0 type macvtap mode vepa
ip link set tap0 up
""",
    ),
    "ipvlan": Network(
        "ipvlan",
        "All on one parent have its MAC; who gets a packet is decided by its address, and so a walk tells it. That they"
        " do not talk to their parent, nor to each other where one of them is `private`, and that mode l3 answers no"
        " ARP, are told as causes.",
        """
set -e
ip netns add lan
ip link add name eth0 type veth peer name port netns lan
ip link set eth0 up; ip -n lan link set port up
n=0
for p in a b; do
    n=$((n + 1))
    ip netns add pod-$p
    ip link add link eth0 name ip0 netns pod-$p type ipvlan mode l3
    ip -n pod-$p link set ip0 up
    ip -n pod-$p addr add 10.0.0.$n/24 dev ip0
done
""",
    ),
    "tunnels": Network(
        "Tunnels: IPIP, SIT, GRE, IPv6 tunnels, Geneve",
        "A line joins two ends of one kind and key when each sends to the other. A walk shows the packet in its"
        " wrapping. A fallback device, which a module puts into every namespace (`tunl0`, `gre0` …), is left out until"
        " somebody uses it. When nothing comes through, the ends are compared as the kernel compares them: the outer"
        " addresses (`tunnel-ends`, `tunnel-local`), the key or VNI (`tunnel-key`), the UDP port (`tunnel-port`), what"
        " the mode carries (`tunnel-mode`), and the way to the other end.",
        """
set -e
for n in 1 2; do ip netns add r$n; done
ip -n r1 link add name eth0 type veth peer name eth0 netns r2
for n in 1 2; do
    there=$((3 - n))
    ip -n r$n addr add 192.0.2.$n/24 dev eth0
    ip -n r$n addr add fd00::$n/64 dev eth0 nodad
    ip -n r$n link set eth0 up
    ip -n r$n link add name ipip1 type ipip local 192.0.2.$n remote 192.0.2.$there
    ip -n r$n link add name sit1 type sit local 192.0.2.$n remote 192.0.2.$there
    ip -n r$n link add name gre1 type gre local 192.0.2.$n remote 192.0.2.$there key 7
    ip -n r$n link add name six1 type ip6tnl local fd00::$n remote fd00::$there
    ip -n r$n link add name gen1 type geneve id 5 remote 192.0.2.$there
    for dev in ipip1 sit1 gre1 six1 gen1; do ip -n r$n link set $dev up; done
done
""",
    ),
    "bond": Network(
        "Bonds, teams, dummies",
        "A bond or team has ports, as a bridge has; `changes` tells which of them a bond uses now. One without a port"
        " that has a signal sends nothing (`bond-port`).",
        """
set -e
ip netns add h; ip netns add sw
ip -n sw link add name br0 type bridge; ip -n sw link set br0 up
ip -n h link add name bond0 type bond mode active-backup miimon 100
for i in 0 1; do
    ip -n h link add name eth$i type veth peer name p$i netns sw
    ip -n sw link set p$i master br0; ip -n sw link set p$i up
    ip -n h link set eth$i master bond0; ip -n h link set eth$i up
done
ip -n h link set bond0 up
ip -n h addr add 10.0.0.1/24 dev bond0
ip link add name dummy7 type dummy; ip link set dummy7 up
ip link add name team7 type team
""",
    ),
    "vrf": Network(
        "VRF",
        "What comes in at a port of a VRF is routed by its table, so both may have the same addresses. A verdict asks"
        " that table, too, and says when the route is in another one.",
        """
set -e
for c in red blue; do
    table=10; if [ $c = blue ]; then table=20; fi
    ip link add name $c type vrf table $table
    ip link set $c up
    ip netns add pod-$c
    ip link add name to-$c type veth peer name eth0 netns pod-$c
    ip link set to-$c master $c; ip link set to-$c up
    ip addr add 10.0.0.254/24 dev to-$c
    ip -n pod-$c link set eth0 up
    ip -n pod-$c addr add 10.0.0.1/24 dev eth0
done
""",
    ),
    "tap": Network(
        "tun, tap and ifb",
        "A tap has no other end in the kernel but a process, which is named: `tap0 is held by qemu` can be checked."
        " When a lab is saved, a tap comes back without its process and with another number.",
    ),
    "others": Network(
        "netkit, WireGuard, virtual functions of a card (SR-IOV)",
        "netkit is drawn as a veth is; how many functions a card has stands on it. These are read from what iproute2"
        " prints of them, and no kernel of ours has them to be tried. A lab with WireGuard cannot be saved, because"
        " `ip` does not tell its keys; a walk ends where it encrypts a packet, and says so. What a card does with the"
        " frames of its virtual functions is not to be seen from outside, so a walk tells nothing of it.",
    ),
}


def packed(snapshot):
    """A snapshot as the text of its file: a line a fact, without what is not known, learned or link-local."""
    tables = snapshot.plain()
    del tables["neighbours"]
    parts = []
    for name, rows in tables.items():
        lines = []
        for row in rows:
            known = {key: value for key, value in row.items() if value not in (None, [])}
            if known.get("scope") != "link" or name != "addresses":
                lines.append("  " + json.dumps(known))
        if lines:
            parts.append(f' "{name}": [\n' + ",\n".join(lines) + "\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"
