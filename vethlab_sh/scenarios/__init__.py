"""Which lessons are there? Those of SCENARIOS, each as data in a module of its own.

Each module here holds one scenario as data (`Scenario`, `Step`): no machinery, nothing is run. An edition
in another language is a sibling of these modules with the same lines.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import replace

from ..errors import BadOption, KindMissing, ToolMissing, UnknownScenario
from ..inside import inside
from ..language import marked, tr
from ..markup import wrapped
from ..sandbox import find
from .step import Scenario, Step

# Each is a function in the file of its name, which is opened when it is wanted
SCENARIOS = (
    "direct",
    "bridge",
    "flannel",
    "calico",
    "ovs",
)

# What the options of a scenario make of it, in a line each
VARIANTS: dict[str, dict[str, str]] = {
    "flannel": {
        "--mode host-gw": marked("no tunnel: each node is the gateway to the other's pods"),
        "--cni": marked("the pods made by the real bridge plugin, its JSON and its files shown"),
    },
    "calico": {
        "--mode ipip": marked("the nodes joined by IP in IP, which adds 20 bytes where VXLAN adds 50"),
        "--mode routed": marked("no tunnel: a route to the other node's pods, as felix adds it"),
        "--mode bgp": marked("the same route by a real BIRD, and what a session that ends takes with it"),
    },
}

__all__ = [
    "SCENARIOS",
    "VARIANTS",
    "Scenario",
    "Step",
    "as_script",
    "check_kinds",
    "check_programs",
    "load",
    "maker",
    "playable",
]

REFUSED = 2  # by the kernel: ip(8), EXIT STATUS
WORLD = """\
#!/usr/bin/env bash
# {name}: {title}.
# The same lines as `python -m vethlab_sh demo {name}`, for bash alone. They run in a private network world
# that ends with the script, so nothing has to be cleaned up and no device of this machine is touched.
# Works as root, and as an ordinary user where the kernel allows user namespaces.
unshare --net --mount true 2>/dev/null && user="" || user="--user --map-root-user"
PATH=$PATH:/usr/sbin:/sbin LC_ALL=C unshare $user --net --mount --uts {more}bash <<'THE_LAB'
set -e
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys 2>/dev/null || true
hostname master 2>/dev/null || true
ip link set lo up
set -v
"""


def load(name: str, **options: int | str | bool) -> Scenario:
    """The scenario called `name`; options are its own (`hosts` for bridge).

    Raises UnknownScenario, or BadOption for an option that this scenario does not have.
    """
    make = maker(name)
    allowed = inspect.signature(make).parameters
    for option in options:
        if option not in allowed:
            raise BadOption(tr("The scenario {name!r} has no option {option!r}.", name=name, option=option))
    return make(**options)


def maker(name: str) -> Callable[..., Scenario]:
    """The function that makes the scenario called `name`: its parameters are the options. Raises UnknownScenario."""
    if name not in SCENARIOS:
        raise UnknownScenario(name, SCENARIOS)
    file = importlib.import_module(f".{name}", __package__)
    make: Callable[..., Scenario] = getattr(file, name)
    return make


def playable(scenario: Scenario) -> Scenario:
    """The scenario as it can be played here: by `ip` and `bridge` alone where there is no brctl."""
    if find("brctl") is not None:
        return scenario
    steps = [step.instead or step for step in scenario.steps]
    return replace(scenario, steps=tuple(steps))


def check_programs(scenario: Scenario) -> None:
    """Raise ToolMissing, with the line that installs it, for a program that the scenario needs and that is not here."""
    for program in scenario.programs:
        if find(program) is None:
            raise ToolMissing(program)


def check_kinds(scenario: Scenario, exit_code: Callable[[str], int]) -> None:
    """Raise KindMissing for a kind of tunnel that the scenario needs and that the kernel does not make.

    exit_code: runs a line in a lab, and returns what it ended with. Nothing is left there: the tunnel is made in a
    namespace of its own.
    """
    for kind in scenario.kinds:
        # With two addresses, because one without is there already where the kernel makes it itself
        line = f"unshare --net ip link add name tried type {kind} local 127.0.0.1 remote 127.0.0.2"
        if exit_code(line) == REFUSED:
            raise KindMissing(kind)


def as_script(scenario: Scenario) -> str:
    """The scenario as a plain bash script: the same lines, the reasons as comments."""
    # Daemons end with the first process of their own process numbers: pid_namespaces(7)
    more = "--pid --fork --kill-child --mount-proc " if scenario.programs else ""
    parts = [WORLD.format(name=scenario.name, title=scenario.title, more=more), _comment(scenario.intro)]
    for step in scenario.steps:
        parts += ["\n", _comment(step.why)]
        may_fail = "" if 0 in step.expect else " || true"
        for line in step.lines:
            parts.append(f"{inside(step.at, line)}{may_fail}\n")
        parts.append(_comment(step.look))
    parts += ["\n", _comment(scenario.known), "THE_LAB\n"]
    return "".join(parts)


def _comment(text: str) -> str:
    if not text:
        return ""
    return wrapped(text, 100, first="# ", later="# ") + "\n"
