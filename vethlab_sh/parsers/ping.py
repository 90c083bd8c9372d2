"""Did they answer? `ping` (ping(8), iputils; BusyBox's too).

Row of replies(): seq (number of the echo), bytes, from (who answered), ttl (hops left), time_ms (round trip in
milliseconds), duplicate, error (what came instead of an answer, as printed).
Row of statistics(), one: target, address, sent, received, duplicates, errors, loss_percent, time_ms (the whole run),
rtt_min_ms, rtt_avg_ms, rtt_max_ms, rtt_mdev_ms (missing without an answer).

>>> replies("64 bytes from 10.0.0.2: icmp_seq=1 ttl=63 time=0.059 ms")[0]["ttl"]
63
>>> statistics("2 packets transmitted, 1 received, 50% packet loss, time 999ms")[0]["loss_percent"]
50.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .words import Row, Words, lines

COMMAND = "ping"
REPLIES = ("seq", "bytes", "from", "ttl", "time_ms", "duplicate", "error")
STATISTICS = (
    "target", "sent", "received", "loss_percent", "rtt_min_ms", "rtt_avg_ms", "rtt_max_ms", "rtt_mdev_ms",
    "duplicates", "errors", "time_ms", "address",
)  # fmt: skip

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
# is about.
ASIDE = re.compile(
    rf"--- \S+ ping statistics ---|pipe \d+(?:, ipg/ewma {NUMBER}/{NUMBER} ms)?|, ipg/ewma {NUMBER}/{NUMBER} ms"
    r"|ai->ai_family: AF_INET6?, ai->ai_canonname: '\S*'|ping6?: sock4\.fd: .*|WARNING: pinging broadcast address"
    r"|(?:IP )?Hdr Dump:|Vr HL TOS Len ID Flg off TTL Pro cks Src Dst Data|[0-9a-f]{2,4}(?: [0-9a-f]{2,4})+"
    r"|\d [0-9a-f]{1,2} [0-9a-f]{2}(?: [0-9a-fx]+){7} \S+ \S+",
    re.ASCII,
)


def replies(printed: str) -> list[Row]:
    """A row per reply, or per error that came instead."""
    return [row for kind, row in _read(printed) if kind == "reply"]


def statistics(printed: str) -> list[Row]:
    """One row: how many answered, and how fast; no row when ping did not get that far."""
    row: Row = dict.fromkeys(STATISTICS)
    counted = False
    for kind, part in _read(printed):
        if kind in ("start", "counts", "times"):
            row |= part
            counted |= kind == "counts"
    return [row] if counted else []


def _read(printed: str) -> Iterator[tuple[str, Row]]:
    """Every line's kind and facts."""
    for words in lines(COMMAND, printed):
        line = DATE.sub("", words.text.removeprefix("^C"))
        if line and not ASIDE.fullmatch(line):
            yield _line(line, words)


def _line(line: str, words: Words) -> tuple[str, Row]:
    if found := REPLY.fullmatch(line):
        return "reply", _reply(found)
    if found := ERROR.fullmatch(line) or LOCAL.fullmatch(line) or NO_ANSWER.fullmatch(line):
        return "reply", _error(found.groupdict())
    if found := START.fullmatch(line):
        return "start", found.groupdict()
    if found := COUNTS.fullmatch(line):
        return "counts", _counts(found)
    if found := TIMES.fullmatch(line):
        return "times", {f"rtt_{k}_ms": float(v) if v else None for k, v in found.groupdict().items()}
    raise words.unknown(words.peek())


def _error(facts: dict[str, str | Any]) -> Row:
    return dict.fromkeys(REPLIES) | {
        "seq": int(facts["seq"]) if facts.get("seq") else None,
        "from": facts.get("from"),
        "duplicate": False,
        "error": facts.get("error") or facts.get("name") or "no answer yet",
    }


def _reply(found: re.Match[str]) -> Row:
    return {
        "seq": int(found["seq"]),
        "bytes": int(found["bytes"]),
        "from": found["from"],
        "ttl": int(found["ttl"]) if found["ttl"] else None,
        "time_ms": float(found["time"]) if found["time"] else None,
        "duplicate": bool(found["dup"]),
        "error": found["error"],
    }


def _counts(found: re.Match[str]) -> Row:
    return {
        "sent": int(found["sent"]),
        "received": int(found["received"]),
        "duplicates": int(found["duplicates"] or 0),
        "errors": int(found["errors"] or 0) + int(found["corrupted"] or 0),
        "loss_percent": float(found["loss"]),
        "time_ms": float(found["time"]) if found["time"] else None,
    }
