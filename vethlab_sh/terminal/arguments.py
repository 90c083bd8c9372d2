"""Which arguments do several verbs share? A scenario with its options, --json; a verb is declared here too."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import scenarios
from ..lab import KERNELS

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # where argparse keeps the verbs of a program
    Function = Callable[[argparse.Namespace], int]  # what a verb does; returns the exit code

ME = "python -m vethlab_sh"
OR_LAB = ", or the name of a lab that stays, which `ps` lists"
SCENARIO_OPTIONS = ("hosts", "pods", "mode", "ipv6", "cni")


def add_verb(verbs: Verbs, name: str, help_line: str, function: Function, *examples: str) -> argparse.ArgumentParser:
    """A verb of the command line, to which its arguments can be added.

    function: what it does; examples: what may be typed after `python -m vethlab_sh`, told at the end of its --help.
    """
    verb = verbs.add_parser(
        name,
        help=help_line,
        description=help_line,
        epilog=_told(examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(verb=function)
    return verb


def verbose_argument(parser: argparse.ArgumentParser) -> None:
    """Whether each line is printed as it runs; before the verb or behind it."""
    # without a default here, which would stand over what was given before the verb
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print each line of the lab to standard error, as it runs",
    )


def _told(examples: Sequence[str]) -> str:
    heading = "example:" if len(examples) == 1 else "examples:"
    lines = [f"  {ME} {example}" for example in examples]
    return "\n".join([heading, *lines]) if examples else ""


def scenario_argument(verb: argparse.ArgumentParser, or_lab: str = "") -> None:
    """The name of a scenario, with the options that scenarios have; or_lab: OR_LAB where a lab's name will do too."""
    known = ", ".join(scenarios.SCENARIOS)
    verb.add_argument("name", help=f"a scenario ({known}){or_lab}")
    option_arguments(verb)


def option_arguments(verb: argparse.ArgumentParser) -> None:
    """The options that scenarios have."""
    verb.add_argument("--hosts", type=int, metavar="N", help="how many namespaces (bridge)")
    node_arguments(verb)


def node_arguments(verb: argparse.ArgumentParser) -> None:
    """The options of scenarios with two nodes."""
    verb.add_argument("--pods", type=int, metavar="N", help="how many pods on each node (flannel, calico)")
    verb.add_argument(
        "--mode",
        metavar="MODE",
        help="between the nodes: vxlan, ipip, routed or bgp (calico); vxlan or host-gw (flannel)",
    )
    # None, not False, when it is not given: scenarios without it refuse it
    verb.add_argument("--ipv6", action="store_true", default=None, help="both families (flannel, calico)")
    verb.add_argument("--cni", action="store_true", default=None, help="pods by the real bridge plugin (flannel)")


def scenario_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options of scenarios that were given, by name."""
    given = {}
    for name in SCENARIO_OPTIONS:
        value = getattr(options, name, None)
        if value is not None:
            given[name] = value
    return given


def json_argument(verb: argparse.ArgumentParser) -> None:
    """Whether the rows are printed as JSON, a list of objects with the same keys in each."""
    verb.add_argument("--json", action="store_true", help="print the rows as JSON, and nothing else")


def replay_argument(verb: argparse.ArgumentParser) -> None:
    """Whether a recording is shown."""
    verb.add_argument("--replay", action="store_true", help="from a recording: needs neither Linux nor any rights")


def kernel_argument(verb: argparse.ArgumentParser) -> None:
    """Which kernel a new lab has."""
    verb.add_argument(
        "--kernel",
        choices=KERNELS,
        help="of a new lab: this machine's (host), or user-mode Linux, which needs no rights (uml); "
        "by itself the second where the first makes no labs",
    )
