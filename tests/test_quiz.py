"""Fifteen questions before and after: each has one right choice, and a lab prints it; reasons come the second time."""

import json
from datetime import date

import pytest
from conftest import ROOT

from vethlab_sh import Lab
from vethlab_sh.lessons import quiz

ITEMS = quiz.items()


def typed(folder, text):
    """Lines as somebody types them."""
    file = folder / "typed"
    file.write_text(text)
    return file.open()


def test_each_question_has_one_right_choice_and_a_reason_for_each_wrong_one():
    assert len(ITEMS) == 15
    for item in ITEMS:
        words = list(item.question.choices.values())
        assert words.count("") == 1, item.question.name
        assert len(words) >= 3
        assert item.belief
        assert item.question.because
    assert len({item.right for item in ITEMS}) > 10, "the right one is no pattern"


def test_page_holds_every_question_and_is_what_the_verb_prints():
    page = (ROOT / "docs" / "quiz.md").read_text()
    assert page == "\n".join(quiz.page()) + "\n", "make quiz"


@pytest.mark.live
@pytest.mark.parametrize("scenario", ["direct", "bridge", "flannel", "calico"])
def test_lab_prints_the_right_choice_of_each_question(scenario):
    """Those that change nothing in one lab; the others each in its own."""
    of_it = [item for item in ITEMS if item.scenario == scenario]
    looks = [item for item in of_it if not item.lines]
    with Lab() as lab:
        if looks:
            lab.play(scenario)
        for item in looks:
            ran = quiz.measured(lab, item)
            assert ran.out.strip() == item.right, (item.question.name, ran)
    for item in of_it:
        if item.lines:
            ran = quiz.show(item)
            assert ran.out.strip() == item.right, (item.question.name, ran)


@pytest.mark.live
def test_first_time_tells_a_score_and_the_second_each_reason(tmp_path, vethlab):
    right = "".join(f"{item.right}\n" for item in ITEMS)
    first = vethlab("quiz", "--folder", str(tmp_path), stdin=typed(tmp_path, "a\n" * 15))
    assert (first.returncode, first.stderr) == (0, "")
    known = sum(next(iter(item.question.choices)) == item.right for item in ITEMS)
    assert f"{known} of 15 right." in first.stdout
    assert not any(item.question.because[:30] in " ".join(first.stdout.split()) for item in ITEMS)
    wrong_once = right.replace(f"{ITEMS[0].right}\n", "b\n", 1)
    second = vethlab("quiz", "--folder", str(tmp_path), stdin=typed(tmp_path, wrong_once))
    text = " ".join(second.stdout.split())
    assert f"14 of 15 right; on {date.today()} it was {known}." in text
    assert "It would be so if the containers sent their packets to the bridge." in text
    assert "ip netns exec ns100 ping" in text, "a lab shows what was wrong"
    kept = json.loads((tmp_path / ".answers" / "quiz.json").read_text())
    assert len(kept) == 2


def test_who_stops_in_the_middle_has_answered_nothing(tmp_path, vethlab):
    ended = vethlab("quiz", "--folder", str(tmp_path), stdin=typed(tmp_path, "a\nz\n\n"))
    assert ended.returncode == 0
    assert "'z' is none of these: a, b, c" in ended.stdout
    assert "nothing is kept" in ended.stdout
    assert quiz.sittings(tmp_path) == []
    (tmp_path / ".answers").mkdir()
    (tmp_path / ".answers" / "quiz.json").write_text('[{"day": 3}]')
    assert quiz.sittings(tmp_path) == []
