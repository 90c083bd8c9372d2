"""Did they answer? A row an echo of `ping`, and one row that counts them (ping(8), iputils; BusyBox's too).

>>> replies("64 bytes from 10.0.0.2: icmp_seq=1 ttl=63 time=0.059 ms")[0]["ttl"]
63
>>> statistics("2 packets transmitted, 1 received, 50% packet loss, time 999ms")[0]["loss_percent"]
50.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .words import Columns, Row, Words, lines

COMMAND = "ping"
REPLIES: Columns = {
    "seq": (int, "number of the echo"),
    "bytes": (int, "bytes of the reply, ICMP header included"),
    "from": (str, "who answered, or who sent the error"),
    "ttl": (int, "hops that the reply could still make"),
    "time_ms": (float, "round trip, milliseconds"),
    "duplicate": (bool, "answered before"),
    "error": (str, "what came instead of an answer, or is wrong with it"),
}
STATISTICS: Columns = {
    "target": (str, "who was asked"),
    "sent": (int, "echoes sent"),
    "received": (int, "replies"),
    "loss_percent": (float, "unanswered, percent"),
    "rtt_min_ms": (float, "fastest round trip, milliseconds; missing without an answer"),
    "rtt_avg_ms": (float, "mean round trip, milliseconds"),
    "rtt_max_ms": (float, "slowest round trip, milliseconds"),
    "rtt_mdev_ms": (float, "spread of the round trips, milliseconds"),
    "duplicates": (int, "answers that came twice"),
    "errors": (int, "errors that came instead of answers"),
    "time_ms": (float, "the whole run, milliseconds"),
    "address": (str, "the target's IP address"),
}

HOST = r"\S+(?: \([^)]*\))?"
REPLY = re.compile(
    rf"(?P<bytes>\d{{1,18}}) bytes from (?P<from>{HOST}): (?:icmp_)?seq=(?P<seq>\d{{1,18}})(?: ident=\d+)?"
    r"(?: ttl=(?P<ttl>\d{1,18}))?(?: time[=<](?P<time>\d+(?:\.\d+)?) ms)?(?P<dup> \(DUP!\))?"
    r"(?: \((?P<error>DIFFERENT ADDRESS!|BAD CHECKSUM!|truncated)\))?",
    re.ASCII,
)
ERROR = re.compile(rf"From (?P<from>{HOST}):? icmp_seq=(?P<seq>\d{{1,18}}) (?P<error>.+)", re.ASCII)
LOCAL = re.compile(
    r"(?:ping6?: )?(?P<error>(?:local error|sendmsg|sendto|connect): .+)"
    r"|ping6?: (?P<name>[^:]+: (?:Name or service not known|Temporary failure in name resolution|.*[Uu]nreachable))"
)
NO_ANSWER = re.compile(r"no answer yet for icmp_seq=(?P<seq>\d{1,18})", re.ASCII)
START = re.compile(
    r"PING (?P<target>[^\s(]+) ?\((?P<address>[^)\s]*)\)(?: from \S+(?: \S+)?:|:)? "
    r"(?:\d+\(\d+\) bytes of data\.|\d+ data bytes|\d+ bytes of data\.)",
    re.ASCII,
)
COUNTS = re.compile(
    r"(?P<sent>\d{1,18}) packets transmitted, (?P<received>\d{1,18})(?: packets)? received"
    r"(?:, \+?(?P<duplicates>\d{1,18}) duplicates)?(?:, \+(?P<corrupted>\d{1,18}) corrupted)?"
    r"(?:, \+(?P<errors>\d{1,18}) errors)?"
    r", (?P<loss>\d+(?:\.\d+)?)% packet loss(?:, time (?P<time>\d+)ms)?",
    re.ASCII,
)
NUMBER = r"\d+(?:\.\d+)?"
TIMES = re.compile(
    rf"(?:rtt|round-trip) min/avg/max(?:/mdev)? = (?P<min>{NUMBER})/(?P<avg>{NUMBER})/(?P<max>{NUMBER})"
    rf"(?:/(?P<mdev>{NUMBER}))? ms(?:, pipe \d+)?(?:, ipg/ewma {NUMBER}/{NUMBER} ms)?",
    re.ASCII,
)
DATE = re.compile(r"^\[\d+\.\d+\] ", re.ASCII)
# Lines that say nothing about an answer. With -v iputils tells how it asks, and quotes the packet that an error
# is about. With `pipe` and `ipg/ewma` it tells of many echoes under way at once; without any answer they begin a line.
ASIDE = re.compile(
    rf"--- \S+ ping statistics ---|pipe \d+(?:, ipg/ewma {NUMBER}/{NUMBER} ms)?|, ipg/ewma {NUMBER}/{NUMBER} ms"
    r"|ai->ai_family: AF_INET6?, ai->ai_canonname: '\S*'|ping6?: sock4\.fd: .*|WARNING: pinging broadcast address"
    r"|(?:IP )?Hdr Dump:|Vr HL TOS Len ID Flg off TTL Pro cks Src Dst Data|[0-9a-f]{2,4}(?: [0-9a-f]{2,4})+"
    r"|\d [0-9a-f]{1,2} [0-9a-f]{2}(?: [0-9a-fx]+){7} \S+ \S+",
    re.ASCII,
)


def replies(printed: str) -> list[Row]:
    """A row per reply, or per error that came instead."""
    rows = []
    for kind, row in _read(printed):
        if kind == "reply":
            rows.append(row)
    return rows


def statistics(printed: str) -> list[Row]:
    """One row: how many answered, and how fast; no row when ping did not get that far."""
    row: Row = dict.fromkeys(STATISTICS)
    counted = False
    for kind, part in _read(printed):
        if kind != "reply":
            row |= part
        if kind == "counts":
            counted = True
    return [row] if counted else []


def _read(printed: str) -> Iterator[tuple[str, Row]]:
    """Every line's kind (reply, start, counts or times) and facts."""
    for words in lines(COMMAND, printed):
        text = words.text.removeprefix("^C")  # what the terminal showed of Ctrl-C
        line = DATE.sub("", text)
        if line and not ASIDE.fullmatch(line):
            yield _line(line, words)


def _line(line: str, words: Words) -> tuple[str, Row]:
    reply = REPLY.fullmatch(line)
    if reply:
        return "reply", _reply(reply)
    error = ERROR.fullmatch(line) or LOCAL.fullmatch(line) or NO_ANSWER.fullmatch(line)
    if error:
        groups = error.groupdict()
        return "reply", _error(groups)
    start = START.fullmatch(line)
    if start:
        return "start", start.groupdict()
    counts = COUNTS.fullmatch(line)
    if counts:
        return "counts", _counts(counts)
    times = TIMES.fullmatch(line)
    if times:
        return "times", _times(times)
    raise words.unknown(words.peek())


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
    """The row of an echo that was not answered; facts: the groups of ERROR, LOCAL or NO_ANSWER."""
    row: Row = dict.fromkeys(REPLIES)
    seq = facts.get("seq")
    if seq:
        row["seq"] = int(seq)
    row["from"] = facts.get("from")
    row["duplicate"] = False
    row["error"] = facts.get("error") or facts.get("name") or "no answer yet"
    return row


def _counts(found: re.Match[str]) -> Row:
    errors = int(found["errors"] or 0)
    corrupted = int(found["corrupted"] or 0)
    return {
        "sent": int(found["sent"]),
        "received": int(found["received"]),
        "duplicates": int(found["duplicates"] or 0),
        "errors": errors + corrupted,
        "loss_percent": float(found["loss"]),
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
