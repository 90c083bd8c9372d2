"""What can a learner do in JupyterLab? A server on copies of the lessons, a real browser, and the hands to work them.

A test file takes the fixtures by `pytest_plugins = ["learner"]`; all its tests share one server and one browser.
"""

import json
import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT, until
from playwright.sync_api import expect

pytest_plugins = ["chromium"]
PATIENCE = 120_000  # milliseconds
PANEL = "window.jupyterapp.shell.currentWidget"
expect.set_options(timeout=PATIENCE)


def written(file):
    """Whether a file holds a whole JSON document."""
    try:
        return bool(json.loads(file.read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return False


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the learner's own copies of the lessons are."""
    return tmp_path_factory.mktemp("lessons")


@pytest.fixture(scope="session")
def lessons(folder, tmp_path_factory):
    """JupyterLab on loopback, on copies of the lessons; its address and token."""
    home = tmp_path_factory.mktemp("home")
    words = ["-m", "vethlab_sh", "lab", str(folder), "--"]
    words += ["--no-browser", "--port=0", "--LabApp.expose_app_in_browser=True"]
    places = {"HOME": home, "JUPYTERLAB_SETTINGS_DIR": home / "settings", "JUPYTER_RUNTIME_DIR": home / "run"}
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}}
    log = (home / "log").open("w+")
    server = subprocess.Popen([sys.executable, *words], stderr=log, stdout=log, env=environment, cwd=ROOT)
    try:
        found = home / "run" / f"jpserver-{server.pid}.json"  # made first, and written a moment later
        until(lambda: written(found) or server.poll() is not None, "JupyterLab listens", seconds=60)
        assert server.poll() is None, (home / "log").read_text()
        told = json.loads(found.read_text())
        yield f"{told['url']}lab/workspaces/{{}}/tree/{{}}?token={told['token']}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE)
    yield page
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.close()


