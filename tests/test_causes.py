"""Is the page of causes true? Every word has its meaning and stands there, and what it shows is what happens now."""

import re
from dataclasses import replace

import pytest
from conftest import ROOT
from faults import page, sums
from faults.cases import CASES
from faults.lines import build
from faults.misses import MISSES
from faults.page import Example, steady
from faults.play import Answer
from faults.run import Result
from faults.score import sentence_of

from vethlab_sh import Lab
from vethlab_sh.packet.causes.cause import MEANINGS, Cause

CASE = {case.id: case for case in CASES}
TEXT = (ROOT / page.PAGE).read_text()
# Each example of the page: its cause, its case and its Markdown.
EXAMPLES = [
    (part.partition("`")[0], CASE.get(found[1]), found[0])
    for part in TEXT.split("\n### `")[1:]
    for found in re.finditer(r"^\*\*.*\*\* \(`([^`]+)`.*?(?=^\*\*|^#|\Z)", part, re.MULTILINE | re.DOTALL)
]
PLAYED = [(word, case, text) for word, case, text in EXAMPLES[::9] if case and case.src and not case.needs]


def test_every_cause_has_a_meaning_that_is_a_sentence():
    assert set(MEANINGS) == set(Cause)
    assert [cause for cause in Cause if not re.fullmatch(r"\S[^\n]{20,99}\.", cause.meaning)] == []
    assert len(set(MEANINGS.values())) == len(Cause)


def test_every_cause_stands_on_the_page_with_its_meaning():
    for cause in Cause:
        assert f"| [`{cause}`](#{cause}) | {cause.meaning} |" in TEXT
    headings = re.findall(r"^### `(.*)`$", TEXT, re.MULTILINE)
    assert headings == [str(cause) for cause in Cause]


def test_every_example_is_a_case_that_there_is():
    assert len(EXAMPLES) > 40
    assert None not in [case for _, case, _ in EXAMPLES]
    for _, case, text in EXAMPLES:
        example = Example(case, Answer("named"), "fix-mends")
        assert case.title[1:] in text
        assert "\n".join(example.planted) in text
        if example.network:
            assert page.laid(example.network) in TEXT


@pytest.mark.live
@pytest.mark.parametrize(("word", "case", "text"), PLAYED, ids=lambda one: getattr(one, "id", ""))
def test_example_is_told_as_on_the_page(word, case, text):
    with Lab() as lab:
        assert build(lab, case) == []
        walk = lab.walk(case.src, case.dst, **case.how)
    assert (walk.cause, walk.ok) == (word, False)
    example = Example(case, Answer("named", sentence=sentence_of(walk)), "fix-mends")
    assert f"\n> {steady(example.answer.sentence, example.text)}\n" in text


def answered(name, fix="fix-mends", **changes):
    """A result as a run has it: named, with a cause and evidence."""
    answer = Answer("named", sentence="no", evidence="the line", ok=False, cause="device-down", proof=True)
    return Result(CASE[name], replace(answer, **changes)), fix


def test_examples_are_named_and_none_fails_to_mend(monkeypatch):
    told = [
        answered("own-end-down"),
        answered("last-cable-down", "fix-no-help"),
        answered("far-end-down", evidence=""),
        answered("bridge-down", score="unsure"),
        answered("echo-ignored", cause="echo-ignored"),
    ]
    scores = {result.case.id: fix for result, fix in told}
    monkeypatch.setattr(Result, "fix", property(lambda self: scores[self.case.id]))
    examples = page.examples_of(result for result, _ in told)
    assert [one.case.id for one in examples[Cause.DEVICE_DOWN]] == ["own-end-down"]
    assert [one.case.id for one in examples[Cause.ECHO_IGNORED]] == ["echo-ignored"]
    assert examples[Cause.MTU] == []


def test_what_differs_from_run_to_run_is_not_on_the_page():
    drawn, ours = "a6:5c:11:22:33:44", "8e:2a:10:00:00:02"
    text = f"{drawn} asks {ours} and ff:ff:ff:ff:ff:ff, 0 received, time 815ms; {drawn}"
    named = "xx:xx:xx:xx:xx:01"
    assert steady(text, ours) == f"{named} asks {ours} and ff:ff:ff:ff:ff:ff, 0 received, time T ms; {named}"


def test_sums_are_written_between_their_marks():
    good, _ = answered("own-end-down")
    missed = Result(CASE["bridge-down"], Answer("unsure", ok=False))
    before = f"begin\n{sums.BEGIN}\nold\n{sums.END}\nend\n"
    after = sums.with_sums(before, [good, missed])
    assert after.startswith("begin\n")
    assert after.endswith("\nend\n")
    assert "old" not in after
    assert "| **all** | 2 | 1 | 1 | 0 | 0 |" in after
    assert "- `bridge-down` (unsure): br0 is down." in after
    with pytest.raises(ValueError, match="no marks"):
        sums.with_sums("begin\nend\n", [good])


def test_page_about_walks_has_sums_and_misses_are_of_cases():
    walks = (ROOT / sums.PAGE).read_text()
    inside = walks.partition(sums.BEGIN)[2].partition(sums.END)[0]
    assert "| **all** |" in inside
    assert [name for name in MISSES if name not in CASE] == []
