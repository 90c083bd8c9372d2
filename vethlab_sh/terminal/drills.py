"""The verbs of drills."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import NoDrill
from ..keep import stay
from ..lab import Lab
from .arguments import _verb
from .labs import DRILL
from .page import Page

if TYPE_CHECKING:
    from ..drills import Debriefing
    from ..drills.drill import Drill


def _drill_verbs(drill: argparse.ArgumentParser) -> None:
    verbs = drill.add_subparsers(title="what to do", required=True, metavar="WHAT")
    _verb(verbs, "list", "list the drills: name, scenario and ticket of each", _drill_list)
    start = _verb(verbs, "start", "lay a network, plant its fault and tell the ticket", _drill_start)
    start.add_argument("drill", help="the name of a drill, as `drill list` tells")
    start.add_argument("--seed", default="0", help="any word or number: another one has other addresses (0)")
    start.add_argument("--name", metavar="LAB", default=DRILL, help=f"the lab's name ({DRILL})")
    under_way = (
        ("ticket", "tell the ticket again", _drill_ticket),
        ("hint", "tell the next hint: a command worth running, and what to look for", _drill_hint),
        ("check", "is it mended? If so, what it was", _drill_check),
        ("give-up", "mend it and tell what it was", _drill_give_up),
    )
    for name, help_line, function in under_way:
        verb = _verb(verbs, name, help_line, function)
        verb.add_argument("lab", nargs="?", default=DRILL, help=f"the lab that the drill is in ({DRILL})")


def _drill_list(options: argparse.Namespace) -> int:
    from .. import drills

    page = Page.of(sys.stdout)
    for row in drills.listed():
        print(f"{page.heading(row['name'])} ({row['scenario']})\n{page.prose(row['ticket'])}\n")
    return 0


def _drill_start(options: argparse.Namespace) -> int:
    stay.check_free(options.name)
    with Lab() as lab:
        drill = lab.drill(options.drill, options.seed)
        lab.stay(options.name, f"drill {drill.name} --seed {drill.seed}")
    named = "" if options.name == DRILL else f" {options.name}"
    page, me = Page.of(sys.stdout), "python -m vethlab_sh"
    print(_ticket(page, drill) + "\n")
    print(page.prose(f"Everything stands in the lab {options.name}, where you are root:") + "\n")
    for typed, what in (
        (f"{me} shell {options.name}", "look and mend there (`exit` leaves it)"),
        (f"{me} drill check{named}", "is it mended? And if it is, what was it?"),
        (f"{me} drill hint{named}", "a command worth running"),
        (f"{me} drill give-up{named}", "mend it and explain it"),
    ):
        print(f"  {typed:{len(me) + 18 + len(named)}} # {what}")
    return 0


def _ticket(page: Page, drill: Drill) -> str:
    return page.heading(f"Drill {drill.name}, seed {drill.seed}") + f"\n\n{page.prose(drill.ticket)}"


@contextlib.contextmanager
def _under_way(options: argparse.Namespace) -> Iterator[Drill]:
    """The drill in the lab that was named."""
    if options.lab not in stay.names():
        raise NoDrill(options.lab)
    with Lab(options.lab) as lab:
        yield lab.drill()


def _drill_ticket(options: argparse.Namespace) -> int:
    with _under_way(options) as drill:
        print(_ticket(Page.of(sys.stdout), drill))
    return 0


def _drill_hint(options: argparse.Namespace) -> int:
    with _under_way(options) as drill:
        print(Page.of(sys.stdout).prose(drill.hint()))
    return 0


def _drill_check(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    with _under_way(options) as drill:
        verdict = drill.check()
        print(f"{page.prose(verdict.sentence)}\n\n{verdict.evidence}")
        if verdict:
            print("\n" + _explained(page, options.lab, drill.debriefing()))
    return 0 if verdict else 1


def _drill_give_up(options: argparse.Namespace) -> int:
    with _under_way(options) as drill:
        print(_explained(Page.of(sys.stdout), options.lab, drill.give_up()))
    return 0


def _explained(page: Page, lab: str, end: Debriefing) -> str:
    return page.debriefing(end) + "\n\n" + page.prose(f"The lab stays until `python -m vethlab_sh down {lab}`.")
