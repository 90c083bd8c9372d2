"""Does it look like flannel, like calico, or like neither? Signs in the kernel's tables tell.

Each sign is a fact of the kernel's tables, with the place, the words and, in pasted text, the line. What decides are
names and addresses that only one of them uses; what merely fits (cni0, 10.244.x.x) decides only in company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from typing import Any

from ..facts import Address, Link, Neighbour, Route, as_row
from ..language import enumerated, marked, plural, sentences, together, tr
from ..markup import printable
from ..snapshot import Snapshot

FLANNEL, CALICO = "flannel", "calico"
FLANNEL_NETWORK = ip_network("10.244.0.0/16")  # flannel's net-conf.json as it comes, and kubeadm's usual pod network
FLANNEL_VXLAN = re.compile(r"flannel(-v6)?\.\d+")
FLANNEL_OTHER = re.compile(r"flannel\d+|flannel-wg(-v6)?|flannel\.ipip")  # of its UDP, WireGuard and IPIP backends
CALICO_VXLAN = re.compile(r"vxlan(-v6)?\.calico")
CALICO_END = re.compile(r"cali[0-9a-f]{11}")
GATEWAY = "169.254.1.1"  # of every pod of calico's; nobody has it
EVERYBODYS_MAC = "ee:ee:ee:ee:ee:ee"  # calico gives it to every host end
DOCKER = marked("Docker's own bridge")
NAMES = (  # of devices: pattern, network, whether it decides, what it is
    (FLANNEL_VXLAN, FLANNEL, True, marked("flannel's VXLAN device")),
    (re.compile(r"flannel\d+"), FLANNEL, True, marked("the device of flannel's UDP backend")),
    (re.compile(r"flannel-wg(-v6)?"), FLANNEL, True, marked("the device of flannel's WireGuard backend")),
    (re.compile(r"flannel\.ipip"), FLANNEL, True, marked("the device of flannel's IPIP backend")),
    (re.compile(r"cni0"), FLANNEL, False, marked("the bridge plugin's bridge, as flannel uses it")),
    (CALICO_END, CALICO, True, marked("calico's end of a pod's cable")),
    (CALICO_VXLAN, CALICO, True, marked("calico's VXLAN device")),
    (re.compile(r"wireguard\.cali|wg-v6\.cali|bpf(in|out)\.cali"), CALICO, True, marked("a device of calico's")),
    (re.compile(r"tunl0"), CALICO, False, marked("the IP-in-IP tunnel, as calico uses it")),
)
OTHERS = (
    (re.compile(r"cilium_\w+|lxc[0-9a-f]{8,}|lxc_health"), "cilium"),
    (re.compile(r"docker0|docker_gwbridge|br-[0-9a-f]{12}"), DOCKER),
    (re.compile(r"weave|vxlan-6784|vethwe-(bridge|datapath)|vethwepl[0-9a-f]+|vethwepg[0-9a-f]+"), "Weave Net"),
    (re.compile(r"eni[0-9a-f]{11}"), "Amazon VPC CNI"),
    (re.compile(r"azv[0-9a-f]{8,}|azure\d+"), "Azure CNI"),
    (re.compile(r"gke[0-9a-f]{8,}"), marked("Google's CNI")),
    (re.compile(r"antrea-\w+"), "Antrea"),
    (re.compile(r"ovn-k8s-\w+|ovs-system"), marked("Open vSwitch, perhaps OVN-Kubernetes")),
    (re.compile(r"kube-bridge"), "kube-router"),
)
Meaning = tuple[str, bool, str]  # the network, whether it decides, and what it is that shows it
SIGN = ("network", "decides", "sign", "words", "namespace", "line")
MOST_SIGNS, MOST_OTHERS = 8, 4  # that are told
NETKIT_END = marked("calico's end of a pod's cable, a netkit")  # instead of a veth, where calico is told to


@dataclass(frozen=True)
class Sign:
    """A fact that speaks for a network.

    decides: whether only this network uses it; sign: what it is, in English; words: as seen; namespace: where; line: of
    pasted text.
    """

    network: str
    decides: bool
    sign: str
    words: str
    namespace: str
    line: int | None = None

    @property
    def seen(self) -> str:
        """Its words, and where they were seen in brackets."""
        if self.line is None:
            return tr("{words} ({namespace})", words=self.words, namespace=self.namespace)
        return tr("{words} (line {line}, {namespace})", words=self.words, line=self.line, namespace=self.namespace)


@dataclass(frozen=True)
class Other:
    """A device of something that is neither flannel nor calico; what: whose it is, in English."""

    device: str
    what: str

    @property
    def words(self) -> str:
        """The device, and in brackets whose it is."""
        return tr("{device} ({what})", device=self.device, what=tr(self.what))


@dataclass(frozen=True)
class Finding:
    """What the pods of one machine are wired by, and the signs that say so.

    machine: its name, or None for pods whose machine nothing tells; networks: flannel, calico, both or none; signs:
    what points to one of them; others: devices of something else.
    """

    machine: str | None
    networks: tuple[str, ...]
    signs: tuple[Sign, ...]
    others: tuple[Other, ...] = ()

    @property
    def network(self) -> str:
        """flannel, calico, `flannel and calico`, or neither."""
        return " and ".join(self.networks) or "neither"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its signs as rows, with the machine and the network that they speak for."""
        rows = []
        for sign in self.signs:
            row = as_row(sign, SIGN)
            rows.append({"machine": self.machine, **row})
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "machine": self.machine,
            "network": self.network,
            "signs": [as_row(sign, SIGN) for sign in self.signs],
            "others": [other.words for other in self.others],
        }

    def __str__(self) -> str:
        if self.networks:
            lines = "\n".join(self._which_network())
            return printable(lines, keep="\n")
        return printable(self._neither())

    def _which_network(self) -> list[str]:
        network = together(self.networks)
        if len(self.networks) > 1:
            network = tr("{network} (together they are called canal)", network=network)
        if self.machine:
            heading = tr("{machine} looks like {network}:", machine=self.machine, network=network)
        else:
            heading = tr("The pods whose machine is not shown look like {network}:", network=network)
        lines = [heading]
        signs = [sign for sign in self.signs if sign.network in self.networks]
        for sign in signs[:MOST_SIGNS]:
            words = tr("{seen}: {sign}", seen=sign.seen, sign=tr(sign.sign))
            lines.append(f"  {words}")
        more = len(signs) - MOST_SIGNS
        if more > 0:
            words = plural("and {count} more sign", "and {count} more signs", more)
            lines.append(f"  {words}")
        return lines

    def _neither(self) -> str:
        where = self.machine or tr("The pods whose machine is not shown")
        parts = [tr("{where}: neither flannel nor calico, by what is shown.", where=where)]
        if self.others:
            others = enumerated(other.words for other in self.others)
            parts.append(tr("There is {others}.", others=others))
        if self.signs:
            faint = enumerated(sign.seen for sign in self.signs)
            parts.append(tr("Only {faint} points to one of them, which is not enough.", faint=faint))
        return sentences(*parts)


