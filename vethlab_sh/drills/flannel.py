"""Faults between two nodes and at their pods: the scenarios `flannel` and `calico`.

They are written with the addresses of the scenarios; in the end all get those of the seed.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from ..inside import all_inside as all_at
from ..inside import inside as at
from ..scenarios.flannel import remote_lines, tunnel_lines
from ..scenarios.nodes import Node
from .calico import no_pod_route, proxy_arp_off
from .cluster import SPLIT, WHOLE, Cluster, _drill, _gateway
from .fault import Fault, Hint, Wrong, alias, ask, no_use

# --- flannel ------------------------------------------------------------------------------------------------------


def no_default_route(cluster: Cluster, rng: Random) -> Fault:
    """A pod without its default route: the pods are reached, the rest of the world is not."""
    pod, node, gateway = cluster.pod.name, cluster.node, _gateway(cluster.node)
    narrow = f"ip route {{}} {node.address.rpartition('.')[0]}.0/24 via {gateway}"
    return Fault(
        world=cluster.world,
        ticket=(
            f"The program in {pod} cannot load its updates: everything outside the pods' network is out of reach, even "
            f"{node.name} itself, {node.address}. The other pods answer it, on both nodes."
        ),
        plant=(at(pod, "ip route del default"),),
        symptom=(ask(pod, node.address),),
        claims=(f"{pod} routes 198.51.100.7 via {gateway}", f"{pod} routes 9.9.9.9 via {gateway}"),
        hints=(
            Hint(
                at(pod, f"ping -c 1 -W 1 {node.address}"), "Who says that it is unreachable? Nobody has been asked yet."
            ),
            Hint(at(pod, "ip route"), f"What about an address like {node.address}, that none of these lines holds?"),
            Hint(at(cluster.near.name, "ip route"), "The pod next to it has one line more."),
        ),
        repairs=(
            (at(pod, f"ip route add default via {gateway} dev eth0"),),
            all_at(pod, (f"ip route add 0.0.0.0/1 via {gateway}", f"ip route add 128.0.0.0/1 via {gateway}")),
        ),
        wrong=(
            Wrong(
                (at(pod, narrow.format("add")),), (at(pod, narrow.format("del")),), "no route that covers 198.51.100.7"
            ),
            alias(pod, node.address, node.name),
        ),
        explanation=(
            f"{pod} had no default route. The route 10.244.0.0/16 still led to all pods, so the fault showed only "
            "outside the cluster. `Network is unreachable` comes from the sender's own routing table: nothing was "
            "sent."
        ),
    )


def missing_fdb(cluster: Cluster, rng: Random) -> Fault:
    """The tunnel does not know at which node a MAC address is."""
    node, other = cluster.node, cluster.other
    entry = f"{other.mac} dev flannel.1 dst {{}} self"
    right, wrong = entry.format(other.address), entry.format(f"10.4.0.{rng.randrange(30, 250)}")
    return Fault(
        world=cluster.world,
        ticket=_between(cluster),
        plant=(at(node.name, f"bridge fdb del {right}"),),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(at(node.name, "ip neigh show dev flannel.1"), f"Which MAC address has the next hop {other.tunnel}?"),
            Hint(at(node.name, "bridge fdb show dev flannel.1"), "And at which node is that MAC address?"),
        ),
        repairs=(
            (at(node.name, f"bridge fdb replace {right} permanent"),),
            (at(node.name, f"bridge fdb append 00:00:00:00:00:00 dev flannel.1 dst {other.address} self permanent"),),
        ),
        wrong=(
            no_use(
                (at(node.name, f"bridge fdb add {wrong}"),),
                (at(node.name, f"bridge fdb del {wrong}"),),
                "nobody has that",
            ),
            cluster.around(),
        ),
        explanation=(
            f"{node.name}'s FDB had no entry for {other.mac}, so flannel.1 did not know which node to wrap the frame "
            "for, and dropped it. With `nolearning` the kernel never finds out by itself: flanneld writes a route, a "
            "neighbour and an FDB entry for each other node, and without one of the three nothing gets through."
        ),
    )


def _between(cluster: Cluster, since: str = "") -> str:
    """The ticket of whoever cannot get from node to node, and what happened before."""
    return (
        f"{since}{cluster.pod.name} ({cluster.pod.address}) and {cluster.far.name} ({cluster.far.address}) can "
        f"no longer reach each other. The same goes for all pods on {cluster.node.name} and {cluster.other.name}. "
        "Within each node all is well, and the nodes themselves reach each other."
    )


def _follow(cluster: Cluster) -> tuple[Hint, ...]:
    """The first look at a tunnel: which way does the node take?"""
    command = at(cluster.node.name, f"ip route get {cluster.far.address}")
    return (
        Hint(command, "Which device should it leave by, and to which next hop? Then see what is known about that hop."),
    )


def wrong_fdb(cluster: Cluster, rng: Random) -> Fault:
    """The tunnel sends to a node that is not there."""
    node, other = cluster.node, cluster.other
    nobody = f"10.4.0.{rng.randrange(30, 250)}"
    entry = f"{other.mac} dev flannel.1 dst {{}} self"
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, f"Since {other.name} was given a new address, and then its old one again, "),
        plant=(at(node.name, f"bridge fdb replace {entry.format(nobody)} permanent"),),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(at(node.name, "bridge fdb show dev flannel.1"), "To which machine are the wrapped frames sent?"),
            Hint(at(other.name, "ip -br addr"), "Is that an address of this machine?"),
        ),
        repairs=(
            (at(node.name, f"bridge fdb replace {entry.format(other.address)} permanent"),),
            all_at(
                node.name,
                (
                    f"bridge fdb del {entry.format(nobody)}",
                    f"bridge fdb add {entry.format(other.address)} permanent",
                ),
            ),
        ),
        wrong=(
            no_use(
                (at(node.name, f"ip neigh replace {nobody} lladdr {other.mac} dev eth0"),),
                (at(node.name, f"ip neigh del {nobody} dev eth0"),),
            ),
            cluster.around(),
        ),
        explanation=(
            f"{node.name}'s FDB put {other.mac} at {nobody}, where nobody is; {other.name} is at {other.address}. The "
            "entry was there and looked fine: a tunnel sends to the address it was told, and nothing comes back to say "
            "that it was wrong."
        ),
    )


def missing_neighbour(cluster: Cluster, rng: Random) -> Fault:
    """The MAC address of the next hop behind the tunnel is not known."""
    node, other = cluster.node, cluster.other
    entry = f"{other.tunnel} lladdr {other.mac} nud {{}} dev flannel.1"
    remove = at(node.name, f"ip neigh del {other.tunnel} dev flannel.1")
    return Fault(
        world=cluster.world,
        ticket=_between(cluster),
        plant=(remove,),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(
                at(node.name, "ip neigh show dev flannel.1"),
                "What should stand here for the next hop? In this tunnel nobody answers ARP questions.",
            ),
            Hint(at(other.name, "ip -br link show dev flannel.1"), "This is the MAC address of the other end."),
        ),
        repairs=(
            (at(node.name, f"ip neigh replace {entry.format('permanent')}"),),
            (at(node.name, f"ip neigh replace {entry.format('noarp')}"),),
        ),
        wrong=(
            no_use((at(node.name, f"ip neigh replace {entry.format('reachable')}"),), (remove,)),
            no_use(
                (at(node.name, f"ip neigh replace {entry.format('permanent').replace(other.mac, node.mac)}"),),
                (remove,),
                "no FDB entry",
            ),
        ),
        explanation=(
            f"{node.name} did not know the MAC address of {other.tunnel}, {other.name}'s flannel.1. It asks by ARP, "
            "but the tunnel has nowhere to send a question that is for everyone. That is why the entry is `permanent`: "
            "one that is merely `reachable` lasts only until the kernel forgets it."
        ),
    )


def no_node_route(cluster: Cluster, rng: Random) -> Fault:
    """No route to the other node's pods, because it was typed without onlink."""
    node, other = cluster.node, cluster.other
    plain = f"ip route add {other.network} via {other.tunnel} dev flannel.1"
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, "Since somebody tidied up the routes by hand and overlooked an error message, "),
        plant=(at(node.name, f"ip route del {other.network}"),),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(at(node.name, "ip route"), f"Which line is for {other.network}, the pods of {other.name}?"),
            Hint(at(other.name, "ip route"), "The other node has a line for the pods of this one. Read it to the end."),
        ),
        repairs=(
            (at(node.name, f"{plain} onlink"),),
            all_at(node.name, (f"ip route add {other.tunnel}/32 dev flannel.1", plain)),
        ),
        wrong=(
            no_use((at(node.name, plain),), ()),
            Wrong(
                (at(node.name, f"ip route add {other.network} via {other.address} dev eth0"),),
                (at(node.name, f"ip route del {other.network}"),),
                "no tunnel of",
            ),
        ),
        explanation=(
            f"{node.name} had no route to {other.network}, so what was for {other.name}'s pods left by the default "
            f"route. Without `onlink` the kernel refuses that route, because {other.tunnel} is in no network of "
            "this node; `onlink` vouches that the next hop is behind the device all the same."
        ),
    )


