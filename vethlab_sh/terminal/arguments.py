"""Which arguments do several verbs share? A scenario with its options, --json; a verb is declared here too."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..language import CHINESE, LANGUAGES, enumerated, marked, plural, tr
from ..markup import wrapped

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # where argparse keeps the verbs of a program
    Function = Callable[[argparse.Namespace], int]  # what a verb does; returns the exit code

ME = "python -m vethlab_sh"
OR_LAB = marked(", or the name of a lab that stays, which `ps` lists")
NARROW = re.compile(f"(?<=[{CHINESE}]):$", re.MULTILINE)
SCENARIO_OPTIONS = ("hosts", "pods", "mode", "ipv6", "cni")


# What argparse itself says, as far as our command line can be answered with it
_OF_ARGPARSE = (
    marked("usage: "),
    marked("options"),
    marked("positional arguments"),
    marked("show this help message and exit"),
    marked("show program's version number and exit"),
    marked("%(prog)s: error: %(message)s\n"),
    marked("argument %(argument_name)s: %(message)s"),
    marked("the following arguments are required: %s"),
    marked("unrecognized arguments: %s"),
    marked("expected one argument"),
    marked("expected at least one argument"),
    marked("invalid choice: %(value)r (choose from %(choices)s)"),
    marked("invalid %(type)s value: %(value)r"),
)


def speak_in_argparse() -> None:
    """Let argparse's own words be in the language that is spoken: it looks them up by this name."""
    setattr(argparse, "_", tr)  # noqa: B010 - types know nothing of it


class Help(argparse.RawDescriptionHelpFormatter):
    """A --help whose lines are as wide as the terminal shows them; argparse counts letters."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(" ".join(text.split()), width).splitlines()

    def format_help(self) -> str:
        """The help, with a heading's colon as wide as its letters: argparse always writes a narrow one."""
        return NARROW.sub("：", super().format_help())


def add_verb(verbs: Verbs, name: str, help_line: str) -> argparse.ArgumentParser:
    """A verb of the command line: `does` says what it does, and its arguments can be added."""
    verb = verbs.add_parser(name, help=help_line, description=help_line, formatter_class=Help)
    language_argument(verb)
    return verb


def does(verb: argparse.ArgumentParser, function: Function, *examples: str) -> None:
    """Say what a verb does.

    function: that does it; examples: what may be typed after `python -m vethlab_sh`, told at the end of its --help.
    """
    verb.set_defaults(verb=function)
    verb.epilog = _told(examples)


def verbose_argument(parser: argparse.ArgumentParser) -> None:
    """Whether each line is printed as it runs; before the verb or behind it."""
    # without a default here, which would stand over what was given before the verb
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help=tr("print each line of the lab to standard error, as it runs"),
    )


def language_argument(verb: argparse.ArgumentParser) -> None:
    """The language to speak. cli.main reads it before there is a parser; here it is only known, and told of."""
    verb.add_argument(
        "--lang",
        type=_language,
        metavar="LANGUAGE",
        default=argparse.SUPPRESS,
        help=tr("the language to speak: en, zh (else VETHLAB_LANG, else your locale's)"),
    )


def _told(examples: Sequence[str]) -> str:
    heading = plural("example:", "examples:", len(examples))
    lines = [f"  {ME} {example}" for example in examples]
    return "\n".join([heading, *lines]) if examples else ""


def _language(name: str) -> str:
    if name not in LANGUAGES:
        known = enumerated(LANGUAGES)
        raise argparse.ArgumentTypeError(tr("{name!r} is no language here; there are: {known}", name=name, known=known))
    return name


def scenario_argument(verb: argparse.ArgumentParser, or_lab: str = "") -> None:
    """The name of a scenario, with the options that scenarios have; or_lab: OR_LAB where a lab's name will do too."""
    from ..scenarios import SCENARIOS  # opened by the verbs that play one

    known = enumerated(SCENARIOS)
    verb.add_argument("name", help=tr("a scenario ({known}){or_lab}", known=known, or_lab=tr(or_lab)))
    option_arguments(verb)


def option_arguments(verb: argparse.ArgumentParser) -> None:
    """The options that scenarios have."""
    verb.add_argument("--hosts", type=int, metavar="N", help=tr("how many namespaces (bridge)"))
    node_arguments(verb)


def node_arguments(verb: argparse.ArgumentParser) -> None:
    """The options of scenarios with two nodes."""
    verb.add_argument("--pods", type=int, metavar="N", help=tr("how many pods on each node (flannel, calico)"))
    verb.add_argument(
        "--mode",
        metavar="MODE",
        help=tr("between the nodes: vxlan, ipip, routed or bgp (calico); vxlan or host-gw (flannel)"),
    )
    # None, not False, when it is not given: scenarios without it refuse it
    verb.add_argument("--ipv6", action="store_true", default=None, help=tr("both families (flannel, calico)"))
    verb.add_argument("--cni", action="store_true", default=None, help=tr("pods by the real bridge plugin (flannel)"))


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
    verb.add_argument("--json", action="store_true", help=tr("print the rows as JSON, and nothing else"))


def replay_argument(verb: argparse.ArgumentParser) -> None:
    """Whether a recording is shown."""
    verb.add_argument("--replay", action="store_true", help=tr("from a recording: needs neither Linux nor any rights"))


def kernel_argument(verb: argparse.ArgumentParser) -> None:
    """Which kernel a new lab has."""
    from ..lab import KERNELS  # opened by the verbs that make one

    verb.add_argument(
        "--kernel",
        choices=KERNELS,
        help=tr(
            "of a new lab: this machine's (host), or user-mode Linux, which needs no rights (uml); by itself the "
            "second where the first makes no labs"
        ),
    )
