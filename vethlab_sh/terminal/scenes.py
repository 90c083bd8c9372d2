"""What do the verbs of scenarios do? They play one in a lab of its own: demo, draw, compare, check, script, list."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from .. import scenarios
from ..errors import OutputNotUnderstood
from ..lab import Lab
from ..language import SOURCE, language, tr
from ..parsers.recognise import recognise
from ..scenarios import Scenario
from ..scenarios.played import Played, PlayedStep
from ..tables import columns
from .arguments import (
    OR_LAB,
    does,
    json_argument,
    kernel_argument,
    node_arguments,
    replay_argument,
    scenario_argument,
    scenario_options,
    verbose_argument,
)
from .page import CYAN, Page
from .pictures import in_characters, picture_arguments, save_wiring
from .rows import print_rows

if TYPE_CHECKING:
    from ..record import Ran
    from ..wiring.changes import Difference

# --- demo ---------------------------------------------------------------------------------------------------------


def demo_arguments(verb: argparse.ArgumentParser) -> None:
    """`demo NAME`: a scenario, step by step."""
    does(verb, _demo, "demo bridge", "demo flannel --changes", "demo bridge --replay")
    scenario_argument(verb)
    verb.add_argument("--pause", action="store_true", help=tr("wait for Enter after each step"))
    verb.add_argument("--quiet", action="store_true", help=tr("print nothing but the verdict"))
    verb.add_argument("--json", action="store_true", help=tr("print every record and table as JSON, and nothing else"))
    verb.add_argument("--changes", action="store_true", help=tr("after each command, what changed in the kernel"))
    picture_arguments(verb)
    replay_argument(verb)
    kernel_argument(verb)
    verbose_argument(verb)


def _demo(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    page = Page.of(sys.stdout)
    narrates = not (options.quiet or options.json)
    if not options.replay:
        scenarios.check_programs(scenario)  # before a word is said of it, and before a lab is made
    with _lab(options, scenario, to=sys.stdout if narrates else sys.stderr) as lab:
        if narrates:
            played = _narrate(lab, scenario, page, options)
        else:
            played = _play(lab, scenario, options)
        save_wiring(lab, options)
        if narrates:
            wiring = in_characters(lab)
            print(page.chapter(tr("The wiring now:"), wiring) + "\n")
    if options.json:
        print(json.dumps(played.as_dict(), indent=1))
    else:
        print(page.heading(page.prose(played.verdict)))
    return 0 if played.ok else 1


def _play(lab: Lab, scenario: Scenario, options: argparse.Namespace) -> Played:
    """Play without a word."""
    changes: dict[Ran, Difference] = {}
    watching = _watching(lab, changes, options)
    together = options.quiet and not options.changes
    steps = lab.steps(scenario, after=watching, together=together)
    return Played(scenario, tuple(steps), changes)


def _narrate(lab: Lab, scenario: Scenario, page: Page, options: argparse.Namespace) -> Played:
    """Play, and tell each step as it has happened."""
    changes: dict[Ran, Difference] = {}
    watching = _watching(lab, changes, options)
    steps = lab.steps(scenario, after=watching)  # raises for what is missing, before a word is said
    title = tr("{name}: {title}", name=scenario.name, title=scenario.title)
    intro = page.prose(scenario.intro)
    print(page.chapter(title, intro) + "\n")
    finished = []
    for played in steps:
        finished.append(played)
        print(_step(page, played, changes) + "\n", flush=True)
        if options.pause:
            _wait_for_enter()
    return Played(scenario, tuple(finished), changes)


def _watching(lab: Lab, changes: dict[Ran, Difference], options: argparse.Namespace) -> Callable[[Ran], None] | None:
    """What notes, after each line, what it changed; None when nobody has asked."""
    if not options.changes:
        return None

    def watch(ran: Ran) -> None:
        changes[ran] = lab.changes()

    return watch


def _step(page: Page, played: PlayedStep, changes: Mapping[Ran, Difference]) -> str:
    """One step as a learner reads it: why, the commands and their output, the tables, what to notice."""
    parts = [page.prose(played.step.why), ""]
    for ran in played.records:
        parts.append(page.record(ran))
        for name in recognise(ran.line):
            if name in played.step.tables:
                table = _table(page, ran, name)
                parts += ["", table, ""]
        if ran in changes:
            changed = page.ink(str(changes[ran]), CYAN)
            parts += [changed, ""]
    if played.step.look:
        look = page.prose(played.step.look)
        parts += ["", look]
    text = "\n".join(parts)
    # where one part ends with an empty line and the next begins with one, one is enough
    return text.replace("\n\n\n", "\n\n").rstrip()


def _table(page: Page, ran: Ran, name: str) -> str:
    try:
        return page.table(ran.rows[name], columns(name))
    except OutputNotUnderstood as error:
        why = tr("(No table, because this machine's program prints something new. {error})", error=error)
        return page.prose(why)


def _wait_for_enter() -> None:
    if sys.stdin.isatty():
        try:
            input(tr("(Enter for the next step) "))
        except EOFError:  # Ctrl-D
            raise KeyboardInterrupt from None
        print()


# --- draw ---------------------------------------------------------------------------------------------------------


def draw_arguments(verb: argparse.ArgumentParser) -> None:
    """`draw NAME`: the wiring of a scenario, or of a lab that stays."""
    does(verb, _draw, "draw flannel", "draw bridge --hosts 3 --png bridge.png")
    scenario_argument(verb, OR_LAB)
    picture_arguments(verb)
    replay_argument(verb)
    kernel_argument(verb)
    verbose_argument(verb)
    verb.add_argument("--routes", action="store_true", help=tr("write each namespace's routes into its box"))
    verb.add_argument("--mermaid", action="store_true", help=tr("print the wiring as Mermaid text"))


def _draw(options: argparse.Namespace) -> int:
    with lab_to_look_at(options) as lab:
        save_wiring(lab, options)
        if options.png or options.svg:
            return 0
        if options.mermaid:
            from ..wiring import characters

            print(characters.as_mermaid(lab.snapshot()))
        else:
            print(in_characters(lab))
    return 0


# --- compare ------------------------------------------------------------------------------------------------------


def compare_arguments(verb: argparse.ArgumentParser) -> None:
    """`compare NAME...`: what scenarios with two nodes do differently."""
    does(verb, _compare, "compare flannel calico", "compare flannel flannel:host-gw calico calico:bgp")
    json_argument(verb)
    verb.add_argument(
        "names", nargs="+", metavar="name", help=tr("scenarios with two nodes: flannel, calico; NAME:MODE for a mode")
    )
    node_arguments(verb)


def _compare(options: argparse.Namespace) -> int:
    from ..measure.compare import QUESTION, compare

    rows = compare(*options.names, **scenario_options(options))
    print_rows(options, rows, (QUESTION, *options.names))
    return 0


# --- check --------------------------------------------------------------------------------------------------------


def check_arguments(verb: argparse.ArgumentParser) -> None:
    """`check NAME CLAIM...`: whether claims hold."""
    does(verb, _check, "check bridge 'ns100 can reach ns101'", "check --list")
    scenario_argument(verb, OR_LAB)
    verb.add_argument("claims", nargs="+", metavar="CLAIM", help=tr("for example: 'ns100 can reach 192.168.1.101'"))
    verb.add_argument("--after", metavar="LINE", action="append", default=[], help=tr("a command to run before"))
    verb.add_argument("--list", action=_Vocabulary, help=tr("list what can be claimed"))
    verb.add_argument("--json", action="store_true", help=tr("print the verdicts as JSON, and nothing else"))
    kernel_argument(verb)
    verbose_argument(verb)


def _check(options: argparse.Namespace) -> int:
    with _lab_of(options) as lab:
        for line in options.after:
            lab.run(line)
        verdicts = [lab.check(claim) for claim in options.claims]
    if options.json:
        print(json.dumps([verdict.plain() for verdict in verdicts], indent=1))
        return 0 if all(verdicts) else 1
    for claim, verdict in zip(options.claims, verdicts, strict=True):
        print(claim)
        print(f"  {verdict}")
        print(f"  {verdict.evidence.command}")
        print(f"    {verdict.evidence.shown}")
        for line in verdict.fixes:
            print(tr("  mended by: {line}", line=line))
    return 0 if all(verdicts) else 1


class _Vocabulary(argparse.Action):
    """`check --list`: prints the claims there are and ends, like --help."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(self, *_: Any) -> None:
        from ..claims.check import vocabulary

        page = Page.of(sys.stdout)
        for row in vocabulary():
            print(page.heading(row["claim"]))
            print(f"    {row['example']}")
            if language() != SOURCE:
                print(f"    {row['other']}")
            print(tr("    ({meaning})", meaning=row["meaning"]))
        print(tr("A claim is typed in English or in Chinese: `check --list --lang zh` has the Chinese ones."))
        raise SystemExit(0)


