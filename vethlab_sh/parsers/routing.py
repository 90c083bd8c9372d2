"""Which route does a kernel take? Its policy rules and routes, as facts, of what `ip -j rule` and `ip -j route` say.

Both can be asked for the whole namespace: `ip -j rule`, `ip -6 -j rule` and `ip -j route show table all`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..facts import Route, Rule

Row = Mapping[str, Any]  # what JSON holds
# Whom a rule can mean besides: the words of `ip rule`, and the names that JSON has for their numbers (ip-rule(8)).
SELECTORS = (
    ("tos", ("tos",)),
    ("uidrange", ("uid_start", "uid_end")),
    ("ipproto", ("ipproto",)),
    ("sport", ("sport",)),
    ("sport", ("sport_start", "sport_end")),
    ("dport", ("dport",)),
    ("dport", ("dport_start", "dport_end")),
    ("tun_id", ("tun_id",)),
)
OF_A_VRF = "[l3mdev-table]"  # the table of the VRF that a packet came by, as `ip rule` calls it


def rules(space: str, family: str, rows: Iterable[Row]) -> Iterator[Rule]:
    """The policy rules of a family (inet, inet6) in what `ip -j rule` or `ip -6 -j rule` said."""
    for row in rows:
        yield Rule(
            namespace=space,
            family=family,
            priority=row["priority"],
            src=_prefix(row, "src") or "all",
            dst=_prefix(row, "dst"),
            iif=row.get("iif"),
            oif=row.get("oif"),
            fwmark=_mark(row),
            selectors=_selectors(row),
            table=OF_A_VRF if "l3mdev" in row else row.get("table"),
            action=_action(row),
            inverted="not" in row,
            suppress=row.get("suppress_prefixlen"),
            proto=row.get("protocol"),
        )


def _prefix(row: Row, end: str) -> str | None:
    if end not in row:
        return None
    length = row.get(f"{end}len")
    return f"{row[end]}/{length}" if length is not None else str(row[end])


def _mark(row: Row) -> str | None:
    if "fwmask" in row:
        return f"{row['fwmark']}/{row['fwmask']}"
    return row.get("fwmark")


def _selectors(row: Row) -> str:
    """What else a rule asks of a packet, as `ip rule` says it; empty where it asks nothing more."""
    words = []
    for word, names in SELECTORS:
        values = [str(row[name]) for name in names if name in row]
        if values:
            words += [word, "-".join(values)]
    return " ".join(words)


def _action(row: Row) -> str | None:
    """What is done instead of asking a table: JSON has `goto` and `nop` beside its `action`."""
    if "goto" in row:
        return f"goto {row['goto']}"
    if "nop" in row:
        return "nop"
    return row.get("action")


def routes(space: str, family: str, rows: Iterable[Row]) -> Iterator[Route]:
    """The routes in what `ip -j route` said, one a next hop; an empty row is what a filter left out."""
    for row in rows:
        if not row:
            continue
        for hop in row.get("nexthops", ({},)):
            flags = row.get("flags", []) + hop.get("flags", [])
            is_whole = "nhid" not in row and "nexthops" not in row
            yield _route(space, family, {**row, **hop, "flags": flags}, is_whole)


def _metrics(row: Row) -> Row:
    """What a route has of its own: mtu, hoplimit; ip-route(8)."""
    together: Row = {}
    for metrics in row.get("metrics", ()):
        together |= metrics
    return together


def _route(space: str, family: str, row: Row, is_whole: bool) -> Route:
    return Route(
        namespace=space,
        family=family,
        kind=row.get("type", "unicast"),  # without -d only the unusual ones are told
        to=row["dst"],
        via=row.get("gateway") or row.get("via", {}).get("host"),
        dev=row.get("dev"),
        proto=row.get("protocol"),
        scope=row.get("scope"),
        src=row.get("prefsrc"),
        metric=row.get("metric"),
        onlink="onlink" in row["flags"],
        linkdown="linkdown" in row["flags"],
        table=str(row.get("table", "main")),
        is_whole=is_whole,
        weight=row.get("weight"),
        dead="dead" in row["flags"],
        hop_limit=_metrics(row).get("hoplimit"),
    )