def forwarding_off(cluster: Cluster, rng: Random) -> Fault:
    """A node that hands on nothing for others."""
    node = cluster.node
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, f"Since {node.name} was restarted, "),
        plant=(at(node.name, "sysctl -w net.ipv4.ip_forward=0"),),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(
                at(node.name, "nstat -asz IpForwDatagrams IpInAddrErrors"),
                "Run it, ping, run it again. What is not handed on is not counted as forwarded.",
            ),
            Hint(at(node.name, "sysctl net.ipv4.ip_forward"), "May this machine hand on packets for others?"),
        ),
        repairs=(
            (at(node.name, "sysctl -w net.ipv4.ip_forward=1"),),
            (at(node.name, "sysctl -w net.ipv4.conf.all.forwarding=1"),),
        ),
        wrong=(
            no_use(
                (at(node.name, "sysctl -w net.ipv4.conf.cni0.forwarding=1"),),
                (at(node.name, "sysctl -w net.ipv4.conf.cni0.forwarding=0"),),
            ),
            cluster.alias(),
        ),
        explanation=(
            f"`ip_forward` was 0 on {node.name}, so it dropped every packet that was not for itself, without a word. "
            "Within a node nothing is routed, the bridge does it all, so only the way between the nodes was closed. "
            "After a restart, settings come back only if they are written down (/etc/sysctl.d)."
        ),
    )


