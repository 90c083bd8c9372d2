"""Which causes are told apart? A word for each, and the diagnosis that names one, shows it and mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...facts import Device, Route
from ...inside import inside, quoted
from ...language import marked, tr
from ...markup import keep_printable
from ...sandbox import HOSTNAME


class Cause(StrEnum):
    """Why an answer does not come. The words are stable; docs/causes.md shows them at work."""

    # cables and devices
    NO_DEVICE = "no-device"
    DEVICE_DOWN = "device-down"
    PEER_MISSING = "peer-missing"
    MACVLAN = "macvlan"
    QUEUE = "queue-drops"
    TC_FILTER = "tc-filter"
    BOND_PORT = "bond-port"
    VLAN_TAG = "vlan-tag"
    # bridges
    NO_MASTER = "no-master"
    WRONG_BRIDGE = "wrong-bridge"
    PORT_STATE = "port-state"
    PORT_ISOLATED = "port-isolated"
    PORT_FLOOD = "port-flood-off"
    PORT_LOCKED = "port-locked"
    VLAN_PORT = "vlan-port"
    FDB_ENTRY = "fdb-entry"
    DUPLICATE_MAC = "duplicate-mac"
    BRIDGE_MAC = "bridge-mac"
    SWITCH_FLOW = "switch-flow"
    # addresses
    NO_ADDRESS = "no-address"
    NOBODY_HAS = "nobody-has-address"
    ADDRESS_ON_PORT = "address-on-port"
    WRONG_PREFIX = "wrong-prefix"
    BROADCAST = "broadcast-address"
    ADDRESS_FAILED = "address-not-usable"
    # neighbours
    WRONG_NEIGHBOUR = "wrong-neighbour"
    NO_NEIGHBOUR = "no-neighbour"
    ARP_OFF = "arp-off"
    ARP_IGNORE = "arp-ignore"
    ARP_FILTER = "arp-filter"
    PROXY_ARP_OFF = "proxy-arp-off"
    # routes
    NO_ROUTE = "no-route"
    NO_ROUTE_BACK = "no-route-back"
    DEAD_ROUTE = "dead-route"
    WRONG_ROUTE = "wrong-route"
    POLICY_RULE = "policy-rule"
    ROUTING_LOOP = "loop"
    HOP_LIMIT = "hop-limit"
    IPSEC = "ipsec-policy"
    # settings
    FORWARDING_OFF = "forwarding-off"
    RP_FILTER = "rp-filter"
    OWN_SOURCE = "source-is-own-address"
    ECHO_IGNORED = "echo-ignored"
    IPV6_OFF = "ipv6-off"
    # filters and rewriting
    FILTER_RULE = "netfilter-rule"
    FILTER_POLICY = "netfilter-policy"
    REJECTED = "netfilter-reject"
    REWRITTEN = "rewritten-to-nobody"
    # tunnels
    VXLAN_ENTRY = "vxlan-no-entry"
    VXLAN_REMOTE = "vxlan-remote"
    VXLAN_LOCAL = "vxlan-local"
    VXLAN_PORT = "vxlan-port"
    VXLAN_VNI = "vxlan-vni"
    TUNNEL_ENDS = "tunnel-ends"
    TUNNEL_LOCAL = "tunnel-local"
    TUNNEL_KEY = "tunnel-key"
    TUNNEL_PORT = "tunnel-port"
    TUNNEL_MODE = "tunnel-mode"
    # sizes, ports, answers
    MTU = "mtu"
    REFUSED = "refused"
    PROGRAM_SILENT = "program-silent"
    WRONG_ANSWERER = "wrong-answerer"
    UNKNOWN = "unknown"

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""
        return tr(MEANINGS[self])


# A sentence for each, for the page of causes and whoever wants to explain one.
MEANINGS = {
    Cause.NO_DEVICE: marked(
        "The device that should send it is not there: never made, never moved, or moved elsewhere."
    ),
    Cause.DEVICE_DOWN: marked("A device on the way is switched off, or has no signal because its other end is."),
    Cause.PEER_MISSING: marked("The other end of the cable is not in any namespace of the lab."),
    Cause.MACVLAN: marked(
        "A macvlan or ipvlan device does not hear its parent, nor, but in mode bridge, its siblings."
    ),
    Cause.QUEUE: marked("The queue of a device (qdisc) drops it."),
    Cause.TC_FILTER: marked("A filter of tc at a device drops it, or sends it elsewhere."),
    Cause.BOND_PORT: marked("A bond or a team has no port that it could send by."),
    Cause.VLAN_TAG: marked("The frame has a VLAN tag, and the card has no VLAN device with this number."),
    Cause.NO_MASTER: marked("A cable ends beside the bridge: the device is no port of any."),
    Cause.WRONG_BRIDGE: marked("A cable ends in another bridge than the one that should reach it."),
    Cause.PORT_STATE: marked("A bridge's port does not forward: it waits for STP, or is disabled."),
    Cause.PORT_ISOLATED: marked("Both ports are isolated, and a bridge hands nothing from one such port to another."),
    Cause.PORT_FLOOD: marked("The bridge does not know behind which port the MAC is, and this port does not flood."),
    Cause.PORT_LOCKED: marked("A locked port takes frames only from MACs that somebody wrote into the FDB for it."),
    Cause.VLAN_PORT: marked("A bridge that looks at VLANs does not let this one through at a port."),
    Cause.FDB_ENTRY: marked("The bridge's FDB puts the MAC behind another port than where it is."),
    Cause.DUPLICATE_MAC: marked("Two devices on one bridge have the same MAC, and it sends to where it saw it last."),
    Cause.BRIDGE_MAC: marked("A host has the bridge's own MAC, so the bridge keeps what is for the host."),
    Cause.SWITCH_FLOW: marked("A flow of Open vSwitch, a switch that is a program, drops it."),
    Cause.NO_ADDRESS: marked(
        "A device has no address at all: the one at the far end of the cable, or the one to send by."
    ),
    Cause.NOBODY_HAS: marked("No namespace has the address that is asked for."),
    Cause.ADDRESS_ON_PORT: marked(
        "The address is on a bridge's port, where nothing arrives: it belongs on the bridge."
    ),
    Cause.WRONG_PREFIX: marked(
        "The prefix length is wrong: who is behind a router is a neighbour, or a neighbour is none."
    ),
    Cause.BROADCAST: marked("It is the broadcast address of the network, nobody's own."),
    Cause.ADDRESS_FAILED: marked("The IPv6 address is there and not used: a duplicate, or still being asked about."),
    Cause.WRONG_NEIGHBOUR: marked("A neighbour entry has another MAC than the one who has the address."),
    Cause.NO_NEIGHBOUR: marked("No neighbour entry tells the MAC, and nobody may be asked for it."),
    Cause.ARP_OFF: marked("A device has ARP switched off (NOARP): it neither asks nor answers."),
    Cause.ARP_IGNORE: marked("arp_ignore keeps a namespace from answering ARP for an address of its own."),
    Cause.ARP_FILTER: marked("arp_filter keeps a device from answering ARP, as the way back is by another device."),
    Cause.PROXY_ARP_OFF: marked("Nobody has the address, and the machine that should answer ARP for it does not."),
    Cause.NO_ROUTE: marked("A machine on the way there has no route to the address."),
    Cause.NO_ROUTE_BACK: marked("The one who was asked got it, and has no route for the answer."),
    Cause.DEAD_ROUTE: marked("A route of kind blackhole, unreachable, prohibit or throw takes it."),
    Cause.WRONG_ROUTE: marked("A route leads to the wrong cable."),
    Cause.POLICY_RULE: marked("A rule of `ip rule` decides: it drops it, or asks another table than expected."),
    Cause.ROUTING_LOOP: marked(
        "It goes round: routers send it to each other, or bridges are joined in a circle without STP."
    ),
    Cause.HOP_LIMIT: marked("It passes more routers than its TTL, or hop limit, allows."),
    Cause.IPSEC: marked("A policy or a state of IPsec (xfrm) blocks it."),
    Cause.FORWARDING_OFF: marked("A machine between the ends does not hand on what is not for itself."),
    Cause.RP_FILTER: marked("rp_filter drops it: the way back to its sender is not by the device it came in by."),
    Cause.OWN_SOURCE: marked(
        "Its sender has an address that the receiver has too, so the receiver does not believe it."
    ),
    Cause.ECHO_IGNORED: marked("Who was asked got the ping, and is told not to answer any."),
    Cause.IPV6_OFF: marked("IPv6 is switched off at a device, so it has no IPv6 address."),
    Cause.FILTER_RULE: marked("A rule of a packet filter drops it."),
    Cause.FILTER_POLICY: marked("No rule accepts it, and the policy of the chain is drop."),
    Cause.REJECTED: marked("A rule of a packet filter refuses it, and says so to the sender."),
    Cause.REWRITTEN: marked("A rule rewrites its address (NAT) to one that nobody has."),
    Cause.VXLAN_ENTRY: marked("The VXLAN device has no FDB entry that tells the machine to wrap it for."),
    Cause.VXLAN_LOCAL: marked("It is wrapped with a source address that this machine does not have."),
    Cause.VXLAN_REMOTE: marked("It is wrapped for an address that is not the other machine's."),
    Cause.VXLAN_PORT: marked("The two ends of the tunnel use different UDP ports."),
    Cause.VXLAN_VNI: marked("The two ends of the tunnel have different VNIs."),
    Cause.TUNNEL_ENDS: marked(
        "The tunnel's ends do not fit: one is not for what the other sends, by its outer addresses."
    ),
    Cause.TUNNEL_LOCAL: marked("A tunnel other than VXLAN has a local address that its machine does not have."),
    Cause.TUNNEL_KEY: marked("The two ends of a GRE tunnel have different keys, or of a Geneve tunnel different VNIs."),
    Cause.TUNNEL_PORT: marked("The two ends of a Geneve tunnel use different UDP ports."),
    Cause.TUNNEL_MODE: marked("The tunnel is of a mode that does not carry this kind of packet."),
    Cause.MTU: marked("The packet is larger than what a device on the way takes."),
    Cause.REFUSED: marked("It arrived, and nobody listens on that port there."),
    Cause.PROGRAM_SILENT: marked("It arrived, and the program that has the port does not take it, or does not answer."),
    Cause.WRONG_ANSWERER: marked("An answer came, but not from who was asked."),
    Cause.UNKNOWN: marked("The kit does not know; the sentence tells what it looked at."),
}


@dataclass(frozen=True)
class Evidence:
    """The command that shows it, as typed on master, and the line of its output to look at."""

    command: str
    shown: str

    def __post_init__(self) -> None:
        keep_printable(self, "command", "shown")

    def __str__(self) -> str:
        return f"[root@{HOSTNAME} ~]# {self.command}\n{self.shown}"


@dataclass(frozen=True)
class Line:
    """A line for one namespace, as it would be typed in it."""

    namespace: str
    text: str


@dataclass(frozen=True)
class Shown:
    """What is to be shown as evidence: a line that shows it, and a word of its output to look at.

    output: when it is known already what to look at, as with a counter that moved.
    """

    line: Line
    word: str = ""
    output: str = ""

    @classmethod
    def of(cls, namespace: str, text: str, word: str = "", output: str = "") -> Shown:
        """What a line in this namespace shows."""
        return cls(Line(namespace, text), word, output)


Fix = tuple[Line, ...]  # what mends it, typed one after the other


def fix(namespace: str, *texts: str) -> Fix:
    """Lines that mend it, all in one namespace."""
    return tuple(Line(namespace, text) for text in texts)


@dataclass(frozen=True)
class Diagnosis:
    """Why a packet goes no further.

    reason: a clause that a learner can act upon; should_be: where it should have come next, for a reader; shown: what
    proves it; fixes: each mends it by itself.
    """

    cause: Cause
    reason: str
    shown: Shown | None = None
    fixes: tuple[Fix, ...] = ()
    should_be: str | None = None

    def __post_init__(self) -> None:
        keep_printable(self, "reason", "should_be")

    @property
    def is_known(self) -> bool:
        """Whether it names a cause."""
        return self.cause != Cause.UNKNOWN


def typed(line: Line) -> str:
    """A line as typed on master: `ip` and `bridge` enter a namespace by themselves.

    >>> typed(Line("ns1", "ip link set veth1 up")), typed(Line("ns1", "sysctl -w net.ipv4.ip_forward=1"))
    ('ip -n ns1 link set veth1 up', 'ip netns exec ns1 sysctl -w net.ipv4.ip_forward=1')
    """
    program, _, rest = line.text.partition(" ")
    enters_by_itself = program in ("ip", "bridge")
    is_one_command = not any(sign in rest for sign in "|&;")
    if line.namespace != HOSTNAME and enters_by_itself and is_one_command:
        return f"{program} -n {quoted(line.namespace)} {rest}"
    return inside(line.namespace, line.text)


def typed_route(route: Route) -> str:
    """A route for a line to type: whatever its device is called is one word there."""
    words = route.words
    if route.dev is None:
        return words
    return words.replace(f"dev {route.dev}", f"dev {quoted(route.dev)}")


def full(device: Device) -> str:
    """A device with its namespace, for a sentence."""
    namespace, name = device
    return tr("{name} in {namespace}", name=name, namespace=namespace)


def place(device: Device) -> str:
    """A device with its namespace, for `Next should have been`."""
    namespace, name = device
    return f"{namespace} {name}"
