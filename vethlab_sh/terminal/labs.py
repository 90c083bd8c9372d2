"""What do the verbs of labs that stay do? up, ps, run, shell, show, save, down."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import scenarios
from ..errors import NO_SUCH_PROGRAM, BadInput, BadOption, LabError, NoSuchLab
from ..inside import quoted
from ..keep import stay
from ..keep.shells import opens_a_shell
from ..lab import HOST, Lab
from ..language import plural, sentences, tr
from .arguments import does, json_argument, option_arguments, scenario_options, verbose_argument
from .rows import print_rows
from .streams import say, say_aside

EMPTY = "empty"  # instead of a scenario's name
HISTORY = "history"  # beside the kernel's tables: what was typed
LINES_KEPT = "100000"  # bash shortens no file of fewer
PROMPT = r"[root@\h \W]# "
PACKAGE = shlex.quote(str(Path(__file__).parents[2]))  # the folder that it is in
# What bash calls when there is no such program: a pasted prompt is taken off, of another word a hint is given. bash
# calls it in a shell of its own, so what a shell does to itself, `cd`, cannot be done there.
NOT_FOUND = f"""() {{
    local prompt=
    case $1 in
        '$' | '%' | *@*'$' | *@*'#') prompt=$1; shift ;;
        '['*@*) case ${{2-}} in *']#' | *']$') prompt="$1 $2"; shift 2 ;; esac ;;
    esac
    if [ -n "$prompt" ] && [ $# -gt 0 ]; then
        case $(type -t "$1") in
            file | function) echo "(The prompt $prompt is taken off.)" >&2; "$@"; return ;;
            builtin) echo "($prompt is a prompt: type what stands behind it.)" >&2; return 127 ;;
        esac
    fi
    echo "bash: $1: command not found" >&2
    {shlex.quote(sys.executable)} -c 'import sys; sys.path.insert(0, sys.argv[2])
