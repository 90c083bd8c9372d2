"""What can be broken in flannel's wiring? A pod's routes, the three entries for the other node, and the tunnel."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from ..inside import all_inside, inside
from ..language import tr
from ..packet.causes.cause import Cause
from ..scenarios.flannel import both_nodes, gateway, remote_lines, tunnel_lines
from ..scenarios.nodes import Node, Pod
from .cluster import Cluster, Kind, drill, sibling
from .fault import Fault, Hint, Maker, Wrong, alias, ask, no_use

WHOLE, SPLIT = 1422, 1472  # bytes: the largest ping through the tunnel, the largest through a cable of 1500


def _claims(pod: Pod, node: Node, other: Node) -> tuple[list[str], list[str]]:
    """The pings of a pod, and what else holds of it."""
    near = sibling(pod, node)
    asks = [ask(pod.name, near.address), ask(pod.name, node.address)]
    holds = [
        f"{pod.address} belongs to {pod.name}",
        f"{pod.name} is plugged into cni0",
        f"{pod.name} sends to {near.address} through cni0",
    ]
    for far in other.pods:
        asks.append(ask(pod.name, far.address, 2))
        holds.append(f"{pod.name} sends to {far.address} through cni0")
    holds.append(f"{gateway(node)} belongs to {node.name}")
    return asks, holds


def _host_end(pod: str, rng: Random) -> str:
    number = rng.randrange(1 << 32)
    return f"veth{number:08x}"  # the bridge plugin makes it up


KIND = Kind("flannel", both_nodes, "10.244.", _claims, _host_end)


def no_default_route(cluster: Cluster, rng: Random) -> Fault:
    """A pod without its default route: the pods are reached, the rest of the world is not."""
    pod, node = cluster.pod.name, cluster.node
    router = gateway(node)
    narrow = f"{node.address.rpartition('.')[0]}.0/24 via {router}"
    return Fault(
        world=cluster.world,
        ticket=tr(
            "The program in {pod} cannot load its updates: everything outside the pods' network is out of reach, even "
            "{node} itself, {address}. The other pods answer it, on both nodes.",
            pod=pod,
            node=node.name,
            address=node.address,
        ),
        plant=(inside(pod, "ip route del default"),),
        causes=(Cause.NO_ROUTE,),
        named=(pod,),
        unanswered=(ask(pod, node.address),),
        claims=(f"{pod} routes 198.51.100.7 via {router}", f"{pod} routes 9.9.9.9 via {router}"),
        hints=(
            Hint(
                inside(pod, f"ping -c 1 -W 1 {node.address}"),
                tr("Who says that it is unreachable? Nobody has been asked yet."),
            ),
            Hint(
                inside(pod, "ip route"),
                tr("What about an address like {address}, that none of these lines holds?", address=node.address),
            ),
            Hint(inside(cluster.near.name, "ip route"), tr("The pod next to it has one line more.")),
        ),
        repairs=(
            (inside(pod, f"ip route add default via {router} dev eth0"),),
            all_inside(pod, (f"ip route add 0.0.0.0/1 via {router}", f"ip route add 128.0.0.0/1 via {router}")),
        ),
        wrong=(
            Wrong(
                (inside(pod, f"ip route add {narrow}"),),
                (inside(pod, f"ip route del {narrow}"),),
                "routes 198.51.100.7",
            ),
            alias(pod, node.address, node.name),
        ),
        explanation=tr(
            "{pod} had no default route. The route 10.244.0.0/16 still led to all pods, so the fault showed only "
            "outside the cluster. `Network is unreachable` comes from the sender's own routing table: nothing was "
            "sent.",
            pod=pod,
        ),
    )


def missing_fdb(cluster: Cluster, rng: Random) -> Fault:
    """The tunnel does not know at which node a MAC address is."""
    node, other = cluster.node, cluster.other
    right = f"{other.mac} dev flannel.1 dst {other.address} self"
    wrong = f"{other.mac} dev flannel.1 dst 10.4.0.{rng.randrange(30, 250)} self"
    return Fault(
        world=cluster.world,
        ticket=_between(cluster),
        plant=(inside(node.name, f"bridge fdb del {right}"),),
        causes=(Cause.VXLAN_ENTRY,),
        named=(
            other.mac,
            "FDB",
        ),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            Hint(
                inside(node.name, "ip neigh show dev flannel.1"),
                tr("Which MAC address has the next hop {tunnel}?", tunnel=other.tunnel),
            ),
            Hint(inside(node.name, "bridge fdb show dev flannel.1"), tr("And at which node is that MAC address?")),
        ),
        repairs=(
            (inside(node.name, f"bridge fdb replace {right} permanent"),),
            (
                inside(
                    node.name, f"bridge fdb append 00:00:00:00:00:00 dev flannel.1 dst {other.address} self permanent"
                ),
            ),
        ),
        wrong=(
            no_use(
                (inside(node.name, f"bridge fdb add {wrong}"),),
                (inside(node.name, f"bridge fdb del {wrong}"),),
                "has a tunnel to",
            ),
            cluster.around(),
        ),
        explanation=tr(
            "{node}'s FDB had no entry for {mac}, so flannel.1 did not know which node to wrap the frame for, and "
            "dropped it. With `nolearning` the kernel never finds out by itself: flanneld writes a route, a neighbour "
            "and an FDB entry for each other node, and without one of the three nothing gets through.",
            node=node.name,
            mac=other.mac,
        ),
    )


def _between(cluster: Cluster, since: str = "") -> str:
    """The ticket of whoever cannot get from node to node, and what happened before."""
    return tr(
        "{since}{pod} ({address}) and {far} ({address2}) can no longer reach each other. The same goes for all pods "
        "on {node} and {other}. Within each node all is well, and the nodes themselves reach each other.",
        since=since,
        pod=cluster.pod.name,
        address=cluster.pod.address,
        far=cluster.far.name,
        address2=cluster.far.address,
        node=cluster.node.name,
        other=cluster.other.name,
    )


def _first_look(cluster: Cluster) -> Hint:
    """At a tunnel: which way does the node take?"""
    return Hint(
        inside(cluster.node.name, f"ip route get {cluster.far.address}"),
        tr("Which device should it leave by, and to which next hop? Then see what is known about that hop."),
    )


def _both_ends(cluster: Cluster) -> tuple[Hint, Hint]:
    """The two ends of the tunnel, one beside the other."""
    look = "ip -d link show dev flannel.1"
    return (
        Hint(inside(cluster.node.name, look), tr("Read id, local, dev and dstport. Keep them in mind.")),
        Hint(inside(cluster.other.name, look), tr("Now here. Which two have to be the same?")),
    )


def wrong_fdb(cluster: Cluster, rng: Random) -> Fault:
    """The tunnel sends to a node that is not there."""
    node, other = cluster.node, cluster.other
    nobody = f"10.4.0.{rng.randrange(30, 250)}"
    right = f"{other.mac} dev flannel.1 dst {other.address} self"
    wrong = f"{other.mac} dev flannel.1 dst {nobody} self"
    return Fault(
        world=cluster.world,
        ticket=_between(
            cluster, tr("Since {other} was given a new address, and then its old one again, ", other=other.name)
        ),
        plant=(inside(node.name, f"bridge fdb replace {wrong} permanent"),),
        causes=(Cause.VXLAN_REMOTE,),
        named=("the FDB of flannel.1",),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            Hint(
                inside(node.name, "bridge fdb show dev flannel.1"), tr("To which machine are the wrapped frames sent?")
            ),
            Hint(inside(other.name, "ip -br addr"), tr("Is that an address of this machine?")),
        ),
        repairs=(
            (inside(node.name, f"bridge fdb replace {right} permanent"),),
            all_inside(
                node.name,
                (
                    f"bridge fdb del {wrong}",
                    f"bridge fdb add {right} permanent",
                ),
            ),
        ),
        wrong=(
            no_use(
                (inside(node.name, f"ip neigh replace {nobody} lladdr {other.mac} dev eth0"),),
                (inside(node.name, f"ip neigh del {nobody} dev eth0"),),
            ),
            cluster.around(),
        ),
        explanation=tr(
            "{node}'s FDB put {mac} at {nobody}, where nobody is; {other} is at {address}. The entry was there and "
            "looked fine: a tunnel sends to the address it was told, and nothing comes back to say that it was wrong.",
            node=node.name,
            mac=other.mac,
            nobody=nobody,
            other=other.name,
            address=other.address,
        ),
    )


def missing_neighbour(cluster: Cluster, rng: Random) -> Fault:
    """The MAC address of the next hop behind the tunnel is not known."""
    node, other = cluster.node, cluster.other
    right = f"ip neigh replace {other.tunnel} lladdr {other.mac}"
    own_mac = f"ip neigh replace {other.tunnel} lladdr {node.mac}"
    remove = inside(node.name, f"ip neigh del {other.tunnel} dev flannel.1")
    # unlike `del` it does not mind that the kernel has forgotten what is merely `reachable`
    forget = inside(node.name, f"ip neigh flush to {other.tunnel} dev flannel.1")
    return Fault(
        world=cluster.world,
        ticket=_between(cluster),
        plant=(remove,),
        causes=(
            Cause.NO_NEIGHBOUR,
            Cause.VXLAN_ENTRY,
        ),
        named=(
            other.tunnel,
            "neighbour entry",
        ),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            Hint(
                inside(node.name, "ip neigh show dev flannel.1"),
                tr("What should stand here for the next hop? In this tunnel nobody answers ARP questions."),
            ),
            Hint(inside(other.name, "ip -br link show dev flannel.1"), tr("This is the MAC address of the other end.")),
        ),
        repairs=(
            (inside(node.name, f"{right} nud permanent dev flannel.1"),),
            (inside(node.name, f"{right} nud noarp dev flannel.1"),),
        ),
        wrong=(
            no_use((inside(node.name, f"{right} nud reachable dev flannel.1"),), (forget,)),
            no_use(
                (inside(node.name, f"{own_mac} nud permanent dev flannel.1"),),
                (remove,),
                "has a tunnel to",
            ),
        ),
        explanation=tr(
            "{node} did not know the MAC address of {tunnel}, {other}'s flannel.1. It asks by ARP, but the tunnel has "
            "nowhere to send a question that is for everyone. That is why the entry is `permanent`: one that is "
            "merely `reachable` lasts only until the kernel forgets it.",
            node=node.name,
            tunnel=other.tunnel,
            other=other.name,
        ),
    )


def no_node_route(cluster: Cluster, rng: Random) -> Fault:
    """No route to the other node's pods, because it was typed without onlink."""
    node, other = cluster.node, cluster.other
    plain = f"ip route add {other.network} via {other.tunnel} dev flannel.1"
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, tr("Since somebody tidied up the routes by hand and overlooked an error message, ")),
        plant=(inside(node.name, f"ip route del {other.network}"),),
        causes=(
            Cause.NO_ROUTE,
            Cause.WRONG_ROUTE,
        ),
        named=(other.network,),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            Hint(
                inside(node.name, "ip route"),
                tr("Which line is for {network}, the pods of {other}?", network=other.network, other=other.name),
            ),
            Hint(
                inside(other.name, "ip route"),
                tr("The other node has a line for the pods of this one. Read it to the end."),
            ),
        ),
        repairs=(
            (inside(node.name, f"{plain} onlink"),),
            all_inside(node.name, (f"ip route add {other.tunnel}/32 dev flannel.1", plain)),
        ),
        wrong=(
            no_use((inside(node.name, plain),), ()),
            Wrong(
                (inside(node.name, f"ip route add {other.network} via {other.address} dev eth0"),),
                (inside(node.name, f"ip route del {other.network}"),),
                "has a tunnel to",
            ),
        ),
        explanation=tr(
            "{node} had no route to {network}, so what was for {other}'s pods left by the default route. Without "
            "`onlink` the kernel refuses that route, because {tunnel} is in no network of this node; `onlink` vouches "
            "that the next hop is behind the device all the same.",
            node=node.name,
            network=other.network,
            other=other.name,
            tunnel=other.tunnel,
        ),
    )


