"""Which devices are ports of Open vSwitch? Its database, as `ovs-vsctl --format=json list TABLE` prints it.

A table is an object with `headings` and `data`; of a cell, `["uuid", "..."]` is a reference and `["set", [...]]`
several values, or none: ovs-vsctl(8), RFC 7047, section 5.1.
"""

from __future__ import annotations

import json
from typing import Any


def ports_of_switches(text: str) -> dict[tuple[str, int | None], str]:
    """The switch of each port, by the name and the number of its device.

    text: the tables Bridge, Port and Interface, a line each; empty when the program did not answer.
    """
    try:
        bridges, ports, interfaces = [_rows(json.loads(line)) for line in text.split("\n") if line.strip()]
    except (ValueError, KeyError, TypeError):
        return {}
    interfaces_of = {_one(port["_uuid"]): _several(port["interfaces"]) for port in ports}
    by_id = {_one(interface["_uuid"]): interface for interface in interfaces}
    found: dict[tuple[str, int | None], str] = {}
    for bridge in bridges:
        for port in _several(bridge["ports"]):
            for number in interfaces_of.get(port, []):
                interface = by_id.get(number, {})
                if isinstance(interface.get("ifindex"), int):  # else it is no device of the kernel
                    found[str(interface["name"]), interface["ifindex"]] = str(bridge["name"])
    return found


def _rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    columns = table["headings"]
    return [dict(zip(columns, row, strict=True)) for row in table["data"]]


def _several(cell: Any) -> list[str]:
    """The references in a cell: of one it is the reference itself."""
    if cell[0] == "set":
        return [_one(value) for value in cell[1]]
    return [_one(cell)]


def _one(reference: Any) -> str:
    return str(reference[1])