from vethlab_sh.hints import hint_for; print(hint_for(sys.argv[1], 127, ""))' "$1" {PACKAGE} >&2 2>/dev/null
    return 127
}}"""
MINUTE, HOUR, DAY = 60, 3600, 86400
AT_ONCE = 16  # labs that are ended
LISTED = 20  # processes that are told of when their lab ends
COMMAND_WIDTH = 100


def _lab_argument(verb: argparse.ArgumentParser) -> None:
    """A lab that stays."""
    verb.add_argument("lab", help=tr("the name of a lab that stays, as `ps` lists it"))


# --- up -----------------------------------------------------------------------------------------------------------


def up_arguments(verb: argparse.ArgumentParser) -> None:
    """`up [NAME]`: make a lab that stays."""
    does(verb, _up, "up bridge", "up --name mine", "up saved.sh --name again")
    verb.add_argument("scenario", nargs="?", default=EMPTY, help=tr("a scenario, a file made by save, or empty"))
    verb.add_argument("--name", metavar="LAB", help=tr("the lab's name (without it that of the scenario)"))
    verb.add_argument(
        "--keep-going", action="store_true", help=tr("of a file, run the lines below one that failed, too")
    )
    option_arguments(verb)
    verbose_argument(verb)


def _up(options: argparse.Namespace) -> int:
    file = _saved_file(options)
    name = options.name
    if name is None:
        name = file.stem if file else options.scenario
    stay.check_free(name)
    failed = 0
    with Lab(kernel=HOST) as lab:  # no other kernel's can stay; it vanishes when something fails before it does
        if file:
            from . import script  # opened when a text is read: a demo waits for none of it

            failed = script.play(lab, file, options.keep_going)
        elif options.scenario != EMPTY or scenario_options(options):
            lab.play(options.scenario, **scenario_options(options))
        lab.stay(name, file.name if file else _as_typed(options))
        namespaces = lab.snapshot().rows.namespaces
    beside = _counted(len(namespaces) - 1)
    print(
        tr(
            "The lab {name} is up, with {beside} beside master. It stays until `python -m vethlab_sh down {name}`.",
            name=name,
            beside=beside,
        )
    )
    return 1 if failed else 0


def _counted(namespaces: int) -> str:
    if namespaces == 0:
        return tr("no namespace")
    return plural("a namespace", "{count} namespaces", namespaces)


def _saved_file(options: argparse.Namespace) -> Path | None:
    """The file that a lab is made from; None when it is a scenario that was named."""
    if options.scenario in scenarios.SCENARIOS:
        return None
    file = Path(options.scenario)
    if file.is_file():
        return file
    if file.suffix or len(file.parts) > 1:  # no scenario is called so
        raise BadInput(tr("There is no file {file}.", file=file))
    return None


def _as_typed(options: argparse.Namespace) -> str:
    """The scenario and its options, as they were typed."""
    words = [options.scenario]
    for name, value in scenario_options(options).items():
        words.append(f"--{name}")
        if value is not True:
            words.append(str(value))
    return " ".join(words)


# --- ps -----------------------------------------------------------------------------------------------------------


def ps_arguments(verb: argparse.ArgumentParser) -> None:
    """`ps`: which labs stay."""
    does(verb, _ps, "ps", "ps --json")
    json_argument(verb)


def _ps(options: argparse.Namespace) -> int:
    labs = list(stay.every())
    if options.json:
        print_rows(options, [_plain(lab) for lab in labs])
        return 0
    rows = []
    for lab in labs:
        mebibytes = lab.memory / 2**20
        row = {
            "name": lab.name,
            "scenario": lab.scenario,
            "age": _span(lab.age),
            "processes": len(lab.processes),
            "memory": f"{mebibytes:.1f} MiB",
        }
        rows.append(row)
    if not rows:
        print(tr("No lab stays. `python -m vethlab_sh up` makes one."))
        return 0
    print_rows(options, rows)
    return 0


def _plain(lab: stay.Stay) -> dict[str, object]:
    """A lab for a program: its age in seconds, its memory in bytes."""
    return {
        "name": lab.name,
        "scenario": lab.scenario,
        "age": round(lab.age),
        "processes": len(lab.processes),
        "memory": lab.memory,
    }


def _span(seconds: float) -> str:
    """Seconds as one reads them.

    >>> _span(5), _span(4000), _span(200000)
    ('5 s', '1 h 6 min', '2 d 7 h')
    """
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


# --- run, shell ---------------------------------------------------------------------------------------------------


def run_arguments(verb: argparse.ArgumentParser) -> None:
    """`run LAB -- COMMAND`: one line."""
    does(verb, _run, "run bridge -- ip netns exec ns100 ip route", "run bridge 'ip -br link | sort'")
    _lab_argument(verb)
    verb.add_argument("words", nargs="+", metavar="COMMAND", help=tr("after --, a command or one quoted line of bash"))


def _run(options: argparse.Namespace) -> int:
    from . import lines, script

    words = options.words
    line = words[0] if len(words) == 1 else shlex.join(words)
    typed = lines.read(line)
    for remark in typed.remarks:
        say_aside(remark)
    commands = [command.text for command in typed.commands]
    with Lab(options.lab) as lab:
        if any(opens_a_shell(command) for command in commands[:-1]):
            return script.type_all(lab, commands)
        line = "\n".join(commands) or line
        lab.note(line)
        code = lab.interact(["bash", "-c", line])
    if code == NO_SUCH_PROGRAM:  # bash has said so
        from ..hints import hint_for

        say_aside(hint_for(line, code, ""))
    return code


def shell_arguments(verb: argparse.ArgumentParser) -> None:
    """`shell LAB`: many lines."""
    does(verb, _shell, "shell bridge")
    _lab_argument(verb)


def _shell(options: argparse.Namespace) -> int:
    with Lab(options.lab) as lab:
        if not sys.stdin.isatty():
            with _prompts_taken_off():
                return lab.interact(["bash", "-s"])
        with contextlib.suppress(OSError):
            os.chdir(Path.home())  # where the prompt says ~
        history = stay.find(options.lab).open_history()
        environment = {
            "BASH_FUNC_command_not_found_handle%%": NOT_FOUND,
            "PS1": PROMPT,
            "HISTFILE": f"/proc/self/fd/{history}",
            "HISTSIZE": LINES_KEPT,
            "HISTFILESIZE": LINES_KEPT,
            "PROMPT_COMMAND": "history -a",  # what was typed is noted at once, not when the shell ends
            "LC_ALL": "C.UTF-8",
        }
        try:
            return lab.interact(["bash", "--norc", "-i"], [history], **environment)
        finally:
            os.close(history)


@contextlib.contextmanager
def _prompts_taken_off() -> Iterator[None]:
    """While lines come on standard input, let a program read them without the prompts that were pasted with them."""
    from . import lines

    source = os.fdopen(os.dup(0), encoding="utf-8", errors="surrogateescape")
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)

    def hand_on() -> None:
        typed = lines.without_prompts((line.rstrip("\n") for line in source), say_aside)
        keys = os.fdopen(writing, "w", encoding="utf-8", errors="surrogateescape", buffering=1)
        with contextlib.suppress(BrokenPipeError), keys:  # it reads no further
            for line in typed:
                keys.write(line + "\n")

    threading.Thread(target=hand_on, daemon=True).start()
    yield


# --- show, save ---------------------------------------------------------------------------------------------------


def show_arguments(verb: argparse.ArgumentParser) -> None:
    """`show LAB [TABLE]`: what the kernel has in there."""
    from ..snapshot import COLUMNS  # no other verb waits for the facts' types

    does(verb, _show, "show bridge", "show bridge links", "show bridge fdb --json")
    _lab_argument(verb)
    json_argument(verb)
    verb.add_argument(
        "table",
        nargs="?",
        choices=[*COLUMNS, HISTORY],
        metavar="TABLE",
        help=tr("one of {tables}", tables="%(choices)s"),
    )


def _show(options: argparse.Namespace) -> int:
    from ..snapshot import COLUMNS

    name = options.table
    if name == HISTORY:
        typed = stay.find(options.lab).history
        if options.json:
            print(json.dumps(typed, indent=1))
        else:
            print("\n".join(typed) or tr("(no line was typed in it)"))
        return 0
    with Lab(options.lab) as lab:
        facts = lab.snapshot(settings=True).rows
        history = lab.typed
    if name:
        print_rows(options, facts[name], COLUMNS[name])
        return 0
    rows: list[dict[str, object]] = []
    for table in COLUMNS:
        rows.append({"table": table, "rows": len(facts.kind(table))})
    rows.append({"table": HISTORY, "rows": len(history)})
    print_rows(options, rows)
    return 0


def save_arguments(verb: argparse.ArgumentParser) -> None:
    """`save LAB FILE`: a script that makes it again."""
    does(verb, _save, "save bridge saved.sh")
    _lab_argument(verb)
    verb.add_argument("file", help=tr("where to write it (- prints it); `up FILE` rebuilds it in a fresh lab"))


def _save(options: argparse.Namespace) -> int:
    to_output = options.file == "-"
    with Lab(options.lab) as lab:
        saved = lab.save(None if to_output else options.file)
    if to_output:
        print(saved.script.rstrip())
    else:
        print(tr("Saved. `python -m vethlab_sh up {quoted} --name LAB` rebuilds it.", quoted=quoted(options.file)))
    for sentence in saved.left_out:
        print(f"vethlab_sh: {sentence}", file=sys.stderr)
    return 0


# --- down ---------------------------------------------------------------------------------------------------------


def down_arguments(verb: argparse.ArgumentParser) -> None:
    """`down LAB`: end it."""
    does(verb, _down, "down bridge", "down --all")
    verb.add_argument("lab", nargs="?", help=tr("the name of a lab that stays, as `ps` lists it"))
    verb.add_argument("--all", action="store_true", help=tr("end all of them"))


def _down(options: argparse.Namespace) -> int:
    if bool(options.lab) == options.all:
        raise BadOption(
            tr("Say which lab is to end, `down LAB`, or `down --all`. `python -m vethlab_sh ps` lists them.")
        )
    if options.all:
        return _down_all(stay.names())
    processes = stay.down(options.lab)
    print(_ended(options.lab, processes))
    return 0


def _down_all(names: Sequence[str]) -> int:
    """End several labs at the same time: one that cannot be ended holds up no other."""
    from concurrent.futures import ThreadPoolExecutor  # 6 ms for which no other verb waits

    code = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ending = {name: pool.submit(stay.down, name) for name in names}
        for name, end in ending.items():
            try:
                print(_ended(name, end.result()), flush=True)
            except NoSuchLab:  # somebody else was faster
                continue
            except LabError as error:
                code = say(tr("The lab {name} is not gone. {error}", name=name, error=error), error.exit_code)
    return code


def _ended(name: str, processes: list[stay.Process]) -> str:
    if not processes:
        return tr("The lab {name} is gone. Nothing ran in it.", name=name)
    count = len(processes)
    ended = plural("Ended in it: {count} process", "Ended in it: {count} processes", count)
    parts = [sentences(tr("The lab {name} is gone.", name=name), ended)]
    for process in processes[:LISTED]:
        command = process.command[:COMMAND_WIDTH]
        parts.append(f"  {process.pid} {command}")
    if count > LISTED:
        parts.append(tr("  and {more} more", more=count - LISTED))
    return "\n".join(parts)
