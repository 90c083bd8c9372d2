"""Network faults, planted one by one in labs of their own: does the product name the true cause?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faults.case import Case, load, unknown
from faults.cases import CASES
from faults.pages import write_pages
from faults.report import is_good_enough, line_of, read, summary_of, sums_of, write
from faults.run import Result, proof, run
from faults.score import is_fair

T = TypeVar("T")
ELSEWHERE = Path(__file__).resolve().parent / "elsewhere.json"


def main() -> int:
    """Run the cases, or prove them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python tests/faults", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="run these only; FILE.py: the cases of this file")
    parser.add_argument("--json", metavar="OUT", help="write all answers there")
    parser.add_argument("--share", type=float, default=0.95, help="how many must be named (0.95)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at the same time (2)")
    parser.add_argument("--prove", action="store_true", help="ask the kernel whether the cases are true")
    parser.add_argument("--pages", action="store_true", help="write docs/causes.md, and the sums in docs/walks.md")
    parser.add_argument("--read", metavar="RUN", help="with --pages: take the answers that --json wrote, play nothing")
    parser.add_argument("--elsewhere", action="store_true", help="those that need devices which a kernel may lack")
    parser.add_argument("--needing", metavar="WORD", help="of these, those that need this")
    parser.add_argument("--without", metavar="WORD", help="of these, those that do not need this")
    parser.add_argument("--update", action="store_true", help="with --json: keep what it says about other cases")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the sentences that do not name the cause")
    args = parser.parse_args()
    if args.pages and args.read:
        write_pages(read(args.read, CASES) + elsewhere())
        return 0
    cases = chosen(parser, args.ids)
    if not args.ids:
        cases = [case for case in cases if bool(case.needs) == args.elsewhere]
    if args.needing:
        cases = [case for case in cases if args.needing in case.needs]
    cases = [case for case in cases if args.without not in case.needs]
    with ThreadPoolExecutor(args.jobs) as pool:
        return prove_all(pool, cases) if args.prove else run_all(pool, cases, args)


def elsewhere() -> list[Result]:
    """The answers about what needs devices that a kernel may lack, as `make faults-elsewhere` wrote them last."""
    return read(str(ELSEWHERE), CASES)


def chosen(parser: argparse.ArgumentParser, words: list[str]) -> list[Case]:
    """The cases that were asked for; ends with an error where there is none, or where one is not fair."""
    ids = [word for word in words if not word.endswith(".py")]
    cases = cases_of(words)
    missing = unknown(ids, cases)
    if missing:
        parser.error(f"no such case: {', '.join(missing)}")
    unfair = [case.id for case in cases if not is_fair(case)]
    if unfair:
        parser.error(f"their own causes would not count as named: {', '.join(unfair)}")
    if not ids:
        return cases
    return [case for case in cases if case.id in ids]


def cases_of(words: list[str]) -> list[Case]:
    """The cases of the files that were given, or our own."""
    files = [word for word in words if word.endswith(".py")]
    if not files:
        return CASES
    cases = []
    for file in files:
        cases += load(file)
    return cases


def in_turn(pool: ThreadPoolExecutor, work: Callable[[Case], T], cases: list[Case]) -> Iterator[T]:
    """What comes of each case: many at the same time, then one by one those that are to be alone."""
    yield from pool.map(work, [case for case in cases if not case.alone])
    yield from map(work, [case for case in cases if case.alone])


def run_all(pool: ThreadPoolExecutor, cases: list[Case], args: argparse.Namespace) -> int:
    """Ask the product about each case; print a line when it is done, and the sums in the end."""
    results: list[Result] = []
    kept = answers_about_others(args.json, cases) if args.update else []
    for result in in_turn(pool, run, cases):
        results.append(result)
        print(line_of(result, args.verbose), flush=True)
        if args.json:  # each time: whoever ends it has what it has found
            write(in_order(kept + results), args.json)
    print(f"\n{sums_of(results)}\n\n{summary_of(results)}")
    if args.pages:
        write_pages(results + elsewhere())
        return 0
    return 0 if is_good_enough(results, args.share) else 1


def answers_about_others(path: str, cases: list[Case]) -> list[Result]:
    """What a file says about cases that are not played now."""
    if not Path(path).exists():
        return []
    played = {case.id for case in cases}
    return [result for result in read(path, CASES) if result.case.id not in played]


def in_order(results: list[Result]) -> list[Result]:
    """Results in the order of our cases, then those of other files."""
    place = {case.id: number for number, case in enumerate(CASES)}
    return sorted(results, key=lambda result: place.get(result.case.id, len(place)))


def proof_of(case: Case) -> tuple[Case, str]:
    """A case, and what the kernel says about it."""
    return case, proof(case)


def prove_all(pool: ThreadPoolExecutor, cases: list[Case]) -> int:
    """Ask the kernel about each case; print a line when it is done."""
    proved = 0
    for case, outcome in in_turn(pool, proof_of, cases):
        proved += outcome == "proved"
        print(f"{case.group:10} {case.id:40} {outcome}", flush=True)
    print(f"\n{proved} proved of {len(cases)}")
    return 0 if proved == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
