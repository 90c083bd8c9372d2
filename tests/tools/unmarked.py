"""Which sentences can `make catalogue` not see? Those that a name hands to tr() bare, and those that never go there.

A sentence in a table is to be marked("…") where the table is made, so that it is found, and goes through tr() where it
is shown. Read without running anything: a name's values are those that its module, the function, or a loop over a table
that is written out gives it.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from catalogue import FIELD, PACKAGE, ROOT, parsed

# Who takes a sentence as which argument, or by which name
TAKES = {"Diagnosis": 1, "yes": 0, "no": 0, "note": 1, "print": 0}
TAKES_AS = ("reason", "why", "help", "tooltip", "placeholder")
CAUGHT = ("Refused",)  # errors that name a call of the kernel, to those who catch them
TWO_WORDS = re.compile("[A-Za-z]{2}[,:;]? [a-z]{2}")
WORDS = re.compile("[A-Za-z] | [A-Za-z]")  # what is no sentence has none


def bare_sentences() -> Iterator[str]:
    """Reasons, errors, notes and labels that are written out where they are shown, and so English in every language."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(parsed(path)):
            for argument in sentences_of(node):
                if TWO_WORDS.search(spelt(argument)) and not spelt(argument).startswith("ip "):
                    yield f"{path.relative_to(ROOT)}:{argument.lineno}: {spelt(argument)}"


def sentences_of(node: ast.AST) -> Iterator[ast.expr]:
    """The arguments of a call that a reader is shown."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
        is_caught = hasattr(builtins, node.exc.func.id) or node.exc.func.id in CAUGHT  # so nobody is told
        yield from () if is_caught else node.exc.args
    if not isinstance(node, ast.Call):
        return
    for keyword in node.keywords:
        if keyword.arg in TAKES_AS:
            yield keyword.value
    place = TAKES.get(node.func.id) if isinstance(node.func, ast.Name) else None
    if place is not None:
        yield from node.args[place : place + 1]


def spelt(node: ast.AST) -> str:
    """The letters of a string that is written out, also of one with fields; else nothing."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spelt(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def unmarked_sentences() -> Iterator[str]:
    """The file, the name and the text of each."""
    modules = [Module(path, list(ast.walk(parsed(path)))) for path in sorted(PACKAGE.rglob("*.py"))]
    constants = {module.path.stem: list(assigned(module.tree.body)) for module in modules}
    takers: list[tuple[str, str, int]] = []
    for module in modules:
        for function in module.handing_on():
            takers += parameters_handed_on(function)
            for text in bare(function, module.constants(constants)):
                yield f"{module.path.relative_to(ROOT)}: {text}"
    for module in modules:
        for node in module.nodes:
            if isinstance(node, ast.Call) and any(is_bare(value) for value in arguments(node, takers)):
                yield f"{module.path.relative_to(ROOT)}: {ast.unparse(node)}"


@dataclass(frozen=True)
class Module:
    """A file of the source: its path, and all nodes of its tree, the module itself first."""

    path: Path
    nodes: list[ast.AST]

    @property
    def tree(self) -> ast.Module:
        """The module itself."""
        return parsed(self.path)

    def handing_on(self) -> list[ast.FunctionDef]:
        """The functions that hand something else than a sentence itself to tr()."""
        lines = {
            node.lineno for node in self.nodes if is_call_of_tr(node) and not isinstance(node.args[0], ast.Constant)
        }
        functions = [node for node in self.nodes if isinstance(node, ast.FunctionDef)]
        return [function for function in functions if lines.intersection(lines_of(function))]

    def constants(self, of_modules: Mapping[str, list[tuple[str, ast.expr]]]) -> list[tuple[str, ast.expr]]:
        """Its constants, with those that it imports by name; of_modules: those of all files, by their names."""
        seen = list(assigned(self.tree.body))
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {alias.name for alias in node.names}
                module = node.module.rpartition(".")[2]
                seen += [(name, value) for name, value in of_modules.get(module, []) if name in names]
        return seen


def parameters_handed_on(function: ast.FunctionDef) -> Iterator[tuple[str, str, int]]:
    """What a function hands to tr() of what it is given: its name, the parameter's, and that one's place."""
    names = [parameter.arg for parameter in function.args.args if parameter.arg != "self"]
    for call in ast.walk(function):
        if is_call_of_tr(call) and isinstance(call.args[0], ast.Name) and call.args[0].id in names:
            yield function.name, call.args[0].id, names.index(call.args[0].id)


def arguments(call: ast.Call, takers: Iterable[tuple[str, str, int]]) -> Iterator[ast.expr]:
    """What a call gives for a parameter that is handed to tr()."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else table_of(call.func)
    for function, parameter, place in takers:
        if called != function:
            continue
        yield from call.args[place : place + 1]
        yield from (keyword.value for keyword in call.keywords if keyword.arg == parameter)


def is_bare(value: ast.expr) -> bool:
    """Whether this is a sentence, or a part of one, that nothing marks."""
    return isinstance(value, ast.Constant) and WORDS.search(FIELD.sub("", str(value.value))) is not None


def bare(function: ast.FunctionDef, constants: Iterable[tuple[str, ast.expr]]) -> Iterator[str]:
    """The bare strings that a function may hand to tr() by a name; constants: those of its module, and their values."""
    inside = list(ast.walk(function))
    handed = {table_of(call.args[0]) for call in inside if is_call_of_tr(call)} - {""}
    values: dict[str, list[ast.expr]] = {}
    for name, value in [*constants, *assigned(inside)]:
        values.setdefault(name, []).append(value)
    for loop in inside:
        if isinstance(loop, ast.For | ast.comprehension):
            for table in list(values.get(table_of(loop.iter), [])):
                for row in rows_of(table):
                    for name, value in named_parts(loop.target, row):
                        values.setdefault(name, []).append(value)
    for name in handed:
        for held in values.get(name, []):
            values_in = held.values if isinstance(held, ast.Dict) else rows_of(held)
            for value in [held, *values_in]:
                if is_bare(value):
                    yield f"{name}: {ast.unparse(value)}"


def lines_of(function: ast.FunctionDef) -> range:
    """The numbers of its lines."""
    return range(function.lineno, (function.end_lineno or function.lineno) + 1)


def is_call_of_tr(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this calls tr()."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr"


def assigned(body: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """The names that statements give a value, and the values."""
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from named_parts(target, node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def named_parts(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The names of a target, each with its part of the value."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for name, part in zip(target.elts, value.elts, strict=True):
            yield from named_parts(name, part)


def table_of(node: ast.expr) -> str:
    """The name of what is looked into: of NAME, NAME[...], NAME.items() and NAME.values(); else nothing."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def rows_of(table: ast.expr) -> list[ast.expr]:
    """What a table that is written out holds."""
    if isinstance(table, ast.Tuple | ast.List | ast.Set):
        return table.elts
    if isinstance(table, ast.Dict):
        return [ast.Tuple([key, value]) for key, value in zip(table.keys, table.values, strict=True) if key]
    return []
