"""What do the verbs of `drill` do? They begin one in a lab that stays, tell ticket and hints, and judge the repair."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from random import randrange
from typing import TYPE_CHECKING

from ..errors import NoDrill
from ..keep import stay
from ..lab import HOST, Lab
from ..language import tr
from .arguments import ME, add_verb, does, json_argument
from .page import Page
from .rows import print_rows
from .walk import sightings

if TYPE_CHECKING:
    from ..drills import Debriefing
    from ..drills.drill import Drill
    from .arguments import Function, Verbs

WHAT = ("list", "start", "ticket", "hint", "check", "give-up", "challenge")
LAB = "drill"  # the name of a drill's lab, when none is given


def drill_arguments(drill: argparse.ArgumentParser) -> None:
    """`drill WHAT`: networks with a fault to find and mend."""
    does(drill, _list, "drill list", "drill start bridge-1 --seed 7", "drill check")
    verbs = drill.add_subparsers(title=tr("what to do"), required=True, metavar="WHAT")
    _add_list(verbs)
    _add_start(verbs)
    _add_under_way(verbs, "ticket", tr("tell the ticket again"), _ticket)
    _add_under_way(verbs, "hint", tr("tell the next hint: a command worth running, and what to look for"), _hint)
    _add_under_way(verbs, "check", tr("is it mended? If so, what it was"), _check)
    _add_under_way(verbs, "give-up", tr("mend it and tell what it was"), _give_up)
    _add_challenge(verbs)


def _add_list(verbs: Verbs) -> None:
    verb = add_verb(verbs, "list", tr("list the drills: name and ticket of each"))
    does(verb, _list, "drill list")
    json_argument(verb)


def _list(options: argparse.Namespace) -> int:
    from .. import drills

    rows = drills.listed()
    if options.json:
        print_rows(options, rows)
        return 0
    page = Page.of(sys.stdout)
    for row in rows:
        print(page.heading(row["name"]))
        print(page.prose(row["ticket"]) + "\n")
    return 0


def _add_start(verbs: Verbs) -> None:
    verb = add_verb(verbs, "start", tr("lay a network, plant its fault and tell the ticket"))
    does(verb, _start, "drill start bridge-1", "drill start bridge-1 --seed 7 --name mine")
    verb.add_argument("drill", help=tr("the name of a drill, as `drill list` tells"))
    verb.add_argument("--seed", default="0", help=tr("any word or number: another one has other addresses (0)"))
    verb.add_argument("--name", metavar="LAB", default=LAB, help=tr("the lab's name ({lab})", lab=LAB))


def _start(options: argparse.Namespace) -> int:
    name = options.name
    stay.check_free(name)
    with Lab(kernel=HOST) as lab:  # no other kernel's can stay
        drill = lab.drill(options.drill, options.seed)
        lab.stay(name, f"drill {drill.name} --seed {drill.seed}")
    page = Page.of(sys.stdout)
    where = tr("Everything stands in the lab {name}, where you are root:", name=name)
    print(_as_text(page, drill) + "\n")
    print(page.prose(where) + "\n")
    print(_ways_on(name))
    return 0


def _ways_on(lab: str) -> str:
    """The commands that go on with a drill, each with what it does."""
    named = "" if lab == LAB else f" {lab}"
    longest = f"{ME} drill give-up{named}"
    ways = {
        f"{ME} shell {lab}": tr("look and mend there (`exit` leaves it)"),
        f"{ME} drill check{named}": tr("is it mended? And if it is, what was it?"),
        f"{ME} drill hint{named}": tr("a command worth running"),
        longest: tr("mend it and explain it"),
    }
    width = len(longest) + 4
    lines = [f"  {typed:{width}} # {what}" for typed, what in ways.items()]
    return "\n".join(lines)


# --- of a drill that is under way ---------------------------------------------------------------------------------


def _add_under_way(verbs: Verbs, name: str, help_line: str, function: Function) -> None:
    verb = add_verb(verbs, name, help_line)
    does(verb, function, f"drill {name}", f"drill {name} mine")
    verb.add_argument("lab", nargs="?", default=LAB, help=tr("the lab that the drill is in ({lab})", lab=LAB))


@contextlib.contextmanager
def _under_way(options: argparse.Namespace) -> Iterator[Drill]:
    """The drill in the lab that was named."""
    if options.lab not in stay.names():
        raise NoDrill(options.lab)
    with Lab(options.lab) as lab:
        yield lab.drill()


def _ticket(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    with _under_way(options) as drill:
        print(_as_text(page, drill))
    return 0


def _hint(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    with _under_way(options) as drill:
        print(page.prose(drill.hint()))
    return 0


def _check(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    with _under_way(options) as drill:
        verdict = drill.check()
        print(page.prose(verdict.sentence))
        print(f"\n{verdict.evidence}")
        if verdict:
            end = drill.debriefing()
            print("\n" + _explained(page, options.lab, end))
    return 0 if verdict else 1


def _give_up(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    with _under_way(options) as drill:
        end = drill.give_up()
        print(_explained(page, options.lab, end))
    return 0


# --- a challenge --------------------------------------------------------------------------------------------------


def _add_challenge(verbs: Verbs) -> None:
    verb = add_verb(verbs, "challenge", tr("random drills one after the other, without hints: a clock and a score"))
    does(verb, _challenge, "drill challenge", "drill challenge --count 5 --seed monday")
    verb.add_argument("--count", type=int, default=3, metavar="N", help=tr("how many (3)"))
    verb.add_argument("--seed", help=tr("any word or number: the same one draws the same drills"))


def _challenge(options: argparse.Namespace) -> int:
    from .challenge import challenge

    seed = options.seed or str(randrange(10**6))
    return challenge(options.count, seed)


# --- how it reads -------------------------------------------------------------------------------------------------


def _as_text(page: Page, drill: Drill) -> str:
    title = tr("Drill {name}, seed {seed}", name=drill.name, seed=drill.seed)
    ticket = page.prose(drill.ticket)
    return page.chapter(title, ticket)


def _explained(page: Page, lab: str, end: Debriefing) -> str:
    """What was wrong, the wiring and the packet's way before and now, what was typed."""
    parts = [page.prose(end.summary)]
    for heading, part in end.parts(page.unicode):
        if isinstance(part, str):
            text = part
        else:
            verdict = page.prose(part.verdict)
            text = f"{sightings(page, part)}\n\n{verdict}"
        parts.append(page.chapter(heading, text))
    parts.append(page.prose(tr("The lab stays until `{me} down {lab}`.", me=ME, lab=lab)))
    return "\n\n".join(parts)
