"""Make the learners' notebooks from the solved ones: outputs, answers and solutions are left out.

Both carry nbgrader's metadata, so that a teacher can hand them out and collect them with nbgrader: a cell with a
solution is the learner's to fill, and each cell that judges an exercise gives a point.

python notebooks/make.py              solutions/*.ipynb -> *.ipynb
python notebooks/make.py --run        run the solutions first, in each language, and keep their outputs (--run 2_bridge:
                                      of one lesson)
python notebooks/make.py --check      say which notebooks are stale; exit code 1 if one is
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from glossary import Explained

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from vethlab_sh.language import LANGUAGES, SOURCE, speaking  # noqa: E402
from vethlab_sh.lessons import translation  # noqa: E402

OTHERS = [language for language in LANGUAGES if language != SOURCE]
SOLUTIONS = HERE / "solutions"
SOLUTION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.S)
ANSWER = re.compile(r', answer="[^"\n]*"')
EXERCISE = re.compile(r'exercise\("([^"]+)"')
GAP = "___"
EMPTY = "# your lines:"
HUNT = "# I suspect:\n# your lines:"
FILL = f"# A word for each {GAP}:"
ORDER = "# The lines are right, and their order is not. Alt and an arrow key move a line:"
OWN = "vethlab_sh inspect"  # what it shows is of the machine that ran it, and no reader's


def marked(solved: nbformat.NotebookNode, lesson: str) -> nbformat.NotebookNode:
    """The same notebook with nbgrader's metadata, by these rules alone: schema 3 of nbgrader's docs."""
    marks = {"schema_version": 3, "task": False}
    number = 0
    for cell in solved.cells:
        cell.metadata.pop("nbgrader", None)
        if cell.cell_type == "code" and SOLUTION.search(cell.source):
            number += 1
            answer = {"grade": False, "grade_id": f"{lesson}-{number}-answer", "locked": False, "solution": True}
            cell.metadata["nbgrader"] = marks | answer
        elif cell.cell_type == "code" and cell.source.startswith("exercise("):
            check = {"grade": True, "grade_id": f"{lesson}-{number}-check", "locked": True, "solution": False}
            cell.metadata["nbgrader"] = marks | check | {"points": 1}
    return solved


def learners_copy(solved: nbformat.NotebookNode, lesson: str) -> nbformat.NotebookNode:
    """The same notebook without outputs, with blank answers and what is given instead where a solution stood.

    In its prose each word of the glossary is explained where it is first used.
    """
    copy = nbformat.from_dict(solved)
    givens = iter(given(solved, lesson))
    words = Explained()
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = words.explain(cell.source)
        if SOLUTION.search(cell.source):
            begins_with = next(givens)
            cell.source = SOLUTION.sub(lambda _, text=begins_with: text, cell.source)
        if cell.cell_type == "code":
            cell.source = ANSWER.sub("", cell.source)
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
    copy.metadata.pop("widgets", None)
    return copy


def given(solved: nbformat.NotebookNode, lesson: str) -> list[str]:
    """What the learner's cell begins with, for each solution: lines with gaps, or in another order, or none."""
    path = HERE / "questions" / f"{lesson}.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("exercise", {}) if path.exists() else {}
    found = []
    waits = False
    for cell in solved.cells:
        if SOLUTION.search(cell.source):
            waits = True
        elif waits and cell.source.startswith("exercise("):
            waits = False
            named = EXERCISE.match(cell.source)
            if named:
                table = tables.get(named[1], {})
                found.append(_given(table.get("given", [])))
            else:
                found.append(HUNT)  # a drill
    return found


def _given(lines: list[str]) -> str:
    if not lines:
        return EMPTY
    title = FILL if any(GAP in line for line in lines) else ORDER
    return "\n".join([title, *lines])


def translated(solved: nbformat.NotebookNode, file: Path) -> nbformat.NotebookNode:
    """The solved notebook in the language that is spoken, with what its own cells showed when they ran in it."""
    copy = nbformat.reads(translation.notebook(nbformat.writes(solved)), as_version=4)
    before = nbformat.read(file, as_version=4).cells if file.exists() else []
    ran = {cell.id: cell for cell in before if cell.cell_type == "code"}
    for cell in copy.cells:
        if cell.id in ran:
            cell.outputs = ran[cell.id].outputs
            cell.execution_count = ran[cell.id].execution_count
    return copy


def run(notebook: nbformat.NotebookNode, language: str) -> None:
    """Run a solved notebook from a clean kernel that speaks this language, and keep what it shows."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as answers:  # nobody's
        os.environ["VETHLAB_ANSWERS"] = answers
        os.environ["VETHLAB_LANG"] = language
        NotebookClient(
            notebook,
            timeout=120,
            resources={"metadata": {"path": str(HERE)}},
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,  # lines that a pipe brought in pieces
        ).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [_still(output) for output in cell.outputs if OWN not in cell.source]


def _still(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """What a reader on the web can see: a widget's static form, and no folder of the machine that ran it."""
    data = output.get("data", {})
    if "text/html" in data:
        data["text/html"] = data["text/html"].replace(sys.executable, "python")
    if data.pop("application/vnd.jupyter.widget-view+json", None):
        data.pop("text/plain", None)
    if "image/png" in data:
        data.pop("text/html", None)  # pages that show notebooks leave SVG out, and would show nothing
    return output


def _made(path: Path, runs: bool) -> Iterator[tuple[Path, nbformat.NotebookNode]]:
    """All that is made of a solved lesson, with its file: itself, marked, the learner's, and other languages'."""
    solved = nbformat.read(path, as_version=4)
    if runs:
        print(path.name, flush=True)
        run(solved, SOURCE)
    solved = marked(solved, path.stem.replace("_", "-"))
    yield path, solved
    yield HERE / path.name, learners_copy(solved, path.stem)
    for language in OTHERS:
        with speaking(language):
            file = SOLUTIONS / language / translation.file_name(path.stem)
            copy = translated(solved, file)
        if runs:
            print(file.name, flush=True)
            run(copy, language)
        yield file, copy


def main(words: list[str]) -> int:
    """Mark every solved lesson and write the learner's copy, or check that none is stale."""
    stale = []
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        runs = "--run" in words and (len(words) == 1 or path.stem in words)
        for file, notebook in _made(path, runs):
            text = nbformat.writes(notebook) + "\n"
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(str(file.relative_to(HERE)))
                if "--check" not in words:
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(text, encoding="utf-8")
    if "--check" in words and stale:
        print(f"Stale, make them anew with `make notebooks`: {', '.join(stale)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
