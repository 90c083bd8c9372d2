"""Is each lesson fit for a learner? Each is done in a real browser, from first cell to last: `make test-lessons`.

What a learner met in the first hour stands here and in tests/tools/browser.py, which is shorter and part of `.ci/run`.
"""

import json
import re
import subprocess
import tomllib

import nbformat
import pytest
from chromium import SHOTS
from conftest import ROOT
from learner import (
    answer,
    bring,
    cut,
    dressed,
    errors_shown,
    faint,
    opened,
    run_all,
    run_cell,
    run_number,
    scroll_number,
    unnamed,
    write,
    write_number,
)
from playwright.sync_api import expect

from vethlab_sh import drills

pytestmark = pytest.mark.live  # each has labs, in the lessons of its page
pytest_plugins = ["learner"]

NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
MARK = re.compile(r"### (BEGIN|END) SOLUTION\n?")
ASKED = re.compile(r'predict\("([^"]+)"')
GIVEN = re.compile(r'answer="([^"]*)"')
DRILL = re.compile(r'drill\("([^"]+)", seed=(\d+)\)')


def cells(name, solved=True):
    folder = NOTEBOOKS / "solutions" if solved else NOTEBOOKS
    return nbformat.read(folder / name, as_version=4).cells


def asked(name):
    """The questions of a lesson, as they are written."""
    path = NOTEBOOKS / "questions" / f"{name.removesuffix('.ipynb')}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")).get("predict", {})


def reasons(name):
    """What nobody may read before answering: why the kernel says so, and what is told of each wrong choice."""
    found = []
    for question in asked(name).values():
        found += [question["because"], *question.get("choices", {}).values(), *question.get("slips", {}).values()]
    return [reason for reason in found if reason]


def wrong(question, right):
    """An answer that the kernel does not give."""
    for choice in question.get("choices", {}):
        if choice != right:
            return choice
    return "999"


