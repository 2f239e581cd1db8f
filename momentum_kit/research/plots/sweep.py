"""Pictures of a sweep: heat map over two thresholds, sensitivity to each, signals by day. All returns are net."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from momentum_kit.errors import ResearchError
from momentum_kit.research.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    LOSS_TO_GAIN,
    ORANGE,
    STYLE,
    UNKNOWN,
    Picture,
    around_zero,
    head,
)
from momentum_kit.research.sweep import Cell, Plateau, SweepResult
from momentum_kit.research.threshold_labels import LABELS, held

Values = npt.NDArray[Any]
MOST_LABELLED = 14
"""Steps of an axis up to which every cell holds its numbers in words."""


def heat_map(
    result: SweepResult, x: str, y: str, cell: Cell, exit_name: str | None = None, plateau: Plateau | None = None
) -> Picture:
    """Mean net return per fill over two thresholds, the others at the cell; n is the number of fills.

    Cells with too few fills for a judgement are pale; the plateau's cells in this plane are framed, and so is the cell.
    Raises ResearchError for a threshold that is no axis, or a cell outside the grid.
    """
    chosen, cells = result.thresholds(cell), result.cells(exit_name)
    across, up = _axis(result, x), _axis(result, y)
    if across == up:
        raise ResearchError(f"plot: {x} cannot be both axes")
    mean, fills, thin = (
        _plane(values.reshape(result.grid.shape), cell, across, up)
        for values in (cells.mean_bps, cells.fills, cells.thin)
    )
    shown = np.where(thin, np.nan, mean)
    with rc_context(STYLE):
        height, width = shown.shape
        figure = Picture(figsize=(max(6.5, 0.8 * width + 3), max(4.2, 0.5 * height + 2.2)), layout="constrained")
        axes = figure.add_subplot()
        axes.set_facecolor(UNKNOWN)
        image = axes.imshow(shown, cmap=LOSS_TO_GAIN, norm=around_zero(shown), origin="lower", aspect="auto")
        axes.grid(visible=False)
        if max(shown.shape) <= MOST_LABELLED:
            _write_cells(axes, mean, fills, thin)
        if plateau is not None:
            _outline(axes, _plane(plateau.members, cell, across, up))
        axes.add_patch(
            Rectangle((cell[across] - 0.46, cell[up] - 0.44), 0.92, 0.88, fill=False, edgecolor=ORANGE, lw=3)
        )
        for name, ticks, label in ((x, axes.set_xticks, axes.set_xlabel), (y, axes.set_yticks, axes.set_ylabel)):
            values = result.grid.axes[name]
            ticks(range(len(values)), [LABELS[name].value(value) for value in values])
            label(LABELS[name].text)
        figure.colorbar(image, label="mean net return of a fill, bps", pad=0.02).outline.set_visible(False)
        others = (name for name in result.grid.names if name not in (x, y))
        others_held = [held(name, getattr(chosen, name)) for name in others]
        frames = "orange: the chosen cell" + ("; black: the plateau" if plateau is not None else "")
        head(
            axes,
            _title("Net return", result, exit_name),
            "\n".join([*_lines(others_held), f"{frames}; n: fills", *_marks(result)]),
        )
    return figure


def sensitivity_plot(result: SweepResult, cell: Cell, exit_name: str | None = None) -> Picture:
    """Mean net return of a fill with its 95% band, and fills, along each threshold through the cell."""
    frame = result.sensitivity(cell, exit_name)
    columns = next(count for count in (3, 2, 1) if len(result.grid.names) % count == 0 or count == 2)
    rows = -(-len(result.grid.names) // columns)
    with rc_context(STYLE):
        figure = Picture(figsize=(4.3 * columns, 3.1 * rows + 0.8), layout="constrained")
        panels = np.atleast_1d(figure.subplots(rows, columns, sharey=True, squeeze=False)).reshape(-1)
        for name, axes in zip(result.grid.names, panels, strict=False):
            line = frame[frame["axis"] == name]
            label, steps = LABELS[name], line["step"].to_numpy()
            mean, band = line["mean_bps"].to_numpy(), 1.96 * line["se_bps"].to_numpy()
            axes.axhline(0, color=INK, lw=1)
            axes.fill_between(steps, mean - band, mean + band, color=BLUE, alpha=0.15, lw=0)
            axes.plot(steps, mean, color=BLUE, lw=2, marker="o", markersize=4)
            at = line[line["chosen"]].iloc[0]
            axes.plot([at["step"]], [at["mean_bps"]], marker="o", markersize=10, mfc="none", mec=ORANGE, mew=2.5)
            fills = [f"{label.value(v)}\nn {n:,}" for v, n in zip(line["value"], line["fills"], strict=True)]
            every = max(1, -(-len(steps) // 6))
            axes.set_xticks(steps[::every], fills[::every], size=9)
            axes.set_xlabel(label.text)
        for axes in panels[len(result.grid.names) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("mean net return of a fill, bps")
        words = [
            "band: 95% by clusters of days, for each cell alone; orange: the chosen cell, selected; n: fills",
            *_marks(result),
        ]
        figure.suptitle(f"{_title('Sensitivity', result, exit_name)}\n ", x=0.01, ha="left", size=13, weight="bold")
        figure.text(0.01, 0.985 - 0.33 / figure.get_figheight(), "; ".join(words), size=9.5, color=FAINT, va="top")
    return figure


def signals_by_day(result: SweepResult, cell: Cell, exit_name: str | None = None) -> Picture:
    """Signals of each day, and what their fills brought, added up over the days with a headline."""
    result.thresholds(cell)
    flat = int(np.ravel_multi_index(cell, result.grid.shape))
    signals, net = result.sums.signals[:, flat], result.daily_bps(exit_name)[:, flat]
    days = result.days.astype("datetime64[ms]").astype(object)
    with rc_context(STYLE):
        figure = Picture(figsize=(10, 5), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.4))
        upper.bar(days, signals, width=0.8, color=GREY)
        upper.axhline(signals.mean(), color=INK, lw=1, ls="--")
        upper.set_ylabel("signals")
        lower.axhline(0, color=INK, lw=1)
        lower.step(days, np.cumsum(net), where="mid", color=BLUE, lw=2)
        lower.set_ylabel("net so far, bps of a position")
        lower.tick_params(axis="x", labelsize=9.5)
        lower.margins(x=0.01)
        counts = (
            f"{signals.sum():,} signals on {len(days):,} days, {signals.mean():.2f} a day (dashed), at most "
            f"{signals.max()}; none on {np.mean(signals == 0):.0%} of the days"
        )
        head(upper, _title("Signals by day", result, exit_name), "\n".join([counts, *_marks(result)]))
    return figure


def _title(what: str, result: SweepResult, exit_name: str | None) -> str:
    name = result.exits[0] if exit_name is None else exit_name
    return f"{what}, exit {name}, {result.days[0]} to {result.days[-1]}"


def _marks(result: SweepResult) -> list[str]:
    return [" | ".join(result.marks)] if result.marks else []


def _lines(words: Sequence[str]) -> list[str]:
    """Two held thresholds a line."""
    return ["; ".join(words[at : at + 2]) for at in range(0, len(words), 2)]


def _axis(result: SweepResult, name: str) -> int:
    if name not in result.grid.names:
        raise ResearchError(f"plot: {name} is no axis of this sweep; axes: {', '.join(result.grid.names)}")
    return result.grid.names.index(name)


def _plane(values: Values, cell: Cell, across: int, up: int) -> Values:
    """The cells of two axes as (up, across), the other axes at the cell."""
    index = tuple(slice(None) if axis in (across, up) else at for axis, at in enumerate(cell))
    plane = values[index]
    return plane if up < across else plane.T


def _write_cells(axes: Axes, mean: Values, fills: Values, thin: Values) -> None:
    dark = 0.7 * np.abs(np.where(thin, 0.0, mean)).max(initial=0.0)
    for (row, column), count in np.ndenumerate(fills):
        words = f"{round(float(mean[row, column])):+,}\nn {count:,}" if count else "n 0"
        color = FAINT if thin[row, column] else "white" if abs(mean[row, column]) > dark else INK
        axes.text(column, row, words, ha="center", va="center", size=8, color=color)


def _outline(axes: Axes, members: Values) -> None:
    """A line around the members: every edge between a member and what is none."""
    padded = np.pad(members, 1)
    for row, column in np.argwhere(members):
        edges = {
            (column - 0.5, row - 0.5, 0, 1): padded[row + 1, column],
            (column + 0.5, row - 0.5, 0, 1): padded[row + 1, column + 2],
            (column - 0.5, row - 0.5, 1, 0): padded[row, column + 1],
            (column - 0.5, row + 0.5, 1, 0): padded[row + 2, column + 1],
        }
        for (left, low, along, rise), inside in edges.items():
            if not inside:
                axes.plot([left, left + along], [low, low + rise], color=INK, lw=2.2, solid_capstyle="round")
