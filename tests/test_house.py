"""The house keeps its shape: imports point one way, one door to sh, one place for sleeping (none)."""

import ast
import doctest
import importlib
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT

PACKAGE = ROOT / "vethlab_sh"
MODULES = sorted(PACKAGE.rglob("*.py"))
# From the ground up; a module imports only from those before it.
ORDER = [
    "errors",
    "markup",
    "files",
    "progress",
    "parsers",
    "tables",
    "sandbox",
    "hints",
    "shell",
    "snapshot",
    "difference",
    "diagram",
    "scenarios",
    "compare",
    "lookup",
    "listen",
    "reasons",
    "player",
    "walk",
    "plots",
    "check",
    "drills",
    "session",
    "join",
    "network",
    "explained",
    "spaces",
    "node",
    "stay",
    "confine",
    "save",
    "replay",
    "lab",
    "grade",
    "transcript",
    "lesson",
    "explorer",
    "magic",
    "doctor",
    "cli",
    "__main__",
]


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    tree = ast.parse(path.read_text())
    for_types = {n for block in ast.walk(tree) if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
                 for n in ast.walk(block)}  # fmt: skip
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            depth = len(path.relative_to(PACKAGE).parts) - node.level + 1
            if node.level and depth <= 1:
                yield from ([f".{node.module}"] if node.module else [f".{alias.name}" for alias in node.names])
            elif not node.level:
                yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_only_downwards(path):
    if room(path) == "__init__":
        return
    allowed = ORDER[: ORDER.index(room(path))]
    for name in imports(path):
        if name.startswith("."):
            target = name[1:].split(".")[0]
            assert target in allowed or target == room(path), f"{path.name} imports {target}"


def test_only_the_shell_imports_sh():
    assert [room(path) for path in MODULES if "sh" in imports(path)] == ["shell"]


def test_pandas_waits_until_it_is_wanted():
    program = "import sys, vethlab_sh; print([m for m in ('pandas', 'matplotlib', 'numpy') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout == "[]\n", ended.stderr


@pytest.mark.live
def test_demo_imports_no_room_it_does_not_open():
    program = """
import sys
from vethlab_sh.cli import main
main(["demo", "direct", "--quiet"])
print(sorted(m for m in sys.modules if m.startswith("vethlab_sh.")))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    unused = ("walk", "check", "diagram", "drills", "explained", "node", "replay", "save", "join")
    assert not [room for room in unused if f"'vethlab_sh.{room}'" in ended.stdout], ended.stdout


def test_nothing_sleeps():
    assert not [path for path in [*MODULES, *ROOT.glob("tests/*.py")] if "time." + "sleep" in path.read_text()]


def test_no_bare_exception_is_raised():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                assert getattr(node.exc.func, "id", "") != "Exception", path


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_things_are_documented(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), path
    for node in public_things(tree):
        assert ast.get_docstring(node), f"{path.name}: {node.name}"


def public_things(node):
    """Classes, functions and methods that others may call; what stands inside a function is nobody else's."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield child
        if not isinstance(child, ast.FunctionDef):
            yield from public_things(child)


def test_package_asks_for_what_set_up_installs():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package["dependencies"] == [line.partition("#")[0].strip() for line in lines]


@pytest.mark.live
@pytest.mark.parametrize("name", ["vethlab_sh", "vethlab_sh.lab"])
def test_examples_in_docstrings_run(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed
