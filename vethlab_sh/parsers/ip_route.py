"""Where are packets sent? A row a route, or a next hop, of `ip route` and `ip route get` (ip-route(8)).

>>> parse("blackhole 10.244.1.0/26 proto 80")[0]["to"]
'10.244.1.0/26'
>>> row = parse("10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink")[0]
>>> row["via"], row["dev"], row["onlink"]
('10.244.1.0', 'flannel.1', True)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..language import marked
from .encap import OPTION_LINES, take_encap
from .words import (
    IPV4,
    IPV4_PREFIX,
    NUMBER,
    Columns,
    Pairs,
    Row,
    Words,
    ip,
    is_prefix4,
    line_parts,
    number,
    prefix,
    text,
)

COMMAND = "ip route"
COLUMNS: Columns = {
    "kind": (str, marked("unicast, blackhole, unreachable, local ...")),
    "to": (str, marked("destination: a prefix, an address, or default")),
    "via": (str, marked("next hop")),
    "dev": (str, marked("name of the device")),
    "proto": (str, marked("who added it: kernel, boot (by hand), static, bird, a number")),
    "scope": (str, marked("how far the destination is: host, link; global is mostly left out")),
    "src": (str, marked("source address that packets get")),
    "metric": (int, marked("the smaller wins")),
    "mtu": (int, marked("largest packet, bytes")),
    "onlink": (bool, marked("the next hop is taken as directly reachable")),
    "linkdown": (bool, marked("the device has no carrier")),
    "dead": (bool, marked("the next hop is out of use")),
    "weight": (int, marked("share of a multipath next hop")),
    "table": (str, marked("routing table")),
    "pref": (str, marked("IPv6 router preference")),
    "expires_s": (int, marked("seconds until it goes")),
    "encap": (str, marked("what a packet is wrapped in, as printed: mpls, ip, seg6 ...")),
    "more": (str, marked("further words as printed")),
}
KINDS = {
    "unicast", "local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw", "nat",
}  # fmt: skip
PAIRS: Pairs = {
    "dev": ("dev", text),
    "proto": ("proto", text),
    "scope": ("scope", text),
    "src": ("src", ip),
    "weight": ("weight", number),
    "table": ("table", text),
    "pref": ("pref", text),
}
FLAGS = ("onlink", "linkdown", "dead")
EMPTY: Row = dict.fromkeys(COLUMNS) | dict.fromkeys(FLAGS, False) | {"kind": "unicast"}
METRICS = {
    "advmss", "hoplimit", "rto_min", "initcwnd", "initrwnd", "rtt", "rttvar", "window", "cwnd", "ssthresh",
    "reordering", "quickack", "congctl", "fastopen_no_cookie",
}  # fmt: skip
MORE_PAIRS = METRICS | {
    "tos", "dsfield", "nhid", "error", "uid", "from", "iif", "realm", "realms", "mark", "users", "used", "age",
    "ipid", "ttl-propagate", "ttl-propogate", "ts", "tsage", "flags",
}  # fmt: skip
MORE_FLAGS = {
    "pervasive", "offload", "offload_failed", "trap", "unresolved", "notify", "rt_offload", "rt_offload_failed",
    "rt_trap",
}  # fmt: skip
FEATURES = re.compile(r"ecn|tcp_usec_ts|0x[0-9a-f]+", re.ASCII)
NEXTHOP_FLAGS = {"onlink", "linkdown", "dead", "blackhole", "fdb", "offload", "trap", "pervasive", "unresolved"}
NEXTHOP_PAIRS = {
    "id", "via", "dev", "scope", "proto", "group", "type", "buckets", "idle_timer", "unbalanced_timer",
    "unbalanced_time", "hw_stats", "used",
}  # fmt: skip
SECONDS = re.compile(r"(-?\d{1,18})sec|(\d{1,18})", re.ASCII)
NO_METRIC = "-1"  # which iproute2 up to 3.3 printed where the kernel had none
LABEL = re.compile(r"\d{1,7}(/\d{1,7})*", re.ASCII)  # of an MPLS route
TIMESTAMP = re.compile(r"(0x[0-9a-f]+)tsage", re.ASCII)  # iproute2 forgets the space: ts 0x1ftsage 5sec
# What nearly all lines are, in the order of print_route() in iproute2's ip/iproute.c.
USUAL = re.compile(
    rf"(?P<to>default|{IPV4_PREFIX})(?: +via (?P<via>{IPV4}))?(?: +dev (?P<dev>[^\s\\]+))?"
    rf"(?: +proto (?P<proto>[^\s\\]+))?(?: +scope (?P<scope>[^\s\\]+))?(?: +src (?P<src>{IPV4}))?"
    r"(?: +metric (?P<metric>\d{1,18}))?(?: +(?P<flag>onlink|linkdown))? *",
    re.ASCII,
)


def parse(printed: str) -> list[Row]:
    """Rows of `ip route`, one per route and next hop; IPv6, MPLS, -d, `table all` and `get` too."""
    rows: list[Row] = []
    alike: dict[str, Row] = {}
    whole: Row | None = None  # a multipath route's first line, whose next hops stand on the lines below
    for n, line in enumerate(printed.splitlines(), 1):
        usual = _usual(line, alike)
        if usual:
            whole = None
            rows.append(usual)
            continue
        for words in line_parts(COMMAND, line, n):
            word = words.peek()
            if word == "nexthop":
                if whole is None:
                    whole = _popped(rows, words)
                rows.append(_next_hop(words, whole))
            elif word in BELOW and rows:
                if rows[-1]["more"] is None:
                    rows[-1] = rows[-1] | {"more": []}
                read_below = BELOW[word]
                read_below(words, rows[-1])
            else:
                whole = None
                rows.append(_route(words))
    for row in rows:
        if row["more"] is not None:
            row["more"] = " ".join(row["more"]) or None
    return rows


def _usual(line: str, alike: dict[str, Row]) -> Row | None:
    """The row of a route that is of the usual form; None for any other line.

    alike: rows that were read before, by what stands behind their destination; many routes have the same there.
    """
    to, _, rest = line.partition(" ")
    before = alike.get(rest)
    if before and is_prefix4(to):
        row = before.copy()
        row["to"] = to
        return row
    route = USUAL.fullmatch(line)
    if not route:
        return None
    row = EMPTY.copy()
    row["to"], row["via"], row["dev"], row["proto"], row["scope"], row["src"], metric, flag = route.groups()
    if metric:
        row["metric"] = int(metric)
    if flag:
        row[flag] = True
    alike[rest] = row
    return row


def _route(words: Words) -> Row:
    row = EMPTY.copy()
    row["more"] = []
    if words.peek() in KINDS:
        row["kind"] = words.take()
    row["to"] = _destination(words)
    _attributes(words, row)
    return row


def _destination(words: Words) -> str:
    """A prefix, an address, `default`, or the label of an MPLS route."""
    word = words.peek()
    if word == "default" or word.startswith("0/"):  # 0/1 is a half of all addresses
        return words.take()
    if LABEL.fullmatch(word) and words.word(1) in ("as", "via", "dev"):
        return words.take()
    return prefix(words)


def _popped(rows: list[Row], words: Words) -> Row:
    """The route that a first next hop belongs to; each of its next hops takes its place."""
    if not rows:
        raise words.unknown("nexthop")
    return rows.pop()


def _next_hop(words: Words, whole: Row) -> Row:
    """`nexthop via 10.0.0.2 dev eth0 weight 1`: a row with what the whole route says, and its own words."""
    words.take()  # nexthop
    row = whole.copy()
    row["more"] = list(whole["more"] or ())
    _attributes(words, row)
    return row


def _attributes(words: Words, row: Row) -> None:
    """All that may stand behind a destination or a next hop."""
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word in FLAGS:
            row[word] = True
        elif word in SPECIAL:
            read_special = SPECIAL[word]
            read_special(words, row)
        elif word in MORE_PAIRS:
            row["more"] += [word, *_value(words, word)]
        elif word in MORE_FLAGS:
            row["more"].append(word)
        else:
            raise words.unknown(word)


def _value(words: Words, name: str) -> list[str]:
    """The value of a word that has no column; a metric may be locked: `rtt lock 100ms`."""
    if name in METRICS and words.peek() == "lock":
        return [words.take(), words.take()]
    return [words.take()]


def _via(words: Words, row: Row) -> None:
    if words.peek() in ("inet", "inet6"):  # a next hop of the other family
        row["more"] += ["via", words.take()]
    row["via"] = ip(words)


def _mtu(words: Words, row: Row) -> None:
    if words.peek() == "lock":
        row["more"] += ["mtu", words.take()]
    row["mtu"] = words.take_int()


def _metric(words: Words, row: Row) -> None:
    """The route's own number; behind its flags `metric 17 5` is a number of TCP that iproute2 has no word for."""
    if words.peek() == NO_METRIC:
        row["more"] += ["metric", words.take()]
    elif row["metric"] is None or not NUMBER.fullmatch(words.word(1)):
        row["metric"] = words.take_int()
    else:
        row["more"] += ["metric", words.take(), words.take()]


