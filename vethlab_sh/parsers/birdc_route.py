"""Which routes does BIRD know, and from whom? A row a next hop of `birdc show route`, of BIRD 1 and 2.

It is BIRD's own table: a route is in the kernel only if BIRD puts it there, as `ip route` tells. See BIRD's guide.

>>> row = parse("10.1.0.0/26 unicast [Mesh_10_4_0_22 09:03:41.824] * (100) [i]\\n\\tvia 10.4.0.22 on eth0")[0]
>>> row["to"], row["via"], row["dev"], row["protocol"], row["best"]
('10.1.0.0/26', '10.4.0.22', 'eth0', 'Mesh_10_4_0_22', True)
>>> parse("10.1.0.0/26  via 10.4.0.22 on eth0 [Mesh_10_4_0_22 09:03:41] * (100/0) [i]")[0]["kind"]
'unicast'
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..language import marked
from .birdc_protocols import READY, since
from .words import PREFIX, Columns, Row, Words, ip, is_ip

COMMAND = "birdc show route"
COLUMNS: Columns = {
    "to": (str, marked("destination")),
    "via": (str, marked("next hop")),
    "dev": (str, marked("name of the device")),
    "kind": (
        str,
        marked("unicast, blackhole, unreachable, prohibit; unreachable, by BGP: no way to its next hop is known"),
    ),
    "protocol": (str, marked("whom it is from, by the protocol's name")),
    "best": (bool, marked("the one of the routes to this destination that BIRD takes")),
    "since": (str, marked("since when, as printed")),
    "source": (str, marked("the neighbour that it is from, where that is not the next hop")),
    "preference": (str, marked("preference, and the metric of the next hop, as printed: 100/0")),
    "weight": (int, marked("of several next hops, its share")),
    "attributes": (str, marked("further words as printed: [i] for BGP's origin, lines of `show route all`")),
}
EMPTY: Row = dict.fromkeys(COLUMNS) | {"best": False}
TABLE = re.compile(r"Table \S+:")
DEAD_ENDS = ("blackhole", "unreachable", "prohibit", "prohibited")
KINDS = (*DEAD_ENDS, "unicast", "multipath", "recursive")
NEXT_HOP = ("via", "dev")
PREFERENCE = re.compile(r"\(([\d/?-]+)\)", re.ASCII)
PROTOCOL = re.compile(r"\w[\w.:-]*")
# `*`: the best; `!`: the best, and not taken over by the one whom it was exported to
MARKS = ("*", "!")
ATTRIBUTE = re.compile(r"\w[\w. ]*: ?.*")  # of `show route all`: `BGP.origin: IGP`


def parse(printed: str) -> list[Row]:
    """Rows of `birdc show route`, one per next hop."""
    reader = _Reader()
    for words in _lines(printed):
        reader.take(words)
    return reader.rows


def _lines(printed: str) -> Iterator[Words]:
    """The lines that hold something, their brackets as words of their own."""
    for number, line in enumerate(printed.splitlines(), 1):
        text = line.replace("[", " [ ").replace("]", " ] ")
        words = Words(COMMAND, line, number, text)
        is_about_bird = READY.fullmatch(words.text) or TABLE.fullmatch(words.text)
        if words and not is_about_bird:
            yield words


class _Reader:
    """The state while the lines are read: the routes, and whether the last one still lacks its next hop."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._lacks_hop = False

    def take(self, words: Words) -> None:
        """Read one line: a route, another one to the same destination, a next hop, or what else is known of it."""
        if is_ip(words.peek(), PREFIX):
            self._route(words, words.take())
        elif not self.rows:
            raise words.unknown(words.peek())
        elif words.has("[") and words.peek() in (*KINDS, *NEXT_HOP):
            self._route(words, self.rows[-1]["to"])
        elif words.peek() in NEXT_HOP:
            self._hop(words)
        elif ATTRIBUTE.fullmatch(words.text):
            self._attribute(words.text)
        else:
            raise words.unknown(words.peek())

    def _route(self, words: Words, to: str) -> None:
        """`unicast [direct1 09:03:40.267] * (240)`; of BIRD 1 the next hop stands before the bracket."""
        row = EMPTY | {"to": to, "kind": "unicast"}
        has_hop = words.peek() in NEXT_HOP
        if has_hop:
            _next_hop(words, row)
        else:
            row["kind"] = _kind(words)
        _source(words, row)
        _choice(words, row)
        self._lacks_hop = not has_hop
        self.rows.append(row)

    def _hop(self, words: Words) -> None:
        """`via 10.4.0.22 on eth0`, on a line of its own: a further one is a further row."""
        if not self._lacks_hop:
            self.rows.append(self.rows[-1].copy())
        _next_hop(words, self.rows[-1])
        words.end()
        self._lacks_hop = False

    def _attribute(self, text: str) -> None:
        before = self.rows[-1]["attributes"]
        self.rows[-1]["attributes"] = f"{before}; {text}" if before else text


def _kind(words: Words) -> str:
    kind = words.take()
    if kind not in KINDS:
        raise words.unknown(kind)
    return "unicast" if kind == "multipath" else kind


def _next_hop(words: Words, row: Row) -> None:
    """`via 10.4.0.22 on eth0 weight 1`, `dev eth0`."""
    row["via"] = row["weight"] = None
    if words.take() == "via":
        row["via"] = ip(words)
        on = words.take()
        if on != "on":
            raise words.unknown(on)
    row["dev"] = words.take()
    while words.peek() in ("onlink", "weight"):
        if words.take() == "weight":
            row["weight"] = words.take_int()


def _source(words: Words, row: Row) -> None:
    """`[Mesh_10_4_0_22 09:03:41.824 from 10.4.0.22]`."""
    _sign(words, "[")
    protocol = words.take()
    if not PROTOCOL.fullmatch(protocol):
        raise words.unknown(protocol)
    row["protocol"] = protocol
    row["since"] = since(words)
    if words.peek() == "from":
        words.take()
        row["source"] = ip(words)
    _sign(words, "]")


def _choice(words: Words, row: Row) -> None:
    """`* (100/0) [AS64512i]`: whether it is the best, what decides that, and where BGP has it from."""
    if words.peek() in MARKS:
        words.take()
        row["best"] = True
    preference = PREFERENCE.fullmatch(words.peek())
    if preference:
        words.take()
        row["preference"] = preference[1]
    if words:
        _sign(words, "[")
        row["attributes"] = f"[{words.take()}]"
        _sign(words, "]")
    words.end()


def _sign(words: Words, sign: str) -> None:
    word = words.take()
    if word != sign:
        raise words.unknown(word)
