"""How do rows read as a table, and a text in lines? Without columns that say nothing; as wide as a terminal is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

Row = Mapping[str, Any]
# A page may have styles of its own for tables (JupyterLab's align right and wrap), so every cell says what it needs.
CELL = "text-align:left;vertical-align:top;line-height:1.35;padding:3px 8px;"
WHOLE = CELL + "white-space:nowrap"
PROSE = CELL + "min-width:14em"  # on a narrow screen a table is rather moved sideways than a word to a line
# What a terminal may obey rather than show: control characters (C0, DEL, and C1, whose U+009B begins an escape
# sequence as ESC [ does), signs that turn the reading direction or have no width, line separators, and the halves of
# surrogate pairs that Python makes of bytes that are no UTF-8.
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs: no text that holds one can be written as UTF-8


# Signs that never begin a line, and signs that never end one: GB/T 15834, and the W3C's "Requirements for Chinese Text
# Layout" (clreq), 3.1.6. The straight ones are as narrow as letters.
NEVER_FIRST = frozenset("。，、；：？！）」』》〉】”’…—·,.;:?!)")
NEVER_LAST = frozenset("（「『《〈【“‘(")


class AsText:
    """What is shown as its text, also where Python shows a value: in a terminal, a doctest, a notebook's file.

    `words` is that text; in it may stand names that a stranger gave, so nobody prints it but here.
    """

    def words(self) -> str:
        """The text, with every name as it is."""
        raise NotImplementedError

    def __str__(self) -> str:
        return printable(self.words(), keep="\t\n")

    def __repr__(self) -> str:
        return str(self)


def keep_printable(fact: object, *fields: str) -> None:
    """Make sentences in a frozen dataclass printable, from its `__post_init__`.

    A sentence is there to be read, so a name in it is shown as `printable` shows it. Facts beside the sentence (a
    device, a namespace, an address) stay as the kernel has them. fields: which of its fields are sentences.
    """
    for field in fields:
        value = getattr(fact, field)
        if value and not value.isprintable():
            object.__setattr__(fact, field, printable(value))


def text(value: Any) -> str:
    """A cell as text: nothing for missing, yes / no for a truth.

    >>> [text(None), text(True), text(0.25), text(1500)]
    ['', 'yes', '0.25', '1500']
    """
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return printable(str(value), keep="\t\n")


def printable(name: str, keep: str = "") -> str:
    """A stranger's name as it may be printed: what a terminal would obey is shown by its number.

    The kernel takes nearly any byte in the name of a device, a process or a file. name: any text; keep: control
    characters that may stay, such as the line ends of a longer text.

    >>> print(printable("a\\x1b[31mb"), printable("\\u202e1.0.0.721"), printable("\\udcff"))
    a\\x1b[31mb \\u202e1.0.0.721 \\xff
    """
    if name.isprintable():
        return name

    def shown(found: re.Match[str]) -> str:
        sign = found.group()
        if sign in keep:
            return sign
        return _number(ord(sign))

    return OBEYED.sub(shown, name)


def _number(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode keeps it (PEP 383)
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}"


def width(text: str) -> int:
    """How many columns of a terminal a text takes: two for a full-width sign, none for one that adds to another.

    >>> width("ns1"), width("网桥 br0")
    (3, 8)
    """
    if text.isascii():
        return len(text)
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    from unicodedata import combining  # a table that who reads English does not wait for

    if combining(sign):
        return 0
    return 2 if _is_wide(sign) else 1


def _is_wide(sign: str) -> bool:
    from unicodedata import east_asian_width

    return east_asian_width(sign) in "WF"  # Unicode's Annex 11


def pieces(text: str) -> list[str]:
    """A text cut wherever a line may end: after a blank and, without one, between full-width signs.

    No piece begins with a sign that may not begin a line, such as a full stop.

    >>> pieces("启用 br0。再看")
    ['启', '用 ', 'br0。', '再', '看']
    """
    cut: list[str] = []
    for sign in text:
        if cut and not _may_part(cut[-1], sign):
            cut[-1] += sign
        else:
            cut.append(sign)
    return cut


def _may_part(before: str, sign: str) -> bool:
    """Whether a line may end between these two."""
    last = before[-1]
    if sign.isspace() or sign in NEVER_FIRST or last in NEVER_LAST:
        return False
    return last.isspace() or _is_wide(last) or _is_wide(sign)


def wrapped(text: str, columns: int, first: str = "", later: str = "", cut_words: bool = True) -> str:
    """A paragraph in lines of at most so many columns of a terminal.

    first, later: what the first and the other lines begin with; cut_words: whether a word that is longer than a line
    is cut.
    """
    if text.isascii() or not any(map(_is_wide, text)):
        import textwrap

        return textwrap.fill(
            text,
            columns,
            initial_indent=first,
            subsequent_indent=later,
            break_on_hyphens=False,
            break_long_words=cut_words,
        )
    lines = [first]
    for piece in pieces(" ".join(text.split())):
        line = lines[-1]
        is_begun = line not in (first, later)
        if is_begun and width(line + piece.rstrip()) > columns:
            lines.append(later + piece)
        else:
            lines[-1] = line + piece
    return "\n".join(line.rstrip() for line in lines)


def sentence(text: str) -> str:
    """A sentence as HTML, what stands between ` as code.

    >>> sentence("look with `ip a`")
    'look with <code>ip a</code>'
    """
    html = escape(text)
    return re.sub("`([^`]+)`", r"<code>\1</code>", html)


def filled(rows: Sequence[Row], columns: Iterable[str]) -> list[str]:
    """The columns that say something: not those without any value, or with nothing but `no`."""
    telling = []
    for column in columns:
        if any(_tells(row[column]) for row in rows):
            telling.append(column)
    return telling


def _tells(value: Any) -> bool:
    if value is False:
        return False
    return text(value) != ""


def table(rows: Sequence[Row], columns: Iterable[str], prose: Collection[str] = (), title: str = "") -> str:
    """Rows as HTML without the columns that say nothing; empty when there are no rows.

    prose: columns of sentences, which may go on in a second line; an address or a name never does.
    """
    shown = filled(rows, columns)
    if not shown:
        return ""
    styles = {name: PROSE if name in prose else WHOLE for name in shown}
    head = [f'<th style="{WHOLE}">{escape(name)}</th>' for name in shown]
    lines = ["".join(head)]
    for row in rows:
        cells = [_cell(row[name], styles[name]) for name in shown]
        lines.append("".join(cells))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    whole = f'<div style="overflow-x:auto"><table>{body}</table></div>'
    if not title:
        return whole
    return f"<p><b>{escape(title)}</b></p>{whole}"


def _cell(value: Any, style: str) -> str:
    words = escape(text(value))
    return f'<td style="{style}">{words}</td>'
