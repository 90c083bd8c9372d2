"""Which setting stands in the way? The sysctls that decide about a packet, and the line that sets one."""

from __future__ import annotations

from ...facts import Device, Route
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
    return whole if "." in path else whole.replace("/", ".")


def setting(space: str, path: str, value: int) -> Fix:
    """The line that sets one."""
    return fix(space, f"sysctl -w {key(path)}={value}")


def show_setting(space: str, *paths: str) -> Shown:
    """The line that shows them; what decides is told by the last one."""
    return Shown.of(space, f"sysctl {' '.join(key(path) for path in paths)}")


def forwarding_off(scene: Scene, arrived: Device, dst: str) -> Diagnosis | None:
    """Whether a namespace forwards what comes in by this device: of IPv4 the device's own setting decides alone.

    ip_route_input_slow(): IN_DEV_FORWARD(in_dev); ip6_forward(): net->ipv6.devconf_all->forwarding.
    """
    space, name = arrived
    one = scene.look(space)
    if ":" in dst:
        path = "ipv6/conf/all/forwarding"
        if one.settings.get(path) != "0":
            return None
        reason = f"forwarding is off in {space} ({key(path)}=0)"
        return Diagnosis(
            cause=Cause.FORWARDING_OFF,
            reason=reason,
            shown=show_setting(space, path),
            fixes=(setting(space, path, 1),),
        )
    path, whole = f"ipv4/conf/{name}/forwarding", "ipv4/ip_forward"
    if one.settings.get(path, "1") != "0":
        return None
    if one.settings.get(whole) == "0":
        reason = f"forwarding is off in {space} ({key(whole)}=0)"
        return Diagnosis(
            cause=Cause.FORWARDING_OFF,
            reason=reason,
            shown=show_setting(space, whole),
            fixes=(setting(space, whole, 1),),
        )
    reason = f"forwarding is off at {name} in {space} ({key(path)}=0): what comes in there is not forwarded"
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
    one = scene.look(space)
    value = one.conf(name, "rp_filter")
    if ":" in source or value not in (STRICT, LOOSE):
        return None
    decision = scene.decide(space, source)
    back = decision.route
    if back is not None and not back.is_dead_end and (value == LOOSE or back.dev == name):
        return None
    paths = ("ipv4/conf/all/rp_filter", f"ipv4/conf/{name}/rp_filter")
    if back is None or back.is_dead_end:
        way = f"{space} has no route back to {source}" if back is None else f"the route back is {back.words}"
        reason = f"rp_filter is on at {name} and {way}: a packet from {source} must not come in here"
        return Diagnosis(Cause.RP_FILTER, reason, show_setting(space, *paths))
    reason = (
        f"rp_filter is on at {name} and the route back is {back.words}: a packet from {source} must not come in here"
    )
    return Diagnosis(
        cause=Cause.RP_FILTER,
        reason=reason,
        shown=show_setting(space, *paths),
        fixes=_let_in(scene, arrived, source, back),
    )


def _let_in(scene: Scene, arrived: Device, source: str, back: Route) -> tuple[Fix, ...]:
    """What lets such packets in: a loose filter, where the answer then finds its way; else the way back itself."""
    space, name = arrived
    leads_nowhere = back.dev is None or not scene.tables.wire((space, back.dev))
    if not leads_nowhere and back.via is None and not _is_on(scene, (space, str(back.dev)), source):
        leads_nowhere = True
    loose = setting(space, f"ipv4/conf/{name}/rp_filter", LOOSE)
    if not leads_nowhere and not _is_nobodys(scene, back.via):
        return (loose,)
    gateway = only_gateway(scene.tables, arrived)
    if _is_on(scene, arrived, source):
        return (fix(space, f"ip route replace {source} dev {name}"),)
    return (fix(space, f"ip route replace {source} via {gateway}"),) if gateway else ()


def _is_on(scene: Scene, device: Device, ip: str) -> bool:
    """Whether an address is on the wire of a device."""
    wire = scene.tables.wire(device)
    return any(owner in wire for owner in scene.owners(ip))


def _is_nobodys(scene: Scene, ip: str | None) -> bool:
    return ip is not None and not scene.owners(ip)


def own_source(scene: Scene, arrived: Device, source: str) -> Diagnosis | None:
    """Whether a packet claims to come from an address of the one who gets it, which the kernel takes from nobody.

    fib_validate_source(): a source that is local is refused, unless accept_local is on; on lo every source is local.
    """
    space, name = arrived
    if name == "lo":
        return None
    one = scene.look(space)
    if name == "lo":  # what a namespace sends to itself keeps the route that it was sent by, and is not checked
        return None
    if not scene.is_local(space, source) or (":" not in source and one.conf(name, "accept_local")):
        return None
    owner = next(owner for owner in scene.owners(source) or [(space, "lo")] if owner[0] == space)
    reason = f"{source} is an address of {space} itself too ({full(owner)}), so it takes no packet from there"
    return Diagnosis(Cause.OWN_SOURCE, reason, Shown.of(space, "ip -br addr", source))


def echo_ignored(scene: Scene, space: str, target: str) -> Diagnosis | None:
    """Whether a namespace leaves pings unanswered."""
    path = "ipv6/icmp/echo_ignore_all" if ":" in target else "ipv4/icmp_echo_ignore_all"
    if scene.look(space).number(path) == 0:
        return None
    reason = f"{space} ignores pings ({key(path)}=1)"
    return Diagnosis(
        cause=Cause.ECHO_IGNORED,
        reason=reason,
        shown=show_setting(space, path),
        fixes=(setting(space, path, 0),),
    )
