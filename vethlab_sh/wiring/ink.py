"""How is a picture put on paper? By matplotlib, which knows its positions and decides nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import package
from ..files import written
from ..language import SOURCE, language, speaking, tr
from ..markup import printable
from .picture import FONT, LEADING, PAD, Box, Line, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# Okabe and Ito's colours, which colour-blind readers tell apart; each difference is told by words or shape too.
INK = {
    "machine": "#f4f4f4", "namespace": "#ffffff", "device": "#dcebf7", "bridge": "#d5eee4", "vxlan": "#f5e3ee",
    "off": "#ffffff", "edge": "#333333", "wire": "#0072b2", "bus": "#009e73", "tunnel": "#cc79a7",
    "broken": "#b22222", "changed": "#d55e00", "back": "#56b4e9", "unknown": "#777777", "parent": "#e69f00",
}  # fmt: skip
THIN, THICK, ACCENT = 0.9, 1.4, 2.4  # the edge of a device in order, of one that is not, of one that changed
POINTS = 72  # to the inch
# Fonts that have Chinese signs, by the names that matplotlib knows them by.
CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei")
# What lies above what. Lines end under the devices' edges, and a packet's bands run below them all, so that the text
# stays legible.
BELOW = {"machine": 0, "namespace": 1}
BANDS, LINES, DEVICES, CROSS, TEXT = 1.5, 1.8, 2, 3, 4
# What a figure of ours shows: a notebook may have it in another form than in pixels, and in words.
PICTURES: WeakKeyDictionary[Figure, Picture] = WeakKeyDictionary()
LEVEL = {"there": BANDS, "back": BANDS, "lost": CROSS}


@contextmanager
def legible() -> Iterator[None]:
    """Speak what can be written on a picture: English, where matplotlib has no font for the language that is spoken."""
    if language() == SOURCE or chinese_fonts():
        yield
        return
    _tell_of_fonts()
    with speaking(SOURCE):
        yield


@cache
def _tell_of_fonts() -> None:
    """Say why a picture is in English; once is enough."""
    # logging writes a bare line to stderr, where warnings would quote our own code
    logging.getLogger(__name__).warning(
        tr("No font here has Chinese signs (Debian has some in fonts-noto-cjk), so what is drawn is in English.")
    )


def draw(picture: Picture, ax: Axes | None = None) -> Axes:
    """Put a picture on axes (new ones of its own size when none are given) and return them."""
    if ax is None:
        inches = (picture.width / POINTS, picture.height / POINTS)
        figure = new_figure(figsize=inches, dpi=110)
        PICTURES[figure] = picture
        ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, picture.width)
    ax.set_ylim(picture.height, 0)  # matplotlib counts upwards, a picture downwards
    ax.set_aspect("equal")
    ax.axis("off")
    scale = _scale(picture, ax)
    for box in picture.boxes:
        _ink_box(ax, box, scale)
    for line in picture.lines:
        _ink_line(ax, line, scale)
    return ax


def _scale(picture: Picture, ax: Axes) -> float:
    """How much larger than itself a picture is on these axes; letters and lines do not grow by themselves."""
    extent = ax.get_window_extent()
    across = extent.width / picture.width
    down = extent.height / picture.height
    pixels = min(across, down)
    return pixels * POINTS / ax.figure.dpi


def save(ax: Axes, file: str, kind: str, description: str) -> None:
    """Write a drawn picture into a file, png or svg.

    description: what it shows, for those who cannot see it. A PNG also keeps what is drawn where (`placed`), by which
    a stale one is known. Raises OSError where the file cannot be written.
    """
    about = {"Description": printable(description, keep="\n")}
    if kind == "png":
        about["Placed"] = placed(ax)
    figure: Any = ax.figure  # matplotlib: one on a part of a figure could not be saved
    with written(file) as path:
        figure.savefig(path, format=kind, metadata=about)


def placed(ax: Axes) -> str:
    """All that was drawn, a text or a line each line, with its place."""
    lines = []
    for text in ax.texts:
        place = _place(text.get_position())
        lines.append(f"{place} {text.get_text()}")
    for line in ax.lines:
        corners: Any = line.get_xydata()  # an array, of which matplotlib's types tell less
        places = [_place(corner) for corner in corners]
        lines.append(" ".join(places))
    return "\n".join(lines)


def _place(point: Iterable[float]) -> str:
    x, y = point
    return f"{x:.0f},{y:.0f}"


def new_figure(**size: Any) -> Figure:
    """A figure; in a notebook one of pyplot's, because a notebook shows those by itself after the cell."""
    package("matplotlib")  # PackageMissing where it is not installed
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib import pyplot

        return pyplot.figure(**size)
    from matplotlib.figure import Figure

    return Figure(**size)


