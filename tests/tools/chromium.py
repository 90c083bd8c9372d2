"""Debian's chromium, driven by playwright. A test file takes it by `pytest_plugins = ["chromium"]`.

Screenshots are kept in tests/screenshots, to be looked at.
"""

import os
import shutil

import pytest
from conftest import ROOT
from playwright.sync_api import sync_playwright

SHOTS = ROOT / "tests" / "screenshots"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    # run with a user's home, it would leave files of root there
    os.environ["HOME"] = str(tmp_path_factory.mktemp("chromium"))
    SHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()
