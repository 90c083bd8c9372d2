"""The arguments that verbs share."""

from __future__ import annotations

import argparse
from typing import Any

from .. import scenarios


def _verb(verbs: Any, name: str, help_line: str, function: Any) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=help_line, description=help_line)
    verb.set_defaults(verb=function)
    return verb


def _scenario_argument(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", help="a scenario: " + ", ".join(scenarios.SCENARIOS))
    _option_arguments(verb)


def _option_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--hosts", type=int, metavar="N", help="how many namespaces (bridge)")
    _node_arguments(verb)


def _node_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--pods", type=int, metavar="N", help="how many pods on each node (flannel, calico)")
    verb.add_argument("--mode", metavar="MODE", help="between the nodes: vxlan, or routed without a tunnel (calico)")
    verb.add_argument("--ipv6", action="store_true", default=None, help="both families (flannel, calico)")


def _file_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--png", metavar="FILE", help="save the picture as PNG")
    verb.add_argument("--svg", metavar="FILE", help="save the picture as SVG")


def _replay_argument(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--replay", action="store_true", help="from a recording: needs neither Linux nor any rights")


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options of scenarios that were given, by name."""
    every = {name: getattr(options, name, None) for name in ("hosts", "pods", "mode", "ipv6")}
    return {name: value for name, value in every.items() if value is not None}