def forward_drop(cluster: Cluster, rng: Random) -> Fault:
    """The policy DROP that Docker sets for the chain FORWARD."""
    node = cluster.node
    accept = "iptables {} FORWARD {} {} -j ACCEPT"
    pods = "10.244.0.0/16"
    return Fault(
        world=cluster.world,
        ticket=(
            f"Since Docker was installed on {node.name}, {cluster.pod.name} ({cluster.pod.address}) and "
            f"{cluster.far.name} ({cluster.far.address}) can no longer reach each other, nor can the other pods across "
            "the two nodes. The nodes themselves reach each other, and forwarding is on."
        ),
        plant=(at(node.name, "iptables -P FORWARD DROP"),),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(at(node.name, "sysctl net.ipv4.ip_forward"), "1: the kernel would hand it on. Who else has a say?"),
            Hint(at(node.name, "iptables -vnL FORWARD"), "Read the policy and its counter, ping, and read it again."),
        ),
        repairs=(
            (at(node.name, "iptables -P FORWARD ACCEPT"),),
            all_at(node.name, (accept.format("-A", "-s", pods), accept.format("-A", "-d", pods))),
        ),
        wrong=(
            no_use(
                (at(node.name, accept.format("-A", "-s", cluster.node.network)),),
                (at(node.name, accept.format("-D", "-s", cluster.node.network)),),
            ),
            cluster.alias(),
        ),
        explanation=(
            f"The policy of iptables' chain FORWARD on {node.name} was DROP: what no rule accepts is thrown away. "
            "Docker sets it, so that a machine that begins to forward does not become a router for everyone. flanneld "
            "adds rules that accept the pods' network in both directions; one direction is not enough, because the "
            "answers pass here too."
        ),
    )


def _made_anew(node: Node, other: Node, **changed: str) -> tuple[str, ...]:
    """flannel.1 deleted and laid again, with other options: port (`dstport`), vni (`id`)."""
    first, *rest = tunnel_lines(node)
    first = first.replace("dstport 8472", f"dstport {changed.get('port', '8472')}")
    first = first.replace("vxlan id 1 ", f"vxlan id {changed.get('vni', '1')} ")
    return all_at(node.name, ("ip link del flannel.1", first, *rest, *remote_lines(other)))


def vxlan_port(cluster: Cluster, rng: Random) -> Fault:
    """The two ends of the tunnel use different UDP ports."""
    node, other = cluster.node, cluster.other
    port = rng.choice(("4789", "8473", "8742"))
    half = at(node.name, f"bridge fdb replace {other.mac} dev flannel.1 dst {other.address} port 8472 self permanent")
    back = at(other.name, f"bridge fdb replace {node.mac} dev flannel.1 dst {node.address} port {port} self permanent")
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, f"Since {node.name} was reinstalled, "),
        plant=_made_anew(node, other, port=port),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(at(node.name, "ip -d link show dev flannel.1"), "Read id, local, dev and dstport. Keep them in mind."),
            Hint(at(other.name, "ip -d link show dev flannel.1"), "Now here. Which two have to be the same?"),
        ),
        repairs=(_made_anew(node, other), _made_anew(other, node, port=port), (half, back)),
        wrong=(
            no_use((half,), (half.replace(" port 8472", ""),)),
            cluster.around(),
        ),
        explanation=(
            f"{node.name}'s flannel.1 used UDP port {port}, {other.name}'s 8472. Each sends to its own port number, "
            "where the other end does not listen. 8472 is the Linux kernel's default, 4789 the port of the "
            "standard (RFC 7348). It cannot be changed on a device that exists: make it anew, and give it again its "
            "address, neighbours, FDB entries and routes, which went with the old one."
        ),
    )


