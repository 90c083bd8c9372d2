"""Which devices are ports of Open vSwitch? A row an interface of `ovs-vsctl show`, with its port and its switch.

It prints what is in the database, of each thing the columns that are not empty (cmd_show_tables of ovs-vsctl.c). Each
line says by its first word what it is about, so that it is read also where blanks were lost. See ovs-vsctl(8).

>>> row = parse('Bridge br-int\\n Port "tap1"\\n tag: 10\\n Interface "tap1"')[0]
>>> row["interface"], row["bridge"], row["tag"]
('tap1', 'br-int', 10)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..language import marked, tr
from .words import NUMBER, Columns, Row, RowReader, Words

COMMAND = "ovs-vsctl show"
COLUMNS: Columns = {
    "interface": (str, marked("the device, or the name of what is none; missing for a switch without ports")),
    "bridge": (str, marked("the switch")),
    "port": (str, marked("the port; of a bond it has several interfaces")),
    "type": (
        str,
        marked("internal: of the switch itself; patch: to another switch; vxlan, geneve ...; missing: a device"),
    ),
    "tag": (int, marked("the one VLAN that the port is in")),
    "trunks": (str, marked("the VLANs that the port carries; missing, where tag is too: all")),
    "peer": (str, marked("of a patch port, the other end")),
    "remote_ip": (str, marked("of a tunnel, the other end; flow: flows say it")),
    "options": (str, marked("options as printed")),
    "error": (str, marked("why the switch cannot use it")),
    "datapath": (
        str,
        marked("what moves the frames: missing or system: the kernel's module; netdev: the program itself"),
    ),
    "fail_mode": (
        str,
        marked("without a controller: standalone, or missing: a learning switch; secure: its flows alone"),
    ),
}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|([^"\s,{}\[\]]+)')
OPTION = re.compile(r'([\w-]+)=("(?:[^"\\]|\\.)*"|[^",{}\s]+)')
OPTIONS = re.compile(rf"\{{(?:{OPTION.pattern}(?:, {OPTION.pattern})*)?\}}")
NUMBERS = re.compile(r"\[\d{1,4}(, ?\d{1,4})*\]", re.ASCII)
ELSEWHERE = ("Manager", "Controller")  # whom the program listens to
PASSED_OVER = ("ovs_version:", "is_connected:")


def parse(printed: str) -> list[Row]:
    """Rows of `ovs-vsctl show`, one per interface."""
    return _Reader.read(printed).rows


def begins(printed: str) -> list[int]:
    """The line in which each row begins, from 1."""
    return _Reader.read(printed).lines


class _Reader(RowReader):
    """The state while the lines are read: the switch, the port and the interface that they are about."""

    COMMAND = COMMAND
    EMPTY = dict.fromkeys(COLUMNS)

    def __init__(self) -> None:
        super().__init__()
        self._bridge: Row = {}
        self._port: Row = {}

    def take(self, words: Words) -> None:
        """Read one line."""
        word = words.take()
        if word in THINGS:
            THINGS[word](self, words)
        elif word in VALUES:
            VALUES[word](self, words)
        elif word in ELSEWHERE:
            _name(words)
        elif word in PASSED_OVER:
            words.rest()
        elif not UUID.fullmatch(word):
            raise words.unknown(word)
        words.end()

    def bridge(self, words: Words) -> None:
        """`Bridge br-int`, which is a row until an interface of it comes."""
        self._bridge = {"bridge": _name(words)}
        self._port = {}
        self.add(words, self._bridge)

    def port(self, words: Words) -> None:
        """`Port tap1`."""
        self._in(words, self._bridge)
        self._port = {"port": _name(words)}

    def interface(self, words: Words) -> None:
        """`Interface tap1`."""
        self._in(words, self._port)
        if self.rows[-1]["interface"] is None:
            self.rows.pop()
            self.lines.pop()
        self.add(words, self._bridge | self._port | {"interface": _name(words)})

    def of_bridge(self, column: str, words: Words) -> None:
        """`fail_mode: secure`."""
        self._in(words, self._bridge)
        self._bridge[column] = self.rows[-1][column] = _name(words)

    def of_port(self, column: str, value: Any, words: Words) -> None:
        """`tag: 10`, which stands before the interfaces of the port."""
        self._in(words, self._port)
        self._port[column] = value

    def of_interface(self, words: Words, **values: str | None) -> None:
        """`type: patch`."""
        if not self.rows or self.rows[-1]["interface"] is None:
            raise words.unknown(words.text.split()[0])
        self.rows[-1].update(values)

    def _in(self, words: Words, above: Row) -> None:
        """What is above must be there."""
        if not above:
            raise words.unknown(words.text.split()[0])


def _name(words: Words) -> str:
    """What is left: a name, bare or in quotes."""
    text = words.rest()
    quoted = QUOTED.fullmatch(text)
    if not quoted:
        raise words.unknown(text or tr("(end of line)"))
    return quoted[1] if quoted[1] is not None else quoted[2]


def _tag(reader: _Reader, words: Words) -> None:
    reader.of_port("tag", words.take_int(), words)


def _trunks(reader: _Reader, words: Words) -> None:
    """`trunks: [10, 20]`; of one VLAN it prints `trunks: 10`."""
    text = words.rest()
    if not NUMBERS.fullmatch(text) and not NUMBER.fullmatch(text):
        raise words.unknown(text or tr("(end of line)"))
    reader.of_port("trunks", text.strip("[]"), words)


def _type(reader: _Reader, words: Words) -> None:
    reader.of_interface(words, type=_name(words))


def _options(reader: _Reader, words: Words) -> None:
    """`options: {key=flow, remote_ip="10.4.0.22"}`."""
    text = words.rest()
    if not OPTIONS.fullmatch(text):
        raise words.unknown(text or tr("(end of line)"))
    values = {name: value.strip('"') for name, value in OPTION.findall(text)}
    reader.of_interface(
        words,
        options=text.strip("{}") or None,
        peer=values.get("peer"),
        remote_ip=values.get("remote_ip"),
    )


def _error(reader: _Reader, words: Words) -> None:
    reader.of_interface(words, error=_name(words))


def _fail_mode(reader: _Reader, words: Words) -> None:
    reader.of_bridge("fail_mode", words)


def _datapath(reader: _Reader, words: Words) -> None:
    reader.of_bridge("datapath", words)


Taker = Callable[[_Reader, Words], None]
THINGS: dict[str, Taker] = {"Bridge": _Reader.bridge, "Port": _Reader.port, "Interface": _Reader.interface}
VALUES: dict[str, Taker] = {
    "tag:": _tag,
    "trunks:": _trunks,
    "type:": _type,
    "options:": _options,
    "error:": _error,
    "fail_mode:": _fail_mode,
    "datapath_type:": _datapath,
}
