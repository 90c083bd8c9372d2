"""What do programs beside the kernel say of a pods' network: packet filters, BIRD, Open vSwitch? Signs, and faults.

Names: of flannel in pkg/trafficmngr of its source, of felix in felix/rules/rule_defs.go and felix/dataplane/linux, of
calico's BIRD in confd/pkg/backends/calico/bgp_processor.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..language import marked, plural, tr
from ..packet.causes.cause import Cause
from ..tables import Row
from .cni import CALICO, FLANNEL, Sign
from .ground import Fault, Ground, fault, on
from .outputs import Output

TELLING = ("nft list", "iptables", "birdc route", "birdc protocols", "ovs-vsctl show", "ovs-ofctl flows")
NFT_TABLES = {  # by family and name
    ("ip", "flannel-ipv4"): (FLANNEL, marked("flannel's own table of nft, for nodes where EnableNFTables is set")),
    ("ip6", "flannel-ipv6"): (FLANNEL, marked("flannel's own table of nft, for nodes where EnableNFTables is set")),
    ("ip", "calico"): (CALICO, marked("felix's own table of nft, in its nftables mode")),
    ("ip6", "calico"): (CALICO, marked("felix's own table of nft, in its nftables mode")),
}
FLANNEL_CHAINS = ("FLANNEL-FWD", "FLANNEL-POSTRTG")
FELIX_CHAIN = re.compile(r"cali-[\w-]+")
MESH = re.compile(r"Mesh_[\w]+")  # each node with each other one
PEER = re.compile(r"(Global|Node|Local_Workload)_[\w]+")
DEAD_ENDS = ("unreachable", "prohibit", "prohibited")
OF_CONFIGURATION = ("static", "kernel", "direct", "device")  # of BIRD, by how calico and its guide name protocols
IS_UP = (
    "up",
    "feed",
)  # feed: it is up, and still tells the neighbour what is known (proto_state_name() in nest/proto.c)
DROPS = "drop"


# ---- which network ------------------------------------------------------------------------------------------------


def signs(outputs: Iterable[Output]) -> Iterator[Sign]:
    """What the outputs show of flannel and calico beside devices and routes."""
    for output in outputs:
        for record in output.records:
            sign = sign_of(output.name, output.at, record.row, record.line)
            if sign is not None:
                yield sign


def sign_of(table: str, at: str, row: Row, line: int | None = None) -> Sign | None:
    """The sign in a row of one of these tables; None where it shows neither network."""
    if table == "nft list":
        return _of_nft(at, row, line)
    if table == "iptables":
        return _of_chain(at, str(row["chain"]), line)
    if table in ("birdc route", "birdc protocols"):
        return _of_peer(at, str(row["protocol"]), line)
    return None


def _of_nft(at: str, row: Row, line: int | None) -> Sign | None:
    family, table = row["family"], row["table"]
    own = NFT_TABLES.get((family, table))
    if own is None:
        return _of_chain(at, row["chain"] or "", line)
    network, what = own
    return Sign(network, True, what, f"table {family} {table}", at, line)


def _of_chain(at: str, chain: str, line: int | None) -> Sign | None:
    """A chain of iptables, in whose tables others have chains, too."""
    if chain in FLANNEL_CHAINS:
        return Sign(FLANNEL, True, marked("flannel's chain of iptables"), chain, at, line)
    if FELIX_CHAIN.fullmatch(chain):
        return Sign(CALICO, True, marked("a chain of felix's"), chain, at, line)
    return None


def _of_peer(at: str, protocol: str, line: int | None) -> Sign | None:
    if MESH.fullmatch(protocol):
        return Sign(CALICO, True, marked("calico's BIRD calls the other nodes so"), protocol, at, line)
    if PEER.fullmatch(protocol):
        return Sign(CALICO, False, marked("calico's BIRD calls a configured neighbour so"), protocol, at, line)
    return None


# ---- what is wrong ------------------------------------------------------------------------------------------------


def faults(ground: Ground, is_lossy: bool) -> Iterator[Fault]:
    """What these programs say to be wrong; is_lossy: whether a ping of the text was lost."""
    yield from _of_switches(ground)
    yield from _of_sessions(ground)
    yield from _of_bird(ground)
    yield from _of_rules(ground)
    if is_lossy:
        yield from _of_flows(ground)


def _of_switches(ground: Ground) -> Iterator[Fault]:
    """Ports that Open vSwitch has and cannot use."""
    for at, line, row in ground.rows("ovs-vsctl show"):
        if row["error"]:
            words = tr(
                "{at}: Open vSwitch cannot use {interface}, a port of {bridge}: {error}",
                at=at,
                interface=row["interface"],
                bridge=row["bridge"],
                error=row["error"],
            )
            look = on(at, f"ip link show dev {row['interface']}")
            yield fault(Cause.NO_DEVICE, words, [line], 7, look)


def _of_sessions(ground: Ground) -> Iterator[Fault]:
    """BGP sessions by which no routes come."""
    for at, line, row in ground.rows("birdc protocols"):
        if row["kind"] != "BGP" or row["state"] in IS_UP:
            continue
        how = f"{row['state']}, {row['info']}" if row["info"] else row["state"]
        words = tr(
            "{at}: the BGP session {protocol} is not up ({how}), so BIRD learns no routes by it",
            at=at,
            protocol=row["protocol"],
            how=how,
        )
        look = on(at, f"birdc show protocols all {row['protocol']}")
        yield fault(Cause.NO_ROUTE, words, [line], 7, look)


def _of_bird(ground: Ground) -> Iterator[Fault]:
    """Routes that BIRD has from a neighbour and that lead nowhere."""
    for at, line, row in ground.rows("birdc route"):
        if row["kind"] not in DEAD_ENDS or not row["best"] or row["protocol"].startswith(OF_CONFIGURATION):
            continue
        words = tr(
            "{at}: BIRD's route to {to}, from {protocol}, is {kind}",
            at=at,
            to=row["to"],
            protocol=row["protocol"],
            kind=row["kind"],
        )
        yield fault(Cause.DEAD_ROUTE, words, [line], 6, on(at, f"birdc show route all {row['to']}"))


def _of_rules(ground: Ground) -> Iterator[Fault]:
    """Chains of nft on the way through a machine whose policy drops, and rules that have dropped something."""
    for at, line, row in ground.rows("nft list"):
        place = f"{row['family']} {row['table']} {row['chain']}"
        look = on(at, f"nft list chain {place}")
        if row["policy"] == DROPS and " hook forward " in row["hook"]:
            words = tr(
                "{at}: the policy of the chain {chain}, at the hook forward, is drop, so what none of its rules lets "
                "through is not handed on",
                at=at,
                chain=place,
            )
            yield fault(Cause.FILTER_POLICY, words, [line], 6, look)
        elif row["packets"] and (row["verdict"] or "").startswith((DROPS, "reject")):
            words = plural(
                "{at}: rule {number} of the chain {chain} ({verdict}) has stopped {count} packet",
                "{at}: rule {number} of the chain {chain} ({verdict}) has stopped {count} packets",
                row["packets"],
                at=at,
                number=row["number"],
                chain=place,
                verdict=row["verdict"],
            )
            yield fault(Cause.FILTER_RULE, words, [line], 5, look)


def _of_flows(ground: Ground) -> Iterator[Fault]:
    """Flows that have dropped something, where something was lost."""
    for at, line, row in ground.rows("ovs-ofctl flows"):
        if row["actions"] != DROPS or not row["packets"]:
            continue
        words = plural(
            "{at}: a flow of {switch} has dropped {count} packet ({match})",
            "{at}: a flow of {switch} has dropped {count} packets ({match})",
            row["packets"],
            at=at,
            switch=row["bridge"] or tr("a switch"),
            match=row["match"] or tr("all that no other flow fits"),
        )
        yield fault(Cause.SWITCH_FLOW, words, [line], 4)
