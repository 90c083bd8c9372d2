"""The lessons: solved, as a learner gets them, with right, wrong and blank answers, side by side, and killed."""

import os
import re
import signal
import subprocess
import sys
from html import escape

import nbformat
import pytest
from conftest import ROOT, hold, inhabitants, until
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from vethlab_sh import scenarios
from vethlab_sh.drills.fault import laid
from vethlab_sh.inside import inside
from vethlab_sh.lessons import questions, script

FOLDER = ROOT / "notebooks"
QUESTIONS = {path.stem: questions.read(path.stem) for path in sorted((FOLDER / "questions").glob("*.toml"))}
LESSONS = sorted(path.name for path in (FOLDER / "solutions").glob("*.ipynb"))
OVS = "8_open_vswitch.ipynb"  # its lines run in test_ovs.py, and in a notebook by `make test-exercises`
PLAYED = [name for name in LESSONS if name != OVS]
SCENARIOS = {"1_direct_pair.ipynb": "direct", "2_bridge.ipynb": "bridge"}
TWO_NODES = {"3_flannel.ipynb": "flannel", "4_calico.ipynb": "calico"}
RIGHT, WRONG = "✓", "✗"


@pytest.fixture(autouse=True)
def answers_are_nobodys(tmp_path, monkeypatch):
    """What a notebook keeps of its answers goes with the test."""
    monkeypatch.setenv("VETHLAB_ANSWERS", str(tmp_path / "answers"))
    return tmp_path / "answers"


def played(notebook):
    """The notebook after Run All in a kernel of its own, started in the lessons' folder."""
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    return notebook


