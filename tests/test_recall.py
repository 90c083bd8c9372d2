"""What lessons asked is asked again: when it is due, judged by a live lab at its place, or not at all."""

import json
import os
import time
from dataclasses import asdict
from datetime import date, timedelta

import nbformat
import pytest
from nbclient import NotebookClient

from vethlab_sh.lessons import answers, questions, recall, script

LESSONS = questions.lessons()
DAY = 24 * 60 * 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's folder."""
    monkeypatch.delenv("VETHLAB_ANSWERS", raising=False)
    return tmp_path


def finish(folder, lesson, days_ago=2, without=()):
    """Answer all questions of a lesson and do its exercises, some days ago."""
    asked = questions.read(lesson)
    given = answers.Answers(lesson)
    for name in asked.questions:
        given.answers[name] = answers.Answer("?", final=name not in without)
    given.done = dict.fromkeys(asked.tasks, "done")
    file = answers.path(lesson, folder)
    answers.write(file, json.dumps(asdict(given)))
    then = time.time() - days_ago * DAY
    os.utime(file, (then, then))


def typed(folder, text):
    """Lines as somebody types them."""
    file = folder / "typed"
    file.write_text(text)
    return file.open()


def names(waiting):
    return [again.key for again in waiting]


def test_finished_lessons_are_asked_again_and_others_are_not(folder):
    assert recall.waiting(folder) == []
    finish(folder, "2_bridge")
    finish(folder, "1_direct_pair", without=["down"])
    assert names(recall.waiting(folder)) == ["2_bridge/ttl", "2_bridge/ports", "2_bridge/nomaster"]
    assert "1_direct_pair/ttl" in names(recall.waiting(folder, "1_direct_pair"))
    assert "1_direct_pair/down" not in names(recall.waiting(folder, "1_direct_pair"))
    with pytest.raises(questions.UnknownLesson, match="Did you mean '2_bridge'"):
        recall.waiting(folder, "2_brige")


def test_what_is_right_waits_longer_each_time_and_what_is_wrong_a_day(folder):
    finish(folder, "2_bridge", days_ago=0)
    today = date.today()
    assert recall.waiting(folder)[0].day == today + timedelta(days=1)
    distances = []
    for right in (True, True, True, False, True):
        (again,) = (again for again in recall.waiting(folder) if again.key == "2_bridge/ttl")
        recall.keep(folder, again, right, today)
        (again,) = (again for again in recall.waiting(folder) if again.key == "2_bridge/ttl")
        distances.append((again.day - today).days)
    assert distances == [3, 7, 16, 1, 3]


def test_what_is_kept_and_is_not_ours_counts_for_nothing(folder):
    finish(folder, "2_bridge")
    for text in ("no JSON", "[1]", '{"2_bridge/ttl": {"right": 1, "day": "yesterday"}}', '{"2_bridge/ttl": 3}'):
        answers.write(answers.path("recall", folder), text)
        assert len(recall.waiting(folder)) == 3


def test_no_question_is_asked_that_nothing_can_judge(folder):
    for lesson in LESSONS:
        finish(folder, lesson)
        for again in recall.waiting(folder, lesson):
            asked = again.question
            assert not asked.choices or list(asked.choices.values()).count("") == 1
            assert asked.choices or (asked.measure and asked.needs)
    assert "5_flannel_or_calico/wire" not in names(recall.waiting(folder))


@pytest.mark.live
@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if lesson != "8_open_vswitch"])  # test_ovs.py asks it
def test_lab_comes_to_the_place_of_each_question(lesson):
    """Of each question that the notebook asks its own lab: it is asked there again, and says what the lesson says."""
    places = script.read(lesson).places
    for name, asked in questions.read(lesson).questions.items():
        if name in places and (asked.choices or asked.needs):
            judgement = recall.judge(recall.Again(lesson, "", asked, date.today(), 0))
            assert (judgement.truth != "", judgement.remark) == (True, ""), name
            assert judgement.ran, name


@pytest.mark.live
def test_lab_that_is_somewhere_else_judges_nothing(lab):
    asked = questions.read("2_bridge").questions["ttl"]
    elsewhere = recall._ask(lab, asked, script.Place(()), "64")
    assert elsewhere.truth == ""
    assert "did not come to the place" in elsewhere.remark
    other = recall._ask(lab, questions.Question("x", "?", {"1": "One."}, "echo 1"), script.Place(()), "2")
    assert other.truth == ""
    assert "This lab says 1 where the lesson says 2" in other.remark


@pytest.mark.live
def test_terminal_asks_tells_each_choice_and_remembers(folder, vethlab):
    finish(folder, "2_bridge")
    told = vethlab("recall", "--folder", str(folder), stdin=typed(folder, "x\nb\n\n"))
    assert (told.returncode, told.stderr) == (0, "")
    text = " ".join(told.stdout.split())
    assert "1 of 3, from 2_bridge" in text
    assert "No: you said 63; the kernel says 64. 63 would arrive if the bridge were a router." in text
    assert "- 62: 62 would arrive after two routers." in text
    assert "Skipped: it stays due." in text
    assert "0 of 1 right." in text
    rows = json.loads(vethlab("recall", "--folder", str(folder), "--json").stdout)
    assert [row["question"] for row in rows] == ["ports", "nomaster"]
    assert "yes" in rows[1]["choices"]
    assert not {"because", "measure"} & set(rows[0])
    rest = vethlab("recall", "--folder", str(folder), "--early", "2_bridge", stdin=typed(folder, "\n\na\n"))
    assert "Right: the kernel says" in rest.stdout or "No: you said" in rest.stdout


def test_who_has_finished_nothing_is_told(folder, vethlab):
    told = vethlab("recall", "--folder", str(folder))
    assert (told.returncode, told.stderr) == (0, "")
    assert "is finished yet" in " ".join(told.stdout.split())
    finish(folder, "2_bridge", days_ago=0)
    told = vethlab("recall", "--folder", str(folder))
    assert "Nothing is due today" in told.stdout
    assert vethlab("recall", "--folder", str(folder), "nosuch").returncode == 2


CELLS = """
import datetime
from pathlib import Path
from IPython.display import display
from vethlab_sh.lessons import recall as course
from vethlab_sh.notebook import again
for told in again._judged(course.waiting(Path())[0], "62", datetime.date.today()):
    display(told, raw=True)
"""


@pytest.mark.live
def test_notebook_asks_what_is_due_and_is_silent_where_nothing_is_finished(folder):
    def shown(*cells):
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in ("%load_ext vethlab_sh", *cells)]
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
        return [json.dumps(cell.outputs) for cell in notebook.cells[1:]]

    assert shown("recall()") == ["[]"]
    finish(folder, "2_bridge")
    asked, judged = shown("recall()", CELLS)
    assert asked.count("(from 2_bridge)") == 6  # three questions, as text and as HTML
    assert "No: you said 62; the kernel says 64. 62 would arrive after two routers." in judged
    assert "63: 63 would arrive if the bridge were a router." in judged
    assert "2_bridge/ttl" not in names(again for again in recall.waiting(folder) if again.day <= date.today())
