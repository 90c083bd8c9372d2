"""Which pages are written from a run? `docs/causes.md` whole, and of `docs/walks.md` the sums."""

from __future__ import annotations

from pathlib import Path

from . import page, sums
from .run import Result

ROOT = Path(__file__).resolve().parent.parent.parent


def write_pages(results: list[Result]) -> None:
    """Write both, and say so."""
    (ROOT / page.PAGE).write_text(page.page(results), encoding="utf-8")
    walks = ROOT / sums.PAGE
    walks.write_text(sums.with_sums(walks.read_text(encoding="utf-8"), results), encoding="utf-8")
    print(f"written: {page.PAGE}, and the sums in {sums.PAGE}")
