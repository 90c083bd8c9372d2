"""Make the learners' notebooks from the solved ones: outputs, answers and solutions are left out.

python notebooks/make.py              solutions/*.ipynb -> *.ipynb
python notebooks/make.py --run        run the solutions first, and keep their outputs
python notebooks/make.py --check      say which learner's copies are stale; exit code 1 if one is
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
SOLUTIONS = HERE / "solutions"
SOLUTION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.S)
ANSWER = re.compile(r'answer="[^"\n]*"')
EMPTY = "# your lines:"


def learners_copy(solved: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same notebook without outputs, with blank answers and nothing where a solution stood."""
    copy = nbformat.from_dict(solved)
    for cell in copy.cells:
        cell.source = SOLUTION.sub(EMPTY, cell.source)
        if cell.cell_type == "code":
            cell.source = ANSWER.sub('answer=""', cell.source)
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
    copy.metadata.pop("widgets", None)
    return copy


def run(path: Path) -> None:
    """Run a solved notebook from a clean kernel and keep what it shows, in place."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=120,
        resources={"metadata": {"path": str(HERE)}},
        record_timing=False,
        store_widget_state=False,
    ).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [_still(output) for output in cell.outputs]
    nbformat.write(notebook, path)


def _still(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """What a reader on the web can see: a widget's static form."""
    data = output.get("data", {})
    if data.pop("application/vnd.jupyter.widget-view+json", None):
        data.pop("text/plain", None)
    return output


def main(words: list[str]) -> int:
    """Write every learner's copy, or check that none is stale."""
    stale = []
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        if "--run" in words:
            print(path.name, flush=True)
            run(path)
        text = nbformat.writes(learners_copy(nbformat.read(path, as_version=4))) + "\n"
        copy = HERE / path.name
        if not copy.exists() or copy.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if "--check" not in words:
                copy.write_text(text, encoding="utf-8")
    if "--check" in words and stale:
        print(f"Stale, make them anew with `make notebooks`: {', '.join(stale)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