def lesson(*cells):
    """A small lesson of these cells, played."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in ("%load_ext vethlab_sh", *cells)]
    return played(notebook)


def read(name, solved=True):
    return nbformat.read(FOLDER / ("solutions" if solved else "") / name, as_version=4)


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def html(cell):
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def assert_clean(notebook):
    for cell in codes(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", (cell.source, output)


def assert_solved(notebook):
    """Every prediction is what the kernel says, every exercise is done, nothing fails that is not meant to."""
    for cell in codes(notebook):
        if cell.source.startswith(("look(", "exercise(")) or "hold(" in cell.source:
            assert RIGHT in html(cell), cell.source
            assert WRONG not in html(cell), (cell.source, html(cell))
        text = "".join(output.get("text", "") for output in cell.outputs)
        assert "(Exit code" not in text, cell.source
        assert "No module named" not in text, cell.source


@pytest.mark.live
@pytest.mark.parametrize("name", PLAYED)
def test_solved_lesson_is_right_in_every_answer(name):
    notebook = played(read(name))
    assert_clean(notebook)
    assert_solved(notebook)


@pytest.mark.live
@pytest.mark.parametrize("name", [name for name in PLAYED if name != "6_break_it.ipynb"])
def test_blank_lesson_runs_to_its_end_with_hints(name):
    notebook = played(read(name, solved=False))
    assert_clean(notebook)
    looks = [html(cell) for cell in codes(notebook) if cell.source.startswith("look(")]
    assert looks
    # An exercise that was left out may leave a later ping without an answer: that is told, too.
    assert all("Not asked yet: your answer comes first" in text for text in looks)
    exercises = [html(cell) for cell in codes(notebook) if cell.source.startswith("exercise(")]
    assert any(WRONG in text for text in exercises)


@pytest.mark.live
def test_blank_drill_is_judged_and_not_given_away():
    """The first of lesson 6; the others are alike, and each would wait for its pings."""
    notebook = read("6_break_it.ipynb", solved=False)
    second = next(n for n, cell in enumerate(notebook.cells) if cell.source.startswith("## 2."))
    notebook.cells = notebook.cells[:second]
    assert_clean(played(notebook))
    judged, explained = codes(notebook)[-2:]
    assert WRONG in html(judged)
    assert "explained when it is mended" in html(explained)


@pytest.mark.parametrize("name", LESSONS)
def test_kept_outputs_are_those_of_a_solved_lesson(name):
    notebook = read(name)
    assert_clean(notebook)
    assert_solved(notebook)
    assert [cell for cell in codes(notebook) if cell.outputs]
    assert not any(
        "widget-view" in kind for cell in codes(notebook) for o in cell.outputs for kind in o.get("data", {})
    )


def test_learners_copies_are_fresh():
    ended = subprocess.run([sys.executable, FOLDER / "make.py", "--check"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for name in LESSONS:
        for cell in codes(read(name, solved=False)):
            assert not cell.outputs
            assert not re.search(r"SOLUTION|answer=", cell.source)


@pytest.mark.parametrize("name", LESSONS)
def test_word_of_the_glossary_is_explained_once_where_it_is_first_used(name):
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.M)
    meanings = {escape(meaning.replace("`", "")): word for word, meaning in rows}
    prose = [cell.source for cell in read(name, solved=False).cells if cell.cell_type == "markdown"]
    explained = re.findall('<abbr title="([^"]+)">([^<]+)</abbr>', "\n".join(prose))
    assert len(explained) >= 3
    assert len({meaning for meaning, _ in explained}) == len(explained)
    for meaning, written in explained:
        assert written.lower().startswith(meanings[meaning].lower())
    headings = [line for text in prose for line in text.splitlines() if line.startswith("#")]
    assert "<abbr" not in "".join(headings)  # by which a section is found
    solved = [cell.source for cell in read(name).cells if cell.cell_type == "markdown"]
    assert [re.sub("</?abbr[^>]*>", "", text) for text in prose] == solved


@pytest.mark.parametrize("name", LESSONS)
def test_every_exercise_has_its_marks_for_nbgrader(name):
    for solved in (True, False):
        marks = {c.metadata.nbgrader.grade_id: c for c in codes(read(name, solved)) if "nbgrader" in c.metadata}
        checks = [cell for cell in codes(read(name, solved)) if cell.source.startswith("exercise(")]
        assert [cell.metadata.nbgrader.points for cell in checks] == [1] * len(checks)
        assert all(cell.metadata.nbgrader.locked for cell in checks)
        for cell in checks:
            answer = marks[cell.metadata.nbgrader.grade_id.replace("-check", "-answer")]
            assert answer.source.startswith("%%lab")
            assert answer.metadata.nbgrader.solution


@pytest.mark.live
def test_question_is_shown_as_it_was_asked():
    notebook = lesson("predict('end', \"Which is ns73's: < or >?\", ['<', '>'])")
    assert "Which is ns73's: &lt; or &gt;? (&lt; / &gt;)" in html(notebook.cells[1])


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_of_a_lesson_is_asked_and_judged_once(name):
    sources = "\n".join(cell.source for cell in codes(read(f"{name}.ipynb")))
    asked = re.findall(r'^predict\("([^"]+)"', sources, re.M)
    judged = re.findall(r'^(?:look|hold)\("([^"]+)"', sources, re.M)
    assert asked == judged == list(QUESTIONS[name].questions)
    exercises = re.findall(r'^exercise\("([^"]+)"', sources, re.M)
    assert exercises == list(QUESTIONS[name].tasks)


@pytest.mark.parametrize("name", QUESTIONS)
def test_cells_hold_neither_reason_nor_measurement_of_a_question(name):
    for cell in codes(read(f"{name}.ipynb", solved=False)):
        for asked in QUESTIONS[name].questions.values():
            assert asked.because not in cell.source
            assert not asked.measure or asked.measure not in cell.source


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_wrong_choice_is_told_what_would_make_it_true(name):
    notebook = read(f"{name}.ipynb")
    right = dict(re.findall(r'predict\("([^"]+)", answer="([^"]*)"', "\n".join(c.source for c in codes(notebook))))
    for asked in QUESTIONS[name].questions.values():
        for choice, feedback in asked.choices.items():
            assert bool(feedback) == (choice != right[asked.name]), (asked.name, choice)


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_exercise_of_a_lesson_has_lines_that_do_it(name):
    assert set(script.read(name).solutions) >= set(QUESTIONS[name].tasks)


def typed_on_master(notebook):
    """Every line of the `%%lab` cells."""
    lines = []
    for cell in codes(notebook):
        if cell.source.startswith("%%lab"):
            options, _, body = cell.source.partition("\n")
            machine = re.search(r"--at (\S+)", options)
            lines += [inside(machine[1] if machine else "master", line) for line in body.splitlines()]
    return lines


@pytest.mark.parametrize(("name", "scenario"), SCENARIOS.items())
def test_lesson_types_its_scenarios_lines_in_order(name, scenario):
    wanted = [inside(step.at, line) for step in scenarios.load(scenario).steps for line in step.lines]
    rest = iter(typed_on_master(read(name)))
    left = [line for line in wanted if line not in rest]
    assert left == []


@pytest.mark.parametrize(("name", "scenario"), TWO_NODES.items())
def test_lesson_of_two_nodes_lays_what_its_scenario_lays_in_order(name, scenario):
    """Typed, played or done by the learner; looks are the lesson's own, and one node that masquerades is enough."""
    left_out = re.compile(r"^ip netns exec node2 (iptables|sysctl -e)|^ip neigh flush")
    wanted = [line for line in laid(scenario, {}) if not left_out.search(line)]
    rest = iter(typed_on_master(read(name)))
    left = [line for line in wanted if line not in rest]
    assert left == []


