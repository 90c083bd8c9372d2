"""What happens if …? Controls for the live lab in a notebook: send a ping and step after it, switch devices off.

Everything that a control does is shown as the command that does it. Where no live front end shows the controls,
the same cell is a table and a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from ..errors import LabError, package
from ..facts import Device
from ..inside import inside
from ..lab import Lab
from ..language import tr
from ..packet.lookup import Tables
from ..packet.player import svg
from ..packet.probe import forgetting, probe
from ..packet.walk import PACKED, Walk
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot
from ..wiring.layout import layout
from ..wiring.machines import plays_machine
from .notes import show_widget


class Explorer:
    """The controls and what they show.

    src, dst: dropdowns of namespaces; cold: whether to forget first; go: the button; device, state: a switch;
    said: the commands that ran; shown: the player or the picture; facts: the table. `widget` holds them all.
    """

    def __init__(
        self, lab: Lab, src: str | None = None, dst: str | None = None, renewed: Callable[[], Lab] | None = None
    ) -> None:
        """renewed: gives the lab that has taken the place of this one, where it is closed meanwhile."""
        ipywidgets = package("ipywidgets")

        self._lab = lab
        self._renewed = renewed
        self.walked: Walk | None = None
        snapshot = lab.snapshot()
        names = ends(snapshot) or [HOSTNAME]
        self._make_questions(names, src, dst)
        self._make_switch(snapshot)
        self.said = ipywidgets.HTML()
        self.shown = ipywidgets.HTML()
        self.facts = ipywidgets.HTML()
        row = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        ask = ipywidgets.HBox([self.src, self.dst, self.cold, self.go], layout=row)
        switch = ipywidgets.HBox([self.device, self.state], layout=row)
        self.widget = ipywidgets.VBox([ask, switch, self.said, self.shown, self.facts])
        self._show_state()

    @property
    def lab(self) -> Lab:
        """The lab that the controls work on."""
        if self._renewed and not self._lab.alive:
            self._lab = self._renewed()
        return self._lab

    def _make_questions(self, names: list[str], src: str | None, dst: str | None) -> None:
        ipywidgets = package("ipywidgets")

        narrow = ipywidgets.Layout(width="auto")
        src = src or names[0]
        dst = dst or names[-1]
        self.src = ipywidgets.Dropdown(options=names, value=src, description=tr("from"), layout=narrow)
        self.dst = ipywidgets.Dropdown(options=names, value=dst, description=tr("to"), layout=narrow)
        forget = tr("forget MAC addresses first")
        self.cold = ipywidgets.Checkbox(value=False, description=forget, indent=False, layout=narrow)
        what = tr("send one ping and follow it")
        self.go = ipywidgets.Button(description=tr("Walk"), button_style="primary", tooltip=what)
        self.go.on_click(lambda _: self.walk())

    def _make_switch(self, snapshot: Snapshot) -> None:
        ipywidgets = package("ipywidgets")

        narrow = ipywidgets.Layout(width="auto")
        self.device = ipywidgets.Dropdown(options=_devices(snapshot), description=tr("device"), layout=narrow)
        self.state = ipywidgets.ToggleButtons(
            options=["up", "down"],
            tooltips=[tr("switch the device on"), tr("switch the device off")],
            style={"button_width": "5em"},
        )
        self.device.observe(lambda _: self._show_state(), "value")
        self.state.observe(self._switched, "value")

    def walk(self) -> None:
        """Send one ping as the controls say, and show its way."""
        try:
            lines = self._forgetting() if self.cold.value else []
            walk = self.lab.walk(self.src.value, self.dst.value, cold=self.cold.value)
        except LabError as error:
            self.said.value = _text(str(error))
            return
        self.walked = walk
        ping = inside(walk.src, probe(walk.target))
        player = walk.animate()
        self.said.value = _typed([*lines, ping])
        self.shown.value = player._repr_html_()
        self.facts.value = _scrolled(walk._repr_html_())

    def _forgetting(self) -> list[str]:
        """The lines by which the lab's machines forget what they learned."""
        tables = Tables(self.lab.snapshot())
        return forgetting(tables).splitlines()

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
        wiring = layout(self.lab.snapshot(), changes.devices)
        self.said.value = _typed([line])
        self.shown.value = svg(wiring, moving=False)
        self.facts.value = changes._repr_html_()

    def _switched(self, change: dict[str, Any]) -> None:
        """Follow the control; it also moves when another device is chosen, and then nothing is to be switched."""
        wanted = change["new"]
        state = _state(self.lab.snapshot(), self.device.value)
        if wanted != state:
            self.switch(wanted)

    def _show_state(self) -> None:
        if not self.device.value:
            return
        state = _state(self.lab.snapshot(), self.device.value)
        self.state.value = state or "up"

    def show(self) -> None:
        """Walk once and display the controls; elsewhere than in a live front end, that walk's table and picture."""
        self.walk()
        still = {"text/html": self.said.value}
        if self.walked:
            picture = svg(self.walked.picture(), moving=False)
            table = _scrolled(self.walked._repr_html_())
            summary = tr("Each step of it, with its reason")
            steps = f"<details><summary>{summary}</summary>{table}</details>"
            still["text/html"] += picture + steps
            still[PACKED] = self.walked.packed()
        show_widget(self.widget, still)


def ends(snapshot: Snapshot) -> list[str]:
    """The namespaces that have an address, those that play a machine last."""
    names = {address.namespace for address in snapshot.rows.addresses if address.scope == "global"}

    def place(name: str) -> tuple[bool, str]:
        return plays_machine(snapshot, name), name

    return sorted(names, key=place)


def _devices(snapshot: Snapshot) -> list[tuple[str, Device]]:
    """Every device as a dropdown has it: what it is called there, and what it is."""
    options = []
    for link in snapshot.rows.links:
        if link.kind != "loopback":
            options.append((f"{link.namespace} {link.name}", link.device))
    return options


def _state(snapshot: Snapshot, device: Device) -> str | None:
    """As `ip link set` takes it: up or down; None when the device is gone."""
    for link in snapshot.rows.links:
        if link.device == device:
            return "up" if link.up else "down"
    return None


def _typed(lines: list[str]) -> str:
    prompt = f"[root@{HOSTNAME} ~]# "
    shown = [prompt + line for line in lines]
    return _text("\n".join(shown))


def _text(text: str) -> str:
    style = "white-space:pre-wrap;word-break:normal;margin:4px 0"
    return f'<pre style="{style}">{escape(text)}</pre>'


def _scrolled(html: str) -> str:
    return f'<div style="overflow-x:auto">{html}</div>'
