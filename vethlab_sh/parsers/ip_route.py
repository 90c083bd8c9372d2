"""Where are packets sent? `ip route` and `ip route get` (ip-route(8)).

Row: kind (unicast, blackhole, unreachable, local ...), to (prefix or `default`), via (next hop), dev, proto
(who added it: kernel, boot, static, bird, 80 ...), scope, src (address that packets get), metric, mtu (bytes),
onlink, linkdown, dead (words that were printed), weight (of a multipath next hop: a row each), table, pref,
expires_s (seconds), more (the words that only experts need, as printed).

>>> parse("blackhole 10.244.1.0/26 proto 80")[0]["to"]
'10.244.1.0/26'
>>> row = parse("10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink")[0]
>>> row["via"], row["dev"], row["onlink"]
('10.244.1.0', 'flannel.1', True)
"""

from __future__ import annotations

import re

from .words import Row, Words, ip, lines, number, prefix, text

COMMAND = "ip route"
COLUMNS = (
    "kind", "to", "via", "dev", "proto", "scope", "src", "metric", "mtu", "onlink", "linkdown", "dead",
    "weight", "table", "pref", "expires_s", "more",
)  # fmt: skip
KINDS = {
    "unicast", "local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw", "nat",
}  # fmt: skip
PAIRS = {
    "dev": ("dev", text), "proto": ("proto", text), "scope": ("scope", text), "src": ("src", ip),
    "metric": ("metric", number), "weight": ("weight", number), "table": ("table", text), "pref": ("pref", text),
}  # fmt: skip
FLAGS = {"onlink", "linkdown", "dead"}
METRICS = {
    "advmss", "hoplimit", "rto_min", "initcwnd", "initrwnd", "rtt", "rttvar", "window", "cwnd", "ssthresh",
    "reordering", "quickack", "congctl", "fastopen_no_cookie",
}  # fmt: skip
MORE_PAIRS = METRICS | {
    "tos", "dsfield", "nhid", "error", "uid", "from", "iif", "realm", "realms", "mark", "users", "used", "age",
    "ipid", "ttl-propagate",
}  # fmt: skip
MORE_FLAGS = {
    "pervasive", "offload", "offload_failed", "trap", "unresolved", "notify", "rt_offload", "rt_offload_failed",
    "rt_trap",
}  # fmt: skip
FEATURES = {"ecn", "tcp_usec_ts"}
NEXTHOP_OBJECT = {"id", "via", "dev", "scope", "proto", "group", "type", "blackhole", "onlink", "linkdown", "dead"}
SECONDS = re.compile(r"(-?\d{1,18})sec|(\d{1,18})", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `ip route`, one per route and next hop; IPv6, -d, `table all` and `get` too."""
    rows: list[Row] = []
    whole: Row | None = None  # a multipath route's first line, whose next hops stand on the lines below
    for words in lines(COMMAND, printed):
        if words.peek() == "nexthop":
            whole = whole or (rows.pop() if rows else None)
            if whole is None:
                raise words.unknown("nexthop")
            words.take()
            rows.append(_attributes(words, whole | {"more": [*whole["more"]]}))
        elif words.peek() in BELOW and rows:
            BELOW[words.take()](words, rows[-1])
        else:
            whole = None
            rows.append(_route(words))
    return [row | {"more": " ".join(row["more"]) or None} for row in rows]


def _route(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS) | dict.fromkeys(FLAGS, False) | {"more": []}
    row["kind"] = words.take() if words.peek() in KINDS else "unicast"
    row["to"] = words.take() if words.peek() == "default" else prefix(words)
    return _attributes(words, row)


def _attributes(words: Words, row: Row) -> Row:
    while words:
        word = words.take()
        if word in FLAGS:
            row[word] = True
        elif word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in SPECIAL:
            SPECIAL[word](words, row)
        elif word in MORE_PAIRS:
            lock = [words.take()] if word in METRICS and words.peek() == "lock" else []
            row["more"] += [word, *lock, words.take()]
        elif word in MORE_FLAGS:
            row["more"].append(word)
        else:
            raise words.unknown(word)
    return row


def _via(words: Words, row: Row) -> None:
    if words.peek() in ("inet", "inet6"):  # a next hop of the other family
        row["more"] += ["via", words.take()]
    row["via"] = ip(words)


def _mtu(words: Words, row: Row) -> None:
    if words.peek() == "lock":
        row["more"] += ["mtu", words.take()]
    row["mtu"] = words.take_int()


def _expires(words: Words, row: Row) -> None:
    word = words.take()
    found = SECONDS.fullmatch(word)
    if not found:
        raise words.unknown(word)
    row["expires_s"] = int(found[1] or found[2])


def _features(words: Words, row: Row) -> None:
    row["more"] += ["features", words.take()]
    while words.peek() in FEATURES:
        row["more"].append(words.take())


SPECIAL = {"via": _via, "mtu": _mtu, "expires": _expires, "features": _features}


def _cache(words: Words, row: Row) -> None:
    """The line under `ip route get`: `cache <local> expires 599sec mtu 1400`."""
    row["more"].append("cache")
    if words.peek().startswith("<"):
        row["more"].append(words.take())
    _attributes(words, row)


def _nexthop_object(words: Words, row: Row) -> None:
    """The line that -d puts under a route with nhid: what that number stands for."""
    row["more"].append("nh_info")
    while words:
        word = words.take()
        if word not in NEXTHOP_OBJECT:
            raise words.unknown(word)
        row["more"] += [word] if word in FLAGS or word == "blackhole" else [word, words.take()]


BELOW = {"cache": _cache, "nh_info": _nexthop_object}
