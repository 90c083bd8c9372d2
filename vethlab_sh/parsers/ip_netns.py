"""Which network namespaces have names? `ip netns list` (ip-netns(8)).

Row: namespace, id (the number by which the namespace we are in knows it; missing until it is needed).

>>> parse("ns2 (id: 1)\\nns1")
[{'namespace': 'ns2', 'id': 1}, {'namespace': 'ns1', 'id': None}]
"""

from __future__ import annotations

import re

from .words import Row, Words, lines

COMMAND = "ip netns"
COLUMNS = ("namespace", "id")
ID = re.compile(r"\(id: (\d+)\)", re.ASCII)


def parse(printed: str) -> list[Row]:
    """Rows of `ip netns list`, one per name."""
    return [_name(words) for words in lines(COMMAND, printed)]


def _name(words: Words) -> Row:
    name, rest = words.take(), words.rest()
    matched = ID.fullmatch(rest)
    if rest and not matched:
        raise words.unknown(rest)
    return {"namespace": name, "id": int(matched.group(1)) if matched else None}