@pytest.mark.parametrize("name", LESSONS)
def test_learner_types_a_line_for_each_four_that_are_given(name):
    """Typed are those with gaps, and those of an empty cell; hidden, optional and disordered ones are neither."""
    given = typed = given_before_optional = 0
    for cell, learners in zip(read(name).cells, read(name, solved=False).cells, strict=True):
        if cell.source.startswith("## Optional"):
            given_before_optional = given
        if name in TWO_NODES and cell.source.startswith("## What does not work, again"):
            given = given_before_optional
        if not cell.source.startswith("%%lab") or "--quiet" in cell.source:
            continue
        if learners.source == cell.source:
            given += len(cell.source.splitlines()) - 1
        elif "# your lines:" in learners.source:
            typed += len(cell.source.splitlines()) - 3
        else:
            typed += sum("___" in line for line in learners.source.splitlines()[2:])
    assert typed
    assert 4 * typed >= given, (typed, given)


def test_solved_lessons_name_no_folder_of_the_machine_that_ran_them():
    for name in LESSONS:
        text = (FOLDER / "solutions" / name).read_text()
        assert not re.search(r"/bin/python3? -m|site-packages", text), name


@pytest.mark.parametrize("name", QUESTIONS)
def test_given_lines_are_those_of_the_solution_in_another_order_or_with_gaps(name):
    for task, cell in script.read(name).solutions.items():
        given = QUESTIONS[name].tasks[task].given if task in QUESTIONS[name].tasks else ()
        solved = cell.lines.strip().splitlines()
        if any(questions.GAP in line for line in given):
            assert len(given) == len(solved)
            for with_gaps, line in zip(given, solved, strict=True):
                assert re.fullmatch(re.escape(with_gaps).replace(questions.GAP, r"\S+"), line), (with_gaps, line)
        elif given:
            assert sorted(given) == sorted(solved)
            assert list(given) != solved
        assert not given or cell.exercise == task, "it begins anew each time"


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_is_made_of_small_cells_and_links(name):
    notebook = read(name)
    assert notebook.cells[0].source.startswith("# ")
    assert "?" in notebook.cells[0].source.splitlines()[0]
    assert "| term | 中文 |" in notebook.cells[-1].source
    for cell in notebook.cells:
        assert "def " not in cell.source or cell.cell_type == "markdown"
        if cell.source.startswith("%%lab"):
            options, *typed = [line for line in cell.source.splitlines() if line and not line.startswith("###")]
            is_read = "--quiet" not in options and "--for" not in options  # neither played nor the learner's own
            assert len(typed) <= 8 or not is_read, cell.source
            assert ("--quiet" in options) == cell.metadata.get("jupyter", {}).get("source_hidden", False)
        for link in re.findall(r"\]\((\w+\.ipynb)\)", cell.source):
            assert (FOLDER / "solutions" / link).exists(), link


@pytest.mark.live
@pytest.mark.parametrize(
    ("answer", "told"),
    [("64", "You predicted 64, and so says the kernel. So."), ("63", "You predicted 63; the kernel says 64. So."),
     ("", "Not asked yet: your answer comes first")],
)  # fmt: skip
def test_prediction_right_wrong_and_blank(answer, told):
    notebook = lesson(f"predict('ttl', 'Which?', ['63', '64'], answer='{answer}')", "look('ttl', 'echo 64', 'So.')")
    assert_clean(notebook)
    assert told in html(notebook.cells[2])
    assert "Which?" in html(notebook.cells[1])


