"""What can be looked up? The command line from its own arguments, the tables from their parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from said import sentence, tr

from vethlab_sh import cli, errors, language, vocabulary
from vethlab_sh.parsers import registry

PAGES = ("commands", "python", "tables", "claims")
COMMANDS = """\
# The command line

Each verb with its arguments, as `python -m vethlab_sh VERB --help` tells them. Exit codes: 0 fine, 1 the lab says no,
2 wrong usage or something is missing on this machine. [For
programs](../guides/start.md#for-programs-and-for-your-shell) tells of `--json` and of completion.
"""
TABLES = """\
# Tables

What a command printed, as rows: `lab.run(...).table`, `vethlab_sh.parse(command, text)`, and the table below a line in
a notebook. A column is there also when nothing was printed for it; a word that a parser does not know is an error
that names it. Bytes and packets are counted, times are in the unit that the column names.
"""
CLAIMS = """\
# Claims

What `lab.check("…")`, `python -m vethlab_sh check` and the exercises understand. Words in capitals stand for a name or
a number, what is in brackets may be left out, and a name with blanks is put in quotes. A claim that is not true comes
with the reason, as far as the kernel shows it.
"""
TYPES = {int: "whole number", float: "number", bool: "yes or no", str: "text"}


def write(folder: Path, python: Path) -> None:
    """Write the pages of the reference; python: the page of the Python interface, which autodoc fills in."""
    folder.mkdir()
    (folder / "commands.md").write_text(commands(), encoding="utf-8")
    (folder / "tables.md").write_text(tables(), encoding="utf-8")
    (folder / "claims.md").write_text(claims(), encoding="utf-8")
    tree = (errors.__doc__ or "").split("\n\n")[1]
    page = python.read_text(encoding="utf-8").replace("ERRORS", f"```text\n{tree}\n```")
    (folder / "python.md").write_text(page, encoding="utf-8")


# --- the command line


def commands() -> str:
    """The page of all verbs, in the groups of --help."""
    verbs = _choices(cli.parser())
    parts = [tr(COMMANDS)]
    for group, names in cli.GROUPS.items():
        parts.append(f"## {_capital(language.tr(group))}\n")
        for name in names:
            parts += _verb(name, verbs[name], "###")
    return "\n".join(parts)


def _choices(program: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The verbs of a program, or of a verb that has some."""
    for action in program._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _verb(name: str, verb: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    yield f"{heading} {name}\n"
    yield sentence(_capital(verb.description or "")) + "\n"
    rows = list(_arguments(verb))
    if rows:
        yield _table(rows, "argument", "meaning") + "\n"
    if verb.epilog:
        _, *examples = verb.epilog.splitlines()
        lines = [line.strip() for line in examples]
        yield "\n".join(["```sh", *lines, "```"]) + "\n"
    for below, verb_below in _choices(verb).items():
        yield from _verb(f"{name} {below}", verb_below, heading + "#")


def _arguments(verb: argparse.ArgumentParser) -> Iterator[str]:
    """A row for each argument, but for --help, which every verb has."""
    for action in verb._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        choices = ", ".join(map(str, action.choices or ()))
        words = (action.help or "") % {"default": action.default, "prog": verb.prog, "choices": choices}
        yield f"| {_named(action)} | {_cell(words)} |"


def _named(action: argparse.Action) -> str:
    """An argument as it is typed."""
    value = _value(action)
    names = action.option_strings or [value]
    if action.option_strings and value:
        names = [f"{name} {value}" for name in names]
    return ", ".join(f"`{name}`" for name in names)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = action.metavar or action.dest
    if isinstance(name, tuple):
        return " ".join(name)
    if action.choices and not action.metavar:
        name = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    if action.nargs == "*":
        return f"[{name} ...]"
    if action.nargs in ("+", argparse.REMAINDER):
        return f"{name} ..."
    if action.nargs == "?":
        return f"[{name}]"
    return str(name)


# --- tables


def tables() -> str:
    """The page of all tables and their columns."""
    parts = [tr(TABLES)]
    for table in registry.TABLES.values():
        rows = []
        for column in table.columns:
            rows.append(f"| `{column.name}` | {tr(TYPES[column.type])} | {_cell(language.tr(column.meaning))} |")
        parts.append(f"## {table.name}\n")
        parts.append(tr("What prints it: `{example}`.", example=table.example) + "\n")
        parts.append(_table(rows, "column", "holds", "meaning") + "\n")
    return "\n".join(parts)


# --- claims


def claims() -> str:
    """The page of all that can be claimed."""
    rows = []
    for form in vocabulary():
        rows.append(f"| `{form['claim']}` | {_cell(form['meaning'])} | `{form['example']}` |")
    return "\n".join([tr(CLAIMS), _table(rows, "claim", "true when", "example"), ""])


def _table(rows: list[str], *heads: str) -> str:
    """Rows below these heads."""
    heading = " | ".join(tr(head) for head in heads)
    return "\n".join([f"| {heading} |", "|---" * len(heads) + "|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