def findings(snapshot: Snapshot, further: Iterable[Sign] = ()) -> tuple[Finding, ...]:
    """One finding for each machine that has pods or signs, and one for the pods whose machine is not known.

    further: signs that are none of the kernel's tables, in namespaces of this snapshot.
    """
    homes: dict[str, str | None] = {}
    signs: dict[str | None, list[Sign]] = {}
    names: dict[str | None, set[str]] = {}
    for space in snapshot.rows.namespaces:
        home = space.machine
        homes[space.namespace] = home
        signs[home] = []
        names[home] = set()
    for sign in _signs(snapshot, further):
        home = homes[sign.namespace]
        signs[home].append(sign)
    for link in snapshot.rows.links:
        home = homes[link.namespace]
        names[home].add(link.name)
    found = []
    for home, own in signs.items():
        networks = _verdict(own)
        others = _others(names[home])
        found.append(Finding(home, networks, tuple(own), others))
    telling = [finding for finding in found if _tells(finding)]
    return tuple(telling or found[:1])


def _tells(finding: Finding) -> bool:
    """Whether it says more than that nothing was seen."""
    return bool(finding.networks or finding.signs or finding.others)


def _verdict(signs: Sequence[Sign]) -> tuple[str, ...]:
    """What decides; without that, two different signs that fit."""
    sure = {sign.network for sign in signs if sign.decides}
    if sure:
        return tuple(network for network in (FLANNEL, CALICO) if network in sure)
    networks = []
    for network in (FLANNEL, CALICO):
        kinds = {sign.sign for sign in signs if sign.network == network}
        if len(kinds) > 1:
            networks.append(network)
    return tuple(networks)


def _others(names: set[str]) -> tuple[Other, ...]:
    """What else machines of this look are wired by."""
    found = []
    for pattern, what in OTHERS:
        for name in sorted(names):
            if pattern.fullmatch(name):
                found.append(Other(name, what))
    return tuple(found[:MOST_OTHERS])


