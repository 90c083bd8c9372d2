"""Which rules does nft have? A row a chain and a rule of `nft list ruleset`, with its table (nft(8)).

It lists also what iptables of today makes, which is in nf_tables too. `nft list tables` prints less of the same.

>>> rows = parse("table ip flannel-ipv4 {\\n chain postrtg {\\n ip daddr 10.244.0.0/16 counter packets 2 bytes 168 return\\n}\\n}")
>>> rows[0]["table"], rows[1]["chain"], rows[2]["rule"], rows[2]["verdict"], rows[2]["packets"]
('flannel-ipv4', 'postrtg', 'ip daddr 10.244.0.0/16 return', 'return', 2)
"""  # noqa: E501  (a ruleset needs some braces)

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, RowReader, Words

COMMAND = "nft list ruleset"
COLUMNS: Columns = {
    "family": (str, marked("ip, ip6, inet (both), arp, bridge, netdev")),
    "table": (str, marked("table: of any name; iptables calls its own filter, nat, mangle, raw")),
    "chain": (str, marked("chain; missing for the table itself")),
    "number": (int, marked("place in the chain, from 1; missing for the chain itself")),
    "rule": (str, marked("the rule as printed, without its counter; missing for the chain itself")),
    "verdict": (
        str,
        marked("what the rule does in the end: drop, accept, jump X, masquerade ...; missing: it goes on"),
    ),
    "hook": (str, marked("where the chain is called, as printed: filter hook forward priority filter")),
    "policy": (str, marked("what is done with a packet that no rule of the chain decided on")),
    "packets": (int, marked("packets that all of the rule fits, where it counts them behind what it asks")),
    "bytes": (int, marked("bytes in them")),
}
TABLE = re.compile(r"table (?P<family>ip|ip6|inet|arp|bridge|netdev) (?P<table>\S+)(?P<opens> \{)?")
BEGINS = re.compile(r"(?P<kind>[a-z]+(?: [a-z]+)?) (?P<name>[^\s{}]+) \{")  # `chain input {`, `ct helper ftp {`
# What a table has beside chains; it filters nothing by itself, and is read over
OBJECTS = (
    "set", "map", "meter", "counter", "quota", "limit", "flowtable", "secmark", "synproxy", "ct helper", "ct timeout",
    "ct expectation",
)  # fmt: skip
OF_TABLE = ("flags", "comment", "handle")
HOOK = re.compile(r"type (?P<hook>[^;]+);(?: policy (?P<policy>\w+);)?")
OF_CHAIN = ("comment ", "devices ", "flags ")
RULE = re.compile(r"[a-z#@!0-9].*")
COUNTER = re.compile(r"counter packets (?P<packets>\d{1,18}) bytes (?P<bytes>\d{1,18}) ?", re.ASCII)
HANDLE = re.compile(r" ?# handle \d+$")  # with -a
QUOTED = re.compile(r'"[^"]*"')
COMMENT = re.compile(r' comment "[^"]*"$')
VERDICT = re.compile(
    r"(?:^| )(drop|accept|return|continue|(?:jump|goto) \S+|reject(?: with [\w\s-]+)?|queue[^\"{}]*"
    r"|(?:masquerade|redirect|[sd]nat)(?: [^\"{}]*)?)$"
)
# What may stand between a counter and the verdict and asks nothing: behind all else a counter tells what the rule does
LOG = re.compile(r'log(?: (?:prefix "[^"]*"|level \w+|group \d+|flags [\w, ]+|snaplen \d+|queue-threshold \d+))*')
LONGEST_RULE = 2**16  # signs: what is longer, and still open, is none


def parse(printed: str) -> list[Row]:
    """Rows of `nft list ruleset`: one per table, chain and rule."""
    return _Reader.read(printed).rows


def begins(printed: str) -> list[int]:
    """The line in which each row begins, from 1."""
    return _Reader.read(printed).lines


class _Reader(RowReader):
    """The state while the lines are read: the table, the chain, and what a brace has opened in them."""

    COMMAND = COMMAND
    EMPTY = dict.fromkeys(COLUMNS)

    def __init__(self) -> None:
        super().__init__()
        self._table: Row = {}
        self._chain: Row = {}
        self._number = 0
        self._begun = ""  # a rule that goes on in the next line
        self._depth = 0  # of the braces of an object

    def take(self, words: Words) -> None:
        """Read one line."""
        text = HANDLE.sub("", words.text)
        if text.startswith("# "):  # `# Warning: table ip nat is managed by iptables-nft, do not touch!`
            return
        if self._depth:
            self._depth += _braces(text)
        elif self._chain:
            self._in_chain(words, text)
        elif self._table and text == "}":
            self._table = {}
        elif self._table:
            self._in_table(words, text)
        else:
            self._new_table(words, text)

    def _new_table(self, words: Words, text: str) -> None:
        """`table ip filter {`, or without the brace in a list of tables."""
        table = TABLE.fullmatch(text)
        if not table:
            raise words.unknown(words.peek())
        row = {"family": table["family"], "table": table["table"]}
        self.add(words, row)
        if table["opens"]:
            self._table = row

    def _in_table(self, words: Words, text: str) -> None:
        begins = BEGINS.fullmatch(text)
        if begins and begins["kind"] == "chain":
            self._chain = self._table | {"chain": begins["name"]}
            self._number = 0
            self.add(words, self._chain)
        elif begins and begins["kind"] in OBJECTS:
            self._depth = 1
        elif words.peek() not in OF_TABLE:
            raise words.unknown(words.peek())

    def _in_chain(self, words: Words, text: str) -> None:
        if text == "}" and not self._begun:
            self._chain = {}
            return
        if self._begun:
            text = f"{self._begun} {text}"
        braces = _braces(text)
        if braces < 0 or len(text) > LONGEST_RULE:
            raise words.unknown(words.peek())
        self._begun = text if braces else ""
        if self._begun:
            return
        hook = HOOK.fullmatch(text)
        if hook:
            self.rows[-1].update(hook.groupdict())
        elif not text.startswith(OF_CHAIN):
            self._rule(words, text)

    def _rule(self, words: Words, text: str) -> None:
        if not RULE.fullmatch(text):
            raise words.unknown(words.peek())
        self._number += 1
        rule = COUNTER.sub("", text, count=1).strip()
        verdict = VERDICT.search(COMMENT.sub("", rule))
        counter = _counter(text)
        row = self._chain | {"number": self._number, "rule": rule}
        row["verdict"] = verdict[1].strip() if verdict else None
        if counter:
            row["packets"] = int(counter["packets"])
            row["bytes"] = int(counter["bytes"])
        self.add(words, row)


def _counter(text: str) -> re.Match[str] | None:
    """A rule's counter; None where more is asked behind it, so that it has counted others, too."""
    counter = COUNTER.search(text)
    if not counter:
        return None
    behind = COMMENT.sub("", text[counter.end() :]).strip()
    done = LOG.sub("", behind, count=1).strip() if behind.startswith("log") else behind
    return counter if not done or VERDICT.fullmatch(done) else None


def _braces(text: str) -> int:
    """How many braces a text opens and does not close."""
    bare = QUOTED.sub("", text)
    return bare.count("{") - bare.count("}")
