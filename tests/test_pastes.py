"""Pastes in the manner of public threads, each with what a careful reader finds in it, and what he does not say.

Beside each text stand the expected facts: machines (every place that anything is said of), rows (of each table), joins
(the cables with both ends), finding (the network of a machine), wrong (each cause with the lines that show it), unknown
(the lines that are listed as not understood), and words that must be said, or must not.
"""

import json
from pathlib import Path

import pytest

from vethlab_sh import explain

PASTES = sorted(Path(__file__).with_name("pastes").glob("*.txt"))
IDS = [paste.stem for paste in PASTES]


@pytest.fixture(scope="module", params=PASTES, ids=IDS)
def read(request):
    """The explanation of a paste, and what is expected of it."""
    expected = json.loads(request.param.with_suffix(".json").read_text())
    return explain(request.param.read_text()), expected


def test_there_are_forty_and_more():
    assert len(PASTES) > 40


def test_machines_are_those_that_the_text_names(read):
    found, expected = read
    names = {space.namespace for space in found.snapshot.rows.namespaces}
    assert {name for name in names if "(line" not in name or name in expected["machines"]} == {
        name for name in expected["machines"] if not name.startswith("container of")
    }
    kinds = {space.namespace: space.kind for space in found.snapshot.rows.namespaces}
    for name, kind in expected.get("kinds", {}).items():
        assert kinds[name] == kind


def test_every_row_is_there(read):
    found, expected = read
    rows: dict[str, int] = {}
    for output in found.outputs:
        rows[output.name] = rows.get(output.name, 0) + len(output.rows)
    if "rows" in expected:
        assert rows == expected["rows"]
    for table, column, value in expected.get("cells", []):
        assert any(row[column] == value for output in found.outputs if output.name == table for row in output.rows)


def test_addresses_are_where_they_belong(read):
    found, expected = read
    has = {(one.namespace, one.dev, one.address) for one in found.snapshot.rows.addresses}
    assert {tuple(one) for one in expected.get("addresses", [])} <= has
    assert not {tuple(one) for one in expected.get("not_addresses", [])} & has


def test_cables_are_joined_as_the_text_tells(read):
    found, expected = read
    ends = set()
    for cable in found.cables:
        if cable.name and cable.peer:
            ends.add(frozenset((f"{cable.namespace} {cable.name}", f"{cable.peer_namespace} {cable.peer}")))
    assert ends == {frozenset(pair) for pair in expected["joins"]}


def test_networks_are_told_by_signs_that_hold_together(read):
    found, expected = read
    networks = {finding.machine or "": finding.network for finding in found.findings}
    for machine, network in expected.get("finding", {}).items():
        assert networks[machine] == network


def test_what_is_wrong_is_told_with_its_lines(read):
    found, expected = read
    wrong: dict[str, set[int]] = {}
    for fault in found.faults:
        wrong.setdefault(str(fault.cause), set()).update(fault.lines)
    assert {cause: sorted(lines) for cause, lines in wrong.items()} == expected["wrong"]


def test_nothing_disappears(read):
    found, expected = read
    if "unknown" in expected:
        assert [lines.line for lines in found.unknown_lines] == expected["unknown"]
    assert found.kinds.keys() == set(range(1, len(found.kinds) + 1))


def test_nothing_is_said_that_the_text_does_not_show(read):
    found, expected = read
    said = str(found)
    for words in expected.get("says", []):
        assert words in said
    for words in expected.get("silent", []):
        assert words not in said
    for words in expected.get("notes", []):
        assert any(words in note for note in found.notes)
