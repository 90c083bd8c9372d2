"""What the README says about speed is what `make bench` last measured."""

import csv
import subprocess
import sys

from conftest import ROOT

README = (ROOT / "README.md").read_text()
MEASURED = list(csv.DictReader((ROOT / "pictures" / "bench.csv").read_text().splitlines()))
LINES = """
import csv, sys
from pathlib import Path
sys.path.insert(0, "tests/benchmarks")
from report import line
for row in csv.DictReader(Path("pictures/bench.csv").read_text().splitlines()):
    print(line({key: value for key, value in row.items() if value}))
"""


def test_readme_has_the_table_that_was_measured():
    ended = subprocess.run([sys.executable, "-c", LINES], capture_output=True, text=True, cwd=ROOT)
    lines = ended.stdout.splitlines()
    assert len(lines) == len(MEASURED) > 10, ended.stderr
    assert [line for line in lines if line not in README] == []


def test_a_missed_goal_is_explained():
    missed = [
        row["work"] for row in MEASURED if row["goal"] and row["ratio"] and float(row["ratio"]) > float(row["goal"])
    ]
    if missed:
        assert "missed" in README.partition("## How fast")[2].partition("\n## ")[0]
