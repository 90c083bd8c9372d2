"""The house keeps its shape: imports point one way, one door to sh, one place for sleeping (none)."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT

from vethlab_sh.cli import VERBS, parser

PACKAGE = ROOT / "vethlab_sh"
MODULES = sorted(PACKAGE.rglob("*.py"))


def module_of(path):
    """`vethlab_sh/wiring/ink.py` as `wiring.ink`; the package of a folder as the folder's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path):
    """The names of all that a file imports, whether at once, when it is wanted, or for its types only.

    Of our own, `.` and the module: `.wiring.ink`.
    """
    known = {module_of(path) for path in MODULES}
    folder = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
        elif isinstance(node, ast.ImportFrom):
            parts = [*folder[: len(folder) - node.level + 1], *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                below = ".".join([*parts, alias.name])
                yield "." + (below if below in known else ".".join(parts))


def ours(path):
    return {name[1:] for name in imports(path) if name.startswith(".") and name != "."}


def room(module):
    return module.partition(".")[0]


def circle(arrows):
    """A way along the arrows that comes back to where it began, if there is one."""
    finished = set()

    def search(here, way):
        if here in way:
            return [*way[way.index(here) :], here]
        if here in finished:
            return None
        for there in sorted(arrows.get(here, ())):
            if closed := search(there, [*way, here]):
                return closed
        finished.add(here)
        return None

    for start in sorted(arrows):
        if closed := search(start, []):
            return closed
    return None


def rooms():
    """Which rooms, the files and folders at the top, a room imports from. The package itself only hands names on."""
    arrows = {}
    for path in MODULES:
        here = room(module_of(path))
        if here != "__init__":
            arrows.setdefault(here, set()).update({room(there) for there in ours(path)} - {here, "__init__"})
    return arrows


def test_rooms_import_in_no_circle():
    closed = circle(rooms())
    assert closed is None, f"a circle, which an import for types only closes too: {' -> '.join(closed)}"


def test_modules_import_in_no_circle():
    closed = circle({module_of(path): ours(path) for path in MODULES if module_of(path) != "__init__"})
    assert closed is None, f"a circle, which an import for types only closes too: {' -> '.join(closed)}"


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}}) is None


def test_core_is_what_one_sees_first():
    files = [path for path in MODULES if path.parent == PACKAGE]
    folders = {path.relative_to(PACKAGE).parts[0] for path in MODULES if path.parent != PACKAGE}
    assert len(files) <= 18, [path.name for path in files]
    assert len(folders) <= 14, folders


def test_only_the_shell_imports_sh():
    assert [module_of(path) for path in MODULES if "sh" in imports(path)] == ["shell"]


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
    unused = (
        *("packet", "claims", "wiring", "drills.drill", "node", "keep.replay", "keep.save", "measure", "grading"),
        *(
            "terminal.labs",
            "terminal.drills",
            "terminal.nodes",
            "terminal.lessons",
            "terminal.grade",
            "terminal.doctor",
        ),
    )
    assert not [room for room in unused if f"'vethlab_sh.{room}'" in ended.stdout], ended.stdout


def test_each_verb_stands_below_its_arguments():
    for name, verb in VERBS.items():
        source = PACKAGE / "terminal" / f"{verb.file}.py"
        functions = [node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)]
        declared = functions.index(f"{name}_arguments")
        # a verb of verbs is followed by theirs
        assert functions[declared + 1] in (f"_{name}", "_add_list"), f"{source.name}: {name}"


def test_command_line_has_the_verbs_of_its_list():
    (verbs,) = (action for action in parser()._actions if action.choices)
    assert list(VERBS) == list(verbs.choices)


def test_nothing_sleeps():
    assert not [path for path in [*MODULES, *ROOT.glob("tests/**/*.py")] if "time." + "sleep" in path.read_text()]


# A field of each type of facts, by the module that has the type.
FIELDS = {
    "facts": {
        "Namespace": "machine",
        "Link": "master",
        "Address": "scope",
        "Route": "via",
        "Neighbour": "mac",
        "Entry": "dst",
        "Setting": "value",
        "Rule": "table",
        "Chain": "policy",
        "FilterRule": "text",
        "Wire": "peer",
    },
    "packet.sighting": {"Sighting": "ttl"},
    "node.cables": {"Cable": "bridge"},
    "wiring.change": {"Change": "sign"},
}


def test_a_misspelt_field_of_a_fact_is_an_error_of_types(tmp_path):
    """The type checker complains of a name with one letter too many, and of a name in brackets: of these alone."""
    program, wrong = ["from vethlab_sh.snapshot import Facts"], {}
    for module, fields in FIELDS.items():
        for fact, name in fields.items():
            program += [f"from vethlab_sh.{module} import {fact}", f"def of_{fact}(fact: {fact}) -> object:"]
            program += [f"    print(fact.{name})", f"    print(fact.{name}x)", f"    return fact['{name}']"]
            wrong[len(program) - 1] = f'"{fact}" has no attribute "{name}x"'
            wrong[len(program)] = f'Value of type "{fact}" is not indexable'
    program += ["def of_a_snapshot(facts: Facts) -> object:", "    return facts.kind('linx'), facts.linx"]
    file = tmp_path / "program.py"
    file.write_text("\n".join(program) + "\n")
    words = ("-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(file))
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT)
    told = re.findall(r"^.*?program\.py:(\d+): error: (.*)  \[", ended.stdout, re.M)
    assert {int(line): error.partition(";")[0] for line, error in told[:-2]} == wrong, ended.stdout + ended.stderr
    assert [int(line) for line, _ in told[-2:]] == [len(program)] * 2
    assert len(told) == len(wrong) + 2


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


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_answer_their_question_at_once(path):
    """Who asks only sees one line in a list of modules, and learns there what the module is for."""
    first = ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]
    _before, question, answer = first.rpartition("?")
    assert not question or answer.strip(), f"{path.name} asks {first!r}, and the line has no answer"


def public_things(node):
    """Classes, functions and methods that others may call; what stands inside a function is nobody else's."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield child
        if not isinstance(child, ast.FunctionDef):
            yield from public_things(child)


def test_package_with_all_its_parts_asks_for_what_set_up_installs():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = package["optional-dependencies"]
    parts = [*package["dependencies"], *extras["tables"], *extras["pictures"], *extras["lab"]]
    assert extras["all"] == ["vethlab-sh[lab,completion]"]
    wanted = {part for part in parts if not part.startswith("vethlab-sh[")}
    assert wanted == {line.partition("#")[0].strip() for line in lines}


@pytest.mark.live
@pytest.mark.parametrize(
    "name", ["vethlab_sh", "vethlab_sh.lab", "vethlab_sh.errors", "vethlab_sh.inside", "vethlab_sh.hints"]
)
def test_examples_in_docstrings_run(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize(
    "file", ["Makefile", "setup.sh", "README.md", ".gitattributes", ".ci/run", "pyproject.toml", "docs/inside.md"]
)
def test_paths_of_tests_that_others_name_are_there(file):
    named = re.findall(r"tests/[\w./-]*\w", (ROOT / file).read_text())
    made = {"tests/screenshots"}  # by `make test-browser`
    assert [path for path in named if path not in made and not (ROOT / path).exists()] == []
