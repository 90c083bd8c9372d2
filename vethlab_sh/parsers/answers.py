"""What does a namespace have, by what it answered? Addresses, routes, rules, filters, neighbours, FDB and settings.

The answers are what `ip -j` and `bridge -j` print, read as JSON, and of settings and filters the text itself. The
devices are in `devices`: they take the answers of all namespaces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..facts import Address, Entry, Neighbour, Route, Rule, Setting
from . import filters, routing
from .devices import Answer
from .filters import Filters

PROGRAMS = ("nft", "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy")  # that say what filters


def values(text: str) -> list[Any]:
    """The JSON values that stand one after the other in a text. Raises ValueError where it is none."""
    decoder = json.JSONDecoder(strict=False)  # `ip -j` prints a name's control characters as they are
    values = []
    rest = text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


def addresses(space: str, answer: Answer) -> Iterator[Address]:
    """The addresses of a namespace."""
    for link in answer["addr"]:
        for row in link.get("addr_info", ()):
            yield Address(
                namespace=space,
                dev=link["ifname"],
                family=row["family"],
                address=f"{row['local']}/{row['prefixlen']}",
                broadcast=row.get("broadcast"),
                scope=row["scope"],
                tentative=bool(row.get("tentative")),
                dadfailed=bool(row.get("dadfailed")),
            )


def routes(space: str, answer: Answer) -> Iterator[Route]:
    """The routes of its main table, IPv4 and IPv6."""
    return (route for route in _of_every_table(space, answer) if route.table == "main")


def _of_every_table(space: str, answer: Answer) -> Iterator[Route]:
    yield from routing.routes(space, "inet", answer["route"])
    yield from routing.routes(space, "inet6", answer["route6"])


def policy_routes(space: str, answer: Answer) -> Iterator[Route]:
    """Its routes in other tables."""
    if "rules" in answer:  # else only IPv6 was asked for every table
        yield from filter(_is_of_policy, _of_every_table(space, answer))


def _is_of_policy(route: Route) -> bool:
    """Whether a route is in a table besides main; of local what somebody put there, the rest comes by itself."""
    if route.table == "local":
        return route.proto != "kernel"
    return route.table != "main"


def rules(space: str, answer: Answer) -> Iterator[Rule]:
    """Its rules of policy routing."""
    yield from routing.rules(space, "inet", answer.get("rules", ()))
    # empty where this kernel has no IPv6
    for rows in values(answer.get("rules6", "")):
        yield from routing.rules(space, "inet6", rows)


def filtering(space: str, answer: Answer) -> Filters:
    """What filters there, nft and iptables."""
    texts = {program: answer[program] for program in PROGRAMS if program in answer}
    return filters.filters(space, texts)


def neighbours(space: str, answer: Answer) -> Iterator[Neighbour]:
    """The MAC addresses that it knows."""
    for row in answer["neigh"]:
        yield Neighbour(
            namespace=space,
            dev=row["dev"],
            ip=row["dst"],
            mac=row.get("lladdr"),
            state=" ".join(row.get("state", ())),
        )


def fdb(space: str, answer: Answer) -> Iterator[Entry]:
    """The entries of its bridges and VXLAN devices."""
    for row in answer["fdb"]:
        yield Entry(
            namespace=space,
            mac=row["mac"],
            dev=row.get("ifname"),
            master=row.get("master"),
            dst=row.get("dst"),
            state=row.get("state") or None,  # iproute2 says "" for what was learned
            self="self" in row.get("flags", ()),
            vlan=row.get("vlan"),
        )


def settings(space: str, answer: Answer) -> Iterator[Setting]:
    """Its sysctls."""
    for line in answer.get("settings", "").splitlines():
        file, _, value = line.partition(":")
        if file:
            key = "net/" + file
            yield Setting(namespace=space, key=key, value=value)