def vxlan_vni(cluster: Cluster, rng: Random) -> Fault:
    """The two ends of the tunnel have different numbers."""
    node, other = cluster.node, cluster.other
    vni = str(rng.choice((2, 10, 42, 4096)))
    half = at(node.name, f"bridge fdb replace {other.mac} dev flannel.1 dst {other.address} vni 1 self permanent")
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, f"Since {node.name} came over from another cluster, "),
        plant=_made_anew(node, other, vni=vni),
        symptom=cluster.both_ways(),
        hints=(
            *_follow(cluster),
            Hint(at(node.name, "ip -d link show dev flannel.1"), "Read id, local, dev and dstport. Keep them in mind."),
            Hint(at(other.name, "ip -d link show dev flannel.1"), "Now here. Which two have to be the same?"),
        ),
        repairs=(_made_anew(node, other), _made_anew(other, node, vni=vni)),
        wrong=(
            no_use((half,), (half.replace(" vni 1", ""),)),
            cluster.around(),
        ),
        explanation=(
            f"{node.name}'s flannel.1 had the VNI {vni}, {other.name}'s 1. The frames arrived at the right machine and "
            "port, but belonged to another virtual network, so they were dropped. Like the port, the number cannot "
            "be changed: the device has to be made anew."
        ),
    )


def mtu_too_large(cluster: Cluster, rng: Random) -> Fault:
    """A pod that sends larger packets than its cable takes."""
    pod, node, far = cluster.pod, cluster.node, cluster.far
    gateway = _gateway(node)
    set_mtu = "ip link set {} mtu {}"
    sizes = [f"{pod.name} can reach {far.address} with {WHOLE} bytes"]
    sizes += [f"{pod.name} can reach {one} with {SPLIT} bytes in pieces" for one in (cluster.near.address, far.address)]
    sizes += [f"{one.name} can reach {pod.address} with {SPLIT} bytes in pieces" for one in (cluster.near, far)]
    source = f"{node.network} dev eth0 proto kernel scope link src {pod.address}"
    return Fault(
        world=replace(cluster.world, asks=(*cluster.world.asks, *sizes)),
        ticket=(
            f"Logging in to {pod.name} works and small pages come at once, but large files never arrive, whichever pod "
            f"they go to, for example {far.address}."
        ),
        plant=(at(pod.name, set_mtu.format("eth0", 1500)),),
        symptom=(f"{pod.name} can reach {far.address} with {SPLIT} bytes in pieces",),
        hints=(
            Hint(
                at(pod.name, f"ping -c 1 -W 1 {far.address}"), "This works. What is different about what does not work?"
            ),
            Hint(
                at(pod.name, f"ping -c 1 -W 1 -s {SPLIT} {far.address}"), f"{SPLIT} and 28 bytes of headers are 1500."
            ),
            Hint(
                at(pod.name, "ip link show dev eth0"), "How large may a packet be, according to this end of the cable?"
            ),
            Hint(at(node.name, f"ip link show dev {pod.host_end}"), "And according to the other end?"),
        ),
        repairs=(
            (at(pod.name, set_mtu.format("eth0", 1450)),),
            all_at(
                pod.name,
                (
                    f"ip route replace {source} mtu 1450",
                    f"ip route replace 10.244.0.0/16 via {gateway} dev eth0 mtu 1450",
                    f"ip route replace default via {gateway} dev eth0 mtu 1450",
                ),
            ),
        ),
        wrong=(
            no_use(
                (at(node.name, set_mtu.format(pod.host_end, 1500)),),
                (at(node.name, set_mtu.format(pod.host_end, 1450)),),
            ),
            no_use((at(pod.name, set_mtu.format("eth0", 1280)),), (at(pod.name, set_mtu.format("eth0", 1500)),)),
        ),
        explanation=(
            f"eth0 in {pod.name} had MTU 1500, everything behind it 1450, because the tunnel adds 50 bytes. A veth "
            "drops a frame that is larger than the other end's MTU, and tells the sender at most `No buffer space "
            "available`: small packets pass, large ones vanish. With the right MTU the sender splits them, or makes "
            "them smaller to begin with."
        ),
    )


DRILLS = {
    "no-default-route": _drill("flannel", no_default_route),
    "missing-fdb": _drill("flannel", missing_fdb),
    "wrong-fdb": _drill("flannel", wrong_fdb),
    "missing-neighbour": _drill("flannel", missing_neighbour),
    "no-node-route": _drill("flannel", no_node_route),
    "forwarding-off": _drill("flannel", forwarding_off),
    "forward-drop": _drill("flannel", forward_drop),
    "vxlan-port": _drill("flannel", vxlan_port),
    "vxlan-vni": _drill("flannel", vxlan_vni),
    "mtu-too-large": _drill("flannel", mtu_too_large),
    "proxy-arp-off": _drill("calico", proxy_arp_off),
    "no-pod-route": _drill("calico", no_pod_route),
}
