"""What every reader of foreign text promises, whatever the text: held by tests, and by `make fuzz`."""

import contextlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vethlab_sh.claims.forms import understand
from vethlab_sh.errors import BadInput, OutputNotUnderstood, UnknownClaim
from vethlab_sh.node.explain import explain
from vethlab_sh.parsers import tcpdump
from vethlab_sh.tables import TABLES, clean
from vethlab_sh.wiring.characters import as_text
from vethlab_sh.wiring.layout import layout

# Texts that once broke a promise, as <reader>--<hash>.txt.
FINDS = Path(__file__).resolve().parent.parent / "fixtures" / "finds"


def rows_or_not_understood(name: str, printed: str) -> None:
    """The only two things that a parser may do; rows also fit the table's types."""
    rows, refused = [], None
    try:
        rows = TABLES[name].read(printed)
    except OutputNotUnderstood as error:
        refused = error
    assert refused is None or refused.line == printed.splitlines()[refused.number - 1]
    for row in rows:
        for column in TABLES[name].columns:
            value = row[column.name]
            wanted = (int, float) if column.type is float else column.type
            assert value is None or isinstance(value, wanted), (column.name, value)


def cleaned_and_read(name: str, printed: str) -> None:
    """The same for text with a terminal's signs in it."""
    rows_or_not_understood(name, clean(printed))


def packets_or_not_understood(printed: str) -> None:
    """What tcpdump says, which has no table, keeps the same promise."""
    rows, refused = [], None
    try:
        rows = tcpdump.parse(printed)
    except OutputNotUnderstood as error:
        refused = error
    assert refused is None or refused.line == printed.splitlines()[refused.number - 1]
    assert all(set(row) == set(tcpdump.COLUMNS) for row in rows)


def understood_or_unknown(claim: str) -> None:
    """A claim is of a form that can be checked, or is said not to be."""
    with contextlib.suppress(UnknownClaim):
        understand(claim)


def explained_or_bad_input(text: str) -> None:
    """A pasted session is explained, every line of it accounted for, or it is no text at all."""
    try:
        found = explain(text)
    except BadInput:
        return
    assert found.kinds.keys() == set(range(1, len(found.kinds) + 1))
    json.dumps(found.as_dict())
    str(found)
    layout(found.snapshot)
    as_text(found.snapshot)


PROMISES: dict[str, Callable[[str], None]] = {
    **{name.replace(" ", "_"): partial(cleaned_and_read, name) for name in TABLES},
    "tcpdump": packets_or_not_understood,
    "claim": understood_or_unknown,
    "explain": explained_or_bad_input,
}
