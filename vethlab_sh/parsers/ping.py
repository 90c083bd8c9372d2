"""Did they answer? A row an echo of `ping` (ping(8), iputils; BusyBox's too).

>>> parse("64 bytes from 10.0.0.2: icmp_seq=1 ttl=63 time=0.059 ms")[0]["ttl"]
63
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..language import marked
from .languages import ping_in_english
from .words import IPV4, Columns, Row, Words, line_parts

COMMAND = "ping"
COLUMNS: Columns = {
    "seq": (int, marked("number of the echo")),
    "bytes": (int, marked("bytes of the reply, ICMP header included")),
    "from": (str, marked("who answered, or who sent the error")),
    "ttl": (int, marked("hops that the reply could still make")),
    "time_ms": (float, marked("round trip, milliseconds")),
    "duplicate": (bool, marked("answered before")),
    "error": (str, marked("what came instead of an answer, or is wrong with it")),
}

HOST = r"\S+(?: \([^)]*\))?"
# What nearly all lines are.
USUAL = re.compile(
    rf"(\d{{1,18}}) bytes from ({IPV4}): icmp_seq=(\d{{1,18}}) ttl=(\d{{1,18}}) time=(\d+(?:\.\d+)?) ms", re.ASCII
)
REPLY = re.compile(
    rf"(?P<bytes>\d{{1,18}}) bytes from (?P<from>{HOST})[:,] (?:icmp_)?(?:seq|req)=(?P<seq>\d{{1,18}})(?: ident=\d+)?"
    r"(?: (?:ttl|hlim)=(?P<ttl>\d{1,18}))?(?: time[=<](?P<time>\d+(?:\.\d+)?) ?ms)?(?P<dup> \(DUP!\))?"
    r"(?: \((?P<error>DIFFERENT ADDRESS!|BAD CHECKSUM!|truncated)\))?(?: \(same route\)| \(truncated route\))?",
    re.ASCII,
)
ERROR = re.compile(rf"From (?P<from>{HOST}):?(?: icmp_[sr]eq=(?P<seq>\d{{1,18}}))? (?P<error>.+)", re.ASCII)
# The BSDs, macOS and inetutils: the ICMP message that came, beginning as one of RFC 792 does in their sources.
OTHER_ERROR = re.compile(
    rf"\d{{1,18}} bytes from (?P<from>{HOST}): (?P<error>(?:Dest|Net|Host|Packet|Precedence|Communication|Source|"
    r"Redirect|Time|[Ff]rag|Parameter|Router|Echo|Address|Information|Bad ICMP)\b.*|Destination .*|Network .*|"
    r"Fragmentation .*|Timestamp.*)",
    re.ASCII,
)
TIMEOUT = re.compile(r"(?P<error>Request timeout) for icmp_seq (?P<seq>\d{1,18})", re.ASCII)  # of macOS
ALIVE = re.compile(r"(?P<from>\S+) is alive!|(?P<error>No response) from \S+")  # of a small BusyBox
# What ping says of itself, behind its name; older ones leave their name out.
LOCAL = re.compile(
    r"(?:ping6?: )?(?P<error>(?:local error|sendmsg|sendto|connect|unknown host|bad address)\b.*|Do you want to .*)"
    r"|(?:\S*/)?ping[46]?: (?P<said>.+)"
)
NO_ANSWER = re.compile(r"no answer yet for icmp_seq=(?P<seq>\d{1,18})", re.ASCII)
START = re.compile(
    r"PING (?P<target>[^\s(]*) ?\((?:[^\s(]+ \()?(?P<address>[^)\s]*)\)\)?(?: ?, flow 0x[0-9a-f]+,)?"
    r"(?: from \S+(?: \S+)? ?:|:)? (?:\d+\(\d+\) bytes of data\.|\d+ data bytes|\d+ bytes of data\.)"
    r"(?:, id 0x[0-9a-f]+ = \d+)?",
    re.ASCII,
)
START6 = re.compile(r"PING6?\(\d+=\d+\+\d+\+\d+ bytes\) \S+ --> (?P<address>\S+)", re.ASCII)  # the BSDs and macOS
HEADER = re.compile(r"--- (?P<target>\S*) ?ping6? statistics ---")
COUNTS = re.compile(
    r"(?P<sent>\d{1,18}) packets transmitted, (?P<received>\d{1,18})(?: packets)? received"
    r"(?:, \+?(?P<duplicates>\d{1,18}) duplicates)?(?:, \+(?P<corrupted>\d{1,18}) corrupted)?"
    r"(?:, \+(?P<errors>\d{1,18}) errors)?"
    r"(?:, (?P<loss>\d+(?:\.\d+)?)% packet loss|, -- somebody's (?:printing up|duplicating) packets!)?"
    r"(?:, time (?P<time>\d+)ms)?(?:, \d+ packets out of wait time)?",
    re.ASCII,
)
NUMBER = r"\d+(?:\.\d+)?"
TIMES = re.compile(
    rf"(?:rtt|round-trip) min/avg/max(?:/(?:mdev|stddev|std-dev))? = (?P<min>{NUMBER})/(?P<avg>{NUMBER})"
    rf"/(?P<max>{NUMBER})(?:/(?P<mdev>{NUMBER}))? ms(?:, pipe \d+)?(?:, ipg/ewma {NUMBER}/{NUMBER} ms)?",
    re.ASCII,
)
COMMA_TIMES = re.compile(r"^rtt .* = [\d,]+/[\d,]+/[\d,]+/[\d,]+ ms", re.ASCII)  # where 0,5 is a half
DATE = re.compile(r"^\[\d+\.\d+\] |^\d\d:\d\d:\d\d\.\d+ ", re.ASCII)
WRONG_BYTE = re.compile(r"wrong data byte #\d+ should be 0x[0-9a-f]+ but was 0x[0-9a-f]+", re.ASCII)
# IP options of an answer (-R, -T) stand below it, an address or a time a line.
OPTIONS = re.compile(r"(?:RR|TS|[LS]SRR):(?: .*)?", re.ASCII)
OPTION = re.compile(
    r"\d+(?:\.\d+)?(?: ms)?(?: = 0x[0-9a-f]+)?(?: absolute)?(?: not-standard)?|-\d+"
    rf"|{HOST}(?: \d+)?(?: ms)?(?: absolute)?(?: not-standard)?|\(\d+ overflowing hosts\)",
    re.ASCII,
)
# Lines that say nothing about an answer. With -v iputils tells how it asks, and quotes the packet that an error
# is about. With `pipe` and `ipg/ewma` it tells of many echoes under way at once; without any answer they begin a line.
# With -f there is a dot for every echo without an answer. A signal (Ctrl-\\) makes it count on its way.
ASIDE = re.compile(
    rf"pipe \d+(?:, ipg/ewma {NUMBER}/{NUMBER} ms)?|, ipg/ewma {NUMBER}/{NUMBER} ms"
    r"|ai->ai_family: AF_INET6?, ai->ai_canonname: '\S*'|ping[46]?: sock[46]\.fd: .*|WARNING: .*"
    r"|ping[46]?: (?:[Ww]arning|WARNING|=>|socket: .*attempting raw socket).*"
    r"|(?:IP )?Hdr Dump:|Vr HL TOS Len ID Flg off TTL Pro cks Src Dst(?: Data)?|[0-9a-f]{2,4}(?: [0-9a-f]{2,4})+"
    r"|\d [0-9a-f]{1,2} [0-9a-f]{2}(?: [0-9a-fx]+){7} \S+ \S+(?: [0-9a-f]+)?"
    r"|(?:TCP|UDP): from port \d+, to port \d+ \(decimal\)|ICMP: type \d+, code \d+, size \d+(?:, .*)?"
    r"|PATTERN: 0x[0-9a-f]+|NOP|unknown option [0-9a-f]+|Unrecorded hops: \d+|#\d+(?: [0-9a-f]{1,2})*|cp:.*|dp:.*"
    rf"|\.+|\d+/\d+ packets, \d+% loss(?:, min/avg/ewma/max = {NUMBER}/{NUMBER}/{NUMBER}/{NUMBER} ms)?",
    re.ASCII,
)


def parse(printed: str) -> list[Row]:
    """A row per reply, or per error that came instead."""
    rows: list[Row] = []
    for kind, row in read(printed):
        if kind == "reply":
            rows.append(row)
        elif kind == "wrong" and rows:
            rows[-1]["error"] = row["error"]
    return rows


def read(printed: str, with_usual: bool = True) -> Iterator[tuple[str, Row]]:
    """Every line's kind (reply, wrong, start, header, counts or times) and facts.

    with_usual: replies of the usual form too, which are most lines.
    """
    in_options = False
    for n, text in enumerate(printed.splitlines(), 1):
        usual = USUAL.fullmatch(text)
        if usual:
            in_options = False
            if with_usual:
                yield "reply", _usual(usual)
            continue
        for words in line_parts(COMMAND, text, n):
            line = words.text
            if in_options and text[0].isspace() and OPTION.fullmatch(line):
                continue
            in_options = OPTIONS.fullmatch(line) is not None
            if not in_options:
                yield from _line(line, words)


def _line(line: str, words: Words) -> Iterator[tuple[str, Row]]:
    """The kind and the facts of a line; nothing of one that says nothing about an answer.

    line: its words, one space apart.
    """
    line = line.removeprefix("^C")  # what the terminal showed of Ctrl-C
    line = DATE.sub("", line)
    if not line or ASIDE.fullmatch(line):
        return
    found = _kind(line) or _kind(ping_in_english(line))
    if found is None and COMMA_TIMES.match(line):
        found = _kind(ping_in_english(line.replace(",", ".")))
    if found is None:
        raise words.unknown(words.peek())
    yield found


def _kind(line: str) -> tuple[str, Row] | None:
    """The kind and the facts of a line in English; None where it is none of ping's."""
    reply = REPLY.fullmatch(line)
    if reply:
        return "reply", _reply(reply)
    for form in (ERROR, OTHER_ERROR, TIMEOUT, NO_ANSWER, ALIVE, LOCAL):
        error = form.fullmatch(line)
        if error:
            return "reply", _error(error.groupdict())
    for kind, form in (("start", START), ("start", START6), ("header", HEADER)):
        start = form.fullmatch(line)
        if start:
            return kind, {name: value or None for name, value in start.groupdict().items()}
    wrong = WRONG_BYTE.fullmatch(line)
    if wrong:
        return "wrong", {"error": line}
    counts = COUNTS.fullmatch(line)
    if counts:
        return "counts", _counts(counts)
    times = TIMES.fullmatch(line)
    if times:
        return "times", _times(times)
    return None