def forwarding_off(cluster: Cluster, rng: Random) -> Fault:
    """A node that hands on nothing for others."""
    node = cluster.node
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, tr("Since {node} was restarted, ", node=node.name)),
        plant=(inside(node.name, "sysctl -w net.ipv4.ip_forward=0"),),
        causes=(Cause.FORWARDING_OFF,),
        named=(
            node.name,
            "ip_forward",
        ),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            Hint(
                inside(node.name, "nstat -asz IpForwDatagrams IpInAddrErrors"),
                tr("Run it, ping, run it again. What is not handed on is not counted as forwarded."),
            ),
            Hint(inside(node.name, "sysctl net.ipv4.ip_forward"), tr("May this machine hand on packets for others?")),
        ),
        repairs=(
            (inside(node.name, "sysctl -w net.ipv4.ip_forward=1"),),
            (inside(node.name, "sysctl -w net.ipv4.conf.all.forwarding=1"),),
        ),
        wrong=(
            no_use(
                (inside(node.name, "sysctl -w net.ipv4.conf.cni0.forwarding=1"),),
                (inside(node.name, "sysctl -w net.ipv4.conf.cni0.forwarding=0"),),
            ),
            cluster.alias(),
        ),
        explanation=tr(
            "`ip_forward` was 0 on {node}, so it dropped every packet that was not for itself, without a word. Within "
            "a node nothing is routed, the bridge does it all, so only the way between the nodes was closed. After a "
            "restart, settings come back only if they are written down (/etc/sysctl.d).",
            node=node.name,
        ),
    )


