"""Put the table that was measured last into docs/speed.md."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import report

ROOT = Path(__file__).resolve().parents[3]


def put() -> None:
    """Replace the table of the page."""
    with (ROOT / "docs" / "pictures" / "bench.csv").open() as file:
        rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]
    table = "\n".join([report.HEAD, *map(report.line, rows)])
    page = ROOT / "docs" / "speed.md"
    text = re.sub(r"\| work \| against \|.*?\n(?=\n)", lambda _: table + "\n", page.read_text(), count=1, flags=re.S)
    page.write_text(text)
