"""How do rows read as a table? Without the columns that say nothing; on a web page in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

Row = Mapping[str, Any]
# A page may have styles of its own for tables (JupyterLab's align right and wrap), so every cell says what it needs.
CELL = "text-align:left;vertical-align:top;line-height:1.35;padding:3px 8px;"
WHOLE = CELL + "white-space:nowrap"


def text(value: Any) -> str:
    """A cell as text: nothing for missing, yes / no for a truth.

    >>> [text(None), text(True), text(0.25), text(1500)]
    ['', 'yes', '0.25', '1500']
    """
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def sentence(text: str) -> str:
    """A sentence as HTML, what stands between ` as code.

    >>> sentence("look with `ip a`")
    'look with <code>ip a</code>'
    """
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def filled(rows: Sequence[Row], columns: Iterable[str]) -> list[str]:
    """The columns that say something: not those without any value, or with nothing but `no`."""
    return [column for column in columns if any(_tells(row[column]) for row in rows)]


def _tells(value: Any) -> bool:
    return value is not False and text(value) != ""


def table(rows: Sequence[Row], columns: Iterable[str], prose: Collection[str] = (), title: str = "") -> str:
    """Rows as HTML without the columns that say nothing; empty when there are no rows.

    prose: columns of sentences, which may go on in a second line; an address or a name never does.
    """
    shown = filled(rows, columns)
    if not shown:
        return ""
    above = f"<p><b>{escape(title)}</b></p>" if title else ""
    lines = ["".join(f'<th style="{WHOLE}">{escape(name)}</th>' for name in shown)]
    for row in rows:
        cells = [_cell(row[name], CELL if name in prose else WHOLE) for name in shown]
        lines.append("".join(cells))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'{above}<div style="overflow-x:auto"><table>{body}</table></div>'


def _cell(value: Any, style: str) -> str:
    return f'<td style="{style}">{escape(text(value))}</td>'
