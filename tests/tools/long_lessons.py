"""What the suite does with the short lessons, for those with nodes and with Open vSwitch: `make test-exercises`."""

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import test_notebooks
from exercises import CASES, course

from vethlab_sh.lessons import questions, recall

OVS = "8_open_vswitch"
LESSONS = ["3_flannel", "4_calico", "5_flannel_or_calico", "7_your_own_node", OVS]

pytestmark = pytest.mark.live


@pytest.mark.parametrize(("lesson", "exercise"), [(lesson, name) for lesson in LESSONS for name in CASES[lesson]])
def test_exercise_passes_only_when_it_is_right(lesson, exercise):
    assert course(lesson, exercise) == [False, False, True, False]


def test_lesson_of_open_vswitch_is_right_in_a_notebook_and_blank_runs_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setenv("VETHLAB_ANSWERS", str(tmp_path))
    test_notebooks.test_blank_lesson_runs_to_its_end_with_hints(f"{OVS}.ipynb")
    test_notebooks.test_solved_lesson_is_right_in_every_answer(f"{OVS}.ipynb")


@pytest.mark.parametrize("name", questions.read(OVS).questions)
def test_lab_comes_to_the_place_of_each_question_of_open_vswitch(name):
    asked = questions.read(OVS).questions[name]
    judgement = recall.judge(recall.Again(OVS, "", asked, date.today(), 0))
    assert (judgement.truth != "", judgement.remark) == (True, "")
    assert judgement.ran
