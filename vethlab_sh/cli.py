"""How is the kit used from a terminal? Each verb is a few lines around one library call.

Exit codes: 0 fine, 1 the lab says no, 2 wrong usage or something is missing on this machine.
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from pathlib import Path

from . import scenarios
from .errors import LabError
from .files import written
from .tables import listed
from .terminal.arguments import _file_arguments, _node_arguments, _replay_argument, _scenario_argument, _verb
from .terminal.drills import _drill_list, _drill_verbs
from .terminal.labs import _staying_verbs
from .terminal.nodes import _explain, _inspect
from .terminal.page import Page
from .terminal.scenes import _check, _compare, _demo, _draw, _script, _Vocabulary, _walk
from .terminal.streams import _nowhere, _prepare_streams, _say


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code."""
    try:
        _prepare_streams()
        options = _parser().parse_args(argv)
        code: int = options.verb(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _say("Interrupted. The lab is gone and left nothing behind.", 130)
    except LabError as error:
        return _say(str(error), error.exit_code)
    except OSError as error:
        _nowhere(1)
        what = f"{error.filename}: " if error.filename else ""
        why = "standard output is closed" if error.errno == errno.EBADF else error.strerror or error
        return _say(f"Cannot write or read: {what}{why}.", 1)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vethlab_sh",
        description="Learn how container networks are wired: real commands in a private world.",
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    demo = _verb(verbs, "demo", "play a scenario and explain each step", _demo)
    _scenario_argument(demo)
    demo.add_argument("--pause", action="store_true", help="wait for Enter after each step")
    demo.add_argument("--quiet", action="store_true", help="print nothing but the verdict")
    demo.add_argument("--json", action="store_true", help="print every record and table as JSON, and nothing else")
    demo.add_argument("--changes", action="store_true", help="after each command, what changed in the kernel")
    _file_arguments(demo)
    _replay_argument(demo)
    draw = _verb(verbs, "draw", "draw a scenario, or a lab that stays, in characters or into a file", _draw)
    _scenario_argument(draw)
    _file_arguments(draw)
    _replay_argument(draw)
    draw.add_argument("--routes", action="store_true", help="write each namespace's routes into its box")
    draw.add_argument("--mermaid", action="store_true", help="print the wiring as Mermaid text")
    walk = _verb(verbs, "walk", "play a scenario, send one ping and show every device that it passes", _walk)
    _scenario_argument(walk)
    walk.add_argument("src", help="the namespace that sends")
    walk.add_argument("dst", help="an address, or a namespace (its first address)")
    walk.add_argument("--count", type=int, default=1, metavar="N", help="how many pings")
    walk.add_argument("--size", type=int, metavar="BYTES", help="how much each carries, as ping -s")
    walk.add_argument("--cold", action="store_true", help="forget learned neighbours and FDB entries first")
    walk.add_argument("--proto", default="icmp", metavar="PROBE", help="icmp (as ping), tcp:PORT or udp:PORT")
    walk.add_argument("--json", action="store_true", help="print the sightings as JSON")
    walk.add_argument("--html", metavar="FILE", help="save the packet's way as a page to play")
    _file_arguments(walk)
    _replay_argument(walk)
    compare = _verb(verbs, "compare", "lay scenarios with two nodes and measure what they do differently", _compare)
    compare.add_argument("names", nargs="+", metavar="name", help="scenarios with two nodes: flannel, calico")
    _node_arguments(compare)
    check = _verb(verbs, "check", "play a scenario, then judge claims about it; --list shows the vocabulary", _check)
    _scenario_argument(check)
    check.add_argument("claims", nargs="+", metavar="CLAIM", help="for example: 'ns100 can reach 192.168.1.101'")
    check.add_argument("--after", metavar="LINE", action="append", default=[], help="a command to run before")
    check.add_argument("--list", action=_Vocabulary, help="list what can be claimed")
    _drill_verbs(_verb(verbs, "drill", "networks with a fault to find and mend, each in a lab that stays", _drill_list))
    script = _verb(verbs, "script", "print a scenario as a plain bash script", _script)
    _scenario_argument(script)
    told = _verb(verbs, "explain", "explain a pasted terminal session: its tables, and how it is wired", _explain)
    told.add_argument("files", nargs="*", metavar="FILE", help="text files; none, or -, for standard input")
    told.add_argument("--tables", action="store_true", help="print the table of every output too")
    told.add_argument("--json", action="store_true", help="print everything as JSON, and nothing else")
    _file_arguments(told)
    node = _verb(verbs, "inspect", "show how this machine's pods and namespaces are wired; changes nothing", _inspect)
    node.add_argument("what", nargs="?", metavar="WHAT", help="one wiring only: of a pod, PID, device or address")
    node.add_argument(
        "--walk", nargs=2, metavar=("SRC", "DST"), help="send one real ping and show its way (needs root)"
    )
    node.add_argument("--html", metavar="FILE", help="with --walk: save the packet's way as a page to play")
    node.add_argument("--tables", action="store_true", help="print devices, addresses, routes, neighbours and FDB too")
    node.add_argument("--json", action="store_true", help="print everything as JSON, and nothing else")
    _file_arguments(node)
    _staying_verbs(verbs)
    grade = _verb(verbs, "grade", "run what learners handed in and give points for claims that hold", _grade)
    grade.add_argument("folder", help="a folder or a file (.sh, .ipynb) for each learner")
    grade.add_argument(
        "--checks", metavar="FILE", help="claims, each after its points, or a solved lesson (FOLDER.checks)"
    )
    grade.add_argument("--out", metavar="FILE", help="write the rows as CSV")
    grade.add_argument("--jobs", type=int, metavar="N", help="how many at a time (as many as processors)")
    grade.add_argument("--seconds", type=float, default=60, metavar="S", help="for each submission (60)")
    _verb(verbs, "list", "list the scenarios", _list)
    _verb(verbs, "tables", "list every table and its columns", _tables)
    _verb(verbs, "doctor", "tell what this machine needs to run the demos", _doctor)
    return parser


def _grade(options: argparse.Namespace) -> int:
    from .grading import grade
    from .grading.confine import Limits

    folder = Path(options.folder)
    claims = grade.read_claims(Path(options.checks or f"{folder}.checks"))
    rows = list(grade.grade(folder, claims, options.jobs, Limits(seconds=options.seconds)))
    rows.sort(key=lambda row: (row["learner"], row["exercise"]))
    if options.out:
        with written(options.out) as file:
            file.write_text(grade.as_csv(rows))
    page = Page.of(sys.stdout)
    print(page.table(rows, grade.COLUMNS[:-1]) + "\n")
    for row in rows:
        print(page.prose(f"{row['learner']}, {row['exercise'] or 'all'}: {row['sentence']}"))
    return 0


def _list(options: argparse.Namespace) -> int:
    for name in scenarios.SCENARIOS:
        print(f"{name:9} {scenarios.load(name).title}")
    return 0


def _tables(options: argparse.Namespace) -> int:
    every = listed()
    print(Page.of(sys.stdout).table(every, every[0]))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .terminal.doctor import examine

    findings = list(examine())
    rows = [{"status": f.status, "what": f.what, "found, or to do": f.found if f.ok else f.cure} for f in findings]
    print(Page.of(sys.stdout).table(rows, rows[0]))
    ready = all(finding.ok for finding in findings if finding.needed)
    print("\nThis machine is ready." if ready else "\nThe demos cannot run here until the missing things are there.")
    return 0 if ready else 1