def _usual(reply: re.Match[str]) -> Row:
    size, who, seq, ttl, milliseconds = reply.groups()
    return {
        "seq": int(seq),
        "bytes": int(size),
        "from": who,
        "ttl": int(ttl),
        "time_ms": float(milliseconds),
        "duplicate": False,
        "error": None,
    }


def _reply(found: re.Match[str]) -> Row:
    return {
        "seq": int(found["seq"]),
        "bytes": int(found["bytes"]),
        "from": found["from"],
        "ttl": int(found["ttl"]) if found["ttl"] else None,
        "time_ms": _milliseconds(found["time"]),
        "duplicate": bool(found["dup"]),
        "error": found["error"],
    }


def _error(facts: dict[str, Any]) -> Row:
    """The row of an echo that was not answered; facts: the groups of the form that its line is of."""
    row: Row = dict.fromkeys(COLUMNS)
    seq = facts.get("seq")
    if seq:
        row["seq"] = int(seq)
    row["from"] = facts.get("from")
    row["duplicate"] = False
    row["error"] = facts.get("error") or facts.get("said")
    is_alive = facts.keys() == {"from", "error"} and row["from"]
    if not row["error"] and not is_alive:
        row["error"] = "no answer yet"
    return row


def _counts(found: re.Match[str]) -> Row:
    errors = int(found["errors"] or 0)
    corrupted = int(found["corrupted"] or 0)
    return {
        "sent": int(found["sent"]),
        "received": int(found["received"]),
        "duplicates": int(found["duplicates"] or 0),
        "errors": errors + corrupted,
        "loss_percent": float(found["loss"]) if found["loss"] else None,
        "time_ms": _milliseconds(found["time"]),
    }


def _times(found: re.Match[str]) -> Row:
    return {
        "rtt_min_ms": _milliseconds(found["min"]),
        "rtt_avg_ms": _milliseconds(found["avg"]),
        "rtt_max_ms": _milliseconds(found["max"]),
        "rtt_mdev_ms": _milliseconds(found["mdev"]),  # which BusyBox does not tell
    }


def _milliseconds(printed: str | None) -> float | None:
    return float(printed) if printed else None
