"""An exercise passes only when it is right: undone, half done, done otherwise, and done and spoilt.

Done as the lesson does it: test_notebooks.py. Lessons of nodes: `make test-exercises`.
"""

import pytest
from exercises import CASES, course

from vethlab_sh.lessons import questions

QUICK = ["0_start_here", "1_direct_pair", "2_bridge"]


def test_each_exercise_has_a_case():
    for lesson in questions.lessons():
        assert list(CASES.get(lesson, {})) == list(questions.read(lesson).tasks), lesson


@pytest.mark.live
@pytest.mark.parametrize(("lesson", "exercise"), [(lesson, name) for lesson in QUICK for name in CASES[lesson]])
def test_exercise_passes_only_when_it_is_right(lesson, exercise):
    assert course(lesson, exercise) == [False, False, True, False]
