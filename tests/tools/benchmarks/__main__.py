"""How fast is it, beside others, in one run?  python tests/tools/benchmarks [--quick]  (make bench)"""

from __future__ import annotations

import argparse
import os
import sys

import building
import looking
import many
import parsing
import readme
import report
import starting
from pair import measured
from programs import ROOT


def main() -> int:
    """Measure every pair, print each when it is done, then write the CSV and the picture."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each pair once or twice, and nothing is written")
    parser.add_argument("--only", default="", metavar="WORD", help="rows with this word only, and nothing is written")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f}. Medians; theirs and ours take turns.\n\n{report.HEAD}")
    rows = []
    for pair in (pair for each in (starting, building, looking, parsing, many) for pair in each.pairs()):
        if options.only in f"{pair.work} {pair.against}":
            rows.append(measured(pair, min(2, pair.rounds) if options.quick else pair.rounds))
            print(report.line(rows[-1]), flush=True)
    if not (options.quick or options.only):
        report.write(rows, ROOT / "docs" / "pictures" / "bench.csv")
        report.draw(rows, ROOT / "docs" / "pictures" / "bench.png")
        readme.put()
    return 0


sys.exit(main())
