"""A test that is wrong about whether it needs a lab fails: make check trusts the marks."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.live
CONFTEST = """
import live, pytest

pytest_collection_modifyitems = live.pytest_collection_modifyitems
pytest_sessionstart = live.pytest_sessionstart
pytest_runtest_protocol = live.pytest_runtest_protocol
pytest_runtest_call = live.pytest_runtest_call
pytest_sessionfinish = live.pytest_sessionfinish

@pytest.fixture
def machine_stays_as_it_was():
    pass
"""
TESTS = """
import subprocess, sys
import pytest
from vethlab_sh import Lab

DEMO = [sys.executable, "-m", "vethlab_sh", "demo", "direct", "--quiet"]

@pytest.fixture(scope="module")
def shared():
    with Lab() as lab:
        yield lab

@pytest.mark.live
def test_marked_and_makes_one():
    Lab().close()

@pytest.mark.live
def test_marked_and_starts_who_makes_one():
    subprocess.run(DEMO, check=True)

@pytest.mark.live
@pytest.mark.parametrize("makes", [False, True])
def test_marked_and_makes_one_in_some_case(makes):
    if makes:
        Lab().close()

@pytest.mark.live
def test_marked_and_has_one(shared):
    assert shared.alive

def test_unmarked_and_makes_none():
    pass

@pytest.mark.live
@pytest.mark.no_lab
def test_excepted_and_makes_none():
    pass

def test_WRONG_unmarked_and_makes_one():
    Lab().close()

def test_WRONG_unmarked_and_starts_who_makes_one():
    subprocess.run(DEMO)

@pytest.mark.live
@pytest.mark.no_lab
def test_WRONG_excepted_and_makes_one():
    Lab().close()

@pytest.mark.live
@pytest.mark.parametrize("number", [1, 2])
def test_WRONG_marked_and_makes_none(number):
    pass
"""


def test_wrong_marks_fail_and_right_ones_pass(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    words = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    ended = subprocess.run(
        [*words, "-p", "no:cacheprovider", "--color=no", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, env=os.environ,
    )  # fmt: skip
    failed = [line.split("::")[1].split()[0] for line in ended.stdout.splitlines() if line.startswith("FAILED")]
    assert sorted(failed) == [
        "test_WRONG_excepted_and_makes_one",
        "test_WRONG_marked_and_makes_none[2]",
        "test_WRONG_unmarked_and_makes_one",
        "test_WRONG_unmarked_and_starts_who_makes_one",
    ], ended.stdout
    assert "8 passed" in ended.stdout
