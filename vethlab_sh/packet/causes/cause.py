"""Which causes are told apart? A word for each, and the diagnosis that names one, shows it and mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...facts import Device
from ...inside import inside
from ...sandbox import HOSTNAME


class Cause(StrEnum):
    """Why an answer does not come. The words are stable; the docs list each with an example."""

    # cables and devices
    NO_DEVICE = "no-device"
    DEVICE_DOWN = "device-down"
    PEER_MISSING = "peer-missing"
    MACVLAN = "macvlan"
    QUEUE = "queue-drops"
    # bridges
    NO_MASTER = "no-master"
    WRONG_BRIDGE = "wrong-bridge"
    PORT_STATE = "port-state"
    PORT_ISOLATED = "port-isolated"
    PORT_FLOOD = "port-flood-off"
    PORT_LOCKED = "port-locked"
    FDB_ENTRY = "fdb-entry"
    DUPLICATE_MAC = "duplicate-mac"
    BRIDGE_MAC = "bridge-mac"
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
    # sizes, ports, answers
    MTU = "mtu"
    REFUSED = "refused"
    WRONG_ANSWERER = "wrong-answerer"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Evidence:
    """The command that shows it, as typed on master, and the line of its output to look at."""

    command: str
    shown: str

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
    proves it; fixes: each mends it by itself; ruled_out: of what is not known, what it is not.
    """

    cause: Cause
    reason: str
    shown: Shown | None = None
    fixes: tuple[Fix, ...] = ()
    should_be: str | None = None
    ruled_out: tuple[str, ...] = ()

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
    if line.namespace != HOSTNAME and program in ("ip", "bridge") and not any(sign in rest for sign in "|&;"):
        return f"{program} -n {line.namespace} {rest}"
    return inside(line.namespace, line.text)


def full(device: Device) -> str:
    """A device with its namespace, for a sentence."""
    return f"{device[1]} in {device[0]}"


def place(device: Device) -> str:
    """A device with its namespace, for `Next should have been`."""
    return f"{device[0]} {device[1]}"
