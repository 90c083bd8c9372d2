"""How does a solved lesson become a page? Its cells with what they showed, and each walk moves."""

from __future__ import annotations

import re
from pathlib import Path

import glossary
import nbformat
from players import Shelf
from said import tr

from vethlab_sh.language import SOURCE, in_lesson, language
from vethlab_sh.lessons import translation
from vethlab_sh.lessons.words import Explained
from vethlab_sh.markup import PROSE, WHOLE
from vethlab_sh.packet import walk as walks

Cell = nbformat.NotebookNode
Output = nbformat.NotebookNode
STILL = re.compile(r'<svg [^>]*class="vethlab-picture".*?</svg>', re.S)
BUTTON = re.compile(r"<button[^>]*jupyterapp.*?</button>", re.S)  # for JupyterLab, and there is none around a page
MARKS = re.compile(r"^### (BEGIN|END) SOLUTION\n?", re.M)
# A table says in each cell how it looks, for pages of others; here two classes do.
LOOKS = {f'style="{WHOLE}"': 'class="whole"', f'style="{PROSE}"': 'class="prose"'}
ABOVE = """\
This lesson is solved, and shows what it showed when its lines ran on Linux. To do it yourself, with the kernel as the
judge: `make lab`, or [another way](../guides/start.md), and there `{file}`."""


def write(solutions: Path, folder: Path, shelf: Shelf) -> None:
    """Write the pages of all solved lessons into a folder."""
    folder.mkdir()
    for path in sorted(solutions.glob("*.ipynb")):
        lesson = nbformat.read(path, as_version=4)
        _show_as_spoken(lesson, path)
        words = Explained(_meanings())
        for number, cell in enumerate(lesson.cells):
            if cell.cell_type == "code":
                _turn(cell, f"{path.stem}-{number}", shelf)
            else:
                cell.source = words.explain(translation.prose(cell.source))
        above = f":::{{note}}\n{tr(ABOVE, file=translation.file_name(path.stem))}\n:::"
        lesson.cells.insert(1, nbformat.v4.new_markdown_cell(above, id="above"))
        lesson.metadata.pop("widgets", None)
        nbformat.write(lesson, folder / path.name)


def _show_as_spoken(lesson: nbformat.NotebookNode, path: Path) -> None:
    """Put in place of its outputs those of its run in the language that is spoken."""
    there = path.parent / language() / translation.file_name(path.stem)
    if not there.exists():
        return
    ran = {cell.id: cell for cell in nbformat.read(there, as_version=4).cells}
    for cell in lesson.cells:
        if cell.cell_type == "code":
            cell.outputs = ran[cell.id].outputs


def _meanings() -> dict[str, str]:
    """The words of the glossary with what they mean, in the language that is spoken."""
    meanings = glossary.read()
    if language() == SOURCE:
        return meanings
    return {in_lesson(meaning, translation.WORD): in_lesson(meaning) for meaning in meanings.values()}


def _turn(cell: Cell, name: str, shelf: Shelf) -> None:
    """Make of a cell what a page shows."""
    cell.source = translation.code(MARKS.sub("", cell.source).rstrip("\n"))
    if cell.metadata.get("jupyter", {}).get("source_hidden"):
        cell.metadata["tags"] = ["hide-input"]
    shown: list[Output] = []
    for number, output in enumerate(cell.outputs):
        data = output.get("data", {})
        if walks.PACKED in data:
            kept = f"{name}-{number}"
            shelf.keep(kept, walks.from_packed(data.pop(walks.PACKED)))
            frame = shelf.frame(kept, "../players")
            shown += _with_player(output, frame)
        elif "image/png" in data and shown and shown[-1].get("metadata", {}).get("player"):
            continue  # the walk's picture, which moves above it
        elif data.get("text/html", "").strip() or "text/html" not in data:
            shown.append(output)
    for output in shown:
        _simplify(output, cell)
    cell.outputs = shown


def _with_player(output: Output, frame: str) -> list[Output]:
    """The player where the still picture of the walk stands; above its table where there is none."""
    html = output.data["text/html"]
    if STILL.search(html):
        output.data["text/html"] = STILL.sub(lambda _: frame, html)
        return [output]
    output.data["text/html"] = html
    player = nbformat.v4.new_output("display_data", {"text/html": frame, "text/plain": ""}, metadata={"player": True})
    return [output, player]


def _simplify(output: Output, cell: Cell) -> None:
    data = output.get("data", {})
    if "text/html" in data:
        data["text/html"] = BUTTON.sub("", data["text/html"])
        for look, name in LOOKS.items():
            data["text/html"] = data["text/html"].replace(look, name)
    if "image/png" in data:
        words = data.get("text/plain", "")
        cell.metadata["mystnb"] = {"image": {"alt": words}}
