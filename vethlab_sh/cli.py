"""How is the kit used from a terminal? Each verb is a few lines around one library call.

Exit codes: 0 fine, 1 the lab says no, 2 wrong usage or something is missing on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from . import scenarios, snapshot, stay
from .errors import (
    BadInput,
    BadName,
    BadOption,
    CommandFailed,
    LabError,
    NameTaken,
    NoDrill,
    NoSuchLab,
    NotReady,
    OutputNotUnderstood,
    ToolMissing,
    UnknownClaim,
    UnknownDrill,
    UnknownScenario,
)
from .files import written
from .lab import Lab
from .scenarios import Scenario, Step
from .tables import columns, listed, recognise
from .transcript import Page

if TYPE_CHECKING:  # what one verb alone needs is imported there
    from .difference import Difference
    from .drills import Debriefing, Drill
    from .network import Wired
    from .shell import Ran
    from .walk import Walk

USAGE_ERRORS = (
    UnknownClaim, UnknownScenario, UnknownDrill, BadOption, BadInput, ToolMissing, NotReady, BadName, NoDrill,
    NoSuchLab, NameTaken,
)  # fmt: skip
EMPTY, HISTORY, DRILL = "empty", "history", "drill"
PROMPT = r"[root@\h \W]# "
SHOWN = "one of " + ", ".join([*snapshot.COLUMNS, HISTORY])


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code."""
    try:
        _prepare_streams()
        options = _parser().parse_args(argv)
        code: int = options.verb(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _say("Interrupted. The lab is gone and left nothing behind.", 130)
    except LabError as error:
        return _say(str(error), _exit_code(error))
    except OSError as error:
        _nowhere(1)
        what = f"{error.filename}: " if error.filename else ""
        why = "standard output is closed" if error.errno == errno.EBADF else error.strerror or error
        return _say(f"Cannot write or read: {what}{why}.", 1)
    return code


def _prepare_streams() -> None:
    """Make the three standard streams such that whatever becomes of them is told in a sentence."""
    if hasattr(signal, "SIGPIPE"):  # `demo bridge | head -3` ends us quietly, like any program
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # A closed one (`<&-`) is None, and its number would be given to the next file that is opened. Nothing can be
    # written to what is open for reading, so a closed standard output fails as it should.
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY), number)
            setattr(sys, name, io.TextIOWrapper(io.FileIO(number, mode, closefd=False), "utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):  # a console without, say, the sign × shows a ? there
        sys.stdout.reconfigure(errors="replace")


def _exit_code(error: LabError) -> int:
    missing_tool = isinstance(error, CommandFailed) and error.ran.code == 127
    return 2 if missing_tool or isinstance(error, USAGE_ERRORS) else 1


def _say(sentence: str, code: int) -> int:
    try:
        print(f"vethlab_sh: {sentence}", file=sys.stderr, flush=True)
    except OSError:  # a standard error that takes nothing does not change what the code says
        _nowhere(2)
    return code


def _nowhere(number: int) -> None:
    """Let a stream that takes nothing more lead nowhere: what is still buffered would fail once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vethlab_sh",
        description="Learn how container networks are wired: real commands in a private world.",
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    demo = _verb(verbs, "demo", "play a scenario and explain each step", _demo)
    _scenario_argument(demo)
    demo.add_argument("--pause", action="store_true", help="wait for Enter after each step")
    demo.add_argument("--quiet", action="store_true", help="print nothing but the verdict")
    demo.add_argument("--json", action="store_true", help="print every record and table as JSON, and nothing else")
    demo.add_argument("--changes", action="store_true", help="after each command, what changed in the kernel")
    _file_arguments(demo)
    _replay_argument(demo)
    draw = _verb(verbs, "draw", "draw a scenario, or a lab that stays, in characters or into a file", _draw)
    _scenario_argument(draw)
    _file_arguments(draw)
    _replay_argument(draw)
    draw.add_argument("--routes", action="store_true", help="write each namespace's routes into its box")
    draw.add_argument("--mermaid", action="store_true", help="print the wiring as Mermaid text")
    walk = _verb(verbs, "walk", "play a scenario, send one ping and show every device that it passes", _walk)
    _scenario_argument(walk)
    walk.add_argument("src", help="the namespace that sends")
    walk.add_argument("dst", help="an address, or a namespace (its first address)")
    walk.add_argument("--count", type=int, default=1, metavar="N", help="how many pings")
    walk.add_argument("--size", type=int, metavar="BYTES", help="how much each carries, as ping -s")
    walk.add_argument("--cold", action="store_true", help="forget learned neighbours and FDB entries first")
    walk.add_argument("--proto", default="icmp", metavar="PROBE", help="icmp (as ping), tcp:PORT or udp:PORT")
    walk.add_argument("--json", action="store_true", help="print the sightings as JSON")
    walk.add_argument("--html", metavar="FILE", help="save the packet's way as a page to play")
    _file_arguments(walk)
    _replay_argument(walk)
    compare = _verb(verbs, "compare", "lay scenarios with two nodes and measure what they do differently", _compare)
    compare.add_argument("names", nargs="+", metavar="name", help="scenarios with two nodes: flannel, calico")
    _node_arguments(compare)
    check = _verb(verbs, "check", "play a scenario, then judge claims about it; --list shows the vocabulary", _check)
    _scenario_argument(check)
    check.add_argument("claims", nargs="+", metavar="CLAIM", help="for example: 'ns100 can reach 192.168.1.101'")
    check.add_argument("--after", metavar="LINE", action="append", default=[], help="a command to run before")
    check.add_argument("--list", action=_Vocabulary, help="list what can be claimed")
    _drill_verbs(_verb(verbs, "drill", "networks with a fault to find and mend, each in a lab that stays", _drill_list))
    script = _verb(verbs, "script", "print a scenario as a plain bash script", _script)
    _scenario_argument(script)
    told = _verb(verbs, "explain", "explain a pasted terminal session: its tables, and how it is wired", _explain)
    told.add_argument("files", nargs="*", metavar="FILE", help="text files; none, or -, for standard input")
    told.add_argument("--tables", action="store_true", help="print the table of every output too")
    told.add_argument("--json", action="store_true", help="print everything as JSON, and nothing else")
    _file_arguments(told)
    node = _verb(verbs, "inspect", "show how this machine's pods and namespaces are wired; changes nothing", _inspect)
    node.add_argument("what", nargs="?", metavar="WHAT", help="one wiring only: of a pod, PID, device or address")
    node.add_argument(
        "--walk", nargs=2, metavar=("SRC", "DST"), help="send one real ping and show its way (needs root)"
    )
    node.add_argument("--html", metavar="FILE", help="with --walk: save the packet's way as a page to play")
    node.add_argument("--tables", action="store_true", help="print devices, addresses, routes, neighbours and FDB too")
    node.add_argument("--json", action="store_true", help="print everything as JSON, and nothing else")
    _file_arguments(node)
    _staying_verbs(verbs)
    grade = _verb(verbs, "grade", "run what learners handed in and give points for claims that hold", _grade)
    grade.add_argument("folder", help="a folder or a file (.sh, .ipynb) for each learner")
    grade.add_argument(
        "--checks", metavar="FILE", help="claims, each after its points, or a solved lesson (FOLDER.checks)"
    )
    grade.add_argument("--out", metavar="FILE", help="write the rows as CSV")
    grade.add_argument("--jobs", type=int, metavar="N", help="how many at a time (as many as processors)")
    grade.add_argument("--seconds", type=float, default=60, metavar="S", help="for each submission (60)")
    _verb(verbs, "list", "list the scenarios", _list)
    _verb(verbs, "tables", "list every table and its columns", _tables)
    _verb(verbs, "doctor", "tell what this machine needs to run the demos", _doctor)
    return parser


def _drill_verbs(drill: argparse.ArgumentParser) -> None:
    verbs = drill.add_subparsers(title="what to do", required=True, metavar="WHAT")
    _verb(verbs, "list", "list the drills: name, scenario and ticket of each", _drill_list)
    start = _verb(verbs, "start", "lay a network, plant its fault and tell the ticket", _drill_start)
    start.add_argument("drill", help="the name of a drill, as `drill list` tells")
    start.add_argument("--seed", default="0", help="any word or number: another one has other addresses (0)")
    start.add_argument("--name", metavar="LAB", default=DRILL, help=f"the lab's name ({DRILL})")
    under_way = (
        ("ticket", "tell the ticket again", _drill_ticket),
        ("hint", "tell the next hint: a command worth running, and what to look for", _drill_hint),
        ("check", "is it mended? If so, what it was", _drill_check),
        ("give-up", "mend it and tell what it was", _drill_give_up),
    )
    for name, help_line, function in under_way:
        verb = _verb(verbs, name, help_line, function)
        verb.add_argument("lab", nargs="?", default=DRILL, help=f"the lab that the drill is in ({DRILL})")


def _staying_verbs(verbs: Any) -> None:
    up = _verb(verbs, "up", "make a lab that stays, from a scenario or empty", _up)
    up.add_argument("scenario", nargs="?", default="empty", help="a scenario, a file made by save, or empty")
    up.add_argument("--name", metavar="LAB", help="the lab's name (without it that of the scenario)")
    _option_arguments(up)
    _verb(verbs, "ps", "list the labs that stay", _ps)
    run = _lab_verb(verbs, "run", "run a line in a lab that stays", _run)
    run.add_argument("words", nargs="+", metavar="COMMAND", help="after --, a command or one quoted line of bash")
    _lab_verb(verbs, "shell", "open a shell in a lab that stays", _shell)
    show = _lab_verb(verbs, "show", "show a table of a lab that stays, or which tables there are", _show)
    show.add_argument("table", nargs="?", choices=[*snapshot.COLUMNS, HISTORY], metavar="TABLE", help=SHOWN)
    save = _lab_verb(verbs, "save", "write a lab that stays as a bash script that rebuilds it", _save)
    save.add_argument("file", help="where to write it (- prints it); `up FILE` rebuilds it in a fresh lab")
    down = _lab_verb(verbs, "down", "end a lab that stays, and all that runs in it", _down, nargs="?")
    down.add_argument("--all", action="store_true", help="end all of them")


def _lab_verb(verbs: Any, name: str, help_line: str, function: Any, **more: Any) -> argparse.ArgumentParser:
    verb = _verb(verbs, name, help_line, function)
    verb.add_argument("lab", help="the name of a lab that stays, as `ps` lists it", **more)
    return verb


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


def _lab(options: argparse.Namespace, to: TextIO) -> Lab:
    """A live lab; with --replay the recording of the scenario, which says there that it is one."""
    if not options.replay:
        return Lab()
    from .replay import without_options

    without_options(options.name, _given(options))
    lab = Lab(replay=options.name)
    print(f"{lab.recording}\n", file=to)
    return lab


def _played(options: argparse.Namespace) -> Lab:
    """The lab that stays under the name given; else one in which the scenario of that name was played."""
    if not options.replay:
        return Lab.of(options.name, **_given(options))
    lab = _lab(options, to=sys.stderr)
    lab.play(options.name)
    return lab


def _load(options: argparse.Namespace) -> Scenario:
    return scenarios.load(options.name, **_given(options))


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options of scenarios that were given, by name."""
    every = {name: getattr(options, name, None) for name in ("hosts", "pods", "mode", "ipv6")}
    return {name: value for name, value in every.items() if value is not None}


def _demo(options: argparse.Namespace) -> int:
    scenario, page = _load(options), Page.of(sys.stdout)
    told = not (options.quiet or options.json)
    played = []
    changes: dict[Ran, Difference] = {}
    with _lab(options, to=sys.stdout if told else sys.stderr) as lab:
        if told:
            print(page.heading(f"{scenario.name}: {scenario.title}") + f"\n\n{page.prose(scenario.intro)}\n")
        watch = (lambda ran: changes.update({ran: lab.changes()})) if options.changes else None
        for step, records in lab.steps(scenario, after=watch, together=options.quiet and not watch):
            played.append((step, records))
            if told:
                print(_told(page, step, records, changes) + "\n", flush=True)
            if told and options.pause:
                _wait_for_enter()
        _save_pictures(lab, options)
        if told:
            print(page.heading("The wiring now:") + f"\n\n{_in_characters(lab)}\n")
    ok, verdict = _verdict(scenario, played)
    print(_as_json(scenario, played, changes, ok, verdict) if options.json else page.heading(page.prose(verdict)))
    return 0 if ok else 1


def _save_pictures(lab: Lab, options: argparse.Namespace) -> None:
    for kind in ("png", "svg"):
        if file := getattr(options, kind):
            from . import diagram

            drawn = lab.draw(routes=getattr(options, "routes", False))
            diagram.save(drawn, file, kind, diagram.as_text(lab.snapshot()))


def _in_characters(lab: Lab) -> str:
    from . import diagram

    return diagram.as_text(lab.snapshot(), unicode=(sys.stdout.encoding or "").lower().startswith("utf"))


def _draw(options: argparse.Namespace) -> int:
    from . import diagram

    with _played(options) as lab:
        _save_pictures(lab, options)
        if not (options.png or options.svg):
            print(diagram.as_mermaid(lab.snapshot()) if options.mermaid else _in_characters(lab))
    return 0


def _walk(options: argparse.Namespace) -> int:
    with _played(options) as lab:
        ways = {name: getattr(options, name) for name in ("count", "size", "cold", "proto")}
        walk = lab.walk(options.src, options.dst, **ways)
    return _show_walk(walk, options)


def _show_walk(walk: Walk, options: argparse.Namespace) -> int:
    from . import diagram

    page = Page.of(sys.stdout)
    if options.html:
        walk.animate(options.html)
    for kind in ("png", "svg"):
        if file := getattr(options, kind):
            diagram.save(walk.draw(), file, kind, walk.verdict)
    if options.json:
        told = {"ok": walk.ok, "verdict": walk.verdict, "last_seen": walk.last_seen, "should_be": walk.should_be}
        print(json.dumps({**told, "reason": walk.reason, "rows": walk.rows}, indent=1))
    else:
        print("\n\n".join(filter(None, [page.walk(walk), page.heading(page.prose(walk.verdict))])))
    return 0 if walk.ok else 1


def _told(page: Page, step: Step, records: list[Ran], changes: dict[Ran, Difference]) -> str:
    """One step as a learner reads it: why, the commands and their output, the table, what to notice."""
    parts = [page.prose(step.why), ""]
    for ran in records:
        parts.append(page.record(ran))
        for name in recognise(ran.line):
            if name in step.tables:
                parts += ["", _table(page, ran, name), ""]
        if ran in changes:
            parts += [page.ink(str(changes[ran]), "36"), ""]
    return "\n".join([*parts, "", page.prose(step.look)] if step.look else parts).replace("\n\n\n", "\n\n").rstrip()


def _table(page: Page, ran: Ran, name: str) -> str:
    try:
        return page.table(ran.rows[name], columns(name))
    except OutputNotUnderstood as error:
        return page.prose(f"(No table, because this machine's program prints something new. {error})")


def _wait_for_enter() -> None:
    if sys.stdin.isatty():
        try:
            input("(Enter for the next step) ")
        except EOFError:  # Ctrl-D
            raise KeyboardInterrupt from None
        print()


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


def _compare(options: argparse.Namespace) -> int:
    from .compare import compare

    rows = compare(*options.names, **_given(options))
    print(Page.of(sys.stdout).table(rows, rows[0]))
    return 0


class _Vocabulary(argparse.Action):
    """`check --list`: prints the claims there are and ends, like --help."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(self, *_: Any) -> None:
        page = Page.of(sys.stdout)
        from .check import vocabulary

        for row in vocabulary():
            print(f"{page.heading(row['claim'])}\n    {row['example']}\n    ({row['meaning']})")
        raise SystemExit(0)


def _check(options: argparse.Namespace) -> int:
    with Lab.of(options.name, **_given(options)) as lab:
        for line in options.after:
            lab.run(line)
        verdicts = [lab.check(claim) for claim in options.claims]
    for claim, verdict in zip(options.claims, verdicts, strict=True):
        print(f"{claim}\n  {verdict}\n  {verdict.evidence.command}\n    {verdict.evidence.shown}")
    return 0 if all(verdicts) else 1


def _drill_list(options: argparse.Namespace) -> int:
    from . import drills

    page = Page.of(sys.stdout)
    for row in drills.listed():
        print(f"{page.heading(row['name'])} ({row['scenario']})\n{page.prose(row['ticket'])}\n")
    return 0


def _drill_start(options: argparse.Namespace) -> int:
    stay.check_free(options.name)
    with Lab() as lab:
        drill = lab.drill(options.drill, options.seed)
        lab.stay(options.name, f"drill {drill.name} --seed {drill.seed}")
    named = "" if options.name == DRILL else f" {options.name}"
    page, me = Page.of(sys.stdout), "python -m vethlab_sh"
    print(_ticket(page, drill) + "\n")
    print(page.prose(f"Everything stands in the lab {options.name}, where you are root:") + "\n")
    for typed, what in (
        (f"{me} shell {options.name}", "look and mend there (`exit` leaves it)"),
        (f"{me} drill check{named}", "is it mended? And if it is, what was it?"),
        (f"{me} drill hint{named}", "a command worth running"),
        (f"{me} drill give-up{named}", "mend it and explain it"),
    ):
        print(f"  {typed:{len(me) + 18 + len(named)}} # {what}")
    return 0


def _ticket(page: Page, drill: Drill) -> str:
    return page.heading(f"Drill {drill.name}, seed {drill.seed}") + f"\n\n{page.prose(drill.ticket)}"


@contextlib.contextmanager
def _under_way(options: argparse.Namespace) -> Iterator[Drill]:
    """The drill in the lab that was named."""
    if options.lab not in stay.names():
        raise NoDrill(options.lab)
    with Lab(options.lab) as lab:
        yield lab.drill()


def _drill_ticket(options: argparse.Namespace) -> int:
    with _under_way(options) as drill:
        print(_ticket(Page.of(sys.stdout), drill))
    return 0


def _drill_hint(options: argparse.Namespace) -> int:
    with _under_way(options) as drill:
        print(Page.of(sys.stdout).prose(drill.hint()))
    return 0


def _drill_check(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    with _under_way(options) as drill:
        verdict = drill.check()
        print(f"{page.prose(verdict.sentence)}\n\n{verdict.evidence}")
        if verdict:
            print("\n" + _explained(page, options.lab, drill.debriefing()))
    return 0 if verdict else 1


def _drill_give_up(options: argparse.Namespace) -> int:
    with _under_way(options) as drill:
        print(_explained(Page.of(sys.stdout), options.lab, drill.give_up()))
    return 0


def _explained(page: Page, lab: str, end: Debriefing) -> str:
    return page.debriefing(end) + "\n\n" + page.prose(f"The lab stays until `python -m vethlab_sh down {lab}`.")


def _up(options: argparse.Namespace) -> int:
    saved = Path(options.scenario)
    of_a_file = options.scenario not in scenarios.SCENARIOS and saved.is_file()
    name = stay.check_free(options.name if options.name is not None else saved.stem if of_a_file else options.scenario)
    with Lab() as lab:  # which vanishes when something fails before it stays
        if of_a_file:
            lab.run(f"bash {shlex.quote(str(saved.absolute()))}")
        elif options.scenario != EMPTY or _given(options):
            lab.play(options.scenario, **_given(options))
        lab.stay(name, saved.name if of_a_file else " ".join([options.scenario, *_options_as_typed(options)]))
        spaces = len(lab.snapshot().rows["namespaces"])
    beside = "no namespace" if spaces == 1 else "a namespace" if spaces == 2 else f"{spaces - 1} namespaces"
    print(f"The lab {name} is up, with {beside} beside master. It stays until `python -m vethlab_sh down {name}`.")
    return 0


def _options_as_typed(options: argparse.Namespace) -> list[str]:
    given = _given(options).items()
    return [f"--{name}" if value is True else f"--{name} {value}" for name, value in given]


def _ps(options: argparse.Namespace) -> int:
    columns = ("name", "scenario", "age", "processes", "memory")
    labs = [
        (lab.name, lab.scenario, _span(lab.age), len(lab.processes), f"{lab.memory / 2**20:.1f} MiB")
        for lab in stay.every()
    ]
    rows = [dict(zip(columns, lab, strict=True)) for lab in labs]
    print(Page.of(sys.stdout).table(rows, columns) if rows else "No lab stays. `python -m vethlab_sh up` makes one.")
    return 0


def _span(seconds: float) -> str:
    """Seconds as one reads them.

    >>> _span(5), _span(4000), _span(200000)
    ('5 s', '1 h 6 min', '2 d 7 h')
    """
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if not minutes:
        return f"{int(seconds)} s"
    if not hours:
        return f"{minutes} min"
    return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min"


def _run(options: argparse.Namespace) -> int:
    words = options.words
    line = words[0] if len(words) == 1 else shlex.join(words)
    with Lab(options.lab) as lab:
        lab.note(line)
        return lab.interact(["bash", "-c", line])


def _shell(options: argparse.Namespace) -> int:
    with Lab(options.lab) as lab:
        if not sys.stdin.isatty():
            return lab.interact(["bash", "-s"])
        os.chdir(Path.home())  # where the prompt says ~
        told = {"PS1": PROMPT, "HISTFILE": stay.HISTORY, "PROMPT_COMMAND": "history -a", "LC_ALL": "C.UTF-8"}
        return lab.interact(["bash", "--norc", "-i"], **told)


def _show(options: argparse.Namespace) -> int:
    page = Page.of(sys.stdout)
    if options.table == HISTORY:
        print("\n".join(stay.find(options.lab).history) or "(no line was typed in it)")
        return 0
    with Lab(options.lab) as lab:
        rows = lab.snapshot(settings=True).rows
    if options.table:
        print(page.table(rows[options.table], snapshot.COLUMNS[options.table]))
    else:
        listed = [{"table": name, "rows": len(found)} for name, found in rows.items()]
        print(page.table([*listed, {"table": HISTORY, "rows": len(stay.find(options.lab).history)}], listed[0]))
    return 0


def _save(options: argparse.Namespace) -> int:
    with Lab(options.lab) as lab:
        saved = lab.save(None if options.file == "-" else options.file)
    again = f"Saved. `python -m vethlab_sh up {shlex.quote(options.file)} --name LAB` rebuilds it."
    print(saved.script.rstrip() if options.file == "-" else again)
    for sentence in saved.left_out:
        print(f"vethlab_sh: {sentence}", file=sys.stderr)
    return 0


def _down(options: argparse.Namespace) -> int:
    if bool(options.lab) == options.all:
        raise BadOption("Say which lab is to end, `down LAB`, or `down --all`. `python -m vethlab_sh ps` lists them.")
    for name in stay.names() if options.all else [options.lab]:
        print(_ended(name, stay.down(name)))
    return 0


def _ended(name: str, processes: list[stay.Process]) -> str:
    if not processes:
        return f"The lab {name} is gone. Nothing ran in it."
    shown = [f"  {process.pid} {process.command[:100]}" for process in processes[:20]]
    more = [f"  and {len(processes) - 20} more"] if len(processes) > 20 else []
    what = "process" if len(processes) == 1 else "processes"
    return "\n".join([f"The lab {name} is gone. Ended in it: {len(processes)} {what}", *shown, *more])


def _grade(options: argparse.Namespace) -> int:
    from . import grade
    from .confine import Limits

    folder = Path(options.folder)
    claims = grade.read_claims(Path(options.checks or f"{folder}.checks"))
    rows = list(grade.grade(folder, claims, options.jobs, Limits(seconds=options.seconds)))
    rows.sort(key=lambda row: (row["learner"], row["exercise"]))
    if options.out:
        with written(options.out) as file:
            file.write_text(grade.as_csv(rows))
    page = Page.of(sys.stdout)
    print(page.table(rows, grade.COLUMNS[:-1]) + "\n")
    for row in rows:
        print(page.prose(f"{row['learner']}, {row['exercise'] or 'all'}: {row['sentence']}"))
    return 0


def _script(options: argparse.Namespace) -> int:
    print(scenarios.as_script(_load(options)), end="")
    return 0


def _explain(options: argparse.Namespace) -> int:
    from .explained import explain, read_file

    files, page = options.files or ["-"], Page.of(sys.stdout)
    if "-" in files and sys.stdin.isatty():
        print("Paste the session here, then press Ctrl-D on an empty line.", file=sys.stderr)
    texts = [read_file(file) for file in files]
    names = [os.path.basename(file) for file in files] if len(files) > 1 else []
    found = explain(*texts, names=names)
    _save_wired(found, options)
    print(json.dumps(found.as_dict(), indent=1) if options.json else page.explanation(found, options.tables))
    if found.outputs:
        return 0
    return _say("There is no output here of a command that has a table. `python -m vethlab_sh tables` lists them.", 1)


def _inspect(options: argparse.Namespace) -> int:
    from .node import inspect
    from .node import walk as walk_here

    if options.walk:
        if options.what or options.tables:
            raise BadOption("inspect --walk SRC DST stands alone: it shows one way, and no wiring or tables beside it.")
        return _show_walk(walk_here(*options.walk), options)
    found = inspect(options.what)
    _save_wired(found, options)
    told = json.dumps(found.as_dict(), indent=1) if options.json else ""
    print(told or Page.of(sys.stdout).inspection(found, options.what, options.tables))
    return 0


def _save_wired(found: Wired, options: argparse.Namespace) -> None:
    from . import diagram

    for kind in ("png", "svg"):
        if file := getattr(options, kind):
            diagram.save(found.draw(), file, kind, found.as_text())


def _list(options: argparse.Namespace) -> int:
    for name in scenarios.SCENARIOS:
        print(f"{name:9} {scenarios.load(name).title}")
    return 0


def _tables(options: argparse.Namespace) -> int:
    every = listed()
    print(Page.of(sys.stdout).table(every, every[0]))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine

    findings = list(examine())
    rows = [{"status": f.status, "what": f.what, "found, or to do": f.found if f.ok else f.cure} for f in findings]
    print(Page.of(sys.stdout).table(rows, rows[0]))
    ready = all(finding.ok for finding in findings if finding.needed)
    print("\nThis machine is ready." if ready else "\nThe demos cannot run here until the missing things are there.")
    return 0 if ready else 1
