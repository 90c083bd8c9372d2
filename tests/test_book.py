"""What the site is made from: each part of the kit has its page there, and no drill's page tells the answer.

`make book` builds it, and `make test-book` looks at it in a browser.
"""

import importlib
import re
import sys

import pytest
from conftest import ROOT

import vethlab_sh
from vethlab_sh import cli, drills

BOOK = ROOT / "book"


@pytest.fixture(scope="module")
def book():
    """The modules in book/, as its make.py finds them."""
    sys.path.insert(0, str(BOOK))
    try:
        yield {name: importlib.import_module(name) for name in ("stories", "reference")}
    finally:
        sys.path.remove(str(BOOK))


@pytest.mark.parametrize("name", drills.names())
def test_page_of_a_drill_tells_its_ticket_and_not_its_answer(book, name):
    page, fault = book["stories"].story(name), drills.fault(name)
    assert fault.ticket in page
    assert page.count("<summary>Hint") == len(fault.hints)
    assert fault.word not in page
    assert fault.explanation not in page
    laid = page.partition("The lines that lay it")[2].partition("</details>")[0]
    told = page.replace(laid, "")
    for line in [*fault.plant, *(line for repair in fault.repairs for line in repair)]:
        assert line not in told, line


def test_every_verb_and_option_has_its_line_in_the_reference(book):
    page = book["reference"].commands()
    for add_verb in cli.VERBS:
        name = add_verb.__name__.removeprefix("add_")
        assert f"\n### {name}\n" in page
    assert "#### drill start" in page
    for option in ("--hosts N", "--seed seed", "--replay", "--pcapng FILE"):
        assert f"`{option}`" in page


def test_every_name_of_the_package_has_its_place_in_the_reference():
    page = (BOOK / "python.md").read_text()
    documented = set(re.findall(r"^\.\. auto\w+:: ([\w.]+)$", page, re.M))
    last_names = {path.rpartition(".")[2] for path in documented}
    assert set(vethlab_sh.__all__) <= last_names


def test_every_table_and_claim_has_its_line_in_the_reference(book):
    tables, claims = book["reference"].tables(), book["reference"].claims()
    for row in vethlab_sh.tables.listed():
        assert f"| `{row['column']}` |" in tables
    for form in vethlab_sh.vocabulary():
        assert f"`{form['claim']}`" in claims
