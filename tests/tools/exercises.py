"""What tests/test_exercises.py does, for the lessons with nodes: `make test-exercises`, not part of `make test`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from exercises import CASES, course

LESSONS = ["3_flannel", "4_calico", "5_flannel_or_calico", "7_your_own_node"]


@pytest.mark.live
@pytest.mark.parametrize(("lesson", "exercise"), [(lesson, name) for lesson in LESSONS for name in CASES[lesson]])
def test_exercise_passes_only_when_it_is_right(lesson, exercise):
    assert course(lesson, exercise) == [False, False, True, False]
