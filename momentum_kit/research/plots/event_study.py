"""Pictures of an event study: what the tape did around the headline, and what a buyer would have had, net of costs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator

from momentum_kit.errors import ResearchError
from momentum_kit.research.event_study import AbnormalReturns
from momentum_kit.research.plots.style import BLUE, GREEN, GREY, INK, ORANGE, RED, STYLE, UNKNOWN, Picture, head

COLOURS = (BLUE, ORANGE, GREEN, RED, "#cc79a7", "#56b4e9", GREY, INK)
LINES = ("-", "--")
MOST_GROUPS = len(COLOURS) * len(LINES)
TICKS = {-900: "-15 min", -60: "-1 min", 0: "0", 10: "10 s", 60: "1 min", 300: "5 min", 900: "15", 3600: "60 min"}
Look = dict[str, Any]
ORDERED = ("price", "shock")
LINEAR_S = 10.0  # the axis is linear this close to the headline and logarithmic beyond


def event_study_plot(found: AbnormalReturns, net: pd.DataFrame | None = None, exit_name: str = "live") -> Picture:
    """Mean abnormal return around the headline by group, with bands by day, volume below, and net returns beside.

    net: of net_by_delay with the same groups, None for no such panel. With several groups only the
    means are drawn. Raises ResearchError for more groups than can be told apart.
    """
    names = found.groups["group"].tolist()
    if len(names) > MOST_GROUPS:
        raise ResearchError(f"plot: {len(names)} groups; {MOST_GROUPS} can be told apart: select some first")
    looks = {name: _look(at, len(names), found.by) for at, name in enumerate(names)}
    with rc_context(STYLE):
        figure = Picture(figsize=(12.5 if net is not None else 8.5, 6.2), layout="constrained")
        grid = figure.add_gridspec(2, 2 if net is not None else 1, height_ratios=(2.4, 1))
        upper = figure.add_subplot(grid[0, 0])
        lower = figure.add_subplot(grid[1, 0], sharex=upper)
        _curves(upper, found, looks)
        _volume(lower, found, looks)
        _time_axis(lower)
        upper.tick_params(labelbottom=False)
        head(upper, f"Around the headline{_by(found.by)}", _words(found))
        if len(names) > 1:
            figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
        if net is not None:
            _net(figure.add_subplot(grid[:, 1]), net, looks, exit_name)
    return figure


def _curves(axes: Axes, found: AbnormalReturns, looks: dict[str, Look]) -> None:
    axes.axvspan(found.curves["offset_s"].min(), 0, color=UNKNOWN, lw=0)
    axes.axhline(0, color=INK, lw=1)
    axes.axvline(0, color=INK, lw=1)
    counts = found.groups.set_index("group")["events"]
    for name, curve in found.curves.groupby("group", sort=False):
        if len(looks) == 1:
            axes.fill_between(curve["offset_s"], curve["low_bps"], curve["high_bps"], color=BLUE, alpha=0.18, lw=0)
        label = f"{name} (n {counts[name]:,})"
        axes.plot(curve["offset_s"], curve["mean_bps"], lw=2, **looks[str(name)], label=label)
    axes.set_ylabel("mean abnormal return, bps")


def _volume(axes: Axes, found: AbnormalReturns, looks: dict[str, Look]) -> None:
    axes.axvspan(found.curves["offset_s"].min(), 0, color=UNKNOWN, lw=0)
    axes.axhline(1, color=INK, lw=1)
    axes.axvline(0, color=INK, lw=1)
    for name, curve in found.curves.groupby("group", sort=False):
        axes.plot(curve["offset_s"], curve["volume_ratio"], lw=2, **looks[str(name)])
    axes.set_ylabel("volume, x usual")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, prune="lower"))  # its 0 would touch the time axis


def _time_axis(axes: Axes) -> None:
    axes.set_xscale("symlog", linthresh=LINEAR_S, linscale=1.0)
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(TICKS), max(TICKS))
    axes.set_xlabel("time since the headline was published")


def _net(axes: Axes, net: pd.DataFrame, looks: dict[str, Look], exit_name: str) -> None:
    axes.axhline(0, color=INK, lw=1)
    for name, curve in net.groupby("group", sort=False):
        if len(looks) == 1:
            axes.fill_between(curve["delay_s"], curve["low_bps"], curve["high_bps"], color=BLUE, alpha=0.18, lw=0)
        axes.plot(
            curve["delay_s"], curve["mean_bps"], **looks.get(str(name), {"color": GREY}), lw=2, marker="o", markersize=3
        )
    axes.set_xlabel("bought so many seconds after the headline was received")
    axes.set_ylabel("mean net return of a fill, bps")
    bands = ", 95% bands by day" if len(looks) == 1 else ""
    words = f"exit {exit_name}{bands}; at most {net['fills'].max():,} fills\nat zero the costs are paid back"
    head(axes, "Bought without any rule, net of costs", words)


def _look(at: int, groups: int, by: str) -> Look:
    """Colour and dash of a group: from pale to dark where the groups have an order."""
    if by in ORDERED and groups > 1:
        return {"color": str(to_hex(colormaps["cividis_r"](0.15 + 0.85 * at / (groups - 1))))}
    return {"color": COLOURS[at % len(COLOURS)], "linestyle": LINES[at // len(COLOURS)]}


def _by(by: str) -> str:
    return f", by {by}" if by not in ("", "all") else ""


def _words(found: AbnormalReturns) -> str:
    total, days = int(found.groups["events"].sum()), int(found.groups["days"].max())
    lines = [f"{total:,} events, {days} days; before any cost: the tape, not a profit"]
    if len(found.groups) == 1:
        group = found.groups.iloc[0]
        p = "not known" if np.isnan(group["drift_before_p"]) else f"p {group['drift_before_p']:.2f}"
        lines.append(f"95% bands by day; drift in the 15 min before: {group['drift_before_bps']:+.1f} bps ({p})")
    return "\n".join([*lines, *([" | ".join(found.marks)] if found.marks else [])])
