"""How long is a lesson, in screens? `make test-browser` asks: nobody goes through a long one to the end.

A screen is 900 pixels high and 1280 wide. Counted is the solved lesson as JupyterLab opens it, with all outputs: hidden
sources stay hidden, and optional sections folded. `python tests/tools/screens.py FOLDER` counts them
all, and leaves their pages in the folder.
"""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import sync_playwright

pytest_plugins = ["chromium"]  # beside browser.py its own browser is the same
SOLUTIONS = Path(__file__).parents[2] / "notebooks" / "solutions"
WIDTH, HEIGHT = 1280, 900
MOST = 14
DRILLS = 15  # one that is hunted, and six to hunt, each by itself: nobody does them in one go
AT_MOST = {path.stem: MOST for path in sorted(SOLUTIONS.glob("*.ipynb"))} | {"6_break_it": DRILLS}
FONTS = 0.2  # screens by which one machine's letters are higher than another's


def opened(notebook):
    """The notebook as it is opened: without what is folded below a heading, and without hidden sources."""
    cells = []
    is_folded = False
    for cell in notebook.cells:
        if cell.source.startswith("## "):
            is_folded = cell.metadata.get("jp-MarkdownHeadingCollapsed", False)
            cells.append(cell)
        elif not is_folded:
            cells.append(cell)
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.source = ""
    notebook.cells = cells
    return notebook


def screens(browser, lessons, folder):
    """How many screens each lesson fills, by its name."""
    found = {}
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    for lesson in lessons:
        notebook = opened(nbformat.read(SOLUTIONS / f"{lesson}.ipynb", as_version=4))
        html, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
        file = Path(folder) / f"{lesson}.html"
        file.write_text(html, encoding="utf-8")
        page.goto(file.as_uri(), wait_until="load")
        found[lesson] = page.evaluate("document.querySelector('main').scrollHeight") / HEIGHT
    page.close()
    return found


@pytest.fixture(scope="module")
def counted(browser, tmp_path_factory):
    return screens(browser, AT_MOST, tmp_path_factory.mktemp("screens"))


@pytest.mark.parametrize(("lesson", "most"), AT_MOST.items())
def test_lesson_is_no_longer_than_one_goes_through(counted, lesson, most):
    assert counted[lesson] <= most + FONTS


if __name__ == "__main__":
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, count in screens(chromium, AT_MOST, sys.argv[1]).items():
            print(f"{count:5.1f}  {name}")
