"""How does a sentence read in Chinese that the kit once said in English? As its catalogue has it, found by its pattern.

What a verdict said was written down in English. Each sentence of it is one of the kit's, with
its fields filled in, so the kit's catalogue tells how it reads: the pattern is looked for that fits all of it, and what
stands in a field may be a sentence, too. Where nothing fits, a text stays as it is.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vethlab_sh.language import CATALOGUES, DOMAIN, SOURCE, in_lesson, language, sentences, tr

DEEPEST = 5
TWO_WORDS = re.compile(r"[\w'’.:@-]+,? (?:[a-z]{2,}|a)\b")  # two words one after the other: perhaps a sentence
BETWEEN = re.compile(r"(?<=[.!?]) (?=[A-Z])")  # two sentences
ROUTE = r"(?: (?:via|dev|src|scope|proto|metric|table|mtu|nexthop|weight|link|onlink|inet6?|[\w.:/-]*[\d/][\w.:/-]*))*"
# What stands in a field as the kernel, or a learner, has written it: code, a line, a route, what a packet is.
AS_IT_IS = re.compile(
    r"`[^`]*`|\"[^\"]*\"|(?:ip|ip6|bridge|brctl|iptables|ip6tables|nft|sysctl|tc|echo|ovs-\w+) .*|-A .*"
    r"|(?:(?:local|broadcast|blackhole|unreachable|prohibit|throw|multicast) )?(?:default|[\da-f.:]+(?:/\d+)?)" + ROUTE
)
FILTER = re.compile(r"(?:iptables|ip6tables|nft)(?:-legacy)? (?:table|chain) .*")
PLACE = re.compile(
    r"[\w.@:-]+ \([\da-f.:/]+\)|[\w.@:-]+ (?!(?:in|of|is|has|was|at|and|or|not|no|to|answers)\b)[\w.@:-]+"
)  # with its address or device
VERDICTS = {"yes: ": "yes: {why}", "no: ": "no: {why}"}
LITERAL = ("words", "line", "rule", "command")  # fields in which nothing of ours stands
CLAUSE_FOLLOWS = (":", "but", "because", "and", "so", "that", "though", ".")
WHOLE = "why"  # the field in which several sentences may stand
FEW = 6  # letters: a pattern like `{name} in {namespace}` fits much
LEFT = re.compile(r"\b(?:[Tt]he|[Tt]his|is|has|was|of|which|it|but|so) [a-z]+")  # then it was misread
SHORT = 3  # words, then, in a field
PROTOCOL = re.compile(r"(?:ICMP|ICMPv6|ARP|TCP|UDP|IP|IPv6)(?: [\w-]+){0,3}")
# A field begins and ends where a word does; where another field follows at once, where a blank or a comma is.
START, EDGE, END = r"(?<!\w)", r"(?!\w)", r"(?=[\s,;(]|$)"
TICKED = re.compile("`([^`]*)`")
FENCE = "```"
LINE = re.compile(r"^(> |\| .* \| |)(.+?)( \||)$")  # a quotation, a row and its last cell, a paragraph
HAN = "[\u4e00-\u9fff]"
TOO_NEAR = re.compile(f"(?<={HAN})(?=[A-Za-z0-9`])")
TOO_FAR = re.compile(f"(?<={HAN}) (?={HAN})")
WORDS_ALONE = ("nobody", "none", "yes", "no", "itself")
OWN = re.compile("[A-Za-z]{2,}")


@dataclass(frozen=True)
class Pattern:
    """A sentence of the catalogue. told: its English, with a group for each field; other: how it reads in Chinese.

    letters: how many of its own it has; longest: the longest piece of it without a field; closed: the field at its end,
    if that cannot be a clause.
    """

    told: re.Pattern[str]
    other: str
    letters: int
    longest: str
    closed: str


def retold(text: str) -> str:
    """The text in the language that is spoken; as it is, where it is none of the kit's sentences."""
    if language() == SOURCE or not TWO_WORDS.search(text):
        return text
    for verdict, pattern in VERDICTS.items():
        if text.startswith(verdict):
            why = text.removeprefix(verdict)
            told = retold(why)
            return tr(pattern, why=told) if told != why else text
    told = _sentence(text, 0)
    return _spaced(told) if told and not LEFT.search(TICKED.sub("", told)) else text


def on_page(page: str, say: Callable[[str], str] = retold) -> str:
    """A page of Markdown in which the kit is quoted: its paragraphs, quotations and cells are retold, no heading is."""
    lines = []
    is_code = False
    for line in page.split("\n"):
        is_fence = line.startswith(FENCE)
        is_code ^= is_fence
        is_ours = not (is_code or is_fence or line.startswith("#"))
        lines.append(LINE.sub(lambda found: found[1] + say(found[2]) + found[3], line) if is_ours else line)
    return "\n".join(lines)