def all_text(page):
    """All that a learner can find in the open notebook: sources and outputs, in sight or not."""
    return page.evaluate("JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())")


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_is_done_from_its_first_cell_to_its_last(page, lessons, folder, name):
    """Every second prediction is wrong, each exercise is judged undone and done."""
    opened(page, lessons, name)
    right_count = 0
    looked = {}  # how each question has to be judged
    solutions = {}
    for number, cell in enumerate(cells(name)):
        if cell.cell_type != "code":
            continue
        shown = run_number(page, number)
        question = ASKED.match(cell.source)
        if question:
            right = GIVEN.search(cell.source)[1]
            is_right = len(looked) % 2 == 0
            right_count += is_right
            given = right if is_right else wrong(asked(name)[question[1]], right)
            answer(page, shown, given)
            looked[question[1]] = (given, is_right)
        elif cell.source.startswith(("look(", "hold(")):
            given, is_right = looked[re.search(r'"([^"]+)"', cell.source)[1]]
            expect(shown).to_contain_text(f"You predicted {given}")
            expect(shown).to_contain_text("✓" if is_right else "✗")
        elif MARK.search(cell.source):
            solutions[number] = MARK.sub("", cell.source)
        elif cell.source.startswith("exercise("):
            expect(shown).to_contain_text("✗")
            for at, source in solutions.items():
                write_number(page, at, source)
                run_number(page, at)
            solutions.clear()
            shown = scroll_number(page, number)
            shown.get_by_role("button", name="Check").click()
            expect(shown.get_by_role("button", name="Check")).to_have_count(0)
            expect(shown).not_to_contain_text("✗")
    assert errors_shown(page) == []
    kept = json.loads((folder / ".answers" / f"{name.removesuffix('.ipynb')}.json").read_text())
    given = kept["answers"].values()
    assert sum(bool(one["right"]) for one in given) == right_count
    assert set(kept["done"].values()) <= {"done"}


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_run_through_without_an_answer_gives_none_away_and_can_be_seen_and_heard(page, lessons, folder, name):
    answers = folder / ".answers" / f"{name.removesuffix('.ipynb')}.json"
    answers.unlink(missing_ok=True)  # of the test above, in the same folder
    opened(page, lessons, name)
    run_all(page)
    assert errors_shown(page) == []
    text = all_text(page)
    assert [reason for reason in reasons(name) if reason in text] == []
    for width, theme in ((1280, "Light"), (900, "Dark"), (412, "Light")):
        dressed(page, width, theme)
        page.screenshot(path=SHOTS / f"{name[0]}-{width}-{theme.lower()}.png")
        assert cut(page) == []
        assert faint(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert unnamed(page) == []
    expect(page.get_by_text("Type Markdown and LaTeX")).to_have_count(0)


def test_votes_of_a_class_fit_a_narrow_page_in_both_themes(page, lessons):
    opened(page, lessons, "2_bridge.ipynb")
    run_cell(page, "lesson(")
    write(page, 'predict("ttl")', 'predict("ttl", poll=True)')
    voted = run_cell(page, 'predict("ttl", poll=True)')
    for box, hands in zip(voted.get_by_role("spinbutton").all(), ("3", "12", "9"), strict=True):
        box.fill(hands)
    voted.get_by_role("button", name="Count").click()
    expect(voted).to_contain_text("63: 12")
    for width, theme in ((1280, "Dark"), (412, "Dark"), (412, "Light")):
        dressed(page, width, theme)
        page.screenshot(path=SHOTS / f"votes-{width}-{theme.lower()}.png")
        assert cut(page) == []
        assert faint(page) == []
    assert unnamed(page) == []


@pytest.mark.no_lab
def test_word_is_explained_by_pointing_at_it(page, lessons):
    opened(page, lessons, "1_direct_pair.ipynb")
    word = page.locator(".jp-MarkdownOutput abbr", has_text="namespace").first
    expect(word).to_have_attribute("title", re.compile("its own devices, addresses, routes"))


def test_shift_enter_keeps_what_was_typed_and_what_was_chosen(page, lessons):
    """Row 1: lesson 0 teaches Shift-Enter, so a learner presses it everywhere."""
    opened(page, lessons, "5_flannel_or_calico.ipynb")
    run_cell(page, "lesson(")
    asked = run_cell(page, 'predict("wire")')
    asked.get_by_placeholder("your answer").fill("148 bytes")
    asked.get_by_placeholder("your answer").press("Shift+Enter")
    expect(asked).to_contain_text(re.compile("(so far|answer): 148 bytes"))
    asked = run_cell(page, 'predict("wire")')
    expect(asked).to_contain_text(re.compile("(so far|answer): 148 bytes"))


def test_duplicate_address_is_undone_only_when_its_owner_answers(page, lessons):
    """Row 2: leaving the second owner there is no repair, and deleting it is one."""
    opened(page, lessons, "2_bridge.ipynb")
    run_cell(page, "lesson(")
    bring(page, "Break it")
    run_cell(page, "ip addr add 192.168.1.101/24 dev veth102")
    judged = run_cell(page, 'exercise("one-owner")')
    expect(judged).to_contain_text("✗")
    expect(judged).not_to_contain_text("forwarding")
    number = next(n for n, cell in enumerate(cells("2_bridge.ipynb")) if "one-owner" in cell.source) - 1
    write_number(page, number, "%%lab\nip netns exec ns102 ip addr del 192.168.1.101/24 dev veth102")
    run_number(page, number)
    judged = run_cell(page, 'exercise("one-owner")')
    expect(judged).not_to_contain_text("forwarding")
    write_number(page, number, "%%lab\nip netns exec ns100 ip neigh flush all")
    run_number(page, number)
    judged = run_cell(page, 'exercise("one-owner")')
    expect(judged).not_to_contain_text("✗")
    expect(judged).to_contain_text("yes: ns100 reaches 192.168.1.101")


def test_drill_names_no_fault_and_a_blank_check_no_cause(page, lessons):
    """Row 5: the ticket of lesson 6 is a symptom; hints and checks are buttons."""
    opened(page, lessons, "6_break_it.ipynb")
    run_cell(page, "lesson(")
    text = all_text(page)
    for name, seed in set(DRILL.findall(text.replace("\\", ""))):
        fault = drills.fault(name, int(seed))
        assert fault.word not in text
        assert fault.explanation not in text
    run_cell(page, 'drill("direct-1"')
    judged = run_cell(page, "exercise(task)")
    expect(judged).to_contain_text("✗")
    judged.get_by_role("button", name=re.compile("Hint 1 of")).wait_for()
    judged.get_by_role("button", name="Check").wait_for()


@pytest.mark.no_lab
@pytest.mark.parametrize("name", ["3_flannel.ipynb", "4_calico.ipynb"])
def test_long_lesson_is_read_in_sixteen_screens(page, lessons, name):
    """Row 8: before anything runs, at 1280 by 900; what is optional is folded."""
    opened(page, lessons, name)
    dressed(page, 1280, "Light")
    height = page.locator(".jp-WindowedPanel-outer").last.evaluate("e => e.scrollHeight")
    assert height <= 16 * 900


def test_typed_prediction_may_have_units_blanks_and_capitals(page, lessons):
    """Row 9: “148 bytes” is no mistake where 148 is measured."""
    opened(page, lessons, "3_flannel.ipynb")
    run_cell(page, "lesson(")
    bring(page, "What does the tunnel cost, in bytes?")
    asked = run_cell(page, 'predict("bytes")')
    answer(page, asked, "50 Bytes")
    expect(run_cell(page, 'hold("bytes"')).to_contain_text("✓ You predicted 50 Bytes, and so it is")


def test_lessons_come_first_and_doing_them_changes_no_tracked_file(page, lessons, folder):
    """Row 11: what is open is a copy of one's own."""
    before = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True)
    opened(page, lessons, "0_start_here.ipynb")
    run_all(page)
    after = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True)
    assert after.stdout == before.stdout
    page.evaluate("window.jupyterapp.shell.activateById('filebrowser')")
    names = page.locator(".jp-DirListing-itemText").all_inner_texts()
    assert [name for name in names if name.endswith(".ipynb")] == LESSONS
    assert names[0] == "0_start_here.ipynb"
    assert (folder / ".answers").is_dir()


@pytest.mark.parametrize(("line", "hint"), [("pign -c 1 127.0.0.1", "ping"), ("ip lnik", "link")])
def test_typo_gets_its_hint(page, lessons, line, hint):
    opened(page, lessons, "0_start_here.ipynb")
    run_cell(page, "lesson(")
    write(page, "%%lab --draw", f"%%lab\n{line}")
    shown = run_cell(page, line)
    expect(shown).to_contain_text("Exit code")
    expect(shown.locator(".jp-OutputArea")).to_contain_text(hint)
