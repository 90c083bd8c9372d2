"""What a table is like on a page of some width."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vethlab_sh.terminal import page
from vethlab_sh.terminal.page import Page

CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc ,:é", max_size=40))
COMPARED = [
    {"question": "entries for each other node", "flannel": "3: route, neighbour, FDB entry", "calico": "1: route"},
    {"question": "without default route, pod-a loses", "flannel": "nothing", "calico": "everything (every pod)"},
]


@given(st.lists(st.fixed_dictionaries(dict.fromkeys("abcd", CELLS)), max_size=5), st.integers(20, 200))
def test_table_is_never_wider_than_the_page(rows, width):
    assert all(len(line) <= width for line in Page(width).table(rows, "abcd").splitlines())


@pytest.mark.parametrize("width", [50, 60, 80])
def test_long_cells_are_wrapped_before_a_column_is_lost(width):
    table = Page(width).table(COMPARED, COMPARED[0])
    assert table.split()[:3] == ["question", "flannel", "calico"]
    assert "no room" not in table
    words = {word for row in COMPARED for cell in row.values() for word in cell.split()}
    assert words <= set(table.split())


def test_a_whole_text_in_a_cell_is_wrapped_too():
    row = {"what": "a private network world", "to do": "word " * 80}
    assert Page(80).table([row], row).split().count("word") == 80


def test_wrapped_cell_is_told_from_a_new_row():
    lines = Page(60).table(COMPARED, COMPARED[0]).splitlines()
    assert sum(not line.startswith(" ") for line in lines) == 1 + len(COMPARED)


def test_what_has_no_room_is_named():
    row = {"name": "eth0", "address": "fe80::9c5e:44ff:fe0e:2f1/64", "mtu": 1500}
    assert Page(38).table([row], row).splitlines()[-1] == "(no room for mtu)"


def test_examples_in_transcript_run():
    result = doctest.testmod(page)
    assert result.attempted
    assert not result.failed
