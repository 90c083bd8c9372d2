"""What docs/speed.md says about speed is what `make bench` last measured."""

import csv
import subprocess
import sys

from conftest import ROOT

PAGE = (ROOT / "docs" / "speed.md").read_text()
MEASURED = list(csv.DictReader((ROOT / "docs" / "pictures" / "bench.csv").read_text().splitlines()))
LINES = """
import csv, sys
from pathlib import Path
sys.path.insert(0, "tests/tools/benchmarks")
from report import line
for row in csv.DictReader(Path("docs/pictures/bench.csv").read_text().splitlines()):
    print(line({key: value for key, value in row.items() if value}))
"""


def test_page_has_the_table_that_was_measured():
    ended = subprocess.run([sys.executable, "-c", LINES], capture_output=True, text=True, cwd=ROOT)
    lines = ended.stdout.splitlines()
    assert len(lines) == len(MEASURED) > 10, ended.stderr
    assert [line for line in lines if line not in PAGE] == []


def test_a_missed_goal_is_explained():
    missed = [
        row["work"] for row in MEASURED if row["goal"] and row["ratio"] and float(row["ratio"]) > float(row["goal"])
    ]
    if missed:
        assert "missed" in PAGE
