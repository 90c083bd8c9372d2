"""How do wirings look beside each other, measured? Bytes on the way, round trips, and what fails without an entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..packet.walk import Walk
from ..wiring.ink import INK, new_figure
from .compare import NONE

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


WIDE = 9.0  # inches: the width of a notebook
DEEP = ("#ffffff", "#fbe3c8", "#e69f00")  # loses nothing, something, everything: also in grey one darker than the other


def bytes_on_the_way(walks: Mapping[str, Walk]) -> Figure:
    """The size of the packet at each device that it passed on its way there, one panel for each walk.

    walks: what to call each, and the walk.
    """
    figure = new_figure(figsize=(WIDE, 0.9 + 2.5 * len(walks)), layout="constrained")
    for ax, (name, walk) in zip(_panels(figure, len(walks), 1), walks.items(), strict=True):
        rows = [row for row in walk.rows if row["leg"] == "there"]
        at = range(len(rows))
        wrapped = [row["vni"] is not None for row in rows]
        looks = {"color": [INK["vxlan" if outer else "device"] for outer in wrapped], "edgecolor": INK["edge"]}
        bars = ax.bar(at, [row["bytes"] for row in rows], hatch=["//" if outer else "" for outer in wrapped], **looks)
        ax.bar_label(bars)
        ax.set_xticks(at, [f"{row['namespace']}\n{row['device']}\n{row['way']}" for row in rows], fontsize=8)
        ax.set(title=f"{name}: {walk.src} to {walk.dst} (hatched: wrapped in VXLAN)", ylabel="bytes")
        ax.margins(y=0.15)
    return figure


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
    ax.set_yticks(range(len(frame.columns)), list(frame))
    ax.set(xlim=(0, frame.quantile(0.95).max() * 1.1 + 1), xlabel="round trip in microseconds; right: the median")
    ax.invert_yaxis()
    return figure


def losses(table: DataFrame) -> Figure:
    """What is lost without each entry: a row an entry, a column a wiring, the darker the more.

    table: as `Lab.compare` gives it.
    """
    rows = table[[str(name).startswith("without") for name in table.index]]
    figure = new_figure(figsize=(WIDE, 0.5 + 0.42 * len(rows)), layout="constrained")
    (ax,) = _panels(figure, 1, 1)
    for y, found in enumerate(rows.to_numpy()):
        for x, told in enumerate(found):
            ax.barh(y, 0.98, 0.9, left=x, color=_shade(told), edgecolor=INK["edge"], linewidth=0.6,
                    hatch="...." if told == NONE else "")  # fmt: skip
            ax.text(x + 0.49, y, told, ha="center", va="center", fontsize=9,
                    bbox={"facecolor": _shade(told), "edgecolor": "none", "pad": 1})  # fmt: skip
    ax.set_yticks(range(len(rows)), [str(name) for name in rows.index])
    ax.set_xticks([x + 0.49 for x in range(len(rows.columns))], list(rows.columns), fontweight="bold")
    ax.margins(0)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    return figure


def _shade(told: str) -> str:
    return DEEP[0] if told in ("nothing", NONE) else DEEP[2] if told.startswith("everything") else DEEP[1]


def _panels(figure: Figure, rows: int, columns: int) -> list[Any]:
    return list(figure.subplots(rows, columns, squeeze=False).flat)