# ---- signs --------------------------------------------------------------------------------------------------


def _signs(snapshot: Snapshot, further: Iterable[Sign]) -> Iterator[Sign]:
    """Every sign, the deciding ones first, each kind once for each namespace."""
    rows = snapshot.rows
    signs: list[Sign] = []
    for link in rows.links:
        signs += _of_link(link)
    for address in rows.addresses:
        signs += _of_address(address)
    for route in rows.routes:
        signs += _of_route(route)
    for neighbour in rows.neighbours:
        signs += _of_neighbour(neighbour)
    signs += further
    seen = set()
    for sign in sorted(signs, key=lambda sign: not sign.decides):
        key = (sign.namespace, sign.sign)
        if key not in seen:
            seen.add(key)
            yield sign


def _of_link(link: Link) -> Iterator[Sign]:
    for pattern, network, decides, what in NAMES:
        if pattern.fullmatch(link.name):
            if link.kind == "netkit" and pattern is CALICO_END:
                what = NETKIT_END
            yield Sign(network, decides, what, link.name, link.namespace, link.line)
    if link.mac == EVERYBODYS_MAC:
        what = marked("calico gives this MAC to its end of every cable")
        words = f"{link.name} {link.mac}"
        yield Sign(CALICO, True, what, words, link.namespace, link.line)


def _of_address(address: Address) -> Iterator[Sign]:
    if address.family != "inet":
        return
    ip = ip_interface(address.address).ip
    if ip in FLANNEL_NETWORK:
        what = marked("of flannel's usual network, 10.244.0.0/16")
        words = f"{address.dev} {address.address}"
        yield Sign(FLANNEL, False, what, words, address.namespace, address.line)


def _of_route(route: Route) -> Iterator[Sign]:
    meaning = _meaning(route)
    if meaning is None:
        return
    network, decides, what = meaning
    yield Sign(network, decides, what, _words(route), route.namespace, route.line)


def _meaning(route: Route) -> Meaning | None:
    """What a route shows, where it shows a network."""
    dev = route.dev or ""
    if route.via == GATEWAY or route.to in (GATEWAY, f"{GATEWAY}/32"):
        return CALICO, False, marked("calico's gateway that nobody has, which others use too")
    if route.kind == "blackhole" and route.proto == "80":  # calico's own number
        return CALICO, True, marked("calico's blackhole for the rest of its own block")
    if CALICO_END.fullmatch(dev):
        return CALICO, True, marked("calico's route for one pod")
    if route.proto == "bird":
        return _meaning_by_bird(route)
    if CALICO_VXLAN.fullmatch(dev):
        return CALICO, True, marked("calico's route into its VXLAN")
    if FLANNEL_VXLAN.fullmatch(dev) or FLANNEL_OTHER.fullmatch(dev):
        return FLANNEL, True, marked("flannel's route to another node's pods")
    if route.to == str(FLANNEL_NETWORK):
        return FLANNEL, False, marked("the route that flannel gives its pods")
    return None


def _meaning_by_bird(route: Route) -> Meaning:
    if route.kind == "blackhole" and route.to.endswith(("/26", "/122")):
        return CALICO, False, marked("a blackhole of the size of calico's blocks, by BIRD")
    if route.dev == "tunl0":
        return CALICO, True, marked("calico's route into its IP-in-IP tunnel, by BIRD")
    return CALICO, False, marked("a route by BIRD, calico's routing daemon and that of many routers")


def _words(route: Route) -> str:
    """A route as `ip route` prints its beginning, with who made it."""
    words = [] if route.kind == "unicast" else [route.kind]
    words.append(route.to)
    if route.via:
        words.append(f"via {route.via}")
    if route.dev:
        words.append(f"dev {route.dev}")
    if route.proto:
        words.append(f"proto {route.proto}")
    return " ".join(words)


def _of_neighbour(neighbour: Neighbour) -> Iterator[Sign]:
    namespace = neighbour.namespace
    line = neighbour.line
    if neighbour.mac == EVERYBODYS_MAC:
        what = marked("answered with the MAC of calico's ends")
        words = tr("{ip} is at {mac}", ip=neighbour.ip, mac=neighbour.mac)
        yield Sign(CALICO, True, what, words, namespace, line)
    elif FLANNEL_VXLAN.fullmatch(neighbour.dev or ""):
        what = marked("flannel's entry for another node")
        words = f"{neighbour.ip} dev {neighbour.dev}"
        yield Sign(FLANNEL, True, what, words, namespace, line)
