"""Claims about ARP: does a namespace answer for an address at a device? What arp_process() decides, in its order."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface

from ..facts import Device
from ..inside import inside, quoted
from ..language import tr
from ..packet.causes.cables import switched_off
from ..packet.causes.cause import Cause, fix
from ..packet.causes.settings import LOOSE, asking, key, set_all, setting
from ..parsers.filters import devices_of
from .devices import full, link_line, no_by
from .forwarding import closed_chain
from .question import Finding, Question, no, written, yes

# Values of arp_ignore: Documentation/networking/ip-sysctl. 4 to 7 are reserved, and ignore nothing.
ON_THIS_DEVICE, SAME_NETWORK, NO_HOST_SCOPE, NEVER = 1, 2, 3, 8
HOOKS = ("ingress", "prerouting", "input", "output", "egress")  # that a question, or the answer, passes


@dataclass(frozen=True)
class Asked:
    """A question for the MAC of an address, at a device, and by whom it would be asked; none when nobody is there."""

    device: Device
    ip: str
    asker: str | None

    @property
    def space(self) -> str:
        """The namespace that is asked."""
        return self.device[0]

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device[1]

    @property
    def line(self) -> str:
        """The line that shows what the kernel does with a packet for the address that comes in by the device."""
        line = f"ip route get {self.ip}"
        if self.asker is None:
            return line
        return f"{line} from {self.asker} iif {quoted(self.name)}"


@dataclass(frozen=True)
class Way:
    """What the kernel would do with such a packet: kind of route and device, or the error that it gives instead."""

    kind: str = ""
    dev: str | None = None
    error: str = ""


def answers_arp(question: Question, ns: str, ip: str, dev: str | None) -> Finding:
    """`master answers ARP for 169.254.1.1 on cali50c25257626`; without a device: on any that is not lo."""
    if dev is not None:
        device = question.device(ns, dev)
        return _answers_at(question, device, question.address(ip))
    space = question.space(ns)
    ip = question.address(ip)
    devices = [device for device in question.tables.links if device[0] == space]
    wires = [device for device in devices if device[1] != "lo"]
    findings = []
    for device in wires or devices:
        finding = _answers_at(question, device, ip)
        if finding.ok:
            return finding
        findings.append(finding)
    return findings[-1]


def _answers_at(question: Question, device: Device, ip: str) -> Finding:
    """Whether a device answers: it hears the question, no filter drops it, and the kernel would take such a packet."""
    deaf = _deaf(question, device) or _filtered(question, device)
    if deaf:
        return deaf
    asked = Asked(device, ip, _asker(question, device, ip))
    way = _way(question, asked)
    if way.kind == "local":
        return _answers_for_itself(question, asked)
    if ip in question.tables.own(device[0]):
        return _not_taken(question, asked, way)
    return _answers_for_others(question, asked, way)


def _deaf(question: Question, device: Device) -> Finding | None:
    """A device that hears no question: without ARP (arp_rcv()), without a signal, or a port of a bridge."""
    space, name = device
    link = question.link(device)
    if link.arp is False:
        mend = fix(space, f"ip link set {quoted(name)} arp on")
        return no(
            tr("ARP is switched off at {full} (NOARP)", full=full(device)),
            link_line(device),
            "mtu",
            cause=Cause.ARP_OFF,
            fixes=written(mend),
        )
    off = switched_off(question.tables, device)
    if off:
        return no_by(off, link_line(device), "mtu")
    if link.master:
        why = tr(
            "{full} is a port of {master}, so what comes in there belongs to {master}",
            full=full(device),
            master=link.master,
        )
        return no(why, link_line(device), "master", cause=Cause.ADDRESS_ON_PORT)
    return None


def _filtered(question: Question, device: Device) -> Finding | None:
    """A filter that no question, or no answer, passes: nft's families arp and netdev, of a bridge also bridge."""
    families = ["arp", "netdev"]
    if question.link(device).kind == "bridge":
        families.append("bridge")
    (filters,) = question.filters([device[0]])
    for closed in filters.closed(families, HOOKS):
        devices = devices_of(closed.chain)
        if devices and device[1] not in devices:
            continue
        finding = closed_chain(device[0], closed)
        return replace(finding, why=tr("{why}, so no question gets in, or no answer out", why=finding.why))
    return None


def _asker(question: Question, device: Device, ip: str) -> str | None:
    """Who would ask: somebody on the same wire, best one to whose network the address belongs."""
    tables = question.tables
    own = tables.own(device[0])
    askers = []
    for other in tables.wire(device):
        if other[0] == device[0]:
            continue
        for row in tables.addresses_of(other):
            if row.family == "inet" and row.ip not in own and row.ip != ip:
                askers.append(row)
    for row in askers:
        if ip_address(ip) in ip_interface(row.address).network:
            return row.ip
    return askers[0].ip if askers else None