def forward_drop(cluster: Cluster, rng: Random) -> Fault:
    """The policy DROP that Docker sets for the chain FORWARD."""
    node = cluster.node
    pods = "10.244.0.0/16"
    from_pods, to_pods = f"FORWARD -s {pods} -j ACCEPT", f"FORWARD -d {pods} -j ACCEPT"
    from_own = f"FORWARD -s {node.network} -j ACCEPT"
    return Fault(
        world=cluster.world,
        ticket=tr(
            "Since Docker was installed on {node}, {pod} ({address}) and {far} ({far_address}) can no longer reach "
            "each other, nor can the other pods across the two nodes. The nodes themselves reach each other, and "
            "forwarding is on.",
            node=node.name,
            pod=cluster.pod.name,
            address=cluster.pod.address,
            far=cluster.far.name,
            far_address=cluster.far.address,
        ),
        plant=(inside(node.name, "iptables -P FORWARD DROP"),),
        causes=(Cause.FILTER_POLICY,),
        named=(
            node.name,
            "FORWARD",
        ),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            Hint(
                inside(node.name, "sysctl net.ipv4.ip_forward"),
                tr("1: the kernel would hand it on. Who else has a say?"),
            ),
            Hint(
                inside(node.name, "iptables -vnL FORWARD"),
                tr("Read the policy and its counter, ping, and read it again."),
            ),
        ),
        repairs=(
            (inside(node.name, "iptables -P FORWARD ACCEPT"),),
            all_inside(node.name, (f"iptables -A {from_pods}", f"iptables -A {to_pods}")),
        ),
        wrong=(
            no_use(
                (inside(node.name, f"iptables -A {from_own}"),),
                (inside(node.name, f"iptables -D {from_own}"),),
            ),
            cluster.alias(),
        ),
        explanation=tr(
            "The policy of iptables' chain FORWARD on {node} was DROP: what no rule accepts is thrown away. Docker "
            "sets it, so that a machine that begins to forward does not become a router for everyone. flanneld adds "
            "rules that accept the pods' network in both directions; one direction is not enough, because the answers "
            "pass here too.",
            node=node.name,
        ),
    )


