"""What did a command print, as tables? Rows by name of table, or DataFrames, of every command that has a parser.

`rows` reads text with the parsers, `parse` makes a DataFrame of it, `tables` tells which tables there are. pandas is
imported only when a DataFrame is asked for, so that a demo starts without waiting for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .errors import NoParser, package
from .language import tr
from .parsers.asked import with_words
from .parsers.recognise import IP_OBJECTS, IP_VERBS, asked, recognise, stages
from .parsers.registry import TABLES, Column, Table
from .parsers.words import Row

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "DTYPES", "IP_OBJECTS", "IP_VERBS", "TABLES", "Column", "Row", "Table", "clean", "columns", "frame", "frames",
    "listed", "parse", "recognise", "rows", "stages", "tables",
]  # fmt: skip

DTYPES = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}
# Escapes of a terminal; colours also where a web page or an editor swallowed the ESC or wrote it as ^[
ESCAPES = re.compile(
    r"(?:\x1b|\^\[|\u241b)(?:\[[0-9;?<=>]*[A-Za-z@~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][A-Z0-9]|[=>78])"
    r"|\[[0-9][0-9;]*m"
)
ESCAPE_SIGNS = ("\x1b", "\u241b", "[")  # one of which each escape has


def columns(name: str) -> tuple[str, ...]:
    """Column names of one table, the most telling ones first."""
    table = TABLES[name]
    return tuple(column.name for column in table.columns)


def rows(line: str, printed: str) -> dict[str, list[Row]]:
    """The tables of what a command line printed, as lists of rows by name of table.

    line: the command as typed; printed: its output (colours and carriage returns of a pasted terminal are
    tolerated). Raises OutputNotUnderstood for a word that no parser knows.
    """
    text = clean(printed)
    read = {}
    for name in recognise(line):
        read[name] = with_words(name, asked(line), TABLES[name].read(text))
    return read


def clean(pasted: str) -> str:
    """Text as a terminal shows it: no colours, titles or bells; what was rubbed out or typed over is gone.

    >>> clean("\\x1b[1;36meth0\\x1b[0m UP\\r\\nip routt\\x08e\\n")
    'eth0 UP\\nip route\\n'
    """
    text = pasted
    if any(sign in text for sign in ESCAPE_SIGNS):  # looking for one sign is much faster than looking for a form
        text = ESCAPES.sub("", text)
    text = text.replace("\x07", "")
    if "\r" not in text and "\x08" not in text:
        return text
    text = text.replace("\r\n", "\n")
    if "\r" not in text and "\x08" not in text:
        return text
    lines = [_typed_over(line) for line in text.split("\n")]
    return "\n".join(lines)


def _typed_over(line: str) -> str:
    """One line after its carriage returns and backspaces."""
    shown: list[str] = []
    at = 0  # where the cursor stands
    for sign in line:
        if sign == "\r":
            at = 0
        elif sign == "\x08":
            at = max(0, at - 1)
        else:
            shown[at : at + 1] = sign
            at += 1
    return "".join(shown)


def frame(name: str, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows as a DataFrame with every column of the table, typed, also when there is no row."""
    pandas = package("pandas")

    rows = list(rows)
    typed = {}
    for column in TABLES[name].columns:
        values = [row[column.name] for row in rows]
        typed[column.name] = pandas.array(values, dtype=DTYPES[column.type])
    return pandas.DataFrame(typed)


def frames(line: str, printed: str) -> dict[str, DataFrame]:
    """The tables of what a command line printed, as DataFrames by name of table."""
    made = {}
    for name, read in rows(line, printed).items():
        made[name] = frame(name, read)
    return made


def parse(line: str, printed: str, table: str | None = None) -> DataFrame:
    """Output from anywhere, as the DataFrame of the command that printed it (for ping: its replies).

    line: the command, `ip route` say; printed: what it printed; table: which of its tables, where there is
    more than one (`ping statistics`). Raises NoParser for a command without a table, or without that one,
    OutputNotUnderstood for a word that its parser does not know.
    """
    for name, read in rows(line, printed).items():
        if table is None or table == name:
            return frame(name, read)
    raise NoParser(line)


def listed() -> list[Row]:
    """Every column of every table: table, column, type, meaning in the language that is spoken, example."""
    listing = []
    for table in TABLES.values():
        for column in table.columns:
            row = {
                "table": table.name,
                "column": column.name,
                "type": column.type.__name__,
                "meaning": tr(column.meaning),
                "example": table.example,
            }
            listing.append(row)
    return listing


def tables() -> DataFrame:
    """Every table with its columns, their types (pandas dtypes), meanings and units."""
    pandas = package("pandas")

    dtypes = {kind.__name__: dtype for kind, dtype in DTYPES.items()}
    listing = pandas.DataFrame(listed(), dtype="string")
    listing["type"] = [dtypes[name] for name in listing["type"]]
    return listing.rename(columns={"type": "dtype"})


class _Tables(ModuleType):
    """This module, which can be called: `vethlab_sh.tables()` and `vethlab_sh.tables.TABLES` are both wanted.

    A package's attribute of a submodule's name is the submodule as soon as that is imported, so that a function
    of the same name would hide it, or be hidden. Python allows a module a class of its own (its reference, 3.3.2.3:
    "Customizing module attribute access").
    """

    def __call__(self) -> DataFrame:
        """Every table with its columns, their types (pandas dtypes), meanings and units."""
        return tables()


sys.modules[__name__].__class__ = _Tables
