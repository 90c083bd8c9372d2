"""Which network namespaces have names? A row a name of `ip netns list` (ip-netns(8)).

>>> parse("ns2 (id: 1)\\nns1")
[{'namespace': 'ns2', 'id': 1}, {'namespace': 'ns1', 'id': None}]
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, lines

COMMAND = "ip netns"
COLUMNS: Columns = {
    "namespace": (str, marked("network namespace")),
    # The kernel gives a number when it is first needed, for a link that leads there say.
    "id": (int, marked("number by which this namespace knows it; missing until it is needed")),
}
ID = re.compile(r"\(id: (\d+)\)", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `ip netns list`, one per name."""
    return [_name(words) for words in lines(COMMAND, printed)]


def _name(words: Words) -> Row:
    name = words.take()
    if not words:
        return {"namespace": name, "id": None}
    rest = words.rest()
    matched = ID.fullmatch(rest)
    if not matched:
        raise words.unknown(rest)
    return {"namespace": name, "id": int(matched[1])}
