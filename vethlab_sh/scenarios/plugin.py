"""What does the real bridge plugin do for a pod? It gets a configuration and a command, and answers in JSON.

The Container Network Interface (containernetworking/cni, SPEC.md): a plugin is a program that the container runtime
starts for each pod. The environment says what is to be done and where, the configuration comes by standard input, and
the answer goes to standard output.
"""

from __future__ import annotations

import json
from typing import Any

from ..language import tr
from ..sandbox import HOSTNAME
from .nodes import NODE2, Node, Pod
from .step import Step, step

FOLDER = "/usr/lib/cni"  # where Debian's containernetworking-plugins puts them; on most nodes it is /opt/cni/bin
PROGRAMS = (f"{FOLDER}/bridge", f"{FOLDER}/loopback", f"{FOLDER}/host-local")
NETWORK = "cbr0"  # flannel's name for it, Documentation/kube-flannel.yml
# The machines of a lab share one file system, so each has a folder of its own for what stands in /var/lib on a node.
HOME = {HOSTNAME: "/run/cni", NODE2: "/run/node2/cni"}
VISITOR = "pod-z"  # a pod that goes again
LOOPBACK = '{"cniVersion": "0.3.1", "name": "lo", "type": "loopback"}'


def subnet_env(node: Node, networks: tuple[str, str], ipv6: bool) -> list[str]:
    """What flanneld writes into /run/flannel/subnet.env: pkg/subnet/subnet.go, WriteSubnetFile.

    networks: the cluster's pods' network, IPv4 and IPv6.
    """
    network, network6 = networks
    words = [f"FLANNEL_NETWORK={network}", f"FLANNEL_SUBNET={_first(node.network)}"]
    if ipv6:
        words += [f"FLANNEL_IPV6_NETWORK={network6}", f"FLANNEL_IPV6_SUBNET={_first6(node)}"]
    return [*words, f"FLANNEL_MTU={node.mtu}", "FLANNEL_IPMASQ=true"]


def _first(network: str) -> str:
    return network.replace(".0/", ".1/")


def _first6(node: Node) -> str:
    return node.network6.replace("::/", "::1/")


def configuration(node: Node, networks: tuple[str, str], ipv6: bool) -> str:
    """What flannel's plugin hands to the bridge plugin: flannel-io/cni-plugin v1.9.1, flannel_linux.go, doCmdAdd.

    `hairpinMode` and `isDefaultGateway` are what kube-flannel.yml sets; arguments as for `subnet_env`.
    """
    ranges = [[{"subnet": node.network}]]
    routes = [{"dst": networks[0]}]
    if ipv6:
        ranges.append([{"subnet": node.network6}])
        routes.append({"dst": networks[1]})
    ipam = {"type": "host-local", "dataDir": _networks(node), "ranges": ranges, "routes": routes}
    head = {"cniVersion": "0.3.1", "name": NETWORK, "type": "bridge", "mtu": node.mtu}
    ways = {"hairpinMode": True, "isGateway": True, "isDefaultGateway": True, "ipMasq": False}
    rows = [_members(head), _members(ways), '"ipam": {', *_indented(ipam), "}"]
    rows[0] += ","
    rows[1] += ","
    return "\n".join(["{", *(f"  {row}" for row in rows), "}"])


def _members(values: dict[str, Any]) -> str:
    """A JSON object's members on one line, without its braces."""
    return json.dumps(values)[1:-1]


def _indented(values: dict[str, Any]) -> list[str]:
    """A JSON object's members, a line each."""
    lines = [f"  {_members({name: value})}," for name, value in values.items()]
    lines[-1] = lines[-1].removesuffix(",")
    return lines


def _networks(node: Node) -> str:
    """Where host-local keeps who has which address; on a node /var/lib/cni/networks."""
    return f"{HOME[node.name]}/networks"


def _file(node: Node) -> str:
    return f"{HOME[node.name]}/{NETWORK}.json"


def written(node: Node, text: str) -> str:
    """The line that writes the configuration into a file."""
    home = HOME[node.name]
    return f"mkdir -p {home} && cat >{_file(node)} <<'JSON'\n{text}\nJSON"


def last_addresses(node: Node, ipv6: bool) -> list[str]:
    """The lines that let host-local go on where it stopped: after the address before that of the first pod."""
    folder = f"{_networks(node)}/{NETWORK}"
    first = node.pods[0]
    # printf, because host-local reads no address that a line ends
    lines = [f"mkdir -p {folder}", f"printf {_before(first.address)} >{folder}/last_reserved_ip.0"]
    if ipv6:
        lines.append(f"printf {_before(first.address6)} >{folder}/last_reserved_ip.1")
    return lines


def _before(address: str) -> str:
    """The address before this one; its last number is small, so it looks the same in both families."""
    separator = ":" if ":" in address else "."
    head, _, last = address.rpartition(separator)
    return f"{head}{separator}{int(last) - 1}"


def _call(command: str, pod: str, device: str, plugin: str) -> str:
    """The words that start a plugin, as the container runtime does."""
    where = f"CNI_CONTAINERID={pod} CNI_NETNS=/run/netns/{pod} CNI_IFNAME={device}"
    return f"CNI_COMMAND={command} {where} CNI_PATH={FOLDER} {FOLDER}/{plugin}"