def _way(question: Question, asked: Asked) -> Way:
    """What the kernel would do, asked as arp_process() asks: ip_route_input_noref() from the asker, by the device."""
    if asked.asker is None:
        decision = question.look(asked.space).decide(asked.ip, None, asked.name)
        if decision.route is None:
            return Way(error=tr("no route"))
        return Way(decision.route.kind, decision.route.dev)
    line = asked.line.replace("ip route", "ip -j route")
    ran = question.shell.run(inside(asked.space, line), expect=None)
    if ran.code != 0:
        complaint = ran.err.strip()
        _, _, words = complaint.partition(": ")  # after `RTNETLINK answers`
        return Way(error=words or complaint)
    row = json.loads(ran.out)[0]
    kind = row.get("type", "unicast")
    return Way(kind, row.get("dev"))


def _answers_for_itself(question: Question, asked: Asked) -> Finding:
    """An address that is its own: unless arp_ignore() or arp_filter() says no."""
    space = asked.space
    ip = asked.ip
    refusal = _ignored(question, asked) or _other_device(question, asked)
    if refusal:
        return refusal
    row = question.tables.address(space, ip)
    if row is None:
        why = tr("{space} takes {ip} for its own, by a route of table local", space=space, ip=ip)
        return yes(why, inside(space, f"ip route get {ip}"), ip)
    return yes(tr("{ip} is {space}'s own address", ip=ip, space=space), inside(space, "ip -br addr"), row.address)


def _ignored(question: Question, asked: Asked) -> Finding | None:
    """arp_ignore(): the larger value of `all` and the device counts."""
    space, name = asked.device
    ip = asked.ip
    value = question.look(space).conf(name, "arp_ignore")
    here = [row for row in question.tables.addresses_of(asked.device) if row.ip == ip]
    if value == NEVER:
        why = tr("arp_ignore is {never} in {space}: it answers nobody", never=NEVER, space=space)
    elif value in (ON_THIS_DEVICE, SAME_NETWORK) and not here:
        why = tr(
            "{ip} is {space}'s own address, but arp_ignore is {value} there and it is not on {name}",
            ip=ip,
            space=space,
            value=value,
            name=name,
        )
    elif value == SAME_NETWORK and _is_stranger(asked.asker, here[0].address):
        why = tr(
            "arp_ignore is {value} in {space}, and {asker}, who would ask, is of another network",
            value=value,
            space=space,
            asker=asked.asker,
        )
    elif value == NO_HOST_SCOPE and _is_of_host_scope(question, space, ip):
        why = tr(
            "arp_ignore is {value} in {space}, and {ip} is an address of scope host", value=value, space=space, ip=ip
        )
    else:
        return None
    return _by_setting(question, asked, "arp_ignore", why, Cause.ARP_IGNORE)


def _is_of_host_scope(question: Question, space: str, ip: str) -> bool:
    """Whether a namespace has an address for itself only; ip-address(8), scope host."""
    rows = question.tables.facts.addresses
    scopes = {row.scope for row in rows if row.namespace == space and row.ip == ip}
    return scopes == {"host"}


def _is_stranger(asker: str | None, address: str) -> bool:
    """Whether who asks is not of the network of an address."""
    if asker is None:
        return False
    network = ip_interface(address).network
    return ip_address(asker) not in network


def _other_device(question: Question, asked: Asked) -> Finding | None:
    """arp_filter(): the kernel answers only where it would send to who asks."""
    space, name = asked.device
    if asked.asker is None or not question.look(space).conf(name, "arp_filter"):
        return None
    line = f"ip -j route get {asked.asker} from {asked.ip}"
    # arp_filter() looks up the way to who asks, from the address that is asked for
    ran = question.shell.run(inside(space, line), expect=None)
    dev = None
    if ran.code == 0:
        dev = json.loads(ran.out)[0].get("dev")
    if dev == name:
        return None
    way = tr("by {dev}", dev=dev) if dev else tr("nowhere")
    why = tr(
        "arp_filter is 1 at {full}, and it sends to {asker}, who would ask, {way}",
        full=full(asked.device),
        asker=asked.asker,
        way=way,
    )
    return _by_setting(question, asked, "arp_filter", why, Cause.ARP_FILTER)


def _by_setting(question: Question, asked: Asked, name: str, why: str, cause: Cause) -> Finding:
    """A no by a setting of which the larger value of `all` and the device counts."""
    look = question.look(asked.space)
    paths = (f"ipv4/conf/all/{name}", f"ipv4/conf/{asked.name}/{name}")
    on = [path for path in paths if look.number(path)]
    return no(
        why,
        inside(asked.space, asking(*on)),
        cause=cause,
        fixes=written(set_all(asked.space, on, 0)),
    )


