"""How the timeline looks, in the colours and fonts of every plot of the kit: shapes of verdicts and time labels."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, date2num
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from momentum_kit.notebook import tables
from momentum_kit.notebook.timeline.stories import Story
from momentum_kit.research.plots import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED
from momentum_kit.sessions import NEW_YORK

SKY = "#56b4e9"
DAY_S = 86_400
LONGEST_GAP = pd.Timedelta(minutes=3)
STEPS_S = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLook:
    """Colour, marker and words of one verdict; told apart by shape as well."""

    color: str
    marker: str
    size: float
    label: str
    edge: float = 0.0


VERDICTS = {
    "entry": VerdictLook(color=BLUE, marker="^", size=9.0, label="bought"),
    "refused": VerdictLook(color=ORANGE, marker="D", size=6.5, label="signal refused by risk"),
    "skip": VerdictLook(color=GREY, marker="o", size=6.5, label="no signal"),
    "undecided": VerdictLook(color=SKY, marker="s", size=6.5, label="undecided at the end"),
    "unheard": VerdictLook(color="#b4bec8", marker="x", size=6.0, label="headline not judged", edge=1.6),
}


def legend_handle(verdict: str) -> Line2D:
    """What a legend shows for a verdict."""
    look = VERDICTS[verdict]
    return Line2D([], [], color=look.color, marker=look.marker, markersize=look.size, linestyle="", label=look.label,
                  markeredgewidth=look.edge)  # fmt: skip


def in_new_york(at: pd.Timestamp) -> pd.Timestamp:
    """The same moment on the exchange's clock."""
    return at.tz_convert(NEW_YORK)


def numbers(times: Iterable[pd.Timestamp]) -> list[float]:
    """Times as matplotlib counts them: days, in UTC. No converter of pandas' has to be registered for that."""
    naive = pd.DatetimeIndex(pd.to_datetime(list(times), utc=True)).tz_localize(None)
    days = date2num(naive.to_numpy())  # type: ignore[no-untyped-call]  # matplotlib leaves these two unannotated
    return [float(day) for day in days]


def unbroken(at: tables.Series, values: tables.Series) -> tuple[list[float], NDArray[np.float64]]:
    """A line's points, with nan where nothing was recorded for a while: no stroke across what nobody watched."""
    before = at[at.diff() > LONGEST_GAP].index
    times = pd.concat([at, at[before] - LONGEST_GAP / 2])
    heights = pd.concat([values, pd.Series(np.nan, index=before)])
    order = np.argsort(times.to_numpy(), kind="stable")
    return numbers(times.iloc[order]), heights.iloc[order].to_numpy(dtype=float)


def label_times(axes: Axes, most: int, label: str) -> None:
    """New York clock times below an axis whose limits are set, at most so many."""
    first_s, last_s = (limit * DAY_S for limit in axes.get_xlim())
    step_s = next((step for step in STEPS_S if (last_s - first_s) / step < most), DAY_S)
    ticks_s = np.arange(np.ceil(first_s / step_s) * step_s, last_s, step_s)
    axes.set_xticks(ticks_s / DAY_S)
    form = "%H:%M" if step_s >= 60 else "%H:%M:%S"
    axes.xaxis.set_major_formatter(DateFormatter(form, tz=NEW_YORK))  # type: ignore[no-untyped-call]
    axes.set_xlabel(label)


def gain_color(value: float) -> str:
    """Blue-green for a gain, vermilion for a loss, grey for what is not known."""
    return GREY if value != value else GREEN if value >= 0 else RED


def gain(story: Story) -> str:
    """What a bought story brought, in words."""
    if story.net_usd != story.net_usd:
        return "still held" if len(story.fills) else "not filled"
    return f"{story.net_usd:+,.0f} USD"


def draw_fills(axes: Axes, story: Story, heights: tables.Series) -> None:
    """Buys as blue triangles up, sales as dark triangles down, at one height a fill."""
    for side, marker, color in (("BUY", "^", BLUE), ("SELL", "v", INK)):
        own = story.fills["side"] == side
        axes.plot(numbers(story.fills["time"][own]), heights[own].to_numpy(), linestyle="", marker=marker, color=color,
                  markersize=9, markeredgecolor="white", zorder=6)  # fmt: skip


def name_axes(axes: Axes, title: str, unit: str) -> None:
    """Title above, unit beside."""
    axes.set_title(title, loc="left", size=13, weight="bold", color=INK, pad=8)
    axes.set_ylabel(unit)


def caption(axes: Axes, words: str) -> None:
    """A small line above the axes, on the right."""
    axes.text(1, 1.025, words, transform=axes.transAxes, ha="right", va="bottom", size=9.5, color=FAINT)


def say(axes: Axes, words: str) -> None:
    """Fill empty axes with the reason why they are."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", size=13, color=FAINT)
    axes.set_yticks([])
    axes.grid(visible=False)
