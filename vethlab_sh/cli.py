"""How is the kit used from a terminal? `python -m vethlab_sh VERB`: each verb is a few lines around one library call.

Exit codes: 0 fine, 1 the lab says no, 2 wrong usage or something is missing on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import itertools
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from . import __version__
from .errors import LabError, UnknownName, WrongUsage, package
from .language import SOURCE, marked, speaking, tr
from .terminal.arguments import ME, Help, add_verb, language_argument, speak_in_argparse, verbose_argument
from .terminal.streams import NobodyReads, nowhere, prepare_streams, say, warnings_said


@dataclass(frozen=True)
class Verb:
    """One verb: the file in terminal/ that declares its arguments, with what it does below; and that in a line.

    hands_on: whether the words behind `--` are another program's.
    """

    file: str
    about: str
    hands_on: bool = False


# Each verb, in the order of --help. Its file is opened when it is asked for: no verb waits for the others.
GROUPS = {
    marked("a scenario, in a lab of its own"): {
        "demo": Verb("scenes", marked("play a scenario and explain each step")),
        "draw": Verb("scenes", marked("draw a scenario, or a lab that stays, in characters or into a file")),
        "walk": Verb("walk", marked("play a scenario, send one ping and show every device that it passes")),
        "check": Verb("scenes", marked("play a scenario, then judge claims about it; --list shows the vocabulary")),
        "compare": Verb("scenes", marked("lay scenarios with two nodes and measure what they do differently")),
        "script": Verb("scenes", marked("print a scenario as a plain bash script")),
        "list": Verb("scenes", marked("list the scenarios")),
    },
    marked("a lab that stays"): {
        "up": Verb("labs", marked("make a lab that stays, from a scenario or empty")),
        "ps": Verb("labs", marked("list the labs that stay")),
        "run": Verb("labs", marked("run a line in a lab that stays")),
        "shell": Verb("labs", marked("open a shell in a lab that stays")),
        "show": Verb("labs", marked("show a table of a lab that stays, or which tables there are")),
        "save": Verb("labs", marked("write a lab that stays as a bash script that rebuilds it")),
        "down": Verb("labs", marked("end a lab that stays, and all that runs in it")),
    },
    marked("to learn and to teach"): {
        "lessons": Verb("lessons", marked("copy the lessons into a folder of your own; what is there stays")),
        "lab": Verb(
            "lessons", marked("open your copies of the lessons in JupyterLab, for this machine only"), hands_on=True
        ),
        "recall": Verb("recall", marked("five questions of finished lessons, asked again later")),
        "quiz": Verb("quiz", marked("fifteen questions, before the lessons and after them")),
        "drill": Verb("drills", marked("networks with a fault to find and mend, each in a lab that stays")),
        "grade": Verb("grade", marked("run what learners handed in and give points for claims that hold")),
    },
    marked("a real machine"): {
        "inspect": Verb("nodes", marked("show how this machine's pods and namespaces are wired; changes nothing")),
        "explain": Verb("nodes", marked("explain a pasted terminal session: its tables, and how it is wired")),
    },
    marked("this kit"): {
        "tables": Verb("tables", marked("list every table and its columns")),
        "doctor": Verb("doctor", marked("tell what this machine needs to run the demos")),
    },
}
VERBS = {name: verb for verbs in GROUPS.values() for name, verb in verbs.items()}
INTERRUPTED = 128 + 2  # as a shell tells of a program that SIGINT ended
NOT_READ = 128 + 13  # and of one that SIGPIPE ended


class UnknownVerb(UnknownName):
    """The command line has no such verb."""

    kind = marked("verb")


class NoVerb(WrongUsage):
    """A scenario (`name`) stands where a verb is to stand."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            tr(
                "{name!r} is a scenario, and a verb comes first: `{line}` plays it.",
                name=name,
                line=f"{ME} demo {name}",
            )
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    with speaking(_asked_language(words)):
        return _run(words)


def _asked_language(words: Sequence[str]) -> str | None:
    """What --lang says, wherever it stands before a `--`: the parser itself is to speak that language already.

    Without it, --json speaks English: what programs read is the same for every user of a machine.
    """
    language = None
    for word, following in itertools.pairwise([*words, ""]):
        if word == "--":
            break
        if word == "--lang":
            return following
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
        if word == "--json":
            language = SOURCE
    return language