def of_page(page: str) -> set[str]:
    """Those texts of a page that `on_page` retells."""
    found = set()

    def say(text: str) -> str:
        if retold(text) != text:
            found.add(text)
        return text

    on_page(page, say)
    return found


def _spaced(text: str) -> str:
    """A space between Chinese and Latin, and none between Chinese and Chinese, whatever stood in a field."""
    return TOO_FAR.sub("", TOO_NEAR.sub(" ", text))


@cache
def _sentence(text: str, depth: int) -> str | None:
    """What is one sentence of the kit's, or several; None where it is none."""
    for known in (tr(text), in_lesson(text)):
        if known != text:
            return known
    if depth > DEEPEST:
        return None
    several = BETWEEN.split(text)
    if len(several) > 1:
        told = [_sentence(one, depth) for one in several]
        if None not in told:
            return sentences(*(one for one in told if one))
    clauses = _parted(text, "; ", depth)
    if clauses:
        return clauses
    for pattern in _patterns():
        if pattern.longest not in text:
            continue
        found = pattern.told.fullmatch(text)
        if not found:
            continue
        values = found.groupdict()
        if ", " in values.get(pattern.closed, ""):
            continue
        if 0 < pattern.letters < FEW and any(len(value.split()) > SHORT for value in values.values()):
            continue
        fields = _fields(values, depth)
        if fields is not None:
            return _filled(pattern.other, fields)
    return _parted(text, ". ", depth)


def _fields(values: Mapping[str, str], depth: int) -> dict[str, str] | None:
    fields = {}
    for name, value in values.items():
        if BETWEEN.search(value) and name != WHOLE:
            return None
        told = value if name in LITERAL else _field(value, depth)
        if told is None:
            return None
        fields[name] = told
    return fields


def _field(value: str, depth: int) -> str | None:
    """What stands in a field: a name and code as they are, a sentence as it reads; None where that is not known."""
    if value in WORDS_ALONE:
        return tr(value)
    if " " not in value.strip() or AS_IT_IS.fullmatch(value):
        return value
    told = _sentence(value, depth + 1)
    is_name = told is None and (PROTOCOL.fullmatch(value) or PLACE.fullmatch(value) or FILTER.fullmatch(value))
    return value if is_name else told


def _parted(text: str, between: str, depth: int) -> str | None:
    """Several sentences, or clauses, one after the other."""
    stop = between.rstrip() if between.startswith(".") else ""
    start = 0
    while (place := text.find(between, start)) > 0:
        first = _whole(text[: place + len(stop)], depth)
        rest = _whole(text[place + len(between) :], depth) if first else None
        if first and rest:
            return sentences(first, rest) if stop else f"{first}；{rest}"
        start = place + 1
    return None


def _whole(text: str, depth: int) -> str | None:
    """A sentence, with its full stop or without."""
    told = _field(text, depth)
    if told is None and text.endswith("."):
        told = _field(text[:-1], depth)
        return told + "。" if told and told != text[:-1] else None
    return told


def _filled(sentence: str, fields: Mapping[str, str]) -> str:
    """A sentence with its fields filled in; how a number is written is told by the English already."""
    parts = []
    for plain, name, _, _ in string.Formatter().parse(sentence):
        parts += [plain, fields[name] if name else ""]
    return tr("{whole}", whole="".join(parts))


@cache
def _patterns() -> list[Pattern]:
    """Every sentence of the kit's that has fields, the one with most letters first."""
    from babel.messages.pofile import read_po  # who builds the English site alone does not wait for it

    with Path(CATALOGUES, language(), "LC_MESSAGES", f"{DOMAIN}.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    patterns = []
    for message in messages:
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        other = message.string[0] if isinstance(message.string, tuple) else message.string
        for sentence in english:
            patterns += _pattern(sentence, other)
    return sorted(patterns, key=lambda pattern: -pattern.letters)


def _pattern(sentence: str, other: str) -> Iterator[Pattern]:
    told, plain = "", []
    known: set[str] = set()
    last = before = ""
    for number, (text, name, _, _) in enumerate(string.Formatter().parse(sentence)):
        if number and not text[:1].isalnum():
            told += EDGE if text else END
        told += re.escape(text)
        plain.append(text)
        if name:
            told += START if text and not text[-1].isalnum() else ""
            told += f"(?P={name})" if name in known else f"(?P<{name}>.*?)"
            known.add(name)
        last, before = (name, text) if name else ("", text)
    closed = last if last and not before.rstrip().endswith(CLAUSE_FOLLOWS) else ""
    letters = sum(map(len, OWN.findall("".join(plain))))
    is_frame = len("".join(plain).strip()) > SHORT  # `{reached}: {way}; {routers}.`
    if known and other and (letters or is_frame):
        yield Pattern(re.compile(told), other, letters, max(plain, key=len), closed)
