"""The verbs that play a scenario in a lab of their own: demo, draw, walk, compare, check, script."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from .. import scenarios
from ..lab import Lab
from ..played import _as_json, _verdict
from ..scenarios import Scenario
from .arguments import _given
from .page import Page, _told

if TYPE_CHECKING:
    from ..packet.walk import Walk
    from ..record import Ran
    from ..wiring.changes import Difference


def _lab(options: argparse.Namespace, to: TextIO) -> Lab:
    """A live lab; with --replay the recording of the scenario, which says there that it is one."""
    if not options.replay:
        return Lab()
    from ..keep.replay import without_options

    without_options(options.name, _given(options))
    lab = Lab(replay=options.name)
    print(f"{lab.recording}\n", file=to)
    return lab


def _played(options: argparse.Namespace) -> Lab:
    """The lab that stays under the name given; else one in which the scenario of that name was played."""
    if not options.replay:
        return Lab.of(options.name, **_given(options))
    lab = _lab(options, to=sys.stderr)
    lab.play(options.name)
    return lab


def _load(options: argparse.Namespace) -> Scenario:
    return scenarios.load(options.name, **_given(options))


def _demo(options: argparse.Namespace) -> int:
    scenario, page = _load(options), Page.of(sys.stdout)
    told = not (options.quiet or options.json)
    played = []
    changes: dict[Ran, Difference] = {}
    with _lab(options, to=sys.stdout if told else sys.stderr) as lab:
        if told:
            print(page.heading(f"{scenario.name}: {scenario.title}") + f"\n\n{page.prose(scenario.intro)}\n")
        watch = (lambda ran: changes.update({ran: lab.changes()})) if options.changes else None
        for step, records in lab.steps(scenario, after=watch, together=options.quiet and not watch):
            played.append((step, records))
            if told:
                print(_told(page, step, records, changes) + "\n", flush=True)
            if told and options.pause:
                _wait_for_enter()
        _save_pictures(lab, options)
        if told:
            print(page.heading("The wiring now:") + f"\n\n{_in_characters(lab)}\n")
    ok, verdict = _verdict(scenario, played)
    print(_as_json(scenario, played, changes, ok, verdict) if options.json else page.heading(page.prose(verdict)))
    return 0 if ok else 1


def _save_pictures(lab: Lab, options: argparse.Namespace) -> None:
    for kind in ("png", "svg"):
        if file := getattr(options, kind):
            from ..wiring import characters, ink

            drawn = lab.draw(routes=getattr(options, "routes", False))
            ink.save(drawn, file, kind, characters.as_text(lab.snapshot()))


def _in_characters(lab: Lab) -> str:
    from ..wiring import characters

    return characters.as_text(lab.snapshot(), unicode=(sys.stdout.encoding or "").lower().startswith("utf"))


def _draw(options: argparse.Namespace) -> int:
    from ..wiring import characters

    with _played(options) as lab:
        _save_pictures(lab, options)
        if not (options.png or options.svg):
            print(characters.as_mermaid(lab.snapshot()) if options.mermaid else _in_characters(lab))
    return 0


def _walk(options: argparse.Namespace) -> int:
    with _played(options) as lab:
        ways = {name: getattr(options, name) for name in ("count", "size", "cold", "proto")}
        walk = lab.walk(options.src, options.dst, **ways)
    return _show_walk(walk, options)


def _show_walk(walk: Walk, options: argparse.Namespace) -> int:
    from ..wiring import ink

    page = Page.of(sys.stdout)
    if options.html:
        walk.animate(options.html)
    for kind in ("png", "svg"):
        if file := getattr(options, kind):
            ink.save(walk.draw(), file, kind, walk.verdict)
    if options.json:
        told = {"ok": walk.ok, "verdict": walk.verdict, "last_seen": walk.last_seen, "should_be": walk.should_be}
        print(json.dumps({**told, "reason": walk.reason, "rows": walk.rows}, indent=1))
    else:
        print("\n\n".join(filter(None, [page.walk(walk), page.heading(page.prose(walk.verdict))])))
    return 0 if walk.ok else 1


def _wait_for_enter() -> None:
    if sys.stdin.isatty():
        try:
            input("(Enter for the next step) ")
        except EOFError:  # Ctrl-D
            raise KeyboardInterrupt from None
        print()


def _compare(options: argparse.Namespace) -> int:
    from ..measure.compare import compare

    rows = compare(*options.names, **_given(options))
    print(Page.of(sys.stdout).table(rows, rows[0]))
    return 0


class _Vocabulary(argparse.Action):
    """`check --list`: prints the claims there are and ends, like --help."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(self, *_: Any) -> None:
        page = Page.of(sys.stdout)
        from ..claims.check import vocabulary

        for row in vocabulary():
            print(f"{page.heading(row['claim'])}\n    {row['example']}\n    ({row['meaning']})")
        raise SystemExit(0)


def _check(options: argparse.Namespace) -> int:
    with Lab.of(options.name, **_given(options)) as lab:
        for line in options.after:
            lab.run(line)
        verdicts = [lab.check(claim) for claim in options.claims]
    for claim, verdict in zip(options.claims, verdicts, strict=True):
        print(f"{claim}\n  {verdict}\n  {verdict.evidence.command}\n    {verdict.evidence.shown}")
    return 0 if all(verdicts) else 1


def _script(options: argparse.Namespace) -> int:
    print(scenarios.as_script(_load(options)), end="")
    return 0
