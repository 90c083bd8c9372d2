"""Which lines give addresses, routes, rules, neighbours and FDB entries again? Mostly those that `ip` prints.

What `ip` prints of routes, rules and neighbours is also what it reads, so most lines are its own words. Left out is
what comes by itself: connected routes, link-local addresses, a device's own entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_interface

from ..facts import ANY_MAC, UNANSWERED, is_group
from ..inside import quoted
from .contents import Contents, Device, DeviceAddress, Entry

# Words of `ip route` that are no input, and those that go without saying.
STATES = {"linkdown", "dead", "pervasive", "offload", "rt_offload", "trap", "rt_trap", "\\"}
UNSAID = (r"^unicast ", r" table main\b", r" proto boot\b", r" pref medium\b", r" (expires|error) \S+")
LOOPBACK, LOOPBACK6 = "127.0.0.1/8", "::1/128"

OF_A_VRF = "[l3mdev-table]"
REMOTES = ("remote", "remote6", "group", "group6")


# --- addresses


def addresses(contents: Contents) -> Iterator[str]:
    """The addresses that were given, and those of lo that were taken away."""
    for device in contents.devices.values():
        usual = _by_itself(contents, device)
        present = {address.text for address in device.addresses}
        name = quoted(device.name)
        for text in sorted(usual - present):
            yield f"{contents.ip} addr del {text} dev {name}"
        for address in device.addresses:
            if address.text in usual or address.is_made_of(device):
                continue
            words = " ".join(_address_words(address, device))
            # one of IPv6's own may be there already: what is on a device is switched on while that is, which may end
            verb = "replace" if address.scope == "link" else "add"
            if address.is_made_sure_of and device.lacks_signal:
                # Without a signal IPv6 cannot ask whether another host has it. It need not (nodad), nor any more after.
                yield f"{contents.ip} addr {verb} {words} nodad"
                verb = "replace"
            yield f"{contents.ip} addr {verb} {words}"


def _by_itself(contents: Contents, device: Device) -> set[str]:
    """The addresses that lo gets when it is switched on."""
    if device.name != "lo" or not device.up:
        return set()
    if contents.speaks_ipv6("lo"):
        return {LOOPBACK, LOOPBACK6}
    return {LOOPBACK}


def _address_words(address: DeviceAddress, device: Device) -> Iterator[str]:
    if address.peer:
        yield f"{address.local} peer {address.peer}/{address.length}"
    else:
        yield address.text
    yield f"dev {quoted(device.name)}"
    if address.broadcast:
        yield f"broadcast {address.broadcast}"
    usual_scope = "host" if ip_interface(address.local).is_loopback else "global"
    if address.family == "inet" and address.scope != usual_scope:
        yield f"scope {address.scope}"
    if address.label and address.label != device.name:
        yield f"label {quoted(address.label)}"
    yield from address.flags
    if address.is_old:
        yield "preferred_lft 0"


# --- routes and rules


def routes(contents: Contents) -> Iterator[str]:
    """Connected routes that were taken away, the routes that were laid, objects of next hops, and routes by those."""
    by_object = []
    for six in (False, True):
        for line in _routes(contents, six):
            if " nhid " in line:
                by_object.append(line)
            else:
                yield line
    yield from _nexthops(contents)
    yield from by_object


def _nexthops(contents: Contents) -> Iterator[str]:
    """The objects that routes and FDB entries may name as their next hops, then groups of them; ip-nexthop(8)."""
    # a group is listed among those of its family too
    for six, printed in ((False, contents.nexthops), (True, contents.nexthops6)):
        ip = f"{contents.ip} -6" if six else contents.ip
        for line in printed:
            if line not in contents.groups:
                yield f"{ip} nexthop add {_nexthop(line)}"
    for line in contents.groups:
        yield f"{contents.ip} nexthop add {_nexthop(line)}"


def _nexthop(line: str) -> str:
    """A line of `ip nexthop` as its own input: without its scope, and what is counted.

    >>> _nexthop("id 1 via 10.0.1.2 dev e1 scope link ")
    'id 1 via 10.0.1.2 dev e1'
    """
    words = " ".join(quoted(word) for word in line.split() if word not in STATES)
    return re.sub(r" (scope|unbalanced_time) \S+", "", words)


def rules(contents: Contents, usual: Contents) -> Iterator[str]:
    """The routing rules that a fresh namespace does not have; ip-rule(8)."""
    yield from _rules(contents.ip, contents.rules, usual.rules)
    six = f"{contents.ip} -6"
    yield from _rules(six, contents.rules6, usual.rules6)


def _rules(ip: str, printed: tuple[str, ...], usual: tuple[str, ...]) -> Iterator[str]:
    for line in printed:
        if line in usual or OF_A_VRF in line:  # which the first VRF brings along
            continue
        priority, _, rule = line.partition(":")
        rule = rule.strip().replace("[detached] ", "")  # whose device is not there, which `ip` does not read
        words = " ".join(quoted(word) for word in rule.split())
        yield f"{ip} rule add priority {priority} {words}"


def _routes(contents: Contents, six: bool) -> Iterator[str]:
    ip = f"{contents.ip} -6" if six else contents.ip
    printed = contents.routes6 if six else contents.routes
    kernels = []
    laid = []
    for line in printed:
        # with -d the object of the next hop is told below a route
        is_kernels_own = " table local" in line and " proto kernel" in line
        if is_kernels_own or line.startswith("\tnh_info"):
            continue
        if " proto kernel" in line:
            kernels.append(line.split())
        else:
            laid.append(_route(line, six))
    for to, device in _connected(contents, six):
        is_there = any(words[1] == to and device in words for words in kernels)
        if not is_there:
            yield f"{ip} route del {to} dev {quoted(device)}"
    laid.sort(key=_after)
    for route in laid:
        yield f"{ip} route add {route}"


def _after(route: str) -> tuple[bool, bool]:
    """What a route is sorted by: one via a gateway needs a route to that gateway, which others may be."""
    needs_another = " via " in route and " onlink" not in route
    return needs_another, "nexthop" in route


def _connected(contents: Contents, six: bool) -> Iterator[tuple[str, str]]:
    """The routes that the kernel adds with an address, and their devices."""
    for device in contents.devices.values():
        if not device.up or device.name == "lo":
            continue
        for address in device.addresses:
            if (address.family == "inet6") == six:
                to = _wire(address)
                if to:
                    yield to, device.name


def _wire(address: DeviceAddress) -> str:
    """What is on the wire of an address, to which the kernel adds a route; empty where it adds none."""
    if "noprefixroute" in address.flags or address.peer:
        return ""
    interface = ip_interface(address.text)
    if interface.is_link_local:
        return ""
    if interface.network.prefixlen < interface.network.max_prefixlen:
        return str(interface.network)
    # An IPv4 address alone on its wire gets no route; an IPv6 one gets it, and `ip` prints it without a length.
    return str(interface.ip) if address.family == "inet6" else ""


def _route(line: str, six: bool) -> str:
    """A line of `ip route` as its own input, without what goes without saying.

    >>> _route("unicast default via 10.4.0.1 dev eth0 table main proto boot scope global ", six=False)
    'default via 10.4.0.1 dev eth0'
    """
    on_one_line = line.replace("\\\t", " ")  # `-o` writes a backslash for the end of a line; the next hops are indented
    kind, *_ = line.split()
    words = [quoted(word) for word in on_one_line.split() if word not in STATES]
    by_object = "nhid" in words
    if by_object:
        words = _without_hops(words)
    route = " ".join(words)
    for pattern in UNSAID:
        route = re.sub(pattern, "", route)
    # `ip` takes a route without a gateway for one to neighbours (scope link)
    if six or by_object or kind != "unicast" or " via " in route:
        route = re.sub(r" scope global\b", "", route)
    return route


def _without_hops(words: list[str]) -> list[str]:
    """The words of a route by an object of next hops, without what the object says: kind, gateway and device."""
    _, *kept = words
    if "nexthop" in kept:
        kept = kept[: kept.index("nexthop")]
    for name in ("via", "dev"):
        if name in kept:
            at = kept.index(name)
            is_of_ipv6 = kept[at + 1] == "inet6"  # the gateway of an IPv4 route, RFC 5549
            del kept[at : at + (3 if is_of_ipv6 else 2)]
    return kept


# --- neighbours and FDB entries


def neighbours(contents: Contents) -> Iterator[str]:
    """Those that were told, and those that were learned, as not asked lately; unanswered questions are left out."""
    for line in contents.neighbours:
        words = line.split()
        if len(words) < 3:
            continue
        *entry, state = words
        if state in UNANSWERED:
            continue
        if state == "proxy":
            ip, _, device, *_ = entry
            yield f"{contents.ip} neigh add proxy {ip} dev {quoted(device)}"
            continue
        nud = "permanent" if state == "PERMANENT" else "stale"
        told = " ".join(quoted(word) for word in entry)
        yield f"{contents.ip} neigh replace {told} nud {nud}"


def entries(contents: Contents, macs_on: Mapping[str, set[str]]) -> Iterator[str]:
    """Forwarding entries that were told or learned; those that come by themselves are left out.

    macs_on: by device the MAC addresses of the devices that are made on it, which it takes frames for.
    """
    own = {device.mac for device in contents.devices.values()}
    open_ports: set[str] = set()
    for entry in contents.entries:
        if "self" in entry.flags and entry.mac in macs_on.get(entry.dev, ()):
            continue
        if _comes_by_itself(contents, entry, own):
            continue
        if contents.learned_behind_stp(entry) or contents.learned_at_a_tap(entry):
            continue
        if contents.learned_by(entry) and entry.dev not in open_ports:
            open_ports.add(entry.dev)
            yield _when_it_learns(contents, entry.dev)
        verb = "append" if entry.mac == ANY_MAC else "replace"  # a VXLAN may have many of these
        words = " ".join(_entry_words(entry))
        yield f"{contents.bridge} fdb {verb} {words}"


def _when_it_learns(contents: Contents, port: str) -> str:
    """The line that waits until a port takes what is learned: br_fdb_add_entry(), net/bridge/br_fdb.c.

    A bridge hears of a signal a moment after it is there (net/core/link_watch.c). After ten seconds it goes on, and
    the next line tells what is wrong.
    """
    state = f"{contents.bridge} link show dev {quoted(port)}"
    return f"for try in {{1..100}}; do {state} | grep -Eq 'state (forwarding|learning)' && break; sleep 0.1; done"


def _comes_by_itself(contents: Contents, entry: Entry, own: set[str]) -> bool:
    """Whether it is for multicast, for a device's own MAC address, or what a VXLAN was made with."""
    if is_group(entry.mac):
        return True
    if entry.mac in own and not entry.dst:
        return True
    if entry.mac != ANY_MAC:
        return False
    options = contents.devices[entry.dev].options
    made_with = {options[key] for key in REMOTES if key in options}
    return entry.dst in made_with


def _entry_words(entry: Entry) -> Iterator[str]:
    yield entry.mac
    yield f"dev {quoted(entry.dev)}"
    if entry.dst is not None:
        yield f"dst {entry.dst}"
    if entry.port is not None:
        yield f"port {entry.port}"
    if entry.vni is not None:
        yield f"vni {entry.vni}"
    if entry.src_vni is not None:
        yield f"src_vni {entry.src_vni}"
    if entry.vlan is not None:
        yield f"vlan {entry.vlan}"
    if entry.via is not None:
        yield f"via {quoted(entry.via)}"
    if entry.nexthop is not None:
        yield f"nhid {entry.nexthop}"
    yield "self" if "self" in entry.flags else "master"
    for flag in ("router", "extern_learn", "sticky"):
        if flag in entry.flags:
            yield flag
    yield entry.state or "dynamic"
