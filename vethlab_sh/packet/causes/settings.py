"""Which setting stands in the way? The sysctls that decide about a packet, and the line that sets one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...facts import Device, Route, Rule
from ...inside import quoted
from ...language import tr
from .cables import only_gateway
from .cause import Cause, Diagnosis, Fix, Shown, fix, full
from .scene import Scene

STRICT, LOOSE = 1, 2  # values of rp_filter: Documentation/networking/ip-sysctl


def key(path: str) -> str:
    """A setting as `sysctl` names it; a device with a dot in its name keeps the slashes.

    >>> key("ipv4/conf/left/forwarding"), key("ipv4/conf/flannel.1/rp_filter")
    ('net.ipv4.conf.left.forwarding', 'net/ipv4/conf/flannel.1/rp_filter')
    """
    whole = f"net/{path}"
    if "." in path:
        return whole
    return whole.replace("/", ".")


def setting(space: str, path: str, value: int) -> Fix:
    """The line that sets one."""
    return set_all(space, [path], value)


def set_all(space: str, paths: Iterable[str], value: int) -> Fix:
    """The line that sets several alike; a device in their names may be called as a stranger likes."""
    words = [quoted(f"{key(path)}={value}") for path in paths]
    return fix(space, f"sysctl -w {' '.join(words)}")


def asking(*paths: str) -> str:
    """The line that asks for settings."""
    keys = [quoted(key(path)) for path in paths]
    return f"sysctl {' '.join(keys)}"


def show_setting(space: str, *paths: str) -> Shown:
    """The line that shows them; what decides is told by the last one."""
    return Shown.of(space, asking(*paths))


def forwarding_off(scene: Scene, arrived: Device, dst: str) -> Diagnosis | None:
    """Whether a namespace forwards what comes in by this device: of IPv4 the device's own setting decides alone.

    ip_route_input_slow(): IN_DEV_FORWARD(in_dev); ip6_forward(): net->ipv6.devconf_all->forwarding.
    """
    space, name = arrived
    settings = scene.look(space).settings
    if ":" in dst:
        path = "ipv6/conf/all/forwarding"
        if settings.get(path) == "0":
            return _off(space, path, tr("forwarding is off in {space} ({key}=0)", space=space, key=key(path)))
        return None
    path, whole = f"ipv4/conf/{name}/forwarding", "ipv4/ip_forward"
    if settings.get(path, "1") != "0":
        return None
    if settings.get(whole) == "0":
        return _off(space, whole, tr("forwarding is off in {space} ({key}=0)", space=space, key=key(whole)))
    reason = tr(
        "forwarding is off at {name} in {space} ({key}=0): what comes in there is not forwarded",
        name=name,
        space=space,
        key=key(path),
    )
    return _off(space, path, reason)


def _off(space: str, path: str, reason: str) -> Diagnosis:
    """A switch for forwarding that is 0."""
    return Diagnosis(
        cause=Cause.FORWARDING_OFF,
        reason=reason,
        shown=show_setting(space, path),
        fixes=(setting(space, path, 1),),
    )


def reverse_path(scene: Scene, arrived: Device, source: str) -> Diagnosis | None:
    """Whether the reverse-path filter drops what comes from this source by this device.

    __fib_validate_source(), net/ipv4/fib_frontend.c: strict wants the way back by the same device, loose any way back.
    There is none for IPv6.
    """
    space, name = arrived
    # the larger of `all` and the device counts: IN_DEV_RPFILTER(), include/linux/inetdevice.h
    look = scene.look(space)
    value = look.conf(name, "rp_filter")
    if ":" in source or value not in (STRICT, LOOSE):
        return None
    decision = scene.way_back(arrived, source)
    back = decision.route
    paths = ["ipv4/conf/all/rp_filter", f"ipv4/conf/{name}/rp_filter"]
    paths.sort(key=look.number)
    shown = show_setting(space, *paths)
    refused = tr("a packet from {source} must not come in here", source=source)
    if back is None:
        reason = tr(
            "rp_filter is on at {name} and {space} has no route back to {source}: {refused}",
            name=name,
            space=space,
            source=source,
            refused=refused,
        )
        return Diagnosis(Cause.RP_FILTER, reason, shown)
    rule = decision.rule if decision.is_special else None
    by_rule = tr(" (rule `{words}`)", words=rule.words) if rule else ""
    reason = tr(
        "rp_filter is on at {name} and the route back is {words}{by_rule}: {refused}",
        name=name,
        words=back.words,
        by_rule=by_rule,
        refused=refused,
    )
    if back.is_dead_end:
        return Diagnosis(Cause.RP_FILTER, reason, shown)
    if value == LOOSE or back.dev == name:
        return None
    fixes = _without(scene, arrived, source, rule) if rule else _let_in(scene, arrived, source, back)
    return Diagnosis(
        cause=Cause.RP_FILTER,
        reason=reason,
        shown=shown,
        fixes=fixes,
    )


def _without(scene: Scene, arrived: Device, source: str, rule: Rule) -> tuple[Fix, ...]:
    """The line that takes away the rule that leads the way back elsewhere; none where that would not make it right."""
    space, name = arrived
    look = scene.look(space)
    others = tuple(other for other in look.rules if other is not rule)
    back = replace(look, rules=others).decide(source).route
    if back is None or back.dev != name:
        return ()
    return (fix(space, rule.removal),)


def _let_in(scene: Scene, arrived: Device, source: str, back: Route) -> tuple[Fix, ...]:
    """What lets such packets in: a loose filter, where the answer then finds its way; else the way back itself."""
    space, name = arrived
    if _leads_somewhere(scene, back, source):
        return (setting(space, f"ipv4/conf/{name}/rp_filter", LOOSE),)
    if _is_on(scene, arrived, source):
        return (fix(space, f"ip route replace {source} dev {quoted(name)}"),)
    gateway = only_gateway(scene.tables, arrived)
    if gateway is None:
        return ()
    return (fix(space, f"ip route replace {source} via {gateway}"),)


def _leads_somewhere(scene: Scene, back: Route, source: str) -> bool:
    """Whether a route's device has somebody on its wire, the route's gateway exists, or who sent is right there."""
    if back.dev is None:
        return False
    device = (back.namespace, back.dev)
    if not scene.tables.wire(device):
        return False
    if back.via is None:
        return _is_on(scene, device, source)
    return bool(scene.owners(back.via))


def _is_on(scene: Scene, device: Device, ip: str) -> bool:
    """Whether an address is on the wire of a device."""
    wire = scene.tables.wire(device)
    owners = scene.owners(ip)
    return any(owner in wire for owner in owners)


def own_source(scene: Scene, arrived: Device, source: str) -> Diagnosis | None:
    """Whether a packet claims to come from an address of the one who gets it, which the kernel takes from nobody.

    fib_validate_source(): a source that is local is refused, unless accept_local is on; on lo every source is local.
    """
    space, name = arrived
    if name == "lo":  # what a namespace sends to itself keeps the route that it was sent by, and is not checked
        return None
    if not scene.is_local(space, source):
        return None
    is_v4 = ":" not in source
    if is_v4 and scene.look(space).conf(name, "accept_local"):
        return None
    owner = (space, "lo")
    for device in scene.owners(source):
        if device[0] == space:
            owner = device
            break
    reason = tr(
        "{source} is an address of {space} itself too ({full}), so it takes no packet from there",
        source=source,
        space=space,
        full=full(owner),
    )
    return Diagnosis(Cause.OWN_SOURCE, reason, Shown.of(space, "ip -br addr", source))


def echo_ignored(scene: Scene, space: str, target: str) -> Diagnosis | None:
    """Whether a namespace leaves pings unanswered."""
    path = "ipv6/icmp/echo_ignore_all" if ":" in target else "ipv4/icmp_echo_ignore_all"
    if scene.look(space).number(path) == 0:
        return None
    return Diagnosis(
        cause=Cause.ECHO_IGNORED,
        reason=tr("{space} ignores pings ({key}=1)", space=space, key=key(path)),
        shown=show_setting(space, path),
        fixes=(setting(space, path, 0),),
    )