def family(text: str) -> list[str]:
    """The fonts for a text: matplotlib takes each sign from the first that has it."""
    return ["monospace"] if text.isascii() else ["monospace", *chinese_fonts()]


@cache
def chinese_fonts() -> tuple[str, ...]:
    """Those of CHINESE_FONTS that this machine has; fonts-noto-cjk is Debian's package of the first."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return tuple(name for name in CHINESE_FONTS if name in there)


# ---- boxes ------------------------------------------------------------------------------------------------


def edge_of(box: Box) -> tuple[str, float]:
    """The colour and the width of a box's edge: what changed is accented, what is wrong is red."""
    if box.changed:
        return INK["changed"], ACCENT
    if box.off:
        return INK["broken"], THICK
    return INK["edge"], THIN


def fill_of(box: Box) -> str:
    """The colour inside of a box: by its kind, none where something is wrong with it."""
    if box.off:
        return INK["off"]
    return INK[box.kind]


def _ink_box(ax: Axes, box: Box, scale: float) -> None:
    from matplotlib.patches import FancyBboxPatch, Patch, Rectangle

    colour, width = edge_of(box)
    style: dict[str, Any] = {
        "facecolor": fill_of(box),
        "edgecolor": colour,
        "linewidth": width * scale,
    }
    corner = (box.x, box.y)
    frame: Patch
    if box.kind in BELOW:
        style["boxstyle"] = "round,pad=0,rounding_size=4"
        style["zorder"] = BELOW[box.kind]
        frame = FancyBboxPatch(corner, box.width, box.height, **style)
    else:
        style["linestyle"] = "--" if box.off else "-"
        style["zorder"] = DEVICES
        frame = Rectangle(corner, box.width, box.height, **style)
    ax.add_patch(frame)
    _ink_lines(ax, box, scale)


def _ink_lines(ax: Axes, box: Box, scale: float) -> None:
    """The text of a box: its name and what is wrong in bold."""
    for number, text in enumerate(box.lines):
        warns = number in box.warnings
        ax.text(
            box.x + PAD,
            box.y + PAD / 2 + (number + 0.5) * LEADING,
            text,
            fontsize=FONT * scale,
            family=family(text),
            weight="bold" if warns or number == 0 else "normal",
            color=INK["broken"] if warns else "black",
            va="center",
            zorder=TEXT,
            parse_math=False,  # a device may be called $x$
        )


# ---- lines ------------------------------------------------------------------------------------------------


def _ink_line(ax: Axes, line: Line, scale: float) -> None:
    xs, ys = zip(*line.points, strict=True)
    order = LEVEL.get(line.kind, LINES)
    looks = _looks(line.kind, scale)
    ax.plot(xs, ys, solid_joinstyle="round", zorder=order, **looks)
    if line.label:
        _ink_label(ax, line, scale)


def _ink_label(ax: Axes, line: Line, scale: float) -> None:
    x, y = line.at
    is_broken = line.kind == "broken"
    ax.text(
        x,
        y,
        line.label,
        fontsize=FONT * scale,
        family=family(line.label),
        color=INK["broken"] if is_broken else INK["edge"],
        va="bottom",
        zorder=TEXT,
        parse_math=False,
    )


def _looks(kind: str, scale: float) -> dict[str, Any]:
    """What matplotlib is told of a line's kind; each differs in more than its colour."""
    cable, band, sign = 1.8 * scale, 5 * scale, FONT * scale
    looks: dict[str, dict[str, Any]] = {
        "wire": {"color": INK["wire"], "linewidth": cable},
        "bus": {"color": INK["bus"], "linewidth": 3.2 * scale, "solid_capstyle": "projecting"},
        "parent": {"color": INK["parent"], "linewidth": cable, "linestyle": "-."},
        "tunnel": {"color": INK["tunnel"], "linewidth": cable, "linestyle": "--"},
        "broken": {"color": INK["broken"], "linewidth": cable, "linestyle": ":"},
        "cut": {"color": INK["broken"], "linewidth": cable, "marker": "x", "markevery": [1],
                "markersize": sign, "markeredgewidth": cable},
        "unknown": {"color": INK["unknown"], "linewidth": cable, "linestyle": ":", "marker": "$?$",
                    "markevery": [1], "markersize": sign},
        "there": {"color": INK["changed"], "linewidth": band, "alpha": 0.45},
        "back": {"color": INK["back"], "linewidth": band, "alpha": 0.45, "linestyle": (0, (1.2, 0.5))},
        "lost": {"color": INK["broken"], "linewidth": band, "marker": "X", "markersize": 14 * scale},
    }  # fmt: skip
    return looks[kind]