def opened(page, lessons, name):
    """The page with a lesson open and its kernel ready."""
    page.goto(lessons.format(f"w{time.monotonic_ns()}", name))  # without what was open before
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    page.wait_for_function(f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'")
    return page


def command(page, name, **arguments):
    """Do what a menu, a key or a button of JupyterLab does."""
    page.evaluate(f"window.jupyterapp.commands.execute('{name}', {json.dumps(arguments)})")


def dressed(page, width, theme):
    """The page in this width and theme, with the lesson alone in it."""
    page.set_viewport_size({"width": width, "height": 900})
    command(page, "apputils:change-theme", theme=f"JupyterLab {theme}")
    if page.evaluate("!window.jupyterapp.shell.leftCollapsed"):
        command(page, "application:toggle-left-area")


def run_all(page):
    """Run All Cells by the menu, and wait until the last one has run."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    has_run(page)


def has_run(page):
    """Wait until every cell has run."""
    page.wait_for_function(
        f"""() => {{
            const cells = {PANEL}.content.widgets.filter(w => w.model.type === 'code');
            return cells.every(w => w.model.executionCount || !w.model.sharedModel.source.trim()) &&
                {PANEL}.sessionContext.session.kernel.status === 'idle';
        }}"""
    )


def errors_shown(page):
    """All output of the open notebook that is an error or went to stderr."""
    return page.evaluate(
        f"""() => {PANEL}.content.widgets.filter(w => w.model.type === 'code')
            .flatMap(w => w.model.sharedModel.getOutputs())
            .filter(o => o.output_type === 'error' || o.name === 'stderr')"""
    )


def scroll_to(page, text):
    """Bring the cell whose source holds a text into view: JupyterLab draws only the cells near the window."""
    number = page.evaluate(
        f"""() => {{
            const panel = {PANEL}.content;
            const at = panel.widgets.findIndex(w => w.model.sharedModel.source.includes({json.dumps(text)}));
            panel.activeCellIndex = at;
            panel.scrollToItem(at, 'center');
            return at;
        }}"""
    )
    assert number >= 0, f"no cell holds {text}"
    return page.locator(f'.jp-Cell[data-windowed-list-index="{number}"], .jp-Notebook-cell >> nth={number}').first


def run_cell(page, text):
    """Run the cell whose source holds a text; return it when the kernel is done."""
    cell = scroll_to(page, text)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell')")
    page.wait_for_function(
        f"""() => {{
            const cell = {PANEL}.content.widgets.find(w => w.model.sharedModel.source.includes({json.dumps(text)}));
            return cell.model.executionCount && {PANEL}.sessionContext.session.kernel.status === 'idle';
        }}"""
    )
    return cell


def write(page, text, source):
    """Give the cell that holds a text another source, as a learner who types."""
    page.evaluate(
        f"""() => {PANEL}.content.widgets
            .find(w => w.model.sharedModel.source.includes({json.dumps(text)}))
            .model.sharedModel.setSource({json.dumps(source)})"""
    )


def save(page):
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function(f"!{PANEL}.context.model.dirty")


def bring(page, section):
    """Bring the lab to where a section begins, by its button."""
    here = run_cell(page, f'here("{section}")')
    here.get_by_role("button", name="Bring the lab to here").click()
    here.get_by_text("The lab is where").wait_for()
    return here


def answer(page, cell, given):
    """Choose or type an answer, and call it one's answer."""
    box = cell.get_by_role("textbox", name="your answer").or_(cell.get_by_placeholder("your answer"))
    if box.count():
        box.first.fill(given)
    else:
        cell.get_by_role("radio", name=given, exact=True).click()
    cell.get_by_role("button", name="That is my answer").click()
    cell.get_by_text(f"answer: {given}").wait_for()


# --- cells by their number ----------------------------------------------------------------------------------------


def scroll_number(page, number):
    """Bring the cell of this number into view."""
    page.evaluate(
        f"""() => {{
            const panel = {PANEL}.content;
            panel.activeCellIndex = {number};
            return panel.scrollToItem({number}, 'smart');
        }}"""
    )
    return page.locator(f'.jp-Cell[data-windowed-list-index="{number}"]').first


def run_number(page, number):
    """Run the cell of this number; return it when the kernel is done."""
    cell = scroll_number(page, number)
    command(page, "notebook:run-cell")
    page.wait_for_function(f"{PANEL}.sessionContext.session.kernel.status === 'idle'")
    return cell


def write_number(page, number, source):
    """Give the cell of this number another source."""
    page.evaluate(f"{PANEL}.content.widgets[{number}].model.sharedModel.setSource({json.dumps(source)})")


# --- how it looks, and sounds -------------------------------------------------------------------------------------

SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output"

UNNAMED = f"""() => {{
    const named = e => (e.getAttribute('aria-label') || e.title || e.alt || e.textContent || '').trim() ||
        (e.labels && [...e.labels].some(l => l.textContent.trim()));
    const controls = 'button, select, textarea, input, img, svg, iframe, a, [role=radiogroup], [role=group]';
    return [...document.querySelectorAll('{SHOWN}')].flatMap(output => [...output.querySelectorAll(controls)])
        .filter(e => e.offsetParent !== null || e instanceof SVGElement)
        .filter(e => !e.closest('[aria-hidden=true]') && e.type !== 'hidden' && !named(e))
        .map(e => e.outerHTML.slice(0, 200));
}}"""

CUT = f"""() => {{
    const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
    const found = [];
    for (const output of document.querySelectorAll('{SHOWN}')) {{
        const edge = output.getBoundingClientRect().right + 1;
        for (const e of output.querySelectorAll('table, pre, svg, img, iframe, button, input, select, p, div')) {{
            const box = e.getBoundingClientRect();
            if (!box.width || box.right <= edge) continue;
            let around = e.parentElement;
            while (around !== output && !scrolls(around)) around = around.parentElement;
            if (!scrolls(around) && !scrolls(e)) found.push(e.outerHTML.slice(0, 150));
        }}
    }}
    return found;
}}"""

FAINT = f"""() => {{
    const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
    const ground = e => {{
        for (; e; e = e.parentElement) {{
            const colour = numbers(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }}
        return [255, 255, 255];
    }};
    const found = [];
    for (const output of document.querySelectorAll('{SHOWN}'))
        for (const e of output.querySelectorAll('*')) {{
            const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
            if (!text || e.closest('svg, style, script') || !e.getClientRects().length) continue;
            if (e.className.includes?.('ansi-')) continue;  // JupyterLab's own colours of a terminal
            const [one, other] = [light(numbers(getComputedStyle(e).color)), light(ground(e))];
            const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            if (ratio < (text.length > 1 ? 4.5 : 3))
                found.push(`${{ratio.toFixed(1)}} ${{text.slice(0, 60)}} ${{e.outerHTML.slice(0, 120)}}`);
        }}
    return found;
}}"""


def unnamed(page):
    """Controls and pictures in the outputs that are drawn and have no name for who hears the page."""
    return page.evaluate(UNNAMED)


def cut(page):
    """What reaches over the edge of its output and cannot be scrolled to."""
    return page.evaluate(CUT)


def faint(page):
    """Texts in the outputs that differ too little from their ground: WCAG wants 4.5, and 3 for a sign."""
    return page.evaluate(FAINT)
