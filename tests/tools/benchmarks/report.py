"""How are the rows shown? As a table, as CSV and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

COLUMNS = ("work", "against", "ours", "theirs", "ratio", "goal", "rounds", "unit", "missing")
INK = {"met": "#2a7f62", "missed": "#c1440e", "none": "#888888"}


def line(row: dict[str, object]) -> str:
    """One row as a line of a Markdown table."""
    goal = f"≤ {number(row['goal'])} ×" if row.get("goal") else "(a peer)"
    if "missing" in row:
        return f"| {row['work']} | {row['against']} | not run: {row['missing']} | | | {goal} |"
    unit = row["unit"]
    values = (f"{number(row['ours'])} {unit}", f"{number(row['theirs'])} {unit}", f"**{number(row['ratio'])} ×**")
    return f"| {row['work']} | {row['against']} | {' | '.join(values)} | {goal} |"


HEAD = "| work | against | ours | theirs | ratio | goal |\n|---|---|---|---|---|---|"


def number(value: object) -> str:
    """Three digits, and no more zeros than needed.

    >>> number(0.125), number(1.0), number(47.8123)
    ('0.125', '1', '47.8')
    """
    return f"{float(str(value)):.3g}"


def write(rows: Sequence[dict[str, object]], file: Path) -> None:
    """All rows as CSV."""
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()} for row in rows)


def draw(rows: Sequence[dict[str, object]], file: Path) -> None:
    """Each ratio as a bar, its goal as a mark, on a logarithmic scale: left of the mark is faster than asked for."""
    from matplotlib.figure import Figure

    shown = [row for row in reversed(rows) if "ratio" in row]
    figure = Figure(figsize=(10, 0.55 * len(shown) + 1.2), layout="constrained")
    ax = figure.add_subplot()
    for y, row in enumerate(shown):
        ratio, goal = float(str(row["ratio"])), row["goal"]
        ink = INK["none"] if goal is None else INK["met" if ratio <= float(str(goal)) else "missed"]
        ax.plot([1, ratio], [y, y], color=ink, linewidth=7, solid_capstyle="butt")
        outermost = max if ratio >= 1 else min  # the label is beside both, the bar and the mark
        ax.annotate(
            f"{number(ratio)} ×",
            (outermost(ratio, float(str(goal or ratio))), y),
            (8 if ratio >= 1 else -8, 0),
            textcoords="offset points",
            ha="left" if ratio >= 1 else "right",
            va="center",
            color=ink,
            fontsize=9,
        )
        if goal is not None:
            ax.plot([float(str(goal))], [y], marker="|", markersize=20, color="black")
    ax.set_yticks(range(len(shown)), [f"{row['work']}\nagainst {row['against']}" for row in shown], fontsize=8)
    ax.set_xscale("log")
    ax.set_xlim(0.01, 150)
    ax.axvline(1, color="#bbbbbb", linewidth=1, zorder=0)
    ax.set_title("Ours as a multiple of theirs, row by row; the black mark is the goal", fontsize=10, loc="left")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    figure.savefig(file, dpi=110)
