"""How is the kit used from a terminal? `python -m vethlab_sh VERB`: each verb is a few lines around one library call.

Exit codes: 0 fine, 1 the lab says no, 2 wrong usage or something is missing on this machine.
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence

from .errors import LabError
from .terminal import doctor, drills, grade, labs, nodes, scenes, tables, walk
from .terminal.streams import nowhere, prepare_streams, say

# Each verb, in the order of --help: the file in terminal/ that declares it, and what it does stands below there.
VERBS = (
    scenes.add_demo,
    scenes.add_draw,
    walk.add_walk,
    scenes.add_compare,
    scenes.add_check,
    drills.add_drill,
    scenes.add_script,
    nodes.add_explain,
    nodes.add_inspect,
    labs.add_up,
    labs.add_ps,
    labs.add_run,
    labs.add_shell,
    labs.add_show,
    labs.add_save,
    labs.add_down,
    grade.add_grade,
    scenes.add_list,
    tables.add_tables,
    doctor.add_doctor,
)
INTERRUPTED = 128 + 2  # as a shell tells of a program that SIGINT ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code."""
    try:
        prepare_streams()
        options = parser().parse_args(argv)
        code: int = options.verb(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return say("Interrupted. The lab is gone and left nothing behind.", INTERRUPTED)
    except LabError as error:
        return say(str(error), error.exit_code)
    except OSError as error:
        nowhere(1)
        return say(f"Cannot write or read: {_reason(error)}.", 1)
    return code


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.EBADF:
        reason = "standard output is closed"
    if error.filename:
        return f"{error.filename}: {reason}"
    return reason


def parser() -> argparse.ArgumentParser:
    """The command line with all its verbs."""
    program = argparse.ArgumentParser(
        prog="vethlab_sh",
        description="Learn how container networks are wired: real commands in a private world.",
    )
    verbs = program.add_subparsers(title="verbs", required=True, metavar="VERB")
    for add_verb in VERBS:
        add_verb(verbs)
    return program
