"""Which routing table is asked first? A row a rule of `ip rule` (ip-rule(8)), in the order in which they are asked.

>>> row = parse("32765:\\tfrom 10.0.0.0/8 fwmark 0x1/0xff iif eth0 lookup 100 proto static")[0]
>>> row["priority"], row["from"], row["fwmark"], row["iif"], row["lookup"]
(32765, '10.0.0.0/8', '0x1/0xff', 'eth0', '100')
"""

from __future__ import annotations

from ..language import marked
from .words import Columns, Pairs, Row, Words, lines, number, text

COMMAND = "ip rule"
COLUMNS: Columns = {
    "priority": (int, marked("the smaller is asked first")),
    "from": (str, marked("the packet's source: a prefix, or all")),
    "to": (str, marked("the packet's destination; missing: any")),
    "iif": (str, marked("device that the packet came in by")),
    "oif": (str, marked("device that it is to leave by")),
    "fwmark": (str, marked("the packet's mark, and which bits of it count")),
    "selectors": (str, marked("what else a packet must be like: tos, uidrange, ipproto, sport, dport ...")),
    "lookup": (str, marked("the routing table that is asked")),
    "action": (str, marked("what is done instead: blackhole, unreachable, prohibit, goto 100, nop ...")),
    "inverted": (bool, marked("for packets that are not like this")),
    "suppress_prefixlength": (int, marked("routes of a prefix this short, or shorter, do not count")),
    "proto": (str, marked("who added it: kernel, boot (by hand), static, zebra, a number")),
    "more": (str, marked("further words as printed")),
}
EMPTY: Row = dict.fromkeys(COLUMNS) | {"inverted": False}
PAIRS: Pairs = {
    "from": ("from", text),
    "to": ("to", text),
    "iif": ("iif", text),
    "oif": ("oif", text),
    "fwmark": ("fwmark", text),
    "lookup": ("lookup", text),
    "suppress_prefixlength": ("suppress_prefixlength", number),
    "proto": ("proto", text),
}
SELECTORS = {"tos", "dsfield", "dscp", "uidrange", "ipproto", "sport", "dport", "tun_id", "flowlabel"}
ACTIONS = {"blackhole", "unreachable", "prohibit", "nop", "masquerade"}
ACTION_PAIRS = {"goto", "map-to"}
# The device, or the rule to go to, is not there; BusyBox has no word for goto, and says local.
MORE = {"[detached]", "[unresolved]", "local"}
NO_TABLE = "unspec"  # BusyBox's word for the table of a rule that asks none
MORE_PAIRS = {"realms", "suppress_ifgroup"}


def parse(printed: str) -> list[Row]:
    """Rows of `ip rule`, one per rule; -6, -d and BusyBox's too."""
    return [_rule(words) for words in lines(COMMAND, printed)]


def _rule(words: Words) -> Row:
    row = EMPTY.copy()
    row["priority"] = _priority(words)
    selectors = []
    more = []
    while words:
        word = words.take()
        if word in PAIRS:
            column, reader = PAIRS[word]
            row[column] = reader(words)
        elif word == "not":
            row["inverted"] = True
        elif word in SELECTORS:
            selectors += [word, words.take()]
        elif word in ACTIONS:
            row["action"] = word
        elif word in ACTION_PAIRS:
            row["action"] = f"{word} {words.take()}"
        elif word in MORE:
            more.append(word)
        elif word in MORE_PAIRS:
            more += [word, words.take()]
        else:
            raise words.unknown(word)
    if row["lookup"] == NO_TABLE:
        row["lookup"] = None
    row["selectors"] = " ".join(selectors) or None
    row["more"] = " ".join(more) or None
    return row


def _priority(words: Words) -> int:
    """`32766:`, with which a rule begins."""
    word = words.take()
    digits = word.removesuffix(":")
    if digits == word or not digits.isascii() or not digits.isdecimal() or len(digits) > 10:
        raise words.unknown(word)
    return int(digits)
