"""Which rules filter packets? A row a rule, or a chain's policy, of `iptables -S`, `-L -v -n` and `iptables-save`.

iptables-save and `-S` print a rule as it is typed. `-L` prints a table: what a rule matches, and what its target is
told, then stand together in `match`. See iptables(8); ip6tables prints the same.

>>> row = parse("-A FORWARD -s 10.0.0.0/8 -i br0 -m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable")[0]
>>> row["chain"], row["target"], row["source"], row["match"]
('FORWARD', 'REJECT', '10.0.0.0/8', '-m conntrack --ctstate NEW')
"""  # noqa: E501  (as long as iptables prints it)

from __future__ import annotations

import re
from collections.abc import Iterator

from ..language import marked, tr
from .words import NUMBER, PREFIX, Columns, Row, Words, is_ip

COMMAND = "iptables"
COLUMNS: Columns = {
    "table": (str, marked("filter, nat, mangle, raw, security; missing where neither output nor command names it")),
    "chain": (str, marked("chain")),
    "number": (int, marked("place in the chain, from 1; missing for the chain's policy")),
    "target": (
        str,
        marked("what is done with the packet: ACCEPT, DROP, MASQUERADE, another chain; missing: it is counted"),
    ),
    "policy": (bool, marked("what is done with a packet that no rule of the chain decided on")),
    "proto": (str, marked("protocol; missing: all")),
    "in": (str, marked("device that the packet came in by; missing: any; `! eth0`: any but this")),
    "out": (str, marked("device that it is to leave by")),
    "source": (str, marked("source: a prefix; missing: any")),
    "destination": (str, marked("destination: a prefix; missing: any")),
    "match": (str, marked("what else a packet must be like, as printed")),
    "options": (str, marked("what the target is told, as printed (with -L it is in match)")),
    "packets": (int, marked("packets that it was true of (with -v or -c); missing where a large number was rounded")),
    "bytes": (int, marked("bytes in them")),
}
EMPTY: Row = dict.fromkeys(COLUMNS) | {"policy": False}

TABLE = re.compile(r"\*(\w+)", re.ASCII)
CHAIN = re.compile(r":(\S+) (\S+)(?: \[(\d{1,18}):(\d{1,18})\])?", re.ASCII)
COUNTS = re.compile(r"\[(\d{1,18}):(\d{1,18})\]", re.ASCII)
# A word, or one in quotes, whose quotes are part of what is printed.
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
HEAD = re.compile(
    r"Chain (?P<chain>\S+) \((?:policy (?P<policy>\S+)"
    r"(?: (?P<packets>\d+[KMGT]?) packets, (?P<bytes>\d+[KMGT]?) bytes)?|-?\d+ references)\)",
    re.ASCII,
)
COLUMN_NAMES = re.compile(r"(?:num )?(?:pkts bytes )?target prot opt (?:in out )?source destination")
TITLE = re.compile(r"Table: (\w+)", re.ASCII)  # some print each table below its name
ROUNDED = re.compile(r"\d{1,17}[KMGT]?", re.ASCII)
OPT = {"--", "-f", "!f"}
ANY = {"0.0.0.0/0", "::/0", "anywhere", "*", "any", "all", "0"}

# Options of a rule that have a column; each may have a ! before it.
OPTIONS = {
    "-p": "proto", "--protocol": "proto", "-i": "in", "--in-interface": "in", "-o": "out", "--out-interface": "out",
    "-s": "source", "--source": "source", "-d": "destination", "--destination": "destination",
}  # fmt: skip
JUMPS = {"-j", "--jump", "-g", "--goto"}


def parse(printed: str) -> list[Row]:
    """Rows of `iptables -S`, of `iptables -L` with or without -v and -n, and of `iptables-save`, one per rule."""
    rows: list[Row] = []
    reader = _Reader()
    for number, line in enumerate(printed.splitlines(), 1):
        words = Words(COMMAND, line, number)
        if words and not words.peek().startswith("#"):
            rows += reader.read(words)
    return rows


