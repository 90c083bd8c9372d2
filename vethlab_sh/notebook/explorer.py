"""What happens if …? Controls for the live lab in a notebook: send a ping and step after it, switch devices off.

Everything that a control does is shown as the command that does it. Where no live front end shows the controls,
the same cell is a table and a picture.
"""

from __future__ import annotations

from html import escape
from typing import Any

from ..errors import LabError
from ..inside import inside
from ..lab import Lab
from ..packet.lookup import Tables
from ..packet.player import svg
from ..packet.probe import forgetting, probe
from ..packet.walk import Walk
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot
from ..wiring.layout import layout
from .lesson import show_widget


class Explorer:
    """The controls and what they show.

    src, dst: dropdowns of namespaces; cold: whether to forget first; go: the button; device, state: a switch;
    said: the commands that ran; shown: the player or the picture; facts: the table. `widget` holds them all.
    """

    def __init__(self, lab: Lab, src: str | None = None, dst: str | None = None) -> None:
        import ipywidgets as w

        self.lab = lab
        snapshot = lab.snapshot()
        ends = _ends(snapshot)
        src, dst = src or next(iter(ends), HOSTNAME), dst or next(reversed(ends), HOSTNAME)
        narrow = w.Layout(width="auto")
        self.src = w.Dropdown(options=ends or [HOSTNAME], value=src, description="from", layout=narrow)
        self.dst = w.Dropdown(options=ends or [HOSTNAME], value=dst, description="to", layout=narrow)
        self.cold = w.Checkbox(value=False, description="forget MAC addresses first", indent=False, layout=narrow)
        self.go = w.Button(description="Walk", button_style="primary", tooltip="send one ping and follow it")
        self.device = w.Dropdown(options=_devices(snapshot), description="device", layout=narrow)
        self.state = w.ToggleButtons(options=["up", "down"], style={"button_width": "5em"})
        self.said, self.shown, self.facts = w.HTML(), w.HTML(), w.HTML()
        self.go.on_click(lambda _: self.walk())
        self.device.observe(lambda _: self._show_state(), "value")
        self.state.observe(self._switched, "value")
        row = w.Layout(flex_flow="row wrap", align_items="center")
        ask = w.HBox([self.src, self.dst, self.cold, self.go], layout=row)
        switch = w.HBox([self.device, self.state], layout=row)
        self.widget = w.VBox([ask, switch, self.said, self.shown, self.facts])
        self._show_state()
        self.walked: Walk | None = None

    def walk(self) -> None:
        """Send one ping as the controls say, and show its way."""
        try:
            lines = forgetting(Tables(self.lab.snapshot())).splitlines() if self.cold.value else []
            self.walked = walk = self.lab.walk(self.src.value, self.dst.value, cold=self.cold.value)
        except LabError as error:
            self.said.value = _text(str(error))
            return
        self.said.value = _typed([*lines, inside(walk.src, probe(walk.target))])
        self.shown.value = walk.animate()._repr_html_()
        self.facts.value = _scrolled(walk._repr_html_())

    def switch(self, state: str) -> None:
        """Switch the chosen device up or down, and show what changed and the wiring."""
        namespace, device = self.device.value
        line = inside(namespace, f"ip link set {device} {state}")
        self.lab.changes()
        try:
            self.lab.run(line)
        except LabError as error:
            self.said.value = _text(str(error))
            return
        changes = self.lab.changes()
        self.said.value = _typed([line])
        self.shown.value = svg(layout(self.lab.snapshot(), changes.devices), moving=False)
        self.facts.value = changes._repr_html_()

    def _switched(self, change: dict[str, Any]) -> None:
        if change["new"] != _state(self.lab.snapshot(), self.device.value):
            self.switch(change["new"])

    def _show_state(self) -> None:
        if self.device.value:
            self.state.value = _state(self.lab.snapshot(), self.device.value) or "up"

    def show(self) -> None:
        """Walk once and display the controls; elsewhere than in a live front end, that walk's table and picture."""
        self.walk()
        walk = self.walked
        still = f"{svg(walk.picture(), moving=False)}{_scrolled(walk._repr_html_())}" if walk else ""
        show_widget(self.widget, self.said.value + still)


def _ends(snapshot: Snapshot) -> list[str]:
    """The namespaces that have an address, the root of the lab last."""
    told = {row["namespace"] for row in snapshot.rows["addresses"] if row["scope"] == "global"}
    names = [row["namespace"] for row in snapshot.rows["namespaces"] if row["namespace"] in told]
    return sorted(names, key=lambda name: (name == HOSTNAME or name.startswith("node"), name))


def _devices(snapshot: Snapshot) -> list[tuple[str, tuple[str, str]]]:
    rows = (row for row in snapshot.rows["links"] if row["kind"] != "loopback")
    return [(f"{row['namespace']} {row['name']}", (row["namespace"], row["name"])) for row in rows]


def _state(snapshot: Snapshot, device: tuple[str, str]) -> str | None:
    rows = (row for row in snapshot.rows["links"] if (row["namespace"], row["name"]) == device)
    return next(("up" if row["up"] else "down" for row in rows), None)


def _typed(lines: list[str]) -> str:
    return _text("\n".join(f"[root@{HOSTNAME} ~]# {line}" for line in lines))


def _text(text: str) -> str:
    return f'<pre style="white-space:pre-wrap;word-break:normal;margin:4px 0">{escape(text)}</pre>'


def _scrolled(html: str) -> str:
    return f'<div style="overflow-x:auto">{html}</div>'
