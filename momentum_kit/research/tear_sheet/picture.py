"""Draws a tear sheet: what the fills came to, their spread, what they went through, groups, features, unseen days."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from momentum_kit.research.plots import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    STYLE,
    Picture,
    deepest_fall,
    head,
    say,
)
from momentum_kit.research.sweep import by_day
from momentum_kit.research.tear_sheet.grouping import FEW
from momentum_kit.research.validation import Halves, UnseenFold

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
COLOURS = {"target": GREEN, "stop": RED, "time": GREY}
MOST_FEATURES = 16


def overview_plot(fills: pd.DataFrame, days: Days, words: str) -> Picture:
    """Net by day with its drawdown, the spread of fills, and the worst and best of each while it was held."""
    net = fills["net_bps"].to_numpy(float)
    daily = by_day(days, fills["day"].to_numpy().astype("datetime64[D]"), net)
    with rc_context(STYLE):
        figure = Picture(figsize=(12, 8), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1.1, 1), hspace=0.1, wspace=0.06)
        _equity(figure.add_subplot(grid[0, :]), daily, days, words)
        _spread(figure.add_subplot(grid[1, 0]), net)
        _went_through(figure.add_subplot(grid[1, 1]), fills)
    return figure


def groups_plot(tables: Mapping[str, pd.DataFrame]) -> Picture:
    """A panel a kind of group: the mean net return of its fills with its band; hollow: few fills."""
    columns, rows = 2, -(-len(tables) // 2)
    deep = [max(len(table) for table in [*tables.values()][at : at + 2]) for at in range(0, len(tables), 2)]
    with rc_context(STYLE):
        figure = Picture(figsize=(12, 1.4 * rows + 0.34 * sum(deep)), layout="constrained")
        panels = np.reshape(figure.subplots(rows, columns, gridspec_kw={"height_ratios": [d + 2.5 for d in deep]}), -1)
        for axes, (name, table) in zip(panels, tables.items(), strict=False):
            _bands(axes, name, table)
        for axes in panels[len(tables) :]:
            axes.set_visible(False)
        words = f"mean net return of a fill, bps; line: 95% by days, none on too few; hollow: fewer than {FEW} fills"
        figure.supxlabel(words, size=10.5, color=FAINT)
    return figure


def features_plot(ranked: pd.DataFrame) -> Picture:
    """Rank correlation of the strongest features with the net return, each with its band."""
    shown = ranked.head(MOST_FEATURES).iloc[::-1]
    with rc_context(STYLE):
        figure = Picture(figsize=(9, 1.5 + 0.3 * len(shown)), layout="constrained")
        axes = figure.add_subplot()
        at = np.arange(len(shown))
        axes.axvline(0, color=INK, lw=1)
        axes.hlines(at, shown["low"], shown["high"], color=BLUE, lw=2, alpha=0.45)
        axes.plot(shown["ic"], at, "o", color=BLUE, markersize=6)
        axes.set_yticks(at, shown["feature"])
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("rank correlation with the net return of a fill")
        banded = ranked[ranked["low"].notna()]
        beyond = int(((banded["low"] > 0) | (banded["high"] < 0)).sum())
        told = f"{beyond} of {len(banded)} bands leave out zero, {len(banded) * 0.05:.1f} would by luck alone"
        words = (
            "all events at their first decision that fills, whatever a rule says; band: 95% by days, not by symbols\n"
            f"{told if len(banded) else 'too few days for any band'}; the strongest {len(shown)} of {len(ranked)}"
        )
        head(axes, "What ranks the outcomes", words)
    return figure


def unseen_plot(months: Sequence[UnseenFold], halves: Halves) -> Picture:
    """Each month by what earlier ones had taught; the best of each half of the days, and what it is in the other."""
    with rc_context(STYLE):
        figure = Picture(figsize=(12, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.06})
        _months(left, months)
        _halves(right, halves)
    return figure


def _equity(axes: Axes, daily: Floats, days: Days, words: str) -> None:
    total = np.append(0.0, np.cumsum(daily))
    dates = np.append(days[:1] - np.timedelta64(1, "D"), days).astype("datetime64[ms]").astype(object)
    axes.fill_between(
        dates, np.maximum.accumulate(np.maximum(total, 0)), total, step="post", color=RED, alpha=0.14, lw=0
    )
    axes.step(dates, total, where="post", color=INK, lw=1.8)
    axes.axhline(0, color=FAINT, lw=0.9)
    axes.yaxis.set_major_formatter(FuncFormatter(_signed))
    axes.set_ylabel("net so far, bps of a position")
    axes.margins(x=0.01)
    told = f"{words}\n{total[-1]:+,.0f} bps in all; red: below its highest, at worst {deepest_fall(daily):,.0f}"
    head(axes, "What the fills came to, after all costs", told)


def _spread(axes: Axes, net: Floats) -> None:
    low, high = np.percentile(net, [1, 99]) if len(net) > 100 else (net.min(), net.max())
    edges = np.linspace(min(low, -1.0), max(high, 1.0), 41)
    zero = edges[np.abs(edges).argmin()]
    edges = edges - zero  # an edge at nothing earned: a bar is a gain or a loss
    counts, _ = np.histogram(np.clip(net, edges[0], edges[-1]), edges)
    colours = [GREEN if left >= -1e-9 else RED for left in edges[:-1]]
    axes.bar(edges[:-1], counts, width=np.diff(edges) * 0.92, align="edge", color=colours, alpha=0.75)
    axes.axvline(float(net.mean()), color=BLUE, lw=1.6, linestyle=(0, (4, 2)))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(_signed))
    axes.set_xlabel("net return of a fill, bps; what lies beyond is in the outermost bars")
    axes.set_ylabel("fills")
    words = f"mean {net.mean():+,.0f} (dashed), median {np.median(net):+,.0f}, worst {net.min():+,.0f}, best "
    head(axes, "Spread of the fills", f"{words}{net.max():+,.0f}; {(net > 0).mean():.0%} won")


def _went_through(axes: Axes, fills: pd.DataFrame) -> None:
    seen = fills[fills["ended"].isin(list(COLOURS))]
    for name, colour in COLOURS.items():
        mine = seen[seen["ended"] == name]
        if len(mine):
            size = 26 if len(seen) < 500 else 9
            axes.scatter(-mine["mae_bps"], mine["mfe_bps"], s=size, color=colour, alpha=0.6, lw=0, label=name, zorder=4)
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    axes.set_xlabel("worst while held (MAE), bps against you")
    axes.set_ylabel("best while held (MFE), bps")
    lost = seen[seen["net_bps"] <= 0]
    ahead = int((lost["mfe_bps"] > -lost["mae_bps"]).sum())
    if len(seen):
        axes.legend(frameon=False, fontsize=9.5, title="ended by", title_fontsize=9.5)
    words = f"{len(seen)} of {len(fills)} seen to their end; {ahead} of {len(lost)} that lost had been further ahead"
    head(axes, "What they went through", words)


def _bands(axes: Axes, name: str, table: pd.DataFrame) -> None:
    shown = table.iloc[::-1]
    at = np.arange(len(shown))
    axes.axvline(0, color=INK, lw=1)
    for place, row in zip(at, shown.to_dict("records"), strict=True):
        colour = BLUE if row["net_bps"] >= 0 else ORANGE
        if math.isfinite(row["low_bps"]):
            axes.plot([row["low_bps"], row["high_bps"]], [place, place], color=colour, lw=2, alpha=0.45)
        axes.plot(
            [row["net_bps"]], [place], "o", markersize=7, mec=colour, mfc="white" if row["fills"] < FEW else colour
        )
    labels = [f"{str(row[name])[:26]}  n {row['fills']:,}" for row in shown.to_dict("records")]
    axes.set_yticks(at, labels)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(_signed))
    head(axes, f"By {name}")


def _months(axes: Axes, months: Sequence[UnseenFold]) -> None:
    title = "Walking forward: months by what earlier ones taught"
    if not months:
        say(axes, title, "too few days before any month")
        return
    sums = [float(fold.sums.sum()) for fold in months]
    axes.bar(range(len(sums)), sums, color=[GREEN if each >= 0 else RED for each in sums], alpha=0.75, width=0.6)
    for place, fold in enumerate(months):
        told = "idle" if fold.idle else f"n {fold.fills.sum():,.0f}"
        up = sums[place] >= 0
        axes.annotate(told, (place, sums[place]), (0, 4 if up else -13), textcoords="offset points", ha="center",
                      size=9, color=FAINT)  # fmt: skip
    axes.axhline(0, color=FAINT, lw=0.9)
    every = max(1, -(-len(months) // 12))
    axes.set_xticks(range(0, len(months), every), [fold.name for fold in months][::every], rotation=45, ha="right")
    axes.yaxis.set_major_formatter(FuncFormatter(_signed))
    axes.margins(y=0.18)
    axes.set_ylabel("net of a month, bps of a position")
    gained = sum(each > 0 for each in sums)
    head(axes, title, f"{gained} of {len(months)} gained, in {sum(fold.idle for fold in months)} nothing stood out")


def _halves(axes: Axes, halves: Halves) -> None:
    title = "The best of one half of the days, in the other"
    if not halves.rank.size:
        say(axes, title, "too few days to be split")
        return
    few = slice(None, None, max(1, len(halves.seen) // 1500))
    axes.axhline(0, color=INK, lw=1)
    axes.scatter(halves.seen[few], halves.unseen[few], s=7, color=BLUE, alpha=0.25, lw=0)
    axes.set_xlabel("Sharpe ratio by day where it was chosen")
    axes.set_ylabel("Sharpe ratio by day in the other half")
    words = (
        f"CSCV: {(halves.unseen <= 0).mean():.0%} of {len(halves.seen):,} choices lose there; "
        f"{(halves.rank <= 0.5).mean():.0%} fall to the median or below (PBO)"
    )
    head(axes, title, words)


def _signed(value: float, _: object) -> str:
    return f"{value:+,.0f}" if value else "0"


def _plain(value: float, _: object) -> str:
    return f"{value:,.0f}"