@pytest.mark.parametrize(
    ("answer", "truth", "same"),
    [
        ("148 bytes", "148", True),
        ("148bytes.", "148", True),
        (" 3 MAC addresses ", "3", True),
        (" Veth19689916@if2", "veth19689916", True),
        ("THE NODE", "the node", True),
        ("148", "14", False),
        ("veth1", "veth19", False),
        ("two", "2", False),
    ],
)
def test_unit_letter_case_blanks_and_other_end_are_no_mistake(answer, truth, same):
    assert questions.means_the_same(answer, truth) is same


SMALL = """
lesson("2_bridge")
from vethlab_sh.lessons.questions import Question, Questions, Task
it = lesson.__self__.of_lesson
it._asked = Questions(
    {"up": Question("up", "Up?", {"yes": "", "no": "It would be off."}, "echo yes", ("namespace ns7 exists",), "So.")},
    {"third": Task("third", ("namespace ns8 exists",), ("First.", "Second."))},
)
it._script.solutions["third"] = next(iter(it._script.solutions.values()))
"""


def small(*cells):
    return lesson(SMALL, *cells).cells[2:]


@pytest.mark.live
def test_wrong_choice_is_told_what_would_make_it_true():
    *_, judged = small("%%lab\nip netns add ns7", "predict('up', answer='no')", "look('up')")
    assert "You predicted no; the kernel says yes. It would be off. So." in html(judged)


@pytest.mark.live
def test_free_answer_that_is_near_is_told_what_would_make_it_true_and_is_counted():
    *_, top, _, judged = lesson('lesson("3_flannel")', 'predict("bytes", answer="36 bytes")', 'hold("bytes", 50)').cells
    assert "You predicted 36 bytes; it is 50. 36 it would be if" in html(judged)
    assert "14 of Ethernet, 20 of IP" in html(judged)
    assert "1 of 7 questions answered, 0 right" in html(top)


@pytest.mark.live
def test_cell_of_an_exercise_begins_anew_each_time_and_waits_for_each_gap():
    cells = lesson(
        'lesson("3_flannel")',
        "%%lab --for pod-b-inside\nip netns exec pod-b ip link set eth0 up\nip netns add more",
        "%%lab --for pod-b-inside\nip netns list",
        "%%lab --for pod-b-inside\nip netns add ___",
        "%%lab --for nosuch\ntrue",
    ).cells[2:]
    _, again, gap, unknown = ("".join(output.get("text", "") for output in cell.outputs) for cell in cells)
    assert "pod-b" in again
    assert "more" not in again
    assert "Nothing ran" in gap
    assert "pod-b-inside" in unknown, "those that there are"


@pytest.mark.live
def test_quiet_cell_says_how_many_lines_ran_and_shows_what_failed():
    quiet, failed = lesson(
        "%%lab --quiet\nip netns add ns1\nip netns list", "%%lab --quiet\nip netns add ns1\nip netns list"
    ).cells[1:]
    assert quiet.outputs[0].text.startswith("(2 lines ran;")
    assert "ns1\n" not in quiet.outputs[0].text
    assert "File exists" in failed.outputs[0].text
    assert "lines ran" not in failed.outputs[0].text


@pytest.mark.live
def test_class_votes_and_what_most_have_chosen_is_judged():
    _, asked, voted, judged, whole_lesson, next_class = small(
        "%%lab\nip netns add ns7",
        "predict('up', poll=True)",
        "from vethlab_sh.notebook import poll\nhands = {'yes': 4, 'no': 5}\nprint(poll.bars(hands))\n"
        "it._decided('up', poll.most(hands))",
        "look('up')",
        "import os\nos.environ['VETHLAB_POLL'] = '1'\npredict('up')",
        "lesson('2_bridge')\nprint(it.answers)",
    )
    assert "final=True" not in next_class.outputs[-1].text
    assert "Up?" in html(asked)
    assert "so far" not in html(asked)
    assert "To vote, run this cell" in html(whole_lesson)
    assert re.search(r"no +#{30} +5", voted.outputs[0].text)
    assert "You predicted no; the kernel says yes. It would be off." in html(judged)


