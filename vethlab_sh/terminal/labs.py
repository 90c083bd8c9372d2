"""The verbs of labs that stay: up, ps, run, shell, show, save, down."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from .. import scenarios, snapshot
from ..errors import BadOption
from ..keep import stay
from ..lab import Lab
from .arguments import _given, _option_arguments, _verb
from .page import Page

EMPTY, HISTORY, DRILL = "empty", "history", "drill"
PROMPT = r"[root@\h \W]# "
SHOWN = "one of " + ", ".join([*snapshot.COLUMNS, HISTORY])


def _staying_verbs(verbs: Any) -> None:
    up = _verb(verbs, "up", "make a lab that stays, from a scenario or empty", _up)
    up.add_argument("scenario", nargs="?", default="empty", help="a scenario, a file made by save, or empty")
    up.add_argument("--name", metavar="LAB", help="the lab's name (without it that of the scenario)")
    _option_arguments(up)
    _verb(verbs, "ps", "list the labs that stay", _ps)
    run = _lab_verb(verbs, "run", "run a line in a lab that stays", _run)
    run.add_argument("words", nargs="+", metavar="COMMAND", help="after --, a command or one quoted line of bash")
    _lab_verb(verbs, "shell", "open a shell in a lab that stays", _shell)
    show = _lab_verb(verbs, "show", "show a table of a lab that stays, or which tables there are", _show)
    show.add_argument("table", nargs="?", choices=[*snapshot.COLUMNS, HISTORY], metavar="TABLE", help=SHOWN)
    save = _lab_verb(verbs, "save", "write a lab that stays as a bash script that rebuilds it", _save)
    save.add_argument("file", help="where to write it (- prints it); `up FILE` rebuilds it in a fresh lab")
    down = _lab_verb(verbs, "down", "end a lab that stays, and all that runs in it", _down, nargs="?")
    down.add_argument("--all", action="store_true", help="end all of them")


def _lab_verb(verbs: Any, name: str, help_line: str, function: Any, **more: Any) -> argparse.ArgumentParser:
    verb = _verb(verbs, name, help_line, function)
    verb.add_argument("lab", help="the name of a lab that stays, as `ps` lists it", **more)
    return verb


def _up(options: argparse.Namespace) -> int:
    saved = Path(options.scenario)
    of_a_file = options.scenario not in scenarios.SCENARIOS and saved.is_file()
    name = stay.check_free(options.name if options.name is not None else saved.stem if of_a_file else options.scenario)
    with Lab() as lab:  # which vanishes when something fails before it stays
        if of_a_file:
            lab.run(f"bash {shlex.quote(str(saved.absolute()))}")
        elif options.scenario != EMPTY or _given(options):
            lab.play(options.scenario, **_given(options))
        lab.stay(name, saved.name if of_a_file else " ".join([options.scenario, *_options_as_typed(options)]))
        spaces = len(lab.snapshot().rows["namespaces"])
    beside = "no namespace" if spaces == 1 else "a namespace" if spaces == 2 else f"{spaces - 1} namespaces"
    print(f"The lab {name} is up, with {beside} beside master. It stays until `python -m vethlab_sh down {name}`.")
    return 0


def _options_as_typed(options: argparse.Namespace) -> list[str]:
    given = _given(options).items()
    return [f"--{name}" if value is True else f"--{name} {value}" for name, value in given]


def _ps(options: argparse.Namespace) -> int:
    columns = ("name", "scenario", "age", "processes", "memory")
    labs = [
        (lab.name, lab.scenario, _span(lab.age), len(lab.processes), f"{lab.memory / 2**20:.1f} MiB")
        for lab in stay.every()
    ]
    rows = [dict(zip(columns, lab, strict=True)) for lab in labs]
    print(Page.of(sys.stdout).table(rows, columns) if rows else "No lab stays. `python -m vethlab_sh up` makes one.")
    return 0


def _span(seconds: float) -> str:
    """Seconds as one reads them.

    >>> _span(5), _span(4000), _span(200000)
    ('5 s', '1 h 6 min', '2 d 7 h')
    """
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if not minutes:
        return f"{int(seconds)} s"
    if not hours:
        return f"{minutes} min"
    return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min"


def _run(options: argparse.Namespace) -> int:
    words = options.words
    line = words[0] if len(words) == 1 else shlex.join(words)
    with Lab(options.lab) as lab:
        lab.note(line)
        return lab.interact(["bash", "-c", line])


def _shell(options: argparse.Namespace) -> int:
    with Lab(options.lab) as lab:
        if not sys.stdin.isatty():
            return lab.interact(["bash", "-s"])
        os.chdir(Path.home())  # where the prompt says ~
        told = {"PS1": PROMPT, "HISTFILE": stay.HISTORY, "PROMPT_COMMAND": "history -a", "LC_ALL": "C.UTF-8"}
        return lab.interact(["bash", "--norc", "-i"], **told)


def _show(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    if options.table == HISTORY:
        print("\n".join(stay.find(options.lab).history) or "(no line was typed in it)")
        return 0
    with Lab(options.lab) as lab:
        rows = lab.snapshot(settings=True).rows
    if options.table:
        print(page.table(rows.plain(options.table), snapshot.COLUMNS[options.table]))
    else:
        listed = [{"table": name, "rows": len(rows[name])} for name in snapshot.COLUMNS]
        print(page.table([*listed, {"table": HISTORY, "rows": len(stay.find(options.lab).history)}], listed[0]))
    return 0


def _save(options: argparse.Namespace) -> int:
    with Lab(options.lab) as lab:
        saved = lab.save(None if options.file == "-" else options.file)
    again = f"Saved. `python -m vethlab_sh up {shlex.quote(options.file)} --name LAB` rebuilds it."
    print(saved.script.rstrip() if options.file == "-" else again)
    for sentence in saved.left_out:
        print(f"vethlab_sh: {sentence}", file=sys.stderr)
    return 0


def _down(options: argparse.Namespace) -> int:
    if bool(options.lab) == options.all:
        raise BadOption("Say which lab is to end, `down LAB`, or `down --all`. `python -m vethlab_sh ps` lists them.")
    for name in stay.names() if options.all else [options.lab]:
        print(_ended(name, stay.down(name)))
    return 0


def _ended(name: str, processes: list[stay.Process]) -> str:
    if not processes:
        return f"The lab {name} is gone. Nothing ran in it."
    shown = [f"  {process.pid} {process.command[:100]}" for process in processes[:20]]
    more = [f"  and {len(processes) - 20} more"] if len(processes) > 20 else []
    what = "process" if len(processes) == 1 else "processes"
    return "\n".join([f"The lab {name} is gone. Ended in it: {len(processes)} {what}", *shown, *more])
