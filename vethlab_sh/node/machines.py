"""Which places of a text are machines, and which machine is each pod on? Their devices and cables tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..facts import Link, Namespace
from ..snapshot import Facts
from .cni import GATEWAY

# How names of devices begin that stand on a machine, though a cable leads out of them too.
NODE_NAMES = ("cali", "veth", "cni", "flannel", "docker", "br-", "vxlan", "tunl", "lxc", "cilium", "virbr", "wl", "en")
OF_MACHINES = re.compile(
    r"cali[0-9a-f]{11}|veth[0-9a-f]{6,}|eni[0-9a-f]{11}|azv[0-9a-f]{8,}|lxc[0-9a-f]{8,}|cilium_\w+|cni0|docker0"
    r"|flannel[.\d-]\S*|vxlan\.calico|weave|kube-bridge|kube-ipvs0|br-[0-9a-f]{12}"
)


def placed(facts: Facts) -> tuple[Namespace, ...]:
    """The namespaces with their kind, and the machine that each is on: itself, or None when nothing tells."""
    links: dict[str, list[Link]] = {space.namespace: [] for space in facts.namespaces}
    for link in facts.links:
        links.setdefault(link.namespace, []).append(link)
    has_calico = {route.namespace for route in facts.routes if route.via == GATEWAY}
    kinds = {}
    for space in facts.namespaces:
        name = space.namespace
        kind = space.kind
        if kind == "pod" and any(_is_of_machine(link) for link in links[name]):
            kind = "machine"  # a pod on its machine's own network, or a container that plays a machine, as kind's do
        kinds[name] = kind or _guessed(links[name], name in has_calico)
    settled = []
    for space in facts.namespaces:
        name = space.namespace
        kind = kinds[name]
        machine: str | None = name
        if kind != "machine":
            machine = _machine_behind(links[name], kinds) or space.on
        settled.append(replace(space, kind=kind, machine=machine, placed=True))
    return tuple(settled)


def _machine_behind(links: Iterable[Link], kinds: Mapping[str, str]) -> str | None:
    """The first machine that a cable leads to."""
    for link in links:
        if link.peer_namespace and kinds.get(link.peer_namespace) == "machine":
            return link.peer_namespace
    return None


def _is_of_machine(link: Link) -> bool:
    """Whether only a machine has a device of this name: another's end of a cable, a bridge, a tunnel of a network."""
    return OF_MACHINES.fullmatch(link.name) is not None


def _guessed(links: Sequence[Link], has_calico: bool) -> str:
    """What a prompt's machine is by its devices: a pod has nothing but ends of cables that lead out of it.

    has_calico: its gateway is 169.254.1.1, which only calico's pods have.
    """
    if has_calico:
        return "pod"
    own = [link for link in links if link.kind != "loopback"]
    if own and all(_leads_out(link) for link in own):
        return "pod"
    return "machine"


def _leads_out(link: Link) -> bool:
    """Whether it is an end of a cable, and neither in a bridge nor called as a machine's ends are."""
    if link.peer_index is None or link.master:
        return False
    return not link.name.startswith(NODE_NAMES)