def _not_taken(question: Question, asked: Asked, way: Way) -> Finding:
    """An address that it has, and would not take a packet for: ip_route_input_noref() says no, so arp_process() too."""
    start = tr("{ip} is {space}'s own address, but", ip=asked.ip, space=asked.space)
    if way.error:
        return _refused(question, asked, way, start)
    why = tr("{start} its rules and routes do not take it for one: it would send it by {dev}", start=start, dev=way.dev)
    return no(why, inside(asked.space, asked.line), cause=Cause.POLICY_RULE)


def _refused(question: Question, asked: Asked, way: Way, start: str) -> Finding:
    """The kernel refuses such a packet; __fib_validate_source() for its source, a rule or a route for its goal."""
    space, name = asked.device
    look = question.look(space)
    command = inside(space, asked.line)
    value = look.conf(name, "rp_filter")
    back = look.decide(asked.asker).route if asked.asker else None
    comes_back_here = back is None or back.dev == name
    if back is None or comes_back_here or not value or look.has_own(str(asked.asker)):
        why = tr(
            "{start} the kernel refuses what {sender} sends there: {error}",
            start=start,
            sender=asked.asker or tr("somebody"),
            error=way.error or way.kind,
        )
        return no(why, command)
    way_back = tr("the way back to {asker}, who would ask, is {route}", asker=asked.asker, route=back.words)
    loose = setting(space, f"ipv4/conf/{name}/rp_filter", LOOSE)
    return no(
        tr(
            "{start} rp_filter is {value} at {name}, and {way_back}",
            start=start,
            value=value,
            name=name,
            way_back=way_back,
        ),
        command,
        cause=Cause.RP_FILTER,
        fixes=written(loose),
    )


def _answers_for_others(question: Question, asked: Asked, way: Way) -> Finding:
    """Proxy ARP: where the kernel would forward, and by another device than that by which it was asked.

    arp_process(): IN_DEV_FORWARD(), and arp_fwd_proxy() or an entry of `ip neigh add proxy`.
    """
    space, name = asked.device
    ip = asked.ip
    by = _stands_in(question, asked)
    if by is None:
        path = f"ipv4/conf/{name}/proxy_arp"
        return no(
            tr("{ip} is not its own address, and proxy_arp is off at {full}", ip=ip, full=full(asked.device)),
            inside(space, asking(path)),
            cause=Cause.PROXY_ARP_OFF,
            fixes=written(setting(space, path, 1)),
        )
    off = _not_forwarding(question, asked, by)
    if off:
        return off
    # by the same device there is no need to stand in: arp_fwd_proxy(), net/ipv4/arp.c
    route = question.look(space).decide(ip, asked.asker, name).route
    command = inside(space, f"ip route get {ip}")
    if route is None or route.is_dead_end:
        return no(
            tr("{by}, but {space} has no route to {ip}", by=by, space=space, ip=ip), command, cause=Cause.NO_ROUTE
        )
    if route.dev == name:
        return no(
            tr("{by}, but {space} would itself look for {ip} behind {name}", by=by, space=space, ip=ip, name=name),
            command,
            cause=Cause.NO_ROUTE,
        )
    if way.kind != "unicast":
        return _refused(question, asked, way, tr("{by}, but", by=by))
    why = tr(
        "{by}, and {space} can send to {ip} by another device: {words}", by=by, space=space, ip=ip, words=route.words
    )
    return yes(why, inside(space, asked.line), ip)


def _stands_in(question: Question, asked: Asked) -> str | None:
    """By what a namespace answers for others: the setting, or an entry for this address. None when by nothing."""
    if question.look(asked.space).conf(asked.name, "proxy_arp"):
        return tr("proxy_arp is on at {full}", full=full(asked.device))
    if _has_entry(question, asked):
        return tr("{space} has a proxy entry for {ip} at {asked}", space=asked.space, ip=asked.ip, asked=asked.name)
    return None


def _has_entry(question: Question, asked: Asked) -> bool:
    """Whether `ip neigh add proxy` made an entry for this address."""
    line = inside(asked.space, f"ip -j neigh show proxy dev {quoted(asked.name)}")
    ran = question.shell.run(line, expect=None)
    rows = json.loads(ran.out or "[]")
    return any(row.get("dst") == asked.ip for row in rows)


def _not_forwarding(question: Question, asked: Asked, by: str) -> Finding | None:
    space, name = asked.device
    settings = question.look(space).settings
    path, whole = f"ipv4/conf/{name}/forwarding", "ipv4/ip_forward"
    # IN_DEV_FORWARD() asks the device's own setting alone; ip_forward writes it into every device's
    if settings.get(path) != "0":
        return None
    if settings.get(whole) == "0":
        off, what = whole, tr("{name} is 0 in {space}", name="ip_forward", space=space)
    else:
        off, what = path, tr("{name} is 0", name=key(path))
    return no(
        tr("{by}, but the kernel answers for others only where it forwards, and {what}", by=by, what=what),
        inside(space, asking(off)),
        cause=Cause.FORWARDING_OFF,
        fixes=written(setting(space, off, 1)),
    )
