"""What do the verbs for a real node do? `explain` reads a pasted session, `inspect` looks at this machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import markup
from ..errors import BadOption
from ..language import marked, sentences, tr
from ..tables import columns
from .arguments import does
from .page import Page, chapters
from .pictures import picture_arguments, save_pictures
from .streams import say
from .walk import show_walk

if TYPE_CHECKING:
    from ..node.cni import Finding
    from ..node.explain import Explanation
    from ..node.inspect import Inspection
    from ..node.outputs import Output, UnknownLines

NO_OUTPUT = marked("There is no output here of a command that has a table. `python -m vethlab_sh tables` lists them.")
TRACE_NEEDS_WALK = marked("--trace is about one ping: inspect --walk SRC DST --trace")
TRACING = marked(
    "If the ping is lost, it is sent once more, with a table vethlab_trace of nft in the namespaces on its way that "
    "have filters. It stops nothing, and is gone when this ends."
)
WALK_ALONE = marked("inspect --walk SRC DST stands alone: it shows one way, and no wiring or tables beside it.")

# --- explain ------------------------------------------------------------------------------------------------------


def explain_arguments(verb: argparse.ArgumentParser) -> None:
    """`explain FILE...`: tables and wiring from what was pasted."""
    does(verb, _explain, "explain session.txt", "explain node-a.txt node-b.txt --png wiring.png")
    verb.add_argument("files", nargs="*", metavar="FILE", help=tr("text files; none, or -, for standard input"))
    verb.add_argument("--tables", action="store_true", help=tr("print the table of every output too"))
    verb.add_argument("--json", action="store_true", help=tr("print everything as JSON, and nothing else"))
    picture_arguments(verb)


def _explain(options: argparse.Namespace) -> int:
    from ..node.explain import explain, read_file

    files = options.files or ["-"]
    if "-" in files and sys.stdin.isatty():
        print(tr("Paste the session here, then press Ctrl-D on an empty line."), file=sys.stderr)
    texts = [read_file(file) for file in files]
    names = []
    if len(files) > 1:  # each may be of another machine
        names = [os.path.basename(file) for file in files]
    explanation = explain(*texts, names=names)
    save_pictures(options, explanation.draw, explanation.as_text)
    if options.json:
        print(json.dumps(explanation.as_dict(), indent=1))
    else:
        page = Page.of(sys.stdout)
        print(_explanation(page, explanation, options.tables))
    if not explanation.outputs:
        return say(tr(NO_OUTPUT), 1)
    return 0


def _explanation(page: Page, explanation: Explanation, with_tables: bool) -> str:
    """What a pasted session says, most telling first."""
    picture = explanation.as_text(page.unicode)
    parts = [
        _findings(page, explanation.findings),
        _wiring(page, explanation.sentences, picture),
    ]
    read = explanation.read
    if read:
        parts.append(page.titled(tr("What was read:"), read, read[0]))
    if with_tables:
        parts += [_output(page, output) for output in explanation.outputs]
    if explanation.notes:
        notes = [page.item(note) for note in explanation.notes]
        parts.append(page.chapter(tr("Taken for granted, or left open:"), "\n".join(notes)))
    if explanation.unknown_lines:
        unknown = [_unknown(lines) for lines in explanation.unknown_lines]
        parts.append(page.chapter(tr("Not understood:"), "\n".join(unknown)))
    if explanation.outputs:
        parts.append(_wrong(page, explanation))
    return chapters(parts)


def _wrong(page: Page, explanation: Explanation) -> str:
    """What the text shows to be wrong, the worst first, and what to run next; or that it shows nothing."""
    from ..node.wrong import NOTHING

    if not explanation.faults:
        return page.prose(tr(NOTHING))
    faults = []
    for fault in explanation.faults:
        sentence = tr("{sentence}.", sentence=fault.sentence)
        faults.append(page.item(markup.printable(sentence)))
    parts = [page.chapter(tr("What the text shows to be wrong or missing, the worst first:"), "\n".join(faults))]
    looks = [f"  {markup.printable(look)}" for look in explanation.next_looks]
    if looks:
        parts.append(page.chapter(tr("What to run next:"), "\n".join(looks)))
    return chapters(parts)


def _output(page: Page, output: Output) -> str:
    """One output with its table."""
    command = output.command or output.name
    heading = page.heading(tr("line {line}, {at}: {command}", line=output.line, at=output.at, command=command))
    table = page.table(output.rows, columns(output.name))
    return f"{heading}\n{table}"


def _unknown(lines: UnknownLines) -> str:
    """What was not understood, and why."""
    where = tr("line {line}:", line=lines.line)
    if lines.until != lines.line:
        where = tr("lines {first} to {last}:", first=lines.line, last=lines.until)
    unknown = f"{sentences(where, lines.text.strip())}\n    {lines.why}"
    return markup.printable(unknown, keep="\n\t")


# --- inspect ------------------------------------------------------------------------------------------------------


def inspect_arguments(verb: argparse.ArgumentParser) -> None:
    """`inspect [WHAT]`: how this machine is wired."""
    does(verb, _inspect, "inspect", "inspect eth0", "inspect --walk pod-a 10.244.1.2")
    verb.add_argument("what", nargs="?", metavar="WHAT", help=tr("one wiring only: of a pod, PID, device or address"))
    verb.add_argument(
        "--walk", nargs=2, metavar=("SRC", "DST"), help=tr("send one real ping and show its way (needs root)")
    )
    verb.add_argument(
        "--trace", action="store_true", help=tr("with --walk: if it is lost, find the filter that has it")
    )
    verb.add_argument("--html", metavar="FILE", help=tr("with --walk: save the packet's way as a page to play"))
    verb.add_argument(
        "--tables", action="store_true", help=tr("print devices, addresses, routes, neighbours and FDB too")
    )
    verb.add_argument("--json", action="store_true", help=tr("print everything as JSON, and nothing else"))
    picture_arguments(verb)


def _inspect(options: argparse.Namespace) -> int:
    from ..node import inspect as this_machine

    if options.walk:
        if options.what or options.tables:
            raise BadOption(tr(WALK_ALONE))
        src, dst = options.walk
        if options.trace:
            print(tr(TRACING), file=sys.stderr)
        return show_walk(this_machine.walk(src, dst, options.trace), options)
    if options.trace:
        raise BadOption(tr(TRACE_NEEDS_WALK))
    inspection = this_machine.inspect(options.what)
    save_pictures(options, inspection.draw, inspection.as_text)
    if options.json:
        print(json.dumps(inspection.as_dict(), indent=1))
    else:
        page = Page.of(sys.stdout)
        print(_inspection(page, inspection, options))
    return 0


def _inspection(page: Page, inspection: Inspection, options: argparse.Namespace) -> str:
    """How this machine is wired: one wiring in sentences, or all; with every table of the kernel if asked for."""
    from ..node.cables import COLUMNS as WIRES

    parts = [_findings(page, inspection.findings)]
    if options.what:
        parts.append(_cables(page, inspection.sentences))
    else:
        spaces = inspection.space_rows
        wires = inspection.wire_rows
        parts.append(page.titled(tr("The namespaces:"), spaces, spaces[0]))
        if wires:
            parts.append(page.titled(tr("The cables:"), wires, WIRES))
    if options.tables:
        from ..snapshot import BESIDE_SETTINGS, COLUMNS

        facts = inspection.snapshot.rows
        for name, shown in COLUMNS.items():
            if name not in ("namespaces", "wires", "settings", *BESIDE_SETTINGS):
                parts.append(page.titled(tr("The {name}:", name=name), facts[name], shown))
    picture = inspection.as_text(page.unicode)
    parts.append(page.chapter(tr("The wiring:"), picture))
    parts.append(page.prose(inspection.hidden))
    return chapters(parts)


# --- of both ------------------------------------------------------------------------------------------------------


def _findings(page: Page, findings: Sequence[Finding]) -> str:
    """flannel, calico or neither, with the signs."""
    lines = []
    for finding in findings:
        network, *signs = str(finding).split("\n")
        lines += [page.heading(network), *signs]
    return "\n".join(lines)


def _wiring(page: Page, sentences: Sequence[str], picture: str) -> str:
    """Every cable in words, then all in characters."""
    if not picture:
        return ""
    parts = []
    if sentences:
        cables = _cables(page, sentences)
        parts.append(page.chapter(tr("The cables:"), cables))
    parts.append(page.chapter(tr("The wiring, as far as it is shown:"), picture))
    return chapters(parts)


def _cables(page: Page, sentences: Sequence[str]) -> str:
    items = [page.item(sentence) for sentence in sentences]
    return "\n".join(items)
