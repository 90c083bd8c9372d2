"""How is the kit used from a terminal? `python -m vethlab_sh VERB`: each verb is a few lines around one library call.

Exit codes: 0 fine, 1 the lab says no, 2 wrong usage or something is missing on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import itertools
import os
import sys
from collections.abc import Iterator, Sequence

from . import __version__
from .errors import LabError, UnknownName, package
from .lab import WATCHING
from .language import SOURCE, marked, speaking, tr
from .terminal import doctor, drills, grade, labs, lessons, nodes, quiz, recall, scenes, tables, walk
from .terminal.arguments import Help, language_argument, speak_in_argparse, verbose_argument
from .terminal.streams import NobodyReads, nowhere, prepare_streams, say, warnings_said

# Each verb, in the order of --help: the file in terminal/ that declares it, and what it does stands below there.
GROUPS = {
    marked("a scenario, in a lab of its own"): (
        scenes.add_demo,
        scenes.add_draw,
        walk.add_walk,
        scenes.add_check,
        scenes.add_compare,
        scenes.add_script,
        scenes.add_list,
    ),
    marked("a lab that stays"): (
        labs.add_up,
        labs.add_ps,
        labs.add_run,
        labs.add_shell,
        labs.add_show,
        labs.add_save,
        labs.add_down,
    ),
    marked("to learn and to teach"): (
        lessons.add_lessons,
        lessons.add_lab,
        recall.add_recall,
        quiz.add_quiz,
        drills.add_drill,
        grade.add_grade,
    ),
    marked("a real machine"): (
        nodes.add_inspect,
        nodes.add_explain,
    ),
    marked("this kit"): (
        tables.add_tables,
        doctor.add_doctor,
    ),
}
VERBS = tuple(itertools.chain.from_iterable(GROUPS.values()))
INTERRUPTED = 128 + 2  # as a shell tells of a program that SIGINT ended
NOT_READ = 128 + 13  # and of one that SIGPIPE ended


class UnknownVerb(UnknownName):
    """The command line has no such verb."""

    kind = marked("verb")


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
        program, verbs = _program()
        complete(program)
        _check_verb(words, verbs)
        if words[:1] == ["drill"]:
            _check_verb(words[1:], drills.WHAT)
        options = _options(program, words)
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


def _check_verb(words: Sequence[str], verbs: Sequence[str]) -> None:
    """Raise UnknownVerb, which names the one that was probably meant, where argparse would list them all."""
    for before, word in itertools.pairwise(["", *words]):
        if word in verbs:
            return
        if not word.startswith("-") and before != "--lang":
            raise UnknownVerb(word, verbs)


@contextlib.contextmanager
def _lines_told(verbose: bool) -> Iterator[None]:
    """Print each line of a lab to standard error as it runs, when that was asked for."""
    if verbose:
        WATCHING.append(_tell_line)
    try:
        yield
    finally:
        if verbose:
            WATCHING.remove(_tell_line)


def _tell_line(line: str) -> None:
    print(f"# {line}", file=sys.stderr, flush=True)


def _options(program: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """What was asked for; --help and --version, and words that are wrong, end the program here."""
    try:
        return program.parse_args(words)
    except SystemExit:
        sys.stdout.flush()
        raise


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.EBADF:
        reason = tr("standard output is closed")
    if error.filename:
        return f"{error.filename}: {reason}"
    return reason


def parser() -> argparse.ArgumentParser:
    """The command line with all its verbs."""
    return _program()[0]


def _program() -> tuple[argparse.ArgumentParser, list[str]]:
    """The command line, and the names of its verbs."""
    speak_in_argparse()
    program = argparse.ArgumentParser(
        prog="vethlab_sh",
        usage="%(prog)s [-h] [-v] [--version] VERB ...",
        description=tr("Learn how container networks are wired: real commands in a private world."),
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
    # argparse can list verbs in one group only: ours are in the epilog
    verbs = program.add_subparsers(required=True, metavar="VERB", help=argparse.SUPPRESS)
    listing = []
    for group, functions in GROUPS.items():
        before = set(verbs.choices)
        for add_verb in functions:
            add_verb(verbs)
        new = [name for name in verbs.choices if name not in before]
        listing.append(tr("{group}:", group=tr(group)))
        listing += [f"  {name:9} {verbs.choices[name].description}" for name in new]
    program.epilog = "\n".join([*listing, "", tr("`VERB --help` tells each verb's options, and what can be typed.")])
    return program, list(verbs.choices)


def complete(program: argparse.ArgumentParser) -> None:
    """Answer a shell that asks what can stand next, if it does; argcomplete sets this variable then."""
    if "_ARGCOMPLETE" in os.environ:
        package("argcomplete").autocomplete(program)
