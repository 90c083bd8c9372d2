"""Does it look like flannel, like calico, or like neither, and by which signs?

Each sign is a fact of the kernel's tables, with the place, the words and, in pasted text, the line. What decides are
names and addresses that only one of them uses; what merely fits (cni0, 10.244.x.x) decides only in company.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any

from .. import markup
from ..snapshot import COLUMNS as TABLES
from ..snapshot import Row, Snapshot
from ..wiring import characters, ink, layout
from . import pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


FLANNEL, CALICO = "flannel", "calico"
FLANNEL_NETWORK = ip_network("10.244.0.0/16")  # flannel's net-conf.json as it comes, and kubeadm's usual pod network
FLANNEL_VXLAN = re.compile(r"flannel(-v6)?\.\d+")
CALICO_VXLAN = re.compile(r"vxlan(-v6)?\.calico")
CALICO_END = re.compile(r"cali[0-9a-f]{11}")
NAMES = (  # of devices: pattern, network, whether it decides, what it is
    (FLANNEL_VXLAN, FLANNEL, True, "flannel's VXLAN device"),
    (re.compile(r"cni0"), FLANNEL, False, "the bridge plugin's bridge, as flannel uses it"),
    (CALICO_END, CALICO, True, "calico's end of a pod's cable"),
    (CALICO_VXLAN, CALICO, True, "calico's VXLAN device"),
    (re.compile(r"wireguard\.cali|wg-v6\.cali|bpf(in|out)\.cali"), CALICO, True, "a device of calico's"),
    (re.compile(r"tunl0"), CALICO, False, "the IP-in-IP tunnel, as calico uses it"),
)
OTHERS = (
    (re.compile(r"cilium_\w+|lxc[0-9a-f]{8,}|lxc_health"), "cilium"),
    (re.compile(r"docker0|br-[0-9a-f]{12}"), "Docker's own bridge"),
    (re.compile(r"weave|vxlan-6784"), "Weave Net"),
    (re.compile(r"antrea-\w+"), "Antrea"),
    (re.compile(r"ovn-k8s-\w+|ovs-system"), "Open vSwitch, perhaps OVN-Kubernetes"),
    (re.compile(r"kube-bridge"), "kube-router"),
)


@dataclass(frozen=True)
class Finding:
    """What the pods of one machine are wired by, and the signs that say so.

    machine: its name, or None for pods whose machine nothing tells; network: flannel, calico, `flannel and calico`
    or neither; signs: rows with network, decides, sign (what it is), words (as seen), namespace, line; others: signs
    of something else.
    """

    machine: str | None
    network: str
    signs: tuple[Row, ...]
    others: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it is one that we know."""
        return self.network != "neither"

    def __str__(self) -> str:
        where = self.machine or "The pods whose machine is not shown"
        if not self.known:
            seen = f" There is {', '.join(self.others)}." if self.others else ""
            faint = [f"{row['words']}{_place(row)}" for row in self.signs]
            alone = f" Only {', '.join(faint)} points to one of them, which is not enough." if faint else ""
            return f"{where}: neither flannel nor calico, by what is shown.{seen}{alone}"
        told = "looks like " if self.machine else "look like "
        canal = " (together they are called canal)" if " and " in self.network else ""
        shown = [row for row in self.signs if row["network"] in self.network]
        lines = [f"  {row['words']}{_place(row)}: {row['sign']}" for row in shown[:8]]
        more = [f"  and {len(shown) - 8} more signs"] if len(shown) > 8 else []
        return "\n".join([f"{where} {told}{self.network}{canal}:", *lines, *more])

    @property
    def rows(self) -> list[Row]:
        """Its signs, with the machine and the network that they speak for."""
        return [{"machine": self.machine} | row for row in self.signs]


def _place(row: Row) -> str:
    return f" (line {row['line']}, {row['namespace']})" if row["line"] else f" ({row['namespace']})"


@dataclass(frozen=True)
class Wired:
    """Namespaces, pasted or this machine's, with their cables joined.

    snapshot: everything, in the tables of a snapshot; findings: for each machine its network, with the signs.
    """

    snapshot: Snapshot
    findings: tuple[Finding, ...]

    @property
    def links(self) -> DataFrame:
        """A row a device."""
        return self.snapshot.links

    @cached_property
    def wire_rows(self) -> tuple[Row, ...]:
        """The rows of `wires`."""
        return pairs.wires(self.snapshot)

    @property
    def wires(self) -> DataFrame:
        """A row a cable: both ends, its bridge, the route to the pod, who answers the pod's ARP (see join.wires)."""
        import pandas

        return pandas.DataFrame(list(self.wire_rows), columns=list(pairs.COLUMNS)).convert_dtypes()

    @property
    def finding(self) -> str:
        """flannel, calico or neither, machine by machine, with the signs and, in pasted text, their lines."""
        return "\n".join(map(str, self.findings))

    def as_text(self, unicode: bool = True) -> str:
        """The wiring in characters; nothing when there is no device."""
        return characters.as_text(self.snapshot, unicode) if self.snapshot.rows["links"] else ""

    def draw(self, ax: Axes | None = None, routes: bool = False) -> Axes:
        """The wiring as far as it is known, as matplotlib axes; an end that is out of sight has a `?`."""
        return ink.draw(layout.layout(self.snapshot, routes=routes), ax)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "findings": [{"machine": f.machine, "network": f.network, "signs": list(f.signs), "others": list(f.others)}
                         for f in self.findings],
            "wires": list(self.wire_rows),
            "snapshot": {name: self.snapshot.rows.plain(name) for name in TABLES if name != "wires"},
        }  # fmt: skip

    def _repr_html_(self) -> str:
        cables = markup.table(self.wire_rows, pairs.COLUMNS, title="Cables")
        return f"<pre>{escape(self.finding)}</pre>\n{cables}\n<pre>{escape(self.as_text())}</pre>"


def findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """One finding for each machine that has pods or signs, and one for the pods whose machine is not known."""
    homes = {row["namespace"]: row.get("machine") for row in snapshot.rows["namespaces"]}
    by_machine: dict[str | None, list[Row]] = {home: [] for home in homes.values()}
    for sign in _signs(snapshot):
        by_machine[homes[sign["namespace"]]].append(sign)
    others = {home: _others(snapshot, home, homes) for home in by_machine}
    found = tuple(Finding(home, _verdict(signs), tuple(signs), others[home]) for home, signs in by_machine.items())
    telling = tuple(f for f in found if f.known or f.signs or f.others)
    return telling or found[:1]


def _verdict(signs: list[Row]) -> str:
    """What decides; without that, two different signs that fit."""
    sure = [name for name in (FLANNEL, CALICO) if any(s["network"] == name and s["decides"] for s in signs)]
    if not sure:
        kinds = {name: {s["sign"] for s in signs if s["network"] == name} for name in (FLANNEL, CALICO)}
        sure = [name for name, different in kinds.items() if len(different) > 1]
    return " and ".join(sure) or "neither"


def _signs(snapshot: Snapshot) -> Iterator[Row]:
    """Every sign, the deciding ones first, each kind once for each namespace."""
    found = [*_devices(snapshot), *_addresses(snapshot), *_routes(snapshot), *_neighbours(snapshot)]
    seen = set()
    for row in sorted(found, key=lambda row: not row["decides"]):
        key = (row["namespace"], row["sign"])
        if key not in seen:
            seen.add(key)
            yield row


def _sign(network: str, decides: bool, sign: str, words: str, row: Row) -> Row:
    return {
        "network": network, "decides": decides, "sign": sign, "words": words, "namespace": row["namespace"],
        "line": row.get("line"),
    }  # fmt: skip


def _devices(snapshot: Snapshot) -> Iterator[Row]:
    for link in snapshot.rows["links"]:
        for pattern, network, decides, what in NAMES:
            if pattern.fullmatch(link["name"]):
                yield _sign(network, decides, what, link["name"], link)
        if link["mac"] == pairs.EVERYBODYS_MAC:
            yield _sign(
                CALICO, True, "calico gives this MAC to its end of every cable", f"{link['name']} {link['mac']}", link
            )


def _addresses(snapshot: Snapshot) -> Iterator[Row]:
    for row in snapshot.rows["addresses"]:
        if row["family"] == "inet" and ip_interface(row["address"]).ip in FLANNEL_NETWORK:
            yield _sign(
                FLANNEL, False, "of flannel's usual network, 10.244.0.0/16", f"{row['dev']} {row['address']}", row
            )


def _routes(snapshot: Snapshot) -> Iterator[Row]:
    for row in snapshot.rows["routes"]:
        words = " ".join(filter(None, ["" if row["kind"] == "unicast" else row["kind"], row["to"],
                                       row["via"] and f"via {row['via']}", row["dev"] and f"dev {row['dev']}",
                                       row["proto"] and f"proto {row['proto']}"]))  # fmt: skip
        if row["via"] == "169.254.1.1" or row["to"] in ("169.254.1.1", "169.254.1.1/32"):
            yield _sign(CALICO, True, "calico's gateway that nobody has", words, row)
        elif row["kind"] == "blackhole" and str(row["proto"]) in ("80", "bird"):
            yield _sign(CALICO, True, "calico's blackhole for the rest of its own block", words, row)
        elif row["proto"] == "bird":
            yield _sign(CALICO, True, "a route by BIRD, calico's routing daemon", words, row)
        elif row["dev"] and CALICO_END.fullmatch(row["dev"]):
            yield _sign(CALICO, True, "calico's route for one pod", words, row)
        elif row["dev"] and CALICO_VXLAN.fullmatch(row["dev"]):
            yield _sign(CALICO, True, "calico's route into its VXLAN", words, row)
        elif row["dev"] and FLANNEL_VXLAN.fullmatch(row["dev"]):
            yield _sign(FLANNEL, True, "flannel's route to another node's pods", words, row)
        elif row["to"] == str(FLANNEL_NETWORK):
            yield _sign(FLANNEL, False, "the route that flannel gives its pods", words, row)


def _neighbours(snapshot: Snapshot) -> Iterator[Row]:
    for row in snapshot.rows["neighbours"]:
        if row["mac"] == pairs.EVERYBODYS_MAC:
            yield _sign(CALICO, True, "answered with the MAC of calico's ends", f"{row['ip']} is at {row['mac']}", row)
        elif row["dev"] and FLANNEL_VXLAN.fullmatch(row["dev"]):
            yield _sign(FLANNEL, True, "flannel's entry for another node", f"{row['ip']} dev {row['dev']}", row)


def _others(snapshot: Snapshot, home: str | None, homes: dict[str, str | None]) -> tuple[str, ...]:
    names = {link["name"] for link in snapshot.rows["links"] if homes[link["namespace"]] == home}
    found = {f"{name} ({what})": None for pattern, what in OTHERS for name in sorted(names) if pattern.fullmatch(name)}
    return tuple(found)[:4]
