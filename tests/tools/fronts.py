"""What is left of a lesson where it is not shown by JupyterLab? One lesson in each other page and terminal.

`make test-fronts`, in an environment of its own. What works is done; what does not work says so in words.
"""

import json
import re
import subprocess
import sys
from contextlib import contextmanager

import nbformat
import pytest
from chromium import SHOTS
from conftest import ROOT, until
from learner import PATIENCE, UNNAMED, written
from playwright.sync_api import expect

pytestmark = pytest.mark.live  # each has labs, in the lesson's kernel
pytest_plugins = ["learner"]

NAME = "2_bridge.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"
NO_CONTROLS = "Where none appear, write the answer into the cell"
NO_BUTTONS = "Run in JupyterLab, this cell has buttons here: Check, Hint 1 of"


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The learner's own copies, with the answers beside them."""
    folder = tmp_path / "lessons"
    line = [sys.executable, "-m", "vethlab_sh", "lessons", str(folder)]
    subprocess.run(line, check=True, cwd=ROOT, capture_output=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "run"))
    return folder


@contextmanager
def served(folder, *words):
    """A server of these words on a free port of loopback; gives its address and token."""
    log = (folder / "log").open("w+")
    server = subprocess.Popen([sys.executable, "-m", *words], stdout=log, stderr=log, cwd=folder)
    try:
        found = folder.parent / "run" / f"jpserver-{server.pid}.json"
        until(lambda: written(found) or server.poll() is not None, "the server listens", seconds=90)
        assert server.poll() is None, (folder / "log").read_text()
        yield json.loads(found.read_text())
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def plain(browser):
    """A page that is not JupyterLab's."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


VOILA = "--ServerApp.jpserver_extensions={'voila.server_extension': True}"
OPTIONS = ["--no-browser", "--port=0", "--allow-root", "--ServerApp.ip=127.0.0.1"]


def is_worked(page, cell):
    """Answer the question below a cell, as a learner does."""
    cell.get_by_role("radio", name="64").click()
    expect(cell).to_contain_text("so far: 64")
    cell.get_by_role("button", name="That is my answer").click()
    expect(cell).to_contain_text("answer: 64")


def test_notebook_7_has_the_controls_and_says_that_a_terminal_is_not_beside(plain, copies):
    with served(copies, "notebook", *OPTIONS) as told:
        plain.goto(f"{told['url']}notebooks/{NAME}?token={told['token']}")
        plain.locator(".jp-Cell").first.wait_for()
        plain.get_by_text("Run", exact=True).first.click()
        plain.get_by_text("Run All Cells", exact=True).click()
        cell = plain.locator(".jp-Cell", has_text='predict("ttl")').first
        cell.scroll_into_view_if_needed()
        is_worked(plain, cell)
        assert plain.evaluate(UNNAMED) == []
        plain.screenshot(path=SHOTS / "front-notebook.png")
        beside = plain.get_by_role("button", name="Open a terminal in this lab")
        beside.click()
        expect(plain.get_by_role("button", name="Not here: type the line beside this button")).to_have_count(1)


def test_nbclassic_has_the_controls_and_says_that_a_terminal_is_not_beside(plain, copies):
    with served(copies, "nbclassic", *OPTIONS) as told:
        plain.goto(f"{told['url']}nbclassic/notebooks/{NAME}?token={told['token']}")
        # The page's program for widgets asks the kernel for those it has, and then draws all outputs anew. Widgets of
        # cells that ran before it had its answer are gone then, until the cells are run again.
        plain.wait_for_function("window.Jupyter?.notebook?.kernel?.widget_manager")
        plain.evaluate("Jupyter.notebook.kernel.widget_manager._loadFromKernel()")
        plain.evaluate("Jupyter.notebook.execute_all_cells()")
        cell = plain.locator(".cell", has_text='predict("ttl")').first
        cell.get_by_role("radio", name="64").wait_for()
        is_worked(plain, cell)
        plain.screenshot(path=SHOTS / "front-nbclassic.png")
        beside = plain.get_by_role("button", name="Open a terminal in this lab")
        beside.click()
        expect(plain.get_by_role("button", name="Not here: type the line beside this button")).to_have_count(1)


def test_voila_shows_the_lesson_and_says_that_it_has_no_cells(plain, copies):
    with served(
        copies, "jupyter_server", "--ServerApp.jpserver_extensions={'voila.server_extension': True}", *OPTIONS
    ) as told:
        plain.goto(f"{told['url']}voila/render/{NAME}?token={told['token']}")
        expect(plain.get_by_text("Voila shows a lesson without its cells")).to_have_count(1)
        expect(plain.get_by_role("radio", name="64").first).to_be_visible()
        expect(plain.get_by_text("How do many containers share one wire?")).to_be_visible()
        plain.screenshot(path=SHOTS / "front-voila.png")


def executed(copies, *line):
    ended = subprocess.run([sys.executable, "-m", *line], cwd=copies, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended


def test_papermill_runs_a_lesson_that_nobody_answers(copies):
    executed(copies, "papermill", NAME, "ran.ipynb", "--log-level", "ERROR")
    ran = nbformat.read(copies / "ran.ipynb", as_version=4)
    outputs = [output for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    text = json.dumps(outputs, ensure_ascii=False)
    assert "Not asked yet: your answer comes first" in text
    assert NO_BUTTONS in text


def test_page_made_by_nbconvert_has_tables_and_pictures_and_words_for_its_controls(plain, copies):
    # with the widgets' state in it, such a page looks for their program on the web
    words = ["--execute", "--ExecutePreprocessor.store_widget_state=False", "--output", "page", NAME]
    executed(copies, "nbconvert", "--to", "html", *words)
    plain.goto((copies / "page.html").as_uri())
    expect(plain.locator("table").first).to_be_visible()
    expect(plain.locator("svg.vethlab-picture, img[alt]").first).to_be_visible()
    expect(plain.get_by_text(NO_CONTROLS).first).to_be_visible()
    expect(plain.get_by_text(NO_BUTTONS).first).to_be_visible()
    expect(plain.locator("body")).not_to_contain_text("model not found")
    word = plain.locator("abbr", has_text="bridge").first
    expect(word).to_have_attribute("title", re.compile("switch made of software"))
    plain.screenshot(path=SHOTS / "front-nbconvert.png")


def test_page_without_controls_shows_words_in_their_place(plain, copies):
    """As VS Code and GitHub show what a notebook holds: HTML, or else a picture, or else text; and no widgets."""
    executed(copies, "nbconvert", "--to", "notebook", "--execute", "--inplace", NAME)
    ran = nbformat.read(copies / NAME, as_version=4)
    pieces = []
    for cell in ran.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if WIDGET in data:
                assert data["text/html"].strip(), cell.source
                assert data["text/plain"].strip(), cell.source
            pieces.append(data.get("text/html") or f"<pre>{data.get('text/plain', output.get('text', ''))}</pre>")
    (copies / "page.html").write_text("<meta charset=utf-8>" + "".join(pieces), encoding="utf-8")
    plain.goto((copies / "page.html").as_uri())
    expect(plain.get_by_text(NO_CONTROLS).first).to_be_visible()
    expect(plain.get_by_text(NO_BUTTONS).first).to_be_visible()
    expect(plain.get_by_text("this cell has a button here, “Bring the lab to here”").first).to_be_visible()


def test_terminal_of_ipython_asks_and_judges_in_text(copies):
    """There a cell is pasted: each of the lesson's, one after the other, with an answer where one is asked for."""
    cells = [cell.source for cell in nbformat.read(copies / NAME, as_version=4).cells if cell.cell_type == "code"]
    until_asked = next(n for n, source in enumerate(cells) if source.startswith('look("ttl")'))
    script = []
    for source in cells[: until_asked + 1]:
        script.append(f"get_ipython().run_cell({source!r});")
        if source.startswith('predict("ttl")'):
            script.append('get_ipython().run_cell(\'predict("ttl", answer="63")\');')
    script.append("get_ipython().run_cell('exercise(\"third\")');")
    (copies / "typed.ipy").write_text("\n".join(script))
    words = ["IPython", "--colors=NoColor", "--simple-prompt", "typed.ipy"]
    text = executed(copies, *words).stdout
    assert "Which TTL will the answer carry" in text
    assert "You predicted 63; the kernel says 64. 63 would arrive if the bridge were a router." in text
    assert NO_CONTROLS in text
    assert NO_BUTTONS in text
    assert "<Figure" not in text
    assert "<div" not in text
    assert "Traceback" not in text
