"""Which faults are there? Every case, group by group."""

from . import (
    addresses,
    answerer,
    arp,
    bridge,
    cable,
    claims,
    filters,
    healthy,
    ipv6,
    labs,
    loops,
    mtu,
    nat,
    ports,
    routes,
    rules,
    settings,
    tunnels,
)

GROUPS = (
    cable,
    bridge,
    loops,
    addresses,
    arp,
    answerer,
    routes,
    rules,
    settings,
    filters,
    nat,
    tunnels,
    labs,
    mtu,
    ports,
    ipv6,
    claims,
    healthy,
)
CASES = [case for group in GROUPS for case in group.CASES]
