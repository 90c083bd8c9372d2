"""Which sentences are handed to tr() by a name that holds a bare string? `make catalogue` cannot see them.

A sentence in a table is to be marked("…") where the table is made, so that it is found, and goes through tr() where it
is shown. Read without running anything: a name's values are those that its module, the function, or a loop over a table
that is written out gives it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from catalogue import FIELD, PACKAGE, ROOT, parsed

WORDS = re.compile("[A-Za-z] | [A-Za-z]")  # what is no sentence has none


def unmarked_sentences() -> Iterator[str]:
    """The file, the name and the text of each."""
    trees = {path: parsed(path) for path in sorted(PACKAGE.rglob("*.py"))}
    constants = {path.stem: list(assigned(tree.body)) for path, tree in trees.items() if path.stem != "__init__"}
    for path, tree in trees.items():
        nodes = list(ast.walk(tree))
        handed = {call.lineno for call in nodes if is_call_of_tr(call) and not isinstance(call.args[0], ast.Constant)}
        if not handed:
            continue
        seen = list(assigned(tree.body))
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {alias.name for alias in node.names}
                module = node.module.rpartition(".")[2]
                seen += [(name, value) for name, value in constants.get(module, []) if name in names]
        for function in nodes:
            if isinstance(function, ast.FunctionDef) and handed.intersection(lines_of(function)):
                for text in bare(function, seen):
                    yield f"{path.relative_to(ROOT)}: {text}"


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
                if isinstance(value, ast.Constant) and WORDS.search(FIELD.sub("", str(value.value))):
                    yield f"{name}: {value.value}"


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
