"""What did one line say? A record: the line as typed, where it ran, what came back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import CommandFailed
from .markup import AsText, printable
from .tables import frames, rows

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class Ran(AsText):
    """One command as the learner would type it, where it ran, and what came back.

    Attributes: line; at (machine: `master` or the name of a namespace); out and err (text as printed);
    code (exit code, 128 + N when signal N ended it, as bash tells it); seconds (wall clock); exact (what was printed,
    where bytes that are no UTF-8 stay apart as in PEP 383; out has a sign for each that can be printed).
    """

    line: str
    at: str
    out: str
    err: str
    code: int
    seconds: float
    exact: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.exact:
            object.__setattr__(self, "exact", self.out)

    @property
    def hint(self) -> str:
        """What to try when it failed; empty when nothing is known."""
        if self.code == 0:
            return ""
        from .hints import hint_for  # no line that succeeds waits for its rules

        return printable(hint_for(self.line, self.code, self.err + self.out), keep="\n")

    def expected(self, codes: Collection[int] | None) -> Ran:
        """Itself, when its exit code is one of these (None: any); else raises CommandFailed, with what to try."""
        if codes is not None and self.code not in codes:
            raise CommandFailed(self, self.hint)
        return self

    @property
    def prompt(self) -> str:
        """`[root@master ~]# `"""
        return prompt_of(self.at)

    @property
    def rows(self) -> dict[str, list[dict[str, object]]]:
        """What was printed, as rows by name of table; empty for a command without a parser."""
        return rows(self.line, self.out)

    @property
    def tables(self) -> dict[str, DataFrame]:
        """What was printed, as DataFrames by name (ping has two: its replies and its statistics)."""
        return frames(self.line, self.out)

    @property
    def table(self) -> DataFrame | None:
        """The first table of what was printed; None for a command without a parser."""
        first = iter(self.tables.values())
        return next(first, None)

    def as_dict(self) -> dict[str, object]:
        """It as plain values, with what was printed as rows by name of table."""
        return {
            "line": self.line,
            "at": self.at,
            "out": self.out,
            "err": self.err,
            "code": self.code,
            "seconds": round(self.seconds, 6),
            "tables": self.rows,
        }

    def words(self) -> str:
        """What a terminal shows: the prompt, the line, and what it printed."""
        typed = self.prompt + self.line
        printed = self.out + self.err
        return f"{typed}\n{printed}".rstrip("\n")


def prompt_of(at: str) -> str:
    """What a terminal on this machine shows before a line."""
    return f"[root@{at} ~]# "
