"""How do wirings look beside each other, measured? Bytes on the way, round trips, and what fails without an entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import package
from ..language import SOURCE, language, tr
from ..packet.sighting import Sighting
from ..packet.walk import Walk
from ..wiring.ink import INK, chinese_fonts, legible, new_figure
from .compare import QUESTION, Loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame, Series


WIDE = 9.0  # inches: the width of a notebook
DEEP = ("#ffffff", "#fbe3c8", "#e69f00")  # loses nothing, something, everything: also in grey one darker than the other
Draw = TypeVar("Draw", bound=Callable[..., Any])
NOTHING = Loss()  # what a cell of `Lab.compare` is where nothing is lost; `Loss(exists=False)` where there is none
CELL, MIDDLE = 0.98, 0.49  # width of a cell whose neighbours begin at whole numbers, and where its text stands


def lettered(draw: Draw) -> Draw:
    """A picture in the language that is spoken, where matplotlib has a font for it; else in English."""

    @wraps(draw)
    def drawn(*args: Any, **named: Any) -> Any:
        if language() == SOURCE:
            return draw(*args, **named)
        matplotlib = package("matplotlib")
        with legible(), matplotlib.rc_context({"font.family": ["DejaVu Sans", *chinese_fonts()]}):
            return draw(*args, **named)

    return cast(Draw, drawn)


@lettered
def bytes_on_the_way(walks: Mapping[str, Walk]) -> Figure:
    """The size of the packet at each device that it passed on its way there, one panel for each walk.

    walks: what to call each, and the walk.
    """
    height = 0.9 + 2.5 * len(walks)
    figure, panels = _panels(height, len(walks))
    for ax, (name, walk) in zip(panels, walks.items(), strict=True):
        _bars(ax, walk)
        title = tr("{name}: {src} to {dst} (hatched: wrapped in VXLAN)", name=name, src=walk.src, dst=walk.dst)
        ax.set_title(title)
        ax.set_ylabel(tr("bytes"))
        ax.margins(y=0.15)
    return figure


def _bars(ax: Axes, walk: Walk) -> None:
    there = [sighting for sighting in walk.rows if sighting.leg == "there"]
    places = []
    for x, sighting in enumerate(there):
        _bar(ax, x, sighting)
        places.append(f"{sighting.namespace}\n{sighting.device}\n{sighting.way}")
    ax.set_xticks(range(len(places)), places, fontsize=8)


def _bar(ax: Axes, x: int, sighting: Sighting) -> None:
    is_wrapped = sighting.vni is not None
    bar = ax.bar(
        x,
        sighting.bytes,
        color=INK["vxlan"] if is_wrapped else INK["device"],
        hatch="//" if is_wrapped else "",
        edgecolor=INK["edge"],
    )
    ax.bar_label(bar)


@lettered
def round_trips(times: Mapping[str, Any]) -> Figure:
    """The round-trip times of each wiring on a line, a dot the larger the more pings took that long, and the median.

    times: what to call each, and its times in milliseconds, as ping tells them; they are shown in microseconds. The
    slowest twentieth may be beyond the right edge: those met a busy moment of the machine, and say nothing about the
    wiring.
    """
    pandas = package("pandas")

    milliseconds = pandas.DataFrame(dict(times)).astype(float)
    frame = 1000 * milliseconds
    names = list(frame)
    height = 0.9 + 0.5 * len(names)
    figure, (ax,) = _panels(height, 1)
    for y, name in enumerate(names):
        _dots(ax, y, frame[name])
    slowest = frame.quantile(0.95).max()
    ax.set_xlim(0, slowest * 1.1 + 1)
    ax.set_xlabel(tr("round trip in microseconds; right: the median"))
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    return figure


def _dots(ax: Axes, y: int, times: Series[float]) -> None:
    """One wiring's line: a dot for each time that pings took, and the median across them and as a number."""
    median = times.median()
    ax.plot([median, median], [y - 0.45, y + 0.45], color=INK["changed"], linewidth=3, zorder=1)
    ax.annotate(f"{median:.0f}", (1.01, y), xycoords=("axes fraction", "data"), va="center")
    shares = times.value_counts(normalize=True)
    ax.scatter(
        shares.index,
        [y] * len(shares),
        s=700 * shares,
        color=INK["wire"],
        edgecolors="white",
        zorder=2,
    )


@lettered
def losses(table: DataFrame) -> Figure:
    """What is lost without each entry: a row an entry, a column a wiring, the darker the more.

    table: as `Lab.compare` gives it; its rows about other things are left out.
    """
    rows = _losses(table)
    height = 0.5 + 0.42 * len(rows)
    figure, (ax,) = _panels(height, 1)
    for y, losses_of_row in enumerate(rows.values()):
        for x, loss in enumerate(losses_of_row):
            _cell(ax, (x, y), loss)
    wirings = [str(column) for column in table.columns if column != QUESTION]
    middles = [x + MIDDLE for x in range(len(wirings))]
    ax.set_xticks(middles, wirings, fontweight="bold")
    ax.set_yticks(range(len(rows)), list(rows))
    ax.margins(0)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    return figure


def _losses(table: DataFrame) -> dict[str, list[Loss]]:
    """The rows in which every cell is a loss, by their questions."""
    rows = {}
    for about, row in zip(table.index, table.to_dict("records"), strict=True):
        question = str(row.pop(QUESTION, about))
        losses = [cell for cell in row.values() if isinstance(cell, Loss)]
        if len(losses) == len(row):
            rows[question] = losses
    return rows


def _cell(ax: Axes, corner: tuple[int, int], loss: Loss) -> None:
    x, y = corner
    shade = _shade(loss)
    ax.barh(
        y,
        CELL,
        0.9,
        left=x,
        color=shade,
        hatch="" if loss.exists else "....",
        edgecolor=INK["edge"],
        linewidth=0.6,
    )
    behind = {"facecolor": shade, "edgecolor": "none", "pad": 1}  # else the hatching runs through the letters
    ax.text(x + MIDDLE, y, str(loss), ha="center", va="center", fontsize=9, bbox=behind)


def _shade(loss: Loss) -> str:
    nothing, something, everything = DEEP
    if loss.share == 0:
        return nothing
    if loss.share == 1:
        return everything
    return something


def _panels(height: float, count: int) -> tuple[Figure, list[Any]]:
    """A figure of this height in inches, and its panels from top to bottom."""
    figure = new_figure(figsize=(WIDE, height), layout="constrained")
    # Without squeeze=False matplotlib returns an array for several panels, and no array for one.
    panels = figure.subplots(count, 1, squeeze=False)
    return figure, list(panels.flat)