def _made_anew(node: Node, other: Node, port: str = "8472", vni: str = "1") -> tuple[str, ...]:
    """flannel.1 deleted and laid again, with other options: port (`dstport`), vni (`id`)."""
    added, *rest = tunnel_lines(node)
    added = added.replace("dstport 8472", f"dstport {port}")
    added = added.replace("vxlan id 1 ", f"vxlan id {vni} ")
    lines = ("ip link del flannel.1", added, *rest, *remote_lines(other))
    return all_inside(node.name, lines)


def vxlan_port(cluster: Cluster, rng: Random) -> Fault:
    """The two ends of the tunnel use different UDP ports."""
    node, other = cluster.node, cluster.other
    port = rng.choice(("4789", "8473", "8742"))
    half = inside(
        node.name, f"bridge fdb replace {other.mac} dev flannel.1 dst {other.address} port 8472 self permanent"
    )
    back = inside(
        other.name, f"bridge fdb replace {node.mac} dev flannel.1 dst {node.address} port {port} self permanent"
    )
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, tr("Since {node} was reinstalled, ", node=node.name)),
        plant=_made_anew(node, other, port=port),
        causes=(Cause.VXLAN_PORT,),
        named=(port,),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            *_both_ends(cluster),
        ),
        repairs=(_made_anew(node, other), _made_anew(other, node, port=port), (half, back)),
        wrong=(
            no_use((half,), (half.replace(" port 8472", ""),)),
            cluster.around(),
        ),
        explanation=tr(
            "{node}'s flannel.1 used UDP port {port}, {other}'s 8472. Each sends to its own port number, where the "
            "other end does not listen. 8472 is the Linux kernel's default, 4789 the port of the standard (RFC 7348). "
            "It cannot be changed on a device that exists: make it anew, and give it again its address, neighbours, "
            "FDB entries and routes, which went with the old one.",
            node=node.name,
            port=port,
            other=other.name,
        ),
    )


