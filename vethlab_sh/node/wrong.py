"""What does a pasted text show to be wrong, and what should be looked at next? Each with the lines that show it.

The causes are those of the live verdict, held against what the text shows. What is missing is told only of what was
listed in full. A text that shows nothing wrong is said to show nothing, which is less than that nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..language import enumerated, marked, plural, together, tr
from ..packet.causes.cause import Cause
from . import daemons, pings, sizes, tunnels, ways
from .cni import CALICO, CALICO_VXLAN, DOCKER, FLANNEL, Finding
from .ground import Fault, Ground, fault, on

FORWARDING = ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding")
NOTHING = marked("No fault is recognised in what the text shows.")


def faults(ground: Ground) -> tuple[Fault, ...]:
    """All that is wrong, the worst first, each thing once."""
    found: list[Fault] = []
    found += tunnels.faults(ground)
    found += ways.faults(ground)
    found += sizes.faults(ground)
    found += _settings(ground)
    found += _filters(ground)
    found += daemons.faults(ground, _is_lossy(ground))
    found += _networks(ground)
    found += pings.faults(ground, found)
    once: dict[str, Fault] = {}
    for one in sorted(found, key=lambda one: -one.weight):
        once.setdefault(one.words, one)
    return tuple(once.values())


def _networks(ground: Ground) -> Iterator[Fault]:
    """Two networks for pods on one machine: one of them is left over, if nobody wanted both."""
    for finding in ground.findings:
        if finding.machine is None or not finding.networks:
            continue
        names = {link.name: link for link in ground.links_at.get(finding.machine, ())}
        others = [other for other in finding.others if other.what != DOCKER]
        both = ""
        shows: list[object] = []
        if finding.networks == (FLANNEL, CALICO) and _has_tunnel_of_calico(finding, names):
            both = tr("tunnels of flannel and of calico")
            shows += finding.signs[:4]
        elif others:
            both = tr(
                "{one} and {two}",
                one=together(finding.networks),
                two=enumerated(other.words for other in others),
            )
            shows += finding.signs[:1]
            shows += [names.get(other.device) for other in others]
        if both:
            words = tr("{machine} has {both}: two networks for pods at once", machine=finding.machine, both=both)
            yield fault(Cause.WRONG_ROUTE, words, shows, 7, on(finding.machine, "ls /etc/cni/net.d"))


def _has_tunnel_of_calico(finding: Finding, names: Iterable[str]) -> bool:
    """Whether calico sends to other machines by a tunnel of its own: canal, which is both, leaves that to flannel."""
    if any(CALICO_VXLAN.fullmatch(name) for name in names):
        return True
    return any(sign.decides and sign.words.endswith("dev tunl0 proto bird") for sign in finding.signs)


def _settings(ground: Ground) -> Iterator[Fault]:
    """Settings that keep a machine from handing packets on, or that may have dropped what was lost."""
    is_lossy = _is_lossy(ground)
    are_off: set[str] = set()  # machines: both keys are one variable of the kernel's
    for at, line, row in ground.rows("sysctl"):
        key = (row["key"] or "").replace("/", ".")
        if key in FORWARDING and row["value"] == "0" and at not in are_off:
            are_off.add(at)
            words = tr("{at} hands no packets on: {key} is 0", at=at, key=key)
            yield fault(Cause.FORWARDING_OFF, words, [line], 8)
        elif key.endswith(".rp_filter") and row["value"] == "1" and is_lossy:
            words = tr(
                "{at}: {key} is 1, so what comes in by another device than its answer would leave by is dropped",
                at=at,
                key=key,
            )
            yield fault(Cause.RP_FILTER, words, [line], 4, on(at, "nstat -az TcpExtIPReversePathFilter"))


def _is_lossy(ground: Ground) -> bool:
    """Whether any ping of the text was lost."""
    for _, _, row in ground.rows("ping statistics"):
        if row["sent"] and row["received"] is not None and row["received"] < row["sent"]:
            return True
    return False


def _filters(ground: Ground) -> Iterator[Fault]:
    """A policy of FORWARD that drops what no rule lets through, and rules that have dropped something."""
    for at, line, row in ground.rows("iptables"):
        chain = row["chain"]
        target = row["target"]
        if row["table"] not in (None, "filter") or target not in ("DROP", "REJECT"):
            continue
        if row["policy"] and chain == "FORWARD":
            words = tr(
                "{at}: the policy of FORWARD is {target}, so what no rule lets through is not handed on",
                at=at,
                target=target,
            )
            yield fault(Cause.FILTER_POLICY, words, [line], 6, on(at, "iptables -S FORWARD"))
        elif not row["policy"] and row["packets"]:
            words = plural(
                "{at}: rule {number} of {chain} ({target}) has stopped {count} packet",
                "{at}: rule {number} of {chain} ({target}) has stopped {count} packets",
                row["packets"],
                at=at,
                number=row["number"],
                chain=chain,
                target=target,
            )
            yield fault(Cause.FILTER_RULE, words, [line], 5, on(at, f"iptables -S {chain}"))
