"""A lesson where no lab can be made: it is told as a recording, says so once, and judges what was recorded."""

import os
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT

from vethlab_sh.lessons import kept, questions

SOLVED = ROOT / "notebooks" / "solutions"
RIGHT, WRONG = "✓", "✗"
# An ordinary user in a user namespace of its own, in which no other may be made.
REFUSED = """
echo 0 >/proc/sys/user/max_user_namespaces
exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all "$@"
"""
PLACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "sh", "-ec", REFUSED, "sh")
PLAY = """
import sys
import nbformat
from nbclient import NotebookClient
for path in sys.argv[1:]:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    nbformat.write(notebook, path)
"""


def played(folder, *notebooks):
    """The notebooks, by name, after Run All in a place where namespaces are refused."""
    paths = [folder / f"{number}.ipynb" for number, _ in enumerate(notebooks)]
    for path, notebook in zip(paths, notebooks, strict=True):
        nbformat.write(notebook, path)
    words = [*PLACE, sys.executable, "-c", PLAY, *paths]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=environment(folder))
    assert ended.returncode == 0, ended.stderr
    return [codes(nbformat.read(path, as_version=4)) for path in paths]


def environment(folder):
    """What the kernels are started with: this checkout, and answers that are nobody's."""
    return os.environ | {"PYTHONPATH": str(ROOT), "VETHLAB_ANSWERS": str(folder / "answers")}


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def html(cell):
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def text(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def lesson(name, *cells):
    """A notebook with these cells behind the lesson's first."""
    first = f'%reload_ext vethlab_sh\nlesson("{name}")'
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (first, *cells)])


def test_each_lesson_shows_what_was_recorded_and_judges_every_answer(tmp_path):
    names = questions.lessons()
    solved = [nbformat.read(SOLVED / f"{name}.ipynb", as_version=4) for name in names]
    for name, cells in zip(names, played(tmp_path, *solved), strict=True):
        above, *others = cells
        assert html(above).count("No lab can be made here") == 1
        asked = {name for cell in others for _, name in kept.CALLED.findall(cell.source)}
        assert asked >= set(questions.read(name).questions)
        for cell, as_kept in zip(others, kept.read(name).cells[1:], strict=True):
            errors = [output for output in cell.outputs if output.output_type == "error"]
            assert not errors, (name, cell.source, errors)
            is_to_be_mended = cell.source.startswith("lab.check(")  # the verdict on what an exercise mends
            assert is_to_be_mended or WRONG not in html(cell), (name, cell.source)
            assert "No lab can be made" not in html(cell) + text(cell)
            if cell.source.startswith(("look(", "hold(")):
                assert RIGHT in html(cell), (name, cell.source)
            if cell.source.startswith("%%lab"):
                assert text(cell) == "".join("".join(output.get("text", "")) for output in as_kept.outputs)


CELLS = (
    'look("ttl")',
    'predict("ttl", answer="63")',
    'look("ttl")',
    "%%lab\nip link add br7 type bridge",
    "lab.draw(routes=False)",
    "1 + 1",
    "%%lab\n# your lines:",
    'exercise("third")',
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The cells of a learner who answers wrongly, and types what the lesson does not have."""
    (cells,) = played(tmp_path_factory.mktemp("own"), lesson("2_bridge", *CELLS))
    return cells[1:]


def test_answer_comes_first_and_a_wrong_one_hears_what_would_have_to_be_true(cells):
    before, _, after = cells[:3]
    assert "your answer comes first" in html(before)
    assert "64" not in html(before) + text(before)
    assert "You predicted 63; the kernel said 64. 63 would arrive if" in html(after)
    assert "ttl=[0-9]*" in text(after)  # the line that told it


def test_line_of_ones_own_is_told_in_one_sentence_and_is_no_error(cells):
    typed, python, summed, blank = cells[3:7]
    assert "not in the recording" in html(typed)
    assert "not in the recording" in html(python)
    assert summed.outputs[0].data["text/plain"] == "2"
    assert blank.outputs == []


def test_exercise_offers_its_hints_and_the_recorded_lines(cells):
    assert "this lesson has none here" in html(cells[7])
    assert any("widget-view" in kind for output in cells[7].outputs for kind in output.data)


@pytest.mark.parametrize("name", questions.lessons())
def test_answers_of_the_solved_lesson_are_those_of_its_questions(name):
    assert set(kept.read(name).truths) == set(questions.read(name).questions)


def test_cell_is_found_by_its_name_and_by_its_place():
    lessons = kept.read("1_direct_pair")
    alike = [cell for cell in lessons.cells if cell.source.strip() == "%%lab"]
    first, second, *_ = alike
    assert lessons.find("%%lab\n# your lines:", second.name) == second
    assert lessons.find("%%lab\n# your lines:", "", first.number) == second
    assert lessons.find("%%lab\nip link add br7 type bridge") is None


def test_cell_with_given_lines_is_known_as_the_learner_gets_it():
    lessons = kept.read("2_bridge")
    learners = nbformat.read(ROOT / "notebooks" / "2_bridge.ipynb", as_version=4)
    (given,) = [cell.source for cell in codes(learners) if cell.source.startswith("%%lab --for third")]
    cell = lessons.find(given)
    assert cell
    assert cell.is_blank(given)
    assert not cell.is_blank(cell.solved)
