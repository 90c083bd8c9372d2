"""Which arguments do several verbs share? A scenario with its options, and --replay; a verb is declared here too."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import scenarios

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # where argparse keeps the verbs of a program
    Function = Callable[[argparse.Namespace], int]  # what a verb does; returns the exit code

SCENARIO_OPTIONS = ("hosts", "pods", "mode", "ipv6")


def add_verb(verbs: Verbs, name: str, help_line: str, function: Function) -> argparse.ArgumentParser:
    """A verb of the command line, to which its arguments can be added; function: what it does."""
    verb = verbs.add_parser(name, help=help_line, description=help_line)
    verb.set_defaults(verb=function)
    return verb


def scenario_argument(verb: argparse.ArgumentParser) -> None:
    """The name of a scenario, with the options that scenarios have."""
    verb.add_argument("name", help="a scenario: " + ", ".join(scenarios.SCENARIOS))
    option_arguments(verb)


def option_arguments(verb: argparse.ArgumentParser) -> None:
    """The options that scenarios have."""
    verb.add_argument("--hosts", type=int, metavar="N", help="how many namespaces (bridge)")
    node_arguments(verb)


def node_arguments(verb: argparse.ArgumentParser) -> None:
    """The options of scenarios with two nodes."""
    verb.add_argument("--pods", type=int, metavar="N", help="how many pods on each node (flannel, calico)")
    verb.add_argument("--mode", metavar="MODE", help="between the nodes: vxlan, or routed without a tunnel (calico)")
    # None, not False, when it is not given: scenarios without it refuse it
    verb.add_argument("--ipv6", action="store_true", default=None, help="both families (flannel, calico)")


def scenario_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options of scenarios that were given, by name."""
    given = {}
    for name in SCENARIO_OPTIONS:
        value = getattr(options, name, None)
        if value is not None:
            given[name] = value
    return given


def replay_argument(verb: argparse.ArgumentParser) -> None:
    """Whether a recording is shown."""
    verb.add_argument("--replay", action="store_true", help="from a recording: needs neither Linux nor any rights")