def _run(words: Sequence[str]) -> int:
    try:
        prepare_streams()
        complete()
        name = _asked_verb(words)
        if words[:1] == ["drill"]:
            _check_drill(words[1:])
        program = _program([name] if name else [])
        options = _options(program, words, name is not None and VERBS[name].hands_on)
        with warnings_said(), _lines_told("verbose" in options):
            code: int = options.verb(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return say(tr("Interrupted. The lab is gone and left nothing behind."), INTERRUPTED)
    except NobodyReads:
        return NOT_READ
    except LabError as error:
        return say(str(error), error.exit_code)
    except UnicodeError as error:  # a word, a name or a file
        reason = getattr(error, "reason", error)
        return say(tr("This is no text that can be written: {reason}.", reason=reason), 2)
    except MemoryError:
        return say(tr("There is not enough memory for this."), 1)
    except RecursionError:
        return say(tr("This is nested too deeply to be read."), 2)
    except OSError as error:
        nowhere(1)
        return say(tr("Cannot write or read: {reason}.", reason=_reason(error)), 1)
    return code


def _asked_verb(words: Sequence[str]) -> str | None:
    """The verb that is typed, None when none is; raises where argparse would list them all."""
    name = _first_name(words)
    if name is None or name in VERBS:
        return name
    from .scenarios import SCENARIOS

    if name in SCENARIOS:
        raise NoVerb(name)
    raise UnknownVerb(name, list(VERBS))


def _check_drill(words: Sequence[str]) -> None:
    """Raise UnknownVerb when what stands behind `drill` is none of its words."""
    from .terminal.drills import WHAT

    name = _first_name(words)
    if name is not None and name not in WHAT:
        raise UnknownVerb(name, list(WHAT))


def _first_name(words: Sequence[str]) -> str | None:
    """The first word that is no option, and no language."""
    for before, word in itertools.pairwise(["", *words]):
        is_option = word.startswith("-") and word != "--"
        if not is_option and before != "--lang":
            return word
    return None


@contextlib.contextmanager
def _lines_told(verbose: bool) -> Iterator[None]:
    """Print each line of a lab to standard error as it runs, when that was asked for."""
    if not verbose:
        yield
        return
    from .lab import WATCHING

    WATCHING.append(_tell_line)
    try:
        yield
    finally:
        WATCHING.remove(_tell_line)


def _tell_line(line: str) -> None:
    print(f"# {line}", file=sys.stderr, flush=True)


def _options(program: argparse.ArgumentParser, words: Sequence[str], hands_on: bool) -> argparse.Namespace:
    """What was asked for; --help and --version, and words that are wrong, end the program here.

    hands_on: of a verb whose words behind `--` are another program's. argparse finds them only where no option of the
    verb stands between its other words and them.
    """
    words, more = list(words), None
    if hands_on and "--" in words:
        dashes = words.index("--")
        words, more = words[:dashes], words[dashes + 1 :]
    try:
        options = program.parse_args(words)
    except SystemExit:
        sys.stdout.flush()
        raise
    if more is not None:
        options.more = more
    return options


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.EBADF:
        reason = tr("standard output is closed")
    if error.filename:
        return f"{error.filename}: {reason}"
    return reason


def parser() -> argparse.ArgumentParser:
    """The command line with all its verbs."""
    return _program(VERBS)


def _program(names: Collection[str]) -> argparse.ArgumentParser:
    """The command line, with the arguments of these verbs."""
    speak_in_argparse()
    program = argparse.ArgumentParser(
        prog="vethlab_sh",
        usage="%(prog)s [-h] [-v] [--version] VERB ...",
        description=tr("Learn how container networks are wired: real commands in a private world."),
        epilog=_listing(),
        formatter_class=Help,
    )
    language_argument(program)
    verbose_argument(program)
    program.add_argument(
        "--version",
        action="version",
        version=f"vethlab_sh {__version__}",
        help=tr("show program's version number and exit"),
    )
    verbs = program.add_subparsers(prog=program.prog, required=True, metavar="VERB", help=argparse.SUPPRESS)
    for name in names:
        file = importlib.import_module(f".terminal.{VERBS[name].file}", __package__)
        add_arguments = getattr(file, f"{name}_arguments")
        add_arguments(add_verb(verbs, name, tr(VERBS[name].about)))
    return program


def _listing() -> str:
    """All verbs in their groups, for the end of --help: argparse can list them in one group only."""
    lines = []
    for group, verbs in GROUPS.items():
        lines.append(tr("{group}:", group=tr(group)))
        for name, verb in verbs.items():
            lines.append(f"  {name:9} {tr(verb.about)}")
    lines.append("")
    lines.append(tr("`VERB --help` tells each verb's options, and what can be typed."))
    return "\n".join(lines)


def complete() -> None:
    """Answer a shell that asks what can stand next, if it does; argcomplete sets this variable then."""
    if "_ARGCOMPLETE" in os.environ:
        package("argcomplete").autocomplete(parser())