# --- script, list -------------------------------------------------------------------------------------------------


def script_arguments(verb: argparse.ArgumentParser) -> None:
    """`script NAME`: a scenario that runs without us."""
    does(verb, _script, "script bridge")
    scenario_argument(verb)


def _script(options: argparse.Namespace) -> int:
    script = scenarios.as_script(scenarios.playable(_scenario(options)))
    print(script, end="")
    return 0


def list_arguments(verb: argparse.ArgumentParser) -> None:
    """`list`: which scenarios there are."""
    does(verb, _list, "list")
    json_argument(verb)


def _list(options: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for name in scenarios.SCENARIOS:
        title = scenarios.load(name).title
        options_of_it = {option: tr(what) for option, what in scenarios.VARIANTS.get(name, {}).items()}
        rows.append({"scenario": name, "title": title, "options": options_of_it})
    if options.json:
        print_rows(options, rows)
        return 0
    for row in rows:
        print(f"{row['scenario']:9} {row['title']}")
        for option, title in row["options"].items():
            print(f"  {option:15} {title}")
    return 0


# --- the scenario, and a lab for it -------------------------------------------------------------------------------


def _scenario(options: argparse.Namespace) -> Scenario:
    return scenarios.load(options.name, **scenario_options(options))


def _lab(options: argparse.Namespace, scenario: Scenario, to: TextIO) -> Lab:
    """A live lab, or with --replay the recording of the scenario; what is not this machine's kernel says so there."""
    if options.replay:
        return _recorded(options, to)
    lab = Lab.for_scenario(scenario, options.kernel)
    if lab.guest:
        print(f"{lab.guest}\n", file=to)
    return lab


def _recorded(options: argparse.Namespace, to: TextIO) -> Lab:
    from ..keep.replay import without_options

    without_options(options.name, scenario_options(options))
    lab = Lab(replay=options.name)
    print(f"{lab.recording}\n", file=to)
    return lab


def lab_to_look_at(options: argparse.Namespace) -> Lab:
    """The lab that stays under the name given; else one in which the scenario of that name was played."""
    if not options.replay:
        return _lab_of(options)
    lab = _recorded(options, to=sys.stderr)
    lab.play(options.name)
    return lab


def _lab_of(options: argparse.Namespace) -> Lab:
    lab = Lab.of(options.name, options.kernel, **scenario_options(options))
    if lab.guest:
        print(f"{lab.guest}\n", file=sys.stderr)
    return lab