def vxlan_vni(cluster: Cluster, rng: Random) -> Fault:
    """The two ends of the tunnel have different numbers."""
    node, other = cluster.node, cluster.other
    vni = str(rng.choice((2, 10, 42, 4096)))
    half = inside(node.name, f"bridge fdb replace {other.mac} dev flannel.1 dst {other.address} vni 1 self permanent")
    return Fault(
        world=cluster.world,
        ticket=_between(cluster, tr("Since {node} came over from another cluster, ", node=node.name)),
        plant=_made_anew(node, other, vni=vni),
        causes=(Cause.VXLAN_VNI,),
        named=(vni,),
        unanswered=cluster.both_ways(),
        hints=(
            _first_look(cluster),
            *_both_ends(cluster),
        ),
        repairs=(_made_anew(node, other), _made_anew(other, node, vni=vni)),
        wrong=(
            no_use((half,), (half.replace(" vni 1", ""),)),
            cluster.around(),
        ),
        explanation=tr(
            "{node}'s flannel.1 had the VNI {vni}, {other}'s 1. The frames arrived at the right machine and port, but "
            "belonged to another virtual network, so they were dropped. Like the port, the number cannot be changed: "
            "the device has to be made anew.",
            node=node.name,
            vni=vni,
            other=other.name,
        ),
    )


def mtu_too_large(cluster: Cluster, rng: Random) -> Fault:
    """A pod that sends larger packets than its cable takes."""
    pod, node, near, far = cluster.pod, cluster.node, cluster.near, cluster.far
    router = gateway(node)
    sizes = (
        f"{pod.name} can reach {far.address} with {WHOLE} bytes",
        f"{pod.name} can reach {near.address} with {SPLIT} bytes in pieces",
        f"{pod.name} can reach {far.address} with {SPLIT} bytes in pieces",
        f"{near.name} can reach {pod.address} with {SPLIT} bytes in pieces",
        f"{far.name} can reach {pod.address} with {SPLIT} bytes in pieces",
    )
    source = f"{node.network} dev eth0 proto kernel scope link src {pod.address}"
    return Fault(
        world=replace(cluster.world, asks=(*cluster.world.asks, *sizes)),
        ticket=tr(
            "Logging in to {pod} works and small pages come at once, but large files never arrive, whichever pod they "
            "go to, for example {address}.",
            pod=pod.name,
            address=far.address,
        ),
        plant=(inside(pod.name, "ip link set eth0 mtu 1500"),),
        causes=(Cause.MTU,),
        named=(
            pod.host_end,
            "1450",
        ),
        unanswered=(f"{pod.name} can reach {far.address} with {SPLIT} bytes in pieces",),
        hints=(
            Hint(
                inside(pod.name, f"ping -c 1 -W 1 {far.address}"),
                tr("This works. What is different about what does not work?"),
            ),
            Hint(
                inside(pod.name, f"ping -c 1 -W 1 -s {SPLIT} {far.address}"),
                tr("{split} and 28 bytes of headers are 1500.", split=SPLIT),
            ),
            Hint(
                inside(pod.name, "ip link show dev eth0"),
                tr("How large may a packet be, according to this end of the cable?"),
            ),
            Hint(inside(node.name, f"ip link show dev {pod.host_end}"), tr("And according to the other end?")),
        ),
        repairs=(
            (inside(pod.name, "ip link set eth0 mtu 1450"),),
            all_inside(
                pod.name,
                (
                    f"ip route replace {source} mtu 1450",
                    f"ip route replace 10.244.0.0/16 via {router} dev eth0 mtu 1450",
                    f"ip route replace default via {router} dev eth0 mtu 1450",
                ),
            ),
        ),
        wrong=(
            no_use(
                (inside(node.name, f"ip link set {pod.host_end} mtu 1500"),),
                (inside(node.name, f"ip link set {pod.host_end} mtu 1450"),),
            ),
            no_use((inside(pod.name, "ip link set eth0 mtu 1280"),), (inside(pod.name, "ip link set eth0 mtu 1500"),)),
        ),
        explanation=tr(
            "eth0 in {pod} had MTU 1500, everything behind it 1450, because the tunnel adds 50 bytes. A veth drops a "
            "frame that is larger than the other end's MTU, and tells the sender at most `No buffer space available`: "
            "small packets pass, large ones vanish. With the right MTU the sender splits them, or makes them smaller "
            "to begin with.",
            pod=pod.name,
        ),
    )


DRILLS: dict[str, Maker] = {
    "no-default-route": drill(KIND, no_default_route),
    "missing-fdb": drill(KIND, missing_fdb),
    "wrong-fdb": drill(KIND, wrong_fdb),
    "missing-neighbour": drill(KIND, missing_neighbour),
    "no-node-route": drill(KIND, no_node_route),
    "forwarding-off": drill(KIND, forwarding_off),
    "forward-drop": drill(KIND, forward_drop),
    "vxlan-port": drill(KIND, vxlan_port),
    "vxlan-vni": drill(KIND, vxlan_vni),
    "mtu-too-large": drill(KIND, mtu_too_large),
}
