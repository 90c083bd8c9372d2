"""Did a scenario do what it teaches?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .scenarios import Scenario, Step
from .tables import recognise

if TYPE_CHECKING:
    from .record import Ran
    from .wiring.changes import Difference


def _verdict(scenario: Scenario, played: list[tuple[Step, list[Ran]]]) -> tuple[bool, str]:
    """Whether every ping that should be answered was, and the sentence that is now known."""
    should = [ran for step, records in played if 0 in step.expect for ran in records]
    counts = [ran.rows["ping statistics"][0] for ran in should if "ping statistics" in recognise(ran.line)]
    sent, received = (sum(int(str(row[key])) for row in counts) for key in ("sent", "received"))
    if received < sent:
        return False, f"Not everything works: {received} of {sent} pings were answered."
    return True, f"{scenario.known} ({received} of {sent} pings answered.)"


def _as_json(
    scenario: Scenario,
    played: list[tuple[Step, list[Ran]]],
    changes: dict[Ran, Difference],
    ok: bool,
    verdict: str,
) -> str:
    def record(ran: Ran) -> dict[str, Any]:
        told = {"line": ran.line, "at": ran.at, "out": ran.out, "err": ran.err, "code": ran.code,
                "seconds": round(ran.seconds, 6), "tables": ran.rows}  # fmt: skip
        return told | ({"changes": changes[ran].rows} if ran in changes else {})

    steps = [{"why": s.why, "look": s.look, "records": [record(ran) for ran in records]} for s, records in played]
    about = {"scenario": scenario.name, "title": scenario.title, "intro": scenario.intro}
    whole = {**about, "steps": steps, "ok": ok, "verdict": verdict}
    return json.dumps(whole, indent=1)
