"""How is a drill told to who reads? The ticket, the network and the hints; never what is broken, nor what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from said import tr

from vethlab_sh import drills, scenarios
from vethlab_sh.claims.forms import as_spoken
from vethlab_sh.drills import Fault

INDEX = """\
# Drills to read

Networks with one fault each. Here is what you would be told: the ticket, as a user wrote it, how the network was laid
when it still worked, and hints, one at a time. What is broken you find out by mending it: [drills](../guides/drills.md)
tells how that goes, and another seed has other names and addresses.

{table}

```{{toctree}}
:hidden:

{pages}
```
"""
STORY = """\
# Drill {name}

{title}, and one fault in it. The ticket:

> {ticket}

## Search

{search}

`drill give-up` mends it and tells what it was. With `--seed 7`, or your name, other machines are hit, with other
addresses than on this page.

## The network, before something broke it

{about}

{lines}

{claims}

## Hints

{hints}
"""


SEARCH = {
    "drill start NAME": "lays the network and plants the fault",
    "shell drill": "a shell in it: look, and mend",
    "drill check": "is it mended? If so, what it was",
    "down drill": "ends it",
}


def write(folder: Path) -> None:
    """Write a page for each drill, and one that lists them."""
    folder.mkdir()
    rows = [f"| {tr('drill')} | {tr('ticket')} |", "|---|---|"]
    for row in drills.listed():
        name = row["name"]
        rows.append(f"| [{name}]({name}.md) | {row['ticket']} |")
        (folder / f"{name}.md").write_text(story(name), encoding="utf-8")
    index = tr(INDEX, table="\n".join(rows), pages="\n".join(drills.names()))
    (folder / "index.md").write_text(index, encoding="utf-8")


def story(name: str) -> str:
    """The page of a drill."""
    fault = drills.fault(name)
    scenario = scenarios.load(fault.world.scenario)
    claims = [as_spoken(claim) for claim in _each_once(fault.world.holds + fault.asks)]
    hints = []
    for number, hint in enumerate(fault.hints, 1):
        hints.append(_fold(tr("Hint {number}", number=number), str(hint)))
    return tr(
        STORY,
        name=name,
        search=_search(name),
        title=_sentence(scenario.title),
        ticket=fault.ticket,
        about=_about(fault),
        lines=_fold(tr("The lines that lay it"), _code(fault.world.lines)),
        claims=_fold(tr("What has to hold again in the end"), _code(claims)),
        hints="\n".join(hints),
    )


def _search(name: str) -> str:
    """What to type, one below the other."""
    lines = {}
    for words, purpose in SEARCH.items():
        lines["python -m vethlab_sh " + words.replace("NAME", name)] = tr(purpose)
    width = max(len(line) for line in lines)
    shown = [f"{line:{width}}  # {purpose}" for line, purpose in lines.items()]
    return "\n".join(["```sh", *shown, "```"])


def _sentence(title: str) -> str:
    return title[:1].upper() + title[1:]


def _about(fault: Fault) -> str:
    """The scenario that it is laid as, and its picture."""
    scenario = fault.world.scenario
    about = "It is laid as the scenario `{scenario}` is, with names and addresses of its own. The scenario's wiring:"
    words = tr("The wiring of the scenario {scenario}", scenario=scenario)
    return f"{tr(about, scenario=scenario)}\n\n![{words}](../guides/pictures/{scenario}.png)"


def _each_once(claims: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(claims))


def _code(lines: Iterable[str]) -> str:
    return "\n".join(["```text", *lines, "```"])


def _fold(title: str, text: str) -> str:
    """What is read only when it is wanted."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>\n"