@pytest.mark.live
def test_question_whose_lab_is_elsewhere_is_not_judged():
    _, judged = small("predict('up', answer='yes')", "look('up')")
    assert "The lab is not where this is asked, so nothing is judged" in html(judged)
    assert "namespace ns7 exists" in html(judged)
    assert "So." not in html(judged)


@pytest.mark.live
def test_answer_stands_when_its_cell_runs_again_and_in_the_next_kernel():
    answer = "it.answers.of('up').text = 'no'; it.answers.of('up').final = True; it.answers.save()"
    *_, again = small("predict('up')", answer, "predict('up')")
    assert "answer: <b>no</b>" in html(again)
    _, _, judged = small("%%lab\nip netns add ns7", "predict('up')", "look('up')")
    assert "You predicted no" in html(judged)


@pytest.mark.live
def test_answer_that_is_not_final_is_kept_and_not_judged():
    answer = "it.answers.of('up').text = 'yes'; it.answers.save()"
    _, again, judged = small(answer, "predict('up')", "look('up')")
    assert "so far: <b>yes</b>" in html(again)
    assert "Not asked yet" in html(judged)


@pytest.mark.live
def test_answers_that_are_not_ours_are_taken_for_none(answers_are_nobodys):
    answers_are_nobodys.mkdir()
    for text in ("", "{", "[]", '{"answers": {"up": {"song": 1}}, "done": {}, "hints": {}}', '{"answers": []}'):
        (answers_are_nobodys / "2_bridge.json").write_text(text)
        (asked,) = small("predict('up')")
        assert "Up?" in html(asked)


@pytest.mark.live
def test_progress_counts_what_was_answered_and_done():
    cells = small(
        "%%lab\nip netns add ns7\nip netns add ns8", "predict('up', answer='yes')", "look('up')", "exercise('third')",
        "it.answers.answers['ttl'] = it.answers.of('up'); it.answers.done['third'] = 'done'; it.answers.save()\n"
        "progress()",
    )  # fmt: skip
    assert_clean(nbformat.v4.new_notebook(cells=cells))
    row = re.search(r"<td[^>]*>2_bridge</td>(.*?)</tr>", html(cells[-1]), re.S)[1]
    assert re.findall(r">(\d+)<", row)[:5] == ["3", "1", "1", "4", "1"]


@pytest.mark.live
def test_measured_value_is_held_against_its_prediction():
    notebook = lesson(
        "predict('bytes', 'How many?', answer='50')\npredict('ttl', 'Which?', ['63', '64'])",
        "hold('bytes', 148 - 98, 'So.')",
        "hold('bytes', 0)",
        "hold('ttl', 64)",
    )
    right, wrong, blank = (html(cell) for cell in notebook.cells[2:])
    assert "You predicted 50, and so it is. So." in right
    assert "You predicted 50; it is 0." in wrong
    assert "Not asked yet" in blank
    assert_clean(notebook)


@pytest.mark.live
def test_cell_runs_in_the_lab_that_it_names():
    notebook = lesson(
        "from vethlab_sh import Lab\nother = Lab()",
        "%%lab --lab other\nip netns add there",
        "%%lab\nip netns list\necho end",
        "exercise('namespace there exists', lab=other)",
    )
    assert "there" not in "".join(output.text for output in notebook.cells[3].outputs if output.output_type == "stream")
    assert RIGHT in html(notebook.cells[4])


@pytest.mark.live
def test_exercise_says_what_is_right_and_the_first_that_is_not():
    notebook = lesson(
        "%%lab\nip link add tap1 type veth peer name tap2\nip link set tap1 up",
        "exercise('tap2 is the peer of tap1', 'tap2 is up', 'namespace ns9 exists')",
        "exercise('tap1 sings')",
    )
    done, unknown = html(notebook.cells[2]), html(notebook.cells[3])
    assert (done.count(RIGHT), done.count(WRONG)) == (1, 1)
    assert "tap2" in done
    assert "ns9" not in done
    assert "What can be checked" in unknown
    assert_clean(notebook)


