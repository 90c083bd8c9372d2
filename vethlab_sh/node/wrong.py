"""What does a pasted text show to be wrong, and what should be looked at next? Each with the lines that show it.

The causes are those of the live verdict, held against what the text shows. What is missing is told only of what was
listed in full. A text that shows nothing wrong is said to show nothing, which is less than that nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..packet.causes.cause import Cause
from ..tables import Row
from . import sizes, tunnels, ways
from .cni import CALICO, CALICO_VXLAN, FLANNEL
from .ground import Fault, Ground, fault

NOTHING = "The text shows nothing wrong."
# What an error of `ping` says of the cause: the words of iputils and BusyBox for the codes of ICMP (RFC 792)
SAID = (
    ("Host Unreachable", Cause.NO_NEIGHBOUR, "who answered so got no answer to ARP"),
    ("Time to live exceeded", Cause.ROUTING_LOOP, "the packet went round in a circle, or its way was too long"),
    ("Net Unreachable", Cause.NO_ROUTE, "there is no route"),
    ("Network is unreachable", Cause.NO_ROUTE, "there is no route"),
    ("No route to host", Cause.NO_ROUTE, "there is no route"),
    ("Packet filtered", Cause.REJECTED, "a filter refused it"),
    ("prohibited", Cause.REJECTED, "a filter refused it"),
    ("Frag", Cause.MTU, "it was larger than a link on its way takes"),
    ("too long", Cause.MTU, "it was larger than a link on its way takes"),
    ("unknown host", Cause.UNKNOWN, "the name was not resolved, so nothing was sent"),
    ("bad address", Cause.UNKNOWN, "the name was not resolved, so nothing was sent"),
    ("not known", Cause.UNKNOWN, "the name was not resolved, so nothing was sent"),
    ("name resolution", Cause.UNKNOWN, "the name was not resolved, so nothing was sent"),
    ("Invalid argument", Cause.DEAD_ROUTE, "a blackhole route swallows it"),
)


def faults(ground: Ground) -> tuple[Fault, ...]:
    """All that is wrong, the worst first, each thing once."""
    found = [*tunnels.faults(ground), *ways.faults(ground), *sizes.faults(ground), *_settings(ground)]
    found += _filters(ground)
    found += _networks(ground)
    found += _pings(ground, found)
    once: dict[str, Fault] = {}
    for one in sorted(found, key=lambda one: -one.weight):
        once.setdefault(one.words, one)
    return tuple(once.values())


def _pings(ground: Ground, others: Sequence[Fault]) -> Iterator[Fault]:
    """Pings that were lost, with their likely reason: what an error says, or what else is wrong on their way."""
    errors = _errors(ground)
    by_line: dict[int, Fault] = {}
    for other in others:
        for line in other.lines:
            by_line.setdefault(line, other)
    for output in ground.outputs:
        if output.name != "ping statistics":
            continue
        if not output.records:
            yield from _not_sent(output.at, errors.get(output.line, []))
        for record in output.records:
            row = record.row
            sent, received = row.get("sent"), row.get("received")
            if sent and received is not None and received < sent:
                yield _lost(ground, output.at, record.line, row, errors.get(output.line, []), by_line)


def _errors(ground: Ground) -> dict[int, list[tuple[int, str, str]]]:
    """The errors of each ping, by the line of its command: their lines, who sent them, and their words."""
    errors: dict[int, list[tuple[int, str, str]]] = {}
    for output in ground.outputs:
        if output.name != "ping":
            continue
        for record in output.records:
            if record.row.get("error"):
                who = record.row.get("from") or ""
                errors.setdefault(output.line, []).append((record.line, who, record.row["error"]))
    return errors


def _not_sent(at: str, errors: Sequence[tuple[int, str, str]]) -> Iterator[Fault]:
    """A ping that ended before it sent anything: its target has no address, or no route leads there."""
    for line, _, said in errors[:1]:
        cause, meaning = _meaning(said)
        words = f"{at}: ping says {said!r}"
        if meaning:
            words += f": {meaning}"
        yield fault(cause, words, [line], 7)


def _meaning(said: str) -> tuple[Cause, str]:
    """What an error of ping says of the cause; nothing where its words are not known."""
    for sign, cause, meaning in SAID:
        if sign.lower() in said.lower():
            return cause, meaning
    return Cause.UNKNOWN, ""


def _lost(
    ground: Ground, at: str, line: int, row: Row, errors: list[tuple[int, str, str]], others: Mapping[int, Fault]
) -> Fault:
    target = row.get("address") or row.get("target") or "its target"
    lost = row["sent"] - row["received"]
    words = f"{at}: {lost} of {row['sent']} pings to {target} were not answered"
    cause, lines = Cause.UNKNOWN, [line]
    look = f"ip route get {target}   (on {at}), and tcpdump -ni any icmp at the other end"
    for error_line, who, said in errors[:1]:
        meant, meaning = _meaning(said)
        if meaning:
            cause = meant
            words += f"; {who or 'the sender'} says {said!r}: {meaning}"
            lines.append(error_line)
    route = ground.route_for(at, target) if ways.is_ip(target) else None
    if route is not None and route.line:
        on_way = others.get(route.line)
        if on_way:
            words += f"; what is wrong with its route, {route.words}, is told too"
            cause = on_way.cause
            lines.append(route.line)
    return fault(cause, words, lines, 8, look)


def _networks(ground: Ground) -> Iterator[Fault]:
    """Two networks for pods on one machine: one of them is left over, if nobody wanted both."""
    for finding in ground.findings:
        if finding.machine is None:
            continue
        names = {link.name: link for link in ground.links_at.get(finding.machine, ())}
        others = [other for other in finding.others if "Docker" not in other]
        tunnels_of = [link for name, link in names.items() if CALICO_VXLAN.fullmatch(name)]
        bird = [sign for sign in finding.signs if "IP-in-IP tunnel" in sign.sign and sign.decides]
        is_both = finding.networks == (FLANNEL, CALICO)
        if is_both and (tunnels_of or bird):
            words = f"{finding.machine} has tunnels of flannel and of calico: two networks for pods at once"
            yield fault(
                Cause.WRONG_ROUTE, words, [*finding.signs[:4], *tunnels_of], 7, "ls /etc/cni/net.d   (on the machine)"
            )
        elif finding.networks and others:
            words = f"{finding.machine} has {finding.network} and {', '.join(others)}: two networks for pods at once"
            shows = [names.get(other.partition(" ")[0]) for other in others]
            yield fault(
                Cause.WRONG_ROUTE, words, [*finding.signs[:1], *shows], 7, "ls /etc/cni/net.d   (on the machine)"
            )


def _settings(ground: Ground) -> Iterator[Fault]:
    """Settings that keep a machine from handing packets on."""
    is_lossy = any(row["received"] < row["sent"] for _, _, row in ground.rows("ping statistics") if row.get("sent"))
    for at, line, row in ground.rows("sysctl"):
        key = str(row.get("key") or row.get("name") or "").replace("/", ".")
        value = str(row.get("value"))
        if key in ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding") and value == "0":
            words = f"{at} hands no packets on: {key} is 0"
            yield fault(Cause.FORWARDING_OFF, words, [line], 8)
        elif key.endswith(".rp_filter") and value == "1" and is_lossy:
            words = f"{at}: {key} is 1, so what comes in by another device than its answer would leave by is dropped"
            yield fault(Cause.RP_FILTER, words, [line], 4, f"nstat -az TcpExtIPReversePathFilter   (on {at})")


def _filters(ground: Ground) -> Iterator[Fault]:
    """A policy of FORWARD that drops what no rule lets through, and rules that have dropped something."""
    for at, line, row in ground.rows("iptables"):
        if row["table"] not in (None, "filter") or row["target"] not in ("DROP", "REJECT"):
            continue
        if row["policy"] and row["chain"] == "FORWARD":
            words = f"{at}: the policy of FORWARD is {row['target']}, so what no rule lets through is not handed on"
            yield fault(Cause.FILTER_POLICY, words, [line], 6, f"iptables -S FORWARD   (on {at})")
        elif not row["policy"] and row["packets"]:
            rule = f"rule {row['number']} of {row['chain']}"
            words = f"{at}: {rule} ({row['target']}) has stopped {row['packets']} packets"
            yield fault(Cause.FILTER_RULE, words, [line], 5, f"iptables -S {row['chain']}   (on {at})")