def loopback(pod: str) -> str:
    """The line that switches lo on; its answer is of no use to anybody."""
    return f"{_call('ADD', pod, 'lo', 'loopback')} <<<'{LOOPBACK}' >/dev/null"


def bridged(command: str, node: Node, pod: str) -> str:
    """The line that plugs a pod in (ADD), or takes it out (DEL)."""
    return f"{_call(command, pod, 'eth0', 'bridge')} <{_file(node)}"


def pod_lines(node: Node, pod: Pod) -> list[str]:
    """All that is done for a pod whose namespace is there; its answer goes where the runtime keeps it."""
    home = HOME[node.name]
    adding = bridged("ADD", node, pod.name)
    return [loopback(pod.name), f"{adding} >{home}/{pod.name}.json"]


def node_lines(node: Node, text: str, ipv6: bool) -> list[str]:
    """All that a node needs before its first pod."""
    return [written(node, text), *last_addresses(node, ipv6)]


def configured(node: Node, text: str, environment: list[str], ipv6: bool) -> list[Step]:
    """The steps before the first pod. text: the plugin's configuration; environment: the lines of subnet.env."""
    return [
        step(
            tr(
                "Now make master a node. flanneld writes down what this node may use: the network of all pods, the "
                "part of it that is this node's, and how large a packet may be."
            ),
            f"mkdir -p /run/flannel && printf '%s\\n' {' '.join(environment)} >/run/flannel/subnet.env",
            "cat /run/flannel/subnet.env",
        ),
        step(
            tr(
                "For each new pod, flannel's own CNI plugin reads that file and hands a configuration to another "
                "plugin, `bridge`. Debian has `bridge` and not flannel's, so we write down what it hands over."
            ),
            written(node, text),
            look=tr(
                "`hairpinMode` and `isDefaultGateway` are in flannel's configuration of every node, the rest comes "
                "from subnet.env. `ipMasq` is false, because flanneld itself masquerades. `dataDir` is "
                "/var/lib/cni/networks on a node; a lab writes into its own /run."
            ),
        ),
        step(
            tr(
                "The plugin asks a third one, `host-local`, for the pod's address. It gives out one after the other, "
                "and a file says which was the last; so that ours are those of the article, two pods have been here "
                "before."
            ),
            *last_addresses(node, ipv6),
        ),
    ]


def first_pod(node: Node, ipv6: bool) -> list[Step]:
    """The steps of the first pod, with all that the plugin answers and makes."""
    pod = node.pods[0].name
    return [
        step(
            tr(
                "The first pod. The container runtime makes its network namespace, and starts the plugin `loopback`, "
                "which switches lo on. The environment says what is to be done and where; the configuration comes by "
                "standard input."
            ),
            f"ip netns add {pod}",
            loopback(pod),
        ),
        step(
            tr(
                "Then the plugin that flannel's has chosen. Everything that the other demo of flannel types for a pod "
                "happens in this one line."
            ),
            bridged("ADD", node, pod),
            look=tr(
                "The answer tells what is there now: the bridge, the node's end of the cable, whose name is random, "
                "and eth0 inside; the address with its gateway; and the routes."
            ),
        ),
        step(
            tr("Ask the kernel whether that is true: first the bridge and its port."),
            "ip addr show dev cni0",
            "ip -d link show master cni0",
            "sysctl net.ipv4.ip_forward",
            look=tr(
                "The plugin has made cni0 with the gateway's address, plugged the cable in with `hairpin on`, and "
                "made the node a router: `ip_forward = 1`."
            ),
            table=("ip addr", "ip link"),
        ),
        step(
            tr("And inside the pod."),
            f"ip netns exec {pod} ip a",
            f"ip netns exec {pod} ip route",
            *([f"ip netns exec {pod} ip -6 route"] if ipv6 else []),
            look=tr(
                "The address that the answer tells, and three routes: the kernel added one with the address, the "
                "plugin those for the cluster and for everything else."
            ),
            table=("ip addr", "ip route"),
        ),
    ]


def visitor(node: Node) -> list[Step]:
    """The steps of a pod that comes and goes."""
    folder = f"{_networks(node)}/{NETWORK}"
    # each file holds the container's name and the device's, and a carriage return between them
    files = f"grep . {folder}/[1l]* | tr -d '\\r'"
    return [
        step(
            tr("One more pod, to see it go again. What does host-local remember?"),
            f"ip netns add {VISITOR}",
            f"{bridged('ADD', node, VISITOR)} >{HOME[node.name]}/{VISITOR}.json",
            files,
            look=tr(
                "A file for each address, named after it, with the container and the device that have it. And the "
                "last one that was given out."
            ),
        ),
        _given_back(node, files),
    ]


def _given_back(node: Node, files: str) -> Step:
    why = tr("The pod ends: the same line with `DEL`, and then the runtime removes the namespace.")
    lines = (bridged("DEL", node, VISITOR), f"ip netns del {VISITOR}", files)
    look = tr(
        "`DEL` says nothing when all is well. The cable is gone, and the address is free. The last one stays written "
        "down, so the next pod gets the one after it: an address is not used again at once."
    )
    by_bridge = step(why, *lines, "bridge link", look=look, table="bridge link")
    return step(why, *lines, "brctl show cni0", look=look, table="brctl show", instead=by_bridge)