@pytest.mark.live
def test_exercise_shows_neither_the_evidence_nor_the_fix():
    notebook = lesson(
        "%%lab\nip link add tap1 type veth peer name tap2\nip link set tap1 up",
        "exercise('tap1 is up')",
        "verdict = lab.check('tap1 is up')\nprint(verdict.fix, verdict.evidence.command, sep='\\n')",
    )
    shown = html(notebook.cells[2])
    fix, command = notebook.cells[3].outputs[0].text.splitlines()
    assert fix == "ip link set tap2 up"
    assert "tap2 in master is down" in shown
    assert fix not in shown
    assert command not in shown


@pytest.mark.live
def test_error_in_python_is_a_sentence_and_stops_there():
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in ("%load_ext vethlab_sh", "drill('no-mastre')", "1/0")]
    NotebookClient(notebook, allow_errors=True, timeout=60).execute()
    _, told, python = notebook.cells
    assert [output.output_type for output in told.outputs] == ["stream"]
    assert "Did you mean 'no-master'?" in told.outputs[0].text
    assert [output.output_type for output in python.outputs] == ["error"], "other errors are as they were"
    with pytest.raises(CellExecutionError, match="Did you mean"):
        lesson("drill('no-mastre')")


@pytest.mark.live
def test_misspelt_drill_leaves_the_one_under_way():
    notebook = lesson(
        "task = drill('direct-1')",
        "try:\n    drill('direct-x')\nexcept Exception as error:\n    print(type(error).__name__, task.lab.alive)",
    )
    assert notebook.cells[-1].outputs[0].text == "UnknownDrill True\n"


@pytest.mark.live
def test_explorer_walks_and_switches_and_says_by_which_command():
    notebook = lesson(
        "lab.play('bridge'); explore('ns100', 'ns101')",
        "from vethlab_sh.notebook.explorer import Explorer\nseen = Explorer(lab, 'ns101', 'ns100')\n"
        "seen.walk()\nprint(seen.said.value)",
        "seen.device.value = ('ns100', 'veth100')\nseen.state.value = 'down'\nprint(seen.said.value, seen.facts.value)",
        "seen.walk(); print(seen.facts.value)",
    )
    assert_clean(notebook)
    first, walked, switched, lost = notebook.cells[1:]
    assert "<svg" in html(first)
    assert "ns100 reached ns101" in html(first)
    assert "application/vnd.jupyter.widget-view+json" in first.outputs[0].data
    assert "ip netns exec ns101 ping -n -c 1 -i 0.2 -W 0.9 192.168.1.100" in walked.outputs[0].text
    assert "ip netns exec ns100 ip link set veth100 down" in switched.outputs[0].text
    assert "veth100 in ns100 was switched off" in switched.outputs[0].text
    assert "is down" in lost.outputs[0].text


@pytest.mark.live
def test_completion_knows_the_lab_as_it_is():
    notebook = lesson(
        "%%lab\nip netns add blue7",
        "from IPython.core.completer import provisionalcompleter\ncell = '%%lab\\nip netns exec blu'\n"
        "completer = get_ipython().Completer\n"
        "with provisionalcompleter():\n    print([c.text for c in completer.completions(cell, len(cell))])",
    )
    assert "'blue7'" in notebook.cells[2].outputs[0].text


@pytest.mark.live
def test_two_lessons_at_the_same_time_and_a_killed_one():
    def client(cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        return NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(FOLDER)}})

    cells = ["%load_ext vethlab_sh\nimport os\nlab.play('direct', until=5)\n"
             "print(lab.sandbox.pid, os.getpid())"]  # fmt: skip
    one, two = client(cells), client(cells)
    with one.setup_kernel(), two.setup_kernel():
        told = [c.execute_cell(c.nb.cells[0], 0).outputs[0].text.split() for c in (one, two)]
        worlds = [hold(f"/proc/{holder}/ns/net") for holder, _ in told]
        assert worlds[0] != worlds[1]
        assert all(inhabitants(world) for world in worlds)
        os.kill(int(told[1][1]), signal.SIGKILL)
        until(lambda: not inhabitants(worlds[1]), "the killed lesson's lab is gone")
        assert inhabitants(worlds[0])
    until(lambda: not inhabitants(worlds[0]), "the ended lesson's lab is gone")