class _Reader:
    """The state while the lines are read: in which table and chain we are, and how many rules each chain has."""

    def __init__(self) -> None:
        self._table: str | None = None
        self._chain: str | None = None  # of -L
        self._names = ""  # of the columns of -L
        self._rules: dict[str, int] = {}

    def read(self, words: Words) -> Iterator[Row]:
        """The row of a line; none of one that is no rule and no policy."""
        text = words.text
        table = TABLE.fullmatch(text) or TITLE.fullmatch(text)
        if table:
            self._table = table[1]
            self._chain = None
            self._rules.clear()
        elif text == "COMMIT" or words.peek() in ("-N", "--new-chain"):
            words.rest()
        elif text.startswith(":"):
            yield from self._of_save(words, text)
        elif text.startswith("-P "):
            yield self._policy(words)
        elif text.startswith(("-A ", "[")):
            yield self._typed(words)
        elif text.startswith("Chain "):
            yield from self._head(words, text)
        elif COLUMN_NAMES.fullmatch(text):
            self._names = text
        elif self._chain and self._names:
            yield self._listed(words)
        else:
            raise words.unknown(words.peek())

    def _row(self, chain: str) -> Row:
        return EMPTY | {"table": self._table, "chain": chain}

    def _numbered(self, chain: str) -> Row:
        """The row of a chain's next rule."""
        self._rules[chain] = self._rules.get(chain, 0) + 1
        return self._row(chain) | {"number": self._rules[chain]}

    def _of_save(self, words: Words, text: str) -> Iterator[Row]:
        """`:FORWARD DROP [0:0]`; a user's chain has no policy."""
        found = CHAIN.fullmatch(text)
        if not found:
            raise words.unknown(words.peek())
        chain, policy, packets, size = found.groups()
        if policy != "-":
            yield self._with_policy(chain, policy, packets, size)

    def _policy(self, words: Words) -> Row:
        """`-P FORWARD DROP`, with -v `-c 0 0` behind it."""
        words.take()  # -P
        chain, policy = words.take(), words.take()
        packets = size = None
        if words:
            _expect(words, "-c")
            packets, size = words.take(), words.take()
        words.end()
        return self._with_policy(chain, policy, packets, size)

    def _with_policy(self, chain: str, policy: str, packets: str | None, size: str | None) -> Row:
        return self._row(chain) | {
            "target": policy,
            "policy": True,
            "packets": _exact(packets),
            "bytes": _exact(size),
        }

    def _typed(self, words: Words) -> Row:
        """`[5:300] -A FORWARD -i br0 -j ACCEPT`, a rule as it was typed."""
        counts = COUNTS.fullmatch(words.peek())
        if counts:
            words.take()
        left = WORD.findall(words.rest())
        left.reverse()
        if len(left) < 2 or left.pop() != "-A":
            raise words.unknown(words.text)
        row = self._numbered(left.pop())
        if counts:
            row["packets"], row["bytes"] = int(counts[1]), int(counts[2])
        _rule(left, row, words)
        return row

    def _head(self, words: Words, text: str) -> Iterator[Row]:
        """`Chain FORWARD (policy DROP 5 packets, 300 bytes)`, or `Chain DOCKER (1 references)`."""
        found = HEAD.fullmatch(text)
        if not found:
            raise words.unknown(words.peek())
        chain: str = found["chain"]
        self._chain = chain
        self._names = ""
        if found["policy"]:
            yield self._with_policy(chain, found["policy"], found["packets"], found["bytes"])

    def _listed(self, words: Words) -> Row:
        """A line of -L below its columns' names: `5 300 ACCEPT all -- br0 * 0.0.0.0/0 0.0.0.0/0 ctstate NEW`."""
        assert self._chain
        row = self._numbered(self._chain)
        names = self._names.split()
        if names[0] == "num":
            row["number"] = words.take_int()
            self._rules[self._chain] = row["number"]
        if "pkts" in names:
            row["packets"], row["bytes"] = _count(words), _count(words)
        has_devices = "in" in names
        if _has_target(words, has_devices):
            row["target"] = words.take()
        row["proto"] = _unless_any(words.take())
        fragments = words.take() if words.peek() in OPT else "--"
        if has_devices:
            row["in"], row["out"] = _device(words), _device(words)
        row["source"], row["destination"] = _unless_any(words.take()), _unless_any(words.take())
        rest = words.rest()
        if fragments != "--":
            rest = f"{fragments} {rest}".strip()
        row["match"] = rest or None
        return row


def _rule(left: list[str], row: Row, words: Words) -> None:
    """The words of a rule behind its chain; left: the next stands last."""
    match: list[str] = []
    while left:
        negation, word = _next(left)
        if word in JUMPS and left:
            row["target"] = left.pop()
            left.reverse()
            row["options"] = " ".join(left) or None
            break
        if word == "-c" and len(left) > 1:
            row["packets"] = _exact(left.pop())
            row["bytes"] = _exact(left.pop())
        elif word in OPTIONS and left:
            inner, value = _next(left)  # iptables up to 1.4.2 wrote `-i ! eth0`
            row[OPTIONS[word]] = (negation or inner) + value
        elif word in OPTIONS or word in JUMPS:
            raise words.unknown(tr("(end of line)"))
        else:
            match.append(negation + word)
    row["match"] = " ".join(match) or None


def _next(left: list[str]) -> tuple[str, str]:
    """The next word, which stands last, and before it `! ` where it is negated."""
    word = left.pop()
    if word == "!" and left:
        return "! ", left.pop()
    return "", word


def _has_target(words: Words, has_devices: bool) -> bool:
    """Whether a line of -L has a target; blanks stand where it has none, and where an ip6tables has no `opt`."""
    if words.word(1) in OPT:
        return False
    if words.word(2) in OPT:
        return True
    ends = 4 if has_devices else 2  # words before source and destination, with a target
    return _is_end(words.word(ends)) and _is_end(words.word(ends + 1))


def _is_end(word: str) -> bool:
    """Whether this is a source or a destination, and no word of a match."""
    return word in ANY or is_ip(word.removeprefix("!"), PREFIX)


def _device(words: Words) -> str | None:
    return _unless_any(words.take())


def _unless_any(word: str) -> str | None:
    """What was asked for; None where anything will do. `!10.0.0.0/8` is written as -S writes it."""
    if word in ANY:
        return None
    return f"! {word[1:]}" if word.startswith("!") and len(word) > 1 else word


def _count(words: Words) -> int | None:
    """A counter of -L, which rounds large ones: 12K."""
    word = words.take()
    if not ROUNDED.fullmatch(word):
        raise words.unknown(word)
    return _exact(word)


def _exact(printed: str | None) -> int | None:
    """A number that was not rounded."""
    return int(printed) if printed and NUMBER.fullmatch(printed) else None


def _expect(words: Words, word: str) -> None:
    found = words.take()
    if found != word:
        raise words.unknown(found)
