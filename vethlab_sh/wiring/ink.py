"""The drawing on paper: a picture's positions, inked by matplotlib."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..files import written
from .layout import FONT, LEADING, PAD, Box, Line, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# Okabe and Ito's colours, which colour-blind readers tell apart; each difference is told by words or shape too.
INK = {
    "machine": "#f4f4f4", "namespace": "#ffffff", "device": "#dcebf7", "bridge": "#d5eee4", "vxlan": "#f5e3ee",
    "off": "#ffffff", "edge": "#333333", "wire": "#0072b2", "bus": "#009e73", "tunnel": "#cc79a7",
    "broken": "#b22222", "changed": "#d55e00", "back": "#56b4e9", "unknown": "#777777",
}  # fmt: skip


# ---- ink --------------------------------------------------------------------------------------------------


def draw(picture: Picture, ax: Axes | None = None) -> Axes:
    """Put a picture on axes (new ones of its own size when none are given) and return them."""
    if ax is None:
        ax = new_figure(figsize=(picture.width / 72, picture.height / 72), dpi=110).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, picture.width), ylim=(picture.height, 0), aspect="equal")
    ax.axis("off")
    corners = ax.get_window_extent()
    scale = min(corners.width / picture.width, corners.height / picture.height) * 72 / ax.figure.dpi
    for box in picture.boxes:
        _ink_box(ax, box, scale)
    for line in picture.lines:
        _ink_line(ax, line, scale)
    return ax


def save(ax: Axes, file: str, kind: str, description: str) -> None:
    """Write a drawn picture into a file, png or svg.

    description: what it shows, for those who cannot see it. A PNG also keeps what is drawn where (`placed`), by which
    a stale one is known.
    """
    told = {"Description": description} | ({"Placed": placed(ax)} if kind == "png" else {})
    figure: Any = ax.figure  # matplotlib: one on a part of a figure could not be saved
    with written(file) as path:
        figure.savefig(path, format=kind, metadata=told)


def placed(ax: Axes) -> str:
    """All that was drawn, a text or a line each line, with its place."""
    texts = [f"{x:.0f},{y:.0f} {text.get_text()}" for text in ax.texts for x, y in [text.get_position()]]
    corners = [" ".join(f"{x:.0f},{y:.0f}" for x, y in _points(line)) for line in ax.lines]
    return "\n".join([*texts, *corners])


def _points(line: Any) -> list[tuple[float, float]]:
    corners: list[tuple[float, float]] = line.get_xydata().tolist()
    return corners


def new_figure(**size: Any) -> Figure:
    """A figure; in a notebook one of pyplot's, because a notebook shows those by itself after the cell."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib import pyplot

        return pyplot.figure(**size)
    from matplotlib.figure import Figure

    return Figure(**size)


def _ink_box(ax: Axes, box: Box, scale: float) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    edge = INK["changed"] if box.changed else INK["broken"] if box.off else INK["edge"]
    width = (2.4 if box.changed else 1.4 if box.off else 0.9) * scale
    style: dict[str, Any] = {
        "facecolor": INK["off" if box.off else box.kind],
        "edgecolor": edge,
        "linewidth": width,
        "zorder": 2,
    }
    if box.kind in ("machine", "namespace"):
        order = 0 if box.kind == "machine" else 1
        ax.add_patch(FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=0,rounding_size=4",
                                    **{**style, "zorder": order}))  # fmt: skip
    else:
        ax.add_patch(Rectangle((box.x, box.y), box.width, box.height, linestyle="--" if box.off else "-", **style))
    for n, text in enumerate(box.lines):
        heavy = n == 0 or is_warning(text)
        colour = INK["broken"] if is_warning(text) else "black"
        ax.text(box.x + PAD, box.y + PAD / 2 + (n + 0.5) * LEADING, text, fontsize=FONT * scale, family="monospace",
                weight="bold" if heavy else "normal", color=colour, va="center", zorder=4)  # fmt: skip


def is_warning(text: str) -> bool:
    """Whether a line in a device's box tells of something that is wrong."""
    return text.startswith("!") or text.endswith(("DOWN", "no signal"))


def _ink_line(ax: Axes, line: Line, scale: float) -> None:
    looks: dict[str, dict[str, Any]] = {
        "wire": {"color": INK["wire"], "linewidth": 1.8 * scale},
        "bus": {"color": INK["bus"], "linewidth": 3.2 * scale, "solid_capstyle": "projecting"},
        "tunnel": {"color": INK["tunnel"], "linewidth": 1.8 * scale, "linestyle": "--"},
        "broken": {"color": INK["broken"], "linewidth": 1.8 * scale, "linestyle": ":"},
        "cut": {"color": INK["broken"], "linewidth": 1.8 * scale, "marker": "x", "markevery": [1],
                "markersize": FONT * scale, "markeredgewidth": 1.8 * scale},
        "there": {"color": INK["changed"], "linewidth": 5 * scale, "alpha": 0.45},
        "back": {"color": INK["back"], "linewidth": 5 * scale, "alpha": 0.45, "linestyle": (0, (1.2, 0.5))},
        "lost": {"color": INK["broken"], "linewidth": 5 * scale, "marker": "X", "markersize": 14 * scale},
        "unknown": {"color": INK["unknown"], "linewidth": 1.8 * scale, "linestyle": ":", "marker": "$?$",
                    "markevery": [1], "markersize": FONT * scale},
    }  # fmt: skip
    xs, ys = zip(*line.points, strict=True)
    # Lines end under the devices' edges, and a packet's bands run below them all, so that the text stays legible.
    order = {"there": 1.5, "back": 1.5, "lost": 3}.get(line.kind, 1.8)
    ax.plot(xs, ys, solid_joinstyle="round", zorder=order, **looks[line.kind])
    if line.label:
        ax.text(*line.at, line.label, fontsize=FONT * scale, family="monospace", va="bottom", zorder=4,
                color=INK["broken" if line.kind == "broken" else "edge"])  # fmt: skip