def _expires(words: Words, row: Row) -> None:
    word = words.take()
    matched = SECONDS.fullmatch(word)
    if not matched:
        raise words.unknown(word)
    row["expires_s"] = int(matched[1] or matched[2])


def _features(words: Words, row: Row) -> None:
    row["more"].append("features")
    while FEATURES.fullmatch(words.peek()):
        row["more"].append(words.take())


def _timestamp(words: Words, row: Row) -> None:
    word = words.take()
    stuck = TIMESTAMP.fullmatch(word)
    if stuck:
        row["more"] += ["ts", stuck[1], "tsage", words.take()]
    else:
        row["more"] += ["ts", word]


def _encap(words: Words, row: Row) -> None:
    row["encap"] = take_encap(words)


def _new_destination(words: Words, row: Row) -> None:
    """`as to 200`: the label that replaces the one before."""
    word = words.take()
    if word != "to":
        raise words.unknown(word)
    row["more"] += ["as", word, words.take()]


PartReader = Callable[[Words, Row], None]
SPECIAL: dict[str, PartReader] = {
    "via": _via,
    "mtu": _mtu,
    "metric": _metric,
    "expires": _expires,
    "features": _features,
    "ts": _timestamp,
    "encap": _encap,
    "as": _new_destination,
}


def _cache(words: Words, row: Row) -> None:
    """The line under `ip route get`: `cache <local> expires 599sec mtu 1400`."""
    row["more"].append(words.take())
    if words.peek().startswith("<"):
        row["more"].append(words.take())
    _attributes(words, row)


def _nexthop_object(words: Words, row: Row) -> None:
    """The line that -d puts under a route with nhid: what that number stands for."""
    row["more"].append(words.take())
    while words:
        word = words.take()
        if word in NEXTHOP_FLAGS:
            row["more"].append(word)
        elif word in NEXTHOP_PAIRS:
            row["more"] += [word, words.take()]
        elif word == "encap":
            row["more"] += [word, take_encap(words)]
        else:
            raise words.unknown(word)


def _encap_options(words: Words, row: Row) -> None:
    """`geneve_opts 0:1:0a dev eth0`: the line on which a wrapping ends and its route goes on."""
    if not row["encap"]:
        raise words.unknown(words.peek())
    row["encap"] += f" {words.take()} {words.take()}"
    _attributes(words, row)


BELOW: dict[str, PartReader] = {
    "cache": _cache,
    "nh_info": _nexthop_object,
    **dict.fromkeys(OPTION_LINES, _encap_options),
}
