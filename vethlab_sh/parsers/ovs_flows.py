"""What does Open vSwitch do with which packet? A row a flow of `ovs-ofctl dump-flows` (ovs-ofctl(8), ovs-fields(7)).

Of the flows of a table that fit a packet, the one of the highest priority counts.

>>> row = parse(" cookie=0x0, duration=5s, table=0, n_packets=21, n_bytes=2058, priority=100,ip,in_port=2 actions=drop")[0]
>>> row["priority"], row["match"], row["actions"], row["packets"]
(100, 'ip,in_port=2', 'drop', 21)
"""  # noqa: E501  (as long as ovs-ofctl prints it)

from __future__ import annotations

import re

from ..language import marked
from .words import NUMBER, Columns, Row, Words, lines

COMMAND = "ovs-ofctl dump-flows"
COLUMNS: Columns = {
    "table": (int, marked("the flow table: 0 is asked first")),
    "priority": (int, marked("the highest that fits counts")),
    "match": (str, marked("what a packet must be like; missing: every packet")),
    "actions": (
        str,
        marked("what is done with it: drop, NORMAL (as a learning switch does), output:2, resubmit(,10) ..."),
    ),
    "packets": (int, marked("packets that took it")),
    "bytes": (int, marked("bytes in them")),
    "cookie": (str, marked("the mark of who wrote it")),
    "duration": (str, marked("since when it is there, as printed")),
    "more": (str, marked("further words about the flow itself, as printed: idle_timeout=300 ...")),
    "bridge": (str, marked("the switch, which the command names and its output does not")),
}
# Without a word on it: OFP_DEFAULT_PRIORITY of OpenFlow; ovs-ofctl(8): "the default is 32768"
USUAL_PRIORITY = 32768
REPLY = re.compile(r"\w+ reply( \(\S+\))? \(xid=0x[0-9a-f]+\):( flags=\[\S*\])?")
FLOW = re.compile(r"(?P<about>.*?)\bactions=(?P<actions>\S.*)")
# What is said of a flow itself, ended by a comma and a blank; what it matches stands behind, without blanks
ABOUT = re.compile(r"(?P<word>[a-z_]+)(=(?P<value>[^,\s]+))?")
OF_FLOW = {
    "cookie", "duration", "table", "n_packets", "n_bytes", "idle_age", "hard_age", "idle_timeout", "hard_timeout",
    "importance", "send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts",
}  # fmt: skip
COLUMN_OF = {"n_packets": "packets", "n_bytes": "bytes", "table": "table", "cookie": "cookie", "duration": "duration"}
NUMERIC = ("table", "packets", "bytes", "priority")
PRIORITY = re.compile(r"priority=(\d{1,5})", re.ASCII)
MATCH = re.compile(r"[a-z][\w.\[\]]*(=\S+)?")


def parse(printed: str) -> list[Row]:
    """Rows of `ovs-ofctl dump-flows`, one per flow; --no-stats and other versions of OpenFlow too."""
    rows = []
    for words in lines(COMMAND, printed):
        if not REPLY.fullmatch(words.text):
            rows.append(_flow(words))
    return rows


def _flow(words: Words) -> Row:
    flow = FLOW.fullmatch(words.text)
    if not flow:
        raise words.unknown(words.peek())
    row: Row = dict.fromkeys(COLUMNS)
    row.update(table=0, priority=USUAL_PRIORITY, actions=flow["actions"])
    matches = []
    more = []
    for part in _parts(flow["about"]):
        about = ABOUT.fullmatch(part)
        priority = PRIORITY.fullmatch(part)
        if priority:
            row["priority"] = int(priority[1])
        elif about is None or about["word"] not in OF_FLOW:
            matches.append(_match(words, part))
        elif about["word"] in COLUMN_OF:
            column = COLUMN_OF[about["word"]]
            row[column] = _value(words, part, column, about["value"])
        else:
            more.append(part)
    row["match"] = ",".join(matches) or None
    row["more"] = ", ".join(more) or None
    return row


def _parts(about: str) -> list[str]:
    """What stands before the actions, taken apart at commas and blanks."""
    return [part for part in re.split(r"[,\s]+", about) if part]


def _match(words: Words, part: str) -> str:
    if not MATCH.fullmatch(part):
        raise words.unknown(part)
    return part


def _value(words: Words, part: str, column: str, value: str | None) -> int | str:
    if value is None:
        raise words.unknown(part)
    if column not in NUMERIC:
        return value
    if not NUMBER.fullmatch(value):
        raise words.unknown(part)
    return int(value)
