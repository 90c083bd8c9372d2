"""How are a case's lines typed in a lab? One by one, and none of them may hang."""

from __future__ import annotations

import os

from vethlab_sh import Lab

from .case import Case, question, typed

# Seconds for an answer, and for building the network; user-mode Linux takes many times as long.
LIMIT = int(os.environ.get("FAULTS_LIMIT", "60"))


def build(lab: Lab, case: Case) -> list[str]:
    """Play the scenario and the lines; return what failed."""
    if case.play:
        lab.play(case.play, **case.options)
    return run_all(lab, case.lines)


def run_all(lab: Lab, lines: str) -> list[str]:
    """Run the lines one by one; return those that failed, with what they said."""
    failed = []
    for line in typed(lines):
        ran = lab.run(line, expect=None, timeout=LIMIT / 2)
        if ran.code:
            failed.append(f"{line} -> {ran.code} {ran.err.strip()}")
    return failed


def answered(lab: Lab, case: Case, rounds: int) -> bool:
    """Whether the probe of a case is answered, in as many tries."""
    again = f"for _ in $(seq {rounds}); do ({question(case)}) >/dev/null && exit 0; sleep 0.4; done; exit 1"
    return lab.run(again, expect=None, timeout=LIMIT).code == 0
