"""How do wirings look beside each other, measured? Bytes on the way, round trips, and what fails without an entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..packet.walk import Walk
from ..wiring.ink import INK, new_figure
from .compare import Loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame


WIDE = 9.0  # inches: the width of a notebook
DEEP = ("#ffffff", "#fbe3c8", "#e69f00")  # loses nothing, something, everything: also in grey one darker than the other
CELL, MIDDLE = 0.98, 0.49  # width of a cell whose neighbours begin at whole numbers, and where its text stands


def bytes_on_the_way(walks: Mapping[str, Walk]) -> Figure:
    """The size of the packet at each device that it passed on its way there, one panel for each walk.

    walks: what to call each, and the walk.
    """
    figure = new_figure(figsize=(WIDE, 0.9 + 2.5 * len(walks)), layout="constrained")
    for ax, (name, walk) in zip(_panels(figure, len(walks), 1), walks.items(), strict=True):
        _bars(ax, walk)
        ax.set(title=f"{name}: {walk.src} to {walk.dst} (hatched: wrapped in VXLAN)", ylabel="bytes")
        ax.margins(y=0.15)
    return figure


def _bars(ax: Axes, walk: Walk) -> None:
    places: list[str] = []
    for row in walk.rows:
        if row.leg != "there":
            continue
        kind, hatch = ("device", "") if row.vni is None else ("vxlan", "//")
        bar = ax.bar(len(places), row.bytes, hatch=hatch, color=INK[kind], edgecolor=INK["edge"])
        ax.bar_label(bar)
        places.append(f"{row.namespace}\n{row.device}\n{row.way}")
    ax.set_xticks(range(len(places)), places, fontsize=8)


def round_trips(times: Mapping[str, Any]) -> Figure:
    """The round-trip times of each wiring on a line, a dot the larger the more pings took that long, and the median.

    times: what to call each, and its times in milliseconds, as ping tells them; they are shown in microseconds. The
    slowest twentieth may be beyond the right edge: those met a busy moment of the machine, and say nothing about the
    wiring.
    """
    import pandas

    frame = 1000 * pandas.DataFrame(dict(times)).astype(float)
    figure = new_figure(figsize=(WIDE, 0.9 + 0.5 * len(frame.columns)), layout="constrained")
    (ax,) = _panels(figure, 1, 1)
    for line, name in enumerate(frame):
        shares, middle = frame[name].value_counts(normalize=True), frame[name].median()
        ax.plot([middle, middle], [line - 0.45, line + 0.45], color=INK["changed"], linewidth=3, zorder=1)
        ax.scatter(shares.index, [line] * len(shares), s=700 * shares, color=INK["wire"], edgecolors="white", zorder=2)
        ax.annotate(f"{middle:.0f}", (1.01, line), xycoords=("axes fraction", "data"), va="center")
    edge = frame.quantile(0.95).max() * 1.1 + 1
    ax.set_yticks(range(len(frame.columns)), list(frame))
    ax.set(xlim=(0, edge), xlabel="round trip in microseconds; right: the median")
    ax.invert_yaxis()
    return figure


def losses(table: DataFrame) -> Figure:
    """What is lost without each entry: a row an entry, a column a wiring, the darker the more.

    table: as `Lab.compare` gives it; its rows about other things are left out.
    """
    rows = _losses(table)
    figure = new_figure(figsize=(WIDE, 0.5 + 0.42 * len(rows)), layout="constrained")
    (ax,) = _panels(figure, 1, 1)
    for y, cells in enumerate(rows.values()):
        for x, (text, loss) in enumerate(cells):
            _cell(ax, (x, y), text, loss)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_xticks([x + MIDDLE for x in range(len(table.columns))], list(table.columns), fontweight="bold")
    ax.margins(0)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    return figure


def _losses(table: DataFrame) -> dict[str, list[tuple[str, Loss]]]:
    """The rows in which every cell tells a loss, by name: for each wiring the text of its cell, and the loss."""
    rows = {}
    for name, cells in zip(table.index, table.to_numpy(), strict=True):
        read = [(str(cell), Loss.read(cell)) for cell in cells]
        losses = [(text, loss) for text, loss in read if loss is not None]
        if len(losses) == len(read):
            rows[str(name)] = losses
    return rows


def _cell(ax: Axes, corner: tuple[int, int], text: str, loss: Loss) -> None:
    x, y = corner
    shade = _shade(loss)
    hatch = "" if loss.exists else "...."
    ax.barh(y, CELL, 0.9, left=x, color=shade, edgecolor=INK["edge"], linewidth=0.6, hatch=hatch)
    behind = {"facecolor": shade, "edgecolor": "none", "pad": 1}
    ax.text(x + MIDDLE, y, text, ha="center", va="center", fontsize=9, bbox=behind)


def _shade(loss: Loss) -> str:
    if loss.share == 0:
        return DEEP[0]
    return DEEP[2] if loss.share == 1 else DEEP[1]


def _panels(figure: Figure, rows: int, columns: int) -> list[Any]:
    return list(figure.subplots(rows, columns, squeeze=False).flat)
